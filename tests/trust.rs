//! `trust` against real OpenSSH servers.

mod binary;
mod sshd;

use std::fs;
use std::process::Command;

use binary::{Desk, Ran, Running, run};
use sshd::{Options, Sshd, free_port, keygen, public_line};

/// A line of an INI inventory.
fn host(name: &str, port: u16, known: &str) -> String {
    format!(
        "{name} ansible_host=127.0.0.1 ansible_port={port} ansible_ssh_common_args='-F none -o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null'\n"
    )
}

fn fingerprint(public: &str) -> String {
    let desk = Desk::new();
    let file = desk.file("key.pub", public);
    let output = Command::new("ssh-keygen").args(["-lf", &file]).output().expect("ssh-keygen");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_whitespace().nth(1).expect("a fingerprint").to_owned()
}

/// Without a terminal, whatever the tests are run from.
fn trust(args: &[&str]) -> Ran {
    let mut detached = Command::new("setsid");
    detached.args(["--wait", env!("CARGO_BIN_EXE_roundsman"), "trust"]).args(args);
    Running::start(detached).end()
}

trait Said {
    fn said(&self, text: &str);
}

impl Said for Ran {
    #[track_caller]
    fn said(&self, text: &str) {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in {self:?}");
    }
}

#[test]
fn new_keys_are_added_only_when_confirmed() {
    let desk = Desk::new();
    let known = desk.path("known_hosts").display().to_string();
    let (one, two) = (Sshd::start(Options::default()), Sshd::start(Options::default()));
    let hosts = desk.file("hosts", &(host("one", one.port, &known) + &host("two", two.port, &known)));
    let (first, second) = (fingerprint(&one.host_key()), fingerprint(&two.host_key()));

    let ran = trust(&["all", "-i", &hosts]).exits(3);
    ran.says(&format!("one: new: ed25519 {first}")).says(&format!("two: new: ed25519 {second}"));
    ran.says("nothing was added").complains("no terminal").complains("--fingerprints FILE");
    assert!(!desk.path("known_hosts").exists());

    let list = desk.file("list", &format!("one {first}\n"));
    let ran = trust(&["all", "-i", &hosts, "--fingerprints", &list]).exits(3);
    ran.says("added: 1 key").says("not added: two is not in");
    let written = fs::read_to_string(&known).expect("it is there");
    assert_eq!(written, one.known_host());

    let list = desk.file("list", &format!("256 {second} root@two (ED25519)\n"));
    trust(&["all", "-i", &hosts, "--fingerprints", &list]).exits(0).says("one: known").says("added: 1 key");
    trust(&["all", "-i", &hosts]).exits(0).says("one,two: known");
    // Nobody was logged in for that.
    assert_eq!(one.logins() + two.logins(), 0);
}

