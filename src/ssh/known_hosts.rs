//! One known_hosts file, indexed: which keys does it have for a host, and on which lines.
//!
//! Read as sshd(8) describes it: comma lists, wildcards, negation, `[host]:port`, hashed names, the
//! markers `@revoked` and `@cert-authority`. A file of thousands of lines is read once per run and asked
//! thousands of times: plain names go through a hash map, and keys are decoded only on lines that match.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use sha1::Sha1;

/// What a line says about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// The key is the host's.
    HostKey,
    /// The key signs host certificates.
    CertAuthority,
    /// The key must never be accepted.
    Revoked,
}

/// A line that speaks of the host asked for.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) marker: Marker,
    pub(super) key: PublicKey,
    pub(super) file: PathBuf,
    /// Counted from 1, blank lines and comments included.
    pub(super) line: usize,
}

impl Found {
    /// A key of the host's own, neither revoked nor one that signs.
    pub(super) fn is_host_key(&self) -> bool {
        self.marker == Marker::HostKey
    }

    /// The key of an authority that signs host certificates.
    pub(super) fn is_authority(&self) -> bool {
        self.marker == Marker::CertAuthority
    }
}

/// One file.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    file: PathBuf,
    text: String,
    entries: Vec<Entry>,
    plain: HashMap<String, Vec<usize>>,
    patterns: Vec<(Vec<String>, usize)>,
    hashed: Vec<(Hashed, usize)>,
}

#[derive(Debug)]
struct Entry {
    marker: Marker,
    line: usize,
    /// Where in `text` algorithm and key stand.
    key: Range<usize>,
}

/// `|1|salt|hash`: HMAC-SHA1 of the name. Debian hashes by default, so a large fleet means a large file
/// of these; keyed beforehand, each costs half per question.
#[derive(Debug)]
struct Hashed {
    keyed: Hmac<Sha1>,
    hash: Vec<u8>,
}

