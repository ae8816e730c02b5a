//! Help in two lengths, colour, readers that leave, the manual.

mod binary;
mod terminal;

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use binary::{AUDIT, Desk, Ran, healthy_pair, roundsman, run};
use roundsman::cli;
use terminal::Terminal;

/// Every subcommand as it is typed, the program itself first.
fn subcommands() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
        all.push(path.to_vec());
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
            let mut path = path.to_vec();
            path.push(sub.get_name().to_owned());
            below(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    below(&cli::command(), &[], &mut all);
    assert!(all.len() > 12, "{all:?}");
    all
}

fn help(path: &[String], which: &str, columns: &str) -> Ran {
    let mut command = roundsman(path);
    command.arg(which).env("COLUMNS", columns);
    binary::Running::start(command).end().exits(0)
}

#[test]
fn short_help_is_one_screen_with_a_line_for_each_option() {
    for path in subcommands() {
        let text = help(&path, "-h", "80").stdout;
        assert!(text.lines().count() <= 26, "{path:?} has {} lines\n{text}", text.lines().count());
        let options = text.split("Options:\n").nth(1).unwrap_or_else(|| panic!("{path:?}\n{text}"));
        for line in options.lines().take_while(|line| !line.is_empty()) {
            let begins = line.trim_start().starts_with('-');
            assert!(begins && line.chars().count() <= 80, "{path:?}: {line}");
        }
    }
}

#[test]
fn long_help_has_all_options_and_examples_that_can_be_typed() {
    for path in subcommands() {
        let text = help(&path, "--help", "80").stdout;
        let (_, rest) =
            text.split_once("Examples:\n").unwrap_or_else(|| panic!("no examples: {path:?}\n{text}"));
        let examples = rest.split("\n\n").next().expect("a first part").replace("\\\n", " ");
        let lines: Vec<&str> =
            examples.lines().filter_map(|line| line.strip_prefix("  roundsman ")).collect();
        assert!(!lines.is_empty(), "{path:?}\n{text}");
        for line in lines {
            let words = shlex::split(line).unwrap_or_else(|| panic!("quotes: {line}"));
            let own = words.into_iter().take_while(|word| word != ">" && word != "|");
            let typed: Vec<String> = ["roundsman".to_owned()].into_iter().chain(own).collect();
            let parsed = cli::command().try_get_matches_from(&typed);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            let of_its_command = typed[1..].starts_with(&path);
            assert!(of_its_command, "{path:?} has an example of another command: {line}");
        }
        assert!(text.contains("Exit status:"), "{path:?}");
    }
    let run = help(&["run".to_owned()], "--help", "80").stdout;
    for option in ["--vault-id", "--probe-timeout", "--kafka-log-dirs", "--color", "--no-history"] {
        assert!(run.contains(option), "{option}");
        assert!(!help(&["run".to_owned()], "-h", "80").stdout.contains(option), "{option}");
    }
}

/// A round of the incident's fleet or a like one, saved.
fn saved(desk: &Desk) -> String {
    let fleet = healthy_pair();
    let round = desk.path("round.json").display().to_string();
    let inventory = fleet.inventory_path().display().to_string();
    run(["run", AUDIT, "-i", &inventory, "--save", &round]).exits(0);
    round
}

const SGR: &str = "\u{1b}[";

#[test]
fn colour_flag_then_no_color_then_force_then_terminal() {
    let desk = Desk::new();
    let round = saved(&desk);
    let program = env!("CARGO_BIN_EXE_roundsman");
    let forced = ("CLICOLOR_FORCE", "1");
    let none = ("NO_COLOR", "1");
    // What is set, what is given, whether there is colour in a pipe, and whether on a terminal.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, bool, bool);
    let table: [Case<'_>; 9] = [
        (&[], "", false, true),
        (&[none], "", false, false),
        (&[forced], "", true, true),
        (&[("CLICOLOR_FORCE", "0")], "", false, true),
        (&[none, forced], "", false, false),
        (&[none], "--color=always", true, true),
        (&[forced], "--color=never", false, false),
        (&[], "--color=never", false, false),
        (&[("TERM", "dumb")], "", false, false),
    ];
    // A report of ours, and a page of clap's.
    for line in [format!("report --from {round}"), "run --help".to_owned()] {
        for (env, flag, in_a_pipe, on_a_terminal) in table {
            let mut command = roundsman(line.split(' '));
            command.args(flag.split_whitespace()).env_remove("CLICOLOR_FORCE").env("TERM", "xterm");
            command.envs(env.iter().copied());
            let piped = binary::Running::start(command).end().exits(0).stdout;
            assert_eq!(piped.contains(SGR), in_a_pipe, "{line} {env:?} {flag} in a pipe\n{piped}");
            let terminal = Terminal::start(&format!("'{program}' {line} {flag}"), desk.dir(), env);
            let (shown, status) = terminal.ends();
            assert_eq!(status, Some(0), "{shown}");
            assert_eq!(shown.contains(SGR), on_a_terminal, "{line} {env:?} {flag} on a terminal\n{shown}");
        }
    }
    // Commands without colour take the flag as well, before or after their name.
    run(["--color", "never", "explain", "data-lost"]).exits(0);
    run(["explain", "data-lost", "--color=never"]).exits(0);
    // A file is no terminal.
    let page = desk.path("page.txt").display().to_string();
    run(["report", "--from", &round, "--color", "always", "-o", &page]).exits(0);
    assert!(!fs::read_to_string(page).expect("a report").contains(SGR));
}

