//! What a log record can be about: one kind for everything that the catalogue knows.
//!
//! Broker ids are Kafka's own (`broker.id`, `node.id`); `-1` is Kafka's mark for none. Offsets are those
//! of the partition's log. What a line does not say, in some version or at all, is `None`.

use serde::Serialize;

use super::TopicPartition;

/// What a record is about.
///
/// The tag in JSON is [`Class::word`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Class {
    // ── replica fetcher: server.log of the follower ──
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
    /// The fetch position was set to the replica's own end (3.6 and later): nothing was cut. Many of them
    /// with one offset are a fetcher that goes round in circles.
    FetchUnmoved { of: TopicPartition, leader: Option<i64>, at: u64 },
    /// The high watermark went back: committed records were cut.
    HighWatermarkBack { of: TopicPartition, from: u64, to: u64 },
    /// The log was cut to an offset.
    Truncated { of: TopicPartition, to: u64, leader: Option<i64> },
    /// A cut that had nothing to cut: the log's largest offset was `last` (`-1`: the log was empty).
    TruncatedNothing { of: Option<TopicPartition>, to: u64, last: i64 },
    /// The broker stopped itself rather than cut its log (0.8.2 to 2.0.0): its leader ended at `to`, it
    /// at `from`.
    TruncationRefused { topic: String, partition: Option<u32>, leader: Option<i64>, from: u64, to: u64 },
    /// The leader did not know the follower's leader epoch: an old-style cut to `to` may follow.
    EpochUnknown { of: TopicPartition, to: u64 },
    /// The fetcher left a partition out: no longer replicated until a new leader or a restart, unless
    /// [`Class::AwaitsLeader`] of the same partition stands before it (2.3 and later).
    PartitionFailed { of: TopicPartition, leader: Option<i64> },
    /// The fetcher knows that it has an old leader epoch and waits: normal in every restart.
    AwaitsLeader { of: TopicPartition, epoch: Option<i64>, leader: Option<i64> },
    /// A replica fetcher thread died: nothing from that leader (on that thread) is replicated.
    FetcherDied { leader: i64, fetcher: Option<u32> },
    /// The leader's records did not continue the follower's log.
    OffsetMismatch { of: Option<TopicPartition>, fetched: u64, end: u64 },
    /// The follower got records that are damaged.
    InvalidMessages { of: TopicPartition, offset: u64 },
    /// A record or batch failed its checksum or its structure, in whatever thread.
    RecordCorrupt { of: Option<TopicPartition> },
    /// The other broker was not (or not yet) the leader: normal for a moment.
    NotLeader { of: TopicPartition, leader: Option<i64> },
    /// The follower could not reach its leader.
    FetchConnection { leader: Option<i64>, why: ConnectionTrouble },

    // ── log cleaner: log-cleaner.log, from 3.5 to 3.9 its start and death in server.log ──
    /// The cleaner thread died.
    CleanerDied { thread: u32 },
    /// A cleaner thread ended, after its death or with its broker ([`Class::CleanerStopping`] before it).
    CleanerStopped { thread: u32 },
    /// A cleaner thread was told to end.
    CleanerStopping { thread: u32 },
    /// One partition was marked as uncleanable (2.1 and later).
    Uncleanable { of: TopicPartition },
    /// The cleaner finished a partition: it is alive.
    CleanerWorked { of: TopicPartition, stats: CleanerStats },
    /// The cleaner took a partition up: the last one before a death is the one it died on.
    CleanerBegan { of: TopicPartition },
    /// A cleaner thread started, with its broker or after a change of its settings (1.1 and later).
    CleanerStarted { thread: u32 },
    /// An exception that cleaners die of, in a record that does not name the cleaner.
    CleanerException { fault: CleanerFault, of: Option<TopicPartition> },
    /// The cleaner's bookkeeping broke: a partition was in a state that its step does not allow.
    CleanerStateError { of: TopicPartition, state: String },
    /// The checkpointed first dirty offset lay before the log's start and was moved there.
    DirtyReset { of: Option<TopicPartition>, start: u64, checkpoint: u64 },
    /// The checkpointed first dirty offset lay behind the log's end: the log was cut below what was
    /// cleaned (2.4 and later).
    DirtyBeyondEnd { of: TopicPartition, checkpoint: u64, end: u64 },
    /// The cleaner met an I/O error (1.0 and later).
    CleanerIo { of: TopicPartition, dir: String, cause: Option<IoCause> },
    /// The cleaner dropped records that are damaged.
    CleanerFoundInvalid { count: u64 },

    // ── in-sync replicas: server.log of the leader ──
    /// The leader dropped followers from the ISR.
    IsrShrunk {
        of: TopicPartition,
        leader: Option<i64>,
        from: Vec<i64>,
        to: Vec<i64>,
        /// Who was dropped and where its log ended, in offsets (2.2 and later).
        behind: Vec<Behind>,
    },
    /// The leader took followers back into the ISR (up to 2.7).
    IsrExpanded { of: Option<TopicPartition>, leader: Option<i64>, from: Vec<i64>, to: Vec<i64> },
    /// The ISR is now this (2.4 and later).
    IsrUpdated {
        of: Option<TopicPartition>,
        leader: Option<i64>,
        isr: Vec<i64>,
        /// Fewer than `min.insync.replicas`; said from 3.5 on.
        under_min: bool,
        /// Of the partition's state, as with [`Class::LeaderElected`].
        version: Option<u64>,
    },
    /// The leader stays and its ISR changed (KRaft, state-change.log).
    LeaderKept {
        of: TopicPartition,
        leader: i64,
        epoch: i64,
        isr: Vec<i64>,
        replicas: Vec<i64>,
        /// Those of the replicas that a reassignment is still filling.
        adding: Vec<i64>,
    },
    /// The leader's view of its ISR in ZooKeeper is stale: a broker that is cut off when it repeats.
    IsrStale { of: Option<TopicPartition>, version: u64 },
    /// Writes with acks=all are refused: `isr` replicas are in sync, `min` are needed.
    UnderMinIsr { of: TopicPartition, isr: u64, min: u64 },
    /// A partition was opened with this high watermark (2.4 and later).
    HighWatermarkLoaded { of: TopicPartition, high_watermark: u64 },
    /// The checkpoint has no high watermark of the partition: normal for a new one.
    HighWatermarkMissing { of: TopicPartition },
    /// A leader began an epoch at an offset (0.11 and later).
    LeaderStart { of: TopicPartition, epoch: i64, offset: u64, isr: Vec<i64> },

    // ── controller: controller.log and state-change.log ──
    /// A leader was elected that was not in sync.
    UncleanElection {
        /// `None` where the line has the topic's id alone.
        of: Option<TopicPartition>,
        /// `-1` where the line does not say.
        leader: i64,
        /// KRaft's id of the topic (22 characters).
        topic_id: Option<String>,
        /// Who was in sync before; KRaft says it. Empty also where nobody was left.
        isr_before: Vec<i64>,
    },
    /// The controller gave a partition a leader and an ISR (ZooKeeper mode, 1.1 to 3.9): an unclean
    /// election stands in no line of its own there.
    LeaderElected {
        of: TopicPartition,
        leader: i64,
        isr: Vec<i64>,
        from_offline: bool,
        /// Of the partition's state: every change of leader or ISR makes it one more.
        version: Option<u64>,
    },
    /// The controller took a replica that had stopped out of the ISR; the last one in sync stays in it, and
    /// `leader` is then `-1` (ZooKeeper mode).
    IsrReduced { of: TopicPartition, leader: i64, isr: Vec<i64>, removed: i64, version: Option<u64> },
    /// The controller found no leader: the partition stays without one (ZooKeeper mode, 1.1 to 3.9).
    ElectionFailed { of: TopicPartition, strategy: Option<String> },
    /// No replica that may lead is alive (up to 1.0).
    NoReplicaAlive {
        of: TopicPartition,
        live: Vec<i64>,
        /// The ISR, or all replicas where unclean elections are allowed.
        wanted: Vec<i64>,
        /// `true`: not even a replica out of sync is alive.
        any_replica: bool,
    },
    /// The controller cut a broker off whose heartbeats had stopped (KRaft). Every clean stop that lasts
    /// longer than the session makes one too.
    Fenced { broker: i64, epoch: Option<i64> },
    /// The controller let a broker back in (KRaft).
    Unfenced { broker: i64 },
    /// The controller changed partitions because of a broker (KRaft).
    PartitionsMoved { why: MoveReason, count: u64 },
    /// A broker told its controller that log dirs failed (KRaft, 3.7 and later).
    DirsOffline { broker: i64, dirs: String, left: String },
    /// A node became the controller.
    ControllerElected { broker: Option<i64>, epoch: Option<i64> },
    /// A node ceased to be the controller.
    ControllerResigned { broker: Option<i64> },

    // ── disks and resources ──
    /// A log dir failed in an operation (1.0 and later): the broker takes it offline.
    LogDirFailed { of: Option<TopicPartition>, dir: String, operation: String, cause: Option<IoCause> },
    /// A checkpoint file could not be written or read.
    CheckpointFailed { path: String, cause: Option<IoCause> },
    /// A checkpoint file's content is damaged.
    CheckpointMalformed,
    /// The broker serves a log dir no longer, until it restarts.
    ServingStopped { dir: String },
    /// The partitions that went offline with a log dir.
    PartitionsOffline { partitions: Vec<TopicPartition>, dir: String },
    /// The broker stopped because no log dir was left.
    AllLogDirsFailed { dirs: String },
    /// The broker stopped at its first I/O error (up to 0.11).
    HaltedOnIo { cause: Option<IoCause> },
    /// A write failed for want of space (or quota).
    DiskFull,
    /// A read or write failed.
    IoError { cause: IoCause },
    /// No more open files were allowed (`nofile`).
    FilesExhausted,
    /// The JVM ran out of memory or of memory maps (`what`: as it says).
    OutOfMemory { what: Option<String> },
    /// Another process holds the log dir.
    LockTaken { dir: String },
    /// A replica that the metadata does not assign to this broker (3.7 and later).
    Stray { of: Option<TopicPartition>, dir: Option<String> },

    // ── start, recovery, stop ──
    /// The broker started.
    Started { broker: Option<i64> },
    /// The version that the broker's start line names.
    Version { version: String },
    /// The stop before this start was not clean: logs are recovered.
    UncleanStart { dir: String, logs: Option<u64> },
    /// A segment that may not have been flushed is checked.
    Recovering { of: Option<TopicPartition>, base: u64 },
    /// A log's damaged tail was cut at the start.
    CorruptionCut { of: Option<TopicPartition>, base: u64, to: u64 },
    /// A damaged segment was thrown away at the start; the log ends at `to`.
    SegmentDiscarded { of: Option<TopicPartition>, to: u64 },
    /// The replica emptied itself: its log ended before its start.
    ReplicaEmptied { of: Option<TopicPartition>, end: u64, start: u64 },
    /// An index is rebuilt from its log.
    IndexCorrupt { of: Option<TopicPartition>, path: Option<String> },
    /// A swap of segments that a stop had interrupted is completed.
    SwapResumed { of: Option<TopicPartition>, path: String },
    /// A log was opened: where it starts and ends, in offsets.
    LogLoaded {
        of: TopicPartition,
        start: Option<u64>,
        end: u64,
        high_watermark: Option<u64>,
        segments: Option<u64>,
    },
    /// The start or stop failed.
    FatalError { phase: String },
    /// The id in the settings is not the one on the disk.
    BrokerIdMismatch { configured: i64, stored: i64 },
    /// The cluster's id is not the one on the disk; both are empty where a controller merely refused the node.
    ClusterIdMismatch { configured: String, stored: String },
    /// A replica's topic id is not the one that the metadata has: the topic was made anew.
    TopicIdMismatch { of: Option<TopicPartition> },
    /// Another broker with this id is registered.
    BrokerIdInUse { broker: Option<i64> },
    /// The process was told to end.
    Signal { signal: String },
    /// A stop began.
    ShutdownBegan { broker: Option<i64> },
    /// A stop was completed: the next start needs no recovery.
    ShutdownDone { broker: Option<i64> },
    /// Leadership could not be handed over before the stop.
    ControlledShutdownFailed,
    /// Settings of a topic or broker were changed or read.
    Config {
        /// `topics/orders`, `brokers/1`.
        entity: String,
        settings: Vec<(String, String)>,
    },

    // ── ZooKeeper and requests ──
    /// The ZooKeeper session expired: the broker was out of the cluster.
    SessionExpired,
    /// The connection to ZooKeeper was lost; the session may survive.
    SessionLost,
    /// A ZooKeeper session began, or the broker registered itself anew.
    SessionOpened { broker: Option<i64> },
    /// A request took too long.
    RequestTimeout,

    // ── the rest ──
    /// Known, and nothing to worry about, whatever its level.
    Harmless { why: &'static str },
    /// Nothing that the catalogue knows.
    Other,
}

