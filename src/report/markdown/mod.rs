//! The report for a ticket: GitHub's Markdown, in the order of the terminal's report.

mod inert;

use inert::{cell, code, fence, link, prose, prose_cell};

use super::digest::answers;
use super::digest::brokers::{brokers, outcome, pairs};
use super::digest::evidence;
use super::digest::items::{cuts, same_cuts, where_words, words};
use super::digest::names::Names;
use super::digest::partitions::{Odd, incomplete, ordinary, outline, sized};
use super::digest::since;
use super::digest::timeline::{notes, runs};
use super::digest::unseen::gaps;
use super::digest::{clock, counts, hosts_seen, measure_words, partitions_seen};
use super::fold::fold;
use super::measure::{age, bytes, count, counted, minute, moment, ratio, span};
use super::{Report, severity_word};
use crate::compare::Cluster;
use crate::diagnose::finding::{Basis, Finding};
use crate::round::Outcome;

/// Evidence lines of a finding, rows of odd partitions and lines of the timeline, at most.
const EVIDENCE: usize = 12;
const ODD: usize = 40;
const TIMELINE: usize = 40;

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut out = Vec::new();
    verdict(&mut out, report);
    for at in 0..report.findings.len() {
        finding(&mut out, report, at);
    }
    changes(&mut out, report);
    for cluster in &report.comparison.clusters {
        sizes(&mut out, report, cluster);
        partitions(&mut out, report, cluster);
    }
    disks(&mut out, report);
    commands(&mut out, report);
    timeline(&mut out, report);
    unseen(&mut out, report);
    let round = report.round;
    let playbook =
        round.playbook.as_ref().map(|playbook| format!(", {}", code(playbook))).unwrap_or_default();
    let limit = round.limit.as_ref().map(|limit| format!(", limit {}", code(limit))).unwrap_or_default();
    let run = format!("Round {}{playbook}{limit}, {} UTC", code(&round.id), moment(round.started));
    out.push(format!("{run}, roundsman {}.", code(&round.version)));
    let mut text = out.join("\n\n");
    text.push('\n');
    text
}

fn disks(out: &mut Vec<String>, report: &Report) {
    let mounts = answers::mounts(report);
    if mounts.is_empty() {
        return;
    }
    out.push("## Disk space".to_owned());
    let rows = mounts.iter().map(|(host, mount)| {
        let percent = answers::used_percent(mount).map_or("?".to_owned(), |percent| percent.to_string());
        vec![cell(host), cell(&mount.mount), bytes(mount.size_bytes), bytes(mount.available_bytes), percent]
    });
    out.push(table(&["host", "mount", "size>", "free>", "used %>"].map(str::to_owned), rows));
}

fn commands(out: &mut Vec<String>, report: &Report) {
    let told = answers::commands(report);
    if !told.is_empty() {
        out.push("## Commands".to_owned());
    }
    for told in told {
        let how = answers::ended(told.output).map(|how| format!(", {how}")).unwrap_or_default();
        out.push(format!("{}: {}{how}", code(&fold(told.hosts.iter().copied())), code(&told.output.command)));
        let lines: Vec<&str> = told.output.stdout.lines().chain(told.output.stderr.lines()).collect();
        let mut shown: Vec<String> = lines.iter().take(ODD).map(|line| (*line).to_owned()).collect();
        if lines.len() > ODD {
            shown.push(format!("… and {} more lines", lines.len() - ODD));
        }
        if !shown.is_empty() {
            out.push(fence(&shown));
        }
    }
}

fn verdict(out: &mut Vec<String>, report: &Report) {
    let (seen, asked) = hosts_seen(report);
    let (partitions, replicas) = partitions_seen(report);
    out.push(format!("# {}: {}", report.verdict.status.word(), counts(report.findings)));
    out.push(format!(
        "{seen} of {} reached, {}, {}, {} UTC.",
        counted(asked, "host", "hosts"),
        counted(partitions, "partition", "partitions"),
        counted(replicas, "replica", "replicas"),
        minute(report.round.finished)
    ));
    if let Some(headline) = since::headline(report) {
        out.push(format!("{}.", prose(&headline)));
    }
    if report.findings.len() > 1 {
        let rows = report.findings.iter().enumerate().map(|(at, finding)| {
            let step = finding.next_steps.first().map(|step| prose_cell(step)).unwrap_or_default();
            let severity = severity_word(finding.severity);
            vec![(at + 1).to_string(), severity.to_owned(), prose_cell(&finding.title), step]
        });
        out.push(table(&["#>", "severity", "finding", "first step"].map(str::to_owned), rows));
    }
}