/// The status and complaints of the program when its reader takes one byte, or none, and leaves.
fn left(args: &[&str], bytes: usize) -> (Option<i32>, String) {
    let mut child = roundsman(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut taken = vec![0; bytes];
    let _ = stdout.read(&mut taken);
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let desk = Desk::new();
    let round = saved(&desk);
    let history = desk.path("history.sqlite").display().to_string();
    let fleet = healthy_pair();
    let inventory = fleet.inventory_path().display().to_string();
    for _ in 0..2 {
        let mut command = roundsman(["audit", "-i", &inventory, "--history", &history]);
        command.env_remove("ROUNDSMAN_NO_HISTORY");
        assert!(command.output().expect("a round").status.success());
    }
    let name = fleet.nodes()[0].name().to_owned();
    let mut lines: Vec<Vec<&str>> = vec![
        vec!["explain"],
        vec!["explain", "data-lost", "--format", "runbook"],
        vec!["explain", "--format", "json"],
        vec!["inventory", "list", "-i", &inventory],
        vec!["inventory", "graph", "-i", &inventory],
        vec!["inventory", "host", &name, "-i", &inventory, "--ssh"],
        vec!["history", "list", "--history", &history],
        vec!["history", "list", "--history", &history, "--format", "json"],
        vec!["history", "show", "--history", &history],
        vec!["diff", "--history", &history],
        vec!["diff", "--history", &history, "--format", "json"],
        vec!["run", AUDIT, "-i", &inventory, "--dry-run"],
        vec!["run", AUDIT, "-i", &inventory, "--list-hosts"],
        vec!["run", AUDIT, "-i", &inventory],
        vec!["audit", "-i", &inventory, "--format", "json"],
        vec!["check", "all", "-i", &inventory],
        vec!["exec", "all", "-i", &inventory, "--", "seq 10000"],
        vec!["exec", "all", "-i", &inventory, "--stream", "--", "seq 10000"],
        vec!["exec", "all", "-i", &inventory, "--fold", "--", "seq 10000"],
        vec!["exec", "all", "-i", &inventory, "--format", "json", "--", "seq 10000"],
        vec!["completions", "bash"],
        vec!["completions", "zsh"],
        vec!["completions", "fish"],
        vec!["complete", "1", "--", "roundsman", ""],
        vec!["--version"],
    ];
    for format in ["table", "markdown", "html", "json", "ndjson", "prometheus", "nagios", "csv"] {
        lines.push(vec!["report", "--from", &round, "--format", format]);
    }
    let paths = subcommands();
    for path in &paths {
        for which in ["-h", "--help"] {
            lines.push(path.iter().map(String::as_str).chain([which]).collect());
        }
    }
    for line in lines {
        for bytes in [0, 1] {
            let (status, complaints) = left(&line, bytes);
            assert_eq!(status, Some(0), "{line:?}\n{complaints}");
            let bad =
                complaints.contains("panic") || complaints.contains("error") || complaints.contains("pipe");
            assert!(!bad, "{line:?}\n{complaints}");
        }
    }
    // The verdict of a report that nobody read to its end is still the exit status.
    assert_eq!(left(&["demo"], 1).0, Some(2));
}

/// What a checker of pages says.
fn says(program: &str, args: &[&str], page: &std::path::Path) -> String {
    let output = Command::new(program).args(args).arg(page).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; `make setup` installs it"));
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    match program {
        "mandoc" => String::from_utf8_lossy(&output.stdout).into_owned() + &complaints,
        _ => complaints,
    }
}

#[test]
fn the_manual_has_a_page_for_each_subcommand_that_its_linters_like() {
    let desk = Desk::new();
    let dir = desk.path("man").display().to_string();
    run(["man", "--dir", &dir, "--date", "2026-11-24"]).exits(0);
    let pages: Vec<String> = subcommands()
        .iter()
        .map(|path| {
            format!(
                "{}.1",
                ["roundsman".to_owned()].iter().chain(path).cloned().collect::<Vec<_>>().join("-")
            )
        })
        .collect();
    let mut written: Vec<String> = fs::read_dir(&dir)
        .expect("the pages")
        .map(|entry| entry.expect("a page").file_name().to_string_lossy().into_owned())
        .collect();
    let mut expected = pages.clone();
    written.sort();
    expected.sort();
    assert_eq!(written, expected);
    for page in &pages {
        let path = desk.path("man").join(page);
        assert_eq!(says("mandoc", &["-Tlint", "-W", "warning"], &path), "", "{page}");
        assert_eq!(says("groff", &["-man", "-ww", "-Tutf8", "-z"], &path), "", "{page}");
        let text = fs::read_to_string(&path).expect("a page");
        for section in ["NAME", "SYNOPSIS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            assert!(
                text.contains(&format!("\"{section}\"\n")) || text.contains(&format!(".SH {section}\n")),
                "{page}: {section}\n{text}"
            );
        }
    }
    let first = fs::read_to_string(desk.path("man").join("roundsman.1")).expect("a page");
    assert!(
        first.contains("ENVIRONMENT") && first.contains("FILES") && first.contains("NO_COLOR"),
        "{first}"
    );
    // What `-h` leaves out is in the manual with its text.
    let run_page = fs::read_to_string(desk.path("man").join("roundsman-run.1")).expect("a page");
    assert!(run_page.contains("One probe on one host"), "{run_page}");
    // The same day, the same bytes.
    let again = desk.path("again").display().to_string();
    let mut command = roundsman(["man", "--dir", &again]);
    command.env("SOURCE_DATE_EPOCH", "1795478400");
    assert!(command.output().expect("pages").status.success());
    for page in &pages {
        let read = |dir: &str| fs::read(desk.path(dir).join(page)).expect("a page");
        assert_eq!(read("man"), read("again"), "{page}");
    }
    run(["man", "--dir", &dir, "--date", "soon"]).exits(64);
}
