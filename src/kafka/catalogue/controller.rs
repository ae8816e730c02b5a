//! Elections, fencing and the controller itself: controller.log and state-change.log.
//!
//! From 1.1 to the end of ZooKeeper no line of its own tells of an unclean election; KRaft has one at
//! INFO since 3.6.

use super::message::{Found, Message, message};
use crate::kafka::event::{Class, MoveReason};

pub(super) fn messages() -> Vec<Message> {
    let mut all = elections();
    all.extend(failures());
    all.extend(brokers());
    all.extend(itself());
    all
}

fn elections() -> Vec<Message> {
    vec![
        // kafka.controller.OfflinePartitionLeaderSelector 0.8.1–1.0 (WARN).
        message(
            &["No broker in ISR is alive for"],
            r"No broker in ISR is alive for {tp}\. Elect leader (?P<leader>-?\d+) from live brokers",
            unclean,
        ),
        // org.apache.kafka.controller.ReplicationControlManager, KRaft (INFO): the one with the topic's name.
        message(
            &["UNCLEAN partition change for"],
            r"UNCLEAN partition change for {tp} with topic ID (?P<topic_id>[A-Za-z0-9_-]+):? isr: \[(?P<isr>[\d, ]*)\].*?leader: -?\d+ -> (?P<leader>-?\d+)(?:.*? elr: \[(?P<elr>[\d, ]*)\])?(?:.*? lastKnownElr: \[(?P<last>[\d, ]*)\])?",
            unclean,
        ),
        // org.apache.kafka.controller.PartitionChangeBuilder, KRaft since 3.6 (INFO): a topic id only.
        message(
            &["using an unclean election"],
            r"Setting new leader for topicId (?P<topic_id>[A-Za-z0-9_-]+), partition \d+ to (?P<leader>-?\d+) using an unclean election",
            unclean,
        ),
        // KRaft since 3.9 (ERROR): the leader stands in the lines above.
        message(
            &["Triggering unclean leader election"],
            r"Triggering unclean leader election for offline partition {tp}",
            unclean,
        ),
        // Up to 1.0 (INFO): OfflinePartitionLeaderSelector, whether the new leader was in sync or not.
        message(
            &["Selected new leader and ISR"],
            r#"Selected new leader and ISR \{"leader":(?P<leader>\d+),"leader_epoch":\d+,"isr":\[(?P<isr>[\d,]*)\]\} for offline partition {tp}"#,
            |found| {
                Some(Class::LeaderElected {
                    of: found.of()?,
                    leader: found.number("leader")?,
                    isr: found.ids("isr"),
                    from_offline: true,
                    version: None,
                })
            },
        ),
        // kafka.controller.PartitionStateMachine 1.1–3.9 (TRACE up to 2.5, then INFO).
        message(
            &["to OnlinePartition with state LeaderAndIsr"],
            r"Changed partition {tp} from (?P<old>[A-Za-z]+) to OnlinePartition with state LeaderAndIsr\(leader=(?P<leader>-?\d+), .*?isr(?:WithBrokerEpoch)?=List\((?P<isr>.*?)\), (?:leaderRecoveryState=\w+, )?(?:zkVersion|partitionEpoch)=(?P<version>\d+)",
            |found| {
                Some(Class::LeaderElected {
                    of: found.of()?,
                    leader: found.number("leader")?,
                    isr: isr(found.text("isr")?),
                    from_offline: found.text("old")? == "OfflinePartition",
                    version: found.number("version"),
                })
            },
        ),
        // kafka.controller.ControllerChannelManager, 1.0 to 2.5 (TRACE, which state.change.logger writes there): a
        // partition's state as the controller has it, also that which it changed without a line.
        message(
            &["Sending become-leader LeaderAndIsr request", "Sending become-follower LeaderAndIsr request"],
            r"Sending become-(?:leader|follower) LeaderAndIsr request (?:LeaderAndIsr)?PartitionState\(.*?leader=(?P<leader>-?\d+), leaderEpoch=\d+, isr=\[?(?P<isr>[\d, ]*?)\]?, zkVersion=(?P<version>\d+), .*? for partition {tp}",
            |found| {
                Some(Class::LeaderElected {
                    of: found.of()?,
                    leader: found.number("leader")?,
                    isr: found.ids("isr"),
                    from_offline: false,
                    version: found.number("version"),
                })
            },
        ),
        // kafka.controller.ReplicaStateMachine, seen in 2.8 (INFO).
        message(
            &["as part of transition to OfflineReplica"],
            r"Partition {tp} state changed to \(Leader:(?P<leader>-?\d+),ISR:(?P<isr>[\d,]*),.*?(?:ZkVersion|PartitionEpoch):(?P<version>\d+),.*?\) after removing replica (?P<removed>\d+) from the ISR as part of transition to OfflineReplica",
            |found| {
                Some(Class::IsrReduced {
                    of: found.of()?,
                    leader: found.number("leader")?,
                    isr: found.ids("isr"),
                    removed: found.number("removed")?,
                    version: found.number("version"),
                })
            },
        ),
    ]
}

