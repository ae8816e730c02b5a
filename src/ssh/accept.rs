//! Writing a new host key into a known_hosts file that others may be writing to.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::PublicKey;
use sha1::Sha1;

use super::host_key::{closest, same};
use super::known_hosts::{Found, KnownHosts, Marker};

/// `|1|salt|hash`, from which nobody reads the name (`HashKnownHosts`).
fn hash(name: &str, salt: [u8; 20]) -> io::Result<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(&salt).map_err(io::Error::other)?;
    mac.update(name.as_bytes());
    Ok(format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes())))
}

/// What came of it.
pub(super) enum Written {
    /// The line stands at the end of a file that is now this long, bytes.
    Appended { length: u64 },
    /// Someone else has written the same key meanwhile.
    WasThere,
    /// Someone else has written another key meanwhile.
    OtherKey(Box<Found>),
}

/// Appends one line under the file's lock, unless someone else has written about the host meanwhile.
///
/// `known_length` is the file's length when it was last written to from here: if it is the same still,
/// it need not be read again.
///
/// # Errors
/// Those of the file system.
pub(super) fn write_down(
    file: &Path,
    known_length: Option<u64>,
    name: &str,
    key: &PublicKey,
    hashed: bool,
) -> io::Result<Written> {
    if let Some(parent) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(parent)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(file)?;
    open.lock()?;

    let mut unfinished = false;
    if known_length != Some(open.metadata()?.len()) {
        let mut bytes = Vec::new();
        open.read_to_end(&mut bytes)?;
        unfinished = bytes.last().is_some_and(|last| *last != b'\n');
        let now = KnownHosts::parse(file, String::from_utf8_lossy(&bytes).into_owned());
        let keys: Vec<Found> =
            now.find(name, true).into_iter().filter(|found| found.marker == Marker::HostKey).collect();
        if keys.iter().any(|found| same(&found.key, key)) {
            return Ok(Written::WasThere);
        }
        if let Some(other) = closest(&keys, key) {
            return Ok(Written::OtherKey(Box::new(other.clone())));
        }
    }
    let encoded = PublicKey::from(key.key_data().clone()).to_openssh().map_err(io::Error::other)?;
    let name = if hashed { hash(name, rand::random())? } else { name.to_owned() };
    let line = format!("{}{name} {}\n", if unfinished { "\n" } else { "" }, encoded.trim_end());
    open.write_all(line.as_bytes())?;
    Ok(Written::Appended { length: open.metadata()?.len() })
}
