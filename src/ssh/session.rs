//! An open connection and the command that runs on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use russh::client::{self, DisconnectReason, Handle, Msg};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelId, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf, Disconnect, Sig};

use super::trust::Judge;
use super::wire::Cut;
use super::{ConnectError, Progress, SessionError, Stage};

/// What a refusal that leaves no method to try ends a session with.
pub(super) const NO_METHOD_LEFT: &str = "the server takes no other method";
/// How long a polite good-bye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A login on a host, ready for its one command. Dropping it closes the socket at once.
pub struct Connection {
    pub(super) handle: Handle<Watcher>,
    pub(super) ends: Arc<Ends>,
    pub(super) cut: Cut,
    pub(super) attempts: u32,
    /// Kept so that the jump host's login lasts as long as somebody is behind it. Last, so that this
    /// connection is cut before it.
    pub(super) _jump: Option<Arc<super::jump::Jump>>,
}

/// A terminal that neither echoes, nor edits, nor translates.
const RAW: &[(russh::Pty, u32)] = {
    use russh::Pty;
    &[
        (Pty::ECHO, 0),
        (Pty::ECHOE, 0),
        (Pty::ECHOK, 0),
        (Pty::ECHONL, 0),
        (Pty::ECHOCTL, 0),
        (Pty::ICANON, 0),
        (Pty::ISIG, 0),
        (Pty::IEXTEN, 0),
        (Pty::ICRNL, 0),
        (Pty::INLCR, 0),
        (Pty::IGNCR, 0),
        (Pty::IXON, 0),
        (Pty::IXOFF, 0),
        (Pty::ISTRIP, 0),
        (Pty::OPOST, 0),
        (Pty::ONLCR, 0),
        (Pty::CS8, 1),
    ]
};

/// How a connection ended when nobody here ended it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Our own account, a clause: `the server stopped answering`.
    pub message: String,
    /// The server's last words, raw: to be sanitised before they are shown.
    pub remote: Option<String>,
}

impl std::fmt::Display for Loss {
    /// Remote text is shown escaped, so that this is safe on any terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        match &self.remote {
            Some(remote) => write!(f, ": {remote:?}"),
            None => Ok(()),
        }
    }
}

impl Connection {
    /// Starts `command` under the user's login shell: one session channel, no terminal.
    ///
    /// # Errors
    /// The server opens no session, will not run the command, or the connection is lost.
    pub async fn exec(&self, command: &[u8]) -> Result<Exec, SessionError> {
        self.start(command, false).await
    }

    /// The same with a terminal, as raw as terminals go: bytes pass unchanged, but both output streams come
    /// as one.
    ///
    /// # Errors
    /// As [`Connection::exec`].
    pub async fn exec_on_terminal(&self, command: &[u8]) -> Result<Exec, SessionError> {
        self.start(command, true).await
    }

    async fn start(&self, command: &[u8], terminal: bool) -> Result<Exec, SessionError> {
        let channel = self.handle.channel_open_session().await.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(why) => SessionError::ChannelRefused(refusal(&why)),
            _ => SessionError::Lost(self.ends.loss()),
        })?;
        let lost = |_| SessionError::Lost(self.ends.loss());
        if terminal {
            // Refused or not: what needs a terminal will say so.
            channel.request_pty(false, "dumb", 80, 24, 0, 0, RAW).await.map_err(lost)?;
        }
        channel.exec(true, command).await.map_err(lost)?;
        let (mut read, write) = channel.split();
        let mut early = None;
        loop {
            match read.wait().await {
                Some(ChannelMsg::Success) => break,
                Some(ChannelMsg::Failure) => {
                    // The channel is of no use to anyone; an error here means it is gone already.
                    let _ = write.close().await;
                    return Err(SessionError::ExecRefused);
                }
                None | Some(ChannelMsg::Close) => {
                    return Err(match self.handle.is_closed() {
                        true => SessionError::Lost(self.ends.loss()),
                        false => SessionError::ExecRefused,
                    });
                }
                // A server may let the command's output overtake its answer.
                Some(message) => {
                    if let Some(output) = Output::of(message) {
                        early = Some(output);
                        break;
                    }
                }
            }
        }
        let reader = ExecReader { channel: read, ends: self.ends.clone(), early, closed: false };
        Ok(Exec { reader, writer: ExecWriter { channel: write, ends: self.ends.clone() } })
    }

    /// The server's version line: `SSH-2.0-OpenSSH_9.2p1 Debian-2`. Raw remote text.
    pub fn server_version(&self) -> Option<String> {
        self.cut.version()
    }

    /// Connections tried until this one stood.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says good-bye and closes the socket; takes at most a second whatever the server does.
    pub async fn close(self) {
        let Connection { handle, cut, .. } = self;
        let farewell = async {
            // If either fails the session is over, which is what was wanted.
            let _ = handle.disconnect(Disconnect::ByApplication, "", "en").await;
            let _ = handle.await;
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        drop(cut);
    }
}

