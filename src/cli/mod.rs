//! The command line's shape and help texts. clap is named in this room only.

mod ack;
mod connect;
mod evidence;
mod exec;
mod history;
mod hosts;
mod inventory;
mod report;
mod round;
mod show;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::playbook::units;

pub use ack::{Ack, AckCommand, AckDrop, AckList};
pub use connect::{Connect, HostKeyChecking, Watch};
pub use evidence::{DuUnit, Evidence};
pub use exec::{Check, Exec, ExecFormat, Trust};
pub use history::{
    Beside, Diff, History, HistoryFile, HistoryList, HistoryPrune, HistoryShow, HistoryTrend, Keep,
};
pub use hosts::{Hosts, Vault};
pub use inventory::{Inventory, InventoryHost, InventorySource};
pub use report::{Explain, ExplainFormat, Report};
pub use round::{Audit, Round, Run};
pub use show::{Colour, Least, Show, When};

/// Makes the rounds of Kafka brokers over SSH: disks, logs, replicas compared.
#[derive(Debug, Parser)]
#[command(name = "roundsman", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (evidence is missing), \
    64 wrong command line, 65 wrong file, 130 interrupted, 143 terminated.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a playbook's probes on its hosts, compare what comes back, report.
    Run(Run),
    /// Find Kafka on hosts, compare what is there, report: no playbook, no variables needed.
    Audit(Audit),
    /// Run a command on hosts, as `ansible -m raw` does.
    Exec(Exec),
    /// Can I get in, become, read the log dirs and logs; which tools are there?
    Check(Check),
    /// Show hosts' keys and write new ones into known_hosts, once they are confirmed.
    Trust(Trust),
    /// Show the inventory as it is understood.
    #[command(subcommand)]
    Inventory(Inventory),
    /// Render a saved round again, or what somebody brought, without network.
    Report(Report),
    /// What a finding's code means, how to see it by hand, what to do and what not to do.
    Explain(Explain),
    /// Rounds that were kept: list, show, prune.
    #[command(subcommand)]
    History(History),
    /// What changed from one round to another.
    Diff(Diff),
    /// Findings that somebody knows of: they are shown as such and do not set the exit status.
    Ack(Ack),
    /// The main job on an embedded fleet of three brokers that hold a recorded incident.
    Demo(Demo),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the fleet up and say how to reach it, until Ctrl-C.
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
/// 0 after help and version, 64 after a mistake.
pub fn parse() -> Result<Cli, u8> {
    Cli::try_parse().map_err(|error| {
        // If even this cannot be written there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() { 64 } else { 0 }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_shape_is_sound() {
        super::Cli::command().debug_assert();
    }
}
