//! The tunnelled stream of a node behind a jump host, emptied whether or not anybody reads it.
//!
//! All channels of a session are served by one task: one that is not emptied stops the others, the
//! keepalives too. So a task of its own takes what comes for each node. If the reader stays away, that
//! node alone is given up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

/// Pieces of at most [`PIECE`] bytes that wait for the reader: with the channel's window the most that
/// one node can hold of our memory.
const PIECES: usize = 64;
const PIECE: usize = 32 * 1024;

/// How long a full spool may hold up the others: a reader that took nothing for this long is no reader.
const PATIENCE: Duration = Duration::from_millis(500);

/// A stream whose incoming side is spooled.
pub(super) struct Spooled<S> {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
    out: WriteHalf<S>,
    /// Ends the pump, which else keeps its half of the stream, and so the channel, open.
    _wanted: oneshot::Sender<()>,
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> Spooled<S> {
    pub(super) fn new(stream: S) -> Self {
        let (read, out) = tokio::io::split(stream);
        let (tell, pieces) = mpsc::channel(PIECES);
        let (wanted, unwanted) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                () = pump(read, tell) => {}
                _ = unwanted => {}
            }
        });
        Spooled { pieces, rest: Bytes::new(), out, _wanted: wanted }
    }
}

/// Hands on what comes; when nobody takes it, the reader is left with an early end and the rest is
/// thrown away for as long as the channel stands.
async fn pump(mut from: ReadHalf<impl AsyncRead>, to: mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = BytesMut::new();
    let mut to = Some(to);
    loop {
        buffer.reserve(PIECE);
        let piece = match from.read_buf(&mut buffer).await {
            Ok(0) => return,
            Ok(_) => Ok(buffer.split().freeze()),
            Err(error) => Err(error),
        };
        let over = piece.is_err();
        if let Some(taker) = &to
            && taker.send_timeout(piece, PATIENCE).await.is_err()
        {
            to = None;
        }
        if over {
            return;
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for Spooled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.pieces.poll_recv(cx)) {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
        let take = self.rest.len().min(buf.remaining());
        if let Some(bytes) = self.rest.get(..take) {
            buf.put_slice(bytes);
        }
        self.rest.advance(take);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for Spooled<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.out).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.out).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.out).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn everything_comes_through_in_order() {
        let (near, mut far) = tokio::io::duplex(1000);
        let mut spooled = Spooled::new(near);
        let sent: Vec<u8> = (0..300_000u32).map(|at| at.to_le_bytes()[0]).collect();
        let expected = sent.clone();
        let sender = tokio::spawn(async move { far.write_all(&sent).await });
        let mut came = Vec::new();
        spooled.read_to_end(&mut came).await.unwrap();
        sender.await.unwrap().unwrap();
        assert_eq!(came, expected);
    }

    #[tokio::test]
    async fn an_unread_stream_is_emptied_and_then_given_up() {
        let (near, mut far) = tokio::io::duplex(PIECE);
        let spooled = Spooled::new(near);
        let flood = vec![7; 4 * PIECES * PIECE];
        let written = tokio::time::timeout(PATIENCE * 6, far.write_all(&flood)).await;
        assert!(written.is_ok(), "it never stalls for good");
        drop(spooled);
        // Nobody wants it any more: the stream is closed.
        let closed = async { while far.write_all(b"more").await.is_ok() {} };
        assert!(tokio::time::timeout(PATIENCE, closed).await.is_ok());
    }
}
