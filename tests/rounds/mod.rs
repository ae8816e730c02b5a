//! The four rounds that every format is tried on: the recorded incident, a healthy fleet, one of which half
//! did not answer, and one of ten thousand partitions.

#![allow(dead_code, reason = "each program uses its own part")]

use std::sync::Arc;

use jiff::Timestamp;
use roundsman::round::*;

const DIR: &str = "/services/kafka";
const GIB: u64 = 1 << 30;

/// The demo's round, as it was saved; places, times and what is routine in the logs are made to fit a report.
pub fn incident() -> Round {
    serde_json::from_str(include_str!("../fixtures/rounds/incident.json")).expect("a saved round")
}

/// The brokers of the incident three days earlier, as far as the same evidence tells: the cleaners are dead, and
/// nothing is lost yet.
pub fn before_the_incident() -> Round {
    let mut round = incident();
    round.id = "20170402T071204Z-11112222".into();
    round.started = at("2017-04-02T07:12:04Z");
    round.finished = at("2017-04-02T07:12:11Z");
    for visit in &mut round.visits {
        for answer in &mut visit.probes {
            match &mut answer.evidence {
                Evidence::LogGrep(grep) => grep.records.retain(|one| !one.text.starts_with("[2017-04-0")),
                Evidence::DiskUsage(usage) if visit.host.ends_with("177") => {
                    usage.replicas.iter_mut().for_each(|one| one.log_bytes = one.log_bytes / 10 * 8);
                }
                _ => {}
            }
        }
    }
    round
}

/// Six brokers, three topics, nothing wrong.
pub fn healthy() -> Round {
    fleet(6, &[("orders", 24), ("payments.v2", 12), ("__consumer_offsets", 50)], |_, _, _| 1.0)
}

/// The same fleet on a bad day: half of it could not be looked at, each for its own reason.
pub fn half_missing() -> Round {
    let mut round = healthy();
    let gone = [
        (1, Outcome::Unreachable, "connect", "connection refused"),
        (3, Outcome::AuthFailed, "login", "the server takes publickey, and refused each of 2 keys"),
        (5, Outcome::Lost, "probe log_grep", "the connection broke after 41 s: no answer to 3 keepalives"),
    ];
    for (at, outcome, stage, reason) in gone {
        let visit = &mut round.visits[at];
        visit.outcome = outcome;
        visit.stage = Some(stage.into());
        visit.reason = Some(reason.into());
        visit.facts = None;
        visit.probes.clear();
        visit.attempts = 2;
    }
    let partial = &mut round.visits[2];
    partial.outcome = Outcome::Partial;
    partial.probes[1].coverage = vec![Coverage {
        path: "/services/log/kafka/server.log".into(),
        status: CoverageStatus::Partial,
        reason: Some("the limit of 4 MiB was reached".into()),
        missing: Some("1,204 matching lines".into()),
    }];
    round.limit = Some("kafka:!kafka-old*".into());
    round.plays[0].excluded = vec!["kafka-old-01".into(), "kafka-old-02".into()];
    round
}

/// Twelve brokers, 10,000 partitions at replication factor 3; one broker's replicas of one topic are bloated,
/// and a few others are short.
pub fn ten_thousand() -> Round {
    let names: Vec<String> = (0..40).map(|topic| format!("stream.{topic:02}.events")).collect();
    let topics: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 250)).collect();
    fleet(12, &topics, |topic, partition, broker| match (topic, partition, broker) {
        (3, _, 7) => 3.4,
        (11, 0..20, 2) => 0.2,
        _ => 1.0,
    })
}

