//! Brokers that are down: what nobody serves, and which of them is started first.

use super::scene::*;
use super::*;
use crate::round::Visit;

/// A broker with partition 0 of `t` up to a high watermark.
fn held(name: &str, id: i64, high: u64) -> Visit {
    let visit =
        broker(name, id).disk(vec![written("t", 0, high << 20, 5)]).high_watermarks(&[("t", 0, high)]);
    with(visit, |broker| broker.version = Some("0.10.1.0".into()))
}

fn down(visit: Visit, clean: bool) -> Visit {
    with(visit, |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = clean)
}

fn steps(found: &[Finding], code: Code, host: &str) -> Vec<String> {
    let about = |finding: &&Finding| finding.code == code && finding.subject.broker.as_deref() == Some(host);
    found.iter().find(about).map(|finding| finding.next_steps.clone()).unwrap_or_default()
}

#[test]
fn the_shorter_of_two_that_are_down_waits() {
    let short = down(held("a", 1, 1000), true);
    let found = findings(&round(vec![short.clone(), down(held("b", 2, 4000), false)]));
    let waits = "Do not start a before b runs: 1 partition of t (0) lack 3,000 offsets there, which only b has. An unclean election is possible";
    let waiting = steps(&found, Code::BrokerFenced, "a");
    assert!(waiting[0].starts_with(waits), "{waiting:?}");
    let first = steps(&found, Code::BrokerCrashed, "b");
    assert!(first[0].starts_with("Start b before a: 1 partition of t (0) lack 3,000"), "{first:?}");
    let short_of = only(&found, Code::ReplicaShort);
    assert!(waits.starts_with(&short_of.next_steps[0]), "{:?}", short_of.next_steps);
    assert!(!short_of.next_steps.iter().any(|step| step.contains("restart or stop b")), "b does not run");
    // A clean stop leaves the log's end: what lies beyond the high watermark is there.
    let whole = short.dir(|dir| {
        dir.recovery_points = Some(crate::compare::rounds::checkpoints(&[("t", 0, 4000)]));
    });
    let found = findings(&round(vec![whole, down(held("b", 2, 4000), false)]));
    assert!(!steps(&found, Code::BrokerFenced, "a")[0].contains("before b"), "{}", titles(&found));
}

/// A partition far too small for its size to tell anything.
#[test]
fn what_two_that_are_down_hold_is_short_however_small() {
    let of = |high: u64, version: &str| {
        let visit =
            broker("a", 1).disk(vec![written("t", 0, 90 << 10, 5)]).high_watermarks(&[("t", 0, high)]);
        let visit = with(visit, |broker| broker.version = Some(version.into()));
        down(visit, true)
    };
    let other = |version: &str| {
        let visit = broker("b", 2).disk(vec![written("t", 0, 90 << 10, 5)]).high_watermarks(&[("t", 0, 500)]);
        down(with(visit, |broker| broker.version = Some(version.into())), false)
    };
    let found = findings(&round(vec![of(400, "0.10.1.0"), other("0.10.1.0")]));
    let short = only(&found, Code::ReplicaShort);
    assert_eq!(
        (short.severity, short.title.as_str()),
        (Severity::Critical, "1 replica of t on a is short: behind b")
    );
    let found = findings(&round(vec![of(400, "2.8.2"), other("2.8.2")]));
    assert_eq!(only(&found, Code::ReplicaShort).severity, Severity::Warning);
    none(&findings(&round(vec![of(499, "2.8.2"), other("2.8.2")])), Code::ReplicaShort);
}

#[test]
fn nobody_waits_where_a_running_replica_has_it_all() {
    let others = vec![down(held("a", 1, 1000), true), down(held("b", 2, 4000), false)];
    let found = findings(&round([others.clone(), vec![held("c", 3, 4000)]].concat()));
    assert!(!steps(&found, Code::BrokerFenced, "a")[0].contains("before"), "{}", titles(&found));
    none(&found, Code::UnderMinIsr);
    // One that did not answer may be such a one.
    let unseen = broker("c", 3).gone(crate::round::Outcome::Timeout);
    let found = findings(&round([others.clone(), vec![unseen]].concat()));
    assert!(!steps(&found, Code::BrokerFenced, "a")[0].contains("before"), "{}", titles(&found));
    // One that is up and short as well leads nothing that anybody would want to follow.
    let found = findings(&round([others, vec![held("c", 3, 900)]].concat()));
    assert!(steps(&found, Code::BrokerFenced, "a")[0].starts_with("Do not start a before b runs"));
}

