//! What a round's findings are beside those of an earlier one.

use jiff::Timestamp;

use super::diff::{Diff, Side, diff};
use crate::diagnose::finding::{Change, Finding};

/// A round beside an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct Since {
    /// When the earlier one began.
    pub started: Timestamp,
    /// Somebody named it; otherwise it is the last one that asked the same.
    pub baseline: bool,
    pub diff: Diff,
}

impl Since {
    /// Lays `newer` beside `older`.
    pub fn of(older: &Side<'_>, newer: &Side<'_>, baseline: bool) -> Self {
        Since { started: older.round.started, baseline, diff: diff(older, newer) }
    }

    /// How many findings changed in this way.
    pub fn count(&self, change: Change) -> usize {
        self.diff.findings.iter().filter(|one| one.change == change).count()
    }

    /// Whether anything is new, worse, better or gone.
    pub fn is_news(&self) -> bool {
        self.diff.findings.iter().any(|one| one.change != Change::Unseen)
    }

    /// Tells each finding how it stands.
    pub fn mark(&self, findings: &mut [Finding]) {
        for finding in findings {
            let changed = self.diff.findings.iter().find(|one| one.id == finding.id);
            finding.change = Some(changed.map_or(Change::Same, |one| one.change));
        }
    }
}
