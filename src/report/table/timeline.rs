//! What happened, in order.

use std::collections::BTreeSet;

use super::page::{Ink, Page};
use crate::kafka::log_clock;
use crate::report::Report;
use crate::report::digest::timeline::{Run, notes, runs};
use crate::report::measure::{count, moment};
use crate::sanitize;

/// Lines that a timeline has at most; earlier ones are counted.
const LINES: usize = 40;
/// Columns of a time.
const TIME: usize = 19;
/// Columns that a host's name has at most.
const HOST: usize = 24;

/// The section, where there is anything in it.
pub fn timeline(page: &mut Page, report: &Report) {
    let runs = runs(report);
    let notes = notes(report, &runs);
    if runs.is_empty() && notes.is_empty() {
        return;
    }
    let zoneless =
        runs.iter().filter_map(Run::first).any(|first| first.at.is_none() && !first.at_raw.is_empty());
    let raw = if zoneless { "; of lines at the end the zone is not known" } else { "" };
    page.heading(&format!("Timeline (UTC{}{raw})", zone(report)));
    for note in &notes {
        let note = page.text(note);
        page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Dim, &note, 4);
    }
    let earlier = runs.len().saturating_sub(LINES);
    if earlier > 0 {
        let text = format!("{} earlier entries are in the JSON report", count(earlier as u64));
        page.line(&[(Ink::Plain, "  "), (Ink::Dim, &text)]);
    }
    let runs = &runs[earlier..];
    let hosts: Vec<String> = runs
        .iter()
        .map(|run| page.text(run.first().map(|first| first.host).unwrap_or_default()))
        .map(|host| page.cut(&host, HOST))
        .collect();
    let wide = hosts.iter().map(|host| sanitize::width(host)).max().unwrap_or(0);
    for (run, host) in runs.iter().zip(&hosts) {
        let ink = if run.grave { Ink::Critical } else { Ink::Plain };
        let safe = page.text(&when(run));
        let time = page.cut(&safe, TIME);
        // The mark stands in the margin, so that times stay under each other.
        let mark = if run.doubt().is_empty() { " " } else { run.doubt() };
        let time = format!(" {mark}{time}{}  ", " ".repeat(TIME - sanitize::width(&time).min(TIME)));
        let gap = " ".repeat(wide - sanitize::width(host) + 2);
        let text = format!("{}{}", run.what, run.repeats());
        page.wrapped_to(&[(Ink::Dim, &time), (Ink::Plain, host), (Ink::Plain, &gap)], ink, &text, 6);
    }
}

/// The zone that the logs are written in, where that is one and not UTC.
fn zone(report: &Report) -> String {
    let clock_of = log_clock::of_round(report.round);
    let clocks =
        report.round.visits.iter().filter_map(|visit| Some((visit, visit.facts.as_ref()?.clock.as_ref()?)));
    let zones: BTreeSet<(Option<String>, i32)> = clocks
        .map(|(visit, clock)| match clock_of(visit).zone_name() {
            // Only what follows UTC for ever is called by its name.
            Some(name) if name == "UTC" || name.starts_with("Etc/") => (None, clock.zone_s),
            name => (name.map(str::to_owned), clock.zone_s),
        })
        .collect();
    match zones.into_iter().collect::<Vec<_>>().as_slice() {
        [] | [(None, 0)] => String::new(),
        [(Some(name), _)] => format!("; the nodes write the time of {name}"),
        [(None, zone)] => {
            let sign = if *zone < 0 { '-' } else { '+' };
            let minutes = zone.unsigned_abs() / 60;
            format!("; the nodes write UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
        _ => "; the nodes write several zones".to_owned(),
    }
}

fn seconds(at_raw: &str) -> &str {
    at_raw.split([',', '.']).next().unwrap_or(at_raw)
}

fn when(run: &Run) -> String {
    match run.first() {
        Some(first) if first.at.is_none() && first.at_raw.is_empty() => "time unknown".to_owned(),
        // Of a time in an unknown zone the fraction of the second says nothing.
        Some(first) => first.at.map_or_else(|| seconds(first.at_raw).to_owned(), moment),
        None => String::new(),
    }
}
