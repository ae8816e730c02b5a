//! A known_hosts file of any content is read: whole lines count, the rest is passed over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::ssh::listed;

fuzz_target!(|text: &str| {
    for name in ["broker-1", "[broker-1]:2222", "10.0.0.1", ""] {
        let _ = listed(text, name);
    }
});
