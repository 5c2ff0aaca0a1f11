//! The C library: its header, its symbols, its version, and the programs written against it.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use jotrack_tests::{
    Data,
    c::{Workbench, check_syntax, library, repository, tool},
    golden::assert_committed,
};

/// Files of `ffi/src` with items of the header, in the order in which it tells them.
const SOURCES: [&str; 25] = [
    "library",
    "enums",
    "text",
    "error",
    "options",
    "engine",
    "dispatch",
    "state",
    "write",
    "jobs",
    "job_rows",
    "search",
    "attachments",
    "blobs",
    "variants",
    "coach",
    "matching",
    "op",
    "analyses",
    "caches",
    "keys",
    "events",
    "changes",
    "graphql",
    "node_id",
];

/// The programs of the suite; together they call every function.
const PROGRAMS: [&str; 9] =
    ["smoke", "refusals", "dispatch", "threads", "analysis", "state", "graphql", "options", "kept"];

#[test]
fn header_is_what_the_source_says() {
    let config = cbindgen::Config::from_file(repository("ffi/cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(source(name));
    }
    let mut generated = Vec::new();
    builder.generate().unwrap().write(&mut generated);
    let generated = String::from_utf8(generated).unwrap();

    assert_committed("include/jotrack.h", &generated, "ffi/src");
}

#[test]
fn no_exported_function_is_left_out_of_the_header() {
    let told: BTreeSet<PathBuf> = SOURCES.iter().map(|name| source(name)).collect();

    for entry in fs::read_dir(repository("ffi/src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !told.contains(&path) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("no_mangle"), "{} is not in SOURCES", path.display());
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn library_exports_the_header_and_nothing_else() {
    let listing =
        tool(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library()));
    let exported: BTreeSet<&str> =
        listing.lines().filter_map(|line| line.split_whitespace().next()).collect();

    let header = header();
    let declared: BTreeSet<&str> = functions(&header).into_iter().collect();

    assert_eq!(exported, declared);
    assert!(declared.len() > 60, "{}", declared.len());
}

#[test]
fn one_version_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    let parts: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    let number = parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2];
    let header = header();
    let defined = |name: &str| {
        let line = header.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.unwrap().trim().parse::<u32>().unwrap()
    };

    assert_eq!(jotrack::jotrack_version_number(), number);
    assert_eq!(defined("JOTRACK_VERSION_NUMBER"), number);
    assert_eq!(defined("JOTRACK_VERSION_MAJOR"), parts[0]);
    assert_eq!(defined("JOTRACK_VERSION_MINOR"), parts[1]);
    assert_eq!(defined("JOTRACK_VERSION_PATCH"), parts[2]);
}

#[test]
#[cfg(target_os = "linux")]
fn library_records_its_name() {
    let dynamic = tool(Command::new("readelf").arg("-d").arg(library()));
    let version = env!("CARGO_PKG_VERSION");
    let abi = version.rsplit_once('.').unwrap().0;

    assert!(dynamic.contains(&format!("[libjotrack.so.{abi}]")), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

#[test]
fn header_stands_alone_in_every_standard() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("unit");
    fs::write(&unit, "#include \"jotrack.h\"\n#include \"jotrack.h\"\nint unit_is_not_empty;\n")
        .unwrap();

    for standard in ["c99", "c11", "c17", "c2x"] {
        check_syntax(false, standard, &unit);
    }
    for standard in ["c++11", "c++14", "c++17", "c++20"] {
        check_syntax(true, standard, &unit);
    }
}

#[test]
fn header_may_be_included_twice_and_in_two_units() {
    let bench = Workbench::new();
    let sources = [suite("double_include.c"), suite("double_include_unit.c")];

    let program = bench.compile_c("c99", &sources);

    assert_eq!(bench.run::<&str>(&program, &[]), "double_include: ok\n");
}

#[test]
fn numbers_and_layouts_are_frozen() {
    check_syntax(false, "c11", &suite("frozen.c"));

    let frozen = fs::read_to_string(suite("frozen.c")).unwrap();
    for constant in constants(&header()) {
        assert!(frozen.contains(&format!("FROZEN({constant}, ")), "{constant} is not frozen");
    }
}

#[test]
fn whole_life_of_a_data_folder() {
    passes("smoke", 150);
}

#[test]
fn what_a_program_gets_wrong_is_answered() {
    passes("refusals", 300);
}

#[test]
fn callbacks_run_when_the_host_says_so() {
    passes("dispatch", 60);
}

#[test]
fn analyses_are_followed_and_end_once() {
    passes("analysis", 60);
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn calls_need_no_stack_of_a_thread() {
    passes("own_stack", 10);
}

#[test]
fn engines_are_suspended_and_handles_act_as_users() {
    passes("state", 60);
}

#[tokio::test]
async fn users_of_one_engine_do_not_see_each_other() {
    let data = Data::on(None).await;
    let engine = data.open().await;
    let guest = engine.create_user("Guest").await.unwrap().to_string();
    engine.close().await.unwrap();
    let bench = Workbench::new();
    let program = bench.compile_c("c99", &[suite("two_users.c")]);

    let printed = bench.run(&program, &[data.dir.path().as_os_str(), guest.as_ref()]);

    assert_eq!(printed.split(':').next(), Some("two_users"));
}

#[test]
fn graphql_goes_on_after_the_call_and_ends_once() {
    passes("graphql", 50);
}

#[test]
fn options_are_kept_or_refused() {
    passes("options", 40);
}

#[test]
fn answers_and_versions_are_told_and_jobs_found() {
    passes("kept", 40);
}

#[test]
fn eight_threads_share_one_engine() {
    passes("threads", 15);
}

#[test]
fn memory_checker_finds_nothing() {
    let bench = Workbench::new();
    for name in PROGRAMS {
        let program = bench.compile_c("c99", &[suite(&format!("{name}.c"))]);
        let data = bench.path(&format!("{name}-data"));

        let test = "abi::memory_checker_finds_nothing";
        let Some(checked) = bench.run_checked(test, &program, &[data]) else { return };

        assert!(checked.ends_with(" checks\n"), "{checked}");
    }
}

#[test]
fn header_works_from_cpp() {
    let bench = Workbench::new();

    let program = bench.compile_cpp("c++17", &[suite("cpp17.cpp")]);

    assert_eq!(bench.run(&program, &[bench.path("data")]), "cpp17: ok\n");
}

#[test]
fn example_programs_do_what_they_say() {
    let bench = Workbench::new();
    let (data, fresh) = (bench.path("data"), bench.path("fresh"));
    let list = bench.compile_c("c99", &[repository("examples/c/list_jobs.c")]);
    let board = bench.compile_cpp("c++17", &[repository("examples/cpp/board.cpp")]);
    let analyze = bench.compile_c("c99", &[repository("examples/c/analyze.c")]);

    let added = bench.run(&list, &[data.as_os_str(), "Fjordline".as_ref(), "Engineer".as_ref()]);
    let drawn = bench.run(&board, &[&data]);
    let empty = bench.run(&list, &[&fresh]);
    let refused = bench.output(&list, &[data.as_os_str(), "".as_ref(), "Engineer".as_ref()]);
    let misused = bench.output::<&str>(&board, &[]);
    let unknown: [&OsStr; 2] = [data.as_os_str(), "0190a6ae-0f5c-7d3c-9d57-4d0c6a8f2b11".as_ref()];
    let unknown = bench.output(&analyze, &unknown);

    assert_eq!(added, "on radar        -  Engineer, Fjordline\n1 jobs\n");
    assert_eq!(drawn, "on radar\n  Engineer, Fjordline\n");
    assert_eq!(empty, "0 jobs\n");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("add: VALIDATION: "));
    assert_eq!(misused.status.code(), Some(2));
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).starts_with("start: NOT_FOUND: "));
}

