//! `audit`: Kafka is found without a playbook and without a variable, in whatever form it lies there.

mod binary;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use binary::{AUDIT, Desk, Ran, Served, healthy_pair, replica, run, serve, serve_incident};
use roundsman::demo::Fleet;
use serde_json::Value;

/// The inventory of a fleet without Kafka's variables.
fn bare(desk: &Desk, inventory: &Path) -> String {
    let text = fs::read_to_string(inventory).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("kafka_")).collect();
    assert!(lines.len() < text.lines().count());
    desk.file("bare.yml", &(lines.join("\n") + "\n"))
}

fn audit(inventory: &str, more: &[&str]) -> Ran {
    run(["audit", "-i", inventory, "--format", "json"].iter().chain(more))
}

fn host<'a>(report: &'a Value, name: &str) -> &'a Value {
    let hosts = report["hosts"].as_array().unwrap();
    hosts.iter().find(|host| host["name"] == name).unwrap_or_else(|| panic!("no {name} in {hosts:#?}"))
}

/// Writes a file of a node, its directories too.
fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A process as /proc shows it.
fn process(root: &Path, pid: u32, arguments: &[&str]) {
    put(root, "/proc/1/stat", "1 (init) S 0\n");
    put(root, &format!("/proc/{pid}/cmdline"), &(arguments.join("\0") + "\0"));
    symlink("/", root.join(format!("proc/{pid}/cwd"))).unwrap();
}

/// A log dir with one replica.
fn log_dir(root: &Path, dir: &str, identity: &str) {
    put(root, &format!("{dir}/meta.properties"), identity);
    put(root, &format!("{dir}/replication-offset-checkpoint"), "0\n1\norders 0 5000\n");
    replica(&root.join(dir.trim_start_matches('/')), "orders", 0, 600 << 20);
}

fn node() -> (Served<Fleet>, Desk, String) {
    let fleet = serve(Fleet::builder().node("broker-a"));
    let desk = Desk::new();
    let inventory = bare(&desk, &fleet.inventory_path());
    fs::create_dir_all(fleet.nodes()[0].sandbox()).unwrap();
    (fleet, desk, inventory)
}

const LINE: &str =
    "[2026-11-01 10:00:00,000] INFO Kafka version: 3.9.1 (org.apache.kafka.common.utils.AppInfoParser)\n";

#[test]
fn the_incident_is_found_without_a_variable() {
    let demo = serve_incident();
    let desk = Desk::new();
    let inventory = bare(&desk, &demo.inventory_path());
    let report = audit(&inventory, &[]).exits(2).json();
    let schema: Value = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    for code in ["data-lost", "replica-truncated", "cleaner-dead"] {
        assert!(codes.contains(&code), "no {code} in {codes:?}");
    }
    assert!(!codes.contains(&"probe-incomplete"), "{codes:?}");
    let lost = report["findings"].as_array().unwrap().iter().find(|one| one["code"] == "data-lost").unwrap();
    assert_eq!(lost["lost_total"], 6_572_461);
    for (name, id, version) in
        [("10.200.8.176", 180_881_584, "0.10.1.1"), ("10.200.8.183", 180_881_591, "0.10.1.0")]
    {
        let host = host(&report, name);
        let found = &host["found"];
        assert_eq!((&found["id"], &found["version"]), (&Value::from(id), &Value::from(version)), "{found}");
        assert_eq!((&found["pid"], &found["running"]), (&Value::from(4711), &Value::from(true)));
        assert_eq!((&found["open_files"], &found["maps"]), (&Value::from(210), &Value::from(310)));
        assert_eq!(found["unit"], "kafka.service");
        assert_eq!(found["settings"]["default.replication.factor"], "2");
        assert_eq!(host["broker_id_source"], "meta.properties");
    }
    // What is not on the list of settings never left the node.
    let all = report.to_string();
    assert!(!all.contains("not-to-be-seen") && !all.contains("10.200.8.10:2181"), "a secret left its node");
    // The dead cleaners' replicas are dirty, the living one's are not.
    let clusters = report["comparison"]["clusters"].as_array().unwrap();
    let topics = clusters[0]["topics"].as_array().unwrap();
    let topic = topics.iter().find(|topic| topic["name"] == "completeProduct").unwrap();
    for replica in
        topic["partitions"].as_array().unwrap().iter().flat_map(|one| one["replicas"].as_array().unwrap())
    {
        let Some(ratio) = replica["dirty_ratio"].as_f64() else { continue };
        match (replica["broker"].as_str().unwrap(), replica["log_bytes"].as_u64().unwrap()) {
            ("10.200.8.176", _) => assert!(ratio < 0.01, "{replica}"),
            (_, bytes) if bytes > 1 << 30 => assert!(ratio > 0.85, "{replica}"),
            _ => {}
        }
    }
}

