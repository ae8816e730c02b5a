//! Inventory, playbook and options resolved into targets with nothing left to look up.
//!
//! Nothing after the plan looks at flags, environment or YAML.

pub mod build;
pub mod connection;
mod given;
mod leg;
pub mod pace;
pub mod route;
pub mod secrets;
pub mod source;
pub mod vars;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::probe::audit::Audit;
use crate::probe::log_grep::Earlier;
use crate::probe::{Probe, Question};
use crate::round::{Evidence, Identity, Play, Round};
use crate::shell::becoming::Become;
use crate::ssh::Route;

/// A round that is ready to begin.
#[derive(Debug, Clone)]
pub struct Plan {
    pub playbook: Option<String>,
    pub limit: Option<String>,
    pub plays: Vec<Play>,
    /// In the inventory's order.
    pub targets: Vec<Target>,
    pub limits: Limits,
    pub pace: pace::Pace,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// What deserves a word on standard error and stops nothing.
    pub warnings: Vec<String>,
    /// Commands that ssh ran for a `Match exec` of its configuration, each with its place.
    pub ssh_commands: Vec<String>,
}

/// What a round may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Hosts visited at a time.
    pub forks: usize,
    /// Connect and login of one host.
    pub connect: Duration,
    /// One probe on one host.
    pub probe: Duration,
    /// The whole round.
    pub round: Duration,
    /// Bytes of output that one probe may bring from one host.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            forks: 64,
            connect: Duration::from_secs(10),
            probe: Duration::from_secs(120),
            round: Duration::from_secs(600),
            output: 4 << 20,
        }
    }
}

/// One host and all that it will be asked.
#[derive(Debug, Clone)]
pub struct Target {
    /// The inventory's name.
    pub host: String,
    pub route: Arc<Route>,
    /// The user to become through `sudo -n`.
    pub become_user: Option<String>,
    /// How that user is become.
    pub becomes: Option<Become>,
    /// `kafka_cluster`.
    pub cluster: Option<String>,
    /// `kafka_broker_id`.
    pub broker_id: Option<i64>,
    /// Indices into [`Plan::plays`].
    pub plays: Vec<usize>,
    /// Whether the visit's facts are asked for, and the log dirs that they are about.
    pub facts: Option<Vec<String>>,
    pub probes: Vec<(usize, Probe)>,
    /// Instead of facts and probes: what is asked follows from what is found there.
    pub audit: Option<Audit>,
    /// The zone of the log lines that an earlier round read there, seconds east of UTC.
    pub log_zone_s: Option<i32>,
}

impl Plan {
    /// Goes on from what an earlier round of the same line read of logs: only what is new since is asked for.
    /// A round that looked less far back, or not up to its own time, is of no use; says whether this one is.
    pub fn go_on_from(&mut self, earlier: &Round) -> bool {
        let reaches = match (earlier.since, self.since) {
            (None, _) => true,
            (Some(from), Some(since)) => since >= from,
            (Some(_), None) => false,
        };
        if !reaches || earlier.until.is_some() || self.until.is_some() {
            return false;
        }
        let mut read: HashMap<&str, (Vec<Arc<Earlier>>, Option<i32>)> = HashMap::new();
        for visit in &earlier.visits {
            let machine = if visit.machine.is_empty() { &visit.host } else { &visit.machine };
            let (greps, zone) = read.entry(machine).or_default();
            let clock = visit.facts.as_ref().and_then(|facts| facts.clock.as_ref());
            *zone = clock.map(|clock| clock.zone_s).or(visit.log_zone_s).or(*zone);
            // What somebody brought is brought again, or not.
            for answer in visit.probes.iter().filter(|answer| !answer.brought()) {
                if let Evidence::LogGrep(grep) = &answer.evidence
                    && grep.asked.is_some()
                {
                    let broker = Identity::of(visit.facts.as_ref());
                    greps.push(Arc::new(Earlier { grep: grep.clone(), broker }));
                }
            }
        }
        for target in &mut self.targets {
            let Some((greps, zone)) = read.remove(target.host.as_str()) else { continue };
            target.log_zone_s = zone;
            for (_, probe) in &mut target.probes {
                if let Question::LogGrep(question) = &mut probe.question {
                    *question = question.clone().going_on_from(&greps);
                }
            }
            if let Some(audit) = &mut target.audit {
                audit.earlier = greps;
            }
        }
        true
    }
}

impl Target {
    /// Gives the questions about logs a fence, see [`crate::probe::log_grep::Question::fence`].
    pub fn fence(&mut self, fence: &str) {
        for (_, probe) in &mut self.probes {
            if let Question::LogGrep(question) = &mut probe.question {
                question.fence = fence.to_owned();
            }
        }
        if let Some(audit) = &mut self.audit {
            audit.fence = fence.to_owned();
        }
    }

    /// `address:port`, brackets round an IPv6 address.
    pub fn address(&self) -> String {
        self.route.address()
    }

    /// The jump hosts on the way, nearest to us first.
    pub fn jumps(&self) -> Vec<String> {
        let mut jumps = Vec::new();
        let mut next = self.route.jump.as_deref();
        while let Some(jump) = next {
            jumps.push(format!("{}@{}", jump.user, jump.address()));
            next = jump.jump.as_deref();
        }
        jumps.reverse();
        jumps
    }
}
