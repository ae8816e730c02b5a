//! The one door to YAML: text in, a tree whose every node knows where it stands, out.
//!
//! Inventories and playbooks are YAML 1.1 as Ansible reads it: a plain `yes` or `on` is a boolean,
//! `022` is eighteen, `1:30` is ninety, while anything in quotes is a string. Only this module
//! knows which crate does the parsing.
//!
//! ```
//! use std::path::Path;
//! use roundsman::yaml::{self, Yaml};
//!
//! let text = "forks: 022\nname: '022'\n";
//! let root = yaml::parse(Path::new("play.yml"), text)?;
//! assert_eq!(root.get("forks").map(|node| &node.value), Some(&Yaml::Int(18)));
//! assert_eq!(root.get("name").and_then(|node| node.as_str()), Some("022"));
//!
//! // Every node carries its offset, so that an error can point at it.
//! let forks = root.get("forks").expect("just read");
//! let error = yaml::error_at(Path::new("play.yml"), text, forks.offset, "too many");
//! assert!(error.to_string().starts_with("play.yml:1:8: too many"));
//! # Ok::<(), roundsman::error::FileError>(())
//! ```
//!
//! What differs from PyYAML: duplicate keys and a list as a key are errors; dates stay strings; an
//! integer beyond 64 bits becomes a float.

mod read;
mod scalar;
mod settle;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;

use crate::error::{FileError, Place};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Yaml,
    /// The byte where the value begins: a quoted scalar at its quote, a list or mapping at its
    /// first item. Where that is not known (a block scalar, an empty list), the key's offset.
    pub offset: usize,
}

/// What a node can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// Decimal, `0x`, `0b`, octal with a leading `0`, sexagesimal; `_` between digits.
    Int(i64),
    /// Decimal with a point, sexagesimal, `.inf`, `.nan`.
    Float(f64),
    /// Quoted, a block, or plain and nothing of the above.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the text, merge keys already applied.
    Mapping(Vec<Entry>),
    /// A local tag without its `!`, and what it stands before: `!vault`, `!unsafe`. A scalar below
    /// a tag is a string, but below `!unsafe` it is resolved as if the tag weren't there.
    Tagged(String, Box<Node>),
}

/// One key of a mapping, always a scalar, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; its offset is where the key stands.
    pub key: Node,
    /// The value.
    pub value: Node,
}

impl Entry {
    /// The key as text, as JSON would write it: `1`, `true`, `null`, or the string itself.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.key.value {
            Yaml::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(scalar::text(other)),
        }
    }
}

impl Node {
    /// The value of the key `name`, if this is a mapping that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.as_mapping()?.iter().find(|entry| entry.key.as_str() == Some(name)).map(|entry| &entry.value)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Yaml::String(text) => Some(text),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    pub fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            Yaml::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Yaml::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Is it null?
    pub fn is_null(&self) -> bool {
        self.value == Yaml::Null
    }

    /// What it is, for an error message: `a string`, `a list`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) => "an integer",
            Yaml::Float(_) => "a float",
            Yaml::String(_) => "a string",
            Yaml::Sequence(_) => "a list",
            Yaml::Mapping(_) => "a mapping",
            Yaml::Tagged(..) => "a tagged value",
        }
    }

    /// The same value as JSON. `!vault` and `!unsafe` become `{"__ansible_vault": …}` and
    /// `{"__ansible_unsafe": …}` as in Ansible's own JSON; another tag is dropped. `.inf` and
    /// `.nan`, which JSON lacks, become strings.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Map, Number, Value};
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(value) => Value::Bool(*value),
            Yaml::Int(value) => Value::from(*value),
            Yaml::Float(value) => Number::from_f64(*value)
                .map_or_else(|| Value::String(scalar::text(&self.value)), Value::Number),
            Yaml::String(text) => Value::String(text.clone()),
            Yaml::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Yaml::Mapping(entries) => Value::Object(
                entries.iter().map(|entry| (entry.name().into_owned(), entry.value.to_json())).collect(),
            ),
            Yaml::Tagged(tag, inner) => {
                let key = match tag.as_str() {
                    "vault" | "vault-encrypted" => "__ansible_vault",
                    "unsafe" => return unsafe_json(inner),
                    _ => return inner.to_json(),
                };
                Value::Object(Map::from_iter([(key.to_owned(), inner.to_json())]))
            }
        }
    }
}

/// `!unsafe` goes down to every string below it, as Ansible has it.
fn unsafe_json(node: &Node) -> serde_json::Value {
    use serde_json::{Map, Value};
    match &node.value {
        Yaml::Sequence(items) => items.iter().map(unsafe_json).collect(),
        Yaml::Mapping(entries) => Value::Object(
            entries.iter().map(|entry| (entry.name().into_owned(), unsafe_json(&entry.value))).collect(),
        ),
        Yaml::String(text) => {
            Value::Object(Map::from_iter([("__ansible_unsafe".to_owned(), Value::String(text.clone()))]))
        }
        _ => node.to_json(),
    }
}

/// Reads one YAML document; an empty one is `Null`. JSON is read as JSON (`1e3` is a number there).
pub fn parse(file: &Path, text: &str) -> Result<Node, FileError> {
    // The parser counts offsets without the byte order mark; this keeps them those of the text.
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let json = match body.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => serde_json::from_str::<serde_json::Value>(body).ok(),
        _ => None,
    };
    // The parser takes quadratic time over open brackets before it refuses their number.
    if let Some(offset) = too_deep(body) {
        return Err(error_at(file, text, offset, format!("brackets are nested deeper than {DEEPEST}")));
    }
    let raw = settle::repeated_anchor(file, text).and_then(|()| read::tree(file, text, body, json.is_some()));
    match (raw, json) {
        (Ok(raw), _) => settle::settle(file, text, raw),
        // JSON that is not YAML: surrogate pairs in strings, for one.
        (Err(_), Some(value)) => Ok(from_json(&value)),
        (Err(error), None) => Err(error),
    }
}

/// More open brackets at once than any file that a person or a program means to be read.
const DEEPEST: usize = 500;

/// Where brackets, quoted or not, are open more than [`DEEPEST`] deep.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

/// An error that points at byte `offset` of `text`.
pub fn error_at(file: &Path, text: &str, offset: usize, message: impl Into<String>) -> FileError {
    FileError::at(file, Place::of(text, offset), message)
}

/// A tree from JSON, every offset 0.
pub fn from_json(value: &serde_json::Value) -> Node {
    use serde_json::Value;
    let node = |value| Node { value, offset: 0 };
    node(match value {
        Value::Null => Yaml::Null,
        Value::Bool(value) => Yaml::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Yaml::Int(int),
            None => Yaml::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Yaml::String(text.clone()),
        Value::Array(items) => Yaml::Sequence(items.iter().map(from_json).collect()),
        Value::Object(map) => Yaml::Mapping(
            map.iter()
                .map(|(key, value)| Entry { key: node(Yaml::String(key.clone())), value: from_json(value) })
                .collect(),
        ),
    })
}
