//! One YAML or JSON file of an inventory, and the variables in it.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use super::known;
use crate::error::{FileError, Place};
use crate::yaml::{self, Node, Yaml};

/// A file that has been read, to point into it.
pub(super) struct Document {
    pub file: PathBuf,
    pub text: String,
}

impl Document {
    /// Reads a file; what can't be opened or is not UTF-8 is an error.
    pub(super) fn open(file: &Path) -> Result<Document, FileError> {
        let bytes =
            fs::read(file).map_err(|error| FileError::whole(file, format!("cannot be read: {error}")))?;
        Document::of(file, bytes)
    }

    /// What a file holds. Comments may be in whatever encoding, as in Ansible; the rest is UTF-8.
    fn of(file: &Path, bytes: Vec<u8>) -> Result<Document, FileError> {
        let wrong = match String::from_utf8(bytes) {
            Ok(text) => return Ok(Document { file: file.to_owned(), text }),
            Err(wrong) => wrong,
        };
        let text = String::from_utf8_lossy(wrong.as_bytes()).into_owned();
        // Broken bytes of a line that is no comment count; a replacement character stands for them.
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            if let Some(at) = line.find('\u{fffd}')
                && !line.trim_start().starts_with(['#', ';'])
            {
                return Err(yaml::error_at(file, &text, offset + at, "is not UTF-8 text"));
            }
            offset += line.len();
        }
        Ok(Document { file: file.to_owned(), text })
    }

    pub(super) fn parse(&self) -> Result<Node, FileError> {
        yaml::parse(&self.file, &self.text)
    }

    /// Is the whole file encrypted with ansible-vault?
    pub(super) fn is_vault(&self) -> bool {
        self.text.starts_with("$ANSIBLE_VAULT;")
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> FileError {
        yaml::error_at(&self.file, &self.text, offset, message)
    }

    /// The variables that a mapping sets, each with its place; near misses become warnings.
    pub(super) fn vars(&self, node: &Node, warnings: &mut Vec<String>) -> Result<Vec<Var>, FileError> {
        let Some(entries) = node.as_mapping() else {
            return Err(self.error(node.offset, format!("variables are a mapping, not {}", node.kind())));
        };
        let mut vars = Vec::with_capacity(entries.len());
        for entry in entries {
            self.tags(&entry.value)?;
            let name = entry.name().into_owned();
            self.misspelt(&name, entry.key.offset, warnings);
            vars.push(Var { name, value: entry.value.to_json(), offset: entry.value.offset });
        }
        Ok(vars)
    }

    /// A warning if the name is nearly that of a variable that is read.
    pub(super) fn misspelt(&self, name: &str, offset: usize, warnings: &mut Vec<String>) {
        if let Some(meant) = known::near_miss(name) {
            let Place { line, column, .. } = Place::of(&self.text, offset);
            warnings.push(format!(
                "{}:{line}:{column}: nothing reads the variable `{name}`; did you mean `{meant}`?",
                self.file.display()
            ));
        }
    }

    /// Ansible knows two tags; another is a slip that it refuses as well.
    fn tags(&self, node: &Node) -> Result<(), FileError> {
        match &node.value {
            Yaml::Sequence(items) => items.iter().try_for_each(|item| self.tags(item)),
            Yaml::Mapping(entries) => entries.iter().try_for_each(|entry| self.tags(&entry.value)),
            Yaml::Tagged(tag, inner) => match (tag.as_str(), &inner.value) {
                ("unsafe", _) => self.tags(inner),
                ("vault" | "vault-encrypted", Yaml::String(_)) => Ok(()),
                ("vault" | "vault-encrypted", _) => {
                    Err(self
                        .error(node.offset, format!("`!{tag}` stands before a string, not {}", inner.kind())))
                }
                _ => {
                    let error = self.error(node.offset, format!("the tag `!{tag}` is not known"));
                    Err(error.hint("Ansible has `!vault` and `!unsafe`"))
                }
            },
            _ => Ok(()),
        }
    }
}

/// A variable as a file sets it.
pub(super) struct Var {
    pub name: String,
    pub value: Value,
    pub offset: usize,
}

/// A slip that stands in a hundred places is told once, with the number of the others.
pub(super) fn without_repeats(warnings: Vec<String>) -> Vec<String> {
    let mut told: IndexMap<String, (String, usize)> = IndexMap::new();
    for warning in warnings {
        let what = match warning.split_once(": ") {
            Some((_, what)) if what.starts_with("nothing reads") => what.to_owned(),
            _ => warning.clone(),
        };
        told.entry(what).or_insert((warning, 0)).1 += 1;
    }
    let line = |(warning, count)| match count {
        1 => warning,
        2 => format!("{warning} (and in 1 other place)"),
        _ => format!("{warning} (and in {} other places)", count - 1),
    };
    told.into_values().map(line).collect()
}
