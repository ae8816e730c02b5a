use super::*;
use crate::kafka::record;
use proptest::prelude::*;

fn read(line: &str) -> Class {
    classify(line, &[], crate::kafka::record::header(line).map_or(Level::Unknown, |header| header.level))
}

fn tp(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

/// An entry of `examples.txt`.
struct Example {
    head: &'static str,
    lines: Vec<String>,
    class: serde_json::Value,
}

fn examples() -> Vec<Example> {
    let entries = include_str!("examples.txt").split("\n== ").skip(1);
    entries
        .filter(|entry| !entry.starts_with("MESSAGE"))
        .map(|entry| {
            let (head, rest) = entry.split_once('\n').unwrap();
            let (lines, class) = rest.split_once("\n=> ").unwrap();
            Example {
                head,
                lines: lines.lines().map(str::to_owned).collect(),
                class: serde_json::from_str(class).unwrap_or_else(|error| panic!("{head}: {error}")),
            }
        })
        .collect()
}

fn of_example(example: &Example, prefix: &str) -> Class {
    let text = format!("{prefix}{}", example.lines[0]);
    let level = record::header(&text).map_or(Level::Unknown, |header| header.level);
    classify(&text, &example.lines[1..], level)
}

#[test]
fn every_example_is_what_it_says() {
    let examples = examples();
    assert!(examples.len() > 200, "{}", examples.len());
    for example in &examples {
        let class = serde_json::to_value(of_example(example, "")).unwrap();
        assert_eq!(class, example.class, "{}\n{}", example.head, example.lines.join("\n"));
    }
}

#[test]
fn there_is_room_for_every_message() {
    assert!(messages().len() <= MOST);
}

#[test]
fn a_prefix_changes_nothing() {
    for example in examples().iter().filter(|example| !example.lines[0].starts_with(['\t', ' '])) {
        let class = serde_json::to_value(of_example(example, "kafka-1  | ")).unwrap();
        assert_eq!(class, example.class, "{}", example.head);
    }
}

#[test]
fn every_message_has_an_example() {
    let mut seen = std::collections::BTreeSet::new();
    for line in examples().iter().flat_map(|example| &example.lines) {
        seen.extend(matched(line).map(|(at, _)| at));
    }
    let unseen: Vec<String> = messages()
        .into_iter()
        .enumerate()
        .filter(|(at, _)| !seen.contains(at))
        .map(|(_, message)| message.pattern)
        .collect();
    assert_eq!(unseen, [] as [String; 0]);
}

/// The lines that must come through the node's filter: the header, or the exception that names the class.
fn lines_to_keep() -> Vec<String> {
    let known = examples().into_iter().filter(|example| example.head != "near miss | any | built");
    let lines = known.flat_map(|example| example.lines);
    lines
        .filter(|line| matched(line).is_some() || line.contains(" ERROR ") || line.contains(" FATAL "))
        .collect()
}

#[test]
fn the_prefilter_keeps_every_example() {
    let filter = regex::Regex::new(&prefilter()).unwrap();
    for line in lines_to_keep() {
        assert!(filter.is_match(&line), "{line}");
    }
    assert!(
        !filter
            .is_match("[2026-11-23 16:13:18,462] INFO [Log partition=orders-3, dir=/data] Deleting segments")
    );
}

/// GNU's and BusyBox's grep, as they are on nodes.
#[test]
fn the_prefilter_holds_for_real_greps() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let lines = lines_to_keep();
    for grep in [&["grep"][..], &["busybox", "grep"]] {
        let mut child = Command::new(grep[0])
            .args(&grep[1..])
            .args(["-c", "-E", "-e", &prefilter()])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; scripts/setup installs it", grep[0]));
        let mut input = child.stdin.take().unwrap();
        let text = lines.join("\n") + "\n[2026-11-23 16:13:18,462] INFO nothing of interest (kafka.X)\n";
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), lines.len().to_string(), "{grep:?}");
    }
}

#[test]
fn an_exceptions_path_names_the_partition() {
    let cause = "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 8 no larger than the last offset appended (5370) to /services/kafka/complete-Product.1-6/00000000000000003767.timeindex.cleaned.";
    assert_eq!(partition_in_path(cause), Some(tp("complete-Product.1", 6)));
    assert_eq!(
        partition_in_path("9750860 messages in segment orders-3/00000000000047580165.log but"),
        Some(tp("orders", 3))
    );
    assert_eq!(partition_in_path("/services/kafka/meta.properties"), None);
}

proptest! {
    #[test]
    fn any_line_is_read_without_harm(line in "(?s).{0,300}", more in proptest::collection::vec(".{0,80}", 0..4)) {
        let _ = classify(&line, &more, Level::Error);
        let _ = cleaner_thread(&line);
        let _ = partition_in_path(&line);
    }

    #[test]
    fn no_number_is_too_large(digits in "[0-9]{1,40}") {
        let _ = read(&format!("[ReplicaFetcherThread-0-{digits}], Current offset {digits} for partition [t,{digits}] out of range; reset offset to {digits}"));
    }
}
