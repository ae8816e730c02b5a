//! The incident of 2017-04-03: three brokers, 36 partitions, RF 2; .177's cleaner dead, .183 short of
//! twelve partitions, .176 cut by following it.

use super::*;
use crate::compare::rounds::{host, replica, round};
use crate::diagnose::Status;
use crate::diagnose::finding::Basis;
use crate::diagnose::verdict;
use crate::round::{Outcome, Visit};

const TOPIC: &str = "completeProduct";
const SHORT: [u32; 12] = [1, 5, 7, 11, 13, 17, 19, 23, 25, 29, 31, 35];

/// GiB.
const ON_177: &[(u32, f64)] = &[
    (0, 4.1),
    (2, 4.1),
    (3, 4.1),
    (4, 4.0),
    (6, 4.3),
    (8, 4.0),
    (9, 4.1),
    (10, 4.2),
    (12, 4.1),
    (14, 4.2),
    (15, 4.4),
    (16, 4.1),
    (18, 4.2),
    (20, 4.2),
    (21, 4.2),
    (22, 4.1),
    (24, 4.2),
    (26, 4.3),
    (27, 4.3),
    (28, 4.3),
    (30, 4.1),
    (32, 4.1),
    (33, 4.1),
    (34, 4.2),
];
const ON_176: &[(u32, f64)] = &[
    (1, 1.8),
    (2, 1.9),
    (3, 1.8),
    (5, 2.0),
    (7, 1.8),
    (8, 1.7),
    (9, 1.9),
    (11, 1.9),
    (13, 1.8),
    (14, 2.0),
    (15, 1.9),
    (17, 1.7),
    (19, 1.8),
    (20, 1.9),
    (21, 1.9),
    (23, 1.8),
    (25, 1.9),
    (26, 1.8),
    (27, 2.1),
    (29, 1.7),
    (31, 1.9),
    (32, 1.8),
    (33, 1.8),
    (35, 1.7),
];
const ON_183: &[(u32, f64)] = &[
    (0, 3.1),
    (4, 3.0),
    (6, 3.3),
    (10, 3.2),
    (12, 3.1),
    (16, 3.1),
    (18, 3.2),
    (22, 3.1),
    (24, 3.2),
    (28, 3.3),
    (30, 3.1),
    (34, 3.2),
];
/// MiB.
const SHORT_ON_183: &[(u32, u64)] = &[
    (1, 78),
    (5, 197),
    (7, 114),
    (11, 286),
    (13, 271),
    (17, 118),
    (19, 146),
    (23, 270),
    (25, 137),
    (29, 100),
    (31, 109),
    (35, 167),
];
const CUTS: &[(&str, u64, u32, u64)] = &[
    ("36,003", 3734742, 13, 3179215),
    ("36,367", 3688796, 11, 3139765),
    ("36,786", 3628910, 17, 3098787),
    ("37,093", 3633348, 1, 3082086),
    ("37,481", 3706480, 7, 3156826),
    ("37,785", 3703053, 5, 3142527),
    ("38,091", 3619023, 35, 3086012),
    ("38,416", 3714348, 31, 3153547),
    ("38,752", 3642120, 29, 3103819),
    ("38,810", 3693406, 19, 3156618),
    ("39,030", 3625320, 25, 3065658),
    ("39,360", 3698289, 23, 3150514),
];

fn gib(rows: &[(u32, f64)]) -> Vec<crate::round::Replica> {
    rows.iter()
        .map(|(partition, size)| replica(TOPIC, *partition, (size * f64::from(1 << 30)) as u64))
        .collect()
}

/// What `du` showed.
fn sizes() -> Vec<Visit> {
    let mut on_183 = gib(ON_183);
    on_183.extend(SHORT_ON_183.iter().map(|(partition, size)| replica(TOPIC, *partition, size << 20)));
    vec![
        host("10.200.8.177").disk(gib(ON_177)),
        host("10.200.8.176").disk(gib(ON_176)),
        host("10.200.8.183").disk(on_183),
    ]
}

