//! A transcript cut into what each host said.
//!
//! Forms: Ansible's ad-hoc output (`host | CHANGED | rc=0 >>`, from 1.x `success` and `FAILED`, `=> {…}` with
//! the output inside, `--one-line` with `(stdout)`), clush and pdsh (`host: line`), and both folded
//! (`clush -b`, `dshbak -c`: a host set between two dashed lines).

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::intake::Wrong;
use crate::kafka::record::compile;

/// More hosts in one folded heading than this are a mistake or malice.
const HOST_SET: usize = 10_000;

/// Dimensions of one pattern; nodeset itself has no use for more than a few.
const DIMENSIONS: usize = 8;

/// What one host said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    pub host: String,
    /// Line in the transcript, from 1, and the text.
    pub lines: Vec<(usize, String)>,
    pub ended: End,
}

/// How a host's part of a transcript ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum End {
    /// It does not say.
    #[default]
    Unsaid,
    /// The exit status.
    Status(i64),
    /// The command was not run, or did not end in an ordinary way.
    Failed(String),
    /// Nobody got in.
    Unreachable(String),
}

static ANSIBLE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?P<host>[^\s|]+) \| (?P<word>SUCCESS|CHANGED|FAILED!?|UNREACHABLE!|success|FAILURE)(?: \| rc=(?P<rc>-?[0-9]{1,9}))?(?P<rest> >>| =>.*| \|.*| :.*|)$",
    )
});
static PREFIXED: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.:%-]{0,252}[A-Za-z0-9_%])?): ?(?P<line>.*)$")
});
static SEQUENCE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"\x1b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])"));
static ENDED: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?:clush: (?P<clush>\S+): exited with exit code|pdsh@[^:\s]+: (?P<pdsh>[^:\s]+): ssh exited with exit code) (?P<rc>[0-9]{1,9})\s*$",
    )
});
static FOLDED: LazyLock<Regex> = LazyLock::new(|| compile(r"^(?P<set>\S+?)(?: \([0-9]+\))?$"));

/// Words before a colon that are programs, not hosts.
const PROGRAMS: [&str; 14] = [
    "du", "sh", "bash", "dash", "find", "ssh", "sudo", "clush", "pdsh", "nodeset", "ansible", "ERROR",
    "error", "warning",
];

/// Cuts a transcript into blocks, one a host and answer, in the order of the text.
///
/// # Errors
/// A folded heading that is no set of hosts.
pub fn blocks(text: &str) -> Result<Vec<Block>, Wrong> {
    let lines: Vec<String> = text.lines().map(plain).collect();
    let mut reader = Reader::default();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let number = at + 1;
        at += 1;
        if let Some(found) = ANSIBLE.captures(line) {
            at = reader.ansible(&found, number, &lines, at);
        } else if let Some(hosts) = folded(&lines, at - 1) {
            reader
                .open(expand(hosts).ok_or_else(|| {
                    Wrong::at(number + 1, format!("`{}` is no set of hosts", shown(hosts)))
                })?);
            at += 2;
        } else if let Some(found) = ENDED.captures(line) {
            let host = found.name("clush").or_else(|| found.name("pdsh")).map_or("", |host| host.as_str());
            let status = found["rc"].parse().map_or(End::Unsaid, End::Status);
            if let Some(block) = reader.of(host) {
                block.ended = status;
            }
        } else if !noise(line) {
            reader.line(number, line);
        }
    }
    Ok(reader.blocks)
}

/// Without colours and carriage returns.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    if line.contains('\x1b') { SEQUENCE.replace_all(line, "").into_owned() } else { line.to_owned() }
}

fn shown(word: &str) -> String {
    word.chars().take(60).collect()
}

/// What ssh and Ansible put between.
fn noise(line: &str) -> bool {
    (line.starts_with("Shared connection to ") || line.starts_with("Connection to "))
        && line.ends_with("closed.")
        || line.starts_with("[WARNING]")
        || line.starts_with("[DEPRECATION WARNING]")
        || line.starts_with("Warning: Permanently added")
        || line.starts_with("[ERROR]: Task failed")
}

