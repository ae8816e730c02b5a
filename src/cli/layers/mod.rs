//! What stands below the command line: `ROUNDSMAN_…`, then `roundsman.toml`. Which options there are is clap's to
//! say; a value from below is put on the line as if it had been typed, unless something above it is against it.

mod file;
mod value;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::help;
use crate::error::{FileError, Refusal, nearest};
use file::ConfigFile;
use value::Value;

/// Every variable of the program's own begins so.
const PREFIX: &str = "ROUNDSMAN_";

/// The options that were said not to be wanted, by a false from below the line.
static DENIED: OnceLock<BTreeSet<String>> = OnceLock::new();

/// Where values are looked for.
pub struct Surroundings<'a> {
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The names of all variables.
    pub names: Vec<String>,
    /// The configuration files that need not be there, the user's first.
    pub files: Vec<PathBuf>,
}

/// Where an option's value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Flag,
    Environment(String),
    File { file: PathBuf, line: usize },
    Default,
}

/// An option and the value it has for a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Without its hyphens.
    pub option: String,
    /// `None`: nothing is said.
    pub value: Option<String>,
    pub source: Source,
}

/// A command line with what stands below it.
pub struct Layered {
    pub words: Vec<OsString>,
    pub settings: Vec<Setting>,
    pub warnings: Vec<String>,
    /// Options with a false from below the line.
    denied: BTreeSet<String>,
}

impl Layered {
    fn bare(words: Vec<OsString>) -> Self {
        Layered { words, settings: Vec::new(), warnings: Vec::new(), denied: BTreeSet::new() }
    }

    /// Makes what is denied known to [`denied`].
    pub fn remember(&self) {
        // A process has one command line.
        let _ = DENIED.set(self.denied.clone());
    }
}

/// Whether the environment or a configuration file says no to a flag, which then is not for ansible.cfg to say.
pub fn denied(option: &str) -> bool {
    DENIED.get().is_some_and(|denied| denied.contains(option))
}

/// The command line of this process, or another one, with what stands below it.
///
/// # Errors
/// A wrong value in the environment (64); a configuration file that is not there or is wrong (65).
pub fn layered(words: Vec<OsString>) -> Result<Layered, Refusal> {
    let home = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".config")));
    let user = home.map(|home| home.join("roundsman/roundsman.toml"));
    let surroundings = Surroundings {
        env: &|name| std::env::var_os(name),
        names: std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
        files: user.into_iter().chain([PathBuf::from("/etc/roundsman/roundsman.toml")]).collect(),
    };
    layered_in(words, &surroundings)
}

/// As [`layered`], in other surroundings.
pub fn layered_in(words: Vec<OsString>, surroundings: &Surroundings<'_>) -> Result<Layered, Refusal> {
    let root = help::command();
    let Some((path, leaf, at)) = subcommand(&root, &words) else { return Ok(Layered::bare(words)) };
    if path.first().is_some_and(|name| is_apart(&root, name)) {
        return Ok(Layered::bare(words));
    }
    // Help, version: nothing from below is to stand in their way.
    let Ok(matches) = help::command().ignore_errors(true).try_get_matches_from(&words) else {
        return Ok(Layered::bare(words));
    };
    let mut by_hand = &matches;
    while let Some((_, sub)) = by_hand.subcommand() {
        by_hand = sub;
    }
    let files = files(&root, by_hand, surroundings)?;
    let table = path.join("-");
    let mut found = Vec::new();
    for arg in options(&root, leaf) {
        found.push(look(&root, arg, &table, by_hand, &files, surroundings)?);
    }
    // What stands higher is settled first, and nothing below may be against it.
    found.sort_by_key(|one| one.rank);
    let mut settled: Vec<Found<'_>> = Vec::new();
    for one in found {
        let rival =
            settled.iter().find(|other| one.is_on() && other.is_on() && against(leaf, one.arg, other.arg));
        match rival {
            None => settled.push(one),
            Some(rival) if rival.rank < one.rank || one.rank == 0 => settled.push(one.given_up()),
            Some(rival) => {
                return Err(Refusal::usage(format!(
                    "{} ({}) and {} ({}) can't be used together",
                    flag(rival.arg),
                    rival.source.words(),
                    flag(one.arg),
                    one.source.words()
                )));
            }
        }
    }
    let words = joined(words, at, &mut settled);
    let denied = settled.iter().filter(|one| matches!(one.value, Some(Value::Off)));
    let denied = denied.filter_map(|one| one.arg.get_long().map(str::to_owned)).collect();
    settled.sort_by(|a, b| a.arg.get_long().cmp(&b.arg.get_long()));
    let settings = settled.iter().map(|one| one.setting(by_hand)).collect();
    Ok(Layered { words, settings, warnings: strangers(&root, surroundings), denied })
}

