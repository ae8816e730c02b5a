//! `disk_free`: the mounts that some paths lie on, by POSIX `df -P -k`; their inodes by `df -P -i`, which is
//! no POSIX: where it is not known, inodes are not.

use crate::round::{Coverage, Evidence, Mount};
use crate::shell::answer::{Answer, lines};
use crate::shell::script::quote_glob;

/// The script for `paths`.
pub fn script(paths: &[String]) -> String {
    let words: Vec<String> = paths.iter().map(|path| quote_glob(path)).collect();
    let words = words.join(" ");
    format!("df -P -k -- {words};echo I;df -P -i -- {words} 2>/dev/null")
}

/// Reads `df`'s table. A mount that holds several of the paths is listed once.
pub fn parse(paths: &[String], answer: &Answer, limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut of_inodes = false;
    for line in answer.lines() {
        if line == "I" {
            of_inodes = true;
        } else if of_inodes {
            let Some(inodes) = row(&line, 1) else { continue };
            // A file system that makes inodes as it needs them says 0.
            for mount in
                mounts.iter_mut().filter(|mount| mount.mount == inodes.mount && inodes.size_bytes > 0)
            {
                mount.inodes = Some(inodes.size_bytes);
                mount.inodes_free = Some(inodes.available_bytes);
            }
        } else if let Some(mount) = row(&line, 1024)
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
/// numbers are found by the percent sign; they are in units of `unit`. The header's `Capacity` has none, that
/// of inodes (`IUse%`) is no number.
fn row(line: &str, unit: u64) -> Option<Mount> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().rposition(|word| {
        word.strip_suffix('%').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            || *word == "-"
    })?;
    let number = |back: usize| -> Option<u64> {
        words.get(percent.checked_sub(back)?)?.parse::<u64>().ok().map(|number| number.saturating_mul(unit))
    };
    Some(Mount {
        device: words.get(..percent.checked_sub(3)?)?.join(" "),
        mount: words.get(percent + 1..)?.join(" "),
        size_bytes: number(3)?,
        used_bytes: number(2)?,
        available_bytes: number(1)?,
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
                /dev/sda 1000 400 600 40% /services\n/dev/sda 1000 400 600 40% /services\nover lay 10 5 5 50% /a b\nI\n\
                Filesystem Inodes IUsed IFree IUse% Mounted on\n/dev/sda 65536 36 65500 1% /services\n\
                over lay 0 0 0 - /a b\n"
                .to_vec(),
            ended: Some(crate::round::Ended::Exit(0)),
            ..Answer::default()
        };
        let (evidence, coverage) = parse(&["/services/kafka".into()], &answer, 1);
        let Evidence::DiskFree(mounts) = evidence else { panic!("{evidence:?}") };
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].available_bytes, 600 * 1024);
        assert_eq!((mounts[0].inodes, mounts[0].inodes_free), (Some(65536), Some(65500)));
        assert_eq!(mounts[1].inodes, None);
        assert_eq!((mounts[1].device.as_str(), mounts[1].mount.as_str()), ("over lay", "/a b"));
        assert_eq!(coverage, [Coverage::complete("/services/kafka")]);
    }

    proptest::proptest! {
        #[test]
        fn any_table_is_read_without_harm(text in "([a-z /]{0,8} [0-9]{0,25} [0-9]{0,25} -?[0-9]{0,25} [0-9]{0,3}%? /[a-z ]{0,5}\n|I\n|.{0,20}\n){0,6}") {
            let answer = Answer { stdout: text.into_bytes(), ..Answer::default() };
            parse(&["/services".into()], &answer, 1);
        }
    }
}
