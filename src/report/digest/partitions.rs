//! Which partitions are odd, and what the others have in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::{Cluster, Kind, Measure, Partition, Replica, Topic};
use crate::diagnose::finding::{Item, Severity};
use crate::report::Report;
use crate::report::measure::{bytes, count, counted, ratios};
use crate::round::SizeRatio;

/// One topic: its odd partitions in full, the rest as numbers.
pub struct Outline<'a> {
    pub topic: &'a Topic,
    /// Worst first.
    pub odd: Vec<Odd<'a>>,
    pub alike: Alike,
}

/// A partition that a finding names or whose replicas are too far apart.
pub struct Odd<'a> {
    pub partition: &'a Partition,
    /// Larger over smaller; infinite when one is empty.
    pub ratio: Option<f64>,
    /// Findings that name it, as numbers from 1 in the report's order.
    pub named_by: Vec<usize>,
    pub severity: Option<Severity>,
}

/// Partitions that nothing is wrong with.
#[derive(Debug, Default)]
pub struct Alike {
    /// Those whose sizes were compared.
    pub compared: usize,
    /// Smallest and largest ratio among them.
    pub ratios: Option<(f64, f64)>,
    /// Those too small to be judged by a ratio.
    pub small: usize,
    /// Those of which fewer than two replicas were seen.
    pub single: usize,
}

impl Alike {
    /// All of them.
    pub fn total(&self) -> usize {
        self.compared + self.small + self.single
    }

    fn add(&mut self, ratio: Option<f64>, small: bool) {
        match ratio {
            None => self.single += 1,
            Some(_) if small => self.small += 1,
            Some(ratio) => {
                self.compared += 1;
                let (min, max) = self.ratios.unwrap_or((ratio, ratio));
                self.ratios = Some((min.min(ratio), max.max(ratio)));
            }
        }
    }
}

/// Larger over smaller of the current replicas' sizes; `None` where there are not two to compare.
pub fn ratio(partition: &Partition) -> Option<f64> {
    let (least, most) = extremes(partition)?;
    Some(match (least, most) {
        (_, 0) => 1.0,
        (0, _) => f64::INFINITY,
        (least, most) => most as f64 / least as f64,
    })
}

/// The smallest and the largest current replica's size, where there are two: `.log` bytes, allocated bytes where
/// only these are known.
pub fn extremes(partition: &Partition) -> Option<(u64, u64)> {
    let measure = partition.measure();
    let current = || partition.replicas.iter().filter(|one| one.kind == Kind::Current);
    let sizes = || current().map(|one| one.bytes(measure));
    (sizes().count() > 1).then(|| (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)))
}

/// A replica's size; `~` before one that was printed rounded.
pub fn sized(replica: &Replica, measure: Measure) -> String {
    let rounded = replica.rounded_by > 0 && measure == Measure::Allocated;
    format!("{}{}", if rounded { "~" } else { "" }, bytes(replica.bytes(measure)))
}

/// Offsets between the highest and the lowest high watermark, where two are known.
pub fn high_watermarks_apart(partition: &Partition) -> Option<u64> {
    let marks = || partition.replicas.iter().filter_map(|replica| replica.high_watermark);
    (marks().count() > 1).then(|| marks().max().unwrap_or(0) - marks().min().unwrap_or(0))
}

