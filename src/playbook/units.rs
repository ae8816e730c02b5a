//! Durations, sizes and times as people write them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `90`, `90s`, `2m`, `1h30m`, `3d`: a bare number is seconds.
///
/// # Errors
/// A sentence that says what would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write 90, 90s, 2m or 1h30m");
    let trimmed = text.trim();
    if let Ok(seconds) = trimmed.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let mut total = 0f64;
    let mut number = String::new();
    for character in trimmed.chars() {
        if character.is_ascii_digit() || character == '.' {
            number.push(character);
            continue;
        }
        let unit = match character {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            'w' => 604_800.0,
            _ => return Err(wrong()),
        };
        total += number.parse::<f64>().map_err(|_| wrong())? * unit;
        number.clear();
    }
    if !number.is_empty() || trimmed.is_empty() {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(total).map_err(|_| wrong())
}

/// Bytes: `4096`, `100MiB`, `1G`, `512k`. Units are powers of 1024 with or without the `i`, as in `du -h`.
///
/// # Errors
/// A sentence that says what would be right.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size; write 4096, 100MiB or 1G");
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let number: f64 = trimmed[..digits].parse().map_err(|_| wrong())?;
    let unit = trimmed[digits..].trim().to_ascii_lowercase();
    let power = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(wrong()),
    };
    let bytes = number * 1024f64.powi(power);
    if bytes.is_finite() && bytes < u64::MAX as f64 { Ok(bytes as u64) } else { Err(wrong()) }
}

/// A moment: `2h` (ago), RFC 3339, or a date with or without a time in this machine's zone.
///
/// # Errors
/// A sentence that says what would be right.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong =
        || format!("`{text}` is no time; write 2h (ago), 2017-04-03, '2017-04-03 14:16' or an RFC 3339 time");
    let trimmed = text.trim().trim_end_matches("ago").trim();
    if let Ok(ago) = duration(trimmed) {
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    if let Ok(at) = trimmed.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil: DateTime = trimmed.parse().map_err(|_| wrong())?;
    TimeZone::system().to_timestamp(civil).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "m", "5x", "5m3", "-1", "nan", "1e400"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("100MiB"), Ok(100 << 20));
        assert_eq!(size("1G"), Ok(1 << 30));
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("1.5k"), Ok(1536));
        for bad in ["", "MiB", "5x", "-1", "99999999999999T"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn moments() {
        let now: Timestamp = "2017-04-03T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2h", now).unwrap().to_string(), "2017-04-03T10:00:00Z");
        assert_eq!(moment("2017-04-03T14:16:36+02:00", now).unwrap().to_string(), "2017-04-03T12:16:36Z");
        assert!(moment("yesterday", now).is_err());
        assert!(moment("2017-04-03 14:16", now).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_makes_them_panic(text in "\\PC{0,30}") {
            let _ = (duration(&text), size(&text), moment(&text, Timestamp::UNIX_EPOCH));
        }
    }
}
