//! What we ask of a session: algorithms, windows, keepalives.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::Algorithm;
use russh::{Preferred, client, kex};

use super::algorithms::{self, Kind};
use super::{Algorithms, ConnectError, Reason, Route, Stage};

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

/// The session settings, made once for each kind of route.
#[derive(Default)]
pub(super) struct Configs(Mutex<Vec<(Wish, Arc<client::Config>)>>);

/// What makes the settings of two routes differ.
#[derive(Clone, PartialEq)]
struct Wish {
    algorithms: Algorithms,
    host_keys: Vec<Algorithm>,
    keepalive: Option<(Duration, u32)>,
    certificates: bool,
}

impl Configs {
    /// Settings for `route` that ask for a key of one of the `known` kinds first, so that a server with
    /// several keys shows the one we can judge; of a host whose authority is known, its certificate before
    /// any key (`certificates`). An RSA key is known as `Algorithm::Rsa { hash: None }`.
    ///
    /// # Errors
    /// The route lists algorithms of some kind, and none of them is known here.
    pub(super) fn of(
        &self,
        route: &Route,
        known: &[Algorithm],
        certificates: bool,
    ) -> Result<Arc<client::Config>, ConnectError> {
        let wish = Wish {
            algorithms: route.algorithms.clone(),
            host_keys: host_key_order(&route.algorithms, known),
            keepalive: route.keepalive,
            certificates,
        };
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(made_for, _)| *made_for == wish) {
            return Ok(config.clone());
        }
        let config = Arc::new(build(&wish)?);
        made.push((wish, config.clone()));
        Ok(config)
    }
}

/// The names to offer: those the route lists, else ours, with the old ones where they are asked for.
fn names(kind: Kind, listed: &[String], legacy: bool) -> Vec<String> {
    let own = || kind.ours().iter().map(|name| (*name).to_owned());
    let mut names: Vec<String> = if listed.is_empty() { own().collect() } else { listed.to_vec() };
    if legacy {
        for old in kind.old() {
            if !names.iter().any(|name| name == old) {
                names.push((*old).to_owned());
            }
        }
    }
    names
}

/// A list that somebody wrote stands as it is; ours is sorted by what known_hosts can judge.
fn host_key_order(wanted: &Algorithms, known: &[Algorithm]) -> Vec<Algorithm> {
    let all = algorithms::host_keys(&names(Kind::HostKey, &wanted.host_keys, wanted.legacy));
    if !wanted.host_keys.is_empty() {
        return all;
    }
    let is_known = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => known.iter().any(|kind| matches!(kind, Algorithm::Rsa { .. })),
        other => known.contains(other),
    };
    let (first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_known);
    first.into_iter().chain(rest).collect()
}

