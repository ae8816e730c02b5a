//! Partitions that take no writes: too few replicas in sync, or none on a broker that runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Broker, Cluster, Replica, Topic};
use crate::diagnose::finding::{Code, Finding, Item, Severity};
use crate::diagnose::isr::{events, isr_of};
use crate::diagnose::lives::stopped_for;
use crate::diagnose::motion;
use crate::diagnose::view::{self, Stop, View, finding, line, of_topic, on_disk};
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::kafka::replica_dir::METADATA;
use crate::words;

/// What keeps writes from a partition.
struct Refusal<'a> {
    event: &'a Event<'a>,
    why: String,
    min: Option<u64>,
    /// It is for want of a leader.
    leaderless: bool,
    over: bool,
}

/// `under-min-isr`: writes with acks=all are refused, or nobody leads.
///
/// It holds because the leader refuses them while its ISR is smaller than `min.insync.replicas`
/// (kafka.cluster.Partition `appendRecordsToLeader`), and says so for each; and because nobody can lead a partition
/// all of whose replicas are on brokers that are down.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut refused = refusals(view, cluster);
    // The last brokers of a cluster that is stopped find nobody to lead.
    let all_stopped = cluster.brokers.iter().all(|broker| view.stopped(broker) == Some(Stop::Clean));
    for refusal in refused.values_mut().flat_map(BTreeMap::values_mut) {
        // Each start says of every partition anew who leads it.
        let told_at_start = matches!(refusal.event.class, Class::FollowerStart { .. });
        refusal.over = refusal.over || all_stopped || !told_at_start && begun_anew(view, refusal.event);
    }
    // That nobody serves anything where no broker runs needs no word for each topic.
    let down = cluster.brokers.iter().filter(|broker| view.stopped(broker).is_some()).count();
    let some_down = down > 0 && down < cluster.brokers.len();
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        let offline = if some_down { offline(view, cluster, topic) } else { BTreeMap::new() };
        let mut told = refused.remove(topic.name.as_str()).unwrap_or_default();
        told.retain(|partition, _| !offline.contains_key(partition));
        findings.extend(unserved(view, cluster, &topic.name, &offline, &told));
    }
    for (topic, told) in refused {
        if !view::topic(cluster, topic).is_some_and(|topic| topic.ignored) {
            findings.extend(unserved(view, cluster, topic, &BTreeMap::new(), &told));
        }
    }
}

/// By topic and partition the last refusal that a log tells of.
fn refusals<'a>(view: &View<'a>, cluster: &'a Cluster) -> BTreeMap<&'a str, BTreeMap<u32, Refusal<'a>>> {
    let mut refused: BTreeMap<&str, BTreeMap<u32, Refusal<'_>>> = BTreeMap::new();
    for event in events(view, cluster) {
        let told = match &event.class {
            Class::UnderMinIsr { of, isr, min } => {
                Some((of, format!("{isr} in sync, {min} needed"), Some(*min)))
            }
            Class::IsrUpdated { of: Some(of), isr, under_min: true, .. } => {
                Some((of, format!("{} in sync, fewer than min.insync.replicas", isr.len()), None))
            }
            Class::ElectionFailed { of, .. } => Some((of, "no replica may lead".to_owned(), None)),
            Class::NoReplicaAlive { of, .. } => {
                Some((of, "no replica that may lead is alive".to_owned(), None))
            }
            // KRaft says no more than that. All replicas up, a leader follows, which another broker tells.
            Class::FollowerStart { of, leader: Some(-1), .. } if may_lack_leader(view, cluster, of) => {
                Some((of, "no replica leads".to_owned(), None))
            }
            _ => None,
        };
        if let Some((of, why, min)) = told {
            let leaderless = !matches!(event.class, Class::UnderMinIsr { .. } | Class::IsrUpdated { .. });
            let refusal = Refusal { event, why, min, leaderless, over: false };
            refused.entry(&of.topic).or_default().insert(of.partition, refusal);
            continue;
        }
        let now = match &event.class {
            Class::UncleanElection { of: Some(of), .. } => Some((of, 1)),
            // Somebody leads, with an ISR that the follower does not tell.
            Class::FollowerStart { of, leader: Some(0..), .. } => Some((of, 0)),
            class => isr_of(class).map(|(of, isr)| (of, isr.len())),
        };
        if let Some((of, size)) = now
            && let Some(refusal) =
                refused.get_mut(of.topic.as_str()).and_then(|topic| topic.get_mut(&of.partition))
        {
            let enough = refusal.min.map_or(1, |min| usize::try_from(min).unwrap_or(usize::MAX));
            let led = matches!(event.class, Class::FollowerStart { .. });
            refusal.over = refusal.over || if led { refusal.leaderless } else { size >= enough };
        }
    }
    refused
}

/// Whether a holder of a partition is down: it may be the only one that was in sync.
fn may_lack_leader(view: &View<'_>, cluster: &Cluster, of: &TopicPartition) -> bool {
    let down = |replica: &Replica| view.down(cluster, replica).is_some();
    view::partition(cluster, of).is_some_and(|partition| partition.current().any(down))
}

