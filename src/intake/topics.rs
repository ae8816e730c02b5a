//! The output of `kafka-topics --describe`, 0.8 to 4.x.
//!
//! A line per topic (`Topic:t PartitionCount:3 …`, from 2.x with a space after the colon, from 2.8 with
//! `TopicId`) and one per partition (` Topic: t Partition: 0 Leader: 1 Replicas: 1,2 Isr: 1,2`,
//! from 2.4 `Adding Replicas`, from 4.0 `Elr` and `LastKnownElr`): kafka.admin.TopicCommand, from 3.x
//! org.apache.kafka.tools.TopicCommand. Pasted text may have spaces where there were tabs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::intake::{Text, Wrong};
use crate::kafka::record::compile;
use crate::kafka::replica_dir;
use crate::round::{DescribedPartition, DescribedTopic};

static KEY: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:^|\s)(?P<key>TopicId|Topic|PartitionCount|ReplicationFactor|Configs|MarkedForDeletion|Partition|Leader|Adding Replicas|Removing Replicas|Replicas|Isr|LastKnownElr|Elr):",
    )
});

/// Reads the command's output; lines of other programs between are passed over.
///
/// # Errors
/// No line of that form, or a line of it that is torn, with its number.
pub fn topics(given: Text<'_>) -> Result<Vec<DescribedTopic>, Wrong> {
    let mut topics: BTreeMap<String, DescribedTopic> = BTreeMap::new();
    let mut partitions: BTreeMap<(String, u32), DescribedPartition> = BTreeMap::new();
    for (number, line) in (1..).zip(given.text.lines()) {
        let fields = fields(line);
        let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        // `host | CHANGED >>` and prose have no topic; a topic's line has a count or a partition.
        let Some(name) = field("Topic") else { continue };
        if field("PartitionCount").is_none() && field("Partition").is_none() {
            continue;
        }
        if !replica_dir::is_topic(name) {
            return Err(Wrong::at(number, format!("`{}` is no name of a topic", cut(name))));
        }
        let topic = topics.entry(name.to_owned()).or_insert_with(|| DescribedTopic {
            topic: name.to_owned(),
            file: given.name.to_owned(),
            ..DescribedTopic::default()
        });
        if let Some(count) = field("PartitionCount") {
            topic.partition_count = Some(whole_number(number, "PartitionCount", count)?);
            if let Some(factor) = field("ReplicationFactor") {
                topic.replication_factor = Some(whole_number(number, "ReplicationFactor", factor)?);
            }
            topic.topic_id = field("TopicId").filter(|id| !id.is_empty()).map(str::to_owned);
            topic.settings = settings(field("Configs").unwrap_or(""));
        }
        if let Some(partition) = field("Partition") {
            let partition = whole_number(number, "Partition", partition)?;
            let ids = |name: &str| field(name).map_or(Ok(Vec::new()), |value| ids(number, name, value));
            let (Some(leader), Some(_), Some(_)) = (field("Leader"), field("Replicas"), field("Isr")) else {
                return Err(Wrong::at(number, "the line breaks off: Leader, Replicas or Isr is missing"));
            };
            let described = DescribedPartition {
                partition,
                // -1 is the same word in old versions.
                leader: leader.parse().ok().filter(|id: &i64| *id >= 0),
                replicas: ids("Replicas")?,
                isr: ids("Isr")?,
                elr: ids("Elr")?,
                last_known_elr: ids("LastKnownElr")?,
                adding: ids("Adding Replicas")?,
                removing: ids("Removing Replicas")?,
                line: u64::try_from(number).unwrap_or(u64::MAX),
            };
            partitions.insert((name.to_owned(), partition), described);
        }
    }
    if topics.is_empty() {
        return Err(Wrong::whole(
            "this is no output of kafka-topics --describe: no line has `Topic:` and `Partition:`",
        ));
    }
    for ((name, _), partition) in partitions {
        if let Some(topic) = topics.get_mut(&name) {
            topic.partitions.push(partition);
        }
    }
    Ok(topics.into_values().collect())
}

/// `Key: value` pairs of a line.
fn fields(line: &str) -> Vec<(&str, &str)> {
    let keys: Vec<(usize, usize, &str)> = KEY
        .captures_iter(line)
        .filter_map(|found| {
            let (all, key) = (found.get(0)?, found.name("key")?);
            Some((all.start(), all.end(), key.as_str()))
        })
        .collect();
    let ends = keys.iter().skip(1).map(|(start, ..)| *start).chain([line.len()]);
    keys.iter()
        .zip(ends)
        .map(|((_, from, key), to)| (*key, line.get(*from..to).unwrap_or("").trim()))
        .collect()
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

fn whole_number(line: usize, name: &str, value: &str) -> Result<u32, Wrong> {
    // Kafka's own numbers are signed.
    let number = value.parse::<i32>().ok().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Wrong::at(line, format!("{name} `{}` is no number", cut(value))))
}

