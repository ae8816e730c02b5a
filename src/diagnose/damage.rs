//! Logs that were found damaged, and replicas that hold different histories.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Cluster, Detail, Kind, Partition, Topic};
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Item, Severity};
use crate::diagnose::holders::replica_item;
use crate::diagnose::view::{self, Moment, View, finding, lines_of, of_broker, of_topic, on_disk};
use crate::kafka::event::{Class, Level, TopicPartition};
use crate::kafka::replica_dir::METADATA;
use crate::words;

/// Goes through a cluster.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    corrupt(view, cluster, findings);
    for topic in cluster.topics.iter().filter(|topic| !topic.ignored && !topic.details.is_empty()) {
        if topic.name != METADATA {
            findings.extend(diverged(cluster, topic));
        }
        findings.extend(other_topic(cluster, topic));
    }
    anew(view, cluster, findings);
}

/// What a line says of damage: the partition where it names one, what, and how bad by itself.
fn damage(class: &Class) -> Option<(Option<&TopicPartition>, String, Severity)> {
    use Severity::{Critical, Notice};
    Some(match class {
        Class::CorruptionCut { of, base, to } => {
            (of.as_ref(), format!("segment {base} is damaged; the log was cut at {to}"), Critical)
        }
        Class::SegmentDiscarded { of, to } => {
            (of.as_ref(), format!("a damaged segment was thrown away; the log ends at {to}"), Critical)
        }
        Class::ReplicaEmptied { of, end, start } => (
            of.as_ref(),
            format!("the replica emptied itself: it ended at {end}, before its start {start}"),
            Critical,
        ),
        Class::RecordCorrupt { of } => (of.as_ref(), "a record fails its checksum".to_owned(), Critical),
        Class::InvalidMessages { of, offset } => {
            (Some(of), format!("damaged records were fetched at {offset}"), Critical)
        }
        Class::CheckpointMalformed => (None, "a checkpoint file is damaged".to_owned(), Critical),
        Class::CleanerFoundInvalid { count } => {
            (None, format!("the cleaner dropped {count} damaged records"), Severity::Warning)
        }
        Class::IndexCorrupt { of, .. } => {
            (of.as_ref(), "an index was rebuilt from its log".to_owned(), Notice)
        }
        _ => return None,
    })
}

/// `record-corrupt`: a log was found damaged.
///
/// A tail torn by a kill is cut at the next start, and is fetched anew from the leader: a warning there.
fn corrupt(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    type Told<'a> = (Moment<'a>, Option<&'a TopicPartition>, String, Severity);
    for broker in &cluster.brokers {
        let host = &broker.host;
        let mut unclean = false;
        let mut topics: BTreeMap<Option<&str>, Vec<Told<'_>>> = BTreeMap::new();
        for moment in view.log(host) {
            match &moment.event.class {
                Class::UncleanStart { .. } | Class::Recovering { .. } => unclean = true,
                Class::Started { .. } => unclean = false,
                class => {
                    let Some((of, what, severity)) = damage(class) else { continue };
                    // From 4.0 on the recovery shows the record that it found torn, too.
                    let torn = unclean
                        && matches!(
                            class,
                            Class::CorruptionCut { .. } | Class::RecordCorrupt { of: Some(_) }
                        );
                    let severity = if torn { Severity::Warning } else { severity };
                    if !of.and_then(|of| view::topic(cluster, &of.topic)).is_some_and(|topic| topic.ignored) {
                        let topic = of.map(|of| of.topic.as_str());
                        topics.entry(topic).or_default().push((*moment, of, what, severity));
                    }
                }
            }
        }
        for (topic, told) in topics {
            let Some(worst) = told.iter().map(|(.., severity)| *severity).min() else { continue };
            // Rebuilt indexes stand in the timeline; beside real damage they say nothing more.
            let told: Vec<Told<'_>> = told.into_iter().filter(|(.., severity)| *severity == worst).collect();
            let partitions: BTreeSet<u32> =
                told.iter().filter_map(|(_, of, ..)| of.map(|of| of.partition)).collect();
            let Some((_, _, first, _)) = told.first() else { continue };
            let place = match topic {
                Some(topic) if partitions.len() == 1 => {
                    format!("{topic}-{} on {host}", words::numbers(partitions.iter().copied()))
                }
                Some(topic) => {
                    format!(
                        "{} of {topic} on {host}",
                        words::counted(partitions.len(), "partition", "partitions")
                    )
                }
                None => host.clone(),
            };
            let mut subject = of_broker(cluster, host);
            subject.topic = topic.map(str::to_owned);
            let title = if worst == Severity::Notice {
                format!("Indexes of {place} were rebuilt")
            } else {
                format!("Damage in {place}: {first}")
            };
            let mut found = finding(Code::RecordCorrupt, worst, subject, title);
            if worst == Severity::Notice {
                found.meaning = "Indexes were rebuilt from their logs after a stop that was not clean. That takes time and loses nothing.".to_owned();
                found.next_steps =
                    vec!["Nothing; if it comes back after a clean stop, look at the disk.".to_owned()];
            }
            found.items = told
                .iter()
                .map(|(_, of, what, _)| {
                    Item::host(host, of.map(|of| format!("{}-{}", of.topic, of.partition)), what.clone())
                })
                .collect();
            let lines = told.iter().flat_map(|(moment, ..)| lines_of(moment.event)).collect();
            findings.push(found.seen(told.iter().map(|(moment, ..)| moment.event)).show(lines));
        }
    }
}

