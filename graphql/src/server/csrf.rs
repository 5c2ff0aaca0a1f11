//! Which requests a browser may have been talked into: one decision from the facts of the headers.
//!
//! A page of another site can send a request with the user's cookie, but it can neither choose
//! `Sec-Fetch-Site` or `Origin` nor send JSON, PUT or an own header without a preflight, which is
//! never granted. A bearer token is not sent by a browser on its own, so it needs none of this.

use axum::http::Method;

use super::accept;

/// Kind of address a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// The playground's page and files.
    Page,
    Health,
    Session,
    Graphql,
    Socket,
    Upload,
    Download,
    /// The events of an analysis.
    Analysis,
    /// Nothing is there; the caller learns so only after signing in.
    Unknown,
}

impl Route {
    pub(super) fn of(path: &str) -> Self {
        match path {
            "/" | "/favicon.ico" => Self::Page,
            "/health/live" | "/health/ready" => Self::Health,
            "/session" => Self::Session,
            "/graphql" => Self::Graphql,
            "/graphql/ws" => Self::Socket,
            "/uploads" => Self::Upload,
            _ if path.starts_with("/playground/") => Self::Page,
            _ if path.starts_with("/downloads/") => Self::Download,
            _ if path.starts_with("/analyses/") => Self::Analysis,
            _ => Self::Unknown,
        }
    }

    /// The address for the log: paths of downloads are signed, unknown ones are anybody's text.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Page => "/",
            Self::Health => "/health",
            Self::Session => "/session",
            Self::Graphql => "/graphql",
            Self::Socket => "/graphql/ws",
            Self::Upload => "/uploads",
            Self::Download => "/downloads",
            Self::Analysis => "/analyses",
            Self::Unknown => "-",
        }
    }

    /// Reports whether anybody may use it.
    pub(super) fn is_public(self) -> bool {
        match self {
            Self::Page | Self::Health | Self::Session => true,
            Self::Graphql
            | Self::Socket
            | Self::Upload
            | Self::Download
            | Self::Analysis
            | Self::Unknown => false,
        }
    }

    /// The methods it answers, as for `Allow`.
    fn allow(self) -> &'static str {
        match self {
            Self::Page | Self::Health | Self::Download => "GET, HEAD",
            Self::Session => "POST",
            Self::Graphql => "GET, POST",
            Self::Socket | Self::Analysis => "GET",
            Self::Upload => "PUT",
            Self::Unknown => "",
        }
    }
}

/// How the caller shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    Nothing,
    Cookie,
    Bearer,
}

/// What the decision is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) route: Route,
    pub(super) method: &'a Method,
    pub(super) content_type: Option<&'a str>,
    /// Value of `Sec-Fetch-Site`.
    pub(super) site: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    pub(super) own_origin: &'a str,
    /// Whether the header `x-jotrack-csrf` is there.
    pub(super) marked: bool,
    pub(super) offered: Offered,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// The address answers these methods only.
    Method(&'static str),
    /// The body has to be JSON.
    MediaType,
    /// It may come from a page of another site.
    CrossSite,
}

/// Decides about a request. Method and body type come first, so an answer never depends on
/// credentials before they are looked at.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    if facts.route == Route::Unknown {
        return if is_foreign(facts) { Verdict::CrossSite } else { Verdict::Allowed };
    }
    let allow = facts.route.allow();
    if !allow.split(", ").any(|method| method == facts.method.as_str()) {
        return Verdict::Method(allow);
    }
    if facts.method == Method::POST && !facts.content_type.is_some_and(accept::is_json) {
        return Verdict::MediaType;
    }
    if is_foreign(facts) { Verdict::CrossSite } else { Verdict::Allowed }
}

fn is_foreign(facts: &Facts<'_>) -> bool {
    let foreign_origin = facts.origin.is_some_and(|origin| origin != facts.own_origin);
    match facts.route {
        Route::Page | Route::Health => false,
        // Whoever knows the token may sign in, but another site's page never on its own behalf.
        Route::Session => match facts.site {
            Some(site) => !is_own_site(site),
            None => foreign_origin,
        },
        // A browser shows its origin to a socket and sends no other header; the credentials may
        // come later, within the socket.
        Route::Socket if foreign_origin => true,
        Route::Socket
        | Route::Graphql
        | Route::Upload
        | Route::Download
        | Route::Analysis
        | Route::Unknown => {
            if facts.offered != Offered::Cookie {
                return false;
            }
            match (facts.site, facts.origin) {
                (Some(site), _) => !is_own_site(site),
                (None, Some(_)) => foreign_origin,
                (None, None) => !facts.marked,
            }
        }
    }
}

