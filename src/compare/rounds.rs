//! Rounds made in memory, for tests.

use std::sync::Arc;

use jiff::Timestamp;

use crate::round::*;

/// A round of one play over all hosts, in which nothing has been seen yet.
pub fn round(hosts: Vec<Visit>) -> Round {
    Round {
        version: "0".into(),
        plays: vec![Play { name: "brokers".into(), hosts: "all".into(), ..Play::default() }],
        visits: hosts,
        ..Round::blank("test", Timestamp::UNIX_EPOCH)
    }
}

/// A host that was reached.
pub fn host(name: &str) -> Visit {
    Visit {
        address: format!("{name}:22"),
        user: "ops".into(),
        plays: vec![0],
        attempts: 1,
        seconds: 0.1,
        facts: Some(Facts {
            clock: Some(Clock { offset_s: 0.0, uncertainty_s: 0.01, zone_s: 0, zone_name: None }),
            log_dirs: vec![LogDir { path: DIR.into(), access: Access::Readable, ..LogDir::default() }],
            ..Facts::default()
        }),
        ..Visit::blank(name, Outcome::Ok)
    }
}

/// The log dir of hosts made here.
pub const DIR: &str = "/services/kafka";

/// A replica with one segment for each begun GiB.
pub fn replica(topic: &str, partition: u32, log_bytes: u64) -> Replica {
    Replica {
        topic: Arc::from(topic),
        partition,
        allocated_bytes: log_bytes,
        log_bytes,
        segments: u32::try_from(log_bytes >> 30).unwrap_or(0) + 1,
        first_base: Some(0),
        last_base: Some(0),
        ..Replica::default()
    }
}

pub fn checkpoints(entries: &[(&str, u32, u64)]) -> Vec<Checkpoint> {
    let entry = |(topic, partition, offset): &(&str, u32, u64)| Checkpoint {
        topic: Arc::from(*topic),
        partition: *partition,
        offset: *offset,
    };
    entries.iter().map(entry).collect()
}

impl Visit {
    /// What lies in the log dir.
    pub fn disk(self, replicas: Vec<Replica>) -> Self {
        self.disk_at(DIR, DIR, replicas)
    }

    /// What lies under a path of a log dir.
    pub fn disk_at(mut self, path: &str, dir: &str, replicas: Vec<Replica>) -> Self {
        self.probes.push(ProbeAnswer {
            play: 0,
            probe: "disk_usage".into(),
            evidence: Evidence::DiskUsage(DiskUsage {
                log_dirs: vec![dir.into()],
                replicas,
                ..DiskUsage::default()
            }),
            coverage: vec![Coverage::complete(path)],
            seconds: 0.0,
        });
        self
    }

    /// Records of a log, one a line from line 1; a line that starts with a tab or an exception's name
    /// belongs to the record before.
    pub fn log(mut self, path: &str, lines: &[&str]) -> Self {
        let mut records: Vec<LogRecord> = Vec::new();
        for (line, text) in (1..).zip(lines) {
            match records.last_mut() {
                Some(last) if !crate::kafka::record::is_header(text) => {
                    last.continuation.push((*text).into())
                }
                _ => records.push(LogRecord {
                    file: 0,
                    line,
                    text: (*text).into(),
                    continuation: Vec::new(),
                    lossy: false,
                    truncated: false,
                }),
            }
        }
        self.probes.push(ProbeAnswer {
            play: 0,
            probe: "log_grep".into(),
            evidence: Evidence::LogGrep(LogGrep {
                pattern: "ERROR|WARN".into(),
                files: vec![LogFile {
                    path: path.into(),
                    access: Access::Readable,
                    beyond: 0,
                    ..LogFile::default()
                }],
                records,
                ..LogGrep::default()
            }),
            coverage: vec![Coverage::complete(path)],
            seconds: 0.0,
        });
        self
    }

    /// The first log dir, to be filled.
    pub fn dir(mut self, fill: impl FnOnce(&mut LogDir)) -> Self {
        fill(&mut self.facts.as_mut().unwrap().log_dirs[0]);
        self
    }

    pub fn high_watermarks(self, entries: &[(&str, u32, u64)]) -> Self {
        self.dir(|dir| dir.high_watermarks = Some(checkpoints(entries)))
    }

    pub fn first_dirty(self, entries: &[(&str, u32, u64)]) -> Self {
        self.dir(|dir| dir.first_dirty = Some(checkpoints(entries)))
    }

    /// A host that was not reached.
    pub fn gone(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self.reason = Some("connection refused".into());
        self.facts = None;
        self.probes.clear();
        self
    }
}