impl KnownHosts {
    /// Reads `file`; one that does not exist is empty.
    pub(super) fn read(file: &Path) -> io::Result<Self> {
        match std::fs::read(file) {
            Ok(bytes) => Ok(Self::parse(file, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Indexes `text`; a line that makes no sense is passed over, as ssh does.
    pub(super) fn parse(file: &Path, text: String) -> Self {
        let mut known = KnownHosts { file: file.to_owned(), ..Self::default() };
        let mut start = 0;
        for (number, whole) in text.split_inclusive('\n').enumerate() {
            known.index(whole, start, number + 1);
            start += whole.len();
        }
        known.text = text;
        known
    }

    fn index(&mut self, line: &str, start: usize, number: usize) {
        let mut words = Words { line, at: 0 };
        let Some(mut hosts) = words.next() else { return };
        if line[hosts.clone()].starts_with('#') {
            return;
        }
        let marker = match &line[hosts.clone()] {
            "@revoked" => Marker::Revoked,
            "@cert-authority" => Marker::CertAuthority,
            word if word.starts_with('@') => return,
            _ => Marker::HostKey,
        };
        if marker != Marker::HostKey {
            let Some(next) = words.next() else { return };
            hosts = next;
        }
        let (Some(algorithm), Some(blob)) = (words.next(), words.next()) else { return };

        let entry = self.entries.len();
        let names = &line[hosts];
        if let Some(rest) = names.strip_prefix('|') {
            let Some(hashed) = Hashed::parse(rest) else { return };
            self.hashed.push((hashed, entry));
        } else {
            let names: Vec<String> =
                names.split(',').filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
            if names.iter().any(|name| name.contains(['*', '?', '!'])) {
                self.patterns.push((names, entry));
            } else {
                for name in names {
                    self.plain.entry(name).or_default().push(entry);
                }
            }
        }
        self.entries.push(Entry { marker, line: number, key: start + algorithm.start..start + blob.end });
    }

    /// The lines for `name`, which is lower case and has its port as `[host]:port` unless that is 22.
    ///
    /// Hashed lines cost a SHA-1 each, so they are looked at only if `hashed` is set; those that revoke a
    /// key always are.
    pub(super) fn find(&self, name: &str, hashed: bool) -> Vec<Found> {
        let mut lines: Vec<usize> = self.plain.get(name).cloned().unwrap_or_default();
        lines.extend(self.patterns.iter().filter(|(list, _)| list_matches(list, name)).map(|(_, at)| *at));
        let worth_hashing =
            |at: usize| hashed || self.entries.get(at).is_some_and(|entry| entry.marker == Marker::Revoked);
        lines.extend(
            self.hashed.iter().filter(|(hash, at)| worth_hashing(*at) && hash.is_of(name)).map(|(_, at)| *at),
        );
        lines.sort_unstable();
        lines.dedup();
        lines.into_iter().filter_map(|at| self.found(at)).collect()
    }

    fn found(&self, at: usize) -> Option<Found> {
        let entry = self.entries.get(at)?;
        let mut words = self.text.get(entry.key.clone())?.split_ascii_whitespace();
        let key = PublicKey::from_openssh(&format!("{} {}", words.next()?, words.next()?)).ok()?;
        Some(Found { marker: entry.marker, key, file: self.file.clone(), line: entry.line })
    }
}

/// The blank-separated words of a line, as ranges within it.
struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.line[self.at..];
        let start = self.at + rest.find(|c: char| !c.is_ascii_whitespace())?;
        let end = self.line[start..]
            .find(|c: char| c.is_ascii_whitespace())
            .map_or(self.line.len(), |length| start + length);
        self.at = end;
        Some(start..end)
    }
}

impl Hashed {
    /// `1|salt|hash`
    fn parse(text: &str) -> Option<Self> {
        let (salt, hash) = text.strip_prefix("1|")?.split_once('|')?;
        let keyed = Hmac::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
        Some(Hashed { keyed, hash: STANDARD.decode(hash).ok()? })
    }

    fn is_of(&self, name: &str) -> bool {
        let mut mac = self.keyed.clone();
        mac.update(name.as_bytes());
        mac.verify_slice(&self.hash).is_ok()
    }
}

/// Whether a list of patterns matches: one of them does, and none that is negated.
fn list_matches(list: &[String], name: &str) -> bool {
    let mut matched = false;
    for pattern in list {
        match pattern.strip_prefix('!') {
            Some(negated) if glob_matches(negated.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => matched |= glob_matches(pattern.as_bytes(), name.as_bytes()),
        }
    }
    matched
}

/// `*` and `?` as in ssh's patterns; linear in space and at worst quadratic in time.
pub(super) fn glob_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go back to: after the last `*`, and one byte further into the name than last time.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    (p, n) = (after, from + 1);
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN+Wjn4+4Fcvl2JlKpggT+wCRxpSvtqqpVrQrKN1/A22";

    fn lines_for(text: &str, name: &str) -> Vec<usize> {
        let known = KnownHosts::parse(Path::new("kh"), text.to_owned());
        known.find(name, true).iter().map(|found| found.line).collect()
    }

    fn hashed(name: &str) -> String {
        let salt = [7u8; 20];
        let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
        mac.update(name.as_bytes());
        format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn names_lists_ports_and_hashes_match() {
        let text = format!(
            "# comment\n\nnode1,10.0.0.1 {A}\n[node2]:2222\t{A} me@here\n  node3   {B}\n{} {A}\n",
            hashed("node4")
        );
        assert_eq!(lines_for(&text, "node1"), [3]);
        assert_eq!(lines_for(&text, "10.0.0.1"), [3]);
        assert_eq!(lines_for(&text, "[node2]:2222"), [4]);
        assert!(lines_for(&text, "node2").is_empty());
        assert_eq!(lines_for(&text, "node3"), [5]);
        assert_eq!(lines_for(&text, "node4"), [6]);
    }

    #[test]
    fn upper_case_in_the_file_matches_lower_case_names() {
        assert_eq!(lines_for(&format!("Node1.Example {A}"), "node1.example"), [1]);
    }

    #[test]
    fn wildcards_match_and_a_negated_one_wins() {
        let text = format!("*.dc1,!bad.dc1 {A}\nnode? {B}\n[10.0.*]:22?? {B}\n!x {A}\n");
        assert_eq!(lines_for(&text, "a.dc1"), [1]);
        assert!(lines_for(&text, "bad.dc1").is_empty());
        assert_eq!(lines_for(&text, "node7"), [2]);
        assert!(lines_for(&text, "node77").is_empty());
        assert_eq!(lines_for(&text, "[10.0.0.9]:2201"), [3]);
        assert!(lines_for(&text, "y").is_empty(), "negation alone matches nothing");
    }

    #[test]
    fn markers_are_told_apart_and_unknown_ones_skipped() {
        let text = format!("@revoked * {A}\n@cert-authority *.dc1 {B}\n@new a.dc1 {B}\na.dc1 {B}\n");
        let found = KnownHosts::parse(Path::new("kh"), text).find("a.dc1", false);
        let markers: Vec<_> = found.iter().map(|found| (found.line, found.marker)).collect();
        assert_eq!(markers, [(1, Marker::Revoked), (2, Marker::CertAuthority), (4, Marker::HostKey)]);
    }

    #[test]
    fn a_bad_line_is_skipped_and_counts() {
        let text =
            format!("node1 ssh-ed25519 AAAA\nnode1\nnode1 ssh-rsa {}\n|1|x|y {A}\nnode1 {A}\n", &A[12..]);
        assert_eq!(lines_for(&text, "node1"), [5]);
    }

    #[test]
    fn a_revoking_line_is_found_even_when_hashed() {
        let text = format!("@revoked {} {A}\n{} {B}\n", hashed("node1"), hashed("node1"));
        let known = KnownHosts::parse(Path::new("kh"), text);
        assert_eq!(known.find("node1", false).len(), 1);
        assert_eq!(known.find("node1", true).len(), 2);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[@|1!*?,a\\[\\]:# \t\r\nå=]{0,80}", name in "[a*?!\\[\\]:å]{0,9}") {
            KnownHosts::parse(Path::new("kh"), text).find(&name, true);
        }

        #[test]
        fn a_glob_is_what_the_regex_is(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let regex = format!("^{}$", pattern.replace('*', ".*").replace('?', "."));
            let expected = regex::Regex::new(&regex).unwrap().is_match(&name);
            prop_assert_eq!(glob_matches(pattern.as_bytes(), name.as_bytes()), expected);
        }
    }
}
