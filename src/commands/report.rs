//! `report`: a saved round rendered again, or what somebody brought, without network.

use std::path::Path;

use jiff::Timestamp;

use super::keep::Before;
use super::output::{self, Out};
use super::round::{self, Judged};
use super::{evidence, saved};
use crate::cli::Report;
use crate::error::Refusal;
use crate::intake;

/// See [`Report`].
pub fn report(args: &Report, out: &Out) -> Result<u8, Refusal> {
    let destinations = output::destinations(&args.show)?;
    let brought = evidence::read(&args.evidence)?;
    let round = match (&args.from, brought) {
        (Some(file), brought) => {
            let mut round = saved::load(file)?;
            if let Some(brought) = brought {
                intake::into_round(&mut round, brought);
            }
            round
        }
        (None, Some(brought)) => {
            let (known, warnings) = evidence::known(&args.inventory)?;
            out.warn(&warnings);
            let now = Timestamp::now();
            intake::round_of(brought, known, round::round_id(now), now)
        }
        (None, None) => return Err(Refusal::usage("nothing to report on: give --from FILE, or evidence")),
    };
    if let Some(file) = &args.save {
        saved::save(&round, file, out);
    }
    let before = Before::of_file(&args.keep, &args.beside, round.playbook.as_deref().map(Path::new), out)?;
    Ok(Judged::of(&round, &before).tell(&destinations, &out.style(&args.show), out))
}
