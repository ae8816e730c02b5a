//! `ack`: findings that somebody knows of.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::keep::{Before, files, look, named, open, refusal};
use super::output::{self, Out};
use super::round::Judged;
use super::saved::is_file;
use crate::cli::{self, AckCommand, AckDrop, AckList, ExecFormat};
use crate::diagnose::finding::Finding;
use crate::error::{FileError, Refusal};
use crate::history::Store;
use crate::history::ack::{Ack, Measure, with};
use crate::playbook::units;
use crate::round::Round;
use crate::sanitize;

/// Kept rounds that are searched for a finding.
const ROUNDS: usize = 20;

/// See [`cli::Ack`].
pub fn ack(args: &cli::Ack, out: &Out) -> Result<u8, Refusal> {
    match &args.command {
        Some(AckCommand::List(args)) => list(args, out),
        Some(AckCommand::Drop(args)) => drop_one(args, out),
        None => acknowledge(args, out),
    }
}

fn acknowledge(args: &cli::Ack, out: &Out) -> Result<u8, Refusal> {
    // clap asks for both.
    let (id, reason) =
        (args.finding.as_deref().unwrap_or_default(), args.reason.as_deref().unwrap_or_default());
    if id.trim().is_empty() || reason.trim().is_empty() {
        return Err(Refusal::usage("an acknowledgement needs the finding's id and a reason"));
    }
    let now = Timestamp::now();
    let until = args.until.as_deref().map(|until| later(until, now)).transpose().map_err(Refusal::usage)?;
    let by_file = args.round.as_deref().is_some_and(is_file);
    let mut store = match by_file && args.file.is_some() {
        true => None,
        false if args.file.is_some() => Some(look(&args.history)?),
        false => Some(open(&args.history)?),
    };
    let finding = match (&args.round, &store) {
        (Some(name), store) => in_round(&named(name, store.as_ref(), None)?, id)?,
        (None, Some(store)) => newest(store, id)?,
        (None, None) => None,
    };
    let Some(finding) = finding else {
        return Err(Refusal::usage(format!(
            "no finding `{id}`: reports have the ids, `roundsman history show` shows the last one"
        )));
    };
    let ack = Ack {
        finding: finding.id.clone(),
        reason: reason.to_owned(),
        until,
        measure: Measure::of(&finding),
        by: std::env::var("USER").ok().filter(|user| !user.is_empty()),
        made: Some(now),
        title: Some(finding.title.clone()),
        source: String::new(),
    };
    match (&args.file, &mut store) {
        (Some(file), _) => append(file, &ack)?,
        (None, Some(store)) => store.acknowledge(&ack, now).map_err(refusal)?,
        (None, None) => {}
    }
    out.print(&format!("acknowledged {}: {}\n", ack.finding, sanitize::line(&finding.title)));
    Ok(0)
}

/// `30d` from now, a date, an RFC 3339 time.
fn later(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let until = match units::duration(text) {
        Ok(duration) => now.checked_add(duration).map_err(|_| format!("--until {text}: that is no date"))?,
        Err(_) => units::moment(text, now)
            .map_err(|_| format!("--until {text}: write 30d, 2026-12-31 or an RFC 3339 time"))?,
    };
    match until > now {
        true => Ok(until),
        false => Err(format!("--until {text}: that has passed")),
    }
}

/// The finding in the newest kept round that has it.
fn newest(store: &Store, id: &str) -> Result<Option<Finding>, Refusal> {
    for entry in store.list(ROUNDS).map_err(refusal)? {
        let round = store.load(&entry.id).map_err(refusal)?;
        if let Some(finding) = in_round(&round, id)? {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

/// The finding of a round whose id begins with `id`.
fn in_round(round: &Round, id: &str) -> Result<Option<Finding>, Refusal> {
    let mut found: Vec<Finding> = Judged::of(round, &Before::default()).findings;
    found.retain(|finding| finding.id.starts_with(id));
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(|finding| finding.id.as_str()).collect();
        return Err(Refusal::usage(format!(
            "`{id}` is the beginning of several findings: {}",
            ids.join(", ")
        )));
    }
    Ok(found.pop())
}

/// Puts it at the end of a file that is right before and right afterwards.
fn append(file: &Path, ack: &Ack) -> Result<(), Refusal> {
    // A link stays one.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let failed =
        |error: io::Error| FileError::whole(file, format!("the acknowledgement can't be written: {error}"));
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error).into()),
    };
    let text = with(file, &text, ack)?;
    let mode = fs::metadata(file).map_or(0o644, |meta| meta.permissions().mode() & 0o7777);
    output::write_whole(file, text.as_bytes(), mode).map_err(failed)?;
    Ok(())
}

fn list(args: &AckList, out: &Out) -> Result<u8, Refusal> {
    let mut acks = look(&args.history)?.acks().map_err(refusal)?;
    acks.extend(files(&args.acks, args.playbook.as_deref())?);
    let now = Timestamp::now();
    let text = match args.format {
        ExecFormat::Json => format!(
            "{:#}\n",
            json!({ "schema": "roundsman.acks/1", "acks": acks.iter().map(as_json).collect::<Vec<_>>() })
        ),
        ExecFormat::Text if acks.is_empty() => "nothing is acknowledged\n".to_owned(),
        ExecFormat::Text => acks.iter().map(|ack| row(ack, now)).collect(),
    };
    out.print(&text);
    Ok(0)
}

fn row(ack: &Ack, now: Timestamp) -> String {
    let until = match ack.until {
        Some(until) if until <= now => format!("has passed ({})", until.strftime("%Y-%m-%d %H:%M UTC")),
        Some(until) => format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
        None => "until it grows worse".to_owned(),
    };
    let by = ack.by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
    let title = ack.title.as_deref().unwrap_or_default();
    format!(
        "{}  {until}{} ({}): {}\n    {}\n",
        ack.finding,
        sanitize::line(&by),
        sanitize::line(&ack.source),
        sanitize::line(&ack.reason),
        sanitize::line(title)
    )
}

fn as_json(ack: &Ack) -> serde_json::Value {
    json!({
        "finding": ack.finding,
        "reason": ack.reason,
        "until": ack.until,
        "by": ack.by,
        "made": ack.made,
        "title": ack.title,
        "severity": ack.measure.severity,
        "lost": ack.measure.lost,
        "items": ack.measure.items,
        "last_seen": ack.measure.last_seen,
        "source": ack.source,
    })
}

fn drop_one(args: &AckDrop, out: &Out) -> Result<u8, Refusal> {
    let mut store = open(&args.history)?;
    let mut known: Vec<String> = store.acks().map_err(refusal)?.into_iter().map(|ack| ack.finding).collect();
    known.retain(|finding| finding.starts_with(&args.finding));
    match known.as_slice() {
        [only] => {
            store.drop_ack(only).map_err(refusal)?;
            out.print(&format!("{only} counts again\n"));
            Ok(0)
        }
        [] => Err(Refusal::usage(format!("`{}` is not acknowledged; `roundsman ack list`", args.finding))),
        several => Err(Refusal::usage(format!(
            "`{}` is the beginning of several: {}",
            args.finding,
            several.join(", ")
        ))),
    }
}
