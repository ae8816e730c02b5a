use crate::report::fixture::{healthy, hostile, incident, unseen};
use crate::report::markdown::markdown;

#[test]
fn show() {
    let Ok(which) = std::env::var("SHOW") else { return };
    let case = match which.as_str() {
        "incident" => incident(),
        "healthy" => healthy(),
        "unseen" => unseen(),
        _ => hostile(),
    };
    println!("{}", markdown(&case.report()));
}
