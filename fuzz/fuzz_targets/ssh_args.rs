//! Arguments for ssh are understood or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::ssh::args::{SshArgs, Tokens};

fuzz_target!(|text: &str| {
    let _ = SshArgs::parse(text);
    let tokens = Tokens { host: "node", port: 22, user: "ops", home: "/home/ops", local_user: "ops" };
    let _ = tokens.expand(text);
});
