//! The program against OpenSSH: whatever shell the user logs in to, and that nothing of ours stays on a
//! node however the program ends.

mod binary;
mod sshd;
mod user;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use binary::{Desk, PATIENCE, Ran, Running, processes_with, replica, roundsman, run, until};
use rustix::process::Signal;
use sshd::{Sshd, keygen, public_line};
use user::User;

/// How long a node may take to end what we left: it is told, not asked.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// A server, a key for it, and inventories of it.
struct Node {
    desk: Desk,
    sshd: Sshd,
}

impl Node {
    fn new() -> Node {
        Node::with(&[])
    }

    fn with(config: &[&str]) -> Node {
        let desk = Desk::new();
        let sshd = Sshd::of_desk(desk.dir(), config);
        sshd.lets_everybody_in();
        Node { desk, sshd }
    }

    /// An inventory in which `user` logs in to the node, with `more` variables.
    fn inventory(&self, user: &str, more: &str) -> String {
        let dir = self.desk.dir().display();
        let args = format!("-o UserKnownHostsFile={dir}/known_hosts -o GlobalKnownHostsFile=/dev/null");
        let text = format!(
            "all:\n  hosts:\n    broker:\n      ansible_host: 127.0.0.1\n      ansible_port: {}\n      \
             ansible_user: {user}\n      ansible_ssh_private_key_file: {dir}/id\n      \
             ansible_ssh_common_args: {args:?}\n      kafka_broker_id: 1\n{more}",
            self.sshd.port,
        );
        self.desk.file(&format!("{user}.yml"), &text)
    }

    #[track_caller]
    fn exec(&self, user: &str, command: &str) -> Ran {
        run(["exec", "all", "-i", &self.inventory(user, ""), "--", command])
    }
}

const LITTLE_PLAYBOOK: &str = r#"- hosts: all
  probes:
    - disk_usage: { paths: "{{ kafka_log_dirs }}/*-[0-9]*" }
    - log_grep: { files: ["{{ kafka_logs_dir }}/server.log*"], pattern: "ERROR|it's \"!\" \\$HOME" }
    - disk_free: { paths: ["{{ kafka_log_dirs }}"] }
    - command: "echo 'single!' \"double $((1+1))\" back\\\\slash"
"#;

/// Everything that a login shell could break: the bootstrap, quoting, output before ours.
#[track_caller]
fn a_round_works_in(shell: &str, name: &str, files: &[(&str, &str)]) {
    let node = Node::new();
    let user = User::new(name, shell);
    files.iter().for_each(|(file, text)| user.file(file, text));
    let told = node.exec(&user.name, "echo ok").exits(0);
    assert_eq!(told.stdout, "broker | SUCCESS | rc=0 >>\nok\n", "{shell}");
    assert_eq!(told.stderr, "", "{shell}");

    let data = user.home.join("kafka data");
    replica(&data, "orders", 0, 5000);
    replica(&data, "orders", 1, 7000);
    user.file(
        "logs/server.log",
        "[2026-11-01 10:00:00,000] ERROR it broke (kafka.server.X)\n\tat a.b.C\nplain\n",
    );
    let more = format!(
        "      kafka_log_dirs: '{}'\n      kafka_logs_dir: {}/logs\n",
        data.display(),
        user.home.display()
    );
    let inventory = node.inventory(&user.name, &more);
    let playbook = node.desk.file("play.yml", LITTLE_PLAYBOOK);
    let saved = node.desk.path("round.json");
    let ran = run(["run", &playbook, "-i", &inventory, "--save", saved.to_str().unwrap()]);
    let round: serde_json::Value = serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
    let visit = &round["visits"][0];
    assert_eq!(visit["outcome"], "ok", "{shell}\n{visit:#}\n{}", ran.stderr);
    assert_eq!(visit["facts"]["user"], user.name.as_str(), "{shell}");
    let probes = visit["probes"].as_array().unwrap();
    let said: Vec<String> = probes.iter().map(|probe| probe["evidence"].to_string()).collect();
    assert!(said[1].contains("5000") && said[1].contains("7000"), "{shell}: {}", said[1]);
    assert!(said[2].contains("it broke") && said[2].contains("at a.b.C"), "{shell}: {}", said[2]);
    assert!(said[4].contains(r"single! double 2 back\\slash\n"), "{shell}: {}", said[4]);
    // One login for `exec`, one for the whole round of five questions.
    assert_eq!(node.sshd.logins(), 2, "{shell}");
}

#[test]
fn dash_as_login_shell() {
    a_round_works_in("/usr/bin/dash", "dash", &[(".profile", "echo noise; echo noise >&2\n")]);
}

#[test]
fn bash_as_login_shell_with_a_chatty_rc_file() {
    let noise = "echo noise from bashrc; echo more noise >&2; printf 'no newline'\n";
    a_round_works_in("/bin/bash", "bash", &[(".bashrc", noise), (".bash_profile", noise)]);
}

