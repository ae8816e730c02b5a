//! Whatever happens to the files between rounds, what is carried and what is new is what a full reading finds, and
//! what was there and is gone.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::round::{Cursor, FilePlace, Place};

/// What happens between rounds; the newest file is the first.
#[derive(Debug, Clone, Copy)]
enum Step {
    Write(u8),
    Rename,
    CopyAndTruncate,
    DeleteOldest,
    BeginAnew,
    Shrink(u8),
    Round,
    /// A round to which the node did not answer, or not wholly.
    Broken,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..6).prop_map(Step::Write),
        1 => Just(Step::Rename),
        1 => Just(Step::CopyAndTruncate),
        1 => Just(Step::DeleteOldest),
        1 => Just(Step::BeginAnew),
        1 => (0u8..9).prop_map(Step::Shrink),
        3 => Just(Step::Round),
        1 => Just(Step::Broken),
    ]
}

#[derive(Debug, Clone, Default)]
struct File {
    /// The earlier round's row that was read of it, and its lines up to the cursor: a node knows them by checksums.
    known: Option<(u32, Vec<u32>)>,
    lines: Vec<u32>,
}

/// Every third line is not one that is looked for.
fn text(line: u32) -> Option<String> {
    let time = format!(
        "2026-11-20 {:02}:{:02}:{:02},{:03}",
        line / 3600 % 24,
        line / 60 % 60,
        line % 60,
        line % 1000
    );
    (!line.is_multiple_of(3)).then(|| format!("[{time}] ERROR number {line} (kafka.X)"))
}

fn path(at: usize) -> String {
    if at == 0 { "/l/server.log".to_owned() } else { format!("/l/server.log.{at}") }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_485_600).unwrap()
}

/// What a node would say of these files, which read `earlier` before.
fn reading(files: &[File], earlier: &LogGrep) -> Reading {
    let mut reading = Reading { whole: true, ..Reading::default() };
    for (at, file) in files.iter().enumerate() {
        let known = file.known.as_ref().filter(|(row, lines)| {
            file.lines.starts_with(lines) && earlier.files[*row as usize].cursor.is_some()
        });
        let (from, heard) = match known {
            Some((row, lines)) => (lines.len() as u64, Heard { claims: vec![*row], ..Heard::default() }),
            None => (0, Heard { whole: true, ..Heard::default() }),
        };
        for (line, id) in (1..).zip(&file.lines).filter(|(line, _)| *line > from) {
            let Some(text) = text(*id) else { continue };
            let (continuation, lossy, truncated) = (Vec::new(), false, false);
            reading.grep.records.push(LogRecord {
                file: at as u32,
                line,
                text,
                continuation,
                lossy,
                truncated,
            });
        }
        let place = FilePlace { inode: 1, offset: 1, end: 1, head: 0, tail: 0, zipped: false, written: None };
        // The last line is read again.
        let line = (file.lines.len() as u64).saturating_sub(1);
        let cursor = (line > 0).then(|| Cursor { read: now(), line, place: Place::File(place) });
        let row = LogFile { path: path(at), access: Access::Readable, cursor, ..LogFile::default() };
        reading.grep.files.push(row);
        reading.coverage.push(Coverage::complete(path(at)));
        reading.heard.push(heard);
    }
    reading
}

fn told(grep: &LogGrep, gone: bool) -> Vec<(String, u64, String)> {
    let row = |record: &LogRecord| &grep.files[record.file as usize];
    let records = grep.records.iter().filter(|record| row(record).gone.is_some() == gone);
    records.map(|record| (row(record).path.clone(), record.line, record.text.clone())).collect()
}

