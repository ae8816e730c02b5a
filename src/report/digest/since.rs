//! What changed since an earlier round, and what somebody has taken note of, in words.

use crate::diagnose::finding::{Change, Finding};
use crate::history::Since;
use crate::history::diff::{FindingChange, ReplicaChange};
use crate::report::Report;
use crate::report::measure::{bytes, counted, minute};

/// Replicas that are named, and the change of bytes that makes one worth a line.
const REPLICAS: usize = 5;
const WORTH_A_LINE: u64 = 64 << 20;

/// `since the round of 2026-11-23 02:00 UTC: 2 new, 1 gone`; nothing without an earlier round.
pub fn headline(report: &Report) -> Option<String> {
    let since = report.since?;
    let counted: Vec<String> = [Change::New, Change::Worse, Change::Better, Change::Gone, Change::Unseen]
        .into_iter()
        .map(|change| (since.count(change), change))
        .filter(|(number, _)| *number > 0)
        .map(|(number, change)| match change {
            Change::Unseen => format!("{number} not seen this time"),
            change => format!("{number} {}", change.word()),
        })
        .collect();
    let what = match counted.is_empty() {
        true if report.findings.is_empty() => "as well as then".to_owned(),
        true => "the findings are the same".to_owned(),
        false => counted.join(", "),
    };
    let which = if since.baseline { "the baseline" } else { "the last round" };
    Some(format!("since {which}, {} UTC: {what}", minute(since.started)))
}

/// What stands behind a finding's code: `new`, `acknowledged`.
pub fn marks(finding: &Finding) -> Vec<&'static str> {
    let change = finding.change.filter(|change| *change != Change::Same).map(Change::word);
    change.into_iter().chain(finding.acknowledged.as_ref().map(|_| "acknowledged")).collect()
}

/// Who knows of a finding, until when, and why.
pub fn acknowledged(finding: &Finding) -> Option<String> {
    let ack = finding.acknowledged.as_ref()?;
    let by = ack.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let until = match ack.until {
        Some(until) => format!("until {} UTC", minute(until)),
        None => "until it grows worse".to_owned(),
    };
    Some(format!("{until}{by} ({}): {}", ack.source, ack.reason))
}

/// What an earlier round had and this one has not, and what grew: a line each.
pub fn lines(report: &Report) -> Vec<String> {
    let left = report.since.into_iter().flat_map(left).map(left_words);
    let (sizes, more) = sizes(report);
    left.chain(sizes).chain(more).collect()
}

/// Findings of the earlier round that are not there now.
pub fn left(since: &Since) -> impl Iterator<Item = &FindingChange> {
    since.diff.findings.iter().filter(|one| matches!(one.change, Change::Gone | Change::Unseen))
}

/// What is said of one of them.
pub fn left_words(one: &FindingChange) -> String {
    let what = if one.change == Change::Gone { "gone" } else { "not seen this time" };
    format!("{what}: {}", one.title)
}

/// The replicas whose sizes changed most, with their change by day, and how many more did.
fn sizes(report: &Report) -> (Vec<String>, Option<String>) {
    let Some(since) = report.since else { return (Vec::new(), None) };
    let days = report.round.started.duration_since(since.started).as_secs_f64() / 86_400.0;
    let changed: Vec<&ReplicaChange> =
        since.diff.replicas.iter().filter(|one| one.by() >= WORTH_A_LINE).collect();
    let lines = changed.iter().take(REPLICAS).map(|one| size(one, days)).collect();
    let more = changed.len().checked_sub(REPLICAS).filter(|more| *more > 0);
    (lines, more.map(|more| format!("and {}: `roundsman diff`", counted(more, "more", "more"))))
}

fn size(one: &ReplicaChange, days: f64) -> String {
    let place = format!("{}-{} on {}", one.topic, one.partition, one.broker);
    match (one.from, one.to) {
        (Some(from), Some(to)) => {
            let sign = if to > from { '+' } else { '-' };
            // A rate of a few minutes says nothing about a day.
            let rate = match days > 0.04 {
                true => format!(", {sign}{} a day", bytes((one.by() as f64 / days) as u64)),
                false => String::new(),
            };
            format!("{place}: {} → {}{rate}", bytes(from), bytes(to))
        }
        (None, Some(to)) => format!("{place}: appeared, {}", bytes(to)),
        (Some(from), None) => format!("{place}: is gone, held {}", bytes(from)),
        (None, None) => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::diff::Diff;
    use crate::report::fixture::{at, incident};

    #[test]
    fn the_headline_counts_what_changed() {
        let mut case = incident();
        assert_eq!(headline(&case.report()), None);
        let mut since = Since { started: at("2017-04-04T07:12:04Z"), baseline: false, diff: Diff::default() };
        case.since = Some(since.clone());
        assert_eq!(
            headline(&case.report()).as_deref(),
            Some("since the last round, 2017-04-04 07:12 UTC: the findings are the same")
        );
        for change in [Change::New, Change::New, Change::Gone, Change::Unseen] {
            let first = &case.findings[0];
            since.diff.findings.push(FindingChange {
                change,
                id: first.id.clone(),
                code: first.code,
                severity: first.severity,
                title: first.title.clone(),
            });
        }
        case.since = Some(since);
        assert_eq!(
            headline(&case.report()).as_deref(),
            Some("since the last round, 2017-04-04 07:12 UTC: 2 new, 1 gone, 1 not seen this time")
        );
        assert_eq!(left(case.since.as_ref().unwrap()).count(), 2);
    }

    #[test]
    fn growth_is_told_by_day() {
        let one = ReplicaChange {
            cluster: "c".into(),
            topic: "t".into(),
            partition: 3,
            broker: "b".into(),
            from: Some(1 << 30),
            to: Some(2 << 30),
        };
        assert_eq!(size(&one, 0.5), "t-3 on b: 1.00 GiB → 2.00 GiB, +2.00 GiB a day");
        assert_eq!(size(&one, 0.001), "t-3 on b: 1.00 GiB → 2.00 GiB");
        assert_eq!(size(&ReplicaChange { to: None, ..one }, 1.0), "t-3 on b: is gone, held 1.00 GiB");
    }
}
