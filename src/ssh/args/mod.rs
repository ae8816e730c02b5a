//! Ansible's ssh argument strings, read as far as they make sense here.
//!
//! `ansible_ssh_common_args` and its kin hold words for ssh's command line. Those that say how to get to
//! a host are understood; those that cannot matter here are passed over; the rest come back as warnings,
//! because a connection made without them may not be the one that was meant.

mod jump;
mod proxy_command;

use std::path::PathBuf;
use std::time::Duration;

use super::HostKeyPolicy;
pub use jump::JumpSpec;

/// What an argument string asks for. As with ssh, the first value of an option counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshArgs {
    /// The hosts to go through, the first one first; `Some` and empty means that it says `none`.
    pub jump: Option<Vec<JumpSpec>>,
    /// `-i` and `IdentityFile`, in order; see [`Tokens::expand`].
    pub identity_files: Vec<PathBuf>,
    /// `IdentitiesOnly`.
    pub identities_only: Option<bool>,
    /// `-p` and `Port`.
    pub port: Option<u16>,
    /// `-l` and `User`.
    pub user: Option<String>,
    /// `UserKnownHostsFile`; `Some` and empty means `none`.
    pub user_known_hosts: Option<Vec<PathBuf>>,
    /// `GlobalKnownHostsFile`; `Some` and empty means `none`.
    pub global_known_hosts: Option<Vec<PathBuf>>,
    /// `StrictHostKeyChecking`; `ask` is strict, there being nobody to ask.
    pub host_keys: Option<HostKeyPolicy>,
    /// `ConnectTimeout`.
    pub connect_timeout: Option<Duration>,
    /// Options with no effect here that might have had one in ssh, one sentence each.
    pub warnings: Vec<String>,
}

/// An argument string that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ArgsError {
    /// One sentence without a full stop.
    pub message: String,
}

/// ssh's flags that take a value.
const WITH_VALUE: &str = "bceilmopBDEFIJLOPQRSwW";
/// Flags that change nothing about a connection that carries one command without a terminal.
const IDLE_FLAGS: &str = "46CTaknqvx";
/// Options of the same sort, lower case: those about sharing, keeping up and narrating connections, and
/// those that only ask for what is done anyway.
const IDLE_OPTIONS: &[&str] = &[
    "addkeystoagent",
    "batchmode",
    "checkhostip",
    "compression",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "forwardx11",
    "gssapiauthentication",
    "hashknownhosts",
    "loglevel",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "preferredauthentications",
    "pubkeyauthentication",
    "requesttty",
    "serveralivecountmax",
    "serveraliveinterval",
    "tcpkeepalive",
    "updatehostkeys",
    "visualhostkey",
];

impl SshArgs {
    /// Reads a string of ssh arguments; several strings are joined with a space first, in the order in
    /// which Ansible puts them on the command line.
    ///
    /// # Errors
    /// An open quote, a missing value, or a value that ssh would refuse too.
    pub fn parse(text: &str) -> Result<SshArgs, ArgsError> {
        let words = split(text)?;
        let mut args = SshArgs::default();
        for word in args.read(words)? {
            args.warn(format!("ssh argument `{word}` is neither an option nor a value, and is ignored"));
        }
        Ok(args)
    }

