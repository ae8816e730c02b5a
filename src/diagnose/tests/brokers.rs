//! Versions and settings of brokers beside each other; who is who.

use super::scene::*;
use super::*;
use crate::round::Visit;

fn set(name: &str, id: i64, settings: &[(&str, &str)]) -> Visit {
    with(broker(name, id), |broker| {
        broker.settings = settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    })
}

#[test]
fn settings_that_differ() {
    let of = |one: &[(&str, &str)], other: &[(&str, &str)]| {
        findings(&round(vec![set("a", 1, one), set("b", 2, other)]))
    };
    let base = [("min.insync.replicas", "2"), ("log.dirs", "/a"), ("broker.id", "1")];
    assert!(of(&base, &[("min.insync.replicas", "2"), ("log.dirs", "/b"), ("broker.id", "2")]).is_empty());
    let found = of(&base, &[("min.insync.replicas", "1")]);
    let differ = only(&found, Code::SettingsDiffer);
    assert_eq!(differ.severity, Severity::Warning);
    assert!(differ.title.ends_with("min.insync.replicas"), "{}", differ.title);
    let found = of(&[("log.retention.hours", "1"), ("x", "y")], &[("log.retention.hours", "2"), ("x", "y")]);
    assert_eq!(only(&found, Code::SettingsDiffer).severity, Severity::Notice);
    // A file that was not read says nothing; a controller has settings of its own.
    none(&of(&base, &[]), Code::SettingsDiffer);
    let controller =
        with(set("c", 3, &[("min.insync.replicas", "1")]), |broker| broker.roles = vec!["controller".into()]);
    let server = with(set("a", 1, &base), |broker| broker.roles = vec!["broker".into()]);
    none(&findings(&round(vec![server, controller])), Code::SettingsDiffer);
}

#[test]
fn an_upgrade_under_way_is_a_notice() {
    let jars = |name: &str, id, version: &str| {
        with(broker(name, id), |broker| broker.version = Some(version.into()))
    };
    let found = findings(&round(vec![jars("a", 1, "3.9.1"), jars("b", 2, "4.1.0")]));
    assert_eq!(only(&found, Code::VersionsMixed).severity, Severity::Notice);
    none(
        &findings(&round(vec![jars("a", 1, "3.9.1"), jars("b", 2, "3.9.1"), broker("c", 3)])),
        Code::VersionsMixed,
    );
    // What runs stands in the start line; the jars may have been replaced already.
    let started =
        at("10:00:00,000", "INFO Kafka version: 3.9.1 (org.apache.kafka.common.utils.AppInfoParser)");
    let upgraded = logged(jars("b", 2, "4.1.0"), &[started]);
    none(&findings(&round(vec![jars("a", 1, "3.9.1"), upgraded])), Code::VersionsMixed);
}

#[test]
fn brokers_that_found_another_cluster() {
    let joined =
        |time: &str, id: &str| at(time, &format!("INFO Cluster ID = {id} (kafka.server.KafkaServer)"));
    let of = |lines: &[String], ago| {
        let visit = logged(broker("a", 1), lines).disk(vec![written("t", 0, GIB, ago)]);
        findings(&round(vec![visit]))
    };
    let moved = [joined("10:00:00,000", "A"), joined("12:00:00,000", "B")];
    // Written before noon; the round ends at midnight.
    let found = of(&moved, 13 * 3600);
    let mismatch = only(&found, Code::ClusterIdMismatch);
    assert_eq!(mismatch.title, "a found cluster B in ZooKeeper, and has replicas of cluster A");
    // A machine that was set up anew has nothing from before; one that went back is where it was.
    none(&of(&moved, 3600), Code::ClusterIdMismatch);
    let back = [&moved[..], &[joined("13:00:00,000", "A")]].concat();
    none(&of(&back, 13 * 3600), Code::ClusterIdMismatch);
    none(
        &of(&[joined("10:00:00,000", "A"), joined("12:00:00,000", "A")], 13 * 3600),
        Code::ClusterIdMismatch,
    );
}

#[test]
fn one_log_dir_claimed_twice() {
    let on = |name: &str, id, machine: &str, path: &str| {
        let mut visit = broker(name, id).dir(|dir| dir.path = path.into());
        visit.machine = machine.into();
        visit
    };
    let found = findings(&round(vec![on("m#1", 1, "m", "/data"), on("m#2", 2, "m", "/data/")]));
    assert!(only(&found, Code::BrokerIdDuplicate).title.contains("/data"));
    none(
        &findings(&round(vec![on("m#1", 1, "m", "/data/1"), on("m#2", 2, "m", "/data/2")])),
        Code::BrokerIdDuplicate,
    );
    none(
        &findings(&round(vec![on("m", 1, "m", "/data"), on("n", 2, "n", "/data")])),
        Code::BrokerIdDuplicate,
    );
    let copied = |name: &str, id, directory: &str| {
        broker(name, id).dir(|dir| dir.directory_id = Some(directory.into()))
    };
    let found = findings(&round(vec![copied("a", 1, "x"), copied("b", 2, "x")]));
    assert!(only(&found, Code::BrokerIdDuplicate).title.contains("directory id"));
    none(&findings(&round(vec![copied("a", 1, "x"), copied("b", 2, "y")])), Code::BrokerIdDuplicate);
}

