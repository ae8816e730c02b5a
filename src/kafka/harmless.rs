//! ERROR and WARN lines of clusters that are well, each with the reason.
//!
//! They come with ordinary work: creating a topic, a rolling restart, a restart after a crash, a
//! controller's stop and start.

use std::sync::LazyLock;

use regex::RegexSet;

use crate::kafka::event::Level;

/// Pattern and reason.
const LINES: &[(&str, &str)] = &[
    // kafka.server.ReplicaFetcherThread: ERROR up to 1.0, INFO to 2.0.
    (
        r"Error for partition \S+ to broker [0-9]+:\S*UnknownTopicOrPartition",
        "the follower knew of a new partition before its leader did",
    ),
    (
        r"Error for partition \S+ to broker [0-9]+:\S*NotLeader(?:OrFollower|ForPartition)",
        "the leader had moved, and the follower had not heard of it",
    ),
    // 1.1 and 2.0 (ERROR): the exception stands on the next line.
    (
        r"Error for partition \S+ at offset [0-9]+ .*Exception: This server (?:does not host this topic|is not the leader for that topic)",
        "follower and leader heard of a change one after the other",
    ),
    (
        r"Received (?:UNKNOWN_TOPIC_OR_PARTITION|UNKNOWN_TOPIC_ID|NOT_LEADER_FOR_PARTITION|NOT_LEADER_OR_FOLLOWER|FENCED_LEADER_EPOCH|UNKNOWN_LEADER_EPOCH) from the leader",
        "follower and leader heard of a change one after the other",
    ),
    // kafka.controller.KafkaController, 1.1 to 3.9: the session's end stands in a line of its own.
    (
        r"Error processing event \S+ .*KeeperException\$SessionExpiredException",
        "the controller's session had expired, and another took over",
    ),
    // kafka.cluster.Partition `updateReplicaLogReadResult`, up to 1.0 (ERROR): a topic was made or moved.
    (
        r"[Ee]rror when handling request .*FetchRequest.*NotAssignedReplicaException",
        "a follower heard of its new replica before the leader did",
    ),
    // kafka.server.BrokerMetadataCheckpoint up to 2.8.
    (r"No meta\.properties file under dir", "a broker's first start with this log dir"),
    // kafka.zk.KafkaZkClient, 1.1 to 3.9: brokers race for it whenever it is free.
    (
        r"Error while creating ephemeral at /controller, node already exists",
        "another broker became the controller first",
    ),
    // kafka.log.AbstractIndex, 0.11 to 2.0, on a Java that came later (9 and above).
    (
        r"Error when freeing index buffer \(kafka\.log\.",
        "this Java gives an index's memory back only when it collects garbage: it is newer than the broker",
    ),
    // kafka.server.KafkaServerStartable up to 2.7, kafka.Kafka later.
    (r"Exiting Kafka\.", "the broker's end, whose cause the lines before say"),
    // kafka.server.BrokerLifecycleManager and BrokerServer, before the fatal error of the start.
    (
        r"Shutting down because we were unable to register with the controller quorum|Received a fatal error while waiting for ",
        "the end of a start, which the line after it tells",
    ),
    // kafka.controller.RequestSendThread up to 3.9.
    (
        r"Controller [0-9]+'s connection to broker .* was unsuccessful",
        "the controller tried a broker that was restarting",
    ),
    (
        r"Controller [0-9]+ (?:epoch [0-9]+ )?fails to send a? ?request",
        "the controller tried a broker that was restarting",
    ),
    (
        r"Not sending request .* to broker [0-9]+, since it is offline",
        "the controller knew that the broker was down",
    ),
    (r"ignoring LeaderAndIsr request from controller", "an older request arrived after a newer one"),
    // kafka.server.ReplicaManager up to 2.8: the partition's own lack of a leader is told by the controller.
    (
        r"cannot become follower since the new leader -?[0-9]+ is unavailable",
        "the partition's leader is down, and its controller says what follows",
    ),
    (
        r"Received error in (?:LeaderAndIsr|StopReplica|UpdateMetadata) response ",
        "a broker refused a change, and its own log says why",
    ),
    (r"Cannot remove replica [0-9]+ from ISR of partition", "the replica was out of sync already"),
    // org.apache.kafka.clients.NetworkClient.
    (
        r"Connection to node -?[0-9]+ \([^)]*\) could not be established",
        "the other node was down for a moment, as in every restart",
    ),
    (r"Attempting to close NetworkClient that has already been closed", "a clean stop"),
    (r"Attempting to send response via channel for which there is no open connection", "a client had gone"),
    // org.apache.kafka.controller.QuorumController.
    (
        r"Cancelling deferred write event \S+ because the event queue is now closed",
        "the controller's clean stop",
    ),
    // 3.0 to 3.5: the events that the controller had planned for itself end with its queue.
    (
        r"(?:maybeFenceReplicas|writeNoOpRecord|maybeBalancePartitionLeaders|generatePeriodicPerformanceMessage): unable to start processing because of (?:Timeout|RejectedExecution)Exception",
        "the controller's clean stop",
    ),
    (
        r"Unexpected exception while executing deferred write event \S+ Rescheduling for a minute from now\. .*errors\.TimeoutException$",
        "the controller's clean stop",
    ),
    // kafka.network.Processor: neither a broker nor a client sends that, a port scanner does.
    (
        r"(?:Closing socket for \S+ because of error|Exception while processing request from ).*InvalidRequestException: Error parsing request header",
        "somebody sent what is no request of Kafka",
    ),
    // kafka.server.ControllerApis, where there are several controllers.
    (
        r"Unexpected error handling request .*errors\.NotControllerException",
        "the controller had moved, and the sender had not heard of it",
    ),
    (r"Performing controller activation", "a controller took over"),
    // state.change.logger, on a reassignment in KRaft.
    (
        r"Expected partition \S+ with topic id \S+ to exist, but it was missing\. Creating",
        "a replica that was moved here",
    ),
    // org.apache.kafka.clients.admin.AdminClientConfig and others at every start.
    (
        r"These configurations .* were supplied but are not used yet",
        "settings meant for another part of Kafka",
    ),
];

