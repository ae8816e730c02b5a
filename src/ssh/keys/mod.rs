//! Private key files and certificates, each read and decoded once per run.

mod pem;

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key, load_public_key};
use tokio::sync::OnceCell;

use super::Secret;

/// One identity file as it was found.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) file: PathBuf,
    /// The public half, from the key itself or from the `.pub` beside it.
    pub(super) public: Option<PublicKey>,
    pub(super) private: Private,
    /// From `FILE-cert.pub`.
    pub(super) certificate: Option<Arc<Certificate>>,
}

/// The private half.
#[derive(Debug)]
pub(super) enum Private {
    Ready(Arc<PrivateKey>),
    /// A passphrase is needed.
    Encrypted,
    /// The passphrase that was given does not open it.
    WrongPassphrase,
    /// No such file, or only its public half.
    Missing,
    /// Why it cannot be used.
    Unusable(String),
}

impl Identity {
    /// Why the file cannot be used without the agent, as a clause; `None` if it can.
    pub(super) fn trouble(&self) -> Option<String> {
        let file = self.file.display();
        match &self.private {
            Private::Ready(_) => None,
            Private::Encrypted => Some(format!("{file} is encrypted and no agent holds it")),
            Private::WrongPassphrase => Some(format!("the passphrase given for {file} is wrong")),
            Private::Missing => Some(format!("{file} is not there")),
            Private::Unusable(why) => Some(format!("{file}: {why}")),
        }
    }
}

/// The identity and certificate files of a run.
#[derive(Default)]
pub(super) struct Keyring {
    identities: Once<(PathBuf, Option<Secret>), Identity>,
    certificates: Once<PathBuf, Result<Arc<Certificate>, String>>,
    /// Passphrases that a person gave.
    passphrases: Mutex<HashMap<PathBuf, Secret>>,
}

