use std::fs;
use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A directory with these files, removed when the test ends.
fn files(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn source(dir: &TempDir, name: &str) -> String {
    dir.path().join(name).to_string_lossy().into_owned()
}

fn read(text: &str) -> Loaded {
    let dir = files(&[("hosts.yml", text)]);
    load(&[source(&dir, "hosts.yml")], None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    let dir = files(&[("hosts.yml", text)]);
    let refusal = load(&[source(&dir, "hosts.yml")], None).expect_err("refused");
    assert_eq!(refusal.exit_code(), 65);
    refusal.to_string().replace(&source(&dir, "hosts.yml"), "hosts.yml")
}

const FLEET: &str = "\
all:
  vars: {ansible_user: ops, level: all}
  children:
    queue_nodes:
      vars: {level: group, kafka_cluster: queue}
      hosts:
        kafka[01:03].dc1: {ansible_port: 2222}
        kafka03.dc1: {level: host}
    db:
      hosts: {db1: , kafka01.dc1: }
";

#[test]
fn a_fleet_has_hosts_groups_and_effective_variables() {
    let Loaded { inventory, warnings } = read(FLEET);
    assert_eq!(warnings, Vec::<String>::new());
    let hosts: Vec<&str> = inventory.hosts().collect();
    assert_eq!(hosts, ["kafka01.dc1", "kafka02.dc1", "kafka03.dc1", "db1"]);
    assert_eq!(inventory.groups_of("kafka01.dc1"), ["db", "queue_nodes"]);
    let vars = inventory.vars("kafka03.dc1");
    assert_eq!(vars["level"], "host");
    assert_eq!(vars["ansible_port"], 2222);
    assert_eq!(vars["ansible_user"], "ops");
    assert_eq!(vars["inventory_hostname_short"], "kafka03");
    assert_eq!(vars["group_names"], json!(["queue_nodes"]));
    assert_eq!(inventory.groups_var()["db"], json!(["db1", "kafka01.dc1"]));
    assert!(inventory.vars("nobody").is_empty());
}

#[test]
fn a_misspelt_word_is_an_error_with_its_place_and_the_word_that_was_meant() {
    let message = refused("all:\n  children:\n    queue:\n      hots:\n        a:\n");
    assert!(message.starts_with("hosts.yml:4:7: `hots` means nothing below the group `queue`"), "{message}");
    assert!(message.contains("4 |       hots:") && message.ends_with("did you mean `hosts`?"), "{message}");
}

#[test]
fn wrong_structures_are_refused_in_words() {
    for (text, part) in [
        ("all:\n  hosts:\n    - web1\n", "write `web1:` with a colon"),
        ("all:\n  hosts:\n    5:\n", "hosts.yml:3:5: a host's name is a string, not an integer"),
        ("all:\n  hosts:\n    a: 5\n", "variables are a mapping, not an integer"),
        ("all:\n  vars: [a]\n", "hosts.yml:2:10: variables are a mapping, not a list"),
        ("all: 5\n", "the group `all` is a mapping"),
        ("all:\n  hosts:\n    a[3:1]:\n", "the end comes before the begin in the range `[3:1]`"),
        ("all:\n  hosts: {a: , a: }\n", "stands twice"),
        (
            "a:\n  children: {b: {children: {a: }}}\n",
            "the group `b` cannot be a child of `a`, which is below it",
        ),
        ("a: {children: {ungrouped: }}\n", "stands alone below `all`"),
        ("a:\n  children: {all: }\n", "the group `all` cannot be a child of `a`"),
        ("a:\n  vars: {ansible_group_priority: high}\n", "is a whole number"),
        ("a:\n  vars: {x: !valt abc}\n", "the tag `!valt` is not known"),
        ("- a\n- b\n", "a mapping of groups, not a list"),
        ("plugin: aws_ec2\n", "the inventory plugin `aws_ec2`"),
        ("a:\n  hosts:\n    b: {x: >-\n      -o Proxy=1\n", "hosts.yml:3:12: "),
        ("a:\n  hosts: {k[1:3].dc1: }\n", "within braces a name with brackets needs quotes"),
    ] {
        let message = refused(text);
        assert!(message.contains(part), "{text:?} gave {message}");
    }
}

#[test]
fn what_is_no_yaml_is_read_as_ini() {
    let Loaded { inventory, warnings } =
        read("[web]\nw1 ansible_hots=10.0.0.1 note=\"a: b\"\n[web:vars]\nx = 1\n");
    assert_eq!(inventory.vars("w1")["x"], 1);
    assert_eq!(inventory.vars("w1")["note"], "a: b");
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("hosts.yml:2:4: nothing reads the variable `ansible_hots`"), "{warning}");
    assert_eq!(read("web1\nweb2\n").inventory.hosts().count(), 2);
    let Loaded { inventory, warnings } = read("");
    assert_eq!(inventory.hosts().count(), 0);
    assert!(warnings.iter().any(|warning| warning.contains("is empty")), "{warnings:?}");
}

#[test]
fn mistakes_in_ini_have_their_place() {
    for (text, part) in [
        ("[web\nw1\n", "hosts.ini:1:1: `[web` lacks a `]`"),
        ("[my web]\nw1\n", "hosts.ini:1:1: `[my web]` is no section"),
        ("[web:var]\na=1\n", "hosts.ini:1:6: `[web:var]`: `var` is no kind of section"),
        ("[web]\nw1 user = ops\n", "hosts.ini:2:4: `user` sets no variable"),
        ("[web]\nw1 a='x\n", "hosts.ini:2:6: the quote is never closed"),
        ("[web]\nw1:\n", "hosts.ini:2:1: `w1:` ends in a colon without a port"),
        ("[web]\n  w[3:1]\n", "hosts.ini:2:3: the end comes before the begin"),
        ("[web]\nw1\n[web:vars]\na\n", "hosts.ini:4:1: `a` sets no variable"),
        ("[web]\nw1\n[wbe:vars]\na=1\n", "hosts.ini:3:1: no section makes `wbe` a group"),
        ("[all:children]\nweb\n[wbe]\nw1\n", "hosts.ini:2:1: there is no group `web`"),
        ("[a:children]\nb c\n[b]\n", "hosts.ini:2:1: `b c` is no group's name"),
        ("[a:children]\nb\n[b:children]\na\n", "hosts.ini:4:1: the group `a` cannot be a child of `b`"),
        ("[a]\n\"\" x=1\n", "hosts.ini:2:1: a host's name cannot be empty"),
        ("[a]\nb\n[a:vars]\nansible_group_priority=high\n", "hosts.ini:4:1: `ansible_group_priority`"),
        ("\u{feff}[a]\nb\n", "byte order mark"),
    ] {
        let dir = files(&[("hosts.ini", text)]);
        let message = load(&[source(&dir, "hosts.ini")], None).expect_err(text).to_string();
        assert!(message.contains(part), "{text:?} gave {message}");
    }
}

#[test]
fn groups_that_nest_without_end_are_refused() {
    let chain: String = (0..300).rev().map(|i| format!("g{i}: {{children: {{g{}: }}}}\n", i + 1)).collect();
    assert!(refused(&chain).contains("nest more than 100 deep"));
}

#[test]
fn a_missing_source_says_how_a_host_is_named() {
    let message = load(&["nowhere".into()], None).expect_err("refused").to_string();
    assert!(message.contains("no such file") && message.contains("-i nowhere,"), "{message}");
    assert_eq!(load(&[], None).expect_err("refused").exit_code(), 64);
}

#[test]
fn near_misses_are_warnings_told_once() {
    let Loaded { warnings, .. } =
        read("all:\n  hosts:\n    a: {ansible_hots: x}\n    b: {ansible_hots: y}\n    c: {my_var: 1}\n");
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].ends_with(
            "hosts.yml:3:9: nothing reads the variable `ansible_hots`; did you mean `ansible_host`? (and in 1 other place)"
        ),
        "{warnings:?}"
    );
}

