//! Proving who we are: what is offered, in which order, and what a refusal means.
//!
//! Keys come first, then the password, then the server's own questions; a server that wants several
//! proofs gets them one after another. One that hangs up after too many keys is called again with the
//! keys that are left, as long as the time for the login lasts.

mod local;
mod offers;
mod questions;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};

use self::local::{LocalSigner, NotSigned};
use self::offers::{Offer, Offers, Proof};
use super::agent::{Agent, AgentSigner, Agents, SignError};
use super::dialer::Role;
use super::keys::{Keyring, Private};
use super::session::{Ends, NO_METHOD_LEFT, Watcher};
use super::{Ask, ConnectError, Detail, NoAnswer, Nobody, Progress, Question, Reason, Route, Secret, Stage};

/// Connections that one login may take: with six tries each, a full agent's worth of keys.
const CONNECTIONS: u32 = 10;

/// How often a person may try a passphrase or a password, as with ssh.
const TRIES: usize = 3;

/// All that logins share.
pub(super) struct Credentials {
    keyring: Keyring,
    agents: Agents,
    ask: Arc<dyn Ask>,
    /// Keys that were accepted somewhere in this run.
    worked: Mutex<Vec<Vec<u8>>>,
}

/// What one login remembers from connection to connection.
#[derive(Default)]
pub(super) struct Memory {
    connections: u32,
    /// Offers the server refused, by id.
    refused: Vec<Vec<u8>>,
    /// All that was offered, as the reader knows it.
    tried: Vec<String>,
    /// A password that a person gave and no server has refused yet.
    password: Option<Secret>,
    /// How often it was sent and the server hung up instead of an answer.
    password_sends: u32,
}

/// How a login on one connection ended, if not in an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    LoggedIn,
    /// The server hung up, but there is more to offer on another connection.
    Again,
}

/// One login on one connection.
struct Login<'a> {
    handle: &'a mut Handle<Watcher>,
    ends: &'a Ends,
    route: &'a Route,
    role: Role,
    progress: &'a Progress,
    credentials: &'a Credentials,
    memory: &'a mut Memory,
    agent: Option<Arc<Agent>>,
    offers: VecDeque<Offer>,
    /// Whether keys that nobody named are still to be looked up.
    more: bool,
    /// Methods the server last said it takes; `None`: it was not asked yet.
    methods: Option<Vec<MethodKind>>,
    /// What a proof that was accepted before was.
    proven: Vec<String>,
    /// The password that was given went to the server in this login.
    password_sent: bool,
    /// Passwords a person gave on this connection.
    password_tries: usize,
    /// Conversations of questions and answers on this connection, and whether a person took part.
    conversations: usize,
    person_answered: bool,
    rsa_hash: Option<Option<HashAlg>>,
    /// Why what might have helped was not offered.
    notes: Vec<String>,
}

/// What became of one proof.
enum Answer {
    Accepted,
    /// The server wants another proof as well.
    Partly,
    Refused,
    HungUp,
}

impl Default for Credentials {
    fn default() -> Self {
        Credentials::asking(Arc::new(Nobody))
    }
}

impl Credentials {
    pub(super) fn asking(ask: Arc<dyn Ask>) -> Self {
        Credentials { keyring: Keyring::default(), agents: Agents::default(), ask, worked: Mutex::default() }
    }

