//! Old and odd servers: each works, or is named for what it is.

mod binary;
mod node;
mod sshd;
mod user;

use std::fs;
use std::path::Path;
use std::process::Command;

use binary::{replica, run};
use node::{Node, ROOT_AT_HOME, Wish};
use serde_json::Value;
use user::User;

const PLAYBOOK: &str = r#"- hosts: all
  probes:
    - disk_usage: { paths: "{{ kafka_log_dirs }}/*-[0-9]*" }
    - log_grep: { files: ["{{ kafka_logs_dir }}/server.log*"], pattern: "ERROR" }
    - disk_free: { paths: ["{{ kafka_log_dirs }}"] }
    - command: "echo said"
"#;

/// Kafka's files below `dir`.
fn broker_files(dir: &Path) {
    let data = dir.join("data");
    replica(&data, "orders", 0, 5000);
    fs::write(data.join("replication-offset-checkpoint"), "0\n1\norders 0 5\n").unwrap();
    fs::create_dir_all(dir.join("logs")).unwrap();
    let line = "[2026-11-01 10:00:00,000] ERROR it broke (kafka.server.X)\n\tat a.b.C\n";
    fs::write(dir.join("logs/server.log"), line).unwrap();
    let open = Command::new("chmod").args(["-R", "a+rX"]).arg(dir).status().unwrap();
    assert!(open.success());
}

/// A round of all kinds of probes on the node; `dir` is where Kafka's files lie, as the node names it.
#[track_caller]
fn a_round_works(node: &Node, user: &str, dir: &str) {
    let visit = round(node, user, dir);
    assert_eq!(visit["outcome"], "ok", "{visit:#}\n{}", node.log());
}

#[track_caller]
fn round(node: &Node, user: &str, dir: &str) -> Value {
    let more = format!("      kafka_log_dirs: {dir}/data\n      kafka_logs_dir: {dir}/logs\n");
    let inventory = node.inventory(user, &more);
    let playbook = node.file("play.yml", PLAYBOOK);
    let saved = node.path("round.json").display().to_string();
    let ran = run(["run", &playbook, "-T", "20", "-i", &inventory, "--save", &saved]);
    let round: Value = serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
    let visit = round["visits"][0].clone();
    let said: Vec<String> =
        visit["probes"].as_array().unwrap().iter().map(|probe| probe["evidence"].to_string()).collect();
    assert_eq!(said.len(), 5, "{visit:#}\n{}\n{}", ran.stderr, node.log());
    assert!(said[1].contains("5000"), "{visit:#}\n{}\n{}", ran.stderr, node.log());
    assert!(said[2].contains("it broke") && said[2].contains("at a.b.C"), "{}", said[2]);
    assert!(said[4].contains("said"), "{}", said[4]);
    visit
}

#[test]
fn dropbear_serves_as_openssh_does() {
    let user = User::new("odd-bear", "/bin/sh");
    let node = Node::start(Wish { dropbear: true, mounts: ROOT_AT_HOME, users: &[&user], ..Wish::default() });
    let kafka = node.path("kafka");
    broker_files(&kafka);
    for who in ["root", &user.name] {
        a_round_works(&node, who, &kafka.display().to_string());
    }
    let many = node.exec(&user.name, "seq 1 200000 | tail -n 1; seq 1 50000").exits(0);
    assert!(many.stdout.ends_with("\n50000\n"));
}

#[test]
fn a_session_that_is_no_shell_is_named() {
    let cases: [(&str, &[&str]); 3] = [
        ("ForceCommand echo only backups here", &["exit status 0", "only backups here"]),
        ("ForceCommand internal-sftp", &["nologin, a forced command such as internal-sftp, or a chroot"]),
        ("ForceCommand exit 7", &["exit status 7"]),
    ];
    for (line, words) in cases {
        let node = Node::start(Wish { config: &[line], ..Wish::default() });
        let ran = node.exec("root", "echo never").exits(3);
        ran.says("broker | AUTH_FAILED! => logged in, but the login shell ended at once");
        for word in words {
            ran.says(word);
        }
    }
    for (shell, word) in
        [("/usr/sbin/nologin", "This account is currently not available"), ("/bin/false", "exit status 1")]
    {
        let node = Node::new();
        let user = User::new(&shell.replace('/', "-")[5..], shell);
        let ran = node.exec(&user.name, "echo never").exits(3);
        ran.says("broker | AUTH_FAILED! => logged in, but the login shell ended at once").says(word);
    }
}

