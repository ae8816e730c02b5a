//! One rule at a time, with what it must not say.

use super::*;
use crate::compare::rounds::{DIR, host, replica, round};
use crate::diagnose::Status;
use crate::diagnose::finding::Basis;
use crate::diagnose::verdict;
use crate::round::{Coverage, ExpectTopic, Outcome, ReplicaKind, Stopped, Visit};

const LOG: &str = "/var/log/kafka/server.log";
const GIB: u64 = 1 << 30;

fn id(visit: Visit, id: i64) -> Visit {
    visit.dir(|dir| dir.broker_id = Some(id))
}

fn exit(round: &Round) -> (Status, u8) {
    let verdict = verdict(round, &findings(round));
    (verdict.status, verdict.exit_code)
}

const RESET_LATEST: &str = "[2023-04-03 14:16:36,001] WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Reset fetch offset for partition a.b-1-13 from 900 to current leader's latest offset 700 (kafka.server.ReplicaFetcherThread)";
const OUT_OF_RANGE: &str = "[2023-04-03 14:16:36,003] INFO [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Current offset 900 for partition a.b-1-13 is out of range, which typically implies a leader change. Reset fetch offset to 700 (kafka.server.ReplicaFetcherThread)";

#[test]
fn several_lines_are_one_truncation() {
    let round = round(vec![id(host("one"), 1).log(LOG, &[RESET_LATEST, OUT_OF_RANGE]), id(host("two"), 2)]);
    let found = findings(&round);
    let cut = only(&found, Code::ReplicaTruncated);
    let items = truncations(cut);
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].from, items[0].to, items[0].leader.as_deref()), (900, 700, Some("two")));
    assert_eq!(cut.subject.topic.as_deref(), Some("a.b-1"));
}

#[test]
fn kafka_2_8_says_it_twice_and_the_whole_cut_counts() {
    let log = [
        "[2026-11-23 16:21:58,038] WARN [Log partition=t-1, dir=/services/kafka] Non-monotonic update of high watermark from (offset=4037 segment=[3995:106477]) to (offset=3469 segment=[-1:-1]) (kafka.log.Log)",
        "[2026-11-23 16:21:58,438] WARN [Log partition=t-1, dir=/services/kafka] Non-monotonic update of high watermark from (offset=3438 segment=[3130:1]) to (offset=3375 segment=[-1:-1]) (kafka.log.Log)",
    ];
    let found = findings(&round(vec![host("one").log(LOG, &log)]));
    let items = truncations(only(&found, Code::ReplicaTruncated));
    assert_eq!((items.len(), items[0].from, items[0].to, items[0].lost), (1, 4037, 3375, 662));
    assert_eq!((items[0].leader_id, items[0].leader.as_deref()), (None, None));
}

#[test]
fn a_fetch_anew_is_no_truncation() {
    for log in [
        // The follower was down for longer than retention keeps: from below to.
        &[
            "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Current offset 10 for partition [t,0] out of range; reset offset to 500 (kafka.server.ReplicaFetcherThread)",
        ][..],
        // KAFKA-2477: reset to the leader's start although the follower was ahead.
        &[
            "[2015-04-03 14:16:36,001] WARN [ReplicaFetcherThread-0-2], Replica 1 for partition [t,0] reset its fetch offset from 10 to current leader 2's start offset 10 (kafka.server.ReplicaFetcherThread)",
            "[2015-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Current offset 900 for partition [t,0] out of range; reset offset to 10 (kafka.server.ReplicaFetcherThread)",
        ],
        &[
            "[2024-04-03 14:16:36,003] WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Truncate fully and reset fetch offset for partition t-0 from 100 to the current leader's start offset 500 because the local replica's end offset is smaller than the current leader's start offsets. (kafka.server.ReplicaFetcherThread)",
        ],
        &[
            "[2026-11-23 16:15:02,187] INFO [UnifiedLog partition=t-0, dir=/services/kafka] Truncating to offset 3375 (kafka.log.UnifiedLog)",
        ],
    ] {
        let found = findings(&round(vec![host("one").log(LOG, log)]));
        none(&found, Code::ReplicaTruncated);
        none(&found, Code::DataLost);
    }
}

