//! Whom we trust to be an sshd.

use std::path::PathBuf;

use super::Leg;
use super::said::{is_none, yes};
use crate::error::Refusal;
use crate::plan::source::{Source, Sourced};
use crate::ssh::HostKeyPolicy;
use crate::ssh::args::values;
use crate::ssh_config::Keyword;

impl Leg<'_> {
    /// Settles how its key is checked; `alias` is the name that `known_hosts` has for it.
    pub(super) fn settle_trust(&mut self, alias: &Sourced<String>) -> Result<(), Refusal> {
        let policy = match &self.given.host_keys {
            Some(policy) => Some(policy.clone()),
            None => self.said.read(Keyword::StrictHostKeyChecking, values::host_key_policy)?,
        };
        let policy = policy.unwrap_or((HostKeyPolicy::Strict, Source::Default));
        self.route.host_keys = policy.0;
        let shown_policy = match policy.0 {
            HostKeyPolicy::Strict => "checked",
            HostKeyPolicy::AcceptNew => "checked, new ones accepted",
            HostKeyPolicy::Off | HostKeyPolicy::Scan => "not checked",
        };
        self.shown.add("host keys", shown_policy, &policy.1);
        self.shown.maybe("host key alias", alias, Clone::clone);
        self.route.host_key_alias = alias.as_ref().map(|(alias, _)| alias.clone());
        let hash = match &self.given.hash_known_hosts {
            Some(hash) => Some(hash.clone()),
            None => self.said.read(Keyword::HashKnownHosts, values::yes_or_no)?,
        };
        self.shown.maybe("hash known hosts", &hash, |hash| yes(*hash));
        self.route.hash_known_hosts = hash.is_some_and(|(hash, _)| hash);
        let configured = |given: &Sourced<Vec<PathBuf>>, keyword: Keyword| -> Sourced<Vec<PathBuf>> {
            match given {
                Some((paths, source)) => {
                    Some((paths.iter().map(|path| self.file(path)).collect(), source.clone()))
                }
                None => self.said.list(keyword).map(|(paths, source)| {
                    (self.files(&paths).into_iter().filter(|path| !is_none(path)).collect(), source)
                }),
            }
        };
        let users =
            configured(&self.given.user_known_hosts, Keyword::UserKnownHostsFile).unwrap_or_else(|| {
                let ssh = self.options.home.as_deref().map(|home| home.join(".ssh"));
                let files = ssh.map(|ssh| vec![ssh.join("known_hosts"), ssh.join("known_hosts2")]);
                (files.unwrap_or_default(), Source::Default)
            });
        let globals = configured(&self.given.global_known_hosts, Keyword::GlobalKnownHostsFile)
            .unwrap_or_else(|| {
                let files = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
                (files.map(PathBuf::from).to_vec(), Source::Default)
            });
        for (paths, source) in [&users, &globals] {
            for path in paths {
                self.shown.add("known hosts", path.display(), source);
            }
            if paths.is_empty() {
                self.shown.add("known hosts", "none", source);
            }
        }
        self.route.accept_new_into = users.0.first().cloned();
        self.route.known_hosts = users.0.into_iter().chain(globals.0).collect();
        Ok(())
    }
}
