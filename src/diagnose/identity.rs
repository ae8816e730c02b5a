//! Who is who: broker ids and cluster ids that do not fit together.

use std::collections::BTreeMap;

use crate::compare::{Cluster, IdSource, node_id};
use crate::diagnose::finding::{Code, Finding, Item, Severity};
use crate::diagnose::view::{Moment, View, finding, lines_of, of_broker, of_cluster, on_disk};
use crate::kafka::event::Class;
use crate::words;

/// `broker-id-duplicate`: two hosts of a cluster have the same id.
///
/// Kafka lets only one of them join (kafka.zk.KafkaZkClient `registerBroker`, ClusterControlManager in
/// KRaft): the other's disk is a copy, or its inventory entry is wrong.
pub fn duplicate_ids(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut holders: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    for broker in &cluster.brokers {
        // The inventory's word alone is no sight of the node.
        if let (Some(id), Some(IdSource::MetaProperties)) = (broker.id, broker.id_source) {
            holders.entry(id).or_default().push(&broker.host);
        }
    }
    for (id, hosts) in holders.into_iter().filter(|(_, hosts)| hosts.len() > 1) {
        let mut found = finding(
            Code::BrokerIdDuplicate,
            Severity::Critical,
            of_broker(cluster, hosts.first().copied().unwrap_or_default()),
            format!("{} have the same broker id {id}", words::list(&hosts)),
        );
        found.meaning =
            "Only one of them can be in the cluster. One disk is a copy of the other's, two inventory \
                         entries are one host, or two clusters are taken for one."
                .to_owned();
        found.next_steps = vec![format!("`cat meta.properties` and `hostname` on {}.", words::list(&hosts))];
        found.items = hosts
            .iter()
            .map(|host| {
                let reason = format!("broker id {id}");
                Item::host(host, None, reason)
            })
            .collect();
        let lines = hosts
            .iter()
            .map(|host| on_disk(host, Some("meta.properties".to_owned()), format!("broker id {id}")));
        let lines = lines.collect();
        findings.push(found.show(lines));
    }
    shared_dirs(view, cluster, findings);
    inventory_ids(view, cluster, findings);
    told(view, cluster, findings);
    taken(view, cluster, findings);
}

/// Milliseconds that a broker's registration outlives it at most: `broker.session.timeout.ms` in KRaft.
const SESSION_MS: i64 = 9_000;

/// `broker-id-duplicate`: a broker could not join because its id is registered already.
///
/// A broker that is restarted quickly finds its own registration still alive: in KRaft it asks again until that has
/// run out (kafka.server.BrokerLifecycleManager), in ZooKeeper mode its start fails. Only a registration
/// that outlives the session, or a broker that stays away, has another owner.
fn taken(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut told = false;
    for broker in &cluster.brokers {
        let host = &broker.host;
        let own =
            |moment: &&Moment<'_>| matches!(moment.event.class, Class::BrokerIdInUse { broker: Some(_) });
        let mut refused: Vec<&Moment<'_>> = view.log(host).iter().filter(own).collect();
        told |= !refused.is_empty();
        refused.retain(|moment| !view.started_after(moment));
        let Some(last) = refused.last() else { continue };
        let short = refused_for(&refused) <= SESSION_MS;
        // One that still runs may be waiting for its own registration to end.
        let runs = view.visit(broker).and_then(|visit| visit.broker.as_ref()?.running) == Some(true);
        let nobody_else = cluster.complete
            && cluster.brokers.iter().all(|other| other.host == *host || other.id != broker.id);
        let (severity, title) = if short && runs {
            (Severity::Notice, format!("{host} waits to join: its broker id is still registered"))
        } else if short && nobody_else {
            // That it does not run is broker-crashed's.
            let own = "its own last registration had not run out, most likely";
            (Severity::Notice, format!("{host} could not join: {own}"))
        } else {
            (Severity::Critical, format!("{host} could not join: its broker id is taken"))
        };
        let same = |finding: &&mut Finding| {
            let item = |item: &Item| matches!(item, Item::Host(item) if item.host == *host);
            finding.code == Code::BrokerIdDuplicate && finding.items.iter().any(item)
        };
        // The disks have said it already: the line is one more proof.
        if let Some(known) = findings.iter_mut().find(same) {
            known.evidence.extend(lines_of(last.event));
            continue;
        }
        let mut found = finding(Code::BrokerIdDuplicate, severity, of_broker(cluster, host), title);
        found.meaning = "Another process is registered with this id, or this broker's own last registration had not run out when it was started again: then it joins at its next start.".to_owned();
        if severity == Severity::Notice {
            found.next_steps = vec![
                format!(
                    "Wait for the session's time (18 s at most), then see whether {host} runs; else start it again."
                ),
                "If it is refused again: look for another broker with this id.".to_owned(),
            ];
        }
        let reason = last.event.reason().to_owned();
        found.items = vec![Item::host(host, None, reason)];
        let events = refused.iter().map(|moment| moment.event);
        findings.push(found.seen(events).show(lines_of(last.event)));
    }
    if !told {
        findings.extend(refused_by_controller(view, cluster));
    }
}

