//! What was not seen, in full: the report claims nothing about it.

use super::page::{Ink, Page};
use crate::report::Report;
use crate::report::digest::unseen::gaps;
use crate::report::measure::counted;

/// The section, where there is anything in it.
pub fn unseen(page: &mut Page, report: &Report) {
    let gaps = gaps(report);
    if gaps.is_empty() {
        return;
    }
    page.heading("Not seen");
    for gap in gaps {
        match gap.hosts.as_slice() {
            [] => page.wrapped(&[(Ink::Plain, "  ")], Ink::Unknown, &gap.message),
            [host] => {
                let lead = page.text(host);
                page.wrapped(&[(Ink::Plain, "  ")], Ink::Bold, &lead);
                page.wrapped(&[(Ink::Plain, "      ")], Ink::Plain, &gap.message);
            }
            hosts => {
                page.wrapped(&[(Ink::Plain, "  ")], Ink::Bold, &counted(hosts.len(), "host", "hosts"));
                page.wrapped(&[(Ink::Plain, "      ")], Ink::Plain, &gap.message);
                page.wrapped(&[(Ink::Plain, "      ")], Ink::Dim, &hosts.join(", "));
            }
        }
    }
}
