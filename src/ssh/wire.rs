//! The byte stream under one SSH session, with a way to cut it from outside.
//!
//! russh runs each session as a task of its own that owns the stream, and dropping its handle does not
//! end that task. [`Cut`] does: it makes the stream fail at once, so the task ends and the socket closes.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many of the peer's first bytes are kept: the longest version line RFC 4253 allows.
const GREETING: usize = 255;

/// Any stream an SSH session can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A stream that can be cut and that remembers how the peer began.
pub(super) struct Wire {
    inner: Box<dyn Stream>,
    line: Arc<Line>,
    greeted: bool,
}

#[derive(Default)]
struct Line {
    cut: AtomicBool,
    task: AtomicWaker,
    greeting: Mutex<Vec<u8>>,
}

/// Cuts its [`Wire`] when dropped.
pub(super) struct Cut(Arc<Line>);

impl Wire {
    pub(super) fn new(inner: impl Stream + 'static) -> (Wire, Cut) {
        let line = Arc::new(Line::default());
        (Wire { inner: Box::new(inner), line: line.clone(), greeted: false }, Cut(line))
    }

    /// Whether the wire is cut; if not, the task in `cx` is woken when it will be.
    fn is_cut(&self, cx: &Context<'_>) -> bool {
        self.line.task.register(cx.waker());
        self.line.cut.load(Ordering::Acquire)
    }

    fn remember(&mut self, bytes: &[u8]) {
        let mut greeting = self.line.greeting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = GREETING - greeting.len().min(GREETING);
        greeting.extend(bytes.iter().take(room));
        self.greeted = greeting.len() >= GREETING || first_ssh_line(&greeting).is_some();
    }
}

impl Cut {
    /// Cuts at once.
    pub(super) fn now(&self) {
        self.0.cut.store(true, Ordering::Release);
        self.0.task.wake();
    }

    /// The peer's version line without the line end, if it sent one: `SSH-2.0-OpenSSH_9.2p1`.
    pub(super) fn version(&self) -> Option<String> {
        let greeting = self.0.greeting.lock().unwrap_or_else(PoisonError::into_inner);
        first_ssh_line(&greeting).map(|line| String::from_utf8_lossy(line).into_owned())
    }

    /// The first line the peer sent, whatever it is.
    pub(super) fn first_line(&self) -> Option<String> {
        let greeting = self.0.greeting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = greeting.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
        (!line.is_empty()).then(|| String::from_utf8_lossy(line).into_owned())
    }
}

/// The first whole line that begins with `SSH-`; a server may send others before it.
fn first_ssh_line(greeting: &[u8]) -> Option<&[u8]> {
    let (whole, _) = greeting.split_at(greeting.iter().rposition(|byte| *byte == b'\n')?);
    whole.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"SSH-")).map(<[u8]>::trim_ascii_end)
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.now();
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "given up")
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if !self.greeted {
            self.remember(buf.filled().get(before..).unwrap_or_default());
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return Poll::Ready(Err(cut()));
        }
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A tunnelled stream may wait for window to say good-bye; a cut one must not.
        if self.is_cut(cx) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The TCP connection to a jump host, which acknowledges at once what it receives.
///
/// OpenSSH sets TCP_NODELAY only where a session runs, and on a jump host none does. There the small
/// packets of many handshakes would each wait for the last one's acknowledgement, which the kernel likes
/// to delay by 40 ms: measured, 8 handshakes at a time took 180 ms each instead of 80.
pub(super) struct Prompt(pub(super) TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(cx, buf);
        #[cfg(target_os = "linux")]
        if polled.is_ready() {
            // The kernel forgets this wish after a while. Unheard, it costs time and nothing else.
            let _ = self.0.set_quickack(true);
        }
        polled
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_cut_wakes_the_reader_and_frees_the_stream() {
        let (near, mut far) = tokio::io::duplex(64);
        let (mut wire, cut) = Wire::new(near);
        let reader = tokio::spawn(async move { wire.read_u8().await });
        tokio::task::yield_now().await;
        drop(cut);
        assert!(reader.await.is_ok_and(|read| read.is_err()));
        assert_eq!(far.read(&mut [0; 8]).await.ok(), Some(0), "the far side sees the end");
    }

    #[tokio::test]
    async fn the_version_line_is_remembered_even_behind_others_and_in_pieces() {
        let (near, mut far) = tokio::io::duplex(64);
        let (mut wire, cut) = Wire::new(near);
        for piece in ["be", "ware\r\nSSH-2.0-Open", "SSH_9.2\r\nbinary"] {
            far.write_all(piece.as_bytes()).await.unwrap();
            wire.read_exact(&mut vec![0; piece.len()]).await.unwrap();
        }
        assert_eq!(cut.version().as_deref(), Some("SSH-2.0-OpenSSH_9.2"));
        assert_eq!(cut.first_line().as_deref(), Some("beware"));
    }
}
