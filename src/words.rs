//! Numbers and names as sentences have them.

/// `6,572,461`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 partition`, `12 partitions`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number as u64), if number == 1 { one } else { many })
}

/// `271.0 MiB`.
pub fn bytes(size: u64) -> String {
    let mut value = size as f64;
    let mut units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = "B";
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{size} B") } else { format!("{value:.1} {unit}") }
}

/// `30 s`, `5 min`, `24 h`, `7 days`: the largest unit that says it without a fraction worth naming.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", count(seconds / 86_400)),
    }
}

/// `1.30`, `23.6`, `1,040`.
pub fn ratio(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 9.995 => format!("{ratio:.2}"),
        ratio if ratio < 999.5 => format!("{ratio:.1}"),
        // Saturates; a ratio has no sign.
        ratio => count(ratio as u64),
    }
}

/// `2.05 to 2.39`, or one number.
pub fn ratios(all: impl Iterator<Item = f64>) -> String {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for one in all {
        min = min.min(one);
        max = max.max(one);
    }
    let (min, max) = (ratio(min), ratio(max));
    if min == max { min } else { format!("{min} to {max}") }
}

/// `a`, `a and b`, `a, b and c`; a long list is cut, and says so.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 40;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match shown.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some(_) if more > 0 => format!("{} and {} more", shown.join(", "), count(more as u64)),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// Partition numbers, sorted: `1, 5 and 7`.
pub fn numbers(partitions: impl Iterator<Item = u32>) -> String {
    let mut partitions: Vec<u32> = partitions.collect();
    partitions.sort_unstable();
    partitions.dedup();
    list(&partitions.iter().map(u32::to_string).collect::<Vec<_>>())
}

/// Names, each once, in their order.
pub fn once<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_people_write_them() {
        assert_eq!(count(6572461), "6,572,461");
        assert_eq!(count(999), "999");
        assert_eq!(bytes(271 << 20), "271.0 MiB");
        assert_eq!(bytes(0), "0 B");
        assert_eq!([30, 300, 86_400, 604_800].map(span), ["30 s", "5 min", "24 h", "7 days"]);
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(ratios([2.05, 2.39, 2.2].into_iter()), "2.05 to 2.39");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(numbers([7, 1, 5, 5].into_iter()), "1, 5 and 7");
    }
}
