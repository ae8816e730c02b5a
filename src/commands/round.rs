//! A round from the options to the report: what `run` and `audit` share, and what else makes or reads one.

use std::path::Path;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::keep::{Before, Past, line};
use super::lock::Lock;
use super::notify;
use super::output::{self, Destinations, Out};
use super::watch::Watch;
use super::{dry_run, evidence, give_secrets, list_hosts, options, runtime, saved, signals};
use crate::cli;
use crate::compare::{Comparison, compare};
use crate::diagnose::finding::Finding;
use crate::diagnose::{Verdict, diagnose, verdict};
use crate::error::Refusal;
use crate::fleet;
use crate::history::Since;
use crate::history::ack::acknowledge;
use crate::history::diff::Side;
use crate::intake::{self, Brought};
use crate::plan::Plan;
use crate::plan::build::Options;
use crate::progress::Progress;
use crate::report::{Format, Report, Status, Style, quiet, render};
use crate::round::{Round, Stopped};

/// A round with nothing left to resolve.
pub struct Ready<'a> {
    args: &'a cli::Round,
    pub plan: Plan,
    options: Options,
    destinations: Destinations,
    brought: Option<Brought>,
}

impl<'a> Ready<'a> {
    /// Resolves the options; `plan` makes the plan of them.
    ///
    /// # Errors
    /// Whatever is wrong on the command line or in a file: nobody is contacted then.
    pub fn of(
        args: &'a cli::Round,
        plan: impl FnOnce(&Options) -> Result<Plan, Refusal>,
    ) -> Result<Self, Refusal> {
        let destinations = output::destinations(&args.show)?;
        let brought = evidence::read(&args.evidence)?;
        let mut options = options(&args.hosts, &args.connect)?;
        options.since = args.since.clone();
        options.until = args.until.clone();
        let plan = plan(&options)?;
        Ok(Ready { args, plan, options, destinations, brought })
    }

    /// Makes the round; gives the exit status. `stop`: signals that are listened to already.
    ///
    /// # Errors
    /// A secret that the command line promises and nobody gives.
    fn make(mut self, stop: Option<Stop>, out: &Out) -> Result<u8, Refusal> {
        let args = self.args;
        give_secrets(&args.connect, &self.options.settings, &mut self.plan)?;
        let mut past = Past::of(&args.keep, &self.plan, &self.options, out);
        // Whoever says a time by hand wants to see what is there, not what is new.
        if let (Some(previous), None) = (past.previous(), &args.since)
            && !self.plan.go_on_from(previous)
        {
            past.older().any(|round| self.plan.go_on_from(&round));
        }
        let playbook = self.plan.playbook.as_ref().map(Path::new);
        let before = past.before(&args.beside, playbook, out)?;
        let (runtime, stop) = match stop {
            Some(stop) => stop,
            None => listen()?,
        };
        let mut round = runtime.block_on(make_round(&self.plan, args.connect.watch, stop.clone(), out));
        if let Some(brought) = self.brought {
            intake::into_round(&mut round, brought);
        }
        if let Some(file) = &args.save {
            saved::save(&round, file, out);
        }
        let judged = Judged::of(&round, &before);
        let (wanted, style, changed) = (&args.unattended, out.style(&args.show), judged.is_news());
        let printed = match (wanted.only_changes && !changed, wanted.quiet) {
            (true, _) => Printed::Nothing,
            (false, true) => Printed::Quiet,
            (false, false) => Printed::Whole,
        };
        let status = judged.tell_as(printed, &self.destinations, &style, out);
        past.keep(&round, judged.verdict, &judged.findings, out);
        if let Some(command) = wanted.notify_cmd.as_ref().filter(|_| changed || !wanted.only_changes) {
            let report = judged.report(&self.destinations);
            notify::notify(command, wanted.notify_timeout, &report, &style, changed, &stop, out);
        }
        Ok(status)
    }

    /// What only shows what the round would be.
    fn is_shown(&self, out: &Out) -> bool {
        let args = self.args;
        if args.hosts.list_hosts {
            out.print(&list_hosts(self.plan.targets.iter().map(|target| target.host.as_str())));
        } else if args.dry_run {
            out.print(&dry_run::describe(&self.plan, &self.options.settings));
        }
        args.hosts.list_hosts || args.dry_run
    }
}

/// What listens to signals, and the switch that they throw.
type Stop = (Runtime, watch::Receiver<Option<Stopped>>);

fn listen() -> Result<Stop, Refusal> {
    let runtime = runtime()?;
    let stop = runtime.block_on(async { signals::watch_signals() });
    Ok((runtime, stop))
}

