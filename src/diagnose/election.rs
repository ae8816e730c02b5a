//! Elections of leaders that were not in sync.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::Cluster;
use crate::diagnose::finding::{Basis, Code, Finding, Item, Severity};
use crate::diagnose::joins::{self, Unclean};
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
    pub event: &'a Event<'a>,
    /// No line says so: the ISR before it does.
    pub inferred: bool,
    /// Nobody had been in sync since: it is the last leader again.
    pub last_leader: bool,
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
    let of_cluster = |event: &&Event<'_>| hosts.contains(event.host);
    for event in view.comparison.events.iter().filter(of_cluster) {
        match &event.class {
            Class::UncleanElection { of, leader, isr_before, .. } => {
                let partition = of.as_ref().map(|of| of.partition);
                let topic = of.as_ref().map(|of| of.topic.as_str());
                topics.entry(topic).or_default().push(Election {
                    partition,
                    leader: *leader,
                    event,
                    inferred: false,
                    last_leader: isr_before.contains(leader),
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
                        last_leader: false,
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
    let starts = if elections.is_empty() { LeaderStarts::new() } else { leader_starts(view) };
    for (topic, elections) in elections {
        let topic = *topic;
        let ignored = topic.and_then(|name| view::topic(cluster, name)).is_some_and(|topic| topic.ignored);
        if !ignored {
            findings.push(unclean_election(view, cluster, topic, elections, &starts));
        }
    }
}

/// Says of an election that it made the last leader leader again.
///
/// It holds from 4.0 on (KIP-966, org.apache.kafka.controller.PartitionChangeBuilder): after an unclean stop of all that
/// were in sync none of them counts as such, and the controller takes the last leader, whatever
/// `unclean.leader.election.enable` says. Nobody else can have more of what was acknowledged.
fn again(found: &mut Finding, leaders: &str, what: &str) {
    found.severity = Severity::Warning;
    found.title =
        format!("{leaders} became leader of {what} again after all that were in sync had stopped uncleanly");
    found.meaning = "The last leader leads again. It has all that it had acknowledged, unless its disk lost its end or was replaced: then data-lost and replica-truncated say so.".to_owned();
    found.next_steps.push(format!(
        "See that {leaders} has its old disk and recovered its logs: `grep -E 'Recovering unflushed|Found file|truncat' server.log`."
    ));
}

/// How to keep it from happening again, where the settings that were read do not say so already.
pub fn prevent(view: &View<'_>, cluster: &Cluster, topic: &str) -> Option<String> {
    if let Unclean::Off(_) = joins::unclean(view, cluster, topic) {
        return None;
    }
    Some(
        "Set unclean.leader.election.enable=false on all brokers (the default is true up to 0.10.2)."
            .to_owned(),
    )
}

fn unclean_election(
    view: &View<'_>,
    cluster: &Cluster,
    topic: Option<&str>,
    elections: &[Election<'_>],
    starts: &LeaderStarts<'_>,
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
    if elections.iter().all(|election| election.last_leader) {
        again(&mut found, &words::list(&leaders), &what);
    }
    let held = topic.map_or_else(Vec::new, |topic| held(view, cluster, topic, elections, starts));
    let holders = words::once(held.iter().map(|held| held.host));
    if !holders.is_empty() {
        let offsets =
            held.iter().fold(0u64, |sum, held| sum.saturating_add(held.until.saturating_sub(held.from)));
        let verb = if holders.len() == 1 { "which is down, has" } else { "which are down, have" };
        let who = words::list(&holders);
        found.title =
            format!("{}; {who}, {verb} {} offsets that it lacks", found.title, words::count(offsets));
        found.next_steps.push(format!(
            "Do not start {who}: it would cut these offsets at once. Copy the directories below first; what they hold can then be produced again."
        ));
    }
    if found.next_steps.is_empty() {
        found.next_steps.push(format!(
            "If the old leader is still down, do not start it: it holds what {} lacks until it follows. Copy its replica directories first.",
            words::list(&leaders)
        ));
    }
    if found.severity == Severity::Critical {
        found.next_steps.extend(prevent(view, cluster, topic.unwrap_or_default()));
    }
    let mut seen = BTreeSet::new();
    for election in elections.iter().filter(|election| seen.insert(election.partition.map_or(-1, i64::from)))
    {
        found.items.push(Item::host(
            &leader_of(election),
            topic.zip(election.partition).map(|(topic, partition)| format!("{topic}-{partition}")),
            format!("became leader at {}", election.event.at_raw),
        ));
    }
    found.items.extend(held.iter().map(|held| {
        Item::host(
            held.host,
            topic.map(|topic| format!("{topic}-{}", held.partition)),
            format!("is down and holds offsets {} to {}, which the leader lacks", held.from, held.until),
        )
    }));
    let lines = elections.iter().map(|election| line(election.event)).collect();
    found.seen(elections.iter().map(|election| election.event)).show(lines)
}

/// What a broker that is down holds of a partition and its new leader never had.
struct Held<'a> {
    host: &'a str,
    partition: u32,
    /// Where the new leader's log ended when it was elected, or later.
    from: u64,
    /// The high watermark of the replica that is down.
    until: u64,
}

/// Where leaders' logs ended when they were elected, with the second: by topic and partition.
type LeaderStarts<'a> = BTreeMap<(&'a str, u32), Vec<(i64, u64)>>;

/// What leaders say themselves (0.11 and later).
fn leader_starts<'a>(view: &View<'a>) -> LeaderStarts<'a> {
    let mut starts = LeaderStarts::new();
    for event in &view.comparison.events {
        if let (Class::LeaderStart { of, offset, .. }, Some(at)) = (&event.class, event.at) {
            starts.entry((of.topic.as_str(), of.partition)).or_default().push((at.as_second(), *offset));
        }
    }
    starts
}

/// Finds the replicas that hold what an unclean leader lacks: committed there, behind the new leader's start, on a
/// broker that is down and has written nothing since the election. When it starts it follows, and cuts them.
fn held<'a>(
    view: &View<'a>,
    cluster: &'a Cluster,
    topic: &str,
    elections: &[Election<'_>],
    starts: &LeaderStarts<'_>,
) -> Vec<Held<'a>> {
    let mut held: BTreeMap<(&str, u32), Held<'_>> = BTreeMap::new();
    let partitions = view::topic(cluster, topic).map_or(&[][..], |topic| &topic.partitions);
    for election in elections {
        let (Some(at), Some(number)) = (election.event.at, election.partition) else { continue };
        let place = partitions.binary_search_by_key(&number, |partition| partition.partition);
        let Some(partition) = place.ok().and_then(|place| partitions.get(place)) else { continue };
        let leader = partition.current().find(|replica| {
            cluster.brokers.get(replica.broker).is_some_and(|broker| broker.id == Some(election.leader))
        });
        // Within a minute, by the clocks of two hosts.
        let near = at.as_second() - 5..at.as_second() + 60;
        let said = starts.get(&(topic, number)).into_iter().flatten().find(|(began, _)| near.contains(began));
        // Up to 0.10.2 nobody says it; what the leader has committed since is at least as much.
        let from = said.map(|(_, offset)| *offset).or_else(|| leader?.high_watermark);
        let Some(from) = from else { continue };
        for replica in partition.current() {
            let Some(broker) = cluster.brokers.get(replica.broker) else { continue };
            let (Some(until), Some(mtime)) = (replica.high_watermark, replica.newest_mtime) else { continue };
            let down = view.stopped(broker).is_some();
            let before = view.corrected(broker, mtime) <= at.as_second();
            if down && before && until > from && broker.id != Some(election.leader) {
                let here = Held { host: &broker.host, partition: number, from, until };
                held.insert((&broker.host, number), here);
            }
        }
    }
    held.into_values().collect()
}
