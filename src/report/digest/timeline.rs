//! The events that matter, repeats of one kind on one host folded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::compare::Comparison;
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::report::measure::{count, counted, moment, numbers};

/// Events of one kind on one host that belong together.
pub struct Run<'a> {
    pub events: Vec<&'a Event>,
    pub grave: bool,
    /// What happened, in words; holds remote text.
    pub what: String,
}

impl<'a> Run<'a> {
    /// The earliest.
    pub fn first(&self) -> Option<&'a Event> {
        self.events.first().copied()
    }

    /// The latest.
    pub fn last(&self) -> Option<&'a Event> {
        self.events.last().copied()
    }

    /// ` (12 lines until 12:16:39)`, for more than one event.
    pub fn repeats(&self) -> String {
        let (Some(first), Some(last)) = (self.first(), self.last()) else { return String::new() };
        let lines = match self.events.len() {
            1 => return String::new(),
            many => count(many as u64),
        };
        let (Some(from), Some(to)) = (first.at, last.at) else { return format!(" ({lines} lines)") };
        let (from, to) = (moment(from), moment(to));
        let until = match (from.split_once(' '), to.split_once(' ')) {
            (Some((day, _)), Some((same, time))) if day == same => time,
            _ => to.as_str(),
        };
        format!(" ({lines} lines until {until})")
    }
}

/// Events of one kind nearer than this belong together whatever happened between them: a follower that
/// cuts twelve logs writes lines of several kinds in turn.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// All runs, by their first event.
pub fn runs(comparison: &Comparison) -> Vec<Run<'_>> {
    let mut runs: Vec<Vec<&Event>> = Vec::new();
    // By host the run of its latest event; by host and kind the latest run of that kind.
    let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of_kind: BTreeMap<(&str, Option<u8>), usize> = BTreeMap::new();
    for event in comparison.events.iter().filter(|event| tells(event)) {
        let host = event.host.as_str();
        let key = (host, kind(&event.class));
        let known = of_kind.get(&key).copied().filter(|at| {
            let near = match (runs[*at].last().and_then(|last| last.at), event.at) {
                (Some(last), Some(now)) => now.duration_since(last) <= TOGETHER,
                _ => false,
            };
            near || latest.get(host) == Some(at)
        });
        let at = known.unwrap_or(runs.len());
        match runs.get_mut(at) {
            Some(run) => run.push(event),
            None => runs.push(vec![event]),
        }
        latest.insert(host, at);
        of_kind.insert(key, at);
    }
    let hosts: BTreeMap<i64, &str> = comparison
        .clusters
        .iter()
        .flat_map(|cluster| &cluster.brokers)
        .filter_map(|broker| broker.id.map(|id| (id, broker.host.as_str())))
        .collect();
    runs.into_iter()
        .map(|events| Run {
            grave: events.iter().any(|one| grave(&one.class)),
            what: what(&events, &hosts),
            events,
        })
        .collect()
}

/// Whether an event has a place in a timeline. A cleaner's statistics carry no time: they are routine,
/// and without one they would only seem to come last.
fn tells(event: &Event) -> bool {
    let routine = matches!(event.class, Class::CleanerWorked { .. });
    kind(&event.class).is_some() && !(routine && event.at.is_none())
}

/// What is folded with what; `None` for what no timeline needs.
fn kind(class: &Class) -> Option<u8> {
    match class {
        Class::FetchReset { to_start: Some(true), .. } => Some(0),
        Class::FetchReset { .. } => Some(1),
        Class::HighWatermarkBack { .. } => Some(2),
        Class::Truncated { .. } => Some(3),
        Class::CleanerDied { .. } => Some(4),
        Class::Uncleanable { .. } => Some(5),
        Class::CleanerWorked { .. } => Some(6),
        Class::Started { .. } => Some(7),
        Class::Version { .. } => Some(8),
        Class::UncleanElection { .. } => Some(9),
        Class::CleanerStarted { .. } => Some(10),
        Class::LeaderElected { from_offline: true, .. } => Some(11),
        _ => None,
    }
}

fn grave(class: &Class) -> bool {
    match class {
        Class::FetchReset { to_start, .. } => *to_start != Some(true),
        Class::HighWatermarkBack { .. } | Class::CleanerDied { .. } | Class::UncleanElection { .. } => true,
        _ => false,
    }
}

