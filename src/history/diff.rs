//! Two rounds side by side: findings that came, went or changed, replicas that grew, brokers that differ.
//!
//! What only one round looked at is neither new nor gone: it is said to be unseen.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::known::{happens, identities};
use super::sight::{lost_sight, saw_disks};
use crate::compare::{Comparison, Kind};
use crate::diagnose::finding::{Change, Code, Finding, Severity};
use crate::round::Round;

/// One of the two rounds with what was made of it.
pub struct Side<'a> {
    pub round: &'a Round,
    pub comparison: &'a Comparison<'a>,
    pub findings: &'a [Finding],
}

/// What changed from one round to the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Diff {
    /// The rounds' ids.
    pub from: String,
    pub to: String,
    /// Worst first.
    pub findings: Vec<FindingChange>,
    /// Findings that both rounds have, alike.
    pub unchanged: usize,
    pub brokers: Vec<BrokerChange>,
    /// Largest change first.
    pub replicas: Vec<ReplicaChange>,
}

/// A finding that one round has and the other has not, or not so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingChange {
    pub change: Change,
    pub id: String,
    pub code: Code,
    /// In the newer round where it is there, else in the older.
    pub severity: Severity,
    pub title: String,
}

/// A broker that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BrokerChange {
    pub cluster: String,
    pub broker: String,
    /// In words.
    pub what: String,
}

/// A replica whose `.log` bytes differ; `None` on the side that does not hold it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplicaChange {
    pub cluster: String,
    pub topic: String,
    pub partition: u32,
    pub broker: String,
    pub from: Option<u64>,
    pub to: Option<u64>,
}

impl ReplicaChange {
    /// Bytes between the two.
    pub fn by(&self) -> u64 {
        self.to.unwrap_or(0).abs_diff(self.from.unwrap_or(0))
    }
}

/// Lays two rounds side by side.
pub fn diff(older: &Side<'_>, newer: &Side<'_>) -> Diff {
    let (findings, unchanged) = findings(older, newer);
    let mut replicas = replicas(older, newer);
    replicas.sort_by(|a, b| {
        b.by().cmp(&a.by()).then_with(|| {
            (&a.cluster, &a.topic, a.partition, &a.broker).cmp(&(
                &b.cluster,
                &b.topic,
                b.partition,
                &b.broker,
            ))
        })
    });
    Diff {
        from: older.round.id.clone(),
        to: newer.round.id.clone(),
        findings,
        unchanged,
        brokers: brokers(older, newer),
        replicas,
    }
}

fn findings(older: &Side<'_>, newer: &Side<'_>) -> (Vec<FindingChange>, usize) {
    let before: BTreeMap<&str, &Finding> =
        older.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let now: BTreeSet<&str> = newer.findings.iter().map(|finding| finding.id.as_str()).collect();
    let mut changes = Vec::new();
    let mut unchanged = 0;
    let mut push = |change, finding: &Finding| {
        changes.push(FindingChange {
            change,
            id: finding.id.clone(),
            code: finding.code,
            severity: finding.severity,
            title: finding.title.clone(),
        });
    };
    for finding in newer.findings {
        let Some(earlier) = before.get(finding.id.as_str()) else {
            push(Change::New, finding);
            continue;
        };
        match grown(earlier, finding) {
            // Of what is not there any more something may only not have been seen.
            Some(Change::Better) if lost_sight(earlier, older.round, newer.round) => unchanged += 1,
            Some(change) => push(change, finding),
            None => unchanged += 1,
        }
    }
    for finding in older.findings.iter().filter(|finding| !now.contains(finding.id.as_str())) {
        let unseen = lost_sight(finding, older.round, newer.round);
        push(if unseen { Change::Unseen } else { Change::Gone }, finding);
    }
    changes.sort_by_key(|change| (change.severity, change.change));
    (changes, unchanged)
}

