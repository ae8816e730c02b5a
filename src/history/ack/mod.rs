//! What somebody has taken note of: findings that are shown as such and do not set the exit status, until
//! they grow worse or a date passes.

mod file;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::known::{digests, happens};
use crate::diagnose::finding::{Acknowledged, Finding, Severity};

pub use file::{beside, read, with};

/// One acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The finding's id.
    pub finding: String,
    pub reason: String,
    /// It holds until then; `None`: until the finding grows worse.
    pub until: Option<Timestamp>,
    /// How bad the finding was; a worse one is not meant.
    pub measure: Measure,
    pub by: Option<String>,
    pub made: Option<Timestamp>,
    /// What the finding said of itself then.
    pub title: Option<String>,
    /// Where it stands, for the reader.
    pub source: String,
}

/// How bad a finding is, as far as it can be compared; what is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measure {
    pub severity: Option<Severity>,
    /// Offsets.
    pub lost: Option<u64>,
    /// Instances inside the finding.
    pub items: Option<u64>,
    /// When what the finding tells was last seen.
    pub last_seen: Option<Timestamp>,
    /// Digests of the instances, each of 8 digits; they say more than the number.
    pub known: Option<BTreeSet<String>>,
}

impl Measure {
    /// A finding's own.
    pub fn of(finding: &Finding) -> Self {
        Measure {
            severity: Some(finding.severity),
            lost: finding.lost_total,
            items: Some(finding.items.len() as u64),
            last_seen: finding.last_seen,
            known: Some(digests(finding)),
        }
    }

    /// Whether `finding` is worse than this in any respect, or tells of something that was not known.
    pub fn is_outgrown(&self, finding: &Finding) -> bool {
        let unknown = match &self.known {
            Some(known) => !digests(finding).is_subset(known),
            None => self.items.is_some_and(|then| finding.items.len() as u64 > then),
        };
        // Files and the history keep milliseconds.
        let later = |then: Timestamp| {
            finding.last_seen.is_some_and(|now| now.as_millisecond() > then.as_millisecond())
        };
        // The worst severity is the least.
        unknown
            || self.severity.is_some_and(|then| finding.severity < then)
            || self.lost.is_some_and(|then| finding.lost_total > Some(then))
            || (happens(finding.code) && self.last_seen.is_some_and(later))
    }
}

