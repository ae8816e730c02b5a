//! The measure of a replica.

use crate::compare::{Kind, Partition, Replica};

/// What sizes are compared by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Measure {
    /// The sum of the `.log` lengths, Kafka's own (`kafka-log-dirs`, JMX `kafka.log:type=Log,name=Size`).
    #[default]
    Log,
    /// Allocated bytes, what `du` shows: where the lengths of the files are not known.
    Allocated,
}

/// A directory with its empty segment and indexes takes a few blocks; beyond this it holds data.
const EMPTY_DIRECTORY: u64 = 64 << 10;

impl Replica {
    /// Bytes by a measure.
    pub fn bytes(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Log => self.log_bytes,
            Measure::Allocated => self.allocated_bytes,
        }
    }

    /// Bytes that the cleaner has left to do: those between its first dirty offset and the active segment
    /// (kafka.log.LogToClean). `None` where segment sizes were not told apart.
    pub fn cleanable_bytes(&self) -> Option<u64> {
        // An answer that tells no segment apart (a transcript's) has neither; a log of one segment is all active.
        let told = self.segments > 0 && (self.active_bytes > 0 || self.clean_bytes > 0);
        told.then(|| self.log_bytes.saturating_sub(self.clean_bytes).saturating_sub(self.active_bytes))
    }

    /// Kafka's own dirty ratio: cleanable over clean and cleanable, from 0 to 1. The cleaner takes a log up
    /// above `min.cleanable.dirty.ratio`, 0.5.
    ///
    /// `None` where it is not known: the partition does not stand in `cleaner-offset-checkpoint`, or there is
    /// nothing but the active segment. A topic known to be [`Topic::compacted`](super::Topic::compacted) of
    /// which a replica does not stand there although the file was seen was never cleaned there: see
    /// [`Replica::dirty_ratio_of_compacted`].
    pub fn dirty_ratio(&self) -> Option<f64> {
        self.first_dirty?;
        ratio_of(self.clean_bytes, self.cleanable_bytes()?)
    }

    /// The same for a replica of a topic that is known to be compacted: not yet in the checkpoint is all dirty.
    pub fn dirty_ratio_of_compacted(&self) -> Option<f64> {
        match (self.first_dirty, self.offsets_seen) {
            (None, true) => ratio_of(0, self.cleanable_bytes()?),
            _ => self.dirty_ratio(),
        }
    }

    /// Bytes of its `.log` files; `None` where a transcript of `du` shows only what it takes on disk.
    pub fn known_log_bytes(&self) -> Option<u64> {
        (!self.brought || self.allocated_bytes == 0).then_some(self.log_bytes)
    }

    /// What it takes on disk; `None` where `kafka-log-dirs` shows only lengths.
    pub fn known_allocated_bytes(&self) -> Option<u64> {
        (!self.brought || self.allocated_bytes > 0).then_some(self.allocated_bytes)
    }

    /// How many segments it has; `None` where somebody brought what is known of it.
    pub fn known_segments(&self) -> Option<u32> {
        (!self.brought).then_some(self.segments)
    }

    /// The least and the most bytes that a size may stand for: a rounded one stands for many.
    pub fn bounds(&self, measure: Measure) -> (u64, u64) {
        let bytes = self.bytes(measure);
        match measure {
            Measure::Log => (bytes, bytes),
            Measure::Allocated => {
                (bytes.saturating_sub(self.rounded_by), bytes.saturating_add(self.rounded_by / 2))
            }
        }
    }

    /// Only what it takes on disk is known, not how long its files are.
    fn only_allocated(&self) -> bool {
        self.segments == 0 && self.log_bytes == 0 && self.allocated_bytes > EMPTY_DIRECTORY
    }
}

impl Partition {
    /// The replicas in use, one a broker, in the brokers' order.
    pub fn current(&self) -> impl Iterator<Item = &Replica> + Clone {
        self.replicas.iter().enumerate().filter_map(|(at, replica)| {
            let before = at.checked_sub(1).and_then(|at| self.replicas.get(at));
            // A partition lies in one log dir of a broker; a second copy is a move just ending.
            let again =
                before.is_some_and(|before| before.broker == replica.broker && before.kind == Kind::Current);
            (replica.kind == Kind::Current && !again).then_some(replica)
        })
    }

