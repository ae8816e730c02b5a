//! The round in one word.

use crate::diagnose::finding::{Finding, Severity};
use crate::diagnose::gate;
use crate::round::{Outcome, Round, Stopped};

/// The round in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub status: Status,
    pub exit_code: u8,
}

/// The monitoring plugins' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::Warning => "WARNING",
            Status::Critical => "CRITICAL",
            Status::Unknown => "UNKNOWN",
        }
    }

    /// The monitoring plugins' number.
    pub fn code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Warning => 1,
            Status::Critical => 2,
            Status::Unknown => 3,
        }
    }
}

/// Critical before unknown before warning; a notice does not count. What is missing is at least
/// unknown: a round that saw nothing is never OK. What is acknowledged does not count.
pub fn verdict(round: &Round, findings: &[Finding]) -> Verdict {
    // Where a gate asks one question, what does not bear on it does not answer it.
    let gate = round.plays.iter().any(|play| play.expect.gate.is_some());
    let asked = findings.iter().filter(|one| one.acknowledged.is_none() && (!gate || gate::bears(one.code)));
    let worst = asked.map(|finding| finding.severity).min();
    let blind = !round.visits.iter().any(|visit| visit.outcome.reached());
    let known = |host: &str| {
        findings.iter().any(|one| one.acknowledged.is_some() && one.subject.broker.as_deref() == Some(host))
    };
    let lost = round
        .visits
        .iter()
        .any(|visit| !visit.outcome.reached() && visit.outcome != Outcome::Excluded && !known(&visit.host));
    let missing = round.stopped.is_some() || blind || lost;
    let status = match worst {
        Some(Severity::Critical) => Status::Critical,
        Some(Severity::Unknown) => Status::Unknown,
        _ if missing => Status::Unknown,
        Some(Severity::Warning) => Status::Warning,
        Some(Severity::Notice) | None => Status::Ok,
    };
    let exit_code = match round.stopped {
        // 128 and the signal's number, as shells have it.
        Some(Stopped::Interrupted) => 130,
        Some(Stopped::Terminated) => 143,
        Some(Stopped::Deadline) | None => status.code(),
    };
    Verdict { status, exit_code }
}
