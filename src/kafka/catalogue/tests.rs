use super::*;
use crate::kafka::event::CleanerStats;
use proptest::prelude::*;

fn read(line: &str) -> Class {
    classify(line, &[], crate::kafka::record::header(line).map_or(Level::Unknown, |header| header.level))
}

fn tp(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

fn fetch(
    topic: &str,
    partition: u32,
    leader: i64,
    from: Option<u64>,
    to: u64,
    to_start: Option<bool>,
) -> Class {
    Class::FetchReset { of: tp(topic, partition), leader, from, to, to_start }
}

#[test]
fn fetch_positions_in_all_versions() {
    for (line, class) in [
        (
            "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-180881591], Current offset 3734742 for partition [completeProduct,13] out of range; reset offset to 3179215 (kafka.server.ReplicaFetcherThread)",
            fetch("completeProduct", 13, 180881591, Some(3734742), 3179215, None),
        ),
        (
            "[2017-09-01 00:00:00,000] ERROR [ReplicaFetcherThread-0-2]: Current offset 10 for partition [a.b-c,0] out of range; reset offset to 5 (kafka.server.ReplicaFetcherThread)",
            fetch("a.b-c", 0, 2, Some(10), 5, None),
        ),
        (
            "[2017-12-01 00:00:00,000] ERROR [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Current offset 3734742 for partition completeProduct-13 out of range; reset offset to 3179215 (kafka.server.ReplicaFetcherThread)",
            fetch("completeProduct", 13, 2, Some(3734742), 3179215, None),
        ),
        (
            "[2023-04-03 14:16:36,003] INFO [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Current offset 20 for partition my.topic-1-13 is out of range, which typically implies a leader change. Reset fetch offset to 7 (kafka.server.ReplicaFetcherThread)",
            fetch("my.topic-1", 13, 2, Some(20), 7, None),
        ),
        (
            "[2026-11-23 16:13:11,062] WARN [ReplicaFetcherThread-0-180881591], Replica 180881584 for partition completeProduct-13 reset its fetch offset from 3935 to current leader 180881591's latest offset 3388 (kafka.server.ReplicaFetcherThread)",
            fetch("completeProduct", 13, 180881591, Some(3935), 3388, Some(false)),
        ),
        (
            "[2016-03-29 18:24:59,403] WARN [ReplicaFetcherThread-3-4], Replica 2 for partition [g17,4] reset its fetch offset from 3501121050 to current leader 4's start offset 3501121050 (kafka.server.ReplicaFetcherThread)",
            fetch("g17", 4, 4, Some(3501121050), 3501121050, Some(true)),
        ),
        (
            "[2014-03-29 18:24:59,403] WARN [ReplicaFetcherThread-3-4], Replica 2 for partition [g17,4] reset its fetch offset to current leader 4's latest offset 3501121050 (kafka.server.ReplicaFetcherThread)",
            fetch("g17", 4, 4, None, 3501121050, Some(false)),
        ),
        (
            "[2023-04-03 14:16:36,003] WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Reset fetch offset for partition completeProduct-13 from 3734742 to current leader's latest offset 3179215 (kafka.server.ReplicaFetcherThread)",
            fetch("completeProduct", 13, 2, Some(3734742), 3179215, Some(false)),
        ),
        (
            "[2024-04-03 14:16:36,003] WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Truncate fully and reset fetch offset for partition t-0 from 100 to the current leader's start offset 500 because the local replica's end offset is smaller than the current leader's start offsets. (kafka.server.ReplicaFetcherThread)",
            fetch("t", 0, 2, Some(100), 500, Some(true)),
        ),
    ] {
        assert_eq!(read(line), class, "{line}");
    }
    let own_end = "[2024-04-03 14:16:36,003] INFO [ReplicaFetcher replicaId=20001, leaderId=22001, fetcherId=0] Reset fetch offset for partition __consumer_offsets-21 from 47 to the current local replica's end offset 47 (kafka.server.ReplicaFetcherThread)";
    assert!(matches!(read(own_end), Class::Harmless { .. }));
}

#[test]
fn cut_logs_in_all_versions() {
    let back =
        |topic: &str, partition, from, to| Class::HighWatermarkBack { of: tp(topic, partition), from, to };
    let cut = |topic: &str, partition, to, leader| Class::Truncated { of: tp(topic, partition), to, leader };
    for (line, class) in [
        (
            "[2026-11-23 16:21:58,038] WARN [Log partition=completeProduct-1, dir=/services/kafka] Non-monotonic update of high watermark from (offset=4037 segment=[3995:106477]) to (offset=3469 segment=[-1:-1]) (kafka.log.Log)",
            back("completeProduct", 1, 4037, 3469),
        ),
        (
            "[2026-11-23 16:15:02,245] WARN [UnifiedLog partition=completeProduct-10, dir=/services/kafka] Non-monotonic update of high watermark from (offset=3971, segment=[3948:58319]) to (offset=3375, segment=[0:49854]) (kafka.log.UnifiedLog)",
            back("completeProduct", 10, 3971, 3375),
        ),
        (
            "[2023-04-03 14:16:36,003] WARN [ReplicaFetcher replicaId=1, leaderId=2, fetcherId=0] Truncating completeProduct-13 to offset 3179215 below high watermark 3734742 (kafka.server.ReplicaFetcherThread)",
            back("completeProduct", 13, 3734742, 3179215),
        ),
        (
            "[2026-11-23 16:15:02,153] INFO [ReplicaFetcher replicaId=2, leaderId=3, fetcherId=0] Truncating partition completeProduct-10 with TruncationState(offset=3375, completed=true) due to leader epoch and offset EpochEndOffset(errorCode=0, partition=10, leaderEpoch=0, endOffset=3375) (kafka.server.ReplicaFetcherThread)",
            cut("completeProduct", 10, 3375, Some(3)),
        ),
        (
            "[2026-11-23 16:13:10,403] INFO Truncating log completeProduct-4 to offset 4033. (kafka.log.Log)",
            cut("completeProduct", 4, 4033, None),
        ),
        (
            "[2026-11-23 16:15:02,187] INFO [UnifiedLog partition=completeProduct-10, dir=/services/kafka] Truncating to offset 3375 (kafka.log.UnifiedLog)",
            cut("completeProduct", 10, 3375, None),
        ),
    ] {
        assert_eq!(read(line), class, "{line}");
    }
    for line in [
        "[2017-04-03 14:16:36,003] INFO Truncating completeProduct-13 to 5 has no effect as the largest offset in the log is 3. (kafka.log.Log)",
        "[2026-11-23 16:15:54,826] INFO [UnifiedLog partition=priceStock-1, dir=/services/kafka] Truncating to 0 has no effect as the largest offset in the log is -1 (kafka.log.UnifiedLog)",
    ] {
        assert!(matches!(read(line), Class::Harmless { .. }), "{line}");
    }
}

#[test]
fn the_cleaners_life_and_death() {
    for line in [
        "[2026-11-23 16:11:16,201] ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)",
        "2015-04-12 15:08:05,157 ERROR [kafka-log-cleaner-thread-0] kafka.log.LogCleaner - [kafka-log-cleaner-thread-0], Error due to",
        "[2023-05-01 10:00:00,000] ERROR [kafka-log-cleaner-thread-0]: Error due to (kafka.log.LogCleaner$CleanerThread)",
    ] {
        assert_eq!(read(line), Class::CleanerDied { thread: 0 }, "{line}");
    }
    let statistics =
        ["\tLog cleaner thread 1 cleaned log orders-1-11 (dirty section = [0, 1892])".to_owned()];
    let worked =
        classify("[2026-11-23 16:11:26,609] INFO [kafka-log-cleaner-thread-1], ", &statistics, Level::Info);
    assert_eq!(worked, Class::CleanerWorked { of: tp("orders-1", 11), stats: CleanerStats::default() });
    assert_eq!(
        read(
            "[2026-11-23 16:10:53,493] INFO Cleaner 0: Beginning cleaning of log completeProduct-11. (kafka.log.LogCleaner)"
        ),
        Class::CleanerBegan { of: tp("completeProduct", 11) }
    );
    assert_eq!(
        read(
            "[2026-11-23 16:20:10,226] WARN [kafka-log-cleaner-thread-0]: Unexpected exception thrown when cleaning log Log(dir=/services/kafka/completeProduct-2, topicId=PNE06QnuSnKovFzM1tiDmg, topic=completeProduct, partition=2, highWatermark=7513, lastStableOffset=7513, logStartOffset=0, logEndOffset=7513). Marking its partition (completeProduct-2) as uncleanable (kafka.log.LogCleaner)"
        ),
        Class::Uncleanable { of: tp("completeProduct", 2) }
    );
}

#[test]
fn starts_and_versions() {
    for (line, broker) in [
        (
            "[2026-11-23 16:10:38,545] INFO [Kafka Server 180881585], started (kafka.server.KafkaServer)",
            180881585,
        ),
        ("[2026-11-23 16:20:36,525] INFO [KafkaServer id=1] started (kafka.server.KafkaServer)", 1),
        (
            "[2026-11-23 16:15:48,121] INFO [KafkaRaftServer nodeId=1] Kafka Server started (kafka.server.KafkaRaftServer)",
            1,
        ),
    ] {
        assert_eq!(read(line), Class::Started { broker: Some(broker) }, "{line}");
    }
    for (line, version) in [
        (
            "[2026-11-23 16:10:38,544] INFO Kafka version : 0.10.1.0 (org.apache.kafka.common.utils.AppInfoParser)",
            "0.10.1.0",
        ),
        (
            "[2026-11-23 16:15:48,098] INFO Kafka version: 3.9.1 (org.apache.kafka.common.utils.AppInfoParser)",
            "3.9.1",
        ),
        (
            "[2026-11-23 16:15:48,098] INFO Kafka version: 7.4.0-ccs (org.apache.kafka.common.utils.AppInfoParser)",
            "7.4.0-ccs",
        ),
    ] {
        assert_eq!(read(line), Class::Version { version: version.into() }, "{line}");
    }
}

#[test]
fn unclean_elections_in_all_forms() {
    let unclean = |of: Option<TopicPartition>, leader| Class::UncleanElection {
        of,
        leader,
        topic_id: None,
        isr_before: Vec::new(),
    };
    for (line, class) in [
        (
            "[2026-11-23 16:12:53,582] WARN [OfflinePartitionLeaderSelector]: No broker in ISR is alive for [completeProduct,34]. Elect leader 180881591 from live brokers 180881591. There's potential data loss. (kafka.controller.OfflinePartitionLeaderSelector)",
            unclean(Some(tp("completeProduct", 34)), 180881591),
        ),
        (
            "[2026-11-23 16:14:34,687] INFO Setting new leader for topicId ycandoDPTYe03xJQy9QkvQ, partition 1 to 3 using an unclean election (org.apache.kafka.controller.PartitionChangeBuilder)",
            unclean(None, 3),
        ),
        (
            "[2026-11-23 16:20:48,197] INFO [QuorumController id=1] UNCLEAN partition change for completeProduct-1 with topic ID n4tB0dOfTNKORR3IDIEg7g: isr: [] -> [3], leader: -1 -> 3, leaderRecoveryState: RECOVERED -> RECOVERING, leaderEpoch: 1 -> 2, elr: [2] -> [], lastKnownElr: [2] -> [], partitionEpoch: 2 -> 3 (org.apache.kafka.controller.ReplicationControlManager)",
            unclean(Some(tp("completeProduct", 1)), 3),
        ),
        (
            "[2024-11-03 14:16:30,000] ERROR [QuorumController id=1] Triggering unclean leader election for offline partition completeProduct-13. (org.apache.kafka.controller.ReplicationControlManager)",
            unclean(Some(tp("completeProduct", 13)), -1),
        ),
        (
            "[2026-11-23 16:21:42,018] INFO [Controller id=1 epoch=2] Changed partition completeProduct-10 from OfflinePartition to OnlinePartition with state LeaderAndIsr(leader=3, leaderEpoch=3, isr=List(3), zkVersion=3) (state.change.logger)",
            Class::LeaderElected {
                of: tp("completeProduct", 10),
                leader: 3,
                isr: vec![3],
                from_offline: true,
            },
        ),
    ] {
        assert_eq!(read(line), class, "{line}");
    }
}

#[test]
fn an_exceptions_path_names_the_partition() {
    let cause = "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 8 no larger than the last offset appended (5370) to /services/kafka/complete-Product.1-6/00000000000000003767.timeindex.cleaned.";
    assert_eq!(partition_in_path(cause), Some(tp("complete-Product.1", 6)));
    assert_eq!(
        partition_in_path("9750860 messages in segment orders-3/00000000000047580165.log but"),
        Some(tp("orders", 3))
    );
    assert_eq!(partition_in_path("/services/kafka/meta.properties"), None);
}

proptest! {
    #[test]
    fn any_line_is_read_without_harm(line in "(?s).{0,300}", more in proptest::collection::vec(".{0,80}", 0..4)) {
        let _ = classify(&line, &more, Level::Error);
        let _ = cleaner_thread(&line);
        let _ = partition_in_path(&line);
    }

    #[test]
    fn no_number_is_too_large(digits in "[0-9]{1,40}") {
        let _ = read(&format!("[ReplicaFetcherThread-0-{digits}], Current offset {digits} for partition [t,{digits}] out of range; reset offset to {digits}"));
    }
}
#[test]
fn zz_bless() {
    let text = std::fs::read_to_string("/tmp/k2_in.txt").unwrap();
    let mut out = String::new();
    for entry in text.split("== ").skip(1) {
        let mut lines = entry.lines();
        let head = lines.next().unwrap();
        let body: Vec<&str> = lines.collect();
        let rest: Vec<String> = body[1..].iter().map(|l| l.to_string()).collect();
        let level = crate::kafka::record::header(body[0]).map_or(Level::Unknown, |h| h.level);
        let class = classify(body[0], &rest, level);
        out.push_str(&format!("== {head}\n{}\n=> {}\n", body.join("\n"), serde_json::to_string(&class).unwrap()));
    }
    std::fs::write("/tmp/k2_out.txt", out).unwrap();
}
