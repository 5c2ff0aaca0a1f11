//! Settings of PostgreSQL.

use std::fmt;

use serde::Deserialize;

/// Where a PostgreSQL is, password included. Only [`DatabaseUrl::reveal`] shows the password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes a URL such as `postgres://user:password@host:5432/database?sslmode=verify-full`.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Returns the URL as it was given.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Reports whether user or password hold a letter that ends them when it is not escaped: one
    /// reader ends them at the first `@`, another at the last, and a piece of the password would
    /// pass for the host and be named.
    pub fn is_ambiguous(&self) -> bool {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(['@', '/', '?', '#']))
    }
}

impl fmt::Display for DatabaseUrl {
    /// Writes user, host and database; no password and no parameters, which may hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(url) = url::Url::parse(&self.0).ok().filter(|_| !self.is_ambiguous()) else {
            return f.write_str("(an address that cannot be read)");
        };
        write!(f, "{}://", url.scheme())?;
        if !url.username().is_empty() {
            write!(f, "{}@", url.username())?;
        }
        f.write_str(url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How PostgreSQL is reached and used. Needs the feature `postgres`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresConfig {
    /// The primary; may be a PgBouncer 1.18 or newer in transaction mode. TLS by `sslmode`:
    /// `disable`, `prefer` (the default), `require`, `verify-ca`, `verify-full`, the last two
    /// against `sslrootcert=FILE` or the system's roots.
    pub url: DatabaseUrl,
    /// The primary itself, for migrations and LISTEN; `url` when absent.
    pub direct_url: Option<DatabaseUrl>,
    /// Read replicas of the primary, each a server of its own.
    pub replica_urls: Vec<DatabaseUrl>,
    /// Whether an empty database may be set up and an older schema brought up to date.
    pub migrate: bool,
    /// Connections per address.
    pub pool: usize,
    /// How long the start waits for a server that is not there yet.
    pub startup_wait_ms: u64,
    /// Longest time of one attempt to connect.
    pub connect_ms: u64,
    /// Longest time one bounded read may run.
    pub read_deadline_ms: u64,
    /// Longest time a batch may run or wait for a lock.
    pub write_deadline_ms: u64,
    /// How long a read waits for a replica before it takes the primary.
    pub replica_wait_ms: u64,
    /// A replica that is further behind gets no reads.
    pub replica_lag_max_mib: u64,
    /// How often other processes' changes are looked for while LISTEN does not work.
    pub poll_ms: u64,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::new(""),
            direct_url: None,
            replica_urls: Vec::new(),
            migrate: true,
            pool: 16,
            startup_wait_ms: 30_000,
            connect_ms: 5_000,
            read_deadline_ms: 5_000,
            write_deadline_ms: 15_000,
            replica_wait_ms: 5,
            replica_lag_max_mib: 64,
            poll_ms: 1_000,
        }
    }
}

impl PostgresConfig {
    /// Returns the defaults for a primary.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: DatabaseUrl::new(url), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let url = DatabaseUrl::new("postgres://ann:pass-word@db.example:5433/jt?sslpassword=other");

        let shown = format!("{url} {url:?} {:?}", PostgresConfig::at(url.reveal()));

        assert!(shown.contains("postgres://ann@db.example:5433/jt"), "{shown}");
        assert!(!shown.contains("pass-word") && !shown.contains("other"), "{shown}");
        for unreadable in [
            "postgres://ann:pass-word@:x",
            "postgres://ann:12/pass-word@db/jt",
            "postgres://ann:12?pass-word@db/jt",
            "postgres://ann:12#pass-word@db/jt",
            "postgres://ann:pass@pass-word@db/jt",
        ] {
            let shown = DatabaseUrl::new(unreadable).to_string();
            assert_eq!(shown, "(an address that cannot be read)");
        }
    }
}
