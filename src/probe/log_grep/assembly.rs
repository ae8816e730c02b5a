//! Lines put together into records: a header line and what follows it up to the next header.

use super::script::LINES_AFTER;
use crate::kafka::record;
use crate::round::LogRecord;
use crate::shell::answer;

/// Bytes of one line that are kept; a Kafka record that is longer tells nothing more there.
pub(super) const LONGEST_LINE: usize = 8192;

#[derive(Default)]
pub(super) struct Assembly {
    open: Option<LogRecord>,
    next_line: u64,
    /// Lines that may be missing inside a record.
    trace: u64,
}

impl Assembly {
    pub fn new(trace: u64) -> Self {
        Assembly { trace, ..Assembly::default() }
    }

    pub fn line(&mut self, file: u32, number: u64, matched: bool, text: &[u8], records: &mut Vec<LogRecord>) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (kept, truncated) = match text.get(..LONGEST_LINE) {
            Some(head) => (head, true),
            None => (text, false),
        };
        let shown = answer::text(kept);
        let header = record::is_header(in_journal(&shown).unwrap_or(&shown));
        // A cause stands below its exception's frames, which do not match; statistics stand in one record.
        let inner = shown.starts_with("Caused by: ") || shown.starts_with(['\t', ' ']);
        let near = number == self.next_line
            || (inner && number > self.next_line && number - self.next_line < self.trace);
        let follows = near && self.open.as_ref().is_some_and(|open| open.file == file);
        if header || !follows {
            self.finish(records);
            if matched {
                self.open = Some(LogRecord {
                    file,
                    line: number,
                    lossy: matches!(shown, std::borrow::Cow::Owned(_)),
                    text: shown.into_owned(),
                    continuation: Vec::new(),
                    truncated,
                });
            }
        } else if let Some(open) = &mut self.open {
            open.truncated |= truncated;
            open.continuation.push(shown.into_owned());
        }
        self.next_line = number.saturating_add(1);
    }

    pub fn finish(&mut self, records: &mut Vec<LogRecord>) {
        if let Some(mut record) = self.open.take() {
            // As many lines as were asked for: the trace may go on.
            record.truncated |= record.continuation.len() >= LINES_AFTER as usize;
            records.push(record);
        }
    }
}

/// Keeps a stack trace's telling lines: the exceptions, and the first frames of each.
pub(super) fn shorten(record: &mut LogRecord) {
    let mut frames = 0;
    record.continuation.retain(|line| {
        let frame = line.trim_start().starts_with("at ");
        frames = if frame { frames + 1 } else { 0 };
        frames <= 12
    });
}

/// Takes the journal's own head (`2026-11-01T10:00:00.123456+0100 host java[17]: `) from a record. Where
/// Kafka's layout has no time of its own, the line keeps the journal's.
pub(super) fn of_journal(record: &mut LogRecord) {
    if let Some(text) = in_journal(&record.text)
        && record::is_header(text)
    {
        record.text = text.to_owned();
    }
    for line in &mut record.continuation {
        if let Some(text) = in_journal(line) {
            *line = text.to_owned();
        }
    }
}

fn in_journal(line: &str) -> Option<&str> {
    if !line.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (head, text) = line.split_once("]: ").or_else(|| Some((line.strip_suffix("]:")?, "")))?;
    // Time, host, program and number: three words.
    let words = head.split(' ').count();
    (words == 3).then_some(text)
}
