//! What people read, as it stands.

mod binary;

use binary::{AUDIT, Desk, Ran, healthy_pair, run, serve};
use roundsman::demo::{Fault, Fleet};
use roundsman::probe::disk_usage;
use roundsman::shell::script;

/// Ports, directories, keys and times differ from run to run.
fn settled(text: &str, fleet: &Fleet) -> String {
    let mut text = text.replace(&fleet.dir().display().to_string(), "DIR");
    for (at, node) in fleet.nodes().iter().enumerate() {
        let port = regex::Regex::new(&format!(r"\b{}\b", node.address().port())).unwrap();
        text = port.replace_all(&text, format!("PORT{}", at + 1)).into_owned();
    }
    let patterns = [
        (r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:KEY"),
        (r"runs as [^ )]+", "runs as USER"),
        (r"in \d+\.\d\d s", "in N.NN s"),
        (r"/\S*/playbooks/", "playbooks/"),
    ];
    for (pattern, word) in patterns {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text
}

fn shown(ran: &Ran, fleet: &Fleet) -> String {
    format!(
        "{}--- stderr\n{}--- exit {:?}\n",
        settled(&ran.stdout, fleet),
        settled(&ran.stderr, fleet),
        ran.status
    )
}

fn inventory(fleet: &Fleet) -> String {
    fleet.inventory_path().display().to_string()
}

#[test]
fn exec_in_blocks() {
    let faults = [Fault::Refuse, Fault::DenyAuth, Fault::WrongHostKey, Fault::Mute];
    let named = Fleet::builder().node("well").node("shut").node("strict").node("changed").node("mute");
    let fleet = serve(faults.iter().enumerate().fold(named, |all, (at, fault)| all.fault(at + 1, *fault)));
    let command = "echo out; printf 'no newline'; echo err >&2; exit 3";
    // One turn at a time, so that the order is the inventory's.
    let args = ["exec", "all", "-i", &inventory(&fleet), "-f", "1", "-T", "1", "--", command];
    insta::assert_snapshot!("exec_blocks", shown(&run(args), &fleet));
}

#[test]
fn exec_folded() {
    let fleet = serve(Fleet::builder().nodes(12).fault(4, Fault::Refuse));
    let command = "case $PWD in *-003|*-007) echo odd; exit 1;; *) echo even;; esac";
    let args = ["exec", "all", "-i", &inventory(&fleet), "--fold", "--", command];
    insta::assert_snapshot!("exec_fold", shown(&run(args), &fleet));
}

#[test]
fn exec_streamed() {
    let fleet = serve(Fleet::builder().nodes(1));
    let args = ["exec", "all", "-i", &inventory(&fleet), "--stream", "--", "echo a; echo b >&2; printf c"];
    insta::assert_snapshot!("exec_stream", shown(&run(args), &fleet));
}

#[test]
fn check_of_a_good_node_and_others() {
    let fleet = healthy_pair();
    std::fs::remove_file(fleet.nodes()[1].logs_dir().join("log-cleaner.log")).unwrap();
    let ran = run(["check", "all", "-i", &inventory(&fleet)]);
    // Which tools the tester's machine lacks is no matter of this page.
    let text = shown(&ran, &fleet);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("  tools: ")).collect();
    insta::assert_snapshot!("check", lines.join("\n"));
    let faulty = serve(Fleet::builder().nodes(2).fault(0, Fault::Refuse).fault(1, Fault::WrongHostKey));
    insta::assert_snapshot!(
        "check_unreached",
        shown(&run(["check", "all", "-i", &inventory(&faulty)]), &faulty)
    );
}

#[test]
fn the_plan_before_anybody_is_contacted() {
    let fleet = healthy_pair();
    let args = ["run", AUDIT, "-i", &inventory(&fleet), "-e", "topic=orders", "-l", "broker-a", "--dry-run"];
    let ran = run(args).exits(0);
    // The scripts stand there as they would be sent; the page round them is what is read.
    let paths = [format!("{}/orders-[0-9]*", fleet.nodes()[0].log_dir().display())];
    ran.says(&disk_usage::script(&paths)).says(&script::boot());
    let mut page: Vec<String> = shown(&ran, &fleet)
        .lines()
        .map(|line| {
            // A script stands deeper than what tells of it.
            let script = (line.starts_with("    ") && !line.contains("df -P"))
                || line.contains("do ")
                || line.contains("e() {");
            if script { "SCRIPT".to_owned() } else { line.to_owned() }
        })
        .collect();
    // The lines of one script are one.
    page.dedup_by(|line, before| line == "SCRIPT" && before == "SCRIPT");
    insta::assert_snapshot!("dry_run", page.join("\n"));
}

#[test]
fn mistakes() {
    let fleet = serve(Fleet::builder().nodes(2));
    let good = inventory(&fleet);
    let desk = Desk::new();
    let mut told = String::new();
    let wrong = [
        ("hots.yml", "all:\n  children:\n    web:\n      hots:\n        a:\n"),
        ("twice.yml", "all:\n  hosts:\n    a: {x: 1}\n    a: {x: 2}\n"),
        ("variable.yml", "all:\n  hosts:\n    a: {ansible_host: \"{{ private_ip }}\"}\n"),
    ];
    for (name, text) in wrong {
        let file = desk.file(name, text);
        let ran = run(["exec", "all", "-i", &file, "--", "true"]);
        told.push_str(&format!("$ exec all -i {name} -- true\n{}\n", shown(&ran, &fleet)));
    }
    let playbooks = [
        ("probe.yml", "- hosts: all\n  probes:\n    - disk_usge: {paths: /x}\n"),
        ("option.yml", "- hosts: all\n  probes:\n    - log_grep: {files: /x, patern: ERROR}\n"),
        ("pattern.yml", "- hosts: all\n  probes:\n    - log_grep: {files: /x, pattern: '\\d+ ERROR'}\n"),
        (
            "undefined.yml",
            "- hosts: all\n  probes:\n    - command: \"echo {{ tpoic }}\"\n  vars: {topic: x}\n",
        ),
    ];
    for (name, text) in playbooks {
        let file = desk.file(name, text);
        let ran = run(["run", &file, "-i", &good]);
        told.push_str(&format!("$ run {name}\n{}\n", shown(&ran, &fleet)));
    }
    for args in [
        &["exec", "nodes", "-i", &good, "--", "true"][..],
        &["exec", "all", "-i", &good, "-l", "node-01", "--", "true"],
        &["exec", "all", "-i", &good],
        &["exec", "all", "-i", &good, "--frks", "3", "--", "true"],
        &["exec", "all", "--", "true"],
    ] {
        let ran = run(args);
        told.push_str(&format!("$ {}\n{}\n", settled(&args.join(" "), &fleet), shown(&ran, &fleet)));
    }
    let told = told.replace(&desk.dir().display().to_string(), "DESK");
    insta::assert_snapshot!("mistakes", told);
}
