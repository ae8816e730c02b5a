//! What ssh's configuration says of one sshd, read, and what becomes effective of it, shown.

use std::path::Path;

use crate::error::Refusal;
use crate::plan::source::{Setting, Source, Sourced};
use crate::ssh::Route;
use crate::ssh_config::{Found, Keyword};

/// What ssh's configuration says, read.
pub(super) struct Said<'a> {
    pub host: &'a str,
    pub found: &'a Found,
}

impl Said<'_> {
    pub(super) fn list(&self, keyword: Keyword) -> Sourced<Vec<String>> {
        let value = self.found.get(keyword)?;
        Some((value.values.clone(), Source::SshConfig(value.place.clone())))
    }

    pub(super) fn text(&self, keyword: Keyword) -> Sourced<String> {
        let (values, source) = self.list(keyword)?;
        Some((values.into_iter().next()?, source))
    }

    pub(super) fn read<T>(
        &self,
        keyword: Keyword,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Sourced<T>, Refusal> {
        let Some((text, source)) = self.text(keyword) else { return Ok(None) };
        match read(&text) {
            Some(value) => Ok(Some((value, source))),
            None => Err(Refusal::Variable(format!(
                "host {}: {} of {source} cannot be `{text}`",
                self.host,
                keyword.name()
            ))),
        }
    }
}

/// The lines of `inventory host NAME --ssh`.
pub(super) struct Shown(pub Vec<Setting>);

impl Shown {
    pub(super) fn add(&mut self, name: &'static str, value: impl ToString, source: &Source) {
        self.0.push(Setting { name, value: value.to_string(), source: source.clone() });
    }

    pub(super) fn maybe<T>(&mut self, name: &'static str, value: &Sourced<T>, show: impl Fn(&T) -> String) {
        if let Some((value, source)) = value {
            self.add(name, show(value), source);
        }
    }
}

pub(super) fn yes(yes: bool) -> String {
    if yes { "yes".to_owned() } else { "no".to_owned() }
}

pub(super) fn name(route: &Route) -> String {
    match route.host.contains(':') {
        true => format!("{}@[{}]:{}", route.user, route.host, route.port),
        false => format!("{}@{}:{}", route.user, route.host, route.port),
    }
}

pub(super) fn is_none(path: &Path) -> bool {
    path.as_os_str().eq_ignore_ascii_case("none")
}