    /// Reads flags and options; gives back the words that are neither.
    fn read(&mut self, words: Vec<String>) -> Result<Vec<String>, ArgsError> {
        let mut words = words.into_iter();
        let mut others = Vec::new();
        while let Some(word) = words.next() {
            let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
                others.push(word);
                continue;
            };
            for (at, flag) in flags.char_indices() {
                if !WITH_VALUE.contains(flag) {
                    self.flag(flag);
                    continue;
                }
                let rest = &flags[at + flag.len_utf8()..];
                let value = match rest.is_empty() {
                    true => words.next().ok_or_else(|| refuse(format!("`-{flag}` lacks its value")))?,
                    false => rest.to_owned(),
                };
                self.flag_with_value(flag, &value)?;
                break;
            }
        }
        Ok(others)
    }

    fn flag(&mut self, flag: char) {
        if !IDLE_FLAGS.contains(flag) {
            self.warn(format!("ssh flag `-{flag}` is ignored"));
        }
    }

    fn flag_with_value(&mut self, flag: char, value: &str) -> Result<(), ArgsError> {
        match flag {
            'J' => self.option("proxyjump", "-J", value),
            'i' => self.option("identityfile", "-i", value),
            'p' => self.option("port", "-p", value),
            'l' => self.option("user", "-l", value),
            'o' => self.assignment(value),
            _ => {
                self.warn(format!("ssh flag `-{flag} {value}` is ignored"));
                Ok(())
            }
        }
    }

    /// `Key=Value`, `Key Value`, `Key = Value`, the value perhaps in double quotes.
    fn assignment(&mut self, text: &str) -> Result<(), ArgsError> {
        let text = text.trim();
        let end = text.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let rest = rest.trim_start();
        let value = rest.strip_prefix('=').unwrap_or(rest).trim();
        if name.is_empty() || value.is_empty() {
            return Err(refuse(format!("`-o {text}` is not of the form Option=value")));
        }
        self.option(&name.to_ascii_lowercase(), name, value)
    }

    fn option(&mut self, key: &str, shown: &str, value: &str) -> Result<(), ArgsError> {
        let wrong = |what: &str| refuse(format!("`{shown}` cannot be `{value}`: {what}"));
        match key {
            "proxyjump" => {
                let jump = jump::chain(unquote(value)).map_err(|why| wrong(&why))?;
                self.jump.get_or_insert(jump);
            }
            "proxycommand" => match proxy_command::as_jump(unquote(value))? {
                Some(jump) => {
                    self.jump.get_or_insert(jump);
                }
                None => self.warn(format!(
                    "`ProxyCommand {value}` is ignored: only `ssh -W %h:%p [options] HOST` and `none` are understood"
                )),
            },
            "identityfile" => {
                // A file called `none` stands for having none, which is what an empty list says.
                if !unquote(value).eq_ignore_ascii_case("none") {
                    self.identity_files.push(PathBuf::from(unquote(value)));
                }
            }
            "identitiesonly" => {
                let only = yes_or_no(value).ok_or_else(|| wrong("it takes yes or no"))?;
                self.identities_only.get_or_insert(only);
            }
            "port" => {
                let port = port(unquote(value)).ok_or_else(|| wrong("a port is 1 to 65535"))?;
                self.port.get_or_insert(port);
            }
            "user" => {
                let user = unquote(value);
                jump::check_user(user).map_err(|why| wrong(&why))?;
                self.user.get_or_insert(user.to_owned());
            }
            "userknownhostsfile" => {
                self.user_known_hosts.get_or_insert(files(value).ok_or_else(|| wrong("a quote is open"))?);
            }
            "globalknownhostsfile" => {
                self.global_known_hosts.get_or_insert(files(value).ok_or_else(|| wrong("a quote is open"))?);
            }
            "stricthostkeychecking" => {
                let policy = match unquote(value).to_ascii_lowercase().as_str() {
                    "yes" | "true" | "ask" => HostKeyPolicy::Strict,
                    "accept-new" => HostKeyPolicy::AcceptNew,
                    "no" | "false" | "off" => HostKeyPolicy::Off,
                    _ => return Err(wrong("it takes yes, ask, accept-new, no or off")),
                };
                self.host_keys.get_or_insert(policy);
            }
            "connecttimeout" => {
                let timeout = seconds(unquote(value)).ok_or_else(|| wrong("it takes seconds or `none`"))?;
                if let Some(timeout) = timeout {
                    self.connect_timeout.get_or_insert(timeout);
                }
            }
            idle if IDLE_OPTIONS.contains(&idle) => {}
            _ => self.warn(format!("ssh option `{shown} {value}` is ignored")),
        }
        Ok(())
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// What ssh's file names may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    /// The local user's home, for `~` and `%d`.
    pub home: &'a str,
    /// The local user, for `%u`.
    pub local_user: &'a str,
    /// The remote host, for `%h` and `%n`.
    pub host: &'a str,
    /// The remote port, for `%p`.
    pub port: u16,
    /// The remote user, for `%r`.
    pub user: &'a str,
}

impl Tokens<'_> {
    /// `text` with a leading `~/` and ssh's tokens replaced; an unknown token stays as it is.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        if let Some(below) = text.strip_prefix("~/") {
            expanded.push_str(self.home);
            expanded.push('/');
            rest = below;
        }
        let mut chars = rest.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match chars.next() {
                Some('d') => expanded.push_str(self.home),
                Some('h' | 'n') => expanded.push_str(self.host),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('r') => expanded.push_str(self.user),
                Some('u') => expanded.push_str(self.local_user),
                Some('%') => expanded.push('%'),
                Some(other) => expanded.extend(['%', other]),
                None => expanded.push('%'),
            }
        }
        expanded
    }
}

fn refuse(message: String) -> ArgsError {
    ArgsError { message }
}

fn split(text: &str) -> Result<Vec<String>, ArgsError> {
    shlex::split(text).ok_or_else(|| refuse(format!("a quote is left open in `{text}`")))
}

/// The value inside one pair of double quotes, if there is one.
fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn yes_or_no(value: &str) -> Option<bool> {
    match unquote(value).to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn files(value: &str) -> Option<Vec<PathBuf>> {
    let files = shlex::split(value)?;
    match files.as_slice() {
        [only] if only.eq_ignore_ascii_case("none") => Some(Vec::new()),
        _ => Some(files.into_iter().map(PathBuf::from).collect()),
    }
}

/// ssh's time format: seconds, or numbers with units as in `1m30s`; `Some(None)` is `none`.
fn seconds(text: &str) -> Option<Option<Duration>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let (mut total, mut number, mut digits) = (0u64, 0u64, false);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
            digits = true;
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        if !digits {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, false);
    }
    total = total.checked_add(number)?;
    (total > 0).then(|| Some(Duration::from_secs(total)))
}

#[cfg(test)]
mod tests;
