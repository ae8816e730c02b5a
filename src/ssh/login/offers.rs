//! Which keys are offered, in which order.
//!
//! A server cuts a caller off after a handful of refusals, so the likeliest come first: keys someone
//! named; agent keys that have worked elsewhere in this run; agent keys that match a default file; the
//! rest of the agent's; the default files. A certificate comes before the bare key it is for.

use std::sync::Arc;

use russh::keys::agent::AgentIdentity;
use russh::keys::{Certificate, PrivateKey, PublicKey};

use super::super::host_key::fingerprint;
use super::super::keys::{Identity, Keyring, Private};
use super::super::{ConnectError, Reason, Route, Stage};

/// Something to offer.
pub(super) struct Offer {
    /// The key's or the certificate's own encoding.
    pub(super) id: Vec<u8>,
    /// As the reader knows it.
    pub(super) label: String,
    pub(super) proof: Proof,
}

/// What the proof is made with.
pub(super) enum Proof {
    Key(Arc<PrivateKey>),
    KeyCertificate(Arc<PrivateKey>, Arc<Certificate>),
    Agent(AgentIdentity),
    /// A certificate whose key the agent holds, as itself or within a certificate.
    AgentCertificate(Arc<Certificate>, AgentIdentity),
}

/// A list of offers in the making.
#[derive(Default)]
pub(super) struct Offers {
    pub(super) list: Vec<Offer>,
    /// Why keys that might have helped are not offered.
    pub(super) notes: Vec<String>,
}

impl Offers {
    /// The identity files that someone named.
    ///
    /// # Errors
    /// A passphrase was given and is wrong.
    pub(super) async fn named(
        route: &Route,
        keyring: &Keyring,
        held: &[AgentIdentity],
    ) -> Result<Offers, ConnectError> {
        let mut offers = Offers::default();
        let certificates = offers.certificates(route, keyring).await;
        for file in &route.identity_files {
            let identity = keyring.identity(file, route.passphrase.as_ref()).await;
            offers.identity(&identity, &certificates, held, true)?;
        }
        Ok(offers)
    }

    /// Everything else.
    ///
    /// # Errors
    /// As [`Offers::named`].
    pub(super) async fn others(
        route: &Route,
        keyring: &Keyring,
        held: &[AgentIdentity],
        worked: &[Vec<u8>],
    ) -> Result<Offers, ConnectError> {
        let mut offers = Offers::default();
        let certificates = offers.certificates(route, keyring).await;
        let mut defaults = Vec::new();
        if route.identity_files.is_empty() {
            for file in &route.default_identities {
                defaults.push(keyring.identity(file, route.passphrase.as_ref()).await);
            }
        }
        if !route.identities_only {
            let is_default = |held: &AgentIdentity| {
                let key = held.public_key();
                defaults
                    .iter()
                    .filter_map(|identity| identity.public.as_ref())
                    .any(|public| same(public, &key))
            };
            let (first, rest): (Vec<_>, Vec<_>) = held.iter().partition(|held| is_default(held));
            for held in first.into_iter().chain(rest) {
                offers.held(held, &certificates);
            }
        }
        for identity in &defaults {
            offers.identity(identity, &certificates, held, false)?;
        }
        offers.list.sort_by_key(|offer| !worked.contains(&offer.id));
        Ok(offers)
    }

    async fn certificates(&mut self, route: &Route, keyring: &Keyring) -> Vec<Arc<Certificate>> {
        let mut certificates = Vec::new();
        for file in &route.certificate_files {
            match &*keyring.certificate(file).await {
                Ok(certificate) => certificates.push(certificate.clone()),
                Err(why) => self.notes.push(why.clone()),
            }
        }
        certificates
    }

    /// A key of the agent's, after the certificates for it.
    fn held(&mut self, held: &AgentIdentity, certificates: &[Arc<Certificate>]) {
        let public = held.public_key();
        for certificate in certificates.iter().filter(|certificate| certifies(certificate, &public)) {
            let label = format!("certificate {:?} for a key of the agent", certificate.key_id());
            let proof = Proof::AgentCertificate(certificate.clone(), held.clone());
            self.push(certificate.to_bytes().ok(), label, proof);
        }
        let (id, label) = match held {
            AgentIdentity::PublicKey { key, .. } => {
                (key.to_bytes().ok(), format!("{} from the agent", fingerprint(key)))
            }
            AgentIdentity::Certificate { certificate, .. } => (
                certificate.to_bytes().ok(),
                format!("certificate {:?} from the agent", certificate.key_id()),
            ),
        };
        self.push(id, label, Proof::Agent(held.clone()));
    }

