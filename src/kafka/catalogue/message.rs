//! One message of the catalogue: how to find it fast, how to match it, how to read it.

use std::str::FromStr;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::captures::Captures;

use crate::kafka::event::{Class, TopicPartition};

/// A partition in both spellings: `[topic,13]` up to 0.11 (kafka.common.TopicAndPartition), `topic-13`
/// since 1.0.
const TP: &str = r"\[?(?P<topic>[A-Za-z0-9._-]+)[,-](?P<partition>[0-9]+)\]?";

/// What a message's captures make of it.
pub(super) type Read = fn(&Found<'_>) -> Option<Class>;

/// A message of Kafka.
pub(super) struct Message {
    /// Texts of which one stands in every line that the pattern matches. The prefilter is made of them,
    /// and no pattern is tried on a line without one.
    pub needles: &'static [&'static str],
    pub pattern: String,
    pub read: Read,
}

/// Takes `{tp}` for a partition and `\d` for an ASCII digit.
pub(super) fn message(needles: &'static [&'static str], pattern: &str, read: Read) -> Message {
    Message { needles, pattern: pattern.replace("{tp}", TP).replace(r"\d", "[0-9]"), read }
}

/// A pattern that is tried on lines which most likely match it.
pub(super) struct Pattern(Regex);

impl Pattern {
    pub fn new(pattern: &str) -> Self {
        // The lazy DFA tells quickly where nothing matches; here it would only say what the backtracker, which
        // brings the groups as well, finds anyway.
        let config = Config::new().hybrid(false);
        // Cannot fail: the patterns are constants, and a test compiles every one of them.
        Pattern(Regex::builder().configure(config).build(pattern).expect("a constant pattern"))
    }

    /// The first match in a line.
    pub fn find<'t>(&self, line: &'t str) -> Option<Found<'t>> {
        let mut groups = self.0.create_captures();
        self.0.captures(line, &mut groups);
        groups.is_match().then_some(Found { line, groups })
    }
}

/// A match, with its groups by name.
pub(super) struct Found<'t> {
    line: &'t str,
    groups: Captures,
}

impl Found<'_> {
    /// The group's text, where it took part in the match.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.line.get(self.groups.get_group_by_name(name)?.range())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// A number; `None` too where it is too large for its type.
    pub fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Groups `topic` and `partition`.
    pub fn of(&self) -> Option<TopicPartition> {
        Some(TopicPartition { topic: self.owned("topic")?, partition: self.number("partition")? })
    }

    /// Broker ids out of `1,2`, `1, 2` or `Set(1, 2)`.
    pub fn ids(&self, name: &str) -> Vec<i64> {
        let Some(text) = self.text(name) else { return Vec::new() };
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|id| id.parse().ok()).collect()
    }
}
