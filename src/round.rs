//! A round: one run of a playbook over the fleet, as data.
//!
//! A round holds what was asked, what every host answered and what is missing. It is
//! self-contained: it can be saved, and comparison, findings and report are made from it alone,
//! without network and without today's clock.

mod cursor;
mod described;
mod thresholds;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use cursor::{Cursor, FilePlace, Place};
pub use described::{DescribedPartition, DescribedTopic};
pub use thresholds::Thresholds;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// What a play takes for granted about the topics it looks at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// By topic glob; the first glob that matches a topic, in the playbook's order, decides.
    pub topics: Vec<(String, ExpectTopic)>,
    pub size_ratio: SizeRatio,
    #[serde(default)]
    pub thresholds: Thresholds,
    /// The round is asked whether a broker may be restarted.
    #[serde(default)]
    pub gate: Option<Gate>,
}

/// May these hosts' brokers be restarted now?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Inventory names; none: the last one has been, and everything should be whole again.
    pub restart: Vec<String>,
}

/// What a topic should look like, and its own thresholds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectTopic {
    pub replication_factor: Option<u32>,
    pub partitions: Option<u32>,
    /// `cleanup.policy`: whether it holds `compact`.
    pub compacted: Option<bool>,
    pub min_insync_replicas: Option<u32>,
    /// See [`Expect::size_ratio`].
    pub size_ratio: Option<SizeRatio>,
    /// See [`Thresholds::dirty_ratio`].
    pub dirty_ratio: Option<f64>,
    /// See [`Thresholds::lagging_s`].
    pub lagging_s: Option<u64>,
}

/// When the sizes of two replicas of one partition are too far apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SizeRatio {
    /// Larger over smaller.
    pub warning: f64,
    pub critical: f64,
    /// Bytes: a difference below this is never a finding.
    pub ignore_below: u64,
}

impl Default for SizeRatio {
    /// Compaction with `min.cleanable.dirty.ratio` 0.5 makes 2 : 1 legal (kafka.log.LogCleaner); beyond
    /// 3 : 1 no ordinary difference between two cleaners is left.
    fn default() -> Self {
        SizeRatio { warning: 2.0, critical: 3.0, ignore_below: 100 << 20 }
    }
}

/// What happened on one host in a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// The inventory's name; `NAME#ID` for each broker of a machine that runs several.
    pub host: String,
    /// The inventory's name of the machine.
    #[serde(default)]
    pub machine: String,
    /// How the evidence came here.
    #[serde(default)]
    pub origin: Origin,
    /// Where it was dialled: `address:port`.
    pub address: String,
    pub user: String,
    /// The jump hosts on the way, nearest to us first.
    pub jump: Vec<String>,
    /// `kafka_cluster` of the inventory.
    pub cluster: Option<String>,
    /// `kafka_broker_id` of the inventory; the node's own `meta.properties` is right where they differ.
    pub broker_id: Option<i64>,
    /// The plays (indices into [`Round::plays`]) that the host has a part in.
    pub plays: Vec<usize>,
    pub outcome: Outcome,
    /// How far it came, for a host that was not reached or was lost.
    pub stage: Option<String>,
    /// Why it is not [`Outcome::Ok`], one sentence.
    pub reason: Option<String>,
    /// For [`Outcome::HostKey`]: a key that differs from the known one, not merely an unknown one.
    pub host_key_changed: bool,
    /// Connections tried.
    pub attempts: u32,
    /// A process of ours that may still be running there (it could not be killed in time).
    pub left_running: bool,
    /// Seconds from dialling to the end of the visit.
    pub seconds: f64,
    pub facts: Option<Facts>,
    /// The zone of log lines that were brought, seconds east of UTC, where no clock of the node was read.
    #[serde(default)]
    pub log_zone_s: Option<i32>,
    /// The broker or controller that discovery found, running or not; `None` where nobody looked for one.
    #[serde(default)]
    pub broker: Option<Broker>,
    /// In the order in which they were asked.
    pub probes: Vec<ProbeAnswer>,
}

/// How a visit's evidence came here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We went there.
    #[default]
    Ssh,
    /// Somebody brought it: the names of the files, as they were given.
    Brought(Vec<String>),
}

