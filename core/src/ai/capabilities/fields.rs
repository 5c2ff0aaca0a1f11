//! Reads the fields of an input, noting every broken rule with the path of its field.

use serde_json::{Map, Value};

use super::super::guard;
use crate::{
    error::{Error, Result},
    validate::{Checks, TextRule},
};

/// Longest document, in bytes.
pub(super) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Characters of an unknown field's name that are told back.
const NAME_CHARS_MAX: usize = 64;

/// An input being read. Fields that nobody asked for are violations too.
pub(crate) struct Fields {
    map: Map<String, Value>,
    checks: Checks,
    too_large: Option<&'static str>,
}

impl Fields {
    pub(crate) fn new(input: Value) -> Result<Self> {
        match input {
            Value::Object(map) => Ok(Self { map, checks: Checks::default(), too_large: None }),
            _ => Err(Error::invalid(&["input"], "type", "must be an object")),
        }
    }

    /// Fails with everything that was noted.
    pub(crate) fn finish(mut self) -> Result<()> {
        for (name, _) in self.map.iter().filter(|(_, value)| !value.is_null()) {
            let name: String = name.chars().take(NAME_CHARS_MAX).collect();
            self.checks.add(&[&name], "unknown", "there is no such field", None);
        }
        self.checks.finish()?;
        match self.too_large {
            Some(what) => {
                let limit_bytes = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
                Err(Error::TooLarge { what, limit_bytes })
            }
            None => Ok(()),
        }
    }

    /// Reads a long text that must not be empty.
    pub(super) fn document(&mut self, name: &'static str) -> String {
        let raw = self.text(name).unwrap_or_default();
        if raw.len() > DOCUMENT_BYTES_MAX {
            self.too_large.get_or_insert(name);
            return String::new();
        }
        let text = guard::body(&raw);
        if text.is_empty() {
            self.missing(name);
        }
        text
    }

    /// Reads one line that must not be empty.
    pub(super) fn line(&mut self, name: &'static str, max_chars: usize) -> String {
        let text = self.line_optional(name, max_chars);
        if text.is_none() {
            self.missing(name);
        }
        text.unwrap_or_default()
    }

    /// Reads one line; an empty one is none.
    pub(super) fn line_optional(&mut self, name: &'static str, max_chars: usize) -> Option<String> {
        let raw = self.text(name)?;
        self.clean_line(name, &raw, max_chars)
    }

    /// Reads a list of lines; empty ones are left out.
    pub(super) fn lines(
        &mut self,
        name: &'static str,
        items_max: usize,
        max_chars: usize,
    ) -> Vec<String> {
        let items = match self.map.remove(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.checks.add(&[name], "type", "must be a list of texts", None);
                return Vec::new();
            }
        };
        if items.len() > items_max {
            let limit = i64::try_from(items_max).unwrap_or(i64::MAX);
            self.checks.add(&[name], "too_long", format!("at most {limit} items"), Some(limit));
            return Vec::new();
        }
        let mut lines = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::String(raw) => lines.extend(self.clean_line(name, &raw, max_chars)),
                _ => self.checks.add(&[name], "type", "must be a list of texts", None),
            }
        }
        lines
    }

    /// Reads a word of a closed set; `fallback` stands in for a refused one.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        fallback: T,
    ) -> T {
        let Some(word) = self.text(name) else {
            self.missing(name);
            return fallback;
        };
        parse(&word).unwrap_or_else(|| {
            self.checks.add(&[name], "format", "is not one of the known words", None);
            fallback
        })
    }

    /// Notes that a field breaks a rule of its own.
    pub(super) fn refuse(&mut self, name: &'static str, message: &str) {
        self.checks.add(&[name], "format", message, None);
    }

    /// Reports whether a rule for a field is broken.
    pub(super) fn has(&self, name: &'static str) -> bool {
        self.checks.has(name)
    }

    fn missing(&mut self, name: &'static str) {
        if !self.checks.has(name) {
            self.checks.add(&[name], "required", "must not be empty", None);
        }
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        match self.map.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => {
                self.checks.add(&[name], "type", "must be a text", None);
                None
            }
        }
    }

    fn clean_line(&mut self, name: &'static str, raw: &str, max_chars: usize) -> Option<String> {
        let raw = guard::strip(raw);
        let text = self.checks.optional(&[name], &raw, TextRule::line(max_chars))?;
        Some(guard::line(&text)).filter(|text| !text.is_empty())
    }
}