#[test]
fn a_key_that_is_not_the_listed_one_is_not_added() {
    let desk = Desk::new();
    let known = desk.path("known_hosts").display().to_string();
    let server = Sshd::start(Options::default());
    let hosts = desk.file("hosts", &host("one", server.port, &known));
    let list = desk.file("list", "one SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    let ran = trust(&["all", "-i", &hosts, "--fingerprints", &list]).exits(2);
    ran.says("not added: one shows SHA256:").says("has SHA256:AAAA");
    assert!(!desk.path("known_hosts").exists());
}

#[test]
fn changed_revoked_and_silent_hosts_are_told_apart() {
    let desk = Desk::new();
    let known = desk.path("known_hosts").display().to_string();
    let (changed, revoked) = (Sshd::start(Options::default()), Sshd::start(Options::default()));
    let other = desk.path("other");
    keygen(&other, "ed25519", "");
    let stranger = public_line(&other);
    let text =
        format!("# known\n[127.0.0.1]:{} {stranger}\n@revoked {}\n", changed.port, revoked.known_host());
    desk.file("known_hosts", &text);
    let lines = [
        host("changed", changed.port, &known),
        host("revoked", revoked.port, &known),
        host("silent", free_port(), &known),
    ];
    let hosts = desk.file("hosts", &lines.concat());
    let ran = trust(&["all", "-i", &hosts]).exits(2);
    let (shown, old) = (fingerprint(&changed.host_key()), fingerprint(&stranger));
    ran.says(&format!("changed: CHANGED: ed25519 {shown}; {known}:2 has {old}"));
    ran.says(&format!("ssh-keygen -R '[127.0.0.1]:{}' -f {known}", changed.port));
    ran.says("revoked: REVOKED: ed25519").says(&format!("{known}:3"));
    ran.says("silent: no key: 127.0.0.1 refuses connections");
    trust(&["silent", "-i", &hosts]).exits(3);
    assert_eq!(fs::read_to_string(&known).expect("it is there"), text, "nothing was written");
}

#[test]
fn host_key_checking_is_a_flag_and_no_is_warned_of() {
    let desk = Desk::new();
    let known = desk.path("known_hosts").display().to_string();
    let key = desk.path("id");
    keygen(&key, "ed25519", "");
    let server = Sshd::start(Options { authorized: &[public_line(&key)], ..Options::default() });
    let hosts = desk.file("hosts", &host("one", server.port, &known));
    let user = sshd::user();
    let key = key.display().to_string();
    let exec = |how: &[&str]| {
        let mut args = vec!["exec", "all", "-i", &hosts, "-u", &user, "--private-key", &key];
        args.extend(how);
        args.extend(["--", "echo", "in"]);
        run(args)
    };
    exec(&[]).exits(3);
    exec(&["--host-key-checking", "no"]).exits(0).complains("host keys are not checked");
    assert!(!desk.path("known_hosts").exists());
    exec(&["--host-key-checking", "accept-new"]).exits(0);
    assert_eq!(fs::read_to_string(&known).expect("written"), server.known_host());
    exec(&[]).exits(0).says("in");
}

#[test]
fn a_certificate_is_believed_for_its_host_and_time_only() {
    let desk = Desk::new();
    let (ca, host_key) = (desk.path("ca"), desk.path("host"));
    keygen(&ca, "ed25519", "");
    keygen(&host_key, "ed25519", "");
    let key = desk.path("id");
    keygen(&key, "ed25519", "");
    let certificate = desk.path("host-cert.pub").display().to_string();
    let sign = |more: &[&str]| {
        let mut keygen = Command::new("ssh-keygen");
        keygen.arg("-q").arg("-s").arg(&ca).args(["-h", "-I", "test"]).args(more);
        assert!(keygen.arg(desk.path("host.pub")).status().expect("ssh-keygen").success());
    };
    sign(&["-n", "127.0.0.1"]);
    let lines = [format!("HostKey {}", host_key.display()), format!("HostCertificate {certificate}")];
    let config: Vec<&str> = lines.iter().map(String::as_str).collect();
    let authorized = [public_line(&key)];
    let user = sshd::user();
    let key = key.display().to_string();
    let login = |known_hosts: &str| {
        // sshd reads its certificate once.
        let server = Sshd::start(Options { config: &config, authorized: &authorized });
        let known = desk.file("known_hosts", known_hosts);
        let hosts = desk.file("hosts", &host("one", server.port, &known));
        run(["exec", "all", "-i", &hosts, "-u", &user, "--private-key", &key, "--", "echo", "in"])
    };
    let authority = format!("@cert-authority 127.0.0.* {}\n", public_line(&ca));
    login(&authority).exits(0).says("in");
    login("").exits(3).said("is unknown");
    login(&format!("{authority}@revoked * {}\n", public_line(&ca))).exits(2).said("is revoked");
    sign(&["-n", "elsewhere.example"]);
    login(&authority).exits(3).said("it is for elsewhere.example, not for 127.0.0.1");
    sign(&["-n", "127.*", "-V", "20200101:20200201"]);
    login(&authority).exits(3).said("it expired at 2020-0");
    sign(&["-n", "127.0.0.1", "-O", "critical:odd@example=1"]);
    login(&authority).exits(3).said("critical option `odd@example`");
}
