//! What `du` printed on the brokers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::intake::blocks::{Block, End, blocks};
use crate::intake::size::{Size, Unit, size};
use crate::intake::{Text, Wrong};
use crate::kafka::replica_dir;
use crate::round::{DiskUsage, PathUsage, Replica, Transcript};

/// What one host's `du` said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub host: String,
    pub usage: DiskUsage,
    pub ended: End,
    /// Why it is less than `du` had to say, in words; empty where nothing shows it.
    pub gaps: Vec<String>,
    /// Numbers without a unit were taken for what [`Unit`] says.
    pub assumed: bool,
}

/// Reads a transcript of `du` on several hosts, or on one that `host` names.
///
/// # Errors
/// A text without a line of `du` in it, or whose lines belong to no host.
pub fn du(transcript: Text<'_>, host: Option<&str>, unit: Option<Unit>) -> Result<Vec<Answer>, Wrong> {
    let said = blocks(transcript.text)?;
    let unit = unit.or_else(|| typed_unit(transcript.text));
    // Of two answers of one host the later counts: it is the one that was looked at.
    let mut answers: BTreeMap<String, (usize, Answer)> = BTreeMap::new();
    let mut homeless = None;
    for (order, block) in said.iter().enumerate() {
        let name = match (block.host.as_str(), host) {
            ("", Some(host)) => host,
            ("", None) => {
                homeless = homeless.or_else(|| first_du_line(block));
                continue;
            }
            (name, _) => name,
        };
        let Some(answer) = answer(name, block, unit, transcript.name) else { continue };
        match answers.get_mut(name) {
            Some((_, before)) if answer.usage != DiskUsage::default() || is_empty(before) => *before = answer,
            Some(_) => {}
            None => {
                answers.insert(name.to_owned(), (order, answer));
            }
        }
    }
    if let Some((line, text)) = homeless {
        let text: String = text.chars().take(60).collect();
        return Err(Wrong::at(line, format!("no host is named before `{text}`"))
            .hint("for the output of one host write HOST=FILE"));
    }
    if answers.is_empty() {
        return Err(Wrong::whole(
            "this is no transcript of du: neither Ansible's `host | CHANGED | rc=0 >>`, nor clush's or pdsh's \
             `host: size path`, nor their folded form with a size and a path below it",
        ));
    }
    let mut answers: Vec<(usize, Answer)> = answers.into_values().collect();
    answers.sort_by_key(|(order, _)| *order);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

fn is_empty(answer: &Answer) -> bool {
    answer.usage == DiskUsage::default()
}

/// The unit of plain numbers, where the command stands in the transcript as it was typed.
fn typed_unit(text: &str) -> Option<Unit> {
    let typed = text.lines().take(50).find_map(|line| {
        let at = line.find("du -")?;
        let before = line.get(..at)?;
        before.ends_with([' ', '"', '\'', '$', '#', '/']).then(|| line.get(at + 4..)).flatten()
    })?;
    let flags = typed.split([' ', '"', '\'']).next()?;
    if flags.contains('b') {
        Some(Unit::Bytes)
    } else if flags.contains('m') {
        Some(Unit::Mebibytes)
    } else if flags.contains('k') {
        Some(Unit::Kibibytes)
    } else {
        None
    }
}

fn first_du_line(block: &Block) -> Option<(usize, &str)> {
    block
        .lines
        .iter()
        .find(|(_, line)| row(line, Unit::default()).is_some())
        .map(|(at, line)| (*at, line.as_str()))
}

/// `SIZE PATH`: a tab between them, spaces where it was pasted.
fn row(line: &str, unit: Unit) -> Option<(Size, &str)> {
    let line = line.trim();
    let (word, rest) = line.split_once(['\t', ' '])?;
    let path = rest.trim_start();
    Some((size(word, unit)?, path)).filter(|_| !path.is_empty())
}

/// `None` for a block in which nothing is about `du`.
fn answer(host: &str, block: &Block, unit: Option<Unit>, file: &str) -> Option<Answer> {
    let mut answer = Answer { host: host.to_owned(), ended: block.ended.clone(), ..Answer::default() };
    let mut rows: Vec<(usize, Size, &str)> = Vec::new();
    let mut total = None;
    let mut topics: HashMap<&str, Arc<str>> = HashMap::new();
    let (mut complaints, mut strange) = (Vec::new(), 0u64);
    for (number, line) in &block.lines {
        match row(line, unit.unwrap_or_default()) {
            // `total`, in whatever language.
            Some((size, path)) if !path.starts_with(['/', '.', '~']) && !path.contains('/') => {
                total = Some((size, line.trim_start().split(['\t', ' ']).next().unwrap_or("")));
            }
            Some((size, path)) => {
                let plain = line.trim_start().split(['\t', ' ']).next();
                let plain =
                    plain.is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()) && word != "0");
                answer.assumed |= plain && unit.is_none();
                rows.push((*number, size, path));
            }
            None if line.starts_with("du:")
                || line.contains("ermission denied")
                || line.contains("annot access") =>
            {
                complaints.push(line.chars().take(200).collect::<String>());
            }
            // A torn line of a size and a path, or one of another program.
            None => strange += u64::from(line.contains('/')),
        }
    }
    let mut transcript = Transcript { file: file.into(), lines: Vec::new() };
    for (number, size, path) in &rows {
        if add(&mut answer.usage, &mut topics, *size, path) {
            transcript.lines.push(u32::try_from(*number).unwrap_or(u32::MAX));
        }
    }
    answer.usage.transcript = Some(transcript).filter(|transcript| !transcript.lines.is_empty());
    let ended_badly = matches!(block.ended, End::Failed(_) | End::Unreachable(_) | End::Status(1..));
    if rows.is_empty() && complaints.is_empty() && !ended_badly {
        return None;
    }
    if let Some(first) = complaints.first() {
        let more = complaints.len() - 1;
        answer.gaps.push(if more == 0 { first.clone() } else { format!("{first} (and {more} more)") });
    }
    if strange > 0 && !rows.is_empty() {
        answer.gaps.push(format!("{strange} of its lines can't be read"));
    }
    if let Some((total, word)) = total
        && lacks(&rows, total)
    {
        answer.gaps.push(format!("its total is {word}, the lines add up to less: lines are missing"));
    }
    Some(answer)
}

