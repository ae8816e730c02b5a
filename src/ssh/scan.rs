//! Host keys asked for without a login, and what known_hosts files say of them.

use std::path::PathBuf;

use russh::keys::PublicKey;

use super::accept::{Written, write_down};
use super::host_key::{fingerprint, kind};
use super::known_hosts::KnownHosts;
use super::trust::Trust;
use super::{ConnectError, Dialer, HostKeyPolicy, Limits, Progress, Reason, Route};

/// Asks servers for their keys.
pub struct Scanner {
    dialer: Dialer,
    trust: Trust,
}

/// What known_hosts files say of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They do not know the host.
    New,
    /// They have this key.
    Known,
    /// They have another.
    Changed { known: String, file: PathBuf, line: usize },
    /// They have it as one that must never be believed.
    Revoked { file: PathBuf, line: usize },
}

/// A key that a server has shown.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// The host as known_hosts files name it.
    pub name: String,
    /// `ed25519`, `ecdsa`, `rsa`.
    pub kind: String,
    /// OpenSSH's `SHA256:…`.
    pub fingerprint: String,
    pub standing: Standing,
    /// What to do about a changed key, as a login would say it.
    pub hint: Option<String>,
    key: PublicKey,
    into: Option<PathBuf>,
    hash: bool,
}

/// Why a key could not be written down.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("no known_hosts file is named for this host")]
    Nowhere,
    #[error("{file}: {error}")]
    File { file: PathBuf, error: std::io::Error },
    #[error("{file}:{line} has had another key for it written meanwhile")]
    Meanwhile { file: PathBuf, line: usize },
}

impl Scanner {
    /// A scanner that has met nobody yet.
    pub fn new(limits: Limits) -> Scanner {
        Scanner { dialer: Dialer::new(limits), trust: Trust::default() }
    }

    /// Asks the server at the end of `route` for its key: one of a kind already known for it, if
    /// there is one. Jump hosts on the way are logged in to and checked as always.
    ///
    /// # Errors
    /// Whatever keeps the server from showing a key, and known_hosts files that can't be read.
    pub async fn scan(&self, route: &Route) -> Result<Scanned, ConnectError> {
        let asking = Route { host_keys: HostKeyPolicy::Scan, ..route.clone() };
        let error = match self.dialer.connect(&asking, &Progress::default()).await {
            // The key is always asked for first.
            Ok(_) => {
                return Err(ConnectError::new(
                    super::Stage::HostKey,
                    Reason::Protocol,
                    "no host key was shown",
                ));
            }
            Err(error) => error,
        };
        let Reason::HostKeyShown { key } = &error.reason else { return Err(error) };
        let Ok(key) = PublicKey::from_openssh(key) else { return Err(error) };
        let strict = Route { host_keys: HostKeyPolicy::Strict, ..route.clone() };
        let judge = self.trust.judge(&strict).await?;
        let mut hint = None;
        let standing = match judge.judge(&key).await {
            Ok(()) => Standing::Known,
            Err(error) => {
                hint = error.hint.clone();
                match error.reason.clone() {
                    Reason::HostKeyUnknown { .. } => Standing::New,
                    Reason::HostKeyChanged { known, file, line, .. } => {
                        Standing::Changed { known, file, line }
                    }
                    Reason::HostKeyRevoked { file, line, .. } => Standing::Revoked { file, line },
                    _ => return Err(error),
                }
            }
        };
        Ok(Scanned {
            name: judge.name().to_owned(),
            kind: kind(&key),
            fingerprint: fingerprint(&key),
            standing,
            hint,
            key,
            into: route.accept_new_into.clone(),
            hash: route.hash_known_hosts,
        })
    }

    /// Takes leave of the jump hosts.
    pub async fn close(self) {
        self.dialer.close().await;
    }
}

impl Scanned {
    /// The file that [`Scanned::write_down`] writes to.
    pub fn file(&self) -> Option<&PathBuf> {
        self.into.as_ref()
    }

    /// Appends the key to the user's known_hosts file, under its lock.
    ///
    /// # Errors
    /// No file, one that can't be written, or another key that came in between.
    pub fn write_down(&self) -> Result<(), WriteError> {
        let file = self.into.clone().ok_or(WriteError::Nowhere)?;
        match write_down(&file, None, &self.name, &self.key, self.hash) {
            Ok(Written::Appended { .. } | Written::WasThere) => Ok(()),
            Ok(Written::OtherKey(found)) => Err(WriteError::Meanwhile { file: found.file, line: found.line }),
            Err(error) => Err(WriteError::File { file, error }),
        }
    }
}

/// The fingerprints that the lines of a known_hosts file give for the host `name`.
pub fn listed(text: &str, name: &str) -> Vec<String> {
    let known = KnownHosts::parse(std::path::Path::new(""), text.to_owned());
    let found = known.find(name, true).into_iter();
    found.filter(|found| found.is_host_key()).map(|found| fingerprint(&found.key)).collect()
}
