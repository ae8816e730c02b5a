//! What a reading tells: the numbered lines that matched, and the fenced lines that say what they belong to.

use jiff::Timestamp;

use super::Question;
use super::assembly::Assembly;
use super::carry::{Heard, Reading};
use super::script::{JOURNAL_CURSOR, is_time};
use crate::round::{Access, Coverage, CoverageStatus, Cursor, FilePlace, LogFile, Place};
use crate::shell::answer::{Answer, raw_lines};
use crate::shell::script::glob_parent;

/// A source while it is read.
struct Source {
    file: usize,
    /// The number of the line that began it.
    began: u64,
    /// Lines before it in the file.
    base: u64,
    /// Where in the file it begins, in bytes.
    from: u64,
    /// Lines up to where what is final ends, once that is known.
    last: Option<u64>,
    /// Fenced lines within it, so far.
    fences: u64,
    claims: Vec<u32>,
    failed: bool,
    journal: Option<String>,
}

struct Reader<'a> {
    question: &'a Question,
    now: Timestamp,
    reading: Reading,
    assembly: Assembly,
    source: Option<Source>,
    /// The last final line of each source.
    lasts: Vec<u64>,
    /// Numbers of lines, and the file that they belong to.
    spans: Vec<(u64, usize)>,
    /// Files that a source was read of.
    read: Vec<bool>,
    done: bool,
}

/// Reads an answer. Whether all was read is in [`Reading::whole`].
pub(super) fn read(question: &Question, answer: &Answer) -> Reading {
    let mut reader = Reader {
        question,
        now: answer.sent.unwrap_or_default(),
        reading: Reading::default(),
        assembly: Assembly::new(question.trace()),
        source: None,
        lasts: Vec::new(),
        spans: Vec::new(),
        read: Vec::new(),
        done: false,
    };
    let mut left_out = Vec::new();
    let mut lines: Vec<(u64, u8, &[u8])> = Vec::new();
    for line in raw_lines(&answer.stdout) {
        match line.strip_prefix(b"T ") {
            Some(told) => left_out.push(told),
            None => lines.extend(numbered(line)),
        }
    }
    // What was held back on the node comes last.
    lines.sort_by_key(|(number, ..)| *number);
    // A fence that ends something is put on a line of its own by a newline that is none of the file's.
    let ends = |text: &[u8]| {
        let told = text.strip_prefix(question.fence.as_bytes()).unwrap_or_default();
        told.starts_with(b" E") || told.starts_with(b" B")
    };
    for (at, (number, mark, text)) in lines.iter().enumerate() {
        let next = lines
            .get(at + 1)
            .is_some_and(|(next, _, told)| next.checked_sub(1) == Some(*number) && ends(told));
        if !(next && text.is_empty()) {
            reader.line(*number, *mark, text);
        }
    }
    reader.close();
    reader.left_out(&left_out);
    let mut reading = reader.reading;
    reading.whole = reader.done && answer.whole();
    reading
}

