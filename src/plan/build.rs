//! Builds a plan: every template rendered, every file looked for, before any host is contacted.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::pace::{self, Pace};
use super::route::{self, ConnectionOptions};
use super::{Limits, Plan, Target, secrets};
use crate::ansible::Settings;
use crate::error::{FileError, Refusal};
use crate::inventory::{self, Inventory};
use crate::playbook::template::{Renderer, TemplateError, Vars};
use crate::playbook::{Play, Playbook, ProbeKind, ProbeSpec, Text, ere, units};
use crate::probe::audit::Audit;
use crate::probe::discovery::Given;
use crate::probe::{Probe, Question, log_grep};
use crate::round;
use crate::ssh_config::{Choice, SshConfig};
use crate::vault::Keyring;

/// Bytes of matching log lines that a `log_grep` brings from one host, where nothing else is said.
const LOG_LIMIT: usize = 1 << 20;

/// Fewer encrypted values are opened when they are used.
const WORTH_OPENING_AHEAD: usize = 8;

/// What the command line says about a round.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `-i`, each.
    pub inventories: Vec<String>,
    /// `-l`.
    pub limit: Option<String>,
    /// `-e`, each as typed.
    pub extra_vars: Vec<String>,
    pub connection: ConnectionOptions,
    pub forks: Option<usize>,
    pub retries: Option<u32>,
    pub probe_timeout: Option<Duration>,
    pub round_timeout: Option<Duration>,
    pub max_output: Option<usize>,
    pub since: Option<String>,
    pub until: Option<String>,
    /// The passwords for what is encrypted with ansible-vault.
    pub vault: Arc<Keyring>,
    /// What `ansible.cfg` and `ANSIBLE_…` say; it stands below the playbook.
    pub settings: Settings,
}

/// Reads the inventories of `options`, with the variable files beside `playbook`.
///
/// # Errors
/// No inventory, or one that is wrong.
pub fn inventory(options: &Options, playbook: Option<&Path>) -> Result<inventory::Loaded, Refusal> {
    if options.inventories.is_empty() {
        return Err(Refusal::usage("no inventory: name one with -i FILE, or `-i host1,host2,`"));
    }
    let beside = playbook.map(|file| match file.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    });
    inventory::load_with(&options.inventories, beside.as_deref(), Arc::clone(&options.vault))
}

