//! Settings: the TOML file, over it `JOTRACK_*`, over it the flags; one place that reads them.

mod ai;
mod database;
mod master_key;

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use jotrack_core::Config;
use serde::Deserialize as _;
use toml::{Table, Value};
use tracing_subscriber::EnvFilter as LogFilter;

use super::environment::{Environment, PREFIX};
use super::failure::Failure;
use database::Place;

/// Where the server listens unless told otherwise.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

/// Bytes of a settings file; a longer one is not ours.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Settings that are text even if they look like a number.
const TEXT_KEYS: [&str; 5] = ["listen", "log", "data_dir", "database", "extractor"];
/// Settings that are paths; in a file they are relative to the file.
const PATH_KEYS: [&str; 2] = ["data_dir", "extractor"];
/// Settings of PostgreSQL alone.
const POSTGRES: &str = "postgres";
const TABLES: [&str; 5] = [ai::AI, "limits", POSTGRES, "requests", "storage"];
/// The address of the database, and a file that holds it.
const URL_VARIABLES: [&str; 2] = ["JOTRACK_DATABASE_URL", "JOTRACK_DATABASE_URL_FILE"];

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) listen: Option<String>,
    pub(crate) data: Option<PathBuf>,
    /// A path or an address.
    pub(crate) database: Option<String>,
    pub(crate) database_direct: Option<String>,
    pub(crate) replicas: Vec<String>,
}

/// All settings, merged.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The engine's part.
    pub(crate) config: Config,
    /// Where to listen, when somebody said so.
    pub(crate) listen: Option<SocketAddr>,
    /// Filter of the log.
    pub(crate) log: Option<String>,
}

/// What was read so far.
#[derive(Default)]
struct Merged {
    values: Table,
    /// Who spoke of PostgreSQL last, beside naming it.
    postgres_by: Option<String>,
}

/// Who set a value, for error messages.
#[derive(Debug, Clone, Copy)]
enum Origin<'a> {
    File(&'a Path),
    Variable(&'a str),
    Flag(&'a str),
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the settings file {}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

impl Settings {
    /// Reads and merges all settings.
    ///
    /// # Errors
    /// `Failure::Input` naming the key and who set it, when a file cannot be read or a value has
    /// no meaning.
    pub(crate) fn load(flags: &Flags, env: &Environment) -> Result<Self, Failure> {
        let mut merged = Merged::default();
        if let Some(path) = settings_file(flags, env)? {
            merge_file(&mut merged, &path)?;
        }
        let [url, file] = URL_VARIABLES;
        if env.get(url).is_some() && env.get(file).is_some() {
            return Err(Failure::Input(format!("{url} and {file} are both set; keep one")));
        }
        for (name, value) in env.settings() {
            merge_variable(&mut merged, name, value)?;
        }
        merge_flags(&mut merged, flags)?;
        let mut merged = merged.finish()?;
        let listen = merged.remove("listen").and_then(|value| parse_listen(value.as_str()?).ok());
        let log = merged.remove("log").and_then(|value| value.as_str().map(str::to_owned));
        let mut config = Config::deserialize(Value::Table(merged))
            .map_err(|error| Failure::Input(format!("settings: {}", error.message())))?;
        config.master_key = master_key::source(env)?;
        Ok(Self { config, listen, log })
    }

    /// Returns the data folder: as set, else `name` in the platform's folder for data.
    ///
    /// # Errors
    /// `Failure::Input` when nothing is set and the platform names no folder.
    pub(crate) fn data_dir(&self, env: &Environment, name: &str) -> Result<PathBuf, Failure> {
        let dir = self.config.data_dir.clone();
        dir.or_else(|| Some(env.data_home()?.join(name))).ok_or_else(|| {
            Failure::Input("no folder for data is known here; name one with --data DIR".to_owned())
        })
    }
}

impl Merged {
    /// Returns the values.
    ///
    /// # Errors
    /// `Failure::Input` when PostgreSQL is spoken of and none is named.
    fn finish(self) -> Result<Table, Failure> {
        let Self { values, postgres_by } = self;
        let postgres = values.get(POSTGRES).and_then(Value::as_table);
        match postgres_by {
            Some(by) if postgres.is_some_and(|table| !table.contains_key("url")) => {
                Err(Failure::Input(format!(
                    "{by}: the database is a file of SQLite; name a PostgreSQL with --database \
                     postgres://... or JOTRACK_DATABASE_URL, or leave this out"
                )))
            }
            _ => Ok(values),
        }
    }

    fn set(&mut self, table: Option<&str>, key: &str, value: Value) {
        match table {
            None => {
                self.values.insert(key.to_owned(), value);
            }
            Some(table) => {
                let entry = self.values.entry(table).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(inner) = entry {
                    inner.insert(key.to_owned(), value);
                }
            }
        }
    }

    /// Names the database in place of the one named before. What was said about a PostgreSQL goes
    /// with it when a file takes its place.
    fn set_database(&mut self, place: Place) {
        match place {
            Place::File(path) => {
                self.values.remove(POSTGRES);
                self.set(None, "database", Value::String(path));
            }
            Place::Postgres(url) => {
                self.values.remove("database");
                self.set(Some(POSTGRES), "url", Value::String(url));
            }
        }
    }
}

/// Reads an address such as `127.0.0.1:4000`, `[::1]:0` or `localhost:4000`.
///
/// # Errors
/// The reason in words: no address, or one that other machines can reach.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let spelled = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    let address: SocketAddr = spelled
        .parse()
        .map_err(|_| "an address with a port is expected, such as 127.0.0.1:4000".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "{} can be reached from other machines, and this server has one user and no accounts; \
         listen on 127.0.0.1 or [::1]",
        address.ip()
    ))
}

/// Returns the file named by the flag or variable, else the platform's one if it exists.
fn settings_file(flags: &Flags, env: &Environment) -> Result<Option<PathBuf>, Failure> {
    let named = flags.config.clone().or_else(|| env.get("JOTRACK_CONFIG").map(PathBuf::from));
    if let Some(path) = named {
        return match fs::metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(path)),
            Ok(_) => Err(Failure::Input(format!("{} is not a file", path.display()))),
            Err(error) => Err(Failure::Input(format!(
                "the settings file {} cannot be read: {error}",
                path.display()
            ))),
        };
    }
    Ok(env.config_home().map(|dir| dir.join("jotrack/config.toml")).filter(|path| path.is_file()))
}

