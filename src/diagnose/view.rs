//! What every rule looks at: the round and its comparison, with each host's log in the host's own order.

use std::collections::HashMap;
use std::ops::Range;

use crate::compare::{Broker, Cluster, Comparison, Partition, Replica, Topic};
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Severity, Source, Subject};
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::kafka::record::local_millis;
use crate::round::{ExpectTopic, Round, SizeRatio, Thresholds, Visit};
use crate::words;

/// Lines of evidence that a finding shows.
const SHOWN: usize = 12;

/// Milliseconds within which a broker tries again what failed: a fetch after a second, an ISR after
/// `replica.lag.time.max.ms` / 2, 15 s at most by default.
const AGAIN_MS: i64 = 120_000;

/// An event and its time on its own node's clock.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub event: &'a Event<'a>,
    /// Milliseconds; a line without a header has that of the record before it.
    pub millis: Option<i64>,
}

impl Moment<'_> {
    /// Whether this certainly happened after `other`, on the same host.
    pub fn after(&self, other: &Moment<'_>) -> bool {
        match (self.millis, other.millis) {
            (Some(this), Some(that)) if this != that => this > that,
            _ => self.event.file == other.event.file && self.event.line > other.event.line,
        }
    }
}

pub struct View<'a> {
    pub round: &'a Round,
    pub comparison: &'a Comparison<'a>,
    logs: HashMap<&'a str, Vec<Moment<'a>>>,
    /// Starts of brokers that were completed, by host, in the order of their own clock: when each began, as far as
    /// the log tells.
    starts: HashMap<&'a str, Vec<Moment<'a>>>,
    /// Leaders that controllers chose, oldest first.
    pub elections: Vec<&'a Event<'a>>,
    /// Some broker's process was seen, so that none seen elsewhere means that none runs there.
    processes_seen: bool,
    /// Deletions of topics that controllers began.
    deletions: HashMap<&'a str, Vec<&'a Event<'a>>>,
}

/// How a broker that does not run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Clean,
    Unclean,
    /// Its log dirs were not seen.
    Unseen,
}

