//! One leg of a way: what is given about an sshd and what ssh's configuration adds become a route.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::given::{Given, Through};
use super::route::{ConnectionOptions, unsafe_word};
use super::source::{Setting, Settings, Source, Sourced};
use crate::error::{FileError, Refusal};
use crate::ssh::algorithms::Kind;
use crate::ssh::args::{JumpSpec, Tokens, check_host, check_user, values};
use crate::ssh::{AddressFamily, Algorithms, HostKeyPolicy, Route, default_identities};
use crate::ssh_config::{ConfigError, Found, Keyword, Query, SshConfig};

/// Jump hosts whose configuration sends us to further jump hosts, at most so many in a row.
const LONGEST_TRAIL: usize = 16;

/// Builds the legs of one host's way.
pub(super) struct Legs<'a> {
    /// The inventory's name of the host, for messages.
    pub host: &'a str,
    pub options: &'a ConnectionOptions,
    pub config: &'a SshConfig,
    /// What deserves a word.
    pub warnings: Vec<String>,
    /// What became effective, the node's first.
    pub settings: Vec<Settings>,
}

impl Legs<'_> {
    /// The question to ssh's configuration.
    pub(super) fn query(given: &Given) -> Query {
        Query {
            choice: given.choice.clone(),
            host: given.name.0.clone(),
            user: given.user.as_ref().map(|(user, _)| user.clone()),
            port: given.port.as_ref().map(|(port, _)| *port),
            hostname: given.hostname.as_ref().map(|(name, _)| name.clone()),
        }
    }

    /// The route to the sshd that `given` tells of: through `via`, or as it says itself. `trail` are the
    /// hosts whose way this one is part of.
    pub(super) fn build(
        &mut self,
        given: &Given,
        via: Option<Arc<Route>>,
        trail: &[(String, u16)],
    ) -> Result<Route, Refusal> {
        self.check(&given.name.0, "host name", &given.name.1)?;
        if let Some((user, source)) = &given.user {
            self.check(user, "user name", source)?;
        }
        let found = self.config.look_up(&Self::query(given)).map_err(|error| self.config_error(error))?;
        let said = Said { host: self.host, found: &found };

        let user = given.user.clone().or(said.text(Keyword::User));
        let user = user.unwrap_or_else(|| (self.options.local_user.clone(), Source::Default));
        self.check(&user.0, "user name", &user.1)?;
        let hostname = match &given.hostname {
            Some((name, source)) => {
                Some((name.replace("%h", &given.name.0).replace("%%", "%"), source.clone()))
            }
            None => said.text(Keyword::HostName),
        };
        let hostname = hostname.unwrap_or_else(|| given.name.clone());
        self.check(&hostname.0, "host name", &hostname.1)?;
        let port = match &given.port {
            Some(port) => Some(port.clone()),
            None => said.read(Keyword::Port, values::port)?,
        };
        let port = port.unwrap_or((22, Source::Default));
        let alias = given.host_key_alias.clone().or(said.text(Keyword::HostKeyAlias));
        if let Some((alias, source)) = &alias {
            self.check(alias, "host key alias", source)?;
        }
        let through = self.through(given, &said)?;
        let tokens = Tokens {
            home: self.home().display().to_string(),
            local_user: self.config.local_user().to_owned(),
            uid: rustix::process::getuid().as_raw(),
            local_host: self.config.local_host().to_owned(),
            name: given.name.0.clone(),
            host: hostname.0.clone(),
            port: port.0,
            user: user.0.clone(),
            alias: alias.as_ref().map(|(alias, _)| alias.clone()),
            jump: found.first(Keyword::ProxyJump).unwrap_or("").to_owned(),
        };
        let file = |path: &Path| PathBuf::from(tokens.expand_file(&path.to_string_lossy()));
        let files = |text: &[String]| text.iter().map(|text| file(Path::new(text))).collect::<Vec<_>>();

        let at = self.settings.len();
        self.settings.push(Settings { title: given.title.clone(), settings: Vec::new() });
        let mut route = Route::new(hostname.0.clone(), user.0.clone());
        let mut shown = Shown(Vec::new());
        if hostname.0 != given.name.0 {
            shown.add("name", &given.name.0, &given.name.1);
        }
        shown.add("address", &hostname.0, &hostname.1);
        shown.add("port", port.0, &port.1);
        shown.add("user", &user.0, &user.1);
        route.port = port.0;

        // The way there.
        match (via, through) {
            (Some(via), _) => {
                shown.add("through", name(&via), &given.name.1);
                route.jump = Some(via);
            }
            (None, Some((Through::Jumps(specs), source))) if !specs.is_empty() => {
                let mut trail = trail.to_vec();
                let here = (hostname.0.to_lowercase(), port.0);
                if trail.contains(&here) || trail.len() >= LONGEST_TRAIL {
                    return Err(self.wrong(format!(
                        "its way comes back to {} again and again ({source}); a jump host must not be \
                         reached through itself: leave it out, as in `Host * !{}`",
                        here.0, given.name.0
                    )));
                }
                trail.push(here);
                let jump = self.chain(&specs, given, &source, &trail)?;
                shown.add("through", jump.as_deref().map(name).unwrap_or_default(), &source);
                route.jump = jump;
            }
            (None, Some((Through::Command(command), source))) => {
                let command = tokens.expand(&command);
                shown.add("proxy command", &command, &source);
                route.proxy_command = Some(command);
            }
            (None, Some((Through::Jumps(_), source))) => shown.add("through", "nothing", &source),
            (None, None) => {}
        }

        // Who we are.
        route.default_identities = self.options.home.as_deref().map(default_identities).unwrap_or_default();
        for (key, source, must_be_there) in &given.keys {
            let key = file(key);
            // Found out now, not on a hundred hosts.
            if *must_be_there && let Err(error) = std::fs::metadata(&key) {
                return Err(Refusal::File(FileError::whole(
                    &key,
                    format!("the private key of host {} can't be read: {error}", self.host),
                )));
            }
            shown.add("key", key.display(), source);
            route.identity_files.push(key);
        }
        if let Some((keys, source)) = said.list(Keyword::IdentityFile) {
            for key in files(&keys).into_iter().filter(|key| !is_none(key)) {
                if !route.identity_files.contains(&key) {
                    shown.add("key", key.display(), &source);
                    route.identity_files.push(key);
                }
            }
            if keys.iter().all(|key| is_none(Path::new(key))) && given.keys.is_empty() {
                shown.add("key", "none", &source);
                route.default_identities.clear();
            }
        } else if route.identity_files.is_empty() && !given.spare_keys.is_empty() {
            for (key, source) in &given.spare_keys {
                let key = file(key);
                shown.add("key", key.display(), source);
                route.identity_files.push(key);
            }
            // ssh would try the usual ones, and the node's key may not be the jump host's.
            route.identity_files.append(&mut route.default_identities.clone());
        }
        let only = given.identities_only.clone();
        let only = only
            .map_or_else(|| said.read(Keyword::IdentitiesOnly, values::yes_or_no), |only| Ok(Some(only)))?;
        shown.maybe("identities only", &only, |only| yes(*only));
        route.identities_only = only.is_some_and(|(only, _)| only);
        let agent = given.identity_agent.clone().or(said.text(Keyword::IdentityAgent));
        route.agent = match &agent {
            None => self.options.agent.clone(),
            Some((none, _)) if none.eq_ignore_ascii_case("none") => None,
            Some((usual, _)) if usual == "SSH_AUTH_SOCK" => self.options.agent.clone(),
            Some((text, _)) => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => std::env::var_os(name).map(PathBuf::from),
                None => Some(file(Path::new(text))),
            },
        };
        let socket =
            route.agent.as_ref().map_or_else(|| "none".to_owned(), |agent| agent.display().to_string());
        let usual =
            if route.agent.is_some() { Source::Environment("SSH_AUTH_SOCK") } else { Source::Default };
        shown.add("agent", socket, &agent.map_or(usual, |(_, source)| source));
        for (certificate, source) in &given.certificates {
            route.certificate_files.push(file(certificate));
            shown.add("certificate", file(certificate).display(), source);
        }
        if let Some((certificates, source)) = said.list(Keyword::CertificateFile) {
            for certificate in files(&certificates).into_iter().filter(|file| !is_none(file)) {
                shown.add("certificate", certificate.display(), &source);
                route.certificate_files.push(certificate);
            }
        }
        let batch = given.batch.clone();
        let batch = batch
            .map_or_else(|| said.read(Keyword::BatchMode, values::yes_or_no), |batch| Ok(Some(batch)))?;
        shown.maybe("batch mode", &batch, |batch| yes(*batch));
        route.batch = batch.is_some_and(|(batch, _)| batch);

        // Whom we trust.
        let policy = match &given.host_keys {
            Some(policy) => Some(policy.clone()),
            None => said.read(Keyword::StrictHostKeyChecking, values::host_key_policy)?,
        };
        let policy = policy.unwrap_or((HostKeyPolicy::Strict, Source::Default));
        route.host_keys = policy.0;
        let shown_policy = match policy.0 {
            HostKeyPolicy::Strict => "checked",
            HostKeyPolicy::AcceptNew => "checked, new ones accepted",
            HostKeyPolicy::Off | HostKeyPolicy::Scan => "not checked",
        };
        shown.add("host keys", shown_policy, &policy.1);
        shown.maybe("host key alias", &alias, Clone::clone);
        route.host_key_alias = alias.map(|(alias, _)| alias);
        let hash = match &given.hash_known_hosts {
            Some(hash) => Some(hash.clone()),
            None => said.read(Keyword::HashKnownHosts, values::yes_or_no)?,
        };
        shown.maybe("hash known hosts", &hash, |hash| yes(*hash));
        route.hash_known_hosts = hash.is_some_and(|(hash, _)| hash);
        let configured = |given: &Sourced<Vec<PathBuf>>, keyword: Keyword| -> Sourced<Vec<PathBuf>> {
            match given {
                Some((paths, source)) => {
                    Some((paths.iter().map(|path| file(path)).collect(), source.clone()))
                }
                None => said.list(keyword).map(|(paths, source)| {
                    (files(&paths).into_iter().filter(|path| !is_none(path)).collect(), source)
                }),
            }
        };
        let users = configured(&given.user_known_hosts, Keyword::UserKnownHostsFile).unwrap_or_else(|| {
            let ssh = self.options.home.as_deref().map(|home| home.join(".ssh"));
            let files = ssh.map(|ssh| vec![ssh.join("known_hosts"), ssh.join("known_hosts2")]);
            (files.unwrap_or_default(), Source::Default)
        });
        let globals =
            configured(&given.global_known_hosts, Keyword::GlobalKnownHostsFile).unwrap_or_else(|| {
                let files = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
                (files.map(PathBuf::from).to_vec(), Source::Default)
            });
        for (paths, source) in [&users, &globals] {
            for path in paths {
                shown.add("known hosts", path.display(), source);
            }
            if paths.is_empty() {
                shown.add("known hosts", "none", source);
            }
        }
        route.accept_new_into = users.0.first().cloned();
        route.known_hosts = users.0.into_iter().chain(globals.0).collect();

        // How we speak.
        let timeout = match &given.timeout {
            Some(timeout) => Some(timeout.clone()),
            None => said.read(Keyword::ConnectTimeout, values::seconds)?.and_then(|(at, by)| Some((at?, by))),
        };
        shown.maybe("timeout", &timeout, |timeout| format!("{} s", timeout.as_secs_f64()));
        route.timeout = timeout.map(|(timeout, _)| timeout);
        let interval = match &given.alive_interval {
            Some(interval) => Some(interval.clone()),
            None => said.read(Keyword::ServerAliveInterval, values::interval)?,
        };
        let count = match &given.alive_count {
            Some(count) => Some(count.clone()),
            None => said.read(Keyword::ServerAliveCountMax, |text| text.parse().ok())?,
        };
        shown.maybe("alive interval", &interval, |interval| format!("{} s", interval.as_secs_f64()));
        shown.maybe("alive count", &count, u32::to_string);
        if interval.is_some() || count.is_some() {
            let interval = interval.map_or(Duration::ZERO, |(interval, _)| interval);
            route.keepalive = Some((interval, count.map_or(3, |(count, _)| count)));
        }
        let family = match &given.address_family {
            Some(family) => Some(family.clone()),
            None => said.read(Keyword::AddressFamily, values::address_family)?,
        };
        let shown_family = |family: &AddressFamily| match family {
            AddressFamily::Any => "any".to_owned(),
            AddressFamily::Inet => "IPv4 only".to_owned(),
            AddressFamily::Inet6 => "IPv6 only".to_owned(),
        };
        shown.maybe("address family", &family, shown_family);
        route.address_family = family.map_or(AddressFamily::Any, |(family, _)| family);
        let mut algorithms = Algorithms::default();
        for (kind, spec) in Kind::ALL.into_iter().zip(&given.algorithms) {
            let (keyword, list) = match kind {
                Kind::Kex => (Keyword::KexAlgorithms, &mut algorithms.kex),
                Kind::Cipher => (Keyword::Ciphers, &mut algorithms.ciphers),
                Kind::Mac => (Keyword::Macs, &mut algorithms.macs),
                Kind::HostKey => (Keyword::HostKeyAlgorithms, &mut algorithms.host_keys),
            };
            let Some((spec, source)) = spec.clone().or_else(|| said.text(keyword)) else { continue };
            *list = known(kind, &spec, &source, &self.config.default_list(keyword), &mut self.warnings);
            shown.add(kind.keyword(), list.join(","), &source);
        }
        shown.maybe("old algorithms", &given.legacy, |legacy| yes(*legacy));
        algorithms.legacy = given.legacy.as_ref().is_some_and(|(legacy, _)| *legacy);
        route.algorithms = algorithms;
        if let Some(place) = self.settings.get_mut(at) {
            place.settings = shown.0;
        }
        Ok(route)
    }

    /// The jump hosts of a chain, each reached through the one before; the last is nearest to the node.
    fn chain(
        &mut self,
        specs: &[JumpSpec],
        node: &Given,
        source: &Source,
        trail: &[(String, u16)],
    ) -> Result<Option<Arc<Route>>, Refusal> {
        let mut way: Option<Arc<Route>> = None;
        for spec in specs {
            let given = node.jump(spec, source, self.home());
            way = Some(Arc::new(self.build(&given, way.take(), trail)?));
        }
        Ok(way)
    }

    /// The way that arguments give, else the one of ssh's configuration.
    fn through(&self, given: &Given, said: &Said<'_>) -> Result<Sourced<Through>, Refusal> {
        if given.through.is_some() {
            return Ok(given.through.clone());
        }
        let wrong = |keyword: Keyword, source: &Source, why: String| {
            Refusal::Variable(format!("host {}: {} of {source}: {why}", self.host, keyword.name()))
        };
        if let Some((command, source)) = said.text(Keyword::ProxyCommand) {
            let jumps =
                JumpSpec::of_command(&command).map_err(|why| wrong(Keyword::ProxyCommand, &source, why))?;
            return Ok(match jumps {
                Some(jumps) if jumps.is_empty() => None,
                Some(jumps) => Some((Through::Jumps(jumps), source)),
                None => Some((Through::Command(command), source)),
            });
        }
        let Some((jump, source)) = said.text(Keyword::ProxyJump) else { return Ok(None) };
        let names = Tokens { name: given.name.0.clone(), host: given.name.0.clone(), ..Tokens::default() };
        let names = match said.text(Keyword::HostName) {
            Some((host, _)) => Tokens { host, ..names },
            None => names,
        };
        // A port or user in the name of a jump host is unheard of; left in, they are refused by name.
        let jump = if jump.contains("%p") || jump.contains("%r") { jump } else { names.expand(&jump) };
        let jumps = JumpSpec::chain(&jump).map_err(|why| wrong(Keyword::ProxyJump, &source, why))?;
        Ok((!jumps.is_empty()).then_some((Through::Jumps(jumps), source)))
    }

    fn home(&self) -> &Path {
        self.options.home.as_deref().unwrap_or(self.config.home())
    }

    fn wrong(&self, message: String) -> Refusal {
        Refusal::Variable(format!("host {}: {message}", self.host))
    }

    /// Refuses a name that a shell or ssh would take for something else, before it gets anywhere.
    fn check(&self, word: &str, what: &str, source: &Source) -> Result<(), Refusal> {
        let complaint = match (unsafe_word(word), source) {
            (Some(complaint), _) => complaint.to_owned(),
            (None, Source::SshConfig(_) | Source::Jump(_)) => {
                let check = if what == "user name" { check_user(word) } else { check_host(word) };
                match check {
                    Ok(()) => return Ok(()),
                    Err(complaint) => complaint,
                }
            }
            (None, _) => return Ok(()),
        };
        Err(self.wrong(format!("the {what} {word:?} of {source} is refused: {complaint}")))
    }

    fn config_error(&self, error: ConfigError) -> Refusal {
        match error.file {
            Some(file) => Refusal::File(FileError::whole(&file, error.message)),
            None => self.wrong(error.message),
        }
    }
}

