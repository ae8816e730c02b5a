//! Brokers by brokers: how uneven the partitions are that two of them share.

use std::collections::{BTreeMap, BTreeSet};

use super::heat::CellView;
use super::text;
use crate::compare::{Cluster, Pair};
use crate::report::digest::names::Names;
use crate::report::measure::{counted, ratio};
use crate::round::SizeRatio;

/// Brokers on a side; of a larger cluster the uneven pairs stand in the table alone.
const BROKERS: usize = 16;
/// Topics that a cell's detail names.
const TOPICS: usize = 8;

/// Rows and columns are the brokers that share anything, the last of them without a row, the first without a column.
pub struct MatrixView {
    pub columns: Vec<String>,
    pub rows: Vec<(String, Vec<Option<CellView>>)>,
}

/// The matrix, where there are three brokers or more to lay side by side.
pub fn matrix(cluster: &Cluster, names: &Names, limits: SizeRatio) -> Option<MatrixView> {
    let mut shared: BTreeMap<(usize, usize), Vec<&Pair>> = BTreeMap::new();
    for pair in &cluster.pairs {
        shared.entry((pair.a.min(pair.b), pair.a.max(pair.b))).or_default().push(pair);
    }
    let brokers: BTreeSet<usize> = shared.keys().flat_map(|(one, other)| [*one, *other]).collect();
    let brokers: Vec<usize> = brokers.into_iter().collect();
    if !(3..=BROKERS).contains(&brokers.len()) {
        return None;
    }
    let name = |at: &usize| text(names.short(*at));
    let rows = brokers.iter().enumerate().take(brokers.len() - 1).map(|(row, one)| {
        let cells = brokers.iter().enumerate().skip(1).map(|(column, other)| {
            let of_both = shared.get(&(*one, *other)).filter(|_| column > row);
            of_both.map(|pairs| cell(names, limits, [*one, *other], pairs.clone()))
        });
        (name(one), cells.collect())
    });
    Some(MatrixView { rows: rows.collect(), columns: brokers.iter().skip(1).map(name).collect() })
}

fn cell(names: &Names, limits: SizeRatio, brokers: [usize; 2], mut shared: Vec<&Pair>) -> CellView {
    let most = |pair: &Pair| pair.ratio_max.unwrap_or(0.0);
    shared.sort_by(|one, other| most(other).total_cmp(&most(one)).then_with(|| one.topic.cmp(&other.topic)));
    let worst = shared.first().and_then(|pair| pair.ratio_max);
    let known = |value: Option<f64>| value.map_or("-".to_owned(), ratio);
    let [one, other] = brokers.map(|at| text(names.short(at)));
    let mut detail = vec![format!("{one} and {other}, ratio by topic")];
    detail.extend(shared.iter().take(TOPICS).map(|pair| {
        let larger = pair.larger.map(|at| format!(", {} is larger", text(names.short(at))));
        format!(
            "{}: {} to {}, {}{}",
            text(&pair.topic),
            known(pair.ratio_min),
            known(pair.ratio_max),
            counted(pair.partitions as usize, "partition", "partitions"),
            larger.unwrap_or_default()
        )
    }));
    if let Some(more) = shared.len().checked_sub(TOPICS).filter(|more| *more > 0) {
        detail.push(format!("and {}, no further apart", counted(more, "more topic", "more topics")));
    }
    let class = match worst {
        None => "hx",
        Some(ratio) if ratio <= 1.25 => "h0",
        Some(ratio) if ratio < limits.warning => "h2",
        Some(ratio) if ratio < limits.critical => "h4",
        Some(_) => "h5",
    };
    CellView { class, size: known(worst), detail: detail.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::incident;

    #[test]
    fn every_pair_of_the_incident_has_its_cell() {
        let case = incident();
        let cluster = &case.comparison.clusters[0];
        let view = matrix(cluster, &Names::of(cluster), SizeRatio::default()).expect("a matrix");
        assert_eq!(view.columns.len(), 2);
        let cells: Vec<Option<(&str, &str)>> = view
            .rows
            .iter()
            .flat_map(|row| &row.1)
            .map(|cell| cell.as_ref().map(|cell| (cell.size.as_str(), cell.class)))
            .collect();
        assert_eq!(cells, [Some(("2.39", "h4")), Some(("23.6", "h5")), None, Some(("1.33", "h2"))]);
        let detail = &view.rows[0].1[1].as_ref().expect("a cell").detail;
        assert!(detail.contains("completeProduct: 6.80 to 23.6, 12 partitions"), "{detail}");
    }

    #[test]
    fn a_large_cluster_has_none() {
        let mut case = incident();
        let cluster = &mut case.comparison.clusters[0];
        let pair = cluster.pairs[0].clone();
        cluster.pairs.extend((3..20).map(|at| Pair { b: at, ..pair.clone() }));
        assert!(matrix(cluster, &Names::of(cluster), SizeRatio::default()).is_none());
    }
}
