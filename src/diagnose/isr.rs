//! Replicas in sync: followers that left; and controllers that moved.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Code, Finding, Item, Severity};
use crate::diagnose::lagging::in_step;
use crate::diagnose::view::{self, View, finding, line, of_broker, of_cluster, within_an_hour};
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::words;

/// Milliseconds: a follower that was stopped or started this near to its leaving left for that.
const RESTART_MS: i64 = 120_000;

/// A follower that left the ISR of a partition.
#[derive(Clone, Copy)]
struct Left<'a> {
    of: &'a TopicPartition,
    event: &'a Event<'a>,
    back: bool,
}

/// The events of one cluster's brokers, oldest first.
pub fn events<'a>(view: &View<'a>, cluster: &'a Cluster) -> impl Iterator<Item = &'a Event<'a>> + Clone {
    let hosts: BTreeSet<&str> = cluster.brokers.iter().map(|broker| broker.host.as_str()).collect();
    view.comparison.events.iter().filter(move |event| hosts.contains(event.host))
}

/// The ISR that a line leaves behind.
pub fn isr_of(class: &Class) -> Option<(&TopicPartition, &[i64])> {
    match class {
        Class::IsrShrunk { of, to, .. } => Some((of, to)),
        Class::IsrExpanded { of: Some(of), to, .. } => Some((of, to)),
        Class::IsrUpdated { of: Some(of), isr, .. }
        | Class::LeaderKept { of, isr, .. }
        | Class::LeaderStart { of, isr, .. }
        | Class::LeaderElected { of, isr, .. } => Some((of, isr)),
        _ => None,
    }
}

fn millis(event: &Event<'_>) -> Option<i64> {
    event.at.map(|at| at.as_millisecond())
}

/// Whether a line lists all that are in sync, so that who is not in it has left.
fn tells_who_left(class: &Class) -> bool {
    match class {
        Class::IsrShrunk { .. } | Class::LeaderKept { .. } => true,
        Class::LeaderStart { isr, .. } => !isr.is_empty(),
        _ => false,
    }
}

/// `isr-shrinking`: a follower left the ISR and did not come back, or leaves it again and again.
///
/// It holds because the leader drops a follower that has not caught up for `replica.lag.time.max.ms`
/// (kafka.cluster.Partition `maybeShrinkIsr`); in KRaft also the controller, which the leader then reports.
pub fn shrinking(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut members: HashMap<&TopicPartition, BTreeSet<i64>> = HashMap::new();
    let mut left: BTreeMap<i64, Vec<Left<'_>>> = BTreeMap::new();
    for event in events(view, cluster) {
        let Some((of, isr)) = isr_of(&event.class) else { continue };
        let known = members.entry(of).or_default();
        if let Class::IsrShrunk { from, .. } = &event.class {
            known.extend(from.iter().copied());
        }
        // What a reassignment is still filling has not been in the ISR, and leaves nothing by not being there.
        if let Class::LeaderKept { replicas, adding, .. } = &event.class {
            known.extend(replicas.iter().filter(|id| !adding.contains(*id)));
        }
        for id in isr.iter().filter(|id| known.contains(*id)) {
            for one in left.get_mut(id).into_iter().flatten().filter(|one| one.of == of) {
                one.back = true;
            }
        }
        if tells_who_left(&event.class) {
            for id in known.iter().filter(|id| !isr.contains(*id)) {
                let gone = left.entry(*id).or_default();
                // Told twice, by two lines or two leaders.
                if gone.iter().rev().find(|one| one.of == of).is_none_or(|one| one.back) {
                    gone.push(Left { of, event, back: false });
                }
            }
        }
        known.extend(isr.iter().copied());
    }
    let limit = view.limits(cluster).isr_shrinks;
    for (id, all) in left {
        findings.extend(isr_shrinking(view, cluster, id, &all, limit.max(2)));
    }
}

