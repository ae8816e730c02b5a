mod brokers;
mod cleaners;
mod disks;
mod fetches;
mod gate;
mod histories;
mod incident;
mod isr;
mod lives;
mod quiet;
mod recorded;
mod recordings;
mod rules;
mod scene;
mod sessions;
mod starts;

use crate::compare::compare;
use crate::diagnose::diagnose;
use crate::diagnose::finding::{Code, Finding, Item, ReplicaItem, Severity, Truncation};
use crate::round::Round;

/// Of every finding of every test: its text knows of its severity, so that a code that can be critical has a
/// runbook page.
pub(super) fn explained(finding: &Finding) {
    let text = crate::diagnose::explain::text(finding.code);
    let word = format!("{:?}", finding.severity).to_lowercase();
    assert!(text.severity.contains(&word), "{} can be {word}, and `explain` denies it", finding.code.word());
}

fn findings(round: &Round) -> Vec<Finding> {
    diagnose(round, &compare(round))
}

/// The one finding with a code.
fn only(findings: &[Finding], code: Code) -> &Finding {
    let mut with = findings.iter().filter(|finding| finding.code == code);
    let first = with.next().unwrap_or_else(|| panic!("no {}: {}", code.word(), titles(findings)));
    assert!(with.next().is_none(), "several {}: {}", code.word(), titles(findings));
    first
}

fn none(findings: &[Finding], code: Code) {
    assert!(findings.iter().all(|finding| finding.code != code), "{}: {}", code.word(), titles(findings));
}

fn titles(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("\n  {:?} {}: {}", finding.severity, finding.code.word(), finding.title))
        .collect()
}

fn nothing_worse_than(findings: &[Finding], severity: Severity) {
    assert!(findings.iter().all(|finding| finding.severity >= severity), "{}", titles(findings));
}

fn truncations(finding: &Finding) -> Vec<&Truncation> {
    finding
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Truncation(truncation) => Some(truncation),
            _ => None,
        })
        .collect()
}

fn replicas(finding: &Finding) -> Vec<&ReplicaItem> {
    finding
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Replicas(item) => Some(item),
            _ => None,
        })
        .collect()
}

fn partitions(finding: &Finding) -> Vec<u32> {
    let mut partitions: Vec<u32> = replicas(finding).iter().map(|item| item.partition).collect();
    partitions.sort_unstable();
    partitions
}