/// How much a class weighs by itself, without the context that rules add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Every broker writes it, all day or at every start.
    Routine,
    Notice,
    Warning,
    Critical,
}

impl Weight {
    /// The lower-case word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

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

impl Class {
    /// A stable word for JSON, the timeline and settings.
    pub fn word(&self) -> &'static str {
        match self {
            Self::FetchReset { .. } => "fetch_reset",
            Self::FetchUnmoved { .. } => "fetch_unmoved",
            Self::HighWatermarkBack { .. } => "high_watermark_back",
            Self::Truncated { .. } => "truncated",
            Self::TruncatedNothing { .. } => "truncated_nothing",
            Self::TruncationRefused { .. } => "truncation_refused",
            Self::EpochUnknown { .. } => "epoch_unknown",
            Self::PartitionFailed { .. } => "partition_failed",
            Self::AwaitsLeader { .. } => "awaits_leader",
            Self::FetcherDied { .. } => "fetcher_died",
            Self::OffsetMismatch { .. } => "offset_mismatch",
            Self::InvalidMessages { .. } => "invalid_messages",
            Self::RecordCorrupt { .. } => "record_corrupt",
            Self::NotLeader { .. } => "not_leader",
            Self::FetchConnection { .. } => "fetch_connection",
            Self::CleanerDied { .. } => "cleaner_died",
            Self::CleanerStopped { .. } => "cleaner_stopped",
            Self::CleanerStopping { .. } => "cleaner_stopping",
            Self::Uncleanable { .. } => "uncleanable",
            Self::CleanerWorked { .. } => "cleaner_worked",
            Self::CleanerBegan { .. } => "cleaner_began",
            Self::CleanerStarted { .. } => "cleaner_started",
            Self::CleanerException { .. } => "cleaner_exception",
            Self::CleanerStateError { .. } => "cleaner_state_error",
            Self::DirtyReset { .. } => "dirty_reset",
            Self::DirtyBeyondEnd { .. } => "dirty_beyond_end",
            Self::CleanerIo { .. } => "cleaner_io",
            Self::CleanerFoundInvalid { .. } => "cleaner_found_invalid",
            Self::IsrShrunk { .. } => "isr_shrunk",
            Self::IsrExpanded { .. } => "isr_expanded",
            Self::IsrUpdated { .. } => "isr_updated",
            Self::LeaderKept { .. } => "leader_kept",
            Self::IsrStale { .. } => "isr_stale",
            Self::UnderMinIsr { .. } => "under_min_isr",
            Self::HighWatermarkLoaded { .. } => "high_watermark_loaded",
            Self::HighWatermarkMissing { .. } => "high_watermark_missing",
            Self::LeaderStart { .. } => "leader_start",
            Self::UncleanElection { .. } => "unclean_election",
            Self::LeaderElected { .. } => "leader_elected",
            Self::IsrReduced { .. } => "isr_reduced",
            Self::ElectionFailed { .. } => "election_failed",
            Self::NoReplicaAlive { .. } => "no_replica_alive",
            Self::Fenced { .. } => "fenced",
            Self::Unfenced { .. } => "unfenced",
            Self::PartitionsMoved { .. } => "partitions_moved",
            Self::DirsOffline { .. } => "dirs_offline",
            Self::ControllerElected { .. } => "controller_elected",
            Self::ControllerResigned { .. } => "controller_resigned",
            Self::LogDirFailed { .. } => "log_dir_failed",
            Self::CheckpointFailed { .. } => "checkpoint_failed",
            Self::CheckpointMalformed => "checkpoint_malformed",
            Self::ServingStopped { .. } => "serving_stopped",
            Self::PartitionsOffline { .. } => "partitions_offline",
            Self::AllLogDirsFailed { .. } => "all_log_dirs_failed",
            Self::HaltedOnIo { .. } => "halted_on_io",
            Self::DiskFull => "disk_full",
            Self::IoError { .. } => "io_error",
            Self::FilesExhausted => "files_exhausted",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::LockTaken { .. } => "lock_taken",
            Self::Stray { .. } => "stray",
            Self::Started { .. } => "started",
            Self::Version { .. } => "version",
            Self::UncleanStart { .. } => "unclean_start",
            Self::Recovering { .. } => "recovering",
            Self::CorruptionCut { .. } => "corruption_cut",
            Self::SegmentDiscarded { .. } => "segment_discarded",
            Self::ReplicaEmptied { .. } => "replica_emptied",
            Self::IndexCorrupt { .. } => "index_corrupt",
            Self::SwapResumed { .. } => "swap_resumed",
            Self::LogLoaded { .. } => "log_loaded",
            Self::FatalError { .. } => "fatal_error",
            Self::BrokerIdMismatch { .. } => "broker_id_mismatch",
            Self::ClusterIdMismatch { .. } => "cluster_id_mismatch",
            Self::TopicIdMismatch { .. } => "topic_id_mismatch",
            Self::BrokerIdInUse { .. } => "broker_id_in_use",
            Self::Signal { .. } => "signal",
            Self::ShutdownBegan { .. } => "shutdown_began",
            Self::ShutdownDone { .. } => "shutdown_done",
            Self::ControlledShutdownFailed => "controlled_shutdown_failed",
            Self::Config { .. } => "config",
            Self::SessionExpired => "session_expired",
            Self::SessionLost => "session_lost",
            Self::SessionOpened { .. } => "session_opened",
            Self::RequestTimeout => "request_timeout",
            Self::Harmless { .. } => "harmless",
            Self::Other => "other",
        }
    }

