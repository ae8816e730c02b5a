//! Replicas that do not follow: by what stands still on the disks, and by fetchers that gave up.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::compare::{Cluster, Partition, Replica, Topic};
use crate::diagnose::finding::{Basis, Code, Finding, Item, Severity, Subject};
use crate::diagnose::holders::{replica_item, size_lines};
use crate::diagnose::judge::{Lag, high_watermarks};
use crate::diagnose::motion;
use crate::diagnose::view::{Moment, View, broker, finding, lines_of, of_broker, of_topic, partition};
use crate::kafka::event::{Class, TopicPartition};
use crate::kafka::replica_dir::METADATA;
use crate::round::Evidence;
use crate::words;

/// A replica behind its peers: topic, partition, host.
type Named = HashSet<(String, u32, String)>;

/// Goes through a cluster; what `replica-short` and `replica-empty` already name is left to them.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let named = named(findings);
    let plays = view.plays(cluster);
    let limits = view.limits(cluster);
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        let after = view.expectation(&plays, &topic.name).lagging_s.unwrap_or(limits.lagging_s);
        findings.extend(still(view, cluster, topic, after, limits.stale_s, &named));
    }
    // A broker that does not run has no fetchers; that it is down stands elsewhere, and what it met in its end too.
    for broker in cluster.brokers.iter().filter(|broker| view.stopped(broker).is_none()) {
        fetchers(view, cluster, &broker.host, findings);
        failed(view, cluster, &broker.host, findings);
    }
}

fn named(findings: &[Finding]) -> Named {
    let mut named = Named::new();
    let of = |finding: &&Finding| matches!(finding.code, Code::ReplicaShort | Code::ReplicaEmpty);
    for finding in findings.iter().filter(of) {
        let Some(topic) = &finding.subject.topic else { continue };
        for item in &finding.items {
            let Item::Replicas(item) = item else { continue };
            named.extend(item.odd.iter().map(|host| (topic.clone(), item.partition, host.clone())));
        }
    }
    named
}

/// A replica that stood still while a peer went on.
///
/// It holds because a follower writes what it fetches at once and its high watermark follows one fetch
/// later. Offsets alone do not do: brokers are visited one after the other, and a checkpoint is up to 5 s old.
fn still(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    after: u64,
    stale_s: u64,
    named: &Named,
) -> Option<Finding> {
    let mut late: Vec<(&Partition, &Replica, u64, i64)> = Vec::new();
    for partition in &topic.partitions {
        let Some(far) = partition.current().max_by_key(|replica| replica.high_watermark) else { continue };
        for replica in partition.current().filter(|replica| replica.broker != far.broker) {
            let Some(Lag::Behind(offsets)) = high_watermarks(far, replica) else { continue };
            let Some(gap) = gap(view, cluster, far, replica) else { continue };
            if gap > i64::try_from(after).unwrap_or(i64::MAX)
                && !motion::on_its_way(view, cluster, topic, partition, replica, stale_s)
            {
                late.push((partition, replica, offsets, gap));
            }
        }
    }
    let host = |replica: &Replica| cluster.brokers.get(replica.broker);
    if !named.is_empty() {
        late.retain(|(partition, replica, ..)| {
            let host = host(replica).map_or_else(String::new, |broker| broker.host.clone());
            !named.contains(&(topic.name.clone(), partition.partition, host))
        });
    }
    if late.is_empty() {
        return None;
    }
    let holders: BTreeSet<usize> = late.iter().map(|(_, replica, ..)| replica.broker).collect();
    let hosts: Vec<&str> =
        holders.iter().filter_map(|at| cluster.brokers.get(*at)).map(|broker| broker.host.as_str()).collect();
    // A broker that is down is behind by nature; that it is down stands elsewhere.
    let down = late.iter().all(|(_, replica, ..)| view.down(cluster, replica).is_some());
    let most = late.iter().map(|(_, _, offsets, _)| *offsets).max().unwrap_or(0);
    let longest = late.iter().map(|(.., gap)| *gap).max().unwrap_or(0);
    let mut found = finding(
        Code::ReplicaLagging,
        if down { Severity::Notice } else { Severity::Warning },
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {} {} behind by up to {} offsets and stood still for {}{}",
            words::counted(late.len(), "replica", "replicas"),
            topic.name,
            words::list(&hosts),
            if late.len() == 1 { "is" } else { "are" },
            words::count(most),
            words::span(longest.unsigned_abs()),
            if down { ", their broker being stopped" } else { "" },
        ),
    );
    found.basis = Basis::Inferred;
    found.items = late
        .iter()
        .map(|(partition, replica, offsets, gap)| {
            let odd = host(replica).map(|broker| broker.host.clone());
            let why = format!(
                "{offsets} offsets behind, last written {} before its peer",
                words::span(gap.unsigned_abs())
            );
            Item::Replicas(replica_item(cluster, partition, odd.into_iter().collect(), None, Some(why)))
        })
        .collect();
    let lines = late.iter().flat_map(|(partition, ..)| size_lines(cluster, topic, partition)).collect();
    Some(found.show(lines))
}