/// Makes a round, or shows only what it would be; gives the exit status. `plan` makes the plan of the options.
///
/// # Errors
/// Whatever is wrong on the command line or in a file, and another unattended round of the same: nobody is
/// contacted then.
pub fn go(
    args: &cli::Round,
    out: &Out,
    plan: impl Fn(&Options) -> Result<Plan, Refusal>,
) -> Result<u8, Refusal> {
    let ready = Ready::of(args, &plan)?;
    out.warn(&ready.plan.warnings);
    if ready.is_shown(out) {
        return Ok(0);
    }
    if !args.unattended.unattended {
        return ready.make(None, out);
    }
    let has_password = args.connect.connection_password_file.is_some();
    if ready.options.settings.ask_pass && !cli::denied("ask-pass") && !has_password {
        return Err(Refusal::usage(
            "ansible.cfg wants to ask for a password (ask_pass), and --unattended asks nobody: \
             give --connection-password-file",
        ));
    }
    let _lock = Lock::take(&line(&ready.plan, &ready.options))?;
    let Some(splay) = args.unattended.splay else { return ready.make(None, out) };
    let (runtime, mut stop) = listen()?;
    let wait = splay.mul_f64(rand::random::<f64>());
    let stopped = runtime.block_on(async {
        tokio::select! {
            () = tokio::time::sleep(wait) => None,
            stopped = stop.wait_for(Option::is_some) => stopped.ok().and_then(|stopped| *stopped),
        }
    });
    match stopped {
        Some(Stopped::Interrupted) => Ok(130),
        Some(_) => Ok(143),
        // Files and times may have moved on in the meantime.
        None => Ready::of(args, &plan)?.make(Some((runtime, stop)), out),
    }
}

/// How much of a report goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Printed {
    Whole,
    /// What is not OK.
    Quiet,
    Nothing,
}

/// Makes the plan's round, with progress on standard error and what `watch` wants to see.
pub async fn make_round(
    plan: &Plan,
    watch: cli::Watch,
    stop: watch::Receiver<Option<Stopped>>,
    out: &Out,
) -> Round {
    let started = Timestamp::now();
    let mut progress = Progress::new(plan, out.draws());
    let mut watch = Watch::new(watch, plan, out);
    let rounds = fleet::make_rounds(plan, stop, false, |event| {
        progress.on(&event);
        watch.on(&event, &progress);
    });
    let (visits, stopped) = rounds.await;
    progress.finish();
    watch.finish();
    Round {
        finished: Timestamp::now(),
        playbook: plan.playbook.clone(),
        limit: plan.limit.clone(),
        stopped,
        since: plan.since,
        until: plan.until,
        plays: plan.plays.clone(),
        visits,
        ..Round::blank(round_id(started), started)
    }
}

/// A name that no other round has: the time of its start and a random part.
pub fn round_id(started: Timestamp) -> String {
    format!("{}-{:08x}", started.strftime("%Y%m%dT%H%M%SZ"), rand::random::<u32>())
}

/// A round and what is made of it.
pub struct Judged<'a> {
    pub round: &'a Round,
    pub comparison: Comparison<'a>,
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
    /// What changed since an earlier round.
    pub since: Option<Since>,
    /// What the earlier round came to, by today's acknowledgements.
    earlier: Option<Status>,
}

impl<'a> Judged<'a> {
    /// Compares, diagnoses, and lays beside what is known from before.
    pub fn of(round: &'a Round, before: &Before) -> Self {
        let comparison = compare(round);
        let mut findings = diagnose(round, &comparison);
        let mut status = None;
        let since = before.earlier.as_ref().map(|earlier| {
            let compared = compare(earlier);
            let mut found = diagnose(earlier, &compared);
            let older = Side { round: earlier, comparison: &compared, findings: &found };
            let newer = Side { round, comparison: &comparison, findings: &findings };
            let since = Since::of(&older, &newer, before.baseline);
            acknowledge(&mut found, &before.acks, earlier.finished);
            status = Some(verdict(earlier, &found).status);
            since
        });
        if let Some(since) = &since {
            since.mark(&mut findings);
        }
        acknowledge(&mut findings, &before.acks, round.finished);
        let verdict = verdict(round, &findings);
        Judged { round, comparison, findings, verdict, since, earlier: status }
    }

    /// One side of a [`crate::history::diff`].
    pub fn side(&self) -> Side<'_> {
        Side { round: self.round, comparison: &self.comparison, findings: &self.findings }
    }

    /// Renders; gives the exit status.
    pub fn tell(&self, destinations: &Destinations, style: &Style, out: &Out) -> u8 {
        self.tell_as(Printed::Whole, destinations, style, out)
    }

    /// Whether anything is otherwise than in the earlier round; without one everything is.
    pub fn is_news(&self) -> bool {
        let status = self.earlier != Some(self.verdict.status);
        status || self.since.as_ref().is_none_or(Since::is_news)
    }

    /// All that a format renders.
    pub fn report(&self, destinations: &Destinations) -> Report<'_> {
        Report {
            round: self.round,
            comparison: &self.comparison,
            findings: &self.findings,
            verdict: self.verdict,
            since: self.since.as_ref(),
            timeline: destinations.timeline.clone(),
            metrics: destinations.metrics.clone(),
        }
    }

    /// As [`Judged::tell`], with less on standard output.
    pub fn tell_as(&self, printed: Printed, destinations: &Destinations, style: &Style, out: &Out) -> u8 {
        let report = self.report(destinations);
        let text = match printed {
            Printed::Whole => Some(render(&report, destinations.stdout, style)),
            Printed::Quiet => quiet(&report, destinations.stdout, style),
            Printed::Nothing => None,
        };
        if let Some(text) = text {
            out.print(&text);
        }
        for (format, file) in &destinations.files {
            // A file is read on whatever comes along: no colour, the style otherwise.
            let style = Style { colour: false, ..*style };
            let text = render(&report, *format, &style);
            match format {
                Format::Prometheus => out.write_public_file(file, text.as_bytes()),
                _ => out.write_file(file, text.as_bytes()),
            }
        }
        self.verdict.exit_code
    }
}
