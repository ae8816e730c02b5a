use proptest::prelude::*;

use super::*;
use crate::round::{Cursor, FilePlace, Place};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn when() -> When {
    When { now: at("2026-11-24T02:00:00Z"), kept_minutes: KEPT_MINUTES, another: false }
}

fn record(file: u32, line: u64) -> LogRecord {
    LogRecord {
        file,
        line,
        text: format!("[2026-11-20 10:00:{:02},000] ERROR {line} (kafka.X)", line % 60),
        continuation: Vec::new(),
        lossy: false,
        truncated: false,
    }
}

fn file(path: &str, last: Option<u64>) -> LogFile {
    let place = Place::File(FilePlace {
        inode: 1,
        offset: 9,
        end: 9,
        head: 1,
        tail: 1,
        zipped: false,
        written: None,
    });
    let cursor = last.map(|line| Cursor { read: at("2026-11-24T01:00:00Z"), line, place });
    LogFile { path: path.into(), access: Access::Readable, cursor, ..LogFile::default() }
}

fn grep(files: Vec<LogFile>, records: Vec<LogRecord>) -> LogGrep {
    LogGrep { files, records, ..LogGrep::default() }
}

fn reading(grep: LogGrep, heard: Vec<Heard>) -> Reading {
    let coverage = grep.files.iter().map(|file| Coverage::complete(&file.path)).collect();
    Reading { coverage, heard, whole: true, grep, ..Reading::default() }
}

proptest! {
    /// Wherever the cursor stood, and whatever the file is called now, carried and new are the whole.
    #[test]
    fn carried_and_new_are_what_a_whole_reading_finds(
        lines in prop::collection::btree_set(1u64..200, 0..60),
        cut in 0u64..200,
        ahead in 0u64..20,
        renamed in any::<bool>(),
    ) {
        let path = if renamed { "/l/server.log.1" } else { "/l/server.log" };
        let of = |from: u64, to: u64| -> Vec<LogRecord> {
            lines.iter().filter(|line| (from..=to).contains(line)).map(|line| record(0, *line)).collect()
        };
        // What was beyond the cursor was shown too, and is read again.
        let earlier = grep(vec![file("/l/server.log", Some(cut))], of(0, cut + ahead));
        let new = grep(vec![file(path, Some(300))], of(cut + 1, 300));
        let heard = Heard { claims: vec![0], fresh: 1200, ..Heard::default() };
        let (grep, coverage) = carry(&earlier, reading(new, vec![heard]), when());
        prop_assert_eq!(&grep.records, &of(0, 300));
        prop_assert_eq!(grep.files.len(), 1);
        prop_assert_eq!(coverage[0].reason.as_deref(), Some("1.2 KiB new since 2026-11-24 01:00Z"));
    }
}

#[test]
fn what_is_gone_is_kept_until_the_window_ends() {
    let earlier = grep(vec![file("/l/server.log", Some(9))], vec![record(0, 1), record(0, 12)]);
    let (kept, coverage) = carry(&earlier, reading(LogGrep::default(), Vec::new()), when());
    assert_eq!((kept.records.len(), kept.files[0].access), (2, Access::Missing));
    assert_eq!(
        coverage[0].reason.as_deref(),
        Some("gone since 2026-11-24 02:00Z; what was read of it is kept")
    );
    let later = When { now: at("2026-12-24T02:00:00Z"), ..when() };
    let (kept, coverage) = carry(&kept, reading(LogGrep::default(), Vec::new()), later);
    assert!(kept.records.is_empty() && kept.files.is_empty() && coverage.is_empty(), "{kept:?}");
}

#[test]
fn what_could_not_be_read_keeps_its_records_and_its_cursor() {
    let earlier = grep(vec![file("/l/server.log", Some(9))], vec![record(0, 1), record(0, 12)]);
    let mut closed = file("/l/server.log", None);
    closed.access = Access::Unreadable;
    let unreadable = reading(grep(vec![closed], Vec::new()), vec![Heard::default()]);
    let lost = Reading::default();
    for reading in [unreadable, lost] {
        let (kept, coverage) = carry(&earlier, reading, when());
        assert_eq!((kept.records.len(), kept.files.len(), coverage.len()), (2, 1, 1));
        assert_eq!(kept.files[0].cursor, earlier.files[0].cursor);
        assert_eq!(kept.files[0].gone, None);
    }
}

#[test]
fn a_file_that_was_compressed_and_read_anew_is_not_counted_twice() {
    let earlier = grep(vec![file("/l/server.log.1", Some(9))], vec![record(0, 1), record(0, 2)]);
    let new = grep(vec![file("/l/server.log.1.gz", Some(9))], vec![record(0, 1), record(0, 2)]);
    let heard = Heard { whole: true, ..Heard::default() };
    let (kept, _) = carry(&earlier, reading(new, vec![heard]), when());
    assert_eq!(kept.records, [record(0, 1), record(0, 2)]);
    assert_eq!(kept.files.len(), 1);
}

#[test]
fn a_log_in_the_place_of_another_takes_over_nothing_of_it() {
    let line = |line: u64, hour: u32| LogRecord {
        text: format!("[2026-11-20 {hour:02}:00:{line:02},000] ERROR {hour} (kafka.X)"),
        ..record(0, line)
    };
    let earlier = grep(vec![file("/l/server.log", Some(9))], vec![line(1, 10), line(5, 12)]);
    let carried = |records: &[LogRecord], another: bool| {
        let new = grep(vec![file("/l/server.log", Some(9))], records.to_vec());
        let heard = Heard { whole: true, ..Heard::default() };
        let (grep, coverage) = carry(&earlier, reading(new, vec![heard]), When { another, ..when() });
        (grep.records.len() - records.len(), coverage[0].reason.is_some())
    };
    // It has lines from before the end of the earlier one, and none of its lines.
    assert_eq!(carried(&[line(1, 11), line(2, 13)], false), (0, true));
    // It goes on where the earlier one ended: that was deleted.
    assert_eq!(carried(&[line(1, 13)], false), (2, false));
    // The same, and the broker is another one.
    assert_eq!(carried(&[line(1, 13)], true), (0, true));
    // The earlier one, cut short and written on.
    assert_eq!(carried(&[line(1, 10), line(2, 13)], false), (1, false));
    assert_eq!(carried(&[line(1, 10), line(2, 13)], true), (1, false));
}
