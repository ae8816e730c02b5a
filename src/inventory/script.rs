//! Executables that print an inventory as JSON: `--list`, and `--host NAME` where that lacks the
//! hosts' variables.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use indexmap::IndexSet;
use serde_json::{Map, Value};

use super::graph::{BadPriority, From, Graph};
use super::known;
use crate::error::FileError;

/// Runs the script and puts what it says into the graph. `false` when the system does not take the
/// file for a program: it is to be read as text then.
pub(super) fn read(
    path: &Path,
    from: &From,
    graph: &mut Graph,
    warnings: &mut Vec<String>,
) -> Result<bool, FileError> {
    let Some(output) = run(path, &["--list"])? else { return Ok(false) };
    let mut list = object(path, "--list", &output)?;
    let mut reader = Reader { path, from, graph, warnings, hosts: IndexSet::new() };
    let hostvars = match list.shift_remove("_meta") {
        None => None,
        Some(meta) => match meta.get("hostvars") {
            Some(Value::Object(hostvars)) => Some(hostvars.clone()),
            Some(other) => {
                return Err(reader.wrong(format!("`_meta.hostvars` is {}, not an object", kind(other))));
            }
            None => return Err(reader.wrong("`_meta` has no `hostvars`")),
        },
    };
    for (group, data) in list {
        reader.group(&group, data)?;
    }
    for name in std::mem::take(&mut reader.hosts) {
        let vars = match &hostvars {
            Some(hostvars) => match hostvars.get(&name) {
                None => continue,
                Some(Value::Object(vars)) => vars.clone(),
                Some(other) => {
                    return Err(
                        reader.wrong(format!("the variables of `{name}` are {}, not an object", kind(other)))
                    );
                }
            },
            None => reader.ask(&name)?,
        };
        reader.host_vars(&name, vars)?;
    }
    Ok(true)
}

struct Reader<'a> {
    path: &'a Path,
    from: &'a From,
    graph: &'a mut Graph,
    warnings: &'a mut Vec<String>,
    hosts: IndexSet<String>,
}

impl Reader<'_> {
    fn group(&mut self, name: &str, data: Value) -> Result<(), FileError> {
        if name.is_empty() {
            return Err(self.wrong("a group's name is empty"));
        }
        let group = self.graph.add_group(name);
        let mut data = match data {
            Value::Object(data)
                if ["hosts", "vars", "children"].iter().any(|key| data.contains_key(*key)) =>
            {
                data
            }
            // Ansible's old forms: a list of hosts, or the variables of the one host the group is,
            // which it takes for text without templates.
            Value::Object(vars) => Map::from_iter([
                ("hosts".to_owned(), Value::from(vec![name])),
                ("vars".to_owned(), without_templates(Value::Object(vars))),
            ]),
            hosts => Map::from_iter([("hosts".to_owned(), hosts)]),
        };
        for host in self.strings(name, "hosts", data.shift_remove("hosts"))? {
            self.graph.add_host(&host, Some(group), None, self.from);
            self.hosts.insert(host);
        }
        match data.shift_remove("vars") {
            None => {}
            Some(Value::Object(vars)) => {
                for (var, value) in vars {
                    self.check(&var);
                    let set = self.graph.set_group_var(group, &var, value);
                    set.map_err(|BadPriority| self.wrong("`ansible_group_priority` is a whole number"))?;
                }
            }
            Some(other) => {
                return Err(self.wrong(format!("`{name}.vars` is {}, not an object", kind(&other))));
            }
        }
        for child in self.strings(name, "children", data.shift_remove("children"))? {
            let child = self.graph.add_group(&child);
            self.graph.add_child(group, child).map_err(|wrong| self.wrong(wrong))?;
        }
        Ok(())
    }

    fn strings(&self, group: &str, key: &str, value: Option<Value>) -> Result<Vec<String>, FileError> {
        let items = match value {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong(format!("`{group}.{key}` is {}, not a list", kind(&other)))),
        };
        let text = |item| match item {
            Value::String(name) if !name.is_empty() => Ok(name),
            other => Err(self.wrong(format!("`{group}.{key}` holds {}, not a name", kind(&other)))),
        };
        items.into_iter().map(text).collect()
    }

    fn host_vars(&mut self, name: &str, vars: Map<String, Value>) -> Result<(), FileError> {
        let host = self.graph.add_host(name, None, None, self.from);
        for (var, value) in vars {
            self.check(&var);
            let set = self.graph.set_host_var(host, &var, value);
            set.map_err(|BadPriority| self.wrong("`ansible_group_priority` is a whole number"))?;
        }
        Ok(())
    }

    fn ask(&self, host: &str) -> Result<Map<String, Value>, FileError> {
        match run(self.path, &["--host", host])? {
            Some(output) if !output.trim().is_empty() => {
                object(self.path, &format!("--host {host}"), &output)
            }
            _ => Ok(Map::new()),
        }
    }

    fn check(&mut self, var: &str) {
        if let Some(meant) = known::near_miss(var) {
            let path = self.path.display();
            self.warnings
                .push(format!("{path}: nothing reads the variable `{var}`; did you mean `{meant}`?"));
        }
    }

    fn wrong(&self, message: impl Into<String>) -> FileError {
        FileError::whole(self.path, format!("what it prints is no inventory: {}", message.into()))
    }
}

/// Standard output; `None` when the system does not take the file for a program.
fn run(path: &Path, arguments: &[&str]) -> Result<Option<String>, FileError> {
    // An absolute path, lest a bare name be looked for in PATH. No standard input: nobody answers.
    let program = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let output = match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if not_a_program(&error) => return Ok(None),
        Err(error) => return Err(FileError::whole(path, format!("cannot be run: {error}"))),
    };
    let command = arguments.join(" ");
    if !output.status.success() {
        let error = FileError::whole(path, format!("`{command}` ended with {}", output.status));
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Option<String> = said
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .map(|line| line.chars().filter(|c| !c.is_control()).take(200).collect());
        return Err(match last {
            Some(line) => error.hint(format!("it said: {line}")),
            None => error,
        });
    }
    String::from_utf8(output.stdout)
        .map(Some)
        .map_err(|_| FileError::whole(path, format!("`{command}` printed something that is not UTF-8")))
}

/// ENOEXEC: neither a binary nor a `#!` line.
fn not_a_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(8)
}

fn object(path: &Path, command: &str, output: &str) -> Result<Map<String, Value>, FileError> {
    match serde_json::from_str(output) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => {
            Err(FileError::whole(path, format!("`{command}` printed {}, not an object", kind(&other))))
        }
        Err(error) => Err(FileError::whole(path, format!("`{command}` printed no JSON: {error}"))),
    }
}

/// Every string marked as `!unsafe` marks it.
fn without_templates(value: Value) -> Value {
    match value {
        Value::String(_) => Value::Object(Map::from_iter([("__ansible_unsafe".to_owned(), value)])),
        Value::Array(items) => items.into_iter().map(without_templates).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, without_templates(value))).collect())
        }
        other => other,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
