//! Where the report goes and how it looks.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::report::Metrics;

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
    /// Metrics of these topics alone, their partitions and replicas; may be given again. Findings are not limited.
    #[arg(long, value_name = "GLOB", help_heading = "Report")]
    pub metrics_topic: Vec<String>,
    /// Metrics about findings, topics, partitions and replicas, at most; what is ordinary is left out first.
    #[arg(long, value_name = "N", default_value_t = Metrics::SERIES, help_heading = "Report")]
    pub metrics_series: usize,
    /// A label of every metric, for the files of several rounds in one directory; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = Metrics::label, help_heading = "Report")]
    pub metrics_label: Vec<(String, String)>,
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

impl When {
    /// Whether to colour what goes to a stream of this process.
    pub fn here(self, terminal: bool) -> bool {
        self.decides(&|name| std::env::var_os(name), terminal)
    }

    /// `--color`, then NO_COLOR (no-color.org), CLICOLOR_FORCE and CLICOLOR (bixense.com/clicolors), then the
    /// terminal.
    fn decides(self, env: &dyn Fn(&str) -> Option<OsString>, terminal: bool) -> bool {
        let given = |name: &str| env(name).filter(|value| !value.is_empty());
        match self {
            When::Always => true,
            When::Never => false,
            When::Auto if given("NO_COLOR").is_some() => false,
            When::Auto if given("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            When::Auto => {
                terminal
                    && given("CLICOLOR").is_none_or(|value| value != "0")
                    && given("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_no_color_then_force_then_terminal() {
        let decides = |colour: When, set: &[(&str, &str)], terminal| {
            let env = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
            };
            colour.decides(&env, terminal)
        };
        let all = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm")];
        assert!(decides(When::Always, &all, false));
        assert!(!decides(When::Never, &all[1..], true));
        assert!(!decides(When::Auto, &all, true));
        assert!(decides(When::Auto, &all[1..], false));
        assert!(decides(When::Auto, &all[2..], true));
        assert!(!decides(When::Auto, &all[2..], false));
        assert!(decides(When::Auto, &[("NO_COLOR", "")], true), "an empty NO_COLOR says nothing");
        assert!(!decides(When::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!decides(When::Auto, &[("CLICOLOR", "0")], true));
        assert!(!decides(When::Auto, &[("TERM", "dumb")], true));
    }
}
