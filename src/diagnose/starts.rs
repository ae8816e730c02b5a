//! Brokers that are down: in which order they may be started.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Cluster, Partition, Replica, Topic};
use crate::diagnose::finding::{Code, Finding};
use crate::diagnose::joins::{SETTING, Unclean, election, unclean};
use crate::diagnose::judge::{Lag, high_watermarks};
use crate::diagnose::view::{Stop, View};
use crate::kafka::replica_dir::METADATA;
use crate::words;

/// What the replicas of one broker lack that only another has, both being down.
#[derive(Default)]
pub struct Lack<'c> {
    /// By topic: partitions, and offsets that are lacking in all.
    pub topics: BTreeMap<&'c str, (BTreeSet<u32>, u64)>,
}

/// By the broker that must wait and the one that must be started first.
pub type Order<'c> = BTreeMap<(&'c str, &'c str), Lack<'c>>;

/// Says with findings about brokers that are down, and partitions that they hold, which to start first.
///
/// It holds because the first replica to come up may lead: at once where an unclean election is allowed (a topic's or
/// broker's setting, the default up to 0.10.2), and then whoever comes later cuts what the leader does not have
/// (kafka.server.ReplicaFetcherThread). A running replica that has it all leads anyway, and nobody has to wait.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut [Finding]) {
    let order = order(view, cluster);
    if order.is_empty() {
        return;
    }
    let ours = |finding: &&mut Finding| finding.subject.cluster.as_deref() == Some(cluster.name.as_str());
    for finding in findings.iter_mut().filter(ours) {
        let (broker, topic) = (finding.subject.broker.as_deref(), finding.subject.topic.as_deref());
        let about = |later: &str, first: &str, lack: &Lack<'_>| match finding.code {
            Code::BrokerCrashed | Code::BrokerFenced => {
                broker.is_some_and(|host| host == later || host == first)
            }
            Code::ReplicaShort | Code::ReplicaLagging | Code::ReplicaEmpty | Code::UnderMinIsr => {
                topic.is_some_and(|topic| lack.topics.contains_key(topic))
            }
            _ => false,
        };
        let mut steps: Vec<String> = Vec::new();
        for ((later, first), lack) in order.iter().filter(|((later, first), lack)| about(later, first, lack))
        {
            let step = if order.contains_key(&(*first, *later)) {
                format!("Do not start {later} alone, nor {first}: set {SETTING}=false first, then start both")
            } else if broker == Some(first) {
                format!("Start {first} before {later}")
            } else {
                format!("Do not start {later} before {first} runs")
            };
            let election = possible(view, cluster, lack);
            // Short replicas say it already.
            let election =
                if finding.next_steps.contains(&election) { String::new() } else { format!(" {election}") };
            steps.push(format!("{step}: {}, which only {first} has.{election}", what(lack)));
        }
        finding.next_steps.splice(0..0, steps);
    }
}

/// Whether there is anything to put in order: one broker alone waits for nobody.
pub fn several_down(view: &View<'_>, cluster: &Cluster) -> bool {
    cluster.brokers.iter().filter(|broker| view.stopped(broker).is_some()).count() > 1
}

/// Who must wait for whom.
pub fn order<'c>(view: &View<'_>, cluster: &'c Cluster) -> Order<'c> {
    let mut order = Order::new();
    if !several_down(view, cluster) {
        return order;
    }
    let host = |replica: &Replica| cluster.brokers.get(replica.broker).map(|broker| broker.host.as_str());
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        for partition in &topic.partitions {
            for (later, first, offsets) in waits(view, cluster, topic, partition) {
                let Some(pair) = host(later).zip(host(first)) else { continue };
                let (partitions, lacking) =
                    order.entry(pair).or_default().topics.entry(&topic.name).or_default();
                partitions.insert(partition.partition);
                *lacking = lacking.saturating_add(offsets);
            }
        }
    }
    order
}

/// Who of a partition's holders that are down must wait for whom, and the offsets that it lacks.
///
/// A broker that was not seen may run and hold it all: where one may have a replica, nothing is said.
pub fn waits<'p>(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    partition: &'p Partition,
) -> Vec<(&'p Replica, &'p Replica, u64)> {
    let expected = topic.expected_replicas.and_then(|expected| usize::try_from(expected).ok());
    if !topic.complete && expected.is_none_or(|expected| partition.current().count() < expected) {
        return Vec::new();
    }
    let Some(first) = partition.current().max_by_key(|replica| replica.high_watermark) else {
        return Vec::new();
    };
    let stop = |replica: &Replica| view.down(cluster, replica);
    let lag = |replica: &Replica| high_watermarks(first, replica);
    let leads = |replica: &Replica| stop(replica).is_none() && !matches!(lag(replica), Some(Lag::Behind(_)));
    if stop(first).is_none() || partition.current().any(leads) {
        return Vec::new();
    }
    let lacks = |replica: &Replica| {
        let Some(Lag::Behind(_)) = lag(replica) else { return None };
        // A clean stop leaves the end of the log there (kafka.log.LogManager `shutdown`).
        let end = match stop(replica)? {
            Stop::Clean => replica.high_watermark.max(replica.recovery_point),
            Stop::Unclean | Stop::Unseen => replica.high_watermark,
        };
        first.high_watermark?.checked_sub(end?).filter(|offsets| *offsets > 0)
    };
    partition.current().filter_map(|replica| Some((replica, first, lacks(replica)?))).collect()
}

fn what(lack: &Lack<'_>) -> String {
    let of = |(topic, (partitions, offsets)): (&&str, &(BTreeSet<u32>, u64))| {
        format!(
            "{} of {topic} ({}) lack {} offsets there",
            words::counted(partitions.len(), "partition", "partitions"),
            words::numbers(partitions.iter().copied()),
            words::count(*offsets)
        )
    };
    words::list(&lack.topics.iter().map(of).collect::<Vec<_>>())
}

/// The worst of what is known of unclean elections of its topics.
fn possible(view: &View<'_>, cluster: &Cluster, lack: &Lack<'_>) -> String {
    let known = lack.topics.keys().map(|topic| unclean(view, cluster, topic));
    let worst = known.max_by_key(|how| match how {
        Unclean::Possible(_) => 2,
        Unclean::Unseen => 1,
        Unclean::Off(_) => 0,
    });
    worst.map(|how| election(&how)).unwrap_or_default()
}