#[test]
fn sealed_values_are_told_from_mappings() {
    let Loaded { inventory, .. } =
        read("all:\n  hosts:\n    a: {p: !vault x, q: !unsafe '{{ y }}', r: {s: 1}}\n");
    let vars = inventory.vars("a");
    assert_eq!(sealed(&vars["p"]), Some(Sealed::Vault("x")));
    assert_eq!(sealed(&vars["q"]), Some(Sealed::Unsafe(&json!("{{ y }}"))));
    assert_eq!(sealed(&vars["r"]), None);
}

#[test]
fn variable_files_stand_above_the_inventory_and_the_playbooks_above_those() {
    let dir = files(&[
        (
            "inv/hosts.yml",
            "web:\n  vars: {a: inv, b: inv, c: inv}\n  hosts: {w1: {d: inv, e: inv, f: inv}}\n",
        ),
        ("inv/group_vars/web.yml", "b: file\nc: file\n"),
        ("inv/group_vars/all/one.yml", "a: all-file\n"),
        ("inv/group_vars/all.yml", "a: not read, the directory comes first\n"),
        ("inv/host_vars/w1.json", "{\"e\": \"file\", \"f\": \"file\"}"),
        ("inv/host_vars/w1.yaml.bak", "e: backup\n"),
        ("play/group_vars/web", "c: play\n"),
        ("play/host_vars/w1/x.yml", "f: play\n"),
        ("inv/group_vars/secret.yml", "$ANSIBLE_VAULT;1.1;AES256\n61\n"),
    ]);
    let play = dir.path().join("play");
    let inventory = load(&[source(&dir, "inv/hosts.yml")], Some(&play)).expect("loads").inventory;
    let vars = inventory.vars("w1");
    let taken: Vec<&str> =
        ["a", "b", "c", "d", "e", "f"].iter().filter_map(|name| vars[*name].as_str()).collect();
    assert_eq!(taken, ["all-file", "file", "play", "inv", "file", "play"]);
}

