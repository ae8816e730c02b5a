//! Algorithms by OpenSSH's names: our own choice, the old ones, and what someone's list makes of them.

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{cipher, kex, mac};

/// What an algorithm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Kex,
    Cipher,
    Mac,
    HostKey,
}

/// Elliptic curves first: without them a server without curve25519 would get a Diffie-Hellman group
/// that costs 50 to 400 times the CPU.
const KEX: &[&str] = &[
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
];

/// AES-GCM costs half of ChaCha20 where the processor has AES.
const CIPHERS: &[&str] = &[
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
];

const MACS: &[&str] =
    &["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256"];

const HOST_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// What servers of the OpenSSH 6 age may need, least bad first. SHA-1 signatures and CBC are broken, so
/// these are for hosts that ask for them alone.
const OLD_KEX: &[&str] =
    &["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"];
const OLD_CIPHERS: &[&str] = &["aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"];
const OLD_MACS: &[&str] = &["hmac-sha1-etm@openssh.com", "hmac-sha1"];
const OLD_HOST_KEYS: &[&str] = &["ssh-rsa"];

/// Known, in nobody's list: too dear or too rare to be offered unasked.
const OTHER_KEX: &[&str] =
    &["diffie-hellman-group15-sha512", "diffie-hellman-group17-sha512", "diffie-hellman-group18-sha512"];

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 4] = [Kind::Kex, Kind::Cipher, Kind::Mac, Kind::HostKey];

    /// The keyword of ssh_config that lists them.
    pub fn keyword(self) -> &'static str {
        match self {
            Kind::Kex => "KexAlgorithms",
            Kind::Cipher => "Ciphers",
            Kind::Mac => "MACs",
            Kind::HostKey => "HostKeyAlgorithms",
        }
    }

    /// What is offered unless someone asks for something else, most wanted first.
    pub fn ours(self) -> &'static [&'static str] {
        match self {
            Kind::Kex => KEX,
            Kind::Cipher => CIPHERS,
            Kind::Mac => MACS,
            Kind::HostKey => HOST_KEYS,
        }
    }

    /// What `roundsman_legacy` adds.
    pub fn old(self) -> &'static [&'static str] {
        match self {
            Kind::Kex => OLD_KEX,
            Kind::Cipher => OLD_CIPHERS,
            Kind::Mac => OLD_MACS,
            Kind::HostKey => OLD_HOST_KEYS,
        }
    }

    /// Whether we can speak an algorithm of that name.
    pub fn knows(self, name: &str) -> bool {
        // Host certificates are asked for apart from the keys they are for.
        let name = match self {
            Kind::HostKey => name.strip_suffix("-cert-v01@openssh.com").unwrap_or(name),
            _ => name,
        };
        self.every().any(|known| known == name)
    }

    fn every(self) -> impl Iterator<Item = &'static str> {
        let other = if self == Kind::Kex { OTHER_KEX } else { &[] };
        self.ours().iter().chain(self.old()).chain(other).copied()
    }

    /// The list that `spec` means: itself, or with `+`, `-` or `^` our own with names added, taken away
    /// (patterns, too) or put first. Unknown names are kept.
    pub fn list(self, spec: &str) -> Vec<String> {
        let named = |names: &str| -> Vec<String> {
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let ours = || self.ours().iter().map(|name| (*name).to_owned());
        let mut list: Vec<String> = Vec::new();
        let (first, then) = match spec.split_at_checked(1) {
            Some(("+", names)) => (ours().collect(), self.matching(&named(names))),
            Some(("^", names)) => (self.matching(&named(names)), ours().collect()),
            Some(("-", names)) => {
                let gone = named(names);
                (
                    ours().filter(|name| !gone.iter().any(|pattern| is_like(name, pattern))).collect(),
                    Vec::new(),
                )
            }
            _ => (self.matching(&named(spec)), Vec::new()),
        };
        for name in first.into_iter().chain(then) {
            if !list.contains(&name) {
                list.push(name);
            }
        }
        list
    }

    /// Patterns become the names they take.
    fn matching(self, patterns: &[String]) -> Vec<String> {
        let mut names = Vec::new();
        for pattern in patterns {
            match pattern.contains(['*', '?']) {
                true => names.extend(self.every().filter(|name| is_like(name, pattern)).map(str::to_owned)),
                false => names.push(pattern.clone()),
            }
        }
        names
    }
}

