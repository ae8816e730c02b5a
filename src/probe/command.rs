//! `command`, and `exec`: what somebody typed, run as it stands.

use crate::round::{CommandOutput, Coverage, Ended, Evidence};
use crate::shell::answer::Answer;

/// Keeps what the command printed.
pub fn parse(command: &str, answer: Answer, limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let coverage = match answer.why_cut(limit_seconds) {
        None => Coverage::complete(command),
        Some(why) if answer.stdout.is_empty() && answer.stderr.is_empty() => Coverage::none(command, why),
        Some(why) => Coverage::partial(command, why),
    };
    let coverage = match answer.overflow {
        0 => coverage,
        bytes => Coverage { missing: Some(format!("at least {bytes} bytes")), ..coverage },
    };
    (Evidence::Command(output(command, answer)), vec![coverage])
}

/// The same as a value of its own.
pub fn output(command: &str, answer: Answer) -> CommandOutput {
    let (stdout, stderr) = (text(answer.stdout), text(answer.stderr));
    CommandOutput {
        command: command.to_owned(),
        lossy: stdout.1 || stderr.1,
        stdout: stdout.0,
        stderr: stderr.0,
        ended: Some(answer.ended.unwrap_or(Ended::Lost)),
        overflow_bytes: answer.overflow,
    }
}

/// Text, and whether bytes had to be replaced; no copy when they are UTF-8 as they came.
fn text(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}