/// `3, 1`, or since 3.5 `BrokerState(brokerId=3, brokerEpoch=-1), …`.
fn isr(text: &str) -> Vec<i64> {
    if text.contains("brokerId=") {
        let ids = text.split("brokerId=").skip(1);
        return ids.filter_map(|rest| rest.split([',', ')']).next()?.trim().parse().ok()).collect();
    }
    text.split(',').filter_map(|id| id.trim().parse().ok()).collect()
}

fn unclean(found: &Found<'_>) -> Option<Class> {
    // 4.x keeps the last that were in sync in a list of its own, the eligible leader replicas, and where that is empty
    // too the last leader.
    let before = ["isr", "elr", "last"].map(|group| found.ids(group));
    let isr_before = before.into_iter().find(|ids| !ids.is_empty()).unwrap_or_default();
    Some(Class::UncleanElection {
        of: found.of(),
        leader: found.number("leader").unwrap_or(-1),
        topic_id: found.owned("topic_id"),
        isr_before,
    })
}

/// Partitions that stay without a leader.
fn failures() -> Vec<Message> {
    vec![
        // ZooKeeper mode, 1.1 and later. A partition that is online keeps its leader.
        message(
            &["failed to change state for partition"],
            r"failed to change state for partition {tp} from (?P<from>\w+) to \w+",
            |found| {
                let of = found.of()?;
                Some(match found.text("from")? {
                    "OnlinePartition" => Class::LeaderNotMoved { of },
                    _ => Class::ElectionFailed { of, strategy: None },
                })
            },
        ),
        // The preferred replica's election, a reassignment's and that of a clean stop are of partitions that are led.
        message(
            &["Failed to elect leader for partition"],
            r"Failed to elect leader for partition {tp} under strategy (?P<strategy>\w+)",
            |found| {
                let of = found.of()?;
                Some(match found.owned("strategy")? {
                    offline if offline.starts_with("Offline") => {
                        Class::ElectionFailed { of, strategy: Some(offline) }
                    }
                    _ => Class::LeaderNotMoved { of },
                })
            },
        ),
        // kafka.controller.KafkaController, 2.2 and later; the kind of the election since 2.4.
        message(
            &["Error completing "],
            r"Error completing (?:preferred replica leader election|replica leader election \(PREFERRED\)) for partition {tp}",
            |found| Some(Class::LeaderNotMoved { of: found.of()? }),
        ),
        // Up to 1.0: NoReplicaOnlineException.
        message(
            &["is alive. Live brokers are: ["],
            r"No (?P<who>broker|replica)(?: in ISR)? for partition {tp} is alive\. Live brokers are: \[(?P<live>.*?)\][,.] (?:ISR brokers|Assigned replicas) are: \[(?P<wanted>.*?)\]",
            |found| {
                Some(Class::NoReplicaAlive {
                    of: found.of()?,
                    live: found.ids("live"),
                    wanted: found.ids("wanted"),
                    any_replica: found.text("who")? == "replica",
                })
            },
        ),
    ]
}

