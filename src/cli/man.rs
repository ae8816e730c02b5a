//! The manual: a page for the program and one for each subcommand, as roff.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::help;
use super::pages::{ENVIRONMENT, FILES, PAGES, Page};

/// The pages by file name: `roundsman.1`, `roundsman-run.1` … `date` is a day, `YYYY-MM-DD`.
///
/// # Errors
/// None but those of memory: the pages are written into it.
pub fn manual(date: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    PAGES.iter().map(|page| Ok((file_name(page.command), rendered(page, date)?))).collect()
}

/// `inventory list` is in `roundsman-inventory-list.1`.
fn file_name(command: &str) -> String {
    format!("{}.1", title(command))
}

fn title(command: &str) -> String {
    format!("roundsman {command}").trim_end().replace(' ', "-")
}

fn rendered(page: &Page, date: &str) -> std::io::Result<Vec<u8>> {
    let mut all = whole(help::command());
    all.build();
    let found = page.command.split_whitespace().try_fold(&all, |command, word| command.find_subcommand(word));
    // A page without a command is a mistake that a test finds.
    let command = found.ok_or_else(|| std::io::Error::other(format!("no command {}", page.command)))?;
    let man = Man::new(command.clone())
        .title(title(page.command).to_uppercase())
        .date(date)
        .source(concat!("roundsman ", env!("CARGO_PKG_VERSION")))
        .manual("roundsman");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    man.render_options_section(&mut text)?;
    sections(page).to_writer(&mut text)?;
    Ok(ascii(&String::from_utf8_lossy(&text)))
}

/// The manual has one length: what `-h` leaves out is there.
fn whole(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command.mut_args(|arg| arg.hide_short_help(false));
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, whole))
}

/// Letters beyond ASCII as groff and mandoc name them: neither takes UTF-8 unasked.
fn ascii(text: &str) -> Vec<u8> {
    let mut page = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_ascii() {
            true => page.push(letter),
            false => page.push_str(&format!("\\[u{:04X}]", u32::from(letter))),
        }
    }
    page.into_bytes()
}

fn sections(page: &Page) -> Roff {
    let mut roff = Roff::new();
    if !page.notes.is_empty() {
        roff.control("SH", ["NOTES"]);
        for (at, note) in page.notes.iter().enumerate() {
            if at > 0 {
                roff.control("PP", []);
            }
            roff.text([roman(*note)]);
        }
    }
    let mut list = |heading: &str, rows: &[(&str, &str)]| {
        roff.control("SH", [heading]);
        for (word, what) in rows {
            roff.control("TP", []).text([bold(*word)]).text([roman(*what)]);
        }
    };
    list("EXIT STATUS", page.exits);
    if page.command.is_empty() {
        list("ENVIRONMENT", ENVIRONMENT);
        list("FILES", FILES);
    }
    roff.control("SH", ["EXAMPLES"]);
    for (at, (what, line)) in page.examples.iter().enumerate() {
        if at > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*what)]);
        roff.control("PP", []).control("RS", ["4"]).control("nf", []);
        roff.text([roman(*line)]).control("fi", []).control("RE", []);
    }
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<String> = PAGES
        .iter()
        .filter(|other| other.command != page.command && !other.command.contains(' '))
        .map(|other| format!("{}(1)", title(other.command)))
        .chain(["ssh_config(5)".to_owned()])
        .collect();
    roff.text([roman(others.join(", "))]);
    roff
}
