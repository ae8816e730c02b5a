//! What the tests of the rules have in common: a time, brokers that run, replicas that were just written.

use jiff::Timestamp;

use crate::compare::rounds;
use crate::round::{self, Replica, Round, Visit};

/// The end of the rounds made here.
pub const NOW: &str = "2026-11-24T00:00:00Z";
pub const LOG: &str = "/var/log/kafka/server.log";
pub const GIB: u64 = 1 << 30;
pub const MIB: u64 = 1 << 20;

pub fn now() -> i64 {
    NOW.parse::<Timestamp>().unwrap().as_second()
}

/// A round that ended at [`NOW`].
pub fn round(hosts: Vec<Visit>) -> Round {
    Round { finished: NOW.parse().unwrap(), ..rounds::round(hosts) }
}

/// A host whose broker runs.
pub fn broker(name: &str, id: i64) -> Visit {
    let mut visit = rounds::host(name).dir(|dir| dir.broker_id = Some(id));
    visit.broker = Some(round::Broker { running: Some(true), id: Some(id), ..round::Broker::default() });
    visit
}

/// Something about the process.
pub fn with(mut visit: Visit, fill: impl FnOnce(&mut round::Broker)) -> Visit {
    fill(visit.broker.as_mut().unwrap());
    visit
}

/// A replica that was last written so many seconds ago.
pub fn written(topic: &str, partition: u32, log_bytes: u64, ago: i64) -> Replica {
    Replica { newest_mtime: Some(now() - ago), ..rounds::replica(topic, partition, log_bytes) }
}

/// A log line of today.
pub fn at(time: &str, rest: &str) -> String {
    format!("[2026-11-23 {time}] {rest}")
}

/// Lines of a server.log.
pub fn logged(visit: Visit, lines: &[String]) -> Visit {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    visit.log(LOG, &lines)
}

pub fn started(time: &str, id: i64) -> String {
    at(time, &format!("INFO [KafkaServer id={id}] started (kafka.server.KafkaServer)"))
}

pub fn stopped(time: &str, id: i64) -> String {
    at(time, &format!("INFO [KafkaServer id={id}] shut down completed (kafka.server.KafkaServer)"))
}
