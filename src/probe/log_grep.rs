//! `log_grep`: records of log files whose lines match an extended regular expression.
//!
//! One `grep` per visit to a set of files; only what matches crosses the wire, with the lines after it
//! (exception and stack trace). When that is more than the limit, the script is stopped and a follow-up
//! brings the newest part within the limit and counts the rest.

use crate::kafka::{catalogue, record};
use crate::round::{Access, Coverage, CoverageStatus, Evidence, LogFile, LogGrep, LogRecord};
use crate::shell::answer::{Answer, lines};
use crate::shell::script::{glob_parent, quote, quote_glob};

mod thin;

/// In place of a pattern: everything that the catalogue of Kafka's messages knows, and every error.
pub const KAFKA: &str = "kafka";

/// Lines after a match that may belong to it: a JVM stack trace with its causes, cut in its middle at worst.
const LINES_AFTER: u32 = 30;

/// Lines of a stack trace between an exception and its cause, at most.
const TRACE: u64 = 300;

/// Bytes of one line that are kept; a Kafka record that is longer tells nothing more there.
const LONGEST_LINE: usize = 8192;

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
}

/// The journal of a systemd unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    pub unit: String,
    /// Seconds since 1970; nothing said means a day, since a journal has no end that a grep could reach.
    pub since: Option<i64>,
}

impl Journal {
    /// The command that prints it; one line of it may be as long as any.
    fn command(&self) -> String {
        let since = self.since.map_or_else(|| "-1d".to_owned(), |since| format!("@{since}"));
        format!(
            "journalctl -u {} --since={} -o short-iso-precise --no-pager -q",
            quote(&self.unit),
            quote(&since)
        )
    }

    /// How it stands among the files.
    fn name(&self) -> String {
        format!("journal:{}", self.unit)
    }
}

impl Question {
    /// The pattern for grep.
    fn ere(&self) -> String {
        if self.is_kafka() { catalogue::prefilter() } else { self.pattern.clone() }
    }

    fn trace(&self) -> u64 {
        if self.is_kafka() { TRACE } else { 0 }
    }

    fn is_kafka(&self) -> bool {
        self.pattern == KAFKA
    }

    /// grep with its options. The catalogue's pattern matches the lines of a record that matter, so that
    /// no others need to be brought; any other pattern brings the lines behind a match.
    fn grep(&self) -> String {
        let after = if self.is_kafka() { String::new() } else { format!(" -A {LINES_AFTER}") };
        format!("LC_ALL=C grep -a -n{after} -E -e {}", quote(&self.ere()))
    }

    fn paths(&self) -> impl Iterator<Item = &String> {
        self.files.iter().chain(&self.if_present)
    }
}

/// The script.
pub fn script(question: &Question) -> String {
    let mut script = String::from("e() { [ -e \"$1\" ]||[ -L \"$1\" ];};set --;");
    for (index, path) in question.paths().enumerate() {
        let words = quote_glob(path);
        script.push_str(&format!(
            "if e {words};then set -- \"$@\" {words};else d() {{ if [ ! -d \"$1\" ];then echo \"N {index} nodir\";\
             elif [ -r \"$1\" ]&&[ -x \"$1\" ];then echo \"N {index} nomatch\";else echo \"N {index} unreadable\";fi;}};\
             d {};fi;",
            quote(glob_parent(path))
        ));
    }
    let grep = question.grep();
    let kafka = question.is_kafka();
    if kafka {
        script.push_str("{ ");
    }
    if let Some(journal) = &question.journal {
        script.push_str(&format!(
            "[ $# != 0 ]||if command -v journalctl >/dev/null 2>&1;then echo G {};{}|{grep};else echo 'J none';fi;",
            quote(&journal.name()),
            journal.command()
        ));
    }
    let recent = match question.newer_than_minutes {
        // A file that is not in the list is older; if find knows no -mmin, every file is read.
        Some(minutes) => {
            script.push_str(&format!(
                "o=$([ $# = 0 ]||find -H \"$@\" -prune -mmin -{minutes} 2>/dev/null||echo all);"
            ));
            "elif case $o in all|*\"$f\"*) false;; *) true;; esac;then echo \"O $f\";"
        }
        None => "",
    };
    // `for` walks over the words as they were, so the list can be made anew inside.
    script.push_str(&format!(
        "for f do shift;if [ -d \"$f\" ];then echo \"X $f\";elif [ ! -r \"$f\" ];then echo \"U $f\";\
         elif [ ! -s \"$f\" ];then echo \"Z $f\";{recent}else case $f in \
         *.gz) echo \"G $f\";gzip -dc -- \"$f\"|{grep};; *) echo \"F $f\";set -- \"$@\" \"$f\";; esac;fi;done;\
         echo M;[ $# = 0 ]||{grep} -- \"$@\" /dev/null;:"
    ));
    if kafka {
        script.push_str(&format!(";}}|LC_ALL=C awk {}", quote(&thin::program())));
    }
    script
}

