use std::collections::HashMap;
use std::fs;

use super::*;

/// A home, a current directory and a system's directory, and what is set in the environment.
struct World {
    dir: tempfile::TempDir,
    env: HashMap<String, String>,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["home", "here", "etc"] {
            fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        World { dir, env: HashMap::new() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn set(mut self, name: &str, value: &str) -> World {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn read(&self) -> Result<Settings, Refusal> {
        let at = |name: &str| self.dir.path().join(name);
        Settings::read(&Surroundings {
            env: &|name| self.env.get(name).map(OsString::from),
            current_dir: at("here"),
            home: Some(at("home")),
            system_dir: at("etc"),
        })
    }

    fn settings(&self) -> Settings {
        self.read().unwrap_or_else(|refusal| panic!("{refusal}"))
    }
}

#[test]
fn nothing_said_is_nothing_set() {
    assert_eq!(World::new().settings(), Settings::default());
}

#[test]
fn the_first_file_in_ansibles_order_counts_alone() {
    let mut world = World::new();
    let user = |world: &World| world.settings().remote_user;
    world.file("etc/ansible.cfg", "[defaults]\nremote_user=system\nforks=7\n");
    assert_eq!(user(&world).as_deref(), Some("system"));
    world.file("home/.ansible.cfg", "[defaults]\nremote_user=home\n");
    assert_eq!((user(&world).as_deref(), world.settings().forks), (Some("home"), None));
    let here = world.file("here/ansible.cfg", "[defaults]\nremote_user=here\n");
    assert_eq!(user(&world).as_deref(), Some("here"));
    assert_eq!(world.settings().origins, [format!("remote_user = here ({}:2)", here.display())]);
    world.file("home/other.cfg", "[defaults]\nremote_user=other\n");
    world = world.set("ANSIBLE_CONFIG", "~/other.cfg");
    assert_eq!(user(&world).as_deref(), Some("other"));
    world = world.set("ANSIBLE_CONFIG", "missing.cfg");
    assert_eq!(user(&world).as_deref(), Some("here"));
    world = world.set("ANSIBLE_REMOTE_USER", "env");
    assert_eq!(user(&world).as_deref(), Some("env"));
}

#[cfg(unix)]
#[test]
fn a_file_where_anybody_may_write_is_passed_over_with_a_word() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let here = world.file("here/ansible.cfg", "[defaults]\nremote_user=mallory\n");
    let dir = here.parent().expect("a parent");
    fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).expect("mode");
    let settings = world.settings();
    assert_eq!((settings.remote_user, settings.file), (None, None));
    assert!(settings.warnings[0].contains("anybody may write"), "{:?}", settings.warnings);
    let world = world.set("ANSIBLE_CONFIG", &here.display().to_string());
    assert_eq!(
        (world.settings().remote_user.as_deref(), world.settings().warnings.len()),
        (Some("mallory"), 0)
    );
}

#[test]
fn every_setting_is_found_and_paths_are_relative_to_the_file() {
    let world = World::new();
    let file = world.file(
        "home/.ansible.cfg",
        "[defaults]\ninventory = hosts, ~/more.yml\nremote_user = ops\nremote_port = 2222\nforks = 20\n\
         private_key_file = keys/id\nhost_key_checking = False\ntimeout = 30\nask_vault_pass = no\n\
         vault_password_file = ./pw\nvault_identity_list = dev@~/dev, prod@prompt\nvault_id_match = yes\n\
         [ssh_connection]\nssh_args = -C -o ControlMaster=auto\n  -o ControlPersist=60s\nssh_common_args = \"-J bastion\"\n\
         [privilege_escalation]\nbecome = True\nbecome_user = kafka\nbecome_method = sudo\n",
    );
    let settings = world.settings();
    let home = world.dir.path().join("home");
    assert_eq!(
        settings.inventories,
        [home.join("hosts").display().to_string(), home.join("more.yml").display().to_string()]
    );
    assert_eq!(settings.file.as_deref(), Some(file.as_path()));
    assert_eq!((settings.remote_port, settings.forks), (Some(2222), Some(20)));
    assert_eq!(settings.private_key, Some(home.join("keys/id")));
    assert_eq!((settings.host_key_checking, settings.timeout), (Some(false), Some(Duration::from_secs(30))));
    assert_eq!(settings.ssh_args.as_deref(), Some("-C -o ControlMaster=auto -o ControlPersist=60s"));
    assert_eq!(settings.ssh_common_args.as_deref(), Some("-J bastion"));
    assert_eq!((settings.become_root, settings.become_user.as_deref()), (Some(true), Some("kafka")));
    assert!(settings.vault_id_match && !settings.ask_vault_pass);
    let files = [PathBuf::from("typed")];
    let locks = settings.locks(&["x@y".to_owned()], &files, true);
    let shown: Vec<(Option<&str>, Source)> =
        locks.iter().map(|lock| (lock.id.as_deref(), lock.source.clone())).collect();
    assert_eq!(
        shown,
        [
            (Some("dev"), Source::File(home.join("dev"))),
            (Some("prod"), Source::Prompt),
            (Some("x"), Source::File("y".into())),
            (None, Source::File("typed".into())),
            (None, Source::File(home.join("./pw"))),
            (None, Source::Prompt),
        ]
    );
}

#[test]
fn wrong_values_name_their_place() {
    let world = World::new();
    let file = world.file("here/ansible.cfg", "[defaults]\nforks = many\n");
    let message = world.read().expect_err("no number").to_string();
    assert!(message.starts_with(&format!("{}:2:1: `many` is no number", file.display())), "{message}");
    let refusal = World::new().set("ANSIBLE_TIMEOUT", "soon").read().expect_err("no number");
    assert_eq!(refusal.to_string(), "ANSIBLE_TIMEOUT: `soon` is no number that fits here");
}
