//! `run`: a playbook's round.

use jiff::Timestamp;

use super::output::Out;
use super::round::Ready;
use crate::cli::Run;
use crate::error::Refusal;
use crate::plan::build;
use crate::playbook::Playbook;

/// See [`Run`].
pub fn run(args: &Run, out: &Out) -> Result<u8, Refusal> {
    // Before anybody is asked for a password.
    let playbook = Playbook::read(&args.playbook)?;
    let ready =
        Ready::of(&args.round, out, |options| build::playbook_plan(&playbook, options, Timestamp::now()))?;
    if args.check_syntax {
        out.print(&format!(
            "{}: plays: {}, hosts: {}, no mistakes\n",
            args.playbook.display(),
            ready.plan.plays.len(),
            ready.plan.targets.len()
        ));
        return Ok(0);
    }
    ready.go(out)
}
