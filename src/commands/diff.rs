//! `diff`: what changed from one round to another.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::history::{open, refusal};
use super::output::Out;
use super::round::{self, Judged};
use crate::cli::{Diff as Args, ExecFormat};
use crate::diagnose::finding::Severity;
use crate::error::Refusal;
use crate::history::diff::{Change, Diff, ReplicaChange, diff as between};
use crate::report::{code_word, severity_word};
use crate::round::Round;
use crate::sanitize;

/// See [`Args`].
pub fn diff(args: &Args, out: &Out) -> Result<u8, Refusal> {
    let (older, newer) = (kept(&args.older, args)?, kept(&args.newer, args)?);
    let (before, now) = (Judged::of(&older), Judged::of(&newer));
    let diff = between(&before.side(), &now.side());
    match args.format {
        ExecFormat::Json => {
            out.print(&format!("{:#}\n", json!({ "schema": "roundsman.diff/1", "diff": diff })));
        }
        ExecFormat::Text => out.print(&words(&diff, args.number)),
    }
    Ok(status(&diff))
}

/// A file of `--save`, or a kept round.
fn kept(name: &str, args: &Args) -> Result<Round, Refusal> {
    let file = Path::new(name);
    if name.contains('/') || file.is_file() {
        return Ok(round::load(file)?);
    }
    let store = open(&args.file)?;
    store.find(name).and_then(|entry| store.load(&entry.id)).map_err(refusal)
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
