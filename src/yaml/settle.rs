//! From the raw tree to the tree the reader means: merge keys applied, duplicates refused, every
//! offset known.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use indexmap::IndexMap;

use super::read::NOWHERE;
use super::{Entry, Node, Yaml, error_at};
use crate::error::{FileError, Place};

/// Applies merge keys, refuses duplicate keys and fills in unknown offsets.
pub(super) fn settle(file: &Path, text: &str, mut root: Node) -> Result<Node, FileError> {
    let tree = Settling { file, text };
    tree.node(&mut root, 0)?;
    Ok(root)
}

struct Settling<'a> {
    file: &'a Path,
    text: &'a str,
}

impl Settling<'_> {
    /// `near` is the offset to fall back on: the key's, or the list's.
    fn node(&self, node: &mut Node, near: usize) -> Result<(), FileError> {
        if node.offset == NOWHERE {
            node.offset = near;
        }
        match &mut node.value {
            Yaml::Sequence(items) => {
                let mut near = node.offset;
                for item in items {
                    self.node(item, near)?;
                    near = item.offset;
                }
            }
            Yaml::Mapping(entries) => {
                self.keys(entries, node.offset)?;
                for entry in entries.iter_mut() {
                    let near = entry.key.offset;
                    self.node(&mut entry.value, near)?;
                }
                if entries.iter().any(|entry| self.is_merge(&entry.key)) {
                    *entries = self.merged(std::mem::take(entries))?;
                }
            }
            Yaml::Tagged(_, inner) => self.node(inner, node.offset)?,
            _ => {}
        }
        Ok(())
    }

    /// Every key is a scalar and stands once.
    fn keys(&self, entries: &mut [Entry], near: usize) -> Result<(), FileError> {
        for entry in entries.iter_mut() {
            if entry.key.offset == NOWHERE {
                entry.key.offset = near;
            }
            match entry.key.value {
                Yaml::Mapping(_) | Yaml::Sequence(_) => {
                    let message = format!("{} cannot be a key", entry.key.kind());
                    return Err(error_at(self.file, self.text, entry.key.offset, message)
                        .hint("a value that begins with `{{` needs quotes"));
                }
                Yaml::Tagged(..) => {
                    let message = "a tagged value cannot be a key";
                    return Err(error_at(self.file, self.text, entry.key.offset, message));
                }
                _ => {}
            }
        }
        let mut seen = HashMap::with_capacity(entries.len());
        for entry in entries.iter() {
            // Two merge keys in one mapping both count, as in PyYAML.
            if self.is_merge(&entry.key) {
                continue;
            }
            let identity = (std::mem::discriminant(&entry.key.value), entry.name());
            if let Some(first) = seen.insert(identity, entry.key.offset) {
                let message = format!("the key `{}` stands twice in this mapping", entry.name());
                let line = Place::of(self.text, first).line;
                return Err(error_at(self.file, self.text, entry.key.offset, message)
                    .hint(format!("it stands first on line {line}")));
            }
        }
        Ok(())
    }

    /// A plain `<<`; in quotes it is a key like any other.
    fn is_merge(&self, key: &Node) -> bool {
        key.as_str() == Some("<<") && self.text.as_bytes().get(key.offset) == Some(&b'<')
    }

    /// What is merged in comes first, the mapping's own keys win; of a list the first wins.
    fn merged(&self, entries: Vec<Entry>) -> Result<Vec<Entry>, FileError> {
        let (merges, own): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| self.is_merge(&entry.key));
        let mut result: IndexMap<_, Entry> = IndexMap::new();
        let mut put = |entry: Entry| {
            let identity = (std::mem::discriminant(&entry.key.value), entry.name().into_owned());
            result.insert(identity, entry);
        };
        for merge in merges {
            let mappings = match merge.value.value {
                Yaml::Sequence(items) => items.into_iter().rev().collect(),
                _ => vec![merge.value],
            };
            for mapping in mappings {
                let (kind, offset) = (mapping.kind(), merge.key.offset);
                let Yaml::Mapping(entries) = mapping.value else {
                    let message = format!("`<<` merges a mapping or a list of mappings, not {kind}");
                    return Err(error_at(self.file, self.text, offset, message));
                };
                entries.into_iter().for_each(&mut put);
            }
        }
        own.into_iter().for_each(&mut put);
        Ok(result.into_values().collect())
    }
}

/// Refuses an anchor name that is given twice in a document with aliases: serde_yaml 0.9 then
/// resolves a later alias to the wrong anchor, silently.
pub(super) fn repeated_anchor(file: &Path, text: &str) -> Result<(), FileError> {
    if !(text.contains('&') && text.contains('*')) {
        return Ok(());
    }
    let anchors: Vec<(usize, &str)> = names_after(text, '&').collect();
    let mut known = HashSet::new();
    let repeated = anchors.iter().find(|(_, name)| !known.insert(*name));
    match repeated {
        Some((offset, name)) if names_after(text, '*').any(|(_, alias)| known.contains(alias)) => {
            let message = format!("the anchor `&{name}` is given twice");
            Err(error_at(file, text, *offset, message).hint("give each anchor a name of its own"))
        }
        _ => Ok(()),
    }
}

/// The names that follow `mark` where an anchor or alias may stand, outside comment lines.
fn names_after(text: &str, mark: char) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices(mark).filter_map(move |(at, _)| {
        let before = &text[..at];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let may_stand = before.is_empty() || before.ends_with([' ', '\t', '\n', '\r', '[', '{', ',']);
        if !may_stand || before[line..].trim_start().starts_with('#') {
            return None;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then_some((at, name))
    })
}
