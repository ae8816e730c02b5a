//! Whether a round looked where an older finding came from. What was not read is not gone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::diagnose::finding::{Code, EvidenceLine, Finding, Item, Source};
use crate::kafka::log_name;
use crate::round::{Coverage, CoverageStatus, Evidence, ProbeAnswer, Round, Visit};

/// What the journal gives when nobody said since when.
const JOURNAL: SignedDuration = SignedDuration::from_hours(24);

/// Where a finding comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Logs,
    Disks,
    Mounts,
    Commands,
}

impl Ground {
    fn has(self, answer: &ProbeAnswer) -> bool {
        let name = answer.probe.as_str();
        match self {
            Ground::Logs => name == "log_grep" || name == ProbeAnswer::LOG_FILE,
            Ground::Disks => {
                let brought = [ProbeAnswer::DU_TRANSCRIPT, ProbeAnswer::KAFKA_LOG_DIRS];
                ["disk_usage", "facts", "discovery"].contains(&name) || brought.contains(&name)
            }
            Ground::Mounts => name == "disk_free",
            Ground::Commands => name == "command",
        }
    }
}

/// Whether `newer` did not see what an older finding is about: a host not reached, a file not read, a probe not
/// asked, a window that begins after the finding.
pub fn lost_sight(finding: &Finding, older: &Round, newer: &Round) -> bool {
    let hosts = hosts(finding);
    if hosts.is_empty() {
        return !newer.visits.iter().all(|visit| visit.outcome.reached());
    }
    let about_visits = matches!(
        finding.code,
        Code::HostKeyChanged | Code::NodeUnreachable | Code::ProbeIncomplete | Code::ClockSkew
    );
    let grounds = grounds(finding);
    let logs = grounds.contains(&Ground::Logs);
    if logs && !about_visits && outside(finding, older, newer) {
        return true;
    }
    hosts.iter().any(|host| match (visit(older, host), visit(newer, host)) {
        // It is no node of ours: Kafka's own description, or a leader that nobody asked.
        (None, None) => !older.described.is_empty() && newer.described.is_empty(),
        (_, None) => true,
        (_, Some(now)) if !now.outcome.reached() => true,
        (Some(then), Some(now)) if !about_visits => {
            grounds.iter().any(|ground| blind(*ground, then, now))
                || (logs && finding.evidence.iter().any(|line| line.host == **host && unread(line, now)))
        }
        _ => false,
    })
}

/// Whether all of a host's replicas were looked for.
pub fn saw_disks(round: &Round, host: &str) -> bool {
    visit(round, host).is_some_and(|visit| {
        let usage = visit.probes.iter().filter(|answer| matches!(answer.evidence, Evidence::DiskUsage(_)));
        usage.flat_map(|answer| &answer.coverage).all(|row| row.status == CoverageStatus::Complete)
    })
}

fn visit<'a>(round: &'a Round, host: &str) -> Option<&'a Visit> {
    round.visits.iter().find(|visit| visit.host == host)
}

/// Every host that a finding names.
fn hosts(finding: &Finding) -> BTreeSet<&str> {
    let subject = &finding.subject;
    let mut hosts: BTreeSet<&str> = subject
        .broker
        .as_deref()
        .into_iter()
        .chain(subject.pair.iter().flatten().map(String::as_str))
        .chain(finding.evidence.iter().map(|line| line.host.as_str()))
        .collect();
    for item in &finding.items {
        match item {
            Item::Truncation(cut) => hosts.extend([cut.host.as_str()]),
            Item::Replicas(item) => {
                hosts.extend(item.odd.iter().map(String::as_str));
                hosts.extend(item.holders.iter().map(|holder| holder.host.as_str()));
            }
            Item::Shape(item) => hosts.extend(item.hosts.iter().map(String::as_str)),
            Item::Host(item) => hosts.extend([item.host.as_str()]),
        }
    }
    hosts
}

