//! What earlier rounds read of a node's logs becomes part of the new round, as if all had been read anew.
//!
//! A record is carried for as long as a full reading would find it; one whose file is gone until the window ends.

use std::collections::HashMap;

use jiff::Timestamp;

use super::retain::{retain, retain_files};
use super::thin::time;
use super::twice::drop_twice;
use crate::kafka::record::is_header;
use crate::round::{Access, Coverage, CoverageStatus, LogFile, LogGrep, LogRecord};
use crate::words;
use replaced::{REPLACED, is_replaced};

mod replaced;

/// Minutes that a record is kept whose file is gone, where the playbook says no `since`: 30 days.
pub const KEPT_MINUTES: u64 = 30 * 24 * 60;

/// A day: local times are compared without their zone.
const ZONES_MS: i64 = 24 * 3600 * 1000;

/// What a reading heard of one file; beside [`LogGrep::files`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// Read from its beginning.
    pub whole: bool,
    /// It could not be read to its end.
    pub failed: bool,
    /// The earlier file that it is, with nothing new.
    pub unchanged: Option<u32>,
    /// The earlier files whose content it begins with.
    pub claims: Vec<u32>,
    /// Bytes that were new.
    pub fresh: u64,
}

/// What a node told this time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    pub grep: LogGrep,
    pub coverage: Vec<Coverage>,
    /// One for each of the files.
    pub heard: Vec<Heard>,
    /// Everything that was to be read was: what is not there is gone.
    pub whole: bool,
    /// Only the newest part of what is there was brought; it stands for all of what earlier rounds read there.
    pub newest: bool,
    /// Directories that nobody could look into.
    pub closed: Vec<String>,
}

/// When a reading was made, and how long what is gone is kept.
#[derive(Debug, Clone, Copy)]
pub struct When {
    pub now: Timestamp,
    pub kept_minutes: u64,
    /// The broker there is another than the one whose log was read earlier.
    pub another: bool,
}

/// The new reading with what still holds of the earlier one.
pub fn carry(earlier: &LogGrep, mut reading: Reading, when: When) -> (LogGrep, Vec<Coverage>) {
    let replaced = is_replaced(earlier, &reading, when.another);
    if let (true, Some(row)) = (replaced, reading.coverage.first_mut()) {
        row.reason.get_or_insert_with(|| REPLACED.to_owned());
    }
    let nothing = LogGrep::default();
    let earlier = if replaced { &nothing } else { earlier };
    let Reading { grep, coverage, heard, whole, newest, closed } = reading;
    let mut merge =
        Merge { earlier, grep, coverage, heard, closed, to: vec![To::Nowhere; earlier.files.len()] };
    merge.settle(whole, newest, when.now);
    merge.take(when);
    let Merge { mut grep, coverage, .. } = merge;
    grep.records.sort_by_key(|record| (record.file, record.line));
    grep.records
        .dedup_by(|one, kept| (one.file, one.line) == (kept.file, kept.line) && one.text == kept.text);
    (grep, coverage)
}

/// Where an earlier file's records go.
#[derive(Debug, Clone, Copy, PartialEq)]
enum To {
    Nowhere,
    /// Those up to this line.
    Final(u32, u64),
    /// What was not final too, unless it was read again.
    All(u32),
    /// The file is gone: those that are not found elsewhere.
    Gone(u32),
}

struct Merge<'a> {
    earlier: &'a LogGrep,
    grep: LogGrep,
    coverage: Vec<Coverage>,
    heard: Vec<Heard>,
    closed: Vec<String>,
    to: Vec<To>,
}

