//! A broker's log directory: segments as long as they were, scaled blocks, checkpoints.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rustix::fs::{FallocateFlags, fallocate};

use super::incident::{BROKERS, Broker, Cleaner, Noise, TOPIC, end_offset};

const MIB: u64 = 1 << 20;
const SEGMENT: u64 = 1 << 30;
/// Blocks are allocated for one byte in this many: `du` shows M where the incident's showed G.
const SCALE: u64 = 1024;
const BLOCK: u64 = 4096;

/// One segment of a replica.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    base: u64,
    log_bytes: u64,
}

/// A line of the checkpoints.
struct Entry {
    topic: &'static str,
    partition: u32,
    end: u64,
    first_dirty: Option<u64>,
}

/// Writes the replicas of `broker` and the files beside them into `kafka`.
pub(super) fn write(kafka: &Path, broker: &Broker) -> io::Result<()> {
    let mut entries = Vec::new();
    for ((partition, bytes), target) in broker.replicas.iter().zip(targets(broker)) {
        let end = end_offset(*partition);
        let segments = segments(*bytes, end, broker.cleaner);
        let first_dirty = first_dirty(&segments, broker.cleaner);
        let died_here = matches!(broker.cleaner, Cleaner::Died { partition: died, .. } if died == *partition);
        write_replica(&kafka.join(format!("{TOPIC}-{partition}")), &segments, target, died_here)?;
        entries.push(Entry { topic: TOPIC, partition: *partition, end, first_dirty });
    }
    write_ordinary(kafka, broker, &mut entries)?;
    write_checkpoints(kafka, broker, &entries)
}

/// The bytes to allocate per replica: so much is taken off each large one that the figures of
/// `du -h`, which rounds up, are the incident's, and their total too.
fn targets(broker: &Broker) -> Vec<u64> {
    let large = broker.replicas.iter().filter(|(_, bytes)| *bytes >= SEGMENT).count() as u64;
    let sum: u64 = broker.replicas.iter().map(|(_, bytes)| bytes / SCALE).sum();
    let surplus = sum.saturating_sub(broker.du_total * MIB - 3 * MIB / 10) / large.max(1);
    let scaled = broker.replicas.iter().map(|(_, bytes)| (bytes / SCALE, *bytes >= SEGMENT));
    scaled.map(|(bytes, large)| if large { bytes - surplus } else { bytes / BLOCK * BLOCK }).collect()
}

/// A replica's segments: compacted ones first, then full ones, the active one last.
fn segments(bytes: u64, end: u64, cleaner: Cleaner) -> Vec<Segment> {
    let mut lengths = match cleaner {
        _ if bytes < SEGMENT => vec![bytes * 7 / 10],
        Cleaner::Died { .. } => vec![SEGMENT / 4],
        Cleaner::Alive => vec![SEGMENT],
    };
    let mut left = bytes - lengths[0];
    while left > 0 {
        let next = left.min(SEGMENT);
        lengths.push(next);
        left -= next;
    }
    // A dead cleaner's offsets grow with the bytes after the point it reached; a living one has
    // left all but the active segment compacted.
    let (head, knee, offsets) = match cleaner {
        Cleaner::Died { reached, .. } => (lengths[0], bytes, (end * reached / 100, end)),
        Cleaner::Alive => (0, bytes - lengths[lengths.len() - 1], (0, end * 96 / 100)),
    };
    let mut before = 0;
    let mut segments = Vec::with_capacity(lengths.len());
    for log_bytes in lengths {
        let base = match before {
            0 => 0,
            // In MiB the product stays far below 2^64.
            _ => offsets.0 + (offsets.1 - offsets.0) * ((before - head) / MIB) / ((knee - head) / MIB).max(1),
        };
        segments.push(Segment { base, log_bytes });
        before += log_bytes;
    }
    segments
}

/// Where the cleaner would go on: a living one at the active segment, a dead one where it stopped.
fn first_dirty(segments: &[Segment], cleaner: Cleaner) -> Option<u64> {
    let segment = match cleaner {
        Cleaner::Alive => segments.last(),
        Cleaner::Died { .. } => segments.get(1),
    };
    segment.map(|segment| segment.base)
}

