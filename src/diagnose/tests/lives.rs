//! Brokers that ended or were cut off.

use super::scene::*;
use super::*;
use crate::round::Visit;

fn of(visit: Visit) -> Vec<Finding> {
    findings(&round(vec![visit.disk(vec![]), broker("other", 9).disk(vec![])]))
}

#[test]
fn a_broker_that_is_down() {
    let down = |clean| {
        let visit = with(broker("a", 1), |broker| broker.running = Some(false));
        of(visit.dir(|dir| dir.clean_shutdown = clean))
    };
    let found = down(false);
    assert_eq!(only(&found, Code::BrokerCrashed).severity, Severity::Critical);
    none(&found, Code::BrokerFenced);
    let found = down(true);
    none(&found, Code::BrokerCrashed);
    assert_eq!(only(&found, Code::BrokerFenced).severity, Severity::Notice);
    // Nobody looked for the process, and there is no marker: that says nothing.
    let unseen = with(broker("a", 1), |broker| broker.running = None);
    assert!(of(unseen).is_empty());
}

#[test]
fn a_broker_that_has_been_stopped_for_long() {
    let since = |time| {
        let visit = with(broker("a", 1), |broker| broker.running = Some(false));
        of(logged(visit, &[stopped(time, 1)]).dir(|dir| dir.clean_shutdown = true))
    };
    assert_eq!(only(&since("23:30:00,000"), Code::BrokerFenced).severity, Severity::Notice);
    assert_eq!(only(&since("20:00:00,000"), Code::BrokerFenced).severity, Severity::Warning);
}

#[test]
fn a_start_that_recovers_is_a_crash_unless_it_is_the_first() {
    let recover = |time: &str| {
        at(
            time,
            "INFO Attempting recovery for all logs in /services/kafka since no clean shutdown file was found (kafka.log.LogManager)",
        )
    };
    // A first start has nothing to find.
    none(
        &of(logged(broker("a", 1), &[recover("10:00:00,000"), started("10:00:05,000", 1)])),
        Code::BrokerCrashed,
    );
    // A clean stop came before, and the disk is new.
    let clean = [
        started("09:00:00,000", 1),
        stopped("09:30:00,000", 1),
        recover("10:00:00,000"),
        started("10:00:05,000", 1),
    ];
    none(&of(logged(broker("a", 1), &clean)), Code::BrokerCrashed);
    let killed = [started("09:00:00,000", 1), recover("10:00:00,000"), started("10:00:05,000", 1)];
    let found = of(logged(broker("a", 1), &killed));
    let crash = only(&found, Code::BrokerCrashed);
    assert_eq!(crash.severity, Severity::Warning);
    assert!(crash.title.contains("It has started since"), "{}", crash.title);
    // KRaft recovers its metadata after every stop.
    let metadata = at(
        "10:00:00,000",
        "INFO [LogLoader partition=__cluster_metadata-0, dir=/services/kafka] Recovering unflushed segment 0. 0/1 recovered for __cluster_metadata-0. (kafka.log.LogLoader)",
    );
    none(&of(logged(broker("a", 1), &[started("09:00:00,000", 1), metadata])), Code::BrokerCrashed);
}

#[test]
fn a_fatal_error_is_over_with_a_start() {
    let fatal = at(
        "10:00:00,000",
        "ERROR [KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)",
    );
    assert_eq!(
        only(&of(logged(broker("a", 1), std::slice::from_ref(&fatal))), Code::BrokerCrashed).severity,
        Severity::Critical
    );
    let found = of(logged(broker("a", 1), &[fatal, started("10:10:00,000", 1)]));
    assert_eq!(only(&found, Code::BrokerCrashed).severity, Severity::Warning);
}

#[test]
fn a_kill_by_the_kernel() {
    let kernel = |line: &str| of(with(broker("a", 1), |broker| broker.oom_kills = vec![line.into()]));
    only(&kernel("Out of memory: Killed process 4711 (java) total-vm:8123456kB"), Code::BrokerCrashed);
    none(&kernel("Out of memory: Killed process 4711 (postgres) total-vm:8123456kB"), Code::BrokerCrashed);
}

