//! A finding's items, in words and as rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::finding::{Finding, Item, ReplicaItem, Subject, Truncation};
use crate::report::measure::{count, counted, numbers, ratios};
use crate::sanitize;

/// Groups of items that are told apart; more are counted.
const GROUPS: usize = 6;

/// Columns that a name in a list has at most.
const NAME: usize = 40;

/// The cuts of a finding.
pub struct Cuts<'a> {
    /// Who cut, after whom; holds remote text.
    pub summary: String,
    pub one_follower: bool,
    pub one_leader: bool,
    /// What the times are.
    pub at_head: &'static str,
    pub rows: Vec<Cut<'a>>,
}

/// One cut and what is worked out from it.
pub struct Cut<'a> {
    pub cut: &'a Truncation,
    /// The leader's host, else its id.
    pub leader: String,
    /// Lost of all.
    pub percent: String,
    /// The time of day in UTC, else as it stands in the log.
    pub at: String,
}

/// The cuts of a finding, where it has any.
pub fn cuts(finding: &Finding) -> Option<Cuts<'_>> {
    // The day is said once, under "when", unless there are several.
    let days: BTreeSet<_> = truncations(finding).filter_map(|cut| cut.at.map(days_since_1970)).collect();
    let format = if days.len() > 1 { "%Y-%m-%d %H:%M:%S%.3f" } else { "%H:%M:%S%.3f" };
    let rows: Vec<Cut> = truncations(finding)
        .map(|cut| Cut {
            cut,
            leader: leader(cut),
            percent: match cut.from {
                0 => "-".to_owned(),
                from => format!("{:.1}", cut.lost as f64 / from as f64 * 100.0),
            },
            at: cut.at.map_or_else(|| cut.at_raw.clone(), |at| at.strftime(format).to_string()),
        })
        .collect();
    let first = rows.first()?;
    let followers: BTreeSet<&str> = rows.iter().map(|row| row.cut.follower.as_str()).collect();
    let leaders: BTreeSet<&str> = rows.iter().map(|row| row.leader.as_str()).collect();
    let at_head = if rows.iter().any(|row| row.cut.at.is_none()) { "at (zone unknown)" } else { "at (UTC)" };
    let (one_follower, one_leader) = (followers.len() == 1, leaders.len() == 1);
    let by = match one_follower {
        true => format!(" by {}", first.cut.follower),
        false => format!(" by {} brokers", count(followers.len() as u64)),
    };
    let after = match one_leader {
        true => match first.cut.leader_id.filter(|_| first.cut.leader.is_some()) {
            Some(id) => format!(", leader {} (id {id})", first.leader),
            None => format!(", leader {}", first.leader),
        },
        false => format!(", {} leaders", count(leaders.len() as u64)),
    };
    let lost = finding.lost_total.map(|lost| format!("; {} offsets", count(lost))).unwrap_or_default();
    let summary = format!("{}{by}{after}{lost}", count(rows.len() as u64));
    Some(Cuts { summary, one_follower, one_leader, at_head, rows })
}

/// Whether two findings rest on the same cuts.
pub fn same_cuts(one: &Finding, other: &Finding) -> bool {
    truncations(one).eq(truncations(other))
}

fn truncations(finding: &Finding) -> impl Iterator<Item = &Truncation> {
    finding.items.iter().filter_map(|item| match item {
        Item::Truncation(cut) => Some(cut),
        _ => None,
    })
}

fn days_since_1970(at: jiff::Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

fn leader(cut: &Truncation) -> String {
    match (&cut.leader, cut.leader_id) {
        (Some(host), _) => host.clone(),
        (None, Some(id)) => format!("broker {id}"),
        (None, None) => "unknown".to_owned(),
    }
}

/// What a finding is about; holds remote text.
pub fn where_words(finding: &Finding) -> String {
    let Subject { cluster, topic, partition, broker, pair } = &finding.subject;
    let mut words = Vec::new();
    if let Some(cluster) = cluster {
        words.push(format!("cluster {cluster}"));
    }
    if let Some(broker) = broker {
        words.push(format!("broker {broker}"));
    }
    if let Some([a, b]) = pair {
        words.push(format!("brokers {a} and {b}"));
    }
    if let Some(topic) = topic {
        words.push(format!("topic {topic}"));
    }
    let items = finding.items.iter().filter_map(|item| match item {
        Item::Truncation(cut) => Some(cut.partition),
        Item::Replicas(replicas) => Some(replicas.partition),
        Item::Shape(_) | Item::Host(_) => None,
    });
    let partitions: BTreeSet<u32> = items.chain(*partition).collect();
    match partitions.len() {
        0 => {}
        1 => words.push(format!("partition {}", numbers(partitions))),
        many => words.push(format!("{}: {}", counted(many, "partition", "partitions"), numbers(partitions))),
    }
    words.join(", ")
}

/// Items other than cuts as labels and texts; they hold remote text.
/// What is the matter with `broker`, where the finding is about one, needs no name of a host.
pub fn words(items: &[Item], broker: Option<&str>) -> Vec<(&'static str, String)> {
    let mut words = Vec::new();
    replicas(items, &mut words);
    let shapes = items.iter().filter_map(|item| match item {
        Item::Shape(shape) => {
            let hosts: Vec<&str> = shape.hosts.iter().map(String::as_str).collect();
            Some(format!("{} times on {}: {}", count(shape.count), some(&hosts), shape.shape))
        }
        _ => None,
    });
    push(&mut words, "lines", shapes.collect());
    // By message the hosts that it is true of, in the items' order.
    let mut order: Vec<String> = Vec::new();
    let mut hosts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for item in items {
        let Item::Host(item) = item else { continue };
        let place = [item.probe.as_deref(), item.path.as_deref()].into_iter().flatten();
        let place = place.collect::<Vec<_>>().join(" ");
        let message =
            if place.is_empty() { item.reason.clone() } else { format!("{place}: {}", item.reason) };
        let known = hosts.entry(message.clone()).or_insert_with(|| {
            order.push(message);
            Vec::new()
        });
        known.push(&item.host);
    }
    let own = |hosts: &Vec<&str>| broker.is_some() && hosts.iter().all(|host| Some(*host) == broker);
    let label = if hosts.values().all(own) { "why" } else { "hosts" };
    let told = order.into_iter().map(|message| {
        let hosts = hosts.remove(&message).unwrap_or_default();
        if own(&hosts) { message } else { format!("{}: {message}", some(&hosts)) }
    });
    push(&mut words, label, told.collect());
    words
}

/// A few names and how many more there are.
fn some(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| sanitize::truncate_width(name, NAME)).collect();
    match names.as_slice() {
        [first, second, third, _, _, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more", count(rest.len() as u64 + 2))
        }
        names => names.join(", "),
    }
}

