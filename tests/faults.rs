//! Nodes that misbehave: what the program says of them, and that they never hold back another.

mod binary;

use std::time::Duration;

use binary::{Desk, PATIENCE, Ran, processes_with, run, serve, until};
use roundsman::demo::{Fault, Fleet};
use serde_json::Value;

/// One healthy node and one with `fault`, asked by `exec`.
fn beside(fault: Fault, command: &str, more: &[&str]) -> Ran {
    let fleet = serve(Fleet::builder().nodes(2).fault(1, fault));
    let inventory = fleet.inventory_path().display().to_string();
    run([&["exec", "all", "-i", &inventory, "-T", "2"], more, &["--", command]].concat())
}

#[track_caller]
fn told_of<'a>(ran: &'a Ran, host: &str) -> &'a str {
    ran.stdout.lines().find(|line| line.starts_with(host)).unwrap_or_else(|| panic!("{host} in {ran:?}"))
}

#[test]
fn every_fault_is_named_and_the_healthy_node_answers() {
    let cases: [(Fault, i32, &[&str]); 9] = [
        (Fault::Refuse, 3, &["UNREACHABLE!", "refuses connections"]),
        (Fault::Mute, 3, &["TIMEOUT!", "no login within 2s"]),
        (Fault::DropBeforeBanner, 3, &["UNREACHABLE!", "closed the connection before the SSH handshake"]),
        (
            Fault::DripBanner,
            3,
            &["TIMEOUT!", "no login within 2s: gave up while waiting for the SSH handshake"],
        ),
        // In the middle of the key exchange's first packet.
        (Fault::CutInPacket(200), 3, &["UNREACHABLE!", "closed the connection during the SSH handshake"]),
        (Fault::DenyAuth, 3, &["AUTH_FAILED!", "publickey"]),
        (Fault::WrongHostKey, 2, &["HOST_KEY!", "SHA256:"]),
        (Fault::FreezeAfterExec, 3, &["TIMEOUT!", "logged in, but no shell answered within 2 s"]),
        // The shell's hello alone is longer than that.
        (Fault::CutAfter(20), 3, &["LOST!"]),
    ];
    for (fault, status, words) in cases {
        let ran = beside(fault, "echo here", &[]).exits(status);
        ran.says("node-001 | SUCCESS | rc=0 >>\nhere\n");
        let line = told_of(&ran, "node-002");
        for word in words {
            assert!(line.contains(word), "{fault:?}: no {word:?} in {line}");
        }
        assert!(!ran.stderr.contains("panicked"), "{fault:?}: {}", ran.stderr);
    }
}

#[test]
fn a_second_session_is_never_needed_nor_an_exit_status_of_the_shell() {
    for fault in [Fault::MaxSessions1, Fault::NoExitStatus] {
        let ran = beside(fault, "echo here; exit 0", &[]).exits(0);
        assert_eq!(ran.stdout.matches("SUCCESS | rc=0 >>\nhere\n").count(), 2, "{fault:?}: {}", ran.stdout);
    }
}

#[test]
fn a_connection_cut_in_the_middle_of_an_answer_keeps_what_came() {
    let command = "echo first; seq 1 20000";
    let ran = beside(Fault::CutAfter(4000), command, &["--format", "json"]).exits(3);
    let hosts = ran.json()["hosts"].clone();
    assert_eq!(hosts[0]["rc"], 0);
    assert_eq!(hosts[1]["outcome"], "lost");
    assert_eq!(hosts[1]["rc"], Value::Null, "how it ended is not known");
    let came = hosts[1]["stdout"].as_str().unwrap();
    assert!(came.starts_with("first\n1\n2\n") && came.len() <= 4000, "{} bytes", came.len());
    let blocks = beside(Fault::CutAfter(4000), command, &[]).exits(3);
    assert_eq!(told_of(&blocks, "node-002"), "node-002 | INCOMPLETE | the connection was lost >>");
}

#[test]
fn a_packet_that_breaks_off_loses_the_connection_and_keeps_what_came() {
    let command = "echo first; seq 1 200000";
    let ran = beside(Fault::CutInPacket(300_000), command, &["--format", "json"]).exits(3);
    let host = ran.json()["hosts"][1].clone();
    assert_eq!((&host["outcome"], &host["rc"]), (&"lost".into(), &Value::Null), "{host:#}");
    assert!(host["stdout"].as_str().unwrap().starts_with("first\n1\n2\n"));
    let reason = host["reason"].as_str().unwrap();
    assert!(reason.starts_with("the connection was lost during the visit: "), "{reason}");
}

