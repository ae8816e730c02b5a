//! The follower's side of replication: kafka.server.ReplicaFetcherThread and AbstractFetcherThread.
//!
//! The id in the thread's name, or `leaderId`, is the leader; the line stands in the follower's log.

use super::message::{Found, Message, message};
use crate::kafka::event::{Class, ConnectionTrouble};

pub(super) fn messages() -> Vec<Message> {
    let mut all = positions();
    all.extend(cuts());
    all.extend(threads());
    all
}

/// Where a follower goes on fetching.
fn positions() -> Vec<Message> {
    vec![
        // 0.8.1–0.11 (ERROR): ReplicaFetcherThread.handleOffsetOutOfRange.
        message(
            &["out of range; reset offset to"],
            r"\[ReplicaFetcherThread-\d+-(?P<leader>\d+)\][,:] Current offset (?P<from>\d+) for partition {tp} out of range; reset offset to (?P<to>\d+)",
            |found| reset(found, None),
        ),
        // 1.0 (ERROR), since 1.1 (INFO): "… which typically implies a leader change".
        message(
            &["out of range; reset offset to", "is out of range, which typically implies"],
            r"leaderId=(?P<leader>\d+), fetcherId=\d+\] Current offset (?P<from>\d+) for partition {tp} (?:is )?out of range(?:, which typically implies a leader change\. R|; r)eset (?:fetch )?offset to (?P<to>\d+)",
            |found| reset(found, None),
        ),
        // 0.8.1–0.11 (WARN); without `from` in 0.8.1, with `from` equal to `to` up to 0.8.2.
        message(
            &["reset its fetch offset"],
            r"Replica \d+ for partition {tp} reset its fetch offset (?:from (?P<from>\d+) )?to current leader (?P<leader>\d+)'s (?P<kind>latest|start) offset (?P<to>\d+)",
            |found| reset(found, Some(found.text("kind")? == "start")),
        ),
        // Since 1.0 (WARN); the start form up to 3.5.
        message(
            &["Reset fetch offset for partition"],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Reset fetch offset for partition {tp} from (?P<from>\d+) to current leader's (?P<kind>latest|start) offset (?P<to>\d+)",
            |found| reset(found, Some(found.text("kind")? == "start")),
        ),
        // Since 3.6 (WARN): too far behind, starts anew.
        message(
            &["Truncate fully and reset fetch offset"],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Truncate fully and reset fetch offset for partition {tp} from (?P<from>\d+) to the current leader's start offset (?P<to>\d+)",
            |found| reset(found, Some(true)),
        ),
        // Since 3.6 (INFO).
        message(
            &["to the current local replica's end offset"],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Reset fetch offset for partition {tp} from \d+ to the current local replica's end offset (?P<to>\d+)",
            |found| {
                Some(Class::FetchUnmoved {
                    of: found.of()?,
                    leader: found.number("leader"),
                    at: found.number("to")?,
                })
            },
        ),
        // 0.8.2–2.0.0 (FATAL, ERROR from 1.1): gone with KAFKA-7414.
        message(
            &["because log truncation is not allowed for"],
            r"because log truncation is not allowed for (?:topic (?P<alone>[A-Za-z0-9._-]+)|partition {tp}), [Cc]urrent leader(?: (?P<leader>\d+))?'s latest offset (?P<to>\d+) is less than replica(?: \d+)?'s latest offset (?P<from>\d+)",
            |found| {
                let alone = found.owned("alone");
                Some(Class::TruncationRefused {
                    topic: alone.or_else(|| found.owned("topic"))?,
                    partition: found.number("partition"),
                    leader: found.number("leader"),
                    from: found.number("from")?,
                    to: found.number("to")?,
                })
            },
        ),
        // 0.11 and later (WARN).
        message(
            &["leader replied with an unknown offset"],
            r"leader epoch, leader replied with an unknown offset in {tp}\. (?:High watermark|The initial fetch offset) (?P<to>\d+) will be used for truncation",
            |found| Some(Class::EpochUnknown { of: found.of()?, to: found.number("to")? }),
        ),
    ]
}

