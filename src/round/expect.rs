//! What a play takes for granted, kept with the round.

use serde::{Deserialize, Serialize};

use super::Thresholds;

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
