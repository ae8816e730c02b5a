use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(text: &str) -> Node {
    parse(Path::new("t.yml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    parse(Path::new("t.yml"), text).expect_err("refused").to_string()
}

fn json_of(text: &str) -> serde_json::Value {
    read(text).to_json()
}

#[test]
fn plain_scalars_are_yaml_1_1() {
    let text = "[yes, No, on, Off, True, ~, null, 022, 0x1F, 0b101, 1_000, 1:30, -1:30:00, +5, 0, -0x1F, \
                1.5, 1., .5, 1e3, 1.5e3, 1.5e+3, -.5, 0o17, 09, 1:30.5, y, 2020-01-01, 1.2.3.4, 1_0.5_0, 0_, -, .]";
    assert_eq!(
        json_of(text),
        json!([
            true,
            false,
            true,
            false,
            true,
            null,
            null,
            18,
            31,
            5,
            1000,
            90,
            -5400,
            5,
            0,
            -31,
            1.5,
            1.0,
            0.5,
            "1e3",
            "1.5e3",
            1500.0,
            "-.5",
            "0o17",
            "09",
            90.5,
            "y",
            "2020-01-01",
            "1.2.3.4",
            10.5,
            0,
            "-",
            "."
        ])
    );
}

#[test]
fn quoted_and_block_scalars_are_strings() {
    let text = "- 'yes'\n- \"022\"\n- |-\n  yes\n- >-\n  12\n- \"\\x79es\"\n- \"\\\n  yes\"\n- ''\n- '~'\n";
    assert_eq!(json_of(text), json!(["yes", "022", "yes", "12", "yes", "yes", "", "~"]));
}

#[test]
fn core_tags_decide() {
    assert_eq!(
        json_of("[!!str 5, !!int '5', !!float 1, !!str yes, &a !!str on]"),
        json!(["5", 5, 1.0, "yes", "on"])
    );
}

#[test]
fn local_tags_keep_their_text() {
    let node =
        read("a: !vault |\n  $ANSIBLE_VAULT;1.1\n  6162\nb: !vault 5\nc: !unsafe [x, 1]\nd: !unsafe '1'\n");
    let five = Node { value: Yaml::String("5".into()), offset: 50 };
    assert_eq!(node.get("b").map(|b| &b.value), Some(&Yaml::Tagged("vault".into(), Box::new(five))));
    assert_eq!(
        node.to_json(),
        json!({"a": {"__ansible_vault": "$ANSIBLE_VAULT;1.1\n6162\n"}, "b": {"__ansible_vault": "5"},
               "c": [{"__ansible_unsafe": "x"}, 1], "d": {"__ansible_unsafe": "1"}})
    );
}

#[test]
fn every_offset_points_at_its_text() {
    let text = "\u{feff}# ä\nkey: välue\n'q ü': \"é\"\nlist:\n  - 1\n  - yes\nempty: []\r\nlast: 7\n";
    let node = read(text);
    let at = |name: &str| &text[node.get(name).map_or(0, |node| node.offset)..];
    assert!(at("key").starts_with("välue"));
    assert!(at("q ü").starts_with("\"é\""));
    assert!(at("list").starts_with("1\n"));
    assert!(at("empty").starts_with("empty: []"), "an empty list is placed at its key");
    assert!(at("last").starts_with('7'));
}

#[test]
fn merge_keys_give_way_to_own_keys_and_to_earlier_mappings() {
    let text =
        "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\nd: {y: 0, <<: *b}\ne: {'<<': 1}\n";
    let node = read(text);
    let json = node.to_json();
    assert_eq!(json["c"], json!({"x": 1, "z": 2, "y": 3}));
    assert_eq!(json["d"], json!({"x": 2, "z": 2, "y": 0}));
    assert_eq!(json["e"], json!({"<<": 1}));
    assert!(refused("a: {<<: 5}").contains("not an integer"));
}

#[test]
fn duplicate_keys_are_refused_with_both_lines() {
    let message = refused("a:\n  b: 1\n  c: 2\n  b: 3\n");
    assert!(message.starts_with("t.yml:4:3: the key `b` stands twice"), "{message}");
    assert!(message.ends_with("hint: it stands first on line 2"), "{message}");
    assert_eq!(
        json_of("{1: a, '1': b}").as_object().map(|map| map.len()),
        Some(1),
        "an int and a string differ"
    );
}

#[test]
fn a_template_without_quotes_gets_a_hint() {
    let message = refused("a: {{ b }}\n");
    assert!(message.contains("a mapping cannot be a key") && message.contains("needs quotes"), "{message}");
}

#[test]
fn documents_and_syntax_errors_have_places() {
    let message = refused("---\na: 1\n---\nb: 2\n");
    assert!(message.starts_with("t.yml:3:1: more than one YAML document"), "{message}");
    let message = refused("a: [1\nb: 2\n");
    assert!(message.starts_with("t.yml:2:"), "{message}");
    assert!(read("# nothing\n").is_null() && read("").is_null() && read("---\n...\n").is_null());
}

#[test]
fn an_anchor_given_twice_is_refused_because_aliases_would_go_astray() {
    let message = refused("a: &x 1\nb: &x 2\nc: &y 3\nd: *x\n");
    assert!(message.starts_with("t.yml:2:4: the anchor `&x` is given twice"), "{message}");
}

#[test]
fn bombs_are_refused() {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(",");
        text.push_str(&format!("a{i}: &a{i} [{aliases}]\n"));
    }
    refused(&text);
    let wide = format!("a: &a [{}]\nb: [{}]\n", vec!["x"; 5000].join(","), vec!["*a"; 5000].join(","));
    assert!(refused(&wide).contains("repeat too much"));
    refused(&"[".repeat(1000));
    refused("a: &a [*a]");
}

#[test]
fn json_is_read_as_json() {
    assert_eq!(
        json_of("{\"a\": 1e3, \"b\": \"\\ud83d\\ude00\", \"c\": [true, null]}"),
        json!({"a": 1000.0, "b": "😀", "c": [true, null]})
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = parse(Path::new("t.yml"), &text);
    }

    #[test]
    fn no_arrangement_of_yaml_marks_panics(text in "([a-c0-9~:\\-?&*!|>'\"%@`{}\\[\\],#<. \n\t]|<<: |\\*a|&a |!t |yes|\u{85}|ä){0,60}") {
        let _ = parse(Path::new("t.yml"), &text);
    }

    #[test]
    fn a_number_like_scalar_is_never_lost(text in "[-+.]?[0-9_:.eExbo+-]{1,12}") {
        if let Ok(node) = parse(Path::new("t.yml"), &format!("k: '{text}'\n")) {
            prop_assert_eq!(node.get("k").and_then(Node::as_str), Some(text.as_str()));
        }
        let _ = parse(Path::new("t.yml"), &format!("k: {text}\n"));
    }
}
