//! Sizes as `du` prints them.
//!
//! `du -h` of GNU coreutils rounds up: 4.1G is anything above 4.0G and up to 4.1G. BusyBox, BSD and macOS
//! round to the nearest. A transcript does not say which one printed it, so both are allowed for.

/// Bytes of a KiB.
const KIB: u64 = 1 << 10;

/// What the two indexes of an active segment take in length, not on disk: `log.index.size.max.bytes` twice.
const INDEXES: u64 = 2 * (10 << 20);

/// What plain numbers of a transcript count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unit {
    /// `du`, `du -k`.
    #[default]
    Kibibytes,
    /// `du -m`.
    Mebibytes,
    /// `du -b`: the lengths of all files, preallocated indexes included.
    Bytes,
    /// POSIX `du` without `-k`, and BSD's.
    Blocks,
}

/// A size and how far it was rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// What was printed, in bytes.
    pub bytes: u64,
    /// The true size lies above `bytes - rounded_by`, and not more than half of that above `bytes`.
    pub rounded_by: u64,
}

/// Reads `4.1G`, `78M`, `4,1G`, `304`, `1.5GiB`; `None` when it is no size.
pub fn size(word: &str, unit: Unit) -> Option<Size> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = word.get(digits.len()..)?;
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || fraction.is_some_and(|fraction| fraction.len() != 1 || !all_digits(fraction)) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let tenths = fraction.and_then(|fraction| fraction.parse::<u64>().ok());
    let Some(scale) = scale(suffix)? else {
        // A number without a unit has no fraction.
        if tenths.is_some() {
            return None;
        }
        return plain(whole, unit);
    };
    let bytes = whole.checked_mul(scale)?.checked_add(tenths.unwrap_or(0).checked_mul(scale)? / 10)?;
    // What fits no unit above the byte is exact.
    let rounded_by = match (scale, tenths) {
        (1, _) => 0,
        (_, Some(_)) => scale / 10,
        (_, None) => scale,
    };
    Some(Size { bytes, rounded_by: rounded_by.min(bytes) })
}

fn plain(number: u64, unit: Unit) -> Option<Size> {
    Some(match unit {
        // File systems allocate in blocks of at least 512 bytes: near enough to exact.
        Unit::Kibibytes => Size { bytes: number.checked_mul(KIB)?, rounded_by: 0 },
        Unit::Blocks => Size { bytes: number.checked_mul(512)?, rounded_by: 0 },
        Unit::Mebibytes => {
            let bytes = number.checked_mul(KIB * KIB)?;
            Size { bytes, rounded_by: (KIB * KIB).min(bytes) }
        }
        Unit::Bytes => Size { bytes: number, rounded_by: INDEXES.min(number) },
    })
}

/// `Some(None)`: no unit; `None`: no unit that there is.
fn scale(suffix: &str) -> Option<Option<u64>> {
    let letter = match suffix.strip_suffix("iB").or_else(|| suffix.strip_suffix('B')) {
        // A lone B is the byte, as BSD's `du -h` prints it.
        Some("") => return Some(Some(1)),
        Some(letter) => letter,
        None => suffix,
    };
    let power = match letter {
        "" => return Some(None),
        "K" | "k" => 1,
        "M" | "m" => 2,
        "G" | "g" => 3,
        "T" | "t" => 4,
        "P" | "p" => 5,
        "E" | "e" => 6,
        _ => return None,
    };
    KIB.checked_pow(power).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const M: u64 = 1 << 20;
    const G: u64 = 1 << 30;

    #[test]
    fn rounded_sizes_stay_rounded() {
        for (word, bytes, rounded_by) in [
            ("4.1G", 4 * G + G / 10, G / 10),
            ("4,1G", 4 * G + G / 10, G / 10),
            ("78M", 78 * M, M),
            ("1.0K", 1024, 102),
            ("99G", 99 * G, G),
            ("4.0GiB", 4 * G, G / 10),
            ("12B", 12, 0),
            ("0", 0, 0),
            ("304", 304 * 1024, 0),
        ] {
            assert_eq!(size(word, Unit::Kibibytes), Some(Size { bytes, rounded_by }), "{word}");
        }
        assert_eq!(size("7", Unit::Mebibytes), Some(Size { bytes: 7 * M, rounded_by: M }));
        assert_eq!(size("300000", Unit::Bytes), Some(Size { bytes: 300_000, rounded_by: 300_000 }));
        assert_eq!(size("8", Unit::Blocks), Some(Size { bytes: 4096, rounded_by: 0 }));
    }

    #[test]
    fn what_is_no_size() {
        for word in
            ["", "G", "4.G", "4.12G", "4.1", "-4G", "4Q", "4 G", "0x1", "99999999999999999999", "99999999E"]
        {
            assert_eq!(size(word, Unit::Kibibytes), None, "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_word_is_read_without_harm(word in ".{0,30}") {
            let _ = size(&word, Unit::Kibibytes);
        }

        /// What GNU `du -h` prints for a size contains it.
        #[test]
        fn rounding_up_is_undone(bytes in 0u64..(1 << 50)) {
            let mut scale = 1u64;
            let mut letter = String::new();
            for next in ["K", "M", "G", "T"] {
                if bytes / scale >= 1024 { scale *= 1024; letter = next.to_owned(); }
            }
            let tenths = (bytes * 10).div_ceil(scale);
            let word = if scale == 1 { format!("{bytes}B") }
                else if tenths < 100 { format!("{}.{}{letter}", tenths / 10, tenths % 10) }
                else { format!("{}{letter}", bytes.div_ceil(scale)) };
            let read = size(&word, Unit::Kibibytes).unwrap();
            // A tenth of a GiB is no whole number of bytes.
            prop_assert!(read.bytes + 1 >= bytes, "{word}: {read:?}");
            prop_assert!(read.bytes - read.rounded_by <= bytes + 1, "{word}: {read:?}");
        }
    }
}
