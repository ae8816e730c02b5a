//! What earlier rounds saw: rounds are kept, found again and laid side by side.
//!
//! A history that can't be read or written never costs a round: its errors are told beside the report.

pub mod ack;
mod acks;
pub mod diff;
mod error;
mod known;
mod rounds;
mod sight;
mod since;
mod store;
mod trend;

pub use error::HistoryError;
pub use rounds::{Entry, Line};
pub use since::Since;
pub use store::Store;
pub use trend::Size;

use std::path::PathBuf;

/// The history's place: `$XDG_STATE_HOME/roundsman/history.sqlite`, else below `~/.local/state`
/// (XDG Base Directory Specification 0.8).
pub fn default_path() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).and_then(absolute);
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("roundsman").join("history.sqlite"))
}
