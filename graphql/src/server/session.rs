//! Who is calling in local mode: one person, one token, and the sessions it opened.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, header};
use jotrack_core::{Clock, Error, Result, Timestamp};
use sha2::{Digest, Sha256};

use super::{
    csrf::Offered,
    token::{Token, random_text},
};

const COOKIE: &str = "jt_session";
/// A browser needs one; more only pile up when it forgets its cookies.
const SESSIONS_MAX: usize = 64;
const IDLE_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
const ABSOLUTE_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// Digest of a session id: whoever reads the memory of the table cannot sign in with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionKey([u8; 32]);

#[derive(Debug, Clone, Copy)]
struct Session {
    opened_at: Timestamp,
    used_at: Timestamp,
}

/// The open sessions. They end with the process, idle after 7 days, in any case after 30.
#[derive(Debug)]
pub(super) struct Sessions {
    open: Mutex<HashMap<SessionKey, Session>>,
    clock: Clock,
}

impl Sessions {
    pub(super) fn new(clock: Clock) -> Self {
        Self { open: Mutex::new(HashMap::new()), clock }
    }

    /// Opens a session and returns its id, which is kept nowhere. Over the limit the session that
    /// was idle longest ends.
    fn open(&self) -> Result<String> {
        let id = random_text()?;
        let now = self.clock.now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.is_alive(now));
        if open.len() >= SESSIONS_MAX {
            let idlest =
                open.iter().min_by_key(|(_, session)| session.used_at).map(|(key, _)| *key);
            if let Some(key) = idlest {
                open.remove(&key);
            }
        }
        open.insert(key_of(&id), Session { opened_at: now, used_at: now });
        Ok(id)
    }

    /// Finds a session that has not ended, and counts this as a use of it.
    pub(super) fn touch(&self, key: SessionKey) -> bool {
        let now = self.clock.now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&key) {
            Some(session) if session.is_alive(now) => {
                session.used_at = now;
                true
            }
            _ => false,
        }
    }
}

impl Session {
    fn is_alive(&self, now: Timestamp) -> bool {
        now < self.used_at.plus_ms(IDLE_MS) && now < self.opened_at.plus_ms(ABSOLUTE_MS)
    }
}

fn key_of(id: &str) -> SessionKey {
    SessionKey(Sha256::digest(id).into())
}

/// A caller who proved to be the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// By the token itself.
    Token,
    /// By a session, which may end.
    Session(SessionKey),
}

/// What there is to check credentials against.
#[derive(Debug)]
pub(super) struct Gatekeeper {
    token: Token,
    sessions: Sessions,
}

impl Gatekeeper {
    pub(super) fn new(token: Token, clock: Clock) -> Self {
        Self { token, sessions: Sessions::new(clock) }
    }

    /// Tells who a request comes from; `None` for no credentials or wrong ones. A bearer token
    /// hides the cookie, also when it is wrong.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Option<Identity> {
        match offered(headers) {
            Offered::Nothing => None,
            Offered::Bearer => headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| self.identify_bearer(value)),
            Offered::Cookie => session_cookie(headers)
                .map(key_of)
                .filter(|key| self.sessions.touch(*key))
                .map(Identity::Session),
        }
    }

    /// Tells who sent a value of `Authorization`.
    pub(super) fn identify_bearer(&self, value: &str) -> Option<Identity> {
        let (scheme, token) = value.split_once(' ')?;
        (scheme.eq_ignore_ascii_case("bearer") && self.token.matches(token.trim()))
            .then_some(Identity::Token)
    }

    /// Reports whether the credentials of an open connection still hold.
    pub(super) fn holds(&self, identity: Identity) -> bool {
        match identity {
            Identity::Token => true,
            Identity::Session(key) => self.sessions.touch(key),
        }
    }

    /// Opens a session for the right token and returns the value of `Set-Cookie`.
    ///
    /// # Errors
    /// `Unauthenticated` for a wrong token.
    pub(super) fn sign_in(&self, token: &str) -> Result<HeaderValue> {
        if !self.token.matches(token) {
            return Err(Error::Unauthenticated);
        }
        let id = self.sessions.open()?;
        HeaderValue::from_str(&format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Strict"))
            .map_err(|e| Error::internal("open a session", e))
    }
}

