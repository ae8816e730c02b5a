//! The scripts that run on nodes, run here by different shells with different tools: the same files must
//! give the same evidence everywhere.

mod binary;
mod userland;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use binary::{Desk, replica, run, serve};
use roundsman::demo::Fleet;
use roundsman::probe::log_grep::Question;
use roundsman::probe::{discovery, disk_free, disk_usage, facts, log_grep};
use roundsman::round::{Access, Coverage, CoverageStatus, DiskUsage, Evidence, Identity, LogGrep};
use userland::{Userland, open_desk};

fn usage(userland: &Userland, paths: &[String]) -> (DiskUsage, Vec<Coverage>) {
    let mut answers = vec![userland.ask(&disk_usage::script(paths))];
    if let Some(second) = disk_usage::follow_up(paths, &answers[0]) {
        answers.push(userland.ask(&second));
    }
    match disk_usage::parse(paths, &answers, 1) {
        (Evidence::DiskUsage(usage), coverage) => (usage, coverage),
        other => panic!("{}: {other:?}", userland.name),
    }
}

/// `du`'s word on a directory.
fn du(path: &Path) -> u64 {
    let said = Command::new("/usr/bin/du").args(["-s", "-B1", "--"]).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{said:?}"))
}

/// A log dir with whatever names people and Kafka give.
fn log_dir() -> Desk {
    let desk = open_desk();
    for name in ["orders-0", "a b-1", "it's-2", "pi|pe-3", "quo\"te-4", "do$HOME-5", "st*r-6", "-n-7"] {
        let dir = desk.path(name);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("00000000000000000000.log"), vec![7; 5000]).unwrap();
        fs::write(dir.join("00009007199254740993.log"), vec![7; 70_000]).unwrap();
        fs::write(dir.join("00000000000000000000.index"), vec![7; 300]).unwrap();
    }
    fs::write(desk.path("orders-0").join("00000000000000000000.log.cleaned"), b"x").unwrap();
    fs::write(desk.path("orders-0").join("00000000000000000000.cleaned"), b"x").unwrap();
    fs::write(desk.path("orders-0").join("a name\nof two lines"), vec![7; 9000]).unwrap();
    fs::write(desk.path("orders-0").join("00000000000000000000.index.deleted"), b"x").unwrap();
    fs::write(desk.path("orders-0").join("leader-epoch-checkpoint"), "0\n2\n0 0\n4 3179215\n").unwrap();
    fs::write(
        desk.path("orders-0").join("partition.metadata"),
        "version: 0\ntopic_id: PNE06QnuSnKovFzM1tiDmg",
    )
    .unwrap();
    replica(desk.dir(), "sparse", 8, 3 << 30);
    fs::write(desk.path("sparse-8").join("leader-epoch-checkpoint"), "0\n3\n0 0\n").unwrap();
    fs::create_dir(desk.path("empty-9")).unwrap();
    // Dirty from inside the second segment on: all of the first is clean.
    fs::write(desk.path("cleaner-offset-checkpoint"), "0\n2\norders 0 9007199254740993\nsparse 8 0\n")
        .unwrap();
    fs::write(desk.path("replication-offset-checkpoint"), "0\n1\norders 0 9007199254740992\n").unwrap();
    let index = desk.path("orders-0").join("00000000000000000000.index");
    fs::hard_link(index, desk.path("orders-0").join("again.index")).unwrap();
    desk
}

