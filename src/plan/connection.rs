//! What flags, environment and `ansible.cfg` say about connections.

use std::path::PathBuf;
use std::time::Duration;

use crate::ansible;
use crate::ssh::HostKeyPolicy;

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
