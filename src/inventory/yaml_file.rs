//! Ansible's YAML inventories: groups, each with `hosts`, `children` and `vars`.

use super::document::{Document, Var};
use super::graph::{From, Graph};
use super::range;
use crate::error::{FileError, nearest};
use crate::yaml::{Entry, Node, Yaml};

const WORDS: [&str; 3] = ["hosts", "children", "vars"];

/// Reads a YAML or JSON inventory into the graph; `root` is what the document parsed to.
pub(super) fn read(
    document: &Document,
    root: &Node,
    from: &From,
    graph: &mut Graph,
    warnings: &mut Vec<String>,
) -> Result<(), FileError> {
    let Yaml::Mapping(groups) = &root.value else {
        let message = format!("an inventory is a mapping of groups, not {}", root.kind());
        return Err(document.error(root.offset, message));
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
    document: &'a Document<'a>,
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
            let (names, port) = range::hosts(name).map_err(|wrong| self.document.error(key.offset, wrong))?;
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
