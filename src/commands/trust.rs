//! `trust`: hosts' keys, looked at and written into known_hosts once somebody has confirmed them.

mod fingerprints;

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream;

use self::fingerprints::{Fingerprints, Listed};
use super::output::Out;
use super::{list_hosts, options, runtime};
use crate::cli::Trust;
use crate::error::Refusal;
use crate::plan::{Plan, Target, build};
use crate::probe::Question;
use crate::prompt;
use crate::report::fold;
use crate::sanitize;
use crate::ssh::{ConnectError, Limits, Scanned, Scanner, Standing};

type Shown = Result<Scanned, ConnectError>;

const CHANGED: u8 = 2;
const NOT_CONFIRMED: u8 = 3;

/// See [`Trust`].
pub fn trust(args: &Trust, out: &Out) -> Result<u8, Refusal> {
    let options = options(&args.hosts, &args.connect)?;
    let fingerprints = args.fingerprints.as_deref().map(Fingerprints::read).transpose()?;
    let plan = build::pattern_plan(&args.pattern, &options, |_, _| {
        Ok(Question::Command { command: String::new() })
    })?;
    out.warn(&plan.warnings);
    if args.hosts.list_hosts {
        out.print(&list_hosts(plan.targets.iter().map(|target| target.host.as_str())));
        return Ok(0);
    }
    let shown = runtime()?.block_on(scan(&plan));
    let hosts: Vec<(&Target, &Shown)> = plan.targets.iter().zip(&shown).collect();
    out.print(&describe(&hosts));
    let mut status = 0;
    // What is worse than a doubt stays so.
    let mut worse = |than: u8| status = if status == CHANGED { CHANGED } else { than.max(status) };
    let mut new: Vec<&Scanned> = Vec::new();
    for (target, shown) in &hosts {
        match shown {
            Err(_) => worse(NOT_CONFIRMED),
            Ok(scanned) => match (&scanned.standing, &fingerprints) {
                (Standing::Known, _) => {}
                (Standing::Changed { .. } | Standing::Revoked { .. }, _) => worse(CHANGED),
                (Standing::New, None) => new.push(scanned),
                (Standing::New, Some(list)) => {
                    let names = [scanned.name.as_str(), &target.host, &target.route.host];
                    match list.says(&names, &scanned.fingerprint) {
                        Listed::Same => new.push(scanned),
                        Listed::Other(other) => {
                            worse(CHANGED);
                            out.print(&format!(
                                "not added: {} shows {}, {} has {}\n",
                                sanitize::line(&target.host),
                                scanned.fingerprint,
                                list.file().display(),
                                other.join(", ")
                            ));
                        }
                        Listed::Nowhere => {
                            worse(NOT_CONFIRMED);
                            let host = sanitize::line(&target.host);
                            out.print(&format!("not added: {host} is not in {}\n", list.file().display()));
                        }
                    }
                }
            },
        }
    }
    if !new.is_empty() && (fingerprints.is_some() || confirmed(&new, out)) {
        let mut added = 0;
        for scanned in &new {
            match scanned.write_down() {
                Ok(()) => added += 1,
                Err(error) => {
                    worse(NOT_CONFIRMED);
                    out.complain(&format!("error: the key of {} was not added: {error}", scanned.name));
                }
            }
        }
        out.print(&format!("added: {}\n", keys(added)));
    } else if !new.is_empty() {
        worse(NOT_CONFIRMED);
        out.print("nothing was added\n");
    }
    Ok(out.status(status))
}

/// All hosts' keys in the plan's order, so many at a time.
async fn scan(plan: &Plan) -> Vec<Shown> {
    let scanner = Scanner::new(Limits { login: plan.limits.connect, ..Limits::default() });
    let scans = plan.targets.iter().map(|target| scanner.scan(&target.route));
    let shown = stream::iter(scans).buffered(plan.limits.forks).collect().await;
    scanner.close().await;
    shown
}

/// A paragraph for each state; hosts that say the same stand together.
fn describe(hosts: &[(&Target, &Shown)]) -> String {
    let mut paragraphs: BTreeMap<(u8, String), Vec<&str>> = BTreeMap::new();
    for (target, shown) in hosts {
        let line = match shown {
            Ok(scanned) => {
                let key = format!("{} {}", scanned.kind, scanned.fingerprint);
                let hint = scanned.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
                match &scanned.standing {
                    Standing::Known => (0, "known".to_owned()),
                    Standing::New => (1, format!("new: {key}")),
                    Standing::Changed { known, file, line } => {
                        (2, format!("CHANGED: {key}; {}:{line} has {known}{hint}", file.display()))
                    }
                    Standing::Revoked { file, line } => {
                        (3, format!("REVOKED: {key}; {}:{line}{hint}", file.display()))
                    }
                }
            }
            Err(error) => {
                let hint = error.hint.as_ref().map(|hint| format!("\n  {hint}")).unwrap_or_default();
                (4, format!("no key: {}{}", sanitize::line(&error.message), sanitize::block(&hint)))
            }
        };
        paragraphs.entry(line).or_default().push(&target.host);
    }
    let mut text = String::new();
    for ((_, said), names) in paragraphs {
        let names = fold::fold(names);
        text.push_str(&format!("{}: {said}\n", sanitize::line(&names)));
    }
    text
}

/// Asks whether the keys are to be believed; without a terminal they are not.
fn confirmed(new: &[&Scanned], out: &Out) -> bool {
    let mut files: Vec<String> =
        new.iter().filter_map(|scanned| scanned.file()).map(|file| file.display().to_string()).collect();
    files.sort_unstable();
    files.dedup();
    let question = format!(
        "Compare them with the hosts' own. Add {} to {} (yes/no)?",
        keys(new.len()),
        files.join(", ")
    );
    match prompt::line(&question) {
        Ok(answer) => answer.trim().eq_ignore_ascii_case("yes"),
        Err(why) => {
            out.complain(&format!(
                "error: {} not confirmed: {why}\nhint: give what is known to be right with --fingerprints FILE",
                keys(new.len())
            ));
            false
        }
    }
}

fn keys(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}
