//! The journal of a systemd unit, read where a broker writes no files.

use super::assembly::of_journal;
use super::carry;
use super::retain::{retain, retain_files};
use crate::round::{Access, Coverage};
use crate::shell::answer::{Answer, lines};
use crate::shell::script::quote;

/// The journal of a systemd unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    pub unit: String,
    /// Seconds since 1970; nothing said means a day, since a journal has no end that a grep could reach.
    pub since: Option<i64>,
}

impl Journal {
    /// The command that prints it; one line of it may be as long as any.
    /// `after` is the journal's cursor behind what is known.
    pub(super) fn command(&self, after: Option<&str>) -> String {
        let since = self.since.map_or_else(|| "-1d".to_owned(), |since| format!("@{since}"));
        let from = match after {
            Some(cursor) => quote(&format!("--after-cursor={cursor}")),
            None => format!("--since={}", quote(&since)),
        };
        format!("journalctl -u {} {from} -o short-iso-precise --no-pager -q --show-cursor", quote(&self.unit))
    }

    /// How it stands among the files.
    pub(super) fn name(&self) -> String {
        format!("journal:{}", self.unit)
    }
}

/// Without the right to read a journal, journalctl says so and ends well.
pub(super) fn journal_rows(journal: &Journal, first: &Answer, reading: &mut carry::Reading) {
    let name = journal.name();
    let Some(at) = reading.grep.files.iter().position(|file| file.path == name) else { return };
    let denied =
        lines(&first.stderr).find(|line| line.contains("ermission") || line.contains("No journal files"));
    if let (Some(why), Some(row), Some(file)) =
        (denied, reading.coverage.get_mut(at), reading.grep.files.get_mut(at))
    {
        *row = Coverage::none(&name, why.into_owned());
        file.access = Access::Unreadable;
        file.cursor = None;
        if let Some(heard) = reading.heard.get_mut(at) {
            heard.failed = true;
        }
    }
    for record in reading.grep.records.iter_mut().filter(|record| record.file as usize == at) {
        of_journal(record);
    }
    // Where the journal is read in their stead, the files are not missed.
    let files = &reading.grep.files;
    let keep: Vec<bool> = files.iter().map(|file| file.access != Access::Missing).collect();
    if keep.iter().all(|keep| *keep) || files.len() != reading.coverage.len() {
        return;
    }
    retain_files(&mut reading.grep, &keep);
    retain(&mut reading.coverage, &keep);
    retain(&mut reading.heard, &keep);
}
