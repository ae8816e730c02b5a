//! What was brought, as visits: of a round that was made, or of a round of its own.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::intake::blocks::End;
use crate::intake::{du, log_dirs, log_text};
use crate::kafka::broker_id;
use crate::round::{
    Access, Coverage, CoverageStatus, DescribedTopic, DiskUsage, Evidence, LogFile, LogGrep, Origin, Outcome,
    Play, ProbeAnswer, Round, Visit,
};

/// Seconds east of UTC.
pub type Zone = i32;

/// All that somebody brought, read.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    /// By the name of the file.
    pub du: Vec<(String, Vec<du::Answer>)>,
    pub logs: Vec<Log>,
    pub log_dirs: Vec<(String, Vec<log_dirs::Answer>)>,
    pub topics: Vec<DescribedTopic>,
    /// The zone of the log lines.
    pub zone: Option<Zone>,
}

/// A log file and whose it is.
#[derive(Debug, Clone)]
pub struct Log {
    /// Host, address or broker id, as it was typed.
    pub of: String,
    pub file: String,
    pub read: log_text::Read,
}

/// A host that is known from an inventory or a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub host: String,
    /// With or without a port.
    pub address: String,
    pub broker_id: Option<i64>,
    pub cluster: Option<String>,
}

/// A round of what was brought, and of nothing else.
pub fn round_of(brought: Brought, known: Vec<Known>, id: String, now: Timestamp) -> Round {
    let described = brought.topics.clone();
    let visits = visits(brought, known);
    Round {
        plays: vec![Play { name: "evidence brought".to_owned(), hosts: "all".to_owned(), ..Play::default() }],
        visits,
        described,
        ..Round::blank(id, now)
    }
}

/// Adds what was brought to a round that was made.
///
/// A visit that came to its end lacks nothing for want of somebody's transcript, so there only the evidence is
/// added; of two sightings of one replica the visit's own counts.
pub fn into_round(round: &mut Round, brought: Brought) {
    for topic in &brought.topics {
        round.described.retain(|known| known.topic != topic.topic);
        round.described.push(topic.clone());
    }
    round.described.sort_by(|one, other| one.topic.cmp(&other.topic));
    let known = round.visits.iter().map(known_of).collect();
    for mut new in visits(brought, known) {
        let Some(visit) = round.visits.iter_mut().find(|visit| visit.host == new.host) else {
            new.plays = plays_of(round, &new.host);
            round.visits.push(new);
            continue;
        };
        if visit.facts.as_ref().is_none_or(|facts| facts.clock.is_none()) {
            visit.log_zone_s = new.log_zone_s;
        }
        if visit.outcome.reached() && visit.origin == Origin::Ssh {
            let evidence = new.probes.into_iter().filter(|answer| answer.evidence != Evidence::None);
            visit.probes.extend(evidence.map(|mut answer| {
                answer.coverage.retain(|row| row.status == CoverageStatus::Complete);
                answer
            }));
            continue;
        }
        if visit.outcome == Outcome::Excluded {
            (visit.outcome, visit.reason, visit.origin) = (new.outcome, new.reason, new.origin);
        }
        visit.probes.append(&mut new.probes);
        // What was lacking before may have come now.
        visit.probes.retain(|answer| answer.probe != ProbeAnswer::NOT_BROUGHT);
        let lacking = lacking(&visit.probes);
        visit.probes.push(lacking);
    }
}

fn known_of(visit: &Visit) -> Known {
    let own = || visit.facts.as_ref()?.log_dirs.iter().find_map(|dir| dir.broker_id);
    Known {
        host: visit.host.clone(),
        address: visit.address.clone(),
        broker_id: own().or(visit.broker_id),
        cluster: visit.cluster.clone(),
    }
}

/// The plays that a host was left out of, else all.
fn plays_of(round: &Round, host: &str) -> Vec<usize> {
    let left_out = |play: &Play| play.excluded.iter().any(|name| name == host);
    let plays: Vec<usize> =
        round.plays.iter().enumerate().filter(|(_, play)| left_out(play)).map(|(at, _)| at).collect();
    if plays.is_empty() { (0..round.plays.len()).collect() } else { plays }
}

/// The hosts, by all the names that they go by.
struct Hosts {
    known: Vec<Known>,
    /// In the order in which something of them was met.
    met: Vec<usize>,
}

impl Hosts {
    /// The host that goes by a name: its own, its address, the short or long form of it, its broker's id.
    fn find(&mut self, name: &str) -> usize {
        let at = self.known(name).unwrap_or_else(|| {
            let broker_id = name.parse::<i32>().ok().map(i64::from);
            self.known.push(Known { host: name.to_owned(), broker_id, ..Known::default() });
            self.known.len() - 1
        });
        if !self.met.contains(&at) {
            self.met.push(at);
        }
        at
    }

