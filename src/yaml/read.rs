//! From text to a raw tree with offsets.
//!
//! serde_yaml tells a visitor the value but not where it stood, and resolves plain scalars by
//! YAML 1.2 on the way, so that `1e3` and `0o17` arrive as numbers. Hence two passes. The first
//! asks for anything and learns the shape. The second, knowing the shape, asks for a string
//! wherever a scalar stands: it gets the scalar's own text, borrowed from the source, and a
//! borrowed string's address says at which byte it stands.

use std::cell::Cell;
use std::fmt;
use std::path::Path;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{Entry, Node, Yaml, error_at, scalar};
use crate::error::FileError;

/// An offset that is not known yet.
pub(super) const NOWHERE: usize = usize::MAX;

/// What one node costs against the limit, beside the bytes of its text.
const NODE_COST: usize = 64;
/// What aliases may add to a document before it counts as a bomb.
const ALIAS_ALLOWANCE: usize = 64 << 20;

/// The tree of `body`, which is `text` without its byte order mark. Merge keys and duplicates are
/// still in it, and offsets that could not be told are [`NOWHERE`].
pub(super) fn tree(file: &Path, text: &str, body: &str, json: bool) -> Result<Node, FileError> {
    let budget = Cell::new(body.len().saturating_mul(NODE_COST).saturating_add(ALIAS_ALLOWANCE));
    let shape = Measure(&budget)
        .deserialize(serde_yaml::Deserializer::from_str(body))
        .map_err(|error| syntax(file, text, body, &error))?;
    if matches!(shape, Shape::Scalar(Said::Null)) {
        // An empty document has no scalar that the second pass could ask for.
        return Ok(Node { value: Yaml::Null, offset: NOWHERE });
    }
    Fill { shape: &shape, source: text, json, tagged: false }
        .deserialize(serde_yaml::Deserializer::from_str(body))
        .map_err(|error| syntax(file, text, body, &error))
}

/// serde_yaml's error with the place in our own form.
fn syntax(file: &Path, text: &str, body: &str, error: &serde_yaml::Error) -> FileError {
    let full = error.to_string();
    if full.contains("more than one document") {
        let error = FileError::whole(file, "more than one YAML document; one is expected");
        return match second_document(text) {
            Some(offset) => error_at(file, text, offset, error.message),
            None => error,
        };
    }
    let Some(location) = error.location() else {
        return FileError::whole(file, full);
    };
    let place = format!(" at line {} column {}", location.line(), location.column());
    let message = full.replacen(&place, "", 1);
    let error = error_at(file, text, location.index() + (text.len() - body.len()), message);
    if full.contains("found character that cannot start any token") {
        return error
            .hint("a tab cannot indent, and a value that begins with `@`, `%`, `|`, `>` or a backquote needs quotes");
    }
    // `{kafka[1:3]: }`: fine on a line of its own, but brackets mean a list within braces.
    if full.contains("parsing a flow mapping")
        && error.place.as_ref().is_some_and(|place| place.text.contains('['))
    {
        return error.hint("within braces a name with brackets needs quotes");
    }
    error
}

/// Where the second `---` line stands.
fn second_document(text: &str) -> Option<usize> {
    let mut offset = 0;
    let mut content = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") && content {
            return Some(offset);
        }
        content |= !(line.trim().is_empty() || line.starts_with(['#', '%']));
        offset += line.len();
    }
    None
}

/// What the first pass learns.
enum Shape {
    Scalar(Said),
    Sequence(Vec<Shape>),
    Mapping(Vec<(Shape, Shape)>),
    Tagged(Box<Shape>),
}

/// What serde_yaml took a scalar for.
enum Said {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text,
}

/// The first pass: the shape, counted against a budget so that aliases cannot blow it up.
struct Measure<'a>(&'a Cell<usize>);

impl Measure<'_> {
    fn spend<E: de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(NODE_COST + bytes);
        self.0.set(left.ok_or_else(|| E::custom("aliases repeat too much"))?);
        Ok(())
    }

    fn said<E: de::Error>(&self, said: Said) -> Result<Shape, E> {
        self.spend(0)?;
        Ok(Shape::Scalar(said))
    }
}

