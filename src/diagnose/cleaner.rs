//! The log cleaner: dead threads, partitions set aside.
//!
//! Up to 2.0 any exception ends the cleaner thread, silently; since 2.1 (KIP-346) most set one
//! partition aside until the broker restarts. Both states end only when the log shows that they did.

use std::collections::BTreeMap;

use crate::compare::{Broker, Cluster};
use crate::diagnose::finding::{Bug, Code, Finding, Item, Severity, Subject};
use crate::diagnose::view::{Moment, View, finding, lines_of, of_broker};
use crate::kafka::bugs::{self, Match};
use crate::kafka::catalogue::{cleaner_thread, partition_in_path};
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::words;

/// What is known of a broker's cleaner.
pub enum Cleaner<'a> {
    /// Nothing tells.
    Unknown,
    /// It worked, and nothing says that it stopped.
    Alive,
    Dead(Vec<Death<'a>>),
}

impl Cleaner<'_> {
    pub fn is_dead(&self) -> bool {
        matches!(self, Cleaner::Dead(_))
    }

    pub fn is_alive(&self) -> bool {
        matches!(self, Cleaner::Alive)
    }
}

/// A cleaner thread that died and was not seen again.
#[derive(Clone)]
pub struct Death<'a> {
    moment: Moment<'a>,
    /// The partition that it had taken up, or that the exception names.
    on: Option<TopicPartition>,
}

/// The state of a broker's cleaner at the end of its log.
pub fn state<'a>(view: &View<'a>, host: &str) -> Cleaner<'a> {
    let mut dead: BTreeMap<u32, Death<'a>> = BTreeMap::new();
    let mut begun: BTreeMap<Option<u32>, &TopicPartition> = BTreeMap::new();
    let mut alive = false;
    for moment in view.log(host) {
        let thread = || cleaner_thread(moment.event.text).or_else(|| thread_in_causes(moment.event));
        match &moment.event.class {
            Class::CleanerDied { thread } => {
                let named = moment.event.causes.iter().find_map(|cause| partition_in_path(cause));
                let on = named.or_else(|| begun.get(&Some(*thread)).map(|of| (*of).clone()));
                dead.insert(*thread, Death { moment: *moment, on });
            }
            // A start of one thread, or its work: proof of life.
            Class::CleanerStarted { thread } => revive(&mut dead, Some(*thread), moment),
            Class::CleanerBegan { of } => {
                begun.insert(thread(), of);
                revive(&mut dead, thread(), moment);
                alive = true;
            }
            Class::CleanerWorked { .. } => {
                revive(&mut dead, thread(), moment);
                alive = true;
            }
            _ => {}
        }
    }
    // With its broker it comes back, and may die before that says that it has started.
    dead.retain(|_, death| !view.started_after(&death.moment));
    match (dead.is_empty(), alive) {
        (false, _) => Cleaner::Dead(dead.into_values().collect()),
        (true, true) => Cleaner::Alive,
        (true, false) => Cleaner::Unknown,
    }
}

/// Work of one thread says nothing of another's.
fn revive(dead: &mut BTreeMap<u32, Death<'_>>, thread: Option<u32>, moment: &Moment<'_>) {
    dead.retain(|number, death| {
        thread.is_some_and(|thread| thread != *number) || !moment.after(&death.moment)
    });
}

/// Days since a broker's cleaner died, or cleaned last where the time of its death is not known; at least an
/// hour, so that a rate says something.
pub fn days_since(view: &View<'_>, cluster: &Cluster, broker: &Broker, deaths: &[Death<'_>]) -> Option<f64> {
    let own = |replica: &&crate::compare::Replica| {
        cluster.brokers.get(replica.broker).is_some_and(|holder| std::ptr::eq(holder, broker))
    };
    let replicas = cluster.topics.iter().flat_map(|topic| &topic.partitions);
    let written = replicas.flat_map(|partition| &partition.replicas).filter(own);
    let newest = written.filter_map(|replica| replica.newest_mtime).max();
    let idle = newest.map_or(0, |mtime| view.age(broker, mtime).max(0));
    let died = deaths.iter().filter_map(|death| death.moment.event.at).min();
    let age = died.map(|at| view.age(broker, at.as_second())).or_else(|| last_cleaning(view, broker))?;
    // Of a round made from old evidence the last write is what counts, not the day of the report.
    Some(age.saturating_sub(idle).max(3600) as f64 / 86_400.0)
}

/// Seconds since a broker's cleaner last wrote a checkpoint.
pub fn last_cleaning(view: &View<'_>, broker: &Broker) -> Option<i64> {
    let facts = view.visit(broker)?.facts.as_ref()?;
    let written = facts.log_dirs.iter().filter_map(|dir| dir.first_dirty_written).max()?;
    Some(view.age(broker, written).max(0))
}

