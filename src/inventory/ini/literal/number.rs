//! Python's numbers: radixes, underscores, floats, imaginary ones.

use super::{Literal, Read, Reader, Stop};

/// Python's parser takes no more digits of an integer.
const MOST_DIGITS: usize = 4300;

impl Reader<'_> {
    pub(super) fn number(&mut self) -> Read<Literal> {
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
}
