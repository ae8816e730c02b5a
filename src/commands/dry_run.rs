//! `--dry-run`: the whole plan, as it would be carried out.

use crate::ansible::Settings;
use crate::plan::pace::Pace;
use crate::plan::{Limits, Plan, Target};
use crate::probe::audit::Audit;
use crate::probe::{discovery, facts};
use crate::report::fold;
use crate::shell::script;

/// Hosts, ways, limits and the exact scripts; hosts that get the same are told together.
pub fn describe(plan: &Plan, settings: &Settings) -> String {
    let limits = plan.limits;
    let mut text = String::from("Nobody is contacted. This is what would be done.\n\n");
    for command in &plan.ssh_commands {
        text.push_str(&format!("run here by ssh, for a Match exec of its configuration: {command}\n"));
    }
    if let Some(playbook) = &plan.playbook {
        text.push_str(&format!("playbook: {playbook}\n"));
    }
    if let Some(limit) = &plan.limit {
        text.push_str(&format!("limit: {limit}\n"));
    }
    for play in &plan.plays {
        text.push_str(&format!("play: {} (hosts: {})\n", play.name, play.hosts));
    }
    if let Some(since) = plan.since {
        text.push_str(&format!("log lines since: {}\n", since.strftime("%FT%TZ")));
    }
    if let Some(until) = plan.until {
        text.push_str(&format!("log lines until: {}\n", until.strftime("%FT%TZ")));
    }
    text.push_str(&format!(
        "limits: {} hosts at a time; connect and login {} s; the whole round {} s; \
         heartbeat every {} s, a node ends everything after {} s without one\n",
        limits.forks,
        limits.connect.as_secs_f64(),
        limits.round.as_secs_f64(),
        script::HEARTBEAT_SECONDS,
        script::WATCHDOG_SECONDS,
    ));
    if !settings.origins.is_empty() {
        text.push_str("Ansible's settings that count where nothing else is said:\n");
        settings.origins.iter().for_each(|origin| text.push_str(&format!("  {origin}\n")));
        text.push('\n');
    }
    text.push_str(&pace(&plan.pace));
    text.push_str(&format!("hosts ({}):\n", plan.targets.len()));
    for target in &plan.targets {
        text.push_str(&format!("  {}: {}\n", target.host, way(target)));
    }
    text.push_str(&format!("\nexec string (the same everywhere):\n  {}\n", script::boot()));
    for (scripts, targets) in by_scripts(plan) {
        let names = fold::fold(targets.iter().map(|target| target.host.as_str()));
        text.push_str(&format!("\nscripts for {names}:\n"));
        for (title, script) in scripts {
            text.push_str(&format!("  {title}\n    {}\n", script.replace('\n', "\n    ")));
        }
    }
    text
}

fn pace(pace: &Pace) -> String {
    let mut text = match pace.retries {
        0 => "a lost connection is not tried again\n".to_owned(),
        1 => "a connection lost before the login is tried once more\n".to_owned(),
        times => format!("a connection lost before the login is tried up to {times} times more\n"),
    };
    if pace.batches.len() > 1 {
        let sizes: Vec<String> = pace.batches.iter().map(usize::to_string).collect();
        text.push_str(&format!("batches, one after another: {} hosts\n", sizes.join(", ")));
        if let Some(most) = pace.max_fail_percentage {
            text.push_str(&format!("no further batch when more than {most} % of one failed\n"));
        }
    }
    text.push('\n');
    text
}

fn way(target: &Target) -> String {
    let route = &target.route;
    let mut way = format!("{}@{}", route.user, target.address());
    if let jumps @ [_, ..] = target.jumps().as_slice() {
        way.push_str(&format!(", through {}", jumps.join(", then ")));
    }
    if let Some(how) = &target.becomes {
        way.push_str(&format!(", {}", how.describe()));
    }
    if let Some(command) = &route.proxy_command {
        way.push_str(&format!(", through the command `{command}`"));
    }
    let keys: Vec<String> = route.identity_files.iter().map(|key| key.display().to_string()).collect();
    if !keys.is_empty() {
        way.push_str(&format!(", key {}", keys.join(", ")));
    } else if route.agent.is_some() {
        way.push_str(", keys of the ssh-agent");
    }
    way
}

type Scripts = Vec<(String, String)>;

/// What an audit asks: what is there; and, with what the inventory gives or with names that stand for what will
/// be found, the second batch.
fn of_audit(audit: &Audit, limits: Limits) -> Scripts {
    let seconds = limits.probe.as_secs_f64();
    let mut scripts = vec![(format!("discovery, at most {seconds} s"), discovery::script())];
    let found = audit.example();
    let title = format!("then, for each broker that is found, facts, at most {seconds} s");
    scripts.push((title, facts::script(&audit.dirs(&found.broker))));
    for probe in audit.probes(&found) {
        let title = format!("{}, at most {seconds} s and {} bytes", probe.name(), probe.limit);
        scripts.push((title, probe.script()));
    }
    scripts
}

/// Targets by the scripts that they get, in the order of their first host.
fn by_scripts(plan: &Plan) -> Vec<(Scripts, Vec<&Target>)> {
    let mut groups: Vec<(Scripts, Vec<&Target>)> = Vec::new();
    for target in &plan.targets {
        let mut scripts = Scripts::new();
        if let Some(audit) = &target.audit {
            scripts.extend(of_audit(audit, plan.limits));
        }
        if let Some(log_dirs) = &target.facts {
            let title = format!("facts, at most {} s", plan.limits.probe.as_secs_f64());
            scripts.push((title, facts::script(log_dirs)));
        }
        for (_, probe) in &target.probes {
            let title = format!(
                "{}, at most {} s and {} bytes",
                probe.name(),
                probe.deadline.as_secs_f64(),
                probe.limit
            );
            scripts.push((title, probe.script()));
        }
        match groups.iter_mut().find(|(known, _)| *known == scripts) {
            Some((_, targets)) => targets.push(target),
            None => groups.push((scripts, vec![target])),
        }
    }
    groups
}
