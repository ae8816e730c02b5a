//! What could stand in a place of the line: clap's engine knows the shape, the caller the hosts and rounds.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command, ValueHint};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};

use super::{help, layers};

/// The tag of a candidate that stands for the shell's own completion of file names.
const FILES: &str = "files";

/// The tag of a candidate that says only: a value of ours stands here, be there one or not.
const VALUE: &str = "value";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Groups and hosts.
    Pattern,
    /// One host.
    Host,
    /// A kept round.
    Round,
    /// A finding of the last round.
    Finding,
    /// An acknowledged finding.
    Acked,
    /// A finding's code.
    Code,
    /// A report's format.
    Format,
    /// A way to become another user.
    BecomeMethod,
}

/// A word that could stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    pub word: String,
    /// A few words about it; may be empty.
    pub help: String,
}

/// What a line says about where values come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    pub inventories: Vec<String>,
    pub history: Option<PathBuf>,
}

/// Where values come from: they need not begin with what was typed.
pub type Values = dyn Fn(Wanted, &Line) -> Vec<Candidate> + Send + Sync;

/// The candidates for word `index` of a line, and whether the shell's own file names are welcome too.
pub fn complete(words: Vec<OsString>, index: usize, values: Arc<Values>) -> (Vec<Candidate>, bool) {
    let line = Arc::new(line(&words, index));
    let current = words.get(index).cloned().unwrap_or_default();
    let mut command = attach(help::command(), &line, &values);
    let found = engine::complete(&mut command, words, index, None).unwrap_or_default();
    let has = |tag: &'static str| {
        move |found: &CompletionCandidate| found.get_tag().is_some_and(|of| of.to_string() == tag)
    };
    let (files, value) = (found.iter().any(has(FILES)), found.iter().any(has(VALUE)));
    let real = found.iter().filter(|found| !has(FILES)(found) && !has(VALUE)(found));
    let mut candidates: Vec<Candidate> = real.map(candidate).collect();
    // Whoever typed no hyphen wants a value; options are for where there is none.
    let is_option = |candidate: &Candidate| candidate.word.starts_with('-');
    if current.is_empty() && (files || value || !candidates.iter().all(is_option)) {
        candidates.retain(|candidate| !is_option(candidate));
    }
    (candidates, files)
}

fn candidate(found: &CompletionCandidate) -> Candidate {
    let help = found.get_help().map(ToString::to_string).unwrap_or_default();
    Candidate {
        word: found.get_value().to_string_lossy().into_owned(),
        help: help.lines().next().unwrap_or_default().to_owned(),
    }
}

/// What the words but the one in question say.
fn line(words: &[OsString], index: usize) -> Line {
    let others: Vec<OsString> =
        words.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, word)| word.clone()).collect();
    // A configuration that is wrong is for the command itself to tell.
    let others = layers::layered(others.clone()).map_or(others, |layered| layered.words);
    let Ok(matches) = help::command().ignore_errors(true).try_get_matches_from(others) else {
        return Line::default();
    };
    let mut matches: &ArgMatches = &matches;
    while let Some((_, sub)) = matches.subcommand() {
        matches = sub;
    }
    let inventories = matches.try_get_many::<String>("inventory").ok().flatten();
    let history = matches.try_get_one::<PathBuf>("history").ok().flatten();
    Line { inventories: inventories.into_iter().flatten().cloned().collect(), history: history.cloned() }
}

fn attach(command: Command, line: &Arc<Line>, values: &Arc<Values>) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let of = command.get_name().to_owned();
    let command = command.mut_args(|arg| {
        let Some((wanted, files)) = source_of(&of, &arg) else { return arg };
        let (line, values) = (line.clone(), values.clone());
        arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            let words = wanted.map(|wanted| (wanted, values(wanted, &line)));
            let mut found = words.map_or_else(Vec::new, |(wanted, words)| matching(wanted, current, words));
            if wanted.is_some() {
                found.push(CompletionCandidate::new("").tag(Some(VALUE.into())));
            }
            // What begins with a hyphen is to be an option, even where a value could stand.
            if files && !current.as_encoded_bytes().starts_with(b"-") {
                found.push(CompletionCandidate::new("").tag(Some(FILES.into())));
            }
            found
        }))
    });
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |sub| attach(sub, line, values)))
}

