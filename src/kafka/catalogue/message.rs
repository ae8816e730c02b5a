//! One message of the catalogue: how to find it fast, how to match it, how to read it.

use std::str::FromStr;

use regex::Captures;

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

/// A match, with its groups by name.
pub(super) struct Found<'t>(pub Captures<'t>);

impl Found<'_> {
    /// The group's text, where it took part in the match.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.name(name).map(|group| group.as_str())
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
