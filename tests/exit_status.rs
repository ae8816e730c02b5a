//! Every exit status of the program, and that a mistake is told before anybody is contacted.

mod binary;

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use binary::{AUDIT, Desk, PATIENCE, Ran, Running, healthy_pair, replica, roundsman, run, serve, until};
use roundsman::demo::{Fault, Fleet};
use rustix::process::Signal;

fn inventory(fleet: &Fleet) -> String {
    fleet.inventory_path().display().to_string()
}

#[test]
fn replicas_that_agree_are_ok() {
    let fleet = healthy_pair();
    let ran = run(["run", AUDIT, "-i", &inventory(&fleet)]).exits(0);
    assert!(ran.stdout.starts_with("OK"), "{}", ran.stdout);
    let report = run(["run", AUDIT, "-i", &inventory(&fleet), "--format", "json"]).exits(0).json();
    assert_eq!(report["verdict"]["status"], "OK");
    assert_eq!(report["comparison"]["clusters"][0]["topics"][0]["partitions"].as_array().unwrap().len(), 3);
    run(["exec", "all", "-i", &inventory(&fleet), "--", "true"]).exits(0);
}

#[test]
fn a_lesser_difference_is_a_warning() {
    let fleet = healthy_pair();
    replica(&fleet.nodes()[1].log_dir(), "orders", 1, (600 << 20) * 10 / 24);
    let ran = run(["run", AUDIT, "-i", &inventory(&fleet)]).exits(1);
    assert!(ran.stdout.starts_with("WARNING"), "{}", ran.stdout);
    ran.says("orders");
}

#[test]
fn a_failed_command_is_critical() {
    let fleet = healthy_pair();
    let command = "test $(cat services/kafka/meta.properties | grep -c broker.id=1) = 1";
    let ran = run(["exec", "all", "-i", &inventory(&fleet), "--", command]).exits(2);
    ran.says("broker-a | SUCCESS | rc=0 >>").says("broker-b | FAILED | rc=1 >>");
}

#[test]
fn what_follows_the_first_word_of_a_command_is_the_commands() {
    let fleet = serve(Fleet::builder().nodes(1));
    let inventory = inventory(&fleet);
    for words in [&["--", "printf", "%s", "--bogus"][..], &["printf", "%s", "--bogus"]] {
        let ran = run([&["exec", "all", "-i", &inventory], words].concat()).exits(0);
        assert_eq!(ran.stdout, "node-001 | SUCCESS | rc=0 >>\n--bogus\n");
    }
}

#[test]
fn missing_evidence_is_unknown() {
    for (fault, word) in
        [(Fault::Refuse, "refuses connections"), (Fault::Mute, "within 1s"), (Fault::DenyAuth, "publickey")]
    {
        let fleet = serve(Fleet::builder().nodes(2).fault(1, fault));
        let ran = run(["exec", "all", "-T", "1", "-i", &inventory(&fleet), "--", "echo here"]).exits(3);
        ran.says("node-001 | SUCCESS | rc=0 >>\nhere\n").says("node-002 | ");
        let line = ran.stdout.lines().find(|line| line.starts_with("node-002")).unwrap().to_owned();
        assert!(line.contains(word), "{fault:?}: {line}");
    }
    // A log that is not there is not a log without errors.
    let fleet = healthy_pair();
    fs::remove_file(fleet.nodes()[0].logs_dir().join("log-cleaner.log")).unwrap();
    let ran = run(["run", AUDIT, "-i", &inventory(&fleet)]).exits(3);
    assert!(ran.stdout.starts_with("UNKNOWN"), "{}", ran.stdout);
    ran.says("log-cleaner.log").says("no such file");
}

#[test]
fn critical_outweighs_unknown_and_unknown_a_warning() {
    let fleet = healthy_pair();
    replica(&fleet.nodes()[1].log_dir(), "orders", 1, (600 << 20) * 10 / 24);
    fs::remove_file(fleet.nodes()[0].logs_dir().join("log-cleaner.log")).unwrap();
    run(["run", AUDIT, "-i", &inventory(&fleet)]).exits(3);
    let two = serve(Fleet::builder().nodes(2).fault(0, Fault::Refuse));
    run(["exec", "all", "-i", &inventory(&two), "--", "false"]).exits(2);
}

