//! Whether a server's host key is to be believed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use russh::keys::ssh_key::Certificate;
use russh::keys::{Algorithm, PublicKey};
use tokio::sync::OnceCell;

use super::accept::{Written, write_down};
use super::host_certificate;
use super::host_key::{closest, fingerprint, kind, same};
use super::known_hosts::{Found, KnownHosts, Marker};
use super::{ConnectError, HostKeyPolicy, Reason, Route, Stage};

type Reading = Result<Arc<KnownHosts>, String>;

/// The known_hosts files of a run, each read once, and what was learnt meanwhile.
#[derive(Default)]
pub(super) struct Trust {
    files: Mutex<HashMap<PathBuf, Arc<OnceCell<Reading>>>>,
    learnt: Arc<Mutex<Learnt>>,
}

/// Keys accepted during this run, and how long each file was when we last wrote to it.
#[derive(Default)]
struct Learnt {
    keys: HashMap<(Option<PathBuf>, String), Vec<PublicKey>>,
    lengths: HashMap<PathBuf, u64>,
}

/// What is known about one host, ready to judge the key it shows.
#[derive(Clone)]
pub(super) struct Judge {
    files: Vec<Arc<KnownHosts>>,
    learnt: Arc<Mutex<Learnt>>,
    /// Lines that speak of the host; hashed ones are among them only if there was no other.
    found: Vec<Found>,
    name: String,
    host: String,
    port: u16,
    policy: HostKeyPolicy,
    accept_into: Option<PathBuf>,
    /// Whether names are written down hashed.
    hash_names: bool,
    /// A command that would let a person accept an unknown key.
    accept_command: String,
}

impl Trust {
    /// Gathers what is known about the host at the end of `route`.
    ///
    /// # Errors
    /// A known_hosts file exists and cannot be read.
    pub(super) async fn judge(&self, route: &Route) -> Result<Judge, ConnectError> {
        let mut files = Vec::with_capacity(route.known_hosts.len());
        for file in &route.known_hosts {
            files.push(self.read(file).await?);
        }
        // As in ssh: an alias stands for the host whatever the port.
        let alias = route.host_key_alias.as_deref();
        let host = alias.unwrap_or(&route.host).to_lowercase();
        let port = if alias.is_some() { 22 } else { route.port };
        let name = if port == 22 { host.clone() } else { format!("[{host}]:{port}") };
        let mut judge = Judge {
            files,
            learnt: self.learnt.clone(),
            found: Vec::new(),
            name,
            host,
            port,
            policy: route.host_keys,
            accept_into: route.accept_new_into.clone(),
            hash_names: route.hash_known_hosts,
            accept_command: accept_command(route),
        };
        judge.found = judge.find(&judge.name, false);
        if !judge.found.iter().any(|found| found.marker == Marker::HostKey) {
            judge.found = judge.find(&judge.name, true);
        }
        Ok(judge)
    }

    async fn read(&self, file: &Path) -> Result<Arc<KnownHosts>, ConnectError> {
        let cell = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.entry(file.to_owned()).or_default().clone()
        };
        let path = file.to_owned();
        let reading = cell
            .get_or_init(|| async move {
                match tokio::task::spawn_blocking(move || KnownHosts::read(&path)).await {
                    Ok(Ok(known)) => Ok(Arc::new(known)),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(error) => Err(error.to_string()),
                }
            })
            .await;
        reading.clone().map_err(|why| {
            ConnectError::new(
                Stage::HostKey,
                Reason::KnownHostsFile { file: file.to_owned() },
                format!("cannot read {}: {why}", file.display()),
            )
        })
    }
}

