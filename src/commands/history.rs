//! `history`: the rounds that were kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::keep::{Before, acks, look, open, refusal};
use super::output::{self, Out};
use super::round::Judged;
use crate::cli::{ExecFormat, History, HistoryList, HistoryPrune, HistoryShow, HistoryTrend};
use crate::error::Refusal;
use crate::history::{Entry, Size};
use crate::report::table::{self, Trend};
use crate::sanitize;

/// See [`History`].
pub fn history(args: &History, out: &Out) -> Result<u8, Refusal> {
    match args {
        History::List(args) => list(args, out),
        History::Show(args) => show(args, out),
        History::Trend(args) => trend(args, out),
        History::Prune(args) => prune(args, out),
    }
}

fn list(args: &HistoryList, out: &Out) -> Result<u8, Refusal> {
    let entries = look(&args.file)?.list(args.number).map_err(refusal)?;
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
    let store = look(&args.file)?;
    let entry = store.find(&args.round, None).map_err(refusal)?;
    let round = store.load(&entry.id).map_err(refusal)?;
    let before = store.before(&entry.line, entry.started).map_err(refusal)?;
    let earlier = before.map(|entry| store.load(&entry.id)).transpose().map_err(refusal)?;
    let acks = acks(&[], Some(Path::new(&entry.line.asked)), Some(&store))?;
    let before = Before { acks, earlier, baseline: false };
    Ok(Judged::of(&round, &before).tell(&destinations, &out.style(&args.show), out))
}

fn trend(args: &HistoryTrend, out: &Out) -> Result<u8, Refusal> {
    let store = look(&args.file)?;
    let of = store.find(&args.of, None).map_err(refusal)?;
    let mut rounds = store.list_line(&of.line, usize::MAX).map_err(refusal)?;
    rounds.reverse();
    let rounds = evenly(&rounds, args.number.max(2));
    // `a-1` may be the name of a topic.
    let named = args.topic.rsplit_once('-').and_then(|(topic, number)| Some((topic, number.parse().ok()?)));
    let asked =
        [(args.topic.as_str(), None)].into_iter().chain(named.map(|(topic, number)| (topic, Some(number))));
    for (topic, partition) in asked {
        let mut sizes = Vec::new();
        for entry in &rounds {
            sizes.push(store.sizes(&entry.id, topic, partition).map_err(refusal)?);
        }
        let trends = trends(&sizes);
        if trends.is_empty() {
            continue;
        }
        let started: Vec<Timestamp> = rounds.iter().map(|entry| entry.started).collect();
        match args.format {
            ExecFormat::Text => {
                out.print(&table::trend(&args.topic, &started, &trends, &output::plain(args.width)));
            }
            ExecFormat::Json => {
                let rows: Vec<_> = trends
                    .iter()
                    .map(|one| {
                        json!({ "partition": one.partition, "host": one.host, "log_bytes": one.sizes,
                            "bytes_a_day": one.a_day(&started) })
                    })
                    .collect();
                let ids: Vec<&str> = rounds.iter().map(|entry| entry.id.as_str()).collect();
                let all = json!({ "schema": "roundsman.trend/1", "topic": topic, "rounds": ids,
                    "started": started, "replicas": rows });
                out.print(&format!("{all:#}\n"));
            }
        }
        return Ok(0);
    }
    Err(Refusal::usage(format!("no kept round of {} has seen a replica of `{}`", of.line.asked, args.topic)))
}

/// At most `most` of them, the first and the last included.
fn evenly(all: &[Entry], most: usize) -> Vec<&Entry> {
    if all.len() <= most {
        return all.iter().collect();
    }
    let last = all.len() - 1;
    (0..most).filter_map(|turn| all.get(turn * last / (most - 1).max(1))).collect()
}

/// Each replica's sizes, by partition and host.
fn trends(sizes: &[Vec<Size>]) -> Vec<Trend> {
    let mut found: BTreeMap<(u32, &str), Vec<Option<u64>>> = BTreeMap::new();
    for (turn, seen) in sizes.iter().enumerate() {
        for size in seen {
            let row = found.entry((size.partition, &size.host)).or_insert_with(|| vec![None; sizes.len()]);
            if let Some(place) = row.get_mut(turn) {
                *place = Some(size.log_bytes);
            }
        }
    }
    let trend =
        |((partition, host), sizes): ((u32, &str), _)| Trend { partition, host: host.to_owned(), sizes };
    found.into_iter().map(trend).collect()
}

fn prune(args: &HistoryPrune, out: &Out) -> Result<u8, Refusal> {
    let age = SignedDuration::try_from(args.older_than.min(Duration::from_secs(u64::from(u32::MAX))));
    let before = age.ok().and_then(|age| Timestamp::now().checked_sub(age).ok());
    let before = before.ok_or_else(|| Refusal::usage("--older-than: that long ago is no date".to_owned()))?;
    let gone = open(&args.file)?.prune(before, args.keep).map_err(refusal)?;
    out.print(&format!("{gone} round{} dropped\n", if gone == 1 { "" } else { "s" }));
    Ok(0)
}