/// What has grown on a broker since its cleaner died: by topic the replicas and their uncleaned bytes.
fn growth<'c>(cluster: &'c Cluster, broker: &Broker) -> Vec<(&'c str, usize, u64)> {
    let at = cluster.brokers.iter().position(|other| std::ptr::eq(other, broker));
    let mut grown: Vec<(&str, usize, u64)> = Vec::new();
    for topic in cluster.topics.iter().filter(|topic| topic.compacted && !topic.ignored) {
        let own = topic
            .partitions
            .iter()
            .flat_map(|partition| partition.current())
            .filter(|replica| Some(replica.broker) == at);
        let uncleaned = own.filter_map(|replica| replica.cleanable_bytes().filter(|bytes| *bytes > 0));
        let (number, bytes) = uncleaned.fold((0, 0u64), |(n, sum), bytes| (n + 1, sum.saturating_add(bytes)));
        if number > 0 {
            grown.push((&topic.name, number, bytes));
        }
    }
    grown.sort_by(|one, other| other.2.cmp(&one.2).then_with(|| one.0.cmp(other.0)));
    grown
}

fn thread_in_causes(event: &Event<'_>) -> Option<u32> {
    event.causes.iter().find_map(|cause| cleaner_thread(cause))
}

/// `cleaner-dead`: a cleaner thread died and nothing shows that it came back.
///
/// It holds because the thread has no supervisor: it is started with the broker, or when a
/// `log.cleaner.*` setting changes (1.1 and later), and never again (kafka.log.LogCleaner).
pub fn dead(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    for broker in &cluster.brokers {
        if let Cleaner::Dead(deaths) = state(view, &broker.host) {
            findings.extend(cleaner_dead(view, cluster, broker, &deaths));
        }
    }
}

