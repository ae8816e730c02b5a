//! Why a connection did not come about, or did not last.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

use super::{Loss, Stage};

/// Why a host could not be logged in to: a box round its [`Details`], because results carry it about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError(Box<Details>);

/// What there is to know about a failed connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Where it failed.
    pub stage: Stage,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people: one sentence without a full stop, free of secrets and of remote text.
    pub message: String,
    /// What the server said, raw: to be sanitised before it is shown.
    pub remote: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Connections tried, this one included.
    pub attempts: u32,
}

/// The kinds of failure a caller may want to tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The name does not resolve.
    NameUnknown,
    /// Nothing listens there.
    Refused,
    /// No way there: network or host unreachable, or another error of the operating system.
    Unreachable,
    /// The time for connect and login ran out; the stage says where.
    TimedOut,
    /// Reset or closed before the login began: MaxStartups, hosts.deny, a firewall, no sshd.
    ClosedEarly,
    /// What answers there speaks something else.
    NotSsh,
    /// The two sides have no algorithm in common.
    NoCommonAlgorithm,
    /// The handshake failed otherwise.
    Protocol,
    /// No known_hosts file has a key for this host.
    HostKeyUnknown { algorithm: String, fingerprint: String },
    /// known_hosts has other keys for this host. Fingerprints are OpenSSH's `SHA256:…`.
    HostKeyChanged { presented: String, known: String, file: PathBuf, line: usize },
    /// The key is marked `@revoked`.
    HostKeyRevoked { fingerprint: String, file: PathBuf, line: usize },
    /// The key that was asked for under [`HostKeyPolicy::Scan`](super::HostKeyPolicy::Scan), as in a
    /// `.pub` file.
    HostKeyShown { key: String },
    /// A known_hosts file could not be read or written.
    KnownHostsFile { file: PathBuf },
    /// There was no key to offer: none there, none readable, or encrypted and not in an agent.
    NoUsableKey,
    /// The server refused all that was offered.
    AuthRefused { tried: Vec<String>, offered: Vec<String> },
    /// The connection was lost in the middle of the login, without a word from the server.
    LostInLogin,
    /// The server accepted a key and wants a second proof that cannot be given.
    MoreProofWanted { offered: Vec<String> },
    /// The server asks for something that nobody gave and nobody could be asked for.
    Unanswered,
    /// The ssh-agent does not answer.
    AgentSilent,
    /// The jump host itself failed, with this cause.
    Jump { host: String, cause: Box<Reason> },
    /// The jump host cannot open a connection to this host.
    JumpCannotReach { jump: String },
    /// The jump host forbids forwarding to this host.
    JumpForbids { jump: String },
    /// The `ProxyCommand` could not be started, or is none.
    ProxyCommand,
}

impl Reason {
    /// The first cause: what happened on the jump host, if it happened there.
    pub fn root(&self) -> &Reason {
        match self {
            Reason::Jump { cause, .. } => cause.root(),
            other => other,
        }
    }

    /// Whether the trouble is with a host key.
    pub fn is_host_key(&self) -> bool {
        matches!(
            self.root(),
            Reason::HostKeyUnknown { .. }
                | Reason::HostKeyChanged { .. }
                | Reason::HostKeyRevoked { .. }
                | Reason::KnownHostsFile { .. }
        )
    }

    /// Whether the trouble is with who we are.
    pub fn is_auth(&self) -> bool {
        matches!(
            self.root(),
            Reason::NoUsableKey
                | Reason::AuthRefused { .. }
                | Reason::MoreProofWanted { .. }
                | Reason::Unanswered
                | Reason::AgentSilent
        )
    }
}

impl ConnectError {
    pub(super) fn new(stage: Stage, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        ConnectError(Box::new(Details { stage, reason, message, remote: None, hint: None, attempts: 1 }))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(super) fn remote(mut self, remote: Option<String>) -> Self {
        self.0.remote = remote.filter(|text| !text.is_empty());
        self
    }

    pub(super) fn attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Whether the connection was lost before the login began, be it the jump host's: then nothing was
    /// done anywhere, and it may be tried again.
    pub(super) fn is_lost_early(&self) -> bool {
        *self.0.reason.root() == Reason::ClosedEarly
    }

    /// The same failure of a jump host that stood before and was lost with `loss`.
    pub(super) fn after_loss(mut self, loss: &Loss) -> Self {
        self.0.message = format!("it was lost ({loss}) and did not come back: {}", self.0.message);
        self
    }

    /// The same failure as seen by a host behind the jump host it befell.
    pub(super) fn behind(mut self, jump: &str) -> Self {
        self.0.stage = Stage::Jump;
        self.0.reason = Reason::Jump { host: jump.to_owned(), cause: Box::new(self.0.reason) };
        self.0.message = format!("jump host {jump}: {}", self.0.message);
        self
    }
}

impl Deref for ConnectError {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl fmt::Display for ConnectError {
    /// Remote text is shown escaped, so that this is safe on any terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.remote {
            Some(remote) => write!(f, ": {remote:?}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a command could not be started or written to on an open connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The server opens no session: MaxSessions 0 or 1 in use, a forced `restrict`, no memory.
    #[error("the server refused to open a session ({0})")]
    ChannelRefused(String),
    /// The server refused to run the command.
    #[error("the server refused to run the command")]
    ExecRefused,
    /// The connection is gone.
    #[error("the connection was lost: {0}")]
    Lost(Loss),
}
