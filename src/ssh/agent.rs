//! The ssh-agent: asked once which keys it holds, and for one signature at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

use super::Progress;

/// Listing keys asks nobody anything, so an agent that takes longer than this is hung.
const LISTING: Duration = Duration::from_secs(3);

/// The agents of a run, by socket.
#[derive(Default)]
pub(super) struct Agents(Mutex<HashMap<PathBuf, Arc<Agent>>>);

/// One agent.
pub(super) struct Agent {
    socket: PathBuf,
    identities: OnceCell<Result<Vec<AgentIdentity>, String>>,
    /// An agent signs one thing at a time; asking it so keeps a fleet from queueing inside it. The
    /// client is taken out while in use: one given up half way through an answer must not be used again.
    client: tokio::sync::Mutex<Option<AgentClient<UnixStream>>>,
}

impl Agents {
    pub(super) fn at(&self, socket: &Path) -> Arc<Agent> {
        let mut agents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Agent {
                socket: socket.to_owned(),
                identities: OnceCell::new(),
                client: tokio::sync::Mutex::new(None),
            })
        };
        agents.entry(socket.to_owned()).or_insert_with(new).clone()
    }
}

impl Agent {
    /// The keys the agent holds, or a clause saying why it cannot be asked.
    pub(super) async fn identities(&self) -> &Result<Vec<AgentIdentity>, String> {
        self.identities
            .get_or_init(|| async {
                let socket = self.socket.display();
                let listing = async {
                    let mut guard = self.client.lock().await;
                    let mut client = AgentClient::connect_uds(&self.socket).await?;
                    let identities = client.request_identities().await?;
                    *guard = Some(client);
                    Ok::<_, russh::keys::Error>(identities)
                };
                match tokio::time::timeout(LISTING, listing).await {
                    Ok(Ok(identities)) => Ok(identities),
                    Ok(Err(error)) => Err(format!("the ssh-agent at {socket} failed ({error})")),
                    Err(_) => Err(format!("the ssh-agent at {socket} does not answer")),
                }
            })
            .await
    }

    async fn sign(
        &self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        data: Vec<u8>,
    ) -> Result<Vec<u8>, russh::keys::Error> {
        let mut guard = self.client.lock().await;
        let mut client = match guard.take() {
            Some(client) => client,
            None => AgentClient::connect_uds(&self.socket).await?,
        };
        let signature = client.sign_request(key, hash, data).await?;
        *guard = Some(client);
        Ok(signature)
    }
}

/// Lets one login use the agent.
pub(super) struct AgentSigner<'a> {
    pub(super) agent: &'a Agent,
    pub(super) progress: &'a Progress,
}

/// Why the agent gave no signature.
#[derive(Debug)]
pub(super) enum SignError {
    Agent(russh::keys::Error),
    SessionGone,
}

impl From<russh::SendError> for SignError {
    fn from(_: russh::SendError) -> Self {
        SignError::SessionGone
    }
}

impl russh::Signer for AgentSigner<'_> {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash_alg: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        self.progress.wait_for_agent(true);
        let signed = self.agent.sign(key, hash_alg, to_sign).await;
        self.progress.wait_for_agent(false);
        signed.map_err(SignError::Agent)
    }
}
