//! The names of replica directories in a log dir.
//!
//! The rules are Kafka's own (kafka.log.LocalLog `parseTopicPartitionName`, kafka.log.Log before 3.0):
//! a suffix after the last `.` makes a directory special, then the last `-` parts topic and partition.
//! A topic may itself hold `.` and `-` and end in digits or in `-delete`.

use crate::round::ReplicaKind;

/// The Raft log of a KRaft cluster is no replica of a topic: each node cuts it by its own snapshots.
pub const METADATA: &str = "__cluster_metadata";

/// The longest topic name (org.apache.kafka.common.internals.Topic).
const MAX_TOPIC: usize = 249;

/// What a directory name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaDir<'a> {
    /// For `-delete` and `-stray` Kafka cuts the topic so that the name stays within 255 characters.
    pub topic: &'a str,
    pub partition: u32,
    pub kind: ReplicaKind,
}

/// Reads the name of a directory in a log dir; `None` when it is no replica.
pub fn parse(name: &str) -> Option<ReplicaDir<'_>> {
    let (name, kind) = strip_suffix(name);
    let (topic, digits) = name.rsplit_once('-')?;
    if !is_topic(topic) || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Kafka reads the partition with Integer.parseInt.
    let partition = digits.parse::<i32>().ok()?.try_into().ok()?;
    Some(ReplicaDir { topic, partition, kind })
}

/// Whether Kafka would take this as a topic's name.
pub fn is_topic(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_TOPIC
        && name != "."
        && name != ".."
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Parts `topic-partition.<32 hex digits>-delete` and its like at the last `.`.
fn strip_suffix(name: &str) -> (&str, ReplicaKind) {
    let special = name.rsplit_once('.').and_then(|(head, tail)| {
        let (id, word) = tail.split_once('-')?;
        let kind = match word {
            "delete" => ReplicaKind::Deleting,
            "future" => ReplicaKind::Future,
            "stray" => ReplicaKind::Stray,
            _ => return None,
        };
        (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some((head, kind))
    });
    special.unwrap_or((name, ReplicaKind::Current))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str) -> Option<(&str, u32, ReplicaKind)> {
        parse(name).map(|dir| (dir.topic, dir.partition, dir.kind))
    }

    #[test]
    fn topics_may_hold_dots_dashes_and_trailing_digits() {
        use ReplicaKind::*;
        for (name, topic, partition, kind) in [
            ("completeProduct-13", "completeProduct", 13, Current),
            ("my.topic-1-0", "my.topic-1", 0, Current),
            ("__consumer_offsets-49", "__consumer_offsets", 49, Current),
            ("x.y-delete-0", "x.y-delete", 0, Current),
            ("a--3", "a-", 3, Current),
            ("t-0.0123456789abcdef0123456789abcdef-delete", "t", 0, Deleting),
            ("t-0.0123456789abcdef0123456789abcdef-future", "t", 0, Future),
            ("a.b-7.0123456789abcdef0123456789abcdef-stray", "a.b", 7, Stray),
        ] {
            assert_eq!(read(name), Some((topic, partition, kind)), "{name}");
        }
    }

    #[test]
    fn what_is_no_replica() {
        for name in [
            "lost+found",
            "remote-log-index-cache",
            "meta.properties",
            ".lock",
            "-1",
            "t-",
            "t",
            "",
            "..-1",
            "t--0x1",
            "t-99999999999",
            "t-0.0123-delete",
            "tö-1",
            "t-0.0123456789abcdef0123456789abcdef-else",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_harm(name in ".{0,80}") {
            let _ = parse(&name);
        }

        #[test]
        fn what_kafka_writes_is_read(topic in "[a-zA-Z0-9._-]{1,60}", partition in 0u32..=i32::MAX as u32) {
            prop_assume!(topic != "." && topic != "..");
            let name = format!("{topic}-{partition}");
            prop_assert_eq!(read(&name), Some((topic.as_str(), partition, ReplicaKind::Current)));
        }
    }
}
