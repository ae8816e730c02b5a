//! `exec`: one command on many hosts, its output told as Ansible, clush or pdsh would.

use std::io::IsTerminal;

use jiff::Timestamp;
use serde_json::json;

use super::output::Out;
use super::watch::Watch;
use super::{dry_run, list_hosts, options, runtime, signals};
use crate::cli::{Exec, ExecFormat};
use crate::error::Refusal;
use crate::fleet::{self, Event};
use crate::plan::{Plan, build};
use crate::probe::Question;
use crate::progress::Progress;
use crate::report::fold;
use crate::round::{CommandOutput, Ended, Evidence, Stopped, Visit};
use crate::sanitize;
use crate::shell::Stream;

/// See [`Exec`].
pub fn exec(args: &Exec, out: &Out) -> Result<u8, Refusal> {
    let command = args.command.join(" ");
    if command.trim().is_empty() && !args.hosts.list_hosts {
        return Err(Refusal::usage("no command: put it after `--`, as in `exec all -i INVENTORY -- uptime`"));
    }
    let options = options(&args.hosts, &args.connect)?;
    let mut plan = build::pattern_plan(&args.pattern, &options, |_, _| {
        Ok(Question::Command { command: command.clone() })
    })?;
    out.warn(&plan.warnings);
    if args.hosts.list_hosts {
        out.print(&list_hosts(plan.targets.iter().map(|target| target.host.as_str())));
        return Ok(0);
    }
    if args.dry_run {
        out.print(&dry_run::describe(&plan, &options.settings));
        return Ok(0);
    }
    super::give_secrets(&args.connect, &options.settings, &mut plan)?;
    let runtime = runtime()?;
    let teller = Teller {
        out,
        // What goes to a file or a program is kept as it came; a terminal would act on it.
        raw: !std::io::stdout().is_terminal(),
        colour: out.coloured(),
    };
    let started = Timestamp::now();
    let (visits, stopped) = runtime.block_on(async {
        let mut progress = Progress::new(&plan, out.draws());
        let mut watch = Watch::new(args.connect.watch, &plan, out);
        let mut lines: Vec<Lines> = plan.targets.iter().map(|_| Lines::default()).collect();
        let told = fleet::make_rounds(&plan, signals::watch_signals(), args.stream, |event| {
            progress.on(&event);
            watch.on(&event, &progress);
            match event {
                Event::Output { host, stream, bytes } => {
                    let name = &plan.targets[host].host;
                    let whole = lines[host].take(stream, &bytes);
                    progress.suspend(|| teller.stream(name, stream, &whole));
                }
                Event::Done { host, visit } if args.stream => progress.suspend(|| {
                    for stream in [Stream::Stdout, Stream::Stderr] {
                        teller.stream(&visit.host, stream, &lines[host].rest(stream));
                    }
                    teller.ending(&visit);
                }),
                Event::Done { visit, .. } if !args.fold && args.format == ExecFormat::Text => {
                    progress.suspend(|| teller.block(&visit));
                }
                _ => {}
            }
        });
        let told = told.await;
        progress.finish();
        watch.finish();
        told
    });
    if args.fold {
        teller.folded(&visits);
    }
    if args.format == ExecFormat::Json {
        let document = document(&plan, &command, &visits, started, stopped);
        out.print(&format!("{document:#}\n"));
    }
    Ok(status(&visits, stopped))
}

/// A non-zero remote command is CRITICAL, a node without an answer UNKNOWN.
fn status(visits: &[Visit], stopped: Option<Stopped>) -> u8 {
    match stopped {
        Some(Stopped::Interrupted) => return 130,
        Some(Stopped::Terminated) => return 143,
        _ => {}
    }
    let failed =
        |visit: &Visit| matches!(output(visit), Some(CommandOutput { ended: Some(Ended::Exit(1..)), .. }));
    let answered = |visit: &Visit| {
        output(visit)
            .is_some_and(|output| matches!(output.ended, Some(Ended::Exit(_))) && output.overflow_bytes == 0)
    };
    if visits.iter().any(|visit| failed(visit) || visit.host_key_changed) {
        2
    } else if visits.iter().all(answered) {
        0
    } else {
        3
    }
}

fn output(visit: &Visit) -> Option<&CommandOutput> {
    visit.probes.iter().find_map(|probe| match &probe.evidence {
        Evidence::Command(output) if probe.seconds > 0.0 => Some(output),
        _ => None,
    })
}

