//! The log cleaner: kafka.log.LogCleaner; org.apache.kafka.storage.internals.log.LogCleaner since 4.1.
//!
//! From 3.5 to 3.9 a cleaner thread's start and death stand in server.log: its logger is then
//! `kafka.log.LogCleaner$CleanerThread`, which log4j does not count to `kafka.log.LogCleaner`.

use std::sync::LazyLock;

use regex::Regex;

use super::message::{Found, Message, message};
use crate::kafka::event::{Class, CleanerFault, CleanerStats};
use crate::kafka::record::compile;

pub(super) fn messages() -> Vec<Message> {
    vec![
        // 0.8.1 and later (ERROR).
        message(
            &["kafka-log-cleaner-thread-"],
            r"\[kafka-log-cleaner-thread-(?P<thread>\d+)\][,:]? Error due to\b",
            |found| Some(Class::CleanerDied { thread: found.number("thread")? }),
        ),
        message(
            &["kafka-log-cleaner-thread-"],
            r"\[kafka-log-cleaner-thread-(?P<thread>\d+)\][,:]? Starting\b",
            |found| Some(Class::CleanerStarted { thread: found.number("thread")? }),
        ),
        message(
            &["kafka-log-cleaner-thread-"],
            r"\[kafka-log-cleaner-thread-(?P<thread>\d+)\][,:]? Stopped\b",
            |found| Some(Class::CleanerStopped { thread: found.number("thread")? }),
        ),
        message(
            &["kafka-log-cleaner-thread-"],
            r"\[kafka-log-cleaner-thread-(?P<thread>\d+)\][,:]? Shutting down\b",
            |found| Some(Class::CleanerStopping { thread: found.number("thread")? }),
        ),
        // 2.1 and later (WARN), KIP-346.
        message(
            &[" as uncleanable"],
            r"when cleaning log .+\. Marking its partition \({tp}\) as uncleanable",
            |found| Some(Class::Uncleanable { of: found.of()? }),
        ),
        // The first line of the statistics; the header above it has no message of its own.
        message(
            &["Log cleaner thread "],
            r"Log cleaner thread (?P<thread>\d+) cleaned log {tp} \(dirty section = \[(?P<from>\d+), (?P<to>\d+)\]",
            |found| {
                let stats = CleanerStats {
                    thread: found.number("thread"),
                    dirty_from: found.number("from"),
                    dirty_to: found.number("to"),
                    ..CleanerStats::default()
                };
                Some(Class::CleanerWorked { of: found.of()?, stats })
            },
        ),
        message(&[": Beginning cleaning of log"], r"Cleaner \d+: Beginning cleaning of log {tp}", |found| {
            Some(Class::CleanerBegan { of: found.of()? })
        }),
        // 0.9 and later; the partition since 0.11.0.2.
        message(
            &["Resetting first dirty offset"],
            r"Resetting first dirty offset (?:of {tp} )?to log start offset (?P<start>\d+) since the checkpointed offset (?P<checkpoint>\d+) is invalid",
            |found| {
                Some(Class::DirtyReset {
                    of: found.of(),
                    start: found.number("start")?,
                    checkpoint: found.number("checkpoint")?,
                })
            },
        ),
        // 2.4 and later (WARN).
        message(
            &["The last checkpoint dirty offset"],
            r"The last checkpoint dirty offset for partition {tp} is (?P<checkpoint>\d+), which is larger than the log end offset (?P<end>\d+)",
            |found| {
                Some(Class::DirtyBeyondEnd {
                    of: found.of()?,
                    checkpoint: found.number("checkpoint")?,
                    end: found.number("end")?,
                })
            },
        ),
        // 1.0 and later (ERROR), server.log.
        message(
            &["Failed to clean up log for"],
            r"Failed to clean up log for {tp} in dir (?P<dir>.+?) due to IOException",
            |found| Some(Class::CleanerIo { of: found.of()?, dir: found.owned("dir")?, cause: None }),
        ),
        // 0.9 and later (WARN).
        message(
            &["invalid messages during compaction"],
            r"Found (?P<count>\d+) invalid messages during compaction",
            |found| Some(Class::CleanerFoundInvalid { count: found.number("count")? }),
        ),
        message(
            &["Compaction for partition ", "In-progress partition "],
            r"(?:In-progress partition|Compaction for partition) {tp} cannot be (?:in|aborted and paused since it is in|resumed since it is in) (?P<state>\S+) state",
            |found| Some(Class::CleanerStateError { of: found.of()?, state: found.owned("state")? }),
        ),
    ]
}

