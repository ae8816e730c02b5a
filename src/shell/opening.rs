//! From the exec to a shell that takes scripts, as another user where one is to become.

use super::becoming::{Asked, Become, Words};
use super::frames::{Frame, Frames};
use super::{Shell, ShellError, script};
use crate::ssh::{Connection, Output, SessionError};

/// Bytes said before the shell was ready that are kept, to explain why it never was.
const PREFACE_LIMIT: usize = 2048;

/// Bytes that are searched for a question while another user is become.
const HEARD_LIMIT: usize = 64 << 10;

impl Shell {
    /// Starts the shell, as another user where `how` says so.
    ///
    /// # Errors
    /// No session, a forced command or a login shell that is none, a `sudo` that refuses.
    pub async fn open(connection: &Connection, how: Option<&Become>) -> Result<Shell, ShellError> {
        let (mut boot, mut terminal) = (script::boot(), false);
        loop {
            let opened = match Self::boot(connection, &boot, how, terminal).await {
                // 127 is a shell's word for "no such command", csh has others: this node has no `nice`.
                Err(ShellError::Ended { status, said })
                    if status == "exit status 127"
                        || status == "exit status 126"
                        || said.contains("nice: ") =>
                {
                    match boot == script::boot() {
                        true => None,
                        false => Some(Err(ShellError::Ended { status, said })),
                    }
                }
                other => Some(other),
            };
            match opened {
                None => boot = script::boot_plainly(),
                // `Defaults requiretty`, and programs that read passwords from a terminal alone.
                Some(Err(ShellError::Become { said, .. })) if !terminal && Become::wants_terminal(&said) => {
                    terminal = true;
                }
                Some(opened) => return opened,
            }
        }
    }

    async fn boot(
        connection: &Connection,
        boot: &str,
        how: Option<&Become>,
        terminal: bool,
    ) -> Result<Shell, ShellError> {
        let (token, errors) = (token(), if terminal { self::token() } else { String::new() });
        let session = |error: SessionError| ShellError::Session(error.to_string());
        let exec = match terminal {
            true => connection.exec_on_terminal(boot.as_bytes()).await,
            false => connection.exec(boot.as_bytes()).await,
        };
        let (mut reader, writer) = exec.map_err(session)?.split();
        let setup = match terminal {
            true => format!("{}{}", script::one_stream(&errors), script::setup(&token)),
            false => script::setup(&token),
        };
        // Where the program may ask, nothing follows its order until the shell inside has spoken.
        let words = Words { prompt: self::token(), ready: self::token(), begun: self::token() };
        let mut waits = how.is_some_and(|how| terminal || how.may_ask());
        let orders = match how {
            Some(how) if waits => how.line(Some(&words)),
            Some(how) => format!("{}{setup}", how.line(None)),
            None => setup.clone(),
        };
        // A command that ended at once refuses its input; why it ended is in what it says.
        let written = writer.write(orders.into_bytes()).await;
        let (mut stdout, mut stderr) = (Frames::new(&token), Frames::new(&errors_of(&token, &errors)));
        let mut preface: Vec<u8> = Vec::new();
        let mut status = written.err().map(|error| error.to_string());
        let mut sent = false;
        // A screenful of a chatty rc file must not hide the question behind it.
        let mut heard = [Vec::new(), Vec::new()];
        let hear = |stream: usize, bytes: &[u8], heard: &mut [Vec<u8>; 2]| {
            if let Some(heard) = heard.get_mut(stream) {
                heard.extend_from_slice(bytes);
                if heard.len() > HEARD_LIMIT {
                    heard.drain(..HEARD_LIMIT / 2);
                }
            }
        };
        let leads = loop {
            let mut hello = None;
            match reader.next().await {
                Some(Output::Stdout(bytes)) => {
                    if waits {
                        hear(0, &bytes, &mut heard);
                    }
                    stdout.feed(&bytes, |frame| {
                        if let Frame::Hello { leads } = frame {
                            hello = Some(leads);
                        }
                    });
                    if terminal {
                        stderr.feed(&bytes, |_| {});
                    }
                    preface.extend(bytes.iter().take(PREFACE_LIMIT.saturating_sub(preface.len())));
                }
                Some(Output::Stderr(bytes)) => {
                    if waits {
                        hear(1, &bytes, &mut heard);
                    }
                    stderr.feed(&bytes, |_| {});
                    preface.extend(bytes.iter().take(PREFACE_LIMIT.saturating_sub(preface.len())));
                }
                Some(Output::Exit(code)) => status = Some(format!("exit status {code}")),
                Some(Output::Signal(name)) => status = Some(format!("signal {name}")),
                Some(Output::Closed) => {
                    let said = said(&preface, &words);
                    return Err(match how {
                        Some(how)
                            if status.as_deref() != Some("exit status 127")
                                || said.contains(how.method.name()) =>
                        {
                            ShellError::Become { why: how.why(&said, sent), said }
                        }
                        _ => ShellError::Ended {
                            status: status.unwrap_or_else(|| "no exit status".into()),
                            said,
                        },
                    });
                }
                None => {
                    return Err(ShellError::Session(format!("the connection was lost: {}", reader.loss())));
                }
            }
            if let Some(leads) = hello {
                break leads;
            }
            let Some(how) = how.filter(|_| waits) else { continue };
            if heard.iter().any(|heard| memchr::memmem::find(heard, words.ready.as_bytes()).is_some()) {
                waits = false;
                // If it is gone again already, the next output says why.
                let _ = writer.write(setup.clone().into_bytes()).await;
                continue;
            }
            let refused = |why| Err(ShellError::Become { why: Some(why), said: said(&preface, &words) });
            let asked = heard.iter().map(|heard| how.asked(heard, &words)).max().unwrap_or(Asked::NotYet);
            match (asked, &how.password) {
                (Asked::Once, Some(password)) if !sent => {
                    sent = true;
                    let line = format!("{}\n", password.reveal());
                    let _ = writer.write(line.into_bytes()).await;
                }
                // Never twice: a second wrong one may lock the account.
                (Asked::Again, Some(_)) => {
                    writer.close().await;
                    return refused("the password for it is wrong");
                }
                (Asked::Once | Asked::Again, None) => {
                    writer.close().await;
                    return refused("it wants a password (-K asks for it, ansible_become_password names it)");
                }
                _ => {}
            }
        };
        let mut shell = Shell {
            reader,
            writer,
            stdout,
            stderr,
            terminal,
            asked: 0,
            knows_walker: false,
            gone: false,
            left_running: false,
            ended: None,
        };
        if !leads {
            // Its watchdog began before it knew how to end a tree, so it is rearmed.
            shell.order(format!("{}{}", script::walker(), script::HEARTBEAT)).await;
            shell.knows_walker = true;
        }
        Ok(shell)
    }
}

/// The fence of standard error: the one of standard output, unless both come as one stream.
fn errors_of(token: &str, errors: &str) -> String {
    if errors.is_empty() { token.to_owned() } else { errors.to_owned() }
}

/// What was said before the shell was ready, without our own words in it.
fn said(preface: &[u8], words: &Words) -> String {
    let mut said = String::from_utf8_lossy(preface).into_owned();
    for word in [&words.prompt, &words.ready, &words.begun] {
        said = said.replace(word.as_str(), "");
    }
    said.trim().to_owned()
}

/// A fence that no log line can hold by chance and no node can guess before it has seen it.
fn token() -> String {
    format!("rm{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>())
}
