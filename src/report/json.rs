//! The report for programs: JSON report version 1, described by `docs/report.schema.json`.
//!
//! Numbers are bytes, offsets and seconds; times are RFC 3339; arrays are sorted; what was not seen is
//! null, never 0 and never absent. Remote text stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Counts, Report};
use crate::compare::{self, Broker, Cluster, Pair, Partition, Topic};
use crate::diagnose::finding::Finding;
use crate::history::Since;
use crate::kafka::event::{Class, Event, Level, TopicPartition};
use crate::report::digest::{self, answers};
use crate::round::{CoverageStatus, Ended, Evidence, Mount, Outcome, Stopped};
use crate::sanitize::is_unprintable;

/// The name of this shape; it changes when a reader of the old one could not read the new one.
pub const SCHEMA: &str = "roundsman.report/1";

/// The report as text, indented and ending in a line feed.
pub fn json(report: &Report) -> String {
    // The alternate form of a Value is the pretty one, and writing it to a String cannot fail.
    let mut text = invisible_as_escapes(&format!("{:#}", value(report)));
    text.push('\n');
    text
}

/// The report as a value.
pub fn value(report: &Report) -> Value {
    let round = report.round;
    let counts = Counts::of(report.findings);
    json!({
        "schema": SCHEMA,
        "run": {
            "id": round.id,
            "version": round.version,
            "started": round.started,
            "finished": round.finished,
            "playbook": round.playbook,
            "limit": round.limit,
            "stopped": round.stopped.map(|why| match why {
                Stopped::Interrupted => "interrupted",
                Stopped::Terminated => "terminated",
                Stopped::Deadline => "deadline",
            }),
            "since": round.since,
            "until": round.until,
        },
        "verdict": {
            "status": report.verdict.status.word(),
            "exit_code": report.verdict.exit_code,
            "counts": {
                "critical": counts.critical,
                "unknown": counts.unknown,
                "warning": counts.warning,
                "notice": counts.notice,
                "acknowledged": counts.acknowledged,
            },
        },
        "since": report.since.map(since),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "hosts": hosts(report),
        "comparison": {
            "clusters": report.comparison.clusters.iter().map(cluster).collect::<Vec<_>>(),
        },
        "events": report.comparison.events.iter().map(event).collect::<Vec<_>>(),
        "mounts": answers::mounts(report).iter().map(mount).collect::<Vec<_>>(),
        "commands": commands(report),
        "coverage": coverage(report),
    })
}

/// What an earlier round had and this one has not; how the findings of this one stand to it is said at each.
fn since(since: &Since) -> Value {
    let left = digest::since::left(since).map(|one| {
        json!({
            "change": one.change,
            "id": one.id,
            "code": one.code,
            "severity": one.severity,
            "title": one.title,
        })
    });
    json!({
        "round": since.diff.from,
        "started": since.started,
        "baseline": since.baseline,
        "left": left.collect::<Vec<_>>(),
        "brokers": since.diff.brokers,
        "replicas": since.diff.replicas.len(),
    })
}

fn mount((host, mount): &(&str, &Mount)) -> Value {
    json!({
        "host": host,
        "device": mount.device,
        "mount": mount.mount,
        "size_bytes": mount.size_bytes,
        "used_bytes": mount.used_bytes,
        "available_bytes": mount.available_bytes,
        "inodes": mount.inodes,
        "inodes_free": mount.inodes_free,
    })
}

/// What each host answered to each command, hosts in the round's order.
fn commands(report: &Report) -> Vec<Value> {
    let answers = report.round.visits.iter().flat_map(|visit| {
        visit.probes.iter().filter_map(move |answer| match &answer.evidence {
            Evidence::Command(output) => Some((visit, output)),
            _ => None,
        })
    });
    answers
        .map(|(visit, output)| {
            let rc = match output.ended {
                Some(Ended::Exit(status)) => Some(status),
                _ => None,
            };
            json!({
                "host": visit.host,
                "command": output.command,
                "rc": rc,
                "reason": answers::ended(output),
                "stdout": output.stdout,
                "stderr": output.stderr,
                "lossy": output.lossy,
                "overflow_bytes": output.overflow_bytes,
            })
        })
        .collect()
}

