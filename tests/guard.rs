//! Nothing of ours stays on a node, whatever its server, its shell and its user are, and nothing is written
//! there.

mod binary;
mod node;
mod sshd;
mod user;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use binary::{AUDIT, PATIENCE, Running, processes_with, replica, roundsman, run, until};
use node::{Node, ROOT_AT_HOME, Wish};
use rustix::process::Signal;
use user::User;

/// How long a node may take to end what we left once its sshd has seen us go.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// What /bin/sh may be on a node.
const SHELLS: [(&str, &str); 3] = [
    ("dash", "true\n"),
    ("bash", "mount --bind /bin/bash /bin/sh\n"),
    ("BusyBox", "mount --bind /bin/busybox /bin/sh\n"),
];

/// A command with a child, a background child, and one whose parent has ended; it ignores what asks nicely.
fn stubborn(seconds: u32) -> String {
    format!("trap '' HUP TERM INT PIPE; (sleep {seconds} &) ; sleep {seconds} & sleep {seconds}; echo never")
}

#[track_caller]
fn gone(what: &str, word: &str, within: Duration) {
    until(&format!("{what}: {word} is gone: {:?}", processes_with(word)), within, || {
        processes_with(word).is_empty()
    });
}

/// One way to be on a node: which server and shell there, and who we are.
struct Way {
    name: String,
    sudo: bool,
    /// Tells its processes from all others.
    seconds: u32,
    inventory: String,
}

impl Way {
    fn word(&self) -> String {
        format!("sleep {}", self.seconds)
    }

    /// The stubborn command, running there.
    fn start(&self, more: &[&str]) -> Running {
        let command = stubborn(self.seconds);
        let sudo: &[&str] = if self.sudo { &["-b"] } else { &[] };
        let round = [&["exec", "all", "-T", "30", "-i", &self.inventory], sudo, more, &["--", &command]];
        let round = Running::start(roundsman(round.concat()));
        until(&format!("{}: it runs", self.name), PATIENCE, || processes_with(&self.word()).len() >= 3);
        round
    }
}

/// Every server with every shell, as root, as another, and as another who becomes root.
fn ways(user: &User, first: u32) -> (Vec<Node>, Vec<Way>) {
    let mut nodes = Vec::new();
    let mut ways = Vec::new();
    let mut keys = String::new();
    for dropbear in [false, true] {
        for (shell, mounts) in SHELLS {
            let node = Node::start(Wish {
                dropbear,
                mounts: &format!("{ROOT_AT_HOME}{mounts}"),
                users: &[user],
                ..Wish::default()
            });
            for (who, sudo) in [("root", false), (user.name.as_str(), false), (user.name.as_str(), true)] {
                let server = if dropbear { "Dropbear" } else { "OpenSSH" };
                ways.push(Way {
                    name: format!("{server}, {shell}, {who}{}", if sudo { " with sudo" } else { "" }),
                    sudo,
                    seconds: first + ways.len() as u32,
                    inventory: node.inventory(who, ""),
                });
            }
            // Dropbear looks in the user's home, where the keys of all nodes must stand.
            if dropbear {
                keys.push_str(&fs::read_to_string(node.path("authorized_keys")).unwrap());
                user.file(".ssh/authorized_keys", &keys);
            }
            nodes.push(node);
        }
    }
    (nodes, ways)
}

#[test]
fn nothing_stays_when_sshd_sees_us_go() {
    let user = User::new("guard-go", "/bin/sh").may_become();
    let (_nodes, ways) = ways(&user, 425_000);
    assert_eq!(ways.len(), 18);
    for way in &ways {
        let round = way.start(&[]);
        round.signal(Signal::KILL);
        gone(&way.name, &way.word(), GONE_WITHIN);
        let _ = round.end();
    }
}

#[test]
fn nothing_stays_after_a_deadline_and_the_next_question_is_answered() {
    let user = User::new("guard-late", "/bin/sh").may_become();
    let (_nodes, ways) = ways(&user, 425_100);
    for way in &ways {
        let text = format!(
            "- hosts: all\n  become: {}\n  probes:\n    - command: {{command: \"{}\", timeout: 1}}\n    - command: echo next\n",
            way.sudo,
            stubborn(way.seconds),
        );
        let playbook = format!("{}.{}.play", way.inventory, way.sudo);
        fs::write(&playbook, text).unwrap();
        let saved = format!("{playbook}.round");
        let ran = run(["run", &playbook, "-T", "30", "-i", &way.inventory, "--save", &saved]).exits(3);
        let round: serde_json::Value = serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
        let visit = &round["visits"][0];
        assert_eq!(visit["outcome"], "partial", "{}: {visit:#}\n{}", way.name, ran.stderr);
        assert_eq!(visit["left_running"], false, "{}", way.name);
        assert!(visit["probes"][2]["evidence"].to_string().contains("next"), "{}: {visit:#}", way.name);
        gone(&way.name, &way.word(), GONE_WITHIN);
    }
}

#[test]
fn nothing_stays_three_heartbeats_after_a_silent_loss() {
    let user = User::new("guard-mute", "/bin/sh").may_become();
    let (_nodes, ways) = ways(&user, 425_200);
    let rounds: Vec<Running> = ways.iter().map(|way| way.start(&[])).collect();
    // The connections stand, and nobody speaks any more.
    rounds.iter().for_each(|round| round.signal(Signal::STOP));
    std::thread::sleep(Duration::from_secs(5));
    for way in &ways {
        assert!(!processes_with(&way.word()).is_empty(), "{}: one missed heartbeat is not enough", way.name);
    }
    for way in &ways {
        gone(&way.name, &way.word(), Duration::from_secs(20));
    }
    for round in rounds {
        round.signal(Signal::CONT);
        round.end().exits(3).says("the connection was lost");
    }
}

