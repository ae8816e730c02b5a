//! What Kafka itself says is wrong with its topics, where somebody brought `kafka-topics --describe`.
//!
//! The controller's word on leaders and ISRs is a fact, not a reading of logs: a partition without a leader
//! can be neither read nor written, and one whose ISR is smaller than `min.insync.replicas` refuses
//! `acks=all` (kafka.cluster.Partition `appendRecordsToLeader`).

use super::finding::{Code, EvidenceLine, Finding, HostItem, Item, Severity, Source, Subject};
use super::motion::in_motion;
use super::view::{self, View, finding, on_disk};
use crate::compare::coverage::Looked;
use crate::compare::{Cluster, Topic};
use crate::round::{DescribedPartition, DescribedTopic};
use crate::words;

/// The rules over every described topic.
pub fn all(view: &View<'_>, findings: &mut Vec<Finding>) {
    for topic in &view.round.described {
        let place = Place::of(view, topic);
        if place.ignored {
            continue;
        }
        under_min(&place, findings);
        out_of_sync(&place, findings);
        placed(&place, findings);
    }
}

/// A described topic, and where the round saw it.
struct Place<'a> {
    view: &'a View<'a>,
    topic: &'a DescribedTopic,
    /// `None` where no cluster holds the topic, or several do.
    cluster: Option<&'a Cluster>,
    /// Left out by the playbook in some cluster.
    ignored: bool,
}

impl<'a> Place<'a> {
    fn of(view: &'a View<'a>, topic: &'a DescribedTopic) -> Self {
        let holds = |cluster: &'a Cluster| Some((cluster, view::topic(cluster, &topic.topic)?));
        let holders: Vec<(&Cluster, &Topic)> = view.comparison.clusters.iter().filter_map(holds).collect();
        let cluster = match holders.as_slice() {
            [(cluster, _)] => Some(*cluster),
            _ => None,
        };
        Place { view, topic, cluster, ignored: holders.iter().any(|(_, topic)| topic.ignored) }
    }

    /// A broker's host where it is known, else its id.
    fn name(&self, id: i64) -> String {
        let host = self.cluster.and_then(|cluster| self.view.host_of(cluster, id));
        host.map_or_else(|| format!("broker {id}"), str::to_owned)
    }

    fn title(&self, partitions: usize, what: &str) -> String {
        format!(
            "{} of {} {} {what}, as kafka-topics shows",
            words::counted(partitions, "partition", "partitions"),
            self.topic.topic,
            if partitions == 1 { "has" } else { "have" }
        )
    }
}

/// `under-min-isr`: no leader, or fewer replicas in sync than producers need.
fn under_min(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let topic = place.topic;
    let needed = topic.min_isr().unwrap_or(1);
    let starved: Vec<(&DescribedPartition, String)> = topic
        .partitions
        .iter()
        .filter(|partition| partition.leader.is_none() || topic.is_under_min_isr(partition))
        .map(|partition| match partition.leader {
            None => (partition, "nobody leads it".to_owned()),
            Some(_) => (partition, format!("{} in sync, {needed} needed", partition.isr.len())),
        })
        .collect();
    let what = "too few replicas in sync";
    tell(place, Code::UnderMinIsr, Severity::Critical, what, &starved, findings);
}

/// `replica-lagging`: replicas outside of the ISR that no reassignment is only just adding.
fn out_of_sync(place: &Place<'_>, findings: &mut Vec<Finding>) {
    // Without a leader nobody is in sync, which the other rule says.
    let led = place.topic.partitions.iter().filter(|partition| partition.leader.is_some());
    let behind: Vec<(&DescribedPartition, String)> = led
        .filter_map(|partition| {
            let names: Vec<String> = partition.out_of_sync().iter().map(|id| place.name(*id)).collect();
            (!names.is_empty()).then(|| (partition, format!("not in sync on {}", words::list(&names))))
        })
        .collect();
    let what = "a replica outside of the ISR";
    tell(place, Code::ReplicaLagging, Severity::Warning, what, &behind, findings);
}

