//! Brokers that lost ZooKeeper.

use super::scene::*;
use super::*;
use crate::round::Visit;

fn of(visit: Visit) -> Vec<Finding> {
    findings(&round(vec![visit.disk(vec![]), broker("other", 9).disk(vec![])]))
}

#[test]
fn sessions_that_expire() {
    let expired =
        |time: &str| at(time, "INFO zookeeper state changed (Expired) (org.I0Itec.zkclient.ZkClient)");
    let back = |time: &str| {
        at(time, "INFO re-registering broker info in ZK for broker 1 (kafka.server.KafkaHealthcheck)")
    };
    let once = of(logged(broker("a", 1), &[expired("10:00:00,000"), back("10:00:01,000")]));
    assert_eq!(only(&once, Code::SessionLost).severity, Severity::Notice);
    let away = of(logged(broker("a", 1), &[expired("10:00:00,000")]));
    assert_eq!(only(&away, Code::SessionLost).severity, Severity::Warning);
    let often: Vec<String> = ["10:00", "10:10", "10:20"]
        .into_iter()
        .flat_map(|time| [expired(&format!("{time}:00,000")), back(&format!("{time}:01,000"))])
        .collect();
    assert_eq!(only(&of(logged(broker("a", 1), &often)), Code::SessionLost).severity, Severity::Warning);
}

#[test]
fn a_stuck_broker_repeats_itself() {
    let stale = |second: u32| {
        at(
            &format!("10:00:{second:02},000"),
            "INFO Partition [t,0] on broker 1: Cached zkVersion [5] not equal to that in zookeeper, skip updating ISR (kafka.cluster.Partition)",
        )
    };
    let version = |version: &str| {
        at(
            "09:00:00,000",
            &format!("INFO Kafka version : {version} (org.apache.kafka.common.utils.AppInfoParser)"),
        )
    };
    let stuck =
        |version: String| -> Vec<String> { std::iter::once(version).chain((0..5).map(stale)).collect() };
    let found = of(logged(broker("a", 1), &stuck(version("0.10.1.0"))));
    let lost = only(&found, Code::SessionLost);
    assert_eq!(
        (lost.severity, lost.bug.as_ref().map(|bug| bug.id.as_str())),
        (Severity::Critical, Some("KAFKA-4477"))
    );
    let found = of(logged(broker("a", 1), &stuck(version("1.0.0"))));
    assert_eq!(only(&found, Code::SessionLost).bug.as_ref().map(|bug| bug.id.as_str()), Some("KAFKA-2729"));
    // A version without either bug: the symptom stands, no bug is named.
    let found = of(logged(broker("a", 1), &stuck(version("2.0.0"))));
    assert_eq!(only(&found, Code::SessionLost).bug, None);
    // Once is a race; and a start ends it.
    none(&of(logged(broker("a", 1), &[stale(1)])), Code::SessionLost);
    // The next change is taken; or it follows another leader; or it tries no more.
    let change = |second: u32, what: &str| {
        at(
            &format!("10:00:{second:02},000"),
            &format!("INFO Partition [t,0] on broker 1: {what} (kafka.cluster.Partition)"),
        )
    };
    let shrunk = "Shrinking ISR for partition [t,0] from 1,3 to 1";
    let after = |line: String| [stuck(version("1.0.0")), vec![line]].concat();
    none(
        &of(logged(broker("a", 1), &after(change(9, "Expanding ISR for partition t-0 from 1 to 1,3")))),
        Code::SessionLost,
    );
    let follows = at("10:00:09,000", "INFO Truncating log t-0 to offset 7. (kafka.log.Log)");
    none(&of(logged(broker("a", 1), &after(follows))), Code::SessionLost);
    let later = at("11:00:00,000", "ERROR x (kafka.server.KafkaApis)");
    none(&of(logged(broker("a", 1), &after(later))), Code::SessionLost);
    let again = [stuck(version("1.0.0")), vec![change(9, shrunk), stale(10)]].concat();
    only(&of(logged(broker("a", 1), &again)), Code::SessionLost);
    let mut over = stuck(version("1.0.0"));
    over.push(started("11:00:00,000", 1));
    none(&of(logged(broker("a", 1), &over)), Code::SessionLost);
}

/// Lines of ZooKeeper's client in the hour after ten.
fn refused(minute: u32, second: u32) -> String {
    at(
        &format!("10:{minute:02}:{second:02},000"),
        "INFO Socket error occurred: zk1/10.0.0.1:2181: Connection refused (org.apache.zookeeper.ClientCnxn)",
    )
}

fn established(minute: u32, second: u32) -> String {
    at(
        &format!("10:{minute:02}:{second:02},000"),
        "INFO Session establishment complete on server zk2/10.0.0.2:2181, sessionid = 0x2000, negotiated timeout = 6000 (org.apache.zookeeper.ClientCnxn)",
    )
}

#[test]
fn a_zookeeper_that_does_not_answer() {
    let tries =
        |seconds: u32| -> Vec<String> { (0..seconds / 2).map(|at| refused(at / 30, at * 2 % 60)).collect() };
    let long = tries(90);
    let found = of(logged(broker("a", 1), &long));
    let away = only(&found, Code::SessionLost);
    assert_eq!(away.severity, Severity::Critical);
    assert!(
        away.title.starts_with("ZooKeeper has not answered a since 2026-11-23 10:00:00"),
        "{}",
        away.title
    );
    // Several brokers are one finding.
    let both = vec![logged(broker("a", 1), &long).disk(vec![]), logged(broker("b", 2), &long).disk(vec![])];
    assert!(only(&findings(&round(both)), Code::SessionLost).title.contains("a and b"));
    // Another server took it in; it is too early to tell; it was restarted; it is stopped.
    let then = |more: String| of(logged(broker("a", 1), &[long.clone(), vec![more]].concat()));
    none(&then(established(1, 31)), Code::SessionLost);
    none(&of(logged(broker("a", 1), &tries(30))), Code::SessionLost);
    none(&then(started("10:05:00,000", 1)), Code::SessionLost);
    let down = with(broker("a", 1), |broker| broker.running = Some(false));
    none(&of(logged(down, &long).dir(|dir| dir.clean_shutdown = true)), Code::SessionLost);
    // Two servers that restarted, minutes apart, are no minute without ZooKeeper.
    none(&of(logged(broker("a", 1), &[refused(0, 0), refused(20, 0)])), Code::SessionLost);
}
