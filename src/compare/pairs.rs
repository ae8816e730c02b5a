//! Broker pairs: a steady ratio over all that two brokers share is a broker's story, a broken one a
//! partition's.

use std::cmp::Ordering;

use crate::compare::size::ratio;
use crate::compare::{Pair, Topic};
use crate::kafka::replica_dir::METADATA;

/// In a topic spread over more pairs than this, those that share a single partition say no more than
/// that partition's own row and are left out: they would outnumber the partitions.
const MANY_PAIRS: usize = 64;

/// One partition that two brokers share.
struct Shared {
    a: usize,
    b: usize,
    ratio: Option<f64>,
    larger: Ordering,
}

/// All pairs that share partitions, by topic and brokers.
pub fn pairs(topics: &[Topic]) -> Vec<Pair> {
    let mut shared = Vec::new();
    let mut pairs = Vec::new();
    // Each node cuts the Raft log by its own snapshots: its size says nothing of a broker.
    for topic in topics.iter().filter(|topic| topic.name != METADATA) {
        shared.clear();
        share(topic, &mut shared);
        shared.sort_by_key(|one| (one.a, one.b));
        let together = |one: &Shared, other: &Shared| (one.a, one.b) == (other.a, other.b);
        let many = shared.chunk_by(together).count() > MANY_PAIRS;
        let kept = shared.chunk_by(together).filter(|group| !many || group.len() > 1);
        pairs.extend(kept.filter_map(|group| pair(&topic.name, group)));
    }
    pairs
}

fn share(topic: &Topic, shared: &mut Vec<Shared>) {
    for partition in &topic.partitions {
        let measure = partition.measure();
        let mut holders = partition.current();
        while let Some(one) = holders.next() {
            for other in holders.clone() {
                let (bytes, other_bytes) = (one.bytes(measure), other.bytes(measure));
                shared.push(Shared {
                    a: one.broker,
                    b: other.broker,
                    ratio: ratio(bytes, other_bytes),
                    larger: bytes.cmp(&other_bytes),
                });
            }
        }
    }
}

fn pair(topic: &str, shared: &[Shared]) -> Option<Pair> {
    let Shared { a, b, .. } = *shared.first()?;
    let mut ratios: Vec<f64> = shared.iter().filter_map(|one| one.ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let most = |way| shared.iter().filter(|one| one.larger == way).count() * 2 > shared.len();
    Some(Pair {
        a,
        b,
        topic: topic.to_owned(),
        partitions: u32::try_from(shared.len()).unwrap_or(u32::MAX),
        ratio_min: ratios.first().copied(),
        ratio_median: median(&ratios),
        ratio_max: ratios.last().copied(),
        larger: if most(Ordering::Greater) {
            Some(a)
        } else if most(Ordering::Less) {
            Some(b)
        } else {
            None
        },
    })
}

/// The middle of sorted numbers.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get((sorted.len() / 2).checked_sub(1)?).map(|lower| (lower + upper) / 2.0)
}
