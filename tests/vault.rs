//! Values and files that the real `ansible-vault` encrypts, read by the real program.

mod ansible;
mod binary;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use ansible::{succeed, tool};
use binary::{Desk, Ran, Running, roundsman, run};

/// A desk with passwords, and an inventory whose host is reached by what is encrypted.
struct Sealed {
    desk: Desk,
}

impl Sealed {
    fn new() -> Sealed {
        // ansible-vault takes a second a call: what it writes is made once for all tests.
        static FILES: OnceLock<(String, String)> = OnceLock::new();
        let (group, host) = FILES.get_or_init(|| {
            let sealed = Sealed::empty();
            let group = format!(
                "{}\n{}\n{}\nvia: \"{{{{ vault_user }}}}\"\nansible_user: \"{{{{ via }}}}\"\n",
                sealed.value("vault_user", "secret-ops", "default.pw"),
                sealed.value("api_token", "t0ken-of-the-api", "prod@prod.pw"),
                sealed.value("never_used", "whatever", "other@prod.pw"),
            );
            let host = "ansible_host: 10.9.8.7\nansible_port: '2222'\nkept: s3cret\n";
            sealed.desk.file("host_vars/b1.yml", host);
            sealed.encrypt("host_vars/b1.yml", "prod@prod.pw");
            (group, fs::read_to_string(sealed.desk.path("host_vars/b1.yml")).expect("the file"))
        });
        let sealed = Sealed::empty();
        sealed.desk.file("group_vars/all.yml", group);
        sealed.desk.file("host_vars/b1.yml", host);
        sealed
    }

    fn empty() -> Sealed {
        let desk = Desk::new();
        for dir in ["group_vars", "host_vars"] {
            fs::create_dir(desk.path(dir)).expect("a directory");
        }
        desk.file("default.pw", "the default one\n");
        desk.file("prod.pw", "prödüction\n");
        desk.file("hosts", "b1\n");
        Sealed { desk }
    }

    fn at(&self, name: &str) -> String {
        self.desk.path(name).display().to_string()
    }

    fn value(&self, name: &str, text: &str, id: &str) -> String {
        let mut tool = tool("ansible-vault");
        tool.current_dir(self.desk.path(""));
        tool.args(["encrypt_string", "--vault-id", id, "--name", name, text]);
        String::from_utf8(succeed(&mut tool, "ansible-vault").stdout).expect("UTF-8")
    }

    fn encrypt(&self, file: &str, id: &str) {
        let mut tool = tool("ansible-vault");
        tool.current_dir(self.desk.path(""));
        succeed(tool.args(["encrypt", "--vault-id", id, file]), "ansible-vault");
        let text = fs::read_to_string(self.desk.path(file)).expect("the file");
        assert!(text.starts_with("$ANSIBLE_VAULT;1."), "{text}");
    }

    fn plan(&self, more: &[&str]) -> Ran {
        let hosts = self.at("hosts");
        let mut args = vec!["exec", "all", "-i", &hosts, "--dry-run"];
        args.extend(more);
        args.extend(["--", "true"]);
        run(args)
    }

    fn both(&self) -> [String; 2] {
        [format!("default@{}", self.at("default.pw")), format!("prod@{}", self.at("prod.pw"))]
    }
}

fn keeps(ran: &Ran, secrets: &[&str]) {
    for secret in secrets {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret} is shown: {ran:?}");
    }
}

#[test]
fn values_and_files_open_with_the_passwords_of_their_ids() {
    let sealed = Sealed::new();
    let [default, prod] = sealed.both();
    sealed.plan(&["--vault-id", &default, "--vault-id", &prod]).exits(0).says("b1: secret-ops@10.9.8.7:2222");
    // The names are hints: any password is tried, as in Ansible.
    let (default, prod) = (sealed.at("default.pw"), sealed.at("prod.pw"));
    let given = ["--vault-password-file", &prod, "--vault-password-file", &default];
    sealed.plan(&given).exits(0).says("b1: secret-ops@10.9.8.7:2222");
}

