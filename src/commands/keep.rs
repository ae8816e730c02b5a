//! Where a round comes from and goes to: the history, which never costs a round.

use std::path::PathBuf;

use super::output::Out;
use crate::cli::{HistoryFile, Keep};
use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::history::{HistoryError, Store, default_path};
use crate::round::Round;

/// The history of a round that is to be made.
pub struct Past {
    store: Option<Store>,
    /// The inventory's sources, as they were named.
    inventory: String,
}

impl Past {
    /// Opens the history, unless the round is to have none. One that can't be used is told, and the exit status
    /// knows of it.
    pub fn of(keep: &Keep, inventories: &[String], out: &Out) -> Past {
        let store = if keep.no_history {
            None
        } else {
            match place(&keep.file) {
                Some(path) => told(Store::open(&path), out),
                None => {
                    out.lose("there is no home to keep a history in; name one with --history FILE, or --no-history");
                    None
                }
            }
        };
        Past { store, inventory: inventories.join(",") }
    }

    /// Keeps a round, once it has been reported.
    pub fn keep(&mut self, round: &Round, verdict: Verdict, findings: &[Finding], out: &Out) {
        if let Some(store) = &mut self.store {
            told(store.keep(round, &self.inventory, verdict, findings), out);
        }
    }
}

/// The history that was named, else the user's.
pub fn place(file: &HistoryFile) -> Option<PathBuf> {
    file.history.clone().or_else(default_path)
}

fn told<T>(done: Result<T, HistoryError>, out: &Out) -> Option<T> {
    done.map_err(|error| out.lose(&error.to_string())).ok()
}
