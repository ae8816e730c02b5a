//! One exec request: a real shell command whose streams are joined to a channel.

use std::ffi::OsStr;
use std::io;
use std::mem::discriminant;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

use super::node::Fault;
use super::wire::Cutter;

/// What an abandoned command is given between the end of its input and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// What the output may still take after the command's own end before the status is told.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// One read of output, and so the most that waits per stream for the client's window.
const CHUNK: usize = 32 * 1024;
/// Messages of input that may wait for the command to read them.
const INPUT_QUEUE: usize = 256;

/// A started command with its process group, which dies with this value.
pub(super) struct Running {
    child: Child,
    group: Option<Pid>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    reaped: AtomicBool,
    drained: AtomicBool,
}

impl Running {
    /// Starts `/bin/sh -c COMMAND` at home in `sandbox`, in a process group of its own.
    pub(super) fn start(command: &[u8], sandbox: &Path, user: &str) -> io::Result<Self> {
        std::fs::create_dir_all(sandbox)?;
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(OsStr::from_bytes(command)).current_dir(sandbox).env_clear();
        // What a node has of its own comes before what this machine has.
        let own = std::iter::once(sandbox.join("usr/local/bin"));
        let machine = std::env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = std::env::join_paths(own.chain(std::env::split_paths(&machine))) {
            shell.env("PATH", path);
        } else {
            shell.env("PATH", machine);
        }
        shell.env("HOME", sandbox).env("USER", user).env("LOGNAME", user).env("SHELL", "/bin/sh");
        // What an audit finds is what the node's directory holds, not what runs on this machine.
        shell.env("ROUNDSMAN_ROOT", sandbox);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.process_group(0).spawn()?;
        Ok(Running {
            group: child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            child,
            reaped: AtomicBool::new(false),
            drained: AtomicBool::new(false),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once the leader is reaped and nobody holds its pipes, the number may belong to others.
        let over = *self.reaped.get_mut() && *self.drained.get_mut();
        if !over && let Some(group) = self.group {
            // An error means that the whole group is gone, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// What an exec needs of its connection.
pub(super) struct Link {
    pub(super) channel: Channel<Msg>,
    pub(super) handle: Handle,
    pub(super) cutter: Cutter,
    pub(super) fault: Fault,
    /// The session's place under MaxSessions.
    pub(super) place: OwnedSemaphorePermit,
}

/// Joins a command to its channel until both are done or the client is gone.
pub(super) async fn attend(mut running: Running, link: Link) {
    let Link { channel, handle, cutter, fault, place } = link;
    let id = channel.id();
    let (mut read, write) = channel.split();
    let written = cutter.written();
    let allowed = if let Fault::CutAfter(bytes) = fault { bytes } else { u64::MAX };
    let budget = Budget { left: AtomicU64::new(allowed), spent: Notify::new() };
    let (stdin, stdout, stderr) = (running.stdin.take(), running.stdout.take(), running.stderr.take());
    let (feed, mut fed) = mpsc::channel(INPUT_QUEUE);
    let Running { child, group, reaped, drained, .. } = &mut running;

    let incoming = listen(&mut read, feed, *group);
    let input = async {
        let mut stdin = stdin;
        while let Some(data) = fed.recv().await {
            // A command that closed its input does not want the rest: it is read and dropped.
            if let Some(pipe) = &mut stdin
                && AsyncWriteExt::write_all(pipe, &data).await.is_err()
            {
                stdin = None;
            }
        }
        drop(stdin);
        std::future::pending::<()>().await
    };
    let output = async {
        let (out, err) = (forward(stdout, &write, None, &budget), forward(stderr, &write, Some(1), &budget));
        tokio::select! {
            biased;
            () = budget.spent.notified() => {
                cutter.cut_when_quiet(written.saturating_add(allowed)).await;
                std::future::pending().await
            }
            _ = async { tokio::join!(out, err) } => drained.store(true, Ordering::SeqCst),
        }
    };
    let ending = async {
        let status = async {
            let status = child.wait().await;
            reaped.store(true, Ordering::SeqCst);
            status
        };
        finish(status, output, &handle, id, fault).await
    };
    let done = tokio::select! {
        () = incoming => false,
        () = input => false,
        () = ending => true,
    };
    // The place is free before the client hears of the end: it may open the next session at once.
    drop(place);
    if done {
        // Errors mean that the client has left, and then nobody waits for these.
        let _ = handle.eof(id).await;
        let _ = handle.close(id).await;
    } else {
        // The select above has closed the command's pipes; the drop of `running` kills its group.
        tokio::time::sleep(GRACE).await;
    }
}

/// Holds an accepted exec open and never answers, until the client goes.
pub(super) async fn freeze(mut channel: Channel<Msg>) {
    while let Some(message) = channel.wait().await {
        if matches!(message, ChannelMsg::Close) {
            break;
        }
    }
}

/// Reads the client's side of the channel; returns when the client is gone.
async fn listen(read: &mut ChannelReadHalf, feed: mpsc::Sender<Vec<u8>>, group: Option<Pid>) {
    let mut feed = Some(feed);
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                if let Some(feed) = &feed {
                    // The receiver lives as long as this loop; without it there is nothing to feed.
                    let _ = feed.send(data.to_vec()).await;
                }
            }
            ChannelMsg::Eof => feed = None,
            ChannelMsg::Signal { signal } => {
                if let (Some(group), Some(signal)) = (group, number(&signal)) {
                    let _ = kill_process_group(group, signal);
                }
            }
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

/// How many bytes of output may still be sent before the connection is cut.
struct Budget {
    left: AtomicU64,
    spent: Notify,
}

impl Budget {
    /// Takes up to `n` bytes; both streams run in one task, so load and store cannot interleave.
    fn take(&self, n: usize) -> usize {
        let left = self.left.load(Ordering::SeqCst);
        let taken = usize::try_from(left).map_or(n, |left| left.min(n));
        self.left.store(left - taken as u64, Ordering::SeqCst);
        taken
    }
}

/// Sends one stream of output as the client's window allows, up to what the budget leaves.
async fn forward(
    from: Option<impl AsyncRead + Unpin>,
    to: &ChannelWriteHalf<Msg>,
    ext: Option<u32>,
    budget: &Budget,
) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; CHUNK];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let allowed = budget.take(n);
        let data = buffer[..allowed].to_vec();
        let sent = match ext {
            None => to.data_bytes(data).await,
            Some(ext) => to.extended_data_bytes(ext, data).await,
        };
        if sent.is_err() {
            return;
        }
        if budget.left.load(Ordering::SeqCst) == 0 {
            budget.spent.notify_one();
        }
    }
}

/// Waits for the command and its output, and tells the status: after the output where that ends
/// in time, before it where a child left behind holds the pipe.
async fn finish(
    status: impl Future<Output = io::Result<ExitStatus>>,
    output: impl Future<Output = ()>,
    handle: &Handle,
    id: ChannelId,
    fault: Fault,
) {
    tokio::pin!(status, output);
    let mut drained = false;
    let status = loop {
        tokio::select! {
            status = &mut status => break status,
            () = &mut output, if !drained => drained = true,
        }
    };
    if !drained {
        drained = tokio::time::timeout(LAST_WORDS, &mut output).await.is_ok();
    }
    if fault != Fault::NoExitStatus
        && let Ok(status) = status
    {
        tell(status, handle, id).await;
    }
    if !drained {
        output.await;
    }
}

/// Sends exit-status or exit-signal.
async fn tell(status: ExitStatus, handle: &Handle, id: ChannelId) {
    // An error means that the client has left.
    let _ = match (status.code(), status.signal()) {
        (Some(code), _) => handle.exit_status_request(id, code.cast_unsigned()).await,
        (None, Some(signal)) => {
            let name = name(signal);
            handle.exit_signal_request(id, name, status.core_dumped(), String::new(), String::new()).await
        }
        (None, None) => Ok(()),
    };
}

/// The signals SSH has a name for (RFC 4254, section 6.10) and their numbers here.
fn signals() -> [(Sig, Signal); 12] {
    [
        (Sig::ABRT, Signal::ABORT),
        (Sig::ALRM, Signal::ALARM),
        (Sig::FPE, Signal::FPE),
        (Sig::HUP, Signal::HUP),
        (Sig::ILL, Signal::ILL),
        (Sig::INT, Signal::INT),
        (Sig::KILL, Signal::KILL),
        (Sig::PIPE, Signal::PIPE),
        (Sig::QUIT, Signal::QUIT),
        (Sig::SEGV, Signal::SEGV),
        (Sig::TERM, Signal::TERM),
        (Sig::USR1, Signal::USR1),
    ]
}

fn name(number: i32) -> Sig {
    let known = signals().into_iter().find(|(_, signal)| signal.as_raw() == number);
    known.map_or_else(|| Sig::Custom(format!("SIG{number}@roundsman")), |(name, _)| name)
}

fn number(name: &Sig) -> Option<Signal> {
    signals()
        .into_iter()
        .find(|(known, _)| discriminant(known) == discriminant(name))
        .map(|(_, signal)| signal)
}
