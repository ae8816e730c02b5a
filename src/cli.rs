//! The command line's shape and help texts. clap is named here only.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::playbook::units;

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
    /// Run a command on hosts, as `ansible -m raw` does.
    Exec(Exec),
    /// Can I get in, become, read the log dirs and logs; which tools are there?
    Check(Check),
    /// Show the inventory as it is understood.
    #[command(subcommand)]
    Inventory(Inventory),
    /// Render a saved round again, without network.
    Report(Report),
    /// Rounds that were kept: list, show, prune.
    #[command(subcommand)]
    History(History),
    /// What changed from one round to another.
    Diff(Diff),
    /// The main job on an embedded fleet of three brokers that hold a recorded incident.
    Demo(Demo),
}

/// Which hosts.
#[derive(Debug, Clone, Args)]
pub struct Hosts {
    /// Inventory file, directory or script, or `host1,host2,`; may be given again.
    #[arg(short, long = "inventory", value_name = "INVENTORY", env = "ROUNDSMAN_INVENTORY", hide_env_values = true, value_delimiter = None)]
    pub inventory: Vec<String>,
    /// Only those of the hosts that this pattern leaves.
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Extra variable: name=value, a JSON object, or @FILE; stands above all others.
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Show the hosts and stop.
    #[arg(long)]
    pub list_hosts: bool,
}

/// How to get there, and what it may cost.
#[derive(Debug, Clone, Args)]
pub struct Connect {
    /// Login name where the inventory gives none.
    #[arg(short, long, value_name = "USER", help_heading = "Connection")]
    pub user: Option<String>,
    /// Private key where the inventory gives none.
    #[arg(long, visible_alias = "key-file", value_name = "FILE", help_heading = "Connection")]
    pub private_key: Option<PathBuf>,
    /// Arguments as for ssh: -J, -i, -p, -l, -o ProxyJump, UserKnownHostsFile, StrictHostKeyChecking …
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, help_heading = "Connection")]
    pub ssh_common_args: Option<String>,
    /// Become another user with `sudo -n`.
    #[arg(short, long = "become", help_heading = "Connection")]
    pub r#become: bool,
    /// The user to become.
    #[arg(long, value_name = "USER", help_heading = "Connection")]
    pub become_user: Option<String>,
    /// Hosts at a time [default: 64].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000), help_heading = "Limits")]
    pub forks: Option<u16>,
    /// Connect and login of one host [default: 10s].
    #[arg(short = 'T', long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub timeout: Option<Duration>,
    /// One probe on one host [default: 2m].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub probe_timeout: Option<Duration>,
    /// The whole round [default: 10m].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub round_timeout: Option<Duration>,
    /// Output of one probe from one host [default: 4MiB, log_grep 1MiB].
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub max_output: Option<usize>,
}

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
    #[command(flatten)]
    pub colour: Colour,
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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roundsman run playbooks/kafka-audit.yml -i inventories/prod.yml -l queue_nodes\n  \
    roundsman run playbooks/kafka-audit.yml -i prod.yml -e topic=completeProduct --since 2d --save round.json\n  \
    roundsman run playbooks/kafka-audit.yml -i prod.yml --dry-run"
)]
pub struct Run {
    /// The playbook.
    pub playbook: PathBuf,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub show: Show,
    /// Log lines from this time on: 2h, 2017-04-03, '2017-04-03 14:00', RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Log lines up to this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Keep the round in FILE, for `report --from`.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Check playbook and inventory and stop.
    #[arg(long)]
    pub check_syntax: bool,
    /// Show the whole plan, scripts and limits included; contact nobody.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
#[command(override_usage = "roundsman exec [OPTIONS] <PATTERN> -- <COMMAND>...")]
#[command(after_help = "Examples:\n  roundsman exec queue_nodes -i prod.yml -- uptime\n  \
    roundsman exec 'queue_nodes:!10.200.8.177' -i prod.yml --fold -- uname -r\n  \
    roundsman exec all -i prod.yml -- du -ch '/services/kafka/completeProduct-*'")]
pub struct Exec {
    /// Which hosts, as in Ansible: group, host, glob, a:b, a:&b, a:!b, ~regex, `group[0:2]`.
    pub pattern: String,
    /// What to run, by /bin/sh on each host; words are joined by a space, as ssh does.
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    /// Hosts with the same output together.
    #[arg(long, conflicts_with = "stream")]
    pub fold: bool,
    /// Print `host: line` as lines come.
    #[arg(long)]
    pub stream: bool,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, conflicts_with_all = ["fold", "stream"])]
    pub format: ExecFormat,
    /// Show the plan; contact nobody.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExecFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    #[command(flatten)]
    pub colour: Colour,
}

#[derive(Debug, Subcommand)]
pub enum Inventory {
    /// Everything, as the JSON of `ansible-inventory --list`.
    List(InventorySource),
    /// The tree of groups, as `ansible-inventory --graph`.
    Graph(InventorySource),
    /// One host's variables, as `ansible-inventory --host`.
    Host(InventoryHost),
}

#[derive(Debug, Args)]
pub struct InventorySource {
    /// Inventory file, directory or script, or `host1,host2,`; may be given again.
    #[arg(
        short,
        long = "inventory",
        value_name = "INVENTORY",
        env = "ROUNDSMAN_INVENTORY",
        hide_env_values = true
    )]
    pub inventory: Vec<String>,
}

#[derive(Debug, Args)]
pub struct InventoryHost {
    /// The host.
    pub name: String,
    #[command(flatten)]
    pub source: InventorySource,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The round, as `run --save` wrote it.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    #[command(flatten)]
    pub show: Show,
}

#[derive(Debug, Subcommand)]
pub enum History {
    /// The newest rounds first.
    List(HistoryList),
    /// Render a kept round again.
    Show(HistoryShow),
    /// Drop old rounds.
    Prune(HistoryPrune),
}

/// Where the rounds are kept.
#[derive(Debug, Clone, Args)]
pub struct HistoryFile {
    /// The history [default: $XDG_STATE_HOME/roundsman/history.sqlite].
    #[arg(long, value_name = "FILE", env = "ROUNDSMAN_HISTORY", hide_env_values = true)]
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
    /// The round: its id, the beginning of one, `last`, `last~1` …
    #[arg(default_value = "last")]
    pub round: String,
    #[command(flatten)]
    pub file: HistoryFile,
    #[command(flatten)]
    pub show: Show,
}

#[derive(Debug, Args)]
pub struct HistoryPrune {
    /// Rounds older than this go: 90d, 26h …
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "90d")]
    pub older_than: Duration,
    /// But never the newest N.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub keep: usize,
    #[command(flatten)]
    pub file: HistoryFile,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing is new or worse, else that of the worst that is: 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
)]
pub struct Diff {
    /// The older round: an id, the beginning of one, `last~1`, or a file of `--save`.
    #[arg(default_value = "last~1")]
    pub older: String,
    /// The newer one.
    #[arg(default_value = "last")]
    pub newer: String,
    #[command(flatten)]
    pub file: HistoryFile,
    /// Replicas that are shown, the largest changes first.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub number: usize,
    /// text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: ExecFormat,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Keep the fleet up and say how to reach it, until Ctrl-C.
    #[arg(long)]
    pub serve: bool,
    #[command(flatten)]
    pub show: Show,
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
