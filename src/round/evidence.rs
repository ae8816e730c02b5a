//! What the probes brought back, and how complete it is.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Access, Cursor};

/// What one probe brought back from one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeAnswer {
    /// Index into [`super::Round::plays`].
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
    /// The facts and what discovery found: they stand in [`super::Visit::facts`] and [`super::Visit::broker`].
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
    /// Where it stands, if somebody brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Transcript>,
}

/// The text that somebody brought, and where in it each replica stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// Its name, as it was given.
    pub file: Arc<str>,
    /// From 1; one for each of [`DiskUsage::replicas`].
    pub lines: Vec<u32>,
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
