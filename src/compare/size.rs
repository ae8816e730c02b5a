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

    /// What the replicas of this partition can be compared by.
    pub fn measure(&self) -> Measure {
        let unknown = self.current().any(Replica::only_allocated);
        let nothing = self.current().all(|replica| replica.log_bytes == 0 && replica.segments == 0);
        if unknown || nothing { Measure::Allocated } else { Measure::Log }
    }
}

/// Larger over smaller; `None` where the smaller is nothing.
pub fn ratio(one: u64, other: u64) -> Option<f64> {
    let (larger, smaller) = (one.max(other), one.min(other));
    // Sizes are far below 2^53: nothing is lost.
    (smaller > 0).then(|| larger as f64 / smaller as f64)
}
