//! One host over SSH: dial, authenticate, trust, open the one channel.
//!
//! A [`Route`] says all there is to know about the way to one sshd; a [`Dialer`], shared by a whole
//! run, turns it into a [`Connection`]; [`Connection::exec`] starts the one remote command and gives
//! its output message by message. What went wrong is a [`ConnectError`]: at which stage, why, and
//! what to do about it. Nothing here knows what the command is for.

mod accept;
mod agent;
pub mod algorithms;
pub mod args;
mod ask;
mod clock;
mod config;
mod dialer;
mod error;
mod host_certificate;
mod host_key;
mod jump;
mod keys;
mod known_hosts;
mod login;
mod progress;
mod proxy;
mod scan;
mod secret;
mod session;
mod spool;
mod trace;
mod trust;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use ask::{Ask, NoAnswer, Nobody, Question};
pub use dialer::Dialer;
pub use error::{ConnectError, Details, Reason, SessionError};
pub use progress::{Progress, Stage};
pub use proxy::end_all as end_proxy_commands;
pub use scan::listed;
pub use scan::{Scanned, Scanner, Standing, WriteError};
pub use secret::Secret;
pub use session::{Connection, Exec, ExecReader, ExecWriter, Loss, Output};
pub use trace::{Detail, Listener, Trace};

/// The resolved way to one sshd; nothing is left to look up but the name.
///
/// Two hosts whose `jump` routes are equal share one login on that jump host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Name or address as the inventory gives it; an IPv6 address without brackets. Behind a jump host
    /// the name is resolved there.
    pub host: String,
    /// TCP port of the sshd.
    pub port: u16,
    /// The login name.
    pub user: String,
    /// Private keys someone named, in the order to try them. A file that is missing is passed over:
    /// whether that is a mistake was for the plan to say.
    pub identity_files: Vec<PathBuf>,
    /// Private keys to try after the agent's when `identity_files` is empty; see [`default_identities`].
    pub default_identities: Vec<PathBuf>,
    /// The agent's socket (`SSH_AUTH_SOCK`).
    pub agent: Option<PathBuf>,
    /// Offer no agent key but those that belong to an identity file.
    pub identities_only: bool,
    /// The user's files, then the global ones. A missing file is an empty one, an unreadable one an error.
    pub known_hosts: Vec<PathBuf>,
    /// Where [`HostKeyPolicy::AcceptNew`] writes; `None` keeps the new key for this run alone.
    pub accept_new_into: Option<PathBuf>,
    /// What a host key must be like.
    pub host_keys: HostKeyPolicy,
    /// The name that the host key is looked up and written under instead of `host` (`HostKeyAlias`).
    pub host_key_alias: Option<String>,
    /// Write new keys under hashed names (`HashKnownHosts`).
    pub hash_known_hosts: bool,
    /// User certificates for the keys of `identity_files` and the agent (`CertificateFile`).
    pub certificate_files: Vec<PathBuf>,
    /// For encrypted identity files.
    pub passphrase: Option<Secret>,
    /// For `password` and, where the server asks one hidden question, `keyboard-interactive`.
    pub password: Option<Secret>,
    /// Nobody is to be asked for anything (`BatchMode`).
    pub batch: bool,
    /// Algorithms other than our own choice.
    pub algorithms: Algorithms,
    /// Which addresses of a name are tried.
    pub address_family: AddressFamily,
    /// `ServerAliveInterval` and `ServerAliveCountMax`; `None`: our own.
    pub keepalive: Option<(Duration, u32)>,
    /// A command whose standard input and output are the connection (`ProxyCommand`), tokens filled in.
    pub proxy_command: Option<String>,
    /// Connect and login together; `None` means [`Limits::login`].
    pub timeout: Option<Duration>,
    /// The host to go through.
    pub jump: Option<Arc<Route>>,
}

/// What is asked of a server's host key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HostKeyPolicy {
    /// It must stand in a known_hosts file.
    #[default]
    Strict,
    /// A host seen for the first time is believed and written down; a changed key is refused.
    AcceptNew,
    /// Any key will do, except one marked `@revoked`.
    Off,
    /// None will do: the connection ends with the key, before any login ([`Reason::HostKeyShown`]).
    Scan,
}

/// What a [`Dialer`] holds itself to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connect and login together, from the moment a host's turn has come.
    pub login: Duration,
    /// Handshakes in flight behind one jump host.
    pub handshakes_per_jump: usize,
    /// How often a connection that was lost before the login is tried again, inside `login`.
    pub retries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { login: Duration::from_secs(10), handshakes_per_jump: 8, retries: 3 }
    }
}

impl Route {
    /// A direct route to port 22, strict, with neither keys, agent nor known_hosts files.
    pub fn new(host: impl Into<String>, user: impl Into<String>) -> Self {
        Route {
            host: host.into(),
            port: 22,
            user: user.into(),
            identity_files: Vec::new(),
            default_identities: Vec::new(),
            agent: None,
            identities_only: false,
            known_hosts: Vec::new(),
            accept_new_into: None,
            host_keys: HostKeyPolicy::Strict,
            host_key_alias: None,
            hash_known_hosts: false,
            certificate_files: Vec::new(),
            passphrase: None,
            password: None,
            batch: false,
            algorithms: Algorithms::default(),
            address_family: AddressFamily::Any,
            keepalive: None,
            proxy_command: None,
            timeout: None,
            jump: None,
        }
    }
}

impl Route {
    /// `host:port`, brackets round an IPv6 address.
    pub fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Algorithms someone asked for, in OpenSSH's names, most wanted first; empty: our own list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Algorithms {
    pub kex: Vec<String>,
    pub ciphers: Vec<String>,
    pub macs: Vec<String>,
    pub host_keys: Vec<String>,
    /// Our own list and then those of the OpenSSH 6 age (`roundsman_legacy`).
    pub legacy: bool,
}

/// `AddressFamily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    #[default]
    Any,
    Inet,
    Inet6,
}

/// The private keys ssh tries when nobody names one, under `home`.
pub fn default_identities(home: &Path) -> Vec<PathBuf> {
    ["id_ed25519", "id_ecdsa", "id_rsa"].iter().map(|name| home.join(".ssh").join(name)).collect()
}