/// Brokers of a cluster `main` with replicas dealt out as Kafka does it; `swell` is what a replica's size is
/// multiplied with.
fn fleet(brokers: usize, topics: &[(&str, u32)], swell: impl Fn(usize, u32, usize) -> f64) -> Round {
    let mut held: Vec<Vec<Replica>> = (0..brokers).map(|_| Vec::new()).collect();
    for (number, (name, partitions)) in topics.iter().enumerate() {
        let name: Arc<str> = Arc::from(*name);
        for partition in 0..*partitions {
            let first = (number * 7 + partition as usize) % brokers;
            let shift = 1 + (number + partition as usize / brokers) % (brokers - 3).max(1);
            for broker in [first, (first + shift) % brokers, (first + shift + 1) % brokers] {
                held[broker].push(replica(
                    &name,
                    number,
                    partition,
                    broker,
                    swell(number, partition, broker),
                ));
            }
        }
    }
    Round {
        version: "0.1.0".into(),
        finished: at("2026-11-03T06:00:09Z"),
        playbook: Some("playbooks/kafka-audit.yml".into()),
        plays: vec![Play { name: "Kafka audit".into(), hosts: "kafka".into(), ..Play::default() }],
        visits: held.into_iter().enumerate().map(|(broker, replicas)| visit(broker, replicas)).collect(),
        ..Round::blank("20261103T060000Z-00c0ffee", at("2026-11-03T06:00:00Z"))
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn replica(name: &Arc<str>, topic: usize, partition: u32, broker: usize, swell: f64) -> Replica {
    let even = GIB
        + (topic as u64 * 7_919 + u64::from(partition) * 104_729 + broker as u64 * 1_299_709) % (GIB / 50);
    let bytes = (even as f64 * swell) as u64;
    Replica {
        topic: name.clone(),
        partition,
        allocated_bytes: bytes.next_multiple_of(4096) + 40_960,
        log_bytes: bytes,
        segments: u32::try_from(bytes / (GIB / 2)).unwrap_or(0) + 1,
        first_base: Some(0),
        last_base: Some(900_000),
        newest_mtime: Some(at("2026-11-03T05:59:41Z").as_second()),
        active_bytes: bytes / 8,
        clean_bytes: bytes / 2,
        ..Replica::default()
    }
}

fn visit(broker: usize, replicas: Vec<Replica>) -> Visit {
    let marks = |offset: u64| -> Option<Vec<Checkpoint>> {
        let entry = |replica: &Replica| Checkpoint {
            topic: replica.topic.clone(),
            partition: replica.partition,
            offset: offset + u64::from(replica.partition) * 113,
        };
        Some(replicas.iter().map(entry).collect())
    };
    let id = i64::try_from(broker).expect("a small number") + 1;
    let dir = LogDir {
        path: DIR.into(),
        access: Access::Readable,
        broker_id: Some(id),
        cluster_id: Some("Xy3-main".into()),
        high_watermarks: marks(1_000_000),
        recovery_points: marks(900_000),
        first_dirty: marks(900_000),
        ..LogDir::default()
    };
    let host = format!("kafka-{:02}.example.net", broker + 1);
    let answer = |probe: &str, evidence: Evidence, coverage: Vec<Coverage>| ProbeAnswer {
        play: 0,
        probe: probe.into(),
        evidence,
        coverage,
        seconds: 0.5,
    };
    let server = "/services/log/kafka/server.log";
    let record = |line: u64, text: String| LogRecord {
        file: 0,
        line,
        text,
        continuation: Vec::new(),
        lossy: false,
        truncated: false,
    };
    let grep = LogGrep {
        pattern: "kafka".into(),
        files: vec![LogFile { path: server.into(), access: Access::Readable, ..LogFile::default() }],
        records: vec![
            record(
                3,
                "[2026-10-02 10:00:00,120] INFO Kafka version: 3.9.1 (org.apache.kafka.common.utils.AppInfoParser)"
                    .into(),
            ),
            record(
                9,
                format!("[2026-10-02 10:00:01,402] INFO [KafkaServer id={id}] started (kafka.server.KafkaServer)"),
            ),
        ],
        ..LogGrep::default()
    };
    let usage = DiskUsage { log_dirs: vec![DIR.into()], replicas, ..DiskUsage::default() };
    let mount = Mount {
        device: "/dev/nvme1n1".into(),
        mount: "/services".into(),
        size_bytes: 16_000 * GIB,
        used_bytes: 6_100 * GIB,
        available_bytes: 9_900 * GIB,
        inodes: Some(131_072_000),
        inodes_free: Some(131_000_000),
    };
    Visit {
        address: format!("{host}:22"),
        user: "ops".into(),
        cluster: Some("main".into()),
        plays: vec![0],
        attempts: 1,
        seconds: 4.2,
        facts: Some(Facts {
            hostname: Some(host.clone()),
            clock: Some(Clock { offset_s: 0.012, uncertainty_s: 0.02, zone_s: 0, zone_name: None }),
            log_dirs: vec![dir],
            ..Facts::default()
        }),
        probes: vec![
            answer(
                "disk_usage",
                Evidence::DiskUsage(usage),
                vec![Coverage::complete("/services/kafka/*-[0-9]*")],
            ),
            answer("log_grep", Evidence::LogGrep(grep), vec![Coverage::complete(server)]),
            answer("disk_free", Evidence::DiskFree(vec![mount]), vec![Coverage::complete(DIR)]),
        ],
        ..Visit::blank(host, Outcome::Ok)
    }
}
