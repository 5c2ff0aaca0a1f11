//! The C library as it is installed: the script, what programs find through pkg-config and CMake,
//! and the C++ layer that comes with it.
#![cfg(target_os = "linux")]

mod compilers;
mod consumers;
mod script;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use jotrack_tests::c::{library, repository};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The library as a user installs it, below a prefix that was moved after the installation.
struct Installed {
    dir: TempDir,
}

impl Installed {
    /// Returns the one installation, which all tests share while one of them is running: to strip
    /// and to link two hundred megabytes is too much for each.
    fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Installed>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::make());
            *shared = Arc::downgrade(&made);
            made
        })
    }

    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let first = dir.path().join("first");
        let built = library().parent().unwrap();
        succeeds(&["--prefix".as_ref(), first.as_os_str(), "--from".as_ref(), built.as_os_str()]);
        fs::rename(first, dir.path().join("moved")).unwrap();
        Self { dir }
    }

    fn prefix(&self) -> PathBuf {
        self.dir.path().join("moved")
    }

    fn lib(&self, name: &str) -> PathBuf {
        self.prefix().join("lib").join(name)
    }
}

/// Runs the script.
fn install<A: AsRef<OsStr>>(args: &[A]) -> Output {
    Command::new(repository("ffi/install.sh")).args(args).output().unwrap()
}

/// Runs the script, which must succeed, and returns the files that it told.
fn succeeds<A: AsRef<OsStr>>(args: &[A]) -> Vec<PathBuf> {
    let output = install(args);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{words}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// Asks pkg-config about the package below a prefix.
fn pkg_config(prefix: &Path, args: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(args).arg("jotrack").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let told = jotrack_tests::c::tool(&mut command);
    told.split_whitespace().map(str::to_owned).collect()
}

/// Before 1.0 the minor version is part of the interface's name.
fn abi() -> String {
    let (minor, _) = VERSION.rsplit_once('.').unwrap();
    let (major, _) = VERSION.split_once('.').unwrap();
    if major == "0" { minor.to_owned() } else { major.to_owned() }
}

/// The functions that the header declares.
fn functions() -> BTreeSet<String> {
    let header = fs::read_to_string(repository("include/jotrack.h")).unwrap();
    let declarations = header.split("\nJOTRACK_API").skip(1);
    declarations
        .map(|declaration| {
            let (head, _) = declaration.split_once('(').unwrap();
            head.rsplit([' ', '*', '\n']).next().unwrap().to_owned()
        })
        .collect()
}
