//! Proving who we are to real OpenSSH servers, and becoming somebody else there.

mod binary;
mod sshd;
mod user;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use binary::{Desk, PATIENCE, Ran, Running, processes_with, roundsman, until};
use rustix::process::{Pid, Signal, kill_process};
use sshd::{Agent, Sshd, keygen, public_line, user};
use user::User;

const PASSWORD: &str = "correct-horse-battery";
const PAM: [&str; 1] = ["UsePAM yes"];

/// A user who logs in with a password.
fn someone(name: &str) -> User {
    User::new(name, "/bin/bash").with_password(PASSWORD)
}

/// A server, a key that it takes and inventories of it.
struct Node {
    desk: Desk,
    sshd: Sshd,
}

impl Node {
    fn new(config: &[&str]) -> Node {
        let desk = Desk::new();
        let sshd = Sshd::of_desk(desk.dir(), config);
        sshd.lets_everybody_in();
        Node { desk, sshd }
    }

    fn authorize(&self, public: &str) {
        let file = self.sshd.authorized_keys();
        let known = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{known}{public}\n")).unwrap();
    }

    /// An inventory in which `user` logs in to `hosts` with `vars`, lines of `name: value`.
    fn inventory(&self, user: &str, hosts: &[&str], vars: &str) -> String {
        let args = format!(
            "-o UserKnownHostsFile={}/known_hosts -o GlobalKnownHostsFile=/dev/null",
            self.desk.dir().display()
        );
        let hosts: String = hosts.iter().map(|host| format!("    {host}:\n")).collect();
        let vars: String = vars.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!(
            "all:\n  hosts:\n{hosts}  vars:\n    ansible_host: 127.0.0.1\n    ansible_port: {}\n    \
             ansible_user: {user}\n    ansible_ssh_common_args: {args:?}\n{vars}",
            self.sshd.port,
        );
        self.desk.file("hosts.yml", &text)
    }

    fn with_key(&self) -> String {
        format!("ansible_ssh_private_key_file: {}", self.desk.path("id").display())
    }

    /// Runs `command` as `user` on one host, without a terminal.
    fn exec(&self, user: &str, vars: &str, command: &str) -> Ran {
        self.exec_with(user, vars, &[], None, command)
    }

    fn exec_with(&self, user: &str, vars: &str, more: &[&str], agent: Option<&Agent>, command: &str) -> Ran {
        Running::start(self.program(user, vars, more, agent, command)).end()
    }

    fn program(
        &self,
        user: &str,
        vars: &str,
        more: &[&str],
        agent: Option<&Agent>,
        command: &str,
    ) -> Command {
        let inventory = self.inventory(user, &["broker"], vars);
        let mut args = vec!["exec", "all", "-i", &inventory, "-T", "20s"];
        args.extend(more);
        args.extend(["--", command]);
        without_terminal(args, self.desk.dir(), agent)
    }
}

/// The program in a session of its own, so that it finds no terminal whoever runs the tests.
fn without_terminal<'a>(
    args: impl IntoIterator<Item = &'a str>,
    home: &Path,
    agent: Option<&Agent>,
) -> Command {
    let plain = roundsman(args);
    let mut command = Command::new("setsid");
    command.arg("-w").arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("HOME", home);
    if let Some(agent) = agent {
        command.env("SSH_AUTH_SOCK", &agent.socket);
    }
    command
}

/// The program at a terminal of its own, made by script(1).
struct AtTerminal {
    child: Child,
    seen: Arc<Mutex<String>>,
}

