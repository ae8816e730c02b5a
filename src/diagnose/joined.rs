//! Brokers that found another cluster than the one that their replicas are of.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Basis, Code, Finding, Item, Severity};
use crate::diagnose::view::{Moment, View, finding, line, of_cluster};
use crate::kafka::event::Class;
use crate::words;

/// `cluster-id-mismatch`: a broker found another cluster in ZooKeeper than at its start before, and still has
/// replicas from before.
///
/// It holds because the cluster's id stands in ZooKeeper, and a broker that finds none there makes one
/// (kafka.server.KafkaServer, `getOrGenerateClusterId`, 0.10.1 and later): ZooKeeper has lost its data, or
/// `zookeeper.connect` names another place. The topics of before are not there; their replicas belong to nobody. From
/// 2.4 on the id stands on the disk too, and such a start fails.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut moved: BTreeMap<(&str, &str), Vec<(&Broker, &Moment<'_>)>> = BTreeMap::new();
    for broker in &cluster.brokers {
        let mut found: Vec<(&str, &Moment<'_>)> = Vec::new();
        for moment in view.log(&broker.host) {
            if let Class::ClusterJoined { id } = &moment.event.class
                && found.last().is_none_or(|(last, _)| last != id)
            {
                found.push((id, moment));
            }
        }
        // Who went back to the first is where its replicas belong.
        if let (Some((from, _)), Some((to, moment))) = (found.first(), found.last())
            && from != to
            && moment.event.at.is_some_and(|at| has_older(view, cluster, broker, at))
        {
            moved.entry((from, to)).or_default().push((broker, moment));
        }
    }
    for ((from, to), brokers) in moved {
        let hosts: Vec<&str> = brokers.iter().map(|(broker, _)| broker.host.as_str()).collect();
        let mut found = finding(
            Code::ClusterIdMismatch,
            Severity::Critical,
            of_cluster(cluster),
            format!(
                "{} found cluster {to} in ZooKeeper, and {} replicas of cluster {from}",
                words::list(&hosts),
                if hosts.len() == 1 { "has" } else { "have" }
            ),
        );
        found.basis = Basis::Inferred;
        found.meaning = "ZooKeeper has lost its data, or zookeeper.connect names another place in it. The topics of before are not known there: nobody can write or read them, and the replicas on the disks belong to nobody.".to_owned();
        found.next_steps = vec![
            format!("Compare zookeeper.connect in server.properties of {}, its chroot too, with what it was.", words::list(&hosts)),
            "If it is right, restore ZooKeeper's dataDir from a snapshot, with all brokers stopped.".to_owned(),
            "Do not create the topics anew before: a broker takes an old directory for the new topic's replica, and whoever leads decides what stays.".to_owned(),
        ];
        found.items = brokers
            .iter()
            .map(|(broker, moment)| {
                Item::host(&broker.host, None, format!("cluster {to} since {}", moment.event.at_raw))
            })
            .collect();
        let lines = brokers.iter().map(|(_, moment)| line(moment.event)).collect();
        findings.push(found.seen(brokers.iter().map(|(_, moment)| moment.event)).show(lines));
    }
}

/// Whether a broker has replicas that were last written before it joined: a machine that was set up anew has none.
fn has_older(view: &View<'_>, cluster: &Cluster, broker: &Broker, joined: Timestamp) -> bool {
    let own = |at: usize| cluster.brokers.get(at).is_some_and(|one| one.host == broker.host);
    let replicas =
        cluster.topics.iter().flat_map(|topic| &topic.partitions).flat_map(|partition| partition.current());
    let mut written =
        replicas.filter(|replica| own(replica.broker)).filter_map(|replica| replica.newest_mtime);
    written.any(|written| view.corrected(broker, written) < joined.as_second())
}
