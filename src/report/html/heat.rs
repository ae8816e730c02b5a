//! The partitions as colours: the odd ones cell by cell, all of them as squares on a map.
//!
//! The colour of a cell is its share of the partition's largest replica, on a scale of one hue from light
//! to dark that needs no sense of colour; the number stands in it.

use super::text;
use crate::compare::{Cluster, Kind, Partition, Replica};
use crate::report::digest::names::Names;
use crate::report::digest::partitions::{Outline, ratio, sized};
use crate::report::measure::{bytes, count, ratio as ratio_word};
use crate::round::SizeRatio;

/// Rows over all topics of a cluster; more odd partitions are on the map alone.
const ROWS: usize = 500;
/// Columns; where more brokers hold a topic, each row names its own.
const COLUMNS: usize = 16;

/// The odd partitions of a topic.
pub struct TopicView {
    pub topic: String,
    pub words: String,
    pub brokers: Vec<String>,
    pub rows: Vec<RowView>,
}

pub struct RowView {
    pub partition: u32,
    pub cells: Vec<Option<CellView>>,
    pub ratio: String,
    pub findings: String,
}

pub struct CellView {
    pub class: &'static str,
    pub size: String,
    /// Everything about the replica, one thing a line.
    pub detail: String,
}

/// A topic's partitions as squares.
pub struct MapView {
    pub topic: String,
    pub label: String,
    /// The class of the ratio, and the numbers.
    pub squares: Vec<(u8, String)>,
}

/// The topics that have odd partitions.
pub fn topics(cluster: &Cluster, names: &Names, outlines: &[Outline]) -> Vec<TopicView> {
    let mut room = ROWS;
    let mut views = Vec::new();
    for outline in outlines.iter().filter(|outline| !outline.odd.is_empty()) {
        let shown = &outline.odd[..outline.odd.len().min(room)];
        room -= shown.len();
        if shown.is_empty() {
            break;
        }
        let mut holders: Vec<usize> =
            shown.iter().flat_map(|odd| &odd.partition.replicas).map(|replica| replica.broker).collect();
        holders.sort_unstable();
        holders.dedup();
        let named = holders.len() <= COLUMNS;
        let widest = shown.iter().map(|odd| odd.partition.replicas.len()).max().unwrap_or(0);
        let rows = shown.iter().map(|odd| {
            let cells = if named {
                holders
                    .iter()
                    .map(|at| {
                        let of_broker: Vec<&Replica> =
                            odd.partition.replicas.iter().filter(|replica| replica.broker == *at).collect();
                        // The current one, where a move or a deletion leaves others beside it.
                        let replica =
                            of_broker.iter().find(|one| one.kind == Kind::Current).or(of_broker.first());
                        replica.map(|replica| cell(cluster, names, odd.partition, replica, false))
                    })
                    .collect()
            } else {
                let mut cells: Vec<Option<CellView>> = odd
                    .partition
                    .replicas
                    .iter()
                    .map(|replica| Some(cell(cluster, names, odd.partition, replica, true)))
                    .collect();
                cells.resize_with(widest, || None);
                cells
            };
            let findings: Vec<String> = odd.named_by.iter().map(usize::to_string).collect();
            RowView {
                partition: odd.partition.partition,
                cells,
                ratio: odd.ratio.map_or("-".to_owned(), ratio_word),
                findings: findings.join(", "),
            }
        });
        views.push(TopicView {
            topic: text(&outline.topic.name),
            words: format!(
                "{} odd of {} partitions{}",
                count(outline.odd.len() as u64),
                count(outline.topic.partitions.len() as u64),
                if shown.len() < outline.odd.len() {
                    format!(", {} shown: the rest is on the map", count(shown.len() as u64))
                } else {
                    String::new()
                }
            ),
            brokers: if named {
                holders.iter().map(|at| text(names.short(*at))).collect()
            } else {
                (1..=widest).map(|number| format!("replica {number}")).collect()
            },
            rows: rows.collect(),
        });
    }
    views
}

fn cell(
    cluster: &Cluster,
    names: &Names,
    partition: &Partition,
    replica: &Replica,
    name_it: bool,
) -> CellView {
    let measure = partition.measure();
    let sizes =
        partition.replicas.iter().filter(|one| one.kind == Kind::Current).map(|one| one.bytes(measure));
    let most = sizes.max().unwrap_or(replica.bytes(measure));
    let known = |size: Option<u64>| size.map_or_else(|| "not seen".to_owned(), bytes);
    let host = cluster.host(replica.broker).unwrap_or("?");
    let mut detail = vec![
        format!("partition {}{} on {}", partition.partition, replica.kind.mark(), text(host)),
        format!("{} in .log files", known(replica.known_log_bytes())),
        format!(
            "{} allocated, {} segments",
            known(replica.known_allocated_bytes()),
            replica.known_segments().map_or("?".to_owned(), |segments| count(u64::from(segments)))
        ),
    ];
    detail.extend(replica.high_watermark.map(|mark| format!("high watermark {}", count(mark))));
    detail.extend(replica.log_start.map(|start| format!("log start {}", count(start))));
    detail.extend(replica.first_dirty.map(|dirty| format!("first dirty offset {}", count(dirty))));
    let size = sized(replica, measure);
    CellView {
        class: class(replica.bytes(measure), most),
        size: if name_it { format!("{} {size}", text(names.short(replica.broker))) } else { size },
        detail: detail.join("\n"),
    }
}

/// The step of the scale for a share of the largest.
fn class(bytes: u64, most: u64) -> &'static str {
    if bytes == 0 {
        return "hx";
    }
    match bytes as f64 / most.max(1) as f64 {
        share if share < 0.1 => "h0",
        share if share < 0.25 => "h1",
        share if share < 0.5 => "h2",
        share if share < 0.75 => "h3",
        share if share < 0.95 => "h4",
        _ => "h5",
    }
}

/// Every partition of the cluster.
pub fn map(cluster: &Cluster, names: &Names, limits: SizeRatio) -> Vec<MapView> {
    cluster
        .topics
        .iter()
        .filter(|topic| !topic.partitions.is_empty())
        .map(|topic| {
            let squares: Vec<(u8, String)> = topic
                .partitions
                .iter()
                .map(|partition| {
                    let ratio = ratio(partition);
                    let class = match ratio {
                        None => 0,
                        Some(ratio) if ratio <= 1.25 => 1,
                        Some(ratio) if ratio < limits.warning => 2,
                        Some(ratio) if ratio < limits.critical => 3,
                        Some(_) => 4,
                    };
                    let holders: Vec<String> = partition
                        .replicas
                        .iter()
                        .map(|one| {
                            format!("{} {}", text(names.short(one.broker)), sized(one, partition.measure()))
                        })
                        .collect();
                    let ratio = ratio.map_or("-".to_owned(), ratio_word);
                    (class, format!("{}: {ratio}; {}", partition.partition, holders.join(", ")))
                })
                .collect();
            let beyond = squares.iter().filter(|square| square.0 >= 3).count();
            MapView {
                topic: text(&topic.name),
                label: format!(
                    "{}: {} partitions, {} with a ratio beyond the warning",
                    text(&topic.name),
                    count(squares.len() as u64),
                    count(beyond as u64)
                ),
                squares,
            }
        })
        .collect()
}