#[test]
fn new_keys_in_the_middle_of_an_answer_change_nothing() {
    let command = "seq 1 300000";
    let ran = beside(Fault::Rekey, command, &["-vvv", "--format", "json"]).exits(0);
    let hosts = ran.json()["hosts"].clone();
    assert_eq!(hosts[0]["stdout"], hosts[1]["stdout"]);
    assert!(hosts[1]["stdout"].as_str().unwrap().ends_with("\n300000\n"));
    let exchanges = |host: &str| {
        let host = format!("{host}: ");
        ran.stderr.lines().filter(|line| line.starts_with(&host) && line.contains("negotiated ")).count()
    };
    assert_eq!(exchanges("node-001"), 1, "{}", ran.stderr);
    assert!(exchanges("node-002") > 2, "{}", ran.stderr);
}

#[test]
fn a_flood_on_standard_error_is_bounded_and_told() {
    let command = "echo begun; head -c 100000000 /dev/zero | tr '\\0' e >&2; echo never";
    let ran = beside(Fault::Healthy, command, &["--format", "json"]).exits(3);
    for host in ran.json()["hosts"].as_array().unwrap() {
        assert_eq!(host["stdout"], "begun\n");
        assert!(host["stderr"].as_str().unwrap().len() <= 64 << 10);
        assert!(host["reason"].as_str().unwrap().contains("more output than the limit"), "{host:#}");
    }
    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
}

#[test]
fn a_shell_that_a_signal_ends_is_a_lost_answer() {
    let ran = beside(Fault::Healthy, "echo begun; kill -KILL 0", &[]).exits(3);
    for host in ["node-001", "node-002"] {
        assert!(told_of(&ran, host).contains("INCOMPLETE | the connection was lost"), "{}", ran.stdout);
    }
    let ran = beside(Fault::Healthy, "kill -KILL 0", &["--format", "json"]).exits(3);
    let reason = ran.json()["hosts"][0]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "the connection was lost during the visit: the shell there ended (signal KILL)");
}

#[test]
fn a_connection_lost_before_the_login_is_tried_again_as_often_as_was_asked() {
    for (retries, attempts) in [("0", 1), ("2", 3)] {
        let ran = beside(Fault::DropBeforeBanner, "echo here", &["--retries", retries, "-v"]).exits(3);
        let tried =
            ran.stderr.lines().filter(|line| line.contains("attempt") && line.starts_with("node-002"));
        assert_eq!(tried.count(), attempts, "{}", ran.stderr);
        assert!(told_of(&ran, "node-002").contains("closed the connection before the SSH handshake"));
    }
    // What was lost after the login is not.
    let ran = beside(Fault::CutAfter(20), "echo here", &["-v"]).exits(3);
    let tried = ran.stderr.lines().filter(|line| line.contains("attempt") && line.starts_with("node-002"));
    assert_eq!(tried.count(), 1, "{}", ran.stderr);
}

