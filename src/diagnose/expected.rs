//! Topics that a playbook expects: their partitions, and that they are there at all.

use crate::compare::{Cluster, Topic};
use crate::diagnose::finding::{Code, Finding, Item, Severity};
use crate::diagnose::view::{View, finding, of_topic};
use crate::kafka::replica_dir::METADATA;
use crate::words;

/// Goes through a cluster's topics, and those that no broker has.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && topic.name != METADATA) {
        findings.extend(partitions(view, cluster, topic));
    }
    absent_topics(view, cluster, findings);
}

/// `expectation-failed`: the topic has not the partitions that the playbook expects.
fn partitions(view: &View<'_>, cluster: &Cluster, topic: &Topic) -> Option<Finding> {
    let expected = usize::try_from(topic.expected_partitions?).ok()?;
    let found = topic.partitions.iter().filter(|partition| partition.current().next().is_some()).count();
    // Fewer than expected says nothing while a broker is unseen.
    if found == expected || (found < expected && !(topic.complete && asked(view, cluster, &topic.name))) {
        return None;
    }
    let severity = if found < expected { Severity::Critical } else { Severity::Warning };
    let mut failed = finding(
        Code::ExpectationFailed,
        severity,
        of_topic(cluster, &topic.name),
        format!(
            "{} has {} on disk, {expected} expected",
            topic.name,
            words::counted(found, "partition", "partitions")
        ),
    );
    failed.meaning = if found < expected {
        "Every broker was looked at, and some partitions have no replica anywhere.".to_owned()
    } else {
        "The topic has grown, or the playbook is old.".to_owned()
    };
    failed.next_steps = vec![format!("`kafka-topics.sh --describe --topic {}`.", topic.name)];
    Some(failed)
}

/// `expectation-failed`: a topic that the playbook names is nowhere.
fn absent_topics(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    if !cluster.complete {
        return;
    }
    let plays = view.plays(cluster);
    let expected =
        plays.iter().filter_map(|play| view.round.plays.get(*play)).flat_map(|play| &play.expect.topics);
    for (name, _) in expected.filter(|(name, _)| !name.contains(['*', '?'])) {
        if cluster.topics.iter().any(|topic| topic.name == *name) || !asked(view, cluster, name) {
            continue;
        }
        let mut failed = finding(
            Code::ExpectationFailed,
            Severity::Critical,
            of_topic(cluster, name),
            format!("No broker holds a replica of {name}"),
        );
        failed.meaning = "The playbook expects the topic, and every broker was looked at.".to_owned();
        failed.next_steps = vec![format!("`kafka-topics.sh --describe --topic {name}`; is the name right?")];
        failed.items = cluster
            .brokers
            .iter()
            .map(|broker| Item::host(&broker.host, None, "no replica".to_owned()))
            .collect();
        findings.push(failed);
    }
}

/// Whether every broker of the cluster would have shown the topic.
pub fn asked(view: &View<'_>, cluster: &Cluster, topic: &str) -> bool {
    let visits = cluster.brokers.iter().map(|broker| view.visit(broker));
    let name = format!("{topic}-*");
    visits.into_iter().all(|visit| visit.is_some_and(|visit| crate::compare::covers(visit, &name)))
}
