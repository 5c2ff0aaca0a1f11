//! The forbidden arrows: what may name what, where SQL and `unsafe` live, how long a file may be.
//!
//! Each test reads the sources, the manifests or what cargo resolves, and names file and line of
//! what breaks the rule. An exception stands in a list with its reason; one that nothing needs any
//! more fails too.

mod arrows;
mod files;
mod links;
mod source;

use std::collections::BTreeSet;

use source::{Source, has_word, places, sources};

/// The folders with Rust code that is shipped.
const PRODUCT: [&str; 3] = ["core/src", "graphql/src", "ffi/src"];
/// The folders with any Rust code.
const EVERYTHING: [&str; 5] = ["core", "graphql", "ffi", "examples", "tests"];

#[test]
fn a_planted_violation_is_found() {
    let planted = Source::of(
        "core/src/coach/store.rs",
        "use crate::{\n    jobs::{self, store::{Row as R, load}},\n    time::Clock,\n};\n\
         // unsafe in a comment\nfn f<'a>(x: &'a str) -> char {\n    let _ = \"unsafe // SELECT id\";\n\
         \x20   let _ = r#\"say \"unsafe\"\"#; '\"'\n}\n#[cfg(test)]\nmod tests {\n    fn g() { sleep() }\n}\n",
    );

    let paths: Vec<_> = planted.paths().into_iter().map(|(_, path)| path).collect();
    for path in [
        "crate::jobs::self",
        "crate::jobs::store::Row",
        "crate::jobs::store::load",
        "crate::time::Clock",
    ] {
        assert!(paths.iter().any(|found| found == path), "{path} in {paths:?}");
    }
    assert!(places("f", &planted.lines, |line| has_word(&line.code, "unsafe")).is_empty());
    assert!(planted.lines[6].literals.contains("SELECT id"), "{}", planted.lines[6].literals);
    assert!(planted.lines[7].literals.contains("say \"unsafe\""), "{}", planted.lines[7].literals);
    assert_eq!(
        places("f", planted.tests(), |line| has_word(&line.code, "sleep")),
        ["f:12: fn g() { sleep() }"]
    );
    assert!(places("f", planted.product(), |line| has_word(&line.code, "sleep")).is_empty());
}

/// Applies a rule to every source below the folders: it returns the numbers of the lines that break
/// it. Fails with file and line of each, and on an exception that is not needed.
fn assert_rule(
    what: &str,
    folders: &[&str],
    exceptions: &[(&str, &str)],
    rule: impl Fn(&Source) -> Vec<usize>,
) {
    let mut unused: BTreeSet<_> = exceptions.iter().map(|(path, _)| *path).collect();
    let mut wrong = Vec::new();
    for file in sources(folders) {
        let numbers = rule(file);
        let excused = exceptions.iter().any(|(path, _)| *path == file.path);
        if excused && !numbers.is_empty() {
            unused.remove(file.path.as_str());
        } else {
            wrong.extend(places(&file.path, &file.lines, |line| numbers.contains(&line.number)));
        }
    }
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
    assert!(unused.is_empty(), "{what}: exceptions that nothing needs: {unused:?}");
}

/// The lines on which the product's code names a path that is wrong.
fn named(file: &Source, is_wrong: impl Fn(&str) -> bool) -> Vec<usize> {
    let paths = file.paths().into_iter().filter(|(_, path)| is_wrong(path));
    paths.map(|(number, _)| number).collect()
}
