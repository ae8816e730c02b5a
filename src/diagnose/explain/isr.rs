//! Replicas in sync, and the controller.

use super::Text;
use crate::diagnose::finding::Code;
use crate::round::Thresholds;
use crate::words;

pub fn text(code: Code) -> Text {
    let limits = Thresholds::default();
    match code {
        Code::UnderMinIsr => Text {
            code,
            severity: "critical; notice where it is over, or a stop of all holders has just begun",
            summary: "Too few replicas in sync, or nobody to lead",
            meaning: "Writes with acks=all are refused: the partition has fewer replicas in sync than \
                      min.insync.replicas asks for. Where nobody leads it, there are no reads either.",
            rule: format!(
                "`NotEnoughReplicas…` of a partition, or `ISR updated to … (under-min-isr)`, and no later line \
                 with a larger ISR for it, and no later start of that broker. An election that failed, or a \
                 follower's `Current leader is -1` while another holder is down, and no later leader. Or every broker \
                 that holds it is seen to be down while others run; of its only holder, cleanly stopped less than {} \
                 ago, that is a notice.",
                words::span(limits.stopped_s)
            ),
            versions: "0.8.2 and later; `(under-min-isr)` from 3.5, `Current leader` from 3.0 (KRaft). What is down \
                       is seen in any version.",
            confirm: &[
                "kafka-topics.sh --describe --under-min-isr-partitions --bootstrap-server BOOTSTRAP",
                "grep -E 'NotEnoughReplicas|under-min-isr' LOGS/server.log* | tail",
            ],
            act: &[
                "Bring the missing follower back: its id is in the ISR's lines, the reason in its own log.",
                "Of several holders that are down start first the one that holds the most (high watermarks).",
            ],
            never: &[
                "Do not restart any other holder of the partition.",
                "Do not lower min.insync.replicas to make the message go away.",
            ],
        },
        Code::IsrShrinking => Text {
            code,
            severity: "warning; notice where the follower came back, or was stopped",
            summary: "A follower has left the ISR",
            meaning: "A follower could not keep up, or was cut off: partitions have one copy in sync less than they \
                      should.",
            rule: format!(
                "`Shrinking ISR`, or a leader's line whose ISR lacks who was in it, without a later growth that has the \
                 follower again; or a follower that left the ISR \
                 of one partition {} times within an hour. A follower that was stopped or restarted then, and came \
                 back, is a notice. A copy that a reassignment is still filling has not left.",
                limits.isr_shrinks
            ),
            versions: "`Expanding ISR` up to 2.7, `ISR updated to` from 2.4. In KRaft a killed broker leaves no \
                       `Shrinking` line: the controller fences it (broker-fenced).",
            confirm: &[
                "kafka-topics.sh --describe --under-replicated-partitions --bootstrap-server BOOTSTRAP",
                "grep -E 'Shrinking ISR|Expanding ISR|ISR updated' LOGS/server.log | tail -50",
            ],
            act: &[
                "Read the follower's server.log at that time: fetcher, disk, garbage collection, network.",
            ],
            never: &["Do not restart a leader whose followers are out of sync."],
        },
        Code::BrokerFenced => Text {
            code,
            severity: "warning; notice where it was stopped cleanly, or came back",
            summary: "A broker is out of the cluster",
            meaning: "The controller got no heartbeat, or the broker was stopped: it leads nothing and is in no ISR.",
            rule: format!(
                "`Fencing broker N because its session has timed out` without a later start of that broker; or a \
                 broker that is seen stopped after a clean shutdown. Stopped for more than {} is a warning, and so is \
                 to be cut off and let in again {} times in an hour without a stop. With ZooKeeper `Broker failure \
                 callback for N` without a later `New broker startup callback`.",
                words::span(limits.stopped_s),
                limits.session_losses
            ),
            versions: "Fencing: KRaft. It follows every clean stop of more than 9 s too: alone it is no crash. The \
                       callbacks: ZooKeeper mode, 0.8 to 3.9.",
            confirm: &[
                "grep -E 'Fencing broker|[Uu]nfenc' LOGS/controller.log*",
                "kafka-broker-api-versions.sh --bootstrap-server BOOTSTRAP | grep id:",
            ],
            act: &["Start the broker, unless data-lost or replica-truncated says otherwise."],
            never: &["Do not stop another broker meanwhile."],
        },
        Code::SessionLost => Text {
            code,
            severity: "warning; critical where ZooKeeper does not answer or the broker is stuck with an old view; notice \
                       where it stays rare and the broker came back",
            summary: "A broker lost its ZooKeeper session",
            meaning: "The broker was away from ZooKeeper for longer than its session: a long pause, the network, or \
                      ZooKeeper itself. Its leaders moved, and it registered again.",
            rule: format!(
                "`session expired` without a later registration or start; or {} of them within an hour. ZooKeeper does \
                 not answer where its client has tried again for 40 s (no session lives longer) and no session was \
                 established since. A stuck broker repeats `Cached zkVersion … not equal to that in zookeeper`.",
                limits.session_losses
            ),
            versions: "ZooKeeper mode. Stuck brokers: KAFKA-4477 (fixed in 0.10.1.1), KAFKA-2729 (fixed in 1.1.0).",
            confirm: &[
                "grep -iE 'session.*expired|re-registering|Cached zkVersion' LOGS/server.log* | tail",
                "grep ClientCnxn LOGS/server.log | tail -n 3; echo ruok | nc ZOOKEEPER 2181",
            ],
            act: &[
                "Look at pauses in kafkaServer-gc.log, and at ZooKeeper.",
                "A stuck broker needs a restart.",
            ],
            never: &["Do not restart it while it holds the only replica in sync."],
        },
        _ => Text {
            code: Code::ControllerMoved,
            severity: "notice; warning where it keeps moving; critical where no majority of the controllers runs",
            summary: "Another broker became controller, or no controller is left",
            meaning: "The controller changed. That is normal in a rolling restart; over and over it means that \
                      sessions are lost.",
            rule: format!(
                "A line of a controller that takes over. {} within an hour are a warning. In KRaft: of the \
                           ids in controller.quorum.voters at most half may still run, the others' processes being \
                           down; a voter that was not seen counts as running.",
                limits.controller_moves
            ),
            versions: "All; in KRaft the leader of the metadata quorum.",
            confirm: &[
                "grep -iE 'controller' LOGS/controller.log* | grep -iE 'elected|activation|resign' | tail",
            ],
            act: &["If it keeps moving, look at session-lost and broker-fenced."],
            never: &["Do not restart brokers in a row without waiting for the controller."],
        },
    }
}
