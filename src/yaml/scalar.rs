//! What a plain scalar means in YAML 1.1, rule for rule as PyYAML's safe loader has it.

use super::Yaml;

/// The meaning of a plain (unquoted) scalar.
pub(super) fn resolve(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Yaml::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Yaml::Bool(false),
        _ => {}
    }
    let first = text.as_bytes()[0]; // not empty: the arm above took that
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Yaml::String(text.to_owned());
    }
    float(text).map(Yaml::Float).or_else(|| int(text)).unwrap_or_else(|| Yaml::String(text.to_owned()))
}

/// A scalar as JSON writes a key.
pub(super) fn text(value: &Yaml) -> String {
    match value {
        Yaml::Null => "null".to_owned(),
        Yaml::Bool(value) => value.to_string(),
        Yaml::Int(value) => value.to_string(),
        Yaml::Float(value) if value.is_nan() => ".nan".to_owned(),
        Yaml::Float(value) if value.is_infinite() => if *value > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        // Debug keeps the point of a whole float, as JSON and Python do.
        Yaml::Float(value) => format!("{value:?}"),
        Yaml::String(text) => text.clone(),
        Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(..) => String::new(),
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn without_underscores(text: &str) -> String {
    text.chars().filter(|c| *c != '_').collect()
}

/// All of `text` is digits or `_`, the first a digit that `first` allows.
fn digits(text: &str, first: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().first().is_some_and(|b| b.is_ascii_digit() && first(*b))
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

/// `[0-5]?[0-9]`, the parts of a sexagesimal after the first.
fn sixtieth(part: &str) -> Option<u32> {
    let well_formed = match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    if well_formed { part.parse().ok() } else { None }
}

fn int(text: &str) -> Option<Yaml> {
    let (negative, rest) = signed(text);
    let plain = without_underscores(rest);
    let magnitude = if let Some(bits) = rest.strip_prefix("0b") {
        radix(bits, 2)?
    } else if let Some(hex) = rest.strip_prefix("0x") {
        radix(hex, 16)?
    } else if rest == "0" {
        Magnitude::Int(0)
    } else if let Some(octal) = rest.strip_prefix('0') {
        // `0_` is zero; a lone `0` was taken above.
        if octal.bytes().all(|b| b == b'_') { Magnitude::Int(0) } else { radix(octal, 8)? }
    } else if rest.contains(':') {
        let mut parts = rest.split(':');
        let head = parts.next().filter(|head| digits(head, |b| b != b'0'))?;
        let mut sum: i128 = without_underscores(head).parse().ok()?;
        for part in parts {
            sum = sum.checked_mul(60)?.checked_add(i128::from(sixtieth(part)?))?;
        }
        Magnitude::Int(sum)
    } else if digits(rest, |b| b != b'0') {
        match plain.parse() {
            Ok(int) => Magnitude::Int(int),
            Err(_) => Magnitude::Float(plain.parse().ok()?),
        }
    } else {
        return None;
    };
    Some(match magnitude {
        Magnitude::Int(int) => {
            let int = if negative { -int } else { int };
            // An integer beyond 64 bits is kept as a float rather than refused.
            i64::try_from(int).map_or(Yaml::Float(int as f64), Yaml::Int)
        }
        Magnitude::Float(float) => Yaml::Float(if negative { -float } else { float }),
    })
}

enum Magnitude {
    Int(i128),
    Float(f64),
}

fn radix(text: &str, radix: u32) -> Option<Magnitude> {
    // `from_str_radix` would take a sign here.
    if text.is_empty() || !text.chars().all(|c| c == '_' || c.is_digit(radix)) {
        return None;
    }
    i128::from_str_radix(&without_underscores(text), radix).ok().map(Magnitude::Int)
}

fn float(text: &str) -> Option<f64> {
    let (negative, rest) = signed(text);
    let sign = if negative { -1.0 } else { 1.0 };
    match rest {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if rest.len() == text.len() => return Some(f64::NAN),
        _ => {}
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return None;
    }
    if let Some(exponent) = exponent {
        // YAML 1.1 wants the exponent's sign: `1.5e3` is a string.
        let power = exponent.strip_prefix(['+', '-'])?;
        if power.is_empty() || !power.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    if let Some((head, parts)) = whole.split_once(':') {
        if exponent.is_some() || !digits(head, |_| true) {
            return None;
        }
        let mut sum: f64 = without_underscores(head).parse().ok()?;
        for part in parts.split(':') {
            sum = sum * 60.0 + f64::from(sixtieth(part)?);
        }
        let fraction: f64 = format!("0.{}", without_underscores(fraction)).parse().ok()?;
        return Some(sign * (sum + fraction));
    }
    let well_formed = if whole.is_empty() {
        // `.5` takes no sign.
        rest.len() == text.len() && digits(fraction, |_| true)
    } else {
        digits(whole, |_| true)
    };
    if well_formed { without_underscores(rest).parse().ok().map(|value: f64| sign * value) } else { None }
}
