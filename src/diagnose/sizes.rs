//! Replicas of one partition that differ in size.

use std::collections::BTreeSet;

use crate::compare::{Cluster, Measure, Partition, Replica, Topic, ratio, sure_ratio};
use crate::diagnose::cleaner::{self, Cleaner};
use crate::diagnose::cuts::Cut;
use crate::diagnose::finding::{
    Basis, Code, EvidenceLine, Finding, Holder, Item, ReplicaItem, Severity, Source,
};
use crate::diagnose::judge::{Judgement, Known, Lag, floor, high_watermarks, largest};
use crate::diagnose::motion;
use crate::diagnose::view::{View, finding, of_topic, on_disk};
use crate::round::SizeRatio;
use crate::words;

pub use crate::kafka::replica_dir::METADATA;

/// A replica that is behind by this share of its partition is short even where its size is not far off.
pub const FAR_BEHIND: u64 = 10;

/// A partition of which two replicas differ too much.
struct Odd<'a> {
    partition: &'a Partition,
    measure: Measure,
    ratio: Option<f64>,
    /// The same for certain, where sizes are rounded.
    sure: Option<f64>,
    judgement: Judgement,
    /// The replicas that are wrong: the short ones, or the large one.
    odd: Vec<usize>,
}

/// `replica-short` and `replica-skew`.
///
/// Short holds where offsets or a truncation show that the small side lacks data. Skew is the rest:
/// explained where the large side's cleaner is, and otherwise said to be open.
pub fn uneven(view: &View<'_>, cluster: &Cluster, cuts: &[Cut<'_>], findings: &mut Vec<Finding>) {
    let plays = view.plays(cluster);
    let limits = view.limits(cluster);
    let stale_s = limits.stale_s;
    let cleaners: Vec<Cleaner<'_>> =
        cluster.brokers.iter().map(|broker| cleaner::state(view, &broker.host)).collect();
    let cleaner_seen: Vec<bool> = cluster
        .brokers
        .iter()
        .map(|broker| {
            let dirs = view.visit(broker).and_then(|visit| visit.facts.as_ref()).map(|facts| &facts.log_dirs);
            dirs.is_some_and(|dirs| dirs.iter().any(|dir| dir.first_dirty.is_some()))
        })
        .collect();
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        let thresholds = view.size_ratio(&plays, &topic.name);
        let known = Known {
            cluster,
            topic,
            cleaners: &cleaners,
            cleaner_seen: &cleaner_seen,
            cuts,
            dirty_ratio: view.expectation(&plays, &topic.name).dirty_ratio.unwrap_or(limits.dirty_ratio),
            alike: thresholds.warning,
        };
        let on_its_way = |partition: &Partition, replica: &Replica| {
            motion::on_its_way(view, cluster, topic, partition, replica, stale_s)
        };
        let odd =
            topic.partitions.iter().filter_map(|partition| odd(&known, &thresholds, partition, &on_its_way));
        let (short, skewed): (Vec<Odd<'_>>, Vec<Odd<'_>>) =
            odd.partition(|odd| matches!(odd.judgement, Judgement::Short(_)));
        if !short.is_empty() {
            findings.push(replica_short(view, cluster, topic, &thresholds, &short));
        }
        if !skewed.is_empty() {
            findings.push(replica_skew(cluster, topic, &thresholds, &skewed));
        }
    }
}