#[test]
fn a_fence_alone_is_no_crash() {
    let fence = at(
        "10:00:00,000",
        "INFO [QuorumController id=9] Fencing broker 1 because its session has timed out. (org.apache.kafka.controller.ReplicationControlManager)",
    );
    let seen = |own: &[String]| {
        findings(&round(vec![
            logged(broker("a", 1).disk(vec![]), own),
            logged(broker("other", 9).disk(vec![]), std::slice::from_ref(&fence)),
        ]))
    };
    let found = seen(&[]);
    assert_eq!(only(&found, Code::BrokerFenced).severity, Severity::Warning);
    none(&found, Code::BrokerCrashed);
    // A start just before explains nothing: a broker registers then.
    assert_eq!(only(&seen(&[started("09:59:30,000", 1)]), Code::BrokerFenced).severity, Severity::Warning);
    // It was stopped just before, and it started again.
    assert_eq!(only(&seen(&[stopped("09:59:50,000", 1)]), Code::BrokerFenced).severity, Severity::Notice);
    none(&seen(&[stopped("09:59:50,000", 1), started("10:01:00,000", 1)]), Code::BrokerFenced);
}

#[test]
fn a_jvm_without_memory() {
    let lines = [
        at(
            "10:00:00,000",
            "ERROR Uncaught exception in thread 'kafka-request-handler-1' (org.apache.kafka.common.utils.KafkaThread)",
        ),
        "java.lang.OutOfMemoryError: Java heap space".to_owned(),
    ];
    let found = of(logged(broker("a", 1), &lines));
    let crash = only(&found, Code::BrokerCrashed);
    assert_eq!(crash.severity, Severity::Critical);
    assert!(crash.title.contains("OutOfMemoryError: Java heap space"), "{}", crash.title);
    none(&found, Code::UnknownErrors);
    // It has started since.
    let mut over = lines.to_vec();
    over.push(started("10:05:00,000", 1));
    assert_eq!(only(&of(logged(broker("a", 1), &over)), Code::BrokerCrashed).severity, Severity::Warning);
    // Another error of the same thread is none.
    let other = [lines[0].clone(), "java.lang.IllegalStateException: closed".to_owned()];
    none(&of(logged(broker("a", 1), &other)), Code::BrokerCrashed);
}

#[test]
fn a_start_that_failed_is_no_stop() {
    let failed = [
        at(
            "10:00:00,000",
            "ERROR [KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)",
        ),
        "java.lang.OutOfMemoryError: Java heap space".to_owned(),
        stopped("10:00:02,000", 1),
    ];
    let down = |lines: &[String]| {
        let visit = with(broker("a", 1), |broker| broker.running = Some(false));
        of(logged(visit, lines).dir(|dir| dir.clean_shutdown = true))
    };
    let found = down(&failed);
    // Not a broker that somebody stopped.
    none(&found, Code::BrokerFenced);
    let crashed = only(&found, Code::BrokerCrashed);
    assert_eq!(crashed.severity, Severity::Critical);
    assert_eq!(
        crashed.title,
        "a could not start: java.lang.OutOfMemoryError: Java heap space (2026-11-23 10:00:00,000)"
    );
    // It came up later, and was stopped then.
    let later = [&failed[..], &[started("11:00:00,000", 1), stopped("12:00:00,000", 1)]].concat();
    assert_eq!(only(&down(&later), Code::BrokerCrashed).severity, Severity::Warning);
}

