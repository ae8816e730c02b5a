//! ssh's own configuration: `~/.ssh/config`, `/etc/ssh/ssh_config`, or what `-F` names.
//!
//! OpenSSH's `ssh -G` knows exactly what a configuration means for a host, at 5 to 8 ms a call. The files
//! are read here too, to find out which hosts the same stanzas apply to: those share one call. What
//! differs between them (`HostName`, `User`, keys … of single hosts) is followed here, and compared with
//! what ssh says about one of them; where the two differ every host of the group is asked about by itself.
//! Without OpenSSH what was followed is all there is, and the caller is told what that leaves out.

mod document;
mod dump;
mod files;
mod keyword;
mod program;
mod text;
mod walk;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use document::{Document, Place};
pub use dump::Dump;
pub use files::Choice;
pub use keyword::Keyword;
use program::Ask;
pub use walk::{Command, Doubt, Walk, Who};

/// A configuration that cannot be read, or that ssh refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file that `-F` named.
    pub file: Option<PathBuf>,
    /// One sentence.
    pub message: String,
}

impl ConfigError {
    fn of(message: String) -> Self {
        ConfigError { file: None, message }
    }
}

/// What a configuration is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    pub choice: Choice,
    /// The name as ssh would be given it. Must be safe: it goes to ssh as an argument.
    pub host: String,
    /// The login name, where something above the configuration gives one.
    pub user: Option<String>,
    /// The port, likewise.
    pub port: Option<u16>,
    /// The address, likewise.
    pub hostname: Option<String>,
}

/// What a configuration says about one host.
#[derive(Debug, Clone, Default)]
pub struct Found(HashMap<Keyword, Value>);

/// What a keyword was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Never empty.
    pub values: Vec<String>,
    /// Where, if that is known.
    pub place: Option<Place>,
}

impl Found {
    /// What was said about `keyword`.
    pub fn get(&self, keyword: Keyword) -> Option<&Value> {
        self.0.get(&keyword)
    }

    /// The first word said about `keyword`.
    pub fn first(&self, keyword: Keyword) -> Option<&str> {
        self.get(keyword)?.values.first().map(String::as_str)
    }

    fn set(&mut self, keyword: Keyword, values: Vec<String>, place: Option<Place>) {
        if !values.is_empty() {
            self.0.insert(keyword, Value { values, place });
        }
    }
}

/// Hosts that one call answers for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    choice: Choice,
    signature: Vec<(usize, bool)>,
    user: bool,
    port: bool,
    /// The host alone.
    own: Option<Query>,
}

/// What ssh said about one host of a group.
struct Group {
    /// All of it.
    said: Dump,
    /// What is nobody's default.
    wish: Dump,
    /// The host that ssh was asked about.
    asked: Query,
    /// Whether what was followed here is what ssh says.
    agrees: bool,
}

/// Answers what ssh's configuration says, asking ssh as seldom as can be.
pub struct SshConfig {
    home: PathBuf,
    local_user: String,
    local_host: String,
    ssh: Option<PathBuf>,
    documents: RefCell<HashMap<Choice, Result<Rc<Document>, ConfigError>>>,
    defaults: OnceCell<Result<Dump, ConfigError>>,
    groups: RefCell<HashMap<Key, Result<Rc<Group>, ConfigError>>>,
    commands: RefCell<Vec<Command>>,
    unhonoured: RefCell<Vec<(String, Place)>>,
    relied_on: Cell<bool>,
    calls: Cell<usize>,
}

impl SshConfig {
    /// For the user who runs this; `home` and `local_user` count where passwd does not know him.
    pub fn of_user(home: Option<&Path>, local_user: &str) -> Self {
        let (name, home) = match files::home(rustix::process::getuid().as_raw()) {
            Some((name, home)) => (name, home),
            None => (local_user.to_owned(), home.map(Path::to_owned).unwrap_or_default()),
        };
        SshConfig::new(home, name, program::find(std::env::var_os("PATH").as_ref()))
    }