/// Compares a partition's replicas with its largest.
fn odd<'a>(
    known: &Known<'_, '_>,
    thresholds: &SizeRatio,
    partition: &'a Partition,
    on_its_way: &impl Fn(&Partition, &Replica) -> bool,
) -> Option<Odd<'a>> {
    // One replica has nothing to differ from; most partitions end here or at the spread.
    let measure = partition.measure();
    let large = largest(partition, measure)?;
    let bytes = large.bytes(measure);
    let least = partition.current().map(|replica| replica.bytes(measure)).min()?;
    let floor = floor(partition, thresholds);
    if bytes - least < floor.max(1) {
        return None;
    }
    let mut found: Option<Odd<'a>> = None;
    for small in partition.current().filter(|replica| replica.broker != large.broker) {
        let times = ratio(bytes, small.bytes(measure));
        // A replica without any data is replica-empty's.
        let spread = large.bounds(measure).0.saturating_sub(small.bounds(measure).1);
        let Some(times) = times.filter(|_| spread >= floor.max(1)) else { continue };
        let Some(sure) = sure_ratio(large, small, measure) else { continue };
        if sure < thresholds.warning && !far_behind(large, small) || on_its_way(partition, small) {
            continue;
        }
        let judgement = known.judge(partition, large, small);
        let odd = match judgement {
            Judgement::Short(_) => small.broker,
            Judgement::Bloated(_) | Judgement::Unclear(_) => large.broker,
            Judgement::Ordinary => continue,
        };
        match &mut found {
            None => {
                found = Some(Odd {
                    partition,
                    measure,
                    ratio: Some(times),
                    sure: Some(sure),
                    judgement,
                    odd: vec![odd],
                })
            }
            Some(found) => {
                found.ratio = found.ratio.map(|before| before.max(times));
                found.sure = found.sure.map(|before| before.max(sure));
                // One short replica makes the partition short, whatever the others are.
                let worse = rank(&judgement) < rank(&found.judgement);
                if worse {
                    found.judgement = judgement;
                    found.odd = vec![odd];
                } else if rank(&judgement) == rank(&found.judgement) && !found.odd.contains(&odd) {
                    found.odd.push(odd);
                }
            }
        }
    }
    found
}

fn rank(judgement: &Judgement) -> u8 {
    match judgement {
        Judgement::Short(_) => 0,
        Judgement::Unclear(_) => 1,
        Judgement::Bloated(_) | Judgement::Ordinary => 2,
    }
}

/// Whether a replica lacks a good part of what another holds.
pub fn far_behind(large: &Replica, small: &Replica) -> bool {
    let held = large.high_watermark.unwrap_or(0).saturating_sub(large.log_start.unwrap_or(0));
    matches!(high_watermarks(large, small), Some(Lag::Behind(offsets)) if offsets > held / FAR_BEHIND)
}

fn is_down(view: &View<'_>, cluster: &Cluster, host: &str) -> bool {
    let broker = cluster.brokers.iter().find(|broker| broker.host == host);
    broker.is_some_and(|broker| view.stopped(broker).is_some())
}

fn replica_short(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    thresholds: &SizeRatio,
    short: &[Odd<'_>],
) -> Finding {
    let hosts = odd_hosts(cluster, short);
    let far = short.iter().any(|odd| {
        odd.sure.is_some_and(|ratio| ratio >= thresholds.critical)
            || matches!(&odd.judgement, Judgement::Short(why) if why.contains(" cut this partition "))
    });
    let severity = if far { Severity::Critical } else { Severity::Warning };
    let larger = larger_hosts(cluster, short);
    let mut found = finding(
        Code::ReplicaShort,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {} {} short: {}{} times smaller than {}",
            words::counted(short.len(), "replica", "replicas"),
            topic.name,
            words::list(&hosts),
            if short.len() == 1 { "is" } else { "are" },
            about(short.iter().map(|odd| odd.partition)),
            words::ratios(short.iter().filter_map(|odd| odd.ratio)),
            words::list(&larger),
        ),
    );
    found.basis = Basis::Inferred;
    found.meaning = format!(
        "The smaller replicas do not hold all that the larger ones hold. If {} {} while {} {} down, what only the larger replicas hold is cut from them when they come back.",
        words::list(&hosts),
        if hosts.len() == 1 { "leads" } else { "lead" },
        words::list(&larger),
        if larger.len() == 1 { "is" } else { "are" },
    );
    let up: Vec<&str> = larger.iter().copied().filter(|host| !is_down(view, cluster, host)).collect();
    if !up.is_empty() {
        found.next_steps.push(format!(
            "Do not restart or stop {}: {} replicas are the larger ones.",
            words::list(&up),
            if up.len() == 1 { "its" } else { "their" }
        ));
    }
    let down = |hosts: &[&str]| hosts.iter().all(|host| is_down(view, cluster, host));
    found.next_steps.extend([
        if down(&hosts) {
            format!("{} cannot catch up while down.", words::list(&hosts))
        } else if up.is_empty() {
            format!("{} cannot catch up while {} is down.", words::list(&hosts), words::list(&larger))
        } else {
            format!(
                "See whether {} catches up: compare replication-offset-checkpoint on both sides, twice, half a minute apart.",
                words::list(&hosts)
            )
        },
        "Set unclean.leader.election.enable=false before anything is restarted.".to_owned(),
    ]);
    found.items = items(cluster, short);
    found.show(evidence(cluster, topic, short))
}