/// Exceptions that cleaners die of, whatever record they stand in.
pub(super) fn exceptions() -> Vec<Message> {
    vec![
        message(
            &["InvalidOffsetException: Attempt to append"],
            r"InvalidOffsetException: Attempt to append an offset \(-?\d+\) to slot \d+ no larger than the last offset appended \(-?\d+\) to (?:\S*/)?{tp}/\d{20}\.timeindex",
            |found| fault(found, CleanerFault::TimeIndex),
        ),
        message(
            &["InvalidOffsetException: Attempt to append"],
            r"InvalidOffsetException: Attempt to append an offset \(?-?\d+\)? to position \d+ no larger than the last offset appended \(-?\d+\) to (?:\S*/)?{tp}/\d+\.index",
            |found| fault(found, CleanerFault::OffsetIndex),
        ),
        // 0.9.0, and 0.10.0.
        message(
            &["messages in segment ", "Unable to build the offset map"],
            r"requirement failed: (?:\d+ messages in segment|Unable to build the offset map for segment) {tp}/\d{20}\.log",
            |found| fault(found, CleanerFault::OffsetMap),
        ),
        // Up to 3.4.
        message(&["a full offset map"], r"Attempt(?:ed)? to add a new entry to a full offset map", |found| {
            fault(found, CleanerFault::OffsetMapFull)
        }),
        message(
            &["can not be safely converted to relative offset"],
            r"can not be safely converted to relative offset",
            |found| fault(found, CleanerFault::RelativeOffset),
        ),
        message(
            &["message larger than maximum allowable size"],
            r"This log contains a message larger than maximum allowable size of \d+",
            |found| fault(found, CleanerFault::TooLarge),
        ),
        message(
            &["Found null key in log segment"],
            r"Found null key in log segment (?:\S*/)?{tp}/\d{20}\.log which is marked as dedupe",
            |found| fault(found, CleanerFault::NullKey),
        ),
        message(
            &["Last clean offset is "],
            r"Last clean offset is \d+ but segment base offset is \d+ for log {tp}",
            |found| fault(found, CleanerFault::LastCleanMismatch),
        ),
        // 2.0 and later.
        message(
            &["Log segment may be corrupt, batch size"],
            r"Log segment may be corrupt, batch size \d+ > \d+ bytes left in segment(?: for log segment (?:\S*/)?{tp}/\d{20}\.log)?",
            |found| fault(found, CleanerFault::CorruptSegment),
        ),
        message(
            &["currentLog cannot be empty"],
            r"currentLog cannot be empty on an unexpected exception",
            |found| fault(found, CleanerFault::CurrentLogEmpty),
        ),
        message(
            &["LogCleaningException"],
            r"LogCleaningException: Found invalid record structure",
            |found| fault(found, CleanerFault::InvalidRecord),
        ),
    ]
}

fn fault(found: &Found<'_>, fault: CleanerFault) -> Option<Class> {
    Some(Class::CleanerException { fault, of: found.of() })
}

/// Fills in what the lines behind a header say.
pub(super) fn complete(class: &mut Class, continuation: &[String]) {
    let Class::CleanerWorked { stats, .. } = class else { return };
    for line in continuation {
        size(line, stats);
        rate(line, stats);
    }
}

fn size(line: &str, stats: &mut CleanerStats) {
    static SIZE: LazyLock<Regex> = LazyLock::new(|| {
        compile(
            r"^\s*(Start|End) size: (-?[0-9.,\u{a0}\u{202f}]+) MB \((-?[0-9.,\u{a0}\u{202f}]+) messages\)",
        )
    });
    if !line.contains(" size: ") {
        return;
    }
    let Some(found) = SIZE.captures(line) else { return };
    let (mb, messages) = (amount(&found[2]), whole(&found[3]));
    match &found[1] {
        "Start" => (stats.start_mb, stats.start_messages) = (mb, messages),
        _ => (stats.end_mb, stats.end_messages) = (mb, messages),
    }
}

fn rate(line: &str, stats: &mut CleanerStats) {
    static RATE: LazyLock<Regex> = LazyLock::new(|| {
        compile(
            r"MB of log processed in ([0-9.,\u{a0}\u{202f}]+) seconds \(([0-9.,\u{a0}\u{202f}]+) MB/sec\)",
        )
    });
    if !line.contains("of log processed in") {
        return;
    }
    let Some(found) = RATE.captures(line) else { return };
    (stats.seconds, stats.mb_per_second) = (amount(&found[1]), amount(&found[2]));
}

/// A number with one decimal in the JVM's language: `1,024.5`, `1.024,5`, `1 024,5`.
fn amount(text: &str) -> Option<f64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let decimals = match text.rfind(['.', ',']) {
        // Java's `%,.1f` has one digit behind the point.
        Some(at) if text.len() - at == 2 => 1,
        _ => 0,
    };
    let number: f64 = digits.parse().ok()?;
    Some(if decimals == 1 { number / 10.0 } else { number })
}

/// A whole number in the JVM's language: every mark in it groups digits.
fn whole(text: &str) -> Option<u64> {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_the_jvms_language() {
        for text in ["1,024.5", "1.024,5", "1\u{a0}024,5", "1\u{202f}024,5"] {
            assert_eq!(amount(text), Some(1024.5), "{text}");
        }
        assert_eq!(amount("0.0"), Some(0.0));
        assert_eq!(whole("1,892"), Some(1892));
        assert_eq!(whole("1.234.567"), Some(1_234_567));
        assert_eq!(whole("99999999999999999999999"), None);
    }
}
