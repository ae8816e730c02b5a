//! `inventory`.

use clap::{Args, Subcommand};

use super::{Connect, Vault};

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
