//! Known bugs of Kafka, by the text that gives them away.
//!
//! A bug is named when signature and version both fit; the signature alone says what to look at. The
//! versions are those of the fix versions that Apache published.

use std::sync::LazyLock;

use regex::Regex;

use crate::kafka::record::compile;

mod release;
mod table;

use release::Release;
pub use release::{older, protocol};
use table::BUGS;

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

    /// Whether a release has the bug; `None` when the version cannot be read, or when it is a
    /// distribution's whose patch level does not say.
    pub fn affects(&self, version: &str) -> Option<bool> {
        let release = Release::read(version)?;
        let mut verdicts = self.affected.iter().map(|(from, to)| release.within(from, to));
        // In one range is enough; out of all of them must be certain.
        verdicts.try_fold(false, |any, verdict| match (any, verdict) {
            (true, _) | (_, Some(true)) => Some(true),
            (false, verdict) => verdict,
        })
    }

    /// Whether it leaves a text that names it; the others can be told by the version alone.
    pub fn has_signature(&self) -> bool {
        !self.signature.is_empty()
    }

    /// What helps until the upgrade.
    pub fn relief(&self) -> Option<&'static str> {
        match self.id {
            "KAFKA-3894" => Some(
                "Until then raise log.cleaner.dedupe.buffer.size (24 bytes for each key of a segment), or lower log.cleaner.threads, which share it, and restart.",
            ),
            _ => None,
        }
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

static SIGNATURES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| BUGS.iter().map(|bug| compile(bug.signature)).collect());

/// The bug that an exception and a version point to.
pub fn find<'a>(mut causes: impl Iterator<Item = &'a str>, version: Option<&str>) -> Option<Match> {
    let fitting = causes.find_map(|cause| {
        let bugs: Vec<&'static KnownBug> = BUGS
            .iter()
            .zip(&*SIGNATURES)
            .filter(|(bug, pattern)| bug.has_signature() && pattern.is_match(cause))
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

/// The bugs that a release has and that leave no text of their own: what to think of when data is lost
/// or a cleaner is idle, and no line says why.
pub fn silent(version: &str) -> impl Iterator<Item = &'static KnownBug> {
    BUGS.iter().filter(move |bug| !bug.has_signature() && bug.affects(version) == Some(true))
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
    fn what_leaves_no_text_is_told_by_the_version() {
        let ids: Vec<&str> = silent("2.2.0").map(|bug| bug.id).collect();
        assert!(ids.contains(&"KAFKA-8335") && !ids.contains(&"KAFKA-1211"), "{ids:?}");
        assert!(!silent("2.2.1").any(|bug| bug.id == "KAFKA-8335"));
        // 6.1 is 2.7: too new for it whatever its patch level.
        assert!(!silent("6.1.3-ccs").any(|bug| bug.id == "KAFKA-8362"));
        assert_eq!(silent("unknown").count(), 0);
    }

    #[test]
    fn every_bug_has_a_number_and_a_readable_range() {
        for bug in BUGS {
            assert!(bug.url().contains("KAFKA-"), "{bug:?}");
            for (from, to) in bug.affected {
                assert_eq!(older(from, to), Some(true), "{}", bug.id);
                assert_eq!(bug.affects(from), Some(true), "{}", bug.id);
                assert!(bug.affected.len() > 1 || bug.affects(to) != Some(true), "{}", bug.id);
            }
        }
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
        assert_eq!(older("7.4.0-ccs", "2.0.0"), Some(false));
        assert_eq!(older("x", "2.0.0"), None);
    }
}
