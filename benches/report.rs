//! A round of ten thousand partitions, three replicas each, in every format.

#[path = "../tests/rounds/mod.rs"]
mod rounds;

use roundsman::compare::{Comparison, compare};
use roundsman::diagnose::finding::Finding;
use roundsman::diagnose::{Verdict, diagnose, verdict};
use roundsman::report::{Filter, Format, Metrics, Report, Style, render};
use roundsman::round::Round;

fn main() {
    divan::main();
}

struct Case<'a> {
    round: &'a Round,
    comparison: Comparison<'a>,
    findings: Vec<Finding>,
    verdict: Verdict,
}

#[divan::bench(args = ["table", "markdown", "html", "json", "ndjson", "prometheus", "nagios", "csv"], sample_count = 20)]
fn ten_thousand_partitions(bencher: divan::Bencher, format: &str) {
    let round = rounds::ten_thousand();
    let comparison = compare(&round);
    let findings = diagnose(&round, &comparison);
    let verdict = verdict(&round, &findings);
    let case = Case { round: &round, comparison, findings, verdict };
    let format: Format = format.parse().expect("a format");
    let style = Style { width: 120, colour: true, unicode: true };
    bencher.bench_local(|| {
        let report = Report {
            round: case.round,
            comparison: &case.comparison,
            findings: &case.findings,
            verdict: case.verdict,
            since: None,
            timeline: Filter::default(),
            metrics: Metrics::default(),
        };
        render(divan::black_box(&report), format, &style)
    });
}
