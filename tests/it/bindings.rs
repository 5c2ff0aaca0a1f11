//! The packages for other languages in `examples/`, each with its own tests against the C library.
//!
//! A missing interpreter is a skip that is counted. koffi for Node comes from npm by `tests/run`,
//! or into `examples/node` by whoever works there.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use jotrack_tests::{
    c::{check_syntax, library, repository},
    program::{self, Ended, Running},
};
use tempfile::TempDir;
use tokio::process::Command;

/// The oldest Python that the package promises to run on.
const PYTHON: &str = "import sys; sys.exit(sys.version_info < (3, 9))";
/// The same for Node.
const NODE: &str = "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)";

#[tokio::test]
async fn raw_declarations_are_as_the_header_wants_them() {
    let test = "bindings::raw_declarations_are_as_the_header_wants_them";
    let Some(python) = interpreter("PYTHON", "python3", &["-c", PYTHON], test).await else {
        return;
    };
    let mut command = command(&python, &repository("examples"));
    command.arg("declarations.py");
    if env::var_os("UPDATE").is_none() {
        command.arg("--check");
    }

    let ended = Running::start(&mut command).end().await;

    // With UPDATE=1 it writes them, as it does for the header.
    let told = ended.succeeded();
    assert!(told.contains(" functions, "), "{told}");
}

#[tokio::test]
async fn python_package_passes_its_tests() {
    let test = "bindings::python_package_passes_its_tests";
    let Some(python) = interpreter("PYTHON", "python3", &["-c", PYTHON], test).await else {
        return;
    };
    let mut command = command(&python, &repository("examples/python"));
    // In development mode Python tells of what is left open; every warning is an error.
    command.args(["-X", "dev", "-W", "error", "-m", "unittest"]);

    let ended = Running::start(&mut command).end().await;

    // The harness of Python tells everything on the error stream.
    let told =
        ended.stderr.lines().rev().find_map(|line| line.strip_prefix("Ran ")?.split_once(' '));
    let count = told.and_then(|(count, _)| count.parse::<u32>().ok());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(count.is_some_and(|count| count >= 40), "{ended:?}");
}

#[tokio::test]
async fn node_package_passes_its_tests() {
    let test = "bindings::node_package_passes_its_tests";
    let Some(node) = interpreter("NODE", "node", &["-e", NODE], test).await else { return };
    let Some(modules) = koffi() else {
        program::skip(test, "koffi is not there; tests/run brings it from npm");
        return;
    };
    let package = TempDir::new().unwrap();
    copy(&repository("examples/node"), package.path());
    std::os::unix::fs::symlink(modules, package.path().join("node_modules")).unwrap();
    let mut command = command(&node, package.path());
    command.args(["--test", "--test-reporter=tap"]);
    command.args(["test/jobs.test.mjs", "test/streams.test.mjs"]);

    let ended = Running::start(&mut command).end().await;

    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(counted(&ended, "# pass ") >= 20, "{}", ended.stdout);
    assert_eq!(counted(&ended, "# skipped "), 0, "{}", ended.stdout);
}

#[test]
fn swift_module_map_names_a_header_that_compiles() {
    let module = repository("examples/swift/Sources/CJoTrack");
    let map = fs::read_to_string(module.join("module.modulemap")).unwrap();
    let (_, rest) = map.split_once("header \"").unwrap();
    let (header, _) = rest.split_once('"').unwrap();

    check_syntax(false, "c11", &module.join(header));
}

/// Returns an interpreter that is new enough; says so and returns `None` where there is none.
async fn interpreter(name: &str, usual: &str, check: &[&str], test: &str) -> Option<PathBuf> {
    // tests/run names the Node that it brought where the system's is too old.
    let named = env::var_os(format!("JOTRACK_TEST_{name}")).filter(|named| !named.is_empty());
    let program = PathBuf::from(named.unwrap_or_else(|| usual.into()));
    let checked = Command::new(&program).args(check).kill_on_drop(true).output().await;
    if checked.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    program::skip(test, &format!("there is no {}, or it is too old", program.display()));
    None
}

/// Returns the folder that holds koffi.
fn koffi() -> Option<PathBuf> {
    let brought = env::var_os("JOTRACK_TEST_KOFFI").map(PathBuf::from);
    let folders = brought.into_iter().chain([repository("examples/node/node_modules")]);
    folders
        .filter_map(|folder| folder.canonicalize().ok())
        .find(|folder| folder.join("koffi").is_dir())
}

/// A command that finds the library as fresh as this program.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("JOTRACK_LIBRARY", library());
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("CI", "1");
    command
}

/// Copies what lies in a folder, packages that npm brought left out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        } else if name != "node_modules" {
            copy(&path, &to.join(name));
        }
    }
}

/// The number behind a word of the harness of Node.
fn counted(ended: &Ended, word: &str) -> u32 {
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix(word));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}
