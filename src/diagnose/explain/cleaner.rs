//! The log cleaner.

use super::Text;
use crate::diagnose::finding::Code;
use crate::round::{SizeRatio, Thresholds};
use crate::words;

pub fn text(code: Code) -> Text {
    let limits = Thresholds::default();
    match code {
        Code::CleanerDead => Text {
            code,
            severity: "critical",
            summary: "A broker's log cleaner has stopped for good",
            meaning: "Nothing is compacted on that broker any more: its replicas of compacted topics only grow, \
                      and topics that are compacted and deleted keep what they should drop. Nothing else shows \
                      it. Two brokers with a dead cleaner look alike; equal sizes prove nothing.",
            rule: format!(
                "`[kafka-log-cleaner-thread-N] Error due to` without a later start or cleaning. Without logs \
                 (inferred): at least {} compacted partitions of which more than {:.0} % is not cleaned while \
                 their replicas elsewhere are at most {:.0} %; or cleaner-offset-checkpoint not written for {} \
                 while other brokers wrote theirs and something is waiting. It ends only when a start or a \
                 finished cleaning is seen. A cleaner that is off is cleaner-disabled. Where the replicas grow, the \
                 rate is the dirty bytes over the time since the death.",
                limits.dead_partitions,
                limits.dead_dirty_ratio * 100.0,
                limits.dirty_ratio * 100.0,
                words::span(limits.cleaner_silent_s)
            ),
            versions: "Up to 2.0 any exception ends the thread (KAFKA-7215); from 2.1 most set one partition \
                       aside instead. From 3.5 to 3.9 the line stands in server.log, not in log-cleaner.log. From \
                       1.1 a change of a log.cleaner.* setting brings the thread back without a restart.",
            confirm: &[
                "grep -A 20 'Error due to' LOGS/log-cleaner.log* LOGS/server.log*",
                "ls -l --time-style=full-iso LOG_DIR/cleaner-offset-checkpoint",
                "ls LOG_DIR/*/*.cleaned",
            ],
            act: &[
                "Read the exception; if it is a known bug, upgrade to the version that has the fix.",
                "Make sure first that no replica elsewhere is short (replica-short, replica-truncated).",
                "Then restart the broker. Its replicas shrink within minutes: that is no loss.",
                "Watch the disk: cleaning takes up to one segment more before it gives space back.",
            ],
            never: &[
                "Do not restart it while another broker's replica of the same partition is short or out of sync.",
                "Do not delete segments by hand.",
            ],
        },
        Code::CleanerBehind => Text {
            code,
            severity: "warning",
            summary: "A cleaner works too slowly, or not on these partitions",
            meaning: "Replicas of compacted topics hold much more that is not yet cleaned than their peers. The \
                      cleaner may be slow, throttled, held back by a setting or by an open transaction, or about \
                      to fail.",
            rule: format!(
                "The larger replica is more than {} times the smaller one, high watermarks agree, and more than \
                 {:.0} % of its closed segments is not cleaned. Or all replicas of at least {} partitions are more \
                 than {:.0} % uncleaned: then no peer shows what is normal. The ratio is Kafka's own: bytes from \
                 the first dirty offset to the active segment over all closed bytes.",
                SizeRatio::default().warning,
                limits.dirty_ratio * 100.0,
                limits.dead_partitions,
                limits.dead_dirty_ratio * 100.0
            ),
            versions: "All. KAFKA-6030 (0.11.0.0, 0.11.0.1) never picks a log with more than 2 GiB to clean; \
                       KAFKA-8335 (up to 2.2.0) leaves __consumer_offsets growing.",
            confirm: &[
                "grep '^TOPIC ' LOG_DIR/cleaner-offset-checkpoint",
                "grep -A 9 'cleaned log TOPIC' LOGS/log-cleaner.log | tail -40",
                "kafka-configs.sh --describe --entity-type topics --entity-name TOPIC --bootstrap-server BOOTSTRAP",
            ],
            act: &[
                "See whether the cleaner works: the checkpoint's time and log-cleaner.log.",
                "Look at log.cleaner.threads, log.cleaner.io.max.bytes.per.second, min.cleanable.dirty.ratio, \
                 min.compaction.lag.ms.",
            ],
            never: &["Do not take the smaller replica for a short one: high watermarks decide."],
        },
        Code::CleanerDisabled => Text {
            code,
            severity: "warning",
            summary: "A broker with compacted topics runs no cleaner",
            meaning: "log.cleaner.enable is false there, or was when the broker last started: its replicas of \
                      compacted topics keep every record for ever, __consumer_offsets among them.",
            rule: "The broker holds replicas of a compacted topic, and its settings say \
                   log.cleaner.enable=false; or (inferred) its log dir has the other checkpoints and no \
                   cleaner-offset-checkpoint, which a broker with a cleaner creates at its start. Compacted is \
                   what another broker's checkpoint names, what the playbook says, and Kafka's own \
                   __consumer_offsets, __transaction_state and __share_group_state."
                .to_owned(),
            versions: "All. The default is false up to 0.9.0.0 and true from 0.9.0.1.",
            confirm: &[
                "ls -l LOG_DIR/cleaner-offset-checkpoint LOGS/log-cleaner.log",
                "grep log.cleaner server.properties",
            ],
            act: &["Set log.cleaner.enable=true and restart the broker, one at a time."],
            never: &["Do not switch it on without free space for one more segment."],
        },
        _ => Text {
            code: Code::PartitionUncleanable,
            severity: "critical",
            summary: "The cleaner has set a partition aside",
            meaning: "The cleaner met a record there that it cannot read. It goes on with other partitions, but \
                      this one is not compacted on that broker until it restarts, and its replica grows.",
            rule: "`Marking its partition (TOPIC-N) as uncleanable` without a later start of the broker and \
                   without a later cleaning of that partition."
                .to_owned(),
            versions: "2.1 and later (KIP-346). The mark is kept in memory until the broker restarts \
                       (KAFKA-19895, open).",
            confirm: &[
                "grep -A 5 'uncleanable' LOGS/log-cleaner.log*",
                "kafka-dump-log.sh --deep-iteration --files LOG_DIR/TOPIC-N/SEGMENT.log",
            ],
            act: &[
                "Find the bad segment; its name is the one of the .cleaned file that was left behind.",
                "If another replica is whole and in sync, stop the broker, move the directory away, start it.",
            ],
            never: &["Do not count on a restart: the cleaner meets the same record again."],
        },
    }
}