/// The topics of a cluster, those with odd partitions first, the gravest findings before all, then by name.
pub fn outline<'a>(report: &Report, cluster: &'a Cluster) -> Vec<Outline<'a>> {
    let named = named(report, cluster);
    let limits = limits(report, cluster);
    let mut outlines: Vec<Outline> = cluster
        .topics
        .iter()
        .map(|topic| {
            let mut outline = Outline { topic, odd: Vec::new(), alike: Alike::default() };
            for partition in &topic.partitions {
                let ratio = ratio(partition);
                let spread = extremes(partition).map_or(0, |(least, most)| most - least);
                let small =
                    spread < limits.ignore_below && ratio.is_some_and(|ratio| ratio >= limits.warning);
                let named_by: Vec<usize> = named
                    .get(&(topic.name.as_str(), partition.partition))
                    .map(|numbers| numbers.iter().copied().collect())
                    .unwrap_or_default();
                let apart = !small && ratio.is_some_and(|ratio| ratio >= limits.warning);
                if !topic.ignored && (!named_by.is_empty() || apart) {
                    let severity = named_by
                        .iter()
                        .filter_map(|at| report.findings.get(at - 1))
                        .map(|one| one.severity)
                        .min();
                    outline.odd.push(Odd { partition, ratio, named_by, severity });
                } else {
                    outline.alike.add(ratio, small);
                }
            }
            outline.odd.sort_by(|a, b| {
                let rank = |odd: &Odd| odd.severity.map_or(u8::MAX, |severity| severity as u8);
                let size = |odd: &Odd| odd.ratio.unwrap_or(0.0);
                rank(a)
                    .cmp(&rank(b))
                    .then(size(b).total_cmp(&size(a)))
                    .then(a.partition.partition.cmp(&b.partition.partition))
            });
            outline
        })
        .collect();
    // The worst first: rows are limited, and what a finding names is not to stand behind what none does.
    let worst = |outline: &Outline| {
        outline.odd.first().map(|odd| odd.severity.map_or(u8::MAX, |severity| severity as u8))
    };
    outlines.sort_by(|a, b| {
        (a.odd.is_empty(), worst(a), &a.topic.name).cmp(&(b.odd.is_empty(), worst(b), &b.topic.name))
    });
    outlines
}

/// What an absent replica does not mean, where some topic was not looked at on every broker; holds remote
/// text.
pub fn incomplete(outlines: &[Outline]) -> Option<String> {
    let topics: Vec<&str> =
        outlines.iter().map(|one| one.topic).filter(|it| !it.complete).map(|it| it.name.as_str()).collect();
    let named = match topics.as_slice() {
        [] => return None,
        [topic] => (*topic).to_owned(),
        topics if topics.len() == outlines.len() => "these topics".to_owned(),
        topics => format!("{} of these topics", count(topics.len() as u64)),
    };
    Some(format!(
        "Not every place that may hold {named} was seen: a replica that is not here is not known to be missing."
    ))
}

/// Topics without odd partitions that get a line of their own; more of them share one.
const ORDINARY: usize = 8;

/// The ordinary partitions, a line per topic that has odd ones too, and as few as can be for the others.
/// They hold remote text.
pub fn ordinary(outlines: &[Outline]) -> Vec<String> {
    let with_any = outlines.iter().filter(|outline| outline.alike.total() > 0);
    let (mut told, quiet): (Vec<&Outline>, Vec<&Outline>) =
        with_any.partition(|outline| !outline.odd.is_empty());
    let folded = if quiet.len() > ORDINARY { quiet.as_slice() } else { &[] };
    if folded.is_empty() {
        told.extend(&quiet);
    }
    let mut words: Vec<String> = told.into_iter().map(alike_words).collect();
    if !folded.is_empty() {
        let partitions: usize = folded.iter().map(|outline| outline.alike.total()).sum();
        let ratios_of = || folded.iter().filter_map(|outline| outline.alike.ratios);
        let least = ratios_of().map(|(least, _)| least).min_by(f64::total_cmp);
        let most = ratios_of().map(|(_, most)| most).max_by(f64::total_cmp);
        let range = least.zip(most).map(|(least, most)| format!(": ratio {}", ratios(least, most)));
        words.push(format!(
            "{} of {} alike{}",
            counted(partitions, "partition", "partitions"),
            counted(folded.len(), "topic", "topics"),
            range.unwrap_or_default()
        ));
    }
    words
}

/// The ordinary partitions of a topic in one line; holds remote text.
fn alike_words(outline: &Outline) -> String {
    let alike = &outline.alike;
    let mut words = Vec::new();
    if let Some((min, max)) = alike.ratios {
        let partitions = counted(alike.compared, "partition", "partitions");
        words.push(format!("{partitions} of {} alike: ratio {}", outline.topic.name, ratios(min, max)));
    }
    let of_topic = |words: &[String]| {
        if words.is_empty() { format!(" of {}", outline.topic.name) } else { String::new() }
    };
    if alike.small > 0 {
        let partitions = counted(alike.small, "partition", "partitions");
        words.push(format!("{partitions}{} too small to be judged by a ratio", of_topic(&words)));
    }
    if alike.single > 0 {
        let partitions = counted(alike.single, "partition", "partitions");
        words.push(format!("{partitions}{} seen on one broker only", of_topic(&words)));
    }
    let ignored = if outline.topic.ignored { " (left out of findings by the playbook)" } else { "" };
    format!("{}{ignored}", words.join("; "))
}

