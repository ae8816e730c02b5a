//! Evidence from elsewhere: what people pasted, saved or had at hand, as part of a round. Pure.
//!
//! A transcript, a log file or the output of Kafka's own tools says less than a visit does: it was taken at
//! some other moment, and nobody knows what it leaves out. So nothing here claims to have seen a place
//! completely, a size that was printed rounded stays rounded, and what nobody brought is said to be
//! missing. `docs/intake.md` is the reference for users.

pub mod blocks;
pub mod du;
pub mod join;
pub mod log_dirs;
pub mod log_text;
pub mod size;
pub mod topics;

pub use join::{Brought, Known, Zone, into_round, round_of};

/// A text that cannot be what it was said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// From 1; `None` when the text as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Wrong {
    /// Something wrong in a line.
    pub fn at(line: usize, message: impl Into<String>) -> Self {
        Wrong { line: Some(line), message: message.into(), hint: None }
    }

    /// Something wrong with the text as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Wrong { line: None, message: message.into(), hint: None }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A text someone brought, by the name that reports use for it.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub name: &'a str,
    pub text: &'a str,
}
