//! Proving who we are: which keys are offered, in which order, and what a refusal means.
//!
//! Keys someone named come first; then the agent's, unless `identities_only`; then the default files,
//! if nobody named any. A named key that cannot be used from its file is looked for in the agent.

use std::sync::Arc;

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};

use super::agent::{Agent, AgentSigner, Agents, SignError};
use super::keys::{Identity, Keyring, Secret};
use super::session::{Ends, NO_METHOD_LEFT, Watcher};
use super::trust::fingerprint;
use super::{ConnectError, Progress, Reason, Route, Stage};

/// All that logins share.
#[derive(Default)]
pub(super) struct Credentials {
    keyring: Keyring,
    agents: Agents,
}

/// One login in the making.
struct Login<'a> {
    handle: &'a mut Handle<Watcher>,
    ends: &'a Ends,
    route: &'a Route,
    progress: &'a Progress,
    agent: Option<Arc<Agent>>,
    /// Keys offered so far, as the reader knows them.
    tried: Vec<String>,
    offered_keys: Vec<PublicKey>,
    /// Methods the server last said it takes.
    methods: Vec<String>,
    /// Why keys that might have helped were not offered.
    notes: Vec<String>,
}

/// What became of one offer.
enum Answer {
    Accepted,
    Refused,
}

impl Credentials {
    /// Logs in on a session whose host key is believed.
    ///
    /// # Errors
    /// The server refuses, there is nothing to offer, the agent fails, or the connection is lost.
    pub(super) async fn log_in(
        &self,
        handle: &mut Handle<Watcher>,
        ends: &Ends,
        route: &Route,
        progress: &Progress,
    ) -> Result<(), ConnectError> {
        progress.reach(Stage::Login);
        let agent = route.agent.as_deref().map(|socket| self.agents.at(socket));
        let mut login = Login {
            handle,
            ends,
            route,
            progress,
            agent,
            tried: Vec::new(),
            offered_keys: Vec::new(),
            methods: Vec::new(),
            notes: Vec::new(),
        };
        login.run(&self.keyring).await
    }
}

