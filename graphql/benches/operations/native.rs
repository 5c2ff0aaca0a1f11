//! The list through the C library, called by a C program: this package knows the library as its
//! users do, and Rust code outside the library calls no C.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::meter::{Answer, Spent};

/// The C program, running.
pub(crate) struct Native {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Native {
    /// Builds the library and the program, and starts it on a data folder.
    ///
    /// # Errors
    /// Why there is none, such as a missing compiler.
    pub(crate) fn start(data: &Path) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let library = build_library(&root)?;
        let program = data.join("list");
        finish(
            Command::new("cc")
                .args(["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-I"])
                .arg(root.join("include"))
                .arg(root.join("graphql/benches/operations/list.c"))
                .arg("-o")
                .arg(&program)
                .arg(format!("-L{}", data.display()))
                .arg("-ljotrack")
                .arg(format!("-Wl,-rpath,{}", data.display()))
                .env("LIBRARY_PATH", place(&library, data)?),
        )?;
        let mut child = Command::new(&program)
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("the C program does not start: {e}"))?;
        let (questions, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Self { child, questions, answers: BufReader::new(answers) })
    }

    /// Lists that many times and returns how long it took, and the size of the last answer.
    pub(crate) fn run(&mut self, rows: u32, times: u32) -> (Spent, Answer) {
        writeln!(self.questions, "{rows} {times}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let numbers: Vec<u64> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
        let [wall, cpu, rows, bytes] = numbers[..] else { panic!("the C program failed: {line}") };
        let spent = Spent { wall: Duration::from_nanos(wall), cpu: Duration::from_nanos(cpu) };
        let size = |n: u64| usize::try_from(n).unwrap();
        (spent, Answer { rows: size(rows), bytes: size(bytes) })
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn build_library(root: &Path) -> Result<PathBuf, String> {
    let target = env::current_exe()
        .ok()
        .and_then(|program| program.ancestors().nth(3).map(Path::to_path_buf))
        .ok_or("no target folder")?;
    finish(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--quiet", "-p", "jotrack-ffi", "--manifest-path"])
            .arg(root.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    )?;
    let name = if cfg!(target_os = "macos") { "libjotrack.dylib" } else { "libjotrack.so" };
    Ok(target.join("release").join(name))
}

/// Copies the library beside the data, also under the name that programs record.
fn place(library: &Path, data: &Path) -> Result<PathBuf, String> {
    let version: Vec<_> = env!("CARGO_PKG_VERSION").split('.').collect();
    let recorded = format!("libjotrack.so.{}.{}", version[0], version[1]);
    for name in ["libjotrack.so", "libjotrack.dylib", &recorded] {
        fs::copy(library, data.join(name)).map_err(|e| format!("copy the library: {e}"))?;
    }
    Ok(data.to_path_buf())
}

fn finish(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| format!("{name} does not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr)))
}
