//! What `ansible.cfg` and `ANSIBLE_…` say about connections, inventories and vaults.
//!
//! A flag stands above the environment, the environment above the file; variables of the inventory
//! stand where Ansible has them. Everything else in the file is Ansible's own business.

mod ini_file;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{FileError, Place, Refusal};
use crate::vault::{Lock, Source};
use ini_file::IniFile;

/// The settings that count here; `None` or empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The file that was read.
    pub file: Option<PathBuf>,
    pub inventories: Vec<String>,
    pub remote_user: Option<String>,
    pub remote_port: Option<u16>,
    pub forks: Option<usize>,
    pub private_key: Option<PathBuf>,
    pub host_key_checking: Option<bool>,
    /// Connect and login.
    pub timeout: Option<Duration>,
    pub ssh_args: Option<String>,
    pub ssh_common_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    pub become_root: Option<bool>,
    pub become_user: Option<String>,
    pub become_method: Option<String>,
    /// `-k`, as if it were given.
    pub ask_pass: bool,
    /// `-K`, as if it were given.
    pub become_ask_pass: bool,
    pub ask_vault_pass: bool,
    pub vault_identities: Vec<Lock>,
    pub vault_password_file: Option<PathBuf>,
    /// The id of what bears none.
    pub vault_identity: Option<String>,
    /// Only the password of the same id is tried.
    pub vault_id_match: bool,
    /// What was said where, a line each: `remote_user = ops (ansible.cfg)`.
    pub origins: Vec<String>,
    pub warnings: Vec<String>,
}

/// Where the settings are looked for.
pub struct Surroundings<'a> {
    pub env: &'a dyn Fn(&str) -> Option<OsString>,
    pub current_dir: PathBuf,
    pub home: Option<PathBuf>,
    /// `/etc/ansible`, but for tests.
    pub system_dir: PathBuf,
}