#[test]
fn an_id_that_is_taken() {
    let taken = at(
        "10:00:00,000",
        "ERROR [KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)",
    );
    let cause = "java.lang.RuntimeException: A broker is already registered on the path /brokers/ids/1. This probably indicates that you either have configured a brokerid that is already in use, or else you have shutdown this broker and restarted it faster than the zookeeper timeout so it appears to be re-registering.".to_owned();
    let found = findings(&round(vec![logged(broker("a", 1), &[taken.clone(), cause.clone()])]));
    assert!(found.iter().any(|finding| finding.severity == Severity::Critical), "{}", titles(&found));
    let found = findings(&round(vec![logged(broker("a", 1), &[taken, cause, started("11:00:00,000", 1)])]));
    nothing_worse_than(&found, Severity::Warning);
}

/// kafka.server.BrokerLifecycleManager and the controller, 4.0.
#[test]
fn a_registration_that_has_not_run_out() {
    let refused = |time: &str| {
        at(
            time,
            "INFO [BrokerLifecycleManager id=1] Unable to register broker 1 because the controller returned error DUPLICATE_BROKER_REGISTRATION (kafka.server.BrokerLifecycleManager)",
        )
    };
    let runs = |lines: &[String]| {
        let visit = with(broker("a", 1), |broker| broker.running = Some(true));
        findings(&round(vec![logged(visit, lines)]))
    };
    let quick = [refused("10:00:00,000"), refused("10:00:03,000")];
    assert_eq!(only(&runs(&quick), Code::BrokerIdDuplicate).severity, Severity::Notice);
    none(&runs(&[&quick[..], &[started("10:00:09,000", 1)]].concat()), Code::BrokerIdDuplicate);
    let long = [refused("10:00:00,000"), refused("10:00:06,000"), refused("10:00:13,000")];
    assert_eq!(only(&runs(&long), Code::BrokerIdDuplicate).severity, Severity::Critical);

    // The controller alone does not say whose id it is; somebody who joins may be the one.
    let controller = |time: &str| {
        at(
            time,
            "INFO [QuorumController id=9] registerBroker: event failed with DuplicateBrokerRegistrationException in 126 microseconds. Exception message: Another broker is registered with that broker id. (org.apache.kafka.controller.QuorumController)",
        )
    };
    let joined = |time: &str| {
        at(
            time,
            "INFO [QuorumController id=9] The request from broker 2 to unfence has been granted because it has caught up with the offset of its register broker record 133. (org.apache.kafka.controller.BrokerHeartbeatManager)",
        )
    };
    let first = [controller("10:00:00,000"), controller("10:00:03,000"), joined("10:00:09,000")];
    let second = [controller("10:00:20,000"), controller("10:00:24,000")];
    none(&runs(&[&first[..], &second].concat()), Code::BrokerIdDuplicate);
    let stays = [controller("10:00:20,000"), controller("10:00:24,000"), controller("10:00:31,000")];
    assert_eq!(
        only(&runs(&[&first[..], &stays].concat()), Code::BrokerIdDuplicate).severity,
        Severity::Critical
    );
}

#[test]
fn ids_that_a_broker_refused() {
    let failed = at(
        "10:00:00,000",
        "ERROR [KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)",
    );
    let of = |cause: &str, more: &[String]| {
        let lines: Vec<String> =
            [failed.clone(), cause.to_owned()].into_iter().chain(more.iter().cloned()).collect();
        findings(&round(vec![logged(broker("a", 1), &lines)]))
    };
    let cluster = at("09:59:59,000", "ERROR Exiting Kafka. (kafka.Kafka$)");
    let wrong = "kafka.common.InconsistentClusterIdException: The Cluster ID MkU3OEVBNTcwNTJENDM2Qk doesn't match stored clusterId Some(AkU3OEVBNTcwNTJENDM2Qk) in meta.properties. The broker is trying to join the wrong cluster.";
    let told = findings(&round(vec![logged(broker("a", 1), &[cluster, wrong.to_owned()])]));
    let mismatch = only(&told, Code::ClusterIdMismatch);
    assert!(
        mismatch
            .title
            .contains("cluster MkU3OEVBNTcwNTJENDM2Qk, and its disk is of cluster AkU3OEVBNTcwNTJENDM2Qk"),
        "{}",
        mismatch.title
    );
    none(&of(wrong, &[started("11:00:00,000", 1)]), Code::ClusterIdMismatch);
    none(&of("java.lang.IllegalStateException: closed", &[]), Code::ClusterIdMismatch);
}