fn finding(out: &mut Vec<String>, report: &Report, at: usize) {
    let finding = &report.findings[at];
    let inferred = if finding.basis == Basis::Inferred { " (inferred)" } else { "" };
    let (severity, code) = (severity_word(finding.severity), finding.code.word());
    let marks = since::marks(finding);
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    out.push(format!("## {}. {severity} {code}{inferred}{marks}", at + 1));
    out.push(format!("**{}**", prose(&finding.title)));
    let mut facts = Vec::new();
    let place = where_words(finding);
    if !place.is_empty() {
        facts.push(format!("- where: {}", prose(&place)));
    }
    if let Some(first) = finding.first_seen {
        let last = finding.last_seen.unwrap_or(first);
        let ago = age(last, report.round.finished).map(|ago| format!(", {ago} before this round"));
        facts.push(format!("- when: {} UTC{}", span(first, last), ago.unwrap_or_default()));
    }
    let cuts = cuts(finding);
    let earlier = report.findings[..at].iter().position(|earlier| same_cuts(earlier, finding));
    if let Some(cuts) = &cuts {
        let earlier = earlier.map(|earlier| format!(", as for finding {}", earlier + 1)).unwrap_or_default();
        facts.push(format!("- cuts: {}{earlier}", prose(&cuts.summary)));
    }
    for (label, text) in words(&finding.items, finding.subject.broker.as_deref()) {
        let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
        facts.push(format!("- {label}{}", prose(&text)));
    }
    if let Some(bug) = &finding.bug {
        facts.push(format!(
            "- bug: {}, fixed in {}: {}",
            prose(&bug.id),
            prose(&bug.fixed_in),
            link(&bug.url)
        ));
    }
    match since::acknowledged(finding) {
        Some(ack) => facts.push(format!("- known: {}", prose(&ack))),
        None => facts.push(format!("- id: {}", self::code(&finding.id))),
    }
    if !facts.is_empty() {
        out.push(facts.join("\n"));
    }
    if let (Some(cuts), None) = (&cuts, earlier) {
        let heads = ["partition>", "follower", "leader", "from>", "to>", "lost>", "%>", cuts.at_head];
        let rows = cuts.rows.iter().map(|row| {
            let cut = row.cut;
            vec![
                cut.partition.to_string(),
                cell(&cut.follower),
                cell(&row.leader),
                count(cut.from),
                count(cut.to),
                count(cut.lost),
                row.percent.clone(),
                cell(&row.at),
            ]
        });
        out.push(table(&heads.map(str::to_owned), rows));
    }
    let same = report.findings[..at].iter().position(|earlier| earlier.evidence == finding.evidence);
    match same.filter(|_| !finding.evidence.is_empty()) {
        Some(earlier) => out.push(format!("Evidence as for finding {}.", earlier + 1)),
        None => evidence(out, finding),
    }
    if !finding.meaning.trim().is_empty() {
        out.push(prose(&finding.meaning));
    }
    let steps = finding.next_steps.iter().filter(|step| !step.trim().is_empty());
    let steps: Vec<String> = (1..).zip(steps).map(|(at, step)| format!("{at}. {}", prose(step))).collect();
    if !steps.is_empty() {
        out.push(format!("Next steps:\n\n{}", steps.join("\n")));
    }
}

fn changes(out: &mut Vec<String>, report: &Report) {
    let lines = since::lines(report);
    if !lines.is_empty() {
        out.push("## Since then".to_owned());
        let lines: Vec<String> = lines.iter().map(|line| format!("- {}", prose(line))).collect();
        out.push(lines.join("\n"));
    }
}

fn evidence(out: &mut Vec<String>, finding: &Finding) {
    if finding.evidence.is_empty() {
        return;
    }
    out.push(fence(&evidence::evidence(finding, EVIDENCE)).trim_end().to_owned());
}

fn sizes(out: &mut Vec<String>, report: &Report, cluster: &Cluster) {
    if cluster.brokers.is_empty() {
        return;
    }
    out.push(format!("## Brokers of {}", code(&cluster.name)));
    out.push(prose(&measure_words(cluster)));
    let heads = ["broker", "id>", "version", "replicas>", ".log>", "allocated>", "outcome", "clock>"];
    let (shown, rest) = brokers(report, cluster);
    let rows = shown.iter().filter_map(|at| cluster.brokers.get(*at)).map(|broker| {
        let seen = |text: String| if broker.seen { text } else { "not seen".to_owned() };
        let known = |known: bool, size: u64| seen(if known { bytes(size) } else { "not seen".to_owned() });
        vec![
            cell(&broker.host),
            broker.id.map_or("?".to_owned(), |id| id.to_string()),
            broker.version.as_ref().map_or("?".to_owned(), |version| cell(version)),
            seen(count(u64::from(broker.replicas))),
            known(broker.lengths_known, broker.log_bytes),
            known(broker.blocks_known, broker.allocated_bytes),
            outcome(report, broker).map_or("?", Outcome::word).to_owned(),
            clock(report, broker),
        ]
    });
    out.push(table(&heads.map(str::to_owned), rows));
    out.extend(rest);
    let (shown, rest) = pairs(report, cluster);
    if shown.is_empty() {
        return;
    }
    let names = Names::of(cluster);
    let number = |value: Option<f64>| value.map_or("-".to_owned(), ratio);
    let heads = ["pair", "topic", "partitions>", "min>", "median>", "max>", "larger side"];
    let rows = shown.iter().map(|pair| {
        vec![
            format!("{} / {}", cell(names.short(pair.a)), cell(names.short(pair.b))),
            cell(&pair.topic),
            count(u64::from(pair.partitions)),
            number(pair.ratio_min),
            number(pair.ratio_median),
            number(pair.ratio_max),
            pair.larger.map_or("neither".to_owned(), |larger| cell(names.short(larger))),
        ]
    });
    out.push(table(&heads.map(str::to_owned), rows));
    out.extend(rest);
}