/// An inventory of one host that would notice a visit, and mistakes to be made with it.
struct Trap {
    desk: Desk,
    listener: TcpListener,
    inventory: String,
}

impl Trap {
    fn new() -> Trap {
        let desk = Desk::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let vars = format!("{{ansible_host: 127.0.0.1, ansible_port: {port}}}");
        let inventory = desk.file("hosts.yml", &format!("all:\n  hosts:\n    a: {vars}\n"));
        Trap { desk, listener, inventory }
    }

    /// Fails if anybody came: a connection waits in the listener's queue however late we look.
    #[track_caller]
    fn nobody_came(&self) {
        let came = self.listener.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(came, Err(ErrorKind::WouldBlock), "somebody was contacted");
    }

    /// Runs the program, which refuses with `status` and all of `words`.
    #[track_caller]
    fn refuses(&self, args: &[&str], status: i32, words: &[&str]) -> Ran {
        let ran = run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(status), ""), "{args:?}\n{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{args:?}: no {word:?} in\n{}", ran.stderr);
        }
        self.nobody_came();
        ran
    }
}

#[test]
fn the_trap_notices_a_visit() {
    let trap = Trap::new();
    run(["exec", "a", "-T", "1", "-i", &trap.inventory, "--", "true"]).exits(3);
    assert!(trap.listener.accept().is_ok());
}

#[test]
fn a_wrong_command_line_is_64() {
    let trap = Trap::new();
    let inventory = trap.inventory.as_str();
    let cases: [(&[&str], &[&str]); 13] = [
        (&["--bogus", "--", "true"], &["--bogus"]),
        (&["--frks", "3", "--", "true"], &["--frks", "--forks"]),
        (&["-f", "0", "--", "true"], &["0", "1..=10000"]),
        (&["-T", "0", "--", "true"], &["no time at all"]),
        (&["-T", "soon", "--", "true"], &["soon"]),
        (&["--max-output", "lots", "--", "true"], &["lots"]),
        (&["--fold", "--stream", "--", "true"], &["--fold", "--stream"]),
        (&["-l", "nobody", "--", "true"], &["nobody"]),
        (&["-l", "a:!a", "--", "true"], &["a:!a"]),
        (&["-l", "~(", "--", "true"], &["~("]),
        (&["--ssh-common-args", "-o StrictHostKeyChecking=perhaps", "--", "true"], &["perhaps"]),
        (&[], &["no command"]),
        (&["--", " "], &["no command"]),
    ];
    for (more, words) in cases {
        trap.refuses(&[&["exec", "a", "-i", inventory], more].concat(), 64, words);
    }
    trap.refuses(&["exec", "~(", "-i", inventory, "--", "true"], 64, &["~("]);
    trap.refuses(&["exec", "web[", "-i", inventory, "--", "true"], 64, &["web["]);
    trap.refuses(&["exec", "nobody", "-i", inventory, "--", "true"], 64, &["nobody"]);
    trap.refuses(&["exec", "a", "--", "true"], 64, &["inventory", "-i"]);
    trap.refuses(&["run", AUDIT, "-i", inventory, "--format", "yaml"], 64, &["yaml"]);
    trap.refuses(&["run", AUDIT, "-i", inventory, "--since", "yesterdayish"], 64, &["yesterdayish"]);
    trap.refuses(&["run", AUDIT, "-i", inventory, "-e", "novalue"], 64, &["novalue"]);
    trap.refuses(&["visit", "a"], 64, &["visit"]);
    trap.refuses(&["report"], 64, &["--from"]);
    trap.refuses(&[], 64, &["Usage"]);
    // Asking for help is no mistake.
    run(["--help"]).exits(0).says("Usage");
    run(["--version"]).exits(0).says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_wrong_inventory_is_65_with_the_place_and_the_nearest_word() {
    let trap = Trap::new();
    let cases: [(&str, &[&str]); 9] = [
        ("all:\n  hots:\n    a:\n", &[":2:3:", "`hots`", "`hosts`"]),
        (
            "all:\n  children:\n    web:\n      vras: {x: 1}\n      hosts: {a: }\n",
            &[":4:7:", "`vras`", "`vars`"],
        ),
        ("all:\n  hosts:\n    a:\n  hosts:\n    b:\n", &[":4:3:", "hosts"]),
        ("all:\n  hosts:\n    a: {x: 1, x: 2}\n", &[":3:15:", "x"]),
        ("all:\n  hosts: [a, b]\n", &[":2:11:"]),
        ("all:\n  hosts:\n    a: {b\n", &[":"]),
        ("all:\n  hosts:\n    a: {ansible_port: many}\n", &["host a: ansible_port", "many"]),
        ("all:\n  hosts:\n    a: {ansible_host: \"{{ nowhere }}\"}\n", &["host a: ", "nowhere"]),
        (
            "all:\n  hosts:\n    a: {ansible_ssh_private_key_file: /no/such/key}\n",
            &["/no/such/key", "host a"],
        ),
    ];
    for (text, words) in cases {
        let file = trap.desk.file("wrong.yml", text);
        trap.refuses(&["exec", "a", "-i", &file, "--", "true"], 65, words);
    }
    trap.refuses(
        &["exec", "a", "-i", "/no/such/inventory.yml", "--", "true"],
        65,
        &["/no/such/inventory.yml"],
    );
    trap.refuses(
        &["exec", "a", "-i", &trap.inventory, "--private-key", "/no/such/key", "--", "true"],
        65,
        &["/no/such/key"],
    );
}

#[test]
fn a_yaml_bomb_is_65_and_does_not_go_off() {
    let trap = Trap::new();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let last = format!("*a{}, ", n - 1).repeat(9);
        bomb.push_str(&format!("a{n}: &a{n} [{last}*a{}]\n", n - 1));
    }
    let file = trap.desk.file("bomb.yml", &bomb);
    trap.refuses(&["exec", "a", "-i", &file, "--", "true"], 65, &["bomb.yml"]);
    trap.refuses(&["run", &file, "-i", &trap.inventory], 65, &["bomb.yml"]);
    let deep = trap.desk.file("deep.yml", &format!("all: {}", "[".repeat(20_000)));
    trap.refuses(&["exec", "a", "-i", &deep, "--", "true"], 65, &["deep.yml"]);
}

