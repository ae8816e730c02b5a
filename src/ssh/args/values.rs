//! How ssh writes yes, ports, times, files and policies, on its command line and in its configuration.

use std::path::PathBuf;
use std::time::Duration;

use crate::ssh::{AddressFamily, HostKeyPolicy};

/// The value inside one pair of double quotes, if there is one.
pub fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// `yes` or `no`, or what means the same.
pub fn yes_or_no(value: &str) -> Option<bool> {
    match unquote(value).to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// A port from 1.
pub fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// File names with quotes undone; an empty list is `none`. `None` if a quote is open.
pub fn files(value: &str) -> Option<Vec<PathBuf>> {
    let files = shlex::split(value)?;
    match files.as_slice() {
        [only] if only.eq_ignore_ascii_case("none") => Some(Vec::new()),
        _ => Some(files.into_iter().map(PathBuf::from).collect()),
    }
}

/// ssh's time format: seconds, or numbers with units as in `1m30s`; `Some(None)` is `none`.
pub fn seconds(text: &str) -> Option<Option<Duration>> {
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

/// `StrictHostKeyChecking`; `ask` is strict, there being nobody to ask.
pub fn host_key_policy(value: &str) -> Option<HostKeyPolicy> {
    match unquote(value).to_ascii_lowercase().as_str() {
        "yes" | "true" | "ask" => Some(HostKeyPolicy::Strict),
        "accept-new" => Some(HostKeyPolicy::AcceptNew),
        "no" | "false" | "off" => Some(HostKeyPolicy::Off),
        _ => None,
    }
}

/// `AddressFamily`.
pub fn address_family(value: &str) -> Option<AddressFamily> {
    match unquote(value).to_ascii_lowercase().as_str() {
        "any" => Some(AddressFamily::Any),
        "inet" => Some(AddressFamily::Inet),
        "inet6" => Some(AddressFamily::Inet6),
        _ => None,
    }
}

/// A time that may be 0, as `ServerAliveInterval` may.
pub fn interval(text: &str) -> Option<Duration> {
    if text.chars().all(|c| c == '0') && !text.is_empty() {
        return Some(Duration::ZERO);
    }
    seconds(text).flatten()
}
