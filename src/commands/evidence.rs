//! Reads the files that the flags of *Evidence from elsewhere* name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::cli;
use crate::error::{FileError, Place, Refusal};
use crate::intake::size::Unit;
use crate::intake::{Brought, Known, Text, Wrong, du, join, log_dirs, log_text, topics};
use crate::plan::build::{self, Options};
use crate::plan::vars;
use crate::playbook::template::Renderer;

/// Bytes of a transcript, unpacked: more is no transcript.
const LONGEST: u64 = 256 << 20;

/// Bytes of matching log text that are kept of one file.
const LOG_LIMIT: usize = 64 << 20;

/// Everything that the flags name; `None` where they name nothing.
///
/// # Errors
/// A file that can't be read or is not what its flag says, a zone or a unit that there is not.
pub fn read(args: &cli::Evidence) -> Result<Option<Brought>, Refusal> {
    let zone = args.log_zone.as_deref().map(zone).transpose()?;
    let mut brought = Brought { zone, ..Brought::default() };
    for given in &args.du_transcript {
        let (host, path) = named(given);
        let text = text(&path)?;
        let name = path.display().to_string();
        let given = Text { name: &name, text: &text };
        let answers = du::du(given, host, unit(args.du_unit)).map_err(|wrong| at(&path, &text, wrong))?;
        brought.du.push((name, answers));
    }
    for path in &args.kafka_log_dirs {
        let text = text(path)?;
        let name = path.display().to_string();
        let answers =
            log_dirs::log_dirs(Text { name: &name, text: &text }).map_err(|wrong| at(path, &text, wrong))?;
        brought.log_dirs.push((name, answers));
    }
    for path in &args.kafka_topics {
        let text = text(path)?;
        let name = path.display().to_string();
        let described =
            topics::topics(Text { name: &name, text: &text }).map_err(|wrong| at(path, &text, wrong))?;
        brought.topics.extend(described);
    }
    for given in &args.log {
        let Some((host, file)) =
            given.split_once('=').filter(|(host, file)| !host.is_empty() && !file.is_empty())
        else {
            return Err(Refusal::usage(format!(
                "--log {given}: write HOST=FILE, HOST being a name, an address or a broker id"
            )));
        };
        for file in files(Path::new(file))? {
            brought.logs.push(join::Log {
                of: host.to_owned(),
                read: log(&file)?,
                file: file.display().to_string(),
            });
        }
    }
    let nothing = brought.du.is_empty()
        && brought.log_dirs.is_empty()
        && brought.topics.is_empty()
        && brought.logs.is_empty();
    if nothing && (args.log_zone.is_some() || args.du_unit.is_some()) {
        return Err(Refusal::usage(
            "--log-zone and --du-unit say how to read --log and --du-transcript, and neither is given",
        ));
    }
    Ok((!nothing).then_some(brought))
}

/// What an inventory says of its hosts; nothing where none is given.
///
/// # Errors
/// An inventory that can't be read.
pub fn known(inventories: &[String]) -> Result<(Vec<Known>, Vec<String>), Refusal> {
    if inventories.iter().all(String::is_empty) {
        return Ok((Vec::new(), Vec::new()));
    }
    let options = Options { inventories: inventories.to_vec(), ..Options::default() };
    let loaded = build::inventory(&options, None)?;
    let mut known = Vec::new();
    for host in loaded.inventory.hosts() {
        let mut vars = loaded.inventory.vars(host);
        vars.insert("groups".to_owned(), loaded.inventory.groups_var());
        let vars = Renderer::new(host, vars);
        known.push(Known {
            host: host.to_owned(),
            address: vars::text_var(host, &vars, "ansible_host")?.unwrap_or_default(),
            broker_id: vars::number_var(host, &vars, "kafka_broker_id")?,
            cluster: vars::text_var(host, &vars, "kafka_cluster")?,
        });
    }
    Ok((known, loaded.warnings))
}

/// `HOST=FILE`, or the name of a file that may hold a `=` itself.
fn named(given: &str) -> (Option<&str>, PathBuf) {
    match given.split_once('=') {
        Some((host, file)) if !host.is_empty() && !host.contains('/') && !Path::new(given).exists() => {
            (Some(host), PathBuf::from(file))
        }
        _ => (None, PathBuf::from(given)),
    }
}

