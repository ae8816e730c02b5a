//! Completion in real shells: what they offer, and what stands on the line afterwards.

mod binary;
mod terminal;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use binary::{AUDIT, Desk, healthy_pair, roundsman, run};
use terminal::{Terminal, bare};

const INVENTORY: &str =
    "queue_nodes:\n  hosts:\n    queue0[1:2].example.com: {note: chosen}\n    solo-broker: {note: alone}\n";

/// A desk with an inventory.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    let inventory = desk.file("prod.yml", INVENTORY);
    (desk, inventory)
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make setup`"));
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(complaints, "", "{command:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What bash would offer, by its own word breaking: the words are given as bash breaks them.
fn bash(desk: &Desk, line: &str, words: &[&str]) -> Vec<String> {
    let mut command = bare("bash", desk.dir());
    let script = "source <(roundsman completions bash); COMP_LINE=$1; COMP_POINT=${#1}; shift
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _roundsman
        [[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\\n' \"${COMPREPLY[@]}\"";
    command.args(["--norc", "-c", script, "bash", line]).args(words).current_dir(desk.dir());
    output(command).lines().map(str::to_owned).collect()
}

fn fish(desk: &Desk, line: &str) -> Vec<String> {
    let mut command = bare("fish", desk.dir());
    let script = "source (roundsman completions fish | psub); complete -C $argv[1]";
    command.args(["--no-config", "-c", script, line]).current_dir(desk.dir());
    output(command).lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_hosts_groups_and_codes() {
    let (desk, inventory) = desk();
    let line = format!("roundsman audit -i {inventory} ");
    let all = ["all", "queue_nodes", "queue01.example.com", "queue02.example.com", "solo-broker"];
    assert_eq!(bash(&desk, &line, &["roundsman", "audit", "-i", &inventory, ""]), all);
    // Bash breaks a word at `:` and `=`, and replaces only what comes after.
    let line = format!("roundsman audit --inventory={inventory} queue_nodes:!so");
    let words = ["roundsman", "audit", "--inventory", "=", &inventory, "queue_nodes", ":", "!so"];
    assert_eq!(bash(&desk, &line, &words), ["!solo-broker"]);
    let line = format!("roundsman audit -i {inventory} 'queue_nodes:!so");
    let words = ["roundsman", "audit", "-i", &inventory, "'queue_nodes:!so"];
    assert_eq!(bash(&desk, &line, &words), ["queue_nodes:!solo-broker"]);
    let codes = bash(&desk, "roundsman explain unclean", &["roundsman", "explain", "unclean"]);
    assert_eq!(codes, ["unclean-election"]);
    assert_eq!(
        bash(&desk, "roundsman explain --format=", &["roundsman", "explain", "--format", "="]),
        ["table", "markdown", "runbook", "json"]
    );
    let none = bash(&desk, "roundsman audit -i /no/such qu", &["roundsman", "audit", "-i", "/no/such", "qu"]);
    assert_eq!(none, Vec::<String>::new());
}

#[test]
fn bash_completes_the_line_that_is_typed() {
    let (desk, inventory) = desk();
    let mut bash = Terminal::start("bash --norc --noprofile -i", desk.dir(), &[]);
    bash.types(&format!(
        "cd {}; set +H; source <(roundsman completions bash); PS1=R''EADY\n",
        desk.dir().display()
    ));
    bash.sees("READY");
    bash.types(&format!("roundsman inventory host -i {inventory} solo\t\n"));
    bash.sees("\"note\": \"alone\"");
    // The same after a colon, and a file by readline's own means.
    bash.types("roundsman check -i ./pro\t --list-hosts queue_nodes:!solo\t\n");
    bash.sees("hosts (2):");
    bash.types("exit\n");
    bash.ends();
}

#[test]
fn zsh_completes_the_line_that_is_typed() {
    let (desk, inventory) = desk();
    let mut zsh = Terminal::start("zsh -f -i", desk.dir(), &[]);
    let ready = "autoload -Uz compinit; compinit -u -D; source <(roundsman completions zsh); PS1=R''EADY; setopt nobanghist\n";
    zsh.types(&format!("cd {}; {ready}", desk.dir().display()));
    zsh.sees("READY");
    zsh.types(&format!("roundsman inventory host -i {inventory} solo\t\n"));
    zsh.sees("\"note\": \"alone\"");
    zsh.types("roundsman check -i ./pro\t --list-hosts queue_nodes:!solo\t\n");
    zsh.sees("hosts (2):");
    // What there is to choose from stands below the line, with a few words each.
    zsh.types("roundsman explain un\t\t");
    zsh.sees("unclean-election");
    zsh.sees("A replica that was not in sync became leader");
}

#[test]
fn fish_offers_hosts_files_and_rounds() {
    let (desk, inventory) = desk();
    let all = fish(&desk, &format!("roundsman audit -i {inventory} "));
    let expected =
        ["all\t3 hosts", "queue_nodes\t3 hosts", "queue01.example.com", "queue02.example.com", "solo-broker"];
    assert_eq!(all, expected);
    let part = fish(&desk, &format!("roundsman audit -i {inventory} queue_nodes:!so"));
    assert_eq!(part, ["queue_nodes:!solo-broker"]);
    assert_eq!(fish(&desk, "roundsman check all -i ./pro"), ["./prod.yml"]);
    assert_eq!(fish(&desk, "roundsman check all --inventory=./pro"), ["--inventory=./prod.yml"]);
    assert_eq!(fish(&desk, "roundsman run x.yml -o markdown:./pro"), ["markdown:./prod.yml"]);
    assert_eq!(fish(&desk, "roundsman audit --format prom"), ["prometheus"]);
    let shells = fish(&desk, "roundsman completions ");
    assert_eq!(shells, ["bash", "zsh", "fish"]);
}

#[test]
fn rounds_of_the_history_are_offered_and_it_is_not_touched() {
    let (desk, _) = desk();
    let history = desk.path("history.sqlite").display().to_string();
    let missing = fish(&desk, &format!("roundsman history show --history {history} "));
    assert_eq!(missing, Vec::<String>::new());
    assert!(!desk.path("history.sqlite").exists(), "looking made a history");
    let fleet = healthy_pair();
    let nodes = fleet.inventory_path().display().to_string();
    let mut command = roundsman(["run", AUDIT, "-i", &nodes, "--history", &history]);
    command.env_remove("ROUNDSMAN_NO_HISTORY");
    assert_eq!(command.output().expect("a round").status.code(), Some(0));
    let listed = run(["history", "list", "--history", &history, "--format", "json"]).exits(0).json();
    let id = listed["rounds"][0]["id"].as_str().expect("an id").to_owned();
    let offered = fish(&desk, &format!("roundsman history show --history {history} "));
    assert_eq!(offered[0], "last");
    assert!(offered[1].starts_with(&format!("{id}\t")) && offered[1].contains("OK"), "{offered:?}");
    let line = format!("roundsman diff --history {history} {}", &id[..12]);
    assert_eq!(bash(&desk, &line, &["roundsman", "diff", "--history", &history, &id[..12]]), [id]);
}

/// What `complete` says of the last word, and how long it took.
fn asked(words: &[&str], env: &[(&str, &str)], dir: &Desk) -> (String, Duration) {
    let mut command = roundsman(["complete", &(words.len() - 1).to_string(), "--"]);
    command.args(words).envs(env.iter().copied()).current_dir(dir.dir()).env("HOME", dir.dir());
    let began = Instant::now();
    let output = command.output().expect("it runs");
    let took = began.elapsed();
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), ""),
        "{words:?}"
    );
    (String::from_utf8_lossy(&output.stdout).into_owned(), took)
}

#[test]
fn the_inventory_is_the_lines_the_environments_or_ansibles() {
    let (desk, inventory) = desk();
    let other = desk.file("other.yml", "g:\n  hosts: {elsewhere: }\n");
    let hosts = |words: &[&str], env: &[(&str, &str)]| asked(words, env, &desk).0;
    assert_eq!(hosts(&["roundsman", "audit", "q"], &[]), "");
    desk.file("ansible.cfg", "[defaults]\ninventory = other.yml\n");
    assert_eq!(hosts(&["roundsman", "audit", "else"], &[]), "elsewhere\n");
    let env = [("ROUNDSMAN_INVENTORY", inventory.as_str())];
    assert_eq!(hosts(&["roundsman", "audit", "so"], &env), "solo-broker\n");
    assert_eq!(hosts(&["roundsman", "audit", "-i", &other, "else"], &env), "elsewhere\n");
    assert_eq!(hosts(&["roundsman", "audit", "-i", &other, "so"], &env), "");
    // A mistake in a file is told when the line is run, not while it is typed.
    desk.file("ansible.cfg", "[defaults\n");
    assert_eq!(hosts(&["roundsman", "audit", "else"], &[]), "");
    assert_eq!(hosts(&["roundsman", "audit", "-i", &desk.file("bad.yml", "g: [\n"), "x"], &[]), "");
}

#[test]
fn nothing_is_run_and_nobody_asked() {
    let desk = Desk::new();
    let trace = desk.path("trace");
    let script = desk.file(
        "inventory.sh",
        &format!("#!/bin/sh\ntouch {}\necho '{{\"g\": {{\"hosts\": [\"h\"]}}}}'\n", trace.display()),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may run");
    assert_eq!(asked(&["roundsman", "audit", "-i", &script, ""], &[], &desk).0, "");
    assert!(!trace.exists(), "the inventory's program ran");
    // It would run for the real line.
    run(["inventory", "graph", "-i", &script]).exits(0).says("@g:");
    assert!(trace.exists());
    let sealed = desk.file("vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n61626364\n");
    let line = ["roundsman", "audit", "--ask-vault-pass", "-i", &sealed, ""];
    assert_eq!(asked(&line, &[], &desk).0, "");
    let names = desk.file("odd.yml", "g:\n  hosts:\n    \"$(touch x)\":\n    \"a b\":\n    plain:\n");
    let (offered, _) = asked(&["roundsman", "audit", "-i", &names, ""], &[], &desk);
    assert_eq!(offered, "all\t3 hosts\ng\t3 hosts\nplain\n", "what a shell would act on is not offered");
}

#[test]
fn a_thousand_hosts_are_there_at_once() {
    let desk = Desk::new();
    let mut text = String::from("fleet:\n  hosts:\n");
    (0..1000).for_each(|at| {
        text.push_str(&format!("    broker-{at:04}.example.com: {{kafka_broker_id: {at}}}\n"))
    });
    let inventory = desk.file("fleet.yml", &text);
    let line = ["roundsman", "audit", "-i", &inventory, "broker-09"];
    let best = (0..5).map(|_| asked(&line, &[], &desk)).min_by_key(|(_, took)| *took).expect("five");
    assert_eq!(best.0.lines().count(), 100);
    // The promise is 100 ms; this program is not optimized, and the machine is busy with other tests.
    assert!(best.1 < Duration::from_millis(400), "{:?}", best.1);
}
