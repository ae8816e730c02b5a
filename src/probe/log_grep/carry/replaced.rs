//! A log in the place of another: what earlier rounds read does not belong to it.

use std::collections::HashSet;

use super::Reading;
use crate::kafka::record::is_header;
use crate::probe::log_grep::thin::time;
use crate::round::{LogGrep, LogRecord};

/// Of a row of coverage.
pub(super) const REPLACED: &str =
    "another log than that of earlier rounds, of which nothing is left: what they read of it is left out";

/// Whether nothing of the earlier log is there any more and another stands in its place: another broker's, or one
/// that reaches back before the end of what was read without having any line of it, as a log that only grows cannot.
pub(super) fn is_replaced(earlier: &LogGrep, reading: &Reading, another: bool) -> bool {
    let known = reading.heard.iter().any(|heard| heard.unchanged.is_some() || !heard.claims.is_empty());
    let lasting = || earlier.files.iter().any(|file| file.gone.is_none() && file.cursor.is_some());
    if known || reading.newest || !reading.whole || reading.grep.records.is_empty() || !lasting() {
        return false;
    }
    let records = &reading.grep.records;
    let lines: HashSet<(u64, &str)> =
        records.iter().map(|record| (record.line, record.text.as_str())).collect();
    let is_there = |record: &LogRecord| lines.contains(&(record.line, record.text.as_str()));
    if earlier.records.iter().any(|record| is_header(&record.text) && is_there(record)) {
        return false;
    }
    let first = records.iter().filter_map(time).min();
    let last = earlier.records.iter().filter_map(time).max();
    another || first.zip(last).is_some_and(|(first, last)| first < last)
}
