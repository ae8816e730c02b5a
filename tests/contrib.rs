//! What stands in `contrib/`, by the programs that will read it.

mod binary;
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use binary::{Desk, run};
use roundsman::cli;
use roundsman::diagnose::explain;
use terminal::program_dir;

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(contrib(name)).unwrap_or_else(|error| panic!("contrib/{name}: {error}"))
}

fn output(command: &mut Command) -> (Output, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make setup`"));
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output, said)
}

/// Holds a command line to the real definition of the program's.
#[track_caller]
fn can_be_typed(line: &str) {
    let words = shlex::split(line).unwrap_or_else(|| panic!("quotes: {line}"));
    let own = words.into_iter().take_while(|word| !word.contains('>'));
    let parsed = cli::command().try_get_matches_from(own);
    assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
}

#[test]
fn the_crontab_is_one() {
    let crontab = text("cron/roundsman");
    let mut jobs = 0;
    for line in crontab.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let name = line.split('=').next().unwrap_or_default();
        if name.chars().all(|c| c.is_ascii_uppercase()) {
            continue;
        }
        let mut rest = line;
        for limit in [59, 23, 31, 12, 7] {
            let (field, after) =
                rest.trim_start().split_once([' ', '\t']).expect("five fields, a user, a command");
            let numbers = field.split([',', '-', '/']).filter(|part| *part != "*");
            assert!(
                numbers.clone().all(|part| part.parse::<u32>().is_ok_and(|value| value <= limit)),
                "{line}"
            );
            rest = after;
        }
        let (user, command) = rest.trim_start().split_once([' ', '\t']).expect("a user and a command");
        assert_eq!(user, "roundsman");
        assert!(!command.contains('%'), "cron takes a % for the end of the line: {line}");
        can_be_typed(command.trim());
        jobs += 1;
    }
    assert_eq!(jobs, 3, "{crontab}");
    assert!(crontab.contains("--unattended --quiet --only-changes --splay"), "{crontab}");
}

#[test]
fn the_systemd_units_are_right_and_hardened() {
    let desk = Desk::new();
    let pages = desk.path("share/man/man1");
    run(["man", "--dir", &pages.display().to_string()]).exits(0);
    let service = text("systemd/roundsman.service");
    let program = program_dir().join("roundsman").display().to_string();
    assert!(service.contains("ExecStart=/usr/local/bin/roundsman run "));
    let service_file = desk.file("roundsman.service", &service.replace("/usr/local/bin/roundsman", &program));
    let timer_file = desk.file("roundsman.timer", &text("systemd/roundsman.timer"));
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=yes", &service_file, &timer_file]);
    let (verified, said) = output(verify.env("MANPATH", desk.path("share/man")));
    assert!(verified.status.success() && said.is_empty(), "{said}");
    // 15 is 1.5 of 10; a unit without any of its lines has 9.2.
    let mut security = Command::new("systemd-analyze");
    let (secure, said) =
        output(security.args(["security", "--offline=true", "--no-pager", "--threshold=15", &service_file]));
    assert!(secure.status.success(), "{said}");
    let mut calendar = Command::new("systemd-analyze");
    let when = text("systemd/roundsman.timer");
    let when = when.lines().find_map(|line| line.strip_prefix("OnCalendar=")).expect("a time").to_owned();
    assert!(output(calendar.args(["calendar", &when])).0.status.success());
    let start =
        service.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/")).expect("a command");
    can_be_typed(start);
    assert!(start.contains("--unattended"));
}

#[test]
fn logrotate_turns_both_files_over_and_loses_no_line() {
    let desk = Desk::new();
    let logs = desk.path("logs");
    fs::create_dir(&logs).expect("a directory");
    let log = logs.join("rounds.ndjson");
    fs::write(&log, "{\"first\":1}\n").expect("a log");
    fs::write(logs.join("errors.log"), "error: x\n").expect("a log");
    let names = |flag: &str| {
        let (_, said) = output(Command::new("id").arg(flag).arg("-n"));
        said.trim().to_owned()
    };
    let (user, group) = (names("-u"), names("-g"));
    let shipped = text("logrotate/roundsman");
    assert!(
        shipped.contains("su roundsman roundsman") && shipped.contains("create 0640 roundsman roundsman")
    );
    let here = shipped
        .replace("/var/log/roundsman", &logs.display().to_string())
        .replace("su roundsman roundsman", &format!("su {user} {group}"))
        .replace("0640 roundsman roundsman", &format!("0640 {user} {group}"));
    let rules = desk.file("rules", &here);
    fs::set_permissions(&rules, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("its mode");
    let state = desk.path("state").display().to_string();
    let rotate = |flags: &[&str]| {
        let mut command = Command::new("logrotate");
        command.env("PATH", format!("/usr/sbin:/sbin:{}", std::env::var("PATH").unwrap_or_default()));
        let (done, said) = output(command.args(flags).args(["-s", &state, &rules]));
        assert!(done.status.success() && !said.contains("error:"), "{said}");
        said
    };
    assert!(rotate(&["-d"]).contains("considering log"));
    rotate(&["-f"]);
    assert_eq!(fs::read_to_string(logs.join("rounds.ndjson.1")).expect("turned over"), "{\"first\":1}\n");
    assert_eq!(fs::read_to_string(&log).expect("a new one"), "");
    assert!(logs.join("errors.log.1").exists());
    fs::write(&log, "{\"second\":2}\n").expect("a log");
    rotate(&["-f"]);
    assert!(logs.join("rounds.ndjson.2.gz").exists(), "the older one is compressed");
    assert_eq!(fs::read_to_string(logs.join("rounds.ndjson.1")).expect("turned over"), "{\"second\":2}\n");
}

#[test]
fn airflow_maps_every_status() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/airflow/test_dag.py");
    let mut python = Command::new("python3");
    python.env("ROUNDSMAN", program_dir().join("roundsman")).env("PYTHONDONTWRITEBYTECODE", "1");
    let (done, said) = output(python.args(["-W", "error", script]));
    assert!(done.status.success() && said.contains("Ran 4 tests"), "{said}");
    let dag = text("airflow/roundsman_dag.py");
    let list = dag.split("COMMAND = [").nth(1).and_then(|rest| rest.split(']').next()).expect("the command");
    let words: Vec<&str> =
        list.split(',').map(|word| word.trim().trim_matches('"')).filter(|w| !w.is_empty()).collect();
    can_be_typed(&words.join(" "));
}

#[test]
fn shippers_read_what_is_written_and_take_its_id() {
    let yaml = |name: &str| -> serde_yaml::Value {
        serde_yaml::from_str(&text(name)).unwrap_or_else(|error| panic!("contrib/{name}: {error}"))
    };
    let filebeat = yaml("filebeat/roundsman.yml");
    let input = &filebeat["filebeat.inputs"][0];
    assert_eq!(
        (input["type"].as_str(), input["paths"][0].as_str()),
        (Some("filestream"), Some("/var/log/roundsman/*.ndjson"))
    );
    assert_eq!(input["parsers"][0]["ndjson"]["target"].as_str(), Some(""));
    let id = &filebeat["processors"][0]["fingerprint"];
    assert_eq!(
        (id["fields"][0].as_str(), id["target_field"].as_str()),
        (Some("event.id"), Some("@metadata._id"))
    );
    let fluent = yaml("fluent-bit/roundsman.yaml");
    let (input, sink) = (&fluent["pipeline"]["inputs"][0], &fluent["pipeline"]["outputs"][0]);
    assert_eq!(
        (input["parser"].as_str(), fluent["parsers"][0]["name"].as_str()),
        (Some("roundsman"), Some("roundsman"))
    );
    assert_eq!((input["tag"].as_str(), sink["match"].as_str()), (Some("roundsman"), Some("roundsman")));
    assert_eq!(
        (sink["id_key"].as_str(), sink["write_operation"].as_str()),
        (Some("$event['id']"), Some("create"))
    );
    // The fields that both name are in every line.
    let demo = run(["demo", "--format", "ndjson"]).exits(2);
    for line in demo.stdout.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(line["event"]["id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
    }
    let longest = demo.stdout.lines().map(str::len).max().expect("lines");
    assert!(longest < 1 << 20, "Fluent Bit's buffer_max_size is 1M, a line has {longest}");
}

#[test]
fn every_code_that_can_be_critical_has_a_current_runbook() {
    let texts = explain::all();
    let critical: Vec<_> = texts.iter().filter(|text| text.can_be_critical()).collect();
    assert!(critical.len() >= 20, "{}", critical.len());
    let mut expected: BTreeSet<String> =
        critical.iter().map(|text| format!("{}.md", text.code.word())).collect();
    let index = text("runbooks/README.md");
    for one in &critical {
        let word = one.code.word();
        let kept = text(&format!("runbooks/{word}.md"));
        let current = explain::runbook(&[explain::text(one.code)]);
        assert!(
            kept == current,
            "contrib/runbooks/{word}.md is not what `explain` says: run scripts/runbooks"
        );
        assert!(
            index.contains(&format!("- [{word}]({word}.md): {}\n", one.summary)),
            "{word}: run scripts/runbooks"
        );
        // What must not be done stands before what must.
        assert!(kept.find("## First: do not") < kept.find("## Then"), "{word}");
    }
    expected.insert("README.md".to_owned());
    let there: BTreeSet<String> = fs::read_dir(contrib("runbooks"))
        .expect("the runbooks")
        .map(|entry| entry.expect("a page").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, expected);
}

#[test]
fn the_readme_names_what_is_there() {
    let readme = text("README.md");
    for entry in fs::read_dir(contrib("")).expect("contrib") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || readme.contains(&format!("`{name}/`")),
            "{name} is not in contrib/README.md"
        );
    }
}