#[test]
fn a_wrong_playbook_is_65_with_the_place_and_the_nearest_word() {
    let trap = Trap::new();
    let cases: [(&str, &[&str]); 14] = [
        ("- hots: all\n", &[":1:3:", "`hots`", "`hosts`"]),
        (
            "- hosts: all\n  probes:\n    - disk_usge: {paths: /x}\n",
            &[":3:7:", "`disk_usge`", "`disk_usage`"],
        ),
        ("- hosts: all\n  probes:\n    - disk_usage: {path: /x}\n", &[":3:20:", "`path`", "`paths`"]),
        ("- hosts: all\n  probes:\n    - log_grep: {files: /x, pattern: '('}\n", &[":3:38:", "pattern"]),
        ("- hosts: all\n  probes:\n    - log_grep: {files: /x, pattern: '\\d+'}\n", &[":3:38:", "[0-9]"]),
        ("- hosts: all\n  probes:\n    - command: 'echo {{ nope }}'\n", &[":3:", "nope"]),
        ("- hosts: all\n  probes:\n    - command: 'echo {{ nope'\n", &[":3:"]),
        ("- hosts: all\n  probes:\n    - command: uptime\n  forks: many\n", &[":4:10:", "forks"]),
        ("- hosts: all\n  probes:\n    - command: uptime\n  probe_timeout: soon\n", &[":4:18:", "soon"]),
        ("- hosts: all\n  hosts: b\n  probes:\n    - command: uptime\n", &[":2:3:", "hosts"]),
        ("- hosts: all\n  probes: []\n", &["probes"]),
        ("hosts: all\n", &[":1:1:", "list of plays"]),
        ("", &["playbook"]),
        (
            "- hosts: all\n  probes:\n    - command: uptime\n  expect: {size_ratio: {warning: 4, critical: 3}}\n",
            &[":4:", "critical"],
        ),
    ];
    for (text, words) in cases {
        let file = trap.desk.file("wrong.yml", text);
        trap.refuses(&["run", &file, "-i", &trap.inventory], 65, words).complains("wrong.yml");
        // What only looks at the playbook sees the same.
        trap.refuses(&["run", &file, "-i", &trap.inventory, "--check-syntax"], 65, words);
    }
    trap.refuses(&["run", "/no/such/playbook.yml", "-i", &trap.inventory], 65, &["/no/such/playbook.yml"]);
}

