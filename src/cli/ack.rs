//! `ack`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ExecFormat, HistoryFile};

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  roundsman ack 3f1c --reason 'records published again, OPS-1234' --until 30d\n  \
    roundsman ack 3f1c --reason 'broker 7 leaves on Friday' --until 2026-12-01 --file playbooks/kafka-audit.acks.yml\n  \
    roundsman ack list\n  roundsman ack drop 3f1c\n\n\
    An acknowledged finding is shown as such and does not set the exit status. It comes back when it grows worse\n\
    (severity, offsets lost, an instance that was not there, a crash or cut that happened since) or the date has passed."
)]
pub struct Ack {
    #[command(subcommand)]
    pub command: Option<AckCommand>,
    /// The finding's id, as reports have it, or the beginning of one.
    #[arg(required = true)]
    pub finding: Option<String>,
    /// Why nobody else need look.
    #[arg(long, value_name = "TEXT", required = true)]
    pub reason: Option<String>,
    /// Until when: 30d, 2026-12-31, RFC 3339; without it until the finding grows worse.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Append it to FILE, to be kept beside the playbook, instead of the history.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The round with the finding: an id, `last~1`, or a file of --save [default: the newest that has it].
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
