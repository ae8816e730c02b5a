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
    #[command(flatten)]
    pub vault: Vault,
}

/// The passwords for what is encrypted with ansible-vault.
#[derive(Debug, Clone, Default, Args)]
pub struct Vault {
    /// A file that holds a vault password, or a program that prints it; may be given again.
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE", help_heading = "Vault")]
    pub vault_password_file: Vec<PathBuf>,
    /// A vault password and its name: ID@FILE or ID@prompt; may be given again.
    #[arg(long, value_name = "[ID@]SOURCE", help_heading = "Vault")]
    pub vault_id: Vec<String>,
    /// Ask for the vault password when something encrypted is used.
    #[arg(long, visible_alias = "ask-vault-password", help_heading = "Vault")]
    pub ask_vault_pass: bool,
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
    /// ssh's configuration: FILE instead of ~/.ssh/config and /etc/ssh/ssh_config, or none.
    #[arg(short = 'F', long = "ssh-config", value_name = "FILE", help_heading = "Connection")]
    pub ssh_config: Option<String>,
    /// Check host keys: yes, accept-new (a host seen for the first time is believed) or no.
    #[arg(long, value_name = "HOW", hide_possible_values = true, help_heading = "Connection")]
    pub host_key_checking: Option<HostKeyChecking>,
    /// Ask for the password to log in with.
    #[arg(short = 'k', long, conflicts_with = "connection_password_file", help_heading = "Connection")]
    pub ask_pass: bool,
    /// Read that password from FILE, run FILE for it if it is executable, or read it from `-`.
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE", help_heading = "Connection")]
    pub connection_password_file: Option<PathBuf>,
    /// Become another user, by default root with sudo.
    #[arg(short, long = "become", help_heading = "Connection")]
    pub r#become: bool,
    /// The user to become.
    #[arg(long, value_name = "USER", help_heading = "Connection")]
    pub become_user: Option<String>,
    /// sudo, su or doas [default: sudo].
    #[arg(long, value_name = "METHOD", value_parser = become_method, help_heading = "Connection")]
    pub become_method: Option<String>,
    /// Ask for the password to become that user with [default: the one of -k].
    #[arg(short = 'K', long, conflicts_with = "become_password_file", help_heading = "Connection")]
    pub ask_become_pass: bool,
    /// Read that password from FILE, as --connection-password-file does.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE", help_heading = "Connection")]
    pub become_password_file: Option<PathBuf>,
    /// Ask nobody for anything: what is missing is an error.
    #[arg(long, conflicts_with_all = ["ask_pass", "ask_become_pass"], help_heading = "Connection")]
    pub batch: bool,
    /// Hosts at a time [default: 64].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000), help_heading = "Limits")]
    pub forks: Option<u16>,
    /// Times a connection lost before the login is tried again, within --timeout [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100), help_heading = "Limits")]
    pub retries: Option<u32>,
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
    #[command(flatten)]
    pub watch: Watch,
}

