//! `log_grep`: records of log files whose lines match an extended regular expression.
//!
//! One `grep` per visit to a set of files; only what matches crosses the wire, with the lines after it
//! (exception and stack trace). When that is more than the limit, the script is stopped and a follow-up
//! brings the newest part within the limit and counts the rest.
//!
//! Where an earlier round read the same, the node is told how far, sends what is new, and [`carry`] adds the rest.

use std::sync::Arc;

use crate::hash::hash;
use crate::round::{Coverage, CoverageStatus, Evidence, Identity, LogFile, LogGrep};
use crate::shell::answer::{Answer, lines, raw_lines};
use crate::shell::script::quote;
use assembly::{Assembly, LONGEST_LINE, shorten};
use reading::numbered;

mod assembly;
pub mod carry;
mod journal;
mod reading;
mod retain;
mod script;
mod thin;
mod twice;

pub use journal::Journal;
pub use script::script;

use journal::journal_rows;

/// In place of a pattern: everything that the catalogue of Kafka's messages knows, and every error.
pub const KAFKA: &str = "kafka";

/// Lines of a stack trace between an exception and its cause, at most.
const TRACE: u64 = 300;

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Paths with globs.
    pub files: Vec<String>,
    /// Paths with globs that not every broker has: their absence is no gap.
    pub if_present: Vec<String>,
    /// POSIX extended regular expression.
    pub pattern: String,
    /// Minutes: files that were last written longer ago than this hold nothing of interest.
    pub newer_than_minutes: Option<u64>,
    /// Bytes of output.
    pub limit: usize,
    /// Where to look when none of the files is there.
    pub journal: Option<Journal>,
    /// What an earlier round read of the same: only what is new since then is asked for.
    pub earlier: Option<Arc<Earlier>>,
    /// Begins the lines of an answer that are not the logs' own: letters and digits that nobody can guess.
    pub fence: String,
}

/// What an earlier round read.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    pub grep: LogGrep,
    /// The broker that was there then.
    pub broker: Identity,
}

impl Question {
    fn trace(&self) -> u64 {
        if self.is_kafka() { TRACE } else { 0 }
    }

    fn is_kafka(&self) -> bool {
        self.pattern == KAFKA
    }

    /// What is asked, as a hash: cursors are of use for the same question only. A process of a container has
    /// another number after each start.
    pub fn key(&self) -> String {
        let bare = Question { earlier: None, fence: String::new(), newer_than_minutes: None, ..self.clone() };
        let text = script(&bare);
        let mut parts = text.split("/proc/");
        let first = parts.next().unwrap_or_default();
        let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
        hash(std::iter::once(first).chain(rest).map(Some))
    }

    /// Goes on from the reading of the same question, if there is one.
    pub fn going_on_from(self, earlier: &[Arc<Earlier>]) -> Question {
        if earlier.is_empty() {
            return self;
        }
        let key = self.key();
        let same = earlier.iter().find(|earlier| earlier.grep.asked.as_ref() == Some(&key)).cloned();
        Question { earlier: same, ..self }
    }

    fn known(&self) -> Option<&LogGrep> {
        self.earlier.as_ref().map(|earlier| &earlier.grep)
    }

    fn paths(&self) -> impl Iterator<Item = &String> {
        self.files.iter().chain(&self.if_present)
    }
}

/// The follow-up for a first answer that was stopped at the limit: the newest part, and counts.
pub fn follow_up(question: &Question, first: &Answer) -> Option<String> {
    if first.overflow == 0 {
        return None;
    }
    let mut files: Vec<(bool, String)> = first
        .lines()
        .filter_map(|line| {
            let told = line.split_once(':')?.1.strip_prefix(question.fence.as_str())?.strip_prefix(' ')?;
            match told.split_at_checked(2) {
                Some(("G ", path)) => Some((true, path.to_owned())),
                Some(("F ", path)) => Some((false, path.to_owned())),
                _ => None,
            }
        })
        .collect();
    files.sort_by_key(|(_, path)| oldest_first(path));
    let pattern = quote(&question.ere());
    let grep = question.grep(&question.ere());
    let mut script = String::new();
    for (zipped, path) in &files {
        let read = match unzipped(question, *zipped, path) {
            Some(read) => format!("{read}|grep"),
            None => "grep".to_owned(),
        };
        let path = quote(path);
        let name = if *zipped { String::new() } else { format!(" -- {path}") };
        script.push_str(&format!("echo \"C $({read} -a -c -E -e {pattern}{name}) \"{path};"));
    }
    script.push_str("echo M;{ ");
    for (index, (zipped, path)) in files.iter().enumerate() {
        let (read, name) = match unzipped(question, *zipped, path) {
            Some(read) => (format!("{read}|"), String::new()),
            None => (String::new(), format!(" -- {}", quote(path))),
        };
        script.push_str(&format!("{read}{grep}{name}|sed 's/^/{index}:/';"));
    }
    script.push_str(&format!(":;}}|cut -b 1-{LONGEST_LINE}|tail -c {}", tail_bytes(question)));
    Some(script)
}

