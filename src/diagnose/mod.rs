//! Findings: what is wrong, on what evidence, what to do next. Pure.
//!
//! One file per family, every rule one function that says why it holds in Kafka. A rule adds to the
//! findings and looks at the `view`: the round, its comparison and the logs in each host's own order.

mod cleaner;
mod cuts;
mod election;
mod errors;
pub mod finding;
mod identity;
mod judge;
mod replicas;
mod sizes;
mod truncation;
mod verdict;
mod view;
mod visits;
pub(crate) mod words;

use crate::compare::Comparison;
use crate::round::Round;
use finding::Finding;
use view::View;

pub use verdict::{Status, Verdict, verdict};

/// All findings of a round, worst first.
pub fn diagnose(round: &Round, comparison: &Comparison) -> Vec<Finding> {
    let view = View::of(round, comparison);
    let mut findings = Vec::new();
    for cluster in &comparison.clusters {
        let cuts = cuts::cuts(&view, cluster);
        truncation::lost(&view, cluster, &cuts, &mut findings);
        truncation::truncated(&view, cluster, &cuts, &mut findings);
        election::unclean(&view, cluster, &mut findings);
        cleaner::dead(&view, cluster, &mut findings);
        cleaner::uncleanable(&view, cluster, &mut findings);
        sizes::uneven(&view, cluster, &cuts, &mut findings);
        sizes::pair_bias(&view, cluster, &mut findings);
        replicas::all(&view, cluster, &mut findings);
        identity::duplicate_ids(&view, cluster, &mut findings);
        identity::cluster_ids(&view, cluster, &mut findings);
        errors::unknown(&view, cluster, &mut findings);
    }
    visits::all(&view, &mut findings);
    for finding in &mut findings {
        finding.id = id(finding);
    }
    findings.sort_by(|one, other| {
        (one.severity, one.code, &one.subject).cmp(&(other.severity, other.code, &other.subject))
    });
    findings
}

/// The same for the same cluster, code and subject in every round.
fn id(finding: &Finding) -> String {
    let subject = &finding.subject;
    let partition = subject.partition.map(|partition| partition.to_string());
    let pair = subject.pair.as_ref();
    hash([
        Some(finding.code.word()),
        subject.cluster.as_deref(),
        subject.topic.as_deref(),
        partition.as_deref(),
        subject.broker.as_deref(),
        pair.map(|pair| pair[0].as_str()),
        pair.map(|pair| pair[1].as_str()),
    ])
}

/// 64 bits of FNV-1a over parts that may be absent, in hex.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // A byte that no name holds keeps the parts apart, and nothing apart from an empty name.
        let bytes = part.into_iter().flat_map(|part| [1].into_iter().chain(part.bytes()));
        for byte in bytes.chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
