//! A round, its comparison and its findings, rendered. Pure.

use crate::compare::Comparison;
use crate::diagnose::finding::Finding;
use crate::round::Round;

/// Everything that a format renders.
pub struct Report<'a> {
    pub round: &'a Round,
    pub comparison: &'a Comparison,
    /// Worst first.
    pub findings: &'a [Finding],
    pub verdict: Verdict,
}

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