fn refusal(why: &ChannelOpenFailure) -> String {
    match why {
        ChannelOpenFailure::AdministrativelyProhibited => "administratively prohibited".to_owned(),
        ChannelOpenFailure::ConnectFailed => "open failed; is MaxSessions reached?".to_owned(),
        ChannelOpenFailure::UnknownChannelType => "unknown channel type".to_owned(),
        ChannelOpenFailure::ResourceShortage => "resource shortage".to_owned(),
        ChannelOpenFailure::Other { code, .. } => format!("code {code}"),
    }
}

/// A running command. Read it until [`Output::Closed`] and keep reading: output left standing holds up
/// the connection, and behind a jump host everybody else's too.
pub struct Exec {
    reader: ExecReader,
    writer: ExecWriter,
}

/// What comes from a running command.
pub struct ExecReader {
    channel: ChannelReadHalf,
    ends: Arc<Ends>,
    early: Option<Output>,
    closed: bool,
}

/// A running command's standard input.
pub struct ExecWriter {
    channel: ChannelWriteHalf<Msg>,
    ends: Arc<Ends>,
}

/// One piece of news from a running command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    Stdout(Bytes),
    Stderr(Bytes),
    /// It exited with this status; output may still follow.
    Exit(u32),
    /// It was killed by this signal, named without `SIG`; output may still follow.
    Signal(String),
    /// The channel is closed in good order; nothing follows.
    Closed,
}

impl Output {
    fn of(message: ChannelMsg) -> Option<Output> {
        match message {
            ChannelMsg::Data { data } => Some(Output::Stdout(data)),
            ChannelMsg::ExtendedData { data, ext: 1 } => Some(Output::Stderr(data)),
            ChannelMsg::ExitStatus { exit_status } => Some(Output::Exit(exit_status)),
            ChannelMsg::ExitSignal { signal_name, .. } => Some(Output::Signal(match signal_name {
                Sig::Custom(name) => name,
                known => format!("{known:?}"),
            })),
            ChannelMsg::Close => Some(Output::Closed),
            _ => None,
        }
    }
}

impl Exec {
    /// See [`ExecReader::next`].
    pub async fn next(&mut self) -> Option<Output> {
        self.reader.next().await
    }

    /// See [`ExecWriter::write`].
    ///
    /// # Errors
    /// The channel or the connection is gone.
    pub async fn write(&self, data: impl Into<Bytes>) -> Result<(), SessionError> {
        self.writer.write(data).await
    }

    /// See [`ExecWriter::eof`].
    pub async fn eof(&self) {
        self.writer.eof().await;
    }

    /// See [`ExecWriter::close`].
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// Both directions, to be used by different tasks.
    pub fn split(self) -> (ExecReader, ExecWriter) {
        (self.reader, self.writer)
    }

    /// Why the connection ended, once [`Exec::next`] gave `None` without [`Output::Closed`] before it.
    pub fn loss(&self) -> Loss {
        self.reader.loss()
    }
}

impl ExecReader {
    /// The next piece. `None` after [`Output::Closed`]; `None` without it means that the connection died.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Option<Output> {
        if self.closed {
            return None;
        }
        if let Some(early) = self.early.take() {
            self.closed = early == Output::Closed;
            return Some(early);
        }
        loop {
            let output = Output::of(self.channel.wait().await?);
            if let Some(output) = output {
                self.closed = output == Output::Closed;
                return Some(output);
            }
        }
    }

    /// Why the connection ended.
    pub fn loss(&self) -> Loss {
        self.ends.loss()
    }
}

impl ExecWriter {
    /// Sends bytes to the command's standard input; waits while the command does not read. If dropped
    /// while waiting, some of the bytes may have been sent.
    ///
    /// # Errors
    /// The channel or the connection is gone.
    pub async fn write(&self, data: impl Into<Bytes>) -> Result<(), SessionError> {
        self.channel.data_bytes(data).await.map_err(|_| SessionError::Lost(self.ends.loss()))
    }

    /// Ends the command's standard input.
    pub async fn eof(&self) {
        // An error means the session is over, and its input with it.
        let _ = self.channel.eof().await;
    }

    /// Asks the server to close the channel; sshd then sends the command a SIGHUP only if it had a
    /// terminal, which it has not. Go on reading until [`Output::Closed`].
    pub async fn close(&self) {
        // An error means the session is over, and the channel with it.
        let _ = self.channel.close().await;
    }
}