/// The epoch of a replica at an offset; `None` before its first entry.
fn epoch_at(epochs: &[(u32, u64)], offset: u64) -> Option<u32> {
    let after = epochs.partition_point(|(_, start)| *start <= offset);
    epochs.get(after.checked_sub(1)?).map(|(epoch, _)| *epoch)
}

/// An offset at which the replicas cannot have the same record, with what each says of it.
///
/// An entry (epoch, start) says that a record of that epoch stands at `start`. Epochs only grow along a log, so
/// a later epoch at the same offset of a peer is another record. An earlier one is too, unless the peer is
/// compacted: there a replica that was fetched anew knows only of epochs that still have records.
fn conflict(
    one: &[(u32, u64)],
    other: &[(u32, u64)],
    below: u64,
    compacted: bool,
) -> Option<(u64, u32, u32)> {
    one.iter().filter(|(_, start)| *start < below).find_map(|(epoch, start)| {
        let there = epoch_at(other, *start)?;
        (there > *epoch || (there < *epoch && !compacted)).then_some((*start, *epoch, there))
    })
}

/// `epochs-diverged`: two replicas had different leaders at the same offsets.
///
/// It holds because a leader stamps its epoch on every batch, and a follower keeps what it fetched
/// (org.apache.kafka.storage.internals.epoch.LeaderEpochFileCache, KIP-101): below the high watermark all
/// replicas must have the same.
fn diverged(cluster: &Cluster, topic: &Topic) -> Option<Finding> {
    let mut odd: Vec<(&Partition, String, Vec<EvidenceLine>)> = Vec::new();
    for partition in &topic.partitions {
        let details: Vec<&Detail> =
            topic.details(partition.partition).iter().filter(|detail| detail.kind == Kind::Current).collect();
        let high = |detail: &Detail| {
            partition.current().find(|replica| replica.broker == detail.broker)?.high_watermark
        };
        let mut pairs = details
            .iter()
            .flat_map(|one| details.iter().map(move |other| (*one, *other)))
            .filter(|(one, other)| one.broker != other.broker);
        let found = pairs.find_map(|(one, other)| {
            let below = high(one)?.min(high(other)?);
            let (mine, theirs) = (one.epochs.as_deref()?, other.epochs.as_deref()?);
            let (offset, epoch, there) = conflict(mine, theirs, below, topic.compacted)?;
            let name = |broker: usize| cluster.brokers.get(broker).map_or("?", |broker| broker.host.as_str());
            let (a, b) = (name(one.broker), name(other.broker));
            let why = format!("offset {offset} is of leader epoch {epoch} on {a} and of {there} on {b}");
            let lines = [(a, mine), (b, theirs)].map(|(host, epochs)| {
                let entries: Vec<String> = epochs
                    .iter()
                    .rev()
                    .take(8)
                    .rev()
                    .map(|(epoch, start)| format!("{epoch}:{start}"))
                    .collect();
                let file = format!("{}-{}/leader-epoch-checkpoint", topic.name, partition.partition);
                on_disk(host, Some(file), format!("epoch:start {}", entries.join(" ")))
            });
            Some((why, lines.to_vec()))
        });
        if let Some((why, lines)) = found {
            odd.push((partition, why, lines));
        }
    }
    let (_, first, _) = odd.first()?;
    let mut found = finding(
        Code::EpochsDiverged,
        Severity::Critical,
        of_topic(cluster, &topic.name),
        format!(
            "Replicas of {} of {} have different histories: {first}",
            words::counted(odd.len(), "partition", "partitions"),
            topic.name
        ),
    );
    found.basis = Basis::Inferred;
    found.items = odd
        .iter()
        .map(|(partition, why, _)| {
            Item::Replicas(replica_item(cluster, partition, Vec::new(), None, Some(why.clone())))
        })
        .collect();
    let lines = odd.into_iter().flat_map(|(.., lines)| lines).collect();
    Some(found.show(lines))
}

