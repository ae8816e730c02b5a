//! From a host's variables and the options to a target.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::Options;
use crate::error::{FileError, Refusal};
use crate::inventory::{self, Inventory};
use crate::plan::{Target, secrets};
use crate::plan::{route, vars};
use crate::playbook::template::{Renderer, Vars};
use crate::playbook::{Play, Playbook};
use crate::round;
use crate::ssh_config::{Choice, SshConfig};

/// Fewer encrypted values are opened when they are used.
const WORTH_OPENING_AHEAD: usize = 8;

/// What is the same for all hosts of a plan.
pub(super) struct Builder<'a> {
    inventory: &'a Inventory,
    options: &'a Options,
    extra: Vars,
    /// `groups`, which a copy for every host would make the largest part of all variables.
    common: Arc<Vars>,
    pub(super) ssh_config: SshConfig,
}

impl<'a> Builder<'a> {
    pub(super) fn new(loaded: &'a inventory::Loaded, options: &'a Options) -> Result<Self, Refusal> {
        let mut extra = Vars::new();
        for given in &options.extra_vars {
            extra.extend(extra_vars(given)?);
        }
        let common = Arc::new(Vars::from_iter([("groups".to_owned(), loaded.inventory.groups_var())]));
        let connection = &options.connection;
        Ok(Builder {
            inventory: &loaded.inventory,
            options,
            extra,
            common,
            ssh_config: SshConfig::of_user(connection.home.as_deref(), &connection.local_user),
        })
    }

    /// Opens at once what the hosts' logins will need: one by one it would take milliseconds each.
    pub(super) fn warm(&self, hosts: &[String]) {
        let vault = self.inventory.vault();
        if vault.is_empty() {
            return;
        }
        let mut sealed = HashSet::new();
        for host in hosts {
            for (name, value) in self.inventory.vars(host) {
                if (name.starts_with("ansible_") || name.starts_with("vault_"))
                    && let Some(inventory::Sealed::Vault(text)) = inventory::sealed(&value)
                {
                    sealed.insert(text.to_owned());
                }
            }
        }
        let sealed: Vec<&str> = sealed.iter().map(String::as_str).collect();
        // One or two may never be used, and then their password need not be had.
        if sealed.len() >= WORTH_OPENING_AHEAD {
            vault.warm(&sealed);
        }
    }

