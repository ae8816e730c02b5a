//! Followers out of the ISR, partitions below their minimum, controllers that move.

use super::scene::*;
use super::*;
use crate::compare::rounds::replica;
use crate::round::Visit;

const SHRINK: &str = "INFO [Partition t-0 broker=1] Shrinking ISR from 1,2 to 1. Leader: (highWatermark: 100, endOffset: 120). Out of sync replicas: (brokerId: 2, endOffset: 100). (kafka.cluster.Partition)";
const GROW: &str =
    "INFO [Partition t-0 broker=1] ISR updated to 1,2 and version updated to [7] (kafka.cluster.Partition)";

fn held(name: &str, id: i64) -> Visit {
    broker(name, id).disk(vec![replica("t", 0, GIB)])
}

fn leader(lines: &[(&str, &str)]) -> Visit {
    let lines: Vec<String> = lines.iter().map(|(time, line)| at(time, line)).collect();
    logged(held("a", 1), &lines)
}

#[test]
fn a_follower_that_stays_out() {
    let found = findings(&round(vec![leader(&[("10:00:00,000", SHRINK)]), held("b", 2)]));
    let out = only(&found, Code::IsrShrinking);
    assert_eq!((out.severity, out.subject.broker.as_deref()), (Severity::Warning, Some("b")));
    // It came back.
    let back = leader(&[("10:00:00,000", SHRINK), ("10:01:00,000", GROW)]);
    assert_eq!(
        only(&findings(&round(vec![back.clone(), held("b", 2)])), Code::IsrShrinking).severity,
        Severity::Notice
    );
    // It came back, and a restart explains it.
    let restarted = logged(held("b", 2), &[stopped("10:00:00,500", 2), started("10:00:50,000", 2)]);
    none(&findings(&round(vec![back, restarted])), Code::IsrShrinking);
    // It is stopped.
    let down = with(held("b", 2), |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = true);
    let found = findings(&round(vec![leader(&[("10:00:00,000", SHRINK)]), down]));
    assert_eq!(only(&found, Code::IsrShrinking).severity, Severity::Notice);
    // Its replica has everything: the line of its return was not seen.
    let agree = |visit: Visit| visit.high_watermarks(&[("t", 0, 120)]);
    let found = findings(&round(vec![agree(leader(&[("10:00:00,000", SHRINK)])), agree(held("b", 2))]));
    nothing_worse_than(&found, Severity::Notice);
    // The partition is not on it any more: a reassignment took it away.
    let found = findings(&round(vec![leader(&[("10:00:00,000", SHRINK)]), broker("b", 2).disk(vec![])]));
    none(&found, Code::IsrShrinking);
}

#[test]
fn a_follower_that_leaves_again_and_again() {
    let times: Vec<(String, &str)> = (0..20)
        .map(|turn| (format!("10:{turn:02}:00,000"), if turn % 2 == 0 { SHRINK } else { GROW }))
        .collect();
    let lines = |turns: usize| {
        let lines: Vec<(&str, &str)> =
            times.iter().take(turns).map(|(time, line)| (time.as_str(), *line)).collect();
        findings(&round(vec![leader(&lines), held("b", 2)]))
    };
    let found = lines(20);
    let flapping = only(&found, Code::IsrShrinking);
    assert_eq!(flapping.severity, Severity::Warning);
    assert!(flapping.title.contains("10 times within an hour"), "{}", flapping.title);
    assert_eq!(only(&lines(18), Code::IsrShrinking).severity, Severity::Notice);
}

#[test]
fn writes_are_refused_until_the_isr_has_grown() {
    let refused = [
        at("10:00:00,000", "ERROR [ReplicaManager broker=1] Error processing append operation on partition t-0 (kafka.server.ReplicaManager)"),
        "org.apache.kafka.common.errors.NotEnoughReplicasException: The size of the current ISR Set(1) is insufficient to satisfy the min.isr requirement of 2 for partition t-0".to_owned(),
    ];
    let found = findings(&round(vec![logged(held("a", 1), &refused), held("b", 2)]));
    let under = only(&found, Code::UnderMinIsr);
    assert_eq!((under.severity, under.subject.topic.as_deref()), (Severity::Critical, Some("t")));
    none(&found, Code::UnknownErrors);
    let mut over = refused.to_vec();
    over.push(at("10:01:00,000", GROW));
    let found = findings(&round(vec![logged(held("a", 1), &over), held("b", 2)]));
    nothing_worse_than(&found, Severity::Notice);
    // One in sync is not two.
    let mut still = refused.to_vec();
    still.push(at(
        "10:01:00,000",
        "INFO [Partition t-0 broker=1] ISR updated to 1 and version updated to [8] (kafka.cluster.Partition)",
    ));
    let found = findings(&round(vec![logged(held("a", 1), &still), held("b", 2)]));
    assert_eq!(only(&found, Code::UnderMinIsr).severity, Severity::Critical);
}

