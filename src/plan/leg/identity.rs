//! Who we are to an sshd: keys, agent, certificates.

use std::path::{Path, PathBuf};

use super::Leg;
use super::said::{is_none, yes};
use crate::error::{FileError, Refusal};
use crate::plan::source::Source;
use crate::ssh::args::values;
use crate::ssh::default_identities;
use crate::ssh_config::Keyword;

impl Leg<'_> {
    /// Settles who logs in with what.
    pub(super) fn settle_identity(&mut self) -> Result<(), Refusal> {
        self.route.default_identities =
            self.options.home.as_deref().map(default_identities).unwrap_or_default();
        for (key, source, must_be_there) in &self.given.keys {
            let key = self.file(key);
            // Found out now, not on a hundred hosts.
            if *must_be_there && let Err(error) = std::fs::metadata(&key) {
                return Err(Refusal::File(FileError::whole(
                    &key,
                    format!("the private key of host {} can't be read: {error}", self.said.host),
                )));
            }
            self.shown.add("key", key.display(), source);
            self.route.identity_files.push(key);
        }
        if let Some((keys, source)) = self.said.list(Keyword::IdentityFile) {
            for key in self.files(&keys).into_iter().filter(|key| !is_none(key)) {
                if !self.route.identity_files.contains(&key) {
                    self.shown.add("key", key.display(), &source);
                    self.route.identity_files.push(key);
                }
            }
            if keys.iter().all(|key| is_none(Path::new(key))) && self.given.keys.is_empty() {
                self.shown.add("key", "none", &source);
                self.route.default_identities.clear();
            }
        } else if self.route.identity_files.is_empty() && !self.given.spare_keys.is_empty() {
            for (key, source) in &self.given.spare_keys {
                let key = self.file(key);
                self.shown.add("key", key.display(), source);
                self.route.identity_files.push(key);
            }
            // ssh would try the usual ones, and the node's key may not be the jump host's.
            self.route.identity_files.append(&mut self.route.default_identities.clone());
        }
        let only = self.given.identities_only.clone();
        let only = only.map_or_else(
            || self.said.read(Keyword::IdentitiesOnly, values::yes_or_no),
            |only| Ok(Some(only)),
        )?;
        self.shown.maybe("identities only", &only, |only| yes(*only));
        self.route.identities_only = only.is_some_and(|(only, _)| only);
        let agent = self.given.identity_agent.clone().or(self.said.text(Keyword::IdentityAgent));
        self.route.agent = match &agent {
            None => self.options.agent.clone(),
            Some((none, _)) if none.eq_ignore_ascii_case("none") => None,
            Some((usual, _)) if usual == "SSH_AUTH_SOCK" => self.options.agent.clone(),
            Some((text, _)) => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(name) => std::env::var_os(name).map(PathBuf::from),
                None => Some(self.file(Path::new(text))),
            },
        };
        let socket =
            self.route.agent.as_ref().map_or_else(|| "none".to_owned(), |agent| agent.display().to_string());
        let usual =
            if self.route.agent.is_some() { Source::Environment("SSH_AUTH_SOCK") } else { Source::Default };
        self.shown.add("agent", socket, &agent.map_or(usual, |(_, source)| source));
        for (certificate, source) in &self.given.certificates {
            self.route.certificate_files.push(self.file(certificate));
            self.shown.add("certificate", self.file(certificate).display(), source);
        }
        if let Some((certificates, source)) = self.said.list(Keyword::CertificateFile) {
            for certificate in self.files(&certificates).into_iter().filter(|file| !is_none(file)) {
                self.shown.add("certificate", certificate.display(), &source);
                self.route.certificate_files.push(certificate);
            }
        }
        let batch = self.given.batch.clone();
        let batch = batch
            .map_or_else(|| self.said.read(Keyword::BatchMode, values::yes_or_no), |batch| Ok(Some(batch)))?;
        self.shown.maybe("batch mode", &batch, |batch| yes(*batch));
        self.route.batch = batch.is_some_and(|(batch, _)| batch);
        Ok(())
    }
}
