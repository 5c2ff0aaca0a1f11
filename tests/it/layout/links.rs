//! What a build links: trees of packages, the lock file, and the targets of the workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use serde_json::Value;

use super::source::root;

#[test]
fn core_links_no_server_and_executes_no_graphql() {
    let tree = linked(&["-p", "jotrack-core", "--all-features"]);

    // The HTTP client of AI calls brings hyper and tower-http, which hold no server here.
    let servers = ["axum", "async-graphql-axum", "tungstenite", "warp"];
    assert_absent(&tree, &servers);
    let bare = linked(&["-p", "jotrack-core"]);
    assert_absent(&bare, &["async-graphql"]);
}

#[test]
fn c_library_links_no_server_and_without_its_feature_no_graphql() {
    let tree = linked(&["-p", "jotrack-ffi"]);
    let bare = linked(&["-p", "jotrack-ffi", "--no-default-features"]);

    assert_absent(&tree, &["axum", "async-graphql-axum", "clap", "tracing-subscriber"]);
    assert_absent(&bare, &["axum", "async-graphql", "jotrack-graphql"]);
}

#[test]
fn graphql_does_not_know_the_c_library() {
    assert_absent(&linked(&["-p", "jotrack-graphql"]), &["jotrack-ffi"]);
}

#[test]
fn lock_file_holds_one_sqlite_and_no_second_tls() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names: Vec<_> = lock.lines().filter_map(|line| line.strip_prefix("name = ")).collect();
    let count = |name: &str| names.iter().filter(|found| **found == format!("\"{name}\"")).count();

    assert_eq!(count("libsqlite3-sys"), 1, "Cargo.lock: copies of libsqlite3-sys");
    for banned in ["openssl", "openssl-sys", "native-tls", "sqlx", "sqlx-core"] {
        assert_eq!(count(banned), 0, "Cargo.lock: {banned}");
    }
    let providers = count("ring") + count("aws-lc-rs");
    assert!(providers <= 1 && count("rustls") <= 1, "Cargo.lock: a second TLS provider");
}

#[test]
fn workspace_has_five_packages_one_program_and_one_integration_test() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut packages = BTreeSet::new();
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        packages.insert(name.to_owned());
        for target in package["targets"].as_array().unwrap() {
            let kind = target["kind"][0].as_str().unwrap().to_owned();
            let target = format!("{name}:{}", target["name"].as_str().unwrap());
            targets.entry(kind).or_default().push(target);
        }
    }

    let expected = ["core", "examples", "ffi", "graphql", "tests"];
    assert_eq!(packages, expected.map(|name| format!("jotrack-{name}")).into());
    assert_eq!(targets["bin"], ["jotrack-graphql:jotrack"], "programs");
    assert_eq!(targets["test"], ["jotrack-tests:it"], "integration tests");
}

/// The names of the packages that a build links.
fn linked(args: &[&str]) -> BTreeSet<String> {
    let fixed = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let tree = cargo(&[&fixed, args].concat());
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<_> = names.map(str::to_owned).collect();
    assert!(names.contains("rusqlite"), "cargo tree {args:?} says {names:?}");
    names
}

fn assert_absent(linked: &BTreeSet<String>, banned: &[&str]) {
    let found: Vec<_> = banned.iter().filter(|name| linked.contains(**name)).collect();
    assert!(found.is_empty(), "linked: {found:?}");
}

/// Runs the cargo that built this test and returns what it printed.
fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(args)
        .arg("--locked")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
