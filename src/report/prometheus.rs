//! Metrics for node_exporter's textfile collector: the text exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). All are gauges: a round is a
//! picture, not a counter. No sample has a timestamp, which the collector refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::digest::answers;
use super::digest::partitions::{high_watermarks_apart, outline, ratio};
use super::{Counts, Report, code_word, severity_word};
use crate::compare::{Cluster, Kind, Partition, Topic};
use crate::diagnose::finding::{Code, Severity};
use crate::kafka::event::Class;
use crate::round::{CoverageStatus, Outcome};
use crate::sanitize;

/// Partitions with samples of their own; of a larger fleet only the odd ones, and sums of the topics.
pub const PARTITIONS: usize = 2_000;

/// The metrics of a round.
pub fn prometheus(report: &Report) -> String {
    let mut page = Page::default();
    round(report, &mut page);
    findings(report, &mut page);
    replicas(report, &mut page);
    mounts(report, &mut page);
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

fn findings(report: &Report, page: &mut Page) {
    let counts = Counts::of(report.findings);
    page.gauge("roundsman_findings", "Findings by severity.");
    for (severity, number) in [
        (Severity::Critical, counts.critical),
        (Severity::Unknown, counts.unknown),
        (Severity::Warning, counts.warning),
        (Severity::Notice, counts.notice),
    ] {
        let word = severity_word(severity).to_ascii_lowercase();
        page.sample(&[("severity", &word)], number as f64);
    }
    page.gauge("roundsman_finding", "Findings by cluster, code, severity, topic and broker.");
    let mut rows: BTreeMap<[String; 5], usize> = BTreeMap::new();
    for finding in report.findings {
        let subject = &finding.subject;
        let broker = match (&subject.broker, &subject.pair) {
            (Some(broker), _) => broker.clone(),
            (None, Some([one, other])) => format!("{one}/{other}"),
            (None, None) => String::new(),
        };
        let row = [
            subject.cluster.clone().unwrap_or_default(),
            code_word(finding.code),
            severity_word(finding.severity).to_ascii_lowercase(),
            subject.topic.clone().unwrap_or_default(),
            broker,
        ];
        *rows.entry(row).or_default() += 1;
    }
    for ([cluster, code, severity, topic, broker], number) in &rows {
        page.sample(
            &[
                ("cluster", cluster),
                ("code", code),
                ("severity", severity),
                ("topic", topic),
                ("broker", broker),
            ],
            *number as f64,
        );
    }
    page.gauge("roundsman_offsets_lost", "Offsets that followers were told to throw away.");
    for finding in report.findings.iter().filter(|one| one.code == Code::ReplicaTruncated) {
        if let Some(lost) = finding.lost_total {
            let subject = &finding.subject;
            let cluster = subject.cluster.as_deref().unwrap_or_default();
            let topic = subject.topic.as_deref().unwrap_or_default();
            page.sample(&[("cluster", cluster), ("topic", topic)], lost as f64);
        }
    }
    page.gauge(
        "roundsman_cleaner_alive",
        "0 where a broker's log cleaner is dead, 1 where its log shows it at work; no sample where neither was seen.",
    );
    let works = |class: &Class| matches!(class, Class::CleanerWorked { .. } | Class::CleanerStarted { .. });
    let working: BTreeSet<&str> = report
        .comparison
        .events
        .iter()
        .filter(|event| works(&event.class))
        .map(|event| event.host.as_str())
        .collect();
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
}

/// One broker's numbers, then each partition's as far as [`PARTITIONS`] goes.
fn replicas(report: &Report, page: &mut Page) {
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
    let (shown, left_out) = partitions(report);
    page.gauge(
        "roundsman_partitions_without_samples",
        "Partitions that nothing is wrong with and that the limit of samples leaves out.",
    );
    page.sample(&[], left_out as f64);
    page.gauge(
        "roundsman_topic_size_ratio_max",
        "The largest ratio between two replicas of one partition of a topic.",
    );
    for cluster in &report.comparison.clusters {
        for topic in &cluster.topics {
            let most = topic.partitions.iter().filter_map(ratio).max_by(f64::total_cmp);
            if let Some(most) = most {
                page.sample(&[("cluster", &cluster.name), ("topic", &topic.name)], most);
            }
        }
    }
    type Value = fn(&crate::compare::Replica) -> Option<f64>;
    let per_replica: [(&str, &str, Value); 3] = [
        ("roundsman_replica_log_bytes", "Bytes of a replica's .log files, Kafka's own measure.", |replica| {
            replica.known_log_bytes().map(|bytes| bytes as f64)
        }),
        (
            "roundsman_replica_allocated_bytes",
            "Bytes that a replica takes on disk, as du has it.",
            |replica| replica.known_allocated_bytes().map(|bytes| bytes as f64),
        ),
        ("roundsman_replica_high_watermark", "A replica's high watermark, an offset.", |replica| {
            replica.high_watermark.map(|offset| offset as f64)
        }),
    ];
    for (name, help, value) in per_replica {
        page.gauge(name, help);
        for (cluster, topic, partition) in &shown {
            for replica in partition.replicas.iter().filter(|replica| replica.kind == Kind::Current) {
                if let (Some(value), Some(broker)) = (value(replica), cluster.host(replica.broker)) {
                    page.of_partition(cluster, topic, partition, Some(broker), value);
                }
            }
        }
    }
    page.gauge("roundsman_partition_size_ratio", "Larger over smaller of a partition's replicas.");
    for (cluster, topic, partition) in &shown {
        if let Some(ratio) = ratio(partition) {
            page.of_partition(cluster, topic, partition, None, ratio);
        }
    }
    page.gauge(
        "roundsman_partition_high_watermarks_apart",
        "Offsets between a partition's highest and lowest high watermark.",
    );
    for (cluster, topic, partition) in &shown {
        if let Some(apart) = high_watermarks_apart(partition) {
            page.of_partition(cluster, topic, partition, None, apart as f64);
        }
    }
}

type Place<'a> = (&'a Cluster, &'a Topic, &'a Partition);

