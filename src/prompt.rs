//! Asking the person at the terminal: one question at a time, secrets without an echo.
//!
//! Everything goes through `/dev/tty`, so standard input and output may be pipes. Whatever ends a
//! question (an answer, Ctrl-C, SIGTERM, the round being over) leaves the terminal as it was.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use futures::future::BoxFuture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::sanitize;
use crate::ssh::{Ask, NoAnswer, Question, Secret};

/// How often a question looks whether anybody still wants its answer.
const LOOK_UP: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Longer answers are no answers.
const LONGEST: usize = 64 << 10;

/// There is one terminal, so there is one question at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The same for questions in a round, whose queue must not hold up threads.
static QUEUE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The terminal as it was before the question that is being asked.
static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Whether somebody else acts on signals.
static HANDED_OVER: AtomicBool = AtomicBool::new(false);

/// Clears the screen for a question (`true`) and takes it back (`false`).
type Aside = Arc<dyn Fn(bool) + Send + Sync>;

static ASIDE: Mutex<Option<Aside>> = Mutex::new(None);

/// Whether questions are out of place.
static NOBODY: AtomicBool = AtomicBool::new(false);

/// From here on no question is asked: each is refused at once, terminal or not.
pub fn ask_nobody() {
    NOBODY.store(true, Ordering::Relaxed);
}

/// Whether [`ask_nobody`] was said.
pub fn is_nobody_asked() -> bool {
    NOBODY.load(Ordering::Relaxed)
}

/// Asks for a secret, before a round begins. Ctrl-C and SIGTERM end the program.
///
/// # Errors
/// No terminal, or no answer (Ctrl-D).
pub fn secret(question: &str) -> Result<Secret, NoAnswer> {
    watch_signals();
    read(question, true, &AtomicBool::new(false)).map(Secret::new)
}

/// Asks for a line that may be seen, before a round begins. Ctrl-C and SIGTERM end the program.
///
/// # Errors
/// No terminal, or no answer (Ctrl-D).
pub fn line(question: &str) -> Result<String, NoAnswer> {
    watch_signals();
    read(question, false, &AtomicBool::new(false))
}

/// The terminal for the questions of logins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

impl Ask for Terminal {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Secret, NoAnswer>> {
        Box::pin(async move {
            let _turn = QUEUE.lock().await;
            // Dropped with this future when nobody wants the answer any more.
            let unwanted = Unwanted(Arc::new(AtomicBool::new(false)));
            let flag = unwanted.0.clone();
            let text = match question.text.trim().is_empty() {
                true => format!("({}) ?", question.from),
                false => format!("({}) {}", question.from, question.text.trim()),
            };
            let asked = tokio::task::spawn_blocking(move || read(&text, question.hidden, &flag)).await;
            match asked {
                Ok(answer) => answer.map(Secret::new),
                Err(error) => Err(NoAnswer::Failed(error.to_string())),
            }
        })
    }
}

struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// From here on somebody else acts on SIGINT and SIGTERM: a question only gives the terminal back.
pub fn hand_over_signals() {
    HANDED_OVER.store(true, Ordering::Relaxed);
}

/// Gives the terminal back as it was, for whoever leaves the program without unwinding.
pub fn restore() {
    if let Some((tty, before)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // If the terminal is gone there is nothing to give back.
        let _ = tcsetattr(&tty, OptionalActions::Now, &before);
    }
}

/// Calls `aside` with `true` before each question and with `false` after it.
pub fn set_aside(aside: impl Fn(bool) + Send + Sync + 'static) {
    *ASIDE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(aside));
}

