//! The ssh-agent: asked once which keys it holds, and for one signature at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::agent::client::AgentClient;
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::keys::ssh_key::encoding::Decode;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Certificate, HashAlg, PublicKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::OnceCell;

use super::Progress;

/// Listing keys asks nobody anything, so an agent that takes longer than this is hung.
const LISTING: Duration = Duration::from_secs(3);

/// The longest list of keys that is read, bytes; OpenSSH's agent keeps to the same.
const LONGEST_LIST: u32 = 256 * 1024;

/// `SSH_AGENTC_REQUEST_IDENTITIES` and `SSH_AGENT_IDENTITIES_ANSWER`.
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;

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
                let listing = list(&self.socket);
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
        session: Option<&AgentSessionBinding>,
    ) -> Result<Vec<u8>, russh::keys::Error> {
        let mut guard = self.client.lock().await;
        let mut client = match guard.take() {
            Some(client) => client,
            None => AgentClient::connect_uds(&self.socket).await?,
        };
        match (client.sign_request(key, hash, data.clone()).await, session) {
            // A key that is bound to destinations signs only for a session the agent was shown.
            (Err(russh::keys::Error::AgentFailure), Some(session)) => {
                let mut bound = AgentClient::connect_uds(&self.socket).await?;
                bound.bind_session(session, false).await?;
                bound.sign_request(key, hash, data).await
            }
            (signed, _) => {
                let signature = signed?;
                *guard = Some(client);
                Ok(signature)
            }
        }
    }
}

/// Asks for the keys. A key of a kind we do not know is left out; russh would give up the whole list.
async fn list(socket: &Path) -> std::io::Result<Vec<AgentIdentity>> {
    let invalid = || std::io::Error::new(std::io::ErrorKind::InvalidData, "its answer makes no sense");
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).await?;
    let length = stream.read_u32().await?;
    if length > LONGEST_LIST {
        return Err(invalid());
    }
    let mut answer = vec![0; usize::try_from(length).unwrap_or_default()];
    stream.read_exact(&mut answer).await?;
    identities(&answer).ok_or_else(invalid)
}

/// The keys in an agent's answer; `None` if it is no answer.
fn identities(answer: &[u8]) -> Option<Vec<AgentIdentity>> {
    let (&IDENTITIES_ANSWER, mut rest) = answer.split_first()? else { return None };
    let count = u32::from_be_bytes(take(&mut rest, 4)?.try_into().ok()?);
    let mut identities = Vec::new();
    for _ in 0..count {
        let blob = string(&mut rest)?;
        let comment = String::from_utf8_lossy(string(&mut rest)?).into_owned();
        let kind = string(&mut { blob }).unwrap_or_default();
        if kind.ends_with(b"-cert-v01@openssh.com") {
            // A certificate signed by a certificate could nest without end.
            let nested = memchr::memmem::find_iter(blob, b"-cert-v01@").count() > 1;
            if let (false, Ok(certificate)) = (nested, Certificate::decode(&mut { blob })) {
                identities.push(AgentIdentity::Certificate { certificate, comment });
            }
        } else if let Ok(key) = KeyData::decode(&mut { blob }) {
            identities.push(AgentIdentity::PublicKey { key: PublicKey::from(key), comment });
        }
    }
    Some(identities)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, usize::try_from(length).ok()?)
}

/// Lets one login use the agent.
pub(super) struct AgentSigner<'a> {
    pub(super) agent: &'a Agent,
    /// What the agent signs with, where it holds the key of a certificate but not the certificate.
    pub(super) held_as: Option<&'a AgentIdentity>,
    pub(super) session: Option<&'a AgentSessionBinding>,
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
        let key = self.held_as.unwrap_or(key);
        let signed = self.agent.sign(key, hash_alg, to_sign, self.session).await;
        self.progress.wait_for_agent(false);
        signed.map_err(SignError::Agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    }

    #[test]
    fn a_key_of_an_unknown_kind_hides_no_other() {
        let key = russh::keys::PrivateKey::random(&mut rand::rng(), russh::keys::Algorithm::Ed25519).unwrap();
        let mut answer = vec![IDENTITIES_ANSWER];
        answer.extend_from_slice(&3u32.to_be_bytes());
        let mut strange = Vec::new();
        blob(&mut strange, b"ssh-mldsa65@openssh.com");
        blob(&mut answer, &strange);
        blob(&mut answer, b"of the future");
        // As ssh-keygen -t ed25519-sk writes it: the kind, the key, the application.
        let mut sk = Vec::new();
        blob(&mut sk, b"sk-ssh-ed25519@openssh.com");
        blob(&mut sk, &[7; 32]);
        blob(&mut sk, b"ssh:");
        blob(&mut answer, &sk);
        blob(&mut answer, b"a token");
        blob(&mut answer, &key.public_key().to_bytes().unwrap());
        blob(&mut answer, b"\xffmine");
        let found = identities(&answer).unwrap();
        let kinds: Vec<String> = found.iter().map(|held| held.public_key().algorithm().to_string()).collect();
        assert_eq!(kinds, ["sk-ssh-ed25519@openssh.com", "ssh-ed25519"]);
        assert!(identities(&answer[..answer.len() - 1]).is_none());
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(mut answer in proptest::collection::vec(any::<u8>(), 0..300)) {
            identities(&answer);
            if let Some(first) = answer.first_mut() {
                *first = IDENTITIES_ANSWER;
            }
            identities(&answer);
        }
    }
}
