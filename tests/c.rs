//! Compiles C and C++ programs against the shared library, and runs them.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

/// Warnings that no program of ours may cause.
const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Returns a path below the root of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Returns the shared library, as fresh as the test program.
///
/// Cargo puts the library beside the test program that depends on it. Where it does not, it is
/// built. JOTRACK_TEST_LIBRARY names another one: `tests/sanitizers` builds some.
pub fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let given = env::var_os("JOTRACK_TEST_LIBRARY").filter(|path| !path.is_empty());
        if let Some(given) = given {
            return given.into();
        }
        let program = env::current_exe().expect("a test program has a path");
        let deps = program.parent().expect("a test program lies in a folder");
        let beside = deps.join(file_name());
        if beside.exists() { beside } else { build(deps) }
    })
}

/// Whether programs run under a sanitizer, which keeps memory that is freed.
pub fn is_sanitized() -> bool {
    env::var_os("JOTRACK_TEST_SANITIZER").is_some()
}

/// A folder for compiled programs and their data; it is removed at the end.
pub struct Workbench {
    dir: TempDir,
}

impl Default for Workbench {
    fn default() -> Self {
        Self::new()
    }
}

impl Workbench {
    /// Makes the folder, with the library under the name that programs record.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for name in [file_name().to_owned(), so_name()] {
            link(library(), &dir.path().join(name));
        }
        Self { dir }
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Compiles a C program by the strictest rules and returns its path.
    ///
    /// # Panics
    /// With the compiler's words when there is a warning, and when there is no compiler: a C
    /// library that nobody compiled against is not tested.
    pub fn compile_c(&self, standard: &str, sources: &[PathBuf]) -> PathBuf {
        self.compile(&compiler("CC", "cc"), standard, sources)
    }

    /// Compiles a C++ program by the strictest rules and returns its path.
    ///
    /// # Panics
    /// As for C.
    pub fn compile_cpp(&self, standard: &str, sources: &[PathBuf]) -> PathBuf {
        self.compile(&compiler("CXX", "c++"), standard, sources)
    }

    /// Runs a program that must succeed and returns what it printed.
    ///
    /// # Panics
    /// With everything it printed when it fails.
    pub fn run<A: AsRef<OsStr>>(&self, program: &Path, args: &[A]) -> String {
        let output = self.output(program, args);
        assert!(output.status.success(), "{}", story(program, &output));
        String::from_utf8(output.stdout).expect("programs print UTF-8")
    }

    /// Runs a program under valgrind's memory checker, which must find nothing, and returns what it
    /// printed; `None` where there is no valgrind, which counts as a skip of `test`.
    ///
    /// # Panics
    /// With everything that was printed when the program fails, or something wrong is found.
    pub fn run_checked<A: AsRef<OsStr>>(
        &self,
        test: &str,
        program: &Path,
        args: &[A],
    ) -> Option<String> {
        if Command::new("valgrind").arg("--version").output().is_err() {
            crate::program::skip(test, "valgrind is not installed");
            return None;
        }
        // "Possibly lost" is left out: hash tables in statics are known by inner pointers only.
        let mut command = Command::new("valgrind");
        command
            .args(["-q", "--child-silent-after-fork=yes", "--error-exitcode=9"])
            .args(["--leak-check=full", "--errors-for-leak-kinds=definite,indirect"])
            .arg(program)
            .args(args)
            .env_remove("RUST_BACKTRACE");
        Some(tool(&mut command))
    }

    /// Runs a program and returns how it went.
    pub fn output<A: AsRef<OsStr>>(&self, program: &Path, args: &[A]) -> Output {
        let mut command = Command::new(program);
        command.args(args).env_remove("RUST_BACKTRACE");
        output(&mut command)
    }

    fn compile(&self, compiler: &str, standard: &str, sources: &[PathBuf]) -> PathBuf {
        let stem = sources.first().and_then(|source| source.file_stem()).expect("a source");
        let program = self.dir.path().join(stem).with_extension(standard.replace('+', "x"));
        let mut command = Command::new(compiler);
        command
            .arg(format!("-std={standard}"))
            .args(STRICT)
            .args(["-O1", "-g", "-pthread"])
            .arg("-I")
            .arg(repository("include"))
            .args(sources)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(self.dir.path())
            .arg("-ljotrack")
            .arg(format!("-Wl,-rpath,{}", self.dir.path().display()));
        let compiled = output(&mut command);
        assert!(compiled.status.success(), "{}", story(&program, &compiled));
        program
    }
}

