//! Disks: given up, full, filling; and what else segments need.

use crate::compare::{Broker, Cluster, Partition};
use crate::diagnose::cleaner::{self, Cleaner};
use crate::diagnose::finding::{Basis, Code, EvidenceLine, Finding, Item, Severity};
use crate::diagnose::view::{Moment, View, finding, lines_of, of_broker, on_disk};
use crate::kafka::event::{Class, IoCause};
use crate::round::{Access, Evidence, Mount, Thresholds};
use crate::words;

/// Share of open files, or of memory maps, from which on they run short.
pub const FILES_TIGHT: f64 = 0.8;
/// The same, where the next segments may already fail.
pub const FILES_FULL: f64 = 0.95;

/// Goes through a cluster's brokers.
pub fn all(view: &View<'_>, cluster: &Cluster, findings: &mut Vec<Finding>) {
    let limits = view.limits(cluster);
    for (at, broker) in cluster.brokers.iter().enumerate() {
        findings.extend(offline(view, cluster, broker));
        let mounts = mounts(view, broker);
        findings.extend(full(view, cluster, broker, &mounts, &limits));
        findings.extend(filling(view, cluster, at, broker, &mounts, &limits));
    }
}

/// What a line says of a log dir that the broker gave up.
fn given_up(class: &Class) -> Option<(Option<&str>, String)> {
    Some(match class {
        Class::LogDirFailed { dir, operation, .. } => {
            (Some(dir.as_str()), format!("error while {operation}"))
        }
        Class::CheckpointFailed { path, .. } => {
            // Some lines name the file, some the directory.
            let of_file = path.rsplit_once('/').filter(|(_, name)| name.contains("checkpoint"));
            (
                Some(of_file.map_or(path.as_str(), |(dir, _)| dir)),
                "a checkpoint could not be read or written".to_owned(),
            )
        }
        Class::ServingStopped { dir } | Class::PartitionsOffline { dir, .. } => {
            (Some(dir.as_str()), "not served any more".to_owned())
        }
        Class::AllLogDirsFailed { dirs } => {
            (Some(dirs.as_str()), "the broker stopped: no log dir is left".to_owned())
        }
        Class::HaltedOnIo { .. } => (None, "the broker stopped at an I/O error".to_owned()),
        Class::IoError { .. } => (None, "I/O error".to_owned()),
        Class::CleanerIo { dir, .. } => (Some(dir.as_str()), "the cleaner met an I/O error".to_owned()),
        Class::LockTaken { dir } => (Some(dir.as_str()), "another process holds it".to_owned()),
        Class::FilesExhausted => (None, "too many open files".to_owned()),
        _ => return None,
    })
}

/// What the operating system said when a read or write failed.
fn cause(class: &Class) -> Option<IoCause> {
    match class {
        Class::FilesExhausted => Some(IoCause::Files),
        Class::DiskFull => Some(IoCause::Full),
        Class::LogDirFailed { cause, .. }
        | Class::CheckpointFailed { cause, .. }
        | Class::HaltedOnIo { cause }
        | Class::CleanerIo { cause, .. } => *cause,
        Class::IoError { cause } => Some(*cause),
        _ => None,
    }
}

/// A cause in words, and what to look at where it is the disk's own.
fn in_words(cause: IoCause, host: &str) -> (&'static str, Option<String>) {
    let kernel = || {
        Some(format!(
            "`dmesg -T | tail -n 50` on {host}: the kernel says what the disk did. Check the file system before it is written to again."
        ))
    };
    let owner = || {
        Some(format!(
            "See on {host} who may write there: `ls -ld` and `lsattr -d` of the directory and its files, and the user that the broker runs as."
        ))
    };
    match cause {
        IoCause::Full => ("no space left on the device", None),
        IoCause::Quota => ("disk quota exceeded", None),
        IoCause::Device => ("input/output error", kernel()),
        IoCause::ReadOnly => ("the file system is read-only", kernel()),
        IoCause::FileSystem => ("the file system is damaged", kernel()),
        IoCause::Stale => ("stale file handle", None),
        IoCause::Files => ("too many open files", None),
        IoCause::Maps => ("no memory map left", None),
        IoCause::Denied => ("permission denied", owner()),
        IoCause::Malformed => (
            "a checkpoint file is damaged",
            Some(format!(
                "The disk may be well: with {host}'s broker stopped, move the file that the evidence names away (`mv`, and keep it). Kafka makes it anew at its start: high watermarks begin at 0 and catch up, logs are recovered or cleaned from their beginning, which takes time."
            )),
        ),
        IoCause::Missing => (
            "a file was gone",
            Some(format!(
                "Files went away under the running broker: find out on {host} what removed them (a clean-up job, somebody who made room, a mount that went) before it is started. It fetches a replica whose directory is gone anew, where another replica is in sync."
            )),
        ),
    }
}

