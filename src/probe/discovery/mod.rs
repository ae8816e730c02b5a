//! What of Kafka is on a node: processes, units, installations, in this order; what each says of itself.
//!
//! The script is sent whole before anything is known of the node; what it prints has passed an allow-list
//! there. Nothing reads an environment, and of a command line only what is listed leaves the node.

mod log4j;
mod settle;

use crate::round::{Broker, Coverage, Evidence, ProbeAnswer};
use crate::shell::answer::Answer;

pub use settle::settle;

/// What the inventory says, which stands above what is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// `kafka_log_dirs`.
    pub log_dirs: Vec<String>,
    /// `kafka_logs_dir`.
    pub logs_dir: Option<String>,
    /// `kafka_broker_id`.
    pub broker_id: Option<i64>,
    /// `kafka_cluster`.
    pub cluster: Option<String>,
}

/// A broker or controller, running or not, and where to look next.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub broker: Broker,
    /// Its log files, as globs; one of each is expected to be there.
    pub logs: Vec<String>,
    /// Globs of log files that not every broker has.
    pub logs_if_present: Vec<String>,
    /// log4j writes to standard output alone.
    pub console: bool,
    /// `-Duser.timezone`: the zone that its log is written in, where it is not the node's.
    pub zone: Option<String>,
    /// What could not be found out.
    pub gaps: Vec<Coverage>,
}

/// The script; its comments stay here.
pub fn script() -> String {
    let lines = include_str!("discovery.sh").lines().filter(|line| !line.starts_with("# "));
    lines.collect::<Vec<_>>().join("\n")
}

/// What was looked for, for somebody whose Kafka was not found.
pub const LOOKED_FOR: &str = "no process of Kafka, no systemd unit *kafka*.service, nothing in the usual places \
    (/opt, /usr/local, /srv, /etc/kafka, /var/lib/kafka …): set kafka_log_dirs and kafka_logs_dir in the inventory, \
    or become root with -b to see other users' processes";

/// The same where root looked and the inventory expects nothing: an answer, and no gap.
pub const NOTHING_HERE: &str = "no Kafka here: no process of it, no systemd unit *kafka*.service, nothing in the usual \
    places, and root looked; if there is one, set kafka_log_dirs and kafka_logs_dir in the inventory";

/// The row of a host that was never asked.
pub fn unasked() -> ProbeAnswer {
    let coverage = vec![Coverage::none("kafka", "it was not asked: the visit ended before")];
    ProbeAnswer { play: 0, probe: "discovery".to_owned(), evidence: Evidence::None, coverage, seconds: 0.0 }
}

/// The row of a host that was asked; what was found stands in [`crate::round::Visit::broker`].
pub fn row(mut coverage: Vec<Coverage>, seconds: f64) -> ProbeAnswer {
    if coverage.is_empty() {
        coverage.push(Coverage::complete("kafka"));
    }
    ProbeAnswer { play: 0, probe: "discovery".to_owned(), evidence: Evidence::Facts, coverage, seconds }
}

/// One thing that was found, with all lines about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Section {
    kind: Kind,
    /// PID, unit, file or directory.
    name: String,
    /// Letter and value.
    lines: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Process,
    Unit,
    Install,
    /// A `server.properties`.
    Config,
    /// A directory with `meta.properties`.
    Data,
}

/// What the script printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    sections: Vec<Section>,
    /// Directories that hold a `server.log`.
    logs: Vec<String>,
    oom: Vec<String>,
    /// When the kernel started, seconds since 1970.
    boot: Option<i64>,
    /// Other users' processes can be seen.
    processes_seen: bool,
    /// Nothing can have been hidden from who asked.
    root: bool,
    whole: bool,
}

impl Section {
    fn all<'a>(&'a self, letter: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(key, _)| key == letter).map(|(_, value)| value.as_str())
    }

    fn first(&self, letter: &str) -> Option<&str> {
        self.lines.iter().find(|(key, _)| key == letter).map(|(_, value)| value.as_str())
    }
}

/// Parts the answer into sections. Lines before any section are dropped.
fn read(answer: &Answer) -> Seen {
    let mut seen = Seen::default();
    let mut tail = false;
    for line in answer.lines() {
        let (letter, value) = line.split_once(' ').unwrap_or((&line, ""));
        let kind = match letter {
            "B" => Kind::Process,
            "U" => Kind::Unit,
            "I" => Kind::Install,
            "F" => Kind::Config,
            "D" => Kind::Data,
            "X" if value.is_empty() => {
                tail = true;
                continue;
            }
            "E" if value.is_empty() => {
                seen.whole = true;
                continue;
            }
            "H" if value == "root" => {
                seen.root = true;
                continue;
            }
            "H" => {
                seen.processes_seen = true;
                continue;
            }
            "Y" if tail => {
                seen.logs.push(value.to_owned());
                continue;
            }
            "k" if tail => {
                seen.oom.push(value.to_owned());
                continue;
            }
            "t" if tail => {
                seen.boot = value.parse().ok();
                continue;
            }
            _ => {
                if let (Some(section), false) = (seen.sections.last_mut(), tail) {
                    section.lines.push((letter.to_owned(), value.to_owned()));
                }
                continue;
            }
        };
        seen.sections.push(Section { kind, name: value.to_owned(), lines: Vec::new() });
    }
    seen
}
