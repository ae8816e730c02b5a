//! Followers that cut their logs, and what is lost by it.

use std::collections::BTreeMap;

use crate::compare::{Cluster, Replica};
use crate::diagnose::anew;
use crate::diagnose::cuts::Cut;
use crate::diagnose::election::{self, Election, Elections};
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Item, Severity, Truncation};
use crate::diagnose::view::{self, View, finding, line, of_topic, on_disk, topic};
use crate::kafka::event::Event;
use crate::words;

/// What became of the records that a follower cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate<'a> {
    /// A replica that does not follow the new leader reaches beyond the cut.
    Kept { host: &'a str, offset: u64 },
    /// No replica has them: all were seen.
    Lost,
    /// No replica is known to have them.
    NotSeen,
}

fn by_topic<'c, 'a>(cluster: &Cluster, cuts: &'c [Cut<'a>]) -> BTreeMap<&'c str, Vec<&'c Cut<'a>>> {
    let mut topics: BTreeMap<&str, Vec<&Cut<'_>>> = BTreeMap::new();
    for cut in cuts {
        if !topic(cluster, &cut.of.topic).is_some_and(|topic| topic.ignored) {
            topics.entry(&cut.of.topic).or_default().push(cut);
        }
    }
    topics
}

/// `replica-truncated`: a follower cut its log to what its leader had.
///
/// It holds because a follower never keeps what its leader does not have: its fetch position beyond the
/// leader's end is reset to that end (kafka.server.ReplicaFetcherThread), or its log is cut where the
/// leader's epoch ended (KIP-101). Since 0.9.0.1 `from` above `to` says just that.
pub fn truncated(
    cluster: &Cluster,
    cuts: &[Cut<'_>],
    elections: &Elections<'_>,
    findings: &mut Vec<Finding>,
) {
    for (topic, cuts) in by_topic(cluster, cuts) {
        let doubtful = cuts.iter().all(|cut| cut.doubtful);
        let severity = if doubtful { Severity::Warning } else { Severity::Critical };
        let lost = cuts.iter().fold(0u64, |sum, cut| sum.saturating_add(cut.lost()));
        let mut partitions: Vec<u32> = cuts.iter().map(|cut| cut.of.partition).collect();
        partitions.sort_unstable();
        partitions.dedup();
        let followers = words::once(cuts.iter().map(|cut| cut.follower));
        let leaders = words::once(cuts.iter().filter_map(|cut| cut.leader));
        let to = match (leaders.as_slice(), cuts.iter().find_map(|cut| cut.leader_id)) {
            ([], None) => "a leader that ended earlier".to_owned(),
            ([], Some(id)) => format!("leader {id}"),
            (leaders, _) => words::list(leaders),
        };
        let mut found = finding(
            Code::ReplicaTruncated,
            severity,
            of_topic(cluster, topic),
            format!(
                "{} cut {} of {topic} back to what {to} had: {} offsets discarded",
                words::list(&followers),
                words::counted(partitions.len(), "partition", "partitions"),
                words::count(lost)
            ),
        );
        found.basis = if doubtful { Basis::Inferred } else { Basis::Observed };
        found.lost_total = Some(lost);
        found.meaning = meaning(topic, &cuts, elections, &followers, &to, doubtful);
        found.next_steps = next_steps(cluster, topic, &cuts, &followers);
        found.items = items(&cuts);
        // The line that says most of each cut first, then those beside it.
        let beside = cuts
            .iter()
            .flat_map(|cut| cut.lines.iter().copied().filter(|event| !std::ptr::eq(*event, cut.event)));
        let lines = cuts.iter().map(|cut| cut.event).chain(beside).map(line).collect();
        findings.push(found.seen(cuts.iter().map(|cut| cut.event)).show(lines));
    }
}

fn meaning(
    topic: &str,
    cuts: &[&Cut<'_>],
    elections: &Elections<'_>,
    followers: &[&str],
    to: &str,
    doubtful: bool,
) -> String {
    let followers = words::list(followers);
    let mut meaning = format!(
        "{followers} followed {to}, whose log ended before its own, and cut its log back to there. \
         What only {followers} held beyond that offset is gone from it."
    );
    if doubtful {
        meaning = format!(
            "{meaning} Up to 0.9.0.0 the same line also comes when a replica is merely fetched anew \
             (KAFKA-2477); the WARN line before it, which would decide, was not seen."
        );
    }
    let cause = cause(topic, cuts, elections).unwrap_or_else(|| "A leader that is behind its follower was elected although it was not in sync, or it lost its own tail: an unclean election is the usual cause; controller.log would tell.".to_owned());
    format!("{meaning} {cause}")
}

/// What is behind some cuts, where it was seen or can be concluded.
fn cause(topic: &str, cuts: &[&Cut<'_>], elections: &Elections<'_>) -> Option<String> {
    let causes = [anew::told(&begun_anew(cuts)), elected(topic, cuts, elections).map(str::to_owned)];
    let causes: Vec<String> = causes.into_iter().flatten().collect();
    (!causes.is_empty()).then(|| causes.join(" "))
}

/// The lines by which the cuts' leaders began these replicas.
fn begun_anew<'a>(cuts: &[&Cut<'a>]) -> Vec<&'a Event<'a>> {
    cuts.iter().filter_map(|cut| cut.begun_anew).collect()
}

/// The unclean election behind some cuts.
fn elected(topic: &str, cuts: &[&Cut<'_>], elections: &Elections<'_>) -> Option<&'static str> {
    let partition = |election: &&Election<'_>| {
        !election.last_leader
            && election
                .partition
                .is_some_and(|partition| cuts.iter().any(|cut| cut.of.partition == partition))
    };
    let of_these: Vec<&Election<'_>> = elections.get(&Some(topic))?.iter().filter(partition).collect();
    if of_these.is_empty() {
        return None;
    }
    Some(if of_these.iter().all(|election| election.inferred) {
        "The cause was an unclean election, as the ISR before it shows (inferred: from 1.1 on a controller with ZooKeeper says no such thing): a replica that was not in sync became leader (unclean-election)."
    } else {
        "The cause was an unclean election: a replica that was not in sync became leader (unclean-election)."
    })
}

