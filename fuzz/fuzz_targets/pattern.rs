//! A pattern selects hosts of the inventory, each once, or is refused.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roundsman::inventory::{Loaded, load};

static FLEET: LazyLock<Loaded> =
    LazyLock::new(|| load(&["kafka[01:12].dc1,kafka[01:03].dc2,bastion".to_owned()], None).expect("hosts"));

fuzz_target!(|pattern: &str| {
    let fleet = &FLEET.inventory;
    if let Ok(selection) = fleet.select(pattern, None) {
        assert!(!selection.hosts.is_empty());
        assert!(selection.hosts.iter().all(|host| fleet.has_host(host)));
        let mut once = selection.hosts.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), selection.hosts.len());
    }
});