/// One replica directory that takes `target` bytes of blocks, its own included.
fn write_replica(dir: &Path, segments: &[Segment], target: u64, died_here: bool) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let own = fs::metadata(dir)?.blocks() * 512;
    let unfinished = ["log.cleaned", "index.cleaned", "timeindex.cleaned"];
    let unfinished = if died_here { &unfinished[..] } else { &[] };
    let fixed = own + (segments.len() as u64 * 2 + unfinished.len() as u64) * BLOCK;
    let room = target.saturating_sub(fixed);
    let total: u64 = segments.iter().map(|segment| segment.log_bytes).sum();
    for segment in segments {
        let stem = format!("{:020}", segment.base);
        // In MiB the product stays far below 2^64.
        let share = room * (segment.log_bytes / MIB) / (total / MIB).max(1);
        let share = (share / BLOCK * BLOCK).max(BLOCK).min(segment.log_bytes);
        allocate(&dir.join(format!("{stem}.log")), segment.log_bytes, share)?;
        allocate(&dir.join(format!("{stem}.index")), BLOCK, BLOCK)?;
        allocate(&dir.join(format!("{stem}.timeindex")), BLOCK, BLOCK)?;
    }
    for name in unfinished {
        allocate(&dir.join(format!("{:020}.{name}", 0)), BLOCK, BLOCK)?;
    }
    Ok(())
}

/// A file of `length` bytes whose first `blocks` bytes are on the disk, the rest sparse.
fn allocate(path: &Path, length: u64, blocks: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_len(length)?;
    // A file system without fallocate takes only the blocks that are written.
    fallocate(&file, FallocateFlags::empty(), 0, blocks).or_else(|_| fill(&mut file, blocks))
}

/// Writes `count` bytes that no file system compresses away.
fn fill(file: &mut File, count: u64) -> io::Result<()> {
    let mut noise = Noise::new(count);
    let chunk: Vec<u8> = (0..1 << 16).map(|_| noise.below(256).to_le_bytes()[0]).collect();
    let mut left = count;
    while left > 0 {
        let n = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        file.write_all(&chunk[..n])?;
        left -= n as u64;
    }
    Ok(())
}

/// The topics nothing is wrong with: offsets on all three brokers, prices on two of the three each.
fn write_ordinary(kafka: &Path, broker: &Broker, entries: &mut Vec<Entry>) -> io::Result<()> {
    let position = BROKERS.iter().position(|one| one.id == broker.id).unwrap_or_default();
    let offsets = (0..4).map(|partition| ("__consumer_offsets", partition, 2 * MIB, 180_000));
    let prices = (0..6).map(|partition| ("priceStock", partition, 24 * MIB, 900_000));
    let held = prices.filter(|(_, partition, ..)| *partition as usize % 3 != position);
    for (topic, partition, bytes, offset) in offsets.chain(held) {
        // The same on every broker: seeded by topic and partition alone.
        let mut noise = Noise::new(u64::from(partition) * 1000 + offset);
        let (bytes, end) = (bytes + noise.below(bytes / 2), offset + noise.below(offset / 10));
        let segment = Segment { base: 0, log_bytes: bytes };
        write_replica(&kafka.join(format!("{topic}-{partition}")), &[segment], 5 * BLOCK, false)?;
        entries.push(Entry { topic, partition, end, first_dirty: None });
    }
    Ok(())
}

