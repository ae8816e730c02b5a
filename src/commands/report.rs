//! `report`: a saved round rendered again, without network.

use super::output::{self, Out};
use super::run;
use crate::cli::Report;
use crate::error::Refusal;

/// See [`Report`].
pub fn report(args: &Report, out: &Out) -> Result<u8, Refusal> {
    let destinations = output::destinations(&args.show)?;
    let round = run::load(&args.from)?;
    Ok(run::tell(&round, &destinations, &output::style(&args.show), out))
}
