//! What it means that a server took nothing of what we offered.

use std::time::Duration;

use russh::MethodKind;

use super::super::session::NO_METHOD_LEFT;
use super::super::{ConnectError, Reason, Stage};
use super::{CONNECTIONS, End, Login};

impl Login<'_> {
    pub(super) fn method_names(&self) -> Vec<String> {
        self.methods.iter().flatten().map(String::from).collect()
    }

    /// Whether only what we do not speak is left.
    fn wants_kerberos(&self) -> bool {
        let foreign = [MethodKind::GssapiWithMic, MethodKind::HostBased];
        self.methods.as_ref().is_some_and(|methods| {
            methods.contains(&MethodKind::GssapiWithMic)
                && methods.iter().all(|method| foreign.contains(method))
        })
    }

    /// Nothing is left to offer.
    pub(super) fn refused(&self) -> ConnectError {
        let (user, offered) = (&self.route.user, self.method_names());
        let (tried, notes) = (&self.memory.tried, self.notes.join("; "));
        let takes = match offered.is_empty() {
            true => String::new(),
            false => format!("; it takes {}", offered.join(", ")),
        };
        if self.wants_kerberos() {
            let reason = Reason::AuthRefused { tried: tried.clone(), offered };
            let message = format!(
                "the server takes only Kerberos (gssapi-with-mic) from {user}, which roundsman does not speak"
            );
            return ConnectError::new(Stage::Login, reason, message).hint(
                "use a key or certificate there, or let ssh log in: a ProxyCommand such as `ssh -W %h:%p BASTION` \
                 takes care of a bastion that wants Kerberos",
            );
        }
        if !self.proven.is_empty() {
            let message = format!(
                "the server accepted {} of {user} and wants {} too",
                self.proven.join(" and "),
                offered.join(" or ")
            );
            let error = ConnectError::new(Stage::Login, Reason::MoreProofWanted { offered }, message);
            return error.hint(match notes.is_empty() {
                true => "-k or ansible_password gives the password; questions need a terminal".to_owned(),
                false => notes,
            });
        }
        if tried.is_empty() {
            let keys = match notes.is_empty() {
                true => "none was named, the agent holds none and the default files are not there".to_owned(),
                false => notes,
            };
            let takes_keys = self.takes(MethodKind::PublicKey);
            let message = match takes_keys {
                true => format!("there is no key to log in with as {user}: {keys}{takes}"),
                false => format!("there is no password to log in with as {user}{takes}"),
            };
            return ConnectError::new(Stage::Login, Reason::NoUsableKey, message).hint(match takes_keys {
                true => "load the key with ssh-add, name an unencrypted one, or give a password with -k",
                false => "-k asks for it, ansible_password names it",
            });
        }
        let message = format!("the server refused {user} with {}{takes}", tried.join(", "));
        let error =
            ConnectError::new(Stage::Login, Reason::AuthRefused { tried: tried.clone(), offered }, message);
        match (notes.is_empty(), self.password_sent) {
            (false, _) => error.hint(notes),
            (true, true) => error.hint(format!("is the password right, and is {user} the right user?")),
            (true, false) => error.hint(format!(
                "is the public key in {user}'s authorized_keys, and is {user} the right user?"
            )),
        }
    }

    /// The server hung up: on to another connection, if there is anything left to try there.
    pub(super) async fn hung_up(&mut self) -> Result<End, ConnectError> {
        // The session's task records the server's words just before it ends.
        let ended = tokio::time::timeout(Duration::from_millis(500), &mut *self.handle);
        let _ = ended.await;
        let loss = self.ends.loss();
        let refusal = loss.remote.is_some() || loss.message == NO_METHOD_LEFT;
        if self.memory.connections < CONNECTIONS {
            // One that hung up twice on the same password has answered.
            let typed = self.memory.password.is_some() && self.memory.password_sends < 2;
            let given = self.route.password.is_some() && !self.password_sent && refusal;
            let askable = refusal && self.password_tries == 0 && self.asks_for_passwords();
            self.methods = None;
            if typed || given || askable || (refusal && self.next_key().await?.is_some()) {
                return Ok(End::Again);
            }
        }
        let reason = match refusal {
            true => Reason::AuthRefused { tried: self.memory.tried.clone(), offered: self.method_names() },
            false => Reason::LostInLogin,
        };
        let tried = self.memory.tried.len();
        let mut message = format!("the login of {} failed", self.route.user);
        match tried {
            0 => {}
            1..=3 => message.push_str(&format!(" after {}", self.memory.tried.join(", "))),
            _ => message.push_str(&format!(" after {tried} keys")),
        }
        let mut hints = self.notes.clone();
        if refusal && tried > 3 {
            hints.push("name the right key, or set IdentitiesOnly=yes".to_owned());
        }
        let error = ConnectError::new(Stage::Login, reason, format!("{message}: {}", loss.message));
        let error = error.remote(loss.remote);
        Err(if hints.is_empty() { error } else { error.hint(hints.join("; ")) })
    }
}
