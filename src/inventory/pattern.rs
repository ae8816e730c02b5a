//! Which hosts a pattern means: unions, intersections, exclusions, globs, expressions, subscripts.

use std::collections::HashSet;
use std::fs;

use indexmap::IndexSet;
use regex::Regex;

use super::{Inventory, address, glob::Glob};
use crate::error::Refusal;

/// What a pattern selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The hosts in Ansible's order (that of `--list-hosts`), each once; never empty.
    pub hosts: Vec<String>,
    /// Parts of the pattern or the limit that match nothing, while others do.
    pub warnings: Vec<String>,
}

impl Inventory {
    /// The hosts that `pattern` means and `limit`, a pattern itself, leaves. A pattern that can't
    /// be read, and one that leaves no host, is a mistake on the command line.
    pub fn select(&self, pattern: &str, limit: Option<&str>) -> Result<Selection, Refusal> {
        let mut parts = Parts { inventory: self, unmatched: Vec::new() };
        let selected = parts.evaluate(pattern, &split(pattern))?;
        if selected.is_empty() {
            return Err(Refusal::usage(format!("no host matches the pattern `{pattern}`{}", parts.hint())));
        }
        let mut warnings = parts.warnings("pattern");
        let hosts = match limit {
            None => selected,
            Some(limit) => {
                let mut parts = Parts { inventory: self, unmatched: Vec::new() };
                let left: HashSet<usize> = parts.evaluate(limit, &limit_parts(limit)?)?.into_iter().collect();
                let hosts: IndexSet<usize> =
                    selected.iter().copied().filter(|host| left.contains(host)).collect();
                if hosts.is_empty() {
                    let (count, hint) = (selected.len(), parts.hint());
                    let message =
                        format!("the limit `{limit}` leaves none of the {count} hosts of `{pattern}`{hint}");
                    return Err(Refusal::usage(message));
                }
                warnings.extend(parts.warnings("limit"));
                hosts
            }
        };
        let hosts = hosts.into_iter().map(|host| self.graph.host(host).name.clone()).collect();
        Ok(Selection { hosts, warnings })
    }
}

/// The parts of a limit; `@file` stands for the lines of a file.
fn limit_parts(limit: &str) -> Result<Vec<String>, Refusal> {
    let mut parts = Vec::new();
    for part in split(limit) {
        match part.strip_prefix('@') {
            None => parts.push(part),
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|error| {
                    Refusal::usage(format!("the limit file `{file}` cannot be read: {error}"))
                })?;
                parts.extend(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
            }
        }
    }
    Ok(parts)
}

/// At commas; without one at colons, unless the whole is one address or range.
fn split(pattern: &str) -> Vec<String> {
    let parts: Vec<String> = if pattern.contains(',') {
        pattern.split(',').map(str::to_owned).collect()
    } else if pattern.contains(':') && address::parse(pattern).is_some() {
        vec![pattern.to_owned()]
    } else {
        at_colons(pattern)
    };
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// At colons and white space, but not within brackets; a bracket without its other half separates.
fn at_colons(pattern: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '[' => rest.find(']').map_or(0, |end| end + 1),
            ':' | ']' => 0,
            c if c.is_whitespace() => 0,
            c => c.len_utf8(),
        };
        match parts.last_mut() {
            Some(part) if length > 0 => part.push_str(&rest[..length]),
            _ => parts.push(String::new()),
        }
        rest = &rest[length.max(c.len_utf8())..];
    }
    parts
}

struct Parts<'a> {
    inventory: &'a Inventory,
    /// The parts that match no host and no group.
    unmatched: Vec<String>,
}