/// Seconds from the last write to one replica to the last write to a peer, by corrected clocks.
fn gap(view: &View<'_>, cluster: &Cluster, far: &Replica, replica: &Replica) -> Option<i64> {
    let written = |replica: &Replica| {
        let broker = cluster.brokers.get(replica.broker)?;
        Some(view.corrected(broker, replica.newest_mtime?))
    };
    Some(written(far)?.saturating_sub(written(replica)?))
}

/// A fetcher thread that died.
///
/// It holds because a dead fetcher stays in its manager's map and is not replaced
/// (kafka.server.AbstractFetcherManager) until leaders move or the broker starts.
fn fetchers(view: &View<'_>, cluster: &Cluster, host: &str, findings: &mut Vec<Finding>) {
    let mut dead: BTreeMap<i64, &Moment<'_>> = BTreeMap::new();
    for moment in view.log(host) {
        if let Class::FetcherDied { leader, .. } = moment.event.class
            && !view.started_after(moment)
        {
            dead.insert(leader, moment);
        }
    }
    if dead.is_empty() {
        return;
    }
    let leaders: Vec<String> = dead
        .keys()
        .map(|id| view.host_of(cluster, *id).map_or_else(|| format!("broker {id}"), str::to_owned))
        .collect();
    let mut found = finding(
        Code::ReplicaLagging,
        Severity::Critical,
        of_broker(cluster, host),
        format!("{host} replicates nothing from {}: its fetcher thread died", words::list(&leaders)),
    );
    found.meaning = format!(
        "Every partition that {host} follows there stands still from that moment on, and {host} leaves their ISR."
    );
    found.next_steps = vec![
        format!("Read the exception: `grep -A 20 'ReplicaFetcher.*Error due to' server.log*` on {host}."),
        format!(
            "Restart {host} once the cause is known: a fetcher comes back with its broker. Do not restart {} before.",
            words::list(&leaders)
        ),
    ];
    found.items = dead
        .values()
        .zip(&leaders)
        .map(|(moment, leader)| {
            let cause = moment.event.reason();
            Item::host(host, Some(format!("from {leader}")), cause)
        })
        .collect();
    let lines = dead.values().flat_map(|moment| lines_of(moment.event)).collect();
    findings.push(found.seen(dead.values().map(|moment| moment.event)).show(lines));
}

