//! Users of this machine for tests to log in as. Making them takes root.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// useradd and userdel hold a lock on /etc/passwd and do not wait for it.
static PASSWD: Mutex<()> = Mutex::new(());

fn passwd() -> MutexGuard<'static, ()> {
    PASSWD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A user, gone when dropped. The home is not in /tmp, which a node may have for itself.
pub struct User {
    pub name: String,
    pub home: PathBuf,
    sudoers: PathBuf,
}

impl User {
    /// A user with a login shell and no password.
    #[track_caller]
    pub fn new(name: &str, shell: &str) -> User {
        assert!(Path::new(shell).exists(), "{shell} is missing: `make setup` installs it");
        let name = format!("rm-test-{name}");
        let home = PathBuf::from(format!("/var/tmp/{name}-{}", std::process::id()));
        let sudoers = PathBuf::from(format!("/etc/sudoers.d/{name}"));
        let _guard = passwd();
        // One that an aborted run left behind.
        let _ = Command::new("userdel").args(["-f", &name]).stderr(Stdio::null()).status();
        let made = Command::new("useradd")
            .args(["-M", "-d", home.to_str().unwrap(), "-s", shell, "-p", "*", &name])
            .status()
            .expect("useradd runs; these tests make users, so they run as root, e.g. in `make test`");
        assert!(made.success(), "useradd {name}: these tests make users, so they run as root");
        fs::create_dir_all(&home).unwrap();
        let user = User { name, home, sudoers };
        user.own();
        user
    }

    /// Gives the user a password.
    pub fn with_password(self, password: &str) -> User {
        let _guard = passwd();
        let mut chpasswd = Command::new("chpasswd").stdin(Stdio::piped()).spawn().expect("chpasswd runs");
        chpasswd.stdin.take().unwrap().write_all(format!("{}:{password}\n", self.name).as_bytes()).unwrap();
        assert!(chpasswd.wait().unwrap().success());
        self
    }

    /// Writes a file in the user's home.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.own();
    }

    fn own(&self) {
        let owner = format!("{}:", self.name);
        let done = Command::new("chown").args(["-R", &owner]).arg(&self.home).status().unwrap();
        assert!(done.success());
    }

    /// Lines of sudoers, `USER` standing for the name.
    pub fn sudoers(self, lines: &str) -> User {
        let text = format!("{}\n", lines.replace("USER", &self.name));
        fs::write(&self.sudoers, text).unwrap();
        fs::set_permissions(&self.sudoers, fs::Permissions::from_mode(0o440)).unwrap();
        let sound = Command::new("visudo").args(["-c", "-q", "-f"]).arg(&self.sudoers).status();
        assert!(sound.expect("sudo is missing: `make setup` installs it").success());
        self
    }

    /// Lets the user run everything as everybody without a password.
    pub fn may_become(self) -> User {
        self.sudoers("USER ALL=(ALL) NOPASSWD: ALL")
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _guard = passwd();
        let _ = fs::remove_file(&self.sudoers);
        let _ = Command::new("userdel").args(["-f", &self.name]).stderr(Stdio::null()).status();
        let _ = fs::remove_dir_all(&self.home);
    }
}
