//! Who is who: broker ids and cluster ids that do not fit together.

use std::collections::BTreeMap;

use crate::compare::{Cluster, IdSource, node_id};
use crate::diagnose::finding::{Code, Finding, HostItem, Item, Severity};
use crate::diagnose::view::{View, finding, of_broker, of_cluster, on_disk};
use crate::diagnose::words;

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
                Item::Host(HostItem { host: (*host).to_owned(), probe: None, path: None, reason })
            })
            .collect();
        let lines = hosts
            .iter()
            .map(|host| on_disk(host, Some("meta.properties".to_owned()), format!("broker id {id}")));
        let lines = lines.collect();
        findings.push(found.show(lines));
    }
    inventory_ids(view, cluster, findings);
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
        found.items = vec![Item::Host(HostItem {
            host: broker.host.clone(),
            probe: None,
            path: None,
            reason: format!("meta.properties has {node}, kafka_broker_id {var}"),
        })];
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
            Item::Host(HostItem { host: host.to_owned(), probe: None, path: Some(path.to_owned()), reason })
        })
        .collect();
    let lines = rows()
        .map(|(id, host, path)| {
            on_disk(host, Some(format!("{path}/meta.properties")), format!("cluster.id={id}"))
        })
        .collect();
    findings.push(found.show(lines));
}