#[test]
fn the_inventorys_variables_stand_above_what_is_found() {
    let demo = serve_incident();
    let report =
        audit(&demo.inventory_path().display().to_string(), &["-e", "kafka_log_dirs=/no/such/dir"]).json();
    let found = &host(&report, "10.200.8.176")["found"];
    assert_eq!(found["log_dirs"], Value::from(vec!["/no/such/dir"]));
    assert!(report["coverage"].to_string().contains("the log dir does not exist"), "{}", report["coverage"]);
}

#[test]
fn nothing_there_is_said_and_is_unknown() {
    let (_fleet, _desk, inventory) = node();
    let ran = audit(&inventory, &[]).exits(3);
    let report = ran.json();
    assert_eq!(report["verdict"]["status"], "UNKNOWN");
    let reason = host(&report, "broker-a")["reason"].as_str().unwrap();
    for word in ["no process of Kafka", "systemd", "/opt", "kafka_log_dirs"] {
        assert!(reason.contains(word), "{reason}");
    }
}

/// A machine without Kafka beside brokers is no gap; where it is all there is, nothing was seen of any broker.
#[test]
fn a_machine_without_kafka_is_a_notice_beside_brokers() {
    let fleet = serve(Fleet::builder().node("broker-a").node("bastion"));
    let desk = Desk::new();
    let inventory = bare(&desk, &fleet.inventory_path());
    for node in fleet.nodes() {
        fs::create_dir_all(node.sandbox()).unwrap();
        put(node.sandbox(), "/proc/1/stat", "1 (init) S 0\n");
    }
    log_dir(fleet.nodes()[0].sandbox(), "/var/lib/kafka", "version=0\nbroker.id=1\n");
    let report = audit(&inventory, &[]).json();
    let about = |report: &Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        let ours = findings.filter(|one| one["subject"]["broker"] == "bastion");
        ours.map(|one| format!("{} {}", one["severity"].as_str().unwrap(), one["title"].as_str().unwrap()))
            .collect()
    };
    // Only root can know that nothing is hidden.
    let root = std::process::Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if root {
        assert_eq!(about(&report), ["notice There is no Kafka on bastion"]);
        let report = audit(&inventory, &["-l", "bastion"]).exits(3).json();
        assert_eq!(about(&report), ["unknown There is no Kafka on bastion"]);
    } else {
        assert!(about(&report)[0].starts_with("unknown "), "{:?}", about(&report));
    }
}