#[test]
fn an_encrypted_variable_file_is_a_warning() {
    let dir = files(&[
        ("hosts.yml", "web: {hosts: {w1: }}\n"),
        ("group_vars/web/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
    ]);
    let warnings = load(&[source(&dir, "hosts.yml")], None).expect("loads").warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("encrypted with ansible-vault"), "{warnings:?}");
}

fn chosen(pattern: &str, limit: Option<&str>) -> Vec<String> {
    read(FLEET).inventory.select(pattern, limit).unwrap_or_else(|error| panic!("{error}")).hosts
}

#[test]
fn patterns_select_as_in_ansible() {
    assert_eq!(chosen("queue_nodes:&db", None), ["kafka01.dc1"]);
    assert_eq!(chosen("!db:queue_nodes", None), ["kafka02.dc1", "kafka03.dc1"]);
    assert_eq!(chosen("queue_nodes[-1]", None), ["kafka03.dc1"]);
    assert_eq!(chosen("queue_nodes[1:],db1", None), ["kafka02.dc1", "kafka03.dc1", "db1"]);
    assert_eq!(chosen("~k.*0[12]", None), ["kafka01.dc1", "kafka02.dc1"]);
    assert_eq!(chosen("all", Some("*.dc1:!kafka02*")), ["kafka01.dc1", "kafka03.dc1"]);
    let dir = files(&[("limit", "db1\n\nkafka03.dc1\n")]);
    assert_eq!(chosen("all", Some(&format!("@{}", source(&dir, "limit")))), ["kafka03.dc1", "db1"]);
}

#[test]
fn a_pattern_that_leaves_nothing_is_refused_with_the_nearest_name() {
    let inventory = read(FLEET).inventory;
    let refusal = |pattern, limit| inventory.select(pattern, limit).expect_err("refused");
    assert_eq!(
        refusal("qeue_nodes", None).to_string(),
        "no host matches the pattern `qeue_nodes`; did you mean the group `queue_nodes`?"
    );
    assert!(refusal("localhost", None).to_string().contains("must stand in the inventory"));
    assert!(refusal("~(", None).to_string().contains("wrong"));
    assert!(refusal("db[7]", None).to_string().contains("beyond the 2 hosts"));
    assert!(refusal("", None).to_string().contains("`all` means every host"));
    assert!(refusal("all", Some("")).to_string().contains("empty"));
    assert!(refusal("all", Some("db2")).to_string().contains("leaves none of the 4 hosts"));
    assert!(refusal("all:!", None).to_string().contains("must follow"));
    assert_eq!(refusal("all", Some("@/nowhere")).exit_code(), 64);
    let selection = inventory.select("db:typo", None).expect("selects");
    assert_eq!(selection.warnings, ["`typo` in the pattern matches no host and no group"]);
}

