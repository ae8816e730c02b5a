//! The header of a log record: time, level, message, logger.
//!
//! Kafka's own layouts are `[%d] %p %m (%c)%n` in log4j.properties (0.8–3.9) and log4j2.yaml (4.x).
//! Containers add others: `%d{ISO8601} %p %m (%c) [%t]` (Strimzi), `%d %p [%t] %c - %m`, JSON, a container's
//! or the journal's own prefix. The time is the JVM's local time; few layouts name its zone.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use regex::Regex;

use crate::kafka::event::Level;

mod json;

/// A record's header, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// As it stands in the line, without brackets.
    pub time: &'a str,
    pub level: Level,
    /// What follows the level: message, logger and thread in the layout's order.
    pub rest: &'a str,
}

// The prefix is a container's (`broker-1  | `) or the journal's (`… kafka[812]: `).
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    compile(concat!(
        r"^(?:.{1,78}?[|:]\s+)??\[?",
        r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?",
        r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?)\]?\s+(?:\[[^\]]*\]\s+){0,2}",
        r"(?P<level>TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b\s*(?P<rest>.*)$",
    ))
});

/// Compiles a pattern of ours.
pub(crate) fn compile(pattern: &str) -> Regex {
    // Cannot fail: the patterns are constants, and a test compiles every one of them.
    Regex::new(pattern).expect("a constant pattern")
}

/// Takes the header of a line apart; `None` when the line belongs to the record before it.
pub fn header(line: &str) -> Option<Header<'_>> {
    if let Some(header) = plain(line) {
        return Some(header);
    }
    let line = line.strip_prefix(json::DOCKER).unwrap_or(line);
    // A header has its date within the first hundred bytes; most lines of a stack trace fail here.
    if line.starts_with(['\t', ' ']) || !line.bytes().take(100).any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some(object) = object(line) {
        return json::header(object);
    }
    let found = HEADER.captures(line)?;
    Some(Header {
        time: found.name("time")?.as_str(),
        level: level(found.name("level")?.as_str()),
        rest: found.name("rest")?.as_str(),
    })
}

/// `[%d] %p %m (%c)` and `%d %p …` without a regex: nearly every line of nearly every broker.
fn plain(line: &str) -> Option<Header<'_>> {
    let bracketed = line.starts_with('[');
    let from = usize::from(bracketed);
    let time = line.get(from..from + 23)?;
    let bytes = time.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':'), (19, b',')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark))
        || !matches!(bytes.get(10), Some(b' ' | b'T'))
        || ![0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..23].into_iter().all(digits)
    {
        return None;
    }
    let rest = line.get(from + 23..)?.strip_prefix(if bracketed { "] " } else { " " })?;
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    match level(word) {
        Level::Unknown => None,
        level => Some(Header { time, level, rest: rest.trim_start() }),
    }
}

/// A JSON object, behind a container's or the journal's prefix too.
fn object(line: &str) -> Option<&str> {
    if line.starts_with('{') {
        return Some(line);
    }
    // Most lines have none, and their rest is not looked through.
    let head = line.as_bytes().get(..82).unwrap_or(line.as_bytes());
    let at = memchr::memchr_iter(b'{', head).find(|at| head.get(at + 1) == Some(&b'"'))?;
    let (prefix, object) = (line.get(..at)?, line.get(at..)?);
    (prefix.ends_with("| ") || prefix.ends_with(": ")).then_some(object)
}

/// A record that is wrapped, as Kafka's own layout would have it: its header line, then what follows it.
/// `None` for a line that is what it seems.
pub fn unfold(line: &str) -> Option<Vec<String>> {
    json::unfold(object(line)?)
}

