//! Fingerprints that somebody knows to be right, from a file.

use std::path::{Path, PathBuf};

use crate::error::{FileError, Place};
use crate::ssh;

/// What a file says.
#[derive(Debug)]
pub(super) struct Fingerprints {
    file: PathBuf,
    /// Names, in small letters, and the fingerprint of their key.
    pairs: Vec<(Vec<String>, String)>,
    /// The lines that are of the known_hosts form.
    known_hosts: String,
}

/// What a file says about one host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Same,
    /// It has other keys for the host.
    Other(Vec<String>),
    Nowhere,
}

impl Fingerprints {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> Result<Fingerprints, FileError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| FileError::whole(file, format!("the fingerprints can't be read: {error}")))?;
        Fingerprints::parse(file, &text)
    }

    fn parse(file: &Path, text: &str) -> Result<Fingerprints, FileError> {
        let mut read = Fingerprints { file: file.to_owned(), pairs: Vec::new(), known_hosts: String::new() };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let begin = at;
            at += line.len();
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_print = |word: &&str| word.starts_with("SHA256:");
            match (words.iter().position(is_print), &words[..]) {
                // `256 SHA256:… root@kafka01 (ED25519)`; of a known_hosts file the comment is its names.
                (Some(1), [size, print, names @ ..]) if size.bytes().all(|b| b.is_ascii_digit()) => {
                    let comment = names.first().copied().unwrap_or_default();
                    let names = comment.rsplit('@').next().unwrap_or_default();
                    read.pair(names, print);
                }
                (Some(1), [names, print, ..]) => read.pair(names, print),
                _ if words.len() >= 3 && words.iter().any(|word| word.starts_with("AAAA")) => {
                    read.known_hosts.push_str(line);
                    read.known_hosts.push('\n');
                }
                _ => {
                    return Err(FileError::at(file, Place::of(text, begin), "this line names no host's key")
                        .hint(
                            "write `HOST SHA256:…`, a line of ssh-keygen -lf, or one of a known_hosts file",
                        ));
                }
            }
        }
        Ok(read)
    }

    fn pair(&mut self, names: &str, print: &str) {
        let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
        self.pairs.push((names, print.trim_end_matches('=').to_owned()));
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// What it says about a host that is known by these names.
    pub(super) fn says(&self, names: &[&str], fingerprint: &str) -> Listed {
        let mut listed = Vec::new();
        for name in names {
            let name = name.to_lowercase();
            let pairs = self.pairs.iter().filter(|(names, _)| names.contains(&name));
            listed.extend(pairs.map(|(_, print)| print.clone()));
            listed.extend(ssh::listed(&self.known_hosts, &name));
        }
        if listed.iter().any(|print| print == fingerprint) {
            return Listed::Same;
        }
        listed.sort_unstable();
        listed.dedup();
        if listed.is_empty() { Listed::Nowhere } else { Listed::Other(listed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    #[test]
    fn three_forms_are_read() {
        let text = format!(
            "# ours\nKafka01 SHA256:one\n256 SHA256:two root@kafka02 (ED25519)\n\
             256 SHA256:three [10.0.0.3]:2222,kafka03 (ED25519)\nkafka04,10.0.0.4 {KEY}\n"
        );
        let read = Fingerprints::parse(Path::new("f"), &text).expect("reads");
        assert_eq!(read.says(&["kafka01"], "SHA256:one"), Listed::Same);
        assert_eq!(read.says(&["kafka01"], "SHA256:two"), Listed::Other(vec!["SHA256:one".into()]));
        assert_eq!(read.says(&["kafka02"], "SHA256:two"), Listed::Same);
        assert_eq!(read.says(&["x", "[10.0.0.3]:2222"], "SHA256:three"), Listed::Same);
        assert_eq!(read.says(&["kafka05"], "SHA256:one"), Listed::Nowhere);
        let Listed::Other(prints) = read.says(&["10.0.0.4"], "SHA256:one") else { panic!("is listed") };
        assert_eq!(read.says(&["kafka04"], &prints[0]), Listed::Same);
    }

    #[test]
    fn another_line_is_an_error() {
        let error = Fingerprints::parse(Path::new("f"), "a SHA256:x\nMD5:00:11 a\n").expect_err("no form");
        assert!(error.to_string().starts_with("f:2:1: this line names no host's key"), "{error}");
    }
}
