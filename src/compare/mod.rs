//! The same thing seen by several brokers, side by side. Pure.
//!
//! Only brokers of one cluster are ever compared. Arrays are sorted: topics by name, partitions by
//! number, replicas and brokers by the inventory's order.

mod brokers;
pub(crate) mod coverage;
mod membership;
mod pairs;
mod size;
mod topics;

use std::sync::Arc;

use crate::kafka::event::Event;
use crate::kafka::events;
use crate::round::{Round, Visit};

pub use brokers::{address_ids, node_id};
pub use membership::cluster_id;
pub use size::{Measure, ratio, sure_ratio};

/// All clusters of a round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison<'a> {
    pub clusters: Vec<Cluster>,
    /// All brokers' log events, oldest first; those without a known time last, by host, file and line.
    pub events: Vec<Event<'a>>,
}

/// One Kafka cluster, as far as it was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cluster {
    /// `kafka_cluster` of the inventory, else `cluster.id` from the nodes, else the play's name.
    pub name: String,
    pub brokers: Vec<Broker>,
    pub topics: Vec<Topic>,
    pub pairs: Vec<Pair>,
    /// Every host of the cluster was reached and all replica directories that were asked about were
    /// seen, on all brokers the same: what is not here is missing. Otherwise an unseen broker may hold it.
    pub complete: bool,
}

/// One broker.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Broker {
    /// The inventory's name.
    pub host: String,
    /// Index into [`crate::round::Round::visits`].
    pub visit: usize,
    pub id: Option<i64>,
    pub id_source: Option<IdSource>,
    /// Whether its replica directories were looked at and seen, or somebody brought what is known of them.
    pub seen: bool,
    /// Lengths of files, or what they take on disk, are known of its replicas.
    pub lengths_known: bool,
    pub blocks_known: bool,
    pub replicas: u32,
    pub log_bytes: u64,
    pub allocated_bytes: u64,
    /// The newest version named in its logs.
    pub version: Option<String>,
}

/// Where a broker's id is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdSource {
    MetaProperties,
    /// `node.id` or `broker.id` of `server.properties`.
    Settings,
    Inventory,
    /// An id that is an IPv4 address as an integer, matched with the host's address.
    Address,
}

impl IdSource {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            IdSource::MetaProperties => "meta.properties",
            IdSource::Settings => "settings",
            IdSource::Inventory => "inventory",
            IdSource::Address => "address",
        }
    }
}

/// One topic's partitions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topic {
    pub name: String,
    /// A glob of the playbook leaves it out of findings.
    pub ignored: bool,
    /// Replicas per partition: the playbook's, else the topic's mode when the cluster is complete.
    pub expected_replicas: Option<u32>,
    /// Whether the expectation is the playbook's.
    pub expected_by_playbook: bool,
    /// Whether it is what Kafka itself says (neither: inferred from the mode).
    pub expected_by_kafka: bool,
    /// Partitions that the playbook expects.
    pub expected_partitions: Option<u32>,
    /// The playbook says so, or some `cleaner-offset-checkpoint` names it, or it is Kafka's own: it is compacted.
    pub compacted: bool,
    /// Every broker of the cluster was looked at for all of this topic: what is not here is missing.
    pub complete: bool,
    pub partitions: Vec<Partition>,
    /// What was read of suspicious replicas, by partition, then broker. Kept apart: few replicas have it.
    pub details: Vec<Detail>,
    /// Where what was brought stands, by partition, then broker.
    pub told: Vec<Told>,
}

/// Where in a text that somebody brought a replica stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub partition: u32,
    /// Index into [`Cluster::brokers`].
    pub broker: usize,
    pub kind: Kind,
    /// The text's name, as it was given.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
}

/// What the small files inside a replica's directory say (see [`crate::round::ReplicaDetail`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Detail {
    pub partition: u32,
    /// Index into [`Cluster::brokers`].
    pub broker: usize,
    pub kind: Kind,
    /// Leader epochs and their first offsets, ascending; `None`: not seen.
    pub epochs: Option<Vec<(u32, u64)>>,
    pub topic_id: Option<String>,
}

impl Topic {
    /// Whether the number of replicas was said, by the playbook or by Kafka, and not inferred.
    pub fn replicas_said(&self) -> bool {
        self.expected_by_playbook || self.expected_by_kafka
    }

    /// The details of one partition's replicas that were read.
    pub fn details(&self, partition: u32) -> &[Detail] {
        let first = self.details.partition_point(|detail| detail.partition < partition);
        let end = self.details.partition_point(|detail| detail.partition <= partition);
        self.details.get(first..end).unwrap_or(&[])
    }

