//! A value from below the command line, and the words it stands for.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, ArgMatches, Command};

/// What an option is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A flag, so often.
    On(u8),
    /// A flag that is not to be, or a list of nothing: what stands further below does not count.
    Off,
    /// What the option takes.
    Said(Vec<OsString>),
}

/// Options whose values may hold passwords or tokens.
const SECRET: &[&str] = &["extra_vars", "notify_cmd"];

/// Whether a value must not be shown.
pub fn is_secret(arg: &Arg) -> bool {
    SECRET.contains(&arg.get_id().as_str())
}

/// Whether an option takes no value.
pub fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Count)
}

/// What a flag was given on the line.
pub fn typed(arg: &Arg, by_hand: &ArgMatches) -> String {
    let id = arg.get_id().as_str();
    match arg.get_action() {
        ArgAction::Count => by_hand.get_count(id).to_string(),
        _ => by_hand.get_flag(id).to_string(),
    }
}

/// What an option is where nothing is said: clap's own default, or the one that its help names.
pub fn default(arg: &Arg) -> Option<String> {
    let values = arg.get_default_values();
    if is_flag(arg) {
        return Some(if matches!(arg.get_action(), ArgAction::Count) { "0" } else { "false" }.to_owned());
    }
    if !values.is_empty() {
        let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
        return Some(values.join(" "));
    }
    let help = arg.get_help()?.to_string();
    let (_, rest) = help.split_once("[default: ")?;
    rest.split_once(']').map(|(value, _)| value.to_owned())
}

impl Value {
    /// Of a variable: words as a shell splits them where an option may be given again, else the text as it is.
    ///
    /// # Errors
    /// What the option does not take, worded to follow the variable's name.
    pub fn of_variable(arg: &Arg, text: &OsStr) -> Result<Value, String> {
        if is_flag(arg) {
            let text = text.to_str().unwrap_or("?");
            return flag(arg, text);
        }
        let values = match arg.get_action() {
            ArgAction::Append => {
                let text = text.to_str().ok_or("it is no UTF-8")?;
                let words =
                    shlex::split(text).ok_or("a quote is open; words are split as a shell splits them")?;
                words.into_iter().map(OsString::from).collect()
            }
            _ => vec![text.to_owned()],
        };
        Value::said(arg, values)
    }

    /// Of values as they would stand on the line.
    ///
    /// # Errors
    /// As [`Value::of_variable`].
    pub fn said(arg: &Arg, values: Vec<OsString>) -> Result<Value, String> {
        if values.is_empty() {
            return Ok(Value::Off);
        }
        let value = Value::Said(values);
        check(arg, &value)?;
        Ok(value)
    }

    /// The words on the line.
    pub fn line(&self, arg: &Arg) -> Vec<OsString> {
        let flag = OsString::from(format!("--{}", arg.get_long().unwrap_or_default()));
        match self {
            Value::Off => Vec::new(),
            Value::On(times) => vec![flag; usize::from(*times)],
            Value::Said(values) => {
                let word = |value: &OsString| {
                    let mut word = flag.clone();
                    word.push("=");
                    word.push(value);
                    word
                };
                values.iter().map(word).collect()
            }
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        match self {
            Value::Off => "false".to_owned(),
            Value::On(1) => "true".to_owned(),
            Value::On(times) => times.to_string(),
            Value::Said(values) => {
                let values: Vec<_> = values.iter().map(|value| value.to_string_lossy()).collect();
                values.join(" ")
            }
        }
    }
}

/// A flag's word; for one that may be given again also a number.
///
/// # Errors
/// Another word.
pub fn flag(arg: &Arg, text: &str) -> Result<Value, String> {
    let counts = matches!(arg.get_action(), ArgAction::Count);
    match (text.trim().to_ascii_lowercase().as_str(), text.trim().parse::<u8>()) {
        ("0" | "false" | "no" | "off", _) => Ok(Value::Off),
        ("1" | "true" | "yes" | "on", _) => Ok(Value::On(1)),
        (_, Ok(times)) if counts && times <= 9 => Ok(Value::On(times)),
        _ if counts => Err(format!("`{text}` is no number from 0 to 9")),
        _ => Err(format!("`{text}` is neither 1, true, yes, on nor 0, false, no, off")),
    }
}

/// Whether the option takes it, by clap's own parser.
fn check(arg: &Arg, value: &Value) -> Result<(), String> {
    // Under a name that is static, as clap wants it.
    let alone = Arg::new("value")
        .long("value")
        .action(arg.get_action().clone())
        .value_parser(arg.get_value_parser().clone());
    let command = Command::new("value").no_binary_name(true).arg(&alone);
    let Err(error) = command.try_get_matches_from(value.line(&alone)) else { return Ok(()) };
    let shown = if is_secret(arg) { "this".to_owned() } else { format!("`{}`", value.words()) };
    let why = match (std::error::Error::source(&error), error.get(ContextKind::ValidValue)) {
        (Some(why), _) => why.to_string(),
        (None, Some(ContextValue::Strings(valid))) => format!("it takes {}", valid.join(", ")),
        (None, _) => "it takes something else".to_owned(),
    };
    Err(format!("{shown} is nothing for --{}: {why}", arg.get_long().unwrap_or_default()))
}