#[test]
fn busybox_ash_as_login_shell() {
    let desk = Desk::new();
    fs::set_permissions(desk.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let ash = desk.path("ash");
    assert!(Path::new("/bin/busybox").exists(), "busybox is missing: `make setup` installs busybox-static");
    std::os::unix::fs::symlink("/bin/busybox", &ash).unwrap();
    a_round_works_in(ash.to_str().unwrap(), "ash", &[]);
}

#[test]
fn tcsh_as_login_shell_with_a_chatty_rc_file() {
    let noise = "echo noise from cshrc\nsh -c 'echo more noise >&2'\n";
    a_round_works_in("/bin/tcsh", "tcsh", &[(".cshrc", noise)]);
}

#[test]
fn fish_as_login_shell_with_a_chatty_rc_file() {
    let noise = "echo noise from fish; echo more noise >&2\n";
    a_round_works_in("/usr/bin/fish", "fish", &[(".config/fish/config.fish", noise)]);
}

#[test]
fn zsh_as_login_shell_with_a_chatty_rc_file() {
    a_round_works_in("/usr/bin/zsh", "zsh", &[(".zshenv", "echo noise from zshenv; echo more >&2\n")]);
}

#[test]
fn a_login_shell_that_is_none_is_told() {
    let node = Node::new();
    let user = User::new("nologin", "/usr/sbin/nologin");
    let ran = node.exec(&user.name, "echo ok").exits(3);
    ran.says("broker | AUTH_FAILED! => logged in, but the login shell ended at once");
}

#[test]
fn one_session_is_enough() {
    let node = Node::with(&["MaxSessions 1"]);
    let playbook =
        node.desk.file("play.yml", "- hosts: all\n  probes:\n    - command: echo a\n    - command: echo b\n");
    let ran = run(["run", &playbook, "-i", &node.inventory("root", ""), "--format", "json"]);
    let outcome = ran.json()["hosts"][0]["outcome"].clone();
    assert_eq!(outcome, "ok", "{}", ran.stdout);
    assert_eq!(node.sshd.logins(), 1);
}

/// Starts `exec COMMAND` and waits until a process with `word` runs on the node.
fn started(node: &Node, user: &str, more: &[&str], command: &str, word: &str) -> Running {
    let inventory = node.inventory(user, "");
    let round =
        Running::start(roundsman([&["exec", "all", "-i", &inventory], more, &["--", command]].concat()));
    until(word, PATIENCE, || !processes_with(word).is_empty());
    round
}

#[track_caller]
fn gone(word: &str, within: Duration) {
    until(&format!("{word} is gone: {:?}", processes_with(word)), within, || processes_with(word).is_empty());
}

/// A command with a child, a background child and one in a session of its own would outlive a hang-up.
fn stubborn(seconds: u32) -> String {
    format!("trap '' HUP TERM INT PIPE; sleep {seconds} & (sleep {seconds}; :) & sleep {seconds}; echo never")
}

#[test]
fn nothing_stays_on_the_node_after_ctrl_c() {
    let unprivileged = User::new("ctrlc", "/bin/bash");
    for (user, seconds) in [("root", 424_201), (unprivileged.name.as_str(), 424_202)] {
        for signal in [Signal::INT, Signal::TERM] {
            let node = Node::new();
            let word = format!("sleep {seconds}");
            let round = started(&node, user, &[], &stubborn(seconds), &word);
            round.signal(signal);
            let status = if signal == Signal::INT { 130 } else { 143 };
            round.end().exits(status).says("broker | INCOMPLETE | stopped with the round >>");
            gone(&word, GONE_WITHIN);
        }
    }
}

#[test]
fn nothing_stays_on_the_node_when_the_program_is_killed() {
    let unprivileged = User::new("kill", "/bin/sh");
    for (user, seconds) in [("root", 424_211), (unprivileged.name.as_str(), 424_212)] {
        let node = Node::new();
        let word = format!("sleep {seconds}");
        let round = started(&node, user, &[], &stubborn(seconds), &word);
        round.signal(Signal::KILL);
        gone(&word, GONE_WITHIN);
        assert_eq!(round.end().status, None);
    }
}

#[test]
fn nothing_stays_on_the_node_after_a_probes_deadline() {
    let unprivileged = User::new("late", "/usr/bin/fish");
    for (user, seconds) in [("root", 424_221), (unprivileged.name.as_str(), 424_222)] {
        let node = Node::new();
        let word = format!("sleep {seconds}");
        let round = started(&node, user, &["--probe-timeout", "1"], &stubborn(seconds), &word);
        round.end().exits(3).says("broker | INCOMPLETE | stopped at its deadline >>");
        gone(&word, GONE_WITHIN);
    }
}

#[test]
fn a_node_that_hears_nothing_more_ends_everything_itself() {
    let node = Node::new();
    let word = "sleep 424231";
    let round = started(&node, "root", &[], &stubborn(424_231), word);
    round.signal(Signal::STOP);
    // Three heartbeats of five seconds, and some patience; the connection stands all the while.
    std::thread::sleep(Duration::from_secs(5));
    assert!(!processes_with(word).is_empty(), "one missed heartbeat is not enough");
    gone(word, Duration::from_secs(20));
    round.signal(Signal::CONT);
    round.end().exits(3);
}

#[test]
fn a_long_command_lives_as_long_as_somebody_listens() {
    let node = Node::new();
    let ran = node.exec("root", "sleep 17; echo still here").exits(0);
    ran.says("rc=0 >>\nstill here\n");
}

#[test]
fn sudo_runs_everything_as_the_other_user_and_leaves_nothing() {
    let node = Node::new();
    let user = User::new("sudo", "/usr/bin/fish").may_become();
    let inventory = node.inventory(&user.name, "");
    let who = run(["exec", "all", "-b", "-i", &inventory, "--", "id -un; test -t 0 || echo no tty"]).exits(0);
    assert_eq!(who.stdout, "broker | SUCCESS | rc=0 >>\nroot\nno tty\n");
    let other = run(["exec", "all", "--become-user", "nobody", "-i", &inventory, "--", "id -un"]).exits(0);
    other.says("rc=0 >>\nnobody\n");
    for (signal, seconds) in [(Signal::INT, 424_241), (Signal::KILL, 424_242)] {
        let word = format!("sleep {seconds}");
        let round = started(&node, &user.name, &["-b"], &stubborn(seconds), &word);
        round.signal(signal);
        gone(&word, GONE_WITHIN);
        let _ = round.end();
    }
    let word = "sleep 424243";
    let late = started(&node, &user.name, &["-b", "--probe-timeout", "1"], &stubborn(424_243), word);
    late.end().exits(3).says("stopped at its deadline");
    gone(word, GONE_WITHIN);
}

#[test]
fn a_refused_sudo_is_told_in_its_own_words() {
    assert!(Path::new("/usr/bin/sudo").exists(), "sudo is missing: `make setup` installs it");
    let node = Node::new();
    let user = User::new("nosudo", "/bin/sh");
    let ran = run(["exec", "all", "-b", "-i", &node.inventory(&user.name, ""), "--", "id -un"]).exits(3);
    ran.says("broker | AUTH_FAILED! => logged in as rm-test-nosudo, but sudo -n to root was refused");
    ran.says("password is required");
    let check = run(["check", "all", "-b", "-i", &node.inventory(&user.name, "")]).exits(3);
    check.says("broker: NOT OK").says("at stage become");
}

#[test]
fn three_nodes_behind_a_jump_host_cost_it_one_login() {
    let jump = Node::new();
    let nodes: Vec<Node> = (0..3).map(|_| Node::new()).collect();
    let desk = Desk::new();
    keygen(&desk.path("id"), "ed25519", "");
    for node in nodes.iter().chain([&jump]) {
        fs::write(node.sshd.authorized_keys(), public_line(&desk.path("id")) + "\n").unwrap();
    }
    let known: String = nodes.iter().chain([&jump]).map(|node| node.sshd.known_host()).collect();
    let known = desk.file("known_hosts", &known);
    let host = |(at, node): (usize, &Node)| format!("    node-{at}: {{ansible_port: {}}}\n", node.sshd.port);
    let hosts: String = nodes.iter().enumerate().map(host).collect();
    let user = sshd::user();
    let args = format!(
        "-o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null -J {user}@127.0.0.1:{}",
        jump.sshd.port
    );
    let text = format!(
        "all:\n  hosts:\n{hosts}  vars:\n    ansible_host: 127.0.0.1\n    ansible_user: {user}\n    \
         ansible_ssh_private_key_file: {}\n    ansible_ssh_common_args: {args:?}\n",
        desk.path("id").display()
    );
    let inventory = desk.file("hosts.yml", &text);
    let ran = run(["exec", "all", "-i", &inventory, "--fold", "--", "echo through"]).exits(0);
    ran.says("node-[0-2] (3)").says("\nthrough\n");
    let logins: Vec<usize> = nodes.iter().map(|node| node.sshd.logins()).collect();
    assert_eq!(logins, [1, 1, 1]);
    assert_eq!(jump.sshd.logins(), 1, "{}", jump.sshd.log());
}

#[test]
fn a_changed_host_key_is_critical_and_nothing_is_sent() {
    let node = Node::new();
    keygen(&node.desk.path("other"), "ed25519", "");
    let other = public_line(&node.desk.path("other"));
    node.desk.file("known_hosts", &format!("[127.0.0.1]:{} {other}\n", node.sshd.port));
    let ran = node.exec("root", "echo never").exits(2);
    ran.says("broker | HOST_KEY! => ").says("SHA256:");
    assert_eq!(node.sshd.logins(), 0);
}
