//! Which replicas are there: missing, extra, empty, left over.

use crate::compare::{Cluster, Kind, Measure, Partition, Replica, Topic};
use crate::diagnose::expected::asked;
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Item, ReplicaItem, Severity};
use crate::diagnose::holders::{replica_item, size_lines};
use crate::diagnose::judge::floor;
use crate::diagnose::motion::{fresh, in_motion, on_its_way};
use crate::diagnose::view::{View, finding, of_topic, on_disk};
use crate::kafka::replica_dir::METADATA;
use crate::round::{SizeRatio, Thresholds};
use crate::words;

/// A replica of which `du` shows no more than this holds no data.
const EMPTY_DIRECTORY: u64 = 64 << 10;

/// Goes through a cluster's topics.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let plays = view.plays(cluster);
    let limits = view.limits(cluster);
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored) {
        if topic.name != METADATA {
            findings.extend(missing(view, cluster, topic));
            findings.extend(extra(view, cluster, topic, limits.stale_s));
            findings.extend(empty(view, cluster, topic, &view.size_ratio(&plays, &topic.name), &limits));
        }
        findings.extend(left_over(cluster, topic, Kind::Stray));
        findings.extend(left_over(cluster, topic, Kind::Future));
        findings.extend(left_over(cluster, topic, Kind::Deleting));
    }
}

fn host(cluster: &Cluster, replica: &Replica) -> String {
    cluster.brokers.get(replica.broker).map_or_else(|| "?".to_owned(), |broker| broker.host.clone())
}

/// `replica-missing`: a partition has fewer replicas than it should, and everybody was asked.
///
/// It holds because a broker keeps the directory of every replica that it is assigned, empty or not.
fn missing(view: &View<'_>, cluster: &Cluster, topic: &Topic) -> Option<Finding> {
    let expected = usize::try_from(topic.expected_replicas?).ok()?;
    // A replica that an unseen broker may hold is not missing.
    if !topic.complete {
        return None;
    }
    let short: Vec<&Partition> =
        topic.partitions.iter().filter(|partition| partition.current().count() < expected).collect();
    // A probe of some partitions says nothing of the others, nor does one broker alone: its peers may not be in the
    // inventory.
    let all = cluster.brokers.len() > 1 || topic.replicas_said();
    let gaps = if all && asked(view, cluster, &topic.name) { gaps(topic) } else { Vec::new() };
    let number = short.len() + gaps.len();
    if number == 0 {
        return None;
    }
    let numbers =
        words::numbers(short.iter().map(|partition| partition.partition).chain(gaps.iter().copied()));
    let motion = in_motion(view, cluster, topic);
    // A topic that is deleted stays on the brokers that are down then.
    let is_down = |replica: &Replica| view.down(cluster, replica).is_some();
    let left_behind = topic.partitions.iter().flat_map(Partition::current).all(is_down)
        && cluster.brokers.iter().any(|broker| view.stopped(broker).is_none());
    let mut found = finding(
        Code::ReplicaMissing,
        match (motion, left_behind) {
            (Some(_), _) => Severity::Notice,
            (None, true) => Severity::Warning,
            (None, false) => Severity::Critical,
        },
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} {} fewer than {} on disk: {numbers}",
            words::counted(number, "partition", "partitions"),
            topic.name,
            if number == 1 { "has" } else { "have" },
            words::counted(expected, "replica", "replicas"),
        ),
    );
    found.basis = if topic.replicas_said() { Basis::Observed } else { Basis::Inferred };
    found.meaning = if topic.replicas_said() {
        "Every broker of the cluster was looked at, and no more replica directories are there: the partition has lost a copy.".to_owned()
    } else {
        format!(
            "Every broker of the cluster was looked at. {expected} is the number that most partitions of the topic have; the topic's own setting was not read."
        )
    };
    if let Some(motion) = motion {
        found.meaning = format!("{} But {motion}.", found.meaning);
    } else if left_behind {
        found.meaning = format!(
            "{} What is left lies on brokers that are down, so that the topic may have been deleted meanwhile; no controller's log that was read says so.",
            found.meaning
        );
    }
    found.next_steps = vec![
        format!("`kafka-topics.sh --describe --topic {}` says where the replicas should be.", topic.name),
        "Do not stop the brokers that hold the remaining replicas.".to_owned(),
    ];
    found.items = short
        .iter()
        .map(|partition| {
            let why = format!("{} of {expected} replicas found", partition.current().count());
            Item::Replicas(replica_item(cluster, partition, Vec::new(), None, Some(why)))
        })
        .chain(gaps.iter().map(|partition| {
            let why = Some("no replica found on any broker".to_owned());
            Item::Replicas(ReplicaItem {
                partition: *partition,
                holders: Vec::new(),
                odd: Vec::new(),
                ratio: None,
                why,
            })
        }))
        .collect();
    let lines = short.iter().flat_map(|partition| size_lines(cluster, topic, partition)).collect();
    Some(found.show(lines))
}

