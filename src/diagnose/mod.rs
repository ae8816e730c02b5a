//! Findings: what is wrong, on what evidence, what to do next. Pure.
//!
//! One file per family, every rule one function that says why it holds in Kafka. A rule adds to the
//! findings and looks at the `view`: the round, its comparison and the logs in each host's own order.

mod anew;
mod brokers;
mod cleaner;
mod code;
mod cuts;
mod damage;
mod described;
mod dirty;
mod disks;
mod election;
mod errors;
mod expected;
pub mod explain;
mod fetches;
pub mod finding;
mod gate;
mod holders;
mod identity;
mod isr;
mod joined;
mod joins;
mod judge;
mod kept;
mod lagging;
mod lives;
mod motion;
mod odd;
mod pairs;
mod replicas;
mod sessions;
mod short;
mod sizes;
mod starts;
mod truncation;
mod unserved;
mod unstarted;
mod verdict;
mod view;
mod visits;

use crate::compare::Comparison;
use crate::hash::hash;
use crate::round::Round;
use finding::Finding;
use view::View;

pub use verdict::{Status, Verdict, verdict};

/// All findings of a round, worst first.
pub fn diagnose(round: &Round, comparison: &Comparison<'_>) -> Vec<Finding> {
    let view = View::of(round, comparison);
    let mut findings = Vec::new();
    for cluster in &comparison.clusters {
        let elections = election::elections(&view, cluster);
        let cuts = cuts::cuts(&view, cluster, &elections);
        truncation::lost(&view, cluster, &cuts, &elections, &mut findings);
        truncation::truncated(cluster, &cuts, &elections, &mut findings);
        election::unclean(&view, cluster, &elections, &mut findings);
        kept::all(&view, cluster, &cuts, &elections, &mut findings);
        cleaner::dead(&view, cluster, &mut findings);
        cleaner::uncleanable(&view, cluster, &mut findings);
        dirty::all(&view, cluster, &mut findings);
        sizes::uneven(&view, cluster, &cuts, &mut findings);
        pairs::bias(&view, cluster, &mut findings);
        replicas::all(&view, cluster, &mut findings);
        expected::all(&view, cluster, &mut findings);
        lagging::all(&view, cluster, &mut findings);
        fetches::all(&view, cluster, &mut findings);
        isr::shrinking(&view, cluster, &mut findings);
        unserved::all(&view, cluster, &mut findings);
        isr::controller(&view, cluster, &mut findings);
        lives::all(&view, cluster, &mut findings);
        sessions::all(&view, cluster, &mut findings);
        disks::all(&view, cluster, &mut findings);
        damage::all(&view, cluster, &mut findings);
        brokers::all(&view, cluster, &mut findings);
        identity::duplicate_ids(&view, cluster, &mut findings);
        identity::cluster_ids(&view, cluster, &mut findings);
        joined::all(&view, cluster, &mut findings);
        errors::unknown(&view, cluster, &mut findings);
        joins::restarts(&view, cluster, &mut findings);
        starts::all(&view, cluster, &mut findings);
    }
    described::all(&view, &mut findings);
    visits::all(&view, &mut findings);
    gate::all(&view, &mut findings);
    for finding in &mut findings {
        #[cfg(test)]
        tests::explained(finding);
        fill(finding);
        finding.id = id(finding);
    }
    findings.sort_by(|one, other| {
        (one.severity, one.code, &one.subject).cmp(&(other.severity, other.code, &other.subject))
    });
    findings
}

/// What a rule did not say of its own case, `explain` says of every case.
fn fill(finding: &mut Finding) {
    if !finding.meaning.is_empty() && !finding.next_steps.is_empty() {
        return;
    }
    let text = explain::text(finding.code);
    // A long list of evidence has left its note there.
    if finding.meaning.is_empty() || finding.meaning.starts_with(' ') {
        finding.meaning = format!("{}{}", text.meaning, finding.meaning);
    }
    if finding.next_steps.is_empty() {
        finding.next_steps = text.act.iter().chain(text.never).map(|step| (*step).to_owned()).collect();
    }
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

#[cfg(test)]
mod tests;
