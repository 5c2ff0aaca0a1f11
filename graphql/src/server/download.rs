//! Signed download paths: `/downloads/{attachment}/{expires}/{signature}`.
//!
//! A path works for the user it was made for, for 5 minutes. It is no credential: the request is
//! checked like any other, so a path that leaks is of no use to a stranger.

use std::{fmt, io, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use jotrack_core::{
    AttachmentId, BlobReader, Clock, Position, RequestKind, Timestamp, UserId, random_bytes,
};
use sha2::Sha256;

use super::{SharedState, position, reply::Problem};
use crate::schema::DownloadUrls;

const CHUNK_BYTES: u64 = 256 * 1024;
/// Parameter with a position, as the header `JoTrack-Position` has it.
const AFTER: &str = "after";
const GONE: &str = "The file does not exist or the link has expired; read `downloadUrl` again.";

/// Makes and checks paths. The key lives as long as the process.
#[derive(Clone)]
pub(super) struct Signer {
    mac: Hmac<Sha256>,
    clock: Clock,
    ttl_ms: i64,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}

impl Signer {
    pub(super) fn new(clock: Clock, ttl_ms: i64) -> jotrack_core::Result<Self> {
        let mac = Hmac::new(&random_bytes::<64>()?.into());
        Ok(Self { mac, clock, ttl_ms })
    }

    fn path(&self, user: UserId, attachment: AttachmentId) -> String {
        let expires = self.clock.now().plus_ms(self.ttl_ms).as_ms();
        let signature = self.sign(user, attachment, expires).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("/downloads/{}/{expires}/{signature}", attachment.node_id())
    }

    fn verify(
        &self,
        user: UserId,
        attachment: &str,
        expires: &str,
        signature: &str,
    ) -> Option<AttachmentId> {
        let attachment = AttachmentId::from_node_id(attachment)?;
        let expires: i64 = expires.parse().ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.sign(user, attachment, expires).verify_slice(&signature).ok()?;
        (self.clock.now() < Timestamp::from_ms(expires)).then_some(attachment)
    }

    fn sign(&self, user: UserId, attachment: AttachmentId, expires: i64) -> Hmac<Sha256> {
        // Ids are of fixed length, so the parts cannot run into each other.
        self.mac.clone().chain_update(format!("download|{attachment}|{user}|{expires}"))
    }
}

/// Makes the paths of one user.
pub(super) struct UserDownloads {
    pub(super) signer: Arc<Signer>,
    pub(super) user: UserId,
    /// What the download must see; a browser that follows a link sends no header.
    pub(super) after: Option<Position>,
}

impl DownloadUrls for UserDownloads {
    fn url(&self, attachment: AttachmentId) -> String {
        let path = self.signer.path(self.user, attachment);
        match self.after {
            Some(after) => format!("{path}?{AFTER}={after}"),
            None => path,
        }
    }
}

/// Answers a download.
pub(super) async fn get(
    State(state): State<SharedState>,
    Path((attachment, expires, signature)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let user = state.engine.user_id();
    let Some(attachment) = state.signer.verify(user, &attachment, &expires, &signature) else {
        return Problem::not_found(GONE).into_response();
    };
    match send(&state, attachment, query.as_deref(), &method, &headers).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn send(
    state: &SharedState,
    attachment: AttachmentId,
    query: Option<&str>,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    state.count(RequestKind::Read).await?;
    let of_link = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find_map(|(name, value)| (name == AFTER).then(|| Position::parse(&value)))
        .flatten();
    let after = position::of_request(headers)?.max(of_link);
    let blob = state.caller(after).engine.open_attachment(attachment).await?;
    let size = blob.size();
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, start, end) = match range.map(|range| parse_range(range, size)) {
        Some(Range::Part(start, end)) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(Range::Outside) => return Ok(outside(size)),
        Some(Range::Ignored) | None => (StatusCode::OK, 0, size),
    };

    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let reply = response.headers_mut();
    insert(reply, header::CONTENT_TYPE, blob.media_type());
    insert(reply, header::CONTENT_DISPOSITION, &disposition(blob.filename()));
    insert(reply, header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    insert(reply, header::CACHE_CONTROL, "private, no-store");
    insert(reply, header::ACCEPT_RANGES, "bytes");
    reply.insert(header::CONTENT_LENGTH, (end - start).into());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = end.saturating_sub(1);
        insert(reply, header::CONTENT_RANGE, &format!("bytes {start}-{last}/{size}"));
    }
    if method != Method::HEAD {
        *response.body_mut() = body(blob, start, end);
    }
    Ok(response)
}

/// A value that cannot stand in a header is left out; nothing a user names can add a header.
fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn outside(size: u64) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
    response
}

/// Always an attachment, whatever its type: nothing from a document runs on this origin.
fn disposition(filename: &str) -> String {
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    value
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// From the first byte to before the second.
    Part(u64, u64),
    Outside,
    /// Several parts, another unit or no valid range: the whole file answers it.
    Ignored,
}

fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|part| part.split_once('-'))
    else {
        return Range::Ignored;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Range::Ignored,
        (Ok(first), _) if first >= size && (last.is_empty() || last.parse::<u64>().is_ok()) => {
            Range::Outside
        }
        (Ok(first), Ok(last)) => Range::Part(first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.is_empty() => Range::Part(first, size),
        (Err(_), Ok(0)) if first.is_empty() => Range::Outside,
        (Err(_), Ok(length)) if first.is_empty() && size > 0 => {
            Range::Part(size.saturating_sub(length), size)
        }
        _ => Range::Ignored,
    }
}

