//! The environment, read once. Nothing else in the workspace asks for a variable.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Prefix of the variables that set something.
pub(crate) const PREFIX: &str = "JOTRACK_";

/// A copy of the process's environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Copies the variables of this process; those whose name is not text are left out.
    pub(crate) fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// Returns a variable; one that is set but empty counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }

    /// Returns the variables that begin with [`PREFIX`], by name.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (&str, &OsString)> {
        self.variables
            .iter()
            .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty())
            .map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the platform's folder for data of the user's programs.
    pub(crate) fn data_home(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return self.path("LOCALAPPDATA").or_else(|| self.path("APPDATA"));
        }
        if cfg!(target_os = "macos") {
            return Some(self.path("HOME")?.join("Library/Application Support"));
        }
        self.path("XDG_DATA_HOME").or_else(|| Some(self.path("HOME")?.join(".local/share")))
    }

    /// Returns the platform's folder for settings of the user's programs.
    pub(crate) fn config_home(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return self.path("APPDATA");
        }
        if cfg!(target_os = "macos") {
            return Some(self.path("HOME")?.join("Library/Application Support"));
        }
        self.path("XDG_CONFIG_HOME").or_else(|| Some(self.path("HOME")?.join(".config")))
    }

    /// Returns an absolute path; the XDG rules ask to ignore a relative one.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables }
    }
}
