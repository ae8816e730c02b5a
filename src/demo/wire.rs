//! A TCP stream that can be cut from outside, as a lost link would be.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long nothing may be written before what was queued counts as sent.
const QUIET: Duration = Duration::from_millis(30);

/// The hand on the cable of one connection.
#[derive(Clone, Default)]
pub(super) struct Cutter(Arc<State>);

#[derive(Default)]
struct State {
    cut: AtomicBool,
    written: AtomicU64,
    /// Bytes after which the connection is cut, whatever they are; 0: never.
    limit: AtomicU64,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Cutter {
    /// Ends the connection at once: no SSH message says goodbye.
    pub(super) fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.reader.wake();
        self.0.writer.wake();
    }

    /// Cuts after `limit` bytes, in the middle of a packet or not.
    pub(super) fn cut_at(&self, limit: u64) {
        self.0.limit.store(limit, Ordering::SeqCst);
    }

    /// Bytes written to the socket so far.
    pub(super) fn written(&self) -> u64 {
        self.0.written.load(Ordering::SeqCst)
    }

    /// Cuts once at least `total` bytes were written in all and nothing more comes.
    pub(super) async fn cut_when_quiet(&self, total: u64) {
        let mut before = self.written();
        loop {
            tokio::time::sleep(QUIET).await;
            let now = self.written();
            if now >= total && now == before {
                return self.cut();
            }
            before = now;
        }
    }

    fn is_cut(&self) -> io::Result<()> {
        if self.0.cut.load(Ordering::SeqCst) { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// The stream an SSH session runs over.
pub(super) struct Wire {
    stream: TcpStream,
    cutter: Cutter,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, cutter: Cutter) -> Self {
        Wire { stream, cutter }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The waker goes in before the look: a cut in between is not missed.
        self.cutter.0.reader.register(cx.waker());
        self.cutter.is_cut()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cutter.0.writer.register(cx.waker());
        self.cutter.is_cut()?;
        let limit = self.cutter.0.limit.load(Ordering::SeqCst);
        let left = limit.saturating_sub(self.cutter.written());
        if limit > 0 && left == 0 {
            self.cutter.cut();
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let most = if limit > 0 { usize::try_from(left).unwrap_or(usize::MAX) } else { usize::MAX };
        let buf = buf.get(..buf.len().min(most)).unwrap_or(buf);
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = &result {
            self.cutter.0.written.fetch_add(*n as u64, Ordering::SeqCst);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
