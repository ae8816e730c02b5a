//! Acknowledgements in a YAML file, which a team keeps beside its playbook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Ack, Measure};
use crate::diagnose::finding::Severity;
use crate::error::{FileError, nearest};
use crate::history::known::DIGITS;
use crate::yaml::{self, Entry, Node, Yaml};

const KEYS: [&str; 9] =
    ["finding", "reason", "until", "by", "severity", "lost", "items", "last_seen", "known"];

/// Hexadecimal digits of a finding's id.
const ID: usize = 16;

/// Digests on one line of a file.
const ON_A_LINE: usize = 10;

/// The file that belongs to a playbook: `kafka-audit.acks.yml` beside `kafka-audit.yml`.
pub fn beside(playbook: &Path) -> PathBuf {
    playbook.with_extension("acks.yml")
}

/// Reads a file of acknowledgements.
///
/// # Errors
/// A file that can't be read, is no YAML, or has a key or a value that is wrong.
pub fn read(file: &Path) -> Result<Vec<Ack>, FileError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| FileError::whole(file, format!("the acknowledgements can't be read: {error}")))?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Vec<Ack>, FileError> {
    let root = yaml::parse(file, text)?;
    let wrong = |node: &Node, message: String| yaml::error_at(file, text, node.offset, message);
    match &root.value {
        Yaml::Null => Ok(Vec::new()),
        Yaml::Sequence(items) => items.iter().map(|item| ack(file, item, &wrong)).collect(),
        _ => Err(wrong(&root, format!("acknowledgements are a list, not {}", root.kind()))),
    }
}

fn ack(file: &Path, item: &Node, wrong: &dyn Fn(&Node, String) -> FileError) -> Result<Ack, FileError> {
    let entries: &[Entry] = item
        .as_mapping()
        .ok_or_else(|| wrong(item, format!("an acknowledgement is a mapping, not {}", item.kind())))?;
    let text = |entry: &Entry| match &entry.value.value {
        Yaml::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        // An id of digits alone is still an id.
        Yaml::Int(number) => Ok(number.to_string()),
        _ => Err(wrong(&entry.value, format!("{} is text, not {}", entry.name(), entry.value.kind()))),
    };
    let number = |entry: &Entry| match &entry.value.value {
        Yaml::Int(number) => u64::try_from(*number)
            .map_err(|_| wrong(&entry.value, format!("{} is a number, 0 or more", entry.name()))),
        _ => Err(wrong(&entry.value, format!("{} is a number, not {}", entry.name(), entry.value.kind()))),
    };
    let (mut finding, mut reason, mut until, mut by) = (None, None, None, None);
    let mut measure = Measure::default();
    for entry in entries {
        match entry.name().as_ref() {
            "finding" => {
                let said = text(entry)?;
                if !is_digest(&said, ID) {
                    let message = format!("`{said}` is no finding's id: it has {ID} hexadecimal digits");
                    return Err(wrong(&entry.value, message)
                        .hint("copy the whole id from a report, and put it in quotes"));
                }
                finding = Some(said);
            }
            "reason" => reason = Some(text(entry)?),
            "by" => by = Some(text(entry)?),
            "until" => {
                let said = text(entry)?;
                until = Some(date(&said).ok_or_else(|| {
                    wrong(&entry.value, format!("`{said}` is no date; write 2026-12-31 or an RFC 3339 time"))
                })?);
            }
            "severity" => {
                let said = text(entry)?;
                measure.severity = Some(Severity::named(&said).ok_or_else(|| {
                    wrong(&entry.value, format!("`{said}` is none of critical, unknown, warning, notice"))
                })?);
            }
            "lost" => measure.lost = Some(number(entry)?),
            "items" => measure.items = Some(number(entry)?),
            "last_seen" => {
                let said = text(entry)?;
                measure.last_seen = Some(date(&said).ok_or_else(|| {
                    wrong(&entry.value, format!("`{said}` is no date; write an RFC 3339 time"))
                })?);
            }
            "known" => {
                let said = match &entry.value.value {
                    Yaml::String(text) if text.trim().is_empty() => String::new(),
                    _ => text(entry)?,
                };
                let known: BTreeSet<String> = said.split_whitespace().map(str::to_owned).collect();
                if let Some(other) = known.iter().find(|digest| !is_digest(digest, DIGITS)) {
                    let message =
                        format!("`{other}` is no digest of an item; let `roundsman ack --file` write them");
                    return Err(wrong(&entry.value, message));
                }
                measure.known = Some(known);
            }
            other => {
                let error = wrong(&entry.key, format!("`{other}` is no key of an acknowledgement"));
                return Err(match nearest(other, KEYS) {
                    Some(known) => error.hint(format!("did you mean `{known}`?")),
                    None => error.hint(format!("there are: {}", KEYS.join(", "))),
                });
            }
        }
    }
    let missing = |what: &str| wrong(item, format!("an acknowledgement needs `{what}`"));
    Ok(Ack {
        finding: finding.ok_or_else(|| missing("finding"))?,
        reason: reason.ok_or_else(|| missing("reason"))?,
        until,
        measure,
        by,
        made: None,
        title: None,
        source: file.display().to_string(),
    })
}

