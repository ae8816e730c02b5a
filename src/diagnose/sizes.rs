//! Replicas of one partition that differ in size.

use crate::compare::{Cluster, Partition, Replica, Topic, ratio, sure_ratio};
use crate::diagnose::cleaner::{self, Cleaner};
use crate::diagnose::cuts::Cut;
use crate::diagnose::finding::{Basis, Code, Finding, Severity};
use crate::diagnose::holders::about;
use crate::diagnose::judge::{Judgement, Known, Lag, floor, high_watermarks, largest};
use crate::diagnose::motion;
use crate::diagnose::odd::{Odd, evidence, items, odd_hosts};
use crate::diagnose::short::{replica_short, waiting};
use crate::diagnose::starts::several_down;
use crate::diagnose::view::{View, finding, of_topic};
use crate::kafka::replica_dir::METADATA;
use crate::round::SizeRatio;
use crate::words;

/// A replica that is behind by this share of its partition is short even where its size is not far off.
pub const FAR_BEHIND: u64 = 10;

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
    let several_down = several_down(view, cluster);
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
        let odd = topic.partitions.iter().filter_map(|partition| {
            let waiting =
                if several_down { waiting(view, cluster, topic, &thresholds, partition) } else { None };
            waiting.or_else(|| odd(&known, &thresholds, partition, &on_its_way))
        });
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
                    ratio: Some(times),
                    sure: Some(sure),
                    judgement,
                    odd: vec![odd],
                    against: large.broker,
                    waits: false,
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
    found.next_steps = if unclear == 0 && topic.compacted {
        vec![format!("See to the cleaner of {} (cleaner-dead, log-cleaner.log).", words::list(&hosts))]
    } else if unclear == 0 {
        vec![
            format!(
                "{} is not compacted, so retention should have made room on {}: compare log.retention.* there with the other brokers' (settings-differ), and retention.* of the topic.",
                topic.name,
                words::list(&hosts)
            ),
            format!(
                "Look for segments that could not be deleted: `grep -E 'Deleting segment|Error while deleting' server.log*` on {}.",
                words::list(&hosts)
            ),
        ]
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
