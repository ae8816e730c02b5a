//! How numbers, sizes and times are written in reports for people.

use jiff::Timestamp;

pub(crate) use crate::words::{count, counted};

/// A size in binary units with three significant digits: `4.10 GiB`, `271 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size < 1000 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    let mut unit = 0;
    // 999.5 is where three digits would round to four.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A ratio with three significant digits: `1.30`, `23.6`, `1,040`; `inf` where the smaller side is empty.
pub fn ratio(ratio: f64) -> String {
    match ratio {
        ratio if ratio.is_nan() => "-".to_owned(),
        ratio if ratio.is_infinite() => "inf".to_owned(),
        ratio if ratio >= 999.5 => count(ratio.round() as u64),
        ratio => three_digits(ratio),
    }
}

/// Two ratios: `1.30–1.33`, or `1.30` when both read the same.
pub fn ratios(min: f64, max: f64) -> String {
    let (min, max) = (ratio(min), ratio(max));
    if min == max { min } else { format!("{min}–{max}") }
}

fn three_digits(value: f64) -> String {
    // The borders are where rounding to fewer decimals would carry.
    match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A clock's offset: `+12 ms`, `-41.5 s`.
pub fn offset(seconds: f64) -> String {
    match seconds * 1000.0 {
        // Without this, half a millisecond behind would read `-0 ms`.
        milliseconds if milliseconds.abs() < 0.5 => "0 ms".to_owned(),
        milliseconds if milliseconds.abs() < 999.5 => format!("{milliseconds:+.0} ms"),
        _ => format!("{seconds:+.1} s"),
    }
}

/// A time to the second, in UTC: `2017-04-03 12:16:36`.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time to the minute, in UTC: `2017-04-03 12:16`.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// From one time to another, the day named once: `2017-04-03 12:16:36 – 12:16:39`.
pub fn span(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (moment(first), moment(last));
    match (from.split_once(' '), to.split_once(' ')) {
        _ if from == to => from,
        (Some((day, _)), Some((same, time))) if day == same => format!("{from} – {time}"),
        _ => format!("{from} – {to}"),
    }
}

/// How long before `now` something was, in one unit: `43 h`, `25 days`.
pub fn age(at: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = now.as_second().checked_sub(at.as_second()).filter(|seconds| *seconds >= 0)?;
    Some(match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", seconds / 60),
        5400..=172_799 => format!("{} h", seconds / 3600),
        172_800..=63_071_999 => format!("{} days", seconds / 86_400),
        // A year of 365.25 days is near enough.
        _ => format!("{} years", seconds / 31_557_600),
    })
}

/// Sorted numbers with runs folded: `0, 4–6, 9`.
pub fn numbers(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut sorted: Vec<u32> = numbers.into_iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let words: Vec<String> = runs
        .flat_map(|run| match run {
            [] => vec![],
            // Two neighbours read better as two numbers.
            [one] => vec![one.to_string()],
            [one, two] => vec![one.to_string(), two.to_string()],
            [first, .., last] => vec![format!("{first}–{last}")],
        })
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "0.98 KiB"),
            (4096, "4.00 KiB"),
            (271 << 20, "271 MiB"),
            (1023 << 20, "1.00 GiB"),
            (4_402_341_478, "4.10 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn numbers_are_grouped_and_runs_folded() {
        assert_eq!([0, 999, 1000, 6_572_461].map(count), ["0", "999", "1,000", "6,572,461"]);
        assert_eq!(numbers([5, 4, 6, 0, 9, 10, u32::MAX]), "0, 4–6, 9, 10, 4294967295");
        assert_eq!(numbers([]), "");
    }

    #[test]
    fn ratios_have_three_digits() {
        assert_eq!([1.0, 9.996, 23.63, 99.96, 1039.7].map(ratio), ["1.00", "10.0", "23.6", "100", "1,040"]);
        assert_eq!(ratio(f64::INFINITY), "inf");
        assert_eq!(ratios(1.2969, 1.3333), "1.30–1.33");
        assert_eq!(ratios(1.001, 1.002), "1.00");
    }

    #[test]
    fn offsets_have_a_sign_and_a_fit_unit() {
        assert_eq!([0.0123, -0.0001, -0.9, 41.52].map(offset), ["+12 ms", "0 ms", "-900 ms", "+41.5 s"]);
    }

    #[test]
    fn times_name_the_day_once() {
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let (first, last) = (time("2017-04-03T12:16:36.003Z"), time("2017-04-03T12:16:39.36Z"));
        assert_eq!(span(first, last), "2017-04-03 12:16:36 – 12:16:39");
        assert_eq!(span(first, first), "2017-04-03 12:16:36");
        assert_eq!(age(first, time("2017-04-05T07:12:11Z")).as_deref(), Some("42 h"));
        assert_eq!(age(first, time("2026-11-23T20:04:00Z")).as_deref(), Some("9 years"));
        assert_eq!(age(last, first), None);
    }
}