static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    // Cannot fail: constants, compiled by a test.
    RegexSet::new(LINES.iter().map(|(pattern, _)| pattern)).expect("constant patterns")
});

/// Why a record is nothing to worry about, whatever its level: its header line, and the exception below it.
pub fn why(line: &str, exception: Option<&String>, level: Level) -> Option<&'static str> {
    // Only warnings and errors need an excuse.
    if matches!(level, Level::Trace | Level::Debug | Level::Info) {
        return None;
    }
    // With an exception below it is the first to say why.
    if exception.is_some() && line.contains("Exiting Kafka.") {
        return None;
    }
    let excuse = |line: &str| LINES.get(SET.matches(line).iter().next()?).map(|(_, reason)| *reason);
    // Few headers say nothing without what stands below them.
    let needed = [
        "Error for partition ",
        "executing deferred write event ",
        "rror when handling request ",
        "Error processing event ",
        "Closing socket for ",
        "Unexpected error handling request ",
        "Exception while processing request from ",
    ];
    let with = || exception.filter(|_| needed.iter().any(|needed| line.contains(needed)));
    excuse(line).or_else(|| excuse(&format!("{line} {}", with()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_healthy_clusters_are_excused() {
        for line in [
            "[2026-11-24 16:49:49,809] ERROR Error when freeing index buffer (kafka.log.OffsetIndex)",
            "[2026-11-23 16:10:43,084] ERROR [ReplicaFetcherThread-0-180881591], Error for partition [priceStock,2] to broker 180881591:org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition. (kafka.server.ReplicaFetcherThread)",
            "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Error for partition [t,0] to broker 2:org.apache.kafka.common.errors.NotLeaderForPartitionException: This server is not the leader for that topic-partition. (kafka.server.ReplicaFetcherThread)",
            "[2026-11-23 16:17:40,000] ERROR [QuorumController id=1] Cancelling deferred write event maybeFenceReplicas because the event queue is now closed. (org.apache.kafka.controller.QuorumController)",
            "[2026-11-23 16:17:40,000] ERROR [Broker id=1] Expected partition completeProduct-1 with topic id abc to exist, but it was missing. Creating... (state.change.logger)",
        ] {
            assert!(why(line, None, Level::Error).is_some(), "{line}");
        }
    }

    #[test]
    fn an_exception_excuses_or_does_not() {
        // 1.1.1, when a topic was made.
        let line = "[2026-11-24 03:06:28,878] ERROR [ReplicaFetcher replicaId=3, leaderId=2, fetcherId=0] Error for partition completeProduct-4 at offset 0 (kafka.server.ReplicaFetcherThread)";
        let unknown = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.".to_owned();
        let moved = "org.apache.kafka.common.errors.NotLeaderForPartitionException: This server is not the leader for that topic-partition.".to_owned();
        for excuse in [unknown, moved] {
            assert!(why(line, Some(&excuse), Level::Error).is_some(), "{excuse}");
        }
        // 0.9.0.1, when a topic was made.
        let fetch = "[2026-11-30 13:26:58,100] ERROR [KafkaApi-180881585] error when handling request Name: FetchRequest; Version: 1; CorrelationId: 0; ClientId: ReplicaFetcherThread-0-180881585; ReplicaId: 180881591; MaxWait: 500 ms; MinBytes: 1 bytes; RequestInfo: [completeProduct,33] -> PartitionFetchInfo(0,1048576), (kafka.server.KafkaApis)";
        let early = "kafka.common.NotAssignedReplicaException: Leader 180881585 failed to record follower 180881591's position -1 since the replica is not recognized to be one of the assigned replicas  for partition [completeProduct,33].".to_owned();
        assert!(why(fetch, Some(&early), Level::Error).is_some());
        assert_eq!(why(fetch, None, Level::Error), None);
        let disk = "org.apache.kafka.common.errors.KafkaStorageException: Disk error when trying to access log file on the disk.".to_owned();
        for none in [Some(&disk), None] {
            assert_eq!(why(line, none, Level::Error), None);
        }
    }

    #[test]
    fn a_request_to_a_controller_that_has_moved() {
        // 4.1.0, in a rolling restart of three controllers.
        let line = "[2026-11-30 18:18:09,301] ERROR [ControllerApis nodeId=2] Unexpected error handling request RequestHeader(apiKey=BROKER_HEARTBEAT, apiVersion=1, clientId=3, correlationId=31, headerVersion=2) -- BrokerHeartbeatRequestData(brokerId=3) with context RequestContext(x) (kafka.server.ControllerApis)";
        let moved = "org.apache.kafka.common.errors.NotControllerException: The active controller appears to be node 1.".to_owned();
        assert!(why(line, Some(&moved), Level::Error).is_some());
        let broken = "java.lang.NullPointerException: x".to_owned();
        assert_eq!(why(line, Some(&broken), Level::Error), None);
    }

    #[test]
    fn what_a_port_scanner_sends_is_no_trouble_of_the_broker() {
        for line in [
            "[2026-11-30 17:04:04,081] ERROR Closing socket for 127.91.0.1:9092-127.0.0.1:38380-5 because of error (kafka.network.Processor)",
            "[2026-11-30 17:04:04,083] ERROR Exception while processing request from 127.91.0.1:9092-127.0.0.1:38380-5 (kafka.network.Processor)",
        ] {
            let said = |what: &str| format!("org.apache.kafka.common.errors.InvalidRequestException: {what}");
            // 2.4.1
            let nonsense = said("Error parsing request header. Our best guess of the apiKey is: 999");
            assert!(why(line, Some(&nonsense), Level::Error).is_some(), "{line}");
            let known = said("Error getting request for apiKey: FETCH, apiVersion: 12, connectionId: x");
            assert_eq!(why(line, Some(&known), Level::Error), None, "{line}");
            assert_eq!(why(line, None, Level::Error), None, "{line}");
        }
    }

    #[test]
    fn a_controllers_stop_is_one_and_an_overloaded_one_is_not() {
        // 3.3.2, in a rolling restart.
        for line in [
            "[2026-11-24 03:20:02,469] ERROR [Controller 1] writeNoOpRecord: unable to start processing because of TimeoutException. (org.apache.kafka.controller.QuorumController)",
            "[2026-11-24 03:20:02,469] ERROR [Controller 1] maybeFenceReplicas: unable to start processing because of RejectedExecutionException. (org.apache.kafka.controller.QuorumController)",
        ] {
            assert!(why(line, None, Level::Error).is_some(), "{line}");
        }
        let planned = "[2026-11-24 03:20:02,469] ERROR [Controller 1] Unexpected exception while executing deferred write event maybeFenceReplicas. Rescheduling for a minute from now. (org.apache.kafka.controller.QuorumController)";
        let timeout = "org.apache.kafka.common.errors.TimeoutException".to_owned();
        assert!(why(planned, Some(&timeout), Level::Error).is_some());
        let broken = "java.lang.IllegalStateException: no such broker".to_owned();
        assert_eq!(why(planned, Some(&broken), Level::Error), None);
        let overloaded = "[2026-11-24 03:20:02,469] ERROR [Controller 1] createTopics: unable to start processing because of TimeoutException. (org.apache.kafka.controller.QuorumController)";
        assert_eq!(why(overloaded, None, Level::Error), None);
    }

    #[test]
    fn a_failing_disk_has_no_excuse() {
        for line in [
            "[2026-11-23 16:05:48,875] ERROR Error while appending records to productUpdates-1 in dir /services/kafka (org.apache.kafka.storage.internals.log.LogDirFailureChannel)",
            "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Error for partition [t,0] to broker 2:org.apache.kafka.common.errors.CorruptRecordException: This message has failed its CRC checksum (kafka.server.ReplicaFetcherThread)",
        ] {
            assert_eq!(why(line, None, Level::Error), None, "{line}");
        }
    }
}
