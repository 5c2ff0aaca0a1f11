//! Who answers, and with which key: the table `[ai]` and `JOTRACK_AI_*`.
//!
//! A key is text whatever it looks like, and no message here repeats one.

use toml::{Table, Value};

/// The name of the table.
pub(super) const AI: &str = "ai";

/// Settings that are text even if they look like a number.
const TEXTS: [&str; 6] = ["provider", "base_url", "model", "api_key", "protocol", "local_tier"];
const CAPS: &str = "caps";

/// Reads the value of a variable: `caps_schema` is `schema` of the table `caps`.
pub(super) fn of_variable(
    key: &str,
    text: &str,
    typed: impl FnOnce(&str) -> Value,
    before: Option<&Value>,
) -> (String, Value) {
    if let Some(inner) = key.strip_prefix(CAPS).and_then(|rest| rest.strip_prefix('_')) {
        let before = before.and_then(|table| table.get(CAPS)).and_then(Value::as_table);
        let mut caps: Table = before.cloned().unwrap_or_default();
        caps.insert(inner.to_owned(), typed(text));
        return (CAPS.to_owned(), Value::Table(caps));
    }
    let is_text = TEXTS.contains(&key);
    let value = if is_text { Value::String(text.to_owned()) } else { typed(text) };
    (key.to_owned(), value)
}

/// Writes words as the engine spells them, whatever their case.
///
/// # Errors
/// The reason in words, for a text that is none.
pub(super) fn shaped(key: &str, value: Value) -> Result<Value, &'static str> {
    if !TEXTS.contains(&key) {
        return Ok(value);
    }
    let Value::String(text) = value else { return Err("a text is expected") };
    Ok(Value::String(match key {
        "protocol" => text.to_ascii_lowercase(),
        "local_tier" => text.to_ascii_uppercase(),
        _ => text,
    }))
}