/// Compiles a unit without linking it, to see what the compiler says.
///
/// # Panics
/// With the compiler's words when it objects, and when there is no compiler.
pub fn check_syntax(cpp: bool, standard: &str, source: &Path) {
    let compiler = if cpp { compiler("CXX", "c++") } else { compiler("CC", "cc") };
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(STRICT)
        .args(["-fsyntax-only", "-x", if cpp { "c++" } else { "c" }, "-I"])
        .arg(repository("include"))
        .arg(source);
    let compiled = output(&mut command);
    assert!(compiled.status.success(), "{standard}: {}", story(source, &compiled));
}

/// Compiles a unit of C to a shared library of the real one's name, with everything that debuggers
/// want to know, and returns its path. Paths in it are relative to `dir`, where the unit lies.
///
/// # Panics
/// With the compiler's words when it objects, and when there is no compiler.
pub fn compile_shadow(dir: &Path, source: &str) -> PathBuf {
    let made = dir.join(file_name());
    let mut command = Command::new(compiler("CC", "cc"));
    command
        .current_dir(dir)
        .args(["-std=c99", "-g", "-shared", "-fPIC", "-I", ".", "-o", file_name(), source])
        .arg(format!("-Wl,-soname,{}", so_name()));
    tool(&mut command);
    made
}

/// Runs a tool that must be there and must succeed, and returns what it printed.
///
/// # Panics
/// When it is missing or fails.
pub fn tool(command: &mut Command) -> String {
    let result = output(command);
    let name = PathBuf::from(command.get_program());
    assert!(result.status.success(), "{}", story(&name, &result));
    String::from_utf8(result.stdout).expect("tools print UTF-8")
}

fn output(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("{} does not start: {e}", command.get_program().display()))
}

fn story(program: &Path, output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{}: {}\n{out}{err}", program.display(), output.status)
}

/// The compiler that the environment names: for the programs of the tests, or for everything.
fn compiler(variable: &str, default: &str) -> String {
    let named = |variable: &str| env::var_os(variable).and_then(|name| name.into_string().ok());
    let given = named(&format!("JOTRACK_TEST_{variable}")).or_else(|| named(variable));
    given.unwrap_or_else(|| default.to_owned())
}

fn build(deps: &Path) -> PathBuf {
    let profile = deps.parent().expect("deps lies in the folder of the profile");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "jotrack-ffi", "--manifest-path"]);
    cargo.arg(repository("Cargo.toml"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    if let Some(target) = profile.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    tool(&mut cargo);
    let built = profile.join(file_name());
    assert!(built.exists(), "{} was not built", built.display());
    built
}

fn file_name() -> &'static str {
    if cfg!(target_os = "macos") { "libjotrack.dylib" } else { "libjotrack.so" }
}

/// The name that a program records: before 1.0 the minor version is part of it.
fn so_name() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap_or("0"), parts.next().unwrap_or("0"));
    let abi = if major == "0" { format!("0.{minor}") } else { major.to_owned() };
    if cfg!(target_os = "macos") {
        format!("libjotrack.{abi}.dylib")
    } else {
        format!("libjotrack.so.{abi}")
    }
}

fn link(from: &Path, to: &Path) {
    // A copy, not a symbolic link: a build of somebody else must not swap the library under a test.
    fs::copy(from, to).expect("the library can be copied");
}
