//! The first screen: the verdict, and for each of the worst findings its title and its first step.

use super::page::{Ink, Page};
use crate::diagnose::finding::Finding;
use crate::report::digest::since::{headline, marks};
use crate::report::digest::{counts, forbids, hosts_seen, partitions_seen};
use crate::report::measure::{counted, minute};
use crate::report::{Report, severity_word};
use crate::sanitize;

/// Lines of the smallest terminal; the last is the prompt's.
const SCREEN: usize = 23;

/// One line: the word, the counts, and as much of the round as has room.
pub fn verdict(page: &mut Page, report: &Report) {
    let word = report.verdict.status.word();
    let (seen, asked) = hosts_seen(report);
    let (partitions, replicas) = partitions_seen(report);
    let sizes = format!(
        "{}, {}",
        counted(partitions, "partition", "partitions"),
        counted(replicas, "replica", "replicas")
    );
    let facts = [
        counts(report.findings),
        match seen == asked {
            true => format!("{seen} of {}", counted(asked, "host", "hosts")),
            false => format!("{seen} of {} reached", counted(asked, "host", "hosts")),
        },
        format!("{} UTC", minute(report.round.finished)),
        sizes,
        report.round.playbook.clone().unwrap_or_default(),
    ];
    let between = if page.unicode { " · " } else { " | " };
    let mut rest = String::new();
    for fact in facts.iter().filter(|fact| !fact.is_empty()) {
        let fact = page.text(fact);
        let lead = if rest.is_empty() { "  " } else { between };
        if sanitize::width(word) + sanitize::width(&rest) + sanitize::width(lead) + sanitize::width(&fact)
            > page.width
        {
            break;
        }
        rest.push_str(lead);
        rest.push_str(&fact);
    }
    page.line(&[(Ink::of_status(report.verdict.status), word), (Ink::Plain, &rest)]);
    if let Some(headline) = headline(report) {
        page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Dim, &headline, 2);
    }
}

/// Title and first step of as many findings as one screen holds, worst first.
pub fn first_screen(page: &mut Page, report: &Report) {
    // A single finding stands on the first screen in full.
    if report.findings.len() < 2 {
        return;
    }
    page.blank();
    let mut shown: Vec<(usize, &str)> = Vec::new();
    for (at, finding) in report.findings.iter().enumerate() {
        let step = finding.next_steps.iter().find(|step| !step.trim().is_empty()).map(String::as_str);
        // A step that an earlier finding asked for already is not asked for twice.
        let earlier = step.and_then(|step| shown.iter().find(|(_, known)| *known == step)).map(|(at, _)| *at);
        let reference = earlier.map(|at| format!("as for {at}"));
        let number = format!("{:>2}  ", at + 1);
        let word = format!("{:<8}  ", severity_word(finding.severity));
        let indent = sanitize::width(&number) + sanitize::width(&word);
        let room = page.prose.saturating_sub(indent).max(16);
        let marks = marks(finding).join(", ");
        let title = match marks.is_empty() {
            true => finding.title.clone(),
            false => format!("({marks}) {}", finding.title),
        };
        let title_lines = page.wrap(&title, room).len().min(3);
        let step_lines =
            step.map_or(0, |step| page.wrap(reference.as_deref().unwrap_or(step), room - 2).len().min(3));
        let reserve = usize::from(at + 1 < report.findings.len());
        if at > 0 && page.lines() + title_lines + step_lines + reserve > SCREEN {
            more(page, &report.findings[at..]);
            return;
        }
        let ink = Ink::of(finding.severity);
        page.wrapped_to(&[(Ink::Dim, &number), (ink, &word)], Ink::Bold, &title, 3);
        if let Some(step) = step {
            let space = " ".repeat(indent);
            let (ink, mark) = mark(page, step);
            let text = reference.as_deref().unwrap_or(step);
            page.wrapped_to(&[(Ink::Plain, &space), (ink, mark)], Ink::Plain, text, 3);
            if earlier.is_none() {
                shown.push((at + 1, step));
            }
        }
    }
}

/// The sign before a next step: to be done, or not.
pub fn mark(page: &Page, step: &str) -> (Ink, &'static str) {
    match (forbids(step), page.unicode) {
        (true, true) => (Ink::Critical, "✗ "),
        (true, false) => (Ink::Critical, "! "),
        (false, true) => (Ink::Good, "→ "),
        (false, false) => (Ink::Good, "> "),
    }
}

fn more(page: &mut Page, rest: &[Finding]) {
    let text =
        format!("and {} below: {}", counted(rest.len(), "more finding", "more findings"), counts(rest));
    page.line(&[(Ink::Plain, "    "), (Ink::Dim, &text)]);
}
