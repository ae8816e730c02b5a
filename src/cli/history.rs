//! `history` and `diff`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{ExecFormat, Show, duration};

#[derive(Debug, Subcommand)]
pub enum History {
    /// The newest rounds first.
    List(HistoryList),
    /// Render a kept round again.
    Show(HistoryShow),
    /// How the replicas of a topic grew.
    Trend(HistoryTrend),
    /// Drop old rounds.
    Prune(HistoryPrune),
}

/// Whether a round is kept, and where.
#[derive(Debug, Clone, Default, Args)]
pub struct Keep {
    /// Do not keep the round, and take nothing from earlier ones.
    #[arg(long, help_heading = "History")]
    pub no_history: bool,
    /// Rounds of the same playbook, inventory and limit that are kept; 0: all.
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = "History")]
    pub history_rounds: usize,
    /// And how old they may be; the newest 10 stay.
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        default_value = "400d",
        help_heading = "History"
    )]
    pub history_age: Duration,
    #[command(flatten)]
    pub file: HistoryFile,
}

/// What findings are laid beside.
#[derive(Debug, Clone, Default, Args)]
pub struct Beside {
    /// Say what changed since this round instead of the last one: an id, `last~2`, or a file of --save.
    #[arg(long, value_name = "ROUND", help_heading = "History")]
    pub baseline: Option<String>,
    /// Acknowledged findings, besides those of `ack` and of PLAYBOOK.acks.yml; may be given again.
    #[arg(long, value_name = "FILE", help_heading = "History")]
    pub acks: Vec<PathBuf>,
}

/// Where the rounds are kept.
#[derive(Debug, Clone, Default, Args)]
pub struct HistoryFile {
    /// The history [default: $XDG_STATE_HOME/roundsman/history.sqlite].
    #[arg(long, value_name = "FILE", help_heading = "History")]
    pub history: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct HistoryList {
    #[command(flatten)]
    pub file: HistoryFile,
    /// How many.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub number: usize,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
}

#[derive(Debug, Args)]
pub struct HistoryShow {
    /// The round: its id, `last`, `last~1` …
    ///
    /// The beginning of an id is enough.
    #[arg(default_value = "last")]
    pub round: String,
    #[command(flatten)]
    pub file: HistoryFile,
    #[command(flatten)]
    pub show: Show,
}

#[derive(Debug, Args)]
pub struct HistoryTrend {
    /// A topic, or one of its partitions: TOPIC or TOPIC-PARTITION.
    #[arg(value_name = "TOPIC[-PARTITION]")]
    pub topic: String,
    /// Rounds to look at, evenly out of all.
    ///
    /// Of those with the same playbook, inventory and limit as the round of --of.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    pub number: usize,
    /// The round whose kind is meant.
    ///
    /// An id, the beginning of one, `last`.
    #[arg(long, value_name = "ROUND", default_value = "last")]
    pub of: String,
    #[command(flatten)]
    pub file: HistoryFile,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
    /// Columns of the page.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub width: Option<u16>,
}

#[derive(Debug, Args)]
pub struct HistoryPrune {
    /// Rounds older than this go: 90d, 26h …
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "90d")]
    pub older_than: Duration,
    /// But never the newest N of a kind.
    ///
    /// Rounds of the same playbook, inventory and limit are of one kind.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub keep: usize,
    #[command(flatten)]
    pub file: HistoryFile,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The older round: an id, or a file of `--save`.
    #[arg(default_value = "last~1")]
    pub older: String,
    /// The newer one.
    #[arg(default_value = "last")]
    pub newer: String,
    #[command(flatten)]
    pub file: HistoryFile,
    /// Replicas shown, the largest changes first.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub number: usize,
    /// Acknowledged findings, besides those of `ack` and of PLAYBOOK.acks.yml; may be given again.
    #[arg(long, value_name = "FILE")]
    pub acks: Vec<PathBuf>,
    /// Columns of the page.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub width: Option<u16>,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
}
