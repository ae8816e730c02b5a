//! The messages of Kafka that tell of divergence, lost data, failing disks and dead cleaners, in all
//! versions.
//!
//! Patterns are searched in the whole line, so that they hold under any log4j layout. Each stands with
//! the class of Kafka that writes it and the versions that have the text; every one has at least one line
//! of a real or sourced log in `catalogue/examples.txt`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;

use crate::kafka::event::{Class, Level, TopicPartition, Weight};
use crate::kafka::harmless;
use crate::kafka::record::compile;

mod cleaner;
mod controller;
mod disk;
mod fetcher;
mod isr;
mod message;
mod prefilter;
mod session;
mod start;

pub use prefilter::prefilter;

use message::{Message, Pattern, Read};

/// Messages that [`matched`] has room for; a test counts them.
const MOST: usize = 256;

/// The first that matches and can be read decides.
fn messages() -> Vec<Message> {
    let mut all = Vec::new();
    all.extend(fetcher::messages());
    all.extend(cleaner::messages());
    all.extend(isr::messages());
    all.extend(controller::messages());
    all.extend(disk::messages());
    all.extend(start::messages());
    all.extend(session::messages());
    // What stands in records of many kinds comes last.
    all.extend(cleaner::exceptions());
    all.extend(disk::exceptions());
    all.extend(session::exceptions());
    all
}

struct Catalogue {
    /// All needles, each with the message that it belongs to.
    needles: AhoCorasick,
    message_of: Vec<usize>,
    messages: Vec<(Pattern, Read)>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let messages = messages();
    let (message_of, needles): (Vec<usize>, Vec<&str>) = messages
        .iter()
        .enumerate()
        .flat_map(|(at, message)| message.needles.iter().map(move |needle| (at, *needle)))
        .unzip();
    Catalogue {
        needles: AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(needles)
            // Cannot fail: a few hundred short constants.
            .expect("constant needles"),
        message_of,
        messages: messages.iter().map(|message| (Pattern::new(&message.pattern), message.read)).collect(),
    }
});

/// What a record is about: its header line, and the lines behind it.
pub fn classify(text: &str, continuation: &[String], level: Level) -> Class {
    let mut class = class_of(text, continuation, level);
    cleaner::complete(&mut class, continuation);
    disk::complete(&mut class, text, continuation);
    class
}

fn class_of(text: &str, continuation: &[String], level: Level) -> Class {
    if let Some(class) = known(text) {
        return class;
    }
    // Cleaner statistics have an empty message; what they say stands on the next line.
    if let Some(class) =
        continuation.iter().take(3).filter(|line| line.starts_with(['\t', ' '])).find_map(|line| known(line))
    {
        return class;
    }
    if let Some(why) = harmless::why(text, continuation.first(), level) {
        return Class::Harmless { why };
    }
    // A header that nobody knows takes the weight of its exception, not its excuse: an error with a
    // timeout below it stays an error that nothing explains. What was refused, the exception alone says.
    let exceptions = continuation.iter().filter(|line| !line.trim_start().starts_with("at "));
    exceptions
        .filter_map(|line| known(line))
        .find(|class| class.severity() == Weight::Critical || matches!(class, Class::RequestRefused { .. }))
        .unwrap_or(Class::Other)
}

fn known(line: &str) -> Option<Class> {
    fetcher::of_copy(line, matched(line)?.1)
}

/// The message that a line is, by its place in the catalogue, and what it says.
fn matched(line: &str) -> Option<(usize, Class)> {
    let catalogue = &*CATALOGUE;
    // A bit for each message: several needles may stand for one, and the first message goes first.
    let mut candidates = [0u64; MOST.div_ceil(64)];
    for needle in catalogue.needles.find_overlapping_iter(line) {
        let Some(at) = catalogue.message_of.get(needle.pattern().as_usize()) else { continue };
        if let Some(word) = candidates.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
    for (place, mut word) in candidates.into_iter().enumerate() {
        while word != 0 {
            let at = place * 64 + word.trailing_zeros() as usize;
            word &= word - 1;
            let Some((pattern, read)) = catalogue.messages.get(at) else { continue };
            let class = pattern.find(line).and_then(|found| read(&found));
            if let Some(class) = class {
                return Some((at, class));
            }
        }
    }
    None
}

/// The number of the cleaner thread that a line is about.
pub fn cleaner_thread(line: &str) -> Option<u32> {
    static THREAD: LazyLock<Regex> = LazyLock::new(|| {
        compile(r"(?:kafka-log-cleaner-thread-|Log cleaner thread |Cleaner )(?P<thread>[0-9]+)")
    });
    THREAD.captures(line)?.name("thread")?.as_str().parse().ok()
}

/// The replica directory that an exception names: `/services/kafka/completeProduct-6/000….log`.
pub fn partition_in_path(text: &str) -> Option<TopicPartition> {
    static PATH: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::new(r"(?:^|[\s/(])(?P<topic>[A-Za-z0-9._-]+)-(?P<partition>[0-9]+)/[0-9]{20}\.")
    });
    PATH.find(text)?.of()
}

#[cfg(test)]
mod tests;
