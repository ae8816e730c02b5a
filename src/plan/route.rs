//! One host's variables and the options into the way to its sshd.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::given::Given;
use super::leg::Legs;
use super::source::{Settings, Source};
use crate::ansible;
use crate::error::Refusal;
use crate::playbook::template::Renderer;
use crate::ssh::args::{ArgsError, SshArgs, values};
use crate::ssh::{HostKeyPolicy, Route};
use crate::ssh_config::{Choice, Query, SshConfig};

/// What the command line and the environment say about connections; it stands above the inventory.
#[derive(Debug, Clone, Default)]
pub struct ConnectionOptions {
    /// `-u`: the user where the inventory names none, as in Ansible.
    pub user: Option<String>,
    /// `--private-key`: the key where the inventory names none.
    pub private_key: Option<PathBuf>,
    /// `-T`, which stands above `ConnectTimeout`.
    pub timeout: Option<Duration>,
    /// `-b`.
    pub become_root: bool,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `--become-method`.
    pub become_method: Option<String>,
    /// `--batch`: nobody is asked for anything.
    pub batch: bool,
    /// `--ssh-common-args`: added before the inventory's.
    pub ssh_args: Option<String>,
    /// `-F`: ssh's configuration instead of the usual files, or `none`.
    pub config: Option<String>,
    pub home: Option<PathBuf>,
    /// Who runs this.
    pub local_user: String,
    /// `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
    /// `--host-key-checking`, which stands above all else.
    pub host_keys: Option<HostKeyPolicy>,
    /// What `ansible.cfg` says: it counts where the inventory says nothing.
    pub configured: Configured,
}

/// The settings of Ansible's that stand below the variable of the same meaning.
#[derive(Debug, Clone, Default)]
pub struct Configured {
    pub user: Option<String>,
    pub private_key: Option<PathBuf>,
    pub ssh_args: Option<String>,
    pub ssh_common_args: Option<String>,
    pub ssh_extra_args: Option<String>,
    pub host_key_checking: Option<bool>,
    pub port: Option<u16>,
    pub become_method: Option<String>,
}

impl Configured {
    /// Those of these settings.
    pub fn of(settings: &ansible::Settings) -> Configured {
        Configured {
            user: settings.remote_user.clone(),
            private_key: settings.private_key.clone(),
            ssh_args: settings.ssh_args.clone(),
            ssh_common_args: settings.ssh_common_args.clone(),
            ssh_extra_args: settings.ssh_extra_args.clone(),
            host_key_checking: settings.host_key_checking,
            port: settings.remote_port,
            become_method: settings.become_method.clone(),
        }
    }
}

/// The way to a host, the user to become there, and what was ignored.
pub struct Way {
    pub route: Route,
    pub become_user: Option<String>,
    pub warnings: Vec<String>,
    /// What is effective and where it comes from: the node's settings, then those of its jump hosts.
    pub settings: Vec<Settings>,
}

/// What a host's variables and the options say about its connection, before ssh's configuration is asked.
pub struct Draft<'a> {
    vars: HostVars<'a>,
    options: &'a ConnectionOptions,
    given: Given,
    warnings: Vec<String>,
}

/// Resolves `host`'s connection variables.
///
/// # Errors
/// A variable of the wrong kind, a template that can't be rendered, a key file that is not there, a
/// configuration that ssh refuses.
pub fn way(
    host: &str,
    vars: &Renderer,
    options: &ConnectionOptions,
    config: &SshConfig,
) -> Result<Way, Refusal> {
    Draft::read(host, vars, options)?.way(config)
}

