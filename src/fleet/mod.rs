//! All hosts of a round: bounded fan-out, deadlines, cancellation, events.

mod audit;
mod phases;
mod visit;

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::plan::{Plan, Target};
use crate::prompt;
use crate::round::{Outcome, Stopped, Visit};
use crate::shell::Stream;
use crate::ssh::{self, Dialer, Trace};

pub use phases::Phases;

/// What happens during a round, in order for each host.
#[derive(Debug)]
pub enum Event {
    /// A host's turn has come.
    Began { host: usize },
    /// Logged in; the first probe begins.
    Reached { host: usize },
    /// Output of a command, as it comes.
    Output { host: usize, stream: Stream, bytes: Vec<u8> },
    /// What a connection attempt does.
    Trace(Trace),
    /// Where the time of the visit went that is about to be done.
    Timed { host: usize, phases: Phases },
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
    let (further, mut of_machines) = mpsc::unbounded_channel();
    let limits =
        ssh::Limits { login: plan.limits.connect, retries: plan.pace.retries, ..ssh::Limits::default() };
    let dialer = Arc::new(Dialer::asking(limits, Arc::new(prompt::Terminal)));
    let traces = events.clone();
    // The consumer is gone only when the round is being thrown away.
    let listener: ssh::Listener = Arc::new(move |trace| drop(traces.send(Event::Trace(trace))));
    tokio::select! {
        () = dialer.unlock(plan.targets.iter().map(|target| &*target.route)) => {}
        _ = stop.wait_for(Option::is_some) => {}
    }
    // One switch for the hosts, whoever throws it: a signal or the round's deadline.
    let mut stopped = *stop.borrow();
    let (halt, halted) = watch::channel(stopped);
    let visitor = |(index, target): (usize, &Target)| visit::Visitor {
        index,
        target: target.clone(),
        dialer: dialer.clone(),
        limits: plan.limits,
        window: (plan.since, plan.until),
        stop: halted.clone(),
        events: events.clone(),
        listener: listener.clone(),
        live,
        further: further.clone(),
    };
    let deadline = Instant::now() + plan.limits.round;
    let mut done: Vec<Option<Arc<Visit>>> = vec![None; plan.targets.len()];
    let mut waiting = plan.targets.iter().enumerate();
    // Why the hosts that still wait are not visited.
    let mut enough = None;
    for (batch, size) in plan.pace.batches.iter().enumerate() {
        let hosts: Vec<(usize, &Target)> = waiting.by_ref().take(*size).collect();
        let first = hosts.first().map_or(0, |(index, _)| *index);
        // One task per host, begun in the plan's order as turns come free.
        let mut visits = stream::iter(hosts)
            .map(|host| {
                let (index, visitor, enough) = (host.0, visitor(host), enough.clone());
                let task = tokio::spawn(async move {
                    match enough {
                        Some(why) => visitor.leave_out(why),
                        None => visitor.visit().await,
                    }
                });
                async move { (index, task.await.ok()) }
            })
            .buffer_unordered(plan.limits.forks.max(1));
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
        let failed =
            done.iter().skip(first).take(*size).filter(|visit| !is_reached(visit.as_deref())).count();
        if enough.is_none() && stopped.is_none() && plan.pace.is_enough(failed, *size) {
            let most = plan.pace.max_fail_percentage.unwrap_or_default();
            enough = Some(format!(
                "not contacted: {failed} of {size} hosts of batch {} failed, more than max_fail_percentage ({most} %)",
                batch + 1
            ));
        }
    }
    // Every visit is over, so what it had to say is here.
    while let Ok(event) = inbox.try_recv() {
        on(event);
    }
    if let Some(dialer) = Arc::into_inner(dialer) {
        dialer.close().await;
    }
    let mut others: Vec<(usize, Visit)> = Vec::new();
    while let Ok(other) = of_machines.try_recv() {
        others.push(other);
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
    (with_further(visits, others), stopped)
}

/// Puts the further brokers of a machine behind its first.
fn with_further(visits: Vec<Visit>, mut others: Vec<(usize, Visit)>) -> Vec<Visit> {
    if others.is_empty() {
        return visits;
    }
    // Stable: the brokers of one machine stay in the order in which they were found.
    others.sort_by_key(|(index, _)| *index);
    let mut others = others.into_iter().peekable();
    let mut all = Vec::with_capacity(visits.len() + others.len());
    for (index, first) in visits.into_iter().enumerate() {
        let (attempts, seconds) = (first.attempts, first.seconds);
        all.push(first);
        while let Some((_, other)) = others.next_if(|(of, _)| *of == index) {
            all.push(Visit { attempts, seconds, ..other });
        }
    }
    all
}

fn is_reached(visit: Option<&Visit>) -> bool {
    visit.is_some_and(|visit| visit.outcome.reached())
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
