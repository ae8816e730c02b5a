use proptest::prelude::*;

use super::rounds::{DIR, host, replica, round};
use super::*;
use crate::round::{Access, Coverage, Evidence, ExpectTopic, LogDir, Outcome, ReplicaKind};

/// A comparison whose round lives on, so that a test need not name it.
fn compared(visits: Vec<crate::round::Visit>) -> Comparison<'static> {
    compare(Box::leak(Box::new(round(visits))))
}

fn names<'a>(comparison: &'a Comparison<'_>) -> Vec<(&'a str, Vec<&'a str>)> {
    comparison
        .clusters
        .iter()
        .map(|cluster| {
            (cluster.name.as_str(), cluster.brokers.iter().map(|broker| broker.host.as_str()).collect())
        })
        .collect()
}

fn in_cluster(name: &str, id: &str) -> crate::round::Visit {
    host(name).dir(|dir| dir.cluster_id = Some(id.into()))
}

#[test]
fn only_brokers_of_one_cluster_meet() {
    let mut named = in_cluster("c", "id-2");
    named.cluster = Some("second".into());
    let round = round(vec![
        in_cluster("a", "id-1").disk(vec![replica("t", 0, 1 << 30)]),
        in_cluster("b", "id-2").disk(vec![replica("t", 0, 9 << 30)]),
        named.disk(vec![replica("t", 0, 3 << 30)]),
    ]);
    let comparison = compare(&round);
    // b has no name of its own, but its cluster.id is that of a host which has one.
    assert_eq!(names(&comparison), [("id-1", vec!["a"]), ("second", vec!["b", "c"])]);
    assert!(comparison.clusters[0].pairs.is_empty());
    assert_eq!(comparison.clusters[1].pairs[0].ratio_max, Some(3.0));
}

#[test]
fn an_unreached_host_belongs_to_the_cluster_of_its_play() {
    let round = round(vec![in_cluster("a", "id").disk(vec![]), host("b").gone(Outcome::Unreachable)]);
    let comparison = compare(&round);
    assert_eq!(names(&comparison), [("id", vec!["a", "b"])]);
    assert!(!comparison.clusters[0].complete && !comparison.clusters[0].brokers[1].seen);
}

#[test]
fn a_host_that_may_belong_to_either_cluster_leaves_both_incomplete() {
    let round = round(vec![
        in_cluster("a", "id-1").disk(vec![replica("t", 0, 1)]),
        in_cluster("b", "id-2").disk(vec![replica("t", 0, 1)]),
        host("c").gone(Outcome::Unreachable),
    ]);
    let comparison = compare(&round);
    assert_eq!(names(&comparison), [("id-1", vec!["a"]), ("id-2", vec!["b"]), ("brokers", vec!["c"])]);
    assert!(comparison.clusters.iter().all(|cluster| !cluster.complete));
}

/// A partition that lies in several log dirs of a broker keeps the order of the dirs, however many rows are sorted.
#[test]
fn alike_replicas_stay_in_the_order_in_which_they_were_seen() {
    let rows = (0..400).map(|at| replica("t", (at * 7 % 5) as u32, at)).collect();
    let comparison = compared(vec![host("a").disk(rows)]);
    for partition in &comparison.clusters[0].topics[0].partitions {
        let seen: Vec<u64> = partition.replicas.iter().map(|replica| replica.log_bytes).collect();
        assert_eq!(seen.len(), 80);
        assert!(seen.is_sorted(), "{seen:?}");
    }
}

#[test]
fn without_ids_the_play_is_the_cluster() {
    let round = round(vec![host("a").disk(vec![]), host("b").disk(vec![])]);
    assert_eq!(names(&compare(&round)), [("brokers", vec!["a", "b"])]);
    assert!(compare(&round).clusters[0].complete);
}

#[test]
fn an_excluded_host_is_no_broker_and_may_hold_anything() {
    let mut left_out =
        round(vec![host("a").disk(vec![replica("t", 0, 1)]), host("b").gone(Outcome::Excluded)]);
    assert_eq!(names(&compare(&left_out)), [("brokers", vec!["a"])]);
    assert!(!compare(&left_out).clusters[0].complete);
    left_out.visits.truncate(1);
    assert!(compare(&left_out).clusters[0].complete);
    left_out.plays[0].excluded = vec!["b".into()];
    assert!(!compare(&left_out).clusters[0].complete);
}

#[test]
fn checkpoints_join_within_their_own_log_dir() {
    let mut jbod = host("a").disk_at("/data1", "/data1", vec![replica("t", 0, 10)]).disk_at(
        "/data2",
        "/data2/",
        vec![replica("t", 1, 20)],
    );
    let dir = |path: &str, high: u64| LogDir {
        path: path.into(),
        access: Access::Readable,
        high_watermarks: Some(rounds::checkpoints(&[("t", 0, high), ("t", 1, high)])),
        first_dirty: Some(rounds::checkpoints(&[("t", 1, 7)])),
        ..LogDir::default()
    };
    jbod.facts.as_mut().unwrap().log_dirs = vec![dir("/data1", 100), dir("/data2", 200)];
    let comparison = compared(vec![jbod]);
    let topic = &comparison.clusters[0].topics[0];
    let offsets: Vec<_> = topic
        .partitions
        .iter()
        .map(|partition| (partition.replicas[0].high_watermark, partition.replicas[0].log_bytes))
        .collect();
    assert_eq!(offsets, [(Some(100), 10), (Some(200), 20)]);
    assert!(topic.compacted && topic.complete);
    assert_eq!(comparison.clusters[0].brokers[0].log_bytes, 30);
}

