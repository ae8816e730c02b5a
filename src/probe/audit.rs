//! What an audit asks of a broker, once it is known where it keeps what.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::discovery::{Found, Given};
use super::log_grep::Journal;
use super::{Probe, Question, log_grep};
use crate::round::Broker;

/// How an audit of one host is to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    pub given: Given,
    pub since: Option<Timestamp>,
    /// Log files that were last written longer ago hold nothing of interest.
    pub newer_than_minutes: Option<u64>,
    /// Of each probe.
    pub deadline: Duration,
    /// Bytes that each probe may bring, and those of log lines.
    pub limit: usize,
    pub log_limit: usize,
    /// What an earlier round read of this machine's logs.
    pub earlier: Vec<Arc<log_grep::Earlier>>,
    /// See [`log_grep::Question::fence`].
    pub fence: String,
}

impl Audit {
    /// The directories whose top files are read: the log dirs, and the metadata log's where it has its own.
    pub fn dirs(&self, broker: &Broker) -> Vec<String> {
        let mut dirs = broker.log_dirs.clone();
        dirs.extend(broker.metadata_dir.iter().filter(|dir| !broker.log_dirs.contains(dir)).cloned());
        dirs
    }

    /// The second batch of questions.
    pub fn probes(&self, found: &Found) -> Vec<Probe> {
        let dirs = self.dirs(&found.broker);
        let mut questions = Vec::new();
        if !dirs.is_empty() {
            let paths = dirs.iter().map(|dir| format!("{}/*", dir.trim_end_matches('/'))).collect();
            questions.push(Question::DiskUsage { paths });
            let mut paths = dirs;
            // A full disk under its logs stops a broker's logging, and often the broker.
            paths.extend(found.broker.logs_dir.clone());
            questions.push(Question::DiskFree { paths });
        }
        let unit = found.broker.unit.clone();
        if !found.logs.is_empty() || unit.is_some() {
            let since = self.since.map(|since| since.as_second());
            let grep = log_grep::Question {
                files: found.logs.clone(),
                if_present: found.logs_if_present.clone(),
                pattern: log_grep::KAFKA.to_owned(),
                newer_than_minutes: self.newer_than_minutes,
                limit: self.log_limit,
                journal: unit.map(|unit| Journal { unit, since }),
                earlier: None,
                fence: self.fence.clone(),
            };
            questions.push(Question::LogGrep(grep.going_on_from(&self.earlier)));
        }
        let limit = |question: &Question| match question {
            Question::LogGrep(grep) => grep.limit,
            _ => self.limit,
        };
        let probe = |question| Probe { limit: limit(&question), question, deadline: self.deadline };
        questions.into_iter().map(probe).collect()
    }

    /// A broker as it might be found, for `--dry-run`: where the inventory gives nothing, Kafka's own names.
    pub fn example(&self) -> Found {
        let or = |given: &[String], name: &str| {
            if given.is_empty() { vec![name.to_owned()] } else { given.to_vec() }
        };
        let logs_dir = self.given.logs_dir.clone().unwrap_or_else(|| "/KAFKA_LOGS_DIR".to_owned());
        Found {
            broker: Broker {
                log_dirs: or(&self.given.log_dirs, "/LOG_DIR"),
                logs_dir: Some(logs_dir.clone()),
                unit: Some("kafka.service".to_owned()),
                ..Broker::default()
            },
            logs: vec![format!("{logs_dir}/server.log*")],
            ..Found::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit() -> Audit {
        Audit {
            given: Given::default(),
            since: None,
            newer_than_minutes: None,
            deadline: Duration::from_secs(1),
            limit: 1,
            log_limit: 1,
            earlier: Vec::new(),
            fence: "rmfence".to_owned(),
        }
    }

    #[test]
    fn nothing_is_asked_about_what_was_not_found() {
        assert_eq!(audit().probes(&Found::default()), []);
        let names: Vec<&str> = audit().probes(&audit().example()).iter().map(Probe::name).collect();
        assert_eq!(names, ["disk_usage", "disk_free", "log_grep"]);
    }

    #[test]
    fn the_metadata_log_has_its_own_directory() {
        let broker =
            Broker { log_dirs: vec!["/a".into()], metadata_dir: Some("/m".into()), ..Broker::default() };
        assert_eq!(audit().dirs(&broker), ["/a", "/m"]);
    }

    #[test]
    fn the_pattern_is_one_that_every_grep_takes() {
        assert_eq!(crate::playbook::ere::complaint(&crate::kafka::catalogue::prefilter()), None);
    }
}
