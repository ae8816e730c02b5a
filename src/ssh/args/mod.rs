//! Ansible's ssh argument strings, read as far as they make sense here.
//!
//! `ansible_ssh_common_args` and its kin hold words for ssh's command line. Those that say how to get to
//! a host are understood; those that cannot matter here are passed over; the rest come back as warnings,
//! because a connection made without them may not be the one that was meant.

mod jump;
mod proxy_command;
mod tokens;
pub mod values;

use std::path::PathBuf;
use std::time::Duration;

use super::{AddressFamily, HostKeyPolicy};
pub use jump::{JumpSpec, check_host, check_user};
pub use tokens::Tokens;
use values::{address_family, files, host_key_policy, interval, port, seconds, unquote, yes_or_no};

/// What an argument string asks for. As with ssh, the first value of an option counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshArgs {
    /// The hosts to go through, the first one first; `Some` and empty means that it says `none`.
    pub jump: Option<Vec<JumpSpec>>,
    /// A `ProxyCommand` that is no jump; its tokens are still in it. Never together with `jump`.
    pub proxy_command: Option<String>,
    /// `-F`, as written.
    pub config: Option<String>,
    /// `HostName`.
    pub hostname: Option<String>,
    /// `HostKeyAlias`.
    pub host_key_alias: Option<String>,
    /// `CertificateFile`, in order.
    pub certificate_files: Vec<PathBuf>,
    /// `IdentityAgent`, as written.
    pub identity_agent: Option<String>,
    /// `KexAlgorithms`, as written.
    pub kex: Option<String>,
    /// `-c` and `Ciphers`, as written.
    pub ciphers: Option<String>,
    /// `-m` and `MACs`, as written.
    pub macs: Option<String>,
    /// `HostKeyAlgorithms`, as written.
    pub host_key_algorithms: Option<String>,
    /// `-4`, `-6` and `AddressFamily`.
    pub address_family: Option<AddressFamily>,
    /// `ServerAliveInterval`.
    pub alive_interval: Option<Duration>,
    /// `ServerAliveCountMax`.
    pub alive_count: Option<u32>,
    /// `BatchMode`.
    pub batch: Option<bool>,
    /// `HashKnownHosts`.
    pub hash_known_hosts: Option<bool>,
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
    "checkhostip",
    "compression",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "forwardx11",
    "gssapiauthentication",
    "loglevel",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "preferredauthentications",
    "pubkeyauthentication",
    "requesttty",
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
        match flag {
            '4' => self.address_family = self.address_family.or(Some(AddressFamily::Inet)),
            '6' => self.address_family = self.address_family.or(Some(AddressFamily::Inet6)),
            _ => {}
        }
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
            'c' => self.option("ciphers", "-c", value),
            'm' => self.option("macs", "-m", value),
            'F' => {
                self.config.get_or_insert_with(|| value.to_owned());
                Ok(())
            }
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
                if self.proxy_command.is_none() {
                    self.jump.get_or_insert(jump);
                }
            }
            "proxycommand" => {
                let through = proxy_command::as_jump(unquote(value))?;
                if self.jump.is_none() && self.proxy_command.is_none() {
                    match through {
                        Some(jump) => self.jump = Some(jump),
                        None => self.proxy_command = Some(unquote(value).to_owned()),
                    }
                }
            }
            "hostname" => {
                jump::check_host_with_tokens(unquote(value)).map_err(|why| wrong(&why))?;
                self.hostname.get_or_insert_with(|| unquote(value).to_owned());
            }
            "hostkeyalias" => {
                self.host_key_alias.get_or_insert_with(|| unquote(value).to_owned());
            }
            "certificatefile" => self.certificate_files.push(PathBuf::from(unquote(value))),
            "identityagent" => {
                self.identity_agent.get_or_insert_with(|| unquote(value).to_owned());
            }
            "kexalgorithms" => {
                self.kex.get_or_insert_with(|| unquote(value).to_owned());
            }
            "ciphers" => {
                self.ciphers.get_or_insert_with(|| unquote(value).to_owned());
            }
            "macs" => {
                self.macs.get_or_insert_with(|| unquote(value).to_owned());
            }
            "hostkeyalgorithms" => {
                self.host_key_algorithms.get_or_insert_with(|| unquote(value).to_owned());
            }
            "addressfamily" => {
                let family = address_family(value).ok_or_else(|| wrong("it takes any, inet or inet6"))?;
                self.address_family.get_or_insert(family);
            }
            "serveraliveinterval" => {
                let interval = interval(unquote(value)).ok_or_else(|| wrong("it takes seconds"))?;
                self.alive_interval.get_or_insert(interval);
            }
            "serveralivecountmax" => {
                let count = unquote(value).parse().map_err(|_| wrong("it takes a number"))?;
                self.alive_count.get_or_insert(count);
            }
            "batchmode" => {
                let batch = yes_or_no(value).ok_or_else(|| wrong("it takes yes or no"))?;
                self.batch.get_or_insert(batch);
            }
            "hashknownhosts" => {
                let hash = yes_or_no(value).ok_or_else(|| wrong("it takes yes or no"))?;
                self.hash_known_hosts.get_or_insert(hash);
            }
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
                let policy = host_key_policy(value)
                    .ok_or_else(|| wrong("it takes yes, ask, accept-new, no or off"))?;
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

fn refuse(message: String) -> ArgsError {
    ArgsError { message }
}

fn split(text: &str) -> Result<Vec<String>, ArgsError> {
    shlex::split(text).ok_or_else(|| refuse(format!("a quote is left open in `{text}`")))
}

#[cfg(test)]
mod tests;
