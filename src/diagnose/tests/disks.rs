//! Disks, replicas that stand still, replicas on their way.

use super::scene::*;
use super::*;
use crate::compare::rounds::replica;
use crate::round::{DiskUsage, Evidence, ExpectTopic, Mount, ProbeAnswer, ReplicaKind, Visit};

fn mounted(mut visit: Visit, used: u64, inodes_free: u64) -> Visit {
    let mount = Mount {
        device: "/dev/sdb".into(),
        mount: "/services".into(),
        size_bytes: 100 * GIB,
        used_bytes: used * GIB,
        available_bytes: (100 - used) * GIB,
        inodes: Some(1000),
        inodes_free: Some(inodes_free),
    };
    visit.probes.push(ProbeAnswer {
        play: 0,
        probe: "disk_free".into(),
        evidence: Evidence::DiskFree(vec![mount]),
        coverage: Vec::new(),
        seconds: 0.0,
    });
    visit
}

#[test]
fn space_and_inodes() {
    let of = |used, free| findings(&round(vec![mounted(broker("a", 1), used, free).disk(vec![])]));
    nothing_worse_than(&of(84, 500), Severity::Notice);
    let filling = of(86, 500);
    assert_eq!(only(&filling, Code::DiskFilling).severity, Severity::Warning);
    none(&filling, Code::DiskFull);
    let full = of(96, 500);
    assert_eq!(only(&full, Code::DiskFull).severity, Severity::Critical);
    none(&full, Code::DiskFilling);
    let inodes = of(10, 30);
    let inodes = only(&inodes, Code::DiskFull);
    assert!(inodes.title.contains("inodes"));
    assert!(inodes.next_steps[0].starts_with("Find where the files are"), "{:?}", inodes.next_steps);
    // A playbook's own limits.
    let mut own = round(vec![mounted(broker("a", 1), 96, 500).disk(vec![])]);
    own.plays[0].expect.thresholds.disk_full = 98.0;
    own.plays[0].expect.thresholds.disk_filling = 97.0;
    assert!(findings(&own).is_empty(), "{}", titles(&findings(&own)));
}

#[test]
fn a_full_disk_in_the_log_is_over_with_a_start() {
    let failed = [
        at(
            "16:05:48,875",
            "ERROR Error while appending records to t-1 in dir /services/kafka (org.apache.kafka.storage.internals.log.LogDirFailureChannel)",
        ),
        "java.io.IOException: No space left on device".to_owned(),
        at(
            "16:05:48,879",
            "WARN [ReplicaManager broker=1] Stopping serving replicas in dir /services/kafka with uuid Some(x) because the log directory has failed. (kafka.server.ReplicaManager)",
        ),
    ];
    let found = findings(&round(vec![logged(broker("a", 1), &failed)]));
    assert_eq!(only(&found, Code::DiskFull).severity, Severity::Critical);
    assert_eq!(only(&found, Code::LogDirOffline).severity, Severity::Critical);
    none(&found, Code::UnknownErrors);
    let mut again = failed.to_vec();
    again.push(started("17:00:00,000", 1));
    let found = findings(&round(vec![logged(broker("a", 1), &again)]));
    none(&found, Code::DiskFull);
    nothing_worse_than(&found, Severity::Notice);
    only(&found, Code::LogDirOffline);
}

#[test]
fn open_files_near_their_limit() {
    let of = |open| {
        let visit = with(broker("a", 1), |broker| {
            (broker.open_files, broker.open_files_limit) = (Some(open), Some(1000));
        });
        findings(&round(vec![visit.disk(vec![])]))
    };
    assert!(of(700).is_empty());
    assert_eq!(only(&of(850), Code::DiskFilling).severity, Severity::Warning);
    assert_eq!(only(&of(990), Code::DiskFilling).severity, Severity::Critical);
}