/// The plan of a playbook.
///
/// # Errors
/// Whatever is wrong on the command line, in the inventory or in the playbook.
pub fn playbook_plan(playbook: &Playbook, options: &Options, now: Timestamp) -> Result<Plan, Refusal> {
    let loaded = inventory(options, Some(&playbook.file))?;
    let builder = Builder::new(&loaded, options)?;
    let mut warnings = options.settings.warnings.clone();
    warnings.extend(loaded.warnings.iter().cloned());
    let (since, until) = window(playbook, options, now)?;
    let mut hosts: IndexMap<String, Target> = IndexMap::new();
    let mut plays = Vec::new();
    let mut limited_out = None;
    let mut any = false;
    let ahead: Vec<(Vec<String>, &Vars)> = playbook
        .plays
        .iter()
        .filter_map(|play| {
            let selected = loaded.inventory.select(&play.hosts, options.limit.as_deref()).ok()?;
            Some((selected.hosts, &play.vars))
        })
        .collect();
    builder.ask_ahead(ahead.iter().flat_map(|(hosts, vars)| hosts.iter().map(|host| (host.as_str(), *vars))));
    for (index, play) in playbook.plays.iter().enumerate() {
        let all = loaded.inventory.select(&play.hosts, None).map_err(|refusal| {
            Refusal::File(playbook.error_at(play.offset, format!("the play `{}`: {refusal}", play.name)))
        })?;
        // A limit that leaves nothing of one play may still leave something of another.
        let selected = match loaded.inventory.select(&play.hosts, options.limit.as_deref()) {
            Ok(selected) => selected,
            Err(refusal) => {
                limited_out.get_or_insert(refusal);
                plays.push(recorded(play, all.hosts, None));
                continue;
            }
        };
        any = true;
        warnings.extend(
            selected
                .warnings
                .iter()
                .filter(|warning| !warnings.contains(warning))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let gate = builder.gate(playbook, play, &all.hosts)?;
        let chosen: HashSet<&String> = selected.hosts.iter().collect();
        let excluded = all.hosts.into_iter().filter(|host| !chosen.contains(host)).collect();
        plays.push(recorded(play, excluded, gate));
        builder.warm(&selected.hosts);
        for host in &selected.hosts {
            let renderer = builder.renderer(host, &play.vars);
            let target = match hosts.entry(host.clone()) {
                indexmap::map::Entry::Occupied(entry) => entry.into_mut(),
                indexmap::map::Entry::Vacant(entry) => {
                    entry.insert(builder.target(host, &renderer, play.r#become, &mut warnings)?)
                }
            };
            target.plays.push(index);
            for spec in &play.probes {
                let question = question(playbook, spec, &renderer, since)?;
                let limit =
                    spec.max_output.or(options.max_output).or(play.max_output).unwrap_or(match question {
                        Question::LogGrep(_) => LOG_LIMIT,
                        _ => Limits::default().output,
                    });
                let question = with_limit(question, limit);
                add_log_dirs(target, &question);
                let deadline = spec
                    .timeout
                    .or(options.probe_timeout)
                    .or(play.probe_timeout)
                    .unwrap_or(Limits::default().probe);
                target.probes.push((index, Probe { question, deadline, limit }));
            }
        }
    }
    if let (false, Some(refusal)) = (any, limited_out) {
        return Err(refusal);
    }
    let plays_limits = |pick: fn(&Play) -> Option<Duration>| playbook.plays.iter().filter_map(pick).max();
    let standard = Limits::default();
    let limits = Limits {
        forks: options
            .forks
            .or_else(|| playbook.plays.iter().filter_map(|play| play.forks).max())
            .or(options.settings.forks)
            .unwrap_or(standard.forks),
        connect: options
            .connection
            .timeout
            .or(plays_limits(|play| play.timeout))
            .or(options.settings.timeout)
            .unwrap_or(standard.connect),
        probe: options.probe_timeout.or(plays_limits(|play| play.probe_timeout)).unwrap_or(standard.probe),
        round: options.round_timeout.or(plays_limits(|play| play.round_timeout)).unwrap_or(standard.round),
        output: options.max_output.unwrap_or(standard.output),
    };
    let order: Vec<&str> = loaded.inventory.hosts().collect();
    let position: std::collections::HashMap<&str, usize> =
        order.iter().enumerate().map(|(at, host)| (*host, at)).collect();
    let mut targets: Vec<Target> = hosts.into_values().collect();
    targets.sort_by_key(|target| position.get(target.host.as_str()).copied().unwrap_or(usize::MAX));
    let ssh_commands = builder.close(&mut warnings);
    let pace = pace(playbook, options, targets.len())?;
    Ok(Plan {
        ssh_commands,
        playbook: Some(playbook.file.display().to_string()),
        limit: options.limit.clone(),
        plays,
        targets,
        limits,
        pace,
        since,
        until,
        warnings,
    })
}

/// The plan of one question to all hosts of a pattern: `exec` and `check`.
///
/// # Errors
/// As [`playbook_plan`].
pub fn pattern_plan(
    pattern: &str,
    options: &Options,
    question: impl Fn(&str, &Renderer) -> Result<Question, Refusal>,
) -> Result<Plan, Refusal> {
    let loaded = inventory(options, None)?;
    let builder = Builder::new(&loaded, options)?;
    let mut warnings = options.settings.warnings.clone();
    warnings.extend(loaded.warnings.iter().cloned());
    let selected = loaded.inventory.select(pattern, options.limit.as_deref())?;
    warnings.extend(selected.warnings);
    let standard = Limits::default();
    let limits = Limits {
        forks: options.forks.or(options.settings.forks).unwrap_or(standard.forks),
        connect: options.connection.timeout.or(options.settings.timeout).unwrap_or(standard.connect),
        probe: options.probe_timeout.unwrap_or(standard.probe),
        round: options.round_timeout.unwrap_or(standard.round),
        output: options.max_output.unwrap_or(standard.output),
    };
    let mut targets = Vec::with_capacity(selected.hosts.len());
    builder.warm(&selected.hosts);
    let no_vars = Vars::new();
    builder.ask_ahead(selected.hosts.iter().map(|host| (host.as_str(), &no_vars)));
    for host in &selected.hosts {
        let renderer = builder.renderer(host, &Vars::new());
        let mut target = builder.target(host, &renderer, None, &mut warnings)?;
        target.facts = None;
        target.plays.push(0);
        let question = question(host, &renderer)?;
        target.probes.push((0, Probe { question, deadline: limits.probe, limit: limits.output }));
        targets.push(target);
    }
    let play = round::Play {
        name: pattern.to_owned(),
        hosts: pattern.to_owned(),
        expect: round::Expect::default(),
        ignore_topics: Vec::new(),
        excluded: Vec::new(),
    };
    let ssh_commands = builder.close(&mut warnings);
    let mut pace = Pace::at_once(targets.len());
    pace.retries = options.retries.unwrap_or(pace.retries);
    Ok(Plan {
        ssh_commands,
        playbook: None,
        limit: options.limit.clone(),
        plays: vec![play],
        targets,
        limits,
        pace,
        since: None,
        until: None,
        warnings,
    })
}

/// The plan of an audit: every host of a pattern is asked what of Kafka is there, and that is then looked at.
///
/// # Errors
/// As [`playbook_plan`].
pub fn audit_plan(pattern: &str, options: &Options, now: Timestamp) -> Result<Plan, Refusal> {
    let moment = |flag: &str, typed: &Option<String>| -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = typed else { return Ok(None) };
        let at =
            units::moment(text, now).map_err(|message| Refusal::usage(format!("--{flag}: {message}")))?;
        Ok(Some(at))
    };
    let (since, until) = (moment("since", &options.since)?, moment("until", &options.until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Refusal::usage(format!("since ({since}) is not before until ({until})")));
    }
    // Asked before any host is: nothing. The question stands for what discovery will ask.
    let nothing = |_: &str, _: &Renderer| Ok(Question::Command { command: String::new() });
    let mut plan = pattern_plan(pattern, options, nothing)?;
    (plan.since, plan.until) = (since, until);
    let loaded = inventory(options, None)?;
    let builder = Builder::new(&loaded, options)?;
    let all = loaded.inventory.select(pattern, None)?.hosts;
    if let Some(play) = plan.plays.first_mut() {
        play.name = "Kafka audit".to_owned();
        play.excluded =
            all.into_iter().filter(|host| !plan.targets.iter().any(|target| target.host == *host)).collect();
    }
    for target in &mut plan.targets {
        target.probes.clear();
        let renderer = builder.renderer(&target.host, &Vars::new());
        target.audit = Some(Audit {
            given: Given {
                log_dirs: route::paths_var(&target.host, &renderer, "kafka_log_dirs")?,
                logs_dir: route::paths_var(&target.host, &renderer, "kafka_logs_dir")?.into_iter().next(),
                broker_id: target.broker_id,
            },
            since,
            newer_than_minutes: since.map(minutes_since),
            deadline: plan.limits.probe,
            limit: plan.limits.output,
            log_limit: options.max_output.unwrap_or(LOG_LIMIT),
        });
    }
    Ok(plan)
}

/// A day more than asked for: the node's clock and zone are not known yet.
fn minutes_since(since: Timestamp) -> u64 {
    let seconds = Timestamp::now().as_second().saturating_sub(since.as_second()).max(0);
    seconds.unsigned_abs() / 60 + 24 * 60
}

/// The way to one host, with nothing but its variables and the options.
///
/// # Errors
/// As [`playbook_plan`].
pub fn way_to(host: &str, loaded: &inventory::Loaded, options: &Options) -> Result<route::Way, Refusal> {
    let builder = Builder::new(loaded, options)?;
    let renderer = builder.renderer(host, &Vars::new());
    let mut way = route::way(host, &renderer, &options.connection, &builder.ssh_config)?;
    let ran = builder.close(&mut way.warnings);
    way.warnings
        .extend(ran.into_iter().map(|command| format!("ssh ran a command of its configuration: {command}")));
    Ok(way)
}

fn recorded(play: &Play, excluded: Vec<String>, gate: Option<round::Gate>) -> round::Play {
    round::Play {
        name: play.name.clone(),
        hosts: play.hosts.clone(),
        expect: round::Expect { gate, ..play.expect.clone() },
        ignore_topics: play.ignore_topics.clone(),
        excluded,
    }
}

/// The batches of a round. A host is visited once for all plays, so those that say something must agree.
fn pace(playbook: &Playbook, options: &Options, hosts: usize) -> Result<Pace, Refusal> {
    let mut serial: Option<&Play> = None;
    let mut most: Option<&Play> = None;
    for play in &playbook.plays {
        let disagree = |other: &Play, key: &str| {
            let message = format!("`{key}` differs from that of the play `{}`", other.name);
            playbook
                .error_at(play.offset, message)
                .hint("a host is visited once for all plays of a playbook; use two playbooks")
        };
        if !play.serial.is_empty() {
            match serial {
                Some(other) if other.serial != play.serial => return Err(disagree(other, "serial").into()),
                _ => serial = Some(play),
            }
        }
        if play.max_fail_percentage.is_some() {
            match most {
                Some(other) if other.max_fail_percentage != play.max_fail_percentage => {
                    return Err(disagree(other, "max_fail_percentage").into());
                }
                _ => most = Some(play),
            }
        }
    }
    Ok(Pace {
        retries: options.retries.unwrap_or(pace::RETRIES),
        batches: pace::batches(serial.map_or(&[], |play| &play.serial), hosts),
        max_fail_percentage: most.and_then(|play| play.max_fail_percentage),
    })
}

/// `since` and `until`: the command line's, else the earliest and the latest of the plays'.
fn window(
    playbook: &Playbook,
    options: &Options,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    let of = |flag: &str,
              typed: &Option<String>,
              pick: fn(&Play) -> &Option<String>|
     -> Result<Vec<Timestamp>, Refusal> {
        if let Some(text) = typed {
            let at =
                units::moment(text, now).map_err(|message| Refusal::usage(format!("--{flag}: {message}")))?;
            return Ok(vec![at]);
        }
        let mut moments = Vec::new();
        for play in &playbook.plays {
            let Some(text) = pick(play) else { return Ok(Vec::new()) };
            moments.push(
                units::moment(text, now)
                    .map_err(|message| playbook.error_at(play.offset, format!("{flag}: {message}")))?,
            );
        }
        Ok(moments)
    };
    let since = of("since", &options.since, |play| &play.since)?.into_iter().min();
    let until = of("until", &options.until, |play| &play.until)?.into_iter().max();
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Refusal::usage(format!("since ({since}) is not before until ({until})")));
    }
    Ok((since, until))
}