#[test]
fn a_partition_without_a_leader() {
    let none_alive = at(
        "10:00:00,000",
        "ERROR [Controller id=1 epoch=2] Controller 1 epoch 2 failed to change state for partition t-0 from OfflinePartition to OnlinePartition (state.change.logger)",
    );
    let cause = "kafka.common.StateChangeFailedException: Failed to elect leader for partition t-0 under strategy OfflinePartitionLeaderElectionStrategy(false)".to_owned();
    let elected = at(
        "10:05:00,000",
        "INFO [Controller id=1 epoch=2] Changed partition t-0 from OfflinePartition to OnlinePartition with state LeaderAndIsr(leader=2, leaderEpoch=3, isr=List(2), zkVersion=3) (state.change.logger)",
    );
    let of = |lines: &[String]| findings(&round(vec![logged(held("a", 1), lines), held("b", 2)]));
    let open = [none_alive.clone(), cause.clone()];
    assert_eq!(only(&of(&open), Code::UnderMinIsr).severity, Severity::Critical);
    assert_eq!(only(&of(&[none_alive, cause, elected]), Code::UnderMinIsr).severity, Severity::Notice);
    // The whole cluster was stopped, and there was nobody left to lead.
    let down = |name, id, clean: bool| {
        with(held(name, id), |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = clean)
    };
    let all = |clean| findings(&round(vec![logged(down("a", 1, true), &open), down("b", 2, clean)]));
    assert_eq!(only(&all(true), Code::UnderMinIsr).severity, Severity::Notice);
    assert_eq!(only(&all(false), Code::UnderMinIsr).severity, Severity::Critical);
}

fn elections(times: usize) -> Vec<Finding> {
    let line = |turn: usize| {
        let id = 1 + turn % 2;
        at(
            &format!("10:{:02}:00,000", turn * 2),
            &format!(
                "INFO [Controller {id}]: {id} successfully elected as the controller (kafka.controller.KafkaController)"
            ),
        )
    };
    let of = |side: usize| -> Vec<String> { (0..times).filter(|turn| turn % 2 == side).map(line).collect() };
    findings(&round(vec![logged(held("a", 1), &of(0)), logged(held("b", 2), &of(1))]))
}

#[test]
fn a_controller_may_move_but_not_all_the_time() {
    none(&elections(1), Code::ControllerMoved);
    assert_eq!(only(&elections(3), Code::ControllerMoved).severity, Severity::Notice);
    assert_eq!(only(&elections(8), Code::ControllerMoved).severity, Severity::Warning);
}

/// KRaft's leader, whose ISR is itself.
fn kept(replicas: &str, adding: &str) -> String {
    format!(
        "INFO [Broker id=1] Skipped the become-leader state change for t-0 with topic id Some(w6eNBituRcqjg8VpeAgXTQ) and partition state LeaderAndIsrPartitionState(topicName='t', partitionIndex=0, controllerEpoch=-1, leader=1, leaderEpoch=0, isr=[1], partitionEpoch=1, replicas=[{replicas}], addingReplicas=[{adding}], removingReplicas=[], isNew=false, leaderRecoveryState=0) since it is already the leader with leader epoch 0. (state.change.logger)"
    )
}

#[test]
fn a_copy_that_is_being_filled_has_left_nothing() {
    let of = |lines: &[(&str, &str)]| findings(&round(vec![leader(lines), held("b", 2)]));
    let adding = kept("1, 2", "2");
    none(&of(&[("10:00:00,000", &adding)]), Code::IsrShrinking);
    // No reassignment: it should be in sync and is not.
    let found = of(&[("10:00:00,000", &kept("1, 2", ""))]);
    assert_eq!(only(&found, Code::IsrShrinking).severity, Severity::Warning);
    // It had come in, and was dropped before the reassignment ended.
    let found = of(&[("10:00:00,000", &adding), ("10:01:00,000", GROW), ("10:02:00,000", &adding)]);
    assert_eq!(only(&found, Code::IsrShrinking).severity, Severity::Warning);
}

#[test]
fn an_election_that_only_the_isr_before_shows_to_be_unclean() {
    let controller = |lines: &[&str]| {
        let lines: Vec<String> =
            (0..).zip(lines).map(|(minute, line)| at(&format!("10:{minute:02}:00,000"), line)).collect();
        findings(&round(vec![logged(held("a", 2), &lines), held("b", 3)]))
    };
    let reduced = |leader: i64, isr: i64, removed: i64, version: u64| {
        format!(
            "INFO [Controller id=1 epoch=1] Partition t-0 state changed to (Leader:{leader},ISR:{isr},LeaderEpoch:1,ZkVersion:{version},ControllerEpoch:1) after removing replica {removed} from the ISR as part of transition to OfflineReplica (state.change.logger)"
        )
    };
    let third = "INFO [Controller id=1 epoch=1] Changed partition t-0 from OfflinePartition to OnlinePartition with state LeaderAndIsr(leader=3, leaderEpoch=3, isr=List(3), zkVersion=3) (state.change.logger)";
    let both = "INFO [Controller id=1 epoch=1] Changed partition t-0 from NewPartition to OnlinePartition with state LeaderAndIsr(leader=2, leaderEpoch=0, isr=List(2, 3), zkVersion=0) (state.change.logger)";
    let back = "INFO [Partition t-0 broker=2] ISR updated to [2,3] and zkVersion updated to [2] (kafka.cluster.Partition)";
    let found = controller(&[both, &reduced(2, 2, 3, 1), &reduced(-1, 2, 2, 2), third]);
    let unclean = only(&found, Code::UncleanElection);
    assert!(unclean.title.contains("b became leader of 1 partition of t"), "{}", unclean.title);
    // The other left, or it came back: each time it was in sync.
    none(&controller(&[both, &reduced(3, 3, 2, 1), &reduced(-1, 3, 3, 2), third]), Code::UncleanElection);
    none(&controller(&[both, &reduced(2, 2, 3, 1), back, third]), Code::UncleanElection);
    // Something lies between that was not seen, or nothing before was.
    none(&controller(&[both, &reduced(2, 2, 3, 1), third]), Code::UncleanElection);
    none(&controller(&[third]), Code::UncleanElection);
}
