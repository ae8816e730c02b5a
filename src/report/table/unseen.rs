//! What was not seen, in full: the report claims nothing about it.

use super::page::{Ink, Page};
use crate::report::Report;
use crate::report::digest::unseen::gaps;
use crate::report::measure::counted;

/// Lines that a message and a name have at most.
const MESSAGE: usize = 8;
const NAME: usize = 2;

/// The section, where there is anything in it.
pub fn unseen(page: &mut Page, report: &Report) {
    let gaps = gaps(report);
    if gaps.is_empty() {
        return;
    }
    page.heading("Not seen");
    for gap in gaps {
        match gap.hosts.as_slice() {
            [] => page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Unknown, &gap.message, MESSAGE),
            [host] => {
                page.wrapped_to(&[(Ink::Plain, "  ")], Ink::Bold, host, NAME);
                page.wrapped_to(&[(Ink::Plain, "      ")], Ink::Plain, &gap.message, MESSAGE);
            }
            hosts => {
                page.wrapped(&[(Ink::Plain, "  ")], Ink::Bold, &counted(hosts.len(), "host", "hosts"));
                page.wrapped_to(&[(Ink::Plain, "      ")], Ink::Plain, &gap.message, MESSAGE);
                page.wrapped(&[(Ink::Plain, "      ")], Ink::Dim, &names(page, hosts).join(", "));
            }
        }
    }
}

fn names(page: &Page, hosts: &[&str]) -> Vec<String> {
    // A host's name has 253 characters at most; what is longer is no name.
    hosts.iter().map(|host| page.cut(&page.text(host), 253)).collect()
}
