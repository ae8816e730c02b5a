//! Standard output and standard error: what may go where, and what becomes of a reader who left.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Least, Show, When};
use crate::error::Refusal;
use crate::kafka::event::Weight;
use crate::report::{Filter, Format, Metrics, Style};
use crate::sanitize;

/// Columns of a report that no terminal shows.
const WIDTH: usize = 120;

/// The mode of a file that holds what brokers said.
const PRIVATE: u32 = 0o600;

/// Where a command prints.
pub struct Out {
    /// Something that was to be delivered was not.
    lost: AtomicBool,
    colour: bool,
    /// Nobody watches: no bar and no colour, whatever standard error is.
    plain: bool,
}

impl Out {
    pub fn new(colour: When) -> Self {
        Out { lost: AtomicBool::new(false), colour: colour.here(io::stdout().is_terminal()), plain: false }
    }

    /// For a round that nobody watches: no terminal codes anywhere.
    pub fn plain() -> Self {
        Out { lost: AtomicBool::new(false), colour: false, plain: true }
    }

    /// Whether progress may be drawn on standard error.
    pub fn draws(&self) -> bool {
        !self.plain && io::stderr().is_terminal()
    }

    /// Whether what goes to standard output is to have colour.
    pub fn coloured(&self) -> bool {
        self.colour
    }

    /// The style that standard output can take.
    pub fn style(&self, show: &Show) -> Style {
        Style { colour: self.colour, ..plain(show.width) }
    }

    /// To standard output. A reader that closed the pipe had enough: no error.
    pub fn print(&self, text: &str) {
        self.print_bytes(text.as_bytes());
    }

    /// As [`Out::print`].
    pub fn print_bytes(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lose(&format!("standard output can't be written: {error}"));
        }
    }

    /// To standard error; remote text in it is made harmless.
    pub fn complain(&self, text: &str) {
        // With standard error gone there is nobody left to tell.
        let _ = writeln!(io::stderr().lock(), "{}", sanitize::block(text));
    }

    /// Says that something which was to be delivered or kept was not; the exit status will know.
    pub fn lose(&self, why: &str) {
        self.lost.store(true, Ordering::Relaxed);
        self.complain(&format!("error: {why}"));
    }

    /// Warnings, one to a line.
    pub fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            self.complain(&format!("warning: {warning}"));
        }
    }

    /// Writes a private file whole: beside its place first, then renamed.
    pub fn write_file(&self, path: &Path, bytes: &[u8]) {
        self.write_with_mode(path, bytes, PRIVATE);
    }

    /// As [`Out::write_file`], for everybody to read whatever the umask: node_exporter is another user, and
    /// what it finds it gives to whoever asks.
    pub fn write_public_file(&self, path: &Path, bytes: &[u8]) {
        self.write_with_mode(path, bytes, 0o644);
    }

    fn write_with_mode(&self, path: &Path, bytes: &[u8], mode: u32) {
        if let Err(error) = write_whole(path, bytes, mode) {
            self.lose(&format!("{} can't be written: {error}", path.display()));
        }
    }

    /// The command's exit status: at least UNKNOWN when something could not be delivered.
    pub fn status(&self, status: u8) -> u8 {
        if self.lost.load(Ordering::Relaxed) && status < 2 { 3 } else { status }
    }
}

/// Writes a file whole: beside its place first, then renamed.
///
/// # Errors
/// Of the file system.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // A pipe or a device is written as it is.
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    // One that a killed run left, or that somebody laid in the way, is not written through.
    let _ = fs::remove_file(&beside);
    let written = (|| {
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&beside)?;
        file.write_all(bytes)?;
        if mode != PRIVATE {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // Best effort: the error that matters is already on its way.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The style of a page that is no report.
pub fn plain(width: Option<u16>) -> Style {
    let terminal = || Some(usize::from(terminal_size::terminal_size_of(io::stdout())?.0.0).max(40));
    let width = width.map(usize::from).or_else(terminal).unwrap_or(WIDTH);
    Style { width, colour: false, unicode: speaks_utf8() }
}

/// By the locale, as the C library decides it.
fn speaks_utf8() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Where the report goes: a format for standard output, and files.
pub struct Destinations {
    pub stdout: Format,
    pub files: Vec<(Format, PathBuf)>,
    /// What timelines are limited to.
    pub timeline: Filter,
    /// What becomes metrics.
    pub metrics: Metrics,
}

/// Reads `--format` and each `-o`.
///
/// # Errors
/// A format that does not exist, a file whose extension says none.
pub fn destinations(show: &Show) -> Result<Destinations, Refusal> {
    let stdout =
        show.format.parse::<Format>().map_err(|message| Refusal::usage(format!("--format: {message}")))?;
    let files = show
        .output
        .iter()
        .map(|given| {
            if let Some((format, file)) = given.split_once(':')
                && let Ok(format) = format.parse::<Format>()
            {
                return Ok((format, PathBuf::from(file)));
            }
            match Format::of_path(Path::new(given)) {
                Some(format) => Ok((format, PathBuf::from(given))),
                None => Err(Refusal::usage(format!(
                    "-o {given}: the extension says no format; write e.g. markdown:{given}"
                ))),
            }
        })
        .collect::<Result<_, _>>()?;
    let severity = show.severity.map(|least| match least {
        Least::Notice => Weight::Notice,
        Least::Warning => Weight::Warning,
        Least::Critical => Weight::Critical,
    });
    let timeline = Filter { topic: show.topic.clone(), severity };
    let metrics = Metrics {
        topics: show.metrics_topic.clone(),
        series: show.metrics_series,
        labels: show.metrics_label.clone(),
    };
    Ok(Destinations { stdout, files, timeline, metrics })
}