/// A probe's templates rendered for one host.
fn question(
    playbook: &Playbook,
    spec: &ProbeSpec,
    renderer: &Renderer,
    since: Option<Timestamp>,
) -> Result<Question, Refusal> {
    let wrong = |text: &Text, error: TemplateError| -> FileError {
        let refusal = playbook.error_at(text.offset, error.message);
        match error.hint {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    };
    let paths = |texts: &[Text]| -> Result<Vec<String>, Refusal> {
        let mut all = Vec::new();
        for text in texts {
            for path in renderer.words(&text.text).map_err(|error| wrong(text, error))? {
                if !path.starts_with('/') {
                    return Err(playbook
                        .error_at(text.offset, format!("`{path}` is no absolute path"))
                        .into());
                }
                if !all.contains(&path) {
                    all.push(path);
                }
            }
        }
        Ok(all)
    };
    Ok(match &spec.kind {
        ProbeKind::DiskUsage { paths: texts } => Question::DiskUsage { paths: paths(texts)? },
        ProbeKind::DiskFree { paths: texts } => Question::DiskFree { paths: paths(texts)? },
        ProbeKind::LogGrep { files, if_present, pattern } => {
            let rendered = renderer.shown(&pattern.text).map_err(|error| wrong(pattern, error))?;
            if let Some(complaint) = ere::complaint(&rendered) {
                return Err(playbook
                    .error_at(pattern.offset, format!("pattern `{rendered}`: {complaint}"))
                    .into());
            }
            let newer_than_minutes = since.map(minutes_since);
            Question::LogGrep(log_grep::Question {
                files: paths(files)?,
                if_present: paths(if_present)?,
                pattern: rendered,
                newer_than_minutes,
                limit: LOG_LIMIT,
                journal: None,
            })
        }
        ProbeKind::Command { command } => Question::Command {
            command: renderer.command(&command.text).map_err(|error| wrong(command, error))?,
        },
    })
}

fn with_limit(question: Question, limit: usize) -> Question {
    match question {
        Question::LogGrep(grep) => Question::LogGrep(log_grep::Question { limit, ..grep }),
        other => other,
    }
}

/// The directories that replica globs lie in are log dirs, whether or not the inventory names them.
fn add_log_dirs(target: &mut Target, question: &Question) {
    let (Question::DiskUsage { paths }, Some(log_dirs)) = (question, &mut target.facts) else { return };
    for path in paths {
        if let Some((dir, name)) = path.rsplit_once('/')
            && name.contains(['*', '?', '['])
            && !dir.contains(['*', '?', '['])
            && !dir.is_empty()
            && !log_dirs.iter().any(|known| known == dir)
        {
            log_dirs.push(dir.to_owned());
        }
    }
}

/// What is the same for all hosts of a plan.
struct Builder<'a> {
    inventory: &'a Inventory,
    options: &'a Options,
    extra: Vars,
    /// `groups`, which a copy for every host would make the largest part of all variables.
    common: Arc<Vars>,
    ssh_config: SshConfig,
}

