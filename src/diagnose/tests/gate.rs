//! May this broker be restarted?

use super::scene::*;
use super::*;
use crate::diagnose::{Status, verdict};
use crate::round::{Gate, Outcome, Round, Visit};

/// A broker with three replicas of `t`, all up to 1000.
fn held(name: &str, id: i64, partitions: &[u32]) -> Visit {
    let marks: Vec<(&str, u32, u64)> = partitions.iter().map(|partition| ("t", *partition, 1000)).collect();
    broker(name, id)
        .disk(partitions.iter().map(|partition| written("t", *partition, GIB, 5)).collect())
        .high_watermarks(&marks)
}

fn gated(restart: &[&str], hosts: Vec<Visit>) -> Round {
    let mut round = round(hosts);
    round.plays[0].expect.gate =
        Some(Gate { restart: restart.iter().map(|host| (*host).to_owned()).collect() });
    round
}

fn answer(round: &Round) -> (Status, Vec<Finding>) {
    let found = findings(round);
    (verdict(round, &found).status, found)
}

/// a holds 0 and 1, b 0 and 2, c 1 and 2.
fn three() -> Vec<Visit> {
    vec![held("a", 1, &[0, 1]), held("b", 2, &[0, 2]), held("c", 3, &[1, 2])]
}

#[test]
fn the_gate_is_open_where_all_is_well() {
    for restart in [&["a"][..], &["b"], &[]] {
        let (status, found) = answer(&gated(restart, three()));
        assert_eq!(status, Status::Ok, "{}", titles(&found));
    }
}

#[test]
fn a_short_replica_shuts_it_for_the_larger_one_alone() {
    let with = |restart: &str| {
        let mut hosts = three();
        hosts[0] = broker("a", 1)
            .disk(vec![written("t", 0, GIB / 8, 5), written("t", 1, GIB, 5)])
            .high_watermarks(&[("t", 0, 100), ("t", 1, 1000)]);
        answer(&gated(&[restart], hosts))
    };
    let (status, found) = with("b");
    assert_eq!(status, Status::Critical, "{}", titles(&found));
    let shut = only(&found, Code::ExpectationFailed);
    assert!(shut.title.starts_with("Do not restart b now: of 1 partition "), "{}", shut.title);
    // c shares nothing that is short, and a's own replica is the short one.
    assert_eq!(with("c").0, Status::Ok);
    assert_eq!(with("a").0, Status::Ok);
}

#[test]
fn a_stopped_peer_shuts_it_and_a_stopped_broker_may_start() {
    let with = |restart: &[&str]| {
        let mut hosts = three();
        let down = super::scene::with(held("c", 3, &[1, 2]), |broker| broker.running = Some(false));
        hosts[2] = down.dir(|dir| dir.clean_shutdown = true);
        answer(&gated(restart, hosts)).0
    };
    assert_eq!(with(&["a"]), Status::Critical);
    assert_eq!(with(&["c"]), Status::Ok);
    // After the last: not everything is whole again.
    assert_eq!(with(&[]), Status::Critical);
}

#[test]
fn of_two_that_are_down_the_longer_may_start() {
    let down = |name, id, high| {
        let visit =
            broker(name, id).disk(vec![written("t", 0, high << 20, 5)]).high_watermarks(&[("t", 0, high)]);
        super::scene::with(visit, |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = true)
    };
    let with = |restart: &[&str]| answer(&gated(restart, vec![down("a", 1, 1000), down("b", 2, 4000)]));
    let (status, found) = with(&["a"]);
    assert_eq!(status, Status::Critical);
    let shut = only(&found, Code::ExpectationFailed);
    assert!(shut.title.starts_with("Do not start a now: of 1 partition it lacks"), "{}", shut.title);
    for restart in [&["b"][..], &["a", "b"]] {
        let (_, found) = with(restart);
        none(&found, Code::ExpectationFailed);
    }
}

