//! The lines that a finding rests on, each with its place; they hold remote text.

use crate::diagnose::finding::{EvidenceLine, Finding};
use crate::report::measure::count;

/// `FILE:LINE`, as far as it is known.
pub fn place_of(line: &EvidenceLine) -> Option<String> {
    let number = line.line.map(|line| format!(":{line}")).unwrap_or_default();
    line.file.as_ref().map(|file| format!("{file}{number}"))
}

/// At most `most` lines, and how many there are beyond.
pub fn evidence(finding: &Finding, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = finding
        .evidence
        .iter()
        .take(most)
        .map(|line| {
            let place = place_of(line).map(|place| format!(" {place}")).unwrap_or_default();
            let cut = if line.truncated { "…" } else { "" };
            format!("{}{place}  {}{cut}", line.host, line.text)
        })
        .collect();
    let rest = finding.evidence.len().saturating_sub(most);
    if rest > 0 {
        lines.push(format!("and {} more", count(rest as u64)));
    }
    lines
}
