//! Options from the command line, the environment and `roundsman.toml`, as the program itself takes them.

mod binary;

use std::fs;
use std::process::Command;

use binary::{Desk, Ran, Running, healthy_pair, roundsman};
use clap::Command as Clap;
use serde_json::Value;

/// The program with a home of its own.
fn at_home(desk: &Desk, args: &[&str]) -> Command {
    let mut command = roundsman(args);
    command
        .env("HOME", desk.dir())
        .env("XDG_CONFIG_HOME", desk.path("config"))
        .env_remove("ROUNDSMAN_CONFIG");
    command
}

fn tell(command: Command) -> Ran {
    Running::start(command).end()
}

/// Puts a file where it is looked for.
fn write(desk: &Desk, toml: &str) -> String {
    let dir = desk.path("config/roundsman");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("roundsman.toml"), toml).unwrap();
    dir.join("roundsman.toml").display().to_string()
}

/// What `config` says of an option for a line.
fn shown(ran: &Ran, option: &str) -> (Value, String) {
    let rows = ran.json()["options"].as_array().unwrap().clone();
    let row = rows.into_iter().find(|row| row["option"] == option);
    let row = row.unwrap_or_else(|| panic!("no {option}: {}", ran.stdout));
    (row["value"].clone(), row["source"].as_str().unwrap().to_owned())
}

#[test]
fn each_layer_stands_above_the_next() {
    let desk = Desk::new();
    let ask = |env: &[(&str, &str)], line: &[&str]| {
        let mut command = at_home(&desk, &[&["config", "--format", "json", "run", "x.yml"], line].concat());
        command.envs(env.iter().copied());
        shown(&tell(command).exits(0), "forks")
    };
    assert_eq!(ask(&[], &[]), ("64".into(), "default".into()));
    let cfg = desk.file("ansible.cfg", "[defaults]\nforks = 3\n");
    let ansible = ("ANSIBLE_CONFIG", cfg.as_str());
    assert_eq!(ask(&[ansible], &[]).0, "3");
    let file = write(&desk, "forks = 4\n");
    assert_eq!(ask(&[ansible], &[]), ("4".into(), format!("{file}:1")));
    write(&desk, "forks = 4\n[run]\nforks = 5\n");
    assert_eq!(ask(&[ansible], &[]), ("5".into(), format!("{file}:3")));
    let general = ("ROUNDSMAN_FORKS", "6");
    assert_eq!(ask(&[ansible, general], &[]), ("6".into(), "ROUNDSMAN_FORKS".into()));
    let own = ("ROUNDSMAN_RUN_FORKS", "7");
    assert_eq!(ask(&[ansible, general, own], &[]), ("7".into(), "ROUNDSMAN_RUN_FORKS".into()));
    assert_eq!(ask(&[ansible, general, own], &["--forks", "8"]), ("8".into(), "flag".into()));
    // Set to nothing is not set.
    assert_eq!(ask(&[("ROUNDSMAN_FORKS", "")], &[]).0, "5");
    let secret = ask_of(&desk, &["config", "--format", "json", "run", "x.yml", "-e", "password=hunter2"]);
    assert!(!secret.stdout.contains("hunter2"), "{}", secret.stdout);
}

fn ask_of(desk: &Desk, args: &[&str]) -> Ran {
    tell(at_home(desk, args)).exits(0)
}

#[test]
fn a_round_is_made_with_them() {
    let desk = Desk::new();
    let fleet = healthy_pair();
    let inventory = fleet.inventory_path().display().to_string();
    write(&desk, &format!("inventory = {inventory:?}\nlimit = \"broker-a\"\n[exec]\nformat = \"json\"\n"));
    let ran = tell(at_home(&desk, &["exec", "all", "--", "echo here"])).exits(0);
    assert!(ran.stdout.contains("broker-a") && !ran.stdout.contains("broker-b"), "{}", ran.stdout);
    ran.json();
    // What is typed overrides; the same from the environment.
    let mut command =
        at_home(&desk, &["exec", "all", "-l", "broker-b", "--format", "text", "--", "echo here"]);
    assert_eq!(tell(command).exits(0).stdout, "broker-b | SUCCESS | rc=0 >>\nhere\n");
    command = at_home(&desk, &["exec", "all", "--", "echo here"]);
    command.env("ROUNDSMAN_LIMIT", "broker-b").env("ROUNDSMAN_EXEC_FORMAT", "text");
    assert_eq!(tell(command).exits(0).stdout, "broker-b | SUCCESS | rc=0 >>\nhere\n");
    // A flag of the line and its rival of the file: the line's.
    write(&desk, &format!("inventory = {inventory:?}\n[exec]\nstream = true\n"));
    tell(at_home(&desk, &["exec", "all", "--fold", "--", "echo here"])).exits(0).says("broker-a,broker-b");
}

