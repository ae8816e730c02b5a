//! Rounds in files of their own: what `--save` writes and `report --from` reads.

use std::path::Path;

use super::output::Out;
use crate::error::FileError;
use crate::round::{Round, SCHEMA};

/// Whether the name of a round means a file; otherwise it is the history's to know.
pub fn is_file(name: &str) -> bool {
    name.contains('/') || Path::new(name).is_file()
}

/// Keeps a round for `report --from`.
pub fn save(round: &Round, file: &Path, out: &Out) {
    match serde_json::to_vec(round) {
        Ok(bytes) => out.write_file(file, &bytes),
        Err(error) => out.complain(&format!("error: the round can't be saved: {error}")),
    }
}

/// Reads a round that `--save` wrote.
///
/// # Errors
/// A file that can't be read, is no round, or is one of another version.
pub fn load(file: &Path) -> Result<Round, FileError> {
    let bytes = std::fs::read(file)
        .map_err(|error| FileError::whole(file, format!("the round can't be read: {error}")))?;
    let round: Round = serde_json::from_slice(&bytes).map_err(|error| {
        FileError::whole(file, format!("this is no saved round: {error}"))
            .hint("save one with `run --save FILE`")
    })?;
    if round.schema != SCHEMA {
        let message = format!("the round is of the form {}, this roundsman reads {}", round.schema, SCHEMA);
        return Err(FileError::whole(file, message));
    }
    Ok(round)
}