/// Marks what is acknowledged at `now`, and puts it behind what is not.
pub fn acknowledge(findings: &mut [Finding], acks: &[Ack], now: Timestamp) {
    for finding in findings.iter_mut() {
        let holds = |ack: &&Ack| {
            ack.finding == finding.id
                && ack.until.is_none_or(|until| now < until)
                && !ack.measure.is_outgrown(finding)
        };
        // Of several the one that holds longest.
        let ack = acks.iter().filter(holds).min_by_key(|ack| Reverse((ack.until.is_none(), ack.until)));
        finding.acknowledged = ack.map(|ack| Acknowledged {
            reason: ack.reason.clone(),
            until: ack.until,
            by: ack.by.clone(),
            source: ack.source.clone(),
        });
    }
    findings.sort_by_key(|finding| finding.acknowledged.is_some());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{compare, rounds};
    use crate::diagnose::finding::{Code, Item};
    use crate::diagnose::{Status, diagnose, verdict};
    use crate::report::fixture::incident;
    use crate::round::Round;
    use jiff::SignedDuration;

    fn ill() -> (Round, Vec<Finding>) {
        let round = rounds::round(vec![
            rounds::host("a").disk(vec![rounds::replica("t", 0, 5 << 30)]),
            rounds::host("b").disk(vec![rounds::replica("t", 0, 1 << 30)]),
        ]);
        let findings = diagnose(&round, &compare(&round));
        (round, findings)
    }

    fn ack(finding: &Finding) -> Ack {
        Ack {
            finding: finding.id.clone(),
            reason: "known since the move".into(),
            until: None,
            measure: Measure::of(finding),
            by: None,
            made: None,
            title: None,
            source: "the history".into(),
        }
    }

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_acknowledged_does_not_set_the_status() {
        let (round, mut findings) = ill();
        assert_ne!(verdict(&round, &findings).status, Status::Ok);
        let acks: Vec<Ack> = findings.iter().map(ack).collect();
        acknowledge(&mut findings, &acks, moment(0));
        assert!(findings.iter().all(|finding| finding.acknowledged.is_some()));
        assert_eq!(verdict(&round, &findings).status, Status::Ok);
    }

    #[test]
    fn it_ends_with_its_date() {
        let (_, mut findings) = ill();
        let acks = [Ack { until: Some(moment(1000)), ..ack(&findings[0]) }];
        acknowledge(&mut findings, &acks, moment(999));
        assert_eq!(findings.last().and_then(|last| last.acknowledged.as_ref()?.until), Some(moment(1000)));
        acknowledge(&mut findings, &acks, moment(1000));
        assert!(findings.iter().all(|finding| finding.acknowledged.is_none()));
    }

    #[test]
    fn a_worse_finding_is_not_meant() {
        let (_, findings) = ill();
        let known = ack(&findings[0]);
        let again = |change: fn(&mut Finding)| {
            let mut now = findings[..1].to_vec();
            change(&mut now[0]);
            acknowledge(&mut now, std::slice::from_ref(&known), moment(0));
            now[0].acknowledged.is_some()
        };
        assert!(again(|_| {}));
        assert!(again(|now| now.severity = Severity::Notice));
        // The same partition twice is no other partition.
        assert!(again(|now| now.items.push(now.items[0].clone())));
        assert!(!again(|now| {
            let Some(Item::Replicas(item)) = now.items.first_mut() else { panic!("replicas") };
            item.partition += 1;
        }));
        let milder = Measure { severity: Some(Severity::Notice), ..known.measure.clone() };
        let mut now = findings[..1].to_vec();
        acknowledge(&mut now, &[Ack { measure: milder, ..known.clone() }], moment(0));
        assert!(now[0].acknowledged.is_none());
    }

    #[test]
    fn a_new_loss_is_not_meant_however_small() {
        let case = incident();
        let found = case.findings.iter().find(|one| one.code == Code::ReplicaTruncated).unwrap();
        let known = ack(found);
        let again = |known: &Ack, change: &dyn Fn(&mut Finding)| {
            let mut now = [found.clone()];
            change(&mut now[0]);
            acknowledge(&mut now, std::slice::from_ref(known), moment(0));
            now[0].acknowledged.is_some()
        };
        assert!(known.measure.lost > Some(1));
        assert!(again(&known, &|_| {}));
        assert!(!again(&known, &|now| now.lost_total = now.lost_total.map(|lost| lost + 1)));
        // Older lines have left the log; one cut of one offset has come.
        assert!(!again(&known, &|now| {
            now.items.truncate(1);
            now.lost_total = Some(1);
            let Some(Item::Truncation(cut)) = now.items.first_mut() else { panic!("a cut") };
            cut.from = cut.to + 1;
        }));
        assert!(again(&known, &|now| {
            now.items.truncate(1);
            now.lost_total = Some(1);
        }));
        // The same cut again, a second later.
        let later =
            |now: &mut Finding| now.last_seen = now.last_seen.map(|at| at + SignedDuration::from_secs(1));
        assert!(!again(&known, &later));
        assert!(again(&known, &|now| {
            later(now);
            // A state that is seen again is the same state.
            now.code = Code::UnknownErrors;
        }));
        // An acknowledgement that says no more than how many.
        let counted = Measure { known: None, last_seen: None, ..known.measure.clone() };
        let counted = Ack { measure: counted, ..known.clone() };
        assert!(again(&counted, &|_| {}));
        assert!(!again(&counted, &|now| now.items.push(now.items[0].clone())));
    }
}
