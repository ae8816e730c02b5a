//! The one remote shell of a visit: bootstrap, frames, heartbeat, how it ends.
//!
//! However many probes a host has, there is one exec, one login shell, one `sudo`. The shell waits in
//! `read`; scripts run behind it one after another. When our end goes away in whatever manner, it ends
//! all that it started: on end-of-file at once, on silence when its watchdog has had enough.

pub mod answer;
pub mod becoming;
pub mod frames;
pub mod script;

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::round::{Ended, Stopped};
use crate::ssh::{Connection, ExecReader, ExecWriter, Loss, Output, SessionError};
use answer::Answer;
use becoming::{Asked, Become, Words};
use frames::{Frame, Frames, How};

/// How long a script may take to die once it was told to.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// Bytes of a script's standard error that are kept.
const STDERR_LIMIT: usize = 64 << 10;

/// Bytes said before the shell was ready that are kept, to explain why it never was.
const PREFACE_LIMIT: usize = 2048;

/// Bytes that are searched for a question while another user is become.
const HEARD_LIMIT: usize = 64 << 10;

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
    /// Starts the shell, as another user where `how` says so.
    ///
    /// # Errors
    /// No session, a forced command or a login shell that is none, a `sudo` that refuses.
    pub async fn open(connection: &Connection, how: Option<&Become>) -> Result<Shell, ShellError> {
        let (mut boot, mut terminal) = (script::boot(), false);
        loop {
            let opened = match Self::boot(connection, &boot, how, terminal).await {
                // 127 is a shell's word for "no such command", csh has others: this node has no `nice`.
                Err(ShellError::Ended { status, said })
                    if status == "exit status 127"
                        || status == "exit status 126"
                        || said.contains("nice: ") =>
                {
                    match boot == script::boot() {
                        true => None,
                        false => Some(Err(ShellError::Ended { status, said })),
                    }
                }
                other => Some(other),
            };
            match opened {
                None => boot = script::boot_plainly(),
                // `Defaults requiretty`, and programs that read passwords from a terminal alone.
                Some(Err(ShellError::Become { said, .. })) if !terminal && Become::wants_terminal(&said) => {
                    terminal = true;
                }
                Some(opened) => return opened,
            }
        }
    }

    async fn boot(
        connection: &Connection,
        boot: &str,
        how: Option<&Become>,
        terminal: bool,
    ) -> Result<Shell, ShellError> {
        let (token, errors) = (token(), if terminal { self::token() } else { String::new() });
        let session = |error: SessionError| ShellError::Session(error.to_string());
        let exec = match terminal {
            true => connection.exec_on_terminal(boot.as_bytes()).await,
            false => connection.exec(boot.as_bytes()).await,
        };
        let (mut reader, writer) = exec.map_err(session)?.split();
        let setup = match terminal {
            true => format!("{}{}", script::one_stream(&errors), script::setup(&token)),
            false => script::setup(&token),
        };
        // Where the program may ask, nothing follows its order until the shell inside has spoken.
        let words = Words { prompt: self::token(), ready: self::token(), begun: self::token() };
        let mut waits = how.is_some_and(|how| terminal || how.may_ask());
        let orders = match how {
            Some(how) if waits => how.line(Some(&words)),
            Some(how) => format!("{}{setup}", how.line(None)),
            None => setup.clone(),
        };
        // A command that ended at once refuses its input; why it ended is in what it says.
        let written = writer.write(orders.into_bytes()).await;
        let (mut stdout, mut stderr) = (Frames::new(&token), Frames::new(&errors_of(&token, &errors)));
        let mut preface: Vec<u8> = Vec::new();
        let mut status = written.err().map(|error| error.to_string());
        let mut sent = false;
        // A screenful of a chatty rc file must not hide the question behind it.
        let mut heard = [Vec::new(), Vec::new()];
        let hear = |stream: usize, bytes: &[u8], heard: &mut [Vec<u8>; 2]| {
            if let Some(heard) = heard.get_mut(stream) {
                heard.extend_from_slice(bytes);
                if heard.len() > HEARD_LIMIT {
                    heard.drain(..HEARD_LIMIT / 2);
                }
            }
        };
        let leads = loop {
            let mut hello = None;
            match reader.next().await {
                Some(Output::Stdout(bytes)) => {
                    if waits {
                        hear(0, &bytes, &mut heard);
                    }
                    stdout.feed(&bytes, |frame| {
                        if let Frame::Hello { leads } = frame {
                            hello = Some(leads);
                        }
                    });
                    if terminal {
                        stderr.feed(&bytes, |_| {});
                    }
                    preface.extend(bytes.iter().take(PREFACE_LIMIT.saturating_sub(preface.len())));
                }
                Some(Output::Stderr(bytes)) => {
                    if waits {
                        hear(1, &bytes, &mut heard);
                    }
                    stderr.feed(&bytes, |_| {});
                    preface.extend(bytes.iter().take(PREFACE_LIMIT.saturating_sub(preface.len())));
                }
                Some(Output::Exit(code)) => status = Some(format!("exit status {code}")),
                Some(Output::Signal(name)) => status = Some(format!("signal {name}")),
                Some(Output::Closed) => {
                    let said = said(&preface, &words);
                    return Err(match how {
                        Some(how)
                            if status.as_deref() != Some("exit status 127")
                                || said.contains(how.method.name()) =>
                        {
                            ShellError::Become { why: how.why(&said, sent), said }
                        }
                        _ => ShellError::Ended {
                            status: status.unwrap_or_else(|| "no exit status".into()),
                            said,
                        },
                    });
                }
                None => {
                    return Err(ShellError::Session(format!("the connection was lost: {}", reader.loss())));
                }
            }
            if let Some(leads) = hello {
                break leads;
            }
            let Some(how) = how.filter(|_| waits) else { continue };
            if heard.iter().any(|heard| memchr::memmem::find(heard, words.ready.as_bytes()).is_some()) {
                waits = false;
                // If it is gone again already, the next output says why.
                let _ = writer.write(setup.clone().into_bytes()).await;
                continue;
            }
            let refused = |why| Err(ShellError::Become { why: Some(why), said: said(&preface, &words) });
            let asked = heard.iter().map(|heard| how.asked(heard, &words)).max().unwrap_or(Asked::NotYet);
            match (asked, &how.password) {
                (Asked::Once, Some(password)) if !sent => {
                    sent = true;
                    let line = format!("{}\n", password.reveal());
                    let _ = writer.write(line.into_bytes()).await;
                }
                // Never twice: a second wrong one may lock the account.
                (Asked::Again, Some(_)) => {
                    writer.close().await;
                    return refused("the password for it is wrong");
                }
                (Asked::Once | Asked::Again, None) => {
                    writer.close().await;
                    return refused("it wants a password (-K asks for it, ansible_become_password names it)");
                }
                _ => {}
            }
        };
        let mut shell = Shell {
            reader,
            writer,
            stdout,
            stderr,
            terminal,
            asked: 0,
            knows_walker: false,
            gone: false,
            left_running: false,
            ended: None,
        };
        if !leads {
            // Its watchdog began before it knew how to end a tree, so it is rearmed.
            shell.order(format!("{}{}", script::walker(), script::HEARTBEAT)).await;
            shell.knows_walker = true;
        }
        Ok(shell)
    }

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

