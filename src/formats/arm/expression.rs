//! The template expression language: text to tree.
//!
//! Input: what stands between the brackets of `"[...]"`. Output: an [`Expr`], or the byte where the text
//! stops making sense. Knows no function and no template. Implements "Template syntax: expressions" of
//! Microsoft's ARM template reference, with the safe dereference of language version 2.0.

use std::fmt;
use std::sync::Arc;

/// Expressions nested more deeply than this are refused.
pub(super) const MAX_DEPTH: usize = 100;

/// Expressions longer than this many bytes are refused; Azure stops at 24,576 characters.
pub(super) const MAX_LENGTH: usize = 256 * 1024;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// `'text'`.
    Text(Arc<str>),
    /// `12`.
    Int(i64),
    /// `name(args)`.
    Call(Call),
    /// `base.key`, `base['key']`, `base[0]`.
    Access(Box<Access>),
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// The name as written, with its namespace for user functions.
    pub(super) name: Arc<str>,
    /// The arguments.
    pub(super) args: Vec<Expr>,
    /// Where the name stands, in bytes from the start of the source string.
    pub(super) offset: u32,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Access {
    /// What is stepped into.
    pub(super) base: Expr,
    /// The key or index.
    pub(super) key: Expr,
    /// Whether a missing key gives `null` instead of an error (`.?`, `[?`).
    pub(super) safe: bool,
}

/// Why a text is not an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Bytes from the start of the source string, the bracket included.
    pub(super) offset: usize,
    /// What was wrong.
    pub(super) message: String,
}

/// What a template string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// Text as it stands.
    Literal(&'a str),
    /// The whole source of an expression, brackets included.
    Expression(&'a str),
}

/// Tells a literal from an expression. `[[...]` is an escape for a literal that begins with `[`.
pub(super) fn form(text: &str) -> Form<'_> {
    if !(text.len() > 1 && text.starts_with('[') && text.ends_with(']')) {
        return Form::Literal(text);
    }
    if text.starts_with("[[") { Form::Literal(&text[1..]) } else { Form::Expression(text) }
}

/// Parses an expression with its brackets.
pub(super) fn parse(source: &str) -> Result<Expr, SyntaxError> {
    if source.len() > MAX_LENGTH {
        return Err(SyntaxError {
            offset: 0,
            message: format!("an expression is longer than {MAX_LENGTH} bytes"),
        });
    }
    let end = source.len().saturating_sub(1);
    let mut parser = Parser { text: source, at: 1, end, depth: 0 };
    let (expr, _) = parser.expr()?;
    parser.space();
    if parser.at < parser.end {
        return Err(parser.unexpected("the end of the expression"));
    }
    Ok(expr)
}

