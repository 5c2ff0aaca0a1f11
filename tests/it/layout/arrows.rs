//! Who may name what: drivers, SQL, stores, the clock, `unsafe`, state and output.

use std::fs;

use super::{
    EVERYTHING, PRODUCT, assert_rule, named,
    source::{has_word, root},
};

/// The modules of the core that own tables.
const DOMAINS: [&str; 7] =
    ["attachments", "changes", "coach", "companies", "jobs", "matching", "tasks"];

#[test]
fn core_serves_nothing_and_exports_nothing() {
    let names = ["axum", "hyper", "tower", "extern", "no_mangle", "TcpListener"];

    assert_rule("a server or an exported function in core", &["core"], &[], |file| {
        let lines = file.lines.iter();
        let wrong = lines.filter(|line| names.iter().any(|name| has_word(&line.code, name)));
        wrong.map(|line| line.number).collect()
    });
}

#[test]
fn core_only_derives_graphql_and_only_with_its_feature() {
    assert_rule("async_graphql outside cfg_attr", &["core"], &[], |file| {
        let lines = file.lines.iter().filter(|line| has_word(&line.code, "async_graphql"));
        let bare = lines.filter(|line| {
            !(line.code.contains("cfg_attr(feature = \"\"") && line.literals.contains("graphql"))
        });
        bare.map(|line| line.number).collect()
    });
}

#[test]
fn rusqlite_is_named_only_in_db() {
    assert_rule(
        "rusqlite outside core/src/db",
        &["core", "graphql", "ffi", "examples"],
        &[],
        |file| {
            let drivers = ["rusqlite", "libsqlite3_sys", "tokio_postgres"];
            let inside = file.path.starts_with("core/src/db/");
            named(file, |path| !inside && drivers.iter().any(|driver| first(path) == *driver))
        },
    );
}

#[test]
fn relations_are_loaded_in_one_file() {
    assert_rule(
        "dataloader outside loaders/mod.rs",
        &["core", "graphql", "ffi", "examples"],
        &[],
        |file| {
            let inside = file.path == "graphql/src/schema/loaders/mod.rs";
            named(file, |path| !inside && first(path) == "dataloader")
        },
    );
}

#[test]
fn sql_lives_in_stores() {
    let listed = [
        ("core/src/meta.rs", "two tables of one row each, and the user they name"),
        ("core/src/idempotency.rs", "one table that rides in every domain's batch"),
    ];
    let verbs = [
        "SELECT ",
        "INSERT INTO ",
        "INSERT OR ",
        "DELETE FROM ",
        "REPLACE INTO ",
        "CREATE TABLE ",
        "CREATE INDEX ",
        "CREATE VIRTUAL ",
        "ALTER TABLE ",
        "DROP TABLE ",
        "PRAGMA ",
        "ON CONFLICT",
        "BEGIN IMMEDIATE",
    ];

    assert_rule("SQL outside a store", &PRODUCT, &listed, |file| {
        if is_store(&file.path) || file.path.starts_with("core/src/db/") {
            return Vec::new();
        }
        let lines = file.product().iter();
        let wrong = lines.filter(|line| {
            let text = format!("{} ", line.literals.trim());
            let updates = text.match_indices("UPDATE ").any(|(at, verb)| {
                text[at + verb.len()..].starts_with(|c: char| c.is_ascii_lowercase())
            });
            updates || verbs.iter().any(|verb| text.contains(verb))
        });
        wrong.map(|line| line.number).collect()
    });
}

#[test]
fn a_store_names_no_other_store() {
    let listed = [(
        "core/src/matching/store.rs",
        "coach and score of a page of jobs are one statement, so that a list stays at four",
    )];

    assert_rule("a store names another domain's store", &["core/src"], &listed, |file| {
        let domain = file.path.split('/').nth(2).unwrap_or_default().to_owned();
        if !is_store(&file.path) {
            return Vec::new();
        }
        named(file, |path| {
            let parts: Vec<_> = path.split("::").collect();
            parts
                .windows(2)
                .any(|pair| pair[1] == "store" && pair[0] != domain && DOMAINS.contains(&pair[0]))
        })
    });
}

#[test]
fn storage_and_analysis_know_no_domain() {
    assert_rule(
        "db or analysis names a domain",
        &["core/src/db", "core/src/analysis"],
        &[],
        |file| {
            let upper = ["engine", "doctor", "idempotency", "meta"];
            named(file, |path| {
                let mut parts = path.split("::").skip_while(|part| *part == "super");
                let (root, module) = (parts.next(), parts.next().unwrap_or_default());
                root == Some("crate") && (DOMAINS.contains(&module) || upper.contains(&module))
            })
        },
    );
}

