//! The log cleaner by what it leaves on the disks: no log line is needed, and the broker may be down.
//!
//! Kafka's own measure of what is left to clean is made of segment sizes and one checkpoint
//! (kafka.log.LogToClean), so that it can be had from outside.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Broker, Cluster, Measure, Partition, Replica, Topic, ratio};
use crate::diagnose::cleaner::{self, Cleaner, last_cleaning};
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Item, Severity};
use crate::diagnose::holders::{replica_item, size_lines};
use crate::diagnose::judge::{Lag, floor, high_watermarks, largest};
use crate::diagnose::motion;
use crate::diagnose::view::{View, finding, of_broker, of_topic, on_disk};
use crate::kafka::bugs;
use crate::kafka::replica_dir::METADATA;
use crate::round::{SizeRatio, Thresholds};
use crate::words;

/// Seconds after its last cleaning, or its start, in which a cleaner with work to do is not called dead.
const SETTLING_S: i64 = 3600;

/// A replica of which much is left to clean.
struct Dirty<'a> {
    topic: &'a Topic,
    partition: &'a Partition,
    replica: &'a Replica,
    ratio: f64,
}

/// What a broker's replicas of compacted topics look like.
#[derive(Default)]
struct Backlog<'a> {
    /// Hardly cleaned at all, while every peer that was seen is.
    alone: Vec<Dirty<'a>>,
    /// Beyond the ratio at which the cleaner takes a log up.
    waiting: usize,
}

/// Goes through a cluster's compacted topics.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let limits = view.limits(cluster);
    let plays = view.plays(cluster);
    let is_dead = |broker: &&Broker| cleaner::state(view, &broker.host).is_dead();
    let dead_hosts: Vec<&str> =
        cluster.brokers.iter().filter(is_dead).map(|broker| broker.host.as_str()).collect();
    let mut backlogs: Vec<Backlog<'_>> = cluster.brokers.iter().map(|_| Backlog::default()).collect();
    for topic in compacted(cluster) {
        let said = view.expectation(&plays, &topic.name);
        let threshold = said.dirty_ratio.unwrap_or(limits.dirty_ratio);
        for partition in &topic.partitions {
            collect(view, cluster, topic, partition, threshold, &limits, &mut backlogs);
        }
        let size = view.size_ratio(&plays, &topic.name);
        findings.extend(behind(cluster, topic, threshold, &limits, &size, &dead_hosts));
    }
    for (broker, backlog) in cluster.brokers.iter().zip(&backlogs) {
        let known = dead_hosts.contains(&broker.host.as_str());
        let disabled = disabled(view, cluster, broker);
        // What was never started cannot have died.
        if !known && disabled.is_none() && view.stopped(broker).is_none() {
            findings.extend(dead(view, cluster, broker, backlog, &limits));
        }
        findings.extend(disabled);
    }
}

fn compacted(cluster: &Cluster) -> impl Iterator<Item = &Topic> {
    cluster.topics.iter().filter(|topic| topic.compacted && !topic.ignored && topic.name != METADATA)
}

fn collect<'a>(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &'a Topic,
    partition: &'a Partition,
    threshold: f64,
    limits: &Thresholds,
    backlogs: &mut [Backlog<'a>],
) {
    for replica in partition.current() {
        let Some(ratio) = replica.dirty_ratio_of_compacted().filter(|ratio| *ratio > threshold) else {
            continue;
        };
        let Some(backlog) = backlogs.get_mut(replica.broker) else { continue };
        backlog.waiting += 1;
        let mut peers = partition.current().filter(|other| other.broker != replica.broker);
        let known = peers.clone().any(|peer| peer.dirty_ratio_of_compacted().is_some());
        let clean = peers.all(|peer| peer.dirty_ratio_of_compacted().is_none_or(|peer| peer <= threshold));
        if ratio > limits.dead_dirty_ratio
            && known
            && clean
            && !motion::on_its_way(view, cluster, topic, partition, replica, limits.stale_s)
        {
            backlog.alone.push(Dirty { topic, partition, replica, ratio });
        }
    }
}