#[test]
fn a_log_dir_that_nobody_asked_about_leaves_the_topic_incomplete() {
    let mut jbod = host("a").disk_at("/data1", "/data1", vec![replica("t", 0, 10)]);
    jbod.facts.as_mut().unwrap().log_dirs =
        ["/data1", "/data2"].map(|path| LogDir { path: path.into(), ..LogDir::default() }).to_vec();
    assert!(!compared(vec![jbod]).clusters[0].topics[0].complete);
}

#[test]
fn a_replica_seen_by_two_probes_counts_once() {
    let twice = host("a").disk(vec![replica("t", 0, 10), replica("u", 0, 5)]).disk_at(
        "/services/kafka/t-*",
        DIR,
        vec![replica("t", 0, 10)],
    );
    let comparison = compared(vec![twice]);
    let cluster = &comparison.clusters[0];
    assert_eq!((cluster.brokers[0].replicas, cluster.brokers[0].log_bytes), (2, 15));
    assert_eq!(cluster.topics[0].partitions[0].replicas.len(), 1);
}

#[test]
fn a_probe_of_one_topic_says_nothing_of_others() {
    let all = host("a").disk(vec![replica("t", 0, 1), replica("u", 0, 1)]);
    let some = host("b").disk_at("/services/kafka/t-*", DIR, vec![replica("t", 0, 1)]);
    let comparison = compared(vec![all, some]);
    let topics = &comparison.clusters[0].topics;
    assert_eq!((topics[0].complete, topics[0].expected_replicas), (true, Some(2)));
    assert_eq!((topics[1].complete, topics[1].expected_replicas), (false, None));
    assert!(!comparison.clusters[0].complete);
}

#[test]
fn an_incomplete_answer_leaves_the_broker_unseen() {
    let mut partial = host("b").disk(vec![replica("t", 0, 1)]);
    partial.probes[0].coverage = vec![Coverage::partial(DIR, "deadline")];
    let comparison = compared(vec![host("a").disk(vec![replica("t", 0, 1)]), partial]);
    let cluster = &comparison.clusters[0];
    assert!(!cluster.complete && !cluster.brokers[1].seen && !cluster.topics[0].complete);
    assert_eq!(cluster.topics[0].partitions[0].replicas.len(), 2);
}

#[test]
fn the_playbooks_word_comes_before_the_mode() {
    let mut expected = round(vec![host("a").disk(vec![replica("t", 0, 1), replica("u", 0, 1)])]);
    let three = ExpectTopic { replication_factor: Some(3), partitions: Some(2), ..ExpectTopic::default() };
    expected.plays[0].expect.topics = vec![("t*".into(), three)];
    expected.plays[0].ignore_topics = vec!["u".into()];
    let topics = &compare(&expected).clusters[0].topics;
    assert_eq!((topics[0].expected_replicas, topics[0].expected_by_playbook), (Some(3), true));
    assert_eq!((topics[0].expected_partitions, topics[0].ignored), (Some(2), false));
    assert_eq!((topics[1].expected_replicas, topics[1].expected_by_playbook), (Some(1), false));
    assert!(topics[1].ignored);
}

#[test]
fn pairs_take_the_median_and_the_larger_side() {
    let gib = |sizes: &[u64]| -> Vec<_> {
        (0..).zip(sizes).map(|(partition, size)| replica("t", partition, size << 30)).collect()
    };
    let comparison = compared(vec![host("a").disk(gib(&[1, 1, 1, 4])), host("b").disk(gib(&[2, 3, 4, 4]))]);
    let pair = &comparison.clusters[0].pairs[0];
    assert_eq!((pair.a, pair.b, pair.partitions, pair.larger), (0, 1, 4, Some(1)));
    assert_eq!((pair.ratio_min, pair.ratio_median, pair.ratio_max), (Some(1.0), Some(2.5), Some(4.0)));
}

#[test]
fn sizes_known_by_du_alone_are_compared_as_allocated() {
    let mut du = replica("t", 0, 0);
    (du.allocated_bytes, du.segments) = (4 << 30, 0);
    let mut find = replica("t", 0, 1 << 30);
    find.allocated_bytes = 2 << 30;
    let comparison = compared(vec![host("a").disk(vec![du]), host("b").disk(vec![find])]);
    assert_eq!(comparison.clusters[0].pairs[0].ratio_max, Some(2.0));
    assert_eq!(comparison.clusters[0].topics[0].partitions[0].measure(), Measure::Allocated);
}

