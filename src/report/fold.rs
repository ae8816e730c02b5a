//! Host names folded into ranges, as ClusterShell does: `broker-[0001-0064,0070]`.

use std::collections::BTreeMap;

/// Names that differ in one number are told as a range; the rest are listed. Sorted.
pub fn fold<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    // A name is its prefix, its last run of digits with their width, and the rest.
    let mut ranges: BTreeMap<(&str, &str, usize), Vec<u64>> = BTreeMap::new();
    let mut plain: Vec<String> = Vec::new();
    for name in names {
        match split(name) {
            Some((prefix, number, width, rest)) => {
                ranges.entry((prefix, rest, width)).or_default().push(number)
            }
            None => plain.push(name.to_owned()),
        }
    }
    // `n-100` beside `n-099` is as wide as it: where some are padded to a width, the rest of it joins them.
    let padded: Vec<(&str, &str, usize)> = ranges.keys().copied().filter(|key| key.2 > 0).collect();
    for (prefix, rest, width) in padded {
        let Some(unpadded) = ranges.get_mut(&(prefix, rest, 0)) else { continue };
        let wide: Vec<u64> = unpadded.extract_if(.., |number| number.to_string().len() == width).collect();
        if unpadded.is_empty() {
            ranges.remove(&(prefix, rest, 0));
        }
        ranges.entry((prefix, rest, width)).or_default().extend(wide);
    }
    for ((prefix, rest, width), mut numbers) in ranges {
        numbers.sort_unstable();
        numbers.dedup();
        let runs = runs(&numbers, width);
        match (numbers.as_slice(), runs.as_str()) {
            ([_], only) => plain.push(format!("{prefix}{only}{rest}")),
            (_, many) => plain.push(format!("{prefix}[{many}]{rest}")),
        }
    }
    plain.sort_unstable();
    plain.join(",")
}

/// Prefix, number, width (0 when it is not padded) and rest of a name.
fn split(name: &str) -> Option<(&str, u64, usize, &str)> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = name[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| {
        // The character before the digits may be several bytes long.
        at + name[at..].chars().next().map_or(1, char::len_utf8)
    });
    let digits = &name[start..end];
    let number = digits.parse().ok()?;
    let width = if digits.len() > 1 && digits.starts_with('0') { digits.len() } else { 0 };
    Some((&name[..start], number, width, &name[end..]))
}

fn runs(numbers: &[u64], width: usize) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(first) = numbers.get(at) {
        let mut last = at;
        while numbers.get(last + 1).is_some_and(|next| *next == numbers[last] + 1) {
            last += 1;
        }
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&format!("{first:0width$}"));
        if last > at {
            text.push_str(&format!("-{:0width$}", numbers[last]));
        }
        at = last + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::fold;
    use proptest::prelude::*;

    #[test]
    fn ranges_keep_their_padding() {
        assert_eq!(fold(["b-0001", "b-0003", "b-0002", "b-0007"]), "b-[0001-0003,0007]");
        assert_eq!(fold(["b9", "b10", "b11"]), "b[9-11]");
        assert_eq!(fold(["b-099", "b-100", "b-101", "b-1000"]), "b-1000,b-[099-101]");
        assert_eq!(fold(["10.200.8.183", "10.200.8.176", "10.200.8.177"]), "10.200.8.[176-177,183]");
        assert_eq!(fold(["lonely", "b1"]), "b1,lonely");
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(names in proptest::collection::vec("\\PC{0,12}", 0..6)) {
            fold(names.iter().map(String::as_str));
        }
    }
}
