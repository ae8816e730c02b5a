//! Lines that two files of one log hold: a rotation that copies or compresses leaves both there for a while.

use std::collections::{HashMap, HashSet};

use super::retain::retain;
use crate::kafka::{log_name, record};
use crate::round::{LogGrep, LogRecord};

/// Leaves one of the records that have the same place and the same text in two files of one log, and of one that was
/// read half and wholly the whole. Which line of a log a record is and when it was written tell one from another; a
/// record without a time is never left out.
pub(super) fn drop_twice(grep: &mut LogGrep) {
    let logs: Vec<String> = grep.files.iter().map(|file| log_name::of(&file.path).to_owned()).collect();
    if logs.iter().collect::<HashSet<_>>().len() == logs.len() {
        return;
    }
    let is_here =
        |record: &LogRecord| grep.files.get(record.file as usize).is_some_and(|file| file.gone.is_none());
    // What is whole goes before what is half, and what is there before what is gone.
    let rank = |record: &LogRecord| (record.text.len(), is_here(record), record.continuation.len());
    let mut known: HashMap<(&str, u64), Vec<usize>> = HashMap::new();
    let mut keep = vec![true; grep.records.len()];
    for (at, one) in grep.records.iter().enumerate() {
        let Some(log) = logs.get(one.file as usize) else { continue };
        if !record::is_header(&one.text) {
            continue;
        }
        let others = known.entry((log, one.line)).or_default();
        let same = others.iter_mut().find(|other| {
            let other = grep.records.get(**other).map_or("", |other| &other.text);
            other.starts_with(&one.text) || one.text.starts_with(other)
        });
        let Some(same) = same else {
            others.push(at);
            continue;
        };
        let out = match grep.records.get(*same) {
            Some(other) if rank(other) >= rank(one) => at,
            _ => std::mem::replace(same, at),
        };
        if let Some(keep) = keep.get_mut(out) {
            *keep = false;
        }
    }
    retain(&mut grep.records, &keep);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::{Access, LogFile};

    fn file(path: &str, gone: bool) -> LogFile {
        let gone = gone.then(|| "2026-11-24T02:00:00Z".parse().unwrap());
        LogFile { path: path.to_owned(), access: Access::Readable, gone, ..LogFile::default() }
    }

    fn record(file: u32, line: u64, text: &str, continuation: &[&str]) -> LogRecord {
        LogRecord {
            file,
            line,
            text: text.to_owned(),
            continuation: continuation.iter().map(|line| (*line).to_owned()).collect(),
            lossy: false,
            truncated: false,
        }
    }

    const BROKE: &str = "[2026-11-01 10:00:00,000] ERROR it broke (kafka.X)";

    fn left(files: Vec<LogFile>, records: Vec<LogRecord>) -> Vec<(u32, u64, usize)> {
        let mut grep = LogGrep { files, records, ..LogGrep::default() };
        drop_twice(&mut grep);
        grep.records.iter().map(|record| (record.file, record.line, record.continuation.len())).collect()
    }

    #[test]
    fn a_line_and_its_copy_count_once() {
        let files = || {
            vec![
                file("/l/server.log", true),
                file("/l/server.log.1", false),
                file("/l/server.log.2.gz", false),
            ]
        };
        let three = vec![
            record(0, 7, BROKE, &["a", "b"]),
            record(1, 7, BROKE, &["a"]),
            record(2, 7, BROKE, &["a", "b"]),
        ];
        assert_eq!(left(files(), three), [(2, 7, 2)]);
        let half =
            vec![record(0, 7, &BROKE[..40], &[]), record(1, 7, BROKE, &[]), record(2, 7, &BROKE[..36], &[])];
        assert_eq!(left(files(), half), [(1, 7, 0)]);
        let places = vec![record(0, 7, BROKE, &[]), record(1, 8, BROKE, &[])];
        assert_eq!(left(files(), places), [(0, 7, 0), (1, 8, 0)]);
    }

    #[test]
    fn lines_of_different_logs_and_lines_without_a_time_are_kept() {
        let files = vec![
            file("/l/server.log", false),
            file("/l/controller.log", false),
            file("/l/server.log.1", false),
        ];
        let records = vec![
            record(0, 1, BROKE, &[]),
            record(1, 1, BROKE, &[]),
            record(0, 2, "ERROR", &[]),
            record(2, 2, "ERROR", &[]),
        ];
        assert_eq!(left(files, records).len(), 4);
    }
}
