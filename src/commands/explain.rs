//! `explain`: what a finding's code means.

use super::output::Out;
use crate::cli::{Explain, ExplainFormat};
use crate::diagnose::explain;
use crate::diagnose::finding::Code;
use crate::error::{Refusal, nearest};

/// Columns where the terminal's are not known.
const WIDTH: usize = 80;

/// See [`Explain`].
pub fn explain(args: &Explain, out: &Out) -> Result<u8, Refusal> {
    let code = args.code.as_deref().map(code_of).transpose()?;
    let texts = code.map_or_else(explain::all, |code| vec![explain::text(code)]);
    let width = args.width.map_or(WIDTH, usize::from);
    out.print(&match (args.format, code) {
        (ExplainFormat::Markdown, _) => explain::markdown(&texts),
        (ExplainFormat::Runbook, _) => explain::runbook(&texts),
        (ExplainFormat::Json, _) => explain::json(&texts),
        (ExplainFormat::Table, None) => explain::list(width),
        (ExplainFormat::Table, Some(code)) => explain::page(&explain::text(code), width),
    });
    Ok(0)
}

fn code_of(word: &str) -> Result<Code, Refusal> {
    let word = word.trim().to_ascii_lowercase().replace('_', "-");
    Code::of_word(&word).ok_or_else(|| {
        let near = nearest(&word, Code::ALL.iter().map(|code| code.word()));
        Refusal::usage(match near {
            Some(near) => format!("no finding has the code `{word}`\nhint: did you mean `{near}`?"),
            None => format!("no finding has the code `{word}`\nhint: `roundsman explain` lists them all"),
        })
    })
}