/// `topic-id-mismatch`: two replicas are of different topics of one name.
///
/// It holds because a topic gets a new id when it is made (KIP-516), and the id is written beside the log.
fn other_topic(cluster: &Cluster, topic: &Topic) -> Option<Finding> {
    let mut ids: BTreeMap<&str, Vec<&Detail>> = BTreeMap::new();
    for detail in topic.details.iter().filter(|detail| detail.kind == Kind::Current) {
        if let Some(id) = &detail.topic_id {
            ids.entry(id).or_default().push(detail);
        }
    }
    if ids.len() < 2 {
        return None;
    }
    let host =
        |detail: &Detail| cluster.brokers.get(detail.broker).map_or("?", |broker| broker.host.as_str());
    let told: Vec<String> = ids
        .iter()
        .map(|(id, details)| {
            format!("{id} on {}", words::list(&words::once(details.iter().map(|detail| host(detail)))))
        })
        .collect();
    let mut found = finding(
        Code::TopicIdMismatch,
        Severity::Critical,
        of_topic(cluster, &topic.name),
        format!("{} is {} different topics: {}", topic.name, ids.len(), told.join(", ")),
    );
    let rows = || ids.iter().flat_map(|(id, details)| details.iter().map(move |detail| (*id, *detail)));
    let path = |detail: &Detail| format!("{}-{}", topic.name, detail.partition);
    found.items = rows()
        .map(|(id, detail)| {
            let reason = format!("topic_id {id}");
            Item::host(host(detail), Some(path(detail)), reason)
        })
        .collect();
    let lines = rows()
        .map(|(id, detail)| {
            let file = format!("{}/partition.metadata", path(detail));
            on_disk(host(detail), Some(file), format!("topic_id: {id}"))
        })
        .collect();
    Some(found.show(lines))
}

/// Milliseconds: a follower whose topic id lasts this long as another than its leader's will not come right by
/// itself.
const LASTING_MS: i64 = 60_000;

