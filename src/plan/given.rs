//! What is said about one sshd before ssh's configuration has its say.

use std::path::PathBuf;
use std::time::Duration;

use super::source::{Source, Sourced};
use crate::ssh::algorithms::Kind;
use crate::ssh::args::{JumpSpec, SshArgs};
use crate::ssh::{AddressFamily, HostKeyPolicy};
use crate::ssh_config::Choice;

/// How to get to an sshd that is not reached directly.
#[derive(Debug, Clone)]
pub(super) enum Through {
    /// Through these hosts; none means directly, whatever ssh's configuration says.
    Jumps(Vec<JumpSpec>),
    /// Through a command, its tokens not yet filled in.
    Command(String),
}

/// What variables, arguments and flags say about one sshd; what they leave open is `None`.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// `host NAME` or `jump host NAME`.
    pub title: String,
    /// As ssh would be given it.
    pub name: (String, Source),
    pub choice: Choice,
    pub hostname: Sourced<String>,
    pub user: Sourced<String>,
    pub port: Sourced<u16>,
    /// In order; with `true` those that must be there.
    pub keys: Vec<(PathBuf, Source, bool)>,
    /// Keys to try if nobody names any: a jump host may know the node's.
    pub spare_keys: Vec<(PathBuf, Source)>,
    pub identities_only: Sourced<bool>,
    pub identity_agent: Sourced<String>,
    pub certificates: Vec<(PathBuf, Source)>,
    pub host_keys: Sourced<HostKeyPolicy>,
    pub host_key_alias: Sourced<String>,
    pub hash_known_hosts: Sourced<bool>,
    pub user_known_hosts: Sourced<Vec<PathBuf>>,
    pub global_known_hosts: Sourced<Vec<PathBuf>>,
    pub timeout: Sourced<Duration>,
    pub alive_interval: Sourced<Duration>,
    pub alive_count: Sourced<u32>,
    pub address_family: Sourced<AddressFamily>,
    pub batch: Sourced<bool>,
    pub algorithms: [Sourced<String>; 4],
    pub legacy: Sourced<bool>,
    pub through: Sourced<Through>,
}

impl Given {
    /// What ssh arguments say, the first of `layers` above the others.
    pub(super) fn of(title: String, name: (String, Source), layers: &[(Source, SshArgs)]) -> Given {
        let of_kind = |kind: Kind| {
            pick(layers, |args| {
                match kind {
                    Kind::Kex => &args.kex,
                    Kind::Cipher => &args.ciphers,
                    Kind::Mac => &args.macs,
                    Kind::HostKey => &args.host_key_algorithms,
                }
                .clone()
            })
        };
        let files = |take: fn(&SshArgs) -> &Vec<PathBuf>| -> Vec<(PathBuf, Source)> {
            layers
                .iter()
                .flat_map(|(source, args)| take(args).iter().map(|file| (file.clone(), source.clone())))
                .collect()
        };
        Given {
            title,
            name,
            choice: Choice::Usual,
            hostname: pick(layers, |args| args.hostname.clone()),
            user: pick(layers, |args| args.user.clone()),
            port: pick(layers, |args| args.port),
            keys: files(|args| &args.identity_files)
                .into_iter()
                .map(|(file, source)| (file, source, true))
                .collect(),
            spare_keys: Vec::new(),
            identities_only: pick(layers, |args| args.identities_only),
            identity_agent: pick(layers, |args| args.identity_agent.clone()),
            certificates: files(|args| &args.certificate_files),
            host_keys: pick(layers, |args| args.host_keys),
            host_key_alias: pick(layers, |args| args.host_key_alias.clone()),
            hash_known_hosts: pick(layers, |args| args.hash_known_hosts),
            user_known_hosts: pick(layers, |args| args.user_known_hosts.clone()),
            global_known_hosts: pick(layers, |args| args.global_known_hosts.clone()),
            timeout: pick(layers, |args| args.connect_timeout),
            alive_interval: pick(layers, |args| args.alive_interval),
            alive_count: pick(layers, |args| args.alive_count),
            address_family: pick(layers, |args| args.address_family),
            batch: pick(layers, |args| args.batch),
            algorithms: Kind::ALL.map(of_kind),
            legacy: None,
            through: pick(layers, |args| match (&args.jump, &args.proxy_command) {
                (Some(jumps), _) => Some(Through::Jumps(jumps.clone())),
                (None, Some(command)) => Some(Through::Command(command.clone())),
                (None, None) => None,
            }),
        }
    }

    /// What is said about a jump host on the way to `self`, which `source` names.
    ///
    /// ssh gives a host of `-J` nothing but its name and `-F`. An inventory says how to get to a node as
    /// a whole, and has no other place for its bastion; so the node's trust and keys are good for it too.
    pub(super) fn jump(&self, spec: &JumpSpec, source: &Source, home: &std::path::Path) -> Given {
        let source = Source::Jump(Box::new(source.clone()));
        let layers: Vec<(Source, SshArgs)> =
            spec.own.iter().map(|own| (source.clone(), (**own).clone())).collect();
        let title = format!("jump host {}", spec.host);
        let mut given = Given::of(title, (spec.host.clone(), source.clone()), &layers);
        given.user = spec.user.clone().map(|user| (user, source.clone()));
        given.port = spec.port.map(|port| (port, source.clone()));
        given.choice = match &spec.own {
            None => self.choice.clone(),
            Some(own) => own.config.as_deref().map(|file| Choice::of(file, home)).unwrap_or_default(),
        };
        given.through = None;
        given.spare_keys = self.keys.iter().map(|(file, source, _)| (file.clone(), source.clone())).collect();
        given.spare_keys.extend(self.spare_keys.iter().cloned());
        given.identities_only = given.identities_only.or_else(|| self.identities_only.clone());
        given.identity_agent = given.identity_agent.or_else(|| self.identity_agent.clone());
        given.host_keys = given.host_keys.or_else(|| self.host_keys.clone());
        given.user_known_hosts = given.user_known_hosts.or_else(|| self.user_known_hosts.clone());
        given.global_known_hosts = given.global_known_hosts.or_else(|| self.global_known_hosts.clone());
        given.timeout = given.timeout.or_else(|| self.timeout.clone());
        given.batch = given.batch.or_else(|| self.batch.clone());
        given
    }
}

/// The first value that a layer has, with the layer's name.
fn pick<T>(layers: &[(Source, SshArgs)], take: impl Fn(&SshArgs) -> Option<T>) -> Sourced<T> {
    layers.iter().find_map(|(source, args)| take(args).map(|value| (value, source.clone())))
}

/// Names go into messages and commands of others; none of theirs ever looks like this.
pub(super) fn unsafe_word(word: &str) -> Option<&'static str> {
    if word.is_empty() {
        Some("is empty")
    } else if word.starts_with('-') {
        Some("begins with a dash")
    } else if word.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"`$\\;&<>|(){}!*?#".contains(c))
    {
        Some("holds a character that a shell would act on")
    } else {
        None
    }
}
