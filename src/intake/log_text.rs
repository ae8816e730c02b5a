//! Log files that somebody brought: whole ones, or what `grep` left of them.
//!
//! The records kept are those that the catalogue knows and those at WARN and above, as a `log_grep` probe with
//! everything in its pattern would bring them.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::LazyLock;

use regex::Regex;

use crate::kafka::catalogue;
use crate::kafka::event::{Class, Level};
use crate::kafka::record::{self, compile};
use crate::round::LogRecord;

/// Bytes of one line that are kept.
const LONGEST_LINE: usize = 8192;

/// Lines of a stack trace that are kept with their record.
const TRACE: usize = 200;

/// What `grep -n`, `grep -H` or both put before a line.
static GREP: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?:(?P<file>[^\s:\[]*[^\s:\[0-9][^\s:\[]*|[^\s:\[]*\.[0-9]+):)?(?:(?P<line>[0-9]{1,18}):)?(?P<text>\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[ T].*)$",
    )
});

/// What was read of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// With [`LogRecord::file`] 0, in the order of the file.
    pub records: Vec<LogRecord>,
    /// Records read, whether kept or not.
    pub seen: u64,
    /// Records that were of interest and went beyond the limit: the oldest.
    pub beyond: u64,
    /// No byte was in it.
    pub empty: bool,
}

/// Reads a log, keeping the newest records of interest within `limit` bytes of text.
///
/// # Errors
/// The reader's own.
pub fn read(mut log: impl BufRead, limit: usize) -> io::Result<Read> {
    let mut kept = Kept { limit, ..Kept::default() };
    let mut open: Option<LogRecord> = None;
    let mut line = Vec::new();
    let mut number = 0u64;
    let mut read = Read { empty: true, ..Read::default() };
    while let Some(truncated) = next_line(&mut log, &mut line)? {
        read.empty = false;
        number += 1;
        let shown = String::from_utf8_lossy(&line);
        let lossy = matches!(shown, std::borrow::Cow::Owned(_));
        let (at, text) = without_grep(&shown, number);
        if record::is_header(text) {
            kept.finish(open.take());
            read.seen += 1;
            open = Some(LogRecord {
                file: 0,
                line: at,
                text: text.to_owned(),
                continuation: Vec::new(),
                lossy,
                truncated,
            });
        } else if let Some(open) = &mut open {
            if open.continuation.len() < TRACE {
                open.truncated |= truncated;
                open.continuation.push(shown.into_owned());
            } else {
                open.truncated = true;
            }
        }
    }
    kept.finish(open);
    read.beyond = kept.beyond;
    read.records = kept.records.into();
    Ok(read)
}

/// Reads a line without its end into `line`, at most so much of it as is kept; `None` at the end, else whether
/// it was cut.
fn next_line(log: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut truncated = false;
    loop {
        let buffer = match log.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok((!line.is_empty() || truncated).then_some(truncated));
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        let room = LONGEST_LINE.saturating_sub(line.len());
        truncated |= part.len() > room;
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = end.map_or(part.len(), |end| end + 1);
        log.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(truncated));
        }
    }
}

/// The line without what `grep` put before it, and its number in the file that `grep` read.
fn without_grep(line: &str, number: u64) -> (u64, &str) {
    // Most lines start with their time.
    if line.starts_with('[') || !line.as_bytes().iter().take(220).any(|byte| *byte == b':') {
        return (number, line);
    }
    let Some(found) = GREP.captures(line) else { return (number, line) };
    let text = found.name("text").map_or(line, |text| text.as_str());
    let at = found.name("line").and_then(|line| line.as_str().parse().ok()).filter(|line| *line > 0);
    (at.unwrap_or(number), text)
}

#[derive(Default)]
struct Kept {
    records: VecDeque<LogRecord>,
    bytes: usize,
    limit: usize,
    beyond: u64,
}

impl Kept {
    fn finish(&mut self, record: Option<LogRecord>) {
        let Some(mut record) = record.filter(of_interest) else { return };
        shorten(&mut record);
        self.bytes += weight(&record);
        self.records.push_back(record);
        while self.bytes > self.limit
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= weight(&oldest);
            self.beyond += 1;
        }
    }
}

fn weight(record: &LogRecord) -> usize {
    record.text.len() + record.continuation.iter().map(String::len).sum::<usize>() + 64
}

fn of_interest(record: &LogRecord) -> bool {
    let level = record::header(&record.text).map_or(Level::Unknown, |header| header.level);
    matches!(level, Level::Warn | Level::Error | Level::Fatal)
        || catalogue::classify(&record.text, &record.continuation, level) != Class::Other
}

/// Keeps the exceptions and the first frames of each.
fn shorten(record: &mut LogRecord) {
    let mut frames = 0;
    record.continuation.retain(|line| {
        frames = if line.trim_start().starts_with("at ") { frames + 1 } else { 0 };
        frames <= 12
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOG: &str = "[2017-04-03 14:16:30,000] INFO Rolled new log segment (kafka.log.Log)\r\n\
        [2017-04-03 14:16:31,000] INFO Reset fetch offset for partition t-1 from 9 to current leader's end offset 7 (kafka.server.ReplicaFetcherThread)\n\
        [2017-04-03 14:16:32,000] ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)\n\
        java.lang.IllegalStateException: x\n\tat a.b(c.scala:1)\n";

    fn all(text: &[u8]) -> Read {
        read(text, 1 << 20).unwrap()
    }

    #[test]
    fn what_matters_is_kept_with_its_trace() {
        let got = all(LOG.as_bytes());
        assert_eq!(got.seen, 3);
        let kept: Vec<_> =
            got.records.iter().map(|record| (record.line, record.continuation.len())).collect();
        assert!(kept.contains(&(3, 2)) && !kept.iter().any(|(line, _)| *line == 1), "{kept:?}");
    }

    #[test]
    fn what_grep_left_is_understood() {
        let line = "[2017-04-03 14:16:32,000] ERROR x (y)";
        for (prefix, number) in
            [("", 1), ("77:", 77), ("/services/log/kafka/server.log:", 1), ("server.log.2:9:", 9)]
        {
            let got = all(format!("{prefix}{line}\n").as_bytes());
            assert_eq!((got.records[0].line, got.records[0].text.as_str()), (number, line), "{prefix}");
        }
    }

    #[test]
    fn the_newest_stay_within_the_limit() {
        let text: String = (0..100).map(|n| format!("[2017-04-03 14:16:32,{n:03}] ERROR x (y)\n")).collect();
        let got = read(text.as_bytes(), 1000).unwrap();
        assert_eq!(got.beyond + got.records.len() as u64, 100);
        assert!(got.records.last().unwrap().text.contains(",099"));
    }

    #[test]
    fn nothing_and_something_else() {
        assert!(all(b"").empty);
        let other = all(b"hello\nworld\n");
        assert!(!other.empty && other.seen == 0);
        let long = [b"[2017-04-03 14:16:32,000] ERROR ".as_slice(), &vec![b'x'; 100_000], b"\xff\n"].concat();
        assert!(all(&long).records[0].truncated);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), limit in 0usize..200) {
            let _ = read(bytes.as_slice(), limit);
            let _ = read([LOG.as_bytes(), &bytes].concat().as_slice(), limit);
        }
    }
}