fn partitions(out: &mut Vec<String>, report: &Report, cluster: &Cluster) {
    let outlines = outline(report, cluster);
    if outlines.is_empty() {
        return;
    }
    out.push(format!("## Partitions of {}", code(&cluster.name)));
    out.extend(incomplete(&outlines).map(|note| prose(&note)));
    let names = Names::of(cluster);
    let mut room = ODD;
    let mut left = 0;
    for outline in outlines.iter().filter(|outline| !outline.odd.is_empty()) {
        let shown = &outline.odd[..outline.odd.len().min(room)];
        room -= shown.len();
        left += outline.odd.len() - shown.len();
        if shown.is_empty() {
            continue;
        }
        let (odd, all) = (outline.odd.len() as u64, outline.topic.partitions.len() as u64);
        out.push(format!("{}: {} odd of {}", code(&outline.topic.name), count(odd), count(all)));
        let heads = ["partition>", "replicas, larger first", "ratio>", "findings"].map(str::to_owned);
        let rows = shown.iter().map(|one| {
            let named: Vec<String> = one.named_by.iter().map(usize::to_string).collect();
            let size = one.ratio.map_or("-".to_owned(), ratio);
            vec![one.partition.partition.to_string(), holders(&names, one), size, named.join(", ")]
        });
        out.push(table(&heads, rows));
    }
    if left > 0 {
        out.push(format!("{} more odd partitions are in the JSON report.", count(left as u64)));
    }
    let ordinary: Vec<String> =
        ordinary(&outlines).iter().map(|words| format!("- {}", prose(words))).collect();
    if !ordinary.is_empty() {
        out.push(ordinary.join("\n"));
    }
}

fn holders(names: &Names, odd: &Odd) -> String {
    let mut replicas: Vec<_> = odd.partition.replicas.iter().collect();
    let measure = odd.partition.measure();
    replicas.sort_by_key(|replica| std::cmp::Reverse(replica.bytes(measure)));
    let words = replicas.iter().map(|replica| {
        let kind = replica.kind.mark();
        format!("{} {}{kind}", cell(names.short(replica.broker)), sized(replica, measure))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn timeline(out: &mut Vec<String>, report: &Report) {
    let runs = runs(report);
    let notes = notes(report, &runs);
    if runs.is_empty() && notes.is_empty() {
        return;
    }
    out.push("## Timeline (UTC)".to_owned());
    out.extend(notes.iter().map(|note| prose(note)));
    if runs.is_empty() {
        return;
    }
    let earlier = runs.len().saturating_sub(TIMELINE);
    let rows = runs[earlier..].iter().filter_map(|run| {
        let first = run.first()?;
        let when = first.at.map_or_else(|| cell(first.at_raw), moment);
        // A tilde alone in its cell strikes nothing out.
        let when = format!("{}{when}", run.doubt());
        let what = format!("{}{}", run.what, run.repeats());
        Some(vec![when, cell(first.host), prose_cell(&what)])
    });
    out.push(table(&["first", "broker", "what"].map(str::to_owned), rows));
    if earlier > 0 {
        out.push(format!("{} earlier entries are in the JSON report.", count(earlier as u64)));
    }
}

fn unseen(out: &mut Vec<String>, report: &Report) {
    let gaps = gaps(report);
    if gaps.is_empty() {
        return;
    }
    out.push("## Not seen".to_owned());
    let lines: Vec<String> = gaps
        .iter()
        .map(|gap| {
            let hosts: Vec<String> = gap.hosts.iter().map(|host| code(host)).collect();
            let hosts = if hosts.is_empty() { String::new() } else { format!(" ({})", hosts.join(", ")) };
            format!("- {}{hosts}", prose(&gap.message))
        })
        .collect();
    out.push(lines.join("\n"));
}

/// A table; a head that ends in `>` is of a column of numbers, set right.
fn table(heads: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let names: Vec<String> = heads.iter().map(|head| head.trim_end_matches('>').to_owned()).collect();
    let rule: Vec<String> =
        heads.iter().map(|head| if head.ends_with('>') { "---:" } else { "---" }.to_owned()).collect();
    let mut lines = vec![row(&names), row(&rule)];
    lines.extend(rows.map(|cells| row(&cells)));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
