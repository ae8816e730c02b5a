//! One YAML or JSON file of an inventory, and the variables in it.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::Value;

use super::known;
use crate::error::{FileError, Place};
use crate::vault::{self, Keyring, Trouble};
use crate::yaml::{self, Node, Yaml};

/// A file that has been read, to point into it.
pub(super) struct Document<'v> {
    pub file: PathBuf,
    pub text: String,
    vault: &'v Keyring,
    /// The file is encrypted as a whole: nothing of its text is for others to see.
    secret: bool,
}

impl<'v> Document<'v> {
    /// Reads a file, decrypting one that is encrypted as a whole; what can't be opened or is not
    /// UTF-8 is an error.
    pub(super) fn open(file: &Path, vault: &'v Keyring) -> Result<Document<'v>, FileError> {
        let bytes =
            fs::read(file).map_err(|error| FileError::whole(file, format!("cannot be read: {error}")))?;
        let sealed = match std::str::from_utf8(&bytes) {
            Ok(text) if vault::is_sealed(text) => vault.open(text),
            _ => return Document::of(file, bytes, vault, false),
        };
        let opened = sealed.map_err(|Trouble { message, hint }| {
            let error = FileError::whole(file, format!("is encrypted with ansible-vault: {message}"));
            FileError { hint, ..error }
        });
        Document::of(file, opened?, vault, true)
    }

    /// What a file holds. Comments may be in whatever encoding, as in Ansible; the rest is UTF-8.
    fn of(file: &Path, bytes: Vec<u8>, vault: &'v Keyring, secret: bool) -> Result<Document<'v>, FileError> {
        let (text, wrong) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(wrong) => {
                let text = String::from_utf8_lossy(wrong.as_bytes()).into_owned();
                let place = outside_comments(&text);
                (text, place)
            }
        };
        let document = Document { file: file.to_owned(), text, vault, secret };
        match wrong {
            Some(offset) => Err(document.error(offset, "is not UTF-8 text")),
            None => Ok(document),
        }
    }

    pub(super) fn parse(&self) -> Result<Node, FileError> {
        yaml::parse(&self.file, &self.text).map_err(|error| self.discreet(error))
    }

    pub(super) fn error(&self, offset: usize, message: impl Into<String>) -> FileError {
        self.discreet(yaml::error_at(&self.file, &self.text, offset, message))
    }

    /// Of an encrypted file only the place is told.
    fn discreet(&self, mut error: FileError) -> FileError {
        if self.secret {
            error.message =
                "the text in this place is wrong; it is not shown, the file being encrypted".into();
            error.hint = Some("`ansible-vault view` shows the file".into());
            if let Some(place) = &mut error.place {
                place.text.clear();
            }
        }
        error
    }

    /// Marks what an encrypted file says: to be used, not to be shown.
    pub(super) fn marked(&self, value: Value) -> Value {
        if self.secret { super::out_of_vault(value) } else { value }
    }

    /// The variables that a mapping sets, each with its place; near misses become warnings.
    pub(super) fn vars(&self, node: &Node, warnings: &mut Vec<String>) -> Result<Vec<Var>, FileError> {
        let Some(entries) = node.as_mapping() else {
            return Err(self.error(node.offset, format!("variables are a mapping, not {}", node.kind())));
        };
        let mut vars = Vec::with_capacity(entries.len());
        for entry in entries {
            self.tags(&entry.value)?;
            self.places(&entry.value);
            let name = entry.name().into_owned();
            self.misspelt(&name, entry.key.offset, warnings);
            vars.push(Var { name, value: self.marked(entry.value.to_json()), offset: entry.value.offset });
        }
        Ok(vars)
    }

    /// Remembers where encrypted values stand: nobody will know when one can't be opened.
    fn places(&self, node: &Node) {
        match &node.value {
            Yaml::Sequence(items) => items.iter().for_each(|item| self.places(item)),
            Yaml::Mapping(entries) => entries.iter().for_each(|entry| self.places(&entry.value)),
            Yaml::Tagged(_, inner) => match &inner.value {
                Yaml::String(text) if vault::is_sealed(text) => {
                    let line = Place::of(&self.text, node.offset).line;
                    self.vault.stands_at(text, format!("{}:{line}", self.file.display()));
                }
                _ => self.places(inner),
            },
            _ => {}
        }
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

/// Where a line that is no comment holds broken bytes, for which a replacement character stands.
fn outside_comments(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(at) = line.find('\u{fffd}')
            && !line.trim_start().starts_with(['#', ';'])
        {
            return Some(offset + at);
        }
        offset += line.len();
    }
    None
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
