//! Ansible's INI inventories: `[group]`, `[group:vars]`, `[group:children]`, a host a line.

mod literal;
mod words;

use indexmap::IndexMap;

use super::document::{Document, Var};
use super::graph::{From, Graph};
use super::range;
use crate::error::{FileError, nearest};

const KINDS: [&str; 3] = ["hosts", "children", "vars"];

/// What a file says, line by line.
pub(super) struct Ini {
    lines: Vec<Line>,
}

/// A line that says something, and the byte where it begins.
struct Line {
    at: usize,
    says: Says,
}

enum Says {
    Section { group: String, kind: Kind },
    Hosts { names: Vec<String>, port: Option<i64>, vars: Vec<Var> },
    Variable(Var),
    Child(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hosts,
    Children,
    Vars,
}

/// A group that was spoken of before the line that makes it one.
struct Pending {
    at: usize,
    /// The groups whose child it is to be; none when only `[group:vars]` named it.
    parents: Vec<usize>,
    kind: Kind,
}

/// Reads the lines of a file; which groups there are is looked at only by [`Ini::apply`].
pub(super) fn read(document: &Document, warnings: &mut Vec<String>) -> Result<Ini, FileError> {
    if document.text.starts_with('\u{feff}') {
        let message = "begins with a byte order mark, which Ansible takes for a part of the first name";
        return Err(document.error(0, message).hint("save it as UTF-8 without a byte order mark"));
    }
    let mut lines = Vec::new();
    let mut kind = Kind::Hosts;
    for (start, whole) in split_lines(&document.text) {
        let line = whole.trim_start_matches(is_space);
        let at = start + (whole.len() - line.len());
        let line = line.trim_end_matches(is_space);
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        let says = match section(line) {
            Some((group, word)) => {
                kind = match word {
                    None | Some("hosts") => Kind::Hosts,
                    Some("children") => Kind::Children,
                    Some("vars") => Kind::Vars,
                    Some(word) => {
                        let error = document.error(
                            at + 1 + group.len() + 1,
                            format!("`[{group}:{word}]`: `{word}` is no kind of section"),
                        );
                        let alike = |kind: &&str| word.get(..3).is_some_and(|start| kind.starts_with(start));
                        return Err(match nearest(word, KINDS).or(KINDS.into_iter().find(alike)) {
                            Some(meant) => error.hint(format!("did you mean `[{group}:{meant}]`?")),
                            None => error.hint("there are `:vars`, `:children` and `:hosts`"),
                        });
                    }
                };
                Says::Section { group: group.to_owned(), kind }
            }
            None if line.starts_with('[') && line.ends_with(']') => {
                return Err(document
                    .error(at, format!("`{line}` is no section"))
                    .hint("write [group], [group:vars] or [group:children], without spaces"));
            }
            None => match kind {
                Kind::Hosts => hosts(document, at, line, warnings)?,
                Kind::Vars => Says::Variable(variable(document, at, line, warnings)?),
                Kind::Children => Says::Child(child(document, at, line)?),
            },
        };
        lines.push(Line { at, says });
    }
    Ok(Ini { lines })
}

/// `host[1:3]:22 name=value …`
fn hosts(document: &Document, at: usize, line: &str, warnings: &mut Vec<String>) -> Result<Says, FileError> {
    let words = words::split(line).map_err(|(byte, wrong)| document.error(at + byte, wrong))?;
    let Some((host, rest)) = words.split_first() else {
        return Err(document.error(at, "there is no host in this line"));
    };
    let (names, port) = range::hosts(&host.text).map_err(|wrong| document.error(at + host.at, wrong))?;
    if host.text.trim_matches(is_space).is_empty() {
        return Err(document.error(at + host.at, "a host's name cannot be empty"));
    }
    if host.text.trim_end_matches(is_space).ends_with(':') && port.is_none() {
        return Err(document
            .error(at + host.at, format!("`{}` ends in a colon without a port", host.text))
            .hint("in INI a host stands alone in its line; YAML inventories end in .yml or .yaml"));
    }
    if names.iter().any(|name| name.trim_matches(is_space) == "---") {
        return Err(document.error(at, "`---` begins YAML; this is read as INI").hint(ONLY_SO_NAMED));
    }
    let mut vars = Vec::with_capacity(rest.len());
    for word in rest {
        let Some((name, text)) = word.text.split_once('=') else {
            let error = document.error(at + word.at, format!("`{}` sets no variable", word.text));
            return Err(error.hint("behind a host stand name=value, without spaces round the `=`"));
        };
        let value = literal::value(text).map_err(|wrong| in_quotes(document, at + word.at, name, &wrong))?;
        document.misspelt(name, at + word.at, warnings);
        vars.push(Var { name: name.to_owned(), value: document.marked(value), offset: at + word.at });
    }
    Ok(Says::Hosts { names, port, vars })
}

/// `name = value`; nothing but the outer space is taken off.
fn variable(
    document: &Document,
    at: usize,
    line: &str,
    warnings: &mut Vec<String>,
) -> Result<Var, FileError> {
    let Some((name, text)) = line.split_once('=') else {
        return Err(document.error(at, format!("`{line}` sets no variable")).hint("write name=value"));
    };
    let name = name.trim_matches(is_space);
    let value =
        literal::value(text.trim_matches(is_space)).map_err(|wrong| in_quotes(document, at, name, &wrong))?;
    document.misspelt(name, at, warnings);
    Ok(Var { name: name.to_owned(), value: document.marked(value), offset: at })
}

fn in_quotes(document: &Document, offset: usize, name: &str, wrong: &str) -> FileError {
    document
        .error(offset, format!("the value of `{name}` can't be read as Python: {wrong}"))
        .hint("quotes within quotes make it text: name=\"'…'\"")
}

fn child(document: &Document, at: usize, line: &str) -> Result<String, FileError> {
    let name: &str = line.split(|c: char| is_space(c) || matches!(c, ':' | ']')).next().unwrap_or_default();
    let rest = line[name.len()..].trim_start_matches(is_space);
    if name.is_empty() || !(rest.is_empty() || rest.starts_with('#')) {
        return Err(document
            .error(at, format!("`{line}` is no group's name"))
            .hint("below [group:children] stands one group a line"));
    }
    Ok(name.to_owned())
}

const ONLY_SO_NAMED: &str = "YAML inventories end in .yml, .yaml, .json or have no ending at all";

/// `[group]` or `[group:kind]`, perhaps with a comment behind it.
fn section(line: &str) -> Option<(&str, Option<&str>)> {
    let inside = line.strip_prefix('[')?;
    let end = inside.find(|c: char| is_space(c) || matches!(c, ':' | ']'))?;
    let (group, rest) = inside.split_at(end);
    let (kind, rest) = match rest.strip_prefix(':') {
        None => (None, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
            let (kind, rest) = rest.split_at(end);
            (Some(kind), rest)
        }
    };
    let rest = rest.strip_prefix(']')?.trim_start_matches(is_space);
    let well_formed = !group.is_empty() && kind != Some("") && (rest.is_empty() || rest.starts_with('#'));
    well_formed.then_some((group, kind))
}

impl Ini {
    /// Does no line say anything?
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Puts what was read into the graph. Groups may be named as children before they are declared,
    /// but declared they must be, here or in an earlier source.
    pub(super) fn apply(self, document: &Document, from: &From, graph: &mut Graph) -> Result<(), FileError> {
        let mut pending: IndexMap<String, Pending> = IndexMap::new();
        let mut group = graph.add_group("ungrouped");
        let priority = |offset| document.error(offset, "`ansible_group_priority` is a whole number");
        for Line { at, says } in self.lines {
            match says {
                Says::Section { group: name, kind } => {
                    if graph.group_named(&name).is_none() && kind == Kind::Vars {
                        let first = Pending { at, parents: Vec::new(), kind };
                        pending.entry(name.clone()).or_insert(first);
                    }
                    group = graph.add_group(&name);
                    if kind != Kind::Vars
                        && let Some(declared) = pending.shift_remove(&name)
                    {
                        for parent in declared.parents {
                            graph.add_child(parent, group).map_err(|wrong| document.error(at, wrong))?;
                        }
                    }
                }
                Says::Hosts { names, port, vars } => {
                    for name in names {
                        let host = graph.add_host(&name, Some(group), port, from);
                        for Var { name, value, offset } in &vars {
                            let set = graph.set_host_var(host, name, value.clone());
                            set.map_err(|_| priority(*offset))?;
                        }
                    }
                }
                Says::Variable(Var { name, value, offset }) => {
                    graph.set_group_var(group, &name, value).map_err(|_| priority(offset))?;
                }
                Says::Child(name) => match graph.group_named(&name) {
                    Some(child) => {
                        graph.add_child(group, child).map_err(|wrong| document.error(at, wrong))?;
                    }
                    None => {
                        let first = Pending { at, parents: Vec::new(), kind: Kind::Children };
                        pending.entry(name).or_insert(first).parents.push(group);
                    }
                },
            }
        }
        let Some((name, Pending { at, kind, .. })) = pending.first() else { return Ok(()) };
        let error = match kind {
            Kind::Vars => {
                document.error(*at, format!("no section makes `{name}` a group that has variables"))
            }
            _ => document.error(*at, format!("there is no group `{name}`")),
        };
        let known = graph.groups().iter().map(|group| group.name.as_str());
        let near = nearest(name, known.filter(|known| !pending.contains_key(*known)));
        Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("a section [{name}] declares it")),
        })
    }
}

/// Python's `splitlines`, each line with the byte where it begins.
fn split_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let begin = start;
        let Some((end, c)) = rest.char_indices().find(|(_, c)| ends_line(*c)) else {
            start = text.len();
            return Some((begin, rest));
        };
        let pair = c == '\r' && rest[end + 1..].starts_with('\n');
        start += end + c.len_utf8() + usize::from(pair);
        Some((begin, &rest[..end]))
    })
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What Python takes for space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}
