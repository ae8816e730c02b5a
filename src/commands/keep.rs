//! What a round knows of earlier ones, and where it is kept. The history never costs a round: what is wrong with
//! it is told, and the exit status knows.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::history::refusal;
use super::output::Out;
use super::round;
use crate::cli::{Beside, HistoryFile, Keep};
use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::error::Refusal;
use crate::history::ack::{self, Ack};
use crate::history::{HistoryError, Line, Store, default_path};
use crate::plan::Plan;
use crate::plan::build::Options;
use crate::round::Round;

/// The history of a round that is to be made.
pub struct Past {
    store: Option<Store>,
    line: Line,
    previous: Option<Round>,
}

/// What a round's findings are laid beside.
#[derive(Default)]
pub struct Before {
    pub acks: Vec<Ack>,
    pub earlier: Option<Round>,
    /// `earlier` was named by somebody.
    pub baseline: bool,
}

impl Past {
    /// Opens the history, unless the round is to have none, and takes the last round that asked the same.
    pub fn of(keep: &Keep, plan: &Plan, options: &Options, out: &Out) -> Past {
        let line = line(plan, options);
        if keep.no_history {
            return Past { store: None, line, previous: None };
        }
        let Some(path) = place(&keep.file) else {
            out.lose("there is no home to keep a history in; name one with --history FILE, or --no-history");
            return Past { store: None, line, previous: None };
        };
        let store = told(Store::open(&path), out);
        let previous = store.as_ref().and_then(|store| {
            let entry = told(store.before(&line, Timestamp::now()), out)??;
            told(store.load(&entry.id), out)
        });
        Past { store, line, previous }
    }

    /// The newest kept round that asked the same and came to its end.
    pub fn previous(&self) -> Option<&Round> {
        self.previous.as_ref()
    }

    /// What the new round's findings are laid beside: the last round, or the one that `beside` names.
    ///
    /// # Errors
    /// A baseline that is not there, a wrong file of acknowledgements.
    pub fn before(&mut self, beside: &Beside, playbook: Option<&Path>, out: &Out) -> Result<Before, Refusal> {
        let mut acks = files(beside, playbook)?;
        if let Some(store) = &self.store {
            acks.extend(told(store.acks(), out).unwrap_or_default());
        }
        Ok(match &beside.baseline {
            Some(name) => {
                let earlier = named(name, self.store.as_ref())?;
                Before { acks, earlier: Some(earlier), baseline: true }
            }
            None => Before { acks, earlier: self.previous.take(), baseline: false },
        })
    }

    /// Keeps a round, once it has been reported.
    pub fn keep(&mut self, round: &Round, verdict: Verdict, findings: &[Finding], out: &Out) {
        if let Some(store) = &mut self.store {
            told(store.keep(round, &self.line, verdict, findings), out);
        }
    }
}

impl Before {
    /// The same for a round that was made before: its history is only read, and none is begun.
    ///
    /// # Errors
    /// As [`Past::before`], and a history that can't be read.
    pub fn of_file(keep: &Keep, beside: &Beside) -> Result<Before, Refusal> {
        let path = place(&keep.file).filter(|path| !keep.no_history && path.exists());
        let store = path.map(|path| Store::open(&path)).transpose().map_err(refusal)?;
        let mut acks = files(beside, None)?;
        if let Some(store) = &store {
            acks.extend(store.acks().map_err(refusal)?);
        }
        let earlier = beside.baseline.as_deref().map(|name| named(name, store.as_ref())).transpose()?;
        Ok(Before { acks, baseline: earlier.is_some(), earlier })
    }
}

/// The round that `name` means: a file of `--save`, or a kept round.
///
/// # Errors
/// It is neither.
pub fn named(name: &str, store: Option<&Store>) -> Result<Round, Refusal> {
    let file = Path::new(name);
    match store {
        Some(store) if !name.contains('/') && !file.is_file() => {
            store.find(name).and_then(|entry| store.load(&entry.id)).map_err(refusal)
        }
        _ => Ok(round::load(file)?),
    }
}

/// The acknowledgements in files: those that are named, and the one beside the playbook.
fn files(beside: &Beside, playbook: Option<&Path>) -> Result<Vec<Ack>, Refusal> {
    let usual = playbook.map(ack::beside).filter(|file| file.exists());
    let mut acks = Vec::new();
    for file in beside.acks.iter().chain(&usual) {
        acks.extend(ack::read(file)?);
    }
    Ok(acks)
}

/// What a round asks, so that it can be found again from whatever directory it is started in.
pub fn line(plan: &Plan, options: &Options) -> Line {
    let absolute = |name: &str| {
        fs::canonicalize(name).map_or_else(|_| name.to_owned(), |path| path.to_string_lossy().into_owned())
    };
    let asked = match &plan.playbook {
        Some(playbook) => absolute(playbook),
        None => {
            let patterns: Vec<&str> = plan.plays.iter().map(|play| play.hosts.as_str()).collect();
            format!("audit {}", patterns.join(","))
        }
    };
    let inventories: Vec<String> = options.inventories.iter().map(|source| absolute(source)).collect();
    Line {
        asked,
        inventory: inventories.join(","),
        limit: plan.limit.clone(),
        given: digest(&options.extra_vars),
    }
}

/// Nothing for nothing; else some hexadecimal digits from which no variable can be read.
fn digest(vars: &[String]) -> String {
    if vars.is_empty() {
        return String::new();
    }
    let mut sum = Sha256::new();
    for one in vars {
        sum.update((one.len() as u64).to_le_bytes());
        sum.update(one.as_bytes());
    }
    sum.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The history that was named, else the user's.
pub fn place(file: &HistoryFile) -> Option<PathBuf> {
    file.history.clone().or_else(default_path)
}

fn told<T>(done: Result<T, HistoryError>, out: &Out) -> Option<T> {
    done.map_err(|error| out.lose(&error.to_string())).ok()
}
