//! The passwords of a run: where each comes from, and which was tried. None is asked for or read
//! before something that is used needs it, and each only once.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Envelope, Keys, is_sealed};
use crate::error::FileError;
use crate::sanitize;
use crate::ssh::Secret;

/// The name of a password that was given none.
pub const DEFAULT_ID: &str = "default";

/// A password is a line; a file this long is something else.
const LONGEST: u64 = 1 << 20;

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that holds it, or a program that prints it.
    File(PathBuf),
    /// Whoever sits at the terminal.
    Prompt,
}

/// One password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The vault id, where one was given.
    pub id: Option<String>,
    pub source: Source,
}

impl Lock {
    /// `--vault-id`: `ID@SOURCE` or `SOURCE`, a source being a file or the word `prompt`.
    pub fn parse(text: &str) -> Lock {
        let (id, source) = match text.split_once('@') {
            Some((id, source)) => (Some(id.to_owned()), source),
            None => (None, text),
        };
        let source = match source {
            "prompt" | "prompt_ask_vault_pass" => Source::Prompt,
            file => Source::File(PathBuf::from(file)),
        };
        Lock { id: id.filter(|id| !id.is_empty()), source }
    }
}

/// Asks for a secret; the error says why there was no answer.
type Asker = fn(&str) -> Result<Secret, String>;

/// All passwords of a run, and what they have opened.
pub struct Keyring {
    pub(super) locks: Vec<(Lock, OnceLock<Result<Password, String>>)>,
    /// Only the password of the same id is tried (`vault_id_match`).
    match_ids: bool,
    /// The id of what bears none.
    default_id: String,
    ask: Asker,
    keys: Mutex<HashMap<(usize, Vec<u8>), Keys>>,
    opened: Mutex<HashMap<String, Vec<u8>>>,
    /// Where each encrypted value stands.
    places: Mutex<HashMap<String, String>>,
}

pub(super) struct Password(pub(super) Vec<u8>);

/// Why something stays closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub message: String,
    pub hint: Option<String>,
}

impl Default for Keyring {
    fn default() -> Self {
        Keyring::unchecked(Vec::new(), |_| Err("there is nobody to ask".to_owned()))
    }
}

impl Keyring {
    /// The passwords in the order in which they are tried.
    ///
    /// # Errors
    /// A file that is not there or is a directory.
    pub fn new(locks: Vec<Lock>, ask: Asker) -> Result<Keyring, FileError> {
        for lock in &locks {
            let Source::File(file) = &lock.source else { continue };
            let wrong = match std::fs::metadata(file) {
                Ok(metadata) if metadata.is_dir() => "is a directory".to_owned(),
                Ok(_) => continue,
                Err(error) => format!("cannot be read: {error}"),
            };
            return Err(FileError::whole(file, format!("the vault password file {wrong}")));
        }
        Ok(Keyring::unchecked(locks, ask))
    }

    fn unchecked(locks: Vec<Lock>, ask: Asker) -> Keyring {
        Keyring {
            locks: locks.into_iter().map(|lock| (lock, OnceLock::new())).collect(),
            match_ids: false,
            default_id: DEFAULT_ID.to_owned(),
            ask,
            keys: Mutex::default(),
            opened: Mutex::default(),
            places: Mutex::default(),
        }
    }

    /// `vault_id_match` and `vault_identity` of ansible.cfg.
    pub fn matching(mut self, match_ids: bool, default_id: Option<String>) -> Keyring {
        self.match_ids = match_ids;
        self.default_id = default_id.unwrap_or(self.default_id);
        self
    }

