//! Brokers beside each other: versions and settings.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Code, EvidenceLine, Finding, Item, Severity};
use crate::diagnose::view::{View, broker, finding, of_cluster, on_disk};
use crate::words;

/// Settings that decide over data: which broker leads or controls must not matter for them.
pub const DECISIVE: [&str; 4] =
    ["unclean.leader.election.enable", "min.insync.replicas", "log.cleaner.enable", "log.cleanup.policy"];

/// Settings that are a broker's own by nature.
const OWN: [&str; 18] = [
    "broker.id",
    "node.id",
    "broker.rack",
    "listeners",
    "advertised.listeners",
    "controller.listener.names",
    "host.name",
    "port",
    "advertised.host.name",
    "advertised.port",
    "log.dir",
    "log.dirs",
    "metadata.log.dir",
    "process.roles",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "reserved.broker.max.id",
];

/// Goes through a cluster.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    findings.extend(versions(view, cluster));
    findings.extend(settings(view, cluster));
}

/// `versions-mixed`: brokers of one cluster run different versions.
///
/// A notice: in a rolling upgrade it is so for hours.
fn versions(view: &View<'_>, cluster: &Cluster) -> Option<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for broker in &cluster.brokers {
        if let Some(version) = view.version(broker) {
            versions.entry(version).or_default().push(&broker.host);
        }
    }
    if versions.len() < 2 {
        return None;
    }
    let told: Vec<String> =
        versions.iter().map(|(version, hosts)| format!("{version} on {}", words::list(hosts))).collect();
    let mut found = finding(
        Code::VersionsMixed,
        Severity::Notice,
        of_cluster(cluster),
        format!("Brokers of {} run different versions: {}", cluster.name, told.join(", ")),
    );
    let rows =
        || versions.iter().flat_map(|(version, hosts)| hosts.iter().map(move |host| (*version, *host)));
    found.items = rows().map(|(version, host)| Item::host(host, None, version.to_owned())).collect();
    let lines =
        rows().map(|(version, host)| on_disk(host, None, format!("Kafka version {version}"))).collect();
    Some(found.show(lines))
}

/// `settings-differ`: brokers of one cluster have different settings.
///
/// It matters because the leader's settings hold for a partition, and the controller's for elections.
fn settings(view: &View<'_>, cluster: &Cluster) -> Option<Finding> {
    // Nodes of different roles have different settings by nature.
    let read = |broker: &Broker| -> Option<(&crate::round::Broker, String)> {
        let process = view.visit(broker)?.broker.as_ref()?;
        (!process.settings.is_empty()).then(|| (process, process.roles.join(",")))
    };
    type Settings<'v> = (&'v str, &'v BTreeMap<String, String>);
    let mut groups: BTreeMap<String, Vec<Settings<'_>>> = BTreeMap::new();
    for broker in &cluster.brokers {
        if let Some(visit) = view.visit(broker)
            && let Some((_, roles)) = read(broker)
            && let Some(process) = &visit.broker
        {
            groups.entry(roles).or_default().push((&broker.host, &process.settings));
        }
    }
    let mut differing: BTreeMap<&str, Vec<(&str, Option<&str>)>> = BTreeMap::new();
    for group in groups.values().filter(|group| group.len() > 1) {
        let names: BTreeSet<&str> =
            group.iter().flat_map(|(_, settings)| settings.keys().map(String::as_str)).collect();
        for name in names.into_iter().filter(|name| !OWN.contains(name) && !name.starts_with("listener.")) {
            let values: Vec<(&str, Option<&str>)> = group
                .iter()
                .map(|(host, settings)| (*host, settings.get(name).map(|value| value.trim())))
                .collect();
            let distinct: BTreeSet<Option<&str>> = values.iter().map(|(_, value)| *value).collect();
            if distinct.len() > 1 {
                differing.entry(name).or_default().extend(values);
            }
        }
    }
    if differing.is_empty() {
        return None;
    }
    let decisive: Vec<&str> = differing.keys().copied().filter(|name| DECISIVE.contains(name)).collect();
    let severity = if decisive.is_empty() { Severity::Notice } else { Severity::Warning };
    let named: Vec<&str> = if decisive.is_empty() { differing.keys().copied().collect() } else { decisive };
    let mut found = finding(
        Code::SettingsDiffer,
        severity,
        of_cluster(cluster),
        format!("Brokers of {} differ in {}", cluster.name, words::list(&named)),
    );
    let rows = || {
        differing
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |(host, value)| (*name, *host, *value)))
    };
    found.items = rows()
        .map(|(name, host, value)| {
            Item::host(host, Some(name.to_owned()), value.map_or_else(|| "not set".to_owned(), str::to_owned))
        })
        .collect();
    let lines: Vec<EvidenceLine> = rows()
        .filter_map(|(name, host, value)| {
            let file = broker(cluster, host)
                .and_then(|broker| view.visit(broker)?.broker.as_ref()?.config_file.clone());
            Some(on_disk(host, file, format!("{name}={}", value?)))
        })
        .collect();
    Some(found.show(lines))
}
