//! The files a client needs to visit a fleet: key, known_hosts, inventory.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use russh::keys::PrivateKey;
use russh::keys::ssh_key::{self, LineEnding};

use super::error::DemoError;
use super::node::Node;

pub(super) const INVENTORY: &str = "inventory.yml";
pub(super) const KNOWN_HOSTS: &str = "known_hosts";
pub(super) const KEY: &str = "id_ed25519";
pub(super) const USER: &str = "demo";

/// Writes all of them into `dir`.
pub(super) fn write(
    dir: &Path,
    group: &str,
    nodes: &[Node],
    user_key: &PrivateKey,
    host_keys: &[PrivateKey],
) -> Result<(), DemoError> {
    put(&dir.join(KEY), 0o600, &user_key.to_openssh(LineEnding::LF)?)?;
    let public = user_key.public_key().to_openssh()?;
    put(&dir.join(format!("{KEY}.pub")), 0o644, &format!("{public} {USER}\n"))?;
    put(&dir.join(KNOWN_HOSTS), 0o644, &known_hosts(nodes, host_keys)?)?;
    put(&dir.join(INVENTORY), 0o644, &inventory(dir, group, nodes))
}

/// Writes a file anew: one that is there keeps neither its content nor its mode.
fn put(path: &Path, mode: u32, text: &str) -> Result<(), DemoError> {
    let doing = || format!("cannot write {}", path.display());
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(DemoError::io(doing())(error));
        }
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(DemoError::io(doing()))
}

fn known_hosts(nodes: &[Node], keys: &[PrivateKey]) -> Result<String, ssh_key::Error> {
    let mut text = String::new();
    for (node, key) in nodes.iter().zip(keys) {
        let (address, key) = (node.address(), key.public_key().to_openssh()?);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "[{}]:{} {key}", address.ip(), address.port());
    }
    Ok(text)
}

fn inventory(dir: &Path, group: &str, nodes: &[Node]) -> String {
    let known_hosts = format!("UserKnownHostsFile={}", dir.join(KNOWN_HOSTS).display());
    let arguments = ["-o", &known_hosts, "-o", "GlobalKnownHostsFile=/dev/null"];
    let strict = ["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"];
    let arguments: Vec<_> = arguments.into_iter().chain(strict).map(shell_word).collect();
    let mut text = String::from("all:\n  children:\n");
    // Writing to a String cannot fail.
    let _ = write!(text, "    {}:\n      hosts:\n", scalar(group));
    for node in nodes {
        let _ = writeln!(text, "        {}:", scalar(node.name()));
        let _ = writeln!(text, "          ansible_host: {}", node.address().ip());
        let _ = writeln!(text, "          ansible_port: {}", node.address().port());
        for (name, value) in &node.vars {
            // A number stays one, as it would be written by hand.
            let number = value.parse::<u32>().is_ok_and(|number| number.to_string() == *value);
            let value = if number { value.clone() } else { scalar(value) };
            let _ = writeln!(text, "          {}: {value}", scalar(name));
        }
        let _ = writeln!(text, "          kafka_log_dirs: [{}]", scalar(&node.log_dir().to_string_lossy()));
        let _ = writeln!(text, "          kafka_logs_dir: {}", scalar(&node.logs_dir().to_string_lossy()));
    }
    let _ = writeln!(text, "      vars:");
    let _ = writeln!(text, "        ansible_user: {USER}");
    let _ = writeln!(text, "        kafka_cluster: queue");
    let key = dir.join(KEY);
    let _ = writeln!(text, "        ansible_ssh_private_key_file: {}", scalar(&key.to_string_lossy()));
    let _ = writeln!(text, "        ansible_ssh_common_args: {}", scalar(&arguments.join(" ")));
    text
}

/// A word for the shell-like splitting that ssh arguments get.
fn shell_word(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-=".contains(c)) {
        return word.to_owned();
    }
    // Only a NUL byte cannot be quoted, and a path has none.
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}

/// A YAML scalar: plain where that is certain to mean the text, else in double quotes, which YAML
/// reads as JSON does.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    let address = !text.is_empty()
        && text.parse::<std::net::Ipv4Addr>().is_ok()
        && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if plain || address { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