impl Login<'_> {
    async fn run(&mut self, keyring: &Keyring) -> Result<(), ConnectError> {
        for file in &self.route.identity_files {
            if let Answer::Accepted = self.offer_identity(&*keyring.identity(file).await, true).await? {
                return Ok(());
            }
        }
        if !self.route.identities_only {
            for identity in self.agent_identities().await {
                if let Answer::Accepted = self.offer_from_agent(&identity).await? {
                    return Ok(());
                }
            }
        }
        if self.route.identity_files.is_empty() {
            for file in &self.route.default_identities {
                if let Answer::Accepted = self.offer_identity(&*keyring.identity(file).await, false).await? {
                    return Ok(());
                }
            }
        }
        if self.tried.is_empty() { self.without_keys().await } else { Err(self.refused()) }
    }

    /// Offers the key of an identity file, from the file if that can be, else from the agent.
    async fn offer_identity(&mut self, identity: &Identity, named: bool) -> Result<Answer, ConnectError> {
        if let Secret::Ready(key) = &identity.secret {
            if self.was_offered(key.public_key()) {
                return Ok(Answer::Refused);
            }
            return self.offer_key(key.clone(), identity.file.display().to_string()).await;
        }
        if let Some(public) = &identity.public {
            let held = self
                .agent_identities()
                .await
                .into_iter()
                .find(|held| held.public_key().key_data() == public.key_data());
            match held {
                Some(held) => return self.offer_from_agent(&held).await,
                None if self.was_offered(public) => return Ok(Answer::Refused),
                None => {}
            }
        }
        // That a default file is not there is no news.
        if let Some(trouble) = identity.trouble()
            && (named || !matches!(identity.secret, Secret::Missing))
        {
            self.note(trouble);
        }
        Ok(Answer::Refused)
    }

    /// What the agent holds; nothing, with a note, if it cannot be asked.
    async fn agent_identities(&mut self) -> Vec<AgentIdentity> {
        let Some(agent) = self.agent.clone() else { return Vec::new() };
        self.progress.wait_for_agent(true);
        let identities = agent.identities().await.clone();
        self.progress.wait_for_agent(false);
        identities.unwrap_or_else(|why| {
            self.note(why);
            Vec::new()
        })
    }

    async fn offer_key(&mut self, key: Arc<PrivateKey>, label: String) -> Result<Answer, ConnectError> {
        self.begin_offer(key.public_key().clone(), label);
        let hash = self.rsa_hash(&key.algorithm()).await;
        let key = PrivateKeyWithHashAlg::new(key, hash);
        match self.handle.authenticate_publickey(&self.route.user, key).await {
            Ok(result) => self.weigh(result).await,
            Err(_) => Err(self.lost().await),
        }
    }

    async fn offer_from_agent(&mut self, identity: &AgentIdentity) -> Result<Answer, ConnectError> {
        let Some(agent) = self.agent.clone() else { return Ok(Answer::Refused) };
        let public = identity.public_key().into_owned();
        if self.was_offered(&public) {
            return Ok(Answer::Refused);
        }
        self.begin_offer(public.clone(), format!("{} from the agent", fingerprint(&public)));
        let hash = self.rsa_hash(&public.algorithm()).await;
        let mut signer = AgentSigner { agent: &agent, progress: self.progress };
        let user = &self.route.user;
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                self.handle.authenticate_publickey_with(user, key.clone(), hash, &mut signer).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle.authenticate_certificate_with(user, certificate.clone(), hash, &mut signer).await
            }
        };
        match result {
            Ok(result) => self.weigh(result).await,
            Err(SignError::SessionGone) => Err(self.lost().await),
            Err(SignError::Agent(error)) => {
                self.note(format!("the ssh-agent would not sign with {} ({error})", fingerprint(&public)));
                Ok(Answer::Refused)
            }
        }
    }

    /// Some servers want no proof at all, and one that does says which.
    async fn without_keys(&mut self) -> Result<(), ConnectError> {
        match self.handle.authenticate_none(&self.route.user).await {
            Ok(AuthResult::Success) => return Ok(()),
            Ok(AuthResult::Failure { remaining_methods, .. }) => self.methods = names(&remaining_methods),
            Err(_) => return Err(self.lost().await),
        }
        let why = match self.notes.is_empty() {
            true => "none was named, the agent holds none and the default files are not there".to_owned(),
            false => self.notes.join("; "),
        };
        Err(ConnectError::new(
            Stage::Login,
            Reason::NoUsableKey,
            format!("there is no key to log in with as {}: {why}", self.route.user),
        )
        .hint("load the key with ssh-add, or name an unencrypted one"))
    }

    fn begin_offer(&mut self, public: PublicKey, label: String) {
        self.progress.tell(super::Detail::Protocol, || format!("offers the key {label}"));
        self.offered_keys.push(public);
        self.tried.push(label);
    }

    fn was_offered(&self, public: &PublicKey) -> bool {
        self.offered_keys.iter().any(|key| key.key_data() == public.key_data())
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// SHA-2 unless the server says that it knows none. Asked only for RSA: it may take a second.
    async fn rsa_hash(&self, algorithm: &Algorithm) -> Option<HashAlg> {
        match algorithm {
            Algorithm::Rsa { .. } => match self.handle.best_supported_rsa_hash().await {
                Ok(Some(told)) => told,
                _ => Some(HashAlg::Sha512),
            },
            _ => None,
        }
    }

    async fn weigh(&mut self, result: AuthResult) -> Result<Answer, ConnectError> {
        let AuthResult::Failure { remaining_methods, partial_success } = result else {
            return Ok(Answer::Accepted);
        };
        // An empty list is also what a server that hung up leaves behind.
        if remaining_methods.is_empty() {
            return Err(self.lost().await);
        }
        self.methods = names(&remaining_methods);
        if partial_success {
            let offered = self.methods.clone();
            let message = format!(
                "the server accepted a key for {} and wants {} too",
                self.route.user,
                offered.join(" or ")
            );
            return Err(ConnectError::new(Stage::Login, Reason::MoreProofWanted { offered }, message));
        }
        if !remaining_methods.contains(&MethodKind::PublicKey) {
            return Err(self.refused());
        }
        Ok(Answer::Refused)
    }

    fn refused(&self) -> ConnectError {
        let takes = if self.methods.is_empty() {
            String::new()
        } else {
            format!("; it takes {}", self.methods.join(", "))
        };
        let message = format!("the server refused {} with {}{takes}", self.route.user, self.tried.join(", "));
        let reason = Reason::AuthRefused { tried: self.tried.clone(), offered: self.methods.clone() };
        let error = ConnectError::new(Stage::Login, reason, message);
        match self.notes.is_empty() {
            true => error.hint(format!(
                "is the public key in {}'s authorized_keys, and is {} the right user?",
                self.route.user, self.route.user
            )),
            false => error.hint(self.notes.join("; ")),
        }
    }

    /// The server hung up in the middle; what it said last is the best there is.
    async fn lost(&mut self) -> ConnectError {
        // The session's task records the server's words just before it ends.
        let ended = tokio::time::timeout(std::time::Duration::from_millis(500), &mut *self.handle);
        let _ = ended.await;
        let loss = self.ends.loss();
        let refusal = loss.remote.is_some() || loss.message == NO_METHOD_LEFT;
        let reason = match refusal {
            true => Reason::AuthRefused { tried: self.tried.clone(), offered: self.methods.clone() },
            false => Reason::LostInLogin,
        };
        let many = refusal && self.tried.len() > 3;
        let error = ConnectError::new(
            Stage::Login,
            reason,
            format!(
                "the login of {} failed after {} key{}: {}",
                self.route.user,
                self.tried.len(),
                if self.tried.len() == 1 { "" } else { "s" },
                loss.message
            ),
        )
        .remote(loss.remote);
        if many { error.hint("name the right key, or set IdentitiesOnly=yes") } else { error }
    }
}

fn names(methods: &MethodSet) -> Vec<String> {
    methods.iter().map(String::from).collect()
}
