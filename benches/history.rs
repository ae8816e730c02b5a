//! What a thousand rounds of 10,000 replicas take, and what it costs to keep one and to lay two side by side.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use roundsman::compare::compare;
use roundsman::diagnose::{Verdict, diagnose, verdict};
use roundsman::history::diff::{Side, diff};
use roundsman::history::{Line, Store};
use roundsman::round::{
    Checkpoint, Coverage, DiskUsage, Evidence, Facts, LogDir, Outcome, Play, ProbeAnswer, Replica, Round,
    Visit,
};

const BROKERS: u32 = 30;
const PARTITIONS: u32 = 3_334;

/// Numbers that look random and are the same in every run (splitmix64).
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x2017);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The `hour`th of a cluster's rounds: of four partitions three are written to, each at its own rate.
fn round(hour: u64) -> Round {
    let visits = (0..BROKERS).map(|broker| visit(broker, hour)).collect();
    let started = Timestamp::from_second(1_700_000_000 + hour as i64 * 3600).unwrap_or_default();
    Round {
        plays: vec![Play { name: "all".to_owned(), hosts: "all".to_owned(), ..Play::default() }],
        visits,
        ..Round::blank(format!("{}-{hour:08x}", started.strftime("%Y%m%dT%H%M%SZ")), started)
    }
}

fn visit(broker: u32, hour: u64) -> Visit {
    let held: Vec<u32> = (0..PARTITIONS).filter(|partition| partition_on(*partition, broker)).collect();
    let topic: Arc<str> = Arc::from("events");
    let topics: Vec<Arc<str>> = (0..100).map(|number| Arc::from(format!("topic-{number:03}"))).collect();
    let name = |partition: u32| topics.get(partition as usize % 100).unwrap_or(&topic).clone();
    let end = |partition: u32| {
        let (start, rate) = (noise(partition.into()) % 50_000_000, noise(u64::from(partition) + 99) % 40_000);
        if partition.is_multiple_of(4) { start } else { start + rate * hour }
    };
    let replicas = held
        .iter()
        .map(|partition| {
            let offsets = end(*partition);
            // No two replicas have their batches alike.
            let bytes = offsets * (300 + noise(u64::from(*partition)) % 700) + u64::from(broker) * 61;
            let active = bytes % (1 << 30);
            Replica {
                topic: name(*partition),
                partition: partition / 100,
                allocated_bytes: bytes.div_ceil(4096) * 4096 + (bytes >> 30) * 20_000_000,
                log_bytes: bytes,
                segments: 1 + (bytes >> 30) as u32,
                first_base: Some(offsets / 7),
                last_base: Some(offsets - offsets % 900_000),
                newest_mtime: Some(1_700_000_000 + hour as i64 * 3600 - (noise(offsets) % 600) as i64),
                active_bytes: active,
                ..Replica::default()
            }
        })
        .collect();
    let checkpoint = |lag: u64| {
        let of = |partition: &u32| Checkpoint {
            topic: name(*partition),
            partition: partition / 100,
            offset: end(*partition).saturating_sub(noise(u64::from(*partition) + hour + lag) % 50),
        };
        Some(held.iter().map(of).collect())
    };
    let facts = Facts {
        log_dirs: vec![LogDir {
            path: "/data/kafka".to_owned(),
            high_watermarks: checkpoint(0),
            recovery_points: checkpoint(1),
            ..LogDir::default()
        }],
        ..Facts::default()
    };
    let disk = DiskUsage { log_dirs: vec!["/data/kafka".to_owned()], replicas, ..DiskUsage::default() };
    let answer = |probe: &str, evidence: Evidence| ProbeAnswer {
        play: 0,
        probe: probe.to_owned(),
        evidence,
        coverage: vec![Coverage::complete("/data/kafka")],
        seconds: 0.123 + hour as f64 / 1e6,
    };
    Visit {
        broker_id: Some(broker.into()),
        plays: vec![0],
        facts: Some(facts),
        probes: vec![answer("facts", Evidence::Facts), answer("disk_usage", Evidence::DiskUsage(disk))],
        ..Visit::blank(format!("broker-{broker:02}"), Outcome::Ok)
    }
}

fn partition_on(partition: u32, broker: u32) -> bool {
    (0..3).any(|copy| (partition + copy * 7) % BROKERS == broker)
}

fn judged(round: &Round) -> Verdict {
    verdict(round, &diagnose(round, &compare(round)))
}

fn kept(path: &Path, rounds: u64) -> Store {
    let mut store = Store::open(path).expect("a history");
    for hour in 0..rounds {
        let round = round(hour);
        store.keep(&round, &Line::default(), judged(&round), &[]).expect("a round is kept");
    }
    store
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("history.sqlite");
    let rounds = 40;
    drop(kept(&path, rounds));
    let bytes = std::fs::metadata(&path).map_or(0, |meta| meta.len());
    println!(
        "{rounds} rounds of {} replicas take {bytes} bytes: {:.0} MB a thousand",
        PARTITIONS * 3,
        bytes as f64 / rounds as f64 / 1000.0
    );
    divan::main();
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_round_is_kept(bencher: divan::Bencher<'_, '_>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut store = kept(&dir.path().join("h"), 1);
    let round = round(1);
    let verdict = judged(&round);
    bencher.bench_local(|| store.keep(&round, &Line::default(), verdict, &[]));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn two_rounds_are_loaded_and_laid_side_by_side(bencher: divan::Bencher<'_, '_>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = kept(&dir.path().join("h"), 2);
    bencher.bench_local(|| {
        let rounds: Vec<Round> = ["last~1", "last"]
            .iter()
            .filter_map(|name| store.find(name, None).and_then(|entry| store.load(&entry.id)).ok())
            .collect();
        let [older, newer] = rounds.as_slice() else { return 0 };
        let compared = [compare(older), compare(newer)];
        let found = [diagnose(older, &compared[0]), diagnose(newer, &compared[1])];
        let side = |round, at: usize| Side { round, comparison: &compared[at], findings: &found[at] };
        diff(&side(older, 0), &side(newer, 1)).replicas.len()
    });
}
