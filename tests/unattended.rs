//! Rounds that nobody watches: one at a time, without a question, quiet, splayed, and killed at any moment.

mod binary;
mod terminal;

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use binary::{AUDIT, Desk, PATIENCE, Ran, Running, Served, healthy_pair, replica, roundsman, serve, until};
use roundsman::demo::{Fault, Fleet};
use roundsman::history::Store;
use roundsman::round::Evidence;
use rustix::process::Signal;
use terminal::Terminal;

/// Two healthy brokers and a home.
struct Team {
    desk: Desk,
    fleet: Served<Fleet>,
}

impl Team {
    fn new() -> Team {
        Team::with(healthy_pair())
    }

    fn with(fleet: Served<Fleet>) -> Team {
        Team { desk: Desk::new(), fleet }
    }

    fn history(&self) -> std::path::PathBuf {
        self.desk.path("roundsman/history.sqlite")
    }

    fn inventory(&self) -> String {
        self.fleet.inventory_path().display().to_string()
    }

    fn command(&self, more: &[&str]) -> Command {
        let inventory = self.inventory();
        let mut command = roundsman(["run", AUDIT, "-i", inventory.as_str()].iter().chain(more));
        command.env("XDG_STATE_HOME", self.desk.dir()).env("HOME", self.desk.dir());
        command.env_remove("ROUNDSMAN_NO_HISTORY");
        command
    }

    fn round(&self, more: &[&str]) -> Ran {
        Running::start(self.command(more)).end()
    }

    /// Makes one replica of broker-b as large as `mib`; 600 is what the other has.
    fn size(&self, mib: u64) {
        replica(&self.fleet.nodes()[1].log_dir(), "orders", 1, mib << 20);
    }

    fn locks(&self) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(self.desk.path("roundsman/locks"));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// Waits until an unattended round has said that it holds the lock.
    fn is_held(&self) {
        let said = || self.locks().iter().any(|lock| fs::metadata(lock).is_ok_and(|meta| meta.len() > 0));
        until("somebody holds the lock", PATIENCE, said);
    }
}

/// A round that goes on until somebody ends it.
fn endless() -> Team {
    Team::with(serve(Fleet::builder().node("silent").fault(0, Fault::Mute)))
}

#[test]
fn a_second_round_is_told_of_the_first_and_a_person_is_never_blocked() {
    let team = endless();
    let first = Running::start(team.command(&["--unattended", "-T", "50s"]));
    team.is_held();
    let second = team.round(&["--unattended", "-T", "1s"]).exits(75);
    assert!(second.stdout.is_empty(), "{}", second.stdout);
    second.complains("another unattended round goes on: process ");
    second.complains(&format!(" on {} since 20", rustix::system::uname().nodename().to_string_lossy()));
    second.complains("kafka-audit.yml");
    // A limit asks the same brokers; another way to write the inventory is the same inventory.
    let link = team.desk.path("link.yml");
    std::os::unix::fs::symlink(team.inventory(), &link).unwrap();
    let mut other = roundsman(["run", AUDIT, "-l", "silent", "--unattended", "-i", link.to_str().unwrap()]);
    other.env("XDG_STATE_HOME", team.desk.dir()).env("HOME", team.desk.dir());
    Running::start(other).end().exits(75);
    // Somebody at a terminal.
    team.round(&["-T", "1s"]).exits(3);
    // Another question is another lock.
    let mut audit = roundsman(["audit", "all", "--unattended", "-T", "1s", "-i", &team.inventory()]);
    audit.env("XDG_STATE_HOME", team.desk.dir()).env("HOME", team.desk.dir());
    Running::start(audit).end().exits(3);
    // SIGTERM stops it as Ctrl-C does: with a report.
    first.signal(Signal::TERM);
    first.end().exits(143).says("terminated");
    team.round(&["--unattended", "-T", "1s"]).exits(3);
}

#[test]
fn a_dead_holder_blocks_nobody() {
    let team = endless();
    let first = Running::start(team.command(&["--unattended", "-T", "50s"]));
    team.is_held();
    first.signal(Signal::KILL);
    assert_eq!(first.end().status, None);
    let said = fs::read_to_string(&team.locks()[0]).unwrap();
    assert!(said.contains("\"pid\""), "the file still names the dead: {said}");
    team.round(&["--unattended", "-T", "1s"]).exits(3);
}

#[test]
fn a_signal_ends_the_splay_at_once() {
    let team = Team::new();
    for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let waiting = Running::start(team.command(&["--unattended", "--splay", "1000h"]));
        team.is_held();
        std::thread::sleep(Duration::from_millis(300));
        let began = Instant::now();
        waiting.signal(signal);
        let ran = waiting.end().exits(status);
        assert!(began.elapsed() < Duration::from_secs(5) && ran.stdout.is_empty(), "{ran:?}");
        until("the lock is let go", PATIENCE, || {
            fs::metadata(&team.locks()[0]).is_ok_and(|lock| lock.len() == 0)
        });
    }
    // What it waits is none of the round's time.
    team.round(&["--unattended", "--splay", "2s", "--round-timeout", "30s"]).exits(0);
    team.round(&["--splay", "2s"]).exits(64).complains("--unattended");
}