/// By topic and partition the numbers (from 1) of the findings that name it.
fn named<'a>(report: &Report<'a>, cluster: &Cluster) -> BTreeMap<(&'a str, u32), BTreeSet<usize>> {
    let mut named: BTreeMap<(&str, u32), BTreeSet<usize>> = BTreeMap::new();
    for (number, finding) in (1..).zip(report.findings) {
        let subject = &finding.subject;
        // What is said of a whole pair of brokers makes none of their partitions odd.
        if subject.pair.is_some() || subject.cluster.as_ref().is_some_and(|name| *name != cluster.name) {
            continue;
        }
        let Some(topic) = &subject.topic else { continue };
        let items = finding.items.iter().filter_map(|item| match item {
            Item::Truncation(cut) => Some(cut.partition),
            Item::Replicas(replicas) => Some(replicas.partition),
            Item::Shape(_) | Item::Host(_) => None,
        });
        for partition in items.chain(subject.partition) {
            named.entry((topic, partition)).or_default().insert(number);
        }
    }
    named
}

/// The strictest limits of the plays that the cluster's brokers have a part in.
pub fn limits(report: &Report, cluster: &Cluster) -> SizeRatio {
    let visits = cluster.brokers.iter().filter_map(|broker| report.round.visits.get(broker.visit));
    let plays = visits.flat_map(|visit| &visit.plays).filter_map(|play| report.round.plays.get(*play));
    let limits = plays.map(|play| play.expect.size_ratio);
    limits.min_by(|a, b| a.warning.total_cmp(&b.warning)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{healthy, incident};

    #[test]
    fn the_incident_has_24_odd_partitions_and_12_alike() {
        let case = incident();
        let outlines = outline(&case.report(), &case.comparison.clusters[0]);
        let [only] = outlines.as_slice() else { panic!("one topic") };
        assert_eq!(only.odd.len(), 24);
        assert!(only.odd[..12].iter().all(|odd| odd.named_by == [1, 2, 3]));
        assert!(only.odd[..12].is_sorted_by(|a, b| a.ratio >= b.ratio));
        assert_eq!(only.odd[0].partition.partition, 1);
        assert_eq!((only.alike.compared, only.alike.small, only.alike.single), (12, 0, 0));
        let (min, max) = only.alike.ratios.expect("ratios");
        assert_eq!((format!("{min:.2}"), format!("{max:.2}")), ("1.30".into(), "1.33".into()));
    }

    #[test]
    fn a_healthy_topic_has_none_and_an_ignored_one_neither() {
        let mut case = healthy();
        assert!(outline(&case.report(), &case.comparison.clusters[0])[0].odd.is_empty());
        case = incident();
        case.comparison.clusters[0].topics[0].ignored = true;
        assert_eq!(outline(&case.report(), &case.comparison.clusters[0])[0].alike.total(), 36);
    }

    #[test]
    fn a_topic_that_a_finding_names_stands_before_one_that_is_only_uneven() {
        let mut case = incident();
        let topics = &mut case.comparison.clusters[0].topics;
        topics.push(Topic { name: "a-first".into(), ..topics[0].clone() });
        let report = case.report();
        let outlines = outline(&report, &case.comparison.clusters[0]);
        let names: Vec<&str> = outlines.iter().map(|outline| outline.topic.name.as_str()).collect();
        assert_eq!(names, ["completeProduct", "a-first"]);
    }

    #[test]
    fn many_ordinary_topics_share_a_line() {
        let mut case = healthy();
        let topics = &mut case.comparison.clusters[0].topics;
        let one = topics[0].clone();
        topics.extend((0..9).map(|number| Topic { name: format!("t{number}"), ..one.clone() }));
        let report = case.report();
        let outlines = outline(&report, &case.comparison.clusters[0]);
        assert_eq!(ordinary(&outlines), ["360 partitions of 10 topics alike: ratio 1.00–1.01"]);
        assert_eq!(ordinary(&outlines[..2]).len(), 2);
    }

    #[test]
    fn a_ratio_between_small_replicas_is_not_odd() {
        let mut case = incident();
        case.findings.clear();
        for partition in &mut case.comparison.clusters[0].topics[0].partitions {
            for replica in &mut partition.replicas {
                replica.log_bytes /= 1 << 10;
            }
        }
        let outlines = outline(&case.report(), &case.comparison.clusters[0]);
        assert_eq!((outlines[0].odd.len(), outlines[0].alike.small), (0, 24));
    }
}
