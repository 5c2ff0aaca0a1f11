//! Programs that find the installed library, as their authors would write it, and run with it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jotrack_tests::{
    c::{repository, tool},
    program,
};

use super::{Installed, VERSION, abi, functions, pkg_config};

/// What `list_jobs` and `board` print about a data folder with the one job that the first adds.
const ADDED: &str = "on radar        -  Engineer, Fjordline\n1 jobs\n";
const DRAWN: &str = "on radar\n  Engineer, Fjordline\n";

#[test]
fn nothing_but_the_interface_can_be_seen() {
    let installed = Installed::shared();
    let declared = functions();
    let archive = nm(&["-g"], &installed.lib("libjotrack.a"));
    let shared = nm(&["-D"], &installed.lib("libjotrack.so"));

    assert_eq!(shared, declared);
    assert_eq!(archive, declared);
    let dynamic = readelf(&installed.lib(&format!("libjotrack.so.{VERSION}")));
    assert!(dynamic.contains(&format!("[libjotrack.so.{}]", abi())), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    let sections = tool(Command::new("readelf").arg("-SW").arg(installed.lib("libjotrack.so")));
    for gone in [".debug_info", ".symtab"] {
        assert!(!sections.contains(gone), "{gone} is not stripped");
    }
}

#[test]
fn programs_find_it_by_pkg_config() {
    let installed = Installed::shared();
    let dir = tempfile::tempdir().unwrap();
    let prefix = installed.prefix();
    let shared = pkg_config(&prefix, &["--cflags", "--libs"]);
    let rpath = format!("-Wl,-rpath,{}", prefix.join("lib").display());
    // What the README says for GNU linkers: the archive by its file name.
    let fixed: Vec<String> = pkg_config(&prefix, &["--static", "--cflags", "--libs"])
        .into_iter()
        .map(|word| if word == "-ljotrack" { "-l:libjotrack.a".to_owned() } else { word })
        .collect();
    assert!(fixed.contains(&"-DJOTRACK_STATIC".to_owned()), "{fixed:?}");

    for (name, flags, more) in [("shared", &shared, vec![rpath]), ("static", &fixed, Vec::new())] {
        let build = |compiler: &str, standard: &str, source: &str| {
            let source = repository(source);
            let stem = source.file_stem().unwrap().to_string_lossy();
            let made = dir.path().join(format!("{stem}_{name}"));
            let mut command = Command::new(compiler);
            command.args([standard, "-Wall", "-Wextra", "-Werror", "-o"]).arg(&made).arg(&source);
            tool(command.args(flags).args(&more));
            made
        };
        let list = build("cc", "-std=c99", "examples/c/list_jobs.c");
        let board = build("c++", "-std=c++17", "examples/cpp/board.cpp");

        tells_its_jobs(&list, &board, &dir.path().join(format!("{name} data")));
        assert_eq!(loads_the_library(&list), name == "shared");
        assert_eq!(loads_the_library(&board), name == "shared");
    }
}

#[test]
fn programs_find_it_by_cmake() {
    let Some(cmake) = cmake("programs_find_it_by_cmake") else { return };
    let installed = Installed::shared();
    let dir = tempfile::tempdir().unwrap();
    let build = dir.path().join("build");
    tool(
        cmake()
            .arg("-S")
            .arg(repository("examples/cmake"))
            .arg("-B")
            .arg(&build)
            .arg(format!("-DCMAKE_PREFIX_PATH={}", installed.prefix().display())),
    );
    tool(cmake().arg("--build").arg(&build));

    for (end, is_shared) in [("", true), ("_static", false)] {
        let [list, board] = ["list_jobs", "board"].map(|name| build.join(format!("{name}{end}")));
        tells_its_jobs(&list, &board, &dir.path().join(format!("data{end}")));
        assert_eq!(loads_the_library(&list), is_shared);
        assert_eq!(loads_the_library(&board), is_shared);
    }
}

#[test]
fn cmake_takes_no_other_version_for_this_one() {
    let Some(cmake) = cmake("cmake_takes_no_other_version_for_this_one") else { return };
    let installed = Installed::shared();
    let dir = tempfile::tempdir().unwrap();
    let next = format!("{}.999", abi());
    let asked = [
        ("", true),
        (VERSION, true),
        (&abi(), true),
        (&next, false),
        ("0.0", false),
        ("0.999", false),
        ("1.0", false),
        ("0.0...0.999", true),
        ("0.0...<0.1", false),
        (&format!("{VERSION} EXACT"), true),
    ];
    let mut project = String::from("cmake_minimum_required(VERSION 3.19)\nproject(ask C)\n");
    for (number, (version, _)) in asked.iter().enumerate() {
        project += &format!(
            "unset(jotrack_DIR CACHE)\nfind_package(jotrack {version} QUIET)\n\
             message(STATUS \"answer {number} ${{jotrack_FOUND}} ${{jotrack_VERSION}}\")\n"
        );
    }
    fs::write(dir.path().join("CMakeLists.txt"), project).unwrap();

    let told = tool(
        cmake()
            .arg("-S")
            .arg(dir.path())
            .arg("-B")
            .arg(dir.path().join("build"))
            .arg(format!("-DCMAKE_PREFIX_PATH={}", installed.prefix().display())),
    );

    for (number, (version, fits)) in asked.into_iter().enumerate() {
        let found = told.contains(&format!("-- answer {number} 1 {VERSION}\n"));
        assert_eq!(found, fits, "{version:?}:\n{told}");
    }
}

#[test]
fn a_program_with_its_own_sqlite_and_a_second_rust_library_links_the_archive() {
    let installed = Installed::shared();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(
        at("other.rs"),
        "#[unsafe(no_mangle)]\npub extern \"C\" fn other_panics() -> i32 {\n    \
         std::panic::set_hook(Box::new(|_| ()));\n    \
         std::panic::catch_unwind(|| panic!(\"caught\")).is_err().into()\n}\n",
    )
    .unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=staticlib", "-o"]);
    tool(rustc.arg(at("libother.a")).arg(at("other.rs")));

    let flags = pkg_config(&installed.prefix(), &["--cflags"]);
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-DJOTRACK_STATIC"]).args(flags);
    command.arg("-o").arg(at("host")).arg(repository("tests/c/static_host.c"));
    // The order in which a linker meets the two must not matter.
    command.args([at("libother.a"), installed.lib("libjotrack.a"), at("libother.a")]);
    tool(command.args(["-lpthread", "-lm", "-ldl"]));

    let told = tool(Command::new(at("host")).arg(at("data")));

    assert_eq!(told, "static_host: ok\n");
}

/// Runs the two examples on a fresh data folder.
fn tells_its_jobs(list: &Path, board: &Path, data: &Path) {
    let told = tool(Command::new(list).arg(data).args(["Fjordline", "Engineer"]));
    assert_eq!(told, ADDED, "{}", list.display());
    let told = tool(Command::new(board).arg(data));
    assert_eq!(told, DRAWN, "{}", board.display());
}

/// Whether a program loads the shared library when it starts.
fn loads_the_library(program: &Path) -> bool {
    readelf(program).contains(&format!("Shared library: [libjotrack.so.{}]", abi()))
}

fn readelf(file: &Path) -> String {
    tool(Command::new("readelf").arg("-dW").arg(file))
}

fn nm(flags: &[&str], file: &Path) -> BTreeSet<String> {
    let mut command = Command::new("nm");
    let listing = tool(command.args(flags).args(["--defined-only", "--format=posix"]).arg(file));
    let symbols = listing.lines().filter(|line| !line.ends_with(':'));
    symbols.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Returns how to call CMake; without it the test is skipped.
fn cmake(test: &str) -> Option<impl Fn() -> Command> {
    let path = PathBuf::from("cmake");
    if Command::new(&path).arg("--version").output().is_err() {
        program::skip(&format!("packaging::consumers::{test}"), "CMake is not installed");
        return None;
    }
    Some(move || {
        let mut command = Command::new(&path);
        command.env_remove("CMAKE_PREFIX_PATH").env_remove("jotrack_DIR");
        command
    })
}
