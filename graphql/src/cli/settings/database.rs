//! Where the data is kept: a file of SQLite or an address of PostgreSQL.
//!
//! An address may hold a password: no message here repeats what was given.

use std::fs;
use std::path::Path;

use jotrack_core::DatabaseUrl;
use toml::Value;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// Bytes of a file that holds one address; a longer one is not ours.
const FILE_BYTES_MAX: u64 = 16 * 1024;

const NO_PLACE: &str = "a path, sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME is expected";
const UNESCAPED: &str = "write `@` in user, password or parameters as %40, and `/`, `?`, `#` before the host as %2F, \
     %3F, %23";
const NO_ADDRESS: &str = "an address such as postgres://USER:PASSWORD@HOST:PORT/NAME is expected";

/// Which database holds the data.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This file.
    File(String),
    /// PostgreSQL at this address, password included.
    Postgres(String),
}

/// Reads a path, with or without `sqlite:` before it, or an address of PostgreSQL.
pub(super) fn place(text: &str) -> Result<Place, &'static str> {
    if is_address(text) {
        check_user(text)?;
        return Ok(Place::Postgres(text.to_owned()));
    }
    let path = text.strip_prefix("sqlite:").unwrap_or(text);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains("://") || is_nearly_address(path) {
        return Err(NO_PLACE);
    }
    Ok(Place::File(path.to_owned()))
}

/// Returns the text with a relative path taken from `folder`.
pub(super) fn beside(text: String, folder: &Path) -> String {
    match place(&text) {
        Ok(Place::File(path)) => folder.join(path).to_string_lossy().into_owned(),
        Ok(Place::Postgres(_)) | Err(_) => text,
    }
}

/// Reads one address of PostgreSQL.
pub(super) fn check_address(value: &Value) -> Result<(), &'static str> {
    match value.as_str() {
        Some(text) if is_address(text) => check_user(text),
        _ => Err(NO_ADDRESS),
    }
}

/// Reads a list of addresses.
pub(super) fn check_addresses(value: &Value) -> Result<(), &'static str> {
    let items = value.as_array().ok_or("a list of addresses is expected")?;
    items.iter().try_for_each(check_address)
}

/// Splits a list at the commas before an address: one address may name several hosts.
pub(super) fn split(text: &str) -> Value {
    let mut items: Vec<String> = Vec::new();
    for piece in text.split(',').map(str::trim).filter(|piece| !piece.is_empty()) {
        match items.last_mut() {
            Some(last) if !is_address(piece) => {
                last.push(',');
                last.push_str(piece);
            }
            _ => items.push(piece.to_owned()),
        }
    }
    Value::Array(items.into_iter().map(Value::String).collect())
}

/// Reads the file that holds the address of the database, as containers are given secrets.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    match text.trim() {
        "" => Err(format!("{} is empty", path.display())),
        text if text.lines().count() > 1 => {
            Err(format!("{} has more than one line", path.display()))
        }
        text => Ok(text.to_owned()),
    }
}

/// Refuses an address of which a piece of the password would be printed.
fn check_user(address: &str) -> Result<(), &'static str> {
    if DatabaseUrl::new(address).is_ambiguous() { Err(UNESCAPED) } else { Ok(()) }
}

fn is_address(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Tells an address that lacks its scheme or is misspelled from a path, which would be printed. A
/// file of such a name is written `./NAME`.
fn is_nearly_address(path: &str) -> bool {
    let start = path.split('/').next().unwrap_or_default();
    let misspelled = start
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.to_ascii_lowercase().contains("postgres"));
    let user = start.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    misspelled || user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_an_address_are_told_apart() {
        for (text, path) in [
            ("jt.db", "jt.db"),
            ("/srv/a.db", "/srv/a.db"),
            ("sqlite:/srv/a.db", "/srv/a.db"),
            ("sqlite:///srv/a.db", "/srv/a.db"),
            ("sqlite:a.db", "a.db"),
            ("./me:and@you.db", "./me:and@you.db"),
        ] {
            assert_eq!(place(text), Ok(Place::File(path.to_owned())), "{text}");
        }
        for text in ["postgres://ann@db/jt", "postgresql://db:5433/jt?sslmode=require"] {
            assert_eq!(place(text), Ok(Place::Postgres(text.to_owned())));
        }
    }

    #[test]
    fn what_may_be_a_misspelled_address_is_refused_without_repeating_it() {
        for text in [
            "",
            "sqlite:",
            "mysql://ann:pass-word@db/jt",
            "Postgres://ann:pass-word@db/jt",
            "postgres:/ann:pass-word@db/jt",
            "postgres:ann:pass-word@db/jt",
            "postgressql://ann:pass-word@db/jt",
            "ann:pass-word@db/jt",
            "sqlite:ann:pass-word@db/jt",
            "postgres://ann:pass@pass-word@db/jt",
            "postgres://ann:12/pass-word@db/jt",
            "postgres://ann:12?pass-word@db/jt",
            "postgres://ann:12#pass-word@db/jt",
        ] {
            let why = place(text).unwrap_err();

            assert!(!why.contains("pass-word"), "{text}: {why}");
        }
    }

    #[test]
    fn lists_are_split_between_addresses_only() {
        let list = split("postgres://a,b:5433/jt, postgresql://c/jt ,");

        assert_eq!(list, Value::from(vec!["postgres://a,b:5433/jt", "postgresql://c/jt"]));
        assert_eq!(check_addresses(&list), Ok(()));
        assert!(check_addresses(&split("db-2/jt")).is_err());
        assert!(check_addresses(&Value::from("postgres://a/jt")).is_err());
    }
}