/// Forgets what [`set_aside`] was given.
pub fn forget_aside() {
    *ASIDE.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// A signal's own action would leave the terminal without an echo.
fn watch_signals() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // Registered before the question is asked; without a thread or a handler the default stays.
        let (ready, is_ready) = std::sync::mpsc::channel();
        let watcher = move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let (Ok(mut interrupts), Ok(mut terminations)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                let _ = ready.send(());
                loop {
                    let status = tokio::select! {
                        _ = interrupts.recv() => 130,
                        _ = terminations.recv() => 143,
                    };
                    if HANDED_OVER.load(Ordering::Relaxed) {
                        continue;
                    }
                    restore();
                    // The cursor stands behind the question.
                    if let Ok(mut tty) = OpenOptions::new().write(true).open("/dev/tty") {
                        let _ = tty.write_all(b"\n");
                    }
                    std::process::exit(status);
                }
            });
        };
        if std::thread::Builder::new().name("signals".to_owned()).spawn(watcher).is_ok() {
            let _ = is_ready.recv();
        }
    });
}

/// Tells those who draw on the screen that a question stands there.
struct Cleared(Option<Aside>);

impl Cleared {
    fn new() -> Self {
        let aside = ASIDE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(aside) = &aside {
            aside(true);
        }
        Cleared(aside)
    }
}

impl Drop for Cleared {
    fn drop(&mut self) {
        if let Some(aside) = &self.0 {
            aside(false);
        }
    }
}

/// The terminal in the state for a question; dropping it restores it.
struct Asking;

impl Drop for Asking {
    fn drop(&mut self) {
        restore();
    }
}

fn read(question: &str, hidden: bool, unwanted: &AtomicBool) -> Result<String, NoAnswer> {
    if is_nobody_asked() {
        return Err(NoAnswer::Batch);
    }
    let failed = |error: &dyn std::fmt::Display| NoAnswer::Failed(error.to_string());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut tty =
        OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|_| NoAnswer::NoTerminal)?;
    let before = tcgetattr(&tty).map_err(|_| NoAnswer::NoTerminal)?;
    let _cleared = Cleared::new();
    let mut during = before.clone();
    if hidden {
        during.local_modes.remove(LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ECHOK);
        during.local_modes.remove(LocalModes::ECHONL);
    }
    // Suspended or killed from the keyboard we could not give the terminal back.
    during.special_codes[SpecialCodeIndex::VSUSP] = 0;
    during.special_codes[SpecialCodeIndex::VQUIT] = 0;
    let kept = tty.try_clone().map_err(|error| failed(&error))?;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept, before));
    let asking = Asking;
    // What was typed before the question was there is no answer to it.
    tcsetattr(&tty, OptionalActions::Flush, &during).map_err(|error| failed(&error))?;
    let end = if question.ends_with(['\n', ' ']) { "" } else { " " };
    tty.write_all(format!("{}{end}", sanitize::line(question)).as_bytes()).map_err(|error| failed(&error))?;
    let answer = line_of(&mut tty, unwanted);
    drop(asking);
    if hidden || answer.is_err() {
        // The newline that was typed was not shown.
        let _ = tty.write_all(b"\n");
    }
    answer
}

fn line_of(tty: &mut File, unwanted: &AtomicBool) -> Result<String, NoAnswer> {
    let mut line = Vec::new();
    loop {
        if unwanted.load(Ordering::Relaxed) {
            return Err(NoAnswer::Interrupted);
        }
        let ready = match poll(&mut [PollFd::new(tty, PollFlags::IN)], Some(&LOOK_UP)) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(NoAnswer::Failed(error.to_string())),
        };
        if ready == 0 {
            continue;
        }
        let mut bytes = [0; 512];
        let read = match tty.read(&mut bytes) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(NoAnswer::Failed(error.to_string())),
        };
        if read == 0 {
            return Err(NoAnswer::Declined);
        }
        line.extend_from_slice(bytes.get(..read).unwrap_or_default());
        if line.len() > LONGEST {
            return Err(NoAnswer::Failed("the answer is too long".to_owned()));
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return String::from_utf8(line)
                .map_err(|_| NoAnswer::Failed("the answer is no UTF-8".to_owned()));
        }
    }
}
