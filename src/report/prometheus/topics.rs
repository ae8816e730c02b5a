//! Topics, partitions and replicas: the part of the page that grows with the fleet, and its limit.

use std::collections::HashSet;

use super::page::Page;
use crate::compare::{Cluster, Partition, Replica, Topic};
use crate::report::digest::partitions::{high_watermarks_apart, outline, ratio};
use crate::report::{Metrics, Report};
use crate::round::glob_matches;

/// Something of a topic or partition, where it is known.
type Of<T> = (&'static str, &'static str, fn(&Topic, &T) -> Option<f64>);

const OF_TOPIC: [Of<Topic>; 4] = [
    ("roundsman_topic_partitions", "Partitions of a topic of which a replica was seen.", |_, topic| {
        Some(topic.partitions.len() as f64)
    }),
    ("roundsman_topic_log_bytes", "Bytes of the .log files of all replicas of a topic that were seen.", {
        |_, topic| current(topic).filter_map(log_bytes).reduce(|sum, bytes| sum + bytes)
    }),
    (
        "roundsman_topic_size_ratio_max",
        "The largest ratio between two replicas of one partition of a topic.",
        |_, topic| topic.partitions.iter().filter_map(ratio).max_by(f64::total_cmp),
    ),
    (
        "roundsman_topic_dirty_ratio_max",
        "The largest dirty ratio of a replica of a compacted topic.",
        |_, topic| current(topic).filter_map(|replica| dirty_ratio(topic, replica)).max_by(f64::total_cmp),
    ),
];

const OF_PARTITION: [Of<Partition>; 2] = [
    ("roundsman_partition_size_ratio", "Larger over smaller of a partition's replicas.", |_, partition| {
        ratio(partition)
    }),
    (
        "roundsman_partition_high_watermarks_apart",
        "Offsets between a partition's highest and lowest high watermark.",
        |_, partition| high_watermarks_apart(partition).map(|apart| apart as f64),
    ),
];

const OF_REPLICA: [Of<Replica>; 4] = [
    ("roundsman_replica_log_bytes", "Bytes of a replica's .log files, Kafka's own measure.", |_, replica| {
        log_bytes(replica)
    }),
    (
        "roundsman_replica_allocated_bytes",
        "Bytes that a replica takes on disk, as du has it.",
        |_, replica| replica.known_allocated_bytes().map(|bytes| bytes as f64),
    ),
    ("roundsman_replica_high_watermark", "A replica's high watermark, an offset.", |_, replica| {
        replica.high_watermark.map(|offset| offset as f64)
    }),
    (
        "roundsman_replica_dirty_ratio",
        "Share of a compacted replica's closed segments that the cleaner has not been through, Kafka's own measure.",
        dirty_ratio,
    ),
];

fn current(topic: &Topic) -> impl Iterator<Item = &Replica> {
    topic.partitions.iter().flat_map(Partition::current)
}

fn log_bytes(replica: &Replica) -> Option<f64> {
    replica.known_log_bytes().map(|bytes| bytes as f64)
}

fn dirty_ratio(topic: &Topic, replica: &Replica) -> Option<f64> {
    topic.compacted.then(|| replica.dirty_ratio_of_compacted())?
}

/// Within `room` series: the topics, those with odd partitions first, up to half of it; then their partitions,
/// the odd ones of all topics first. Gives how many topics and partitions are left out.
pub fn topics(report: &Report, room: usize, page: &mut Page) -> (usize, usize) {
    let mut shown_topics: Vec<(&Cluster, &Topic)> = Vec::new();
    let mut shown: Vec<Place> = Vec::new();
    let mut ordinary: Vec<Place> = Vec::new();
    for cluster in &report.comparison.clusters {
        for outline in outline(report, cluster) {
            if outline.topic.ignored || !admits(&report.metrics, &outline.topic.name) {
                continue;
            }
            shown_topics.push((cluster, outline.topic));
            let odd: HashSet<u32> = outline.odd.iter().map(|odd| odd.partition.partition).collect();
            let place = |partition| Place { cluster, topic: outline.topic, partition };
            shown.extend(outline.odd.iter().map(|odd| place(odd.partition)));
            let rest = outline.topic.partitions.iter().filter(|one| !odd.contains(&one.partition));
            ordinary.extend(rest.map(place));
        }
    }
    shown.append(&mut ordinary);
    let (all_topics, all_partitions) = (shown_topics.len(), shown.len());

    let cost = |(_, topic): &(&Cluster, &Topic)| known(&OF_TOPIC, topic, topic);
    let used = keep(&mut shown_topics, room / 2, cost);
    keep(&mut shown, room - used, Place::series);

    for (name, help, value) in OF_TOPIC {
        page.gauge(name, help);
        for (cluster, topic) in &shown_topics {
            if let Some(value) = value(topic, topic) {
                page.sample(&[("cluster", &cluster.name), ("topic", &topic.name)], value);
            }
        }
    }
    for (name, help, value) in OF_PARTITION {
        page.gauge(name, help);
        for place in &shown {
            if let Some(value) = value(place.topic, place.partition) {
                let number = place.partition.partition.to_string();
                page.sample(&place.labels(&number), value);
            }
        }
    }
    for (name, help, value) in OF_REPLICA {
        page.gauge(name, help);
        for place in &shown {
            let number = place.partition.partition.to_string();
            for replica in place.partition.current() {
                if let (Some(value), Some(broker)) =
                    (value(place.topic, replica), place.cluster.host(replica.broker))
                {
                    let [cluster, topic, partition] = place.labels(&number);
                    page.sample(&[cluster, topic, partition, ("broker", broker)], value);
                }
            }
        }
    }
    (all_topics - shown_topics.len(), all_partitions - shown.len())
}

fn admits(metrics: &Metrics, topic: &str) -> bool {
    metrics.topics.is_empty() || metrics.topics.iter().any(|glob| glob_matches(glob, topic))
}

/// How many of some metrics are known of a thing.
fn known<T>(metrics: &[Of<T>], topic: &Topic, thing: &T) -> usize {
    metrics.iter().filter(|(_, _, value)| value(topic, thing).is_some()).count()
}

/// Cuts a list off where its series would be more than `room`; gives the series that are left.
fn keep<T>(list: &mut Vec<T>, room: usize, series: impl Fn(&T) -> usize) -> usize {
    let mut used = 0;
    let fits = list.iter().take_while(|one| {
        let with_it = used + series(one);
        let fits = with_it <= room;
        if fits {
            used = with_it;
        }
        fits
    });
    let number = fits.count();
    list.truncate(number);
    used
}

struct Place<'a> {
    cluster: &'a Cluster,
    topic: &'a Topic,
    partition: &'a Partition,
}

impl Place<'_> {
    fn series(&self) -> usize {
        let replicas = self.partition.current().map(|replica| known(&OF_REPLICA, self.topic, replica));
        known(&OF_PARTITION, self.topic, self.partition) + replicas.sum::<usize>()
    }

    fn labels<'a>(&'a self, number: &'a str) -> [(&'static str, &'a str); 3] {
        [("cluster", &self.cluster.name), ("topic", &self.topic.name), ("partition", number)]
    }
}
