//! What the brokers wrote to `server.log`.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::incident::{Broker, FOLLOWER_ID, LEADER_ID, Noise, TOPIC, TRUNCATIONS, clock, end_offset};
use super::log_file::LogFile;

/// The restart of 10.200.8.176 onto 0.10.1.1: from its last record to its first.
pub(super) const RESTART: Range<u32> = clock(14, 15, 52, 0)..clock(14, 16, 21, 0);
/// The last minute anything was written.
pub(super) const END: u32 = clock(14, 48, 0, 0);

/// A Kafka release and the commit it says it was built from.
pub(super) const OLD: (&str, &str) = ("0.10.1.0", "3402a74efb23d1d4");
pub(super) const NEW: (&str, &str) = ("0.10.1.1", "f10ef2720b03b247");

/// Writes the current file, that of the hour before, and that of the broker's last long start.
pub(super) fn write(logs: &Path, broker: &Broker) -> io::Result<()> {
    let mut noise = Noise::new(broker.id.into());
    let mut start = LogFile::default();
    started(&mut start, clock(8, 0, 7, 0), broker, OLD);
    ordinary(&mut start, clock(8, 1, 0, 0)..clock(8, 59, 59, 0), 200, broker, &mut noise);
    start.write(&logs.join("server.log.2017-03-20-08"), "2017-03-20")?;

    let mut before = LogFile::default();
    ordinary(&mut before, clock(13, 0, 0, 0)..clock(14, 0, 0, 0), 1200, broker, &mut noise);
    before.write(&logs.join("server.log.2017-04-03-13"), "2017-04-03")?;

    let mut current = LogFile::default();
    if broker.id == FOLLOWER_ID {
        ordinary(&mut current, clock(14, 0, 0, 0)..RESTART.start - 3000, 400, broker, &mut noise);
        stopped(&mut current, RESTART.start - 2000, broker);
        started(&mut current, RESTART.end, broker, NEW);
        truncated(&mut current, broker);
        ordinary(&mut current, clock(14, 17, 0, 0)..END, 900, broker, &mut noise);
    } else {
        ordinary(&mut current, clock(14, 0, 0, 0)..END, 1300, broker, &mut noise);
    }
    if broker.id == LEADER_ID {
        rejoined(&mut current, broker);
    }
    current.write(&logs.join("server.log"), "2017-04-03")
}

/// `count` INFO records of a broker at work.
fn ordinary(file: &mut LogFile, time: Range<u32>, count: usize, broker: &Broker, noise: &mut Noise) {
    let me = broker.id;
    for _ in 0..count {
        let at = time.start + noise.below((time.end - time.start).into()) as u32;
        // One of its own: the table is not empty, and `below` stays under its length.
        let own = broker.replicas[noise.below(broker.replicas.len() as u64) as usize].0;
        let (offset, few) = (3_000_000 + noise.below(600_000), noise.below(6));
        let partition = noise.below(6);
        match noise.below(10) {
            0..=2 => {
                let message = format!("Rolled new log segment for '{TOPIC}-{own}' in {} ms.", few + 1);
                file.add(at, "INFO", &message, "kafka.log.Log");
            }
            3 | 4 => {
                let message =
                    format!("Scheduling log segment {offset} for log priceStock-{partition} for deletion.");
                file.add(at, "INFO", &message, "kafka.log.Log");
            }
            5 | 6 => {
                let message = format!("Deleting segment {offset} from log priceStock-{partition}.");
                file.add(at, "INFO", &message, "kafka.log.Log");
            }
            7 => {
                let message = format!(
                    "Deleting index /services/kafka/priceStock-{partition}/{offset:020}.index.deleted"
                );
                file.add(at, "INFO", &message, "kafka.log.OffsetIndex");
            }
            8 => {
                let message = format!(
                    "[Group Metadata Manager on Broker {me}]: Removed 0 expired offsets in {few} milliseconds."
                );
                file.add(at, "INFO", &message, "kafka.coordinator.GroupMetadataManager");
            }
            _ => {
                let generation = 400 + noise.below(90);
                let message = format!(
                    "[GroupCoordinator {me}]: Stabilized group product-merge generation {generation}"
                );
                file.add(at, "INFO", &message, "kafka.coordinator.GroupCoordinator");
            }
        }
    }
}

