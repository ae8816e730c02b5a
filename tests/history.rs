//! Rounds that are kept, laid side by side and acknowledged, and a history that can't be used.

mod binary;

use std::fs;
use std::process::Command;

use binary::{AUDIT, Desk, Ran, Running, Served, healthy_pair, replica, roundsman};
use roundsman::demo::Fleet;
use serde_json::Value;

/// Two brokers, an inventory and a history.
struct Team {
    desk: Desk,
    fleet: Served<Fleet>,
}

impl Team {
    fn new() -> Team {
        Team { desk: Desk::new(), fleet: healthy_pair() }
    }

    fn history(&self) -> String {
        self.desk.path("state/history.sqlite").display().to_string()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = roundsman(args);
        command.env_remove("ROUNDSMAN_NO_HISTORY").env("ROUNDSMAN_HISTORY", self.history());
        command
    }

    fn tell(&self, args: &[&str]) -> Ran {
        Running::start(self.command(args)).end()
    }

    fn round(&self, more: &[&str]) -> Ran {
        let inventory = self.fleet.inventory_path().display().to_string();
        self.tell(&[&["run", AUDIT, "-i", &inventory], more].concat())
    }

    /// Makes one replica of broker-b as large as `mib`; 600 is what the other has.
    fn size(&self, mib: u64) {
        replica(&self.fleet.nodes()[1].log_dir(), "orders", 1, mib << 20);
    }

    fn list(&self) -> Value {
        self.tell(&["history", "list", "--format", "json"]).exits(0).json()["rounds"].clone()
    }
}

fn changes(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["change"].as_str().unwrap_or("none")))
        .collect()
}

#[test]
fn a_round_is_kept_and_the_next_says_what_changed() {
    let team = Team::new();
    let first = team.round(&["--format", "json"]).exits(0).json();
    assert!(first["since"].is_null(), "there was none before");
    team.size(250);
    let second = team.round(&["--format", "json"]).exits(1).json();
    assert_eq!(second["since"]["round"], first["run"]["id"]);
    let skew = [("replica-skew", "new")];
    assert_eq!(changes(&second), skew, "{:#}", second["findings"]);
    let ran = team.round(&[]).exits(1);
    ran.says("since the last round").says("the findings are the same");
    team.size(600);
    let ran = team.round(&[]).exits(0);
    ran.says("1 gone").says("gone: ").says("orders-1 on broker-b: 250 MiB → 600 MiB");
    for format in ["markdown", "html", "nagios"] {
        team.size(250);
        team.round(&["--format", format]).exits(1).says("1 new");
        team.size(600);
        team.round(&["--format", format]).exits(0).says("1 gone");
    }
    let prom = team.round(&["--format", "prometheus"]).exits(0);
    prom.says("roundsman_findings_changed{change=\"new\"} 0");
    assert_eq!(team.list().as_array().unwrap().len(), 11);
}

#[test]
fn kept_rounds_are_listed_shown_compared_and_pruned() {
    let team = Team::new();
    team.tell(&["history", "list"]).exits(0).says("no round is kept yet");
    team.round(&[]).exits(0);
    team.size(250);
    team.round(&[]).exits(1);
    let rounds = team.list();
    assert_eq!((&rounds[0]["status"], &rounds[1]["status"]), (&"WARNING".into(), &"OK".into()));
    assert_eq!(rounds[0]["asked"], fs::canonicalize(AUDIT).unwrap().display().to_string());
    let id = rounds[1]["id"].as_str().unwrap();
    team.tell(&["history", "show", id]).exits(0).says(id);
    team.tell(&["history", "show"]).exits(1).says("(new) ").says("orders");
    team.tell(&["history", "show", "last~7"]).exits(64).complains("no round `last~7`");
    let diff = team.tell(&["diff"]).exits(1);
    diff.says("new").says("replica-skew").says("600 MiB").says("250 MiB").says("-350 MiB");
    team.tell(&["diff", "last", "last~1"]).exits(0).says("gone");
    let diff = team.tell(&["diff", "last~1", "last", "--format", "json"]).exits(1).json();
    assert_eq!(diff["diff"]["replicas"].as_array().unwrap().len(), 1);
    team.tell(&["history", "prune", "--older-than", "0.001", "--keep", "1"]).exits(0).says("1 round dropped");
    assert_eq!(team.list().as_array().unwrap().len(), 1);
}

