//! The leader's side: in-sync replicas, epochs, high watermarks (kafka.cluster.Partition,
//! state.change.logger).

use std::sync::LazyLock;

use regex::Regex;

use super::message::{Message, message};
use crate::kafka::event::{Behind, Class};
use crate::kafka::record::compile;

pub(super) fn messages() -> Vec<Message> {
    let mut all = members();
    all.extend(leaders());
    all
}

/// Who is in sync.
fn members() -> Vec<Message> {
    vec![
        // Up to 0.11 with the partition said twice, then once.
        message(
            &["Shrinking ISR "],
            r"Partition {tp} (?:on broker |broker=)(?P<leader>\d+)\]?:? Shrinking ISR (?:for partition \S+ )?from (?P<from>[\d,]+) to (?P<to>[\d,]*)(?P<rest>.*)",
            |found| {
                Some(Class::IsrShrunk {
                    of: found.of()?,
                    leader: found.number("leader"),
                    from: found.ids("from"),
                    to: found.ids("to"),
                    behind: behind(found.text("rest").unwrap_or_default()),
                })
            },
        ),
        // Up to 2.7.
        message(
            &["Expanding ISR "],
            r"(?:Partition {tp} (?:on broker |broker=)(?P<leader>\d+)\]?:? )?Expanding ISR (?:for partition \S+ )?from (?P<from>[\d,]+) to (?P<to>[\d,]+)",
            |found| {
                Some(Class::IsrExpanded {
                    of: found.of(),
                    leader: found.number("leader"),
                    from: found.ids("from"),
                    to: found.ids("to"),
                })
            },
        ),
        // 2.4 and later; "(under-min-isr)" since 3.5.
        message(
            &["ISR updated to "],
            r"(?:Partition {tp} broker=(?P<leader>\d+)\]:? )?ISR updated to \[?(?P<isr>[\d,]+)\]? ?(?P<under>\(under-min-isr\))? ?and (?:zkVersion|version) updated to \[?(?P<version>\d+)?",
            |found| {
                Some(Class::IsrUpdated {
                    of: found.of(),
                    leader: found.number("leader"),
                    isr: found.ids("isr"),
                    under_min: found.text("under").is_some(),
                    version: found.number("version"),
                })
            },
        ),
        // Up to 2.7.
        message(
            &["not equal to that in zookeeper"],
            r"(?:Partition {tp} (?:on broker |broker=)\d+\]?:? )?Cached zkVersion \[?(?P<version>\d+)\]? not equal to that in zookeeper, skip updating ISR",
            |found| Some(Class::IsrStale { of: found.of(), version: found.number("version")? }),
        ),
        // 0.8.2–2.0.
        message(
            &["Number of insync replicas for partition"],
            r"Number of insync replicas for partition {tp} is \[(?P<isr>\d+)\], below required minimum \[(?P<min>\d+)\]",
            |found| {
                Some(Class::UnderMinIsr {
                    of: found.of()?,
                    isr: found.number("isr")?,
                    min: found.number("min")?,
                })
            },
        ),
        // Since 2.1; `Set(…)` up to Scala's end.
        message(
            &["is insufficient to satisfy the min.isr requirement"],
            r"The size of the current ISR (?P<isr>[^a-z]*?(?:Set\()?[\d, ]*\)?\]?) ?is insufficient to satisfy the min\.isr requirement of (?P<min>\d+) for partition {tp}",
            |found| {
                Some(Class::UnderMinIsr {
                    of: found.of()?,
                    isr: found.ids("isr").len() as u64,
                    min: found.number("min")?,
                })
            },
        ),
    ]
}

/// Who leads, from where.
fn leaders() -> Vec<Message> {
    vec![
        // KRaft, state-change.log.
        message(
            &["Skipped the become-leader state change"],
            r"Skipped the become-leader state change for {tp} with topic id \S+ and partition state LeaderAndIsrPartitionState\(.*?leader=(?P<leader>-?\d+), leaderEpoch=(?P<epoch>\d+), isr=\[(?P<isr>[\d, ]*)\], partitionEpoch=\d+, replicas=\[(?P<replicas>[\d, ]*)\](?:, addingReplicas=\[(?P<adding>[\d, ]*)\])?",
            |found| {
                Some(Class::LeaderKept {
                    of: found.of()?,
                    leader: found.number("leader")?,
                    epoch: found.number("epoch")?,
                    isr: found.ids("isr"),
                    replicas: found.ids("replicas"),
                    adding: found.ids("adding"),
                })
            },
        ),
        // state-change.log since 2.6; KRaft names the leader.
        message(
            &["starts at leader epoch"],
            r"Follower {tp}(?: with topic id \S+)? starts at leader epoch (?P<epoch>\d+) from offset (?P<offset>\d+)(?:.*?Current leader is (?P<leader>-?\d+))?",
            |found| {
                Some(Class::FollowerStart {
                    of: found.of()?,
                    epoch: found.number("epoch")?,
                    offset: found.number("offset")?,
                    leader: found.number("leader"),
                })
            },
        ),
        // 0.11–2.5 in server.log, since 2.6 in state-change.log.
        message(
            &["starts at Leader Epoch", "starts at leader epoch"],
            r"(?:Leader |[:\]] ){tp}(?: with topic id \S+)? starts at [Ll]eader [Ee]poch (?P<epoch>\d+) from offset (?P<offset>\d+)(?:.*?ISR \[(?P<isr>[\d, ]*)\])?",
            |found| {
                Some(Class::LeaderStart {
                    of: found.of()?,
                    epoch: found.number("epoch")?,
                    offset: found.number("offset")?,
                    isr: found.ids("isr"),
                })
            },
        ),
        // kafka.cluster.Partition since 2.4; before, kafka.cluster.Replica, for the replicas of others too (as 0).
        message(
            &["with initial high watermark"],
            r"(?:Log|Replica) loaded for partition {tp} with initial high watermark (?P<high>\d+)",
            |found| {
                Some(Class::HighWatermarkLoaded { of: found.of()?, high_watermark: found.number("high")? })
            },
        ),
        message(
            &["No checkpointed highwatermark is found"],
            r"No checkpointed highwatermark is found for partition {tp}",
            |found| Some(Class::HighWatermarkMissing { of: found.of()? }),
        ),
    ]
}

/// `(brokerId: 1, endOffset: 100, …)`, since 2.2.
fn behind(text: &str) -> Vec<Behind> {
    static ONE: LazyLock<Regex> = LazyLock::new(|| compile(r"\(brokerId: ([0-9]+), endOffset: (-?[0-9]+)"));
    ONE.captures_iter(text)
        .filter_map(|found| Some(Behind { broker: found[1].parse().ok()?, end: found[2].parse().ok()? }))
        .collect()
}