/// Whether a finding is worse or better than before; `None` when it is the same.
fn grown(before: &Finding, now: &Finding) -> Option<Change> {
    let (were, are) = match before.items == now.items {
        true => (BTreeSet::new(), BTreeSet::new()),
        false => (identities(before), identities(now)),
    };
    // Critical is the least of the severities. What is in one respect worse is worse: nothing makes up for a
    // partition that was well.
    let worse = now.severity < before.severity
        || now.lost_total > before.lost_total
        || !are.is_subset(&were)
        || (happens(now.code) && before.last_seen.is_some() && now.last_seen > before.last_seen);
    let better =
        now.severity > before.severity || now.lost_total < before.lost_total || !were.is_subset(&are);
    match (worse, better) {
        (true, _) => Some(Change::Worse),
        (false, true) => Some(Change::Better),
        (false, false) => None,
    }
}

fn brokers(older: &Side<'_>, newer: &Side<'_>) -> Vec<BrokerChange> {
    // A cluster and a host; an id, a version, an outcome.
    type Seen = BTreeMap<(String, String), (Option<i64>, Option<String>, &'static str)>;
    let all = |side: &Side<'_>| -> Seen {
        side.comparison
            .clusters
            .iter()
            .flat_map(|cluster| {
                cluster.brokers.iter().map(|broker| {
                    let outcome =
                        side.round.visits.get(broker.visit).map_or("?", |visit| visit.outcome.word());
                    (
                        (cluster.name.clone(), broker.host.clone()),
                        (broker.id, broker.version.clone(), outcome),
                    )
                })
            })
            .collect()
    };
    let (before, now) = (all(older), all(newer));
    let keys: BTreeSet<&(String, String)> = before.keys().chain(now.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let mut push = |what: String| {
            changes.push(BrokerChange { cluster: key.0.clone(), broker: key.1.clone(), what });
        };
        match (before.get(key), now.get(key)) {
            (None, Some(_)) => push("was not asked before".to_owned()),
            (Some(_), None) => push("was not asked now".to_owned()),
            (Some((id, version, outcome)), Some((new_id, new_version, new_outcome))) => {
                if outcome != new_outcome {
                    push(format!("visit: {outcome}, now {new_outcome}"));
                }
                if let (Some(id), Some(new_id)) = (id, new_id)
                    && id != new_id
                {
                    push(format!("id: {id}, now {new_id}"));
                }
                if let (Some(version), Some(new_version)) = (version, new_version)
                    && version != new_version
                {
                    push(format!("Kafka {version}, now {new_version}"));
                }
            }
            (None, None) => {}
        }
    }
    changes
}

