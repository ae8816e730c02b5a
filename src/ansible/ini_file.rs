//! `ansible.cfg` as Python's `configparser` reads it, with `;` for comments within a line as well.

use std::path::Path;

use indexmap::IndexMap;

use crate::error::{FileError, Place};

/// Values by section and name, and the byte at which each stands.
#[derive(Debug, Default)]
pub(super) struct IniFile {
    values: IndexMap<(String, String), (String, usize)>,
}

impl IniFile {
    /// Reads the text of a file.
    pub(super) fn parse(file: &Path, text: &str) -> Result<IniFile, FileError> {
        let wrong = |at: usize, message: String| FileError::at(file, Place::of(text, at), message);
        let mut read = IniFile::default();
        let mut sections: Vec<String> = Vec::new();
        // The name whose value may go on in a line that is indented deeper.
        let mut open: Option<((String, String), usize)> = None;
        let mut at = 0;
        for whole in text.split_inclusive('\n') {
            let begin = at;
            at += whole.len();
            let line = without_comment(whole);
            let value = line.trim();
            if value.is_empty() {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            if let Some((name, depth)) = &open
                && indent > *depth
            {
                if let Some((before, _)) = read.values.get_mut(name) {
                    before.push('\n');
                    before.push_str(value);
                }
                continue;
            }
            let begin = begin + indent;
            if let Some(section) = value.strip_prefix('[').and_then(|rest| Some(rest.rsplit_once(']')?.0))
                && !section.is_empty()
            {
                if sections.iter().any(|known| known == section) {
                    return Err(wrong(begin, format!("the section [{section}] stands twice")));
                }
                sections.push(section.to_owned());
                open = None;
                continue;
            }
            let Some(section) = sections.last() else {
                return Err(wrong(begin, "this stands before the first [section]".to_owned()));
            };
            let Some((name, value)) = value.split_once(['=', ':']) else {
                return Err(wrong(begin, format!("`{value}` is neither a [section] nor name = value")));
            };
            let name = (section.clone(), name.trim().to_lowercase());
            if read.values.contains_key(&name) {
                return Err(wrong(begin, format!("`{}` stands twice in [{section}]", name.1)));
            }
            open = Some((name.clone(), indent));
            read.values.insert(name, (value.trim().to_owned(), begin));
        }
        Ok(read)
    }

    /// The value and its byte; `[DEFAULT]` stands below every section.
    pub(super) fn get(&self, section: &str, name: &str) -> Option<(&str, usize)> {
        let of = |section: &str| self.values.get(&(section.to_owned(), name.to_owned()));
        of(section).or_else(|| of("DEFAULT")).map(|(value, at)| (value.as_str(), *at))
    }
}

/// `#` and `;` begin a comment at the beginning of a line, `;` also behind a space.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let spaced = |(at, _): &(usize, &str)| line[..*at].ends_with(char::is_whitespace);
    match line.match_indices(';').find(spaced) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<IniFile, FileError> {
        IniFile::parse(Path::new("ansible.cfg"), text)
    }

    #[test]
    fn names_values_comments_and_long_values() {
        let text = "# c\n[defaults]\nForks = 5 ; five\nremote_user: ops;dev\nempty =\n\
                    [ssh_connection]\nssh_args = -o A=b\n   # not this\n   -o C=d\n[DEFAULT]\nforks=9\ntimeout=3\n";
        let read = parse(text).expect("parses");
        let get = |section, name| read.get(section, name).map(|(value, _)| value);
        assert_eq!(get("defaults", "forks"), Some("5"));
        assert_eq!(get("defaults", "remote_user"), Some("ops;dev"));
        assert_eq!(get("defaults", "empty"), Some(""));
        assert_eq!(get("ssh_connection", "ssh_args"), Some("-o A=b\n-o C=d"));
        assert_eq!(get("defaults", "timeout"), Some("3"));
        assert_eq!(get("defaults", "nothing"), None);
    }

    #[test]
    fn what_configparser_refuses_is_refused_with_its_place() {
        for (text, part) in [
            ("a = 1\n", "ansible.cfg:1:1: this stands before"),
            ("[a]\nb\n", "ansible.cfg:2:1: `b` is neither"),
            ("[a]\nb=1\n B=2\n[c]\nd=1\nD=2\n", "ansible.cfg:6:1: `d` stands twice in [c]"),
            ("[a]\n[a]\n", "ansible.cfg:2:1: the section [a] stands twice"),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text:?} gave {message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]a=: ;#\n\tä]{0,40}") {
            let _ = parse(&text);
        }
    }
}