#[test]
fn batches_come_one_after_another_and_too_many_failures_end_them() {
    let desk = Desk::new();
    let builder = Fleet::builder().nodes(10).shared_sandbox(desk.dir());
    let builder = [2, 3].iter().fold(builder, |builder, at| builder.fault(*at, Fault::Refuse));
    let fleet = serve(builder);
    let inventory = fleet.inventory_path().display().to_string();
    let play = |most: u32| {
        let mark = desk.path("marks").display().to_string();
        let text = format!(
            "- hosts: all\n  serial: [2, '40%']\n  max_fail_percentage: {most}\n  probes:\n    \
             - command: 'date +%s.%N >>{mark}; sleep 1'\n"
        );
        desk.file(&format!("play{most}.yml"), &text)
    };
    // Two of the second batch's four fail: that is 50 %.
    let dry = run(["run", &play(49), "-i", &inventory, "--dry-run"]).exits(0);
    dry.says("batches, one after another: 2, 4, 4 hosts").says("when more than 49 % of one failed");
    let saved = desk.path("round.json").display().to_string();
    let outcomes = |most: u32| {
        let ran = run(["run", &play(most), "-i", &inventory, "--save", &saved]).exits(3);
        let round: Value = serde_json::from_str(&std::fs::read_to_string(&saved).unwrap()).unwrap();
        let visits = round["visits"].as_array().unwrap().clone();
        (visits, ran)
    };
    let (visits, ran) = outcomes(49);
    let count =
        |visits: &[Value], outcome: &str| visits.iter().filter(|visit| visit["outcome"] == outcome).count();
    let reached = |visits: &[Value]| count(visits, "ok") + count(visits, "partial");
    assert_eq!(reached(&visits), 4);
    assert_eq!(count(&visits, "unreachable"), 2);
    assert_eq!(count(&visits, "interrupted"), 4);
    let reason = visits[9]["reason"].as_str().unwrap();
    let told = "not contacted: 2 of 4 hosts of batch 2 failed, more than max_fail_percentage (49 %)";
    assert_eq!(reason, told);
    ran.says("not contacted: 2 of 4 hosts of batch 2 failed");
    let (visits, _) = outcomes(50);
    assert_eq!(reached(&visits), 8, "exactly the percentage is not more than it");
    assert!(ran.took >= Duration::from_secs(2), "the second batch waits for the first: {:?}", ran.took);
}

#[test]
fn timings_and_attempts_are_told_on_standard_error_and_nothing_else_changes() {
    let fleet = serve(Fleet::builder().nodes(3).fault(2, Fault::Refuse));
    let inventory = fleet.inventory_path().display().to_string();
    let plain = run(["exec", "all", "-i", &inventory, "--fold", "--", "echo hi"]).exits(3);
    let ran = run(["exec", "all", "-i", &inventory, "--fold", "-vvv", "--timings", "--", "echo hi"]).exits(3);
    assert_eq!(ran.stdout, plain.stdout);
    assert_eq!(plain.stderr, "");
    ran.complains("node-001: 127.0.0.1:").complains("attempt 1: logged in, ").complains("resolve ");
    ran.complains("node-003: 127.0.0.1:").complains("failed at stage connect: ");
    ran.complains("the server is SSH-2.0-").complains("negotiated ").complains("offers the key ");
    ran.complains("phase       hosts   median ms      p95 ms      max ms\n");
    for phase in ["resolve", "tcp", "kex", "auth", "shell", "probe"] {
        let line = ran.stderr.lines().find(|line| line.starts_with(&format!("{phase} "))).unwrap();
        let hosts = line.split_whitespace().nth(1).unwrap();
        assert_eq!(hosts, if ["resolve", "tcp"].contains(&phase) { "3" } else { "2" }, "{line}");
    }
    ran.complains("slowest hosts:\n  node-00");
}

