//! What can be wrong with a history.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the history could not be used, for the reader.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{path}: the history can't be {doing}: {source}")]
    Sqlite { path: PathBuf, doing: &'static str, source: rusqlite::Error },
    #[error("{path}: the history can't be {doing}: {source}")]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
    #[error(
        "{path}: the history is of a newer roundsman (form {found}, this one knows {known}); nothing was changed"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{path}: the history is damaged: {source}; move the file away and a new one is begun")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("{path}: no round `{id}` is kept; `roundsman history list` names them")]
    NoRound { path: PathBuf, id: String },
    #[error("{path}: `{id}` is the beginning of several rounds' ids: {found}")]
    Several { path: PathBuf, id: String, found: String },
    #[error("{path}: round {id} can't be unpacked: {message}")]
    Unpack { path: PathBuf, id: String, message: String },
}

impl HistoryError {
    /// Somebody else has it; later it may be free.
    pub fn is_locked(&self) -> bool {
        let HistoryError::Sqlite { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }
}

/// What SQLite complained of.
pub(super) fn trouble(path: &Path, doing: &'static str, source: rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => HistoryError::Damaged { path, source },
        _ => HistoryError::Sqlite { path, doing, source },
    }
}
