//! A fleet: many SSH servers in this process, with the files a client needs to visit them.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{Algorithm, PrivateKey, ssh_key};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::error::DemoError;
use super::files;
use super::node::{Fault, Node};
use super::server::{self, Host, Neighbourhood, Port};

/// Descriptors a node may need at once: its port, both ends of a connection, a command's pipes.
const DESCRIPTORS_PER_NODE: u64 = 8;

/// What a fleet shall be.
#[derive(Debug, Default)]
pub struct FleetBuilder {
    names: Vec<String>,
    group: Option<String>,
    dir: Option<PathBuf>,
    shared_sandbox: Option<PathBuf>,
    faults: BTreeMap<usize, Fault>,
    vars: BTreeMap<usize, BTreeMap<String, String>>,
}

impl FleetBuilder {
    /// Adds one node with this name.
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Adds `count` nodes, named `node-001` and so on.
    pub fn nodes(mut self, count: usize) -> Self {
        let first = self.names.len() + 1;
        self.names.extend((first..first + count).map(|n| format!("node-{n:03}")));
        self
    }

    /// The inventory group the nodes stand in; `queue_nodes` unless said.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Gives node `index` (from 0) a fault.
    pub fn fault(mut self, index: usize, fault: Fault) -> Self {
        self.faults.insert(index, fault);
        self
    }

    /// Gives node `index` (from 0) a host variable in the inventory, a string.
    pub fn var(mut self, index: usize, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.vars.entry(index).or_default().insert(name.into(), value.into());
        self
    }

    /// Gives node `index` (from 0) its `kafka_broker_id`.
    pub fn broker_id(self, index: usize, id: u32) -> Self {
        self.var(index, "kafka_broker_id", id.to_string())
    }

    /// Where key, known_hosts, inventory and sandboxes go; a temporary directory unless said.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// One directory that all nodes share instead of a sandbox each.
    pub fn shared_sandbox(mut self, dir: impl Into<PathBuf>) -> Self {
        self.shared_sandbox = Some(dir.into());
        self
    }

    /// Opens the ports, writes the files and serves until the [`Fleet`] is dropped.
    pub async fn start(self) -> Result<Fleet, DemoError> {
        let count = self.names.len();
        let named = self.faults.keys().chain(self.vars.keys());
        if let Some(index) = named.copied().find(|index| *index >= count) {
            return Err(DemoError::NoSuchNode(index));
        }
        let (dir, temporary) = match &self.dir {
            Some(dir) => (absolute(dir)?, None),
            None => {
                let new = tempfile::Builder::new().prefix("roundsman-demo-").tempdir();
                let new = new.map_err(DemoError::io("cannot make a temporary directory"))?;
                (absolute(new.path())?, Some(new))
            }
        };
        raise_descriptor_limit(count);
        let mut nodes = Vec::with_capacity(count);
        let mut ports = Vec::with_capacity(count);
        for (index, name) in self.names.into_iter().enumerate() {
            let fault = self.faults.get(&index).copied().unwrap_or_default();
            let port = Port::bind(fault).map_err(DemoError::io("cannot listen on 127.0.0.1"))?;
            let address = port.address().map_err(DemoError::io("cannot listen on 127.0.0.1"))?;
            let sandbox = match &self.shared_sandbox {
                Some(shared) => absolute(shared)?,
                None => dir.join("nodes").join(&name),
            };
            let vars = self.vars.get(&index).cloned().unwrap_or_default();
            nodes.push(Node { name, address, sandbox, vars, fault });
            ports.push(port);
        }
        let user_key = new_key()?;
        let host_keys = nodes.iter().map(|_| new_key()).collect::<Result<Vec<_>, _>>()?;
        let group = self.group.as_deref().unwrap_or("queue_nodes");
        files::write(&dir, group, &nodes, &user_key, &host_keys)?;

        let (stop, stopped) = watch::channel(());
        let (alive, all_gone) = mpsc::channel(1);
        let neighbourhood = Arc::new(Neighbourhood {
            user_key: user_key.public_key().clone(),
            ports: nodes.iter().map(|node| node.address.port()).collect::<HashSet<_>>(),
            stop: stopped,
            alive,
        });
        for ((node, port), key) in nodes.iter().zip(ports).zip(host_keys) {
            let shown = if node.fault == Fault::WrongHostKey { new_key()? } else { key };
            let host = Arc::new(Host::new(node.sandbox.clone(), node.fault, shown));
            tokio::spawn(server::serve(port, host, neighbourhood.clone()));
        }
        Ok(Fleet { nodes, dir, stop, all_gone, _temporary: temporary })
    }
}

/// Running SSH servers, which end with this value.
#[derive(Debug)]
pub struct Fleet {
    nodes: Vec<Node>,
    dir: PathBuf,
    /// Dropping it ends every listener, connection and command.
    stop: watch::Sender<()>,
    all_gone: mpsc::Receiver<Infallible>,
    /// The last field: the directory goes after the servers were told to stop.
    _temporary: Option<TempDir>,
}

impl Fleet {
    /// An empty fleet to be described.
    pub fn builder() -> FleetBuilder {
        FleetBuilder::default()
    }

    /// The servers, in the order they were added.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The directory all files are in, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// An inventory of the fleet in Ansible's YAML.
    pub fn inventory_path(&self) -> PathBuf {
        self.dir.join(files::INVENTORY)
    }

    /// The known_hosts file with every node's host key.
    pub fn known_hosts_path(&self) -> PathBuf {
        self.dir.join(files::KNOWN_HOSTS)
    }

    /// The private key that may log in, in OpenSSH's format, mode 0600.
    pub fn key_path(&self) -> PathBuf {
        self.dir.join(files::KEY)
    }

    /// The user name in the inventory; the servers accept any.
    pub fn user(&self) -> &'static str {
        files::USER
    }

    /// Stops the servers, and waits until every connection and command has ended.
    pub async fn stop(self) {
        let Fleet { stop, mut all_gone, .. } = self;
        drop(stop);
        // Nothing is ever sent: this returns when the last sender is dropped.
        let _: Option<Infallible> = all_gone.recv().await;
    }
}

fn new_key() -> Result<PrivateKey, ssh_key::Error> {
    PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)
}

/// `path` as it is from any directory, made if it is not there.
fn absolute(path: &Path) -> Result<PathBuf, DemoError> {
    let doing = || format!("cannot use the directory {}", path.display());
    std::fs::create_dir_all(path).map_err(DemoError::io(doing()))?;
    std::fs::canonicalize(path).map_err(DemoError::io(doing()))
}

/// Lets a large fleet have its sockets where the soft limit is the usual 1024.
fn raise_descriptor_limit(nodes: usize) {
    let wanted = nodes as u64 * DESCRIPTORS_PER_NODE + 256;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        // Where it fails, the connections beyond the limit will say so themselves.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    }
}
