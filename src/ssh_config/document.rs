//! Configuration files as stanzas: what each applies to, and what it says.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keyword::Keyword;
use super::text::{lines, match_words, words};

/// OpenSSH's own limit for files within files.
const DEEPEST: usize = 16;
/// More stanzas than any file has; what comes after is not read.
const MOST_SECTIONS: usize = 200_000;

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    pub file: Arc<Path>,
    /// From 1.
    pub line: usize,
}

/// One line that counts.
#[derive(Debug, Clone)]
pub(super) struct Directive {
    pub keyword: Keyword,
    /// Words with quotes undone; for commands and jumps the rest of the line as it is.
    pub values: Vec<String>,
    pub place: Place,
}

/// What a stanza applies to.
#[derive(Debug)]
pub(super) struct Condition {
    /// The stanza that includes the file this one stands in.
    pub parent: Option<usize>,
    pub kind: Kind,
    pub place: Place,
}

#[derive(Debug)]
pub(super) enum Kind {
    Always,
    /// Patterns, negated ones with `true`.
    Host(Vec<(bool, String)>),
    Match(Vec<Criterion>),
    /// An `Include` whose name depends on the host or on what we don't know.
    Unreadable,
}

/// One criterion of a `Match` line.
#[derive(Debug)]
pub(super) struct Criterion {
    pub negated: bool,
    pub test: Test,
}

#[derive(Debug)]
pub(super) enum Test {
    All,
    Final,
    Canonical,
    Host(String),
    OriginalHost(String),
    User(String),
    LocalUser(String),
    Exec(String),
    /// A criterion that needs ssh itself: `tagged`, `localnetwork`, `version` …
    Foreign(String),
}

/// Lines in a row under one condition.
#[derive(Debug)]
pub(super) struct Section {
    pub condition: usize,
    pub directives: Vec<Directive>,
}

/// What was read of the files that ssh would read, in that order.
#[derive(Debug, Default)]
pub struct Document {
    pub(super) conditions: Vec<Condition>,
    pub(super) sections: Vec<Section>,
    /// Sections that apply to single names, by name.
    pub(super) by_name: HashMap<String, Vec<usize>>,
    /// All other sections.
    pub(super) roaming: Vec<usize>,
    /// Some `Match final` asks for a second reading under the name found by the first.
    pub(super) asks_twice: bool,
}

/// Finds the files that an `Include` means: gives their paths and texts.
pub(super) type Includes<'a> = &'a mut dyn FnMut(&str) -> Vec<(PathBuf, String)>;

impl Document {
    /// Reads one text that includes nothing.
    pub fn of_text(text: &str) -> Document {
        let mut document = Document::default();
        document.add(Path::new("ssh_config"), text, &mut |_| Vec::new());
        document.index();
        document
    }

    /// Adds a top-level file; [`Document::index`] comes after the last.
    pub(super) fn add(&mut self, file: &Path, text: &str, includes: Includes<'_>) {
        let file: Arc<Path> = file.into();
        let place = Place { file: file.clone(), line: 1 };
        let always = self.condition(None, Kind::Always, place);
        self.read(&file, text, always, includes, 0);
    }

    fn condition(&mut self, parent: Option<usize>, kind: Kind, place: Place) -> usize {
        self.conditions.push(Condition { parent, kind, place });
        self.conditions.len() - 1
    }

    fn read(&mut self, file: &Arc<Path>, text: &str, outer: usize, includes: Includes<'_>, depth: usize) {
        let mut condition = outer;
        self.begin(condition);
        for line in lines(text) {
            if self.sections.len() >= MOST_SECTIONS {
                return;
            }
            let place = Place { file: file.clone(), line: line.number };
            match line.keyword.to_ascii_lowercase().as_str() {
                "host" => {
                    let kind = Kind::Host(patterns(line.rest));
                    condition = self.condition(Some(outer), kind, place);
                    self.begin(condition);
                }
                "match" => {
                    let criteria = criteria(line.rest);
                    self.asks_twice |= criteria.iter().any(|one| matches!(one.test, Test::Final));
                    condition = self.condition(Some(outer), Kind::Match(criteria), place);
                    self.begin(condition);
                }
                "include" => {
                    for name in words(line.rest).unwrap_or_default() {
                        // Which file that is may differ from host to host.
                        if name.contains(['%', '$']) {
                            let unreadable = self.condition(Some(condition), Kind::Unreadable, place.clone());
                            self.begin(unreadable);
                            continue;
                        }
                        if depth >= DEEPEST {
                            continue;
                        }
                        for (path, text) in includes(&name) {
                            self.read(&path.into(), &text, condition, includes, depth + 1);
                        }
                    }
                    // What follows is under the same condition, and comes later.
                    self.begin(condition);
                }
                name => {
                    if let Some(keyword) = Keyword::named(name) {
                        let values = values(keyword, line.rest);
                        let directive = Directive { keyword, values, place };
                        if let Some(section) = self.sections.last_mut() {
                            section.directives.push(directive);
                        }
                    }
                }
            }
        }
    }

