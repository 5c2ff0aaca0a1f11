//! Files as such: their words, addresses, lengths and places.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use sha2::{Digest, Sha256};

use super::{
    EVERYTHING, assert_rule,
    source::{TextFile, has_word, root, text_files},
};

#[test]
fn nothing_unfinished_or_ignored_is_left() {
    let words = ["todo!", "unimplemented!", "dbg!", "#[ignore", "#[should_panic"];

    assert_rule("unfinished or ignored", &EVERYTHING, &[], |file| {
        let lines = file.lines.iter();
        let wrong = lines.filter(|line| words.iter().any(|word| line.code.contains(word)));
        wrong.map(|line| line.number).collect()
    });
}

#[test]
fn tests_do_not_sleep() {
    let foreign = "a server that others wrote tells of its start only when it is asked";
    let pace = "a benchmark sets its own pace";
    let listed = [
        ("tests/benches/analyses/litellm.rs", foreign),
        ("tests/benches/analyses/served.rs", foreign),
        ("tests/benches/analyses/upstream.rs", pace),
        ("tests/it/foreign/llama.rs", foreign),
    ];
    assert_rule("a sleep in a test", &EVERYTHING, &listed, |file| {
        let lines = file.tests().iter().filter(|line| has_word(&line.code, "sleep"));
        lines.map(|line| line.number).collect()
    });
}

#[test]
fn sources_name_no_host_but_this_machine() {
    let listed = [
        ("core/src/ai/wire/target.rs", "the public services that an operator can choose"),
        ("graphql/src/schema/scalars.rs", "where two scalars are specified; nothing fetches them"),
    ];
    // Names of formats that look like addresses.
    let namespaces =
        ["schemas.openxmlformats.org", "schemas.microsoft.com", "purl.org", "purl.oclc.org"];
    let reserved = [".test", ".example", ".invalid", "example.com", "example.org", "example.net"];
    let local = ["127.0.0.1", "[::1]", "localhost"];

    assert_rule("an address in the network", &EVERYTHING, &listed, |file| {
        let lines = file.lines.iter();
        let wrong = lines.filter(|line| {
            hosts(&line.literals).iter().any(|host| {
                !host.is_empty()
                    && !host.contains('{')
                    && !local.contains(host)
                    && !namespaces.contains(host)
                    && !reserved.iter().any(|end| host.ends_with(end))
            })
        });
        wrong.map(|line| line.number).collect()
    });
}

