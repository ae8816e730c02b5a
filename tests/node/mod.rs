//! Real nodes for tests: OpenSSH or Dropbear, in a mount namespace of their own where the test wants other
//! shells, missing tools or read-only disks, and users of this machine to log in as.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{Ran, run};
use crate::sshd::{free_port, keygen, public_line};
use crate::user::User;

/// Which server a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    OpenSsh,
    Dropbear,
}

/// What a node shall be like.
#[derive(Default)]
pub struct Wish<'a> {
    pub dropbear: bool,
    /// Lines for sshd_config.
    pub config: &'a [&'a str],
    /// A shell script that readies the node's mounts; `$DIR` is the node's own directory.
    pub mounts: &'a str,
    /// Users that Dropbear lets in: it looks in their homes.
    pub users: &'a [&'a User],
}

/// A running server, and what a client needs to visit it.
pub struct Node {
    pub port: u16,
    pub dir: tempfile::TempDir,
    child: Child,
}

impl Node {
    pub fn new() -> Node {
        Node::start(Wish::default())
    }

    pub fn start(wish: Wish<'_>) -> Node {
        // sshd will not start without its privilege separation directory; making it takes root.
        let _ = fs::create_dir_all("/run/sshd");
        let dir = tempfile::tempdir_in("/var/tmp").expect("a temporary directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        keygen(&dir.path().join("id"), "ed25519", "");
        fs::write(dir.path().join("authorized_keys"), public_line(&dir.path().join("id")) + "\n").unwrap();
        fs::set_permissions(dir.path().join("authorized_keys"), fs::Permissions::from_mode(0o644)).unwrap();
        let port = free_port();
        let (host_key, words) = match wish.dropbear {
            false => openssh(dir.path(), port, wish.config),
            true => dropbear(dir.path(), port, wish.users),
        };
        fs::write(dir.path().join("known_hosts"), format!("[127.0.0.1]:{port} {host_key}\n")).unwrap();
        let mut command = match wish.mounts {
            "" => Command::new(&words[0]),
            mounts => {
                let mut command = Command::new("unshare");
                let script = format!("set -e\n{mounts}\nexec \"$@\"");
                command.args(["-m", "--propagation", "private", "/bin/bash", "-c", &script, "bash"]);
                command.arg(&words[0]);
                command
            }
        };
        let log = || fs::File::options().create(true).append(true).open(dir.path().join("log")).unwrap();
        let mut child = command
            .args(&words[1..])
            .env("DIR", dir.path())
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("the server starts; `make setup` installs it");
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let gone = !matches!(child.try_wait(), Ok(None));
            if gone || Instant::now() > until {
                let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
                panic!("the server does not listen; `make setup` makes it ready. Its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Node { port, dir, child }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// How many logins the server has accepted.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// Variables of a host that is this node, indented.
    pub fn vars(&self, user: &str) -> String {
        let dir = self.dir.path().display();
        let args = format!("-o UserKnownHostsFile={dir}/known_hosts -o GlobalKnownHostsFile=/dev/null");
        format!(
            "      ansible_host: 127.0.0.1\n      ansible_port: {}\n      ansible_user: {user}\n      \
             ansible_ssh_private_key_file: {dir}/id\n      ansible_ssh_common_args: {args:?}\n",
            self.port,
        )
    }

    /// An inventory in which `user` logs in to the node, with `more` variables.
    pub fn inventory(&self, user: &str, more: &str) -> String {
        let text = format!("all:\n  hosts:\n    broker:\n{}{more}", self.vars(user));
        self.file(&format!("{user}.yml"), &text)
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    #[track_caller]
    pub fn exec(&self, user: &str, command: &str) -> Ran {
        run(["exec", "all", "-T", "20", "-i", &self.inventory(user, ""), "--", command])
    }

    /// The process id of the server that listens.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssh(dir: &Path, port: u16, config: &[&str]) -> (String, Vec<String>) {
    keygen(&dir.join("host_key"), "ed25519", "");
    let file = dir.join("sshd_config");
    let at = dir.display();
    let text = format!(
        "{}\nListenAddress 127.0.0.1:{port}\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\n\
         PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nLogLevel VERBOSE\n",
        config.join("\n"),
    );
    fs::write(&file, text).unwrap();
    let words = ["/usr/sbin/sshd", "-D", "-e", "-f", file.to_str().unwrap()];
    (public_line(&dir.join("host_key")), words.map(str::to_owned).into())
}

fn dropbear(dir: &Path, port: u16, users: &[&User]) -> (String, Vec<String>) {
    let key = dir.join("dropbear_key");
    let made = Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(&key).output();
    let made = made.expect("dropbearkey runs; `make setup` installs dropbear-bin");
    let told = String::from_utf8_lossy(&made.stdout).into_owned();
    let line = told.lines().find(|line| line.starts_with("ssh-ed25519 ")).expect("a public key");
    let line: Vec<&str> = line.split_whitespace().take(2).collect();
    let authorized = fs::read_to_string(dir.join("authorized_keys")).unwrap();
    for user in users {
        user.file(".ssh/authorized_keys", &authorized);
    }
    // root's home is this directory there: see ROOT_AT_HOME.
    let home = dir.join("root/.ssh");
    fs::create_dir_all(&home).unwrap();
    fs::set_permissions(dir.join("root"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(home.join("authorized_keys"), authorized).unwrap();
    let address = format!("127.0.0.1:{port}");
    let words = ["dropbear", "-F", "-E", "-P", "/dev/null", "-p", &address, "-r", key.to_str().unwrap()];
    (line.join(" "), words.map(str::to_owned).into())
}

/// Mounts: root has a home of the node's own, where Dropbear finds its key.
pub const ROOT_AT_HOME: &str = "mkdir -p $DIR/root; mount --bind $DIR/root /root\n";