    fn known(&self, name: &str) -> Option<usize> {
        let by = |test: &dyn Fn(&Known) -> bool| self.known.iter().position(test);
        if let Some(at) = by(&|known| known.host == name) {
            return Some(at);
        }
        if let Some(at) = by(&|known| host_part(&known.address) == name) {
            return Some(at);
        }
        if let Ok(id) = name.parse::<i64>() {
            return by(&|known| known.broker_id == Some(id)).or_else(|| {
                let address = broker_id::to_address(id)?;
                by(&|known| {
                    [&known.address, &known.host]
                        .iter()
                        .any(|text| broker_id::address_in(text) == Some(address))
                })
            });
        }
        // An address has no short form.
        if broker_id::address_in(name).is_some() {
            return None;
        }
        let related = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'))
                && broker_id::address_in(one).is_none()
        };
        let mut akin = (0..)
            .zip(&self.known)
            .filter(|(_, known)| related(&known.host, name) || related(name, &known.host))
            .map(|(at, _)| at);
        let first = akin.next();
        first.filter(|_| akin.next().is_none())
    }
}

fn host_part(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// What was brought of one host.
#[derive(Default)]
struct Pile {
    files: BTreeSet<String>,
    answers: Vec<ProbeAnswer>,
    sizes: bool,
    unreachable: Option<String>,
    log: LogGrep,
    log_coverage: Vec<Coverage>,
}

fn visits(brought: Brought, known: Vec<Known>) -> Vec<Visit> {
    let mut hosts = Hosts { known, met: Vec::new() };
    let mut piles: Vec<Pile> = Vec::new();
    let mut pile = |at: usize, edit: &mut dyn FnMut(&mut Pile)| {
        if piles.len() <= at {
            piles.resize_with(at + 1, Pile::default);
        }
        if let Some(pile) = piles.get_mut(at) {
            edit(pile);
        }
    };
    // The newest file of several counts, so it comes first.
    for (file, answers) in brought.du.into_iter().rev() {
        for answer in answers {
            let mut answer = Some(answer);
            pile(hosts.find(answer.as_ref().map_or("", |answer| answer.host.as_str())), &mut |pile| {
                pile.files.insert(file.clone());
                if let Some(answer) = answer.take() {
                    add_du(pile, &file, answer);
                }
            });
        }
    }
    for (file, answers) in brought.log_dirs.into_iter().rev() {
        for answer in answers {
            let at = hosts.find(&answer.broker.to_string());
            if let Some(known) = hosts.known.get_mut(at) {
                known.broker_id = known.broker_id.or(Some(answer.broker));
            }
            let mut answer = Some(answer);
            pile(at, &mut |pile| {
                pile.files.insert(file.clone());
                if let Some(answer) = answer.take() {
                    add_log_dirs(pile, &file, answer);
                }
            });
        }
    }
    for log in brought.logs {
        let mut log = Some(log);
        pile(hosts.find(log.as_ref().map_or("", |log| log.of.as_str())), &mut |pile| {
            if let Some(log) = log.take() {
                pile.files.insert(log.file.clone());
                add_log(pile, log);
            }
        });
    }
    piles.resize_with(hosts.known.len(), Pile::default);
    // The inventory's order first, then that in which they were met.
    hosts.met.sort_unstable();
    let met = hosts.met;
    let mut visits = Vec::with_capacity(met.len());
    for at in met {
        if let (Some(known), Some(pile)) = (hosts.known.get(at), piles.get_mut(at)) {
            visits.push(visit(known, std::mem::take(pile), brought.zone));
        }
    }
    visits
}

fn answer(probe: &str, evidence: Evidence, coverage: Vec<Coverage>) -> ProbeAnswer {
    ProbeAnswer { play: 0, probe: probe.to_owned(), evidence, coverage, seconds: 0.0 }
}

const NOT_ALL: &str = "a transcript shows what was asked for then; what else is there was not seen";

fn add_du(pile: &mut Pile, file: &str, said: du::Answer) {
    let mut coverage: Vec<Coverage> =
        said.usage.log_dirs.iter().map(|dir| Coverage::partial(dir, NOT_ALL)).collect();
    coverage.extend(said.gaps.iter().map(|gap| Coverage::partial(file, gap)));
    if said.assumed {
        coverage.push(Coverage::partial(
            file,
            "sizes without a unit were taken for KiB (--du-unit says otherwise)",
        ));
    }
    match &said.ended {
        End::Unreachable(why) => {
            pile.unreachable = Some(why.clone());
            coverage.push(Coverage::none(file, format!("the host was not reached then: {why}")));
        }
        End::Failed(why) => coverage.push(Coverage::none(file, format!("du was not run: {why}"))),
        End::Status(status) if *status != 0 => {
            coverage.push(Coverage::partial(file, format!("du ended with status {status}")));
        }
        End::Status(_) | End::Unsaid => {}
    }
    let evidence = if said.usage == DiskUsage::default() {
        Evidence::None
    } else {
        pile.sizes = true;
        Evidence::DiskUsage(said.usage)
    };
    pile.answers.push(answer(ProbeAnswer::DU_TRANSCRIPT, evidence, coverage));
}

fn add_log_dirs(pile: &mut Pile, file: &str, said: log_dirs::Answer) {
    let mut coverage: Vec<Coverage> = said
        .usage
        .log_dirs
        .iter()
        .filter(|dir| !said.failed.iter().any(|(failed, _)| failed == *dir))
        .map(|dir| Coverage::partial(dir, "kafka-log-dirs may have been asked for some topics only"))
        .collect();
    coverage.extend(
        said.failed.iter().map(|(dir, error)| Coverage::none(dir, format!("the broker says: {error}"))),
    );
    if said.unread > 0 {
        coverage.push(Coverage::partial(file, format!("{} partitions can't be read", said.unread)));
    }
    pile.sizes = true;
    pile.answers.push(answer(ProbeAnswer::KAFKA_LOG_DIRS, Evidence::DiskUsage(said.usage), coverage));
}

fn add_log(pile: &mut Pile, log: Log) {
    // A file that was given twice counts once.
    if pile.log.files.iter().any(|file| file.path == log.file) {
        return;
    }
    let number = u32::try_from(pile.log.files.len()).unwrap_or(u32::MAX);
    let access = if log.read.empty { Access::Empty } else { Access::Readable };
    pile.log.files.push(LogFile {
        path: log.file.clone(),
        access,
        beyond: log.read.beyond,
        ..LogFile::default()
    });
    pile.log_coverage.push(match (log.read.empty, log.read.beyond) {
        (true, _) => Coverage { reason: Some("empty".to_owned()), ..Coverage::complete(&log.file) },
        (_, 0) => Coverage::complete(&log.file),
        (_, beyond) => Coverage {
            missing: Some(format!("{beyond} older records")),
            ..Coverage::partial(&log.file, "more than the limit: the newest were kept")
        },
    });
    pile.log.records.extend(log.read.records.into_iter().map(|mut record| {
        record.file = number;
        record
    }));
}

fn visit(known: &Known, mut pile: Pile, zone: Option<Zone>) -> Visit {
    let nothing = !pile.sizes && pile.log.files.is_empty();
    if !pile.log.files.is_empty() {
        let mut log = std::mem::take(&mut pile.log);
        log.pattern = "WARN|ERROR|FATAL and every message known".to_owned();
        let coverage = std::mem::take(&mut pile.log_coverage);
        pile.answers.push(answer(ProbeAnswer::LOG_FILE, Evidence::LogGrep(log), coverage));
    }
    let lacking = lacking(&pile.answers);
    pile.answers.push(lacking);
    let (outcome, reason) = match pile.unreachable {
        Some(why) if nothing => (Outcome::Unreachable, why),
        _ => (Outcome::Partial, "only what was brought is known of it".to_owned()),
    };
    Visit {
        origin: Origin::Brought(pile.files.into_iter().collect()),
        address: known.address.clone(),
        cluster: known.cluster.clone(),
        broker_id: known.broker_id,
        plays: vec![0],
        reason: Some(reason),
        log_zone_s: zone,
        probes: pile.answers,
        ..Visit::blank(&known.host, outcome)
    }
}

/// What nobody brought of a host.
fn lacking(answers: &[ProbeAnswer]) -> ProbeAnswer {
    let any = |test: fn(&Evidence) -> bool| answers.iter().any(|answer| test(&answer.evidence));
    let mut lacking = Vec::new();
    if !any(|evidence| matches!(evidence, Evidence::DiskUsage(_))) {
        lacking.push(Coverage::none("sizes of replicas", "nobody brought them"));
    }
    if !any(|evidence| matches!(evidence, Evidence::LogGrep(_))) {
        lacking.push(Coverage::none("logs", "nobody brought them"));
    }
    lacking.push(Coverage::none(
        "checkpoint files",
        "nobody brought them: high watermarks and the cleaner's progress are not known",
    ));
    answer(ProbeAnswer::NOT_BROUGHT, Evidence::None, lacking)
}