impl Merge<'_> {
    fn earlier_file(&self, index: u32) -> Option<&LogFile> {
        self.earlier.files.get(usize::try_from(index).ok()?)
    }

    fn send(&mut self, from: u32, to: To) -> bool {
        match self.to.get_mut(from as usize) {
            Some(place @ To::Nowhere) => {
                *place = to;
                true
            }
            _ => false,
        }
    }

    /// Finds the place of every earlier file's records.
    fn settle(&mut self, whole: bool, newest: bool, now: Timestamp) {
        let heard = std::mem::take(&mut self.heard);
        for (at, one) in (0..).zip(&heard).filter(|(_, one)| whole && !one.failed) {
            if let Some(from) = one.unchanged {
                self.send(from, To::All(at));
            }
            for from in &one.claims {
                let Some(last) = self.earlier_file(*from).and_then(last_line) else { continue };
                self.send(*from, To::Final(at, last));
            }
        }
        for (at, one) in (0..).zip(&heard).filter(|(_, one)| !whole || one.failed) {
            for from in one.claims.iter().chain(&one.unchanged) {
                self.stays(*from, at);
            }
        }
        for from in 0..self.earlier.files.len() as u32 {
            if self.to.get(from as usize) != Some(&To::Nowhere) {
                continue;
            }
            let Some(file) = self.earlier.files.get(from as usize) else { continue };
            let (path, was_gone) = (file.path.clone(), file.gone);
            let here = self.grep.files.iter().position(|file| file.path == path);
            let access = here.and_then(|at| self.grep.files.get(at)).map(|file| file.access);
            let hidden =
                self.closed.iter().any(|dir| path.rsplit_once('/').is_some_and(|(parent, _)| parent == dir));
            match (was_gone, access) {
                (Some(gone), _) => self.gone(from, &path, gone),
                (None, Some(Access::Unreadable)) => self.stays(from, here.unwrap_or_default() as u32),
                (None, _) if hidden || !whole => {
                    let why = "not read this time; what was read of it earlier is kept";
                    let at = match here {
                        Some(at) => at,
                        None => self.row(&path, Access::Unseen, Coverage::none(&path, why)),
                    };
                    self.stays(from, at as u32);
                }
                // What the newest part does not hold of it is counted there.
                (None, Some(Access::Readable)) if newest => {}
                // Older than what is looked at, and so are its records.
                (None, Some(Access::Unseen)) => {}
                (None, _) => self.gone(from, &path, now),
            }
        }
        self.heard = heard;
    }

    /// It could not be read this time: the next round goes on where this one would have.
    fn stays(&mut self, from: u32, at: u32) {
        let Some(file) = self.earlier_file(from).cloned() else { return };
        if self.send(from, To::All(at))
            && let Some(row) = self.grep.files.get_mut(at as usize)
        {
            row.cursor = file.cursor;
        }
    }

    fn gone(&mut self, from: u32, path: &str, since: Timestamp) {
        let at = self.gone_row(path, "gone", since);
        self.send(from, To::Gone(at as u32));
    }

    fn gone_row(&mut self, path: &str, how: &str, since: Timestamp) -> usize {
        let reason = format!("{how} since {}; what was read of it is kept", since.strftime(MINUTE));
        let coverage = Coverage { reason: Some(reason), ..Coverage::complete(path) };
        let at = self.row(path, Access::Missing, coverage);
        if let Some(row) = self.grep.files.get_mut(at) {
            row.gone = Some(since);
        }
        at
    }

    fn row(&mut self, path: &str, access: Access, coverage: Coverage) -> usize {
        self.grep.files.push(LogFile { path: path.to_owned(), access, ..LogFile::default() });
        self.coverage.push(coverage);
        self.grep.files.len() - 1
    }

    /// Takes the records to their places.
    fn take(&mut self, when: When) {
        let oldest = when.now.as_millisecond().saturating_sub(
            i64::try_from(when.kept_minutes)
                .unwrap_or(i64::MAX)
                .saturating_mul(60_000)
                .saturating_add(ZONES_MS),
        );
        // Lines that were read from a file's beginning: what is gone may stand there under another name.
        let mut again: HashMap<&str, usize> = HashMap::new();
        for record in &self.grep.records {
            if self.heard.get(record.file as usize).is_some_and(|heard| heard.whole) {
                *again.entry(&record.text).or_default() += 1;
            }
        }
        let reread = self.read_again();
        let places: HashMap<(u32, u64), &str> = self
            .grep
            .records
            .iter()
            .map(|record| ((record.file, record.line), record.text.as_str()))
            .collect();
        let is_there = |file: u32, record: &LogRecord| {
            places.get(&(file, record.line)).is_some_and(|now| now.starts_with(&record.text))
        };
        let mut cut: Vec<(u32, &LogRecord)> = Vec::new();
        let mut taken: Vec<LogRecord> = Vec::new();
        for record in &self.earlier.records {
            let (file, holds) = match self.to.get(record.file as usize) {
                Some(To::All(file)) => (*file, !is_there(*file, record)),
                Some(To::Final(file, last)) => {
                    let row = self.grep.files.get(*file as usize);
                    let reread = row.is_some_and(|row| {
                        row.beyond > 0 && last_line(row).is_some_and(|last| last >= record.line)
                    });
                    // What was not final has been read again, unless it was cut off.
                    if record.line > *last && !reread {
                        cut.push((*file, record));
                    }
                    (*file, record.line <= *last)
                }
                Some(To::Gone(file)) => {
                    let gone = self.grep.files.get(*file as usize).and_then(|file| file.gone);
                    let gone = gone.unwrap_or(when.now).as_millisecond();
                    let young = time(record).unwrap_or(gone) >= oldest;
                    let elsewhere = again.get_mut(record.text.as_str()).filter(|left| **left > 0);
                    let mut is_elsewhere = elsewhere.map(|left| *left -= 1).is_some();
                    if !is_elsewhere && !self.is_final(record) {
                        is_elsewhere = again.keys().any(|text| text.starts_with(&record.text));
                    }
                    let is_reread = reread.get(&record.file).is_some_and(|last| record.line <= *last);
                    (*file, young && !is_elsewhere && !is_reread)
                }
                Some(To::Nowhere) | None => continue,
            };
            if holds {
                taken.push(LogRecord { file, ..record.clone() });
            }
        }
        for ((number, from), to) in (0u32..).zip(&self.earlier.files).zip(&self.to) {
            let (To::Final(at, _) | To::All(at) | To::Gone(at)) = to else { continue };
            // What was left out of it is left out of the new reading too, and counted there.
            if reread.contains_key(&number) {
                continue;
            }
            if let Some(row) = self.grep.files.get_mut(*at as usize) {
                row.beyond = row.beyond.saturating_add(from.beyond);
            }
        }
        let all = self.grep.records.iter().chain(&taken);
        let mut at_place: HashMap<(u32, u64), Vec<&str>> = HashMap::new();
        for record in all {
            at_place.entry((record.file, record.line)).or_default().push(&record.text);
        }
        cut.retain(|(file, record)| {
            let now = at_place.get(&(*file, record.line));
            !now.is_some_and(|now| now.iter().any(|now| now.starts_with(&record.text)))
        });
        for (_, record) in cut {
            let Some(path) = self.earlier_file(record.file).map(|file| file.path.clone()) else { continue };
            let file = self.gone_row(&path, "cut off", when.now) as u32;
            taken.push(LogRecord { file, ..record.clone() });
        }
        self.grep.records.extend(taken);
        drop_twice(&mut self.grep);
        self.say();
        self.drop_empty_rows();
    }

    /// Earlier files that nobody recognized and that stand, as their lines tell, at the beginning of a file that was
    /// read whole: up to which line. Where that file's repeats were thinned, what is not there may have been left out.
    fn read_again(&self) -> HashMap<u32, u64> {
        let mut lines: HashMap<(u64, &str), u32> = HashMap::new();
        let mut ends: HashMap<u32, u64> = HashMap::new();
        for record in &self.grep.records {
            if self.heard.get(record.file as usize).is_some_and(|heard| heard.whole)
                && is_header(&record.text)
            {
                lines.insert((record.line, &record.text), record.file);
                let end = ends.entry(record.file).or_default();
                *end = (*end).max(record.line);
            }
        }
        let mut again: HashMap<u32, u64> = HashMap::new();
        let gone = |record: &&LogRecord| matches!(self.to.get(record.file as usize), Some(To::Gone(_)));
        for record in self.earlier.records.iter().filter(gone) {
            let Some(at) = lines.get(&(record.line, record.text.as_str())) else { continue };
            let thinned = self.grep.files.get(*at as usize).is_some_and(|file| file.beyond > 0);
            let last = if thinned { ends.get(at).copied().unwrap_or_default() } else { record.line };
            let known = again.entry(record.file).or_default();
            *known = (*known).max(last);
        }
        again
    }

    /// Whether an earlier record stood before its file's cursor, so that it could not grow any more.
    fn is_final(&self, record: &LogRecord) -> bool {
        self.earlier_file(record.file).and_then(last_line).is_some_and(|last| record.line <= last)
    }

    /// A file that is gone and of which nothing is kept needs no row.
    fn drop_empty_rows(&mut self) {
        let mut used = vec![false; self.grep.files.len()];
        for record in &self.grep.records {
            if let Some(used) = used.get_mut(record.file as usize) {
                *used = true;
            }
        }
        let keep: Vec<bool> =
            self.grep.files.iter().zip(used).map(|(file, used)| used || file.gone.is_none()).collect();
        retain_files(&mut self.grep, &keep);
        retain(&mut self.coverage, &keep);
    }

    /// The rows of coverage tell a reader what was read when.
    fn say(&mut self) {
        for (at, heard) in self.heard.iter().enumerate() {
            let since = heard.unchanged.iter().chain(&heard.claims);
            let since =
                since.filter_map(|from| self.earlier_file(*from)?.cursor.as_ref()).map(|it| it.read).max();
            let (Some(since), Some(row)) = (since, self.coverage.get(at)) else { continue };
            if row.status != CoverageStatus::Complete || heard.failed {
                continue;
            }
            let what = match heard.fresh {
                0 => "nothing".to_owned(),
                fresh => words::bytes(fresh),
            };
            // How much of a journal was new nobody counts.
            let journal = self.grep.files.get(at).is_some_and(|file| file.path.starts_with("journal:"));
            let what = if journal { "read on, what is".to_owned() } else { what };
            let reason = Some(format!("{what} new since {}", since.strftime(MINUTE)));
            if let Some(row) = self.coverage.get_mut(at) {
                row.reason = reason;
            }
        }
    }
}

/// Keeps the newest records within a number of bytes, as a reading does; the others are counted.
pub(super) fn bound(grep: &mut LogGrep, limit: usize) {
    let size =
        |record: &LogRecord| record.text.len() + record.continuation.iter().map(String::len).sum::<usize>();
    if grep.records.iter().map(size).sum::<usize>() <= limit {
        return;
    }
    let mut order: Vec<usize> = (0..grep.records.len()).collect();
    order.sort_by_cached_key(|at| std::cmp::Reverse(grep.records.get(*at).and_then(time)));
    let mut keep = vec![true; grep.records.len()];
    let mut sum = 0usize;
    for at in order {
        let Some(record) = grep.records.get(at) else { continue };
        sum = sum.saturating_add(size(record));
        if sum > limit
            && let Some(keep) = keep.get_mut(at)
        {
            *keep = false;
            if let Some(file) = grep.files.get_mut(record.file as usize) {
                file.beyond = file.beyond.saturating_add(1);
            }
        }
    }
    retain(&mut grep.records, &keep);
}

/// A minute of UTC.
const MINUTE: &str = "%F %H:%MZ";

fn last_line(file: &LogFile) -> Option<u64> {
    file.cursor.as_ref().map(|cursor| cursor.line)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
