//! Hosts, groups, variables and patterns, as Ansible reads them.
//!
//! [`load`] reads every source once and gives pure data: an [`Inventory`] that answers which hosts
//! there are, what their variables are, and which of them a pattern means. `docs/inventory.md` is
//! the reference for users.

mod address;
mod document;
pub(crate) mod glob;
mod graph;
mod ini;
mod known;
mod names;
mod pattern;
mod range;
mod script;
mod source;
#[cfg(test)]
mod tests;
mod vars_files;
mod yaml_file;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::error::{Refusal, nearest};
use crate::vault::Keyring;
use graph::{ALL, Graph, Group};
pub use names::{Names, names};
pub use pattern::Selection;
use vars_files::VarsFiles;

/// Variables by name.
pub type Vars = IndexMap<String, Value>;

/// Everything the sources say. Nothing here reads a file any more, but for `@file` in a limit.
#[derive(Debug)]
pub struct Inventory {
    graph: Graph,
    /// `group_vars/` and `host_vars/` beside each source, in the order of the sources.
    beside_sources: Vec<VarsFiles>,
    /// The same beside the playbook.
    beside_playbook: Option<VarsFiles>,
    /// All hosts, in Ansible's order.
    order: Vec<usize>,
    vault: Arc<Keyring>,
}

/// An inventory, and what is odd but not wrong about it.
#[derive(Debug)]
pub struct Loaded {
    /// The inventory.
    pub inventory: Inventory,
    /// One line each, for the reader: a misspelt variable, a file that was not read.
    pub warnings: Vec<String>,
}

/// Reads the sources in order; of two that set the same variable the later wins. A source is a
/// file, a directory, an executable, or a list of hosts with a comma (`a,b` or `a,`).
/// `playbook_dir` is where `group_vars/` and `host_vars/` are looked for as well.
pub fn load(sources: &[String], playbook_dir: Option<&Path>) -> Result<Loaded, Refusal> {
    load_with(sources, playbook_dir, Arc::default())
}

/// As [`load`], with the passwords for what is encrypted with ansible-vault. Files are decrypted
/// here, single values when they are used.
pub fn load_with(
    sources: &[String],
    playbook_dir: Option<&Path>,
    vault: Arc<Keyring>,
) -> Result<Loaded, Refusal> {
    if sources.iter().all(|source| source.is_empty()) {
        return Err(Refusal::usage(
            "no inventory given: name a file, a directory or a list of hosts with -i",
        ));
    }
    let mut reading = source::Reading::new(&vault);
    for source in sources.iter().filter(|source| !source.is_empty()) {
        reading.source(source)?;
    }
    let source::Reading { mut graph, vars_dirs, mut warnings, .. } = reading;
    graph.reconcile(&mut warnings);
    let mut beside_sources = Vec::with_capacity(vars_dirs.len());
    for dir in &vars_dirs {
        beside_sources.push(VarsFiles::read(dir, &graph, &vault, &mut warnings)?);
    }
    let beside_playbook = match playbook_dir {
        Some(dir) => Some(VarsFiles::read(dir, &graph, &vault, &mut warnings)?),
        None => None,
    };
    let order = graph.hosts_below(ALL);
    let inventory = Inventory { graph, beside_sources, beside_playbook, order, vault };
    Ok(Loaded { inventory, warnings: document::without_repeats(warnings) })
}