#[test]
fn who_cut_its_log_or_led_then_stays_up_for_a_day() {
    let cut = |day: u32| {
        format!(
            "[2026-11-{day} 10:00:00,000] ERROR [ReplicaFetcherThread-0-2], Current offset 2000 for partition [t,0] out of range; reset offset to 1000 (kafka.server.ReplicaFetcherThread)"
        )
    };
    let with = |restart: &str, day| {
        let mut hosts = three();
        hosts[0] = logged(hosts[0].clone(), &[cut(day)]);
        let (status, found) = answer(&gated(&[restart], hosts));
        only(&found, Code::DataLost);
        status
    };
    assert_eq!(
        [with("a", 23), with("b", 23), with("c", 23)],
        [Status::Critical, Status::Critical, Status::Ok]
    );
    // What could be kept is long gone; the other replica is the one that was cut.
    assert_eq!([with("a", 13), with("b", 13)], [Status::Ok, Status::Critical]);
}

#[test]
fn half_the_sight_is_no_answer() {
    let mut hosts = three();
    hosts[2] = held("c", 3, &[1, 2]).gone(Outcome::Timeout);
    assert_eq!(answer(&gated(&["a"], hosts)).0, Status::Unknown);
    let mut limited = gated(&["a"], three()[..2].to_vec());
    limited.plays[0].excluded = vec!["c".into()];
    assert_eq!(answer(&limited).0, Status::Unknown);
    // No high watermarks.
    let mut hosts = three();
    hosts[1] = hosts[1].clone().dir(|dir| dir.high_watermarks = None);
    assert_eq!(answer(&gated(&["a"], hosts)).0, Status::Unknown);
    // Some topics alone.
    let narrow = |name: &str, id| {
        broker(name, id)
            .disk_at("/services/kafka/t-*", "/services/kafka", vec![written("t", 0, GIB, 5)])
            .high_watermarks(&[("t", 0, 1000)])
    };
    assert_eq!(answer(&gated(&["a"], vec![narrow("a", 1), narrow("b", 2)])).0, Status::Unknown);
}

#[test]
fn a_dead_cleaner_does_not_shut_it() {
    let died = at("10:00:00,000", "ERROR [kafka-log-cleaner-thread-0]: Error due to (kafka.log.LogCleaner)");
    let mut hosts = three();
    hosts[0] = logged(hosts[0].clone(), &[died]);
    let (status, found) = answer(&gated(&["a"], hosts));
    assert_eq!(status, Status::Ok);
    // It is reported all the same.
    assert_eq!(only(&found, Code::CleanerDead).severity, Severity::Critical);
}

#[test]
fn a_follower_out_of_the_isr_shuts_it() {
    let shrink = at(
        "10:00:00,000",
        "INFO [Partition t-0 broker=1] Shrinking ISR from 1,2 to 1. Leader: (highWatermark: 100, endOffset: 120). Out of sync replicas: (brokerId: 2, endOffset: 100). (kafka.cluster.Partition)",
    );
    let with = |restart: &str| {
        let mut hosts = three();
        hosts[0] = logged(hosts[0].clone(), std::slice::from_ref(&shrink));
        hosts[1] = held("b", 2, &[0, 2]).high_watermarks(&[("t", 0, 900), ("t", 2, 1000)]);
        answer(&gated(&[restart], hosts)).0
    };
    assert_eq!(with("a"), Status::Critical);
    assert_eq!(with("c"), Status::Ok);
}

#[test]
fn a_topics_minimum_shuts_it_where_the_playbook_names_it() {
    let with = |min| {
        let mut round = gated(&["a"], three());
        let own = crate::round::ExpectTopic { min_insync_replicas: min, ..Default::default() };
        round.plays[0].expect.topics = vec![("t".into(), own)];
        answer(&round)
    };
    assert_eq!(with(None).0, Status::Ok);
    assert_eq!(with(Some(1)).0, Status::Ok);
    let (status, found) = with(Some(2));
    assert_eq!(status, Status::Critical);
    assert_eq!(only(&found, Code::ExpectationFailed).items.len(), 2);
}

#[test]
fn a_single_copy_is_no_reason() {
    let (status, found) = answer(&gated(&["a"], vec![held("a", 1, &[0, 1]), held("b", 2, &[2, 3])]));
    assert_eq!(status, Status::Ok, "{}", titles(&found));
}
