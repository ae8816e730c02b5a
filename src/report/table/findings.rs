//! Each finding in full: where and since when, the evidence, what it means, what to do.

use super::grid::{Cell, Column, draw};
use super::page::{Ink, Page};
use crate::diagnose::finding::{Basis, EvidenceLine, Finding, Source};
use crate::report::digest::evidence::place_of;
use crate::report::digest::forbids;
use crate::report::digest::items::{Cuts, cuts, same_cuts, where_words, words};
use crate::report::digest::since::{self, acknowledged, marks};
use crate::report::measure::{age, count, span};
use crate::report::{Report, severity_word};
use crate::sanitize;

/// Evidence lines that are shown, the first of them wrapped to at most [`FIRST`] lines.
const EVIDENCE: usize = 3;
const FIRST: usize = 4;
/// Rows of a table of cuts.
const CUTS: usize = 12;
/// The column that labels stand in.
const GUTTER: usize = 12;

/// The section, where there is a finding.
pub fn findings(page: &mut Page, report: &Report) {
    for (at, finding) in report.findings.iter().enumerate() {
        head(page, at + 1, finding);
        labelled(page, "where", &where_words(finding));
        when(page, report, finding);
        items(page, report, at, finding);
        let same = |part: fn(&Finding) -> bool, equal: fn(&Finding, &Finding) -> bool| {
            let earlier = report.findings[..at].iter().position(|earlier| equal(earlier, finding));
            earlier.filter(|_| part(finding)).map(|earlier| format!("as for finding {}", earlier + 1))
        };
        match same(|one| !one.evidence.is_empty(), |one, other| one.evidence == other.evidence) {
            Some(reference) => labelled(page, "evidence", &reference),
            None => evidence(page, &finding.evidence),
        }
        match same(|one| !one.meaning.is_empty(), |one, other| one.meaning == other.meaning) {
            Some(reference) => labelled(page, "meaning", &reference),
            None => labelled(page, "meaning", &finding.meaning),
        }
        match same(|one| !one.next_steps.is_empty(), |one, other| one.next_steps == other.next_steps) {
            Some(reference) => labelled(page, "do", &reference),
            None => steps(page, finding),
        }
        if let Some(bug) = &finding.bug {
            labelled(page, "bug", &format!("{}, fixed in {}: {}", bug.id, bug.fixed_in, bug.url));
        }
        match acknowledged(finding) {
            Some(ack) => labelled(page, "known", &ack),
            // What `ack` wants to know.
            None => labelled(page, "id", &finding.id),
        }
    }
    since(page, report);
}

fn since(page: &mut Page, report: &Report) {
    let lines = since::lines(report);
    if lines.is_empty() {
        return;
    }
    page.blank();
    page.heading("Since then");
    for line in &lines {
        page.wrapped_to(&[(Ink::Plain, "   ")], Ink::Plain, line, 2);
    }
}

fn head(page: &mut Page, number: usize, finding: &Finding) {
    page.blank();
    let number = format!("{number}. ");
    let word = severity_word(finding.severity);
    let inferred = match finding.basis {
        Basis::Inferred => " (inferred)",
        Basis::Observed => "",
    };
    let marks = marks(finding);
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    let code = format!(" {}{inferred}{marks} ", finding.code.word());
    let used = sanitize::width(&number) + word.len() + sanitize::width(&code);
    let rule = if page.unicode { "─" } else { "-" }.repeat(page.prose.saturating_sub(used));
    let ink = Ink::of(finding.severity);
    page.line(&[(Ink::Dim, &number), (ink, word), (ink, &code), (Ink::Dim, &rule)]);
    page.wrapped_to(&[(Ink::Plain, "   ")], Ink::Bold, &finding.title, 6);
}

fn labelled(page: &mut Page, label: &str, text: &str) {
    if !text.is_empty() {
        let label = format!("   {label:<9}");
        page.wrapped_to(&[(Ink::Dim, &label)], Ink::Plain, text, 12);
    }
}

fn when(page: &mut Page, report: &Report, finding: &Finding) {
    let (Some(first), last) = (finding.first_seen, finding.last_seen) else { return };
    let last = last.unwrap_or(first);
    let ago = age(last, report.round.finished);
    let ago = ago.map(|ago| format!(", {ago} before this round")).unwrap_or_default();
    labelled(page, "when", &format!("{} UTC{ago}", span(first, last)));
}