fn grounds(finding: &Finding) -> Vec<Ground> {
    let mut grounds = Vec::new();
    let logged = finding.evidence.iter().filter(|line| is_logged(line)).count();
    if logged > 0 || finding.last_seen.is_some() {
        grounds.push(Ground::Logs);
    }
    if logged < finding.evidence.len() || grounds.is_empty() {
        grounds.push(Ground::Disks);
    }
    if matches!(finding.code, Code::DiskFull | Code::DiskFilling) {
        grounds.push(Ground::Mounts);
    }
    if finding.code == Code::ExpectationFailed {
        grounds.push(Ground::Commands);
    }
    grounds
}

fn is_logged(line: &EvidenceLine) -> bool {
    line.line.is_some() || line.source == Source::Journal
}

/// Whether the lines of a finding lie outside what the newer round asked for.
fn outside(finding: &Finding, older: &Round, newer: &Round) -> bool {
    let before = |from: Timestamp| match finding.last_seen {
        Some(last) => last < from,
        // Lines without a time: whatever was asked for less of may have them.
        None => older.since.is_none_or(|then| then < from),
    };
    let after = |to: Timestamp| match finding.first_seen {
        Some(first) => first > to,
        None => older.until.is_none_or(|then| then > to),
    };
    let journal = finding.evidence.iter().any(|line| line.source == Source::Journal);
    let from = match (newer.since, journal) {
        (None, true) => newer.started.checked_sub(JOURNAL).ok(),
        (since, _) => since,
    };
    from.is_some_and(before) || newer.until.is_some_and(after)
}

/// Whether a host's answers are missing now, or tell less than they did.
fn blind(ground: Ground, then: &Visit, now: &Visit) -> bool {
    // An answer without evidence is none; it is not asked again by another name.
    let told = |visit: &Visit, name: &str| {
        visit.probes.iter().any(|answer| answer.probe == name && !matches!(answer.evidence, Evidence::None))
    };
    let mut asked = then.probes.iter().filter(|answer| ground.has(answer));
    if asked.any(|answer| told(then, &answer.probe) && !told(now, &answer.probe)) {
        return true;
    }
    let before: BTreeSet<&str> = rows(ground, then)
        .filter(|row| row.status == CoverageStatus::None)
        .map(|row| row.path.as_str())
        .collect();
    let mut less = rows(ground, now).filter(|row| row.status != CoverageStatus::Complete);
    // What could not be read then either has nothing to do with what was found.
    less.any(|row| !(row.status == CoverageStatus::None && before.contains(row.path.as_str())))
}

fn rows(ground: Ground, visit: &Visit) -> impl Iterator<Item = &Coverage> {
    visit.probes.iter().filter(move |answer| ground.has(answer)).flat_map(|answer| &answer.coverage)
}

