//! The output of `kafka-log-dirs.sh --describe` (1.0.0 and later).
//!
//! Two lines of prose, then one of JSON: `{"version":1,"brokers":[{"broker":1,"logDirs":[{"logDir":…,
//! "error":null,"partitions":[{"partition":"t-9","size":0,"offsetLag":0,"isFuture":false}]}]}]}`
//! (kafka.admin.LogDirsCommand, from 3.5 org.apache.kafka.tools.LogDirsCommand). `size` is the sum of the
//! `.log` files.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use crate::intake::{Text, Wrong};
use crate::kafka::replica_dir;
use crate::round::{DiskUsage, Replica, ReplicaKind, Transcript};

/// What one broker said of its log dirs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub broker: i64,
    pub usage: DiskUsage,
    /// Log dirs that the broker could not read, with its error.
    pub failed: Vec<(String, String)>,
    /// Partitions with a name or size that Kafka does not write.
    pub unread: usize,
}

#[derive(Deserialize)]
struct Output {
    brokers: Vec<OneBroker>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneBroker {
    broker: i64,
    #[serde(default)]
    log_dirs: Vec<OneDir>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneDir {
    log_dir: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    partitions: Vec<OnePartition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnePartition {
    partition: String,
    size: i64,
    #[serde(default)]
    offset_lag: i64,
    #[serde(default)]
    is_future: bool,
}

/// Reads the command's output, whatever stands around the JSON; of two answers of one broker the later
/// counts.
///
/// # Errors
/// No JSON of that form in it, with the line at which it breaks off.
pub fn log_dirs(given: Text<'_>) -> Result<Vec<Answer>, Wrong> {
    let mut brokers: BTreeMap<i64, Answer> = BTreeMap::new();
    let mut rest = given.text;
    let mut found = false;
    while let Some(at) = rest.find('{') {
        let here = rest.get(at..).unwrap_or_default();
        let inside = here.get(1..).unwrap_or_default();
        let first_key = inside.trim_start();
        if !first_key.starts_with("\"version\"") && !first_key.starts_with("\"brokers\"") {
            rest = inside;
            continue;
        }
        let mut stream = serde_json::Deserializer::from_str(here).into_iter::<Output>();
        match stream.next() {
            Some(Ok(output)) => {
                found = true;
                // The tool prints it all on one line.
                let line = line_of(given.text, given.text.len() - here.len());
                for one in output.brokers {
                    let mut answer = answer(one);
                    let lines = vec![u32::try_from(line).unwrap_or(u32::MAX); answer.usage.replicas.len()];
                    answer.usage.transcript = Some(Transcript { file: given.name.into(), lines });
                    brokers.insert(answer.broker, answer);
                }
                rest = here.get(stream.byte_offset()..).unwrap_or_default();
            }
            Some(Err(error)) => {
                let before = given.text.len() - here.len();
                return Err(Wrong::at(
                    line_of(given.text, before).saturating_add(error.line().saturating_sub(1)),
                    format!("the JSON of kafka-log-dirs breaks off or is of another form: {error}"),
                ));
            }
            None => break,
        }
    }
    if !found {
        return Err(Wrong::whole(
            "this is no output of kafka-log-dirs: there is no `{\"version\":1,\"brokers\":…}` in it",
        )
        .hint("run `kafka-log-dirs.sh --bootstrap-server … --describe` and keep all that it prints"));
    }
    Ok(brokers.into_values().collect())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn answer(one: OneBroker) -> Answer {
    let mut answer = Answer { broker: one.broker, ..Answer::default() };
    let mut topics: HashMap<String, Arc<str>> = HashMap::new();
    for dir in one.log_dirs {
        if let Some(error) = dir.error {
            answer.failed.push((dir.log_dir.clone(), error.chars().take(200).collect()));
        }
        let log_dir = u32::try_from(answer.usage.log_dirs.len()).unwrap_or(u32::MAX);
        answer.usage.log_dirs.push(dir.log_dir);
        for row in dir.partitions {
            let (Some(parsed), Ok(size)) = (replica_dir::parse(&row.partition), u64::try_from(row.size))
            else {
                answer.unread += 1;
                continue;
            };
            let topic = match topics.get(parsed.topic) {
                Some(topic) => topic.clone(),
                None => {
                    let topic: Arc<str> = parsed.topic.into();
                    topics.insert(parsed.topic.to_owned(), topic.clone());
                    topic
                }
            };
            if let (Ok(replica), Ok(lag @ 1..)) =
                (u32::try_from(answer.usage.replicas.len()), u64::try_from(row.offset_lag))
            {
                answer.usage.lags.push((replica, lag));
            }
            answer.usage.replicas.push(Replica {
                topic,
                partition: parsed.partition,
                kind: if row.is_future { ReplicaKind::Future } else { parsed.kind },
                log_dir,
                log_bytes: size,
                ..Replica::default()
            });
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As 3.9.1 prints it.
    const REAL: &str = concat!(
        "Querying brokers for log directories information\n",
        "Received log directory information from brokers 1,2\n",
        r#"{"brokers":[{"broker":1,"logDirs":[{"partitions":[{"partition":"my.topic-1-0","size":1048576,"offsetLag":0,"isFuture":false},{"partition":"t-3","size":77,"offsetLag":12,"isFuture":true}],"error":null,"logDir":"/k/a"},{"partitions":[],"error":"org.apache.kafka.common.errors.KafkaStorageException","logDir":"/k/b"}]},{"broker":2,"logDirs":[]}],"version":1}"#,
        "\n"
    );

    fn read(text: &str) -> Result<Vec<Answer>, Wrong> {
        log_dirs(Text { name: "t", text })
    }

    #[test]
    fn sizes_are_exact_and_futures_are_told_apart() {
        let answers = read(REAL).unwrap();
        let rows: Vec<_> = answers[0]
            .usage
            .replicas
            .iter()
            .map(|row| (&*row.topic, row.partition, row.log_bytes, row.kind, row.rounded_by))
            .collect();
        assert_eq!(
            rows,
            [("my.topic-1", 0, 1_048_576, ReplicaKind::Current, 0), ("t", 3, 77, ReplicaKind::Future, 0)]
        );
        assert_eq!(answers[0].usage.lags, [(1, 12)]);
        let transcript = answers[0].usage.transcript.as_ref().unwrap();
        assert_eq!((&*transcript.file, transcript.lines.as_slice()), ("t", [3, 3].as_slice()));
        assert_eq!(answers[0].failed.len(), 1);
        assert_eq!((answers[1].broker, answers[1].usage.replicas.len()), (2, 0));
    }

    #[test]
    fn torn_and_foreign_text_is_refused_with_its_line() {
        assert_eq!(read(&REAL[..200]).unwrap_err().line, Some(3));
        assert_eq!(read("hello {world}\n").unwrap_err().line, None);
        assert!(read("").is_err() && read("{}").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(cut in 0usize..450, text in "[{}\\[\\]\",:a-z0-9-]{0,60}") {
            let head: String = REAL.chars().take(cut).collect();
            let _ = read(&format!("{head}{text}"));
        }
    }
}
