//! What of each broker's log dirs was looked at: only what everybody was asked for can be missing.

use std::collections::BTreeSet;

use crate::compare::Topic;
use crate::round::{CoverageStatus, Evidence, Visit, glob_matches};

/// What was seen of one broker's replica directories.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Looked<'a> {
    log_dirs: BTreeSet<&'a str>,
    /// The paths, globs or not, that were seen completely.
    paths: BTreeSet<&'a str>,
    /// The host answered about its disks and nothing that was asked is missing.
    pub whole: bool,
    /// Somebody brought sizes of replicas: what they do not show may be there all the same.
    pub brought: bool,
}

impl<'a> Looked<'a> {
    pub fn of(visit: &'a Visit) -> Self {
        let mut looked =
            Looked { log_dirs: BTreeSet::new(), paths: BTreeSet::new(), whole: false, brought: false };
        let facts = visit.facts.iter().flat_map(|facts| &facts.log_dirs);
        looked.log_dirs.extend(facts.map(|dir| trimmed(&dir.path)));
        let (mut answered, mut missing) = (false, false);
        looked.brought = visit
            .probes
            .iter()
            .any(|answer| answer.brought() && matches!(answer.evidence, Evidence::DiskUsage(_)));
        // What somebody brought says nothing of what it leaves out.
        let ours = visit.probes.iter().filter(|answer| !answer.brought());
        for answer in ours.filter(|answer| is_disk(&answer.probe, &answer.evidence)) {
            if let Evidence::DiskUsage(usage) = &answer.evidence {
                answered = true;
                looked.log_dirs.extend(usage.log_dirs.iter().map(|dir| trimmed(dir)));
                // An answer without coverage rows stands for the log dirs that it names.
                if answer.coverage.is_empty() {
                    looked.paths.extend(usage.log_dirs.iter().map(|dir| trimmed(dir)));
                }
            }
            // What is missing inside a replica's directory leaves the replica itself seen.
            for row in answer.coverage.iter().filter(|row| !row.path.ends_with("/leader-epoch-checkpoint")) {
                match row.status {
                    CoverageStatus::Complete => {
                        looked.paths.insert(trimmed(&row.path));
                    }
                    CoverageStatus::Partial | CoverageStatus::None => missing = true,
                }
            }
        }
        looked.whole = visit.outcome.reached() && answered && !missing;
        if looked.log_dirs.is_empty() {
            // Nothing was found under a glob: the directory that it looks into is the log dir.
            let parents = looked.paths.iter().map(|path| match path.rsplit_once('/') {
                Some((parent, last)) if last.contains(['*', '?']) => parent,
                _ => path,
            });
            looked.log_dirs = parents.collect();
        }
        looked
    }

    /// Whether all log dirs were seen with everything in them.
    fn everything(&self) -> bool {
        self.whole && self.covers("*")
    }

    /// Whether a replica directory of this name would have been seen in every log dir.
    pub fn covers(&self, name: &str) -> bool {
        !self.log_dirs.is_empty()
            && self.log_dirs.iter().all(|dir| self.paths.iter().any(|path| reaches(path, dir, name)))
    }
}

/// Whether an answer is one about replica directories, or the lack of it.
fn is_disk(probe: &str, evidence: &Evidence) -> bool {
    matches!(evidence, Evidence::DiskUsage(_)) || probe == "disk_usage"
}

/// Whether a path, component by component, is `dir/name` or lies above it.
fn reaches(path: &str, dir: &str, name: &str) -> bool {
    let mut target = dir.split('/').chain([name]);
    // Any digit is any character here; other classes are taken as they stand and reach nothing.
    path.split('/').all(|glob| {
        target
            .next()
            .is_some_and(|part| glob_matches(glob, part) || glob_matches(&glob.replace("[0-9]", "?"), part))
    })
}

fn trimmed(path: &str) -> &str {
    if path.len() > 1 { path.trim_end_matches('/') } else { path }
}

/// All brokers of a cluster together.
pub struct Everybody<'a> {
    /// Those that were not asked for everything, each way of asking once.
    selective: BTreeSet<&'a Looked<'a>>,
    /// Every host answered, and no host is left out.
    certain: bool,
}

impl<'a> Everybody<'a> {
    pub fn of(looked: &'a [Looked<'a>], certain: bool) -> Self {
        let certain = certain && looked.iter().all(|one| one.whole);
        Everybody { selective: looked.iter().filter(|one| !one.everything()).collect(), certain }
    }

    /// Whether any replica of a topic's partitions would have been seen, whoever holds it.
    pub fn saw(&self, topic: &Topic) -> bool {
        self.certain
            && self.saw_partitions(&topic.name, topic.partitions.iter().map(|partition| partition.partition))
    }

    /// The same for partitions by number.
    fn saw_partitions(&self, topic: &str, partitions: impl Iterator<Item = u32> + Clone) -> bool {
        self.selective.iter().all(|looked| {
            looked.covers(&format!("{topic}-*"))
                || partitions.clone().all(|partition| looked.covers(&format!("{topic}-{partition}")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::reaches;

    #[test]
    fn a_path_reaches_what_lies_under_it() {
        assert!(reaches("/services/kafka", "/services/kafka", "t-0"));
        assert!(reaches("/services", "/services/kafka", "t-0"));
        assert!(reaches("/services/kafka/t-*", "/services/kafka", "t-0"));
        assert!(reaches("/data*/t-?", "/data1", "t-0"));
        assert!(!reaches("/services/kafka/t-*", "/services/kafka", "other-0"));
        assert!(reaches("/services/kafka/t-[0-9]*", "/services/kafka", "t-*"));
        assert!(!reaches("/services/kafka/t-[0-4]*", "/services/kafka", "t-*"));
        assert!(!reaches("/services/kafka/t-*/x", "/services/kafka", "t-0"));
        assert!(!reaches("/data1", "/data2", "t-0"));
        assert!(reaches("/services/kafka/*", "/services/kafka", "*"));
        assert!(!reaches("/services/kafka/t-*", "/services/kafka", "*"));
    }
}
