//! Where a server is: the URL, and a pool of connections.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Mode};
use crate::{
    config::{DatabaseUrl, PostgresConfig},
    error::{Error, MisuseKind, Result},
};

/// A setting of nobody's, by which a connection to the server itself is told from one to a pooler.
pub(super) const MARK: &str = "jotrack.direct";

/// A server that can be connected to.
#[derive(Clone)]
pub(super) struct Address {
    /// Host, port and database; no secret.
    pub(super) name: String,
    pub(super) config: tokio_postgres::Config,
    pub(super) tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.name).finish()
    }
}

/// What a connection will be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Writing: a server that only reads is refused, so that another host of the URL is tried.
    Primary,
    /// Reading.
    Replica,
}

impl Address {
    /// Reads a URL. `setting` names it in messages.
    pub(super) fn parse(
        setting: &str,
        url: &DatabaseUrl,
        settings: &PostgresConfig,
        purpose: Use,
    ) -> Result<Self> {
        let wrong = |why: &str| misuse(format!("{setting}: {why}"));
        let text = url.reveal();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong("must look like postgres://user:password@host:5432/database"));
        }
        if url.is_ambiguous() {
            return Err(wrong(
                "user and password must be percent-encoded: @ as %40, / as %2F, ? as %3F, # as %23",
            ));
        }
        let Parameters { plain, mode, roots } = Parameters::split(text);
        let mode = Mode::parse(mode.as_deref(), roots.is_some()).ok_or_else(|| {
            wrong("sslmode must be disable, prefer, require, verify-ca or verify-full")
        })?;
        let mut config: tokio_postgres::Config =
            plain.parse().map_err(|e: tokio_postgres::Error| wrong(&super::exec::describe(&e)))?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("the database is missing: end the address with /database"));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("the host is missing"));
        }
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("jotrack");
        }
        config.connect_timeout(Duration::from_millis(settings.connect_ms));
        config.keepalives_idle(Duration::from_secs(30));
        if purpose == Use::Primary {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let tls = tls::connector(mode, roots.as_deref()).map_err(|why| wrong(&why))?;
        Ok(Self { name: name(&config), config, tls })
    }

    /// Makes a pool that connects when it is asked to.
    pub(super) fn pool(&self, settings: &PostgresConfig, wait: Duration) -> Result<Pool> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        Pool::builder(Manager::from_config(self.config.clone(), self.tls.clone(), recycling))
            .max_size(settings.pool)
            .wait_timeout(Some(wait))
            .create_timeout(Some(Duration::from_millis(settings.connect_ms)))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| Error::internal("make a connection pool", e))
    }
}

impl Address {
    /// Returns the address with a mark that only a server itself keeps: a pooler refuses the option
    /// or drops it.
    pub(super) fn marked(&self) -> tokio_postgres::Config {
        let mut config = self.config.clone();
        let given = config.get_options().map(|given| format!("{given} ")).unwrap_or_default();
        config.options(format!("{given}-c {MARK}=1"));
        config
    }
}

/// Makes the error of a wrong setting.
pub(super) fn misuse(what: String) -> Error {
    Error::Misuse { kind: MisuseKind::InvalidArgument, what }
}

/// Host, port and database of a configuration.
fn name(config: &tokio_postgres::Config) -> String {
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(i, host)| {
            let port = config.get_ports().get(i).or(config.get_ports().first()).unwrap_or(&5432);
            match host {
                Host::Tcp(host) => format!("{host}:{port}"),
                #[cfg(unix)]
                Host::Unix(dir) => format!("{}:{port}", dir.display()),
            }
        })
        .collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

/// A URL without the parameters that are not tokio-postgres's.
struct Parameters {
    plain: String,
    mode: Option<String>,
    roots: Option<String>,
}

impl Parameters {
    fn split(url: &str) -> Self {
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => roots = Some(decoded(value)),
                _ => rest.push(parameter),
            }
        }
        let parameters = rest.join("&");
        let join = if parameters.is_empty() { "" } else { "?" };
        Self { plain: format!("{base}{join}{parameters}"), mode, roots }
    }
}

/// Undoes percent-encoding.
fn decoded(value: &str) -> String {
    let pair = format!("v={}", value.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address> {
        let url = DatabaseUrl::new(url);
        Address::parse("database", &url, &PostgresConfig::default(), Use::Primary)
    }

    #[test]
    fn an_address_is_named_without_its_secrets() {
        let address = parse("postgres://ann:pass-word@db.example/jt?sslmode=require").unwrap();

        assert_eq!(address.name, "db.example:5432/jt");
        assert!(!format!("{address:?}").contains("pass-word"));
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong_and_keep_the_password() {
        for (url, about) in [
            ("mysql://ann:pass-word@h/d", "postgres://"),
            ("postgres://ann:pass-word@h", "database is missing"),
            ("postgres://ann:x@pass-word@h/d", "percent-encoded"),
            ("postgres://ann:p/pass-word@h/d", "percent-encoded"),
            ("postgres://ann:p?pass-word=1@h/d", "percent-encoded"),
            ("postgres://ann:pass-word@h/d?sslmode=maybe", "verify-full"),
            ("postgres://ann:pass-word@h/d?colour=red", "colour"),
            (
                "postgres://ann:pass-word@h/d?sslmode=verify-full&sslrootcert=%2Fno%2Fsuch",
                "/no/such",
            ),
        ] {
            let message = parse(url).unwrap_err().to_string();

            assert!(message.contains(about), "{message}");
            assert!(!message.contains("pass-word"), "{message}");
        }
    }
}