#[test]
fn disk_usage_is_the_same_in_every_userland_and_dus() {
    let desk = log_dir();
    let paths = [format!("{}/*-[0-9]*", desk.dir().display())];
    let mut first: Option<BTreeMap<String, String>> = None;
    for userland in Userland::all() {
        let (usage, coverage) = usage(&userland, &paths);
        assert_eq!(coverage[0], Coverage::complete(&paths[0]), "{}", userland.name);
        assert_eq!(coverage.len(), 2, "{}: {coverage:?}", userland.name);
        assert!(coverage[1].path.ends_with("sparse-8/leader-epoch-checkpoint"), "{coverage:?}");
        let details: Vec<_> = usage
            .details
            .iter()
            .map(|one| {
                (&*usage.replicas[one.replica as usize].topic, one.epochs.clone(), one.topic_id.as_deref())
            })
            .collect();
        let epochs = Some(vec![(0, 0), (4, 3_179_215)]);
        assert_eq!(details, [("orders", epochs, Some("PNE06QnuSnKovFzM1tiDmg"))], "{}", userland.name);
        let mut rows = BTreeMap::new();
        for mut replica in usage.replicas {
            let name = format!("{}-{}", replica.topic, replica.partition);
            assert_eq!(replica.allocated_bytes, du(&desk.path(&name)), "{}: {name}", userland.name);
            // POSIX `ls` gives no time that can be computed with.
            assert!(replica.newest_mtime.is_some() || userland.name == "posix" || replica.segments == 0);
            replica.newest_mtime = None;
            rows.insert(name, format!("{replica:?}"));
        }
        for other in usage.others {
            assert_eq!(
                other.allocated_bytes,
                du(Path::new(&other.path)),
                "{}: {}",
                userland.name,
                other.path
            );
            rows.insert(other.path.clone(), format!("{other:?}"));
        }
        assert_eq!(rows.len(), 10, "{}: {rows:#?}", userland.name);
        let orders = &rows["orders-0"];
        for word in [
            "log_bytes: 75000",
            "segments: 2",
            "9007199254740993",
            "cleaned_files: 2",
            "deleted_files: 1",
            "active_bytes: 70000",
            "clean_bytes: 5000",
        ] {
            assert!(orders.contains(word), "{}: no {word} in {orders}", userland.name);
        }
        assert!(rows["sparse-8"].contains("log_bytes: 3221225472"), "{}", userland.name);
        match &first {
            None => first = Some(rows),
            Some(first) => assert_eq!(first, &rows, "{}", userland.name),
        }
    }
}