fn cleaner_dead(
    view: &View<'_>,
    cluster: &Cluster,
    broker: &Broker,
    deaths: &[Death<'_>],
) -> Option<Finding> {
    let first = deaths.first()?;
    let host = &broker.host;
    let event = first.moment.event;
    let causes = deaths.iter().flat_map(|Death { moment, .. }| {
        moment.event.causes.iter().map(String::as_str).chain([moment.event.text])
    });
    let version = view.version_at(&first.moment);
    let bug = bugs::find(causes, version);
    let since = if event.at_raw.is_empty() { String::new() } else { format!(" since {}", event.at_raw) };
    let on = first.on.as_ref().map(|of| format!(", on {}-{}", of.topic, of.partition)).unwrap_or_default();
    let named = match bug {
        Some(Match::Named(bug)) => format!(": {}, fixed in {}", bug.id, bug.fixed_in),
        Some(Match::VersionUnseen(bug)) => format!(": the signature of {}, version not seen", bug.id),
        _ => String::new(),
    };
    let mut meaning = format!(
        "Nothing has been compacted on {host} since: its replicas of compacted topics only grow, and topics \
         that are compacted and deleted keep what they should drop. Two brokers with a dead cleaner look \
         alike; their equal sizes prove nothing."
    );
    let mut next_steps = Vec::new();
    match bug {
        Some(Match::Named(bug)) => {
            let others =
                bug.other_causes().map(|others| format!(" It may also be {others}.")).unwrap_or_default();
            meaning = format!("{meaning} {}: {}.{others}", bug.id, bug.what);
            next_steps.push(format!(
                "Upgrade to {} or later, one broker at a time; a restart alone brings the cleaner back only until it meets the same data.",
                bug.fixed_in
            ));
            next_steps.extend(bug.relief().map(str::to_owned));
        }
        Some(Match::VersionUnseen(bug)) => {
            meaning = format!(
                "{meaning} The exception has the signature of {} (fixed in {}), but the version that ran was not seen, so the bug is not named.",
                bug.id, bug.fixed_in
            );
            next_steps.push(format!(
                "Find the version: `ls /opt/kafka/libs/kafka_*.jar` on {host}, or `grep 'Kafka version' kafkaServer.out`."
            ));
        }
        Some(Match::OtherVersion(bug)) => {
            let version = version.unwrap_or("this version");
            meaning = format!(
                "{meaning} The exception has the signature of {}, but {version} should not have that bug.",
                bug.id
            );
        }
        None => {}
    }
    if !deaths.iter().any(|death| !death.moment.event.causes.is_empty()) {
        next_steps.push(format!(
            "Read the exception under the line: `grep -A 20 'Error due to' {}` on {host}.",
            event.file
        ));
    }
    next_steps.push(format!(
        "Before {host} is restarted, see that no replica elsewhere is short (replica-short, replica-truncated): a restart hands its partitions to the others."
    ));
    next_steps.push(format!(
        "Look at the free space on {host}: cleaning the backlog takes up to one segment more before it gives space back."
    ));
    let mut found = finding(
        Code::CleanerDead,
        Severity::Critical,
        of_broker(cluster, host),
        format!("The log cleaner of {host} is dead{since}{on}{named}"),
    );
    found.meaning = meaning;
    found.next_steps = next_steps;
    found.items = deaths
        .iter()
        .map(|death| {
            Item::host(
                host,
                death.on.as_ref().map(|of| format!("{}-{}", of.topic, of.partition)),
                death.moment.event.reason().to_owned(),
            )
        })
        .collect();
    let grown = growth(cluster, broker);
    if !grown.is_empty() {
        let bytes = grown.iter().fold(0u64, |sum, (.., bytes)| sum.saturating_add(*bytes));
        let days = days_since(view, cluster, broker, deaths);
        // Saturates; bytes and days have no sign.
        let rate =
            |bytes: u64| days.map(|days| format!(", {} a day", words::bytes((bytes as f64 / days) as u64)));
        found.meaning.push_str(&format!(
            " {} wait to be cleaned there{}. A restart cleans them within minutes to hours: its replicas shrink, which is no loss, and need up to one segment more space meanwhile.",
            words::bytes(bytes),
            rate(bytes).unwrap_or_default()
        ));
        found.items.extend(grown.iter().map(|(topic, number, bytes)| {
            let number = words::counted(*number, "replica", "replicas");
            let reason =
                format!("{number}, {} uncleaned{}", words::bytes(*bytes), rate(*bytes).unwrap_or_default());
            Item::host(host, Some((*topic).to_owned()), reason)
        }));
    }
    if let Some(Match::Named(bug)) = bug {
        found.bug = Some(Bug { id: bug.id.to_owned(), fixed_in: bug.fixed_in.to_owned(), url: bug.url() });
    }
    let lines = deaths.iter().flat_map(|death| lines_of(death.moment.event)).collect();
    Some(found.seen(deaths.iter().map(|death| death.moment.event)).show(lines))
}

/// `partition-uncleanable`: the cleaner set a partition aside.
///
/// The mark is kept in memory: it ends with the next start of the broker (kafka.log.LogCleanerManager,
/// 2.1 and later), or the partition was cleaned since.
pub fn uncleanable(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    for broker in &cluster.brokers {
        let mut marked: BTreeMap<&TopicPartition, &Moment<'_>> = BTreeMap::new();
        for moment in view.log(&broker.host) {
            match &moment.event.class {
                Class::Uncleanable { of } => {
                    marked.insert(of, moment);
                }
                Class::CleanerWorked { of, .. } if marked.get(of).is_some_and(|mark| moment.after(mark)) => {
                    marked.remove(of);
                }
                _ => {}
            }
        }
        marked.retain(|_, mark| !view.started_after(mark));
        let mut topics: BTreeMap<&str, Vec<(u32, &Event<'_>)>> = BTreeMap::new();
        for (of, mark) in marked {
            topics.entry(&of.topic).or_default().push((of.partition, mark.event));
        }
        for (topic, marks) in topics {
            findings.push(partition_uncleanable(cluster, &broker.host, topic, &marks));
        }
    }
}

fn partition_uncleanable(cluster: &Cluster, host: &str, topic: &str, marks: &[(u32, &Event<'_>)]) -> Finding {
    let partitions = words::numbers(marks.iter().map(|(partition, _)| *partition));
    let plural = if marks.len() == 1 { "partition" } else { "partitions" };
    let mut found = finding(
        Code::PartitionUncleanable,
        Severity::Critical,
        Subject { topic: Some(topic.to_owned()), ..of_broker(cluster, host) },
        format!("The log cleaner of {host} has set {plural} {partitions} of {topic} aside as uncleanable"),
    );
    found.meaning =
        "The cleaner met a record there that it cannot read. It goes on with other partitions, but \
                     these are not compacted on this broker until it restarts, and their replicas grow."
            .to_owned();
    found.next_steps = vec![
        format!(
            "Find the bad segment: `kafka-dump-log.sh --files …/{topic}-N/*.log --deep-iteration` on {host}."
        ),
        format!(
            "If another replica is whole and in sync, let {host} fetch the partition anew; a restart alone only makes the cleaner try again."
        ),
    ];
    found.items = marks
        .iter()
        .map(|(partition, event)| {
            Item::host(
                host,
                Some(format!("{topic}-{partition}")),
                event.causes.last().map_or(event.text, String::as_str).to_owned(),
            )
        })
        .collect();
    let lines = marks.iter().flat_map(|(_, event)| lines_of(event)).collect();
    found.seen(marks.iter().map(|(_, event)| *event)).show(lines)
}
