//! Recordings of real clusters, 0.10.1 to 4.1: each finding that must be made of them, and no other above a
//! notice. `tests/fixtures/recorded/NAME.expect.json` has what happened and what was measured meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::compare::rounds;
use crate::intake::log_text;
use crate::kafka::{checkpoint, meta_properties, replica_dir};
use crate::round::{
    Access, Broker, Clock, Coverage, DiskUsage, Evidence, Facts, LogDir, LogFile, LogGrep, Mount, Outcome,
    ProbeAnswer, Replica, ReplicaDetail, ReplicaKind, Visit,
};

const DATA: &str = "/services/kafka";
const LOGS: &str = "/services/log/kafka/";
const ETC: &str = "/services/etc/kafka/server.properties";

/// A recording, and the files of each node that it keeps with their content.
struct Recording {
    manifest: Value,
    files: BTreeMap<String, Vec<u8>>,
}

/// One node of it.
struct Node<'a> {
    name: &'a str,
    manifest: &'a Value,
    files: &'a BTreeMap<String, Vec<u8>>,
}

impl Recording {
    fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/recorded")
            .join(format!("{name}.tar.gz"));
        let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(path).unwrap()));
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(path, content);
        }
        Recording { manifest: serde_json::from_slice(&files["manifest.json"]).unwrap(), files }
    }

    fn round(&self) -> Round {
        let nodes = self.manifest["nodes"].as_array().unwrap().iter().map(|manifest| {
            Node { name: manifest["name"].as_str().unwrap(), manifest, files: &self.files }.visit()
        });
        let mut round = rounds::round(nodes.collect());
        let at = Timestamp::from_second(self.manifest["recorded"].as_f64().unwrap() as i64).unwrap();
        (round.started, round.finished) = (at, at);
        round
    }
}

