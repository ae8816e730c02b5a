//! Truncations, put together from the lines that tell of them.
//!
//! One truncation leaves up to four lines within seconds: the ERROR `out of range` and the WARN `reset
//! its fetch offset` (up to 0.11), or the INFO TruncationState and the WARN `Non-monotonic update of
//! high watermark` (with leader epochs). 2.8 prints the last twice: the highest `from` and the lowest
//! `to` are the whole cut.

use std::collections::BTreeMap;

use crate::compare::Cluster;
use crate::diagnose::view::{Moment, View};
use crate::kafka::bugs;
use crate::kafka::event::{Class, Event, TopicPartition};

/// Lines of one partition further apart than this belong to different truncations.
const APART_MS: i64 = 30_000;

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
    pub event: &'a Event,
    pub lines: Vec<&'a Event>,
    /// Up to 0.9.0.0 the same line also comes when a replica is merely fetched anew (KAFKA-2477).
    pub doubtful: bool,
}

impl Cut<'_> {
    pub fn lost(&self) -> u64 {
        self.from.saturating_sub(self.to)
    }
}

/// All truncations on a cluster's brokers, by topic, partition and time.
pub fn cuts<'a>(view: &View<'a>, cluster: &'a Cluster) -> Vec<Cut<'a>> {
    let mut cuts = Vec::new();
    for (at, broker) in cluster.brokers.iter().enumerate() {
        let mut partitions: BTreeMap<&TopicPartition, Vec<Moment<'a>>> = BTreeMap::new();
        for moment in view.log(&broker.host) {
            if let Class::FetchReset { of, .. }
            | Class::HighWatermarkBack { of, .. }
            | Class::Truncated { of, .. } = &moment.event.class
            {
                partitions.entry(of).or_default().push(*moment);
            }
        }
        for (of, moments) in partitions {
            let mut last: Option<(u64, u64)> = None;
            for group in moments.chunk_by(together) {
                let Some(cut) = cut(view, cluster, at, of, group) else { continue };
                // A fetcher that meets the same offsets again tries the same cut again.
                if last != Some((cut.from, cut.to)) {
                    last = Some((cut.from, cut.to));
                    cuts.push(cut);
                }
            }
        }
    }
    cuts.sort_by(|one, other| one.of.cmp(other.of).then_with(|| one.event.at.cmp(&other.event.at)));
    cuts
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
        follower: &proof.event.host,
        broker,
        leader_id,
        leader: leader_id.and_then(|id| view.host_of(cluster, id)),
        from,
        to,
        event: proof.event,
        lines: group.iter().map(|moment| moment.event).collect(),
        doubtful,
    })
}

/// The leader that a controller of the cluster last gave to a partition before it was cut.
fn elected(view: &View<'_>, of: &TopicPartition, cluster: &Cluster, cut: &Moment<'_>) -> Option<i64> {
    let cut_at = cut.event.at?;
    let ours = |event: &Event| cluster.brokers.iter().any(|broker| broker.host == event.host);
    view.elections.iter().rev().filter(|event| event.at.is_some_and(|at| at <= cut_at)).find_map(|event| {
        let leader = match &event.class {
            Class::UncleanElection { of: Some(other), leader, .. } if other == of => *leader,
            Class::LeaderElected { of: other, leader, .. } if other == of => *leader,
            _ => return None,
        };
        (leader >= 0 && ours(event)).then_some(leader)
    })
}
