//! Starts, recovery, stops, identities and settings.

use super::message::{Found, Message, message};
use crate::kafka::event::Class;

pub(super) fn messages() -> Vec<Message> {
    let mut all = life();
    all.extend(recovery());
    all.extend(loads());
    all.extend(identity());
    all.extend(settings());
    all
}

/// How the broker comes and goes.
fn life() -> Vec<Message> {
    vec![
        // kafka.server.KafkaServer up to 3.9; BrokerServer.
        message(
            &["starting (kafka.server.KafkaServer)", "from SHUTDOWN to STARTING"],
            r"starting \(kafka\.server\.KafkaServer\)|\[BrokerServer id=\d+\] Transition from SHUTDOWN to STARTING",
            |_| Some(Class::Starting),
        ),
        // kafka.server.KafkaServer, BrokerServer, KafkaRaftServer.
        message(
            &["] started", "] Started", "], started", "], Started", "Kafka Server started"],
            r"\[(?:Kafka Server |KafkaServer id=|BrokerServer id=|KafkaRaftServer nodeId=)(?P<broker>\d+)\],? (?:Kafka Server )?[Ss]tarted\b",
            |found| Some(Class::Started { broker: found.number("broker") }),
        ),
        // org.apache.kafka.common.utils.AppInfoParser, with a space before the colon up to 2.0.
        message(&["Kafka version"], r"Kafka version ?: ?(?P<version>[0-9][0-9A-Za-z.-]*)", |found| {
            Some(Class::Version { version: found.owned("version")? })
        }),
        message(
            &["Terminating process due to signal"],
            r"Terminating process due to signal (?:Signal\()?(?P<signal>\w+)",
            |found| Some(Class::Signal { signal: found.owned("signal")? }),
        ),
        message(
            &["hut down completed", "hutdown completed"],
            r"\[(?:Kafka Server |KafkaServer id=|BrokerServer id=|ControllerServer id=|KafkaRaftServer nodeId=)(?P<broker>\d+)\],? [Ss]hut ?down completed",
            |found| Some(Class::ShutdownDone { broker: found.number("broker") }),
        ),
        message(
            &[
                "] shutting down",
                "] Shutting down",
                "], shutting down",
                "], Shutting down",
                "to SHUTTING_DOWN",
            ],
            r"\[(?:Kafka Server |KafkaServer id=|BrokerServer id=)(?P<broker>\d+)\],? (?:[Ss]hutting down|Transition from \S+ to SHUTTING_DOWN)",
            |found| Some(Class::ShutdownBegan { broker: found.number("broker") }),
        ),
        message(
            &["Proceeding to do an unclean shutdown"],
            "Proceeding to do an unclean shutdown as all the controlled shutdown attempts failed",
            |_| Some(Class::ControlledShutdownFailed),
        ),
        message(
            &["Fatal error during "],
            r"Fatal error during (?P<phase>(?:KafkaServer|KafkaServerStable|KafkaServerStartable|broker|controller) (?:startup|shutdown))",
            |found| Some(Class::FatalError { phase: found.owned("phase")? }),
        ),
        // kafka.Kafka: also before there is a server that could start, for wrong settings or disks. Up to 1.0 the
        // exception alone, under an empty message.
        message(
            &["Exiting Kafka due to fatal exception", "(kafka.Kafka$)"],
            r"Exiting Kafka due to fatal exception|(?:^|FATAL)\s*\(kafka\.Kafka\$\)\s*$",
            |_| Some(Class::FatalError { phase: "startup".to_owned() }),
        ),
    ]
}

