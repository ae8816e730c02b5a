//! Leaders that began a replica anew: their disk was replaced, emptied, or not mounted.

use jiff::Timestamp;

use crate::diagnose::view::{Moment, View};
use crate::kafka::event::{Class, Event, TopicPartition};
use crate::words;

/// The line by which a broker had begun a replica anew when a follower was cut to it.
///
/// It holds because a broker that finds no high watermark for a partition has it new on its disk
/// (kafka.cluster.Partition), which is right for a new partition and for one that is moved to it. A partition that its
/// log spoke of before its last start was there, and is no more.
pub fn begun<'a>(
    view: &View<'a>,
    leader: &str,
    of: &TopicPartition,
    cut: Timestamp,
) -> Option<&'a Event<'a>> {
    let log = view.log(leader);
    let about = |moment: &&Moment<'_>| moment.event.class.partition() == Some(of);
    let before = |moment: &&Moment<'_>| moment.event.at.is_some_and(|begun| begun <= cut);
    let missing = |moment: &&Moment<'_>| matches!(&moment.event.class, Class::HighWatermarkMissing { of: it } if it == of);
    let begun = log.iter().rev().filter(before).find(missing)?;
    // A copy in another log dir has none either, but the replica has.
    let loaded = |moment: &&Moment<'_>| {
        matches!(&moment.event.class, Class::HighWatermarkLoaded { of: it, high_watermark: 1.. } if it == of)
            && !view.started_between(moment, begun)
            && !moment.after(begun)
    };
    if log.iter().any(|moment| loaded(&moment)) {
        return None;
    }
    log.iter().any(|earlier| about(&earlier) && view.started_between(earlier, begun)).then_some(begun.event)
}

/// What to say of it, of the cuts of one topic.
pub fn told(begun: &[&Event<'_>]) -> Option<String> {
    let first = begun.first()?;
    let hosts = words::list(&words::once(begun.iter().map(|event| event.host)));
    Some(format!(
        "{hosts} had begun {} anew when it started ({}): what its log dir held before was not there. Its disk was replaced, emptied, or not mounted.",
        if begun.len() == 1 { "this replica" } else { "these replicas" },
        first.at_raw
    ))
}

/// Where to look first.
pub fn step(begun: &[&Event<'_>]) -> Option<String> {
    let hosts = words::once(begun.iter().map(|event| event.host));
    (!hosts.is_empty()).then(|| {
        format!(
            "Look for the former disk of {}: mounted elsewhere, unmounted, or a backup. What is lost may still be on it.",
            words::list(&hosts)
        )
    })
}
