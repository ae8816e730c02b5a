//! What a round knows of earlier ones, and where it is kept. The history never costs a round: what is wrong with
//! it is told, and the exit status knows.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::output::Out;
use super::saved;
use crate::cli::{Beside, HistoryFile, Keep};
use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::error::Refusal;
use crate::history::ack::{self, Ack};
use crate::history::{HistoryError, Line, Store, default_path};
use crate::plan::Plan;
use crate::plan::build::Options;
use crate::round::Round;

/// Rounds that are looked through for one to go on from.
const OLDER: usize = 8;

/// The history of a round that is to be made.
pub struct Past {
    /// To be read; whether it can be written `state` says.
    store: Option<Store>,
    state: State,
    line: Line,
    previous: Option<Round>,
    /// Rounds of the line that stay, and how old they may be.
    bound: (usize, Duration),
}

/// Whether a round can be kept.
enum State {
    /// No history was wanted, or what is wrong with it has been told.
    Closed,
    Open,
    /// Somebody else had it; at the end it may be free.
    Busy(PathBuf),
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
        let bound = (keep.history_rounds, keep.history_age);
        let none = |line| Past { store: None, state: State::Closed, line, previous: None, bound };
        if keep.no_history {
            return none(line);
        }
        let Some(path) = place(&keep.file) else {
            out.lose("there is no home to keep a history in; name one with --history FILE, or --no-history");
            return none(line);
        };
        let (store, state) = match Store::open(&path) {
            Ok(store) => (Some(store), State::Open),
            Err(error) => {
                let state = match error.is_locked() {
                    true => {
                        out.complain(&format!(
                            "warning: {error}; the round will be kept if it is free by then"
                        ));
                        State::Busy(path.clone())
                    }
                    false => {
                        out.lose(&error.to_string());
                        State::Closed
                    }
                };
                // What can't be written may still be read: acknowledgements hold, and changes are told.
                let readable = path.is_file().then(|| Store::open_to_look(&path).ok()).flatten();
                (readable, state)
            }
        };
        let previous = store.as_ref().and_then(|store| {
            let entry = told(store.before(&line, Timestamp::now()), out)??;
            told(store.load(&entry.id), out)
        });
        Past { store, state, line, previous, bound }
    }

    /// The newest kept round that asked the same and came to its end.
    pub fn previous(&self) -> Option<&Round> {
        self.previous.as_ref()
    }

    /// The rounds before that one, the newest first: one that somebody made with `--since` is nothing to go on from.
    pub fn older(&self) -> impl Iterator<Item = Round> + '_ {
        let store = self.store.as_ref();
        let known = self.previous.as_ref().map(|previous| previous.id.as_str());
        // What is wrong with the history has been told, or will be when the round is kept.
        let entries = store.and_then(|store| store.list_line(&self.line, OLDER).ok()).unwrap_or_default();
        entries
            .into_iter()
            .filter(move |entry| Some(entry.id.as_str()) != known)
            .filter_map(move |entry| store?.load(&entry.id).ok())
            .filter(|round| round.stopped.is_none())
    }

    /// What the new round's findings are laid beside: the last round, or the one that `beside` names.
    ///
    /// # Errors
    /// A baseline that is not there, a wrong file of acknowledgements.
    pub fn before(&mut self, beside: &Beside, playbook: Option<&Path>, out: &Out) -> Result<Before, Refusal> {
        let mut acks = files(&beside.acks, playbook)?;
        if let Some(store) = &self.store {
            acks.extend(told(store.acks(), out).unwrap_or_default());
        }
        Ok(match &beside.baseline {
            Some(name) => {
                let same = self.previous().is_some_and(|previous| previous.id == *name);
                let earlier = match self.previous.take().filter(|_| same) {
                    Some(previous) => previous,
                    None => named(name, self.store.as_ref(), Some(&self.line))?,
                };
                Before { acks, earlier: Some(earlier), baseline: true }
            }
            None => Before { acks, earlier: self.previous.take(), baseline: false },
        })
    }

    /// Keeps a round, once it has been reported.
    pub fn keep(&mut self, round: &Round, verdict: Verdict, findings: &[Finding], out: &Out) {
        let opened = match &self.state {
            State::Closed => return,
            State::Open => self.store.take(),
            State::Busy(path) => told(Store::open(path), out),
        };
        let Some(mut store) = opened else { return };
        if told(store.keep(round, &self.line, verdict, findings), out).is_none() {
            return;
        }
        let (most, age) = self.bound;
        let most = if most == 0 { usize::MAX } else { most };
        let oldest = SignedDuration::try_from(age).ok().and_then(|age| round.started.checked_sub(age).ok());
        told(store.bound(&self.line, most, oldest.unwrap_or(Timestamp::MIN)), out);
    }
}

