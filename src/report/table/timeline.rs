//! What happened, in order.

use super::page::{Ink, Page};
use crate::report::Report;
use crate::report::digest::timeline::{Run, runs};
use crate::report::measure::{count, span};

/// Lines that a timeline has at most; earlier ones are counted.
const LINES: usize = 40;

/// The section, where there is anything in it.
pub fn timeline(page: &mut Page, report: &Report) {
    let runs = runs(report.comparison);
    if runs.is_empty() {
        return;
    }
    page.heading("Timeline (UTC)");
    let earlier = runs.len().saturating_sub(LINES);
    if earlier > 0 {
        page.line(&[(
            Ink::Dim,
            &format!("  {} earlier entries are in the JSON report", count(earlier as u64)),
        )]);
    }
    for run in &runs[earlier..] {
        let ink = if run.grave { Ink::Critical } else { Ink::Plain };
        let host = run.first().map(|first| first.host.as_str()).unwrap_or_default();
        let times = match run.events.len() {
            1 => String::new(),
            many => format!(" ({} lines)", count(many as u64)),
        };
        let lead = format!("  {}  ", when(run));
        let safe = page.text(host);
        let host = page.cut(&safe, 40);
        page.wrapped_to(
            &[(Ink::Dim, &lead), (Ink::Bold, &host), (Ink::Plain, "  ")],
            ink,
            &format!("{}{times}", run.what),
            4,
        );
    }
}

fn when(run: &Run) -> String {
    match (run.first(), run.last()) {
        (Some(first), Some(last)) => match (first.at, last.at) {
            (Some(from), Some(to)) => span(from, to),
            _ => format!("{} (local)", first.at_raw),
        },
        _ => String::new(),
    }
}
