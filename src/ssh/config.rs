//! What we ask of a session: algorithms, windows, keepalives.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, client, kex};

/// A silent peer is asked for a sign of life this often.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// That many unanswered questions end the session.
const KEEPALIVES_UNANSWERED: usize = 3;
/// Reaps handshakes that hang; a live session is kept by the answers to its keepalives.
const INACTIVITY: Duration = Duration::from_secs(45);
/// Output in flight on one channel, bytes. Credit comes back as data arrives, so this bounds no memory
/// by itself: `CHANNEL_MESSAGES` does.
const WINDOW: u32 = 512 * 1024;
/// Messages (of at most 32 KiB) that wait for a slow reader before TCP is made to wait.
const CHANNEL_MESSAGES: usize = 32;

/// Elliptic curves first: without them a server without curve25519 would get a Diffie-Hellman group
/// that costs 50 to 400 times the CPU.
const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_GEX_SHA256,
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

/// AES-GCM costs half of ChaCha20 where the processor has AES.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Host key algorithms, most wanted first; SHA-1 is for servers that know nothing else.
const HOST_KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    Algorithm::Rsa { hash: None },
];

/// The session settings, made once for each order of host key algorithms.
#[derive(Default)]
pub(super) struct Configs(Mutex<Vec<(Vec<Algorithm>, Arc<client::Config>)>>);

impl Configs {
    /// Settings that ask for a key of one of the `known` kinds first, so that a server with several
    /// keys shows the one we can judge. An RSA key is known as `Algorithm::Rsa { hash: None }`.
    pub(super) fn preferring(&self, known: &[Algorithm]) -> Result<Arc<client::Config>, russh::Error> {
        let order = host_key_order(known);
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(made_for, _)| *made_for == order) {
            return Ok(config.clone());
        }
        let config = Arc::new(build(order.clone())?);
        made.push((order, config.clone()));
        Ok(config)
    }
}

fn host_key_order(known: &[Algorithm]) -> Vec<Algorithm> {
    let is_known = |algorithm: &&Algorithm| match algorithm {
        Algorithm::Rsa { .. } => known.iter().any(|kind| matches!(kind, Algorithm::Rsa { .. })),
        other => known.contains(other),
    };
    let (first, rest): (Vec<_>, Vec<_>) = HOST_KEYS.iter().partition(is_known);
    first.into_iter().chain(rest).cloned().collect()
}

fn build(host_keys: Vec<Algorithm>) -> Result<client::Config, russh::Error> {
    Ok(client::Config {
        client_id: russh::SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-roundsman_",
            env!("CARGO_PKG_VERSION")
        ))),
        window_size: WINDOW,
        channel_buffer_size: CHANNEL_MESSAGES,
        preferred: Preferred {
            kex: Cow::Borrowed(KEX),
            key: Cow::Owned(host_keys),
            cipher: Cow::Borrowed(CIPHERS),
            ..Preferred::DEFAULT
        },
        inactivity_timeout: Some(INACTIVITY),
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVES_UNANSWERED,
        gex: client::GexParams::new(2048, 3072, 8192)?,
        nodelay: true,
        ..client::Config::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_kinds_come_first_and_none_is_lost() {
        let order = host_key_order(&[Algorithm::Rsa { hash: None }]);
        assert_eq!(order[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(order[3], Algorithm::Ed25519);
        assert_eq!(order.len(), HOST_KEYS.len());
    }

    #[test]
    fn hosts_with_the_same_known_kinds_share_their_settings() {
        let configs = Configs::default();
        let one = configs.preferring(&[Algorithm::Ed25519]).unwrap();
        let same = configs.preferring(&[]).unwrap();
        assert!(Arc::ptr_eq(&one, &same), "ed25519 is first anyway");
        assert!(build(HOST_KEYS.to_vec()).is_ok());
    }
}
