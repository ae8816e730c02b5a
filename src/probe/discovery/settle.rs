//! From what a node showed to its brokers: what was seen, what was concluded, what is missing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Found, Given, Kind, LOOKED_FOR, NOTHING_HERE, Section, Seen, log4j, read};
use crate::round::{Broker, Coverage};
use crate::shell::answer::Answer;

/// Kafka's files whose lines are looked at besides `server.log` (config/log4j.properties, config/log4j2.yaml).
const OTHER_LOGS: [&str; 4] =
    ["log-cleaner.log*", "controller.log*", "state-change.log*", "kafkaServer.out*"];

/// Logs that say nothing of the state of replicas.
const DULL: [&str; 4] = ["kafka-request", "kafka-authorizer", "gc.log", "audit"];

/// The brokers of a node, and what the look for them lacks.
pub fn settle(answer: &Answer, given: &Given, limit_seconds: u64) -> (Vec<Found>, Vec<Coverage>) {
    let seen = read(answer);
    let mut found = candidates(&seen);
    if found.is_empty() && !given.log_dirs.is_empty() {
        found.push(Found::default());
    }
    let several = found.len() > 1;
    for one in &mut found {
        if one.broker.running.is_none() {
            one.broker.running = seen.processes_seen.then_some(false);
        }
        one.broker.oom_kills = seen.oom.iter().map(|line| dated(line, seen.boot)).collect();
        // A variable of the host can't say which of several brokers it means.
        if !several {
            overridden(one, given);
        }
        logs(one, &seen, given, several);
        gaps(one);
    }
    claimed_twice(&mut found);
    let mut coverage = Vec::new();
    if let Some(why) = answer.why_cut(limit_seconds).or_else(|| (!seen.whole).then(|| ended_early(answer))) {
        let row =
            if found.is_empty() { Coverage::none("kafka", why) } else { Coverage::partial("kafka", why) };
        coverage.push(row);
    } else if found.is_empty() && nothing_here(&seen, given) {
        coverage.push(Coverage { reason: Some(NOTHING_HERE.to_owned()), ..Coverage::complete("kafka") });
    } else if found.is_empty() {
        coverage.push(Coverage::none("kafka", LOOKED_FOR));
    }
    (found, coverage)
}

/// Whether the machine has no Kafka: all processes and places could be seen, none shows any, and no variable of the
/// inventory says that there is some. A package that was never set up is some.
fn nothing_here(seen: &Seen, given: &Given) -> bool {
    seen.root
        && seen.processes_seen
        && seen.sections.is_empty()
        && seen.logs.is_empty()
        && *given == Given::default()
}

fn ended_early(answer: &Answer) -> String {
    let said = crate::shell::answer::lines(&answer.stderr).last().map(|line| line.into_owned());
    said.map_or_else(
        || "the node's answer ends early".to_owned(),
        |said| format!("the node's answer ends early: {said}"),
    )
}