#[test]
fn each_of_two_may_lack_what_the_other_has() {
    let both = |name, id, marks: [u64; 2]| {
        let disk = vec![written("t", 0, marks[0] << 20, 5), written("t", 1, marks[1] << 20, 5)];
        let visit = broker(name, id).disk(disk).high_watermarks(&[("t", 0, marks[0]), ("t", 1, marks[1])]);
        down(visit, true)
    };
    let found = findings(&round(vec![both("a", 1, [1000, 4000]), both("b", 2, [4000, 1000])]));
    let step = &steps(&found, Code::BrokerFenced, "a")[0];
    assert!(
        step.starts_with("Do not start a alone, nor b: set unclean.leader.election.enable=false first"),
        "{step}"
    );
}

#[test]
fn partitions_whose_holders_are_all_down_are_offline() {
    let other = || broker("c", 3).disk(vec![]);
    let of = |a: Visit, b: Visit| findings(&round(vec![a, b, other()]));
    let found = of(down(held("a", 1, 9), true), down(held("b", 2, 9), false));
    let offline = only(&found, Code::UnderMinIsr);
    assert_eq!(offline.severity, Severity::Critical);
    assert_eq!(offline.title, "1 partition of t is offline: a and b alone hold it, down");
    // Both stopped cleanly while another runs: no roll does that.
    let both = || vec![down(held("a", 1, 9), true), down(held("b", 2, 9), true)];
    assert_eq!(only(&of(both().remove(0), both().remove(1)), Code::UnderMinIsr).severity, Severity::Critical);
    // The whole cluster, which its brokers tell; and the only copy, in a roll.
    none(&findings(&round(both())), Code::UnderMinIsr);
    let single = vec![down(held("a", 1, 9), true), other()];
    assert_eq!(only(&findings(&round(single)), Code::UnderMinIsr).severity, Severity::Notice);
    none(&of(down(held("a", 1, 9), true), held("b", 2, 9)), Code::UnderMinIsr);
    // Who did not answer may hold it and run.
    let unseen = vec![down(held("a", 1, 9), false), other().gone(crate::round::Outcome::Timeout)];
    none(&findings(&round(unseen)), Code::UnderMinIsr);
}

#[test]
fn a_follower_that_knows_of_no_leader() {
    let line = |leader: i64| {
        at(
            "22:00:00,000",
            &format!(
                "INFO [Broker id=2] Follower t-0 starts at leader epoch 2 from offset 9 with partition epoch 2 and high watermark 9. Current leader is {leader}. Previous leader Some(-1) and previous leader epoch was 2. (state.change.logger)"
            ),
        )
    };
    let follower = |lines: &[String]| logged(held("b", 2, 9), lines);
    let killed = || down(held("a", 1, 9), false);
    let of = |a: Visit, b: Visit| findings(&round(vec![a, b]));
    // It says so while it starts, and is up a moment later.
    let found = of(killed(), follower(&[line(-1), started("22:00:01,000", 2)]));
    let offline = only(&found, Code::UnderMinIsr);
    assert_eq!(offline.severity, Severity::Critical, "{}", titles(&found));
    // Somebody leads since.
    assert_eq!(
        only(&of(killed(), follower(&[line(-1), line(3)])), Code::UnderMinIsr).severity,
        Severity::Notice
    );
    // All holders run: a leader is a matter of a moment.
    none(&of(held("a", 1, 9), follower(&[line(-1)])), Code::UnderMinIsr);
}

#[test]
fn a_topic_that_was_deleted_meanwhile_is_not_missed() {
    let deletion = at(
        "23:59:00,000",
        "INFO [Topic Deletion Manager 1] Deletion of topic t (re)started (kafka.controller.TopicDeletionManager)",
    );
    let of = |lines: &[String], ago: i64| {
        let disk = [0, 2].map(|partition| written("t", partition, MIB, ago)).to_vec();
        let left = down(broker("b", 2).disk(disk).high_watermarks(&[("t", 0, 9), ("t", 2, 9)]), false);
        findings(&round(vec![logged(broker("a", 1).disk(vec![]), lines), left]))
    };
    let found = of(std::slice::from_ref(&deletion), 300);
    none(&found, Code::UnderMinIsr);
    assert_eq!(only(&found, Code::ReplicaMissing).severity, Severity::Notice, "{}", titles(&found));
    // Nobody deleted it, or it was made again since.
    for (lines, ago) in [(&[][..], 300), (std::slice::from_ref(&deletion), 5)] {
        let found = of(lines, ago);
        only(&found, Code::UnderMinIsr);
        assert_eq!(only(&found, Code::ReplicaMissing).severity, Severity::Warning, "{}", titles(&found));
    }
}