/// `*` and `?`; names are short, so going back for every star costs nothing.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = chars.as_str().trim_start_matches('*');
            rest.is_empty() || text.char_indices().any(|(at, _)| is_like(&text[at..], rest))
        }
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|c| wanted == '?' || wanted == c)
                && is_like(text.as_str(), chars.as_str())
        }
    }
}

pub(super) fn kex(names: &[String]) -> Vec<kex::Name> {
    names
        .iter()
        .filter(|name| Kind::Kex.knows(name))
        .filter_map(|name| name.as_str().try_into().ok())
        .collect()
}

pub(super) fn ciphers(names: &[String]) -> Vec<cipher::Name> {
    let known = names.iter().filter(|name| Kind::Cipher.knows(name));
    known.filter_map(|name| name.as_str().try_into().ok()).collect()
}

pub(super) fn macs(names: &[String]) -> Vec<mac::Name> {
    names
        .iter()
        .filter(|name| Kind::Mac.knows(name))
        .filter_map(|name| name.as_str().try_into().ok())
        .collect()
}

pub(super) fn host_keys(names: &[String]) -> Vec<Algorithm> {
    names.iter().filter_map(|name| host_key(name)).collect()
}

fn host_key(name: &str) -> Option<Algorithm> {
    Some(match name {
        "ssh-ed25519" => Algorithm::Ed25519,
        "ecdsa-sha2-nistp256" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        "ecdsa-sha2-nistp384" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        "ecdsa-sha2-nistp521" => Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        "rsa-sha2-512" => Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        "rsa-sha2-256" => Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        "ssh-rsa" => Algorithm::Rsa { hash: None },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russh_speaks_every_name_of_ours() {
        let names = |kind: Kind| kind.every().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(kex(&names(Kind::Kex)).len(), names(Kind::Kex).len());
        assert_eq!(ciphers(&names(Kind::Cipher)).len(), names(Kind::Cipher).len());
        assert_eq!(macs(&names(Kind::Mac)).len(), names(Kind::Mac).len());
        assert_eq!(host_keys(&names(Kind::HostKey)).len(), names(Kind::HostKey).len());
    }

    #[test]
    fn nothing_with_sha1_cbc_or_des_is_offered_unasked() {
        for kind in Kind::ALL {
            for name in kind.ours() {
                assert!(!name.contains("sha1") && !name.contains("cbc") && *name != "ssh-rsa", "{name}");
                assert!(!kind.old().contains(name), "{name}");
            }
        }
    }

    #[test]
    fn lists_add_take_away_and_put_first() {
        let added = Kind::Kex.list("+diffie-hellman-group1-sha1");
        assert_eq!(added.len(), KEX.len() + 1);
        assert_eq!(added.last().map(String::as_str), Some("diffie-hellman-group1-sha1"));
        assert_eq!(Kind::Cipher.list("-*gcm*,chacha20*"), ["aes256-ctr", "aes192-ctr", "aes128-ctr"]);
        assert_eq!(Kind::Mac.list("^hmac-sha2-256")[..2], ["hmac-sha2-256", "hmac-sha2-512-etm@openssh.com"]);
        assert_eq!(Kind::Cipher.list("3des-cbc, made-up"), ["3des-cbc", "made-up"]);
        assert_eq!(Kind::Cipher.list("aes*-cbc"), ["aes256-cbc", "aes192-cbc", "aes128-cbc"]);
        assert!(Kind::HostKey.knows("ssh-ed25519-cert-v01@openssh.com"));
        assert!(!Kind::Kex.knows("sntrup761x25519-sha512@openssh.com"));
    }
}
