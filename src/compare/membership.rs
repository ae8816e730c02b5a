//! Which hosts make up a cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::round::{Outcome, Round, Visit};

/// The hosts of one cluster.
pub struct Members {
    pub name: String,
    /// Indices into [`Round::visits`], in the inventory's order; never an excluded host.
    pub visits: Vec<usize>,
    /// No host that was left out, or whose cluster is not known, may belong here too.
    pub certain: bool,
}

impl Members {
    /// The plays that any of the hosts has a part in.
    pub fn plays(&self, round: &Round) -> Vec<usize> {
        let plays: BTreeSet<usize> = self
            .visits
            .iter()
            .filter_map(|at| round.visits.get(*at))
            .flat_map(|visit| visit.plays.iter().copied())
            .collect();
        plays.into_iter().collect()
    }
}

/// Parts the hosts of a round by cluster: `kafka_cluster`, else `cluster.id`, else the one cluster that
/// the other hosts of a play belong to, else the play.
pub fn clusters(round: &Round) -> Vec<Members> {
    let named = named_ids(round);
    let known: Vec<Option<String>> = round.visits.iter().map(|visit| known(visit, &named)).collect();
    let mut clusters: Vec<Members> = Vec::new();
    let mut doubtful: BTreeSet<String> = BTreeSet::new();
    // A machine without Kafka belongs to no cluster.
    for (at, visit) in round.visits.iter().enumerate().filter(|(_, visit)| !visit.without_kafka()) {
        let mates = mates(round, visit, &known);
        let alone = mates.iter().find(|names| names.len() == 1).and_then(|names| names.first().copied());
        let name = known.get(at).cloned().flatten().or_else(|| alone.map(str::to_owned));
        if name.is_none() {
            doubtful.extend(mates.iter().flatten().map(|name| (*name).to_owned()));
        }
        let name = name.unwrap_or_else(|| play_name(round, visit));
        if visit.outcome == Outcome::Excluded {
            // It holds replicas that nobody looked at.
            doubtful.insert(name);
            continue;
        }
        match clusters.iter_mut().find(|cluster| cluster.name == name) {
            Some(cluster) => cluster.visits.push(at),
            None => clusters.push(Members { name, visits: vec![at], certain: true }),
        }
    }
    for cluster in &mut clusters {
        let excluded = cluster.plays(round).into_iter().any(|play| excludes(round, play));
        cluster.certain = !doubtful.contains(&cluster.name) && !excluded;
    }
    clusters
}

/// Whether a play left out a host of which nothing else is known.
fn excludes(round: &Round, play: usize) -> bool {
    let Some(play) = round.plays.get(play) else { return false };
    play.excluded.iter().any(|host| !round.visits.iter().any(|visit| visit.host == *host))
}

/// `cluster.id` to the `kafka_cluster` of a host that has both, where that is one name.
fn named_ids(round: &Round) -> BTreeMap<&str, Option<&str>> {
    let mut names: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for visit in &round.visits {
        let (Some(id), Some(name)) = (cluster_id(visit), visit.cluster.as_deref()) else { continue };
        names
            .entry(id)
            .and_modify(|known| *known = known.filter(|known| *known == name))
            .or_insert(Some(name));
    }
    names
}

/// A host's cluster from its own facts.
fn known(visit: &Visit, named: &BTreeMap<&str, Option<&str>>) -> Option<String> {
    if let Some(name) = &visit.cluster {
        return Some(name.clone());
    }
    let id = cluster_id(visit)?;
    Some(named.get(id).copied().flatten().unwrap_or(id).to_owned())
}

/// The first `cluster.id` in a host's log dirs.
pub fn cluster_id(visit: &Visit) -> Option<&str> {
    visit.facts.as_ref()?.log_dirs.iter().find_map(|dir| dir.cluster_id.as_deref())
}

/// For each play of a host, the clusters that the play's other hosts are known to belong to.
fn mates<'a>(round: &Round, visit: &Visit, known: &'a [Option<String>]) -> Vec<BTreeSet<&'a str>> {
    visit
        .plays
        .iter()
        .map(|play| {
            let mates = round.visits.iter().zip(known).filter(|(mate, _)| mate.plays.contains(play));
            mates.filter_map(|(_, name)| name.as_deref()).collect()
        })
        .collect()
}

fn play_name(round: &Round, visit: &Visit) -> String {
    let play = visit.plays.first().and_then(|play| round.plays.get(*play));
    play.map_or_else(|| "kafka".to_owned(), |play| play.name.clone())
}
