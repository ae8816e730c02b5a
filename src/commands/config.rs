//! `config`: what each option is, and what says so.

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use super::output::Out;
use crate::ansible::Settings;
use crate::cli::{self, ExecFormat, Setting, Source};
use crate::error::Refusal;
use crate::sanitize;

/// Options that `ansible.cfg` speaks about, with Ansible's names for them.
const ANSIBLE: &[(&str, &[&str])] = &[
    ("inventory", &["ANSIBLE_INVENTORY", "inventory"]),
    ("user", &["ANSIBLE_REMOTE_USER", "remote_user"]),
    ("forks", &["ANSIBLE_FORKS", "forks"]),
    ("private-key", &["ANSIBLE_PRIVATE_KEY_FILE", "private_key_file"]),
    (
        "host-key-checking",
        &["ANSIBLE_SSH_HOST_KEY_CHECKING", "ANSIBLE_HOST_KEY_CHECKING", "host_key_checking"],
    ),
    ("timeout", &["ANSIBLE_SSH_TIMEOUT", "ANSIBLE_TIMEOUT", "timeout"]),
    ("become", &["ANSIBLE_BECOME", "become"]),
    ("become-user", &["ANSIBLE_BECOME_USER", "become_user"]),
    ("become-method", &["ANSIBLE_BECOME_METHOD", "become_method"]),
    ("ask-pass", &["ANSIBLE_ASK_PASS", "ask_pass"]),
    ("ask-become-pass", &["ANSIBLE_BECOME_ASK_PASS", "become_ask_pass"]),
    ("ask-vault-pass", &["ANSIBLE_ASK_VAULT_PASS", "ask_vault_pass"]),
    ("vault-password-file", &["ANSIBLE_VAULT_PASSWORD_FILE", "vault_password_file"]),
    ("ssh-common-args", &["ANSIBLE_SSH_COMMON_ARGS", "ssh_common_args"]),
];

/// See [`cli::Config`].
pub fn config(args: &cli::Config, file: Option<&Path>, out: &Out) -> Result<u8, Refusal> {
    let mut words = vec![OsString::from("roundsman")];
    if let Some(file) = file {
        words.extend([OsString::from("--config"), file.into()]);
    }
    match args.line.is_empty() {
        true => words.push("run".into()),
        false => words.extend(args.line.iter().cloned()),
    }
    let settings = cli::layered(words)?.settings;
    if settings.is_empty() {
        return Err(Refusal::usage("these words name no command with options"));
    }
    let ansible = Settings::of_process()?;
    let rows: Vec<[String; 3]> = settings.iter().map(|setting| row(setting, &ansible)).collect();
    let text = match args.format {
        ExecFormat::Json => {
            let one = |(setting, [option, value, source]): (&Setting, &[String; 3])| {
                let is_said = setting.value.is_some() || *source != "default";
                json!({ "option": option, "value": is_said.then_some(value), "source": source })
            };
            let rows: Vec<_> = settings.iter().zip(&rows).map(one).collect();
            format!("{:#}\n", json!({ "schema": "roundsman.config/1", "options": rows }))
        }
        ExecFormat::Text => table(&rows),
    };
    out.print(&text);
    Ok(0)
}

/// Option, value, source.
fn row(setting: &Setting, ansible: &Settings) -> [String; 3] {
    let option = setting.option.clone();
    if let (Source::Default, Some((value, source))) = (&setting.source, of_ansible(&option, ansible)) {
        return [option, value, source];
    }
    [option, setting.value.clone().unwrap_or_else(|| "-".to_owned()), setting.source.words()]
}

/// What Ansible's configuration says: `remote_user = ops (ansible.cfg:3)`.
fn of_ansible(option: &str, ansible: &Settings) -> Option<(String, String)> {
    let (_, names) = ANSIBLE.iter().find(|(known, _)| *known == option)?;
    ansible.origins.iter().find_map(|origin| {
        let (name, rest) = origin.split_once(" = ")?;
        let (value, source) = rest.rsplit_once(" (")?;
        let source = source.trim_end_matches(')');
        let source = if source == "environment" { name } else { source };
        names.contains(&name).then(|| (value.to_owned(), source.to_owned()))
    })
}

fn table(rows: &[[String; 3]]) -> String {
    let clean = |text: &str| sanitize::line(text).into_owned();
    let rows: Vec<[String; 3]> =
        rows.iter().map(|[option, value, source]| [clean(option), clean(value), clean(source)]).collect();
    let wide = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let (first, second) = (wide(0).unwrap_or(0), wide(1).unwrap_or(0).min(50));
    let line =
        |[option, value, source]: &[String; 3]| format!("{option:<first$}  {value:<second$}  {source}\n");
    rows.iter().map(line).collect()
}