/// `cleaner-dead`, inferred: nothing is cleaned on one broker that is cleaned on its peers.
///
/// It holds because one cleaner serves all partitions of a broker and takes the dirtiest first
/// (kafka.log.LogCleanerManager `grabFilthiestCompactedLog`): a live one leaves none of them at nine tenths
/// for long, and it writes its checkpoint after each.
fn dead(
    view: &View<'_>,
    cluster: &Cluster,
    broker: &Broker,
    backlog: &Backlog<'_>,
    limits: &Thresholds,
) -> Option<Finding> {
    let host = &broker.host;
    let last = last_cleaning(view, broker);
    let started = view.visit(broker).and_then(|visit| visit.broker.as_ref()?.started);
    let up = started.map(|at| view.age(broker, at.as_second()));
    // It may be at it right now.
    if last.is_some_and(|age| age < SETTLING_S) || up.is_some_and(|age| age < SETTLING_S) {
        return None;
    }
    let silent = last.filter(|age| {
        let others = cluster.brokers.iter().filter(|other| other.host != *host);
        let newest = others.filter_map(|other| last_cleaning(view, other)).min();
        let allowed = i64::try_from(limits.cleaner_silent_s).unwrap_or(i64::MAX);
        backlog.waiting > 0 && newest.is_some_and(|newest| age.saturating_sub(newest) > allowed)
    });
    let alone = backlog.alone.len() >= usize::try_from(limits.dead_partitions).unwrap_or(usize::MAX);
    if !alone && silent.is_none() {
        return None;
    }
    let since = last.map(|age| format!(", the last cleaning was {} ago", words::span(age.unsigned_abs())));
    let what = if alone {
        let number = words::counted(backlog.alone.len(), "partition", "partitions");
        format!("{number} hardly cleaned there are clean elsewhere")
    } else {
        let number = words::counted(backlog.waiting, "partition waits", "partitions wait");
        format!("{number}, and other brokers clean")
    };
    let mut found = finding(
        Code::CleanerDead,
        Severity::Critical,
        of_broker(cluster, host),
        format!("The log cleaner of {host} seems dead: {what}{}", since.unwrap_or_default()),
    );
    found.basis = Basis::Inferred;
    found.next_steps = vec![
        format!("Read what it died of: `grep -A 20 'Error due to' log-cleaner.log* server.log*` on {host}."),
        format!(
            "Before {host} is restarted, see that no replica elsewhere is short (replica-short, replica-truncated)."
        ),
    ];
    let mut topics: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for dirty in &backlog.alone {
        let entry = topics.entry(&dirty.topic.name).or_insert((0, 1.0));
        *entry = (entry.0 + 1, entry.1.min(dirty.ratio));
    }
    found.items = topics
        .iter()
        .map(|(topic, (number, least))| {
            let number = words::counted(*number, "partition", "partitions");
            let reason = format!("{number} at least {:.0} % uncleaned", least * 100.0);
            Item::host(host, Some((*topic).to_owned()), reason)
        })
        .collect();
    let lines = backlog.alone.iter().map(|dirty| line(cluster, dirty)).collect();
    Some(found.show(lines))
}

fn line(cluster: &Cluster, dirty: &Dirty<'_>) -> EvidenceLine {
    let host = cluster.brokers.get(dirty.replica.broker).map_or("?", |broker| &broker.host);
    let uncleaned = words::bytes(dirty.replica.cleanable_bytes().unwrap_or(0));
    let text = format!(
        "{}-{} {:.0} % uncleaned, {uncleaned}; first dirty offset {}",
        dirty.topic.name,
        dirty.partition.partition,
        dirty.ratio * 100.0,
        dirty.replica.first_dirty.map_or_else(|| "none".to_owned(), |offset| offset.to_string()),
    );
    on_disk(host, Some("cleaner-offset-checkpoint".to_owned()), text)
}