#[test]
fn a_baseline_stands_in_for_the_last_round() {
    let team = Team::new();
    let saved = team.desk.path("good.json").display().to_string();
    team.round(&["--save", &saved]).exits(0);
    let good = team.list()[0]["id"].as_str().unwrap().to_owned();
    team.size(250);
    team.round(&[]).exits(1);
    // A round of another line is none of the last ones.
    team.round(&["-l", "broker-a"]);
    for baseline in [saved.as_str(), good.as_str(), "last~1"] {
        let kept = team.desk.path("copy.sqlite").display().to_string();
        fs::copy(team.history(), &kept).unwrap();
        let report = team.round(&["--baseline", baseline, "--history", &kept, "--format", "json"]);
        let report = report.exits(1).json();
        assert_eq!(changes(&report), [("replica-skew", "new")], "{baseline}");
        assert_eq!(report["since"]["baseline"], true);
    }
    let ran = team.round(&["--baseline", "nosuch"]).exits(64);
    ran.complains("no round `nosuch`");
    assert_eq!(ran.stdout, "");
    let second = team.desk.path("bad.json").display().to_string();
    team.round(&["--save", &second]).exits(1);
    team.tell(&["report", "--from", &second, "--baseline", &saved])
        .exits(1)
        .says("since the baseline")
        .says("1 new");
}

#[test]
fn other_questions_are_another_line_of_rounds() {
    let team = Team::new();
    team.round(&[]).exits(0);
    let report = team.round(&["-l", "broker-a", "--format", "json"]).json();
    assert!(report["since"].is_null(), "one broker is not two");
    let report = team.round(&["-e", "topic=orders", "--format", "json"]).exits(0).json();
    assert!(report["since"].is_null(), "one topic is not all");
    // Whatever directory it is started in, it is the same playbook and inventory.
    let inventory = team.fleet.inventory_path();
    let mut command = team.command(&["run", "kafka-audit.yml", "-i"]);
    command.arg(&inventory).args(["--format", "json"]);
    command.current_dir(std::path::Path::new(AUDIT).parent().unwrap());
    let report = Running::start(command).end().exits(0).json();
    assert!(!report["since"].is_null());
    let ran = team.round(&["--no-history", "--format", "json"]).exits(0);
    assert!(ran.json()["since"].is_null());
    assert_eq!(team.list().as_array().unwrap().len(), 4);
}

#[test]
fn an_acknowledged_finding_does_not_set_the_status_until_it_grows_worse() {
    let team = Team::new();
    team.size(250);
    let report = team.round(&["--format", "json"]).exits(1).json();
    let id = report["findings"][0]["id"].as_str().unwrap();
    team.round(&[]).exits(1).says(id);
    team.tell(&["ack", &id[..6], "--reason", "moved on Friday", "--until", "30d"]).exits(0).says(id);
    let ran = team.round(&[]).exits(0);
    ran.says("1 acknowledged").says("moved on Friday");
    assert!(ran.stdout.starts_with("OK"), "{}", ran.stdout);
    for format in ["markdown", "html", "nagios", "json", "ndjson"] {
        team.round(&["--format", format]).exits(0).says("acknowledged");
    }
    team.round(&["--format", "prometheus"]).exits(0).says("roundsman_findings_acknowledged 1");
    team.tell(&["ack", "list"]).exits(0).says("moved on Friday").says(id);
    // From two and a half to six times smaller: that was not meant.
    team.size(100);
    team.round(&[]).exits(2);
    team.size(250);
    team.round(&[]).exits(0);
    team.tell(&["ack", "drop", &id[..6]]).exits(0);
    team.round(&[]).exits(1);
    team.tell(&["ack", "drop", id]).exits(64).complains("is not acknowledged");
    team.tell(&["ack", "ffffffffffff", "--reason", "x"]).exits(64).complains("no finding");
    team.tell(&["ack", id, "--reason", "x", "--until", "2001-01-01"]).exits(64).complains("has passed");
    team.tell(&["ack", id]).exits(64);
}

