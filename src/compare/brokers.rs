//! The brokers of a cluster, and whose id is whose.

use std::collections::{HashMap, HashSet};

use crate::compare::coverage::Looked;
use crate::compare::membership::Members;
use crate::compare::{Broker, IdSource};
use crate::kafka::broker_id;
use crate::kafka::event::{Class, Event};
use crate::kafka::record::local_millis;
use crate::round::{Round, Visit};

/// The brokers in the inventory's order; what they hold is counted later.
pub fn brokers(round: &Round, members: &Members, events: &[Event<'_>]) -> Vec<Broker> {
    let mentioned = mentioned_ids(events);
    let versions = versions(events);
    let visits = members.visits.iter().filter_map(|at| round.visits.get(*at).map(|visit| (*at, visit)));
    visits
        .map(|(at, visit)| {
            let (id, id_source) = match id_of(visit, &mentioned) {
                Some((id, source)) => (Some(id), Some(source)),
                None => (None, None),
            };
            let looked = Looked::of(visit);
            Broker {
                host: visit.host.clone(),
                visit: at,
                id,
                id_source,
                seen: looked.whole || looked.brought,
                lengths_known: looked.whole,
                blocks_known: looked.whole,
                version: versions.get(visit.host.as_str()).map(|(_, version)| (*version).to_owned()),
                ..Broker::default()
            }
        })
        .collect()
}

/// The id that the node itself has, from its `meta.properties`.
pub fn node_id(visit: &Visit) -> Option<i64> {
    visit.facts.as_ref()?.log_dirs.iter().find_map(|dir| dir.broker_id)
}

/// The id that the broker's settings give it; without one the broker makes its own (`broker.id=-1`).
fn set_id(visit: &Visit) -> Option<i64> {
    let settings = &visit.broker.as_ref()?.settings;
    let set = ["node.id", "broker.id"].iter().find_map(|name| settings.get(*name))?;
    set.trim().parse().ok().filter(|id| *id >= 0)
}

/// The id of a host: the node's own, else its settings', else the inventory's, else one that some log names and that is
/// this host's address.
fn id_of(visit: &Visit, mentioned: &HashSet<i64>) -> Option<(i64, IdSource)> {
    node_id(visit)
        .map(|id| (id, IdSource::MetaProperties))
        .or_else(|| set_id(visit).map(|id| (id, IdSource::Settings)))
        .or_else(|| visit.broker_id.map(|id| (id, IdSource::Inventory)))
        .or_else(|| {
            let ids = address_ids(visit);
            ids.into_iter().find(|id| mentioned.contains(id)).map(|id| (id, IdSource::Address))
        })
}

/// The ids that a host would have if its brokers were numbered by address.
pub fn address_ids(visit: &Visit) -> Vec<i64> {
    let addresses = [&visit.address, &visit.host].into_iter().filter_map(|text| broker_id::address_in(text));
    addresses.filter_map(broker_id::from_address).collect()
}

/// All broker ids that logs name.
fn mentioned_ids(events: &[Event<'_>]) -> HashSet<i64> {
    events
        .iter()
        .filter_map(|event| match &event.class {
            Class::FetchReset { leader, .. }
            | Class::UncleanElection { leader, .. }
            | Class::LeaderElected { leader, .. } => Some(*leader),
            Class::Truncated { leader, .. } => *leader,
            Class::Started { broker } => *broker,
            _ => None,
        })
        .collect()
}

/// The newest version by host, with the time of its line.
fn versions<'a>(events: &'a [Event<'a>]) -> HashMap<&'a str, (i64, &'a str)> {
    let mut versions: HashMap<&str, (i64, &str)> = HashMap::new();
    for event in events {
        let Class::Version { version } = &event.class else { continue };
        let at = local_millis(event.at_raw).unwrap_or(i64::MIN);
        let newest = versions.entry(event.host).or_insert((at, version));
        if at >= newest.0 {
            *newest = (at, version);
        }
    }
    versions
}