/// What an argument takes, and whether files are among it.
fn source_of(command: &str, arg: &Arg) -> Option<(Option<Wanted>, bool)> {
    let enumerated = !arg.get_possible_values().is_empty();
    Some(match arg.get_id().as_str() {
        "pattern" | "limit" => (Some(Wanted::Pattern), false),
        "name" => (Some(Wanted::Host), false),
        "finding" if command == "drop" => (Some(Wanted::Acked), false),
        "finding" => (Some(Wanted::Finding), false),
        "round" => (Some(Wanted::Round), command == "ack"),
        "older" | "newer" | "baseline" => (Some(Wanted::Round), true),
        "code" => (Some(Wanted::Code), false),
        "format" if !enumerated => (Some(Wanted::Format), false),
        "become_method" => (Some(Wanted::BecomeMethod), false),
        "inventory" | "output" | "du_transcript" | "log" | "ssh_config" | "vault_id" => (None, true),
        _ if matches!(
            arg.get_value_hint(),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath
        ) =>
        {
            (None, true)
        }
        _ => return None,
    })
}

/// The words that begin as what was typed does; of a pattern only its last part counts.
fn matching(wanted: Wanted, current: &OsStr, words: Vec<Candidate>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let begun = match wanted {
        Wanted::Pattern => {
            let part = current.rfind([':', ',']).map_or(0, |at| at + 1);
            part + current
                .get(part..)
                .map_or(0, |part| part.len() - part.trim_start_matches(['!', '&']).len())
        }
        _ => 0,
    };
    let (before, begun) = current.split_at(begun);
    let fits = |candidate: &Candidate| candidate.word.starts_with(begun) && is_plain(&candidate.word);
    let found = words.into_iter().filter(fits).map(|candidate| {
        let help = (!candidate.help.is_empty()).then(|| candidate.help.into());
        CompletionCandidate::new(format!("{before}{}", candidate.word)).help(help)
    });
    found.collect()
}

/// A shell takes it for one word whatever the quotes: names come from files, and are put on a command line.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "._-:@/+=%~".contains(c))
}

