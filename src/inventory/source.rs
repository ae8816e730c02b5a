//! What `-i` names: a file, a directory, an executable or a list of hosts.

use std::fs;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::graph::{From, Graph};
use super::{address, ini, script, yaml_file};
use crate::error::FileError;
use crate::vault::Keyring;
use crate::yaml::Yaml;

/// Files of a directory that Ansible passes over.
const IGNORED_NAMES: [&str; 3] = ["host_vars", "group_vars", "vars_plugins"];
const IGNORED_ENDINGS: [&str; 12] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"];

/// The sources that have been read so far.
pub(super) struct Reading<'v> {
    vault: &'v Keyring,
    pub graph: Graph,
    /// Where `group_vars/` and `host_vars/` are looked for, in the order of the sources.
    pub vars_dirs: Vec<PathBuf>,
    pub warnings: Vec<String>,
    /// Whether executables are run.
    programs: bool,
}

impl<'v> Reading<'v> {
    pub(super) fn new(vault: &'v Keyring) -> Self {
        Reading {
            vault,
            graph: Graph::default(),
            vars_dirs: Vec::new(),
            warnings: Vec::new(),
            programs: true,
        }
    }

    /// Passes over what would have to be run.
    pub(super) fn without_programs(self) -> Self {
        Reading { programs: false, ..self }
    }

    /// Reads one source.
    pub(super) fn source(&mut self, source: &str) -> Result<(), FileError> {
        let path = Path::new(source);
        if !path.exists() {
            if source.contains(',') {
                self.list(source);
                return Ok(());
            }
            let error = FileError::whole(path, "there is no such file or directory");
            return Err(error.hint(format!("a host by its name needs a comma: `-i {source},`")));
        }
        if path.is_dir() {
            if !self.directory(path)? {
                return Err(FileError::whole(path, "there is no inventory file in this directory"));
            }
            self.vars_dirs.push(path.to_owned());
        } else {
            self.file(path)?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            self.vars_dirs.push(parent.unwrap_or(Path::new(".")).to_owned());
        }
        Ok(())
    }

    /// `a,b`: names without ranges, each perhaps with a port.
    fn list(&mut self, source: &str) {
        let from = From { file: Some(source.to_owned()), dir: None };
        let ungrouped = self.graph.add_group("ungrouped");
        for name in source.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (host, port) = match name.contains(':') {
                true => address::parse(name).filter(|(host, _)| !host.contains('[')).unwrap_or((name, None)),
                false => (name, None),
            };
            if self.graph.host_named(host).is_none() {
                self.graph.add_host(host, Some(ungrouped), port, &from);
            }
        }
    }

    /// Every file below in order of names; `false` if there is none.
    fn directory(&mut self, dir: &Path) -> Result<bool, FileError> {
        let unreadable = |error| FileError::whole(dir, format!("cannot be read: {error}"));
        let mut names = Vec::new();
        for entry in fs::read_dir(dir).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        names.sort();
        let mut any = false;
        for name in names {
            if ignored(&name.to_string_lossy()) {
                continue;
            }
            let path = dir.join(name);
            any |= match path.is_dir() {
                true => self.directory(&path)?,
                false => self.file(&path).map(|()| true)?,
            };
        }
        Ok(any)
    }

    fn file(&mut self, path: &Path) -> Result<(), FileError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let from = From {
            file: Some(absolute.to_string_lossy().into_owned()),
            dir: absolute.parent().map(|dir| dir.to_string_lossy().into_owned()),
        };
        let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
        if !self.programs && is_program(path) {
            return Ok(());
        }
        let data = matches!(ending.as_str(), "yml" | "yaml" | "json");
        // On some file systems everything is executable: a data file must say `#!` to be run.
        if is_executable(path)
            && (!data || begins_with_shebang(path))
            && script::read(path, &from, &mut self.graph, &mut self.warnings)?
        {
            return Ok(());
        }
        self.text(&Document::open(path, self.vault)?, &from)
    }

    /// YAML where the ending allows it and it is a mapping, else INI: the order in which Ansible
    /// tries its readers.
    fn text(&mut self, document: &Document, from: &From) -> Result<(), FileError> {
        let path = &document.file;
        if path.extension().is_some_and(|ending| ending == "toml") {
            let hint = format!("convert it with `ansible-inventory -i {} --list -y`", path.display());
            return Err(FileError::whole(path, "TOML inventories are not read").hint(hint));
        }
        if !may_be_yaml(path) {
            return self.ini(document, from);
        }
        let root = document.parse();
        if let Ok(root) = &root
            && matches!(root.value, Yaml::Mapping(_))
        {
            return yaml_file::read(document, root, from, &mut self.graph, &mut self.warnings);
        }
        match self.ini(document, from) {
            Err(_) if !looks_like_ini(&document.text) => match root {
                Err(wrong) => Err(wrong),
                Ok(root) => yaml_file::read(document, &root, from, &mut self.graph, &mut self.warnings),
            },
            read => read,
        }
    }

    fn ini(&mut self, document: &Document, from: &From) -> Result<(), FileError> {
        let lines = ini::read(document, &mut self.warnings)?;
        if lines.is_empty() {
            self.warnings.push(format!("{}: is empty: no host, no group", document.file.display()));
        }
        lines.apply(document, from, &mut self.graph)
    }
}

/// Ansible reads YAML from files with these endings or with none.
fn may_be_yaml(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.trim_start_matches('.').rsplit_once('.') {
        None => true,
        Some((_, ending)) => matches!(ending, "yml" | "yaml" | "json"),
    }
}

/// A `[section]` line at the margin, or lines of which none is YAML's `key:` or `- item`: of a file
/// that is neither, the error of this form is the one to tell.
fn looks_like_ini(text: &str) -> bool {
    let lines = || text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with(['#', ';']));
    let section = |line: &str| {
        let name = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']'));
        name.is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-:.".contains(c))
        })
    };
    let yaml = |line: &str| {
        line.trim_end().ends_with(':')
            || line.contains(": ")
            || line.trim_start().starts_with(['-', '{', '[', '"', '\''])
    };
    lines().any(section) || (lines().next().is_some() && !lines().any(yaml))
}

fn ignored(name: &str) -> bool {
    name.starts_with('.')
        || IGNORED_NAMES.contains(&name)
        || IGNORED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn begins_with_shebang(path: &Path) -> bool {
    begins_with(path, b"#!")
}

/// Something that the system would run.
fn is_program(path: &Path) -> bool {
    is_executable(path) && (begins_with_shebang(path) || begins_with(path, b"\x7fELF"))
}

fn begins_with(path: &Path, what: &[u8]) -> bool {
    use std::io::Read;
    let mut start = vec![0; what.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == what
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    begins_with_shebang(path)
}
