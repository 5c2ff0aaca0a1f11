//! Programs that were built against a version of the library run with every later one of the same
//! minor version: abidiff compares what the header says with what it said then.
//!
//! Structs grow at their end, so what was appended is cut off first. A suppression of abidiff with
//! `has_data_member_inserted_at = end` would be shorter; but with it abidiff 2.2 overlooks changed
//! types and names of members, even in structs that did not grow.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    mem::offset_of,
    path::{Path, PathBuf},
    process::Command,
};

use jotrack::jotrack_event;
use jotrack_tests::{
    c::{compile_shadow, library, repository, tool},
    program,
};
use tempfile::TempDir;

use super::prototypes::{Function, Header};

/// So that the text is the same on every machine.
const NOTHING_OF_THIS_MACHINE: [&str; 8] = [
    "--no-architecture",
    "--no-comp-dir-path",
    "--no-corpus-path",
    "--no-elf-needed",
    "--no-parameter-names",
    "--no-show-locs",
    "--type-id-style",
    "hash",
];
/// "Harmless" are for abidiff other names of members and lost `const`: they break sources.
const STRICT: [&str; 4] =
    ["--harmless", "--no-added-syms", "--no-architecture", "--no-corpus-path"];

const EXACT: [&str; 3] = ["--harmless", "--no-architecture", "--no-corpus-path"];

const SIZE: &str = "size-in-bits='";
const MEMBER_ENDS: &str = "</data-member>";
const VERSION_NUMBER: &str = "JOTRACK_API uint32_t jotrack_version_number(void);";

/// What is wrong with a header in which the first text became the second.
const BREAKS: [(&str, &str, &str); 13] = [
    ("a function is gone", VERSION_NUMBER, ""),
    (
        "a result has another sign",
        VERSION_NUMBER,
        "JOTRACK_API int32_t jotrack_version_number(void);",
    ),
    ("a parameter is wider", "uint32_t limit,", "uint64_t limit,"),
    ("a parameter lost its const", "const char *after,", "char *after,"),
    ("a parameter has another sign", "uint32_t limit,", "int32_t limit,"),
    (
        "a callback takes more",
        "jotrack_wakeup_cb)(void *user",
        "jotrack_wakeup_cb)(void *user, int more",
    ),
    ("a member is gone", "    const char *idempotency_key;\n", ""),
    ("the last member is gone", "    int64_t expected_version;\n", ""),
    (
        "a member came between",
        "    int64_t expected_version;",
        "    int64_t more;\n    int64_t expected_version;",
    ),
    ("a member has another type", "int64_t expected_version;", "double expected_version;"),
    ("a member has another name", "int64_t expected_version;", "int64_t version_expected;"),
    (
        "a struct that grew changed too",
        "int64_t expected_version;",
        "double expected_version;\n    int64_t more;",
    ),
    ("a struct without a size grew", "} jotrack_str;", "    size_t more;\n} jotrack_str;"),
];
const GROWS: [(&str, &str, &str); 4] = [
    ("nothing changed", VERSION_NUMBER, VERSION_NUMBER),
    ("a member was appended", "} jotrack_write;", "    int64_t more;\n} jotrack_write;"),
    ("a struct of out-arguments grew", "} jotrack_job;", "    jotrack_str more;\n} jotrack_job;"),
    (
        "a function was added",
        VERSION_NUMBER,
        "JOTRACK_API uint32_t jotrack_version_number(void);\nJOTRACK_API bool more(void);",
    ),
];

