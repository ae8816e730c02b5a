//! What `name=value` means in an INI inventory: a Python literal where it is one, else text, as
//! Python's `ast.literal_eval` decides.

use serde_json::{Map, Number, Value};

/// The value that `text` stands for. The error is for what Ansible can't take either, and for the
/// few escapes that are not read here.
pub(super) fn value(text: &str) -> Result<Value, String> {
    let chars: Vec<char> = text.trim_start_matches([' ', '\t']).chars().collect();
    match (Reader { chars: &chars, at: 0, depth: 0 }).whole() {
        Ok(literal) => literal.json(),
        Err(Stop::NoLiteral) => Ok(Value::String(text.to_owned())),
        Err(Stop::Wrong(wrong)) => Err(wrong),
    }
}

/// Python's parser takes no more brackets at once.
const DEEPEST: usize = 200;
/// Nor more digits of an integer.
const MOST_DIGITS: usize = 4300;

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Ellipsis,
    Text(String),
    Bytes(String),
    List(Vec<Literal>),
    Tuple(Vec<Literal>),
    Set(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

enum Stop {
    /// Valid Python or not: no literal, so it is text.
    NoLiteral,
    /// Python would take it; it can't be had here.
    Wrong(String),
}

type Read<T> = Result<T, Stop>;

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn whole(mut self) -> Read<Literal> {
        let (literal, _) = self.list_without_brackets()?;
        self.space();
        match self.peek() {
            None | Some('#') => Ok(literal),
            Some(_) => Err(Stop::NoLiteral),
        }
    }

    /// `1`, but `1, 2` and `1,` are tuples; with the word whether it is a bare constant.
    fn list_without_brackets(&mut self) -> Read<(Literal, bool)> {
        let (first, constant) = self.signed_or_sum()?;
        self.space();
        if self.peek() != Some(',') {
            return Ok((first, constant));
        }
        let mut items = vec![first];
        while self.take(',') {
            self.space();
            if matches!(self.peek(), None | Some('#' | ')')) {
                break;
            }
            items.push(self.expression()?);
            self.space();
        }
        Ok((Literal::Tuple(items), false))
    }

    fn expression(&mut self) -> Read<Literal> {
        self.signed_or_sum().map(|(literal, _)| literal)
    }

    /// A value, perhaps with a sign, perhaps a complex number in two parts.
    fn signed_or_sum(&mut self) -> Read<(Literal, bool)> {
        self.space();
        let (left, constant) = match self.peek() {
            Some(sign @ ('+' | '-')) => {
                self.at += 1;
                match self.atom()? {
                    (number, true) => (signed(sign, number).ok_or(Stop::NoLiteral)?, false),
                    _ => return Err(Stop::NoLiteral),
                }
            }
            _ => self.atom()?,
        };
        self.space();
        let Some(operator @ ('+' | '-')) = self.peek() else { return Ok((left, constant)) };
        self.at += 1;
        let real = match left {
            Literal::Int(int) => int as f64,
            Literal::Float(float) => float,
            _ => return Err(Stop::NoLiteral),
        };
        match self.atom()? {
            (Literal::Complex(_, imaginary), true) => {
                Ok((Literal::Complex(real, if operator == '-' { -imaginary } else { imaginary }), false))
            }
            _ => Err(Stop::NoLiteral),
        }
    }

    /// A value without a sign, and whether it is a bare constant, parentheses or not.
    fn atom(&mut self) -> Read<(Literal, bool)> {
        self.space();
        let plain = |literal| Ok((literal, true));
        match self.peek().ok_or(Stop::NoLiteral)? {
            '(' => {
                self.open()?;
                self.space();
                if self.take(')') {
                    self.depth -= 1;
                    return plain(Literal::Tuple(Vec::new()));
                }
                let inner = self.list_without_brackets()?;
                self.close(')')?;
                Ok(inner)
            }
            '[' => {
                self.open()?;
                let items = self.items(']')?;
                plain(Literal::List(items))
            }
            '{' => plain(self.braces()?),
            '\'' | '"' => plain(self.strings()?),
            '.' if self.looking_at("...") => {
                self.at += 3;
                plain(Literal::Ellipsis)
            }
            '.' | '0'..='9' => plain(self.number()?),
            _ => self.word(),
        }
    }

    fn items(&mut self, end: char) -> Read<Vec<Literal>> {
        let mut items = Vec::new();
        loop {
            self.space();
            if self.take(end) {
                self.depth -= 1;
                return Ok(items);
            }
            items.push(self.expression()?);
            self.space();
            if !self.take(',') {
                self.close(end)?;
                return Ok(items);
            }
        }
    }

    fn braces(&mut self) -> Read<Literal> {
        self.open()?;
        self.space();
        if self.take('}') {
            self.depth -= 1;
            return Ok(Literal::Dict(Vec::new()));
        }
        let first = self.expression()?;
        self.space();
        if !self.take(':') {
            let mut items = vec![first];
            if self.take(',') {
                items.extend(self.items('}')?);
            } else {
                self.close('}')?;
            }
            return Ok(Literal::Set(items));
        }
        let mut entries = vec![(first, self.expression()?)];
        loop {
            self.space();
            if !self.take(',') {
                self.close('}')?;
                break;
            }
            self.space();
            if self.take('}') {
                self.depth -= 1;
                break;
            }
            let key = self.expression()?;
            self.space();
            if !self.take(':') {
                return Err(Stop::NoLiteral);
            }
            entries.push((key, self.expression()?));
        }
        Ok(Literal::Dict(entries))
    }

    /// `True`, `set()`, a string's prefix; any other name makes the whole no literal.
    fn word(&mut self) -> Read<(Literal, bool)> {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
        let length = name.chars().count();
        if matches!(rest.get(length), Some('\'' | '"')) {
            return Ok((self.strings()?, true));
        }
        self.at += length;
        let literal = match name.as_str() {
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "None" => Literal::None,
            "set" => {
                self.space();
                if !self.take('(') {
                    return Err(Stop::NoLiteral);
                }
                self.space();
                if !self.take(')') {
                    return Err(Stop::NoLiteral);
                }
                Literal::Set(Vec::new())
            }
            _ => return Err(Stop::NoLiteral),
        };
        Ok((literal, true))
    }

    /// One string or several side by side.
    fn strings(&mut self) -> Read<Literal> {
        let mut whole = String::new();
        let mut kind = None;
        loop {
            let prefix: String = self.chars.get(self.at..).unwrap_or_default().iter().take(3).collect();
            let letters: String = prefix.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
            let (raw, bytes) = match letters.to_ascii_lowercase().as_str() {
                "" | "u" => (false, false),
                "r" => (true, false),
                "b" => (false, true),
                "br" | "rb" => (true, true),
                _ => return Err(Stop::NoLiteral),
            };
            let quote = self.chars.get(self.at + letters.len()).copied();
            let Some(quote @ ('\'' | '"')) = quote else { return Err(Stop::NoLiteral) };
            if *kind.get_or_insert(bytes) != bytes {
                return Err(Stop::NoLiteral);
            }
            self.at += letters.len() + 1;
            self.string(quote, raw, bytes, &mut whole)?;
            self.space();
            let next = self.chars.get(self.at..).unwrap_or_default();
            let letters = next.iter().take_while(|c| c.is_ascii_alphabetic()).count();
            if letters > 2 || !matches!(next.get(letters), Some('\'' | '"')) {
                break;
            }
        }
        Ok(if kind == Some(true) { Literal::Bytes(whole) } else { Literal::Text(whole) })
    }

    /// The rest of one string, behind its first quote.
    fn string(&mut self, quote: char, raw: bool, bytes: bool, into: &mut String) -> Read<()> {
        let twice: String = [quote, quote].iter().collect();
        let triple = self.looking_at(&twice);
        if triple {
            self.at += 2;
        }
        loop {
            let c = self.next()?;
            if c == quote && (!triple || self.looking_at(&twice)) {
                self.at += if triple { 2 } else { 0 };
                return Ok(());
            }
            if bytes && !c.is_ascii() {
                return Err(Stop::NoLiteral);
            }
            if c != '\\' {
                into.push(c);
            } else if raw {
                into.push('\\');
                into.push(self.next()?);
            } else {
                self.escape(bytes, into)?;
            }
        }
    }

    fn escape(&mut self, bytes: bool, into: &mut String) -> Read<()> {
        let c = self.next()?;
        let number = match c {
            '\\' | '\'' | '"' => {
                into.push(c);
                return Ok(());
            }
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '0'..='7' => {
                let mut number = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    number = number * 8 + digit;
                    self.at += 1;
                }
                number
            }
            'x' => self.hexadecimal(2)?,
            'u' if !bytes => self.hexadecimal(4)?,
            'U' if !bytes => self.hexadecimal(8)?,
            'N' if !bytes => {
                return Err(Stop::Wrong(
                    "characters by name, `\\N{…}`, are not read; write the character".into(),
                ));
            }
            other => {
                into.push('\\');
                into.push(other);
                return Ok(());
            }
        };
        if bytes && number > 127 {
            return Err(Stop::Wrong("bytes beyond ASCII are not read; write a string".into()));
        }
        match char::from_u32(number) {
            Some(c) => into.push(c),
            None if number > 0x10_ffff => return Err(Stop::NoLiteral),
            None => return Err(Stop::Wrong("half of a surrogate pair is no character".into())),
        }
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize) -> Read<u32> {
        let mut number = 0u32;
        for _ in 0..digits {
            let digit = self.next()?.to_digit(16).ok_or(Stop::NoLiteral)?;
            number = number.checked_mul(16).ok_or(Stop::NoLiteral)? + digit;
        }
        Ok(number)
    }

    fn number(&mut self) -> Read<Literal> {
        let literal = match (self.peek(), self.chars.get(self.at + 1).map(char::to_ascii_lowercase)) {
            (Some('0'), Some('x')) => self.radix(16)?,
            (Some('0'), Some('o')) => self.radix(8)?,
            (Some('0'), Some('b')) => self.radix(2)?,
            _ => self.decimal()?,
        };
        match self.peek() {
            Some(c) if c.is_alphanumeric() || c == '_' || c == '.' => Err(Stop::NoLiteral),
            _ => Ok(literal),
        }
    }

    fn radix(&mut self, radix: u32) -> Read<Literal> {
        self.at += 2;
        self.take('_');
        let digits = self.digits(radix)?;
        if digits.is_empty() {
            return Err(Stop::NoLiteral);
        }
        Ok(i128::from_str_radix(&digits, radix).map_or(Literal::Float(f64::INFINITY), Literal::Int))
    }

    fn decimal(&mut self) -> Read<Literal> {
        let mut text = self.digits(10)?;
        let whole = text.clone();
        let mut float = false;
        if self.take('.') {
            float = true;
            let fraction = self.digits(10)?;
            if whole.is_empty() && fraction.is_empty() {
                return Err(Stop::NoLiteral);
            }
            text.push('.');
            text.push_str(&fraction);
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            float = true;
            text.push('e');
            if let Some(sign @ ('+' | '-')) = self.peek() {
                self.at += 1;
                text.push(sign);
            }
            let power = self.digits(10)?;
            if power.is_empty() {
                return Err(Stop::NoLiteral);
            }
            text.push_str(&power);
        }
        let as_float = || text.parse::<f64>().map_err(|_| Stop::NoLiteral);
        if self.take('j') || self.take('J') {
            return Ok(Literal::Complex(0.0, as_float()?));
        }
        if float {
            return Ok(Literal::Float(as_float()?));
        }
        // `007` is no number in Python, `000` is.
        if (whole.starts_with('0') && whole.bytes().any(|b| b != b'0')) || whole.len() > MOST_DIGITS {
            return Err(Stop::NoLiteral);
        }
        match whole.parse() {
            Ok(int) => Ok(Literal::Int(int)),
            Err(_) => Ok(Literal::Float(as_float()?)),
        }
    }

    /// Digits with single underscores between them, which are dropped.
    fn digits(&mut self, radix: u32) -> Read<String> {
        let mut digits = String::new();
        while let Some(c) = self.peek() {
            if c.is_digit(radix) {
                digits.push(c);
            } else if c == '_' && !digits.is_empty() {
                if !self.chars.get(self.at + 1).is_some_and(|next| next.is_digit(radix)) {
                    return Err(Stop::NoLiteral);
                }
            } else {
                break;
            }
            self.at += 1;
        }
        Ok(digits)
    }

    fn open(&mut self) -> Read<()> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST { Err(Stop::NoLiteral) } else { Ok(()) }
    }

    fn close(&mut self, end: char) -> Read<()> {
        self.space();
        self.depth -= 1;
        if self.take(end) { Ok(()) } else { Err(Stop::NoLiteral) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\u{c}')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Read<char> {
        let c = self.peek().ok_or(Stop::NoLiteral)?;
        self.at += 1;
        Ok(c)
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(at, c)| self.chars.get(self.at + at) == Some(&c))
    }
}

