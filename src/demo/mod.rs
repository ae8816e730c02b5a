//! An embedded fleet of SSH servers that hold a recorded incident.
//!
//! A [`Fleet`] is a number of real SSH servers on 127.0.0.1, in this process, whose commands run in
//! a real shell, each node's in a sandbox of its own; a [`Fault`] makes a node misbehave. A [`Demo`]
//! is a fleet of three whose sandboxes hold the brokers of [`incident`].

mod brokers;
mod cleaner_log;
mod error;
mod exec;
mod files;
mod fleet;
pub mod incident;
mod installation;
mod log_file;
mod node;
mod replicas;
mod server;
mod server_log;
mod wire;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use error::DemoError;
pub use fleet::{Fleet, FleetBuilder};
pub use node::{Fault, Node};

/// The incident's three brokers, running; servers and files go with this value.
#[derive(Debug)]
pub struct Demo {
    fleet: Fleet,
    /// After the fleet: the directory goes once the servers were told to stop.
    _dir: TempDir,
}

impl Demo {
    /// Starts the servers, and writes the incident into their sandboxes in a temporary directory.
    pub async fn start() -> Result<Self, DemoError> {
        let dir = tempfile::Builder::new().prefix("roundsman-demo-").tempdir();
        let dir = dir.map_err(DemoError::io("cannot make a temporary directory"))?;
        let mut builder = Fleet::builder().dir(dir.path());
        for (index, broker) in incident::BROKERS.iter().enumerate() {
            builder = builder.node(broker.address).broker_id(index, broker.id);
        }
        let fleet = builder.start().await?;
        let sandboxes: Vec<PathBuf> = fleet.nodes().iter().map(|node| node.sandbox().to_owned()).collect();
        let written = tokio::task::spawn_blocking(move || brokers::write(&sandboxes)).await;
        written.map_err(|lost| DemoError::io("cannot write the incident")(lost.into()))??;
        Ok(Demo { fleet, _dir: dir })
    }

    /// The servers.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The directory that holds everything, absolute.
    pub fn dir(&self) -> &Path {
        self.fleet.dir()
    }

    /// The inventory of the three brokers, in the group `queue_nodes`.
    pub fn inventory_path(&self) -> PathBuf {
        self.fleet.inventory_path()
    }

    /// Stops the servers, waits until every connection and command has ended, removes the files.
    pub async fn stop(self) {
        self.fleet.stop().await;
    }
}

#[cfg(test)]
mod tests;
