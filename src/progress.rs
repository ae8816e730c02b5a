//! Events on standard error while a round is made, by indicatif. Nothing where it is no terminal.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fleet::Event;
use crate::plan::Plan;
use crate::prompt;
use crate::sanitize;

/// Hosts that are named while they keep everybody waiting.
const SLOWEST: usize = 3;

/// An estimate is honest only when enough of the fleet is done to go by.
const ENOUGH: u64 = 8;

/// One bar over all hosts, and the slowest by name.
pub struct Progress {
    bar: ProgressBar,
    names: Vec<String>,
    running: BTreeMap<usize, Instant>,
    failed: u64,
    began: Instant,
    forks: usize,
}

impl Progress {
    /// For the hosts of `plan`; `draws`: there is a terminal to draw on, and somebody before it.
    pub fn new(plan: &Plan, draws: bool) -> Self {
        let shown = draws && !plan.targets.is_empty();
        let target =
            if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(plan.targets.len() as u64), target);
        // The template is a constant; without it the bar keeps indicatif's own look.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        if shown {
            // Hidden, not suspended: whoever counts hosts must not wait for a person's answer.
            let bar = bar.clone();
            prompt::set_aside(move |asking| {
                if asking {
                    bar.set_draw_target(ProgressDrawTarget::hidden());
                    // What it drew last is one line, and stays unless it is wiped.
                    let _ = std::io::stderr().write_all(b"\r\x1b[2K");
                } else {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
                }
            });
        }
        Progress {
            bar,
            names: plan.targets.iter().map(|target| sanitize::line(&target.host).into_owned()).collect(),
            running: BTreeMap::new(),
            failed: 0,
            began: Instant::now(),
            forks: plan.limits.forks,
        }
    }

    /// Takes notice of an event.
    pub fn on(&mut self, event: &Event) {
        match event {
            Event::Began { host } => {
                self.running.insert(*host, Instant::now());
            }
            Event::Done { host, visit } => {
                self.running.remove(host);
                self.failed += u64::from(!visit.outcome.reached());
                self.bar.inc(1);
            }
            Event::Reached { .. } | Event::Output { .. } | Event::Trace(_) | Event::Timed { .. } => return,
        }
        if !self.bar.is_hidden() {
            self.bar.set_message(self.message());
        }
    }

    fn message(&self) -> String {
        let mut message = format!("{} running, {} failed", self.running.len(), self.failed);
        let mut slowest: Vec<_> = self.running.iter().map(|(host, since)| (*since, *host)).collect();
        slowest.sort_unstable();
        let names: Vec<&str> = slowest
            .iter()
            .take(SLOWEST)
            .filter_map(|(_, host)| self.names.get(*host).map(String::as_str))
            .collect();
        let done = self.bar.position();
        let left = self.names.len() as u64 - done.min(self.names.len() as u64);
        // With everybody's turn come already, what is left depends on the slowest alone.
        if done >= ENOUGH && left > self.forks as u64 {
            let seconds = self.began.elapsed().as_secs_f64() / done as f64 * left as f64;
            message.push_str(&format!(", about {seconds:.0} s left"));
        }
        if !names.is_empty() {
            message.push_str(&format!(", waiting for {}", names.join(", ")));
        }
        message
    }

    /// Clears the bar and lets other lines through: what stays on the screen is the report.
    pub fn finish(&self) {
        prompt::forget_aside();
        self.bar.finish_and_clear();
    }

    /// Prints above the bar.
    pub fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }
}