/// Python signs numbers only; a truth value is none here.
fn signed(sign: char, number: Literal) -> Option<Literal> {
    Some(match (sign, number) {
        ('+', number @ (Literal::Int(_) | Literal::Float(_) | Literal::Complex(..))) => number,
        ('-', Literal::Int(int)) => Literal::Int(-int),
        ('-', Literal::Float(float)) => Literal::Float(-float),
        ('-', Literal::Complex(real, imaginary)) => Literal::Complex(-real, -imaginary),
        _ => return None,
    })
}

impl Literal {
    /// Whether it may be in a set or a key of a dict; Python stops at one that may not.
    fn hashable(&self) -> Result<(), String> {
        let what = match self {
            Literal::List(_) => "a list",
            Literal::Set(_) => "a set",
            Literal::Dict(_) => "a dict",
            Literal::Tuple(items) => return items.iter().try_for_each(Literal::hashable),
            _ => return Ok(()),
        };
        Err(format!("{what} cannot be in a set or be a key of a dict"))
    }

    fn json(self) -> Result<Value, String> {
        Ok(match self {
            Literal::None => Value::Null,
            Literal::Bool(value) => Value::Bool(value),
            Literal::Int(int) => match (i64::try_from(int), u64::try_from(int)) {
                (Ok(int), _) => Value::from(int),
                (_, Ok(int)) => Value::from(int),
                // As with YAML: beyond 64 bits a float.
                _ => float(int as f64),
            },
            Literal::Float(value) => float(value),
            Literal::Complex(real, imaginary) => Value::String(complex(real, imaginary)),
            Literal::Ellipsis => Value::String("...".to_owned()),
            Literal::Text(text) => Value::String(text),
            // Ansible makes text of bytes, but no template.
            Literal::Bytes(text) => {
                Value::Object(Map::from_iter([("__ansible_unsafe".to_owned(), Value::String(text))]))
            }
            Literal::List(items) | Literal::Tuple(items) => {
                items.into_iter().map(Literal::json).collect::<Result<_, _>>()?
            }
            Literal::Set(items) => {
                let mut distinct: Vec<Value> = Vec::with_capacity(items.len());
                for item in items {
                    item.hashable()?;
                    let item = item.json()?;
                    if !distinct.contains(&item) {
                        distinct.push(item);
                    }
                }
                Value::Array(distinct)
            }
            Literal::Dict(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    key.hashable()?;
                    let key = match key {
                        Literal::Text(text) | Literal::Bytes(text) => text,
                        Literal::Tuple(_) => return Err("a tuple cannot be a key".to_owned()),
                        other => match other.json()? {
                            Value::String(text) => text,
                            other => other.to_string(),
                        },
                    };
                    map.insert(key, value.json()?);
                }
                Value::Object(map)
            }
        })
    }
}