/// Milliseconds from the first to the last of them.
fn refused_for(refused: &[&Moment<'_>]) -> i64 {
    let times = || refused.iter().filter_map(|moment| moment.millis);
    times().max().zip(times().min()).map_or(0, |(last, first)| last - first)
}

/// The same from the controller's log alone, which does not say whose id it is.
fn refused_by_controller(view: &View<'_>, cluster: &Cluster) -> Option<Finding> {
    for broker in &cluster.brokers {
        let mut refused: Vec<&Moment<'_>> = Vec::new();
        for moment in view.log(&broker.host) {
            match moment.event.class {
                Class::BrokerIdInUse { broker: None } => refused.push(moment),
                // Somebody joined: the refusals before may have been meant for that one.
                Class::Unfenced { .. } | Class::Started { .. } => refused.clear(),
                _ => {}
            }
        }
        if refused_for(&refused) <= SESSION_MS {
            continue;
        }
        let last = refused.last()?;
        let title = format!("The controller on {} refuses a broker: its id is taken", broker.host);
        let mut found = finding(Code::BrokerIdDuplicate, Severity::Critical, of_cluster(cluster), title);
        let reason = words::counted(refused.len(), "refusal", "refusals");
        found.items = vec![Item::host(&broker.host, None, reason)];
        return Some(found.seen(refused.iter().map(|moment| moment.event)).show(lines_of(last.event)));
    }
    None
}

/// `broker-id-duplicate`: two brokers with one log dir, or with copies of one.
///
/// A broker locks its log dirs (`.lock`, kafka.log.LogManager), and each has an id of its own from 3.7 on
/// (KIP-858).
fn shared_dirs(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut claims: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for broker in &cluster.brokers {
        let Some(visit) = view.visit(broker) else { continue };
        for dir in visit.facts.iter().flat_map(|facts| &facts.log_dirs) {
            let path = dir.path.trim_end_matches('/');
            claims.entry((visit.machine.clone(), path.to_owned())).or_default().push(&broker.host);
            if let Some(id) = &dir.directory_id {
                // No machine has an empty name.
                claims.entry((String::new(), id.clone())).or_default().push(&broker.host);
            }
        }
    }
    let mut known: Vec<Vec<&str>> = Vec::new();
    for ((machine, what), mut hosts) in claims {
        hosts.dedup();
        if hosts.len() < 2 || known.contains(&hosts) {
            continue;
        }
        let what = if machine.is_empty() {
            format!("the directory id {what}")
        } else {
            format!("the log dir {what}")
        };
        let mut found = finding(
            Code::BrokerIdDuplicate,
            Severity::Critical,
            of_broker(cluster, hosts.first().copied().unwrap_or_default()),
            format!("{} have one log dir: {what}", words::list(&hosts)),
        );
        found.items = hosts.iter().map(|host| Item::host(host, None, what.clone())).collect();
        let lines = hosts
            .iter()
            .map(|host| on_disk(host, Some("meta.properties".to_owned()), what.clone()))
            .collect();
        findings.push(found.show(lines));
        known.push(hosts);
    }
}

/// The same, and `cluster-id-mismatch`, as a broker that could not start says it.
fn told(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    for broker in &cluster.brokers {
        let host = &broker.host;
        for moment in view.log(host).iter().filter(|moment| !view.started_after(moment)) {
            let (code, title) = match &moment.event.class {
                Class::BrokerIdMismatch { configured, stored } => (
                    Code::BrokerIdDuplicate,
                    format!("{host} is set up as broker {configured}, and its disk is broker {stored}'s"),
                ),
                Class::ClusterIdMismatch { configured, .. } if configured.is_empty() => (
                    Code::ClusterIdMismatch,
                    format!("The controllers refuse {host}: its disk is of another cluster"),
                ),
                Class::ClusterIdMismatch { configured, stored } => (
                    Code::ClusterIdMismatch,
                    format!("{host} met cluster {configured}, and its disk is of cluster {stored}"),
                ),
                _ => continue,
            };
            let same =
                |finding: &&Finding| finding.code == code && finding.subject.broker.as_deref() == Some(host);
            if findings.iter().any(|finding| same(&finding)) {
                continue;
            }
            let mut found = finding(code, Severity::Critical, of_broker(cluster, host), title);
            let reason = moment.event.reason().to_owned();
            found.items = vec![Item::host(host, None, reason)];
            findings.push(found.seen(std::iter::once(moment.event)).show(lines_of(moment.event)));
        }
    }
}

/// `expectation-failed`, a notice: the inventory gives a host another id than its node has.
fn inventory_ids(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    for broker in &cluster.brokers {
        let Some(visit) = view.visit(broker) else { continue };
        let (Some(var), Some(node)) = (visit.broker_id, node_id(visit)) else { continue };
        if var == node {
            continue;
        }
        let mut found = finding(
            Code::ExpectationFailed,
            Severity::Notice,
            of_broker(cluster, &broker.host),
            format!("{} is broker {node}, not {var} as the inventory has it", broker.host),
        );
        found.meaning = "The node's own meta.properties is right and was used.".to_owned();
        found.next_steps = vec![format!("Set kafka_broker_id: {node} for {} in the inventory.", broker.host)];
        found.items = vec![Item::host(
            &broker.host,
            None,
            format!("meta.properties has {node}, kafka_broker_id {var}"),
        )];
        let text = format!("broker id {node}");
        findings.push(found.show(vec![on_disk(&broker.host, Some("meta.properties".to_owned()), text)]));
    }
}

/// `cluster-id-mismatch`: disks of several clusters under one name, or on one host.
///
/// A broker refuses to start with a log dir of another cluster (kafka.server.KafkaServer since 2.4).
pub fn cluster_ids(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut holders: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for broker in &cluster.brokers {
        let facts = view.visit(broker).and_then(|visit| visit.facts.as_ref());
        for dir in facts.iter().flat_map(|facts| &facts.log_dirs) {
            if let Some(id) = &dir.cluster_id {
                holders.entry(id).or_default().push((&broker.host, &dir.path));
            }
        }
    }
    if holders.len() < 2 {
        return;
    }
    let ids: Vec<&str> = holders.keys().copied().collect();
    let mut found = finding(
        Code::ClusterIdMismatch,
        Severity::Critical,
        of_cluster(cluster),
        format!("The brokers of {} belong to {} clusters: {}", cluster.name, ids.len(), words::list(&ids)),
    );
    found.meaning =
        "A disk came from another cluster, or the inventory puts hosts of several clusters under one \
                     name. What is compared between them means nothing."
            .to_owned();
    found.next_steps =
        vec!["Compare cluster.id in meta.properties with the inventory's kafka_cluster.".to_owned()];
    let rows =
        || holders.iter().flat_map(|(id, places)| places.iter().map(move |(host, path)| (*id, *host, *path)));
    found.items = rows()
        .map(|(id, host, path)| {
            let reason = format!("cluster.id {id}");
            Item::host(host, Some(path.to_owned()), reason)
        })
        .collect();
    let lines = rows()
        .map(|(id, host, path)| {
            on_disk(host, Some(format!("{path}/meta.properties")), format!("cluster.id={id}"))
        })
        .collect();
    findings.push(found.show(lines));
}
