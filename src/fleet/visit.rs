//! One host's visit: connect, open the shell, ask probe after probe, say good-bye.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::{Event, Phases, blank};
use crate::kafka::log_clock::LogClock;
use crate::kafka::record;
use crate::plan::{Limits, Target};
use crate::probe::{Probe, discovery, facts};
use crate::round::{
    Access, Clock, Coverage, CoverageStatus, Evidence, Facts, Identity, Outcome, ProbeAnswer, Stopped, Visit,
};
use crate::shell::answer::Answer;
use crate::shell::becoming::Become;
use crate::shell::{Listener, Question, Shell, ShellError};
use crate::ssh::{self, ConnectError, Connection, Dialer, Progress, Reason};

/// Bytes of the facts' answer: four checkpoint files of some ten thousand partitions each.
pub(super) const FACTS_LIMIT: usize = 8 << 20;

/// What a session that runs no shell may be.
const NO_SHELL: &str = "nologin, a forced command such as internal-sftp, or a chroot without /bin/sh?";

/// How long the good-bye to a host may hold up its visit.
const FAREWELL: Duration = Duration::from_millis(300);

/// All that one visit needs.
pub struct Visitor {
    pub index: usize,
    pub target: Target,
    pub dialer: Arc<Dialer>,
    pub limits: Limits,
    /// `since` and `until`.
    pub window: (Option<Timestamp>, Option<Timestamp>),
    pub stop: watch::Receiver<Option<Stopped>>,
    pub events: mpsc::UnboundedSender<Event>,
    /// Hears of every connection attempt.
    pub listener: ssh::Listener,
    /// Whether output is wanted as it comes.
    pub live: bool,
    /// Takes the further brokers of a machine that runs several.
    pub further: mpsc::UnboundedSender<(usize, Visit)>,
}

impl Visitor {
    /// Makes the visit; never fails: what went wrong is in it.
    pub async fn visit(mut self) -> Arc<Visit> {
        let began = Instant::now();
        self.target.fence(&format!("rm{:016x}", rand::random::<u64>()));
        if self.stop.borrow().is_some() {
            let reason = format!("not contacted: {}", self.why_stopped());
            let visit = self.with_unasked(blank(&self.target, Outcome::Interrupted, &reason));
            return self.done(visit);
        }
        // The consumer is gone only when the round is being thrown away.
        let _ = self.events.send(Event::Began { host: self.index });
        let progress = Progress::told(&self.target.host, self.listener.clone());
        let mut phases = Phases::default();
        let mut stop = self.stop.clone();
        let connected = tokio::select! {
            connected = self.dialer.connect(&self.target.route, &progress) => connected.map_err(Some),
            _ = stop.wait_for(Option::is_some) => Err(None),
        };
        let mut visit = match connected {
            Ok(connection) => self.on_host(connection, &mut phases).await,
            Err(Some(error)) => self.with_unasked(unreached(&self.target, &error)),
            Err(None) => {
                let reason = format!("{} while {}", self.why_stopped(), progress.doing());
                let mut visit = blank(&self.target, Outcome::Interrupted, &reason);
                visit.stage = Some(progress.stage().name().to_owned());
                self.with_unasked(visit)
            }
        };
        visit.attempts = progress.attempts().max(1);
        visit.seconds = began.elapsed().as_secs_f64();
        let phases = Phases { shell: phases.shell, probe: phases.probe, ..Phases::of(&progress) };
        let _ = self.events.send(Event::Timed { host: self.index, phases });
        self.done(visit)
    }

    /// Makes no visit, because `why`.
    pub fn leave_out(self, why: String) -> Arc<Visit> {
        let visit = self.with_unasked(blank(&self.target, Outcome::Interrupted, &why));
        self.done(visit)
    }

