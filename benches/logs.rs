//! A hundred nodes' log text, 1 MiB each, from grep's output to the events in one order.

use jiff::Timestamp;
use roundsman::kafka::events;
use roundsman::probe::log_grep::{KAFKA, Question, parse};
use roundsman::round::{Ended, Identity, Outcome, ProbeAnswer, Round, Visit};
use roundsman::shell::answer::Answer;

const NODES: usize = 100;
const BYTES: usize = 1 << 20;
/// What the reading's own lines begin with.
const FENCE: &str = "rmbench";

fn main() {
    divan::main();
}

/// One node's answer: the messages that logs are full of, in the mix of a restart after a truncation.
fn answer(node: usize) -> Answer {
    let path = "/l/server.log";
    let mut text = format!("1:{FENCE} F {path}\n2:{FENCE} S 0 - - {path}\n");
    // The fence's own lines are numbered with the others.
    let mut line = 2;
    while text.len() < BYTES {
        line += 1;
        let time = format!(
            "[2026-11-23 {:02}:{:02}:{:02},{:03}]",
            line / 3_600_000 % 24,
            line / 60_000 % 60,
            line / 1000 % 60,
            line % 1000
        );
        let what = match line % 5 {
            0 => format!(
                "INFO [UnifiedLog partition=orders-{node}, dir=/data] Truncating to offset {line} (kafka.log.UnifiedLog)"
            ),
            1 => format!(
                "WARN [UnifiedLog partition=a.b-{line}, dir=/data] Non-monotonic update of high watermark from (offset=4000, segment=[0:1]) to (offset=3400, segment=[0:1]) (kafka.log.UnifiedLog)"
            ),
            2 => format!(
                "INFO [Partition t-{line} broker=1] ISR updated to 1,3  and version updated to 2 (kafka.cluster.Partition)"
            ),
            3 => format!("ERROR [KafkaApi-1] something that nobody knows {line} (kafka.server.KafkaApis)"),
            _ => format!(
                "INFO [ReplicaFetcher replicaId=2, leaderId=3, fetcherId=0] Truncating partition orders-{line} with TruncationState(offset=3375, completed=true) due to leader epoch and offset EpochEndOffset(errorCode=0) (kafka.server.ReplicaFetcherThread)"
            ),
        };
        text.push_str(&format!("{line}:{time} {what}\n"));
    }
    text.push_str(&format!("{}:{FENCE} E\n{}:{FENCE} .\n", line + 1, line + 2));
    Answer { stdout: text.into_bytes(), ended: Some(Ended::Exit(0)), ..Answer::default() }
}

#[divan::bench(sample_count = 5)]
fn parsed_and_joined(bencher: divan::Bencher) {
    let question = Question {
        files: vec!["/l/server.log".into()],
        if_present: Vec::new(),
        pattern: KAFKA.into(),
        newer_than_minutes: None,
        limit: 2 * BYTES,
        journal: None,
        earlier: None,
        fence: FENCE.into(),
    };
    let answers: Vec<Vec<Answer>> = (0..NODES).map(|node| vec![answer(node)]).collect();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let visit = |(node, answers): (usize, &Vec<Answer>)| {
        let (evidence, coverage) = parse(&question, divan::black_box(answers), &Identity::default(), 60);
        let mut visit = Visit::blank(format!("node-{node}"), Outcome::Ok);
        visit.probes.push(ProbeAnswer {
            play: 0,
            probe: "log_grep".into(),
            evidence,
            coverage,
            seconds: 0.0,
        });
        visit
    };
    let visit = &visit;
    bencher.bench_local(|| {
        // As in a round: a host's answers are parsed on whatever core its visit runs on.
        let visits: Vec<Visit> = std::thread::scope(|scope| {
            let nodes: Vec<(usize, &Vec<Answer>)> = answers.iter().enumerate().collect();
            let shares = nodes.chunks(NODES.div_ceil(cores));
            let shares: Vec<_> = shares
                .map(|share| {
                    let share = share.to_vec();
                    scope.spawn(move || share.into_iter().map(visit).collect::<Vec<Visit>>())
                })
                .collect();
            shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
        });
        let round = round(visits);
        let events = events::of_round(&round);
        // A reading that the parser does not know would be very fast.
        assert!(events.len() > NODES * 5_000, "{} events", events.len());
        // What a round frees at its end is not part of reading it.
        drop(events);
        round
    });
}

fn round(visits: Vec<Visit>) -> Round {
    Round { version: String::new(), visits, ..Round::blank(String::new(), Timestamp::UNIX_EPOCH) }
}