/// An expression with the height of its tree.
type Parsed = Result<(Expr, usize), SyntaxError>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn error(&self, message: String) -> SyntaxError {
        SyntaxError { offset: self.at, message }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        match self.peek() {
            Some(c) => self.error(format!("expected {wanted}, found `{c}`")),
            None => self.error(format!("expected {wanted}, the expression ends here")),
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.eat(token) { Ok(()) } else { Err(self.unexpected(&format!("`{token}`"))) }
    }

    /// INVARIANT: neither the parser's own depth nor the height of the tree passes [`MAX_DEPTH`], so
    /// every walk over it, its drop included, is bounded.
    fn bounded(&self, height: usize) -> Result<usize, SyntaxError> {
        if height > MAX_DEPTH {
            return Err(self.error(format!("expressions are nested more than {MAX_DEPTH} deep")));
        }
        Ok(height)
    }

    fn expr(&mut self) -> Parsed {
        self.depth = self.bounded(self.depth + 1)?;
        let primary = self.primary()?;
        let parsed = self.steps(primary);
        self.depth -= 1;
        parsed
    }

    fn primary(&mut self) -> Parsed {
        self.space();
        match self.peek() {
            Some('\'') => Ok((self.text_literal()?, 1)),
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => Ok((self.int_literal()?, 1)),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.call(),
            _ => Err(self.unexpected("a function, a string or a number")),
        }
    }

    fn text_literal(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(quote) = rest.find('\'') else {
                return Err(SyntaxError { offset: start, message: "a string is not closed".into() });
            };
            text.push_str(&rest[..quote]);
            self.at += quote + 1;
            if !self.rest().starts_with('\'') {
                return Ok(Expr::Text(text.into()));
            }
            text.push('\'');
            self.at += 1;
        }
    }

    fn int_literal(&mut self) -> Result<Expr, SyntaxError> {
        let rest = self.rest();
        let digits = rest.trim_start_matches(['-', '+']);
        let sign = rest.len() - digits.len();
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let text = &rest[..sign + length];
        let value = text.parse().map_err(|_| self.error(format!("`{text}` is not a whole number")))?;
        self.at += text.len();
        Ok(Expr::Int(value))
    }

    fn word(&mut self) -> Result<&'a str, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.unexpected("a name"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn call(&mut self) -> Parsed {
        let offset = self.at;
        let mut name = self.word()?.to_owned();
        self.space();
        if self.peek() == Some('.') {
            self.at += 1;
            self.space();
            name = format!("{name}.{}", self.word()?);
        }
        if !self.eat("(") {
            return Err(self.unexpected(&format!("`(` after `{name}`")));
        }
        let (mut args, mut height) = (Vec::new(), 0);
        if !self.eat(")") {
            loop {
                let (arg, arg_height) = self.expr()?;
                args.push(arg);
                height = height.max(arg_height);
                if self.eat(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        let call = Call { name: name.into(), args, offset: offset as u32 };
        Ok((Expr::Call(call), self.bounded(height + 1)?))
    }

    fn steps(&mut self, (mut base, mut height): (Expr, usize)) -> Parsed {
        loop {
            let ((key, key_height), safe) = if self.eat(".") {
                let safe = self.eat("?");
                self.space();
                ((Expr::Text(self.word()?.into()), 1), safe)
            } else if self.eat("[") {
                let safe = self.eat("?");
                let key = self.expr()?;
                self.expect("]")?;
                (key, safe)
            } else {
                return Ok((base, height));
            };
            height = self.bounded(height.max(key_height) + 1)?;
            base = Expr::Access(Box::new(Access { base, key, safe }));
        }
    }
}

/// The expression as it would be written, for stand-in names and messages.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Expr::Int(value) => write!(f, "{value}"),
            Expr::Call(call) => {
                write!(f, "{}(", call.name)?;
                for (i, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Expr::Access(access) => {
                let mark = if access.safe { "?" } else { "" };
                match &access.key {
                    Expr::Text(key) => write!(f, "{}.{mark}{key}", access.base),
                    key => write!(f, "{}[{mark}{key}]", access.base),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let got = match parse(source) {
            Ok(expr) => expr.to_string(),
            Err(error) => format!("{}: {}", error.offset, error.message),
        };
        assert_eq!(got, expected, "{source}");
    }

    #[test]
    fn literals_and_escapes_are_told_from_expressions() {
        for (text, expected) in [
            ("plain", Form::Literal("plain")),
            ("[concat()]", Form::Expression("[concat()]")),
            ("[[concat()]", Form::Literal("[concat()]")),
            ("[open", Form::Literal("[open")),
            ("[[open", Form::Literal("[[open")),
            ("[", Form::Literal("[")),
            ("[]", Form::Expression("[]")),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn parses() {
        check("[parameters('a')]", "parameters('a')");
        check("[ concat( 'it''s' , 1,-2 ) ]", "concat('it''s', 1, -2)");
        check("[variables('a').b[0]['c d'].e]", "variables('a').b[0].c d.e");
        check("[f(variables('a').?b[?0]).c]", "f(variables('a').?b[?0]).c");
        check("[contoso.name(1)]", "contoso.name(1)");
        check("[__bicep.name(f())]", "__bicep.name(f())");
        check("['just text']", "'just text'");
        check("[f('''')]", "f('''')");
        check("[f(\n  'a',\n  'b'\n)]", "f('a', 'b')");
    }

    #[test]
    fn says_where_it_stops() {
        check("[]", "1: expected a function, a string or a number, the expression ends here");
        check("[concat('a' 'b')]", "12: expected `,`, found `'`");
        check("[concat('a']", "11: expected `,`, the expression ends here");
        check("[concat('a)]", "8: a string is not closed");
        check("[f().]", "5: expected a name, the expression ends here");
        check("[f]", "2: expected `(` after `f`, the expression ends here");
        check("[f() g()]", "5: expected the end of the expression, found `g`");
        check("[99999999999999999999]", "1: `99999999999999999999` is not a whole number");
        check("[f('é', ?)]", "9: expected a function, a string or a number, found `?`");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("[{}{}]", "f(".repeat(5000), ")".repeat(5000));
        assert!(parse(&deep).is_err_and(|e| e.message.contains("100 deep")));
        let steps = format!("[f(){}]", ".a".repeat(5000));
        assert!(parse(&steps).is_err_and(|e| e.message.contains("100 deep")));
        let long = format!("[f('{}')]", "x".repeat(MAX_LENGTH));
        assert!(parse(&long).is_err_and(|e| e.message.contains("longer")));
    }
}