fn unit(unit: Option<cli::DuUnit>) -> Option<Unit> {
    unit.map(|unit| match unit {
        cli::DuUnit::K => Unit::Kibibytes,
        cli::DuUnit::M => Unit::Mebibytes,
        cli::DuUnit::B => Unit::Bytes,
        cli::DuUnit::Blocks => Unit::Blocks,
    })
}

/// `Z`, `UTC`, `+02:00`, `-0330`, `+2`, as seconds east of UTC.
fn zone(text: &str) -> Result<join::Zone, Refusal> {
    let wrong = || Refusal::usage(format!("--log-zone {text}: write Z or an offset as +02:00"));
    if matches!(text, "Z" | "z" | "UTC" | "utc") {
        return Ok(0);
    }
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let digits = rest.replace(':', "");
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits.as_str(), "0"),
        4 => digits.split_at_checked(2).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let (hours, minutes): (i32, i32) =
        (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    // No place on earth is further off.
    if hours > 14 || minutes > 59 {
        return Err(wrong());
    }
    Ok(sign * (hours * 3600 + minutes * 60))
}

/// A file, unpacked where it is a gzip file; `-` is standard input.
fn open(path: &Path) -> Result<Box<dyn BufRead>, FileError> {
    let cannot = |error: io::Error| FileError::whole(path, format!("it can't be read: {error}"));
    let mut file: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(1 << 16, File::open(path).map_err(cannot)?))
    };
    let zipped = file.fill_buf().map_err(cannot)?.starts_with(&[0x1f, 0x8b]);
    Ok(if zipped { Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file))) } else { file })
}

fn text(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| FileError::whole(path, format!("it can't be read: {error}")))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
        return Err(FileError::whole(path, "it is longer than 256 MiB: no transcript is"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn log(path: &Path) -> Result<log_text::Read, FileError> {
    let read = log_text::read(open(path)?, LOG_LIMIT)
        .map_err(|error| FileError::whole(path, format!("it can't be read: {error}")))?;
    if !read.empty && read.seen == 0 {
        return Err(FileError::whole(
            path,
            "this is no log of Kafka: no line of it starts with a time and a level, as `[2017-04-03 14:16:36,003] ERROR …`",
        ));
    }
    Ok(read)
}

/// A log, or those of a directory: whatever has `.log` or `.out` in its name, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let cannot = |error: io::Error| FileError::whole(path, format!("the directory can't be read: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // The garbage collector's and the authorizer's own are of another form.
        let log = (name.contains(".log") || name.contains(".out"))
            && !name.contains("-gc.log")
            && !name.contains("kafkaServer-gc");
        if log && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(FileError::whole(path, "there is no log in it: no file has .log or .out in its name"));
    }
    Ok(files)
}

/// A text's mistake as one of its file.
fn at(path: &Path, text: &str, wrong: Wrong) -> FileError {
    let Wrong { line, message, hint } = wrong;
    let error = match line.and_then(|line| Some((line, text.lines().nth(line.checked_sub(1)?)?))) {
        Some((line, shown)) => {
            let place = Place { line, column: 1, text: shown.chars().take(200).collect() };
            FileError::at(path, place, message)
        }
        None => FileError::whole(path, message),
    };
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_offsets() {
        for (text, seconds) in
            [("Z", 0), ("UTC", 0), ("+02:00", 7200), ("-0330", -12600), ("+2", 7200), ("+14", 50400)]
        {
            assert_eq!(zone(text).ok(), Some(seconds), "{text}");
        }
        for text in ["", "02:00", "+", "+2:3:4", "+15", "+02:60", "Europe/Amsterdam", "+0x", "+é2"] {
            assert!(zone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_may_stand_before_the_file() {
        assert_eq!(named("n1=du.txt"), (Some("n1"), PathBuf::from("du.txt")));
        assert_eq!(named("a/b=c"), (None, PathBuf::from("a/b=c")));
        assert_eq!(named("du.txt"), (None, PathBuf::from("du.txt")));
    }
}