    fn done(&self, mut visit: Visit) -> Arc<Visit> {
        self.place_carried(&mut visit);
        let visit = Arc::new(visit);
        let _ = self.events.send(Event::Done { host: self.index, visit: visit.clone() });
        visit
    }

    async fn on_host(&mut self, connection: Connection, phases: &mut Phases) -> Visit {
        let logged_in = Instant::now();
        let _ = self.events.send(Event::Reached { host: self.index });
        let open = Shell::open(&connection, self.target.becomes.as_ref());
        let mut stop = self.stop.clone();
        let opened = tokio::select! {
            opened = timeout(self.limits.connect, open) => opened,
            _ = stop.wait_for(Option::is_some) => {
                let visit = blank(&self.target, Outcome::Interrupted, &format!("{} while the shell began", self.why_stopped()));
                return self.with_unasked(visit);
            }
        };
        let mut shell = match opened {
            Ok(Ok(shell)) => shell,
            Ok(Err(error)) => {
                let visit = self.with_unasked(no_shell(&self.target, error));
                let _ = timeout(FAREWELL, connection.close()).await;
                return visit;
            }
            Err(_) => {
                let limit = self.limits.connect.as_secs_f64();
                let mut visit = blank(
                    &self.target,
                    Outcome::Timeout,
                    &format!(
                        "logged in, but no shell answered within {limit} s; a frozen host, or a forced command?"
                    ),
                );
                visit.stage = Some("shell".to_owned());
                return self.with_unasked(visit);
            }
        };
        let mut visit = blank(&self.target, Outcome::Ok, "");
        visit.reason = None;
        let asked = Instant::now();
        phases.shell = Some(asked - logged_in);
        let mut further = match self.target.audit.clone() {
            Some(audit) => {
                let further = self.audit(&audit, &mut shell, &mut visit).await;
                self.add_unread(&mut visit, &further);
                further
            }
            None => {
                self.ask(&mut shell, &mut visit).await;
                Vec::new()
            }
        };
        phases.probe = Some(asked.elapsed());
        visit.left_running = shell.left_running();
        let lost = shell.is_gone().then(|| shell.loss());
        shell.end().await;
        // The node ends what is left when it sees us go; waiting longer would tell nothing more.
        let _ = timeout(FAREWELL, connection.close()).await;
        self.judge(&mut visit, lost.as_ref());
        for mut other in further.drain(..) {
            other.left_running = visit.left_running;
            self.judge(&mut other, lost.as_ref());
            self.place_carried(&mut other);
            // The consumer is gone only when the round is being thrown away.
            let _ = self.further.send((self.index, other));
        }
        visit
    }

    /// Asks for the facts and for every probe at once, then for what their answers ask for in turn.
    async fn ask(&mut self, shell: &mut Shell, visit: &mut Visit) {
        // After this nothing stands for a question that was not asked.
        let probes = std::mem::take(&mut self.target.probes);
        let mut questions = Vec::with_capacity(probes.len() + 1);
        if let Some(log_dirs) = &self.target.facts {
            questions.push(Question {
                script: facts::script(log_dirs),
                deadline: self.limits.probe,
                limit: FACTS_LIMIT,
            });
        }
        questions.extend(probes.iter().map(|(_, probe)| asked(probe)));
        let (events, host) = (self.events.clone(), self.index);
        let mut listen = |stream, bytes: &[u8]| {
            // What waits for a slow terminal is bounded by the output's limit, host by host.
            let _ = events.send(Event::Output { host, stream, bytes: bytes.to_vec() });
        };
        let listener: Option<Listener<'_>> = if self.live { Some(&mut listen) } else { None };
        let mut answers = shell.ask(&questions, &mut self.stop, listener).await.into_iter();
        if let Some(log_dirs) = &self.target.facts {
            let answer = answers.next().unwrap_or_default();
            let (found, coverage) = facts::parse(log_dirs, &answer, self.limits.probe.as_secs());
            visit.facts = Some(found);
            visit.probes.push(ProbeAnswer {
                play: self.target.plays.first().copied().unwrap_or(0),
                probe: "facts".to_owned(),
                evidence: Evidence::Facts,
                coverage,
                seconds: answer.seconds,
            });
        }
        for (play, probe) in &probes {
            let first = answers.next().unwrap_or_default();
            let answer = self.probed(*play, probe, first, visit.facts.as_ref(), shell).await;
            visit.probes.push(answer);
        }
    }

