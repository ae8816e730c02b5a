//! Brokers and ZooKeeper: sessions that expire, a broker with an old view, a ZooKeeper that does not answer.

use std::collections::{BTreeMap, HashSet};

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Bug, Code, Finding, HostItem, Item, Severity};
use crate::diagnose::view::{Moment, View, finding, line, of_broker, of_cluster, within_an_hour};
use crate::kafka::bugs::{self, Match};
use crate::kafka::event::{Class, TopicPartition};
use crate::words;

/// Goes through a cluster's brokers.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    findings.extend(away(view, cluster));
    for broker in &cluster.brokers {
        findings.extend(session(view, cluster, broker));
        findings.extend(stuck(view, cluster, broker));
    }
}

/// Milliseconds without an answer after which no session lives: `zookeeper.session.timeout.ms` is 18 s since 2.5 and
/// 6 s before, and ZooKeeper grants 20 ticks of 2 s at most.
const AWAY_MS: i64 = 40_000;

/// Milliseconds between two attempts of the client that belong together: it waits for a second or two, and for a
/// connection that hangs as long as a session lives.
const ATTEMPTS_MS: i64 = 60_000;

/// A broker's attempts to reach ZooKeeper since it last had it.
fn attempts<'v, 'a>(view: &'v View<'a>, host: &str) -> Vec<&'v Moment<'a>> {
    let mut tried: Vec<&Moment<'_>> = Vec::new();
    for moment in view.log(host) {
        match moment.event.class {
            Class::SessionOpened { .. } | Class::Started { .. } | Class::ShutdownDone { .. } => tried.clear(),
            Class::SessionLost => {
                let apart = |last: &&Moment<'_>| {
                    moment.millis.zip(last.millis).is_none_or(|(at, last)| at - last > ATTEMPTS_MS)
                };
                if tried.last().is_some_and(apart) {
                    tried.clear();
                }
                tried.push(moment);
            }
            _ => {}
        }
    }
    tried
}

/// `session-lost`, critical: running brokers get no answer from ZooKeeper.
///
/// It holds because ZooKeeper's client tries again at once and says so each time, until a session is established
/// (org.apache.zookeeper.ClientCnxn). Meanwhile a broker serves what it leads, and changes nothing.
fn away(view: &View<'_>, cluster: &Cluster) -> Option<Finding> {
    let mut without: Vec<(&str, &Moment<'_>, &Moment<'_>)> = Vec::new();
    let running = cluster.brokers.iter().filter(|broker| view.stopped(broker).is_none());
    for broker in running {
        let tried = attempts(view, &broker.host);
        let (Some(first), Some(last)) = (tried.first(), tried.last()) else { continue };
        if last.millis.zip(first.millis).is_some_and(|(last, first)| last - first >= AWAY_MS) {
            without.push((&broker.host, first, last));
        }
    }
    let (_, first, _) = without.iter().min_by_key(|(_, first, _)| first.event.at)?;
    let hosts: Vec<&str> = without.iter().map(|(host, ..)| *host).collect();
    let (subject, who) = match hosts.as_slice() {
        [host] => (of_broker(cluster, host), (*host).to_owned()),
        _ => (of_cluster(cluster), words::list(&hosts)),
    };
    let title = format!("ZooKeeper has not answered {who} since {}", first.event.at_raw);
    let mut found = finding(Code::SessionLost, Severity::Critical, subject, title);
    found.meaning = "Without ZooKeeper no leader is elected and no ISR changes: a partition whose leader is down stays without one, writes with acks=all wait for a follower that is gone, and a broker that is restarted does not come back. Brokers go on with what they lead, unless ZooKeeper answers the others: then these have been replaced, and do not know it.".to_owned();
    found.next_steps = vec![
        "See whether ZooKeeper runs and has a majority: `echo ruok | nc ZOOKEEPER 2181`, `zkServer.sh status`, its disk, its log; and whether these brokers reach it.".to_owned(),
        format!("Do not restart {who} before ZooKeeper answers: a broker that starts could not register."),
    ];
    found.items = without
        .iter()
        .map(|(host, first, last)| {
            Item::host(
                host,
                None,
                format!("no session since {}, last tried at {}", first.event.at_raw, last.event.at_raw),
            )
        })
        .collect();
    let seen = || without.iter().flat_map(|(_, first, last)| [*first, *last]);
    Some(
        found.seen(seen().map(|moment| moment.event)).show(seen().map(|moment| line(moment.event)).collect()),
    )
}

