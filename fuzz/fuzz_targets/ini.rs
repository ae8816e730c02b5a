//! An INI inventory of any content is read or refused, and what was read can be shown.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roundsman::commands::inventory::{graph, host, list};
use roundsman::inventory::load;

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));

fuzz_target!(|text: &[u8]| {
    // A script is run, not read.
    if text.starts_with(b"#!") {
        return;
    }
    let file = DIR.path().join("hosts.ini");
    fs::write(&file, text).expect("a file");
    if let Ok(loaded) = load(&[file.display().to_string()], None) {
        let _ = (list(&loaded.inventory), graph(&loaded.inventory));
        for name in loaded.inventory.hosts().take(10) {
            let _ = host(&loaded.inventory, name);
        }
    }
});