/// The host set of a folded heading that starts at a line.
fn folded(lines: &[String], at: usize) -> Option<&str> {
    let dashes = |line: &String| line.len() >= 5 && line.bytes().all(|byte| byte == b'-');
    let (first, hosts, last) = (lines.get(at)?, lines.get(at + 1)?, lines.get(at + 2)?);
    if !dashes(first) || !dashes(last) {
        return None;
    }
    FOLDED.captures(hosts).and_then(|found| found.name("set")).map(|set| set.as_str())
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The last block of each host.
    last: HashMap<String, usize>,
    /// The blocks that a line without a name belongs to.
    current: Vec<usize>,
}

impl Reader {
    fn open(&mut self, hosts: Vec<String>) {
        self.current = hosts.into_iter().map(|host| self.add(host)).collect();
    }

    fn add(&mut self, host: String) -> usize {
        let at = self.blocks.len();
        self.last.insert(host.clone(), at);
        self.blocks.push(Block { host, ..Block::default() });
        at
    }

    /// The block of a host that a line names.
    fn of(&mut self, host: &str) -> Option<&mut Block> {
        let at = match self.last.get(host) {
            Some(at) => *at,
            None => self.add(host.to_owned()),
        };
        self.blocks.get_mut(at)
    }

    fn say(&mut self, host: &str, number: usize, line: &str) {
        if let Some(block) = self.of(host) {
            block.lines.push((number, line.to_owned()));
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        if self.current.is_empty() {
            let Some(found) = PREFIXED.captures(line) else {
                // The prompt, a heading, a blank line: whether it mattered the reader of the blocks decides.
                if !line.trim().is_empty() {
                    self.say("", number, line);
                }
                return;
            };
            match &found["host"] {
                program if PROGRAMS.contains(&program) => self.say("", number, line),
                host => self.say(host, number, &found["line"]),
            }
            return;
        }
        for at in &self.current {
            if let Some(block) = self.blocks.get_mut(*at) {
                block.lines.push((number, line.to_owned()));
            }
        }
    }

    /// An Ansible heading at line `number`; `next` is the line after it. Gives the line to go on with.
    fn ansible(
        &mut self,
        found: &regex::Captures<'_>,
        number: usize,
        lines: &[String],
        next: usize,
    ) -> usize {
        self.open(vec![found["host"].to_owned()]);
        let Some(block) = self.blocks.last_mut() else { return next };
        let status = found.name("rc").and_then(|rc| rc.as_str().parse().ok());
        block.ended = match (&found["word"], status) {
            (_, Some(status)) => End::Status(status),
            ("UNREACHABLE!", None) => End::Unreachable("unreachable".to_owned()),
            ("FAILED" | "FAILED!" | "FAILURE", None) => End::Failed("failed".to_owned()),
            _ => End::Unsaid,
        };
        let rest = found.name("rest").map_or("", |rest| rest.as_str());
        if rest.starts_with(" =>") {
            let (object, next) = object(rest.trim_start_matches(" =>").trim(), lines, next);
            take_json(block, number, object.as_ref());
            // What follows an object belongs to no host.
            self.current.clear();
            return next;
        }
        if let Some(one_line) = rest.strip_prefix(" | ") {
            let stdout = one_line.strip_prefix("(stdout) ").unwrap_or(one_line);
            let (stdout, stderr) = stdout.split_once(" (stderr) ").unwrap_or((stdout, ""));
            for text in [stdout, stderr].into_iter().flat_map(|text| text.split("\\n")) {
                block.lines.push((number, text.trim_end_matches("\\r").replace("\\t", "\t")));
            }
            self.current.clear();
        } else if let Some(reason) = rest.strip_prefix(" :") {
            give_reason(&mut block.ended, reason.trim());
        }
        next
    }
}

/// The JSON object that begins in a heading's rest, whole there or printed over the lines that follow, and
/// the line after it.
fn object(first: &str, lines: &[String], next: usize) -> (Option<Value>, usize) {
    if let Ok(object) = serde_json::from_str(first) {
        return (Some(object), next);
    }
    let mut text = first.to_owned();
    for (at, line) in lines.iter().enumerate().skip(next) {
        if ANSIBLE.is_match(line) {
            return (None, at);
        }
        text.push('\n');
        text.push_str(line);
        // What is inside is indented.
        if line.starts_with('}') {
            return (serde_json::from_str(&text).ok(), at + 1);
        }
    }
    (None, lines.len())
}

fn take_json(block: &mut Block, number: usize, object: Option<&Value>) {
    let Some(object) = object else {
        give_reason(&mut block.ended, "its answer is cut off");
        if block.ended == End::Unsaid {
            block.ended = End::Failed("its answer is cut off".to_owned());
        }
        return;
    };
    if let Some(status) = object.get("rc").and_then(Value::as_i64) {
        block.ended = End::Status(status);
    }
    if let Some(reason) = object.get("msg").and_then(Value::as_str) {
        give_reason(&mut block.ended, reason);
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or("");
    for text in [text("stdout"), text("stderr")].into_iter().flat_map(str::lines) {
        block.lines.push((number, plain(text)));
    }
}

fn give_reason(ended: &mut End, reason: &str) {
    let reason: String = reason.trim().chars().take(300).collect();
    if reason.is_empty() {
        return;
    }
    if let End::Failed(why) | End::Unreachable(why) = ended {
        *why = reason;
    }
}

/// The hosts of `node[1-3,07],db1`; `None` when it is no set of hosts or far too large.
pub fn expand(set: &str) -> Option<Vec<String>> {
    let mut hosts = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for (at, byte) in set.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                one(set.get(start..at)?, &mut hosts)?;
                start = at + 1;
            }
            _ => {}
        }
    }
    one(set.get(start..)?, &mut hosts)?;
    (depth == 0).then_some(hosts)
}