#[test]
fn an_old_brokers_line_alone_is_doubtful() {
    let log = [
        "[2015-04-03 14:00:00,000] INFO Kafka version : 0.9.0.0 (org.apache.kafka.common.utils.AppInfoParser)",
        "[2015-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Current offset 900 for partition [t,0] out of range; reset offset to 10 (kafka.server.ReplicaFetcherThread)",
    ];
    let found = findings(&round(vec![host("one").log(LOG, &log)]));
    let cut = only(&found, Code::ReplicaTruncated);
    assert_eq!((cut.severity, cut.basis), (Severity::Warning, Basis::Inferred));
    none(&found, Code::DataLost);
}

/// Three replicas: `one` was cut while it followed `two`; `three` stands at an offset of its own.
fn third(two: u64, three: u64) -> Vec<Finding> {
    let at = |visit: Visit, offset| {
        visit.disk(vec![replica("a.b-1", 13, GIB)]).high_watermarks(&[("a.b-1", 13, offset)])
    };
    findings(&round(vec![
        at(id(host("one"), 1), 700).log(LOG, &[RESET_LATEST]),
        at(id(host("two"), 2), two),
        at(id(host("three"), 3), three),
    ]))
}

#[test]
fn a_third_replica_beyond_its_leader_still_has_the_records() {
    let found = third(700, 900);
    none(&found, Code::DataLost);
    let cut = only(&found, Code::ReplicaTruncated);
    assert!(cut.next_steps[0].contains("Do not restart three"), "{:?}", cut.next_steps);
}

#[test]
fn a_third_replica_that_follows_has_new_records_at_old_offsets() {
    assert_eq!(only(&third(700, 700), Code::DataLost).basis, Basis::Observed);
    // The log has grown past the cut since.
    assert_eq!(only(&third(1000, 1000), Code::DataLost).basis, Basis::Inferred);
}

fn sided(large: Visit, small: Visit) -> Vec<Finding> {
    findings(&round(vec![
        large.disk((0..4).map(|partition| replica("t", partition, 4 * GIB)).collect()),
        small.disk((0..4).map(|partition| replica("t", partition, GIB)).collect()),
    ]))
}

fn offsets(visit: Visit, high: u64, dirty: Option<u64>) -> Visit {
    let all = |offset| [0, 1, 2, 3].map(|partition| ("t", partition, offset));
    let visit = visit.high_watermarks(&all(high));
    match dirty {
        Some(dirty) => visit.first_dirty(&all(dirty)),
        None => visit.first_dirty(&[]),
    }
}

#[test]
fn checkpoints_alone_tell_bloated_from_short() {
    // The larger side is cleaned less far.
    let found = sided(offsets(host("large"), 1000, Some(100)), offsets(host("small"), 1000, Some(990)));
    none(&found, Code::ReplicaShort);
    assert!(replicas(only(&found, Code::ReplicaSkew)).iter().all(|item| item.odd == ["large"]));
    // Never cleaned there.
    let found = sided(offsets(host("large"), 1000, None), offsets(host("small"), 1000, Some(990)));
    none(&found, Code::ReplicaShort);
    // As well cleaned as the other.
    let found = sided(offsets(host("large"), 1000, Some(990)), offsets(host("small"), 1000, Some(980)));
    let short = only(&found, Code::ReplicaShort);
    assert!(replicas(short).iter().all(|item| item.odd == ["small"]));
    // Behind, whatever the cleaners do.
    let found = sided(offsets(host("large"), 1000, Some(100)), offsets(host("small"), 500, Some(490)));
    only(&found, Code::ReplicaShort);
}

#[test]
fn what_retention_has_left_on_one_side_is_no_loss() {
    let old = |visit: Visit, start| {
        offsets(visit, 1000, None).dir(|dir| {
            dir.log_starts = Some(crate::compare::rounds::checkpoints(
                &[0, 1, 2, 3].map(|partition| ("t", partition, start)),
            ));
        })
    };
    let found = sided(old(host("large"), 0), old(host("small"), 700));
    none(&found, Code::ReplicaShort);
    assert!(replicas(only(&found, Code::ReplicaSkew))[0].why.as_ref().unwrap().contains("retention"));
}

