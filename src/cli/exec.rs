//! `exec`, `check` and `trust`: hosts without a round.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Colour, Connect, Hosts};

#[derive(Debug, Args)]
#[command(override_usage = "roundsman exec [OPTIONS] <PATTERN> -- <COMMAND>...")]
#[command(after_help = "Examples:\n  roundsman exec queue_nodes -i prod.yml -- uptime\n  \
    roundsman exec 'queue_nodes:!10.200.8.177' -i prod.yml --fold -- uname -r\n  \
    roundsman exec all -i prod.yml -- du -ch '/services/kafka/completeProduct-*'")]
pub struct Exec {
    /// Which hosts, as in Ansible: group, host, glob, a:b, a:&b, a:!b, ~regex, `group[0:2]`.
    pub pattern: String,
    /// What to run, by /bin/sh on each host; words are joined by a space, as ssh does.
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
    #[command(flatten)]
    pub colour: Colour,
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
    #[command(flatten)]
    pub colour: Colour,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 all keys are known or were added, 2 a key has changed, is revoked or is not the \
    one in FILE, 3 a host was not reached or its key not confirmed."
)]
pub struct Trust {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    /// Confirm by FILE instead of asking: lines `HOST SHA256:…`, ssh-keygen -lf output or known_hosts lines.
    #[arg(long, value_name = "FILE")]
    pub fingerprints: Option<PathBuf>,
}
