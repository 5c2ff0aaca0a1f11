//! Rules for text and times from outside, checked once at the edge. All broken rules of an input
//! are reported together.

use unicode_normalization::UnicodeNormalization;
use url::Url;

use crate::{
    error::{Error, Result, Violation, Violations},
    patch::Patch,
    time::{DAY_MS, Timestamp},
};

/// How a text field may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextRule {
    /// Most Unicode scalar values after trimming.
    pub(crate) max_chars: usize,
    /// Whether line breaks and other controls but tab are allowed.
    pub(crate) multiline: bool,
}

impl TextRule {
    /// One line of at most `max_chars`.
    pub(crate) const fn line(max_chars: usize) -> Self {
        Self { max_chars, multiline: false }
    }

    /// Several lines of at most `max_chars`.
    pub(crate) const fn body(max_chars: usize) -> Self {
        Self { max_chars, multiline: true }
    }
}

/// Collects the broken rules of one input.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Violation>);

impl Checks {
    /// Notes a broken rule.
    pub(crate) fn add(
        &mut self,
        path: &[&str],
        rule: &'static str,
        message: impl Into<String>,
        limit: Option<i64>,
    ) {
        self.0.push(Violation {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            rule,
            message: message.into(),
            limit,
        });
    }

    /// Reports whether a rule for the field `name` is noted.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|v| v.path.first().is_some_and(|first| first == name))
    }

    /// Fails with everything noted so far.
    pub(crate) fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(Violations(self.0))) }
    }

    /// Returns a cleaned text that must not be empty; an empty string after noting a violation.
    pub(crate) fn required(&mut self, path: &[&str], text: &str, rule: TextRule) -> String {
        match self.optional(path, text, rule) {
            Some(text) => text,
            None => {
                // A text that was already refused has its own violation.
                if !self
                    .0
                    .iter()
                    .any(|v| v.path.iter().map(String::as_str).eq(path.iter().copied()))
                {
                    self.add(path, "required", "must not be empty", None);
                }
                String::new()
            }
        }
    }

    /// Returns a cleaned text, or `None` when it is empty or was refused.
    pub(crate) fn optional(&mut self, path: &[&str], text: &str, rule: TextRule) -> Option<String> {
        match clean(text, rule) {
            Ok(text) => (!text.is_empty()).then_some(text),
            Err(Flaw::Character) => {
                self.add(path, "format", "holds a character that is not allowed here", None);
                None
            }
            Err(Flaw::Length) => {
                let limit = i64::try_from(rule.max_chars).unwrap_or(i64::MAX);
                self.add(path, "too_long", format!("at most {limit} characters"), Some(limit));
                None
            }
        }
    }

    /// Returns the cleaned patch of a field that may be cleared; an empty text clears it.
    pub(crate) fn patch(
        &mut self,
        path: &[&str],
        patch: Patch<String>,
        rule: TextRule,
    ) -> Patch<String> {
        match patch {
            Patch::Set(text) => self.optional(path, &text, rule).map_or(Patch::Clear, Patch::Set),
            other => other,
        }
    }

    /// Returns the cleaned patch of a field that must keep a value.
    pub(crate) fn required_patch(
        &mut self,
        path: &[&str],
        patch: Patch<String>,
        rule: TextRule,
    ) -> Patch<String> {
        match patch {
            Patch::Keep => Patch::Keep,
            Patch::Clear => {
                self.add(path, "not_null", "must not be null", None);
                Patch::Keep
            }
            Patch::Set(text) => Patch::Set(self.required(path, &text, rule)),
        }
    }

    /// Checks an absolute http or https address without user information.
    pub(crate) fn web_address(&mut self, path: &[&str], text: Option<&str>) {
        let Some(text) = text else { return };
        let fine = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !fine {
            self.add(path, "format", "must be an absolute http or https address", None);
        }
    }

    /// Checks that an instant lies between 1990 and one day from now.
    pub(crate) fn past(&mut self, path: &[&str], at: Option<Timestamp>, now: Timestamp) {
        if at.is_some_and(|at| at < Timestamp::EARLIEST || at > now.plus_ms(DAY_MS)) {
            self.add(path, "range", "must lie between 1990 and tomorrow", None);
        }
    }
}

/// Why a text was refused.
enum Flaw {
    Character,
    Length,
}

/// Trims and composes a text; U+0000 is refused everywhere, PostgreSQL cannot store it.
fn clean(text: &str, rule: TextRule) -> std::result::Result<String, Flaw> {
    // A scalar value takes at most four bytes and NFC at most triples a text: longer input
    // cannot pass, and is refused before work is spent on it.
    if text.len() > rule.max_chars.saturating_mul(12).saturating_add(1024) {
        return Err(Flaw::Length);
    }
    let text: String = text.trim().nfc().collect();
    let text = text.trim();
    if text.chars().any(|c| forbidden(c, rule.multiline)) {
        return Err(Flaw::Character);
    }
    if text.chars().count() > rule.max_chars {
        return Err(Flaw::Length);
    }
    Ok(text.to_owned())
}

fn forbidden(c: char, multiline: bool) -> bool {
    if c == '\0' {
        return true;
    }
    if multiline {
        return false;
    }
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Checks an idempotency key: 1 to 128 visible ASCII characters.
pub(crate) fn idempotency_key(key: &str) -> Result<()> {
    if (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::invalid(&["idempotencyKey"], "format", "must be 1 to 128 visible ASCII characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(checks: Checks) -> Vec<String> {
        match checks.finish() {
            Err(Error::Invalid(violations)) => {
                violations.0.iter().map(|v| format!("{}:{}", v.path.join("."), v.rule)).collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_broken_rule_is_reported_once() {
        let mut checks = Checks::default();

        checks.required(&["title"], "  ", TextRule::line(5));
        checks.required(&["company"], "abcdef", TextRule::line(5));
        checks.optional(&["notes"], "a\0b", TextRule::body(10));
        checks.optional(&["location"], "a\nb", TextRule::line(10));
        checks.web_address(&["url"], Some("ftp://example.test"));

        assert_eq!(
            paths(checks),
            ["title:required", "company:too_long", "notes:format", "location:format", "url:format"]
        );
    }

    #[test]
    fn text_is_trimmed_and_composed() {
        let mut checks = Checks::default();

        let text = checks.required(&["t"], "  e\u{301} ", TextRule::line(1));

        assert_eq!(text, "é");
        assert!(checks.finish().is_ok());
    }

    #[test]
    fn addresses_with_credentials_are_refused() {
        let mut checks = Checks::default();

        checks.web_address(&["url"], Some("https://user:pw@example.test/"));
        checks.web_address(&["url"], Some("https://example.test/jobs?id=1"));

        assert_eq!(paths(checks), ["url:format"]);
    }
}
