//! Real OpenSSH servers on free ports of 127.0.0.1, for tests. Each runs as the user who runs the tests,
//! has a directory of its own, and is gone when dropped.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// sshd must be called by its absolute path: it starts itself again for every connection.
const SSHD: &str = "/usr/sbin/sshd";

/// A running server.
pub struct Sshd {
    pub port: u16,
    dir: tempfile::TempDir,
    child: Child,
}

/// What a server shall be like.
#[derive(Default)]
pub struct Options<'a> {
    /// Lines for sshd_config; the first line for a keyword wins, and these come first.
    pub config: &'a [&'a str],
    /// Lines for authorized_keys.
    pub authorized: &'a [String],
}

impl Sshd {
    /// Starts a server and waits until it listens.
    pub fn start(options: Options<'_>) -> Sshd {
        assert!(Path::new(SSHD).exists(), "{SSHD} is missing: `make setup` installs openssh-server");
        // sshd will not start without its privilege separation directory; making it takes root.
        let _ = fs::create_dir_all("/run/sshd");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let host_key = dir.path().join("host_key");
        keygen(&host_key, "ed25519", "");
        let authorized = dir.path().join("authorized_keys");
        fs::write(&authorized, options.authorized.join("\n") + "\n").expect("authorized_keys");

        // A port that was free a moment ago may be taken by another test; then the next one is tried.
        for _ in 0..5 {
            let port = free_port();
            let config = dir.path().join("sshd_config");
            let text = format!(
                "{}\nListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
                 StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\nMaxStartups 500\nSetEnv SHLVL=2\nLogLevel VERBOSE\n",
                options.config.join("\n"),
                host_key.display(),
                authorized.display(),
            );
            fs::write(&config, text).expect("sshd_config");
            let log = fs::File::create(dir.path().join("log")).expect("a log file");
            let mut child = Command::new(SSHD)
                .args(["-D", "-e", "-f"])
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("sshd starts");
            if listens(port, &mut child) {
                return Sshd { port, dir, child };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("sshd does not listen; `make setup` makes it ready. Its log:\n{log}");
    }

    /// Starts a server that takes the key `id`, made in `desk`, and leaves its `known_hosts` there.
    pub fn of_desk(desk: &Path, config: &[&str]) -> Sshd {
        keygen(&desk.join("id"), "ed25519", "");
        let authorized = [public_line(&desk.join("id"))];
        let sshd = Sshd::start(Options { config, authorized: &authorized });
        fs::write(desk.join("known_hosts"), sshd.known_host()).expect("known_hosts");
        sshd
    }

    /// All that the server wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// How many logins by key the server has accepted.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Ends every connection, but not the server itself.
    pub fn cut_connections(&self) {
        let pid = self.child.id();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("Linux's /proc");
        list.split_whitespace().filter_map(|pid| pid.parse().ok()).for_each(|pid| signal("-KILL", pid));
    }

    /// The server's public key, without its comment: `ssh-ed25519 AAAA…`.
    pub fn host_key(&self) -> String {
        public_line(&self.dir.path().join("host_key"))
    }

    /// Whose keys it lets in.
    pub fn authorized_keys(&self) -> PathBuf {
        self.dir.path().join("authorized_keys")
    }

    /// Lets other users than root in by the same keys: sshd reads the file as the user who comes.
    pub fn lets_everybody_in(&self) {
        let file = self.authorized_keys();
        fs::set_permissions(file.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }

    /// A known_hosts line for the server.
    pub fn known_host(&self) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, self.host_key())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running ssh-agent.
pub struct Agent {
    pub socket: PathBuf,
    _dir: tempfile::TempDir,
    child: Child,
}

impl Agent {
    /// Starts an agent that holds `keys`.
    pub fn start(keys: &[&Path]) -> Agent {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let socket = dir.path().join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent starts; `make setup` installs openssh-client");
        let until = Instant::now() + Duration::from_secs(10);
        while !socket.exists() {
            assert!(Instant::now() < until, "ssh-agent makes no socket");
            std::thread::sleep(Duration::from_millis(10));
        }
        let agent = Agent { socket, _dir: dir, child };
        for key in keys {
            let added = Command::new("ssh-add")
                .arg(key)
                .env("SSH_AUTH_SOCK", &agent.socket)
                .stderr(Stdio::null())
                .status()
                .expect("ssh-add runs");
            assert!(added.success(), "ssh-add takes {}", key.display());
        }
        agent
    }

    /// Makes the agent accept connections and answer nothing.
    pub fn freeze(&self) {
        signal("-STOP", self.child.id());
    }
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "kill {name} {pid}");
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a key pair in `file` and `file.pub`; `kind` is ssh-keygen's `-t`.
pub fn keygen(file: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"])
        .arg(file)
        .status()
        .expect("ssh-keygen runs; `make setup` installs openssh-client");
    assert!(made.success(), "ssh-keygen makes {}", file.display());
}

/// The first two words of `file.pub`.
pub fn public_line(file: &Path) -> String {
    let text = fs::read_to_string(file.with_extension("pub")).expect("a public key");
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// A port of 127.0.0.1 on which nothing listens now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The name of the user who runs the tests: the only one an sshd that is not root's can log in.
pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn listens(port: u16, child: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if !matches!(child.try_wait(), Ok(None)) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
