//! Which files there are, and what they include.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::ConfigError;
use super::document::Document;
use crate::inventory::glob::Glob;

/// The system's file, as OpenSSH is built on Linux.
const SYSTEM: &str = "/etc/ssh/ssh_config";
/// What relative names in the system's file are relative to.
const SYSTEM_DIR: &str = "/etc/ssh";
/// All files together, bytes: far more than any has, and nothing that fills the memory.
const MOST_BYTES: u64 = 32 << 20;
/// Files that one configuration may consist of.
const MOST_FILES: usize = 4096;

/// Which configuration to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The user's, then the system's.
    #[default]
    Usual,
    /// `-F none`.
    None,
    /// `-F FILE`, and no other.
    File(PathBuf),
}

impl Choice {
    /// The value of `-F`.
    pub fn of(value: &str, home: &Path) -> Choice {
        match value {
            none if none.eq_ignore_ascii_case("none") => Choice::None,
            file => Choice::File(match file.strip_prefix("~/") {
                Some(below) => home.join(below),
                None => PathBuf::from(file),
            }),
        }
    }
}

/// Reads what `choice` means, for the user whose home is `home`.
///
/// # Errors
/// A file named by `-F` cannot be read.
pub(super) fn read(choice: &Choice, home: &Path) -> Result<Document, ConfigError> {
    let mut document = Document::default();
    let mut budget = Budget { bytes: MOST_BYTES, files: MOST_FILES };
    let user_dir = home.join(".ssh");
    match choice {
        Choice::None => {}
        Choice::File(file) => {
            let text = budget.read(file).map_err(|error| ConfigError {
                file: Some(file.clone()),
                message: format!("the ssh configuration can't be read: {error}"),
            })?;
            document.add(file, &text, &mut |name| budget.included(name, &user_dir, home));
        }
        Choice::Usual => {
            // ssh passes over a file that is not there or that it may not read.
            let user = user_dir.join("config");
            if let Ok(text) = budget.read(&user) {
                document.add(&user, &text, &mut |name| budget.included(name, &user_dir, home));
            }
            let system = Path::new(SYSTEM);
            if let Ok(text) = budget.read(system) {
                document.add(system, &text, &mut |name| budget.included(name, Path::new(SYSTEM_DIR), home));
            }
        }
    }
    document.index();
    Ok(document)
}

/// The home that ssh takes for the user `uid`: passwd's, whatever `HOME` says.
pub(super) fn home(uid: u32) -> Option<(String, PathBuf)> {
    let passwd = fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let its = fields.nth(1)?.parse::<u32>().ok()?;
        let home = fields.nth(2)?;
        (its == uid && !home.is_empty()).then(|| (name.to_owned(), PathBuf::from(home)))
    })
}

/// This machine's name; empty where the system does not say.
pub(super) fn local_host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// What may still be read.
struct Budget {
    bytes: u64,
    files: usize,
}

impl Budget {
    fn read(&mut self, file: &Path) -> std::io::Result<String> {
        let spent = || std::io::Error::other("the configuration is too large");
        self.files = self.files.checked_sub(1).ok_or_else(spent)?;
        let mut bytes = Vec::new();
        fs::File::open(file)?.take(self.bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        self.bytes = self.bytes.checked_sub(bytes.len() as u64).ok_or_else(spent)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files that `Include name` means, in order of names, as glob(3) gives them.
    fn included(&mut self, name: &str, dir: &Path, home: &Path) -> Vec<(PathBuf, String)> {
        let anchored = match name.strip_prefix("~/") {
            Some(below) => home.join(below),
            None => dir.join(name),
        };
        expand(&anchored)
            .into_iter()
            .filter_map(|file| Some((file.clone(), self.read(&file).ok()?)))
            .collect()
    }
}

/// The existing paths that a pattern means.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        if !matches!(part, Component::Normal(_)) || !name.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let glob = Glob::new(&name);
        let mut next = Vec::new();
        for dir in found {
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
            names.sort();
            next.extend(
                names
                    .iter()
                    .filter(|entry| {
                        let entry = entry.to_string_lossy();
                        // A star takes no leading dot.
                        (!entry.starts_with('.') || name.starts_with('.')) && glob.matches(&entry)
                    })
                    .map(|entry| dir.join(entry)),
            );
        }
        found = next;
    }
    found.into_iter().filter(|path| path.exists()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::keyword::Keyword;
    use super::super::walk::Who;
    use super::*;

    #[test]
    fn includes_stand_where_they_are_included() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        fs::create_dir_all(home.join(".ssh/conf.d")).unwrap();
        fs::write(home.join(".ssh/conf.d/1"), "Host a\n User one\nHost b\n Port 5\n").unwrap();
        fs::write(home.join(".ssh/conf.d/2"), "User two\n").unwrap();
        fs::write(home.join(".ssh/conf.d/.hidden"), "User hidden\n").unwrap();
        let file = home.join("main");
        fs::write(&file, "Host *.x\n Include conf.d/*\n Port 9\nInclude ~/.ssh/loop main\n").unwrap();
        fs::write(home.join(".ssh/loop"), "Include loop\nHost a\n Port 7\n").unwrap();
        let document = read(&Choice::File(file), home).unwrap();
        let walk = |host| {
            let walk = document.walk(&Who { host, user: None, hostname: None, local_user: "me" });
            (walk.values(Keyword::User).0.join(""), walk.values(Keyword::Port).0.join(""))
        };
        assert_eq!(walk("a"), (String::new(), "".into()), "the include stands below Host *.x");
        assert_eq!(walk("q.x"), ("two".into(), "9".into()));
    }

    #[test]
    fn a_named_file_must_be_there_and_the_usual_ones_need_not() {
        let home = tempfile::tempdir().unwrap();
        let missing = Choice::of("~/nowhere", home.path());
        assert_eq!(missing, Choice::File(home.path().join("nowhere")));
        assert!(read(&missing, home.path()).unwrap_err().message.contains("can't be read"));
        assert!(read(&Choice::Usual, home.path()).is_ok());
        assert_eq!(Choice::of("None", home.path()), Choice::None);
    }
}
