//! From where on something is a finding, as a playbook may set it.

use serde::{Deserialize, Serialize};

/// Limits that hold for a whole cluster. A topic's own stand in [`crate::round::ExpectTopic`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Share of a compacted replica that is not cleaned: beyond it the cleaner is behind.
    pub dirty_ratio: f64,
    /// The same share, from which on nothing seems to clean at all.
    pub dead_dirty_ratio: f64,
    /// Partitions beyond `dead_dirty_ratio` that make a dead cleaner.
    pub dead_partitions: u32,
    /// Seconds without a finished cleaning while other brokers clean.
    pub cleaner_silent_s: u64,
    /// Seconds between the last write to a replica and to its peers.
    pub lagging_s: u64,
    /// Percent of a mount in use.
    pub disk_filling: f64,
    pub disk_full: f64,
    /// Days until a mount is full at the rate at which an uncleaned broker grows.
    pub disk_days: f64,
    /// Seconds since the last write after which a superfluous replica is not on its way any more.
    pub stale_s: u64,
    /// Seconds that a stopped broker may be stopped.
    pub stopped_s: u64,
    /// Times that a follower may leave the ISR of one partition in an hour.
    pub isr_shrinks: u32,
    /// Sessions, with ZooKeeper or KRaft's controller, that a broker may lose in an hour.
    pub session_losses: u32,
    /// Times that the controller may move in an hour.
    pub controller_moves: u32,
    /// Seconds between clocks.
    pub clock_skew_s: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            // `min.cleanable.dirty.ratio`: up to here the cleaner leaves a log alone.
            dirty_ratio: 0.5,
            dead_dirty_ratio: 0.9,
            // One or two may be waiting for their turn, or be held back by an open transaction.
            dead_partitions: 3,
            cleaner_silent_s: 24 * 3600,
            // Ten times `replica.lag.time.max.ms`: the ISR has long gone on without such a replica.
            lagging_s: 300,
            disk_filling: 85.0,
            disk_full: 95.0,
            disk_days: 7.0,
            stale_s: 3600,
            stopped_s: 3600,
            isr_shrinks: 10,
            session_losses: 3,
            controller_moves: 6,
            clock_skew_s: 30.0,
        }
    }
}
