//! Metrics for node_exporter's textfile collector: the text exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). All are gauges: a round is a
//! picture, not a counter. No sample has a timestamp, which the collector refuses.

mod page;
mod topics;

use std::collections::{BTreeMap, BTreeSet};

use super::digest::answers;
use super::{Counts, Report};
use crate::diagnose::finding::{Change, Code, Severity};
use crate::kafka::event::Class;
use crate::round::{CoverageStatus, Outcome};
use page::Page;

/// What of a round becomes metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Globs of topics that get series of their own, with their partitions and replicas; none: all. Findings
    /// are not filtered.
    pub topics: Vec<String>,
    /// Series about findings, topics, partitions and replicas, at most. What is about the round, a host or a
    /// broker stands beside them: about 40, and 8 a broker.
    pub series: usize,
    /// Labels of every series, so that the files of several rounds can lie in one directory.
    pub labels: Vec<(String, String)>,
}

/// The labels that series have of their own, and those that Prometheus gives them.
const LABELS: [&str; 16] = [
    "broker",
    "change",
    "cluster",
    "code",
    "coverage",
    "host",
    "instance",
    "job",
    "le",
    "mountpoint",
    "outcome",
    "partition",
    "severity",
    "topic",
    "version",
    "what",
];

impl Metrics {
    /// `NAME=VALUE` as a label of every series.
    ///
    /// # Errors
    /// No name of a label, or one that some series have already.
    pub fn label(given: &str) -> Result<(String, String), String> {
        let (name, value) = given.split_once('=').ok_or("a label is NAME=VALUE")?;
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        let well = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
        match name {
            name if !well || name.starts_with("__") => {
                Err(format!("`{name}` is no name of a label: letters, digits and _, no digit first, no __"))
            }
            name if LABELS.contains(&name) => Err(format!("series have a label `{name}` of their own")),
            name => Ok((name.to_owned(), value.to_owned())),
        }
    }

    /// Without another word: what a Prometheus takes without noticing it.
    pub const SERIES: usize = 10_000;
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics { topics: Vec::new(), series: Metrics::SERIES, labels: Vec::new() }
    }
}

/// The metrics of a round.
pub fn prometheus(report: &Report) -> String {
    let mut page = Page::with_labels(&report.metrics.labels);
    let limit = report.metrics.series;
    round(report, &mut page);
    let (used, findings_left) = findings(report, limit / 2, &mut page);
    brokers(report, &mut page);
    let (topics_left, partitions_left) = topics::topics(report, limit - used, &mut page);
    mounts(report, &mut page);
    page.gauge(
        "roundsman_series_limit",
        "Series about findings, topics, partitions and replicas, at most; see --metrics-series.",
    );
    page.sample(&[], limit as f64);
    page.gauge("roundsman_left_out", "Things that got no series for the limit, the most ordinary first.");
    for (what, number) in [("finding", findings_left), ("topic", topics_left), ("partition", partitions_left)]
    {
        page.sample(&[("what", what)], number as f64);
    }
    page.text()
}

fn round(report: &Report, page: &mut Page) {
    let round = report.round;
    page.gauge("roundsman_info", "The roundsman that made the round.");
    page.sample(&[("version", &round.version)], 1.0);
    page.gauge("roundsman_round_timestamp_seconds", "When the round ended, in seconds since 1970.");
    page.sample(&[], round.finished.as_millisecond() as f64 / 1000.0);
    page.gauge("roundsman_round_duration_seconds", "How long the round took.");
    page.sample(&[], round.finished.duration_since(round.started).as_secs_f64());
    page.gauge("roundsman_round_status", "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN: evidence is missing.");
    page.sample(&[], f64::from(report.verdict.status.code()));
    page.gauge("roundsman_hosts", "Hosts of the round by how the visit ended.");
    for outcome in Outcome::ALL {
        let hosts = round.visits.iter().filter(|visit| visit.outcome == outcome).count();
        page.sample(&[("outcome", outcome.word())], hosts as f64);
    }
    page.gauge("roundsman_host_reached", "1 where the host was logged in to and asked, 0 where it was not.");
    for visit in round.visits.iter().filter(|visit| visit.outcome != Outcome::Excluded) {
        let cluster = visit.cluster.as_deref().unwrap_or_default();
        let reached = if visit.outcome.reached() { 1.0 } else { 0.0 };
        page.sample(&[("cluster", cluster), ("host", &visit.host)], reached);
    }
    page.gauge(
        "roundsman_evidence",
        "Files, directories and commands that were asked about, by how much of them was seen.",
    );
    let rows = || round.visits.iter().flat_map(|visit| &visit.probes).flat_map(|probe| &probe.coverage);
    for (word, status) in [
        ("complete", CoverageStatus::Complete),
        ("partial", CoverageStatus::Partial),
        ("none", CoverageStatus::None),
    ] {
        page.sample(&[("coverage", word)], rows().filter(|row| row.status == status).count() as f64);
    }
    page.gauge(
        "roundsman_clock_offset_seconds",
        "How far a host's clock is ahead of the one that made the round.",
    );
    for visit in &round.visits {
        if let Some(clock) = visit.facts.as_ref().and_then(|facts| facts.clock.as_ref()) {
            page.sample(&[("host", &visit.host)], clock.offset_s);
        }
    }
}

