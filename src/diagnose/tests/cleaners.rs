//! Cleaners by what they leave on the disks.

use super::scene::*;
use super::*;
use crate::diagnose::finding::Basis;
use crate::round::{Replica, Visit};

const TOPICS: [u32; 4] = [0, 1, 2, 3];

/// A compacted replica: `clean` and `dirty` MiB below an active segment of 10.
fn part(partition: u32, clean: u64, dirty: u64) -> Replica {
    Replica {
        clean_bytes: clean * MIB,
        active_bytes: 10 * MIB,
        segments: 5,
        ..written("t", partition, (clean + dirty + 10) * MIB, 60)
    }
}

/// A broker whose four replicas are alike, and that last cleaned so many seconds ago.
fn holder(name: &str, id: i64, (clean, dirty): (u64, u64), cleaned: i64) -> Visit {
    let all = |offset| TOPICS.map(|partition| ("t", partition, offset));
    broker(name, id)
        .disk(TOPICS.map(|partition| part(partition, clean, dirty)).to_vec())
        .high_watermarks(&all(1000))
        .first_dirty(&all(if clean == 0 { 0 } else { 900 }))
        .dir(|dir| dir.first_dirty_written = Some(now() - cleaned))
}

const DAY: i64 = 86_400;

#[test]
fn a_cleaner_is_dead_where_only_its_replicas_are_dirty() {
    let found = findings(&round(vec![holder("a", 1, (10, 900), 5 * DAY), holder("b", 2, (300, 50), 60)]));
    let dead = only(&found, Code::CleanerDead);
    assert_eq!((dead.subject.broker.as_deref(), dead.basis), (Some("a"), Basis::Inferred));
    assert!(dead.title.contains("5 days ago"), "{}", dead.title);
    let behind = only(&found, Code::CleanerBehind);
    assert_eq!(partitions(behind), TOPICS);
    none(&found, Code::ReplicaShort);
}

#[test]
fn a_cleaner_that_has_just_worked_is_not_dead() {
    // The same disks, and a checkpoint of a minute ago: it is at it.
    let found = findings(&round(vec![holder("a", 1, (10, 900), 60), holder("b", 2, (300, 50), 60)]));
    none(&found, Code::CleanerDead);
    // A broker that has just started, and one that is stopped.
    let young = with(holder("a", 1, (10, 900), 5 * DAY), |broker| {
        broker.started = Some("2026-11-23T23:50:00Z".parse().unwrap());
    });
    none(&findings(&round(vec![young, holder("b", 2, (300, 50), 60)])), Code::CleanerDead);
    let down = with(holder("a", 1, (10, 900), 5 * DAY), |broker| broker.running = Some(false));
    let down = down.dir(|dir| dir.clean_shutdown = true);
    none(&findings(&round(vec![down, holder("b", 2, (300, 50), 60)])), Code::CleanerDead);
    // Both sides alike say nothing of one of them.
    let found =
        findings(&round(vec![holder("a", 1, (10, 900), 5 * DAY), holder("b", 2, (10, 900), 5 * DAY)]));
    none(&found, Code::CleanerDead);
    assert!(only(&found, Code::CleanerBehind).title.contains("on all brokers"));
}

#[test]
fn two_dirty_partitions_are_waiting_and_three_are_a_dead_cleaner() {
    let mixed = |dirty: usize| {
        let disk = TOPICS.map(|partition| {
            if partition < dirty as u32 { part(partition, 10, 900) } else { part(partition, 300, 50) }
        });
        let mut visit = holder("a", 1, (10, 900), 2 * 3600);
        visit.probes.clear();
        findings(&round(vec![visit.disk(disk.to_vec()), holder("b", 2, (300, 50), 60)]))
    };
    none(&mixed(2), Code::CleanerDead);
    only(&mixed(3), Code::CleanerDead);
}

#[test]
fn silence_counts_only_where_there_is_work() {
    let silent = |own: (u64, u64), cleaned| {
        findings(&round(vec![holder("a", 1, own, cleaned), holder("b", 2, (300, 50), 60)]))
    };
    // 60 % dirty and no cleaning for two days, while b cleaned a minute ago.
    only(&silent((200, 300), 2 * DAY), Code::CleanerDead);
    none(&silent((200, 300), DAY / 2), Code::CleanerDead);
    // Nothing to do.
    none(&silent((300, 50), 9 * DAY), Code::CleanerDead);
}

#[test]
fn twice_the_size_within_the_ratio_is_ordinary() {
    let found = findings(&round(vec![holder("a", 1, (300, 290), 60), holder("b", 2, (290, 0), 60)]));
    none(&found, Code::CleanerBehind);
    nothing_worse_than(&found, Severity::Notice);
}

#[test]
fn a_topic_may_have_its_own_dirty_ratio() {
    let mut round = round(vec![holder("a", 1, (200, 700), 60), holder("b", 2, (200, 0), 60)]);
    only(&findings(&round), Code::CleanerBehind);
    let own = crate::round::ExpectTopic { dirty_ratio: Some(0.8), ..Default::default() };
    round.plays[0].expect.topics = vec![("t*".into(), own)];
    none(&findings(&round), Code::CleanerBehind);
}

