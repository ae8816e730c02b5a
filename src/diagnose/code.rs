//! The closed list of what can be found.

use serde::Serialize;

/// Writes the list once: variants, their order and their words.
macro_rules! codes {
    ($($code:ident $word:literal,)*) => {
        /// The closed list of what can be found, in the order in which findings of one severity stand.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $(#[serde(rename = $word)] $code,)*
        }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The word in reports and on the command line.
            pub fn word(self) -> &'static str {
                match self {
                    $(Code::$code => $word,)*
                }
            }
        }
    };
}

codes! {
    DataLost "data-lost",
    ReplicaTruncated "replica-truncated",
    EpochsDiverged "epochs-diverged",
    UncleanElection "unclean-election",
    ReplicaShort "replica-short",
    LogDirOffline "log-dir-offline",
    DiskFull "disk-full",
    RecordCorrupt "record-corrupt",
    BrokerCrashed "broker-crashed",
    CleanerDead "cleaner-dead",
    PartitionUncleanable "partition-uncleanable",
    UnderMinIsr "under-min-isr",
    ReplicaEmpty "replica-empty",
    ReplicaMissing "replica-missing",
    TopicIdMismatch "topic-id-mismatch",
    BrokerIdDuplicate "broker-id-duplicate",
    ClusterIdMismatch "cluster-id-mismatch",
    ReplicaLagging "replica-lagging",
    IsrShrinking "isr-shrinking",
    BrokerFenced "broker-fenced",
    SessionLost "session-lost",
    DiskFilling "disk-filling",
    CleanerBehind "cleaner-behind",
    CleanerDisabled "cleaner-disabled",
    ReplicaSkew "replica-skew",
    BrokerPairBias "broker-pair-bias",
    ReplicaExtra "replica-extra",
    ReplicaStray "replica-stray",
    ReplicaFuture "replica-future",
    ReplicaDeleting "replica-deleting",
    ControllerMoved "controller-moved",
    VersionsMixed "versions-mixed",
    SettingsDiffer "settings-differ",
    ExpectationFailed "expectation-failed",
    ClockSkew "clock-skew",
    UnknownErrors "unknown-errors",
    HostKeyChanged "host-key-changed",
    NodeUnreachable "node-unreachable",
    ProbeIncomplete "probe-incomplete",
}

impl Code {
    /// The code of a word.
    pub fn of_word(word: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_word() {
        assert_eq!(Code::DataLost.word(), "data-lost");
        assert_eq!(Code::HostKeyChanged.word(), "host-key-changed");
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.word());
        }
    }
}