/// The words of a run.
fn what(events: &[&Event], hosts: &BTreeMap<i64, &str>) -> String {
    let Some(first) = events.first() else { return String::new() };
    let partitions = partitions(events);
    let leaders = leaders(events, hosts);
    let of_leaders = if leaders.is_empty() { "its leader".to_owned() } else { leaders };
    match &first.class {
        Class::FetchReset { to_start: Some(true), .. } => {
            format!("fetches anew from the start of {of_leaders}: {partitions}")
        }
        Class::FetchReset { .. } => {
            let cut = match offsets_cut(events) {
                0 => String::new(),
                cut => format!("{} offsets of ", count(cut)),
            };
            format!("cut back to the end of {of_leaders}: {cut}{partitions}")
        }
        Class::HighWatermarkBack { .. } => {
            let cut = offsets_cut(events);
            format!("cut below the high watermark: {} offsets of {partitions}", count(cut))
        }
        Class::Truncated { .. } => format!("log cut: {partitions}"),
        Class::CleanerDied { .. } => "log cleaner died".to_owned(),
        Class::Uncleanable { .. } => format!("marked as uncleanable: {partitions}"),
        Class::CleanerWorked { .. } => format!("log cleaner at work: {partitions}"),
        Class::Started { .. } => "broker started".to_owned(),
        Class::Version { .. } => {
            let versions: BTreeSet<&str> = events
                .iter()
                .filter_map(|event| match &event.class {
                    Class::Version { version } => Some(version.as_str()),
                    _ => None,
                })
                .collect();
            format!("runs Kafka {}", versions.into_iter().collect::<Vec<_>>().join(", "))
        }
        Class::UncleanElection { .. } => match partitions.as_str() {
            "" => format!("leader elected out of sync: {of_leaders}"),
            partitions => format!("leader elected out of sync: {of_leaders} for {partitions}"),
        },
        Class::CleanerStarted { .. } => "log cleaner started".to_owned(),
        Class::LeaderElected { .. } => {
            format!("made {of_leaders} the leader of what had none: {partitions}")
        }
        other => other.word().replace('_', " "),
    }
}

fn subject(class: &Class) -> Option<&TopicPartition> {
    match class {
        Class::FetchReset { of, .. }
        | Class::HighWatermarkBack { of, .. }
        | Class::Truncated { of, .. }
        | Class::Uncleanable { of }
        | Class::CleanerWorked { of, .. }
        | Class::LeaderElected { of, .. } => Some(of),
        Class::UncleanElection { of, .. } => of.as_ref(),
        _ => None,
    }
}

/// `12 partitions of completeProduct (1, 5, 7)`, or topics counted when there are many.
fn partitions(events: &[&Event]) -> String {
    let mut topics: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for of in events.iter().filter_map(|event| subject(&event.class)) {
        topics.entry(&of.topic).or_default().insert(of.partition);
    }
    let all: usize = topics.values().map(BTreeSet::len).sum();
    let mut named = topics.iter();
    match (named.next(), named.next()) {
        (None, _) => String::new(),
        (Some((topic, partitions)), None) if all == 1 => {
            format!("{topic}-{}", partitions.first().copied().unwrap_or_default())
        }
        (Some((topic, partitions)), None) => {
            format!(
                "{} of {topic} ({})",
                counted(all, "partition", "partitions"),
                numbers(partitions.iter().copied())
            )
        }
        _ => format!("{} of {} topics", counted(all, "partition", "partitions"), count(topics.len() as u64)),
    }
}

fn leaders(events: &[&Event], hosts: &BTreeMap<i64, &str>) -> String {
    let ids: BTreeSet<i64> = events
        .iter()
        .filter_map(|event| match &event.class {
            Class::FetchReset { leader, .. }
            | Class::UncleanElection { leader, .. }
            | Class::LeaderElected { leader, .. } => Some(*leader),
            Class::Truncated { leader, .. } => *leader,
            _ => None,
        })
        .collect();
    let names: Vec<String> = ids
        .iter()
        .map(|id| hosts.get(id).map_or(format!("broker {id}"), |host| (*host).to_owned()))
        .collect();
    names.join(", ")
}

/// Offsets cut, the largest cut of each partition counted once: one cut writes several lines.
fn offsets_cut(events: &[&Event]) -> u64 {
    let mut cuts: BTreeMap<(&TopicPartition, u64), u64> = BTreeMap::new();
    for event in events {
        let (of, from, to) = match &event.class {
            Class::FetchReset { of, from: Some(from), to, .. } => (of, *from, *to),
            Class::HighWatermarkBack { of, from, to } => (of, *from, *to),
            _ => continue,
        };
        let cut = cuts.entry((of, to)).or_default();
        *cut = (*cut).max(from.saturating_sub(to));
    }
    cuts.values().fold(0, |sum, cut| sum.saturating_add(*cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::event::CleanerStats;
    use crate::report::fixture::incident;

    #[test]
    fn twelve_cuts_are_one_run_with_its_sum() {
        let case = incident();
        let runs = runs(&case.comparison);
        let lengths: Vec<usize> = runs.iter().map(|run| run.events.len()).collect();
        assert_eq!(lengths, [1, 1, 1, 1, 12, 1]);
        assert_eq!(
            runs[4].what,
            "cut back to the end of 10.200.8.183: 6,572,461 offsets of 12 partitions of completeProduct (1, 5, 7, \
             11, 13, 17, 19, 23, 25, 29, 31, 35)"
        );
        assert!(runs[4].grave);
    }

    #[test]
    fn a_cleaner_that_dies_between_is_not_hidden_by_a_fold() {
        let case = incident();
        let died = &case.comparison.events[0];
        let mut events = Vec::new();
        for hour in 0..6 {
            let mut event = died.clone();
            event.at = event.at.map(|at| at + SignedDuration::from_hours(hour));
            if hour != 3 {
                let of = TopicPartition { topic: "a".into(), partition: 0 };
                event.class = Class::CleanerWorked { of, stats: CleanerStats::default() };
            }
            events.push(event);
        }
        let comparison = Comparison { clusters: Vec::new(), events };
        let what: Vec<String> = runs(&comparison).into_iter().map(|run| run.what).collect();
        assert_eq!(what, ["log cleaner at work: a-0", "log cleaner died", "log cleaner at work: a-0"]);
    }
}
