//! Hosts and groups and who belongs to whom, built up source by source.

use std::collections::HashSet;

use indexmap::{IndexMap, IndexSet};
use serde_json::Value;

use super::Vars;

/// The index of the group `all`.
pub(super) const ALL: usize = 0;
/// The index of the group `ungrouped`.
const UNGROUPED: usize = 1;
/// How deep groups may nest: far beyond any real inventory.
const DEEPEST: usize = 100;

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    pub name: String,
    pub vars: Vars,
    /// `ansible_group_priority`: among groups of one depth the higher wins.
    pub priority: i64,
    /// The hosts that the group names itself.
    pub hosts: IndexSet<usize>,
    pub children: IndexSet<usize>,
    parents: IndexSet<usize>,
    /// The longest way down from `all`; the deeper group wins.
    depth: usize,
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    pub name: String,
    pub vars: Vars,
    /// The source that named it first, and that source's directory.
    pub file: Option<String>,
    pub dir: Option<String>,
    /// The groups it is in without `all`, the weakest first; known after [`Graph::reconcile`].
    pub groups: Vec<usize>,
}

/// All hosts and groups.
#[derive(Debug)]
pub(super) struct Graph {
    groups: Vec<Group>,
    group_names: IndexMap<String, usize>,
    hosts: Vec<Host>,
    host_names: IndexMap<String, usize>,
}

impl Default for Graph {
    fn default() -> Self {
        let mut graph = Graph {
            groups: Vec::new(),
            group_names: IndexMap::new(),
            hosts: Vec::new(),
            host_names: IndexMap::new(),
        };
        graph.add_group("all");
        graph.add_group("ungrouped");
        graph.link(ALL, UNGROUPED);
        graph
    }
}

impl Graph {
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(super) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    pub(super) fn group(&self, index: usize) -> &Group {
        &self.groups[index]
    }

    pub(super) fn host(&self, index: usize) -> &Host {
        &self.hosts[index]
    }

    pub(super) fn group_named(&self, name: &str) -> Option<usize> {
        self.group_names.get(name).copied()
    }

    pub(super) fn host_named(&self, name: &str) -> Option<usize> {
        self.host_names.get(name).copied()
    }

    /// The group of this name, new if need be.
    pub(super) fn add_group(&mut self, name: &str) -> usize {
        if let Some(index) = self.group_named(name) {
            return index;
        }
        let index = self.groups.len();
        self.groups.push(Group {
            name: name.to_owned(),
            vars: Vars::new(),
            priority: 1,
            hosts: IndexSet::new(),
            children: IndexSet::new(),
            parents: IndexSet::new(),
            depth: 0,
        });
        self.group_names.insert(name.to_owned(), index);
        index
    }

    /// The host of this name, new if need be, and a member of `group`. The port counts only for a
    /// new one, as in Ansible.
    pub(super) fn add_host(
        &mut self,
        name: &str,
        group: Option<usize>,
        port: Option<i64>,
        from: &From,
    ) -> usize {
        let index = self.host_named(name).unwrap_or_else(|| {
            let index = self.hosts.len();
            let vars = port.map(|port| ("ansible_port".to_owned(), Value::from(port))).into_iter().collect();
            let (file, dir) = (from.file.clone(), from.dir.clone());
            self.hosts.push(Host { name: name.to_owned(), vars, file, dir, groups: Vec::new() });
            self.host_names.insert(name.to_owned(), index);
            index
        });
        if let Some(group) = group {
            self.groups[group].hosts.insert(index);
        }
        index
    }

    /// Sets a variable of a host. Where a group has the same name Ansible sets the group's: so here.
    pub(super) fn set_host_var(&mut self, host: usize, name: &str, value: Value) -> Result<(), BadPriority> {
        match self.group_named(&self.hosts[host].name) {
            Some(group) => self.set_group_var(group, name, value),
            None => {
                self.hosts[host].vars.insert(name.to_owned(), value);
                Ok(())
            }
        }
    }

