//! What `ansible-vault` encrypted: the format, and the passwords that open it.
//!
//! The format is that of ansible-core 2.19's `lib/ansible/parsing/vault`: a header line
//! `$ANSIBLE_VAULT;1.1;AES256` (1.2 adds the name of the password, the vault id), then lines of hex.
//! They hold, as hex once more and a line each: the salt, an HMAC-SHA256 of the ciphertext, and the
//! ciphertext. Two keys and the counter come out of PBKDF2-HMAC-SHA256 with 10,000 iterations; the
//! cipher is AES-256 in counter mode over PKCS#7-padded text.

mod keyring;
#[cfg(test)]
mod tests;

use std::fmt;

use aes::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use keyring::{DEFAULT_ID, Keyring, Lock, Source, Trouble};

const HEADER: &str = "$ANSIBLE_VAULT;";
const ITERATIONS: u32 = 10_000;
const BLOCK: usize = 16;
/// Ansible makes 32 bytes; a custom salt may be of any length, but none is this long.
const LONGEST_SALT: usize = 4096;

/// Does this text claim to be encrypted with ansible-vault?
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(HEADER)
}

/// An encrypted text, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    id: Option<String>,
    salt: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Vec<u8>,
}

/// Why a text can't be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the first line is not `$ANSIBLE_VAULT;1.1;AES256` or the like")]
    Header,
    #[error("it is encrypted with `{0}`; AES256 is the only cipher that Ansible still has")]
    Cipher(String),
    #[error("it is damaged: what follows the first line is not the hex that ansible-vault writes")]
    Hex,
    #[error("it is damaged: the password is right, but the padding is not")]
    Padding,
}

/// The keys that a password and a salt give.
#[derive(Clone)]
struct Keys {
    cipher: [u8; 32],
    mac: [u8; 32],
    counter: [u8; BLOCK],
}

impl Envelope {
    /// Takes an encrypted text apart.
    ///
    /// # Errors
    /// A header, a cipher or hex that ansible-vault does not write.
    pub fn parse(text: &str) -> Result<Envelope, Malformed> {
        let mut lines = text.lines();
        let header = lines.next().filter(|line| line.starts_with(HEADER)).ok_or(Malformed::Header)?;
        let mut words = header.split(';').map(str::trim).skip(1);
        let _version = words.next().ok_or(Malformed::Header)?;
        let cipher = words.next().ok_or(Malformed::Header)?;
        if cipher != "AES256" {
            return Err(Malformed::Cipher(cipher.chars().take(40).collect()));
        }
        let id = words.next().filter(|id| !id.is_empty()).map(str::to_owned);
        let digits: Vec<u8> = lines.flat_map(|line| line.trim().bytes()).collect();
        let inner = unhex(&digits)?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let mut part = || parts.next().ok_or(Malformed::Hex).and_then(unhex);
        let envelope = Envelope { id, salt: part()?, mac: part()?, ciphertext: part()? };
        if envelope.salt.len() > LONGEST_SALT {
            return Err(Malformed::Hex);
        }
        Ok(envelope)
    }

    /// The name of the password, where the header says one: a hint, nothing guarantees it.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The text, `None` when the password is not the right one. Takes some milliseconds.
    ///
    /// # Errors
    /// The password is right but the text is not padded as it should be.
    pub fn open(&self, password: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
        self.open_with(&self.keys(password))
    }

    fn keys(&self, password: &[u8]) -> Keys {
        let mut derived = [0; 80];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, &self.salt, ITERATIONS, &mut derived);
        let mut keys = Keys { cipher: [0; 32], mac: [0; 32], counter: [0; BLOCK] };
        keys.cipher.copy_from_slice(&derived[..32]);
        keys.mac.copy_from_slice(&derived[32..64]);
        keys.counter.copy_from_slice(&derived[64..]);
        keys
    }

    fn open_with(&self, keys: &Keys) -> Result<Option<Vec<u8>>, Malformed> {
        // A key of whatever length fits an HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&keys.mac) else { return Ok(None) };
        mac.update(&self.ciphertext);
        if mac.verify_slice(&self.mac).is_err() {
            return Ok(None);
        }
        let mut text = self.ciphertext.clone();
        ctr::Ctr128BE::<aes::Aes256>::new(&keys.cipher.into(), &keys.counter.into())
            .apply_keystream(&mut text);
        let padding = text.last().map_or(0, |byte| usize::from(*byte));
        let length = text.len().checked_sub(padding).ok_or(Malformed::Padding)?;
        let padded = text.len().is_multiple_of(BLOCK)
            && (1..=BLOCK).contains(&padding)
            && text.iter().skip(length).all(|byte| usize::from(*byte) == padding);
        if !padded {
            return Err(Malformed::Padding);
        }
        text.truncate(length);
        Ok(Some(text))
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({}, {} bytes)", self.id().unwrap_or("no id"), self.ciphertext.len())
    }
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>, Malformed> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed::Hex);
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<_>>()
        .ok_or(Malformed::Hex)
}
