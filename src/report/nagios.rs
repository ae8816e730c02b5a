//! For Nagios, Icinga and their kin: one line, performance data, long text
//! (<https://www.monitoring-plugins.org/doc/guidelines.html>).

use std::fmt::Write as _;

use super::digest::{counts, hosts_seen, partitions_seen, since};
use super::{Counts, Report, severity_word};
use crate::diagnose::finding::{Change, Code, Severity};
use crate::sanitize;

/// Findings that get a line of long text; the servers cut output of a few KiB.
const LINES: usize = 40;

/// The plugin's output.
pub fn nagios(report: &Report) -> String {
    let (seen, asked) = hosts_seen(report);
    let (partitions, replicas) = partitions_seen(report);
    let number = Counts::of(report.findings);
    let worst = report
        .findings
        .iter()
        .find(|finding| finding.severity != Severity::Notice && finding.acknowledged.is_none());
    let headline = worst.map(|finding| format!(": {}", text(&finding.title))).unwrap_or_default();
    let seconds = report.round.finished.duration_since(report.round.started).as_secs_f64();
    let cuts = report
        .findings
        .iter()
        .filter(|finding| finding.code == Code::ReplicaTruncated && finding.acknowledged.is_none());
    let lost = cuts.filter_map(|finding| finding.lost_total).fold(0u64, u64::saturating_add);
    let news = report.since;
    let mut output = format!(
        "ROUNDSMAN {} - {}, {seen} of {asked} hosts seen{headline} | \
         critical={};;0 unknown={} warning={};0 notice={} acknowledged={} {}hosts={asked} hosts_seen={seen};{asked}: \
         partitions={partitions} replicas={replicas} offsets_lost={lost};;0 seconds={seconds:.1}s\n",
        report.verdict.status.word(),
        counts(report.findings),
        number.critical,
        number.unknown,
        number.warning,
        number.notice,
        number.acknowledged,
        news.map(|since| format!("new={} ", since.count(Change::New))).unwrap_or_default(),
    );
    if let Some(headline) = since::headline(report) {
        // Writing to a String cannot fail.
        let _ = writeln!(output, "{}", text(&headline));
    }
    for finding in report.findings.iter().take(LINES) {
        let marks: String = since::marks(finding).iter().map(|mark| format!(" ({mark})")).collect();
        let _ = writeln!(
            output,
            "{} {}{marks}: {}",
            severity_word(finding.severity),
            finding.code.word(),
            text(&finding.title)
        );
    }
    if let Some(more) = report.findings.len().checked_sub(LINES).filter(|more| *more > 0) {
        let _ = writeln!(output, "and {more} more");
    }
    let left: Vec<_> = report.since.into_iter().flat_map(since::left).collect();
    for one in left.iter().take(LINES) {
        let _ = writeln!(output, "{} {}", one.code.word(), text(&since::left_words(one)));
    }
    if let Some(more) = left.len().checked_sub(LINES).filter(|more| *more > 0) {
        let _ = writeln!(output, "and {more} more that are gone or were not seen");
    }
    output
}

/// On one line, without the mark that begins performance data.
fn text(text: &str) -> String {
    sanitize::line(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{healthy, hostile, incident};

    #[test]
    fn one_line_performance_data_long_text() {
        let case = incident();
        let output = nagios(&case.report());
        let first = output.lines().next().unwrap_or_default();
        assert!(first.starts_with("ROUNDSMAN CRITICAL - "), "{first}");
        assert!(first.contains("| critical=") && first.contains("hosts_seen=3;3:"), "{first}");
        assert_eq!(output.lines().count(), 1 + case.findings.len());
        // label=value[unit];warn;crit;min;max, apart by spaces.
        let form =
            regex::Regex::new(r"^[a-z_]+=[0-9.]+(s|B|%|c)?(;[0-9.:~@]*){0,4}$").expect("an expression");
        let (_, data) = first.split_once(" | ").expect("performance data");
        let labels: Vec<&str> = data.split(' ').filter_map(|one| Some(one.split_once('=')?.0)).collect();
        assert!(data.split(' ').all(|one| form.is_match(one)), "{data}");
        assert_eq!(labels.iter().collect::<std::collections::HashSet<_>>().len(), labels.len());
        assert!(labels.contains(&"offsets_lost") && data.contains("offsets_lost=6572461;;0"), "{data}");
        assert!(nagios(&healthy().report()).starts_with("ROUNDSMAN OK - no findings, "));
    }

    #[test]
    fn what_is_known_is_no_loss_to_alarm_anybody_and_what_is_gone_is_told() {
        let mut case = incident();
        for finding in case.findings.iter_mut().filter(|one| one.code == Code::ReplicaTruncated) {
            finding.acknowledged = Some(crate::diagnose::finding::Acknowledged {
                reason: "known".into(),
                until: None,
                by: None,
                source: "the history".into(),
            });
        }
        let first = case.findings[0].clone();
        let gone = |change| crate::history::diff::FindingChange {
            change,
            id: "0".into(),
            code: first.code,
            severity: first.severity,
            title: "broker-7 is | away".into(),
        };
        let mut diff = crate::history::diff::Diff::default();
        diff.findings.extend([gone(Change::Gone), gone(Change::Unseen)]);
        let started = case.round.started;
        case.since = Some(crate::history::Since { started, baseline: false, diff });
        let output = nagios(&case.report());
        assert!(output.contains("offsets_lost=0;;0"), "{output}");
        assert!(output.contains(" gone: broker-7 is / away\n"), "{output}");
        assert!(output.contains(" not seen this time: broker-7"), "{output}");
    }

    #[test]
    fn a_nodes_text_adds_neither_lines_nor_performance_data() {
        let case = hostile();
        let output = nagios(&case.report());
        assert_eq!(output.lines().count(), 1 + case.findings.len().min(LINES));
        assert_eq!(output.matches('|').count(), 1);
        assert!(!output.contains('\x1b'));
    }
}
