//! The gate: may these brokers be restarted now?
//!
//! A broker may go when every partition that it holds has other replicas that are whole, in sync and on brokers
//! that run. With nobody to restart the question is whether everything is whole again.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Broker, Cluster, Partition, Replica, Topic};
use crate::diagnose::finding::{Code, Finding, HostItem, Item, Severity};
use crate::diagnose::starts;
use crate::diagnose::view::{View, finding, of_broker, of_cluster};
use crate::kafka::replica_dir::METADATA;
use crate::round::Gate;
use crate::words;

/// Findings that a gate asks about.
///
/// A dead cleaner does not shut it: a restart is its cure.
pub fn bears(code: Code) -> bool {
    !matches!(
        code,
        Code::CleanerDead
            | Code::CleanerBehind
            | Code::CleanerDisabled
            | Code::PartitionUncleanable
            | Code::ReplicaSkew
            | Code::BrokerPairBias
            | Code::ReplicaExtra
            | Code::ReplicaStray
            | Code::ReplicaFuture
            | Code::ReplicaDeleting
            | Code::ControllerMoved
            | Code::VersionsMixed
            | Code::SettingsDiffer
            | Code::ClockSkew
            | Code::UnknownErrors
            // These are about partitions: the gate itself says whether one of them is in the way.
            | Code::ReplicaShort
            | Code::ReplicaEmpty
            | Code::ReplicaMissing
            | Code::ReplicaLagging
            | Code::ReplicaTruncated
            | Code::DataLost
            | Code::EpochsDiverged
            | Code::UncleanElection
            | Code::TopicIdMismatch
            | Code::RecordCorrupt
            | Code::IsrShrinking
            | Code::UnderMinIsr
            | Code::BrokerCrashed
            | Code::BrokerFenced
            | Code::SessionLost
            | Code::LogDirOffline
            | Code::DiskFilling
    )
}

/// What other findings know.
struct Known<'f> {
    bad: Bad<'f>,
    brokers: BTreeMap<&'f str, &'static str>,
    cut: BTreeMap<(&'f str, u32), BTreeSet<&'f str>>,
}

/// What is the matter with a replica, by topic, partition and host.
type Bad<'f> = BTreeMap<(&'f str, u32), BTreeMap<&'f str, &'static str>>;

/// Asks for every cluster that a play with a gate looks at.
pub fn all(view: &View<'_>, findings: &mut Vec<Finding>) {
    let mut shut = Vec::new();
    for cluster in &view.comparison.clusters {
        let plays = view.plays(cluster);
        let gates = plays.iter().filter_map(|play| view.round.plays.get(*play)?.expect.gate.as_ref());
        for gate in gates {
            let (bad, brokers) = bad(cluster, findings);
            let cut = cut(view, findings);
            let ours = |host: &&String| cluster.brokers.iter().any(|broker| broker.host == **host);
            let restart: Vec<&str> = gate.restart.iter().filter(ours).map(String::as_str).collect();
            if !gate.restart.is_empty() && restart.is_empty() {
                continue;
            }
            shut.extend(asked(view, cluster, gate, &restart, &Known { bad, brokers, cut }));
        }
    }
    findings.extend(shut);
}

