//! One host's variables, read as what they should be.

use serde_json::Value;

use super::source::Source;
use crate::error::Refusal;
use crate::playbook::template::Renderer;

/// A host's variables, with errors that name the host and the variable.
pub(super) struct HostVars<'a> {
    pub host: &'a str,
    pub vars: &'a Renderer,
}

impl HostVars<'_> {
    pub(super) fn wrong(&self, name: &str, message: &str) -> Refusal {
        // The message may quote the value.
        let message = if self.vars.is_secret(name) {
            "its value, which comes out of a vault, can't be used"
        } else {
            message
        };
        Refusal::Variable(format!("host {}: {name}: {message}", self.host))
    }

    fn value(&self, name: &str) -> Result<Option<Value>, Refusal> {
        self.vars.var(name).map_err(|error| {
            let hint = error.hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            Refusal::Variable(format!("host {}: {}{hint}", self.host, error.message))
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(self.wrong(name, &format!("this is text, not {other}"))),
        }
    }

    /// One of two names for the same thing, the first above the second.
    pub(super) fn either(&self, name: &str, other: &str) -> Result<Option<(String, Source)>, Refusal> {
        for name in [name, other] {
            if let Some(text) = self.text(name)? {
                return Ok(Some((text, Source::Variable(name.to_owned()))));
            }
        }
        Ok(None)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(name, &format!("`{text}` is no number")))
    }

    /// Ansible's truths: yes, true, on, 1 in whatever case.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let text = match self.value(name)? {
            None => return Ok(None),
            Some(Value::Bool(yes)) => return Ok(Some(yes)),
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
        };
        match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" | "y" | "t" => Ok(Some(true)),
            "no" | "false" | "off" | "0" | "n" | "f" | "" => Ok(Some(false)),
            _ => Err(self.wrong(name, &format!("`{text}` is neither true nor false"))),
        }
    }
}

/// A variable that may be one path, several in a list, or several with commas, as `log.dirs` has them.
///
/// # Errors
/// A template that can't be rendered.
pub fn paths_var(host: &str, vars: &Renderer, name: &str) -> Result<Vec<String>, Refusal> {
    let vars = HostVars { host, vars };
    match vars.value(name)? {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                item.as_str().map(str::to_owned).ok_or_else(|| vars.wrong(name, "this is a list of paths"))
            })
            .collect(),
        Some(Value::String(text)) => {
            Ok(text.split(',').map(str::trim).filter(|path| !path.is_empty()).map(str::to_owned).collect())
        }
        Some(other) => Err(vars.wrong(name, &format!("this is a path or a list of paths, not {other}"))),
    }
}

/// `kafka_broker_id` and the like.
///
/// # Errors
/// As [`paths_var`].
pub fn number_var(host: &str, vars: &Renderer, name: &str) -> Result<Option<i64>, Refusal> {
    HostVars { host, vars }.number(name)
}

/// `kafka_cluster` and the like.
///
/// # Errors
/// As [`paths_var`].
pub fn text_var(host: &str, vars: &Renderer, name: &str) -> Result<Option<String>, Refusal> {
    HostVars { host, vars }.text(name)
}