#[test]
fn header_keeps_what_programs_were_built_against() {
    if is_missing("header_keeps_what_programs_were_built_against") {
        return;
    }
    let now = Shadow::of(&header()).abi();
    let (minor, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap();
    let path = format!("ffi/abi/jotrack-{minor}.abi");
    let updates = env::var_os("UPDATE").is_some();

    let then = fs::read_to_string(repository(&path)).ok();
    assert!(then.is_some() || updates, "{path} is missing: UPDATE=1 makes that of a new version");
    if let Some(then) = &then
        && let Err(report) = compare(then, &now)
    {
        panic!("include/jotrack.h breaks programs, see ffi/README.md. Against {path}:\n{report}");
    }
    // Not before: UPDATE=1 is said at every change of the header and must not let a break through.
    if updates {
        return fs::write(repository(&path), &now).unwrap();
    }
    // What grew is kept from now on only when the baseline has it.
    let grown = then.map(|then| differences(&EXACT, &then, &now));
    assert_eq!(grown, Some(Ok(())), "include/jotrack.h has grown: UPDATE=1 takes it into {path}");
}

#[test]
fn gate_lets_the_header_grow_and_nothing_else() {
    if is_missing("gate_lets_the_header_grow_and_nothing_else") {
        return;
    }
    let header = header();
    let then = Shadow::of(&header).abi();
    let gate = |(what, from, to): (&str, &str, &str)| {
        assert!(header.contains(from), "{what}: the header has no {from}");
        compare(&then, &Shadow::of(&header.replacen(from, to, 1)).abi())
    };

    for case in GROWS {
        assert_eq!(gate(case), Ok(()), "{}", case.0);
    }
    for case in BREAKS {
        assert!(gate(case).is_err(), "{}, and nobody is told", case.0);
    }
}

#[test]
fn gate_lets_no_member_into_the_padding_of_a_struct() {
    if is_missing("gate_lets_no_member_into_the_padding_of_a_struct") {
        return;
    }
    let abi = |members: &str| {
        let end = format!("{members}}} jotrack_write;");
        Shadow::of(&header().replacen("} jotrack_write;", &end, 1)).abi()
    };
    let padded = abi("    uint32_t a;\n");

    for more in ["", "    uint64_t c;\n"] {
        let filled = abi(&format!("    uint32_t a;\n    uint32_t b;\n{more}"));
        assert!(compare(&padded, &filled).is_err(), "b lies in the padding, and nobody is told");
    }
    let grown = abi("    uint32_t a;\n    uint64_t c;\n");
    assert_eq!(compare(&padded, &grown), Ok(()));
}

#[test]
fn structs_of_the_header_lie_in_memory_as_those_of_the_library() {
    let test = "structs_of_the_header_lie_in_memory_as_those_of_the_library";
    if is_missing(test) {
        return;
    }
    if !cfg!(debug_assertions) {
        let reason = "the library tells its types only where it is built for debugging";
        return program::skip(&format!("abi_proof::gate::{test}"), reason);
    }
    let header = header();
    let (member, wrong) = ("int64_t expected_version;", "int64_t more;\n    int64_t version;");
    assert!(header.contains(member), "the header has no {member}");
    let differs = |header: &str| abidiff(&[], &Shadow::of(header).library, library());

    // Where the library tells no types abidiff compares nothing and is content.
    assert!(differs(&header.replacen(member, wrong, 1)).is_err(), "the library tells no types");
    assert_eq!(differs(&header), Ok(()));
}

/// Behind a callback of Rust, which is an `Option`, abidiff does not look.
#[test]
fn struct_that_only_a_callback_is_given_lies_as_it_is_frozen() {
    let Header { functions, structs } = Header::committed();
    let parameters = functions.iter().flat_map(|function| &function.parameters);
    let seen: Vec<_> = parameters.chain(structs.values().flatten()).collect();
    let is_seen = |name: &str| seen.iter().any(|it| it.kind.split(' ').any(|word| word == name));
    let unseen: Vec<_> = structs.keys().filter(|name| !is_seen(name)).collect();
    assert_eq!(unseen, ["jotrack_event"]);

    let frozen = fs::read_to_string(repository("tests/c/frozen.c")).unwrap();
    let size = size_of::<jotrack_event>();
    assert!(frozen.contains(&format!("sizeof(jotrack_event) == {size},")), "{size}");
    let offsets = [
        ("struct_size", offset_of!(jotrack_event, struct_size)),
        ("kind", offset_of!(jotrack_event, kind)),
        ("state", offset_of!(jotrack_event, state)),
        ("entities", offset_of!(jotrack_event, entities)),
        ("first_rev", offset_of!(jotrack_event, first_rev)),
        ("last_rev", offset_of!(jotrack_event, last_rev)),
    ];
    let members: Vec<_> = structs["jotrack_event"].iter().map(|it| it.name.as_str()).collect();
    assert_eq!(members, offsets.map(|(name, _)| name));
    for (name, at) in offsets {
        assert!(
            frozen.contains(&format!("LAYOUT(jotrack_event, {name}, {at});")),
            "{name} at {at}"
        );
    }
}

#[test]
fn text_of_a_baseline_tells_nothing_of_the_machine() {
    if is_missing("text_of_a_baseline_tells_nothing_of_the_machine") {
        return;
    }
    let (one, other) = (Shadow::of(&header()), Shadow::of(&header()));

    let abi = one.abi();
    assert_eq!(abi, other.abi());
    for folder in [one.dir.path(), &repository("")] {
        assert!(!abi.contains(&folder.display().to_string()), "{}", folder.display());
    }
}

fn header() -> String {
    fs::read_to_string(repository("include/jotrack.h")).unwrap()
}

fn is_missing(test: &str) -> bool {
    let missing = Command::new("abidiff").arg("--version").output().is_err();
    if missing {
        program::skip(&format!("abi_proof::gate::{test}"), "abigail-tools is not installed");
    }
    missing
}

/// The library that a header promises, as C sees it. It can be read and not called.
struct Shadow {
    dir: TempDir,
    library: PathBuf,
}

impl Shadow {
    fn of(header: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut code = "#include \"jotrack.h\"\n".to_owned();
        for Function { returns, name, parameters } in Header::read(header).functions {
            let all: Vec<_> =
                parameters.iter().map(|it| format!("{} {}", it.kind, it.name)).collect();
            let all = if all.is_empty() { "void".to_owned() } else { all.join(", ") };
            writeln!(code, "{returns} {name}({all}) {{ __builtin_trap(); }}").unwrap();
        }
        fs::write(dir.path().join("jotrack.h"), header).unwrap();
        fs::write(dir.path().join("shadow.c"), code).unwrap();
        let library = compile_shadow(dir.path(), "shadow.c");
        Self { dir, library }
    }

    fn abi(&self) -> String {
        tool(Command::new("abidw").args(NOTHING_OF_THIS_MACHINE).arg(&self.library))
    }
}

/// Compares two ABIs as texts; the report of abidiff when a program of the first breaks.
fn compare(then: &str, now: &str) -> Result<(), String> {
    differences(&STRICT, then, &without_growth(then, now))
}

fn differences(options: &[&str], then: &str, now: &str) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let [old, new] = ["then.abi", "now.abi"].map(|name| dir.path().join(name));
    fs::write(&old, then).unwrap();
    fs::write(&new, now).unwrap();
    abidiff(options, &old, &new)
}

