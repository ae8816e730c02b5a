//! Running `ssh -G`.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Choice, ConfigError, Dump, Query};

/// A `Match exec` may take its time; it must not take ours for ever.
const PATIENCE: Duration = Duration::from_secs(20);
/// What one call may print, bytes.
const MOST: u64 = 1 << 20;
/// Calls at a time.
const AT_A_TIME: usize = 16;

/// Finds ssh on `PATH`.
pub(super) fn find(path: Option<&OsString>) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    std::env::split_paths(path?).map(|dir| dir.join("ssh")).find(|file| {
        std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}

/// What to ask ssh.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// What it does without any configuration.
    Defaults,
    About(Query),
}

/// Asks all at once, as far as the machine allows.
pub(super) fn ask_all(ssh: &Path, asks: &[Ask]) -> Vec<Result<Dump, ConfigError>> {
    let threads = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2).min(AT_A_TIME);
    if asks.len() <= 1 {
        return asks.iter().map(|one| ask(ssh, one)).collect();
    }
    let share = asks.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = asks
            .chunks(share)
            .map(|asks| {
                let worker = scope.spawn(move || asks.iter().map(|one| ask(ssh, one)).collect::<Vec<_>>());
                (asks.len(), worker)
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|(count, worker)| {
                worker.join().unwrap_or_else(|_| {
                    vec![Err(ConfigError::of("`ssh -G` could not be asked".to_owned())); count]
                })
            })
            .collect()
    })
}

fn ask(ssh: &Path, ask: &Ask) -> Result<Dump, ConfigError> {
    let mut command = Command::new(ssh);
    command.arg("-G");
    let (file, about) = match ask {
        Ask::Defaults => {
            command.args(["-F", "none", "--", "localhost"]);
            (None, "its defaults".to_owned())
        }
        Ask::About(query) => {
            match &query.choice {
                Choice::Usual => {}
                Choice::None => {
                    command.args(["-F", "none"]);
                }
                Choice::File(file) => {
                    command.arg("-F").arg(file);
                }
            }
            if let Some(user) = &query.user {
                command.args(["-l", user]);
            }
            if let Some(port) = query.port {
                command.args(["-p", &port.to_string()]);
            }
            if let Some(hostname) = &query.hostname {
                command.args(["-o", &format!("HostName={hostname}")]);
            }
            command.args(["--", &query.host]);
            let file = match &query.choice {
                Choice::File(file) => Some(file.clone()),
                _ => None,
            };
            (file, format!("host {}", query.host))
        }
    };
    let wrong = |message: String| ConfigError { file: file.clone(), message };
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|error| wrong(format!("{} can't be run: {error}", ssh.display())))?;
    let (status, output, complaint) = finish(child)
        .ok_or_else(|| wrong(format!("`ssh -G` says nothing about {about} within {PATIENCE:?}")))?;
    if status {
        return Ok(Dump::parse(&output));
    }
    let complaint: Vec<&str> =
        complaint.lines().filter(|line| !line.starts_with("Pseudo-terminal")).collect();
    Err(wrong(format!("ssh refuses its configuration for {about}: {}", complaint.join("; "))))
}

/// Whether it succeeded, and what it said on both channels; `None` if it takes too long.
fn finish(mut child: Child) -> Option<(bool, String, String)> {
    let until = Instant::now() + PATIENCE;
    let output = drain(child.stdout.take());
    let complaint = drain(child.stderr.take());
    let rest = || until.saturating_duration_since(Instant::now());
    let both = (output.recv_timeout(rest()).ok(), complaint.recv_timeout(rest()).ok());
    let (Some(output), Some(complaint)) = both else {
        // It may have ended meanwhile, and then there is nothing to kill.
        let _ = child.kill();
        let _ = child.wait();
        return None;
    };
    let status = child.wait().ok()?;
    Some((status.success(), output, complaint))
}

fn drain(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            // What could be read counts; a broken pipe is an end like any other.
            let _ = from.take(MOST).read_to_end(&mut bytes);
        }
        // Nobody waits any more if time ran out.
        let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    told
}
