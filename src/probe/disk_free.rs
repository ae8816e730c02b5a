//! `disk_free`: the mounts that some paths lie on, by POSIX `df -P -k`.

use crate::round::{Coverage, Evidence, Mount};
use crate::shell::answer::{Answer, lines};
use crate::shell::script::quote_glob;

/// The script for `paths`.
pub fn script(paths: &[String]) -> String {
    let words: Vec<String> = paths.iter().map(|path| quote_glob(path)).collect();
    format!("df -P -k -- {}", words.join(" "))
}

/// Reads `df`'s table. A mount that holds several of the paths is listed once.
pub fn parse(paths: &[String], answer: &Answer, limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let mut mounts: Vec<Mount> = Vec::new();
    for line in answer.lines().skip(1) {
        if let Some(mount) = row(&line)
            && !mounts.contains(&mount)
        {
            mounts.push(mount);
        }
    }
    let complaints: Vec<String> = lines(&answer.stderr).map(|line| line.into_owned()).collect();
    let coverage = paths
        .iter()
        .map(|path| {
            let fixed = path.split(['*', '?', '[']).next().unwrap_or(path);
            // A complaint about `/data/x` is none about `/data`, though it holds the word.
            let about = |line: &&String| match fixed == path {
                true => line.contains(&format!(" {path}: ")) || line.contains(&format!("'{path}'")),
                false => line.contains(fixed),
            };
            if let Some(complaint) = complaints.iter().find(about) {
                Coverage::none(path, complaint.clone())
            } else if let Some(why) = answer.why_cut(limit_seconds) {
                Coverage::partial(path, why)
            } else if mounts.is_empty() {
                Coverage::none(path, "df listed no mount")
            } else {
                Coverage::complete(path)
            }
        })
        .collect();
    (Evidence::DiskFree(mounts), coverage)
}

/// `Filesystem 1024-blocks Used Available Capacity Mounted on`; device and mount may hold spaces, so the
/// numbers are found by the percent sign.
fn row(line: &str) -> Option<Mount> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().rposition(|word| {
        word.strip_suffix('%').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            || *word == "-"
    })?;
    let kib = |back: usize| -> Option<u64> {
        words.get(percent.checked_sub(back)?)?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
    };
    Some(Mount {
        device: words.get(..percent.checked_sub(3)?)?.join(" "),
        mount: words.get(percent + 1..)?.join(" "),
        size_bytes: kib(3)?,
        used_bytes: kib(2)?,
        available_bytes: kib(1)?,
        ..Mount::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_seen_twice_is_one_mount() {
        let answer = Answer {
            stdout: b"Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                /dev/sda 1000 400 600 40% /services\n/dev/sda 1000 400 600 40% /services\nover lay 10 5 5 50% /a b\n"
                .to_vec(),
            ended: Some(crate::round::Ended::Exit(0)),
            ..Answer::default()
        };
        let (evidence, coverage) = parse(&["/services/kafka".into()], &answer, 1);
        let Evidence::DiskFree(mounts) = evidence else { panic!("{evidence:?}") };
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].available_bytes, 600 * 1024);
        assert_eq!((mounts[1].device.as_str(), mounts[1].mount.as_str()), ("over lay", "/a b"));
        assert_eq!(coverage, [Coverage::complete("/services/kafka")]);
    }
}
