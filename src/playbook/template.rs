//! Templates in playbooks and in the inventory's variables: minijinja, Jinja2's own syntax.
//!
//! A variable may itself hold a template; it is rendered when it is used. A list that stands in a path
//! or a command becomes several words. What is undefined is an error that names the nearest variable.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::error::nearest;
use crate::inventory::{Sealed, sealed};
use crate::shell::script::quote;
use crate::vault::{Keyring, Trouble};

/// Variables of one host, in the order of their names' first sight.
pub type Vars = IndexMap<String, serde_json::Value>;

/// Variables that refer to each other deeper than this refer to themselves.
const DEEPEST: usize = 16;

/// Marks a list's items inside rendered text; no path or pattern holds these.
const LIST: (char, char, char) = ('\u{e000}', '\u{e001}', '\u{e002}');

/// What is wrong with a template, without the place: the caller knows the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Renders templates for one host.
#[derive(Debug, Clone)]
pub struct Renderer {
    scope: Arc<Scope>,
}

/// What rendered values turn into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Into {
    Text,
    /// A list is marked, to be multiplied out into several words.
    Words,
    /// Every value becomes one quoted shell word, a list several.
    Command,
}

#[derive(Debug)]
struct Scope {
    host: String,
    vars: Arc<Vars>,
    /// Variables that are the same for every host, below the host's own.
    common: Arc<Vars>,
    depth: usize,
    vault: Arc<Keyring>,
    /// The variable out of a vault that was used last.
    revealed: Arc<Mutex<Option<String>>>,
}

impl Renderer {
    /// For `host` with its variables, those of the play and those of the command line already laid over
    /// each other.
    pub fn new(host: &str, vars: Vars) -> Self {
        Renderer::with_vault(host, vars, Arc::default(), Arc::default())
    }

    /// As [`Renderer::new`], with variables that all hosts share and the passwords for values that are
    /// encrypted with ansible-vault.
    pub fn with_vault(host: &str, vars: Vars, common: Arc<Vars>, vault: Arc<Keyring>) -> Self {
        let host = host.to_owned();
        let vars = Arc::new(vars);
        Renderer { scope: Arc::new(Scope { host, vars, common, depth: 0, vault, revealed: Arc::default() }) }
    }

    /// The raw variables.
    pub fn vars(&self) -> &Vars {
        &self.scope.vars
    }

    /// Renders to text.
    ///
    /// # Errors
    /// A syntax error, an undefined variable, a value that can't be used.
    pub fn text(&self, template: &str) -> Result<String, TemplateError> {
        self.scope.render(template, Into::Text)
    }

    /// Renders to words: a list in the template makes one word per item.
    ///
    /// # Errors
    /// As [`Renderer::text`].
    pub fn words(&self, template: &str) -> Result<Vec<String>, TemplateError> {
        self.scope.render(template, Into::Words).map(|rendered| multiply_out(&rendered))
    }

    /// Renders a command line: the template's own text is shell, values are quoted words.
    ///
    /// # Errors
    /// As [`Renderer::shown`].
    pub fn command(&self, template: &str) -> Result<String, TemplateError> {
        self.openly(|| self.scope.render(template, Into::Command))
    }

    /// Renders to text that will stand in reports and in the node's list of processes.
    ///
    /// # Errors
    /// As [`Renderer::text`], and for a value out of a vault, which must not be seen there.
    pub fn shown(&self, template: &str) -> Result<String, TemplateError> {
        self.openly(|| self.scope.render(template, Into::Text))
    }

    /// Does the value of `name` come out of a vault, in whole or in part? Then nobody is to see it.
    pub fn is_secret(&self, name: &str) -> bool {
        self.openly(|| self.var(name)).is_err() && self.var(name).is_ok()
    }

