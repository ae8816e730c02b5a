//! What a record of a broker's log says, typed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::kafka::{catalogue, record};
use crate::round::{Evidence, LogFile, LogRecord, Round, Visit};

/// One thing that happened on one broker, read from one log record.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The host whose log it is.
    pub host: String,
    /// Absolute, when the node's zone is known: Kafka writes local time without a zone.
    pub at: Option<Timestamp>,
    /// As it stands in the log.
    pub at_raw: String,
    pub file: String,
    /// From 1.
    pub line: u64,
    pub level: Level,
    pub class: Class,
    /// The header line as it came.
    pub text: String,
    /// The exception's own lines (`…Exception: …`, `Caused by: …`), the innermost last.
    pub causes: Vec<String>,
    pub lossy: bool,
    pub truncated: bool,
}

/// log4j's levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
    /// The line has no header that we know.
    Unknown,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: u32,
}

/// What the record is about. The catalogue grows here.
#[derive(Debug, Clone, PartialEq)]
pub enum Class {
    /// A follower's fetch position is outside of its leader's log, or was reset to its end or start.
    FetchReset {
        of: TopicPartition,
        /// The leader's broker id.
        leader: i64,
        from: Option<u64>,
        to: u64,
        /// `false`: the leader's end (a truncation); `true`: the leader's start (a re-fetch);
        /// `None`: the line does not say.
        to_start: Option<bool>,
    },
    /// The high watermark went back: committed records were cut.
    HighWatermarkBack { of: TopicPartition, from: u64, to: u64 },
    /// The log was cut to an offset.
    Truncated { of: TopicPartition, to: u64, leader: Option<i64> },
    /// The cleaner thread died.
    CleanerDied { thread: u32 },
    /// One partition was marked as uncleanable (2.1 and later).
    Uncleanable { of: TopicPartition },
    /// The cleaner finished a partition: it is alive.
    CleanerWorked { of: TopicPartition },
    /// The cleaner took a partition up: the last one before a death is the one it died on.
    CleanerBegan { of: TopicPartition },
    /// A cleaner thread started, with its broker or after a change of its settings (1.1 and later).
    CleanerStarted { thread: u32 },
    /// The broker started.
    Started { broker: Option<i64> },
    /// The version that the broker's start line names.
    Version { version: String },
    /// A leader was elected that was not in sync.
    UncleanElection { of: Option<TopicPartition>, leader: i64 },
    /// The controller gave a partition a leader and an ISR (ZooKeeper mode, 1.1 to 3.9): an unclean
    /// election stands in no line of its own there.
    LeaderElected { of: TopicPartition, leader: i64, isr: Vec<i64>, from_offline: bool },
    /// Known, and nothing to worry about, whatever its level.
    Harmless { why: &'static str },
    /// Nothing that the catalogue knows.
    Other,
}

/// Everything that the logs of a round say: oldest first, those without a known time last, by host,
/// file and line.
///
/// A line that two probes found counts once, and so does the copy of a line in the file that the
/// standard output goes to.
pub fn events(round: &Round) -> Vec<Event> {
    let mut events: Vec<Event> = round.visits.iter().flat_map(of_visit).collect();
    events.sort_by(|one, other| {
        (one.at.is_none(), one.at)
            .cmp(&(other.at.is_none(), other.at))
            .then_with(|| one.host.cmp(&other.host))
            .then_with(|| one.file.cmp(&other.file))
            .then_with(|| one.line.cmp(&other.line))
    });
    events
}

/// The events of one host, each once.
fn of_visit(visit: &Visit) -> Vec<Event> {
    let mut records: Vec<(&LogFile, &LogRecord)> = Vec::new();
    for answer in &visit.probes {
        let Evidence::LogGrep(grep) = &answer.evidence else { continue };
        // A record of a file that is not listed can have no place; none should exist.
        let placed = grep.records.iter().filter_map(|record| {
            usize::try_from(record.file).ok().and_then(|file| grep.files.get(file)).map(|file| (file, record))
        });
        records.extend(placed);
    }
    // Of two readings of one line the one with more of its stack trace comes first and is kept.
    records.sort_by(|(file, record), (other_file, other)| {
        is_copy(&file.path)
            .cmp(&is_copy(&other_file.path))
            .then_with(|| file.path.cmp(&other_file.path))
            .then_with(|| record.line.cmp(&other.line))
            .then_with(|| other.continuation.len().cmp(&record.continuation.len()))
    });
    records.dedup_by(|(file, record), (kept_file, kept)| {
        record.line == kept.line && file.path == kept_file.path && record.text == kept.text
    });
    let clock = visit.facts.as_ref().and_then(|facts| facts.clock);
    let zone = clock.map(|clock| clock.zone_s).or(visit.log_zone_s);
    let mut elsewhere: HashMap<u64, &str> = HashMap::new();
    let mut events = Vec::with_capacity(records.len());
    for (file, record) in records {
        let mut hasher = DefaultHasher::new();
        record.text.hash(&mut hasher);
        // Records carry milliseconds: the same text in another file of the host is the same record.
        let first = *elsewhere.entry(hasher.finish()).or_insert(&file.path);
        if first == file.path || record::header(&record.text).is_none() {
            events.push(event(visit, file, record, zone));
        }
    }
    events
}

/// Whether a file holds copies of what other files hold: log4j's stdout appender is the root logger's.
fn is_copy(path: &str) -> bool {
    path.contains(".out") || path.contains("journal") || path.contains("stdout")
}

fn event(visit: &Visit, file: &LogFile, record: &LogRecord, zone: Option<i32>) -> Event {
    let header = record::header(&record.text);
    let level = header.map_or(Level::Unknown, |header| header.level);
    let time = header.map_or("", |header| header.time);
    Event {
        host: visit.host.clone(),
        at: record::timestamp(time, zone),
        at_raw: time.to_owned(),
        file: file.path.clone(),
        line: record.line,
        level,
        class: catalogue::classify(&record.text, &record.continuation, level),
        text: record.text.clone(),
        causes: causes(&record.continuation),
        lossy: record.lossy,
        truncated: record.truncated,
    }
}

/// The exception's own lines among those that follow a header: neither frames (`\tat …`) nor the
/// indented lines of cleaner statistics.
fn causes(continuation: &[String]) -> Vec<String> {
    continuation
        .iter()
        .filter(|line| {
            !line.is_empty()
                && (!line.starts_with(['\t', ' ', '(']) || line.trim_start().starts_with("Caused by:"))
        })
        .map(|line| line.trim().to_owned())
        .collect()
}