/// Whether `du`'s total counts lines that the transcript does not show. A directory and what is in it count
/// twice here and once there, so only less is a sign.
fn lacks(rows: &[(usize, Size, &str)], total: Size) -> bool {
    let sum: u64 = rows
        .iter()
        .fold(0, |sum, (_, size, _)| sum.saturating_add(size.bytes).saturating_add(size.rounded_by / 2));
    sum < total.bytes.saturating_sub(total.rounded_by)
}

/// Adds a line of a size and a path; whether it is a replica's.
fn add<'a>(
    usage: &mut DiskUsage,
    topics: &mut HashMap<&'a str, Arc<str>>,
    size: Size,
    path: &'a str,
) -> bool {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    let (dir, name) = path.rsplit_once('/').unwrap_or((".", path));
    let Some(parsed) = replica_dir::parse(name) else {
        usage.others.push(PathUsage {
            path: path.to_owned(),
            allocated_bytes: size.bytes,
            apparent_bytes: size.bytes,
        });
        return false;
    };
    let log_dir = usage.log_dirs.iter().position(|known| known == dir).unwrap_or_else(|| {
        usage.log_dirs.push(dir.to_owned());
        usage.log_dirs.len() - 1
    });
    let topic = topics.entry(parsed.topic).or_insert_with(|| parsed.topic.into()).clone();
    usage.replicas.push(Replica {
        topic,
        partition: parsed.partition,
        kind: parsed.kind,
        // There are fewer log dirs than lines.
        log_dir: u32::try_from(log_dir).unwrap_or(u32::MAX),
        allocated_bytes: size.bytes,
        rounded_by: size.rounded_by,
        ..Replica::default()
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Answer> {
        du(Text { name: "t", text }, None, None).unwrap()
    }

    #[test]
    fn a_hosts_replicas_and_the_rest() {
        let [answer] = read("n1 | CHANGED | rc=0 >>\n4.1G\t/k/my.topic-1-0\n78M    /k/t-3/\n4,0K\t/k/meta.properties\n4.2G\ttotal\n")
            .try_into()
            .unwrap();
        let rows: Vec<_> = answer
            .usage
            .replicas
            .iter()
            .map(|row| (&*row.topic, row.partition, row.allocated_bytes >> 20, row.rounded_by >> 20))
            .collect();
        assert_eq!(rows, [("my.topic-1", 0, 4198, 102), ("t", 3, 78, 1)]);
        assert_eq!(answer.usage.log_dirs, ["/k"]);
        assert_eq!(answer.usage.others.len(), 1);
        assert!(answer.gaps.is_empty(), "{:?}", answer.gaps);
        assert_eq!(answer.ended, End::Status(0));
    }

    #[test]
    fn what_is_missing_is_said() {
        let gaps = |text: &str| read(text)[0].gaps.join("; ");
        assert_eq!(
            gaps(
                "n1 | FAILED | rc=1 >>\n4.0K\t/k/t-0\ndu: cannot access '/k/t-1': No such file or directory\n"
            ),
            "du: cannot access '/k/t-1': No such file or directory"
        );
        assert_eq!(
            gaps("n1 | CHANGED | rc=0 >>\n4.1G\t/k/t-0\n99G\ttotal\n"),
            "its total is 99G, the lines add up to less: lines are missing"
        );
        assert_eq!(
            read("n1 | UNREACHABLE! => {\"msg\": \"no route\"}\n")[0].ended,
            End::Unreachable("no route".into())
        );
    }

    #[test]
    fn plain_numbers_are_kibibytes_unless_the_command_says_otherwise() {
        let bytes = |text: &str| {
            let answer = &read(text)[0];
            (answer.usage.replicas[0].allocated_bytes, answer.assumed)
        };
        assert_eq!(bytes("n1: 8\t/k/t-0\n"), (8 << 10, true));
        assert_eq!(
            bytes("$ ansible all -m raw -a \"du -sm /k/*\"\nn1 | CHANGED | rc=0 >>\n8\t/k/t-0\n"),
            (8 << 20, false)
        );
        assert_eq!(bytes("$ clush -a du -sb '/k/*'\nn1: 8\t/k/t-0\n"), (8, false));
    }

    #[test]
    fn a_lone_du_needs_a_name() {
        let lone = Text { name: "t", text: "ops@n1:~$ du -sh /k/*\n4.0K\t/k/t-0\n" };
        let wrong = du(lone, None, None).unwrap_err();
        assert_eq!((wrong.line, wrong.hint.is_some()), (Some(2), true));
        let answers = du(lone, Some("n1"), None).unwrap();
        assert_eq!((answers[0].host.as_str(), answers[0].usage.replicas.len()), ("n1", 1));
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "hello\n", "Note: nothing\n", "[2017-04-03 14:16:36,003] ERROR x (y)\n"] {
            assert!(du(Text { name: "t", text }, None, None).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_transcript_is_read_without_harm(
            lines in proptest::collection::vec("(n[12]( \\| (CHANGED|FAILED) \\| rc=[01] >>|: )|[0-9]{0,21}[.,]?[0-9]?[KMGTPE]?[ \t]/k/[a-z.-]{0,9}-[0-9]{1,12}|.{0,40}|-----)", 0..20),
        ) {
            let _ = du(Text { name: "t", text: &lines.join("\n") }, None, None);
        }
    }
}