/// Values that are made on first use, by one of those who want them.
struct Once<K, V>(Mutex<HashMap<K, Arc<OnceCell<Arc<V>>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Once(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Send + Sync + 'static> Once<K, V> {
    /// `make` runs on a thread that may wait for a slow disk or a key derivation.
    async fn get(
        &self,
        key: K,
        make: impl FnOnce() -> V + Send + 'static,
        failed: impl FnOnce(String) -> V,
    ) -> Arc<V> {
        let cell = {
            let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            made.entry(key).or_default().clone()
        };
        let init = || async move {
            let made = tokio::task::spawn_blocking(make).await;
            Arc::new(made.unwrap_or_else(|error| failed(error.to_string())))
        };
        cell.get_or_init(init).await.clone()
    }
}

impl Keyring {
    /// The identity in `file`, read on the first call for it, opened with `given` or what a person gave.
    pub(super) async fn identity(&self, file: &Path, given: Option<&Secret>) -> Arc<Identity> {
        let asked = || self.passphrases.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned();
        let passphrase = given.cloned().or_else(asked);
        let (path, on_panic) = (file.to_owned(), file.to_owned());
        let key = (file.to_owned(), passphrase.clone());
        let failed = |why| Identity {
            file: on_panic,
            public: None,
            private: Private::Unusable(why),
            certificate: None,
        };
        self.identities.get(key, move || read(path, passphrase.as_ref()), failed).await
    }

    /// The certificate in `file`.
    pub(super) async fn certificate(&self, file: &Path) -> Arc<Result<Arc<Certificate>, String>> {
        let path = file.to_owned();
        self.certificates.get(file.to_owned(), move || certificate(&path), Err).await
    }

    /// Whether `passphrase` opens `file`; if so, it is remembered.
    pub(super) async fn unlock(&self, file: &Path, passphrase: &Secret) -> bool {
        let identity = self.identity(file, Some(passphrase)).await;
        let opened = !matches!(identity.private, Private::WrongPassphrase);
        if opened {
            let mut known = self.passphrases.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(file.to_owned(), passphrase.clone());
        }
        opened
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

fn certificate(file: &Path) -> Result<Arc<Certificate>, String> {
    match russh::keys::load_openssh_certificate(file) {
        Ok(certificate) => Ok(Arc::new(certificate)),
        Err(error) => Err(format!("the certificate {} cannot be read ({error})", file.display())),
    }
}

fn read(file: PathBuf, passphrase: Option<&Secret>) -> Identity {
    let (private, own) = match std::fs::read_to_string(&file) {
        Ok(text) => decode(&file, &text, passphrase),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Private::Missing, None),
        Err(error) => (Private::Unusable(error.to_string()), None),
    };
    let public = own.or_else(|| load_public_key(beside(&file, ".pub")).ok());
    let stem = file.to_string_lossy().strip_suffix(".pub").map(PathBuf::from);
    let certificate = certificate(&beside(stem.as_deref().unwrap_or(&file), "-cert.pub")).ok();
    Identity { public, private, certificate, file }
}

fn decode(file: &Path, text: &str, passphrase: Option<&Secret>) -> (Private, Option<PublicKey>) {
    if !text.contains("PRIVATE KEY") && !text.contains("PuTTY") {
        return match load_public_key(file) {
            Ok(public) => (Private::Missing, Some(public)),
            Err(_) => (Private::Unusable("not a private key".to_owned()), None),
        };
    }
    let ready = |key: PrivateKey| {
        let public = key.public_key().clone();
        (Private::Ready(Arc::new(key)), Some(public))
    };
    // Without a passphrase first: some formats fail when they are given one they do not need.
    let error = match decode_secret_key(text, None) {
        Ok(key) if !key.is_encrypted() => return ready(key),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    // OpenSSH's own format keeps the public half readable.
    let public = || PrivateKey::from_openssh(text.trim()).ok().map(|key| key.public_key().clone());
    let unusable = |why: &dyn std::fmt::Display| {
        Private::Unusable(format!("cannot be read ({why}); `ssh-keygen -p -f` may convert it"))
    };
    match (error, passphrase) {
        (Some(error), _) if !is_encrypted(text, &error) => (unusable(&error), None),
        (_, None) => (Private::Encrypted, public()),
        (_, Some(passphrase)) => match open(text, passphrase.reveal()) {
            Ok(key) => ready(key),
            Err(pem::NotOpened::Wrong) => (Private::WrongPassphrase, public()),
            Err(pem::NotOpened::Unknown(why)) => (unusable(&why), public()),
        },
    }
}

fn open(text: &str, passphrase: &str) -> Result<PrivateKey, pem::NotOpened> {
    if pem::is_ours(text) {
        let plain = pem::open(text, passphrase)?;
        // What decrypts to no key was decrypted with the wrong one.
        return decode_secret_key(&plain, None).map_err(|_| pem::NotOpened::Wrong);
    }
    decode_secret_key(text, Some(passphrase)).map_err(|_| pem::NotOpened::Wrong)
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
        let first = keyring.identity(&file, None).await;
        std::fs::remove_file(&file).unwrap();
        let second = keyring.identity(&file, None).await;
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
            async move { keyring.identity(&file, None).await }
        };
        assert!(matches!(trouble("none").await.private, Private::Missing));
        std::fs::write(dir.path().join("note"), "to do: buy milk\n").unwrap();
        assert!(trouble("note").await.trouble().is_some_and(|why| why.ends_with("not a private key")));
        std::fs::write(dir.path().join("torn"), "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n").unwrap();
        assert!(matches!(trouble("torn").await.private, Private::Unusable(_)));
        let line = key.public_key().to_openssh().unwrap();
        std::fs::write(dir.path().join("agent_only.pub"), line).unwrap();
        assert!(trouble("agent_only").await.public.is_some());
        assert!(trouble("agent_only.pub").await.public.is_some());
    }

    #[tokio::test]
    async fn an_encrypted_key_shows_its_public_half() {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = new_key(dir.path());
        let locked = key.encrypt(&mut rand::rng(), "open sesame").unwrap();
        std::fs::write(&file, locked.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        let identity = Keyring::default().identity(&file, None).await;
        assert!(matches!(identity.private, Private::Encrypted));
        assert_eq!(identity.public.as_ref().map(PublicKey::key_data), Some(key.public_key().key_data()));
    }

    #[tokio::test]
    async fn a_passphrase_opens_its_file_and_no_other_does() {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = new_key(dir.path());
        let locked = key.encrypt(&mut rand::rng(), "open sesame").unwrap();
        std::fs::write(&file, locked.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        let keyring = Keyring::default();
        assert!(!keyring.unlock(&file, &Secret::new("open barley")).await);
        assert!(matches!(keyring.identity(&file, None).await.private, Private::Encrypted));
        assert!(keyring.unlock(&file, &Secret::new("open sesame")).await);
        assert!(matches!(keyring.identity(&file, None).await.private, Private::Ready(_)));
        let given = Secret::new("open barley");
        let trouble = keyring.identity(&file, Some(&given)).await.trouble().unwrap();
        assert!(trouble.contains("wrong") && !trouble.contains("barley"), "{trouble}");
    }
}
