//! What Kafka itself says is wrong with its topics, where somebody brought `kafka-topics --describe`.
//!
//! The controller's word on leaders and ISRs is a fact, not a reading of logs: a partition without a leader
//! can be neither read nor written, and one whose ISR is smaller than `min.insync.replicas` refuses
//! `acks=all` (kafka.cluster.Partition `appendRecordsToLeader`).

use super::finding::{Code, EvidenceLine, Finding, HostItem, Item, Severity, Source, Subject};
use super::view::{View, finding, on_disk};
use super::words;
use crate::round::{DescribedPartition, DescribedTopic};

/// The rules over every described topic.
pub fn all(view: &View<'_>, findings: &mut Vec<Finding>) {
    for topic in &view.round.described {
        if view
            .comparison
            .clusters
            .iter()
            .any(|cluster| super::view::topic(cluster, &topic.topic).is_some_and(|topic| topic.ignored))
        {
            continue;
        }
        under_min(view, topic, findings);
        out_of_sync(view, topic, findings);
    }
}

/// `under-min-isr`: no leader, or fewer replicas in sync than producers need.
fn under_min(view: &View<'_>, topic: &DescribedTopic, findings: &mut Vec<Finding>) {
    let least = topic.min_isr();
    let starved: Vec<(&DescribedPartition, String)> = topic
        .partitions
        .iter()
        .filter_map(|partition| match (partition.leader, least) {
            (None, _) => Some((partition, "nobody leads it".to_owned())),
            (_, Some(least)) if (partition.isr.len() as u64) < u64::from(least) => {
                Some((partition, format!("{} in sync, {least} needed", partition.isr.len())))
            }
            _ => None,
        })
        .collect();
    if starved.is_empty() {
        return;
    }
    let title = format!(
        "{} of {} {} too few replicas in sync, as kafka-topics shows",
        words::counted(starved.len(), "partition", "partitions"),
        topic.topic,
        if starved.len() == 1 { "has" } else { "have" }
    );
    tell(view, Code::UnderMinIsr, Severity::Critical, topic, title, &starved, findings);
}

/// `replica-lagging`: replicas outside of the ISR that no reassignment is only just adding.
fn out_of_sync(view: &View<'_>, topic: &DescribedTopic, findings: &mut Vec<Finding>) {
    let behind: Vec<(&DescribedPartition, String)> = topic
        .partitions
        .iter()
        .filter_map(|partition| {
            let out = partition.out_of_sync();
            // Without a leader nobody is in sync, which the other rule says.
            if out.is_empty() || partition.leader.is_none() {
                return None;
            }
            let names: Vec<String> = out.iter().map(|id| name(view, topic, *id)).collect();
            Some((partition, format!("not in sync on {}", words::list(&names))))
        })
        .collect();
    if behind.is_empty() {
        return;
    }
    let title = format!(
        "{} of {} {} a replica outside of the ISR, as kafka-topics shows",
        words::counted(behind.len(), "partition", "partitions"),
        topic.topic,
        if behind.len() == 1 { "has" } else { "have" }
    );
    tell(view, Code::ReplicaLagging, Severity::Warning, topic, title, &behind, findings);
}

/// Adds a finding, or what is new to the one that disks and logs have led to already.
fn tell(
    view: &View<'_>,
    code: Code,
    severity: Severity,
    topic: &DescribedTopic,
    title: String,
    partitions: &[(&DescribedPartition, String)],
    findings: &mut Vec<Finding>,
) {
    let subject =
        Subject { cluster: cluster(view, topic), topic: Some(topic.topic.clone()), ..Subject::default() };
    let items = partitions.iter().map(|(partition, why)| {
        Item::Host(HostItem {
            host: partition.leader.map_or("no leader".to_owned(), |id| name(view, topic, id)),
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

/// The cluster, where only one holds the topic.
fn cluster(view: &View<'_>, topic: &DescribedTopic) -> Option<String> {
    let mut holders = view
        .comparison
        .clusters
        .iter()
        .filter(|cluster| super::view::topic(cluster, &topic.topic).is_some())
        .map(|cluster| cluster.name.clone());
    let first = holders.next();
    if holders.next().is_some() { None } else { first }
}

/// A broker's host where it is known, else its id.
fn name(view: &View<'_>, topic: &DescribedTopic, id: i64) -> String {
    let only = cluster(view, topic);
    let found = view.comparison.clusters.iter().find(|cluster| Some(&cluster.name) == only.as_ref());
    let host = found.and_then(|cluster| view.host_of(cluster, id));
    host.map_or_else(|| format!("broker {id}"), str::to_owned)
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
    EvidenceLine { source: Source::Transcript, ..on_disk("kafka-topics", None, text) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::compare::{compare, rounds};
    use crate::diagnose::diagnose;

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

    #[test]
    fn a_replica_that_is_being_added_is_not_behind() {
        assert_eq!(told(partition(Some(1), &[1], &[2]), "1"), []);
    }
}
