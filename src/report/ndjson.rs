//! For log shippers: one JSON object a line, events and findings, in the field names of the Elastic
//! Common Schema (8.x: <https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html>).
//!
//! `event.id` is the same whenever the same line or the same round's finding is sent again, so that a
//! store can drop the copy. What ECS has no field for stands under `roundsman`; what is not known is left out,
//! since a null is no value to a store.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Report;
use super::digest::since::{left, left_words};
use super::json::invisible_as_escapes;
use crate::diagnose::finding::{Change, Finding, Severity};
use crate::hash::hash;
use crate::history::diff::FindingChange;
use crate::kafka::event::{Event, Level};

/// The version of ECS that the names are from.
const ECS: &str = "8.17.0";

/// Every finding, then every event, one a line.
pub fn ndjson(report: &Report) -> String {
    let mut lines = String::new();
    let mut push = |mut value: Value| {
        drop_nulls(&mut value);
        lines.push_str(&invisible_as_escapes(&value.to_string()));
        lines.push('\n');
    };
    push(round(report));
    for one in report.findings {
        push(finding(report, one));
    }
    for one in report.since.into_iter().flat_map(left) {
        push(gone(report, one));
    }
    let mut turns: HashMap<(&str, &str, Option<u64>), u64> = HashMap::new();
    for one in &report.comparison.events {
        // A record has its time in its text, to the millisecond: that tells it from others wherever rotation has
        // put it since. A line without one is told from its like by its place in the file, which goes with the
        // file when it is renamed. What is still alike is told apart by its turn.
        let place = one.at_raw.is_empty().then_some(one.line);
        let turn = turns.entry((one.host, one.text, place)).or_default();
        push(event(report, one, place, *turn));
        *turn += 1;
    }
    lines
}

/// Takes what is null, and objects of nothing else, out of an object.
fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(drop_nulls);
        fields.retain(|_, field| !field.is_null() && field.as_object().is_none_or(|inner| !inner.is_empty()));
    }
}

fn round(report: &Report) -> Value {
    let round = report.round;
    json!({
        "@timestamp": round.finished,
        "ecs": { "version": ECS },
        "event": {
            "id": id(&["round", &round.id]),
            "kind": "state",
            "dataset": "roundsman.round",
            "module": "roundsman",
            "start": round.started,
            "end": round.finished,
            "duration": round.finished.duration_since(round.started).as_nanos() as i64,
            "outcome": if report.verdict.exit_code == 0 { "success" } else { "failure" },
        },
        "message": format!("{}: {}", report.verdict.status.word(), super::digest::counts(report.findings)),
        "observer": observer(report),
        "roundsman": {
            "round": { "id": round.id, "playbook": round.playbook, "version": round.version },
            "status": report.verdict.status.word(),
            "exit_code": report.verdict.exit_code,
            "since": report.since.map(|since| since.diff.from.as_str()),
        },
    })
}

fn finding(report: &Report, finding: &Finding) -> Value {
    let subject = &finding.subject;
    json!({
        "@timestamp": report.round.finished,
        "ecs": { "version": ECS },
        "event": {
            "id": id(&["finding", &report.round.id, &finding.id]),
            "kind": "alert",
            "dataset": "roundsman.finding",
            "module": "roundsman",
            "action": finding.code.word(),
            "severity": severity(finding.severity),
            "start": finding.first_seen,
            "end": finding.last_seen,
            "reason": finding.meaning,
        },
        "message": finding.title,
        "rule": { "id": finding.code.word(), "name": finding.code.word().replace('-', " ") },
        "observer": observer(report),
        "log": { "level": finding.severity.word() },
        "host": subject.broker.as_ref().map(|broker| json!({ "name": broker })),
        "roundsman": {
            "round": { "id": report.round.id },
            "finding": {
                "id": finding.id,
                "cluster": subject.cluster,
                "topic": subject.topic,
                "partition": subject.partition,
                "pair": subject.pair,
                "lost_total": finding.lost_total,
                "next_steps": finding.next_steps,
                "bug": finding.bug,
                "change": finding.change,
                "acknowledged": finding.acknowledged,
            },
        },
    })
}

