//! What every class has: its word, its weight, and the partition, topic and leader that it is about.

use super::TopicPartition;
use super::{Class, MoveReason, Weight};

impl Class {
    /// A stable word for JSON, the timeline and settings.
    pub fn word(&self) -> &'static str {
        match self {
            Self::FetchReset { .. } => "fetch_reset",
            Self::FetchUnmoved { .. } => "fetch_unmoved",
            Self::HighWatermarkBack { .. } => "high_watermark_back",
            Self::Truncated { .. } => "truncated",
            Self::CopyTruncated { .. } => "copy_truncated",
            Self::TruncatedNothing { .. } => "truncated_nothing",
            Self::TruncationRefused { .. } => "truncation_refused",
            Self::EpochUnknown { .. } => "epoch_unknown",
            Self::PartitionFailed { .. } => "partition_failed",
            Self::FetchOversized { .. } => "fetch_oversized",
            Self::RequestRefused { .. } => "request_refused",
            Self::AwaitsLeader { .. } => "awaits_leader",
            Self::FetcherDied { .. } => "fetcher_died",
            Self::OffsetMismatch { .. } => "offset_mismatch",
            Self::InvalidMessages { .. } => "invalid_messages",
            Self::RecordCorrupt { .. } => "record_corrupt",
            Self::NotLeader { .. } => "not_leader",
            Self::FetchConnection { .. } => "fetch_connection",
            Self::CleanerDied { .. } => "cleaner_died",
            Self::CleanerStopped { .. } => "cleaner_stopped",
            Self::CleanerStopping { .. } => "cleaner_stopping",
            Self::Uncleanable { .. } => "uncleanable",
            Self::CleanerWorked { .. } => "cleaner_worked",
            Self::CleanerBegan { .. } => "cleaner_began",
            Self::CleanerStarted { .. } => "cleaner_started",
            Self::CleanerException { .. } => "cleaner_exception",
            Self::CleanerStateError { .. } => "cleaner_state_error",
            Self::DirtyReset { .. } => "dirty_reset",
            Self::DirtyBeyondEnd { .. } => "dirty_beyond_end",
            Self::CleanerIo { .. } => "cleaner_io",
            Self::CleanerFoundInvalid { .. } => "cleaner_found_invalid",
            Self::IsrShrunk { .. } => "isr_shrunk",
            Self::IsrExpanded { .. } => "isr_expanded",
            Self::IsrUpdated { .. } => "isr_updated",
            Self::LeaderKept { .. } => "leader_kept",
            Self::IsrStale { .. } => "isr_stale",
            Self::UnderMinIsr { .. } => "under_min_isr",
            Self::HighWatermarkLoaded { .. } => "high_watermark_loaded",
            Self::HighWatermarkMissing { .. } => "high_watermark_missing",
            Self::LeaderStart { .. } => "leader_start",
            Self::FollowerStart { .. } => "follower_start",
            Self::UncleanElection { .. } => "unclean_election",
            Self::LeaderElected { .. } => "leader_elected",
            Self::IsrReduced { .. } => "isr_reduced",
            Self::ClusterJoined { .. } => "cluster_joined",
            Self::ElectionFailed { .. } => "election_failed",
            Self::LeaderNotMoved { .. } => "leader_not_moved",
            Self::NoReplicaAlive { .. } => "no_replica_alive",
            Self::Fenced { .. } => "fenced",
            Self::Unfenced { .. } => "unfenced",
            Self::TopicDeleted { .. } => "topic_deleted",
            Self::BrokersLeft { .. } => "brokers_left",
            Self::BrokersCame { .. } => "brokers_came",
            Self::PartitionsMoved { .. } => "partitions_moved",
            Self::DirsOffline { .. } => "dirs_offline",
            Self::ControllerElected { .. } => "controller_elected",
            Self::ControllerResigned { .. } => "controller_resigned",
            Self::LogDirFailed { .. } => "log_dir_failed",
            Self::CheckpointFailed { .. } => "checkpoint_failed",
            Self::CheckpointMalformed => "checkpoint_malformed",
            Self::ServingStopped { .. } => "serving_stopped",
            Self::PartitionsOffline { .. } => "partitions_offline",
            Self::AllLogDirsFailed { .. } => "all_log_dirs_failed",
            Self::HaltedOnIo { .. } => "halted_on_io",
            Self::DiskFull => "disk_full",
            Self::IoError { .. } => "io_error",
            Self::FilesExhausted => "files_exhausted",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::LockTaken { .. } => "lock_taken",
            Self::Stray { .. } => "stray",
            Self::Starting => "starting",
            Self::Started { .. } => "started",
            Self::Version { .. } => "version",
            Self::UncleanStart { .. } => "unclean_start",
            Self::Recovering { .. } => "recovering",
            Self::CorruptionCut { .. } => "corruption_cut",
            Self::SegmentDiscarded { .. } => "segment_discarded",
            Self::ReplicaEmptied { .. } => "replica_emptied",
            Self::IndexCorrupt { .. } => "index_corrupt",
            Self::SwapResumed { .. } => "swap_resumed",
            Self::LogLoaded { .. } => "log_loaded",
            Self::FatalError { .. } => "fatal_error",
            Self::BrokerIdMismatch { .. } => "broker_id_mismatch",
            Self::ClusterIdMismatch { .. } => "cluster_id_mismatch",
            Self::TopicIdMismatch { .. } => "topic_id_mismatch",
            Self::BrokerIdInUse { .. } => "broker_id_in_use",
            Self::Signal { .. } => "signal",
            Self::ShutdownBegan { .. } => "shutdown_began",
            Self::ShutdownDone { .. } => "shutdown_done",
            Self::ControlledShutdownFailed => "controlled_shutdown_failed",
            Self::Config { .. } => "config",
            Self::SessionExpired => "session_expired",
            Self::SessionLost => "session_lost",
            Self::SessionOpened { .. } => "session_opened",
            Self::RequestTimeout => "request_timeout",
            Self::Harmless { .. } => "harmless",
            Self::Other => "other",
        }
    }

    /// How much it weighs by itself: a filter's hint, not a judgement.
    pub fn severity(&self) -> Weight {
        match self {
            Self::FetchReset { to_start: Some(true), .. } => Weight::Warning,
            // A follower that was behind its leader's start lost nothing.
            Self::FetchReset { from: Some(from), to, .. } if from <= to => Weight::Warning,
            Self::LeaderElected { from_offline: true, .. } => Weight::Notice,
            Self::PartitionsMoved { why: MoveReason::Unfenced, .. } => Weight::Notice,
            Self::IsrUpdated { under_min: true, .. } => Weight::Warning,
            Self::FetchReset { .. }
            | Self::HighWatermarkBack { .. }
            | Self::TruncationRefused { .. }
            | Self::FetcherDied { .. }
            | Self::OffsetMismatch { .. }
            | Self::InvalidMessages { .. }
            | Self::RecordCorrupt { .. }
            | Self::CleanerDied { .. }
            | Self::Uncleanable { .. }
            | Self::CleanerException { .. }
            | Self::CleanerStateError { .. }
            | Self::CleanerIo { .. }
            | Self::UnderMinIsr { .. }
            | Self::UncleanElection { .. }
            | Self::ElectionFailed { .. }
            | Self::NoReplicaAlive { .. }
            | Self::DirsOffline { .. }
            | Self::LogDirFailed { .. }
            | Self::CheckpointFailed { .. }
            | Self::CheckpointMalformed
            | Self::ServingStopped { .. }
            | Self::PartitionsOffline { .. }
            | Self::AllLogDirsFailed { .. }
            | Self::HaltedOnIo { .. }
            | Self::DiskFull
            | Self::IoError { .. }
            | Self::FilesExhausted
            | Self::OutOfMemory { .. }
            | Self::LockTaken { .. }
            | Self::CorruptionCut { .. }
            | Self::SegmentDiscarded { .. }
            | Self::ReplicaEmptied { .. }
            | Self::FatalError { .. }
            | Self::BrokerIdMismatch { .. }
            | Self::ClusterIdMismatch { .. } => Weight::Critical,
            // Both pass in KRaft: a topic made anew, a restart within the session's time.
            Self::TopicIdMismatch { .. } | Self::BrokerIdInUse { .. } => Weight::Warning,
            Self::PartitionFailed { .. }
            | Self::FetchOversized { .. }
            | Self::RequestRefused { .. }
            | Self::DirtyBeyondEnd { .. }
            | Self::CleanerFoundInvalid { .. }
            | Self::FetchConnection { .. }
            | Self::IsrShrunk { .. }
            | Self::IsrStale { .. }
            | Self::Fenced { .. }
            | Self::PartitionsMoved { .. }
            | Self::Stray { .. }
            | Self::UncleanStart { .. }
            | Self::ControlledShutdownFailed
            | Self::SessionExpired => Weight::Warning,
            Self::Truncated { .. }
            | Self::EpochUnknown { .. }
            | Self::LeaderNotMoved { .. }
            | Self::DirtyReset { .. }
            | Self::CleanerStopped { .. }
            | Self::CleanerStarted { .. }
            | Self::Unfenced { .. }
            | Self::TopicDeleted { .. }
            | Self::BrokersLeft { .. }
            | Self::BrokersCame { .. }
            | Self::ControllerElected { .. }
            | Self::ControllerResigned { .. }
            | Self::Started { .. }
            | Self::Version { .. }
            | Self::IndexCorrupt { .. }
            | Self::SwapResumed { .. }
            | Self::Signal { .. }
            | Self::ShutdownBegan { .. }
            | Self::ShutdownDone { .. }
            | Self::Config { .. }
            | Self::SessionLost
            | Self::RequestTimeout => Weight::Notice,
            Self::FetchUnmoved { .. }
            | Self::CopyTruncated { .. }
            | Self::TruncatedNothing { .. }
            | Self::AwaitsLeader { .. }
            | Self::NotLeader { .. }
            | Self::CleanerStopping { .. }
            | Self::CleanerWorked { .. }
            | Self::CleanerBegan { .. }
            | Self::IsrExpanded { .. }
            | Self::IsrUpdated { .. }
            | Self::LeaderKept { .. }
            | Self::HighWatermarkLoaded { .. }
            | Self::HighWatermarkMissing { .. }
            | Self::LeaderStart { .. }
            | Self::FollowerStart { .. }
            | Self::LeaderElected { .. }
            | Self::IsrReduced { .. }
            | Self::Recovering { .. }
            | Self::LogLoaded { .. }
            | Self::SessionOpened { .. }
            | Self::ClusterJoined { .. }
            | Self::Starting
            | Self::Harmless { .. }
            | Self::Other => Weight::Routine,
        }
    }

    /// The partition that it is about, where it is about one.
    pub fn partition(&self) -> Option<&TopicPartition> {
        match self {
            Self::FetchReset { of, .. }
            | Self::FetchUnmoved { of, .. }
            | Self::HighWatermarkBack { of, .. }
            | Self::Truncated { of, .. }
            | Self::CopyTruncated { of, .. }
            | Self::EpochUnknown { of, .. }
            | Self::PartitionFailed { of, .. }
            | Self::AwaitsLeader { of, .. }
            | Self::InvalidMessages { of, .. }
            | Self::NotLeader { of, .. }
            | Self::Uncleanable { of }
            | Self::CleanerWorked { of, .. }
            | Self::CleanerBegan { of }
            | Self::CleanerStateError { of, .. }
            | Self::DirtyBeyondEnd { of, .. }
            | Self::CleanerIo { of, .. }
            | Self::IsrShrunk { of, .. }
            | Self::LeaderKept { of, .. }
            | Self::UnderMinIsr { of, .. }
            | Self::HighWatermarkLoaded { of, .. }
            | Self::HighWatermarkMissing { of }
            | Self::LeaderStart { of, .. }
            | Self::FollowerStart { of, .. }
            | Self::LeaderElected { of, .. }
            | Self::IsrReduced { of, .. }
            | Self::ElectionFailed { of, .. }
            | Self::LeaderNotMoved { of }
            | Self::NoReplicaAlive { of, .. }
            | Self::LogLoaded { of, .. } => Some(of),
            Self::TruncatedNothing { of, .. }
            | Self::FetchOversized { of }
            | Self::OffsetMismatch { of, .. }
            | Self::RecordCorrupt { of }
            | Self::CleanerException { of, .. }
            | Self::DirtyReset { of, .. }
            | Self::IsrExpanded { of, .. }
            | Self::IsrUpdated { of, .. }
            | Self::IsrStale { of, .. }
            | Self::UncleanElection { of, .. }
            | Self::LogDirFailed { of, .. }
            | Self::Stray { of, .. }
            | Self::Recovering { of, .. }
            | Self::CorruptionCut { of, .. }
            | Self::SegmentDiscarded { of, .. }
            | Self::ReplicaEmptied { of, .. }
            | Self::IndexCorrupt { of, .. }
            | Self::SwapResumed { of, .. }
            | Self::TopicIdMismatch { of } => of.as_ref(),
            _ => None,
        }
    }

    /// The topic that it is about: also where the line names no partition.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::TruncationRefused { topic, .. } => Some(topic),
            Self::Config { entity, .. } => entity.strip_prefix("topics/"),
            Self::PartitionsOffline { partitions, .. } => {
                let mut topics = partitions.iter().map(|of| of.topic.as_str());
                let first = topics.next()?;
                topics.all(|other| other == first).then_some(first)
            }
            other => other.partition().map(|of| of.topic.as_str()),
        }
    }

    /// The broker that leads, as the line says.
    pub fn leader(&self) -> Option<i64> {
        match self {
            Self::FetchReset { leader, .. }
            | Self::UncleanElection { leader, .. }
            | Self::LeaderElected { leader, .. }
            | Self::IsrReduced { leader, .. }
            | Self::LeaderKept { leader, .. }
            | Self::FetcherDied { leader, .. } => Some(*leader),
            Self::Truncated { leader, .. }
            | Self::FetchUnmoved { leader, .. }
            | Self::TruncationRefused { leader, .. }
            | Self::PartitionFailed { leader, .. }
            | Self::AwaitsLeader { leader, .. }
            | Self::NotLeader { leader, .. }
            | Self::FetchConnection { leader, .. }
            | Self::IsrShrunk { leader, .. }
            | Self::IsrExpanded { leader, .. }
            | Self::IsrUpdated { leader, .. } => *leader,
            _ => None,
        }
    }
}