#[test]
fn two_brokers_and_a_controller_on_one_machine() {
    let (fleet, _desk, inventory) = node();
    let root = fleet.nodes()[0].sandbox();
    let java = |pid, id: u32| {
        let (logs, config) =
            (format!("-Dkafka.logs.dir=/var/log/kafka{id}"), format!("/etc/kafka/{id}.properties"));
        process(
            root,
            pid,
            &[
                "/usr/bin/java",
                "-Xmx1g",
                &logs,
                "-cp",
                "/opt/k/libs/kafka_2.13-3.9.1.jar",
                "kafka.Kafka",
                &config,
            ],
        );
        put(root, &format!("/var/log/kafka{id}/server.log"), LINE);
    };
    (1..=3).for_each(|id| java(100 + id, id));
    put(root, "/etc/kafka/1.properties", "broker.id=1\nlog.dirs = /data/1a , /data/1b\n");
    put(root, "/etc/kafka/2.properties", "broker.id=2\nlog.dirs=/data/2\n");
    put(
        root,
        "/etc/kafka/3.properties",
        "process.roles=controller\nnode.id=3\nlog.dirs=/data/3\nmetadata.log.dir=/data/meta\n",
    );
    log_dir(root, "/data/1a", "version=0\nbroker.id=1\n");
    put(root, "/data/1b/meta.properties", "version=0\nbroker.id=1\n");
    log_dir(root, "/data/2", "version=0\nbroker.id=2\n");
    for dir in ["/data/3", "/data/meta"] {
        put(root, &format!("{dir}/meta.properties"), "version=1\nnode.id=3\ncluster.id=abc\n");
    }
    put(root, "/data/meta/__cluster_metadata-0/00000000000000000000.log", "x");
    // What is like Kafka and is not.
    process(
        root,
        200,
        &[
            "java",
            "-cp",
            "/opt/k/libs/kafka_2.13-3.9.1.jar",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            "zk.properties",
        ],
    );
    process(
        root,
        201,
        &[
            "java",
            "-Dkafka.logs.dir=/x",
            "org.apache.kafka.connect.cli.ConnectDistributed",
            "connect.properties",
        ],
    );
    process(root, 202, &["grep", "kafka.Kafka", "/etc/hosts"]);
    let report = audit(&inventory, &[]).json();
    let names: Vec<&str> =
        report["hosts"].as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["broker-a#1", "broker-a#2", "broker-a#3"]);
    for host in report["hosts"].as_array().unwrap() {
        assert_eq!(
            (&host["machine"], &host["outcome"]),
            (&Value::from("broker-a"), &Value::from("ok")),
            "{host}"
        );
    }
    let first = &host(&report, "broker-a#1")["found"];
    assert_eq!(first["log_dirs"].as_array().unwrap().len(), 2);
    let controller = &host(&report, "broker-a#3")["found"];
    assert_eq!(controller["roles"], Value::from(vec!["controller"]));
    assert!(controller["metadata_dir"].as_str().unwrap().ends_with("/data/meta"));
    assert!(!report["findings"].to_string().contains("probe-incomplete"), "{:#}", report["findings"]);
}