/// Processes; units without one; and, where there is neither, what is installed or lies about.
fn candidates(seen: &Seen) -> Vec<Found> {
    let of = |kind: Kind| seen.sections.iter().filter(move |section| section.kind == kind);
    let mut found: Vec<Found> = of(Kind::Process).map(broker).collect();
    let running = found.len();
    for section in of(Kind::Unit) {
        let one = broker(section);
        let claimed = found.iter().any(|other| {
            other.broker.unit == one.broker.unit
                || (other.broker.config_file.is_some() && other.broker.config_file == one.broker.config_file)
        });
        // A unit of a package that was never set up has no log dir.
        let set_up =
            section.first("e").is_some() || section.first("f").is_some_and(|f| f.starts_with("unreadable"));
        if !claimed
            && (set_up || running == 0 && !one.broker.log_dirs.is_empty() && section.first("f").is_none())
        {
            found.push(one);
        }
    }
    if !found.is_empty() {
        return found;
    }
    let versions: Vec<&str> = of(Kind::Install).flat_map(|section| section.all("V")).collect();
    for section in of(Kind::Config).filter(|section| section.all("e").any(|dir| dir.starts_with("meta "))) {
        let mut one = broker(section);
        if found.iter().any(|other| other.broker.log_dirs.iter().any(|dir| one.broker.log_dirs.contains(dir)))
        {
            continue;
        }
        if one.broker.version.is_none() {
            version_on_disk(&mut one.broker, versions.iter().copied());
        }
        one.broker
            .guessed
            .push(("config_file".into(), "a usual place; no process and no unit names it".into()));
        found.push(one);
    }
    // Log dirs that no configuration named: those of one id belong together.
    let known: BTreeSet<String> = found.iter().flat_map(|one| one.broker.log_dirs.clone()).collect();
    let mut by_id: BTreeMap<Option<i64>, Found> = BTreeMap::new();
    for section in of(Kind::Data) {
        let root = section.first("r").map(str::to_owned);
        let path = below(root.as_deref(), &section.name);
        if known.contains(&path) {
            continue;
        }
        let word = |key: &str| {
            section.all("i").find_map(|line| line.split_once(['=', ':']).filter(|(name, _)| *name == key))
        };
        let id = word("node.id").or_else(|| word("broker.id")).and_then(|(_, id)| id.parse().ok());
        // One id is one broker: a directory that its settings no longer name was one of its log dirs.
        let same = |one: &&mut Found| id.is_some() && one.broker.id == id && one.broker.root == root;
        if let Some(owner) = found.iter_mut().find(same) {
            let why = format!("{path} has a meta.properties of the same id and is not in log.dirs");
            owner.broker.guessed.push(("log_dirs".into(), why));
            continue;
        }
        let one = by_id.entry(id).or_insert_with(|| {
            let mut broker = Broker { id, root, ..Broker::default() };
            broker.guessed.push(("log_dirs".into(), "a usual place that holds a meta.properties".into()));
            version_on_disk(&mut broker, versions.iter().copied());
            Found { broker, ..Found::default() }
        });
        one.broker.log_dirs.push(path);
    }
    found.extend(by_id.into_values());
    found
}

/// A path of a process that lives below a root of its own.
fn below(root: Option<&str>, path: &str) -> String {
    format!("{}{}", root.unwrap_or("").trim_end_matches('/'), path)
}

/// One section as a broker.
fn broker(section: &Section) -> Found {
    let mut broker = Broker { root: section.first("r").map(str::to_owned), ..Broker::default() };
    let mut gaps = Vec::new();
    let number = |letter: &str| section.first(letter).and_then(|value| value.trim().parse::<u64>().ok());
    match section.kind {
        Kind::Process => {
            broker.pid = section.name.parse().ok();
            broker.running = Some(true);
            broker.unit = section.first("g").map(str::to_owned);
            broker.started = section.first("T").and_then(started);
            broker.open_files = number("n");
            broker.open_files_limit = number("N");
            broker.maps = number("m");
            broker.maps_limit = number("M");
        }
        Kind::Unit => broker.unit = Some(section.name.clone()),
        Kind::Install | Kind::Config | Kind::Data => {}
    }
    let root = broker.root.clone();
    // Later settings stand above earlier ones, those of the command line above those of the file.
    for line in section.all("s").chain(section.all("O")) {
        if let Some((key, value)) = line.split_once('=') {
            broker.settings.insert(key.to_owned(), unescaped(value));
        }
    }
    let config = section.first("f").and_then(|line| line.split_once(' '));
    broker.config_file = config.map(|(_, path)| below(root.as_deref(), path));
    let readable = matches!(config, Some(("readable", _)));
    if section.first("r!").is_some() {
        let why = "its process lives in a container, whose files only root can reach: become root with -b";
        gaps.push(Coverage::none("kafka", why));
    } else if let Some((how @ ("unreadable" | "missing"), path)) = config {
        let why = match how {
            "unreadable" => "not readable by this user: become root with -b, or set kafka_log_dirs",
            _ => "the process names it and it is not there: set kafka_log_dirs",
        };
        gaps.push(Coverage::none(below(root.as_deref(), path), why));
    }
    let setting =
        |key: &str| broker.settings.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let id = setting("node.id").or_else(|| setting("broker.id")).and_then(|id| id.parse::<i64>().ok());
    let rack = setting("broker.rack").map(str::to_owned);
    let metadata = setting("metadata.log.dir").map(|dir| below(root.as_deref(), dir));
    let dirs = setting("log.dirs").or_else(|| setting("log.dir")).map(str::to_owned);
    let roles: Vec<String> = setting("process.roles").map(words).unwrap_or_default();
    // -1 asks the cluster for an id; meta.properties has it.
    broker.id = id.filter(|id| *id >= 0);
    broker.rack = rack;
    broker.metadata_dir = metadata;
    broker.roles = roles;
    if broker.roles.is_empty() && (readable || section.kind == Kind::Process) {
        broker.roles.push("broker".to_owned());
        if !readable {
            broker.guessed.push(("roles".into(), "its settings could not be read".into()));
        }
    }
    match dirs {
        Some(dirs) => broker.log_dirs = words(&dirs).iter().map(|dir| below(root.as_deref(), dir)).collect(),
        None if readable => {
            broker.log_dirs = vec![below(root.as_deref(), "/tmp/kafka-logs")];
            broker.guessed.push(("log_dirs".into(), "log.dirs is not set: Kafka's default".into()));
        }
        None => {}
    }
    match section.first("v") {
        Some(version) => apache(&mut broker, version),
        None => version_on_disk(&mut broker, section.all("V")),
    }
    let dir = section.first("d");
    let log4j = log4j::read(section.all("p"), dir);
    broker.log_layout = log4j.layout;
    let main = log4j.files.iter().find(|file| file.ends_with("/server.log")).or(log4j.files.first());
    broker.logs_dir = main.and_then(|file| file.rsplit_once('/')).map(|(dir, _)| dir.to_owned());
    if broker.logs_dir.is_none() {
        broker.logs_dir = dir.filter(|dir| dir.starts_with('/')).map(str::to_owned);
    }
    if broker.logs_dir.is_none()
        && let Some(home) = section.first("L").and_then(|line| line.split_once(' '))
        && home.0.parse::<u32>().is_ok_and(|files| files > 0)
    {
        broker.logs_dir = Some(home.1.to_owned());
        broker.guessed.push(("logs_dir".into(), "the installation's own directory of logs".into()));
    }
    broker.logs_dir = broker.logs_dir.map(|dir| below(root.as_deref(), &dir));
    // A configuration that was read and names no file: all goes to standard output.
    let console = log4j.files.is_empty() && broker.log_layout.is_some() && section.first("l").is_some();
    let wanted = |file: &&String| !DULL.iter().any(|dull| file.contains(dull));
    let files =
        log4j.files.iter().filter(wanted).map(|file| below(root.as_deref(), &format!("{file}*"))).collect();
    let zone = section.first("z").map(str::to_owned);
    Found { broker, logs: files, console, gaps, zone, ..Found::default() }
}