/// Partitions below the highest of which nothing was found: Kafka numbers them without gaps.
fn gaps(topic: &Topic) -> Vec<u32> {
    /// Beyond this many a listing says no more.
    const LISTED: usize = 1000;
    let Some(last) = topic.partitions.last() else { return Vec::new() };
    let listed =
        |number: &u32| topic.partitions.binary_search_by_key(number, |partition| partition.partition).is_ok();
    (0..last.partition).filter(|number| !listed(number)).take(LISTED).collect()
}

/// `replica-extra`: a partition has more replicas than it should.
fn extra(view: &View<'_>, cluster: &Cluster, topic: &Topic, stale_s: u64) -> Option<Finding> {
    let expected = usize::try_from(topic.expected_replicas?).ok()?;
    let over: Vec<&Partition> =
        topic.partitions.iter().filter(|partition| partition.current().count() > expected).collect();
    if over.is_empty() {
        return None;
    }
    // A guess from the mode is a hint only, and a copy that is being written is a reassignment under way.
    let settled =
        |partition: &&Partition| !partition.current().any(|replica| fresh(view, cluster, replica, stale_s));
    let severity =
        if topic.replicas_said() && over.iter().any(settled) { Severity::Warning } else { Severity::Notice };
    let mut found = finding(
        Code::ReplicaExtra,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} {} more than {} on disk: {}",
            words::counted(over.len(), "partition", "partitions"),
            topic.name,
            if over.len() == 1 { "has" } else { "have" },
            words::counted(expected, "replica", "replicas"),
            words::numbers(over.iter().map(|partition| partition.partition)),
        ),
    );
    found.basis = if topic.replicas_said() { Basis::Observed } else { Basis::Inferred };
    found.meaning =
        "A reassignment is under way, or a broker keeps a replica that it no longer serves. An old \
                     copy takes space and confuses whoever compares by hand."
            .to_owned();
    found.next_steps = vec![format!(
        "`kafka-topics.sh --describe --topic {}` names the replicas in use; delete nothing while its broker runs.",
        topic.name
    )];
    found.items = over
        .iter()
        .map(|partition| {
            let why = format!("{} replicas found, {expected} expected", partition.current().count());
            Item::Replicas(replica_item(cluster, partition, Vec::new(), None, Some(why)))
        })
        .collect();
    let lines = over.iter().flat_map(|partition| size_lines(cluster, topic, partition)).collect();
    Some(found.show(lines))
}