/// Who wrote a record: the logger and, where the layout has it, the thread.
pub fn origin<'a>(header: &Header<'a>) -> (Option<&'a str>, Option<&'a str>) {
    static LAST: LazyLock<Regex> =
        LazyLock::new(|| compile(r" \((?P<logger>[A-Za-z0-9_.$]+)\)(?: \[(?P<thread>[^\]]+)\])?\s*$"));
    static FIRST: LazyLock<Regex> =
        LazyLock::new(|| compile(r"^\[(?P<thread>[^\]]+)\] (?P<logger>[A-Za-z0-9_.$]+) +- "));
    // Quarkus: `[logger] (thread) message`.
    static QUARKUS: LazyLock<Regex> =
        LazyLock::new(|| compile(r"^\[(?P<logger>[a-z0-9]+(?:\.[A-Za-z0-9_$]+)+)\] \((?P<thread>[^)]+)\) "));
    let found = [&*FIRST, &*QUARKUS, &*LAST].into_iter().find_map(|layout| layout.captures(header.rest));
    let group = |name| found.as_ref().and_then(|found| found.name(name)).map(|group| group.as_str());
    (group("logger"), group("thread"))
}

/// Whether a record begins with this line.
pub fn is_header(line: &str) -> bool {
    header(line).is_some()
}

/// log4j's word for a level.
pub fn level(word: &str) -> Level {
    match word {
        "TRACE" => Level::Trace,
        "DEBUG" => Level::Debug,
        "INFO" => Level::Info,
        "WARN" => Level::Warn,
        "ERROR" => Level::Error,
        "FATAL" => Level::Fatal,
        _ => Level::Unknown,
    }
}

/// A record's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It names its zone, or counts from 1970.
    Moment(Timestamp),
    /// The JVM's local time.
    Local(DateTime),
}

/// Reads a record's time.
pub fn written(time: &str) -> Option<Written> {
    if let Some(moment) = epoch(time) {
        return Some(Written::Moment(moment));
    }
    let (local, own) = split_zone(time);
    let local = civil(local)?;
    match own {
        Some(own) => Offset::from_seconds(own).ok()?.to_timestamp(local).ok().map(Written::Moment),
        None => Some(Written::Local(local)),
    }
}

/// The moment of a record: its local time seen from a zone `zone_s` seconds east of UTC, or the zone
/// that the time itself names.
pub fn timestamp(time: &str, zone_s: Option<i32>) -> Option<Timestamp> {
    match written(time)? {
        Written::Moment(moment) => Some(moment),
        Written::Local(local) => Offset::from_seconds(zone_s?).ok()?.to_timestamp(local).ok(),
    }
}

/// Milliseconds on the node's own wall clock: orders the records of one host when its zone is unknown.
pub fn local_millis(time: &str) -> Option<i64> {
    let (local, _) = split_zone(time);
    Offset::UTC.to_timestamp(civil(local)?).ok().map(Timestamp::as_millisecond)
}

/// Seconds or milliseconds since 1970, as JSON layouts have them.
fn epoch(time: &str) -> Option<Timestamp> {
    let whole = time.split('.').next()?;
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole.len() {
        13 => Timestamp::from_millisecond(whole.parse().ok()?).ok(),
        10 => {
            let seconds: f64 = time.parse().ok()?;
            Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
        }
        _ => None,
    }
}

fn civil(local: &str) -> Option<DateTime> {
    kafkas(local).or_else(|| local.replace(',', ".").parse().ok())
}

/// `2017-04-03 14:16:36,003`, as log4j writes it by default.
fn kafkas(local: &str) -> Option<DateTime> {
    let bytes = local.as_bytes();
    let number = |at: usize, digits: usize| {
        bytes.get(at..at + digits)?.iter().try_fold(0i16, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0'))
        })
    };
    let small = |at| i8::try_from(number(at, 2)?).ok();
    if bytes.len() != 23 || (bytes.get(19), bytes.get(10)) != (Some(&b','), Some(&b' ')) {
        return None;
    }
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let nanos = i32::from(number(20, 3)?) * 1_000_000;
    DateTime::new(number(0, 4)?, small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, nanos).ok()
}

