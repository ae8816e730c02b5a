//! What else a broker's machine holds: the process as /proc shows it, its settings, log4j's set-up.
//!
//! A node of the demo is a directory, so its /proc is one too: discovery looks below the root that the
//! node's environment names, and never sees what really runs on this machine.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use jiff::Timestamp;

use super::incident::{Broker, FOLLOWER_ID};
use super::replicas::{moment, put};
use super::server_log::{NEW, OLD, RESTART};

const PID: u32 = 4711;
/// When the machines were started, seconds since 1970: 2017-03-19 00:00 UTC.
const BOOT: u64 = 1_489_881_600;

/// Kafka's own log4j.properties of 0.10.1, shortened to the files that the incident has.
const LOG4J: &str = "\
log4j.rootLogger=INFO, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.appender.kafkaAppender.File=${kafka.logs.dir}/server.log
log4j.appender.kafkaAppender.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.appender.cleanerAppender.File=${kafka.logs.dir}/log-cleaner.log
log4j.appender.cleanerAppender.layout.ConversionPattern=[%d] %p %m (%c)%n
";

/// Writes all of it into a node's directory.
pub(super) fn write(sandbox: &Path, broker: &Broker) -> io::Result<()> {
    let etc = sandbox.join("services/etc/kafka");
    let process = sandbox.join("proc").join(PID.to_string());
    for dir in [etc.clone(), process.join("fd"), sandbox.join("proc/1"), sandbox.join("proc/sys/vm")] {
        fs::create_dir_all(dir)?;
    }
    put(&etc.join("log4j.properties"), LOG4J, None)?;
    put(&etc.join("server.properties"), &settings(broker), None)?;
    let restarted = broker.id == FOLLOWER_ID;
    let (version, _) = if restarted { NEW } else { OLD };
    let arguments = [
        "java",
        "-Xmx6g",
        "-Dkafka.logs.dir=/services/log/kafka",
        "-Dlog4j.configuration=file:/services/etc/kafka/log4j.properties",
        "-cp",
        &format!("/opt/kafka/libs/kafka_2.11-{version}.jar:/opt/kafka/libs/kafka-clients-{version}.jar"),
        "kafka.Kafka",
        "/services/etc/kafka/server.properties",
        "",
    ];
    put(&process.join("cmdline"), &arguments.join("\0"), None)?;
    let (day, at) = if restarted { ("2017-04-03", RESTART.end) } else { ("2017-03-20", 8 * 3_600_000) };
    let since = moment(day, at).and_then(|at| Timestamp::try_from(at).ok()).map_or(0, |at| at.as_second());
    let ticks = since.unsigned_abs().saturating_sub(BOOT) * 100;
    let fields = ["0"; 18].join(" ");
    put(&process.join("stat"), &format!("{PID} (java) S {fields} {ticks} 0 0\n"), None)?;
    put(
        &process.join("limits"),
        "Max open files            100000               100000               files\n",
        None,
    )?;
    put(&process.join("cgroup"), "1:name=systemd:/system.slice/kafka.service\n", None)?;
    put(&process.join("maps"), &"7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n".repeat(310), None)?;
    symlink("/", process.join("cwd"))?;
    for descriptor in 0..210 {
        symlink("/services/kafka", process.join("fd").join(descriptor.to_string()))?;
    }
    put(&sandbox.join("proc/1/stat"), "1 (systemd) S 0\n", None)?;
    put(&sandbox.join("proc/stat"), &format!("btime {BOOT}\n"), None)?;
    put(&sandbox.join("proc/sys/vm/max_map_count"), "65530\n", None)
}

/// A password stands among them, as in life: it must never leave the node.
fn settings(broker: &Broker) -> String {
    format!(
        "# queue cluster\nbroker.id={}\nlog.dirs=/services/kafka\nlog.retention.hours=168\nlog.cleanup.policy=delete\n\
         default.replication.factor=2\nnum.replica.fetchers=4\nreserved.broker.max.id=2147483647\n\
         zookeeper.connect=10.200.8.10:2181/queue\nssl.keystore.password=not-to-be-seen\n",
        broker.id
    )
}
