//! Lives of brokers: ended without a stop, out of the cluster.

use std::collections::BTreeSet;

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Code, Finding, Item, Severity};
use crate::diagnose::unstarted;
use crate::diagnose::view::{
    Moment, Stop, View, finding, line, lines_of, of_broker, of_cluster, on_disk, within_an_hour,
};
use crate::kafka::event::{Class, Event};
use crate::kafka::replica_dir::METADATA;
use crate::words;

/// Goes through a cluster's brokers.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    findings.extend(quorum(view, cluster));
    for broker in &cluster.brokers {
        findings.extend(crashed(view, cluster, broker));
        findings.extend(refused(view, cluster, broker));
        findings.extend(fenced(view, cluster, broker));
    }
}

const VOTERS: &str = "controller.quorum.voters";

/// `controller-moved`, critical: no majority of the controllers is left.
///
/// It holds because a KRaft quorum needs more than half of its voters (KIP-595): without them nobody elects a leader,
/// changes an ISR or a topic, and brokers that start wait. A voter that was not seen counts as up.
fn quorum(view: &View<'_>, cluster: &Cluster) -> Option<Finding> {
    let settings = |broker: &Broker| view.visit(broker)?.broker.as_ref()?.settings.get(VOTERS).cloned();
    let voters: BTreeSet<i64> = cluster
        .brokers
        .iter()
        .find_map(settings)?
        .split(',')
        .filter_map(|voter| voter.split_once('@')?.0.trim().parse().ok())
        .collect();
    let down: Vec<&Broker> = cluster
        .brokers
        .iter()
        .filter(|broker| broker.id.is_some_and(|id| voters.contains(&id)) && view.stopped(broker).is_some())
        .collect();
    let up = voters.len().checked_sub(down.len())?;
    if down.is_empty() || up > voters.len() / 2 {
        return None;
    }
    let hosts: Vec<&str> = down.iter().map(|broker| broker.host.as_str()).collect();
    let verb = if hosts.len() == 1 { "is" } else { "are" };
    let title = format!(
        "No majority of the controllers is left: {} {verb} down, and {up} of {} may run",
        words::list(&hosts),
        voters.len()
    );
    let mut found = finding(Code::ControllerMoved, Severity::Critical, of_cluster(cluster), title);
    found.meaning = "More than half of the controllers must run. Until then partitions whose leader is down stay without one, no ISR and no topic changes, and a broker that is restarted does not come back. Brokers go on with what they lead.".to_owned();
    found.next_steps = vec![
        format!("Start {} again; its metadata log is on its disk.", words::list(&hosts)),
        "Do not restart the brokers that still run: they could not register.".to_owned(),
        "Do not format a controller's disk anew: that forgets the cluster.".to_owned(),
    ];
    found.items = hosts
        .iter()
        .map(|host| Item::host(host, None, format!("{VOTERS} names it, and it does not run")))
        .collect();
    let line = |host: &&str| on_disk(host, None, "no process of Kafka runs".to_owned());
    Some(found.show(hosts.iter().map(line).collect()))
}

/// The ends in a log that no stop explains, and whether the broker came back.
fn ends<'v, 'a>(view: &'v View<'a>, host: &str) -> Vec<(&'v Moment<'a>, String)> {
    let mut ends: Vec<(&Moment<'_>, String)> = Vec::new();
    // Whether this log has shown the broker alive, and not stopped since.
    let mut alive = false;
    // One start recovers many segments.
    let mut recovering = false;
    for moment in view.log(host) {
        match &moment.event.class {
            Class::Started { .. } => (alive, recovering) = (true, false),
            Class::ShutdownDone { .. } => alive = false,
            // The broker counts the logs that it has to recover: there are none at a first start.
            Class::UncleanStart { logs, .. }
                if (alive || logs.is_some_and(|logs| logs > 0)) && !recovering =>
            {
                recovering = true;
                ends.push((moment, "its next start found no clean shutdown".to_owned()));
            }
            // Up to 2.5 only the segments tell. KRaft recovers its metadata log after every stop.
            Class::Recovering { of, .. }
                if alive && !recovering && of.as_ref().is_some_and(|of| of.topic != METADATA) =>
            {
                recovering = true;
                ends.push((moment, "its next start recovers segments".to_owned()));
            }
            Class::OutOfMemory { what } => {
                let what = what.as_deref().unwrap_or("memory");
                ends.push((moment, format!("OutOfMemoryError: {what}")));
            }
            Class::FatalError { phase } => {
                let cause = cause(moment).map(|cause| format!(": {cause}")).unwrap_or_default();
                ends.push((moment, format!("fatal error during {phase}{cause}")));
            }
            _ => {}
        }
    }
    ends
}

/// The first sentence of the exception that is at the bottom of a record, of those that say something.
fn cause<'a>(moment: &Moment<'a>) -> Option<&'a str> {
    let causes = || moment.event.causes.iter().rev().map(|cause| cause.trim_start_matches("Caused by: "));
    let last = causes().find(|cause| cause.contains(": ")).or_else(|| causes().next())?;
    Some(last.split_once(". ").map_or(last, |(first, _)| first))
}

