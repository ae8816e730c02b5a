//! `audit`: a round without a playbook; what is asked follows from what is found.

use jiff::Timestamp;

use super::output::Out;
use super::round;
use crate::cli::Audit;
use crate::error::Refusal;
use crate::plan::build;

/// See [`Audit`].
pub fn audit(args: &Audit, out: &Out) -> Result<u8, Refusal> {
    round::go(&args.round, out, |options| build::audit_plan(&args.pattern, options, Timestamp::now()))
}