#[test]
fn a_broker_that_is_down_is_found_by_its_unit_its_settings_or_its_disk() {
    let unit = "[Service]\nUser=kafka\nEnvironment=\"LOG_DIR=/var/log/kafka\" \"KAFKA_HEAP_OPTS=-Xmx1g\"\n\
                Environment=PASSWORD=not-to-be-seen\n\
                ExecStart=/opt/kafka/bin/kafka-server-start.sh /opt/kafka/config/server.properties --override broker.rack=r1\n";
    let settings = "# Kafka\nnode.id: 7\nprocess.roles=broker,\\\n  controller\nlog.dirs=/data/kafka\nssl.key.password=not-to-be-seen\n";
    type Place = fn(&Path, &str, &str);
    let places: [(&str, Place); 3] = [
        ("unit", |root, unit, settings| {
            put(root, "/etc/systemd/system/kafka.service", unit);
            put(root, "/opt/kafka/config/server.properties", settings);
        }),
        ("config", |root, _, settings| put(root, "/etc/kafka/server.properties", settings)),
        ("data", |_, _, _| {}),
    ];
    for (name, place) in places {
        let (fleet, _desk, inventory) = node();
        let root = fleet.nodes()[0].sandbox();
        put(root, "/proc/1/stat", "1 (init) S 0\n");
        put(root, "/opt/kafka/libs/kafka_2.13-3.9.1.jar", "");
        put(root, "/opt/kafka/libs/kafka_2.13-3.9.1-test.jar", "");
        put(root, "/var/log/kafka/server.log", LINE);
        log_dir(root, "/data/kafka", "version=1\nnode.id=7\ncluster.id=abc\n");
        place(root, unit, settings);
        let report = audit(&inventory, &[]).json();
        let host = host(&report, "broker-a");
        let found = &host["found"];
        assert_eq!(
            (&found["running"], &found["id"]),
            (&Value::from(false), &Value::from(7)),
            "{name}: {host}"
        );
        assert_eq!(found["version"], "3.9.1", "{name}: {found}");
        assert_eq!(found["log_dirs"][0], root.join("data/kafka").display().to_string(), "{name}");
        assert_eq!(found["logs_dir"], root.join("var/log/kafka").display().to_string(), "{name}: {found}");
        let guessed = found["guessed"].to_string();
        match name {
            "unit" => {
                assert_eq!(
                    (&found["unit"], &found["rack"]),
                    (&Value::from("kafka.service"), &Value::from("r1"))
                );
                assert!(!guessed.contains("log_dirs") && !guessed.contains("logs_dir"), "{guessed}");
            }
            "config" => assert!(guessed.contains("config_file") && guessed.contains("logs_dir"), "{guessed}"),
            _ => assert!(guessed.contains("log_dirs"), "{guessed}"),
        }
        if name != "data" {
            assert_eq!(found["roles"], Value::from(vec!["broker", "controller"]), "{name}: {found}");
        }
        assert_eq!(host["outcome"], "ok", "{name}: {host}");
        assert!(!report.to_string().contains("not-to-be-seen"), "{name}");
    }
}

#[test]
fn two_brokers_that_claim_one_log_dir_are_partial_evidence() {
    let (fleet, _desk, inventory) = node();
    let root = fleet.nodes()[0].sandbox();
    for id in [1, 2] {
        let config = format!("/etc/kafka/{id}.properties");
        process(root, 100 + id, &["java", "-Dkafka.logs.dir=/var/log/kafka", "kafka.Kafka", &config]);
        put(root, &config, &format!("broker.id={id}\nlog.dirs=/data\n"));
    }
    put(root, "/var/log/kafka/server.log", LINE);
    log_dir(root, "/data", "version=0\nbroker.id=1\n");
    let report = audit(&inventory, &[]).exits(2).json();
    assert!(report["coverage"].to_string().contains("has the same log dir"), "{:#}", report["coverage"]);
}

#[test]
fn a_dry_run_shows_every_script_and_contacts_nobody() {
    let ran =
        run(["audit", "-i", "nobody.invalid,", "-e", "kafka_log_dirs=/data/kafka", "--dry-run"]).exits(0);
    ran.says("discovery")
        .says("/data/kafka")
        .says("Nobody is contacted")
        .says("journalctl")
        .says("KAFKA_LOGS_DIR");
}

/// What somebody brought stands beside what the visit saw: the log of another time, and Kafka's own word on replicas.
#[test]
fn a_live_round_takes_what_was_brought() {
    let (fleet, desk, inventory) = node();
    let root = fleet.nodes()[0].sandbox().to_path_buf();
    log_dir(&root, "/var/lib/kafka", "version=0\nbroker.id=1\n");
    let log = desk.file(
        "old.log",
        "[2017-04-03 14:16:36,003] ERROR [ReplicaFetcherThread-0-2], Current offset 20 for partition [orders,0] out of range; reset offset to 10 (kafka.server.ReplicaFetcherThread)\n",
    );
    let log = format!("broker-a={log}");
    let topics = desk.file(
        "topics.txt",
        "Topic: orders\tPartitionCount: 2\tReplicationFactor: 1\tConfigs:\n\tTopic: orders\tPartition: 0\tLeader: 2\tReplicas: 2\tIsr: 2\n\tTopic: orders\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\n",
    );
    let report = audit(&inventory, &["--log", &log, "--kafka-topics", &topics]).exits(2).json();
    let finding = |code: &str| {
        let findings = report["findings"].as_array().unwrap();
        let found = findings.iter().find(|one| one["code"] == code);
        found.unwrap_or_else(|| panic!("no {code} in {findings:#?}")).clone()
    };
    assert_eq!(finding("replica-truncated")["lost_total"], 10);
    assert_eq!(finding("replica-truncated")["items"][0]["follower"], "broker-a");
    let reason = |code: &str, at: usize| finding(code)["items"][at]["reason"].as_str().unwrap().to_owned();
    assert!(reason("replica-extra", 0).contains("broker-a holds it"), "{}", reason("replica-extra", 0));
    let missing = finding("replica-missing");
    assert!(
        missing.to_string().contains("broker-a should hold it and has no directory of it"),
        "{missing:#?}"
    );
    // The visit itself is still there.
    assert_eq!(host(&report, "broker-a")["outcome"], "partial");
    assert_eq!(host(&report, "broker-a")["broker_id"], 1);
}