#[test]
fn small_differences_are_none_but_small_partitions_are_seen() {
    let with = |bytes, segments| crate::round::Replica { segments, ..replica("t", 0, bytes) };
    let pair =
        |large, small| findings(&round(vec![host("a").disk(vec![large]), host("b").disk(vec![small])]));
    // Nine times, within four segments.
    nothing_worse_than(&pair(with(9 << 20, 1), with(1 << 20, 1)), Severity::Notice);
    // The same sizes in segments of 1 MiB.
    only(&pair(with(9 << 20, 9), with(1 << 20, 1)), Code::ReplicaSkew);
    // A difference of 99 MiB between large segments.
    nothing_worse_than(&pair(with(130 << 20, 1), with(31 << 20, 1)), Severity::Notice);
}

const DIED: &str =
    "[2017-03-28 03:12:41,207] ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)";
const NULL_KEY: &str = "java.lang.IllegalArgumentException: requirement failed: Found null key in log segment /data/orders-3/00000000000000000000.log which is marked as dedupe.";

#[test]
fn a_dead_cleaner_is_dead_until_the_log_shows_it_alive() {
    let dead = |more: &[&str]| {
        let mut log = vec![DIED, NULL_KEY];
        log.extend(more);
        findings(&round(vec![host("a").log(LOG, &log)]))
    };
    for alive in [
        "[2017-03-29 00:00:00,000] INFO [Kafka Server 1], started (kafka.server.KafkaServer)",
        "[2017-03-29 00:00:00,000] INFO [kafka-log-cleaner-thread-0], Starting  (kafka.log.LogCleaner)",
        "[2017-03-29 00:00:00,000] INFO Cleaner 0: Beginning cleaning of log orders-3. (kafka.log.LogCleaner)",
    ] {
        none(&dead(&[alive]), Code::CleanerDead);
    }
    for nothing in [
        "[2017-03-29 00:00:00,000] INFO The cleaning for partition [orders,3] is aborted and paused (kafka.log.LogCleaner)",
        "[2017-03-29 00:00:00,000] INFO [kafka-log-cleaner-thread-0], Stopped  (kafka.log.LogCleaner)",
        // Another thread, and an earlier start.
        "[2017-03-29 00:00:00,000] INFO Cleaner 1: Beginning cleaning of log orders-3. (kafka.log.LogCleaner)",
        "[2017-03-01 00:00:00,000] INFO [Kafka Server 1], started (kafka.server.KafkaServer)",
    ] {
        let found = dead(&[nothing]);
        assert!(only(&found, Code::CleanerDead).title.contains("orders-3"), "{nothing}");
    }
}

#[test]
fn a_bug_is_named_only_where_its_version_ran() {
    let with = |version: Option<&str>| {
        let version = version.map(|version| format!("[2017-03-01 00:00:00,000] INFO Kafka version : {version} (org.apache.kafka.common.utils.AppInfoParser)"));
        let log: Vec<&str> = version.as_deref().into_iter().chain([DIED, NULL_KEY]).collect();
        let found = findings(&round(vec![host("a").log(LOG, &log)]));
        let dead = only(&found, Code::CleanerDead);
        (dead.bug.as_ref().map(|bug| bug.id.clone()), dead.meaning.contains("KAFKA-1755"))
    };
    assert_eq!(with(Some("0.8.2.1")), (Some("KAFKA-1755".into()), true));
    assert_eq!(with(Some("2.0.0")), (None, true));
    assert_eq!(with(None), (None, true));
}

#[test]
fn an_uncleanable_partition_is_so_until_the_broker_starts() {
    let mark = "[2026-11-23 16:20:10,226] WARN [kafka-log-cleaner-thread-0]: Unexpected exception thrown when cleaning log Log(dir=/d/t-2, topic=t, partition=2). Marking its partition (t-2) as uncleanable (kafka.log.LogCleaner)";
    let found = findings(&round(vec![host("a").log(LOG, &[mark])]));
    let finding = only(&found, Code::PartitionUncleanable);
    assert_eq!((finding.subject.topic.as_deref(), finding.subject.broker.as_deref()), (Some("t"), Some("a")));
    none(&found, Code::CleanerDead);
    let start = "[2026-11-23 17:00:00,000] INFO [KafkaServer id=1] started (kafka.server.KafkaServer)";
    none(&findings(&round(vec![host("a").log(LOG, &[mark, start])])), Code::PartitionUncleanable);
}