fn merge_file(merged: &mut Merged, path: &Path) -> Result<(), Failure> {
    let origin = Origin::File(path);
    let unreadable = |error: std::io::Error| Failure::Input(format!("{origin}: {error}"));
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(Failure::Input(format!("{origin} is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        // The error's own text shows the line, which may hold a password.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Failure::Input(format!("{origin}: line {line}: {}", error.message()))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for (key, value) in table {
        match value {
            Value::Table(inner) if TABLES.contains(&key.as_str()) => {
                for (inner_key, value) in inner {
                    merge(merged, Some(&key), &inner_key, value, origin)?;
                }
            }
            Value::String(text) if PATH_KEYS.contains(&key.as_str()) => {
                let value = Value::String(folder.join(text).to_string_lossy().into_owned());
                merge(merged, None, &key, value, origin)?;
            }
            Value::String(text) if key == "database" => {
                let value = Value::String(database::beside(text, folder));
                merge(merged, None, &key, value, origin)?;
            }
            value => merge(merged, None, &key, value, origin)?,
        }
    }
    Ok(())
}

fn merge_variable(merged: &mut Merged, name: &str, value: &OsStr) -> Result<(), Failure> {
    let key = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
    // `JOTRACK_CONFIG` named the file; `JOTRACK_TEST_*` belongs to the tests.
    let elsewhere = key == "config" || master_key::VARIABLES.contains(&name);
    if elsewhere || key.starts_with("test_") {
        return Ok(());
    }
    let origin = Origin::Variable(name);
    let Some(text) = value.to_str() else {
        return Err(Failure::Input(format!("{origin} is not valid UTF-8")));
    };
    if key == "database_url" {
        return merge(merged, None, "database", Value::String(text.to_owned()), origin);
    }
    if key == "database_url_file" {
        let url = database::read_file(Path::new(text))
            .map_err(|why| Failure::Input(format!("{origin}: {why}")))?;
        return merge(merged, None, "database", Value::String(url), origin);
    }
    if key == "local_tier" {
        let tier = Value::String(text.to_owned());
        return merge(merged, Some(ai::AI), "local_tier", tier, origin);
    }
    for table in TABLES {
        if let Some(inner) = key.strip_prefix(table).and_then(|rest| rest.strip_prefix('_')) {
            let (inner, value) = match (table, inner) {
                (ai::AI, inner) => ai::of_variable(inner, text, typed, merged.values.get(ai::AI)),
                (POSTGRES, "replica_urls") => (inner.to_owned(), database::split(text)),
                _ => (inner.to_owned(), typed(text)),
            };
            return merge(merged, Some(table), &inner, value, origin);
        }
    }
    let key = if key == "data" { "data_dir" } else { key.as_str() };
    let value = match key {
        "extra_skills" => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        key if TEXT_KEYS.contains(&key) => Value::String(text.to_owned()),
        _ => typed(text),
    };
    merge(merged, None, key, value, origin)
}

fn merge_flags(merged: &mut Merged, flags: &Flags) -> Result<(), Failure> {
    let mut set = |key: &str, value: String, flag: &str| {
        merge(merged, None, key, Value::String(value), Origin::Flag(flag))
    };
    if let Some(database) = &flags.database {
        set("database", database.clone(), "--database")?;
    }
    if let Some(listen) = &flags.listen {
        set("listen", listen.clone(), "--listen")?;
    }
    if let Some(log) = &flags.log {
        set("log", log.clone(), "--log")?;
    }
    if let Some(data) = &flags.data {
        let Some(path) = data.to_str() else {
            return Err(Failure::Input("--data is not valid UTF-8".to_owned()));
        };
        set("data_dir", path.to_owned(), "--data")?;
    }
    let mut set = |key: &str, value: Value, flag: &str| {
        merge(merged, Some(POSTGRES), key, value, Origin::Flag(flag))
    };
    if let Some(direct) = &flags.database_direct {
        set("direct_url", Value::String(direct.clone()), "--database-direct")?;
    }
    if !flags.replicas.is_empty() {
        set("replica_urls", Value::from(flags.replicas.clone()), "--replica")?;
    }
    Ok(())
}

/// A variable has no types: a number and a truth value are told by their spelling.
fn typed(text: &str) -> Value {
    match (text.parse::<i64>(), text) {
        (Ok(number), _) => Value::Integer(number),
        (_, "true") => Value::Boolean(true),
        (_, "false") => Value::Boolean(false),
        _ => Value::String(text.to_owned()),
    }
}

/// Proves one value on its own, so that the error can name it, and puts it over the earlier one.
fn merge(
    merged: &mut Merged,
    table: Option<&str>,
    key: &str,
    value: Value,
    origin: Origin<'_>,
) -> Result<(), Failure> {
    let full_key = table.map_or_else(|| key.to_owned(), |table| format!("{table}.{key}"));
    let refuse = |why: &str| match origin {
        Origin::File(_) => Err(Failure::Input(format!("{origin}: `{full_key}`: {why}"))),
        Origin::Variable(_) | Origin::Flag(_) => Err(Failure::Input(format!("{origin}: {why}"))),
    };
    let value = match table {
        Some(ai::AI) => match ai::shaped(key, value) {
            Ok(value) => value,
            Err(why) => return refuse(why),
        },
        _ => value,
    };
    let proven = match (table, key) {
        (None, "listen") => match value.as_str().map(parse_listen) {
            Some(Ok(_)) => Ok(()),
            Some(Err(why)) => return refuse(&why),
            None => Err("a text is expected, such as \"127.0.0.1:4000\""),
        },
        (None, "log") => match value.as_str().map(|text| text.parse::<LogFilter>()) {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) => Err("no log filter, such as \"info\" or \"jotrack=debug\""),
            None => Err("a text is expected, such as \"info\""),
        },
        (None, "database") => match database::place(value.as_str().unwrap_or_default()) {
            Ok(place) => {
                merged.set_database(place);
                return Ok(());
            }
            Err(why) => Err(why),
        },
        (Some(POSTGRES), "url") => {
            Err("no such setting; `database` or JOTRACK_DATABASE_URL names the PostgreSQL")
        }
        (Some(POSTGRES), "direct_url") => database::check_address(&value),
        (Some(POSTGRES), "replica_urls") => database::check_addresses(&value),
        // An address in the wrong place would be repeated by the check below.
        (Some(POSTGRES), _) if value.is_str() => match prove(table, key, Value::Integer(1)) {
            Ok(()) => Err("a whole number is expected"),
            Err(why) => return refuse(&why),
        },
        _ => match prove(table, key, value.clone()) {
            Ok(()) => Ok(()),
            Err(why) => return refuse(&why),
        },
    };
    if let Err(why) = proven {
        return refuse(why);
    }
    if table == Some(POSTGRES) {
        merged.postgres_by = Some(match origin {
            Origin::File(_) => format!("{origin}: `{full_key}`"),
            Origin::Variable(_) | Origin::Flag(_) => origin.to_string(),
        });
    }
    merged.set(table, key, value);
    Ok(())
}

/// Reads one value as the engine will.
fn prove(table: Option<&str>, key: &str, value: Value) -> Result<(), String> {
    let mut alone = Table::from_iter([(key.to_owned(), value)]);
    if let Some(table) = table {
        alone = Table::from_iter([(table.to_owned(), Value::Table(alone))]);
    }
    Config::deserialize(Value::Table(alone)).map(drop).map_err(|error| {
        let message = error.message();
        // The list of all settings that serde appends would bury the one that is wrong.
        let unknown = message.starts_with("unknown field");
        if unknown { "no such setting".to_owned() } else { message.to_owned() }
    })
}

#[cfg(test)]
mod tests;
