//! One unattended round at a time of the same playbook and inventory. The lock is the kernel's (flock), so it goes
//! with its holder however that ends; the file only says who holds it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::{FileError, Refusal};
use crate::hash::hash;
use crate::history::{Line, default_path};

/// A holder says who it is right after it has the lock.
const INTRODUCTION: Duration = Duration::from_millis(500);

/// Nobody's introduction is longer.
const LONGEST: u64 = 16 << 10;

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct Lock(File);

/// Who holds a lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: Timestamp,
    command: String,
}

impl Lock {
    /// Takes the lock of what `line` asks; which hosts of it and with which variables does not matter.
    ///
    /// # Errors
    /// Another process holds it, or there is no place for locks.
    pub fn take(line: &Line) -> Result<Lock, Refusal> {
        let dir = directory().ok_or_else(|| {
            Refusal::usage("there is no home to hold a lock in; set HOME, XDG_STATE_HOME or XDG_RUNTIME_DIR")
        })?;
        let trouble = |doing: &str, error: &dyn std::fmt::Display| {
            Refusal::from(FileError::whole(&dir, format!("the lock can't be {doing}: {error}")))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|error| trouble("made", &error))?;
        let path = dir.join(format!("{}.lock", name(line)));
        // It is never removed: whoever waits for a file that is gone holds another one than the next.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| trouble("opened", &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Refusal::Held(held(&mut file, line))),
            Err(error) => return Err(trouble("taken", &error)),
        }
        let holder = Holder {
            pid: std::process::id(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            since: Timestamp::now(),
            command: command(line),
        };
        let said = serde_json::to_vec(&holder).map_err(|error| trouble("written", &error))?;
        file.set_len(0).and_then(|()| file.write_all(&said)).map_err(|error| trouble("written", &error))?;
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A name in a file that nobody holds means nothing, but looks as if it did.
        let _ = self.0.set_len(0);
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// The same place from cron, a timer and a login: where history is; the runtime directory only where there is no home.
fn directory() -> Option<PathBuf> {
    let state = default_path().and_then(|file| Some(file.parent()?.join("locks")));
    let runtime = || {
        let dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute())?;
        Some(dir.join("roundsman"))
    };
    state.filter(|dir| fs::create_dir_all(dir.parent().unwrap_or(dir)).is_ok()).or_else(runtime)
}

/// By whatever link a file is named, it is the same one that is being looked at.
fn name(line: &Line) -> String {
    let real = |names: &str| -> Vec<String> {
        let real = |name: &str| fs::canonicalize(name).map(|path| path.to_string_lossy().into_owned());
        names.split(',').map(|name| real(name).unwrap_or_else(|_| name.to_owned())).collect()
    };
    let parts = [&line.asked, &line.inventory].map(|names| real(names).join(","));
    hash(parts.iter().map(|part| Some(part.as_str())))
}

/// Nothing of the options: variables may be secrets.
fn command(line: &Line) -> String {
    let what = match line.asked.strip_prefix("audit ") {
        Some(pattern) => format!("audit {pattern}"),
        None => format!("run {}", line.asked),
    };
    format!("roundsman {what} -i {}", line.inventory)
}

fn held(file: &mut File, line: &Line) -> String {
    let until = Instant::now() + INTRODUCTION;
    loop {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| Read::by_ref(file).take(LONGEST).read_to_string(&mut text));
        if read.is_ok()
            && let Ok(holder) = serde_json::from_str::<Holder>(&text)
        {
            return format!(
                "another unattended round goes on: process {} on {} since {}, {}; this one is not made",
                holder.pid, holder.host, holder.since, holder.command
            );
        }
        if Instant::now() > until {
            let command = command(line);
            return format!("another unattended round goes on, {command}; who makes it is not known");
        }
        sleep(Duration::from_millis(20));
    }
}
