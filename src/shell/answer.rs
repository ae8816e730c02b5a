//! What one script brought back.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::round::Ended;

/// The whole of one script's output, within its limits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// `None`: it never began.
    pub ended: Option<Ended>,
    /// A process of it survived being killed.
    pub stuck: bool,
    /// Bytes that came beyond the limit and were not kept.
    pub overflow: u64,
    /// When the order went out and when the answer's first byte came.
    pub sent: Option<Timestamp>,
    pub began: Option<Timestamp>,
    /// From the order to the end.
    pub seconds: f64,
}

impl Answer {
    /// Standard output as lines; bytes that are no UTF-8 are replaced.
    pub fn lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        lines(&self.stdout)
    }

    /// Whether the script ran to its own end.
    pub fn whole(&self) -> bool {
        matches!(self.ended, Some(Ended::Exit(_)))
    }

    /// Why the answer is not whole, for a person.
    pub fn why_cut(&self, limit_seconds: u64) -> Option<String> {
        match self.ended {
            Some(Ended::Exit(_)) => None,
            Some(Ended::Deadline) => Some(format!("stopped at its deadline of {limit_seconds} s")),
            Some(Ended::Overflow) => Some("stopped: more output than the limit".to_owned()),
            Some(Ended::Stopped) => Some("the round was stopped".to_owned()),
            Some(Ended::Lost) => Some("the connection was lost".to_owned()),
            None => Some("it was not asked: the visit ended before".to_owned()),
        }
    }
}

/// Lines of bytes, without their newlines, lossily as text.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    raw_lines(bytes).map(text)
}

/// Lines of bytes, without their newlines.
pub fn raw_lines(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end)?;
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(line)
    })
}

/// Bytes as text; those that are no UTF-8 are replaced.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // The lossy reading looks at one byte after the other, this one at many.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