/// What the process ran out of where its disk is well: what to raise.
fn ran_out(class: &Class) -> Option<&'static str> {
    match cause(class)? {
        IoCause::Files => {
            Some("open files (LimitNOFILE of the unit or ulimit -n; Kafka's advice is 100,000)")
        }
        IoCause::Maps => Some("memory maps (sysctl vm.max_map_count; a segment takes two)"),
        _ => None,
    }
}

/// What follows once the cause is mended.
const AFTERWARDS: [&str; 2] = [
    "See that the partitions have other replicas in sync, then restart the broker: a directory stays offline until then.",
    "Do not restart the brokers that hold the remaining replicas.",
];

/// `log-dir-offline`: a broker gave up a log dir.
///
/// It holds until the broker restarts: nothing puts a directory back before
/// (kafka.server.LogDirFailureChannel, KIP-112). Up to 0.11 the broker stops at once instead.
fn offline(view: &View<'_>, cluster: &Cluster, broker: &Broker) -> Option<Finding> {
    let host = &broker.host;
    let log = view.log(host);
    let mut told: Vec<(&Moment<'_>, Option<String>, String)> = log
        .iter()
        .filter_map(|moment| {
            let (dir, why) = given_up(&moment.event.class)?;
            Some((moment, dir.map(str::to_owned), why))
        })
        .collect();
    // KRaft's controller heard of it: in its own log, with the broker's id.
    let heard = view.comparison.events.iter().filter(|event| {
        matches!(event.class, Class::DirsOffline { broker: id, .. } if broker.id == Some(id))
            && cluster.brokers.iter().any(|other| other.host == event.host)
    });
    let heard: Vec<_> = heard.collect();
    let gone: Vec<String> = missing_dirs(view, broker);
    let open = |moment: &Moment<'_>| !view.started_after(moment);
    let severe = told.iter().any(|(moment, ..)| open(moment)) || !gone.is_empty();
    if told.is_empty() && gone.is_empty() && heard.is_empty() {
        return None;
    }
    // The controller's line alone: whether the broker started since stands in its own log.
    let heard_open = told.is_empty()
        && heard.iter().any(|event| {
            let starts = log.iter().filter(|moment| matches!(moment.event.class, Class::Started { .. }));
            !starts.filter_map(|moment| moment.event.at).any(|at| event.at.is_some_and(|told| at > told))
        });
    let severe = severe || heard_open;
    if severe {
        told.retain(|(moment, ..)| open(moment));
    }
    let mut dirs: Vec<&str> = words::once(told.iter().filter_map(|(_, dir, _)| dir.as_deref()));
    dirs.extend(gone.iter().map(String::as_str));
    let what = if dirs.is_empty() { "a log dir".to_owned() } else { words::list(&dirs) };
    let why = told.iter().find_map(|(moment, ..)| cause(&moment.event.class)).map(|why| in_words(why, host));
    let said = why.as_ref().map(|(said, _)| format!(": {said}")).unwrap_or_default();
    let title = match (severe, told.first()) {
        (true, Some((moment, ..))) => format!("{host} gave up {what} at {}{said}", moment.event.at_raw),
        (true, None) if !gone.is_empty() => format!("{host} has no log dir {what}, which its settings name"),
        (true, None) => format!("The controller knows a log dir of {host} as offline"),
        (false, _) => format!("{host} gave up {what}, and has started since"),
    };
    let severity = if severe { Severity::Critical } else { Severity::Notice };
    let mut found = finding(Code::LogDirOffline, severity, of_broker(cluster, host), title);
    let limit = told.iter().find_map(|(moment, ..)| ran_out(&moment.event.class));
    if let Some(limit) = limit.filter(|_| severe) {
        found.meaning = format!(
            "The disk may be well: the broker ran out of {limit}. Kafka takes a file that it cannot open for a failed disk and serves the directory no more; with its last directory it stops."
        );
        let raise =
            format!("Raise the limit on {host}, and on its peers, which have as many files: {limit}.");
        found.next_steps = [raise].into_iter().chain(AFTERWARDS.map(str::to_owned)).collect();
    }
    if let Some((_, Some(look))) = why.filter(|_| severe) {
        found.next_steps = [look].into_iter().chain(AFTERWARDS.map(str::to_owned)).collect();
    }
    found.items = told.iter().map(|(_, dir, why)| Item::host(host, dir.clone(), why.clone())).collect();
    found.items.dedup();
    found
        .items
        .extend(gone.iter().map(|dir| Item::host(host, Some(dir.clone()), "it does not exist".to_owned())));
    found.items.extend(heard.iter().map(|event| Item::host(host, None, event.text.to_owned())));
    let events = || told.iter().map(|(moment, ..)| moment.event).chain(heard.iter().copied());
    let lines = events().flat_map(lines_of).collect();
    Some(found.seen(events()).show(lines))
}

/// Log dirs that the broker's own settings name and that are not there: not mounted, most likely.
fn missing_dirs(view: &View<'_>, broker: &Broker) -> Vec<String> {
    let Some(visit) = view.visit(broker) else { return Vec::new() };
    let Some(settings) = visit.broker.as_ref().filter(|broker| broker.running == Some(true)) else {
        return Vec::new();
    };
    if settings.guessed.iter().any(|(field, _)| field == "log_dirs") {
        return Vec::new();
    }
    let named = |path: &str| {
        settings.log_dirs.iter().any(|dir| dir.trim_end_matches('/') == path.trim_end_matches('/'))
    };
    let dirs = visit.facts.iter().flat_map(|facts| &facts.log_dirs);
    dirs.filter(|dir| dir.access == Access::Missing && named(&dir.path)).map(|dir| dir.path.clone()).collect()
}

/// The mounts that were looked at, each once.
fn mounts<'a>(view: &View<'a>, broker: &Broker) -> Vec<&'a Mount> {
    let mut mounts: Vec<&Mount> = Vec::new();
    for answer in view.visit(broker).into_iter().flat_map(|visit| &visit.probes) {
        let Evidence::DiskFree(all) = &answer.evidence else { continue };
        for mount in all {
            // A file system of no size (proc, an automount) cannot fill.
            if mount.size_bytes > 0 && !mounts.iter().any(|known| known.mount == mount.mount) {
                mounts.push(mount);
            }
        }
    }
    mounts
}

