//! Questions that a login puts to a person, and why there may be no answer.

use futures::future::BoxFuture;

use super::Secret;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who wants to know: `user@host`, or a file.
    pub from: String,
    /// The question; raw remote text if a server asks.
    pub text: String,
    /// Whether the answer must not be seen while it is typed.
    pub hidden: bool,
}

/// Why a question has no answer. Fit to follow a colon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    #[error("there is no terminal to ask at")]
    NoTerminal,
    #[error("nobody is to be asked (--unattended, --batch, BatchMode)")]
    Batch,
    #[error("no answer was given")]
    Declined,
    #[error("the question was taken back")]
    Interrupted,
    #[error("the terminal failed ({0})")]
    Failed(String),
}

/// Somebody who can be asked. Dropping the future takes the question back.
pub trait Ask: Send + Sync {
    /// Asks one question and waits for its answer, however long that takes.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Secret, NoAnswer>>;
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Ask for Nobody {
    fn ask(&self, _: Question) -> BoxFuture<'_, Result<Secret, NoAnswer>> {
        Box::pin(std::future::ready(Err(NoAnswer::NoTerminal)))
    }
}