/// Whether a broker did not come up.
fn failed_start(moment: &Moment<'_>) -> bool {
    matches!(&moment.event.class, Class::FatalError { phase } if phase.ends_with("startup"))
}

/// `broker-crashed`: a broker ended without shutting down, or did not come up.
///
/// It holds because the marker `.kafka_cleanshutdown` is the last thing that a stop writes and the first that
/// a start removes (kafka.log.LogManager).
fn crashed(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let ends = ends(view, host);
    // It halted on purpose when no log dir was left, and leaves no marker then: log-dir-offline has it.
    let halted = view.log(host).iter().any(|moment| {
        matches!(moment.event.class, Class::AllLogDirsFailed { .. } | Class::HaltedOnIo { .. })
            && !view.started_after(moment)
    });
    let down = !halted && view.stopped(broker) == Some(Stop::Unclean);
    let kills = view
        .visit(broker)
        .and_then(|visit| visit.broker.as_ref())
        .map_or(&[][..], |broker| &broker.oom_kills)
        .iter()
        .filter(|line| line.contains("java"));
    let kills: Vec<&String> = kills.collect();
    if ends.is_empty() && !down && kills.is_empty() {
        return None;
    }
    // A recovery is part of the start that follows; anything else is over with a start.
    let back = |moment: &Moment<'_>| view.started_after(moment);
    let open = ends.iter().rev().find(|(moment, _)| {
        !back(moment) && !matches!(moment.event.class, Class::UncleanStart { .. } | Class::Recovering { .. })
    });
    let clean = view.stopped(broker) == Some(Stop::Clean);
    // A start that failed ends like a stop, with the marker of a clean one.
    let unstarted = view.stopped(broker).is_some() && open.is_some_and(|(moment, _)| failed_start(moment));
    // A process that is older than a start that failed is another one, and the broker.
    let process =
        view.visit(broker).and_then(|visit| visit.broker.as_ref()).filter(|it| it.running == Some(true));
    let second = process.and_then(|process| process.started).is_some_and(|started| {
        open.is_some_and(|(moment, _)| {
            failed_start(moment)
                && moment
                    .event
                    .at
                    .is_some_and(|at| at.as_second() > view.corrected(broker, started.as_second()))
        })
    });
    let severe = down || unstarted || (open.is_some() && !clean && !second);
    let severity = if severe { Severity::Critical } else { Severity::Warning };
    let last = ends.last();
    let title = match (down, open.or(last)) {
        (_, Some((moment, why))) if unstarted => {
            let why = cause(moment).unwrap_or(why);
            format!("{host} could not start: {why} ({})", moment.event.at_raw)
        }
        (_, Some((moment, why))) if second => {
            let why = cause(moment).unwrap_or(why);
            format!("A second start on {host} failed while its broker runs: {why} ({})", moment.event.at_raw)
        }
        (true, _) => format!("{host} is down and was not stopped cleanly"),
        (false, Some((moment, why))) => {
            let back = if back(moment) { " It has started since." } else { "" };
            let found = |(moment, _): &&(&Moment<'_>, String)| {
                matches!(moment.event.class, Class::UncleanStart { .. } | Class::Recovering { .. })
            };
            let times = match ends.iter().filter(found).count() {
                0 | 1 => String::new(),
                times => format!(" {times} times, the last time"),
            };
            format!("{host} ended without shutting down{times}: {why} ({}).{back}", moment.event.at_raw)
        }
        (false, None) => format!("The kernel killed a Java process on {host} for want of memory"),
    };
    let mut found = finding(Code::BrokerCrashed, severity, of_broker(cluster, host), title);
    if second {
        found.meaning = "Another process was started with the same disks or the same address, and gave up; the broker that runs was not touched.".to_owned();
        found.next_steps = vec![
            format!(
                "Find out what starts it on {host} beside the broker's own unit: a second unit, a script, a supervisor."
            ),
            "Do not stop the running broker for it.".to_owned(),
        ];
    } else if let (true, Some((moment, why))) = (unstarted, open) {
        unstarted::advise(&mut found, host, cause(moment).unwrap_or(why));
    } else if down {
        found.next_steps.push(format!(
            "Rule out data-lost and replica-truncated before {host} is started; copy its directories if in doubt."
        ));
    } else if open.or(last).is_some_and(|(moment, _)| back(moment)) {
        found.next_steps.push("Find out why it ended, before it ends again: memory, disk, a bug.".to_owned());
    }
    found.items = ends
        .iter()
        .map(|(moment, why)| Item::host(host, None, format!("{}: {why}", moment.event.at_raw)))
        .collect();
    if down {
        found.items.push(Item::host(host, None, "no process, no .kafka_cleanshutdown".to_owned()));
    }
    let lines = ends.iter().flat_map(|(moment, _)| lines_of(moment.event));
    let lines = lines.chain(kills.iter().map(|line| on_disk(host, None, (*line).clone()))).collect();
    Some(found.seen(ends.iter().map(|(moment, _)| moment.event)).show(lines))
}

