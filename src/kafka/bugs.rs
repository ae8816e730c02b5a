//! Known bugs of Kafka's log cleaner by the text of the exception that kills it.
//!
//! A bug is named when signature and version both fit; the signature alone says what to look at. The
//! versions are those of the fix versions that Apache published.

use std::sync::LazyLock;

use regex::Regex;

use crate::kafka::record::compile;

/// A bug that an exception's text may give away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBug {
    pub id: &'static str,
    /// The first release without it.
    pub fixed_in: &'static str,
    /// What goes wrong, in a few words.
    pub what: &'static str,
    /// Releases that have it: from, up to but without.
    affected: &'static [(&'static str, &'static str)],
    signature: &'static str,
    /// Another bug with the same text, told apart by what the cluster does rather than by its version.
    also_causes: Option<&'static str>,
}

impl KnownBug {
    pub fn url(&self) -> String {
        format!("https://issues.apache.org/jira/browse/{}", self.id)
    }

    /// Whether a release has the bug; `None` when the version cannot be read.
    pub fn affects(&self, version: &str) -> Option<bool> {
        let version = numbers(version)?;
        Some(self.affected.iter().any(|(from, to)| {
            numbers(from).is_some_and(|from| from <= version) && numbers(to).is_some_and(|to| version < to)
        }))
    }

    /// What else may make the same exception.
    pub fn other_causes(&self) -> Option<&'static str> {
        self.also_causes
    }
}

/// What can be said of an exception and a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Signature and version fit.
    Named(&'static KnownBug),
    /// The signature fits and the version is not known.
    VersionUnseen(&'static KnownBug),
    /// The signature fits and the version does not have the bug.
    OtherVersion(&'static KnownBug),
}

/// The order matters where one text has several bugs: the first whose versions fit is taken.
const BUGS: &[KnownBug] = &[
    KnownBug {
        id: "KAFKA-4497",
        fixed_in: "0.10.1.1",
        what: "the cleaner appends offset -1 to the time index of a compressed, compacted topic",
        affected: &[("0.10.1.0", "0.10.1.1")],
        signature: r"Attempt to append an offset \(-[0-9]+\) to slot [0-9]+ no larger than the last offset appended \(-?[0-9]+\) to \S+\.timeindex",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-3894",
        fixed_in: "0.10.1.0",
        what: "a segment has more keys than the cleaner's dedupe buffer holds",
        affected: &[("0.9.0.0", "0.10.1.0")],
        signature: r"requirement failed: (?:[0-9]+ messages in segment|Unable to build the offset map for segment) ",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-2235",
        fixed_in: "0.9.0.0",
        what: "the cleaner's offset map overflows",
        affected: &[("0.8.0", "0.9.0.0")],
        signature: r"Attempt(?:ed)? to add a new entry to a full offset map",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-1755",
        fixed_in: "0.9.0.0",
        what: "a message without a key in a compacted topic kills the cleaner",
        affected: &[("0.8.0", "0.9.0.0")],
        signature: r"Found null key in log segment \S+ which is marked as dedupe",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-1641",
        fixed_in: "0.9.0.0",
        what: "the cleaner stops when its last clean offset lies before the log's start",
        affected: &[("0.8.0", "0.9.0.0")],
        signature: r"Last clean offset is [0-9]+ but segment base offset is [0-9]+ for log",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-2118",
        fixed_in: "0.9.0.0",
        what: "an interrupted swap left old and cleaned segments side by side",
        affected: &[("0.8.0", "0.9.0.0")],
        signature: r"Attempt to append an offset \(?[0-9]+\)? to position [0-9]+ no larger than the last offset appended \([0-9]+\) to \S+\.index\.cleaned",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-5413",
        fixed_in: "0.10.2.2",
        what: "a cleaned segment spans more offsets than an index entry can hold",
        affected: &[("0.10.2.0", "0.10.2.2")],
        signature: r"largest offset in message set can not be safely converted to relative offset",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6264",
        fixed_in: "2.0.0",
        what: "an old segment spans more offsets than an index entry can hold",
        affected: &[("0.10.2.2", "2.0.0")],
        signature: r"largest offset in message set can not be safely converted to relative offset",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-4019",
        fixed_in: "0.10.1.0",
        what: "the cleaner's buffers grow only up to the broker's own message limit",
        affected: &[("0.8.0", "0.10.1.0")],
        signature: TOO_LARGE,
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6834",
        fixed_in: "2.0.0",
        what: "the cleaner cannot read a batch beyond max.message.bytes",
        affected: &[("0.10.1.0", "2.0.0")],
        signature: TOO_LARGE,
        also_causes: Some("KAFKA-6854 where transactions are used (fixed in 1.0.2, 1.1.1, 2.0.0)"),
    },
    KnownBug {
        id: "KAFKA-9133",
        fixed_in: "2.3.2",
        what: "an exception on an empty log kills the cleaner instead of setting one partition aside",
        affected: &[("2.1.0", "2.3.2")],
        signature: r"currentLog cannot be empty on an unexpected exception",
        also_causes: Some(
            "KAFKA-8725 (fixed in 2.4.0), or KAFKA-8724 after an upgrade from 2.0 (fixed in 2.3.1)",
        ),
    },
];

const TOO_LARGE: &str = r"This log contains a message larger than maximum allowable size of [0-9]+";

static SIGNATURES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| BUGS.iter().map(|bug| compile(bug.signature)).collect());

/// The bug that an exception and a version point to.
pub fn find<'a>(mut causes: impl Iterator<Item = &'a str>, version: Option<&str>) -> Option<Match> {
    let fitting = causes.find_map(|cause| {
        let bugs: Vec<&'static KnownBug> = BUGS
            .iter()
            .zip(&*SIGNATURES)
            .filter(|(_, pattern)| pattern.is_match(cause))
            .map(|(bug, _)| bug)
            .collect();
        (!bugs.is_empty()).then_some(bugs)
    })?;
    let first = *fitting.first()?;
    let affected = |bug: &&&'static KnownBug| version.and_then(|version| bug.affects(version));
    if let Some(bug) = fitting.iter().find(|bug| affected(bug) == Some(true)) {
        return Some(Match::Named(bug));
    }
    Some(if affected(&&first).is_none() { Match::VersionUnseen(first) } else { Match::OtherVersion(first) })
}