/// Two replicas of which the second is behind, written so many seconds before the first.
fn behind(ago: i64, high: u64, follower: impl FnOnce(Visit) -> Visit) -> Vec<Finding> {
    let leader = broker("a", 1).disk(vec![written("t", 0, GIB, 5)]).high_watermarks(&[("t", 0, 10_000)]);
    let other = broker("b", 2).disk(vec![written("t", 0, GIB - MIB, ago)]).high_watermarks(&[("t", 0, high)]);
    findings(&round(vec![leader, follower(other)]))
}

#[test]
fn a_replica_that_stands_still_is_lagging() {
    let found = behind(900, 9_800, |visit| visit);
    let lagging = only(&found, Code::ReplicaLagging);
    assert_eq!(
        (lagging.severity, replicas(lagging)[0].odd.as_slice()),
        (Severity::Warning, &["b".to_owned()][..])
    );
    // It was written a moment ago: brokers are not visited at one time.
    none(&behind(30, 9_800, |visit| visit), Code::ReplicaLagging);
    // It has all there is: nothing is written to the partition.
    none(&behind(900, 10_000, |visit| visit), Code::ReplicaLagging);
    // Its clock is a quarter of an hour behind.
    let found = behind(900, 9_800, |mut visit| {
        visit.facts.as_mut().unwrap().clock.as_mut().unwrap().offset_s = -900.0;
        visit
    });
    none(&found, Code::ReplicaLagging);
    // Its broker is stopped.
    let found = behind(900, 9_800, |visit| {
        with(visit, |broker| broker.running = Some(false)).dir(|dir| dir.clean_shutdown = true)
    });
    assert_eq!(only(&found, Code::ReplicaLagging).severity, Severity::Notice);
}

#[test]
fn a_fetcher_that_died_is_dead_until_its_broker_starts() {
    let died = at(
        "14:16:36,003",
        "ERROR [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Error due to (kafka.server.ReplicaFetcherThread)",
    );
    let found = findings(&round(vec![logged(broker("a", 1), std::slice::from_ref(&died)), broker("b", 2)]));
    let lagging = only(&found, Code::ReplicaLagging);
    assert_eq!(lagging.severity, Severity::Critical);
    assert!(lagging.title.contains("nothing from b"), "{}", lagging.title);
    let found = findings(&round(vec![logged(broker("a", 1), &[died, started("15:00:00,000", 1)])]));
    none(&found, Code::ReplicaLagging);
}

#[test]
fn marked_as_failed_counts_only_without_its_harmless_reason() {
    let failed = at(
        "16:21:11,564",
        "WARN [ReplicaFetcher replicaId=3, leaderId=1, fetcherId=0] Partition t-0 marked as failed (kafka.server.ReplicaFetcherThread)",
    );
    let waits = at(
        "16:21:11,560",
        "INFO [ReplicaFetcher replicaId=3, leaderId=1, fetcherId=0] Partition t-0 has an older epoch (1) than the current leader. Will await the new LeaderAndIsr state before resuming fetching. (kafka.server.ReplicaFetcherThread)",
    );
    let other = waits.replace("t-0", "t-9");
    let of = |lines: &[String]| findings(&round(vec![logged(broker("a", 3), lines)]));
    none(&of(&[waits, failed.clone()]), Code::ReplicaLagging);
    // The reason of another partition is none.
    assert_eq!(only(&of(&[other, failed.clone()]), Code::ReplicaLagging).severity, Severity::Critical);
    // Where nobody asked for the line with the reason, its lack says nothing.
    none(&of(&[failed]), Code::ReplicaLagging);
}

/// RF 2 by the playbook, and a third copy with a tenth of the data, written so many seconds ago.
fn third(ago: i64) -> Vec<Finding> {
    let full = |name: &str, id| {
        broker(name, id).disk(vec![written("t", 0, 10 * GIB, 5)]).high_watermarks(&[("t", 0, 10_000)])
    };
    let filling = broker("c", 3).disk(vec![written("t", 0, GIB, ago)]).high_watermarks(&[("t", 0, 900)]);
    let mut round = round(vec![full("a", 1), full("b", 2), filling]);
    let two = ExpectTopic { replication_factor: Some(2), ..ExpectTopic::default() };
    round.plays[0].expect.topics = vec![("*".into(), two)];
    findings(&round)
}