/// Whether the log that a line stood in was not among those that were read, under whatever name.
fn unread(line: &EvidenceLine, now: &Visit) -> bool {
    let Some(file) = line.file.as_deref().filter(|_| is_logged(line)) else { return false };
    let mut read = rows(Ground::Logs, now).filter(|row| row.status != CoverageStatus::None);
    !read.any(|row| log_name::of_any(&row.path) == log_name::of_any(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{compare, rounds};
    use crate::diagnose::diagnose;

    const CUT: &str =
        "[2017-04-04 09:12:10,123] ERROR Something that no rule knows of happened (kafka.server.Thing)";

    fn round(logged: &[&str]) -> Round {
        let replicas = || vec![rounds::replica("t", 0, 5 << 30)];
        rounds::round(vec![
            rounds::host("a").disk(replicas()).log("/l/server.log", logged),
            rounds::host("b").disk(replicas()).log("/l/server.log", &[]),
        ])
    }

    fn logged() -> (Round, Finding) {
        let round = round(&[CUT]);
        let mut findings = diagnose(&round, &compare(&round));
        findings.retain(|finding| finding.code == Code::UnknownErrors);
        (round, findings.remove(0))
    }

    fn log(round: &mut Round) -> &mut ProbeAnswer {
        round.visits[0].probes.iter_mut().find(|answer| answer.probe == "log_grep").unwrap()
    }

    #[test]
    fn what_was_read_and_is_not_there_is_gone() {
        let (older, finding) = logged();
        assert!(!lost_sight(&finding, &older, &round(&[])));
        // A rotated log is the same log.
        let mut rotated = round(&[]);
        log(&mut rotated).coverage.push(Coverage::complete("/l/server.log.2017-04-04-09"));
        assert!(!lost_sight(&finding, &older, &rotated));
        // A command that nothing rests on.
        let mut other = round(&[]);
        other.visits[0].probes.push(ProbeAnswer {
            play: 0,
            probe: "command".into(),
            evidence: Evidence::None,
            coverage: vec![Coverage::none("uptime", "no")],
            seconds: 0.0,
        });
        assert!(!lost_sight(&finding, &older, &other));
    }

    #[test]
    fn what_was_not_read_is_not_gone() {
        let (older, finding) = logged();
        let now = |change: &dyn Fn(&mut Round)| {
            let mut now = round(&[]);
            change(&mut now);
            lost_sight(&finding, &older, &now)
        };
        assert!(now(&|now| log(now).coverage = vec![Coverage::none("/l/server.log", "not readable")]));
        assert!(now(&|now| log(now).coverage = vec![Coverage::partial("/l/server.log", "the limit")]));
        assert!(now(&|now| log(now).coverage = vec![Coverage::complete("/l/controller.log")]));
        assert!(now(&|now| log(now).coverage.push(Coverage::none("/l/server.log.1", "not readable"))));
        assert!(now(&|now| now.visits[0].probes.retain(|answer| answer.probe != "log_grep")));
        assert!(now(&|now| log(now).evidence = Evidence::None));
        assert!(now(&|now| {
            now.visits.remove(0);
        }));
        // What never could be read is no reason to doubt.
        let mut older = older.clone();
        let refused = Coverage::none("/l/state-change.log", "not readable");
        log(&mut older).coverage.push(refused.clone());
        let mut still = round(&[]);
        log(&mut still).coverage.push(refused);
        assert!(!lost_sight(&finding, &older, &still));
    }

    #[test]
    fn what_lies_outside_the_window_is_not_gone() {
        let (older, finding) = logged();
        let last = finding.last_seen.unwrap();
        let now = |since: Option<Timestamp>, until: Option<Timestamp>| {
            let now = Round { since, until, ..round(&[]) };
            lost_sight(&finding, &older, &now)
        };
        let second = SignedDuration::from_secs(1);
        assert!(now(Some(last + second), None));
        assert!(!now(Some(last - second), None));
        assert!(now(None, Some(last - second)));
        assert!(!now(None, Some(last + second)));
        let untimed = Finding { first_seen: None, last_seen: None, ..finding.clone() };
        let since = |from| Round { since: Some(from), ..round(&[]) };
        assert!(lost_sight(&untimed, &older, &since(last)));
        assert!(!lost_sight(&untimed, &since(last), &since(last)));
    }

    #[test]
    fn disks_that_were_not_listed_hide_what_lies_on_them() {
        let small = rounds::round(vec![
            rounds::host("a").disk(vec![rounds::replica("t", 0, 5 << 30)]),
            rounds::host("b").disk(vec![rounds::replica("t", 0, 1 << 30)]),
        ]);
        let findings = diagnose(&small, &compare(&small));
        let mut now = small.clone();
        assert!(findings.iter().all(|finding| !lost_sight(finding, &small, &now)));
        assert!(saw_disks(&now, "b"));
        let disks = now.visits[1].probes.iter_mut().find(|answer| answer.probe == "disk_usage").unwrap();
        disks.coverage = vec![Coverage::partial("/data", "2 directories are not readable")];
        assert!(findings.iter().all(|finding| lost_sight(finding, &small, &now)));
        assert!(!saw_disks(&now, "b"));
    }
}
