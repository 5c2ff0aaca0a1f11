//! Limits of the process: how much is worked on at once, how long, and how large a request may be.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, StatusCode, Uri, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jotrack_core::ErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::reply::Problem;

const URL_BYTES: usize = 2_048;
const HEADER_BYTES: usize = 16 * 1024;

/// A number of places; whoever finds none is refused at once instead of waiting.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

/// One place, given back when dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))))
    }

    pub(super) fn take(&self) -> Option<Place> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    /// Takes a place for one request.
    pub(super) fn admit(&self) -> Result<Place, Problem> {
        self.take().ok_or_else(|| Problem::busy("Too many requests are being worked on."))
    }
}

/// Refuses a request whose address or header block is too long.
pub(super) fn check_head(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let url = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if url > URL_BYTES {
        return Err(Problem::of_code(ErrorCode::TooLarge, "The address is too long.")
            .with_status(StatusCode::URI_TOO_LONG));
    }
    let block: usize =
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if block > HEADER_BYTES {
        return Err(Problem::of_code(ErrorCode::TooLarge, "The headers are too long.")
            .with_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    Ok(())
}

/// The length a request announces for its body.
pub(super) fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a body that has to be unpacked first: its length says nothing about its size.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if plain {
        return Ok(());
    }
    Err(Problem::of_code(ErrorCode::UnsupportedType, "Send the body without Content-Encoding."))
}

/// Reads a whole body of at most `limit` bytes; a longer one is refused as early as it shows.
pub(super) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_large = || Problem::too_large("The body", "body_bytes", limit_bytes);
    if announced_length(headers).is_some_and(|length| length > limit_bytes) {
        return Err(too_large());
    }
    let read = async {
        let mut stream = body.into_data_stream();
        let mut whole = BytesMut::new();
        while let Some(chunk) = next_chunk(&mut stream).await? {
            if whole.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    within(patience, read).await.unwrap_or_else(|| Err(Problem::slow_body()))
}

/// Reads the next piece of a body.
pub(super) async fn next_chunk(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Problem> {
    stream
        .next()
        .await
        .transpose()
        .map_err(|_| Problem::malformed("The body ended before its announced length."))
}

/// Waits at most `limit`; `None` when it took longer.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_refused_when_taken_and_free_when_dropped() {
        let places = Places::new(1);

        let place = places.take();
        assert!(place.is_some());
        assert!(places.take().is_none());

        drop(place);
        assert!(places.take().is_some());
    }

    #[tokio::test]
    async fn bodies_are_refused_by_announcement_and_by_length() {
        let patience = Duration::from_secs(5);
        let mut announced = HeaderMap::new();
        announced.insert(header::CONTENT_LENGTH, 11.into());

        let whole = read_body(&HeaderMap::new(), Body::from("0123456789"), 10, patience).await;
        let early = read_body(&announced, Body::from("0"), 10, patience).await;
        let late = read_body(&HeaderMap::new(), Body::from("0123456789x"), 10, patience).await;

        assert_eq!(whole.unwrap(), "0123456789");
        assert!(early.is_err());
        assert!(late.is_err());
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let silent = Body::from_stream(futures_util::stream::pending::<Result<Bytes, String>>());

        let read = read_body(&HeaderMap::new(), silent, 10, Duration::from_millis(1)).await;

        assert!(read.is_err());
    }
}
