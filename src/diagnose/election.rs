//! Elections of leaders that were not in sync.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::Cluster;
use crate::diagnose::finding::{Basis, Code, Finding, HostItem, Item, Severity};
use crate::diagnose::view::{self, View, finding, line, of_cluster, of_topic};
use crate::kafka::event::{Class, Event};
use crate::words;

/// Unclean elections by topic; `None`: only a topic's id is known.
pub type Elections<'a> = BTreeMap<Option<&'a str>, Vec<Election<'a>>>;

/// One election of a leader that was not in sync.
pub struct Election<'a> {
    /// `None` where the controller names a topic id alone.
    pub partition: Option<u32>,
    /// `-1` where the line does not say.
    pub leader: i64,
    pub event: &'a Event,
    /// No line says so: the ISR before it does.
    pub inferred: bool,
}

/// A partition's ISR, and the version of its state.
#[derive(Clone, Copy)]
struct InSync<'a> {
    isr: &'a [i64],
    version: Option<u64>,
}

impl InSync<'_> {
    /// Whether a leader was not in it, and nothing lies between: a change that was not seen, or that the node
    /// left out of many alike, may have taken it in.
    fn leaves_out(&self, leader: i64, version: Option<u64>) -> bool {
        let next = self.version.and_then(|version| version.checked_add(1));
        next.is_some() && next == version && !self.isr.is_empty() && !self.isr.contains(&leader)
    }
}

/// The unclean elections of a cluster.
///
/// The controller says so (kafka.controller.OfflinePartitionLeaderSelector up to 1.0,
/// ReplicationControlManager in KRaft). From 1.1 on a ZooKeeper-mode controller writes no such line:
/// there a leader that comes back from offline and was not in the ISR before is one. The ISR before is that of
/// the version before (every change of a partition's state in ZooKeeper makes it one more).
pub fn elections<'a>(view: &View<'a>, cluster: &'a Cluster) -> Elections<'a> {
    let mut topics = Elections::new();
    let mut in_sync: BTreeMap<(&str, u32), InSync<'_>> = BTreeMap::new();
    let hosts: BTreeSet<&str> = cluster.brokers.iter().map(|broker| broker.host.as_str()).collect();
    let of_cluster = |event: &&Event| hosts.contains(event.host.as_str());
    for event in view.comparison.events.iter().filter(of_cluster) {
        match &event.class {
            Class::UncleanElection { of, leader, .. } => {
                let partition = of.as_ref().map(|of| of.partition);
                let topic = of.as_ref().map(|of| of.topic.as_str());
                topics.entry(topic).or_default().push(Election {
                    partition,
                    leader: *leader,
                    event,
                    inferred: false,
                });
            }
            Class::LeaderElected { of, leader, isr, from_offline, version } => {
                let now = InSync { isr, version: *version };
                let before = in_sync.insert((&of.topic, of.partition), now);
                if *from_offline && before.is_some_and(|before| before.leaves_out(*leader, *version)) {
                    let partition = Some(of.partition);
                    topics.entry(Some(&of.topic)).or_default().push(Election {
                        partition,
                        leader: *leader,
                        event,
                        inferred: true,
                    });
                }
            }
            Class::IsrReduced { of, isr, version, .. }
            | Class::IsrUpdated { of: Some(of), isr, version, .. } => {
                in_sync.insert((&of.topic, of.partition), InSync { isr, version: *version });
            }
            _ => {}
        }
    }
    // A line with a topic id alone repeats one that names the topic, where both are there.
    if topics.len() > 1 {
        topics.remove(&None);
    }
    topics
}

/// `unclean-election`: a replica outside the ISR became leader.
pub fn unclean(view: &View<'_>, cluster: &Cluster, elections: &Elections<'_>, findings: &mut Vec<Finding>) {
    for (topic, elections) in elections {
        let topic = *topic;
        let ignored = topic.and_then(|name| view::topic(cluster, name)).is_some_and(|topic| topic.ignored);
        if !ignored {
            findings.push(unclean_election(view, cluster, topic, elections));
        }
    }
}

fn unclean_election(
    view: &View<'_>,
    cluster: &Cluster,
    topic: Option<&str>,
    elections: &[Election<'_>],
) -> Finding {
    let leader_of = |election: &Election<'_>| match (election.leader, view.host_of(cluster, election.leader))
    {
        (_, Some(host)) => host.to_owned(),
        (id, None) if id >= 0 => format!("broker {id}"),
        _ => "a replica out of sync".to_owned(),
    };
    // The periodic trigger does not say whom it chose; the line after it does.
    let named: Vec<String> =
        elections.iter().filter(|election| election.leader >= 0).map(leader_of).collect();
    let leaders = if named.is_empty() { vec!["a replica out of sync".to_owned()] } else { named };
    let leaders = words::once(leaders.iter().map(String::as_str));
    let partitions: BTreeSet<u32> = elections.iter().filter_map(|election| election.partition).collect();
    let what = match (topic, partitions.len()) {
        (Some(topic), number) => format!("{} of {topic}", words::counted(number, "partition", "partitions")),
        (None, _) => words::counted(elections.len(), "partition", "partitions"),
    };
    let mut found = finding(
        Code::UncleanElection,
        Severity::Critical,
        topic.map_or_else(|| of_cluster(cluster), |topic| of_topic(cluster, topic)),
        format!("Unclean election: {} became leader of {what} without being in sync", words::list(&leaders)),
    );
    found.basis =
        if elections.iter().all(|election| election.inferred) { Basis::Inferred } else { Basis::Observed };
    found.meaning =
        "No replica in sync was alive, and the controller chose one that was behind. Whatever the \
                     new leader did not have is cut from the other replicas as soon as they follow it."
            .to_owned();
    found.next_steps = vec![
        format!(
            "If the old leader is still down, do not start it: it holds what {} lacks until it follows. Copy its replica directories first.",
            words::list(&leaders)
        ),
        "Set unclean.leader.election.enable=false (the default is true up to 0.10.2, false since 0.11)."
            .to_owned(),
    ];
    let mut seen = BTreeSet::new();
    for election in elections.iter().filter(|election| seen.insert(election.partition.map_or(-1, i64::from)))
    {
        found.items.push(Item::Host(HostItem {
            host: leader_of(election),
            probe: None,
            path: topic.zip(election.partition).map(|(topic, partition)| format!("{topic}-{partition}")),
            reason: format!("became leader at {}", election.event.at_raw),
        }));
    }
    let lines = elections.iter().map(|election| line(election.event)).collect();
    found.seen(elections.iter().map(|election| election.event)).show(lines)
}