impl<'a> Builder<'a> {
    fn new(loaded: &'a inventory::Loaded, options: &'a Options) -> Result<Self, Refusal> {
        let mut extra = Vars::new();
        for given in &options.extra_vars {
            extra.extend(extra_vars(given)?);
        }
        let common = Arc::new(Vars::from_iter([("groups".to_owned(), loaded.inventory.groups_var())]));
        let connection = &options.connection;
        Ok(Builder {
            inventory: &loaded.inventory,
            options,
            extra,
            common,
            ssh_config: SshConfig::of_user(connection.home.as_deref(), &connection.local_user),
        })
    }

    /// Opens at once what the hosts' logins will need: one by one it would take milliseconds each.
    fn warm(&self, hosts: &[String]) {
        let vault = self.inventory.vault();
        if vault.is_empty() {
            return;
        }
        let mut sealed = HashSet::new();
        for host in hosts {
            for (name, value) in self.inventory.vars(host) {
                if (name.starts_with("ansible_") || name.starts_with("vault_"))
                    && let Some(inventory::Sealed::Vault(text)) = inventory::sealed(&value)
                {
                    sealed.insert(text.to_owned());
                }
            }
        }
        let sealed: Vec<&str> = sealed.iter().map(String::as_str).collect();
        // One or two may never be used, and then their password need not be had.
        if sealed.len() >= WORTH_OPENING_AHEAD {
            vault.warm(&sealed);
        }
    }