#[test]
fn a_copy_that_is_being_filled_is_no_short_replica() {
    let found = third(10);
    nothing_worse_than(&found, Severity::Notice);
    only(&found, Code::ReplicaExtra);
    // Nobody has written to it for two hours: it is not on its way any more.
    only(&third(7200), Code::ReplicaShort);
}

#[test]
fn a_topic_in_deletion_or_creation_misses_nothing() {
    let deleting = crate::round::Replica { kind: ReplicaKind::Deleting, ..written("t", 0, GIB, 5) };
    let half = |second| {
        findings(&round(vec![
            broker("a", 1).disk(vec![written("t", 0, GIB, 5), written("t", 1, GIB, 5)]),
            broker("b", 2).disk(second),
        ]))
    };
    let found = half(vec![deleting, written("t", 1, GIB, 5)]);
    assert_eq!(only(&found, Code::ReplicaMissing).severity, Severity::Notice);
    assert_eq!(only(&half(vec![written("t", 1, GIB, 5)]), Code::ReplicaMissing).severity, Severity::Critical);
    let young = |ago| {
        findings(&round(vec![
            broker("a", 1).disk(vec![written("n", 0, 0, ago), written("n", 1, 0, ago)]),
            broker("b", 2).disk(vec![written("n", 0, 0, ago)]),
        ]))
    };
    assert_eq!(only(&young(20), Code::ReplicaMissing).severity, Severity::Notice);
    assert_eq!(only(&young(7200), Code::ReplicaMissing).severity, Severity::Critical);
}

#[test]
fn a_topics_own_size_ratio() {
    let mut round = round(vec![
        broker("a", 1).disk((0..3).map(|partition| replica("t", partition, 4 * GIB)).collect()),
        broker("b", 2).disk((0..3).map(|partition| replica("t", partition, GIB)).collect()),
    ]);
    only(&findings(&round), Code::ReplicaSkew);
    let wide = crate::round::SizeRatio { warning: 10.0, critical: 20.0, ignore_below: MIB };
    let own = ExpectTopic { size_ratio: Some(wide), ..ExpectTopic::default() };
    round.plays[0].expect.topics = vec![("t".into(), own)];
    none(&findings(&round), Code::ReplicaSkew);
}

#[test]
fn a_log_dir_that_is_not_there() {
    let of = |guessed: bool| {
        let visit = with(broker("a", 1), |broker| {
            broker.log_dirs = vec!["/services/kafka".into()];
            if guessed {
                broker.guessed.push(("log_dirs".into(), "the usual place".into()));
            }
        });
        findings(&round(vec![visit.dir(|dir| dir.access = crate::round::Access::Missing)]))
    };
    assert_eq!(only(&of(false), Code::LogDirOffline).severity, Severity::Critical);
    none(&of(true), Code::LogDirOffline);
}

/// Details of the only replica of a host.
pub fn detailed(mut visit: Visit, epochs: &[(u32, u64)], topic_id: Option<&str>) -> Visit {
    if let Some(Evidence::DiskUsage(DiskUsage { details, .. })) =
        visit.probes.first_mut().map(|answer| &mut answer.evidence)
    {
        details.push(crate::round::ReplicaDetail {
            replica: 0,
            epochs: Some(epochs.to_vec()),
            topic_id: topic_id.map(str::to_owned),
        });
    }
    visit
}

const GIVEN_UP: &str = "org.apache.kafka.common.errors.KafkaStorageException: The log dir /services/kafka is already offline due to a previous IO exception.";