impl Parts<'_> {
    /// First the plain parts, then the `&`, then the `!`, wherever they stand.
    fn evaluate(&mut self, whole: &str, parts: &[String]) -> Result<IndexSet<usize>, Refusal> {
        if parts.is_empty() {
            return Err(Refusal::usage(match whole.trim() {
                "" => "the pattern is empty; `all` means every host".to_owned(),
                whole => format!("the pattern `{whole}` names nothing"),
            }));
        }
        let (exclusions, rest): (Vec<&str>, Vec<&str>) =
            parts.iter().map(String::as_str).partition(|part| part.starts_with('!'));
        let (intersections, mut plain): (Vec<&str>, Vec<&str>) =
            rest.into_iter().partition(|part| part.starts_with('&'));
        if plain.is_empty() {
            plain.push("all");
        }
        let mut hosts = IndexSet::new();
        for part in plain {
            // A host's own name is never read as a pattern.
            match self.inventory.graph.host_named(part) {
                Some(host) => drop(hosts.insert(host)),
                None => hosts.extend(self.part(part)?),
            }
        }
        for part in intersections {
            let these = self.modified(part)?;
            hosts.retain(|host| these.contains(host));
        }
        for part in exclusions {
            let these = self.modified(part)?;
            hosts.retain(|host| !these.contains(host));
        }
        Ok(hosts)
    }

    fn modified(&mut self, part: &str) -> Result<HashSet<usize>, Refusal> {
        match &part[1..] {
            "" => Err(Refusal::usage(format!("after `{part}` a pattern must follow"))),
            pattern => Ok(self.part(pattern)?.into_iter().collect()),
        }
    }

    /// The hosts of one part, with repeats: a subscript counts them, as in Ansible.
    fn part(&mut self, part: &str) -> Result<Vec<usize>, Refusal> {
        let (expression, subscript) = subscript(part);
        let hosts = self.matches(expression)?;
        let Some(subscript) = subscript.filter(|_| !hosts.is_empty()) else { return Ok(hosts) };
        match subscript {
            Subscript::One(at) => {
                let index =
                    if at < 0 { hosts.len().checked_sub(at.unsigned_abs()) } else { Some(at.unsigned_abs()) };
                let host = index.and_then(|index| hosts.get(index));
                host.map(|host| vec![*host]).ok_or_else(|| {
                    let count = hosts.len();
                    Refusal::usage(format!("`{part}` is beyond the {count} hosts of `{expression}`"))
                })
            }
            Subscript::Range(first, last) => {
                let end = last.map_or(hosts.len(), |last| last.saturating_add(1).min(hosts.len()));
                Ok(hosts.get(first..end).unwrap_or_default().to_vec())
            }
        }
    }

    fn matches(&mut self, expression: &str) -> Result<Vec<usize>, Refusal> {
        let graph = &self.inventory.graph;
        let matcher = Matcher::new(expression)?;
        let groups: Vec<usize> =
            (0..graph.groups().len()).filter(|group| matcher.matches(&graph.group(*group).name)).collect();
        let mut hosts: Vec<usize> = groups.iter().flat_map(|group| graph.hosts_below(*group)).collect();
        // A plain word that names a group does not name hosts as well.
        if groups.is_empty() || expression.starts_with('~') || expression.contains(['.', '?', '*', '[']) {
            hosts.extend((0..graph.hosts().len()).filter(|host| matcher.matches(&graph.host(*host).name)));
        }
        if hosts.is_empty() && groups.is_empty() && expression != "all" {
            self.unmatched.push(expression.to_owned());
        }
        Ok(hosts)
    }

    fn hint(&self) -> String {
        match self.unmatched.iter().find_map(|part| self.inventory.nearest_name(part)) {
            Some(near) => format!("; did you mean {near}?"),
            None if self
                .unmatched
                .iter()
                .any(|part| matches!(part.as_str(), "localhost" | "127.0.0.1" | "::1")) =>
            {
                "; localhost must stand in the inventory to be visited".to_owned()
            }
            None => String::new(),
        }
    }

    fn warnings(&self, what: &str) -> Vec<String> {
        let warning = |part: &String| {
            let near = self.inventory.nearest_name(part).map(|near| format!("; did you mean {near}?"));
            format!("`{part}` in the {what} matches no host and no group{}", near.unwrap_or_default())
        };
        self.unmatched.iter().map(warning).collect()
    }
}

enum Subscript {
    One(isize),
    /// From and, where it is given, to: both inclusive.
    Range(usize, Option<usize>),
}

/// `group[0]`, `group[-1]`, `group[0:2]`, `group[1:]`; an expression has none.
fn subscript(part: &str) -> (&str, Option<Subscript>) {
    let parsed = || {
        let (expression, inner) = part.strip_suffix(']')?.rsplit_once('[')?;
        if expression.is_empty() || part.starts_with('~') {
            return None;
        }
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // A number too large for the machine is beyond any group.
        if digits(inner.strip_prefix('-').unwrap_or(inner)) {
            return Some((expression, Subscript::One(inner.parse().unwrap_or(isize::MAX))));
        }
        let (first, last) = inner.split_once([':', '-'])?;
        if !digits(first) || !(last.is_empty() || digits(last)) {
            return None;
        }
        let number = |text: &str| text.parse::<usize>().unwrap_or(usize::MAX);
        let subscript = match last {
            "" => Subscript::Range(number(first), None),
            // In Ansible `[n:0]` means `[n]`.
            last if number(last) == 0 => Subscript::One(isize::try_from(number(first)).unwrap_or(isize::MAX)),
            last => Subscript::Range(number(first), Some(number(last))),
        };
        Some((expression, subscript))
    };
    match parsed() {
        Some((expression, subscript)) => (expression, Some(subscript)),
        None => (part, None),
    }
}

enum Matcher {
    Glob(Glob),
    Expression(Regex),
}

impl Matcher {
    fn new(expression: &str) -> Result<Self, Refusal> {
        match expression.strip_prefix('~') {
            None => Ok(Matcher::Glob(Glob::new(expression))),
            // Like Python's `match`: from the start, not to the end.
            Some(regex) => Regex::new(&format!("^(?:{regex})")).map(Matcher::Expression).map_err(|error| {
                let error = error.to_string();
                let wrong = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Refusal::usage(format!("the expression in the pattern `{expression}` is wrong: {wrong}"))
            }),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Matcher::Glob(glob) => glob.matches(name),
            Matcher::Expression(regex) => regex.is_match(name),
        }
    }
}
