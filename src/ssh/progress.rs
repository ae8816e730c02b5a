//! How far a connection attempt has come, readable from outside while it runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::trace::{Detail, Listener, Trace};

use super::clock::LoginClock;

/// The steps from a name to a login, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Waiting for its turn behind a jump host that has enough handshakes in flight.
    Queue,
    /// Looking up the name.
    Resolve,
    /// Reaching, or logging in to, the jump host.
    Jump,
    /// Opening the TCP connection, directly or from the jump host.
    Connect,
    /// Version exchange and key exchange.
    Handshake,
    /// Judging the host key.
    HostKey,
    /// Authenticating.
    Login,
    /// Logged in.
    Done,
}

impl Stage {
    const ALL: [Stage; 8] = [
        Stage::Queue,
        Stage::Resolve,
        Stage::Jump,
        Stage::Connect,
        Stage::Handshake,
        Stage::HostKey,
        Stage::Login,
        Stage::Done,
    ];

    /// The stage as a word for reports.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Queue => "queue",
            Stage::Resolve => "resolve",
            Stage::Jump => "jump",
            Stage::Connect => "connect",
            Stage::Handshake => "handshake",
            Stage::HostKey => "host_key",
            Stage::Login => "login",
            Stage::Done => "done",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A handle on one connection attempt: whoever gives up on it can say where it hung.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<State>);

#[derive(Default)]
struct State {
    stage: AtomicU8,
    attempts: AtomicU32,
    agent: AtomicBool,
    login_clock: LoginClock,
    jump: Mutex<Option<(String, Progress)>>,
    clock: Mutex<Clock>,
    /// Whom the attempt is about, and who wants to hear of it.
    listener: Option<(String, Listener)>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("stage", &self.stage).field("attempts", &self.attempts).finish()
    }
}

/// The time spent in each stage, over all attempts.
#[derive(Debug, Default)]
struct Clock {
    since: Option<Instant>,
    spent: [Duration; Stage::ALL.len()],
}

impl Progress {
    /// A handle on an attempt that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of `host`, with someone who hears of every step.
    pub fn told(host: impl Into<String>, listener: Listener) -> Self {
        Progress(Arc::new(State { listener: Some((host.into(), listener)), ..State::default() }))
    }

    /// A handle on the login on the jump host `jump`, told to the same listener.
    pub(super) fn of_jump(&self, jump: &str) -> Progress {
        match &self.0.listener {
            Some((_, listener)) => Progress::told(format!("jump host {jump}"), listener.clone()),
            None => Progress::new(),
        }
    }

    /// Tells whoever listens; `text` is made only if somebody does. It may hold remote text.
    pub fn tell(&self, detail: Detail, text: impl FnOnce() -> String) {
        if let Some((host, listener)) = &self.0.listener {
            listener(Trace { detail, host: host.clone(), text: text() });
        }
    }

    /// The time spent in `stage` so far, over all attempts.
    pub fn spent(&self, stage: Stage) -> Duration {
        let clock = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match clock.since {
            Some(since) if self.stage() == stage && stage != Stage::Done => since.elapsed(),
            _ => Duration::ZERO,
        };
        clock.spent.get(stage as usize).copied().unwrap_or_default() + running
    }

    /// The stage it is at now.
    pub fn stage(&self) -> Stage {
        Stage::ALL.get(usize::from(self.0.stage.load(Ordering::Relaxed))).copied().unwrap_or(Stage::Queue)
    }

    /// How many connections were tried so far.
    pub fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// What it is doing now, fit to follow "while": `logging in`, `waiting for the ssh-agent`.
    pub fn doing(&self) -> String {
        match self.stage() {
            Stage::Queue => "waiting for its turn behind the jump host".to_owned(),
            Stage::Resolve => "looking up the name".to_owned(),
            Stage::Jump => match self.jump() {
                Some((host, progress)) => format!("{} on the jump host {host}", progress.doing()),
                None => "waiting for the jump host".to_owned(),
            },
            Stage::Connect => match self.jump() {
                Some((host, _)) => format!("the jump host {host} was connecting to it"),
                None => "opening the TCP connection".to_owned(),
            },
            Stage::Handshake => "waiting for the SSH handshake".to_owned(),
            Stage::HostKey => "judging the host key".to_owned(),
            Stage::Login if self.login_clock().stands() => "waiting for an answer at the terminal".to_owned(),
            Stage::Login if self.waits_for_agent() => "waiting for the ssh-agent".to_owned(),
            Stage::Login => "logging in".to_owned(),
            Stage::Done => "already logged in".to_owned(),
        }
    }

    pub(super) fn reach(&self, stage: Stage) {
        let mut clock = self.0.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let before = usize::from(self.0.stage.swap(stage as u8, Ordering::Relaxed));
        if let (Some(since), Some(spent)) = (clock.since, clock.spent.get_mut(before)) {
            *spent += now.duration_since(since);
        }
        clock.since = Some(now);
    }

    pub(super) fn begin_attempt(&self) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wait_for_agent(&self, waiting: bool) {
        self.0.agent.store(waiting, Ordering::Relaxed);
    }

    pub(super) fn waits_for_agent(&self) -> bool {
        self.0.agent.load(Ordering::Relaxed)
    }

    /// The login's clock.
    pub(super) fn login_clock(&self) -> &LoginClock {
        &self.0.login_clock
    }

    pub(super) fn follow_jump(&self, host: &str, progress: Progress) {
        *self.0.jump.lock().unwrap_or_else(PoisonError::into_inner) = Some((host.to_owned(), progress));
    }

    fn jump(&self) -> Option<(String, Progress)> {
        self.0.jump.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_survives_the_atomic() {
        let progress = Progress::new();
        for stage in Stage::ALL {
            progress.reach(stage);
            assert_eq!(progress.stage(), stage);
        }
    }

    #[test]
    fn time_is_booked_on_the_stage_it_was_spent_in() {
        let progress = Progress::new();
        progress.reach(Stage::Connect);
        std::thread::sleep(Duration::from_millis(20));
        progress.reach(Stage::Handshake);
        progress.reach(Stage::Done);
        assert!(progress.spent(Stage::Connect) >= Duration::from_millis(20));
        assert!(progress.spent(Stage::Handshake) < Duration::from_millis(20));
        assert_eq!(progress.spent(Stage::Login), Duration::ZERO);
        assert_eq!(progress.spent(Stage::Done), Duration::ZERO, "what comes after is not ours");
    }

    #[test]
    fn a_hung_jump_login_is_told_by_name() {
        let (node, jump) = (Progress::new(), Progress::new());
        node.reach(Stage::Jump);
        jump.reach(Stage::Login);
        node.follow_jump("bastion", jump);
        assert_eq!(node.doing(), "logging in on the jump host bastion");
    }
}
