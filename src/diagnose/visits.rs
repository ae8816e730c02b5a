//! What was not seen: hosts that were not reached, probes that brought back less than was asked.

use crate::diagnose::finding::{Code, Finding, HostItem, Item, Severity, Subject};
use crate::diagnose::view::{View, finding, session};
use crate::round::{CoverageStatus, Evidence, Origin, Outcome, ProbeAnswer, Round, Visit};
use crate::words;

/// Goes through the hosts of a round.
pub fn all(view: &View<'_>, findings: &mut Vec<Finding>) {
    for visit in &view.round.visits {
        match visit.outcome {
            // Left out on purpose: neither healthy nor missing.
            Outcome::Excluded => {}
            // Told below, all together.
            Outcome::Partial if visit.origin != Origin::Ssh => {}
            Outcome::HostKey if visit.host_key_changed => findings.push(host_key_changed(view, visit)),
            Outcome::Ok | Outcome::Partial => findings.extend(probe_incomplete(view, visit)),
            _ => {
                findings.push(node_unreachable(view, visit));
                findings.extend(probe_incomplete(view, visit));
            }
        }
    }
    without_kafka(view, findings);
    findings.extend(brought(view));
    clock_skew(view, findings);
}

fn subject(view: &View<'_>, visit: &Visit) -> Subject {
    let cluster = view
        .comparison
        .clusters
        .iter()
        .find(|cluster| cluster.brokers.iter().any(|broker| broker.host == visit.host));
    Subject {
        cluster: cluster.map(|cluster| cluster.name.clone()),
        broker: Some(visit.host.clone()),
        ..Subject::default()
    }
}

/// `probe-incomplete`: machines on which there is no Kafka. A notice, unless none of the round has any: whoever asks
/// for brokers and finds none has asked the wrong machines.
fn without_kafka(view: &View<'_>, findings: &mut Vec<Finding>) {
    let bare: Vec<&Visit> = view.round.visits.iter().filter(|visit| visit.without_kafka()).collect();
    let reached = view.round.visits.iter().filter(|visit| visit.outcome != Outcome::Excluded).count();
    for visit in &bare {
        let severity = if bare.len() == reached { Severity::Unknown } else { Severity::Notice };
        let title = format!("There is no Kafka on {}", visit.host);
        let mut found = finding(Code::ProbeIncomplete, severity, subject(view, visit), title);
        let rows = visit.probes.iter().flat_map(|answer| &answer.coverage);
        let reason =
            rows.filter(|row| row.path == "kafka").find_map(|row| row.reason.clone()).unwrap_or_default();
        found.meaning = "Root looked at every process, unit and usual place of this machine, and nothing of Kafka is there; nor does the inventory expect any.".to_owned();
        found.next_steps = vec![format!(
            "If there should be a broker, give {} kafka_log_dirs in the inventory; else leave it out of the pattern.",
            visit.host
        )];
        found.items = vec![host_item(visit, reason.clone())];
        findings.push(found.show(vec![session(&visit.host, reason)]));
    }
}

fn why(visit: &Visit) -> String {
    let reason = visit.reason.clone().unwrap_or_else(|| visit.outcome.word().replace('_', " "));
    match &visit.stage {
        Some(stage) => format!("{stage}: {reason}"),
        None => reason,
    }
}

fn host_item(visit: &Visit, reason: String) -> Item {
    Item::host(&visit.host, None, reason)
}

/// `host-key-changed`: the server shows another key than the one that is known.
fn host_key_changed(view: &View<'_>, visit: &Visit) -> Finding {
    let mut found = finding(
        Code::HostKeyChanged,
        Severity::Critical,
        subject(view, visit),
        format!("The host key of {} is not the one that is known", visit.host),
    );
    found.meaning =
        "The host was installed anew, another machine has its address, or somebody is in between. \
                     Nothing was sent to it, and nothing is known of its replicas."
            .to_owned();
    found.next_steps = vec![
        format!(
            "Ask whoever runs {} whether its key was changed, and compare fingerprints on its console: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.",
            visit.host
        ),
        format!("Only then: `roundsman trust {}`.", visit.host),
    ];
    found.items = vec![host_item(visit, why(visit))];
    found.show(vec![session(&visit.host, why(visit))])
}

/// `node-unreachable`: a host did not answer to the end.
fn node_unreachable(view: &View<'_>, visit: &Visit) -> Finding {
    let (what, step) = match visit.outcome {
        Outcome::HostKey => (
            "was not visited: its host key is not known",
            format!("Compare its fingerprint, then `roundsman trust {}`.", visit.host),
        ),
        Outcome::AuthFailed => {
            ("let nobody in", format!("Try the login by hand: `ssh -v {}@{}`.", visit.user, visit.address))
        }
        Outcome::Timeout => (
            "did not answer in time",
            format!("Look at its load and disks; then `roundsman check {}`.", visit.host),
        ),
        Outcome::Lost => {
            ("was lost on the way", format!("See whether it is still up: `roundsman check {}`.", visit.host))
        }
        Outcome::Interrupted => {
            ("was not done when the round was stopped", "Run the round again.".to_owned())
        }
        _ => ("was not reached", format!("See whether it is up: `roundsman check {}`.", visit.host)),
    };
    let mut found = finding(
        Code::NodeUnreachable,
        Severity::Unknown,
        subject(view, visit),
        format!("{} {what}: {}", visit.host, why(visit)),
    );
    found.meaning =
        "What this broker holds is not known: its replicas are neither healthy nor missing, and what \
                     only it could show is missing from this report."
            .to_owned();
    found.next_steps = vec![step];
    found.items = vec![host_item(visit, why(visit))];
    found.show(vec![session(&visit.host, why(visit))])
}

