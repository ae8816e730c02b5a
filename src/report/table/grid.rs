//! Rows and columns.
//!
//! The widths are settled here, before anything is drawn: tabled's own shrinking takes from all columns
//! alike and can leave narrow ones no width at all. Only columns that may shrink do, and never below
//! [`SHRUNK`]; a table that still does not fit is written as records, one line per value.

use tabled::builder::Builder;
use tabled::settings::object::{Cell as At, Columns, Rows};
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Color, Padding, Style as Lines};

use super::page::{Ink, Page};
use crate::sanitize;

/// The least width that a column is shrunk to.
const SHRUNK: usize = 10;
/// Columns between two columns: roomy, and where that does not fit, tight.
const GAPS: [usize; 2] = [2, 1];

/// A column's head and how it is set.
pub struct Column {
    head: String,
    right: bool,
    shrinks: bool,
    name: bool,
}

impl Column {
    /// Words, set left.
    pub fn left(head: &str) -> Self {
        Column { head: head.to_owned(), right: false, shrinks: false, name: false }
    }

    /// Numbers, set right.
    pub fn right(head: &str) -> Self {
        Column { head: head.to_owned(), right: true, shrinks: false, name: false }
    }

    /// Cut where there is no room for it.
    pub fn shrinking(self) -> Self {
        Column { shrinks: true, ..self }
    }

    /// Cut in the middle where there is no room: names differ at either end.
    pub fn naming(self) -> Self {
        Column { shrinks: true, name: true, ..self }
    }
}

/// One value.
#[derive(Clone, Default)]
pub struct Cell {
    pub ink: Ink,
    pub text: String,
}

impl Cell {
    pub fn new(ink: Ink, text: impl Into<String>) -> Self {
        Cell { ink, text: text.into() }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::new(Ink::Plain, text)
    }
}

/// Writes rows under their heads, indented.
pub fn draw(page: &mut Page, indent: usize, columns: &[Column], rows: &[Vec<Cell>]) {
    if rows.is_empty() || columns.is_empty() {
        return;
    }
    let (heads, rows) = safe(page, columns, rows);
    let natural = natural(columns, &heads, &rows);
    // What does not fit where it belongs may do so further to the left.
    let indent = if total(&natural, GAPS[1]) + indent <= page.width { indent } else { indent.min(2) };
    let room = page.width.saturating_sub(indent);
    let roomy = GAPS.into_iter().find(|gap| total(&natural, *gap) <= room).map(|gap| (natural.clone(), gap));
    // A tight table with all its values is better than a roomy one with some of them cut.
    let fit = roomy.or_else(|| {
        let mut tries = GAPS.into_iter();
        tries.find_map(|gap| Some((shrunk(room, gap, columns, &heads, natural.clone())?, gap)))
    });
    match fit {
        Some((widths, gap)) => table(page, indent, columns, &heads, &rows, &widths, gap),
        None => records(page, indent, &heads, &rows),
    }
}

/// Whether a table has room without cutting anything.
pub fn fits(page: &Page, indent: usize, columns: &[Column], rows: &[Vec<Cell>]) -> bool {
    let (heads, rows) = safe(page, columns, rows);
    total(&natural(columns, &heads, &rows), GAPS[0]) + indent <= page.width
}

fn safe(page: &Page, columns: &[Column], rows: &[Vec<Cell>]) -> (Vec<String>, Vec<Vec<Cell>>) {
    let heads = columns.iter().map(|column| page.text(&column.head)).collect();
    let safe = |row: &Vec<Cell>| {
        let mut cells: Vec<Cell> =
            row.iter().map(|cell| Cell::new(cell.ink, page.text(&cell.text))).collect();
        cells.resize(columns.len(), Cell::default());
        cells
    };
    (heads, rows.iter().map(safe).collect())
}

fn natural(columns: &[Column], heads: &[String], rows: &[Vec<Cell>]) -> Vec<usize> {
    let widest = |at: usize| {
        let cells = rows.iter().map(|row| sanitize::width(&row[at].text));
        cells.chain([sanitize::width(&heads[at])]).max().unwrap_or(0)
    };
    (0..columns.len()).map(widest).collect()
}

fn total(widths: &[usize], gap: usize) -> usize {
    widths.iter().sum::<usize>() + gap * widths.len().saturating_sub(1)
}

/// Widths with the columns that may shrink shrunk, or `None` where even that does not fit.
fn shrunk(
    room: usize,
    gap: usize,
    columns: &[Column],
    heads: &[String],
    mut widths: Vec<usize>,
) -> Option<Vec<usize>> {
    let shrinks = |at: &usize| columns[*at].shrinks;
    let floor = |at: usize| match columns[at].name {
        true => SHRUNK,
        false => SHRUNK.max(sanitize::width(&heads[at]).min(SHRUNK * 2)),
    };
    while total(&widths, gap) > room {
        let over = total(&widths, gap) - room;
        let widest = (0..widths.len())
            .filter(shrinks)
            .filter(|at| widths[*at] > floor(*at))
            .max_by_key(|at| widths[*at])?;
        // Down to the next widest first, so that long columns share the loss.
        let next =
            (0..widths.len()).filter(shrinks).map(|at| widths[at]).filter(|wide| *wide < widths[widest]);
        let stop = next.max().unwrap_or(0).max(floor(widest));
        widths[widest] -= over.min(widths[widest].saturating_sub(stop)).max(1);
    }
    Some(widths)
}