impl<'a> View<'a> {
    pub fn of(round: &'a Round, comparison: &'a Comparison<'a>) -> Self {
        let mut logs: HashMap<&str, Vec<Moment<'_>>> = HashMap::new();
        for event in &comparison.events {
            let millis = local_millis(event.at_raw);
            logs.entry(event.host).or_default().push(Moment { event, millis });
        }
        for log in logs.values_mut() {
            log.sort_by(|one, other| {
                (&one.event.file, one.event.line).cmp(&(&other.event.file, other.event.line))
            });
            let mut before: Option<Moment<'_>> = None;
            for moment in log.iter_mut() {
                let same = before.filter(|before| before.event.file == moment.event.file);
                moment.millis = moment.millis.or(same.and_then(|before| before.millis));
                before = Some(*moment);
            }
            log.sort_by_key(|moment| moment.millis);
        }
        let elected = |event: &&Event<'_>| {
            matches!(event.class, Class::UncleanElection { .. } | Class::LeaderElected { .. })
        };
        let elections = comparison.events.iter().filter(elected).collect();
        let starts = logs.iter().map(|(host, log)| (*host, starts(log))).collect();
        let mut deletions: HashMap<&str, Vec<&Event<'_>>> = HashMap::new();
        for event in &comparison.events {
            if let Class::TopicDeleted { topic } = &event.class {
                deletions.entry(topic).or_default().push(event);
            }
        }
        let process = |visit: &Visit| visit.facts.as_ref().is_some_and(|facts| facts.process == Some(true));
        let processes_seen = round.visits.iter().any(process);
        View { round, comparison, logs, starts, elections, processes_seen, deletions }
    }

    /// A host's log in the order of its own clock.
    pub fn log(&self, host: &str) -> &[Moment<'a>] {
        self.logs.get(host).map_or(&[], Vec::as_slice)
    }

    /// When a cluster's controllers last began to delete a topic, in seconds since 1970.
    pub fn deleted(&self, cluster: &Cluster, topic: &str) -> Option<i64> {
        let ours = |event: &&&Event<'_>| cluster.brokers.iter().any(|broker| broker.host == event.host);
        let all = self.deletions.get(topic)?.iter().filter(ours);
        all.filter_map(|event| event.at).max().map(|at| at.as_second())
    }

    pub fn visit(&self, broker: &Broker) -> Option<&'a Visit> {
        self.round.visits.get(broker.visit)
    }

    /// The version that a host ran when something happened: the last that its log names before.
    pub fn version_at(&self, moment: &Moment<'_>) -> Option<&'a str> {
        self.log(moment.event.host).iter().rev().filter(|other| !other.after(moment)).find_map(|other| {
            match &other.event.class {
                Class::Version { version } => Some(version.as_str()),
                _ => None,
            }
        })
    }

    /// The plays that a cluster's hosts have a part in.
    pub fn plays(&self, cluster: &Cluster) -> Vec<usize> {
        let visits = cluster.brokers.iter().filter_map(|broker| self.visit(broker));
        let mut plays: Vec<usize> = visits.flat_map(|visit| visit.plays.iter().copied()).collect();
        plays.sort_unstable();
        plays.dedup();
        plays
    }

    /// The thresholds of the first play that a cluster's hosts have a part in.
    pub fn limits(&self, cluster: &Cluster) -> Thresholds {
        let play = self.plays(cluster).first().and_then(|play| self.round.plays.get(*play));
        play.map_or_else(Thresholds::default, |play| play.expect.thresholds)
    }

    /// The same for one host.
    pub fn limits_of(&self, visit: &Visit) -> Thresholds {
        let play = visit.plays.iter().min().and_then(|play| self.round.plays.get(*play));
        play.map_or_else(Thresholds::default, |play| play.expect.thresholds)
    }

    /// What the plays say of a topic: the first that has a glob for it.
    pub fn expectation(&self, plays: &[usize], topic: &str) -> ExpectTopic {
        let said = plays.iter().map(|play| self.round.expectation(*play, topic));
        said.into_iter().find(|said| *said != ExpectTopic::default()).unwrap_or_default()
    }

    /// When replicas of a topic are too far apart.
    pub fn size_ratio(&self, plays: &[usize], topic: &str) -> SizeRatio {
        self.expectation(plays, topic).size_ratio.unwrap_or_else(|| {
            let play = plays.first().and_then(|play| self.round.plays.get(*play));
            play.map_or_else(SizeRatio::default, |play| play.expect.size_ratio)
        })
    }

    /// The time of a host's file on our clock, seconds since 1970.
    pub fn corrected(&self, broker: &Broker, mtime: i64) -> i64 {
        let clock = self.visit(broker).and_then(|visit| visit.facts.as_ref()?.clock.as_ref());
        // A cast saturates: a clock that far off says nothing anyway.
        mtime.saturating_sub(clock.map_or(0, |clock| clock.offset_s as i64))
    }

    /// Seconds from a time of a host's file to the end of the round.
    pub fn age(&self, broker: &Broker, mtime: i64) -> i64 {
        self.round.finished.as_second().saturating_sub(self.corrected(broker, mtime))
    }

    /// Whether the host's broker certainly started after something happened there.
    pub fn started_after(&self, moment: &Moment<'_>) -> bool {
        let starts = self.starts.get(moment.event.host);
        starts.is_some_and(|starts| starts.iter().any(|start| start.after(moment)))
    }

    /// Whether what a broker tries again and again was still tried when its log ended.
    pub fn tries_still(&self, last: &Moment<'_>) -> bool {
        let end = self.log(last.event.host).last().and_then(|moment| moment.millis);
        let recent = end.zip(last.millis).is_none_or(|(end, last)| end - last <= AGAIN_MS);
        recent && !self.started_after(last)
    }

    /// Whether the host's broker certainly started between two things that happened there.
    pub fn started_between(&self, before: &Moment<'_>, after: &Moment<'_>) -> bool {
        let starts = self.starts.get(before.event.host);
        starts.is_some_and(|starts| starts.iter().any(|start| start.after(before) && after.after(start)))
    }

    /// Whether a host's broker is known not to run: the process was looked for, or its log dir says that it
    /// was stopped cleanly and not started since. Where nobody asked for brokers, a host without any process of Kafka
    /// counts, if another host shows that they can be seen.
    pub fn stopped(&self, broker: &Broker) -> Option<Stop> {
        let visit = self.visit(broker)?;
        let dirs = visit.facts.as_ref().map_or(&[][..], |facts| &facts.log_dirs);
        let clean = dirs.iter().any(|dir| dir.clean_shutdown);
        let none =
            self.processes_seen && visit.facts.as_ref().is_some_and(|facts| facts.process == Some(false));
        match visit.broker.as_ref().and_then(|broker| broker.running) {
            Some(true) => None,
            Some(false) if clean => Some(Stop::Clean),
            // Only a log dir that was looked at can lack the marker.
            Some(false) if dirs.iter().any(|dir| dir.broker_id.is_some()) => Some(Stop::Unclean),
            Some(false) => Some(Stop::Unseen),
            None if clean => Some(Stop::Clean),
            None if none && dirs.iter().any(|dir| dir.broker_id.is_some()) => Some(Stop::Unclean),
            None => None,
        }
    }

    /// The same for the broker that holds a replica.
    pub fn down(&self, cluster: &Cluster, replica: &Replica) -> Option<Stop> {
        self.stopped(cluster.brokers.get(replica.broker)?)
    }

    /// Whether a host's broker is known not to run.
    pub fn is_down(&self, cluster: &Cluster, host: &str) -> bool {
        broker(cluster, host).is_some_and(|broker| self.stopped(broker).is_some())
    }

    /// The version that a broker runs, as far as it is known: what its last start line says, else its jars.
    pub fn version(&self, broker: &'a Broker) -> Option<&'a str> {
        let jars = self.visit(broker).and_then(|visit| visit.broker.as_ref()?.version.as_deref());
        broker.version.as_deref().or(jars)
    }

    /// The name of the host that a broker id belongs to, within a cluster; a host that was left out is
    /// known by the inventory alone.
    pub fn host_of(&self, cluster: &'a Cluster, id: i64) -> Option<&'a str> {
        if id < 0 {
            return None;
        }
        if let Some(broker) = cluster.brokers.iter().find(|broker| broker.id == Some(id)) {
            return Some(&broker.host);
        }
        // The node's own id is right: only hosts whose id is not known can be the one.
        let unknown = |visit: &&Visit| !cluster_of_id(self.comparison, visit);
        let visits = || self.round.visits.iter().filter(unknown);
        visits()
            .find(|visit| visit.broker_id == Some(id))
            .or_else(|| visits().find(|visit| crate::compare::address_ids(visit).contains(&id)))
            .map(|visit| visit.host.as_str())
    }
}

/// When the starts in a log began that were completed.
fn starts<'a>(log: &[Moment<'a>]) -> Vec<Moment<'a>> {
    let mut starts = Vec::new();
    let mut begun: Option<Moment<'_>> = None;
    for moment in log {
        match moment.event.class {
            Class::Starting => begun = Some(*moment),
            Class::Started { .. } => starts.push(begun.take().unwrap_or(*moment)),
            _ => {}
        }
    }
    starts
}

