//! Partition by broker: the odd ones row by row, the others in one line.

use std::collections::BTreeSet;

use super::grid::{self, Cell, Column};
use super::page::{Ink, Page};
use crate::compare::{Cluster, Kind, Measure, Partition, Replica};
use crate::report::Report;
use crate::report::digest::names::Names;
use crate::report::digest::partitions::{
    Odd, extremes, high_watermarks_apart, incomplete, ordinary, outline, sized,
};
use crate::report::measure::{count, ratio};

/// Odd rows that a cluster has at most; the others are counted.
const ROWS: usize = 40;

/// The section, where there is a partition to show.
pub fn matrix(page: &mut Page, report: &Report, cluster: &Cluster) {
    let outlines = outline(report, cluster);
    let odd: usize = outlines.iter().map(|outline| outline.odd.len()).sum();
    if outlines.iter().all(|outline| outline.odd.is_empty() && outline.alike.total() == 0) {
        return;
    }
    page.heading(&format!("Partitions of {}", cluster.name));
    if let Some(note) = incomplete(&outlines) {
        page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Unknown, &note, 4);
    }
    let mut room = ROWS;
    for outline in outlines.iter().filter(|outline| !outline.odd.is_empty()) {
        if room == 0 {
            break;
        }
        let shown = &outline.odd[..outline.odd.len().min(room)];
        room -= shown.len();
        let text = format!(
            "{}: {} odd of {}",
            outline.topic.name,
            count(outline.odd.len() as u64),
            count(outline.topic.partitions.len() as u64)
        );
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Bold, &text);
        rows(page, report, cluster, shown);
    }
    if odd > ROWS {
        let text = format!("{} more odd partitions are in the JSON report", count((odd - ROWS) as u64));
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Warning, &text);
    }
    for words in ordinary(&outlines) {
        page.wrapped(&[(Ink::Plain, "  ")], Ink::Dim, &words);
    }
}

/// How the odd rows are set, the richest first.
#[derive(Clone, Copy)]
struct Set {
    /// With the findings' codes beside their numbers.
    codes: bool,
    /// With how far the high watermarks are apart.
    marks: bool,
    /// One column per broker, else the holders in words.
    by_broker: bool,
}

const SETS: [Set; 3] = [
    Set { codes: true, marks: true, by_broker: true },
    Set { codes: false, marks: true, by_broker: true },
    Set { codes: false, marks: false, by_broker: true },
];
const IN_WORDS: Set = Set { codes: false, marks: false, by_broker: false };

fn rows(page: &mut Page, report: &Report, cluster: &Cluster, odd: &[Odd]) {
    let names = Names::of(cluster);
    for (at, set) in SETS.into_iter().enumerate() {
        let (columns, cells) = laid_out(page, report, &names, odd, set);
        // Few brokers with long names: better cut the names than lose the columns.
        let few = at + 1 == SETS.len() && columns.len() * 12 <= page.width;
        if few || grid::fits(page, 2, &columns, &cells) {
            return grid::draw(page, 2, &columns, &cells);
        }
    }
    let (columns, cells) = laid_out(page, report, &names, odd, IN_WORDS);
    grid::draw(page, 2, &columns, &cells);
}

fn laid_out(
    page: &Page,
    report: &Report,
    names: &Names,
    odd: &[Odd],
    set: Set,
) -> (Vec<Column>, Vec<Vec<Cell>>) {
    let holders_of = |one: &Odd| one.partition.replicas.iter().map(|it| it.broker).collect::<Vec<_>>();
    let holding: BTreeSet<usize> = odd.iter().flat_map(holders_of).collect();
    let mut columns = vec![Column::right("partition")];
    if set.by_broker {
        columns.extend(holding.iter().map(|at| Column::right(names.short(*at)).naming()));
    } else {
        columns.push(Column::left("replicas, larger first").shrinking());
    }
    columns.push(Column::right("ratio"));
    let marks = set.marks && odd.iter().any(|one| high_watermarks_apart(one.partition).is_some());
    if marks {
        columns.push(Column::right("high watermarks"));
    }
    // An empty column would only take room from the sizes.
    let named = odd.iter().any(|one| !one.named_by.is_empty());
    if named {
        // Three replicas in words and a long head do not fit on 80 columns together.
        columns.push(Column::left(if set.by_broker { "findings" } else { "see" }).shrinking());
    }
    let row = |one: &Odd| {
        let mut row = vec![Cell::from(one.partition.partition.to_string())];
        let ink = one.severity.map_or(Ink::Warning, Ink::of);
        if set.by_broker {
            row.extend(holding.iter().map(|at| held(page, one.partition, *at, ink)));
        } else {
            row.push(holders(names, one.partition).into());
        }
        row.push(Cell::new(ink, one.ratio.map_or("-".to_owned(), ratio)));
        if marks {
            let marks = match high_watermarks_apart(one.partition) {
                None => "not seen".to_owned(),
                Some(0) => "equal".to_owned(),
                Some(apart) => format!("{} apart", count(apart)),
            };
            row.push(marks.into());
        }
        if named {
            row.push(codes(report, one, set.codes).into());
        }
        row
    };
    (columns, odd.iter().map(row).collect())
}

/// The cell of one broker: its size, its kind where that is not the ordinary one.
fn held(page: &Page, partition: &Partition, broker: usize, ink: Ink) -> Cell {
    let replicas: Vec<&Replica> = partition.replicas.iter().filter(|one| one.broker == broker).collect();
    let smallest = extremes(partition).map(|(least, _)| least);
    let measure = partition.measure();
    match replicas.as_slice() {
        [] => Cell::new(Ink::Dim, if page.unicode { "·" } else { "." }),
        replicas => {
            let small =
                replicas.iter().any(|one| one.kind == Kind::Current && Some(one.bytes(measure)) == smallest);
            let words: Vec<String> = replicas.iter().map(|one| size(one, measure)).collect();
            Cell::new(if small { ink } else { Ink::Plain }, words.join(" "))
        }
    }
}

fn size(replica: &Replica, measure: Measure) -> String {
    format!("{}{}", sized(replica, measure), replica.kind.mark())
}

fn holders(names: &Names, partition: &Partition) -> String {
    let mut replicas: Vec<&Replica> = partition.replicas.iter().collect();
    let measure = partition.measure();
    replicas.sort_by_key(|replica| std::cmp::Reverse(replica.bytes(measure)));
    let words: Vec<String> = replicas
        .iter()
        .map(|replica| format!("{} {}", names.short(replica.broker), size(replica, measure)))
        .collect();
    words.join(", ")
}

fn codes(report: &Report, odd: &Odd, wide: bool) -> String {
    let words: Vec<String> = odd
        .named_by
        .iter()
        .map(|number| match report.findings.get(number - 1).filter(|_| wide) {
            Some(finding) => format!("{number} {}", finding.code.word()),
            None => number.to_string(),
        })
        .collect();
    words.join(", ")
}
