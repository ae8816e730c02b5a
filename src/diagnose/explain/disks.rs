//! Disks and what else segments need.

use super::Text;
use crate::diagnose::disks::{FILES_FULL, FILES_TIGHT};
use crate::diagnose::finding::Code;
use crate::round::Thresholds;

pub fn text(code: Code) -> Text {
    let limits = Thresholds::default();
    match code {
        Code::LogDirOffline => Text {
            code,
            severity: "critical; notice where the broker has started again since",
            summary: "A broker gave up a log dir",
            meaning: "The broker met an I/O error and serves nothing from that directory any more: its replicas \
                      there are out of sync until the broker restarts. With its last directory the broker stops.",
            rule: "`Stopping serving … in dir`, `Shutdown broker because all log dirs … have failed`, an error \
                   while writing a log or a checkpoint, or the controller's `marked offline`, without a later \
                   start of that broker; or a log dir that the broker's settings name and that is not there."
                .to_owned(),
            versions: "1.0 and later (KIP-112). Before that one bad disk stops the whole broker.",
            confirm: &[
                "grep -E 'LogDirFailureChannel|serving (logs|replicas) in dir|have failed' LOGS/server.log*",
                "df -h LOG_DIR; dmesg | tail",
            ],
            act: &[
                "See that the partitions have other replicas in sync.",
                "Repair the disk or free space, then restart the broker: a directory stays offline until then.",
            ],
            never: &[
                "Do not restart the brokers that hold the remaining replicas.",
                "Do not delete inside a replica's directory while a broker runs.",
            ],
        },
        Code::DiskFull => Text {
            code,
            severity: "critical",
            summary: "A disk of a broker is full, or was",
            meaning: "A broker that cannot write gives the log dir up, and up to 0.11 stops altogether. All \
                      partitions there lose a replica at once.",
            rule: format!(
                "A mount that was looked at is at least {:.0} % full, has at most {:.0} % of its inodes left, or \
                 `No space left on device` or `Disk quota exceeded` stands in the log without a later start.",
                limits.disk_full,
                100.0 - limits.disk_full
            ),
            versions: "All.",
            confirm: &["df -h LOG_DIR; df -i LOG_DIR", "du -sh LOG_DIR/* | sort -h | tail -20", "du -sh LOGS"],
            act: &[
                "Find what grew: a topic, a dead cleaner, log4j's directory, -delete and -stray leftovers.",
                "Lower retention.ms of a topic, or move partitions to another log dir or broker.",
                "Then restart the broker if it has given the directory up.",
            ],
            never: &["Do not delete segments of a running broker; delete whole topics or lower retention."],
        },
        _ => Text {
            code: Code::DiskFilling,
            severity: "warning; critical where file handles or memory maps are all but used up",
            summary: "Space, inodes, file handles or memory maps run short",
            meaning: "What segments need is running out on that broker: space or inodes of a mount, open files \
                      of the process, or its memory maps (two a segment).",
            rule: format!(
                "A mount at least {:.0} % full (inodes likewise); or, at the rate at which a broker with a dead \
                 cleaner grows, full within {:.0} days; or open files or memory maps at {:.0} % of their limit \
                 (critical from {:.0} %).",
                limits.disk_filling,
                limits.disk_days,
                FILES_TIGHT * 100.0,
                FILES_FULL * 100.0
            ),
            versions: "All. Memory maps are taken for indexes; lazily from 2.3.",
            confirm: &[
                "df -h LOG_DIR; df -i LOG_DIR",
                "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits",
                "wc -l /proc/PID/maps; sysctl vm.max_map_count",
            ],
            act: &[
                "Find what grows, and stop it: cleaner, retention, log4j's own files.",
                "Raise nofile to 100000 or more, vm.max_map_count to 262144; both need a restart of the broker.",
            ],
            never: &["Do not wait for the broker: it gives the whole directory up at the first failed write."],
        },
    }
}