/// What an earlier round found and this one did not.
fn gone(report: &Report, one: &FindingChange) -> Value {
    json!({
        "@timestamp": report.round.finished,
        "ecs": { "version": ECS },
        "event": {
            "id": id(&["gone", &report.round.id, &one.id]),
            // An alert is over; one that was not seen may not be.
            "kind": if one.change == Change::Gone { "event" } else { "state" },
            "dataset": "roundsman.finding",
            "module": "roundsman",
            "action": one.code.word(),
            "severity": 0,
        },
        "message": left_words(one),
        "rule": { "id": one.code.word(), "name": one.code.word().replace('-', " ") },
        "observer": observer(report),
        "roundsman": {
            "round": { "id": report.round.id },
            "finding": { "id": one.id, "change": one.change },
        },
    })
}

/// Nothing in it is the round's, so that a line that is read again gives the same line again.
fn event(report: &Report, event: &Event<'_>, place: Option<u64>, turn: u64) -> Value {
    let level = match event.level {
        Level::Unknown => None,
        level => Some(format!("{level:?}").to_ascii_lowercase()),
    };
    let place = place.map(|line| line.to_string()).unwrap_or_default();
    let of = event.class.partition();
    json!({
        // ECS wants a time of every event: without one it is that of the reading.
        "@timestamp": event.at.unwrap_or(report.round.finished),
        "ecs": { "version": ECS },
        "event": {
            "id": id(&["event", event.host, event.text, &place, &turn.to_string()]),
            "kind": "event",
            "dataset": "roundsman.event",
            "module": "roundsman",
            "provider": "kafka",
            "action": event.class.word(),
            "original": event.text,
        },
        "message": event.text,
        "host": { "name": event.host },
        "log": { "level": level, "file": { "path": event.file } },
        "error": (!event.causes.is_empty()).then(|| json!({ "message": event.causes.join("\n") })),
        "roundsman": {
            "line": event.line,
            "topic": event.class.topic(),
            "partition": of.map(|of| of.partition),
            "time_known": event.at.is_some(),
            "at_raw": event.at_raw,
            "uncertain": event.uncertain.map(|why| why.to_string()),
            "lossy": event.lossy,
            "truncated": event.truncated,
        },
    })
}

fn observer(report: &Report) -> Value {
    json!({ "product": "roundsman", "version": report.round.version })
}

fn id(parts: &[&str]) -> String {
    hash(parts.iter().map(|part| Some(*part)))
}

