//! One leg of a way: what is given about an sshd and what ssh's configuration adds become a route.

mod identity;
mod said;
mod speech;
mod trust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connection::ConnectionOptions;
use super::given::{Given, Through, unsafe_word};
use super::source::{Settings, Source, Sourced};
use crate::error::{FileError, Refusal};
use crate::ssh::Route;
use crate::ssh::args::{JumpSpec, Tokens, check_host, check_user, values};
use crate::ssh_config::{ConfigError, Keyword, Query, SshConfig};
use said::{Said, Shown, name};

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

        let mut leg = Leg { given, said, tokens, options: self.options, config: self.config, route, shown };
        leg.settle_identity()?;
        leg.settle_trust(&alias)?;
        leg.settle_speech(&mut self.warnings)?;
        if let Some(place) = self.settings.get_mut(at) {
            place.settings = leg.shown.0;
        }
        Ok(leg.route)
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

/// A leg whose ends are known, and what is settled of it so far.
struct Leg<'a> {
    given: &'a Given,
    said: Said<'a>,
    tokens: Tokens,
    options: &'a ConnectionOptions,
    config: &'a SshConfig,
    route: Route,
    shown: Shown,
}

impl Leg<'_> {
    /// A path with its tokens filled in.
    fn file(&self, path: &Path) -> PathBuf {
        PathBuf::from(self.tokens.expand_file(&path.to_string_lossy()))
    }

    fn files(&self, paths: &[String]) -> Vec<PathBuf> {
        paths.iter().map(|path| self.file(Path::new(path))).collect()
    }
}