/// `probe-incomplete`: of some hosts only what somebody brought is known.
///
/// It holds whatever was brought: a transcript shows what was asked for at its own time, never all there is.
fn brought(view: &View<'_>) -> Option<Finding> {
    let visits: Vec<&Visit> = view
        .round
        .visits
        .iter()
        .filter(|visit| visit.outcome == Outcome::Partial && visit.origin != Origin::Ssh)
        .collect();
    let items: Vec<HostItem> = visits
        .iter()
        .flat_map(|visit| visit.probes.iter().flat_map(|answer| gaps(view.round, visit, answer)))
        .collect();
    let first = visits.first().filter(|_| !items.is_empty())?;
    let hosts = words::once(visits.iter().map(|visit| visit.host.as_str()));
    let mut found = finding(
        Code::ProbeIncomplete,
        Severity::Unknown,
        Subject { broker: None, ..subject(view, first) },
        format!("Of {} only what was brought is known", words::list(&hosts)),
    );
    found.meaning = "Nobody looked at these brokers for this report. What was brought stands for the moment at which it was taken; what it does not show may be anything.".to_owned();
    found.next_steps = vec![
        "If they are still there, look at them: `roundsman run playbooks/kafka-audit.yml -i …`.".to_owned(),
    ];
    let lines = items
        .iter()
        .map(|item| session(&item.host, format!("{}: {}", item.path.as_deref().unwrap_or("-"), item.reason)))
        .collect();
    found.items = items.into_iter().map(Item::Host).collect();
    Some(found.show(lines))
}

/// `probe-incomplete`: a probe brought back less than was asked.
fn probe_incomplete(view: &View<'_>, visit: &Visit) -> Option<Finding> {
    let items: Vec<HostItem> =
        visit.probes.iter().flat_map(|answer| gaps(view.round, visit, answer)).collect();
    if items.is_empty() {
        return None;
    }
    let probes = words::once(items.iter().filter_map(|item| item.probe.as_deref()));
    let mut found = finding(
        Code::ProbeIncomplete,
        Severity::Unknown,
        subject(view, visit),
        format!("{} answered {} only in part: {}", visit.host, words::list(&probes), items.first()?.reason),
    );
    found.meaning =
        "Evidence is missing from this broker. What was seen stands; what was not seen may be anything."
            .to_owned();
    found.next_steps = vec![format!(
        "Look at the paths below as the same user, then run the round again with `-l {}`.",
        visit.host
    )];
    let lines = items
        .iter()
        .map(|item| session(&visit.host, format!("{}: {}", item.path.as_deref().unwrap_or("-"), item.reason)))
        .collect();
    found.items = items.into_iter().map(Item::Host).collect();
    Some(found.show(lines))
}

/// What is missing from one answer.
fn gaps(_: &Round, visit: &Visit, answer: &ProbeAnswer) -> Vec<HostItem> {
    let item = |path: Option<String>, reason: String| HostItem {
        host: visit.host.clone(),
        probe: Some(answer.probe.clone()),
        path,
        reason,
    };
    let mut items: Vec<HostItem> = answer
        .coverage
        .iter()
        .filter(|row| row.status != CoverageStatus::Complete)
        .map(|row| {
            let reason = row.reason.as_deref().unwrap_or("incomplete");
            let missing =
                row.missing.as_deref().map(|missing| format!(", {missing} missing")).unwrap_or_default();
            item(Some(row.path.clone()), format!("{reason}{missing}"))
        })
        .collect();
    if items.is_empty() && answer.evidence == Evidence::None {
        items.push(item(None, "nothing came back".to_owned()));
    }
    items
}

/// Clocks this far apart mix up the order of events on different brokers.
pub const APART_S: f64 = crate::kafka::log_clock::OFF_S;

/// `clock-skew`: a node's clock is off beside the others'.
///
/// Measured against the middle of all nodes, since our own clock may be the one that is off; only what
/// the measurement's uncertainty leaves counts.
fn clock_skew(view: &View<'_>, findings: &mut Vec<Finding>) {
    let clocks: Vec<_> = view
        .round
        .visits
        .iter()
        .filter_map(|visit| visit.facts.as_ref()?.clock.as_ref().map(|clock| (visit, clock)))
        .filter(|(_, clock)| clock.offset_s.is_finite() && clock.uncertainty_s.is_finite())
        .collect();
    let mut offsets: Vec<f64> = clocks.iter().map(|(_, clock)| clock.offset_s).collect();
    offsets.sort_by(f64::total_cmp);
    let Some(middle) = offsets.get(offsets.len() / 2).copied() else { return };
    // One node alone has nothing to differ from but us.
    let middle = if offsets.len() == 1 { 0.0 } else { middle };
    for (visit, clock) in clocks {
        let apart = (clock.offset_s - middle).abs() - clock.uncertainty_s.abs();
        if apart < APART_S {
            continue;
        }
        let severity =
            if apart >= view.limits_of(visit).clock_skew_s { Severity::Warning } else { Severity::Notice };
        let way = if clock.offset_s > middle { "ahead" } else { "behind" };
        let seconds = (clock.offset_s - middle).abs();
        let mut found = finding(
            Code::ClockSkew,
            severity,
            subject(view, visit),
            format!("The clock of {} is {seconds:.1} s {way} of the others", visit.host),
        );
        found.meaning = "Its log lines stand at the wrong place in the timeline, and retention by time acts at the wrong moment.".to_owned();
        found.next_steps = vec![format!("`chronyc tracking` or `timedatectl` on {}.", visit.host)];
        found.items = vec![host_item(visit, format!("{seconds:.1} s {way}, ± {:.1} s", clock.uncertainty_s))];
        findings.push(found);
    }
}