impl Settings {
    /// The settings of this process.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn of_process() -> Result<Settings, Refusal> {
        Settings::read(&Surroundings {
            env: &|name| std::env::var_os(name),
            current_dir: std::env::current_dir().unwrap_or_default(),
            home: std::env::home_dir(),
            system_dir: PathBuf::from("/etc/ansible"),
        })
    }

    /// Finds and reads `ansible.cfg` and the environment.
    ///
    /// # Errors
    /// A file that can't be read as Ansible would, or a value of the wrong kind.
    pub fn read(surroundings: &Surroundings) -> Result<Settings, Refusal> {
        let mut warnings = Vec::new();
        let file = find(surroundings, &mut warnings);
        let text = match &file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| FileError::whole(file, format!("cannot be read: {error}")))?,
            None => String::new(),
        };
        let path = file.clone().unwrap_or_default();
        let ini = IniFile::parse(&path, &text)?;
        let mut look = Look { surroundings, file: &path, text: &text, ini, origins: Vec::new() };
        let defaults = |name: &'static str| [("defaults", name)];
        let ssh = |name: &'static str| [("ssh_connection", name), ("defaults", name)];
        let privilege = |name: &'static str| [("privilege_escalation", name)];
        Ok(Settings {
            inventories: look.paths("ANSIBLE_INVENTORY", &defaults("inventory")),
            remote_user: look.text(&["ANSIBLE_REMOTE_USER"], &defaults("remote_user")),
            remote_port: look.number(&["ANSIBLE_REMOTE_PORT"], &defaults("remote_port"))?,
            forks: look
                .number::<u16>(&["ANSIBLE_FORKS"], &defaults("forks"))?
                .map(|forks| forks.max(1).into()),
            private_key: look.path("ANSIBLE_PRIVATE_KEY_FILE", &defaults("private_key_file")),
            host_key_checking: look.boolean(
                &["ANSIBLE_SSH_HOST_KEY_CHECKING", "ANSIBLE_HOST_KEY_CHECKING"],
                &ssh("host_key_checking"),
            ),
            timeout: look
                .number(&["ANSIBLE_SSH_TIMEOUT", "ANSIBLE_TIMEOUT"], &ssh("timeout"))?
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            ssh_args: look.text(&["ANSIBLE_SSH_ARGS"], &ssh("ssh_args")[..1]),
            ssh_common_args: look.text(&["ANSIBLE_SSH_COMMON_ARGS"], &ssh("ssh_common_args")[..1]),
            ssh_extra_args: look.text(&["ANSIBLE_SSH_EXTRA_ARGS"], &ssh("ssh_extra_args")[..1]),
            become_root: look.boolean(&["ANSIBLE_BECOME"], &privilege("become")),
            become_user: look.text(&["ANSIBLE_BECOME_USER"], &privilege("become_user")),
            become_method: look.text(&["ANSIBLE_BECOME_METHOD"], &privilege("become_method")),
            ask_pass: look.boolean(&["ANSIBLE_ASK_PASS"], &defaults("ask_pass")).unwrap_or(false),
            become_ask_pass: look
                .boolean(&["ANSIBLE_BECOME_ASK_PASS"], &privilege("become_ask_pass"))
                .unwrap_or(false),
            ask_vault_pass: look
                .boolean(&["ANSIBLE_ASK_VAULT_PASS"], &defaults("ask_vault_pass"))
                .unwrap_or(false),
            vault_identities: look.locks("ANSIBLE_VAULT_IDENTITY_LIST", &defaults("vault_identity_list")),
            vault_password_file: look.path("ANSIBLE_VAULT_PASSWORD_FILE", &defaults("vault_password_file")),
            vault_identity: look.text(&["ANSIBLE_VAULT_IDENTITY"], &defaults("vault_identity")),
            vault_id_match: look
                .boolean(&["ANSIBLE_VAULT_ID_MATCH"], &defaults("vault_id_match"))
                .unwrap_or(false),
            origins: look.origins,
            file,
            warnings,
        })
    }

    /// The passwords of vaults in the order in which Ansible tries them: configured identities,
    /// `--vault-id`, `--vault-password-file`, the configured file, `--ask-vault-pass`.
    pub fn locks(&self, ids: &[String], files: &[PathBuf], ask: bool) -> Vec<Lock> {
        let unnamed = |source| Lock { id: None, source };
        let mut locks = self.vault_identities.clone();
        locks.extend(ids.iter().map(|id| Lock::parse(id)));
        locks.extend(files.iter().chain(&self.vault_password_file).cloned().map(Source::File).map(unnamed));
        if ask || self.ask_vault_pass {
            locks.push(unnamed(Source::Prompt));
        }
        locks
    }
}

/// The first of Ansible's places that has a readable file.
fn find(surroundings: &Surroundings, warnings: &mut Vec<String>) -> Option<PathBuf> {
    let mut candidates = Vec::new();
    if let Some(given) = (surroundings.env)("ANSIBLE_CONFIG") {
        let given = absolute(&given.to_string_lossy(), &surroundings.current_dir, surroundings);
        candidates.push(if given.is_dir() { given.join("ansible.cfg") } else { given });
    }
    let named = candidates.first().cloned();
    let here = surroundings.current_dir.join("ansible.cfg");
    let open_to_all = is_world_writable(&surroundings.current_dir);
    if !open_to_all {
        candidates.push(here.clone());
    }
    candidates.extend(surroundings.home.as_ref().map(|home| home.join(".ansible.cfg")));
    candidates.push(surroundings.system_dir.join("ansible.cfg"));
    let found = candidates.into_iter().find(|file| file.exists() && std::fs::File::open(file).is_ok());
    if open_to_all && here.exists() && (found.is_none() || found != named) {
        warnings.push(format!(
            "{}: not read, since anybody may write to this directory; name it in ANSIBLE_CONFIG",
            here.display()
        ));
    }
    found
}

#[cfg(unix)]
fn is_world_writable(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(dir).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_world_writable(_: &Path) -> bool {
    false
}

/// `~` and a relative path, as Ansible resolves them.
fn absolute(path: &str, base: &Path, surroundings: &Surroundings) -> PathBuf {
    let path = path.replace("{{CWD}}", &surroundings.current_dir.to_string_lossy());
    match (path.strip_prefix('~'), &surroundings.home) {
        (Some(""), Some(home)) => home.clone(),
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => base.join(path),
    }
}

type Names<'n> = [(&'n str, &'n str)];

struct Look<'a> {
    surroundings: &'a Surroundings<'a>,
    file: &'a Path,
    text: &'a str,
    ini: IniFile,
    origins: Vec<String>,
}