fn float(value: f64) -> Value {
    let lacking = || match value {
        value if value.is_nan() => ".nan",
        value if value > 0.0 => ".inf",
        _ => "-.inf",
    };
    Number::from_f64(value).map_or_else(|| Value::String(lacking().to_owned()), Value::Number)
}

/// As Python prints it.
fn complex(real: f64, imaginary: f64) -> String {
    let part = |value: f64| format!("{value:?}").trim_end_matches(".0").to_owned();
    let imaginary_part = part(imaginary);
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_part}j");
    }
    let sign = if imaginary_part.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{imaginary_part}j)", part(real))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::value;

    #[test]
    fn literals_are_what_python_makes_of_them() {
        for (text, expected) in [
            ("1", json!(1)),
            (" -0x1f ", json!(-31)),
            ("1_000", json!(1000)),
            ("010", json!("010")),
            ("00", json!(0)),
            ("1.", json!(1.0)),
            (".5e3", json!(500.0)),
            ("10.0.0.1", json!("10.0.0.1")),
            ("True", json!(true)),
            ("true", json!("true")),
            ("None", json!(null)),
            ("yes", json!("yes")),
            ("'a' \"b\"  # both", json!("ab")),
            ("'a\\tb\\q\\x41'", json!("a\tb\\qA")),
            ("r'\\n'", json!("\\n")),
            ("'''it's'''", json!("it's")),
            ("[1, 'a', (2,), {'k': None}]", json!([1, "a", [2], {"k": null}])),
            ("1, 2", json!([1, 2])),
            ("(1)", json!(1)),
            ("-(1)", json!(-1)),
            ("--1", json!("--1")),
            ("1+2", json!("1+2")),
            ("1+2j", json!("(1+2j)")),
            ("{1, 2, 1}", json!([1, 2])),
            ("{1: 2, None: 3}", json!({"1": 2, "null": 3})),
            ("set()", json!([])),
            ("...", json!("...")),
            ("[1, x]", json!("[1, x]")),
            ("{{ name }}", json!("{{ name }}")),
            ("f'x'", json!("f'x'")),
            ("'open", json!("'open")),
            ("9223372036854775808", json!(9_223_372_036_854_775_808u64)),
            ("", json!("")),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_ansible_cannot_take_is_said() {
        assert!(value("{{1}}").is_err_and(|wrong| wrong.contains("a set cannot be in a set")));
        assert!(value("{[]: 1}").is_err_and(|wrong| wrong.contains("a list")));
        assert!(value("'\\ud800'").is_err_and(|wrong| wrong.contains("surrogate")));
    }

    #[test]
    fn no_number_of_brackets_is_too_many() {
        assert_eq!(value(&"[".repeat(100_000)), Ok(json!("[".repeat(100_000))));
        assert!(value(&format!("{}1{}", "(".repeat(150), ")".repeat(150))) == Ok(json!(1)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-+0-9.xjeE_ ()\\[\\]{},:'\"\\\\brTueNoäs#]{0,24}") {
            let _ = value(&text);
        }

        #[test]
        fn what_json_and_python_share_is_read_alike(numbers in prop::collection::vec(any::<i64>(), 0..5), text in "[a-zä ]{0,8}") {
            let both = json!([numbers, text, {"k": text}]);
            prop_assert_eq!(value(&both.to_string()), Ok(both));
        }
    }
}
