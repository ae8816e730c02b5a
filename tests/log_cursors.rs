//! Logs that are rotated between rounds and while rounds are made: no line that is there when a round reads is
//! lost, and none counts twice.

mod binary;
mod node;
mod sshd;
mod user;
mod userland;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use roundsman::probe::log_grep::{self, Earlier, Question};
use roundsman::round::{Access, Evidence, Identity, LogGrep, LogRecord};
use userland::{Userland, open_desk};

/// A logger and what rotates its files.
struct Logs {
    dir: PathBuf,
    rng: StdRng,
    next: u32,
    /// A line that is not written to its end.
    half: bool,
    /// Lines that were there once and are not any more.
    lost: BTreeSet<u32>,
}

const LOG: &str = "server.log";

impl Logs {
    fn new(dir: &Path, seed: u64) -> Logs {
        Logs {
            dir: dir.to_owned(),
            rng: StdRng::seed_from_u64(seed),
            next: 0,
            half: false,
            lost: BTreeSet::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn append(&mut self, text: &str) {
        let mut file = fs::File::options().append(true).create(true).open(self.path(LOG)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.half) {
            self.append(" and the rest (kafka.X)\n");
        }
    }

    fn head(&mut self) -> String {
        self.next += 1;
        let at = self.next;
        format!("[2026-11-01 {:02}:{:02}:{:02},{:03}]", at / 3600 % 24, at / 60 % 60, at % 60, at % 1000)
    }

    fn write(&mut self, most: u32) {
        self.end_line();
        for _ in 0..self.rng.random_range(0..=most) {
            let head = self.head();
            let id = self.next;
            let text = match self.rng.random_range(0..4) {
                0 => format!("{head} INFO nothing to see (kafka.X)\n"),
                1 => format!(
                    "{head} ERROR id={id:06} it broke (kafka.X)\njava.io.IOException: no {id}\n\tat a.B(C.java:1)\n\
                     Caused by: java.lang.Error: {id}\n"
                ),
                _ => format!("{head} ERROR id={id:06} it broke (kafka.X)\n"),
            };
            self.append(&text);
        }
    }

    fn write_half(&mut self) {
        self.end_line();
        let head = self.head();
        let text = format!("{head} ERROR id={:06} half a line", self.next);
        self.append(&text);
        self.half = true;
    }

    /// The rotated files, youngest first: `server.log.1`, `server.log.2.gz` …
    fn rotated(&self) -> Vec<(u32, bool, PathBuf)> {
        let mut all: Vec<(u32, bool, PathBuf)> = fs::read_dir(&self.dir)
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let rest = name.strip_prefix("server.log.")?;
                let (number, zipped) =
                    rest.strip_suffix(".gz").map_or((rest, false), |number| (number, true));
                Some((number.parse().ok()?, zipped, entry.path()))
            })
            .collect();
        all.sort();
        all
    }

    fn shift(&mut self) {
        for (number, zipped, path) in self.rotated().into_iter().rev() {
            let end = if zipped { ".gz" } else { "" };
            fs::rename(path, self.path(&format!("server.log.{}{end}", number + 1))).unwrap();
        }
    }