/// What ssh's configuration says, read.
struct Said<'a> {
    host: &'a str,
    found: &'a Found,
}

impl Said<'_> {
    fn list(&self, keyword: Keyword) -> Sourced<Vec<String>> {
        let value = self.found.get(keyword)?;
        Some((value.values.clone(), Source::SshConfig(value.place.clone())))
    }

    fn text(&self, keyword: Keyword) -> Sourced<String> {
        let (values, source) = self.list(keyword)?;
        Some((values.into_iter().next()?, source))
    }

    fn read<T>(&self, keyword: Keyword, read: impl Fn(&str) -> Option<T>) -> Result<Sourced<T>, Refusal> {
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
struct Shown(Vec<Setting>);

impl Shown {
    fn add(&mut self, name: &'static str, value: impl ToString, source: &Source) {
        self.0.push(Setting { name, value: value.to_string(), source: source.clone() });
    }

    fn maybe<T>(&mut self, name: &'static str, value: &Sourced<T>, show: impl Fn(&T) -> String) {
        if let Some((value, source)) = value {
            self.add(name, show(value), source);
        }
    }
}

fn yes(yes: bool) -> String {
    if yes { "yes".to_owned() } else { "no".to_owned() }
}

fn name(route: &Route) -> String {
    match route.host.contains(':') {
        true => format!("{}@[{}]:{}", route.user, route.host, route.port),
        false => format!("{}@{}:{}", route.user, route.host, route.port),
    }
}

fn is_none(path: &Path) -> bool {
    path.as_os_str().eq_ignore_ascii_case("none")
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