fn replica_skew(cluster: &Cluster, topic: &Topic, thresholds: &SizeRatio, skewed: &[Odd<'_>]) -> Finding {
    let open = |odd: &&Odd<'_>| matches!(odd.judgement, Judgement::Unclear(_));
    let far = |odd: &&Odd<'_>| odd.sure.is_some_and(|ratio| ratio >= thresholds.critical);
    let unclear = skewed.iter().filter(open).count();
    let severity =
        if skewed.iter().filter(open).any(|odd| far(&odd)) { Severity::Critical } else { Severity::Warning };
    let hosts = odd_hosts(cluster, skewed);
    let tail = match (unclear, skewed.len()) {
        (0, _) => ", bloated".to_owned(),
        (unclear, all) if unclear == all => "; whether bloated or the others short cannot be told".to_owned(),
        (unclear, _) => format!("; of {} it cannot be told why", words::count(unclear as u64)),
    };
    let mut found = finding(
        Code::ReplicaSkew,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {} {} {}{} times larger than elsewhere{tail}",
            words::counted(skewed.len(), "replica", "replicas"),
            topic.name,
            words::list(&hosts),
            if skewed.len() == 1 { "is" } else { "are" },
            about(skewed.iter().map(|odd| odd.partition)),
            words::ratios(skewed.iter().filter_map(|odd| odd.ratio)),
        ),
    );
    found.basis = Basis::Inferred;
    let beyond = skewed.iter().filter(far).count();
    found.meaning = if unclear == 0 {
        format!(
            "The larger replicas on {} keep what has been compacted or deleted elsewhere; nothing shows that the smaller ones lack data.",
            words::list(&hosts)
        )
    } else {
        format!(
            "{} of {} differ by more than {} to 1. Either the larger side is not compacted, or the smaller side lacks data: sizes alone do not tell. High watermarks, the cleaners' checkpoints and the logs would.",
            words::count(beyond as u64),
            words::counted(skewed.len(), "partition", "partitions"),
            words::ratio(thresholds.critical),
        )
    };
    found.next_steps = if unclear == 0 {
        vec![format!("See to the cleaner of {} (cleaner-dead, log-cleaner.log).", words::list(&hosts))]
    } else {
        vec![
            format!(
                "Do not restart {} before this is known: its replicas are the larger ones.",
                words::list(&hosts)
            ),
            format!(
                "Compare `grep '^{} ' replication-offset-checkpoint` and cleaner-offset-checkpoint of all holders.",
                topic.name
            ),
            "Look for the cleaner's death: `grep 'Error due to' log-cleaner.log* server.log*`.".to_owned(),
        ]
    };
    found.items = items(cluster, skewed);
    found.show(evidence(cluster, topic, skewed))
}

/// Before a ratio of sizes that were printed rounded.
pub(super) fn about<'a>(mut partitions: impl Iterator<Item = &'a Partition>) -> &'static str {
    if partitions.any(Partition::rounded) { "about " } else { "" }
}

pub(super) fn host(cluster: &Cluster, broker: usize) -> &str {
    cluster.brokers.get(broker).map_or("?", |broker| &broker.host)
}

/// Each host once, in the inventory's order.
fn hosts(cluster: &Cluster, brokers: impl Iterator<Item = usize>) -> Vec<&str> {
    let brokers: BTreeSet<usize> = brokers.collect();
    brokers.into_iter().map(|broker| host(cluster, broker)).collect()
}

fn odd_hosts<'a>(cluster: &'a Cluster, odd: &[Odd<'_>]) -> Vec<&'a str> {
    hosts(cluster, odd.iter().flat_map(|odd| odd.odd.iter().copied()))
}

fn larger_hosts<'a>(cluster: &'a Cluster, odd: &[Odd<'_>]) -> Vec<&'a str> {
    let larger = odd.iter().filter_map(|odd| largest(odd.partition, odd.measure));
    hosts(cluster, larger.map(|replica| replica.broker))
}

fn items(cluster: &Cluster, odd: &[Odd<'_>]) -> Vec<Item> {
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

fn evidence(cluster: &Cluster, topic: &Topic, odd: &[Odd<'_>]) -> Vec<EvidenceLine> {
    odd.iter().flat_map(|odd| size_lines(cluster, topic, odd.partition)).collect()
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