/// The follow-up for a first answer that was stopped at the limit: the newest part, and counts.
pub fn follow_up(question: &Question, first: &Answer) -> Option<String> {
    if first.overflow == 0 {
        return None;
    }
    let mut files: Vec<(bool, String)> = first
        .lines()
        .take_while(|line| line != "M")
        .filter_map(|line| match line.split_at_checked(2) {
            Some(("G ", path)) => Some((true, path.to_owned())),
            Some(("F ", path)) => Some((false, path.to_owned())),
            _ => None,
        })
        .collect();
    files.sort_by_key(|(_, path)| oldest_first(path));
    let pattern = quote(&question.ere());
    let grep = question.grep();
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
        (Some(journal), _) => Some(journal.command()),
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

/// Reads the answers: the first, and the follow-up's where there was one.
pub fn parse(question: &Question, answers: &[Answer], limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let mut grep = LogGrep { pattern: question.ere(), ..LogGrep::default() };
    let mut coverage = Vec::new();
    let Some(first) = answers.first() else {
        let none = |path: &String| Coverage::none(path, "it was not asked: the visit ended before");
        return (Evidence::None, question.files.iter().map(none).collect());
    };
    let mut listed = false;
    for line in first.lines() {
        if line == "M" {
            listed = true;
            break;
        }
        let Some((kind, rest)) = line.split_at_checked(2) else { continue };
        let (access, note) = match kind {
            "F " | "G " => {
                let journal = question.journal.as_ref().filter(|journal| journal.name() == rest);
                let day = journal.is_some_and(|journal| journal.since.is_none());
                let reason = day.then(|| "the last 24 h; --since reads more".to_owned());
                (Access::Readable, Coverage { reason, ..Coverage::complete(rest) })
            }
            "O " => (
                Access::Unseen,
                Coverage { reason: Some("older than --since".into()), ..Coverage::complete(rest) },
            ),
            "Z " => (Access::Empty, Coverage { reason: Some("empty".into()), ..Coverage::complete(rest) }),
            "X " => (Access::Unreadable, Coverage::none(rest, "a directory, not a log file")),
            "U " => (Access::Unreadable, Coverage::none(rest, "not readable by this user")),
            "N " => {
                let (index, why) = rest.split_once(' ').unwrap_or((rest, ""));
                let Some(index) = index.parse::<usize>().ok() else { continue };
                let Some(path) = question.paths().nth(index) else { continue };
                let (access, reason) = match why {
                    "nodir" => (Access::Missing, "its directory does not exist"),
                    "unreadable" => (Access::Unreadable, "its directory is not readable by this user"),
                    _ => (Access::Missing, "no such file"),
                };
                if index >= question.files.len() && access == Access::Missing {
                    continue;
                }
                if let (Some(journal), Access::Missing) = (&question.journal, access)
                    && first.lines().any(|line| line == format!("G {}", journal.name()))
                {
                    // The journal has been read in its stead.
                    continue;
                }
                grep.files.push(LogFile { path: path.clone(), access, beyond: 0 });
                coverage.push(Coverage::none(path, reason));
                continue;
            }
            _ => continue,
        };
        grep.files.push(LogFile { path: rest.to_owned(), access, beyond: 0 });
        coverage.push(note);
    }
    let follow_up = answers.get(1);
    match follow_up {
        Some(second) => newest_part(second, question, &mut grep, &mut coverage),
        None => {
            whole_output(&first.stdout, &mut grep, question.trace());
            if question.is_kafka() {
                // What was held back on the node comes last.
                grep.records.sort_by_key(|record| (record.file, record.line));
                left_out(&first.stdout, &mut grep, &mut coverage);
            }
        }
    }
    if let Some(journal) = &question.journal {
        let file = grep.files.iter().position(|file| file.path == journal.name());
        // Without the right to read a journal, journalctl says so and ends well.
        let denied =
            lines(&first.stderr).find(|line| line.contains("ermission") || line.contains("No journal files"));
        if let (Some(file), Some(why)) = (file, denied)
            && let Some(row) = coverage.iter_mut().find(|row| row.path == journal.name())
        {
            *row = Coverage::none(journal.name(), why.into_owned());
            grep.files[file].access = Access::Unreadable;
        }
        for record in grep.records.iter_mut().filter(|record| Some(record.file as usize) == file) {
            of_journal(record);
        }
    }
    for record in &mut grep.records {
        shorten(record);
    }
    // A follow-up replaces what the first answer lacked; what cut the follow-up itself still counts.
    if let Some(why) = follow_up.unwrap_or(first).why_cut(limit_seconds) {
        for row in coverage.iter_mut().filter(|row| row.status == CoverageStatus::Complete) {
            row.status = CoverageStatus::Partial;
            row.reason = Some(why.clone());
        }
    }
    for line in lines(&first.stderr).filter(|line| line.starts_with("grep:") || line.starts_with("gzip:")) {
        if let Some(row) = coverage.iter_mut().find(|row| line.contains(row.path.as_str())) {
            row.status = CoverageStatus::Partial;
            row.reason = Some(line.into_owned());
        } else if let (true, Some(row)) =
            (line.contains("usage") || line.contains("option"), coverage.first_mut())
        {
            row.status = CoverageStatus::None;
            row.reason = Some(line.into_owned());
        }
    }
    if coverage.is_empty() && (!listed || !question.files.is_empty()) {
        let why = first.why_cut(limit_seconds).unwrap_or_else(|| "the node's shell did not answer".into());
        coverage = question.files.iter().map(|path| Coverage::none(path, why.clone())).collect();
    }
    (Evidence::LogGrep(grep), coverage)
}

/// `grep`'s own output: `PATH:LINE:text` and `PATH-LINE-text`; after `G PATH`, `LINE:text`.
fn whole_output(stdout: &[u8], grep: &mut LogGrep, trace: u64) {
    let mut assembly = Assembly { trace, ..Assembly::default() };
    let mut zipped: Option<u32> = None;
    let mut plain = false;
    let mut last = 0usize;
    for line in stdout.split(|byte| *byte == b'\n') {
        if !plain {
            if line == b"M" {
                plain = true;
            } else if let Some(path) = line.strip_prefix(b"G ") {
                zipped = position(grep, path);
            } else if let (Some(file), Some((number, mark, text))) = (zipped, numbered(line)) {
                assembly.line(file, number, mark == b':', text, &mut grep.records);
            }
            continue;
        }
        // Matches of one file follow each other, so the file of the line before is tried first.
        let candidates = std::iter::once(last).chain(0..grep.files.len());
        let found = candidates.into_iter().find_map(|at| {
            let path = grep.files.get(at)?.path.as_bytes();
            let rest = line.strip_prefix(path)?;
            let mark = *rest.first()?;
            let (number, again, text) = numbered(&rest[1..])?;
            (mark == again).then_some((at, number, mark, text))
        });
        if let Some((at, number, mark, text)) = found {
            last = at;
            assembly.line(at as u32, number, mark == b':', text, &mut grep.records);
        }
    }
    assembly.finish(&mut grep.records);
}

/// `T COUNT PATH:LINE:…`: how many lines of one shape the node left out.
fn left_out(stdout: &[u8], grep: &mut LogGrep, coverage: &mut [Coverage]) {
    for line in stdout.split(|byte| *byte == b'\n') {
        let Some(rest) = line.strip_prefix(b"T ") else { continue };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (count, sample) = rest.split_at(digits);
        let count = std::str::from_utf8(count).ok().and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        let sample = sample.strip_prefix(b" ").unwrap_or(sample);
        let of = |file: &&mut LogFile| {
            sample.strip_prefix(file.path.as_bytes()).is_some_and(|rest| rest.first() == Some(&b':'))
        };
        if let Some(file) = grep.files.iter_mut().find(of) {
            file.beyond = file.beyond.saturating_add(count);
        }
    }
    for file in grep.files.iter().filter(|file| file.beyond > 0) {
        if let Some(row) = coverage.iter_mut().find(|row| row.path == file.path) {
            row.missing = Some(format!("{} more lines like others that were kept", file.beyond));
        }
    }
}

/// The follow-up's output: `C COUNT PATH`, then `INDEX:LINE:text` in the order of the counts.
fn newest_part(answer: &Answer, question: &Question, grep: &mut LogGrep, coverage: &mut [Coverage]) {
    let tail = tail_bytes(question);
    let mut assembly = Assembly { trace: question.trace(), ..Assembly::default() };
    let mut order: Vec<(u32, u64)> = Vec::new();
    let mut listing = true;
    let mut kept = vec![0u64; grep.files.len()];
    // Where the tail is full, its first line is the end of a line that was cut.
    let mut first = false;
    let mut left = answer.stdout.len();
    for line in answer.stdout.split(|byte| *byte == b'\n') {
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

/// Takes the journal's own head (`2026-11-01T10:00:00.123456+0100 host java[17]: `) from a record. Where
/// Kafka's layout has no time of its own, the line keeps the journal's.
fn of_journal(record: &mut LogRecord) {
    if let Some(text) = in_journal(&record.text)
        && record::is_header(text)
    {
        record.text = text.to_owned();
    }
    for line in &mut record.continuation {
        if let Some(text) = in_journal(line) {
            *line = text.to_owned();
        }
    }
}

fn in_journal(line: &str) -> Option<&str> {
    let (head, text) = line.split_once("]: ").or_else(|| Some((line.strip_suffix("]:")?, "")))?;
    // Time, host, program and number: three words.
    let words = head.split(' ').count();
    (words == 3 && head.as_bytes().first().is_some_and(u8::is_ascii_digit)).then_some(text)
}

fn position(grep: &LogGrep, path: &[u8]) -> Option<u32> {
    grep.files.iter().position(|file| file.path.as_bytes() == path).map(|at| at as u32)
}

/// A number, the mark after it and the rest.
fn numbered(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(line.get(..digits)?).ok()?.parse().ok()?;
    let mark = *line.get(digits)?;
    matches!(mark, b':' | b'-').then(|| (number, mark, &line[digits + 1..]))
}

/// Puts lines together into records: a header line and what follows it up to the next header.
#[derive(Default)]
struct Assembly {
    open: Option<LogRecord>,
    next_line: u64,
    /// Lines that may be missing inside a record.
    trace: u64,
}

impl Assembly {
    fn line(&mut self, file: u32, number: u64, matched: bool, text: &[u8], records: &mut Vec<LogRecord>) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let (kept, truncated) = match text.get(..LONGEST_LINE) {
            Some(head) => (head, true),
            None => (text, false),
        };
        let shown = String::from_utf8_lossy(kept);
        let header = record::is_header(in_journal(&shown).unwrap_or(&shown));
        // A cause stands below its exception's frames, which do not match; statistics stand in one record.
        let inner = shown.starts_with("Caused by: ") || shown.starts_with(['\t', ' ']);
        let near = number == self.next_line
            || (inner && number > self.next_line && number - self.next_line < self.trace);
        let follows = near && self.open.as_ref().is_some_and(|open| open.file == file);
        if header || !follows {
            self.finish(records);
            if matched {
                self.open = Some(LogRecord {
                    file,
                    line: number,
                    lossy: matches!(shown, std::borrow::Cow::Owned(_)),
                    text: shown.into_owned(),
                    continuation: Vec::new(),
                    truncated,
                });
            }
        } else if let Some(open) = &mut self.open {
            open.truncated |= truncated;
            open.continuation.push(shown.into_owned());
        }
        self.next_line = number.saturating_add(1);
    }

    fn finish(&mut self, records: &mut Vec<LogRecord>) {
        if let Some(mut record) = self.open.take() {
            // As many lines as were asked for: the trace may go on.
            record.truncated |= record.continuation.len() >= LINES_AFTER as usize;
            records.push(record);
        }
    }
}

/// Keeps a stack trace's telling lines: the exceptions, and the first frames of each.
fn shorten(record: &mut LogRecord) {
    let mut frames = 0;
    record.continuation.retain(|line| {
        let frame = line.trim_start().starts_with("at ");
        frames = if frame { frames + 1 } else { 0 };
        frames <= 12
    });
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
            };
            let stdout = "G journal:kafka.service\nM\n".into();
            let answer = Answer { stdout, ended: Some(Ended::Exit(0)), ..Answer::default() };
            (script(&question), parse(&question, &[answer], 1).1)
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
