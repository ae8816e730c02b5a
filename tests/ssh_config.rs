//! ssh's own configuration, compared with OpenSSH's reading of it and tried against real servers.

mod binary;
mod sshd;
mod user;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use binary::{Desk, Ran, Running, roundsman};
use proptest::prelude::*;
use roundsman::ssh_config::{Choice, Dump, Keyword, Query, SshConfig};
use sshd::{Sshd, keygen, public_line};
use user::User;

const SSH: &str = "/usr/bin/ssh";

/// What OpenSSH makes of a configuration for a host.
fn openssh(config: &str, host: &str, user: Option<&str>) -> Option<Dump> {
    let mut command = Command::new(SSH);
    command.args(["-G", "-F", config]);
    if let Some(user) = user {
        command.args(["-l", user]);
    }
    let output = command.args(["--", host]).stdin(Stdio::null()).output();
    let output = output.expect("ssh runs; `make setup` installs openssh-client");
    output.status.success().then(|| Dump::parse(&String::from_utf8_lossy(&output.stdout)))
}

fn query(file: &str, host: &str, user: Option<&str>) -> Query {
    Query {
        choice: Choice::File(PathBuf::from(file)),
        host: host.to_owned(),
        user: user.map(str::to_owned),
        port: None,
        hostname: None,
    }
}

fn config(ssh: Option<&str>) -> SshConfig {
    SshConfig::new(PathBuf::from("/nonexistent"), sshd::user(), ssh.map(PathBuf::from))
}

const HOSTS: [&str; 7] = ["a1", "a2", "b1", "Foo", "foo", "x.dc1", "10.0.0.1"];

fn stanza() -> impl Strategy<Value = String> {
    let user = sshd::user();
    prop_oneof![
        8 => proptest::sample::select(vec![
            "Host a*", "Host a1", "Host a* !a2", "Host *", "Host ?1 foo", "Host Foo", "Host *.dc1", "Host !b1 *",
            "Host \"a1\" b1", "host=a1", "Host 10.*", "Host a1 a1",
        ]).prop_map(str::to_owned),
        5 => proptest::sample::select(vec![
            "Match host a*", "Match originalhost a1,a2,!a2", "Match user u1", "Match !user u1 host *1",
            "Match final host *.dc1", "Match all", "Match !host b*", "Match final all", "match host=foo",
            "Match originalhost \"x.dc1\" user *", "Match final !host a*",
        ]).prop_map(str::to_owned),
        1 => proptest::sample::select(vec![
            "Match exec true", "Match exec false", "Match host a* exec \"test %n = a1\"", "Match !exec false host b1",
        ]).prop_map(str::to_owned),
        1 => Just(format!("Match localuser {user}")),
    ]
}

fn directive() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "HostName 10.9.8.7",
        "HostName %h.dc1",
        "Hostname=Big.Example",
        "User u1",
        "User = u2",
        "Port 22",
        "Port 2200",
        "IdentityFile /k/%h_%r",
        "IdentityFile \"/k/a b\"",
        "IdentityFile /k/1",
        "IdentityFile none",
        "ProxyJump b1",
        "ProxyJump none",
        "ProxyJump ops@j:22,k",
        "ProxyCommand nc -X 5 %h %p",
        "ProxyCommand none",
        "HostKeyAlias ali",
        "UserKnownHostsFile /kh1 \"/kh2\"",
        "UserKnownHostsFile /kh3",
        "StrictHostKeyChecking accept-new",
        "StrictHostKeyChecking no",
        "Ciphers +aes128-cbc",
        "KexAlgorithms curve25519-sha256",
        "MACs ^hmac-sha1",
        "HostKeyAlgorithms -ssh-ed25519*",
        "ConnectTimeout 1m",
        "ServerAliveInterval 15",
        "AddressFamily inet6",
        "BatchMode yes",
        "IdentitiesOnly yes",
        "IdentityAgent /agent",
        "CertificateFile /c1",
        "CertificateFile /c2",
        "HashKnownHosts yes",
        "SendEnv LANG",
        "ForwardAgent no # said once",
    ])
    .prop_map(|line| format!("  {line}"))
}