/// ECS wants a number that grows with the severity.
fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 4,
        Severity::Unknown => 3,
        Severity::Warning => 2,
        Severity::Notice => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::report::fixture::{Case, hostile, incident};

    #[test]
    fn every_line_is_an_object_with_an_id_of_its_own() {
        for case in [incident(), hostile()] {
            let text = ndjson(&case.report());
            let ids: Vec<String> = text
                .lines()
                .map(|line| {
                    let value: Value = serde_json::from_str(line).expect("JSON on one line");
                    assert!(value["event"]["kind"].is_string() && value["message"].is_string());
                    value["event"]["id"].as_str().expect("an id").to_owned()
                })
                .collect();
            assert_eq!(ids.len(), 1 + case.findings.len() + case.comparison.events.len());
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
            assert_eq!(text, ndjson(&case.report()));
            assert!(!text.contains('\x1b'));
        }
    }

    fn ids(case: &Case, dataset: &str) -> Vec<String> {
        let lines = ndjson(&case.report());
        let values = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let of_set = values.filter(|value| value["event"]["dataset"] == dataset);
        of_set.map(|value| value["event"]["id"].as_str().expect("an id").to_owned()).collect()
    }

    #[test]
    fn the_same_round_gives_the_same_ids_and_another_round_the_same_for_the_same_lines() {
        let (one, mut other) = (incident(), incident());
        assert_eq!(ndjson(&one.report()), ndjson(&other.report()));
        other.round.id = "another".into();
        other.round.finished += jiff::SignedDuration::from_hours(1);
        let events = |case: &Case| -> Vec<String> {
            let lines = ndjson(&case.report());
            lines.lines().filter(|line| line.contains("roundsman.event")).map(str::to_owned).collect()
        };
        assert_eq!(events(&one), events(&other), "to the byte");
        let findings = [&one, &other].map(|case| ids(case, "roundsman.finding"));
        assert!(findings[0].iter().all(|id| !findings[1].contains(id)));
    }

    #[test]
    fn what_is_gone_is_sent_too() {
        let mut case = incident();
        let first = case.findings[0].clone();
        let mut diff = crate::history::diff::Diff::default();
        diff.findings.push(FindingChange {
            change: Change::Gone,
            id: "0011".into(),
            code: first.code,
            severity: first.severity,
            title: "it was".into(),
        });
        let before = ids(&case, "roundsman.finding").len();
        case.since = Some(crate::history::Since { started: case.round.started, baseline: false, diff });
        assert_eq!(ids(&case, "roundsman.finding").len(), before + 1);
        let lines = ndjson(&case.report());
        let line = lines.lines().find(|line| line.contains("0011")).expect("a line");
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["roundsman"]["finding"]["change"], "gone");
        assert_eq!(value["message"], "gone: it was");
    }

    #[test]
    fn rounds_that_overlap_agree_where_they_do_and_nowhere_else() {
        let whole = incident();
        let all = ids(&whole, "roundsman.event");
        for cut in 0..whole.comparison.events.len() {
            let mut later = incident();
            // What the later round reads was rotated meanwhile, and its trace is cut at another place.
            later.comparison.events.drain(..cut);
            for event in &mut later.comparison.events {
                event.file = format!("{}.2017-04-03-14", event.file).leak();
                if !event.at_raw.is_empty() {
                    event.line += 7;
                    event.causes.clear();
                }
            }
            assert_eq!(ids(&later, "roundsman.event"), all[cut..], "{cut}");
        }
    }

    #[test]
    fn lines_without_a_time_are_told_apart_by_their_place() {
        let mut case = incident();
        let event = case.comparison.events[0].clone();
        let untimed = |line| Event { line, at: None, at_raw: "", text: "Killed", ..event.clone() };
        case.comparison.events = vec![untimed(7), untimed(90)];
        let both = ids(&case, "roundsman.event");
        case.comparison.events.remove(0);
        assert_eq!(ids(&case, "roundsman.event"), both[1..]);
        assert_ne!(both[0], both[1]);
        // ECS wants a time all the same.
        let lines = ndjson(&case.report());
        let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["@timestamp"], "2017-04-05T07:12:11Z");
        assert_eq!(last["roundsman"]["time_known"], false);
    }

    #[test]
    fn field_names_are_ecs_and_nothing_is_null() {
        let known = [
            "@timestamp",
            "ecs.version",
            "event.id",
            "event.kind",
            "event.dataset",
            "event.module",
            "event.provider",
            "event.action",
            "event.original",
            "event.severity",
            "event.start",
            "event.end",
            "event.duration",
            "event.outcome",
            "event.reason",
            "message",
            "rule.id",
            "rule.name",
            "log.level",
            "log.file.path",
            "host.name",
            "error.message",
            "observer.product",
            "observer.version",
        ];
        fn names(prefix: &str, value: &Value, found: &mut Vec<String>) {
            assert!(!value.is_null(), "{prefix}");
            match value {
                Value::Object(fields) if prefix != "roundsman" => fields.iter().for_each(|(name, value)| {
                    let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    names(&name, value, found);
                }),
                _ => found.push(prefix.to_owned()),
            }
        }
        for line in ndjson(&incident().report()).lines() {
            let mut found = Vec::new();
            names("", &serde_json::from_str(line).expect("JSON"), &mut found);
            for name in found.iter().filter(|name| *name != "roundsman") {
                assert!(known.contains(&name.as_str()), "{name} is no field of ECS");
            }
            for name in ["@timestamp", "ecs.version", "event.id", "event.kind", "message"] {
                assert!(found.iter().any(|one| one == name), "{name}: {line}");
            }
        }
    }
}
