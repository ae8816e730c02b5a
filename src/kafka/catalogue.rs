//! The messages of Kafka that tell of divergence, lost data and dead cleaners, in all versions.
//!
//! Patterns are searched in the whole line, so that they hold under any log4j layout. `[topic,13]` is
//! how partitions were written up to 0.11 (kafka.common.TopicAndPartition), `topic-13` since 1.0.

use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};

use crate::kafka::event::{Class, CleanerStats, Level, TopicPartition};
use crate::kafka::harmless;
use crate::kafka::record::compile;

/// A partition in both spellings.
const TP: &str = r"\[?(?P<topic>[A-Za-z0-9._-]+)[,-](?P<partition>[0-9]+)\]?";

/// What a message's captures make of it.
type Read = fn(&Captures<'_>) -> Option<Class>;

struct Message {
    pattern: String,
    read: Read,
}

/// Takes `{tp}` for a partition.
fn message(pattern: &str, read: Read) -> Message {
    Message { pattern: pattern.replace("{tp}", TP), read }
}

/// The first that matches and can be read decides.
fn messages() -> Vec<Message> {
    let mut all = Vec::new();
    all.extend(fetcher());
    all.extend(logs());
    all.extend(cleaner());
    all.extend(lifecycle());
    all.extend(elections());
    all
}

/// kafka.server.ReplicaFetcherThread and AbstractFetcherThread. The id in the thread's name, or
/// `leaderId`, is the leader; the line stands in the follower's log.
fn fetcher() -> Vec<Message> {
    vec![
        // 0.8.1–0.11 (ERROR): ReplicaFetcherThread.handleOffsetOutOfRange.
        message(
            r"\[ReplicaFetcherThread-[0-9]+-(?P<leader>[0-9]+)\][,:] Current offset (?P<from>[0-9]+) for partition {tp} out of range; reset offset to (?P<to>[0-9]+)",
            |found| reset(found, None),
        ),
        // 1.0 (ERROR), since 1.1 (INFO): "… which typically implies a leader change".
        message(
            r"leaderId=(?P<leader>[0-9]+), fetcherId=[0-9]+\] Current offset (?P<from>[0-9]+) for partition {tp} (?:is )?out of range(?:, which typically implies a leader change\. R|; r)eset (?:fetch )?offset to (?P<to>[0-9]+)",
            |found| reset(found, None),
        ),
        // 0.8.1–0.11 (WARN); without `from` in 0.8.1, with `from` equal to `to` up to 0.8.2.
        message(
            r"Replica [0-9]+ for partition {tp} reset its fetch offset (?:from (?P<from>[0-9]+) )?to current leader (?P<leader>[0-9]+)'s (?P<kind>latest|start) offset (?P<to>[0-9]+)",
            |found| reset(found, Some(found.name("kind")?.as_str() == "start")),
        ),
        // Since 1.0 (WARN); the start form up to 3.5.
        message(
            r"(?:leaderId=(?P<leader>[0-9]+), fetcherId=[0-9]+\] )?Reset fetch offset for partition {tp} from (?P<from>[0-9]+) to current leader's (?P<kind>latest|start) offset (?P<to>[0-9]+)",
            |found| reset(found, Some(found.name("kind")?.as_str() == "start")),
        ),
        // Since 3.6 (WARN): too far behind, starts anew.
        message(
            r"(?:leaderId=(?P<leader>[0-9]+), fetcherId=[0-9]+\] )?Truncate fully and reset fetch offset for partition {tp} from (?P<from>[0-9]+) to the current leader's start offset (?P<to>[0-9]+)",
            |found| reset(found, Some(true)),
        ),
        message(
            r"Reset fetch offset for partition {tp} from [0-9]+ to the current local replica's end offset [0-9]+",
            |_| {
                Some(Class::Harmless {
                    why: "the fetch position moved to the replica's own end: nothing was cut",
                })
            },
        ),
        // 2.0 and later in the source.
        message(r"Truncating {tp} to offset (?P<to>[0-9]+) below high watermark (?P<from>[0-9]+)", |found| {
            Some(Class::HighWatermarkBack {
                of: of(found)?,
                from: number(found, "from")?,
                to: number(found, "to")?,
            })
        }),
        // Since 3.1 (INFO).
        message(
            r"(?:leaderId=(?P<leader>[0-9]+), fetcherId=[0-9]+\] )?Truncating partition {tp} with TruncationState\(offset=(?P<to>[0-9]+)",
            truncated,
        ),
        // 2.2–3.0 (INFO).
        message(
            r"(?:leaderId=(?P<leader>[0-9]+), fetcherId=[0-9]+\] )?Truncating partition {tp} to local high watermark (?P<to>[0-9]+)",
            truncated,
        ),
    ]
}

/// kafka.log.Log, UnifiedLog since 3.1.
fn logs() -> Vec<Message> {
    vec![
        // Since 2.4 (WARN).
        message(
            r"Log partition={tp}, dir=[^\]]*\] Non-monotonic update of high watermark from \(offset=(?P<from>[0-9]+)[^)]*\) to \(offset=(?P<to>[0-9]+)",
            |found| {
                Some(Class::HighWatermarkBack {
                    of: of(found)?,
                    from: number(found, "from")?,
                    to: number(found, "to")?,
                })
            },
        ),
        message(
            r"Truncating (?:[A-Za-z0-9._-]+-[0-9]+ )?to [0-9]+ has no effect as the largest offset",
            |_| Some(Class::Harmless { why: "the log ends before that offset: nothing was cut" }),
        ),
        // 0.8.1–1.0.1, and since 1.0.2 (INFO).
        message(r"Truncating log {tp} to offset (?P<to>[0-9]+)", truncated),
        message(r"Log partition={tp}, dir=[^\]]*\] Truncating to offset (?P<to>[0-9]+)", truncated),
    ]
}

/// kafka.log.LogCleaner; org.apache.kafka.storage.internals.log.LogCleaner since 4.1.
fn cleaner() -> Vec<Message> {
    vec![
        // 0.8.1 and later (ERROR); from 3.5 to 3.9 in server.log.
        message(r"\[kafka-log-cleaner-thread-(?P<thread>[0-9]+)\][,:] Error due to\b", |found| {
            Some(Class::CleanerDied { thread: number(found, "thread")? })
        }),
        // 2.1 and later (WARN), KIP-346.
        message(r"when cleaning log .+\. Marking its partition \({tp}\) as uncleanable", |found| {
            Some(Class::Uncleanable { of: of(found)? })
        }),
        message(r"Log cleaner thread [0-9]+ cleaned log {tp} \(dirty section", |found| {
            Some(Class::CleanerWorked { of: of(found)?, stats: CleanerStats::default() })
        }),
        message(r"Cleaner [0-9]+: Beginning cleaning of log {tp}", |found| {
            Some(Class::CleanerBegan { of: of(found)? })
        }),
        message(r"\[kafka-log-cleaner-thread-(?P<thread>[0-9]+)\][,:] Starting\b", |found| {
            Some(Class::CleanerStarted { thread: number(found, "thread")? })
        }),
    ]
}

/// Starts and versions.
fn lifecycle() -> Vec<Message> {
    vec![
        // kafka.server.KafkaServer, BrokerServer, KafkaRaftServer.
        message(
            r"\[(?:Kafka Server |KafkaServer id=|BrokerServer id=|KafkaRaftServer nodeId=)(?P<broker>[0-9]+)\],? (?:Kafka Server )?[Ss]tarted\b",
            |found| Some(Class::Started { broker: number(found, "broker") }),
        ),
        // org.apache.kafka.common.utils.AppInfoParser, with a space before the colon up to 2.0.
        message(r"Kafka version ?: ?(?P<version>[0-9][0-9A-Za-z.-]*)", |found| {
            Some(Class::Version { version: found.name("version")?.as_str().to_owned() })
        }),
    ]
}

/// Elections of leaders that were not in sync.
fn elections() -> Vec<Message> {
    vec![
        // kafka.controller.OfflinePartitionLeaderSelector 0.8.1–1.0 (WARN).
        message(
            r"No broker in ISR is alive for {tp}\. Elect leader (?P<leader>-?[0-9]+) from live brokers",
            |found| unclean(found),
        ),
        // org.apache.kafka.controller.ReplicationControlManager, KRaft (INFO): the one with the topic's name.
        message(
            r"UNCLEAN partition change for {tp} with topic ID \S+ isr: .*leader: -?[0-9]+ -> (?P<leader>-?[0-9]+)",
            |found| unclean(found),
        ),
        // org.apache.kafka.controller.PartitionChangeBuilder, KRaft since 3.6 (INFO): a topic id only.
        message(
            r"Setting new leader for topicId \S+, partition [0-9]+ to (?P<leader>-?[0-9]+) using an unclean election",
            |found| unclean(found),
        ),
        // KRaft since 3.9 (ERROR): the leader stands in the lines above.
        message(r"Triggering unclean leader election for offline partition {tp}", |found| unclean(found)),
        // kafka.controller.PartitionStateMachine 1.1–3.9 (TRACE up to 2.5, then INFO).
        message(
            r"Changed partition {tp} from (?P<old>[A-Za-z]+) to OnlinePartition with state LeaderAndIsr\(leader=(?P<leader>-?[0-9]+), .*?isr(?:WithBrokerEpoch)?=List\((?P<isr>[^=]*?)\), ",
            |found| {
                let isr = found.name("isr")?.as_str();
                Some(Class::LeaderElected {
                    of: of(found)?,
                    leader: number(found, "leader")?,
                    isr: isr.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
                    from_offline: found.name("old")?.as_str() == "OfflinePartition",
                })
            },
        ),
    ]
}

fn unclean(found: &Captures<'_>) -> Option<Class> {
    Some(Class::UncleanElection {
        of: of(found),
        leader: number(found, "leader").unwrap_or(-1),
        topic_id: None,
        isr_before: Vec::new(),
    })
}

fn reset(found: &Captures<'_>, to_start: Option<bool>) -> Option<Class> {
    Some(Class::FetchReset {
        of: of(found)?,
        // Kafka's own mark for "no leader".
        leader: number(found, "leader").unwrap_or(-1),
        from: number(found, "from"),
        to: number(found, "to")?,
        to_start,
    })
}

fn truncated(found: &Captures<'_>) -> Option<Class> {
    Some(Class::Truncated { of: of(found)?, to: number(found, "to")?, leader: number(found, "leader") })
}

fn of(found: &Captures<'_>) -> Option<TopicPartition> {
    Some(TopicPartition {
        topic: found.name("topic")?.as_str().to_owned(),
        partition: number(found, "partition")?,
    })
}

fn number<T: std::str::FromStr>(found: &Captures<'_>, name: &str) -> Option<T> {
    found.name(name)?.as_str().parse().ok()
}

struct Catalogue {
    set: RegexSet,
    messages: Vec<(Regex, Read)>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let messages = messages();
    Catalogue {
        // Cannot fail: the same patterns are compiled one by one below.
        set: RegexSet::new(messages.iter().map(|message| &message.pattern)).expect("constant patterns"),
        messages: messages.iter().map(|message| (compile(&message.pattern), message.read)).collect(),
    }
});

