//! `expect`: what a play takes for granted, and from where on something is a finding.

use super::{Read, Reader, Text};
use crate::round::{Expect, ExpectTopic, SizeRatio, Thresholds};
use crate::yaml::{Node, Yaml};

const KEYS: [&str; 4] = ["topics", "size_ratio", "thresholds", "gate"];
const TOPIC_KEYS: [&str; 7] = [
    "replication_factor",
    "partitions",
    "cleanup_policy",
    "min_insync_replicas",
    "size_ratio",
    "dirty_ratio",
    "lagging",
];
const THRESHOLD_KEYS: [&str; 14] = [
    "dirty_ratio",
    "dead_dirty_ratio",
    "dead_partitions",
    "cleaner_silent",
    "lagging",
    "disk_filling",
    "disk_full",
    "disk_days",
    "stale",
    "stopped",
    "isr_shrinks",
    "session_losses",
    "controller_moves",
    "clock_skew",
];

impl Reader<'_> {
    /// The expectations, and the gate's pattern with its place.
    pub(super) fn expect(&self, node: &Node) -> Read<(Expect, Option<Text>)> {
        let (mut expect, mut gate) = (Expect::default(), None);
        let mut topics: &[crate::yaml::Entry] = &[];
        for entry in self.mapping(node, "expect")? {
            match entry.name().as_ref() {
                "topics" => topics = self.mapping(&entry.value, "topics")?,
                "size_ratio" => expect.size_ratio = self.size_ratio(&entry.value, SizeRatio::default())?,
                "thresholds" => expect.thresholds = self.thresholds(&entry.value)?,
                "gate" => gate = Some(self.template(&entry.value)?),
                _ => return Err(self.unknown(entry, "expectation", &KEYS)),
            }
        }
        // A topic's ratio stands on the play's, wherever in the file that is.
        for topic in topics {
            let read = self.topic(&topic.value, expect.size_ratio)?;
            expect.topics.push((topic.name().into_owned(), read));
        }
        Ok((expect, gate))
    }

    fn topic(&self, node: &Node, ratio: SizeRatio) -> Read<ExpectTopic> {
        let mut topic = ExpectTopic::default();
        for entry in self.mapping(node, "a topic's expectation")? {
            let value = &entry.value;
            match entry.name().as_ref() {
                "replication_factor" => {
                    topic.replication_factor = Some(self.count(value, "replication_factor", 1000)?);
                }
                "partitions" => topic.partitions = Some(self.count(value, "partitions", 1_000_000)?),
                "min_insync_replicas" => {
                    topic.min_insync_replicas = Some(self.count(value, "min_insync_replicas", 1000)?);
                }
                "cleanup_policy" => topic.compacted = Some(self.policy(value)?),
                "size_ratio" => topic.size_ratio = Some(self.size_ratio(value, ratio)?),
                "dirty_ratio" => topic.dirty_ratio = Some(self.share(value, "dirty_ratio")?),
                "lagging" => topic.lagging_s = Some(self.duration(value)?.as_secs()),
                _ => return Err(self.unknown(entry, "expectation of a topic", &TOPIC_KEYS)),
            }
        }
        Ok(topic)
    }

    fn thresholds(&self, node: &Node) -> Read<Thresholds> {
        let mut limits = Thresholds::default();
        for entry in self.mapping(node, "thresholds")? {
            let value = &entry.value;
            match entry.name().as_ref() {
                "dirty_ratio" => limits.dirty_ratio = self.share(value, "dirty_ratio")?,
                "dead_dirty_ratio" => limits.dead_dirty_ratio = self.share(value, "dead_dirty_ratio")?,
                "dead_partitions" => {
                    limits.dead_partitions = self.count(value, "dead_partitions", 1_000_000)?
                }
                "cleaner_silent" => limits.cleaner_silent_s = self.duration(value)?.as_secs(),
                "lagging" => limits.lagging_s = self.duration(value)?.as_secs(),
                "disk_filling" => limits.disk_filling = self.percent(value)?,
                "disk_full" => limits.disk_full = self.percent(value)?,
                "disk_days" => limits.disk_days = f64::from(self.count(value, "disk_days", 3650)?),
                "stale" => limits.stale_s = self.duration(value)?.as_secs(),
                "stopped" => limits.stopped_s = self.duration(value)?.as_secs(),
                "isr_shrinks" => limits.isr_shrinks = self.count(value, "isr_shrinks", 1_000_000)?,
                "session_losses" => limits.session_losses = self.count(value, "session_losses", 1_000_000)?,
                "controller_moves" => {
                    limits.controller_moves = self.count(value, "controller_moves", 1_000_000)?
                }
                "clock_skew" => limits.clock_skew_s = self.duration(value)?.as_secs_f64(),
                _ => return Err(self.unknown(entry, "threshold", &THRESHOLD_KEYS)),
            }
        }
        for (below, above, names) in [
            (limits.dirty_ratio, limits.dead_dirty_ratio, "dead_dirty_ratio is below dirty_ratio"),
            (limits.disk_filling, limits.disk_full, "disk_full is below disk_filling"),
        ] {
            if above < below {
                return Err(self.wrong(node, format!("thresholds: {names}")));
            }
        }
        Ok(limits)
    }

    /// What is not said there is `base`.
    fn size_ratio(&self, node: &Node, base: SizeRatio) -> Read<SizeRatio> {
        const KEYS: [&str; 3] = ["warning", "critical", "ignore_below"];
        let mut ratio = base;
        for entry in self.mapping(node, "size_ratio")? {
            match entry.name().as_ref() {
                "warning" => ratio.warning = self.ratio(&entry.value)?,
                "critical" => ratio.critical = self.ratio(&entry.value)?,
                "ignore_below" => ratio.ignore_below = self.size(&entry.value)?,
                _ => return Err(self.unknown(entry, "key of size_ratio", &KEYS)),
            }
        }
        if ratio.critical < ratio.warning {
            return Err(self.wrong(node, "size_ratio: critical is below warning"));
        }
        Ok(ratio)
    }

    fn policy(&self, node: &Node) -> Read<bool> {
        let text = self.string(node, "cleanup_policy")?;
        let words: Vec<&str> = text.split(',').map(str::trim).collect();
        if words.iter().all(|word| ["compact", "delete"].contains(word)) {
            Ok(words.contains(&"compact"))
        } else {
            Err(self.wrong(node, "cleanup_policy is compact, delete, or both with a comma"))
        }
    }

    fn count(&self, node: &Node, what: &str, high: i64) -> Read<u32> {
        // In range, so the cast loses nothing.
        Ok(self.number(node, what, 1, high)? as u32)
    }

    fn decimal(&self, node: &Node, what: &str) -> Read<f64> {
        match node.value {
            Yaml::Int(number) => Ok(number as f64),
            Yaml::Float(number) => Ok(number),
            _ => Err(self.wrong(node, format!("{what} is a number, not {}", node.kind()))),
        }
    }

    fn ratio(&self, node: &Node) -> Read<f64> {
        let ratio = self.decimal(node, "a ratio")?;
        if ratio >= 1.0 && ratio.is_finite() {
            Ok(ratio)
        } else {
            Err(self.wrong(node, "a ratio is larger over smaller, so at least 1"))
        }
    }

    /// From 0 to 1.
    fn share(&self, node: &Node, what: &str) -> Read<f64> {
        let share = self.decimal(node, what)?;
        if (0.0..=1.0).contains(&share) {
            Ok(share)
        } else {
            Err(self.wrong(node, format!("{what} is a share from 0 to 1")))
        }
    }

    /// `85%`, or 85.
    fn percent(&self, node: &Node) -> Read<f64> {
        let number = match &node.value {
            Yaml::String(text) => text.trim().strip_suffix('%').and_then(|digits| digits.trim().parse().ok()),
            _ => Some(self.decimal(node, "a percentage")?),
        };
        number
            .filter(|percent| (1.0..=100.0).contains(percent))
            .ok_or_else(|| self.wrong(node, "this is a percentage from 1% to 100%"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::playbook::{Play, Playbook};

    fn play(expect: &str) -> Result<Play, String> {
        let text = format!("- hosts: x\n  probes: [{{command: id}}]\n  expect:\n{expect}");
        let mut read = Playbook::parse(Path::new("p.yml"), text).map_err(|error| error.to_string())?;
        Ok(read.plays.remove(0))
    }

    #[test]
    fn thresholds_of_a_play_and_of_a_topic() {
        let play = play(
            "    gate: '{{ restart }}'\n    thresholds: {disk_full: 97%, disk_filling: 90, cleaner_silent: 2d, isr_shrinks: 3}\n    topics:\n      a*: {cleanup_policy: 'compact,delete', size_ratio: {warning: 1.5}, dirty_ratio: 0.7, lagging: 1h}\n      b: {cleanup_policy: delete, min_insync_replicas: 2}\n    size_ratio: {critical: 9}\n",
        )
        .unwrap();
        let limits = play.expect.thresholds;
        assert_eq!((limits.disk_full, limits.disk_filling, limits.isr_shrinks), (97.0, 90.0, 3));
        assert_eq!((limits.cleaner_silent_s, limits.dead_partitions), (172_800, 3));
        let a = play.expect.topics[0].1;
        // What a topic does not say is the play's.
        let ratio = a.size_ratio.unwrap();
        assert_eq!((ratio.warning, ratio.critical), (1.5, 9.0));
        assert_eq!((a.compacted, a.dirty_ratio, a.lagging_s), (Some(true), Some(0.7), Some(3600)));
        let b = play.expect.topics[1].1;
        assert_eq!((b.compacted, b.min_insync_replicas, b.size_ratio), (Some(false), Some(2), None));
        assert_eq!(play.gate.unwrap().text, "{{ restart }}");
    }

    #[test]
    fn a_wrong_threshold_has_its_place() {
        for (expect, told) in [
            ("    threshold: {}\n", "p.yml:4:5: unknown expectation `threshold`"),
            ("    thresholds: {disk_ful: 90%}\n", "p.yml:4:18: unknown threshold `disk_ful`"),
            ("    thresholds: {disk_full: 0.9}\n", "p.yml:4:29: this is a percentage"),
            ("    thresholds: {disk_full: 80%}\n", "disk_full is below disk_filling"),
            ("    thresholds: {dirty_ratio: 5}\n", "a share from 0 to 1"),
            ("    topics: {a: {cleanup_policy: compct}}\n", "cleanup_policy is compact"),
            ("    topics: {a: {lagging: soon}}\n", "no duration"),
        ] {
            let error = play(expect).unwrap_err();
            assert!(error.contains(told), "{expect}{error}");
        }
    }
}