/// The replicas and brokers that other findings, above notice, speak of.
fn bad<'f>(cluster: &Cluster, findings: &'f [Finding]) -> (Bad<'f>, BTreeMap<&'f str, &'static str>) {
    let mut bad = Bad::new();
    let mut brokers: BTreeMap<&str, &'static str> = BTreeMap::new();
    let ours = |finding: &&Finding| finding.subject.cluster.as_deref() == Some(cluster.name.as_str());
    for finding in findings.iter().filter(ours).filter(|finding| finding.severity <= Severity::Warning) {
        let what = match finding.code {
            Code::ReplicaShort => "is short",
            Code::ReplicaEmpty => "is empty",
            Code::ReplicaLagging => "does not follow",
            Code::ReplicaTruncated | Code::DataLost => "was cut",
            Code::EpochsDiverged => "has another history",
            Code::TopicIdMismatch => "is another topic's",
            Code::RecordCorrupt => "was damaged",
            Code::IsrShrinking => "is out of the ISR",
            Code::UnderMinIsr => "has too few replicas in sync",
            Code::BrokerCrashed => "crashed",
            Code::BrokerFenced => "is out of the cluster",
            Code::LogDirOffline => "gave up a log dir",
            Code::SessionLost => "lost its session",
            _ => continue,
        };
        let about_broker = matches!(
            finding.code,
            Code::BrokerCrashed | Code::BrokerFenced | Code::LogDirOffline | Code::SessionLost
        ) || finding.code == Code::ReplicaLagging && finding.subject.topic.is_none();
        if let (true, Some(host)) = (about_broker, &finding.subject.broker) {
            brokers.entry(host).or_insert(what);
            continue;
        }
        for item in &finding.items {
            match item {
                Item::Replicas(item) => {
                    let Some(topic) = &finding.subject.topic else { continue };
                    // Histories that differ: nobody knows whose is right.
                    let all = item.holders.iter().map(|holder| &holder.host).filter(|_| item.odd.is_empty());
                    for host in item.odd.iter().chain(all) {
                        bad.entry((topic, item.partition)).or_default().entry(host).or_insert(what);
                    }
                }
                Item::Truncation(cut) => {
                    let Some(topic) = &finding.subject.topic else { continue };
                    bad.entry((topic, cut.partition)).or_default().entry(&cut.follower).or_insert(what);
                }
                Item::Host(item) => {
                    let Some((topic, partition)) =
                        item.path.as_deref().and_then(|path| path.rsplit_once('-'))
                    else {
                        continue;
                    };
                    let Ok(partition) = partition.parse() else { continue };
                    bad.entry((topic, partition)).or_default().entry(&item.host).or_insert(what);
                }
                Item::Shape(_) => {}
            }
        }
    }
    (bad, brokers)
}

/// Seconds after a cut in which both sides keep what may be left of it.
const CUT_KEPT_S: i64 = 24 * 3600;

/// Brokers that cut their logs of late, or led then, by partition: nobody restarts them before their directories
/// are copied.
fn cut<'f>(view: &View<'_>, findings: &'f [Finding]) -> BTreeMap<(&'f str, u32), BTreeSet<&'f str>> {
    let mut cut: BTreeMap<(&str, u32), BTreeSet<&str>> = BTreeMap::new();
    let tells = |finding: &&Finding| matches!(finding.code, Code::ReplicaTruncated | Code::DataLost);
    for finding in findings.iter().filter(tells).filter(|finding| finding.severity == Severity::Critical) {
        let Some(topic) = &finding.subject.topic else { continue };
        for item in &finding.items {
            let Item::Truncation(item) = item else { continue };
            let age = item.at.map(|at| view.round.finished.as_second().saturating_sub(at.as_second()));
            if age.is_some_and(|age| age < CUT_KEPT_S) {
                let hosts = std::iter::once(&item.follower).chain(&item.leader);
                cut.entry((topic, item.partition)).or_default().extend(hosts.map(String::as_str));
            }
        }
    }
    cut
}

