//! `history`: the rounds that were kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::keep::{Before, place};
use super::output::{self, Out};
use super::round::Judged;
use crate::cli::{ExecFormat, History, HistoryFile, HistoryList, HistoryPrune, HistoryShow};
use crate::error::Refusal;
use crate::history::{Entry, HistoryError, Store};
use crate::sanitize;

/// See [`History`].
pub fn history(args: &History, out: &Out) -> Result<u8, Refusal> {
    match args {
        History::List(args) => list(args, out),
        History::Show(args) => show(args, out),
        History::Prune(args) => prune(args, out),
    }
}

/// The history that was named, else the user's.
///
/// # Errors
/// There is neither a name nor a home, or the file can't be used.
pub fn open(file: &HistoryFile) -> Result<Store, Refusal> {
    let path = place(file).ok_or_else(|| {
        Refusal::usage("there is no home to keep a history in; name one with --history FILE".to_owned())
    })?;
    Store::open(&path).map_err(refusal)
}

/// A history that can't be used is a file that can't be used.
pub fn refusal(error: HistoryError) -> Refusal {
    match error {
        HistoryError::NoRound { .. } | HistoryError::Several { .. } => Refusal::usage(error.to_string()),
        error => Refusal::Variable(error.to_string()),
    }
}

fn list(args: &HistoryList, out: &Out) -> Result<u8, Refusal> {
    let entries = open(&args.file)?.list(args.number).map_err(refusal)?;
    let text = match args.format {
        ExecFormat::Json => {
            let rows: Vec<_> = entries.iter().map(as_json).collect();
            format!("{:#}\n", json!({ "schema": "roundsman.history/1", "rounds": rows }))
        }
        ExecFormat::Text if entries.is_empty() => "no round is kept yet\n".to_owned(),
        ExecFormat::Text => entries.iter().map(row).collect(),
    };
    out.print(&text);
    Ok(0)
}

fn row(entry: &Entry) -> String {
    let what = entry.line.asked.as_str();
    let limit = entry.line.limit.as_ref().map(|limit| format!(" -l {limit}")).unwrap_or_default();
    format!(
        "{}  {} UTC  {:<8} {:>3} finding{} {:>4} of {} host{}  {}\n",
        entry.id,
        entry.started.strftime("%Y-%m-%d %H:%M:%S"),
        entry.status,
        entry.findings,
        if entry.findings == 1 { ", " } else { "s," },
        entry.reached,
        entry.hosts,
        if entry.hosts == 1 { " " } else { "s" },
        sanitize::line(&format!("{what} -i {}{limit}", entry.line.inventory)),
    )
}

fn as_json(entry: &Entry) -> serde_json::Value {
    json!({
        "id": entry.id,
        "started": entry.started,
        "finished": entry.finished,
        "asked": entry.line.asked,
        "inventory": entry.line.inventory,
        "limit": entry.line.limit,
        "version": entry.version,
        "status": entry.status,
        "exit_code": entry.exit_code,
        "findings": entry.findings,
        "hosts": entry.hosts,
        "reached": entry.reached,
        "bytes": entry.bytes,
    })
}

fn show(args: &HistoryShow, out: &Out) -> Result<u8, Refusal> {
    let destinations = output::destinations(&args.show)?;
    let store = open(&args.file)?;
    let entry = store.find(&args.round).map_err(refusal)?;
    let round = store.load(&entry.id).map_err(refusal)?;
    let before = store.before(&entry.line, entry.started).map_err(refusal)?;
    let earlier = before.map(|entry| store.load(&entry.id)).transpose().map_err(refusal)?;
    let before = Before { acks: store.acks().map_err(refusal)?, earlier, baseline: false };
    Ok(Judged::of(&round, &before).tell(&destinations, &output::style(&args.show), out))
}

fn prune(args: &HistoryPrune, out: &Out) -> Result<u8, Refusal> {
    let age = SignedDuration::try_from(args.older_than.min(Duration::from_secs(u64::from(u32::MAX))));
    let before = age.ok().and_then(|age| Timestamp::now().checked_sub(age).ok());
    let before = before.ok_or_else(|| Refusal::usage("--older-than: that long ago is no date".to_owned()))?;
    let gone = open(&args.file)?.prune(before, args.keep).map_err(refusal)?;
    out.print(&format!("{gone} round{} dropped\n", if gone == 1 { "" } else { "s" }));
    Ok(0)
}