    /// One thing that happens to logs; its name.
    fn step(&mut self) -> &'static str {
        let log = self.path(LOG);
        match self.rng.random_range(0..12) {
            0..=3 => {
                self.write(12);
                "lines"
            }
            4 => {
                self.write_half();
                "half a line"
            }
            5 if log.exists() => {
                self.end_line();
                self.shift();
                fs::rename(&log, self.path("server.log.1")).unwrap();
                self.write(3);
                "renamed"
            }
            6 if log.exists() => {
                self.shift();
                fs::copy(&log, self.path("server.log.1")).unwrap();
                fs::File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
                // What comes behind the copy is no line's rest any more.
                self.half = false;
                self.write(3);
                "copied and truncated"
            }
            7 | 8 => {
                let plain = self.rotated().into_iter().find(|(_, zipped, _)| !zipped);
                if let Some((number, _, path)) = plain {
                    let zipped = self.path(&format!("server.log.{number}.gz"));
                    gzip(&zipped, &fs::read(&path).unwrap());
                    fs::remove_file(path).unwrap();
                }
                "compressed"
            }
            9 => {
                if let Some((_, _, path)) = self.rotated().pop() {
                    self.lost.extend(ids(&content(&path)));
                    fs::remove_file(path).unwrap();
                }
                "the oldest deleted"
            }
            10 if log.exists() => {
                // A new file often gets the inode of the one that was just deleted.
                self.lost.extend(ids(&content(&log)));
                fs::remove_file(&log).unwrap();
                self.half = false;
                self.write(12);
                "deleted and begun anew"
            }
            11 if log.exists() => {
                let before = ids(&content(&log));
                let bytes = fs::read(&log).unwrap();
                let ends =
                    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at as u64 + 1);
                let ends: Vec<u64> = std::iter::once(0).chain(ends).collect();
                let size = ends[self.rng.random_range(0..ends.len())];
                fs::File::options().write(true).open(&log).unwrap().set_len(size).unwrap();
                let after = ids(&content(&log));
                self.lost.extend(before.difference(&after));
                self.half = false;
                if self.rng.random_bool(0.5) {
                    self.write(8);
                }
                "shrunk"
            }
            _ => {
                self.write(2);
                "lines"
            }
        }
    }

    /// Nobody has written to the rotated files for hours.
    fn age(&mut self) {
        for (.., path) in self.rotated() {
            let hours = self.rng.random_range(2..2000);
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
            fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
        }
    }

    /// The numbers of all lines that are there now.
    fn all(&self) -> BTreeSet<u32> {
        let files = self.rotated().into_iter().map(|(.., path)| path).chain([self.path(LOG)]);
        files.filter(|path| path.exists()).flat_map(|path| ids(&content(&path))).collect()
    }
}

fn gzip(path: &Path, text: &[u8]) {
    let mut zipped =
        flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    zipped.write_all(text).unwrap();
    zipped.finish().unwrap();
}

fn content(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let mut text = Vec::new();
    if path.extension().is_some_and(|end| end == "gz") {
        let _ = flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text);
    } else {
        text = bytes;
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn id(text: &str) -> Option<u32> {
    text.split_once(" ERROR id=")?.1.get(..6)?.parse().ok()
}

fn ids(text: &str) -> BTreeSet<u32> {
    text.lines().filter_map(id).collect()
}

fn question(dir: &Path, pattern: &str) -> Question {
    Question {
        files: vec![format!("{}/server.log*", dir.display())],
        if_present: Vec::new(),
        pattern: pattern.to_owned(),
        newer_than_minutes: None,
        limit: 4 << 20,
        journal: None,
        earlier: None,
        fence: "rm5eeded".to_owned(),
    }
}

fn read(userland: &Userland, question: &Question) -> LogGrep {
    let mut answer = userland.ask(&log_grep::script(question));
    answer.sent = Some("2026-11-24T02:00:00Z".parse().unwrap());
    assert!(answer.stderr.is_empty(), "{}: {}", userland.name, String::from_utf8_lossy(&answer.stderr));
    match log_grep::parse(question, &[answer], &Identity::default(), 1).0 {
        Evidence::LogGrep(grep) => grep,
        other => panic!("{}: {other:?}", userland.name),
    }
}

/// What a round brought, for the next.
fn known(grep: LogGrep) -> Arc<Earlier> {
    Arc::new(Earlier { grep, broker: Identity::default() })
}

type Told<'a> = BTreeMap<(&'a str, u64), &'a LogRecord>;

/// The records of files that are there, by place.
fn there(grep: &LogGrep) -> Told<'_> {
    let place = |record: &LogRecord| grep.files[record.file as usize].path.as_str();
    let there = |record: &&LogRecord| grep.files[record.file as usize].access == Access::Readable;
    grep.records.iter().filter(there).map(|record| ((place(record), record.line), record)).collect()
}

