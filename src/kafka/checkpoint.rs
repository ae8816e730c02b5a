//! The offset checkpoint files at the top of a log dir.
//!
//! Four files share one text format (kafka.server.OffsetCheckpoint 0.8.1, OffsetCheckpointFile since
//! 1.0): the version `0`, the number of entries, then `topic partition offset` a line. Kafka writes them
//! aside and renames, so what is read is whole. A starting broker creates some of them empty.

use std::collections::HashSet;
use std::sync::Arc;

use crate::round::Checkpoint;

/// What is wrong with a checkpoint file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    pub what: String,
}

/// Reads an offset checkpoint; a file of no bytes has no entries.
pub fn parse(text: &str) -> Result<Vec<Checkpoint>, Malformed> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let Some((at, version)) = lines.next().filter(|_| !text.trim().is_empty()) else { return Ok(Vec::new()) };
    if version.trim() != "0" {
        return Err(malformed(at, format!("unknown version '{}'", version.trim())));
    }
    let Some((at, count)) = lines.next() else {
        return Err(malformed(2, "the number of entries is missing"));
    };
    let expected: usize = count
        .trim()
        .parse()
        .map_err(|_| malformed(at, format!("'{}' is no number of entries", count.trim())))?;
    let mut topics: HashSet<Arc<str>> = HashSet::new();
    let mut entries = Vec::new();
    let mut last = at;
    for (at, line) in lines {
        last = at;
        if !line.trim().is_empty() {
            entries.push(entry(at, line, &mut topics)?);
        }
    }
    if entries.len() != expected {
        return Err(malformed(last, format!("{expected} entries announced, {} found", entries.len())));
    }
    Ok(entries)
}

/// One `topic partition offset`; topics are shared, a broker has thousands of partitions of few topics.
fn entry(at: usize, line: &str, topics: &mut HashSet<Arc<str>>) -> Result<Checkpoint, Malformed> {
    let mut words = line.split_whitespace();
    let (Some(topic), Some(partition), Some(offset), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(malformed(at, "not 'topic partition offset'"));
    };
    let partition = partition.parse().map_err(|_| malformed(at, format!("'{partition}' is no partition")))?;
    let offset = offset.parse().map_err(|_| malformed(at, format!("'{offset}' is no offset")))?;
    let topic = match topics.get(topic) {
        Some(topic) => topic.clone(),
        None => {
            let topic: Arc<str> = topic.into();
            topics.insert(topic.clone());
            topic
        }
    };
    Ok(Checkpoint { topic, partition, offset })
}

fn malformed(line: usize, what: impl Into<String>) -> Malformed {
    Malformed { line, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_with_their_offsets() {
        let read = parse("0\n2\ncompleteProduct 13 3179215\n__consumer_offsets 7 0\n").unwrap();
        assert_eq!((&*read[0].topic, read[0].partition, read[0].offset), ("completeProduct", 13, 3179215));
        assert_eq!((&*read[1].topic, read[1].partition, read[1].offset), ("__consumer_offsets", 7, 0));
    }

    #[test]
    fn a_starting_brokers_files_have_no_entries() {
        for text in ["", "\n", "0\n0\n", "0\n0"] {
            assert_eq!(parse(text), Ok(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn the_line_of_the_mistake_is_named() {
        for (text, line) in [
            ("1\n0\n", 1),
            ("0\n", 2),
            ("0\nx\n", 2),
            ("0\n1\nt 0\n", 3),
            ("0\n2\nt 0 1\nt 1 -1\n", 4),
            ("0\n2\nt 0 1\nt 1 2 3\n", 4),
            ("0\n2\nt 0 1\n", 3),
            ("0\n1\nt 99999999999 1\n", 3),
        ] {
            assert_eq!(parse(text).map_err(|error| error.line), Err(line), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(?s).{0,200}") {
            let _ = parse(&text);
        }
    }
}