/// `replica-empty`: a replica without data beside one that has some.
fn empty(
    view: &View<'_>,
    cluster: &Cluster,
    topic: &Topic,
    thresholds: &SizeRatio,
    limits: &Thresholds,
) -> Option<Finding> {
    let mut items = Vec::new();
    let mut lines: Vec<EvidenceLine> = Vec::new();
    let mut hosts = Vec::new();
    for partition in &topic.partitions {
        let measure = partition.measure();
        let nothing = match measure {
            Measure::Log => 0,
            Measure::Allocated => EMPTY_DIRECTORY,
        };
        let Some(most) = partition.current().map(|replica| replica.bytes(measure)).max() else { continue };
        if most <= nothing {
            continue;
        }
        let behind = |replica: &Replica| {
            partition.current().any(|other| {
                replica.high_watermark.zip(other.high_watermark).is_some_and(|(own, other)| own < other)
            })
        };
        let bare: Vec<&Replica> = partition
            .current()
            .filter(|replica| replica.bytes(measure) <= nothing)
            // A few records that only one side has kept so far are no loss, unless offsets say so.
            .filter(|replica| {
                most - replica.bytes(measure) >= floor(partition, thresholds) || behind(replica)
            })
            .filter(|replica| !on_its_way(view, cluster, topic, partition, replica, limits.stale_s))
            .collect();
        if bare.is_empty() {
            continue;
        }
        let odd: Vec<String> = bare.iter().map(|replica| host(cluster, replica)).collect();
        hosts.extend(odd.clone());
        lines.extend(size_lines(cluster, topic, partition));
        items.push(Item::Replicas(replica_item(
            cluster,
            partition,
            odd,
            None,
            Some("no data here".to_owned()),
        )));
    }
    if items.is_empty() {
        return None;
    }
    let hosts = words::once(hosts.iter().map(String::as_str));
    let mut found = finding(
        Code::ReplicaEmpty,
        Severity::Critical,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {} {} empty beside replicas with data",
            words::counted(items.len(), "replica", "replicas"),
            topic.name,
            words::list(&hosts),
            if items.len() == 1 { "is" } else { "are" },
        ),
    );
    found.meaning =
        "The replica has just been created and is still to be fetched, or it lost everything. If it \
                     leads, the others cut themselves down to nothing."
            .to_owned();
    found.next_steps = vec![
        "Do not restart or stop the brokers that hold the data.".to_owned(),
        format!("See whether it fills: `du -s …/{}-*` on {}, twice.", topic.name, words::list(&hosts)),
    ];
    found.items = items;
    Some(found.show(lines))
}

/// `replica-stray`, `replica-future`, `replica-deleting`: directories that are no replica in use.
///
/// Kafka marks them by name: `-stray` since 3.7, `-future` since 1.1 (KIP-113), `-delete` since 0.10.2.
fn left_over(cluster: &Cluster, topic: &Topic, kind: Kind) -> Option<Finding> {
    let here: Vec<(&Partition, &Replica)> = topic
        .partitions
        .iter()
        .flat_map(|partition| partition.replicas.iter().map(move |replica| (partition, replica)))
        .filter(|(_, replica)| replica.kind == kind)
        .collect();
    let (code, severity, word, meaning, step) = match kind {
        Kind::Current => return None,
        Kind::Stray => (
            Code::ReplicaStray,
            Severity::Warning,
            "stray",
            "The cluster's metadata does not assign these replicas to this broker, so Kafka set them aside. They take space and are not deleted.",
            "Make sure that the topic is meant to be gone or elsewhere, then delete the directories.",
        ),
        Kind::Future => (
            Code::ReplicaFuture,
            Severity::Notice,
            "future",
            "A replica is on its way from one log dir of the broker to another; it takes its space twice until it has arrived.",
            "If it does not grow, look for errors of ReplicaAlterLogDirsThread in server.log.",
        ),
        Kind::Deleting => (
            Code::ReplicaDeleting,
            Severity::Notice,
            "deleting",
            "Kafka deletes these directories after file.delete.delay.ms (60 s).",
            "If they stay, the broker was stopped in between; it deletes them after its next start.",
        ),
    };
    if here.is_empty() {
        return None;
    }
    let bytes = here.iter().fold(0u64, |sum, (_, replica)| sum.saturating_add(replica.allocated_bytes));
    let names: Vec<String> = here.iter().map(|(_, replica)| host(cluster, replica)).collect();
    let hosts = words::once(names.iter().map(String::as_str));
    let mut found = finding(
        code,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} of {} on {}, {}",
            words::counted(here.len(), &format!("{word} replica"), &format!("{word} replicas")),
            topic.name,
            words::list(&hosts),
            words::bytes(bytes),
        ),
    );
    found.meaning = meaning.to_owned();
    found.next_steps = vec![step.to_owned()];
    found.items = here
        .iter()
        .map(|(partition, replica)| {
            Item::Replicas(replica_item(
                cluster,
                partition,
                vec![host(cluster, replica)],
                None,
                Some(word.to_owned()),
            ))
        })
        .collect();
    let line = |(partition, replica): &(&Partition, &Replica)| {
        let text = format!(
            "{}-{} {word} {} allocated",
            topic.name,
            partition.partition,
            words::bytes(replica.allocated_bytes)
        );
        on_disk(&host(cluster, replica), None, text)
    };
    let lines = here.iter().map(line).collect();
    Some(found.show(lines))
}