/// Rounds over logs that are rotated between them: the same as one that reads all.
fn rounds(userland: &Userland, seed: u64, steps: usize, pattern: &str) {
    let desk = open_desk();
    let mut logs = Logs::new(desk.dir(), seed);
    let mut earlier: Option<Arc<Earlier>> = None;
    let mut seen = BTreeSet::new();
    let mut story = vec![format!("{} seed {seed} {pattern}", userland.name)];
    for _ in 0..steps {
        for _ in 0..logs.rng.random_range(1..4) {
            story.push(logs.step().to_owned());
        }
        if earlier.is_none() {
            (0..8).for_each(|_| story.push(logs.step().to_owned()));
            logs.age();
        }
        seen.extend(logs.all());
        let question = question(desk.dir(), pattern);
        let full = read(userland, &question);
        let grep = read(userland, &Question { earlier: earlier.take(), ..question });
        story.push("-- round".to_owned());
        let mut counted: BTreeMap<u32, usize> = BTreeMap::new();
        grep.records
            .iter()
            .filter_map(|record| id(&record.text))
            .for_each(|id| *counted.entry(id).or_default() += 1);
        let told: BTreeSet<u32> = counted.keys().copied().collect();
        let lost: Vec<&u32> = seen.difference(&told).collect();
        let twice: Vec<_> = counted.iter().filter(|(_, count)| **count > 1).collect();
        assert!(
            lost.is_empty() && twice.is_empty() && told.is_subset(&seen),
            "lost {lost:?}, twice {twice:?}\n{}\n{:#?}",
            story.join("\n"),
            grep.files
        );
        let now = there(&grep);
        for (place, record) in there(&full) {
            let Some(had) = now.get(&place) else { panic!("no {place:?} {record:?}\n{}", story.join("\n")) };
            assert_eq!(
                (&had.text, &had.continuation),
                (&record.text, &record.continuation),
                "{place:?}\n{}",
                story.join("\n")
            );
        }
        earlier = Some(known(grep));
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("ROUNDSMAN_SEEDS") {
        Ok(text) => text.split(',').map(|seed| seed.parse().expect("numbers")).collect(),
        Err(_) => (0..3).map(|_| rand::random::<u64>() % 1_000_000).chain([1]).collect(),
    }
}

#[test]
fn rounds_that_go_on_tell_what_one_that_reads_all_tells() {
    let mksh = Userland::of("mksh", "/bin/mksh");
    for seed in seeds() {
        println!("seed {seed}");
        for userland in Userland::all().iter().chain([&mksh]) {
            rounds(userland, seed, 12, "ERROR");
        }
        rounds(&Userland::all()[0], seed, 12, log_grep::KAFKA);
    }
}

/// Where Debian and its kin keep what writes journals from outside.
const JOURNAL_REMOTE: &str = "/lib/systemd/systemd-journal-remote";

/// A journal of its own that the real journalctl reads, whichever user it runs as.
struct Journal {
    dir: PathBuf,
}

impl Journal {
    fn new(dir: &Path) -> Journal {
        let journal = Journal { dir: dir.join("journal") };
        fs::create_dir(&journal.dir).unwrap();
        let bin = dir.join("journalctl");
        let real = "exec /usr/bin/journalctl --directory=";
        fs::write(&bin, format!("#!/bin/sh\n{real}'{}' \"$@\"\n", journal.dir.display())).unwrap();
        fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        journal
    }

    /// Adds messages of a unit, a second apart, in systemd's export format.
    fn add(&self, unit: &str, messages: impl Iterator<Item = (u32, String)>) {
        let mut export = Vec::new();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let began = now.as_micros() as u64 - 3_600_000_000;
        for (at, message) in messages {
            let id = "0123456789abcdef0123456789abcdef";
            let micros = u64::from(at) * 1_000_000;
            write!(
                export,
                "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={micros}\n_BOOT_ID={id}\n_MACHINE_ID={id}\n_HOSTNAME=host\n\
                 _SYSTEMD_UNIT={unit}\nSYSLOG_IDENTIFIER=java\n_PID=7\nPRIORITY=6\nMESSAGE\n",
                began + micros
            )
            .unwrap();
            export.extend((message.len() as u64).to_le_bytes());
            export.extend(message.as_bytes());
            export.extend(b"\n\n");
        }
        let mut remote = std::process::Command::new(JOURNAL_REMOTE)
            .arg("-o")
            .arg(self.dir.join("system.journal"))
            .arg("-")
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{JOURNAL_REMOTE}: {error}; scripts/setup installs it"));
        remote.stdin.take().unwrap().write_all(&export).unwrap();
        assert!(remote.wait().unwrap().success());
        // It is the journal's group's alone, and a guest's desk has other owners.
        let file = self.dir.join("system.journal");
        fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
}

#[test]
fn a_journal_is_read_on_from_its_own_cursor() {
    for mut userland in Userland::all() {
        let desk = open_desk();
        let journal = Journal::new(desk.dir());
        userland.path = format!("{}:{}", desk.dir().display(), userland.path.display()).into();
        let entry = |at: u32| (at, format!("[2026-11-01 10:00:{at:02},000] ERROR id={at:06} no (kafka.X)"));
        let question = Question {
            journal: Some(log_grep::Journal { unit: "kafka.service".to_owned(), since: None }),
            ..question(desk.dir(), log_grep::KAFKA)
        };
        let ids = |grep: &LogGrep| -> Vec<u32> {
            grep.records.iter().filter_map(|record| id(&record.text)).collect()
        };
        journal.add("kafka.service", (1..=3).map(entry));
        journal.add("other.service", (1..=3).map(|at| entry(at + 50)));
        let first = read(&userland, &question);
        assert_eq!(ids(&first), [1, 2, 3], "{}", userland.name);
        let on = |grep: LogGrep| Question { earlier: Some(known(grep)), ..question.clone() };
        let same = read(&userland, &on(first));
        assert_eq!(ids(&same), [1, 2, 3], "{}: nothing new", userland.name);
        // A message of several lines is one entry, and journalctl indents what follows.
        let trace = "[2026-11-01 10:00:04,000] ERROR id=000004 no (kafka.X)\njava.io.IOException: gone\n\tat a.B.c(B.java:1)";
        journal.add("kafka.service", [(4, trace.to_owned()), entry(5)].into_iter());
        let script = log_grep::script(&on(same.clone()));
        assert!(script.contains("--after-cursor=s="), "{script}");
        let more = read(&userland, &on(same));
        assert_eq!(ids(&more), [1, 2, 3, 4, 5], "{}: {:?}", userland.name, more.files);
        let fourth = more.records.iter().find(|record| id(&record.text) == Some(4)).unwrap();
        assert_eq!(fourth.continuation.first().map(|line| line.trim()), Some("java.io.IOException: gone"));
        let lines: Vec<u64> = more.records.iter().map(|record| record.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 7], "{}: lines count on", userland.name);
    }
}

/// When a line was there: from, and until if it was removed.
type Life = (std::time::Instant, Option<std::time::Instant>);

#[test]
fn logs_that_are_rotated_while_rounds_are_made_lose_nothing_in_the_history() {
    for seed in seeds().into_iter().rev().take(1) {
        println!("seed {seed}");
        while_rounds_are_made(seed, 14);
    }
}

fn while_rounds_are_made(seed: u64, rounds: usize) {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    let node = node::Node::new();
    let dir = node.path("logs");
    fs::create_dir(&dir).unwrap();
    let inventory = node.inventory("root", "");
    let play = format!(
        "- hosts: all\n  probes:\n    - log_grep: {{files: '{}/server.log*', pattern: ERROR}}\n",
        dir.display()
    );
    let (play, history) = (node.file("play.yml", &play), node.path("history.sqlite"));
    let lives: Mutex<BTreeMap<u32, Life>> = Mutex::new(BTreeMap::new());
    let (stop, story) = (AtomicBool::new(false), Mutex::new(vec![format!("seed {seed}")]));
    let (stop, story, lives) = (&stop, &story, &lives);
    let mut all_seen: BTreeSet<u32> = BTreeSet::new();
    let mut last = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut logs = Logs::new(&dir, seed);
            while !stop.load(Ordering::Relaxed) {
                let before = Instant::now();
                let step = logs.step();
                let after = Instant::now();
                story.lock().unwrap().push(format!("{after:?} {step}"));
                let mut lives = lives.lock().unwrap();
                for id in logs.all() {
                    lives.entry(id).or_insert((after, None));
                }
                for id in std::mem::take(&mut logs.lost) {
                    if let Some((_, end)) = lives.get_mut(&id) {
                        end.get_or_insert(before);
                    }
                }
                drop(lives);
                // A file that is renamed faster than a directory is read eight times can't be caught.
                let rotated = !matches!(step, "lines" | "half a line");
                let pause = logs.rng.random_range(if rotated { 100..400 } else { 0..40 });
                std::thread::sleep(Duration::from_millis(pause));
            }
        });
        for at in 0.. {
            // On a fast machine a round ends before much is written.
            if at >= rounds && all_seen.len() > 50 {
                break;
            }
            assert!(at < 1000, "{all_seen:?}: the logger does not write");
            last = at;
            let began = Instant::now();
            let saved = node.path(&format!("round-{at}.json"));
            let mut command = binary::roundsman(["run", &play, "-i", &inventory]);
            command
                .env_remove("ROUNDSMAN_NO_HISTORY")
                .arg("--history")
                .arg(&history)
                .arg("--save")
                .arg(&saved);
            let ran = binary::Running::start(command).end();
            let ended = Instant::now();
            story.lock().unwrap().push(format!("{began:?} … {ended:?} round {at}"));
            let text = fs::read_to_string(&saved).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
            let round: roundsman::round::Round = serde_json::from_str(&text).unwrap();
            let mut counted: BTreeMap<u32, Vec<String>> = BTreeMap::new();
            for event in roundsman::kafka::events::of_round(&round) {
                let Some(id) = id(event.text) else { continue };
                counted.entry(id).or_default().push(format!("{}:{} {}", event.file, event.line, event.text));
            }
            let told: BTreeSet<u32> = counted.keys().copied().collect();
            let there: BTreeSet<u32> = lives
                .lock()
                .unwrap()
                .iter()
                .filter(|(_, (from, until))| *from < began && until.is_none_or(|until| until > ended))
                .map(|(id, _)| *id)
                .collect();
            // A line that was read half and then wholly while it was copied has two texts in one round.
            let twice: Vec<_> = counted.values().filter(|all| all.len() > 1).collect();
            let lost: Vec<&u32> = there.union(&all_seen).filter(|id| !told.contains(id)).collect();
            if !(lost.is_empty() && twice.is_empty()) {
                stop.store(true, Ordering::Relaxed);
                let new: Vec<&u32> = lost.iter().filter(|id| !all_seen.contains(id)).copied().collect();
                panic!(
                    "round {at}: lost {lost:?}, never seen {new:?}, twice {twice:?}\n{}\n{ran:?}\n{:#?}",
                    story.lock().unwrap().join("\n"),
                    round.visits[0].probes.last()
                );
            }
            all_seen.extend(told);
        }
        stop.store(true, Ordering::Relaxed);
    });
    // Most was not read again: the cursors were kept, and rounds went on from them.
    let last: roundsman::round::Round =
        serde_json::from_str(&fs::read_to_string(node.path(&format!("round-{last}.json"))).unwrap()).unwrap();
    let rows = last.visits.iter().flat_map(|visit| &visit.probes).flat_map(|answer| &answer.coverage);
    let reasons: Vec<&str> = rows.filter_map(|row| row.reason.as_deref()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("new since")), "{reasons:?}");
}