    /// How much it weighs by itself: a filter's hint, not a judgement.
    pub fn severity(&self) -> Weight {
        match self {
            Self::FetchReset { to_start: Some(true), .. } => Weight::Warning,
            // A follower that was behind its leader's start lost nothing.
            Self::FetchReset { from: Some(from), to, .. } if from <= to => Weight::Warning,
            Self::LeaderElected { from_offline: true, .. } => Weight::Notice,
            Self::PartitionsMoved { why: MoveReason::Unfenced, .. } => Weight::Notice,
            Self::IsrUpdated { under_min: true, .. } => Weight::Warning,
            Self::FetchReset { .. }
            | Self::HighWatermarkBack { .. }
            | Self::TruncationRefused { .. }
            | Self::FetcherDied { .. }
            | Self::OffsetMismatch { .. }
            | Self::InvalidMessages { .. }
            | Self::RecordCorrupt { .. }
            | Self::CleanerDied { .. }
            | Self::Uncleanable { .. }
            | Self::CleanerException { .. }
            | Self::CleanerStateError { .. }
            | Self::CleanerIo { .. }
            | Self::UnderMinIsr { .. }
            | Self::UncleanElection { .. }
            | Self::ElectionFailed { .. }
            | Self::NoReplicaAlive { .. }
            | Self::DirsOffline { .. }
            | Self::LogDirFailed { .. }
            | Self::CheckpointFailed { .. }
            | Self::CheckpointMalformed
            | Self::ServingStopped { .. }
            | Self::PartitionsOffline { .. }
            | Self::AllLogDirsFailed { .. }
            | Self::HaltedOnIo { .. }
            | Self::DiskFull
            | Self::IoError { .. }
            | Self::FilesExhausted
            | Self::OutOfMemory { .. }
            | Self::LockTaken { .. }
            | Self::CorruptionCut { .. }
            | Self::SegmentDiscarded { .. }
            | Self::ReplicaEmptied { .. }
            | Self::FatalError { .. }
            | Self::BrokerIdMismatch { .. }
            | Self::ClusterIdMismatch { .. } => Weight::Critical,
            // Both pass in KRaft: a topic made anew, a restart within the session's time.
            Self::TopicIdMismatch { .. } | Self::BrokerIdInUse { .. } => Weight::Warning,
            Self::PartitionFailed { .. }
            | Self::DirtyBeyondEnd { .. }
            | Self::CleanerFoundInvalid { .. }
            | Self::FetchConnection { .. }
            | Self::IsrShrunk { .. }
            | Self::IsrStale { .. }
            | Self::Fenced { .. }
            | Self::PartitionsMoved { .. }
            | Self::Stray { .. }
            | Self::UncleanStart { .. }
            | Self::ControlledShutdownFailed
            | Self::SessionExpired => Weight::Warning,
            Self::Truncated { .. }
            | Self::EpochUnknown { .. }
            | Self::DirtyReset { .. }
            | Self::CleanerStopped { .. }
            | Self::CleanerStarted { .. }
            | Self::Unfenced { .. }
            | Self::ControllerElected { .. }
            | Self::ControllerResigned { .. }
            | Self::Started { .. }
            | Self::Version { .. }
            | Self::IndexCorrupt { .. }
            | Self::SwapResumed { .. }
            | Self::Signal { .. }
            | Self::ShutdownBegan { .. }
            | Self::ShutdownDone { .. }
            | Self::Config { .. }
            | Self::SessionLost
            | Self::RequestTimeout => Weight::Notice,
            Self::FetchUnmoved { .. }
            | Self::TruncatedNothing { .. }
            | Self::AwaitsLeader { .. }
            | Self::NotLeader { .. }
            | Self::CleanerStopping { .. }
            | Self::CleanerWorked { .. }
            | Self::CleanerBegan { .. }
            | Self::IsrExpanded { .. }
            | Self::IsrUpdated { .. }
            | Self::LeaderKept { .. }
            | Self::HighWatermarkLoaded { .. }
            | Self::HighWatermarkMissing { .. }
            | Self::LeaderStart { .. }
            | Self::LeaderElected { .. }
            | Self::IsrReduced { .. }
            | Self::Recovering { .. }
            | Self::LogLoaded { .. }
            | Self::SessionOpened { .. }
            | Self::Harmless { .. }
            | Self::Other => Weight::Routine,
        }
    }

