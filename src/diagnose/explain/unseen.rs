//! What was not seen, and what is not as it was expected.

use super::Text;
use crate::diagnose::finding::Code;
use crate::diagnose::visits;
use crate::round::Thresholds;

pub fn text(code: Code) -> Text {
    match code {
        Code::ExpectationFailed => Text {
            code,
            severity: "critical; warning; notice, as the expectation says; unknown where too little was seen to judge it",
            summary: "Something is not as the playbook or the inventory says",
            meaning: "The playbook or the inventory takes something for granted that is not so: a topic, its number \
                      of partitions, a broker's id, or that a broker may be restarted now.",
            rule: "A topic named by `expect` that no broker holds, or that has more or fewer partitions; an inventory \
                   id that the node does not have; or a gate that stays shut: a partition of the broker to restart \
                   whose other replicas are not all whole, in sync and on running brokers."
                .to_owned(),
            versions: "All.",
            confirm: &["kafka-topics.sh --describe --bootstrap-server BOOTSTRAP"],
            act: &["Read the items: each names what is in the way."],
            never: &["Do not restart a broker while its gate is shut."],
        },
        Code::ClockSkew => Text {
            code,
            severity: "warning; notice for small ones",
            summary: "A node's clock is off beside the others'",
            meaning: "Its log lines stand at the wrong place in the timeline, and retention by time acts at the wrong \
                      moment.",
            rule: format!(
                "A clock more than {} s (warning: {} s) from the middle of all nodes' clocks, beyond what the \
                 measurement leaves open. One node alone is compared with this machine.",
                visits::APART_S,
                Thresholds::default().clock_skew_s
            ),
            versions: "All.",
            confirm: &["chronyc tracking || timedatectl"],
            act: &["Repair the time service of that node."],
            never: &["Do not set the clock back by a jump while a broker runs."],
        },
        Code::UnknownErrors => Text {
            code,
            severity: "warning",
            summary: "Errors that no rule explains",
            meaning: "The brokers report errors that are in no catalogue here. They may be consequences of what was \
                      found above, or something else.",
            rule: "ERROR and FATAL lines that match nothing in the catalogue, grouped by shape and counted. Warnings \
                   are left out: a healthy broker writes hundreds."
                .to_owned(),
            versions: "All. From 1.1 FATAL is written as ERROR.",
            confirm: &["grep -E ' (ERROR|FATAL) ' LOGS/server.log* | tail"],
            act: &["Read the first line of each kind, the commonest first."],
            never: &["Do not take silence for health: up to 0.10.2 server.log holds kafka's own classes only."],
        },
        Code::HostKeyChanged => Text {
            code,
            severity: "critical",
            summary: "A server shows another key than the known one",
            meaning: "The host was installed anew, another machine has its address, or somebody is in between. \
                      Nothing was sent to it, and nothing is known of its replicas.",
            rule: "The key differs from the one in known_hosts, or is revoked there. An unknown key is \
                   node-unreachable."
                .to_owned(),
            versions: "Any.",
            confirm: &["ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # on its console", "ssh-keygen -F HOST -l"],
            act: &["Ask who runs the host, compare fingerprints, and only then `roundsman trust HOST`."],
            never: &["Do not switch the check off."],
        },
        Code::NodeUnreachable => Text {
            code,
            severity: "unknown",
            summary: "A host did not answer",
            meaning: "What this broker holds is not known: its replicas are neither healthy nor missing, and what only \
                      it could show is missing from the report.",
            rule: "No connection, no login, a deadline, or a connection that broke.".to_owned(),
            versions: "Any.",
            confirm: &["roundsman check HOST -i INVENTORY", "ssh -v HOST"],
            act: &["See whether it is up; run the round again with `-l HOST`."],
            never: &["Do not read the rest of the report as healthy."],
        },
        _ => Text {
            code: Code::ProbeIncomplete,
            severity: "unknown",
            summary: "A probe brought back less than was asked",
            meaning: "Evidence is missing from this broker. What was seen stands; what was not seen may be anything.",
            rule: "A path that does not exist or may not be read, a deadline, a limit of output, or an answer that \
                   cannot be read."
                .to_owned(),
            versions: "Any.",
            confirm: &["roundsman check HOST -i INVENTORY"],
            act: &["Look at the paths as the same user; raise `--max-output` or narrow the question."],
            never: &["Do not read the rest of the report as healthy."],
        },
    }
}
