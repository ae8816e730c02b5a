//! Where the report goes and how it looks.

use clap::{Args, ValueEnum};

/// What the report looks like and where it goes.
#[derive(Debug, Clone, Args)]
pub struct Show {
    /// table, markdown, html, json …
    ///
    /// On standard output: table, markdown, html, json, ndjson, prometheus, nagios or csv.
    #[arg(long, value_name = "FORMAT", default_value = "table", help_heading = "Report")]
    pub format: String,
    /// Also write the report to FILE.
    ///
    /// In the format of its extension, or the one named; may be given again, each time in another format.
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
}

/// The least weight of an event that a timeline shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Least {
    Notice,
    Warning,
    Critical,
}

/// Where colour goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}