/// `replica-missing` and `replica-extra`: the replicas that Kafka names beside those that lie on the disks.
///
/// It holds because a broker makes the directory of every replica that it is given (kafka.log.LogManager
/// `getOrCreateLog`) and deletes it when it is given no longer. A partition that is being moved, a topic that is made or
/// deleted, and a broker whose disks were not all seen say nothing.
fn placed(place: &Place<'_>, findings: &mut Vec<Finding>) {
    let described = place.topic;
    let Some(cluster) = place.cluster else { return };
    let Some(topic) = view::topic(cluster, &described.topic) else { return };
    if in_motion(place.view, cluster, topic).is_some() {
        return;
    }
    let looked: Vec<Option<Looked<'_>>> = cluster
        .brokers
        .iter()
        .map(|broker| place.view.visit(broker).map(Looked::of).filter(|looked| looked.whole))
        .collect();
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    for partition in described.partitions.iter().filter(|partition| !partition.moving()) {
        let on_disk = topic.partitions.iter().find(|known| known.partition == partition.partition);
        let name = format!("{}-{}", topic.name, partition.partition);
        let (mut lacking, mut keeping) = (Vec::new(), Vec::new());
        for (at, broker) in cluster.brokers.iter().enumerate() {
            let Some(id) = broker.id else { continue };
            let holds = on_disk.is_some_and(|known| known.current().any(|replica| replica.broker == at));
            let seen = looked.get(at).and_then(Option::as_ref).is_some_and(|looked| looked.covers(&name));
            match (partition.replicas.contains(&id), holds) {
                (true, false) if seen => lacking.push(broker.host.as_str()),
                (false, true) => keeping.push(broker.host.as_str()),
                _ => {}
            }
        }
        if !lacking.is_empty() {
            let why = format!("{} should hold it and has no directory of it", words::list(&lacking));
            missing.push((partition, why));
        }
        if !keeping.is_empty() {
            let verb = if keeping.len() == 1 { "holds" } else { "hold" };
            extra.push((
                partition,
                format!("{} {verb} it and is not among its replicas", words::list(&keeping)),
            ));
        }
    }
    let what = "a replica that is not on the disk where it should be";
    tell(place, Code::ReplicaMissing, Severity::Critical, what, &missing, findings);
    let what = "a replica on a disk where it should not be";
    tell(place, Code::ReplicaExtra, Severity::Warning, what, &extra, findings);
}

/// Adds a finding, or what is new to the one that disks and logs have led to already.
fn tell(
    place: &Place<'_>,
    code: Code,
    severity: Severity,
    what: &str,
    partitions: &[(&DescribedPartition, String)],
    findings: &mut Vec<Finding>,
) {
    if partitions.is_empty() {
        return;
    }
    let topic = place.topic;
    let title = place.title(partitions.len(), what);
    let subject = Subject {
        cluster: place.cluster.map(|cluster| cluster.name.clone()),
        topic: Some(topic.topic.clone()),
        ..Subject::default()
    };
    let items = partitions.iter().map(|(partition, why)| {
        Item::Host(HostItem {
            host: partition.leader.map_or("no leader".to_owned(), |id| place.name(id)),
            probe: None,
            path: Some(format!("{}-{}", topic.topic, partition.partition)),
            reason: why.clone(),
        })
    });
    let lines = partitions.iter().map(|(partition, _)| evidence(topic, partition));
    match findings.iter_mut().find(|known| known.code == code && known.subject == subject) {
        Some(known) => {
            if severity < known.severity {
                (known.severity, known.title) = (severity, title);
            }
            known.items.extend(items);
            known.evidence.extend(lines.take(1));
        }
        None => {
            let mut found = finding(code, severity, subject, title);
            found.items = items.collect();
            findings.push(found.show(lines.collect()));
        }
    }
}