#[test]
fn what_touches_a_failed_dir_belongs_to_it() {
    let processing = at(
        "22:25:59,244",
        "ERROR [ReplicaFetcher replicaId=3, leaderId=1, fetcherId=0] Error while processing data for partition t-9 at offset 2560 (kafka.server.ReplicaFetcherThread)",
    );
    let of =
        |cause: &str| findings(&round(vec![logged(broker("a", 3), &[processing.clone(), cause.to_owned()])]));
    let found = of(GIVEN_UP);
    assert!(only(&found, Code::LogDirOffline).title.contains("/services/kafka"));
    none(&found, Code::UnknownErrors);
    // The same line for another reason.
    let found = of("java.lang.IllegalStateException: Offset mismatch");
    only(&found, Code::UnknownErrors);
    none(&found, Code::LogDirOffline);
}

#[test]
fn a_broker_that_halted_without_a_log_dir_did_not_crash() {
    let halted = at(
        "22:25:59,285",
        "ERROR Shutdown broker because all log dirs in /services/kafka have failed (kafka.log.LogManager)",
    );
    let of = |lines: &[String]| {
        let visit = with(logged(broker("a", 3), lines), |broker| broker.running = Some(false));
        findings(&round(vec![visit.disk(vec![])]))
    };
    let found = of(std::slice::from_ref(&halted));
    assert_eq!(only(&found, Code::LogDirOffline).severity, Severity::Critical);
    none(&found, Code::BrokerCrashed);
    // It came up again after that, and is down for another reason.
    let found = of(&[halted, started("22:40:00,000", 3)]);
    assert_eq!(only(&found, Code::BrokerCrashed).severity, Severity::Critical);
}

#[test]
fn a_log_dir_that_the_controller_alone_knows_as_offline() {
    let told = at(
        "10:00:00,000",
        "WARN [QuorumController id=1] Directories [abc] in broker 2 marked offline, remaining directories: [def] (org.apache.kafka.controller.ClusterControlManager)",
    );
    let of = |own: &[String]| {
        findings(&round(vec![
            logged(broker("a", 1), std::slice::from_ref(&told)),
            logged(broker("b", 2), own),
            broker("c", 3),
        ]))
    };
    let found = of(&[]);
    let offline = only(&found, Code::LogDirOffline);
    assert_eq!((offline.severity, offline.subject.broker.as_deref()), (Severity::Critical, Some("b")));
    // A start puts the directory back; one before it does not.
    assert_eq!(only(&of(&[started("10:30:00,000", 2)]), Code::LogDirOffline).severity, Severity::Notice);
    assert_eq!(only(&of(&[started("09:30:00,000", 2)]), Code::LogDirOffline).severity, Severity::Critical);
}

#[test]
fn a_dead_cleaner_fills_the_disk_at_its_rate() {
    // 40 GiB uncleaned in one day, and so much left.
    let of = |left: u64, died: bool, days: f64| {
        let dirty =
            crate::round::Replica { segments: 5, active_bytes: MIB, ..written("t", 0, 40 * GIB + MIB, 60) };
        let visit = mounted(broker("a", 1).disk(vec![dirty]), 100 - left, 500)
            .first_dirty(&[("t", 0, 0)])
            .high_watermarks(&[("t", 0, 1000)])
            .dir(|dir| dir.path = "/services/kafka".into());
        let line = if died {
            at("00:00:00,000", "ERROR [kafka-log-cleaner-thread-0]: Error due to (kafka.log.LogCleaner)")
        } else {
            started("00:00:00,000", 1)
        };
        let mut round = round(vec![logged(visit, &[line])]);
        let compact = ExpectTopic { compacted: Some(true), ..ExpectTopic::default() };
        round.plays[0].expect.topics = vec![("t".into(), compact)];
        round.plays[0].expect.thresholds.disk_days = days;
        findings(&round)
    };
    let found = of(60, true, 2.0);
    let filling = only(&found, Code::DiskFilling);
    assert_eq!(filling.basis, crate::diagnose::finding::Basis::Inferred);
    assert!(filling.title.contains("full in 1.5 days at 40.0 GiB a day"), "{}", filling.title);
    // Enough for longer than that, and a cleaner that started again.
    none(&of(60, true, 1.0), Code::DiskFilling);
    none(&of(90, true, 2.0), Code::DiskFilling);
    none(&of(60, false, 2.0), Code::DiskFilling);
}