fn ids(visits: Vec<Visit>) -> Vec<Visit> {
    let ids = [180881585, 180881584, 180881591];
    visits.into_iter().zip(ids).map(|(visit, id)| visit.dir(|dir| dir.broker_id = Some(id))).collect()
}

/// What the logs said.
fn logs(visits: Vec<Visit>) -> Vec<Visit> {
    let cuts: Vec<String> = CUTS
        .iter()
        .map(|(at, from, partition, to)| {
            format!("[2017-04-03 14:16:{at}] ERROR [ReplicaFetcherThread-0-180881591], Current offset {from} for partition [{TOPIC},{partition}] out of range; reset offset to {to} (kafka.server.ReplicaFetcherThread)")
        })
        .collect();
    let cuts: Vec<&str> = cuts.iter().map(String::as_str).collect();
    let died = [
        "[2017-03-28 03:12:41,000] INFO Kafka version : 0.10.1.0 (org.apache.kafka.common.utils.AppInfoParser)",
        "[2017-03-28 03:12:41,207] ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)",
        "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 9 no larger than the last offset appended (11832) to /services/kafka/completeProduct-15/00000000000000000000.timeindex.cleaned.",
        "\tat kafka.log.TimeIndex$$anonfun$maybeAppend$1.apply$mcV$sp(TimeIndex.scala:117)",
    ];
    let mut visits = visits.into_iter();
    let (Some(one), Some(two), Some(three)) = (visits.next(), visits.next(), visits.next()) else {
        panic!("three brokers")
    };
    vec![
        one.log("/services/log/kafka/log-cleaner.log", &died),
        two.log("/services/log/kafka/server.log", &cuts),
        three,
    ]
}

/// The end of every partition after the truncation, on all its holders.
fn watermarks(visits: Vec<Visit>) -> Vec<Visit> {
    let end = |partition: u32| CUTS.iter().find(|cut| cut.2 == partition).map_or(3_400_000, |cut| cut.3);
    let all: Vec<(&str, u32, u64)> = (0..36).map(|partition| (TOPIC, partition, end(partition))).collect();
    visits.into_iter().map(|visit| visit.high_watermarks(&all)).collect()
}

fn incident() -> crate::round::Round {
    round(watermarks(logs(ids(sizes()))))
}

#[test]
fn three_bands_of_pairs() {
    let incident = incident();
    let comparison = compare(&incident);
    let cluster = &comparison.clusters[0];
    assert!(cluster.complete);
    assert_eq!(cluster.topics[0].partitions.len(), 36);
    assert!(cluster.topics[0].partitions.iter().all(|partition| partition.replicas.len() == 2));
    let bands: Vec<_> = cluster
        .pairs
        .iter()
        .map(|pair| {
            let ratio = |ratio: Option<f64>| (ratio.unwrap() * 100.0).round() / 100.0;
            (pair.a, pair.b, pair.partitions, ratio(pair.ratio_min), ratio(pair.ratio_max), pair.larger)
        })
        .collect();
    assert_eq!(
        bands,
        [(0, 1, 12, 2.05, 2.39, Some(0)), (0, 2, 12, 1.3, 1.33, Some(0)), (1, 2, 12, 6.8, 23.63, Some(1))]
    );
}

