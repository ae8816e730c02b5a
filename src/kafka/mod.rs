//! What Kafka's files and messages mean. Pure.
//!
//! Everything that depends on Kafka's own conventions stands here, each with the file of Kafka and
//! the versions that it was taken from: directory names, checkpoint files, `meta.properties`, log
//! records, the catalogue of messages and the known bugs. Nothing here compares or judges.

pub mod broker_id;
pub mod bugs;
pub mod catalogue;
pub mod checkpoint;
pub mod event;
pub mod events;
pub mod harmless;
pub mod log_clock;
pub mod log_name;
pub mod meta_properties;
pub mod record;
pub mod replica_dir;
