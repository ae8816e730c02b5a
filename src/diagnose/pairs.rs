//! Broker pairs that differ in size throughout.

use crate::compare::{Cluster, Pair, Partition, Replica, Topic, ratio, sure_ratio};
use crate::diagnose::finding::{Basis, Code, Finding, Item, Severity, Subject};
use crate::diagnose::holders::{about, host, replica_item, size_lines};
use crate::diagnose::judge::floor;
use crate::diagnose::sizes::far_behind;
use crate::diagnose::view::{View, finding, of_cluster, topic};
use crate::kafka::replica_dir::METADATA;
use crate::round::SizeRatio;
use crate::words;

/// A pair is steady when the largest of its ratios is within this factor of the smallest.
pub const STEADY: f64 = 1.5;
/// Below this a pair's ratio is what independent cleaners make.
pub const BIASED: f64 = 1.25;
/// Fewer partitions make no pattern.
pub const PATTERN: u32 = 3;

/// `broker-pair-bias`: one broker's replicas are larger than another's on all that they share.
///
/// It holds because partitions are independent and brokers are not: what shifts all of a pair by the
/// same factor is something of the broker, and its one cleaner serves all its partitions.
pub fn bias(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let plays = view.plays(cluster);
    let dirty_ratio = view.limits(cluster).dirty_ratio;
    // Pairs stand by topic.
    let mut last: Option<(&str, SizeRatio)> = None;
    for pair in &cluster.pairs {
        let known = topic(cluster, &pair.topic).filter(|topic| !topic.ignored && topic.name != METADATA);
        if let Some(topic) = known {
            let thresholds = match last {
                Some((name, thresholds)) if name == topic.name => thresholds,
                _ => view.size_ratio(&plays, &topic.name),
            };
            last = Some((&topic.name, thresholds));
            findings.extend(broker_pair_bias(cluster, topic, pair, &thresholds, dirty_ratio));
        }
    }
}

fn broker_pair_bias(
    cluster: &Cluster,
    topic: &Topic,
    pair: &Pair,
    thresholds: &SizeRatio,
    dirty_ratio: f64,
) -> Option<Finding> {
    let (min, median, max) = (pair.ratio_min?, pair.ratio_median?, pair.ratio_max?);
    let larger = pair.larger?;
    if pair.partitions < PATTERN || max / min > STEADY {
        return None;
    }
    let shared = || {
        topic.partitions.iter().filter(|partition| {
            let holds = |broker| partition.current().any(|replica| replica.broker == broker);
            holds(pair.a) && holds(pair.b)
        })
    };
    let (least, median) = sure(shared(), pair, larger).unwrap_or((min, median));
    if median < BIASED || least < 1.1 {
        return None;
    }
    let weighty =
        shared().filter(|partition| spread(partition, pair) >= floor(partition, thresholds)).count();
    if weighty * 2 < usize::try_from(pair.partitions).ok()? {
        return None;
    }
    let smaller = if larger == pair.a { pair.b } else { pair.a };
    // What was never fetched is no cleaner's doing: replica-short and replica-lagging have it.
    let lacks = |partition: &&Partition| {
        let of = |broker| partition.current().find(|replica| replica.broker == broker);
        of(larger).zip(of(smaller)).is_some_and(|(large, small)| far_behind(large, small))
    };
    if shared().filter(lacks).count() * 2 >= usize::try_from(pair.partitions).ok()? {
        return None;
    }
    let (larger, smaller) = (host(cluster, larger), host(cluster, smaller));
    // What waits for a cleaner that is not late makes a ratio too, and no fault.
    let late = shared().any(|partition| {
        let large = partition.current().find(|replica| Some(replica.broker) == pair.larger);
        let dirty = large.filter(|_| topic.compacted).and_then(Replica::dirty_ratio_of_compacted);
        dirty.is_none_or(|dirty| dirty > dirty_ratio)
    });
    let severity = if median >= thresholds.warning && late { Severity::Warning } else { Severity::Notice };
    let mut found = finding(
        Code::BrokerPairBias,
        severity,
        Subject {
            topic: Some(topic.name.clone()),
            pair: Some([host(cluster, pair.a).to_owned(), host(cluster, pair.b).to_owned()]),
            ..of_cluster(cluster)
        },
        format!(
            "{larger} is larger than {smaller} on all {} of {} that they share: {}{} times",
            words::counted(usize::try_from(pair.partitions).ok()?, "partition", "partitions"),
            topic.name,
            about(shared()),
            words::ratios([min, max].into_iter()),
        ),
    );
    found.basis = Basis::Inferred;
    found.meaning = format!(
        "The same factor over a whole pair is a broker's story, most often its cleaner's: {larger} compacts less or later than {smaller}. A partition that lost data would stand out alone."
    );
    found.next_steps =
        vec![format!("Compare the cleaners: `tail -50 log-cleaner.log` on {larger} and {smaller}.")];
    found.items = shared()
        .map(|partition| {
            Item::Replicas(replica_item(
                cluster,
                partition,
                vec![larger.to_owned()],
                pair_ratio(partition, pair),
                None,
            ))
        })
        .collect();
    let lines = shared().flat_map(|partition| size_lines(cluster, topic, partition)).collect();
    Some(found.show(lines))
}

/// The least and the middle ratio that are sure where sizes are rounded; `None` where all are exact.
fn sure<'a>(
    shared: impl Iterator<Item = &'a Partition> + Clone,
    pair: &Pair,
    larger: usize,
) -> Option<(f64, f64)> {
    if !shared.clone().any(Partition::rounded) {
        return None;
    }
    let smaller = if larger == pair.a { pair.b } else { pair.a };
    let mut ratios: Vec<f64> = shared
        .filter_map(|partition| {
            let of = |broker| partition.current().find(|replica| replica.broker == broker);
            sure_ratio(of(larger)?, of(smaller)?, partition.measure())
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    Some((*ratios.first()?, *ratios.get(ratios.len() / 2)?))
}

fn sides(partition: &Partition, pair: &Pair) -> Option<(u64, u64)> {
    let measure = partition.measure();
    let of = |broker| {
        partition.current().find(|replica| replica.broker == broker).map(|replica| replica.bytes(measure))
    };
    Some((of(pair.a)?, of(pair.b)?))
}

fn spread(partition: &Partition, pair: &Pair) -> u64 {
    sides(partition, pair).map_or(0, |(one, other)| one.abs_diff(other))
}

fn pair_ratio(partition: &Partition, pair: &Pair) -> Option<f64> {
    sides(partition, pair).and_then(|(one, other)| ratio(one, other))
}
