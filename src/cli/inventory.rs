//! `inventory`.

use clap::{Args, Subcommand};

use super::{Connect, Vault};

#[derive(Debug, Subcommand)]
pub enum Inventory {
    /// Everything, as the JSON of `ansible-inventory --list`.
    List(InventorySource),
    /// The tree of groups, as `ansible-inventory --graph`.
    Graph(InventorySource),
    /// One host's variables, as `ansible-inventory --host`.
    ///
    /// With --ssh its effective connection settings.
    Host(Box<InventoryHost>),
}

#[derive(Debug, Args)]
pub struct InventorySource {
    /// Inventory, or `host1,host2,`; may be given again.
    ///
    /// A file, a directory or a script, as for Ansible. Where none is given, ROUNDSMAN_INVENTORY or ansible.cfg names
    /// it.
    #[arg(short, long = "inventory", value_name = "INVENTORY")]
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
    /// Show how it is reached, and what says so.
    ///
    /// Every effective setting of the way to it, and what gave it its value.
    #[arg(long)]
    pub ssh: bool,
    /// Extra variable: name=value, JSON, or @FILE.
    ///
    /// It stands above all others; may be given again.
    #[arg(short, long = "extra-vars", value_name = "VARS", requires = "ssh")]
    pub extra_vars: Vec<String>,
    #[command(flatten)]
    pub connect: Connect,
}
