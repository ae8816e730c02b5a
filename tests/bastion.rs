//! Bastions and proxy commands: one login, many nodes, and what is told when the way breaks.

mod binary;
mod node;
mod sshd;
mod user;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use binary::{Desk, PATIENCE, Running, processes_with, roundsman, run, serve, until};
use node::{Node, Wish};
use roundsman::demo::Fleet;
use roundsman::ssh::{Dialer, Limits, Output, Progress, Route};
use rustix::process::Signal;
use sshd::{free_port, public_line, user};

/// What a bastion allows that nobody has configured.
const STOCK: &[&str] = &["MaxStartups 10:30:100", "MaxSessions 10"];

/// Embedded nodes behind a real bastion, and the inventory of it.
struct Site {
    bastion: Node,
    nodes: binary::Served<Fleet>,
    desk: Desk,
}

impl Site {
    fn new(count: usize, config: &[&str]) -> Site {
        let desk = Desk::new();
        let nodes = serve(Fleet::builder().nodes(count).shared_sandbox(desk.dir()));
        let bastion = Node::start(Wish { config, ..Wish::default() });
        Site { bastion, nodes, desk }
    }

    /// The fleet's own inventory, with the bastion in front.
    fn inventory(&self) -> String {
        self.inventory_through(&format!("{}@127.0.0.1:{}", user(), self.bastion.port))
    }

    fn inventory_through(&self, jump: &str) -> String {
        let key = public_line(&self.nodes.key_path());
        fs::write(self.bastion.path("authorized_keys"), key + "\n").unwrap();
        let known = fs::read_to_string(self.nodes.known_hosts_path()).unwrap()
            + &fs::read_to_string(self.bastion.path("known_hosts")).unwrap();
        let known = self.desk.file("known_hosts", &known);
        let hosts: String = self
            .nodes
            .nodes()
            .iter()
            .map(|node| format!("    {}: {{ansible_port: {}}}\n", node.name(), node.address().port()))
            .collect();
        let args = format!("-o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null -J {jump}");
        let text = format!(
            "all:\n  hosts:\n{hosts}  vars:\n    ansible_host: 127.0.0.1\n    ansible_user: {}\n    \
             ansible_ssh_private_key_file: {}\n    ansible_ssh_common_args: {args:?}\n",
            user(),
            self.nodes.key_path().display()
        );
        self.desk.file("hosts.yml", &text)
    }

    /// The sshd processes that serve the bastion's connections.
    fn sessions(&self) -> Vec<u32> {
        children(self.bastion.pid())
    }

    /// How many commands have left their mark.
    fn at_work(&self) -> usize {
        let files = fs::read_dir(self.desk.dir()).unwrap().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("mark.")).count()
    }
}

fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn signal(name: &str, pid: u32) {
    // One that is gone already is what was wanted.
    let _ = Command::new("kill").args([name, &pid.to_string()]).stderr(Stdio::null()).status();
}

#[test]
fn two_hundred_and_fifty_six_nodes_behind_a_stock_bastion_are_all_reached_by_one_login() {
    let site = Site::new(256, STOCK);
    let inventory = site.inventory();
    let ran = run(["exec", "all", "-i", &inventory, "-T", "50", "-f", "256", "--fold", "--", "echo hi"]);
    let ran = ran.exits(0);
    ran.says("node-[001-256] (256)").says("\nhi\n");
    assert_eq!(site.bastion.logins(), 1, "{}", site.bastion.log());
}

