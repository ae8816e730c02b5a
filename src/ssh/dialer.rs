//! From a route to a connection: the order of events, the clock, and the one retry.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use russh::client;
use tokio::net::TcpStream;

use super::config::Configs;
use super::jump::{Jump, Jumps};
use super::login::{Credentials, End, Memory};
use super::session::{Connection, Ends, Failure, Watcher};
use super::trust::Trust;
use super::wire::{Cut, Prompt, Wire};
use super::{Ask, ConnectError, Limits, Nobody, Progress, Reason, Route, Stage};

/// Waiting time before the one retry, milliseconds: long enough for sshd's queue of unauthenticated
/// connections to move, random so that a fleet's retries don't arrive together.
const RETRY_AFTER: std::ops::Range<u64> = 150..650;

/// Makes the connections of a run, and keeps what they can share: decoded keys, the agent, parsed
/// known_hosts files, logins on jump hosts. Dropping it closes the jump hosts nobody is behind.
pub struct Dialer(Arc<Shared>);

/// What all connections of a run share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    credentials: Credentials,
    trust: Trust,
    configs: Configs,
    jumps: Jumps,
}

/// What a connection is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// A command.
    Node,
    /// Other connections.
    Jump,
}

impl Dialer {
    /// A dialer that has met nobody yet and asks nobody.
    pub fn new(limits: Limits) -> Self {
        Dialer::asking(limits, Arc::new(Nobody))
    }

    /// One that has somebody to ask for passphrases and answers.
    pub fn asking(limits: Limits, ask: Arc<dyn Ask>) -> Self {
        Dialer(Arc::new(Shared {
            limits,
            credentials: Credentials::asking(ask),
            trust: Trust::default(),
            configs: Configs::default(),
            jumps: Jumps::default(),
        }))
    }

    /// Asks for the passphrases of the encrypted keys that `routes` name, each once, before the first of
    /// them is needed. What nobody answers is left to the logins to report.
    pub async fn unlock<'a>(&self, routes: impl IntoIterator<Item = &'a Route>) {
        self.0.credentials.unlock(routes.into_iter()).await;
    }

    /// Connects and logs in. The deadline is kept in here, because neither the wait for a jump host nor
    /// the queue behind it counts. Dropping the future closes its socket; `progress` then says how far
    /// it had come.
    ///
    /// # Errors
    /// Every way in which a login can fail; see [`Reason`].
    pub async fn connect(&self, route: &Route, progress: &Progress) -> Result<Connection, ConnectError> {
        self.0.connect(route, progress, Role::Node).await
    }

    /// Says good-bye to the jump hosts that nobody uses any more; takes at most a second each.
    pub async fn close(self) {
        futures::future::join_all(self.0.jumps.take().into_iter().map(Jump::close)).await;
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.0.jumps.give_up();
    }
}

impl Shared {
    /// Boxed because a jump host is reached the same way.
    pub(super) fn connect<'a>(
        self: &'a Arc<Self>,
        route: &'a Route,
        progress: &'a Progress,
        role: Role,
    ) -> Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send + 'a>> {
        Box::pin(async move {
            let result = match &route.jump {
                None => self.within_time(route, None, progress, role).await,
                Some(through) => {
                    let jump = self.jumps.reach(self, through, progress).await?;
                    progress.reach(Stage::Queue);
                    // The semaphore is never closed; if it were, there would be no queue to wait in.
                    let _turn = jump.gate.acquire().await.ok();
                    self.within_time(route, Some(&jump), progress, role).await
                }
            };
            result.map_err(|error| error.attempts(progress.attempts().max(1)))
        })
    }

    async fn within_time(
        &self,
        route: &Route,
        jump: Option<&Arc<Jump>>,
        progress: &Progress,
        role: Role,
    ) -> Result<Connection, ConnectError> {
        let limit = route.timeout.unwrap_or(self.limits.login);
        let login = self.twice(route, jump, progress, role, limit);
        match progress.clock().within(limit, login).await {
            Some(result) => result,
            None => Err(out_of_time(progress, limit)),
        }
    }

    /// One retry for a connection lost before the login began, which is what MaxStartups looks like.
    async fn twice(
        &self,
        route: &Route,
        jump: Option<&Arc<Jump>>,
        progress: &Progress,
        role: Role,
        limit: Duration,
    ) -> Result<Connection, ConnectError> {
        match self.once(route, jump, progress, role, limit).await {
            Err(error) if error.reason == Reason::ClosedEarly => {
                let pause = rand::rng().random_range(RETRY_AFTER);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                self.once(route, jump, progress, role, limit).await
            }
            result => result,
        }
    }

    /// A login that may take several connections: a server that hangs up after too many keys is called
    /// again with the others.
    async fn once(
        &self,
        route: &Route,
        jump: Option<&Arc<Jump>>,
        progress: &Progress,
        role: Role,
        limit: Duration,
    ) -> Result<Connection, ConnectError> {
        let mut memory = Memory::default();
        loop {
            if let Some(connection) = self.on_one(route, jump, progress, role, limit, &mut memory).await? {
                return Ok(connection);
            }
        }
    }

    async fn on_one(
        &self,
        route: &Route,
        jump: Option<&Arc<Jump>>,
        progress: &Progress,
        role: Role,
        limit: Duration,
        memory: &mut Memory,
    ) -> Result<Option<Connection>, ConnectError> {
        progress.begin_attempt();
        let judge = self.trust.judge(route).await?;
        let config = self
            .configs
            .preferring(&judge.algorithms())
            .map_err(|error| ConnectError::new(Stage::Handshake, Reason::Protocol, error.to_string()))?;
        let (wire, cut) = match jump {
            None => {
                let stream = dial(route, progress, limit).await?;
                match role {
                    Role::Node => Wire::new(stream),
                    Role::Jump => Wire::new(Prompt(stream)),
                }
            }
            Some(jump) => {
                progress.reach(Stage::Connect);
                Wire::new(jump.open(route).await?)
            }
        };
        // From here on `cut` guards the socket: dropped with this future, or kept by the connection.
        progress.reach(Stage::Handshake);
        let ends = Arc::new(Ends::default());
        let watcher = Watcher { judge, progress: progress.clone(), ends: ends.clone() };
        let mut handle = client::connect_stream(config, wire, watcher)
            .await
            .map_err(|failure| handshake_error(failure, &cut, route))?;
        let who = (route, role);
        if self.credentials.log_in(&mut handle, &ends, who, progress, memory).await? == End::Again {
            return Ok(None);
        }
        progress.reach(Stage::Done);
        let attempts = progress.attempts();
        Ok(Some(Connection { handle, ends, cut, attempts, _jump: jump.cloned() }))
    }
}

