//! The script of a reading.

use super::{Question, thin};
use crate::kafka::catalogue;
use crate::round::{LogGrep, Place};
use crate::shell::script::{glob_parent, quote, quote_glob};

/// Lines after a match that may belong to it: a JVM stack trace with its causes, cut in its middle at worst.
pub(super) const LINES_AFTER: u32 = 30;

/// What journalctl writes before the cursor that it was asked for.
pub(super) const JOURNAL_CURSOR: &str = "-- cursor: ";

/// The script; its comments stay here.
pub fn script(question: &Question) -> String {
    let fence = &question.fence;
    // One pattern: BusyBox looks for each of several in turn.
    let journal_cursor = question.journal.as_ref().map(|_| format!("|^{JOURNAL_CURSOR}")).unwrap_or_default();
    let mut grep = question.grep(&format!("{}|{fence}{journal_cursor}", question.ere()));
    if question.is_kafka() {
        grep.push_str(&format!("|LC_ALL=C awk {}", quote(&thin::program(fence))));
    }
    let minutes = question.newer_than_minutes.map(|minutes| minutes.to_string()).unwrap_or_default();
    let lines =
        include_str!("reading.sh").lines().filter(|line| !line.starts_with("# ")).map(|line| match line {
            "@GLOBS@" => globs(question),
            "@JOURNAL@" => journal(question),
            line => line.replace("@GREP@", &grep),
        });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let cursors = question.known().map(cursors).unwrap_or_default();
    format!("Q={fence}\nC='{cursors}'\nT={minutes}\n{}", lines.join("\n"))
}

impl Question {
    /// The pattern for grep.
    pub(super) fn ere(&self) -> String {
        if self.is_kafka() { catalogue::prefilter() } else { self.pattern.clone() }
    }

    /// grep with its options. The catalogue's pattern matches the lines of a record that matter, so that
    /// no others need to be brought; any other pattern brings the lines behind a match.
    pub(super) fn grep(&self, pattern: &str) -> String {
        let after = if self.is_kafka() { String::new() } else { format!(" -A {LINES_AFTER}") };
        format!("LC_ALL=C grep -a -n{after} -E -e {}", quote(pattern))
    }
}

fn globs(question: &Question) -> String {
    let say = |index: usize, why: &str| format!("[ $R != 1 ]||echo \"$Q N {index} {why}\"");
    let mut script = Vec::new();
    for (index, path) in question.paths().enumerate() {
        let words = quote_glob(path);
        let parent = quote(glob_parent(path));
        script.push(format!(
            "if e {words};then set -- \"$@\" {words};elif [ ! -d {parent} ];then {};\
             elif [ -r {parent} ]&&[ -x {parent} ];then {};else {};fi",
            say(index, "nodir"),
            say(index, "nomatch"),
            say(index, "unreadable"),
        ));
    }
    script.join("\n")
}

fn journal(question: &Question) -> String {
    let Some(journal) = &question.journal else { return String::new() };
    let known = question.known().and_then(|earlier| {
        earlier.files.iter().enumerate().find_map(|(at, file)| match &file.cursor.as_ref()?.place {
            Place::Journal(cursor) if file.path == journal.name() => Some((at, cursor.as_str())),
            _ => None,
        })
    });
    let name = quote(&journal.name());
    let base = known.map_or("-".to_owned(), |(at, _)| at.to_string());
    let command = journal.command(known.map(|(_, cursor)| cursor));
    format!(
        "if [ $# = 0 ]&&[ $R = 1 ];then if command -v journalctl >/dev/null 2>&1;then n=$((n+1));\
         echo \"$Q G \"{name};echo \"$Q S 0 {base} {base} \"{name};{command}||{{ echo;echo \"$Q B\";}};echo \"$Q E\";fi;fi"
    )
}

/// `INDEX:INODE:OFFSET:END:HEAD:TAIL:ZIPPED`, a word for each file that has a cursor.
fn cursors(earlier: &LogGrep) -> String {
    let of = |(at, file): (usize, &crate::round::LogFile)| match &file.cursor.as_ref()?.place {
        Place::File(place) => Some(format!(
            "{at}:{}:{}:{}:{}:{}:{}{}",
            place.inode,
            place.offset,
            place.end,
            place.head,
            place.tail,
            u8::from(place.zipped),
            // A saved round is a file like any other: only what ls says of a time goes into a script.
            place.written.as_deref().filter(|it| is_time(it)).map(|it| format!(":{it}")).unwrap_or_default(),
        )),
        Place::Journal(_) => None,
    };
    earlier.files.iter().enumerate().filter_map(of).collect::<Vec<_>>().join(" ")
}

/// Whether a word can be what `ls` says of a time, blanks and colons made underscores.
pub(super) fn is_time(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