    /// One probe's answer, with its follow-up.
    pub(super) async fn probed(
        &mut self,
        play: usize,
        probe: &Probe,
        first: Answer,
        facts: Option<&Facts>,
        shell: &mut Shell,
    ) -> ProbeAnswer {
        let second = probe.follow_up(&first);
        let mut heard = vec![first];
        if let Some(script) = second {
            let second = Question { script, deadline: probe.deadline, limit: probe.limit };
            heard.extend(shell.ask(&[second], &mut self.stop, None).await);
        }
        let seconds = heard.iter().map(|answer| answer.seconds).sum();
        let (mut evidence, coverage) = probe.parse(heard, &Identity::of(facts));
        within(&mut evidence, self.window, facts.and_then(|facts| facts.clock.as_ref()));
        ProbeAnswer { play, probe: probe.name().to_owned(), evidence, coverage, seconds }
    }

    /// What the visit comes to, once all that could be asked was.
    fn judge(&self, visit: &mut Visit, lost: Option<&ssh::Loss>) {
        let incomplete = |row: &&Coverage| row.status != CoverageStatus::Complete;
        let stopped = *self.stop.borrow();
        if stopped.is_some()
            && visit.probes.iter().flat_map(|probe| &probe.coverage).any(|row| incomplete(&row))
        {
            visit.outcome =
                if stopped == Some(Stopped::Deadline) { Outcome::Timeout } else { Outcome::Interrupted };
            visit.reason = Some(self.why_stopped().to_owned());
        } else if lost.is_some() && visit.left_running {
            visit.outcome = Outcome::Timeout;
            visit.reason =
                Some("a probe did not stop at its deadline; a process may still be running there".to_owned());
        } else if let Some(loss) = lost {
            visit.outcome = Outcome::Lost;
            visit.reason = Some(format!("the connection was lost during the visit: {loss}"));
        } else if let Some(row) = visit.probes.iter().flat_map(|probe| &probe.coverage).find(incomplete) {
            visit.outcome = Outcome::Partial;
            visit.reason = Some(format!("{}: {}", row.path, row.reason.as_deref().unwrap_or("incomplete")));
        }
    }

