//! Truncations, put together from the lines that tell of them.
//!
//! One truncation leaves up to four lines within seconds: the ERROR `out of range` and the WARN `reset
//! its fetch offset` (up to 0.11), or the INFO TruncationState and the WARN `Non-monotonic update of
//! high watermark` (with leader epochs). 2.8 prints the last twice: the highest `from` and the lowest
//! `to` are the whole cut. From 1.1 to 2.3 a cut by leader epoch has none of them but the INFO `Truncating
//! to offset`, which is ordinary; what the log held before stands in the lines of its opening.

use std::collections::BTreeMap;

use crate::compare::Cluster;
use crate::diagnose::anew;
use crate::diagnose::election::{Election, Elections};
use crate::diagnose::view::{Moment, View};
use crate::kafka::bugs;
use crate::kafka::event::{Class, Event, TopicPartition};

/// Lines of one partition further apart than this belong to different truncations.
pub const APART_MS: i64 = 30_000;

/// A follower that cut its log.
pub struct Cut<'a> {
    pub of: &'a TopicPartition,
    /// The host that cut.
    pub follower: &'a str,
    /// Index into the cluster's brokers.
    pub broker: usize,
    pub leader_id: Option<i64>,
    pub leader: Option<&'a str>,
    pub from: u64,
    pub to: u64,
    /// The line that says so best.
    pub event: &'a Event<'a>,
    pub lines: Vec<&'a Event<'a>>,
    /// Up to 0.9.0.0 the same line also comes when a replica is merely fetched anew (KAFKA-2477).
    pub doubtful: bool,
    /// The line by which the leader had begun the replica anew before.
    pub begun_anew: Option<&'a Event<'a>>,
}

impl Cut<'_> {
    pub fn lost(&self) -> u64 {
        self.from.saturating_sub(self.to)
    }
}

/// What the broker said of a log when it last opened it.
#[derive(Default, Clone, Copy)]
struct Opened {
    end: Option<u64>,
    high_watermark: Option<u64>,
}

/// All truncations on a cluster's brokers, by topic, partition and time.
pub fn cuts<'a>(view: &View<'a>, cluster: &'a Cluster, elections: &Elections<'a>) -> Vec<Cut<'a>> {
    let mut cuts = Vec::new();
    for (at, broker) in cluster.brokers.iter().enumerate() {
        let mut partitions: BTreeMap<&TopicPartition, Vec<Moment<'a>>> = BTreeMap::new();
        for moment in view.log(&broker.host) {
            if let Class::FetchReset { of, .. }
            | Class::HighWatermarkBack { of, .. }
            | Class::Truncated { of, .. }
            | Class::CopyTruncated { of, .. }
            | Class::LogLoaded { of, .. }
            | Class::HighWatermarkLoaded { of, .. } = &moment.event.class
            {
                partitions.entry(of).or_default().push(*moment);
            }
        }
        for (of, moments) in partitions {
            let mut last: Option<(u64, u64)> = None;
            let mut opened = Opened::default();
            for group in moments.chunk_by(together) {
                let cut = cut(view, cluster, at, of, group)
                    .or_else(|| silent(view, cluster, at, of, group, opened, elections));
                opened = group.iter().fold(opened, |opened, moment| opened.after(moment));
                let Some(cut) = cut else { continue };
                // A fetcher that meets the same offsets again tries the same cut again.
                if last != Some((cut.from, cut.to)) {
                    last = Some((cut.from, cut.to));
                    cuts.push(cut);
                }
            }
        }
    }
    for cut in &mut cuts {
        cut.begun_anew = cut.leader.and_then(|leader| anew::begun(view, leader, cut.of, cut.event.at?));
    }
    cuts.sort_by(|one, other| one.of.cmp(other.of).then_with(|| one.event.at.cmp(&other.event.at)));
    cuts
}

impl Opened {
    fn after(self, moment: &Moment<'_>) -> Self {
        match moment.event.class {
            Class::LogLoaded { end, .. } => Opened { end: Some(end), high_watermark: None },
            // The replicas of others are opened too, with 0.
            Class::HighWatermarkLoaded { high_watermark, .. } => {
                Opened { high_watermark: self.high_watermark.max(Some(high_watermark)), ..self }
            }
            // The log has ended elsewhere since.
            Class::Truncated { .. } => Opened::default(),
            _ => self,
        }
    }
}

