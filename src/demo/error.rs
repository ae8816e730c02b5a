//! Why the demo's fleet is not there.

use std::io;

use russh::keys::ssh_key;

/// Why a fleet could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The system said no.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A key could not be made or written.
    #[error("cannot make an SSH key: {0}")]
    Key(#[from] ssh_key::Error),
    /// A setting names a node that the fleet does not have.
    #[error("there is no node {0} in this fleet")]
    NoSuchNode(usize),
}

impl DemoError {
    /// Says what was being done when the system said no.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> DemoError {
        let doing = doing.into();
        move |source| DemoError::Io { doing, source }
    }
}
