//! Passphrases, asked for before anybody is dialled: no clock runs while a person types.

use std::path::{Path, PathBuf};

use super::super::keys::{Identity, Private};
use super::super::{NoAnswer, Question, Route};
use super::{Credentials, TRIES};

impl Credentials {
    /// Asks for the passphrases of the identity files that `routes` name, each once; at most three times
    /// while they are wrong. What nobody answers stays locked, and the login says so.
    pub(in crate::ssh) async fn unlock<'a>(&self, routes: impl Iterator<Item = &'a Route>) {
        let mut seen = Vec::new();
        for route in routes {
            let mut next = Some(route);
            while let Some(route) = next {
                next = route.jump.as_deref();
                if route.batch || route.passphrase.is_some() {
                    continue;
                }
                for file in self.to_unlock(route).await {
                    if !seen.contains(&file) {
                        if let Err(NoAnswer::NoTerminal | NoAnswer::Batch) = self.unlock_file(&file).await {
                            return;
                        }
                        seen.push(file);
                    }
                }
            }
        }
    }

    /// Encrypted files of `route` that no agent stands in for. A default file is worth a question only
    /// where nothing else is there to log in with.
    async fn to_unlock(&self, route: &Route) -> Vec<PathBuf> {
        let (files, named) = match route.identity_files.is_empty() {
            true => (&route.default_identities, false),
            false => (&route.identity_files, true),
        };
        let mut locked = Vec::new();
        for file in files {
            let identity = self.keyring.identity(file, None).await;
            match identity.private {
                Private::Encrypted => locked.push(identity),
                Private::Ready(_) if !named => return Vec::new(),
                _ => {}
            }
        }
        if locked.is_empty() {
            return Vec::new();
        }
        let held = match route.agent.as_deref() {
            Some(socket) => self.agents.at(socket).identities().await.clone().unwrap_or_default(),
            None => Vec::new(),
        };
        if !named && (!held.is_empty() || route.password.is_some()) {
            return Vec::new();
        }
        let is_held = |identity: &Identity| {
            identity.public.as_ref().is_some_and(|public| {
                held.iter().any(|held| held.public_key().key_data() == public.key_data())
            })
        };
        locked.iter().filter(|identity| !is_held(identity)).map(|identity| identity.file.clone()).collect()
    }

    async fn unlock_file(&self, file: &Path) -> Result<(), NoAnswer> {
        let from = file.display().to_string();
        for tried in 0..TRIES {
            let text = if tried == 0 { "passphrase:" } else { "that was wrong; passphrase:" };
            let question = Question { from: from.clone(), text: text.to_owned(), hidden: true };
            let passphrase = self.ask.ask(question).await?;
            if passphrase.reveal().is_empty() || self.keyring.unlock(file, &passphrase).await {
                break;
            }
        }
        Ok(())
    }
}
