//! Passwords and the questions of keyboard-interactive.

use russh::MethodKind;
use russh::client::KeyboardInteractiveAuthResponse as Reply;

use super::super::dialer::Role;
use super::super::{ConnectError, NoAnswer, Question, Reason, Secret, Stage};
use super::{Answer, Login, TRIES};

/// Rounds of questions in one conversation; a server that asks on and on gets no more answers.
const ROUNDS: usize = 16;

/// Questions in one round.
const MOST_PROMPTS: usize = 16;

impl Login<'_> {
    /// The next proof that is no key; `None` if there is none left.
    pub(super) async fn questions(&mut self) -> Result<Option<Answer>, ConnectError> {
        if self.methods.is_none() {
            // Some servers want no proof at all, and one that does says which.
            return Ok(Some(match self.handle.authenticate_none(&self.route.user).await {
                Ok(result) => self.weigh(result, "nothing"),
                Err(_) => Answer::HungUp,
            }));
        }
        if self.takes(MethodKind::Password)
            && !self.password_sent
            && let Some(password) = self.route.password.clone()
        {
            self.password_sent = true;
            return self.send_password(&password).await.map(Some);
        }
        if self.takes(MethodKind::KeyboardInteractive) && self.may_converse() {
            self.conversations += 1;
            return self.converse().await.map(Some);
        }
        if self.takes(MethodKind::Password) && self.route.password.is_none() && self.asks_for_passwords() {
            return self.ask_password().await;
        }
        Ok(None)
    }

    /// A fleet's password is given once, not typed for every node; a jump host's is typed.
    pub(super) fn asks_for_passwords(&self) -> bool {
        matches!(self.role, Role::Jump) && !self.route.batch && self.password_tries < TRIES
    }

    /// Whether another conversation can bring another answer: only a person's can.
    fn may_converse(&self) -> bool {
        let tries = if self.person_answered { TRIES } else { 1 };
        self.conversations < tries
    }

    async fn send_password(&mut self, password: &Secret) -> Result<Answer, ConnectError> {
        self.tried("the password".to_owned());
        let user = &self.route.user;
        Ok(match self.handle.authenticate_password(user, password.reveal()).await {
            Ok(result) => self.weigh(result, "the password"),
            Err(_) => Answer::HungUp,
        })
    }

    async fn ask_password(&mut self) -> Result<Option<Answer>, ConnectError> {
        let password = match self.memory.password.clone() {
            // Given while the server lost its patience with the connection before.
            Some(password) => password,
            None => {
                let text = if self.password_tries == 0 { "password:" } else { "that was wrong; password:" };
                let password = self
                    .ask(text.to_owned(), true)
                    .await
                    .map_err(|why| self.unanswered("the server wants a password", why))?;
                self.memory.password = Some(password.clone());
                password
            }
        };
        self.password_tries += 1;
        self.memory.password_sends += 1;
        let answer = self.send_password(&password).await?;
        if !matches!(answer, Answer::HungUp) {
            self.memory.password = None;
            self.memory.password_sends = 0;
        }
        Ok(Some(answer))
    }

    async fn ask(&mut self, text: String, hidden: bool) -> Result<Secret, NoAnswer> {
        if self.route.batch {
            return Err(NoAnswer::Batch);
        }
        let from = format!("{}@{}", self.route.user, self.route.host);
        let _standing = self.progress.login_clock().stand();
        self.credentials.ask.ask(Question { from, text, hidden }).await
    }

    fn unanswered(&self, what: &str, why: NoAnswer) -> ConnectError {
        let (user, host) = (&self.route.user, &self.route.host);
        let message = format!("{user}@{host} cannot log in: {what}, and {why}");
        ConnectError::new(Stage::Login, Reason::Unanswered, message).hint(match why {
            NoAnswer::NoTerminal | NoAnswer::Batch => {
                "give the password with -k, --connection-password-file or ansible_password, \
                 or answer at a terminal"
            }
            _ => "run it again and answer",
        })
    }

    /// A node wants a password that was not given, or another one than was given.
    fn no_password(&self) -> ConnectError {
        let (user, host) = (&self.route.user, &self.route.host);
        let refused = self.route.password.is_some();
        let (reason, message) = match refused {
            true => {
                let (tried, offered) = (self.memory.tried.clone(), self.method_names());
                let message = format!("the server refused {user} with {}", tried.join(", "));
                (Reason::AuthRefused { tried, offered }, message)
            }
            false => {
                (Reason::Unanswered, format!("{user}@{host} wants a password to log in, and none was given"))
            }
        };
        ConnectError::new(Stage::Login, reason, message).hint(match refused {
            true => format!("is the password right, and is {user} the right user?"),
            false => "give it with -k, --connection-password-file or ansible_password".to_owned(),
        })
    }

    async fn converse(&mut self) -> Result<Answer, ConnectError> {
        let start = self.handle.authenticate_keyboard_interactive_start(&self.route.user, None);
        let mut reply = start.await;
        for _ in 0..ROUNDS {
            let (name, instructions, prompts) = match reply {
                Ok(Reply::Success) => return Ok(Answer::Accepted),
                Ok(Reply::Failure { remaining_methods, partial_success }) => {
                    self.tried("keyboard-interactive".to_owned());
                    return Ok(self.weigh_failure(&remaining_methods, partial_success, "the answers"));
                }
                Ok(Reply::InfoRequest { name, instructions, prompts }) => (name, instructions, prompts),
                Err(_) => return Ok(Answer::HungUp),
            };
            let mut answers = Vec::with_capacity(prompts.len().min(MOST_PROMPTS));
            if prompts.len() > MOST_PROMPTS {
                break;
            }
            let alone = prompts.len() == 1;
            for prompt in &prompts {
                let hidden = !prompt.echo;
                if alone && hidden && !is_code(&prompt.prompt) {
                    if let Some(password) = self.route.password.clone()
                        && !self.password_sent
                    {
                        self.password_sent = true;
                        self.tried("the password".to_owned());
                        answers.push(password.reveal().to_owned());
                        continue;
                    }
                    if matches!(self.role, Role::Node) && self.proven.is_empty() && !self.person_answered {
                        return Err(self.no_password().remote(Some(prompt.prompt.clone())));
                    }
                }
                let words = [&name, &instructions, &prompt.prompt].map(|text| text.trim());
                let text = words.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>();
                let answer = self.ask(text.join(" "), hidden).await.map_err(|why| {
                    self.unanswered("the server has a question", why).remote(Some(prompt.prompt.clone()))
                })?;
                self.person_answered = true;
                answers.push(answer.reveal().to_owned());
            }
            reply = self.handle.authenticate_keyboard_interactive_respond(answers).await;
        }
        let message = format!("{} asks questions without end", self.route.host);
        Err(ConnectError::new(Stage::Login, Reason::Protocol, message))
    }
}

/// Whether a hidden question is for something that a password is not.
fn is_code(prompt: &str) -> bool {
    let prompt = prompt.to_lowercase();
    let words = ["code", "otp", "token", "one-time", "one time", "verification", "pin", "second factor"];
    words.iter().any(|word| prompt.contains(word))
}

#[cfg(test)]
mod tests {
    use super::is_code;

    #[test]
    fn a_code_is_no_password() {
        for prompt in ["Verification code: ", "One-time password (OATH) for `kafka': ", "Passcode:", "PIN"] {
            assert!(is_code(prompt), "{prompt}");
        }
        for prompt in ["Password: ", "(kafka@b1) Password:", "Passwort: ", "Mot de passe :"] {
            assert!(!is_code(prompt), "{prompt}");
        }
    }
}