/// What is told on standard error while it goes on.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Watch {
    /// Tell every connection attempt; -vv every step, -vvv algorithms and keys.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Connection")]
    pub verbose: u8,
    /// Where the time went: name, TCP, key exchange, login, shell, probes; and the slowest hosts.
    #[arg(long, help_heading = "Connection")]
    pub timings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HostKeyChecking {
    #[value(alias = "true")]
    Yes,
    AcceptNew,
    #[value(alias = "false", alias = "off")]
    No,
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
    /// The timeline of these topics alone, with what is about no topic.
    #[arg(long, value_name = "GLOB", help_heading = "Report")]
    pub topic: Option<String>,
    /// The timeline of what weighs this or more: notice, warning or critical.
    #[arg(long, value_name = "LEVEL", hide_possible_values = true, help_heading = "Report")]
    pub severity: Option<Least>,
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

/// What somebody brought.
#[derive(Debug, Clone, Default, Args)]
pub struct Evidence {
    /// What `du` printed on the brokers, run by ansible, clush or pdsh; HOST=FILE where it names none; - is
    /// standard input. May be given again.
    #[arg(long, value_name = "[HOST=]FILE", help_heading = "Evidence from elsewhere")]
    pub du_transcript: Vec<String>,
    /// A broker's log, a directory of them, or what grep left of one; the broker by name, address or id.
    #[arg(long, value_name = "HOST=FILE", help_heading = "Evidence from elsewhere")]
    pub log: Vec<String>,
    /// The output of `kafka-log-dirs.sh --describe`.
    #[arg(long, value_name = "FILE", help_heading = "Evidence from elsewhere")]
    pub kafka_log_dirs: Vec<PathBuf>,
    /// The output of `kafka-topics.sh --describe`.
    #[arg(long, value_name = "FILE", help_heading = "Evidence from elsewhere")]
    pub kafka_topics: Vec<PathBuf>,
    /// The zone of the lines of --log where no node was asked for it: Z, +02:00.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Evidence from elsewhere")]
    pub log_zone: Option<String>,
    /// What sizes without a unit count in --du-transcript [default: k].
    #[arg(long, value_name = "UNIT", help_heading = "Evidence from elsewhere")]
    pub du_unit: Option<DuUnit>,
}

/// What plain numbers of `du` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuUnit {
    /// KiB: `du`, `du -k`.
    K,
    /// MiB: `du -m`.
    M,
    /// Bytes: `du -b`.
    B,
    /// 512 bytes: POSIX and BSD `du`.
    Blocks,
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

/// What every round of probes takes.
#[derive(Debug, Args)]
pub struct Round {
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
    #[command(flatten)]
    pub evidence: Evidence,
    /// Show the whole plan, scripts and limits included; contact nobody.
    #[arg(long)]
    pub dry_run: bool,
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
    pub round: Round,
    /// Check playbook and inventory and stop.
    #[arg(long)]
    pub check_syntax: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  roundsman audit -i inventories/prod.yml\n  \
    roundsman audit queue_nodes -i prod.yml -b --since 2d --save round.json\n  \
    roundsman audit -i 10.200.8.176,10.200.8.177, -u ops\n\n\
    What is found: processes, systemd units, the usual places; settings by an allow-list. kafka_log_dirs,\n\
    kafka_logs_dir, kafka_broker_id and kafka_cluster of the inventory stand above it.")]
pub struct Audit {
    /// Which hosts, as in Ansible: group, host, glob, a:b, a:&b, a:!b, ~regex, `group[0:2]`.
    #[arg(default_value = "all")]
    pub pattern: String,
    #[command(flatten)]
    pub round: Round,
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

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 all keys are known or were added, 2 a key has changed, is revoked or is not the \
    one in FILE, 3 a host was not reached or its key not confirmed."
)]
pub struct Trust {
    /// Which hosts, as in Ansible.
    pub pattern: String,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub connect: Connect,
    /// Confirm by FILE instead of asking: lines `HOST SHA256:…`, ssh-keygen -lf output or known_hosts lines.
    #[arg(long, value_name = "FILE")]
    pub fingerprints: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Inventory {
    /// Everything, as the JSON of `ansible-inventory --list`.
    List(InventorySource),
    /// The tree of groups, as `ansible-inventory --graph`.
    Graph(InventorySource),
    /// One host's variables, as `ansible-inventory --host`; with --ssh its effective connection settings.
    Host(Box<InventoryHost>),
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
    #[command(flatten)]
    pub vault: Vault,
}

#[derive(Debug, Args)]
pub struct InventoryHost {
    /// The host.
    pub name: String,
    #[command(flatten)]
    pub source: InventorySource,
    /// Show how it is reached: every effective setting, and what gave it its value.
    #[arg(long)]
    pub ssh: bool,
    /// Extra variable: name=value, a JSON object, or @FILE; stands above all others.
    #[arg(short, long = "extra-vars", value_name = "VARS", requires = "ssh")]
    pub extra_vars: Vec<String>,
    #[command(flatten)]
    pub connect: Connect,
}

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
