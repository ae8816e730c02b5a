//! Recordings of real brokers: what each must conclude and must not.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;
use crate::compare::rounds::{self, host};
use crate::kafka::{checkpoint, meta_properties, record, replica_dir};
use crate::round::{Checkpoint, LogDir, Replica, Visit};

const DIR: &str = "/services/kafka/";
const LOGS: &str = "/services/log/kafka/";

/// A recording: a manifest with the sizes of all files, and the content of those that are no segments.
fn recording(name: &str) -> Round {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/recorded/{name}.tar.gz"));
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(path, String::from_utf8_lossy(&content).into_owned());
    }
    let manifest: Value = serde_json::from_str(&files["manifest.json"]).unwrap();
    let nodes = manifest["nodes"].as_array().unwrap();
    rounds::round(nodes.iter().map(|node| visit(node, &files)).collect())
}

fn visit(node: &Value, files: &BTreeMap<String, String>) -> Visit {
    let name = node["name"].as_str().unwrap();
    let content = |path: &str| files.get(&format!("nodes/{name}{path}")).map(String::as_str);
    let mut visit = host(name).dir(|dir| fill(dir, content));
    let clean = visit.facts.as_ref().and_then(|facts| facts.log_dirs[0].first_dirty.clone());
    let mut replicas = replicas_of(node);
    for replica in &mut replicas {
        let mut segments = segments(node, replica);
        segments.sort_unstable();
        let dirty = clean
            .iter()
            .flatten()
            .find(|entry| entry.topic == replica.topic && entry.partition == replica.partition);
        let sum = |all: &[(u64, u64)]| all.iter().map(|(_, bytes)| bytes).sum::<u64>();
        replica.active_bytes = segments.last().map_or(0, |(_, bytes)| *bytes);
        let closed = segments.partition_point(|(base, _)| dirty.is_some_and(|entry| *base < entry.offset));
        replica.clean_bytes = sum(&segments[..closed.min(segments.len())]);
    }
    visit = visit.disk(replicas);
    // What an audit's probes look for, and the greps on the node do.
    let wanted = regex::Regex::new(&crate::kafka::catalogue::prefilter()).unwrap();
    let prefix = format!("nodes/{name}{LOGS}");
    for (path, text) in files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix)) {
        let mut lines: Vec<(u64, &str, Vec<String>)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            match lines.last_mut() {
                Some((.., more)) if !record::is_header(line) => more.push(line.to_owned()),
                _ => lines.push((number, line, Vec::new())),
            }
        }
        let matched = |(_, line, more): &(u64, &str, Vec<String>)| {
            wanted.is_match(line) || more.iter().any(|line| wanted.is_match(line))
        };
        let file = &path[format!("nodes/{name}").len()..];
        visit = visit.log(file, &[]);
        if let Some(crate::round::Evidence::LogGrep(grep)) =
            visit.probes.last_mut().map(|answer| &mut answer.evidence)
        {
            grep.pattern = crate::kafka::catalogue::prefilter();
            grep.records = lines
                .into_iter()
                .filter(matched)
                .map(|(line, text, continuation)| crate::round::LogRecord {
                    file: 0,
                    line,
                    text: text.to_owned(),
                    continuation,
                    lossy: false,
                    truncated: false,
                })
                .collect();
        }
    }
    visit
}

fn fill<'a>(dir: &mut LogDir, content: impl Fn(&str) -> Option<&'a str>) {
    let identity = meta_properties::parse(content(&format!("{DIR}meta.properties")).unwrap());
    (dir.broker_id, dir.cluster_id) = (identity.broker_id, identity.cluster_id);
    let read = |name: &str| -> Option<Vec<Checkpoint>> {
        content(&format!("{DIR}{name}")).map(|text| checkpoint::parse(text).unwrap())
    };
    dir.high_watermarks = read("replication-offset-checkpoint");
    dir.recovery_points = read("recovery-point-offset-checkpoint");
    dir.log_starts = read("log-start-offset-checkpoint");
    dir.first_dirty = read("cleaner-offset-checkpoint");
}

fn replicas_of(node: &Value) -> Vec<Replica> {
    let mut replicas: BTreeMap<String, Replica> = BTreeMap::new();
    for file in node["files"].as_array().unwrap() {
        let Some((dir, name)) =
            file["path"].as_str().and_then(|path| path.strip_prefix(DIR)?.split_once('/'))
        else {
            continue;
        };
        let Some(parsed) = replica_dir::parse(dir) else { continue };
        let replica = replicas.entry(dir.to_owned()).or_insert_with(|| Replica {
            kind: parsed.kind,
            allocated_bytes: 4096,
            segments: 0,
            first_base: None,
            last_base: None,
            ..rounds::replica(parsed.topic, parsed.partition, 0)
        });
        replica.allocated_bytes += file["allocated"].as_u64().unwrap();
        replica.cleaned_files += u32::from(name.ends_with(".cleaned") || name.ends_with(".swap"));
        if let Some(base) = name.strip_suffix(".log").and_then(|base| base.parse::<u64>().ok()) {
            replica.log_bytes += file["size"].as_u64().unwrap();
            replica.segments += 1;
            replica.first_base = Some(replica.first_base.map_or(base, |first| first.min(base)));
            replica.last_base = replica.last_base.max(Some(base));
        }
    }
    replicas.into_values().collect()
}

