//! Python's strings: prefixes, quotes, escapes.

use super::{Literal, Read, Reader, Stop};

impl Reader<'_> {
    /// One string or several side by side.
    pub(super) fn strings(&mut self) -> Read<Literal> {
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
}
