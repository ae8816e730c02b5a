use super::*;

fn at<'a>(env: &'a dyn Fn(&str) -> Option<OsString>, files: Vec<PathBuf>) -> Surroundings<'a> {
    Surroundings { env, names: Vec::new(), files }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

fn below(line: &str, env: &[(&str, &str)], toml: &str) -> Result<Vec<String>, Refusal> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("roundsman.toml");
    std::fs::write(&file, toml).expect("a file");
    let look = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    let layered = layered_in(words(line), &at(&look, vec![file]))?;
    Ok(layered.words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

#[test]
fn variables_of_commands_tables_and_flags_are_told_apart() {
    let root = help::command();
    let tables = commands(&root);
    let mut general = BTreeSet::new();
    for (_, leaf) in &tables {
        general.extend(
            options(&root, leaf).iter().filter_map(|arg| arg.get_long()).map(|long| variable(None, long)),
        );
    }
    for (table, leaf) in &tables {
        let long = |arg: &&Arg| arg.get_long().map(str::to_owned);
        let own: BTreeSet<String> = options(&root, leaf).iter().filter_map(long).collect();
        for long in own {
            let name = variable(Some(table), &long);
            assert!(!general.contains(&name), "{name} is two options");
        }
        let key = variable(None, table);
        // The file that names the file: no key of any.
        assert!(table == "config" || !general.contains(&key), "{table} is a table and a key");
    }
    for name in ["STATUS", "EXIT", "ROUND_ID", "CHANGED"] {
        assert!(!general.contains(&format!("{PREFIX}{name}")), "{name} is told to --notify-cmd");
    }
}

#[test]
fn a_line_is_joined_behind_its_command() {
    let joined =
        below("roundsman --color never exec all -- ls --forks", &[("ROUNDSMAN_FORKS", "7")], "").unwrap();
    assert_eq!(joined, ["roundsman", "--color", "never", "exec", "--forks=7", "all", "--", "ls", "--forks"]);
    let joined =
        below("roundsman history list", &[("ROUNDSMAN_HISTORY_LIST_NUMBER", "3")], "number = 9\n").unwrap();
    assert_eq!(joined, ["roundsman", "history", "list", "--number=3"]);
}

#[test]
fn what_is_typed_overrides_its_rivals_from_below() {
    let env = [("ROUNDSMAN_CONNECTION_PASSWORD_FILE", "pw"), ("ROUNDSMAN_FOLD", "1")];
    assert_eq!(
        below("roundsman check all -k", &env, "").unwrap(),
        words("roundsman check all -k").iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>()
    );
    let error = below("roundsman check all", &[env[0], ("ROUNDSMAN_ASK_PASS", "yes")], "").unwrap_err();
    assert!(error.to_string().contains("ROUNDSMAN_ASK_PASS"), "{error}");
    // The environment stands above the file.
    let joined = below("roundsman check all", &env[..1], "ask-pass = true\n").unwrap();
    assert_eq!(joined, ["roundsman", "check", "--connection-password-file=pw", "all"]);
}

#[test]
fn the_format_of_reports_is_none_for_exec() {
    assert_eq!(below("roundsman exec all", &[("ROUNDSMAN_FORMAT", "html")], "").unwrap().len(), 3);
    assert_eq!(below("roundsman exec all", &[], "format = \"html\"\n").unwrap().len(), 3);
    assert_eq!(below("roundsman exec all", &[("ROUNDSMAN_FORMAT", "json")], "").unwrap().len(), 4);
    assert!(below("roundsman exec all", &[], "[exec]\nformat = \"html\"\n").is_err());
}

#[test]
fn a_wrong_file_is_told_with_its_place() {
    let wrong = |toml: &str| below("roundsman check all", &[], toml).unwrap_err();
    let error = wrong("forks = 3\nfroks = 4\n");
    assert_eq!(error.exit_code(), 65);
    let text = error.to_string();
    assert!(text.contains(":2:1: `froks` is no option") && text.contains("did you mean `forks`?"), "{text}");
    assert!(wrong("[run]\nfold = true\n").to_string().contains(":2:1: `fold` is no option of run"));
    assert!(wrong("[rnu]\nforks = 1\n").to_string().contains("did you mean `run`?"));
    assert!(wrong("forks = \"many\"\n").to_string().contains(":1:1: `many` is nothing for --forks"));
    assert!(wrong("become = 3\n").to_string().contains("`become` is true or false"));
    assert!(wrong("forks = [1, 2]\n").to_string().contains("one value, not a list"));
    assert!(
        wrong("[audit]\nforks = 0\n").to_string().contains(":2:1: `0` is nothing for --forks"),
        "of another command"
    );
    assert!(wrong("forks = \n").to_string().contains(":1:"));
    assert!(wrong("config = \"x\"\n").to_string().contains("can't stand in one"));
}
