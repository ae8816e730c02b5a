//! What Ansible takes for a host's address, with an optional port and optional ranges.

use std::sync::LazyLock;

use regex::Regex;

/// The host and the port of `text` if it is an address as Ansible knows them; ranges are allowed.
pub(super) fn parse(text: &str) -> Option<(&str, Option<i64>)> {
    let (mut host, mut port) = (text, None);
    for shape in [&PATTERNS.bracketed_port, &PATTERNS.port] {
        if let Some(found) = shape.captures(host)
            && let (Some(name), Some(number)) = (found.get(1), found.get(2))
            && let Ok(number) = number.as_str().parse()
        {
            (host, port) = (name.as_str(), Some(number));
        }
    }
    PATTERNS.address.iter().any(|shape| shape.is_match(host)).then_some((host, port))
}

/// `inventory_hostname_short`: up to the first dot, unless it is an IP address.
pub(super) fn short_name(name: &str) -> &str {
    if is_ipv4(name)
        || (name.contains([':', '[']) && PATTERNS.address[..2].iter().any(|ip| ip.is_match(name)))
    {
        return name;
    }
    name.split('.').next().unwrap_or(name)
}

fn is_ipv4(name: &str) -> bool {
    let octet = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u16>().is_ok_and(|octet| octet < 256)
    };
    name.split('.').count() == 4 && name.split('.').all(octet)
}

struct Patterns {
    bracketed_port: Regex,
    port: Regex,
    /// IPv4, IPv6, host name.
    address: [Regex; 3],
}

/// Ansible's own expressions; the look-behind of its label is written out.
static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // The patterns are constant and a test compiles them all.
    let regex = |pattern: &str| Regex::new(pattern).expect("a constant pattern compiles");
    let octet = r"(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|\[[0-9]+:[0-9]+(?::[0-9]+)?\])";
    let six = r"(?:[0-9a-f]{1,4}|\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\])";
    let range = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]";
    let label = format!(r"(?:(?:\w|{range})(?:[\w-]|{range})*)?(?:[^\W_]|{range})");
    let mut forms = vec![format!("(?:{six}:){{7}}{six}"), format!("(?:{six}:){{1,6}}:")];
    forms.extend((1..=6).map(|left| format!("(?:{six}:){{{left}}}(?::{six}){{1,{}}}", 7 - left)));
    forms.extend([
        format!(":(?::{six}){{1,6}}"),
        format!("{six}?::"),
        format!(r"(?:0:){{6}}(?:{six}\.){{3}}{six}"),
        format!(r"::(?:ffff:)?(?:{six}\.){{3}}{six}"),
        format!(r"(?:0:){{5}}ffff:(?:{six}\.){{3}}{six}"),
    ]);
    Patterns {
        bracketed_port: regex(r"^\[(.+)\]:([0-9]+)$"),
        port: regex(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$"),
        address: [
            regex(&format!(r"(?i)^(?:{octet}\.){{3}}{octet}$")),
            regex(&format!("(?i)^(?:{})$", forms.join("|"))),
            regex(&format!(r"(?i)^{label}(?:\.{label})*$")),
        ],
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ports_as_ansible_splits_them() {
        assert_eq!(parse("web1"), Some(("web1", None)));
        assert_eq!(parse("web1:22"), Some(("web1", Some(22))));
        assert_eq!(parse("web[1:3]:22"), Some(("web[1:3]", Some(22))));
        assert_eq!(parse("fe80::1"), Some(("fe80::1", None)));
        assert_eq!(parse("[fe80::1]:22"), Some(("fe80::1", Some(22))));
        assert_eq!(parse("web-"), None);
        assert_eq!(parse("a:b"), None);
        assert_eq!(parse("web*"), None);
    }

    #[test]
    fn an_ip_address_is_not_shortened() {
        assert_eq!(short_name("kafka1.dc1.example"), "kafka1");
        assert_eq!(short_name("10.200.8.176"), "10.200.8.176");
        assert_eq!(short_name("10.200.8.276"), "10");
        assert_eq!(short_name("::ffff:10.0.0.1"), "::ffff:10.0.0.1");
    }
}