fn is_own_site(site: &str) -> bool {
    matches!(site, "same-origin" | "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "http://127.0.0.1:4000";
    const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::PUT];
    const TYPES: [Option<&str>; 5] = [
        Some("application/json"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        None,
    ];
    const SITES: [Option<&str>; 5] =
        [Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), None];
    const ORIGINS: [Option<&str>; 4] =
        [Some(OWN), Some("http://attacker.example"), Some("null"), None];

    fn every_request(route: Route, mut check: impl FnMut(&Facts<'_>, Verdict)) {
        for method in &METHODS {
            for content_type in TYPES {
                for site in SITES {
                    for origin in ORIGINS {
                        for offered in [Offered::Cookie, Offered::Bearer] {
                            for marked in [false, true] {
                                let facts = Facts {
                                    route,
                                    method,
                                    content_type,
                                    site,
                                    origin,
                                    own_origin: OWN,
                                    marked,
                                    offered,
                                };
                                check(&facts, decide(&facts));
                            }
                        }
                    }
                }
            }
        }
    }

    /// The cells in which a request with a cookie is the user's own.
    fn is_own(facts: &Facts<'_>) -> bool {
        matches!(
            (facts.site, facts.origin, facts.marked),
            (Some("same-origin" | "none"), _, _) | (None, Some(OWN), _) | (None, None, true)
        )
    }

    #[test]
    fn graphql_changes_state_only_by_json_post_of_an_own_page_or_program() {
        let mut allowed = 0;

        every_request(Route::Graphql, |facts, verdict| {
            let json = facts.content_type == Some("application/json");
            let trusted = facts.offered == Offered::Bearer || is_own(facts);
            let expected = match facts.method.as_str() {
                "PUT" => Verdict::Method("GET, POST"),
                "POST" if !json => Verdict::MediaType,
                _ if !trusted => Verdict::CrossSite,
                _ => Verdict::Allowed,
            };

            assert_eq!(verdict, expected, "{facts:?}");
            allowed += u32::from(verdict == Verdict::Allowed && facts.method == Method::POST);
        });

        // 40 by bearer; by cookie 8 for each own site value, 2 by origin, 1 by the header alone.
        assert_eq!(allowed, 40 + 8 + 8 + 2 + 1);
    }

    #[test]
    fn uploads_are_put_whatever_their_type() {
        every_request(Route::Upload, |facts, verdict| {
            let trusted = facts.offered == Offered::Bearer || is_own(facts);
            let expected = match facts.method.as_str() {
                "PUT" if trusted => Verdict::Allowed,
                "PUT" => Verdict::CrossSite,
                _ => Verdict::Method("PUT"),
            };

            assert_eq!(verdict, expected, "{facts:?}");
        });
    }

    #[test]
    fn sockets_always_check_the_origin() {
        every_request(Route::Socket, |facts, verdict| {
            let foreign = facts.origin.is_some_and(|origin| origin != OWN);
            let trusted = facts.offered == Offered::Bearer || is_own(facts);
            let expected = match facts.method.as_str() {
                "GET" if foreign || !trusted => Verdict::CrossSite,
                "GET" => Verdict::Allowed,
                _ => Verdict::Method("GET"),
            };

            assert_eq!(verdict, expected, "{facts:?}");
        });
    }

    #[test]
    fn another_sites_page_cannot_open_a_session() {
        every_request(Route::Session, |facts, verdict| {
            let own = match (facts.site, facts.origin) {
                (Some(site), _) => matches!(site, "same-origin" | "none"),
                (None, origin) => matches!(origin, None | Some(OWN)),
            };
            let expected = match facts.method.as_str() {
                "POST" if facts.content_type != Some("application/json") => Verdict::MediaType,
                "POST" if own => Verdict::Allowed,
                "POST" => Verdict::CrossSite,
                _ => Verdict::Method("POST"),
            };

            assert_eq!(verdict, expected, "{facts:?}");
        });
    }

    #[test]
    fn every_address_needs_credentials_but_the_listed_ones() {
        for public in [
            "/",
            "/favicon.ico",
            "/playground/0123/boot.js",
            "/session",
            "/health/live",
            "/health/ready",
        ] {
            assert!(Route::of(public).is_public(), "{public}");
        }
        for private in [
            "/graphql",
            "/graphql/ws",
            "/uploads",
            "/downloads/x",
            "/health",
            "/health/",
            "/Session",
            "/playground",
            "//",
            "/graphql/",
            "/%67raphql",
            "/anything",
        ] {
            assert!(!Route::of(private).is_public(), "{private}");
        }
    }
}