/// `1,2`; nothing, `none` and `N/A` are no broker.
fn ids(line: usize, name: &str, value: &str) -> Result<Vec<i64>, Wrong> {
    let words = value.split(',').map(str::trim).filter(|word| !matches!(*word, "" | "none" | "N/A" | "null"));
    words
        .map(|word| {
            let id = word.parse::<i32>().ok().map(i64::from);
            id.ok_or_else(|| Wrong::at(line, format!("{name} `{}` is no list of broker ids", cut(value))))
        })
        .collect()
}

/// `name=value,name=value`; a value may hold commas itself (`cleanup.policy=compact,delete`).
fn settings(text: &str) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    let mut last: Option<String> = None;
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match (word.split_once('='), &last) {
            (Some((name, value)), _) => {
                settings.insert(name.to_owned(), value.to_owned());
                last = Some(name.to_owned());
            }
            (None, Some(name)) => {
                if let Some(value) = settings.get_mut(name) {
                    value.push(',');
                    value.push_str(word);
                }
            }
            (None, None) => {}
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<DescribedTopic>, Wrong> {
        topics(Text { name: "t", text })
    }

    #[test]
    fn every_versions_form() {
        for (version, text) in [
            (
                "0.10",
                "Topic:a.b\tPartitionCount:2\tReplicationFactor:2\tConfigs:cleanup.policy=compact,min.insync.replicas=2\n\tTopic: a.b\tPartition: 0\tLeader: 180881591\tReplicas: 180881591,2\tIsr: 180881591\n\tTopic: a.b\tPartition: 1\tLeader: none\tReplicas: 2,180881591\tIsr: \n",
            ),
            (
                "2.8",
                "Topic: a.b\tTopicId: Xr2ZV3CBTjyyzA\tPartitionCount: 2\tReplicationFactor: 2\tConfigs: cleanup.policy=compact,min.insync.replicas=2\n\tTopic: a.b\tPartition: 0\tLeader: 180881591\tReplicas: 180881591,2\tIsr: 180881591\n\tTopic: a.b\tPartition: 1\tLeader: none\tReplicas: 2,180881591\tIsr: \n",
            ),
            (
                "4.1, pasted",
                "Topic: a.b  TopicId: Xr2Z PartitionCount: 2 ReplicationFactor: 2 Configs: cleanup.policy=compact,min.insync.replicas=2\n    Topic: a.b Partition: 0 Leader: 180881591 Replicas: 180881591,2 Isr: 180881591 Elr: 2 LastKnownElr: N/A\n Topic: a.b Partition: 1 Leader: none Replicas: 2,180881591 Isr:  Elr: N/A LastKnownElr: \n",
            ),
        ] {
            let [topic] = read(text).unwrap().try_into().unwrap();
            assert_eq!((topic.partition_count, topic.replication_factor), (Some(2), Some(2)), "{version}");
            assert_eq!((topic.compacted(), topic.min_isr()), (Some(true), Some(2)), "{version}");
            assert!(topic.whole());
            let zero = topic.partition(0).unwrap();
            assert_eq!((zero.leader, zero.out_of_sync()), (Some(180881591), vec![2]), "{version}");
            assert_eq!(topic.partition(1).unwrap().leader, None, "{version}");
            assert_eq!(topic.under_min_isr().count(), 2);
        }
    }

    #[test]
    fn a_reassignment_and_values_with_commas() {
        let text = "Topic: t\tPartitionCount: 1\tReplicationFactor: 3\tConfigs: cleanup.policy=compact,delete,leader.replication.throttled.replicas=0:1,0:3,retention.ms=5\n\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 2,3,1\tIsr: 1,3\tAdding Replicas: 2\tRemoving Replicas: 1\n";
        let [topic] = read(text).unwrap().try_into().unwrap();
        assert_eq!(topic.settings["cleanup.policy"], "compact,delete");
        assert_eq!(topic.settings["leader.replication.throttled.replicas"], "0:1,0:3");
        assert_eq!(topic.settings["retention.ms"], "5");
        let zero = &topic.partitions[0];
        assert!(zero.moving() && zero.out_of_sync().is_empty());
    }

    #[test]
    fn partitions_alone() {
        let [topic] =
            read("\tTopic: t\tPartition: 7\tLeader: 1\tReplicas: 1,2\tIsr: 1\n").unwrap().try_into().unwrap();
        assert!(!topic.whole() && topic.compacted().is_none() && topic.under_min_isr().next().is_none());
    }

    #[test]
    fn torn_and_foreign_text_is_refused_with_its_line() {
        let line = |text: &str| read(text).unwrap_err().line;
        assert_eq!(line("x\n\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1,2\n"), Some(2));
        assert_eq!(line("\tTopic: t\tPartition: 0\tLeader: 1\tReplicas: 1,x\tIsr: 1\n"), Some(1));
        assert_eq!(line("Topic: a/b\tPartitionCount: 1\n"), Some(1));
        assert_eq!(line("Topic: t\tPartitionCount: -1\n"), Some(1));
        assert_eq!((line(""), line("Topic of the day: none\n")), (None, None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(
            words in proptest::collection::vec("(Topic|Partition|Leader|Replicas|Isr|Elr|Configs|PartitionCount): ?|[a-z0-9,.=-]{0,9}|\t|\n| |.{0,5}", 0..40),
        ) {
            let _ = read(&words.concat());
        }
    }
}