impl<'a> Draft<'a> {
    /// Reads the variables.
    ///
    /// # Errors
    /// A variable of the wrong kind, a template that can't be rendered.
    pub fn read(host: &'a str, vars: &'a Renderer, options: &'a ConnectionOptions) -> Result<Self, Refusal> {
        let vars = HostVars { host, vars };
        if let Some(kind) = vars.text("ansible_connection")?
            && !matches!(kind.as_str(), "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "ansible.builtin.ssh")
        {
            return Err(vars
                .wrong("ansible_connection", &format!("`{kind}` is not SSH, the only way roundsman goes")));
        }
        let layers = layers(&vars, options)?;
        let (address, named_by) = match vars.either("ansible_host", "ansible_ssh_host")? {
            Some(address) => address,
            None => (host.to_owned(), Source::Name),
        };
        let mut given = Given::of(format!("host {host}"), (address, named_by), &layers);
        let flag = options.user.clone().map(|user| (user, Source::CommandLine("--user")));
        let configured = options.configured.user.clone().map(|user| (user, Source::Ansible("remote_user")));
        given.user = vars.either("ansible_user", "ansible_ssh_user")?.or(flag).or(configured).or(given.user);
        if let Some((port, source)) = vars.either("ansible_port", "ansible_ssh_port")? {
            let port = values::port(&port)
                .ok_or_else(|| vars.wrong("ansible_port", &format!("{port} is no port")))?;
            given.port = Some((port, source));
        }
        given.port =
            given.port.or(options.configured.port.map(|port| (port, Source::Ansible("remote_port"))));
        let key = match vars.either("ansible_ssh_private_key_file", "ansible_private_key_file")? {
            Some((key, source)) => Some((PathBuf::from(key), source)),
            None => {
                let flag = options.private_key.clone().map(|key| (key, Source::CommandLine("--private-key")));
                let configured = options.configured.private_key.clone();
                flag.or(configured.map(|key| (key, Source::Ansible("private_key_file"))))
            }
        };
        if let Some((key, source)) = key {
            given.keys.insert(0, (key, source, true));
        }
        let configured = options.configured.host_key_checking;
        let mut checked = configured.map(|checked| (checked, Source::Ansible("host_key_checking")));
        for name in ["ansible_host_key_checking", "ansible_ssh_host_key_checking"] {
            if let Some(said) = vars.boolean(name)? {
                checked = Some((said, Source::Variable(name.to_owned())));
                break;
            }
        }
        // Ansible says nothing where keys are to be checked, and so leaves it to the arguments.
        if let Some((false, source)) = checked {
            given.host_keys = Some((HostKeyPolicy::Off, source));
        }
        let flag = options.host_keys.map(|policy| (policy, Source::CommandLine("--host-key-checking")));
        given.host_keys = flag.or(given.host_keys);
        let seconds = vars.number("ansible_timeout")?.and_then(|seconds| u64::try_from(seconds).ok());
        let by_variable =
            seconds.map(|at| (Duration::from_secs(at), Source::Variable("ansible_timeout".to_owned())));
        let by_flag = options.timeout.map(|timeout| (timeout, Source::CommandLine("--timeout")));
        given.timeout = by_flag.or(by_variable).or(given.timeout);
        let legacy = vars.boolean("roundsman_legacy")?;
        given.legacy = legacy.map(|legacy| (legacy, Source::Variable("roundsman_legacy".to_owned())));
        let file =
            options.config.as_deref().or_else(|| layers.iter().find_map(|(_, args)| args.config.as_deref()));
        if let Some(file) = file {
            given.choice = Choice::of(file, options.home.as_deref().unwrap_or(Path::new("")));
        }
        let mut warnings = Vec::new();
        for warning in layers.into_iter().flat_map(|(_, args)| args.warnings) {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(Draft { vars, options, given, warnings })
    }

    /// What ssh's configuration will be asked; nothing if the names must not get that far.
    pub fn query(&self) -> Option<Query> {
        let is_safe = |word: &str| unsafe_word(word).is_none();
        let user = self.given.user.as_ref().is_none_or(|(user, _)| is_safe(user));
        (user && is_safe(&self.given.name.0)).then(|| Legs::query(&self.given))
    }

    /// The way, with what ssh's configuration adds.
    ///
    /// # Errors
    /// As [`way`].
    pub fn way(self, config: &SshConfig) -> Result<Way, Refusal> {
        let mut legs = Legs {
            host: self.vars.host,
            options: self.options,
            config,
            warnings: self.warnings,
            settings: Vec::new(),
        };
        let route = legs.build(&self.given, None, &[])?;
        let (mut warnings, settings) = (legs.warnings, legs.settings);
        let become_user = becomes(&self.vars, self.options)?;
        if route.host_keys == HostKeyPolicy::Off {
            warnings.push("host keys are not checked: whoever answers is believed".to_owned());
        }
        Ok(Way { route, become_user, warnings, settings })
    }
}

/// ssh's arguments, those that count more first.
fn layers(vars: &HostVars<'_>, options: &ConnectionOptions) -> Result<Vec<(Source, SshArgs)>, Refusal> {
    let mut layers = Vec::new();
    if let Some(given) = &options.ssh_args {
        let args = SshArgs::parse(given)
            .map_err(|error| Refusal::usage(format!("--ssh-common-args: {}", error.message)))?;
        layers.push((Source::CommandLine("--ssh-common-args"), args));
    }
    let configured = &options.configured;
    for (name, setting, configured) in [
        ("ansible_ssh_args", "ssh_args", &configured.ssh_args),
        ("ansible_ssh_common_args", "ssh_common_args", &configured.ssh_common_args),
        ("ansible_ssh_extra_args", "ssh_extra_args", &configured.ssh_extra_args),
    ] {
        if let Some(given) = vars.text(name)? {
            let args = SshArgs::parse(&given).map_err(|error| vars.wrong(name, &error.message))?;
            layers.push((Source::Variable(name.to_owned()), args));
        } else if let Some(given) = configured {
            let wrong =
                |error: ArgsError| Refusal::usage(format!("Ansible's setting {setting}: {}", error.message));
            layers.push((Source::Ansible(setting), SshArgs::parse(given).map_err(wrong)?));
        }
    }
    Ok(layers)
}

/// The user to become, if any.
fn becomes(vars: &HostVars<'_>, options: &ConnectionOptions) -> Result<Option<String>, Refusal> {
    if !vars.boolean("ansible_become")?.unwrap_or(options.become_root) {
        return Ok(None);
    }
    if let Some(method) = vars.text("ansible_become_method")?.or(options.configured.become_method.clone())
        && crate::shell::becoming::Method::named(&method).is_none()
    {
        return Err(
            vars.wrong("ansible_become_method", &format!("`{method}` is not known; sudo, su and doas are"))
        );
    }
    let user = vars
        .text("ansible_become_user")?
        .or(options.become_user.clone())
        .unwrap_or_else(|| "root".to_owned());
    match unsafe_word(&user) {
        Some(complaint) => Err(vars.wrong("ansible_become_user", &format!("{user:?} {complaint}"))),
        None => Ok(Some(user)),
    }
}

/// Names go into messages and commands of others; none of theirs ever looks like this.
pub(super) fn unsafe_word(word: &str) -> Option<&'static str> {
    if word.is_empty() {
        Some("is empty")
    } else if word.starts_with('-') {
        Some("begins with a dash")
    } else if word.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"`$\\;&<>|(){}!*?#".contains(c))
    {
        Some("holds a character that a shell would act on")
    } else {
        None
    }
}

/// A host's variables, with errors that name the host and the variable.
struct HostVars<'a> {
    host: &'a str,
    vars: &'a Renderer,
}

impl HostVars<'_> {
    fn wrong(&self, name: &str, message: &str) -> Refusal {
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

    fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(self.wrong(name, &format!("this is text, not {other}"))),
        }
    }

    /// One of two names for the same thing, the first above the second.
    fn either(&self, name: &str, other: &str) -> Result<Option<(String, Source)>, Refusal> {
        for name in [name, other] {
            if let Some(text) = self.text(name)? {
                return Ok(Some((text, Source::Variable(name.to_owned()))));
            }
        }
        Ok(None)
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.wrong(name, &format!("`{text}` is no number")))
    }

    /// Ansible's truths: yes, true, on, 1 in whatever case.
    fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
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