/// Whether a host's broker id is known already.
fn cluster_of_id(comparison: &Comparison<'_>, visit: &Visit) -> bool {
    let mut brokers = comparison.clusters.iter().flat_map(|cluster| &cluster.brokers);
    brokers.any(|broker| broker.host == visit.host && broker.id.is_some())
}

/// A topic of a cluster by its name.
pub fn topic<'c>(cluster: &'c Cluster, name: &str) -> Option<&'c Topic> {
    let at = cluster.topics.binary_search_by(|topic| topic.name.as_str().cmp(name)).ok()?;
    cluster.topics.get(at)
}

/// A broker of a cluster by its host.
pub fn broker<'c>(cluster: &'c Cluster, host: &str) -> Option<&'c Broker> {
    cluster.brokers.iter().find(|broker| broker.host == host)
}

/// A partition of a cluster by its name.
pub fn partition<'c>(cluster: &'c Cluster, of: &TopicPartition) -> Option<&'c Partition> {
    let topic = topic(cluster, &of.topic)?;
    let at = topic.partitions.binary_search_by_key(&of.partition, |partition| partition.partition).ok()?;
    topic.partitions.get(at)
}

/// The first run of `limit` times, in milliseconds and in their order, that lies within an hour.
pub fn within_an_hour(times: &[Option<i64>], limit: u32) -> Option<Range<usize>> {
    const HOUR_MS: i64 = 3_600_000;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).max(1);
    let hour = |window: &[Option<i64>]| {
        let (first, last) = (window.first().copied().flatten(), window.last().copied().flatten());
        first.zip(last).is_some_and(|(first, last)| last - first <= HOUR_MS)
    };
    let from = times.windows(limit).position(hour)?;
    Some(from..from + limit)
}

