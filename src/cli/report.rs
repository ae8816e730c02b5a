//! `report` and `explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Beside, Evidence, Keep, Show};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  roundsman report --from round.json --width 120\n  \
    roundsman report --du-transcript du.txt --log 10.200.8.176=server.log --log-zone +02:00\n  \
    roundsman report --from round.json --kafka-topics topics.txt -o report.md")]
pub struct Report {
    /// The round, as `run --save` wrote it.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["du_transcript", "log", "kafka_log_dirs", "kafka_topics"])]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub evidence: Evidence,
    /// Inventory that names the brokers of the evidence; may be given again.
    #[arg(
        short,
        long = "inventory",
        value_name = "INVENTORY",
        help_heading = "Evidence from elsewhere",
        conflicts_with = "from"
    )]
    pub inventory: Vec<String>,
    /// Keep the round in FILE, with what was brought.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    #[command(flatten)]
    pub keep: Keep,
    #[command(flatten)]
    pub beside: Beside,
    #[command(flatten)]
    pub show: Show,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  roundsman explain                  # all codes, a line each\n  \
    roundsman explain cleaner-dead\n  roundsman explain --format markdown > docs/findings.md")]
pub struct Explain {
    /// A code, as reports have it; without one, all of them.
    pub code: Option<String>,
    /// table, markdown or json.
    #[arg(long, value_name = "FORMAT", default_value = "table", hide_possible_values = true)]
    pub format: ExplainFormat,
    /// Columns of the page.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub width: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    Table,
    Markdown,
    Json,
}
