//! Large beside small: which of the two is wrong?
//!
//! Every broker compacts on its own, so a replica may be larger than its peer for want of cleaning
//! (bloated), or smaller for want of data (short). The offsets decide; size alone never does.

use crate::compare::{Cluster, Measure, Partition, Replica, Topic};
use crate::diagnose::cleaner::Cleaner;
use crate::diagnose::cuts::Cut;
use crate::round::SizeRatio;

/// Why a pair of replicas differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// The smaller one lacks data.
    Short(String),
    /// The larger one has too much.
    Bloated(String),
    /// It cannot be told; what would tell.
    Unclear(String),
    /// What the larger one has more is waiting for a cleaner that is not late.
    Ordinary,
}

/// What is known beside the sizes.
pub struct Known<'v, 'a> {
    pub cluster: &'v Cluster,
    pub topic: &'v Topic,
    /// By the cluster's brokers.
    pub cleaners: &'v [Cleaner<'a>],
    /// Whether some `cleaner-offset-checkpoint` was read, by the cluster's brokers.
    pub cleaner_seen: &'v [bool],
    pub cuts: &'v [Cut<'a>],
    /// Share of a compacted replica that may be uncleaned.
    pub dirty_ratio: f64,
    /// The size ratio up to which replicas count as alike.
    pub alike: f64,
}

/// Segments of this number are the least that a size difference must hold: the active segment is never
/// cleaned or deleted, and retention and cleaning go segment by segment, at other times on each broker.
pub const SEGMENTS: u64 = 4;

/// The difference in bytes below which a partition's replicas count as alike: the playbook's, or four
/// segments, whichever is less.
pub fn floor(partition: &Partition, thresholds: &SizeRatio) -> u64 {
    let segment = partition
        .current()
        .filter_map(|replica| replica.log_bytes.checked_div(u64::from(replica.segments)))
        .max();
    let segments =
        segment.filter(|bytes| *bytes > 0).map_or(u64::MAX, |bytes| bytes.saturating_mul(SEGMENTS));
    thresholds.ignore_below.min(segments)
}

/// The largest of a partition's replicas and how many bytes it has.
pub fn largest(partition: &Partition, measure: Measure) -> Option<&Replica> {
    partition.current().max_by_key(|replica| replica.bytes(measure))
}

impl Known<'_, '_> {
    fn host(&self, replica: &Replica) -> &str {
        self.cluster.brokers.get(replica.broker).map_or("?", |broker| &broker.host)
    }