#[test]
fn a_team_keeps_acknowledgements_beside_its_playbook() {
    let team = Team::new();
    let playbook = team.desk.file("watch.yml", &fs::read_to_string(AUDIT).unwrap());
    let inventory = team.fleet.inventory_path().display().to_string();
    let round = || team.tell(&["run", &playbook, "-i", &inventory]);
    team.size(250);
    round().exits(1);
    let report = team.tell(&["history", "show", "--format", "json"]).exits(1).json();
    let id = report["findings"][0]["id"].as_str().unwrap();
    let file = team.desk.path("watch.acks.yml").display().to_string();
    team.tell(&["ack", id, "--reason", "known: see OPS-1", "--file", &file]).exits(0);
    round().exits(0).says("known: see OPS-1").says("watch.acks.yml");
    team.tell(&["ack", "list"]).exits(0).says("nothing is acknowledged");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("reason:", "reson:")).unwrap();
    let ran = round().exits(65);
    ran.complains("watch.acks.yml:3:3").complains("did you mean `reason`?");
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_new_cut_is_no_old_one_however_small() {
    let team = Team::new();
    // What a follower writes when it is cut, each at a time of its own.
    let log = |cuts: &[(u32, u64, u64)]| {
        let lines: String = cuts
            .iter()
            .map(|(minute, from, to)| {
                format!(
                    "[2017-04-04 07:{minute:02}:10,500] ERROR [ReplicaFetcherThread-0-1], Current offset {from} for \
                     partition [orders,0] out of range; reset offset to {to} (kafka.server.ReplicaFetcherThread)\n"
                )
            })
            .collect();
        fs::write(team.fleet.nodes()[1].logs_dir().join("server.log"), lines).unwrap();
    };
    log(&[(10, 5000, 3000)]);
    let report = team.round(&["--format", "json"]).exits(2).json();
    let findings = report["findings"].as_array().unwrap();
    for one in findings {
        team.tell(&["ack", one["id"].as_str().unwrap(), "--reason", "published again"]).exits(0);
    }
    assert!(findings.iter().any(|one| one["code"] == "replica-truncated"), "{findings:#?}");
    team.round(&[]).exits(0).says("published again");
    log(&[(40, 3010, 3005)]);
    let report = team.round(&["--format", "json"]).exits(2).json();
    assert!(changes(&report).contains(&("replica-truncated", "worse")), "{:?}", changes(&report));
}

#[test]
fn a_log_that_cannot_be_read_ends_no_finding() {
    let team = Team::new();
    let file = team.fleet.nodes()[1].logs_dir().join("server.log");
    let earlier = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(2)).unwrap();
    let line = format!(
        "[{},000] ERROR Something that no rule knows (kafka.server.Thing)\n",
        earlier.strftime("%Y-%m-%d %H:%M:%S")
    );
    fs::write(&file, line).unwrap();
    let report = team.round(&["--format", "json"]).exits(1).json();
    assert_eq!(changes(&report), [("unknown-errors", "none")]);
    // What is asked for begins later.
    let report = team.round(&["--since", "1h", "--format", "json"]).exits(0).json();
    assert_eq!(report["since"]["left"][0]["change"], "unseen", "{:#}", report["since"]);
    // The file is gone, and what the round before that one read of it still holds.
    fs::remove_file(&file).unwrap();
    fs::write(&file, "[2026-11-01 10:00:00,000] INFO started (kafka.server.KafkaServer)\n").unwrap();
    team.round(&[]).exits(1);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    // What was read before still holds, and that nothing was read now is said.
    let report = team.round(&["--format", "json"]).exits(3).json();
    assert!(changes(&report).contains(&("unknown-errors", "same")), "{:?}", changes(&report));
    assert!(report["since"]["left"].as_array().unwrap().is_empty(), "{:#}", report["since"]);
}

