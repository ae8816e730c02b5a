//! Names alone, for completing a line while it is typed.

use super::graph::ALL;
use super::source::Reading;
use crate::vault::Keyring;

/// The names of an inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Each group and how many hosts are in it or below, `all` first.
    pub groups: Vec<(String, usize)>,
    /// In Ansible's order.
    pub hosts: Vec<String>,
}

/// What the sources name, as far as it can be told without running anything, asking anybody or opening a
/// vault. A source that can't be read is passed over.
pub fn names(sources: &[String]) -> Names {
    let vault = Keyring::default();
    let mut reading = Reading::new(&vault).without_programs();
    for source in sources.iter().filter(|source| !source.is_empty()) {
        // Whoever presses the key wants names, and is told what is wrong when the line is run.
        let _ = reading.source(source);
    }
    let mut graph = reading.graph;
    graph.reconcile(&mut Vec::new());
    let host = |index: usize| graph.host(index).name.clone();
    let hosts: Vec<String> = graph.hosts_below(ALL).into_iter().map(host).collect();
    if hosts.is_empty() {
        return Names::default();
    }
    let groups = graph.groups().iter().filter_map(|group| {
        let below = graph.hosts_below(graph.group_named(&group.name)?).len();
        // `ungrouped` is always there, and seldom meant.
        (below > 0 || group.name != "ungrouped").then(|| (group.name.clone(), below))
    });
    Names { groups: groups.collect(), hosts }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn of(text: &str, name: &str, mode: u32) -> Names {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(name);
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("its mode");
        names(&[file.display().to_string()])
    }

    #[test]
    fn groups_and_hosts_of_several_sources() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.yml");
        fs::write(&file, "queue:\n  hosts:\n    q[1:2]:\n  vars: {secret: !vault x}\n").expect("a file");
        let sources = [file.display().to_string(), "/no/such".to_owned(), "solo,".to_owned()];
        let found = names(&sources);
        assert_eq!(found.hosts, ["solo", "q1", "q2"]);
        let groups: Vec<(&str, usize)> =
            found.groups.iter().map(|(name, hosts)| (name.as_str(), *hosts)).collect();
        assert_eq!(groups, [("all", 3), ("ungrouped", 1), ("queue", 2)]);
    }

    #[test]
    fn no_program_is_run_and_a_vault_stays_closed() {
        let dir = tempfile::tempdir().expect("a directory");
        let trace = dir.path().join("ran");
        let script =
            format!("#!/bin/sh\ntouch {}\necho '{{\"g\": {{\"hosts\": [\"h\"]}}}}'\n", trace.display());
        assert_eq!(of(&script, "inventory", 0o755), Names::default());
        assert_eq!(of(&script, "inventory.yml", 0o755), Names::default());
        assert!(!trace.exists(), "the script ran");
        assert_eq!(of("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "hosts.yml", 0o644), Names::default());
        // On some file systems everything is executable; without `#!` the system would not run it either.
        assert_eq!(of("[g]\nh1\n", "hosts", 0o755).hosts, ["h1"]);
        assert_eq!(of("g: [", "hosts.yml", 0o644), Names::default());
    }
}