    /// Where a replica that somebody brought stands.
    pub fn told(&self, partition: u32, replica: &Replica) -> Option<&Told> {
        let key = (partition, replica.broker, replica.kind);
        let at =
            self.told.binary_search_by_key(&key, |told| (told.partition, told.broker, told.kind)).ok()?;
        self.told.get(at)
    }
}

/// One partition's replicas.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Partition {
    pub partition: u32,
    pub replicas: Vec<Replica>,
}

/// One replica as one broker holds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replica {
    /// Index into [`Cluster::brokers`].
    pub broker: usize,
    pub kind: Kind,
    /// Bytes: the sum of the `.log` lengths, Kafka's own measure.
    pub log_bytes: u64,
    /// Bytes: what `du` shows.
    pub allocated_bytes: u64,
    pub segments: u32,
    pub log_start: Option<u64>,
    pub high_watermark: Option<u64>,
    pub recovery_point: Option<u64>,
    pub first_dirty: Option<u64>,
    pub last_base: Option<u64>,
    pub newest_mtime: Option<i64>,
    pub cleaned_files: u32,
    pub deleted_files: u32,
    /// Bytes of the active segment, which the cleaner never touches.
    pub active_bytes: u64,
    /// Bytes below the cleaner's first dirty offset.
    pub clean_bytes: u64,
    /// The log dir's checkpoint files were read: an offset that is not here does not stand there.
    pub offsets_seen: bool,
    /// Somebody brought it: it was not seen on this visit.
    pub brought: bool,
    /// See [`crate::round::Replica::rounded_by`].
    pub rounded_by: u64,
}

/// [`crate::round::ReplicaKind`], with a default for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    #[default]
    Current,
    Future,
    Stray,
    Deleting,
}

impl Kind {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Current => "current",
            Kind::Future => "future",
            Kind::Stray => "stray",
            Kind::Deleting => "deleting",
        }
    }

    /// What stands behind a replica's size: nothing where it is an ordinary one.
    pub fn mark(self) -> &'static str {
        match self {
            Kind::Current => "",
            Kind::Future => " future",
            Kind::Stray => " stray",
            Kind::Deleting => " deleting",
        }
    }
}

/// Two brokers and the partitions that both hold a current replica of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pair {
    /// Indices into [`Cluster::brokers`], `a` before `b`.
    pub a: usize,
    pub b: usize,
    pub topic: String,
    pub partitions: u32,
    /// Larger over smaller, by the measure of `by`; `None` when every size is zero.
    pub ratio_min: Option<f64>,
    pub ratio_median: Option<f64>,
    pub ratio_max: Option<f64>,
    /// The broker whose replicas are larger on most of them, when there is one.
    pub larger: Option<usize>,
}

/// Whether replica directories of this name would have been seen on a host, `topic-*` for a whole topic.
pub fn covers(visit: &Visit, name: &str) -> bool {
    let looked = coverage::Looked::of(visit);
    looked.whole && looked.covers(name)
}

/// Lays the replicas of every cluster of a round side by side.
pub fn compare(round: &Round) -> Comparison<'_> {
    let events = events::of_round(round);
    let clusters = membership::clusters(round)
        .into_iter()
        .map(|members| {
            let brokers = brokers::brokers(round, &members, &events);
            let looked: Vec<coverage::Looked<'_>> = members
                .visits
                .iter()
                .filter_map(|at| round.visits.get(*at))
                .map(coverage::Looked::of)
                .collect();
            cluster(round, members, brokers, &looked)
        })
        .collect();
    Comparison { clusters, events }
}

fn cluster(
    round: &Round,
    members: membership::Members,
    mut brokers: Vec<Broker>,
    looked: &[coverage::Looked<'_>],
) -> Cluster {
    let mut topics = topics::topics(round, &mut brokers);
    let everybody = coverage::Everybody::of(looked, members.certain);
    let plays = members.plays(round);
    let ids: Vec<Option<i64>> = brokers.iter().map(|broker| broker.id).collect();
    for topic in &mut topics {
        topic.complete = everybody.saw(topic);
        topics::expect(round, &plays, &ids, topic);
    }
    let complete = members.certain
        && brokers.iter().all(|broker| broker.seen)
        && topics.iter().all(|topic| topic.complete);
    let pairs = pairs::pairs(&topics);
    Cluster { name: members.name, brokers, topics, pairs, complete }
}

#[cfg(test)]
pub(crate) mod rounds;
#[cfg(test)]
mod tests;