#[test]
fn what_is_encrypted_is_never_listed() {
    let sealed = Sealed::new();
    let [default, prod] = sealed.both();
    let hosts = sealed.at("hosts");
    for command in [&["list"][..], &["host", "b1"]] {
        let mut args = vec!["inventory"];
        args.extend(command);
        args.extend(["-i", &hosts, "--vault-id", &default, "--vault-id", &prod]);
        let ran = run(args).exits(0);
        ran.says("$ANSIBLE_VAULT;1.2;AES256;prod").says("(from a file encrypted with ansible-vault)");
        keeps(&ran, &["s3cret", "secret-ops", "t0ken", "10.9.8.7"]);
    }
}

#[test]
fn a_missing_or_wrong_password_is_told_with_its_place() {
    let sealed = Sealed::new();
    fs::remove_file(sealed.desk.path("host_vars/b1.yml")).expect("it was there");
    let place = format!("({}:1)", sealed.at("group_vars/all.yml"));
    let ran = sealed.plan(&[]).exits(65);
    ran.complains("host b1: variable `vault_user` of host b1").complains(&place);
    ran.complains("no vault password was given").complains("--vault-password-file");
    let wrong = sealed.desk.file("wrong.pw", "not-this-one");
    let ran = sealed.plan(&["--vault-id", &format!("prod@{wrong}")]).exits(65);
    ran.complains(&place).complains("no vault password opens it");
    ran.complains(&format!("tried: `prod` from {wrong}: the password is wrong"));
    keeps(&ran, &["not-this-one"]);
    sealed.plan(&["--vault-password-file", "/nowhere/pw"]).exits(65).complains("/nowhere/pw");
    // Nobody to ask.
    let hosts = sealed.at("hosts");
    let mut detached = Command::new("setsid");
    detached.args(["--wait", env!("CARGO_BIN_EXE_roundsman"), "exec", "all", "--dry-run"]);
    detached.args(["--ask-vault-pass", "-i", &hosts, "--", "true"]);
    let ran = Running::start(detached).end().exits(65);
    ran.complains("`default` as typed: there is no terminal to ask at");
}

#[test]
fn what_is_not_used_needs_no_password() {
    let sealed = Sealed::new();
    fs::remove_file(sealed.desk.path("host_vars/b1.yml")).expect("it was there");
    // `never_used` and `api_token` stay closed: their password is not there.
    sealed.plan(&["--vault-password-file", &sealed.at("default.pw")]).exits(0).says("b1: secret-ops@b1:22");
}

#[test]
fn a_damaged_value_is_told_and_not_shown() {
    let sealed = Sealed::new();
    sealed.desk.file("host_vars/b1.yml", "a: [1\nkept: s3cret\n");
    sealed.encrypt("host_vars/b1.yml", "default.pw");
    let ran = sealed.plan(&["--vault-password-file", &sealed.at("default.pw")]).exits(65);
    ran.complains("host_vars/b1.yml:").complains("it is not shown, the file being encrypted");
    keeps(&ran, &["s3cret", "kept"]);
    // A number that is none: the message would quote it.
    sealed.desk.file("host_vars/b1.yml", &sealed.value("ansible_port", "s3cret", "default.pw"));
    let ran = sealed.plan(&["--vault-password-file", &sealed.at("default.pw")]).exits(65);
    ran.complains("host b1: ansible_port: its value, which comes out of a vault, can't be used");
    keeps(&ran, &["s3cret"]);
}

#[test]
fn a_secret_is_refused_where_it_would_be_seen() {
    let sealed = Sealed::new();
    let playbook = sealed.desk.file(
        "play.yml",
        "- hosts: all\n  probes:\n    - command: \"curl -H {{ header }} http://localhost\"\n  vars:\n    header: \"token={{ api_token }}\"\n",
    );
    let [default, prod] = sealed.both();
    let hosts = sealed.at("hosts");
    let ran = run(["run", &playbook, "-i", &hosts, "--dry-run", "--vault-id", &default, "--vault-id", &prod]);
    let ran = ran.exits(65);
    ran.complains("variable `api_token` of host b1 comes out of a vault").complains("play.yml:3");
    keeps(&ran, &["t0ken"]);
}

