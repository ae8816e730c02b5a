//! `inventory host NAME --ssh`: every effective setting and what gave it its value.

use std::path::Path;

use crate::plan::source::{Setting, Settings};
use crate::sanitize;

/// A line is not longer than this, as far as values can be broken.
const WIDTH: usize = 80;
/// Values up to this length have their source beside them.
const VALUE: usize = 34;
/// What stands before the name.
const INDENT: usize = 2;

/// The settings as an aligned table; `home` is written `~` in places.
pub fn table(all: &[Settings], home: Option<&Path>) -> String {
    let rows = || all.iter().flat_map(|one| &one.settings);
    let names = rows().map(|row| row.name.len()).max().unwrap_or(0);
    let short = |row: &&Setting| row.value.chars().count() <= VALUE;
    let values = rows().filter(short).map(|row| row.value.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for one in all {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", clean(&one.title)));
        let mut before = "";
        for row in &one.settings {
            // A name that several values share is written once.
            let name = if row.name == before { "" } else { row.name };
            before = row.name;
            let value = clean(&row.value);
            let source = shorten(&clean(&row.source.to_string()), home);
            let lead = INDENT + names + 2;
            let mut lines = broken(&value, if value.chars().count() <= VALUE { WIDTH } else { WIDTH - lead });
            let last = lines.pop().unwrap_or_default();
            let mut name = format!("{:INDENT$}{name:names$}  ", "");
            for line in lines {
                text.push_str(&format!("{name}{line}\n"));
                name = " ".repeat(lead);
            }
            let fits = lead + last.chars().count().max(values) + 2 + source.chars().count() <= WIDTH;
            match fits || last.chars().count() <= values {
                true => text.push_str(&format!("{name}{last:values$}  {source}\n")),
                false => {
                    text.push_str(&format!("{name}{last}\n{:lead$}{:values$}  {source}\n", "", ""));
                }
            }
        }
    }
    text
}

/// A configuration is somebody's text too.
fn clean(text: &str) -> String {
    sanitize::line(text).into_owned()
}

fn shorten(source: &str, home: Option<&Path>) -> String {
    let below = home.and_then(|home| source.strip_prefix(home.to_str()?)?.strip_prefix('/'));
    below.map_or_else(|| source.to_owned(), |below| format!("~/{below}"))
}

/// The text in lines of at most `width`, broken after commas.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::source::Source;
    use crate::ssh_config::Place;

    #[test]
    fn a_table_is_aligned_and_fits_80_columns() {
        let place = Place { file: Path::new("/home/me/.ssh/config").into(), line: 12 };
        let set = |name, value: &str, source| Setting { name, value: value.to_owned(), source };
        let kex = ["curve25519-sha256", "diffie-hellman-group14-sha1"].repeat(3).join(",");
        let settings = Settings {
            title: "host kafka-1".into(),
            settings: vec![
                set("address", "10.0.0.1", Source::SshConfig(Some(place))),
                set("port", "22", Source::Default),
                set("user", "ops\u{1b}[2J", Source::Variable("ansible_user".into())),
                set("known hosts", "/home/me/.ssh/known_hosts", Source::Default),
                set("known hosts", "/etc/ssh/a_rather_long_directory/known_hosts_of_us", Source::Default),
                set("KexAlgorithms", &kex, Source::SshConfig(None)),
            ],
        };
        let text = table(&[settings], Some(Path::new("/home/me")));
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
