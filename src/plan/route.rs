//! One host's variables and the options into the way to its sshd.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::error::Refusal;
use crate::playbook::template::Renderer;
use crate::ssh::args::{JumpSpec, SshArgs, Tokens};
use crate::ssh::{HostKeyPolicy, Route, default_identities};

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
    pub home: Option<PathBuf>,
    /// Who runs this.
    pub local_user: String,
    /// `SSH_AUTH_SOCK`.
    pub agent: Option<PathBuf>,
}

/// The way to a host, the user to become there, and what was ignored.
pub struct Way {
    pub route: Route,
    pub become_user: Option<String>,
    pub warnings: Vec<String>,
}

/// Resolves `host`'s connection variables.
///
/// # Errors
/// A variable of the wrong kind, a template that can't be rendered, a key file that is not there.
pub fn way(host: &str, vars: &Renderer, options: &ConnectionOptions) -> Result<Way, Refusal> {
    let vars = HostVars { host, vars };
    if let Some(kind) = vars.text("ansible_connection")?
        && !matches!(kind.as_str(), "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "ansible.builtin.ssh")
    {
        return Err(
            vars.wrong("ansible_connection", &format!("`{kind}` is not SSH, the only way roundsman goes"))
        );
    }
    // By themselves first: a slip on the command line is not the inventory's.
    if let Some(given) = &options.ssh_args {
        SshArgs::parse(given)
            .map_err(|error| Refusal::usage(format!("--ssh-common-args: {}", error.message)))?;
    }
    let mut words = String::new();
    for given in [
        options.ssh_args.clone(),
        vars.text("ansible_ssh_common_args")?,
        vars.text("ansible_ssh_extra_args")?,
    ]
    .into_iter()
    .flatten()
    {
        words.push(' ');
        words.push_str(&given);
    }
    let args =
        SshArgs::parse(&words).map_err(|error| vars.wrong("ansible_ssh_common_args", &error.message))?;
    let user = match vars.text("ansible_user")? {
        Some(user) => Some(user),
        None => vars.text("ansible_ssh_user")?,
    };
    let user = user.or(options.user.clone()).or(args.user.clone()).unwrap_or(options.local_user.clone());
    let address = match vars.text("ansible_host")? {
        Some(address) => Some(address),
        None => vars.text("ansible_ssh_host")?,
    };
    let address = address.unwrap_or_else(|| host.to_owned());
    let port = match vars.number("ansible_port")? {
        Some(port) => Some(port),
        None => vars.number("ansible_ssh_port")?,
    };
    let port = match port {
        Some(port) => Some(
            u16::try_from(port)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| vars.wrong("ansible_port", &format!("{port} is no port")))?,
        ),
        None => args.port,
    };
    for (word, what) in [(&user, "user"), (&address, "host")] {
        if let Some(complaint) = unsafe_word(word) {
            return Err(Refusal::Variable(format!("host {host}: the {what} name {word:?} {complaint}")));
        }
    }
    let mut route = Route::new(address, user);
    route.port = port.unwrap_or(22);
    route.agent = options.agent.clone();
    route.default_identities = options.home.as_deref().map(default_identities).unwrap_or_default();
    let key = match vars.text("ansible_ssh_private_key_file")? {
        Some(key) => Some(key),
        None => vars.text("ansible_private_key_file")?,
    };
    let local = Local { options, route_host: route.host.clone(), port: route.port, user: route.user.clone() };
    let mut keys: Vec<PathBuf> = Vec::new();
    match key {
        Some(key) => keys.push(local.path(Path::new(&key))),
        None => keys.extend(options.private_key.clone()),
    }
    keys.extend(args.identity_files.iter().map(|key| local.path(key)));
    for key in &keys {
        // Found out now, not on a hundred hosts.
        if let Err(error) = std::fs::metadata(key) {
            return Err(Refusal::File(crate::error::FileError::whole(
                key,
                format!("the private key of host {host} can't be read: {error}"),
            )));
        }
    }
    route.identity_files = keys;
    route.identities_only = args.identities_only.unwrap_or(false);
    let policy = match vars.boolean("ansible_host_key_checking")? {
        None => vars.boolean("ansible_ssh_host_key_checking")?,
        some => some,
    };
    route.host_keys = match (args.host_keys, policy) {
        (_, Some(false)) => HostKeyPolicy::Off,
        (Some(policy), _) => policy,
        (None, _) => HostKeyPolicy::Strict,
    };
    let files = local.known_hosts(args.user_known_hosts.as_deref());
    route.accept_new_into = files.first().cloned();
    route.known_hosts =
        files.into_iter().chain(local.global_known_hosts(args.global_known_hosts.as_deref())).collect();
    let seconds = vars.number("ansible_timeout")?.and_then(|seconds| u64::try_from(seconds).ok());
    route.timeout = options.timeout.or(args.connect_timeout).or(seconds.map(Duration::from_secs));
    route.jump = local.jumps(args.jump.as_deref().unwrap_or_default(), &route);
    let become_user = becomes(&vars, options)?;
    let mut warnings: Vec<String> = args.warnings;
    if route.host_keys == HostKeyPolicy::Off {
        warnings.push("host keys are not checked: whoever answers is believed".to_owned());
    }
    Ok(Way { route, become_user, warnings })
}