/// One question while it is being answered.
struct Running {
    answer: Answer,
    limit: usize,
    out: Option<How>,
    err: Option<How>,
    /// Why it was told to stop.
    stopped: Option<Ended>,
}

impl Running {
    fn new(limit: usize) -> Self {
        let answer = Answer { sent: Some(Timestamp::now()), ..Answer::default() };
        Running { answer, limit, out: None, err: None, stopped: None }
    }

    fn is_over(&self) -> bool {
        self.out.is_some() && self.err.is_some()
    }

    fn is_stuck(&self) -> bool {
        self.answer.stuck || self.out == Some(How::Stuck) || self.err == Some(How::Stuck)
    }

    fn finish(mut self) -> Answer {
        self.answer.stuck = self.is_stuck();
        self.answer.ended = match (self.out, self.stopped) {
            // It was quicker than our order.
            (Some(How::Exit(status)), Some(Ended::Deadline | Ended::Stopped) | None) => {
                Some(Ended::Exit(status))
            }
            (_, Some(why)) => Some(why),
            (Some(_), None) => Some(Ended::Stopped),
            (None, None) if self.answer.began.is_some() => Some(Ended::Lost),
            (None, None) => None,
        };
        self.answer
    }
}

/// Gives a frame to the question that it belongs to; `at` is the one that its stream is inside of.
fn take(
    running: &mut [Running],
    at: &mut Option<usize>,
    first: u32,
    frame: Frame<'_>,
    stream: Stream,
    listener: &mut Option<Listener<'_>>,
) {
    let index = |id: u32| id.checked_sub(first).map(|index| index as usize);
    match frame {
        Frame::Begin(id) => {
            *at = index(id).filter(|index| *index < running.len());
            if let (Some(at), Stream::Stdout) = (*at, stream) {
                running[at].answer.began = Some(Timestamp::now());
            }
        }
        Frame::Data(data) => {
            let Some(running) = at.and_then(|at| running.get_mut(at)) else { return };
            let (kept, limit) = match stream {
                Stream::Stdout => (&mut running.answer.stdout, running.limit),
                Stream::Stderr => (&mut running.answer.stderr, STDERR_LIMIT),
            };
            let room = limit.saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            running.answer.overflow += (data.len() - room) as u64;
            if let Some(listener) = listener {
                listener(stream, &data[..room]);
            }
        }
        Frame::End(id, how) => {
            let Some(running) = index(id).and_then(|index| running.get_mut(index)) else { return };
            match stream {
                Stream::Stdout => running.out = Some(how),
                Stream::Stderr => running.err = Some(how),
            }
        }
        Frame::Hello { .. } => {}
    }
}

/// The fence of standard error: the one of standard output, unless both come as one stream.
fn errors_of(token: &str, errors: &str) -> String {
    if errors.is_empty() { token.to_owned() } else { errors.to_owned() }
}

/// What was said before the shell was ready, without our own words in it.
fn said(preface: &[u8], words: &Words) -> String {
    let mut said = String::from_utf8_lossy(preface).into_owned();
    for word in [&words.prompt, &words.ready, &words.begun] {
        said = said.replace(word.as_str(), "");
    }
    said.trim().to_owned()
}

/// A fence that no log line can hold by chance and no node can guess before it has seen it.
fn token() -> String {
    format!("rm{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}
