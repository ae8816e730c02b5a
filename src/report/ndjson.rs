//! For log shippers: one JSON object a line, events and findings, in the field names of the Elastic
//! Common Schema (8.x: <https://www.elastic.co/guide/en/ecs/current/ecs-field-reference.html>).
//!
//! `event.id` is the same whenever the same line or the same round's finding is sent again, so that a
//! store can drop the copy. What ECS has no field for stands under `roundsman`.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::json::invisible_as_escapes;
use super::{Report, code_word, severity_word};
use crate::diagnose::finding::{Finding, Severity};
use crate::diagnose::hash;
use crate::kafka::event::{Event, Level};

/// The version of ECS that the names are from.
const ECS: &str = "8.17";

/// Every finding, then every event, one a line.
pub fn ndjson(report: &Report) -> String {
    let mut lines = String::new();
    let mut push = |value: Value| {
        lines.push_str(&invisible_as_escapes(&value.to_string()));
        lines.push('\n');
    };
    push(round(report));
    for one in report.findings {
        push(finding(report, one));
    }
    // The same text of one host in the same millisecond is told apart by its turn.
    let mut turns: HashMap<(&str, &str), u64> = HashMap::new();
    for one in &report.comparison.events {
        let turn = turns.entry((&one.host, &one.text)).or_default();
        push(event(one, *turn));
        *turn += 1;
    }
    lines
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
        "roundsman": {
            "round": { "id": round.id, "playbook": round.playbook, "version": round.version },
            "status": report.verdict.status.word(),
            "exit_code": report.verdict.exit_code,
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
            "action": code_word(finding.code),
            "severity": severity(finding.severity),
            "start": finding.first_seen,
            "end": finding.last_seen,
            "reason": finding.meaning,
        },
        "message": finding.title,
        "rule": { "id": code_word(finding.code), "name": finding.title },
        "log": { "level": severity_word(finding.severity).to_ascii_lowercase() },
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
            },
        },
    })
}

fn event(event: &Event, turn: u64) -> Value {
    let level = match event.level {
        Level::Unknown => None,
        level => Some(format!("{level:?}").to_ascii_lowercase()),
    };
    let mut parts = vec!["event", &event.host, &event.text];
    parts.extend(event.causes.iter().map(String::as_str));
    let turn = turn.to_string();
    parts.push(&turn);
    json!({
        "@timestamp": event.at,
        "ecs": { "version": ECS },
        "event": {
            "id": id(&parts),
            "kind": "event",
            "dataset": "roundsman.event",
            "module": "kafka",
            "action": event.class.word(),
            "original": event.text,
        },
        "message": event.text,
        "host": { "name": event.host },
        "log": { "level": level, "file": { "path": event.file, "line": event.line } },
        "error": (!event.causes.is_empty()).then(|| json!({ "message": event.causes.join("\n") })),
        "roundsman": { "at_raw": event.at_raw, "uncertain": event.uncertain.map(|why| why.to_string()), "lossy": event.lossy, "truncated": event.truncated },
    })
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
    use crate::report::fixture::{hostile, incident};

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

    #[test]
    fn a_lines_id_does_not_depend_on_the_round() {
        let (mut one, other) = (incident(), incident());
        one.round.id = "another".into();
        let ids = |text: String, dataset: &str| -> Vec<Value> {
            text.lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|value| value["event"]["dataset"] == dataset)
                .map(|value| value["event"]["id"].clone())
                .collect()
        };
        let (a, b) = (ndjson(&one.report()), ndjson(&other.report()));
        assert_eq!(ids(a.clone(), "roundsman.event"), ids(b.clone(), "roundsman.event"));
        assert_ne!(ids(a, "roundsman.finding"), ids(b, "roundsman.finding"));
    }
}
