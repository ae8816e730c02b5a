//! Versions of Kafka, and what distributions call them.

/// The first two numbers of a version.
type Minor = (u32, u32);

/// Confluent Platform and the Kafka in it, by the first two numbers of each
/// (docs.confluent.io, "Supported Versions and Interoperability"). Before 5.4 its brokers name Kafka's own
/// version (`2.0.0-cp1`), from then on their platform's (`7.4.0-ccs`, `7.4.0-ce`).
const CONFLUENT: &[(Minor, Minor)] = &[
    ((5, 4), (2, 4)),
    ((5, 5), (2, 5)),
    ((6, 0), (2, 6)),
    ((6, 1), (2, 7)),
    ((6, 2), (2, 8)),
    ((7, 0), (3, 0)),
    ((7, 1), (3, 1)),
    ((7, 2), (3, 2)),
    ((7, 3), (3, 3)),
    ((7, 4), (3, 4)),
    ((7, 5), (3, 5)),
    ((7, 6), (3, 6)),
    ((7, 7), (3, 7)),
    ((7, 8), (3, 8)),
    ((7, 9), (3, 9)),
    ((8, 0), (4, 0)),
    ((8, 1), (4, 1)),
];

/// The releases of Kafka that a version may be: one, or all patch levels of a distribution's.
pub(super) struct Release {
    first: [u32; 4],
    last: [u32; 4],
}

impl Release {
    pub(super) fn read(version: &str) -> Option<Release> {
        let plain = version.split_once(".redhat").map_or(version, |(plain, _)| plain);
        let (plain, suffix) = plain.split_once('-').unwrap_or((plain, ""));
        let parts: Vec<u32> = plain.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        if suffix.starts_with("ccs") || suffix.starts_with("ce") {
            let (platform, minor) = (*parts.first()?, *parts.get(1)?);
            let (_, (major, minor)) = *CONFLUENT.iter().find(|(known, _)| *known == (platform, minor))?;
            // Its patch levels are not Kafka's, and take up fixes early.
            return Some(Release { first: [major, minor, 0, 0], last: [major, minor, u32::MAX, u32::MAX] });
        }
        // Cloudera and Hortonworks append their own: `2.5.0.7.1.7.0-551`.
        let own = if parts.len() > 4 { 3 } else { parts.len() };
        let mut read = [0; 4];
        for (slot, part) in read.iter_mut().zip(parts.iter().take(own)) {
            *slot = *part;
        }
        (!parts.is_empty()).then_some(Release { first: read, last: read })
    }

    /// Whether it lies in `from..to`; `None` where that depends on the patch level.
    pub(super) fn within(&self, from: &str, to: &str) -> Option<bool> {
        let (from, to) = (Release::read(from)?.first, Release::read(to)?.first);
        let inside = |release: [u32; 4]| from <= release && release < to;
        if self.last < from || self.first >= to {
            return Some(false);
        }
        (inside(self.first) && inside(self.last)).then_some(true)
    }
}

/// Whether the first version is older than the second; `None` when either cannot be read or they overlap.
pub fn older(version: &str, than: &str) -> Option<bool> {
    let (one, other) = (Release::read(version)?, Release::read(than)?);
    if one.last < other.first {
        return Some(true);
    }
    (one.first >= other.last).then_some(false)
}

/// The `inter.broker.protocol.version` that a version has by default: `2.4` for 2.4.1, `0.10.1` for 0.10.1.1.
pub fn protocol(version: &str) -> Option<String> {
    let [major, minor, patch, _] = Release::read(version)?.first;
    Some(if major == 0 { format!("0.{minor}.{patch}") } else { format!("{major}.{minor}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_kafka_under_other_numbers() {
        assert_eq!(older("7.4.0-ccs", "3.5.0"), Some(true));
        assert_eq!(older("7.4.0-ce", "3.4.0"), Some(false));
        assert_eq!(older("7.4.1-ccs", "3.4.1"), None, "its patch level is not Kafka's");
        assert_eq!(older("2.0.0-cp1", "2.0.1"), Some(true));
        assert_eq!(older("3.7.0.redhat-00007", "3.7.1"), Some(true));
        assert_eq!(older("2.5.0.7.1.7.0-551", "2.5.1"), Some(true));
        assert_eq!(older("99.0-ccs", "3.0.0"), None);
    }

    #[test]
    fn the_protocol_has_a_versions_first_numbers() {
        for (version, of) in
            [("2.4.1", "2.4"), ("0.10.1.1", "0.10.1"), ("0.11.0.3", "0.11.0"), ("5.4.1-ccs", "2.4")]
        {
            assert_eq!(protocol(version).as_deref(), Some(of), "{version}");
        }
        assert_eq!(protocol("trunk"), None);
    }

    #[test]
    fn versions_nobody_can_read() {
        for text in ["", "x", "1..2", "-", "4294967296.0"] {
            assert!(Release::read(text).is_none(), "{text}");
        }
    }
}