/// The partitions that get samples, the odd ones first, and how many do not.
fn partitions<'a>(report: &Report<'a>) -> (Vec<Place<'a>>, usize) {
    let mut all = Vec::new();
    for cluster in &report.comparison.clusters {
        for topic in cluster.topics.iter().filter(|topic| !topic.ignored) {
            all.extend(topic.partitions.iter().map(|partition| (cluster, topic, partition)));
        }
    }
    let total = all.len();
    if total > PARTITIONS {
        all.clear();
        for cluster in &report.comparison.clusters {
            for outline in outline(report, cluster) {
                all.extend(outline.odd.iter().map(|odd| (cluster, outline.topic, odd.partition)));
            }
        }
        all.truncate(PARTITIONS);
    }
    let left_out = total - all.len().min(total);
    (all, left_out)
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

/// The text in the making. A metric without samples leaves nothing behind.
#[derive(Default)]
struct Page {
    text: String,
    name: &'static str,
    head: String,
}

impl Page {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.name = name;
        self.head = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(&std::mem::take(&mut self.head));
        self.text.push_str(self.name);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape(&mut self.text, value);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        // Writing to a String cannot fail.
        let _ = match value {
            value if value.is_infinite() => writeln!(self.text, " +Inf"),
            value => writeln!(self.text, " {value}"),
        };
    }

    fn of_partition(
        &mut self,
        cluster: &Cluster,
        topic: &Topic,
        partition: &Partition,
        broker: Option<&str>,
        value: f64,
    ) {
        let number = partition.partition.to_string();
        let labels = [
            ("cluster", cluster.name.as_str()),
            ("topic", &topic.name),
            ("partition", &number),
            ("broker", broker.unwrap_or_default()),
        ];
        self.sample(if broker.is_some() { &labels } else { &labels[..3] }, value);
    }

    fn text(self) -> String {
        self.text
    }
}

/// A label's value: remote text made visible, then what the format itself gives a meaning.
fn escape(text: &mut String, value: &str) {
    for c in sanitize::line(value).chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
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
            "roundsman_partitions_without_samples 0\n",
        ] {
            assert!(text.contains(line), "{line}");
        }
        assert_eq!(text.matches("\nroundsman_replica_log_bytes{").count(), 72);
        assert_eq!(text.matches("\nroundsman_partition_size_ratio{").count(), 36);
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