#[test]
fn a_broker_that_is_cut_off_again_and_again() {
    let line = |time: &str, what: &str| at(time, &format!("INFO [QuorumController id=9] {what}"));
    let seen = |times: &[&str]| {
        let mut lines = Vec::new();
        for time in times {
            lines.push(line(&format!("{time}:00,000"), "Fencing broker 1 because its session has timed out. (org.apache.kafka.controller.ReplicationControlManager)"));
            lines.push(line(&format!("{time}:09,000"), "The request from broker 1 to unfence has been granted because it has caught up with the offset of its register broker record 9. (org.apache.kafka.controller.BrokerHeartbeatManager)"));
        }
        findings(&round(vec![
            logged(broker("a", 1).disk(vec![]), &[started("08:00:00,000", 1)]),
            logged(broker("other", 9).disk(vec![]), &lines),
        ]))
    };
    let often = seen(&["10:00", "10:20", "10:40"]);
    let found = only(&often, Code::BrokerFenced);
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.title.contains("cut a off 3 times"), "{}", found.title);
    assert_eq!(only(&seen(&["10:00", "12:00", "14:00"]), Code::BrokerFenced).severity, Severity::Notice);
}

#[test]
fn a_broker_that_left_zookeeper() {
    let callback = |time: &str, what: &str| {
        at(
            time,
            &format!("INFO [Controller id=9] {what} callback for 1,7 (kafka.controller.KafkaController)"),
        )
    };
    let with_own = |own: &[String], lines: &[String]| {
        findings(&round(vec![
            logged(broker("a", 1).disk(vec![]), own),
            logged(broker("other", 9).disk(vec![]), lines),
        ]))
    };
    let seen = |lines: &[String]| with_own(&[started("08:00:00,000", 1)], lines);
    let left = callback("10:00:00,000", "Broker failure");
    let found = seen(std::slice::from_ref(&left));
    assert_eq!(only(&found, Code::BrokerFenced).severity, Severity::Warning, "{}", titles(&found));
    none(&seen(&[left.clone(), callback("10:00:20,000", "New broker startup")]), Code::BrokerFenced);
    // Another controller took over meanwhile, and says nothing of who is there.
    let session = at(
        "10:00:20,000",
        "INFO Session establishment complete on server zk/10.0.0.9:2181, sessionid = 0x1, negotiated timeout = 6000 (org.apache.zookeeper.ClientCnxn)",
    );
    none(&with_own(&[started("08:00:00,000", 1), session], &[left]), Code::BrokerFenced);
}

#[test]
fn a_playbook_that_asks_for_no_broker_sees_who_is_down() {
    let host = |name: &str, id: i64, process: Option<bool>| {
        let mut visit = broker(name, id).disk(vec![]);
        visit.broker = None;
        visit.facts.as_mut().unwrap().process = process;
        visit
    };
    let down = |other: Option<bool>, own: Option<bool>| {
        findings(&round(vec![host("a", 1, other), host("b", 2, own)]))
    };
    let found = down(Some(true), Some(false));
    assert_eq!(only(&found, Code::BrokerCrashed).subject.broker.as_deref(), Some("b"));
    // Nobody's process is seen anywhere: they may run where nobody looks.
    for (other, own) in
        [(Some(false), Some(false)), (Some(true), None), (None, Some(false)), (Some(true), Some(true))]
    {
        none(&down(other, own), Code::BrokerCrashed);
    }
}

#[test]
fn a_second_process_that_was_refused_is_no_crash() {
    let lines = [
        started("09:00:00,000", 1),
        at("10:00:00,000", "ERROR [KafkaServer id=1] Fatal error during KafkaServer startup. Prepare to shutdown (kafka.server.KafkaServer)"),
        "org.apache.kafka.common.KafkaException: Failed to acquire lock on file .lock in /services/kafka. A Kafka instance in another process or thread is using this directory.".to_owned(),
    ];
    let since = |time: &str| {
        let visit = with(broker("a", 1), |broker| broker.started = Some(time.parse().unwrap()));
        of(logged(visit, &lines))
    };
    let found = since("2026-11-23T08:59:50Z");
    let second = only(&found, Code::BrokerCrashed);
    assert_eq!(second.severity, Severity::Warning);
    assert!(
        second.title.starts_with("A second start on a failed while its broker runs: org.apache"),
        "{}",
        second.title
    );
    // Started after all.
    assert!(!only(&since("2026-11-23T10:00:20Z"), Code::BrokerCrashed).title.contains("second"));
}
