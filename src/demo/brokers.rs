//! The incident written to disk: every broker's files, each into its sandbox.

use std::path::{Path, PathBuf};

use super::error::DemoError;
use super::incident::{BROKERS, Broker};
use super::{cleaner_log, installation, replicas, server_log};

/// Writes all brokers at once, each into its sandbox: `services/kafka` and `services/log/kafka`.
pub(super) fn write(sandboxes: &[PathBuf]) -> Result<(), DemoError> {
    std::thread::scope(|scope| {
        let writers = sandboxes.iter().zip(&BROKERS).map(|(sandbox, broker)| {
            scope.spawn(move || {
                let doing = || format!("cannot write the incident into {}", sandbox.display());
                write_broker(sandbox, broker).map_err(DemoError::io(doing()))
            })
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().try_for_each(|writer| {
            let lost = || Err(DemoError::io("cannot write the incident")(std::io::ErrorKind::Other.into()));
            writer.join().unwrap_or_else(|_| lost())
        })
    })
}

fn write_broker(sandbox: &Path, broker: &Broker) -> std::io::Result<()> {
    let (kafka, logs) = (sandbox.join("services/kafka"), sandbox.join("services/log/kafka"));
    std::fs::create_dir_all(&kafka)?;
    std::fs::create_dir_all(&logs)?;
    replicas::write(&kafka, broker)?;
    server_log::write(&logs, broker)?;
    cleaner_log::write(&logs, broker)?;
    installation::write(sandbox, broker)
}

#[cfg(test)]
mod tests;