/// The word that a shell would make of what was typed so far: quotes and backslashes go, an open quote ends
/// with the word.
pub fn unquoted(typed: &OsStr) -> OsString {
    let Some(typed) = typed.to_str() else { return typed.to_owned() };
    let mut word = String::new();
    let mut letters = typed.chars();
    let mut quote = None;
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None | Some('"'), '\\') => word.extend(letters.next()),
            (_, letter) => word.push(letter),
        }
    }
    word.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Arc<Values> {
        Arc::new(|wanted: Wanted, line: &Line| {
            let words: &[&str] = match wanted {
                Wanted::Pattern => &["all", "queue_nodes", "queue01", "evil name", "$(evil)"],
                Wanted::Host => &["queue01"],
                Wanted::Round => &["20261124T001800Z-00000001"],
                Wanted::Finding => &["3f1c000000000000"],
                Wanted::Acked => &["4a2d000000000000"],
                Wanted::Code => &["data-lost"],
                Wanted::Format => &["table", "html"],
                Wanted::BecomeMethod => &["sudo", "su"],
            };
            let of = line.inventories.join("+");
            words.iter().map(|word| Candidate { word: (*word).to_owned(), help: of.clone() }).collect()
        })
    }

    /// The words for the last place of a line; `FILES` where the shell's own file names are welcome.
    fn at_end(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let index = words.len() - 1;
        let (candidates, files) = complete(words, index, known());
        let words = candidates.into_iter().map(|candidate| candidate.word);
        words.chain(files.then(|| "FILES".to_owned())).collect()
    }

    #[test]
    fn subcommands_options_and_values() {
        assert!(at_end("roundsman ").contains(&"audit".to_owned()));
        assert!(!at_end("roundsman ").contains(&"complete".to_owned()), "what is hidden stays so");
        assert_eq!(at_end("roundsman exp"), ["explain"]);
        assert_eq!(at_end("roundsman run "), ["FILES"]);
        assert_eq!(at_end("roundsman run --dry"), ["--dry-run"]);
        assert_eq!(at_end("roundsman explain "), ["data-lost"]);
        assert_eq!(at_end("roundsman history show "), ["20261124T001800Z-00000001"]);
        assert!(at_end("roundsman ack ").contains(&"3f1c000000000000".to_owned()));
        assert_eq!(at_end("roundsman ack drop "), ["4a2d000000000000"]);
        assert_eq!(at_end("roundsman diff last "), ["20261124T001800Z-00000001", "FILES"]);
        assert_eq!(at_end("roundsman audit --format h"), ["html"]);
        assert_eq!(at_end("roundsman audit --format=h"), ["--format=html"]);
        assert_eq!(at_end("roundsman explain --format m"), ["markdown"]);
        assert_eq!(at_end("roundsman check all -i "), ["FILES"]);
        assert_eq!(at_end("roundsman check all --inventory=pro"), ["FILES"]);
        assert_eq!(at_end("roundsman completions "), ["bash", "zsh", "fish"]);
        assert_eq!(at_end("roundsman exec all -- "), Vec::<String>::new());
        assert_eq!(at_end("roundsman nonsense "), at_end("roundsman "), "nothing is known of it");
    }

    #[test]
    fn the_last_part_of_a_pattern_counts() {
        assert_eq!(
            at_end("roundsman audit "),
            ["all", "queue_nodes", "queue01"],
            "and no name that a shell acts on"
        );
        assert_eq!(at_end("roundsman audit qu"), ["queue_nodes", "queue01"]);
        assert_eq!(at_end("roundsman audit all:!queue0"), ["all:!queue01"]);
        assert_eq!(at_end("roundsman run x.yml -l all,queue_"), ["all,queue_nodes"]);
        assert_eq!(at_end("roundsman run x.yml -lqueue_"), ["-lqueue_nodes"]);
        assert_eq!(at_end("roundsman inventory host "), ["queue01"]);
    }

    #[test]
    fn the_lines_own_inventory_is_seen_wherever_it_stands() {
        let of = |words: &[&str], index| {
            line(&words.iter().map(OsString::from).collect::<Vec<_>>(), index).inventories
        };
        assert_eq!(of(&["roundsman", "audit", "", "-i", "a.yml"], 2), ["a.yml"]);
        assert_eq!(
            of(&["roundsman", "check", "-bKi", "a.yml", "--inventory=b.yml", ""], 5),
            ["a.yml", "b.yml"]
        );
        assert_eq!(of(&["roundsman", "exec", "-ia.yml", "--no-such", ""], 4), ["a.yml"]);
        assert_eq!(of(&["roundsman", "inventory", "host", "", "-i", "a.yml"], 3), ["a.yml"]);
        assert_eq!(of(&["roundsman"], 1), Vec::<String>::new());
        let words: Vec<OsString> = ["roundsman", "diff", "", "--history", "h"].map(OsString::from).to_vec();
        assert_eq!(line(&words, 2).history, Some(PathBuf::from("h")));
    }

    #[test]
    fn quotes_go_and_need_not_be_closed() {
        let word = |typed: &str| unquoted(OsStr::new(typed)).into_string().expect("text");
        assert_eq!(word("'queue:!a"), "queue:!a");
        assert_eq!(word(r#""a b"c\ d"#), "a bc d");
        assert_eq!(word(r"queue\:\!a"), "queue:!a");
        assert_eq!(word(r"a\"), "a");
        assert_eq!(word(r"'a\b'"), r"a\b");
    }
}
