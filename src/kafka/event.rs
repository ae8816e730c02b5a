//! What a record of a broker's log says, typed.

use jiff::Timestamp;
use serde::Serialize;

mod class;
mod detail;
mod facets;
#[cfg(test)]
pub(crate) mod samples;

pub use class::{Class, Weight};
pub use detail::{Behind, CleanerFault, CleanerStats, ConnectionTrouble, IoCause, MoveReason};

/// One thing that happened on one broker, read from one log record of a round, whose text it shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// The host whose log it is.
    pub host: &'a str,
    /// Absolute, when the node's zone is known: Kafka writes local time without a zone.
    pub at: Option<Timestamp>,
    /// Why [`Event::at`] may be wrong.
    pub uncertain: Option<Uncertain>,
    /// As it stands in the log.
    pub at_raw: &'a str,
    pub file: &'a str,
    /// From 1.
    pub line: u64,
    pub level: Level,
    pub class: Class,
    /// The header line as it came.
    pub text: &'a str,
    /// The exception's own lines (`…Exception: …`, `Caused by: …`), the innermost last.
    pub causes: Vec<String>,
    pub lossy: bool,
    pub truncated: bool,
}

impl Event<'_> {
    /// Why it happened, as far as the record says: its exception, else the line itself.
    pub fn reason(&self) -> &str {
        self.causes.first().map_or(self.text, String::as_str)
    }
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: u32,
}

/// Why a time may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertain {
    /// The clock was set back and showed this hour twice; the earlier is taken. Seconds between the two.
    Twice { apart_s: i32 },
    /// The clock was set forward over this time; it is taken as if it had not been. Seconds of the gap.
    Skipped { gap_s: i32 },
    /// On the visit the clock was so many seconds ahead, or behind if negative; what it was when the line was
    /// written nobody knows, so the line keeps its own time.
    Clock { ahead_s: i64 },
}