fn push(words: &mut Vec<(&'static str, String)>, label: &'static str, texts: Vec<String>) {
    let all = texts.len();
    let shown = texts.into_iter().take(GROUPS).enumerate();
    words.extend(shown.map(|(at, text)| (if at == 0 { label } else { "" }, text)));
    if all > GROUPS {
        words.push(("", format!("and {} more", count((all - GROUPS) as u64))));
    }
}

/// Replica items by what is said of them. Reasons that differ in their numbers alone (offsets, sizes) are
/// one: the first stands for all.
fn replicas(items: &[Item], words: &mut Vec<(&'static str, String)>) {
    let mut by_shape: BTreeMap<Option<String>, Vec<&ReplicaItem>> = BTreeMap::new();
    for item in items {
        let Item::Replicas(item) = item else { continue };
        by_shape.entry(item.why.as_deref().map(shape)).or_default().push(item);
    }
    let groups = by_shape.len();
    let told = by_shape.into_values().filter_map(|group| {
        let least = group.iter().filter_map(|item| item.ratio).min_by(f64::total_cmp);
        let most = group.iter().filter_map(|item| item.ratio).max_by(f64::total_cmp);
        let range = least.zip(most).map(|(least, most)| format!("ratio {}", ratios(least, most)));
        let whys: BTreeSet<&str> = group.iter().filter_map(|item| item.why.as_deref()).collect();
        let why = group.first().and_then(|item| item.why.as_ref()).map(|why| match whys.len() {
            1 => why.clone(),
            many => format!("{why}, and {} more alike", count(many as u64 - 1)),
        });
        let parts: Vec<String> = [range, why].into_iter().flatten().collect();
        if parts.is_empty() {
            return None;
        }
        // With one group, the partitions stand under "where".
        let partitions = numbers(group.iter().map(|item| item.partition));
        let of = match (groups, group.len()) {
            (1, _) => String::new(),
            (_, 1) => format!("partition {partitions}: "),
            _ => format!("partitions {partitions}: "),
        };
        Some(format!("{of}{}", parts.join("; ")))
    });
    push(words, "why", told.collect());
}

/// A text with each word that is a number replaced: names and addresses stay as they are.
fn shape(text: &str) -> String {
    let number = |word: &str| {
        let core = word.trim_matches([',', '.', ';', ':', '(', ')']);
        !core.is_empty() && core.bytes().all(|b| b.is_ascii_digit() || b == b',')
    };
    let words: Vec<&str> = text.split(' ').map(|word| if number(word) { "#" } else { word }).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::incident;

    #[test]
    fn reasons_that_differ_in_numbers_are_one_and_others_are_not() {
        let case = incident();
        let mut items = case.findings[2].items.clone();
        for (at, item) in items.iter_mut().enumerate() {
            let Item::Replicas(item) = item else { continue };
            item.why = Some(match at {
                0 => "empty on 10.0.0.1".to_owned(),
                1 => "empty on 10.0.0.2".to_owned(),
                at => format!("cut from {at}000 to 12, by b"),
            });
        }
        let texts: Vec<String> = words(&items, None).into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                "partitions 7, 11, 13, 17, 19, 23, 25, 29, 31, 35: ratio 6.80–17.8; cut from 2000 to 12, by b, and \
                 9 more alike",
                "partition 1: ratio 23.6; empty on 10.0.0.1",
                "partition 5: ratio 10.4; empty on 10.0.0.2",
            ]
        );
    }
}