fn isr_shrinking(
    view: &View<'_>,
    cluster: &Cluster,
    id: i64,
    all: &[Left<'_>],
    limit: u32,
) -> Option<Finding> {
    let host = view.host_of(cluster, id);
    let broker = host.and_then(|host| view::broker(cluster, host));
    let all: Vec<&Left<'_>> = all
        .iter()
        .filter(|one| !view::topic(cluster, &one.of.topic).is_some_and(|topic| topic.ignored))
        .filter(|one| broker.is_none_or(|broker| holds(cluster, broker, one.of)))
        .collect();
    let restarted = |one: &&&Left<'_>| broker.is_some_and(|broker| restarted(view, broker, one.event));
    let out: Vec<&Left<'_>> = all
        .iter()
        .filter(|one| !one.back && !host.is_some_and(|host| in_step(cluster, host, one.of)))
        .copied()
        .collect();
    let unexplained: Vec<&Left<'_>> = all.iter().filter(|one| !restarted(one)).copied().collect();
    let flaps = flapping(&unexplained, limit);
    let down = broker.and_then(|broker| view.stopped(broker));
    let (shown, severity) = if !out.is_empty() && down.is_none() {
        (out, Severity::Warning)
    } else if let Some((_, flaps)) = &flaps {
        (flaps.clone(), Severity::Warning)
    } else if !out.is_empty() {
        (out, Severity::Notice)
    } else {
        (unexplained, Severity::Notice)
    };
    if shown.is_empty() {
        return None;
    }
    let name = host.map_or_else(|| format!("broker {id}"), str::to_owned);
    let partitions: BTreeSet<&TopicPartition> = shown.iter().map(|one| one.of).collect();
    let number = words::counted(partitions.len(), "partition", "partitions");
    let title = match (severity, &flaps, down) {
        (Severity::Warning, Some((of, flaps)), _) if shown.iter().all(|one| one.back) => format!(
            "{name} left the ISR of {}-{} {} times within an hour",
            of.topic,
            of.partition,
            flaps.len()
        ),
        (Severity::Warning, ..) => {
            format!("{name} is out of the ISR of {number} since {}", shown[0].event.at_raw)
        }
        (_, _, Some(_)) => format!("{name} is stopped and out of the ISR of {number}"),
        _ => format!("{name} left the ISR of {number} and came back"),
    };
    let subject = match host {
        Some(host) => of_broker(cluster, host),
        None => of_broker(cluster, &name),
    };
    let mut found = finding(Code::IsrShrinking, severity, subject, title);
    found.items = partitions
        .iter()
        .filter_map(|of| {
            let last = shown.iter().rev().find(|one| one.of == *of)?;
            let back = if last.back { ", and came back" } else { "" };
            Some(Item::host(
                &name,
                Some(format!("{}-{}", of.topic, of.partition)),
                format!("left at {}{back}", last.event.at_raw),
            ))
        })
        .collect();
    let lines = shown.iter().map(|one| line(one.event)).collect();
    Some(found.seen(shown.iter().map(|one| one.event)).show(lines))
}

/// Whether a broker still has a replica of a partition; where disks were not seen, it is taken to.
fn holds(cluster: &Cluster, broker: &Broker, of: &TopicPartition) -> bool {
    if !broker.seen {
        return true;
    }
    let Some(topic) = view::topic(cluster, &of.topic) else { return false };
    topic.partitions.iter().filter(|partition| partition.partition == of.partition).any(|partition| {
        partition.current().any(|replica| {
            cluster.brokers.get(replica.broker).is_some_and(|holder| holder.host == broker.host)
        })
    })
}

/// Whether a broker's log has a stop or a start near to an event on another host.
fn restarted(view: &View<'_>, broker: &Broker, event: &Event<'_>) -> bool {
    let Some(at) = event.at else { return false };
    view.log(&broker.host).iter().any(|moment| {
        let about = matches!(
            moment.event.class,
            Class::Started { .. }
                | Class::Signal { .. }
                | Class::ShutdownBegan { .. }
                | Class::ShutdownDone { .. }
                | Class::UncleanStart { .. }
        );
        about
            && moment.event.at.is_some_and(|own| {
                own.as_millisecond().abs_diff(at.as_millisecond()) <= RESTART_MS.unsigned_abs()
            })
    })
}

/// A partition that was left `limit` times within an hour.
fn flapping<'l, 'a>(left: &[&'l Left<'a>], limit: u32) -> Option<(&'a TopicPartition, Vec<&'l Left<'a>>)> {
    let mut partitions: BTreeMap<&TopicPartition, Vec<&'l Left<'a>>> = BTreeMap::new();
    for one in left {
        partitions.entry(one.of).or_default().push(one);
    }
    partitions.into_iter().find_map(|(of, times)| {
        let at: Vec<Option<i64>> = times.iter().map(|one| millis(one.event)).collect();
        Some((of, times.get(within_an_hour(&at, limit)?)?.to_vec()))
    })
}

/// `controller-moved`: another node became controller.
pub fn controller(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut moves: Vec<(&Event<'_>, String)> = Vec::new();
    let mut current: Option<String> = None;
    for event in events(view, cluster) {
        let Class::ControllerElected { broker, .. } = &event.class else { continue };
        let name = broker
            .and_then(|id| view.host_of(cluster, id).map(str::to_owned))
            .unwrap_or_else(|| event.host.to_owned());
        if current.as_ref().is_some_and(|before| *before != name) {
            moves.push((event, name.clone()));
        }
        current = Some(name);
    }
    let Some((last, name)) = moves.last() else { return };
    let times: Vec<Option<i64>> = moves.iter().map(|(event, _)| millis(event)).collect();
    let often = within_an_hour(&times, view.limits(cluster).controller_moves).is_some();
    let mut found = finding(
        Code::ControllerMoved,
        if often { Severity::Warning } else { Severity::Notice },
        of_cluster(cluster),
        format!(
            "The controller moved {}, the last time to {name} at {}",
            words::counted(moves.len(), "time", "times"),
            last.at_raw
        ),
    );
    found.items = moves
        .iter()
        .map(|(event, name)| Item::host(name, None, format!("became controller at {}", event.at_raw)))
        .collect();
    let lines = moves.iter().map(|(event, _)| line(event)).collect();
    findings.push(found.seen(moves.iter().map(|(event, _)| *event)).show(lines));
}
