//! What a log record can be about: one kind for everything that the catalogue knows.
//!
//! Broker ids are Kafka's own (`broker.id`, `node.id`); `-1` is Kafka's mark for none. Offsets are those
//! of the partition's log. What a line does not say, in some version or at all, is `None`.

use serde::Serialize;

use super::{Behind, CleanerFault, CleanerStats, ConnectionTrouble, IoCause, MoveReason};

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
    /// The copy that a replica's move to another log dir makes was cut: the replica itself was not (1.1 and later).
    CopyTruncated { of: TopicPartition, to: u64 },
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
    /// A record is larger than the follower may fetch, and it gets no further (0.9 and later, with a protocol
    /// older than 0.10.1). 0.9.0 does not say of which partition.
    FetchOversized { of: Option<TopicPartition> },
    /// A request of a kind or version that this broker does not know was refused: `api` by its name, or by its number
    /// up to 0.10.
    RequestRefused { api: String, version: Option<u32> },
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
    /// A follower heard of a leader; its own log ended at `offset` (2.6 and later). `leader` is -1 where there is
    /// none, and `None` where the line does not say (2.8).
    FollowerStart { of: TopicPartition, epoch: i64, offset: u64, leader: Option<i64> },

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
    /// The cluster that a broker found in ZooKeeper when it started (0.10.1 and later).
    ClusterJoined { id: String },
    /// The controller found no leader: the partition stays without one (ZooKeeper mode, 1.1 to 3.9).
    ElectionFailed { of: TopicPartition, strategy: Option<String> },
    /// The controller could not make another replica the leader, the preferred one say: whoever leads goes on.
    LeaderNotMoved { of: TopicPartition },
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
    /// The controller began to delete a topic: brokers that are down keep their replicas until they start.
    TopicDeleted { topic: String },
    /// The controller saw brokers leave ZooKeeper: stopped, dead, or their sessions expired (ZooKeeper mode).
    BrokersLeft { brokers: Vec<i64> },
    /// The controller saw brokers come (ZooKeeper mode).
    BrokersCame { brokers: Vec<i64> },
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
    /// The broker begins to start: its threads run before it says that it has started.
    Starting,
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
