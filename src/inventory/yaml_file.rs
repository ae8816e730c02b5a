//! Ansible's YAML inventories: groups, each with `hosts`, `children` and `vars`.

use super::document::{Document, Var};
use super::graph::{From, Graph};
use super::{address, range};
use crate::error::{FileError, nearest};
use crate::yaml::{Entry, Node, Yaml};

const WORDS: [&str; 3] = ["hosts", "children", "vars"];

/// Reads a YAML or JSON inventory into the graph.
pub(super) fn read(
    document: &Document,
    from: &From,
    graph: &mut Graph,
    warnings: &mut Vec<String>,
) -> Result<(), FileError> {
    if document.is_vault() {
        return Err(FileError::whole(&document.file, "is encrypted with ansible-vault")
            .hint("`ansible-vault view` shows what is in it"));
    }
    let root = match document.parse() {
        Ok(root) => root,
        Err(_) if looks_like_ini(&document.text) => return Err(ini(document)),
        Err(error) => return Err(error),
    };
    let groups = match &root.value {
        Yaml::Mapping(groups) => groups,
        Yaml::Null => return Err(FileError::whole(&document.file, "is empty: no host, no group")),
        _ if looks_like_ini(&document.text) => return Err(ini(document)),
        _ => {
            let message = format!("an inventory is a mapping of groups, not {}", root.kind());
            return Err(document.error(root.offset, message));
        }
    };
    if let Some(plugin) = root.get("plugin").and_then(Node::as_str) {
        let message = format!("this configures the inventory plugin `{plugin}`; plugins are not run");
        let hint = format!("give what `ansible-inventory -i {} --list -y` prints", document.file.display());
        return Err(FileError::whole(&document.file, message).hint(hint));
    }
    let mut reader = Reader { document, from, graph, warnings };
    groups.iter().try_for_each(|group| reader.group(group).map(drop))
}

struct Reader<'a> {
    document: &'a Document,
    from: &'a From,
    graph: &'a mut Graph,
    warnings: &'a mut Vec<String>,
}