    /// Asks ssh about all hosts at the same time, where its configuration may need many answers.
    fn ask_ahead<'h>(&self, hosts: impl IntoIterator<Item = (&'h str, &'h Vars)>) {
        let connection = &self.options.connection;
        let home = connection.home.as_deref().unwrap_or(Path::new(""));
        let choice = connection.config.as_deref().map(|file| Choice::of(file, home)).unwrap_or_default();
        if !self.ssh_config.may_ask_often(&choice) {
            return;
        }
        let mut seen = std::collections::HashSet::new();
        let mut queries = Vec::new();
        for (host, vars) in hosts {
            if seen.insert(host)
                // What is wrong with a host is said when its turn comes.
                && let Ok(draft) = route::Draft::read(host, &self.renderer(host, vars), connection)
            {
                queries.extend(draft.query());
            }
        }
        self.ssh_config.ask_ahead(&queries);
    }

    /// What ssh ran while it was asked, and what could not be asked for want of it.
    fn close(&self, warnings: &mut Vec<String>) -> Vec<String> {
        warnings.extend(self.ssh_config.complaint());
        let commands = self.ssh_config.commands();
        commands
            .into_iter()
            .map(|command| {
                format!("{} ({}:{})", command.text, command.place.file.display(), command.place.line)
            })
            .collect()
    }

    /// Inventory below play below command line, as in Ansible.
    fn renderer(&self, host: &str, play: &Vars) -> Renderer {
        let mut vars = self.inventory.vars(host);
        // Magic as in Ansible: no inventory's own `groups` stands above it.
        vars.shift_remove("groups");
        vars.extend(play.iter().map(|(name, value)| (name.clone(), value.clone())));
        vars.extend(self.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
        Renderer::with_vault(host, vars, Arc::clone(&self.common), Arc::clone(self.inventory.vault()))
    }

    /// The brokers that a play's gate asks about: a host pattern, `none` where it is empty.
    fn gate(
        &self,
        playbook: &Playbook,
        play: &Play,
        hosts: &[String],
    ) -> Result<Option<round::Gate>, Refusal> {
        let (Some(text), Some(any)) = (&play.gate, hosts.first()) else { return Ok(None) };
        let pattern = self.renderer(any, &play.vars).text(&text.text).map_err(|error| {
            let refusal = playbook.error_at(text.offset, error.message);
            match error.hint {
                Some(hint) => refusal.hint(hint),
                None => refusal,
            }
        })?;
        let pattern = pattern.trim();
        if pattern.is_empty() {
            return Ok(Some(round::Gate::default()));
        }
        let restart = self.inventory.select(pattern, None)?.hosts;
        match restart.iter().find(|host| !hosts.contains(host)) {
            Some(host) => {
                Err(Refusal::usage(format!("gate: {host} is none of the hosts of the play `{}`", play.name)))
            }
            None => Ok(Some(round::Gate { restart })),
        }
    }

    fn target(
        &self,
        host: &str,
        renderer: &Renderer,
        play_becomes: Option<bool>,
        warnings: &mut Vec<String>,
    ) -> Result<Target, Refusal> {
        let mut connection = self.options.connection.clone();
        connection.become_root |= play_becomes.unwrap_or(false);
        let mut way = route::way(host, renderer, &connection, &self.ssh_config)?;
        secrets::into_route(host, renderer, &mut way.route)?;
        way.route.batch |= connection.batch;
        let becomes = match &way.become_user {
            Some(user) => Some(secrets::becomes(host, renderer, user, connection.become_method.as_deref())?),
            None => None,
        };
        // The same word about every host is said once.
        for warning in way.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(Target {
            host: host.to_owned(),
            route: Arc::new(way.route),
            become_user: way.become_user,
            becomes,
            cluster: route::text_var(host, renderer, "kafka_cluster")?,
            broker_id: route::number_var(host, renderer, "kafka_broker_id")?,
            plays: Vec::new(),
            facts: Some(route::paths_var(host, renderer, "kafka_log_dirs")?),
            probes: Vec::new(),
            audit: None,
        })
    }
}

