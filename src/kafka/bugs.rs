//! Known bugs of Kafka, by the text that gives them away.
//!
//! A bug is named when signature and version both fit; the signature alone says what to look at. The
//! versions are those of the fix versions that Apache published.

use std::sync::LazyLock;

use regex::Regex;

use crate::kafka::record::compile;

mod release;

use release::Release;
pub use release::older;

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
    KnownBug {
        id: "KAFKA-3919",
        fixed_in: "0.11.0.0",
        what: "after a loss of power a log's offsets go back and its index cannot be rebuilt",
        affected: &[("0.8.0", "0.11.0.0")],
        signature: r"Attempt to append an offset \(?[0-9]+\)? to position [0-9]+ no larger than the last offset appended \([0-9]+\) to \S+\.index(?:[^.]|$)",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-5316",
        fixed_in: "0.10.2.2",
        what: "a record set grows while it is cleaned and overflows the buffer",
        affected: &[("0.8.0", "0.10.2.2")],
        signature: r"BufferOverflowException",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-5431",
        fixed_in: "0.11.0.1",
        what: "the cleaner reads the empty tail of preallocated segments",
        affected: &[("0.9.0.0", "0.11.0.1")],
        signature: r"CorruptRecordException: (?:Record size is less than the minimum record overhead|Record size 0 )",
        also_causes: Some("a damaged segment, where log.preallocate is false"),
    },
    KnownBug {
        id: "KAFKA-6854",
        fixed_in: "1.0.2",
        what: "transactions leave batches that the cleaner's buffer cannot hold",
        affected: &[("0.11.0.0", "1.0.2"), ("1.1.0", "1.1.1")],
        signature: TOO_LARGE,
        also_causes: Some("KAFKA-6834 (fixed in 2.0.0)"),
    },
    KnownBug {
        id: "KAFKA-3123",
        fixed_in: "0.11.0.0",
        what: "a follower finds its partition already paused and stops starting",
        affected: &[("0.8.0", "0.11.0.0")],
        signature: r"cannot be aborted and paused since it is in LogCleaningPaused",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6568",
        fixed_in: "0.11.0.3",
        what: "a race at the end of a deletion breaks the cleaner's bookkeeping",
        affected: &[("0.11.0.0", "0.11.0.3"), ("1.0.0", "1.0.2")],
        signature: r"In-progress partition \S+ cannot be in \S+ state",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7467",
        fixed_in: "2.0.1",
        what: "a control batch that is empty kills the cleaner",
        affected: &[("0.11.0.0", "2.0.1")],
        signature: r"NoSuchElementException",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6266",
        fixed_in: "2.4.1",
        what: "the first dirty offset is reset again and again, with no harm",
        affected: &[("1.0.0", "2.4.1")],
        signature: r"Resetting first dirty offset of \S+ to log start offset [0-9]+ since the checkpointed offset [0-9]+ is invalid",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-4477",
        fixed_in: "0.10.1.1",
        what: "a broker shrinks every ISR to itself and stays there",
        affected: &[("0.10.1.0", "0.10.1.1")],
        signature: ZK_VERSION,
        also_causes: Some("KAFKA-2729 (fixed in 1.1.0)"),
    },
    KnownBug {
        id: "KAFKA-2729",
        fixed_in: "1.1.0",
        what: "a broker that lost its ZooKeeper session cannot change its ISRs any more",
        affected: &[("0.8.0", "1.1.0")],
        signature: ZK_VERSION,
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-2477",
        fixed_in: "0.9.0.1",
        what: "a follower deletes its whole log and fetches it anew, though nothing was wrong; KAFKA-2143 is its sister",
        affected: &[("0.8.0", "0.9.0.1")],
        signature: r"reset its fetch offset (?:from [0-9]+ )?to current leader [0-9]+'s start offset",
        also_causes: Some("a follower that was down for longer than the retention"),
    },
    KnownBug {
        id: "KAFKA-7414",
        fixed_in: "2.0.1",
        what: "a follower ahead of its leader stops its whole broker",
        affected: &[("0.8.2.0", "1.1.2"), ("2.0.0", "2.0.1")],
        signature: r"because log truncation is not allowed for",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-19895",
        fixed_in: "an open change",
        what: "a partition set aside as uncleanable stays so until the broker restarts",
        affected: &[("2.1.0", "9999")],
        signature: r"Marking its partition \(\S+\) as uncleanable",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-1374",
        fixed_in: "0.9.0.0",
        what: "compressed topics cannot be compacted",
        affected: &[("0.8.0", "0.9.0.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-3587",
        fixed_in: "0.10.0.0",
        what: "the cleaner builds a wrong offset map on a replica",
        affected: &[("0.9.0.0", "0.9.0.2")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-3915",
        fixed_in: "0.10.0.1",
        what: "the cleaner fails on what was converted to a new message format",
        affected: &[("0.10.0.0", "0.10.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-4298",
        fixed_in: "0.10.1.0",
        what: "the cleaner writes damaged compressed sets",
        affected: &[("0.10.0.0", "0.10.1.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-4529",
        fixed_in: "0.10.1.1",
        what: "tombstones are removed too early",
        affected: &[("0.8.0", "0.10.1.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6030",
        fixed_in: "0.11.0.2",
        what: "logs with more than 2 GiB to clean are never chosen",
        affected: &[("0.11.0.0", "0.11.0.2")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7385",
        fixed_in: "2.0.1",
        what: "the cleaner fails where only empty batches are left",
        affected: &[("0.11.0.0", "2.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7322",
        fixed_in: "2.1.0",
        what: "a change of cleanup.policy races with the cleaner",
        affected: &[("0.8.1", "2.1.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7215",
        fixed_in: "2.1.0",
        what: "any exception kills the cleaner thread; later one partition is set aside",
        affected: &[("0.8.1", "2.1.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-8335",
        fixed_in: "2.2.1",
        what: "batches of transactions are never removed from __consumer_offsets",
        affected: &[("0.11.0.0", "2.0.2"), ("2.1.0", "2.1.2"), ("2.2.0", "2.2.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-8724",
        fixed_in: "2.3.1",
        what: "the cleaner fails on __consumer_offsets after an upgrade from 2.0",
        affected: &[("2.3.0", "2.3.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-8351",
        fixed_in: "2.2.2",
        what: "transactions over several segments are not cleaned",
        affected: &[("0.11.0.0", "2.2.2")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-8764",
        fixed_in: "2.2.3",
        what: "one partition is cleaned without end where its offsets have a gap",
        affected: &[("0.11.0.0", "2.2.3"), ("2.3.0", "2.3.2"), ("2.4.0", "2.4.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-9826",
        fixed_in: "2.4.2",
        what: "one partition is cleaned without end where its dirty offset is past the active segment",
        affected: &[("2.4.0", "2.4.2"), ("2.5.0", "2.5.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-8362",
        fixed_in: "2.7.0",
        what: "the cleaner stops after a replica moved between log dirs",
        affected: &[("1.1.0", "2.7.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-17076",
        fixed_in: "4.0.0",
        what: "cleaning drops the last batch, and with it the log's end",
        affected: &[("0.11.0.0", "3.9.2")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-1211",
        fixed_in: "0.11.0.0",
        what: "a cut to the high watermark loses committed records or lets replicas diverge; KIP-101 cures it",
        affected: &[("0.8.0", "0.11.0.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6361",
        fixed_in: "2.0.0",
        what: "replicas diverge after two quick changes of leader; KIP-279 cures it",
        affected: &[("0.11.0.0", "2.0.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7128",
        fixed_in: "1.1.2",
        what: "a high watermark that lags loses records when the ISR grows",
        affected: &[("0.11.0.0", "1.1.2"), ("2.0.0", "2.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7164",
        fixed_in: "1.1.2",
        what: "a follower does not cut its log after every change of epoch",
        affected: &[("0.11.0.0", "1.1.2"), ("2.0.0", "2.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-7415",
        fixed_in: "1.1.2",
        what: "a wrong undefined epoch makes a follower cut to its high watermark",
        affected: &[("0.11.0.0", "1.1.2"), ("2.0.0", "2.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-3924",
        fixed_in: "0.10.0.1",
        what: "a follower ahead of its leader halts and loses data",
        affected: &[("0.8.0", "0.10.0.1")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-1647",
        fixed_in: "0.8.2.0",
        what: "a hard kill loses the checkpoint of high watermarks",
        affected: &[("0.8.0", "0.8.2.0")],
        signature: "",
        also_causes: None,
    },
    KnownBug {
        id: "KAFKA-6752",
        fixed_in: "1.1.1",
        what: "the metric of unclean elections does not count",
        affected: &[("1.1.0", "1.1.1")],
        signature: "",
        also_causes: None,
    },
];

const ZK_VERSION: &str = r"Cached zkVersion \[?[0-9]+\]? not equal to that in zookeeper";

const TOO_LARGE: &str = r"This log contains a message larger than maximum allowable size of [0-9]+";

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