impl Node<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let content = self.files.get(&format!("nodes/{}{path}", self.name))?;
        Some(String::from_utf8_lossy(content).into_owned())
    }

    fn listed(&self) -> impl Iterator<Item = (&str, &Value)> {
        let files = self.manifest["files"].as_array().unwrap();
        files.iter().filter(|file| file["dir"] != true).map(|file| (file["path"].as_str().unwrap(), file))
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let text = self.text(ETC).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn visit(&self) -> Visit {
        let settings = self.settings();
        let dirs: Vec<String> =
            settings.get("log.dirs").map_or(DATA, String::as_str).split(',').map(str::to_owned).collect();
        let log_dirs: Vec<LogDir> = dirs.iter().map(|dir| self.log_dir(dir)).collect();
        let roles = settings.get("process.roles").map_or("broker", String::as_str);
        let broker = Broker {
            running: self.manifest["running"].as_bool(),
            pid: (self.manifest["running"] == true).then_some(1),
            roles: roles.split(',').map(str::to_owned).collect(),
            id: log_dirs.iter().find_map(|dir| dir.broker_id),
            version: self.manifest["kafka"].as_str().map(str::to_owned),
            log_dirs: dirs.clone(),
            logs_dir: Some(LOGS.to_owned()),
            settings,
            ..Broker::default()
        };
        let mut probes = vec![self.disk_usage(&dirs, &log_dirs), self.logs()];
        if let Some(mount) = self.manifest["own_mount"].as_object() {
            let number = |name: &str| mount[name].as_u64().unwrap();
            let mount = Mount {
                device: "tmpfs".into(),
                mount: DATA.into(),
                size_bytes: number("size"),
                used_bytes: number("size") - number("free"),
                available_bytes: number("free"),
                ..Mount::default()
            };
            probes.push(answer("disk_free", Evidence::DiskFree(vec![mount]), vec![Coverage::complete(DATA)]));
        }
        Visit {
            address: format!("{}:22", self.manifest["addr"].as_str().unwrap()),
            plays: vec![0],
            attempts: 1,
            facts: Some(Facts {
                clock: Some(Clock { offset_s: 0.0, uncertainty_s: 0.01, zone_s: 0, zone_name: None }),
                log_dirs,
                ..Facts::default()
            }),
            broker: Some(broker),
            probes,
            ..Visit::blank(self.name, Outcome::Ok)
        }
    }

    fn log_dir(&self, dir: &str) -> LogDir {
        let identity =
            meta_properties::parse(&self.text(&format!("{dir}/meta.properties")).unwrap_or_default());
        let read = |name: &str| {
            let text = self.text(&format!("{dir}/{name}"))?;
            // A starting broker makes them empty.
            if text.is_empty() { Some(Vec::new()) } else { checkpoint::parse(&text).ok() }
        };
        let cleaner = format!("{dir}/cleaner-offset-checkpoint");
        let written = self.listed().find(|(path, _)| *path == cleaner);
        LogDir {
            path: dir.to_owned(),
            access: Access::Readable,
            broker_id: identity.broker_id,
            cluster_id: identity.cluster_id,
            high_watermarks: read("replication-offset-checkpoint"),
            recovery_points: read("recovery-point-offset-checkpoint"),
            log_starts: read("log-start-offset-checkpoint"),
            first_dirty: read("cleaner-offset-checkpoint"),
            clean_shutdown: self.listed().any(|(path, _)| path == format!("{dir}/.kafka_cleanshutdown")),
            first_dirty_written: written.and_then(|(_, file)| file["mtime"].as_f64()).map(|at| at as i64),
            metadata: self
                .listed()
                .any(|(path, _)| path.starts_with(&format!("{dir}/__cluster_metadata-0/"))),
            ..LogDir::default()
        }
    }

    /// As the probe adds them up on the node.
    fn disk_usage(&self, dirs: &[String], log_dirs: &[LogDir]) -> ProbeAnswer {
        let mut segments: BTreeMap<(usize, &str), Vec<(u64, u64)>> = BTreeMap::new();
        let mut replicas: BTreeMap<(usize, &str), Replica> = BTreeMap::new();
        for (path, file) in self.listed() {
            let Some((log_dir, rest)) = dirs
                .iter()
                .enumerate()
                .find_map(|(at, dir)| Some((at, path.strip_prefix(&format!("{dir}/"))?)))
            else {
                continue;
            };
            let Some((dir, name)) = rest.split_once('/') else { continue };
            let Some(parsed) = replica_dir::parse(dir) else { continue };
            let replica = replicas.entry((log_dir, dir)).or_insert_with(|| Replica {
                topic: parsed.topic.into(),
                partition: parsed.partition,
                kind: parsed.kind,
                log_dir: u32::try_from(log_dir).unwrap(),
                allocated_bytes: 4096,
                ..Replica::default()
            });
            replica.allocated_bytes += file["allocated"].as_u64().unwrap();
            replica.cleaned_files += u32::from(name.ends_with(".cleaned") || name.ends_with(".swap"));
            replica.deleted_files += u32::from(name.ends_with(".deleted"));
            if let Some(base) = name.strip_suffix(".log").and_then(|base| base.parse::<u64>().ok()) {
                segments.entry((log_dir, dir)).or_default().push((base, file["size"].as_u64().unwrap()));
                replica.newest_mtime = replica.newest_mtime.max(file["mtime"].as_f64().map(|at| at as i64));
            }
        }
        let mut details = Vec::new();
        for (index, ((log_dir, dir), replica)) in (0u32..).zip(&mut replicas) {
            let mut segments = segments.remove(&(*log_dir, dir)).unwrap_or_default();
            segments.sort_unstable();
            let dirty = log_dirs[*log_dir]
                .first_dirty
                .iter()
                .flatten()
                .find(|entry| entry.topic == replica.topic && entry.partition == replica.partition);
            replica.log_bytes = segments.iter().map(|(_, size)| size).sum();
            replica.segments = u32::try_from(segments.len()).unwrap();
            replica.first_base = segments.first().map(|(base, _)| *base);
            replica.last_base = segments.last().map(|(base, _)| *base);
            replica.active_bytes = segments.last().map_or(0, |(_, size)| *size);
            let clean = segments.iter().filter(|(base, _)| dirty.is_some_and(|dirty| *base < dirty.offset));
            replica.clean_bytes = clean.map(|(_, size)| size).sum();
            if replica.kind == ReplicaKind::Current {
                let file = |name: &str| self.text(&format!("{}/{dir}/{name}", dirs[*log_dir]));
                let epochs = file("leader-epoch-checkpoint").map(|text| {
                    let rows = text.lines().skip(2).filter_map(|line| line.split_once(' '));
                    rows.filter_map(|(epoch, at)| Some((epoch.parse().ok()?, at.parse().ok()?))).collect()
                });
                let topic_id = file("partition.metadata").and_then(|text| {
                    text.lines().find_map(|line| Some(line.strip_prefix("topic_id: ")?.to_owned()))
                });
                details.push(ReplicaDetail { replica: index, epochs, topic_id });
            }
        }
        let usage = DiskUsage {
            log_dirs: dirs.to_vec(),
            replicas: replicas.into_values().collect(),
            details,
            ..DiskUsage::default()
        };
        answer("disk_usage", Evidence::DiskUsage(usage), dirs.iter().map(Coverage::complete).collect())
    }

    fn logs(&self) -> ProbeAnswer {
        let prefix = format!("nodes/{}{LOGS}", self.name);
        let mut grep = LogGrep { pattern: crate::probe::log_grep::KAFKA.into(), ..LogGrep::default() };
        let mut coverage = Vec::new();
        let files = self.files.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        // The garbage collector writes a log of its own.
        for (path, content) in files.filter(|(path, _)| !path.contains("-gc.log")) {
            let path = path[format!("nodes/{}", self.name).len()..].to_owned();
            let number = u32::try_from(grep.files.len()).unwrap();
            let access = if content.is_empty() { Access::Empty } else { Access::Readable };
            coverage.push(Coverage::complete(&path));
            grep.files.push(LogFile { path, access, beyond: 0, ..LogFile::default() });
            let read = log_text::read(content.as_slice(), usize::MAX).unwrap();
            grep.records.extend(read.records.into_iter().map(|mut record| {
                record.file = number;
                record
            }));
        }
        answer("log_grep", Evidence::LogGrep(grep), coverage)
    }
}

