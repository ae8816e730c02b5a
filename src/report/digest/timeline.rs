//! The events that matter, repeats of one kind on one host folded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use crate::compare::Comparison;
use crate::kafka::event::Uncertain;
use crate::kafka::event::{Class, Event, TopicPartition, Weight};
use crate::report::Report;
use crate::report::fold::fold;
use crate::report::measure::{count, counted, moment, numbers};
use crate::round;

/// Events of one kind on one host that belong together.
pub struct Run<'a> {
    pub events: Vec<&'a Event<'a>>,
    pub grave: bool,
    /// What happened, in words; holds remote text.
    pub what: String,
}

impl<'a> Run<'a> {
    /// `~` where the first time may be wrong.
    pub fn doubt(&self) -> &'static str {
        if self.first().is_some_and(|first| first.uncertain.is_some()) { "~" } else { "" }
    }

    /// The earliest.
    pub fn first(&self) -> Option<&'a Event<'a>> {
        self.events.first().copied()
    }

    /// The latest.
    pub fn last(&self) -> Option<&'a Event<'a>> {
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

/// What a timeline is limited to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Events of topics that the glob matches, and those that are about no topic.
    pub topic: Option<String>,
    /// Events of this weight and above.
    pub severity: Option<Weight>,
}

impl Filter {
    /// What it admits; `None` when that is everything.
    fn words(&self) -> Option<String> {
        let topic = self.topic.as_ref().map(|glob| format!("topics like {glob} and what is about no topic"));
        let weight = self.severity.filter(|least| *least > Weight::Routine);
        let weight = weight.map(|least| match least {
            Weight::Critical => "what is critical".to_owned(),
            other => format!("what weighs {} or more", other.word()),
        });
        let words: Vec<String> = topic.into_iter().chain(weight).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn admits(&self, class: &Class) -> bool {
        let topic = match (&self.topic, class.topic()) {
            (Some(glob), Some(topic)) => round::glob_matches(glob, topic),
            _ => true,
        };
        topic && self.severity.is_none_or(|least| class.severity() >= least)
    }
}

/// The runs that a report shows, by their first event.
pub fn runs<'a>(report: &Report<'a>) -> Vec<Run<'a>> {
    filtered(report.comparison, &report.timeline)
}

/// What stands under a timeline's head: what it is limited to, and why times in it are uncertain.
pub fn notes(report: &Report<'_>, runs: &[Run<'_>]) -> Vec<String> {
    let limit = report.timeline.words().map(|words| {
        let none = if runs.is_empty() { "Nothing is left of it. " } else { "" };
        format!("{none}Limited to {words}; every event is in the JSON report.")
    });
    limit.into_iter().chain(doubts(runs)).collect()
}