    /// Asks ssh about all hosts at the same time, where its configuration may need many answers.
    pub(super) fn ask_ahead<'h>(&self, hosts: impl IntoIterator<Item = (&'h str, &'h Vars)>) {
        let connection = &self.options.connection;
        let home = connection.home.as_deref().unwrap_or(Path::new(""));
        let choice = connection.config.as_deref().map(|file| Choice::of(file, home)).unwrap_or_default();
        if !self.ssh_config.may_ask_often(&choice) {
            return;
        }
        let mut seen = HashSet::new();
        let mut queries = Vec::new();
        for (host, vars) in hosts {
            if seen.insert(host)
                // What is wrong with a host is said when its turn comes.
                && let Ok(draft) = route::Draft::read(host, &self.renderer(host, vars), connection)
            {
                queries.extend(draft.query());
            }
        }
        self.ssh_config.ask_ahead(&queries);
    }

    /// What ssh ran while it was asked, and what could not be asked for want of it.
    pub(super) fn close(&self, warnings: &mut Vec<String>) -> Vec<String> {
        warnings.extend(self.ssh_config.complaint());
        let commands = self.ssh_config.commands();
        commands
            .into_iter()
            .map(|command| {
                format!("{} ({}:{})", command.text, command.place.file.display(), command.place.line)
            })
            .collect()
    }

    /// Inventory below play below command line, as in Ansible.
    pub(super) fn renderer(&self, host: &str, play: &Vars) -> Renderer {
        let mut vars = self.inventory.vars(host);
        // Magic as in Ansible: no inventory's own `groups` stands above it.
        vars.shift_remove("groups");
        vars.extend(play.iter().map(|(name, value)| (name.clone(), value.clone())));
        vars.extend(self.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        Renderer::with_vault(host, vars, Arc::clone(&self.common), Arc::clone(self.inventory.vault()))
    }

    /// The brokers that a play's gate asks about: a host pattern, `none` where it is empty.
    pub(super) fn gate(
        &self,
        playbook: &Playbook,
        play: &Play,
        hosts: &[String],
    ) -> Result<Option<round::Gate>, Refusal> {
        let (Some(text), Some(any)) = (&play.gate, hosts.first()) else { return Ok(None) };
        let pattern = self.renderer(any, &play.vars).text(&text.text).map_err(|error| {
            let refusal = playbook.error_at(text.offset, error.message);
            match error.hint {
                Some(hint) => refusal.hint(hint),
                None => refusal,
            }
        })?;
        let pattern = pattern.trim();
        if pattern.is_empty() {
            return Ok(Some(round::Gate::default()));
        }
        let restart = self.inventory.select(pattern, None)?.hosts;
        match restart.iter().find(|host| !hosts.contains(host)) {
            Some(host) => {
                Err(Refusal::usage(format!("gate: {host} is none of the hosts of the play `{}`", play.name)))
            }
            None => Ok(Some(round::Gate { restart })),
        }
    }

    pub(super) fn target(
        &self,
        host: &str,
        renderer: &Renderer,
        play_becomes: Option<bool>,
        warnings: &mut Vec<String>,
    ) -> Result<Target, Refusal> {
        let mut connection = self.options.connection.clone();
        connection.become_root |= play_becomes.unwrap_or(false);
        let mut way = route::way(host, renderer, &connection, &self.ssh_config)?;
        secrets::into_route(host, renderer, &mut way.route)?;
        way.route.batch |= connection.batch;
        let becomes = match &way.become_user {
            Some(user) => Some(secrets::becomes(host, renderer, user, connection.become_method.as_deref())?),
            None => None,
        };
        // The same word about every host is said once.
        for warning in way.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(Target {
            host: host.to_owned(),
            route: Arc::new(way.route),
            become_user: way.become_user,
            becomes,
            cluster: vars::text_var(host, renderer, "kafka_cluster")?,
            broker_id: vars::number_var(host, renderer, "kafka_broker_id")?,
            plays: Vec::new(),
            facts: Some(vars::paths_var(host, renderer, "kafka_log_dirs")?),
            probes: Vec::new(),
            audit: None,
            log_zone_s: None,
        })
    }
}

/// `-e`: `name=value …` as a shell would split it, a JSON or YAML mapping, or `@FILE`.
fn extra_vars(given: &str) -> Result<Vars, Refusal> {
    let mapping = |file: &Path, text: &str| -> Result<Vars, Refusal> {
        match crate::yaml::parse(file, text)?.to_json() {
            serde_json::Value::Object(object) => Ok(object.into_iter().collect()),
            _ => Err(FileError::whole(file, "extra variables are a mapping").into()),
        }
    };
    if let Some(file) = given.strip_prefix('@') {
        let file = Path::new(file);
        let text = std::fs::read_to_string(file)
            .map_err(|error| FileError::whole(file, format!("the extra variables can't be read: {error}")))?;
        return mapping(file, &text);
    }
    if given.trim_start().starts_with('{') {
        return mapping(Path::new("-e"), given).map_err(|refusal| Refusal::usage(format!("-e: {refusal}")));
    }
    let words =
        shlex::split(given).ok_or_else(|| Refusal::usage(format!("-e {given:?}: a quote is not closed")))?;
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), serde_json::Value::String(value.to_owned())))
            }
            _ => Err(Refusal::usage(format!("-e {word:?}: write name=value, a JSON object or @FILE"))),
        })
        .collect()
}
