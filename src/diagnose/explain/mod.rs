//! What each code means: one text a code, for `explain`, for reports and for `docs/findings.md`.

mod brokers;
mod cleaner;
mod disks;
mod isr;
mod loss;
mod page;
mod replicas;
mod runbook;
mod unseen;

use serde::Serialize;

use crate::diagnose::finding::Code;

pub use page::{json, list, markdown, page};
pub use runbook::runbook;

/// What there is to know of a code.
///
/// Commands hold capital words where the reader's own stand: `LOG_DIR`, `LOGS` (log4j's directory),
/// `TOPIC`, `HOST`, `BOOTSTRAP` (host:port of a broker).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    pub code: Code,
    /// The severities that it comes with, and when.
    pub severity: &'static str,
    /// One line.
    pub summary: &'static str,
    pub meaning: &'static str,
    /// When it fires, with the thresholds that hold where a playbook says nothing.
    pub rule: String,
    /// Kafka's versions that it applies to, and what differs between them.
    pub versions: &'static str,
    /// Commands that show the same by hand.
    pub confirm: &'static [&'static str],
    #[serde(rename = "do")]
    pub act: &'static [&'static str],
    #[serde(rename = "do_not")]
    pub never: &'static [&'static str],
}

/// The text of a code.
pub fn text(code: Code) -> Text {
    use Code::*;
    match code {
        DataLost | ReplicaTruncated | EpochsDiverged | UncleanElection | RecordCorrupt => loss::text(code),
        ReplicaShort | ReplicaEmpty | ReplicaMissing | ReplicaLagging | ReplicaSkew | BrokerPairBias
        | ReplicaExtra | ReplicaStray | ReplicaFuture | ReplicaDeleting => replicas::text(code),
        CleanerDead | CleanerBehind | CleanerDisabled | PartitionUncleanable => cleaner::text(code),
        UnderMinIsr | IsrShrinking | BrokerFenced | SessionLost | ControllerMoved => isr::text(code),
        LogDirOffline | DiskFull | DiskFilling => disks::text(code),
        BrokerCrashed | TopicIdMismatch | BrokerIdDuplicate | ClusterIdMismatch | VersionsMixed
        | SettingsDiffer => brokers::text(code),
        ExpectationFailed | ClockSkew | UnknownErrors | HostKeyChanged | NodeUnreachable
        | ProbeIncomplete => unseen::text(code),
    }
}

/// All texts, in the order of the list.
pub fn all() -> Vec<Text> {
    Code::ALL.iter().map(|code| text(*code)).collect()
}

#[cfg(test)]
mod tests;