/// `session-lost`: the broker's ZooKeeper session expired.
///
/// It holds because the broker's registration is ephemeral (kafka.zk.KafkaZkClient): with the session it goes,
/// and every leader moves.
fn session(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let log = view.log(host);
    let lost: Vec<&Moment<'_>> =
        log.iter().filter(|moment| moment.event.class == Class::SessionExpired).collect();
    let last = lost.last()?;
    let back = view.started_after(last)
        || log
            .iter()
            .any(|moment| matches!(moment.event.class, Class::SessionOpened { .. }) && moment.after(last));
    let times: Vec<Option<i64>> = lost.iter().map(|moment| moment.millis).collect();
    let often = within_an_hour(&times, view.limits(cluster).session_losses).is_some();
    let severity = if often || !back { Severity::Warning } else { Severity::Notice };
    let tail = if back { ", and registered again" } else { "; no new registration was seen" };
    let mut found = finding(
        Code::SessionLost,
        severity,
        of_broker(cluster, host),
        format!(
            "{host} lost its ZooKeeper session {}, the last at {}{tail}",
            words::counted(lost.len(), "time", "times"),
            last.event.at_raw
        ),
    );
    found.items = lost
        .iter()
        .map(|moment| Item::host(host, None, format!("expired at {}", moment.event.at_raw)))
        .collect();
    let lines = lost.iter().map(|moment| line(moment.event)).collect();
    Some(found.seen(lost.iter().map(|moment| moment.event)).show(lines))
}

/// Refused updates of one partition that make a stuck broker: one is a race.
const STUCK: usize = 3;

/// `session-lost`: a broker that goes on with a view of ZooKeeper that is no longer true.
///
/// It holds where the same partition's ISR is refused again and again: the broker shrank it to itself, and the
/// cluster has long moved on (KAFKA-2729, KAFKA-4477). A leader of old versions is refused for some seconds too when the
/// controller took a dead follower out first; its next change is taken.
fn stuck(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let mut stale: BTreeMap<Option<&_>, Vec<&Moment<'_>>> = BTreeMap::new();
    // Up to 2.3 a change is told before it is tried, and the refusal stands behind it.
    let mut tried: HashSet<&TopicPartition> = HashSet::new();
    for moment in view.log(host) {
        match &moment.event.class {
            Class::IsrStale { of, .. } => {
                stale.entry(of.as_ref()).or_default().push(moment);
                if let Some(of) = of {
                    tried.remove(of);
                }
            }
            Class::IsrShrunk { of, .. } | Class::IsrExpanded { of: Some(of), .. } => {
                tried.insert(of);
            }
            // It follows another leader.
            Class::Truncated { of, .. }
            | Class::TruncatedNothing { of: Some(of), .. }
            | Class::FollowerStart { of, .. } => {
                stale.remove(&Some(of));
            }
            // An update that was taken ends it.
            Class::IsrUpdated { of: Some(of), .. } => {
                stale.remove(&Some(of));
            }
            _ => {}
        }
    }
    stale.retain(|of, moments| {
        moments.len() >= STUCK
            && !of.is_some_and(|of| tried.contains(of))
            && moments.last().is_some_and(|last| view.tries_still(last))
    });
    let first = stale.values().flatten().min_by_key(|moment| moment.millis)?;
    let number = words::counted(stale.len(), "partition", "partitions");
    let mut found = finding(
        Code::SessionLost,
        Severity::Critical,
        of_broker(cluster, host),
        format!("{host} is stuck with an old view of {number} since {}", first.event.at_raw),
    );
    found.meaning = format!(
        "{host} takes itself for the leader and its ISR updates are refused: the cluster has moved on without it. What is written to it may be lost."
    );
    found.next_steps = vec![format!(
        "See who leads these partitions for the cluster: `kafka-topics.sh --describe`; then restart {host}."
    )];
    let version = view.version_at(first);
    if let Some(Match::Named(bug)) = bugs::find(std::iter::once(first.event.text), version) {
        let others =
            bug.other_causes().map(|others| format!(" It may also be {others}.")).unwrap_or_default();
        found.meaning =
            format!("{} {}: {}; fixed in {}.{others}", found.meaning, bug.id, bug.what, bug.fixed_in);
        found.bug = Some(Bug { id: bug.id.to_owned(), fixed_in: bug.fixed_in.to_owned(), url: bug.url() });
    }
    let moments = || stale.values().flatten();
    found.items = stale
        .iter()
        .map(|(of, moments)| {
            let path = of.map(|of: &TopicPartition| format!("{}-{}", of.topic, of.partition));
            let reason = format!("{} updates refused", moments.len());
            Item::Host(HostItem { host: host.clone(), probe: None, path, reason })
        })
        .collect();
    let lines = moments().map(|moment| line(moment.event)).collect();
    Some(found.seen(moments().map(|moment| moment.event)).show(lines))
}
