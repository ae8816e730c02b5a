//! `ProxyJump` values: `[user@]host[:port]`, `ssh://` forms, chains with commas.

use std::net::Ipv6Addr;

use super::{SshArgs, port};

/// More hosts in a row than anyone has.
const LONGEST_CHAIN: usize = 16;

/// One host to go through, as far as the arguments tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JumpSpec {
    /// The login name, if it is not to be the usual one.
    pub user: Option<String>,
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// The port, if it is not to be the usual one.
    pub port: Option<u16>,
    /// What the `ssh` of a `ProxyCommand` was given for this host alone; without it the host is one of
    /// `-J`, for which ssh uses the node's `-F` and nothing else of the node's.
    pub own: Option<Box<SshArgs>>,
}

impl JumpSpec {
    /// Reads the value of `-J` or `ProxyJump`; `none` is an empty chain.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow the value.
    pub fn chain(value: &str) -> Result<Vec<JumpSpec>, String> {
        chain(value)
    }
}

/// Reads a chain; `none` is an empty one. The error says what is wrong with the value.
pub(super) fn chain(value: &str) -> Result<Vec<JumpSpec>, String> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let hosts = value.split(',').map(|hop| destination(hop.trim())).collect::<Result<Vec<_>, _>>()?;
    match hosts.len() {
        0..=LONGEST_CHAIN => Ok(hosts),
        many => Err(format!("{many} jump hosts in a row are more than {LONGEST_CHAIN}")),
    }
}

/// Reads `[ssh://][user@]host[:port][/]`.
pub(super) fn destination(text: &str) -> Result<JumpSpec, String> {
    let plain = match text.strip_prefix("ssh://") {
        Some(url) => url.strip_suffix('/').unwrap_or(url),
        None => text,
    };
    let (user, place) = match plain.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, plain),
    };
    if let Some(user) = user {
        check_user(user)?;
    }
    let (host, port_text) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or("a bracket is open")?;
            match after {
                "" => (host, None),
                _ => (host, Some(after.strip_prefix(':').ok_or("`]` is followed by more than a port")?)),
            }
        }
        None if place.parse::<Ipv6Addr>().is_ok() => (place, None),
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    check_host(host)?;
    let port = match port_text {
        Some(text) => Some(port(text).ok_or_else(|| format!("`{text}` is not a port"))?),
        None => None,
    };
    Ok(JumpSpec { user: user.map(str::to_owned), host: host.to_owned(), port, ..JumpSpec::default() })
}

/// A name that looks like an option or like shell text is a mistake or an attack.
///
/// # Errors
/// What is wrong with it.
pub fn check_user(user: &str) -> Result<(), String> {
    check(user, "user name", "'\"`$\\;&<>|(){}!*?#")
}

/// The same for a `HostName`, in which `%h` and `%%` may stand.
pub(super) fn check_host_with_tokens(host: &str) -> Result<(), String> {
    check_host(&host.replace("%%", "").replace("%h", "h"))
}

/// A name or address that nothing will take for an option or shell text.
///
/// # Errors
/// What is wrong with it.
pub fn check_host(host: &str) -> Result<(), String> {
    check(host, "host name", "'\"`$\\;&<>|(){}!*?#/@,[]=")?;
    match host.split_once('%') {
        // The zone of a link-local address is the only honest use of a percent sign.
        Some((address, zone)) if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() => {
            Err(format!("`%` in the host name `{host}` is not supported"))
        }
        _ if host.contains(':') && host.split('%').next().is_none_or(|a| a.parse::<Ipv6Addr>().is_err()) => {
            Err(format!("`{host}` is neither a name nor an address"))
        }
        _ => Ok(()),
    }
}

fn check(name: &str, what: &str, forbidden: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if name.starts_with('-') {
        return Err(format!("a {what} does not begin with `-`"));
    }
    match name.chars().find(|c| c.is_whitespace() || c.is_control() || forbidden.contains(*c)) {
        Some(c) => Err(format!("{c:?} does not belong in a {what}")),
        None => Ok(()),
    }
}