proptest! {
    #[test]
    fn carried_and_new_is_what_a_full_reading_finds(steps in prop::collection::vec(step(), 1..40)) {
        let mut files = vec![File::default()];
        let mut earlier = LogGrep::default();
        let mut next = 0;
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for step in steps.into_iter().chain([Step::Round]) {
            match step {
                Step::Write(count) => (0..count).for_each(|_| {
                    next += 1;
                    files[0].lines.push(next);
                }),
                Step::Rename => files.insert(0, File::default()),
                Step::CopyAndTruncate => {
                    let copy = std::mem::take(&mut files[0]);
                    files.insert(1, copy);
                }
                Step::DeleteOldest if files.len() > 1 => drop(files.pop()),
                Step::DeleteOldest => {}
                Step::BeginAnew => files[0] = File::default(),
                Step::Shrink(size) => files[0].lines.truncate(size.into()),
                Step::Broken => {
                    let broken = Reading { whole: false, ..Reading::default() };
                    let (grep, _) = carry(&earlier, broken, When { now: now(), kept_minutes: KEPT_MINUTES, another: false });
                    prop_assert_eq!(grep.records.len(), earlier.records.len());
                    for file in &mut files {
                        let Some((row, lines)) = file.known.take() else { continue };
                        file.known = row_of(&grep, &earlier.files[row as usize].path).map(|row| (row, lines));
                    }
                    earlier = grep;
                }
                Step::Round => {
                    let when = When { now: now(), kept_minutes: KEPT_MINUTES, another: false };
                    let (grep, coverage) = carry(&earlier, reading(&files, &earlier), when);
                    prop_assert_eq!(grep.files.len(), coverage.len());
                    let full: Vec<(String, u64, String)> = files
                        .iter()
                        .enumerate()
                        .flat_map(|(at, file)| {
                            (1..).zip(&file.lines).filter_map(move |(line, id)| Some((path(at), line, text(*id)?)))
                        })
                        .collect();
                    prop_assert_eq!(sorted(told(&grep, false)), sorted(full.clone()));
                    let here: BTreeSet<String> = full.into_iter().map(|(.., text)| text).collect();
                    let gone: Vec<String> = told(&grep, true).into_iter().map(|(.., text)| text).collect();
                    prop_assert_eq!(sorted(gone), seen.difference(&here).cloned().collect::<Vec<_>>());
                    seen.extend(here);
                    for (at, file) in files.iter_mut().enumerate() {
                        let read = file.lines.len().saturating_sub(1);
                        file.known = row_of(&grep, &path(at)).map(|row| (row, file.lines[..read].to_vec()));
                    }
                    earlier = grep;
                }
            }
        }
    }
}

fn row_of(grep: &LogGrep, path: &str) -> Option<u32> {
    grep.files.iter().position(|file| file.path == path && file.gone.is_none()).map(|at| at as u32)
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

#[test]
fn what_is_gone_is_kept_for_as_long_as_the_window() {
    let before = reading(&[File { known: None, lines: vec![1, 2, 4] }], &LogGrep::default()).grep;
    let empty = || reading(&[], &LogGrep::default());
    let kept = |days: u64| {
        let when = When { now: now(), kept_minutes: days * 24 * 60, another: false };
        let (grep, coverage) = carry(&before, empty(), when);
        let reasons: BTreeMap<String, Option<String>> =
            coverage.into_iter().map(|row| (row.path, row.reason)).collect();
        (grep.records.len(), reasons)
    };
    let (records, rows) = kept(30);
    assert_eq!(records, 3);
    let said = rows["/l/server.log"].as_deref().unwrap();
    assert!(said.starts_with("gone since 2026-11-24"), "{said}");
    assert_eq!(kept(1), (0, BTreeMap::new()));
}

#[test]
fn a_file_that_is_read_again_is_not_gone_and_what_it_left_out_counts_once() {
    let logs = |lines: &[u64], end: u64, beyond: u64| {
        let mut reading = reading(&[File::default()], &LogGrep::default());
        reading.grep.files[0].beyond = beyond;
        let place = FilePlace { inode: 1, offset: 1, end: 1, head: 0, tail: 0, zipped: false, written: None };
        reading.grep.files[0].cursor = Some(Cursor { read: now(), line: end, place: Place::File(place) });
        let record = |line: &u64| LogRecord {
            file: 0,
            line: *line,
            text: text(*line as u32).unwrap(),
            continuation: Vec::new(),
            lossy: false,
            truncated: false,
        };
        reading.grep.records = lines.iter().map(record).collect();
        reading
    };
    let before = logs(&[1, 2, 100], 100, 97).grep;
    let when = When { now: now(), kept_minutes: KEPT_MINUTES, another: false };
    let (grep, coverage) = carry(&before, logs(&[1, 2, 148, 149], 149, 145), when);
    let lines: Vec<(u32, u64)> = grep.records.iter().map(|record| (record.file, record.line)).collect();
    assert_eq!(lines, [(0, 1), (0, 2), (0, 148), (0, 149)]);
    assert_eq!((grep.files.len(), grep.files[0].beyond, coverage.len()), (1, 145, 1));
}
