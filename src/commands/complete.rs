//! `completions` and what its scripts ask: never a program, a password or the network, and never a complaint.

use std::io::Write;
use std::sync::Arc;

use super::output::Out;
use crate::ansible::Settings;
use crate::cli::{self, Candidate, Complete, Completions, HistoryFile, Line, Shell, Wanted};
use crate::compare::compare;
use crate::diagnose::{diagnose, explain};
use crate::history::Store;
use crate::inventory;
use crate::report::Format;
use crate::sanitize;
use crate::shell::becoming::Method;

/// Rounds that are offered, the newest first.
const ROUNDS: usize = 50;

/// See [`Completions`].
pub fn completions(args: &Completions, out: &Out) -> u8 {
    out.print(args.shell.script());
    0
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("../cli/completions/roundsman.bash"),
            Shell::Zsh => include_str!("../cli/completions/roundsman.zsh"),
            Shell::Fish => include_str!("../cli/completions/roundsman.fish"),
        }
    }
}

/// See [`Complete`]. What can't be had is not offered.
pub fn complete(args: Complete, out: &Out) -> u8 {
    let words: Vec<_> = match args.quoted {
        true => args.words.iter().map(|word| cli::unquoted(word)).collect(),
        false => args.words,
    };
    let (candidates, files) = cli::complete(words, args.index, Arc::new(values));
    let mut text = Vec::new();
    for Candidate { word, help } in candidates {
        let help = sanitize::line(&help);
        // Writing to memory cannot fail.
        let _ = if help.is_empty() { writeln!(text, "{word}") } else { writeln!(text, "{word}\t{help}") };
    }
    if files {
        text.extend(b"\tfiles\n");
    }
    out.print_bytes(&text);
    0
}

fn values(wanted: Wanted, line: &Line) -> Vec<Candidate> {
    let plain = |word: &str| Candidate { word: word.to_owned(), help: String::new() };
    match wanted {
        Wanted::Pattern => {
            let names = names(line);
            let groups = names.groups.iter().map(|(group, hosts)| Candidate {
                word: group.clone(),
                help: format!("{hosts} host{}", if *hosts == 1 { "" } else { "s" }),
            });
            groups.chain(names.hosts.iter().map(|host| plain(host))).collect()
        }
        Wanted::Host => names(line).hosts.iter().map(|host| plain(host)).collect(),
        Wanted::Round => rounds(line),
        Wanted::Finding => history(line).map_or_else(Vec::new, |store| findings(&store)),
        Wanted::Acked => history(line).map_or_else(Vec::new, |store| {
            let acks = store.acks().unwrap_or_default();
            acks.into_iter().map(|ack| Candidate { word: ack.finding, help: ack.reason }).collect()
        }),
        Wanted::Code => {
            let texts = explain::all();
            texts
                .iter()
                .map(|text| Candidate { word: text.code.word().to_owned(), help: text.summary.to_owned() })
                .collect()
        }
        Wanted::Format => Format::ALL.iter().map(|(name, _)| plain(name)).collect(),
        Wanted::BecomeMethod => {
            [Method::Sudo, Method::Su, Method::Doas].iter().map(|method| plain(method.name())).collect()
        }
    }
}

fn names(line: &Line) -> inventory::Names {
    if !line.inventories.is_empty() {
        return inventory::names(&line.inventories);
    }
    Settings::of_process()
        .map_or_else(|_| Default::default(), |settings| inventory::names(&settings.inventories))
}

fn history(line: &Line) -> Option<Store> {
    let file = HistoryFile { history: line.history.clone() };
    Store::open_to_look(&super::keep::place(&file)?).ok()
}

/// The last round's, worst first.
fn findings(store: &Store) -> Vec<Candidate> {
    let Some(round) = store.find("last", None).ok().and_then(|entry| store.load(&entry.id).ok()) else {
        return Vec::new();
    };
    let found = diagnose(&round, &compare(&round));
    found.into_iter().map(|finding| Candidate { word: finding.id, help: finding.title }).collect()
}

fn rounds(line: &Line) -> Vec<Candidate> {
    let Some(store) = history(line) else { return Vec::new() };
    let entries = store.list(ROUNDS).unwrap_or_default();
    let rounds = entries.iter().map(|entry| Candidate {
        word: entry.id.clone(),
        help: format!(
            "{} {} {}",
            entry.started.strftime("%Y-%m-%d %H:%M UTC"),
            entry.status,
            entry.line.asked
        ),
    });
    ["last", "last~1"]
        .iter()
        .take(entries.len())
        .map(|word| Candidate { word: (*word).to_owned(), help: String::new() })
        .chain(rounds)
        .collect()
}