fn build(wish: &Wish) -> Result<client::Config, ConnectError> {
    let wanted = &wish.algorithms;
    let mut kex = algorithms::kex(&names(Kind::Kex, &wanted.kex, wanted.legacy));
    let ciphers = algorithms::ciphers(&names(Kind::Cipher, &wanted.ciphers, wanted.legacy));
    let macs = algorithms::macs(&names(Kind::Mac, &wanted.macs, wanted.legacy));
    for (kind, is_empty, listed) in [
        (Kind::Kex, kex.is_empty(), &wanted.kex),
        (Kind::Cipher, ciphers.is_empty(), &wanted.ciphers),
        (Kind::Mac, macs.is_empty(), &wanted.macs),
        (Kind::HostKey, wish.host_keys.is_empty(), &wanted.host_keys),
    ] {
        if is_empty {
            let message =
                format!("none of the {} asked for is known here: {}", kind.keyword(), listed.join(","));
            return Err(ConnectError::new(Stage::Handshake, Reason::NoCommonAlgorithm, message)
                .hint(format!("known are {}", kind.ours().join(","))));
        }
    }
    // Not algorithms, but promises: to take extensions, and to keep Terrapin out.
    kex.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    // Nobody is watched less than by default: `ServerAliveInterval 0` leaves our own.
    let (interval, unanswered) = match wish.keepalive {
        Some((interval, count)) => (
            if interval.is_zero() { KEEPALIVE } else { interval },
            usize::try_from(count).unwrap_or(usize::MAX).max(1),
        ),
        None => (KEEPALIVE, KEEPALIVES_UNANSWERED),
    };
    // Silence that the keepalives are to judge must not be cut short by the reaper.
    let silence = interval.saturating_mul(u32::try_from(unanswered).unwrap_or(u32::MAX).saturating_add(1));
    let config = || -> Result<client::Config, russh::Error> {
        Ok(client::Config {
            client_id: russh::SshId::Standard(Cow::Borrowed(concat!(
                "SSH-2.0-roundsman_",
                env!("CARGO_PKG_VERSION")
            ))),
            window_size: WINDOW,
            channel_buffer_size: CHANNEL_MESSAGES,
            preferred: Preferred {
                kex: Cow::Owned(kex),
                host_key_certificates: match wish.certificates {
                    true => Cow::Owned(wish.host_keys.clone()),
                    false => Cow::Borrowed(&[]),
                },
                key: Cow::Owned(wish.host_keys.clone()),
                cipher: Cow::Owned(ciphers),
                mac: Cow::Owned(macs),
                ..Preferred::DEFAULT
            },
            inactivity_timeout: Some(INACTIVITY.max(silence)),
            keepalive_interval: Some(interval),
            keepalive_max: unanswered,
            gex: client::GexParams::new(2048, 3072, 8192)?,
            nodelay: true,
            ..client::Config::default()
        })
    };
    config().map_err(|error| ConnectError::new(Stage::Handshake, Reason::Protocol, error.to_string()))
}

