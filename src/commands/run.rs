//! `run`: a playbook's round.

use jiff::Timestamp;

use super::output::Out;
use super::round::{self, Ready};
use crate::cli::Run;
use crate::error::Refusal;
use crate::plan::build::{self, Options};
use crate::playbook::Playbook;

/// See [`Run`].
pub fn run(args: &Run, out: &Out) -> Result<u8, Refusal> {
    // Before anybody is asked for a password.
    let playbook = Playbook::read(&args.playbook)?;
    let plan = |options: &Options| build::playbook_plan(&playbook, options, Timestamp::now());
    if args.check_syntax {
        let ready = Ready::of(&args.round, plan)?;
        out.warn(&ready.plan.warnings);
        out.print(&format!(
            "{}: plays: {}, hosts: {}, no mistakes\n",
            args.playbook.display(),
            ready.plan.plays.len(),
            ready.plan.targets.len()
        ));
        return Ok(0);
    }
    round::go(&args.round, out, plan)
}
