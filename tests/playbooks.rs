//! Every shipped playbook through the program, on the fleet that holds the incident.

mod binary;

use binary::{Ran, run, serve_incident};
use serde_json::Value;

fn play(inventory: &str, name: &str, more: &[&str]) -> Ran {
    let playbook = format!("{}/playbooks/{name}.yml", env!("CARGO_MANIFEST_DIR"));
    run(["run", &playbook, "-i", inventory, "--format", "json"].iter().chain(more))
}

/// Findings by code: severity and host or topic.
fn told<'a>(report: &'a Value, code: &str) -> Vec<(&'a str, &'a str)> {
    let word = |value: &'a Value| value.as_str().unwrap_or("");
    let all = report["findings"].as_array().expect("findings").iter();
    all.filter(|finding| finding["code"] == code)
        .map(|finding| {
            let subject = &finding["subject"];
            let about = if subject["broker"].is_null() { &subject["topic"] } else { &subject["broker"] };
            (word(&finding["severity"]), word(about))
        })
        .collect()
}

#[test]
fn compaction_finds_the_dead_cleaners_and_nothing_else_critical() {
    let demo = serve_incident();
    let inventory = demo.inventory_path().display().to_string();
    let report = play(&inventory, "compaction", &[]).exits(2).json();
    let dead: Vec<&str> = told(&report, "cleaner-dead").into_iter().map(|(_, host)| host).collect();
    assert_eq!(dead, ["10.200.8.177", "10.200.8.183"]);
    assert_eq!(told(&report, "cleaner-behind"), [("warning", "completeProduct")]);
    // It does not ask for truncations.
    assert!(told(&report, "data-lost").is_empty());
}

#[test]
fn replica_divergence_finds_the_loss() {
    let demo = serve_incident();
    let inventory = demo.inventory_path().display().to_string();
    let report = play(&inventory, "replica-divergence", &["-e", "topic=completeProduct"]).exits(2).json();
    assert_eq!(told(&report, "data-lost"), [("critical", "completeProduct")]);
    assert_eq!(told(&report, "replica-short"), [("critical", "completeProduct")]);
    // No cleaner's log was read: what its disk shows is told, as a conclusion.
    assert_eq!(told(&report, "cleaner-dead"), [("critical", "10.200.8.177"), ("critical", "10.200.8.183")]);
    let all = report["findings"].as_array().expect("findings").iter();
    assert!(
        all.filter(|finding| finding["code"] == "cleaner-dead").all(|finding| finding["basis"] == "inferred")
    );
}

#[test]
fn disk_pressure_names_every_mount() {
    let demo = serve_incident();
    let inventory = demo.inventory_path().display().to_string();
    let ran = play(&inventory, "disk-pressure", &[]);
    let report = ran.json();
    let full = told(&report, "disk-full").len() + told(&report, "disk-filling").len();
    // How full this machine is decides; nothing else may be missing from the evidence.
    assert!(told(&report, "probe-incomplete").is_empty(), "{}", ran.stdout);
    assert!(full == 0 || full == 3, "one disk under three brokers: {}", ran.stdout);
}

#[test]
fn the_gate_is_shut_for_those_whose_peers_are_not_well() {
    let demo = serve_incident();
    let inventory = demo.inventory_path().display().to_string();
    // Its peer 10.200.8.183 is short, so it holds what nobody else has.
    let shut = play(&inventory, "upgrade-gate", &["-e", "restart=10.200.8.176"]).exits(2);
    shut.says("Do not restart 10.200.8.176 now: of 12 partitions");
    // A dead cleaner is cured by a restart, and its peers are well.
    play(&inventory, "upgrade-gate", &["-e", "restart=10.200.8.177"]).exits(0);
    // After the last: the cut replicas are not whole again.
    play(&inventory, "upgrade-gate", &[]).exits(2).says("is not whole again");
    // One broker is left out of sight.
    play(&inventory, "upgrade-gate", &["-e", "restart=10.200.8.177", "-l", "10.200.8.177:10.200.8.176"])
        .exits(3);
    // Nobody of that name.
    play(&inventory, "upgrade-gate", &["-e", "restart=10.200.8.178"]).exits(64).complains("10.200.8.178");
}

#[test]
fn explain_knows_every_code_and_the_nearest_one() {
    run(["explain"]).exits(0).says("cleaner-dead").says("probe-incomplete");
    run(["explain", "replica_short"]).exits(0).says("Do not");
    run(["explain", "cleaner-ded"]).exits(64).complains("did you mean `cleaner-dead`?");
    let all = run(["explain", "--format", "json"]).exits(0).json();
    assert_eq!(all["codes"].as_array().expect("codes").len(), 39);
    let page = run(["explain", "--format", "markdown"]).exits(0).stdout;
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md"))
        .expect("the document");
    assert!(page == kept, "docs/findings.md is not current");
}