/// Control and invisible characters that JSON allows in a string, as `\u` escapes: the same string to a
/// parser, and harmless when the report is read on a terminal.
pub(super) fn invisible_as_escapes(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_unprintable(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

fn finding(finding: &Finding) -> Value {
    // Finding holds no map with keys other than strings and no number that JSON has not.
    let mut value = serde_json::to_value(finding).unwrap_or_default();
    if let Some(fields) = value.as_object_mut()
        && !fields.contains_key("lost_total")
    {
        let after_items = fields.keys().position(|key| key == "items").map_or(fields.len(), |at| at + 1);
        fields.shift_insert(after_items, "lost_total".to_owned(), Value::Null);
    }
    value
}

fn hosts(report: &Report) -> Value {
    let mut brokers: BTreeMap<usize, &Broker> = BTreeMap::new();
    for broker in report.comparison.clusters.iter().flat_map(|cluster| &cluster.brokers) {
        brokers.entry(broker.visit).or_insert(broker);
    }
    let mut rows: BTreeMap<&str, Value> = BTreeMap::new();
    for (index, visit) in report.round.visits.iter().enumerate() {
        let broker = brokers.get(&index);
        let (id, source) = match broker {
            Some(broker) => (broker.id, broker.id_source.map(|source| source.word())),
            None => (visit.broker_id, visit.broker_id.map(|_| "inventory")),
        };
        let clock = visit.facts.as_ref().and_then(|facts| facts.clock.as_ref());
        let row = json!({
            "name": visit.host,
            "address": visit.address,
            "broker_id": id,
            "broker_id_source": source,
            "outcome": visit.outcome.word(),
            "stage": visit.stage,
            "reason": visit.reason,
            "clock_offset_s": clock.map(|clock| decimals(clock.offset_s)),
            "clock_uncertainty_s": clock.map(|clock| decimals(clock.uncertainty_s)),
            "attempts": visit.attempts,
            "left_running": visit.left_running,
            "machine": visit.machine,
            "found": visit.broker,
        });
        rows.insert(&visit.host, row);
    }
    for host in report.round.plays.iter().flat_map(|play| &play.excluded) {
        rows.entry(host).or_insert_with(|| {
            json!({
                "name": host,
                "address": null,
                "broker_id": null,
                "broker_id_source": null,
                "outcome": Outcome::Excluded.word(),
                "stage": null,
                "reason": null,
                "clock_offset_s": null,
                "clock_uncertainty_s": null,
                "attempts": 0,
                "left_running": false,
                "machine": host,
                "found": null,
            })
        });
    }
    Value::Array(rows.into_values().collect())
}

fn cluster(cluster: &Cluster) -> Value {
    let mut topics: Vec<&Topic> = cluster.topics.iter().collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    let mut pairs: Vec<&Pair> = cluster.pairs.iter().collect();
    pairs.sort_by_key(|pair| (&pair.topic, pair.a, pair.b));
    let mut brokers: Vec<&Broker> = cluster.brokers.iter().collect();
    brokers.sort_by(|a, b| a.host.cmp(&b.host));
    json!({
        "name": cluster.name,
        "complete": cluster.complete,
        "topics": topics.into_iter().map(|one| topic(cluster, one)).collect::<Vec<_>>(),
        "pairs": pairs.into_iter().map(|pair| json!({
            "a": cluster.host(pair.a),
            "b": cluster.host(pair.b),
            "topic": pair.topic,
            "partitions": pair.partitions,
            "ratio_min": pair.ratio_min.map(decimals),
            "ratio_median": pair.ratio_median.map(decimals),
            "ratio_max": pair.ratio_max.map(decimals),
            "larger": pair.larger.and_then(|larger| cluster.host(larger)),
        })).collect::<Vec<_>>(),
        "brokers": brokers.into_iter().map(|broker| json!({
            "broker": broker.host,
            "id": broker.id,
            "id_source": broker.id_source.map(|source| source.word()),
            "version": broker.version,
            "seen": broker.seen,
            "replicas": broker.seen.then_some(broker.replicas),
            "log_bytes": (broker.seen && broker.lengths_known).then_some(broker.log_bytes),
            "allocated_bytes": (broker.seen && broker.blocks_known).then_some(broker.allocated_bytes),
        })).collect::<Vec<_>>(),
    })
}

fn topic(cluster: &Cluster, topic: &Topic) -> Value {
    let mut partitions: Vec<&Partition> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition);
    json!({
        "name": topic.name,
        "complete": topic.complete,
        "ignored": topic.ignored,
        "compacted": topic.compacted,
        "expected_replicas": topic.expected_replicas,
        "expected_by_playbook": topic.expected_by_playbook,
        "expected_by_kafka": topic.expected_by_kafka,
        "expected_partitions": topic.expected_partitions,
        "partitions": partitions.into_iter().map(|one| partition(cluster, topic, one)).collect::<Vec<_>>(),
    })
}

fn partition(cluster: &Cluster, topic: &Topic, partition: &Partition) -> Value {
    let mut replicas: Vec<_> = partition.replicas.iter().collect();
    replicas.sort_by_key(|replica| (cluster.host(replica.broker), replica.kind.word()));
    json!({
        "partition": partition.partition,
        "replicas": replicas.into_iter().map(|replica| {
            let ratio = if topic.compacted { replica.dirty_ratio_of_compacted() } else { replica.dirty_ratio() };
            let is = |detail: &&compare::Detail| (detail.broker, detail.kind) == (replica.broker, replica.kind);
            let detail = topic.details(partition.partition).iter().find(is);
            json!({
            "broker": cluster.host(replica.broker),
            "kind": replica.kind.word(),
            "log_bytes": replica.known_log_bytes(),
            "allocated_bytes": replica.known_allocated_bytes(),
            "segments": replica.known_segments(),
            "offsets_seen": replica.offsets_seen,
            "log_start": replica.log_start,
            "high_watermark": replica.high_watermark,
            "recovery_point": replica.recovery_point,
            "first_dirty": replica.first_dirty,
            "last_base": replica.last_base,
            "newest_mtime": replica.newest_mtime.and_then(|at| jiff::Timestamp::from_second(at).ok()),
            "cleaned_files": replica.cleaned_files,
            "brought": replica.brought,
            "rounded_by": replica.rounded_by,
            "deleted_files": replica.deleted_files,
            "dirty_ratio": ratio.map(decimals),
            "topic_id": detail.and_then(|detail| detail.topic_id.as_deref()),
            "leader_epochs": detail.and_then(|detail| detail.epochs.as_ref()).map(|epochs| epochs.iter()
                .map(|(epoch, start)| json!({"epoch": epoch, "start": start})).collect::<Vec<_>>()),
        })}).collect::<Vec<_>>(),
    })
}

/// What a class has to say beyond its word. Every event has every field, so that a reader needs no map
/// from class to fields.
#[derive(Default)]
struct Detail<'a> {
    word: &'static str,
    of: Option<&'a TopicPartition>,
    leader: Option<i64>,
    from: Option<u64>,
    to: Option<u64>,
    to_start: Option<bool>,
    thread: Option<u32>,
    broker_id: Option<i64>,
    version: Option<&'a str>,
    why: Option<&'static str>,
    isr: Option<Vec<i64>>,
    from_offline: Option<bool>,
}

