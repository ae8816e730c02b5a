//! What `name=value` means in an INI inventory: a Python literal where it is one, else text, as
//! Python's `ast.literal_eval` decides.

mod json;
mod number;
mod string;

use serde_json::Value;

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
