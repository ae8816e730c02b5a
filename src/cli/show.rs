//! Where the report goes and how it looks.

use clap::{Args, ValueEnum};

use crate::report::Metrics;

/// What the report looks like and where it goes.
#[derive(Debug, Clone, Args)]
pub struct Show {
    /// table, markdown, html, json, ndjson, prometheus, nagios or csv on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Report")]
    pub format: String,
    /// Also write the report to FILE, in the format of its extension or the one named; may be given again.
    #[arg(short, long = "output", value_name = "[FORMAT:]FILE", help_heading = "Report")]
    pub output: Vec<String>,
    /// Columns of the table [default: the terminal's, else 120].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000), help_heading = "Report")]
    pub width: Option<u16>,
    /// The timeline of these topics alone, with what is about no topic.
    #[arg(long, value_name = "GLOB", help_heading = "Report")]
    pub topic: Option<String>,
    /// The timeline of what weighs this or more: notice, warning or critical.
    #[arg(long, value_name = "LEVEL", hide_possible_values = true, help_heading = "Report")]
    pub severity: Option<Least>,
    /// Metrics of these topics alone, their partitions and replicas; may be given again. Findings are not limited.
    #[arg(long, value_name = "GLOB", help_heading = "Report")]
    pub metrics_topic: Vec<String>,
    /// Metrics about findings, topics, partitions and replicas, at most; what is ordinary is left out first.
    #[arg(long, value_name = "N", default_value_t = Metrics::SERIES, help_heading = "Report")]
    pub metrics_series: usize,
    /// A label of every metric, for the files of several rounds in one directory; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = Metrics::label, help_heading = "Report")]
    pub metrics_label: Vec<(String, String)>,
    #[command(flatten)]
    pub colour: Colour,
}

/// The least weight of an event that a timeline shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Least {
    Notice,
    Warning,
    Critical,
}

#[derive(Debug, Clone, Args)]
pub struct Colour {
    /// Colour: auto, always or never.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Report"
    )]
    pub color: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}