/// Why times of a timeline may be wrong, in one line.
fn doubts(runs: &[Run<'_>]) -> Option<String> {
    let mut clocks: BTreeSet<&str> = BTreeSet::new();
    let (mut furthest, mut twice, mut skipped) = (0u64, false, false);
    for event in runs.iter().filter_map(Run::first) {
        match event.uncertain {
            Some(Uncertain::Clock { ahead_s }) => {
                clocks.insert(event.host);
                furthest = furthest.max(ahead_s.unsigned_abs());
            }
            Some(Uncertain::Twice { .. }) => twice = true,
            Some(Uncertain::Skipped { .. }) => skipped = true,
            None => {}
        }
    }
    let mut why = Vec::new();
    if !clocks.is_empty() {
        let hosts = fold(clocks);
        why.push(format!(
            "on the visit the clock of {hosts} was up to {} s off, and lines of more than 6 h before are not corrected",
            count(furthest)
        ));
    }
    if twice {
        why.push("the clock showed an hour twice, the earlier is taken".to_owned());
    }
    if skipped {
        why.push("the zone's clocks skip that hour".to_owned());
    }
    (!why.is_empty()).then(|| format!("~ stands before times that may be wrong: {}.", why.join("; ")))
}

/// The runs of the events that a filter admits, by their first event.
pub fn filtered<'a>(comparison: &'a Comparison<'a>, filter: &Filter) -> Vec<Run<'a>> {
    let mut runs: Vec<Vec<&Event<'_>>> = Vec::new();
    // By host the run of its latest event; by host and kind the latest run of that kind.
    let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of_kind: BTreeMap<(&str, Option<&'static str>), usize> = BTreeMap::new();
    for event in comparison.events.iter().filter(|event| tells(event) && filter.admits(&event.class)) {
        let host = event.host;
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
fn tells(event: &Event<'_>) -> bool {
    let routine = matches!(event.class, Class::CleanerWorked { .. });
    kind(&event.class).is_some() && !(routine && event.at.is_none())
}

/// What is folded with what; `None` for what no timeline needs.
fn kind(class: &Class) -> Option<&'static str> {
    match class {
        Class::FetchReset { to_start: Some(true), .. } => Some("fetch_reset_to_start"),
        Class::CleanerWorked { .. } => Some(class.word()),
        Class::LeaderElected { from_offline, .. } => from_offline.then_some(class.word()),
        // A part of its broker's stop, or of its death.
        Class::CleanerStopped { .. } => None,
        other => (other.severity() > Weight::Routine).then_some(other.word()),
    }
}

fn grave(class: &Class) -> bool {
    match class {
        Class::FetchReset { to_start, .. } => *to_start != Some(true),
        Class::Uncleanable { .. } => false,
        other => other.severity() == Weight::Critical,
    }
}

/// The words of a run.
fn what(events: &[&Event<'_>], hosts: &BTreeMap<i64, &str>) -> String {
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
        other => other_words(other, events.len(), &partitions),
    }
}

/// Words for classes that say everything by themselves.
fn other_words(class: &Class, events: usize, partitions: &str) -> String {
    let about = |words: &str| match partitions {
        "" => words.to_owned(),
        partitions => format!("{words}: {partitions}"),
    };
    match class {
        Class::FetcherDied { leader, .. } => format!("replica fetcher from broker {leader} died"),
        Class::PartitionFailed { .. } => about("no longer fetched"),
        Class::FetchOversized { .. } => about("a record is too large to be fetched"),
        Class::RequestRefused { api, .. } => format!("refused a request that it does not know: {api}"),
        Class::OffsetMismatch { .. } | Class::InvalidMessages { .. } | Class::RecordCorrupt { .. } => {
            about("damaged records")
        }
        Class::TruncationRefused { topic, .. } => format!("stopped itself rather than cut {topic}"),
        Class::EpochUnknown { .. } => about("leader did not know the leader epoch"),
        Class::FetchConnection { leader: Some(leader), .. } => format!("cannot reach broker {leader}"),
        Class::FetchConnection { .. } => "cannot reach its leader".to_owned(),
        Class::CleanerIo { dir, .. } => about(&format!("log cleaner met an I/O error in {dir}")),
        Class::DirtyReset { .. } => about("first dirty offset moved to the log's start"),
        Class::DirtyBeyondEnd { .. } => about("log ends before what was cleaned"),
        Class::IsrShrunk { .. } => about("ISR shrunk"),
        Class::IsrUpdated { .. } => about("ISR below its minimum"),
        Class::IsrStale { .. } => about("ISR in ZooKeeper is another one"),
        Class::UnderMinIsr { .. } => about("writes refused, too few in sync"),
        Class::ElectionFailed { .. } | Class::NoReplicaAlive { .. } => about("no leader could be elected"),
        Class::LeaderNotMoved { .. } => about("its leader could not be moved to another replica"),
        Class::Fenced { broker, .. } => format!("broker {broker} fenced: its session timed out"),
        Class::Unfenced { broker } => format!("broker {broker} let in again"),
        Class::TopicDeleted { topic } => format!("topic {topic} is being deleted"),
        Class::BrokersLeft { brokers } => format!("{} left the cluster", numbered(brokers)),
        Class::BrokersCame { brokers } => format!("{} came into the cluster", numbered(brokers)),
        Class::PartitionsMoved { count: many, .. } => {
            format!("controller changed {}", counted(*many as usize, "partition", "partitions"))
        }
        Class::DirsOffline { broker, .. } => format!("log dirs of broker {broker} went offline"),
        Class::ControllerElected { .. } => "became the controller".to_owned(),
        Class::ControllerResigned { .. } => "ceased to be the controller".to_owned(),
        Class::LogDirFailed { dir, operation, .. } => about(&format!("{dir} failed while {operation}")),
        Class::CheckpointFailed { path, .. } => format!("checkpoint not written: {path}"),
        Class::ServingStopped { dir } => format!("stopped serving {dir}"),
        Class::AllLogDirsFailed { dirs } => format!("broker stopped: no log dir is left of {dirs}"),
        Class::DiskFull => "disk full".to_owned(),
        Class::FilesExhausted => "too many open files".to_owned(),
        Class::OutOfMemory { what: Some(what) } => format!("out of memory: {what}"),
        Class::LockTaken { dir } => format!("another process holds {dir}"),
        Class::UncleanStart { dir, .. } => format!("recovers {dir}: the stop before was not clean"),
        Class::CorruptionCut { .. } => about("damaged tail cut at the start"),
        Class::SegmentDiscarded { .. } => about("damaged segment thrown away at the start"),
        Class::ReplicaEmptied { .. } => about("replica emptied itself"),
        Class::IndexCorrupt { .. } => about("indexes rebuilt"),
        Class::FatalError { phase } => format!("fatal error during {phase}"),
        Class::Signal { signal } => format!("told to end by {signal}"),
        Class::ShutdownBegan { .. } => "stop began".to_owned(),
        Class::ShutdownDone { .. } => "stopped cleanly".to_owned(),
        Class::Config { entity, settings } if events == 1 => {
            let list: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("settings of {entity}: {}", list.join(", "))
        }
        Class::Config { .. } => "settings changed".to_owned(),
        Class::SessionExpired => "ZooKeeper session expired".to_owned(),
        other => about(&other.word().replace('_', " ")),
    }
}

/// `brokers 2 and 3`.
fn numbered(brokers: &[i64]) -> String {
    let ids: Vec<String> = brokers.iter().map(i64::to_string).collect();
    format!("{} {}", if ids.len() == 1 { "broker" } else { "brokers" }, crate::words::list(&ids))
}

/// `12 partitions of completeProduct (1, 5, 7)`, or topics counted when there are many.
fn partitions(events: &[&Event<'_>]) -> String {
    let mut topics: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for of in events.iter().filter_map(|event| event.class.partition()) {
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

fn leaders(events: &[&Event<'_>], hosts: &BTreeMap<i64, &str>) -> String {
    let ids: BTreeSet<i64> = events.iter().filter_map(|event| event.class.leader()).collect();
    let names: Vec<String> = ids
        .iter()
        .map(|id| hosts.get(id).map_or(format!("broker {id}"), |host| (*host).to_owned()))
        .collect();
    names.join(", ")
}

/// Offsets cut, the largest cut of each partition counted once: one cut writes several lines.
fn offsets_cut(events: &[&Event<'_>]) -> u64 {
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
        let runs = filtered(&case.comparison, &Filter::default());
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
    fn a_filter_takes_topics_and_weights() {
        let case = incident();
        let filter = Filter { topic: Some("other*".into()), severity: None };
        assert!(filtered(&case.comparison, &filter).iter().all(|run| !run.what.contains("completeProduct")));
        let filter = Filter { topic: Some("complete*".into()), severity: Some(Weight::Critical) };
        let runs = filtered(&case.comparison, &filter);
        assert!(runs.iter().any(|run| run.events.len() == 12));
        assert!(runs.iter().all(|run| !run.what.contains("started")), "a start weighs less");
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
        let what: Vec<String> =
            filtered(&comparison, &Filter::default()).into_iter().map(|run| run.what).collect();
        assert_eq!(what, ["log cleaner at work: a-0", "log cleaner died", "log cleaner at work: a-0"]);
    }
}