/// Within `room` series; gives how many it took, and how many findings are left out.
fn findings(report: &Report, room: usize, page: &mut Page) -> (usize, usize) {
    let counts = Counts::of(report.findings);
    page.gauge(
        "roundsman_findings_acknowledged",
        "Findings that somebody knows of; no other series has them.",
    );
    page.sample(&[], counts.acknowledged as f64);
    if let Some(since) = report.since {
        page.gauge("roundsman_findings_changed", "Findings by how they stand to the last round.");
        for change in [Change::New, Change::Worse, Change::Better, Change::Gone, Change::Unseen] {
            page.sample(&[("change", change.word())], since.count(change) as f64);
        }
    }
    page.gauge("roundsman_findings", "Findings by severity.");
    for (severity, number) in [
        (Severity::Critical, counts.critical),
        (Severity::Unknown, counts.unknown),
        (Severity::Warning, counts.warning),
        (Severity::Notice, counts.notice),
    ] {
        page.sample(&[("severity", severity.word())], number as f64);
    }
    let (mut rows, mut lost): (BTreeMap<[String; 5], usize>, BTreeMap<[String; 2], u64>) = Default::default();
    let mut left_out = 0;
    // Worst first, as the report has them.
    for finding in report.findings.iter().filter(|one| one.acknowledged.is_none()) {
        let subject = &finding.subject;
        let broker = match (&subject.broker, &subject.pair) {
            (Some(broker), _) => broker.clone(),
            (None, Some([one, other])) => format!("{one}/{other}"),
            (None, None) => String::new(),
        };
        let [cluster, topic] =
            [&subject.cluster, &subject.topic].map(|name| name.clone().unwrap_or_default());
        let severity = finding.severity.word().to_owned();
        let row = [cluster.clone(), finding.code.word().to_owned(), severity, topic.clone(), broker];
        let offsets = finding.lost_total.filter(|_| finding.code == Code::ReplicaTruncated);
        let new = |known: bool| usize::from(!known);
        let cost = new(rows.contains_key(&row))
            + offsets.map_or(0, |_| new(lost.contains_key(&[cluster.clone(), topic.clone()])));
        if rows.len() + lost.len() + cost > room {
            left_out += 1;
            continue;
        }
        *rows.entry(row).or_default() += 1;
        if let Some(offsets) = offsets {
            let sum = lost.entry([cluster, topic]).or_default();
            *sum = sum.saturating_add(offsets);
        }
    }
    page.gauge("roundsman_finding", "Findings by cluster, code, severity, topic and broker.");
    let names = ["cluster", "code", "severity", "topic", "broker"];
    for (row, number) in &rows {
        let labels: Vec<(&str, &str)> = names.into_iter().zip(row.iter().map(String::as_str)).collect();
        page.sample(&labels, *number as f64);
    }
    page.gauge("roundsman_offsets_lost", "Offsets that followers were told to throw away.");
    for ([cluster, topic], offsets) in &lost {
        page.sample(&[("cluster", cluster), ("topic", topic)], *offsets as f64);
    }
    (rows.len() + lost.len(), left_out)
}

/// What is known of each broker.
fn brokers(report: &Report, page: &mut Page) {
    page.gauge(
        "roundsman_cleaner_alive",
        "0 where a broker's log cleaner is dead, 1 where its log shows it at work; no sample where neither was seen.",
    );
    let works = |class: &Class| matches!(class, Class::CleanerWorked { .. } | Class::CleanerStarted { .. });
    let working: BTreeSet<&str> =
        report.comparison.events.iter().filter(|event| works(&event.class)).map(|event| event.host).collect();
    let dead: BTreeSet<&str> = report
        .findings
        .iter()
        .filter(|finding| finding.code == Code::CleanerDead)
        .filter_map(|finding| finding.subject.broker.as_deref())
        .collect();
    for cluster in &report.comparison.clusters {
        for broker in &cluster.brokers {
            let dead = dead.contains(broker.host.as_str());
            if dead || working.contains(broker.host.as_str()) {
                let alive = if dead { 0.0 } else { 1.0 };
                page.sample(&[("cluster", &cluster.name), ("broker", &broker.host)], alive);
            }
        }
    }
    page.gauge("roundsman_broker_log_bytes", "Bytes of .log files that a broker holds.");
    for cluster in &report.comparison.clusters {
        for broker in cluster.brokers.iter().filter(|broker| broker.seen && broker.lengths_known) {
            page.sample(&[("cluster", &cluster.name), ("broker", &broker.host)], broker.log_bytes as f64);
        }
    }
    page.gauge("roundsman_broker_replicas", "Replicas that a broker holds.");
    for cluster in &report.comparison.clusters {
        for broker in cluster.brokers.iter().filter(|broker| broker.seen) {
            page.sample(&[("cluster", &cluster.name), ("broker", &broker.host)], f64::from(broker.replicas));
        }
    }
}