impl Source {
    /// The source in words, for people.
    pub fn words(&self) -> String {
        match self {
            Source::Flag => "flag".to_owned(),
            Source::Environment(name) => name.clone(),
            Source::File { file, line } => format!("{}:{line}", file.display()),
            Source::Default => "default".to_owned(),
        }
    }
}

/// What was found about an option.
struct Found<'a> {
    arg: &'a Arg,
    /// 0 is the command line, 1 the environment, then one file after the other, then nothing at all.
    rank: usize,
    source: Source,
    /// From below the line.
    value: Option<Value>,
}

impl Found<'_> {
    fn is_on(&self) -> bool {
        self.rank == 0 || self.value.as_ref().is_some_and(|value| !matches!(value, Value::Off))
    }

    /// The same without its value: something higher is against it.
    fn given_up(self) -> Self {
        if self.rank == 0 {
            self
        } else {
            Found { rank: usize::MAX, source: Source::Default, value: None, ..self }
        }
    }

    fn setting(&self, by_hand: &ArgMatches) -> Setting {
        let typed = || {
            let values = by_hand.get_raw(self.arg.get_id().as_str()).into_iter().flatten();
            let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
            match value::is_flag(self.arg) {
                true => Some(value::typed(self.arg, by_hand)),
                false => Some(values.join(" ")),
            }
        };
        let value = match (&self.source, &self.value) {
            (Source::Flag, _) => typed(),
            (_, Some(value)) => Some(value.words()),
            (_, None) => value::default(self.arg),
        };
        let option = self.arg.get_long().unwrap_or_default().to_owned();
        let value = value.map(|value| if value::is_secret(self.arg) { "(hidden)".to_owned() } else { value });
        Setting { option, value, source: self.source.clone() }
    }
}

fn look<'a>(
    root: &Command,
    arg: &'a Arg,
    table: &str,
    by_hand: &ArgMatches,
    files: &[ConfigFile],
    surroundings: &Surroundings<'_>,
) -> Result<Found<'a>, Refusal> {
    let found = |rank, source, value| Found { arg, rank, source, value };
    let id = arg.get_id().as_str();
    if by_hand.try_contains_id(id).is_ok() && by_hand.value_source(id) == Some(ValueSource::CommandLine) {
        return Ok(found(0, Source::Flag, None));
    }
    let long = arg.get_long().unwrap_or_default();
    for (name, general) in [(variable(Some(table), long), false), (variable(None, long), true)] {
        // Set to nothing is not set: the way to take a variable back in a unit or a crontab.
        if let Some(text) = (surroundings.env)(&name).filter(|text| !text.is_empty()) {
            match Value::of_variable(arg, &text) {
                Ok(value) => return Ok(found(1, Source::Environment(name), Some(value))),
                // What another command's option of the same name takes is meant for that one.
                Err(_) if general && elsewhere(root, arg, &|arg| Value::of_variable(arg, &text).is_ok()) => {}
                Err(why) => return Err(Refusal::usage(format!("{name}: {why}"))),
            }
        }
    }
    for (at, file) in files.iter().enumerate() {
        if let Some((value, line)) = file.get(table, arg, |takes| elsewhere(root, arg, takes))? {
            return Ok(found(2 + at, Source::File { file: file.path.clone(), line }, Some(value)));
        }
    }
    Ok(found(usize::MAX, Source::Default, None))
}

