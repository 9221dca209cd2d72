//! Text to tree.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = atom { ("*" | "/" | "%") atom }
//! atom    = NUMBER | NAME | NAME "(" [ sum { "," sum } ] ")" | "(" sum ")" | "-" atom
//! ```

use std::fmt;

/// How deep parentheses may nest: parsing recurses.
const MAX_DEPTH: u32 = 100;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    Number(i64),
    Variable(String),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

/// What is wrong with a text, and where in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) expected: &'static str,
    pub(crate) at: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for ParseError {}

/// The tree of a text.
pub(crate) fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let expr = parser.sum()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.expected("an operator or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn expected(&self, expected: &'static str) -> ParseError {
        let at = self.at;
        ParseError { expected, at }
    }

    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn sum(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Some('+') => Operator::Add,
                Some('-') => Operator::Sub,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(operator, left.into(), self.product()?.into());
        }
    }

    fn product(&mut self) -> Result<Expr, ParseError> {
        let mut left = self.atom()?;
        loop {
            let operator = match self.peek() {
                Some('*') => Operator::Mul,
                Some('/') => Operator::Div,
                Some('%') => Operator::Rem,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(operator, left.into(), self.atom()?.into());
        }
    }

    fn atom(&mut self) -> Result<Expr, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.expected("less nesting"));
        }
        let atom = self.atom_inside();
        self.depth -= 1;
        atom
    }

    fn atom_inside(&mut self) -> Result<Expr, ParseError> {
        if self.take('-') {
            let zero = Expr::Number(0);
            return Ok(Expr::Binary(
                Operator::Sub,
                zero.into(),
                self.atom()?.into(),
            ));
        }
        if self.take('(') {
            let inner = self.sum()?;
            return match self.take(')') {
                true => Ok(inner),
                false => Err(self.expected("`)`")),
            };
        }
        let start = self.peek().ok_or_else(|| self.expected("an expression"))?;
        if start.is_ascii_digit() {
            let at = self.at;
            let number = self.word().parse().map(Expr::Number);
            return number.map_err(|_| ParseError {
                expected: "a number of 64 bits",
                at,
            });
        }
        let name = self.word();
        if name.is_empty() {
            return Err(self.expected("an expression"));
        }
        if !self.take('(') {
            return Ok(Expr::Variable(name.to_owned()));
        }
        let mut arguments = Vec::new();
        if !self.take(')') {
            loop {
                arguments.push(self.sum()?);
                if self.take(')') {
                    break;
                }
                if !self.take(',') {
                    return Err(self.expected("`,` or `)`"));
                }
            }
        }
        Ok(Expr::Call(name.to_owned(), arguments))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_tighter_and_both_from_the_left() {
        let number = |n| Box::new(Expr::Number(n));
        let difference = Expr::Binary(
            Operator::Sub,
            number(1),
            Expr::Binary(Operator::Mul, number(2), number(3)).into(),
        );
        let expected = Expr::Binary(Operator::Sub, difference.into(), number(4));
        assert_eq!(parse(" 1 - 2*3 -4"), Ok(expected));
    }

    #[test]
    fn errors_say_where() {
        for (text, expected, at) in [
            ("", "an expression", 0),
            ("1 +", "an expression", 3),
            ("(1", "`)`", 2),
            ("f(1 2)", "`,` or `)`", 4),
            ("1 2", "an operator or the end", 2),
            ("99999999999999999999", "a number of 64 bits", 0),
            ("1 + $", "an expression", 4),
        ] {
            assert_eq!(parse(text), Err(ParseError { expected, at }), "{text}");
        }
        let deep = "(".repeat(100_000);
        assert_eq!(parse(&deep).map_err(|e| e.expected), Err("less nesting"));
    }
}
