//! `--notify-cmd`: a command of the user's that is given the report.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::watch;

use super::output::Out;
use crate::report::{Format, Report, Style, render};
use crate::round::Stopped;

/// How often it is looked whether the command has ended.
const LOOK_UP: Duration = Duration::from_millis(10);

/// Runs `command` with the JSON report on its standard input; what goes wrong is told, and the exit status knows.
pub fn notify(
    command: &str,
    timeout: Duration,
    report: &Report,
    style: &Style,
    changed: bool,
    stop: &watch::Receiver<Option<Stopped>>,
    out: &Out,
) {
    let text = render(report, Format::Json, &Style { colour: false, ..*style });
    let verdict = report.verdict;
    let spawned = io::stderr().as_fd().try_clone_to_owned().and_then(|stderr| {
        Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .env("ROUNDSMAN_STATUS", verdict.status.word())
            .env("ROUNDSMAN_EXIT", out.status(verdict.exit_code).to_string())
            .env("ROUNDSMAN_ROUND_ID", &report.round.id)
            .env("ROUNDSMAN_CHANGED", if changed { "1" } else { "0" })
            .stdin(Stdio::piped())
            // The report alone goes to standard output.
            .stdout(Stdio::from(stderr))
            .process_group(0)
            .spawn()
    });
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return out.lose(&format!("--notify-cmd can't be started: {error}")),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // On a thread of its own, never waited for: a command need not read what it is given.
        let feed = move || stdin.write_all(text.as_bytes());
        if let Err(error) = std::thread::Builder::new().name("notify".to_owned()).spawn(feed) {
            end(&mut child);
            return out.lose(&format!("--notify-cmd can't be given the report: {error}"));
        }
    }
    let before = *stop.borrow();
    let until = Instant::now() + timeout;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return,
            Ok(Some(status)) => {
                let how = match (status.code(), status.signal()) {
                    (Some(code), _) => format!("ended with {code}"),
                    (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
                };
                return out.lose(&format!("--notify-cmd {how}"));
            }
            Ok(None) if *stop.borrow() != before => {
                end(&mut child);
                return out.lose("--notify-cmd was ended, as this program was told to");
            }
            Ok(None) if Instant::now() >= until => {
                end(&mut child);
                let seconds = timeout.as_secs_f64();
                return out.lose(&format!("--notify-cmd did not end within {seconds} s and was killed"));
            }
            Ok(None) => sleep(LOOK_UP),
            Err(error) => return out.lose(&format!("--notify-cmd can't be waited for: {error}")),
        }
    }
}

/// The whole group: what the shell started would go on without it.
fn end(child: &mut Child) {
    let group = Pid::from_child(child);
    // What is gone already needs no end.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}
