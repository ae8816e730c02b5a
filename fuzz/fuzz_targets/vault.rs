//! A text of any content is taken apart or refused, and no wrong password opens it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::vault::Envelope;

fuzz_target!(|text: &str| {
    let _ = Envelope::parse(text);
    let with_header = format!("$ANSIBLE_VAULT;1.1;AES256\n{text}");
    if let Ok(envelope) = Envelope::parse(&with_header) {
        // Padding or a MAC that fits by chance would take 2^256 tries.
        assert_eq!(envelope.open(b"password"), Ok(None));
    }
});
