//! `audit`: a round without a playbook; what is asked follows from what is found.

use jiff::Timestamp;

use super::output::{self, Out};
use super::run::{make_round, save, tell};
use super::{dry_run, evidence, list_hosts, options, runtime, signals};
use crate::cli::Audit;
use crate::error::Refusal;
use crate::intake;
use crate::plan::build;

/// See [`Audit`].
pub fn audit(args: &Audit, out: &Out) -> Result<u8, Refusal> {
    let destinations = output::destinations(&args.show)?;
    let brought = evidence::read(&args.evidence)?;
    let mut options = options(&args.hosts, &args.connect)?;
    options.since = args.since.clone();
    options.until = args.until.clone();
    let mut plan = build::audit_plan(&args.pattern, &options, Timestamp::now())?;
    out.warn(&plan.warnings);
    if args.hosts.list_hosts {
        out.print(&list_hosts(plan.targets.iter().map(|target| target.host.as_str())));
        return Ok(0);
    }
    if args.dry_run {
        out.print(&dry_run::describe(&plan, &options.settings));
        return Ok(0);
    }
    super::give_secrets(&args.connect, &mut plan)?;
    let mut round = runtime()?
        .block_on(async { make_round(&plan, args.connect.watch, signals::watch_signals(), out).await });
    if let Some(brought) = brought {
        intake::into_round(&mut round, brought);
    }
    if let Some(file) = &args.save {
        save(&round, file, out);
    }
    Ok(tell(&round, &destinations, &output::style(&args.show), out))
}
