//! How to get to the hosts, and what it may cost.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{become_method, duration, size};

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
    /// Ask for the password to become that user.
    ///
    /// An empty answer is the password of -k.
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
