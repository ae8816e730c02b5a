//! Encrypted keys in OpenSSL's traditional PEM (`Proc-Type: 4,ENCRYPTED`), which PKCS#1 and SEC1 share.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use des::TdesEde3;

/// Why there is no key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// The passphrase is wrong, or the file is damaged: its padding tells no more.
    Wrong,
    /// Not a cipher of ours, or no such file at all.
    Unknown(String),
}

/// Whether `text` is such a key.
pub(super) fn is_ours(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("DEK-Info:"))
}

/// The same key in unencrypted PEM.
pub(super) fn open(text: &str, passphrase: &str) -> Result<String, NotOpened> {
    let unknown = |what: &str| NotOpened::Unknown(what.to_owned());
    let mut lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let begin = lines.next().ok_or_else(|| unknown("no PEM file"))?;
    let mut info = None;
    let mut body = String::new();
    for line in lines.by_ref() {
        if let Some(value) = line.strip_prefix("DEK-Info:") {
            info = value.trim().split_once(',');
        } else if line.starts_with("-----END ") {
            break;
        } else if !line.contains(':') {
            body.push_str(line);
        }
    }
    let (cipher, iv) = info.ok_or_else(|| unknown("no DEK-Info"))?;
    let iv = hex(iv.trim()).ok_or_else(|| unknown("its DEK-Info holds no initialisation vector"))?;
    let bytes = BASE64_STANDARD.decode(&body).map_err(|_| unknown("its body is no base64"))?;
    let der = match cipher.trim() {
        "AES-128-CBC" => decrypt::<cbc::Decryptor<Aes128>>(passphrase, &iv, 16, &bytes),
        "AES-192-CBC" => decrypt::<cbc::Decryptor<Aes192>>(passphrase, &iv, 24, &bytes),
        "AES-256-CBC" => decrypt::<cbc::Decryptor<Aes256>>(passphrase, &iv, 32, &bytes),
        "DES-EDE3-CBC" => decrypt::<cbc::Decryptor<TdesEde3>>(passphrase, &iv, 24, &bytes),
        other => return Err(NotOpened::Unknown(format!("its cipher is {other}"))),
    }?;
    // A wrong passphrase leaves valid padding once in 256 times, but hardly ever a DER sequence.
    if der.first() != Some(&0x30) {
        return Err(NotOpened::Wrong);
    }
    let end = begin.replacen("BEGIN", "END", 1);
    Ok(format!("{begin}\n{}\n{end}\n", BASE64_STANDARD.encode(der)))
}

fn decrypt<C: KeyIvInit + BlockModeDecrypt>(
    passphrase: &str,
    iv: &[u8],
    length: usize,
    bytes: &[u8],
) -> Result<Vec<u8>, NotOpened> {
    let salt = iv.get(..8).ok_or_else(|| NotOpened::Unknown("its vector is too short".to_owned()))?;
    let key = derive(passphrase.as_bytes(), salt, length);
    let cipher = C::new_from_slices(&key, iv)
        .map_err(|_| NotOpened::Unknown("its vector has the wrong length".to_owned()))?;
    let mut bytes = bytes.to_vec();
    let plain = cipher.decrypt_padded::<Pkcs7>(&mut bytes).map_err(|_| NotOpened::Wrong)?;
    Ok(plain.to_vec())
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round.
fn derive(passphrase: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::with_capacity(length + 16);
    let mut last: Option<[u8; 16]> = None;
    while key.len() < length {
        let mut digest = md5::Context::new();
        if let Some(last) = last {
            digest.consume(last);
        }
        digest.consume(passphrase);
        digest.consume(salt);
        let block = digest.finalize().0;
        key.extend_from_slice(&block);
        last = Some(block);
    }
    key.truncate(length);
    key
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_such_key_is_said_and_never_panics() {
        let pem = |info: &str, body: &str| {
            format!(
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {info}\n\n{body}\n-----END RSA PRIVATE KEY-----\n"
            )
        };
        let iv = "00112233445566778899AABBCCDDEEFF";
        assert!(matches!(open("", "x"), Err(NotOpened::Unknown(_))));
        assert!(matches!(open(&pem("IDEA-CBC,0011223344556677", "AAAA"), "x"), Err(NotOpened::Unknown(_))));
        assert!(matches!(open(&pem("AES-128-CBC,zz", "AAAA"), "x"), Err(NotOpened::Unknown(_))));
        assert!(matches!(open(&pem("AES-128-CBC,0011", "AAAA"), "x"), Err(NotOpened::Unknown(_))));
        assert!(matches!(open(&pem(&format!("DES-EDE3-CBC,{iv}"), "AAAA"), "x"), Err(NotOpened::Unknown(_))));
        assert_eq!(open(&pem(&format!("AES-256-CBC,{iv}"), "AAAA"), "x"), Err(NotOpened::Wrong));
        assert_eq!(open(&pem(&format!("AES-256-CBC,{iv}"), ""), "x"), Err(NotOpened::Wrong));
    }
}