fn items(page: &mut Page, report: &Report, at: usize, finding: &Finding) {
    if let Some(cuts) = cuts(finding) {
        match report.findings[..at].iter().position(|earlier| same_cuts(earlier, finding)) {
            Some(earlier) => labelled(page, "cuts", &format!("as for finding {}", earlier + 1)),
            None => cut_rows(page, &cuts),
        }
    }
    for (label, text) in words(&finding.items, finding.subject.broker.as_deref()) {
        let label = format!("   {label:<9}");
        page.wrapped_wide(&[(Ink::Dim, &label)], Ink::Plain, &text, 4);
    }
}

fn cut_rows(page: &mut Page, cuts: &Cuts) {
    labelled(page, "cuts", &cuts.summary);
    let mut columns = vec![Column::right("partition")];
    if !cuts.one_follower {
        columns.push(Column::left("follower").shrinking());
    }
    if !cuts.one_leader {
        columns.push(Column::left("leader").shrinking());
    }
    columns.extend(["from", "to", "lost"].map(Column::right));
    columns.push(Column::right("%"));
    columns.push(Column::left(cuts.at_head));
    let shown = if cuts.rows.len() > CUTS { CUTS - 2 } else { cuts.rows.len() };
    let rows: Vec<Vec<Cell>> = cuts.rows[..shown]
        .iter()
        .map(|row| {
            let cut = row.cut;
            let mut cells = vec![Cell::from(cut.partition.to_string())];
            if !cuts.one_follower {
                cells.push(Cell::from(cut.follower.as_str()));
            }
            if !cuts.one_leader {
                cells.push(Cell::from(row.leader.as_str()));
            }
            cells.extend([cut.from, cut.to].map(|offset| Cell::from(count(offset))));
            cells.push(Cell::new(Ink::Critical, count(cut.lost)));
            cells.push(Cell::from(row.percent.as_str()));
            cells.push(Cell::from(row.at.as_str()));
            cells
        })
        .collect();
    draw(page, GUTTER, &columns, &rows);
    let rest = &cuts.rows[shown..];
    if !rest.is_empty() {
        let lost = rest.iter().fold(0u64, |sum, row| sum.saturating_add(row.cut.lost));
        let text = format!("{} more, {} offsets", count(rest.len() as u64), count(lost));
        page.line(&[(Ink::Plain, &" ".repeat(GUTTER)), (Ink::Dim, &text)]);
    }
}

fn evidence(page: &mut Page, lines: &[EvidenceLine]) {
    let mut label = "evidence";
    let mut place = None;
    for (at, line) in lines.iter().take(EVIDENCE).enumerate() {
        let here = (&line.host, &line.file);
        if line.file.is_none() || line.source == Source::Transcript {
            // Nothing that stands in a file of the host's: one line says where and what.
            let lead = format!("   {label:<9}");
            let told = place_of(line).map(|place| format!(" ({place})")).unwrap_or_default();
            let text = format!("{}: {}{told}", line.host, line.text);
            page.wrapped_wide(&[(Ink::Dim, &lead)], Ink::Plain, &text, 2);
            (place, label) = (None, "");
            continue;
        }
        if place != Some(here) {
            let file = line.file.as_ref().map(|file| format!(" {file}")).unwrap_or_default();
            let lead = format!("   {label:<9}");
            page.wrapped_to(&[(Ink::Dim, &lead)], Ink::Dim, &format!("{}{file}", line.host), 2);
            place = Some(here);
            label = "";
        }
        let number = line.line.map(|line| format!("{line}: ")).unwrap_or_default();
        let lead = format!("{}{number}", " ".repeat(GUTTER));
        let cut = if line.truncated { page.ellipsis() } else { "" };
        let text = format!("{}{cut}", line.text);
        if at == 0 {
            page.wrapped_wide(&[(Ink::Dim, &lead)], Ink::Plain, &text, FIRST);
        } else {
            page.line(&[(Ink::Dim, &lead), (Ink::Plain, &text)]);
        }
    }
    if lines.len() > EVIDENCE {
        let text = format!("and {} more", count((lines.len() - EVIDENCE) as u64));
        page.line(&[(Ink::Plain, &" ".repeat(GUTTER)), (Ink::Dim, &text)]);
    }
}

fn steps(page: &mut Page, finding: &Finding) {
    let mut before = "";
    let steps = finding.next_steps.iter().filter(|step| !step.trim().is_empty());
    for (at, step) in steps.enumerate() {
        let label = if forbids(step) { "do not" } else { "do" };
        let ink = if forbids(step) { Ink::Critical } else { Ink::Good };
        let shown = if label == before { "" } else { label };
        before = label;
        let label = format!("   {shown:<9}");
        let number = format!("{}. ", at + 1);
        page.wrapped_to(&[(ink, &label), (Ink::Plain, &number)], Ink::Plain, step, 12);
    }
}
