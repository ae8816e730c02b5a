//! What a report for people leaves out and folds, the same in every format: which partitions are odd,
//! which events make a line, what was not seen.

pub mod answers;
pub mod brokers;
pub mod evidence;
pub mod items;
pub mod names;
pub mod partitions;
pub mod since;
pub mod timeline;
pub mod unseen;

use super::measure::{count, offset};
use super::{Counts, Report};
use crate::compare::Broker;
use crate::compare::Cluster;
use crate::diagnose::finding::Finding;

/// Said once: which of the two sizes is meant.
pub const MEASURE: &str = "Sizes here and below are the lengths of the .log files, Kafka's own measure; allocated is what du shows.";

/// What the sizes of a cluster are.
pub fn measure_words(cluster: &Cluster) -> String {
    let mut replicas =
        cluster.topics.iter().flat_map(|topic| &topic.partitions).flat_map(|partition| &partition.replicas);
    if replicas.any(|replica| replica.rounded_by > 0) {
        format!("{MEASURE} After ~ stands an allocated size that du printed rounded.")
    } else {
        MEASURE.to_owned()
    }
}

/// The offset of a broker's clock, `?` where it is not known.
pub fn clock(report: &Report, broker: &Broker) -> String {
    let visit = report.round.visits.get(broker.visit);
    let clock = visit.and_then(|visit| visit.facts.as_ref()).and_then(|facts| facts.clock.as_ref());
    clock.map_or_else(
        || "?".to_owned(),
        // Less than the uncertainty is no offset at all.
        |clock| match clock.offset_s.abs() <= clock.uncertainty_s {
            true => "in time".to_owned(),
            false => offset(clock.offset_s),
        },
    )
}

/// How many of the round's hosts were looked at: those reached, and those that should have been.
pub fn hosts_seen(report: &Report) -> (usize, usize) {
    let asked = report.round.visits.iter().filter(|visit| visit.outcome != crate::round::Outcome::Excluded);
    let (reached, asked): (Vec<_>, Vec<_>) =
        (asked.clone().filter(|one| one.outcome.reached()).collect(), asked.collect());
    (reached.len(), asked.len())
}

/// Partitions and replicas that were compared.
pub fn partitions_seen(report: &Report) -> (usize, usize) {
    let partitions = || {
        report
            .comparison
            .clusters
            .iter()
            .flat_map(|cluster| &cluster.topics)
            .flat_map(|topic| &topic.partitions)
    };
    (partitions().count(), partitions().map(|one| one.replicas.len()).sum())
}

/// Whether a next step forbids.
pub fn forbids(step: &str) -> bool {
    ["do not ", "don't ", "don’t ", "never "]
        .iter()
        .any(|start| step.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// `5 critical, 1 warning`, or `no findings`.
pub fn counts(findings: &[Finding]) -> String {
    let counts = Counts::of(findings);
    let words: Vec<String> = [
        (counts.critical, "critical"),
        (counts.unknown, "unknown"),
        (counts.warning, "warning"),
        (counts.notice, "notice"),
    ]
    .iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, word)| format!("{} {word}", count(*number as u64)))
    .chain((counts.acknowledged > 0).then(|| format!("{} acknowledged", count(counts.acknowledged as u64))))
    .collect();
    if words.is_empty() { "no findings".to_owned() } else { words.join(", ") }
}
