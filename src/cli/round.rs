//! `run` and `audit`.

use std::path::PathBuf;

use clap::Args;

use super::{Beside, Connect, Evidence, Hosts, Keep, Show, Unattended};

/// What every round of probes takes.
#[derive(Debug, Args)]
pub struct Round {
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub show: Show,
    /// Log lines from this time on: 2h, 2017-04-03 …
    ///
    /// Or '2017-04-03 14:00', or RFC 3339. Without it all there is is read, the newest first.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Log lines up to this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Keep the round in FILE, for `report --from`.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub keep: Keep,
    #[command(flatten)]
    pub beside: Beside,
    #[command(flatten)]
    pub unattended: Unattended,
    #[command(flatten)]
    pub evidence: Evidence,
    /// Show the whole plan; contact nobody.
    ///
    /// Scripts and limits included.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The playbook.
    pub playbook: PathBuf,
    #[command(flatten)]
    pub round: Round,
    /// Check playbook and inventory and stop.
    #[arg(long)]
    pub check_syntax: bool,
}

#[derive(Debug, Args)]
pub struct Audit {
    /// Which hosts, as in Ansible.
    #[arg(default_value = "all")]
    pub pattern: String,
    #[command(flatten)]
    pub round: Round,
}
