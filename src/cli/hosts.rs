//! Which hosts, and what opens their variables.

use std::path::PathBuf;

use clap::Args;

/// Which hosts.
#[derive(Debug, Clone, Args)]
pub struct Hosts {
    /// Inventory, or `host1,host2,`; may be given again.
    ///
    /// A file, a directory or a script, as for Ansible. Where none is given, ROUNDSMAN_INVENTORY or ansible.cfg names
    /// it.
    #[arg(short, long = "inventory", value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only those of the hosts that this pattern leaves.
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Extra variable: name=value, JSON, or @FILE.
    ///
    /// It stands above all others; may be given again.
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
