//! A round that nobody watches, and `config`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::{ExecFormat, duration};

/// A round that nobody watches.
#[derive(Debug, Clone, Args)]
pub struct Unattended {
    /// For cron and timers: one at a time, no question.
    ///
    /// No terminal codes either.
    ///
    /// While another unattended round of the same playbook (or pattern) and inventory goes on, the exit status is 75
    /// and nobody is contacted.
    #[arg(long, conflicts_with_all = ["ask_pass", "ask_become_pass", "ask_vault_pass"], help_heading = "Unattended")]
    pub unattended: bool,
    /// Print only what is not OK.
    ///
    /// Nothing at all when everything is.
    ///
    /// Files of -o are written whole all the same.
    #[arg(long, help_heading = "Unattended")]
    pub quiet: bool,
    /// Print, and notify, only when something changed since the last kept round.
    ///
    /// The exit status and the files of -o do not depend on it.
    #[arg(long, help_heading = "Unattended")]
    pub only_changes: bool,
    /// Wait a random time up to this first; not part of --round-timeout.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "unattended", help_heading = "Unattended")]
    pub splay: Option<Duration>,
    /// Run CMD by /bin/sh after the round, with the JSON report on its standard input.
    ///
    /// ROUNDSMAN_STATUS, ROUNDSMAN_EXIT, ROUNDSMAN_ROUND_ID and ROUNDSMAN_CHANGED are in its environment. After every
    /// round; with --only-changes after those alone that changed something.
    #[arg(long, value_name = "CMD", help_heading = "Unattended")]
    pub notify_cmd: Option<String>,
    /// CMD is ended after this time, and the exit status is at least 3.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s", help_heading = "Unattended")]
    pub notify_timeout: Duration,
}

/// `config`.
#[derive(Debug, Args)]
#[command(override_usage = "roundsman config [--format FORMAT] [COMMAND [ARGS]...]")]
pub struct Config {
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
    /// A command line, as it would be typed; without one, `run`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub line: Vec<OsString>,
}