/// Whether a mismatch that a broker told of lasted.
///
/// A follower's WARN comes whenever it has heard of a topic's new id before its leader, or after: both apply the
/// change within seconds. A follower whose log is the old topic's asks again after each `replica.fetch.backoff.ms`
/// (1 s, kafka.server.AbstractFetcherThread) and is refused as long as that log is there. The ERROR of
/// kafka.server.ReplicaManager refuses the replica itself, and no later request mends it.
fn lasted(told: &[&Moment<'_>]) -> bool {
    let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    let mut refused = false;
    for moment in told {
        refused |= moment.event.level >= Level::Error && moment.event.level != Level::Unknown;
        if let (Some(of), Some(at)) = (moment.event.class.partition(), moment.millis) {
            let span = spans.entry(of.partition).or_insert((at, at));
            *span = (span.0.min(at), span.1.max(at));
        }
    }
    refused || spans.values().any(|(first, last)| last.saturating_sub(*first) >= LASTING_MS)
}

/// Whether a broker's replica has the id that another broker's has, as their disks say.
fn ids_agree(cluster: &Cluster, at: usize, topic: &str) -> bool {
    let Some(topic) = view::topic(cluster, topic) else { return false };
    let mut ids = topic.details.iter().filter(|detail| detail.kind == Kind::Current);
    let own = ids.clone().find(|detail| detail.broker == at).and_then(|detail| detail.topic_id.as_deref());
    own.is_some() && ids.any(|detail| detail.broker != at && detail.topic_id.as_deref() == own)
}

/// `topic-id-mismatch` as a broker says it, where the small files were not read: what passed is a notice.
fn anew(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let known: BTreeSet<String> = findings
        .iter()
        .filter(|finding| finding.code == Code::TopicIdMismatch)
        .filter_map(|finding| finding.subject.topic.clone())
        .collect();
    for (at, broker) in cluster.brokers.iter().enumerate() {
        let told = view.log(&broker.host).iter().filter(|moment| !view.started_after(moment));
        let mut topics: BTreeMap<&str, Vec<&Moment<'_>>> = BTreeMap::new();
        for moment in told {
            if let Class::TopicIdMismatch { of: Some(of) } = &moment.event.class
                && !known.contains(&of.topic)
                && !ids_agree(cluster, at, &of.topic)
            {
                topics.entry(&of.topic).or_default().push(moment);
            }
        }
        for (topic, told) in topics {
            let mut subject = of_broker(cluster, &broker.host);
            subject.topic = Some(topic.to_owned());
            let lasted = lasted(&told);
            let (severity, title) = if lasted {
                (Severity::Critical, format!("{} holds another topic under the name {topic}", broker.host))
            } else {
                let title =
                    format!("{} and a leader knew {topic} by different ids for a moment", broker.host);
                (Severity::Notice, title)
            };
            let mut found = finding(Code::TopicIdMismatch, severity, subject, title);
            if !lasted {
                found.meaning = "The topic was deleted and made anew, or its leader moved: follower and leader heard of it one after the other. A follower that kept the old topic's log would have been refused on and on.".to_owned();
                found.next_steps = vec![format!("Nothing, if the replicas of {topic} follow.")];
            }
            let partitions: BTreeSet<u32> =
                told.iter().filter_map(|moment| Some(moment.event.class.partition()?.partition)).collect();
            found.items = partitions
                .iter()
                .map(|partition| {
                    Item::host(
                        &broker.host,
                        Some(format!("{topic}-{partition}")),
                        "the id on the disk is not the metadata's".to_owned(),
                    )
                })
                .collect();
            let lines = told.iter().flat_map(|moment| lines_of(moment.event)).collect();
            findings.push(found.seen(told.iter().map(|moment| moment.event)).show(lines));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_that_cannot_be_one() {
        let one = [(0, 0), (2, 100), (5, 400)];
        // The same, an epoch without records left out, and a log whose start retention has moved.
        for same in [&one[..], &[(2, 150), (5, 400)], &[(5, 420)]] {
            assert_eq!(conflict(same, &one, 500, false), None, "{same:?}");
        }
        assert_eq!(conflict(&one, &[(0, 0), (3, 100), (5, 400)], 500, false), Some((100, 2, 3)));
        assert_eq!(conflict(&one, &[(0, 0), (2, 100), (5, 300)], 500, false), None);
        assert_eq!(conflict(&[(0, 0), (2, 100), (5, 300)], &one, 500, false), Some((300, 5, 2)));
        // Not below the high watermark: the end is not settled yet.
        assert_eq!(conflict(&[(0, 0), (2, 100), (5, 300)], &one, 300, false), None);
        // A compacted replica that was fetched anew knows less.
        assert_eq!(conflict(&one, &[(0, 0), (5, 450)], 500, true), None);
        assert_eq!(conflict(&one, &[(0, 0), (3, 90), (5, 450)], 500, true), Some((100, 2, 3)));
        assert_eq!(epoch_at(&one, 99), Some(0));
        assert_eq!(epoch_at(&[(5, 420)], 10), None);
    }
}