/// How a command ended, in a few words, where it did not end by itself.
fn cut(output: &CommandOutput) -> Option<&'static str> {
    match output.ended {
        Some(Ended::Exit(_)) => None,
        Some(Ended::Deadline) => Some("stopped at its deadline"),
        Some(Ended::Overflow) => Some("stopped: more output than the limit"),
        Some(Ended::Stopped) => Some("stopped with the round"),
        Some(Ended::Lost) | None => Some("the connection was lost"),
    }
}

/// Prints what hosts say.
struct Teller<'a> {
    out: &'a Out,
    raw: bool,
    colour: bool,
}

impl Teller<'_> {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn remote(&self, text: &str) -> String {
        let mut text = if self.raw { text.to_owned() } else { sanitize::block(text).into_owned() };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    /// `host | SUCCESS | rc=0 >>` and the output, as Ansible's ad-hoc commands have it.
    fn block(&self, visit: &Visit) {
        self.out.print(&self.heading(visit));
        if let Some(output) = output(visit) {
            self.out.print(&self.remote(&output.stdout));
            self.stderr(&visit.host, output);
        }
    }

    /// The remote standard error goes to ours, under a heading of its own.
    fn stderr(&self, hosts: &str, output: &CommandOutput) {
        if !output.stderr.is_empty() {
            self.out.complain(&format!("{hosts} | STDERR >>\n{}", output.stderr.trim_end_matches('\n')));
        }
    }

    fn heading(&self, visit: &Visit) -> String {
        let host = sanitize::line(&visit.host);
        let Some(output) = output(visit) else {
            let reason = sanitize::line(visit.reason.as_deref().unwrap_or("no answer")).into_owned();
            let word = visit.outcome.word().to_ascii_uppercase();
            return format!("{}\n", self.paint("31", &format!("{host} | {word}! => {reason}")));
        };
        match (output.ended, cut(output)) {
            (Some(Ended::Exit(0)), _) => {
                format!("{}\n", self.paint("32", &format!("{host} | SUCCESS | rc=0 >>")))
            }
            (Some(Ended::Exit(status)), _) => {
                format!("{}\n", self.paint("31", &format!("{host} | FAILED | rc={status} >>")))
            }
            (_, why) => {
                format!(
                    "{}\n",
                    self.paint("31", &format!("{host} | INCOMPLETE | {} >>", why.unwrap_or("no end")))
                )
            }
        }
    }

    /// `host: line` for whole lines.
    fn stream(&self, host: &str, stream: Stream, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(lines);
        let host = sanitize::line(host);
        let mut told = String::with_capacity(text.len() + 32);
        for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
            let line = if self.raw { line.into() } else { sanitize::line(line) };
            told.push_str(&format!("{host}: {line}\n"));
        }
        match stream {
            Stream::Stdout => self.out.print(&told),
            Stream::Stderr => self.out.complain(told.trim_end_matches('\n')),
        }
    }

    /// After streamed lines: a word only about those that did not end well.
    fn ending(&self, visit: &Visit) {
        if output(visit).is_none_or(|output| output.ended != Some(Ended::Exit(0))) {
            self.out.complain(self.heading(visit).trim_end());
        }
    }

    /// Hosts with the same answer together, most hosts first.
    fn folded(&self, visits: &[Visit]) {
        let mut groups: Vec<(String, Option<&CommandOutput>, Vec<&str>)> = Vec::new();
        for visit in visits {
            let found = output(visit);
            // Hosts without an answer are together when the reason is the same.
            let key = match found {
                Some(output) => format!("{:?} {:?}", output.ended, output.overflow_bytes > 0),
                None => visit
                    .reason
                    .clone()
                    .unwrap_or_default()
                    .replace(&visit.address, "")
                    .replace(&visit.host, ""),
            };
            let same = |known: &Option<&CommandOutput>| match (known, found) {
                (Some(a), Some(b)) => a.stdout == b.stdout && a.stderr == b.stderr,
                (None, None) => true,
                _ => false,
            };
            match groups.iter_mut().find(|(other, known, _)| *other == key && same(known)) {
                Some((_, _, hosts)) => hosts.push(&visit.host),
                None => groups.push((key, found, vec![&visit.host])),
            }
        }
        groups.sort_by_key(|(_, _, hosts)| std::cmp::Reverse(hosts.len()));
        for (_, output, hosts) in groups {
            let names = fold::fold(hosts.iter().copied());
            let count = if hosts.len() > 1 { format!(" ({})", hosts.len()) } else { String::new() };
            let first = visits.iter().find(|visit| visit.host == hosts[0]);
            let how = match (output, first) {
                (Some(CommandOutput { ended: Some(Ended::Exit(0)), .. }), _) => String::new(),
                (Some(CommandOutput { ended: Some(Ended::Exit(status)), .. }), _) => {
                    format!(" | FAILED | rc={status}")
                }
                (Some(output), _) => format!(" | INCOMPLETE | {}", cut(output).unwrap_or("no end")),
                (None, Some(visit)) => format!(
                    " | {}! => {}",
                    visit.outcome.word().to_ascii_uppercase(),
                    sanitize::line(visit.reason.as_deref().unwrap_or("no answer"))
                ),
                (None, None) => String::new(),
            };
            let rule = "-".repeat(15);
            self.out.print(&format!("{rule}\n{}{count}{how}\n{rule}\n", sanitize::line(&names)));
            if let Some(output) = output {
                self.out.print(&self.remote(&output.stdout));
                self.stderr(&names, output);
            }
        }
    }
}

