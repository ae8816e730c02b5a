//! A round: one run of a playbook over the fleet, as data.
//!
//! A round holds what was asked, what every host answered and what is missing. It is
//! self-contained: it can be saved, and comparison, findings and report are made from it alone,
//! without network and without today's clock.

mod cursor;
mod described;
mod evidence;
mod expect;
mod facts;
mod thresholds;
mod visit;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use cursor::{Cursor, FilePlace, Place};
pub use described::{DescribedPartition, DescribedTopic};
pub use evidence::{
    CommandOutput, Coverage, CoverageStatus, DiskUsage, Ended, Evidence, LogFile, LogGrep, LogRecord, Mount,
    PathUsage, ProbeAnswer, Replica, ReplicaDetail, ReplicaKind, Transcript,
};
pub use expect::{Expect, ExpectTopic, Gate, SizeRatio};
pub use facts::{Access, Broker, Checkpoint, Clock, Facts, Identity, LogDir};
pub use thresholds::Thresholds;
pub use visit::{Origin, Outcome, Visit};

/// The format of a saved round; it changes when an older roundsman could not read it.
pub const SCHEMA: &str = "roundsman.round/1";

/// One run of a playbook over the fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// [`SCHEMA`].
    pub schema: String,
    /// Unique: the time of the start and a random part.
    pub id: String,
    /// The version of roundsman that made it.
    pub version: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    /// The playbook as the user named it.
    pub playbook: Option<String>,
    /// The `--limit` pattern.
    pub limit: Option<String>,
    /// Whether a signal or the round's deadline ended it early.
    pub stopped: Option<Stopped>,
    /// Log lines from this time on were asked for.
    pub since: Option<Timestamp>,
    /// Log lines up to this time were asked for.
    pub until: Option<Timestamp>,
    pub plays: Vec<Play>,
    /// In the inventory's order, whatever the order of the answers.
    pub visits: Vec<Visit>,
    /// What Kafka itself says of its topics, where somebody brought it; by name.
    #[serde(default)]
    pub described: Vec<DescribedTopic>,
}

/// What ended a round before every host was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// Ctrl-C: exit status 130.
    Interrupted,
    /// SIGTERM: exit status 143.
    Terminated,
    /// The round's own deadline.
    Deadline,
}

/// What a play expects, kept with the round so that a report can be made without the playbook.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Play {
    pub name: String,
    /// The host pattern.
    pub hosts: String,
    pub expect: Expect,
    /// Globs of topics that no finding is made about.
    pub ignore_topics: Vec<String>,
    /// Hosts that the pattern named and the limit left out: neither healthy nor missing.
    pub excluded: Vec<String>,
}

impl Round {
    /// A round of which nothing but its name and its beginning is known.
    pub fn blank(id: impl Into<String>, started: Timestamp) -> Self {
        Round {
            schema: SCHEMA.to_owned(),
            id: id.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started,
            finished: started,
            playbook: None,
            limit: None,
            stopped: None,
            since: None,
            until: None,
            plays: Vec::new(),
            visits: Vec::new(),
            described: Vec::new(),
        }
    }

    /// The first play that a topic of a host falls under and its expectation there, if any.
    pub fn expectation(&self, play: usize, topic: &str) -> ExpectTopic {
        let Some(play) = self.plays.get(play) else { return ExpectTopic::default() };
        play.expect
            .topics
            .iter()
            .find(|(glob, _)| glob_matches(glob, topic))
            .map(|(_, expected)| *expected)
            .unwrap_or_default()
    }

    /// What Kafka says of a topic, where somebody brought it.
    pub fn described(&self, topic: &str) -> Option<&DescribedTopic> {
        self.described.iter().find(|described| described.topic == topic)
    }

    /// Facts by host, for those that have them.
    pub fn facts(&self) -> BTreeMap<&str, &Facts> {
        self.visits
            .iter()
            .filter_map(|visit| visit.facts.as_ref().map(|facts| (visit.host.as_str(), facts)))
            .collect()
    }
}

/// Shell-style `*` and `?` over a whole name, as topic globs in a playbook use them.
pub fn glob_matches(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.as_bytes(), name.as_bytes());
    let (mut g, mut n) = (0, 0);
    // Where to resume after the last star: its position, and how much of the name it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(b'?') => {
                g += 1;
                n += 1;
            }
            Some(byte) if *byte == name[n] => {
                g += 1;
                n += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    g = at + 1;
                    n = eaten + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn globs() {
        assert!(glob_matches("*", ""));
        assert!(glob_matches("__*", "__consumer_offsets"));
        assert!(glob_matches("*Product", "completeProduct"));
        assert!(glob_matches("a*b*c", "a-b-b-c"));
        assert!(!glob_matches("a*b*c", "a-b-b-d"));
        assert!(glob_matches("tmp-?", "tmp-1") && !glob_matches("tmp-?", "tmp-12"));
    }
}