    /// The partition that it is about, where it is about one.
    pub fn partition(&self) -> Option<&TopicPartition> {
        match self {
            Self::FetchReset { of, .. }
            | Self::FetchUnmoved { of, .. }
            | Self::HighWatermarkBack { of, .. }
            | Self::Truncated { of, .. }
            | Self::EpochUnknown { of, .. }
            | Self::PartitionFailed { of, .. }
            | Self::AwaitsLeader { of, .. }
            | Self::InvalidMessages { of, .. }
            | Self::NotLeader { of, .. }
            | Self::Uncleanable { of }
            | Self::CleanerWorked { of, .. }
            | Self::CleanerBegan { of }
            | Self::CleanerStateError { of, .. }
            | Self::DirtyBeyondEnd { of, .. }
            | Self::CleanerIo { of, .. }
            | Self::IsrShrunk { of, .. }
            | Self::LeaderKept { of, .. }
            | Self::UnderMinIsr { of, .. }
            | Self::HighWatermarkLoaded { of, .. }
            | Self::HighWatermarkMissing { of }
            | Self::LeaderStart { of, .. }
            | Self::LeaderElected { of, .. }
            | Self::IsrReduced { of, .. }
            | Self::ElectionFailed { of, .. }
            | Self::NoReplicaAlive { of, .. }
            | Self::LogLoaded { of, .. } => Some(of),
            Self::TruncatedNothing { of, .. }
            | Self::OffsetMismatch { of, .. }
            | Self::RecordCorrupt { of }
            | Self::CleanerException { of, .. }
            | Self::DirtyReset { of, .. }
            | Self::IsrExpanded { of, .. }
            | Self::IsrUpdated { of, .. }
            | Self::IsrStale { of, .. }
            | Self::UncleanElection { of, .. }
            | Self::LogDirFailed { of, .. }
            | Self::Stray { of, .. }
            | Self::Recovering { of, .. }
            | Self::CorruptionCut { of, .. }
            | Self::SegmentDiscarded { of, .. }
            | Self::ReplicaEmptied { of, .. }
            | Self::IndexCorrupt { of, .. }
            | Self::SwapResumed { of, .. }
            | Self::TopicIdMismatch { of } => of.as_ref(),
            _ => None,
        }
    }

