//! `completions`, and the hidden `complete` and `man`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Completions {
    /// bash, zsh or fish.
    #[arg(hide_possible_values = true)]
    pub shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

#[derive(Debug, Args)]
pub struct Complete {
    /// The words stand as they were typed, with their quotes.
    #[arg(long)]
    pub quoted: bool,
    /// Which of the words is to be completed, counted from 0.
    pub index: usize,
    /// The words of the line, the program's name first.
    #[arg(last = true)]
    pub words: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Where the pages go.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// The pages' date [default: SOURCE_DATE_EPOCH, else today].
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
}