/// What a start after an unclean stop does to logs.
fn recovery() -> Vec<Message> {
    vec![
        // 2.6 and later; `Recovering … logs` since 3.0.
        message(
            &["since no clean shutdown file was found"],
            r"(?:Attempting recovery for all logs in|Recovering (?P<logs>\d+) logs from) (?P<dir>\S+) since no clean shutdown file was found",
            |found| Some(Class::UncleanStart { dir: found.owned("dir")?, logs: found.number("logs") }),
        ),
        message(
            &["Recovering unflushed segment"],
            r"Recovering unflushed segment (?P<base>\d+) in log {tp}",
            recovering,
        ),
        message(
            &["Recovering unflushed segment"],
            r"(?:\[(?:Log|LogLoader) partition={tp}, dir=[^\]]+\] )?Recovering unflushed segment (?P<base>\d+)",
            recovering,
        ),
        message(
            &["Corruption found in segment"],
            r"Corruption found in segment (?P<base>\d+) of log {tp}, truncating to offset (?P<to>\d+)",
            cut,
        ),
        message(
            &["Corruption found in segment"],
            r"(?:\[\w+ partition={tp}, dir=[^\]]+\] )?Corruption found in segment (?P<base>\d+), truncating to offset (?P<to>\d+)",
            cut,
        ),
        message(
            &["Found invalid offset during recovery"],
            r"Found invalid offset during recovery for log {tp}\. .*starting offset (?P<to>\d+)",
            discarded,
        ),
        message(
            &["Found invalid offset during recovery"],
            r"(?:\[\w+ partition={tp}, dir=[^\]]+\] )?Found invalid offset during recovery\. Deleting the corrupt segment and creating an empty one with starting offset (?P<to>\d+)",
            discarded,
        ),
        // 2.3 and later.
        message(
            &["Deleting all segments because logEndOffset"],
            r"(?:\[\w+ partition={tp}, dir=[^\]]+\] )?Deleting all segments because logEndOffset \((?P<end>\d+)\) is smaller than logStartOffset \(?(?P<start>\d+)",
            |found| {
                Some(Class::ReplicaEmptied {
                    of: found.of(),
                    end: found.number("end")?,
                    start: found.number("start")?,
                })
            },
        ),
        // 0.9 and later; three texts.
        message(
            &["Found a corrupted index file"],
            r"Found a corrupted index file.*?(?P<path>/\S*?{tp}/\d{20}\.[a-z]+)",
            |found| Some(Class::IndexCorrupt { of: found.of(), path: found.owned("path") }),
        ),
        message(&["Found a corrupted index file"], "Found a corrupted index file", |_| {
            Some(Class::IndexCorrupt { of: None, path: None })
        }),
        message(
            &["from interrupted swap operation"],
            r"Found (?:log )?file (?P<path>(?:\S*/)?{tp}/\d{20}\.\S+) from interrupted swap operation",
            |found| Some(Class::SwapResumed { of: found.of(), path: found.owned("path")? }),
        ),
    ]
}

/// Where a log starts and ends when it is opened.
fn loads() -> Vec<Message> {
    vec![
        // 0.8.1–1.0.1.
        message(
            &["Completed load of log "],
            r"Completed load of log {tp} with (?:(?P<segments>\d+) log segments(?:, log start offset (?P<start>\d+))? and )?log end offset (?P<end>\d+)",
            loaded,
        ),
        // 1.0.2–2.5.
        message(
            &["Completed load of log with"],
            r"Log partition={tp}, dir=[^\]]+\] Completed load of log with (?P<segments>\d+) segments, log start offset (?P<start>\d+) and log end offset (?P<end>\d+)",
            loaded,
        ),
        // 2.6 and later.
        message(
            &["Completed load of Log(", "Completed load of UnifiedLog("],
            r"Completed load of \w+\(dir=(?P<dir>[^,]+),(?: topicId=[^,]+,)? topic=(?P<topic>[A-Za-z0-9._-]+), partition=(?P<partition>\d+), highWatermark=(?P<high>\d+), lastStableOffset=\d+, logStartOffset=(?P<start>\d+), logEndOffset=(?P<end>\d+)\) with (?P<segments>\d+) segments",
            loaded,
        ),
    ]
}

