//! One of each class, for tests.

use super::*;

/// One of each class, in the order of the words.
pub(crate) fn classes() -> Vec<Class> {
    let of = || TopicPartition { topic: "a".into(), partition: 3 };
    vec![
        Class::FetchReset { of: of(), leader: 2, from: Some(7), to: 7, to_start: Some(true) },
        Class::FetchUnmoved { of: of(), leader: Some(2), at: 7 },
        Class::HighWatermarkBack { of: of(), from: 7, to: 7 },
        Class::Truncated { of: of(), to: 7, leader: Some(2) },
        Class::CopyTruncated { of: of(), to: 7 },
        Class::TruncatedNothing { of: Some(of()), to: 7, last: 2 },
        Class::TruncationRefused { topic: "x".into(), partition: Some(1), leader: Some(2), from: 7, to: 7 },
        Class::EpochUnknown { of: of(), to: 7 },
        Class::PartitionFailed { of: of(), leader: Some(2) },
        Class::FetchOversized { of: Some(of()) },
        Class::RequestRefused { api: "x".into(), version: Some(7) },
        Class::AwaitsLeader { of: of(), epoch: Some(2), leader: Some(2) },
        Class::FetcherDied { leader: 2, fetcher: Some(1) },
        Class::OffsetMismatch { of: Some(of()), fetched: 7, end: 7 },
        Class::InvalidMessages { of: of(), offset: 7 },
        Class::RecordCorrupt { of: Some(of()) },
        Class::NotLeader { of: of(), leader: Some(2) },
        Class::FetchConnection { leader: Some(2), why: ConnectionTrouble::Timeout },
        Class::CleanerDied { thread: 1 },
        Class::CleanerStopped { thread: 1 },
        Class::CleanerStopping { thread: 1 },
        Class::Uncleanable { of: of() },
        Class::CleanerWorked { of: of(), stats: CleanerStats::default() },
        Class::CleanerBegan { of: of() },
        Class::CleanerStarted { thread: 1 },
        Class::CleanerException { fault: CleanerFault::TimeIndex, of: Some(of()) },
        Class::CleanerStateError { of: of(), state: "x".into() },
        Class::DirtyReset { of: Some(of()), start: 7, checkpoint: 7 },
        Class::DirtyBeyondEnd { of: of(), checkpoint: 7, end: 7 },
        Class::CleanerIo { of: of(), dir: "x".into(), cause: Some(IoCause::Full) },
        Class::CleanerFoundInvalid { count: 7 },
        Class::IsrShrunk {
            of: of(),
            leader: Some(2),
            from: vec![2],
            to: vec![2],
            behind: vec![Behind { broker: 1, end: -1 }],
        },
        Class::IsrExpanded { of: Some(of()), leader: Some(2), from: vec![2], to: vec![2] },
        Class::IsrUpdated {
            of: Some(of()),
            leader: Some(2),
            isr: vec![2],
            under_min: true,
            version: Some(7),
        },
        Class::LeaderKept { of: of(), leader: 2, epoch: 2, isr: vec![2], replicas: vec![2], adding: vec![] },
        Class::IsrStale { of: Some(of()), version: 7 },
        Class::UnderMinIsr { of: of(), isr: 7, min: 7 },
        Class::HighWatermarkLoaded { of: of(), high_watermark: 7 },
        Class::HighWatermarkMissing { of: of() },
        Class::LeaderStart { of: of(), epoch: 2, offset: 7, isr: vec![2] },
        Class::FollowerStart { of: of(), epoch: 2, offset: 7, leader: Some(2) },
        Class::UncleanElection { of: Some(of()), leader: 2, topic_id: Some("x".into()), isr_before: vec![2] },
        Class::LeaderElected { of: of(), leader: 2, isr: vec![2], from_offline: true, version: Some(7) },
        Class::IsrReduced { of: of(), leader: 2, isr: vec![2], removed: 3, version: Some(7) },
        Class::ElectionFailed { of: of(), strategy: Some("x".into()) },
        Class::ClusterJoined { id: "x".into() },
        Class::LeaderNotMoved { of: of() },
        Class::NoReplicaAlive { of: of(), live: vec![2], wanted: vec![2], any_replica: true },
        Class::Fenced { broker: 2, epoch: Some(2) },
        Class::Unfenced { broker: 2 },
        Class::TopicDeleted { topic: "x".into() },
        Class::BrokersLeft { brokers: vec![2] },
        Class::BrokersCame { brokers: vec![2] },
        Class::PartitionsMoved { why: MoveReason::Fenced, count: 7 },
        Class::DirsOffline { broker: 2, dirs: "x".into(), left: "x".into() },
        Class::ControllerElected { broker: Some(2), epoch: Some(2) },
        Class::ControllerResigned { broker: Some(2) },
        Class::LogDirFailed {
            of: Some(of()),
            dir: "x".into(),
            operation: "x".into(),
            cause: Some(IoCause::Full),
        },
        Class::CheckpointFailed { path: "x".into(), cause: Some(IoCause::Full) },
        Class::CheckpointMalformed,
        Class::ServingStopped { dir: "x".into() },
        Class::PartitionsOffline { partitions: vec![of()], dir: "x".into() },
        Class::AllLogDirsFailed { dirs: "x".into() },
        Class::HaltedOnIo { cause: Some(IoCause::Full) },
        Class::DiskFull,
        Class::IoError { cause: IoCause::Full },
        Class::FilesExhausted,
        Class::OutOfMemory { what: Some("x".into()) },
        Class::LockTaken { dir: "x".into() },
        Class::Stray { of: Some(of()), dir: Some("x".into()) },
        Class::Starting,
        Class::Started { broker: Some(2) },
        Class::Version { version: "x".into() },
        Class::UncleanStart { dir: "x".into(), logs: Some(7) },
        Class::Recovering { of: Some(of()), base: 7 },
        Class::CorruptionCut { of: Some(of()), base: 7, to: 7 },
        Class::SegmentDiscarded { of: Some(of()), to: 7 },
        Class::ReplicaEmptied { of: Some(of()), end: 7, start: 7 },
        Class::IndexCorrupt { of: Some(of()), path: Some("x".into()) },
        Class::SwapResumed { of: Some(of()), path: "x".into() },
        Class::LogLoaded { of: of(), start: Some(7), end: 7, high_watermark: Some(7), segments: Some(7) },
        Class::FatalError { phase: "x".into() },
        Class::BrokerIdMismatch { configured: 2, stored: 2 },
        Class::ClusterIdMismatch { configured: "x".into(), stored: "x".into() },
        Class::TopicIdMismatch { of: Some(of()) },
        Class::BrokerIdInUse { broker: Some(2) },
        Class::Signal { signal: "x".into() },
        Class::ShutdownBegan { broker: Some(2) },
        Class::ShutdownDone { broker: Some(2) },
        Class::ControlledShutdownFailed,
        Class::Config { entity: "x".into(), settings: vec![("a".into(), "b".into())] },
        Class::SessionExpired,
        Class::SessionLost,
        Class::SessionOpened { broker: Some(2) },
        Class::RequestTimeout,
        Class::Harmless { why: "a reason" },
        Class::Other,
    ]
}

#[test]
fn the_word_is_the_tag() {
    for class in classes() {
        let written = serde_json::to_value(&class).unwrap();
        assert_eq!(written["class"], class.word());
    }
}

#[test]
fn every_class_has_its_own_word() {
    let words: std::collections::BTreeSet<&str> = classes().iter().map(Class::word).collect();
    assert_eq!(words.len(), classes().len());
}