fn detail(class: &Class) -> Detail<'_> {
    let none = Detail { word: class.word(), ..Detail::default() };
    match class {
        Class::FetchReset { of, leader, from, to, to_start } => Detail {
            of: Some(of),
            leader: Some(*leader),
            from: *from,
            to: Some(*to),
            to_start: *to_start,
            ..none
        },
        Class::HighWatermarkBack { of, from, to } => {
            Detail { of: Some(of), from: Some(*from), to: Some(*to), ..none }
        }
        Class::Truncated { of, to, leader } => {
            Detail { of: Some(of), to: Some(*to), leader: *leader, ..none }
        }
        Class::CleanerDied { thread } | Class::CleanerStarted { thread } => {
            Detail { thread: Some(*thread), ..none }
        }
        Class::Uncleanable { of } | Class::CleanerBegan { of } | Class::CleanerWorked { of, .. } => {
            Detail { of: Some(of), ..none }
        }
        Class::Started { broker } => Detail { broker_id: *broker, ..none },
        Class::Version { version } => Detail { version: Some(version), ..none },
        Class::UncleanElection { of, leader, .. } => {
            Detail { of: of.as_ref(), leader: Some(*leader), ..none }
        }
        Class::LeaderElected { of, leader, isr, from_offline, version: _ } => {
            let mut isr = isr.clone();
            isr.sort_unstable();
            Detail {
                of: Some(of),
                leader: Some(*leader),
                isr: Some(isr),
                from_offline: Some(*from_offline),
                ..none
            }
        }
        Class::Harmless { why } => Detail { why: Some(why), ..none },
        other => Detail { of: other.partition(), leader: other.leader(), ..none },
    }
}

