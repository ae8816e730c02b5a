//! Which brokers and which pairs of them get a row.

use std::collections::BTreeSet;

use crate::compare::{Broker, Cluster, Pair};
use crate::report::Report;
use crate::report::digest::partitions::limits;
use crate::report::measure::{bytes, count, counted, ratios};
use crate::round::Outcome;

/// Rows that either table has at most; ordinary ones beyond are counted.
const ROWS: usize = 40;
/// A table of pairs no longer than this is shown whole.
const SHORT: usize = 12;

/// Brokers that get a row, as indices into the cluster's, and the rest in words.
pub fn brokers(report: &Report, cluster: &Cluster) -> (Vec<usize>, Option<String>) {
    let all = 0..cluster.brokers.len();
    if all.len() <= ROWS {
        return (all.collect(), None);
    }
    let named: BTreeSet<&str> =
        report.findings.iter().filter_map(|finding| finding.subject.broker.as_deref()).collect();
    let ordinary = |at: &usize| {
        let broker = &cluster.brokers[*at];
        broker.seen && outcome(report, broker) == Some(Outcome::Ok) && !named.contains(broker.host.as_str())
    };
    let (folded, shown): (Vec<usize>, Vec<usize>) = all.partition(ordinary);
    let folded: Vec<&Broker> = folded.iter().filter_map(|at| cluster.brokers.get(*at)).collect();
    let replicas: u64 = folded.iter().map(|broker| u64::from(broker.replicas)).sum();
    let size = folded.iter().fold(0u64, |sum, broker| sum.saturating_add(broker.log_bytes));
    let brokers = counted(folded.len(), "more broker", "more brokers");
    let words = format!("{brokers} ok: {} replicas, {}", count(replicas), bytes(size));
    (shown, (!folded.is_empty()).then_some(words))
}

/// How the visit to a broker ended.
pub fn outcome(report: &Report, broker: &Broker) -> Option<Outcome> {
    report.round.visits.get(broker.visit).map(|visit| visit.outcome)
}

/// Pairs that get a row, the most uneven first, and the rest in words.
pub fn pairs<'a>(report: &Report, cluster: &'a Cluster) -> (Vec<&'a Pair>, Option<String>) {
    let warning = limits(report, cluster).warning;
    let mut pairs: Vec<&Pair> = cluster.pairs.iter().collect();
    let by = |pair: &Pair| (pair.ratio_median.unwrap_or(0.0), pair.ratio_max.unwrap_or(0.0));
    pairs.sort_by(|one, other| {
        let ((median, max), (other_median, other_max)) = (by(one), by(other));
        other_median
            .total_cmp(&median)
            .then(other_max.total_cmp(&max))
            .then_with(|| (&one.topic, one.a, one.b).cmp(&(&other.topic, other.a, other.b)))
    });
    if pairs.len() <= SHORT {
        return (pairs, None);
    }
    let odd = |pair: &&Pair| pair.ratio_max.is_some_and(|max| max >= warning);
    let (mut shown, mut rest): (Vec<&Pair>, Vec<&Pair>) = pairs.into_iter().partition(odd);
    rest.extend(shown.drain(shown.len().min(ROWS)..));
    let least = rest.iter().filter_map(|pair| pair.ratio_min).min_by(f64::total_cmp);
    let most = rest.iter().filter_map(|pair| pair.ratio_max).max_by(f64::total_cmp);
    let range = least.zip(most).map(|(least, most)| format!(": ratio {}", ratios(least, most)));
    let words = format!("{}{}", counted(rest.len(), "more pair", "more pairs"), range.unwrap_or_default());
    (shown, (!rest.is_empty()).then_some(words))
}