#[test]
fn a_zookeeper_controllers_unclean_election_is_inferred() {
    let elected = |at: &str, from: &str, leader, epoch| {
        format!(
            "[2021-04-03 14:{at}:00,000] INFO [Controller id=1 epoch=7] Changed partition t-13 from {from} to OnlinePartition with state LeaderAndIsr(leader={leader}, leaderEpoch={epoch}, isr=List({leader}), zkVersion={epoch}) (state.change.logger)"
        )
    };
    let log = |leader| [elected("00", "OnlinePartition", 2, 4), elected("16", "OfflinePartition", leader, 5)];
    let found = |leader| {
        let log = log(leader);
        findings(&round(vec![id(host("a"), 3).log(LOG, &[&log[0], &log[1]])]))
    };
    let election = only(&found(3), Code::UncleanElection).clone();
    assert_eq!(election.basis, Basis::Inferred);
    assert!(
        election.title.starts_with("Unclean election: a became leader of 1 partition of t"),
        "{}",
        election.title
    );
    none(&found(2), Code::UncleanElection);
}

#[test]
fn missing_and_extra_replicas_against_the_mode_and_the_playbook() {
    let of = |partitions: &[u32]| {
        partitions.iter().map(|partition| replica("t", *partition, GIB)).collect::<Vec<_>>()
    };
    let mut round = round(vec![host("a").disk(of(&[0, 1, 2, 4])), host("b").disk(of(&[0, 1, 2]))]);
    let found = findings(&round);
    let missing = only(&found, Code::ReplicaMissing);
    // 3 is nowhere, 4 on one broker only.
    assert_eq!((partitions(missing), missing.basis), (vec![3, 4], Basis::Inferred));
    round.plays[0].expect.topics = vec![(
        "t".into(),
        ExpectTopic { replication_factor: Some(1), partitions: Some(4), ..ExpectTopic::default() },
    )];
    let found = findings(&round);
    assert_eq!(partitions(only(&found, Code::ReplicaExtra)), [0, 1, 2]);
    none(&found, Code::ExpectationFailed);
    round.plays[0].expect.topics[0].1.partitions = Some(36);
    assert_eq!(only(&findings(&round), Code::ExpectationFailed).severity, Severity::Critical);
    // With a broker out of sight nothing is missing.
    round.visits.push(host("c").gone(Outcome::Timeout));
    none(&findings(&round), Code::ReplicaMissing);
    none(&findings(&round), Code::ExpectationFailed);
}

#[test]
fn a_probe_of_some_partitions_says_nothing_of_the_others() {
    let some = |name: &str| {
        host(name).disk_at("/services/kafka/t-1*", DIR, vec![replica("t", 1, GIB), replica("t", 10, GIB)])
    };
    let mut some = round(vec![some("a"), some("b")]);
    none(&findings(&some), Code::ReplicaMissing);
    some.plays[0].expect.topics =
        vec![("t".into(), ExpectTopic { partitions: Some(12), ..ExpectTopic::default() })];
    none(&findings(&some), Code::ExpectationFailed);
}

#[test]
fn a_topic_that_is_nowhere_fails_only_where_it_was_looked_for() {
    let mut all = round(vec![host("a").disk(vec![replica("t", 0, 1)])]);
    all.plays[0].expect.topics =
        vec![("gone".into(), ExpectTopic::default()), ("tmp-*".into(), ExpectTopic::default())];
    assert!(only(&findings(&all), Code::ExpectationFailed).title.contains("gone"));
    let mut some = round(vec![host("a").disk_at("/services/kafka/t-*", DIR, vec![replica("t", 0, 1)])]);
    some.plays = all.plays.clone();
    none(&findings(&some), Code::ExpectationFailed);
}

#[test]
fn empty_and_left_over_replicas() {
    let kind = |kind, partition| crate::round::Replica { kind, ..replica("t", partition, GIB) };
    let found = findings(&round(vec![
        host("a").disk(vec![
            replica("t", 0, GIB),
            kind(ReplicaKind::Stray, 5),
            kind(ReplicaKind::Deleting, 6),
        ]),
        host("b").disk(vec![replica("t", 0, 0), kind(ReplicaKind::Future, 0)]),
    ]));
    assert_eq!(replicas(only(&found, Code::ReplicaEmpty))[0].odd, ["b"]);
    assert_eq!(only(&found, Code::ReplicaStray).severity, Severity::Warning);
    assert_eq!(only(&found, Code::ReplicaFuture).severity, Severity::Notice);
    assert_eq!(only(&found, Code::ReplicaDeleting).severity, Severity::Notice);
    none(&found, Code::ReplicaSkew);
}

