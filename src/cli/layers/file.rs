//! `roundsman.toml`: keys for all commands, and a table for each command.

use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::{self, Value};
use super::{commands, options};
use crate::error::{FileError, Place, nearest};

/// One file, with nothing unknown in it.
pub struct ConfigFile {
    pub path: PathBuf,
    text: String,
    entries: Vec<Entry>,
}

struct Entry {
    /// Of one command; `None`: of all.
    table: Option<String>,
    key: String,
    at: Range<usize>,
    value: Written,
}

/// A value as it was written.
enum Written {
    Bool(bool),
    /// Numbers and times too: what they mean is the option's to say.
    Text(String),
    List(Vec<String>),
}

impl ConfigFile {
    /// Reads a file and looks whether all keys are options of `root`'s commands.
    ///
    /// # Errors
    /// It can't be read, is no TOML, or holds what is no option.
    pub fn read(path: &Path, root: &Command) -> Result<ConfigFile, FileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| FileError::whole(path, format!("the configuration can't be read: {error}")))?;
        ConfigFile::parse(path, text, root)
    }

    /// The same of text.
    pub fn parse(path: &Path, text: String, root: &Command) -> Result<ConfigFile, FileError> {
        let mut file = ConfigFile { path: path.to_owned(), text: String::new(), entries: Vec::new() };
        let read = DeTable::parse(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            FileError::at(path, Place::of(&text, at), format!("this is no TOML: {}", error.message()))
        });
        let tables = commands(root);
        let mut entries = Vec::new();
        let all: Vec<&Arg> = tables.iter().flat_map(|(_, leaf)| options(root, leaf)).collect();
        for (key, value) in read?.get_ref() {
            let at = |message: String| FileError::at(path, Place::of(&text, key.span().start), message);
            let name = key.get_ref().as_ref();
            match (value.get_ref(), tables.iter().find(|(table, _)| table == name)) {
                (DeValue::Table(table), Some((_, leaf))) => {
                    let known = options(root, leaf);
                    for (key, value) in table {
                        entries.push(entry(path, &text, Some(name), (key, value), &known)?);
                    }
                }
                (DeValue::Table(_), None) => {
                    let meant = nearest(name, tables.iter().map(|(table, _)| table.as_str()));
                    return Err(hinted(at(format!("`{name}` is no command")), meant, || {
                        tables.iter().map(|(table, _)| table.as_str()).collect()
                    }));
                }
                _ => entries.push(entry(path, &text, None, (key, value), &all)?),
            }
        }
        file.entries = entries;
        file.text = text;
        // What a table says is meant for its command alone, so it is wrong whichever command reads it.
        for (table, leaf) in &tables {
            for arg in options(root, leaf) {
                let own = |entry: &&Entry| entry.table.as_ref() == Some(table) && is(arg, &entry.key);
                if let Some(entry) = file.entries.iter().find(own) {
                    file.value(entry, arg)?;
                }
            }
        }
        Ok(file)
    }

    /// What the file says about an option of a command, and in which line.
    ///
    /// # Errors
    /// A value that the option does not take.
    pub fn get(
        &self,
        table: &str,
        arg: &Arg,
        elsewhere: impl Fn(&dyn Fn(&Arg) -> bool) -> bool,
    ) -> Result<Option<(Value, usize)>, FileError> {
        let own = self.entries.iter().find(|one| one.table.as_deref() == Some(table) && is(arg, &one.key));
        let general = || self.entries.iter().find(|one| one.table.is_none() && is(arg, &one.key));
        let Some(entry) = own.or_else(general) else { return Ok(None) };
        match self.value(entry, arg) {
            Ok(value) => Ok(Some((value, Place::of(&self.text, entry.at.start).line))),
            // What another command's option of the same name takes is meant for that one.
            Err(_) if entry.table.is_none() && elsewhere(&|other| self.value(entry, other).is_ok()) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn value(&self, entry: &Entry, arg: &Arg) -> Result<Value, FileError> {
        let wrong = |why: String| FileError::at(&self.path, Place::of(&self.text, entry.at.start), why);
        let again = matches!(arg.get_action(), ArgAction::Append);
        match &entry.value {
            Written::Bool(yes) if value::is_flag(arg) => Ok(if *yes { Value::On(1) } else { Value::Off }),
            Written::Text(text) if value::is_flag(arg) && matches!(arg.get_action(), ArgAction::Count) => {
                value::flag(arg, text).map_err(wrong)
            }
            _ if value::is_flag(arg) => Err(wrong(format!("`{}` is true or false", entry.key))),
            Written::Bool(yes) => Value::said(arg, vec![yes.to_string().into()]).map_err(wrong),
            Written::Text(text) => Value::said(arg, vec![text.into()]).map_err(wrong),
            Written::List(texts) if again => {
                Value::said(arg, texts.iter().map(OsString::from).collect()).map_err(wrong)
            }
            Written::List(_) => Err(wrong(format!("`{}` takes one value, not a list", entry.key))),
        }
    }
}

fn is(arg: &Arg, key: &str) -> bool {
    arg.get_long() == Some(key)
}

fn entry(
    path: &Path,
    text: &str,
    table: Option<&str>,
    (key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>),
    known: &[&Arg],
) -> Result<Entry, FileError> {
    let name = key.get_ref().as_ref();
    let at = |span: Range<usize>, why: String| FileError::at(path, Place::of(text, span.start), why);
    if name == "config" {
        return Err(at(key.span(), "`config` names the file, so it can't stand in one".to_owned()));
    }
    if !known.iter().any(|arg| is(arg, name)) {
        let of = table.map(|table| format!(" of {table}")).unwrap_or_default();
        let words = || known.iter().filter_map(|arg| arg.get_long());
        let error = at(key.span(), format!("`{name}` is no option{of}"));
        return Err(match nearest(name, words()) {
            Some(meant) => error.hint(format!("did you mean `{meant}`?")),
            None => error.hint("keys are options without their hyphens; `roundsman config` lists them"),
        });
    }
    let wrong = || at(value.span(), format!("`{name}` takes no {}", value.get_ref().type_str()));
    let value = match value.get_ref() {
        DeValue::Boolean(yes) => Written::Bool(*yes),
        DeValue::Array(items) => {
            let one = |item: &Spanned<DeValue<'_>>| scalar(item.get_ref());
            Written::List(items.iter().map(one).collect::<Option<_>>().ok_or_else(wrong)?)
        }
        other => Written::Text(scalar(other).ok_or_else(wrong)?),
    };
    Ok(Entry { table: table.map(str::to_owned), key: name.to_owned(), at: key.span(), value })
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Some(number.as_str().trim_start_matches('+').to_owned())
        }
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(time) => Some(time.to_string()),
        _ => None,
    }
}

fn hinted<'a>(error: FileError, meant: Option<&str>, all: impl Fn() -> Vec<&'a str>) -> FileError {
    match meant {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint(format!("tables are {}", all().join(", "))),
    }
}
