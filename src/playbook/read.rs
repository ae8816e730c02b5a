//! A playbook file into plays: strict about every key, with the place of whatever is wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

mod expect;

use super::{Play, ProbeKind, ProbeSpec, Serial, Text, ere, units};
use crate::error::{FileError, nearest};
use crate::probe::log_grep;
use crate::yaml::{self, Entry, Node, Yaml};

/// A playbook that has the right form. Its templates are rendered host by host in the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    pub file: PathBuf,
    /// Kept to show the line that an error is about.
    pub text: String,
    pub plays: Vec<Play>,
}

const PLAY_KEYS: [&str; 16] = [
    "name",
    "hosts",
    "vars",
    "probes",
    "expect",
    "ignore_topics",
    "forks",
    "serial",
    "max_fail_percentage",
    "timeout",
    "probe_timeout",
    "round_timeout",
    "since",
    "until",
    "max_output",
    "become",
];
const PROBES: [&str; 4] = ["disk_usage", "log_grep", "disk_free", "command"];

impl Playbook {
    /// Reads `file`.
    ///
    /// # Errors
    /// A file that can't be read, is no YAML, or has a key, a type or a pattern that is wrong.
    pub fn read(file: &Path) -> Result<Playbook, FileError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| FileError::whole(file, format!("the playbook can't be read: {error}")))?;
        Playbook::parse(file, text)
    }

    /// Reads a playbook's text.
    ///
    /// # Errors
    /// As [`Playbook::read`].
    pub fn parse(file: &Path, text: String) -> Result<Playbook, FileError> {
        let root = yaml::parse(file, &text)?;
        let reader = Reader { file, text: &text };
        let Yaml::Sequence(items) = &root.value else {
            return Err(reader.wrong(&root, format!("a playbook is a list of plays, not {}", root.kind())));
        };
        if items.is_empty() {
            return Err(reader.wrong(&root, "the playbook holds no play"));
        }
        let plays =
            items.iter().enumerate().map(|(at, item)| reader.play(item, at)).collect::<Result<_, _>>()?;
        Ok(Playbook { file: file.to_owned(), plays, text })
    }

    /// An error about the place of `text`.
    pub fn error_at(&self, offset: usize, message: impl Into<String>) -> FileError {
        yaml::error_at(&self.file, &self.text, offset, message)
    }
}

struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
}

type Read<T> = Result<T, FileError>;

