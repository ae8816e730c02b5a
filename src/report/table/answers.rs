//! Disk space and the answers to commands, as they came.

use super::grid::{Cell, Column, draw};
use super::page::{Ink, Page};
use crate::report::Report;
use crate::report::digest::answers::{commands, ended, mounts, used_percent};
use crate::report::fold::fold;
use crate::report::measure::bytes;

/// Lines of one answer that are shown; the JSON report has them all.
const LINES: usize = 20;

/// Kafka stops a log dir that it cannot write to: a disk this full deserves a look.
const FULL: u64 = 85;

/// One row per mount.
pub fn disks(page: &mut Page, report: &Report) {
    let mounts = mounts(report);
    if mounts.is_empty() {
        return;
    }
    page.heading("Disk space");
    let columns = [
        Column::left("host").naming(),
        Column::left("mount").naming(),
        Column::right("size"),
        Column::right("used"),
        Column::right("free"),
        Column::right("used %"),
    ];
    let rows: Vec<Vec<Cell>> = mounts
        .iter()
        .map(|(host, mount)| {
            let percent = used_percent(mount);
            let ink = if percent.is_some_and(|percent| percent >= FULL) { Ink::Warning } else { Ink::Plain };
            vec![
                Cell::from(*host),
                Cell::from(mount.mount.as_str()),
                bytes(mount.size_bytes).into(),
                bytes(mount.used_bytes).into(),
                bytes(mount.available_bytes).into(),
                Cell::new(ink, percent.map_or("?".to_owned(), |percent| percent.to_string())),
            ]
        })
        .collect();
    draw(page, 2, &columns, &rows);
}

/// What commands printed, hosts with the same answer together.
pub fn answers(page: &mut Page, report: &Report) {
    let told = commands(report);
    if told.is_empty() {
        return;
    }
    page.heading("Commands");
    for told in told {
        let how = ended(told.output).map(|how| format!(" ({how})")).unwrap_or_default();
        let hosts = fold(told.hosts.iter().copied());
        page.wrapped_to(
            &[(Ink::Plain, "  ")],
            Ink::Bold,
            &format!("{hosts}: {}{how}", told.output.command),
            3,
        );
        let lines: Vec<&str> = told.output.stdout.lines().chain(told.output.stderr.lines()).collect();
        for line in lines.iter().take(LINES) {
            page.wrapped_to(&[(Ink::Plain, "    ")], Ink::Plain, line, 1);
        }
        if lines.len() > LINES {
            page.wrapped_to(
                &[(Ink::Plain, "    ")],
                Ink::Dim,
                &format!("and {} more lines", lines.len() - LINES),
                1,
            );
        }
    }
}