/// The user to become, if any.
fn becomes(vars: &HostVars<'_>, options: &ConnectionOptions) -> Result<Option<String>, Refusal> {
    if !vars.boolean("ansible_become")?.unwrap_or(options.become_root) {
        return Ok(None);
    }
    if let Some(method) = vars.text("ansible_become_method")?
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
fn unsafe_word(word: &str) -> Option<&'static str> {
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

/// What paths and jumps are resolved with.
struct Local<'a> {
    options: &'a ConnectionOptions,
    route_host: String,
    port: u16,
    user: String,
}

impl Local<'_> {
    fn path(&self, path: &Path) -> PathBuf {
        let home = self.options.home.as_deref().map(Path::to_string_lossy).unwrap_or_default();
        let tokens = Tokens {
            host: &self.route_host,
            port: self.port,
            user: &self.user,
            home: &home,
            local_user: &self.options.local_user,
        };
        PathBuf::from(tokens.expand(&path.to_string_lossy()))
    }

    fn known_hosts(&self, given: Option<&[PathBuf]>) -> Vec<PathBuf> {
        match given {
            Some(files) => files.iter().map(|file| self.path(file)).collect(),
            None => {
                let ssh = self.options.home.as_deref().map(|home| home.join(".ssh"));
                ssh.map(|ssh| vec![ssh.join("known_hosts"), ssh.join("known_hosts2")]).unwrap_or_default()
            }
        }
    }

    fn global_known_hosts(&self, given: Option<&[PathBuf]>) -> Vec<PathBuf> {
        match given {
            Some(files) => files.iter().map(|file| self.path(file)).collect(),
            None => ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"].map(PathBuf::from).to_vec(),
        }
    }

    /// The chain of jump hosts, the last one being the nearest to the node.
    fn jumps(&self, specs: &[JumpSpec], node: &Route) -> Option<Arc<Route>> {
        let mut way: Option<Arc<Route>> = None;
        for spec in specs {
            // As with ssh -J, the node's -i, -l and -p are not the jump host's.
            let mut jump =
                Route::new(spec.host.clone(), spec.user.clone().unwrap_or(self.options.local_user.clone()));
            jump.port = spec.port.unwrap_or(22);
            jump.agent = node.agent.clone();
            jump.default_identities = node.default_identities.clone();
            jump.identity_files = match spec.identity_files.is_empty() {
                // ssh would take them from its configuration; here the node's keys are all there is.
                true => node.identity_files.clone(),
                false => spec.identity_files.iter().map(|key| self.path(key)).collect(),
            };
            jump.identities_only = node.identities_only;
            jump.host_keys = spec.host_keys.unwrap_or(node.host_keys);
            jump.known_hosts = match &spec.user_known_hosts {
                Some(files) => files.iter().map(|file| self.path(file)).collect(),
                None => node.known_hosts.clone(),
            };
            jump.accept_new_into = node.accept_new_into.clone();
            jump.timeout = node.timeout;
            jump.jump = way.take();
            way = Some(Arc::new(jump));
        }
        way
    }
}

/// A host's variables, with errors that name the host and the variable.
struct HostVars<'a> {
    host: &'a str,
    vars: &'a Renderer,
}

impl HostVars<'_> {
    fn wrong(&self, name: &str, message: &str) -> Refusal {
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
