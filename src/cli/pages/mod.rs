//! What a help page and a manual page say beside the options: examples, exit statuses, files, environment.

mod list;

pub(super) use list::PAGES;

/// The words of one subcommand's page.
pub(super) struct Page {
    /// As it is typed: `inventory list`; empty for the program itself.
    pub command: &'static str,
    /// Command lines that can be typed as they stand, each with what it is for; a long one goes on after `\\`.
    pub examples: &'static [(&'static str, &'static str)],
    /// Further paragraphs.
    pub notes: &'static [&'static str],
    pub exits: &'static [(&'static str, &'static str)],
    /// The options that `-h` shows; `--help` has them first.
    pub common: &'static [&'static str],
}

/// Files that the program looks at by itself, for the manual.
pub(super) const FILES: &[(&str, &str)] = &[
    ("~/.ssh/config, /etc/ssh/ssh_config", "connections, as ssh understands them; -F names another"),
    (
        "~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts",
        "the hosts' keys; one that is not there is not believed",
    ),
    (
        "ansible.cfg, ~/.ansible.cfg, /etc/ansible/ansible.cfg",
        "inventory, user, become and the like, the first of them",
    ),
    (
        "$XDG_STATE_HOME/roundsman/history.sqlite",
        "the rounds that are kept; ~/.local/state where that is not set",
    ),
];

/// The environment, for the manual.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("ROUNDSMAN_INVENTORY", "the inventory where no -i is given"),
    ("ROUNDSMAN_HISTORY", "the history's file"),
    ("ROUNDSMAN_NO_HISTORY", "1: rounds are not kept"),
    (
        "ANSIBLE_CONFIG, ANSIBLE_…",
        "as in Ansible: inventory, user, key, forks, timeout, become, vault passwords",
    ),
    ("NO_COLOR", "not empty: no colour, unless --color says otherwise"),
    (
        "CLICOLOR_FORCE",
        "not empty and not 0: colour even where no terminal is, unless NO_COLOR or --color says otherwise",
    ),
    ("CLICOLOR", "0: no colour on terminals either"),
    ("SSH_AUTH_SOCK", "the ssh-agent"),
    ("LC_ALL, LC_CTYPE, LANG", "UTF-8 or not: which characters tables are drawn with"),
];

/// The page of a subcommand.
pub(super) fn page(command: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.command == command)
}
