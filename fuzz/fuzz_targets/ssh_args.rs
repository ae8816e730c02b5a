//! Arguments for ssh are understood or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::ssh::args::{SshArgs, Tokens};

fuzz_target!(|text: &str| {
    let _ = SshArgs::parse(text);
    let tokens = Tokens { host: "node".into(), port: 22, user: "ops".into(), ..Tokens::default() };
    let _ = tokens.expand_file(text);
    let _ = tokens.expand(text);
});
