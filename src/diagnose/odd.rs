//! Partitions whose replicas differ too much, and how they are shown.

use crate::compare::{Cluster, Partition, Topic};
use crate::diagnose::finding::{EvidenceLine, Item};
use crate::diagnose::holders::{host, hosts, replica_item, size_lines};
use crate::diagnose::judge::Judgement;

/// A partition of which two replicas differ too much.
pub struct Odd<'a> {
    pub partition: &'a Partition,
    pub ratio: Option<f64>,
    /// The same for certain, where sizes are rounded.
    pub sure: Option<f64>,
    pub judgement: Judgement,
    /// The replicas that are wrong: the short ones, or the large one.
    pub odd: Vec<usize>,
    /// The broker that they are laid beside.
    pub against: usize,
    /// Both sides are down, and nobody that runs has what the short one lacks.
    pub waits: bool,
}

/// The hosts of what is odd.
pub fn odd_hosts<'a>(cluster: &'a Cluster, odd: &[Odd<'_>]) -> Vec<&'a str> {
    hosts(cluster, odd.iter().flat_map(|odd| odd.odd.iter().copied()))
}

/// The hosts that they are laid beside.
pub fn against<'a>(cluster: &'a Cluster, odd: &[Odd<'_>]) -> Vec<&'a str> {
    hosts(cluster, odd.iter().map(|odd| odd.against))
}

/// What is odd, as items.
pub fn items(cluster: &Cluster, odd: &[Odd<'_>]) -> Vec<Item> {
    odd.iter()
        .map(|odd| {
            let why = match &odd.judgement {
                Judgement::Short(why) | Judgement::Bloated(why) | Judgement::Unclear(why) => why.clone(),
                Judgement::Ordinary => String::new(),
            };
            let hosts = odd.odd.iter().map(|broker| host(cluster, *broker).to_owned()).collect();
            Item::Replicas(replica_item(cluster, odd.partition, hosts, odd.ratio, Some(why)))
        })
        .collect()
}

/// The sizes of all.
pub fn evidence(cluster: &Cluster, topic: &Topic, odd: &[Odd<'_>]) -> Vec<EvidenceLine> {
    odd.iter().flat_map(|odd| size_lines(cluster, topic, odd.partition)).collect()
}