/// Disks and ids that do not belong together.
fn identity() -> Vec<Message> {
    vec![
        message(
            &["doesn't match stored"],
            r"Configured (?:broker\.id|brokerId|node\.id) (?P<configured>\d+) doesn't match stored (?:broker\.id|brokerId|node\.id) (?:Some\()?(?P<stored>\d+)",
            |found| {
                Some(Class::BrokerIdMismatch {
                    configured: found.number("configured")?,
                    stored: found.number("stored")?,
                })
            },
        ),
        message(
            &["doesn't match stored"],
            r"The Cluster ID (?P<configured>\S+) doesn't match stored clusterId (?:Some\()?(?P<stored>[A-Za-z0-9_-]+)",
            |found| {
                Some(Class::ClusterIdMismatch {
                    configured: found.owned("configured")?,
                    stored: found.owned("stored")?,
                })
            },
        ),
        // kafka.server.KafkaServer, 0.10.1 to 3.9.
        message(&["Cluster ID = "], r"Cluster ID = (?P<id>[A-Za-z0-9_-]+)", |found| {
            Some(Class::ClusterJoined { id: found.owned("id")? })
        }),
        // org.apache.kafka.raft.KafkaRaftClient: the controllers refuse a node of another cluster, again and again.
        message(&["INCONSISTENT_CLUSTER_ID"], r"INCONSISTENT_CLUSTER_ID", |_| {
            Some(Class::ClusterIdMismatch { configured: String::new(), stored: String::new() })
        }),
        // kafka.log.Log, UnifiedLog since 2.8; the fetcher's INCONSISTENT_TOPIC_ID.
        message(
            &["does not match the topic I", "InconsistentTopicIdException", "INCONSISTENT_TOPIC_ID"],
            r"(?:(?:Topic [Ii][Dd]\S* in memory:?|[Tt]ried to assign topic ID|topic ID) .*?does not match the topic I[Dd]|InconsistentTopicIdException|INCONSISTENT_TOPIC_ID)(?:.{0,40}? for partition {tp})?",
            |found| Some(Class::TopicIdMismatch { of: found.of() }),
        ),
        // ZooKeeper up to 1.0, and since 1.1 (kafka.zk.KafkaZkClient); kafka.server.BrokerLifecycleManager; and without
        // the id, from the one who refuses: org.apache.kafka.controller.QuorumController.
        message(
            &[
                "A broker is already registered on the path",
                "Error while creating ephemeral at /brokers/ids/",
                "DUPLICATE_BROKER_REGISTRATION",
                "DuplicateBrokerRegistration",
                "Another broker is registered",
            ],
            r"(?:A broker is already registered on the path /brokers/ids/|Error while creating ephemeral at /brokers/ids/|Unable to register broker )(?P<broker>\d+)(?:\.|, node already exists| because the controller returned error DUPLICATE_BROKER_REGISTRATION)|DuplicateBrokerRegistration|Another broker is registered with that broker id",
            |found| Some(Class::BrokerIdInUse { broker: found.number("broker") }),
        ),
    ]
}

/// Settings as they change.
fn settings() -> Vec<Message> {
    vec![
        // kafka.server.DynamicConfigManager, ZooKeeper mode.
        message(
            &["Processing override for entityPath: "],
            r"Processing override for entityPath: (?:config/)?(?P<entity>\S+) with config: (?:Map\((?P<map>.*?)\)|\{(?P<object>.*?)\})",
            |found| {
                let list = found.text("map").or_else(|| found.text("object"))?;
                config(found.text("entity")?, list, if found.text("map").is_some() { "->" } else { "=" })
            },
        ),
        // kafka.server.metadata.DynamicConfigPublisher, KRaft.
        message(
            &[" with new configuration : "],
            r"Updating (?P<kind>topic|broker) (?P<name>\S+) with new configuration : (?P<list>.*?)(?: \([\w.$]+\))?$",
            |found| {
                let entity = format!("{}s/{}", found.text("kind")?, found.text("name")?);
                config(&entity, found.text("list")?, "->")
            },
        ),
        // org.apache.kafka.controller.ConfigurationControlManager, KRaft.
        message(
            &["): set configuration ", ") which set configuration "],
            r"ConfigResource\(type=(?P<kind>TOPIC|BROKER), name='(?P<name>[^']*)'\)(?:: | which )set configuration (?P<key>\S+) to (?P<value>.*?)(?: \([\w.$]+\))?$",
            |found| {
                let kind = found.text("kind")?.to_ascii_lowercase();
                Some(Class::Config {
                    entity: format!("{kind}s/{}", found.text("name")?),
                    settings: vec![(found.owned("key")?, found.owned("value")?)],
                })
            },
        ),
    ]
}

/// Settings that may hold a secret are named and not told.
fn config(entity: &str, list: &str, arrow: &str) -> Option<Class> {
    let settings = list
        .split(',')
        .filter_map(|one| one.split_once(arrow))
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| {
            let secret =
                ["password", "secret", "jaas", "credential", "key"].iter().any(|it| key.contains(it));
            (key.to_owned(), if secret { "[hidden]".to_owned() } else { value.to_owned() })
        })
        .collect();
    Some(Class::Config { entity: entity.to_owned(), settings })
}

fn recovering(found: &Found<'_>) -> Option<Class> {
    Some(Class::Recovering { of: found.of(), base: found.number("base")? })
}

fn cut(found: &Found<'_>) -> Option<Class> {
    Some(Class::CorruptionCut { of: found.of(), base: found.number("base")?, to: found.number("to")? })
}

fn discarded(found: &Found<'_>) -> Option<Class> {
    Some(Class::SegmentDiscarded { of: found.of(), to: found.number("to")? })
}

fn loaded(found: &Found<'_>) -> Option<Class> {
    // The copy that a move to another log dir makes is not yet the replica.
    if found.text("dir").is_some_and(|dir| dir.ends_with("-future")) {
        return None;
    }
    Some(Class::LogLoaded {
        of: found.of()?,
        start: found.number("start"),
        end: found.number("end")?,
        high_watermark: found.number("high"),
        segments: found.number("segments"),
    })
}
