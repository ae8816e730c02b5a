//! The incident on disk, seen with the tools an operator has.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::*;
use crate::demo::incident::*;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

struct Written {
    dir: tempfile::TempDir,
}

impl Written {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        write(&sandboxes(dir.path())).unwrap();
        Written { dir }
    }

    fn kafka(&self, broker: usize) -> PathBuf {
        sandboxes(self.dir.path())[broker].join("services/kafka")
    }

    fn log(&self, broker: usize, name: &str) -> String {
        let logs = sandboxes(self.dir.path())[broker].join("services/log/kafka");
        fs::read_to_string(logs.join(name)).unwrap()
    }

    /// Topic and partition to offset, of a checkpoint file.
    fn checkpoint(&self, broker: usize, name: &str) -> BTreeMap<(String, u32), u64> {
        let text = fs::read_to_string(self.kafka(broker).join(name)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("0"));
        let count: usize = lines.next().unwrap().parse().unwrap();
        let entries = lines.map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            ((fields[0].to_owned(), fields[1].parse().unwrap()), fields[2].parse().unwrap())
        });
        let entries: BTreeMap<_, _> = entries.collect();
        assert_eq!(entries.len(), count);
        entries
    }

    /// Partition to the sum of its `.log` lengths.
    fn log_bytes(&self, broker: usize) -> BTreeMap<u32, u64> {
        let mut sums = BTreeMap::new();
        for entry in fs::read_dir(self.kafka(broker)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let Some(partition) = name.strip_prefix("completeProduct-") else { continue };
            let files = fs::read_dir(entry.path()).unwrap().flatten();
            let logs = files.filter(|file| file.path().extension().is_some_and(|ext| ext == "log"));
            let sum = logs.map(|log| log.metadata().unwrap().len()).sum();
            sums.insert(partition.parse().unwrap(), sum);
        }
        sums
    }
}

fn sandboxes(dir: &Path) -> Vec<PathBuf> {
    BROKERS.iter().map(|broker| dir.join(broker.address)).collect()
}

fn blocks(dir: &Path) -> u64 {
    let here = fs::symlink_metadata(dir).unwrap();
    let below =
        if here.is_dir() { fs::read_dir(dir).unwrap().flatten().map(|e| blocks(&e.path())).sum() } else { 0 };
    here.blocks() * 512 + below
}

#[test]
fn it_takes_little_room() {
    let written = Written::new();
    let taken = blocks(written.dir.path());
    assert!((180 * MIB..256 * MIB).contains(&taken), "{taken}");
}

#[test]
fn du_shows_the_incidents_figures_in_mib() {
    let written = Written::new();
    for (index, broker) in BROKERS.iter().enumerate() {
        let script = format!("du -ch {}/completeProduct-*", written.kafka(index).display());
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let shown: BTreeMap<&str, &str> = text
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .map(|(size, path)| (path, size))
            .collect();
        assert_eq!(shown["total"], format!("{}M", broker.du_total));
        for (partition, bytes) in broker.replicas.iter().filter(|(_, bytes)| *bytes >= GIB) {
            let path = written.kafka(index).join(format!("completeProduct-{partition}"));
            let tenths = (bytes * 10).div_ceil(GIB);
            assert_eq!(shown[path.to_str().unwrap()], format!("{}.{}M", tenths / 10, tenths % 10));
        }
    }
}

#[test]
fn log_files_are_as_long_as_they_were() {
    let written = Written::new();
    let sizes: Vec<_> = (0..3).map(|index| written.log_bytes(index)).collect();
    for (broker, sizes) in BROKERS.iter().zip(&sizes) {
        assert_eq!(*sizes, broker.replicas.iter().copied().collect());
    }
    let gib =
        |sizes: &BTreeMap<u32, u64>| (sizes.values().sum::<u64>() as f64 / GIB as f64 * 10.0).round() / 10.0;
    assert_eq!(sizes.iter().map(gib).collect::<Vec<_>>(), [100.0, 44.3, 39.8]);
    let pairs = [((0, 2), (1.30, 1.33)), ((0, 1), (2.05, 2.39)), ((1, 2), (6.80, 23.63))];
    for ((a, b), (low, high)) in pairs {
        let shared = sizes[a].iter().filter_map(|(p, left)| sizes[b].get(p).map(|right| (*left, *right)));
        let ratio = |(left, right): (u64, u64)| left.max(right) as f64 / left.min(right) as f64;
        let ratios: Vec<f64> = shared.map(ratio).collect();
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        let (min, max) =
            ratios.iter().fold((f64::MAX, 0.0), |(min, max): (f64, f64), r| (min.min(*r), max.max(*r)));
        assert_eq!((ratios.len(), hundredths(min), hundredths(max)), (12, low, high));
    }
}

