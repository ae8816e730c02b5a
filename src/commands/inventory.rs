//! `inventory list`, `graph` and `host`: the inventory as `ansible-inventory` prints it.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::error::{Refusal, nearest};
use crate::inventory::{Inventory, Sealed, sealed};

/// All groups and all hosts' variables, as `ansible-inventory --list` has them: an inventory that
/// Ansible and this tool read back.
pub fn list(inventory: &Inventory) -> String {
    let mut groups = Map::new();
    let mut open = vec!["all"];
    let mut seen = HashSet::from(["all"]);
    while let Some(name) = open.pop() {
        let (children, hosts) = inventory.members_of(name);
        let mut group = Map::new();
        // The hosts of `all` stand in `ungrouped` or in groups of their own as well.
        if name != "all" && !hosts.is_empty() {
            group.insert("hosts".to_owned(), hosts.into());
        }
        open.extend(children.iter().filter(|child| seen.insert(**child)));
        if !children.is_empty() {
            group.insert("children".to_owned(), children.into());
        }
        if !group.is_empty() {
            groups.insert(name.to_owned(), Value::Object(group));
        }
    }
    let vars = |host: &str| {
        let vars = inventory.own_vars(host).into_iter();
        vars.map(|(name, value)| (name, discreet(value))).collect::<Map<String, Value>>()
    };
    let hostvars: Map<String, Value> = inventory
        .hosts()
        .map(|host| (host.to_owned(), vars(host)))
        .filter(|(_, vars)| !vars.is_empty())
        .map(|(host, vars)| (host, Value::Object(vars)))
        .collect();
    let mut meta = Map::new();
    meta.insert("hostvars".to_owned(), Value::Object(hostvars));
    meta.insert("profile".to_owned(), "inventory_legacy".into());
    groups.insert("_meta".to_owned(), Value::Object(meta));
    python_json(&Value::Object(groups))
}

/// The tree of groups and hosts, as `ansible-inventory --graph` has it.
pub fn graph(inventory: &Inventory) -> String {
    let mut lines = Vec::new();
    branch(inventory, "all", 0, &mut lines);
    lines.join("\n")
}

// Groups nest at most a hundred deep and without loops, so this ends.
fn branch(inventory: &Inventory, group: &str, depth: usize, lines: &mut Vec<String>) {
    let line = |name: &str, depth: usize| match depth {
        0 => name.to_owned(),
        _ => format!("{}--{name}", "  |".repeat(depth)),
    };
    lines.push(line(&format!("@{group}:"), depth));
    let (children, hosts) = inventory.members_of(group);
    for child in children {
        branch(inventory, child, depth + 1, lines);
    }
    if group != "all" {
        lines.extend(hosts.into_iter().map(|host| line(host, depth + 1)));
    }
}

/// One host's effective variables, as `ansible-inventory --host` has them.
pub fn host(inventory: &Inventory, name: &str) -> Result<String, Refusal> {
    known_host(inventory, name)?;
    // `--host` shows an unsafe value bare; only `--list`, which is read back, must mark it.
    let vars =
        inventory.own_vars(name).into_iter().map(|(name, value)| (name, bare(discreet(value)))).collect();
    Ok(python_json(&Value::Object(vars)))
}

/// Refuses a name that is none of the inventory's hosts.
pub fn known_host(inventory: &Inventory, name: &str) -> Result<(), Refusal> {
    if inventory.has_host(name) {
        return Ok(());
    }
    let near = nearest(name, inventory.hosts()).map(|near| format!("; did you mean `{near}`?"));
    Err(Refusal::usage(format!("there is no host `{name}`{}", near.unwrap_or_default())))
}

/// Nothing out of an encrypted file is shown; a single encrypted value stands as it is in its file.
fn discreet(value: Value) -> Value {
    match sealed(&value) {
        Some(Sealed::Opened(_)) => "(from a file encrypted with ansible-vault)".into(),
        _ => value,
    }
}

/// The value without the marks of `!unsafe`.
fn bare(value: Value) -> Value {
    if let Some(Sealed::Unsafe(text)) = sealed(&value) {
        return text.clone();
    }
    match value {
        Value::Array(items) => items.into_iter().map(bare).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, bare(value))).collect()),
        value => value,
    }
}

/// JSON as Python's `json.dumps(value, sort_keys=True, indent=4, ensure_ascii=False)` writes it.
fn python_json(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let line = |depth: usize, text: &mut String| {
        text.push('\n');
        text.push_str(&"    ".repeat(depth));
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                line(depth + 1, text);
                write(item, depth + 1, text);
            }
            line(depth, text);
            text.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                line(depth + 1, text);
                string(key, text);
                text.push_str(": ");
                write(value, depth + 1, text);
            }
            line(depth, text);
            text.push('}');
        }
        Value::String(value) => string(value, text),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => text.push_str(&python_float(float)),
            None => text.push_str(&number.to_string()),
        },
        other => text.push_str(&other.to_string()),
    }
}

fn string(value: &str, text: &mut String) {
    text.push_str(&Value::from(value).to_string());
}

/// The shortest digits that give the number back; an exponent below 1e-4 and from 1e16 on.
fn python_float(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((digits, Ok(exponent))) =
        scientific.split_once('e').map(|(digits, e)| (digits, e.parse::<i32>()))
    else {
        return scientific;
    };
    if (-4..16).contains(&exponent) {
        return format!("{float:?}");
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::load;

    fn two() -> Inventory {
        load(&["b,a:22".to_owned()], None).expect("a list loads").inventory
    }

    #[test]
    fn a_list_is_sorted_json_with_four_spaces() {
        let expected = r#"{
    "_meta": {
        "hostvars": {
            "a": {
                "ansible_port": 22
            }
        },
        "profile": "inventory_legacy"
    },
    "all": {
        "children": [
            "ungrouped"
        ]
    },
    "ungrouped": {
        "hosts": [
            "b",
            "a"
        ]
    }
}"#;
        assert_eq!(list(&two()), expected);
    }

    #[test]
    fn a_graph_and_a_host() {
        assert_eq!(graph(&two()), "@all:\n  |--@ungrouped:\n  |  |--b\n  |  |--a");
        assert_eq!(host(&two(), "b").expect("is there"), "{}");
        let refusal = host(&two(), "aa").expect_err("is not there");
        assert_eq!(
            (refusal.exit_code(), refusal.to_string().as_str()),
            (64, "there is no host `aa`; did you mean `a`?")
        );
    }

    #[test]
    fn numbers_and_letters_are_pythons() {
        let value = json!({"a": [1.0, 1e16, 1.5e-7, 123456789012345680.0, 0.0001, -0.0], "b": "ä😀\n", "c": [], "d": {}});
        let text = python_json(&value).replace(['\n', ' '], "");
        assert_eq!(
            text,
            r#"{"a":[1.0,1e+16,1.5e-07,1.2345678901234568e+17,0.0001,-0.0],"b":"ä😀\n","c":[],"d":{}}"#
        );
    }
}
