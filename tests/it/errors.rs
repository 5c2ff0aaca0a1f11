//! The frozen table of errors: one code, told to C, to GraphQL and to HTTP.

use std::{collections::BTreeSet, fmt::Write, fs};

use jotrack_core::ErrorCode;
use jotrack_graphql::schema;
use jotrack_tests::{c::repository, golden::assert_committed};

/// The codes of the design, which no release may change.
const FROZEN: [(i32, &str); 36] = [
    (1, "INVALID_ARGUMENT"),
    (2, "MISUSE"),
    (3, "NOT_FOUND"),
    (4, "ALREADY_EXISTS"),
    (5, "CONFLICT"),
    (6, "VALIDATION"),
    (7, "UNAUTHENTICATED"),
    (8, "FORBIDDEN"),
    (9, "TOO_LARGE"),
    (10, "UNSUPPORTED"),
    (11, "QUOTA_EXCEEDED"),
    (12, "STEP_LOCKED"),
    (13, "ALREADY_FINISHED"),
    (14, "IDEMPOTENCY_MISMATCH"),
    (15, "UNSUPPORTED_TYPE"),
    (20, "CANCELLED"),
    (21, "TIMEOUT"),
    (22, "RATE_LIMITED"),
    (23, "BUSY"),
    (24, "END"),
    (25, "CLOSED"),
    (26, "LAGGED"),
    (27, "SUSPENDED"),
    (40, "IO"),
    (41, "STORAGE"),
    (42, "CORRUPT"),
    (43, "NETWORK"),
    (44, "AI_PROVIDER"),
    (45, "AI_REFUSED"),
    (46, "CRYPTO"),
    (47, "SCHEMA_TOO_NEW"),
    (48, "AI_NOT_CONFIGURED"),
    (49, "STORAGE_FULL"),
    (50, "KEY_UNAVAILABLE"),
    (90, "INTERNAL"),
    (91, "PANIC"),
];

#[test]
fn table_of_errors_is_the_committed_one() {
    let mut table =
        String::from("number  C name                        GraphQL code             HTTP\n");
    for code in ErrorCode::ALL {
        let name = format!("JOTRACK_{}", code.name());
        let (number, graphql, http) = (code.number(), code.graphql_code(), code.http_status());
        writeln!(table, "{number:<8}{name:<30}{graphql:<25}{http}").unwrap();
    }

    assert_committed("tests/it/golden/errors.txt", &table, "core/src/error.rs");
}

#[test]
fn numbers_and_names_never_change() {
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| (code.number(), code.name())).collect();

    assert_eq!(codes, FROZEN);
}

#[test]
fn c_header_has_the_same_numbers() {
    let header = fs::read_to_string(repository("include/jotrack.h")).unwrap();

    for code in ErrorCode::ALL {
        let line = format!("JOTRACK_{} = {},", code.name(), code.number());
        assert!(header.lines().any(|told| told.trim() == line), "{line}");
    }
}

#[test]
fn every_code_of_graphql_is_in_its_schema() {
    let sdl = schema::sdl();
    let (_, declared) = sdl.split_once("\nenum ErrorCode {").unwrap();
    let (declared, _) = declared.split_once("\n}").unwrap();
    let declared: BTreeSet<&str> = declared
        .lines()
        .map(str::trim)
        .filter(|line| line.chars().next().is_some_and(|c| c.is_ascii_uppercase()))
        .collect();

    for code in ErrorCode::ALL {
        assert!(declared.contains(code.graphql_code()), "{}: {declared:?}", code.name());
    }
}
