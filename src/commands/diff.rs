//! `diff`: what changed from one round to another.

use std::path::Path;

use serde_json::json;

use super::keep::{Before, acks, look, named};
use super::output::{self, Out};
use super::round::Judged;
use super::saved::is_file;
use crate::cli::{Diff as Args, ExecFormat};
use crate::diagnose::finding::{Change, Severity};
use crate::error::Refusal;
use crate::history::diff::{Diff, diff as between};
use crate::report::table;

/// See [`Args`].
pub fn diff(args: &Args, out: &Out) -> Result<u8, Refusal> {
    let store = match is_file(&args.older) && is_file(&args.newer) {
        true => None,
        false => Some(look(&args.file)?),
    };
    let (older, newer) =
        (named(&args.older, store.as_ref(), None)?, named(&args.newer, store.as_ref(), None)?);
    let acks = acks(&args.acks, newer.playbook.as_deref().map(Path::new), store.as_ref())?;
    let before = Judged::of(&older, &Before::default());
    let now = Judged::of(&newer, &Before { acks, ..Before::default() });
    let diff = between(&before.side(), &now.side());
    let known = |id: &str| now.findings.iter().any(|one| one.id == id && one.acknowledged.is_some());
    match args.format {
        ExecFormat::Json => {
            out.print(&format!("{:#}\n", json!({ "schema": "roundsman.diff/1", "diff": diff })));
        }
        ExecFormat::Text => out.print(&table::diff(&diff, &known, args.number, &output::plain(args.width))),
    }
    Ok(status(&diff, &known))
}

/// The worst that is new or worse, and that nobody knows of.
fn status(diff: &Diff, known: &dyn Fn(&str) -> bool) -> u8 {
    let grown = diff.findings.iter().filter(|one| matches!(one.change, Change::New | Change::Worse));
    let grown = grown.filter(|one| !known(&one.id));
    match grown.map(|one| one.severity).min() {
        Some(Severity::Critical) => 2,
        Some(Severity::Unknown) => 3,
        Some(Severity::Warning) => 1,
        Some(Severity::Notice) | None => 0,
    }
}
