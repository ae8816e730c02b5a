//! A finding's items, in words and as rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnose::finding::{Finding, Item, Subject, Truncation};
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
    Some(Cuts { summary, one_follower, one_leader, rows })
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
pub fn words(items: &[Item]) -> Vec<(&'static str, String)> {
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
    let told = order.into_iter().map(|message| {
        let hosts = hosts.remove(&message).unwrap_or_default();
        format!("{}: {message}", some(&hosts))
    });
    push(&mut words, "hosts", told.collect());
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

/// Replica items by what is said of them.
fn replicas(items: &[Item], words: &mut Vec<(&'static str, String)>) {
    let mut by_why: BTreeMap<Option<&str>, Vec<(u32, Option<f64>)>> = BTreeMap::new();
    for item in items {
        let Item::Replicas(item) = item else { continue };
        by_why.entry(item.why.as_deref()).or_default().push((item.partition, item.ratio));
    }
    let groups = by_why.len();
    let told = by_why.into_iter().filter_map(|(why, group)| {
        let least = group.iter().filter_map(|(_, ratio)| *ratio).min_by(f64::total_cmp);
        let most = group.iter().filter_map(|(_, ratio)| *ratio).max_by(f64::total_cmp);
        let range = least.zip(most).map(|(least, most)| format!("ratio {}", ratios(least, most)));
        let parts: Vec<String> = [range, why.map(str::to_owned)].into_iter().flatten().collect();
        if parts.is_empty() {
            return None;
        }
        // With one group, the partitions stand under "where".
        let of = match groups {
            1 => String::new(),
            _ => format!("partitions {}: ", numbers(group.iter().map(|(partition, _)| *partition))),
        };
        Some(format!("{of}{}", parts.join("; ")))
    });
    push(words, "why", told.collect());
}
