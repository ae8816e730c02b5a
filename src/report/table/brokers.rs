//! The brokers of a cluster, and how the sizes of each two of them compare.

use super::grid::{Cell, Column, draw};
use super::page::{Ink, Page};
use crate::compare::{Broker, Cluster};
use crate::report::Report;
use crate::report::digest::brokers::{self as select, outcome};
use crate::report::digest::names::Names;
use crate::report::digest::partitions::limits;
use crate::report::digest::{clock, measure_words};
use crate::report::measure::{bytes, count, ratio};
use crate::round::Outcome;

/// One row per broker.
pub fn brokers(page: &mut Page, report: &Report, cluster: &Cluster) {
    if cluster.brokers.is_empty() {
        return;
    }
    page.heading(&format!("Brokers of {}", cluster.name));
    let names = Names::of(cluster);
    let domain = names.domain.as_ref().map(|domain| format!(" Names are without {domain}."));
    let note = format!("{}{}", measure_words(cluster), domain.unwrap_or_default());
    page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Dim, &note, 4);
    let columns = [
        Column::left("broker").naming(),
        Column::right("id"),
        Column::left("version").shrinking(),
        Column::right("replicas"),
        Column::right(".log"),
        Column::right("allocated"),
        Column::left("outcome"),
        Column::right("clock"),
    ];
    let (shown, rest) = select::brokers(report, cluster);
    let row = |at: &usize| Some(row(report, cluster.brokers.get(*at)?, names.short(*at)));
    let rows: Vec<Vec<Cell>> = shown.iter().filter_map(row).collect();
    draw(page, 2, &columns, &rows);
    if let Some(rest) = rest {
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &rest);
    }
}

fn row(report: &Report, broker: &Broker, name: &str) -> Vec<Cell> {
    let outcome = outcome(report, broker);
    let seen = |text: String| {
        if broker.seen { Cell::from(text) } else { Cell::new(Ink::Unknown, "not seen") }
    };
    let known = |known: bool, size: u64| {
        if known { seen(bytes(size)) } else { Cell::new(Ink::Unknown, "not seen") }
    };
    let ink = if outcome == Some(Outcome::Ok) { Ink::Plain } else { Ink::Unknown };
    vec![
        Cell::new(Ink::Bold, name),
        broker.id.map_or("?".to_owned(), |id| id.to_string()).into(),
        broker.version.clone().unwrap_or_else(|| "?".to_owned()).into(),
        seen(count(u64::from(broker.replicas))),
        known(broker.lengths_known, broker.log_bytes),
        known(broker.blocks_known, broker.allocated_bytes),
        Cell::new(ink, outcome.map_or("?", Outcome::word)),
        clock(report, broker).into(),
    ]
}

/// One row per pair of brokers and topic, the most uneven first.
pub fn pairs(page: &mut Page, report: &Report, cluster: &Cluster) {
    let (pairs, rest) = select::pairs(report, cluster);
    let Some(first) = pairs.first() else { return };
    page.heading(&format!("Pairs of brokers of {}", cluster.name));
    let many_topics = pairs.iter().any(|pair| pair.topic != first.topic);
    let mut columns = vec![
        Column::left("pair").naming(),
        Column::right("partitions"),
        Column::right("min"),
        Column::right("median"),
        Column::right("max"),
        Column::left("larger").naming(),
    ];
    let of = if many_topics { String::new() } else { format!(" of {}", first.topic) };
    if many_topics {
        columns.insert(1, Column::left("topic").naming());
    }
    page.wrapped_to(
        &[(Ink::Plain, "  ")],
        Ink::Dim,
        &format!("Ratio of the sizes{of}, larger over smaller."),
        2,
    );
    let names = Names::of(cluster);
    let limits = limits(report, cluster);
    let number = |value: Option<f64>| {
        let ink = match value {
            Some(value) if value >= limits.critical => Ink::Critical,
            Some(value) if value >= limits.warning => Ink::Warning,
            _ => Ink::Plain,
        };
        Cell::new(ink, value.map_or("-".to_owned(), ratio))
    };
    let rows: Vec<Vec<Cell>> = pairs
        .iter()
        .map(|pair| {
            let mut row = vec![
                Cell::from(format!("{} / {}", names.short(pair.a), names.short(pair.b))),
                count(u64::from(pair.partitions)).into(),
                number(pair.ratio_min),
                number(pair.ratio_median),
                number(pair.ratio_max),
                Cell::from(pair.larger.map_or("neither", |larger| names.short(larger))),
            ];
            if many_topics {
                row.insert(1, Cell::from(pair.topic.as_str()));
            }
            row
        })
        .collect();
    draw(page, 2, &columns, &rows);
    if let Some(rest) = rest {
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &rest);
    }
}