/// The command that prints a file that grep can't read by itself.
fn unzipped(question: &Question, zipped: bool, path: &str) -> Option<String> {
    let journal = question.journal.as_ref().filter(|journal| journal.name() == path);
    match (journal, zipped) {
        (Some(journal), _) => Some(journal.command(None)),
        (None, true) => Some(format!("gzip -dc -- {}", quote(path))),
        (None, false) => None,
    }
}

/// What the follow-up brings at most, beside its counts.
fn tail_bytes(question: &Question) -> usize {
    question.limit * 3 / 4
}

/// Rotation order: a name that is only longer by a date or a number is an older file; dates sort as they
/// are, `.1` is younger than `.2`.
fn oldest_first(path: &str) -> (u8, i64, String) {
    let name = path.strip_suffix(".gz").unwrap_or(path);
    let last = name.rsplit('.').next().unwrap_or("");
    if let (true, Ok(number)) = (last.len() <= 3, last.parse::<i64>()) {
        return (0, -number, String::new());
    }
    let dated = last.bytes().filter(u8::is_ascii_digit).count() >= 8;
    (if dated { 0 } else { 1 }, 0, name.to_owned())
}

/// Reads the answers: the first, and the follow-up's where there was one. `broker` is the one that is there now.
pub fn parse(
    question: &Question,
    answers: &[Answer],
    broker: &Identity,
    limit_seconds: u64,
) -> (Evidence, Vec<Coverage>) {
    let Some(first) = answers.first().filter(|first| first.ended.is_some()) else {
        return unasked(question);
    };
    let mut reading = reading::read(question, first);
    let listed = !reading.coverage.is_empty();
    reading.grep.pattern = question.ere();
    let follow_up = answers.get(1);
    if let Some(second) = follow_up {
        reading.grep.records.clear();
        newest_part(second, question, &mut reading.grep, &mut reading.coverage);
        reading.whole = second.whole();
        reading.newest = true;
        for (file, heard) in reading.grep.files.iter_mut().zip(&mut reading.heard) {
            // The newest part is read from no beginning and to no place from which it could be gone on.
            file.cursor = None;
            *heard = carry::Heard { whole: true, ..carry::Heard::default() };
        }
    }
    if let Some(journal) = &question.journal {
        journal_rows(journal, first, &mut reading);
    }
    reading.grep.records.iter_mut().for_each(shorten);
    // A follow-up replaces what the first answer lacked; what cut the follow-up itself still counts.
    let cut = follow_up.unwrap_or(first).why_cut(limit_seconds);
    let unfinished = || (!reading.whole).then(|| "the node's grep or awk did not end well".to_owned());
    if let Some(why) = cut.clone().or_else(unfinished) {
        for row in reading.coverage.iter_mut().filter(|row| row.status == CoverageStatus::Complete) {
            row.status = CoverageStatus::Partial;
            row.reason = Some(why.clone());
        }
    }
    for line in lines(&first.stderr).filter(|line| line.starts_with("grep:")) {
        if let (true, Some(row)) =
            (line.contains("usage") || line.contains("option"), reading.coverage.first_mut())
        {
            row.status = CoverageStatus::None;
            row.reason = Some(line.into_owned());
        }
    }
    if !listed && (!reading.whole || !question.files.is_empty()) {
        let said = lines(&first.stderr).next().map(|line| line.into_owned());
        let why = cut.or(said).unwrap_or_else(|| "the node's shell did not answer".into());
        let none = |path: &String| Coverage::none(path, why.clone());
        reading.coverage = question.files.iter().map(none).collect();
        let missing = |path: &String| LogFile { path: path.clone(), ..LogFile::default() };
        reading.grep.files = question.files.iter().map(missing).collect();
        reading.whole = false;
    }
    if !reading.whole {
        // What was held back on the node may have been lost with its script, so no place is behind all of it.
        reading.grep.files.iter_mut().for_each(|file| file.cursor = None);
    }
    let when = carry::When {
        now: first.sent.unwrap_or_default(),
        kept_minutes: question.newer_than_minutes.unwrap_or(carry::KEPT_MINUTES),
        another: question.earlier.as_ref().is_some_and(|earlier| earlier.broker.is_another(broker)),
    };
    let (mut grep, mut coverage) = match question.known() {
        Some(earlier) => {
            let (mut grep, coverage) = carry::carry(earlier, reading, when);
            if question.is_kafka() {
                thin::thin(&mut grep);
            }
            carry::bound(&mut grep, question.limit);
            (grep, coverage)
        }
        None => {
            let mut grep = reading.grep;
            twice::drop_twice(&mut grep);
            grep.records.sort_by_key(|record| (record.file, record.line));
            (grep, reading.coverage)
        }
    };
    grep.asked = Some(question.key());
    beyond(question, follow_up.is_some(), &grep, &mut coverage);
    (Evidence::LogGrep(grep), coverage)
}