    fn cleaner(&self, replica: &Replica) -> &Cleaner<'_> {
        self.cleaners.get(replica.broker).unwrap_or(&Cleaner::Unknown)
    }

    /// Judges a large replica beside a small one of the same partition.
    pub fn judge(&self, partition: &Partition, large: &Replica, small: &Replica) -> Judgement {
        let (large_host, small_host) = (self.host(large), self.host(small));
        if let Some(cut) = self.cut(partition.partition, small) {
            return Judgement::Short(format!(
                "{} cut this partition from {} to {} when {small_host} {}",
                cut.follower,
                cut.from,
                cut.to,
                if cut.broker == small.broker { "followed" } else { "led" }
            ));
        }
        let agree = match high_watermarks(large, small) {
            Some(Lag::Behind(offsets)) => {
                return Judgement::Short(format!(
                    "its high watermark on {small_host} is {offsets} offsets behind {large_host}"
                ));
            }
            Some(Lag::Agree) => true,
            Some(Lag::Ahead(offsets)) => {
                return Judgement::Unclear(format!(
                    "the larger replica on {large_host} is {offsets} offsets behind; a second look in half a minute tells whether it catches up"
                ));
            }
            None => false,
        };
        if self.cleaner(large).is_dead() {
            return Judgement::Bloated(if agree {
                format!("high watermarks agree, and the cleaner of {large_host} is dead")
            } else {
                format!(
                    "the cleaner of {large_host} is dead; high watermarks were not seen, so the smaller one is not proved whole"
                )
            });
        }
        if agree {
            return self.by_offsets(large, small);
        }
        if self.topic.compacted && self.cleaner(large).is_alive() {
            return Judgement::Short(format!(
                "the cleaner of {large_host} works, so it has nothing too much"
            ));
        }
        Judgement::Unclear(
            "high watermarks (replication-offset-checkpoint) and the cleaners' logs would tell".to_owned(),
        )
    }

    /// The truncation that names the partition and has the small replica on either side.
    fn cut(&self, partition: u32, small: &Replica) -> Option<&Cut<'_>> {
        let host = self.host(small);
        // Sorted by topic and partition.
        let of = (self.topic.name.as_str(), partition);
        let first = self.cuts.partition_point(|cut| (cut.of.topic.as_str(), cut.of.partition) < of);
        let same = |cut: &&Cut<'_>| (cut.of.topic.as_str(), cut.of.partition) == of;
        let mut cuts = self.cuts.iter().skip(first).take_while(same).filter(|cut| !cut.doubtful);
        cuts.find(|cut| cut.leader == Some(host) || cut.broker == small.broker)
    }

    /// The high watermarks agree: both hold the same offsets, one in more bytes.
    fn by_offsets(&self, large: &Replica, small: &Replica) -> Judgement {
        let (large_host, small_host) = (self.host(large), self.host(small));
        let slack = slack(large, small);
        if let Some(judgement) = self.by_dirt(large, small) {
            return judgement;
        }
        if !self.topic.compacted
            && let (Some(start), Some(other)) = (large.log_start, small.log_start)
            && start.saturating_add(slack) < other
        {
            return Judgement::Bloated(format!(
                "high watermarks agree, and {large_host} still keeps what retention removed elsewhere (log start {start} beside {other})"
            ));
        }
        match (large.first_dirty, small.first_dirty) {
            (Some(one), Some(other)) if one.saturating_add(slack) < other => Judgement::Bloated(format!(
                "high watermarks agree, and {large_host} is cleaned only up to {one}, {small_host} up to {other}"
            )),
            (None, Some(other)) if large.offsets_seen => Judgement::Bloated(format!(
                "high watermarks agree, and {large_host} has never cleaned it, {small_host} up to {other}: its cleaner is off or stuck"
            )),
            (Some(one), _) => Judgement::Short(format!(
                "{large_host} is cleaned up to {one}, as far as {small_host}, and still larger"
            )),
            (None, _) if self.cleaner(large).is_alive() && self.topic.compacted => {
                Judgement::Short(format!("the cleaner of {large_host} works, so it has nothing too much"))
            }
            (None, None) if !self.topic.compacted && self.seen_cleaner(large) && self.seen_cleaner(small) && starts_agree(large, small, slack) => {
                Judgement::Short(format!("not compacted, the same range of offsets as {large_host}, and fewer bytes"))
            }
            _ => Judgement::Unclear(
                "high watermarks agree; cleaner-offset-checkpoint and log-cleaner.log of the larger side would tell".to_owned(),
            ),
        }
    }

    /// A compacted replica without its uncleaned part and its active segment: is it still larger?
    fn by_dirt(&self, large: &Replica, small: &Replica) -> Option<Judgement> {
        let dirty = large.dirty_ratio_of_compacted().filter(|_| self.topic.compacted)?;
        let rest =
            large.log_bytes.saturating_sub(large.cleanable_bytes()?).saturating_sub(large.active_bytes);
        // Sizes are far below 2^53: nothing is lost.
        if rest as f64 >= self.alike * small.log_bytes as f64 {
            return None;
        }
        if dirty <= self.dirty_ratio && self.cleaner(large).is_dead() {
            return None;
        }
        Some(if dirty <= self.dirty_ratio {
            Judgement::Ordinary
        } else {
            Judgement::Bloated(format!(
                "high watermarks agree, and {:.0} % of the replica on {} is not cleaned",
                dirty * 100.0,
                self.host(large)
            ))
        })
    }

    fn seen_cleaner(&self, replica: &Replica) -> bool {
        self.cleaner_seen.get(replica.broker).copied().unwrap_or(false)
    }
}

/// How the smaller replica's high watermark stands to the larger's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    Behind(u64),
    Agree,
    Ahead(u64),
}

/// One percent of the offsets held. A follower learns the high watermark one fetch late, and the
/// checkpoint is up to 5 s old (`replica.high.watermark.checkpoint.interval.ms`).
fn slack(one: &Replica, other: &Replica) -> u64 {
    let end = one.high_watermark.max(other.high_watermark).unwrap_or(0);
    let start = one.log_start.into_iter().chain(other.log_start).min().unwrap_or(0);
    end.saturating_sub(start) / 100
}

/// `None` where either is not known.
pub fn high_watermarks(large: &Replica, small: &Replica) -> Option<Lag> {
    let (high, low) = (large.high_watermark?, small.high_watermark?);
    let slack = slack(large, small);
    Some(if low.saturating_add(slack) < high {
        Lag::Behind(high - low)
    } else if high.saturating_add(slack) < low {
        Lag::Ahead(low - high)
    } else {
        Lag::Agree
    })
}

fn starts_agree(one: &Replica, other: &Replica, slack: u64) -> bool {
    match (one.log_start, other.log_start) {
        (Some(one), Some(other)) => one.abs_diff(other) <= slack,
        _ => false,
    }
}
