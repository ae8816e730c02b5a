//! The SSH server of one node: public key login, exec, and tunnels to its neighbours.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Limits, MethodKind, MethodSet, Pty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::exec::{self, Link, Running};
use super::node::Fault;
use super::wire::{Cutter, Wire};

/// OpenSSH's own default for MaxSessions.
const MAX_SESSIONS: usize = 10;

/// Bytes sent between two key exchanges of [`Fault::Rekey`].
const REKEY_AFTER: usize = 64 << 10;

/// What all nodes of a fleet share.
pub(super) struct Neighbourhood {
    /// The one key that may log in.
    pub(super) user_key: PublicKey,
    /// The ports a tunnel may lead to: the fleet's own.
    pub(super) ports: HashSet<u16>,
    /// Resolves (with an error) when the fleet is dropped.
    pub(super) stop: watch::Receiver<()>,
    /// Held by everything that runs for the fleet, so that the last one out can be noticed.
    pub(super) alive: mpsc::Sender<Infallible>,
}

/// What one node is.
pub(super) struct Host {
    pub(super) sandbox: PathBuf,
    pub(super) fault: Fault,
    pub(super) config: Arc<Config>,
}

impl Host {
    pub(super) fn new(sandbox: PathBuf, fault: Fault, key: PrivateKey) -> Self {
        let config = Config {
            methods: MethodSet::from(&[MethodKind::PublicKey][..]),
            auth_rejection_time: Duration::from_millis(1),
            auth_rejection_time_initial: Some(Duration::ZERO),
            keys: vec![key],
            inactivity_timeout: None,
            nodelay: true,
            limits: match fault {
                Fault::Rekey => Limits { rekey_write_limit: REKEY_AFTER, ..Limits::default() },
                _ => Limits::default(),
            },
            ..Config::default()
        };
        Host { sandbox, fault, config: Arc::new(config) }
    }
}

/// A node's port: listening, or taken without listening, so that a connection is refused and
/// nobody else can come to answer there.
pub(super) enum Port {
    Open(TcpListener),
    Closed(TcpSocket),
}

impl Port {
    pub(super) fn bind(fault: Fault) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(if fault == Fault::Refuse { Port::Closed(socket) } else { Port::Open(socket.listen(1024)?) })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Port::Open(listener) => listener.local_addr(),
            Port::Closed(socket) => socket.local_addr(),
        }
    }
}

/// Serves one node until the fleet stops.
pub(super) async fn serve(port: Port, host: Arc<Host>, fleet: Arc<Neighbourhood>) {
    let mut stop = fleet.stop.clone();
    let accept = async {
        let listener = match port {
            Port::Open(listener) => listener,
            Port::Closed(_socket) => std::future::pending().await,
        };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(answer(stream, host.clone(), fleet.clone()));
                }
                // Out of descriptors, or the client left already: others may still come.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stop.changed() => {}
    }
}

/// One connection, from accept to its end.
async fn answer(mut stream: TcpStream, host: Arc<Host>, fleet: Arc<Neighbourhood>) {
    let mut stop = fleet.stop.clone();
    let cutter = Cutter::default();
    let conversation = async {
        match host.fault {
            Fault::DropBeforeBanner => {}
            Fault::DripBanner => {
                // RFC 4253 lets a server send other lines first; it sets no end to them.
                while stream.write_all(b".").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Fault::Mute => {
                let mut ignored = [0; 1024];
                while let Ok(1..) = stream.read(&mut ignored).await {}
            }
            _ => {
                // As in `Config::nodelay`: an answer must not wait for the next one. Slow is no error.
                let _ = stream.set_nodelay(true);
                let sessions = if host.fault == Fault::MaxSessions1 { 1 } else { MAX_SESSIONS };
                let client = Client {
                    host: host.clone(),
                    fleet: fleet.clone(),
                    cutter: cutter.clone(),
                    user: String::new(),
                    places: Arc::new(Semaphore::new(sessions)),
                    opened: HashMap::new(),
                };
                if let Fault::CutInPacket(bytes) = host.fault {
                    cutter.cut_at(bytes);
                }
                let wire = Wire::new(stream, cutter.clone());
                // How a session ends is the client's to judge.
                if let Ok(session) = russh::server::run_stream(host.config.clone(), wire, client).await {
                    let _ = session.await;
                }
            }
        }
    };
    tokio::select! {
        () = conversation => {}
        // The session runs in a task of its own: it ends when its stream does.
        _ = stop.changed() => cutter.cut(),
    }
}

/// The server's side of one connection.
struct Client {
    host: Arc<Host>,
    fleet: Arc<Neighbourhood>,
    cutter: Cutter,
    user: String,
    places: Arc<Semaphore>,
    /// Session channels that have not asked for anything yet.
    opened: HashMap<ChannelId, (Channel<Msg>, OwnedSemaphorePermit)>,
}

impl Client {
    /// Runs something for this connection until it is done or the fleet stops.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let (mut stop, alive) = (self.fleet.stop.clone(), self.fleet.alive.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                _ = stop.changed() => {}
            }
            drop(alive);
        });
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = key.public_key.key_data() == self.fleet.user_key.key_data();
        if !known || self.host.fault == Fault::DenyAuth {
            return Ok(Auth::reject());
        }
        user.clone_into(&mut self.user);
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                self.opened.insert(channel.id(), (channel, place));
                reply.accept().await;
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A second request on one channel is refused, as the RFC has it.
        let Some((channel, place)) = self.opened.remove(&id) else {
            return session.channel_failure(id);
        };
        let fault = self.host.fault;
        if fault == Fault::FreezeAfterExec {
            session.channel_success(id)?;
            self.spawn(async move {
                exec::freeze(channel).await;
                drop(place);
            });
            return Ok(());
        }
        match Running::start(command, &self.host.sandbox, &self.user) {
            Ok(running) => {
                session.channel_success(id)?;
                let (handle, cutter) = (session.handle(), self.cutter.clone());
                self.spawn(exec::attend(running, Link { channel, handle, cutter, fault, place }));
            }
            Err(_) => {
                session.channel_failure(id)?;
                self.opened.insert(id, (channel, place));
            }
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.opened.remove(&id);
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        let port = u16::try_from(port).ok().filter(|port| self.fleet.ports.contains(port));
        let (Some(port), "127.0.0.1" | "localhost") = (port, host) else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        self.spawn(async move {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                Ok(mut neighbour) => {
                    reply.accept().await;
                    // Either side may hang up; both ends are closed then.
                    let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut neighbour).await;
                }
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
            }
        });
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        _: &str,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }
}
