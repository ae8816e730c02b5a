//! What the log cleaners wrote to `log-cleaner.log`.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::incident::{Broker, Cleaner, Noise, TOPIC, TRUNCATIONS, clock, end_offset};
use super::log_file::LogFile;
use super::server_log::{END, RESTART};

const LOGGER: &str = "kafka.log.LogCleaner";
const THREAD: &str = "[kafka-log-cleaner-thread-0],";
const HOUR: u32 = clock(1, 0, 0, 0);

/// What a cleaner thread of 0.10.1.0 dies with (KAFKA-4497), below the exception's own line.
const TRACE: [&str; 18] = [
    "kafka.log.TimeIndex$$anonfun$maybeAppend$1.apply$mcV$sp(TimeIndex.scala:117)",
    "kafka.log.TimeIndex$$anonfun$maybeAppend$1.apply(TimeIndex.scala:107)",
    "kafka.log.TimeIndex$$anonfun$maybeAppend$1.apply(TimeIndex.scala:107)",
    "kafka.utils.CoreUtils$.inLock(CoreUtils.scala:234)",
    "kafka.log.TimeIndex.maybeAppend(TimeIndex.scala:107)",
    "kafka.log.LogSegment.append(LogSegment.scala:106)",
    "kafka.log.Cleaner.cleanInto(LogCleaner.scala:518)",
    "kafka.log.Cleaner$$anonfun$cleanSegments$1.apply(LogCleaner.scala:404)",
    "kafka.log.Cleaner$$anonfun$cleanSegments$1.apply(LogCleaner.scala:400)",
    "scala.collection.immutable.List.foreach(List.scala:381)",
    "kafka.log.Cleaner.cleanSegments(LogCleaner.scala:400)",
    "kafka.log.Cleaner$$anonfun$clean$4.apply(LogCleaner.scala:364)",
    "kafka.log.Cleaner$$anonfun$clean$4.apply(LogCleaner.scala:363)",
    "scala.collection.immutable.List.foreach(List.scala:381)",
    "kafka.log.Cleaner.clean(LogCleaner.scala:363)",
    "kafka.log.LogCleaner$CleanerThread.cleanOrSleep(LogCleaner.scala:239)",
    "kafka.log.LogCleaner$CleanerThread.doWork(LogCleaner.scala:218)",
    "kafka.utils.ShutdownableThread.run(ShutdownableThread.scala:63)",
];

/// Writes the current file and the one of the hour before. A file is put aside with the first
/// record of a later hour, so a dead cleaner's current file is that of the hour it died in.
pub(super) fn write(logs: &Path, broker: &Broker) -> io::Result<()> {
    let mut noise = Noise::new(u64::from(broker.id) + 1);
    let (mut before, mut current) = (LogFile::default(), LogFile::default());
    let (date, hour, percent) = match broker.cleaner {
        Cleaner::Alive => {
            at_work(&mut current, clock(14, 0, 0, 0)..RESTART.start - 16_000, 94, broker, &mut noise);
            restarted(&mut current);
            at_work(&mut current, clock(14, 17, 10, 0)..END - 14_000, 96, broker, &mut noise);
            ("2017-04-03", 14, 94)
        }
        Cleaner::Died { at: (date, at), partition, slot, reached } => {
            let hour = at / HOUR;
            at_work(&mut current, hour * HOUR..at - 20_000, reached, broker, &mut noise);
            died(&mut current, at, partition, slot);
            (date, hour, reached)
        }
    };
    at_work(&mut before, (hour - 1) * HOUR..hour * HOUR - 14_000, percent, broker, &mut noise);
    before.write(&logs.join(format!("log-cleaner.log.{date}-{:02}", hour - 1)), date)?;
    current.write(&logs.join("log-cleaner.log"), date)
}

/// One cleaning of ten seconds after the other, each up to so many percent of a log's offsets.
fn at_work(file: &mut LogFile, time: Range<u32>, percent: u64, broker: &Broker, noise: &mut Noise) {
    let mut at = time.start + 2_000;
    while at < time.end {
        // One of its own: the table is not empty, and `below` stays under its length.
        let (partition, _) = broker.replicas[noise.below(broker.replicas.len() as u64) as usize];
        cleaned(file, at, partition, end_offset(partition) * percent / 100, noise);
        at += 15_000 + noise.below(20_000) as u32;
    }
}