/// Whether a text is that many hexadecimal digits, in small letters as they are written.
fn is_digest(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f'))
}

/// A day means its beginning in this machine's zone.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    TimeZone::system().to_timestamp(civil).ok()
}

/// The text of such a file with one acknowledgement more; nothing that stands in it is changed.
///
/// # Errors
/// A file that is wrong, or whose form lets nothing be put at its end.
pub fn with(file: &Path, text: &str, ack: &Ack) -> Result<String, FileError> {
    let before = parse(file, text)?;
    let mut longer = text.to_owned();
    if !longer.is_empty() && !longer.ends_with('\n') {
        longer.push('\n');
    }
    longer.push_str(&entry(ack));
    let added = |after: Vec<Ack>| {
        let (last, rest) = after.split_last()?;
        (rest == before && last.finding == ack.finding && last.measure == ack.measure).then_some(())
    };
    match parse(file, &longer).ok().and_then(added) {
        Some(()) => Ok(longer),
        None => Err(FileError::whole(
            file,
            "nothing can be put at the end of this file; it was not changed".to_owned(),
        )
        .hint("write it as a list whose items begin with `- ` at the line's begin, or give another --file")),
    }
}

/// An acknowledgement as an item of such a file; JSON strings are YAML strings.
fn entry(ack: &Ack) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut item = String::new();
    if let Some(title) = &ack.title {
        item.push_str(&format!("# {}\n", crate::sanitize::line(title)));
    }
    item.push_str(&format!("- finding: {}\n  reason: {}\n", quoted(&ack.finding), quoted(&ack.reason)));
    if let Some(until) = ack.until {
        item.push_str(&format!("  until: {until}\n"));
    }
    if let Some(by) = &ack.by {
        item.push_str(&format!("  by: {}\n", quoted(by)));
    }
    if let Some(severity) = ack.measure.severity {
        item.push_str(&format!("  severity: {}\n", severity.word()));
    }
    for (name, number) in [("lost", ack.measure.lost), ("items", ack.measure.items)] {
        if let Some(number) = number {
            item.push_str(&format!("  {name}: {number}\n"));
        }
    }
    if let Some(last_seen) = ack.measure.last_seen {
        item.push_str(&format!("  last_seen: {last_seen}\n"));
    }
    if let Some(known) = &ack.measure.known {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        // A text in quotes goes on over lines; as plain words some digests would be numbers.
        let lines: Vec<String> = known.chunks(ON_A_LINE).map(|line| line.join(" ")).collect();
        item.push_str(&format!("  known: \"{}\"\n", lines.join("\n    ")));
    }
    item
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<Vec<Ack>, String> {
        parse(Path::new("x.acks.yml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let ack = Ack {
            finding: "0123456789012345".into(),
            reason: "a \"known\" thing: yes # no\nsecond line".into(),
            until: Some("2026-12-31T10:00:00Z".parse().unwrap()),
            measure: Measure {
                severity: Some(Severity::Warning),
                lost: Some(7),
                items: None,
                last_seen: Some("2026-11-30T10:00:00.123Z".parse().unwrap()),
                known: Some((0..25).map(|number| format!("{:08x}", number * 0x0123_4567u32)).collect()),
            },
            by: Some("ops".into()),
            made: None,
            title: Some("what it\nwas".into()),
            source: "x.acks.yml".into(),
        };
        let read = parsed(&entry(&ack)).unwrap();
        assert_eq!(read, [Ack { title: None, ..ack }]);
    }

    #[test]
    fn an_entry_is_put_at_the_end_or_nothing_is_changed() {
        let ack = |finding: &str| Ack {
            finding: finding.into(),
            reason: "r".into(),
            until: None,
            measure: Measure::default(),
            by: None,
            made: None,
            title: Some("t".into()),
            source: "x.acks.yml".into(),
        };
        let with = |text: &str| super::with(Path::new("x.acks.yml"), text, &ack("00bb00bb00bb00bb"));
        let one = "- finding: 00aa00aa00aa00aa\n  reason: a # why";
        for text in ["", "# ours\n", "---\n", "---", one, &format!("{one}\n"), &format!("---\n{one}\n\n")] {
            let longer = with(text).unwrap();
            assert!(longer.starts_with(text));
            assert_eq!(parsed(&longer).unwrap().last().unwrap().finding, "00bb00bb00bb00bb", "{text}");
        }
        let flow = "[{finding: 00aa00aa00aa00aa, reason: a}]\n";
        for text in [
            "[]\n",
            "---\n...\n",
            flow,
            "  - finding: 00aa00aa00aa00aa\n    reason: a\n",
            "- finding: 00aa00aa00aa00aa\n  reason: |\n    a",
        ] {
            match with(text) {
                Ok(longer) => assert_eq!(parsed(&longer).unwrap().len(), parsed(text).unwrap().len() + 1),
                Err(error) => assert!(error.to_string().contains("was not changed"), "{text}: {error}"),
            }
        }
        assert!(with("[]\n").is_err() && with(flow).is_err());
        assert!(with("- finding: b\n").is_err());
    }

    #[test]
    fn mistakes_are_pointed_at() {
        assert_eq!(parsed("").unwrap(), []);
        let error = parsed("- finding: 00aa00aa00aa00aa\n  reson: b\n").unwrap_err();
        assert!(error.contains("x.acks.yml:2:3") && error.contains("did you mean `reason`"), "{error}");
        assert!(parsed("- finding: 00aa00aa00aa00aa\n").unwrap_err().contains("needs `reason`"));
        for id in ["00aa", "00aa00aa00aa00aa0", "00AA00AA00AA00AA", "g0aa00aa00aa00aa", "1234"] {
            let error = parsed(&format!("- reason: b\n  finding: {id}\n")).unwrap_err();
            assert!(error.contains("x.acks.yml:2:12") && error.contains("16 hexadecimal"), "{error}");
        }
        let error = parsed("- finding: 00aa00aa00aa00aa\n  reason: b\n  known: zz\n").unwrap_err();
        assert!(error.contains(":3:10") && error.contains("no digest"), "{error}");
        let error = parsed("- finding: 00aa00aa00aa00aa\n  reason: b\n  until: soon\n").unwrap_err();
        assert!(error.contains(":3:10") && error.contains("no date"), "{error}");
        assert!(parsed("finding: 00aa00aa00aa00aa\n").unwrap_err().contains("are a list"));
        assert!(
            parsed("- finding: 00aa00aa00aa00aa\n  reason: b\n  lost: -1\n")
                .unwrap_err()
                .contains("0 or more")
        );
    }

    #[test]
    fn the_file_stands_beside_its_playbook() {
        assert_eq!(beside(Path::new("a/kafka-audit.yml")), Path::new("a/kafka-audit.acks.yml"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,80}") {
            let _ = parsed(&text);
        }
    }
}
