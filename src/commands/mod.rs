//! One file per subcommand: resolve, call, print.

mod ack;
mod audit;
mod check;
mod complete;
mod config;
mod demo;
mod diff;
mod dry_run;
mod evidence;
mod exec;
mod explain;
mod history;
pub mod inventory;
mod keep;
mod lock;
mod man;
mod notify;
mod output;
mod report;
mod round;
mod run;
mod saved;
mod signals;
mod trust;
mod watch;
mod way_table;

use std::path::PathBuf;
use std::sync::Arc;

use crate::ansible::Settings;
use crate::cli::{self, Cli, Command};
use crate::error::Refusal;
use crate::plan::build::Options;
use crate::plan::connection::{Configured, ConnectionOptions};
use crate::plan::{Plan, secrets};
use crate::prompt;
use crate::ssh::HostKeyPolicy;
use crate::vault::Keyring;
use output::Out;

/// Runs a subcommand; gives its exit status.
pub fn dispatch(cli: Cli) -> u8 {
    let alone = match &cli.command {
        Command::Run(args) => args.round.unattended.unattended,
        Command::Audit(args) => args.round.unattended.unattended,
        _ => false,
    };
    if alone {
        prompt::ask_nobody();
    }
    let out = if alone { Out::plain() } else { Out::new(cli.color) };
    let done = match cli.command {
        Command::Run(args) => run::run(&args, &out),
        Command::Audit(args) => audit::audit(&args, &out),
        Command::Exec(args) => exec::exec(&args, &out),
        Command::Check(args) => check::check(&args, &out),
        Command::Trust(args) => trust::trust(&args, &out),
        Command::Inventory(args) => show_inventory(&args, &out),
        Command::Report(args) => report::report(&args, &out),
        Command::Explain(args) => explain::explain(&args, &out),
        Command::History(args) => history::history(&args, &out),
        Command::Diff(args) => diff::diff(&args, &out),
        Command::Ack(args) => ack::ack(&args, &out),
        Command::Config(args) => config::config(&args, cli.config.as_deref(), &out),
        Command::Demo(args) => demo::demo(&args, &out),
        Command::Completions(args) => Ok(complete::completions(&args, &out)),
        Command::Complete(args) => Ok(complete::complete(args, &out)),
        Command::Man(args) => man::man(&args, &out),
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
    let settings = Settings::of_process()?;
    out.warn(&settings.warnings);
    let mut plan_options = Options {
        inventories: inventories(&source.inventory, &settings),
        vault: keyring(&source.vault, &settings)?,
        ..Options::default()
    };
    if let cli::Inventory::Host(host) = args {
        plan_options.extra_vars = host.extra_vars.clone();
        plan_options.connection = connection(&host.connect, &settings);
    }
    let loaded = crate::plan::build::inventory(&plan_options, None)?;
    out.warn(&loaded.warnings);
    let text = match args {
        cli::Inventory::List(_) => inventory::list(&loaded.inventory),
        cli::Inventory::Graph(_) => inventory::graph(&loaded.inventory),
        cli::Inventory::Host(host) if host.ssh => {
            inventory::known_host(&loaded.inventory, &host.name)?;
            let way = crate::plan::build::way_to(&host.name, &loaded, &plan_options)?;
            out.warn(&way.warnings);
            way_table::table(&way.settings, plan_options.connection.home.as_deref())
        }
        cli::Inventory::Host(host) => inventory::host(&loaded.inventory, &host.name)?,
    };
    out.print(&format!("{}\n", text.trim_end()));
    Ok(0)
}

fn inventories(given: &[String], settings: &Settings) -> Vec<String> {
    if given.is_empty() { settings.inventories.clone() } else { given.to_vec() }
}

fn keyring(given: &cli::Vault, settings: &Settings) -> Result<Arc<Keyring>, Refusal> {
    let locks = settings.locks(&given.vault_id, &given.vault_password_file, given.ask_vault_pass);
    let ask = |question: &str| prompt::secret(question).map_err(|error| error.to_string());
    let keyring = Keyring::new(locks, ask)?;
    Ok(Arc::new(keyring.matching(settings.vault_id_match, settings.vault_identity.clone())))
}

/// The options that the plan resolves, from flags, environment and `ansible.cfg`.
fn options(hosts: &cli::Hosts, connect: &cli::Connect) -> Result<Options, Refusal> {
    let settings = Settings::of_process()?;
    let vault = keyring(&hosts.vault, &settings)?;
    Ok(Options {
        inventories: inventories(&hosts.inventory, &settings),
        limit: hosts.limit.clone(),
        extra_vars: hosts.extra_vars.clone(),
        connection: connection(connect, &settings),
        forks: connect.forks.map(usize::from),
        retries: connect.retries,
        probe_timeout: connect.probe_timeout,
        round_timeout: connect.round_timeout,
        max_output: connect.max_output,
        since: None,
        until: None,
        vault,
        settings,
    })
}

/// What flags, environment and `ansible.cfg` say about connections.
fn connection(connect: &cli::Connect, settings: &Settings) -> ConnectionOptions {
    let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = env("USER").or_else(|| env("LOGNAME")).map(|user| user.to_string_lossy().into_owned());
    ConnectionOptions {
        user: connect.user.clone(),
        private_key: connect.private_key.clone(),
        timeout: connect.timeout,
        become_root: connect.r#become
            || connect.become_user.is_some()
            || (settings.become_root.unwrap_or(false) && !cli::denied("become")),
        become_user: connect.become_user.clone().or(settings.become_user.clone()),
        become_method: connect.become_method.clone(),
        batch: connect.batch || prompt::is_nobody_asked(),
        ssh_args: connect.ssh_common_args.clone(),
        config: connect.ssh_config.clone(),
        home: std::env::home_dir(),
        local_user: user.unwrap_or_else(|| "root".to_owned()),
        agent: env("SSH_AUTH_SOCK").map(Into::into),
        host_keys: connect.host_key_checking.map(|how| match how {
            cli::HostKeyChecking::Yes => HostKeyPolicy::Strict,
            cli::HostKeyChecking::AcceptNew => HostKeyPolicy::AcceptNew,
            cli::HostKeyChecking::No => HostKeyPolicy::Off,
        }),
        configured: Configured::of(settings),
    }
}

/// Asks for the secrets that the command line or `ansible.cfg` promises, and gives them to the hosts without
/// their own.
fn give_secrets(connect: &cli::Connect, settings: &Settings, plan: &mut Plan) -> Result<(), Refusal> {
    let ask = |asked: bool, file: &Option<PathBuf>, question: &str| match (file, asked) {
        (Some(file), _) => secrets::from_file(file).map(Some),
        (None, true) => match prompt::secret(question) {
            Ok(secret) => Ok(Some(secret)),
            Err(why) => Err(Refusal::usage(format!("{question} {why}; a file may give it"))),
        },
        (None, false) => Ok(None),
    };
    let login = ask(
        connect.ask_pass || (settings.ask_pass && !cli::denied("ask-pass")),
        &connect.connection_password_file,
        "SSH password:",
    )?;
    let default = if login.is_some() { " [the SSH password]" } else { "" };
    let question = format!("BECOME password{default}:");
    let becoming = ask(
        connect.ask_become_pass || (settings.become_ask_pass && !cli::denied("ask-become-pass")),
        &connect.become_password_file,
        &question,
    )?;
    // An empty answer to -K is the other password, as in Ansible.
    let becoming = becoming.and_then(|secret| match secret.reveal().is_empty() {
        true => login.clone(),
        false => Some(secret),
    });
    secrets::give(plan, login, becoming);
    Ok(())
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