fn words(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect()
}

/// Java properties escape what they use themselves.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

/// `ticks-since-boot boot hertz`.
fn started(line: &str) -> Option<Timestamp> {
    let mut words = line.split(' ').map(|word| word.parse::<i64>().ok());
    let (ticks, boot, hertz) = (words.next()??, words.next()??, words.next()??);
    let since = ticks.checked_div(hertz.max(1))?;
    Timestamp::from_second(boot.checked_add(since)?).ok()
}

/// A version as jars have it. Confluent counts its own: 5.0 is Kafka 2.0, 6.0 is 2.6, 7.0 is 3.0, 8.0 is 4.0.
fn apache(broker: &mut Broker, version: &str) {
    let (number, vendor) = match version.split_once('-') {
        Some((number, rest))
            if rest.starts_with("ccs") || rest.starts_with("ce") || rest.starts_with("cp") =>
        {
            (number, true)
        }
        _ => (version, false),
    };
    if !vendor {
        broker.version = (!version.is_empty()).then(|| version.to_owned());
        return;
    }
    let mut parts = number.split('.').map(|part| part.parse::<u32>().ok());
    let of = match (parts.next().flatten(), parts.next().flatten()) {
        (Some(3), Some(minor @ 0..=2)) => Some(format!("0.10.{minor}")),
        (Some(3), Some(3)) => Some("0.11.0".to_owned()),
        (Some(4), Some(minor)) => Some(format!("1.{minor}")),
        (Some(5), Some(minor)) => Some(format!("2.{minor}")),
        (Some(6), Some(minor)) => Some(format!("2.{}", minor.saturating_add(6))),
        (Some(major @ 7..), Some(minor)) => Some(format!("{}.{minor}", major - 4)),
        _ => None,
    };
    broker.version = of;
    broker.guessed.push(("version".into(), format!("Confluent {version}; its patch level is not Kafka's")));
}

