//! Whatever a node answers, each probe reads it and says how much it has seen.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use roundsman::probe::{Probe, Question, access, discovery, facts, log_grep};
use roundsman::round::{Ended, Identity};
use roundsman::shell::answer::Answer;

fuzz_target!(|input: (&[u8], &[u8], u8)| {
    let (stdout, stderr, how) = input;
    let ended = match how {
        0 => None,
        1 => Some(Ended::Deadline),
        2 => Some(Ended::Overflow),
        3 => Some(Ended::Lost),
        status => Some(Ended::Exit(i32::from(status) - 4)),
    };
    let answer = Answer {
        stdout: stdout.to_vec(),
        stderr: stderr.to_vec(),
        ended,
        overflow: u64::from(how == 2),
        ..Answer::default()
    };
    let paths = || vec!["/data/kafka/*-[0-9]*".to_owned(), "/data/logs".to_owned()];
    let grep = log_grep::Question {
        files: paths(),
        if_present: vec!["/data/logs/controller.log*".to_owned()],
        pattern: "ERROR|WARN".to_owned(),
        newer_than_minutes: None,
        limit: 1 << 20,
        journal: None,
        earlier: None,
        fence: "rmfence".to_owned(),
    };
    let questions = [
        Question::DiskUsage { paths: paths() },
        Question::LogGrep(grep),
        Question::DiskFree { paths: paths() },
        Question::Command { command: "uptime".to_owned() },
    ];
    for question in questions {
        let probe = Probe { question, deadline: Duration::from_secs(120), limit: 1 << 20 };
        let _ = probe.follow_up(&answer);
        let _ = probe.parse(vec![answer.clone(), answer.clone()], &Identity::default());
    }
    let _ = facts::parse(&paths(), &answer, 120);
    let _ = access::parse(&paths(), &answer);
    for given in [discovery::Given::default(), discovery::Given { log_dirs: paths(), ..Default::default() }] {
        let (found, coverage) = discovery::settle(&answer, &given, 120);
        assert!(!found.is_empty() || !coverage.is_empty(), "silence");
    }
});
