//! The command line's shape and help texts. clap is named in this room only.

mod ack;
mod complete;
mod connect;
mod evidence;
mod exec;
mod help;
mod history;
mod hosts;
mod inventory;
mod layers;
mod man;
mod pages;
mod report;
mod round;
mod shell;
mod show;
mod unattended;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::playbook::units;
use crate::sanitize;

pub use ack::{Ack, AckCommand, AckDrop, AckList};
pub use complete::{Candidate, Line, Wanted, complete, unquoted};
pub use connect::{Connect, HostKeyChecking, Watch};
pub use evidence::{DuUnit, Evidence};
pub use exec::{Check, Exec, ExecFormat, Trust};
pub use help::command;
pub use history::{
    Beside, Diff, History, HistoryFile, HistoryList, HistoryPrune, HistoryShow, HistoryTrend, Keep,
};
pub use hosts::{Hosts, Vault};
pub use inventory::{Inventory, InventoryHost, InventorySource};
pub use layers::{Setting, Source, denied, layered};
pub use man::manual;
pub use report::{Explain, ExplainFormat, Report};
pub use round::{Audit, Round, Run};
pub use shell::{Complete, Completions, Man, Shell};
pub use show::{Least, Show, When};
pub use unattended::{Config, Unattended};

/// Makes the rounds of Kafka brokers over SSH: disks, logs, replicas compared.
#[derive(Debug, Parser)]
#[command(name = "roundsman", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Colour: auto, always or never.
    ///
    /// This option stands above NO_COLOR, that above CLICOLOR_FORCE, that above CLICOLOR=0 and TERM=dumb; where
    /// nothing is said, a terminal gets colour and nothing else does. Files of -o never do.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        help_heading = "Report"
    )]
    pub color: When,
    /// The configuration: FILE instead of roundsman.toml in ~/.config/roundsman and /etc/roundsman.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a playbook's probes on its hosts, compare, report.
    Run(Run),
    /// Find Kafka on hosts, compare, report: no playbook needed.
    ///
    /// Nor any variables of Kafka's in the inventory: what runs and what is installed is looked for.
    Audit(Audit),
    /// Run a command on hosts, as `ansible -m raw` does.
    Exec(Exec),
    /// Can I get in, become, read dirs and logs; are the tools there?
    Check(Check),
    /// Show hosts' keys; put new ones into known_hosts when confirmed.
    Trust(Trust),
    /// Show the inventory as it is understood.
    #[command(subcommand)]
    Inventory(Inventory),
    /// Render a saved round, or what somebody brought; no network.
    Report(Report),
    /// What a finding's code means, and what to do.
    ///
    /// And how to see it by hand, and what not to do.
    Explain(Explain),
    /// Rounds that were kept: list, show, prune.
    #[command(subcommand)]
    History(History),
    /// What changed from one round to another.
    Diff(Diff),
    /// Findings that somebody knows of: they do not set the exit status.
    Ack(Ack),
    /// Every option's value for a command line, and what says so.
    Config(Config),
    /// Find a recorded incident on three brokers inside the program.
    Demo(Demo),
    /// Completion of hosts, rounds and options, for bash, zsh or fish.
    Completions(Completions),
    /// What the shells' completions ask.
    #[command(hide = true)]
    Complete(Complete),
    /// The manual, a page for each subcommand.
    #[command(hide = true)]
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the brokers up until Ctrl-C.
    ///
    /// And say how to reach them.
    #[arg(long)]
    pub serve: bool,
    #[command(flatten)]
    pub show: Show,
}

fn become_method(text: &str) -> Result<String, String> {
    match crate::shell::becoming::Method::named(text) {
        Some(method) => Ok(method.name().to_owned()),
        None => Err("sudo, su and doas are known".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    match units::duration(text)? {
        duration if duration.is_zero() => Err("a duration of 0 leaves no time at all".to_owned()),
        duration => Ok(duration),
    }
}

fn size(text: &str) -> Result<usize, String> {
    units::size(text).and_then(|bytes| usize::try_from(bytes).map_err(|error| error.to_string()))
}

/// The command line, or the exit status with which clap's own word was already printed.
///
/// # Errors
/// 0 after help and version, 64 after a mistake, 65 where a configuration file is wrong.
pub fn parse() -> Result<Cli, u8> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let layered = layered(words).map_err(|refusal| {
        // If even this cannot be written there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", sanitize::block(&format!("error: {refusal}")));
        refusal.exit_code()
    })?;
    for warning in &layered.warnings {
        let _ = writeln!(io::stderr(), "{}", sanitize::block(&format!("warning: {warning}")));
    }
    layered.remember();
    let words = layered.words;
    let colour = colour_of(&words);
    let parsed = command().try_get_matches_from(words);
    parsed.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        let said = error.render();
        let text = |terminal: bool| match colour.here(terminal) {
            true => said.ansi().to_string(),
            false => said.to_string(),
        };
        // If even this cannot be written there is nobody to tell.
        let _ = match error.use_stderr() {
            true => write!(io::stderr(), "{}", text(io::stderr().is_terminal())),
            false => write!(io::stdout(), "{}", text(io::stdout().is_terminal())),
        };
        if error.use_stderr() { 64 } else { 0 }
    })
}

/// What `--color` says, for clap's own words: they are printed before the command line has been understood.
fn colour_of(words: &[OsString]) -> When {
    let mut words = words.iter().map_while(|word| word.to_str()).take_while(|word| *word != "--");
    let mut choice = When::Auto;
    while let Some(word) = words.next() {
        // Nobody watches: no terminal codes, whatever else is said.
        if word == "--unattended" {
            return When::Never;
        }
        let value = if word == "--color" { words.next() } else { word.strip_prefix("--color=") };
        choice = match value {
            Some("always") => When::Always,
            Some("never") => When::Never,
            _ => choice,
        };
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn claps_own_words_follow_the_colour_flag() {
        let choice = |line: &str| colour_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(choice("roundsman run --color=never --help"), When::Never);
        assert_eq!(choice("roundsman --color always -h"), When::Always);
        assert_eq!(choice("roundsman --color auto -h"), When::Auto);
        assert_eq!(choice("roundsman exec all -- ls --color=always"), When::Auto);
    }
}