    /// Sets a variable of a group; `ansible_group_priority` is not a variable but the priority.
    pub(super) fn set_group_var(
        &mut self,
        group: usize,
        name: &str,
        value: Value,
    ) -> Result<(), BadPriority> {
        let group = &mut self.groups[group];
        if name == "ansible_group_priority" {
            let value = match super::sealed(&value) {
                Some(super::Sealed::Opened(value)) => value,
                _ => &value,
            };
            group.priority = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                Value::Bool(value) => Some(i64::from(*value)),
                _ => None,
            }
            .ok_or(BadPriority)?;
        } else {
            group.vars.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Makes `child` a child of `parent`; an error says why it can't be.
    pub(super) fn add_child(&mut self, parent: usize, child: usize) -> Result<(), String> {
        let (above, below) = (&self.groups[parent].name, &self.groups[child].name);
        if parent == child {
            return Err(format!("the group `{below}` cannot be its own child"));
        }
        if self.groups[parent].children.contains(&child) {
            return Ok(());
        }
        // Ansible then loses hosts: it moves them out of `ungrouped`, and with it out of the other.
        if parent == UNGROUPED || (child == UNGROUPED && parent != ALL) {
            return Err(format!(
                "`{below}` cannot be a child of `{above}`: `ungrouped` stands alone below `all`"
            ));
        }
        // Every group is below `all` in the end, so `all` can be below none.
        if child == ALL || self.ancestors(parent).contains(&child) {
            return Err(format!("the group `{below}` cannot be a child of `{above}`, which is below it"));
        }
        match self.link(parent, child) {
            depth if depth > DEEPEST => Err(format!("groups nest more than {DEEPEST} deep")),
            _ => Ok(()),
        }
    }

    /// Returns the depth of the deepest group that this moved.
    fn link(&mut self, parent: usize, child: usize) -> usize {
        self.groups[parent].children.insert(child);
        self.groups[child].parents.insert(parent);
        // The longest way down, kept up to date; there are no loops, so this ends.
        let mut deepest = 0;
        let mut deepened = vec![(child, self.groups[parent].depth + 1)];
        while let Some((group, depth)) = deepened.pop() {
            if depth > self.groups[group].depth && depth <= DEEPEST + 1 {
                self.groups[group].depth = depth;
                deepest = deepest.max(depth);
                deepened.extend(self.groups[group].children.iter().map(|child| (*child, depth + 1)));
            }
        }
        deepest
    }

    fn ancestors(&self, group: usize) -> HashSet<usize> {
        let mut seen = HashSet::new();
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            open.extend(self.groups[group].parents.iter().filter(|parent| seen.insert(**parent)));
        }
        seen
    }

    /// The hosts of a group and below, in Ansible's order: its own, its children's, theirs.
    pub(super) fn hosts_below(&self, group: usize) -> Vec<usize> {
        let mut groups = IndexSet::from([group]);
        let mut next = 0;
        while let Some(group) = groups.get_index(next) {
            let children = self.groups[*group].children.clone();
            groups.extend(children);
            next += 1;
        }
        let hosts: IndexSet<usize> =
            groups.iter().flat_map(|group| self.groups[*group].hosts.iter().copied()).collect();
        hosts.into_iter().collect()
    }

    /// After the last source: every group is below `all`, `ungrouped` holds exactly the hosts that
    /// are in no other group, and every host knows its groups.
    pub(super) fn reconcile(&mut self, warnings: &mut Vec<String>) {
        for group in 0..self.groups.len() {
            if group != ALL && self.groups[group].parents.is_empty() {
                self.link(ALL, group);
            }
        }
        let mut direct: Vec<Vec<usize>> = vec![Vec::new(); self.hosts.len()];
        for (index, group) in self.groups.iter().enumerate() {
            for host in &group.hosts {
                direct[*host].push(index);
            }
        }
        for (host, groups) in direct.iter_mut().enumerate() {
            let grouped = groups.iter().any(|group| !matches!(*group, ALL | UNGROUPED));
            if grouped && groups.contains(&UNGROUPED) {
                self.groups[UNGROUPED].hosts.shift_remove(&host);
                groups.retain(|group| *group != UNGROUPED);
            } else if !grouped && !groups.contains(&UNGROUPED) {
                self.groups[UNGROUPED].hosts.insert(host);
                groups.push(UNGROUPED);
            }
        }
        let above: Vec<HashSet<usize>> = (0..self.groups.len()).map(|group| self.ancestors(group)).collect();
        for (host, direct) in self.hosts.iter_mut().zip(direct) {
            let mut groups: HashSet<usize> =
                direct.iter().flat_map(|group| above[*group].iter().copied()).collect();
            groups.extend(direct);
            groups.remove(&ALL);
            host.groups = groups.into_iter().collect();
            host.groups.sort_unstable_by_key(|group| {
                let group = &self.groups[*group];
                (group.depth, group.priority, &group.name)
            });
            if self.group_names.contains_key(&host.name) {
                let name = &host.name;
                warnings.push(format!(
                    "`{name}` is both a host and a group; its host variables count for the group"
                ));
            }
        }
    }
}

/// `ansible_group_priority` is not a whole number.
#[derive(Debug)]
pub(super) struct BadPriority;

/// The source that is being read: hosts it names first remember it.
#[derive(Debug, Default, Clone)]
pub(super) struct From {
    pub file: Option<String>,
    pub dir: Option<String>,
}