#[test]
fn what_is_not_there_what_may_not_be_read_and_what_vanishes() {
    let desk = log_dir();
    let dir = desk.dir().display();
    let closed = open_desk();
    replica(closed.dir(), "secret", 0, 100);
    replica(closed.dir(), "open", 1, 100);
    fs::set_permissions(closed.path("secret-0"), fs::Permissions::from_mode(0o700)).unwrap();
    let shut = Desk::new();
    fs::set_permissions(shut.dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let paths = [
        format!("{dir}/nothing-*"),
        "/no/such/dir/orders-*".to_owned(),
        format!("{}/*", shut.dir().display()),
        format!("{}/*-[0-9]*", closed.dir().display()),
        format!("{dir}/orders-0"),
    ];
    for mut userland in Userland::all() {
        userland.user = Some(65534);
        let (usage, coverage) = usage(&userland, &paths);
        let said: Vec<_> =
            coverage.iter().map(|row| (row.status, row.reason.as_deref().unwrap_or(""))).collect();
        let name = userland.name;
        assert_eq!(said[0], (CoverageStatus::Complete, "nothing matches"), "{name}");
        assert_eq!(said[1].0, CoverageStatus::None, "{name}");
        assert!(said[1].1.contains("/no/such/dir does not exist"), "{name}: {said:?}");
        assert_eq!(said[2].0, CoverageStatus::None, "{name}");
        assert!(said[2].1.contains("not readable"), "{name}: {said:?}");
        assert_eq!(said[3].0, CoverageStatus::Partial, "{name}: {said:?}");
        assert!(said[3].1.contains("secret-0") && said[3].1.contains("ermission denied"), "{name}: {said:?}");
        assert_eq!(said[4].0, CoverageStatus::Complete, "{name}: {said:?}");
        assert!(usage.replicas.iter().any(|replica| &*replica.topic == "open"), "{name}");
    }
    // Kafka deletes a segment or a whole replica between the glob and the look.
    let going = open_desk();
    for userland in Userland::all() {
        ["gone", "stays"].iter().for_each(|topic| replica(going.dir(), topic, 0, 100));
        let pattern = [format!("{}/*-0", going.dir().display())];
        let real = userland
            .path
            .to_str()
            .unwrap()
            .split(':')
            .map(|dir| format!("{dir}/find"))
            .find(|find| Path::new(find).exists());
        let trap = format!(
            "find() {{ /bin/rm -rf {}/gone-0; {} \"$@\"; }}\n{}",
            going.dir().display(),
            real.unwrap(),
            disk_usage::script(&pattern)
        );
        let answer = userland.ask(&trap);
        let (Evidence::DiskUsage(usage), _) = disk_usage::parse(&pattern, std::slice::from_ref(&answer), 1)
        else {
            panic!()
        };
        let topics: Vec<&str> = usage.replicas.iter().map(|replica| &*replica.topic).collect();
        assert_eq!(topics, ["stays"], "{}: {answer:?}", userland.name);
    }
}

#[test]
fn nine_thousand_directories_are_listed() {
    let desk = open_desk();
    for n in 0..9000 {
        fs::create_dir(desk.path(&format!("it's a|topic-{n}"))).unwrap();
    }
    let paths = [format!("{}/*-[0-9]*", desk.dir().display())];
    for userland in Userland::all() {
        let (usage, coverage) = usage(&userland, &paths);
        // No topic of Kafka's is called like that, so they are paths like any other.
        let listed: std::collections::BTreeSet<&str> =
            usage.others.iter().map(|other| &*other.path).collect();
        assert_eq!(listed.len(), 9000, "{}", userland.name);
        assert!(listed.contains(format!("{}/it's a|topic-8999", desk.dir().display()).as_str()));
        assert_eq!(coverage[0].status, CoverageStatus::Complete, "{}: {coverage:?}", userland.name);
    }
}

#[test]
fn facts_are_the_same_in_every_userland() {
    let desk = open_desk();
    desk.file("meta.properties", "#Mon\nversion=0\nbroker.id=180881591\ncluster.id=abc\n");
    desk.file(
        "replication-offset-checkpoint",
        "0\n4\norders 0 100\norders 1 9007199254740993\norders 2 -1\n  a.b-c 7 12\r\n",
    );
    desk.file("recovery-point-offset-checkpoint", "");
    desk.file("cleaner-offset-checkpoint", "0\nbroken\n");
    fs::write(desk.path("log-start-offset-checkpoint"), "0\n0\n").unwrap();
    fs::set_permissions(desk.path("log-start-offset-checkpoint"), fs::Permissions::from_mode(0o600)).unwrap();
    let dirs = [desk.dir().display().to_string(), "/no/such/log dir".to_owned()];
    let mut first: Option<String> = None;
    for mut userland in Userland::all() {
        userland.user = Some(65534);
        let before = jiff::Timestamp::now();
        let mut answer = userland.ask(&facts::script(&dirs));
        (answer.sent, answer.began) = (Some(before), Some(jiff::Timestamp::now()));
        let (mut facts, coverage) = facts::parse(&dirs, &answer, 1);
        let clock = facts.clock.take().unwrap_or_else(|| panic!("{}: no clock in {answer:?}", userland.name));
        assert!(clock.offset_s.abs() <= 5.0 && clock.zone_s == 0, "{}: {clock:?}", userland.name);
        assert_eq!(facts.user.as_deref(), Some("somebody"));
        assert_eq!(facts.log_dirs[0].broker_id, Some(180_881_591), "{}", userland.name);
        let marks = facts.log_dirs[0].high_watermarks.as_ref().unwrap();
        assert!(format!("{marks:?}").contains("9007199254740993"), "{}: {marks:?}", userland.name);
        assert_eq!(marks.len(), 3, "{}: {marks:?}", userland.name);
        let written = facts.log_dirs[0].first_dirty_written.take();
        assert_eq!(written.is_some(), userland.name != "posix", "{}", userland.name);
        assert_eq!(facts.log_dirs[1].access, Access::Missing);
        let gaps: Vec<&str> = coverage
            .iter()
            .filter(|row| row.status != CoverageStatus::Complete)
            .map(|row| row.path.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(
            gaps,
            [
                "log-start-offset-checkpoint",
                "replication-offset-checkpoint",
                "cleaner-offset-checkpoint",
                "log dir"
            ],
            "{}",
            userland.name
        );
        let told = format!("{facts:?} {coverage:?}");
        assert_eq!(first.get_or_insert(told.clone()), &told, "{}", userland.name);
    }
}

#[test]
fn whether_kafka_runs_is_the_same_in_every_userland() {
    let node = open_desk();
    let dirs = [node.dir().display().to_string()];
    let process = |userland: &Userland| {
        let script = format!("ROUNDSMAN_ROOT='{}'\n{}", node.dir().display(), facts::script(&dirs));
        facts::parse(&dirs, &userland.ask(&script), 1).0.process
    };
    let put = |name: &str, text: &str| {
        let path = node.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let all = || Userland::all().into_iter();
    // Processes are hidden, as with hidepid: that none is seen says nothing.
    assert!(all().all(|userland| process(&userland).is_none()));
    put("proc/1/stat", "1 (init) S");
    put("proc/41/cmdline", "grep\0kafka\\.Kafk[a]\0");
    assert!(all().all(|userland| process(&userland) == Some(false)));
    put("proc/42/cmdline", "java\0-cp\0/opt/kafka/libs/*\0kafka.Kafka\0server.properties\0");
    assert!(all().all(|userland| process(&userland) == Some(true)));
}

/// Kills for want of memory as kernels have told them: mm/oom_kill.c of 2.6.32, 3.10, 4.19 and 5.10, and
/// mm/memcontrol.c for a cgroup's limit.
#[test]
fn kills_of_the_kernel_are_found_in_its_words() {
    const KILLS: [&str; 6] = [
        "[  100.100000] Out of memory: Kill process 3634 (java) score 900 or sacrifice child",
        "[  100.200000] Killed process 3634, UID 106, (java) total-vm:8123456kB, anon-rss:6123456kB, file-rss:0kB",
        "[  100.300000] Memory cgroup out of memory: Kill process 3634 (java) score 1972 or sacrifice child",
        "[  100.400000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice/kafka.service,task_memcg=/system.slice/kafka.service,task=java,pid=3634,uid=106",
        "[  100.500000] Memory cgroup out of memory: Killed process 3634 (java) total-vm:8123456kB, anon-rss:6123456kB, file-rss:0kB, shmem-rss:0kB, UID:106 pgtables:13000kB oom_score_adj:0",
        "[  100.600000] Out of memory: Killed process 3634 (java) total-vm:8123456kB, anon-rss:6123456kB, file-rss:0kB, shmem-rss:0kB, UID:106 pgtables:13000kB oom_score_adj:0",
    ];
    const OTHERS: [&str; 4] = [
        "[  100.700000] Out of memory: Killed process 99 (chrome) total-vm:8123456kB",
        "[  100.800000] java invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
        "[  100.900000] [   3634]   106  3634  2030864  1530864 13000000        0             0 java",
        "[  101.000000] EXT4-fs (sda1): mounted filesystem /services/kafka",
    ];
    let node = open_desk();
    fs::create_dir_all(node.path("var/log")).unwrap();
    fs::create_dir_all(node.path("proc")).unwrap();
    fs::write(node.path("var/log/dmesg"), [&KILLS[..], &OTHERS[..]].concat().join("\n")).unwrap();
    let script = format!("ROUNDSMAN_ROOT='{}'\n{}", node.dir().display(), discovery::script());
    for userland in [Userland::of("dash and GNU", "/usr/bin/dash"), Userland::busybox()] {
        let answer = userland.ask(&script);
        let said = String::from_utf8_lossy(&answer.stdout).into_owned();
        let told: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("k ")).collect();
        assert_eq!(told, KILLS, "{}", userland.name);
    }
}

#[test]
fn disk_free_is_the_same_in_every_userland() {
    let paths = ["/".to_owned(), "/proc".to_owned(), "/no/such/place".to_owned()];
    for userland in Userland::all() {
        let answer = userland.ask(&disk_free::script(&paths));
        let (Evidence::DiskFree(mounts), coverage) = disk_free::parse(&paths, &answer, 1) else { panic!() };
        let root = mounts.iter().find(|mount| mount.mount == "/");
        let root = root.unwrap_or_else(|| panic!("{}: {mounts:?}", userland.name));
        assert!(
            root.size_bytes > 0 && root.available_bytes <= root.size_bytes,
            "{}: {root:?}",
            userland.name
        );
        let status: Vec<_> = coverage.iter().map(|row| row.status).collect();
        let expected = [CoverageStatus::Complete, CoverageStatus::Complete, CoverageStatus::None];
        assert_eq!(status, expected, "{}: {coverage:?}", userland.name);
    }
}

fn question(files: &[String], limit: usize) -> Question {
    Question {
        files: files.to_vec(),
        if_present: Vec::new(),
        pattern: "ERROR|FATAL".to_owned(),
        newer_than_minutes: None,
        limit,
        journal: None,
        earlier: None,
        fence: "rmfence".to_owned(),
    }
}

/// Asks as a visit does: a follow-up where the first answer calls for one.
fn grep(userland: &Userland, question: &Question) -> (LogGrep, Vec<Coverage>, usize) {
    let mut answers = vec![userland.ask_within(&log_grep::script(question), question.limit)];
    if let Some(second) = log_grep::follow_up(question, &answers[0]) {
        answers.push(userland.ask_within(&second, question.limit));
    }
    match log_grep::parse(question, &answers, &Identity::default(), 1) {
        (Evidence::LogGrep(grep), coverage) => (grep, coverage, answers.len()),
        other => panic!("{}: {other:?}", userland.name),
    }
}

fn gzip(path: &Path, text: &[u8]) {
    let mut zipped =
        flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    zipped.write_all(text).unwrap();
    zipped.finish().unwrap();
}

const TRACE: &str = "[2026-11-01 10:00:00,000] ERROR it broke (kafka.X)\njava.io.IOException: no\n\tat a.b.C(D.java:1)\n\tat a.b.E(F.java:2)\nCaused by: java.lang.Error\n[2026-11-01 10:00:01,000] INFO fine (kafka.X)\n";

#[test]
fn the_catalogues_lines_come_thinned_and_counted() {
    let desk = open_desk();
    let mut log = String::from(
        "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Current offset 20 for partition [orders,0] out of range; reset offset to 7 (kafka.server.ReplicaFetcherThread)\n",
    );
    let error = |at: usize| {
        format!(
            "[2017-04-03 14:16:37,{:03}] ERROR [x-{at}] it broke again {at} (kafka.X)\njava.lang.IllegalStateException: no {at}\n\tat a.b(C.java:1)\n",
            at % 1000
        )
    };
    (0..5000).for_each(|at| log.push_str(&error(at)));
    log.push_str("[2017-04-03 14:16:38,003] INFO nothing (kafka.X)\n");
    log.push_str("[2017-04-03 14:16:38,103] ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)\nkafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot 8\n\tat a.b(C.java:1)\n\tat a.b(C.java:2)\nCaused by: java.io.IOException: No space left on device\n");
    (0..900).for_each(|at| {
        log.push_str(&format!("[2017-04-03 14:16:39,{at:03}] INFO [Log partition=orders-{at}, dir=/d] Truncating to offset {at} (kafka.log.Log)\n"));
    });
    desk.file("server.log", &log);
    let files = [format!("{}/server.log*", desk.dir().display())];
    for userland in Userland::all() {
        let question = Question { pattern: log_grep::KAFKA.to_owned(), ..question(&files, 1 << 20) };
        let (grep, coverage, asked) = grep(&userland, &question);
        let name = userland.name;
        assert_eq!(asked, 1, "{name}");
        let of = |text: &str| grep.records.iter().filter(|record| record.text.contains(text)).count();
        assert_eq!((of("out of range"), of("Truncating to offset"), of("nothing")), (1, 900, 0), "{name}");
        assert_eq!(of("it broke again"), 220, "{name}");
        assert_eq!(grep.files[0].beyond, 4780, "{name}");
        assert_eq!(coverage[0].status, CoverageStatus::Complete, "{name}");
        let last = grep.records.iter().rfind(|record| record.text.contains("it broke again")).unwrap();
        assert!(last.text.contains("again 4999"), "{name}: {last:?}");
        assert_eq!(last.continuation, ["java.lang.IllegalStateException: no 4999"], "{name}");
        let died = grep.records.iter().find(|record| record.text.contains("Error due to")).unwrap();
        assert_eq!(died.continuation.len(), 2, "{name}: {died:?}");
        assert!(died.continuation[1].starts_with("Caused by: "), "{name}");
    }
}

#[test]
fn log_records_come_whole_from_every_kind_of_file() {
    let desk = open_desk();
    desk.file("server.log", &format!("[2026-11-01 09:00:00,000] INFO before (kafka.X)\n{TRACE}"));
    desk.file("server.log.2026-10-31", "[2026-10-31 10:00:00,000] FATAL older (kafka.X)\r\n");
    gzip(&desk.path("server.log.1.gz"), b"[2026-10-30 10:00:00,000] ERROR zipped (kafka.X)\n\tat z.Z\n");
    desk.file("server.log.empty", "");
    fs::write(
        desk.path("server.log.bytes"),
        b"[2026-11-01 10:00:00,000] ERROR nul \0 and latin1 \xe9 (kafka.X)\n[2026-11-01 10:00:01,000] INFO x\n",
    )
    .unwrap();
    desk.file("server.log.with space:12:and|pipe", "[2026-11-01 10:00:02,000] ERROR odd name (kafka.X)\n");
    desk.file("server.log.closed", "[2026-11-01 10:00:02,000] ERROR never read (kafka.X)\n");
    fs::set_permissions(desk.path("server.log.closed"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(desk.path("server.log.d")).unwrap();
    let dir = desk.dir().display();
    let files = [format!("{dir}/server.log*"), format!("{dir}/absent.log*"), "/no/such/dir/x.log".to_owned()];
    let mut first: Option<String> = None;
    for mut userland in Userland::all() {
        userland.user = Some(65534);
        let (grep, coverage, asked) = grep(&userland, &question(&files, 1 << 20));
        assert_eq!(asked, 1);
        let name = |at: u32| grep.files[at as usize].path.rsplit('/').next().unwrap().to_owned();
        let mut told: Vec<String> = grep
            .records
            .iter()
            .map(|record| {
                let lines = record.continuation.len();
                format!("{}:{} {} +{lines} {}", name(record.file), record.line, record.text, record.lossy)
            })
            .collect();
        told.sort();
        let expected = [
            "server.log.1.gz:1 [2026-10-30 10:00:00,000] ERROR zipped (kafka.X) +1 false",
            "server.log.2026-10-31:1 [2026-10-31 10:00:00,000] FATAL older (kafka.X) +0 false",
            "server.log.bytes:1 [2026-11-01 10:00:00,000] ERROR nul \0 and latin1 \u{fffd} (kafka.X) +0 true",
            "server.log.with space:12:and|pipe:1 [2026-11-01 10:00:02,000] ERROR odd name (kafka.X) +0 false",
            "server.log:2 [2026-11-01 10:00:00,000] ERROR it broke (kafka.X) +4 false",
        ];
        assert_eq!(told, expected, "{}", userland.name);
        let mut access: Vec<String> =
            grep.files.iter().map(|file| format!("{:?} {}", file.access, file.path)).collect();
        access.sort();
        for word in [
            format!("Empty {dir}/server.log.empty"),
            format!("Unreadable {dir}/server.log.closed"),
            format!("Missing {dir}/absent.log*"),
            "Missing /no/such/dir/x.log".to_owned(),
        ] {
            assert!(access.contains(&word), "{}: no {word} in {access:#?}", userland.name);
        }
        let mut rows: Vec<String> = coverage.iter().map(|row| format!("{row:?}")).collect();
        rows.sort();
        let all = format!("{told:?}{access:?}{rows:#?}");
        assert_eq!(first.get_or_insert(all.clone()), &all, "{}", userland.name);
    }
}

#[test]
fn too_much_output_gives_the_newest_part_and_counts_the_rest() {
    let desk = open_desk();
    let lines = |day: u32| -> String {
        let line = |n| format!("[2026-11-{day:02} 10:00:00,000] ERROR number {n} (kafka.X)\n");
        (1..=4000).map(line).collect()
    };
    gzip(&desk.path("server.log.2026-11-01.gz"), lines(1).as_bytes());
    desk.file("server.log.2026-11-02", &lines(2));
    desk.file("server.log", &lines(3));
    let files = [format!("{}/server.log*", desk.dir().display())];
    for userland in Userland::all() {
        let (grep, coverage, asked) = grep(&userland, &question(&files, 64 << 10));
        assert_eq!(asked, 2, "{}", userland.name);
        let last = grep.records.last().unwrap();
        assert_eq!(grep.files[last.file as usize].path, format!("{}/server.log", desk.dir().display()));
        assert_eq!(
            (last.line, last.text.contains("number 4000")),
            (4000, true),
            "{}: {last:?}",
            userland.name
        );
        for (at, file) in grep.files.iter().enumerate() {
            let brought = grep.records.iter().filter(|record| record.file as usize == at).count() as u64;
            assert_eq!(brought + file.beyond, 4000, "{}: {}", userland.name, file.path);
        }
        assert!(
            coverage.iter().all(|row| row.status == CoverageStatus::Partial),
            "{}: {coverage:?}",
            userland.name
        );
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_cut_and_hides_nothing_after_it() {
    let desk = open_desk();
    let mut log = fs::File::create(desk.path("server.log")).unwrap();
    log.write_all(b"[2026-11-01 10:00:00,000] ERROR huge ").unwrap();
    (0..100).for_each(|_| log.write_all(&vec![b'x'; 1 << 20]).unwrap());
    log.write_all(b"\n[2026-11-01 10:00:01,000] ERROR after it (kafka.X)\n").unwrap();
    let files = [desk.path("server.log").display().to_string()];
    for userland in [Userland::of("dash and GNU", "/usr/bin/dash"), Userland::busybox()] {
        let (grep, _, asked) = grep(&userland, &question(&files, 1 << 20));
        assert_eq!((asked, grep.records.len()), (2, 2), "{}", userland.name);
        assert!(grep.records[0].text.starts_with("[2026-11-01 10:00:00,000] ERROR huge x"));
        assert!(grep.records[0].text.len() <= 8192, "{}", grep.records[0].text.len());
        assert!(grep.records[1].text.contains("after it"), "{}", userland.name);
    }
}

#[test]
fn files_older_than_the_window_are_not_read() {
    let desk = open_desk();
    desk.file("server.log.1", "[2020-01-01 10:00:00,000] ERROR old (kafka.X)\n");
    desk.file("server.log", "[2026-11-01 10:00:00,000] ERROR new (kafka.X)\n");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    fs::File::options().write(true).open(desk.path("server.log.1")).unwrap().set_modified(old).unwrap();
    let files = [format!("{}/server.log*", desk.dir().display())];
    for userland in Userland::all() {
        let question = Question { newer_than_minutes: Some(60), ..question(&files, 1 << 20) };
        let (grep, coverage, _) = grep(&userland, &question);
        let texts: Vec<bool> = grep.records.iter().map(|record| record.text.contains("new")).collect();
        if userland.name == "posix" {
            // Its find knows no -mmin: reading too much is the safe side.
            assert_eq!(texts.len(), 2, "{}", userland.name);
            continue;
        }
        assert_eq!(texts, [true], "{}", userland.name);
        let old = coverage.iter().find(|row| row.path.ends_with(".1")).unwrap();
        assert_eq!(old.reason.as_deref(), Some("older than --since"), "{}", userland.name);
    }
}

#[test]
fn since_and_until_leave_only_the_records_between() {
    let fleet = serve(Fleet::builder().nodes(1));
    let node = &fleet.nodes()[0];
    fs::create_dir_all(node.log_dir()).unwrap();
    fs::create_dir_all(node.logs_dir()).unwrap();
    let line = |hour| format!("[2026-11-01 {hour:02}:00:00,000] ERROR at {hour} (kafka.X)\n");
    fs::write(node.logs_dir().join("server.log"), (0..24).map(line).collect::<String>()).unwrap();
    let desk = Desk::new();
    let text = "- hosts: all\n  probes:\n    - log_grep: {files: '{{ kafka_logs_dir }}/server.log', pattern: ERROR}\n";
    let playbook = desk.file("play.yml", text);
    let (inventory, saved) = (fleet.inventory_path().display().to_string(), desk.path("round.json"));
    let hours = |more: &[&str]| -> Vec<String> {
        let args = ["run", &playbook, "-i", &inventory, "--save", saved.to_str().unwrap()];
        let ran = run([&args[..], more].concat());
        assert!(ran.status < Some(64), "{ran:?}");
        let round: serde_json::Value = serde_json::from_str(&fs::read_to_string(&saved).unwrap()).unwrap();
        let text = round["visits"][0]["probes"][1]["evidence"].to_string();
        text.split("ERROR at ").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(hours(&[]).len(), 24);
    assert_eq!(hours(&["--since", "2026-11-01T21:30:00Z"]), ["22", "23"]);
    assert_eq!(
        hours(&["--since", "2026-11-01T05:00:00Z", "--until", "2026-11-01T07:00:00Z"]),
        ["5", "6", "7"]
    );
}

#[test]
fn the_scripts_leave_nothing_on_the_nodes_disk() {
    let desk = log_dir();
    let before = listing(desk.dir());
    let paths = [format!("{}/*", desk.dir().display())];
    for userland in Userland::all() {
        usage(&userland, &paths);
        grep(&userland, &question(&[format!("{}/*/*.index", desk.dir().display())], 1 << 20));
        userland.ask(&facts::script(&[desk.dir().display().to_string()]));
    }
    assert_eq!(listing(desk.dir()), before);
}

fn listing(dir: &Path) -> Vec<(Vec<u8>, i64)> {
    let mut all: Vec<(Vec<u8>, i64)> = fs::read_dir(dir)
        .unwrap()
        .flatten()
        .flat_map(|entry| {
            let path = entry.path();
            let below = if path.is_dir() { listing(&path) } else { Vec::new() };
            let changed = entry.metadata().unwrap().ctime();
            below.into_iter().chain([(path.as_os_str().as_bytes().to_owned(), changed)])
        })
        .collect();
    all.sort();
    all
}
