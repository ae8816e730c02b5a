//! `group_vars/` and `host_vars/` in one directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Vars;
use super::document::Document;
use super::graph::Graph;
use crate::error::FileError;
use crate::vault::{self, Keyring};
use crate::yaml::Yaml;

/// In the order in which they are looked for: the first that is there is read, the others not.
const ENDINGS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// What the files of one directory set.
#[derive(Debug)]
pub(super) struct VarsFiles {
    groups: HashMap<String, Vars>,
    hosts: HashMap<String, Vars>,
}

impl VarsFiles {
    /// Reads the files of every known group and host; those of others are not looked at.
    pub(super) fn read(
        dir: &Path,
        graph: &Graph,
        vault: &Keyring,
        warnings: &mut Vec<String>,
    ) -> Result<VarsFiles, FileError> {
        let groups = graph.groups().iter().map(|group| group.name.as_str());
        let hosts = graph.hosts().iter().map(|host| host.name.as_str());
        Ok(VarsFiles {
            groups: named(&dir.join("group_vars"), groups, vault, warnings)?,
            hosts: named(&dir.join("host_vars"), hosts, vault, warnings)?,
        })
    }

    pub(super) fn of_group(&self, name: &str) -> Option<&Vars> {
        self.groups.get(name)
    }

    pub(super) fn of_host(&self, name: &str) -> Option<&Vars> {
        self.hosts.get(name)
    }
}

fn named<'a>(
    dir: &Path,
    names: impl Iterator<Item = &'a str>,
    vault: &Keyring,
    warnings: &mut Vec<String>,
) -> Result<HashMap<String, Vars>, FileError> {
    // One listing instead of a look for every ending of every name.
    let present: HashMap<String, PathBuf> = match list(dir) {
        Ok(paths) => paths.into_iter().collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            warnings.push(format!("{}: is not a directory, so it is not read", dir.display()));
            return Ok(HashMap::new());
        }
        Err(error) => return Err(FileError::whole(dir, format!("cannot be read: {error}"))),
    };
    let wanted: Vec<(&str, &PathBuf)> = names
        .filter_map(|name| {
            let path = ENDINGS.iter().find_map(|ending| present.get(&format!("{name}{ending}")))?;
            Some((name, path))
        })
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || wanted.len() < WORTH_A_THREAD {
        return some(&wanted, vault, warnings);
    }
    let share = wanted.len().div_ceil(threads);
    let parts = std::thread::scope(|scope| {
        let read = |part| {
            scope.spawn(move || {
                let mut warnings = Vec::new();
                some(part, vault, &mut warnings).map(|read| (read, warnings))
            })
        };
        let readers: Vec<_> = wanted.chunks(share).map(read).collect();
        // Joined in their order, so that of two mistakes it is always the first that is told.
        readers.into_iter().map(|reader| reader.join()).collect::<Vec<_>>()
    });
    let mut all = HashMap::with_capacity(wanted.len());
    for part in parts {
        let (read, told) = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        all.extend(read);
        warnings.extend(told);
    }
    Ok(all)
}

/// Fewer files are read sooner than a thread begins.
const WORTH_A_THREAD: usize = 32;

fn some(
    wanted: &[(&str, &PathBuf)],
    vault: &Keyring,
    warnings: &mut Vec<String>,
) -> Result<HashMap<String, Vars>, FileError> {
    let mut read = HashMap::with_capacity(wanted.len());
    for (name, path) in wanted {
        let mut vars = Vars::new();
        for file in files(path)? {
            vars.extend(one(&file, vault, warnings)?);
        }
        read.insert((*name).to_owned(), vars);
    }
    Ok(read)
}

/// Names and paths in a directory, sorted.
fn list(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}

/// The file itself, or the files of a directory and of those below, without hidden ones, backups
/// and other endings.
fn files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = list(path).map_err(|error| FileError::whole(path, format!("cannot be read: {error}")))?;
    for (name, path) in entries {
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let ending = Path::new(&name).extension().map(|ending| format!(".{}", ending.to_string_lossy()));
        if ending.is_none() && path.is_dir() {
            found.extend(files(&path)?);
        } else if path.is_file() && ENDINGS.contains(&ending.as_deref().unwrap_or_default()) {
            found.push(path);
        }
    }
    Ok(found)
}

fn one(file: &Path, vault: &Keyring, warnings: &mut Vec<String>) -> Result<Vars, FileError> {
    let document = match Document::open(file, vault) {
        // Without any password the rest of the inventory can still be used.
        Err(error) if vault.is_empty() && is_sealed(file) => {
            let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            let file = file.display();
            warnings
                .push(format!("{file}: encrypted with ansible-vault, so its variables are not read{hint}"));
            return Ok(Vars::new());
        }
        read => read?,
    };
    let root = document.parse()?;
    if root.value == Yaml::Null {
        return Ok(Vars::new());
    }
    Ok(document.vars(&root, warnings)?.into_iter().map(|var| (var.name, var.value)).collect())
}

fn is_sealed(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| vault::is_sealed(&text))
}