/// A Kafka process, or an installation whose process is not running, as discovery found it.
///
/// What could be seen on the node and what was guessed are told apart: see [`Broker::guessed`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Broker {
    /// `None`: it is not running, or its process could not be seen.
    pub pid: Option<u32>,
    pub running: Option<bool>,
    /// The systemd unit.
    pub unit: Option<String>,
    /// `/proc/PID/root` where the process lives in a container of its own; paths are below it.
    pub root: Option<String>,
    /// `broker`, `controller` (`process.roles`; a broker with ZooKeeper is a `broker`).
    pub roles: Vec<String>,
    /// `broker.id` or `node.id`.
    pub id: Option<i64>,
    pub cluster_id: Option<String>,
    pub rack: Option<String>,
    /// Kafka's version, as the names of its jars have it.
    pub version: Option<String>,
    /// When the process started, by the node's clock.
    pub started: Option<Timestamp>,
    /// The `server.properties` that it was started with.
    pub config_file: Option<String>,
    /// `log.dirs`.
    pub log_dirs: Vec<String>,
    /// `metadata.log.dir`, where it is not the first log dir.
    pub metadata_dir: Option<String>,
    /// The directory that log4j writes to.
    pub logs_dir: Option<String>,
    /// The layout of its lines, as log4j's configuration has it: `[%d] %p %m (%c)%n`.
    #[serde(default)]
    pub log_layout: Option<String>,
    /// The allowed settings of `server.properties`, as they stand there; no other ever leaves the node.
    pub settings: BTreeMap<String, String>,
    /// Open file descriptors, and how many it may have.
    pub open_files: Option<u64>,
    pub open_files_limit: Option<u64>,
    /// Memory maps (`/proc/PID/maps` lines) and `vm.max_map_count`: a segment takes two.
    pub maps: Option<u64>,
    pub maps_limit: Option<u64>,
    /// Lines of the kernel's log about processes killed for want of memory.
    pub oom_kills: Vec<String>,
    /// Fields that were not seen but concluded, with from what: `("log_dirs", "the usual place")`.
    pub guessed: Vec<(String, String)>,
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every probe answered, and wholly.
    Ok,
    /// Reached, but some probe's answer is missing or incomplete.
    Partial,
    /// No TCP connection, no name, or no way through the jump host.
    Unreachable,
    /// The server refused every way to log in, or become.
    AuthFailed,
    /// The host key is unknown, changed or revoked.
    HostKey,
    /// A deadline passed.
    Timeout,
    /// The connection broke after login.
    Lost,
    /// The round was stopped before the host was done.
    Interrupted,
    /// Left out by the limit: not contacted.
    Excluded,
}

impl Visit {
    /// A visit of which nothing but its end is known.
    pub fn blank(host: impl Into<String>, outcome: Outcome) -> Self {
        let host = host.into();
        Visit {
            machine: host.clone(),
            host,
            origin: Origin::Ssh,
            address: String::new(),
            user: String::new(),
            jump: Vec::new(),
            cluster: None,
            broker_id: None,
            plays: Vec::new(),
            outcome,
            stage: None,
            reason: None,
            host_key_changed: false,
            attempts: 0,
            left_running: false,
            seconds: 0.0,
            facts: None,
            log_zone_s: None,
            broker: None,
            probes: Vec::new(),
        }
    }
}

impl Outcome {
    /// Every way a visit can end.
    pub const ALL: [Outcome; 9] = [
        Outcome::Ok,
        Outcome::Partial,
        Outcome::Unreachable,
        Outcome::AuthFailed,
        Outcome::HostKey,
        Outcome::Timeout,
        Outcome::Lost,
        Outcome::Interrupted,
        Outcome::Excluded,
    ];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Partial => "partial",
            Outcome::Unreachable => "unreachable",
            Outcome::AuthFailed => "auth_failed",
            Outcome::HostKey => "host_key",
            Outcome::Timeout => "timeout",
            Outcome::Lost => "lost",
            Outcome::Interrupted => "interrupted",
            Outcome::Excluded => "excluded",
        }
    }

    /// Whether the host was logged in to.
    pub fn reached(self) -> bool {
        matches!(self, Outcome::Ok | Outcome::Partial)
    }
}

/// What every visit learns about its host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub hostname: Option<String>,
    /// Kernel name and release.
    pub kernel: Option<String>,
    /// The user that the probes ran as.
    pub user: Option<String>,
    pub clock: Option<Clock>,
    pub log_dirs: Vec<LogDir>,
}

/// The node's clock beside ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Seconds; positive when the node's clock is ahead.
    pub offset_s: f64,
    /// Seconds: half the time that the question and the answer took, and the clock's own grain.
    pub uncertainty_s: f64,
    /// The node's zone as seconds east of UTC; Kafka writes its log in this local time.
    pub zone_s: i32,
    /// The zone's name in the tz database as the node or the JVM has it; whether it fits `zone_s` is not checked.
    #[serde(default)]
    pub zone_name: Option<String>,
}