    fn openly<T>(&self, render: impl FnOnce() -> Result<T, TemplateError>) -> Result<T, TemplateError> {
        *self.scope.revealed() = None;
        let rendered = render()?;
        match self.scope.revealed().take() {
            None => Ok(rendered),
            Some(name) => Err(TemplateError {
                message: format!(
                    "variable `{name}` of host {} comes out of a vault, and what is written here can be seen: \
                     in reports, and on the node in its list of processes",
                    self.scope.host
                ),
                hint: Some("let the node's own files hold what the command needs".to_owned()),
            }),
        }
    }

    /// The variable `name` with the templates in it rendered; `None` where it is not set or null.
    ///
    /// # Errors
    /// As [`Renderer::text`].
    pub fn var(&self, name: &str) -> Result<Option<serde_json::Value>, TemplateError> {
        match self.scope.get(name) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(value) => self.scope.settle(name, value).map(Some),
        }
    }
}

impl Scope {
    fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.vars.get(name).or_else(|| self.common.get(name))
    }

    fn render(self: &Arc<Self>, template: &str, into: Into) -> Result<String, TemplateError> {
        if !template.contains("{{") && !template.contains("{%") && !template.contains("{#") {
            return Ok(template.to_owned());
        }
        let mut env = self.environment();
        env.set_formatter(move |out, state, value| match (into, value.kind()) {
            (Into::Words, ValueKind::Seq | ValueKind::Iterable) => {
                let items: Vec<String> = value.try_iter()?.map(|item| item.to_string()).collect();
                out.write_str(&format!("{}{}{}", LIST.0, items.join(&LIST.1.to_string()), LIST.2))
                    .map_err(Error::from)
            }
            (Into::Command, ValueKind::Seq | ValueKind::Iterable) => {
                let items: Vec<String> = value.try_iter()?.map(|item| quote(&item.to_string())).collect();
                out.write_str(&items.join(" ")).map_err(Error::from)
            }
            (Into::Command, ValueKind::Undefined | ValueKind::Invalid) => {
                minijinja::escape_formatter(out, state, value)
            }
            (Into::Command, _) => out.write_str(&quote(&value.to_string())).map_err(Error::from),
            _ => minijinja::escape_formatter(out, state, value),
        });
        let parsed = env.template_from_str(template).map_err(|error| self.explain(&error, None))?;
        let names = parsed.undeclared_variables(false);
        parsed
            .render(Value::from_dyn_object(Arc::clone(self)))
            .map_err(|error| self.explain(&error, names.into_iter().find(|name| self.get(name).is_none())))
    }

    fn environment(&self) -> Environment<'static> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let host = self.host.clone();
        env.add_function("lookup", move |_args: minijinja::value::Rest<Value>| -> Result<Value, Error> {
            Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("lookup() runs Ansible's plugins, which are not here (host {host}); set the variable instead"),
            ))
        });
        env
    }

    /// An expression's value, of whatever type it is.
    fn evaluate(self: &Arc<Self>, expression: &str) -> Result<serde_json::Value, TemplateError> {
        let env = self.environment();
        let compiled = env.compile_expression(expression).map_err(|error| self.explain(&error, None))?;
        let missing =
            || compiled.undeclared_variables(false).into_iter().find(|name| self.get(name).is_none());
        let value = compiled
            .eval(Value::from_dyn_object(Arc::clone(self)))
            .and_then(|value| match value.kind() {
                ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
                _ => Ok(value),
            })
            .map_err(|error| self.explain(&error, missing()))?;
        serde_json::to_value(&value)
            .map_err(|error| TemplateError { message: format!("template: {error}"), hint: None })
    }

    /// A variable's value with its templates rendered.
    fn settle(
        self: &Arc<Self>,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<serde_json::Value, TemplateError> {
        use serde_json::Value as Json;
        if self.depth >= DEEPEST {
            return Err(TemplateError {
                message: format!("variable `{name}` of host {} refers to itself", self.host),
                hint: None,
            });
        }
        match value {
            Json::String(text) => {
                if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
                    return Ok(value.clone());
                }
                let deeper = Arc::new(Scope {
                    host: self.host.clone(),
                    vars: Arc::clone(&self.vars),
                    common: Arc::clone(&self.common),
                    depth: self.depth + 1,
                    vault: Arc::clone(&self.vault),
                    revealed: Arc::clone(&self.revealed),
                });
                let named = |error: TemplateError| TemplateError {
                    message: format!("variable `{name}` of host {}: {}", self.host, error.message),
                    ..error
                };
                // One expression alone keeps its type: a list stays a list.
                if let Some(expression) = sole_expression(text) {
                    return deeper.evaluate(expression).map_err(named);
                }
                deeper.render(text, Into::Text).map(Json::String).map_err(named)
            }
            Json::Array(items) => {
                items.iter().map(|item| self.settle(name, item)).collect::<Result<_, _>>().map(Json::Array)
            }
            Json::Object(object) => match sealed(value) {
                Some(Sealed::Vault(text)) => self.unseal(name, text),
                Some(Sealed::Opened(inner)) => {
                    *self.revealed() = Some(name.to_owned());
                    self.settle(name, inner)
                }
                Some(Sealed::Unsafe(plain)) => Ok(plain.clone()),
                None => object
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.settle(name, item)?)))
                    .collect::<Result<_, _>>()
                    .map(Json::Object),
            },
            _ => Ok(value.clone()),
        }
    }

    /// The text of a `!vault` value, which Ansible takes as it is, never as a template.
    fn unseal(&self, name: &str, text: &str) -> Result<serde_json::Value, TemplateError> {
        *self.revealed() = Some(name.to_owned());
        let opened = self.vault.open_text(text).map(serde_json::Value::String);
        opened.map_err(|Trouble { message, hint }| {
            let place = self.vault.place(text).map(|place| format!(" ({place})")).unwrap_or_default();
            let host = &self.host;
            let message =
                format!("variable `{name}` of host {host}{place} is encrypted with Ansible Vault: {message}");
            TemplateError { message, hint }
        })
    }

    fn revealed(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.revealed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn explain(&self, error: &Error, missing: Option<String>) -> TemplateError {
        // What a nested variable said is the real reason.
        let mut source: Option<&dyn std::error::Error> = Some(error);
        while let Some(inner) = source {
            if let Some(nested) = inner.downcast_ref::<Nested>() {
                return nested.0.clone();
            }
            source = inner.source();
        }
        if let (ErrorKind::UndefinedError, Some(name)) = (error.kind(), missing) {
            let hint = nearest(&name, self.vars.keys().chain(self.common.keys()).map(String::as_str))
                .map(|near| format!("did you mean `{near}`?"))
                .or_else(|| {
                    Some(format!("define it in the play's vars, in the inventory or with -e {name}=…"))
                });
            return TemplateError {
                message: format!("undefined variable `{name}` for host {}", self.host),
                hint,
            };
        }
        // A detail may quote a value.
        let detail = error.detail().filter(|_| self.revealed().is_none());
        let detail = detail.map_or_else(|| error.kind().to_string(), str::to_owned);
        TemplateError { message: format!("template: {detail} (host {})", self.host), hint: None }
    }
}