/// Percent in use, as `df` has it: what is reserved for root counts on neither side.
fn used(mount: &Mount) -> f64 {
    let all = mount.used_bytes.saturating_add(mount.available_bytes);
    if all == 0 { 0.0 } else { mount.used_bytes as f64 / all as f64 * 100.0 }
}

/// Percent of inodes in use.
fn used_inodes(mount: &Mount) -> Option<f64> {
    let (all, free) = (mount.inodes.filter(|all| *all > 0)?, mount.inodes_free?);
    Some(all.saturating_sub(free) as f64 / all as f64 * 100.0)
}

/// What is the matter with a mount from a percentage on.
fn tight(mount: &Mount, percent: f64) -> Option<String> {
    let (space, inodes) = (used(mount), used_inodes(mount));
    if space >= percent {
        return Some(format!("{space:.0} % full, {} left", words::bytes(mount.available_bytes)));
    }
    let inodes = inodes.filter(|inodes| *inodes >= percent)?;
    Some(format!("{inodes:.0} % of its inodes used, {} left", words::count(mount.inodes_free.unwrap_or(0))))
}

fn mount_line(host: &str, mount: &Mount) -> EvidenceLine {
    let text = format!(
        "{} on {}: {} of {} used, {} available",
        mount.device,
        mount.mount,
        words::bytes(mount.used_bytes),
        words::bytes(mount.size_bytes),
        words::bytes(mount.available_bytes)
    );
    on_disk(host, None, text)
}

/// Whether a line says that a write failed for want of space.
fn no_space(class: &Class) -> bool {
    matches!(cause(class), Some(IoCause::Full | IoCause::Quota))
}

/// `disk-full`: a write failed for want of space, or the next ones will.
fn full(
    view: &View<'_>,
    cluster: &Cluster,
    broker: &Broker,
    mounts: &[&Mount],
    limits: &Thresholds,
) -> Option<Finding> {
    let host = &broker.host;
    let now: Vec<(&&Mount, String)> =
        mounts.iter().filter_map(|mount| Some((mount, tight(mount, limits.disk_full)?))).collect();
    let failed: Vec<&Moment<'_>> = view
        .log(host)
        .iter()
        .filter(|moment| no_space(&moment.event.class) && !view.started_after(moment))
        .collect();
    let title = match (now.first(), failed.first()) {
        (Some((mount, why)), _) => format!("{} of {host} is {why}", mount.mount),
        (None, Some(moment)) => format!("A disk of {host} was full at {}", moment.event.at_raw),
        (None, None) => return None,
    };
    let mut found = finding(Code::DiskFull, Severity::Critical, of_broker(cluster, host), title);
    found.items = now
        .iter()
        .map(|(mount, why)| Item::host(host, Some(mount.mount.clone()), why.clone()))
        .chain(
            failed
                .first()
                .map(|moment| Item::host(host, None, format!("no space at {}", moment.event.at_raw))),
        )
        .collect();
    if let Some((mount, _)) = now.iter().find(|(mount, _)| used(mount) < limits.disk_full) {
        found.next_steps = no_inodes(&mount.mount);
    }
    let lines = now.iter().map(|(mount, _)| mount_line(host, mount));
    let lines = lines.chain(failed.iter().flat_map(|moment| lines_of(moment.event))).collect();
    Some(found.seen(failed.iter().map(|moment| moment.event)).show(lines))
}

