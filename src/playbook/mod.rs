//! Plays: what to look at on which hosts, and what to expect.

pub mod ere;
mod read;
pub mod template;
pub mod units;

use std::time::Duration;

pub use read::Playbook;
use template::Vars;

use crate::round::Expect;

/// One play as it stands in the file, its templates not yet rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Play {
    /// Where it begins in the file, in bytes.
    pub offset: usize,
    pub name: String,
    /// A host pattern.
    pub hosts: String,
    pub vars: Vars,
    pub probes: Vec<ProbeSpec>,
    pub expect: Expect,
    /// `expect.gate`: the brokers to restart, a host pattern.
    pub gate: Option<Text>,
    pub ignore_topics: Vec<String>,
    pub forks: Option<usize>,
    /// Sizes of the batches that are visited one after another; empty: all at once.
    pub serial: Vec<Serial>,
    pub max_fail_percentage: Option<f64>,
    /// Connect and login.
    pub timeout: Option<Duration>,
    pub probe_timeout: Option<Duration>,
    pub round_timeout: Option<Duration>,
    /// As written: `2h`, or a time.
    pub since: Option<String>,
    pub until: Option<String>,
    /// Bytes per probe and host.
    pub max_output: Option<usize>,
    pub r#become: Option<bool>,
}

/// The size of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Serial {
    Hosts(usize),
    /// Of all hosts.
    Percent(f64),
}

/// A template and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    /// In bytes.
    pub offset: usize,
}

/// One probe of a play.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// Where its name stands, in bytes.
    pub offset: usize,
    pub timeout: Option<Duration>,
    pub max_output: Option<usize>,
    pub kind: ProbeKind,
}

/// What a probe asks.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeKind {
    DiskUsage {
        paths: Vec<Text>,
    },
    /// `if_present`: files that not every broker has; their absence is no gap.
    LogGrep {
        files: Vec<Text>,
        if_present: Vec<Text>,
        pattern: Text,
    },
    DiskFree {
        paths: Vec<Text>,
    },
    Command {
        command: Text,
    },
}