/// The line of kafka-topics, in the form that all versions share.
fn evidence(topic: &DescribedTopic, partition: &DescribedPartition) -> EvidenceLine {
    let ids = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let leader = partition.leader.map_or("none".to_owned(), |id| id.to_string());
    let text = format!(
        "Topic: {} Partition: {} Leader: {leader} Replicas: {} Isr: {}",
        topic.topic,
        partition.partition,
        ids(&partition.replicas),
        ids(&partition.isr)
    );
    EvidenceLine {
        source: Source::Transcript,
        // A round that was kept by an earlier version does not say where.
        line: Some(partition.line).filter(|line| *line > 0),
        ..on_disk("kafka-topics", Some(topic.file.clone()).filter(|file| !file.is_empty()), text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::compare::{compare, rounds};
    use crate::diagnose::diagnose;
    use crate::round::{Outcome, Visit};

    fn told(partition: DescribedPartition, least: &str) -> Vec<(Code, Severity)> {
        let mut round = rounds::round(vec![
            rounds::host("a").disk(vec![rounds::replica("t", 0, 1 << 20)]),
            rounds::host("b").disk(vec![rounds::replica("t", 0, 1 << 20)]),
        ]);
        round.described = vec![DescribedTopic {
            topic: "t".into(),
            settings: BTreeMap::from([("min.insync.replicas".to_owned(), least.to_owned())]),
            partitions: vec![partition],
            ..DescribedTopic::default()
        }];
        let grave = |finding: &Finding| matches!(finding.code, Code::UnderMinIsr | Code::ReplicaLagging);
        let found = diagnose(&round, &compare(&round));
        found.iter().filter(|one| grave(one)).map(|one| (one.code, one.severity)).collect()
    }

    fn partition(leader: Option<i64>, isr: &[i64], adding: &[i64]) -> DescribedPartition {
        DescribedPartition {
            leader,
            replicas: vec![1, 2],
            isr: isr.to_vec(),
            adding: adding.to_vec(),
            ..DescribedPartition::default()
        }
    }

    #[test]
    fn a_partition_in_sync_is_no_finding() {
        assert_eq!(told(partition(Some(1), &[1, 2], &[]), "2"), []);
        assert_eq!(told(partition(Some(1), &[1, 2], &[]), "1"), []);
    }

    #[test]
    fn too_few_in_sync_and_nobody_leading() {
        let lagging = (Code::ReplicaLagging, Severity::Warning);
        let starved = (Code::UnderMinIsr, Severity::Critical);
        assert_eq!(told(partition(Some(1), &[1], &[]), "2"), [starved, lagging]);
        assert_eq!(told(partition(Some(1), &[1], &[]), "1"), [lagging]);
        assert_eq!(told(partition(None, &[], &[]), "1"), [starved]);
    }

    /// Brokers 1 to 3, of which these hold partition 0; broker 3's disks may be out of sight.
    fn placed(partition: DescribedPartition, holders: &[i64], third: Outcome) -> Vec<(Code, Severity)> {
        let host = |id: i64| {
            let replicas =
                if holders.contains(&id) { vec![rounds::replica("t", 0, 1 << 20)] } else { Vec::new() };
            let visit = rounds::host(&format!("b{id}")).dir(|dir| dir.broker_id = Some(id));
            if id == 3 && third != Outcome::Ok {
                Visit { broker_id: Some(3), ..visit.gone(third) }
            } else {
                visit.disk_at("/services/kafka/*", rounds::DIR, replicas)
            }
        };
        let mut round = rounds::round((1..4).map(host).collect());
        round.described = vec![DescribedTopic {
            topic: "t".into(),
            partitions: vec![partition],
            ..DescribedTopic::default()
        }];
        let found = diagnose(&round, &compare(&round));
        let ours = |finding: &&Finding| matches!(finding.code, Code::ReplicaMissing | Code::ReplicaExtra);
        found.iter().filter(ours).map(|one| (one.code, one.severity)).collect()
    }

    #[test]
    fn replicas_lie_where_kafka_names_them() {
        let at = |replicas: &[i64], adding: &[i64]| DescribedPartition {
            leader: Some(1),
            replicas: replicas.to_vec(),
            isr: vec![1],
            adding: adding.to_vec(),
            ..DescribedPartition::default()
        };
        let missing = (Code::ReplicaMissing, Severity::Critical);
        let extra = (Code::ReplicaExtra, Severity::Warning);
        assert_eq!(placed(at(&[1, 2], &[]), &[1, 2], Outcome::Ok), []);
        assert_eq!(placed(at(&[1, 3], &[]), &[1, 2], Outcome::Ok), [missing, extra]);
        assert_eq!(placed(at(&[1, 2, 3], &[]), &[1, 2], Outcome::Ok), [missing]);
        // Nobody looked at the disks of broker 3, or it is only just being given its replica.
        assert_eq!(placed(at(&[1, 2, 3], &[]), &[1, 2], Outcome::Unreachable), []);
        assert_eq!(placed(at(&[1, 2, 3], &[3]), &[1, 2], Outcome::Ok), []);
    }

    #[test]
    fn a_replica_that_is_being_added_is_not_behind() {
        assert_eq!(told(partition(Some(1), &[1], &[2]), "1"), []);
    }
}
