//! Disks, log dirs and what else a broker can run out of.

use super::message::{Found, Message, message};
use crate::kafka::event::{Class, IoCause, TopicPartition};

pub(super) fn messages() -> Vec<Message> {
    vec![
        // kafka.server.LogDirFailureChannel, org.apache.kafka.storage.internals.log.* since 3.5 (ERROR), 1.0+.
        message(
            &[
                "Error while appending",
                "Error while reading from",
                "Error while flushing log",
                "Error while rolling log",
                "Error while deleting",
                "Error while renaming dir",
                "Error while truncating",
                "Error while creating log",
                "Error while fetching offset",
                "Error while increasing log start",
                "Error while loading log dir",
                "Error while closing",
                "Exception while ",
            ],
            r"(?:Error|Exception) while (?P<operation>appending records to|reading from|flushing log for|rolling log segment for|deleting (?:segments|log|dir|all segments) for|renaming dir for|truncating log to offset \d+ for|truncating the entire log for|creating log for|fetching offset by timestamp for|increasing log start offset for|loading log dir|closing) ?(?:{tp}(?: to \d+)? )?(?:in (?:log )?dir )?(?P<dir>/[^\s:]*|[A-Z]:[^\s]*)",
            |found| {
                let operation = found.text("operation")?.trim_end_matches(" for").trim_end_matches(" to");
                Some(Class::LogDirFailed {
                    of: found.of(),
                    dir: found.owned("dir")?,
                    operation: operation.trim_end_matches(" from").to_owned(),
                    cause: None,
                })
            },
        ),
        message(
            &["Error while writing to checkpoint file", "Error while reading checkpoint file"],
            r"Error while (?:writing to|reading) checkpoint file (?P<path>\S+)",
            checkpoint,
        ),
        message(
            &["Disk error while writing "],
            r"Disk error while writing (?:recovery offsets checkpoint|log start offsets checkpoint|to recovery point file|to logStartOffset file) in directory (?P<path>[^\s:]+)",
            checkpoint,
        ),
        message(
            &["Error while writing to highwatermark file"],
            r"Error while writing to highwatermark file in directory (?P<path>[^\s:]+)",
            checkpoint,
        ),
        message(
            &["Malformed line in ", "Unrecognized version ", "Unrecognised version ", " but found only"],
            r"Malformed line in (?:offset )?checkpoint file|Unrecogni[sz]ed version (?:of the highwatermark checkpoint file: |:|\d)|Expected \[?\d+\]? entries (?:in checkpoint file \[\S+\], )?but found only",
            |_| Some(Class::CheckpointMalformed),
        ),
        // INFO; WARN since 2.5.
        message(
            &[" serving logs in dir ", " serving replicas in dir "],
            r"(?:Stopping|Stopped) serving (?:logs|replicas) in dir (?P<dir>\S+)",
            |found| Some(Class::ServingStopped { dir: found.owned("dir")? }),
        ),
        // 1.1 and later.
        message(
            &["are offline due to failure on log directory"],
            r"Logs for partitions (?P<partitions>.*?) are offline and logs for future partitions .*? are offline due to failure on log directory (?P<dir>\S+)",
            |found| {
                Some(Class::PartitionsOffline {
                    partitions: found.text("partitions")?.split(',').filter_map(partition).collect(),
                    dir: found.owned("dir")?,
                })
            },
        ),
        // FATAL, ERROR since 1.1.
        message(
            &["Shutdown broker because"],
            r"Shutdown broker because (?:all log dirs in (?P<all>.+?) have failed|none of the specified log dirs from (?P<none>.+?) can be created or validated|the metadata log dir (?P<metadata>\S+) has failed)",
            |found| {
                let dirs =
                    found.owned("all").or_else(|| found.owned("none")).or_else(|| found.owned("metadata"));
                Some(Class::AllLogDirsFailed { dirs: dirs? })
            },
        ),
        // Up to 0.11 (FATAL): one bad disk stops the broker.
        message(
            &[
                "Halting due to unrecoverable I/O error",
                "Disk error while replicating data",
                "Error writing to highwatermark file",
                "Disk error during leadership change",
                "Halting writes to ",
            ],
            r"Halting due to unrecoverable I/O error while handling|Disk error while replicating data|Error writing to highwatermark file|Disk error during leadership change|Halting writes to (?:offset )?checkpoint file",
            |_| Some(Class::HaltedOnIo { cause: None }),
        ),
        message(
            &["Failed to acquire lock on file .lock"],
            r"Failed to acquire lock on file \.lock in (?P<dir>\S+?)\.(?:\s|$)",
            |found| Some(Class::LockTaken { dir: found.owned("dir")? }),
        ),
        // 3.7 and later.
        message(
            &["Found stray log dir"],
            r"Found stray log dir (?:Log\(dir=)?(?P<dir>[^\s,):]+)(?:.*?topic=(?P<topic>[A-Za-z0-9._-]+), partition=(?P<partition>\d+))?",
            stray,
        ),
        message(&["Loaded stray log: "], r"Loaded stray log: (?P<dir>\S+)", stray),
        message(
            &["marked as stray and renamed to"],
            r"Log for partition {tp} is marked as stray and renamed to (?P<dir>\S+?)\.?(?:\s|$)",
            stray,
        ),
        message(
            &["marked stray and renamed to"],
            r"Log in \S+ marked stray and renamed to (?P<dir>\S+)",
            stray,
        ),
    ]
}