    /// Is there no password at all?
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// Remembers where an encrypted text stands, for whoever has to say that it can't be opened.
    pub fn stands_at(&self, sealed: &str, place: String) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(sealed.to_owned()).or_insert(place);
    }

    /// File and line of an encrypted text, if it came from a file.
    pub fn place(&self, sealed: &str) -> Option<String> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(sealed).cloned()
    }

    /// Opens an encrypted value.
    ///
    /// # Errors
    /// No password opens it, it is damaged, or what is in it is not text.
    pub fn open_text(&self, sealed: &str) -> Result<String, Trouble> {
        let trouble = |message: &str| Trouble { message: message.to_owned(), hint: None };
        String::from_utf8(self.open(sealed)?).map_err(|_| trouble("what is in it is not UTF-8 text"))
    }

    /// Opens an encrypted file's content.
    ///
    /// # Errors
    /// No password opens it, or it is damaged.
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, Trouble> {
        if let Some(text) = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(sealed) {
            return Ok(text.clone());
        }
        let text = self.open_with(sealed, self.locks.len())?;
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(sealed.to_owned(), text.clone());
        Ok(text)
    }

    /// Opens many at once, on all processors; whoever asks for one of them later finds it open.
    /// What can't be opened is left for then, and so is all if it would take a question.
    pub fn warm(&self, sealed: &[&str]) {
        let asks = |(lock, password): &(Lock, OnceLock<_>)| {
            lock.source == Source::Prompt && password.get().is_none()
        };
        if self.is_empty() || self.locks.iter().any(asks) {
            return;
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = sealed.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            for part in sealed.chunks(share) {
                scope.spawn(move || part.iter().for_each(|sealed| drop(self.open(sealed))));
            }
        });
    }

    /// With the first `known` passwords only: a password file may itself be encrypted with one
    /// that was given before it.
    fn open_with(&self, sealed: &str, known: usize) -> Result<Vec<u8>, Trouble> {
        let envelope =
            Envelope::parse(sealed).map_err(|wrong| Trouble { message: wrong.to_string(), hint: None })?;
        let wanted = envelope.id().unwrap_or(&self.default_id);
        let named = |lock: &Lock| lock.id.as_deref().unwrap_or(DEFAULT_ID) == wanted;
        let candidates = || self.locks.iter().enumerate().take(known);
        let first = candidates().filter(|(_, (lock, _))| named(lock));
        let others = candidates().filter(|(_, (lock, _))| !named(lock) && !self.match_ids);
        let mut tried = Vec::new();
        for (index, (lock, _)) in first.chain(others) {
            let name = self.name(lock);
            let password = match self.password(index) {
                Ok(password) => password,
                Err(wrong) => {
                    tried.push(format!("{name}: {wrong}"));
                    continue;
                }
            };
            match envelope.open_with(&self.keys(index, &envelope, password)) {
                Ok(Some(text)) => return Ok(text),
                Ok(None) => tried.push(format!("{name}: the password is wrong")),
                Err(damaged) => return Err(Trouble { message: damaged.to_string(), hint: None }),
            }
        }
        let of = match envelope.id() {
            Some(id) => format!(" of the vault id `{}`", sanitize::line(id)),
            None => String::new(),
        };
        Err(match tried.is_empty() {
            true if self.is_empty() => Trouble {
                message: format!("no vault password{of} was given"),
                hint: Some("give it with --vault-password-file, --vault-id or --ask-vault-pass".to_owned()),
            },
            true => Trouble {
                message: format!("no vault password{of} was given, and vault_id_match allows no other"),
                hint: Some(format!("give it with --vault-id {wanted}@FILE")),
            },
            false => Trouble {
                message: format!("no vault password opens it{}", {
                    if of.is_empty() { of } else { format!("; it is{of}") }
                }),
                hint: Some(format!("tried: {}", tried.join("; "))),
            },
        })
    }

    fn name(&self, lock: &Lock) -> String {
        let id = lock.id.as_deref().unwrap_or(DEFAULT_ID);
        match &lock.source {
            Source::File(file) => format!("`{id}` from {}", file.display()),
            Source::Prompt => format!("`{id}` as typed"),
        }
    }

    fn keys(&self, index: usize, envelope: &Envelope, password: &Password) -> Keys {
        let at = (index, envelope.salt.clone());
        if let Some(keys) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return keys.clone();
        }
        // Not under the lock: this is what takes long.
        let keys = envelope.keys(&password.0);
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(at, keys.clone());
        keys
    }

    pub(super) fn password(&self, index: usize) -> Result<&Password, String> {
        let Some((lock, password)) = self.locks.get(index) else { return Err("is not there".to_owned()) };
        password.get_or_init(|| self.fetch(index, lock)).as_ref().map_err(String::clone)
    }

    fn fetch(&self, index: usize, lock: &Lock) -> Result<Password, String> {
        let password = match &lock.source {
            Source::Prompt => {
                let question = match &lock.id {
                    Some(id) => format!("Vault password ({id}): "),
                    None => "Vault password: ".to_owned(),
                };
                let secret = (self.ask)(&question)?;
                secret.reveal().trim().as_bytes().to_vec()
            }
            Source::File(file) if is_executable(file) => run(file, lock.id.as_deref())?,
            Source::File(file) => {
                let mut bytes = Vec::new();
                let read =
                    std::fs::File::open(file).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
                read.map_err(|error| format!("cannot be read: {error}"))?;
                let bytes = bytes.trim_ascii().to_vec();
                match std::str::from_utf8(&bytes).ok().filter(|text| is_sealed(text)) {
                    Some(sealed) => {
                        let opened = self.open_with(sealed, index);
                        opened.map_err(|trouble| format!("is itself encrypted: {}", trouble.message))?
                    }
                    None => bytes,
                }
            }
        };
        let password = without_newlines(&password);
        if password.is_empty() {
            return Err("the password is empty".to_owned());
        }
        Ok(Password(password.to_vec()))
    }
}

/// What a program prints. One whose name ends in `-client` is told which password is meant.
fn run(file: &Path, id: Option<&str>) -> Result<Vec<u8>, String> {
    // An absolute path, lest a bare name be looked for in PATH.
    let mut command = Command::new(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let client = file.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("-client"));
    if client {
        command.args(id.into_iter().flat_map(|id| ["--vault-id", id]));
    }
    // Standard error stays the person's: such programs ask there.
    let output = command.stderr(Stdio::inherit()).stdin(Stdio::inherit()).output().map_err(|error| {
        format!("cannot be run: {error}; if it is no program, take its executable bit away")
    })?;
    match (output.status.success(), output.status.code()) {
        (true, _) => Ok(output.stdout),
        (_, Some(2)) if client => Err("the program knows no password of this id".to_owned()),
        _ => Err(format!("the program ended with {}", output.status)),
    }
}

fn without_newlines(bytes: &[u8]) -> &[u8] {
    let newline = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = bytes.iter().position(|byte| !newline(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !newline(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locks.iter().map(|(lock, _)| lock)).finish()
    }
}