/// Why two sides found no algorithm, and what would help: `kind` and both lists as the handshake saw them.
pub(super) fn nothing_in_common(
    route: &Route,
    kind: &russh::AlgorithmKind,
    ours: &[String],
    theirs: &[String],
) -> ConnectError {
    let (kind, what) = match kind {
        russh::AlgorithmKind::Kex => (Some(Kind::Kex), "key exchange"),
        russh::AlgorithmKind::Key => (Some(Kind::HostKey), "host key algorithm"),
        russh::AlgorithmKind::Cipher => (Some(Kind::Cipher), "cipher"),
        russh::AlgorithmKind::Mac => (Some(Kind::Mac), "MAC"),
        russh::AlgorithmKind::Compression => (None, "compression"),
    };
    let promises = ["ext-info-c", "kex-strict-c-v00@openssh.com"];
    let ours: Vec<&str> = ours.iter().map(String::as_str).filter(|name| !promises.contains(name)).collect();
    let error = ConnectError::new(
        Stage::Handshake,
        Reason::NoCommonAlgorithm,
        format!("no {what} in common with {}; ours: {}; it offers", route.host, ours.join(",")),
    )
    .remote(Some(theirs.join(",")));
    let Some(kind) = kind else { return error };
    let offers = |names: &[&str]| names.iter().any(|name| theirs.iter().any(|their| their == name));
    if !route.algorithms.legacy && offers(kind.old()) {
        return error.hint(
            "an old server: `roundsman_legacy: true` for this host allows what it offers, which is weak; \
             better to upgrade its sshd",
        );
    }
    let listed = match kind {
        Kind::Kex => &route.algorithms.kex,
        Kind::Cipher => &route.algorithms.ciphers,
        Kind::Mac => &route.algorithms.macs,
        Kind::HostKey => &route.algorithms.host_keys,
    };
    if !listed.is_empty() && offers(kind.ours()) {
        return error
            .hint(format!("{} in the host's ssh configuration leaves out what it offers", kind.keyword()));
    }
    error
        .hint("roundsman speaks none of what the server offers; its sshd needs an upgrade or another setting")
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::HashAlg;

    fn route(algorithms: Algorithms) -> Route {
        Route { algorithms, ..Route::new("node", "me") }
    }

    #[test]
    fn known_kinds_come_first_and_none_is_lost() {
        let order = host_key_order(&Algorithms::default(), &[Algorithm::Rsa { hash: None }]);
        assert_eq!(order[0], Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(order[2], Algorithm::Ed25519);
        assert_eq!(order.len(), Kind::HostKey.ours().len());
        assert!(!order.contains(&Algorithm::Rsa { hash: None }), "SHA-1 only where it is asked for");
    }

    #[test]
    fn hosts_with_the_same_known_kinds_share_their_settings() {
        let configs = Configs::default();
        let plain = route(Algorithms::default());
        let one = configs.of(&plain, &[Algorithm::Ed25519], false).unwrap();
        let same = configs.of(&plain, &[], false).unwrap();
        assert!(Arc::ptr_eq(&one, &same), "ed25519 is first anyway");
        let legacy =
            configs.of(&route(Algorithms { legacy: true, ..Algorithms::default() }), &[], false).unwrap();
        assert!(legacy.preferred.key.contains(&Algorithm::Rsa { hash: None }));
        assert!(legacy.preferred.kex.contains(&kex::DH_G1_SHA1));
        assert!(!one.preferred.kex.contains(&kex::DH_G14_SHA1));
    }

    #[test]
    fn a_list_stands_as_it_was_written() {
        let wanted = Algorithms {
            kex: vec!["made-up".into(), "diffie-hellman-group14-sha1".into()],
            host_keys: vec!["ssh-rsa".into(), "ssh-ed25519".into()],
            ..Algorithms::default()
        };
        let config = Configs::default().of(&route(wanted), &[Algorithm::Ed25519], false).unwrap();
        assert_eq!(config.preferred.kex.first(), Some(&kex::DH_G14_SHA1));
        assert_eq!(config.preferred.kex.len(), 3, "and the two promises");
        assert_eq!(*config.preferred.key, [Algorithm::Rsa { hash: None }, Algorithm::Ed25519]);
        let unknown = Algorithms { macs: vec!["umac-64@openssh.com".into()], ..Algorithms::default() };
        let error = Configs::default().of(&route(unknown), &[], false).unwrap_err();
        assert_eq!(error.reason, Reason::NoCommonAlgorithm);
        assert!(error.message.contains("MACs") && error.message.contains("umac-64"), "{error}");
    }

    #[test]
    fn keepalives_can_be_asked_for() {
        let patient = Route { keepalive: Some((Duration::from_secs(60), 5)), ..Route::new("node", "me") };
        let config = Configs::default().of(&patient, &[], false).unwrap();
        assert_eq!((config.keepalive_interval, config.keepalive_max), (Some(Duration::from_secs(60)), 5));
        assert_eq!(config.inactivity_timeout, Some(Duration::from_secs(360)));
    }

    #[test]
    fn what_would_help_is_said_only_where_it_helps() {
        let names = |names: &str| names.split(',').map(str::to_owned).collect::<Vec<_>>();
        let plain = route(Algorithms::default());
        let kind = &russh::AlgorithmKind::Cipher;
        let old = nothing_in_common(&plain, kind, &names("aes256-ctr"), &names("aes128-cbc,arcfour"));
        assert!(old.hint.as_deref().is_some_and(|hint| hint.contains("roundsman_legacy: true")), "{old:?}");
        assert_eq!(old.remote.as_deref(), Some("aes128-cbc,arcfour"));
        let alien = nothing_in_common(&plain, kind, &names("aes256-ctr"), &names("arcfour"));
        assert!(alien.hint.as_deref().is_some_and(|hint| !hint.contains("legacy")), "{alien:?}");
        let narrow = route(Algorithms { ciphers: names("aes128-ctr"), ..Algorithms::default() });
        let narrow = nothing_in_common(&narrow, kind, &names("aes128-ctr"), &names("aes256-ctr"));
        assert!(narrow.hint.as_deref().is_some_and(|hint| hint.contains("Ciphers")), "{narrow:?}");
    }
}
