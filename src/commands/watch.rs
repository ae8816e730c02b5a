//! `-v` and `--timings`: what a round does and where its time goes, on standard error.

use super::output::Out;
use crate::cli;
use crate::fleet::{Event, Phases};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::sanitize;
use crate::ssh::Detail;

/// Hosts that are named as the slowest.
const SLOWEST: usize = 5;

/// Listens to a round's events.
pub struct Watch<'a> {
    wanted: cli::Watch,
    out: &'a Out,
    names: Vec<&'a str>,
    phases: Vec<(usize, Phases)>,
}

impl<'a> Watch<'a> {
    pub fn new(wanted: cli::Watch, plan: &'a Plan, out: &'a Out) -> Self {
        let names = plan.targets.iter().map(|target| target.host.as_str()).collect();
        Watch { wanted, out, names, phases: Vec::new() }
    }

    /// Takes notice of an event; lines are printed above the bar.
    pub fn on(&mut self, event: &Event, progress: &Progress) {
        match event {
            Event::Trace(trace) if trace.detail as u8 <= self.wanted.verbose => {
                self.say(&trace.host, &trace.text, progress);
            }
            Event::Timed { host, phases } => {
                if self.wanted.verbose >= Detail::Step as u8
                    && let (Some(shell), Some(name)) = (phases.shell, self.names.get(*host))
                {
                    let probe = phases.probe.unwrap_or_default();
                    let text = format!("shell {:.1} ms, probes {:.1} ms", ms(shell), ms(probe));
                    self.say(name, &text, progress);
                }
                self.phases.push((*host, *phases));
            }
            Event::Done { visit, .. } if self.wanted.verbose > 0 => {
                let reason = visit.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                let text = format!("{} after {:.2} s{reason}", visit.outcome.word(), visit.seconds);
                self.say(&visit.host, &text, progress);
            }
            _ => {}
        }
    }

    fn say(&self, host: &str, text: &str, progress: &Progress) {
        let line = format!("{}: {}", sanitize::line(host), sanitize::line(text));
        progress.suspend(|| self.out.complain(&line));
    }

    /// The table of `--timings`.
    pub fn finish(&self) {
        if self.wanted.timings {
            self.out.complain(table(&self.names, &self.phases).trim_end());
        }
    }
}

fn ms(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Median, p95 and the longest of each phase over the hosts that came through it, and the slowest hosts.
fn table(names: &[&str], phases: &[(usize, Phases)]) -> String {
    let mut text =
        format!("{:<10}{:>7}{:>12}{:>12}{:>12}\n", "phase", "hosts", "median ms", "p95 ms", "max ms");
    for (name, pick) in Phases::NAMED {
        let mut times: Vec<f64> = phases.iter().filter_map(|(_, phases)| pick(phases)).map(ms).collect();
        times.sort_by(f64::total_cmp);
        let (Some(median), Some(p95), Some(max)) = (rank(&times, 50), rank(&times, 95), times.last()) else {
            text.push_str(&format!("{name:<10}{:>7}\n", 0));
            continue;
        };
        let count = times.len();
        text.push_str(&format!("{name:<10}{count:>7}{median:>12.1}{p95:>12.1}{max:>12.1}\n"));
    }
    let mut slowest: Vec<&(usize, Phases)> = phases.iter().collect();
    slowest.sort_by_key(|(host, phases)| (std::cmp::Reverse(phases.total()), *host));
    text.push_str("slowest hosts:\n");
    for (host, phases) in slowest.into_iter().take(SLOWEST) {
        let name = names.get(*host).copied().unwrap_or("?");
        let parts: Vec<String> = Phases::NAMED
            .iter()
            .filter_map(|(name, pick)| pick(phases).map(|time| format!("{name} {:.1}", ms(time))))
            .collect();
        let (name, total) = (sanitize::line(name), ms(phases.total()));
        text.push_str(&format!("  {name}: {total:.1} ms ({})\n", parts.join(", ")));
    }
    text
}

/// The nearest-rank percentile of sorted `times`.
fn rank(times: &[f64], percent: usize) -> Option<f64> {
    let at = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let times: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!((rank(&times, 50), rank(&times, 95)), (Some(10.0), Some(19.0)));
        assert_eq!((rank(&[3.0], 95), rank(&[], 50)), (Some(3.0), None));
    }

    #[test]
    fn the_slowest_come_first_and_a_phase_nobody_came_to_counts_none() {
        let phases = |tcp| Phases { tcp: Some(Duration::from_millis(tcp)), ..Phases::default() };
        let text = table(&["quick", "slow\u{1b}[2J"], &[(0, phases(1)), (1, phases(30))]);
        assert!(text.contains("tcp             2         1.0        30.0        30.0\n"), "{text}");
        assert!(text.contains("auth            0\n"), "{text}");
        let slow = text.find("slow").unwrap();
        assert!(text.rfind("quick").unwrap() > slow && !text.contains('\u{1b}'), "{text}");
    }
}