/// Nobody was asked: what earlier rounds read is all there is.
fn unasked(question: &Question) -> (Evidence, Vec<Coverage>) {
    let why = "it was not asked: the visit ended before";
    let rows = question.files.iter().map(|path| Coverage::none(path, why)).collect();
    let evidence = match question.known() {
        Some(earlier) => Evidence::LogGrep(LogGrep::clone(earlier)),
        None => Evidence::None,
    };
    (evidence, rows)
}

/// What was left out is said beside what was kept.
fn beyond(question: &Question, cut: bool, grep: &LogGrep, coverage: &mut [Coverage]) {
    if cut {
        return;
    }
    for (file, row) in grep.files.iter().zip(coverage).filter(|(file, _)| file.beyond > 0) {
        row.missing = Some(match question.is_kafka() {
            true => format!("{} more lines like others that were kept", file.beyond),
            false => format!("{} older matching lines", file.beyond),
        });
    }
}

/// The follow-up's output: `C COUNT PATH`, then `INDEX:LINE:text` in the order of the counts.
fn newest_part(answer: &Answer, question: &Question, grep: &mut LogGrep, coverage: &mut [Coverage]) {
    let tail = tail_bytes(question);
    let mut assembly = Assembly::new(question.trace());
    let mut order: Vec<(u32, u64)> = Vec::new();
    let mut listing = true;
    let mut kept = vec![0u64; grep.files.len()];
    // Where the tail is full, its first line is the end of a line that was cut.
    let mut first = false;
    let mut left = answer.stdout.len();
    for line in raw_lines(&answer.stdout) {
        if listing {
            left = left.saturating_sub(line.len() + 1);
            if line == b"M" {
                listing = false;
                first = left >= tail;
            } else if let Some(rest) = line.strip_prefix(b"C ") {
                let text = String::from_utf8_lossy(rest);
                let Some((count, path)) = text.split_once(' ') else { continue };
                let Some(file) = position(grep, path.as_bytes()) else { continue };
                order.push((file, count.trim().parse().unwrap_or(0)));
            }
            continue;
        }
        if std::mem::take(&mut first) {
            continue;
        }
        let Some((index, b':', rest)) = numbered(line) else { continue };
        let Some((file, _)) = order.get(index as usize) else { continue };
        let Some((number, mark, text)) = numbered(rest) else { continue };
        if mark == b':' {
            kept[*file as usize] += 1;
        }
        assembly.line(*file, number, mark == b':', text, &mut grep.records);
    }
    assembly.finish(&mut grep.records);
    for (file, count) in order {
        let file = file as usize;
        let beyond = count.saturating_sub(kept[file]);
        grep.files[file].beyond = beyond;
        if beyond > 0
            && let Some(row) = coverage.iter_mut().find(|row| row.path == grep.files[file].path)
        {
            row.status = CoverageStatus::Partial;
            row.reason = Some("more matching lines than the limit: the newest were kept".to_owned());
            row.missing = Some(format!("{beyond} older matching lines"));
        }
    }
}

fn position(grep: &LogGrep, path: &[u8]) -> Option<u32> {
    grep.files.iter().position(|file| file.path.as_bytes() == path).map(|at| at as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::Ended;

    #[test]
    fn how_far_back_a_journal_was_read_is_said() {
        let read = |since| {
            let question = Question {
                files: Vec::new(),
                if_present: Vec::new(),
                pattern: KAFKA.to_owned(),
                newer_than_minutes: None,
                limit: 1 << 20,
                journal: Some(Journal { unit: "kafka.service".to_owned(), since }),
                earlier: None,
                fence: "rmfence".to_owned(),
            };
            let said = ["G journal:kafka.service", "S 0 - - journal:kafka.service", "E", "."];
            let said: String =
                said.iter().zip(1..).map(|(said, at)| format!("{at}:rmfence {said}\n")).collect();
            let stdout = said.into();
            let answer = Answer { stdout, ended: Some(Ended::Exit(0)), ..Answer::default() };
            (script(&question), parse(&question, &[answer], &Identity::default(), 1).1)
        };
        let (script, coverage) = read(None);
        assert!(script.contains("--since=-1d"), "{script}");
        let reason = Some("the last 24 h; --since reads more".to_owned());
        assert_eq!(coverage, [Coverage { reason, ..Coverage::complete("journal:kafka.service") }]);
        let (script, coverage) = read(Some(1_491_220_800));
        assert!(script.contains("--since=@1491220800"), "{script}");
        assert_eq!(coverage, [Coverage::complete("journal:kafka.service")]);
    }
}
