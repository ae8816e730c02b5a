//! Two rounds side by side, and a topic's sizes over many.

use jiff::Timestamp;

use super::grid::{Cell, Column, draw};
use super::page::{Ink, Page};
use crate::diagnose::finding::Change;
use crate::history::diff::{Diff, ReplicaChange};
use crate::report::measure::{bytes, count, minute};
use crate::report::{Style, severity_word};

/// Findings that are named.
const FINDINGS: usize = 100;

/// What changed from one round to the other; replicas up to a number, and which findings somebody knows of.
pub fn diff(diff: &Diff, known: &dyn Fn(&str) -> bool, number: usize, style: &Style) -> String {
    let mut page = Page::new(style);
    page.line(&[(Ink::Bold, &format!("{} -> {}", diff.from, diff.to))]);
    page.heading(&format!("Findings: {} changed, {} as before", diff.findings.len(), diff.unchanged));
    let columns = [
        Column::left("change"),
        Column::left("severity"),
        Column::left("code"),
        Column::left("finding").shrinking(),
    ];
    let row = |one: &crate::history::diff::FindingChange| {
        let ink = match one.change {
            Change::New | Change::Worse => Ink::of(one.severity),
            Change::Unseen => Ink::Unknown,
            Change::Better | Change::Same | Change::Gone => Ink::Plain,
        };
        let known = if known(&one.id) { " (acknowledged)" } else { "" };
        vec![
            Cell::new(ink, format!("{}{known}", one.change.word())),
            Cell::new(ink, severity_word(one.severity)),
            one.code.word().into(),
            one.title.as_str().into(),
        ]
    };
    draw(&mut page, 2, &columns, &diff.findings.iter().take(FINDINGS).map(row).collect::<Vec<_>>());
    more(&mut page, diff.findings.len(), FINDINGS);
    if !diff.brokers.is_empty() {
        page.heading("Brokers");
        let rows: Vec<Vec<Cell>> = diff
            .brokers
            .iter()
            .map(|one| vec![Cell::new(Ink::Bold, one.broker.as_str()), one.what.as_str().into()])
            .collect();
        draw(&mut page, 2, &[Column::left("broker").naming(), Column::left("change").shrinking()], &rows);
    }
    page.heading(&format!("Replicas: {} changed", count(diff.replicas.len() as u64)));
    let columns = [
        Column::left("replica").naming(),
        Column::left("broker").naming(),
        Column::right("then"),
        Column::right("now"),
        Column::right("change"),
    ];
    let rows: Vec<Vec<Cell>> = diff.replicas.iter().take(number).map(replica).collect();
    draw(&mut page, 2, &columns, &rows);
    more(&mut page, diff.replicas.len(), number);
    page.finish()
}

fn more(page: &mut Page, all: usize, shown: usize) {
    if let Some(more) = all.checked_sub(shown).filter(|more| *more > 0) {
        page.line(&[(Ink::Dim, &format!("  and {} more", count(more as u64)))]);
    }
}

fn replica(one: &ReplicaChange) -> Vec<Cell> {
    let size = |size: Option<u64>| size.map_or("-".to_owned(), bytes);
    let change = match (one.from, one.to) {
        (Some(from), Some(to)) => signed(from, to),
        (None, _) => "appeared".to_owned(),
        (_, None) => "gone".to_owned(),
    };
    vec![
        format!("{}-{}", one.topic, one.partition).into(),
        one.broker.as_str().into(),
        size(one.from).into(),
        size(one.to).into(),
        change.into(),
    ]
}

fn signed(from: u64, to: u64) -> String {
    format!("{}{}", if to < from { '-' } else { '+' }, bytes(from.abs_diff(to)))
}

/// A replica's sizes over rounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    pub partition: u32,
    pub host: String,
    /// One for each round, the oldest first; `None`: not seen in it.
    pub sizes: Vec<Option<u64>>,
}

impl Trend {
    /// Bytes a day between the first and the last sighting; `None` where they are too near to tell.
    pub fn a_day(&self, rounds: &[Timestamp]) -> Option<f64> {
        let mut seen = rounds.iter().zip(&self.sizes).filter_map(|(at, size)| Some((*at, (*size)?)));
        let (first, from) = seen.next()?;
        let (last, to) = seen.next_back()?;
        let days = last.duration_since(first).as_secs_f64() / 86_400.0;
        // A rate of a few minutes says nothing about a day.
        (days > 0.04).then(|| (to as f64 - from as f64) / days)
    }
}

