//! The report as one HTML page that needs nothing but itself: no script, no network, no font.
//!
//! What the page shows is worked out here as plain text; `report.html` sets it, and escapes every word.
//! Its policy (CSP) allows the one style sheet by its hash and nothing else.

mod heat;
mod pairs;

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::digest::answers;
use super::digest::brokers::{brokers, outcome, pairs as select_pairs};
use super::digest::evidence::evidence;
use super::digest::items::{cuts, same_cuts, where_words, words};
use super::digest::names::Names;
use super::digest::partitions::{incomplete, limits, ordinary, outline};
use super::digest::since;
use super::digest::timeline::{notes, runs};
use super::digest::unseen::gaps;
use super::digest::{MEASURE, clock, counts, forbids, hosts_seen, partitions_seen};
use super::fold::fold;
use super::measure::{age, bytes, count, counted, minute, moment, ratio, span};
use super::{Report, severity_word};
use crate::compare::Cluster;
use crate::diagnose::finding::{Basis, Finding};
use crate::round::Outcome;
use crate::sanitize;

const STYLE: &str = include_str!("style.css");

/// The hash that the page's policy allows.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE)));

/// Evidence lines and cuts of a finding, lines of a command's output and of the timeline, at most.
const EVIDENCE: usize = 60;
const CUTS: usize = 500;
const OUTPUT: usize = 200;
const TIMELINE: usize = 300;

