//! All hosts of a round: bounded fan-out, deadlines, cancellation, events.

mod visit;

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::plan::{Plan, Target};
use crate::prompt;
use crate::round::{Outcome, Stopped, Visit};
use crate::shell::Stream;
use crate::ssh::{self, Dialer};

/// What happens during a round, in order for each host.
#[derive(Debug)]
pub enum Event {
    /// A host's turn has come.
    Began { host: usize },
    /// Logged in; the first probe begins.
    Reached { host: usize },
    /// Output of a command, as it comes.
    Output { host: usize, stream: Stream, bytes: Vec<u8> },
    /// The host is done. The visit is the same that the round will hold.
    Done { host: usize, visit: Arc<Visit> },
}

/// Visits every target of the plan. `on` sees each event; `stop` ends the round early, and what was
/// gathered until then is still there. The visits come in the plan's order.
pub async fn make_rounds(
    plan: &Plan,
    mut stop: watch::Receiver<Option<Stopped>>,
    live: bool,
    mut on: impl FnMut(Event),
) -> (Vec<Visit>, Option<Stopped>) {
    let (events, mut inbox) = mpsc::unbounded_channel();
    let limits = ssh::Limits { login: plan.limits.connect, ..ssh::Limits::default() };
    let dialer = Arc::new(Dialer::asking(limits, Arc::new(prompt::Terminal)));
    tokio::select! {
        () = dialer.unlock(plan.targets.iter().map(|target| &*target.route)) => {}
        _ = stop.wait_for(Option::is_some) => {}
    }
    // One switch for the hosts, whoever throws it: a signal or the round's deadline.
    let mut stopped = *stop.borrow();
    let (halt, halted) = watch::channel(stopped);
    let visitors = plan.targets.iter().enumerate().map(|(index, target)| visit::Visitor {
        index,
        target: target.clone(),
        dialer: dialer.clone(),
        limits: plan.limits,
        window: (plan.since, plan.until),
        stop: halted.clone(),
        events: events.clone(),
        live,
    });
    // One task per host, begun in the plan's order as turns come free.
    let mut visits = stream::iter(visitors)
        .map(|visitor| {
            let index = visitor.index;
            let task = tokio::spawn(visitor.visit());
            async move { (index, task.await.ok()) }
        })
        .buffer_unordered(plan.limits.forks.max(1));
    let deadline = Instant::now() + plan.limits.round;
    let mut done: Vec<Option<Arc<Visit>>> = vec![None; plan.targets.len()];
    loop {
        tokio::select! {
            Some(event) = inbox.recv() => on(event),
            visit = visits.next() => match visit {
                Some((index, visit)) => done[index] = visit,
                None => break,
            },
            Ok(why) = stop.wait_for(Option::is_some), if stopped.is_none() => {
                stopped = *why;
                // Nobody listening means that every visit is over.
                let _ = halt.send(stopped);
            }
            () = tokio::time::sleep_until(deadline), if stopped.is_none() => {
                stopped = Some(Stopped::Deadline);
                let _ = halt.send(stopped);
            }
        }
    }
    drop(visits);
    // Every visit is over, so what it had to say is here.
    while let Ok(event) = inbox.try_recv() {
        on(event);
    }
    if let Some(dialer) = Arc::into_inner(dialer) {
        dialer.close().await;
    }
    let visits = plan
        .targets
        .iter()
        .zip(done)
        .map(|(target, visit)| match visit.map(Arc::try_unwrap) {
            Some(Ok(visit)) => visit,
            Some(Err(shared)) => (*shared).clone(),
            None => blank(target, Outcome::Interrupted, "the visit ended without a word; please report this"),
        })
        .collect();
    (visits, stopped)
}

/// The visit of a host that nothing is known of.
pub fn blank(target: &Target, outcome: Outcome, reason: &str) -> Visit {
    Visit {
        address: target.address(),
        user: target.become_user.clone().unwrap_or_else(|| target.route.user.clone()),
        jump: target.jumps(),
        cluster: target.cluster.clone(),
        broker_id: target.broker_id,
        plays: target.plays.clone(),
        reason: Some(reason.to_owned()),
        ..Visit::blank(&target.host, outcome)
    }
}