/// One of a broker's log directories and the small files at its top.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogDir {
    pub path: String,
    pub access: Access,
    /// `broker.id` or `node.id` of `meta.properties`.
    pub broker_id: Option<i64>,
    /// `cluster.id` of `meta.properties` (Kafka 2.4 and later).
    pub cluster_id: Option<String>,
    /// `replication-offset-checkpoint`: high watermarks. `None`: not seen.
    pub high_watermarks: Option<Vec<Checkpoint>>,
    /// `recovery-point-offset-checkpoint`: first offset not known to be on disk.
    pub recovery_points: Option<Vec<Checkpoint>>,
    /// `log-start-offset-checkpoint`: only where later than the first segment.
    pub log_starts: Option<Vec<Checkpoint>>,
    /// `cleaner-offset-checkpoint`: first dirty offsets of compacted partitions.
    pub first_dirty: Option<Vec<Checkpoint>>,
    /// `.kafka_cleanshutdown` is there: the broker is down and was stopped cleanly.
    pub clean_shutdown: bool,
    /// `directory.id` of `meta.properties` (3.7 and later).
    #[serde(default)]
    pub directory_id: Option<String>,
    /// When `cleaner-offset-checkpoint` was last written, seconds since 1970: the cleaner's last finished
    /// cleaning, or a truncation, deletion or move of a partition.
    #[serde(default)]
    pub first_dirty_written: Option<i64>,
    /// It holds `__cluster_metadata-0`.
    #[serde(default)]
    pub metadata: bool,
}

/// Whether a file or directory could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Readable,
    Unreadable,
    Missing,
    /// A file of no bytes.
    Empty,
    /// Nobody looked.
    #[default]
    Unseen,
}

/// One line of a checkpoint file (kafka.server.checkpoints.OffsetCheckpointFile).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub topic: Arc<str>,
    pub partition: u32,
    pub offset: u64,
}

/// What one probe brought back from one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeAnswer {
    /// Index into [`Round::plays`].
    pub play: usize,
    /// `disk_usage`, `log_grep`, `disk_free`, `command`.
    pub probe: String,
    pub evidence: Evidence,
    /// One row per path, file or command that was asked about.
    pub coverage: Vec<Coverage>,
    /// Seconds that the probe took.
    pub seconds: f64,
}

/// How complete a piece of evidence is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub path: String,
    pub status: CoverageStatus,
    /// Why it is not complete.
    pub reason: Option<String>,
    /// What is missing, in words with a number where it is known ("1,204 matching lines").
    pub missing: Option<String>,
}

/// See [`Coverage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageStatus {
    Complete,
    Partial,
    None,
}

impl ProbeAnswer {
    /// The name of an answer that holds the transcript of a `du`.
    pub const DU_TRANSCRIPT: &str = "du_transcript";
    /// The name of an answer that holds log files that somebody brought.
    pub const LOG_FILE: &str = "log_file";
    /// The name of an answer that holds the output of `kafka-log-dirs`.
    pub const KAFKA_LOG_DIRS: &str = "kafka_log_dirs";
    /// The name of an answer that says what nobody brought.
    pub const NOT_BROUGHT: &str = "not_brought";

    /// Whether somebody brought it: it says nothing of what it does not show.
    pub fn brought(&self) -> bool {
        let names = [Self::DU_TRANSCRIPT, Self::LOG_FILE, Self::KAFKA_LOG_DIRS, Self::NOT_BROUGHT];
        names.contains(&self.probe.as_str())
    }
}

impl Coverage {
    /// All of `path` was seen.
    pub fn complete(path: impl Into<String>) -> Self {
        Coverage { path: path.into(), status: CoverageStatus::Complete, reason: None, missing: None }
    }

    /// Some of `path` was seen.
    pub fn partial(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Coverage {
            path: path.into(),
            status: CoverageStatus::Partial,
            reason: Some(reason.into()),
            missing: None,
        }
    }

    /// Nothing of `path` was seen.
    pub fn none(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Coverage {
            path: path.into(),
            status: CoverageStatus::None,
            reason: Some(reason.into()),
            missing: None,
        }
    }
}

/// Typed facts that a probe brought back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Nothing came back; the coverage says why.
    None,
    /// The facts and what discovery found: they stand in [`Visit::facts`] and [`Visit::broker`].
    Facts,
    DiskUsage(DiskUsage),
    LogGrep(LogGrep),
    DiskFree(Vec<Mount>),
    Command(CommandOutput),
}

/// What lies under the paths of a `disk_usage` probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskUsage {
    /// Directories that [`Replica::log_dir`] points into.
    pub log_dirs: Vec<String>,
    pub replicas: Vec<Replica>,
    /// Files and directories that are no replica.
    pub others: Vec<PathUsage>,
    /// What was read of the replicas that looked suspicious on their node, and of no others.
    #[serde(default)]
    pub details: Vec<ReplicaDetail>,
    /// `offsetLag` of `kafka-log-dirs` where it is not 0: index into `replicas`, and offsets.
    #[serde(default)]
    pub lags: Vec<(u32, u64)>,
}

