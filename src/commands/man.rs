//! `man`: the manual's pages, written for a package.

use jiff::Timestamp;

use super::output::Out;
use crate::cli::{self, Man};
use crate::error::Refusal;

/// See [`Man`].
pub fn man(args: &Man, out: &Out) -> Result<u8, Refusal> {
    let date = match &args.date {
        Some(date) => date
            .parse::<jiff::civil::Date>()
            .map_err(|error| Refusal::usage(format!("--date {date}: {error}")))?
            .to_string(),
        None => today(),
    };
    let wrong = |error: std::io::Error| Refusal::usage(format!("{}: {error}", args.dir.display()));
    std::fs::create_dir_all(&args.dir).map_err(wrong)?;
    for (name, page) in cli::manual(&date).map_err(wrong)? {
        std::fs::write(args.dir.join(&name), page).map_err(wrong)?;
        out.print(&format!("{name}\n"));
    }
    Ok(0)
}

/// The day of SOURCE_DATE_EPOCH, which makes builds the same whenever they are made, else today's.
fn today() -> String {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|epoch| epoch.parse().ok());
    let time = epoch.and_then(|epoch| Timestamp::from_second(epoch).ok()).unwrap_or_else(Timestamp::now);
    time.strftime("%Y-%m-%d").to_string()
}