#[test]
fn a_bastion_that_dies_costs_one_reconnect_and_is_named_by_the_hosts_it_cut_off() {
    let site = Site::new(12, STOCK);
    let inventory = site.inventory();
    // Four at a time: the first four are at work when the bastion's session is killed.
    let command = "test -e MARK && echo later || { touch MARK.$$; sleep 3; echo never; }";
    let mark = site.desk.path("mark").display().to_string();
    let command = command.replace("MARK", &mark);
    let args = ["exec", "all", "-i", &inventory, "-T", "20", "-f", "4", "-v", "--", &command];
    let round = Running::start(roundsman(args));
    until("four are at work", PATIENCE, || site.at_work() == 4);
    fs::write(site.desk.path("mark"), "").unwrap();
    site.sessions().into_iter().for_each(|pid| signal("-KILL", pid));
    let ran = round.end().exits(3);
    assert_eq!(ran.stdout.matches("SUCCESS | rc=0 >>\nlater\n").count(), 8, "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("INCOMPLETE | the connection was lost").count(), 4, "{}", ran.stdout);
    assert!(!ran.stdout.contains("never"), "{}", ran.stdout);
    assert_eq!(site.bastion.logins(), 2, "{}", site.bastion.log());
    ran.complains("the connection was lost during the visit: that of the jump host 127.0.0.1 was lost: ");
    ran.complains("jump host 127.0.0.1: 127.0.0.1:").complains("attempt 1: logged in");
}

#[test]
fn a_bastion_that_is_gone_fails_everybody_behind_it_at_once() {
    let site = Site::new(40, STOCK);
    let inventory = site.inventory();
    let command = format!("touch {}.$$; sleep 30", site.desk.path("mark").display());
    let args = ["exec", "all", "-i", &inventory, "-T", "10", "-f", "4", "--", &command];
    let round = Running::start(roundsman(args));
    until("four are at work", PATIENCE, || site.at_work() == 4);
    let began = Instant::now();
    let sessions = site.sessions();
    // First the listener, so that nobody comes back.
    signal("-KILL", site.bastion.pid());
    sessions.into_iter().for_each(|pid| signal("-KILL", pid));
    let ran = round.end().exits(3);
    assert!(began.elapsed() < Duration::from_secs(8), "36 hosts, 4 at a time: {:?}", began.elapsed());
    assert_eq!(ran.stdout.matches("INCOMPLETE").count(), 4, "{}", ran.stdout);
    let reason = "UNREACHABLE! => jump host 127.0.0.1: it was lost (";
    assert_eq!(ran.stdout.matches(reason).count(), 36, "{}", ran.stdout);
    ran.says("and did not come back: 127.0.0.1 refuses connections on port");
}

#[test]
fn a_bastion_that_falls_silent_is_found_out_and_not_waited_for_by_each() {
    let site = Site::new(150, STOCK);
    let inventory = site.inventory();
    let command = format!("touch {}.$$; sleep 60", site.desk.path("mark").display());
    let limits = ["-T", "4", "-f", "150", "--round-timeout", "25", "--format", "json"];
    let args = [&["exec", "all", "-i", &inventory][..], &limits, &["--", &command]].concat();
    let round = Running::start(roundsman(args));
    until("the first is at work", PATIENCE, || site.at_work() > 0);
    // The children of the sessions forward, so they too.
    let mut family = vec![site.bastion.pid()];
    family.extend(site.sessions());
    family.extend(site.sessions().into_iter().flat_map(children));
    family.iter().for_each(|pid| signal("-STOP", *pid));
    let ran = round.end().exits(3);
    family.iter().for_each(|pid| signal("-KILL", *pid));
    let hosts = ran.json()["hosts"].as_array().unwrap().clone();
    let reason = |host: &serde_json::Value| host["reason"].as_str().unwrap_or_default().to_owned();
    let found = hosts.iter().filter(|host| {
        reason(host).contains("jump host 127.0.0.1: its connection was lost: it stopped answering")
    });
    let spared = hosts.iter().filter(|host| {
        reason(host).contains("jump host 127.0.0.1: it was lost (it stopped answering) and did not come back")
    });
    let (found, spared) = (found.count(), spared.count());
    assert!(found > 0, "{}", ran.stdout);
    // How many were on their way depends on the machine.
    assert!(spared > 0, "all but those who were on their way are told at once: {spared}, {}", ran.stdout);
    // Eight at a time for four seconds each would be a minute and more.
    assert!(ran.took < Duration::from_secs(24), "{:?}", ran.took);
}

#[test]
fn what_the_bastion_refuses_cannot_reach_and_what_the_node_refuses_reads_differently() {
    let told = |config: &[&str], port: u16, more: &str| {
        let bastion = Node::start(Wish { config, ..Wish::default() });
        let jump = format!(" -J {}@127.0.0.1:{}", user(), bastion.port);
        let vars = bastion.vars(&user()).replace("/dev/null\"", &format!("/dev/null{jump}\""));
        let vars = vars.replace(&format!("ansible_port: {}", bastion.port), &format!("ansible_port: {port}"));
        let inventory = bastion.file("hosts.yml", &format!("all:\n  hosts:\n    broker:\n{vars}{more}"));
        run(["exec", "all", "-T", "10", "-i", &inventory, "--", "true"]).exits(3).stdout
    };
    let node_refuses = told(&[], free_port(), "");
    assert!(node_refuses.contains("127.0.0.1 refuses connections on port"), "{node_refuses}");
    assert!(node_refuses.contains("(asked from jump host 127.0.0.1)"), "{node_refuses}");
    let forbids = told(&["AllowTcpForwarding no"], 22, "");
    assert!(forbids.contains("jump host 127.0.0.1 forbids connections to 127.0.0.1 port 22"), "{forbids}");
    // The last line for a variable wins in a mapping made by hand, so another host is a file of its own.
    let bastion = Node::new();
    let jump = format!(" -J {}@127.0.0.1:{}", user(), bastion.port);
    let vars = bastion.vars(&user()).replace("/dev/null\"", &format!("/dev/null{jump}\""));
    let nowhere = vars.replace("ansible_host: 127.0.0.1", "ansible_host: no-such-host.invalid");
    let inventory = bastion.file("nowhere.yml", &format!("all:\n  hosts:\n    broker:\n{nowhere}"));
    let ran = run(["exec", "all", "-T", "10", "-i", &inventory, "--", "true"]).exits(3);
    ran.says("jump host 127.0.0.1 cannot resolve no-such-host.invalid");
    let no_bastion = vars.replace(&format!(":{}\"", bastion.port), &format!(":{}\"", free_port()));
    let inventory = bastion.file("none.yml", &format!("all:\n  hosts:\n    broker:\n{no_bastion}"));
    let ran = run(["exec", "all", "-T", "10", "-i", &inventory, "--", "true"]).exits(3);
    ran.says("broker | UNREACHABLE! => jump host 127.0.0.1: 127.0.0.1 refuses connections on port");
}

fn route(node: &Node, port: u16) -> Route {
    Route {
        port,
        identity_files: vec![node.path("id")],
        known_hosts: vec![node.path("known_hosts")],
        ..Route::new("127.0.0.1", user())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_nobody_reads_does_not_stall_the_others_behind_its_bastion() {
    let (bastion, node) = (Node::new(), Node::new());
    fs::copy(bastion.path("authorized_keys"), node.path("authorized_keys")).unwrap();
    let known = fs::read_to_string(node.path("known_hosts")).unwrap();
    let both = known + &fs::read_to_string(bastion.path("known_hosts")).unwrap();
    fs::write(bastion.path("known_hosts"), both).unwrap();
    let jump = Some(Arc::new(route(&bastion, bastion.port)));
    let route = Route { jump, ..route(&bastion, node.port) };
    let dialer = Dialer::new(Limits::default());
    let flooded = dialer.connect(&route, &Progress::new()).await.unwrap();
    let _unread = flooded.exec(b"yes roundsman-unread").await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        let began = Instant::now();
        let other = dialer.connect(&route, &Progress::new()).await.unwrap();
        let mut exec = other.exec(b"echo hi").await.unwrap();
        let mut said = Vec::new();
        while let Some(output) = exec.next().await {
            if let Output::Stdout(bytes) = output {
                said.extend_from_slice(&bytes);
            }
        }
        assert_eq!(said, b"hi\n");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

/// An inventory of `node` through the proxy command `proxy`.
fn proxied(node: &Node, proxy: &str) -> String {
    let args = format!("/dev/null -o 'ProxyCommand={proxy}'");
    let vars = node.vars(&user()).replace("/dev/null\"", &format!("{}\"", args.replace('"', "\\\"")));
    node.file("proxied.yml", &format!("all:\n  hosts:\n    broker:\n{vars}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_command_is_the_connection_and_ends_with_it() {
    let node = Node::new();
    let script = node.file("proxy", "#!/bin/bash\nexec 3<>/dev/tcp/$1/$2; cat <&3 & cat >&3; wait\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let command = format!("{script} 127.0.0.1 {}", node.port);
    let route = Route { proxy_command: Some(command.clone()), ..route(&node, node.port) };
    let dialer = Dialer::new(Limits::default());
    let connection = dialer.connect(&route, &Progress::new()).await.unwrap();
    let mut exec = connection.exec(b"echo through; sleep 1000").await.unwrap();
    let mut said = Vec::new();
    while !said.starts_with(b"through\n") {
        if let Some(Output::Stdout(bytes)) = exec.next().await {
            said.extend_from_slice(&bytes);
        }
    }
    // `processes_with` leaves out no shell and no cat of the group: the script's name is in their line or not.
    assert!(!processes_with(&script).is_empty());
    drop(connection);
    until("the proxy is gone", Duration::from_secs(2), || processes_with(&script).is_empty());
    until("no zombie is left", Duration::from_secs(2), zombies_are_gone);
}

/// Whether this process has no dead child that nobody has asked for.
fn zombies_are_gone() -> bool {
    let pid = std::process::id();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("Linux's /proc");
    tasks.flatten().all(|task| {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.split_whitespace().all(|child| {
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
                || !stat.contains("(proxy)")
        })
    })
}

#[tokio::test]
async fn a_proxy_command_that_fails_is_quoted_and_a_passing_trouble_tried_again() {
    let node = Node::new();
    let told = async |command: &str| {
        let route = Route { proxy_command: Some(command.to_owned()), ..route(&node, node.port) };
        let dialer = Dialer::new(Limits { retries: 1, ..Limits::default() });
        dialer.connect(&route, &Progress::new()).await.err().unwrap()
    };
    let error = told("sh -c 'echo the way \u{1b}[31m is shut >&2; exit 255'").await;
    assert_eq!(error.attempts, 2, "{error:?}");
    let text = error.to_string();
    assert!(
        text.starts_with("the ProxyCommand ended before the SSH handshake (exit status 255): "),
        "{text}"
    );
    assert!(text.contains("is shut") && !text.contains('\u{1b}'), "{text}");
    let error = told("/no/such/command").await;
    assert_eq!(error.attempts, 1, "there is no such command: {error:?}");
    assert!(error.to_string().contains("exit status 127"), "{error}");
    let flood = told("sh -c 'yes flood | head -c 1000000 >&2; exit 1'").await;
    assert!(flood.remote.as_ref().is_some_and(|said| said.len() <= 2048), "{flood:?}");
}

#[test]
fn a_proxy_command_dies_with_the_program_however_it_ends() {
    let node = Node::new();
    let script = node.file("proxy", "#!/bin/bash\nexec 3<>/dev/tcp/$1/$2; cat <&3 & cat >&3; sleep 1000\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let inventory = proxied(&node, &format!("{script} %h %p"));
    let dry = run(["exec", "all", "-i", &inventory, "--dry-run", "--", "true"]);
    if !dry.stdout.contains("through the command `") {
        panic!("the inventory's ProxyCommand is not in the plan\n{}\n{}", dry.stdout, dry.stderr);
    }
    for signals in [&[Signal::INT][..], &[Signal::INT, Signal::INT], &[]] {
        let seconds = "sleep 425401";
        let command = if signals.is_empty() { "true" } else { seconds };
        let round = Running::start(roundsman(["exec", "all", "-i", &inventory, "--", command]));
        if !signals.is_empty() {
            until("it runs", PATIENCE, || !processes_with(seconds).is_empty());
        }
        for signal in signals {
            round.signal(*signal);
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = round.end();
        until("the proxy is gone", Duration::from_secs(2), || processes_with(&script).is_empty());
        until("its command is gone", Duration::from_secs(2), || processes_with(seconds).is_empty());
    }
}