#[test]
fn all_that_happened() {
    let round = incident();
    let found = findings(&round);
    let cut = only(&found, Code::ReplicaTruncated);
    assert_eq!(
        (cut.severity, cut.lost_total, cut.basis),
        (Severity::Critical, Some(6_572_461), Basis::Observed)
    );
    let items = truncations(cut);
    let mut cut_partitions: Vec<u32> = items.iter().map(|item| item.partition).collect();
    cut_partitions.sort_unstable();
    assert_eq!(cut_partitions, SHORT);
    for item in items {
        assert_eq!((item.follower.as_str(), item.leader.as_deref()), ("10.200.8.176", Some("10.200.8.183")));
        assert_eq!((item.leader_id, item.lost), (Some(180881591), item.from - item.to));
    }
    let times = [cut.first_seen, cut.last_seen].map(|at| at.unwrap().to_string());
    assert_eq!(times, ["2017-04-03T14:16:36.003Z", "2017-04-03T14:16:39.36Z"]);
    assert_eq!(cut.evidence.len(), 12);

    let lost = only(&found, Code::DataLost);
    assert_eq!((lost.lost_total, lost.basis), (Some(6_572_461), Basis::Observed));

    let short = only(&found, Code::ReplicaShort);
    assert_eq!(partitions(short), SHORT);
    assert!(replicas(short).iter().all(|item| item.odd == ["10.200.8.183"]));
    assert!(short.title.contains("6.80 to 23.6"), "{}", short.title);
    assert!(short.next_steps[0].contains("Do not restart or stop 10.200.8.176"));

    let skew = only(&found, Code::ReplicaSkew);
    assert_eq!(skew.severity, Severity::Warning);
    assert_eq!(partitions(skew), [2, 3, 8, 9, 14, 15, 20, 21, 26, 27, 32, 33]);
    assert!(replicas(skew).iter().all(|item| item.odd == ["10.200.8.177"]));
    assert!(skew.title.contains("2.05 to 2.39") && skew.title.contains("bloated"), "{}", skew.title);

    let dead = only(&found, Code::CleanerDead);
    assert_eq!(dead.subject.broker.as_deref(), Some("10.200.8.177"));
    let bug = dead.bug.as_ref().unwrap();
    assert_eq!((bug.id.as_str(), bug.fixed_in.as_str()), ("KAFKA-4497", "0.10.1.1"));

    let biased: Vec<_> = found
        .iter()
        .filter(|finding| finding.code == Code::BrokerPairBias)
        .map(|finding| finding.severity)
        .collect();
    assert_eq!(biased, [Severity::Warning, Severity::Notice]);
    for code in [
        Code::ReplicaMissing,
        Code::ReplicaExtra,
        Code::ReplicaEmpty,
        Code::UnknownErrors,
        Code::NodeUnreachable,
    ] {
        none(&found, code);
    }
    assert_eq!(found[0].code, Code::DataLost);
    let verdict = verdict(&round, &found);
    assert_eq!((verdict.status, verdict.exit_code), (Status::Critical, 2));
}

#[test]
fn the_logs_alone_tell_of_the_loss() {
    let logs = logs((["10.200.8.177", "10.200.8.176", "10.200.8.183"]).map(host).to_vec());
    let found = findings(&round(logs));
    // Without meta.properties the id is found by address.
    let cut = only(&found, Code::ReplicaTruncated);
    assert!(truncations(cut).iter().all(|item| item.leader.as_deref() == Some("10.200.8.183")));
    let lost = only(&found, Code::DataLost);
    assert_eq!((lost.lost_total, lost.basis), (Some(6_572_461), Basis::Inferred));
    only(&found, Code::CleanerDead);
    none(&found, Code::ReplicaShort);
    none(&found, Code::ReplicaMissing);
}

#[test]
fn sizes_alone_cannot_tell_short_from_bloated() {
    let found = findings(&round(sizes()));
    for code in [Code::ReplicaShort, Code::ReplicaTruncated, Code::DataLost, Code::CleanerDead] {
        none(&found, code);
    }
    let skew = only(&found, Code::ReplicaSkew);
    assert_eq!((skew.severity, replicas(skew).len()), (Severity::Critical, 24));
    assert!(skew.title.contains("cannot be told"), "{}", skew.title);
    let beyond: Vec<u32> =
        replicas(skew).iter().filter(|item| item.ratio.unwrap() >= 3.0).map(|item| item.partition).collect();
    assert_eq!(beyond, SHORT);
    assert!(skew.meaning.contains("High watermarks"));
}

