//! `run` and `audit`.

use std::path::PathBuf;

use clap::Args;

use super::{Beside, Connect, Evidence, Hosts, Keep, Show};

/// What every round of probes takes.
#[derive(Debug, Args)]
pub struct Round {
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub show: Show,
    /// Log lines from this time on: 2h, 2017-04-03, '2017-04-03 14:00', RFC 3339.
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
    pub evidence: Evidence,
    /// Show the whole plan, scripts and limits included; contact nobody.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roundsman run playbooks/kafka-audit.yml -i inventories/prod.yml -l queue_nodes\n  \
    roundsman run playbooks/kafka-audit.yml -i prod.yml -e topic=completeProduct --since 2d --save round.json\n  \
    roundsman run playbooks/kafka-audit.yml -i prod.yml --dry-run"
)]
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
#[command(after_help = "Examples:\n  roundsman audit -i inventories/prod.yml\n  \
    roundsman audit queue_nodes -i prod.yml -b --since 2d --save round.json\n  \
    roundsman audit -i 10.200.8.176,10.200.8.177, -u ops\n\n\
    What is found: processes, systemd units, the usual places; settings by an allow-list. kafka_log_dirs,\n\
    kafka_logs_dir, kafka_broker_id and kafka_cluster of the inventory stand above it.")]
pub struct Audit {
    /// Which hosts, as in Ansible: group, host, glob, a:b, a:&b, a:!b, ~regex, `group[0:2]`.
    #[arg(default_value = "all")]
    pub pattern: String,
    #[command(flatten)]
    pub round: Round,
}