/// All that a class says, under its own names: classes say more than the fields above hold.
fn more(class: &Class) -> Value {
    // Plain data: nothing in it can fail to be written.
    let Ok(Value::Object(mut fields)) = serde_json::to_value(class) else { return Value::Null };
    fields.shift_remove("class");
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}

fn event(event: &Event<'_>) -> Value {
    let detail = detail(&event.class);
    let level = match event.level {
        Level::Trace => Some("trace"),
        Level::Debug => Some("debug"),
        Level::Info => Some("info"),
        Level::Warn => Some("warn"),
        Level::Error => Some("error"),
        Level::Fatal => Some("fatal"),
        Level::Unknown => None,
    };
    json!({
        "at": event.at,
        "at_raw": event.at_raw,
        "uncertain": event.uncertain.map(|why| why.to_string()),
        "broker": event.host,
        "class": detail.word,
        "level": level,
        "file": event.file,
        "line": event.line,
        "topic": detail.of.map(|of| &of.topic),
        "partition": detail.of.map(|of| of.partition),
        "leader": detail.leader,
        "from": detail.from,
        "to": detail.to,
        "to_start": detail.to_start,
        "thread": detail.thread,
        "broker_id": detail.broker_id,
        "version": detail.version,
        "why": detail.why,
        "isr": detail.isr,
        "from_offline": detail.from_offline,
        "detail": more(&event.class),
        "text": event.text,
        "causes": event.causes,
        "text_lossy": event.lossy,
        "truncated": event.truncated,
    })
}

fn coverage(report: &Report) -> Value {
    // A set: two plays that ask the same of a host and get the same answer are one row.
    let mut rows = BTreeSet::new();
    for visit in &report.round.visits {
        for answer in &visit.probes {
            for row in &answer.coverage {
                let key = (&visit.host, &answer.probe, &row.path, row.status, &row.reason, &row.missing);
                rows.insert(key);
            }
        }
    }
    let row = |(host, probe, path, status, reason, missing): (&String, &String, &String, _, &_, &_)| {
        let mut fields = Map::new();
        fields.insert("host".into(), json!(host));
        fields.insert("probe".into(), json!(probe));
        fields.insert("path".into(), json!(path));
        fields.insert("status".into(), json!(coverage_word(status)));
        fields.insert("reason".into(), json!(reason as &Option<String>));
        fields.insert("missing".into(), json!(missing as &Option<String>));
        Value::Object(fields)
    };
    Value::Array(rows.into_iter().map(row).collect())
}

/// The word of a coverage's status.
pub(super) fn coverage_word(status: CoverageStatus) -> &'static str {
    match status {
        CoverageStatus::Complete => "complete",
        CoverageStatus::Partial => "partial",
        CoverageStatus::None => "none",
    }
}

/// A ratio or an offset in seconds to the sixth decimal: what is beyond is noise of the arithmetic.
fn decimals(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