#[test]
fn ignored_topics_have_no_findings() {
    let mut round = round(vec![
        host("a")
            .disk(vec![replica("a.b-1", 13, 9 * GIB), replica("a.b-1", 14, GIB)])
            .log(LOG, &[RESET_LATEST]),
        host("b").disk(vec![replica("a.b-1", 13, GIB)]),
    ]);
    assert!(!findings(&round).is_empty());
    round.plays[0].ignore_topics = vec!["a.*".into()];
    assert!(findings(&round).is_empty(), "{}", titles(&findings(&round)));
}

#[test]
fn unexplained_errors_are_counted_by_shape() {
    let error = |partition| {
        format!(
            "[2026-11-23 16:05:48,{partition}] ERROR Something that nobody foresaw in t-{partition} (kafka.server.Broker)"
        )
    };
    let (one, two) = (error(100), error(200));
    let harmless = "[2026-11-23 16:17:40,000] ERROR [QuorumController id=1] Cancelling deferred write event maybeFenceReplicas because the event queue is now closed. (x.Y)";
    let warning = "[2026-11-23 16:17:40,000] WARN something odd (x.Y)";
    let found = findings(&round(vec![host("a").log(LOG, &[&one, &two, harmless, warning])]));
    let unknown = only(&found, Code::UnknownErrors);
    let Item::Shape(shape) = &unknown.items[0] else { panic!("{unknown:?}") };
    assert_eq!((unknown.items.len(), shape.count, shape.hosts.as_slice()), (1, 2, &["a".to_owned()][..]));
}

#[test]
fn ids_that_do_not_fit() {
    let found = findings(&round(vec![
        id(host("a"), 1).dir(|dir| dir.cluster_id = Some("x".into())),
        id(host("b"), 1).dir(|dir| dir.cluster_id = Some("x".into())),
    ]));
    assert!(only(&found, Code::BrokerIdDuplicate).title.contains("a and b"));
    none(&found, Code::ClusterIdMismatch);
    let named = |name: &str, cluster: &str| {
        let mut visit = host(name).dir(|dir| dir.cluster_id = Some(cluster.into()));
        visit.cluster = Some("prod".into());
        visit
    };
    only(&findings(&round(vec![named("a", "x"), named("b", "y")])), Code::ClusterIdMismatch);
}

#[test]
fn a_clock_is_off_only_beyond_what_the_measurement_leaves() {
    let clock = |name: &str, offset: f64, uncertainty: f64| {
        let mut visit = host(name);
        let clock = visit.facts.as_mut().unwrap().clock.as_mut().unwrap();
        (clock.offset_s, clock.uncertainty_s) = (offset, uncertainty);
        visit
    };
    // All nodes agree and we are off; one measurement is too vague.
    none(
        &findings(&round(vec![clock("a", 9.0, 0.1), clock("b", 9.1, 0.1), clock("c", 11.0, 3.0)])),
        Code::ClockSkew,
    );
    let found = findings(&round(vec![clock("a", 0.0, 0.1), clock("b", 0.1, 0.1), clock("c", -90.0, 0.1)]));
    let skew = only(&found, Code::ClockSkew);
    assert_eq!((skew.severity, skew.subject.broker.as_deref()), (Severity::Warning, Some("c")));
    none(&findings(&round(vec![clock("a", f64::NAN, 0.1), clock("b", f64::INFINITY, 0.1)])), Code::ClockSkew);
}

#[test]
fn what_is_missing_is_at_least_unknown() {
    assert_eq!(exit(&round(vec![host("a").disk(vec![])])), (Status::Ok, 0));
    assert_eq!(exit(&round(vec![])), (Status::Unknown, 3));
    assert_eq!(
        exit(&round(vec![host("a").disk(vec![]), host("b").gone(Outcome::AuthFailed)])),
        (Status::Unknown, 3)
    );
    assert_eq!(
        exit(&round(vec![host("a").disk(vec![]), host("b").gone(Outcome::Excluded)])),
        (Status::Ok, 0)
    );
    let mut partial = host("a").disk(vec![]);
    partial.probes[0].coverage.push(Coverage::none("/other", "permission denied"));
    let partial = round(vec![partial]);
    assert!(only(&findings(&partial), Code::ProbeIncomplete).title.contains("permission denied"));
    assert_eq!(exit(&partial), (Status::Unknown, 3));
    // A warning does not hide what is missing.
    let stray = crate::round::Replica { kind: ReplicaKind::Stray, ..replica("t", 0, GIB) };
    assert_eq!(exit(&round(vec![host("a").disk(vec![stray.clone()])])), (Status::Warning, 1));
    assert_eq!(
        exit(&round(vec![host("a").disk(vec![stray]), host("b").gone(Outcome::Lost)])),
        (Status::Unknown, 3)
    );
}