    /// With a given home, user and ssh; without ssh, what we follow ourselves is all there is.
    pub fn new(home: PathBuf, local_user: String, ssh: Option<PathBuf>) -> Self {
        SshConfig {
            home,
            local_user,
            local_host: files::local_host(),
            ssh,
            documents: RefCell::default(),
            defaults: OnceCell::new(),
            groups: RefCell::default(),
            commands: RefCell::default(),
            unhonoured: RefCell::default(),
            relied_on: Cell::new(false),
            calls: Cell::new(0),
        }
    }

    /// The home that `~` means to ssh.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The user who runs this, as ssh sees it.
    pub fn local_user(&self) -> &str {
        &self.local_user
    }

    /// This machine's name.
    pub fn local_host(&self) -> &str {
        &self.local_host
    }

    /// Whether a configuration may need many calls, so that [`SshConfig::ask_ahead`] is worth it.
    pub fn may_ask_often(&self, choice: &Choice) -> bool {
        self.ssh.is_some() && self.document(choice).is_ok_and(|document| document.is_varied())
    }

    /// How often ssh was run.
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// Commands of `Match exec` that ssh was given to run.
    pub fn commands(&self) -> Vec<Command> {
        if self.ssh.is_some() { self.commands.borrow().clone() } else { Vec::new() }
    }

    /// What was not honoured for want of ssh: a sentence, if there is anything to say.
    pub fn complaint(&self) -> Option<String> {
        if self.ssh.is_some() || !self.relied_on.get() {
            return None;
        }
        let left_out: Vec<String> = self
            .unhonoured
            .borrow()
            .iter()
            .map(|(what, place)| format!("{what} ({}:{})", place.file.display(), place.line))
            .collect();
        let left_out = match left_out.as_slice() {
            [] => "nothing that needs it was found for these hosts".to_owned(),
            some => format!("not honoured: {}", some.join(", ")),
        };
        Some(format!(
            "there is no `ssh` on PATH to read ssh's configuration with, so it is read here, Host, Match \
             by names and Include only; {left_out}"
        ))
    }