/// `broker-crashed`: a broker stopped itself rather than cut its log (0.8.2 to 2.0.0).
///
/// It holds where unclean election is off and the leader is behind (kafka.server.ReplicaFetcherThread
/// `handleOffsetOutOfRange`): it is the one holder of what the leader lacks.
fn refused(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let told: Vec<&Moment<'_>> = view
        .log(host)
        .iter()
        .filter(|moment| matches!(moment.event.class, Class::TruncationRefused { .. }))
        .filter(|moment| !view.started_after(moment))
        .collect();
    let Class::TruncationRefused { topic, partition, from, to, .. } = &told.last()?.event.class else {
        return None;
    };
    let name = partition.map_or_else(|| topic.clone(), |partition| format!("{topic}-{partition}"));
    let mut found = finding(
        Code::BrokerCrashed,
        Severity::Critical,
        of_broker(cluster, host),
        format!(
            "{host} stopped itself rather than lose {} offsets of {name}",
            words::count(from.saturating_sub(*to))
        ),
    );
    found.meaning = format!(
        "Its leader ended at {to}, {host} at {from}, and unclean election is not allowed. {host} holds what the leader does not have."
    );
    found.next_steps = vec![
        format!("Copy the directories of {topic} on {host} before anything else."),
        format!("Do not start {host} with unclean.leader.election.enable=true: it would cut its log."),
    ];
    found.items = told.iter().map(|moment| Item::host(host, None, moment.event.text.to_owned())).collect();
    let lines = told.iter().map(|moment| line(moment.event)).collect();
    Some(found.seen(told.iter().map(|moment| moment.event)).show(lines))
}

/// The last line of a broker's last stop.
fn shutdown<'v, 'a>(view: &'v View<'a>, host: &str) -> Option<&'v Moment<'a>> {
    let done = |moment: &&Moment<'_>| matches!(moment.event.class, Class::ShutdownDone { .. });
    view.log(host).iter().rev().find(done)
}

/// Seconds since a broker that is stopped ended its stop, where its log has it.
pub fn stopped_for(view: &View<'_>, broker: &Broker) -> Option<i64> {
    let at = shutdown(view, &broker.host)?.event.at?;
    Some(view.age(broker, at.as_second()))
}

/// Whether a broker was being stopped when the controller cut it off. Its start says nothing: it registers then.
fn was_stopping(view: &View<'_>, broker: &Broker, fence: &Event<'_>) -> bool {
    /// Between the clocks of two hosts.
    const SLACK_MS: i64 = 5_000;
    let Some(fenced) = fence.at.map(|at| at.as_millisecond()) else { return false };
    let last = view.log(&broker.host).iter().rev().find(|moment| {
        let life = matches!(
            moment.event.class,
            Class::Started { .. }
                | Class::Signal { .. }
                | Class::ShutdownBegan { .. }
                | Class::ShutdownDone { .. }
        );
        life && moment.event.at.is_some_and(|at| at.as_millisecond() <= fenced + SLACK_MS)
    });
    last.is_some_and(|moment| !matches!(moment.event.class, Class::Started { .. }))
}