/// Tells how a request shows who it comes from.
pub(super) fn offered(headers: &HeaderMap) -> Offered {
    if headers.contains_key(header::AUTHORIZATION) {
        Offered::Bearer
    } else if session_cookie(headers).is_some() {
        Offered::Cookie
    } else {
        Offered::Nothing
    }
}

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use jotrack_core::ManualClock;

    use super::*;

    fn gatekeeper() -> (Gatekeeper, ManualClock) {
        let clock = ManualClock::new(Timestamp::from_ms(1_700_000_000_000));
        (Gatekeeper::new(Token::random().unwrap(), Clock::Manual(clock.clone())), clock)
    }

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn signed_in(gatekeeper: &Gatekeeper) -> HeaderMap {
        let cookie = gatekeeper.sign_in(gatekeeper.token.reveal()).unwrap();
        let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
        headers(&[(header::COOKIE, &format!("theme=dark; {pair}"))])
    }

    #[test]
    fn a_program_sends_the_token_as_bearer() {
        let (gatekeeper, _) = gatekeeper();
        let token = gatekeeper.token.reveal().to_owned();

        for (value, identity) in [
            (format!("Bearer {token}"), Some(Identity::Token)),
            (format!("bearer {token}"), Some(Identity::Token)),
            (format!("Basic {token}"), None),
            (token.clone(), None),
            (format!("Bearer {token}x"), None),
            ("Bearer ".to_owned(), None),
        ] {
            let headers = headers(&[(header::AUTHORIZATION, &value)]);
            assert_eq!(gatekeeper.identify(&headers), identity);
        }
    }

    #[test]
    fn the_cookie_is_a_session_and_not_the_token() {
        let (gatekeeper, _) = gatekeeper();
        let cookie = gatekeeper.sign_in(gatekeeper.token.reveal()).unwrap();
        let cookie = cookie.to_str().unwrap();

        assert!(!cookie.contains(gatekeeper.token.reveal()));
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
        assert!(gatekeeper.identify(&signed_in(&gatekeeper)).is_some());
        assert_eq!(gatekeeper.identify(&headers(&[(header::COOKIE, "jt_session=x")])), None);
        assert!(matches!(gatekeeper.sign_in("wrong"), Err(Error::Unauthenticated)));
    }

    #[test]
    fn a_wrong_bearer_is_not_saved_by_a_right_cookie() {
        let (gatekeeper, _) = gatekeeper();
        let mut both = signed_in(&gatekeeper);
        both.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer wrong"));

        assert_eq!(gatekeeper.identify(&both), None);
    }

    #[test]
    fn sessions_end_when_idle_and_when_old() {
        let (gatekeeper, clock) = gatekeeper();
        let used = signed_in(&gatekeeper);
        let idle = signed_in(&gatekeeper);

        for _ in 0..4 {
            clock.advance_ms(IDLE_MS - 1);
            assert!(gatekeeper.identify(&used).is_some());
        }
        assert_eq!(gatekeeper.identify(&idle), None);

        clock.advance_ms(IDLE_MS - 1);
        assert_eq!(gatekeeper.identify(&used), None);
    }

    #[test]
    fn sessions_are_bounded_and_the_idlest_gives_way() {
        let (gatekeeper, clock) = gatekeeper();
        let first = signed_in(&gatekeeper);
        clock.advance_ms(1);
        let second = signed_in(&gatekeeper);
        clock.advance_ms(1);
        assert!(gatekeeper.identify(&first).is_some());
        for _ in 2..=SESSIONS_MAX {
            clock.advance_ms(1);
            signed_in(&gatekeeper);
        }

        assert!(gatekeeper.identify(&first).is_some());
        assert_eq!(gatekeeper.identify(&second), None);
    }
}
