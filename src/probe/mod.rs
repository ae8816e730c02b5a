//! Each probe: the script that runs on the node and the parser for what comes back.
//!
//! A probe is a question that was resolved in the plan; nothing in it is left to look up. It knows no
//! SSH: strings go in, evidence comes out.

pub mod access;
pub mod audit;
pub mod command;
pub mod discovery;
pub mod disk_free;
pub mod disk_usage;
pub mod facts;
pub mod log_grep;

use std::time::Duration;

use crate::round::{Coverage, Evidence, Identity};
use crate::shell::answer::Answer;

/// One question to one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    pub question: Question,
    /// The probe's own deadline on the node.
    pub deadline: Duration,
    /// Bytes of standard output that are kept.
    pub limit: usize,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    DiskUsage { paths: Vec<String> },
    LogGrep(log_grep::Question),
    DiskFree { paths: Vec<String> },
    Command { command: String },
}

impl Probe {
    /// The name that playbooks and reports use.
    pub fn name(&self) -> &'static str {
        match self.question {
            Question::DiskUsage { .. } => "disk_usage",
            Question::LogGrep(_) => "log_grep",
            Question::DiskFree { .. } => "disk_free",
            Question::Command { .. } => "command",
        }
    }

    /// The script to run on the node.
    pub fn script(&self) -> String {
        match &self.question {
            Question::DiskUsage { paths } => disk_usage::script(paths),
            Question::LogGrep(question) => log_grep::script(question),
            Question::DiskFree { paths } => disk_free::script(paths),
            Question::Command { command } => command.clone(),
        }
    }

    /// A second script, when the first answer asks for one.
    pub fn follow_up(&self, first: &Answer) -> Option<String> {
        match &self.question {
            Question::LogGrep(question) => log_grep::follow_up(question, first),
            Question::DiskUsage { paths } => disk_usage::follow_up(paths, first),
            _ => None,
        }
    }

    /// Reads the answers: the first, and the follow-up's where there was one. `broker` is the one that is there.
    pub fn parse(&self, mut answers: Vec<Answer>, broker: &Identity) -> (Evidence, Vec<Coverage>) {
        let seconds = self.deadline.as_secs();
        match &self.question {
            Question::LogGrep(question) => log_grep::parse(question, &answers, broker, seconds),
            Question::DiskUsage { paths } => disk_usage::parse(paths, &answers, seconds),
            Question::DiskFree { paths } => disk_free::parse(paths, &first(&mut answers), seconds),
            Question::Command { command } => command::parse(command, first(&mut answers), seconds),
        }
    }
}

fn first(answers: &mut Vec<Answer>) -> Answer {
    if answers.is_empty() { Answer::default() } else { answers.swap_remove(0) }
}
