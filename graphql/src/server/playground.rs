//! The playground: GraphiQL and the example documents, from the binary and without any network.
//!
//! Everything here is public: the page holds no data and asks for a session itself.
//! Invariant: the page runs under [`POLICY`], so it has no inline script, style or handler.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write, future::ready, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use rust_embed::Embed;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The page's Content-Security-Policy.
///
/// The hash is that of the one style element GraphiQL adds while a dialog is open;
/// `boot.css` keeps its text constant. `data:` is for the lint underlines of the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; \
    style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
const PAGE: &str = "index.html";
const ASSETS_MARK: &str = "__ASSETS__";
const EXAMPLES_MARK: &str = "__EXAMPLES__";
const ALWAYS_ASK: &str = "no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Returns the routes `/`, `/playground/{hash}/{file}` and `/favicon.ico`.
///
/// They need neither state nor credentials. Reads and hashes the 1.4 MB of files once, here.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let site = Arc::new(Site::read());
    let files = Arc::clone(&site);
    Router::new()
        .route("/", get(move || ready(site.page())))
        .route(
            "/playground/{hash}/{file}",
            get(move |Path((hash, file)): Path<(String, String)>| ready(files.file(&hash, &file))),
        )
        // Browsers that take the icon from the page do not ask; for the others a 404 is noise.
        .route(
            "/favicon.ico",
            get(|| ready(answer(StatusCode::NO_CONTENT, None, FOR_EVER, Bytes::new()))),
        )
}

#[derive(Embed)]
#[folder = "playground/"]
struct PlaygroundFiles;

#[derive(Embed)]
#[folder = "../examples/graphql/"]
struct ExampleFiles;

struct Site {
    page: Bytes,
    /// In every file's path, so that a file may be cached for ever.
    hash: String,
    files: BTreeMap<String, Bytes>,
}

impl Site {
    fn read() -> Self {
        let mut files = read_all::<PlaygroundFiles>();
        let hash = short_hash(&files);
        let page = files.remove(PAGE).unwrap_or_default();
        let page = String::from_utf8_lossy(&page)
            .replace(ASSETS_MARK, &format!("/playground/{hash}/"))
            // Last: an example may hold any text, the other mark too.
            .replacen(EXAMPLES_MARK, &data_block(&examples(&read_all::<ExampleFiles>())), 1);
        Self { page: page.into(), hash, files }
    }

    fn page(&self) -> Response {
        // A debug build reads the source tree at run time, and may be far from it.
        if self.page.is_empty() {
            return not_found();
        }
        let mut page =
            answer(StatusCode::OK, Some("text/html; charset=utf-8"), ALWAYS_ASK, self.page.clone());
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        page
    }

    fn file(&self, hash: &str, name: &str) -> Response {
        if hash != self.hash {
            return not_found();
        }
        match (self.files.get(name), media_type(name)) {
            (Some(bytes), Some(kind)) => {
                answer(StatusCode::OK, Some(kind), FOR_EVER, bytes.clone())
            }
            (None, _) | (_, None) => not_found(),
        }
    }
}

/// One document of the panel; `variables` is the text for the editor, not a value.
#[derive(Serialize)]
struct Example {
    title: String,
    query: String,
    variables: Option<String>,
}

fn examples(files: &BTreeMap<String, Bytes>) -> Vec<Example> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    files
        .iter()
        .filter_map(|(name, bytes)| {
            let stem = name.strip_suffix(".graphql")?;
            let variables = files.get(&format!("{stem}.variables.json")).map(text);
            Some(Example { title: title(stem), query: text(bytes), variables })
        })
        .collect()
}

/// `01_job_board` becomes `Job board`: the number only orders the files.
fn title(stem: &str) -> String {
    let words = stem.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_').replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// JSON for a `<script>` data block: without `<`, no text in it can end the block.
fn data_block(examples: &[Example]) -> String {
    serde_json::to_string(examples).unwrap_or_else(|_| "[]".to_owned()).replace('<', "\\u003c")
}

fn read_all<F: Embed>() -> BTreeMap<String, Bytes> {
    F::iter()
        .filter_map(|name| {
            let bytes = match F::get(&name)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((name.into_owned(), bytes))
        })
        .collect()
}

/// 16 hexadecimal digits over names and bytes; each length comes first, so no two sets agree.
fn short_hash(files: &BTreeMap<String, Bytes>) -> String {
    let mut hasher = Sha256::new();
    for (name, bytes) in files {
        for part in [name.as_bytes(), bytes] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").ok();
        hex
    })
}

/// The types that are published; other files of the folder are for its maintainers.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.') {
        Some((_, "js")) => Some("text/javascript; charset=utf-8"),
        Some((_, "css")) => Some("text/css; charset=utf-8"),
        Some((_, "svg")) => Some("image/svg+xml"),
        None if name == "LICENSES" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, None, ALWAYS_ASK, Bytes::new())
}

