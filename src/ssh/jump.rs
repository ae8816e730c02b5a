//! Jump hosts: one login each, shared by all who go through.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::{Channel, ChannelOpenFailure, ChannelStream, client};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::AbortHandle;

use super::dialer::{Role, Shared};
use super::{ConnectError, Connection, Progress, Reason, Route, Stage};

/// How long a jump host's answer is waited for after the caller has given up.
const LATE_ANSWER: Duration = Duration::from_secs(5);

/// A login on a jump host.
pub(super) struct Jump {
    name: String,
    connection: Connection,
    /// Bounds the handshakes in flight behind this host.
    pub(super) gate: Semaphore,
}

/// The jump hosts of a run, by route.
#[derive(Default)]
pub(super) struct Jumps(Mutex<HashMap<Arc<Route>, Arc<Slot>>>);

type Outcome = Option<Result<Arc<Jump>, ConnectError>>;

/// A login that is being made, or was.
struct Slot {
    progress: Progress,
    outcome: watch::Receiver<Outcome>,
    task: AbortHandle,
}

impl Jumps {
    /// The login for `route`, made by the first who asks. It has a task and a deadline of its own: whoever
    /// gives up waiting for it takes nothing away from the others, and its failure is everyone's.
    ///
    /// # Errors
    /// The login failed, now or for someone before.
    pub(super) async fn reach(
        &self,
        shared: &Arc<Shared>,
        route: &Arc<Route>,
        progress: &Progress,
    ) -> Result<Arc<Jump>, ConnectError> {
        let slot = self.slot(shared, route);
        progress.follow_jump(&route.host, slot.progress.clone());
        progress.reach(Stage::Jump);
        let mut outcome = slot.outcome.clone();
        let result = match outcome.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        let gone = || ConnectError::new(Stage::Jump, Reason::ClosedEarly, "the login was given up");
        result.unwrap_or_else(|| Err(gone())).map_err(|error| error.behind(&route.host))
    }

    fn slot(&self, shared: &Arc<Shared>, route: &Arc<Route>) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(route)
            && !slot.is_over()
        {
            return slot.clone();
        }
        let progress = Progress::new();
        let (tell, outcome) = watch::channel(None);
        let login = {
            let (shared, route, progress) = (shared.clone(), route.clone(), progress.clone());
            async move {
                let result = shared.connect(&route, &progress, Role::Jump).await.map(|connection| {
                    Arc::new(Jump {
                        name: route.host.clone(),
                        connection,
                        gate: Semaphore::new(shared.limits.handshakes_per_jump.max(1)),
                    })
                });
                // Nobody may be left to hear it.
                let _ = tell.send(Some(result));
            }
        };
        let task = tokio::spawn(login).abort_handle();
        let slot = Arc::new(Slot { progress, outcome, task });
        slots.insert(route.clone(), slot.clone());
        slot
    }

    /// Ends the logins that are still being made and forgets the others.
    pub(super) fn give_up(&self) {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, slot) in slots.drain() {
            slot.task.abort();
        }
    }

    /// Takes out the logins that stand.
    pub(super) fn take(&self) -> Vec<Arc<Jump>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = slots.drain();
        slots.filter_map(|(_, slot)| slot.outcome.borrow().clone()?.ok()).collect()
    }
}

impl Slot {
    /// Whether the login stood and is lost since: then it is worth making again.
    fn is_over(&self) -> bool {
        matches!(&*self.outcome.borrow(), Some(Ok(jump)) if jump.connection.is_closed())
    }
}

impl Jump {
    /// A connection from the jump host to `route`'s host, whose name is resolved there.
    ///
    /// # Errors
    /// The jump host cannot or will not connect, or is gone itself.
    pub(super) async fn open(
        self: &Arc<Self>,
        route: &Route,
    ) -> Result<ChannelStream<client::Msg>, ConnectError> {
        let ends = &self.connection.ends;
        let before = ends.refused();
        match self.forwarding(route.host.clone(), route.port).await {
            Ok(stream) => Ok(stream),
            Err(russh::Error::ChannelOpenFailure(why)) => {
                // The session's task reports the description right after the failure.
                for _ in 0..20 {
                    if ends.refused() > before {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(self.failure(route, &why, ends.refusal_since(before)))
            }
            Err(_) => {
                let loss = ends.loss();
                let error = ConnectError::new(Stage::Connect, Reason::ClosedEarly, loss.message);
                Err(error.remote(loss.remote).behind(&self.name))
            }
        }
    }

    /// Opens the channel in a task of its own: an answer that comes when the caller has given up must
    /// still be taken, or the jump host would keep a connection to the node that nobody uses.
    async fn forwarding(
        self: &Arc<Self>,
        host: String,
        port: u16,
    ) -> Result<ChannelStream<client::Msg>, russh::Error> {
        let (mut tell, told) = oneshot::channel();
        let jump = self.clone();
        tokio::spawn(async move {
            let open =
                jump.connection.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
            tokio::pin!(open);
            let opened = tokio::select! {
                opened = &mut open => opened,
                () = tell.closed() => match tokio::time::timeout(LATE_ANSWER, open).await {
                    Ok(opened) => opened,
                    Err(_) => return,
                },
            };
            // A stream that is not wanted any more closes its channel as it is dropped.
            let _ = tell.send(opened.map(Channel::into_stream));
        });
        told.await.unwrap_or(Err(russh::Error::Disconnect))
    }

    fn failure(&self, route: &Route, why: &ChannelOpenFailure, said: Option<String>) -> ConnectError {
        let jump = self.name.clone();
        let (host, port) = (&route.host, route.port);
        let says = |text: &str| said.as_deref().is_some_and(|said| said.contains(text));
        let (reason, message) = match why {
            ChannelOpenFailure::ConnectFailed if says("refused") => (
                Reason::Refused,
                format!("{host} refuses connections on port {port} (asked from jump host {jump})"),
            ),
            ChannelOpenFailure::ConnectFailed if says("not known") || says("name resolution") => {
                (Reason::NameUnknown, format!("jump host {jump} cannot resolve {host}"))
            }
            ChannelOpenFailure::AdministrativelyProhibited => (
                Reason::JumpForbids { jump: jump.clone() },
                format!("jump host {jump} forbids connections to {host} port {port}"),
            ),
            _ => (
                Reason::JumpCannotReach { jump: jump.clone() },
                format!("jump host {jump} cannot reach {host} port {port}"),
            ),
        };
        let error = ConnectError::new(Stage::Connect, reason.clone(), message).remote(said);
        match reason {
            Reason::JumpForbids { .. } => {
                error.hint("AllowTcpForwarding, PermitOpen or `restrict` on the jump host")
            }
            _ => error,
        }
    }

    /// Says good-bye if nobody else goes through.
    pub(super) async fn close(self: Arc<Self>) {
        if let Some(jump) = Arc::into_inner(self) {
            jump.connection.close().await;
        }
    }
}
