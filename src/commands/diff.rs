//! `diff`: what changed from one round to another.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::history::open;
use super::keep::{Before, named};
use super::output::Out;
use super::round::Judged;
use crate::cli::{Diff as Args, ExecFormat};
use crate::diagnose::finding::{Change, Severity};
use crate::error::Refusal;
use crate::history::diff::{Diff, ReplicaChange, diff as between};
use crate::report::{code_word, severity_word};
use crate::sanitize;

/// See [`Args`].
pub fn diff(args: &Args, out: &Out) -> Result<u8, Refusal> {
    let is_file = |name: &str| name.contains('/') || Path::new(name).is_file();
    let store = match is_file(&args.older) && is_file(&args.newer) {
        true => None,
        false => Some(open(&args.file)?),
    };
    let (older, newer) = (named(&args.older, store.as_ref())?, named(&args.newer, store.as_ref())?);
    let (before, now) = (Judged::of(&older, &Before::default()), Judged::of(&newer, &Before::default()));
    let diff = between(&before.side(), &now.side());
    match args.format {
        ExecFormat::Json => {
            out.print(&format!("{:#}\n", json!({ "schema": "roundsman.diff/1", "diff": diff })));
        }
        ExecFormat::Text => out.print(&words(&diff, args.number)),
    }
    Ok(status(&diff))
}

/// The worst that is new or worse.
fn status(diff: &Diff) -> u8 {
    let grown = diff.findings.iter().filter(|one| matches!(one.change, Change::New | Change::Worse));
    match grown.map(|one| one.severity).min() {
        Some(Severity::Critical) => 2,
        Some(Severity::Unknown) => 3,
        Some(Severity::Warning) => 1,
        Some(Severity::Notice) | None => 0,
    }
}

fn words(diff: &Diff, number: usize) -> String {
    let mut text = format!("{} -> {}\n\n", diff.from, diff.to);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Findings: {} changed, {} as before", diff.findings.len(), diff.unchanged);
    for one in &diff.findings {
        let (severity, code) = (severity_word(one.severity), code_word(one.code));
        let _ =
            writeln!(text, "  {:<6} {severity:<8} {code}: {}", one.change.word(), sanitize::line(&one.title));
    }
    if !diff.brokers.is_empty() {
        let _ = writeln!(text, "\nBrokers:");
    }
    for one in &diff.brokers {
        let _ = writeln!(text, "  {} {}", sanitize::line(&one.broker), sanitize::line(&one.what));
    }
    let _ = writeln!(text, "\nReplicas: {} changed", diff.replicas.len());
    for one in diff.replicas.iter().take(number) {
        let place = format!("{}-{} on {}", one.topic, one.partition, one.broker);
        let _ = writeln!(text, "  {:<50} {}", sanitize::line(&place), sizes(one));
    }
    if let Some(more) = diff.replicas.len().checked_sub(number).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}

fn sizes(change: &ReplicaChange) -> String {
    use crate::report::bytes;
    match (change.from, change.to) {
        (Some(from), Some(to)) => {
            let sign = if to > from { '+' } else { '-' };
            format!("{} -> {} ({sign}{})", bytes(from), bytes(to), bytes(from.abs_diff(to)))
        }
        (None, Some(to)) => format!("appeared, {}", bytes(to)),
        (Some(from), None) => format!("is gone, had {}", bytes(from)),
        (None, None) => String::new(),
    }
}
