//! `kafka[01:12].dc1` and `rack[a:f]`: one name that stands for many.

use super::address;

/// How many hosts one name may stand for.
const MOST: usize = 100_000;

/// The hosts that a key or a line of an inventory stands for, and the port they share.
pub(super) fn hosts(pattern: &str) -> Result<(Vec<String>, Option<i64>), String> {
    // Without a colon or a bracket there is neither a port nor a range.
    let (pattern, port) = match pattern.contains([':', '[']) {
        true => address::parse(pattern).unwrap_or((pattern, None)),
        false => (pattern, None),
    };
    Ok((expand(pattern)?, port))
}

/// The names that `name` stands for: itself if it holds no `[`. The error says what is wrong.
pub(super) fn expand(name: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = name;
    while let Some((head, tail)) = rest.split_once('[') {
        let (range, tail) = tail.split_once(']').ok_or_else(|| format!("`{name}` lacks a `]`"))?;
        let parts = sequence(range).map_err(|wrong| format!("{wrong} in the range `[{range}]`"))?;
        if names.len().saturating_mul(parts.len()) > MOST {
            return Err(format!("`{name}` stands for more than {MOST} hosts"));
        }
        names = names
            .iter()
            .flat_map(|name| parts.iter().map(move |part| format!("{name}{head}{part}")))
            .collect();
        rest = tail;
    }
    names.iter_mut().for_each(|name| name.push_str(rest));
    Ok(names)
}

fn sequence(range: &str) -> Result<Vec<String>, String> {
    let bounds: Vec<&str> = range.split(':').collect();
    let (first, last, step) = match bounds[..] {
        [first, last] => (first, last, "1"),
        [first, last, step] => (first, last, step),
        _ => return Err("begin:end or begin:end:step is expected".to_owned()),
    };
    let first = if first.is_empty() { "0" } else { first };
    if last.is_empty() {
        return Err("the end is missing".to_owned());
    }
    let step = whole(step)
        .filter(|step| *step > 0)
        .ok_or_else(|| format!("the step `{step}` is no number above 0"))?;
    let padded = first.len() > 1 && first.starts_with('0');
    if padded && first.len() != last.len() {
        return Err("begin and end must have the same number of digits".to_owned());
    }
    let width = if padded { first.len() } else { 0 };
    let (from, to, letters) = match (letter(first), letter(last), whole(first), whole(last)) {
        (Some(from), Some(to), ..) => (from, to, true),
        (_, _, Some(from), Some(to)) => (from, to, false),
        _ => return Err("begin and end are neither two numbers nor two letters".to_owned()),
    };
    if from > to {
        return Err("the end comes before the begin".to_owned());
    }
    if (to - from) / step >= MOST {
        return Err(format!("there are more than {MOST} names"));
    }
    let part = |number: usize| match letters {
        true => LETTERS.get(number).map(|letter| char::from(*letter).to_string()).unwrap_or_default(),
        false => format!("{number:0width$}"),
    };
    Ok((from..=to).step_by(step).map(part).collect())
}

/// Ansible's order of letters: the small ones first.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [one] => LETTERS.iter().position(|letter| letter == one),
        _ => None,
    }
}

fn whole(text: &str) -> Option<usize> {
    // `parse` alone would take a `+`.
    if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::expand;

    #[test]
    fn numbers_letters_steps_and_several_ranges() {
        assert_eq!(expand("k[01:03].dc1"), Ok(vec!["k01.dc1".into(), "k02.dc1".into(), "k03.dc1".into()]));
        assert_eq!(expand("k[8:10]"), Ok(vec!["k8".into(), "k9".into(), "k10".into()]));
        assert_eq!(expand("[a:c:2]x"), Ok(vec!["ax".into(), "cx".into()]));
        assert_eq!(expand("k[:1][y:z]"), Ok(vec!["k0y".into(), "k0z".into(), "k1y".into(), "k1z".into()]));
        assert_eq!(expand("plain"), Ok(vec!["plain".into()]));
    }

    #[test]
    fn a_wrong_range_says_what_is_wrong() {
        for (name, part) in [
            ("k[1:3", "lacks"),
            ("k[1]", "begin:end"),
            ("k[3:1]", "before"),
            ("k[01:100]", "digits"),
            ("k[1:]", "end is missing"),
            ("k[a:3]", "neither"),
            ("k[1:3:0]", "step"),
            ("k[0:99999999999]", "more than"),
            ("k[0:99999][0:99999]", "more than"),
        ] {
            assert!(expand(name).is_err_and(|wrong| wrong.contains(part)), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "[a-c0-9:\\[\\]ä-]{0,16}") {
            let _ = expand(&name);
        }
    }
}
