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