impl Before {
    /// The same for a round that was made before: its history is only read, and none is begun. What is wrong
    /// with it is told.
    ///
    /// # Errors
    /// As [`Past::before`].
    pub fn of_file(
        keep: &Keep,
        beside: &Beside,
        playbook: Option<&Path>,
        out: &Out,
    ) -> Result<Before, Refusal> {
        let path = place(&keep.file).filter(|path| !keep.no_history && path.exists());
        let store = path.and_then(|path| told(Store::open_to_look(&path), out));
        let mut acks = files(&beside.acks, playbook)?;
        if let Some(store) = &store {
            acks.extend(told(store.acks(), out).unwrap_or_default());
        }
        let earlier = beside.baseline.as_deref().map(|name| named(name, store.as_ref(), None)).transpose()?;
        Ok(Before { acks, baseline: earlier.is_some(), earlier })
    }
}

/// The round that `name` means: a file of `--save`, or a kept round, of `line` where the last ones are counted.
///
/// # Errors
/// It is neither.
pub fn named(name: &str, store: Option<&Store>, line: Option<&Line>) -> Result<Round, Refusal> {
    match store {
        Some(store) if !saved::is_file(name) => {
            store.find(name, line).and_then(|entry| store.load(&entry.id)).map_err(refusal)
        }
        _ => Ok(saved::load(Path::new(name))?),
    }
}

/// The acknowledgements in files: those that are named, and the one beside the playbook.
///
/// # Errors
/// A file that can't be read, or that is wrong.
pub fn files(named: &[PathBuf], playbook: Option<&Path>) -> Result<Vec<Ack>, Refusal> {
    let usual = playbook.map(ack::beside).filter(|file| file.exists());
    let mut acks = Vec::new();
    for file in named.iter().chain(&usual) {
        acks.extend(ack::read(file)?);
    }
    Ok(acks)
}

/// All acknowledgements: those of the files, and those of the history.
///
/// # Errors
/// A wrong file, a history that can't be read.
pub fn acks(named: &[PathBuf], playbook: Option<&Path>, store: Option<&Store>) -> Result<Vec<Ack>, Refusal> {
    let mut acks = files(named, playbook)?;
    if let Some(store) = store {
        acks.extend(store.acks().map_err(refusal)?);
    }
    Ok(acks)
}

/// What a round asks, so that it can be found again from whatever directory it is started in.
pub fn line(plan: &Plan, options: &Options) -> Line {
    // As it was named: the link to the current release is the same playbook in the next one.
    let absolute = |name: &str| {
        let path = std::path::absolute(name).ok().filter(|path| path.exists());
        path.map_or_else(|| name.to_owned(), |path| plain(&path).to_string_lossy().into_owned())
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

/// Without `..`, as the shell understands it; unless what is before it is a link, which leads elsewhere.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !plain.is_symlink() => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
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
///
/// # Errors
/// There is neither a name nor a home, or the file can't be used.
pub fn open(file: &HistoryFile) -> Result<Store, Refusal> {
    let path = place(file).ok_or_else(|| {
        Refusal::usage("there is no home to keep a history in; name one with --history FILE".to_owned())
    })?;
    Store::open(&path).map_err(refusal)
}

/// The same, only to look at it; one that is not there is empty.
///
/// # Errors
/// As [`open`].
pub fn look(file: &HistoryFile) -> Result<Store, Refusal> {
    let path = place(file).ok_or_else(|| {
        Refusal::usage("there is no home that a history may be in; name one with --history FILE".to_owned())
    })?;
    Store::open_to_look(&path).map_err(refusal)
}

/// A history that can't be used is a file that can't be used.
pub fn refusal(error: HistoryError) -> Refusal {
    match error {
        HistoryError::NoRound { .. } | HistoryError::Several { .. } => Refusal::usage(error.to_string()),
        error => Refusal::Variable(error.to_string()),
    }
}

/// Where the history is that was named, else the user's.
pub fn place(file: &HistoryFile) -> Option<PathBuf> {
    file.history.clone().or_else(default_path)
}

fn told<T>(done: Result<T, HistoryError>, out: &Out) -> Option<T> {
    done.map_err(|error| out.lose(&error.to_string())).ok()
}
