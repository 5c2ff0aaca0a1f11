//! What a caller has written: a position of the database, which travels with answers and comes back
//! with requests, so that reads from a replica see it.
//!
//! The answer to a mutation carries it twice, as the header `JoTrack-Position` and in `extensions`;
//! streams and sockets have the latter alone. A client keeps the newest and sends it with every
//! request in the header, or once in the payload of `connection_init`: a socket's own writes are
//! known to the server.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jotrack_core::Position;

use super::reply::Problem;

/// Carries a position, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("jotrack-position");

const MALFORMED: &str = "`JoTrack-Position` is not a position: send what an answer carried, once.";

/// Reads the position of a request.
pub(super) fn of_request(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let position = value.to_str().ok().and_then(Position::parse);
    match (position, values.next()) {
        (Some(position), None) => Ok(Some(position)),
        _ => Err(Problem::malformed(MALFORMED)),
    }
}

/// Adds a position to an answer.
pub(super) fn add(headers: &mut HeaderMap, position: Option<&str>) {
    if let Some(value) = position.and_then(|it| HeaderValue::from_str(it).ok()) {
        headers.insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Result<Option<Position>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_static(value));
        }
        of_request(&headers)
    }

    #[test]
    fn a_position_comes_back_and_anything_else_is_refused() {
        let text = "00000000016b3748";
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[text]).unwrap(), Position::parse(text));
        for wrong in [&[""][..], &["0/16B3748"], &["16b3748"], &[text, text], &["x"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