impl AtTerminal {
    fn start(args: &[&str], home: &Path, after: &str) -> AtTerminal {
        let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
        // The shell round it outlives Ctrl-C, to look at the terminal afterwards.
        let line = format!("trap : INT; '{}' {}{after}", env!("CARGO_BIN_EXE_roundsman"), words.join(" "));
        let mut child = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env("HOME", home)
            .env("SHELL", "/bin/sh")
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script runs");
        let seen = Arc::new(Mutex::new(String::new()));
        let (mut stdout, writer) = (child.stdout.take().unwrap(), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut bytes) {
                writer.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        AtTerminal { child, seen }
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until `text` stands there for the `nth` time.
    #[track_caller]
    fn sees(&self, text: &str, nth: usize) {
        let end = Instant::now() + PATIENCE;
        while self.seen().matches(text).count() < nth {
            assert!(Instant::now() < end, "no {text:?} ({nth}) in\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn types(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    #[track_caller]
    fn ends(mut self, status: i32) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(100));
                assert_eq!(ended.code(), Some(status), "{}", self.seen());
                return self.seen();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.seen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_full_agent_gets_in_although_the_right_key_is_the_last() {
    let node = Node::new(&["MaxAuthTries 6"]);
    let keys: Vec<PathBuf> = (0..12).map(|at| node.desk.path(&format!("key{at}"))).collect();
    keys.iter().for_each(|key| keygen(key, "ed25519", ""));
    let agent = Agent::start(&keys.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    // None of them is let in: said as what it is.
    let ran = node.exec_with(&user(), "", &[], Some(&agent), "true").exits(3);
    assert!(ran.stdout.contains("refused") || ran.stdout.contains("failed"), "{ran:?}");
    node.authorize(&public_line(&keys[11]));
    node.exec_with(&user(), "", &[], Some(&agent), "echo in").exits(0).says("in\n");
    // Its public half beside a named file makes it the first.
    let before = node.sshd.log().matches("Connection from").count();
    fs::remove_file(&keys[11]).unwrap();
    let named = format!("--private-key={}.pub", keys[11].display());
    node.exec_with(&user(), "", &[&named], Some(&agent), "echo in").exits(0).says("in\n");
    assert_eq!(node.sshd.log().matches("Connection from").count(), before + 1);
}

/// Runs a program of the keys' makers.
fn make(program: &str, args: &[&str]) {
    let made = Command::new(program).args(args).stderr(Stdio::null()).stdout(Stdio::null()).status();
    assert!(
        made.unwrap_or_else(|_| panic!("{program} is missing: `make setup`")).success(),
        "{program} {args:?}"
    );
}

#[test]
fn encrypted_keys_of_every_format_open_with_their_passphrase_and_no_other() {
    let node = Node::new(&[]);
    let path = |name: &str| node.desk.path(name).display().to_string();
    keygen(Path::new(&path("openssh")), "ed25519", "sesame");
    make("ssh-keygen", &["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "sesame", "-f", &path("pkcs1")]);
    make("ssh-keygen", &["-q", "-t", "ecdsa", "-m", "PKCS8", "-N", "sesame", "-f", &path("pkcs8")]);
    make("ssh-keygen", &["-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", &path("plain_ec")]);
    for (cipher, name) in [("-aes256", "sec1"), ("-des3", "sec1_des3"), ("-aes192", "sec1_aes192")] {
        make(
            "openssl",
            &["ec", "-in", &path("plain_ec"), cipher, "-passout", "pass:sesame", "-out", &path(name)],
        );
        fs::copy(path("plain_ec.pub"), path(&format!("{name}.pub"))).unwrap();
    }
    for name in ["openssh", "pkcs1", "pkcs8", "sec1", "sec1_des3", "sec1_aes192"] {
        node.authorize(&public_line(&node.desk.path(name)));
        let vars = |passphrase: &str| {
            format!(
                "ansible_ssh_private_key_file: {}\nansible_ssh_private_key_passphrase: {passphrase}",
                path(name)
            )
        };
        let ran = node.exec(&user(), &vars("sesame"), "echo in").exits(0);
        assert!(ran.stdout.contains("in\n"), "{name}: {ran:?}");
        let ran = node.exec(&user(), &vars("barley"), "echo in").exits(3);
        assert!(ran.stdout.contains(&path(name)) && ran.stdout.contains("wrong"), "{name}: {ran:?}");
        assert!(!ran.stdout.contains("barley") && !ran.stderr.contains("barley"), "{ran:?}");
        // Nobody there to be asked.
        let vars = format!("ansible_ssh_private_key_file: {}", path(name));
        let ran = node.exec(&user(), &vars, "echo in").exits(3);
        assert!(ran.stdout.contains("is encrypted"), "{name}: {ran:?}");
    }
}

#[test]
fn a_passphrase_is_asked_once_for_many_hosts_and_again_when_it_was_wrong() {
    let node = Node::new(&[]);
    keygen(&node.desk.path("locked"), "ed25519", "sesame");
    node.authorize(&public_line(&node.desk.path("locked")));
    let vars = format!("ansible_ssh_private_key_file: {}", node.desk.path("locked").display());
    let inventory = node.inventory(&user(), &["b1", "b2", "b3"], &vars);
    let args = ["exec", "all", "-i", &inventory, "--", "echo", "in"];
    let mut terminal = AtTerminal::start(&args, node.desk.dir(), "");
    terminal.sees("passphrase:", 1);
    terminal.types("barley\n");
    terminal.sees("wrong; passphrase:", 1);
    terminal.types("sesame\n");
    let seen = terminal.ends(0);
    assert_eq!(seen.matches("passphrase:").count(), 2, "{seen}");
    assert_eq!(seen.matches("in\r\n").count(), 3, "{seen}");
    assert!(!seen.contains("sesame") && !seen.contains("barley"), "{seen}");
}

#[test]
fn user_certificates_open_what_their_keys_do_not() {
    let desk = Desk::new();
    keygen(&desk.path("ca"), "ed25519", "");
    let trusted = format!("TrustedUserCAKeys {}", desk.path("ca.pub").display());
    let node = Node::new(&[&trusted]);
    for kind in ["ed25519", "rsa"] {
        let key = node.desk.path(&format!("mine_{kind}"));
        keygen(&key, kind, "");
        let vars = format!("ansible_ssh_private_key_file: {}", key.display());
        node.exec(&user(), &vars, "echo in").exits(3).says("refused");
        let ca = desk.path("ca").display().to_string();
        make("ssh-keygen", &["-q", "-s", &ca, "-I", "me", "-n", &user(), &format!("{}.pub", key.display())]);
        node.exec(&user(), &vars, "echo in").exits(0).says("in\n");
        // ssh-add takes the certificate beside the key along.
        let agent = Agent::start(&[&key]);
        node.exec_with(&user(), "", &[], Some(&agent), "echo in").exits(0).says("in\n");
    }
    assert!(node.sshd.log().contains("ID me"), "{}", node.sshd.log());
}

#[test]
fn a_password_gets_in_by_either_method_and_a_wrong_one_is_sent_once() {
    let who = someone("password");
    for methods in [
        ["PasswordAuthentication yes", "KbdInteractiveAuthentication no"],
        ["PasswordAuthentication no", "KbdInteractiveAuthentication yes"],
        ["PasswordAuthentication yes", "KbdInteractiveAuthentication yes"],
    ] {
        let node = Node::new(&[PAM[0], methods[0], methods[1], "PubkeyAuthentication no"]);
        let vars = |password: &str| format!("ansible_password: {password}");
        node.exec(&who.name, &vars(PASSWORD), "echo in").exits(0).says("in\n");
        let ran = node.exec(&who.name, &vars("wrong-horse"), "echo in").exits(3);
        assert!(ran.stdout.contains("password") && !ran.stdout.contains("wrong-horse"), "{ran:?}");
        let failures = node.sshd.log().lines().filter(|line| line.starts_with("Failed ")).count();
        assert_eq!(failures, 1, "{}", node.sshd.log());
        // None given, nobody to ask: the host, what is missing, and how to give it.
        let ran = node.exec(&who.name, "", "echo in").exits(3);
        assert!(ran.stdout.contains("-k"), "{ran:?}");
    }
}

#[test]
fn several_proofs_are_given_one_after_another() {
    let who = someone("several");
    for second in ["password", "keyboard-interactive"] {
        let wants = format!("AuthenticationMethods publickey,{second}");
        let node =
            Node::new(&[PAM[0], &wants, "PasswordAuthentication yes", "KbdInteractiveAuthentication yes"]);
        let vars = format!("{}\nansible_password: {PASSWORD}", node.with_key());
        node.exec(&who.name, &vars, "echo in").exits(0).says("in\n");
        let ran = node.exec(&who.name, &node.with_key(), "echo in").exits(3);
        assert!(ran.stdout.contains(&who.name), "{ran:?}");
    }
}

#[test]
fn the_password_for_all_is_asked_once_and_ctrl_c_gives_the_terminal_back() {
    let who = someone("asked");
    let node = Node::new(&[PAM[0], "PasswordAuthentication yes", "PubkeyAuthentication no"]);
    let inventory = node.inventory(&who.name, &["b1", "b2"], "");
    let args = ["exec", "all", "-k", "-i", &inventory, "--", "echo", "in"];
    let mut terminal = AtTerminal::start(&args, node.desk.dir(), "");
    terminal.sees("SSH password:", 1);
    terminal.types(&format!("{PASSWORD}\n"));
    let seen = terminal.ends(0);
    assert_eq!((seen.matches("SSH password:").count(), seen.matches("in\r\n").count()), (1, 2), "{seen}");
    assert!(!seen.contains(PASSWORD), "{seen}");

    let mut terminal = AtTerminal::start(&args, node.desk.dir(), "; echo status=$?; stty -a");
    terminal.sees("SSH password:", 1);
    terminal.types("half a pass\u{3}");
    let seen = terminal.ends(0);
    assert!(seen.contains("status=130") && seen.contains(" echo "), "{seen}");
    assert!(!seen.contains("half a pass"), "{seen}");

    // The same from outside, and with nobody at a terminal at all.
    let terminal = AtTerminal::start(&args, node.desk.dir(), "; echo status=$?; stty -a");
    terminal.sees("SSH password:", 1);
    let line = format!("{inventory} -- echo in");
    let found = processes_of_ours(&line);
    let pid = Pid::from_raw(*found.first().expect("the program runs")).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let seen = terminal.ends(0);
    assert!(seen.contains("status=143") && seen.contains(" echo "), "{seen}");
    let ran = Running::start(without_terminal(args, node.desk.dir(), None)).end().exits(64);
    ran.complains("terminal");

    // ansible.cfg and its variables ask as the flags do.
    let plain = ["exec", "all", "-i", &inventory, "--", "echo in"];
    for (name, question) in
        [("ANSIBLE_ASK_PASS", "SSH password:"), ("ANSIBLE_BECOME_ASK_PASS", "BECOME password:")]
    {
        let mut command = without_terminal(plain, node.desk.dir(), None);
        command.env(name, "yes");
        let ran = Running::start(command).end().exits(64);
        assert!(ran.stderr.contains(question) && ran.stderr.contains("no terminal"), "{}", ran.stderr);
    }
}

/// The program's processes whose command line holds `word`.
fn processes_of_ours(word: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("Linux's /proc");
    entries
        .flatten()
        .filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let ours = line.starts_with(env!("CARGO_BIN_EXE_roundsman")) && line.contains(word);
            ours.then(|| entry.file_name().to_str()?.parse().ok()).flatten()
        })
        .collect()
}

#[test]
fn a_bastion_asks_once_however_many_nodes_lie_behind() {
    let who = someone("bastion");
    let bastion = Node::new(&[
        PAM[0],
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication yes",
        "AuthenticationMethods keyboard-interactive",
        // Answers may take longer than a login.
        "LoginGraceTime 60",
    ]);
    let node = Node::new(&[]);
    let known = [&bastion, &node].map(|node| node.sshd.known_host()).concat();
    fs::write(node.desk.path("known_hosts"), known).unwrap();
    let inventory = node.inventory(&user(), &["b1", "b2", "b3"], &node.with_key());
    let jump = format!("-J {}@127.0.0.1:{}", who.name, bastion.sshd.port);
    let jump = format!("--ssh-common-args={jump}");
    let args = ["exec", "all", "-i", &inventory, "-T", "4s", &jump, "--", "echo", "in"];
    let mut terminal = AtTerminal::start(&args, node.desk.dir(), "");
    terminal.sees("Password:", 1);
    // Longer than the login may take: the clock stands.
    std::thread::sleep(Duration::from_secs(5));
    terminal.types(&format!("{PASSWORD}\n"));
    let seen = terminal.ends(0);
    assert_eq!(seen.matches("Password:").count(), 1, "{seen}");
    assert!(seen.contains(&format!("({}@127.0.0.1)", who.name)), "{seen}");
    assert_eq!(seen.matches("in\r\n").count(), 3, "{seen}");
    assert!(!seen.contains(PASSWORD), "{seen}");
}

#[test]
fn a_server_that_takes_only_kerberos_is_named_for_it() {
    let node = Node::new(&["GSSAPIAuthentication yes", "PubkeyAuthentication no"]);
    let ran = node.exec(&user(), &node.with_key(), "true").exits(3);
    assert!(ran.stdout.contains("Kerberos") && ran.stdout.contains("ProxyCommand"), "{ran:?}");
}

/// What a shell inside another user must do: say who it is, keep the streams apart, give the status.
const PROBE: &str = "id -un; printf 'no newline'; echo complaint >&2; exit 3";

#[track_caller]
fn became(ran: Ran, who: &str) {
    let ran = ran.exits(2);
    assert!(ran.stdout.contains(&format!("{who}\nno newline\n")), "{ran:?}");
    assert!(ran.stdout.contains("rc=3"), "{ran:?}");
    assert!(ran.stderr.contains("complaint") && !ran.stdout.contains("complaint"), "{ran:?}");
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains("not found"), "{ran:?}");
    }
}

#[test]
fn sudo_takes_a_password_with_and_without_a_terminal() {
    let node = Node::new(&[]);
    for (name, sudoers) in [
        ("sudo", "USER ALL=(ALL) ALL\nDefaults:USER !use_pty,timestamp_timeout=0"),
        ("pty", "USER ALL=(ALL) ALL\nDefaults:USER use_pty,timestamp_timeout=0"),
        ("tty", "USER ALL=(ALL) ALL\nDefaults:USER requiretty,!use_pty,timestamp_timeout=0"),
        ("both", "USER ALL=(ALL) ALL\nDefaults:USER requiretty,use_pty,timestamp_timeout=0"),
        // Nobody reads the password here, and no shell may run it.
        ("free", "USER ALL=(ALL) NOPASSWD: ALL"),
        ("freetty", "USER ALL=(ALL) NOPASSWD: ALL\nDefaults:USER requiretty"),
    ] {
        let who = someone(name).sudoers(sudoers);
        let vars = |password: &str| {
            format!(
                "{}\nansible_become: true\nvault_x: {password}\nansible_become_password: '{{{{ vault_x }}}}'",
                node.with_key()
            )
        };
        became(node.exec(&who.name, &vars(PASSWORD), PROBE), "root");
        if name.starts_with("free") {
            continue;
        }
        let ran = node.exec(&who.name, &vars("wrong-horse"), PROBE).exits(3);
        assert!(ran.stdout.contains("password for it is wrong"), "{name}: {ran:?}");
        assert!(!ran.stdout.contains("wrong-horse"), "{name}: {ran:?}");
        let none = format!("{}\nansible_become: true", node.with_key());
        let ran = node.exec(&who.name, &none, PROBE).exits(3);
        assert!(ran.stdout.contains("-K"), "{name}: {ran:?}");
    }
    let nobody = someone("norights");
    let vars = format!("{}\nansible_become: true\nansible_become_pass: {PASSWORD}", node.with_key());
    let ran = node.exec(&nobody.name, &vars, PROBE).exits(3);
    assert!(ran.stdout.contains("sudoers"), "{ran:?}");
}

#[test]
fn su_takes_a_password() {
    let node = Node::new(&[]);
    let (who, other) = (someone("su-from"), someone("su-to"));
    let vars = |password: &str| {
        format!(
            "{}\nansible_become: true\nansible_become_method: su\nansible_become_user: {}\n\
             ansible_become_password: {password}",
            node.with_key(),
            other.name
        )
    };
    became(node.exec(&who.name, &vars(PASSWORD), PROBE), &other.name);
    let ran = node.exec(&who.name, &vars("wrong-horse"), PROBE).exits(3);
    assert!(ran.stdout.contains("password for it is wrong"), "{ran:?}");
    // A login shell that talks about passwords is not asked for one by that.
    fs::write(who.home.join(".bashrc"), "echo 'Your password: expires'; echo 'password:' >&2\n").unwrap();
    became(node.exec(&who.name, &vars(PASSWORD), PROBE), &other.name);
}

#[test]
fn the_become_password_is_asked_once_or_read_from_a_file() {
    let node = Node::new(&[]);
    let who = someone("asked-k").sudoers("USER ALL=(ALL) ALL\nDefaults:USER timestamp_timeout=0");
    let inventory = node.inventory(&who.name, &["b1", "b2"], &node.with_key());
    let args = ["exec", "all", "-bK", "-i", &inventory, "--", "id", "-un"];
    let mut terminal = AtTerminal::start(&args, node.desk.dir(), "");
    terminal.sees("BECOME password:", 1);
    terminal.types(&format!("{PASSWORD}\n"));
    let seen = terminal.ends(0);
    assert_eq!(seen.matches("root\r\n").count(), 2, "{seen}");
    assert!(!seen.contains(PASSWORD), "{seen}");
    let file = node.desk.file("pass", &format!("{PASSWORD}\n"));
    let file = format!("--become-password-file={file}");
    node.exec_with(&who.name, &node.with_key(), &["-b", &file], None, "id -un").exits(0).says("root\n");
    let ran =
        node.exec_with(&who.name, &node.with_key(), &["-b", &file, "--dry-run"], None, "id -un").exits(0);
    assert!(!ran.stdout.contains(PASSWORD), "{ran:?}");
}

#[test]
fn whoever_was_become_ends_with_us() {
    let node = Node::new(&[]);
    let other = someone("ends-to");
    let password = format!("ansible_become_password: {PASSWORD}");
    for (name, sudoers, more) in [
        ("ends", "USER ALL=(ALL) ALL\nDefaults:USER !use_pty", String::new()),
        ("endspty", "USER ALL=(ALL) ALL\nDefaults:USER use_pty", String::new()),
        ("endstty", "USER ALL=(ALL) ALL\nDefaults:USER requiretty,!use_pty", String::new()),
        ("endsboth", "USER ALL=(ALL) ALL\nDefaults:USER requiretty,use_pty", String::new()),
        ("endssu", "", format!("\nansible_become_method: su\nansible_become_user: {}", other.name)),
    ] {
        let who = someone(name).sudoers(sudoers);
        let vars = format!("{}\nansible_become: true\n{password}{more}", node.with_key());
        let word = format!("98{}.{}", std::process::id(), name.len());
        let command = format!("(trap '' HUP; sleep {word}) & sleep {word}");
        let running = Running::start(node.program(&who.name, &vars, &[], None, &command));
        let there = || {
            processes_with(&format!("sleep {word}"))
                .iter()
                .any(|line| line.contains(&format!(": sleep {word}")))
        };
        until(&format!("{name}: it runs"), PATIENCE, there);
        let line = format!("-- {command}");
        for pid in processes_of_ours(&line) {
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        }
        until(&format!("{name}: it ends"), Duration::from_secs(4), || !there());
        drop(running);
    }
}
