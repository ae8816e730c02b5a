//! Where a visit's time went.

use std::time::Duration;

use crate::ssh::{Progress, Stage};

/// The time of each step of a visit, all attempts together; `None`: it did not come to that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    pub resolve: Option<Duration>,
    /// Behind a jump host: from the question to it until the node answered there.
    pub tcp: Option<Duration>,
    /// Key exchange, the judgement of the host key included.
    pub kex: Option<Duration>,
    pub auth: Option<Duration>,
    /// From the login until the shell was ready, `sudo` included.
    pub shell: Option<Duration>,
    /// All questions.
    pub probe: Option<Duration>,
}

/// A phase's name and its time in a visit.
pub type Named = (&'static str, fn(&Phases) -> Option<Duration>);

impl Phases {
    /// In the order in which they come.
    pub const NAMED: [Named; 6] = [
        ("resolve", |phases| phases.resolve),
        ("tcp", |phases| phases.tcp),
        ("kex", |phases| phases.kex),
        ("auth", |phases| phases.auth),
        ("shell", |phases| phases.shell),
        ("probe", |phases| phases.probe),
    ];

    /// The phases of a connection attempt.
    pub(super) fn of(progress: &Progress) -> Self {
        let come_to = |time: Duration| (!time.is_zero()).then_some(time);
        Phases {
            resolve: come_to(progress.spent(Stage::Resolve)),
            tcp: come_to(progress.spent(Stage::Connect)),
            kex: come_to(progress.spent(Stage::Handshake) + progress.spent(Stage::HostKey)),
            auth: come_to(progress.spent(Stage::Login)),
            ..Phases::default()
        }
    }

    /// All of them together.
    pub fn total(&self) -> Duration {
        Self::NAMED.iter().filter_map(|(_, pick)| pick(self)).sum()
    }
}
