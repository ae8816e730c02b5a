//! `ProxyCommand="ssh -W %h:%p bastion"`: how jump hosts were written before `ProxyJump`.

use super::jump::destination;
use super::{ArgsError, JumpSpec, SshArgs, refuse, split};

impl JumpSpec {
    /// The jump hosts that a `ProxyCommand` amounts to: those of `ssh -W %h:%p [options] host`, none for
    /// `none`; `None` if it is any other command.
    ///
    /// # Errors
    /// It is one, but with values that make no sense.
    pub fn of_command(command: &str) -> Result<Option<Vec<JumpSpec>>, String> {
        as_jump(command).map_err(|error| error.message)
    }
}

/// The jump hosts that `command` amounts to; `None` if it is anything else than a plain `ssh -W`.
///
/// # Errors
/// It is one, but with values that make no sense.
pub(super) fn as_jump(command: &str) -> Result<Option<Vec<JumpSpec>>, ArgsError> {
    if command.eq_ignore_ascii_case("none") {
        return Ok(Some(Vec::new()));
    }
    let mut words = split(command)?;
    // `exec ssh …` saves a shell and means the same.
    if words.first().is_some_and(|word| word == "exec") {
        words.remove(0);
    }
    if !words.first().is_some_and(|word| word == "ssh" || word.ends_with("/ssh")) {
        return Ok(None);
    }
    words.remove(0);
    let Some(words) = without_forwarding(words) else { return Ok(None) };

    let mut args = SshArgs::default();
    let others = args.read(words)?;
    let [bastion] = others.as_slice() else { return Ok(None) };
    // An option we know nothing of may be what makes this command work.
    if !args.warnings.is_empty() || args.proxy_command.is_some() {
        return Ok(None);
    }
    let named = destination(bastion).map_err(|why| refuse(format!("`ProxyCommand {command}`: {why}")))?;
    let mut chain = args.jump.take().unwrap_or_default();
    chain.push(JumpSpec {
        user: args.user.clone().or(named.user),
        host: named.host,
        port: args.port.or(named.port),
        own: Some(Box::new(args)),
    });
    Ok(Some(chain))
}

/// The words without `-W %h:%p`; `None` if that is not among them.
fn without_forwarding(words: Vec<String>) -> Option<Vec<String>> {
    let is_target = |word: &str| word == "%h:%p" || word == "[%h]:%p";
    let mut rest = Vec::with_capacity(words.len());
    let mut found = false;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.strip_prefix('-').and_then(|flags| flags.split_once('W')) {
            // Only flags without a value may stand before the W in one word, as in `-qW`.
            Some((before, after)) if before.chars().all(|flag| super::IDLE_FLAGS.contains(flag)) => {
                let target = if after.is_empty() { words.next()? } else { after.to_owned() };
                if !is_target(&target) {
                    return None;
                }
                found = true;
            }
            _ => rest.push(word),
        }
    }
    found.then_some(rest)
}