/// What the operating system or the JVM says, in any record.
pub(super) fn exceptions() -> Vec<Message> {
    vec![
        message(
            &["No space left on device", "Disk quota exceeded"],
            r"No space left on device|Disk quota exceeded",
            |_| Some(Class::DiskFull),
        ),
        message(
            &[
                "Input/output error",
                "Read-only file system",
                "Structure needs cleaning",
                "Stale file handle",
                "Stale NFS file handle",
            ],
            r"Exception: (?:.*: )?(?P<error>Input/output error|Read-only file system|Structure needs cleaning|Stale (?:NFS )?file handle)",
            |found| Some(Class::IoError { cause: io_cause(found.text("error").into_iter())? }),
        ),
        // kafka.log.Log, UnifiedLog (KafkaStorageException under another header): whatever touches the dir later.
        message(
            &["is already offline due to a previous IO exception"],
            r"The log dir (?P<dir>\S+) is already offline due to a previous IO exception",
            |found| Some(Class::ServingStopped { dir: found.owned("dir")? }),
        ),
        message(&["Too many open files"], "Too many open files", |_| Some(Class::FilesExhausted)),
        message(&["OutOfMemoryError"], r"java\.lang\.OutOfMemoryError(?:: (?P<what>[^(\\]+))?", memory),
        message(&["Map failed"], r"java\.io\.IOException: (?P<what>Map failed)", memory),
        // AbstractRecords, Record, DefaultRecordBatch: org.apache.kafka.common.record.
        message(
            &["CorruptRecordException", "InvalidMessageException", "InvalidRecordException"],
            r"(?:CorruptRecordException|InvalidMessageException|InvalidRecordException): .*(?:is corrupt|CRC|checksum|minimum record overhead|less than the minimum|[Ii]nvalid)",
            |_| Some(Class::RecordCorrupt { of: None }),
        ),
    ]
}

fn memory(found: &Found<'_>) -> Option<Class> {
    Some(Class::OutOfMemory { what: found.text("what").map(|what| what.trim().to_owned()) })
}

fn checkpoint(found: &Found<'_>) -> Option<Class> {
    Some(Class::CheckpointFailed { path: found.owned("path")?, cause: None })
}

fn stray(found: &Found<'_>) -> Option<Class> {
    Some(Class::Stray { of: found.of(), dir: found.owned("dir") })
}

fn partition(name: &str) -> Option<TopicPartition> {
    let (topic, partition) = name.trim().trim_matches(['[', ']']).rsplit_once('-')?;
    Some(TopicPartition { topic: topic.to_owned(), partition: partition.parse().ok()? })
}

/// Fills in what the operating system said, and which replica a path names, from the record's own line and those
/// behind it.
pub(super) fn complete(class: &mut Class, text: &str, continuation: &[String]) {
    if let Class::RecordCorrupt { of } = class {
        let mut lines = std::iter::once(text).chain(continuation.iter().map(String::as_str));
        *of = of.take().or_else(|| lines.find_map(super::partition_in_path));
    }
    if let Class::LogDirFailed { cause, .. }
    | Class::CleanerIo { cause, .. }
    | Class::CheckpointFailed { cause, .. }
    | Class::HaltedOnIo { cause } = class
    {
        *cause = io_cause(std::iter::once(text).chain(continuation.iter().map(String::as_str)));
    }
}

/// What the operating system said, in any of the lines; the innermost, which stands last, counts.
fn io_cause<'a>(lines: impl Iterator<Item = &'a str>) -> Option<IoCause> {
    const SAID: &[(&str, IoCause)] = &[
        ("No space left on device", IoCause::Full),
        ("Disk quota exceeded", IoCause::Quota),
        ("Input/output error", IoCause::Device),
        ("Read-only file system", IoCause::ReadOnly),
        ("Structure needs cleaning", IoCause::FileSystem),
        ("Stale file handle", IoCause::Stale),
        ("Stale NFS file handle", IoCause::Stale),
        ("Too many open files", IoCause::Files),
        ("Map failed", IoCause::Maps),
        ("Permission denied", IoCause::Denied),
        ("Operation not permitted", IoCause::Denied),
        ("AccessDeniedException", IoCause::Denied),
        ("No such file or directory", IoCause::Missing),
        ("NoSuchFileException", IoCause::Missing),
        ("Malformed line in ", IoCause::Malformed),
        ("entries in checkpoint file", IoCause::Malformed),
        ("Unrecognized version of the checkpoint file", IoCause::Malformed),
    ];
    lines.filter_map(|line| SAID.iter().find(|(text, _)| line.contains(text))).map(|(_, cause)| *cause).last()
}