/// Base offset and bytes of a replica's segments.
fn segments(node: &Value, replica: &Replica) -> Vec<(u64, u64)> {
    let dir = format!("{DIR}{}-{}/", replica.topic, replica.partition);
    let files = node["files"].as_array().unwrap().iter().filter_map(|file| {
        let base = file["path"].as_str()?.strip_prefix(&dir)?.strip_suffix(".log")?.parse().ok()?;
        Some((base, file["size"].as_u64()?))
    });
    files.collect()
}

fn facts(name: &str) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/recorded/{name}.expect.json"));
    serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap()["facts"].clone()
}

#[test]
fn a_healthy_cluster_gives_no_warning() {
    let round = recording("healthy");
    let found = findings(&round);
    nothing_worse_than(&found, Severity::Notice);
    assert_eq!(crate::diagnose::verdict(&round, &found).exit_code, 0);
}

#[test]
fn kafka_4497_kills_two_cleaners_and_shortens_nobody() {
    let found = findings(&recording("kafka-4497"));
    let dead: Vec<&Finding> = found.iter().filter(|finding| finding.code == Code::CleanerDead).collect();
    let hosts: Vec<_> = dead.iter().map(|finding| finding.subject.broker.as_deref().unwrap()).collect();
    assert_eq!(hosts, ["broker-0001", "broker-0003"], "{}", titles(&found));
    for finding in dead {
        let bug = finding.bug.as_ref().unwrap();
        assert_eq!((bug.id.as_str(), bug.fixed_in.as_str()), ("KAFKA-4497", "0.10.1.1"));
        assert!(
            finding.title.contains("completeProduct-6") && finding.title.contains("2026-11-23 16:11:16"),
            "{}",
            finding.title
        );
    }
    let skew = only(&found, Code::ReplicaSkew);
    assert_eq!((partitions(skew), skew.severity), (vec![1, 2, 4, 5, 7, 8, 10, 11], Severity::Warning));
    assert!(replicas(skew).iter().all(|item| !item.odd.contains(&"broker-0002".to_owned())));
    assert!(replicas(skew).iter().all(|item| item.why.as_ref().unwrap().contains("cleaner")));
    for code in [
        Code::ReplicaShort,
        Code::ReplicaTruncated,
        Code::DataLost,
        Code::UncleanElection,
        Code::ReplicaEmpty,
    ] {
        none(&found, code);
    }
    // Dirty where the cleaner is dead and the other side is clean.
    let behind = only(&found, Code::CleanerBehind);
    assert_eq!(behind.subject.topic.as_deref(), Some("completeProduct"));
    assert!(replicas(behind).iter().all(|item| !item.odd.contains(&"broker-0002".to_owned())));
    none(&found, Code::ReplicaLagging);
    assert!(
        found.iter().all(|finding| finding.subject.topic.as_deref() != Some("priceStock")),
        "{}",
        titles(&found)
    );
}

/// What both truncation recordings have in common.
fn short_leader_cut_the_old_one(name: &str, leader_id: i64, total: u64) {
    let found = findings(&recording(name));
    let facts = facts(name);
    let cut = only(&found, Code::ReplicaTruncated);
    assert_eq!(cut.lost_total, Some(total));
    let items = truncations(cut);
    assert_eq!(items.len(), facts["offsets_cut_by_broker-0002"].as_object().unwrap().len());
    for item in items {
        assert_eq!((item.follower.as_str(), item.leader.as_deref()), ("broker-0002", Some("broker-0003")));
        assert_eq!(item.leader_id, Some(leader_id));
        let of = format!("completeProduct-{}", item.partition);
        assert_eq!(facts["offsets_cut_by_broker-0002"][&of].as_u64(), Some(item.lost), "{of}");
    }
    let lost = only(&found, Code::DataLost);
    assert_eq!(lost.lost_total, Some(total));
    let election = only(&found, Code::UncleanElection);
    assert!(election.title.contains("broker-0003"), "{}", election.title);
    assert_eq!(election.items.len(), truncations(cut).len());
    for code in [
        Code::CleanerDead,
        Code::ReplicaMissing,
        Code::PartitionUncleanable,
        Code::ReplicaSkew,
        Code::ReplicaShort,
        Code::UnknownErrors,
    ] {
        none(&found, code);
    }
}

#[test]
fn an_old_leader_is_cut_on_0_10() {
    short_leader_cut_the_old_one("truncation-0.10", 180881591, 6494);
}

#[test]
fn an_old_leader_is_cut_with_leader_epochs() {
    short_leader_cut_the_old_one("truncation-kraft", 3, 2405);
}