/// Resolves the name and opens a TCP connection to the first address that answers.
async fn dial(route: &Route, progress: &Progress, limit: Duration) -> Result<TcpStream, ConnectError> {
    progress.reach(Stage::Resolve);
    let looked_up = tokio::net::lookup_host((route.host.as_str(), route.port)).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(unresolved(route, &error.to_string())),
    };
    progress.reach(Stage::Connect);
    let mut failed = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = addresses.len() - at;
        // An address that swallows packets must leave time for the others; the last one has all there is.
        let share = if left == 1 { limit } else { limit / u32::try_from(left + 1).unwrap_or(u32::MAX) };
        match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small packets would wait for one another; a socket that cannot be told still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => failed = Some(error),
            Err(_) => failed = Some(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(match failed {
        Some(error) => unconnected(route, &error),
        None => unresolved(route, "no address"),
    })
}

fn unresolved(route: &Route, why: &str) -> ConnectError {
    let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(why);
    ConnectError::new(Stage::Resolve, Reason::NameUnknown, format!("{} does not resolve: {why}", route.host))
}

fn unconnected(route: &Route, error: &io::Error) -> ConnectError {
    let (host, port) = (&route.host, route.port);
    let (reason, message) = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (Reason::Refused, format!("{host} refuses connections on port {port}"))
        }
        io::ErrorKind::ConnectionReset => {
            (Reason::ClosedEarly, format!("{host} reset the connection to port {port}"))
        }
        io::ErrorKind::TimedOut => (Reason::TimedOut, format!("{host} does not answer on port {port}")),
        _ => (Reason::Unreachable, format!("{host} port {port} cannot be reached: {error}")),
    };
    ConnectError::new(Stage::Connect, reason, message)
}

fn out_of_time(progress: &Progress, limit: Duration) -> ConnectError {
    let stage = progress.stage();
    let reason = if progress.waits_for_agent() { Reason::AgentSilent } else { Reason::TimedOut };
    let message = format!("no login within {limit:?}: gave up while {}", progress.doing());
    let error = ConnectError::new(stage, reason, message);
    match stage {
        Stage::Connect => error.hint("is the host up, and does a firewall drop the packets?"),
        Stage::Handshake => {
            error.hint("something accepts connections there and says nothing: a frozen host, or not an sshd")
        }
        _ => error,
    }
}

fn handshake_error(failure: Failure, cut: &Cut, route: &Route) -> ConnectError {
    let error = match failure {
        Failure::Distrust(error) => return error,
        Failure::Russh(error) => error,
    };
    let (host, port) = (&route.host, route.port);
    let new = |reason, message: String| ConnectError::new(Stage::Handshake, reason, message);
    let heard = cut.version().is_some();
    match &error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => new(
            Reason::NoCommonAlgorithm,
            format!("no {kind:?} algorithm in common with {host}; ours: {}", ours.join(",")),
        )
        .remote(Some(theirs.join(","))),
        russh::Error::InactivityTimeout => {
            new(Reason::TimedOut, format!("{host} stopped answering during the SSH handshake"))
        }
        _ if !heard && cut.first_line().is_some() && !is_refusal(cut) => {
            new(Reason::NotSsh, format!("what answers on {host} port {port} does not speak SSH"))
                .remote(cut.first_line())
        }
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => {
            let when = if heard { "during" } else { "before" };
            new(Reason::ClosedEarly, format!("{host} closed the connection {when} the SSH handshake"))
                .remote(cut.first_line().filter(|_| !heard))
                .hint("MaxStartups, hosts.deny, a firewall, or not an sshd on that port")
        }
        russh::Error::Version => {
            new(Reason::NotSsh, format!("what answers on {host} port {port} does not speak SSH 2"))
                .remote(cut.first_line())
        }
        other => new(Reason::Protocol, format!("the SSH handshake with {host} failed: {other}")),
    }
}

/// OpenSSH and TCP wrappers say such a line in place of a version when they turn a caller away.
fn is_refusal(cut: &Cut) -> bool {
    cut.first_line().is_some_and(|line| line.starts_with("Exceeded") || line.starts_with("Not allowed"))
}
