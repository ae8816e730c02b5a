use crate::report::fixture::{healthy, hostile, incident, unseen};
use crate::report::markdown::markdown;
use crate::sanitize;

#[test]
fn the_incident_for_a_ticket() {
    insta::assert_snapshot!("incident", markdown(&incident().report()));
}

#[test]
fn a_healthy_fleet_for_a_ticket() {
    insta::assert_snapshot!("healthy", markdown(&healthy().report()));
}

#[test]
fn half_a_fleet_unseen_for_a_ticket() {
    insta::assert_snapshot!("unseen", markdown(&unseen().report()));
}

#[test]
fn hostile_text_stays_in_spans_and_fences() {
    let text = markdown(&hostile().report());
    assert!(!text.chars().any(|c| c != '\n' && sanitize::is_unprintable(c)));
    let mut fenced: Option<String> = None;
    for line in text.lines() {
        match &fenced {
            Some(fence) if line == fence => fenced = None,
            Some(_) => {}
            None if line.starts_with("```") && line.ends_with("text") => {
                fenced = Some(line.trim_end_matches("text").to_owned());
            }
            None => assert_inert(line),
        }
    }
    assert_eq!(fenced, None, "every fence is closed");
}

/// Takes the code spans out as Markdown does, and looks at what is left.
fn assert_inert(line: &str) {
    let mut rest = String::new();
    let mut pieces = line;
    while let Some(start) = pieces.find('`') {
        let run = pieces[start..].chars().take_while(|c| *c == '`').count();
        rest.push_str(&pieces[..start]);
        let body = &pieces[start + run..];
        let fence = "`".repeat(run);
        let end = body
            .match_indices(&fence)
            .map(|(at, _)| at)
            .find(|at| !body[..*at].ends_with('`') && !body[at + run..].starts_with('`'))
            .unwrap_or_else(|| panic!("an open span in {line}"));
        assert!(!(line.starts_with('|') && body[..end].contains('|')), "a bar ends the cell: {line}");
        pieces = &body[end + run..];
    }
    rest.push_str(pieces);
    for mark in ["@", "<script", "<b", "javascript:", "](", "evil"] {
        assert!(!rest.contains(mark), "{mark} in {rest}");
    }
}
