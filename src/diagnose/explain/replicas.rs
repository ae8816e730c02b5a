//! Which replicas are there, and whether they are alike.

use super::Text;
use crate::diagnose::finding::Code;
use crate::diagnose::{judge, motion, pairs, sizes};
use crate::round::{SizeRatio, Thresholds};
use crate::words;

pub fn text(code: Code) -> Text {
    let size = SizeRatio::default();
    let limits = Thresholds::default();
    match code {
        Code::ReplicaShort => Text {
            code,
            severity: "critical from size_ratio.critical on, or where a truncation names it; else warning",
            summary: "A replica lacks data that another one has",
            meaning: "The smaller replica does not hold all that the larger one holds. If it becomes leader while \
                      the larger one's broker is down, what only the larger one has is cut when it comes back.",
            rule: format!(
                "Two replicas differ by at least {} times (critical {}) and by at least {} or {} segments, \
                 whichever is less, and the smaller one's high watermark is behind by more than 1 %, or a \
                 truncation names the partition, or the larger side's cleaner is well and has nothing to clean. \
                 Or the high watermark is behind by more than a {}th of what is held. A replica beyond the \
                 expected number that was written within {} is one on its way and is left out.",
                size.warning,
                size.critical,
                words::bytes(size.ignore_below),
                judge::SEGMENTS,
                sizes::FAR_BEHIND,
                words::span(limits.stale_s)
            ),
            versions: "All. Dangerous where unclean election is possible: by default up to 0.10.2.",
            confirm: &[
                "grep '^TOPIC ' LOG_DIR/replication-offset-checkpoint   # on all holders, twice, 30 s apart",
                "grep '^TOPIC ' LOG_DIR/cleaner-offset-checkpoint",
                "kafka-topics.sh --describe --topic TOPIC --bootstrap-server BOOTSTRAP",
            ],
            act: &[
                "See whether it catches up. If not, read its server.log for fetcher and disk errors.",
                "Set unclean.leader.election.enable=false before anything is restarted.",
            ],
            never: &["Do not restart or stop the brokers that hold the larger replicas."],
        },
        Code::ReplicaEmpty => Text {
            code,
            severity: "critical",
            summary: "A replica holds nothing beside one that has data",
            meaning: "The replica has just been created and is still to be fetched, or it lost everything. If it \
                      leads, the others cut themselves down to nothing.",
            rule: format!(
                "No bytes in its .log files while another replica has at least {} or {} segments, or a high \
                 watermark beyond its own. A replica beyond the expected number is one on its way.",
                words::bytes(size.ignore_below),
                judge::SEGMENTS
            ),
            versions: "All. Up to 0.9.0.1 a follower may delete its log by itself (KAFKA-2477).",
            confirm: &[
                "du -s LOG_DIR/TOPIC-*   # twice: does it fill?",
                "grep -E 'Deleting all segments|Truncate fully|start offset' LOGS/server.log*",
            ],
            act: &["See whether it fills.", "If not, read its server.log for fetcher and disk errors."],
            never: &["Do not stop the brokers that hold the data."],
        },
        Code::ReplicaMissing => Text {
            code,
            severity: "critical; warning where all that is left lies on brokers that are down; notice while the topic is being created or deleted",
            summary: "A partition has fewer replicas on disk than it should",
            meaning: "Every broker of the cluster was looked at, and no more directories are there: the partition \
                      has lost a copy, or every one.",
            rule: "Fewer current replicas than the playbook's replication_factor, or than most partitions of the \
                   topic have (inferred); or a number below the highest without any. Only where all brokers \
                   were seen for all of the topic."
                .to_owned(),
            versions: "All: a broker keeps a directory for each replica that it is assigned, empty or not.",
            confirm: &[
                "kafka-topics.sh --describe --topic TOPIC --bootstrap-server BOOTSTRAP",
                "ls -d LOG_DIR/TOPIC-*",
            ],
            act: &["Compare with what the cluster's metadata assigns.", "Look for an offline or unmounted log dir."],
            never: &["Do not stop the brokers that hold the remaining replicas."],
        },
        Code::ReplicaLagging => Text {
            code,
            severity: "critical where the follower's own fetches come to nothing; warning; notice where the broker is \
                       stopped",
            summary: "A replica does not follow its leader",
            meaning: "The replica has stood still while others went on. It is out of the ISR, or about to be; the \
                      partition has one copy less than it seems.",
            rule: format!(
                "Its high watermark is behind by more than 1 % and its newest .log was written more than {} \
                 before a peer's, by corrected clocks. Or its log says that the fetcher died or the partition was \
                 marked as failed, without a later start, and without the line that it waits for a new leader; or that \
                 a record is larger than it may fetch; or an older leader's log, that it does not know the requests \
                 of a broker that was upgraded. The last two count while they are still tried.",
                words::span(limits.lagging_s)
            ),
            versions: "All. `marked as failed` from 2.3; with `has an older epoch … Will await` before it, it is \
                       normal in every restart. Records too large up to inter.broker.protocol.version 0.10.0.",
            confirm: &[
                "grep '^TOPIC ' LOG_DIR/replication-offset-checkpoint   # twice, 30 s apart",
                "grep -E 'marked as failed|Error due to|ReplicaFetcher' LOGS/server.log | tail",
                "grep -A 1 'Closing socket for .* because of error' LOGS/server.log | tail   # on its leader",
            ],
            act: &[
                "Read the follower's server.log.",
                "If its fetcher is dead, restart the follower.",
                "If it was upgraded, set inter.broker.protocol.version to what the others run, and restart it.",
            ],
            never: &["Do not restart the broker that leads these partitions."],
        },
        Code::ReplicaSkew => Text {
            code,
            severity: "warning; critical from size_ratio.critical on where the reason cannot be told",
            summary: "Replicas differ in size, and nothing shows a loss",
            meaning: "Either the larger side is not compacted or retained alike, or the smaller side lacks data. \
                      The finding says which where offsets and cleaners tell, and what would tell where they do \
                      not.",
            rule: format!(
                "Two replicas differ by at least {} times and by at least {} or {} segments, whichever is less, \
                 and it is not replica-short. 2 : 1 is what cleaners that work on their own may make of one log.",
                size.warning,
                words::bytes(size.ignore_below),
                judge::SEGMENTS
            ),
            versions: "All.",
            confirm: &[
                "grep '^TOPIC ' LOG_DIR/replication-offset-checkpoint LOG_DIR/cleaner-offset-checkpoint",
                "grep 'Error due to' LOGS/log-cleaner.log* LOGS/server.log*",
            ],
            act: &["See to the cleaner of the larger side.", "Where it cannot be told, read the files above."],
            never: &["Do not restart the larger side before the reason is known."],
        },
        Code::BrokerPairBias => Text {
            code,
            severity: "warning from size_ratio.warning on; else notice",
            summary: "One broker's replicas are all larger than another's",
            meaning: "Partitions are independent and brokers are not: what shifts all of a pair by the same factor \
                      is something of the broker, such as its cleaner.",
            rule: format!(
                "At least {} shared partitions of a topic, their ratios within a factor of {}, the middle one at \
                 least {}, and half of the differences beyond {} or {} segments. Where half of the smaller replicas \
                 are far behind in offsets it is no bias: they were never fetched.",
                pairs::PATTERN,
                pairs::STEADY,
                pairs::BIASED,
                words::bytes(size.ignore_below),
                judge::SEGMENTS
            ),
            versions: "All.",
            confirm: &["du -s LOG_DIR/TOPIC-*   # on both", "ls -l LOG_DIR/cleaner-offset-checkpoint   # on both"],
            act: &["Compare the cleaners of the two brokers."],
            never: &["Do not take it for a loss: a loss is uneven."],
        },
        Code::ReplicaExtra => Text {
            code,
            severity: "notice; warning where the playbook gives the number and nobody writes to the copy",
            summary: "A partition has more replicas on disk than it should",
            meaning: "A reassignment is under way, or a broker keeps a replica that it no longer serves.",
            rule: format!(
                "More current replicas than the playbook's replication_factor, or than most partitions of the topic \
                 have (inferred). A warning only where the playbook says so and the copy has not been written for \
                 {}.",
                words::span(limits.stale_s)
            ),
            versions: "All. From 3.7 Kafka sets such a replica aside by itself (replica-stray).",
            confirm: &[
                "kafka-topics.sh --describe --topic TOPIC --bootstrap-server BOOTSTRAP",
                "kafka-reassign-partitions.sh --list --bootstrap-server BOOTSTRAP",
            ],
            act: &["Wait for the reassignment, or find out which copy is in use."],
            never: &["Do not delete a directory while its broker runs."],
        },
        Code::ReplicaStray => Text {
            code,
            severity: "warning",
            summary: "A broker holds a replica that is not assigned to it",
            meaning: "The cluster's metadata does not assign the replica to this broker, so Kafka set it aside. It \
                      takes space and is not deleted.",
            rule: "A directory that ends in -stray.".to_owned(),
            versions: "3.7 and later (KAFKA-15605).",
            confirm: &["ls -d LOG_DIR/*-stray", "grep -i stray LOGS/server.log*"],
            act: &["Make sure that the topic is meant to be gone or elsewhere, then delete the directory."],
            never: &["Do not delete it while a partition of that topic lacks a replica."],
        },
        Code::ReplicaFuture => Text {
            code,
            severity: "notice",
            summary: "A replica moves from one log dir to another",
            meaning: "A move between log dirs of one broker is under way. The replica takes its space twice until \
                      it has arrived.",
            rule: "A directory that ends in -future.".to_owned(),
            versions: "1.1 and later (KIP-113).",
            confirm: &["du -s LOG_DIR/*-future   # twice: does it grow?"],
            act: &["If it does not grow, look for errors of ReplicaAlterLogDirsThread in server.log."],
            never: &["Do not delete it while its broker runs."],
        },
        _ => Text {
            code: Code::ReplicaDeleting,
            severity: "notice",
            summary: "A replica is being deleted",
            meaning: "Kafka deletes the directory after file.delete.delay.ms, 60 s by default.",
            rule: format!(
                "A directory that ends in -delete. Its topic's other findings about missing replicas are left out, \
                 and so are those of topics without data whose directories are younger than {}.",
                words::span(motion::YOUNG_S.unsigned_abs())
            ),
            versions: "0.10.2 and later; before, directories are deleted in place.",
            confirm: &["ls -d --full-time LOG_DIR/*-delete"],
            act: &["If it stays, the broker was stopped in between; it deletes it after its next start."],
            never: &["Do not bring it back by renaming: the topic is gone from the metadata."],
        },
    }
}
