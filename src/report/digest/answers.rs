//! What `disk_free` and `command` brought, which no finding is made of: shown as it came.

use crate::report::Report;
use crate::round::{CommandOutput, Ended, Evidence, Mount};

/// Every mount that was asked about, by host and mount.
pub fn mounts<'a>(report: &'a Report) -> Vec<(&'a str, &'a Mount)> {
    let mut mounts: Vec<(&str, &Mount)> = Vec::new();
    for visit in &report.round.visits {
        for answer in &visit.probes {
            let Evidence::DiskFree(found) = &answer.evidence else { continue };
            for mount in found {
                // Two plays may ask about the same place.
                if !mounts.contains(&(visit.host.as_str(), mount)) {
                    mounts.push((&visit.host, mount));
                }
            }
        }
    }
    mounts.sort_by(|one, other| (one.0, &one.1.mount).cmp(&(other.0, &other.1.mount)));
    mounts
}

/// A mount's use in hundredths of what users may have, as `df` rounds it: up.
pub fn used_percent(mount: &Mount) -> Option<u64> {
    let all = u128::from(mount.used_bytes) + u128::from(mount.available_bytes);
    (all > 0).then(|| u64::try_from((u128::from(mount.used_bytes) * 100).div_ceil(all)).unwrap_or(100))
}

/// One answer to a command and the hosts that gave it.
pub struct Told<'a> {
    pub output: &'a CommandOutput,
    pub hosts: Vec<&'a str>,
}

/// The answers to every command, hosts with the same one together, in the order of the first host.
pub fn commands<'a>(report: &'a Report) -> Vec<Told<'a>> {
    let mut all: Vec<Told<'a>> = Vec::new();
    for visit in &report.round.visits {
        for answer in &visit.probes {
            let Evidence::Command(output) = &answer.evidence else { continue };
            match all.iter_mut().find(|told| told.output == output) {
                Some(told) if !told.hosts.contains(&visit.host.as_str()) => told.hosts.push(&visit.host),
                Some(_) => {}
                None => all.push(Told { output, hosts: vec![&visit.host] }),
            }
        }
    }
    all
}

/// How a command ended, in words; `None` where it ended well.
pub fn ended(output: &CommandOutput) -> Option<String> {
    match output.ended {
        Some(Ended::Exit(0)) => None,
        Some(Ended::Exit(status)) => Some(format!("exit status {status}")),
        Some(Ended::Deadline) => Some("stopped at its deadline".to_owned()),
        Some(Ended::Overflow) => Some("stopped: more output than the limit".to_owned()),
        Some(Ended::Stopped) => Some("stopped with the round".to_owned()),
        Some(Ended::Lost) | None => Some("no answer: the connection was lost".to_owned()),
    }
}
