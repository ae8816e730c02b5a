//! A playbook of any content is read or refused, and the refusal has its place.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use roundsman::playbook::Playbook;

fuzz_target!(|text: &str| {
    if let Err(refusal) = Playbook::parse(Path::new("p.yml"), text.to_owned()) {
        assert!(refusal.to_string().starts_with("p.yml"));
    }
});