fn replicas(older: &Side<'_>, newer: &Side<'_>) -> Vec<ReplicaChange> {
    type Key<'a> = (&'a str, &'a str, u32, &'a str);
    fn all<'a>(side: &Side<'a>) -> (BTreeMap<Key<'a>, u64>, BTreeSet<(&'a str, &'a str)>) {
        let mut replicas = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for cluster in &side.comparison.clusters {
            let brokers = cluster.brokers.iter().filter(|broker| broker.seen);
            seen.extend(brokers.map(|broker| (cluster.name.as_str(), broker.host.as_str())));
            for topic in &cluster.topics {
                for partition in &topic.partitions {
                    for replica in partition.replicas.iter().filter(|one| one.kind == Kind::Current) {
                        let Some(broker) = cluster.host(replica.broker) else { continue };
                        let key = (cluster.name.as_str(), topic.name.as_str(), partition.partition, broker);
                        replicas.insert(key, replica.log_bytes);
                    }
                }
            }
        }
        (replicas, seen)
    }
    let ((before, seen_before), (now, seen_now)) = (all(older), all(newer));
    let mut changes = Vec::new();
    let mut push = |key: &Key<'_>, from: Option<u64>, to: Option<u64>| {
        let (cluster, topic, partition, broker) = *key;
        changes.push(ReplicaChange {
            cluster: cluster.to_owned(),
            topic: topic.to_owned(),
            partition,
            broker: broker.to_owned(),
            from,
            to,
        });
    };
    for (key, size) in &now {
        match before.get(key) {
            Some(earlier) if earlier != size => push(key, Some(*earlier), Some(*size)),
            None if seen_before.contains(&(key.0, key.3)) && saw_disks(older.round, key.3) => {
                push(key, None, Some(*size))
            }
            _ => {}
        }
    }
    for (key, size) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        if seen_now.contains(&(key.0, key.3)) && saw_disks(newer.round, key.3) {
            push(key, Some(*size), None);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{compare, rounds};
    use crate::diagnose::diagnose;
    use crate::round::Outcome;

    struct Whole {
        round: Round,
        findings: Vec<Finding>,
    }

    fn whole(id: &str, sizes: [u64; 2], reached: bool) -> Whole {
        let mut other = rounds::host("b").disk(vec![rounds::replica("t", 0, sizes[1])]);
        if !reached {
            other = crate::round::Visit {
                plays: vec![0],
                ..crate::round::Visit::blank("b", Outcome::Unreachable)
            };
        }
        let mut round =
            rounds::round(vec![rounds::host("a").disk(vec![rounds::replica("t", 0, sizes[0])]), other]);
        round.id = id.into();
        let findings = diagnose(&round, &compare(&round));
        Whole { round, findings }
    }

    fn between(a: &Whole, b: &Whole) -> Diff {
        let (before, after) = (compare(&a.round), compare(&b.round));
        diff(
            &Side { round: &a.round, comparison: &before, findings: &a.findings },
            &Side { round: &b.round, comparison: &after, findings: &b.findings },
        )
    }

    #[test]
    fn a_round_does_not_differ_from_itself() {
        let one = whole("1", [5 << 30, 1 << 30], true);
        let diff = between(&one, &one);
        assert!(diff.findings.is_empty() && diff.replicas.is_empty() && diff.brokers.is_empty());
        assert_eq!(diff.unchanged, one.findings.len());
    }

    #[test]
    fn what_came_and_what_went() {
        let well = whole("1", [5 << 30, 5 << 30], true);
        let ill = whole("2", [5 << 30, 1 << 30], true);
        assert!(!ill.findings.is_empty());
        let came = between(&well, &ill);
        assert!(came.findings.iter().all(|change| change.change == Change::New), "{:?}", came.findings);
        assert_eq!(came.replicas.len(), 1);
        assert_eq!((came.replicas[0].from, came.replicas[0].to), (Some(5 << 30), Some(1 << 30)));
        let went = between(&ill, &well);
        assert!(went.findings.iter().all(|change| change.change == Change::Gone));
        assert_eq!(went.findings.len(), came.findings.len());
    }

    #[test]
    fn a_finding_with_something_new_in_it_is_worse_even_if_it_lost_less() {
        let ill = whole("1", [5 << 30, 1 << 30], true);
        let mut less = whole("2", [5 << 30, 1 << 30], true);
        let case = crate::report::fixture::incident();
        let cut = case.findings.iter().find(|one| one.code == Code::ReplicaTruncated).unwrap();
        let with = |one: &Whole, finding: &Finding| Whole {
            round: one.round.clone(),
            findings: vec![finding.clone()],
        };
        let change = |then: &Finding, now: &Finding, less: &Whole| {
            let diff = between(&with(&ill, then), &with(less, now));
            diff.findings.first().map(|one| one.change)
        };
        assert_eq!(change(cut, cut, &less), None);
        let mut fewer = cut.clone();
        fewer.items.truncate(1);
        fewer.lost_total = Some(1);
        assert_eq!(change(cut, &fewer, &less), Some(Change::Better));
        let Some(crate::diagnose::finding::Item::Truncation(first)) = fewer.items.first_mut() else {
            panic!()
        };
        first.from = first.to + 1;
        assert_eq!(change(cut, &fewer, &less), Some(Change::Worse));
        less.round.id = "3".into();
        let later = cut.last_seen.map(|at| at + jiff::SignedDuration::from_secs(1));
        let again = Finding { last_seen: later, ..cut.clone() };
        assert_eq!(change(cut, &again, &less), Some(Change::Worse));
    }

    #[test]
    fn what_was_not_seen_is_not_gone() {
        let ill = whole("1", [5 << 30, 1 << 30], true);
        let blind = whole("2", [5 << 30, 1 << 30], false);
        let diff = between(&ill, &blind);
        assert!(diff.findings.iter().all(|change| change.change != Change::Gone), "{:?}", diff.findings);
        assert!(diff.replicas.is_empty(), "{:?}", diff.replicas);
        assert_eq!(diff.brokers[0].what, "visit: ok, now unreachable");
    }
}
