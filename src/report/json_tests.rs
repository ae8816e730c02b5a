//! The JSON report against its schema, and against what the page of the design promises.

use serde_json::Value;

use crate::kafka::event::{Class, Event, TopicPartition, samples};
use crate::report::fixture::{Case, healthy, hostile, incident, unseen};
use crate::report::json::{json, value};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("the schema is JSON")
}

fn parsed(case: &Case) -> Value {
    serde_json::from_str(&json(&case.report())).expect("the report is JSON")
}

#[test]
fn the_schema_is_itself_valid() {
    jsonschema::meta::validate(&schema()).expect("JSON Schema 2020-12");
}

#[test]
fn every_report_keeps_to_the_schema() {
    let validator = jsonschema::options().should_validate_formats(true).build(&schema()).expect("a schema");
    for case in [incident(), healthy(), unseen(), hostile()] {
        let errors: Vec<String> = validator
            .iter_errors(&parsed(&case))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}

#[test]
fn a_field_too_many_or_too_few_is_against_the_schema() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let mut more = parsed(&incident());
    more["hosts"][0]["mood"] = "good".into();
    assert!(!validator.is_valid(&more));
    let mut fewer = parsed(&incident());
    fewer["findings"][0]["items"][0].as_object_mut().map(|item| item.remove("lost"));
    assert!(!validator.is_valid(&fewer));
}

#[test]
fn the_incident_has_its_numbers() {
    let report = parsed(&incident());
    assert_eq!(report["schema"], "roundsman.report/1");
    assert_eq!(report["verdict"]["status"], "CRITICAL");
    assert_eq!(report["verdict"]["exit_code"], 2);
    assert_eq!(report["verdict"]["counts"]["critical"], 5);
    assert_eq!(report["findings"][0]["code"], "data-lost");
    assert_eq!(report["findings"][0]["lost_total"], 6_572_461);
    let cuts = report["findings"][0]["items"].as_array().expect("items");
    assert_eq!(cuts.iter().filter_map(|cut| cut["lost"].as_u64()).sum::<u64>(), 6_572_461);
    assert_eq!(cuts[0]["leader_id"], 180_881_591);
    let cluster = &report["comparison"]["clusters"][0];
    let partitions = cluster["topics"][0]["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 36);
    assert_eq!(
        partitions.iter().filter_map(|one| one["replicas"].as_array()).map(Vec::len).sum::<usize>(),
        72
    );
    assert_eq!(cluster["pairs"][1]["a"], "10.200.8.176");
    assert_eq!(cluster["pairs"][1]["b"], "10.200.8.183");
    assert_eq!(cluster["pairs"][1]["ratio_max"], 23.63);
    assert_eq!(report["events"].as_array().map(Vec::len), Some(17));
}

#[test]
fn not_seen_is_null_and_never_zero_or_absent() {
    let report = parsed(&unseen());
    let broker = &report["comparison"]["clusters"][0]["brokers"][2];
    assert_eq!(broker["seen"], false);
    for field in ["id", "replicas", "log_bytes", "allocated_bytes", "version"] {
        assert!(broker.get(field).is_some_and(Value::is_null), "{field}");
    }
    assert!(report["findings"][0].get("lost_total").is_some_and(Value::is_null));
}

#[test]
fn hosts_that_the_limit_left_out_are_named() {
    let report = parsed(&unseen());
    let hosts = report["hosts"].as_array().expect("hosts");
    let names: Vec<&str> = hosts.iter().filter_map(|host| host["name"].as_str()).collect();
    assert!(names.is_sorted());
    assert_eq!(hosts.iter().filter(|host| host["outcome"] == "excluded").count(), 2);
}

#[test]
fn remote_text_survives_unchanged_and_acts_on_no_terminal() {
    let case = hostile();
    let text = json(&case.report());
    assert!(text.ends_with("}\n"));
    assert!(!text.chars().any(|c| c != '\n' && crate::sanitize::is_unprintable(c)));
    let back: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(back, value(&case.report()), "escapes change nothing for a parser");
    assert_eq!(back["comparison"]["clusters"][0]["brokers"][0]["broker"], case.round.visits[0].host.as_str());
}

#[test]
fn an_event_of_every_class_keeps_to_the_schema() {
    let mut classes = samples::classes();
    let first = classes.len();
    let of = || TopicPartition { topic: "a".into(), partition: 3 };
    classes.push(Class::FetchReset { of: of(), leader: 1, from: None, to: 5, to_start: None });
    classes.push(Class::LeaderElected {
        of: of(),
        leader: 1,
        isr: vec![2, 1],
        from_offline: true,
        version: Some(7),
    });
    classes.push(Class::Started { broker: None });
    let mut case = incident();
    let one = case.comparison.events[0].clone();
    case.comparison.events = classes.into_iter().map(|class| Event { class, ..one.clone() }).collect();
    let report = parsed(&case);
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    assert!(validator.is_valid(&report));
    assert_eq!(report["events"][first + 1]["isr"], serde_json::json!([1, 2]));
    assert_eq!(report["events"][first]["from"], Value::Null);
}