#[test]
fn nobody_is_asked_and_nothing_is_drawn_even_on_a_terminal() {
    let team = Team::new();
    let desk = &team.desk;
    let empty = desk.file("known_hosts", "");
    let vault = desk.file("secret.yml", &format!("$ANSIBLE_VAULT;1.1;AES256\n{}\n", "616261626162616261626162616261626162616261626162616261626162616261626162616261626162616261626162616261626162616261626162616261620a636463646364636463646364636463646364636463646364636463646364636463646364636463646364636463646364636463646364636463646364636463640a6566656665666566656665666566656665666566656665666566656665666566"));
    let quiet = |terminal: Terminal, wanted: i32, says: &str| {
        let (seen, status) = terminal.ends();
        assert_eq!(status, Some(wanted), "{seen}");
        assert!(seen.contains(says), "no {says:?} in {seen}");
        assert!(!seen.contains('\u{1b}'), "terminal codes: {seen:?}");
        seen
    };
    let line = format!("roundsman run {AUDIT} -i {} --unattended --no-history", team.inventory());
    let start =
        |more: &str, env: &[(&str, &str)]| Terminal::start(&format!("{line} {more}"), desk.dir(), env);
    quiet(start("--color always", &[]), 0, "OK");
    quiet(start("-k", &[]), 64, "--unattended");
    quiet(start("-K", &[]), 64, "--unattended");
    quiet(start("--ask-vault-pass", &[]), 64, "--unattended");
    quiet(start("", &[("ANSIBLE_ASK_PASS", "1")]), 64, "asks nobody");
    quiet(start("", &[("ANSIBLE_BECOME_ASK_PASS", "1")]), 64, "nobody is to be asked");
    quiet(start(&format!("-i {vault} --vault-id x@prompt"), &[]), 65, "nobody is to be asked");
    // An unknown host key, and a login that only a password would open.
    let key = format!("--ssh-common-args='-o UserKnownHostsFile={empty}'");
    let seen = quiet(start(&format!("{key} --host-key-checking yes -T 5s"), &[]), 3, "trust");
    assert!(!seen.contains("yes/no"), "{seen}");
    let denied = Team::with(serve(Fleet::builder().node("denied").fault(0, Fault::DenyAuth)));
    let line = format!("roundsman run {AUDIT} -i {} --unattended --no-history -T 5s", denied.inventory());
    quiet(Terminal::start(&line, desk.dir(), &[]), 3, "denied");
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let team = Team::new();
    let quiet = team.round(&["--unattended", "--quiet"]).exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    team.size(250);
    let page = team.desk.path("page.html");
    let ran = team.round(&["--unattended", "--quiet", "-o", page.to_str().unwrap()]).exits(1);
    ran.says("WARNING").says("orders");
    assert!(ran.stdout.lines().count() < team.round(&[]).stdout.lines().count(), "{}", ran.stdout);
    assert!(fs::read_to_string(page).unwrap().contains("</html>"));
    // Half a document is none.
    let json = team.round(&["--quiet", "--format", "json"]).exits(1).json();
    assert_eq!(json["verdict"]["status"], "WARNING");
}

#[test]
fn only_changes_are_printed() {
    let team = Team::new();
    let only = |status: i32| team.round(&["--unattended", "--only-changes"]).exits(status).stdout;
    assert!(!only(0).is_empty(), "the first round is new");
    assert_eq!(only(0), "");
    team.size(250);
    assert!(only(1).contains("1 new"));
    assert_eq!(only(1), "", "the exit status is the verdict all the same");
    team.size(600);
    assert!(only(0).contains("1 gone"));
    assert_eq!(only(0), "");
}

#[test]
fn a_command_is_given_the_report() {
    let team = Team::new();
    let (told, env) = (team.desk.path("told.json"), team.desk.path("env"));
    let command = format!(
        "cat > {}; echo \"$ROUNDSMAN_STATUS $ROUNDSMAN_EXIT $ROUNDSMAN_CHANGED $ROUNDSMAN_ROUND_ID\" > {}; echo noted",
        told.display(),
        env.display()
    );
    let notify = ["--unattended", "--only-changes", "--notify-cmd", &command];
    let ran = team.round(&notify).exits(0);
    ran.complains("noted");
    assert!(!ran.stdout.contains("noted"), "the report alone goes to standard output");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&told).unwrap()).unwrap();
    assert_eq!(report["schema"], "roundsman.report/1");
    let said = fs::read_to_string(&env).unwrap();
    assert_eq!(said, format!("OK 0 1 {}\n", report["run"]["id"].as_str().unwrap()));
    fs::remove_file(&told).unwrap();
    team.round(&notify).exits(0);
    assert!(!told.exists(), "nothing changed");
    team.round(&["--notify-cmd", &command]).exits(0);
    assert!(told.exists(), "after every round, without --only-changes");
    assert!(fs::read_to_string(&env).unwrap().starts_with("OK 0 0 "));
}