/// A broker that cannot be visited, by what `du` says of it; a log that lies elsewhere; and what Kafka says itself:
/// each beside what is seen on the brokers.
#[test]
fn what_was_brought_joins_a_live_round() {
    let fleet = healthy_pair();
    // What du counts: not sparse.
    for node in fleet.nodes() {
        fs::write(node.log_dir().join("orders-0/00000000000000000000.log"), vec![1; 100 << 20]).unwrap();
    }
    let desk = Desk::new();
    let inventory = fleet.inventory_path().display().to_string();
    let du = desk.file("du.txt", "$ ansible all -m raw -a 'du -h /services/kafka/*'\nbroker-c | CHANGED | rc=0 >>\n12M\t/services/kafka/orders-0\n");
    let log = desk.file(
        "server.log.1",
        "[2026-11-01 09:00:00,000] ERROR [ReplicaFetcherThread-0-1], Current offset 5000 for partition [orders,1] out of range; reset offset to 3000 (kafka.server.ReplicaFetcherThread)\n",
    );
    let topics = desk.file(
        "topics.txt",
        "Topic: orders\tPartitionCount: 3\tReplicationFactor: 2\tConfigs: \n\tTopic: orders\tPartition: 2\tLeader: 1\tReplicas: 1,2\tIsr: 1\n",
    );
    let brought = [
        "--du-transcript",
        &du,
        "--log",
        &format!("broker-b={log}"),
        "--kafka-topics",
        &topics,
        "--format",
        "json",
    ];
    let common = ["-i", &inventory];
    for command in [&["audit"][..], &["run", AUDIT]] {
        let alone = run(command.iter().chain(&common).chain(&["--format", "json"])).exits(0).json();
        assert_eq!(alone["hosts"].as_array().unwrap().len(), 2);
        // What nobody looked at on the third broker is missing, whatever else is critical.
        let report = run(command.iter().chain(&common).chain(&brought)).exits(2).json();
        let found = |code: &str| {
            let all = report["findings"].as_array().unwrap();
            all.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("no {code} in {all:#?}"))
        };
        let shows = |code: &str, host: &str, file: &str, line: u64| {
            let evidence = found(code)["evidence"].as_array().unwrap();
            let place = |one: &Value| one["host"] == host && one["file"] == file && one["line"] == line;
            assert!(evidence.iter().any(place), "{code}: {evidence:#?}");
        };
        assert_eq!(found("data-lost")["lost_total"], 2000);
        shows("data-lost", "broker-b", &log, 1);
        shows("replica-lagging", "kafka-topics", &topics, 2);
        shows("replica-extra", "broker-c", &du, 3);
        // Beside what this visit saw of the same replica.
        let extra = found("replica-extra")["evidence"].to_string();
        assert!(extra.contains("broker-a") && extra.contains("100.0 MiB"), "{extra}");
        assert_eq!(found("probe-incomplete")["title"], "Of broker-c only what was brought is known");
    }
}
