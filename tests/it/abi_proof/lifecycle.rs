//! Engines come and go, and nothing of them stays.

use std::{ffi::OsString, path::Path};

use jotrack_tests::c::{Workbench, is_sanitized, repository};

/// How often engines are opened here; each writes and flushes a new database. The benchmark
/// `c_library` does it 10,000 times.
const CYCLES: &str = "300";
const CALLS: &str = "100000";
/// By how much memory may grow.
const KIB: &str = "1024";

#[test]
#[cfg(target_os = "linux")]
fn engines_come_and_go_and_leave_nothing() {
    let bench = Workbench::new();
    let program = compiled(&bench);

    let kib = if is_sanitized() { "0" } else { KIB };
    let printed = bench.run(&program, &arguments(&bench, [CYCLES, CALLS, kib]));

    assert!(number_of_checks(&printed) > 200_000, "{printed}");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_checker_finds_nothing_when_engines_close_under_load() {
    let bench = Workbench::new();
    let program = compiled(&bench);

    let test = "abi_proof::memory_checker_finds_nothing_when_engines_close_under_load";
    let args = arguments(&bench, ["5", "500", "0"]);
    let Some(checked) = bench.run_checked(test, &program, &args) else { return };

    assert!(number_of_checks(&checked) > 1_000, "{checked}");
}

#[test]
#[cfg(target_os = "linux")]
fn engines_are_closed_under_other_threads() {
    let bench = Workbench::new();
    let program = bench.compile_c("c99", &[repository("tests/c/closing.c")]);

    let printed = bench.run(&program, &[bench.path("data").as_os_str(), "40".as_ref()]);

    assert!(printed.starts_with("closing: "), "{printed}");
}

#[test]
#[cfg(target_os = "linux")]
fn memory_checker_finds_nothing_when_engines_close_under_other_threads() {
    let bench = Workbench::new();
    let program = bench.compile_c("c99", &[repository("tests/c/closing.c")]);
    let data = bench.path("data");

    let test =
        "abi_proof::lifecycle::memory_checker_finds_nothing_when_engines_close_under_other_threads";
    let args = [data.as_os_str(), "4".as_ref()];
    let Some(checked) = bench.run_checked(test, &program, &args) else { return };

    assert!(checked.starts_with("closing: "), "{checked}");
}

fn compiled(bench: &Workbench) -> std::path::PathBuf {
    bench.compile_c("c99", &[repository("tests/c").join(Path::new("lifecycle.c"))])
}

fn arguments(bench: &Workbench, numbers: [&str; 3]) -> Vec<OsString> {
    let folder = bench.path("data").into_os_string();
    std::iter::once(folder).chain(numbers.map(OsString::from)).collect()
}

fn number_of_checks(printed: &str) -> usize {
    let words = printed.strip_prefix("lifecycle: ").and_then(|rest| rest.split(' ').next());
    words.and_then(|number| number.parse().ok()).unwrap_or(0)
}
