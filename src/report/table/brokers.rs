//! The brokers of a cluster, and how the sizes of each two of them compare.

use super::grid::{Cell, Column, draw};
use super::page::{Ink, Page};
use crate::compare::{Broker, Cluster, Pair};
use crate::report::Report;
use crate::report::digest::partitions::limits;
use crate::report::measure::{bytes, count, counted, offset, ratio, ratios};
use crate::round::Outcome;

/// Rows that either table has at most; ordinary ones beyond are counted.
const ROWS: usize = 40;

/// One row per broker.
pub fn brokers(page: &mut Page, report: &Report, cluster: &Cluster) {
    if cluster.brokers.is_empty() {
        return;
    }
    page.heading(&format!("Brokers of {}", cluster.name));
    page.wrapped(
        &[(Ink::Plain, "  ")],
        Ink::Dim,
        "Sizes here and below are the lengths of the .log files, Kafka's own measure; allocated is what du \
         shows.",
    );
    let columns = [
        Column::left("broker").shrinking(),
        Column::right("id"),
        Column::left("version").shrinking(),
        Column::right("replicas"),
        Column::right(".log"),
        Column::right("allocated"),
        Column::left("outcome"),
        Column::right("clock"),
    ];
    let named = |broker: &Broker| {
        report.findings.iter().any(|finding| finding.subject.broker.as_ref() == Some(&broker.host))
    };
    let outcome = |broker: &Broker| report.round.visits.get(broker.visit).map(|visit| visit.outcome);
    let mut shown: Vec<&Broker> = cluster.brokers.iter().collect();
    let mut folded: Vec<&Broker> = Vec::new();
    if shown.len() > ROWS {
        let ordinary =
            |broker: &&Broker| broker.seen && outcome(broker) == Some(Outcome::Ok) && !named(broker);
        (folded, shown) = shown.into_iter().partition(ordinary);
    }
    let rows: Vec<Vec<Cell>> = shown.iter().map(|broker| row(report, broker, outcome(broker))).collect();
    draw(page, 2, &columns, &rows);
    if !folded.is_empty() {
        let replicas: u64 = folded.iter().map(|broker| u64::from(broker.replicas)).sum();
        let size = folded.iter().fold(0u64, |sum, broker| sum.saturating_add(broker.log_bytes));
        let text = format!(
            "{} ok: {} replicas, {}",
            counted(folded.len(), "more broker", "more brokers"),
            count(replicas),
            bytes(size)
        );
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &text);
    }
}

fn row(report: &Report, broker: &Broker, outcome: Option<Outcome>) -> Vec<Cell> {
    let clock = report
        .round
        .visits
        .get(broker.visit)
        .and_then(|visit| visit.facts.as_ref())
        .and_then(|facts| facts.clock)
        .map(|clock| offset(clock.offset_s));
    let seen = |text: String| {
        if broker.seen { Cell::from(text) } else { Cell::new(Ink::Unknown, "not seen") }
    };
    let ink = match outcome {
        Some(Outcome::Ok) => Ink::Plain,
        _ => Ink::Unknown,
    };
    vec![
        Cell::new(Ink::Bold, &broker.host),
        broker.id.map_or("?".to_owned(), |id| id.to_string()).into(),
        broker.version.clone().unwrap_or_else(|| "?".to_owned()).into(),
        seen(count(u64::from(broker.replicas))),
        seen(bytes(broker.log_bytes)),
        seen(bytes(broker.allocated_bytes)),
        Cell::new(ink, outcome.map_or("?", Outcome::word)),
        clock.unwrap_or_else(|| "?".to_owned()).into(),
    ]
}

/// One row per pair of brokers and topic, the most uneven first.
pub fn pairs(page: &mut Page, report: &Report, cluster: &Cluster) {
    if cluster.pairs.is_empty() {
        return;
    }
    page.heading(&format!("Pairs of brokers of {}", cluster.name));
    let warning = limits(report, cluster).warning;
    let critical = limits(report, cluster).critical;
    let mut pairs: Vec<&Pair> = cluster.pairs.iter().collect();
    let middle = |pair: &Pair| pair.ratio_median.unwrap_or(0.0);
    pairs.sort_by(|a, b| {
        middle(b).total_cmp(&middle(a)).then_with(|| (&a.topic, a.a, a.b).cmp(&(&b.topic, b.a, b.b)))
    });
    let odd = pairs.iter().filter(|pair| pair.ratio_max.is_some_and(|max| max >= warning)).count();
    // A short table is shown whole, ordinary pairs and all.
    let keep = if pairs.len() <= 12 { pairs.len() } else { odd.min(ROWS) };
    let many_topics = pairs.iter().any(|pair| pair.topic != pairs[0].topic);
    let mut columns = vec![
        Column::left("pair").shrinking(),
        Column::right("partitions"),
        Column::right("min"),
        Column::right("median"),
        Column::right("max"),
        Column::left("larger side").shrinking(),
    ];
    if many_topics {
        columns.insert(1, Column::left("topic").shrinking());
    } else {
        let text = format!("{}, larger over smaller:", pairs[0].topic);
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &text);
    }
    let host = |at: usize| cluster.host(at).unwrap_or("?");
    let number = |value: Option<f64>| {
        let ink = match value {
            Some(value) if value >= critical => Ink::Critical,
            Some(value) if value >= warning => Ink::Warning,
            _ => Ink::Plain,
        };
        Cell::new(ink, value.map_or("-".to_owned(), ratio))
    };
    let rows: Vec<Vec<Cell>> = pairs[..keep]
        .iter()
        .map(|pair| {
            let mut row = vec![
                Cell::from(format!("{} / {}", host(pair.a), host(pair.b))),
                count(u64::from(pair.partitions)).into(),
                number(pair.ratio_min),
                number(pair.ratio_median),
                number(pair.ratio_max),
                Cell::from(pair.larger.map_or("neither", host)),
            ];
            if many_topics {
                row.insert(1, Cell::from(pair.topic.as_str()));
            }
            row
        })
        .collect();
    draw(page, 2, &columns, &rows);
    let rest = &pairs[keep..];
    if !rest.is_empty() {
        let min = rest.iter().filter_map(|pair| pair.ratio_min).min_by(f64::total_cmp);
        let max = rest.iter().filter_map(|pair| pair.ratio_max).max_by(f64::total_cmp);
        let range = min.zip(max).map(|(min, max)| format!(": {}", ratios(min, max))).unwrap_or_default();
        let text = format!("{}{range}", counted(rest.len(), "more pair", "more pairs"));
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &text);
    }
}
