//! Help in two lengths: `-h` is one screen of what is common, `--help` all of it with examples.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::Cli;
use super::pages::{Page, page};

/// The command line's shape with its help in two lengths.
pub fn command() -> Command {
    shaped(Cli::command(), "")
}

fn shaped(command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let page = page(path);
    let common = page.map_or(&[][..], |page| page.common);
    let mut command = command.mut_args(|arg| match arg.is_positional() {
        true => arg,
        false if common.contains(&arg.get_id().as_str()) => arg.help_heading(None::<&str>),
        false => arg.hide_short_help(true),
    });
    for name in names {
        let below = format!("{path} {name}");
        command = command.mut_subcommand(name, |sub| shaped(sub, below.trim_start()));
    }
    command = command.next_line_help(false);
    let Some(page) = page else { return command };
    let (short, long) = (short(page), long(page));
    command.after_help(short).after_long_help(long)
}

fn short(page: &Page) -> String {
    match page.command {
        "" => "Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Examples: `--help`.".to_owned(),
        _ => "All options, and examples: `--help`.".to_owned(),
    }
}

fn long(page: &Page) -> String {
    let mut text = String::from("Examples:\n");
    // Writing to a string cannot fail.
    for (what, line) in page.examples {
        let line = line.replace('\n', "\n      ");
        let _ = writeln!(text, "  {line}\n      {what}");
    }
    for note in page.notes {
        let _ = write!(text, "\n{note}\n");
    }
    text.push_str("\nExit status:\n");
    for (status, what) in page.exits {
        let _ = writeln!(text, "  {status:<9} {what}");
    }
    text
}
