//! What one script brought back.

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
    pub fn lines(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
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
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let empty = bytes.is_empty();
    body.split(|byte| *byte == b'\n').filter(move |_| !empty).map(String::from_utf8_lossy)
}
