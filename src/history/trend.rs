//! What a topic's replicas took in a kept round, read without making the round of it.

use std::io::{BufReader, Read as _};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::round::ReplicaKind;

/// A replica's `.log` bytes on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    pub host: String,
    pub partition: u32,
    /// Bytes.
    pub log_bytes: u64,
}

// A packed round as far as it is looked at; everything else is passed over without being kept.

#[derive(Deserialize)]
struct Round {
    visits: Vec<Visit>,
}

#[derive(Deserialize)]
struct Visit {
    host: String,
    probes: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    evidence: Evidence,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Evidence {
    None,
    Facts,
    DiskUsage(Usage),
    LogGrep(IgnoredAny),
    DiskFree(IgnoredAny),
    Command(IgnoredAny),
}

#[derive(Deserialize)]
struct Usage {
    replicas: Vec<Replica>,
}

#[derive(Deserialize)]
struct Replica {
    topic: String,
    partition: u32,
    kind: ReplicaKind,
    log_bytes: u64,
}

/// The sizes of a topic's replicas, or of one partition's.
pub fn sizes(data: &[u8], most: u64, topic: &str, partition: Option<u32>) -> Result<Vec<Size>, String> {
    let unpacker = zstd::Decoder::new(data).map_err(|error| error.to_string())?;
    let round: Round =
        serde_json::from_reader(BufReader::new(unpacker.take(most))).map_err(|error| error.to_string())?;
    let mut found: Vec<Size> = Vec::new();
    for visit in round.visits {
        for answer in visit.probes {
            // What holds no replica.
            let Evidence::DiskUsage(usage) = answer.evidence else { continue };
            let meant = usage.replicas.into_iter().filter(|replica| {
                replica.kind == ReplicaKind::Current
                    && replica.topic == topic
                    && partition.is_none_or(|partition| replica.partition == partition)
            });
            for replica in meant {
                let size = Size {
                    host: visit.host.clone(),
                    partition: replica.partition,
                    log_bytes: replica.log_bytes,
                };
                // Two probes may look at one directory.
                if !found.iter().any(|one| one.host == size.host && one.partition == size.partition) {
                    found.push(size);
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rounds;

    #[test]
    fn a_topics_sizes_are_read_out_of_a_packed_round() {
        let round = rounds::round(vec![
            rounds::host("a")
                .disk(vec![
                    rounds::replica("t", 0, 5),
                    rounds::replica("t", 1, 6),
                    rounds::replica("u", 0, 7),
                ])
                .log("/l/server.log", &["[2017-04-04 09:12:10,123] ERROR x (kafka.server.Thing)"]),
            rounds::host("b").disk(vec![rounds::replica("t", 0, 8)]),
        ]);
        let packed = zstd::encode_all(serde_json::to_vec(&round).unwrap().as_slice(), 3).unwrap();
        let size = |host: &str, partition, log_bytes| Size { host: host.into(), partition, log_bytes };
        let all = sizes(&packed, 1 << 20, "t", None).unwrap();
        assert_eq!(all, [size("a", 0, 5), size("a", 1, 6), size("b", 0, 8)]);
        assert_eq!(sizes(&packed, 1 << 20, "t", Some(1)).unwrap(), [size("a", 1, 6)]);
        assert_eq!(sizes(&packed, 1 << 20, "x", None).unwrap(), []);
        assert!(sizes(&packed, 100, "t", None).is_err());
        assert!(sizes(b"no", 100, "t", None).is_err());
    }
}