/// A clean stop.
fn stopped(file: &mut LogFile, at: u32, broker: &Broker) {
    let server = |message: &str| format!("[Kafka Server {}], {message}", broker.id);
    let logger = "kafka.server.KafkaServer";
    file.add(at, "INFO", &server("shutting down"), logger);
    file.add(at + 4, "INFO", &server("Starting controlled shutdown"), logger);
    file.add(at + 871, "INFO", &server("Controlled shutdown succeeded"), logger);
    file.add(at + 1204, "INFO", "Shutting down.", "kafka.log.LogManager");
    file.add(at + 1702, "INFO", "Shutdown complete.", "kafka.log.LogManager");
    file.add(at + 1988, "INFO", &server("shut down completed"), logger);
}

/// A start, up to "started".
fn started(file: &mut LogFile, at: u32, broker: &Broker, (version, commit): (&str, &str)) {
    let (me, server) = (broker.id, "kafka.server.KafkaServer");
    file.add(at, "INFO", "starting", server);
    file.add(at + 90, "INFO", "Connecting to zookeeper on 10.200.8.170:2181,10.200.8.171:2181", server);
    file.add(at + 512, "INFO", "Loading logs.", "kafka.log.LogManager");
    for (nth, (partition, bytes)) in (0..).zip(broker.replicas) {
        let reset = TRUNCATIONS.iter().find(|reset| reset.partition == *partition);
        let end = match reset {
            // Two weeks before, the logs were shorter.
            _ if version == OLD.0 => end_offset(*partition) * 80 / 100,
            // The follower starts with what it will have to drop.
            Some(reset) => reset.from,
            None => end_offset(*partition),
        };
        let message = format!(
            "Completed load of log {TOPIC}-{partition} with {} log segments and log end offset {end} in {} ms",
            bytes / (1 << 30) + 1,
            40 + nth * 3
        );
        file.add(at + 600 + nth * 250, "INFO", &message, "kafka.log.Log");
    }
    let message = "Logs loading complete in 6241 ms.";
    file.add(at + 6753, "INFO", message, "kafka.log.LogManager");
    let message = "Starting log cleanup with a period of 300000 ms.";
    file.add(at + 6790, "INFO", message, "kafka.log.LogManager");
    let message = format!("Awaiting socket connections on {}:9092.", broker.address);
    file.add(at + 6904, "INFO", &message, "kafka.network.Acceptor");
    let message = format!("[GroupCoordinator {me}]: Startup complete.");
    file.add(at + 7120, "INFO", &message, "kafka.coordinator.GroupCoordinator");
    let message = format!(
        "Registered broker {me} at path /brokers/ids/{me} with addresses: PLAINTEXT -> EndPoint({},9092,PLAINTEXT)",
        broker.address
    );
    file.add(at + 7341, "INFO", &message, "kafka.utils.ZkUtils");
    let logger = "org.apache.kafka.common.utils.AppInfoParser";
    file.add(at + 7402, "INFO", &format!("Kafka version : {version}"), logger);
    file.add(at + 7402, "INFO", &format!("Kafka commitId : {commit}"), logger);
    file.add(at + 7404, "INFO", &format!("[Kafka Server {me}], started"), server);
}

/// The follower drops what its new leader does not have, partition by partition.
fn truncated(file: &mut LogFile, broker: &Broker) {
    let (thread, logger) =
        (format!("[ReplicaFetcherThread-0-{LEADER_ID}],"), "kafka.server.ReplicaFetcherThread");
    file.add(clock(14, 16, 35, 611), "INFO", &format!("{thread} Starting "), logger);
    for reset in &TRUNCATIONS {
        let (partition, from, to) = (reset.partition, reset.from, reset.to);
        let message = format!(
            "{thread} Replica {} for partition {TOPIC}-{partition} reset its fetch offset from {from} to current \
             leader {LEADER_ID}'s latest offset {to}",
            broker.id
        );
        file.add(reset.at - 31, "WARN", &message, logger);
        let message = format!("Truncating log {TOPIC}-{partition} to offset {to}.");
        file.add(reset.at - 30, "INFO", &message, "kafka.log.Log");
        let message = format!(
            "{thread} Current offset {from} for partition [{TOPIC},{partition}] out of range; reset offset to {to}"
        );
        file.add(reset.at, "ERROR", &message, logger);
    }
}

/// The leader takes the follower back.
fn rejoined(file: &mut LogFile, broker: &Broker) {
    let me = broker.id;
    for reset in &TRUNCATIONS {
        let partition = reset.partition;
        let message = format!(
            "Partition [{TOPIC},{partition}] on broker {me}: Expanding ISR for partition {TOPIC}-{partition} from \
             {me} to {me},{FOLLOWER_ID}"
        );
        file.add(reset.at + 4_200, "INFO", &message, "kafka.cluster.Partition");
    }
}
