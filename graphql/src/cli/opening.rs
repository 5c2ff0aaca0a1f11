//! Opening the engine for a command: what is waited for, and whose fault it is when it fails.

use std::time::Duration;

use jotrack_core::{Config, Engine, Error, UnavailableKind};

use super::failure::Failure;
use super::serve::FOLDER;
use super::terminal::tell;
use super::{DataArgs, DatabaseArgs, Globals, start_log};

/// How long the start may take before a person is told that it goes on. The engine itself logs a
/// server that does not answer; a lock or a long migration is silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// Starts the log and returns the configuration of a command that does not serve.
pub(super) fn config(
    data: &DataArgs,
    database: &DatabaseArgs,
    globals: &Globals,
) -> Result<Config, Failure> {
    let settings = globals.data_settings(data, database)?;
    start_log(&settings);
    let dir = settings.data_dir(&globals.env, FOLDER)?;
    Ok(globals.engine_config(&settings, dir))
}

/// The same for a command to which an empty database is no answer: opening would make one.
///
/// # Errors
/// `Failure::Input` when there is no database yet.
pub(super) fn existing(
    data: &DataArgs,
    database: &DatabaseArgs,
    globals: &Globals,
) -> Result<Config, Failure> {
    let config = config(data, database, globals)?;
    if let Some(file) = config.database_file().filter(|file| !file.is_file()) {
        return Err(Failure::Input(format!(
            "there is no database at {}; name another folder with --data",
            file.display()
        )));
    }
    Ok(config)
}

/// Returns where the data is, for a person: folder and database, without secrets.
pub(super) fn name_of_data(config: &Config) -> String {
    let dir = config.data_dir.as_deref().map(|dir| dir.display().to_string());
    let dir = dir.unwrap_or_else(|| "a temporary folder".to_owned());
    match (&config.postgres, &config.database) {
        (Some(postgres), _) => format!("{} and in {dir}", postgres.url),
        (None, Some(file)) => format!("{} and in {dir}", file.display()),
        (None, None) => dir,
    }
}

/// Opens the engine. A PostgreSQL that takes its time is named on standard error.
///
/// # Errors
/// `Failure::Input` when a setting is wrong or the database is not one for this program,
/// `Failure::Other` when it cannot be reached.
pub(super) async fn open(config: Config) -> Result<Engine, Failure> {
    try_open(config).await.map_err(failure)
}

/// The same with the engine's error.
pub(super) async fn try_open(config: Config) -> Result<Engine, Error> {
    let waiting =
        config.postgres.as_ref().map(|postgres| format!("Still opening {}\n", postgres.url));
    let opening = Engine::open(config);
    let Some(waiting) = waiting else { return opening.await };
    let mut opening = std::pin::pin!(opening);
    tokio::select! {
        opened = &mut opening => return opened,
        () = tokio::time::sleep(PATIENCE) => tell(&waiting),
    }
    opening.await
}

/// Sorts what stood in the way: a setting to change, or something to wait for.
pub(super) fn failure(error: Error) -> Failure {
    match error {
        Error::Invalid(violations) => Failure::Input(format!("settings: {violations}")),
        Error::Misuse { .. } | Error::Unavailable { kind: UnavailableKind::SchemaTooNew, .. } => {
            Failure::Input(error.chain())
        }
        error => anyhow::Error::new(error).context("open the database").into(),
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::PostgresConfig;

    use super::*;

    #[test]
    fn the_name_of_the_data_has_no_password() {
        let mut config = Config::in_dir("d");
        assert_eq!(name_of_data(&config), "d");

        config.postgres = Some(PostgresConfig::at("postgres://ann:pass-word@db.example:5433/jt"));

        assert_eq!(name_of_data(&config), "postgres://ann@db.example:5433/jt and in d");
    }

    #[test]
    fn wrong_settings_are_told_from_a_server_that_is_away() {
        let wrong = failure(Error::argument("postgres://ann@db/jt: no such role"));
        let newer = failure(Error::unavailable(UnavailableKind::SchemaTooNew, "open"));
        let away = failure(Error::unavailable(UnavailableKind::Storage, "connect"));

        assert!(matches!(wrong, Failure::Input(text) if text.contains("no such role")));
        assert!(matches!(newer, Failure::Input(text) if text.contains("newer version")));
        assert!(matches!(away, Failure::Other(_)));
    }
}
