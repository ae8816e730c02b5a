//! Becoming another user on a node: by which program, with which words, and what its answers mean.

use super::script::{guard, quote};
use crate::ssh::Secret;

/// How to become another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Become {
    pub user: String,
    pub method: Method,
    /// The program, where it is not the method's own (`ansible_become_exe`).
    pub exe: Option<String>,
    /// Its flags in place of ours (`ansible_become_flags`).
    pub flags: Option<Vec<String>>,
    pub password: Option<Secret>,
}

/// The programs known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Sudo,
    Su,
    Doas,
}

impl Method {
    /// By Ansible's name, bare or with its collection.
    pub fn named(name: &str) -> Option<Method> {
        Some(match name.rsplit_once('.').map_or(name, |(_, last)| last) {
            "sudo" => Method::Sudo,
            "su" => Method::Su,
            "doas" => Method::Doas,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Method::Sudo => "sudo",
            Method::Su => "su",
            Method::Doas => "doas",
        }
    }
}

/// Words of ours in what the program says, unguessable.
pub(super) struct Words {
    /// The prompt that `sudo` is told to show.
    pub(super) prompt: String,
    /// What the shell inside says first.
    pub(super) ready: String,
    /// What our own shell says last, on both streams: whatever stands before it is not the program's.
    pub(super) begun: String,
}

/// What the program has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    NotYet,
    /// It waits for a password.
    Once,
    /// It was not content with the first.
    Again,
}

impl Become {
    /// Through `sudo` as `user`, without a password.
    pub fn sudo(user: &str) -> Become {
        Become { user: user.to_owned(), method: Method::Sudo, exe: None, flags: None, password: None }
    }

    /// `sudo -n to kafka`, `su with a password to root`.
    pub fn describe(&self) -> String {
        let program = self.exe.as_deref().unwrap_or(self.method.name());
        match (&self.password, self.method) {
            (Some(_), _) => format!("{program} with a password to {}", self.user),
            (None, Method::Su) => format!("{program} to {}", self.user),
            (None, _) => format!("{program} -n to {}", self.user),
        }
    }

    /// Whether the program may ask, so that the shell inside must be waited for.
    pub(super) fn may_ask(&self) -> bool {
        self.password.is_some() || self.method == Method::Su
    }

    /// The order that turns the shell into one run as the other user. It keeps its standard input; the
    /// inner shell learns as `$1` which process led the group. No secret stands in it.
    pub(super) fn line(&self, words: Option<&Words>) -> String {
        let program = quote(self.exe.as_deref().unwrap_or(self.method.name()));
        let defaults: &[&str] = match self.method {
            Method::Sudo => &["-H"],
            Method::Su => &["-s", "/bin/sh"],
            Method::Doas => &[],
        };
        let mut flags: Vec<String> = match &self.flags {
            // Whether it may ask, and with which words, is ours to say.
            Some(flags) => flags
                .iter()
                .filter(|flag| !matches!(flag.as_str(), "-n" | "-S" | "--non-interactive" | "--stdin"))
                .map(|flag| quote(flag))
                .collect(),
            None => defaults.iter().map(|flag| (*flag).to_owned()).collect(),
        };
        match (self.method, words) {
            (Method::Sudo, Some(words)) if self.password.is_some() => {
                flags.extend(["-S".to_owned(), "-p".to_owned(), words.prompt.clone()]);
            }
            (Method::Doas, _) if self.password.is_some() => {}
            (Method::Su, _) => {}
            _ => flags.push("-n".to_owned()),
        }
        let begun = words.map(|words| format!("echo {0};echo {0} >&2;", words.begun)).unwrap_or_default();
        let flags: String = flags.iter().map(|flag| format!(" {flag}")).collect();
        let ready = words.map(|words| format!("echo {};", words.ready)).unwrap_or_default();
        let inside = format!("/bin/sh -c {}", quote(&format!("{ready}{}", guard())));
        let user = quote(&self.user);
        match self.method {
            Method::Sudo => format!("{begun}exec {program}{flags} -u {user} -- {inside} sh $$\n"),
            Method::Doas => format!("{begun}exec {program}{flags} -u {user} {inside} sh $$\n"),
            Method::Su => {
                format!("{begun}exec {program}{flags} {user} -c {}$$\n", quote(&format!("exec {inside} sh ")))
            }
        }
    }

