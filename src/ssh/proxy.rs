//! `ProxyCommand`: a child process whose standard input and output are the connection.

use std::collections::BTreeSet;
use std::io;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// Bytes of standard error that are kept: the last ones, where the reason stands.
const STDERR: usize = 2048;

/// How long the reason may be late.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long a command that has ended is listened to.
const STRAGGLERS: Duration = Duration::from_millis(30);

/// The process groups that are alive, for an end of the program that drops nothing.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Ends every proxy command at once: for a program that is about to exit without dropping anything.
pub fn end_all() {
    for group in std::mem::take(&mut *GROUPS.lock().unwrap_or_else(PoisonError::into_inner)) {
        end(group);
    }
}

fn end(group: i32) {
    if let Some(group) = Pid::from_raw(group) {
        // An error means that the whole group is gone, which is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The running command as a stream. Its process group dies with this value.
pub(super) struct Proxy {
    input: ChildStdin,
    output: ChildStdout,
    _life: Life,
}

/// What the command says and how it ends, for whoever must explain a failure.
#[derive(Clone)]
pub(super) struct Account(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    stderr: Vec<u8>,
    status: Option<ExitStatus>,
}

/// The child and its group.
struct Life {
    group: i32,
    /// Ends the task that waits for the child.
    _leave: tokio::sync::oneshot::Sender<()>,
}

impl Drop for Life {
    fn drop(&mut self) {
        // The child is reaped only after this, so the number can't be another's yet.
        if GROUPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.group) {
            end(self.group);
        }
    }
}

impl Proxy {
    /// Starts `command` as ssh does, by a shell that it replaces, in a process group of its own: a Ctrl-C
    /// must not cut the connections before the round has ended.
    ///
    /// # Errors
    /// No process to be had.
    pub(super) fn start(command: &str) -> io::Result<(Proxy, Account)> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || io::Error::other("the command has no pipes");
        let (input, output) = (child.stdin.take().ok_or_else(gone)?, child.stdout.take().ok_or_else(gone)?);
        let stderr = child.stderr.take().ok_or_else(gone)?;
        let group = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or_else(gone)?;
        GROUPS.lock().unwrap_or_else(PoisonError::into_inner).insert(group);
        let account = Account(Arc::default());
        let (leave, left) = tokio::sync::oneshot::channel();
        tokio::spawn(attend(child, group, stderr, account.clone(), left));
        Ok((Proxy { input, output, _life: Life { group, _leave: leave } }, account))
    }
}

/// Keeps the end of what the command says, and reaps it.
async fn attend(
    mut child: Child,
    group: i32,
    mut stderr: ChildStderr,
    account: Account,
    left: tokio::sync::oneshot::Receiver<()>,
) {
    let listen = async {
        let mut buffer = vec![0; STDERR];
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            let mut told = account.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.stderr.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let surplus = told.stderr.len().saturating_sub(STDERR);
            told.stderr.drain(..surplus);
        }
    };
    let end = async {
        let status = tokio::select! {
            status = child.wait() => status,
            // Dropping the stream has killed the group; a command that left it is killed by itself.
            _ = left => {
                let _ = child.start_kill();
                child.wait().await
            }
        };
        if GROUPS.lock().unwrap_or_else(PoisonError::into_inner).remove(&group) {
            end(group);
        }
        // What it said last may still be in the pipe; something it left behind may hold that for ever.
        tokio::time::sleep(STRAGGLERS).await;
        if let Ok(status) = status {
            account.0.lock().unwrap_or_else(PoisonError::into_inner).status = Some(status);
        }
    };
    tokio::select! {
        () = end => {}
        () = async { listen.await; std::future::pending().await } => {}
    }
}

impl Account {
    /// What came of the command: its status if it has ended, and the last it said, raw.
    pub(super) async fn ending(&self) -> (Option<ExitStatus>, Option<String>) {
        let until = tokio::time::Instant::now() + LAST_WORDS;
        loop {
            {
                let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if told.status.is_some() || tokio::time::Instant::now() >= until {
                    let said = String::from_utf8_lossy(&told.stderr).trim().to_owned();
                    return (told.status, Some(said).filter(|said| !said.is_empty()));
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl AsyncRead for Proxy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buf)
    }
}

impl AsyncWrite for Proxy {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
