//! Where a setting of a host's connection comes from.

use std::fmt;

use crate::ssh_config::Place;

/// What gave a setting its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag of ours.
    CommandLine(&'static str),
    /// A variable of the environment.
    Environment(&'static str),
    /// A host variable, by its name.
    Variable(String),
    /// `ansible.cfg` or the environment variable of the same meaning, by the setting's name.
    Ansible(&'static str),
    /// The inventory's name of the host.
    Name,
    /// What names a jump host: `ProxyJump`, `-J`, a `ProxyCommand`.
    Jump(Box<Source>),
    /// ssh's configuration, and where if that is known.
    SshConfig(Option<Place>),
    /// Nobody said anything else.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CommandLine(flag) => write!(f, "command line {flag}"),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::Variable(name) => write!(f, "variable {name}"),
            Source::Ansible(name) => write!(f, "Ansible's setting {name}"),
            Source::Name => f.write_str("inventory name"),
            Source::Jump(source) => source.fmt(f),
            Source::SshConfig(Some(place)) => write!(f, "{}:{}", place.file.display(), place.line),
            Source::SshConfig(None) => f.write_str("ssh_config"),
            Source::Default => f.write_str("default"),
        }
    }
}

/// A value and what gave it.
pub type Sourced<T> = Option<(T, Source)>;

/// One line of what is effective for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    pub value: String,
    pub source: Source,
}

/// The settings of one sshd on the way: the node's, or a jump host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host NAME` or `jump host NAME`.
    pub title: String,
    pub settings: Vec<Setting>,
}