/// What a follower cuts off its log.
fn cuts() -> Vec<Message> {
    vec![
        // 2.0 and later in the source.
        message(
            &["below high watermark"],
            r"Truncating {tp} to offset (?P<to>\d+) below high watermark (?P<from>\d+)",
            back,
        ),
        // Since 3.1 (INFO).
        message(
            &["with TruncationState("],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Truncating partition {tp} with TruncationState\(offset=(?P<to>\d+)",
            truncated,
        ),
        // 2.2–3.0 (INFO).
        message(
            &["to local high watermark"],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Truncating partition {tp} to local high watermark (?P<to>\d+)",
            truncated,
        ),
        // kafka.log.Log, UnifiedLog since 3.1: since 2.4 (WARN).
        message(
            &["Non-monotonic update of high watermark"],
            r"Log partition={tp}, dir=[^\]]*\] Non-monotonic update of high watermark from \(offset=(?P<from>\d+)[^)]*\) to \(offset=(?P<to>\d+)",
            back,
        ),
        // kafka.log.Log and its heirs (INFO).
        message(
            &["has no effect as the largest offset"],
            r"(?:Log partition={tp}, dir=[^\]]*\] )?Truncating to (?P<to>\d+) has no effect as the largest offset in the log is (?P<last>-?\d+)",
            nothing,
        ),
        message(
            &["has no effect as the largest offset"],
            r"Truncating {tp} to (?P<to>\d+) has no effect as the largest offset in the log is (?P<last>-?\d+)",
            nothing,
        ),
        // 0.8.1–1.0.1, and since 1.0.2 (INFO).
        message(&["Truncating log "], r"Truncating log {tp} to offset (?P<to>\d+)", truncated),
        message(
            &["] Truncating to offset "],
            r"Log partition={tp}, dir=[^\]]*\] Truncating to offset (?P<to>\d+)",
            truncated,
        ),
    ]
}

/// Threads and partitions that stop.
fn threads() -> Vec<Message> {
    vec![
        // Since 2.3 (WARN), KIP-461.
        message(
            &["marked as failed", "Unexpected error occurred while processing data for partition "],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?(?:Partition|Unexpected error occurred while processing data for partition) {tp} (?:marked as failed|at offset)",
            |found| Some(Class::PartitionFailed { of: found.of()?, leader: found.number("leader") }),
        ),
        // Since 2.3 (INFO): the line that makes the one above normal.
        message(
            &["has an older epoch"],
            r"(?:leaderId=(?P<leader>\d+), fetcherId=\d+\] )?Partition {tp} has an older epoch \((?:Optional\[)?(?P<epoch>-?\d+)\]?\) than the current leader\. Will await",
            |found| {
                Some(Class::AwaitsLeader {
                    of: found.of()?,
                    epoch: found.number("epoch"),
                    leader: found.number("leader"),
                })
            },
        ),
        // All versions (ERROR): ShutdownableThread.
        message(
            &["] Error due to", "], Error due to", "]: Error due to"],
            r"\[ReplicaFetcherThread-(?P<fetcher>\d+)-(?P<leader>\d+)\][,:]? Error due to\b",
            died,
        ),
        message(
            &["] Error due to", "]: Error due to"],
            r"\[ReplicaFetcher replicaId=\d+, leaderId=(?P<leader>\d+), fetcherId=(?P<fetcher>\d+)\][,:]? Error due to\b",
            died,
        ),
        // AbstractFetcherThread.processFetchRequest, all versions (ERROR).
        message(
            &["Found invalid messages during fetch"],
            r"Found invalid messages during fetch for partition {tp} offset (?P<offset>\d+)",
            |found| Some(Class::InvalidMessages { of: found.of()?, offset: found.number("offset")? }),
        ),
        message(
            &["log end offset = "],
            r"Offset mismatch(?: for partition {tp})?: fetched offset = (?P<fetched>\d+), log end offset = (?P<end>\d+)",
            |found| {
                Some(Class::OffsetMismatch {
                    of: found.of(),
                    fetched: found.number("fetched")?,
                    end: found.number("end")?,
                })
            },
        ),
        // ERROR up to 1.0, INFO up to 2.0.
        message(
            &["Error for partition "],
            r"Error for partition {tp} (?:to broker (?P<leader>\d+)|at offset \d+): ?\S*(?:NotLeader(?:ForPartition|OrFollower)|UnknownTopicOrPartition)",
            |found| Some(Class::NotLeader { of: found.of()?, leader: found.number("leader") }),
        ),
        // 2.1 and later (WARN, INFO).
        message(
            &[
                "Received UNKNOWN_TOPIC",
                "Received NOT_LEADER",
                "Received FENCED_LEADER",
                "Received UNKNOWN_LEADER",
            ],
            r"leaderId=(?P<leader>\d+), fetcherId=\d+\] Received (?:UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|NOT_LEADER_FOR_PARTITION|NOT_LEADER_OR_FOLLOWER|FENCED_LEADER_EPOCH|UNKNOWN_LEADER_EPOCH) from the leader for partition {tp}",
            |found| Some(Class::NotLeader { of: found.of()?, leader: found.number("leader") }),
        ),
        // 0.9 and later (ERROR), with a fetch request below version 3: warnIfMessageOversized and its later names.
        message(
            &["greater than replica.fetch.max.bytes"],
            r"is failing due to a message that is greater than replica\.fetch\.max\.bytes(?: for partition {tp})?",
            |found| Some(Class::FetchOversized { of: found.of() }),
        ),
        message(
            &["Error sending fetch request"],
            r"Error sending fetch request \(.*?\) to node (?P<leader>\d+)",
            |found| trouble(found, ConnectionTrouble::NotSent),
        ),
        message(
            &["was disconnected before the response was read"],
            r"Connection to (?P<leader>\d+)(?: \([^)]*\))? was disconnected before the response was read",
            |found| trouble(found, ConnectionTrouble::Disconnected),
        ),
        message(
            &["Failed to connect within "],
            r"SocketTimeoutException: Failed to connect within \d+ ms",
            |found| trouble(found, ConnectionTrouble::Timeout),
        ),
    ]
}

fn reset(found: &Found<'_>, to_start: Option<bool>) -> Option<Class> {
    Some(Class::FetchReset {
        of: found.of()?,
        // Kafka's own mark for "no leader".
        leader: found.number("leader").unwrap_or(-1),
        from: found.number("from"),
        to: found.number("to")?,
        to_start,
    })
}

fn back(found: &Found<'_>) -> Option<Class> {
    Some(Class::HighWatermarkBack { of: found.of()?, from: found.number("from")?, to: found.number("to")? })
}

fn truncated(found: &Found<'_>) -> Option<Class> {
    Some(Class::Truncated { of: found.of()?, to: found.number("to")?, leader: found.number("leader") })
}

/// What the thread that moves a replica to another log dir says is about its copy (KIP-113): it fetches and cuts as a
/// follower does, with the replica as its leader.
pub(super) fn of_copy(line: &str, class: Class) -> Option<Class> {
    let of_follower = matches!(
        class,
        Class::Truncated { .. }
            | Class::TruncatedNothing { .. }
            | Class::EpochUnknown { .. }
            | Class::FetchReset { .. }
            | Class::FetchUnmoved { .. }
            | Class::AwaitsLeader { .. }
            | Class::PartitionFailed { .. }
            | Class::NotLeader { .. }
    );
    if !of_follower || !line.contains("[ReplicaAlterLogDirsThread") {
        return Some(class);
    }
    match class {
        Class::Truncated { of, to, .. } => Some(Class::CopyTruncated { of, to }),
        _ => None,
    }
}

fn nothing(found: &Found<'_>) -> Option<Class> {
    Some(Class::TruncatedNothing { of: found.of(), to: found.number("to")?, last: found.number("last")? })
}

fn died(found: &Found<'_>) -> Option<Class> {
    Some(Class::FetcherDied { leader: found.number("leader")?, fetcher: found.number("fetcher") })
}

fn trouble(found: &Found<'_>, why: ConnectionTrouble) -> Option<Class> {
    Some(Class::FetchConnection { leader: found.number("leader"), why })
}
