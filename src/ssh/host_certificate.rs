//! Whether a host's certificate is to be believed, as ssh decides: its authority stands in known_hosts
//! behind `@cert-authority`, it is for this host and this time, and asks for nothing unknown.

use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::Certificate;
use russh::keys::{HashAlg, PublicKey};

use super::known_hosts::{Found, glob_matches};

/// What speaks against a certificate of a known authority; `None` if nothing does.
pub(super) fn complaint(certificate: &Certificate, host: &str, now: SystemTime) -> Option<String> {
    if !certificate.cert_type().is_host() {
        return Some("it is a user's, not a host's".to_owned());
    }
    let names = certificate.valid_principals();
    // Without names it is for every host, as in ssh.
    let named = |name: &String| glob_matches(name.to_lowercase().as_bytes(), host.as_bytes());
    if !names.is_empty() && !names.iter().any(named) {
        return Some(format!("it is for {}, not for {host}", names.join(", ")));
    }
    if let Some(option) = certificate.critical_options().keys().next() {
        return Some(format!("it has the critical option `{option}`, which is not known here"));
    }
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let date = |seconds: u64| {
        let at = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
        at.map_or_else(|| "another age".to_owned(), |at| at.strftime("%FT%TZ").to_string())
    };
    if seconds < certificate.valid_after() {
        return Some(format!("it is not valid before {}", date(certificate.valid_after())));
    }
    if seconds >= certificate.valid_before() {
        return Some(format!("it expired at {}", date(certificate.valid_before())));
    }
    let authority = certificate.signature_key().fingerprint(HashAlg::Sha256);
    certificate.validate_at(seconds, [&authority]).is_err().then(|| "its signature is wrong".to_owned())
}

/// The line of the authority that signed it, if it is among these.
pub(super) fn authority<'a>(certificate: &Certificate, among: &'a [Found]) -> Option<&'a Found> {
    among.iter().find(|found| found.is_authority() && found.key.key_data() == certificate.signature_key())
}

/// The key that it certifies.
pub(super) fn key(certificate: &Certificate) -> PublicKey {
    PublicKey::from(certificate.public_key().clone())
}