/// A KRaft broker that was cut off without being stopped, and let in again: a pause now and then, or a broker that
/// stands still again and again, and moves its leaders each time.
fn cut_off_and_back(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let of_it = |event: &&Event<'_>| {
        matches!(event.class, Class::Fenced { broker: id, .. } if broker.id == Some(id))
            && cluster.brokers.iter().any(|other| other.host == event.host)
            && !was_stopping(view, broker, event)
    };
    let cuts: Vec<&Event<'_>> = view.comparison.events.iter().filter(of_it).collect();
    let last = cuts.last()?;
    let times: Vec<Option<i64>> = cuts.iter().map(|event| event.at.map(|at| at.as_millisecond())).collect();
    let often = within_an_hour(&times, view.limits(cluster).session_losses).is_some();
    let title = format!(
        "The controller cut {host} off {} and let it in again, the last time at {}",
        words::counted(cuts.len(), "time", "times"),
        last.at_raw
    );
    let severity = if often { Severity::Warning } else { Severity::Notice };
    let mut found = finding(Code::BrokerFenced, severity, of_broker(cluster, host), title);
    found.meaning = "Its heartbeats stopped for as long as a session lasts (9 s), while its process went on: each time its leaders move and it leaves every ISR.".to_owned();
    found.next_steps = vec![
        format!(
            "Look at {host} at these times: long collections (kafkaServer-gc.log), a disk that stalls, swap, a paused virtual machine, the network to the controller."
        ),
        "Do not restart another broker before it is steady.".to_owned(),
    ];
    found.items =
        cuts.iter().map(|event| Item::host(host, None, format!("fenced at {}", event.at_raw))).collect();
    let lines = cuts.iter().map(|event| line(event)).collect();
    Some(found.seen(cuts.iter().copied()).show(lines))
}

/// `broker-fenced`: the controller cut a broker off, or the broker is stopped.
///
/// It holds because a broker that the controller cut off leads nothing until it is let in again (KRaft:
/// ReplicationControlManager), or comes back to ZooKeeper (kafka.controller.KafkaController `onBrokerFailure`). A clean
/// stop of more than the session's 9 s is fenced too, so that the line alone says nothing of a crash.
fn fenced(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let stop = view.stopped(broker);
    let about = |event: &&Event<'_>| {
        let is_it = |id: &i64| broker.id == Some(*id);
        let told = match &event.class {
            Class::Fenced { broker, .. } | Class::Unfenced { broker } => is_it(broker),
            Class::BrokersLeft { brokers } | Class::BrokersCame { brokers } => brokers.iter().any(is_it),
            _ => return false,
        };
        told && cluster.brokers.iter().any(|other| other.host == event.host)
    };
    let last = view.comparison.events.iter().rev().find(about);
    let fence = last.filter(|event| matches!(event.class, Class::Fenced { .. } | Class::BrokersLeft { .. }));
    // A controller that has just taken over counts who is there, and greets nobody: the broker's own word does then.
    let returns = |class: &Class| match class {
        Class::Started { .. } => true,
        Class::SessionOpened { .. } => {
            fence.is_some_and(|event| matches!(event.class, Class::BrokersLeft { .. }))
        }
        _ => false,
    };
    let back = fence.and_then(|event| event.at).is_some_and(|fenced| {
        view.log(host)
            .iter()
            .any(|moment| returns(&moment.event.class) && moment.event.at.is_some_and(|at| at > fenced))
    });
    match stop {
        // broker-crashed says that it did not come up again, and why.
        Some(Stop::Clean) if view.log(host).iter().any(|it| failed_start(it) && !view.started_after(it)) => {
            None
        }
        Some(Stop::Clean) => {
            let limits = view.limits(cluster);
            let done = shutdown(view, host);
            let since = stopped_for(view, broker);
            let long =
                since.is_some_and(|since| u64::try_from(since).is_ok_and(|since| since > limits.stopped_s));
            let time =
                since.map(|since| format!(" for {}", words::span(since.unsigned_abs()))).unwrap_or_default();
            let mut found = finding(
                Code::BrokerFenced,
                if long { Severity::Warning } else { Severity::Notice },
                of_broker(cluster, host),
                format!("{host} is stopped{time}, after a clean shutdown"),
            );
            found.items = vec![Item::host(host, None, ".kafka_cleanshutdown is there".to_owned())];
            let mut lines: Vec<_> = done.map(|moment| line(moment.event)).into_iter().collect();
            lines.extend(fence.map(line));
            Some(found.show(lines))
        }
        // broker-crashed says it.
        Some(Stop::Unclean) => None,
        _ => {
            let Some(event) = fence.filter(|_| !back) else { return cut_off_and_back(view, cluster, broker) };
            // It stopped cleanly just then, and nobody knows yet whether it is back.
            let known = was_stopping(view, broker, event);
            let mut found = finding(
                Code::BrokerFenced,
                if known { Severity::Notice } else { Severity::Warning },
                of_broker(cluster, host),
                format!("The controller cut {host} off at {}", event.at_raw),
            );
            found.items =
                vec![Item::host(host, None, format!("fenced at {}, no start seen since", event.at_raw))];
            Some(found.seen(std::iter::once(event)).show(vec![line(event)]))
        }
    }
}
