//! Jump hosts: one login each, shared by all who go through.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::{Channel, ChannelOpenFailure, ChannelStream, client};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::AbortHandle;

use super::dialer::{Role, Shared};
use super::session::Ends;
use super::{ConnectError, Connection, Progress, Reason, Route, Stage};

/// How long a jump host's answer is waited for after the caller has given up.
const LATE_ANSWER: Duration = Duration::from_secs(5);

/// How long a jump host that stands may take to answer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// How long the end of a jump host's session may be noticed after that of a connection through it.
const NEWS_OF_THE_END: Duration = Duration::from_millis(100);
/// Logins that one jump host may cost a run: if it is lost twice the way is not to be relied on, and
/// whoever is still to go through is told so at once.
const LOGINS: u32 = 2;

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
    /// 1 for the first on this host.
    login: u32,
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
        let slot = self.slot(shared, route, progress)?;
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

    fn slot(
        &self,
        shared: &Arc<Shared>,
        route: &Arc<Route>,
        asking: &Progress,
    ) -> Result<Arc<Slot>, ConnectError> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut login, mut lost) = (1, None);
        if let Some(slot) = slots.get(route) {
            let Some(over) = slot.lost() else { return Ok(slot.clone()) };
            if slot.login >= LOGINS {
                return Err(over.lost_again());
            }
            login = slot.login + 1;
            lost = Some(over.connection.ends.loss());
        }
        let progress = asking.of_jump(&route.host);
        let (tell, outcome) = watch::channel(None);
        let work = {
            let (shared, route, progress) = (shared.clone(), route.clone(), progress.clone());
            async move {
                let result = shared.connect(&route, &progress, Role::Jump).await.map(|connection| {
                    Arc::new(Jump {
                        name: route.host.clone(),
                        connection,
                        gate: Semaphore::new(shared.limits.handshakes_per_jump.max(1)),
                    })
                });
                let result = result.map_err(|error| match &lost {
                    Some(loss) => error.after_loss(loss),
                    None => error,
                });
                // Nobody may be left to hear it.
                let _ = tell.send(Some(result));
            }
        };
        let task = tokio::spawn(work).abort_handle();
        let slot = Arc::new(Slot { login, progress, outcome, task });
        slots.insert(route.clone(), slot.clone());
        Ok(slot)
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
    /// The login that stood and is lost since: then it is worth making again.
    fn lost(&self) -> Option<Arc<Jump>> {
        match &*self.outcome.borrow() {
            Some(Ok(jump)) if jump.is_gone() => Some(jump.clone()),
            _ => None,
        }
    }
}

impl Jump {
    /// Whether its session has ended.
    pub(super) fn is_gone(&self) -> bool {
        self.connection.is_closed()
    }

    /// The same, for one who has just lost a connection that went through it: both ends come together,
    /// in either order.
    pub(super) async fn is_gone_soon(&self) -> bool {
        let until = tokio::time::Instant::now() + NEWS_OF_THE_END;
        while !self.is_gone() {
            if tokio::time::Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Whether it is still there; if it does not say so soon its session is ended, so that nobody else
    /// waits for it.
    pub(super) async fn answers(&self) -> bool {
        if self.is_gone() {
            return false;
        }
        let pong = tokio::time::timeout(SIGN_OF_LIFE, self.connection.handle.send_ping()).await;
        if matches!(pong, Ok(Ok(()))) && !self.is_gone() {
            return true;
        }
        self.connection.ends.set_loss("it stopped answering");
        self.connection.cut.now();
        false
    }

    /// Its name and how it ends, for the connections behind it.
    pub(super) fn ends(&self) -> (String, Arc<Ends>) {
        (self.name.clone(), self.connection.ends.clone())
    }

    /// What a host behind it is told when it is gone.
    pub(super) fn gone(&self) -> ConnectError {
        let loss = self.connection.ends.loss();
        let message = format!("its connection was lost: {}", loss.message);
        ConnectError::new(Stage::Connect, Reason::ClosedEarly, message).remote(loss.remote).behind(&self.name)
    }

    fn lost_again(&self) -> ConnectError {
        let loss = self.connection.ends.loss();
        let message = format!("its connection was lost {LOGINS} times, at last since {}", loss.message);
        ConnectError::new(Stage::Connect, Reason::ClosedEarly, message)
            .remote(loss.remote)
            .hint("nobody else was sent that way")
            .behind(&self.name)
    }

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
            Err(_) => Err(self.gone()),
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
