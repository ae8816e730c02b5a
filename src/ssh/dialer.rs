//! From a route to a connection: the order of events, the clock, and the retries.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use russh::client;
use tokio::net::TcpStream;

use super::config::{Configs, nothing_in_common};
use super::jump::{Jump, Jumps};
use super::login::{Credentials, End, Memory};
use super::proxy::{Account, Proxy};
use super::session::{Connection, Ends, Failure, Watcher};
use super::spool::Spooled;
use super::trust::Trust;
use super::wire::{Cut, Prompt, Wire};
use super::{AddressFamily, Ask, ConnectError, Detail, Limits, Nobody, Progress, Reason, Route, Stage};

/// Waiting time before the first retry, milliseconds; before the next ones it doubles.
const RETRY_AFTER: std::ops::Range<u64> = 150..650;
const MOST_DOUBLINGS: u32 = 4;

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
            let result = self.within_time(route, progress, role).await;
            result.map_err(|error| error.attempts(progress.attempts().max(1)))
        })
    }

    /// Tries until the login stands, fails for good, or the time is up. A connection lost before the
    /// login is tried again, since nothing was done there yet; one that was lost later never is.
    async fn within_time(
        self: &Arc<Self>,
        route: &Route,
        progress: &Progress,
        role: Role,
    ) -> Result<Connection, ConnectError> {
        let limit = route.timeout.unwrap_or(self.limits.login);
        let mut left = limit;
        loop {
            let jump = match &route.jump {
                Some(through) => Some(self.jumps.reach(self, through, progress).await?),
                None => None,
            };
            progress.reach(if jump.is_some() { Stage::Queue } else { progress.stage() });
            let turn = match &jump {
                // The semaphore is never closed; if it were, there would be no queue to wait in.
                Some(jump) => jump.gate.acquire().await.ok(),
                None => None,
            };
            if jump.as_ref().is_some_and(|jump| jump.is_gone()) {
                continue;
            }
            // The clock stands while a jump host is reached, while its queue lasts and while a person is asked.
            let (began, stood) = (Instant::now(), progress.login_clock().stood());
            let login = self.once(route, jump.as_ref(), progress, role, left);
            let tried = progress.login_clock().within(left, login).await;
            let took = began.elapsed().saturating_sub(progress.login_clock().stood().saturating_sub(stood));
            left = left.saturating_sub(took);
            let mut error = match tried {
                Some(Ok(connection)) => {
                    tell(progress, route, took);
                    return Ok(connection);
                }
                Some(Err(error)) => error,
                None => out_of_time(progress, limit),
            };
            drop(turn);
            // Was it this host, or the way to it?
            let way_gone = match &jump {
                Some(jump) if error.reason == Reason::TimedOut => !jump.answers().await,
                Some(jump) => error.is_lost_early() && jump.is_gone_soon().await,
                None => false,
            };
            if let (Some(jump), true) = (&jump, way_gone) {
                error = jump.gone();
            }
            let attempt = progress.attempts();
            let wait = if way_gone { Duration::ZERO } else { pause(attempt) };
            let again = error.is_lost_early() && attempt <= self.limits.retries && wait < left;
            tell_failure(progress, route, took, &error, again.then_some(wait));
            if !again {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            left = left.saturating_sub(wait);
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
        let config = self.configs.of(route, &judge.algorithms(), judge.takes_certificates())?;
        let mut proxy = None;
        let (wire, cut) = match (jump, &route.proxy_command) {
            (Some(jump), _) => {
                progress.reach(Stage::Connect);
                Wire::new(Spooled::new(jump.open(route).await?))
            }
            (None, Some(command)) => {
                progress.reach(Stage::Connect);
                progress.tell(Detail::Step, || format!("starts the ProxyCommand {command}"));
                let (stream, account) = Proxy::start(command).map_err(|error| {
                    let message = format!("the ProxyCommand can't be started: {error}");
                    ConnectError::new(Stage::Connect, Reason::ProxyCommand, message)
                })?;
                proxy = Some(account);
                Wire::new(stream)
            }
            (None, None) => {
                let stream = dial(route, progress, limit).await?;
                match role {
                    Role::Node => Wire::new(stream),
                    Role::Jump => Wire::new(Prompt(stream)),
                }
            }
        };
        // From here on `cut` guards the socket: dropped with this future, or kept by the connection.
        progress.reach(Stage::Handshake);
        let ends = Arc::new(Ends::behind(jump.map(|jump| jump.ends())));
        let watcher = Watcher { judge, progress: progress.clone(), ends: ends.clone() };
        let mut handle = match client::connect_stream(config, wire, watcher).await {
            Ok(handle) => handle,
            Err(failure) => {
                let error = handshake_error(failure, &cut, route);
                return Err(match proxy {
                    Some(account) if error.is_lost_early() && cut.version().is_none() => {
                        proxy_error(&account, error).await
                    }
                    _ => error,
                });
            }
        };
        if let Some(version) = cut.version() {
            progress.tell(Detail::Protocol, || format!("the server is {version}"));
        }
        let who = (route, role);
        if self.credentials.log_in(&mut handle, &ends, who, progress, memory).await? == End::Again {
            return Ok(None);
        }
        progress.reach(Stage::Done);
        let attempts = progress.attempts();
        Ok(Some(Connection { handle, ends, cut, attempts, _jump: jump.cloned() }))
    }
}

/// The waiting time after the `attempt`th try: longer each time, for sshd's queue of unauthenticated
/// connections to move, and random, so that a fleet's retries don't arrive together.
fn pause(attempt: u32) -> Duration {
    let factor = 1 << attempt.saturating_sub(1).min(MOST_DOUBLINGS);
    Duration::from_millis(rand::rng().random_range(RETRY_AFTER) * factor)
}

fn tell(progress: &Progress, route: &Route, took: Duration) {
    progress.tell(Detail::Attempt, || {
        let (address, attempt) = (route.address(), progress.attempts());
        format!("{address}, attempt {attempt}: logged in, {:.0} ms", took.as_secs_f64() * 1000.0)
    });
    progress.tell(Detail::Step, || {
        let spent = |stage| progress.spent(stage).as_secs_f64() * 1000.0;
        format!(
            "resolve {:.1} ms, tcp {:.1} ms, key exchange {:.1} ms, login {:.1} ms",
            spent(Stage::Resolve),
            spent(Stage::Connect),
            spent(Stage::Handshake) + spent(Stage::HostKey),
            spent(Stage::Login),
        )
    });
}

fn tell_failure(
    progress: &Progress,
    route: &Route,
    took: Duration,
    error: &ConnectError,
    again: Option<Duration>,
) {
    let next = match again {
        Some(wait) => format!("; tries again in {:.0} ms", wait.as_secs_f64() * 1000.0),
        None => String::new(),
    };
    let how = format!("failed at stage {}: {error}{next}", error.stage);
    progress.tell(Detail::Attempt, || {
        let (address, attempt) = (route.address(), progress.attempts().max(1));
        format!("{address}, attempt {attempt}: {how}, {:.0} ms", took.as_secs_f64() * 1000.0)
    });
}

/// What became of a `ProxyCommand` that brought no connection about.
async fn proxy_error(account: &Account, error: ConnectError) -> ConnectError {
    let (status, said) = account.ending().await;
    let Some(status) = status else { return error };
    let told = match status.code() {
        Some(code) => format!("exit status {code}"),
        None => "killed by a signal".to_owned(),
    };
    // 126 and 127 are the shell's: there is no such command, so trying again is no use.
    let reason = match status.code() {
        Some(126 | 127) => Reason::ProxyCommand,
        _ => Reason::ClosedEarly,
    };
    let message = format!("the ProxyCommand ended before the SSH handshake ({told})");
    ConnectError::new(Stage::Connect, reason, message).remote(said)
}

/// Resolves the name and opens a TCP connection to the first address that answers.
async fn dial(route: &Route, progress: &Progress, limit: Duration) -> Result<TcpStream, ConnectError> {
    progress.reach(Stage::Resolve);
    let looked_up = tokio::net::lookup_host((route.host.as_str(), route.port)).await;
    let addresses: Vec<SocketAddr> = match looked_up {
        Ok(addresses) => addresses.filter(|address| wanted(address, route.address_family)).collect(),
        Err(error) => return Err(unresolved(route, &error.to_string())),
    };
    progress.reach(Stage::Connect);
    let mut failed = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = addresses.len() - at;
        // An address that swallows packets must leave time for the others; the last one has all there is.
        let share = if left == 1 { limit } else { limit / u32::try_from(left + 1).unwrap_or(u32::MAX) };
        progress.tell(Detail::Step, || format!("connects to {address}"));
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
        None => unresolved(
            route,
            match route.address_family {
                AddressFamily::Any => "no address",
                AddressFamily::Inet => "no IPv4 address (AddressFamily inet)",
                AddressFamily::Inet6 => "no IPv6 address (AddressFamily inet6)",
            },
        ),
    })
}

fn wanted(address: &SocketAddr, family: AddressFamily) -> bool {
    match family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    }
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
        russh::Error::NoCommonAlgo { kind, ours, theirs } => nothing_in_common(route, kind, ours, theirs),
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
