//! Any text is a configuration that applies to some hosts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::ssh_config::{Document, Keyword, Who};

fuzz_target!(|text: &str| {
    let document = Document::of_text(text);
    for (host, user) in [("node", None), ("a.b", Some("ops")), ("2001:db8::1", None)] {
        let walk = document.walk(&Who { host, user, hostname: None, local_user: "me" });
        for keyword in Keyword::all() {
            let _ = walk.values(keyword);
        }
    }
});
