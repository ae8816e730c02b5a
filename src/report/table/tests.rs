use crate::report::Style;
use crate::report::fixture::{Case, healthy, hostile, incident, unseen};
use crate::report::table::table;
use crate::sanitize;

fn drawn(case: &Case, width: usize, colour: bool, unicode: bool) -> String {
    table(&case.report(), &Style { width, colour, unicode })
}

#[test]
fn show() {
    let Ok(which) = std::env::var("SHOW") else { return };
    let (name, width) = which.split_once(' ').expect("name width");
    let width: usize = width.parse().expect("width");
    let case = match name {
        "incident" => incident(),
        "healthy" => healthy(),
        "unseen" => unseen(),
        _ => hostile(),
    };
    println!("{}", drawn(&case, width, std::env::var("COLOUR").is_ok(), width > 80));
}
