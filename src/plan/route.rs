//! One host's variables and the options into the way to its sshd.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::connection::ConnectionOptions;
use super::given::{Given, unsafe_word};
use super::leg::Legs;
use super::source::{Settings, Source};
use super::vars::HostVars;
use crate::error::Refusal;
use crate::playbook::template::Renderer;
use crate::ssh::args::{ArgsError, SshArgs, values};
use crate::ssh::{HostKeyPolicy, Route};
use crate::ssh_config::{Choice, Query, SshConfig};

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