#[test]
fn showing_the_plan_contacts_nobody() {
    let trap = Trap::new();
    let inventory = trap.inventory.as_str();
    run(["run", AUDIT, "-i", inventory, "--check-syntax"]).exits(0).says("no mistakes");
    run(["run", AUDIT, "-i", inventory, "--list-hosts"]).exits(0).says("hosts (1):\n    a\n");
    run(["run", AUDIT, "-i", inventory, "--dry-run"]).exits(0).says("Nobody is contacted");
    run(["exec", "a", "-i", inventory, "--dry-run", "--", "echo marker"]).exits(0).says("echo marker");
    run(["exec", "a", "-i", inventory, "--list-hosts"]).exits(0).says("hosts (1):");
    run(["check", "a", "-i", inventory, "--list-hosts"]).exits(0).says("hosts (1):");
    run(["inventory", "list", "-i", inventory]).exits(0).says("\"a\"");
    trap.nobody_came();
}

#[test]
fn a_signal_ends_the_round_and_what_was_gathered_is_told() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let fleet = serve(Fleet::builder().nodes(3).fault(1, Fault::Mute).fault(2, Fault::FreezeAfterExec));
        fs::create_dir_all(fleet.nodes()[0].log_dir()).unwrap();
        let desk = Desk::new();
        let text = "- hosts: all\n  probes:\n    - command: echo gathered; touch done\n";
        let playbook = desk.file("play.yml", text);
        for format in ["table", "json"] {
            let done = fleet.nodes()[0].sandbox().join("done");
            let _ = fs::remove_file(&done);
            let round = Running::start(roundsman([
                "run",
                &playbook,
                "-i",
                &inventory(&fleet),
                "-T",
                "50s",
                "--format",
                format,
            ]));
            until("the healthy node is done", PATIENCE, || done.exists());
            std::thread::sleep(std::time::Duration::from_millis(500));
            round.signal(signal);
            let ran = round.end().exits(status);
            assert!(ran.took < std::time::Duration::from_secs(20), "{:?}", ran.took);
            if format == "json" {
                let report = ran.json();
                assert_eq!(report["verdict"]["exit_code"], status);
                let outcome = |at: usize| report["hosts"][at]["outcome"].as_str().unwrap().to_owned();
                assert_eq!([outcome(0), outcome(1), outcome(2)], ["ok", "interrupted", "interrupted"]);
            } else {
                ran.says("node-002").says("node-003");
                let word = if status == 130 { "interrupted" } else { "terminated" };
                ran.says(word);
            }
        }
    }
}

#[test]
fn exec_and_check_tell_what_a_signal_left() {
    let fleet = serve(Fleet::builder().nodes(2).fault(1, Fault::Mute));
    for command in [&["exec", "all", "-T", "50s"][..], &["check", "all", "-T", "50s"]] {
        let tail: &[&str] = if command[0] == "exec" { &["--", "echo gathered"] } else { &[] };
        let path = inventory(&fleet);
        let round = Running::start(roundsman(command.iter().chain(&["-i", &path]).chain(tail)));
        std::thread::sleep(std::time::Duration::from_secs(2));
        round.signal(Signal::INT);
        let ran = round.end().exits(130);
        ran.says("node-001").says("node-002");
        let silent = ran.stdout.split("node-002").nth(1).unwrap();
        assert!(silent.contains("interrupted"), "{}", ran.stdout);
    }
}