    /// Asks for the passphrases of the identity files that `routes` name, each once; at most three times
    /// while they are wrong. What nobody answers stays locked, and the login says so.
    pub(super) async fn unlock<'a>(&self, routes: impl Iterator<Item = &'a Route>) {
        let mut seen = Vec::new();
        for route in routes {
            let mut next = Some(route);
            while let Some(route) = next {
                next = route.jump.as_deref();
                if route.batch || route.passphrase.is_some() {
                    continue;
                }
                for file in self.to_unlock(route).await {
                    if !seen.contains(&file) {
                        if let Err(NoAnswer::NoTerminal | NoAnswer::Batch) = self.unlock_file(&file).await {
                            return;
                        }
                        seen.push(file);
                    }
                }
            }
        }
    }

    /// Encrypted files of `route` that no agent stands in for. A default file is worth a question only
    /// where nothing else is there to log in with.
    async fn to_unlock(&self, route: &Route) -> Vec<std::path::PathBuf> {
        let (files, named) = match route.identity_files.is_empty() {
            true => (&route.default_identities, false),
            false => (&route.identity_files, true),
        };
        let mut locked = Vec::new();
        for file in files {
            let identity = self.keyring.identity(file, None).await;
            match identity.private {
                Private::Encrypted => locked.push(identity),
                Private::Ready(_) if !named => return Vec::new(),
                _ => {}
            }
        }
        if locked.is_empty() {
            return Vec::new();
        }
        let held = match route.agent.as_deref() {
            Some(socket) => self.agents.at(socket).identities().await.clone().unwrap_or_default(),
            None => Vec::new(),
        };
        if !named && (!held.is_empty() || route.password.is_some()) {
            return Vec::new();
        }
        let is_held = |identity: &super::keys::Identity| {
            identity.public.as_ref().is_some_and(|public| {
                held.iter().any(|held| held.public_key().key_data() == public.key_data())
            })
        };
        locked.iter().filter(|identity| !is_held(identity)).map(|identity| identity.file.clone()).collect()
    }

    async fn unlock_file(&self, file: &std::path::Path) -> Result<(), NoAnswer> {
        let from = file.display().to_string();
        for tried in 0..TRIES {
            let text = if tried == 0 { "passphrase:" } else { "that was wrong; passphrase:" };
            let question = Question { from: from.clone(), text: text.to_owned(), hidden: true };
            let passphrase = self.ask.ask(question).await?;
            if passphrase.reveal().is_empty() || self.keyring.unlock(file, &passphrase).await {
                break;
            }
        }
        Ok(())
    }

    /// Logs in on a session whose host key is believed.
    ///
    /// # Errors
    /// The server refuses, there is nothing to offer, nobody answers, or the connection is lost.
    pub(super) async fn log_in(
        &self,
        handle: &mut Handle<Watcher>,
        ends: &Ends,
        (route, role): (&Route, Role),
        progress: &Progress,
        memory: &mut Memory,
    ) -> Result<End, ConnectError> {
        progress.reach(Stage::Login);
        memory.connections += 1;
        let mut login = Login {
            handle,
            ends,
            route,
            role,
            progress,
            credentials: self,
            memory,
            agent: route.agent.as_deref().map(|socket| self.agents.at(socket)),
            offers: VecDeque::new(),
            more: true,
            methods: None,
            proven: Vec::new(),
            password_sent: false,
            password_tries: 0,
            conversations: 0,
            person_answered: false,
            rsa_hash: None,
            notes: Vec::new(),
        };
        login.run().await
    }
}