/// What a record is about.
pub fn classify(text: &str, continuation: &[String], level: Level) -> Class {
    if let Some(class) = known(text) {
        return class;
    }
    // Cleaner statistics have an empty message; what they say stands on the next line.
    if let Some(class) =
        continuation.iter().take(3).filter(|line| line.starts_with(['\t', ' '])).find_map(|line| known(line))
    {
        return class;
    }
    match harmless::why(text, level) {
        Some(why) => Class::Harmless { why },
        None => Class::Other,
    }
}

fn known(line: &str) -> Option<Class> {
    let catalogue = &*CATALOGUE;
    catalogue.set.matches(line).iter().find_map(|at| {
        let (pattern, read) = catalogue.messages.get(at)?;
        read(&pattern.captures(line)?)
    })
}

/// The number of the cleaner thread that a line is about.
pub fn cleaner_thread(line: &str) -> Option<u32> {
    static THREAD: LazyLock<Regex> = LazyLock::new(|| {
        compile(r"(?:kafka-log-cleaner-thread-|Log cleaner thread |Cleaner )(?P<thread>[0-9]+)")
    });
    number(&THREAD.captures(line)?, "thread")
}

/// The replica directory that an exception names: `/services/kafka/completeProduct-6/000….log`.
pub fn partition_in_path(text: &str) -> Option<TopicPartition> {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        compile(r"(?:^|[\s/(])(?P<topic>[A-Za-z0-9._-]+)-(?P<partition>[0-9]+)/[0-9]{20}\.")
    });
    of(&PATH.captures(text)?)
}

#[cfg(test)]
mod tests;
