//! What was not seen and why, hosts with the same message folded.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::Report;
use crate::report::json::coverage_word;
use crate::round::{CoverageStatus, Outcome, Stopped};

/// One message and the hosts that it is true of.
#[derive(Debug, PartialEq, Eq)]
pub struct Gap<'a> {
    pub message: String,
    /// In the inventory's order; empty when it is about the whole round.
    pub hosts: Vec<&'a str>,
}

/// All gaps: the round's own, hosts, answers that are not complete, hosts left out.
pub fn gaps<'a>(report: &Report<'a>) -> Vec<Gap<'a>> {
    let mut gaps = Gaps::default();
    if let Some(why) = report.round.stopped {
        let why = match why {
            Stopped::Interrupted => "interrupted",
            Stopped::Terminated => "terminated",
            Stopped::Deadline => "ended by its own deadline",
        };
        let message = format!("the round was {why} before every host was done");
        gaps.found.push(Gap { message, hosts: Vec::new() });
    }
    hosts(report, &mut gaps);
    answers(report, &mut gaps);
    for visit in report.round.visits.iter().filter(|visit| visit.left_running) {
        gaps.note("a process of this round may still be running".to_owned(), &visit.host);
    }
    excluded(report, &mut gaps);
    gaps.found
}

/// Gaps in the order in which they were met, and where each message stands.
#[derive(Default)]
struct Gaps<'a> {
    found: Vec<Gap<'a>>,
    by_message: BTreeMap<String, usize>,
}

impl<'a> Gaps<'a> {
    fn note(&mut self, message: String, host: &'a str) {
        match self.by_message.get(&message).and_then(|at| self.found.get_mut(*at)) {
            // One host's gaps come one after the other, so that a repetition can only be the last.
            Some(gap) if gap.hosts.last() == Some(&host) => {}
            Some(gap) => gap.hosts.push(host),
            None => {
                self.by_message.insert(message.clone(), self.found.len());
                self.found.push(Gap { message, hosts: vec![host] });
            }
        }
    }
}

fn hosts<'a>(report: &Report<'a>, gaps: &mut Gaps<'a>) {
    for visit in &report.round.visits {
        let outcome = match visit.outcome {
            Outcome::Ok | Outcome::Excluded => continue,
            // The answers below say it in full, unless there are none to say it.
            Outcome::Partial if visit.probes.iter().any(|answer| answer.coverage.iter().any(incomplete)) => {
                continue;
            }
            Outcome::Partial => "only partly seen",
            Outcome::Unreachable => "unreachable",
            Outcome::AuthFailed => "not let in",
            Outcome::HostKey if visit.host_key_changed => "host key changed",
            Outcome::HostKey => "host key not accepted",
            Outcome::Timeout => "out of time",
            Outcome::Lost => "connection lost",
            Outcome::Interrupted => "interrupted",
        };
        // The stage of a key that was not accepted is in its name.
        let stage = visit.stage.as_ref().filter(|_| visit.outcome != Outcome::HostKey);
        let stage = stage.map(|stage| format!(" at {stage}")).unwrap_or_default();
        let reason = visit.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        gaps.note(format!("{outcome}{stage}{reason}"), &visit.host);
    }
}

fn incomplete(coverage: &crate::round::Coverage) -> bool {
    coverage.status != CoverageStatus::Complete
}

fn answers<'a>(report: &Report<'a>, gaps: &mut Gaps<'a>) {
    for visit in &report.round.visits {
        for answer in &visit.probes {
            for row in answer.coverage.iter().filter(|row| incomplete(row)) {
                let how = match row.status {
                    CoverageStatus::Partial => "seen in part",
                    CoverageStatus::None => "not seen",
                    CoverageStatus::Complete => coverage_word(row.status),
                };
                let reason = row.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                let missing =
                    row.missing.as_ref().map(|what| format!("; missing: {what}")).unwrap_or_default();
                gaps.note(format!("{how} by {}: {}{reason}{missing}", answer.probe, row.path), &visit.host);
            }
        }
    }
    for cluster in &report.comparison.clusters {
        for broker in cluster.brokers.iter().filter(|broker| !broker.seen) {
            // A host that was not reached has said so above.
            if report.round.visits.get(broker.visit).is_some_and(|visit| visit.outcome.reached()) {
                gaps.note("replica directories were not looked at".to_owned(), &broker.host);
            }
        }
    }
}

fn excluded<'a>(report: &Report<'a>, gaps: &mut Gaps<'a>) {
    let visits = report.round.visits.iter().filter(|visit| visit.outcome == Outcome::Excluded);
    let left_out = report.round.plays.iter().flat_map(|play| play.excluded.iter().map(String::as_str));
    let hosts: BTreeSet<&str> = visits.map(|visit| visit.host.as_str()).chain(left_out).collect();
    if !hosts.is_empty() {
        let limit = report.round.limit.as_ref().map(|limit| format!(" {limit}")).unwrap_or_default();
        let message = format!("left out by the limit{limit}, neither healthy nor missing");
        gaps.found.push(Gap { message, hosts: hosts.into_iter().collect() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{incident, unseen};

    #[test]
    fn a_round_that_saw_all_has_no_gap() {
        assert_eq!(gaps(&incident().report()), []);
    }

    #[test]
    fn equal_messages_are_folded_and_nothing_is_dropped() {
        let case = unseen();
        let gaps = gaps(&case.report());
        let counts: Vec<(&str, usize)> =
            gaps.iter().map(|gap| (gap.message.as_str(), gap.hosts.len())).collect();
        assert_eq!(
            counts,
            [
                (
                    "connection lost at probe log_grep: the connection broke after 41 s: no answer to 3 keepalives",
                    1
                ),
                ("unreachable at connect: connection refused", 9),
                (
                    "host key not accepted: the host key is unknown: run `roundsman trust \
                     queue-standby.dc2.example.net`",
                    1
                ),
                ("not seen by log_grep: /services/log/kafka/log-cleaner.log: permission denied", 2),
                (
                    "seen in part by log_grep: /services/log/kafka/server.log: the limit of 4 MiB was reached; \
                     missing: 1,204 matching lines",
                    1
                ),
                ("a process of this round may still be running", 1),
                ("left out by the limit queue_nodes:!queue-old*, neither healthy nor missing", 2),
            ]
        );
    }
}