/// How a session ends, told by its task to whoever used it.
#[derive(Default)]
pub(super) struct Ends {
    loss: Mutex<Option<Loss>>,
    /// The jump host on the way, and how it ends.
    jump: Option<(String, Arc<Ends>)>,
    /// The descriptions of refused forwardings, oldest first.
    refusals: Mutex<Vec<String>>,
}

impl Ends {
    /// The ends of a connection through a jump host, if it goes through one.
    pub(super) fn behind(jump: Option<(String, Arc<Ends>)>) -> Self {
        Ends { jump, ..Ends::default() }
    }

    /// How it ended; where the way there was lost, how that was.
    pub(super) fn loss(&self) -> Loss {
        self.known_loss().unwrap_or_else(|| Loss { message: "the connection ended".to_owned(), remote: None })
    }

    fn known_loss(&self) -> Option<Loss> {
        if let Some((name, jump)) = &self.jump
            && let Some(loss) = jump.known_loss()
        {
            let message = format!("that of the jump host {name} was lost: {}", loss.message);
            return Some(Loss { message, remote: loss.remote });
        }
        self.loss.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says how it ended, unless that is known.
    pub(super) fn set_loss(&self, message: &str) {
        let mut loss = self.loss.lock().unwrap_or_else(PoisonError::into_inner);
        loss.get_or_insert_with(|| Loss { message: message.to_owned(), remote: None });
    }

    /// The number of forwardings refused so far.
    pub(super) fn refused(&self) -> usize {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What the server said to the forwardings refused since there were `before`, if it was the same
    /// each time: russh does not tell which answer belongs to which question.
    pub(super) fn refusal_since(&self, before: usize) -> Option<String> {
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, rest) = refusals.get(before..)?.split_first()?;
        rest.iter().all(|other| other == first).then(|| first.clone())
    }
}

/// What russh reports while a session runs.
pub(super) struct Watcher {
    pub(super) judge: Judge,
    pub(super) progress: Progress,
    pub(super) ends: Arc<Ends>,
}

/// An error of the session's task.
#[derive(Debug)]
pub(super) enum Failure {
    Russh(russh::Error),
    Distrust(ConnectError),
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Failure::Russh(error)
    }
}

impl client::Handler for Watcher {
    type Error = Failure;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Failure> {
        self.progress.reach(Stage::HostKey);
        let judged = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge.judge(key).await,
            PublicKeyOrCertificate::Certificate(certificate) => {
                self.judge.judge_certificate(certificate, SystemTime::now()).await
            }
        };
        judged.map_err(Failure::Distrust)?;
        self.progress.reach(Stage::Handshake);
        Ok(true)
    }

    async fn kex_done(
        &mut self,
        _: Option<&[u8]>,
        names: &russh::Names,
        _: &mut client::Session,
    ) -> Result<(), Failure> {
        self.progress.tell(super::Detail::Protocol, || {
            format!(
                "negotiated {}, host key {}, {}, {} and {}",
                names.kex.as_ref(),
                names.key,
                names.cipher.as_ref(),
                names.client_mac.as_ref(),
                names.server_mac.as_ref(),
            )
        });
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _: ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut client::Session,
    ) -> Result<(), Failure> {
        let mut refusals = self.ends.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.push(description.chars().take(200).collect());
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Failure>) -> Result<(), Failure> {
        let loss = match reason {
            DisconnectReason::ReceivedDisconnect(info) => Loss {
                message: "the server closed the connection".to_owned(),
                remote: Some(info.message).filter(|text| !text.is_empty()),
            },
            DisconnectReason::Error(Failure::Russh(error)) => Loss { message: ending(&error), remote: None },
            DisconnectReason::Error(Failure::Distrust(error)) => {
                Loss { message: error.message.clone(), remote: None }
            }
        };
        self.ends.loss.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(loss);
        Ok(())
    }
}

fn ending(error: &russh::Error) -> String {
    match error {
        russh::Error::KeepaliveTimeout | russh::Error::InactivityTimeout => {
            "the server stopped answering".to_owned()
        }
        russh::Error::NoAuthMethod => NO_METHOD_LEFT.to_owned(),
        russh::Error::Disconnect | russh::Error::HUP => "the server closed the connection".to_owned(),
        russh::Error::IO(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection".to_owned()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_quoted_only_if_it_can_be_no_other() {
        let ends = Ends::default();
        let say = |text: &str| ends.refusals.lock().unwrap().push(text.to_owned());
        say("Connection refused");
        let before = ends.refused();
        assert_eq!(ends.refusal_since(before), None);
        say("No route to host");
        say("No route to host");
        assert_eq!(ends.refusal_since(before).as_deref(), Some("No route to host"));
        say("Connection refused");
        assert_eq!(ends.refusal_since(before), None, "two answers, and either may be ours");
    }
}