impl Inventory {
    /// All hosts, in Ansible's order.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(|host| self.graph.host(*host).name.as_str())
    }

    /// The passwords for encrypted values.
    pub fn vault(&self) -> &Arc<Keyring> {
        &self.vault
    }

    /// Is there a host of this name?
    pub fn has_host(&self, name: &str) -> bool {
        self.graph.host_named(name).is_some()
    }

    /// All groups, `all` and `ungrouped` first, then in the order they were met.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.graph.groups().iter().map(|group| group.name.as_str())
    }

    /// The groups a host is in, directly or by way of a child group, without `all`, sorted: Ansible's
    /// `group_names`. Empty for a host that is not there.
    pub fn groups_of(&self, host: &str) -> Vec<&str> {
        let Some(host) = self.graph.host_named(host) else { return Vec::new() };
        let mut names: Vec<&str> = self.groups_by_precedence(host).map(|group| group.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The hosts of a group and of all groups below it; `None` when there is no such group.
    pub fn hosts_of(&self, group: &str) -> Option<Vec<&str>> {
        let group = self.graph.group_named(group)?;
        Some(
            self.graph
                .hosts_below(group)
                .into_iter()
                .map(|host| self.graph.host(host).name.as_str())
                .collect(),
        )
    }

    /// The direct children of a group and the hosts it names itself.
    pub(crate) fn members_of(&self, group: &str) -> (Vec<&str>, Vec<&str>) {
        let Some(index) = self.graph.group_named(group) else { return Default::default() };
        let group = self.graph.group(index);
        let children = group.children.iter().map(|child| self.graph.group(*child).name.as_str()).collect();
        let hosts = group.hosts.iter().map(|host| self.graph.host(*host).name.as_str()).collect();
        (children, hosts)
    }

    /// Ansible's `groups`: every group's hosts by name. The same for every host, so take it once.
    pub fn groups_var(&self) -> Value {
        self.groups()
            .map(|group| (group.to_owned(), self.hosts_of(group).unwrap_or_default().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// The effective variables of a host by Ansible's precedence, and the magic ones that differ
    /// from host to host: `inventory_hostname`, `inventory_hostname_short`, `group_names`,
    /// `inventory_file`, `inventory_dir`. Empty for a host that is not there.
    pub fn vars(&self, host: &str) -> Vars {
        let mut vars = self.own_vars(host);
        let Some(index) = self.graph.host_named(host) else { return vars };
        let host = self.graph.host(index);
        let mut magic = |name: &str, value: Value| {
            vars.insert(name.to_owned(), value);
        };
        magic("inventory_hostname", host.name.as_str().into());
        magic("inventory_hostname_short", address::short_name(&host.name).into());
        magic("group_names", self.groups_of(&host.name).into());
        magic("inventory_file", host.file.as_deref().into());
        magic("inventory_dir", host.dir.as_deref().into());
        vars
    }

    /// The effective variables of a host without the magic ones.
    pub(crate) fn own_vars(&self, host: &str) -> Vars {
        let mut vars = Vars::new();
        let Some(host) = self.graph.host_named(host) else { return vars };
        let mut add = |more: Option<&Vars>| {
            for (name, value) in more.into_iter().flatten() {
                vars.insert(name.clone(), value.clone());
            }
        };
        // Ansible's VARIABLE_PRECEDENCE, then the host's own.
        add(Some(&self.graph.group(ALL).vars));
        self.groups_by_precedence(host).for_each(|group| add(Some(&group.vars)));
        for files in self.vars_files() {
            add(files.of_group("all"));
        }
        for files in self.vars_files() {
            self.groups_by_precedence(host).for_each(|group| add(files.of_group(&group.name)));
        }
        let host = self.graph.host(host);
        add(Some(&host.vars));
        for files in self.vars_files() {
            add(files.of_host(&host.name));
        }
        vars
    }

    fn vars_files(&self) -> impl Iterator<Item = &VarsFiles> {
        self.beside_sources.iter().chain(&self.beside_playbook)
    }

    /// A host's groups without `all`, the weakest first: by depth, priority, name.
    fn groups_by_precedence(&self, host: usize) -> impl Iterator<Item = &Group> {
        self.graph.host(host).groups.iter().map(|group| self.graph.group(*group))
    }

    /// The host or group whose name is nearest to `word`, with the word for what it is.
    fn nearest_name(&self, word: &str) -> Option<String> {
        let hosts: Vec<&str> = self.hosts().collect();
        if let Some(group) = nearest(word, self.groups()) {
            return Some(format!("the group `{group}`"));
        }
        nearest(word, hosts).map(|host| format!("the host `{host}`"))
    }
}

/// What keeps a value from being used as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed<'a> {
    /// Encrypted with ansible-vault: a [`Keyring`] opens it.
    Vault(&'a str),
    /// Out of a file that is encrypted as a whole: to be used, not to be shown.
    Opened(&'a Value),
    /// `!unsafe`: the text is to be taken as it is, never rendered as a template.
    Unsafe(&'a Value),
}

/// The mark of what stood in an encrypted file.
const OPENED: &str = "__roundsman_out_of_vault";

/// Is this a `!vault` or `!unsafe` value, or one out of an encrypted file?
pub fn sealed(value: &Value) -> Option<Sealed<'_>> {
    let (name, inner) = value.as_object().filter(|map| map.len() == 1)?.iter().next()?;
    match name.as_str() {
        "__ansible_vault" => Some(Sealed::Vault(inner.as_str().unwrap_or_default())),
        "__ansible_unsafe" => Some(Sealed::Unsafe(inner)),
        OPENED => Some(Sealed::Opened(inner)),
        _ => None,
    }
}

fn out_of_vault(value: Value) -> Value {
    Value::Object(serde_json::Map::from_iter([(OPENED.to_owned(), value)]))
}