#[test]
fn an_unknown_host_key_is_unknown_and_a_changed_one_critical() {
    let desk = Desk::new();
    let playbook = desk.file("play.yml", "- hosts: all\n  probes:\n    - command: echo here\n");
    let changed = serve(Fleet::builder().nodes(1).fault(0, Fault::WrongHostKey));
    let inventory = changed.inventory_path().display().to_string();
    let report = run(["run", &playbook, "-i", &inventory, "--format", "json"]).exits(2).json();
    let finding = &report["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"host-key-changed".into(), &"critical".into()));
    assert_eq!(report["hosts"][0]["outcome"], "host_key");
    let page = run(["run", &playbook, "-i", &inventory]).exits(2);
    page.says("host-key-changed").says("SHA256:");

    let unknown = serve(Fleet::builder().nodes(1));
    std::fs::write(unknown.known_hosts_path(), "").unwrap();
    let inventory = unknown.inventory_path().display().to_string();
    let ran = run(["exec", "all", "-i", &inventory, "--", "echo here"]).exits(3);
    assert!(told_of(&ran, "node-001").contains("SHA256:"), "{}", ran.stdout);
    let report = run(["run", &playbook, "-i", &inventory, "--format", "json"]).exits(3).json();
    assert!(report["findings"].as_array().unwrap().iter().all(|found| found["code"] != "host-key-changed"));
    assert_eq!(std::fs::read_to_string(unknown.known_hosts_path()).unwrap(), "", "strict writes nothing");
}

#[test]
fn healthy_answers_do_not_wait_for_the_mute() {
    let mutes = [3, 9];
    let builder = mutes.iter().fold(Fleet::builder().nodes(16), |b, at| b.fault(*at, Fault::Mute));
    let fleet = serve(builder);
    let inventory = fleet.inventory_path().display().to_string();
    // Fewer turns than nodes: a mute one holds its own turn, no more.
    let began = std::time::Instant::now();
    let mut child =
        binary::roundsman(["exec", "all", "-i", &inventory, "-T", "8", "-f", "4", "--", "echo here"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let healthy: Vec<String> = lines.by_ref().take(28).map(Result::unwrap).collect();
    let waited = began.elapsed();
    assert_eq!(healthy.iter().filter(|line| *line == "here").count(), 14, "{healthy:#?}");
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(waited < Duration::from_secs(8), "the healthy answers came after the deadline: {waited:?}");
    for host in ["node-004", "node-010"] {
        let line = rest.iter().find(|line| line.starts_with(host)).unwrap_or_else(|| panic!("{rest:#?}"));
        assert!(line.contains("no login within 8s"), "{line}");
    }
}

#[test]
fn a_flood_is_bounded_and_told_and_its_process_ends() {
    let fleet = serve(Fleet::builder().nodes(2));
    let inventory = fleet.inventory_path().display().to_string();
    let flood = "yes roundsman-flood-4711";
    let args = ["exec", "all", "-i", &inventory, "--max-output", "64KiB", "--format", "json", "--", flood];
    let ran = run(args).exits(3);
    for host in ran.json()["hosts"].as_array().unwrap() {
        assert_eq!(host["stdout"].as_str().unwrap().len(), 64 << 10);
        assert_eq!(host["rc"], Value::Null);
        assert!(host["overflow_bytes"].as_u64() > Some(0));
        assert!(host["reason"].as_str().unwrap().contains("more output than the limit"), "{host}");
        assert_eq!(host["left_running"], false);
    }
    until("yes ends", PATIENCE, || processes_with("roundsman-flood-4711").is_empty());
}

#[test]
fn five_hundred_nodes_answer() {
    let desk = Desk::new();
    let fleet = serve(Fleet::builder().nodes(500).shared_sandbox(desk.dir()));
    let inventory = fleet.inventory_path().display().to_string();
    let ran = run(["exec", "all", "-i", &inventory, "-T", "50", "--fold", "--", "echo hi"]).exits(0);
    let rule = "-".repeat(15);
    assert_eq!(ran.stdout, format!("{rule}\nnode-[001-500] (500)\n{rule}\nhi\n"));
}

#[test]
fn a_probe_that_hangs_is_ended_at_its_deadline_and_the_next_one_asked() {
    let fleet = serve(Fleet::builder().nodes(1));
    std::fs::create_dir_all(fleet.nodes()[0].log_dir()).unwrap();
    let inventory = fleet.inventory_path().display().to_string();
    let desk = Desk::new();
    let text = "- hosts: all\n  probes:\n    - command: {command: 'echo begun; sleep 4713', timeout: 1}\n    - command: echo next\n";
    let playbook = desk.file("play.yml", text);
    let saved = desk.path("round.json").display().to_string();
    run(["run", &playbook, "-i", &inventory, "--save", &saved]).exits(3).says("deadline");
    let round: Value = serde_json::from_str(&std::fs::read_to_string(&saved).unwrap()).unwrap();
    let said: Vec<String> = round["visits"][0]["probes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|probe| probe["evidence"].to_string())
        .collect();
    assert!(said[1].contains("begun") && said[2].contains("next"), "{said:#?}");
    assert_eq!(processes_with("sleep 4713"), Vec::<String>::new());
}

#[test]
fn the_rounds_deadline_ends_it_and_what_was_not_seen_is_told() {
    let fleet = serve(Fleet::builder().nodes(3).fault(2, Fault::Mute));
    let inventory = fleet.inventory_path().display().to_string();
    let args = ["exec", "all", "-i", &inventory, "-f", "1", "-T", "50", "--round-timeout", "3", "--"];
    let ran = run(args.iter().chain(&["echo here"])).exits(3);
    assert_eq!(ran.stdout.matches("here\n").count(), 2, "{}", ran.stdout);
    assert!(told_of(&ran, "node-003").contains("deadline"), "{}", ran.stdout);
}