/// Brokers as KRaft's controller sees them.
fn brokers() -> Vec<Message> {
    vec![
        message(
            &["Fencing broker "],
            r"Fencing broker (?P<broker>\d+)(?: at epoch (?P<epoch>\d+))? because its session has timed out",
            |found| Some(Class::Fenced { broker: found.number("broker")?, epoch: found.number("epoch") }),
        ),
        // kafka.controller.TopicDeletionManager, 0.8.1 to 3.9.
        message(
            &["Deletion of topic "],
            r"Deletion of topic (?P<topic>[A-Za-z0-9._-]+) \(re\)started",
            |found| Some(Class::TopicDeleted { topic: found.owned("topic")? }),
        ),
        // org.apache.kafka.controller.ReplicationControlManager; `Replayed RemoveTopicRecord` since 3.7.
        message(
            &["RemoveTopicRecord for topic ", "Removed topic "],
            r"(?:RemoveTopicRecord for topic|Removed topic) (?P<topic>[A-Za-z0-9._-]+) with ID",
            |found| Some(Class::TopicDeleted { topic: found.owned("topic")? }),
        ),
        // kafka.controller.KafkaController, 0.8 to 3.9.
        message(
            &["Broker failure callback for "],
            r"Broker failure callback for (?P<brokers>\d[\d,]*)",
            |found| Some(Class::BrokersLeft { brokers: found.ids("brokers") }),
        ),
        message(
            &["New broker startup callback for "],
            r"New broker startup callback for (?P<brokers>\d[\d,]*)",
            |found| Some(Class::BrokersCame { brokers: found.ids("brokers") }),
        ),
        // org.apache.kafka.controller.BrokerHeartbeatManager, 3.0 and later.
        message(
            &[" to unfence has been granted"],
            r"The request from broker (?P<broker>\d+) to unfence has been granted",
            |found| Some(Class::Unfenced { broker: found.number("broker")? }),
        ),
        // kafka.server.BrokerLifecycleManager: the broker itself.
        message(
            &["The broker has been unfenced"],
            r"\[BrokerLifecycleManager id=(?P<broker>\d+)\] The broker has been unfenced",
            |found| Some(Class::Unfenced { broker: found.number("broker")? }),
        ),
        message(
            &["handleBroker"],
            r"handleBroker(?P<why>Fenced|Unfenced|Unregistered|UncleanShutdown|InControlledShutdown): changing (?P<count>\d+) partition\(s\)",
            |found| {
                let why = match found.text("why")? {
                    "Fenced" => MoveReason::Fenced,
                    "Unfenced" => MoveReason::Unfenced,
                    "Unregistered" => MoveReason::Unregistered,
                    "UncleanShutdown" => MoveReason::UncleanShutdown,
                    _ => MoveReason::ControlledShutdown,
                };
                Some(Class::PartitionsMoved { why, count: found.number("count")? })
            },
        ),
        // 3.7 and later (WARN).
        message(
            &["marked offline, remaining directories"],
            r"Directories (?P<dirs>.+?) in broker (?P<broker>\d+) marked offline, remaining directories: (?P<left>[^(]*)",
            |found| {
                Some(Class::DirsOffline {
                    broker: found.number("broker")?,
                    dirs: found.owned("dirs")?,
                    left: found.text("left")?.trim().to_owned(),
                })
            },
        ),
    ]
}

/// The controller comes and goes.
fn itself() -> Vec<Message> {
    vec![
        // kafka.controller.KafkaController: 0.10 … 1.0, and since 1.1 with the epoch.
        message(
            &["successfully elected as"],
            r"(?P<broker>\d+) successfully elected as (?:the controller|leader)(?:\. Epoch incremented to (?P<epoch>\d+))?",
            elected,
        ),
        // KRaft: QuorumController.
        message(
            &["ecoming the active controller at epoch", "ecoming active at"],
            r"\[(?:QuorumController|Controller) (?:id=)?(?P<broker>\d+)\] Becoming (?:the active controller at epoch|active at controller epoch) (?P<epoch>\d+)",
            elected,
        ),
        message(&["] Resigned"], r"\[Controller (?:id=)?(?P<broker>\d+)[^\]]*\] Resigned", resigned),
        message(
            &["resigned as the controller"],
            r"Broker (?P<broker>\d+) resigned as the controller",
            resigned,
        ),
        message(
            &["Renouncing the leadership"],
            r"\[(?:QuorumController|Controller) (?:id=)?(?P<broker>\d+)\] Renouncing the leadership",
            resigned,
        ),
    ]
}

fn elected(found: &Found<'_>) -> Option<Class> {
    Some(Class::ControllerElected { broker: found.number("broker"), epoch: found.number("epoch") })
}

fn resigned(found: &Found<'_>) -> Option<Class> {
    Some(Class::ControllerResigned { broker: found.number("broker") })
}