fn answer(probe: &str, evidence: Evidence, coverage: Vec<Coverage>) -> ProbeAnswer {
    ProbeAnswer { play: 0, probe: probe.into(), evidence, coverage, seconds: 0.0 }
}

/// `code broker`, `code topic` or `code`, of everything above a notice.
fn grave(round: &Round) -> (BTreeSet<String>, String) {
    let found = findings(round);
    let grave = found.iter().filter(|finding| finding.severity != Severity::Notice).map(|finding| {
        let subject = &finding.subject;
        let about = subject.broker.clone().or_else(|| subject.topic.clone());
        let pair = subject.pair.as_ref().map(|[a, b]| format!("{a}/{b}"));
        match pair.or(about) {
            Some(about) => format!("{} {about}", finding.code.word()),
            None => finding.code.word().to_owned(),
        }
    });
    (grave.collect(), titles(&found))
}

/// What each recording must give; nothing else may stand above a notice.
struct Truth {
    name: &'static str,
    must: &'static [&'static str],
}

const fn quiet(name: &'static str) -> Truth {
    Truth { name, must: &[] }
}

const TRUTHS: [Truth; 115] = [
    quiet("healthy-0.10"),
    quiet("healthy-2.8"),
    quiet("healthy-4.1"),
    quiet("created-deleted-0.10"),
    quiet("created-deleted-2.8"),
    quiet("created-deleted-4.1"),
    quiet("dir-move-3.9"),
    quiet("reassigning-2.8"),
    quiet("upgrade-0.10"),
    quiet("reassigning-4.1"),
    // A crash that is over is told, so that somebody asks why.
    Truth { name: "crash-0.10", must: &["broker-crashed broker-0002"] },
    Truth { name: "crash-2.8", must: &["broker-crashed broker-0002"] },
    Truth { name: "crash-4.1", must: &["broker-crashed broker-0002"] },
    Truth {
        name: "cleaner-off-0.10",
        // Without a cleaner every replica of a broker keeps all updates: one factor over each of its pairs.
        must: &[
            "broker-pair-bias broker-0001/broker-0003",
            "broker-pair-bias broker-0002/broker-0003",
            "cleaner-behind completeProduct",
            "cleaner-disabled broker-0003",
            "replica-skew completeProduct",
            "settings-differ",
        ],
    },
    Truth {
        name: "cleaner-off-3.9",
        // The cleaner of broker-0001 was between two rounds: its replicas are uneven, and its pair has no one factor.
        must: &[
            "broker-pair-bias broker-0002/broker-0003",
            "cleaner-behind completeProduct",
            "cleaner-disabled broker-0003",
            "replica-skew completeProduct",
            "settings-differ",
        ],
    },
    Truth { name: "disk-full-3.9", must: &["disk-full broker-0003", "log-dir-offline broker-0003"] },
    Truth {
        name: "jbod-offline-2.8",
        must: &["disk-full broker-0003", "isr-shrinking broker-0003", "log-dir-offline broker-0003"],
    },
    Truth {
        name: "jbod-offline-4.1",
        must: &["disk-full broker-0003", "isr-shrinking broker-0003", "log-dir-offline broker-0003"],
    },
    Truth { name: "min-isr-2.8", must: &["broker-crashed broker-0003", "under-min-isr productUpdates"] },
    Truth { name: "min-isr-3.9", must: &["broker-crashed broker-0003", "under-min-isr productUpdates"] },
    // The replicas of a broker that is down are behind by nature; that it is down is the finding.
    Truth { name: "under-replicated-3.9", must: &["broker-crashed broker-0003"] },
    Truth { name: "stray-replica-3.9", must: &["replica-stray completeProduct", "replica-stray oldFeed"] },
    // What is short is no cleaner's doing, so a pair that differs by it has no bias.
    Truth {
        name: "short-replica-0.10",
        // Both holders of twelve partitions are down.
        must: OFFLINE,
    },
    Truth { name: "truncation-0.10", must: TRUNCATED },
    Truth { name: "truncation-kraft-4.1", must: TRUNCATED },
    Truth { name: "truncation-zk-2.8", must: TRUNCATED },
    // From 1.1 to 2.3 a cut by leader epoch is one INFO line among many, and the election none.
    Truth { name: "truncation-1.1", must: TRUNCATED },
    Truth {
        name: "cleaner-died-1.1",
        must: &[
            "broker-pair-bias broker-0002/broker-0003",
            "cleaner-behind completeProduct",
            "cleaner-dead broker-0002",
            "replica-skew completeProduct",
        ],
    },
    // The only controller, a broker too, was killed.
    Truth { name: "quorum-lost-3.3", must: &["broker-crashed broker-0001", "controller-moved"] },
    Truth { name: "wrong-cluster-3.6", must: &["cluster-id-mismatch broker-0003", "isr-shrinking broker 3"] },
    // Deleted and made anew while a broker was down: it deletes its old replicas.
    quiet("recreated-3.6"),
    // Every log dir is given up for want of open files, and the broker stops.
    Truth { name: "open-files-2.4", must: &["log-dir-offline broker-0003"] },
    // Killed, and the tails of two logs overwritten: cut at the start, and fetched anew.
    Truth { name: "damaged-4.0", must: &["broker-crashed broker-0003", "record-corrupt broker-0003"] },
    quiet("healthy-1.1"),
    // Each broker stopped and started in turn, with producers at work.
    quiet("rolling-3.6"),
    // A broker stood still for half a minute: its session expired once, and it came back by itself.
    quiet("frozen-2.4"),
    quiet("rolling-2.4"),
    // KRaft refuses a quick restart until the broker's own old registration has run out.
    quiet("rolling-4.0"),
    quiet("frozen-3.6"),
    // A broker was down for a while: a topic is deleted, or its whole disk or its checkpoints are new afterwards.
    quiet("del-down-2.4"),
    quiet("del-down-4.0"),
    quiet("emptied-1.1"),
    quiet("lost-checkpoints-2.8"),
    Truth { name: "bad-index-1.1", must: &["broker-crashed broker-0003"] },
    Truth { name: "same-id-2.4", must: &["broker-crashed broker-0003", "broker-id-duplicate broker-0002"] },
    // Under the other's id it takes its own replicas for strays.
    Truth {
        name: "same-id-3.9",
        must: &["broker-id-duplicate broker-0002", "isr-shrinking broker 3", "replica-stray completeProduct"],
    },
    Truth { name: "read-only-3.6", must: &["log-dir-offline broker-0003"] },
    // Segments that retention may not rename: the directory is given up, and the broker stops.
    Truth { name: "ret-fail-2.4", must: &["log-dir-offline broker-0003"] },
    // ZooKeeper died, and a broker after it.
    Truth { name: "zk-down-2.4", must: &["broker-crashed broker-0003", "session-lost"] },
    Truth { name: "zk-down-1.1", must: &["broker-crashed broker-0003", "session-lost"] },
    // It was away for twenty seconds.
    quiet("zk-flap-2.8"),
    // A heap too small to start with, while its peers took in what it lacks.
    Truth { name: "oom-2.4", must: &["broker-crashed broker-0003", "replica-short priceStock"] },
    // Killed and started at once: its own registration is in the way for nine seconds.
    // There the start fails.
    Truth { name: "quick-2.4", must: &["broker-crashed broker-0002"] },
    Truth { name: "quick-4.0", must: &["broker-crashed broker-0002"] },
    // An election by hand, of one partition of two.
    Truth { name: "elect-unclean-4.0", must: TRUNCATED },
    Truth { name: "elect-unclean-2.8", must: TRUNCATED },
    quiet("healthy-0.9"),
    quiet("healthy-0.11"),
    quiet("healthy-4.3"),
    Truth { name: "truncation-0.11", must: TRUNCATED },
    Truth { name: "truncation-4.3", must: TRUNCATED },
    // Somebody deleted a replica's directory under the running broker.
    Truth { name: "rm-dir-2.4", must: DELETED },
    Truth { name: "rm-dir-3.9", must: DELETED },
    // And segments of it.
    Truth { name: "rm-seg-2.4", must: &["log-dir-offline broker-0003"] },
    // Two were killed, one came back; what the other led alone has no leader.
    Truth {
        name: "two-down-4.1",
        must: &["broker-crashed broker-0002", "broker-crashed broker-0003", "under-min-isr completeProduct"],
    },
    // The old leader never came back: it holds what the new one lacks.
    Truth { name: "never-back-0.10", must: LEFT_BEHIND },
    Truth { name: "never-back-4.0", must: LEFT_BEHIND },
    Truth {
        name: "never-back-2.8",
        must: &[
            "broker-crashed broker-0002",
            "epochs-diverged completeProduct",
            "unclean-election completeProduct",
        ],
    },
    Truth { name: "truncation-2.4", must: TRUNCATED },
    Truth { name: "uncleanable-2.8", must: SET_ASIDE },
    Truth { name: "uncleanable-3.9", must: SET_ASIDE },
    Truth {
        name: "overtaken-0.10",
        must: &[
            "broker-crashed broker-0002",
            "epochs-diverged completeProduct",
            "unclean-election completeProduct",
        ],
    },
    Truth { name: "overtaken-3.9", must: TRUNCATED },
    // What was cut is not lost: broker-0003 still has it, and must not follow.
    Truth {
        name: "kept-2.8",
        must: &[
            "broker-crashed broker-0002",
            "broker-crashed broker-0003",
            "epochs-diverged completeProduct",
            "replica-truncated completeProduct",
            "unclean-election completeProduct",
        ],
    },
    Truth { name: "emptied-log-4.1", must: &["isr-shrinking broker-0002", "replica-lagging broker-0002"] },
    Truth { name: "single-copy-1.1", must: &["broker-crashed broker-0003", "under-min-isr single"] },
    quiet("rolling-3.5"),
    quiet("new-topics-1.1"),
    // Its process is there, and it does nothing.
    Truth { name: "hung-2.8", must: HUNG },
    Truth { name: "hung-3.9", must: HUNG },
    // Four times within two minutes.
    Truth { name: "flapping-2.8", must: &["session-lost broker-0003"] },
    Truth { name: "flapping-3.9", must: &["broker-fenced broker-0003"] },
    Truth { name: "lost-identity-3.9", must: &["broker-crashed broker-0003"] },
    Truth { name: "bad-setting-0.10", must: &["broker-crashed broker-0002"] },
    Truth {
        name: "torn-checkpoint-3.9",
        must: &["broker-crashed broker-0003", "log-dir-offline broker-0003"],
    },
    // Who was stopped last must be started first.
    Truth {
        name: "two-stopped-3.9",
        must: &["replica-short completeProduct", "under-min-isr completeProduct"],
    },
    // The stopped broker keeps what it does not know to be deleted.
    quiet("deleted-while-down-2.8"),
    Truth { name: "retention-differs-0.10", must: &["replica-skew events"] },
    // 1.5 MB beside 126 KB: four segments say nothing there, and offsets say all.
    Truth { name: "short-replica-4.1", must: OFFLINE },
    Truth {
        name: "leaderless-3.6",
        must: &[
            "broker-crashed broker-0002",
            "isr-shrinking broker-0003",
            "replica-short completeProduct",
            "under-min-isr completeProduct",
        ],
    },
    // Its disk was replaced while its follower was down, and it was the only one in sync.
    Truth {
        name: "wiped-disk-2.8",
        must: &["data-lost completeProduct", "replica-truncated completeProduct"],
    },
    Truth {
        name: "wiped-disk-4.1",
        must: &[
            "data-lost completeProduct",
            "replica-truncated completeProduct",
            "unclean-election completeProduct",
        ],
    },
    // Upgraded without inter.broker.protocol.version.
    Truth { name: "protocol-2.4", must: &["replica-lagging broker-0003"] },
    Truth { name: "protocol-0.10", must: &["replica-lagging broker-0003"] },
    quiet("versions-mixed-3.9"),
    Truth { name: "disk-filling-3.9", must: &["disk-filling broker-0003"] },
    // A client's version that this broker does not know.
    Truth { name: "nonsense-2.4", must: &["unknown-errors"] },
    // KAFKA-3894: more keys in a segment than the cleaner's buffer holds.
    Truth {
        name: "offset-map-0.9",
        must: &["cleaner-dead broker-0001", "cleaner-dead broker-0002", "cleaner-dead broker-0003"],
    },
    Truth {
        name: "controller-full-3.9",
        must: &[
            "broker-crashed broker-0001",
            "controller-moved",
            "disk-full broker-0001",
            "log-dir-offline broker-0001",
        ],
    },
    Truth { name: "inodes-2.8", must: &["disk-full broker-0003", "log-dir-offline broker-0003"] },
    Truth { name: "unmounted-4.1", must: &["broker-crashed broker-0003", "replica-missing completeProduct"] },
    // What cuts there is the copy, not the replica.
    Truth { name: "dir-move-restart-4.1", must: &["broker-crashed broker-0003"] },
    Truth {
        name: "power-0.10",
        must: &["broker-crashed broker-0001", "broker-crashed broker-0002", "broker-crashed broker-0003"],
    },
    // All stopped, ZooKeeper emptied, all started: from 2.4 on the brokers refuse.
    Truth { name: "zk-emptied-1.1", must: &["cluster-id-mismatch"] },
    Truth {
        name: "zk-emptied-2.8",
        must: &[
            "broker-crashed broker-0001",
            "broker-crashed broker-0002",
            "broker-crashed broker-0003",
            "cluster-id-mismatch",
        ],
    },
    Truth {
        name: "another-cluster-3.6",
        must: &["broker-crashed broker-0003", "cluster-id-mismatch broker-0003", "isr-shrinking broker 3"],
    },
    // Leaders are refused for some seconds, and the broker that stood still until it follows.
    quiet("thaw-0.10"),
    // Nobody counts as in sync after that, and the last leaders lead again: nothing is lost.
    Truth {
        name: "power-4.1",
        must: &[
            "broker-crashed broker-0001",
            "broker-crashed broker-0002",
            "broker-crashed broker-0003",
            "unclean-election completeProduct",
            "unclean-election priceStock",
        ],
    },
    quiet("rolling-quorum-4.1"),
    Truth {
        name: "quorum-lost-4.1",
        must: &[
            "broker-crashed broker-0001",
            "broker-crashed broker-0002",
            "controller-moved",
            "under-min-isr completeProduct",
        ],
    },
    // The leader's only copy is damaged in the middle, and its follower begins anew.
    Truth {
        name: "bit-rot-4.1",
        must: &["isr-shrinking broker-0003", "record-corrupt broker-0003", "replica-empty completeProduct"],
    },
    Truth { name: "wrong-topic-id-2.8", must: &["topic-id-mismatch completeProduct"] },
    Truth { name: "torn-epochs-3.9", must: &["broker-crashed broker-0003", "log-dir-offline broker-0003"] },
    // No partition is named there.
    Truth { name: "too-large-0.9", must: TOO_LARGE },
    Truth { name: "too-large-2.4", must: TOO_LARGE },
];

