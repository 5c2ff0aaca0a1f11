//! The servers behind the settings: the primary, perhaps behind a pooler, and its replicas, in the
//! order in which nothing is changed before everything that can be refused is.

use std::time::Duration;

use super::{
    address::{Address, Use},
    lease::Source,
    migrate,
    start::{self, About},
};
use crate::{
    config::{Config, PostgresConfig},
    error::{Error, Result},
};

/// The servers of a database, found and checked.
pub(super) struct Servers {
    pub(super) primary: Source,
    /// The primary's own address, where it is known.
    pub(super) direct: Option<Address>,
    pub(super) replicas: Vec<Source>,
    /// The id that the first migration gave the database.
    pub(super) identity: String,
    pub(super) about: About,
}

impl Servers {
    /// Waits for the primary, checks it and what else is configured, and brings the schema up to
    /// date.
    pub(super) async fn open(settings: &PostgresConfig, config: &Config) -> Result<Self> {
        let address = Address::parse("database", &settings.url, settings, Use::Primary)?;
        let direct = match &settings.direct_url {
            Some(url) => Address::parse("direct_url", url, settings, Use::Primary)?,
            None => address.clone(),
        };
        let wait = Duration::from_millis(settings.startup_wait_ms);
        let client = start::wait_for(&direct, wait).await?;
        let about = start::check(&client, &direct).await?;
        if settings.direct_url.is_some() {
            drop(start::wait_for(&address, wait).await?);
        }
        let source = async |address: &Address| -> Result<Source> {
            let pool = address.pool(settings, Duration::from_millis(config.storage.busy_ms))?;
            let pooled = start::is_pooled(address).await;
            let guards = if pooled { guards(&about, settings) } else { String::new() };
            Ok(Source { address: address.clone(), pool, pooled, guards: guards.into() })
        };
        let primary = source(&address).await?;
        let direct_source = match &settings.direct_url {
            Some(_) => source(&direct).await?,
            None => primary.clone(),
        };
        let mut replicas = Vec::with_capacity(settings.replica_urls.len());
        for url in &settings.replica_urls {
            let address = Address::parse("replica", url, settings, Use::Replica)?;
            replicas.push(source(&address).await?);
        }

        // Before anything is set up: what is wrong with a replica leaves no half state.
        let known = start::identity(&direct_source).await?;
        for replica in &replicas {
            start::check_replica(replica, known.as_deref()).await?;
        }
        migrate::migrate(&client, &direct, settings.migrate, config.clock.now()).await?;
        drop(client);
        let missing = || Error::bug("open the database", "it has no identity");
        let identity = start::identity(&direct_source).await?.ok_or_else(missing)?;
        let patience = Duration::from_millis(settings.write_deadline_ms);
        start::check_pool(&primary, &identity, patience).await?;
        if known.is_none() {
            for replica in &replicas {
                start::check_replica(replica, Some(&identity)).await?;
            }
        }
        if direct_source.pooled {
            let name = &direct.name;
            tracing::warn!(
                "{name} is a pooler: other processes' changes are looked for at intervals; give the \
                 server's own address as direct_url to hear of them at once"
            );
        }
        let direct = (!direct_source.pooled).then_some(direct);
        Ok(Self { primary, direct, replicas, identity, about })
    }
}

/// What a transaction behind a pooler needs to end in time by itself.
fn guards(about: &About, settings: &PostgresConfig) -> String {
    let ms = settings.read_deadline_ms;
    let leaving = if about.notices_leaving {
        "; SET LOCAL client_connection_check_interval = 1000"
    } else {
        ""
    };
    format!("; SET LOCAL statement_timeout = {ms}{leaving}")
}
