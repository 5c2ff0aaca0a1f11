//! What a provider's refusals mean: a status, headers and a body, or an error inside a stream.

use std::time::UNIX_EPOCH;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{super::AiError, answer::at};
use crate::time::{DAY_MS, Timestamp};

/// It failed, and nobody said why.
pub(super) const FAILED: AiError = AiError::Server { retry_after_ms: None, should_retry: None };

/// Longest wait that is believed.
const LONGEST_MS: i64 = 31 * DAY_MS;

/// Returns what a response means whose status is not a success.
pub(super) fn of_response(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> AiError {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let error = Named::of(at(&body, "/error"));
    let retry_after_ms = retry_after_ms(headers, now);
    let class = if error.is_about_money(status) {
        AiError::Billing
    } else if error.has("slow_down") {
        AiError::Overloaded { retry_after_ms }
    } else {
        of_status(status, retry_after_ms)
    };
    let should_retry = match headers.get("x-should-retry").map(|value| value.as_bytes()) {
        Some(b"true") => Some(true),
        Some(b"false") => Some(false),
        _ => None,
    };
    match class {
        // No wait and no second try mends these.
        AiError::Auth | AiError::Billing => class,
        AiError::Server { .. } => AiError::Server { retry_after_ms, should_retry },
        // The server knows better than the table.
        _ if should_retry.is_some_and(|asked| asked != class.is_transient()) => {
            AiError::Server { retry_after_ms, should_retry }
        }
        _ => class,
    }
}

/// Returns what an error inside a stream means, by what it would have been as a response.
pub(super) fn in_stream(error: &Value) -> AiError {
    let named = Named::of(error);
    let status = named.status();
    if named.is_about_money(status) {
        return AiError::Billing;
    }
    if named.has("slow_down") {
        return AiError::Overloaded { retry_after_ms: None };
    }
    of_status(status, None)
}

fn of_status(status: u16, retry_after_ms: Option<i64>) -> AiError {
    match status {
        401 | 403 => AiError::Auth,
        402 => AiError::Billing,
        404 => AiError::Invalid("it knows no such model or address"),
        413 => AiError::Invalid("the request is too large"),
        429 => AiError::RateLimited { retry_after_ms },
        503 | 529 => AiError::Overloaded { retry_after_ms },
        300..=399 => AiError::Invalid("it redirects, which is not followed; correct the base URL"),
        408 | 409 | 500..=599 => AiError::Server { retry_after_ms, should_retry: None },
        400..=499 => AiError::Invalid("it calls the request wrong"),
        _ => FAILED,
    }
}

/// The words by which an error can be told.
struct Named<'a> {
    words: [&'a str; 4],
    message: String,
    /// A `code` that is a number is a status.
    number: Option<u64>,
}

impl<'a> Named<'a> {
    fn of(error: &'a Value) -> Self {
        let word = |value: &'a Value| value.as_str().unwrap_or_default();
        let code = at(error, "/code");
        Self {
            words: [
                word(code),
                word(at(error, "/type")),
                word(at(error, "/details/error_code")),
                word(at(error, "/details/code")),
            ],
            // Some servers send the bare message.
            message: word(at(error, "/message")).to_lowercase() + &word(error).to_lowercase(),
            number: code.as_u64().or_else(|| word(code).parse().ok()),
        }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn is_about_money(&self, status: u16) -> bool {
        let words = [
            "insufficient_quota",
            "credit_balance_exhausted",
            "enforced_spend_limit_reached",
            "billing_error",
            "billing_hard_limit_reached",
        ];
        // A wrong request and an empty purse have one status at Anthropic.
        let phrases = ["credit balance", "spend limit", "spending limit", "api usage limits"];
        words.iter().any(|word| self.has(word))
            || status == 400 && phrases.iter().any(|phrase| self.message.contains(phrase))
    }

    /// The status that goes with the words.
    fn status(&self) -> u16 {
        if let Some(number @ 400..=599) = self.number {
            return u16::try_from(number).unwrap_or(500);
        }
        let found = self.words.iter().find_map(|word| {
            Some(match *word {
                "invalid_request_error"
                | "invalid_prompt"
                | "context_length_exceeded"
                | "exceed_context_size_error"
                | "bad_request_error"
                | "BadRequestError" => 400,
                "authentication_error" | "invalid_api_key" => 401,
                "billing_error" => 402,
                "permission_error" => 403,
                "not_found_error" | "model_not_found" => 404,
                "request_too_large" => 413,
                "rate_limit_error" | "rate_limit_exceeded" | "tokens" | "requests" => 429,
                "unavailable_error" => 503,
                "timeout_error" => 504,
                "overloaded_error" => 529,
                "api_error" | "server_error" | "internal_error" => 500,
                _ => return None,
            })
        });
        found.unwrap_or(500)
    }
}

/// Returns what the headers ask to wait, in milliseconds; what is not after now is ignored.
fn retry_after_ms(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let exact = text("retry-after-ms").and_then(|text| decimal_ms(text, 1));
    exact
        .or_else(|| {
            let text = text("retry-after")?;
            decimal_ms(text, 1_000).or_else(|| date_ms(text, now))
        })
        .map(|ms| ms.min(LONGEST_MS))
}

/// Reads a decimal number of units of so many milliseconds; `None` for 0 too.
fn decimal_ms(text: &str, unit_ms: i64) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // More digits than fit are longer than any wait.
    let whole = match whole {
        "" => 0,
        _ => whole.parse::<i64>().unwrap_or(i64::MAX),
    };
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let part = thousandths.parse::<i64>().ok()?.saturating_mul(unit_ms) / 1_000;
    let ms = whole.saturating_mul(unit_ms).saturating_add(part);
    (ms > 0).then_some(ms)
}

fn date_ms(text: &str, now: Timestamp) -> Option<i64> {
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let wait = i64::try_from(date.as_millis()).ok()?.checked_sub(now.as_ms())?;
    (wait > 0).then_some(wait)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    /// 2026-09-21T14:13:20Z.
    const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

    fn response(status: u16, headers: &[(&'static str, &str)], body: &Value) -> AiError {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        of_response(status, &headers.collect(), body.to_string().as_bytes(), NOW)
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<i64> {
        response(429, headers, &Value::Null).retry_after_ms()
    }

    #[test]
    fn each_status_has_its_class() {
        let classes = [
            (301, "invalid"),
            (400, "invalid"),
            (401, "auth"),
            (402, "billing"),
            (403, "auth"),
            (404, "invalid"),
            (408, "server"),
            (409, "server"),
            (413, "invalid"),
            (422, "invalid"),
            (429, "rate_limited"),
            (500, "server"),
            (502, "server"),
            (503, "overloaded"),
            (504, "server"),
            (529, "overloaded"),
        ];
        for (status, class) in classes {
            assert_eq!(response(status, &[], &Value::Null).class(), class, "{status}");
        }
    }

    #[test]
    fn each_form_of_a_wait_is_read() {
        let cases = [
            ("1", 1_000),
            ("1.5", 1_500),
            (".25", 250),
            ("0.0015", 1),
            ("2.", 2_000),
            (" 3 ", 3_000),
            ("Mon, 21 Sep 2026 14:13:50 GMT", 30_000),
            ("Monday, 21-Sep-26 14:13:50 GMT", 30_000),
            ("Mon Sep 21 14:13:50 2026", 30_000),
            ("99999999999999999999", LONGEST_MS),
        ];
        for (text, ms) in cases {
            assert_eq!(wait(&[("retry-after", text)]), Some(ms), "{text}");
        }
        assert_eq!(wait(&[("retry-after-ms", "1500")]), Some(1_500));
        assert_eq!(wait(&[("retry-after-ms", "20.7")]), Some(20));
        assert_eq!(wait(&[("retry-after-ms", "20"), ("retry-after", "7")]), Some(20));
    }

    #[test]
    fn a_wait_that_is_none_is_ignored() {
        let cases = [
            "0",
            "-1",
            "0.0",
            "0.0004",
            "",
            ".",
            "soon",
            "1e3",
            "1,5",
            "NaN",
            "inf",
            "+1",
            "0x10",
            "Mon, 21 Sep 2026 14:13:20 GMT",
            "Mon, 21 Sep 2020 14:13:50 GMT",
        ];
        for text in cases {
            assert_eq!(wait(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(wait(&[("retry-after-ms", "0"), ("retry-after", "7")]), Some(7_000));
        assert_eq!(wait(&[("retry-after-ms", "-5"), ("retry-after", "-5")]), None);
    }

    #[test]
    fn money_is_told_from_haste() {
        let spent = json!({ "error": { "type": "rate_limit_error",
            "details": { "error_code": "enforced_spend_limit_reached" } } });
        let money = [
            (429, spent),
            (429, json!({ "error": { "code": "insufficient_quota", "type": "x" } })),
            (429, json!({ "error": { "code": null, "type": "insufficient_quota" } })),
            (429, json!({ "error": { "code": "credit_balance_exhausted" } })),
            (
                400,
                json!({ "error": { "type": "invalid_request_error",
                "message": "Your credit balance is too low." } }),
            ),
            (
                400,
                json!({ "error": { "type": "invalid_request_error",
                "message": "This workspace reached its spend limit." } }),
            ),
            (402, Value::Null),
            (403, json!({ "error": { "type": "billing_error" } })),
        ];
        for (status, body) in money {
            assert_eq!(response(status, &[], &body), AiError::Billing, "{body}");
        }
        let haste = json!({ "error": { "type": "rate_limit_error", "message": "spend limit" } });
        assert_eq!(response(429, &[], &haste), AiError::RateLimited { retry_after_ms: None });
        let slower = json!({ "error": { "code": "slow_down" } });
        assert_eq!(
            response(429, &[("retry-after", "2")], &slower),
            AiError::Overloaded { retry_after_ms: Some(2_000) }
        );
    }

    #[test]
    fn the_server_says_whether_to_try_again() {
        let should = |status, word| response(status, &[("x-should-retry", word)], &Value::Null);

        assert!(!should(500, "false").is_transient());
        assert!(!should(429, "false").is_transient());
        assert!(!should(529, "false").is_transient());
        assert!(should(400, "true").is_transient());
        assert!(!should(401, "true").is_transient());
        assert!(!should(402, "true").is_transient());
        assert_eq!(should(429, "true"), AiError::RateLimited { retry_after_ms: None });
        assert_eq!(should(500, "perhaps"), FAILED);
    }

    #[test]
    fn a_body_of_any_kind_is_no_reason_to_fail() {
        let headers = HeaderMap::new();
        for body in [b"".as_slice(), b"<html>", b"\xff\xfe", b"[1]", b"{\"error\":\"gone\"}", b"7"]
        {
            assert_eq!(of_response(500, &headers, body, NOW), FAILED);
        }
    }

    #[test]
    fn an_error_in_a_stream_is_what_its_status_would_be() {
        let cases = [
            (json!({ "type": "invalid_request_error" }), "invalid"),
            (json!({ "type": "authentication_error" }), "auth"),
            (json!({ "type": "billing_error" }), "billing"),
            (json!({ "type": "permission_error" }), "auth"),
            (json!({ "type": "not_found_error" }), "invalid"),
            (json!({ "type": "request_too_large" }), "invalid"),
            (json!({ "type": "rate_limit_error" }), "rate_limited"),
            (json!({ "type": "api_error" }), "server"),
            (json!({ "type": "timeout_error" }), "server"),
            (json!({ "type": "overloaded_error" }), "overloaded"),
            (json!({ "code": "rate_limit_exceeded", "type": "tokens" }), "rate_limited"),
            (json!({ "code": "insufficient_quota" }), "billing"),
            (json!({ "code": "slow_down" }), "overloaded"),
            (json!({ "code": "context_length_exceeded" }), "invalid"),
            (json!({ "code": 503, "type": "unavailable_error" }), "overloaded"),
            (json!({ "code": "429" }), "rate_limited"),
            (json!({ "code": 200 }), "server"),
            (json!({ "type": "novelty" }), "server"),
            (json!("text"), "server"),
            (Value::Null, "server"),
        ];
        for (error, class) in cases {
            assert_eq!(in_stream(&error).class(), class, "{error}");
        }
    }
}