#[test]
fn two_thousand_hosts_are_quick() {
    let mut text = String::from("kafka:\n  vars: {ansible_user: ops, kafka_cluster: big}\n  hosts:\n");
    for i in 0..2000 {
        text.push_str(&format!(
            "    kafka{i:04}.dc1.example: {{ansible_host: 10.0.{}.{}, kafka_broker_id: {i}}}\n",
            i / 256,
            i % 256
        ));
    }
    let dir = files(&[("hosts.yml", &text)]);
    let begin = Instant::now();
    let inventory = load(&[source(&dir, "hosts.yml")], None).expect("loads").inventory;
    let selection = inventory.select("kafka:!*00.dc1*", Some("~kafka[01]")).expect("selects");
    let values: usize = selection.hosts.iter().map(|host| inventory.vars(host).len()).sum();
    let took = begin.elapsed();
    assert_eq!((selection.hosts.len(), values), (1980, 1980 * 9));
    // The budget is for an optimised build; without optimisation it takes some ten times longer.
    let budget = if cfg!(debug_assertions) { 1000 } else { 50 };
    assert!(took.as_millis() < budget, "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_inventory_panics(text in "(all|web|hosts|children|vars|ungrouped|a\\[1:3\\]|[:{},\\[\\]&*<'!-]|: |\n|  |    |: \\{|a: |plugin|5|=){0,40}") {
        let dir = files(&[("hosts.yml", &text)]);
        if let Ok(Loaded { inventory, .. }) = load(&[source(&dir, "hosts.yml")], None) {
            for host in inventory.hosts() {
                inventory.vars(host);
            }
        }
    }

    #[test]
    fn no_ini_panics_and_errors_stand_in_the_file(
        text in "(\\[(web|db|all|ungrouped)(:vars|:children|:hosts)?\\]|\n|\n|\n|web|db|a\\[1:3\\]|[ =:,'\"#;\\\\\u{1f}\u{85}]|ä|name=|\\{1: \\(2,\\)\\}|b'x'|-1|:22|\r\n){0,30}"
    ) {
        let dir = files(&[("hosts.ini", &text)]);
        match load(&[source(&dir, "hosts.ini")], None) {
            Ok(Loaded { inventory, .. }) => inventory.hosts().for_each(|host| drop(inventory.vars(host))),
            Err(Refusal::File(error)) => {
                let place = error.place.expect("a place");
                prop_assert!(place.line >= 1 && place.line <= text.matches('\n').count() + 1);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn no_pattern_panics(pattern in "([a-k*?!&~@:,()ä .\\[\\]0-9-]|all|db|queue_nodes|\\[0:1\\]|\\[-1\\]){0,12}") {
        let inventory = read(FLEET).inventory;
        if let Ok(selection) = inventory.select(&pattern, None) {
            prop_assert!(!selection.hosts.is_empty());
        }
        let _ = inventory.select("all", Some(&pattern));
    }
}

#[test]
fn a_list_of_hosts_needs_no_file() {
    let inventory = load(&["web1,web2:2222, ::1,".into()], None).expect("loads").inventory;
    assert_eq!(inventory.hosts().collect::<Vec<_>>(), ["web1", "web2", "::1"]);
    assert_eq!(inventory.vars("web2")["ansible_port"], 2222);
    assert_eq!(inventory.groups_of("web1"), ["ungrouped"]);
}

#[cfg(unix)]
#[test]
fn scripts_are_run_and_their_failures_told() {
    use std::os::unix::fs::PermissionsExt;
    let run = |text: &str| {
        let dir = files(&[("inv.sh", text)]);
        let path = source(&dir, "inv.sh");
        fs::set_permissions(Path::new(&path), fs::Permissions::from_mode(0o755)).expect("mode");
        load(&[path], None)
    };
    let list = r#"{"web": {"hosts": ["w1", "w2"], "vars": {"a": 1}}, "old": ["w2"], "_meta": {"hostvars": {"w1": {"b": 2}}}}"#;
    let inventory = run(&format!("#!/bin/sh\necho '{list}'\n")).expect("loads").inventory;
    assert_eq!((&inventory.vars("w1")["a"], &inventory.vars("w1")["b"]), (&json!(1), &json!(2)));
    assert_eq!(inventory.groups_of("w2"), ["old", "web"]);
    let asked = "#!/bin/sh\nif [ \"$1\" = --host ]; then echo \"{\\\"name\\\": \\\"$2\\\"}\"; else echo '{\"web\": [\"w1\"]}'; fi\n";
    assert_eq!(run(asked).expect("loads").inventory.vars("w1")["name"], "w1");
    let message = run("#!/bin/sh\necho no token >&2\nexit 3\n").expect_err("refused").to_string();
    assert!(message.contains("`--list` ended with") && message.contains("it said: no token"), "{message}");
    assert!(run("#!/bin/sh\necho hello\n").expect_err("refused").to_string().contains("printed no JSON"));
}