/// Opens the gate by saying nothing, or says what keeps it shut.
fn asked(
    view: &View<'_>,
    cluster: &Cluster,
    gate: &Gate,
    restart: &[&str],
    known: &Known<'_>,
) -> Option<Finding> {
    let turn = |(_, broker): &(usize, &Broker)| restart.contains(&broker.host.as_str());
    let asked = cluster.brokers.iter().enumerate().filter(turn);
    // Who is down takes nothing away by coming up.
    let (leaving, down): (Vec<_>, Vec<_>) = asked.partition(|(_, broker)| view.stopped(broker).is_none());
    let leaving: BTreeSet<usize> = leaving.into_iter().map(|(at, _)| at).collect();
    let (mut items, mut partitions) = waiting(view, cluster, restart);
    let starts = leaving.is_empty() && !down.is_empty();
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        for partition in &topic.partitions {
            let goes = |replica: &Replica| leaving.contains(&replica.broker);
            if !gate.restart.is_empty() && !partition.current().any(goes) {
                continue;
            }
            let found = in_the_way(view, cluster, topic, partition, &leaving, known);
            partitions += usize::from(!found.is_empty());
            items.extend(found.into_iter().map(|(host, reason)| {
                Item::Host(HostItem {
                    host,
                    probe: None,
                    path: Some(format!("{}-{}", topic.name, partition.partition)),
                    reason,
                })
            }));
        }
    }
    if items.is_empty() {
        return unseen(view, cluster, restart);
    }
    let number = words::counted(partitions, "partition", "partitions");
    let (subject, title) = match restart {
        [] => (of_cluster(cluster), format!("{} is not whole again: {number}", cluster.name)),
        [host] if starts => (
            of_broker(cluster, host),
            format!(
                "Do not start {host} now: of {number} it lacks records that only a broker that is down has"
            ),
        ),
        [host] => (
            of_broker(cluster, host),
            format!("Do not restart {host} now: of {number} the other replicas are not all well"),
        ),
        hosts => (
            of_cluster(cluster),
            format!(
                "Do not restart {} now: of {number} the other replicas are not all well",
                words::list(hosts)
            ),
        ),
    };
    let mut found = finding(Code::ExpectationFailed, Severity::Critical, subject, title);
    found.meaning = if starts {
        "What comes up first may lead, and whoever comes later cuts what the leader does not have.".to_owned()
    } else {
        "A restart takes a replica away for a while. These partitions would be left to replicas that are short, \
                     behind, out of sync or on a broker that is down: without a leader, or with one that lacks records."
            .to_owned()
    };
    found.next_steps = vec![
        "See to the replicas below first: the other findings say what is the matter with each.".to_owned(),
        "Then run the gate again; it is open when it exits with 0.".to_owned(),
    ];
    let lines = items
        .iter()
        .filter_map(|item| match item {
            Item::Host(item) => {
                let text = format!("{}: {}", item.path.as_deref().unwrap_or("-"), item.reason);
                Some(crate::diagnose::view::on_disk(&item.host, None, text))
            }
            _ => None,
        })
        .collect();
    found.items = items;
    Some(found.show(lines))
}

/// What brokers that are to be started lack and others have that are down too: items, and how many partitions.
fn waiting(view: &View<'_>, cluster: &Cluster, restart: &[&str]) -> (Vec<Item>, usize) {
    let mut items = Vec::new();
    let mut partitions = 0;
    for ((later, first), lack) in starts::order(view, cluster) {
        if !restart.contains(&later) || restart.contains(&first) {
            continue;
        }
        for (topic, (numbers, _)) in &lack.topics {
            partitions += numbers.len();
            items.extend(numbers.iter().map(|number| {
                let reason = format!("it lacks there what {first} has, which is down: start {first} first");
                Item::host(later, Some(format!("{topic}-{number}")), reason)
            }));
        }
    }
    (items, partitions)
}