    fn why_stopped(&self) -> &'static str {
        match *self.stop.borrow() {
            Some(Stopped::Terminated) => "the round was terminated",
            Some(Stopped::Deadline) => "the round's deadline passed",
            _ => "the round was interrupted",
        }
    }

    /// Gives the visit a row for each question that was never asked: not seen is said, not left out.
    fn with_unasked(&self, mut visit: Visit) -> Visit {
        if self.target.audit.is_some() {
            visit.probes.push(discovery::unasked());
            self.add_unread(&mut visit, &[]);
        }
        for (play, probe) in &self.target.probes {
            let (evidence, coverage) = probe.parse(Vec::new(), &Identity::default());
            let probe = probe.name().to_owned();
            visit.probes.push(ProbeAnswer { play: *play, probe, evidence, coverage, seconds: 0.0 });
        }
        visit
    }

    /// Adds what earlier rounds read of logs that an audit of this machine did not come to ask for: what was seen
    /// there does not end because nobody looked.
    pub(super) fn add_unread(&self, visit: &mut Visit, further: &[Visit]) {
        let Some(audit) = &self.target.audit else { return };
        let read: HashSet<String> = std::iter::once(&*visit)
            .chain(further)
            .flat_map(|visit| &visit.probes)
            .filter_map(|answer| match &answer.evidence {
                Evidence::LogGrep(grep) => grep.asked.clone(),
                _ => None,
            })
            .collect();
        // A machine that answered about other logs than before was read anew.
        if !read.is_empty() && further.is_empty() {
            return;
        }
        for grep in audit
            .earlier
            .iter()
            .map(|earlier| &earlier.grep)
            .filter(|grep| !grep.asked.as_ref().is_some_and(|key| read.contains(key)))
        {
            let why = "not read this time; what was read of it earlier is kept";
            let coverage =
                grep.files.iter().filter(|file| file.gone.is_none() && file.access != Access::Missing);
            visit.probes.push(ProbeAnswer {
                play: 0,
                probe: "log_grep".to_owned(),
                evidence: Evidence::LogGrep(grep.clone()),
                coverage: coverage.map(|file| Coverage::none(&file.path, why)).collect(),
                seconds: 0.0,
            });
        }
    }

    /// Lines that were carried to a visit that read no clock keep the zone that they were read in.
    fn place_carried(&self, visit: &mut Visit) {
        let clock = visit.facts.as_ref().and_then(|facts| facts.clock.as_ref());
        if clock.is_none() && visit.log_zone_s.is_none() {
            visit.log_zone_s = self.target.log_zone_s;
        }
    }
}

/// A probe's first question.
pub(super) fn asked(probe: &Probe) -> Question {
    Question { script: probe.script(), deadline: probe.deadline, limit: probe.limit }
}

/// Keeps the log records whose time lies in the window; a record without a time is kept.
fn within(evidence: &mut Evidence, window: (Option<Timestamp>, Option<Timestamp>), clock: Option<&Clock>) {
    let (Evidence::LogGrep(grep), (since, until)) = (evidence, window) else { return };
    if since.is_none() && until.is_none() {
        return;
    }
    let clock = LogClock::of(clock, None, Timestamp::now(), 0.0);
    grep.records.retain(|found| {
        let at = record::header(&found.text).and_then(|header| clock.moment(header.time)).map(|(at, _)| at);
        at.is_none_or(|at| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at <= until))
    });
}

fn unreached(target: &Target, error: &ConnectError) -> Visit {
    let outcome = match error.reason.root() {
        reason if reason.is_host_key() => Outcome::HostKey,
        reason if reason.is_auth() => Outcome::AuthFailed,
        Reason::TimedOut => Outcome::Timeout,
        _ => Outcome::Unreachable,
    };
    let reason = match &error.hint {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    let mut visit = blank(target, outcome, &reason);
    visit.stage = Some(error.stage.name().to_owned());
    visit.host_key_changed =
        matches!(error.reason.root(), Reason::HostKeyChanged { .. } | Reason::HostKeyRevoked { .. });
    visit
}

fn no_shell(target: &Target, error: ShellError) -> Visit {
    let (outcome, stage, reason) = match error {
        ShellError::Session(message) => (Outcome::Lost, "shell", message),
        ShellError::Become { why, said } => {
            let how = target.becomes.as_ref().map(Become::describe).unwrap_or_default();
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            let user = &target.route.user;
            let said = if said.is_empty() { String::new() } else { format!(": {said:?}") };
            let reason = format!("logged in as {user}, but {how} was refused{why}{said}");
            (Outcome::AuthFailed, "become", reason)
        }
        ShellError::Ended { status, said } if said.is_empty() => (
            Outcome::AuthFailed,
            "shell",
            format!("logged in, but the login shell ended at once ({status}); {NO_SHELL}"),
        ),
        ShellError::Ended { status, said } => (
            Outcome::AuthFailed,
            "shell",
            format!("logged in, but the login shell ended at once ({status}): {said:?}; {NO_SHELL}"),
        ),
    };
    let mut visit = blank(target, outcome, &reason);
    visit.stage = Some(stage.to_owned());
    visit
}
