//! One server of a fleet, and what is wrong with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What is wrong with a node, as its client will see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing: the node serves.
    #[default]
    Healthy,
    /// Accepts the connection and says nothing, not even its banner.
    Mute,
    /// The port is closed.
    Refuse,
    /// Accepts the connection and hangs up before the banner.
    DropBeforeBanner,
    /// Turns every key down.
    DenyAuth,
    /// Shows another host key than the one in `known_hosts`.
    WrongHostKey,
    /// Accepts a command and never answers; the command is not run.
    FreezeAfterExec,
    /// Loses the connection after this many bytes of a command's output: at most these arrive.
    CutAfter(u64),
    /// Runs the command and closes the channel without a word on how it ended.
    NoExitStatus,
    /// Sends lines before its banner for ever, a byte at a time.
    DripBanner,
    /// Breaks off in the middle of a packet after this many bytes of the SSH connection.
    CutInPacket(u64),
    /// Makes new keys after every 64 KiB that it sends.
    Rekey,
    /// Refuses a second session while the first is open.
    MaxSessions1,
}

/// One server of a fleet.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) sandbox: PathBuf,
    pub(super) vars: BTreeMap<String, String>,
    pub(super) fault: Fault,
}

impl Node {
    /// Its name in the inventory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The directory its commands start in; made when the first command is run, unless it is there.
    pub fn sandbox(&self) -> &Path {
        &self.sandbox
    }

    /// Kafka's log directory in the sandbox, which `kafka_log_dirs` names.
    pub fn log_dir(&self) -> PathBuf {
        self.sandbox.join("services/kafka")
    }

    /// The directory log4j writes to in the sandbox, which `kafka_logs_dir` names.
    pub fn logs_dir(&self) -> PathBuf {
        self.sandbox.join("services/log/kafka")
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Fault {
        self.fault
    }
}
