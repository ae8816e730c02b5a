//! ERROR and FATAL lines that nothing explains.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::compare::Cluster;
use crate::diagnose::fetches;
use crate::diagnose::finding::{Code, Finding, Item, Severity, ShapeItem};
use crate::diagnose::view::{Moment, View, finding, line, of_cluster};
use crate::kafka::event::{Class, Event, Level};
use crate::kafka::record::{compile, header};
use crate::words;

/// `unknown-errors`: errors that the catalogue does not know, by shape.
///
/// They are counted and never dropped: what is not in the catalogue may be what matters. Warnings are
/// left out, since a healthy broker writes hundreds.
pub fn unknown(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let mut shapes: BTreeMap<String, Vec<&Event<'_>>> = BTreeMap::new();
    for broker in &cluster.brokers {
        for moment in view.log(&broker.host) {
            let Moment { event, .. } = moment;
            if unexplained(&event.class)
                && is_error(event)
                && !fetches::is_of_newer_broker(view, cluster, moment)
            {
                shapes.entry(shape(event.text)).or_default().push(event);
            }
        }
    }
    if shapes.is_empty() {
        return;
    }
    let mut shapes: Vec<(String, Vec<&Event<'_>>)> = shapes.into_iter().collect();
    shapes.sort_by(|(shape, events), (other, others)| {
        others.len().cmp(&events.len()).then_with(|| shape.cmp(other))
    });
    let all: Vec<&Event<'_>> = shapes.iter().flat_map(|(_, events)| events.iter().copied()).collect();
    let hosts = words::once(all.iter().map(|event| event.host));
    let mut found = finding(
        Code::UnknownErrors,
        Severity::Warning,
        of_cluster(cluster),
        format!(
            "{} of {} on {} that no rule explains",
            words::counted(all.len(), "error line", "error lines"),
            words::counted(shapes.len(), "kind", "kinds"),
            words::list(&hosts),
        ),
    );
    found.meaning =
        "The brokers report errors that are in no catalogue here. They may be consequences of what was \
                     found above, or something else."
            .to_owned();
    found.next_steps = vec!["Read the first line of each kind below, the commonest first.".to_owned()];
    let lines = shapes.iter().filter_map(|(_, events)| events.first()).map(|event| line(event)).collect();
    found.items = shapes
        .iter()
        .map(|(shape, events)| {
            let hosts = words::once(events.iter().map(|event| event.host));
            Item::Shape(ShapeItem {
                shape: shape.clone(),
                count: events.len() as u64,
                hosts: hosts.into_iter().map(str::to_owned).collect(),
            })
        })
        .collect();
    findings.push(found.seen(all.iter().copied()).show(lines));
}

/// What no rule of the others looks at, though the catalogue may know it: it is told here instead.
fn unexplained(class: &Class) -> bool {
    matches!(
        class,
        Class::Other
            | Class::CleanerException { .. }
            | Class::CleanerStateError { .. }
            | Class::OffsetMismatch { .. }
            | Class::ControlledShutdownFailed
            | Class::DirtyBeyondEnd { .. }
            | Class::EpochUnknown { .. }
            | Class::RequestRefused { .. }
    )
}

/// A layout that we do not know still has the level as a word.
fn is_error(event: &Event<'_>) -> bool {
    static WORD: LazyLock<Regex> = LazyLock::new(|| compile(r"\b(?:ERROR|FATAL)\b"));
    match event.level {
        Level::Error | Level::Fatal => true,
        Level::Unknown => WORD.is_match(event.text),
        _ => false,
    }
}

/// A line without what differs between its likes: time, numbers, ids, paths, partitions.
pub fn shape(text: &str) -> String {
    static PATH: LazyLock<Regex> = LazyLock::new(|| compile(r"(?:/[A-Za-z0-9._+-]+){2,}/?"));
    static UUID: LazyLock<Regex> = LazyLock::new(|| {
        compile(
            r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b|\b[0-9a-fA-F]{16,}\b|\b0x[0-9a-fA-F]+\b",
        )
    });
    // A topic id or cluster id: 22 characters of base64url, with a digit or a capital among them.
    static ID: LazyLock<Regex> = LazyLock::new(|| {
        compile(r"\b(?:topicId|topic id|topic ID|clusterId|cluster\.id)[ =:]+[A-Za-z0-9_-]{22}\b")
    });
    static TP: LazyLock<Regex> =
        LazyLock::new(|| compile(r"\[[A-Za-z0-9._-]+,[0-9]+\]|\bpartition [A-Za-z0-9._-]+-[0-9]+\b"));
    static DIGITS: LazyLock<Regex> = LazyLock::new(|| compile(r"[0-9]+"));
    /// Long enough to tell two kinds apart.
    const LENGTH: usize = 200;
    let text = header(text).map_or(text, |header| header.rest);
    let text = UUID.replace_all(text, "<id>");
    let text = ID.replace_all(&text, "<id>");
    let text = PATH.replace_all(&text, "<path>");
    let text = TP.replace_all(&text, "<partition>");
    let text = DIGITS.replace_all(&text, "N");
    text.chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn lines_of_one_kind_have_one_shape() {
        let of = |partition, path| {
            shape(&format!(
                "[2026-11-23 16:05:48,875] ERROR Error while appending records to [t-{partition},{partition}] in dir {path} (kafka.server.LogDirFailureChannel)"
            ))
        };
        assert_eq!(of(1, "/services/kafka"), of(22, "/var/lib/data-2/kafka"));
        assert_ne!(of(1, "/a/b"), shape("[2026-11-23 16:05:48,875] ERROR Something else (kafka.Y)"));
    }

    #[test]
    fn ids_are_replaced() {
        let one =
            shape("topicId ycandoDPTYe03xJQy9QkvQ of 0123456789abcdef0123456789abcdef at 10.0.0.1:9092");
        let other =
            shape("topicId MkU3OEVBNTcwNTJENDM2Qk of ffffffffffffffffffffffffffffffff at 10.0.0.2:9093");
        assert_eq!(one, other);
    }
}
