//! Replicas, brought together by topic and partition. A cluster may have a million of them: topics are
//! numbers here, and one sort does the grouping.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::compare::coverage::Looked;
use crate::compare::{Broker, Detail, Kind, Partition, Replica, Told, Topic};
use crate::round::{self, Checkpoint, DiskUsage, Evidence, LogDir, ReplicaDetail, ReplicaKind, Round};

/// A replica directory as a probe saw it, with where it belongs.
struct Row<'a> {
    topic: u32,
    partition: u32,
    broker: u32,
    kind: Kind,
    /// Index into the log dirs whose checkpoints were read.
    offsets: Option<u32>,
    brought: bool,
    replica: &'a round::Replica,
}

/// The topics of a cluster, sorted; counts each broker's replicas on the way.
pub fn topics(round: &Round, brokers: &mut [Broker]) -> Vec<Topic> {
    let mut names = Names::default();
    let mut offsets: Vec<&LogDir> = Vec::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut of_suspects: Vec<(u32, Detail)> = Vec::new();
    let mut told: Vec<(u32, Told)> = Vec::new();
    for (at, broker) in brokers.iter_mut().enumerate() {
        let Some(visit) = round.visits.get(broker.visit) else { continue };
        let dirs = visit.facts.as_ref().map_or(&[][..], |facts| &facts.log_dirs);
        let first = offsets.len();
        offsets.extend(dirs);
        let usages: Vec<(bool, &DiskUsage)> = visit
            .probes
            .iter()
            .filter_map(|answer| match &answer.evidence {
                Evidence::DiskUsage(usage) => Some((answer.brought(), usage)),
                _ => None,
            })
            .collect();
        let mut seen = Seen::new(usages.len());
        let looked = usages.iter().any(|(brought, _)| *brought).then(|| Looked::of(visit));
        // What was seen on the spot is how it is; a transcript is how it was.
        let outdated = |replica: &round::Replica| {
            let name = || format!("{}-{}", replica.topic, replica.partition);
            looked.as_ref().is_some_and(|looked| looked.whole && looked.covers(&name()))
        };
        for (turn, (brought, usage)) in usages.into_iter().enumerate() {
            let places: Vec<Option<u32>> = usage
                .log_dirs
                .iter()
                .map(|path| {
                    let place = dirs.iter().position(|dir| same_path(&dir.path, path))?;
                    u32::try_from(first + place).ok()
                })
                .collect();
            let mut details = usage.details.iter().peekable();
            for (index, replica) in (0u32..).zip(&usage.replicas) {
                // Details stand in the order of the replicas that they are about.
                while details.next_if(|detail| detail.replica < index).is_some() {}
                let detail = details.next_if(|detail| detail.replica == index);
                if seen.before(turn, usage, replica) || brought && outdated(replica) {
                    continue;
                }
                count(broker, replica);
                // A transcript of du knows no files, and kafka-log-dirs no blocks.
                broker.lengths_known |= !brought || replica.allocated_bytes == 0;
                broker.blocks_known |= !brought || replica.allocated_bytes > 0;
                if let Some(detail) = detail {
                    of_suspects.push((names.number(&replica.topic), suspect(at, replica, detail)));
                }
                if let Some(transcript) = &usage.transcript
                    && let Some(line) = self::at(&transcript.lines, index)
                {
                    told.push((
                        names.number(&replica.topic),
                        Told {
                            partition: replica.partition,
                            broker: at,
                            kind: kind(replica.kind),
                            file: transcript.file.clone(),
                            line: *line,
                        },
                    ));
                }
                let place = usize::try_from(replica.log_dir).ok().and_then(|dir| places.get(dir)).copied();
                rows.push(Row {
                    topic: names.number(&replica.topic),
                    partition: replica.partition,
                    kind: kind(replica.kind),
                    // A round has far fewer than 2^32 visits.
                    broker: u32::try_from(at).unwrap_or(u32::MAX),
                    offsets: place.flatten(),
                    brought,
                    replica,
                });
            }
        }
    }
    let offsets: Vec<Offsets> = offsets.into_iter().map(|dir| Offsets::of(dir, &mut names)).collect();
    let mut topics = gather(&names, rows, &offsets);
    for (number, detail) in of_suspects {
        if let Some(topic) = names.topic(&mut topics, number) {
            topic.details.push(detail);
        }
    }
    for (number, told) in told {
        if let Some(topic) = names.topic(&mut topics, number) {
            topic.told.push(told);
        }
    }
    for topic in &mut topics {
        topic.details.sort_by_key(|detail| (detail.partition, detail.broker, detail.kind));
        topic.told.sort_by_key(|told| (told.partition, told.broker, told.kind));
    }
    topics
}

