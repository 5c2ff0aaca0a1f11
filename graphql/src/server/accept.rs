//! Media types: what a client may send, and which answer it understands.

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderValue, header};

/// Form of an answer of `/graphql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status tells how far the request came.
    GraphqlResponse,
    /// `application/json`: every well-formed request is answered 200.
    Json,
    /// `text/event-stream`.
    EventStream,
}

impl Media {
    /// Chooses the form that `Accept` prefers; `None` when it allows none of them.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let ranges: Vec<Range> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .enumerate()
            .filter_map(|(position, text)| Range::parse(text, position))
            .collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        [Self::GraphqlResponse, Self::Json, Self::EventStream]
            .into_iter()
            .filter_map(|media| Some((media.find_range(&ranges)?, media)))
            .filter(|(range, _)| range.quality > 0)
            .max_by_key(|(range, _)| (range.quality, !range.wild, Reverse(range.position)))
            .map(|(_, media)| media)
    }

    /// Only `application/json` is what a wildcard means.
    fn find_range(self, ranges: &[Range]) -> Option<&Range> {
        let named = ranges.iter().find(|range| range.name == self.name());
        let wild = || {
            let of = |name| ranges.iter().find(|range| range.name == name);
            (self == Self::Json).then(|| of("application/*").or_else(|| of("*/*"))).flatten()
        };
        named.or_else(wild)
    }

    fn name(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
        }
    }

    /// Value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::EventStream => "text/event-stream; charset=utf-8",
        })
    }
}

/// One entry of `Accept`.
struct Range {
    name: String,
    /// In thousandths.
    quality: u32,
    position: usize,
    wild: bool,
}

impl Range {
    fn parse(text: &str, position: usize) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let quality = parts
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(1_000), |(_, value)| thousandths(value.trim()))?;
        let wild = name.ends_with("/*");
        Some(Self { name, quality, position, wild })
    }
}

fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 {
        return None;
    }
    let value = whole.parse::<u32>().ok()?.checked_mul(1_000)?;
    let padded = format!("{fraction:0<3}").parse::<u32>().ok()?;
    Some(value.saturating_add(padded).min(1_000))
}

/// Reports whether a `Content-Type` is JSON in UTF-8.
pub(super) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.filter_map(|part| part.split_once('=')).all(|(key, value)| {
            !key.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        Media::negotiate(&headers)
    }

    #[test]
    fn no_accept_header_means_json() {
        assert_eq!(Media::negotiate(&HeaderMap::new()), Some(Media::Json));
    }

    #[test]
    fn the_preferred_type_answers() {
        for (accept, media) in [
            ("application/json", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::GraphqlResponse)),
            ("APPLICATION/JSON; charset=utf-8", Some(Media::Json)),
            (
                "application/graphql-response+json, application/json;q=0.9",
                Some(Media::GraphqlResponse),
            ),
            ("application/graphql-response+json;q=0.1, application/json", Some(Media::Json)),
            ("*/*, application/graphql-response+json", Some(Media::GraphqlResponse)),
            (
                "application/json;q=0, application/graphql-response+json;q=0.5, */*;q=0.1",
                Some(Media::GraphqlResponse),
            ),
            ("text/event-stream", Some(Media::EventStream)),
            ("text/event-stream, application/json", Some(Media::EventStream)),
            ("application/json, text/event-stream", Some(Media::Json)),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some(Media::Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("text/*", None),
        ] {
            assert_eq!(negotiate(accept), media, "{accept}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for accepted in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(is_json(accepted), "{accepted}");
        }
        for refused in [
            "",
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_json(refused), "{refused}");
        }
    }
}
