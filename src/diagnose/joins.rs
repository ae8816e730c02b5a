//! What follows from two findings together: which broker must not be restarted, and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::compare::Cluster;
use crate::diagnose::finding::{Code, Finding, Item};
use crate::diagnose::view::View;
use crate::kafka::bugs;
use crate::kafka::event::Class;
use crate::round::DescribedTopic;
use crate::words;

/// Whether a replica that is not in sync may become leader, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclean {
    /// On some broker, or for the topic.
    Possible(String),
    Off(String),
    Unseen,
}

pub const SETTING: &str = "unclean.leader.election.enable";

/// Whether an unclean election of a topic is possible: the topic's own setting, the brokers' (whichever is
/// controller decides), else the default of the oldest version seen (true up to 0.10.2, false from 0.11.0:
/// kafka.server.KafkaConfig, KAFKA-5257).
pub fn unclean(view: &View<'_>, cluster: &Cluster, topic: &str) -> Unclean {
    // What Kafka itself shows stands above what its logs say was set once.
    if let Some(value) = view.round.described(topic).and_then(DescribedTopic::unclean_election) {
        return said(&value.to_string(), &format!("{SETTING}={value} of the topic, as kafka-topics shows"));
    }
    let entity = format!("topics/{topic}");
    let own = view.comparison.events.iter().rev().find_map(|event| match &event.class {
        Class::Config { entity: of, settings } if *of == entity => {
            settings.iter().find(|(name, _)| name == SETTING).map(|(_, value)| value.clone())
        }
        _ => None,
    });
    if let Some(value) = own {
        return said(&value, &format!("{SETTING}={value} of the topic"));
    }
    let settings: Vec<(&str, Option<&String>)> = cluster
        .brokers
        .iter()
        .filter_map(|broker| {
            let process = view.visit(broker)?.broker.as_ref()?;
            (!process.settings.is_empty()).then(|| (broker.host.as_str(), process.settings.get(SETTING)))
        })
        .collect();
    if let Some((host, _)) = settings.iter().find(|(_, value)| value.is_some_and(|value| is_true(value))) {
        return Unclean::Possible(format!("{SETTING}=true on {host}"));
    }
    // One that says nothing has the default of its version.
    let all_say =
        settings.len() == cluster.brokers.len() && settings.iter().all(|(_, value)| value.is_some());
    if all_say && !settings.is_empty() {
        return Unclean::Off(format!("{SETTING}=false on all brokers"));
    }
    let versions: Vec<(&str, bool)> = cluster
        .brokers
        .iter()
        .filter_map(|broker| view.version(broker))
        .filter_map(|version| Some((version, bugs::older(version, "0.11.0.0")?)))
        .collect();
    match versions.iter().find(|(_, old)| *old) {
        Some((version, _)) => Unclean::Possible(format!("{SETTING} is true by default in {version}")),
        // The default holds where nobody set it, and only who read the settings knows.
        None if versions.len() == cluster.brokers.len() && settings.len() == cluster.brokers.len() => {
            Unclean::Off(format!("{SETTING} is false by default from 0.11.0; set nowhere"))
        }
        None => Unclean::Unseen,
    }
}

fn is_true(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("true")
}

fn said(value: &str, how: &str) -> Unclean {
    if is_true(value) { Unclean::Possible(how.to_owned()) } else { Unclean::Off(how.to_owned()) }
}

/// A broker that holds what others lack.
#[derive(Default)]
struct Held<'f> {
    /// Topic, its partitions, who lacks.
    topics: BTreeMap<&'f str, (BTreeSet<u32>, BTreeSet<&'f str>)>,
}

/// Says with a dead cleaner, and with short replicas, which broker must stay up, and until when.
///
/// That is the sequence that loses data: the cleaner is to be revived by a restart, the broker that is restarted
/// holds the only whole replica, and the short one leads meanwhile.
pub fn restarts(view: &View<'_>, cluster: &Cluster, findings: &mut [Finding]) {
    let mut steps: Vec<(usize, Vec<String>)> = Vec::new();
    {
        let held = held(findings);
        for (at, finding) in findings.iter().enumerate() {
            if finding.subject.cluster.as_deref() != Some(cluster.name.as_str()) {
                continue;
            }
            match (finding.code, &finding.subject.broker, &finding.subject.topic) {
                (Code::CleanerDead | Code::PartitionUncleanable | Code::CleanerDisabled, Some(host), _) => {
                    let Some(held) = held.get(host.as_str()) else { continue };
                    steps.push((at, stay_up(view, cluster, host, held)));
                }
                (Code::ReplicaShort | Code::ReplicaEmpty | Code::ReplicaLagging, _, Some(topic)) => {
                    steps.push((at, vec![election(&unclean(view, cluster, topic))]));
                }
                _ => {}
            }
        }
    }
    for (at, steps) in steps {
        if let Some(finding) = findings.get_mut(at) {
            let first = matches!(
                finding.code,
                Code::CleanerDead | Code::PartitionUncleanable | Code::CleanerDisabled
            );
            if finding.next_steps.is_empty() {
                continue;
            }
            let place = if first { 0 } else { 1.min(finding.next_steps.len()) };
            finding.next_steps.splice(place..place, steps);
        }
    }
}

/// By host what it holds and another replica lacks.
fn held(findings: &[Finding]) -> BTreeMap<&str, Held<'_>> {
    let mut held: BTreeMap<&str, Held<'_>> = BTreeMap::new();
    let lacking = |finding: &&Finding| {
        matches!(finding.code, Code::ReplicaShort | Code::ReplicaEmpty | Code::ReplicaLagging)
    };
    for finding in findings.iter().filter(lacking) {
        let Some(topic) = &finding.subject.topic else { continue };
        for item in &finding.items {
            let Item::Replicas(item) = item else { continue };
            for holder in item.holders.iter().filter(|holder| !item.odd.contains(&holder.host)) {
                let entry = held.entry(&holder.host).or_default().topics.entry(topic).or_default();
                entry.0.insert(item.partition);
                entry.1.extend(item.odd.iter().map(String::as_str));
            }
        }
    }
    held
}

fn stay_up(view: &View<'_>, cluster: &Cluster, host: &str, held: &Held<'_>) -> Vec<String> {
    held.topics
        .iter()
        .map(|(topic, (partitions, lacking))| {
            let lacking: Vec<&str> = lacking.iter().copied().collect();
            format!(
                "Do not restart {host} before {} of {topic} on {} have caught up ({}): they are short there. {}",
                words::counted(partitions.len(), "partition", "partitions"),
                words::list(&lacking),
                words::numbers(partitions.iter().copied()),
                election(&unclean(view, cluster, topic))
            )
        })
        .collect()
}

pub fn election(unclean: &Unclean) -> String {
    match unclean {
        Unclean::Possible(how) => format!(
            "An unclean election is possible ({how}): a short replica may lead, and what it lacks is then cut from the others."
        ),
        Unclean::Off(how) => format!(
            "An unclean election is off ({how}): without the whole replica the partition stays without a leader."
        ),
        Unclean::Unseen => format!(
            "Whether an unclean election is possible was not seen ({SETTING}; true by default up to 0.10.2, false from 0.11.0)."
        ),
    }
}