/// The expression of a template that is nothing but `{{ expression }}`.
fn sole_expression(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{") && !inside.contains("}}")).then_some(inside.trim())
}

/// An error of a variable inside a variable, on its way through minijinja.
#[derive(Debug)]
struct Nested(TemplateError);

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Nested {}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let value = self.get(name)?;
        Some(match self.settle(name, value) {
            // JSON's kinds are all minijinja's, so this conversion has no way to fail.
            Ok(settled) => serde_json::from_value(settled).unwrap_or(Value::UNDEFINED),
            Err(error) => Value::from(
                Error::new(ErrorKind::InvalidOperation, error.message.clone()).with_source(Nested(error)),
            ),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// Every combination of the lists that are marked in `rendered`.
fn multiply_out(rendered: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = rendered;
    while let Some((before, after)) = rest.split_once(LIST.0) {
        let (items, after) = after.split_once(LIST.2).unwrap_or((after, ""));
        let items: Vec<&str> = if items.is_empty() { Vec::new() } else { items.split(LIST.1).collect() };
        words = words
            .iter()
            .flat_map(|word| items.iter().map(move |item| format!("{word}{before}{item}")))
            .collect();
        rest = after;
    }
    for word in &mut words {
        word.push_str(rest);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn renderer(vars: serde_json::Value) -> Renderer {
        let serde_json::Value::Object(object) = vars else { panic!("an object") };
        Renderer::new("b1", object.into_iter().collect())
    }

    #[test]
    fn variables_indexing_and_default() {
        let r = renderer(json!({"log_dirs": ["/a", "/b"], "topic": "t"}));
        assert_eq!(r.text("{{ log_dirs[0] }}/{{ topic }}-*").unwrap(), "/a/t-*");
        assert_eq!(r.text("{{ nothing | default('x') }}").unwrap(), "x");
        assert_eq!(r.text("no template").unwrap(), "no template");
    }

    #[test]
    fn a_list_becomes_several_words() {
        let r = renderer(json!({"dirs": ["/a", "/b c"], "topics": ["x", "y"], "empty": []}));
        assert_eq!(
            r.words("{{ dirs }}/{{ topics }}-*").unwrap(),
            ["/a/x-*", "/a/y-*", "/b c/x-*", "/b c/y-*"]
        );
        assert_eq!(r.words("{{ empty }}/x").unwrap(), Vec::<String>::new());
        assert_eq!(r.command("du -s {{ dirs }}/").unwrap(), "du -s /a '/b c'/");
    }

    #[test]
    fn values_cannot_inject_shell() {
        let r = renderer(json!({"topic": "x; rm -rf / $(id)"}));
        assert_eq!(r.command("du -s {{ topic }}").unwrap(), "du -s 'x; rm -rf / $(id)'");
    }

    #[test]
    fn a_variable_may_hold_a_template() {
        let r = renderer(
            json!({"a": "{{ b }}-1", "b": "{{ c }}", "c": "z", "l": "{{ m }}", "m": ["p", "q"], "d": "{{ no | default(['x']) }}"}),
        );
        assert_eq!(r.text("{{ a }}").unwrap(), "z-1");
        assert_eq!(r.var("l").unwrap(), Some(json!(["p", "q"])));
        assert_eq!(r.words("{{ d }}/y").unwrap(), ["x/y"]);
    }

    #[test]
    fn what_is_undefined_is_named_with_its_neighbour() {
        let r = renderer(json!({"topic": "t", "a": "{{ topik }}"}));
        let error = r.text("{{ topik }}").unwrap_err();
        assert_eq!(error.message, "undefined variable `topik` for host b1");
        assert_eq!(error.hint.as_deref(), Some("did you mean `topic`?"));
        let nested = r.text("{{ a }}").unwrap_err();
        assert!(nested.message.contains("variable `a` of host b1"), "{nested}");
        assert!(nested.message.contains("topik"), "{nested}");
    }

    #[test]
    fn a_circle_is_an_error() {
        let r = renderer(json!({"a": "{{ b }}", "b": "{{ a }}x", "c": "{{ c }}"}));
        assert!(r.text("{{ a }}").unwrap_err().message.contains("refers to itself"));
        assert!(r.var("c").unwrap_err().message.contains("refers to itself"));
    }

    #[test]
    fn lookups_and_vaults_are_refused_by_name() {
        let r = renderer(
            json!({"s": {"__ansible_vault": "x"}, "u": {"__ansible_unsafe": "{{ raw }}"}, "l": "{{ lookup('env','X') }}"}),
        );
        assert!(r.text("{{ s }}").unwrap_err().message.contains("variable `s` of host b1"));
        assert_eq!(r.text("{{ u }}").unwrap(), "{{ raw }}");
        let error = r.text("{{ l }}").unwrap_err();
        assert!(error.message.contains("`l`") && error.message.contains("b1"), "{error}");
    }
}
