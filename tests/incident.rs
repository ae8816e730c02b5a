//! The recorded incident through the program: its numbers, its report kept and read again, and what it
//! leaves behind.

mod binary;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use binary::{Desk, PATIENCE, Running, roundsman, run, serve_incident, until};
use rustix::process::Signal;
use serde_json::Value;

const TRUNCATED: [u64; 12] = [1, 5, 7, 11, 13, 17, 19, 23, 25, 29, 31, 35];

fn findings<'a>(report: &'a Value, code: &str) -> Vec<&'a Value> {
    let all = report["findings"].as_array().expect("findings");
    all.iter().filter(|finding| finding["code"] == code).collect()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

#[test]
fn every_number_of_the_incident_is_told() {
    let report = run(["demo", "--format", "json"]).exits(2).json();
    assert_eq!(report["verdict"]["status"], "CRITICAL");
    assert_eq!(report["verdict"]["exit_code"], 2);

    assert_eq!(array(&report["hosts"]).len(), 3);
    let clusters = array(&report["comparison"]["clusters"]);
    assert_eq!(clusters.len(), 1);
    assert_eq!(array(&clusters[0]["brokers"]).len(), 3);
    let topic = array(&clusters[0]["topics"]).iter().find(|topic| topic["name"] == "completeProduct");
    let partitions = array(&topic.expect("the topic")["partitions"]);
    assert_eq!(partitions.len(), 36);
    let replicas: usize = partitions.iter().map(|partition| array(&partition["replicas"]).len()).sum();
    assert_eq!(replicas, 72);

    let pairs = [
        ("10.200.8.177", "10.200.8.183", 1.30, 1.334, "10.200.8.177"),
        ("10.200.8.177", "10.200.8.176", 2.04, 2.391, "10.200.8.177"),
        ("10.200.8.176", "10.200.8.183", 6.80, 23.64, "10.200.8.176"),
    ];
    let told = array(&clusters[0]["pairs"]);
    assert_eq!(told.iter().filter(|pair| pair["topic"] == "completeProduct").count(), pairs.len());
    for (a, b, low, high, larger) in pairs {
        let is = |pair: &&Value| {
            let names = [pair["a"].as_str().unwrap_or(""), pair["b"].as_str().unwrap_or("")];
            pair["topic"] == "completeProduct" && (names == [a, b] || names == [b, a])
        };
        let pair = told.iter().find(is).unwrap_or_else(|| panic!("{a}-{b} in {told:#?}"));
        assert_eq!(pair["partitions"], 12, "{pair}");
        assert_eq!(pair["larger"], larger, "{pair}");
        let (min, max) = (pair["ratio_min"].as_f64().unwrap(), pair["ratio_max"].as_f64().unwrap());
        assert!(low <= min && min < low + 0.02, "{pair}");
        assert!(high - 0.02 < max && max <= high, "{pair}");
    }
}

#[test]
fn the_truncations_and_the_loss_are_told_exactly() {
    let report = run(["demo", "--format", "json"]).exits(2).json();
    for code in ["replica-truncated", "data-lost"] {
        let found = findings(&report, code);
        assert_eq!(found.len(), 1, "{code}");
        let finding = found[0];
        assert_eq!(finding["lost_total"], 6_572_461, "{code}");
        assert_eq!(finding["subject"]["topic"], "completeProduct");
        let items = array(&finding["items"]);
        let partitions: Vec<u64> = items.iter().filter_map(|item| item["partition"].as_u64()).collect();
        assert_eq!(partitions, TRUNCATED, "{code}");
        for item in items {
            assert_eq!(item["follower"], "10.200.8.176");
            assert_eq!(item["leader"], "10.200.8.183");
            assert_eq!(item["leader_id"], 180_881_591);
            assert_eq!(item["host"], "10.200.8.176");
            let number = |key: &str| item[key].as_u64().unwrap();
            assert_eq!(number("from") - number("to"), number("lost"), "{item}");
            let at = item["at_raw"].as_str().unwrap();
            assert!(("2017-04-03 14:16:36,003"..="2017-04-03 14:16:39,360").contains(&at), "{at}");
        }
        let lost: u64 = items.iter().filter_map(|item| item["lost"].as_u64()).sum();
        assert_eq!(lost, 6_572_461, "{code}");
    }
    let dead = findings(&report, "cleaner-dead");
    let brokers: Vec<&str> =
        dead.iter().filter_map(|finding| finding["subject"]["broker"].as_str()).collect();
    assert_eq!(brokers, ["10.200.8.177", "10.200.8.183"]);
    for finding in dead {
        assert_eq!(finding["severity"], "critical");
        assert_eq!(finding["bug"]["id"], "KAFKA-4497");
        assert_eq!(finding["bug"]["fixed_in"], "0.10.1.1");
    }
    // Nothing was invented about what is well.
    assert_eq!(findings(&report, "replica-missing").len() + findings(&report, "node-unreachable").len(), 0);
}

#[test]
fn the_report_keeps_to_its_schema() {
    let report = run(["demo", "--format", "json"]).exits(2).json();
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn the_first_screen_says_what_happened() {
    let ran = run(["demo", "--width", "100"]).exits(2);
    let first_screen: String = ran.stdout.lines().take(24).collect::<Vec<_>>().join("\n");
    assert!(ran.stdout.starts_with("CRITICAL"), "{first_screen}");
    for word in ["6,572,461", "completeProduct", "10.200.8.176", "10.200.8.183"] {
        assert!(first_screen.contains(word), "no {word} in\n{first_screen}");
    }
    let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}\n{}", ran.stdout);
    assert!(!ran.stdout.contains('\x1b'), "colour where no terminal is");
}