/// Partitions that a fetcher has left out (2.3 and later, KIP-461).
///
/// In every restart the follower does that for a moment, and says just before that it waits for the new
/// leader's epoch. Where that line was not asked for, its lack says nothing.
fn failed(view: &View<'_>, cluster: &Cluster, host: &str, findings: &mut Vec<Finding>) {
    let log = view.log(host);
    if !awaiting_is_seen(view, cluster, host) {
        return;
    }
    // A log dir that was given up takes its partitions with it, and log-dir-offline says so.
    let failures: Vec<&Moment<'_>> = log
        .iter()
        .filter(|moment| {
            matches!(moment.event.class, Class::LogDirFailed { .. } | Class::ServingStopped { .. })
                && !view.started_after(moment)
        })
        .collect();
    let with_its_dir =
        |mark: &Moment<'_>| failures.iter().any(|failure| near(failure, mark) || near(mark, failure));
    let mut awaiting: HashMap<&TopicPartition, &Moment<'_>> = HashMap::new();
    let mut marked: BTreeMap<&TopicPartition, &Moment<'_>> = BTreeMap::new();
    for moment in log {
        match &moment.event.class {
            Class::AwaitsLeader { of, .. } => {
                awaiting.insert(of, moment);
                marked.remove(of);
            }
            Class::PartitionFailed { of, .. } => {
                let normal =
                    awaiting.get(of).is_some_and(|before| near(before, moment)) || with_its_dir(moment);
                if !normal && !view.started_after(moment) && !in_step(cluster, host, of) {
                    // The error comes first and says why, the mark after it.
                    let said = marked.get(of).is_some_and(|before| near(before, moment));
                    if !said {
                        marked.insert(of, moment);
                    }
                }
            }
            // It fetches again: a new leader, or a cut that went on.
            Class::FetchReset { of, .. }
            | Class::LeaderStart { of, .. }
            | Class::FollowerStart { of, .. } => {
                marked.remove(of);
            }
            _ => {}
        }
    }
    let mut topics: BTreeMap<&str, Vec<(u32, &Moment<'_>)>> = BTreeMap::new();
    for (of, moment) in marked {
        topics.entry(&of.topic).or_default().push((of.partition, moment));
    }
    for (topic, marks) in topics {
        let numbers = words::numbers(marks.iter().map(|(partition, _)| *partition));
        let mut found = finding(
            Code::ReplicaLagging,
            Severity::Critical,
            Subject { topic: Some(topic.to_owned()), ..of_broker(cluster, host) },
            format!("{host} has stopped replicating {topic}, partition {numbers}: marked as failed"),
        );
        found.meaning = format!(
            "The fetcher met an error in these partitions and goes on without them, until their leader changes or {host} restarts."
        );
        found.items = marks
            .iter()
            .map(|(partition, moment)| {
                let cause = moment.event.reason();
                Item::host(host, Some(format!("{topic}-{partition}")), cause)
            })
            .collect();
        let lines = marks.iter().flat_map(|(_, moment)| lines_of(moment.event)).collect();
        findings.push(found.seen(marks.iter().map(|(_, moment)| moment.event)).show(lines));
    }
}

/// Milliseconds between the fetcher's two lines.
const NEAR_MS: i64 = 5_000;

fn near(before: &Moment<'_>, moment: &Moment<'_>) -> bool {
    match (before.millis, moment.millis) {
        (Some(before), Some(at)) => (0..=NEAR_MS).contains(&at.saturating_sub(before)),
        _ => before.event.file == moment.event.file,
    }
}

/// Whether the line that makes a failed mark harmless would have come back.
fn awaiting_is_seen(view: &View<'_>, cluster: &Cluster, host: &str) -> bool {
    if view.log(host).iter().any(|moment| matches!(moment.event.class, Class::AwaitsLeader { .. })) {
        return true;
    }
    broker(cluster, host).and_then(|broker| view.visit(broker)).is_some_and(|visit| {
        visit.probes.iter().any(|answer| match &answer.evidence {
            Evidence::LogGrep(grep) => {
                ["", "kafka"].contains(&grep.pattern.as_str()) || grep.pattern.contains("older epoch")
            }
            _ => false,
        })
    })
}

/// Whether the replica has everything that its peers have: it goes on after all.
pub fn in_step(cluster: &Cluster, host: &str, of: &TopicPartition) -> bool {
    let Some(partition) = partition(cluster, of) else { return false };
    let own = partition
        .current()
        .find(|replica| cluster.brokers.get(replica.broker).is_some_and(|broker| broker.host == host));
    own.is_some_and(|own| {
        partition.current().all(|peer| matches!(high_watermarks(peer, own), Some(Lag::Agree | Lag::Ahead(_))))
    })
}