/// `text` with its middle left out.
fn cut_middle(page: &Page, text: &str, columns: usize) -> String {
    let mark = page.ellipsis();
    let Some(room) = columns.checked_sub(sanitize::width(mark)) else { return page.cut(text, columns) };
    if sanitize::width(text) <= columns {
        return page.cut(text, columns);
    }
    let head = sanitize::truncate_with(text, room.div_ceil(2), "");
    let mut tail = String::new();
    for c in text.chars().rev() {
        let longer = format!("{c}{tail}");
        // The bound on characters is for marks that take no column.
        if sanitize::width(&longer) > room / 2 || longer.chars().count() > columns * 2 {
            break;
        }
        tail = longer;
    }
    format!("{head}{mark}{tail}")
}

fn table(
    page: &mut Page,
    indent: usize,
    columns: &[Column],
    heads: &[String],
    rows: &[Vec<Cell>],
    widths: &[usize],
    gap: usize,
) {
    let mut builder = Builder::default();
    let cut = |text: &str, at: usize| match columns[at].name {
        true => cut_middle(page, text, widths[at]),
        false => page.cut(text, widths[at]),
    };
    builder.push_record(heads.iter().enumerate().map(|(at, head)| cut(head, at)));
    for row in rows {
        builder.push_record(row.iter().enumerate().map(|(at, cell)| cut(&cell.text, at)));
    }
    let mut table = builder.build();
    let rule = HorizontalLine::new(if page.unicode { '─' } else { '-' });
    table.with(Lines::empty().horizontals([(1, rule)]));
    table.with(Padding::new(0, gap, 0, 0));
    table.modify(Columns::last(), Padding::zero());
    for at in (0..columns.len()).filter(|at| columns[*at].right) {
        table.modify(Columns::one(at), Alignment::right());
    }
    if page.colour {
        let colour = |ink: Ink| ink.sequence().map(|start| Color::new(start, "\x1b[0m"));
        if let Some(bold) = colour(Ink::Bold) {
            table.modify(Rows::first(), bold);
        }
        for (down, row) in rows.iter().enumerate() {
            for (across, cell) in row.iter().enumerate() {
                if let Some(colour) = colour(cell.ink) {
                    table.modify(At::new(down + 1, across), colour);
                }
            }
        }
    }
    let space = " ".repeat(indent);
    for line in table.to_string().lines() {
        page.ready(format!("{space}{line}").trim_end());
    }
}

fn records(page: &mut Page, indent: usize, heads: &[String], rows: &[Vec<Cell>]) {
    let heads: Vec<String> = heads.iter().map(|head| cut_middle(page, head, SHRUNK * 2)).collect();
    let wide = heads.iter().map(|head| sanitize::width(head)).max().unwrap_or(0);
    for row in rows {
        for (at, (head, cell)) in heads.iter().zip(row).enumerate() {
            let bullet = if at == 0 { "* " } else { "  " };
            let space = " ".repeat(wide - sanitize::width(head));
            let lead = format!("{}{bullet}{head}{space}  ", " ".repeat(indent));
            page.wrapped_to(&[(Ink::Dim, &lead)], cell.ink, &cell.text, 3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Style;

    fn drawn(width: usize, columns: &[Column], rows: &[Vec<Cell>]) -> String {
        let mut page = Page::new(&Style { width, colour: false, unicode: false });
        draw(&mut page, 0, columns, rows);
        page.finish()
    }

    #[test]
    fn the_long_column_gives_and_the_narrow_ones_keep_their_values() {
        let columns = [Column::left("host").shrinking(), Column::right("bytes"), Column::left("state")];
        let rows = [vec![Cell::from("very-long-host-name".repeat(5)), "12".into(), "ok".into()]];
        let text = drawn(40, &columns, &rows);
        insta::assert_snapshot!(text, @"
        host                        bytes  state
        ----------------------------------------
        very-long-host-namevery...     12  ok
        ");
    }

    #[test]
    fn what_fits_no_table_becomes_records_and_loses_nothing() {
        let columns: Vec<Column> = (0..9).map(|at| Column::right(&format!("column{at}"))).collect();
        let rows = [(0..9).map(|at| Cell::from(format!("value{at}"))).collect::<Vec<_>>()];
        let text = drawn(40, &columns, &rows);
        assert!((0..9).all(|at| text.contains(&format!("value{at}"))), "{text}");
        assert!(text.lines().all(|line| line.len() <= 40));
    }
}