/// The sizes of a topic's replicas over the rounds that began at `rounds`, the oldest first.
pub fn trend(topic: &str, rounds: &[Timestamp], trends: &[Trend], style: &Style) -> String {
    let mut page = Page::new(style);
    let span = match (rounds.first(), rounds.last()) {
        (Some(first), Some(last)) => format!(", {} to {} UTC", minute(*first), minute(*last)),
        _ => String::new(),
    };
    page.heading(&format!("{topic} over {} rounds{span}", rounds.len()));
    let columns = [
        Column::right("partition"),
        Column::left("broker").naming(),
        Column::left("size"),
        Column::right("first"),
        Column::right("last"),
        Column::right("a day"),
    ];
    let rows: Vec<Vec<Cell>> = trends
        .iter()
        .map(|one| {
            let size = |size: Option<&Option<u64>>| {
                size.copied().flatten().map_or(Cell::new(Ink::Unknown, "not seen"), |size| bytes(size).into())
            };
            let a_day = one.a_day(rounds).map_or("?".to_owned(), |rate| {
                format!("{}{}", if rate < 0.0 { '-' } else { '+' }, bytes(rate.abs() as u64))
            });
            vec![
                one.partition.to_string().into(),
                one.host.as_str().into(),
                Cell::new(Ink::Plain, sparkline(&one.sizes, style.unicode)),
                size(one.sizes.iter().find(|size| size.is_some())),
                size(one.sizes.last()),
                a_day.into(),
            ]
        })
        .collect();
    draw(&mut page, 2, &columns, &rows);
    page.finish()
}

/// One sign for each size, from the least to the largest of them; `.` where it was not seen.
fn sparkline(sizes: &[Option<u64>], unicode: bool) -> String {
    let signs: [char; 8] = match unicode {
        true => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
        false => ['1', '2', '3', '4', '5', '6', '7', '8'],
    };
    let seen = || sizes.iter().flatten().copied();
    let (least, most) = (seen().min().unwrap_or(0), seen().max().unwrap_or(0));
    let sign = |size: u64| {
        let above = u128::from(size.saturating_sub(least)) * 7;
        let step = above.checked_div(u128::from(most.saturating_sub(least))).unwrap_or(0);
        signs.get(usize::try_from(step).unwrap_or(0)).copied().unwrap_or(signs[7])
    };
    sizes.iter().map(|size| size.map_or('.', sign)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_goes_from_the_least_to_the_largest() {
        assert_eq!(sparkline(&[Some(10), None, Some(17), Some(13)], true), "▁.█▄");
        assert_eq!(sparkline(&[Some(10), Some(17)], false), "18");
        assert_eq!(sparkline(&[Some(u64::MAX), Some(0)], false), "81");
        assert_eq!(sparkline(&[Some(5), Some(5)], false), "11");
        assert_eq!(sparkline(&[None], false), ".");
    }

    #[test]
    fn growth_is_between_the_first_and_the_last_sighting() {
        let day = |day: i64| Timestamp::from_second(day * 86_400).unwrap();
        let trend = |sizes: &[Option<u64>]| Trend { partition: 0, host: "a".into(), sizes: sizes.to_vec() };
        let rounds = [day(1), day(2), day(3)];
        assert_eq!(trend(&[Some(10), None, Some(30)]).a_day(&rounds), Some(10.0));
        assert_eq!(trend(&[None, Some(30), Some(10)]).a_day(&rounds), Some(-20.0));
        assert_eq!(trend(&[None, None, Some(30)]).a_day(&rounds), None);
        assert_eq!(trend(&[Some(1), Some(2)]).a_day(&[day(1), day(1)]), None);
        let style = Style { width: 80, colour: false, unicode: true };
        let text =
            super::trend("orders", &rounds, &[trend(&[Some(1 << 20), Some(2 << 20), Some(3 << 20)])], &style);
        assert!(text.contains("▁▄█") || text.contains("▁▅█"), "{text}");
        assert!(text.contains("+1.00 MiB") && text.contains("orders over 3 rounds"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