fn abidiff(options: &[&str], then: &Path, now: &Path) -> Result<(), String> {
    let output = Command::new("abidiff").args(options).arg(then).arg(now).output().unwrap();
    // A changed parameter sets only one bit of the code; so every code but 0 is a break.
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{out}{err}", output.status)) }
}

/// An ABI without what was appended since another one to structs that tell their size. A member in
/// what was padding stays: no program could tell whether it is there.
fn without_growth(then: &str, now: &str) -> String {
    let known: BTreeMap<_, _> = structs(then).collect();
    let mut cut = now.to_owned();
    for (name, grown) in structs(now) {
        let Some(old) = known.get(name).filter(|old| old.contains("name='struct_size'")) else {
            continue;
        };
        let members = old.matches(MEMBER_ENDS).count();
        let mut ends = grown.match_indices(MEMBER_ENDS).map(|(at, end)| at + end.len());
        let Some((kept, more)) = ends.nth(members - 1).map(|end| grown.split_at(end)) else {
            continue;
        };
        if bits(more, "layout-offset-in-bits='").is_some_and(|at| Some(at) >= bits(old, SIZE)) {
            cut = cut.replacen(grown, &kept.replacen(size(grown), size(old), 1), 1);
        }
    }
    cut
}

/// The first number behind some words.
fn bits(text: &str, words: &str) -> Option<u64> {
    let (_, rest) = text.split_once(words)?;
    rest.split_once('\'')?.0.parse().ok()
}

/// The structs of an ABI by name, from their size to their last member.
fn structs(abi: &str) -> impl Iterator<Item = (&str, &str)> {
    abi.split("<class-decl name='").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("' ")?;
        let (body, _) = rest.split_once("</class-decl>")?;
        body.starts_with(SIZE).then_some((name, body.trim_end()))
    })
}

fn size(body: &str) -> &str {
    body.split_once(' ').map_or(body, |(size, _)| size)
}