#[test]
fn a_forced_command_that_never_ends_is_given_up_in_time() {
    let node = Node::start(Wish { config: &["ForceCommand cat"], ..Wish::default() });
    let ran = run(["exec", "all", "-T", "2", "-i", &node.inventory("root", ""), "--", "true"]).exits(3);
    ran.says("TIMEOUT! => logged in, but no shell answered within 2 s; a frozen host, or a forced command?");
}

/// A root directory for a chroot: nothing in it, or BusyBox and nothing else, not even /proc.
fn chroot(dir: &Path, busybox: bool) {
    fs::create_dir_all(dir.join("bin")).unwrap();
    fs::create_dir_all(dir.join("dev")).unwrap();
    if busybox {
        fs::copy("/bin/busybox", dir.join("bin/busybox")).expect("`make setup` installs busybox-static");
        let made = Command::new("chroot").arg(dir).args(["/bin/busybox", "--install", "-s", "/bin"]).status();
        assert!(made.unwrap().success(), "root can chroot");
        let null =
            Command::new("mknod").arg(dir.join("dev/null")).args(["-m", "666", "c", "1", "3"]).status();
        assert!(null.unwrap().success(), "root makes device files");
    }
}

#[test]
fn a_chroot_without_a_shell_is_named_and_one_with_busybox_alone_serves() {
    let root = tempfile::tempdir_in("/run").unwrap();
    let opened = Command::new("chmod").arg("755").arg(root.path()).status().unwrap();
    assert!(opened.success());
    chroot(root.path(), false);
    let line = format!("ChrootDirectory {}", root.path().display());
    let config = [line.as_str(), "SetEnv PATH=/bin"];
    let node = Node::start(Wish { config: &config, ..Wish::default() });
    let user = User::new("odd-jail", "/bin/sh");
    let ran = node.exec(&user.name, "echo never").exits(3);
    ran.says("the login shell ended at once").says("a chroot without /bin/sh?");

    chroot(root.path(), true);
    broker_files(&root.path().join("kafka"));
    // Only `df` can't do without /proc, and that is told.
    let visit = round(&node, &user.name, "/kafka");
    assert_eq!(visit["outcome"], "partial");
    let reason = visit["reason"].as_str().unwrap();
    assert!(reason.contains("df: /kafka/data: can't find mount point"), "{reason}");
    // Without /proc nobody knows a group's leader but by asking for it.
    let word = "sleep 426001";
    let args = ["exec", "all", "-i", &node.inventory(&user.name, ""), "--probe-timeout", "1", "--"];
    let ran = run(args.iter().copied().chain([format!("({word} &); {word}").as_str()])).exits(3);
    ran.says("stopped at its deadline");
    let limit = std::time::Duration::from_secs(2);
    binary::until("nothing stays", limit, || binary::processes_with(word).is_empty());
}

#[test]
fn greetings_and_rc_files_are_no_evidence() {
    let desk = tempfile::tempdir_in("/var/tmp").unwrap();
    let banner = desk.path().join("banner");
    fs::write(&banner, "Authorized use only \u{1b}]0;title\u{7}\n".repeat(200)).unwrap();
    let line = format!("Banner {}", banner.display());
    let node = Node::start(Wish { config: &[&line, "PrintMotd yes"], ..Wish::default() });
    let noise = "echo noise; echo more >&2; trap 'echo bye; echo bye >&2' EXIT; printf 'no newline'\n";
    let user = User::new("odd-noise", "/bin/bash");
    for file in [".bashrc", ".bash_profile", ".profile", ".bash_logout"] {
        user.file(file, noise);
    }
    let kafka = node.path("kafka");
    broker_files(&kafka);
    a_round_works(&node, &user.name, &kafka.display().to_string());
    let ran = node.exec(&user.name, "echo ok").exits(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("broker | SUCCESS | rc=0 >>\nok\n", ""));
}