/// Bytes of a host that are not a whole line yet.
#[derive(Default)]
struct Lines {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// A line that grows beyond this is told in parts.
const LONGEST_LINE: usize = 64 << 10;

impl Lines {
    fn of(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// The whole lines that `bytes` complete.
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Vec<u8> {
        let held = self.of(stream);
        held.extend_from_slice(bytes);
        match memchr::memrchr(b'\n', held) {
            Some(at) => {
                let rest = held.split_off(at + 1);
                std::mem::replace(held, rest)
            }
            None if held.len() > LONGEST_LINE => std::mem::take(held),
            None => Vec::new(),
        }
    }

    fn rest(&mut self, stream: Stream) -> Vec<u8> {
        std::mem::take(self.of(stream))
    }
}

/// `roundsman.exec/1`.
fn document(
    plan: &Plan,
    command: &str,
    visits: &[Visit],
    started: Timestamp,
    stopped: Option<Stopped>,
) -> serde_json::Value {
    let hosts: Vec<serde_json::Value> = visits
        .iter()
        .map(|visit| {
            let output = output(visit);
            let rc = output.and_then(|output| match output.ended {
                Some(Ended::Exit(status)) => Some(status),
                _ => None,
            });
            json!({
                "name": visit.host,
                "address": visit.address,
                "outcome": visit.outcome.word(),
                "stage": visit.stage,
                "reason": visit.reason.as_deref().or(output.and_then(cut)),
                "rc": rc,
                "stdout": output.map(|output| &output.stdout),
                "stderr": output.map(|output| &output.stderr),
                "lossy": output.map(|output| output.lossy),
                "overflow_bytes": output.map(|output| output.overflow_bytes),
                "attempts": visit.attempts,
                "left_running": visit.left_running,
                "seconds": (visit.seconds * 1000.0).round() / 1000.0,
            })
        })
        .collect();
    json!({
        "schema": "roundsman.exec/1",
        "run": {
            "version": env!("CARGO_PKG_VERSION"),
            "started": started,
            "finished": Timestamp::now(),
            "pattern": plan.plays.first().map(|play| &play.hosts),
            "limit": plan.limit,
        },
        "command": command,
        "exit_code": status(visits, stopped),
        "hosts": hosts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::Outcome;

    #[test]
    fn only_whole_lines_are_told() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(Stream::Stdout, b"a\nb"), b"a\n");
        assert_eq!(lines.take(Stream::Stderr, b"e"), b"");
        assert_eq!(lines.take(Stream::Stdout, b"c\n"), b"bc\n");
        assert_eq!(lines.rest(Stream::Stderr), b"e");
    }

    #[test]
    fn a_node_without_an_answer_is_unknown_and_a_failed_command_critical() {
        let visit = |ended, outcome| Visit {
            plays: vec![0],
            probes: vec![crate::round::ProbeAnswer {
                play: 0,
                probe: "command".into(),
                evidence: match ended {
                    Some(ended) => {
                        Evidence::Command(CommandOutput { ended: Some(ended), ..CommandOutput::default() })
                    }
                    None => Evidence::None,
                },
                coverage: Vec::new(),
                seconds: 0.1,
            }],
            ..Visit::blank("a", outcome)
        };
        let good = visit(Some(Ended::Exit(0)), Outcome::Ok);
        let bad = visit(Some(Ended::Exit(1)), Outcome::Ok);
        let gone = visit(None, Outcome::Unreachable);
        assert_eq!(status(std::slice::from_ref(&good), None), 0);
        assert_eq!(status(&[good.clone(), bad.clone()], None), 2);
        assert_eq!(status(&[good.clone(), gone.clone()], None), 3);
        assert_eq!(status(&[gone, bad], None), 2);
        assert_eq!(status(&[good], Some(Stopped::Interrupted)), 130);
    }
}