fn suspect(broker: usize, replica: &round::Replica, detail: &ReplicaDetail) -> Detail {
    Detail {
        partition: replica.partition,
        broker,
        kind: kind(replica.kind),
        epochs: detail.epochs.clone(),
        topic_id: detail.topic_id.clone(),
    }
}

fn same_path(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn count(broker: &mut Broker, replica: &round::Replica) {
    broker.replicas = broker.replicas.saturating_add(u32::from(replica.kind == ReplicaKind::Current));
    broker.log_bytes = broker.log_bytes.saturating_add(replica.log_bytes);
    broker.allocated_bytes = broker.allocated_bytes.saturating_add(replica.allocated_bytes);
}

/// Replica directories by log dir that an earlier probe of the same host brought back.
struct Seen<'a> {
    /// One probe alone cannot bring a directory twice.
    needed: bool,
    directories: HashSet<(&'a str, &'a str, u32, u8, usize)>,
    turns: usize,
}

impl<'a> Seen<'a> {
    fn new(turns: usize) -> Self {
        Seen { needed: turns > 1, directories: HashSet::new(), turns }
    }

    fn before(&mut self, turn: usize, usage: &'a DiskUsage, replica: &'a round::Replica) -> bool {
        if !self.needed {
            return false;
        }
        let dir = usize::try_from(replica.log_dir).ok().and_then(|dir| usage.log_dirs.get(dir));
        let dir = dir.map_or("", |dir| dir.trim_end_matches('/'));
        let key = |turn| (dir, &*replica.topic, replica.partition, kind(replica.kind) as u8, turn);
        let earlier = (0..turn).any(|turn| self.directories.contains(&key(turn)));
        if !earlier && turn + 1 < self.turns {
            self.directories.insert(key(turn));
        }
        earlier
    }
}

/// Topic names as numbers.
#[derive(Default)]
struct Names<'a> {
    numbers: HashMap<&'a str, u32>,
    names: Vec<&'a str>,
    compacted: HashSet<u32>,
    /// Replicas of one topic come one after the other and share their name.
    last: Option<(&'a Arc<str>, u32)>,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: &'a Arc<str>) -> u32 {
        if let Some((last, number)) = self.last
            && Arc::ptr_eq(last, name)
        {
            return number;
        }
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            next
        });
        self.last = Some((name, number));
        number
    }

    /// The topic of a number, where topics stand by name.
    fn topic<'t>(&self, topics: &'t mut [Topic], number: u32) -> Option<&'t mut Topic> {
        let name = *at(&self.names, number)?;
        let place = topics.binary_search_by(|topic| topic.name.as_str().cmp(name)).ok()?;
        topics.get_mut(place)
    }

    /// Of names that some replica has.
    fn known(&mut self, name: &'a Arc<str>) -> Option<u32> {
        if let Some((last, number)) = self.last
            && Arc::ptr_eq(last, name)
        {
            return Some(number);
        }
        let number = *self.numbers.get(&**name)?;
        self.last = Some((name, number));
        Some(number)
    }
}