/// The checkpoints of a cluster at rest, and who the broker is.
fn write_checkpoints(kafka: &Path, broker: &Broker, entries: &[Entry]) -> io::Result<()> {
    let ends = checkpoint(entries.iter().map(|entry| (entry, entry.end)));
    let dirty = entries.iter().filter_map(|entry| entry.first_dirty.map(|offset| (entry, offset)));
    let now = moment("2017-04-03", super::incident::clock(14, 47, 56, 0));
    let cleaned = match broker.cleaner {
        Cleaner::Alive => now,
        Cleaner::Died { at: (date, millis), .. } => moment(date, millis),
    };
    let identity = format!("#\n#Mon Mar 20 08:00:09 CET 2017\nversion=0\nbroker.id={}\n", broker.id);
    put(&kafka.join("replication-offset-checkpoint"), &ends, now)?;
    put(&kafka.join("recovery-point-offset-checkpoint"), &ends, now)?;
    put(&kafka.join("cleaner-offset-checkpoint"), &checkpoint(dirty), cleaned)?;
    put(&kafka.join("meta.properties"), &identity, moment("2017-03-20", super::incident::clock(8, 0, 9, 0)))
}

/// Kafka's offset file: version, count, then topic, partition and offset a line.
fn checkpoint<'a>(entries: impl Iterator<Item = (&'a Entry, u64)>) -> String {
    let lines = entries.map(|(entry, offset)| format!("{} {} {offset}\n", entry.topic, entry.partition));
    let lines: Vec<String> = lines.collect();
    format!("0\n{}\n{}", lines.len(), lines.concat())
}

/// Writes a file that was last changed at `at`.
pub(super) fn put(path: &Path, text: &str, at: Option<SystemTime>) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    at.map_or(Ok(()), |at| file.set_modified(at))
}

/// A local date and time of day as the file system keeps it; `None` where this zone has no such.
pub(super) fn moment(date: &str, millis: u32) -> Option<SystemTime> {
    let date: Date = date.parse().ok()?;
    let time = jiff::civil::Time::midnight().checked_add(jiff::Span::new().milliseconds(millis)).ok()?;
    let zoned = DateTime::from_parts(date, time).to_zoned_datetime(TimeZone::system()).ok()?;
    let since = u64::try_from(zoned.timestamp().as_millisecond()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_rise_and_hold_all_bytes() {
        for broker in &BROKERS {
            for (partition, bytes) in broker.replicas {
                let end = end_offset(*partition);
                let segments = segments(*bytes, end, broker.cleaner);
                assert_eq!(segments.iter().map(|segment| segment.log_bytes).sum::<u64>(), *bytes);
                assert!(segments.windows(2).all(|pair| pair[0].base < pair[1].base), "{segments:?}");
                assert!(segments.iter().all(|segment| segment.base < end && segment.log_bytes <= SEGMENT));
            }
        }
    }

    #[test]
    fn blocks_are_taken_where_they_must_be_written_too() {
        let dir = tempfile::tempdir().unwrap();
        for fall_back in [false, true] {
            let path = dir.path().join(fall_back.to_string());
            if fall_back {
                let mut file = File::create(&path).unwrap();
                file.set_len(10 * MIB).unwrap();
                fill(&mut file, 150_000).unwrap();
            } else {
                allocate(&path, 10 * MIB, 150_000).unwrap();
            }
            let there = fs::metadata(&path).unwrap();
            assert_eq!(there.len(), 10 * MIB);
            assert!((150_000..250_000).contains(&(there.blocks() * 512)), "{}", there.blocks());
        }
    }

    #[test]
    fn a_dead_cleaner_leaves_most_of_a_large_log_dirty() {
        for broker in &BROKERS {
            for (partition, bytes) in broker.replicas.iter().filter(|(_, bytes)| *bytes >= SEGMENT) {
                let segments = segments(*bytes, end_offset(*partition), broker.cleaner);
                let from = first_dirty(&segments, broker.cleaner).unwrap();
                let closed = &segments[..segments.len() - 1];
                let all: u64 = closed.iter().map(|segment| segment.log_bytes).sum();
                let dirty = closed.iter().filter(|segment| segment.base >= from);
                let dirty: u64 = dirty.map(|segment| segment.log_bytes).sum();
                let ratio = dirty as f64 / all as f64;
                match broker.cleaner {
                    Cleaner::Alive => assert_eq!(dirty, 0),
                    Cleaner::Died { .. } => assert!(ratio > 0.85, "{} {partition}: {ratio}", broker.address),
                }
            }
        }
    }
}
