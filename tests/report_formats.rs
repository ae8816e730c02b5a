//! Every format of the same four rounds, as the program writes it.

mod binary;
mod rounds;

use std::fmt::Write as _;

use binary::{Desk, run};
use roundsman::round::Round;
use sha2::{Digest, Sha256};

const FORMATS: [&str; 8] = ["table", "markdown", "html", "json", "ndjson", "prometheus", "nagios", "csv"];
/// Bytes of a snapshot; of more the beginning, the end, the length and a hash stand for the whole.
const WHOLE: usize = 120_000;

/// The report of a round, in a format.
fn told(round: &Round, format: &str) -> String {
    let desk = Desk::new();
    let file = desk.file("round.json", &serde_json::to_string(round).expect("a round is JSON"));
    run(["report", "--from", &file, "--format", format, "--width", "100"]).stdout
}

/// As it stands in a snapshot.
fn kept(text: &str) -> String {
    if text.len() <= WHOLE {
        return text.to_owned();
    }
    let cut = |line: &str| line.chars().take(200).collect::<String>();
    let lines: Vec<&str> = text.lines().collect();
    let mut kept = format!("{} lines, {} bytes, sha256 ", lines.len(), text.len());
    for byte in Sha256::digest(text) {
        // Writing to a String cannot fail.
        let _ = write!(kept, "{byte:02x}");
    }
    for line in &lines[..lines.len().min(60)] {
        let _ = write!(kept, "\n{}", cut(line));
    }
    let _ = write!(kept, "\n[…]");
    for line in &lines[lines.len().saturating_sub(20).max(60.min(lines.len()))..] {
        let _ = write!(kept, "\n{}", cut(line));
    }
    kept
}

fn snapshots(name: &str, round: &Round) {
    for format in FORMATS {
        insta::assert_snapshot!(format!("{name}_{format}"), kept(&told(round, format)));
    }
}

#[test]
fn the_incident() {
    snapshots("incident", &rounds::incident());
}

#[test]
fn all_healthy() {
    let round = rounds::healthy();
    assert!(told(&round, "table").starts_with("OK"));
    snapshots("healthy", &round);
}

#[test]
fn half_the_nodes_missing() {
    let round = rounds::half_missing();
    assert!(told(&round, "table").starts_with("UNKNOWN"));
    snapshots("half_missing", &round);
}

#[test]
fn ten_thousand_partitions() {
    let round = rounds::ten_thousand();
    let page = told(&round, "html");
    assert!(page.len() < 3_000_000, "{} bytes of HTML", page.len());
    snapshots("ten_thousand", &round);
}
