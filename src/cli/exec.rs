//! `exec`, `check` and `trust`: hosts without a round.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Connect, Hosts};

#[derive(Debug, Args)]
#[command(override_usage = "roundsman exec [OPTIONS] <PATTERN> -- <COMMAND>...")]
pub struct Exec {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    /// What to run, by /bin/sh on each host.
    ///
    /// Words are joined by a space, as ssh does.
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    /// Hosts with the same output together.
    #[arg(long, conflicts_with = "stream")]
    pub fold: bool,
    /// Print `host: line` as lines come.
    #[arg(long)]
    pub stream: bool,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, conflicts_with_all = ["fold", "stream"])]
    pub format: ExecFormat,
    /// Show the plan; contact nobody.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExecFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
}

#[derive(Debug, Args)]
pub struct Trust {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    /// Confirm by FILE instead of asking.
    ///
    /// Lines `HOST SHA256:…`, what ssh-keygen -lf prints, or lines of a known_hosts.
    #[arg(long, value_name = "FILE")]
    pub fingerprints: Option<PathBuf>,
}
