//! How a partition and its holders are shown: items of findings, and sizes as evidence.

use std::collections::BTreeSet;

use crate::compare::{Cluster, Measure, Partition, Replica, Topic};
use crate::diagnose::finding::{EvidenceLine, Holder, ReplicaItem, Source};
use crate::diagnose::view::on_disk;
use crate::words;

/// Before a ratio of sizes that were printed rounded.
pub fn about<'a>(mut partitions: impl Iterator<Item = &'a Partition>) -> &'static str {
    if partitions.any(Partition::rounded) { "about " } else { "" }
}

/// A broker's host.
pub fn host(cluster: &Cluster, broker: usize) -> &str {
    cluster.brokers.get(broker).map_or("?", |broker| &broker.host)
}

/// Each host once, in the inventory's order.
pub fn hosts(cluster: &Cluster, brokers: impl Iterator<Item = usize>) -> Vec<&str> {
    let brokers: BTreeSet<usize> = brokers.collect();
    brokers.into_iter().map(|broker| host(cluster, broker)).collect()
}

/// A partition with its holders, larger first.
pub fn replica_item(
    cluster: &Cluster,
    partition: &Partition,
    odd: Vec<String>,
    ratio: Option<f64>,
    why: Option<String>,
) -> ReplicaItem {
    let measure = partition.measure();
    let mut replicas: Vec<&Replica> = partition.current().collect();
    replicas.sort_by_key(|replica| std::cmp::Reverse(replica.bytes(measure)));
    let holder = |replica: &&Replica| Holder {
        host: host(cluster, replica.broker).to_owned(),
        log_bytes: replica.log_bytes,
        allocated_bytes: replica.allocated_bytes,
        high_watermark: replica.high_watermark,
    };
    ReplicaItem {
        partition: partition.partition,
        holders: replicas.iter().map(holder).collect(),
        odd,
        ratio,
        why,
    }
}

/// The sizes of a partition's replicas, larger first.
pub fn size_lines(cluster: &Cluster, topic: &Topic, partition: &Partition) -> Vec<EvidenceLine> {
    let measure = partition.measure();
    let mut replicas: Vec<&Replica> = partition.current().collect();
    replicas.sort_by_key(|replica| std::cmp::Reverse(replica.bytes(measure)));
    let what = match measure {
        Measure::Log => ".log",
        Measure::Allocated => "allocated",
    };
    replicas
        .into_iter()
        .map(|replica| {
            let bytes = words::bytes(replica.bytes(measure));
            let rounded = replica.rounded_by > 0 && measure == Measure::Allocated;
            let (about, rounded) = if rounded { ("about ", ", rounded") } else { ("", "") };
            let text = format!("{}-{} {about}{bytes} {what}{rounded}", topic.name, partition.partition);
            let seen = on_disk(host(cluster, replica.broker), None, text);
            if !replica.brought {
                return seen;
            }
            let told = topic.told(partition.partition, replica);
            EvidenceLine {
                source: Source::Transcript,
                file: told.map(|told| told.file.to_string()),
                line: told.map(|told| told.line.into()),
                ..seen
            }
        })
        .collect()
}
