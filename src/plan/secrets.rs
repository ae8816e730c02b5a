//! Passwords and passphrases: from variables, files and the person into routes, and nowhere else.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;

use super::Plan;
use crate::error::{FileError, Refusal};
use crate::playbook::template::Renderer;
use crate::shell::becoming::{Become, Method};
use crate::ssh::{Route, Secret};

/// Puts the secrets of `host`'s variables into its route.
///
/// # Errors
/// A template that can't be rendered, a value that is no text.
pub fn into_route(host: &str, vars: &Renderer, route: &mut Route) -> Result<(), Refusal> {
    let password = secret(host, vars, &["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"])?;
    let passphrase = secret(host, vars, &["ansible_ssh_private_key_passphrase"])?;
    route.password = password.or(route.password.take());
    route.passphrase = passphrase.or(route.passphrase.take());
    Ok(())
}

/// How `host` becomes `user`; `method` is the command line's word, below the inventory's.
///
/// # Errors
/// As [`into_route`]; an unknown method, flags with a quote that is not closed.
pub fn becomes(host: &str, vars: &Renderer, user: &str, method: Option<&str>) -> Result<Become, Refusal> {
    let wrong = |name: &str, message: &str| Refusal::Variable(format!("host {host}: {name}: {message}"));
    let name = text(host, vars, "ansible_become_method")?.or(method.map(str::to_owned));
    let method = match name.as_deref() {
        None => Method::Sudo,
        Some(name) => Method::named(name).ok_or_else(|| {
            wrong("ansible_become_method", &format!("`{name}` is not known; sudo, su and doas are"))
        })?,
    };
    let of_method = |what: &str| match method {
        Method::Sudo => format!("ansible_sudo_{what}"),
        Method::Su => format!("ansible_su_{what}"),
        Method::Doas => format!("ansible_doas_{what}"),
    };
    let pass = of_method("pass");
    let password = secret(host, vars, &["ansible_become_password", "ansible_become_pass", &pass])?;
    let exe = text(host, vars, "ansible_become_exe")?.or(text(host, vars, &of_method("exe"))?);
    let flags = text(host, vars, "ansible_become_flags")?.or(text(host, vars, &of_method("flags"))?);
    let flags = match flags {
        None => None,
        Some(flags) => {
            Some(shlex::split(&flags).ok_or_else(|| wrong("ansible_become_flags", "a quote is not closed"))?)
        }
    };
    Ok(Become { user: user.to_owned(), method, exe, flags, password })
}

/// Gives the passwords of the command line to the hosts whose variables have none. A jump host keeps to its
/// own: nobody said that it shares the nodes'.
pub fn give(plan: &mut Plan, login: Option<Secret>, becoming: Option<Secret>) {
    for target in &mut plan.targets {
        if let (Some(secret), None) = (&login, &target.route.password) {
            Arc::make_mut(&mut target.route).password = Some(secret.clone());
        }
        if let (Some(secret), Some(how)) = (&becoming, &mut target.becomes)
            && how.password.is_none()
        {
            how.password = Some(secret.clone());
        }
    }
}

/// A password out of a file: its first line; what it prints, if it can be run; standard input for `-`.
///
/// # Errors
/// A file that can't be read or run, or that holds nothing.
pub fn from_file(file: &Path) -> Result<Secret, Refusal> {
    let failed = |message: String| Refusal::File(FileError::whole(file, message));
    let bytes = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin()).map(String::into_bytes)
    } else if is_executable(file) {
        let ran = Command::new(absolute(file)).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        match ran {
            Ok(ran) if !ran.status.success() => {
                return Err(failed(format!(
                    "the password can't be had from it: it ended with {}",
                    ran.status
                )));
            }
            ran => ran.map(|ran| ran.stdout),
        }
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.map_err(|error| failed(format!("the password can't be read: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| failed("the password is no UTF-8".to_owned()))?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Secret::new(line)),
        None => Err(failed("it holds no password".to_owned())),
    }
}

/// A name without a directory would be looked for in PATH.
fn absolute(file: &Path) -> std::path::PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The first of `names` that has a value.
fn secret(host: &str, vars: &Renderer, names: &[&str]) -> Result<Option<Secret>, Refusal> {
    for name in names {
        if let Some(text) = text(host, vars, name)? {
            return Ok(Some(Secret::new(text)));
        }
    }
    Ok(None)
}

/// A variable that is text. Its value stands in no error: it may be a secret.
fn text(host: &str, vars: &Renderer, name: &str) -> Result<Option<String>, Refusal> {
    let value = vars.var(name).map_err(|error| {
        let hint = error.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        Refusal::Variable(format!("host {host}: {}{hint}", error.message))
    })?;
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Refusal::Variable(format!("host {host}: {name}: this is no text"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::template::Vars;

    fn renderer(vars: &[(&str, Value)]) -> Renderer {
        Renderer::new(
            "b1",
            vars.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Vars>(),
        )
    }

    #[test]
    fn variables_become_secrets_and_templates_render() {
        let vars = renderer(&[
            ("vault_x", "s3cret".into()),
            ("ansible_become_password", "{{ vault_x }}".into()),
            ("ansible_become_method", "community.general.su".into()),
            ("ansible_become_flags", "-E 'a b'".into()),
            ("ansible_ssh_pass", 1234.into()),
        ]);
        let how = becomes("b1", &vars, "kafka", Some("sudo")).unwrap();
        assert_eq!(how.method, Method::Su);
        assert_eq!(how.password, Some(Secret::new("s3cret")));
        assert_eq!(how.flags.as_deref(), Some(&["-E".to_owned(), "a b".to_owned()][..]));
        let mut route = Route::new("h", "u");
        into_route("b1", &vars, &mut route).unwrap();
        assert_eq!(route.password, Some(Secret::new("1234")));
    }

    #[test]
    fn no_error_shows_a_value() {
        let vars = renderer(&[("ansible_become_password", serde_json::json!(["s3cret"]))]);
        let error = becomes("b1", &vars, "kafka", None).unwrap_err().to_string();
        assert!(error.contains("ansible_become_password") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_password_file_is_read_or_run() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pass");
        std::fs::write(&file, "first\r\nsecond\n").unwrap();
        assert_eq!(from_file(&file).unwrap().reveal(), "first");
        std::fs::write(&file, "#!/bin/sh\necho made\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(from_file(&file).unwrap().reveal(), "made");
        std::fs::write(&file, "#!/bin/sh\nexit 3\n").unwrap();
        assert!(from_file(&file).is_err());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&file, "\n").unwrap();
        assert!(from_file(&file).is_err());
    }
}
