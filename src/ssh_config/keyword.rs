//! The words of ssh_config that have a say in how a host is reached.

/// A keyword of `ssh_config(5)`; all others change nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Keyword {
    AddressFamily,
    BatchMode,
    CanonicalizeHostname,
    CertificateFile,
    Ciphers,
    ConnectTimeout,
    GlobalKnownHostsFile,
    HashKnownHosts,
    HostKeyAlgorithms,
    HostKeyAlias,
    HostName,
    IdentitiesOnly,
    IdentityAgent,
    IdentityFile,
    KexAlgorithms,
    Macs,
    Port,
    ProxyCommand,
    ProxyJump,
    ServerAliveCountMax,
    ServerAliveInterval,
    StrictHostKeyChecking,
    Tag,
    User,
    UserKnownHostsFile,
}

use Keyword::{
    AddressFamily, BatchMode, CanonicalizeHostname, CertificateFile, Ciphers, ConnectTimeout,
    GlobalKnownHostsFile, HashKnownHosts, HostKeyAlgorithms, HostKeyAlias, HostName, IdentitiesOnly,
    IdentityAgent, IdentityFile, KexAlgorithms, Macs, Port, ProxyCommand, ProxyJump, ServerAliveCountMax,
    ServerAliveInterval, StrictHostKeyChecking, Tag, User, UserKnownHostsFile,
};

/// Every keyword, in the order of the enum, with its name as the manual page writes it.
const ALL: [(Keyword, &str); 25] = [
    (AddressFamily, "AddressFamily"),
    (BatchMode, "BatchMode"),
    (CanonicalizeHostname, "CanonicalizeHostname"),
    (CertificateFile, "CertificateFile"),
    (Ciphers, "Ciphers"),
    (ConnectTimeout, "ConnectTimeout"),
    (GlobalKnownHostsFile, "GlobalKnownHostsFile"),
    (HashKnownHosts, "HashKnownHosts"),
    (HostKeyAlgorithms, "HostKeyAlgorithms"),
    (HostKeyAlias, "HostKeyAlias"),
    (HostName, "HostName"),
    (IdentitiesOnly, "IdentitiesOnly"),
    (IdentityAgent, "IdentityAgent"),
    (IdentityFile, "IdentityFile"),
    (KexAlgorithms, "KexAlgorithms"),
    (Macs, "MACs"),
    (Port, "Port"),
    (ProxyCommand, "ProxyCommand"),
    (ProxyJump, "ProxyJump"),
    (ServerAliveCountMax, "ServerAliveCountMax"),
    (ServerAliveInterval, "ServerAliveInterval"),
    (StrictHostKeyChecking, "StrictHostKeyChecking"),
    (Tag, "Tag"),
    (User, "User"),
    (UserKnownHostsFile, "UserKnownHostsFile"),
];

/// How many keywords there are.
pub(super) const COUNT: usize = ALL.len();

impl Keyword {
    /// The keyword of that name, in whatever case.
    pub fn named(name: &str) -> Option<Keyword> {
        ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(keyword, _)| *keyword)
    }

    /// The name as the manual page writes it.
    pub fn name(self) -> &'static str {
        ALL.get(self as usize).map_or("", |(_, name)| name)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Keyword> {
        ALL.iter().map(|(keyword, _)| *keyword)
    }

    /// Every such line adds a value; of the others only the first counts.
    pub(super) fn accumulates(self) -> bool {
        matches!(self, IdentityFile | CertificateFile)
    }

    /// Values that we work out as ssh does, host by host, and compare with what ssh says about one host
    /// of a group: they are what stanzas of single hosts are made of.
    pub(super) fn is_followed(self) -> bool {
        matches!(
            self,
            HostName
                | User
                | Port
                | IdentityFile
                | CertificateFile
                | HostKeyAlias
                | ProxyJump
                | UserKnownHostsFile
                | IdentityAgent
        )
    }

    /// `ssh -G` fills in the tokens of these.
    pub(super) fn is_expanded_by_ssh(self) -> bool {
        matches!(self, HostName | UserKnownHostsFile | GlobalKnownHostsFile | IdentityAgent | User)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, (keyword, name)) in ALL.iter().enumerate() {
            assert_eq!(*keyword as usize, at, "{name}");
            assert_eq!(Keyword::named(&name.to_uppercase()), Some(*keyword));
            assert_eq!(keyword.name(), *name);
        }
        assert_eq!(Keyword::named("SendEnv"), None);
    }
}