fn mounts(report: &Report, page: &mut Page) {
    let mounts = answers::mounts(report);
    page.gauge("roundsman_disk_size_bytes", "Size of a file system that holds a log dir.");
    for (host, mount) in &mounts {
        page.sample(&[("host", host), ("mountpoint", &mount.mount)], mount.size_bytes as f64);
    }
    page.gauge("roundsman_disk_available_bytes", "Bytes that users may still write to it.");
    for (host, mount) in &mounts {
        page.sample(&[("host", host), ("mountpoint", &mount.mount)], mount.available_bytes as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{hostile, incident, unseen};

    #[test]
    fn the_incident_has_its_numbers() {
        let text = prometheus(&incident().report());
        for line in [
            "roundsman_round_status 2\n",
            "roundsman_offsets_lost{cluster=\"blaze\",topic=\"completeProduct\"} 6572461\n",
            "roundsman_cleaner_alive{cluster=\"blaze\",broker=\"10.200.8.177\"} 0\n",
            "roundsman_hosts{outcome=\"ok\"} 3\n",
            "roundsman_left_out{what=\"partition\"} 0\n",
            "roundsman_host_reached{cluster=\"blaze\",host=\"10.200.8.177\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
        assert_eq!(text.matches("\nroundsman_replica_log_bytes{").count(), 72);
        assert_eq!(text.matches("\nroundsman_partition_size_ratio{").count(), 36);
    }

    fn series_of(text: &str, name: &str) -> usize {
        text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'))).count()
    }

    #[test]
    fn a_compacted_replica_has_its_dirty_ratio() {
        let mut case = incident();
        let replica = &mut case.comparison.clusters[0].topics[0].partitions[0].replicas[0];
        (replica.log_bytes, replica.active_bytes, replica.clean_bytes) = (1000, 200, 200);
        replica.first_dirty = Some(7);
        let text = prometheus(&case.report());
        let expected = "roundsman_replica_dirty_ratio{cluster=\"blaze\",topic=\"completeProduct\",\
                        partition=\"0\",broker=\"10.200.8.177\"} 0.75\n";
        assert!(text.contains(expected), "{text}");
        case.comparison.clusters[0].topics[0].compacted = false;
        assert_eq!(series_of(&prometheus(&case.report()), "roundsman_replica_dirty_ratio"), 0);
    }

    #[test]
    fn the_limit_of_series_holds_and_the_odd_partitions_come_first() {
        let case = incident();
        let full = prometheus(&case.report());
        let of_round = |text: &str| {
            let fixed = ["finding", "offsets_lost", "topic_", "partition_", "replica_"];
            let grows = |line: &&str| fixed.iter().any(|word| line.starts_with(&format!("roundsman_{word}")));
            let findings = |line: &&str| !line.starts_with("roundsman_findings");
            text.lines().filter(grows).filter(findings).count()
        };
        for limit in [0, 1, 5, 17, 100, 150, 10_000] {
            let mut report = case.report();
            report.metrics.series = limit;
            let text = prometheus(&report);
            assert!(of_round(&text) <= limit, "{limit}: {text}");
            assert_eq!(
                limit >= 10_000,
                text == full.replace("series_limit 10000", &format!("series_limit {limit}"))
            );
            let shown = series_of(&text, "roundsman_partition_size_ratio");
            assert!(text.contains(&format!("roundsman_left_out{{what=\"partition\"}} {}\n", 36 - shown)));
            // 24 partitions are odd: no ordinary one is there before them.
            if shown < 24 {
                assert!(!text.contains("partition=\"0\""), "{text}");
            }
        }
        let mut report = case.report();
        report.metrics.series = 150;
        let text = prometheus(&report);
        assert!(text.contains("code=\"data-lost\"") && text.contains("partition=\"1\""), "{text}");
    }

    #[test]
    fn the_filter_takes_topics_and_leaves_findings() {
        let case = incident();
        let mut report = case.report();
        report.metrics.topics = vec!["order*".into(), "__*".into()];
        let text = prometheus(&report);
        assert!(!text.contains("roundsman_topic_") && !text.contains("roundsman_replica_"));
        assert!(
            text.contains("roundsman_offsets_lost") && text.contains("roundsman_left_out{what=\"topic\"} 0")
        );
        report.metrics.topics.push("complete*".into());
        assert_eq!(prometheus(&report), prometheus(&case.report()));
    }

    #[test]
    fn every_sample_follows_its_own_head_and_none_is_doubled() {
        for case in [incident(), hostile(), unseen()] {
            let text = prometheus(&case.report());
            let mut name = "";
            let mut seen = std::collections::HashSet::new();
            for line in text.lines() {
                if let Some(head) = line.strip_prefix("# TYPE ") {
                    name = head.strip_suffix(" gauge").expect("a gauge");
                } else if !line.starts_with('#') {
                    let sample = line.rsplit_once(' ').expect("a value").0;
                    assert_eq!(sample.split('{').next(), Some(name), "{line}");
                    assert!(seen.insert(sample.to_owned()), "twice: {line}");
                }
            }
            assert!(!text.contains('\x1b'));
        }
    }
}