/// A version's numbers, for comparison: `0.10.1.0`, `3.9.1`, `2.8.2-SNAPSHOT`. A distribution's own
/// number (`7.4.0-ccs`) is not Kafka's and says nothing.
fn numbers(version: &str) -> Option<[u32; 4]> {
    let (plain, suffix) = version.split_once('-').unwrap_or((version, ""));
    if suffix.contains("ccs") || suffix.contains("ce") {
        return None;
    }
    let mut read = [0; 4];
    let mut parts = plain.split('.');
    for slot in &mut read {
        match parts.next() {
            Some(part) => *slot = part.parse().ok()?,
            None => break,
        }
    }
    parts.next().is_none().then_some(read)
}

/// Whether the first version is older than the second; `None` when either cannot be read.
pub fn older(version: &str, than: &str) -> Option<bool> {
    Some(numbers(version)? < numbers(than)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEINDEX: &str = "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 8 no larger than the last offset appended (5370) to /services/kafka/completeProduct-6/00000000000000003767.timeindex.cleaned.";

    fn found(cause: &str, version: Option<&str>) -> Option<(Match, &'static str)> {
        find([cause].into_iter(), version).map(|found| match found {
            Match::Named(bug) | Match::VersionUnseen(bug) | Match::OtherVersion(bug) => (found, bug.id),
        })
    }

    #[test]
    fn kafka_4497_is_named_in_0_10_1_0_alone() {
        assert!(matches!(found(TIMEINDEX, Some("0.10.1.0")), Some((Match::Named(_), "KAFKA-4497"))));
        assert!(matches!(found(TIMEINDEX, Some("0.10.1.1")), Some((Match::OtherVersion(_), "KAFKA-4497"))));
        assert!(matches!(found(TIMEINDEX, Some("3.9.1")), Some((Match::OtherVersion(_), "KAFKA-4497"))));
        assert!(matches!(found(TIMEINDEX, None), Some((Match::VersionUnseen(_), "KAFKA-4497"))));
    }

    #[test]
    fn one_text_several_bugs_the_version_decides() {
        let cause = "java.lang.IllegalArgumentException: requirement failed: largest offset in message set can not be safely converted to relative offset.";
        assert!(matches!(found(cause, Some("0.10.2.1")), Some((Match::Named(_), "KAFKA-5413"))));
        assert!(matches!(found(cause, Some("1.1.0")), Some((Match::Named(_), "KAFKA-6264"))));
    }

    #[test]
    fn an_unknown_exception_is_no_bug() {
        assert_eq!(found("java.io.IOException: No space left on device", Some("0.10.1.0")), None);
        assert_eq!(found("", None), None);
    }

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(older("0.9.0.1", "0.10.0.0"), Some(true));
        assert_eq!(older("2.8.2-SNAPSHOT", "2.8.2"), Some(false));
        assert_eq!(older("7.4.0-ccs", "2.0.0"), None);
        assert_eq!(older("x", "2.0.0"), None);
    }
}
