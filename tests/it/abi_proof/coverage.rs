//! Every function of the header is called by a C program, and every C program is run.

use std::{collections::BTreeMap, fs};

use jotrack_tests::c::repository;

use super::prototypes::{Header, without_comments};

#[test]
fn every_function_is_called_by_a_c_program() {
    let suite: String = programs().into_values().map(|text| without_comments(&text)).collect();

    let header = Header::committed();
    let missing: Vec<_> = header
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .filter(|name| !is_called(&suite, name))
        .collect();

    assert!(missing.is_empty(), "no program in tests/c calls {}", missing.join(", "));
}

#[test]
fn every_c_program_is_run() {
    let it = repository("tests/it");
    let mut drivers = fs::read_to_string(it.join("abi.rs")).unwrap();
    let others = ["abi_proof/lifecycle.rs", "abi_proof/sweep/mod.rs", "packaging/consumers.rs"];
    for file in others {
        drivers.push_str(&fs::read_to_string(it.join(file)).unwrap());
    }

    // It takes a library of its own, which the script builds.
    drivers.push_str(&fs::read_to_string(repository("tests/run")).unwrap());

    for name in programs().keys() {
        let stem = name.trim_end_matches(".c");
        let named = [format!("\"{stem}\""), format!("{name}\""), format!("tests/c/{name} ")];
        assert!(named.iter().any(|named| drivers.contains(named)), "nothing runs tests/c/{name}");
    }
}

/// The programs of the suite by file name. What the sweep generates is not among them: it calls
/// whatever the header declares, and would prove nothing here.
fn programs() -> BTreeMap<String, String> {
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(repository("tests/c")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "c") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            programs.insert(name, fs::read_to_string(path).unwrap());
        }
    }
    programs
}

/// Whether code calls a function: its name stands alone, with a parenthesis behind.
fn is_called(code: &str, function: &str) -> bool {
    let call = format!("{function}(");
    code.match_indices(&call).any(|(at, _)| {
        !code[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_')
    })
}