fn next_steps(cluster: &Cluster, topic: &str, cuts: &[&Cut<'_>], followers: &[&str]) -> Vec<String> {
    let mut steps = Vec::new();
    let kept = cuts.iter().find_map(|cut| match fate(cluster, cut) {
        Fate::Kept { host, offset } => Some((host, offset, cut.of)),
        _ => None,
    });
    if let Some((host, offset, of)) = kept {
        steps.push(format!(
            "Do not restart {host}, and keep it from following: its replica of {}-{} still reaches to {offset}. Copy its directory first.",
            of.topic, of.partition
        ));
    }
    let holders =
        words::once(cuts.iter().map(|cut| cut.follower).chain(cuts.iter().filter_map(|cut| cut.leader)));
    steps.push(format!(
        "Do not restart or clean {} before the directories of {topic} are copied: `cp -a …/{topic}-* /somewhere/else/`.",
        words::list(&holders)
    ));
    steps.push(format!(
        "Look for the election: `grep -E 'data loss|[Uu]nclean|UNCLEAN' controller.log*` on all brokers, around {}.",
        moment(cuts)
    ));
    steps.push(format!(
        "See who else cut: `grep -E 'out of range|Non-monotonic|Truncat' server.log*` beside {}.",
        words::list(followers)
    ));
    steps
}

fn items(cuts: &[&Cut<'_>]) -> Vec<Item> {
    cuts.iter()
        .map(|cut| {
            Item::Truncation(Truncation {
                partition: cut.of.partition,
                follower: cut.follower.to_owned(),
                leader: cut.leader.map(str::to_owned),
                leader_id: cut.leader_id,
                from: cut.from,
                to: cut.to,
                lost: cut.lost(),
                at: cut.event.at,
                at_raw: cut.event.at_raw.to_owned(),
                host: cut.event.host.to_owned(),
                file: cut.event.file.to_owned(),
                line: cut.event.line,
            })
        })
        .collect()
}

/// `data-lost`: what was cut is nowhere else.
///
/// It holds because the leader did not have it when the follower was cut, so only a third replica can,
/// one that has not followed that leader. A high watermark beyond the cut on a replica that does follow
/// is new data at old offsets.
pub fn lost(
    view: &View<'_>,
    cluster: &Cluster,
    cuts: &[Cut<'_>],
    elections: &Elections<'_>,
    findings: &mut Vec<Finding>,
) {
    for (topic, cuts) in by_topic(cluster, cuts) {
        let fates: Vec<(&Cut<'_>, Fate<'_>)> = cuts
            .into_iter()
            .filter(|cut| !cut.doubtful)
            .map(|cut| (cut, fate(cluster, cut)))
            .filter(|(_, fate)| !matches!(fate, Fate::Kept { .. }))
            .collect();
        if fates.is_empty() {
            continue;
        }
        let certain = fates.iter().all(|(_, fate)| *fate == Fate::Lost);
        let cuts: Vec<&Cut<'_>> = fates.into_iter().map(|(cut, _)| cut).collect();
        let lost = cuts.iter().fold(0u64, |sum, cut| sum.saturating_add(cut.lost()));
        let partitions = words::numbers(cuts.iter().map(|cut| cut.of.partition));
        let plural = if partitions.contains([',', ' ']) { "partitions" } else { "partition" };
        let mut found = finding(
            Code::DataLost,
            Severity::Critical,
            of_topic(cluster, topic),
            format!("{} offsets of {topic} are lost, in {plural} {partitions}", words::count(lost)),
        );
        found.basis = if certain { Basis::Observed } else { Basis::Inferred };
        found.lost_total = Some(lost);
        found.meaning =
            "The leader did not have these records when the follower cut them, and no other replica \
                         is known to reach so far. Those that were acknowledged to producers are lost; \
                         consumers that had read them are ahead of the log."
                .to_owned();
        if let Some(cause) = cause(topic, &cuts, elections) {
            found.meaning = format!("{} {cause}", found.meaning);
        }
        let holders =
            words::once(cuts.iter().map(|cut| cut.follower).chain(cuts.iter().filter_map(|cut| cut.leader)));
        let unseen: Vec<&str> =
            cluster.brokers.iter().filter(|broker| !broker.seen).map(|broker| broker.host.as_str()).collect();
        if !certain {
            found.meaning.push_str(
                " Not every replica of these partitions was seen with its offsets, so this is a conclusion.",
            );
        }
        if !unseen.is_empty() {
            let verb = if unseen.len() == 1 { "was" } else { "were" };
            found.meaning.push_str(&format!(" {} {verb} not seen.", words::list(&unseen)));
        }
        // Neither the follower nor its leader can have them; any other may.
        let others: Vec<&str> = unseen.into_iter().filter(|host| !holders.contains(host)).collect();
        if !others.is_empty() {
            found.next_steps.push(format!(
                "Do not start or restart {} before replicas of {topic} there are copied: they were not seen and may hold the records.",
                words::list(&others)
            ));
        }
        found.next_steps.extend([
            format!(
                "Do not restart or clean {0} before the directories of {topic} there are copied: `cp -a …/{topic}-* /somewhere/else/`.",
                words::list(&holders)
            ),
            format!("Have the producers of {topic} publish again what they sent before {}.", moment(&cuts)),
        ]);
        found.next_steps.extend(election::prevent(view, cluster, topic));
        // Kafka unlinks what it cut off after file.delete.delay.ms; an hour allows for a long one.
        let fresh = |cut: &&Cut<'_>| {
            cut.event.at.is_some_and(|at| view.round.finished.as_second() - at.as_second() < 3600)
        };
        if cuts.iter().any(fresh) {
            found.next_steps.insert(
                1,
                format!(
                    "Look at once for remains on {}: `ls -l …/{topic}-*/*.deleted`; Kafka unlinks a cut segment after file.delete.delay.ms (60 s).",
                    words::list(&holders)
                ),
            );
        }
        let begun = begun_anew(&cuts);
        if let Some(step) = anew::step(&begun) {
            found.next_steps.insert(0, step);
        }
        found.items = items(&cuts);
        let mut evidence: Vec<EvidenceLine> = cuts.iter().take(6).map(|cut| line(cut.event)).collect();
        let ends: Vec<EvidenceLine> = cuts.iter().flat_map(|cut| ends(cluster, cut)).collect();
        evidence.extend(ends.into_iter().take(6));
        evidence.extend(begun.first().map(|event| line(event)));
        findings.push(found.seen(cuts.iter().map(|cut| cut.event)).show(evidence));
    }
}

fn moment(cuts: &[&Cut<'_>]) -> String {
    let first = cuts.iter().map(|cut| cut.event.at_raw).filter(|at| !at.is_empty()).min();
    first.unwrap_or("the truncation").to_owned()
}

/// The furthest offset that a replica is known to have: its log end is at or beyond each of these.
fn reach(replica: &Replica) -> Option<u64> {
    replica.high_watermark.max(replica.recovery_point).max(replica.last_base)
}

fn fate<'c>(cluster: &'c Cluster, cut: &Cut<'_>) -> Fate<'c> {
    let Some(partition) = view::partition(cluster, cut.of) else { return Fate::NotSeen };
    let complete = topic(cluster, &cut.of.topic).is_some_and(|topic| topic.complete);
    let leader =
        cut.leader.and_then(|leader| cluster.brokers.iter().position(|broker| broker.host == leader));
    let mut others: Vec<&Replica> =
        partition.current().filter(|replica| replica.broker != cut.broker).collect();
    let led = match leader {
        Some(leader) => others.iter().position(|replica| replica.broker == leader),
        // Of two replicas the one that did not follow was followed.
        None if others.len() == 1 && complete => Some(0),
        None => None,
    };
    let leader_reach = led.map(|at| others.swap_remove(at)).and_then(reach);
    for replica in &others {
        let Some(offset) = reach(replica).filter(|offset| *offset >= cut.from) else { continue };
        // Beyond its leader: it is not following, so these are the old records.
        if leader_reach.is_none_or(|leader| leader < cut.from)
            && let Some(broker) = cluster.brokers.get(replica.broker)
        {
            return Fate::Kept { host: &broker.host, offset };
        }
    }
    let all_seen =
        others.iter().all(|replica| replica.high_watermark.is_some_and(|offset| offset < cut.from));
    if complete && all_seen && (led.is_some() || !others.is_empty()) { Fate::Lost } else { Fate::NotSeen }
}

/// Where the replicas of a cut partition end now.
fn ends(cluster: &Cluster, cut: &Cut<'_>) -> Vec<EvidenceLine> {
    let Some(partition) = view::partition(cluster, cut.of) else { return Vec::new() };
    partition
        .current()
        .filter_map(|replica| {
            let broker = cluster.brokers.get(replica.broker)?;
            let high = replica.high_watermark?;
            let text = format!(
                "{} {} {high}: high watermark; it was cut at {} from {}",
                cut.of.topic, cut.of.partition, cut.to, cut.from
            );
            Some(on_disk(&broker.host, Some("replication-offset-checkpoint".to_owned()), text))
        })
        .collect()
}