impl<'de> DeserializeSeed<'de> for Measure<'_> {
    type Value = Shape;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Measure<'_> {
    type Value = Shape;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("YAML")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Shape, E> {
        self.said(Said::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Shape, E> {
        self.said(Said::Null)
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Shape, E> {
        self.said(Said::Bool(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Shape, E> {
        self.said(Said::Int(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Shape, E> {
        self.said(i64::try_from(value).map_or(Said::Float(value as f64), Said::Int))
    }
    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Shape, E> {
        self.said(Said::Float(value as f64))
    }
    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Shape, E> {
        self.said(Said::Float(value as f64))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Shape, E> {
        self.said(Said::Float(value))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Shape, E> {
        self.spend(text.len())?;
        Ok(Shape::Scalar(Said::Text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        self.spend(0)?;
        let mut shapes = Vec::new();
        while let Some(shape) = items.next_element_seed(Measure(self.0))? {
            shapes.push(shape);
        }
        Ok(Shape::Sequence(shapes))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        self.spend(0)?;
        let mut shapes = Vec::new();
        while let Some(key) = entries.next_key_seed(Measure(self.0))? {
            shapes.push((key, entries.next_value_seed(Measure(self.0))?));
        }
        Ok(Shape::Mapping(shapes))
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Shape, A::Error> {
        let (tag, inner) = access.variant::<String>()?;
        self.spend(tag.len())?;
        Ok(Shape::Tagged(Box::new(inner.newtype_variant_seed(Measure(self.0))?)))
    }
}

/// The second pass: the same document again, asked for what the shape says is there.
struct Fill<'a> {
    shape: &'a Shape,
    source: &'a str,
    json: bool,
    tagged: bool,
}

impl<'a> Fill<'a> {
    fn below(&self, shape: &'a Shape) -> Self {
        Fill { shape, source: self.source, json: self.json, tagged: false }
    }

    /// The byte at which a string borrowed from the source stands.
    fn offset(&self, borrowed: &str) -> Option<usize> {
        let offset = (borrowed.as_ptr() as usize).checked_sub(self.source.as_ptr() as usize)?;
        (offset + borrowed.len() <= self.source.len()).then_some(offset)
    }

    /// The value of a scalar that is not plain: a string, unless a tag such as `!!int` says else.
    fn not_plain(&self, text: &str) -> Yaml {
        match self.shape {
            Shape::Scalar(said) if !self.tagged => said.value(text),
            _ => Yaml::String(text.to_owned()),
        }
    }

    fn plain(&self, text: &str, offset: usize) -> Yaml {
        if self.tagged {
            return Yaml::String(text.to_owned());
        }
        match self.shape {
            Shape::Scalar(said) if self.json || has_core_tag(self.source, offset) => said.value(text),
            _ => scalar::resolve(text),
        }
    }
}

impl Said {
    fn value(&self, text: &str) -> Yaml {
        match self {
            Said::Null => Yaml::Null,
            Said::Bool(value) => Yaml::Bool(*value),
            Said::Int(value) => Yaml::Int(*value),
            Said::Float(value) => Yaml::Float(*value),
            Said::Text => Yaml::String(text.to_owned()),
        }
    }
}

/// Does `!!str`, `!!int` or the like stand before the plain scalar at `offset`, on its line?
fn has_core_tag(source: &str, offset: usize) -> bool {
    let line = source[..offset].rfind('\n').map_or(0, |at| at + 1);
    source[line..offset]
        .split_whitespace()
        .rev()
        .map(|word| word.trim_start_matches(['[', '{', ',']))
        .find(|word| !word.starts_with('&'))
        .is_some_and(|word| word.starts_with("!!") || word.starts_with("!<tag:"))
}

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = Node;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        match self.shape {
            Shape::Scalar(_) => deserializer.deserialize_str(self),
            Shape::Sequence(_) => deserializer.deserialize_seq(self),
            Shape::Mapping(_) => deserializer.deserialize_map(self),
            Shape::Tagged(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("YAML")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Node, E> {
        let Some(offset) = self.offset(text) else { return self.visit_str(text) };
        // A plain scalar never runs up to a quote; a quoted one always does.
        let after = self.source.as_bytes().get(offset + text.len());
        let quoted = matches!(after, Some(b'\'' | b'"'));
        Ok(match quoted {
            true => Node { value: self.not_plain(text), offset: offset.saturating_sub(1) },
            false => Node { value: self.plain(text, offset), offset },
        })
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node { value: self.not_plain(text), offset: NOWHERE })
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let Shape::Sequence(shapes) = self.shape else { return Err(changed()) };
        let mut nodes = Vec::with_capacity(shapes.len());
        for shape in shapes {
            nodes.push(items.next_element_seed(self.below(shape))?.ok_or_else(changed)?);
        }
        let offset = nodes.first().map_or(NOWHERE, |node: &Node| node.offset);
        Ok(Node { value: Yaml::Sequence(nodes), offset })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let Shape::Mapping(shapes) = self.shape else { return Err(changed()) };
        let mut nodes = Vec::with_capacity(shapes.len());
        for (key, value) in shapes {
            let key = entries.next_key_seed(self.below(key))?.ok_or_else(changed)?;
            nodes.push(Entry { key, value: entries.next_value_seed(self.below(value))? });
        }
        let offset = nodes.first().map_or(NOWHERE, |entry| entry.key.offset);
        Ok(Node { value: Yaml::Mapping(nodes), offset })
    }
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Node, A::Error> {
        let Shape::Tagged(shape) = self.shape else { return Err(changed()) };
        let (tag, inner) = access.variant::<String>()?;
        let node = inner.newtype_variant_seed(Fill { tagged: tag != "unsafe", ..self.below(shape) })?;
        Ok(Node { offset: node.offset, value: Yaml::Tagged(tag, Box::new(node)) })
    }
}

/// The two passes read the same text, so this is never seen; an error all the same, not a panic.
fn changed<E: de::Error>() -> E {
    E::custom("the document's shape could not be told")
}