    /// The default list of an algorithm keyword, as ssh prints it; empty without ssh.
    pub fn default_list(&self, keyword: Keyword) -> Vec<String> {
        match self.defaults.get() {
            Some(Ok(defaults)) => {
                defaults.first(keyword).unwrap_or("").split(',').map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the configuration says about a host.
    ///
    /// # Errors
    /// The file named by `-F` can't be read; ssh refuses the configuration.
    pub fn look_up(&self, query: &Query) -> Result<Found, ConfigError> {
        let document = self.document(&query.choice)?;
        let walk = document.walk(&self.who(query));
        if !walk.is_relevant {
            return Ok(Found::default());
        }
        self.relied_on.set(true);
        if self.ssh.is_none() {
            self.leave_out(&walk);
            return Ok(followed(&walk, |_| true));
        }
        let found = match self.group(query, &walk) {
            Ok(group) => self.answer(query, &walk, &group),
            // What ssh refuses for one host (a jump host that is its own) it may take for another.
            Err(error) if walk.doubt == Doubt::Own => return Err(error),
            Err(_) => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        // What we followed is not what ssh says: this host is asked about by itself.
        let key = own_key(query);
        if !self.groups.borrow().contains_key(&key) {
            self.ask(vec![(key.clone(), query.clone())]);
        }
        let group = self.known(&key)?;
        Ok(said(&walk, &group.wish, &own_hostname(&group.said, query)))
    }

    /// Asks ssh about all of `queries` at the same time; [`SshConfig::look_up`] then has the answers.
    pub fn ask_ahead(&self, queries: &[Query]) {
        if self.ssh.is_none() {
            return;
        }
        // The first round finds out about groups, the second about hosts of groups that don't agree.
        for round in 0..2 {
            let mut wanted: Vec<(Key, Query)> = Vec::new();
            let mut seen = std::collections::HashSet::new();
            for query in queries {
                let Ok(document) = self.document(&query.choice) else { continue };
                let walk = document.walk(&self.who(query));
                if !walk.is_relevant {
                    continue;
                }
                let mut key = key(query, &walk);
                if round == 1 {
                    let group = self.groups.borrow().get(&key).cloned();
                    match group {
                        Some(Ok(group)) if self.answer(query, &walk, &group).is_none() => {
                            key = own_key(query)
                        }
                        _ => continue,
                    }
                }
                if !self.groups.borrow().contains_key(&key) && seen.insert(key.clone()) {
                    self.remember_commands(&walk);
                    wanted.push((key, query.clone()));
                }
            }
            self.ask(wanted);
        }
    }

    fn who<'q>(&'q self, query: &'q Query) -> Who<'q> {
        Who {
            host: &query.host,
            user: query.user.as_deref(),
            hostname: query.hostname.as_deref(),
            local_user: &self.local_user,
        }
    }

    fn document(&self, choice: &Choice) -> Result<Rc<Document>, ConfigError> {
        let mut documents = self.documents.borrow_mut();
        if let Some(known) = documents.get(choice) {
            return known.clone();
        }
        let document = files::read(choice, &self.home).map(Rc::new);
        documents.insert(choice.clone(), document.clone());
        document
    }

    fn group(&self, query: &Query, walk: &Walk<'_>) -> Result<Rc<Group>, ConfigError> {
        let key = key(query, walk);
        if !self.groups.borrow().contains_key(&key) {
            self.remember_commands(walk);
            self.ask(vec![(key.clone(), query.clone())]);
        }
        self.known(&key)
    }

    fn known(&self, key: &Key) -> Result<Rc<Group>, ConfigError> {
        let unknown = || Err(ConfigError::of("`ssh -G` was not asked".to_owned()));
        self.groups.borrow().get(key).cloned().unwrap_or_else(unknown)
    }

    /// Asks ssh, about its defaults too if they are not known yet.
    fn ask(&self, wanted: Vec<(Key, Query)>) {
        let Some(ssh) = &self.ssh else { return };
        if wanted.is_empty() {
            return;
        }
        let mut asks: Vec<Ask> = wanted.iter().map(|(_, query)| Ask::About(query.clone())).collect();
        if self.defaults.get().is_none() {
            asks.push(Ask::Defaults);
        }
        self.calls.set(self.calls.get() + asks.len());
        let mut answers = program::ask_all(ssh, &asks);
        if asks.len() > wanted.len()
            && let Some(defaults) = answers.pop()
        {
            // It was empty a moment ago.
            let _ = self.defaults.set(defaults);
        }
        let defaults = match self.defaults.get() {
            Some(Ok(defaults)) => Ok(defaults),
            Some(Err(error)) => Err(error.clone()),
            None => Err(ConfigError::of("`ssh -G` was not asked".to_owned())),
        };
        for ((key, query), answer) in wanted.into_iter().zip(answers) {
            let group = answer.and_then(|said| {
                let defaults = defaults.clone()?;
                let document = self.document(&query.choice)?;
                let walk = document.walk(&self.who(&query));
                let agrees = walk.doubt == Doubt::None && self.agrees(&query, &walk, &said, defaults);
                Ok(Rc::new(Group { wish: said.beyond(defaults), said, asked: query, agrees }))
            });
            self.groups.borrow_mut().insert(key, group);
        }
    }

    /// What a group's answer means for one of its hosts; `None` if it says nothing about this one.
    fn answer(&self, query: &Query, walk: &Walk<'_>, group: &Group) -> Option<Found> {
        match walk.doubt {
            Doubt::None if group.agrees => {
                let mut found = followed(walk, Keyword::is_followed);
                for keyword in Keyword::all().filter(|keyword| !keyword.is_followed()) {
                    let (_, place) = walk.values(keyword);
                    found.set(keyword, group.wish.values(keyword).to_vec(), place);
                }
                Some(found)
            }
            Doubt::None if group.asked == *query => {
                Some(said(walk, &group.wish, &own_hostname(&group.said, query)))
            }
            Doubt::None => None,
            // No `HostName` here depends on the host, so it is either a name for all or each one's own.
            Doubt::Shared => Some(said(walk, &group.wish, &own_hostname(&group.said, &group.asked))),
            Doubt::Own => Some(said(walk, &group.wish, &own_hostname(&group.said, query))),
        }
    }

    /// Whether ssh says of the host what we found by ourselves.
    fn agrees(&self, query: &Query, walk: &Walk<'_>, said: &Dump, defaults: &Dump) -> bool {
        let same_name = said.first(Keyword::HostName) == Some(walk.hostname.as_str());
        same_name
            && Keyword::all().filter(|keyword| keyword.is_followed()).all(|keyword| {
                let (followed, _) = walk.values(keyword);
                match keyword {
                    Keyword::HostName => true,
                    Keyword::User if query.user.is_some() => true,
                    Keyword::Port if query.port.is_some() => true,
                    _ if followed.is_empty() => said.values(keyword) == defaults.values(keyword),
                    // ssh fills in their tokens, host by host; so does the plan.
                    Keyword::UserKnownHostsFile | Keyword::IdentityAgent => {
                        let both = followed.iter().zip(said.values(keyword));
                        followed.len() == said.values(keyword).len()
                            && both.into_iter().all(|(ours, theirs)| {
                                ours.contains(['%', '$']) || self.below_home(ours) == self.below_home(theirs)
                            })
                    }
                    Keyword::ProxyJump if is_none(&followed) => said.values(keyword).is_empty(),
                    _ => said.values(keyword) == followed.as_slice(),
                }
            })
    }

    fn below_home(&self, value: &str) -> String {
        match value.strip_prefix("~/") {
            Some(below) => self.home.join(below).display().to_string(),
            None => value.to_owned(),
        }
    }

    fn remember_commands(&self, walk: &Walk<'_>) {
        let mut commands = self.commands.borrow_mut();
        for command in &walk.commands {
            if !commands.contains(command) {
                commands.push(command.clone());
            }
        }
    }

    fn leave_out(&self, walk: &Walk<'_>) {
        let mut left_out = self.unhonoured.borrow_mut();
        for unknown in &walk.unknown {
            if !left_out.contains(unknown) {
                left_out.push(unknown.clone());
            }
        }
    }
}

fn is_none(values: &[String]) -> bool {
    matches!(values, [none] if none.eq_ignore_ascii_case("none"))
}

fn key(query: &Query, walk: &Walk<'_>) -> Key {
    match walk.doubt {
        Doubt::Own => own_key(query),
        doubt => Key {
            choice: query.choice.clone(),
            signature: walk.signature.clone(),
            user: query.user.is_some(),
            port: query.port.is_some(),
            // A doubtful group is one of hosts that are asked about alike.
            own: (doubt == Doubt::Shared).then(|| Query { host: String::new(), ..query.clone() }),
        },
    }
}

fn own_key(query: &Query) -> Key {
    Key {
        choice: query.choice.clone(),
        signature: Vec::new(),
        user: query.user.is_some(),
        port: query.port.is_some(),
        own: Some(query.clone()),
    }
}

/// What we found by ourselves, of the keywords that `wanted` takes.
fn followed(walk: &Walk<'_>, wanted: impl Fn(Keyword) -> bool) -> Found {
    let mut found = Found::default();
    for keyword in Keyword::all().filter(|keyword| wanted(*keyword)) {
        let (values, place) = walk.values(keyword);
        if keyword == Keyword::HostName && !values.is_empty() {
            found.set(keyword, vec![walk.hostname.clone()], place);
            continue;
        }
        found.set(keyword, values, place);
    }
    // After a second reading the name may be one that no line says literally.
    found
}

/// What ssh said about this host, and where we think it stands.
fn said(walk: &Walk<'_>, wish: &Dump, hostname: &[String]) -> Found {
    let mut found = Found::default();
    for keyword in Keyword::all().filter(|keyword| *keyword != Keyword::HostName) {
        let (values, place) = walk.values(keyword);
        let place = place.filter(|_| walk.doubt == Doubt::None && !values.is_empty());
        found.set(keyword, wish.values(keyword).to_vec(), place);
    }
    let (_, place) = walk.values(Keyword::HostName);
    found.set(Keyword::HostName, hostname.to_vec(), place.filter(|_| walk.doubt == Doubt::None));
    found
}

/// The name that ssh would connect to, if it is not the one it was given.
fn own_hostname(said: &Dump, asked: &Query) -> Vec<String> {
    match said.first(Keyword::HostName) {
        Some(name) if !name.eq_ignore_ascii_case(&asked.host) => vec![name.to_owned()],
        _ => Vec::new(),
    }
}