/// The newest of some jars. What runs may be older: it was started before they were put there.
fn version_on_disk<'a>(broker: &mut Broker, jars: impl Iterator<Item = &'a str>) {
    let of_jar = |jar: &'a str| {
        let version = jar.strip_suffix(".jar")?.strip_prefix("kafka_2.")?.split_once('-')?.1;
        let extra = ["test", "sources", "javadoc", "scaladoc"].iter().any(|extra| version.ends_with(extra));
        (!extra).then_some(version)
    };
    let key = |version: &&str| -> Vec<u32> {
        version.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect()
    };
    let Some(version) = jars.filter_map(of_jar).max_by_key(key) else { return };
    apache(broker, version);
    if !broker.guessed.iter().any(|(field, _)| field == "version") {
        broker.guessed.push(("version".into(), "the jars on disk".into()));
    }
}

/// The inventory's word.
fn overridden(one: &mut Found, given: &Given) {
    let broker = &mut one.broker;
    if !given.log_dirs.is_empty() {
        broker.log_dirs.clone_from(&given.log_dirs);
        broker.guessed.retain(|(field, _)| field != "log_dirs");
    }
    if let Some(dir) = &given.logs_dir {
        if broker.logs_dir.as_ref() != Some(dir) {
            one.logs.clear();
        }
        broker.logs_dir = Some(dir.clone());
        broker.guessed.retain(|(field, _)| field != "logs_dir");
    }
    broker.id = broker.id.or(given.broker_id);
}

/// The log files to look at.
fn logs(one: &mut Found, seen: &Seen, given: &Given, several: bool) {
    let broker = &mut one.broker;
    if broker.logs_dir.is_none() && broker.unit.is_none() && given.logs_dir.is_none() && !several {
        broker.logs_dir = seen.logs.first().map(|dir| below(broker.root.as_deref(), dir));
        if broker.logs_dir.is_some() {
            broker.guessed.push(("logs_dir".into(), "a usual place that holds a server.log".into()));
        }
    }
    let Some(dir) = &broker.logs_dir else { return };
    let others: Vec<String> = OTHER_LOGS.iter().map(|name| format!("{dir}/{name}")).collect();
    // Kafka's own start script sends standard output there.
    let main = format!("{dir}/{}*", if one.console { "kafkaServer.out" } else { "server.log" });
    if one.logs.is_empty() || one.logs.contains(&main) {
        one.logs_if_present = one.logs.iter().filter(|file| **file != main).cloned().collect();
        one.logs = vec![main];
    } else if one.logs.len() > 1 {
        one.logs_if_present = one.logs.split_off(1);
    }
    for other in others {
        if !one.logs_if_present.contains(&other) && !one.logs.contains(&other) {
            one.logs_if_present.push(other);
        }
    }
}

/// What must be known to look further and is not.
fn gaps(one: &mut Found) {
    if one.broker.log_dirs.is_empty() && one.gaps.is_empty() {
        one.gaps.push(Coverage::none("log.dirs", "not found out: set kafka_log_dirs in the inventory"));
    }
    if !one.broker.log_dirs.is_empty() {
        // Settings that could not be read were only wanted for the log dirs.
        one.gaps.retain(|row| !row.reason.as_deref().is_some_and(|why| why.contains("kafka_log_dirs")));
    }
    if one.broker.logs_dir.is_none() && one.broker.unit.is_none() {
        let why = "log4j's directory was not found, and there is no unit whose journal could be read: set kafka_logs_dir in the inventory";
        one.gaps.push(Coverage::none("log files", why));
    }
}

/// A log dir that two brokers have is locked by one of them; whose replicas they are can't be told.
fn claimed_twice(found: &mut [Found]) {
    let mut holders: BTreeMap<String, u32> = BTreeMap::new();
    for dir in found.iter().flat_map(|one| &one.broker.log_dirs) {
        let count = holders.entry(dir.clone()).or_default();
        *count = count.saturating_add(1);
    }
    for one in found {
        for dir in one.broker.log_dirs.iter().filter(|dir| holders.get(*dir).is_some_and(|count| *count > 1))
        {
            let why =
                "another broker of this machine has the same log dir: whose replicas these are can't be told";
            one.gaps.push(Coverage::partial(dir, why));
        }
    }
}

/// A line of the kernel's log with its time: `[ 123.456789] …` counts from the boot.
fn dated(line: &str, boot: Option<i64>) -> String {
    let since = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let Some((seconds, text)) = since else { return line.to_owned() };
    let at = seconds.trim().split('.').next().and_then(|seconds| seconds.parse::<i64>().ok());
    match at.zip(boot).and_then(|(at, boot)| Timestamp::from_second(boot.checked_add(at)?).ok()) {
        Some(at) => format!("{at} {}", text.trim_start()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