/// A log dir's checkpoints, sorted for look-up.
struct Offsets {
    seen: bool,
    high_watermarks: Vec<(u64, u64)>,
    recovery_points: Vec<(u64, u64)>,
    log_starts: Vec<(u64, u64)>,
    first_dirty: Vec<(u64, u64)>,
}

impl Offsets {
    fn of<'a>(dir: &'a LogDir, names: &mut Names<'a>) -> Self {
        let first_dirty = dir.first_dirty.as_deref().unwrap_or(&[]);
        for entry in first_dirty {
            if let Some(topic) = names.known(&entry.topic) {
                names.compacted.insert(topic);
            }
        }
        Offsets {
            seen: dir.high_watermarks.is_some(),
            high_watermarks: sorted(dir.high_watermarks.as_deref(), names),
            recovery_points: sorted(dir.recovery_points.as_deref(), names),
            log_starts: sorted(dir.log_starts.as_deref(), names),
            first_dirty: sorted(dir.first_dirty.as_deref(), names),
        }
    }
}

fn key(topic: u32, partition: u32) -> u64 {
    u64::from(topic) << 32 | u64::from(partition)
}

fn sorted<'a>(entries: Option<&'a [Checkpoint]>, names: &mut Names<'a>) -> Vec<(u64, u64)> {
    let entries = entries.unwrap_or(&[]);
    let mut sorted: Vec<(u64, u64)> = entries
        .iter()
        .filter_map(|entry| Some((key(names.known(&entry.topic)?, entry.partition), entry.offset)))
        .collect();
    sorted.sort_unstable();
    sorted
}

fn find(entries: &[(u64, u64)], key: u64) -> Option<u64> {
    let at = entries.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    entries.get(at).map(|(_, offset)| *offset)
}

/// Sorts the rows and cuts them into topics and partitions.
fn gather(names: &Names<'_>, mut rows: Vec<Row<'_>>, offsets: &[Offsets]) -> Vec<Topic> {
    let mut by_name: Vec<u32> = (0..).take(names.names.len()).collect();
    by_name.sort_unstable_by_key(|number| at(&names.names, *number).copied());
    let mut rank = vec![0u32; by_name.len()];
    for (place, number) in (0..).zip(&by_name) {
        if let Some(slot) = usize::try_from(*number).ok().and_then(|number| rank.get_mut(number)) {
            *slot = place;
        }
    }
    let rank = |row: &Row<'_>| at(&rank, row.topic).copied().unwrap_or(0);
    // Alike ones, as a partition that lies in two log dirs, stay in the order in which they were seen.
    rows.sort_by_key(|row| (key(rank(row), row.partition), key(row.broker, row.kind as u32)));
    let mut topics: Vec<Topic> = Vec::with_capacity(by_name.len());
    for of_topic in rows.chunk_by(|one, other| one.topic == other.topic) {
        let Some(number) = of_topic.first().map(|row| row.topic) else { continue };
        let groups = || of_topic.chunk_by(|one, other| one.partition == other.partition);
        let mut partitions = Vec::with_capacity(groups().count());
        for group in groups() {
            // Two or three of a kind: room for four would cost as much as another replica.
            let mut replicas = Vec::with_capacity(group.len());
            replicas.extend(group.iter().map(|row| replica(row, offsets)));
            partitions.push(Partition { partition: group.first().map_or(0, |row| row.partition), replicas });
        }
        topics.push(Topic {
            name: at(&names.names, number).map_or_else(String::new, |name| (*name).to_owned()),
            compacted: names.compacted.contains(&number),
            partitions,
            ..Topic::default()
        });
    }
    topics
}

fn at<T>(slice: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| slice.get(index))
}

fn kind(kind: ReplicaKind) -> Kind {
    match kind {
        ReplicaKind::Current => Kind::Current,
        ReplicaKind::Future => Kind::Future,
        ReplicaKind::Stray => Kind::Stray,
        ReplicaKind::Deleting => Kind::Deleting,
    }
}

