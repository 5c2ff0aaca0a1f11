//! Calls out of the engine: the only HTTP client, and where it may go.
//!
//! Whoever set an address decides: the operator's settings may name any server, a user's may name
//! public ones only. An address is checked when it is read and again when a name is resolved, and
//! a connection is made to checked addresses alone, so that a name cannot change its mind.

mod addresses;

use std::{error::Error as _, fmt, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::net::lookup_host;
use url::{Host, Url};

use crate::ai::AiError;

/// Longest base URL, in bytes.
const URL_BYTES: usize = 2_048;
/// The ports of a user's servers.
const PORTS: [u16; 2] = [443, 8443];
/// What is said of an address in this machine or its network.
const PRIVATE: &str = "it is not on the public internet";

/// Who set an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetBy {
    /// Naming a server in the operator's settings is the consent to reach it, wherever it is.
    Operator,
    /// A user of the engine: public servers over TLS only.
    User,
}

/// Makes an HTTP client. It follows no redirect, asks no proxy of the environment, and reads the
/// system's certificates, which takes some milliseconds: keep it.
///
/// # Errors
/// [`AiError::Network`] where TLS cannot be set up.
pub(crate) fn client(by: SetBy, connect: Duration) -> Result<Client, AiError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .user_agent(concat!("jotrack/", env!("CARGO_PKG_VERSION")));
    let builder = match by {
        SetBy::Operator => builder,
        SetBy::User => builder.https_only(true).dns_resolver(Arc::new(PublicOnly)),
    };
    builder.build().map_err(|_| AiError::Network("TLS cannot be set up"))
}

fn tls() -> Result<ClientConfig, AiError> {
    let mut roots = RootCertStore::empty();
    // Without any, servers without TLS can still be reached.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| AiError::Network("TLS cannot be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    #[cfg(feature = "http2")]
    config.alpn_protocols.push(b"h2".to_vec());
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}

/// Reads the base URL of a server and returns it in its normal form.
///
/// # Errors
/// [`AiError::Blocked`] with what is wrong with it: see [`SetBy`] for what each may name.
pub(crate) fn check_base_url(text: &str, by: SetBy) -> Result<Url, AiError> {
    let blocked = |what| Err(AiError::Blocked(what));
    if text.len() > URL_BYTES {
        return blocked("it is longer than 2,048 bytes");
    }
    let Ok(mut url) = Url::parse(text) else {
        return blocked("it is no URL");
    };
    let plain = match url.scheme() {
        "https" => false,
        "http" => true,
        _ => return blocked("it must begin with https, or http for a server of the operator's"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return blocked("it must not hold a name or a password");
    }
    if url.fragment().is_some() {
        return blocked("it must not hold a fragment");
    }
    // One dot at the end says that the name is whole; the same server has one name here.
    if let Some(name) = url.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned)
        && url.set_host(Some(&name)).is_err()
    {
        return blocked("its host is no name");
    }
    if by == SetBy::User {
        if plain {
            return blocked("it must begin with https");
        }
        if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return blocked("its port must be 443 or 8443");
        }
        check_host(&url)?;
    }
    Ok(url)
}

/// Checks what can be checked without asking anybody; an address is never resolved.
fn check_host(url: &Url) -> Result<(), AiError> {
    let public = match url.host() {
        Some(Host::Ipv4(address)) => addresses::is_public_v4(address),
        Some(Host::Ipv6(address)) => addresses::is_public_v6(address),
        Some(Host::Domain(name)) => {
            let local = ["localhost", "local", "internal", "home.arpa"];
            !name.is_empty()
                && !name.ends_with('.')
                && !local.iter().any(|end| {
                    name.strip_suffix(end)
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                })
        }
        None => false,
    };
    if public { Ok(()) } else { Err(AiError::Blocked(PRIVATE)) }
}

/// Resolves names, and only to public addresses: one bad among good ones spoils the name.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(public(found)?.into_iter()) as Addrs)
        })
    }
}

/// Returns addresses that are all public.
fn public(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    if found.iter().all(|address| addresses::is_public(address.ip())) {
        Ok(found)
    } else {
        Err(NotPublic)
    }
}

#[derive(Debug)]
struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PRIVATE)
    }
}

impl std::error::Error for NotPublic {}

/// Returns what a failed call means. Nothing of the address is in it.
pub(crate) fn failure(error: &reqwest::Error) -> AiError {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return AiError::Blocked(PRIVATE);
        }
        cause = error.source();
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => AiError::Timeout(crate::ai::Phase::Connect),
        (true, false) => AiError::Network("no connection could be made"),
        (false, _) if error.is_builder() => AiError::Blocked("no request can be made of it"),
        (false, _) => AiError::Network("the connection broke"),
    }
}

#[cfg(test)]
mod tests;
