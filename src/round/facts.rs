//! What a visit learns of its host: the node, its brokers and their log dirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Whether some process of Kafka runs there; `None` where others' processes can't be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<bool>,
}

/// What tells one broker from another on the same host: what `meta.properties` says in its log dirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    broker_id: Option<i64>,
    cluster_id: Option<String>,
    directory_ids: BTreeSet<String>,
}

impl Identity {
    /// Empty where no log dir was seen.
    pub fn of(facts: Option<&Facts>) -> Self {
        let dirs = facts.map_or(&[][..], |facts| &facts.log_dirs);
        Identity {
            broker_id: dirs.iter().find_map(|dir| dir.broker_id),
            cluster_id: dirs.iter().find_map(|dir| dir.cluster_id.clone()),
            directory_ids: dirs.iter().filter_map(|dir| dir.directory_id.clone()).collect(),
        }
    }

    /// Whether both were seen and are certainly not the same broker: another id or cluster, or every log dir
    /// formatted anew.
    pub fn is_another(&self, other: &Identity) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        let (dirs, others) = (&self.directory_ids, &other.directory_ids);
        differ(self.broker_id.as_ref(), other.broker_id.as_ref())
            || differ(self.cluster_id.as_ref(), other.cluster_id.as_ref())
            || !dirs.is_empty() && !others.is_empty() && dirs.is_disjoint(others)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_another_only_where_that_is_certain() {
        let of = |id: Option<i64>, cluster: Option<&str>, dirs: &[&str]| {
            let dir = |directory: Option<&str>| LogDir {
                broker_id: id,
                cluster_id: cluster.map(str::to_owned),
                directory_id: directory.map(str::to_owned),
                ..LogDir::default()
            };
            let log_dirs = if dirs.is_empty() {
                vec![dir(None)]
            } else {
                dirs.iter().map(|directory| dir(Some(directory))).collect()
            };
            Identity::of(Some(&Facts { log_dirs, ..Facts::default() }))
        };
        let broker = of(Some(1), Some("c"), &["a", "b"]);
        for same in [broker.clone(), of(None, None, &[]), of(Some(1), None, &["b", "c"]), Identity::of(None)]
        {
            assert!(!broker.is_another(&same) && !same.is_another(&broker), "{same:?}");
        }
        for other in
            [of(Some(2), Some("c"), &["a"]), of(Some(1), Some("d"), &[]), of(Some(1), Some("c"), &["x"])]
        {
            assert!(broker.is_another(&other) && other.is_another(&broker), "{other:?}");
        }
    }
}