/// A configuration file, and another that it includes.
fn configuration() -> impl Strategy<Value = (String, String)> {
    let block = || (stanza(), proptest::collection::vec(directive(), 0..4));
    let text = move || {
        (proptest::collection::vec(directive(), 0..2), proptest::collection::vec(block(), 0..5)).prop_map(
            |(first, blocks)| {
                let mut lines = first;
                for (head, body) in blocks {
                    lines.push(head);
                    lines.extend(body);
                }
                lines
            },
        )
    };
    (text(), text(), proptest::option::of(0usize..20)).prop_map(|(mut outer, inner, include)| {
        if let Some(at) = include {
            outer.insert(at.min(outer.len()), "  Include INCLUDED".to_owned());
        }
        (outer.join("\n") + "\n", inner.join("\n") + "\n")
    })
}

/// Compares what we found about a host with what OpenSSH says about it.
fn same(
    ours: &SshConfig,
    file: &str,
    host: &str,
    user: Option<&str>,
    followed_only: bool,
) -> Result<(), TestCaseError> {
    let (Some(theirs), Some(defaults)) = (openssh(file, host, user), openssh("none", host, user)) else {
        return Ok(());
    };
    let found = ours.look_up(&query(file, host, user)).map_err(|error| TestCaseError::fail(error.message))?;
    for keyword in Keyword::all() {
        let expected = theirs.values(keyword).to_vec();
        let seen = match found.get(keyword) {
            Some(value) if keyword == Keyword::ProxyJump && value.values == ["none"] => Vec::new(),
            Some(value) => value.values.clone(),
            None if keyword == Keyword::HostName => vec![host.to_lowercase()],
            None => defaults.values(keyword).to_vec(),
        };
        let plain = matches!(
            keyword,
            Keyword::HostName
                | Keyword::User
                | Keyword::Port
                | Keyword::IdentityFile
                | Keyword::ProxyJump
                | Keyword::HostKeyAlias
                | Keyword::CertificateFile
        );
        // Above the configuration stands what was given.
        if (keyword == Keyword::User && user.is_some())
            || (followed_only && !plain)
            || keyword == Keyword::Tag
        {
            continue;
        }
        prop_assert_eq!(
            seen,
            expected,
            "{:?} of {} as {:?}\n{}",
            keyword,
            host,
            user,
            fs::read_to_string(file).unwrap()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_configuration_means_what_openssh_says((outer, inner) in configuration()) {
        let desk = Desk::new();
        let included = desk.file("included", &inner);
        let file = desk.file("config", &outer.replace("INCLUDED", &included));
        let ours = config(Some(SSH));
        let alone = config(None);
        let doubtful = outer.contains("exec") || inner.contains("exec");
        for host in HOSTS {
            for user in [None, Some("u1")] {
                same(&ours, &file, host, user, false)?;
                if !doubtful {
                    same(&alone, &file, host, user, true)?;
                }
            }
        }
        // Asked about all at once the answers are the same.
        let ahead = config(Some(SSH));
        let queries: Vec<Query> = HOSTS.iter().map(|host| query(&file, host, None)).collect();
        ahead.ask_ahead(&queries);
        let calls = ahead.calls();
        for host in HOSTS {
            same(&ahead, &file, host, None, false)?;
        }
        // Where ssh refuses one host of a group the others are asked about again.
        if HOSTS.iter().all(|host| openssh(&file, host, None).is_some()) {
            prop_assert_eq!(ahead.calls(), calls, "look_up found what ask_ahead had asked");
        }
    }
}

/// A few by default: every case is some forty calls of ssh.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24)
}

#[test]
fn hosts_with_the_same_stanzas_share_one_call() {
    let desk = Desk::new();
    let own: String =
        (0..1000).map(|at| format!("Host kafka-{at}\n  HostName 10.0.{}.{}\n", at / 250, at % 250)).collect();
    let file = desk.file(
        "config",
        &format!("{own}Host kafka-*\n  User ops\n  Ciphers +aes128-cbc\n  IdentityFile ~/.ssh/%r_%h\n"),
    );
    let ours = config(Some(SSH));
    let begin = Instant::now();
    for at in 0..1000 {
        let found = ours.look_up(&query(&file, &format!("kafka-{at}"), None)).unwrap();
        assert_eq!(found.first(Keyword::HostName), Some(format!("10.0.{}.{}", at / 250, at % 250).as_str()));
        assert_eq!(found.first(Keyword::User), Some("ops"));
        assert_eq!(found.first(Keyword::IdentityFile), Some("~/.ssh/%r_%h"));
        assert!(found.first(Keyword::Ciphers).is_some_and(|list| list.ends_with("aes128-cbc")));
    }
    println!("1,000 hosts with stanzas of their own and one wildcard: {:?}", begin.elapsed());
    assert_eq!(ours.calls(), 2, "one about the hosts, one about the defaults");
    let nobody = config(Some(SSH));
    nobody.look_up(&query(&file, "elsewhere", None)).unwrap();
    assert_eq!(nobody.calls(), 0, "no stanza applies, so there is nothing to ask");
}

/// A server, a key for it, and a directory in which `ssh` counts its calls.
struct Node {
    desk: Desk,
    sshd: Sshd,
}

impl Node {
    fn new() -> Node {
        Node::with(&[])
    }

    fn with(config: &[&str]) -> Node {
        let desk = Desk::new();
        let sshd = Sshd::of_desk(desk.dir(), config);
        fs::create_dir(desk.path("bin")).unwrap();
        let counting =
            format!("#!/bin/sh\necho \"$*\" >> {}\nexec {SSH} \"$@\"\n", desk.path("calls").display());
        desk.file("bin/ssh", &counting);
        fs::set_permissions(desk.path("bin/ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        Node { desk, sshd }
    }

    /// A stanza that says all there is to know about the node but its name.
    fn stanza(&self) -> String {
        format!(
            "  HostName 127.0.0.1\n  Port {}\n  User {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  \
             UserKnownHostsFile {}\n  GlobalKnownHostsFile none\n",
            self.sshd.port,
            sshd::user(),
            self.desk.path("id").display(),
            self.desk.path("known_hosts").display()
        )
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args, &format!("{}:/usr/bin:/bin", self.desk.path("bin").display()))
    }

    fn command(&self, args: &[&str], path: &str) -> Ran {
        let mut command = roundsman(args);
        command.env("PATH", path);
        Running::start(command).end()
    }

    /// How often ssh was called.
    fn calls(&self) -> usize {
        fs::read_to_string(self.desk.path("calls")).unwrap_or_default().lines().count()
    }
}

#[test]
fn a_host_is_reached_as_its_stanza_says() {
    let node = Node::new();
    let file = node.desk.file("config", &format!("Host node-*\n{}", node.stanza()));
    node.run(&["exec", "all", "-i", "node-1,node-2,", "-F", &file, "--fold", "--", "echo here"])
        .exits(0)
        .says("here");
    assert_eq!(node.sshd.logins(), 2);
    assert_eq!(node.calls(), 2, "one about both hosts, one about the defaults");
    // The same from the inventory's arguments.
    let inventory = node.desk.file(
        "hosts.yml",
        &format!("all: {{hosts: {{n: {{ansible_host: node-1, ansible_ssh_common_args: -F {file}}}}}}}\n"),
    );
    node.run(&["exec", "all", "-i", &inventory, "--", "echo there"]).exits(0).says("there");
    // Without a configuration there is no such host.
    let ran = node.run(&["exec", "all", "-i", "node-1,", "-F", "none", "--", "echo never"]);
    ran.exits(3).says("node-1 does not resolve");
    assert_eq!(node.calls(), 4);
}

#[test]
fn jump_hosts_are_looked_up_too() {
    let (node, jump) = (Node::new(), Node::new());
    let inner = node.stanza().replace("HostName 127.0.0.1", "HostName localhost");
    fs::write(node.desk.path("known_hosts"), node.sshd.known_host().replace("127.0.0.1", "localhost"))
        .unwrap();
    for way in ["ProxyJump gate", "ProxyCommand ssh -F CONFIG -W %h:%p gate", "ProxyJump outer,gate"] {
        let file = node.desk.path("config").display().to_string();
        let way = way.replace("CONFIG", &file);
        node.desk.file("config", &format!("Host node\n  {way}\n{inner}Host gate outer\n{}", jump.stanza()));
        let before = jump.sshd.logins();
        node.run(&["exec", "node", "-i", "node,", "-F", &file, "--", "echo through"])
            .exits(0)
            .says("through");
        let hops = if way.contains("outer") { 2 } else { 1 };
        assert_eq!(jump.sshd.logins(), before + hops, "{way}");
    }
    // One that is reached through itself is refused, and so is a name that a shell would act on.
    let file = node.desk.file("loop", "Host *\n  ProxyJump gate\n");
    let ran = node.run(&["exec", "all", "-i", "node,", "-F", &file, "--", "true"]).exits(65);
    ran.complains("host node: its way comes back to gate again and again").complains(":2)");
}

#[test]
fn names_that_a_shell_would_act_on_are_refused_wherever_they_come_from() {
    let node = Node::new();
    let touched = node.desk.path("touched");
    for (text, complaint) in [
        ("HostName $(touch${IFS}TOUCHED)", "the host name"),
        ("HostName -oProxyCommand=x", "the host name"),
        ("User a;b", "the user name"),
        ("User -l", "the user name"),
        ("ProxyJump a;b", "ProxyJump of"),
        ("HostKeyAlias `id`", "the host key alias"),
    ] {
        let text = text.replace("TOUCHED", &touched.display().to_string());
        let file = node.desk.file("config", &format!("Host n\n  {text}\n"));
        let ran = node.run(&["exec", "all", "-i", "n,", "-F", &file, "--", "true"]).exits(65);
        // Either we say so, with the line, or ssh refuses its configuration first.
        assert!(
            ran.stderr.contains("host n")
                && (ran.stderr.contains(complaint) || ran.stderr.contains("ssh refuses")),
            "{text}: {}",
            ran.stderr
        );
        // Without ssh it is always ours to say.
        let ran =
            node.command(&["exec", "all", "-i", "n,", "-F", &file, "--", "true"], "/nonexistent").exits(65);
        ran.complains(complaint);
        assert!(ran.stderr.contains("config:2"), "{}", ran.stderr);
    }
    assert!(!touched.exists());
    for host in ["-oProxyCommand=id", "a;id", "$(id)"] {
        let inventory =
            node.desk.file("hosts.yml", &format!("all: {{hosts: {{n: {{ansible_host: '{host}'}}}}}}\n"));
        let file = node.desk.file("config", "Host *\n  Ciphers +aes128-cbc\n");
        node.run(&["exec", "all", "-i", &inventory, "-F", &file, "--", "true"])
            .exits(65)
            .complains("ansible_host");
    }
}

#[test]
fn a_match_exec_is_told_by_a_dry_run() {
    let node = Node::new();
    let mark = node.desk.path("ran");
    let file =
        node.desk.file("config", &format!("Match host n* exec \"touch {}\"\n  User seen\n", mark.display()));
    let ran = node.run(&["exec", "all", "-i", "n1,n2,", "-F", &file, "--dry-run", "--", "true"]).exits(0);
    ran.says(&format!("run here by ssh, for a Match exec of its configuration: touch {}", mark.display()));
    ran.says("config:1)").says("seen@n1:22").says("seen@n2:22");
    assert!(mark.exists());
    assert_eq!(node.calls(), 2);
}

#[test]
fn without_ssh_the_common_words_are_honoured_and_the_rest_is_told() {
    let node = Node::new();
    let included = node.desk.file("more", &format!("Host node\n{}", node.stanza()));
    let file =
        node.desk.file("config", &format!("Match exec true\n  User nobody\nMatch all\nInclude {included}\n"));
    let args = ["exec", "all", "-i", "node,", "-F", &file, "--", "echo alone"];
    let ran = node.command(&args, "/nonexistent").exits(0);
    ran.says("alone").complains("no `ssh` on PATH").complains("Match exec (").complains("config:1)");
    assert_eq!(ran.stderr.matches("no `ssh` on PATH").count(), 1);
}

#[test]
fn every_effective_value_has_its_source() {
    let node = Node::new();
    let file = node.desk.file(
        "config",
        "Host gate\n  User jumper\nHost n\n  HostName 10.1.2.3\n  User low\n  Port 2200\n  ProxyJump gate\n  \
         KexAlgorithms curve25519-sha256,made-up@example.com\n  HashKnownHosts yes\n",
    );
    let inventory =
        node.desk.file("hosts.yml", "all: {hosts: {n: {ansible_user: high, roundsman_legacy: true}}}\n");
    let args = ["inventory", "host", "n", "--ssh", "-i", &inventory, "-F", &file, "-T", "7s"];
    // ssh knows no such algorithm and would refuse; alone we say that we don't know it either.
    let ran = node.command(&args, "/nonexistent").exits(0);
    ran.complains("roundsman does not know made-up@example.com");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(",made-up@example.com", "")).unwrap();
    let ran = node.run(&args).exits(0);
    let line = |name: &str| {
        let line = ran.stdout.lines().find(|line| line.trim_start().starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in\n{}", ran.stdout)).to_owned()
    };
    for (name, value, source) in [
        ("address", "10.1.2.3", "config:4"),
        ("user", "high", "variable ansible_user"),
        ("port", "2200", "config:6"),
        ("through", "jumper@gate:22", "config:7"),
        ("KexAlgorithms", "curve25519-sha256", "config:8"),
        ("hash known hosts", "yes", "config:9"),
        ("timeout", "7 s", "command line --timeout"),
        ("host keys", "checked", "default"),
        ("old algorithms", "yes", "variable roundsman_legacy"),
    ] {
        let line = line(name);
        let next = ran.stdout.lines().skip_while(|other| **other != line).nth(1).unwrap_or("").to_owned();
        assert!(line.contains(value) && format!("{line}{next}").contains(source), "{name}\n{}", ran.stdout);
    }
    ran.says("\njump host gate\n");
}

#[test]
fn an_old_server_needs_a_word_and_gets_no_more_than_that() {
    let keys = Desk::new();
    keygen(&keys.path("rsa"), "rsa", "");
    let host_key = format!("HostKey {}", keys.path("rsa").display());
    let old = [
        host_key.as_str(),
        "KexAlgorithms diffie-hellman-group14-sha1",
        "Ciphers aes128-cbc",
        "MACs hmac-sha1",
        "HostKeyAlgorithms ssh-rsa",
    ];
    let node = Node::with(&old);
    let known = format!("[127.0.0.1]:{} {}\n", node.sshd.port, public_line(&keys.path("rsa")));
    node.desk.file("known_hosts", &known);
    let file = node.desk.file("config", &format!("Host n\n{}", node.stanza()));
    let echo = ["--", "echo aged"];
    let exec = |more: &[&str]| {
        let mut args = vec!["exec", "all", "-i", "n,"];
        args.extend(more);
        args.extend(echo);
        node.run(&args)
    };
    let ran = exec(&["-F", &file]).exits(3);
    ran.says("no key exchange in common with 127.0.0.1").says("diffie-hellman-group14-sha1");
    ran.says("roundsman_legacy: true");
    exec(&["-F", &file, "-e", "roundsman_legacy=true"]).exits(0).says("aged");
    // Or its configuration names them.
    let lists = "  KexAlgorithms +diffie-hellman-group14-sha1\n  Ciphers +aes128-cbc\n  HostKeyAlgorithms +ssh-rsa\n  \
                 MACs hmac-sha1\n";
    let listed = node.desk.file("listed", &format!("Host n\n{}{lists}", node.stanza()));
    let ran = exec(&["-F", &listed]).exits(0);
    ran.says("aged");
    assert!(!ran.stderr.contains("does not know"), "ssh's own defaults are nobody's mistake: {}", ran.stderr);
    let given = "-o KexAlgorithms=+diffie-hellman-group14-sha1 -c +aes128-cbc -m +hmac-sha1 -o HostKeyAlgorithms=+ssh-rsa";
    exec(&["-F", &file, &format!("--ssh-common-args={given}")]).exits(0).says("aged");
}

#[test]
fn old_ciphers_work_one_by_one() {
    let cases = ["aes256-cbc", "aes192-cbc", "3des-cbc"];
    for cipher in cases {
        let node = Node::with(&[&format!("Ciphers {cipher}"), "KexAlgorithms diffie-hellman-group1-sha1"]);
        let file = node.desk.file("config", &format!("Host n\n{}", node.stanza()));
        let args =
            ["exec", "all", "-i", "n,", "-F", &file, "-e", "roundsman_legacy=yes", "--", "echo", cipher];
        node.run(&args).exits(0).says(cipher);
    }
}

#[test]
fn the_users_own_file_is_read_where_ssh_reads_it() {
    let node = Node::new();
    let user = User::new("config", "/bin/sh");
    user.file(".ssh/config", &format!("Host node\n{}", node.stanza()));
    let owned = Command::new("chown").arg("-R").arg(&user.name).arg(node.desk.dir()).status();
    assert!(owned.expect("chown runs").success());
    // The user may not come by the way to where the tests are built.
    let program = user.home.join("roundsman");
    fs::copy(env!("CARGO_BIN_EXE_roundsman"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user.name, "--clear-groups"]).arg(&program);
    command.args(["exec", "all", "-i", "node,", "--", "echo mine"]).current_dir(Path::new("/"));
    // HOME is not asked: ssh goes by passwd.
    command
        .env("HOME", "/nonexistent")
        .env("PATH", format!("{}:/usr/bin:/bin", node.desk.path("bin").display()));
    Running::start(command).end().exits(0).says("mine");
    assert_eq!(node.calls(), 2);
}