/// The old leader was killed, and that is told too.
const TRUNCATED: &[&str] = &[
    "broker-crashed broker-0002",
    "data-lost completeProduct",
    "replica-truncated completeProduct",
    "unclean-election completeProduct",
];
const TOO_LARGE: &[&str] =
    &["replica-lagging broker-0001", "replica-lagging broker-0002", "replica-lagging broker-0003"];
const HUNG: &[&str] = &["broker-fenced broker-0003", "isr-shrinking broker-0003"];
const OFFLINE: &[&str] =
    &["broker-crashed broker-0002", "replica-short completeProduct", "under-min-isr completeProduct"];
const DELETED: &[&str] = &["log-dir-offline broker-0003", "replica-missing completeProduct"];
const LEFT_BEHIND: &[&str] = &["broker-crashed broker-0002", "unclean-election completeProduct"];
const SET_ASIDE: &[&str] =
    &["cleaner-behind completeProduct", "partition-uncleanable broker-0002", "replica-skew completeProduct"];

#[test]
fn every_recording_comes_out_right() {
    let mut wrong = Vec::new();
    for Truth { name, must } in TRUTHS {
        let (found, titles) = grave(&Recording::open(name).round());
        let missed: Vec<&&str> = must.iter().filter(|code| !found.contains(**code)).collect();
        let invented: Vec<&String> = found.iter().filter(|code| !must.contains(&code.as_str())).collect();
        if !missed.is_empty() || !invented.is_empty() {
            wrong.push(format!("{name}: missed {missed:?}, invented {invented:?}:{titles}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is quiet ends with status 0: nothing that must be seen is missing either.
#[test]
fn quiet_recordings_are_ok() {
    for Truth { name, .. } in TRUTHS.iter().filter(|truth| truth.must.is_empty()) {
        let round = Recording::open(name).round();
        let found = findings(&round);
        assert_eq!(crate::diagnose::verdict(&round, &found).exit_code, 0, "{name}:{}", titles(&found));
    }
}

/// What was measured in the cluster: the short replica ended at 1494 and 1465, the full ones at 2531 and 2460.
#[test]
fn what_an_unclean_leader_lacks_is_named() {
    for (name, offsets) in [("never-back-2.8", "2,032"), ("never-back-4.0", "2,032"), ("never-back-0.10", "")]
    {
        let found = findings(&Recording::open(name).round());
        let election = only(&found, Code::UncleanElection);
        let title = &election.title;
        assert!(title.contains(&format!("broker-0002, which is down, has {offsets}")), "{name}: {title}");
        assert!(election.next_steps[0].starts_with("Do not start broker-0002"), "{name}");
    }
    // It is back, and has cut its log: nobody holds them any more.
    let found = findings(&Recording::open("truncation-kraft-4.1").round());
    assert!(!only(&found, Code::UncleanElection).title.contains("which is down"));
}

#[test]
fn a_leader_that_began_anew_is_told_and_no_other() {
    for Truth { name, must } in TRUTHS {
        if !must.contains(&"data-lost completeProduct") {
            continue;
        }
        let found = findings(&Recording::open(name).round());
        let lost = only(&found, Code::DataLost);
        let anew = lost.meaning.contains("broker-0003 had begun these replicas anew when it started");
        assert_eq!(anew, name.starts_with("wiped-disk"), "{name}: {}", lost.meaning);
        assert_eq!(anew, lost.next_steps[0].contains("the former disk of broker-0003"), "{name}");
    }
}

#[test]
fn a_bug_with_a_way_around_it_is_told_with_it() {
    let found = findings(&Recording::open("offset-map-0.9").round());
    let dead = found.iter().find(|finding| finding.code == Code::CleanerDead).unwrap();
    assert!(dead.meaning.contains("KAFKA-3894"), "{}", dead.meaning);
    assert!(dead.next_steps[1].starts_with("Until then raise log.cleaner.dedupe.buffer.size"));
}

#[test]
fn a_disk_that_is_not_mounted_is_not_to_be_formatted() {
    let found = findings(&Recording::open("unmounted-4.1").round());
    let crashed = only(&found, Code::BrokerCrashed);
    assert!(crashed.next_steps[0].contains("the disk of /services/kafka/b is mounted"));
    assert!(crashed.next_steps[1].starts_with("Do not format"));
}

#[test]
fn the_last_leader_again_is_no_loss() {
    let found = findings(&Recording::open("power-4.1").round());
    let elections: Vec<&Finding> =
        found.iter().filter(|finding| finding.code == Code::UncleanElection).collect();
    assert!(elections.iter().all(|election| election.severity == Severity::Warning));
    assert!(elections[0].title.contains("became leader of 12 partitions of completeProduct again"));
    // Another replica than the last in sync.
    let found = findings(&Recording::open("truncation-kraft-4.1").round());
    assert_eq!(only(&found, Code::UncleanElection).severity, Severity::Critical);
}