/// Compiles a program of the suite as C99 and as C11, and runs each in a folder of its own. It must
/// have made at least `checks` checks, so that an emptied program does not pass.
fn passes(name: &str, checks: u32) {
    let bench = Workbench::new();
    for standard in ["c99", "c11"] {
        let program = bench.compile_c(standard, &[suite(&format!("{name}.c"))]);

        let printed = bench.run(&program, &[bench.path(standard)]);

        let done = printed.strip_prefix(&format!("{name}: ")).and_then(|rest| {
            rest.strip_suffix(" checks\n").and_then(|number| number.parse::<u32>().ok())
        });
        assert!(done.is_some_and(|done| done >= checks), "{printed}");
    }
}

fn source(name: &str) -> PathBuf {
    repository("ffi/src").join(name).with_extension("rs")
}

fn suite(name: &str) -> PathBuf {
    repository("tests/c").join(Path::new(name))
}

fn header() -> String {
    fs::read_to_string(repository("include/jotrack.h")).unwrap()
}

/// The functions that a header declares.
fn functions(header: &str) -> Vec<&str> {
    let declarations = header.split("\nJOTRACK_API").skip(1);
    declarations
        .map(|declaration| {
            let (head, _) = declaration.split_once('(').unwrap();
            head.rsplit([' ', '*', '\n']).next().unwrap()
        })
        .collect()
}

/// The constants of a header that have a number, its version aside.
fn constants(header: &str) -> Vec<&str> {
    let macros = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
    let enumerators = header.lines().filter_map(|line| line.trim_start().split_once(" = "));
    macros
        .chain(enumerators)
        .filter(|(name, value)| {
            let number = value.trim_end_matches(',').parse::<u64>().is_ok();
            number && name.starts_with("JOTRACK_") && !name.starts_with("JOTRACK_VERSION_")
        })
        .map(|(name, _)| name)
        .collect()
}