#[test]
fn resolvers_and_c_functions_call_the_engine_only() {
    assert_rule("storage named outside core", &["graphql", "ffi", "examples"], &[], |file| {
        named(file, |path| {
            let of_core = ["jotrack_core::db", "jotrack_core::catalogue"];
            of_core.iter().any(|module| path.starts_with(module)) || path.contains("::store::")
        })
    });
}

#[test]
fn clock_environment_and_randomness_are_asked_of_their_modules() {
    let homes = [
        ("SystemTime", "core/src/time.rs"),
        ("getrandom", "core/src/id.rs"),
        ("now_v7", "core/src/id.rs"),
        ("new_v4", "core/src/id.rs"),
        ("rand", "core/src/id.rs"),
        ("env::var", "graphql/src/cli/environment.rs"),
        ("env::var_os", "graphql/src/cli/environment.rs"),
        ("env::vars", "graphql/src/cli/environment.rs"),
        ("env::vars_os", "graphql/src/cli/environment.rs"),
        ("env::temp_dir", "core/src/config.rs"),
    ];
    let listed = [
        ("core/src/engine.rs", "the folder of an engine without one: a fresh name in the system's"),
        ("core/src/attachments/blob.rs", "a name for a file that is renamed or removed"),
        ("core/src/db/lite/presence.rs", "a name for a file that lives as long as the process"),
    ];

    assert_rule("clock, environment or randomness", &PRODUCT, &listed, |file| {
        named(file, |path| {
            homes.iter().any(|(name, home)| {
                file.path != *home && format!("::{path}::").contains(&format!("::{name}::"))
            })
        })
    });
}

#[test]
fn unsafe_is_only_in_the_c_library() {
    assert_rule("unsafe outside ffi/src", &EVERYTHING, &[], |file| {
        let inside = file.path.starts_with("ffi/src/");
        let lines = file.lines.iter().filter(|line| !inside && has_word(&line.code, "unsafe"));
        lines.map(|line| line.number).collect()
    });
    for crate_root in ["core/src/lib.rs", "graphql/src/lib.rs", "graphql/src/main.rs"] {
        let text = fs::read_to_string(root().join(crate_root)).unwrap();
        assert!(text.contains("\n#![forbid(unsafe_code)]\n"), "{crate_root}: forbids no unsafe");
    }
}

#[test]
fn libraries_keep_no_global_state() {
    let listed = [
        ("core/src/analysis/dictionary.rs", "tables parsed once and never changed"),
        ("ffi/src/handles.rs", "what hosts hold: a pointer that is none cannot be followed to ask"),
        ("ffi/src/forks.rs", "what the system calls in a forked child has nothing else to tell"),
        ("ffi/src/guard.rs", "the panic hook of the process, and the depth it asks for"),
    ];
    let cells = ["Lock", "Mutex", "Atomic", "Cell", "Once", "mut "];

    let folders = ["core/src", "graphql/src/schema", "graphql/src/server", "ffi/src"];
    assert_rule("state of the thread or the process", &folders, &listed, |file| {
        let lines = file.product().iter();
        let wrong = lines.filter(|line| {
            let code = line.code.trim_start();
            let declared = code
                .split_once("static ")
                .filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
            let changes =
                declared.is_some_and(|(_, rest)| cells.iter().any(|cell| rest.contains(cell)));
            changes || code.contains("thread_local!")
        });
        wrong.map(|line| line.number).collect()
    });
}

#[test]
fn libraries_write_nothing_to_the_standard_streams() {
    let listed = [(
        "core/src/attachments/extract/sandbox/mod.rs",
        "the child process answers its parent on standard output",
    )];
    let words = ["println!", "eprintln!", "print!", "eprint!", "stdout()", "stderr()"];

    let folders = ["core/src", "graphql/src/schema", "graphql/src/server", "ffi/src"];
    assert_rule("output of a library", &folders, &listed, |file| {
        let lines = file.product().iter();
        let wrong = lines.filter(|line| words.iter().any(|word| line.code.contains(word)));
        wrong.map(|line| line.number).collect()
    });
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn is_store(path: &str) -> bool {
    path.ends_with("/store.rs") || path.contains("/store/")
}