    /// The key of an identity file, from the file if that can be, else from the agent.
    fn identity(
        &mut self,
        identity: &Identity,
        certificates: &[Arc<Certificate>],
        held: &[AgentIdentity],
        named: bool,
    ) -> Result<(), ConnectError> {
        let of_agent = identity.public.as_ref().and_then(|public| {
            let matching = || held.iter().filter(|held| same(&held.public_key(), public));
            matching()
                .find(|held| matches!(held, AgentIdentity::PublicKey { .. }))
                .or_else(|| matching().next())
        });
        if matches!(identity.private, Private::WrongPassphrase) && of_agent.is_none() {
            let why = identity.trouble().unwrap_or_default();
            return Err(ConnectError::new(Stage::Login, Reason::NoUsableKey, why)
                .hint("ansible_ssh_private_key_passphrase gives it"));
        }
        let file = identity.file.display();
        if let Some(public) = &identity.public {
            let own = identity.certificate.iter().chain(certificates);
            for certificate in own.filter(|certificate| certifies(certificate, public)) {
                let label = format!("certificate {:?} for {file}", certificate.key_id());
                let proof = match (&identity.private, of_agent) {
                    (Private::Ready(key), _) => Proof::KeyCertificate(key.clone(), certificate.clone()),
                    (_, Some(held)) => Proof::AgentCertificate(certificate.clone(), held.clone()),
                    _ => continue,
                };
                self.push(certificate.to_bytes().ok(), label, proof);
            }
        }
        match (&identity.private, of_agent) {
            (Private::Ready(key), _) => {
                self.push(key.public_key().to_bytes().ok(), file.to_string(), Proof::Key(key.clone()));
            }
            (_, Some(held)) => self.held(held, &[]),
            // That a default file is not there is no news.
            (private, None) => {
                if let Some(trouble) = identity.trouble()
                    && (named || !matches!(private, Private::Missing))
                {
                    self.notes.push(trouble);
                }
            }
        }
        Ok(())
    }

    /// A key that cannot even be written down cannot be offered.
    fn push(&mut self, id: Option<Vec<u8>>, label: String, proof: Proof) {
        let Some(id) = id else { return };
        if self.list.iter().all(|offer| offer.id != id) {
            self.list.push(Offer { id, label, proof });
        }
    }
}

fn same(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

fn certifies(certificate: &Certificate, public: &PublicKey) -> bool {
    certificate.public_key() == public.key_data() && certificate.cert_type().is_user()
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::ssh_key::LineEnding;
    use russh::keys::{Algorithm, ssh_key::certificate};

    fn key() -> PrivateKey {
        PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).unwrap()
    }

    fn held(key: &PrivateKey) -> AgentIdentity {
        AgentIdentity::PublicKey { key: key.public_key().clone(), comment: String::new() }
    }

    fn ids(offers: &Offers) -> Vec<Vec<u8>> {
        offers.list.iter().map(|offer| offer.id.clone()).collect()
    }

    fn id(key: &PrivateKey) -> Vec<u8> {
        key.public_key().to_bytes().unwrap()
    }

    #[tokio::test]
    async fn keys_of_the_agent_that_worked_or_match_a_file_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let [default, file, worked, other] = [(); 4].map(|()| key());
        let mut route = Route::new("h", "u");
        route.default_identities = vec![dir.path().join("id_ed25519"), dir.path().join("id_rsa")];
        let public = default.public_key().to_openssh().unwrap();
        std::fs::write(dir.path().join("id_ed25519.pub"), public).unwrap();
        std::fs::write(dir.path().join("id_rsa"), file.to_openssh(LineEnding::LF).unwrap().as_bytes())
            .unwrap();
        let held = [held(&other), held(&worked), held(&default)];
        let keyring = Keyring::default();
        let offers = Offers::others(&route, &keyring, &held, &[id(&worked)]).await.unwrap();
        assert_eq!(ids(&offers), [id(&worked), id(&default), id(&other), id(&file)]);
        route.identities_only = true;
        let offers = Offers::others(&route, &keyring, &held, &[]).await.unwrap();
        assert_eq!(ids(&offers), [id(&default), id(&file)]);
    }

    #[tokio::test]
    async fn a_certificate_comes_before_its_key_and_stays_away_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let (ca, mine, other) = (key(), key(), key());
        let certify = |key: &PrivateKey, kind| {
            let mut builder = certificate::Builder::new_with_random_nonce(
                &mut rand::rng(),
                key.public_key().clone(),
                0,
                u64::from(u32::MAX),
            )
            .unwrap();
            builder.cert_type(kind).unwrap().key_id("mine").unwrap().valid_principal("u").unwrap();
            builder.sign(&ca).unwrap()
        };
        let beside = certify(&mine, certificate::CertType::User);
        let file = dir.path().join("id");
        std::fs::write(&file, mine.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
        std::fs::write(dir.path().join("id-cert.pub"), beside.to_openssh().unwrap()).unwrap();
        let stranger = dir.path().join("stranger");
        std::fs::write(&stranger, certify(&other, certificate::CertType::User).to_openssh().unwrap())
            .unwrap();
        let host = dir.path().join("host");
        std::fs::write(&host, certify(&mine, certificate::CertType::Host).to_openssh().unwrap()).unwrap();
        let mut route = Route::new("h", "u");
        route.identity_files = vec![file];
        route.certificate_files = vec![stranger, host, dir.path().join("missing")];
        let offers = Offers::named(&route, &Keyring::default(), &[]).await.unwrap();
        assert_eq!(ids(&offers), [beside.to_bytes().unwrap(), id(&mine)]);
        assert_eq!(offers.notes.len(), 1, "{:?}", offers.notes);
    }
}