impl Judge {
    /// The host's name as known_hosts files have it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The kinds of key known for the host, to ask the server for one of these.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let mut found: Vec<&Found> = self.found.iter().filter(|at| at.marker == Marker::HostKey).collect();
        let portless;
        if found.is_empty() && self.port != 22 {
            portless = self.find(&self.host, true);
            found = portless.iter().filter(|at| at.marker == Marker::HostKey).collect();
        }
        found.iter().map(|at| at.key.algorithm()).collect()
    }

    /// Judges the key the server proved to have; under accept-new this may write to a file.
    ///
    /// # Errors
    /// The key is revoked, changed, unknown, or could not be written down.
    pub(super) async fn judge(&self, key: &PublicKey) -> Result<(), ConnectError> {
        let fingerprint = fingerprint(key);
        if self.policy == HostKeyPolicy::Scan {
            let key = PublicKey::from(key.key_data().clone()).to_openssh().unwrap_or_default();
            let reason = Reason::HostKeyShown { key };
            return Err(ConnectError::new(Stage::HostKey, reason, "the host key was all that was asked for"));
        }
        if let Some(found) = self.revoked(key) {
            return Err(ConnectError::new(
                Stage::HostKey,
                Reason::HostKeyRevoked { fingerprint, file: found.file.clone(), line: found.line },
                format!("the host key is revoked: {}:{}", found.file.display(), found.line),
            )
            .hint("do not log in to this host until it has a new key"));
        }
        if self.policy == HostKeyPolicy::Off {
            return Ok(());
        }
        let mut known: Vec<Found> = self.host_keys(&self.found);
        if !known.iter().any(|found| same(&found.key, key)) {
            known = self.host_keys(&self.find(&self.name, true));
        }
        if known.iter().any(|found| same(&found.key, key)) {
            return Ok(());
        }
        if let Some(other) = closest(&known, key) {
            return Err(self.changed(other, key));
        }
        // As ssh does: a key known for the host whatever the port is good for any port, but a different
        // one there says nothing about this port.
        let any_port = self.host_keys(&self.find(&self.host, true));
        if self.port != 22 && any_port.iter().any(|found| same(&found.key, key)) {
            return Ok(());
        }
        match self.policy {
            HostKeyPolicy::AcceptNew => self.accept(key.clone()).await,
            _ => Err(self.unknown(key)),
        }
    }

    /// Whether some authority may speak for the host, so that its certificate is worth asking for.
    pub(super) fn takes_certificates(&self) -> bool {
        self.policy != HostKeyPolicy::Scan && self.lines().iter().any(Found::is_authority)
    }

    /// Judges a certificate that the server proved to have. As in ssh, one of an unknown authority is
    /// worth as much as the key in it.
    ///
    /// # Errors
    /// As [`Judge::judge`], and a certificate of a known authority that is not for this host or time.
    pub(super) async fn judge_certificate(
        &self,
        certificate: &Certificate,
        now: SystemTime,
    ) -> Result<(), ConnectError> {
        let key = host_certificate::key(certificate);
        let signer = PublicKey::from(certificate.signature_key().clone());
        if let Some(found) = self.revoked(&signer) {
            let place = format!("{}:{}", found.file.display(), found.line);
            return Err(ConnectError::new(
                Stage::HostKey,
                Reason::HostKeyRevoked {
                    fingerprint: fingerprint(&signer),
                    file: found.file,
                    line: found.line,
                },
                format!("the authority that signed the host's certificate is revoked: {place}"),
            )
            .hint("do not log in to this host until it has a new certificate"));
        }
        let lines = self.lines();
        let Some(authority) = host_certificate::authority(certificate, &lines) else {
            return self.judge(&key).await;
        };
        let complaint = host_certificate::complaint(certificate, &self.host, now);
        if self.revoked(&key).is_some() || self.policy == HostKeyPolicy::Off {
            return self.judge(&key).await;
        }
        let Some(complaint) = complaint else { return Ok(()) };
        // The key itself may be known; a new one is not to be believed for a bad certificate.
        let known = self.host_keys(&self.find(&self.name, true));
        if known.iter().any(|found| same(&found.key, &key)) {
            return Ok(());
        }
        Err(ConnectError::new(
            Stage::HostKey,
            Reason::HostKeyUnknown { algorithm: kind(&key), fingerprint: fingerprint(&key) },
            format!("the host certificate of {} is not good: {complaint}", self.name),
        )
        .hint(format!(
            "its authority is the one in {}:{}; a new certificate is due",
            authority.file.display(),
            authority.line
        )))
    }

    /// All lines for the host, with its port and without.
    fn lines(&self) -> Vec<Found> {
        let mut lines = self.found.clone();
        if self.host != self.name {
            lines.extend(self.find(&self.host, false));
        }
        lines
    }

    fn revoked(&self, key: &PublicKey) -> Option<Found> {
        self.lines().into_iter().find(|found| found.marker == Marker::Revoked && same(&found.key, key))
    }

    fn find(&self, name: &str, hashed: bool) -> Vec<Found> {
        self.files.iter().flat_map(|file| file.find(name, hashed)).collect()
    }

    fn host_keys(&self, found: &[Found]) -> Vec<Found> {
        found.iter().filter(|found| found.marker == Marker::HostKey).cloned().collect()
    }

    fn unknown(&self, key: &PublicKey) -> ConnectError {
        let fingerprint = fingerprint(key);
        let algorithm = kind(key);
        ConnectError::new(
            Stage::HostKey,
            Reason::HostKeyUnknown { algorithm: algorithm.clone(), fingerprint: fingerprint.clone() },
            format!("the host key of {} is unknown: {algorithm} {fingerprint}", self.name),
        )
        .hint(format!(
            "compare the fingerprint with the host's own (there: ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub), then: {}",
            algorithm.split('-').next().unwrap_or("*"),
            self.accept_command
        ))
    }

    fn changed(&self, known: &Found, key: &PublicKey) -> ConnectError {
        let (presented, old) = (fingerprint(key), fingerprint(&known.key));
        let file = known.file.display();
        ConnectError::new(
            Stage::HostKey,
            Reason::HostKeyChanged {
                presented: presented.clone(),
                known: old.clone(),
                file: known.file.clone(),
                line: known.line,
            },
            format!(
                "the host key of {} has changed: it shows {} {presented}, {file}:{} has {} {old}",
                self.name,
                kind(key),
                known.line,
                kind(&known.key)
            ),
        )
        .hint(format!(
            "someone may be in between; only if the host was reinstalled: ssh-keygen -R {} -f {}",
            quote(&self.name),
            quote(&file.to_string())
        ))
    }

    async fn accept(&self, key: PublicKey) -> Result<(), ConnectError> {
        let judge = self.clone();
        let written = tokio::task::spawn_blocking(move || judge.accept_blocking(&key)).await;
        written.unwrap_or_else(|error| Err(self.unwritable(&error.to_string())))
    }

    fn accept_blocking(&self, key: &PublicKey) -> Result<(), ConnectError> {
        // Held while writing: one writer at a time in this process, the file's lock keeps out others.
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = (self.accept_into.clone(), self.name.clone());
        if let Some(keys) = learnt.keys.get(&slot) {
            if keys.iter().any(|known| same(known, key)) {
                return Ok(());
            }
            if let Some(known) = keys.first() {
                let file = self.accept_into.clone().unwrap_or_else(|| PathBuf::from("(this run)"));
                let found = Found { marker: Marker::HostKey, key: known.clone(), file, line: 0 };
                return Err(self.changed(&found, key));
            }
        }
        if let Some(file) = &self.accept_into {
            let known_length = learnt.lengths.get(file).copied();
            match write_down(file, known_length, &self.name, key, self.hash_names) {
                Ok(Written::Appended { length }) => {
                    learnt.lengths.insert(file.clone(), length);
                }
                Ok(Written::WasThere) => {}
                Ok(Written::OtherKey(found)) => return Err(self.changed(&found, key)),
                Err(error) => return Err(self.unwritable(&error.to_string())),
            }
        }
        learnt.keys.entry(slot).or_default().push(key.clone());
        Ok(())
    }

    fn unwritable(&self, why: &str) -> ConnectError {
        let file = self.accept_into.clone().unwrap_or_default();
        let message = format!("cannot write the new host key of {} to {}: {why}", self.name, file.display());
        ConnectError::new(Stage::HostKey, Reason::KnownHostsFile { file }, message)
    }
}

