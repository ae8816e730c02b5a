//! The one remote shell of a visit: bootstrap, frames, heartbeat, how it ends.
//!
//! However many probes a host has, there is one exec, one login shell, one `sudo`. The shell waits in
//! `read`; scripts run behind it one after another. When our end goes away in whatever manner, it ends
//! all that it started: on end-of-file at once, on silence when its watchdog has had enough.

pub mod answer;
pub mod becoming;
pub mod frames;
mod opening;
mod running;
pub mod script;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::round::{Ended, Stopped};
use crate::ssh::{ExecReader, ExecWriter, Loss, Output};
use answer::Answer;
use frames::Frames;
use running::{Running, take};

/// How long a script may take to die once it was told to.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// A shell on a node, ready for scripts.
pub struct Shell {
    reader: ExecReader,
    writer: ExecWriter,
    stdout: Frames,
    stderr: Frames,
    /// Both streams come as one.
    terminal: bool,
    asked: u32,
    knows_walker: bool,
    /// The channel or the connection is gone, or a script could not be stopped: no more questions.
    gone: bool,
    /// Something of ours may still run there.
    left_running: bool,
    /// How the remote shell ended, where the server told.
    ended: Option<String>,
}

/// A script, and what it may cost.
#[derive(Debug, Clone)]
pub struct Question {
    pub script: String,
    pub deadline: Duration,
    /// Bytes of standard output that are kept; more stops the script.
    pub limit: usize,
}

/// Output of a script as it comes, for whoever wants it live.
pub type Listener<'a> = &'a mut (dyn FnMut(Stream, &[u8]) + Send);

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Why no shell came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellError {
    /// The channel could not be opened, or the connection broke.
    Session(String),
    /// The program that makes another user of us refused: why, where that is known, and its words, raw.
    Become { why: Option<&'static str>, said: String },
    /// The login shell ended before ours could begin; what it said, raw.
    Ended { status: String, said: String },
}

impl Shell {
    /// Whether no further script can be run.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// How the connection ended, once no further script can be run.
    pub fn loss(&self) -> Loss {
        match &self.ended {
            Some(how) => Loss { message: format!("the shell there ended ({how})"), remote: None },
            None => self.reader.loss(),
        }
    }

    /// Whether a process of ours may still run on the node.
    pub fn left_running(&self) -> bool {
        self.left_running
    }

    /// Asks questions one after another and waits for all answers: each its end, its deadline, its
    /// output's limit, or `stop`. One round trip serves as many questions as go well.
    pub async fn ask(
        &mut self,
        questions: &[Question],
        stop: &mut watch::Receiver<Option<Stopped>>,
        mut listener: Option<Listener<'_>>,
    ) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::with_capacity(questions.len());
        while let Some(left) = questions.get(answers.len()..).filter(|left| !left.is_empty()) {
            if self.gone || stop.borrow().is_some() {
                answers.resize_with(questions.len(), Answer::default);
                break;
            }
            self.batch(left, stop, &mut listener, &mut answers).await;
        }
        answers
    }

    /// Asks `questions` in one order. Comes back when all are answered, or with fewer answers when one
    /// had to be stopped: that ends the order, and the rest is to be asked anew.
    async fn batch(
        &mut self,
        questions: &[Question],
        stop: &mut watch::Receiver<Option<Stopped>>,
        listener: &mut Option<Listener<'_>>,
        answers: &mut Vec<Answer>,
    ) {
        let first = self.asked + 1;
        self.asked += questions.len() as u32;
        let mut running: Vec<Running> =
            questions.iter().map(|question| Running::new(question.limit)).collect();
        self.order(script::run((first..).zip(questions.iter().map(|question| question.script.as_str()))))
            .await;
        let every = Duration::from_secs(script::HEARTBEAT_SECONDS.into());
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut out_at, mut err_at) = (None, None);
        let mut at = 0;
        let mut since = Instant::now();
        let mut deadline = since + questions[0].deadline;
        let mut stopping: Option<Ended> = None;
        while at < running.len() && !self.gone {
            let mut order_stop = None;
            tokio::select! {
                output = self.reader.next() => match output {
                    Some(Output::Stdout(bytes)) => {
                        self.stdout.feed(&bytes, |frame| {
                            take(&mut running, &mut out_at, first, frame, Stream::Stdout, listener);
                        });
                        if self.terminal {
                            self.stderr.feed(&bytes, |frame| {
                                take(&mut running, &mut err_at, first, frame, Stream::Stderr, listener);
                            });
                        }
                    }
                    Some(Output::Stderr(bytes)) => self.stderr.feed(&bytes, |frame| {
                        take(&mut running, &mut err_at, first, frame, Stream::Stderr, listener);
                    }),
                    Some(Output::Exit(status)) => self.ended = Some(format!("exit status {status}")),
                    Some(Output::Signal(name)) => self.ended = Some(format!("signal {name}")),
                    Some(Output::Closed) | None => self.gone = true,
                },
                _ = heartbeat.tick() => self.order(script::HEARTBEAT.to_owned()).await,
                _ = sleep_until(deadline) => match stopping {
                    None => order_stop = Some(Ended::Deadline),
                    // It neither ended nor said that it could not: nothing more can be asked here.
                    Some(_) => {
                        self.gone = true;
                        self.left_running = true;
                        running[at].answer.stuck = true;
                    }
                },
                _ = stopped(stop), if stopping.is_none() => order_stop = Some(Ended::Stopped),
            }
            while running.get(at).is_some_and(Running::is_over) {
                running[at].answer.seconds = since.elapsed().as_secs_f64();
                since = Instant::now();
                at += 1;
                if stopping.is_some() {
                    break;
                }
                if let Some(next) = questions.get(at) {
                    deadline = since + next.deadline;
                }
            }
            if stopping.is_some()
                && running[..at].last().is_some_and(Running::is_over)
                && order_stop.is_none()
            {
                break;
            }
            let Some(current) = running.get_mut(at) else { break };
            if current.answer.overflow > 0 && stopping.is_none() {
                order_stop = Some(Ended::Overflow);
            }
            if let Some(why) = order_stop {
                stopping = Some(why);
                current.stopped = Some(why);
                deadline = Instant::now() + STOP_GRACE;
                let walker = if self.knows_walker { "" } else { script::walker() };
                self.knows_walker = true;
                self.order(format!("{walker}{}", script::stop(first + at as u32))).await;
            }
        }
        if let Some(current) = running.get_mut(at) {
            current.answer.seconds = since.elapsed().as_secs_f64();
        }
        // What was asked and never began is asked anew, unless nothing can be asked any more.
        let kept = if self.gone { running.len() } else { at };
        for running in running.into_iter().take(kept) {
            self.left_running |= running.is_stuck();
            answers.push(running.finish());
        }
    }

    /// Ends the shell and, with it, whatever its scripts left behind. Does not wait for the node.
    pub async fn end(self) {
        self.writer.eof().await;
        self.writer.close().await;
    }

    async fn order(&mut self, order: String) {
        // A node that takes no input for this long is as good as gone.
        match timeout(STOP_GRACE, self.writer.write(order.into_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => self.gone = true,
        }
    }
}

/// Resolves when the round is stopped; never, when it no longer can be.
async fn stopped(stop: &mut watch::Receiver<Option<Stopped>>) {
    if stop.wait_for(Option::is_some).await.is_err() {
        std::future::pending::<()>().await;
    }
}
