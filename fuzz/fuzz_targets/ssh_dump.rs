//! Whatever `ssh -G` prints can be read, and compared with its defaults.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::ssh_config::{Dump, Keyword};

fuzz_target!(|text: &str| {
    let dump = Dump::parse(text);
    let wish = dump.beyond(&dump);
    assert!(Keyword::all().all(|keyword| wish.values(keyword).is_empty()));
});
