//! What some classes of events say more: causes, reasons, a cleaner's figures.

use serde::Serialize;

/// What the operating system said of an I/O error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IoCause {
    /// `No space left on device`.
    Full,
    /// `Disk quota exceeded`.
    Quota,
    /// `Input/output error`.
    Device,
    /// `Read-only file system`.
    ReadOnly,
    /// `Structure needs cleaning`: the file system is damaged.
    FileSystem,
    /// `Stale file handle`.
    Stale,
    /// `Too many open files`.
    Files,
    /// `Map failed`: `vm.max_map_count`.
    Maps,
    /// `Permission denied`.
    Denied,
    /// A file or directory was gone.
    Missing,
    /// A checkpoint file that is no such: torn, or of a later version.
    Malformed,
}

/// Why a follower did not reach its leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionTrouble {
    /// Disconnected before the answer was read.
    Disconnected,
    /// The fetch request could not be sent.
    NotSent,
    /// No connection within the timeout.
    Timeout,
}

/// Why KRaft's controller changed partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveReason {
    Fenced,
    Unfenced,
    Unregistered,
    UncleanShutdown,
    ControlledShutdown,
}

/// A follower that was dropped from the ISR, as the leader saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Behind {
    pub broker: i64,
    /// `-1` when the leader did not know.
    pub end: i64,
}

/// A cleaner's own account of one cleaning. MB are Kafka's: 1024 × 1024 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct CleanerStats {
    pub thread: Option<u32>,
    /// First dirty offset before.
    pub dirty_from: Option<u64>,
    /// First dirty offset after.
    pub dirty_to: Option<u64>,
    pub start_mb: Option<f64>,
    pub start_messages: Option<u64>,
    pub end_mb: Option<f64>,
    pub end_messages: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    pub mb_per_second: Option<f64>,
}

/// Exceptions that stop a cleaner, by what they say; `kafka::bugs` tells which bug they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CleanerFault {
    /// An entry of the time index would go back.
    TimeIndex,
    /// An entry of the offset index would go back.
    OffsetIndex,
    /// A segment has more keys than the dedupe buffer.
    OffsetMap,
    /// The dedupe buffer overflowed.
    OffsetMapFull,
    /// A segment spans more offsets than an index entry can say.
    RelativeOffset,
    /// A message is larger than the cleaner's buffers may grow.
    TooLarge,
    /// A message without a key.
    NullKey,
    /// The log starts behind the last clean offset.
    LastCleanMismatch,
    /// A batch ends behind its segment.
    CorruptSegment,
    /// A record's structure is damaged.
    InvalidRecord,
    /// The cleaner had no log at hand when it failed.
    CurrentLogEmpty,
    /// A control batch was empty.
    NoSuchElement,
    /// A buffer overflowed.
    BufferOverflow,
}