fn left_in(desk: &Desk) -> Vec<String> {
    let entries = fs::read_dir(desk.dir()).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_demo_leaves_nothing_behind() {
    let desk = Desk::new();
    let mut command = roundsman(["demo"]);
    command.env("TMPDIR", desk.dir());
    Running::start(command).end().exits(2);
    assert_eq!(left_in(&desk), Vec::<String>::new());
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    for (signal, serve, status) in [
        (Signal::INT, false, 130),
        (Signal::TERM, false, 143),
        (Signal::INT, true, 0),
        (Signal::TERM, true, 0),
    ] {
        let desk = Desk::new();
        let mut command = roundsman(if serve { &["demo", "--serve"][..] } else { &["demo"] });
        command.env("TMPDIR", desk.dir());
        let demo = Running::start(command);
        until("the demo makes its directory", PATIENCE, || !left_in(&desk).is_empty());
        demo.signal(signal);
        let ran = demo.end().exits(status);
        assert_eq!(left_in(&desk), Vec::<String>::new(), "{signal:?} {serve}");
        // What was gathered is reported, and that it was cut short is said.
        assert!(serve || ran.stdout.contains("not seen") || ran.stdout.contains("stopped"), "{ran:?}");
    }
}

#[test]
fn a_served_demo_can_be_visited_from_another_process() {
    let desk = Desk::new();
    let mut command = roundsman(["demo", "--serve"]);
    command.env("TMPDIR", desk.dir());
    let demo = Running::start(command);
    let inventory = || {
        let dir = fs::read_dir(desk.dir()).ok()?.flatten().next()?;
        let file = dir.path().join("inventory.yml");
        file.exists().then(|| file.display().to_string())
    };
    until("the inventory is written", PATIENCE, || inventory().is_some());
    let who = run(["exec", "10.200.8.176", "-i", &inventory().unwrap(), "--", "echo $LOGNAME"]).exits(0);
    assert_eq!(who.stdout, "10.200.8.176 | SUCCESS | rc=0 >>\ndemo\n");
    demo.signal(Signal::INT);
    demo.end().exits(0).says("roundsman run playbooks/kafka-audit.yml -i");
}

#[test]
fn a_saved_round_gives_the_same_report_to_the_byte() {
    let demo = serve_incident();
    let desk = Desk::new();
    let inventory = demo.inventory_path().display().to_string();
    let saved = desk.path("round.json").display().to_string();
    let playbook = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/kafka-audit.yml");
    for (format, width) in [("json", "80"), ("table", "80"), ("table", "200"), ("markdown", "120")] {
        let show = ["--format", format, "--width", width];
        let first = run(["run", playbook, "-i", &inventory, "--save", &saved].iter().chain(&show)).exits(2);
        for _ in 0..2 {
            let again = run(["report", "--from", &saved].iter().chain(&show)).exits(2);
            assert!(again.stdout == first.stdout, "{format} {width}\n{}\n{}", first.stdout, again.stdout);
        }
    }
    drop(demo);
    // Without the fleet: the round is all that a report needs.
    run(["report", "--from", &saved]).exits(2).says("6,572,461");
    assert_eq!(fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_report_goes_to_files_by_their_extension() {
    let desk = Desk::new();
    let (markdown, json) = (desk.path("report.md"), desk.path("report.txt"));
    let json_to = format!("json:{}", json.display());
    let ran = run(["demo", "-o", &markdown.display().to_string(), "-o", &json_to]).exits(2);
    ran.says("CRITICAL");
    assert!(fs::read_to_string(markdown).unwrap().starts_with('#'));
    let json: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(json["schema"], "roundsman.report/1");
    run(["demo", "-o", "report.xyz"]).exits(64).complains("report.xyz");
    // A report that could not be delivered never ends well, but a found disaster outweighs it.
    let nowhere = desk.path("no/such/dir.md").display().to_string();
    let lost = run(["demo", "-o", &nowhere]).exits(2);
    lost.complains("can't be written");
}

#[test]
fn a_file_that_holds_no_round_is_told() {
    let desk = Desk::new();
    for (name, text) in [("empty", ""), ("list", "[]"), ("report", "{\"schema\": \"roundsman.report/1\"}")] {
        let file = desk.file(name, text);
        let ran = run(["report", "--from", &file]).exits(65);
        assert_eq!(ran.stdout, "");
        ran.complains(&file).complains("no saved round");
    }
    let ran = run(["report", "--from", &desk.path("absent").display().to_string()]).exits(65);
    ran.complains("can't be read");
}

#[test]
fn what_disks_and_commands_say_stands_in_every_format() {
    let demo = serve_incident();
    let desk = Desk::new();
    let playbook = desk.file(
        "answers.yml",
        "- hosts: all\n  probes:\n    - disk_free: {paths: '{{ kafka_log_dirs }}'}\n    - command: 'echo told; exit 4'\n",
    );
    let inventory = demo.inventory_path().display().to_string();
    let args = |format: &'static str| {
        ["run".to_owned(), playbook.clone(), "-i".into(), inventory.clone(), "--format".into(), format.into()]
    };
    let report = run(args("json")).json();
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&report));
    assert_eq!(report["mounts"].as_array().unwrap().len(), 3);
    assert!(report["mounts"][0]["size_bytes"].as_u64() > Some(0));
    let commands = report["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 3);
    assert_eq!((&commands[0]["rc"], &commands[0]["stdout"]), (&Value::from(4), &Value::from("told\n")));
    for format in ["table", "markdown"] {
        let text = run(args(format)).stdout;
        assert!(text.contains("Disk space") && text.contains("exit status 4"), "{text}");
        // The three answers are alike, so they are told once.
        assert_eq!(text.matches("\n    told").count() + text.matches("\ntold").count(), 1, "{text}");
    }
}
