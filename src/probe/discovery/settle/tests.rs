use proptest::prelude::*;

use super::*;
use crate::round::{CoverageStatus, Ended};

fn find(text: &str, given: &Given) -> (Vec<Found>, Vec<Coverage>) {
    let answer = Answer { stdout: text.into(), ended: Some(Ended::Exit(0)), ..Answer::default() };
    settle(&answer, given, 1)
}

const PROCESS: &str = "H 1\nB 3634\ng kafka.service\nT 1491255 1795459312 100\nn 87\nN 20000\nm 385\nM 65530\n\
    d /services/log/kafka\nj file:/services/etc/kafka/log4j.properties\nv 0.10.1.1\nh /opt/kafka\nc kafka.Kafka\n\
    a /services/etc/kafka/server.properties\nf readable /services/etc/kafka/server.properties\ns log.dirs=/a, /b/\n\
    s broker.id=180881585\ns log.retention.ms=1\nO log.retention.ms=2\ns controller.quorum.voters=1@h\\:9093\n\
    e meta /a\nl /services/etc/kafka/log4j.properties\n\
    p log4j.appender.k.File=${kafka.logs.dir}/server.log\np log4j.appender.r.File=${kafka.logs.dir}/kafka-request.log\n\
    p log4j.appender.k.layout.ConversionPattern=[%d] %p %m (%c)%n\n";
const END: &str = "X\nk [ 100.5] Out of memory: Killed process 3634 (java)\nt 1795459312\nE\n";

#[test]
fn a_running_broker_says_all_of_itself() {
    let (found, coverage) = find(&format!("{PROCESS}{END}"), &Given::default());
    assert_eq!(coverage, []);
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    let broker = &one.broker;
    assert_eq!((broker.pid, broker.running, broker.id), (Some(3634), Some(true), Some(180_881_585)));
    assert_eq!(broker.log_dirs, ["/a", "/b"]);
    assert_eq!(broker.logs_dir.as_deref(), Some("/services/log/kafka"));
    assert_eq!(broker.version.as_deref(), Some("0.10.1.1"));
    assert_eq!(broker.started.map(|at| at.as_second()), Some(1_795_474_224));
    assert_eq!(broker.settings["log.retention.ms"], "2");
    assert_eq!(broker.settings["controller.quorum.voters"], "1@h:9093");
    assert_eq!(broker.roles, ["broker"]);
    assert_eq!(broker.log_layout.as_deref(), Some("[%d] %p %m (%c)%n"));
    assert_eq!(broker.oom_kills, ["2026-11-23T18:43:32Z Out of memory: Killed process 3634 (java)"]);
    assert_eq!((&broker.guessed, &one.gaps), (&vec![], &vec![]));
    assert_eq!(one.logs, ["/services/log/kafka/server.log*"]);
    assert!(one.logs_if_present.contains(&"/services/log/kafka/log-cleaner.log*".to_owned()), "{one:?}");
    assert!(!one.logs_if_present.iter().any(|file| file.contains("request")), "{one:?}");
}

#[test]
fn the_inventorys_variables_stand_above_what_is_found() {
    let given = Given {
        log_dirs: vec!["/x".into()],
        logs_dir: Some("/y".into()),
        broker_id: Some(7),
        ..Given::default()
    };
    let (found, _) = find(&format!("{PROCESS}{END}"), &given);
    assert_eq!(found[0].broker.log_dirs, ["/x"]);
    assert_eq!(found[0].logs, ["/y/server.log*"]);
    assert_eq!(found[0].broker.id, Some(180_881_585), "the node's own id is right");
    // Nothing found, but the inventory knows.
    let (found, coverage) = find("H 1\nX\nE\n", &given);
    assert_eq!((found.len(), coverage.len()), (1, 0));
    assert_eq!((found[0].broker.running, found[0].broker.id), (Some(false), Some(7)));
}

#[test]
fn a_container_is_below_its_root() {
    let text = "B 7\nr /proc/7/root\nc kafka.Kafka\nf readable /opt/kafka/config/server.properties\ns log.dirs=/data\n\
        s process.roles=controller\ns node.id=3000\nd /opt/kafka/logs\nX\nE\n";
    let (found, _) = find(text, &Given::default());
    let broker = &found[0].broker;
    assert_eq!(broker.log_dirs, ["/proc/7/root/data"]);
    assert_eq!(broker.logs_dir.as_deref(), Some("/proc/7/root/opt/kafka/logs"));
    assert_eq!((broker.roles.as_slice(), broker.id), (&["controller".to_owned()][..], Some(3000)));
    let (found, _) = find("B 7\nr! -\nc kafka.Kafka\na x.properties\nX\nE\n", &Given::default());
    assert!(found[0].gaps[0].reason.as_ref().unwrap().contains("container"), "{found:?}");
}

#[test]
fn several_brokers_and_one_log_dir_for_two() {
    let one = |pid, id, dir| {
        format!(
            "B {pid}\nc kafka.Kafka\nf readable /etc/{id}.properties\ns broker.id={id}\ns log.dirs={dir}\nd /l{id}\n"
        )
    };
    let (found, _) = find(&format!("{}{}X\nE\n", one(1, 1, "/a"), one(2, 2, "/b,/a")), &Given::default());
    assert_eq!(found.len(), 2);
    for one in &found {
        assert_eq!((one.gaps[0].path.as_str(), one.gaps[0].status), ("/a", CoverageStatus::Partial));
        assert_eq!(one.gaps.len(), 1);
    }
}

