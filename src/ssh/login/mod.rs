//! Proving who we are: what is offered, in which order, and what a refusal means.
//!
//! Keys come first, then the password, then the server's own questions; a server that wants several
//! proofs gets them one after another. One that hangs up after too many keys is called again with the
//! keys that are left, as long as the time for the login lasts.

mod local;
mod offers;
mod questions;
mod refusal;
mod unlock;

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
use super::session::{Ends, Watcher};
use super::{Ask, ConnectError, Detail, Nobody, Progress, Route, Secret, Stage};

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
}
