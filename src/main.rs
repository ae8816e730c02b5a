//! The table of contents: arguments → command → exit status.

use std::process::ExitCode;

use roundsman::{cli, commands};

fn main() -> ExitCode {
    match cli::parse() {
        Ok(cli) => ExitCode::from(commands::dispatch(cli)),
        Err(status) => ExitCode::from(status),
    }
}