/// One pattern with any number of `[…]`, each of numbers and ranges.
fn one(pattern: &str, hosts: &mut Vec<String>) -> Option<()> {
    if pattern.matches('[').count() > DIMENSIONS {
        return None;
    }
    let Some((head, rest)) = pattern.split_once('[') else {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte);
        if pattern.is_empty() || !pattern.bytes().all(name) || hosts.len() >= HOST_SET {
            return None;
        }
        hosts.push(pattern.to_owned());
        return Some(());
    };
    let (inner, tail) = rest.split_once(']')?;
    for part in inner.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (from.parse::<u32>().ok()?, to.parse::<u32>().ok()?);
        for number in first..=last {
            // Leading zeros say how wide the numbers are.
            one(&format!("{head}{number:0width$}{tail}", width = from.len()), hosts)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(text: &str) -> Vec<(String, Vec<String>, End)> {
        let blocks = blocks(text).unwrap();
        blocks
            .into_iter()
            .map(|block| (block.host, block.lines.into_iter().map(|(_, line)| line).collect(), block.ended))
            .collect()
    }

    fn one(host: &str, lines: &[&str], ended: End) -> (String, Vec<String>, End) {
        (host.to_owned(), lines.iter().map(|line| (*line).to_owned()).collect(), ended)
    }

    #[test]
    fn ansibles_forms() {
        for (heading, ended) in [
            ("a.b-1 | SUCCESS | rc=0 >>", End::Status(0)),
            ("a.b-1 | CHANGED | rc=0 >>", End::Status(0)),
            ("a.b-1 | success | rc=0 >>", End::Status(0)),
            ("a.b-1 | FAILED | rc=1 >>", End::Status(1)),
            ("\x1b[0;33ma.b-1 | CHANGED | rc=0 >>\x1b[0m\r", End::Status(0)),
        ] {
            let text = format!("{heading}\n4.1G\t/k/t-0\r\nShared connection to a.b-1 closed.\r\n");
            assert_eq!(said(&text), [one("a.b-1", &["4.1G\t/k/t-0"], ended)], "{heading}");
        }
    }

    #[test]
    fn ansible_on_one_line_and_as_json() {
        assert_eq!(
            said("n1 | CHANGED | rc=0 | (stdout) 4.1G\\t/k/t-0\\n4.1G\\ttotal (stderr) \n"),
            [one("n1", &["4.1G\t/k/t-0", "4.1G\ttotal", ""], End::Status(0))]
        );
        let json = "n1 | CHANGED => {\n    \"rc\": 0,\n    \"stdout\": \"1K\\t/k/t-0\\r\\n2K\\ttotal\\r\\n\"\n}\nn2 | UNREACHABLE! => {\"changed\": false, \"msg\": \"Failed to connect to the host via ssh: no route\", \"unreachable\": true}\nn3 | FAILED! => {\n    \"msg\": \"Missing sudo password\"\n}\n";
        assert_eq!(
            said(json),
            [
                one("n1", &["1K\t/k/t-0", "2K\ttotal"], End::Status(0)),
                one("n2", &[], End::Unreachable("Failed to connect to the host via ssh: no route".into())),
                one("n3", &[], End::Failed("Missing sudo password".into())),
            ]
        );
    }

    #[test]
    fn a_torn_object_is_no_answer() {
        assert_eq!(
            said("n1 | CHANGED => {\n    \"rc\": 0,\nn2 | CHANGED | rc=0 >>\nx"),
            [one("n1", &[], End::Failed("its answer is cut off".into())), one("n2", &["x"], End::Status(0))]
        );
    }

    #[test]
    fn clush_and_pdsh() {
        assert_eq!(
            said(
                "n1: 4.0K\t/k/t-0\nn2: du: cannot access '/k': No such file\nn1: 4.0K\ttotal\nclush: n2: exited with exit code 1\npdsh@admin: n1: ssh exited with exit code 2\n"
            ),
            [
                one("n1", &["4.0K\t/k/t-0", "4.0K\ttotal"], End::Status(2)),
                one("n2", &["du: cannot access '/k': No such file"], End::Status(1)),
            ]
        );
        assert_eq!(
            said(
                "---------------\nn[1-2] (2)\n---------------\n8K\t/k/t-0\n---------------\nn3\n---------------\n9K\t/k/t-0\n"
            ),
            [
                one("n1", &["8K\t/k/t-0"], End::Unsaid),
                one("n2", &["8K\t/k/t-0"], End::Unsaid),
                one("n3", &["9K\t/k/t-0"], End::Unsaid),
            ]
        );
    }

    #[test]
    fn host_sets() {
        let names = |set| expand(set).map(|hosts| hosts.join(" "));
        assert_eq!(names("n[1-3,07],db1").as_deref(), Some("n1 n2 n3 n07 db1"));
        assert_eq!(
            names("n[08-10].dc1").as_deref(),
            Some("n08 n09 n10.dc1").map(|_| "n08.dc1 n09.dc1 n10.dc1")
        );
        assert_eq!(names("r[1-2]n[1-2]").as_deref(), Some("r1n1 r1n2 r2n1 r2n2"));
        for set in ["", "n[1", "n]", "n[a-b]", "n[0-4000000000]", "a b", "n[1]x[2][3][4][5][6][7][8][9]"] {
            assert_eq!(expand(set), None, "{set}");
        }
        assert!(blocks("-----\nn[1-x]\n-----\n").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(?s)([a-z0-9.: |>={}\\[\\],\"\n-]|SUCCESS|rc=0|-----|\x1b\\[0m|.){0,200}") {
            let _ = blocks(&text);
        }

        #[test]
        fn any_set_is_read_without_harm(set in "[a-z0-9,\\[\\]-]{0,60}") {
            let _ = expand(&set);
        }
    }
}