impl Reader<'_> {
    fn line(&mut self, number: u64, mark: u8, text: &[u8]) {
        let fenced =
            text.strip_prefix(self.question.fence.as_bytes()).and_then(|rest| rest.strip_prefix(b" "));
        if let Some(told) = fenced {
            let told = String::from_utf8_lossy(told);
            let (kind, rest) = told.split_once(' ').unwrap_or((&told, ""));
            self.told(number, kind, rest);
            return;
        }
        let Some(source) = &mut self.source else { return };
        if let (Some(path), Some(cursor)) = (
            self.question.journal.as_ref().map(super::Journal::name),
            text.strip_prefix(JOURNAL_CURSOR.as_bytes()),
        ) && self.reading.grep.files.get(source.file).is_some_and(|file| file.path == path)
        {
            source.journal = Some(String::from_utf8_lossy(cursor).into_owned());
            source.last =
                Some(source.base.saturating_add(number).saturating_sub(source.began.saturating_add(1)));
            return;
        }
        let line =
            source.base.saturating_add(number).saturating_sub(source.began.saturating_add(source.fences));
        let file = source.file as u32;
        self.assembly.line(file, line, mark == b':', text, &mut self.reading.grep.records);
    }

    /// A fenced line.
    fn told(&mut self, number: u64, kind: &str, rest: &str) {
        match kind {
            "S" => self.begin(number, rest),
            "P" => {
                self.finish_record();
                if let Some(source) = &mut self.source {
                    source.last = Some(
                        source.base.saturating_add(number).saturating_sub(source.began.saturating_add(1)),
                    );
                    source.fences += 1;
                }
            }
            "B" => {
                if let Some(source) = &mut self.source {
                    source.failed = true;
                    source.fences += 1;
                }
            }
            "E" => {
                let lines = self
                    .source
                    .as_ref()
                    .map_or(0, |source| number.saturating_sub(source.began).saturating_sub(1));
                let last = self
                    .source
                    .as_ref()
                    .map(|source| source.last.unwrap_or(source.base.saturating_add(lines)));
                self.lasts.push(last.unwrap_or_default());
                self.end(rest);
            }
            "=" => {
                self.close();
                let Some((from, path)) = rest.split_once(' ') else { return };
                let at = self.source_row(path);
                let earlier = from.parse::<u32>().ok();
                let cursor = earlier
                    .and_then(|from| self.earlier_cursor(from))
                    .map(|it| Cursor { read: self.now, ..it });
                self.lasts.push(cursor.as_ref().map_or(0, |cursor| cursor.line));
                if let (Some(file), Some(heard)) =
                    (self.reading.grep.files.get_mut(at), self.reading.heard.get_mut(at))
                {
                    file.cursor = cursor;
                    heard.unchanged = earlier;
                }
            }
            "." => self.done = true,
            "D" => {
                let at = self.place(rest, Access::Readable, Coverage::complete(rest));
                if let Some(row) = self.reading.coverage.get_mut(at) {
                    row.reason = Some("a copy of what is read elsewhere".to_owned());
                }
            }
            "N" => self.nothing(rest),
            "F" | "G" => {
                let journal = self.question.journal.as_ref().filter(|journal| journal.name() == rest);
                let day = journal.is_some_and(|journal| journal.since.is_none());
                let reason = day.then(|| "the last 24 h; --since reads more".to_owned());
                self.place(rest, Access::Readable, Coverage { reason, ..Coverage::complete(rest) });
            }
            "O" => {
                let reason = Some("older than --since".into());
                self.place(rest, Access::Unseen, Coverage { reason, ..Coverage::complete(rest) });
            }
            "Z" => {
                let reason = Some("empty".into());
                self.place(rest, Access::Empty, Coverage { reason, ..Coverage::complete(rest) });
            }
            "X" => {
                self.place(rest, Access::Unreadable, Coverage::none(rest, "a directory, not a log file"));
            }
            "U" => {
                self.place(rest, Access::Unreadable, Coverage::none(rest, "not readable by this user"));
            }
            _ => {}
        }
    }

    /// The row of a path; the first word on it stands.
    fn place(&mut self, path: &str, access: Access, coverage: Coverage) -> usize {
        if let Some(at) = self.reading.grep.files.iter().position(|file| file.path == path) {
            return at;
        }
        self.reading.grep.files.push(LogFile { path: path.to_owned(), access, ..LogFile::default() });
        self.reading.coverage.push(coverage);
        self.reading.heard.push(Heard::default());
        self.read.push(false);
        self.reading.grep.files.len() - 1
    }

    /// The row of a source. A name that was read and then stood for another file has a row for each.
    fn source_row(&mut self, path: &str) -> usize {
        let again = self
            .reading
            .grep
            .files
            .iter()
            .zip(&self.read)
            .rposition(|(file, read)| file.path == path && *read);
        let at = match again {
            None => self.place(path, Access::Readable, Coverage::complete(path)),
            Some(_) => {
                let file = LogFile { path: path.to_owned(), access: Access::Readable, ..LogFile::default() };
                self.reading.grep.files.push(file);
                self.reading.coverage.push(Coverage::complete(path));
                self.reading.heard.push(Heard::default());
                self.read.push(false);
                self.reading.grep.files.len() - 1
            }
        };
        if let Some(read) = self.read.get_mut(at) {
            *read = true;
        }
        at
    }

    /// `N INDEX WHY`: a pattern that nothing matches.
    fn nothing(&mut self, rest: &str) {
        let (index, why) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some(index) = index.parse::<usize>().ok() else { return };
        let Some(path) = self.question.paths().nth(index).cloned() else { return };
        let (access, reason) = match why {
            "nodir" => (Access::Missing, "its directory does not exist"),
            "unreadable" => (Access::Unreadable, "its directory is not readable by this user"),
            _ => (Access::Missing, "no such file"),
        };
        if access == Access::Unreadable {
            self.reading.closed.push(glob_parent(&path).to_owned());
        }
        if index >= self.question.files.len() && access == Access::Missing {
            return;
        }
        let coverage = Coverage::none(&path, reason);
        self.place(&path, access, coverage);
    }

    /// `S FROM BASE CLAIMS PATH`.
    fn begin(&mut self, number: u64, rest: &str) {
        self.close();
        let mut words = rest.splitn(4, ' ');
        let from = words.next().and_then(|from| from.parse().ok()).unwrap_or(0);
        let base = words.next().unwrap_or("-");
        let base = match base.strip_prefix('w') {
            Some(source) => source
                .parse::<usize>()
                .ok()
                .and_then(|source| self.lasts.get(source.checked_sub(1)?))
                .copied(),
            None => base.parse().ok().and_then(|from| self.earlier_cursor(from)).map(|cursor| cursor.line),
        };
        let claims: Vec<u32> =
            words.next().unwrap_or_default().split(',').filter_map(|claim| claim.parse().ok()).collect();
        let path = words.next().unwrap_or_default();
        let file = self.source_row(path);
        self.spans.push((number, file));
        if let Some(heard) = self.reading.heard.get_mut(file) {
            heard.whole |= from == 0 && claims.is_empty();
        }
        self.source = Some(Source {
            file,
            began: number,
            base: base.unwrap_or(0),
            from,
            last: None,
            fences: 0,
            claims,
            failed: false,
            journal: None,
        });
    }

    /// `E [INODE OFFSET END HEAD TAIL ZIPPED]`.
    fn end(&mut self, rest: &str) {
        self.finish_record();
        let Some(source) = self.source.take() else { return };
        let last = self.lasts.last().copied().unwrap_or_default();
        let known =
            source.claims.first().and_then(|from| self.earlier_cursor(*from)).map(|cursor| cursor.place);
        let (file, heard, row) = match (
            self.reading.grep.files.get_mut(source.file),
            self.reading.heard.get_mut(source.file),
            self.reading.coverage.get_mut(source.file),
        ) {
            (Some(file), Some(heard), Some(row)) => (file, heard, row),
            _ => return,
        };
        let place = match source.journal {
            Some(cursor) => Some(Place::Journal(cursor)),
            // A journal without news says no cursor: the old one stands.
            None => place(rest).map(Place::File).or(known.filter(|place| matches!(place, Place::Journal(_)))),
        };
        heard.claims = source.claims;
        if source.failed {
            heard.failed = true;
            row.status = CoverageStatus::Partial;
            row.reason = Some(
                "it could not be read to its end: still being written, damaged, or unreadable".to_owned(),
            );
            return;
        }
        if let Some(Place::File(place)) = &place {
            heard.fresh = heard.fresh.saturating_add(place.end.saturating_sub(source.from));
        }
        heard.failed = place.is_none() && !heard.claims.is_empty();
        file.cursor = place
            .filter(|place| !matches!(place, Place::File(FilePlace { offset: 0, .. })))
            .map(|place| Cursor { read: self.now, line: last, place });
    }

    /// A source that was never ended: the answer was cut.
    fn close(&mut self) {
        self.finish_record();
        let Some(source) = self.source.take() else { return };
        if let Some(heard) = self.reading.heard.get_mut(source.file) {
            heard.failed = true;
            heard.claims = source.claims;
        }
    }

    fn finish_record(&mut self) {
        self.assembly.finish(&mut self.reading.grep.records);
    }

    fn earlier_cursor(&self, from: u32) -> Option<Cursor> {
        self.question.known()?.files.get(usize::try_from(from).ok()?)?.cursor.clone()
    }

    /// `T COUNT NUMBER:…`: how many lines of one shape the node left out.
    fn left_out(&mut self, told: &[&[u8]]) {
        for told in told {
            let mut words = told.splitn(2, |byte| *byte == b' ');
            let count = words.next().and_then(|count| std::str::from_utf8(count).ok()?.parse::<u64>().ok());
            let (Some(count), Some((number, ..))) = (count, words.next().and_then(numbered)) else {
                continue;
            };
            let after = self.spans.partition_point(|(began, _)| *began <= number);
            let file = after.checked_sub(1).and_then(|at| self.spans.get(at)).map(|(_, file)| *file);
            if let Some(file) = file.and_then(|file| self.reading.grep.files.get_mut(file)) {
                file.beyond = file.beyond.saturating_add(count);
            }
        }
    }
}

fn place(told: &str) -> Option<FilePlace> {
    let mut words = told.split(' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (inode, offset, end) = (number()?, number()?, number()?);
    let (head, tail, zipped) = (number()?, number()?, number()?);
    // It goes back into a script.
    let written = words.next().map(str::to_owned);
    if written.as_deref().is_some_and(|written| !is_time(written)) {
        return None;
    }
    Some(FilePlace {
        inode,
        offset,
        end,
        head: u32::try_from(head).ok()?,
        tail: u32::try_from(tail).ok()?,
        zipped: zipped == 1,
        written,
    })
}

/// A number, the mark after it and the rest.
pub(super) fn numbered(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(line.get(..digits)?).ok()?.parse().ok()?;
    let mark = *line.get(digits)?;
    matches!(mark, b':' | b'-').then(|| (number, mark, &line[digits + 1..]))
}