#[test]
fn a_mistake_is_told_with_its_place_and_nobody_contacted() {
    let desk = Desk::new();
    let file = write(&desk, "[run]\nunatended = true\n");
    let ran = tell(at_home(&desk, &["run", "x.yml", "-i", "h,"])).exits(65);
    ran.complains(&format!("{file}:2:1: `unatended` is no option of run"))
        .complains("did you mean `unattended`?");
    assert_eq!(ran.stdout, "");
    write(&desk, "forks = [\n");
    tell(at_home(&desk, &["run", "x.yml", "-i", "h,"])).exits(65).complains("roundsman.toml:");
    write(&desk, "");
    let mut command = at_home(&desk, &["run", "x.yml", "-i", "h,"]);
    command.env("ROUNDSMAN_FORKS", "many");
    tell(command).exits(64).complains("ROUNDSMAN_FORKS");
    tell(at_home(&desk, &["--config", "nosuch.toml", "check", "all", "-i", "h,"]))
        .exits(65)
        .complains("nosuch.toml");
    // Help is there whatever stands below.
    write(&desk, "nonsense = 1\n");
    tell(at_home(&desk, &["run", "--help"])).exits(0).says("Examples:");
}

/// Every option that people see, with the commands that have it.
fn options() -> Vec<(Vec<String>, clap::Arg)> {
    fn below(command: &Clap, path: &[String], all: &mut Vec<(Vec<String>, clap::Arg)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            let own = sub.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_global_set());
            all.extend(own.map(|arg| (path.clone(), arg.clone())));
            below(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    below(&roundsman::cli::command(), &[], &mut all);
    all
}

/// A value that the option takes.
fn value(arg: &clap::Arg) -> String {
    let possible = arg.get_possible_values();
    if let Some(first) = possible.first() {
        return first.get_name().to_owned();
    }
    let long = arg.get_long().unwrap();
    let known = [
        ("width", "100"),
        ("become-method", "su"),
        ("max-output", "1MiB"),
        ("metrics-label", "team=a"),
        ("log", "h=x.log"),
        ("vault-id", "a@prompt"),
    ];
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == long) {
        return (*value).to_owned();
    }
    // What takes no word takes a number, a time or a size.
    let takes = |text: &str| {
        clap::Command::new("x")
            .no_binary_name(true)
            .arg(clap::Arg::new("v").long("v").value_parser(arg.get_value_parser().clone()))
            .try_get_matches_from([format!("--v={text}")])
            .is_ok()
    };
    ["word", "7", "7s"].into_iter().find(|text| takes(text)).unwrap_or("7").to_owned()
}

/// A line of the command that says nothing of its options.
fn line(path: &[String], long: &str) -> Vec<String> {
    let needed: &[&str] = match path.join(" ").as_str() {
        "run" => &["x.yml"],
        "exec" => &["all", "--", "true"],
        "check" | "trust" => &["all"],
        "inventory host" => &["h"],
        "history trend" => &["t"],
        "ack" => &["3f1c", "--reason", "x"],
        "ack drop" => &["3f1c"],
        // Whoever renders a saved round has no use for an inventory.
        "report" if long == "inventory" => &["--log", "h=x.log"],
        "report" => &["--from", "r.json"],
        "completions" => &["bash"],
        _ => &[],
    };
    path.iter().cloned().chain(needed.iter().map(|word| (*word).to_owned())).collect()
}

#[test]
fn every_option_can_be_set_from_the_environment_and_from_a_file() {
    let desk = Desk::new();
    let mut seen = 0;
    for (path, arg) in options() {
        let long = arg.get_long().unwrap().to_owned();
        let typed = line(&path, &long);
        // What the line itself says, what is no setting, and what configures `config` itself.
        let apart = ["help", "version", "config"].contains(&long.as_str()) || path[0] == "config";
        if apart || typed.contains(&format!("--{long}")) {
            continue;
        }
        let flag = !arg.get_action().takes_values();
        let value = if flag { "true".to_owned() } else { value(&arg) };
        let table = path.join("-");
        let name = format!("ROUNDSMAN_{table}_{long}").replace('-', "_").to_ascii_uppercase();
        let words: Vec<&str> =
            ["config", "--format", "json"].into_iter().chain(typed.iter().map(String::as_str)).collect();
        let mut command = at_home(&desk, &words);
        write(&desk, "");
        command.env_remove("ROUNDSMAN_NO_HISTORY").env(&name, &value);
        let ran = tell(command);
        assert_eq!(ran.status, Some(0), "{name}={value}: {}", ran.stderr);
        let (_, source) = shown(&ran, &long);
        let needs = ["splay", "extra-vars"].contains(&long.as_str());
        assert!(source == name || needs, "{name}={value} is {source}");

        let toml = if flag { "true".to_owned() } else { format!("{value:?}") };
        let file = write(&desk, &format!("[{table}]\n{long} = {toml}\n"));
        let mut command = at_home(&desk, &words);
        command.env_remove("ROUNDSMAN_NO_HISTORY");
        let ran = tell(command);
        assert_eq!(ran.status, Some(0), "{table}.{long} = {toml}: {}", ran.stderr);
        let (_, source) = shown(&ran, &long);
        assert!(source == format!("{file}:2") || needs, "{table}.{long} = {toml} is {source}");
        seen += 1;
    }
    assert!(seen > 150, "{seen} options were tried");
}
