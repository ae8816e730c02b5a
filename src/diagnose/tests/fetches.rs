//! Followers whose fetches come to nothing.

use super::scene::*;
use super::*;
use crate::round::Visit;

const REFUSED: &str =
    "ERROR Closing socket for 127.91.0.1:9092-127.0.0.1:41196-4 because of error (kafka.network.Processor)";
const WHY: &str = "org.apache.kafka.common.errors.InvalidRequestException: Error getting request for apiKey: FETCH, apiVersion: 12, connectionId: x, listenerName: ListenerName(PLAINTEXT), principal: User:ANONYMOUS";

fn version(time: &str, version: &str) -> String {
    at(time, &format!("INFO Kafka version: {version} (org.apache.kafka.common.utils.AppInfoParser)"))
}

/// A leader of 2.4.1 that refused fetches until `last`, and whose log ends at 10:10.
fn leader(last: &str, why: &str) -> Visit {
    let mut lines = vec![version("09:00:00,000", "2.4.1"), started("09:00:05,000", 1)];
    for time in ["10:00:00,000", last] {
        lines.extend([at(time, REFUSED), why.to_owned()]);
    }
    lines.push(at("10:10:00,000", "ERROR [KafkaApi-1] x (kafka.server.KafkaApis)"));
    logged(broker("old", 1), &lines)
}

fn follower(since: &str, of: &str) -> Visit {
    logged(broker("new", 3), &[version(since, of), started(since, 3)])
}

#[test]
fn an_upgraded_broker_that_speaks_its_own_protocol_replicates_nothing() {
    let found = findings(&round(vec![leader("10:09:59,000", WHY), follower("09:59:00,000", "2.8.2")]));
    let lagging = only(&found, Code::ReplicaLagging);
    assert_eq!((lagging.severity, lagging.subject.broker.as_deref()), (Severity::Critical, Some("new")));
    assert!(lagging.title.starts_with("new replicates nothing from old"), "{}", lagging.title);
    let step = &lagging.next_steps[0];
    assert!(step.starts_with("Set inter.broker.protocol.version=2.4 in new's"), "{step}");
    assert_eq!(only(&found, Code::VersionsMixed).severity, Severity::Notice);
    // The log's own last line alone is without a reason.
    assert!(only(&found, Code::UnknownErrors).title.starts_with("1 error line"));
}

#[test]
fn what_is_over_or_a_clients_is_not_a_brokers() {
    let of = |hosts: Vec<Visit>| none(&findings(&round(hosts)), Code::ReplicaLagging);
    // Set right and started again; or no longer tried.
    of(vec![leader("10:09:59,000", WHY), follower("10:10:30,000", "2.8.2")]);
    of(vec![leader("10:01:00,000", WHY), follower("09:59:00,000", "2.8.2")]);
    // Nobody in the cluster is newer: it was a client.
    let found = findings(&round(vec![leader("10:09:59,000", WHY), follower("09:59:00,000", "2.4.1")]));
    none(&found, Code::ReplicaLagging);
    assert!(only(&found, Code::UnknownErrors).title.starts_with("3 error lines"));
    let metadata = WHY.replace("FETCH", "METADATA");
    of(vec![leader("10:09:59,000", &metadata), follower("09:59:00,000", "2.8.2")]);
}

#[test]
fn a_record_larger_than_a_follower_may_fetch() {
    let stuck = |time: &str| {
        at(
            time,
            "ERROR [ReplicaFetcherThread-0-1], Replication is failing due to a message that is greater than replica.fetch.max.bytes for partition [big,0]. This generally occurs when the max.message.bytes has been overridden (kafka.server.ReplicaFetcherThread)",
        )
    };
    let of = |lines: &[String]| findings(&round(vec![logged(broker("a", 3), lines), broker("b", 1)]));
    let found = of(&[stuck("10:00:00,000"), stuck("10:00:01,000")]);
    let lagging = only(&found, Code::ReplicaLagging);
    assert_eq!(lagging.subject.topic.as_deref(), Some("big"));
    assert!(lagging.next_steps[0].contains("replica.fetch.max.bytes"), "{:?}", lagging.next_steps);
    none(&found, Code::UnknownErrors);
    // Started with a larger limit; or fetched since, and the log goes on without it.
    none(&of(&[stuck("10:00:00,000"), started("10:05:00,000", 3)]), Code::ReplicaLagging);
    let later = at("10:30:00,000", "INFO Rolled new log segment for 'big-0' in 1 ms. (kafka.log.Log)");
    none(&of(&[stuck("10:00:00,000"), later.replace("INFO", "ERROR")]), Code::ReplicaLagging);
}