#[test]
fn csh_and_busybox_logins_serve_on_a_node_of_busybox_tools() {
    // PATH holds BusyBox's applets alone, and no `nice`.
    let tools = tempfile::tempdir_in("/var/tmp").unwrap();
    let opened = Command::new("chmod").arg("755").arg(tools.path()).status().unwrap();
    assert!(opened.success());
    let listed =
        Command::new("/bin/busybox").arg("--list").output().expect("`make setup` installs busybox-static");
    for applet in
        String::from_utf8_lossy(&listed.stdout).lines().filter(|applet| !["nice", "stat"].contains(applet))
    {
        std::os::unix::fs::symlink("/bin/busybox", tools.path().join(applet)).unwrap();
    }
    let path = format!("SetEnv PATH={}", tools.path().display());
    let mounts = "mount --bind /bin/busybox /bin/sh\n";
    let node = Node::start(Wish { config: &[&path], mounts, ..Wish::default() });
    let kafka = node.path("kafka");
    broker_files(&kafka);
    for shell in ["/bin/tcsh", "/usr/bin/fish", "/bin/sh", "/bin/bash"] {
        let user = User::new(&format!("odd{}", shell.replace('/', "-")), shell);
        a_round_works(&node, &user.name, &kafka.display().to_string());
    }
}

#[test]
fn missing_tools_are_named_by_check_and_their_answers_are_gaps() {
    let tools = tempfile::tempdir_in("/var/tmp").unwrap();
    let opened = Command::new("chmod").arg("755").arg(tools.path()).status().unwrap();
    assert!(opened.success());
    for tool in ["sh", "sleep", "grep", "find", "df", "id", "uname"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{tool}"), tools.path().join(tool)).unwrap();
    }
    let path = format!("SetEnv PATH={}", tools.path().display());
    let node = Node::start(Wish { config: &[&path], ..Wish::default() });
    let kafka = node.path("kafka");
    broker_files(&kafka);
    let dir = kafka.display().to_string();
    let more = format!("      kafka_log_dirs: {dir}/data\n      kafka_logs_dir: {dir}/logs\n");
    let user = User::new("odd-tools", "/bin/sh");
    let inventory = node.inventory(&user.name, &more);
    let check = run(["check", "all", "-i", &inventory]).exits(3);
    check.says("broker: NOT OK").says("tools: not there: ").says("awk");
    let playbook = node.file("play.yml", PLAYBOOK);
    let ran = run(["run", &playbook, "-i", &inventory, "--format", "json"]).exits(3);
    assert_eq!(ran.json()["hosts"][0]["outcome"], "partial", "{}", ran.stdout);
}

#[test]
fn a_full_tmp_and_a_home_that_cannot_be_written_do_not_matter() {
    let user = User::new("odd-full", "/bin/bash");
    user.file(".bashrc", "touch $HOME/x; cat >$HOME/y <<<z\n");
    let mounts = format!(
        "mount -t tmpfs -o size=4k,mode=1777 none /tmp; dd if=/dev/zero of=/tmp/full bs=1k count=64 2>/dev/null || true\n\
         mount --bind {0} {0}; mount -o remount,bind,ro {0}\n",
        user.home.display()
    );
    let node = Node::start(Wish { mounts: &mounts, ..Wish::default() });
    let kafka = node.path("kafka");
    broker_files(&kafka);
    let full = node.exec(&user.name, "echo x >/tmp/x || echo full; touch $HOME/x || echo read-only").exits(0);
    full.says("full\n").says("read-only\n");
    a_round_works(&node, &user.name, &kafka.display().to_string());
}