/// What the small files inside a replica's directory say. Kept apart: few replicas have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaDetail {
    /// Index into [`DiskUsage::replicas`].
    pub replica: u32,
    /// `leader-epoch-checkpoint`: epoch and its first offset, ascending
    /// (org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile). `None`: not seen.
    pub epochs: Option<Vec<(u32, u64)>>,
    /// `topic_id` of `partition.metadata` (2.8 and later).
    pub topic_id: Option<String>,
}

/// One replica directory on one broker's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    pub topic: Arc<str>,
    pub partition: u32,
    pub kind: ReplicaKind,
    /// Index into [`DiskUsage::log_dirs`].
    pub log_dir: u32,
    /// What `du` shows, in bytes.
    pub allocated_bytes: u64,
    /// Kafka's own measure: the sum of the `.log` files' lengths, in bytes.
    pub log_bytes: u64,
    /// Number of `.log` files.
    pub segments: u32,
    /// Base offset of the first segment.
    pub first_base: Option<u64>,
    /// Base offset of the active segment.
    pub last_base: Option<u64>,
    /// Newest modification of a `.log`, seconds since 1970.
    pub newest_mtime: Option<i64>,
    /// Files that end in `.cleaned` or `.swap`: a cleaner at work, or one that died there.
    pub cleaned_files: u32,
    /// Files that end in `.deleted`: gone after `file.delete.delay.ms`, 60 s.
    #[serde(default)]
    pub deleted_files: u32,
    /// Bytes of the active segment's `.log`, which the cleaner never touches.
    #[serde(default)]
    pub active_bytes: u64,
    /// Bytes of the `.log` files below the cleaner's first dirty offset; means something only where the
    /// checkpoint names the partition (kafka.log.LogToClean).
    #[serde(default)]
    pub clean_bytes: u64,
    /// Bytes: the size was printed rounded, and the true one lies above it less this, and at most half of
    /// this beyond it (`du -h` rounds up, some to the nearest). 0: exact.
    #[serde(default)]
    pub rounded_by: u64,
}

/// What the name of a replica directory says about it (kafka.log.LocalLog `parseTopicPartitionName`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaKind {
    /// `<topic>-<partition>`.
    #[default]
    Current,
    /// `….<id>-future`: the target of a move between log dirs.
    Future,
    /// `….<id>-stray`: not assigned to this broker.
    Stray,
    /// `….<id>-delete`: about to be deleted.
    Deleting,
}

/// Size of a path that is no replica, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathUsage {
    pub path: String,
    pub allocated_bytes: u64,
    pub apparent_bytes: u64,
}

/// What a `log_grep` probe found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LogGrep {
    /// The extended regular expression that the node matched lines against.
    pub pattern: String,
    pub files: Vec<LogFile>,
    /// Newest first within the byte limit, sorted by file and line here. What earlier rounds read of it is here too.
    pub records: Vec<LogRecord>,
    /// What was asked, as a hash: only cursors of the same question can be gone on from.
    #[serde(default)]
    pub asked: Option<String>,
}

/// One log file that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFile {
    pub path: String,
    pub access: Access,
    /// Matching lines beyond the byte limit, when it was reached and they could be counted.
    pub beyond: u64,
    /// Where the next round may go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Since when it is not there any more; its records are those of earlier rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Timestamp>,
}

/// One record of a log: the line that matched and the lines that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Index into [`LogGrep::files`].
    pub file: u32,
    /// From 1.
    pub line: u64,
    /// The header line; bytes that are no UTF-8 are replaced.
    pub text: String,
    /// The lines that follow and belong to it: exception and stack trace.
    pub continuation: Vec<String>,
    /// The header line held bytes that are no UTF-8.
    pub lossy: bool,
    /// The line or its continuation was cut.
    pub truncated: bool,
}

/// One line of `df`, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    pub device: String,
    pub mount: String,
    pub size_bytes: u64,
    pub used_bytes: u64,
    pub available_bytes: u64,
    /// Inodes; `None` where the file system does not count them.
    #[serde(default)]
    pub inodes: Option<u64>,
    #[serde(default)]
    pub inodes_free: Option<u64>,
}

/// What a `command` probe or `exec` printed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandOutput {
    pub command: String,
    pub stdout: String,
    pub stderr: String,
    pub ended: Option<Ended>,
    /// Bytes beyond the limit that were not kept (at least: the command was stopped then).
    pub overflow_bytes: u64,
    pub lossy: bool,
}

/// How a remote script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Exit status; 128 + n for signal n, as a shell has it.
    Exit(i32),
    /// Stopped by us at its deadline.
    Deadline,
    /// Stopped by us when its output passed the limit.
    Overflow,
    /// Stopped because the round was.
    Stopped,
    /// The connection broke.
    Lost,
}

impl Round {
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