impl Reader<'_> {
    fn wrong(&self, node: &Node, message: impl Into<String>) -> FileError {
        yaml::error_at(self.file, self.text, node.offset, message)
    }

    fn mapping<'n>(&self, node: &'n Node, what: &str) -> Read<&'n [Entry]> {
        node.as_mapping().ok_or_else(|| self.wrong(node, format!("{what} is a mapping, not {}", node.kind())))
    }

    fn unknown(&self, entry: &Entry, what: &str, known: &[&str]) -> FileError {
        let name = entry.name();
        let error = self.wrong(&entry.key, format!("unknown {what} `{name}`"));
        match nearest(&name, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("it can be: {}", known.join(", "))),
        }
    }

    fn play(&self, node: &Node, at: usize) -> Read<Play> {
        let mut play = Play { offset: node.offset, name: format!("play {}", at + 1), ..Play::default() };
        let mut hosts = false;
        for entry in self.mapping(node, "a play")? {
            let value = &entry.value;
            match entry.name().as_ref() {
                "name" => play.name = self.string(value, "a name")?,
                "hosts" => {
                    hosts = true;
                    play.hosts = self.strings(value, "hosts")?.join(":");
                }
                "vars" => {
                    for variable in self.mapping(value, "vars")? {
                        play.vars.insert(variable.name().into_owned(), variable.value.to_json());
                    }
                }
                "probes" => {
                    for probe in self.list(value, "probes")? {
                        play.probes.push(self.probe(probe)?);
                    }
                }
                "expect" => (play.expect, play.gate) = self.expect(value)?,
                "ignore_topics" => play.ignore_topics = self.strings(value, "ignore_topics")?,
                "forks" => play.forks = Some(self.number(value, "forks", 1, 10_000)? as usize),
                "serial" => play.serial = self.serial(value)?,
                "max_fail_percentage" => play.max_fail_percentage = Some(self.percentage(value)?),
                "timeout" => play.timeout = Some(self.duration(value)?),
                "probe_timeout" => play.probe_timeout = Some(self.duration(value)?),
                "round_timeout" => play.round_timeout = Some(self.duration(value)?),
                "max_output" => play.max_output = Some(self.size(value)? as usize),
                "since" => play.since = Some(self.string(value, "since")?),
                "until" => play.until = Some(self.string(value, "until")?),
                "become" => play.r#become = Some(self.boolean(value)?),
                _ => return Err(self.unknown(entry, "key of a play", &PLAY_KEYS)),
            }
        }
        if !hosts {
            return Err(self.wrong(node, format!("the play `{}` has no `hosts`", play.name)));
        }
        if play.probes.is_empty() {
            return Err(self.wrong(node, format!("the play `{}` has no `probes`", play.name)));
        }
        Ok(play)
    }

    fn probe(&self, node: &Node) -> Read<ProbeSpec> {
        let entries = self.mapping(node, "a probe")?;
        let [entry] = entries else {
            return Err(self.wrong(node, "a probe is one key, its name, with its options below it"));
        };
        let name = entry.name();
        if !PROBES.contains(&name.as_ref()) {
            return Err(self.unknown(entry, "probe", &PROBES));
        }
        let body = &entry.value;
        let mut spec = ProbeSpec {
            offset: entry.key.offset,
            timeout: None,
            max_output: None,
            kind: ProbeKind::DiskFree { paths: Vec::new() },
        };
        // `command: uptime` is how Ansible writes it.
        if let ("command", Some(_)) = (name.as_ref(), body.as_str()) {
            spec.kind = ProbeKind::Command { command: self.template(body)? };
            return Ok(spec);
        }
        let known: &[&str] = match name.as_ref() {
            "disk_usage" | "disk_free" => &["paths", "timeout", "max_output"],
            "log_grep" => &["files", "if_present", "pattern", "timeout", "max_output"],
            _ => &["command", "timeout", "max_output"],
        };
        let (mut paths, mut if_present, mut pattern, mut command) = (None, Vec::new(), None, None);
        for option in self.mapping(body, &format!("`{name}`"))? {
            let value = &option.value;
            match option.name().as_ref() {
                "timeout" => spec.timeout = Some(self.duration(value)?),
                "max_output" => spec.max_output = Some(self.size(value)? as usize),
                word if !known.contains(&word) => {
                    return Err(self.unknown(option, &format!("option of {name}"), known));
                }
                "paths" | "files" => paths = Some(self.templates(value, &option.name())?),
                "if_present" => if_present = self.templates(value, "if_present")?,
                "pattern" => {
                    let text = self.template(value)?;
                    // A pattern with variables in it is checked again when they are known.
                    if !text.text.contains("{{")
                        && let Some(complaint) = ere::complaint(&text.text)
                    {
                        return Err(self.wrong(value, format!("pattern: {complaint}")));
                    }
                    pattern = Some(text);
                }
                _ => command = Some(self.template(value)?),
            }
        }
        let missing = |what: &str| self.wrong(&entry.key, format!("`{name}` has no `{what}`"));
        spec.kind = match name.as_ref() {
            "disk_usage" => ProbeKind::DiskUsage { paths: paths.ok_or_else(|| missing("paths"))? },
            "disk_free" => ProbeKind::DiskFree { paths: paths.ok_or_else(|| missing("paths"))? },
            "log_grep" => ProbeKind::LogGrep {
                files: paths.ok_or_else(|| missing("files"))?,
                if_present,
                // Nothing said is everything that the catalogue of Kafka's messages knows, and all errors.
                pattern: pattern
                    .unwrap_or_else(|| Text { text: log_grep::KAFKA.to_owned(), offset: spec.offset }),
            },
            _ => ProbeKind::Command { command: command.ok_or_else(|| missing("command"))? },
        };
        Ok(spec)
    }

    fn string(&self, node: &Node, what: &str) -> Read<String> {
        match &node.value {
            Yaml::String(text) => Ok(text.clone()),
            Yaml::Int(number) => Ok(number.to_string()),
            _ => Err(self.wrong(node, format!("{what} is text, not {}", node.kind()))),
        }
    }

    fn template(&self, node: &Node) -> Read<Text> {
        Ok(Text { text: self.string(node, "this")?, offset: node.offset })
    }

    fn list<'n>(&self, node: &'n Node, what: &str) -> Read<&'n [Node]> {
        node.as_sequence().ok_or_else(|| self.wrong(node, format!("{what} is a list, not {}", node.kind())))
    }

    /// One string, or a list of them.
    fn strings(&self, node: &Node, what: &str) -> Read<Vec<String>> {
        Ok(self.templates(node, what)?.into_iter().map(|text| text.text).collect())
    }

    fn templates(&self, node: &Node, what: &str) -> Read<Vec<Text>> {
        match &node.value {
            Yaml::Sequence(items) if items.is_empty() => {
                Err(self.wrong(node, format!("`{what}` is an empty list")))
            }
            Yaml::Sequence(items) => items.iter().map(|item| self.template(item)).collect(),
            _ => Ok(vec![self.template(node)?]),
        }
    }

    fn boolean(&self, node: &Node) -> Read<bool> {
        match node.value {
            Yaml::Bool(yes) => Ok(yes),
            _ => Err(self.wrong(node, format!("this is true or false, not {}", node.kind()))),
        }
    }

    fn number(&self, node: &Node, what: &str, low: i64, high: i64) -> Read<i64> {
        match node.value {
            Yaml::Int(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(self.wrong(node, format!("{what} is a number from {low} to {high}"))),
        }
    }

    /// A number of hosts, a percentage of them, or a list of both.
    fn serial(&self, node: &Node) -> Read<Vec<Serial>> {
        let items = match &node.value {
            Yaml::Sequence(items) if items.is_empty() => {
                return Err(self.wrong(node, "`serial` is an empty list"));
            }
            Yaml::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let item = |item: &Node| match &item.value {
            Yaml::Int(1..=100_000) => Ok(Serial::Hosts(self.number(item, "serial", 1, 100_000)? as usize)),
            Yaml::String(text) if text.trim_end().ends_with('%') => {
                self.percentage(item).map(Serial::Percent)
            }
            _ => Err(self
                .wrong(item, "serial is a number of hosts from 1 to 100000, or a percentage like \"30%\"")),
        };
        items.iter().map(item).collect()
    }

    /// `30`, `30.5` or `"30%"`.
    fn percentage(&self, node: &Node) -> Read<f64> {
        let share = match &node.value {
            Yaml::Int(number) => Some(*number as f64),
            Yaml::Float(number) => Some(*number),
            Yaml::String(text) => text.trim().trim_end_matches('%').trim_end().parse().ok(),
            _ => None,
        };
        share
            .filter(|share: &f64| (0.0..=100.0).contains(share))
            .ok_or_else(|| self.wrong(node, "a percentage is a number from 0 to 100"))
    }

    fn duration(&self, node: &Node) -> Read<Duration> {
        let text = match &node.value {
            Yaml::Float(number) => number.to_string(),
            _ => self.string(node, "a duration")?,
        };
        match units::duration(&text) {
            Ok(duration) if duration.is_zero() => {
                Err(self.wrong(node, "a duration of 0 leaves no time at all"))
            }
            Ok(duration) => Ok(duration),
            Err(message) => Err(self.wrong(node, message)),
        }
    }

    fn size(&self, node: &Node) -> Read<u64> {
        units::size(&self.string(node, "a size")?).map_err(|message| self.wrong(node, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Playbook, String> {
        Playbook::parse(Path::new("p.yml"), text.to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_whole_of_a_play() {
        let playbook = read(
            "- name: q\n  hosts: [a, b]\n  vars: {topic: t}\n  forks: 8\n  probe_timeout: 2m\n  probes:\n    - disk_usage: {paths: '/d/{{ topic }}-*'}\n    - log_grep: {files: [/l/x*], pattern: 'ERROR|WARN', timeout: 5}\n    - command: uptime\n  expect:\n    topics: {t: {replication_factor: 2, partitions: 36}, '__*': {replication_factor: 3}}\n    size_ratio: {warning: 1.5, critical: 3, ignore_below: 1MiB}\n  ignore_topics: ['tmp-*']\n",
        )
        .unwrap();
        let play = &playbook.plays[0];
        assert_eq!((play.name.as_str(), play.hosts.as_str(), play.forks), ("q", "a:b", Some(8)));
        assert_eq!(play.probes.len(), 3);
        assert_eq!(play.probes[1].timeout, Some(Duration::from_secs(5)));
        assert_eq!(play.expect.topics[1].0, "__*");
        assert_eq!(play.expect.size_ratio.ignore_below, 1 << 20);
    }

    #[test]
    fn a_grep_without_a_pattern_looks_for_all_that_is_known() {
        let pattern = |more: &str| {
            let playbook =
                read(&format!("- hosts: x\n  probes:\n    - log_grep: {{files: [/l/x*]{more}}}\n")).unwrap();
            match &playbook.plays[0].probes[0].kind {
                ProbeKind::LogGrep { pattern, .. } => pattern.text.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(pattern(""), log_grep::KAFKA);
        assert_eq!(pattern(", pattern: kafka"), log_grep::KAFKA);
        assert_eq!(pattern(", pattern: kafka.log"), "kafka.log");
    }

    #[test]
    fn serial_is_a_number_a_percentage_or_a_list_of_them() {
        let serial = |text: &str| {
            let play = format!(
                "- hosts: x\n  serial: {text}\n  max_fail_percentage: 30\n  probes: [{{command: x}}]\n"
            );
            read(&play)
                .map(|playbook| (playbook.plays[0].serial.clone(), playbook.plays[0].max_fail_percentage))
        };
        assert_eq!(serial("3"), Ok((vec![Serial::Hosts(3)], Some(30.0))));
        assert_eq!(serial("\"30%\"").unwrap().0, [Serial::Percent(30.0)]);
        let list = serial("[1, 5, '50 %']").unwrap().0;
        assert_eq!(list, [Serial::Hosts(1), Serial::Hosts(5), Serial::Percent(50.0)]);
        for wrong in ["0", "[]", "many", "'130%'", "{a: 1}", "-1", "[1, x]"] {
            let error = serial(wrong).unwrap_err();
            assert!(error.starts_with("p.yml:2:"), "{wrong}: {error}");
        }
    }

    #[test]
    fn every_mistake_has_its_place_and_its_word() {
        let cases = [
            ("- hots: x\n", "p.yml:1:3: unknown key of a play `hots`", "did you mean `hosts`?"),
            (
                "- hosts: x\n  probes:\n    - disk_usge: {}\n",
                "p.yml:3:7: unknown probe `disk_usge`",
                "`disk_usage`",
            ),
            (
                "- hosts: x\n  probes:\n    - disk_usage: {path: /x}\n",
                "p.yml:3:20: unknown option of disk_usage `path`",
                "`paths`",
            ),
            (
                "- hosts: x\n  probes:\n    - log_grep: {files: /x, pattern: '\\d'}\n",
                "p.yml:3:38: pattern:",
                "[0-9]",
            ),
            ("- hosts: x\n", "p.yml:1:3: the play `play 1` has no `probes`", ""),
            ("- probes: []\n", "p.yml:1:3", "hosts"),
            ("hosts: x\n", "p.yml:1:1: a playbook is a list of plays", ""),
            ("- hosts: x\n  forks: many\n", "p.yml:2:10: forks is a number", ""),
            ("- hosts: x\n  hosts: y\n", "p.yml:2:3", "hosts"),
            ("- hosts: x\n  probe_timeout: soon\n", "p.yml:2:18: `soon` is no duration", ""),
            ("- hosts: x\n  probes:\n    - disk_usage: {}\n", "p.yml:3:7: `disk_usage` has no `paths`", ""),
        ];
        for (text, place, word) in cases {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(place) && error.contains(word), "{text}\n{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = read(&text);
        }

        #[test]
        fn no_structure_makes_it_panic(parts in proptest::collection::vec(prop_oneof![
            Just("- "), Just("hosts: "), Just("probes:\n"), Just("  "), Just("disk_usage: "), Just("{paths: x}"),
            Just("\n"), Just("expect: "), Just("topics: {a: {partitions: 1}}"), Just("null"), Just("[1, x]"), Just("!vault x")], 0..30)) {
            let _ = read(&parts.concat());
        }
    }
}