/// Partitions of which every replica is on a broker that is down, with these brokers.
fn offline<'c>(view: &View<'_>, cluster: &'c Cluster, topic: &Topic) -> BTreeMap<u32, Vec<&'c Broker>> {
    let mut offline = BTreeMap::new();
    // A broker that was not seen may run and hold one.
    if !topic.complete || motion::was_deleted(view, cluster, topic) {
        return offline;
    }
    for partition in &topic.partitions {
        let is_down = |replica: &Replica| view.down(cluster, replica).is_some();
        if partition.current().next().is_some() && partition.current().all(is_down) {
            let holders = partition.current().filter_map(|replica| cluster.brokers.get(replica.broker));
            offline.insert(partition.partition, holders.collect());
        }
    }
    offline
}

/// What is said of one topic.
fn unserved(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &str,
    offline: &BTreeMap<u32, Vec<&Broker>>,
    told: &BTreeMap<u32, Refusal<'_>>,
) -> Option<Finding> {
    let is_open = told.values().any(|refusal| !refusal.over);
    let shown: BTreeMap<&u32, &Refusal<'_>> =
        told.iter().filter(|(_, refusal)| !is_open || !refusal.over).collect();
    if offline.is_empty() && shown.is_empty() {
        return None;
    }
    let leaderless = is_open && shown.values().all(|refusal| refusal.leaderless);
    let hosts: BTreeSet<&str> = offline.values().flatten().map(|broker| broker.host.as_str()).collect();
    let down: Vec<&Broker> =
        cluster.brokers.iter().filter(|broker| hosts.contains(broker.host.as_str())).collect();
    let hosts: Vec<&str> = hosts.into_iter().collect();
    let refused = (is_open || offline.is_empty()).then(|| {
        let number = words::counted(shown.len(), "partition", "partitions");
        let since = shown.values().map(|refusal| refusal.event.at_raw).min().unwrap_or_default();
        let has = if shown.len() == 1 { "has" } else { "have" };
        match (is_open, leaderless) {
            (true, true) => format!("{number} of {topic} {has} no leader since {since}"),
            (true, false) => format!("{number} of {topic} {has} too few replicas in sync since {since}"),
            (false, _) => format!("{number} of {topic} had too few replicas in sync for a while"),
        }
    });
    let gone = (!offline.is_empty()).then(|| {
        let number = words::counted(offline.len(), "partition", "partitions");
        let (are, them) = if offline.len() == 1 { ("is", "it") } else { ("are", "them") };
        let hold = if hosts.len() == 1 { "holds" } else { "hold" };
        format!("{number} of {topic} {are} offline: {} alone {hold} {them}, down", words::list(&hosts))
    });
    let title = gone.into_iter().chain(refused).collect::<Vec<_>>().join("; ");
    let limit = i64::try_from(view.limits(cluster).stopped_s).unwrap_or(i64::MAX);
    let lasting = |broker: &&Broker| {
        view.stopped(broker) != Some(Stop::Clean) || stopped_for(view, broker).is_some_and(|age| age > limit)
    };
    // One broker at a time is a roll; two that share a partition are none.
    let shared = offline.values().any(|holders| holders.len() > 1);
    let critical = is_open || shared || down.iter().any(lasting);
    let severity = if critical { Severity::Critical } else { Severity::Notice };
    let mut found = finding(Code::UnderMinIsr, severity, of_topic(cluster, topic), title);
    if !offline.is_empty() {
        found.meaning = format!(
            "Nobody can lead these partitions, read from them or write to them until one of {} runs.",
            words::list(&hosts)
        );
        found.next_steps = vec![
            format!(
                "Start {}: for each partition first the broker that holds the most.",
                words::list(&hosts)
            ),
            "Do not restart any other broker meanwhile.".to_owned(),
        ];
    }
    if offline.is_empty() && leaderless {
        found.meaning = "No replica that is in sync runs, so that nobody leads these partitions: they take no writes and give no reads.".to_owned();
        found.next_steps = vec![
            "Start the broker that is down and was in sync last: see broker-crashed and broker-fenced."
                .to_owned(),
            "Do not force an unclean election: what only the broker that is down has would be lost."
                .to_owned(),
        ];
    }
    found.items = offline
        .iter()
        .flat_map(|(partition, holders)| {
            let path = format!("{topic}-{partition}");
            let item = move |broker: &&Broker| {
                Item::host(&broker.host, Some(path.clone()), "holds it and is down".to_owned())
            };
            holders.iter().map(item)
        })
        .chain(shown.iter().map(|(partition, refusal)| {
            Item::host(refusal.event.host, Some(format!("{topic}-{partition}")), refusal.why.clone())
        }))
        .collect();
    let seen = |broker: &&Broker| {
        let clean = view.stopped(broker) == Some(Stop::Clean);
        let what = if clean { ".kafka_cleanshutdown is there" } else { "no process of Kafka runs" };
        on_disk(&broker.host, None, what.to_owned())
    };
    let lines = down.iter().map(seen).chain(shown.values().map(|refusal| line(refusal.event))).collect();
    Some(found.seen(shown.values().map(|refusal| refusal.event)).show(lines))
}

/// Whether the host that reported something started again later: what it said then is over.
fn begun_anew(view: &View<'_>, event: &Event<'_>) -> bool {
    let log = view.log(event.host);
    let own = log.iter().find(|moment| std::ptr::eq(moment.event, event));
    own.is_some_and(|moment| view.started_after(moment))
}
