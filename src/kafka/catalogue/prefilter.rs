//! What a node's `grep` looks for, so that only what may matter crosses the wire.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::messages;

/// Beside the catalogue's own texts: errors that nobody knows, in all layouts, and the first line of an
/// exception, which is a line of its own.
const ALWAYS: &[&str] = &[
    " ERROR ",
    " FATAL ",
    // Kafka's own log4j levels in the `[%d] %p` layout end a bracket; JSON quotes them.
    "\"ERROR\"",
    "\"FATAL\"",
    "Exception: ",
    "Error: ",
    "Caused by: ",
    // A cleaner's statistics.
    "MB of log processed",
    "Start size: ",
    "End size: ",
];

/// A POSIX extended regular expression that matches the header or the exception of every message of the
/// catalogue, and every ERROR and FATAL line: literals and `|` alone, the cheapest there is for any grep.
pub fn prefilter() -> String {
    // Every host's script holds it.
    static BUILT: LazyLock<String> = LazyLock::new(build);
    BUILT.clone()
}

fn build() -> String {
    let all = messages();
    let needles = all.iter().flat_map(|message| message.needles);
    let texts: BTreeSet<&str> = ALWAYS.iter().chain(needles).copied().collect();
    // A text that holds another one needs no place of its own.
    let list: Vec<&str> = texts.iter().copied().collect();
    let needed: Vec<String> = list
        .iter()
        .filter(|text| !list.iter().any(|other| other != *text && text.contains(other)))
        .map(|text| escape(text))
        .collect();
    needed.join("|")
}

/// A literal in a POSIX ERE.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' | ')' | '[' | '{' | '.' | '*' | '+' | '?' | '|' | '$' | '^' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