type Fact = (&'static str, String);

/// A piece of a sentence, and whether it is something to type or to look for: between backticks.
type Piece = (bool, String);

#[derive(Template)]
#[template(path = "report.html", config = "src/report/html/askama.toml")]
struct Page {
    style: &'static str,
    style_hash: &'static str,
    status: &'static str,
    counts: String,
    summary: String,
    since: Option<String>,
    changes: Vec<String>,
    first_steps: Vec<Anchor>,
    findings: Vec<FindingView>,
    measure: &'static str,
    clusters: Vec<ClusterView>,
    mounts: Vec<[String; 5]>,
    commands: Vec<CommandView>,
    earlier: Option<String>,
    notes: Vec<String>,
    timeline: Vec<[String; 3]>,
    gaps: Vec<(String, String)>,
    run: Vec<Fact>,
}

struct Anchor {
    number: usize,
    code: &'static str,
    /// What it is about, in a word or two.
    of: String,
}

struct FindingView {
    number: usize,
    severity: &'static str,
    code: &'static str,
    inferred: bool,
    marks: String,
    title: String,
    facts: Vec<Fact>,
    bug: Option<BugView>,
    meaning: Vec<Piece>,
    /// Whether it forbids, and the step.
    steps: Vec<(bool, Vec<Piece>)>,
    cuts: Vec<[String; 8]>,
    /// A line each.
    evidence: String,
    evidence_count: String,
    same_evidence: Option<usize>,
}

struct BugView {
    id: String,
    fixed_in: String,
    /// Only a plain address of Kafka's own tracker becomes a link.
    url: Option<String>,
}

struct ClusterView {
    name: String,
    brokers: Vec<BrokerView>,
    more_brokers: Option<String>,
    matrix: Option<pairs::MatrixView>,
    pairs: Vec<[String; 7]>,
    more_pairs: Option<String>,
    partitions: usize,
    incomplete: Option<String>,
    heat: Vec<heat::TopicView>,
    ordinary: Vec<String>,
    map: Vec<heat::MapView>,
    warning: String,
    critical: String,
}

struct BrokerView {
    host: String,
    facts: Vec<Fact>,
}

struct CommandView {
    hosts: String,
    command: String,
    ended: String,
    output: String,
}

/// The report as a page.
pub fn html(report: &Report) -> String {
    let (seen, asked) = hosts_seen(report);
    let (partitions, replicas) = partitions_seen(report);
    let runs = runs(report);
    let earlier = runs.len().saturating_sub(TIMELINE);
    let page = Page {
        style: STYLE,
        style_hash: &STYLE_HASH,
        status: report.verdict.status.word(),
        counts: counts(report.findings),
        summary: format!(
            "{seen} of {} reached, {}, {}, {} UTC.",
            counted(asked, "host", "hosts"),
            counted(partitions, "partition", "partitions"),
            counted(replicas, "replica", "replicas"),
            minute(report.round.finished)
        ),
        since: since::headline(report).map(|line| text(&format!("{line}."))),
        changes: since::lines(report).iter().map(|line| text(line)).collect(),
        first_steps: (1..)
            .zip(report.findings)
            .take(40)
            .map(|(number, finding)| Anchor { number, code: finding.code.word(), of: text(&of(finding)) })
            .collect(),
        findings: (0..report.findings.len()).map(|at| finding(report, at)).collect(),
        measure: MEASURE,
        clusters: report.comparison.clusters.iter().map(|one| cluster(report, one)).collect(),
        mounts: answers::mounts(report)
            .iter()
            .map(|(host, mount)| {
                let percent = answers::used_percent(mount).map_or("?".to_owned(), |used| used.to_string());
                [
                    text(host),
                    text(&mount.mount),
                    bytes(mount.size_bytes),
                    bytes(mount.available_bytes),
                    percent,
                ]
            })
            .collect(),
        commands: answers::commands(report).iter().map(command).collect(),
        earlier: (earlier > 0)
            .then(|| format!("{} earlier entries are in the JSON report.", count(earlier as u64))),
        notes: notes(report, &runs).iter().map(|note| text(note)).collect(),
        timeline: runs[earlier..]
            .iter()
            .filter_map(|run| {
                let first = run.first()?;
                let when = first.at.map_or_else(|| text(first.at_raw), moment);
                let when = format!("{}{when}", run.doubt());
                Some([when, text(first.host), text(&format!("{}{}", run.what, run.repeats()))])
            })
            .collect(),
        gaps: gaps(report)
            .iter()
            .map(|gap| (text(&gap.message), text(&fold(gap.hosts.iter().copied()))))
            .collect(),
        run: run(report),
    };
    let mut page = page.render().unwrap_or_else(|error| {
        // Only a writer that fails makes an error here, and a String does not.
        format!("the page could not be made: {error}")
    });
    while page.ends_with('\n') {
        page.pop();
    }
    page.push('\n');
    page
}

/// Remote text with all that is unprintable made visible; the template does the rest.
fn text(text: &str) -> String {
    sanitize::line(text).into_owned()
}

/// A sentence in pieces; a backtick without its twin stays one.
fn prose(sentence: &str) -> Vec<Piece> {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![(false, text(sentence))];
    }
    let pieces = pieces.into_iter().enumerate().map(|(at, piece)| (at % 2 == 1, text(piece)));
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

/// What tells a finding from others of its code.
fn of(finding: &Finding) -> String {
    let subject = &finding.subject;
    match (&subject.broker, &subject.pair, &subject.topic) {
        (Some(broker), ..) => broker.clone(),
        (None, Some([one, other]), _) => format!("{one} / {other}"),
        (None, None, topic) => topic.clone().unwrap_or_default(),
    }
}

fn run(report: &Report) -> Vec<Fact> {
    let round = report.round;
    let mut facts = vec![("round", text(&round.id)), ("began", format!("{} UTC", moment(round.started)))];
    facts.push(("ended", format!("{} UTC", moment(round.finished))));
    facts.extend(round.playbook.as_ref().map(|playbook| ("playbook", text(playbook))));
    facts.extend(round.limit.as_ref().map(|limit| ("limit", text(limit))));
    facts.extend(round.since.map(|since| ("log lines since", format!("{} UTC", moment(since)))));
    facts.extend(round.until.map(|until| ("log lines until", format!("{} UTC", moment(until)))));
    let plays: Vec<String> =
        round.plays.iter().map(|play| format!("{} ({})", text(&play.name), text(&play.hosts))).collect();
    facts.push(("plays", plays.join("; ")));
    facts.push(("roundsman", text(&round.version)));
    facts
}

fn finding(report: &Report, at: usize) -> FindingView {
    let finding = &report.findings[at];
    let earlier = &report.findings[..at];
    let mut facts: Vec<Fact> = Vec::new();
    let place = where_words(finding);
    if !place.is_empty() {
        facts.push(("where", text(&place)));
    }
    if let Some(first) = finding.first_seen {
        let last = finding.last_seen.unwrap_or(first);
        let ago = age(last, report.round.finished).map(|ago| format!(", {ago} before this round"));
        facts.push(("when", format!("{} UTC{}", span(first, last), ago.unwrap_or_default())));
    }
    let cut = cuts(finding);
    let same_cuts = earlier.iter().any(|earlier| same_cuts(earlier, finding));
    facts.extend(cut.as_ref().map(|cuts| ("cuts", text(&cuts.summary))));
    facts.extend(
        words(&finding.items, finding.subject.broker.as_deref())
            .iter()
            .map(|(label, words)| (*label, text(words))),
    );
    facts.push(match since::acknowledged(finding) {
        Some(ack) => ("known", text(&ack)),
        None => ("id", text(&finding.id)),
    });
    let same_evidence = earlier
        .iter()
        .position(|earlier| earlier.evidence == finding.evidence)
        .filter(|_| !finding.evidence.is_empty())
        .map(|at| at + 1);
    let steps = finding.next_steps.iter().filter(|step| !step.trim().is_empty());
    FindingView {
        number: at + 1,
        severity: severity_word(finding.severity),
        code: finding.code.word(),
        inferred: finding.basis == Basis::Inferred,
        marks: since::marks(finding).iter().map(|mark| format!(" ({mark})")).collect(),
        title: text(&finding.title),
        facts,
        bug: finding.bug.as_ref().map(|bug| BugView {
            id: text(&bug.id),
            fixed_in: text(&bug.fixed_in),
            url: tracker(&bug.url).then(|| bug.url.clone()),
        }),
        meaning: prose(finding.meaning.trim()),
        steps: steps.map(|step| (forbids(step), prose(step))).collect(),
        cuts: match cut {
            Some(cuts) if !same_cuts => cuts
                .rows
                .iter()
                .take(CUTS)
                .map(|row| {
                    [
                        row.cut.partition.to_string(),
                        text(&row.cut.follower),
                        text(&row.leader),
                        count(row.cut.from),
                        count(row.cut.to),
                        count(row.cut.lost),
                        row.percent.clone(),
                        text(&row.at),
                    ]
                })
                .collect(),
            _ => Vec::new(),
        },
        evidence: match same_evidence {
            Some(_) => String::new(),
            None => evidence(finding, EVIDENCE).iter().map(|line| text(line)).collect::<Vec<_>>().join("\n"),
        },
        evidence_count: counted(finding.evidence.len(), "line", "lines"),
        same_evidence,
    }
}

/// Whether an address is one of the tracker that bugs are named after.
fn tracker(url: &str) -> bool {
    url.strip_prefix("https://issues.apache.org/")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || "/-".contains(c)))
}

