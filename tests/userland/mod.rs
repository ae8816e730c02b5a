//! Shells and the tools that nodes have, run here as a node's shell would be.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use roundsman::round::Ended;
use roundsman::shell::answer::Answer;

use crate::binary::Desk;

/// A shell and the tools it finds.
pub struct Userland {
    pub name: &'static str,
    pub shell: PathBuf,
    pub path: PathBuf,
    /// A user without privileges, where the answer depends on it.
    pub user: Option<u32>,
    _tools: Option<Desk>,
}

const BUSYBOX: &str = "/bin/busybox";

impl Userland {
    pub fn of(name: &'static str, shell: &str) -> Userland {
        assert!(Path::new(shell).exists(), "{shell} is missing: `make setup` installs it");
        Userland { name, shell: shell.into(), path: "/usr/bin:/bin".into(), user: None, _tools: None }
    }

    /// BusyBox and nothing else.
    pub fn busybox() -> Userland {
        assert!(Path::new(BUSYBOX).exists(), "{BUSYBOX} is missing: `make setup` installs busybox-static");
        let tools = open_desk();
        let made = Command::new(BUSYBOX).args(["--install", "-s"]).arg(tools.dir()).status().unwrap();
        assert!(made.success(), "busybox installs its applets");
        let shell = tools.path("sh");
        Userland { name: "busybox", shell, path: tools.dir().into(), user: None, _tools: Some(tools) }
    }

    /// What POSIX promises: a `find` without `-printf`, and no `stat`.
    pub fn posix() -> Userland {
        let tools = open_desk();
        for tool in [
            "sh", "awk", "grep", "sed", "ls", "xargs", "df", "date", "uname", "id", "cut", "tail", "cat",
            "dd", "cksum", "tr",
        ] {
            let real =
                ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(tool)).find(|path| path.exists());
            symlink(real.unwrap_or_else(|| panic!("{tool} is missing")), tools.path(tool)).unwrap();
        }
        symlink("/bin/gzip", tools.path("gzip")).unwrap();
        let find = "#!/bin/sh\nfor word do case $word in -printf|-mmin) echo \"find: $word: unknown primary\" >&2; exit 1;; esac; done\nexec /usr/bin/find \"$@\"\n";
        tools.file("find", find);
        fs::set_permissions(tools.path("find"), fs::Permissions::from_mode(0o755)).unwrap();
        Userland {
            name: "posix",
            shell: "/usr/bin/dash".into(),
            path: tools.dir().into(),
            user: None,
            _tools: Some(tools),
        }
    }

    pub fn all() -> [Userland; 4] {
        [
            Userland::of("dash and GNU", "/usr/bin/dash"),
            Userland::of("bash and GNU", "/bin/bash"),
            Userland::busybox(),
            Userland::posix(),
        ]
    }

    pub fn ask(&self, script: &str) -> Answer {
        self.ask_within(script, 64 << 20)
    }

    /// Runs a script as a node's shell would, and stops it at `limit` bytes of output.
    pub fn ask_within(&self, script: &str, limit: usize) -> Answer {
        let mut command = match self.user {
            None => Command::new(&self.shell),
            Some(id) => {
                let mut command = Command::new("/usr/bin/setpriv");
                command.args([format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".into()]);
                command.arg(&self.shell);
                command
            }
        };
        let mut child = command
            .args(["-c", "eval \"$1\"", "sh", script])
            .env_clear()
            .env("PATH", &self.path)
            .env("LC_ALL", "C")
            .env("LOGNAME", "somebody")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `make setup` installs what is needed", self.name));
        let mut errors = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = errors.read_to_end(&mut said);
            said
        });
        let mut stdout = Vec::new();
        child.stdout.take().unwrap().take(limit as u64 + 1).read_to_end(&mut stdout).unwrap();
        let overflow = stdout.len().saturating_sub(limit);
        stdout.truncate(limit);
        // The pipe is closed by now: whatever still writes to it ends.
        let status = child.wait().unwrap();
        let ended = if overflow > 0 { Ended::Overflow } else { Ended::Exit(status.code().unwrap_or(255)) };
        Answer {
            stdout,
            stderr: errors.join().unwrap(),
            ended: Some(ended),
            overflow: overflow as u64,
            ..Answer::default()
        }
    }
}

/// A directory that every user may look into.
pub fn open_desk() -> Desk {
    let desk = Desk::new();
    fs::set_permissions(desk.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    desk
}