#[test]
fn a_killed_shell_takes_everything_with_it() {
    // As the kernel does when memory is short: only the watchdog is left to notice.
    let node = Node::new();
    let word = "sleep 425301";
    let command = format!("{word} & kill -9 $$; {word}");
    let ran = run(["exec", "all", "-i", &node.inventory("root", ""), "--", &command]).exits(3);
    ran.says("broker | INCOMPLETE | ");
    gone("the shell was killed", word, Duration::from_secs(18));
}

#[test]
fn another_users_process_is_not_said_to_be_gone() {
    let node = Node::new();
    let user = User::new("guard-root", "/bin/sh").may_become();
    let inventory = node.inventory(&user.name, "");
    let command = "sudo sleep 425311";
    let args = ["exec", "all", "-i", &inventory, "--probe-timeout", "1", "--format", "json", "--", command];
    let ran = run(args).exits(3);
    let host = &ran.json()["hosts"][0];
    assert_eq!(host["left_running"], true, "the user can't end root's process: {host:#}");
    assert!(!processes_with("sleep 425311").is_empty());
    for process in processes_with("sleep 425311") {
        let pid = process.split(':').next().unwrap_or_default().to_owned();
        let _ = Command::new("kill").args(["-9", &pid]).stderr(Stdio::null()).status();
    }
    gone("the test ends it", "sleep 425311", PATIENCE);
}

/// A file system whose server reads questions and answers none: whoever asks waits uninterruptibly.
const DEAF_FILE_SYSTEM: &str = r#"
import ctypes, os, struct, sys, time
fd = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
if libc.mount(b"deaf", sys.argv[1].encode(), b"fuse", 0, options):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
unique, = struct.unpack_from("=Q", os.read(fd, 1 << 17), 8)
init = struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 0, 12, 9, 4096, 1, 0, 0, 0)
os.write(fd, struct.pack("=IiQ", 16 + len(init), 0, unique) + init)
open(sys.argv[1] + ".ready", "w").close()
while True:
    os.read(fd, 1 << 17)
"#;

#[test]
fn a_process_that_cannot_be_killed_is_reported() {
    let script = tempfile::NamedTempFile::new_in("/var/tmp").unwrap();
    fs::write(script.path(), DEAF_FILE_SYSTEM).unwrap();
    let mounts = format!(
        "mkdir $DIR/deaf; python3 {} $DIR/deaf & echo $! >$DIR/deaf.pid\n\
         for i in $(seq 100); do test -e $DIR/deaf.ready && break; sleep 0.1; done; test -e $DIR/deaf.ready",
        script.path().display()
    );
    let node = Node::start(Wish { mounts: &mounts, ..Wish::default() });
    let command = format!("stat {}/x", node.path("deaf").display());
    let inventory = node.inventory("root", "");
    let args = ["exec", "all", "-i", &inventory, "--probe-timeout", "1", "--format", "json", "--", &command];
    let ran = run(args).exits(3);
    let host = &ran.json()["hosts"][0];
    assert_eq!(host["left_running"], true, "{host:#}");
    assert!(!processes_with(&command).is_empty(), "it waits uninterruptibly");
    // Without its server the file system is dead, and then so is who waited for it.
    let server = fs::read_to_string(node.path("deaf.pid")).unwrap();
    let _ = Command::new("kill").args(["-9", server.trim()]).stderr(Stdio::null()).status();
    gone("the file system is gone", &command, PATIENCE);
}

/// Mounts: every file system that has files is read-only.
const ALL_READ_ONLY: &str = "for m in $(awk '$3 !~ /^(proc|sysfs|devpts|cgroup2?|mqueue)$/ {print $2}' /proc/mounts); \
     do mount -o remount,bind,ro \"$m\"; done\n";

#[test]
fn nothing_is_written_on_a_node() {
    let user = User::new("guard-ro", "/bin/sh").may_become();
    for (shell, mounts) in SHELLS {
        let mounts = format!("{mounts}{ALL_READ_ONLY}");
        let node = Node::start(Wish { mounts: &mounts, ..Wish::default() });
        let logs = node.path("logs");
        fs::create_dir_all(&logs).unwrap();
        fs::write(logs.join("server.log"), "[2026-11-01 10:00:00,000] INFO a (kafka.server.X)\n").unwrap();
        replica(&node.path("data"), "orders", 0, 5000);
        fs::write(node.path("data/replication-offset-checkpoint"), "0\n1\norders 0 5\n").unwrap();
        let more = format!(
            "      kafka_log_dirs: {}\n      kafka_logs_dir: {}\n",
            node.path("data").display(),
            logs.display()
        );
        let touched = node.exec("root", "touch /tmp/x /var/tmp/x /dev/shm/x /root/x || echo none").exits(0);
        touched.says("none");
        for sudo in [&[][..], &["-b"]] {
            let inventory = node.inventory(&user.name, &more);
            let saved = node.path("round.json").display().to_string();
            let ran = run([&["run", AUDIT, "-i", &inventory, "--save", &saved], sudo].concat());
            let round: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
            let visit = &round["visits"][0];
            let told = visit["probes"].to_string();
            assert!(told.contains("5000"), "{shell} {sudo:?}: {visit:#}\n{}", ran.stderr);
            // Not in the whole answer: the catalogue looks for these words too.
            let gaps: String =
                visit["probes"].as_array().unwrap().iter().map(|one| one["coverage"].to_string()).collect();
            assert!(!gaps.contains("ead-only file system"), "{shell} {sudo:?}: {visit:#}");
            assert_ne!(visit["outcome"], "lost", "{shell} {sudo:?}: {visit:#}");
            assert!(visit["facts"]["kernel"].is_string(), "{shell} {sudo:?}: {visit:#}");
        }
    }
}