fn accept_command(route: &Route) -> String {
    let host = quote(&route.host);
    match (&route.jump, route.known_hosts.first()) {
        (None, Some(file)) => {
            format!("ssh-keyscan -p {} {host} >> {}", route.port, quote(&file.display().to_string()))
        }
        (None, None) => format!("ssh -p {} {host}", route.port),
        (Some(jump), _) => format!(
            "ssh -J {} -p {} {}",
            quote(&format!("{}@{}:{}", jump.user, jump.host, jump.port)),
            route.port,
            quote(&format!("{}@{}", route.user, route.host))
        ),
    }
}

/// `word` as a shell would have to read it; a word no shell can hold is left alone.
fn quote(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const B: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN+Wjn4+4Fcvl2JlKpggT+wCRxpSvtqqpVrQrKN1/A22";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn route(file: &Path, port: u16, policy: HostKeyPolicy) -> Route {
        Route {
            port,
            known_hosts: vec![file.to_owned()],
            accept_new_into: Some(file.to_owned()),
            host_keys: policy,
            ..Route::new("Node1", "ops")
        }
    }

    async fn verdict(text: &str, port: u16, policy: HostKeyPolicy, shown: &str) -> Result<(), Reason> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, text).unwrap();
        let judge = Trust::default()
            .judge(&route(&file, port, policy))
            .await
            .map_err(|error| error.reason.clone())?;
        judge.judge(&key(shown)).await.map_err(|error| error.reason.clone())
    }

    #[tokio::test]
    async fn any_of_several_keys_is_good_and_a_revoked_one_never() {
        use HostKeyPolicy::{AcceptNew, Off, Strict};
        let two = format!("node1 {A}\nnode1 {B}\n");
        assert_eq!(verdict(&two, 22, Strict, B).await, Ok(()));
        let revoked = format!("node1 {B}\n@revoked * {B}\n");
        for policy in [Strict, AcceptNew, Off] {
            let reason = verdict(&revoked, 22, policy, B).await;
            assert!(matches!(reason, Err(Reason::HostKeyRevoked { line: 2, .. })), "{reason:?}");
        }
    }

    #[tokio::test]
    async fn a_changed_key_names_the_line_and_accept_new_refuses_it_too() {
        for policy in [HostKeyPolicy::Strict, HostKeyPolicy::AcceptNew] {
            let reason = verdict(&format!("# one\n\nnode1 {A}\n"), 22, policy, B).await;
            assert!(matches!(reason, Err(Reason::HostKeyChanged { line: 3, .. })), "{reason:?}");
        }
        assert_eq!(verdict(&format!("node1 {A}\n"), 22, HostKeyPolicy::Off, B).await, Ok(()));
    }

    #[tokio::test]
    async fn an_alias_is_looked_up_and_written_down_hashed_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, format!("[node1]:2222 {A}\nbehind {B}\n")).unwrap();
        let aliased = |policy, alias: &str| Route {
            host_key_alias: Some(alias.to_owned()),
            hash_known_hosts: true,
            ..route(&file, 2222, policy)
        };
        let judge = Trust::default().judge(&aliased(HostKeyPolicy::Strict, "Behind")).await.unwrap();
        assert!(judge.judge(&key(B)).await.is_ok());
        let reason = judge.judge(&key(A)).await.unwrap_err().reason.clone();
        assert!(matches!(reason, Reason::HostKeyChanged { line: 2, .. }), "{reason:?}");
        let judge = Trust::default().judge(&aliased(HostKeyPolicy::AcceptNew, "fresh")).await.unwrap();
        judge.judge(&key(A)).await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("|1|") && !last.contains("fresh"), "{last}");
        let known = KnownHosts::parse(&file, text);
        assert_eq!(known.find("fresh", true).len(), 1);
    }

    #[tokio::test]
    async fn a_line_without_port_serves_any_port_but_proves_no_change() {
        let strict = HostKeyPolicy::Strict;
        let portless = format!("node1 {A}\n");
        assert_eq!(verdict(&portless, 2222, strict, A).await, Ok(()));
        let reason = verdict(&portless, 2222, strict, B).await;
        assert!(matches!(reason, Err(Reason::HostKeyUnknown { .. })), "{reason:?}");
        let reason = verdict(&format!("[node1]:2222 {A}\n"), 22, strict, A).await;
        assert!(matches!(reason, Err(Reason::HostKeyUnknown { .. })), "{reason:?}");
        let revoked = format!("@revoked node1 {A}\n");
        let reason = verdict(&revoked, 2222, HostKeyPolicy::AcceptNew, A).await;
        assert!(matches!(reason, Err(Reason::HostKeyRevoked { .. })), "{reason:?}");
    }

    #[tokio::test]
    async fn a_certificate_authority_is_no_host_key() {
        let reason = verdict(&format!("@cert-authority * {A}\n"), 22, HostKeyPolicy::Strict, A).await;
        assert!(matches!(reason, Err(Reason::HostKeyUnknown { .. })), "{reason:?}");
    }

    #[tokio::test]
    async fn accept_new_appends_whole_lines_once_and_pins_them() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ssh/known_hosts");
        let route = route(&file, 2222, HostKeyPolicy::AcceptNew);
        let trust = Trust::default();
        for _ in 0..2 {
            let judge = trust.judge(&route).await.unwrap();
            judge.judge(&key(A)).await.unwrap();
        }
        let other = trust.judge(&route).await.unwrap().judge(&key(B)).await.unwrap_err();
        assert!(matches!(other.reason, Reason::HostKeyChanged { .. }));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("[node1]:2222 {A}\n"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // Another run, that read the file before somebody else wrote to it, and left no line end.
        std::fs::write(&file, format!("other {B}")).unwrap();
        let next = Trust::default();
        next.judge(&route).await.unwrap().judge(&key(A)).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("other {B}\n[node1]:2222 {A}\n"));
    }

    #[tokio::test]
    async fn a_key_another_process_wrote_meanwhile_counts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        let judge = Trust::default().judge(&route(&file, 22, HostKeyPolicy::AcceptNew)).await.unwrap();
        std::fs::write(&file, format!("node1 {A}\n")).unwrap();
        let error = judge.judge(&key(B)).await.unwrap_err();
        assert!(matches!(error.reason, Reason::HostKeyChanged { line: 1, .. }), "{error}");
        judge.judge(&key(A)).await.unwrap();
    }

    #[tokio::test]
    async fn an_unreadable_file_is_an_error_and_a_missing_one_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        // A directory cannot be read as a file, whoever asks.
        let judged = Trust::default().judge(&route(dir.path(), 22, HostKeyPolicy::Strict)).await;
        assert!(matches!(judged.err().map(|e| e.reason.clone()), Some(Reason::KnownHostsFile { .. })));
        let missing = route(&dir.path().join("none"), 22, HostKeyPolicy::Strict);
        let error = Trust::default().judge(&missing).await.unwrap().judge(&key(A)).await.unwrap_err();
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("ssh-keyscan -p 22 Node1 >> ")));
    }
}