impl Reader<'_> {
    fn group(&mut self, entry: &Entry) -> Result<usize, FileError> {
        let name = self.name(entry, "group")?;
        let sections = match &entry.value.value {
            Yaml::Null => &[],
            Yaml::Mapping(sections) => &sections[..],
            _ => {
                let message = format!("the group `{name}` is a mapping, not {}", entry.value.kind());
                let hint = format!("below a group stand {}", words());
                return Err(self.document.error(entry.value.offset, message).hint(hint));
            }
        };
        let group = self.graph.add_group(name);
        for section in sections {
            match section.name().as_ref() {
                "hosts" => self.hosts(group, &section.value)?,
                "children" => self.children(group, &section.value)?,
                "vars" => self.vars(group, &section.value)?,
                word => return Err(self.unknown(name, word, section)),
            }
        }
        Ok(group)
    }

    /// A word that is none of the three: a slip, or a host or group a level too high.
    fn unknown(&self, group: &str, word: &str, section: &Entry) -> FileError {
        let error = self
            .document
            .error(section.key.offset, format!("`{word}` means nothing below the group `{group}`"));
        match nearest(word, WORDS) {
            Some(meant) => error.hint(format!("did you mean `{meant}`?")),
            None => error.hint(format!("below a group stand {}", words())),
        }
    }

    /// The entries below `hosts` or `children`; one bare name is allowed, as in Ansible.
    fn named<'n>(&self, word: &str, node: &'n Node) -> Result<Vec<Named<'n>>, FileError> {
        match &node.value {
            Yaml::Null => Ok(Vec::new()),
            Yaml::String(_) => Ok(vec![Named::Bare(node)]),
            Yaml::Mapping(entries) => Ok(entries.iter().map(Named::Entry).collect()),
            _ => {
                let error =
                    self.document.error(node.offset, format!("`{word}` is a mapping, not {}", node.kind()));
                Err(match node.as_sequence().and_then(|items| items.first()).and_then(Node::as_str) {
                    Some(first) => error.hint(format!("write `{first}:` with a colon, without the dash")),
                    None => error,
                })
            }
        }
    }

    fn hosts(&mut self, group: usize, node: &Node) -> Result<(), FileError> {
        for named in self.named("hosts", node)? {
            let (name, key) = match named {
                Named::Bare(node) => (node.as_str().unwrap_or_default(), node),
                Named::Entry(entry) => (self.name(entry, "host")?, &entry.key),
            };
            let vars = match named {
                Named::Entry(entry) if !entry.value.is_null() => {
                    self.document.vars(&entry.value, self.warnings)?
                }
                _ => Vec::new(),
            };
            // Without a colon or a bracket there is neither a port nor a range.
            let (pattern, port) = match name.contains([':', '[']) {
                true => address::parse(name).unwrap_or((name, None)),
                false => (name, None),
            };
            let names = range::expand(pattern).map_err(|wrong| self.document.error(key.offset, wrong))?;
            for name in names {
                let host = self.graph.add_host(&name, Some(group), port, self.from);
                for Var { name, value, offset } in &vars {
                    let set = self.graph.set_host_var(host, name, value.clone());
                    set.map_err(|_| self.priority(*offset))?;
                }
            }
        }
        Ok(())
    }

    fn children(&mut self, group: usize, node: &Node) -> Result<(), FileError> {
        for named in self.named("children", node)? {
            let (child, offset) = match named {
                Named::Bare(node) => (self.graph.add_group(node.as_str().unwrap_or_default()), node.offset),
                Named::Entry(entry) => (self.group(entry)?, entry.key.offset),
            };
            self.graph.add_child(group, child).map_err(|wrong| self.document.error(offset, wrong))?;
        }
        Ok(())
    }

    fn vars(&mut self, group: usize, node: &Node) -> Result<(), FileError> {
        if node.is_null() {
            return Ok(());
        }
        for Var { name, value, offset } in self.document.vars(node, self.warnings)? {
            self.graph.set_group_var(group, &name, value).map_err(|_| self.priority(offset))?;
        }
        Ok(())
    }

    fn priority(&self, offset: usize) -> FileError {
        self.document.error(offset, "`ansible_group_priority` is a whole number")
    }

    /// A host's or group's name: a string, and not an empty one.
    fn name<'n>(&self, entry: &'n Entry, what: &str) -> Result<&'n str, FileError> {
        match entry.key.as_str() {
            Some("") => {
                Err(self.document.error(entry.key.offset, format!("a {what}'s name cannot be empty")))
            }
            Some(name) => Ok(name),
            None => {
                let message = format!("a {what}'s name is a string, not {}", entry.key.kind());
                Err(self.document.error(entry.key.offset, message).hint("put it in quotes"))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Named<'n> {
    Bare(&'n Node),
    Entry(&'n Entry),
}

fn words() -> String {
    format!("`{}`, `{}` and `{}`", WORDS[0], WORDS[1], WORDS[2])
}

/// A `[section]` line at the margin, or lines of which none is YAML's `key:` or `- item`.
fn looks_like_ini(text: &str) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', ';']));
    let section = |line: &str| {
        let name = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']'));
        name.is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-:.".contains(c))
        })
    };
    let yaml = |line: &str| {
        line.trim_end().ends_with(':')
            || line.contains(": ")
            || line.trim_start().starts_with(['-', '{', '[', '"', '\''])
    };
    lines().any(section) || (lines().next().is_some() && !lines().any(yaml))
}

/// The refusal of an INI inventory.
pub(super) fn ini(document: &Document) -> FileError {
    let hint = format!("convert it with `ansible-inventory -i {} --list -y`", document.file.display());
    FileError::whole(&document.file, "INI inventories are not read yet").hint(hint)
}