    fn begin(&mut self, condition: usize) {
        self.sections.push(Section { condition, directives: Vec::new() });
    }

    /// Whether hosts may fall into many groups.
    pub(super) fn is_varied(&self) -> bool {
        let beyond_us = self
            .sections
            .iter()
            .filter(|section| section.directives.iter().any(|directive| !directive.keyword.is_followed()));
        let unsure = self.conditions.iter().any(|condition| match &condition.kind {
            Kind::Match(criteria) => {
                criteria.iter().any(|one| matches!(one.test, Test::Exec(_) | Test::Foreign(_)))
            }
            Kind::Unreadable => true,
            Kind::Always | Kind::Host(_) => false,
        });
        let canonical = self
            .sections
            .iter()
            .flat_map(|section| &section.directives)
            .any(|directive| directive.keyword == Keyword::CanonicalizeHostname);
        unsure || canonical || beyond_us.count() > 2
    }

    /// Sorts the sections into those of single names and the others.
    pub(super) fn index(&mut self) {
        let names: Vec<_> =
            self.sections.iter().map(|section| self.single_names(section.condition)).collect();
        for (at, names) in names.into_iter().enumerate() {
            match names {
                Some(names) => {
                    for name in names {
                        let sections = self.by_name.entry(name).or_default();
                        // `Host a a` is one stanza all the same.
                        if sections.last() != Some(&at) {
                            sections.push(at);
                        }
                    }
                }
                None => self.roaming.push(at),
            }
        }
    }

    /// The names of a `Host` line without wildcards that stands in no other stanza.
    fn single_names(&self, condition: usize) -> Option<Vec<String>> {
        let condition = self.conditions.get(condition)?;
        let Kind::Host(patterns) = &condition.kind else { return None };
        let parent = self.conditions.get(condition.parent?)?;
        if !matches!(parent.kind, Kind::Always) {
            return None;
        }
        patterns
            .iter()
            .map(|(negated, pattern)| (!negated && !pattern.contains(['*', '?'])).then(|| pattern.clone()))
            .collect()
    }
}

fn patterns(text: &str) -> Vec<(bool, String)> {
    words(text)
        .unwrap_or_default()
        .into_iter()
        .map(|word| match word.strip_prefix('!') {
            Some(pattern) => (true, pattern.to_owned()),
            None => (false, word),
        })
        .collect()
}

fn criteria(text: &str) -> Vec<Criterion> {
    let mut criteria = Vec::new();
    let mut words = match_words(text).unwrap_or_default().into_iter();
    while let Some(word) = words.next() {
        let (negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, word.as_str()),
        };
        let test = match name.to_ascii_lowercase().as_str() {
            "all" => Test::All,
            "final" => Test::Final,
            "canonical" => Test::Canonical,
            other => {
                let argument = words.next().unwrap_or_default();
                match other {
                    "host" => Test::Host(argument.to_ascii_lowercase()),
                    "originalhost" => Test::OriginalHost(argument.to_ascii_lowercase()),
                    "user" => Test::User(argument),
                    "localuser" => Test::LocalUser(argument),
                    "exec" => Test::Exec(argument),
                    other => Test::Foreign(other.to_owned()),
                }
            }
        };
        criteria.push(Criterion { negated, test });
    }
    criteria
}

fn values(keyword: Keyword, rest: &str) -> Vec<String> {
    match keyword {
        // These take the line as it is, for a shell or for themselves.
        Keyword::ProxyCommand | Keyword::ProxyJump => {
            vec![rest.trim_start_matches([' ', '\t', '=']).to_owned()]
        }
        Keyword::UserKnownHostsFile | Keyword::GlobalKnownHostsFile => words(rest).unwrap_or_default(),
        _ => words(rest).unwrap_or_default().into_iter().take(1).collect(),
    }
}
