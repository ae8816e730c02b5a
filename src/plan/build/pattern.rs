//! Plans without a playbook: the hosts of a pattern, all asked the same.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    Builder, LOG_LIMIT, Options, SHOWN_FENCE, Window, in_order, inventory, minutes_since, typed_moment,
};
use crate::error::Refusal;
use crate::inventory::Loaded;
use crate::plan::pace::Pace;
use crate::plan::{Limits, Plan, Target, route, vars};
use crate::playbook::template::{Renderer, Vars};
use crate::probe::audit::Audit;
use crate::probe::discovery::Given;
use crate::probe::{Probe, Question};
use crate::round;

/// The plan of one question to all hosts of a pattern: `exec` and `check`.
///
/// # Errors
/// As [`super::playbook_plan`].
pub fn pattern_plan(
    pattern: &str,
    options: &Options,
    question: impl Fn(&str, &Renderer) -> Result<Question, Refusal>,
) -> Result<Plan, Refusal> {
    let loaded = inventory(options, None)?;
    of_pattern(&loaded, pattern, options, (None, None), |target, renderer, limits| {
        let question = question(&target.host, renderer)?;
        target.probes.push((0, Probe { question, deadline: limits.probe, limit: limits.output }));
        Ok(())
    })
}

/// The plan of an audit: every host of a pattern is asked what of Kafka is there, and that is then looked at.
///
/// # Errors
/// As [`super::playbook_plan`].
pub fn audit_plan(pattern: &str, options: &Options, now: Timestamp) -> Result<Plan, Refusal> {
    let moment = |flag: &str, typed: &Option<String>| typed_moment(flag, typed, now);
    let window = in_order(moment("since", &options.since)?, moment("until", &options.until)?)?;
    let since = window.0;
    let loaded = inventory(options, None)?;
    let mut plan = of_pattern(&loaded, pattern, options, window, |target, renderer, limits| {
        target.audit = Some(Audit {
            given: Given {
                log_dirs: vars::paths_var(&target.host, renderer, "kafka_log_dirs")?,
                logs_dir: vars::paths_var(&target.host, renderer, "kafka_logs_dir")?.into_iter().next(),
                broker_id: target.broker_id,
            },
            since,
            newer_than_minutes: since.map(minutes_since),
            deadline: limits.probe,
            limit: limits.output,
            log_limit: options.max_output.unwrap_or(LOG_LIMIT),
            earlier: Vec::new(),
            fence: SHOWN_FENCE.to_owned(),
        });
        Ok(())
    })?;
    let chosen: HashSet<&str> = plan.targets.iter().map(|target| target.host.as_str()).collect();
    let all = loaded.inventory.select(pattern, None)?.hosts;
    let excluded = all.into_iter().filter(|host| !chosen.contains(host.as_str())).collect();
    if let Some(play) = plan.plays.first_mut() {
        play.name = "Kafka audit".to_owned();
        play.excluded = excluded;
    }
    Ok(plan)
}

/// The hosts of a pattern as targets; `ask` says what each is asked.
fn of_pattern(
    loaded: &Loaded,
    pattern: &str,
    options: &Options,
    (since, until): Window,
    ask: impl Fn(&mut Target, &Renderer, &Limits) -> Result<(), Refusal>,
) -> Result<Plan, Refusal> {
    let builder = Builder::new(loaded, options)?;
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
        let renderer = builder.renderer(host, &no_vars);
        let mut target = builder.target(host, &renderer, None, &mut warnings)?;
        target.facts = None;
        target.plays.push(0);
        ask(&mut target, &renderer, &limits)?;
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
        since,
        until,
        warnings,
    })
}

/// The way to one host, with nothing but its variables and the options.
///
/// # Errors
/// As [`super::playbook_plan`].
pub fn way_to(host: &str, loaded: &Loaded, options: &Options) -> Result<route::Way, Refusal> {
    let builder = Builder::new(loaded, options)?;
    let renderer = builder.renderer(host, &Vars::new());
    let mut way = route::way(host, &renderer, &options.connection, &builder.ssh_config)?;
    let ran = builder.close(&mut way.warnings);
    way.warnings
        .extend(ran.into_iter().map(|command| format!("ssh ran a command of its configuration: {command}")));
    Ok(way)
}