    /// The topic that it is about: also where the line names no partition.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::TruncationRefused { topic, .. } => Some(topic),
            Self::Config { entity, .. } => entity.strip_prefix("topics/"),
            Self::PartitionsOffline { partitions, .. } => {
                let mut topics = partitions.iter().map(|of| of.topic.as_str());
                let first = topics.next()?;
                topics.all(|other| other == first).then_some(first)
            }
            other => other.partition().map(|of| of.topic.as_str()),
        }
    }

    /// The broker that leads, as the line says.
    pub fn leader(&self) -> Option<i64> {
        match self {
            Self::FetchReset { leader, .. }
            | Self::UncleanElection { leader, .. }
            | Self::LeaderElected { leader, .. }
            | Self::IsrReduced { leader, .. }
            | Self::LeaderKept { leader, .. }
            | Self::FetcherDied { leader, .. } => Some(*leader),
            Self::Truncated { leader, .. }
            | Self::FetchUnmoved { leader, .. }
            | Self::TruncationRefused { leader, .. }
            | Self::PartitionFailed { leader, .. }
            | Self::AwaitsLeader { leader, .. }
            | Self::NotLeader { leader, .. }
            | Self::FetchConnection { leader, .. }
            | Self::IsrShrunk { leader, .. }
            | Self::IsrExpanded { leader, .. }
            | Self::IsrUpdated { leader, .. } => *leader,
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// One of each class, in the order of the words.
    pub(crate) fn classes() -> Vec<Class> {
        let of = || TopicPartition { topic: "a".into(), partition: 3 };
        vec![
            Class::FetchReset { of: of(), leader: 2, from: Some(7), to: 7, to_start: Some(true) },
            Class::FetchUnmoved { of: of(), leader: Some(2), at: 7 },
            Class::HighWatermarkBack { of: of(), from: 7, to: 7 },
            Class::Truncated { of: of(), to: 7, leader: Some(2) },
            Class::TruncatedNothing { of: Some(of()), to: 7, last: 2 },
            Class::TruncationRefused {
                topic: "x".into(),
                partition: Some(1),
                leader: Some(2),
                from: 7,
                to: 7,
            },
            Class::EpochUnknown { of: of(), to: 7 },
            Class::PartitionFailed { of: of(), leader: Some(2) },
            Class::AwaitsLeader { of: of(), epoch: Some(2), leader: Some(2) },
            Class::FetcherDied { leader: 2, fetcher: Some(1) },
            Class::OffsetMismatch { of: Some(of()), fetched: 7, end: 7 },
            Class::InvalidMessages { of: of(), offset: 7 },
            Class::RecordCorrupt { of: Some(of()) },
            Class::NotLeader { of: of(), leader: Some(2) },
            Class::FetchConnection { leader: Some(2), why: ConnectionTrouble::Timeout },
            Class::CleanerDied { thread: 1 },
            Class::CleanerStopped { thread: 1 },
            Class::CleanerStopping { thread: 1 },
            Class::Uncleanable { of: of() },
            Class::CleanerWorked { of: of(), stats: CleanerStats::default() },
            Class::CleanerBegan { of: of() },
            Class::CleanerStarted { thread: 1 },
            Class::CleanerException { fault: CleanerFault::TimeIndex, of: Some(of()) },
            Class::CleanerStateError { of: of(), state: "x".into() },
            Class::DirtyReset { of: Some(of()), start: 7, checkpoint: 7 },
            Class::DirtyBeyondEnd { of: of(), checkpoint: 7, end: 7 },
            Class::CleanerIo { of: of(), dir: "x".into(), cause: Some(IoCause::Full) },
            Class::CleanerFoundInvalid { count: 7 },
            Class::IsrShrunk {
                of: of(),
                leader: Some(2),
                from: vec![2],
                to: vec![2],
                behind: vec![Behind { broker: 1, end: -1 }],
            },
            Class::IsrExpanded { of: Some(of()), leader: Some(2), from: vec![2], to: vec![2] },
            Class::IsrUpdated {
                of: Some(of()),
                leader: Some(2),
                isr: vec![2],
                under_min: true,
                version: Some(7),
            },
            Class::LeaderKept {
                of: of(),
                leader: 2,
                epoch: 2,
                isr: vec![2],
                replicas: vec![2],
                adding: vec![],
            },
            Class::IsrStale { of: Some(of()), version: 7 },
            Class::UnderMinIsr { of: of(), isr: 7, min: 7 },
            Class::HighWatermarkLoaded { of: of(), high_watermark: 7 },
            Class::HighWatermarkMissing { of: of() },
            Class::LeaderStart { of: of(), epoch: 2, offset: 7, isr: vec![2] },
            Class::UncleanElection {
                of: Some(of()),
                leader: 2,
                topic_id: Some("x".into()),
                isr_before: vec![2],
            },
            Class::LeaderElected { of: of(), leader: 2, isr: vec![2], from_offline: true, version: Some(7) },
            Class::IsrReduced { of: of(), leader: 2, isr: vec![2], removed: 3, version: Some(7) },
            Class::ElectionFailed { of: of(), strategy: Some("x".into()) },
            Class::NoReplicaAlive { of: of(), live: vec![2], wanted: vec![2], any_replica: true },
            Class::Fenced { broker: 2, epoch: Some(2) },
            Class::Unfenced { broker: 2 },
            Class::PartitionsMoved { why: MoveReason::Fenced, count: 7 },
            Class::DirsOffline { broker: 2, dirs: "x".into(), left: "x".into() },
            Class::ControllerElected { broker: Some(2), epoch: Some(2) },
            Class::ControllerResigned { broker: Some(2) },
            Class::LogDirFailed {
                of: Some(of()),
                dir: "x".into(),
                operation: "x".into(),
                cause: Some(IoCause::Full),
            },
            Class::CheckpointFailed { path: "x".into(), cause: Some(IoCause::Full) },
            Class::CheckpointMalformed,
            Class::ServingStopped { dir: "x".into() },
            Class::PartitionsOffline { partitions: vec![of()], dir: "x".into() },
            Class::AllLogDirsFailed { dirs: "x".into() },
            Class::HaltedOnIo { cause: Some(IoCause::Full) },
            Class::DiskFull,
            Class::IoError { cause: IoCause::Full },
            Class::FilesExhausted,
            Class::OutOfMemory { what: Some("x".into()) },
            Class::LockTaken { dir: "x".into() },
            Class::Stray { of: Some(of()), dir: Some("x".into()) },
            Class::Started { broker: Some(2) },
            Class::Version { version: "x".into() },
            Class::UncleanStart { dir: "x".into(), logs: Some(7) },
            Class::Recovering { of: Some(of()), base: 7 },
            Class::CorruptionCut { of: Some(of()), base: 7, to: 7 },
            Class::SegmentDiscarded { of: Some(of()), to: 7 },
            Class::ReplicaEmptied { of: Some(of()), end: 7, start: 7 },
            Class::IndexCorrupt { of: Some(of()), path: Some("x".into()) },
            Class::SwapResumed { of: Some(of()), path: "x".into() },
            Class::LogLoaded { of: of(), start: Some(7), end: 7, high_watermark: Some(7), segments: Some(7) },
            Class::FatalError { phase: "x".into() },
            Class::BrokerIdMismatch { configured: 2, stored: 2 },
            Class::ClusterIdMismatch { configured: "x".into(), stored: "x".into() },
            Class::TopicIdMismatch { of: Some(of()) },
            Class::BrokerIdInUse { broker: Some(2) },
            Class::Signal { signal: "x".into() },
            Class::ShutdownBegan { broker: Some(2) },
            Class::ShutdownDone { broker: Some(2) },
            Class::ControlledShutdownFailed,
            Class::Config { entity: "x".into(), settings: vec![("a".into(), "b".into())] },
            Class::SessionExpired,
            Class::SessionLost,
            Class::SessionOpened { broker: Some(2) },
            Class::RequestTimeout,
            Class::Harmless { why: "a reason" },
            Class::Other,
        ]
    }

    #[test]
    fn the_word_is_the_tag() {
        for class in classes() {
            let written = serde_json::to_value(&class).unwrap();
            assert_eq!(written["class"], class.word());
        }
    }

    #[test]
    fn every_class_has_its_own_word() {
        let words: std::collections::BTreeSet<&str> = classes().iter().map(Class::word).collect();
        assert_eq!(words.len(), classes().len());
    }
}
