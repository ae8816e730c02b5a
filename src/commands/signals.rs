//! Ctrl-C and SIGTERM: the first asks the round to stop and report, the second leaves at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::prompt;
use crate::round::Stopped;

/// A switch that the first signal throws. The second signal ends the process: the nodes see the
/// connections close and end what runs there.
pub fn watch_signals() -> watch::Receiver<Option<Stopped>> {
    watch_signals_and(|| {})
}

/// The same, with something to do before the process leaves at once.
pub fn watch_signals_and(clean_up: impl FnOnce() + Send + 'static) -> watch::Receiver<Option<Stopped>> {
    let (switch, thrown) = watch::channel(None);
    // Before anything is begun: a task may come to its turn only after there is something to clean up.
    let handlers = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    tokio::spawn(async move {
        let (Ok(mut interrupts), Ok(mut terminations)) = handlers else { return };
        prompt::hand_over_signals();
        let mut next = async || {
            tokio::select! {
                _ = interrupts.recv() => Stopped::Interrupted,
                _ = terminations.recv() => Stopped::Terminated,
            }
        };
        let first = next().await;
        // Nobody listening means that the round is over.
        let _ = switch.send(Some(first));
        let second = next().await;
        clean_up();
        prompt::restore();
        // Nothing is dropped on this way out.
        crate::ssh::end_proxy_commands();
        match second {
            Stopped::Terminated => std::process::exit(143),
            _ => std::process::exit(130),
        }
    });
    thrown
}