    /// Whether sizes are compared that were printed rounded.
    pub fn rounded(&self) -> bool {
        self.current().any(|replica| replica.rounded_by > 0) && self.measure() == Measure::Allocated
    }

    /// What the replicas of this partition can be compared by.
    pub fn measure(&self) -> Measure {
        let unknown = self.current().any(Replica::only_allocated);
        let nothing = self.current().all(|replica| replica.log_bytes == 0 && replica.segments == 0);
        if unknown || nothing { Measure::Allocated } else { Measure::Log }
    }
}

fn ratio_of(clean: u64, cleanable: u64) -> Option<f64> {
    let all = clean.saturating_add(cleanable);
    // Sizes are far below 2^53: nothing is lost.
    (all > 0).then(|| cleanable as f64 / all as f64)
}

/// How many times larger one replica is than another whatever their rounded sizes stand for, at least 1;
/// `None` where the smaller may be nothing.
pub fn sure_ratio(large: &Replica, small: &Replica, measure: Measure) -> Option<f64> {
    let (least, most) = (large.bounds(measure).0, small.bounds(measure).1);
    if least <= most { Some(1.0) } else { ratio(least, most) }
}

/// Larger over smaller; `None` where the smaller is nothing.
pub fn ratio(one: u64, other: u64) -> Option<f64> {
    let (larger, smaller) = (one.max(other), one.min(other));
    // Sizes are far below 2^53: nothing is lost.
    (smaller > 0).then(|| larger as f64 / smaller as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(log: u64, clean: u64, active: u64) -> Replica {
        Replica {
            log_bytes: log,
            clean_bytes: clean,
            active_bytes: active,
            segments: 3,
            first_dirty: Some(10),
            offsets_seen: true,
            ..Replica::default()
        }
    }

    #[test]
    fn the_dirty_ratio_is_kafkas() {
        assert_eq!(replica(100, 40, 20).dirty_ratio(), Some(0.5));
        assert_eq!(replica(100, 80, 20).dirty_ratio(), Some(0.0));
        assert_eq!(replica(100, 0, 20).dirty_ratio(), Some(1.0));
        // Nothing but the active segment: there is no ratio.
        assert_eq!(replica(20, 0, 20).dirty_ratio(), None);
    }

    #[test]
    fn what_was_not_measured_has_no_ratio() {
        assert_eq!(replica(100, 0, 0).dirty_ratio(), None);
        let never = Replica { first_dirty: None, ..replica(100, 0, 20) };
        assert_eq!((never.dirty_ratio(), never.dirty_ratio_of_compacted()), (None, Some(1.0)));
        let unseen = Replica { offsets_seen: false, ..never };
        assert_eq!(unseen.dirty_ratio_of_compacted(), None);
    }

    #[test]
    fn rounded_sizes_are_compared_by_what_is_sure() {
        let du = |bytes, rounded_by| Replica { allocated_bytes: bytes, rounded_by, ..Replica::default() };
        let sure = |one: &Replica, other: &Replica| sure_ratio(one, other, Measure::Allocated).unwrap();
        // 4.0G and 2.0G: at least 3.9 to 2.05.
        assert!((sure(&du(4000, 100), &du(2000, 100)) - 3900.0 / 2050.0).abs() < 1e-9);
        assert_eq!(sure(&du(4000, 0), &du(2000, 0)), 2.0);
        assert_eq!(sure(&du(2000, 1000), &du(1500, 1000)), 1.0);
        assert_eq!(sure_ratio(&du(4000, 0), &du(0, 0), Measure::Allocated), None);
    }

    #[test]
    fn numbers_that_do_not_fit_together_do_no_harm() {
        assert_eq!(replica(10, 80, 20).dirty_ratio(), Some(0.0));
        assert_eq!(replica(u64::MAX, u64::MAX, 1).dirty_ratio(), Some(0.0));
    }
}
