//! The report for a terminal, for someone woken at three in the morning: the first screen says what is
//! wrong and what to do first, what follows is the proof, and last comes what nobody saw.

mod answers;
mod brokers;
mod findings;
mod grid;
mod matrix;
mod page;
mod past;
mod summary;
mod timeline;
mod unseen;

use super::{Report, Style};
use page::{Ink, Page};
pub use past::{Trend, diff, trend};

/// The report as text; no line is wider than the style's width (40 at least).
pub fn table(report: &Report, style: &Style) -> String {
    let mut page = begun(report, style);
    for cluster in &report.comparison.clusters {
        brokers::brokers(&mut page, report, cluster);
        brokers::pairs(&mut page, report, cluster);
        matrix::matrix(&mut page, report, cluster);
    }
    answers::disks(&mut page, report);
    answers::answers(&mut page, report);
    timeline::timeline(&mut page, report);
    ended(page, report)
}

/// What is not well, and what was not seen: no broker, no matrix and no timeline that nobody asked for.
pub fn brief(report: &Report, style: &Style) -> String {
    ended(begun(report, style), report)
}

/// What is wrong.
fn begun(report: &Report, style: &Style) -> Page {
    let mut page = Page::new(style);
    summary::verdict(&mut page, report);
    summary::first_screen(&mut page, report);
    findings::findings(&mut page, report);
    page
}

/// What nobody saw, and which round this was.
fn ended(mut page: Page, report: &Report) -> String {
    unseen::unseen(&mut page, report);
    footer(&mut page, report);
    page.finish()
}

fn footer(page: &mut Page, report: &Report) {
    let round = report.round;
    let seconds = round.finished.as_second().saturating_sub(round.started.as_second());
    page.blank();
    let playbook = round.playbook.as_ref().map(|playbook| format!(", {playbook}")).unwrap_or_default();
    let limit = round.limit.as_ref().map(|limit| format!(", limit {limit}")).unwrap_or_default();
    let text = format!(
        "Round {}{playbook}{limit}, {} UTC, {seconds} s, roundsman {}",
        round.id,
        super::measure::moment(round.started),
        round.version
    );
    page.wrapped_to(&[], Ink::Dim, &text, 3);
}

#[cfg(test)]
mod tests;
