//! The two headers under each compiler at its strictest, and what the C++ layer does.

use std::{fs, path::Path, process::Command};

use jotrack_tests::{
    c::{Workbench, repository, tool},
    program,
};

const C: [&str; 4] = ["c99", "c11", "c17", "c2x"];
const CPP: [&str; 4] = ["c++11", "c++14", "c++17", "c++20"];
const LAYER: [&str; 2] = ["c++17", "c++20"];

const GCC: [&str; 8] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
    "-Wcast-qual",
    "-Werror",
];
const CLANG: [&str; 3] = ["-Weverything", "-Wpadded", "-Werror"];
/// C++98 has no `long long`, which the sizes of C need: both headers say which standard they are
/// for.
const NOT_FOR_CPP98: [&str; 2] = ["-Wno-c++98-compat", "-Wno-c++98-compat-pedantic"];
/// Objects of the layer never cross the border, so their gaps are nobody's business; and a header
/// alone has no place to anchor the table of `Error`.
const NOT_FOR_A_LAYER: [&str; 2] = ["-Wno-padded", "-Wno-weak-vtables"];

#[test]
fn c_header_is_clean_in_c() {
    clean("gcc", "jotrack.h", &C, &[&GCC]);
    clean("clang", "jotrack.h", &C, &[&CLANG]);
}

#[test]
fn c_header_is_clean_in_cpp() {
    clean("g++", "jotrack.h", &CPP, &[&GCC, &["-Wold-style-cast", "-Wuseless-cast"]]);
    clean("clang++", "jotrack.h", &CPP, &[&CLANG, &NOT_FOR_CPP98]);
}

#[test]
fn cpp_layer_is_clean() {
    clean("g++", "jotrack.hpp", &LAYER, &[&GCC, &["-Wold-style-cast"]]);
    clean("clang++", "jotrack.hpp", &LAYER, &[&CLANG, &NOT_FOR_CPP98, &NOT_FOR_A_LAYER]);
}

#[test]
fn cpp_layer_throws_keeps_and_lets_go() {
    let bench = Workbench::new();
    let other = bench.path("other.cpp");
    fs::write(&other, unit("jotrack.hpp", true)).unwrap();
    for standard in ["c++17", "c++20"] {
        let sources = [repository("tests/c/layer.cpp"), other.clone()];
        let program = bench.compile_cpp(standard, &sources);

        let told = bench.run(&program, &[bench.path(standard)]);

        let checks = told.strip_prefix("layer: ").and_then(|rest| rest.strip_suffix(" checks\n"));
        let checks: u32 = checks.and_then(|number| number.parse().ok()).unwrap_or_default();
        assert!(checks >= 50, "{told}");
    }
}

#[test]
fn cpp_layer_gives_back_all_memory() {
    let bench = Workbench::new();
    let layer = bench.compile_cpp("c++17", &[repository("tests/c/layer.cpp")]);

    let test = "packaging::compilers::cpp_layer_gives_back_all_memory";
    let Some(told) = bench.run_checked(test, &layer, &[bench.path("data")]) else { return };

    assert!(told.ends_with(" checks\n"), "{told}");
}

/// Compiles a unit with nothing but a header, included twice, in every standard.
fn clean(compiler: &str, header: &str, standards: &[&str], warnings: &[&[&str]]) {
    if Command::new(compiler).arg("--version").output().is_err() {
        let name = format!("packaging::compilers: {header} with {compiler}");
        return program::skip(&name, "the compiler is not installed");
    }
    let dir = tempfile::tempdir().unwrap();
    let is_cpp = compiler.ends_with("++");
    let source = dir.path().join(if is_cpp { "unit.cpp" } else { "unit.c" });
    fs::write(&source, unit(header, is_cpp)).unwrap();
    for standard in standards {
        tool(&mut syntax(compiler, standard, warnings, &source));
    }
}

fn syntax(compiler: &str, standard: &str, warnings: &[&[&str]], source: &Path) -> Command {
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(warnings.concat());
    command.args(["-fsyntax-only", "-I"]).arg(repository("include")).arg(source);
    command
}

/// A unit that includes a header twice and uses something of it.
fn unit(header: &str, is_cpp: bool) -> String {
    let call = "jotrack_version_number() == JOTRACK_VERSION_NUMBER";
    let (more, empty) = match (header, is_cpp) {
        ("jotrack.hpp", _) => ("\n    && jotrack::view({nullptr, 0}).empty()", ""),
        (_, true) => ("", ""),
        (_, false) => ("", "void"),
    };
    format!(
        "#include \"{header}\"\n#include \"{header}\"\nint unit_works({empty});\n\
         int unit_works({empty})\n{{\n    return {call}{more};\n}}\n"
    )
}