#[test]
fn before_the_upgrade_the_watermarks_would_have_told() {
    // What stood on the disks before .176 was cut: .183 behind by 15 %.
    let mut visits = ids(sizes());
    let end = |short: bool| -> Vec<(&str, u32, u64)> {
        let of = |partition| match CUTS.iter().find(|cut| cut.2 == partition) {
            Some(cut) => (TOPIC, partition, if short { cut.3 } else { cut.1 }),
            None => (TOPIC, partition, 3_400_000),
        };
        (0..36).map(of).collect()
    };
    visits = visits.into_iter().enumerate().map(|(at, visit)| visit.high_watermarks(&end(at == 2))).collect();
    let found = findings(&round(visits));
    let short = only(&found, Code::ReplicaShort);
    assert_eq!((short.severity, partitions(short)), (Severity::Critical, SHORT.to_vec()));
}

#[test]
fn an_unreachable_broker_is_unknown_and_nothing_of_it_missing() {
    let mut visits = watermarks(logs(ids(sizes())));
    visits[2] = host("10.200.8.183").gone(Outcome::Unreachable);
    let round = round(visits);
    let found = findings(&round);
    none(&found, Code::ReplicaMissing);
    none(&found, Code::ReplicaShort);
    let gone = only(&found, Code::NodeUnreachable);
    assert_eq!(gone.severity, Severity::Unknown);
    let lost = only(&found, Code::DataLost);
    assert_eq!(lost.basis, Basis::Inferred);
    assert!(lost.meaning.contains("10.200.8.183 was not seen"), "{}", lost.meaning);
    // The leader is known by its address all the same.
    assert!(truncations(lost).iter().all(|item| item.leader.as_deref() == Some("10.200.8.183")));
}

#[test]
fn a_missing_follower_leaves_unknown() {
    let mut visits = watermarks(ids(sizes()));
    visits[1] = host("10.200.8.176").gone(Outcome::Timeout);
    let round = round(visits);
    let found = findings(&round);
    none(&found, Code::ReplicaMissing);
    nothing_worse_than(&found, Severity::Unknown);
    assert_eq!(verdict(&round, &found).exit_code, 3);
}

#[test]
fn another_cluster_in_the_same_round_changes_nothing() {
    let mut visits: Vec<Visit> = watermarks(logs(ids(sizes())));
    for visit in &mut visits {
        visit.cluster = Some("blaze".into());
    }
    // The same topic and the same broker ids elsewhere, and well.
    for (name, id) in [("x1", 180881585), ("x2", 180881591)] {
        let mut other =
            host(name).disk((0..36).map(|partition| replica(TOPIC, partition, 5 << 30)).collect());
        other = other.dir(|dir| dir.broker_id = Some(id));
        other.cluster = Some("other".into());
        visits.push(other);
    }
    let found = findings(&round(visits));
    assert!(
        found.iter().all(|finding| finding.subject.cluster.as_deref() == Some("blaze")),
        "{}",
        titles(&found)
    );
    let cut = only(&found, Code::ReplicaTruncated);
    assert!(truncations(cut).iter().all(|item| item.leader.as_deref() == Some("10.200.8.183")));
    assert_eq!(partitions(only(&found, Code::ReplicaShort)), SHORT);
}

#[test]
fn an_id_that_the_node_does_not_have_names_nobody() {
    // The inventory says 180881591 of .177, but the node itself says otherwise.
    let mut visits = logs(ids(sizes()));
    visits[0].broker_id = Some(180881591);
    let found = findings(&round(visits));
    let cut = only(&found, Code::ReplicaTruncated);
    assert!(truncations(cut).iter().all(|item| item.leader.as_deref() == Some("10.200.8.183")));
    let notice = only(&found, Code::ExpectationFailed);
    assert_eq!((notice.severity, notice.subject.broker.as_deref()), (Severity::Notice, Some("10.200.8.177")));
}