/// One cleaning that went well, up to offset `to`.
fn cleaned(file: &mut LogFile, at: u32, partition: u32, to: u64, noise: &mut Noise) {
    let log = format!("{TOPIC}-{partition}");
    let from = to - 20_000 - noise.below(60_000);
    let mut say = |after: u32, message: String| file.add(at + after, "INFO", &message, LOGGER);
    say(0, format!("Cleaner 0: Beginning cleaning of log {log}."));
    say(1, format!("Cleaner 0: Building offset map for {log}..."));
    say(
        240,
        format!(
            "Cleaner 0: Building offset map for log {log} for 1 segments in offset range [{from}, {to})."
        ),
    );
    say(2_900, format!("Cleaner 0: Offset map for log {log} complete."));
    say(9_400, format!("Cleaner 0: Swapping in cleaned segment 0 for segment(s) 0 in log {log}."));
    let (start, kept) = (400.0 + noise.below(600) as f64, 0.3 + noise.below(40) as f64 / 100.0);
    let messages = (to - from) as f64;
    say(10_000, format!("{THREAD} \n{}", statistics(&log, (from, to), start, kept, messages)));
}

/// The statistics of a cleaning; as in Kafka the logger follows on a line of its own.
fn statistics(log: &str, (from, to): (u64, u64), start: f64, kept: f64, messages: f64) -> String {
    let (less, seconds) = ((1.0 - kept) * 100.0, 10.0);
    let (before, after) = (thousands(messages), thousands((messages * kept).floor()));
    format!(
        "\tLog cleaner thread 0 cleaned log {log} (dirty section = [{from}, {to}])\n\
         \t{start:.1} MB of log processed in {seconds:.1} seconds ({:.1} MB/sec).\n\
         \tIndexed {start:.1} MB in 2.7 seconds ({:.1} Mb/sec, 27.0% of total time)\n\
         \tBuffer utilization: 0.4%\n\
         \tCleaned {start:.1} MB in 7.3 seconds ({:.1} Mb/sec, 73.0% of total time)\n\
         \tStart size: {start:.1} MB ({before} messages)\n\
         \tEnd size: {:.1} MB ({after} messages)\n\
         \t{less:.1}% size reduction ({less:.1}% fewer messages)\n",
        start / seconds,
        start / 2.7,
        start / 7.3,
        start * kept,
    )
}

/// A whole number with commas between thousands.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A stop and a start with the broker, and the pauses while logs are truncated.
fn restarted(file: &mut LogFile) {
    let mut say = |at: u32, message: &str| file.add(at, "INFO", message, LOGGER);
    let (stop, start) = (RESTART.start - 760, RESTART.end + 6_801);
    say(stop, "Shutting down the log cleaner.");
    say(stop + 1, &format!("{THREAD} Shutting down"));
    say(stop + 3, &format!("{THREAD} Stopped "));
    say(stop + 4, &format!("{THREAD} Shutdown completed"));
    say(start, "Starting the log cleaner");
    say(start + 2, &format!("{THREAD} Starting "));
    for reset in &TRUNCATIONS {
        let partition = reset.partition;
        say(
            reset.at - 31,
            &format!("The cleaning for partition [{TOPIC},{partition}] is aborted and paused"),
        );
        say(reset.at - 12, &format!("Compaction for partition [{TOPIC},{partition}] is resumed"));
    }
}

/// The last cleaning of a thread: it begins, and dies of KAFKA-4497.
fn died(file: &mut LogFile, at: u32, partition: u32, (slot, last): (u32, u32)) {
    let log = format!("{TOPIC}-{partition}");
    let begin = format!("Cleaner 0: Beginning cleaning of log {log}.");
    file.add(at - 6_400, "INFO", &begin, LOGGER);
    file.add(at - 6_399, "INFO", &format!("Cleaner 0: Building offset map for {log}..."), LOGGER);
    file.add(at - 2_100, "INFO", &format!("Cleaner 0: Offset map for log {log} complete."), LOGGER);
    file.add(at, "ERROR", &format!("{THREAD} Error due to "), LOGGER);
    file.append(&format!(
        "kafka.common.InvalidOffsetException: Attempt to append an offset (-1) to slot {slot} no larger than the \
         last offset appended ({last}) to /services/kafka/{log}/{:020}.timeindex.cleaned.\n",
        0
    ));
    for frame in TRACE {
        file.append(&format!("\tat {frame}\n"));
    }
    file.add(at + 4, "INFO", &format!("{THREAD} Stopped "), LOGGER);
}
