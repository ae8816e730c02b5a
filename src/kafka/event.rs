//! What a record of a broker's log says, typed.

use jiff::Timestamp;

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
    /// The broker started.
    Started { broker: Option<i64> },
    /// The version that the broker's start line names.
    Version { version: String },
    /// A leader was elected that was not in sync.
    UncleanElection { of: Option<TopicPartition>, leader: i64 },
    /// Known, and nothing to worry about, whatever its level.
    Harmless { why: &'static str },
    /// Nothing that the catalogue knows.
    Other,
}