#[test]
fn the_playbooks_own_acknowledgements_hold_wherever_a_round_is_shown() {
    let team = Team::new();
    let playbook = team.desk.file("watch.yml", &fs::read_to_string(AUDIT).unwrap());
    let inventory = team.fleet.inventory_path().display().to_string();
    let saved = team.desk.path("ill.json").display().to_string();
    team.tell(&["run", &playbook, "-i", &inventory]).exits(0);
    team.size(250);
    team.tell(&["run", &playbook, "-i", &inventory, "--save", &saved]).exits(1);
    team.tell(&["diff"]).exits(1);
    let report = team.tell(&["report", "--from", &saved, "--format", "json"]).exits(1).json();
    let id = report["findings"][0]["id"].as_str().unwrap();
    let file = team.desk.path("watch.acks.yml").display().to_string();
    // An editor that leaves no newline at the end.
    fs::write(&file, "# what we know").unwrap();
    team.tell(&["ack", id, "--reason", "known", "--file", &file]).exits(0);
    team.tell(&["history", "show"]).exits(0).says("watch.acks.yml");
    team.tell(&["report", "--from", &saved]).exits(0).says("watch.acks.yml");
    team.tell(&["diff"]).exits(0).says("(acknowledged)");
    team.tell(&["ack", "list", "--playbook", &playbook]).exits(0).says(id).says("watch.acks.yml");
    fs::write(&file, "[]").unwrap();
    let ran = team.tell(&["ack", id, "--reason", "known", "--file", &file]).exits(65);
    ran.complains("was not changed").complains("begin with `- `");
    assert_eq!(fs::read_to_string(&file).unwrap(), "[]");
}

#[test]
fn a_topics_growth_is_shown_over_the_kept_rounds() {
    let team = Team::new();
    for mib in [600, 610, 620] {
        team.size(mib);
        team.round(&[]).exits(0);
    }
    // Another line has nothing to do with it.
    let ran = team.tell(&["history", "trend", "orders-1"]).exits(0);
    ran.says("over 3 rounds").says("broker-b").says("600 MiB").says("620 MiB");
    let trend = team.tell(&["history", "trend", "orders", "--format", "json"]).exits(0).json();
    let rows = trend["replicas"].as_array().unwrap();
    let grown = rows.iter().find(|row| row["host"] == "broker-b" && row["partition"] == 1).unwrap();
    assert_eq!(grown["log_bytes"].as_array().unwrap().len(), 3);
    assert_eq!(grown["log_bytes"][2], 620u64 << 20);
    team.tell(&["history", "trend", "nosuch"]).exits(64).complains("no kept round");
    team.round(&["--history-rounds", "2"]).exits(0);
    assert_eq!(team.list().as_array().unwrap().len(), 2, "the bound holds where a round is kept");
}

#[test]
fn a_release_directory_begins_no_new_line() {
    let team = Team::new();
    let inventory = team.fleet.inventory_path().display().to_string();
    let current = team.desk.path("current");
    for release in ["one", "two"] {
        let dir = team.desk.path(release);
        fs::create_dir(&dir).unwrap();
        fs::copy(AUDIT, dir.join("watch.yml")).unwrap();
        let _ = fs::remove_file(&current);
        std::os::unix::fs::symlink(&dir, &current).unwrap();
        let playbook = current.join("watch.yml").display().to_string();
        let report = team.tell(&["run", &playbook, "-i", &inventory, "--format", "json"]).exits(0).json();
        assert_eq!(report["since"].is_null(), release == "one");
    }
}

/// The round is reported whatever becomes of its history, and the exit status knows.
#[track_caller]
fn is_reported_all_the_same(ran: &Ran, complaint: &str) {
    assert_eq!(ran.status, Some(3), "\n--- stdout\n{}\n--- stderr\n{}", ran.stdout, ran.stderr);
    ran.says("2 of 2 hosts").complains(complaint);
}

