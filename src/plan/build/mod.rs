//! Builds a plan: every template rendered, every file looked for, before any host is contacted.

mod hosts;
mod pattern;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;

use super::connection::ConnectionOptions;
use super::pace::{self, Pace};
use super::{Limits, Plan, Target};
use crate::ansible::Settings;
use crate::error::{FileError, Refusal};
use crate::inventory;
use crate::playbook::template::{Renderer, TemplateError, Vars};
use crate::playbook::{Play, Playbook, ProbeKind, ProbeSpec, Text, ere, units};
use crate::probe::{Probe, Question, log_grep};
use crate::round;
use crate::vault::Keyring;
use hosts::Builder;

pub use pattern::{audit_plan, pattern_plan, way_to};

/// Bytes of matching log lines that a `log_grep` brings from one host, where nothing else is said.
const LOG_LIMIT: usize = 1 << 20;

/// Stands in a plan that is shown; a visit has one of its own, see [`log_grep::Question::fence`].
const SHOWN_FENCE: &str = "rmfence";

/// `since` and `until`.
type Window = (Option<Timestamp>, Option<Timestamp>);

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

/// A day more than asked for: the node's clock and zone are not known yet.
fn minutes_since(since: Timestamp) -> u64 {
    let seconds = Timestamp::now().as_second().saturating_sub(since.as_second()).max(0);
    seconds.unsigned_abs() / 60 + 24 * 60
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
fn window(playbook: &Playbook, options: &Options, now: Timestamp) -> Result<Window, Refusal> {
    let of = |flag: &str,
              typed: &Option<String>,
              pick: fn(&Play) -> &Option<String>|
     -> Result<Vec<Timestamp>, Refusal> {
        if let Some(at) = typed_moment(flag, typed, now)? {
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
    in_order(since, until)
}

/// A moment of the command line.
fn typed_moment(flag: &str, typed: &Option<String>, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = typed else { return Ok(None) };
    match units::moment(text, now) {
        Ok(at) => Ok(Some(at)),
        Err(message) => Err(Refusal::usage(format!("--{flag}: {message}"))),
    }
}

fn in_order(since: Option<Timestamp>, until: Option<Timestamp>) -> Result<Window, Refusal> {
    match (since, until) {
        (Some(since), Some(until)) if since >= until => {
            Err(Refusal::usage(format!("since ({since}) is not before until ({until})")))
        }
        window => Ok(window),
    }
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
                earlier: None,
                fence: SHOWN_FENCE.to_owned(),
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