    /// Whether what one stream brought so far holds the program's question for a password.
    pub(super) fn asked(&self, heard: &[u8], words: &Words) -> Asked {
        let Some(at) = memchr::memmem::find(heard, words.begun.as_bytes()) else { return Asked::NotYet };
        let said = heard.get(at + words.begun.len()..).unwrap_or_default();
        let times = match self.method {
            Method::Sudo => memchr::memmem::find_iter(said, words.prompt.as_bytes()).count(),
            // Their words cannot be chosen; they speak C's English here.
            Method::Su | Method::Doas => {
                let said = said.to_ascii_lowercase();
                memchr::memmem::find_iter(&said, b"password:").count()
            }
        };
        match times {
            0 => Asked::NotYet,
            1 => Asked::Once,
            _ => Asked::Again,
        }
    }

    /// Why it refused, from its own words; `None` if they have to speak for themselves.
    pub(super) fn why(&self, said: &str, sent: bool) -> Option<&'static str> {
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if sent && says(&["incorrect", "Authentication failure", "uthentication failed", "Sorry, try again"])
        {
            return Some("the password for it is wrong");
        }
        if says(&["a password is required", "Authentication required", "terminal is required to read"]) {
            return Some("it wants a password (-K asks for it, ansible_become_password names it)");
        }
        if says(&["is not in the sudoers file", "is not allowed to", "may not run sudo", "not permitted"]) {
            return Some("the rights there do not allow it");
        }
        None
    }

    /// Whether it refuses for want of a terminal.
    pub(super) fn wants_terminal(said: &str) -> bool {
        ["must have a tty", "must be run from a terminal", "a tty is required", "standard in must be a tty"]
            .iter()
            .any(|words| said.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words { prompt: "rmprompt".to_owned(), ready: "rmready".to_owned(), begun: "rmbegun".to_owned() }
    }

    #[test]
    fn no_line_holds_a_secret_and_every_line_is_one() {
        for method in [Method::Sudo, Method::Su, Method::Doas] {
            for password in [None, Some(Secret::new("hunter2"))] {
                let how = Become { method, password, ..Become::sudo("kafka") };
                for words in [None, Some(&words())] {
                    let line = how.line(words);
                    assert_eq!(line.find('\n'), Some(line.len() - 1));
                    assert!(!line.contains("hunter2") && !format!("{how:?}").contains("hunter2"));
                }
            }
        }
        assert!(Become::sudo("kafka").line(None).starts_with("exec sudo -H -n -u kafka -- /bin/sh -c '"));
    }

    #[test]
    fn the_flags_of_ansible_keep_what_is_not_ours() {
        let flags = ["-H", "-S", "-n", "-E"].map(str::to_owned).to_vec();
        let how = Become {
            flags: Some(flags),
            exe: Some("/opt/sudo".to_owned()),
            password: Some(Secret::new("x")),
            ..Become::sudo("a b")
        };
        assert!(
            how.line(Some(&words())).starts_with(
                "echo rmbegun;echo rmbegun >&2;exec /opt/sudo -H -E -S -p rmprompt -u 'a b' -- "
            )
        );
    }

    #[test]
    fn only_our_own_prompt_is_a_question_of_sudo() {
        let sudo = Become { password: Some(Secret::new("x")), ..Become::sudo("root") };
        assert_eq!(sudo.asked(b"rmbegun\nPassword: password:", &words()), Asked::NotYet);
        assert_eq!(sudo.asked(b"Welcome!\nrmbegun\nrmprompt", &words()), Asked::Once);
        assert_eq!(sudo.asked(b"rmbegun\nrmpromptSorry, try again.\nrmprompt", &words()), Asked::Again);
        let su = Become { method: Method::Su, ..Become::sudo("root") };
        assert_eq!(su.asked(b"rmbegun\nPassword: ", &words()), Asked::Once);
        // What an rc file says is no question, however it is worded.
        assert_eq!(su.asked(b"Your password: expired\nrmbegun\n", &words()), Asked::NotYet);
    }
}