#[test]
fn a_history_that_cannot_be_used_costs_no_round() {
    let team = Team::new();
    // Nothing in the way of a history but this.
    fs::create_dir_all(team.desk.path("state")).unwrap();
    fs::write(team.history(), "this is no database, but text that is long enough to be taken for one\n")
        .unwrap();
    is_reported_all_the_same(&team.round(&[]), "is damaged");
    assert!(fs::read_to_string(team.history()).unwrap().starts_with("this is no database"), "left alone");
    fs::remove_file(team.history()).unwrap();

    team.round(&[]).exits(0);
    let newer = rusqlite::Connection::open(team.history()).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    is_reported_all_the_same(&team.round(&[]), "of a newer roundsman");
    newer.pragma_update(None, "user_version", 3).unwrap();

    // Somebody else writes and does not come to an end.
    newer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    is_reported_all_the_same(&team.round(&[]), "database is locked");
    newer.execute_batch("ROLLBACK").unwrap();
    drop(newer);
    team.round(&[]).exits(0);
    assert_eq!(team.list().as_array().unwrap().len(), 2);

    fs::remove_file(team.history()).unwrap();
    fs::create_dir(team.history()).unwrap();
    is_reported_all_the_same(&team.round(&[]), "the history can't be");
}

#[test]
fn a_damaged_page_is_told_and_the_round_reported() {
    let team = Team::new();
    team.round(&[]).exits(0);
    let mut bytes = fs::read(team.history()).unwrap();
    let (head, rest) = bytes.split_at_mut(100);
    assert!(head.starts_with(b"SQLite format 3"));
    rest.fill(0xaa);
    fs::write(team.history(), &bytes).unwrap();
    is_reported_all_the_same(&team.round(&[]), "history");
}

/// The program in a mount namespace of its own, after `mounts`.
fn within(team: &Team, mounts: &str, args: &str) -> Ran {
    let inventory = team.fleet.inventory_path().display().to_string();
    let script = format!(
        "{mounts} && exec {} {}",
        env!("CARGO_BIN_EXE_roundsman"),
        args.replace("ROUND", &format!("run {AUDIT} -i {inventory}"))
    );
    let plain = roundsman([""; 0]);
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env_remove("ROUNDSMAN_NO_HISTORY").env("ROUNDSMAN_HISTORY", team.history());
    Running::start(command).end()
}

#[test]
fn a_history_that_can_only_be_read_is_read() {
    let team = Team::new();
    team.round(&[]).exits(0);
    team.size(250);
    let id = team.round(&["--format", "json"]).exits(1).json()["findings"][0]["id"].clone();
    team.tell(&["ack", id.as_str().unwrap(), "--reason", "known"]).exits(0);
    let before = fs::read(team.history()).unwrap();
    let state = team.desk.path("state").display().to_string();
    let read_only = format!("mount --bind {state} {state} && mount -o remount,ro,bind {state}");
    for args in ["history list", "history show", "diff", "ack list", "history trend orders"] {
        let ran = within(&team, &read_only, args);
        assert!(ran.status.is_some_and(|status| status < 2), "{args}: {:?} {}", ran.status, ran.stderr);
    }
    let ran = within(&team, &read_only, "ROUND");
    is_reported_all_the_same(&ran, "the history can't be written");
    ran.says("1 acknowledged").says("since the last round");
    team.size(100);
    assert_eq!(within(&team, &read_only, "ROUND").status, Some(2), "CRITICAL is worse than a lost history");
    assert_eq!(fs::read(team.history()).unwrap(), before);
}

#[test]
fn a_disk_that_fills_while_the_round_is_made_is_told() {
    let team = Team::new();
    let state = team.desk.path("state").display().to_string();
    fs::create_dir_all(&state).unwrap();
    // Room for the tables, and for no round of a thousand partitions.
    for partition in 0..890 {
        replica(&team.fleet.nodes()[0].log_dir(), "wide", partition, 1 << 10);
        replica(&team.fleet.nodes()[1].log_dir(), "wide", partition, 1 << 10);
    }
    // The tables stand already; what is left has room for the index of the log, and two pages of it.
    let mounts = format!(
        "mount -t tmpfs -o size=400k tmpfs {state} && {} history prune >/dev/null && \
         head -c 44000 /dev/zero >{state}/gap && {{ dd if=/dev/zero of={state}/fill bs=4096 2>/dev/null; rm {state}/gap; }}",
        env!("CARGO_BIN_EXE_roundsman")
    );
    let ran = within(&team, &mounts, "ROUND");
    is_reported_all_the_same(&ran, "the history can't be written");
}

