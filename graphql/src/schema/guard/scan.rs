//! Counts tokens and nesting of a document before anything recursive sees it.
//!
//! The lexer must never see fewer tokens or less nesting than the parser does. Where the parser's
//! grammar is laxer than the specification (`0000` is four numbers to it, `truetrue` two values)
//! this one counts as the parser would.

use async_graphql::Pos;
use jotrack_core::Limits;

use super::Refusal;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Refuses a text with too many bytes, tokens or levels of nesting, or with an open string.
pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), Refusal> {
    if text.len() > limits.body_bytes {
        return Err(Refusal::over("bytes", "body_bytes", limits.body_bytes));
    }
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    let mut tokens = 0_usize;
    let mut nesting = 0_usize;
    while let Some(byte) = scanner.skip_ignored() {
        let start = scanner.at;
        let Some(count) = scanner.token(byte) else {
            return Err(Refusal::parse(Some(position(text, start))));
        };
        tokens = tokens.saturating_add(count);
        if tokens > limits.document_tokens {
            return Err(Refusal::over("tokens", "document_tokens", limits.document_tokens)
                .at(position(text, start)));
        }
        match byte {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if nesting > limits.nesting {
            return Err(Refusal::over("levels of nesting", "nesting", limits.nesting)
                .at(position(text, start)));
        }
    }
    Ok(())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.saturating_add(ahead)).copied()
    }

    fn starts_with(&self, prefix: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(prefix))
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
    }

    /// Returns the first byte of the next token.
    fn skip_ignored(&mut self) -> Option<u8> {
        loop {
            match self.peek(0)? {
                b' ' | b',' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                _ if self.starts_with(BYTE_ORDER_MARK) => self.at += BYTE_ORDER_MARK.len(),
                byte => return Some(byte),
            }
        }
    }

    /// Steps over one token and returns how many the parser may make of it; `None` for a string
    /// without an end.
    fn token(&mut self, byte: u8) -> Option<usize> {
        match byte {
            b'"' => self.string().then_some(1),
            b'-' | b'0'..=b'9' => {
                self.number();
                Some(1)
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Some(self.name()),
            _ => {
                self.at += if self.starts_with(b"...") { 3 } else { 1 };
                Some(1)
            }
        }
    }

    fn string(&mut self) -> bool {
        if self.starts_with(b"\"\"\"") {
            self.at += 3;
            loop {
                if self.starts_with(b"\"\"\"") {
                    self.at += 3;
                    return true;
                }
                let step = if self.starts_with(b"\\\"\"\"") { 4 } else { 1 };
                if self.peek(0).is_none() {
                    return false;
                }
                self.at += step;
            }
        }
        self.at += 1;
        loop {
            match self.peek(0) {
                None | Some(b'\n' | b'\r') => return false,
                Some(b'"') => {
                    self.at += 1;
                    return true;
                }
                Some(b'\\') => self.at += if self.peek(1).is_some() { 2 } else { 1 },
                Some(_) => self.at += 1,
            }
        }
    }

    fn number(&mut self) {
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        match self.peek(0) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_while(|byte| byte.is_ascii_digit()),
            _ => return,
        }
        if self.peek(0) == Some(b'.') && self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
            if self.peek(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
    }

    fn name(&mut self) -> usize {
        let mut count = 1;
        while let Some(word) =
            [&b"true"[..], b"false", b"null"].into_iter().find(|word| self.starts_with(word))
        {
            self.at += word.len();
            count += 1;
        }
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        count
    }
}

fn position(text: &str, offset: usize) -> Pos {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&char| char != '\n').count() + 1;
    Pos { line, column }
}
