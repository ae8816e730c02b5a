//! Host keys beside each other, and what people call them.

use russh::keys::{Algorithm, HashAlg, PublicKey};

use super::known_hosts::Found;

/// The known key to set against the one shown: of the same kind if there is one.
pub(super) fn closest<'a>(known: &'a [Found], key: &PublicKey) -> Option<&'a Found> {
    known.iter().find(|found| found.key.algorithm() == key.algorithm()).or(known.first())
}

pub(super) fn same(a: &PublicKey, b: &PublicKey) -> bool {
    a.key_data() == b.key_data()
}

/// OpenSSH's `SHA256:…`.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// The kind of a key as ssh-keygen's file names and `-t` have it: `ed25519`, `ecdsa`, `rsa`.
pub(super) fn kind(key: &PublicKey) -> String {
    match key.algorithm() {
        Algorithm::Ed25519 => "ed25519".to_owned(),
        Algorithm::Ecdsa { .. } => "ecdsa".to_owned(),
        Algorithm::Rsa { .. } => "rsa".to_owned(),
        other => other.to_string(),
    }
}