fn command(told: &answers::Told<'_>) -> CommandView {
    let lines: Vec<&str> = told.output.stdout.lines().chain(told.output.stderr.lines()).collect();
    let mut output: Vec<String> = lines.iter().take(OUTPUT).map(|line| text(line)).collect();
    if lines.len() > OUTPUT {
        output.push(format!("… and {} more lines", count((lines.len() - OUTPUT) as u64)));
    }
    CommandView {
        hosts: text(&fold(told.hosts.iter().copied())),
        command: text(&told.output.command),
        ended: answers::ended(told.output).map(|how| format!(", {how}")).unwrap_or_default(),
        output: output.join("\n"),
    }
}

fn cluster(report: &Report, cluster: &Cluster) -> ClusterView {
    let (shown, more_brokers) = brokers(report, cluster);
    let (pairs, more_pairs) = select_pairs(report, cluster);
    let outlines = outline(report, cluster);
    let names = Names::of(cluster);
    let limits = limits(report, cluster);
    let number = |value: Option<f64>| value.map_or("-".to_owned(), ratio);
    ClusterView {
        name: text(&cluster.name),
        brokers: shown
            .iter()
            .filter_map(|at| cluster.brokers.get(*at))
            .map(|broker| {
                let unknown = || "?".to_owned();
                let mut facts: Vec<Fact> = vec![
                    ("visit", outcome(report, broker).map_or("?", Outcome::word).to_owned()),
                    ("id", broker.id.map_or_else(unknown, |id| id.to_string())),
                    ("version", broker.version.as_ref().map_or_else(unknown, |version| text(version))),
                ];
                if broker.seen {
                    facts.push(("replicas", count(u64::from(broker.replicas))));
                    let known =
                        |known: bool, size: u64| if known { bytes(size) } else { "not seen".to_owned() };
                    facts.push((".log files", known(broker.lengths_known, broker.log_bytes)));
                    facts.push(("allocated", known(broker.blocks_known, broker.allocated_bytes)));
                } else {
                    facts.push(("replicas", "not seen".to_owned()));
                }
                facts.push(("clock", clock(report, broker)));
                BrokerView { host: text(&broker.host), facts }
            })
            .collect(),
        more_brokers: more_brokers.map(|rest| text(&rest)),
        matrix: pairs::matrix(cluster, &names, limits),
        pairs: pairs
            .iter()
            .map(|pair| {
                [
                    text(&format!("{} / {}", names.short(pair.a), names.short(pair.b))),
                    text(&pair.topic),
                    count(u64::from(pair.partitions)),
                    number(pair.ratio_min),
                    number(pair.ratio_median),
                    number(pair.ratio_max),
                    pair.larger.map_or("neither".to_owned(), |larger| text(names.short(larger))),
                ]
            })
            .collect(),
        // More than none are all there are.
        more_pairs: more_pairs
            .map(|rest| text(&if pairs.is_empty() { rest.replacen(" more pair", " pair", 1) } else { rest })),
        partitions: cluster.topics.iter().map(|topic| topic.partitions.len()).sum(),
        incomplete: incomplete(&outlines).map(|note| text(&note)),
        heat: heat::topics(cluster, &names, &outlines),
        ordinary: ordinary(&outlines).iter().map(|words| text(words)).collect(),
        map: heat::map(cluster, &names, limits),
        warning: ratio(limits.warning),
        critical: ratio(limits.critical),
    }
}

#[cfg(test)]
mod tests;