#[test]
fn an_id_is_the_nodes_else_the_inventorys_else_the_address() {
    let mut both = host("a").dir(|dir| dir.broker_id = Some(1));
    both.broker_id = Some(7);
    let mut var = host("b");
    var.broker_id = Some(2);
    let line = "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-180881591], Current offset 3734742 for partition [t,13] out of range; reset offset to 3179215 (kafka.server.ReplicaFetcherThread)";
    let round =
        round(vec![both, var.log("/server.log", &[line]), host("10.200.8.183"), host("10.200.8.184")]);
    let ids: Vec<_> =
        compare(&round).clusters[0].brokers.iter().map(|broker| (broker.id, broker.id_source)).collect();
    assert_eq!(
        ids,
        [
            (Some(1), Some(IdSource::MetaProperties)),
            (Some(2), Some(IdSource::Inventory)),
            (Some(180881591), Some(IdSource::Address)),
            (None, None),
        ]
    );
}

#[test]
fn a_line_counts_once_whatever_found_it() {
    let line = "[2017-04-03 14:16:36,003] ERROR [x] one (kafka.Y)";
    let host = host("a")
        .log("/log/kafkaServer.out", &[line])
        .log("/log/server.log", &[line, line])
        .log("/log/server.log", &[line]);
    let comparison = compared(vec![host]);
    let events: Vec<_> = comparison.events.iter().map(|event| (event.file, event.line)).collect();
    assert_eq!(events, [("/log/server.log", 1), ("/log/server.log", 2)]);
}

proptest! {
    /// Whatever the probes bring, the order of arrays is the inventory's and nothing is lost.
    #[test]
    fn every_replica_finds_its_place(
        disks in proptest::collection::vec(proptest::collection::vec(("[a-c]", 0u32..4, any::<u64>(), 0u8..4), 0..12), 1..5)
    ) {
        let mut expected = 0;
        let hosts = disks.iter().enumerate().map(|(at, disk)| {
            expected += disk.len();
            let replicas = disk.iter().map(|(topic, partition, bytes, kind)| {
                let kind = match kind {
                    0 => ReplicaKind::Current,
                    1 => ReplicaKind::Future,
                    2 => ReplicaKind::Stray,
                    _ => ReplicaKind::Deleting,
                };
                crate::round::Replica { kind, ..replica(topic, *partition, *bytes) }
            });
            host(&format!("h{at}")).disk(replicas.collect())
        });
        let comparison = compared(hosts.collect());
        let cluster = &comparison.clusters[0];
        let found: usize = cluster.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.replicas.len()).sum();
        prop_assert_eq!(found, expected);
        prop_assert!(cluster.topics.is_sorted_by_key(|topic| topic.name.clone()));
        for topic in &cluster.topics {
            prop_assert!(topic.partitions.is_sorted_by_key(|partition| partition.partition));
            for partition in &topic.partitions {
                prop_assert!(partition.replicas.is_sorted_by_key(|replica| replica.broker));
            }
        }
        for pair in &cluster.pairs {
            prop_assert!(pair.a < pair.b && pair.ratio_min <= pair.ratio_median && pair.ratio_median <= pair.ratio_max);
        }
    }
}

#[test]
fn evidence_of_nothing_is_no_evidence() {
    let mut silent = host("a").disk(vec![]);
    silent.probes[0].evidence = Evidence::None;
    silent.probes[0].coverage = vec![Coverage::none(DIR, "permission denied")];
    assert!(!compared(vec![silent]).clusters[0].brokers[0].seen);
}

#[test]
fn details_of_suspects_stand_beside_their_partition() {
    use crate::round::ReplicaDetail;
    let detail = |replica, id: &str| ReplicaDetail {
        replica,
        epochs: Some(vec![(0, 0), (4, 100)]),
        topic_id: Some(id.to_owned()),
    };
    let with = |mut host: crate::round::Visit, details: Vec<ReplicaDetail>| {
        if let Evidence::DiskUsage(usage) = &mut host.probes[0].evidence {
            usage.details = details;
        }
        host
    };
    let disk = || vec![replica("b", 1, 5), replica("b", 0, 5), replica("a", 0, 5)];
    let a = with(host("a").disk(disk()), vec![detail(1, "x"), detail(2, "y")]);
    let b = with(host("b").disk(disk()), vec![detail(1, "z")]);
    let comparison = compared(vec![a, b]);
    let topics = &comparison.clusters[0].topics;
    let ids = |topic: usize, partition| -> Vec<(usize, &str)> {
        let details = topics[topic].details(partition).iter();
        details.map(|detail| (detail.broker, detail.topic_id.as_deref().unwrap())).collect()
    };
    assert_eq!(ids(0, 0), [(0, "y")]);
    assert_eq!(ids(1, 0), [(0, "x"), (1, "z")]);
    assert_eq!(ids(1, 1), []);
}

#[test]
fn the_raft_log_makes_no_pairs() {
    let of = |topic: &str| {
        let disk = |bytes: u64| (0..4).map(|partition| replica(topic, partition, bytes << 30)).collect();
        compared(vec![host("a").disk(disk(1)), host("b").disk(disk(3))]).clusters[0].pairs.len()
    };
    assert_eq!((of("__cluster_metadata"), of("__consumer_offsets")), (0, 1));
}
