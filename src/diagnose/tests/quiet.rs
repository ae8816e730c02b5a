//! What is normal must stay quiet: nothing above notice.

use super::scene::*;
use super::*;
use crate::compare::rounds::replica;
use crate::round::{ExpectTopic, Outcome, Replica, ReplicaKind, Visit};

fn quiet(hosts: Vec<Visit>) {
    let round = round(hosts);
    let found = findings(&round);
    nothing_worse_than(&found, Severity::Notice);
    assert_eq!(crate::diagnose::verdict(&round, &found).exit_code, 0, "{}", titles(&found));
}

fn held(name: &str, id: i64) -> Visit {
    broker(name, id).disk(vec![written("t", 0, GIB, 5)]).high_watermarks(&[("t", 0, 1000)])
}

#[test]
fn a_rolling_restart() {
    let leader = [
        started("09:00:00,000", 1),
        at(
            "10:00:01,000",
            "INFO [Partition t-0 broker=1] Shrinking ISR from 1,2 to 1. Leader: (highWatermark: 100, endOffset: 100). Out of sync replicas: (brokerId: 2, endOffset: 100). (kafka.cluster.Partition)",
        ),
        at(
            "10:00:10,000",
            "INFO [QuorumController id=1] Fencing broker 2 because its session has timed out. (org.apache.kafka.controller.ReplicationControlManager)",
        ),
        at(
            "10:00:31,000",
            "INFO [Partition t-0 broker=1] ISR updated to 1,2  and version updated to 2 (kafka.cluster.Partition)",
        ),
        at(
            "10:05:00,000",
            "WARN [NodeToControllerChannelManager id=1 name=heartbeat] Connection to node 2 (b/10.0.0.2:9093) could not be established. Node may not be available. (org.apache.kafka.clients.NetworkClient)",
        ),
    ];
    let follower = [
        started("09:00:00,000", 2),
        at("10:00:00,000", "INFO [KafkaServer id=2] shutting down (kafka.server.KafkaServer)"),
        at("10:00:00,500", "INFO [kafka-log-cleaner-thread-0]: Shutting down (kafka.log.LogCleaner)"),
        at("10:00:00,600", "INFO [kafka-log-cleaner-thread-0]: Stopped (kafka.log.LogCleaner)"),
        stopped("10:00:01,000", 2),
        at(
            "10:00:20,000",
            "INFO [LogLoader partition=__cluster_metadata-0, dir=/services/kafka] Recovering unflushed segment 0. 0/1 recovered for __cluster_metadata-0. (kafka.log.LogLoader)",
        ),
        started("10:00:30,000", 2),
        at(
            "10:00:30,100",
            "INFO [ReplicaFetcher replicaId=2, leaderId=1, fetcherId=0] Partition t-0 has an older epoch (1) than the current leader. Will await the new LeaderAndIsr state before resuming fetching. (kafka.server.ReplicaFetcherThread)",
        ),
        at(
            "10:00:30,101",
            "WARN [ReplicaFetcher replicaId=2, leaderId=1, fetcherId=0] Partition t-0 marked as failed (kafka.server.ReplicaFetcherThread)",
        ),
    ];
    quiet(vec![logged(held("a", 1), &leader), logged(held("b", 2), &follower)]);
    // In the middle of it: the follower is stopped.
    let down = with(held("b", 2), |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = true);
    let down = logged(
        down,
        &[
            started("09:00:00,000", 2),
            at("23:55:00,000", "INFO [KafkaServer id=2] shutting down (kafka.server.KafkaServer)"),
            stopped("23:55:01,000", 2),
        ],
    );
    let alone = at(
        "23:55:02,000",
        "INFO [Partition t-0 broker=1] Shrinking ISR from 1,2 to 1. Leader: (highWatermark: 100, endOffset: 100). Out of sync replicas: (brokerId: 2, endOffset: 100). (kafka.cluster.Partition)",
    );
    quiet(vec![logged(held("a", 1), &[alone]), down]);
}

#[test]
fn a_reassignment_under_way() {
    let two = ExpectTopic { replication_factor: Some(2), ..ExpectTopic::default() };
    let full = |name: &str, id| held(name, id);
    let coming = broker("c", 3).disk(vec![written("t", 0, 0, 3)]).high_watermarks(&[("t", 0, 0)]);
    let mut moving = round(vec![full("a", 1), full("b", 2), coming]);
    moving.plays[0].expect.topics = vec![("*".into(), two)];
    nothing_worse_than(&findings(&moving), Severity::Notice);
    // Within a broker: the future replica grows beside the current one.
    let future = Replica { kind: ReplicaKind::Future, ..written("t", 0, GIB / 2, 1) };
    let moving =
        broker("a", 1).disk(vec![written("t", 0, GIB, 5), future]).high_watermarks(&[("t", 0, 1000)]);
    quiet(vec![moving, held("b", 2)]);
}

#[test]
fn a_topic_just_created_and_one_being_deleted() {
    let new = |partitions: &[u32]| -> Vec<Replica> {
        partitions.iter().map(|partition| written("new", *partition, 0, 10)).collect()
    };
    quiet(vec![broker("a", 1).disk(new(&[0, 1, 2])), broker("b", 2).disk(new(&[0, 1]))]);
    let gone = |partition| Replica { kind: ReplicaKind::Deleting, ..written("old", partition, GIB, 100) };
    quiet(vec![
        broker("a", 1).disk(vec![gone(0), gone(1)]),
        broker("b", 2).disk(vec![written("old", 0, GIB, 100), gone(1)]),
    ]);
}

#[test]
fn compaction_running_and_a_log_roll() {
    let cleaning = |cleaned, deleted, bytes| Replica {
        cleaned_files: cleaned,
        deleted_files: deleted,
        clean_bytes: bytes / 2,
        active_bytes: bytes / 4,
        segments: 6,
        ..written("c", 0, bytes, 2)
    };
    let marks = |visit: Visit| visit.high_watermarks(&[("c", 0, 5000)]).first_dirty(&[("c", 0, 2000)]);
    quiet(vec![
        marks(broker("a", 1).disk(vec![cleaning(3, 6, 900 * MIB)])),
        marks(broker("b", 2).disk(vec![cleaning(0, 0, 700 * MIB)])),
    ]);
    // One broker has rolled and dropped a segment that the other still has.
    let rolled = |segments: u64| Replica { segments: segments as u32, ..written("r", 0, segments * GIB, 2) };
    let marks = |visit: Visit| visit.high_watermarks(&[("r", 0, 5000)]);
    quiet(vec![marks(broker("a", 1).disk(vec![rolled(3)])), marks(broker("b", 2).disk(vec![rolled(2)]))]);
}

#[test]
fn partitions_empty_everywhere() {
    let empty = || (0..20).map(|partition| replica("e", partition, 0)).collect::<Vec<_>>();
    quiet(vec![broker("a", 1).disk(empty()), broker("b", 2).disk(empty()), broker("c", 3).disk(empty())]);
}

#[test]
fn a_broker_limited_out() {
    let mut left_out = held("c", 3).gone(Outcome::Excluded);
    left_out.broker = None;
    // Its replica of partition 1 was not looked at.
    let other = broker("b", 2)
        .disk(vec![written("t", 0, GIB, 5), written("t", 1, GIB, 5)])
        .high_watermarks(&[("t", 0, 1000), ("t", 1, 1000)]);
    quiet(vec![held("a", 1), other, left_out]);
}
