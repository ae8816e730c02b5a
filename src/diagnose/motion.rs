//! Replicas and topics on their way: being filled by a reassignment, just created, or being deleted.

use crate::compare::{Cluster, Kind, Partition, Replica, Topic};
use crate::diagnose::view::View;

/// Seconds: a topic without data whose directories are younger may still be being created.
pub const YOUNG_S: i64 = 600;

/// Whether a partition has a replica more than it should, and this one is being written: a reassignment
/// fills the new copy before it drops the old one (kafka.controller.KafkaController, KIP-455).
pub fn on_its_way(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    partition: &Partition,
    replica: &Replica,
    stale_s: u64,
) -> bool {
    let expected = topic.expected_replicas.and_then(|expected| usize::try_from(expected).ok());
    expected.is_some_and(|expected| partition.current().count() > expected)
        && fresh(view, cluster, replica, stale_s)
}

/// Whether a replica was written not long ago.
pub fn fresh(view: &View<'_>, cluster: &Cluster, replica: &Replica, stale_s: u64) -> bool {
    let age = replica.newest_mtime.zip(cluster.brokers.get(replica.broker));
    age.is_some_and(|(mtime, broker)| view.age(broker, mtime) < i64::try_from(stale_s).unwrap_or(i64::MAX))
}

/// Whether what is left of a topic is what brokers that were down kept of it when it was deleted: nobody has written
/// to it since.
pub fn was_deleted(view: &View<'_>, cluster: &Cluster, topic: &Topic) -> bool {
    let Some(deleted) = view.deleted(cluster, &topic.name) else { return false };
    let before = |replica: &Replica| {
        let written = replica.newest_mtime.zip(cluster.brokers.get(replica.broker));
        written.is_some_and(|(mtime, broker)| view.corrected(broker, mtime) <= deleted)
    };
    topic.partitions.iter().flat_map(|partition| partition.current()).all(before)
}

/// Whether a topic is on its way: its deletion has begun somewhere, or nothing was written to it yet and
/// its directories are new.
pub fn in_motion(view: &View<'_>, cluster: &Cluster, topic: &Topic) -> Option<&'static str> {
    let mut replicas = topic.partitions.iter().flat_map(|partition| &partition.replicas);
    if replicas.clone().any(|replica| replica.kind == Kind::Deleting) {
        return Some("it is being deleted");
    }
    if was_deleted(view, cluster, topic) {
        return Some("it was deleted, and what is left lies on brokers that were down");
    }
    let young = |replica: &Replica| {
        let age = replica.newest_mtime.zip(cluster.brokers.get(replica.broker));
        replica.log_bytes == 0 && age.is_some_and(|(mtime, broker)| view.age(broker, mtime) < YOUNG_S)
    };
    replicas.all(young).then_some("it has just been created")
}
