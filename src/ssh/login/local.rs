//! Signing with a key of our own on behalf of a certificate.

use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_key::encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey, ssh_key};

/// russh signs for RSA certificates with SHA-1 alone, which servers refuse; so we sign ourselves.
pub(super) struct LocalSigner<'a>(pub(super) &'a PrivateKey);

/// Why there is no signature.
#[derive(Debug)]
pub(super) enum NotSigned {
    Key(ssh_key::Error),
    SessionGone,
}

impl From<russh::SendError> for NotSigned {
    fn from(_: russh::SendError) -> Self {
        NotSigned::SessionGone
    }
}

impl LocalSigner<'_> {
    fn sign(&self, hash: Option<HashAlg>, data: &[u8]) -> Result<Vec<u8>, ssh_key::Error> {
        let signature = match self.0.key_data() {
            KeypairData::Rsa(pair) => (pair, hash).try_sign(data)?,
            _ => self.0.try_sign(data)?,
        };
        let mut signed = data.to_vec();
        signature.encode_prefixed(&mut signed)?;
        Ok(signed)
    }
}

impl russh::Signer for LocalSigner<'_> {
    type Error = NotSigned;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash_alg: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, NotSigned> {
        self.sign(hash_alg, &to_sign).map_err(NotSigned::Key)
    }
}