fn replica(row: &Row<'_>, offsets: &[Offsets]) -> Replica {
    let of = row.replica;
    // The checkpoints are about replicas in use: a stray or deleted one has left them.
    let in_use = matches!(row.kind, Kind::Current | Kind::Future);
    let dir = row.offsets.filter(|_| in_use).and_then(|dir| at(offsets, dir));
    let key = key(row.topic, row.partition);
    Replica {
        broker: usize::try_from(row.broker).unwrap_or(usize::MAX),
        kind: row.kind,
        log_bytes: of.log_bytes,
        allocated_bytes: of.allocated_bytes,
        segments: of.segments,
        log_start: dir.and_then(|dir| find(&dir.log_starts, key)).or(of.first_base),
        high_watermark: dir.and_then(|dir| find(&dir.high_watermarks, key)),
        recovery_point: dir.and_then(|dir| find(&dir.recovery_points, key)),
        first_dirty: dir.and_then(|dir| find(&dir.first_dirty, key)),
        last_base: of.last_base,
        newest_mtime: of.newest_mtime,
        cleaned_files: of.cleaned_files,
        deleted_files: of.deleted_files,
        active_bytes: of.active_bytes,
        clean_bytes: of.clean_bytes,
        offsets_seen: dir.is_some_and(|dir| dir.seen),
        brought: row.brought,
        rounded_by: of.rounded_by,
    }
}

/// Topics that Kafka itself compacts (org.apache.kafka.common.internals.Topic).
const COMPACTED: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// What a topic should look like: the playbook's word, else what most of its partitions have. `ids`: those of the
/// cluster's brokers.
pub fn expect(round: &Round, plays: &[usize], ids: &[Option<i64>], topic: &mut Topic) {
    topic.ignored = plays
        .iter()
        .filter_map(|play| round.plays.get(*play))
        .any(|play| play.ignore_topics.iter().any(|glob| round::glob_matches(glob, &topic.name)));
    let expected: Vec<_> = plays.iter().map(|play| round.expectation(*play, &topic.name)).collect();
    topic.expected_partitions = expected.iter().find_map(|expected| expected.partitions);
    topic.expected_replicas = expected.iter().find_map(|expected| expected.replication_factor);
    topic.compacted = expected
        .iter()
        .find_map(|expected| expected.compacted)
        .unwrap_or(topic.compacted || COMPACTED.contains(&topic.name.as_str()));
    topic.expected_by_playbook = topic.expected_replicas.is_some();
    if let Some(described) = round.described(&topic.name) {
        topic.compacted = described.compacted().unwrap_or(topic.compacted);
        // While partitions are moved they have more replicas than the topic's own number.
        let moving = described.partitions.iter().any(|partition| partition.moving());
        if topic.expected_replicas.is_none() && !moving {
            topic.expected_replicas = described.replication_factor;
            topic.expected_by_kafka = topic.expected_replicas.is_some();
        }
    }
    // A topic of which some replicas may be out of sight has no mode to rely on.
    if topic.expected_replicas.is_none() && topic.complete {
        topic.expected_replicas = mode(topic, ids);
    }
}

/// The commonest number of replicas; of two equally common ones the larger.
///
/// Kafka assigns a replica to a broker id: where two disks have one id, the number of copies says nothing.
fn mode(topic: &Topic, ids: &[Option<i64>]) -> Option<u32> {
    let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
    let id = |replica: &Replica| ids.get(replica.broker).copied().flatten();
    for partition in &topic.partitions {
        for (at, replica) in partition.current().enumerate() {
            let mut before = partition.current().take(at);
            if before.any(|other| {
                other.broker != replica.broker && id(replica).is_some() && id(other) == id(replica)
            }) {
                return None;
            }
        }
        *counts.entry(partition.current().count()).or_default() += 1;
    }
    // A partition that has only strays left does not vote.
    let (replicas, _) = counts
        .into_iter()
        .filter(|(replicas, _)| *replicas > 0)
        .max_by_key(|(replicas, count)| (*count, *replicas))?;
    u32::try_from(replicas).ok()
}
