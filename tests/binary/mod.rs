//! The program itself, run as a person runs it, and embedded fleets for it to visit.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use roundsman::demo::{Demo, Fleet, FleetBuilder};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes on a busy machine: it only keeps a hang from being silent.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the program said and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// `None`: a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    /// Fails with everything that was said unless the exit status is `status`.
    #[track_caller]
    pub fn exits(self, status: i32) -> Ran {
        assert_eq!(self.status, Some(status), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails with everything that was said unless standard output holds `text`.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Ran {
        assert!(
            self.stdout.contains(text),
            "no {text:?} in\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The same of standard error.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Ran {
        assert!(self.stderr.contains(text), "no {text:?} in\n--- stderr\n{}", self.stderr);
        self
    }
}

/// The program with `args`, without the tester's own agent, inventory and colours.
pub fn roundsman<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roundsman"));
    command.args(args);
    for name in ["SSH_AUTH_SOCK", "ROUNDSMAN_INVENTORY", "ROUNDSMAN_HISTORY", "NO_COLOR", "LANG", "LC_CTYPE"]
    {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").env("USER", "tester");
    // A test that is about the history names one, and removes this.
    command.env("ROUNDSMAN_NO_HISTORY", "1");
    command
}

/// Runs the program to its end.
pub fn run<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    Running::start(roundsman(args)).end()
}

/// The program while it runs.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    began: Instant,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = child.stdout.take().map(drain);
        let stderr = child.stderr.take().map(drain);
        Running { child, stdout, stderr, began: Instant::now() }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the program is still there");
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                break Some(status);
            }
            if Instant::now() > until {
                break None;
            }
            sleep(Duration::from_millis(5));
        };
        let took = self.began.elapsed();
        if status.is_none() {
            let _ = self.child.kill();
        }
        let text = |reader: Option<JoinHandle<Vec<u8>>>| {
            let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        let Some(status) = status else {
            panic!("it does not end within {PATIENCE:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
        };
        Ran { status: status.code(), stdout, stderr, took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a test that failed half way leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends it as the end of the output does.
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits until `done`.
#[track_caller]
pub fn until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Something that serves SSH in this process, on threads of its own, until it is dropped.
pub struct Served<T> {
    runtime: tokio::runtime::Runtime,
    what: Option<T>,
}

impl<T> std::ops::Deref for Served<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.what.as_ref().expect("it is there until it is dropped")
    }
}

impl<T> Drop for Served<T> {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        drop(self.what.take());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// Starts a fleet.
pub fn serve(builder: FleetBuilder) -> Served<Fleet> {
    let runtime = runtime();
    let fleet = runtime.block_on(builder.start()).expect("an embedded fleet");
    Served { runtime, what: Some(fleet) }
}

/// Starts the brokers of the incident.
pub fn serve_incident() -> Served<Demo> {
    let runtime = runtime();
    let demo = runtime.block_on(Demo::start()).expect("the brokers of the incident");
    Served { runtime, what: Some(demo) }
}

/// A directory of a test's own, and the files in it.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Desk {
        Desk(tempfile::tempdir().expect("a temporary directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).expect("a file is written");
        path.display().to_string()
    }

    pub fn dir(&self) -> &Path {
        self.0.path()
    }
}

/// The command lines, environment aside, of all processes of this machine that hold `word` and are no
/// program of ours.
pub fn processes_with(word: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("Linux's /proc");
    entries
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let ours = line.starts_with(env!("CARGO_BIN_EXE_roundsman")) || pid == std::process::id();
            (line.contains(word) && !ours).then(|| format!("{pid}: {line}"))
        })
        .collect()
}

/// Writes a replica's directory of one segment, as sparse as the file system allows.
pub fn replica(log_dir: &Path, topic: &str, partition: u32, bytes: u64) {
    let dir = log_dir.join(format!("{topic}-{partition}"));
    fs::create_dir_all(&dir).expect("a replica's directory");
    let segment = fs::File::create(dir.join("00000000000000000000.log")).expect("a segment");
    segment.set_len(bytes).expect("a sparse segment");
}

/// Two brokers that hold two alike replicas of each of `orders`' three partitions, with logs that say
/// nothing bad.
pub fn healthy_pair() -> Served<Fleet> {
    let builder = Fleet::builder().node("broker-a").node("broker-b").broker_id(0, 1).broker_id(1, 2);
    let fleet = serve(builder);
    for (node, id) in fleet.nodes().iter().zip([1, 2]) {
        fs::create_dir_all(node.log_dir()).expect("a log dir");
        fs::create_dir_all(node.logs_dir()).expect("a directory of logs");
        (0..3).for_each(|partition| replica(&node.log_dir(), "orders", partition, 600 << 20));
        let write = |path: PathBuf, text: &str| fs::write(path, text).expect("a file is written");
        write(node.log_dir().join("meta.properties"), &format!("version=0\nbroker.id={id}\n"));
        let marks = "0\n3\norders 0 5000\norders 1 5000\norders 2 5000\n";
        write(node.log_dir().join("replication-offset-checkpoint"), marks);
        let server = "[2026-11-01 10:00:00,000] INFO Kafka version : 1.0.0 (org.apache.kafka.common.utils.AppInfoParser)\n";
        write(node.logs_dir().join("server.log"), server);
        let cleaner = "[2026-11-01 10:00:01,000] INFO Cleaner 0: Beginning cleaning of log orders-0. (kafka.log.LogCleaner)\n";
        write(node.logs_dir().join("log-cleaner.log"), cleaner);
        own_disk(node.sandbox());
    }
    fleet
}

/// A `df` of the node's own, with a disk that is a tenth full: this machine's may be at its limit.
fn own_disk(sandbox: &Path) {
    let bin = sandbox.join("usr/local/bin");
    fs::create_dir_all(&bin).expect("a directory of programs");
    let df = "#!/bin/sh\ncase \" $* \" in\n*' -i '*) echo 'Filesystem Inodes IUsed IFree IUse% Mounted on'\n\
              echo '/dev/sdb1 1000000 1000 999000 1% /services';;\n\
              *) echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'\n\
              echo '/dev/sdb1 1048576000 104857600 943718400 10% /services';;\nesac\n";
    fs::write(bin.join("df"), df).expect("a program is written");
    fs::set_permissions(bin.join("df"), fs::Permissions::from_mode(0o755)).expect("a program may run");
}

/// The playbook that is shipped for everything.
pub const AUDIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/kafka-audit.yml");
