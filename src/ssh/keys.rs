//! Private key files, each read and decoded once per run.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{PrivateKey, PublicKey, decode_secret_key, load_public_key};
use tokio::sync::OnceCell;

/// One identity file as it was found.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) file: PathBuf,
    /// The public half, from the key itself or from the `.pub` beside it.
    pub(super) public: Option<PublicKey>,
    pub(super) secret: Secret,
}

/// The private half.
#[derive(Debug)]
pub(super) enum Secret {
    Ready(Arc<PrivateKey>),
    /// A passphrase is needed.
    Encrypted,
    /// No such file, or only its public half.
    Missing,
    /// Why it cannot be used.
    Unusable(String),
}

impl Identity {
    /// Why the file cannot be used without the agent, as a clause; `None` if it can.
    pub(super) fn trouble(&self) -> Option<String> {
        let file = self.file.display();
        match &self.secret {
            Secret::Ready(_) => None,
            Secret::Encrypted => Some(format!("{file} is encrypted and no agent holds it")),
            Secret::Missing => Some(format!("{file} is not there")),
            Secret::Unusable(why) => Some(format!("{file}: {why}")),
        }
    }
}

/// The identity files of a run.
#[derive(Default)]
pub(super) struct Keyring(Mutex<HashMap<PathBuf, Arc<OnceCell<Arc<Identity>>>>>);

impl Keyring {
    /// The identity in `file`, read on the first call for it.
    pub(super) async fn identity(&self, file: &Path) -> Arc<Identity> {
        let cell = {
            let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            files.entry(file.to_owned()).or_default().clone()
        };
        let path = file.to_owned();
        cell.get_or_init(|| async move {
            let on_panic = path.clone();
            // Decoding may derive a key from a passphrase one day, and the file may lie on a slow disk.
            let read = tokio::task::spawn_blocking(move || read(path)).await;
            Arc::new(read.unwrap_or_else(|error| Identity {
                file: on_panic,
                public: None,
                secret: Secret::Unusable(error.to_string()),
            }))
        })
        .await
        .clone()
    }
}

fn read(file: PathBuf) -> Identity {
    let beside = {
        let mut name = file.clone().into_os_string();
        name.push(".pub");
        load_public_key(PathBuf::from(name)).ok()
    };
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            let (secret, own) = decode(&file, &text);
            Identity { public: own.or(beside), secret, file }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Identity { file, public: beside, secret: Secret::Missing }
        }
        Err(error) => Identity { file, public: beside, secret: Secret::Unusable(error.to_string()) },
    }
}

fn decode(file: &Path, text: &str) -> (Secret, Option<PublicKey>) {
    if !text.contains("PRIVATE KEY") && !text.contains("PuTTY") {
        return match load_public_key(file) {
            Ok(public) => (Secret::Missing, Some(public)),
            Err(_) => (Secret::Unusable("not a private key".to_owned()), None),
        };
    }
    match decode_secret_key(text, None) {
        Ok(key) => {
            let public = key.public_key().clone();
            (Secret::Ready(Arc::new(key)), Some(public))
        }
        Err(error) if is_encrypted(text, &error) => {
            // OpenSSH's own format keeps the public half readable.
            let public = PrivateKey::from_openssh(text.trim()).ok().map(|key| key.public_key().clone());
            (Secret::Encrypted, public)
        }
        Err(error) => {
            (Secret::Unusable(format!("cannot be read ({error}); `ssh-keygen -p -f` may convert it")), None)
        }
    }
}

/// russh says so itself for some formats only.
fn is_encrypted(text: &str, error: &russh::keys::Error) -> bool {
    matches!(error, russh::keys::Error::KeyIsEncrypted)
        || text.lines().any(|line| line.contains("ENCRYPTED") && line.contains(['-', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::ssh_key::LineEnding;

    fn new_key(dir: &Path) -> (PathBuf, PrivateKey) {
        let key = PrivateKey::random(&mut rand::rng(), russh::keys::Algorithm::Ed25519).unwrap();
        let file = dir.join("id");
        std::fs::write(&file, key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        (file, key)
    }

    #[tokio::test]
    async fn a_key_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = new_key(dir.path());
        let keyring = Keyring::default();
        let first = keyring.identity(&file).await;
        std::fs::remove_file(&file).unwrap();
        let second = keyring.identity(&file).await;
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.public.as_ref().map(PublicKey::key_data), Some(key.public_key().key_data()));
        assert_eq!(first.trouble(), None);
    }

    #[tokio::test]
    async fn missing_foreign_and_public_files_say_what_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let (_, key) = new_key(dir.path());
        let keyring = Keyring::default();
        let trouble = |name: &'static str| {
            let (file, keyring) = (dir.path().join(name), &keyring);
            async move { keyring.identity(&file).await }
        };
        assert!(matches!(trouble("none").await.secret, Secret::Missing));
        std::fs::write(dir.path().join("note"), "to do: buy milk\n").unwrap();
        assert!(trouble("note").await.trouble().is_some_and(|why| why.ends_with("not a private key")));
        std::fs::write(dir.path().join("torn"), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n").unwrap();
        assert!(matches!(trouble("torn").await.secret, Secret::Unusable(_)));
        let line = key.public_key().to_openssh().unwrap();
        std::fs::write(dir.path().join("agent_only.pub"), line).unwrap();
        assert!(trouble("agent_only").await.public.is_some());
        assert!(trouble("agent_only.pub").await.public.is_some());
    }

    #[tokio::test]
    async fn an_encrypted_key_shows_its_public_half() {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = new_key(dir.path());
        let locked = key.encrypt(&mut rand::rng(), "secret").unwrap();
        std::fs::write(&file, locked.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        let identity = Keyring::default().identity(&file).await;
        assert!(matches!(identity.secret, Secret::Encrypted));
        assert_eq!(identity.public.as_ref().map(PublicKey::key_data), Some(key.public_key().key_data()));
    }
}
