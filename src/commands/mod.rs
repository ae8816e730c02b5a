//! One file per subcommand: resolve, call, print.

pub mod inventory;