/// The files that are there, or the one that is named.
fn files(
    root: &Command,
    by_hand: &ArgMatches,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<ConfigFile>, Refusal> {
    let named = by_hand.try_get_one::<PathBuf>("config").ok().flatten().cloned();
    let variable = || (surroundings.env)(&variable(None, "config")).filter(|name| !name.is_empty());
    if let Some(named) = named.or_else(|| variable().map(PathBuf::from)) {
        return Ok(vec![ConfigFile::read(&named, root)?]);
    }
    let there = |path: &&PathBuf| path.exists();
    let read = |path: &PathBuf| ConfigFile::read(Path::new(path), root);
    Ok(surroundings.files.iter().filter(there).map(read).collect::<Result<_, FileError>>()?)
}

/// The line with the values from below behind the subcommand's name.
fn joined(words: Vec<OsString>, at: usize, settled: &mut Vec<Found<'_>>) -> Vec<OsString> {
    let line = |settled: &[Found<'_>], without: Option<usize>| {
        let below = settled.iter().enumerate().filter(|(index, _)| Some(*index) != without);
        let below = below.flat_map(|(_, one)| one.value.iter().flat_map(|value| value.line(one.arg)));
        let (before, after) = words.split_at(at.min(words.len()));
        before.iter().cloned().chain(below).chain(after.iter().cloned()).collect::<Vec<_>>()
    };
    let whole = line(settled, None);
    let parsed =
        |words: &[OsString]| help::command().try_get_matches_from(words).map_err(|error| error.kind());
    // A value from below that needs a flag which is not there is none for this command line.
    if parsed(&whole) == Err(ErrorKind::MissingRequiredArgument) {
        let loose = |index: &usize| parsed(&line(settled, Some(*index))).is_ok();
        let below =
            (0..settled.len()).filter(|index| settled.get(*index).is_some_and(|one| one.value.is_some()));
        if let Some(index) = below.clone().find(loose) {
            let one = settled.remove(index);
            settled.push(one.given_up());
            return line(settled, None);
        }
    }
    whole
}

/// The variable of an option, of one command or of all.
pub(super) fn variable(table: Option<&str>, long: &str) -> String {
    let name = table.map_or_else(|| long.to_owned(), |table| format!("{table}-{long}"));
    format!("{PREFIX}{}", name.replace('-', "_").to_ascii_uppercase())
}

/// Whether an option of the same name of another command is such a one.
fn elsewhere(root: &Command, arg: &Arg, takes: &dyn Fn(&Arg) -> bool) -> bool {
    let same = |other: &&Arg| other.get_long() == arg.get_long();
    commands(root).iter().any(|(_, leaf)| leaf.get_arguments().filter(same).any(takes))
}

fn flag(arg: &Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

fn against(leaf: &Command, a: &Arg, b: &Arg) -> bool {
    let says = |a: &Arg, b: &Arg| {
        // clap looks a global option's rivals up elsewhere; ours have none.
        !a.is_global_set() && leaf.get_arg_conflicts_with(a).iter().any(|rival| rival.get_id() == b.get_id())
    };
    says(a, b) || says(b, a)
}

/// The options of a command, those of all commands among them.
pub(super) fn options<'a>(root: &'a Command, leaf: &'a Command) -> Vec<&'a Arg> {
    let global = root.get_arguments().filter(|arg| arg.is_global_set());
    leaf.get_arguments().chain(global).filter(|arg| arg.get_long().is_some()).collect()
}

/// What only the shells' completions and the packaging call takes nothing from below.
fn is_apart(root: &Command, name: &str) -> bool {
    root.find_subcommand(name).is_none_or(Command::is_hide_set)
}

/// All commands that take options, by the names of their tables.
pub(super) fn commands(root: &Command) -> Vec<(String, &Command)> {
    fn below<'a>(command: &'a Command, path: &str, all: &mut Vec<(String, &'a Command)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = if path.is_empty() {
                sub.get_name().to_owned()
            } else {
                format!("{path}-{}", sub.get_name())
            };
            if sub.get_arguments().any(|arg| arg.get_long().is_some()) {
                all.push((path.clone(), sub));
            }
            below(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    below(root, "", &mut all);
    all
}

/// The subcommand that a line names: its path, itself, and how many words there are up to its name.
fn subcommand<'a>(root: &'a Command, words: &[OsString]) -> Option<(Vec<String>, &'a Command, usize)> {
    let (mut path, mut leaf, mut end) = (Vec::new(), root, 0);
    let mut at = 1;
    while let Some(word) = words.get(at).map(OsString::as_os_str) {
        at += 1;
        if let Some(sub) = leaf.find_subcommand(word) {
            path.push(sub.get_name().to_owned());
            (leaf, end) = (sub, at);
        } else if takes_next(root, leaf, word) {
            at += 1;
        } else if !word.as_encoded_bytes().starts_with(b"-") {
            break;
        }
    }
    (end > 0).then_some((path, leaf, end))
}

/// Whether a word is an option whose value is the next word.
fn takes_next(root: &Command, leaf: &Command, word: &OsStr) -> bool {
    let Some(long) = word.to_str().and_then(|word| word.strip_prefix("--")) else { return false };
    options(root, leaf).iter().any(|arg| arg.get_long() == Some(long) && !value::is_flag(arg))
}

/// Variables that look like an option's and are none's.
fn strangers(root: &Command, surroundings: &Surroundings<'_>) -> Vec<String> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (table, leaf) in commands(root) {
        for arg in options(root, leaf) {
            let long = arg.get_long().unwrap_or_default();
            known.extend([variable(None, long), variable(Some(&table), long)]);
        }
    }
    let warn = |name: &String| {
        let short = name.strip_prefix(PREFIX).filter(|_| !known.contains(name))?;
        let meant = nearest(short, known.iter().filter_map(|known| known.strip_prefix(PREFIX)))?;
        Some(format!("{name} is no option's variable; was {PREFIX}{meant} meant?"))
    };
    surroundings.names.iter().filter_map(warn).collect()
}

#[cfg(test)]
mod tests;
