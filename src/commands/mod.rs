//! One file per subcommand: resolve, call, print.