/// A finding with nothing in it yet.
pub fn finding(code: Code, severity: Severity, subject: Subject, title: impl Into<String>) -> Finding {
    Finding {
        id: String::new(),
        code,
        severity,
        title: title.into(),
        subject,
        basis: Basis::Observed,
        first_seen: None,
        last_seen: None,
        items: Vec::new(),
        lost_total: None,
        evidence: Vec::new(),
        meaning: String::new(),
        next_steps: Vec::new(),
        bug: None,
        change: None,
        acknowledged: None,
    }
}

pub fn of_cluster(cluster: &Cluster) -> Subject {
    Subject { cluster: Some(cluster.name.clone()), ..Subject::default() }
}

pub fn of_topic(cluster: &Cluster, topic: &str) -> Subject {
    Subject { topic: Some(topic.to_owned()), ..of_cluster(cluster) }
}

pub fn of_broker(cluster: &Cluster, host: &str) -> Subject {
    Subject { broker: Some(host.to_owned()), ..of_cluster(cluster) }
}

/// A log line as evidence.
pub fn line(event: &Event<'_>) -> EvidenceLine {
    EvidenceLine {
        host: event.host.to_owned(),
        source: if event.file.contains("journal") { Source::Journal } else { Source::File },
        file: Some(event.file.to_owned()),
        line: Some(event.line),
        text: event.text.to_owned(),
        text_lossy: event.lossy,
        truncated: event.truncated,
    }
}

/// A log line and the exceptions under it.
pub fn lines_of(event: &Event<'_>) -> Vec<EvidenceLine> {
    let causes = event.causes.iter().take(3).map(|cause| EvidenceLine {
        // Where in the record the exception stood is not kept.
        line: None,
        text: cause.clone(),
        ..line(event)
    });
    std::iter::once(line(event)).chain(causes).collect()
}

/// Something seen on a disk.
pub fn on_disk(host: &str, file: Option<String>, text: String) -> EvidenceLine {
    EvidenceLine {
        host: host.to_owned(),
        source: Source::File,
        file,
        line: None,
        text,
        text_lossy: false,
        truncated: false,
    }
}

/// Something that we saw ourselves.
pub fn session(host: &str, text: String) -> EvidenceLine {
    EvidenceLine { source: Source::Session, ..on_disk(host, None, text) }
}

impl Finding {
    /// Keeps the first lines of evidence and says how many there are.
    pub(super) fn show(mut self, evidence: Vec<EvidenceLine>) -> Self {
        let all = evidence.len();
        self.evidence = evidence;
        if all > SHOWN {
            self.evidence.truncate(SHOWN);
            let more = words::counted(all - SHOWN, "more line", "more lines");
            self.meaning = format!("{} The evidence has {more} like those shown.", self.meaning);
        }
        self
    }

    /// Takes first and last time from events.
    pub(super) fn seen<'e>(mut self, events: impl Iterator<Item = &'e Event<'e>> + Clone) -> Self {
        self.first_seen = events.clone().filter_map(|event| event.at).min();
        self.last_seen = events.filter_map(|event| event.at).max();
        self
    }
}