fn answer(
    status: StatusCode,
    media_type: Option<&'static str>,
    cache: &'static str,
    body: Bytes,
) -> Response {
    let always = [
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let mut response = (status, always, Body::from(body)).into_response();
    if let Some(kind) = media_type {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn page_carries_the_policy_and_is_always_asked_for() {
        let page = ask("/").await;

        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(
            value(&page, "content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self' \
             'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; img-src 'self' data:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!(value(&page, "content-type"), "text/html; charset=utf-8");
        assert_eq!(value(&page, "cache-control"), "no-cache");
        assert_common_headers(&page);
    }

    #[tokio::test]
    async fn every_file_the_page_names_is_there_typed_and_immutable() {
        let page = text(ask("/").await).await;
        let names: Vec<&str> =
            page.split('"').filter(|part| part.starts_with("/playground/")).collect();

        assert_eq!(names.len(), 9, "{names:?}");
        for name in names {
            let file = ask(name).await;
            assert_eq!(file.status(), StatusCode::OK, "{name}");
            assert_eq!(value(&file, "cache-control"), "public, max-age=31536000, immutable");
            let expected = match name.rsplit_once('.').unwrap().1 {
                "js" => "text/javascript; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                _ => "image/svg+xml",
            };
            assert_eq!(value(&file, "content-type"), expected, "{name}");
            assert_common_headers(&file);
            assert!(!text(file).await.is_empty(), "{name}");
        }
    }

    #[tokio::test]
    async fn page_has_no_mark_left_and_nothing_inline() {
        let page = text(ask("/").await).await;

        for absent in [ASSETS_MARK, EXAMPLES_MARK, "<style", " style=", " onclick=", "http-equiv"] {
            assert!(!page.contains(absent), "{absent}");
        }
        // Every script element names a file, except the one that is only data.
        assert_eq!(page.matches("<script").count(), 6);
        assert_eq!(page.matches("<script defer src=\"/playground/").count(), 5);
    }

    #[tokio::test]
    async fn wrong_hash_and_unpublished_files_are_not_found() {
        let hash = Site::read().hash;

        assert_eq!(hash.len(), 16);
        for path in [
            "/playground/0000000000000000/boot.js".to_owned(),
            format!("/playground/{hash}/index.html"),
            format!("/playground/{hash}/SHA256SUMS"),
            format!("/playground/{hash}/missing.js"),
            format!("/playground/{hash}/..%2fCargo.toml"),
        ] {
            let response = ask(&path).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_ne!(value(&response, "cache-control"), FOR_EVER, "{path}");
        }
    }

    #[tokio::test]
    async fn licences_are_published_and_the_icon_answer_is_empty() {
        let licences = ask(&format!("/playground/{}/LICENSES", Site::read().hash)).await;
        assert_eq!(value(&licences, "content-type"), "text/plain; charset=utf-8");
        assert!(text(licences).await.contains("GraphQL Contributors"));

        let icon = ask("/favicon.ico").await;
        assert_eq!(icon.status(), StatusCode::NO_CONTENT);
        assert!(text(icon).await.is_empty());
    }

    #[test]
    fn no_example_can_end_the_data_block() {
        let query = "# </script><script>1</script>\nquery A { viewer { id } }".to_owned();
        let block =
            data_block(&[Example { title: "A".to_owned(), query: query.clone(), variables: None }]);

        assert!(!block.contains('<'));
        let read: serde_json::Value = serde_json::from_str(&block).unwrap();
        assert_eq!(read[0]["query"], query);
    }

    #[test]
    fn hash_changes_with_a_byte_a_name_and_a_border() {
        let files = |list: &[(&str, &'static str)]| {
            short_hash(
                &list
                    .iter()
                    .map(|(n, b)| ((*n).to_owned(), Bytes::from_static(b.as_bytes())))
                    .collect(),
            )
        };
        let base = files(&[("a", "bc"), ("d", "e")]);

        assert_ne!(base, files(&[("a", "bd"), ("d", "e")]));
        assert_ne!(base, files(&[("b", "bc"), ("d", "e")]));
        assert_ne!(base, files(&[("ab", "c"), ("d", "e")]));
        assert_eq!(base, files(&[("d", "e"), ("a", "bc")]));
    }

    #[test]
    fn vendored_files_are_the_ones_that_were_checked() {
        let files = read_all::<PlaygroundFiles>();
        let sums = String::from_utf8(files["SHA256SUMS"].to_vec()).unwrap();
        let own = ["LICENSES", "SHA256SUMS", "boot.css", "boot.js", "favicon.svg", PAGE];

        let listed: BTreeMap<&str, &str> = sums
            .lines()
            .map(|line| line.split_once("  ").unwrap())
            .map(|(sum, name)| (name, sum))
            .collect();
        for (name, bytes) in &files {
            if own.contains(&name.as_str()) {
                continue;
            }
            let sum: String =
                Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(listed.get(name.as_str()), Some(&sum.as_str()), "{name}");
        }
        assert_eq!(files.len(), own.len() + listed.len());
        assert!(files.values().map(Bytes::len).sum::<usize>() <= 1_400_000);
    }

    #[test]
    fn every_example_says_what_it_shows_and_names_its_operation() {
        let examples = examples(&read_all::<ExampleFiles>());

        assert!(examples.len() >= 8);
        assert_eq!(examples[0].title, "Job board");
        for Example { title, query, variables } in &examples {
            assert!(query.starts_with("# "), "{title}");
            let document = parse_query(query).unwrap_or_else(|e| panic!("{title}: {e}"));
            assert!(matches!(document.operations, DocumentOperations::Multiple(_)), "{title}");
            if let Some(variables) = variables {
                let value: serde_json::Value = serde_json::from_str(variables).unwrap();
                assert!(value.is_object(), "{title}");
            }
        }
    }

    async fn ask(path: &str) -> Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        routes::<()>().oneshot(request).await.unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn value(response: &Response, name: &str) -> String {
        response.headers()[name].to_str().unwrap().to_owned()
    }

    fn assert_common_headers(response: &Response) {
        assert_eq!(value(response, "x-content-type-options"), "nosniff");
        assert_eq!(value(response, "referrer-policy"), "no-referrer");
        assert_eq!(value(response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(value(response, "cross-origin-resource-policy"), "same-origin");
    }
}
