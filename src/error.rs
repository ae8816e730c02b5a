//! What can be wrong before any host is contacted, worded for the reader.

use std::fmt;
use std::path::{Path, PathBuf};

/// A mistake that stops the run before it begins: exit status 64 or 65.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Wrong on the command line: a flag, a pattern, a limit, no host matched. Exit status 64.
    #[error("{0}")]
    Usage(String),
    /// A missing or wrong file: inventory, playbook, key. Exit status 65.
    #[error(transparent)]
    File(#[from] FileError),
    /// A host variable with a value that can't be used, from whatever file it came. Exit status 65.
    #[error("{0}")]
    Variable(String),
    /// Another unattended round of the same kind goes on. Exit status 75.
    #[error("{0}")]
    Held(String),
}

impl Refusal {
    /// A command-line mistake.
    pub fn usage(message: impl Into<String>) -> Self {
        Refusal::Usage(message.into())
    }

    /// The exit status: 64 for the command line, 65 for a file, 75 for later (sysexits' EX_USAGE, EX_DATAERR,
    /// EX_TEMPFAIL).
    pub fn exit_code(&self) -> u8 {
        match self {
            Refusal::Usage(_) => 64,
            Refusal::File(_) | Refusal::Variable(_) => 65,
            Refusal::Held(_) => 75,
        }
    }
}

/// One thing wrong in one file, with the place and, where there is one, the word that was meant.
#[derive(Debug, Clone)]
pub struct FileError {
    /// The file as the user named it.
    pub file: PathBuf,
    /// Line and column, both from 1; `None` when the file as a whole is meant.
    pub place: Option<Place>,
    /// What is wrong, one sentence without the place.
    pub message: String,
    /// What to do, or the nearest valid word.
    pub hint: Option<String>,
}

/// A line and column, both counted from 1, and the line's own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub text: String,
}

impl Place {
    /// The place of byte `offset` in `text`; an offset past the end is the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].lines().next().unwrap_or("");
        Place {
            line: before.matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            text: line.to_owned(),
        }
    }
}

impl FileError {
    /// An error about the file as a whole.
    pub fn whole(file: &Path, message: impl Into<String>) -> Self {
        FileError { file: file.to_owned(), place: None, message: message.into(), hint: None }
    }

    /// An error at a place in the file.
    pub fn at(file: &Path, place: Place, message: impl Into<String>) -> Self {
        FileError { file: file.to_owned(), place: Some(place), message: message.into(), hint: None }
    }

    /// The same error with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(place) = &self.place {
            let gutter = place.line.to_string();
            let pad = " ".repeat(gutter.len());
            // A long line is shown from a little before the column: the caret must stay in sight.
            let skip = place.column.saturating_sub(60);
            let shown: String = place.text.chars().skip(skip).take(100).collect();
            let caret = " ".repeat(place.column - 1 - skip);
            write!(f, "\n{pad} |\n{gutter} | {shown}\n{pad} | {caret}^")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

/// The candidate nearest to `word` by edit distance, if one is near enough to have been meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let substitute = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitute.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_characters_not_bytes() {
        let text = "a: ä\nb: öx\n";
        let at = text.find('x').unwrap_or(0);
        assert_eq!(Place::of(text, at), Place { line: 2, column: 5, text: "b: öx".into() });
    }

    #[test]
    fn nearest_finds_the_swapped_letter_and_leaves_strangers_alone() {
        assert_eq!(nearest("hots", ["hosts", "vars", "children"]), Some("hosts"));
        assert_eq!(nearest("vras", ["hosts", "vars", "children"]), Some("vars"));
        assert_eq!(nearest("zzzzzz", ["hosts", "vars", "children"]), None);
    }
}