#[test]
fn a_command_that_fails_is_seen_in_the_exit_status() {
    let team = Team::new();
    team.round(&["--notify-cmd", "exit 7"]).exits(3).complains("--notify-cmd ended with 7");
    team.round(&["--notify-cmd", "kill -9 $$"]).exits(3).complains("signal 9");
    // It need not read, nor may it hold up anything, nor what it started.
    team.round(&["--notify-cmd", "true"]).exits(0);
    let marker = "314159.25";
    let slow = format!("sleep {marker} & sleep {marker}");
    let ran = team.round(&["--notify-cmd", &slow, "--notify-timeout", "1s"]).exits(3);
    ran.complains("did not end within 1 s and was killed");
    until("the command's own processes are gone", PATIENCE, || {
        binary::processes_with(&format!("sleep {marker}")).is_empty()
    });
    team.size(250);
    team.round(&["--notify-cmd", "exit 1"]).exits(3);
    // It holds the lock as long as the command runs, and SIGTERM ends that too.
    let running = Running::start(team.command(&[
        "--unattended",
        "--notify-cmd",
        "echo begun; sleep 314159.75",
        "--notify-timeout",
        "1h",
    ]));
    until("the command runs", PATIENCE, || !binary::processes_with("sleep 314159.75").is_empty());
    team.round(&["--unattended"]).exits(75);
    running.signal(Signal::TERM);
    let ran = running.end();
    assert!(ran.status == Some(3), "{ran:?}");
    until("the command is gone", PATIENCE, || binary::processes_with("sleep 314159.75").is_empty());
}

/// How many rounds are killed; a proof takes more than a try.
fn kills() -> usize {
    std::env::var("ROUNDSMAN_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(25)
}

#[test]
fn kill_9_at_any_moment_leaves_history_and_lock_sound() {
    let team = Team::new();
    let log = team.fleet.nodes()[0].logs_dir().join("server.log");
    let mut written = 0;
    let mut write = || {
        let mut log = File::options().append(true).open(&log).unwrap();
        let (minute, second) = (written / 60, written % 60);
        writeln!(log, "[2026-11-01 11:{minute:02}:{second:02},000] ERROR Error due to marker-{written:04} (kafka.server.ReplicaManager)").unwrap();
        written += 1;
    };
    let round = || team.command(&["--unattended"]);
    write();
    let whole = Running::start(round()).end();
    assert!(whole.status.is_some_and(|status| status < 3), "{whole:?}");
    let (mut killed, mut ended, mut kept) = (0, 0, 1_u32);
    while killed < kills() {
        write();
        let running = Running::start(round());
        std::thread::sleep(whole.took.mul_f64(rand::random::<f64>() * 1.15));
        running.signal(Signal::KILL);
        match running.end() {
            Ran { status: None, .. } => killed += 1,
            ran => {
                assert!(ran.status.is_some_and(|status| status < 3), "{ran:?}");
                ended += 1;
            }
        }
        let database = rusqlite::Connection::open(team.history()).unwrap();
        let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
        let rounds: u32 = database.query_row("SELECT count(*) FROM round", [], |row| row.get(0)).unwrap();
        assert!(rounds == kept || rounds == kept + 1, "{kept} rounds became {rounds}");
        kept = rounds;
        for lock in team.locks() {
            File::open(lock).unwrap().try_lock().expect("nobody holds the lock");
        }
    }
    write();
    let last = Running::start(round()).end();
    assert!(last.status.is_some_and(|status| status < 3), "{last:?}");
    eprintln!("{killed} killed, {ended} came to their end, {} kept, {written} lines", kept + 1);

    let store = Store::open(&team.history()).unwrap();
    let entries = store.list(usize::MAX >> 1).unwrap();
    assert_eq!(entries.len(), kept as usize + 1);
    for (at, entry) in entries.iter().enumerate() {
        let round = store.load(&entry.id).expect("each round is whole");
        let mut seen: Vec<&str> = Vec::new();
        for visit in &round.visits {
            for probe in &visit.probes {
                if let Evidence::LogGrep(grep) = &probe.evidence {
                    let marks =
                        grep.records.iter().filter_map(|record| Some(record.text.split_once("marker-")?.1));
                    seen.extend(marks.filter_map(|mark| mark.get(..4)));
                }
            }
        }
        seen.sort_unstable();
        let expected: Vec<String> = (0..seen.len()).map(|mark| format!("{mark:04}")).collect();
        assert!(
            seen == expected,
            "{} of {written}: {:?}; none is lost, none is there twice: {}",
            seen.len(),
            seen.iter().zip(&expected).find(|(a, b)| a != b),
            entry.id
        );
        if at == 0 {
            assert_eq!(seen.len(), written, "the last round knows them all");
        }
    }
}
