//! What Kafka itself says of its topics: facts where directories only allow a guess.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A topic as `kafka-topics --describe` showed it, or a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedTopic {
    pub topic: String,
    /// From 2.8 on.
    pub topic_id: Option<String>,
    /// `None`: only partitions were listed (`--under-replicated-partitions` and its like).
    pub partition_count: Option<u32>,
    pub replication_factor: Option<u32>,
    /// Settings of the topic's own; before 2.x only those that differ from the broker's.
    pub settings: BTreeMap<String, String>,
    /// In the order of their numbers.
    pub partitions: Vec<DescribedPartition>,
    /// The name of the text that says so, as it was given.
    #[serde(default)]
    pub file: String,
}

/// One partition's leader and replicas, by broker id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescribedPartition {
    pub partition: u32,
    /// `None`: it has none, so nobody can read or write it.
    pub leader: Option<i64>,
    /// The preferred leader first.
    pub replicas: Vec<i64>,
    pub isr: Vec<i64>,
    /// Eligible leader replicas (4.0 and later).
    pub elr: Vec<i64>,
    pub last_known_elr: Vec<i64>,
    /// A reassignment under way (2.4 and later).
    pub adding: Vec<i64>,
    pub removing: Vec<i64>,
    /// From 1: the line that says so.
    #[serde(default)]
    pub line: u64,
}

impl DescribedTopic {
    /// Whether every partition of the topic is listed.
    pub fn whole(&self) -> bool {
        self.partition_count.and_then(|count| usize::try_from(count).ok()) == Some(self.partitions.len())
    }

    /// `cleanup.policy` names compaction; `None` where the policy is not shown.
    pub fn compacted(&self) -> Option<bool> {
        let policy = self.settings.get("cleanup.policy")?;
        Some(policy.split(',').any(|word| word.trim() == "compact"))
    }

    /// `min.insync.replicas` of the topic's own.
    pub fn min_isr(&self) -> Option<u32> {
        self.settings.get("min.insync.replicas")?.parse().ok()
    }

    /// `unclean.leader.election.enable` of the topic's own.
    pub fn unclean_election(&self) -> Option<bool> {
        self.settings.get("unclean.leader.election.enable")?.parse().ok()
    }

    /// Partitions with fewer replicas in sync than producers with `acks=all` need; empty where the topic's own
    /// setting is not shown.
    pub fn under_min_isr(&self) -> impl Iterator<Item = &DescribedPartition> {
        self.partitions.iter().filter(|partition| self.is_under_min_isr(partition))
    }

    /// Whether one partition has fewer replicas in sync than the topic's own setting asks for.
    pub fn is_under_min_isr(&self, partition: &DescribedPartition) -> bool {
        self.min_isr().is_some_and(|least| (partition.isr.len() as u64) < u64::from(least))
    }

    /// A partition by its number.
    pub fn partition(&self, number: u32) -> Option<&DescribedPartition> {
        let at = self.partitions.binary_search_by_key(&number, |partition| partition.partition).ok()?;
        self.partitions.get(at)
    }
}

impl DescribedPartition {
    /// Replicas that should hold the partition and are not in sync; those that a reassignment is only just
    /// adding are not expected to be.
    pub fn out_of_sync(&self) -> Vec<i64> {
        let expected = self.replicas.iter().filter(|id| !self.isr.contains(id) && !self.adding.contains(id));
        expected.copied().collect()
    }

    /// A reassignment is under way.
    pub fn moving(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }
}