/// A cut that no line tells of: the log was cut below where it ended when it was opened.
///
/// That alone is ordinary: what an old leader had not yet handed on when it was killed is cut when it comes back.
/// It is a loss where the cut goes below the high watermark, or where its leader was elected uncleanly before.
fn silent<'a>(
    view: &View<'a>,
    cluster: &'a Cluster,
    broker: usize,
    of: &'a TopicPartition,
    group: &[Moment<'a>],
    mut opened: Opened,
    elections: &Elections<'a>,
) -> Option<Cut<'a>> {
    // The last leader has all that was acknowledged: what others are cut by it was not.
    let of_this =
        |election: &&Election<'_>| election.partition == Some(of.partition) && !election.last_leader;
    let elected = |moment: &Moment<'_>| {
        elections
            .get(&Some(of.topic.as_str()))?
            .iter()
            .filter(of_this)
            .rfind(|election| election.event.at.is_some() && election.event.at <= moment.event.at)
    };
    // The log's own line does not say which of two it is, the replica's or that of its copy.
    let of_copy = |cut: u64| {
        group.iter().any(|moment| matches!(moment.event.class, Class::CopyTruncated { to, .. } if to == cut))
    };
    for moment in group {
        if let Class::Truncated { to, leader, .. } = moment.event.class
            && (leader.is_some() || !of_copy(to))
            && let Some(from) = opened.end.filter(|end| *end > to)
        {
            let election = elected(moment);
            if election.is_some() || opened.high_watermark.is_some_and(|high| to < high) {
                let leader_id = leader.or(election.map(|election| election.leader)).filter(|id| *id >= 0);
                return Some(Cut {
                    of,
                    follower: moment.event.host,
                    broker,
                    leader_id,
                    leader: leader_id.and_then(|id| view.host_of(cluster, id)),
                    from,
                    to,
                    event: moment.event,
                    lines: group.iter().map(|moment| moment.event).collect(),
                    doubtful: false,
                    begun_anew: None,
                });
            }
        }
        opened = opened.after(moment);
    }
    None
}

fn together(one: &Moment<'_>, next: &Moment<'_>) -> bool {
    match (one.millis, next.millis) {
        (Some(one), Some(next)) => next.saturating_sub(one) <= APART_MS,
        _ => one.event.file == next.event.file,
    }
}

/// What the lines of a few seconds say of one partition on one host.
fn cut<'a>(
    view: &View<'a>,
    cluster: &'a Cluster,
    broker: usize,
    of: &'a TopicPartition,
    group: &[Moment<'a>],
) -> Option<Cut<'a>> {
    // A reset to the leader's start is a fetch anew, whatever the offsets (KAFKA-2477 up to 0.9.0.0).
    let anew = group
        .iter()
        .any(|moment| matches!(moment.event.class, Class::FetchReset { to_start: Some(true), .. }));
    let latest = group
        .iter()
        .any(|moment| matches!(moment.event.class, Class::FetchReset { to_start: Some(false), .. }));
    let (mut from, mut to): (Option<u64>, Option<u64>) = (None, None);
    let (mut leader_id, mut back, mut proof): (Option<i64>, bool, Option<&Moment<'a>>) = (None, false, None);
    for moment in group {
        match &moment.event.class {
            Class::FetchReset { leader, from: line_from, to: line_to, to_start, .. } => {
                if *to_start == Some(true) || (anew && !latest) {
                    continue;
                }
                leader_id = Some(*leader).filter(|id| *id >= 0).or(leader_id);
                from = from.max(*line_from);
                to = Some(to.map_or(*line_to, |to| to.min(*line_to)));
                // The line with both offsets; of two the first, which is the WARN, or the ERROR alone.
                if line_from.is_some_and(|from| from > *line_to)
                    && proof.is_none_or(|proof| moment.event.level > proof.event.level)
                {
                    proof = Some(moment);
                }
            }
            Class::HighWatermarkBack { from: line_from, to: line_to, .. } if line_from > line_to => {
                back = true;
                from = from.max(Some(*line_from));
                to = Some(to.map_or(*line_to, |to| to.min(*line_to)));
                proof = proof.or(Some(moment));
            }
            Class::Truncated { leader, .. } => leader_id = leader_id.or(*leader),
            _ => {}
        }
    }
    let (from, to, proof) = (from?, to?, proof?);
    if from <= to {
        return None;
    }
    let version = view.version_at(proof);
    let doubtful =
        !back && !latest && version.and_then(|version| bugs::older(version, "0.9.0.1")) == Some(true);
    let leader_id = leader_id.or_else(|| elected(view, of, cluster, proof));
    Some(Cut {
        of,
        follower: proof.event.host,
        broker,
        leader_id,
        leader: leader_id.and_then(|id| view.host_of(cluster, id)),
        from,
        to,
        event: proof.event,
        lines: group
            .iter()
            .map(|moment| moment.event)
            .filter(|event| {
                !matches!(
                    event.class,
                    Class::LogLoaded { .. } | Class::HighWatermarkLoaded { .. } | Class::CopyTruncated { .. }
                )
            })
            .collect(),
        doubtful,
        begun_anew: None,
    })
}

/// The leader that a controller of the cluster last gave to a partition before it was cut.
fn elected(view: &View<'_>, of: &TopicPartition, cluster: &Cluster, cut: &Moment<'_>) -> Option<i64> {
    let cut_at = cut.event.at?;
    let ours = |event: &Event<'_>| cluster.brokers.iter().any(|broker| broker.host == event.host);
    view.elections.iter().rev().filter(|event| event.at.is_some_and(|at| at <= cut_at)).find_map(|event| {
        let leader = match &event.class {
            Class::UncleanElection { of: Some(other), leader, .. } if other == of => *leader,
            Class::LeaderElected { of: other, leader, .. } if other == of => *leader,
            _ => return None,
        };
        (leader >= 0 && ours(event)).then_some(leader)
    })
}