/// What to do where there is space, but no inode for another file.
fn no_inodes(mount: &str) -> Vec<String> {
    vec![
        format!(
            "Find where the files are: `find {mount} -xdev -type f | sed 's,/[^/]*$,,' | sort | uniq -c | sort -n | tail`. A segment is three files or more."
        ),
        "Remove what is none of Kafka's; let topics that roll often have larger segments (segment.bytes, segment.ms)."
            .to_owned(),
        "Then restart the broker if it has given the directory up.".to_owned(),
        "Do not delete segments of a running broker; delete whole topics or lower retention.".to_owned(),
    ]
}

/// `disk-filling`: space, inodes, open files or memory maps run short.
///
/// A segment takes two or three open files and, in its indexes, two memory maps.
fn filling(
    view: &View<'_>,
    cluster: &Cluster,
    at: usize,
    broker: &Broker,
    mounts: &[&Mount],
    limits: &Thresholds,
) -> Option<Finding> {
    let host = &broker.host;
    let mut items = Vec::new();
    let mut lines = Vec::new();
    let mut severity = Severity::Warning;
    let mut basis = Basis::Observed;
    for mount in mounts.iter().filter(|mount| tight(mount, limits.disk_full).is_none()) {
        if let Some(why) = tight(mount, limits.disk_filling) {
            items.push((Some(mount.mount.clone()), why));
            lines.push(mount_line(host, mount));
        } else if let Some((rate, days)) = days_left(view, cluster, at, broker, mount)
            && days < limits.disk_days
        {
            basis = Basis::Inferred;
            let why = format!(
                "full in {days:.1} days at {} a day, uncleaned; {} left",
                words::bytes(rate),
                words::bytes(mount.available_bytes)
            );
            items.push((Some(mount.mount.clone()), why));
            lines.push(mount_line(host, mount));
        }
    }
    let process = view.visit(broker).and_then(|visit| visit.broker.as_ref());
    if let Some(process) = process {
        let counted = [
            ("open files", process.open_files, process.open_files_limit),
            ("memory maps", process.maps, process.maps_limit),
        ];
        for (what, used, limit) in counted {
            let (Some(used), Some(limit)) = (used, limit.filter(|limit| *limit > 0)) else { continue };
            let share = used as f64 / limit as f64;
            if share < FILES_TIGHT {
                continue;
            }
            if share >= FILES_FULL {
                severity = Severity::Critical;
            }
            let why = format!("{} of {} {what}", words::count(used), words::count(limit));
            lines.push(on_disk(host, None, why.clone()));
            items.push((None, why));
        }
    }
    let (path, why) = items.first()?;
    let title = match path {
        Some(path) => format!("{path} of {host} is filling: {why}"),
        None => format!("{host} runs short: {why}"),
    };
    let mut found = finding(Code::DiskFilling, severity, of_broker(cluster, host), title);
    found.basis = basis;
    found.items = items.iter().map(|(path, why)| Item::host(host, path.clone(), why.clone())).collect();
    Some(found.show(lines))
}

/// Bytes a day by which a broker with a dead cleaner grows, and the days until the mount of its log dir is full.
fn days_left(
    view: &View<'_>,
    cluster: &Cluster,
    at: usize,
    broker: &Broker,
    mount: &Mount,
) -> Option<(u64, f64)> {
    let Cleaner::Dead(deaths) = cleaner::state(view, &broker.host) else { return None };
    let facts = view.visit(broker)?.facts.as_ref()?;
    // Of several mounts the one with the longest path holds the directory.
    if !facts.log_dirs.iter().any(|dir| dir.path.starts_with(mount.mount.as_str())) {
        return None;
    }
    let dirty = cluster
        .topics
        .iter()
        .filter(|topic| topic.compacted)
        .flat_map(|topic| topic.partitions.iter().flat_map(Partition::current))
        .filter(|replica| replica.broker == at)
        .filter_map(|replica| replica.cleanable_bytes())
        .fold(0u64, u64::saturating_add);
    let days = cleaner::days_since(view, cluster, broker, &deaths)?;
    let rate = dirty as f64 / days;
    (rate >= 1.0).then(|| (rate as u64, mount.available_bytes as f64 / rate))
}