#[test]
fn a_broker_that_is_down_is_found_by_unit_config_or_data() {
    let unit = "H 1\nU kafka.service\nc unit\na /etc/kafka/server.properties\nh /opt/kafka\nf readable /etc/kafka/server.properties\n\
        s log.dirs=/data\ns node.id=2\ne meta /data\nd /var/log/kafka\nV kafka_2.13-3.9.1.jar\nX\nE\n";
    let (found, _) = find(unit, &Given::default());
    let broker = &found[0].broker;
    assert_eq!((broker.running, broker.unit.as_deref()), (Some(false), Some("kafka.service")));
    assert_eq!((broker.version.as_deref(), broker.guessed.len()), (Some("3.9.1"), 1));
    // Its unit belongs to the process; another unit that was never set up is none.
    let both = format!(
        "{PROCESS}{}U confluent-kafka.service\nc unit\nf readable /etc/k\nX\nE\n",
        unit.replace("H 1\n", "").replace("X\nE\n", "")
    );
    assert_eq!(find(&both, &Given::default()).0.len(), 1);

    let config = "I /opt/kafka\nV kafka_2.11-0.10.1.0.jar\nF /services/etc/kafka/server.properties\n\
        f readable /services/etc/kafka/server.properties\ns log.dirs=/data\ne meta /data\nD /data\ni broker.id=4\n\
        D /other1\ni broker.id=9\nD /other2\ni broker.id=9\nX\nY /var/log/kafka\nE\n";
    let (found, _) = find(config, &Given::default());
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].broker.running, found[0].broker.version.as_deref()), (None, Some("0.10.1.0")));
    assert!(found[0].broker.guessed.iter().any(|(field, _)| field == "config_file"), "{:?}", found[0]);
    assert_eq!(found[1].broker.log_dirs, ["/other1", "/other2"]);
    assert_eq!(found[1].broker.id, Some(9));
    // A log dir that its settings have named once is no second broker.
    let left = config.replace("s log.dirs=/data", "s log.dirs=/data\ns broker.id=9");
    let (found, _) = find(&left, &Given::default());
    assert_eq!((found.len(), found[0].broker.log_dirs.as_slice()), (1, &["/data".to_owned()][..]));
    assert!(found[0].broker.guessed.iter().any(|(_, why)| why.starts_with("/other2 has a meta.properties")));
}

#[test]
fn nothing_found_says_what_was_looked_for() {
    let (found, coverage) = find("H 1\nX\nt 1\nE\n", &Given::default());
    assert_eq!(found, []);
    assert_eq!(coverage, [Coverage::none("kafka", LOOKED_FOR)]);
    // Root saw everything, and nobody expects a broker: that is an answer.
    let root = "H 1\nH root\nX\nt 1\nE\n";
    let (_, coverage) = find(root, &Given::default());
    assert_eq!(coverage, [Coverage { reason: Some(NOTHING_HERE.into()), ..Coverage::complete("kafka") }]);
    let expected = Given { cluster: Some("queue".into()), ..Given::default() };
    assert_eq!(find(root, &expected).1, [Coverage::none("kafka", LOOKED_FOR)]);
    // Processes are hidden, a log lies about, a package is there.
    for seen in
        ["H root\nX\nt 1\nE\n", "H 1\nH root\nX\nY /var/log/kafka\nE\n", "H 1\nH root\nI /opt/kafka\nX\nE\n"]
    {
        assert_eq!(find(seen, &Given::default()).1, [Coverage::none("kafka", LOOKED_FOR)], "{seen}");
    }
    let (_, coverage) = find("H 1\n", &Given::default());
    assert!(coverage[0].reason.as_ref().unwrap().contains("ends early"), "{coverage:?}");
}

#[test]
fn settings_that_cannot_be_read_are_a_gap_only_where_they_are_needed() {
    let text = "B 5\nc kafka.Kafka\nf unreadable /etc/kafka/server.properties\nd /l\nX\nE\n";
    let (found, _) = find(text, &Given::default());
    assert_eq!(found[0].gaps.len(), 1);
    assert!(found[0].broker.guessed.iter().any(|(field, _)| field == "roles"));
    let given = Given { log_dirs: vec!["/data".into()], ..Given::default() };
    assert_eq!(find(text, &given).0[0].gaps, []);
}

#[test]
fn confluents_versions_are_kafkas() {
    for (jar, version) in [
        ("3.9.1", Some("3.9.1")),
        ("7.5.0-ccs", Some("3.5")),
        ("6.1.4-ce", Some("2.7")),
        ("5.3.1-ccs", Some("2.3")),
        ("3.3.0-ccs", Some("0.11.0")),
        ("8.0.0-ccs", Some("4.0")),
        ("x-ccs", None),
    ] {
        let mut broker = Broker::default();
        apache(&mut broker, jar);
        assert_eq!(broker.version.as_deref(), version, "{jar}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_without_harm(text in "([BUIFDXEHYktrcadjhvVOsfelpLTnNmMgwi!]{1,2} [ -~]{0,30}\n|.{0,20}\n){0,20}") {
        let given = Given { log_dirs: vec!["/x".into()], ..Given::default() };
        for given in [Given::default(), given] {
            let (found, coverage) = find(&text, &given);
            prop_assert!(!found.is_empty() || !coverage.is_empty(), "silence");
        }
    }
}
