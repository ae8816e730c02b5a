//! Followers whose fetches come to nothing: leaders that do not know their requests, records that are too large.

use std::collections::BTreeMap;

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Code, Finding, Item, Severity, Subject};
use crate::diagnose::view::{Moment, View, broker, finding, lines_of, of_broker};
use crate::kafka::bugs::{older, protocol};
use crate::kafka::event::Class;
use crate::words;

/// Requests that followers send, by their names and their numbers in the versions. Clients ask a broker first what it knows; brokers
/// go by `inter.broker.protocol.version`.
const OF_FOLLOWERS: [&str; 6] =
    ["FETCH", "Fetch", "1", "OFFSET_FOR_LEADER_EPOCH", "OffsetForLeaderEpoch", "23"];

/// Goes through a cluster.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    refused(view, cluster, findings);
    for broker in cluster.brokers.iter().filter(|broker| view.stopped(broker).is_none()) {
        oversized(view, cluster, broker, findings);
    }
}

/// Whether a broker of its cluster that is newer than the one that wrote this can have sent the request.
pub fn is_of_newer_broker(view: &View<'_>, cluster: &Cluster, moment: &Moment<'_>) -> bool {
    let Class::RequestRefused { api, .. } = &moment.event.class else { return false };
    let version = view.version_at(moment);
    let newer = |broker: &Broker| {
        view.version(broker).zip(version).is_some_and(|(theirs, own)| older(own, theirs) == Some(true))
    };
    OF_FOLLOWERS.contains(&api.as_str()) && cluster.brokers.iter().any(newer)
}

/// An upgraded broker that speaks its own version's protocol to brokers that are not upgraded.
///
/// It holds because a follower sends the version of a request that belongs to its `inter.broker.protocol.version`,
/// by default its own version's, and does not ask the leader (kafka.server.ReplicaFetcherThread,
/// `fetchRequestVersion`); a leader that does not know it closes the connection.
fn refused(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    // By follower: its leaders, and what each wrote last.
    let mut refused: BTreeMap<&str, Vec<(&Broker, &Moment<'_>)>> = BTreeMap::new();
    for leader in cluster.brokers.iter().filter(|broker| view.stopped(broker).is_none()) {
        let log = view.log(&leader.host);
        let of_followers = |moment: &&Moment<'_>| matches!(&moment.event.class, Class::RequestRefused { api, .. } if OF_FOLLOWERS.contains(&api.as_str()));
        let Some(last) = log.iter().rfind(of_followers).filter(|last| view.tries_still(last)) else {
            continue;
        };
        let Some(own) = view.version_at(last).or_else(|| view.version(leader)) else { continue };
        for follower in cluster.brokers.iter().filter(|broker| view.stopped(broker).is_none()) {
            let newer = view.version(follower).is_some_and(|theirs| older(own, theirs) == Some(true));
            if newer && !started_since(view, follower, last) {
                refused.entry(&follower.host).or_default().push((leader, last));
            }
        }
    }
    for (host, leaders) in refused {
        let Some((leader, last)) = leaders.first() else { continue };
        let theirs = view.version_at(last).or_else(|| view.version(leader)).unwrap_or_default();
        let own = broker(cluster, host).and_then(|broker| view.version(broker)).unwrap_or_default();
        let names = words::list(&leaders.iter().map(|(leader, _)| leader.host.as_str()).collect::<Vec<_>>());
        let mut found = finding(
            Code::ReplicaLagging,
            Severity::Critical,
            of_broker(cluster, host),
            format!(
                "{host} replicates nothing from {names}: it runs {own}, and they do not know its requests"
            ),
        );
        found.meaning = format!(
            "Its inter.broker.protocol.version is newer than {theirs}, which they run. Every partition that {host} follows there stands still and {host} leaves their ISR."
        );
        found.next_steps = vec![
            format!(
                "Set inter.broker.protocol.version={} in {host}'s server.properties and restart it: it catches up by itself.",
                protocol(theirs).unwrap_or_else(|| theirs.to_owned())
            ),
            format!(
                "Do not upgrade or restart another broker before {host} follows again; raise the protocol's version when all of them run {own}."
            ),
        ];
        found.items = leaders
            .iter()
            .map(|(leader, last)| {
                Item::host(host, Some(format!("from {}", leader.host)), last.event.reason())
            })
            .collect();
        let lines = leaders.iter().flat_map(|(_, last)| lines_of(last.event)).collect();
        findings.push(found.seen(leaders.iter().map(|(_, last)| last.event)).show(lines));
    }
}

/// A record that is larger than the follower may fetch.
///
/// It holds up to the third version of the fetch request (0.10.1, KIP-74): the leader's answer then ends within the
/// first record, and the follower asks for the same again for ever.
fn oversized(view: &View<'_>, cluster: &Cluster, broker: &Broker, findings: &mut Vec<Finding>) {
    // By topic and partition; a line of 0.9.0 names neither.
    let mut stuck: BTreeMap<Option<&str>, BTreeMap<Option<u32>, &Moment<'_>>> = BTreeMap::new();
    for moment in view.log(&broker.host) {
        if let Class::FetchOversized { of } = &moment.event.class {
            let (topic, partition) =
                (of.as_ref().map(|of| of.topic.as_str()), of.as_ref().map(|of| of.partition));
            stuck.entry(topic).or_default().insert(partition, moment);
        }
    }
    let host = &broker.host;
    for (topic, mut partitions) in stuck {
        partitions.retain(|_, last| view.tries_still(last));
        if partitions.is_empty() {
            continue;
        }
        let numbers = words::numbers(partitions.keys().filter_map(|partition| *partition));
        let what = match topic {
            Some(topic) if partitions.len() > 1 => format!("partitions {numbers} of {topic}"),
            Some(topic) => format!("partition {numbers} of {topic}"),
            None => "some partition".to_owned(),
        };
        let mut found = finding(
            Code::ReplicaLagging,
            Severity::Critical,
            Subject { topic: topic.map(str::to_owned), ..of_broker(cluster, host) },
            format!("{host} cannot replicate {what}: a record is larger than replica.fetch.max.bytes"),
        );
        found.meaning = format!(
            "The leader took in a record that its followers may not fetch. {host} asks for it again and again, gets no further and is out of the ISR; the leader has the only copy of what came after."
        );
        found.next_steps = vec![
            format!(
                "Set replica.fetch.max.bytes in server.properties of every broker to at least {}'s max.message.bytes (message.max.bytes without one), and restart the followers first, {host} among them.",
                topic.unwrap_or("the topic")
            ),
            "Do not stop the leader before its followers have caught up.".to_owned(),
        ];
        found.items = partitions
            .iter()
            .map(|(partition, last)| {
                let path = topic.zip(*partition).map(|(topic, partition)| format!("{topic}-{partition}"));
                Item::host(host, path, last.event.reason())
            })
            .collect();
        let lines = partitions.values().flat_map(|last| lines_of(last.event)).collect();
        findings.push(found.seen(partitions.values().map(|last| last.event)).show(lines));
    }
}

/// Whether another host's broker began anew after something happened.
fn started_since(view: &View<'_>, broker: &Broker, moment: &Moment<'_>) -> bool {
    let starts = view.log(&broker.host).iter().map(|moment| moment.event);
    let started = starts.filter(|event| matches!(event.class, Class::Started { .. }));
    let last = started.filter_map(|event| event.at).max();
    last.zip(moment.event.at).is_some_and(|(start, at)| start > at)
}
