//! docs/faults.md promises that a test checks each of its rows.

use std::fs;

struct Row {
    fault: String,
    sees: String,
    status: String,
    test: String,
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md")).unwrap();
    page.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| fault"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [fault, sees, status, stays, test] = cells[..] else { panic!("not five cells: {line}") };
            assert!(!stays.is_empty(), "{line}");
            let [fault, sees, status, test] = [fault, sees, status, test].map(str::to_owned);
            Row { fault, sees, status, test }
        })
        .collect()
}

/// The source of the test that `row` names: from its name to the end of the function.
fn source(row: &Row) -> String {
    let (file, name) = row.test.split_once("::").unwrap_or_else(|| panic!("{}: {}", row.fault, row.test));
    let path = format!("{}/tests/{file}.rs", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let heads = [format!("#[test]\nfn {name}("), format!("\nasync fn {name}(")];
    let at = heads.iter().find_map(|head| text.find(head)).unwrap_or_else(|| panic!("no test {}", row.test));
    let rest = &text[at..];
    rest[..rest.find("\n}\n").unwrap_or(rest.len())].to_owned()
}

#[test]
fn every_row_has_its_test_and_the_test_looks_for_what_the_row_quotes() {
    let rows = rows();
    assert!(rows.len() > 35, "{}", rows.len());
    let mut lies = Vec::new();
    for row in &rows {
        let source = source(row);
        let quoted = row.sees.split('`').skip(1).step_by(2);
        for words in quoted.filter(|words| !["run", "check", "df"].contains(words)) {
            if !source.contains(words) {
                lies.push(format!("{}: {} does not look for `{words}`", row.fault, row.test));
            }
        }
    }
    assert!(lies.is_empty(), "{lies:#?}");
}

#[test]
fn every_exit_status_is_one_there_is_and_the_test_asks_for_it() {
    for row in rows() {
        let source = source(&row);
        let asked = match row.status.as_str() {
            "none" => source.contains("Signal::KILL"),
            status => {
                assert!(["0", "2", "3", "130", "143"].contains(&status), "{}: {status}", row.fault);
                let words =
                    [format!("exits({status})"), format!(", {status}, &["), format!("{{ {status} }}")];
                // A test of the library sees no exit status: a connection that did not come about.
                words.iter().any(|word| source.contains(word)) || source.contains(".err().unwrap()")
            }
        };
        assert!(asked, "{}: {} does not ask for {}", row.fault, row.test, row.status);
    }
}