#[test]
fn a_broker_without_a_cleaner() {
    let without = |name: &str, id| {
        let mut visit = holder(name, id, (0, 900), 0);
        visit = visit.dir(|dir| {
            dir.first_dirty = None;
            dir.first_dirty_written = None;
        });
        visit
    };
    // No checkpoint file at all.
    let found = findings(&round(vec![without("a", 1), holder("b", 2, (300, 50), 60)]));
    let off = only(&found, Code::CleanerDisabled);
    assert_eq!((off.severity, off.basis), (Severity::Warning, Basis::Inferred));
    // The setting says so.
    let set = with(holder("a", 1, (10, 900), 60), |broker| {
        broker.settings.insert("log.cleaner.enable".into(), "false".into());
    });
    assert_eq!(
        only(&findings(&round(vec![set, holder("b", 2, (300, 50), 60)])), Code::CleanerDisabled).basis,
        Basis::Observed
    );
    // An empty file is a broker that has not cleaned yet; and nothing compacted needs no cleaner.
    let fresh = holder("a", 1, (10, 0), 60).first_dirty(&[]);
    none(&findings(&round(vec![fresh, holder("b", 2, (300, 50), 60)])), Code::CleanerDisabled);
    none(&findings(&round(vec![without("a", 1), without("b", 2)])), Code::CleanerDisabled);
    // What could not be read is no proof.
    let mut unread = without("a", 1);
    let row = crate::round::Coverage::none("/services/kafka/cleaner-offset-checkpoint", "not readable");
    unread.probes[0].coverage.push(row);
    none(&findings(&round(vec![unread, holder("b", 2, (300, 50), 60)])), Code::CleanerDisabled);
}

#[test]
fn a_dead_cleaner_says_how_much_it_leaves_a_day() {
    let died = at("00:00:00,000", "ERROR [kafka-log-cleaner-thread-0]: Error due to (kafka.log.LogCleaner)");
    let found = findings(&round(vec![
        logged(holder("a", 1, (10, 512), DAY), &[died]),
        holder("b", 2, (100, 50), 60),
    ]));
    let dead = only(&found, Code::CleanerDead);
    assert!(dead.meaning.contains("2.0 GiB wait to be cleaned there, 2.0 GiB a day"), "{}", dead.meaning);
    let items = serde_json::to_string(&dead.items).unwrap();
    assert!(items.contains("4 replicas, 2.0 GiB uncleaned, 2.0 GiB a day"), "{items}");
    assert!(only(&found, Code::CleanerBehind).meaning.contains("cleaner-dead"));
}

#[test]
fn a_restart_that_would_cost_records_is_named() {
    let died = at("00:00:00,000", "ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)");
    let version = |version: &str| {
        at(
            "00:00:00,000",
            &format!("INFO Kafka version : {version} (org.apache.kafka.common.utils.AppInfoParser)"),
        )
    };
    let of = |old: &str| {
        let short =
            holder("b", 2, (10, 0), 60).high_watermarks(&TOPICS.map(|partition| ("t", partition, 400)));
        let found = findings(&round(vec![
            logged(holder("a", 1, (400, 0), DAY), &[version(old), died.clone()]),
            logged(short, &[version(old)]),
        ]));
        only(&found, Code::ReplicaShort);
        only(&found, Code::CleanerDead).next_steps[0].clone()
    };
    let step = of("0.10.1.0");
    assert!(step.starts_with("Do not restart a before 4 partitions of t on b have caught up"), "{step}");
    assert!(step.contains("is true by default in 0.10.1.0"), "{step}");
    // The settings were not read: that nobody allowed it is not known.
    assert!(of("2.0.0").contains("was not seen"), "{}", of("2.0.0"));
}

#[test]
fn a_cleaner_that_was_never_started_is_not_dead() {
    let of = |visit: Visit| findings(&round(vec![visit, holder("b", 2, (300, 50), 60)]));
    let bare = |visit: Visit| {
        visit.dir(|dir| {
            dir.first_dirty = None;
            dir.first_dirty_written = None;
        })
    };
    let said = |visit: Visit, value: &str| {
        with(visit, |broker| {
            broker.settings.insert("log.cleaner.enable".into(), value.into());
        })
    };
    for off in [
        said(holder("a", 1, (10, 900), 5 * DAY), "false"),
        said(bare(holder("a", 1, (0, 900), 5 * DAY)), "false"),
    ] {
        let found = of(off);
        only(&found, Code::CleanerDisabled);
        none(&found, Code::CleanerDead);
    }
    // It is on, and cleans nothing.
    let found = of(said(holder("a", 1, (10, 900), 5 * DAY), "true"));
    only(&found, Code::CleanerDead);
    none(&found, Code::CleanerDisabled);
    // It died before it wrote its checkpoint: so it was on.
    let died = at("00:00:00,000", "ERROR [kafka-log-cleaner-thread-0]: Error due to (kafka.log.LogCleaner)");
    let found = of(logged(bare(holder("a", 1, (0, 900), 5 * DAY)), &[died]));
    only(&found, Code::CleanerDead);
    none(&found, Code::CleanerDisabled);
}

/// The cleaner starts long before the broker says that it has started, and meets the same data at once.
#[test]
fn a_cleaner_that_dies_while_its_broker_starts_stays_dead() {
    let of = |lines: &[String]| findings(&round(vec![logged(broker("a", 1).disk(vec![]), lines)]));
    let starting = |time: &str| at(time, "INFO starting (kafka.server.KafkaServer)");
    let died =
        |time: &str| at(time, "ERROR [kafka-log-cleaner-thread-0], Error due to  (kafka.log.LogCleaner)");
    let again = [starting("10:00:00,000"), died("10:00:02,000"), started("10:00:09,000", 1)];
    only(&of(&again), Code::CleanerDead);
    let over = [died("09:00:00,000"), starting("10:00:00,000"), started("10:00:09,000", 1)];
    none(&of(&over), Code::CleanerDead);
}
