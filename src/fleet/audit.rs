//! The visit of an audit: what of Kafka is there, then what each broker of it holds.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::visit::{FACTS_LIMIT, Visitor, asked};
use crate::kafka::log_clock;
use crate::probe::audit::Audit;
use crate::probe::discovery::{self, Found};
use crate::probe::{Probe, facts};
use crate::round::{Broker, Evidence, ProbeAnswer, Visit};
use crate::shell::answer::Answer;
use crate::shell::{Question, Shell};

/// Bytes of discovery's answer: settings of a few dozen brokers.
const DISCOVERY_LIMIT: usize = 1 << 20;

impl Visitor {
    /// Asks a host what there is and then about each broker. The first is told in `visit`, which stands for the
    /// machine where there is none; the further ones come back.
    pub(super) async fn audit(&mut self, audit: &Audit, shell: &mut Shell, visit: &mut Visit) -> Vec<Visit> {
        let question =
            Question { script: discovery::script(), deadline: audit.deadline, limit: DISCOVERY_LIMIT };
        let answer = shell.ask(&[question], &mut self.stop, None).await.pop().unwrap_or_default();
        let (found, coverage) = discovery::settle(&answer, &audit.given, audit.deadline.as_secs());
        let several = found.len() > 1;
        // A host without a broker still tells its clock and its name.
        let nobody = if found.is_empty() { vec![None] } else { Vec::new() };
        let parts: Vec<Part> =
            found.into_iter().map(Some).chain(nobody).map(|found| Part::of(audit, found)).collect();
        let questions: Vec<Question> = parts.iter().flat_map(|part| part.questions(audit)).collect();
        let mut answers = shell.ask(&questions, &mut self.stop, None).await.into_iter();
        let mut visits = Vec::new();
        for (at, part) in parts.into_iter().enumerate() {
            let mut own = visit.clone();
            let mut rows = coverage.clone();
            rows.extend(part.found.iter().flat_map(|found| found.gaps.iter().cloned()));
            own.probes.push(discovery::row(rows, if at == 0 { answer.seconds } else { 0.0 }));
            self.broker(audit, part, &mut answers, shell, &mut own).await;
            if several {
                own.broker_id = None;
                own.host = format!("{}#{}", own.machine, name(own.broker.as_ref(), at));
            }
            visits.push(own);
        }
        apart(&mut visits);
        let mut visits = visits.into_iter();
        if let Some(first) = visits.next() {
            *visit = first;
        }
        visits.collect()
    }

    /// Reads the answers about one broker and asks what they ask for.
    async fn broker(
        &mut self,
        audit: &Audit,
        Part { found, dirs, probes }: Part,
        answers: &mut impl Iterator<Item = Answer>,
        shell: &mut Shell,
        visit: &mut Visit,
    ) {
        let answer = answers.next().unwrap_or_default();
        let (mut facts, coverage) = facts::parse(&dirs, &answer, audit.deadline.as_secs());
        if let (Some(clock), Some(zone)) =
            (&mut facts.clock, found.as_ref().and_then(|found| found.zone.as_deref()))
            && let Some(name) = log_clock::zone_name(zone)
            && let Ok(zone) = TimeZone::get(&name)
        {
            // The JVM was told its zone: that is the one that its log is written in. A clock years off is at the
            // offset of its own date.
            let now = Timestamp::now();
            let ahead = SignedDuration::try_from_secs_f64(clock.offset_s).ok();
            let shown = ahead.and_then(|ahead| now.checked_add(ahead).ok()).unwrap_or(now);
            clock.zone_s = zone.to_offset(shown).seconds();
            clock.zone_name = Some(name);
        }
        visit.probes.push(ProbeAnswer {
            play: 0,
            probe: "facts".to_owned(),
            evidence: Evidence::Facts,
            coverage,
            seconds: answer.seconds,
        });
        visit.broker = found.map(|found| {
            let mut broker = found.broker;
            // The disks' own word, where the settings have none.
            broker.id = facts.log_dirs.iter().find_map(|dir| dir.broker_id).or(broker.id);
            broker.cluster_id = facts.log_dirs.iter().find_map(|dir| dir.cluster_id.clone());
            broker
        });
        visit.facts = Some(facts);
        for probe in &probes {
            let first = answers.next().unwrap_or_default();
            let answer = self.probed(0, probe, first, visit.facts.as_ref(), shell).await;
            visit.probes.push(answer);
        }
    }
}

/// What one broker is asked.
struct Part {
    found: Option<Found>,
    dirs: Vec<String>,
    probes: Vec<Probe>,
}

impl Part {
    fn of(audit: &Audit, found: Option<Found>) -> Self {
        let dirs = found.as_ref().map(|found| audit.dirs(&found.broker)).unwrap_or_default();
        let probes = found.as_ref().map(|found| audit.probes(found)).unwrap_or_default();
        Part { found, dirs, probes }
    }

    /// The second batch: facts first.
    fn questions(&self, audit: &Audit) -> Vec<Question> {
        let facts =
            Question { script: facts::script(&self.dirs), deadline: audit.deadline, limit: FACTS_LIMIT };
        std::iter::once(facts).chain(self.probes.iter().map(asked)).collect()
    }
}

/// What tells a broker from the others of its machine: its id, else its unit or process.
fn name(broker: Option<&Broker>, at: usize) -> String {
    let Some(broker) = broker else { return (at + 1).to_string() };
    let id = broker.id.map(|id| id.to_string());
    let unit = || broker.unit.as_ref().map(|unit| unit.trim_end_matches(".service").to_owned());
    id.or_else(unit)
        .or_else(|| broker.pid.map(|pid| format!("pid{pid}")))
        .unwrap_or_else(|| (at + 1).to_string())
}

/// Two brokers of one id are told apart by their place: a name stands for one visit.
fn apart(visits: &mut [Visit]) {
    let mut names: Vec<String> = Vec::new();
    for visit in visits {
        if names.contains(&visit.host) {
            visit.host = format!("{}.{}", visit.host, names.len() + 1);
        }
        names.push(visit.host.clone());
    }
}