/// `-e`: `name=value …` as a shell would split it, a JSON or YAML mapping, or `@FILE`.
fn extra_vars(given: &str) -> Result<Vars, Refusal> {
    let mapping = |file: &Path, text: &str| -> Result<Vars, Refusal> {
        match crate::yaml::parse(file, text)?.to_json() {
            serde_json::Value::Object(object) => Ok(object.into_iter().collect()),
            _ => Err(FileError::whole(file, "extra variables are a mapping").into()),
        }
    };
    if let Some(file) = given.strip_prefix('@') {
        let file = Path::new(file);
        let text = std::fs::read_to_string(file)
            .map_err(|error| FileError::whole(file, format!("the extra variables can't be read: {error}")))?;
        return mapping(file, &text);
    }
    if given.trim_start().starts_with('{') {
        return mapping(Path::new("-e"), given).map_err(|refusal| Refusal::usage(format!("-e: {refusal}")));
    }
    let words =
        shlex::split(given).ok_or_else(|| Refusal::usage(format!("-e {given:?}: a quote is not closed")))?;
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok((name.to_owned(), serde_json::Value::String(value.to_owned())))
            }
            _ => Err(Refusal::usage(format!("-e {word:?}: write name=value, a JSON object or @FILE"))),
        })
        .collect()
}
