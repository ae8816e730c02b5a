//! Up to 0.10.2: followers that kept what an unclean leader never had, in silence.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::compare::Cluster;
use crate::diagnose::cuts::Cut;
use crate::diagnose::election::{Election, Elections};
use crate::diagnose::finding::{Basis, Code, Finding, Item, Severity};
use crate::diagnose::view::{View, finding, line, of_topic, topic};
use crate::kafka::bugs;
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::words;

/// Seconds between the start of the new leader's broker and its election: it had nobody to fetch from meanwhile.
const STARTED_S: i64 = 600;

/// A replica that goes on with records that its leader does not have.
struct Kept<'a> {
    follower: &'a str,
    leader: &'a str,
    partition: u32,
    /// Where the leader's log ended when it was elected.
    from: u64,
    /// Where the follower's ended when it came back.
    until: u64,
    lines: [&'a Event<'a>; 3],
}

/// `epochs-diverged`, without epochs: an unclean leader has gone beyond where the old one ended before that came back.
///
/// It holds because a follower cuts its log to its own high watermark alone and fetches from there (KIP-101 tells it;
/// kafka.server.ReplicaManager `makeFollowers` up to 0.10.2): it asks for an offset that the leader has by now, so that
/// nothing is out of range and nothing is logged. The logs' ends stand in the lines of their loading.
pub fn all(
    view: &View<'_>,
    cluster: &Cluster,
    cuts: &[Cut<'_>],
    elections: &Elections<'_>,
    findings: &mut Vec<Finding>,
) {
    let old = |version: &str| bugs::older(version, "0.11.0.0") == Some(true);
    if !cluster.brokers.iter().filter_map(|broker| view.version(broker)).any(old) {
        return;
    }
    if elections.is_empty() {
        return;
    }
    let loads = loads(view, cluster);
    for (name, elections) in elections.iter().filter_map(|(name, elections)| Some(((*name)?, elections))) {
        if topic(cluster, name).is_some_and(|topic| topic.ignored) {
            continue;
        }
        let mut kept: BTreeMap<(&str, u32), Kept<'_>> = BTreeMap::new();
        for election in elections {
            for one in of_election(view, cluster, name, election, cuts, &loads) {
                kept.insert((one.follower, one.partition), one);
            }
        }
        if !kept.is_empty() {
            findings.push(diverged(cluster, name, &kept.into_values().collect::<Vec<_>>()));
        }
    }
}

/// How far logs reached when they were loaded, oldest first, by host and partition.
type Loads<'a> = HashMap<&'a str, HashMap<&'a TopicPartition, Vec<(Timestamp, u64, &'a Event<'a>)>>>;

fn loads<'a>(view: &View<'a>, cluster: &'a Cluster) -> Loads<'a> {
    let mut loads = Loads::new();
    for moment in cluster.brokers.iter().flat_map(|broker| view.log(&broker.host)) {
        if let (Class::LogLoaded { of, end, .. }, Some(at)) = (&moment.event.class, moment.event.at) {
            loads.entry(moment.event.host).or_default().entry(of).or_default().push((at, *end, moment.event));
        }
    }
    loads
}

fn of_election<'a>(
    view: &View<'a>,
    cluster: &'a Cluster,
    topic: &str,
    election: &Election<'a>,
    cuts: &[Cut<'_>],
    loads: &Loads<'a>,
) -> Vec<Kept<'a>> {
    let (Some(partition), Some(at)) = (election.partition, election.event.at) else { return Vec::new() };
    let Some(leader) = view.host_of(cluster, election.leader) else { return Vec::new() };
    let of = TopicPartition { topic: topic.to_owned(), partition };
    let loaded = |host| loads.get(host).and_then(|host| host.get(&of)).map_or(&[][..], Vec::as_slice);
    let Some(&(opened, from, told)) = loaded(leader).iter().rfind(|(opened, ..)| *opened <= at) else {
        return Vec::new();
    };
    if at.as_second() - opened.as_second() > STARTED_S {
        return Vec::new();
    }
    let followers = cluster.brokers.iter().map(|broker| broker.host.as_str()).filter(|host| *host != leader);
    followers
        .filter_map(|follower| {
            let &(_, until, back) = loaded(follower).iter().find(|(opened, ..)| *opened > at)?;
            if until <= from || cuts.iter().any(|cut| *cut.of == of && cut.follower == follower) {
                // It has no more, or it was cut, and that is told.
                return None;
            }
            // It was up beside the new leader, which may have fetched from it.
            let between = |event: &Event<'_>| event.at.is_some_and(|seen| seen > opened && seen < at);
            let up = view.log(follower).iter().any(|moment| between(moment.event));
            let lines = [election.event, told, back];
            (!up).then_some(Kept { follower, leader, partition, from, until, lines })
        })
        .collect()
}

fn diverged(cluster: &Cluster, topic: &str, kept: &[Kept<'_>]) -> Finding {
    let followers = words::once(kept.iter().map(|one| one.follower));
    let leaders = words::once(kept.iter().map(|one| one.leader));
    let offsets = kept.iter().fold(0u64, |sum, one| sum.saturating_add(one.until - one.from));
    let (followers, leaders) = (words::list(&followers), words::list(&leaders));
    let mut found = finding(
        Code::EpochsDiverged,
        Severity::Critical,
        of_topic(cluster, topic),
        format!(
            "Replicas of {} of {topic} hold different records: {followers} kept {} offsets of before the unclean election, which {leaders} gave to others",
            words::counted(kept.len(), "partition", "partitions"),
            words::count(offsets)
        ),
    );
    found.basis = Basis::Inferred;
    found.meaning = format!(
        "{leaders} was elected behind {followers}, and had written beyond its end when that came back. Up to 0.10.2 a follower then goes on behind its own high watermark without a word (KIP-101): at the same offsets consumers read one record from {leaders} and another from {followers}."
    );
    found.next_steps = vec![
        format!(
            "Do not let {followers} lead {topic}, and do not stop {leaders}: the records would change once more."
        ),
        format!(
            "Copy the directories of {topic} on {followers}: at these offsets they are the only copy of what was lost; it can be produced again."
        ),
        format!(
            "Then stop {followers}, move the directories away and let it fetch anew, one broker at a time."
        ),
    ];
    found.items = kept
        .iter()
        .map(|one| {
            let reason =
                format!("kept offsets {} to {}, which {} wrote anew", one.from, one.until, one.leader);
            Item::host(one.follower, Some(format!("{topic}-{}", one.partition)), reason)
        })
        .collect();
    let lines = kept.iter().flat_map(|one| one.lines.map(line)).collect();
    found.seen(kept.iter().map(|one| one.lines[0])).show(lines)
}
