//! One file per subcommand: resolve, call, print.

mod check;
mod demo;
mod diff;
mod dry_run;
mod exec;
mod history;
pub mod inventory;
mod output;
mod report;
mod run;
mod signals;

use crate::cli::{self, Command};
use crate::error::Refusal;
use crate::plan::build::Options;
use crate::plan::route::ConnectionOptions;
use output::Out;

/// Runs a subcommand; gives its exit status.
pub fn dispatch(command: Command) -> u8 {
    let out = Out::new();
    let done = match command {
        Command::Run(args) => run::run(&args, &out),
        Command::Exec(args) => exec::exec(&args, &out),
        Command::Check(args) => check::check(&args, &out),
        Command::Inventory(args) => show_inventory(&args, &out),
        Command::Report(args) => report::report(&args, &out),
        Command::History(args) => history::history(&args, &out),
        Command::Diff(args) => diff::diff(&args, &out),
        Command::Demo(args) => demo::demo(&args, &out),
    };
    match done {
        Ok(status) => out.status(status),
        Err(refusal) => {
            out.complain(&format!("error: {refusal}"));
            refusal.exit_code()
        }
    }
}

fn show_inventory(args: &cli::Inventory, out: &Out) -> Result<u8, Refusal> {
    let source = match args {
        cli::Inventory::List(source) | cli::Inventory::Graph(source) => source,
        cli::Inventory::Host(host) => &host.source,
    };
    let options = Options { inventories: source.inventory.clone(), ..Options::default() };
    let loaded = crate::plan::build::inventory(&options, None)?;
    out.warn(&loaded.warnings);
    let text = match args {
        cli::Inventory::List(_) => inventory::list(&loaded.inventory),
        cli::Inventory::Graph(_) => inventory::graph(&loaded.inventory),
        cli::Inventory::Host(host) => inventory::host(&loaded.inventory, &host.name)?,
    };
    out.print(&format!("{}\n", text.trim_end()));
    Ok(0)
}

/// The options that the plan resolves, from flags and environment.
fn options(hosts: &cli::Hosts, connect: &cli::Connect) -> Options {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = env("USER").or_else(|| env("LOGNAME")).map(|user| user.to_string_lossy().into_owned());
    Options {
        inventories: hosts.inventory.clone(),
        limit: hosts.limit.clone(),
        extra_vars: hosts.extra_vars.clone(),
        connection: ConnectionOptions {
            user: connect.user.clone(),
            private_key: connect.private_key.clone(),
            timeout: connect.timeout,
            become_root: connect.r#become || connect.become_user.is_some(),
            become_user: connect.become_user.clone(),
            ssh_args: connect.ssh_common_args.clone(),
            home: std::env::home_dir(),
            local_user: user.unwrap_or_else(|| "root".to_owned()),
            agent: env("SSH_AUTH_SOCK").map(Into::into),
        },
        forks: connect.forks.map(usize::from),
        probe_timeout: connect.probe_timeout,
        round_timeout: connect.round_timeout,
        max_output: connect.max_output,
        since: None,
        until: None,
    }
}

/// `--list-hosts`, as Ansible prints it.
fn list_hosts<'a>(hosts: impl Iterator<Item = &'a str>) -> String {
    let hosts: Vec<&str> = hosts.collect();
    let mut text = format!("  hosts ({}):\n", hosts.len());
    for host in hosts {
        text.push_str(&format!("    {host}\n"));
    }
    text
}

/// A runtime for one command.
fn runtime() -> Result<tokio::runtime::Runtime, Refusal> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Refusal::usage(format!("no threads to be had: {error}")))
}
