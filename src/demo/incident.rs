//! The incident as data: three Kafka 0.10.1 brokers on 2017-04-03, at 14:48 local time.
//!
//! Sizes, broker ids and the twelve resets are those of "A DevOops story" (Wehkamp, 2017). That
//! talk shows no cleaner's last lines, no checkpoints and no ordinary log lines; these are made up
//! in the form Kafka 0.10.1 gives them, and agree with the rest: the cleaners of .177 and .183 died
//! days before (KAFKA-4497), and .176 was the first to be restarted onto 0.10.1.1.

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The topic whose replicas diverged.
pub const TOPIC: &str = "completeProduct";
/// The broker id of 10.200.8.183, which led the truncated partitions.
pub const LEADER_ID: u32 = 180_881_591;
/// The broker id of 10.200.8.176, which truncated them.
pub const FOLLOWER_ID: u32 = 180_881_584;

/// One broker as it was.
#[derive(Debug)]
pub struct Broker {
    /// Its name in the inventory.
    pub address: &'static str,
    /// `broker.id`, the address as a number.
    pub id: u32,
    /// The total line of `du -ch`, in GiB.
    pub du_total: u64,
    /// How its log cleaner is.
    pub cleaner: Cleaner,
    /// Partition and bytes of its replicas of [`TOPIC`].
    pub replicas: &'static [(u32, u64)],
}

/// The state of a broker's log cleaner.
#[derive(Debug, Clone, Copy)]
pub enum Cleaner {
    /// Running, restarted with its broker.
    Alive,
    /// Its only thread died of KAFKA-4497.
    Died {
        /// Date, and milliseconds since midnight.
        at: (&'static str, u32),
        /// The partition it was cleaning.
        partition: u32,
        /// The entry of the time index at which it stumbled, and the last offset entered.
        slot: (u32, u32),
        /// How far into every log it had come, in percent of the offsets.
        reached: u64,
    },
}

/// One reset of a follower's fetch offset to its leader's end.
#[derive(Debug, Clone, Copy)]
pub struct Truncation {
    /// Milliseconds since midnight.
    pub at: u32,
    /// Partition of [`TOPIC`].
    pub partition: u32,
    /// The offset the follower had come to.
    pub from: u64,
    /// The offset the leader ended at.
    pub to: u64,
}

/// Milliseconds since midnight.
pub(super) const fn clock(hour: u32, minute: u32, second: u32, millis: u32) -> u32 {
    ((hour * 60 + minute) * 60 + second) * 1000 + millis
}

/// Bytes of so many tenths of a GiB, rounded down: `du` rounds up, and shall show these tenths.
const fn g(tenths: u64) -> u64 {
    tenths * GIB / 10
}

const fn m(mib: u64) -> u64 {
    mib * MIB
}

/// The brokers, in the order of the inventory.
pub const BROKERS: [Broker; 3] = [
    Broker {
        address: "10.200.8.177",
        id: 180_881_585,
        du_total: 99,
        cleaner: Cleaner::Died {
            at: ("2017-03-28", clock(3, 12, 41, 207)),
            partition: 15,
            slot: (9, 11_832),
            reached: 45,
        },
        #[rustfmt::skip]
        replicas: &[
            (0, g(41)), (2, g(41)), (3, g(41)), (4, g(40)), (6, g(43)), (8, g(40)), (9, g(41)), (10, g(42)),
            (12, g(41)), (14, g(42)), (15, g(44)), (16, g(41)), (18, g(42)), (20, g(42)), (21, g(42)), (22, g(41)),
            (24, g(42)), (26, g(43)), (27, g(43)), (28, g(43)), (30, g(41)), (32, g(41)), (33, g(41)), (34, g(42)),
        ],
    },
    Broker {
        address: "10.200.8.176",
        id: FOLLOWER_ID,
        du_total: 44,
        cleaner: Cleaner::Alive,
        #[rustfmt::skip]
        replicas: &[
            (1, g(18)), (2, g(19)), (3, g(18)), (5, g(20)), (7, g(18)), (8, g(17)), (9, g(19)), (11, g(19)),
            (13, g(18)), (14, g(20)), (15, g(19)), (17, g(17)), (19, g(18)), (20, g(19)), (21, g(19)), (23, g(18)),
            (25, g(19)), (26, g(18)), (27, g(21)), (29, g(17)), (31, g(19)), (32, g(18)), (33, g(18)), (35, g(17)),
        ],
    },
    Broker {
        address: "10.200.8.183",
        id: LEADER_ID,
        du_total: 40,
        cleaner: Cleaner::Died {
            at: ("2017-03-29", clock(22, 47, 2, 918)),
            partition: 28,
            slot: (14, 20_417),
            reached: 52,
        },
        #[rustfmt::skip]
        replicas: &[
            (0, g(31)), (1, m(78)), (4, g(30)), (5, m(197)), (6, g(33)), (7, m(114)), (10, g(32)), (11, m(286)),
            (12, g(31)), (13, m(271)), (16, g(31)), (17, m(118)), (18, g(32)), (19, m(146)), (22, g(31)), (23, m(270)),
            (24, g(32)), (25, m(137)), (28, g(33)), (29, m(100)), (30, g(31)), (31, m(109)), (34, g(32)), (35, m(167)),
        ],
    },
];

const fn reset(second: u32, millis: u32, partition: u32, from: u64, to: u64) -> Truncation {
    Truncation { at: clock(14, 16, second, millis), partition, from, to }
}

/// The resets in `server.log` of 10.200.8.176, in its order.
pub const TRUNCATIONS: [Truncation; 12] = [
    reset(36, 3, 13, 3_734_742, 3_179_215),
    reset(36, 367, 11, 3_688_796, 3_139_765),
    reset(36, 786, 17, 3_628_910, 3_098_787),
    reset(37, 93, 1, 3_633_348, 3_082_086),
    reset(37, 481, 7, 3_706_480, 3_156_826),
    reset(37, 785, 5, 3_703_053, 3_142_527),
    reset(38, 91, 35, 3_619_023, 3_086_012),
    reset(38, 416, 31, 3_714_348, 3_153_547),
    reset(38, 752, 29, 3_642_120, 3_103_819),
    reset(38, 810, 19, 3_693_406, 3_156_618),
    reset(39, 30, 25, 3_625_320, 3_065_658),
    reset(39, 360, 23, 3_698_289, 3_150_514),
];

/// Where the log of a partition of [`TOPIC`] ends on both its replicas, after the resets.
pub(super) fn end_offset(partition: u32) -> u64 {
    let reset = TRUNCATIONS.iter().find(|reset| reset.partition == partition);
    reset.map_or_else(|| 3_600_000 + Noise::new(partition.into()).below(180_000), |reset| reset.to)
}

/// Numbers that look random and are the same in every run (splitmix64).
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Noise(seed ^ 0x2017_0403)
    }

    /// A number in `0..bound`; 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