#[test]
fn a_changed_host_key_is_critical_and_an_unknown_one_is_not() {
    let mut changed = host("a").gone(Outcome::HostKey);
    changed.host_key_changed = true;
    let changed = round(vec![changed]);
    only(&findings(&changed), Code::HostKeyChanged);
    none(&findings(&changed), Code::NodeUnreachable);
    assert_eq!(exit(&changed), (Status::Critical, 2));
    assert_eq!(exit(&round(vec![host("a").gone(Outcome::HostKey)])), (Status::Unknown, 3));
}

#[test]
fn a_stopped_round_has_the_signals_exit_code() {
    let mut stopped = round(vec![host("a").disk(vec![])]);
    for (why, code) in [(Stopped::Interrupted, 130), (Stopped::Terminated, 143), (Stopped::Deadline, 3)] {
        stopped.stopped = Some(why);
        assert_eq!(exit(&stopped), (Status::Unknown, code));
    }
}

#[test]
fn ids_are_stable_and_differ_by_subject() {
    let of =
        |hosts: &[&str]| findings(&round(hosts.iter().map(|name| host(name).gone(Outcome::Lost)).collect()));
    let (one, both) = (of(&["a"]), of(&["b", "a"]));
    assert_eq!(one[0].id, both[0].id);
    assert_ne!(both[0].id, both[1].id);
    assert_eq!(one[0].id.len(), 16);
}

#[test]
fn every_code_has_the_word_that_reports_have() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.word());
    }
}

#[test]
fn the_order_of_probes_changes_nothing() {
    let host = || {
        let disk = || vec![replica("a.b-1", 13, GIB)];
        id(host("one"), 1)
            .log(LOG, &[RESET_LATEST])
            .disk(disk())
            .log("/var/log/kafka/log-cleaner.log", &[DIED, NULL_KEY])
    };
    let mut turned = host();
    turned.probes.reverse();
    assert_eq!(findings(&round(vec![host()])), findings(&round(vec![turned])));
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Numbers at their ends and words of any kind: no rule may panic.
        #[test]
        fn nothing_panics(
            disk in proptest::collection::vec(("[a-b]", 0u32..3, any::<u64>(), 0u32..3, 0u8..4), 0..10),
            other in proptest::collection::vec(("[a-b]", any::<u32>(), any::<u64>(), any::<u64>()), 0..10),
            lines in proptest::collection::vec(".{0,60}", 0..6),
            (warning, below) in (any::<f64>(), any::<u64>()),
        ) {
            let replicas = |from: &[(String, u32, u64, u32, u8)]| from.iter().map(|(topic, partition, bytes, segments, kind)| {
                let kinds = [ReplicaKind::Current, ReplicaKind::Future, ReplicaKind::Stray, ReplicaKind::Deleting];
                crate::round::Replica { segments: *segments, kind: kinds[usize::from(*kind)], last_base: Some(*bytes), ..replica(topic, *partition, *bytes) }
            }).collect::<Vec<_>>();
            let offsets: Vec<(&str, u32, u64)> = other.iter().map(|(topic, partition, offset, _)| (topic.as_str(), *partition % 3, *offset)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).chain([RESET_LATEST, DIED]).collect();
            let far: Vec<_> = other.iter().map(|(topic, partition, bytes, _)| replica(topic, *partition, *bytes)).collect();
            let mut round = round(vec![
                host("a").disk(replicas(&disk)).high_watermarks(&offsets).first_dirty(&offsets).log(LOG, &lines),
                host("b").disk(far).high_watermarks(&offsets),
                host("c").disk(replicas(&disk)),
            ]);
            round.plays[0].expect.size_ratio = crate::round::SizeRatio { warning, critical: warning, ignore_below: below };
            let found = findings(&round);
            prop_assert!(found.is_sorted_by_key(|finding| finding.severity));
            prop_assert!(found.iter().all(|finding| !finding.title.is_empty() && !finding.meaning.is_empty()));
            let _ = verdict(&round, &found);
        }
    }
}