impl Login<'_> {
    async fn run(&mut self) -> Result<End, ConnectError> {
        // A ready key that someone named needs no word from the agent.
        let mut held = Vec::new();
        for file in &self.route.identity_files {
            let identity = self.credentials.keyring.identity(file, self.route.passphrase.as_ref()).await;
            if !matches!(identity.private, Private::Ready(_)) {
                held = self.agent_identities().await;
                break;
            }
        }
        let named = Offers::named(self.route, &self.credentials.keyring, &held).await?;
        self.take_in(named);
        loop {
            let answer = match self.next_key().await? {
                Some(offer) => self.offer(offer).await?,
                None => match self.questions().await? {
                    Some(answer) => answer,
                    None => return Err(self.refused()),
                },
            };
            match answer {
                Answer::Accepted => return Ok(End::LoggedIn),
                Answer::Partly | Answer::Refused => {}
                Answer::HungUp => return self.hung_up().await,
            }
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    fn take_in(&mut self, offers: Offers) {
        for note in offers.notes {
            self.note(note);
        }
        for offer in offers.list {
            let known = self.offers.iter().any(|other| other.id == offer.id);
            if !known && !self.memory.refused.contains(&offer.id) {
                self.offers.push_back(offer);
            }
        }
    }

    /// The next key to offer, if the server takes keys.
    async fn next_key(&mut self) -> Result<Option<Offer>, ConnectError> {
        if !self.takes(MethodKind::PublicKey) {
            return Ok(None);
        }
        if self.offers.is_empty() && self.more {
            self.more = false;
            let held = self.agent_identities().await;
            let worked = self.credentials.worked.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let others = Offers::others(self.route, &self.credentials.keyring, &held, &worked).await?;
            self.take_in(others);
        }
        Ok(self.offers.pop_front())
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

    async fn offer(&mut self, offer: Offer) -> Result<Answer, ConnectError> {
        self.progress.tell(Detail::Protocol, || format!("offers the key {}", offer.label));
        self.tried(offer.label.clone());
        let result = match &offer.proof {
            Proof::Key(key) => {
                let hash = self.rsa_hash(&key.algorithm()).await;
                let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
                self.handle.authenticate_publickey(&self.route.user, key).await.ok()
            }
            Proof::KeyCertificate(key, certificate) => {
                let hash = self.rsa_hash(&key.algorithm()).await;
                let (certificate, mut signer) = ((**certificate).clone(), LocalSigner(key));
                let user = &self.route.user;
                match self.handle.authenticate_certificate_with(user, certificate, hash, &mut signer).await {
                    Ok(result) => Some(result),
                    Err(NotSigned::SessionGone) => None,
                    Err(NotSigned::Key(error)) => {
                        self.note(format!("the {} cannot be signed for ({error})", offer.label));
                        return Ok(Answer::Refused);
                    }
                }
            }
            Proof::Agent(held) => match self.offer_held(held, None).await {
                Ok(result) => result,
                Err(why) => {
                    self.note(format!("the ssh-agent would not sign with {} ({why})", offer.label));
                    return Ok(Answer::Refused);
                }
            },
            Proof::AgentCertificate(certificate, held) => {
                let shown = AgentIdentity::Certificate {
                    certificate: (**certificate).clone(),
                    comment: String::new(),
                };
                match self.offer_held(&shown, Some(held)).await {
                    Ok(result) => result,
                    Err(why) => {
                        self.note(format!("the ssh-agent would not sign for the {} ({why})", offer.label));
                        return Ok(Answer::Refused);
                    }
                }
            }
        };
        let Some(result) = result else {
            self.memory.refused.push(offer.id);
            return Ok(Answer::HungUp);
        };
        let answer = self.weigh(result, &offer.label);
        match answer {
            Answer::Accepted | Answer::Partly => {
                let mut worked = self.credentials.worked.lock().unwrap_or_else(PoisonError::into_inner);
                if !worked.contains(&offer.id) {
                    worked.push(offer.id);
                }
            }
            Answer::Refused | Answer::HungUp => self.memory.refused.push(offer.id),
        }
        Ok(answer)
    }

    /// Offers what the agent signs for; `None` if the session is gone, an error if the agent refuses.
    async fn offer_held(
        &mut self,
        shown: &AgentIdentity,
        held_as: Option<&AgentIdentity>,
    ) -> Result<Option<AuthResult>, russh::keys::Error> {
        let Some(agent) = self.agent.clone() else { return Ok(None) };
        let hash = self.rsa_hash(&shown.public_key().algorithm()).await;
        let session = self.handle.agent_session_binding().cloned();
        let mut signer =
            AgentSigner { agent: &agent, held_as, session: session.as_ref(), progress: self.progress };
        let user = &self.route.user;
        let result = match shown {
            AgentIdentity::PublicKey { key, .. } => {
                self.handle.authenticate_publickey_with(user, key.clone(), hash, &mut signer).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle.authenticate_certificate_with(user, certificate.clone(), hash, &mut signer).await
            }
        };
        match result {
            Ok(result) => Ok(Some(result)),
            Err(SignError::SessionGone) => Ok(None),
            Err(SignError::Agent(error)) => Err(error),
        }
    }

    fn tried(&mut self, label: String) {
        if !self.memory.tried.contains(&label) {
            self.memory.tried.push(label);
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// SHA-2 unless the server says that it knows none. Asked only for RSA: it may take a second.
    async fn rsa_hash(&mut self, algorithm: &Algorithm) -> Option<HashAlg> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return None;
        }
        if self.rsa_hash.is_none() {
            self.rsa_hash = Some(match self.handle.best_supported_rsa_hash().await {
                Ok(Some(told)) => told,
                // A server of the OpenSSH 6 age tells nothing and knows SHA-1 alone.
                _ if self.route.algorithms.legacy => None,
                _ => Some(HashAlg::Sha512),
            });
        }
        self.rsa_hash.flatten()
    }

    fn weigh(&mut self, result: AuthResult, proof: &str) -> Answer {
        match result {
            AuthResult::Success => Answer::Accepted,
            AuthResult::Failure { remaining_methods, partial_success } => {
                self.weigh_failure(&remaining_methods, partial_success, proof)
            }
        }
    }

    fn weigh_failure(&mut self, remaining: &MethodSet, partial: bool, proof: &str) -> Answer {
        // An empty list is also what a server that hung up leaves behind.
        if remaining.is_empty() {
            return Answer::HungUp;
        }
        self.methods = Some(remaining.iter().copied().collect());
        if partial {
            self.proven.push(proof.to_owned());
            return Answer::Partly;
        }
        Answer::Refused
    }

    fn method_names(&self) -> Vec<String> {
        self.methods.iter().flatten().map(String::from).collect()
    }

    /// Whether only what we do not speak is left.
    fn wants_kerberos(&self) -> bool {
        let foreign = [MethodKind::GssapiWithMic, MethodKind::HostBased];
        self.methods.as_ref().is_some_and(|methods| {
            methods.contains(&MethodKind::GssapiWithMic)
                && methods.iter().all(|method| foreign.contains(method))
        })
    }

    /// Nothing is left to offer.
    fn refused(&self) -> ConnectError {
        let (user, offered) = (&self.route.user, self.method_names());
        let (tried, notes) = (&self.memory.tried, self.notes.join("; "));
        let takes = match offered.is_empty() {
            true => String::new(),
            false => format!("; it takes {}", offered.join(", ")),
        };
        if self.wants_kerberos() {
            let reason = Reason::AuthRefused { tried: tried.clone(), offered };
            let message = format!(
                "the server takes only Kerberos (gssapi-with-mic) from {user}, which roundsman does not speak"
            );
            return ConnectError::new(Stage::Login, reason, message).hint(
                "use a key or certificate there, or let ssh log in: a ProxyCommand such as `ssh -W %h:%p BASTION` \
                 takes care of a bastion that wants Kerberos",
            );
        }
        if !self.proven.is_empty() {
            let message = format!(
                "the server accepted {} of {user} and wants {} too",
                self.proven.join(" and "),
                offered.join(" or ")
            );
            let error = ConnectError::new(Stage::Login, Reason::MoreProofWanted { offered }, message);
            return error.hint(match notes.is_empty() {
                true => "-k or ansible_password gives the password; questions need a terminal".to_owned(),
                false => notes,
            });
        }
        if tried.is_empty() {
            let keys = match notes.is_empty() {
                true => "none was named, the agent holds none and the default files are not there".to_owned(),
                false => notes,
            };
            let takes_keys = self.takes(MethodKind::PublicKey);
            let message = match takes_keys {
                true => format!("there is no key to log in with as {user}: {keys}{takes}"),
                false => format!("there is no password to log in with as {user}{takes}"),
            };
            return ConnectError::new(Stage::Login, Reason::NoUsableKey, message).hint(match takes_keys {
                true => "load the key with ssh-add, name an unencrypted one, or give a password with -k",
                false => "-k asks for it, ansible_password names it",
            });
        }
        let message = format!("the server refused {user} with {}{takes}", tried.join(", "));
        let error =
            ConnectError::new(Stage::Login, Reason::AuthRefused { tried: tried.clone(), offered }, message);
        match (notes.is_empty(), self.password_sent) {
            (false, _) => error.hint(notes),
            (true, true) => error.hint(format!("is the password right, and is {user} the right user?")),
            (true, false) => error.hint(format!(
                "is the public key in {user}'s authorized_keys, and is {user} the right user?"
            )),
        }
    }

    /// The server hung up: on to another connection, if there is anything left to try there.
    async fn hung_up(&mut self) -> Result<End, ConnectError> {
        // The session's task records the server's words just before it ends.
        let ended = tokio::time::timeout(std::time::Duration::from_millis(500), &mut *self.handle);
        let _ = ended.await;
        let loss = self.ends.loss();
        let refusal = loss.remote.is_some() || loss.message == NO_METHOD_LEFT;
        if self.memory.connections < CONNECTIONS {
            // One that hung up twice on the same password has answered.
            let typed = self.memory.password.is_some() && self.memory.password_sends < 2;
            let given = self.route.password.is_some() && !self.password_sent && refusal;
            let askable = refusal && self.password_tries == 0 && self.asks_for_passwords();
            self.methods = None;
            if typed || given || askable || (refusal && self.next_key().await?.is_some()) {
                return Ok(End::Again);
            }
        }
        let reason = match refusal {
            true => Reason::AuthRefused { tried: self.memory.tried.clone(), offered: self.method_names() },
            false => Reason::LostInLogin,
        };
        let tried = self.memory.tried.len();
        let mut message = format!("the login of {} failed", self.route.user);
        match tried {
            0 => {}
            1..=3 => message.push_str(&format!(" after {}", self.memory.tried.join(", "))),
            _ => message.push_str(&format!(" after {tried} keys")),
        }
        let mut hints = self.notes.clone();
        if refusal && tried > 3 {
            hints.push("name the right key, or set IdentitiesOnly=yes".to_owned());
        }
        let error = ConnectError::new(Stage::Login, reason, format!("{message}: {}", loss.message));
        let error = error.remote(loss.remote);
        Err(if hints.is_empty() { error } else { error.hint(hints.join("; ")) })
    }
}
