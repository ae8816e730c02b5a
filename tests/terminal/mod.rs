//! A terminal of a test's own, made by script(1), with a program at it.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The directory of the program under test.
pub fn program_dir() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_roundsman")).parent().expect("a program is in a directory")
}

/// `command` with the program under test found by its name, and none of the tester's own settings.
pub fn bare(program: &str, home: &Path) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", format!("{}:{path}", program_dir().display()));
    command.env("HOME", home).env("LC_ALL", "C.UTF-8").env("TERM", "xterm").env("SHELL", "/bin/sh");
    command
}

/// What stands on the terminal so far, and the keys.
pub struct Terminal {
    child: Child,
    seen: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts a line of the shell's at a wide terminal.
    pub fn start(line: &str, home: &Path, env: &[(&str, &str)]) -> Terminal {
        let mut command = bare("script", home);
        command.args(["-qefc", &format!("stty cols 300 rows 60; {line}"), "/dev/null"]);
        let mut child = command
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script runs");
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut stdout, writer) = (child.stdout.take().expect("a pipe"), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                writer.lock().expect("no panic").push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Terminal { child, seen }
    }

    pub fn seen(&self) -> String {
        self.seen.lock().expect("no panic").clone()
    }

    /// Waits until `text` stands there.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.seen().contains(text) {
            assert!(Instant::now() < end, "no {text:?} in\n{}", self.seen());
            sleep(Duration::from_millis(10));
        }
    }

    pub fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(text.as_bytes()).expect("the terminal is there");
        stdin.flush().expect("the terminal is there");
    }

    /// Waits for the end; gives what was seen, and the exit status.
    #[track_caller]
    pub fn ends(mut self) -> (String, Option<i32>) {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(ended) = self.child.try_wait().expect("its state") {
                // The reader may still have the last bytes to take.
                sleep(Duration::from_millis(200));
                return (self.seen(), ended.code());
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.seen());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
