//! Brokers: whether they run, who they are, whether they are alike.

use super::Text;
use crate::diagnose::finding::Code;

pub fn text(code: Code) -> Text {
    match code {
        Code::BrokerCrashed => Text {
            code,
            severity: "critical where it is down; warning where it has started since",
            summary: "A broker ended without shutting down, or did not come up",
            meaning: "The broker was killed, or ended by an error. What it had not flushed must be recovered from its \
                      segments at the next start, and up to 0.10.2 its high watermarks decide what it throws away.",
            rule: "It is not running and left no .kafka_cleanshutdown; or a fatal error or an OutOfMemoryError in its \
                   log, or a kill by the kernel, without a later start; or a start that recovers logs and was not \
                   its first. A start that failed is critical while the broker does not run, though it leaves the mark of \
                   a clean stop. Recovery of __cluster_metadata alone is normal. A broker that halted because its log \
                   dirs failed is log-dir-offline's."
                .to_owned(),
            versions: "All. `since no clean shutdown file was found` from 2.6.",
            confirm: &[
                "ls -la LOG_DIR/.kafka_cleanshutdown; pgrep -f kafka.Kafka",
                "grep -E 'Fatal|FATAL|OutOfMemory|clean shutdown file' LOGS/server.log* | tail",
                "dmesg | grep -i 'killed process'",
            ],
            act: &["Find out why before it is started: memory, disk, a bug.", "Give it time: recovery reads segments."],
            never: &["Do not start it before data-lost and replica-truncated are ruled out.", "Do not kill -9 a broker that recovers."],
        },
        Code::TopicIdMismatch => Text {
            code,
            severity: "critical; notice when it passed within a minute",
            summary: "Replicas of one topic name belong to different topics",
            meaning: "The topic was deleted and created again while a broker was away: its replica holds the old \
                      topic's records under the same name. Nothing compared between them means anything.",
            rule: "partition.metadata of two current replicas of a topic has different topic ids (read only for \
                   replicas that look suspicious); or a broker refused the replica for its topic id (ERROR), or a \
                   follower was told INCONSISTENT_TOPIC_ID for a minute and longer, with no start since and no two \
                   disks that agree. Shorter, it is a notice: that passes whenever a topic is made anew."
                .to_owned(),
            versions: "2.8 and later (KIP-516).",
            confirm: &[
                "cat LOG_DIR/TOPIC-N/partition.metadata",
                "kafka-topics.sh --describe --topic TOPIC --bootstrap-server BOOTSTRAP",
            ],
            act: &["Stop the broker with the other id, move its directories of the topic away, start it."],
            never: &["Do not let that replica lead."],
        },
        Code::BrokerIdDuplicate => Text {
            code,
            severity: "critical; notice where a broker that was just restarted has met its own last registration",
            summary: "Two brokers have one id, or one log dir",
            meaning: "Only one of them can be in the cluster. One disk is a copy of the other's, two inventory \
                      entries are one host, or two clusters are taken for one.",
            rule: "The same broker.id or node.id in meta.properties of two hosts of a cluster; the same directory.id \
                   twice; two brokers of one machine with the same log dir; or a broker whose registration is \
                   refused because its id is registered, for longer than the 9 s that its own old registration \
                   may live, or until its start failed. No later start may be in its log."
                .to_owned(),
            versions: "All; directory.id from 3.7.",
            confirm: &["cat LOG_DIR/meta.properties; hostname"],
            act: &["Find out which one is in the cluster; correct the inventory, or the other's disk."],
            never: &["Do not start the second one."],
        },
        Code::ClusterIdMismatch => Text {
            code,
            severity: "critical",
            summary: "Brokers of one cluster have disks of several",
            meaning: "A disk came from another cluster, or the inventory puts hosts of several clusters under one \
                      name. What is compared between them means nothing.",
            rule: "More than one cluster.id in meta.properties of one cluster's hosts; or a broker found another \
                   cluster in ZooKeeper than at its first start in the log, and has replicas from before."
                .to_owned(),
            versions: "2.4 and later keep cluster.id on the disk; ZooKeeper has it from 0.10.1 on.",
            confirm: &["grep cluster.id LOG_DIR/meta.properties", "grep 'Cluster ID = ' LOGS/server.log*"],
            act: &[
                "Compare cluster.id with the inventory's kafka_cluster.",
                "Compare zookeeper.connect, its chroot too; if it is right, ZooKeeper has lost its data: restore it.",
            ],
            never: &["Do not delete meta.properties to make a broker start."],
        },
        Code::VersionsMixed => Text {
            code,
            severity: "notice",
            summary: "Brokers of one cluster run different versions",
            meaning: "An upgrade is under way, or was left half done. Bugs that one version fixes still hold on the \
                      others.",
            rule: "Different versions in the brokers' last start lines, else in the names of their jars.".to_owned(),
            versions: "All.",
            confirm: &["grep 'Kafka version' LOGS/server.log LOGS/kafkaServer.out | tail -1", "ls libs/kafka_*.jar"],
            act: &["Finish the upgrade; then raise inter.broker.protocol.version or metadata.version."],
            never: &["Do not raise the protocol's version before the last broker is upgraded."],
        },
        _ => Text {
            code: Code::SettingsDiffer,
            severity: "notice; warning for settings that decide over data",
            summary: "Brokers of one cluster have different settings",
            meaning: "What happens to a partition depends on which broker leads it, or controls.",
            rule: format!(
                "A setting that brokers should share differs between their files, or stands in some of them only. A \
                 warning for {}.",
                crate::diagnose::brokers::DECISIVE.join(", ")
            ),
            versions: "All. Dynamic settings (1.1 and later) stand in no file and are not seen.",
            confirm: &[
                "grep -vE '^(#|$)' server.properties | sort   # on all, then diff",
                "kafka-configs.sh --describe --all --entity-type brokers --entity-name ID --bootstrap-server BOOTSTRAP",
            ],
            act: &["Make them alike, one broker at a time."],
            never: &["Do not change them during an incident, but for unclean.leader.election.enable=false."],
        },
    }
}
