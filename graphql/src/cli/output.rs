//! Results on standard output: text and JSON, and how values look in them.

use std::io::{self, Write as _};

use anyhow::Context as _;
use jotrack_core::Timestamp;
use serde::Serialize;

use super::failure::{Failure, Outcome};

/// Writes the result of a command.
pub(super) fn print(text: &str) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Returns a value as text of its own lines.
pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut json = serde_json::to_string_pretty(value).context("write JSON")?;
    json.push('\n');
    Ok(json)
}

/// Returns an instant to the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    let text: String = at.to_rfc3339().chars().take(16).collect();
    text.replace('T', " ") + "Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_told_to_the_minute() {
        assert_eq!(minute(Timestamp::from_ms(1_700_000_000_000)), "2023-11-14 22:13Z");
    }
}