#[test]
fn no_file_names_a_package_registry() {
    let hosts = [
        concat!("registry.", "npmjs.org"),
        concat!("registry.", "yarnpkg.com"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("pypi.", "org"),
        concat!("deb.", "debian.org"),
    ];

    let mut wrong = Vec::new();
    for file in text_files() {
        for (index, line) in file.text.lines().enumerate() {
            if hosts.iter().any(|host| line.contains(host)) {
                wrong.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "a registry host:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    // Path, and why it is one file. Above 700 lines there is no exception.
    let listed = [
        ("core/src/coach/mod.rs", "the types of the coach and their mutations, which share checks"),
        ("core/src/error.rs", "the one public error: every variant with its code and its words"),
        ("core/src/jobs/list.rs", "one filter for the statement, the cursor and the count"),
        ("core/src/jobs/mod.rs", "the job, its input and its patch, field beside field"),
        ("ffi/src/enums.rs", "one table of frozen numbers, each enum both ways"),
        ("graphql/demo/jobs_open.toml", "data of the demo, read by entry"),
        ("tests/run", "one script that sets a machine up, runs everything and cleans up"),
        ("tests/c/smoke.c", "one life of a data folder, told in order"),
    ];
    let mut exceptions: BTreeMap<_, _> = listed.into_iter().collect();

    let mut wrong = Vec::new();
    for file in text_files().into_iter().filter(|file| !is_generated(&file.path)) {
        let count = file.text.lines().count();
        let excused = exceptions.remove(file.path.as_str()).is_some();
        if count > 700 || count > 500 && !excused || count <= 500 && excused {
            wrong.push(format!("{}:{count}: lines, excused: {excused}", file.path));
        }
    }
    assert!(wrong.is_empty(), "split by idea, or list with a reason:\n{}", wrong.join("\n"));
    assert!(exceptions.is_empty(), "no such file: {exceptions:?}");
}

#[test]
fn root_holds_exactly_the_listed_entries() {
    let expected: BTreeSet<_> = [
        ".cargo",
        ".ci",
        ".clippy.toml",
        ".editorconfig",
        ".gitignore",
        ".rustfmt.toml",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "core",
        "deny.toml",
        "examples",
        "ffi",
        "graphql",
        "include",
        "tests",
    ]
    .map(str::to_owned)
    .into();
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let ignored: Vec<_> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let found: BTreeSet<_> = entries
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name != ".git" && !ignored.contains(&name.as_str()))
        .collect();

    let extra: Vec<_> = found.difference(&expected).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    assert!(extra.is_empty() && missing.is_empty(), "extra: {extra:?}, missing: {missing:?}");
}

#[test]
fn every_file_of_it_is_declared() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let declared: BTreeSet<_> = main
        .lines()
        .filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    let entries = fs::read_dir(root().join("tests/it")).unwrap().map(|entry| entry.unwrap().path());
    let found: BTreeSet<_> = entries
        .filter(|path| {
            path.extension().is_some_and(|end| end == "rs") || path.join("mod.rs").exists()
        })
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "main")
        .collect();

    assert_eq!(found, declared, "tests/it beside the modules of tests/it/main.rs");
}

#[test]
fn every_text_file_ends_with_one_line_break() {
    let mut wrong = Vec::new();
    for TextFile { path, text } in text_files() {
        let vendored = path.starts_with("graphql/playground/") && is_generated(&path);
        let ends_well = text.ends_with('\n') && !text.ends_with("\n\n");
        if !vendored && !text.is_empty() && !ends_well {
            wrong.push(format!("{path}:{}", text.lines().count()));
        }
    }
    assert!(wrong.is_empty(), "the end of the file:\n{}", wrong.join("\n"));
}

#[test]
fn vendored_files_are_the_recorded_ones() {
    let folder = root().join("graphql/playground");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let recorded: BTreeMap<_, _> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name, sum))
        .collect();

    for (name, sum) in &recorded {
        let bytes = fs::read(folder.join(name)).unwrap();
        let digest: String =
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, *sum, "graphql/playground/{name}");
    }
    for name in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()) {
        let name = name.to_string_lossy().into_owned();
        let vendored = name.contains(".min.") || name.starts_with("explorer.");
        assert_eq!(recorded.contains_key(name.as_str()), vendored, "graphql/playground/{name}");
    }
    assert!(folder.join("LICENSES").exists(), "graphql/playground/LICENSES");
}

/// Files that a tool wrote, or somebody else.
fn is_generated(path: &str) -> bool {
    let vendored = ["explorer.", "graphiql.", "react"];
    let playground = path.strip_prefix("graphql/playground/");
    let generated = [
        "Cargo.lock",
        "ffi/fuzz/Cargo.lock",
        "graphql/schema.graphql",
        "include/jotrack.h",
        "examples/node/abi.d.mts",
        "examples/node/abi.mjs",
        "examples/node/package-lock.json",
        "examples/python/jotrack/_abi.py",
        "tests/browser/package-lock.json",
        "graphql/playground/LICENSES",
    ];
    generated.contains(&path)
        || path.starts_with("ffi/abi/")
        || playground.is_some_and(|name| vendored.iter().any(|start| name.starts_with(start)))
}

/// The hosts of the addresses in a text.
fn hosts(text: &str) -> Vec<&str> {
    let schemes = ["http://", "https://", "ws://", "wss://"];
    let mut hosts = Vec::new();
    for scheme in schemes {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            let end = rest.find(|c: char| c.is_whitespace() || "/?#\\\"'<>,)".contains(c));
            let authority = &rest[..end.unwrap_or(rest.len())];
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
            hosts.push(&host[..port.unwrap_or(host.len())]);
        }
    }
    hosts
}