#[test]
fn a_history_that_is_free_again_at_the_end_keeps_the_round() {
    let team = Team::new();
    fs::create_dir_all(team.desk.path("state")).unwrap();
    let busy = rusqlite::Connection::open(team.history()).unwrap();
    busy.execute_batch("CREATE TABLE x (y); BEGIN EXCLUSIVE; INSERT INTO x VALUES (1);").unwrap();
    let inventory = team.fleet.inventory_path().display().to_string();
    let round = Running::start(team.command(&["run", AUDIT, "-i", &inventory]));
    // Longer than it waits at the beginning; at the end it waits again.
    std::thread::sleep(std::time::Duration::from_millis(6500));
    busy.execute_batch("ROLLBACK; DROP TABLE x").unwrap();
    drop(busy);
    round.end().exits(0).complains("will be kept if it is free by then");
    assert_eq!(team.list().as_array().unwrap().len(), 1);
}

#[test]
fn two_rounds_at_once_are_both_kept() {
    let team = Team::new();
    let inventory = team.fleet.inventory_path().display().to_string();
    let start = || Running::start(team.command(&["run", AUDIT, "-i", &inventory]));
    let rounds = [start(), start(), start()];
    for round in rounds {
        round.end().exits(0);
    }
    assert_eq!(team.list().as_array().unwrap().len(), 3);
}

#[test]
fn a_saved_round_is_reported_beside_a_damaged_history() {
    let team = Team::new();
    let saved = team.desk.path("round.json").display().to_string();
    team.round(&["--no-history", "--save", &saved]).exits(0);
    fs::create_dir_all(team.desk.path("state")).unwrap();
    fs::write(team.history(), "this is no database, but text that is long enough to be taken for one\n")
        .unwrap();
    is_reported_all_the_same(&team.tell(&["report", "--from", &saved]), "is damaged");
}

#[test]
fn a_full_disk_is_told_and_the_round_reported() {
    let team = Team::new();
    let small = team.desk.path("small");
    fs::create_dir(&small).unwrap();
    // A file system of a few pages.
    let small = small.display();
    let ran = within(
        &team,
        &format!("mount -t tmpfs -o size=20k tmpfs {small}"),
        &format!("ROUND --history {small}/h.sqlite"),
    );
    is_reported_all_the_same(&ran, "history can't be");
}

#[test]
fn an_older_history_is_taken_over() {
    let team = Team::new();
    fs::create_dir_all(team.desk.path("state")).unwrap();
    let older = rusqlite::Connection::open(team.history()).unwrap();
    older
        .execute_batch(
            "CREATE TABLE round (id TEXT PRIMARY KEY, started INTEGER NOT NULL, finished INTEGER NOT NULL,
                playbook TEXT, inventory TEXT NOT NULL, host_limit TEXT, version TEXT NOT NULL,
                status TEXT NOT NULL, exit_code INTEGER NOT NULL, findings INTEGER NOT NULL,
                hosts INTEGER NOT NULL, reached INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
             CREATE INDEX round_line ON round (playbook, inventory, host_limit, started);
             INSERT INTO round VALUES ('20200101T000000Z-aa', 1, 2, 'p.yml', 'i.yml', NULL, '0.1.0', 'OK', 0, 0, 2, 2, x'00');
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(older);
    team.round(&[]).exits(0);
    let rounds = team.list();
    assert_eq!(rounds.as_array().unwrap().len(), 2, "{rounds:#}");
    assert_eq!(rounds[1]["id"], "20200101T000000Z-aa");
    team.tell(&["history", "show", "20200101"]).exits(65).complains("can't be unpacked");
}