/// A value as it was written.
struct Said {
    value: String,
    /// What a relative path is relative to.
    base: PathBuf,
    from: From,
}

enum From {
    Environment(String),
    /// The byte of the file.
    File(usize),
}

impl Look<'_> {
    fn say(&mut self, env: &[&str], names: &Names) -> Option<Said> {
        for name in env {
            if let Some(value) = (self.surroundings.env)(name) {
                let value = value.to_string_lossy().into_owned();
                self.origins.push(format!("{name} = {value} (environment)"));
                let base = self.surroundings.current_dir.clone();
                return Some(Said { value, base, from: From::Environment((*name).to_owned()) });
            }
        }
        let (name, value, at) = names
            .iter()
            .find_map(|(section, name)| self.ini.get(section, name).map(|(value, at)| (name, value, at)))?;
        let value = unquoted(value).to_owned();
        let line = Place::of(self.text, at).line;
        let shown = value.replace('\n', " ");
        self.origins.push(format!("{name} = {shown} ({}:{line})", self.file.display()));
        let base = self.file.parent().unwrap_or(Path::new("")).to_owned();
        Some(Said { value, base, from: From::File(at) })
    }

    fn text(&mut self, env: &[&str], names: &Names) -> Option<String> {
        // A value may go over several lines; here a line's end is no more than a space.
        let text = self.say(env, names)?.value.replace('\n', " ");
        (!text.trim().is_empty()).then_some(text)
    }

    fn number<T: std::str::FromStr>(&mut self, env: &[&str], names: &Names) -> Result<Option<T>, Refusal> {
        let Some(said) = self.say(env, names) else { return Ok(None) };
        let text = said.value.trim();
        // Ansible's way to say nothing.
        if text.is_empty() || text == "None" {
            return Ok(None);
        }
        let wrong = format!("`{text}` is no number that fits here");
        match (text.parse(), said.from) {
            (Ok(number), _) => Ok(Some(number)),
            (Err(_), From::Environment(name)) => Err(Refusal::usage(format!("{name}: {wrong}"))),
            (Err(_), From::File(at)) => Err(FileError::at(self.file, Place::of(self.text, at), wrong).into()),
        }
    }

    /// Ansible takes for false whatever it does not know.
    fn boolean(&mut self, env: &[&str], names: &Names) -> Option<bool> {
        let said = self.say(env, names)?;
        let value = said.value.trim().to_lowercase();
        Some(matches!(value.as_str(), "y" | "yes" | "on" | "1" | "true" | "t" | "1.0"))
    }

    fn path(&mut self, env: &str, names: &Names) -> Option<PathBuf> {
        let said = self.say(&[env], names).filter(|said| !said.value.trim().is_empty())?;
        Some(absolute(said.value.trim(), &said.base, self.surroundings))
    }

    fn paths(&mut self, env: &str, names: &Names) -> Vec<String> {
        let Some(said) = self.say(&[env], names) else { return Vec::new() };
        let path = |path: &str| absolute(path, &said.base, self.surroundings).to_string_lossy().into_owned();
        said.value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(path).collect()
    }

    fn locks(&mut self, env: &str, names: &Names) -> Vec<Lock> {
        let Some(said) = self.say(&[env], names) else { return Vec::new() };
        let lock = |text: &str| match Lock::parse(text) {
            // Not relative to the file: Ansible takes these words for flags.
            Lock { id, source: Source::File(file) } => {
                let here = &self.surroundings.current_dir;
                Lock { id, source: Source::File(absolute(&file.to_string_lossy(), here, self.surroundings)) }
            }
            prompt => prompt,
        };
        said.value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(lock).collect()
    }
}

/// Quotes round the whole value are not part of it.
fn unquoted(value: &str) -> &str {
    let inside = |quote: char| {
        let inside = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.ends_with('\\')).then_some(inside)
    };
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}
