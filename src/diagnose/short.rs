//! Replicas that lack data.

use crate::compare::{Cluster, Partition, Topic, ratio};
use crate::diagnose::finding::{Basis, Code, Finding, Severity};
use crate::diagnose::holders::{about, host};
use crate::diagnose::joins::{self, Unclean};
use crate::diagnose::judge::Judgement;
use crate::diagnose::odd::{Odd, against, evidence, items, odd_hosts};
use crate::diagnose::starts;
use crate::diagnose::view::{View, finding, of_topic};
use crate::round::SizeRatio;
use crate::words;

/// Replicas on brokers that are down that lack what only another one that is down has. Nobody can catch up there, and
/// the first to start may lead: however small the partition is, it is no matter of a moment.
pub fn waiting<'a>(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    thresholds: &SizeRatio,
    partition: &'a Partition,
) -> Option<Odd<'a>> {
    let waits = starts::waits(view, cluster, topic, partition);
    let (_, first, _) = waits.first()?;
    let measure = partition.measure();
    let times = waits.iter().filter_map(|(later, ..)| ratio(first.bytes(measure), later.bytes(measure)));
    let times = times.filter(|times| *times >= thresholds.warning).reduce(f64::max);
    let most = waits.iter().map(|(.., offsets)| *offsets).max()?;
    let host = host(cluster, first.broker);
    Some(Odd {
        partition,
        ratio: times,
        sure: times.filter(|_| !partition.rounded()),
        judgement: Judgement::Short(format!(
            "it lacks {} offsets that only {host} has, and both are down",
            words::count(most)
        )),
        odd: waits.iter().map(|(later, ..)| later.broker).collect(),
        against: first.broker,
        waits: true,
    })
}

/// `replica-short`, of the partitions in which somebody is.
pub fn replica_short(
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
    let may_lead = short.iter().any(|odd| odd.waits)
        && matches!(joins::unclean(view, cluster, &topic.name), Unclean::Possible(_));
    let severity = if far || may_lead { Severity::Critical } else { Severity::Warning };
    let larger = against(cluster, short);
    let mut found = finding(
        Code::ReplicaShort,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {} {} short: {} {}",
            words::counted(short.len(), "replica", "replicas"),
            topic.name,
            words::list(&hosts),
            if short.len() == 1 { "is" } else { "are" },
            match short.iter().any(|odd| odd.ratio.is_some()) {
                true => format!(
                    "{}{} times smaller than",
                    about(short.iter().map(|odd| odd.partition)),
                    words::ratios(short.iter().filter_map(|odd| odd.ratio))
                ),
                false => "behind".to_owned(),
            },
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
    let up: Vec<&str> = larger.iter().copied().filter(|host| !view.is_down(cluster, host)).collect();
    if !up.is_empty() {
        found.next_steps.push(format!(
            "Do not restart or stop {}: {} replicas are the larger ones.",
            words::list(&up),
            if up.len() == 1 { "its" } else { "their" }
        ));
    }
    let down = |hosts: &[&str]| hosts.iter().all(|host| view.is_down(cluster, host));
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