fn body(blob: BlobReader, start: u64, end: u64) -> Body {
    Body::from_stream(stream::try_unfold((blob, start), move |(blob, at)| read(blob, at, end)))
}

/// Reads the next piece on a thread that may wait for the disk.
async fn read(
    mut blob: BlobReader,
    at: u64,
    end: u64,
) -> io::Result<Option<(Bytes, (BlobReader, u64))>> {
    let length = usize::try_from(end.saturating_sub(at).min(CHUNK_BYTES)).unwrap_or_default();
    if length == 0 {
        return Ok(None);
    }
    let piece = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; length];
        let read = blob.read_at(at, &mut chunk).map_err(io::Error::other)?;
        chunk.truncate(read);
        Ok::<_, io::Error>((blob, chunk))
    });
    let (blob, chunk) = piece.await.map_err(io::Error::other)??;
    let read = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((chunk.into(), (blob, at.saturating_add(read)))))
}

#[cfg(test)]
mod tests {
    use jotrack_core::{LOCAL_USER, ManualClock};

    use super::*;

    fn signer() -> (Signer, ManualClock) {
        let clock = ManualClock::new(Timestamp::from_ms(1_700_000_000_000));
        (Signer::new(Clock::Manual(clock.clone()), 300_000).unwrap(), clock)
    }

    fn verify(signer: &Signer, user: UserId, path: &str) -> Option<AttachmentId> {
        let parts: Vec<_> = path.strip_prefix("/downloads/")?.split('/').collect();
        match parts.as_slice() {
            [attachment, expires, signature] => signer.verify(user, attachment, expires, signature),
            _ => None,
        }
    }

    #[test]
    fn a_path_works_for_its_user_until_it_expires() {
        let (signer, clock) = signer();
        let attachment = AttachmentId::new(clock_now(&clock));
        let stranger = UserId::new(clock_now(&clock));
        let path = signer.path(LOCAL_USER, attachment);

        assert_eq!(verify(&signer, LOCAL_USER, &path), Some(attachment));
        assert_eq!(verify(&signer, stranger, &path), None);

        clock.advance_ms(299_999);
        assert_eq!(verify(&signer, LOCAL_USER, &path), Some(attachment));
        clock.advance_ms(1);
        assert_eq!(verify(&signer, LOCAL_USER, &path), None);
    }

    #[test]
    fn no_part_of_a_path_can_be_changed() {
        let (signer, clock) = signer();
        let attachment = AttachmentId::new(clock_now(&clock));
        let other = AttachmentId::new(clock_now(&clock));
        let path = signer.path(LOCAL_USER, attachment);
        let (another, _) = self::signer();

        assert_eq!(verify(&another, LOCAL_USER, &path), None);
        for forged in [
            path.replace(&attachment.node_id(), &other.node_id()),
            path.replace("/1700000300000/", "/1700000300001/"),
            path.replace("/1700000300000/", "/+1700000300000x/"),
            format!("{path}A"),
            path.chars().take(path.len() - 2).collect(),
            path.rsplit_once('/').unwrap().0.to_owned() + "/",
        ] {
            assert_ne!(forged, path);
            assert_eq!(verify(&signer, LOCAL_USER, &forged), None, "{forged}");
        }
    }

    fn clock_now(clock: &ManualClock) -> Timestamp {
        Clock::Manual(clock.clone()).now()
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        for (text, range) in [
            ("bytes=0-9", Range::Part(0, 10)),
            ("bytes=90-", Range::Part(90, 100)),
            ("bytes=90-500", Range::Part(90, 100)),
            ("bytes=-10", Range::Part(90, 100)),
            ("bytes=-500", Range::Part(0, 100)),
            ("bytes=99-18446744073709551615", Range::Part(99, 100)),
            ("bytes=100-", Range::Outside),
            ("bytes=100-200", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=9-0", Range::Ignored),
            ("bytes=0-1,5-6", Range::Ignored),
            ("bytes=a-b", Range::Ignored),
            ("bytes=-", Range::Ignored),
            ("lines=0-1", Range::Ignored),
        ] {
            assert_eq!(parse_range(text, 100), range, "{text}");
        }
    }

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("Lebenslauf \"ü\"\r\nX: y; a.pdf"),
            "attachment; filename*=UTF-8''Lebenslauf%20%22%C3%BC%22%0D%0AX%3A%20y%3B%20a.pdf"
        );
    }
}
