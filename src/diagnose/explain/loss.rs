//! Records that are gone, or are not the same everywhere.

use super::Text;
use crate::diagnose::cuts;
use crate::diagnose::finding::Code;

pub fn text(code: Code) -> Text {
    match code {
        Code::DataLost => Text {
            code,
            severity: "critical",
            summary: "Records were cut, and no replica that was seen has them",
            meaning: "A follower cut records that its leader did not have, and no other replica is known to \
                      reach so far. Those that producers had been told were written are lost; consumers that \
                      had read them are ahead of the log.",
            rule: "A truncation (replica-truncated) whose `from` no replica reaches now: not by its high \
                   watermark, its recovery point nor the base offset of its last segment. A replica that does \
                   reach it counts only if it is beyond its leader: one that follows has new records at old \
                   offsets. Observed when every replica was seen with its offsets, inferred otherwise."
                .to_owned(),
            versions: "All. Unclean election, the usual cause, is on by default up to 0.10.2 and off from 0.11.0. Without one: the \
                       only broker in sync started with another, an empty or an unmounted disk.",
            confirm: &[
                "grep -E 'out of range|Non-monotonic|eset (its )?fetch offset' LOGS/server.log*",
                "grep '^TOPIC ' LOG_DIR/replication-offset-checkpoint",
                "ls -l LOG_DIR/TOPIC-*/*.deleted",
                "grep 'No checkpointed highwatermark' LOGS/server.log*   # on the leader, after its last start",
            ],
            act: &[
                "Keep every stopped broker that may hold a replica stopped, and copy its directories first.",
                "Copy the directories of the cut replicas; segments cut off stay 60 s as .deleted.",
                "Have producers publish again what they sent before the truncation.",
                "Set unclean.leader.election.enable=false.",
            ],
            never: &[
                "Do not start a stopped broker that still has the records: it cuts them as soon as it follows.",
                "Do not restart or clean the holders before their directories are copied.",
            ],
        },
        Code::ReplicaTruncated => Text {
            code,
            severity: "critical; warning where an old version's line is ambiguous",
            summary: "A follower cut its log back to what its leader had",
            meaning: "A follower never keeps what its leader does not have. This one was ahead of its leader \
                      and threw the rest away. Whether that is lost depends on the other replicas: see data-lost.",
            rule: format!(
                "`Current offset FROM … out of range; reset offset to TO` or `Reset fetch offset … latest \
                 offset` with FROM above TO, or `Non-monotonic update of high watermark` backwards. Lines of \
                 one partition within {} s are one truncation: the highest FROM, the lowest TO. A reset to the \
                 leader's start offset is a fetch anew and no truncation.",
                cuts::APART_MS / 1000
            ),
            versions: "All. ERROR up to 1.0; INFO from 1.1, where `grep ERROR` finds nothing. With leader epochs \
                       (2.4 and later) only the high watermark's WARN tells. Up to 0.9.0.0 the same ERROR also \
                       comes from a mere fetch anew (KAFKA-2477): the WARN before it decides.",
            confirm: &[
                "grep -E 'out of range|eset (its )?fetch offset|Non-monotonic|Truncat' LOGS/server.log*",
                "grep -E 'data loss|[Uu]nclean|UNCLEAN' LOGS/controller.log*",
            ],
            act: &[
                "Find out who else holds the partitions and is not following yet: that broker has the records.",
                "Copy the directories of both sides before anything else happens.",
                "Find the election that made the shorter replica leader (unclean-election).",
            ],
            never: &["Do not start or restart a broker that holds a longer replica."],
        },
        Code::EpochsDiverged => Text {
            code,
            severity: "critical",
            summary: "Replicas hold different leaders' data at one offset",
            meaning: "The replicas disagree about who wrote which offsets. Below the high watermark they should hold \
                      the same records, and they do not.",
            rule: "For an entry (epoch, start) of one replica below both high watermarks the other replica has \
                   a later epoch at that offset; or, where the topic is not compacted, an earlier one. Offsets \
                   before a replica's first entry are not compared: retention moves it. Read only for \
                   replicas that look suspicious. Up to 0.10.2, without such files: an unclean leader's log ended, \
                   when its broker started just before, below where a follower's ended that came back later and cut \
                   nothing."
                .to_owned(),
            versions: "By leader epochs 0.11.0 and later (KIP-101); fixed holes: KIP-279 in 2.0, KIP-320 in 2.1. KAFKA-17076 \
                       (fixed in 4.0) makes it by cleaning.",
            confirm: &[
                "cat LOG_DIR/TOPIC-N/leader-epoch-checkpoint",
                "kafka-dump-log.sh --files LOG_DIR/TOPIC-N/00000000000000000000.log | grep partitionLeaderEpoch",
            ],
            act: &[
                "Find out which replica consumers and producers agree with: usually the leader's.",
                "Copy the other's directory, stop its broker, move the directory away and let it fetch anew.",
            ],
            never: &["Do not let the diverged replica lead: move leadership away before you stop anything."],
        },
        Code::UncleanElection => Text {
            code,
            severity: "critical; warning where the last leader leads again (4.0 and later)",
            summary: "A replica that was not in sync became leader",
            meaning: "No replica in sync was alive, and the controller chose one that was behind. Whatever the \
                      new leader does not have is cut from the others as soon as they follow it.",
            rule: "The controller says so; or, where it has no such line, a partition comes back from offline \
                   with a leader that was not in the ISR of the state's version before (inferred). A warning where \
                   the controller took the last leader again, after all that were in sync had stopped uncleanly: it \
                   has what was acknowledged, unless its disk lost something."
                .to_owned(),
            versions: "WARN `potential data loss` up to 1.0. Nothing is written in ZooKeeper mode from 1.1 \
                       (KAFKA-8969): inferred from state-change.log. KRaft: DEBUG up to 3.5, INFO from 3.6.",
            confirm: &[
                "grep -E 'data loss|[Uu]nclean|UNCLEAN' LOGS/controller.log*",
                "grep 'OfflinePartition to OnlinePartition' LOGS/state-change.log*",
            ],
            act: &[
                "If the old leader is still down, leave it down and copy its replica directories.",
                "Set unclean.leader.election.enable=false (the default from 0.11).",
            ],
            never: &["Do not start the old leader before its directories are copied: it cuts itself down."],
        },
        _ => Text {
            code: Code::RecordCorrupt,
            severity: "critical; warning for a tail that a kill tore, and where the cleaner dropped damaged records; \
                       notice for indexes that were rebuilt",
            summary: "A log was found damaged",
            meaning: "A segment holds bytes that are no record, or ends in the middle of one. At a start the \
                      broker cuts the log there; if it then leads, the others cut theirs to match.",
            rule: "`Corruption found in segment`, `Found invalid offset during recovery`, `Deleting all \
                   segments because logEndOffset`, a fetcher that met a corrupt record, or a stored checksum that \
                   does not match. Rebuilt indexes alone are a notice: they cost time, no data, and come with \
                   every kill of a 0.10."
                .to_owned(),
            versions: "All. `Deleting all segments` from 2.3.",
            confirm: &[
                "grep -E 'Corruption found|invalid offset|Deleting all segments|CorruptRecord' LOGS/server.log*",
                "kafka-dump-log.sh --deep-iteration --files LOG_DIR/TOPIC-N/SEGMENT.log",
            ],
            act: &[
                "See that another replica is whole and leads: move leadership there.",
                "Then stop the broker, move the damaged replica's directory away, start it: it fetches anew.",
                "Look at the disk: `dmesg`, `smartctl -a`.",
            ],
            never: &["Do not delete the damaged directory before another replica is known to be whole."],
        },
    }
}
