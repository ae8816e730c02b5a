//! The header of a log record: time, level, message, logger.
//!
//! Kafka's own layouts are `[%d] %p %m (%c)%n` in log4j.properties (0.8–3.9) and log4j2.yaml (4.x).
//! Containers add others: `%d{ISO8601} %p %m (%c) [%t]` (Strimzi), `%d %p [%t] %c - %m`, a container's or
//! the journal's own prefix. The time is the JVM's local time without a zone.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use regex::Regex;

use crate::kafka::event::Level;

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
    // A header has its date within the first hundred bytes; most lines of a stack trace fail here.
    if line.starts_with(['\t', ' ']) || !line.bytes().take(100).any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let found = HEADER.captures(line)?;
    Some(Header {
        time: found.name("time")?.as_str(),
        level: level(found.name("level")?.as_str()),
        rest: found.name("rest")?.as_str(),
    })
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

/// The moment of a record: its local time seen from a zone `zone_s` seconds east of UTC, or the zone
/// that the time itself names.
pub fn timestamp(time: &str, zone_s: Option<i32>) -> Option<Timestamp> {
    let (local, own) = split_zone(time);
    let zone = Offset::from_seconds(own.or(zone_s)?).ok()?;
    zone.to_timestamp(civil(local)?).ok()
}

/// Milliseconds on the node's own wall clock: orders the records of one host when its zone is unknown.
pub fn local_millis(time: &str) -> Option<i64> {
    let (local, _) = split_zone(time);
    Offset::UTC.to_timestamp(civil(local)?).ok().map(Timestamp::as_millisecond)
}

fn civil(local: &str) -> Option<DateTime> {
    local.replace(',', ".").parse().ok()
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
            let _ = local_millis(&line);
        }
    }
}
