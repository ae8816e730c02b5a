//! Replicas with different histories, and damaged ones.

use super::disks::detailed;
use super::scene::*;
use super::*;
use crate::compare::rounds::replica;
use crate::round::Visit;

fn held(name: &str, id: i64, high: u64) -> Visit {
    broker(name, id).disk(vec![replica("t", 0, GIB)]).high_watermarks(&[("t", 0, high)])
}

#[test]
fn epochs_that_cannot_be_of_one_log() {
    let of = |mine: &[(u32, u64)], theirs: &[(u32, u64)], high| {
        findings(&round(vec![
            detailed(held("a", 1, high), mine, None),
            detailed(held("b", 2, 500), theirs, None),
        ]))
    };
    let found = of(&[(0, 0), (2, 100)], &[(0, 0), (3, 100)], 500);
    let odd = only(&found, Code::EpochsDiverged);
    assert_eq!(odd.severity, Severity::Critical);
    assert!(odd.title.contains("offset 100 is of leader epoch 2 on a and of 3 on b"), "{}", odd.title);
    // Retention has moved one start; the tail is not settled; the high watermark was not seen.
    none(&of(&[(0, 0), (2, 100)], &[(2, 150)], 500), Code::EpochsDiverged);
    none(&of(&[(0, 0), (2, 100)], &[(0, 0), (3, 100)], 100), Code::EpochsDiverged);
    let unseen = broker("a", 1).disk(vec![replica("t", 0, GIB)]);
    let found = findings(&round(vec![
        detailed(unseen, &[(0, 0), (2, 100)], None),
        detailed(held("b", 2, 500), &[(0, 0), (3, 100)], None),
    ]));
    none(&found, Code::EpochsDiverged);
}

#[test]
fn one_name_and_two_topics() {
    let of = |other: &str| {
        findings(&round(vec![
            detailed(held("a", 1, 500), &[(0, 0)], Some("PNE06QnuSnKovFzM1tiDmg")),
            detailed(held("b", 2, 500), &[(0, 0)], Some(other)),
        ]))
    };
    let found = of("eE8LdVtQQJSy32nC48kYVw");
    assert_eq!(only(&found, Code::TopicIdMismatch).severity, Severity::Critical);
    none(&of("PNE06QnuSnKovFzM1tiDmg"), Code::TopicIdMismatch);
}

#[test]
fn a_damaged_log_and_a_tail_that_a_kill_tore() {
    let cut = at(
        "14:16:36,003",
        "WARN Corruption found in segment 100 of log t-0, truncating to offset 150. (kafka.log.Log)",
    );
    let kill = at(
        "14:16:30,000",
        "INFO Recovering 8 logs from /services/kafka since no clean shutdown file was found (kafka.log.LogManager)",
    );
    let of = |lines: &[String]| findings(&round(vec![logged(held("a", 1, 5), lines)]));
    let found = of(std::slice::from_ref(&cut));
    let damage = only(&found, Code::RecordCorrupt);
    assert_eq!((damage.severity, damage.subject.topic.as_deref()), (Severity::Critical, Some("t")));
    assert_eq!(only(&of(&[kill, cut]), Code::RecordCorrupt).severity, Severity::Warning);
    let index = at(
        "14:16:36,003",
        "WARN Found a corrupted index file due to requirement failed: Corrupt index found, index file (/services/kafka/t-0/00000000000000000000.index) has non-zero size but the last offset is 0 which is no larger than the base offset 0.}. deleting /services/kafka/t-0/00000000000000000000.timeindex, /services/kafka/t-0/00000000000000000000.index and rebuilding index... (kafka.log.Log)",
    );
    nothing_worse_than(&of(&[index]), Severity::Notice);
}

#[test]
fn a_broker_that_stopped_rather_than_cut() {
    let line = at(
        "14:16:36,003",
        "FATAL [ReplicaFetcherThread-0-2], Exiting because log truncation is not allowed for partition t-0, Current leader 2's latest offset 10 is less than replica 1's latest offset 20 (kafka.server.ReplicaFetcherThread)",
    );
    let found = findings(&round(vec![logged(held("a", 1, 5), std::slice::from_ref(&line)), held("b", 2, 5)]));
    let stopped = only(&found, Code::BrokerCrashed);
    assert!(stopped.title.contains("rather than lose 10 offsets of t-0"), "{}", stopped.title);
    none(
        &findings(&round(vec![logged(held("a", 1, 5), &[line, started("15:00:00,000", 1)])])),
        Code::BrokerCrashed,
    );
}

