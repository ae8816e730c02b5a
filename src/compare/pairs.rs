//! Broker pairs: a steady ratio over all that two brokers share is a broker's story, a broken one a
//! partition's.

use std::collections::BTreeMap;

use crate::compare::size::ratio;
use crate::compare::{Pair, Replica, Topic};

/// In a topic spread over more pairs than this, those that share a single partition say no more than
/// that partition's own row and are left out: they would outnumber the partitions.
const MANY_PAIRS: usize = 64;

/// What two brokers share of a topic.
#[derive(Default)]
struct Shared {
    partitions: u32,
    ratios: Vec<f64>,
    larger: [u32; 2],
}

/// All pairs that share partitions, by topic and brokers.
pub fn pairs(topics: &[Topic]) -> Vec<Pair> {
    topics.iter().flat_map(of_topic).collect()
}

fn of_topic(topic: &Topic) -> Vec<Pair> {
    let mut shared: BTreeMap<(usize, usize), Shared> = BTreeMap::new();
    let mut holders: Vec<&Replica> = Vec::new();
    for partition in &topic.partitions {
        let measure = partition.measure();
        holders.clear();
        holders.extend(partition.current());
        for (at, one) in holders.iter().enumerate() {
            for other in holders.iter().skip(at + 1) {
                let pair = shared.entry((one.broker, other.broker)).or_default();
                let (bytes, other_bytes) = (one.bytes(measure), other.bytes(measure));
                pair.partitions += 1;
                pair.ratios.extend(ratio(bytes, other_bytes));
                pair.larger[0] += u32::from(bytes > other_bytes);
                pair.larger[1] += u32::from(other_bytes > bytes);
            }
        }
    }
    let many = shared.len() > MANY_PAIRS;
    let kept = shared.into_iter().filter(|(_, shared)| !many || shared.partitions > 1);
    kept.map(|((a, b), shared)| pair(&topic.name, a, b, shared)).collect()
}

fn pair(topic: &str, a: usize, b: usize, mut shared: Shared) -> Pair {
    shared.ratios.sort_by(f64::total_cmp);
    let most = |count: u32| u64::from(count) * 2 > u64::from(shared.partitions);
    Pair {
        a,
        b,
        topic: topic.to_owned(),
        partitions: shared.partitions,
        ratio_min: shared.ratios.first().copied(),
        ratio_median: median(&shared.ratios),
        ratio_max: shared.ratios.last().copied(),
        larger: if most(shared.larger[0]) {
            Some(a)
        } else if most(shared.larger[1]) {
            Some(b)
        } else {
            None
        },
    }
}

/// The middle of sorted numbers.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get((sorted.len() / 2).checked_sub(1)?).map(|lower| (lower + upper) / 2.0)
}
