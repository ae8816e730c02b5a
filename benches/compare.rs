//! A round of a million replicas on a hundred brokers, compared and diagnosed.
//!
//! RF 3, partitions dealt out as Kafka does it, checkpoints on every broker, one broker with replicas
//! three times as large as its peers'.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman::compare::compare;
use roundsman::diagnose::diagnose;
use roundsman::probe::disk_usage;
use roundsman::round::*;
use roundsman::shell::answer::Answer;

const BROKERS: usize = 100;
const TOPICS: usize = 2_500;
/// Partitions a topic; with RF 3 this makes 1,000,000 replicas and a little more.
const PARTITIONS: usize = 134;
const REPLICATION: usize = 3;
const DIR: &str = "/services/kafka";

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 5)]
fn compared(bencher: divan::Bencher) {
    let round = million();
    bencher.bench_local(|| compare(divan::black_box(&round)));
}

#[divan::bench(sample_count = 5)]
fn compared_and_diagnosed(bencher: divan::Bencher) {
    let round = million();
    bencher.bench_local(|| {
        let comparison = compare(divan::black_box(&round));
        diagnose(&round, &comparison)
    });
}

/// From the bytes that a hundred nodes sent to the comparison.
#[divan::bench(sample_count = 5)]
fn parsed_and_compared(bencher: divan::Bencher) {
    let paths = [format!("{DIR}/*-[0-9]*")];
    let sent = || {
        let mut round = million();
        let answers: Vec<Answer> = round.visits.iter().map(answer).collect();
        round.visits.iter_mut().for_each(|visit| visit.probes[0].evidence = Evidence::None);
        (round, answers)
    };
    bencher.with_inputs(sent).bench_local_values(|(mut round, answers)| {
        // As in a round: an answer is let go of as soon as it is read.
        for (visit, answer) in round.visits.iter_mut().zip(answers) {
            let (evidence, coverage) = disk_usage::parse(&paths, divan::black_box(&[answer]), 120);
            visit.probes[0].evidence = evidence;
            visit.probes[0].coverage = coverage;
        }
        let clusters = compare(&round).clusters;
        (round, clusters)
    });
}

/// The rows that the node's awk prints for a broker's replicas.
fn answer(visit: &Visit) -> Answer {
    let mut stdout = format!("P 0 1\nD {DIR}/\n");
    if let Evidence::DiskUsage(usage) = &visit.probes[0].evidence {
        for one in &usage.replicas {
            let (bytes, topic, partition) = (one.log_bytes, &one.topic, one.partition);
            stdout.push_str(&format!(
                "R {bytes} - {bytes} 4 0 900000 1700000000 0 0 1048576 {} 19675 - {topic}-{partition}\n",
                one.clean_bytes
            ));
        }
    }
    stdout.push_str("E\n");
    Answer { stdout: stdout.into_bytes(), ended: Some(Ended::Exit(0)), ..Answer::default() }
}

fn million() -> Round {
    let mut replicas: Vec<Vec<Replica>> = (0..BROKERS).map(|_| Vec::new()).collect();
    for topic in 0..TOPICS {
        let name: Arc<str> = Arc::from(format!("topic.number-{topic}"));
        for partition in 0..PARTITIONS {
            for copy in 0..REPLICATION {
                // Kafka's own way: the first replica goes round, the others at a shift that changes.
                let first = (topic * 7 + partition) % BROKERS;
                let broker = if copy == 0 {
                    first
                } else {
                    (first + copy + (topic + partition / BROKERS) % 40) % BROKERS
                };
                replicas[broker].push(replica(&name, topic, partition, broker));
            }
        }
    }
    let visits = replicas.into_iter().enumerate().map(|(broker, replicas)| visit(broker, replicas)).collect();
    Round {
        plays: vec![Play { name: "all".into(), hosts: "all".into(), ..Play::default() }],
        visits,
        ..Round::blank("bench", Timestamp::UNIX_EPOCH)
    }
}

fn replica(name: &Arc<str>, topic: usize, partition: usize, broker: usize) -> Replica {
    let bytes = (1 << 28) + (topic as u64 * 7919 + partition as u64 * 104_729) % (1 << 24);
    let bytes = if broker == 7 { bytes * 3 } else { bytes };
    Replica {
        topic: name.clone(),
        partition: partition as u32,
        allocated_bytes: bytes,
        log_bytes: bytes,
        segments: 4,
        first_base: Some(0),
        last_base: Some(900_000),
        newest_mtime: Some(1_700_000_000),
        active_bytes: 1 << 20,
        clean_bytes: bytes / 2,
        ..Replica::default()
    }
}

/// A broker with its checkpoints; a topic's name is shared, as the parsers have it.
fn visit(broker: usize, mut replicas: Vec<Replica>) -> Visit {
    replicas.shrink_to_fit();
    let offsets = |offset: u64| -> Option<Vec<Checkpoint>> {
        let entry = |replica: &Replica| Checkpoint {
            topic: replica.topic.clone(),
            partition: replica.partition,
            offset,
        };
        Some(replicas.iter().map(entry).collect())
    };
    let dir = LogDir {
        path: DIR.into(),
        access: Access::Readable,
        broker_id: i64::try_from(broker).ok(),
        cluster_id: Some("bench".into()),
        high_watermarks: offsets(1_000_000),
        recovery_points: offsets(900_000),
        log_starts: None,
        first_dirty: offsets(if broker == 7 { 0 } else { 900_000 }),
        ..LogDir::default()
    };
    Visit {
        address: format!("10.0.0.{broker}:22"),
        user: "ops".into(),
        plays: vec![0],
        attempts: 1,
        seconds: 1.0,
        facts: Some(Facts { log_dirs: vec![dir], ..Facts::default() }),
        probes: vec![ProbeAnswer {
            play: 0,
            probe: "disk_usage".into(),
            evidence: Evidence::DiskUsage(DiskUsage {
                log_dirs: vec![DIR.into()],
                replicas,
                ..DiskUsage::default()
            }),
            coverage: vec![Coverage::complete(DIR)],
            seconds: 1.0,
        }],
        ..Visit::blank(format!("broker-{broker:04}"), Outcome::Ok)
    }
}