/// Parts a time from a zone written behind it.
fn split_zone(time: &str) -> (&str, Option<i32>) {
    if let Some(local) = time.strip_suffix('Z') {
        return (local, Some(0));
    }
    // The date's own dashes stand before the 19th byte.
    let Some(at) = time.rfind(['+', '-']).filter(|at| *at >= 19) else { return (time, None) };
    let (local, zone) = time.split_at(at);
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (Some(hours), Some(minutes)) = (digits.get(..2), digits.get(2..4)) else { return (time, None) };
    let (Ok(hours), Ok(minutes)) = (hours.parse::<i32>(), minutes.parse::<i32>()) else {
        return (time, None);
    };
    let seconds = hours * 3600 + minutes * 60;
    (local, Some(if zone.starts_with('-') { -seconds } else { seconds }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INCIDENT: &str = "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-180881591], Current \
        offset 3734742 for partition [completeProduct,13] out of range; reset offset to 3179215 \
        (kafka.server.ReplicaFetcherThread)";

    #[test]
    fn kafkas_own_layout() {
        let header = header(INCIDENT).unwrap();
        assert_eq!((header.time, header.level), ("2017-04-03 14:16:36,003", Level::Error));
        assert!(header.rest.starts_with("[ReplicaFetcherThread-0-180881591], Current"));
    }

    #[test]
    fn other_layouts() {
        for (line, time, level) in [
            (
                "2021-04-28 16:33:36,206 WARN Stopping serving logs in dir /var/lib/kafka (kafka.log.LogManager) [Handler]",
                "2021-04-28 16:33:36,206",
                Level::Warn,
            ),
            (
                "2015-04-12 15:08:05,157 ERROR [kafka-log-cleaner-thread-0] kafka.log.LogCleaner - [kafka-log-cleaner-thread-0], Error due to",
                "2015-04-12 15:08:05,157",
                Level::Error,
            ),
            (
                "kafka-native-broker1-1  | 2024-03-08 16:42:33,730 ERROR [org.apa.kaf] (data) Error while appending",
                "2024-03-08 16:42:33,730",
                Level::Error,
            ),
            (
                "Apr 03 14:16:36 node-1 kafka[812]: [2017-04-03 14:16:36,003] FATAL Shutdown broker",
                "2017-04-03 14:16:36,003",
                Level::Fatal,
            ),
            ("2026-01-02T03:04:05.678Z INFO  started", "2026-01-02T03:04:05.678Z", Level::Info),
            (
                "2026-01-02 03:04:05 INFO [main] AppInfoParser:119 - Kafka version: 4.0.0",
                "2026-01-02 03:04:05",
                Level::Info,
            ),
        ] {
            let header = header(line).unwrap_or_else(|| panic!("no header: {line}"));
            assert_eq!((header.time, header.level), (time, level), "{line}");
        }
    }

    #[test]
    fn json_is_read_as_kafkas_own_layout() {
        let error = "Error while appending records to t-0 in dir /data";
        let logger = "kafka.server.LogDirFailureChannel";
        let trace = "java.io.IOException: No space left on device\\n\\tat a.b(C.java:1)";
        for (line, time, lines) in [
            // logstash-logback, log4j2's LogstashJsonEventLayoutV1.json
            (
                format!(
                    r#"{{"@timestamp":"2024-03-08T16:42:33.730Z","message":"{error}","logger_name":"{logger}","thread_name":"x","level":"ERROR","stack_trace":"{trace}"}}"#
                ),
                "2024-03-08T16:42:33.730Z",
                3,
            ),
            // EcsLayout.json
            (
                format!(
                    r#"{{"@timestamp":"2024-03-08T16:42:33.730Z","log.level":"ERROR","message":"{error}","log":{{"logger":"{logger}"}},"error":{{"type":"java.io.IOException","message":"No space left on device","stack_trace":"{trace}"}}}}"#
                ),
                "2024-03-08T16:42:33.730Z",
                3,
            ),
            // log4j2's JsonLayout
            (
                format!(
                    r#"{{"instant":{{"epochSecond":1709916153,"nanoOfSecond":1}},"thread":"x","level":"ERROR","loggerName":"{logger}","message":"{error}","thrown":{{"name":"java.io.IOException","message":"No space left on device"}}}}"#
                ),
                "1709916153",
                2,
            ),
            // docker's json-file, the record's own line
            (
                format!(
                    r#"{{"log":"[2024-03-08 16:42:33,730] ERROR {error} ({logger})\n","stream":"stdout","time":"2024-03-08T16:42:33.731Z"}}"#
                ),
                "2024-03-08 16:42:33,730",
                1,
            ),
            // the journal
            (
                format!(
                    r#"2024-03-08T16:42:33+0000 node-1 kafka[812]: {{"@timestamp":"2024-03-08T16:42:33.730Z","message":"{error}","logger":"{logger}","level":"ERROR"}}"#
                ),
                "2024-03-08T16:42:33.730Z",
                1,
            ),
        ] {
            let read = header(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((read.time, read.level), (time, Level::Error), "{line}");
            let unfolded = unfold(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(unfolded[0], format!("[{time}] ERROR {error} ({logger})"), "{line}");
            assert_eq!(unfolded.len(), lines, "{unfolded:?}");
            if lines > 1 {
                assert_eq!(unfolded[1], "java.io.IOException: No space left on device");
            }
            if let Some(header) = header(&unfolded[0]) {
                assert_eq!(origin(&header).0, Some(logger));
            }
        }
        assert!(!is_header(
            r#"{"log":"\tat kafka.log.Log.append(Log.scala:1)\n","stream":"stdout","time":"2024-03-08T16:42:33.731Z"}"#
        ));
        assert_eq!(timestamp("1709916153", None), timestamp("2024-03-08T16:42:33Z", None));
        assert_eq!(timestamp("1709916153730", None), timestamp("2024-03-08T16:42:33.730Z", None));
    }

    #[test]
    fn logger_and_thread() {
        for (line, logger, thread) in [
            (INCIDENT, Some("kafka.server.ReplicaFetcherThread"), None),
            (
                "2021-04-28 16:33:36,206 WARN Stopping (kafka.log.LogManager) [Handler]",
                Some("kafka.log.LogManager"),
                Some("Handler"),
            ),
            (
                "2015-04-12 15:08:05,157 ERROR [cleaner-0] kafka.log.LogCleaner - [cleaner-0], Error",
                Some("kafka.log.LogCleaner"),
                Some("cleaner-0"),
            ),
            (
                "2024-03-08 16:42:33,730 ERROR [org.apa.kaf.X] (data-plane-6) Error while",
                Some("org.apa.kaf.X"),
                Some("data-plane-6"),
            ),
            ("[2024-03-08 16:42:33,730] ERROR nothing", None, None),
        ] {
            assert_eq!(origin(&header(line).unwrap()), (logger, thread), "{line}");
        }
    }

    #[test]
    fn a_stack_trace_belongs_to_the_record_before() {
        for line in [
            "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 8 no larger than",
            "\tat kafka.log.TimeIndex.maybeAppend(TimeIndex.scala:107)",
            "Caused by: java.io.IOException: No space left on device",
            " (kafka.log.LogCleaner)",
            "\tLog cleaner thread 0 cleaned log completeProduct-11 (dirty section = [0, 1892])",
            "",
        ] {
            assert!(!is_header(line), "{line}");
        }
    }

    #[test]
    fn local_time_needs_a_zone() {
        let time = "2017-04-03 14:16:36,003";
        assert_eq!(timestamp(time, None), None);
        let at = |zone| timestamp(time, Some(zone)).map(|at| at.to_string());
        assert_eq!(at(7200).as_deref(), Some("2017-04-03T12:16:36.003Z"));
        assert_eq!(at(i32::MAX), None);
        let own = timestamp("2017-04-03T14:16:36.003+0200", Some(0)).map(|at| at.to_string());
        assert_eq!(own.as_deref(), Some("2017-04-03T12:16:36.003Z"));
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in "(?s).{0,200}", zone in any::<i32>()) {
            if let Some(header) = header(&line) {
                let _ = timestamp(header.time, Some(zone));
            }
            let _ = timestamp(&line, Some(zone));
            let _ = (local_millis(&line), unfold(&line), unfold(&format!("{{\"{line}")));
        }
    }
}
