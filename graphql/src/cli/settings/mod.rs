//! Settings: the TOML file, over it `JOTRACK_*`, over it the flags; one place that reads them.

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

/// Where the server listens unless told otherwise.
pub(crate) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);

/// Bytes of a settings file; a longer one is not ours.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Settings that are text even if they look like a number.
const TEXT_KEYS: [&str; 5] = ["listen", "log", "data_dir", "database", "extractor"];
/// Settings that are paths; in a file they are relative to the file.
const PATH_KEYS: [&str; 3] = ["data_dir", "database", "extractor"];
const TABLES: [&str; 2] = ["limits", "storage"];

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) log: Option<String>,
    pub(crate) listen: Option<String>,
    pub(crate) data: Option<PathBuf>,
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
        let mut merged = Table::new();
        if let Some(path) = settings_file(flags, env)? {
            merge_file(&mut merged, &path)?;
        }
        for (name, value) in env.settings() {
            merge_variable(&mut merged, name, value)?;
        }
        merge_flags(&mut merged, flags)?;
        let listen = merged.remove("listen").and_then(|value| parse_listen(value.as_str()?).ok());
        let log = merged.remove("log").and_then(|value| value.as_str().map(str::to_owned));
        let config = Config::deserialize(Value::Table(merged))
            .map_err(|error| Failure::Input(format!("settings: {}", error.message())))?;
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

fn merge_file(merged: &mut Table, path: &Path) -> Result<(), Failure> {
    let origin = Origin::File(path);
    let unreadable = |error: std::io::Error| Failure::Input(format!("{origin}: {error}"));
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(Failure::Input(format!("{origin} is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let table: Table =
        toml::from_str(&text).map_err(|error| Failure::Input(format!("{origin}: {error}")))?;
    for (key, value) in table {
        match value {
            Value::Table(inner) if TABLES.contains(&key.as_str()) => {
                for (inner_key, value) in inner {
                    merge(merged, Some(&key), &inner_key, value, origin)?;
                }
            }
            Value::String(text) if PATH_KEYS.contains(&key.as_str()) => {
                let place = path.parent().unwrap_or(Path::new("")).join(text);
                let value = Value::String(place.to_string_lossy().into_owned());
                merge(merged, None, &key, value, origin)?;
            }
            value => merge(merged, None, &key, value, origin)?,
        }
    }
    Ok(())
}

fn merge_variable(merged: &mut Table, name: &str, value: &OsStr) -> Result<(), Failure> {
    let key = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
    // `JOTRACK_CONFIG` named the file; `JOTRACK_TEST_*` belongs to the tests.
    if key == "config" || key.starts_with("test_") {
        return Ok(());
    }
    let origin = Origin::Variable(name);
    let Some(text) = value.to_str() else {
        return Err(Failure::Input(format!("{origin} is not valid UTF-8")));
    };
    if key == "database_url" {
        return merge(merged, None, "database", Value::String(sqlite_path(text, origin)?), origin);
    }
    for table in TABLES {
        if let Some(inner) = key.strip_prefix(table).and_then(|rest| rest.strip_prefix('_')) {
            return merge(merged, Some(table), inner, typed(text), origin);
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

/// Reads `JOTRACK_DATABASE_URL`: a path, with or without `sqlite:` before it.
fn sqlite_path(url: &str, origin: Origin<'_>) -> Result<String, Failure> {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.contains("://") || path.is_empty() {
        let why = "a path or sqlite:PATH is expected; this version keeps its data in SQLite";
        return Err(Failure::Input(format!("{origin}: {why}")));
    }
    Ok(path.to_owned())
}

fn merge_flags(merged: &mut Table, flags: &Flags) -> Result<(), Failure> {
    let mut set = |key: &str, value: String, flag: &str| {
        merge(merged, None, key, Value::String(value), Origin::Flag(flag))
    };
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
    merged: &mut Table,
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
    match (table, key) {
        (None, "listen") => match value.as_str().map(parse_listen) {
            Some(Ok(_)) => {}
            Some(Err(why)) => return refuse(&why),
            None => return refuse("a text is expected, such as \"127.0.0.1:4000\""),
        },
        (None, "log") => match value.as_str().map(|text| text.parse::<LogFilter>()) {
            Some(Ok(_)) => {}
            Some(Err(_)) => return refuse("no log filter, such as \"info\" or \"jotrack=debug\""),
            None => return refuse("a text is expected, such as \"info\""),
        },
        _ => {
            let mut alone = Table::from_iter([(key.to_owned(), value.clone())]);
            if let Some(table) = table {
                alone = Table::from_iter([(table.to_owned(), Value::Table(alone))]);
            }
            if let Err(error) = Config::deserialize(Value::Table(alone)) {
                let message = error.message();
                // The list of all settings that serde appends would bury the one that is wrong.
                let unknown = message.starts_with("unknown field");
                return refuse(if unknown { "no such setting" } else { message });
            }
        }
    }
    let target = match table {
        None => merged,
        Some(table) => {
            let entry = merged.entry(table).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = entry else { return refuse("a table is expected") };
            inner
        }
    };
    target.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests;
