//! Records of a log4j file with Kafka's default pattern, put in order of time.

use std::io;
use std::path::Path;

use super::replicas::{moment, put};

/// Records of one day, each with its milliseconds since midnight.
#[derive(Default)]
pub(super) struct LogFile {
    records: Vec<(u32, String)>,
}

impl LogFile {
    /// Adds a record: header pattern `[%d] %p %m (%c)%n`. Further lines of `message` follow as they are.
    pub(super) fn add(&mut self, at: u32, level: &'static str, message: &str, logger: &str) {
        self.records.push((at, format!("{level} {message} ({logger})\n")));
    }

    /// Adds lines without a header to the last record.
    pub(super) fn append(&mut self, lines: &str) {
        if let Some((_, record)) = self.records.last_mut() {
            record.push_str(lines);
        }
    }

    /// Writes the records by time; those of one millisecond stay in the order they were added.
    pub(super) fn write(mut self, path: &Path, date: &str) -> io::Result<()> {
        self.records.sort_by_key(|(at, _)| *at);
        let mut text = String::with_capacity(self.records.len() * 120);
        for (at, record) in &self.records {
            let (second, millis) = (at / 1000, at % 1000);
            let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
            text.push_str(&format!("[{date} {hour:02}:{minute:02}:{second:02},{millis:03}] {record}"));
        }
        let last = self.records.last().and_then(|(at, _)| moment(date, *at));
        put(path, &text, last)
    }
}
