//! `ack`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ExecFormat, HistoryFile};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Ack {
    #[command(subcommand)]
    pub command: Option<AckCommand>,
    /// The finding's id, or the beginning of it.
    ///
    /// Reports have it.
    #[arg(required = true)]
    pub finding: Option<String>,
    /// Why nobody else need look.
    #[arg(long, value_name = "TEXT", required = true)]
    pub reason: Option<String>,
    /// Until when: 30d, 2026-12-31.
    ///
    /// Or RFC 3339; without it until the finding grows worse.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Append it to FILE instead of the history.
    ///
    /// To be kept beside the playbook, as PLAYBOOK.acks.yml.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The round with the finding.
    ///
    /// An id, `last~1`, or a file of --save; without it the newest that has the finding.
    #[arg(long, value_name = "ROUND")]
    pub round: Option<String>,
    #[command(flatten)]
    pub history: HistoryFile,
}

#[derive(Debug, Subcommand)]
pub enum AckCommand {
    /// What is acknowledged.
    List(AckList),
    /// Take an acknowledgement back.
    Drop(AckDrop),
}

#[derive(Debug, Args)]
pub struct AckList {
    #[command(flatten)]
    pub history: HistoryFile,
    /// A file of acknowledgements too; may be given again.
    #[arg(long, value_name = "FILE")]
    pub acks: Vec<PathBuf>,
    /// The file beside this playbook too.
    #[arg(long, value_name = "FILE")]
    pub playbook: Option<PathBuf>,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
}

#[derive(Debug, Args)]
pub struct AckDrop {
    /// The finding's id, or the beginning of one.
    pub finding: String,
    #[command(flatten)]
    pub history: HistoryFile,
}