#[test]
fn high_watermarks_agree_and_stand_where_the_follower_was_reset_to() {
    let written = Written::new();
    let marks: Vec<_> =
        (0..3).map(|index| written.checkpoint(index, "replication-offset-checkpoint")).collect();
    for (broker, marks) in BROKERS.iter().zip(&marks) {
        assert_eq!(marks.iter().filter(|((topic, _), _)| topic == TOPIC).count(), broker.replicas.len());
    }
    for reset in &TRUNCATIONS {
        for broker in [1, 2] {
            assert_eq!(marks[broker][&(TOPIC.to_owned(), reset.partition)], reset.to);
        }
    }
    let mut seen = BTreeMap::new();
    for (key, mark) in marks.iter().flatten() {
        assert_eq!(seen.insert(key, mark).unwrap_or(mark), mark, "{key:?}");
    }
    assert_eq!(TRUNCATIONS.iter().map(|reset| reset.from - reset.to).sum::<u64>(), 6_572_461);
}

#[test]
fn every_first_dirty_offset_is_the_base_of_a_segment() {
    let written = Written::new();
    for broker in 0..3 {
        for ((topic, partition), offset) in written.checkpoint(broker, "cleaner-offset-checkpoint") {
            let segment = format!("{topic}-{partition}/{offset:020}.log");
            assert!(written.kafka(broker).join(&segment).exists(), "{segment}");
        }
    }
}

#[test]
fn every_broker_says_who_it_is() {
    let written = Written::new();
    for (index, broker) in BROKERS.iter().enumerate() {
        let text = fs::read_to_string(written.kafka(index).join("meta.properties")).unwrap();
        let keys: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(keys, ["version=0".to_owned(), format!("broker.id={}", broker.id)]);
        let address: std::net::Ipv4Addr = broker.address.parse().unwrap();
        assert_eq!(u32::from(address), broker.id);
    }
}

#[test]
fn the_follower_alone_has_the_twelve_error_lines() {
    let written = Written::new();
    let errors = |broker| -> Vec<String> {
        let text = written.log(broker, "server.log");
        text.lines().filter(|line| line.contains("ERROR")).map(str::to_owned).collect()
    };
    let lines = errors(1);
    assert_eq!((errors(0).len(), lines.len(), errors(2).len()), (0, 12, 0));
    assert_eq!(
        lines[0],
        "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-180881591], Current offset 3734742 for partition \
         [completeProduct,13] out of range; reset offset to 3179215 (kafka.server.ReplicaFetcherThread)"
    );
    assert!(lines[11].starts_with("[2017-04-03 14:16:39,360] ERROR"), "{}", lines[11]);
    assert!(lines.is_sorted());
}

#[test]
fn records_stand_in_order_of_time_in_every_file() {
    let written = Written::new();
    for sandbox in sandboxes(written.dir.path()) {
        for entry in fs::read_dir(sandbox.join("services/log/kafka")).unwrap().flatten() {
            let text = fs::read_to_string(entry.path()).unwrap();
            let times: Vec<&str> =
                text.lines().filter(|line| line.starts_with("[2017")).map(|l| &l[..25]).collect();
            assert!(times.is_sorted() && times.len() > 100, "{:?}: {}", entry.path(), times.len());
        }
    }
}

#[test]
fn two_cleaners_end_dead_and_the_third_at_work() {
    let written = Written::new();
    for (index, broker) in BROKERS.iter().enumerate() {
        let text = written.log(index, "log-cleaner.log");
        let last = text.rfind("Beginning cleaning of log").unwrap();
        match broker.cleaner {
            Cleaner::Alive => {
                assert!(!text.contains("ERROR"));
                assert!(text[last..].contains("Log cleaner thread 0 cleaned log"));
            }
            Cleaner::Died { partition, slot, .. } => {
                let death = format!(
                    "ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)\n\
                     kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot {} no larger than \
                     the last offset appended ({}) to \
                     /services/kafka/completeProduct-{partition}/00000000000000000000.timeindex.cleaned.\n\tat kafka.",
                    slot.0, slot.1
                );
                assert!(text[last..].contains(&death), "{}", &text[last..]);
                assert!(!text[last..].contains("cleaned log"));
                assert!(
                    text.ends_with("INFO [kafka-log-cleaner-thread-0], Stopped  (kafka.log.LogCleaner)\n")
                );
                let unfinished =
                    format!("completeProduct-{partition}/00000000000000000000.timeindex.cleaned");
                assert!(written.kafka(index).join(unfinished).exists());
            }
        }
    }
}

#[test]
fn only_the_follower_runs_the_new_version() {
    let written = Written::new();
    for broker in 0..3 {
        assert!(written.log(broker, "server.log.2017-03-20-08").contains("INFO Kafka version : 0.10.1.0 ("));
        let current = written.log(broker, "server.log");
        assert_eq!(current.contains("INFO Kafka version : 0.10.1.1 ("), broker == 1);
    }
}