/// `cleaner-behind`: a replica is large because much of it is not cleaned.
///
/// It holds because both have the same records (the high watermarks agree) and the larger one's dirty part
/// is beyond what the cleaner would leave (`min.cleanable.dirty.ratio`).
fn behind(
    cluster: &Cluster,
    topic: &Topic,
    threshold: f64,
    limits: &Thresholds,
    size: &SizeRatio,
    dead_hosts: &[&str],
) -> Option<Finding> {
    let mut larger: Vec<(&Partition, &Replica, f64)> = Vec::new();
    let mut even: Vec<(&Partition, &Replica, f64)> = Vec::new();
    for partition in &topic.partitions {
        // Of an allocated size it is not known what is closed.
        if partition.measure() != Measure::Log {
            continue;
        }
        let Some(large) = largest(partition, Measure::Log) else { continue };
        let Some(dirty) = large.dirty_ratio_of_compacted().filter(|dirty| *dirty > threshold) else {
            continue;
        };
        let least = partition.current().map(|replica| replica.log_bytes).min().unwrap_or(0);
        let spread = large.log_bytes - least;
        let apart = ratio(large.log_bytes, least).is_none_or(|times| times > size.warning);
        let agree = |replica: &Replica| matches!(high_watermarks(large, replica), Some(Lag::Agree));
        if apart && spread >= floor(partition, size).max(1) && partition.current().all(agree) {
            larger.push((partition, large, dirty));
        } else if partition.current().all(|replica| {
            replica.dirty_ratio_of_compacted().is_some_and(|dirty| dirty > limits.dead_dirty_ratio)
        }) && large.cleanable_bytes().unwrap_or(0) >= floor(partition, size).max(1)
        {
            even.push((partition, large, dirty));
        }
    }
    let everywhere = larger.is_empty();
    if everywhere && even.len() < usize::try_from(limits.dead_partitions).unwrap_or(usize::MAX) {
        return None;
    }
    let odd = if everywhere { even } else { larger };
    let holders: BTreeSet<usize> = odd.iter().map(|(_, replica, _)| replica.broker).collect();
    let names: Vec<&str> =
        holders.iter().filter_map(|at| cluster.brokers.get(*at)).map(|broker| broker.host.as_str()).collect();
    let most = odd.iter().map(|(.., dirty)| *dirty).fold(0.0, f64::max);
    let number = words::counted(odd.len(), "partition", "partitions");
    let title = if everywhere {
        format!("{number} of {} are uncleaned on all brokers, up to {:.0} %", topic.name, most * 100.0)
    } else {
        format!(
            "The cleaner of {} is behind on {number} of {}: up to {:.0} % uncleaned",
            words::list(&names),
            topic.name,
            most * 100.0
        )
    };
    let mut found = finding(Code::CleanerBehind, Severity::Warning, of_topic(cluster, &topic.name), title);
    found.basis = Basis::Inferred;
    if names.iter().all(|name| dead_hosts.contains(name)) {
        found.meaning = format!(
            "The cleaner of {} is dead (cleaner-dead): these replicas hold what it has not cleaned since. High watermarks agree, so the smaller ones lack nothing.",
            words::list(&names)
        );
        found.next_steps = vec![format!(
            "See to the cleaner of {}: the steps stand with cleaner-dead.",
            words::list(&names)
        )];
    }
    found.items = odd
        .iter()
        .map(|(partition, replica, dirty)| {
            let host = cluster.brokers.get(replica.broker).map_or("?", |broker| &broker.host);
            let why = format!("{:.0} % of {host}'s replica is not cleaned", dirty * 100.0);
            let least = partition.current().map(|other| other.log_bytes).min().unwrap_or(0);
            let times = ratio(replica.log_bytes, least);
            Item::Replicas(replica_item(cluster, partition, vec![host.to_owned()], times, Some(why)))
        })
        .collect();
    let lines = odd.iter().flat_map(|(partition, ..)| size_lines(cluster, topic, partition)).collect();
    Some(found.show(lines))
}

/// `cleaner-disabled`: a broker with replicas of compacted topics has no cleaner.
///
/// It holds because a cleaner that is enabled creates its checkpoint file when the broker starts
/// (kafka.log.LogManager), before it has cleaned anything.
fn disabled(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let at = cluster.brokers.iter().position(|other| std::ptr::eq(other, broker))?;
    let visit = view.visit(broker)?;
    let setting = visit.broker.as_ref().and_then(|broker| broker.settings.get("log.cleaner.enable"));
    let off = setting.is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
    let on = setting.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let old = view.version(broker).and_then(|version| bugs::older(version, "0.9.0.1")) == Some(true);
    let dirs = visit.facts.as_ref().map_or(&[][..], |facts| &facts.log_dirs);
    // The other checkpoints were read there, and this one is no gap: it does not exist.
    let absent = !dirs.is_empty()
        && dirs.iter().all(|dir| {
            dir.high_watermarks.as_ref().is_some_and(|marks| !marks.is_empty()) && dir.first_dirty.is_none()
        })
        && !visit.probes.iter().flat_map(|answer| &answer.coverage).any(|row| {
            row.status != crate::round::CoverageStatus::Complete
                && row.path.contains("cleaner-offset-checkpoint")
        });
    if on || (!off && !absent) {
        return None;
    }
    // A cleaner that works, or that died, is one that was started.
    if !off && !matches!(cleaner::state(view, &broker.host), Cleaner::Unknown) {
        return None;
    }
    let held: Vec<&Topic> = compacted(cluster)
        .filter(|topic| {
            let mut replicas = topic.partitions.iter().flat_map(Partition::current);
            replicas.any(|replica| replica.broker == at && replica.log_bytes > 0)
        })
        .collect();
    if held.is_empty() {
        return None;
    }
    let host = &broker.host;
    let names: Vec<&str> = held.iter().map(|topic| topic.name.as_str()).collect();
    let mut found = finding(
        Code::CleanerDisabled,
        Severity::Warning,
        of_broker(cluster, host),
        format!("{host} runs no log cleaner and holds replicas of {}", words::list(&names)),
    );
    found.basis = if off { Basis::Observed } else { Basis::Inferred };
    let why = match (off, old) {
        (true, _) => "log.cleaner.enable=false in its settings",
        (false, true) => "no cleaner-offset-checkpoint; log.cleaner.enable is false by default up to 0.9.0.0",
        (false, false) => "no cleaner-offset-checkpoint in its log dirs",
    };
    found.items =
        names.iter().map(|name| Item::host(host, Some((*name).to_owned()), why.to_owned())).collect();
    let lines = dirs.iter().map(|dir| on_disk(host, Some(dir.path.clone()), why.to_owned())).collect();
    Some(found.show(lines))
}