#[test]
fn another_topic_of_that_name_as_the_broker_says() {
    let told = at(
        "14:16:30,000",
        "WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Received INCONSISTENT_TOPIC_ID from the leader for partition t-0. This error may be returned transiently. (kafka.server.ReplicaFetcherThread)",
    );
    let of = |lines: &[String]| findings(&round(vec![logged(held("a", 1, 5), lines), held("b", 2, 5)]));
    let later = |time: &str| told.replace("14:16:30,000", time);
    let found = of(&[told.clone(), later("14:17:30,000")]);
    let mismatch = only(&found, Code::TopicIdMismatch);
    assert_eq!(
        (mismatch.subject.broker.as_deref(), mismatch.subject.topic.as_deref(), mismatch.severity),
        (Some("a"), Some("t"), Severity::Critical)
    );
    // Once, or for some seconds, is how it goes when a topic is made anew.
    for passing in [vec![told.clone()], vec![told.clone(), later("14:16:40,000")]] {
        assert_eq!(only(&of(&passing), Code::TopicIdMismatch).severity, Severity::Notice);
    }
    // The broker refused the replica itself.
    let refused = at(
        "14:16:30,000",
        "ERROR [Broker id=1] Topic ID in memory: PNE06QnuSnKovFzM1tiDmg does not match the topic ID for partition t-0 received: eE8LdVtQQJSy32nC48kYVw. (state.change.logger)",
    );
    assert_eq!(only(&of(&[refused]), Code::TopicIdMismatch).severity, Severity::Critical);
    // A start reads the metadata anew; and a follower that has not heard of a change is no mismatch.
    none(&of(&[told.clone(), started("15:00:00,000", 1)]), Code::TopicIdMismatch);
    none(&of(&[told.replace("INCONSISTENT_TOPIC_ID", "UNKNOWN_TOPIC_ID")]), Code::TopicIdMismatch);
}

/// 0.10: the new leader has gone beyond the old one's end before that comes back. No line tells of it.
#[test]
fn what_a_follower_kept_beside_an_unclean_leader() {
    let loaded = |time: &str, end: u64| {
        at(
            time,
            &format!(
                "INFO Completed load of log t-0 with 1 log segments and log end offset {end} in 1 ms (kafka.log.Log)"
            ),
        )
    };
    let election = at(
        "10:00:05,000",
        "WARN [OfflinePartitionLeaderSelector]: No broker in ISR is alive for [t,0]. Elect leader 2 from live brokers 2. There's potential data loss. (kafka.controller.OfflinePartitionLeaderSelector)",
    );
    let of = |version: &str, back: u64, more: &[String]| {
        let held = |name: &str, id: i64| {
            let visit =
                broker(name, id).disk(vec![written("t", 0, MIB, 5)]).high_watermarks(&[("t", 0, 900)]);
            with(visit, |broker| broker.version = Some(version.into()))
        };
        let mut old: Vec<String> = more.to_vec();
        old.push(loaded("10:01:00,000", back));
        findings(&round(vec![
            logged(held("a", 1), &old),
            logged(held("b", 2), &[loaded("10:00:00,000", 500), election.clone()]),
        ]))
    };
    let found = of("0.10.1.0", 700, &[]);
    let diverged = only(&found, Code::EpochsDiverged);
    assert!(diverged.title.contains("a kept 200 offsets"), "{}", diverged.title);
    none(&found, Code::ReplicaTruncated);
    // It ended no later; it was up beside the new leader; it was cut, which is told; epochs would have told.
    let cut = at(
        "10:01:01,000",
        "ERROR [ReplicaFetcherThread-0-2], Current offset 700 for partition [t,0] out of range; reset offset to 500 (kafka.server.ReplicaFetcherThread)",
    );
    none(&of("0.10.1.0", 500, &[]), Code::EpochsDiverged);
    none(&of("0.10.1.0", 700, &[started("10:00:02,000", 1)]), Code::EpochsDiverged);
    none(&of("0.10.1.0", 700, &[cut]), Code::EpochsDiverged);
    none(&of("0.11.0.3", 700, &[]), Code::EpochsDiverged);
}
