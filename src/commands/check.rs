//! `check`: can I get in, become, read the log dirs and logs; which tools are there?

use super::output::Out;
use super::watch::Watch;
use super::{list_hosts, options, runtime, signals};
use crate::cli::Check;
use crate::error::Refusal;
use crate::fleet;
use crate::plan::{build, vars};
use crate::probe::Question;
use crate::probe::access::{self, Seen, TOOLS};
use crate::progress::Progress;
use crate::round::{Access, Evidence, Outcome, Stopped, Visit};
use crate::sanitize;
use crate::shell::answer::Answer;

/// See [`Check`].
pub fn check(args: &Check, out: &Out) -> Result<u8, Refusal> {
    let mut asked: Vec<Vec<String>> = Vec::new();
    let paths = std::cell::RefCell::new(&mut asked);
    let options = options(&args.hosts, &args.connect)?;
    let mut plan = build::pattern_plan(&args.pattern, &options, |host, vars| {
        let mut wanted = vars::paths_var(host, vars, "kafka_log_dirs")?;
        if let Some(logs) = vars::text_var(host, vars, "kafka_logs_dir")? {
            wanted.push(logs.clone());
            wanted.extend(["server.log*", "log-cleaner.log*"].map(|name| format!("{logs}/{name}")));
        }
        let command = access::script(&wanted);
        paths.borrow_mut().push(wanted);
        Ok(Question::Command { command })
    })?;
    out.warn(&plan.warnings);
    if args.hosts.list_hosts {
        out.print(&list_hosts(plan.targets.iter().map(|target| target.host.as_str())));
        return Ok(0);
    }
    super::give_secrets(&args.connect, &options.settings, &mut plan)?;
    let runtime = runtime()?;
    let (visits, stopped) = runtime.block_on(async {
        let mut progress = Progress::new(&plan, out.draws());
        let mut watch = Watch::new(args.connect.watch, &plan, out);
        let rounds = fleet::make_rounds(&plan, signals::watch_signals(), false, |event| {
            progress.on(&event);
            watch.on(&event, &progress);
        });
        let rounds = rounds.await;
        progress.finish();
        watch.finish();
        rounds
    });
    let colour = out.coloured();
    let mut status = 0;
    for ((visit, target), paths) in visits.iter().zip(&plan.targets).zip(&asked) {
        let seen = seen(visit, paths);
        let good = seen.as_ref().is_some_and(|seen| {
            seen.whole && seen.paths.iter().all(|(_, access)| *access == Access::Readable) && seen.can_probe()
        });
        status = match (visit.host_key_changed, good) {
            (true, _) => 2,
            (false, false) => status.max(3 * u8::from(status != 2)),
            (false, true) => status,
        };
        let mark = if good { ("32", "OK") } else { ("31", "NOT OK") };
        let mark = if colour { format!("\x1b[{}m{}\x1b[0m", mark.0, mark.1) } else { mark.1.to_owned() };
        out.print(&format!(
            "{}: {mark}\n{}",
            sanitize::line(&visit.host),
            sanitize::block(&told(visit, target.become_user.as_deref(), seen.as_ref()))
        ));
    }
    Ok(match stopped {
        Some(Stopped::Interrupted) => 130,
        Some(Stopped::Terminated) => 143,
        _ => status,
    })
}

impl Seen {
    /// The tools that no probe can do without.
    fn can_probe(&self) -> bool {
        !self.missing_tools.iter().any(|tool| ["find", "awk", "grep", "sleep"].contains(tool))
    }
}

fn seen(visit: &Visit, paths: &[String]) -> Option<Seen> {
    visit.probes.iter().find_map(|probe| match &probe.evidence {
        Evidence::Command(output) if visit.outcome.reached() => {
            let answer = Answer { stdout: output.stdout.clone().into_bytes(), ..Answer::default() };
            Some(access::parse(paths, &answer))
        }
        _ => None,
    })
}

fn told(visit: &Visit, become_user: Option<&str>, seen: Option<&Seen>) -> String {
    let Some(seen) = seen else {
        let stage = visit.stage.as_deref().map(|stage| format!(" at stage {stage}")).unwrap_or_default();
        let reason = visit.reason.as_deref().unwrap_or("no answer");
        return format!("  reached: no ({}{stage}): {reason}\n", visit.outcome.word());
    };
    let user = seen.user.as_deref().unwrap_or("?");
    let mut text = format!("  reached: yes, at {}, in {:.2} s\n", visit.address, visit.seconds);
    text.push_str(&match become_user {
        Some(wanted) => format!("  become: yes, {wanted} (runs as {user})\n"),
        None => format!("  become: not asked for (runs as {user})\n"),
    });
    if seen.paths.is_empty() {
        text.push_str("  paths: the inventory names neither kafka_log_dirs nor kafka_logs_dir\n");
    }
    for (path, access) in &seen.paths {
        let word = match access {
            Access::Readable | Access::Empty => "readable",
            Access::Missing => "not there",
            Access::Unreadable => "not readable by this user; try -b",
            Access::Unseen => "not seen",
        };
        text.push_str(&format!("  {path}: {word}\n"));
    }
    if visit.outcome == Outcome::Partial && !seen.whole {
        text.push_str("  the check did not run to its end\n");
    }
    let lost: Vec<String> = TOOLS
        .iter()
        .filter(|(tool, _)| seen.missing_tools.contains(tool))
        .map(|(tool, what)| format!("{tool} ({what})"))
        .collect();
    match lost.as_slice() {
        [] => text.push_str("  tools: all there\n"),
        lost => text.push_str(&format!("  tools: not there: {}\n", lost.join(", "))),
    }
    text
}