#[test]
fn an_encrypted_inventory_is_read_whichever_its_form() {
    let sealed = Sealed::new();
    let pw = sealed.at("default.pw");
    for (name, text) in [
        ("hosts.ini", "[web]\nw1 ansible_host=10.1.1.1\n"),
        ("inv", "web: {hosts: {w1: {ansible_host: 10.1.1.1}}}\n"),
    ] {
        fs::create_dir_all(sealed.desk.path("own")).expect("a directory");
        sealed.desk.file(&format!("own/{name}"), text);
        sealed.encrypt(&format!("own/{name}"), "default.pw");
        let file = sealed.at(&format!("own/{name}"));
        let args =
            ["exec", "web", "-i", &file, "--vault-password-file", &pw, "--dry-run", "-u", "me", "--", "true"];
        run(args).exits(0).says("w1: me@10.1.1.1:22");
        let refused = run(["inventory", "list", "-i", &file]).exits(65);
        refused.complains("is encrypted with ansible-vault: no vault password was given");
    }
}

/// The program in the desk's directory, where its `ansible.cfg` lies.
fn beside(desk: &Path, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = roundsman(args);
    command.current_dir(desk).env("HOME", desk).envs(env.iter().copied());
    Running::start(command).end()
}

#[test]
fn ansible_cfg_and_the_environment_are_heeded_where_nothing_stands_above_them() {
    let sealed = Sealed::new();
    let here = sealed.desk.path("");
    sealed.desk.file("hosts", "b1\nb2 ansible_user=inventory\nb3\n");
    sealed.desk.file("id", "no key, but it is there");
    sealed.desk.file("group_vars/all.yml", "a: 1\n");
    sealed.desk.file(
        "ansible.cfg",
        "[defaults]\ninventory = hosts\nremote_user = cfg\nforks = 7\nprivate_key_file = id\ntimeout = 33\n\
         vault_password_file = prod.pw\nstdout_callback = yaml\n\
         [ssh_connection]\nssh_args = -C -o ControlMaster=auto -o ControlPersist=60s\nssh_common_args = -J hop\n",
    );
    let plan = ["exec", "all", "--dry-run", "--", "true"];
    let ran = beside(&here, &plan, &[]).exits(0);
    ran.says("b1: cfg@10.9.8.7:2222, through tester@hop:22").says("b2: inventory@b2:22");
    ran.says("limits: 7 hosts at a time; connect and login 33 s")
        .says("remote_user = cfg (")
        .says("ansible.cfg:3)");
    assert!(!ran.stderr.contains("Control") && !ran.stderr.contains("ignored"), "{}", ran.stderr);
    let ran = beside(&here, &plan, &[("ANSIBLE_REMOTE_USER", "env"), ("ANSIBLE_FORKS", "9")]).exits(0);
    ran.says("b3: env@b3:22").says("limits: 9 hosts").says("ANSIBLE_REMOTE_USER = env (environment)");
    let flags = ["exec", "all", "--dry-run", "-u", "flag", "-f", "3", "-T", "4", "--", "true"];
    let ran = beside(&here, &flags, &[("ANSIBLE_REMOTE_USER", "env")]).exits(0);
    ran.says("b3: flag@b3:22").says("limits: 3 hosts at a time; connect and login 4 s");
    sealed.desk.file("elsewhere.cfg", "[defaults]\ninventory = hosts\nhost_key_checking = False\n");
    let env = [("ANSIBLE_CONFIG", "elsewhere.cfg"), ("ANSIBLE_VAULT_PASSWORD_FILE", "prod.pw")];
    let ran = beside(&here, &plan, &env).exits(0);
    ran.says("b3: tester@b3:22").complains("host keys are not checked");
    sealed.desk.file("elsewhere.cfg", "[defaults]\nforks = lots\n");
    beside(&here, &plan, &env).exits(65).complains("elsewhere.cfg:2:1: `lots` is no number");
}
