//! The report for a mail that nobody waits for: nothing when all is well, else only what is not.

use super::digest::unseen::gaps;
use super::table::brief;
use super::{Format, Report, Style, render};
use crate::diagnose::finding::{Finding, Severity};

/// The report without what is healthy; `None` where the status is OK and nothing is missing. Formats for programs
/// are whole: half a document is none.
pub fn quiet(report: &Report, format: Format, style: &Style) -> Option<String> {
    if report.verdict.exit_code == 0 && gaps(report).is_empty() {
        return None;
    }
    let is_bad = |finding: &&Finding| finding.severity != Severity::Notice && finding.acknowledged.is_none();
    let findings: Vec<Finding> = report.findings.iter().filter(is_bad).cloned().collect();
    let bad = Report {
        findings: &findings,
        timeline: report.timeline.clone(),
        metrics: report.metrics.clone(),
        ..*report
    };
    Some(match format {
        Format::Table => brief(&bad, style),
        Format::Markdown => render(&bad, format, style),
        _ => render(report, format, style),
    })
}
