//! How we speak with an sshd: patience, address family, algorithms.

use std::time::Duration;

use super::Leg;
use super::said::yes;
use crate::error::Refusal;
use crate::plan::source::Source;
use crate::ssh::algorithms::Kind;
use crate::ssh::args::values;
use crate::ssh::{AddressFamily, Algorithms};
use crate::ssh_config::Keyword;

impl Leg<'_> {
    /// Settles deadlines, signs of life and algorithms; names that we don't know are worth a warning.
    pub(super) fn settle_speech(&mut self, warnings: &mut Vec<String>) -> Result<(), Refusal> {
        let timeout = match &self.given.timeout {
            Some(timeout) => Some(timeout.clone()),
            None => {
                self.said.read(Keyword::ConnectTimeout, values::seconds)?.and_then(|(at, by)| Some((at?, by)))
            }
        };
        self.shown.maybe("timeout", &timeout, |timeout| format!("{} s", timeout.as_secs_f64()));
        self.route.timeout = timeout.map(|(timeout, _)| timeout);
        let interval = match &self.given.alive_interval {
            Some(interval) => Some(interval.clone()),
            None => self.said.read(Keyword::ServerAliveInterval, values::interval)?,
        };
        let count = match &self.given.alive_count {
            Some(count) => Some(count.clone()),
            None => self.said.read(Keyword::ServerAliveCountMax, |text| text.parse().ok())?,
        };
        self.shown.maybe("alive interval", &interval, |interval| format!("{} s", interval.as_secs_f64()));
        self.shown.maybe("alive count", &count, u32::to_string);
        if interval.is_some() || count.is_some() {
            let interval = interval.map_or(Duration::ZERO, |(interval, _)| interval);
            self.route.keepalive = Some((interval, count.map_or(3, |(count, _)| count)));
        }
        let family = match &self.given.address_family {
            Some(family) => Some(family.clone()),
            None => self.said.read(Keyword::AddressFamily, values::address_family)?,
        };
        let shown_family = |family: &AddressFamily| match family {
            AddressFamily::Any => "any".to_owned(),
            AddressFamily::Inet => "IPv4 only".to_owned(),
            AddressFamily::Inet6 => "IPv6 only".to_owned(),
        };
        self.shown.maybe("address family", &family, shown_family);
        self.route.address_family = family.map_or(AddressFamily::Any, |(family, _)| family);
        let mut algorithms = Algorithms::default();
        for (kind, spec) in Kind::ALL.into_iter().zip(&self.given.algorithms) {
            let (keyword, list) = match kind {
                Kind::Kex => (Keyword::KexAlgorithms, &mut algorithms.kex),
                Kind::Cipher => (Keyword::Ciphers, &mut algorithms.ciphers),
                Kind::Mac => (Keyword::Macs, &mut algorithms.macs),
                Kind::HostKey => (Keyword::HostKeyAlgorithms, &mut algorithms.host_keys),
            };
            let Some((spec, source)) = spec.clone().or_else(|| self.said.text(keyword)) else { continue };
            *list = known(kind, &spec, &source, &self.config.default_list(keyword), warnings);
            self.shown.add(kind.keyword(), list.join(","), &source);
        }
        self.shown.maybe("old algorithms", &self.given.legacy, |legacy| yes(*legacy));
        algorithms.legacy = self.given.legacy.as_ref().is_some_and(|(legacy, _)| *legacy);
        self.route.algorithms = algorithms;
        Ok(())
    }
}

/// The names of a list that we know. Those that we don't are worth a word, unless they are ssh's own
/// defaults, which nobody wrote; if we know none the list stays, and the login says so.
fn known(
    kind: Kind,
    spec: &str,
    source: &Source,
    defaults: &[String],
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let list = kind.list(spec);
    let (known, unknown): (Vec<String>, Vec<String>) =
        list.iter().cloned().partition(|name| kind.knows(name));
    let unknown: Vec<String> = unknown.into_iter().filter(|name| !defaults.contains(name)).collect();
    if !unknown.is_empty() {
        let warning =
            format!("{} of {source}: roundsman does not know {}", kind.keyword(), unknown.join(", "));
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    if known.is_empty() { list } else { known }
}
