//! The inventory against ansible-core itself, over the corpus in `tests/inventory`.
//!
//! `cases.json` names sources and patterns; `ask_ansible.py` answers them with ansible-core's own
//! classes in one process, and a few runs of the command-line tools prove that its answers are
//! theirs. A case with `refused` is one that this tool does not take.

mod ansible;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ansible::{succeed, tool};
use roundsman::commands::inventory::{graph, host, list};
use roundsman::error::Refusal;
use roundsman::inventory::{Inventory, Loaded, load};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Case {
    name: String,
    sources: Vec<String>,
    playbook_dir: Option<String>,
    refused: Option<String>,
    patterns: Vec<(String, Option<String>)>,
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventory")
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string(corpus().join("cases.json")).expect("the corpus is there");
    serde_json::from_str(&text).expect("cases.json is well-formed")
}

fn ours(case: &Case) -> Result<Loaded, Refusal> {
    let sources: Vec<String> = case.sources.iter().map(|source| resolve(source)).collect();
    let playbook_dir = case.playbook_dir.as_ref().map(|dir| corpus().join(dir));
    load(&sources, playbook_dir.as_deref())
}

fn resolve(source: &str) -> String {
    if source.contains(',') {
        source.to_owned()
    } else {
        corpus().join(source).to_string_lossy().into_owned()
    }
}

/// The hosts of a pattern; none where it is refused.
fn selected(inventory: &Inventory, pattern: &str, limit: Option<&str>) -> Vec<String> {
    let limit = limit.map(|limit| limit.replace('@', &format!("@{}/", corpus().display())));
    inventory.select(pattern, limit.as_deref()).map(|selection| selection.hosts).unwrap_or_default()
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    list: String,
    graph: String,
    hosts: serde_json::Map<String, Value>,
    groups: serde_json::Map<String, Value>,
    group_names: serde_json::Map<String, Value>,
    short: serde_json::Map<String, Value>,
    selections: Vec<Value>,
}

fn answers() -> &'static [Answer] {
    static ANSWERS: OnceLock<Vec<Answer>> = OnceLock::new();
    ANSWERS.get_or_init(|| {
        let mut python = tool("python");
        let output = succeed(python.arg(corpus().join("ask_ansible.py")).arg(corpus()), "ask_ansible.py");
        serde_json::from_slice(&output.stdout).expect("ask_ansible.py prints JSON")
    })
}

#[test]
fn every_case_is_as_ansible_has_it() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (case, theirs) in cases().iter().zip(answers()) {
        assert_eq!(case.name, theirs.name);
        if case.refused.is_some() {
            continue;
        }
        assert!(!theirs.hosts.is_empty(), "ansible could not read {}", case.name);
        let inventory = ours(case).unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name)).inventory;
        let mut compare = |what: &str, ours: &str, theirs: &str| {
            compared += 1;
            if ours != theirs {
                wrong.push(format!("=== {}: {what}\n--- ours\n{ours}\n--- ansible\n{theirs}", case.name));
            }
        };
        compare("--list", &list(&inventory), &theirs.list);
        compare("--graph", &graph(&inventory), &theirs.graph);
        compare(
            "groups",
            &inventory.groups_var().to_string(),
            &Value::from(theirs.groups.clone()).to_string(),
        );
        for (name, vars) in &theirs.hosts {
            let ours = host(&inventory, name).unwrap_or_else(|refusal| refusal.to_string());
            compare(&format!("--host {name}"), &ours, vars.as_str().unwrap_or_default());
            let vars = inventory.vars(name);
            compare("group_names", &vars["group_names"].to_string(), &theirs.group_names[name].to_string());
            compare(
                "short name",
                &vars["inventory_hostname_short"].to_string(),
                &theirs.short[name].to_string(),
            );
        }
        for ((pattern, limit), theirs) in case.patterns.iter().zip(&theirs.selections) {
            // Where Ansible says that a subscript is out of range, so do we.
            let theirs = if theirs.is_array() { theirs.clone() } else { json!([]) };
            let ours = Value::from(selected(&inventory, pattern, limit.as_deref()));
            compare(&format!("{pattern:?} limited to {limit:?}"), &ours.to_string(), &theirs.to_string());
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
    let combinations: usize = cases().iter().map(|case| case.patterns.len()).sum();
    assert!(combinations >= 40, "only {combinations} combinations of inventory and pattern");
}

#[test]
fn what_is_refused_says_why() {
    for case in cases() {
        let Some(part) = &case.refused else { continue };
        let refusal = ours(&case).map(|_| ()).expect_err(&case.name);
        assert_eq!(refusal.exit_code(), 65, "{}", case.name);
        assert!(refusal.to_string().contains(part), "{}: {refusal}", case.name);
    }
}

#[test]
fn the_command_line_tools_answer_as_the_script_does() {
    for name in ["scalars", "priority", "directory", "variable files of the playbook", "fleet", "script"] {
        let position = cases().iter().position(|case| case.name == name).expect(name);
        let (case, answer) = (&cases()[position], &answers()[position]);
        let mut arguments = Vec::new();
        for source in &case.sources {
            arguments.extend(["-i".to_owned(), resolve(source)]);
        }
        if let Some(dir) = &case.playbook_dir {
            arguments
                .extend(["--playbook-dir".to_owned(), corpus().join(dir).to_string_lossy().into_owned()]);
        }
        for (flag, expected) in [("--list", &answer.list), ("--graph", &answer.graph)] {
            let output = succeed(tool("ansible-inventory").arg(flag).args(&arguments), "ansible-inventory");
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), expected, "{name} {flag}");
        }
    }
    let inventory = load(&[resolve("fleet/hosts.yml")], None).expect("loads").inventory;
    for pattern in [
        "queue_nodes:&metrics_nodes:!maintenance",
        "~kafka0[1-3]",
        "queue_nodes[1:3],bastion",
        "!dc2:metrics_nodes",
    ] {
        let mut ansible = tool("ansible");
        let output =
            succeed(ansible.args(["-i", &resolve("fleet/hosts.yml"), pattern, "--list-hosts"]), "ansible");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let theirs: Vec<&str> = text.lines().skip(1).map(str::trim).collect();
        assert_eq!(selected(&inventory, pattern, None), theirs, "{pattern}");
    }
}