/// A gate does not open on half the sight.
fn unseen(view: &View<'_>, cluster: &Cluster, restart: &[&str]) -> Option<Finding> {
    let mut items: Vec<(String, &'static str)> = Vec::new();
    for broker in &cluster.brokers {
        let visit = view.visit(broker);
        let why = if !broker.seen {
            "its replicas were not seen"
        } else if !visit.is_some_and(|visit| crate::compare::covers(visit, "*-*")) {
            "not all of its replicas were looked at"
        } else {
            continue;
        };
        items.push((broker.host.clone(), why));
    }
    let plays = view.plays(cluster);
    for play in plays.iter().filter_map(|play| view.round.plays.get(*play)) {
        items.extend(play.excluded.iter().map(|host| (host.clone(), "left out by the limit")));
    }
    let mut blind: BTreeSet<usize> = BTreeSet::new();
    for partition in cluster.topics.iter().filter(|topic| !topic.ignored).flat_map(|topic| &topic.partitions)
    {
        let several = partition.current().count() > 1;
        blind.extend(
            partition
                .current()
                .filter(|replica| several && !replica.offsets_seen)
                .map(|replica| replica.broker),
        );
    }
    let blind = blind.into_iter().filter_map(|broker| cluster.brokers.get(broker));
    items.extend(blind.map(|broker| (broker.host.clone(), "its high watermarks were not seen")));
    items.sort();
    items.dedup_by(|one, other| one.0 == other.0);
    let hosts: Vec<&str> = items.iter().map(|(host, _)| host.as_str()).collect();
    if hosts.is_empty() {
        return None;
    }
    let what = match restart {
        [] => format!("{} is whole again", cluster.name),
        hosts => format!("{} may be restarted", words::list(hosts)),
    };
    let mut found = finding(
        Code::ExpectationFailed,
        Severity::Unknown,
        of_cluster(cluster),
        format!("Whether {what} cannot be told: not all of {} was seen", words::list(&hosts)),
    );
    found.meaning = "Nothing that was seen speaks against it, but a replica that was not seen may be short, behind or gone.".to_owned();
    found.next_steps =
        vec![format!("Make {} seen, then run the gate again. Until then: no.", words::list(&hosts))];
    found.items = items.iter().map(|(host, reason)| Item::host(host, None, (*reason).to_owned())).collect();
    Some(found)
}

/// What speaks against taking the leaving brokers' replicas of one partition away.
fn in_the_way(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    partition: &Partition,
    leaving: &BTreeSet<usize>,
    Known { bad, brokers, cut }: &Known<'_>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let cut = cut.get(&(topic.name.as_str(), partition.partition));
    for replica in partition.current().filter(|replica| leaving.contains(&replica.broker)) {
        let Some(broker) = cluster.brokers.get(replica.broker) else { continue };
        if cut.is_some_and(|cut| cut.contains(broker.host.as_str())) {
            let reason = "it was cut of late, or led then: copy its directory first".to_owned();
            found.push((broker.host.clone(), reason));
        }
    }
    let told = bad.get(&(topic.name.as_str(), partition.partition));
    let mut staying = 0;
    for replica in partition.current().filter(|replica| !leaving.contains(&replica.broker)) {
        let Some(broker) = cluster.brokers.get(replica.broker) else { continue };
        let host = broker.host.as_str();
        let what = told.and_then(|told| told.get(host)).or_else(|| brokers.get(host)).copied();
        let what = what.or_else(|| view.stopped(broker).is_some().then_some("is on a stopped broker"));
        match what {
            Some(what) => found.push((host.to_owned(), format!("this replica {what}"))),
            None => staying += 1,
        }
    }
    // Told by a leader or a controller, of the partition and of no replica.
    if let Some(told) = told {
        let told = told
            .iter()
            .filter(|(host, what)| **what == "has too few replicas in sync" && !view.is_down(cluster, host));
        for (host, what) in told {
            if !found.iter().any(|(known, _)| known == host) {
                found.push(((*host).to_owned(), format!("the partition {what}")));
            }
        }
    }
    // Only where the playbook says what the topic needs: two copies of two needed are so at any time.
    let min = view.expectation(&view.plays(cluster), &topic.name).min_insync_replicas;
    let min =
        min.and_then(|min| usize::try_from(min).ok()).filter(|min| staying < *min && !leaving.is_empty());
    if let (Some(min), true) = (min, found.is_empty()) {
        let gone = partition.current().find(|replica| leaving.contains(&replica.broker));
        if let Some(broker) = gone.and_then(|replica| cluster.brokers.get(replica.broker)) {
            let reason = format!("{staying} in sync would stay, min_insync_replicas is {min}");
            found.push((broker.host.clone(), reason));
        }
    }
    // Whoever has a single copy has it with or without a gate.
    let expected = topic.expected_replicas.and_then(|expected| usize::try_from(expected).ok());
    let held = partition.current().count();
    if topic.complete && expected.is_some_and(|expected| expected > 1 && held < expected) && staying < 2 {
        let host = partition.current().next().and_then(|replica| cluster.brokers.get(replica.broker));
        if let Some(host) = host {
            let reason = format!("{held} of {} replicas found", expected.unwrap_or(0));
            found.push((host.host.clone(), reason));
        }
    }
    found
}
