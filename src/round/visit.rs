//! What happened on one host.

use serde::{Deserialize, Serialize};

use super::{Broker, Coverage, CoverageStatus, Facts, ProbeAnswer};

/// What happened on one host in a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// The inventory's name; `NAME#ID` for each broker of a machine that runs several.
    pub host: String,
    /// The inventory's name of the machine.
    #[serde(default)]
    pub machine: String,
    /// How the evidence came here.
    #[serde(default)]
    pub origin: Origin,
    /// Where it was dialled: `address:port`.
    pub address: String,
    pub user: String,
    /// The jump hosts on the way, nearest to us first.
    pub jump: Vec<String>,
    /// `kafka_cluster` of the inventory.
    pub cluster: Option<String>,
    /// `kafka_broker_id` of the inventory; the node's own `meta.properties` is right where they differ.
    pub broker_id: Option<i64>,
    /// The plays (indices into [`super::Round::plays`]) that the host has a part in.
    pub plays: Vec<usize>,
    pub outcome: Outcome,
    /// How far it came, for a host that was not reached or was lost.
    pub stage: Option<String>,
    /// Why it is not [`Outcome::Ok`], one sentence.
    pub reason: Option<String>,
    /// For [`Outcome::HostKey`]: a key that differs from the known one, not merely an unknown one.
    pub host_key_changed: bool,
    /// Connections tried.
    pub attempts: u32,
    /// A process of ours that may still be running there (it could not be killed in time).
    pub left_running: bool,
    /// Seconds from dialling to the end of the visit.
    pub seconds: f64,
    pub facts: Option<Facts>,
    /// The zone of log lines that were brought, seconds east of UTC, where no clock of the node was read.
    #[serde(default)]
    pub log_zone_s: Option<i32>,
    /// The broker or controller that discovery found, running or not; `None` where nobody looked for one.
    #[serde(default)]
    pub broker: Option<Broker>,
    /// In the order in which they were asked.
    pub probes: Vec<ProbeAnswer>,
}

/// How a visit's evidence came here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We went there.
    #[default]
    Ssh,
    /// Somebody brought it: the names of the files, as they were given.
    Brought(Vec<String>),
}

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every probe answered, and wholly.
    Ok,
    /// Reached, but some probe's answer is missing or incomplete.
    Partial,
    /// No TCP connection, no name, or no way through the jump host.
    Unreachable,
    /// The server refused every way to log in, or become.
    AuthFailed,
    /// The host key is unknown, changed or revoked.
    HostKey,
    /// A deadline passed.
    Timeout,
    /// The connection broke after login.
    Lost,
    /// The round was stopped before the host was done.
    Interrupted,
    /// Left out by the limit: not contacted.
    Excluded,
}

impl Visit {
    /// Whether discovery saw that the machine has no Kafka: its row is complete and says so.
    pub fn without_kafka(&self) -> bool {
        let said = |row: &Coverage| {
            row.path == "kafka" && row.status == CoverageStatus::Complete && row.reason.is_some()
        };
        self.broker.is_none()
            && self
                .probes
                .iter()
                .any(|answer| answer.probe == "discovery" && answer.coverage.iter().any(said))
    }

    /// A visit of which nothing but its end is known.
    pub fn blank(host: impl Into<String>, outcome: Outcome) -> Self {
        let host = host.into();
        Visit {
            machine: host.clone(),
            host,
            origin: Origin::Ssh,
            address: String::new(),
            user: String::new(),
            jump: Vec::new(),
            cluster: None,
            broker_id: None,
            plays: Vec::new(),
            outcome,
            stage: None,
            reason: None,
            host_key_changed: false,
            attempts: 0,
            left_running: false,
            seconds: 0.0,
            facts: None,
            log_zone_s: None,
            broker: None,
            probes: Vec::new(),
        }
    }
}

impl Outcome {
    /// Every way a visit can end.
    pub const ALL: [Outcome; 9] = [
        Outcome::Ok,
        Outcome::Partial,
        Outcome::Unreachable,
        Outcome::AuthFailed,
        Outcome::HostKey,
        Outcome::Timeout,
        Outcome::Lost,
        Outcome::Interrupted,
        Outcome::Excluded,
    ];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Partial => "partial",
            Outcome::Unreachable => "unreachable",
            Outcome::AuthFailed => "auth_failed",
            Outcome::HostKey => "host_key",
            Outcome::Timeout => "timeout",
            Outcome::Lost => "lost",
            Outcome::Interrupted => "interrupted",
            Outcome::Excluded => "excluded",
        }
    }

    /// Whether the host was logged in to.
    pub fn reached(self) -> bool {
        matches!(self, Outcome::Ok | Outcome::Partial)
    }
}
