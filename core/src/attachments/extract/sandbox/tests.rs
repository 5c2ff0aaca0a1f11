use std::path::PathBuf;
use std::process::ExitStatus;

use super::super::testing::SENTENCE;
use super::super::{DocumentKind, ExtractError, ExtractLimits, Extracted};
use super::{Answer, Sandbox, extract_in_child, interpret};

fn ended(raw: i32, answer: &str) -> Result<Extracted, ExtractError> {
    let status: ExitStatus = std::os::unix::process::ExitStatusExt::from_raw(raw);
    interpret(DocumentKind::Pdf, status, answer.as_bytes(), &ExtractLimits::default())
}

fn exited(code: i32) -> Result<Extracted, ExtractError> {
    ended(code << 8, "")
}

#[test]
fn an_answer_is_taken_over() {
    let extracted = Extracted { text: SENTENCE.to_owned(), page_count: Some(3), truncated: true };
    let json = serde_json::to_string(&Answer::Extracted(extracted.clone())).unwrap();
    assert_eq!(ended(0, &json), Ok(extracted));

    for error in [ExtractError::Encrypted, ExtractError::Empty, ExtractError::Unsupported] {
        let json = serde_json::to_string(&Answer::Error(error)).unwrap();
        assert_eq!(ended(0, &json), Err(error));
    }
}

#[test]
fn an_answer_that_breaks_the_rules_is_bounded_again() {
    let text = format!("{}{SENTENCE}\u{0}\u{1b}", "x".repeat(3 * 1024 * 1024));
    let extracted = Extracted { text, page_count: None, truncated: false };

    let found = ended(0, &serde_json::to_string(&Answer::Extracted(extracted)).unwrap()).unwrap();

    assert_eq!((found.text.len(), found.truncated), (2 * 1024 * 1024, true));
}

#[test]
fn the_end_of_a_child_says_what_was_wrong() {
    for signal in [6, 11, 25, 7, 4] {
        assert_eq!(ended(signal, ""), Err(ExtractError::TooComplex), "signal {signal}");
    }
    assert_eq!(ended(24, ""), Err(ExtractError::Timeout));
    assert_eq!(exited(101), Err(ExtractError::Corrupt));
}

#[test]
fn an_end_from_outside_says_nothing_about_the_document() {
    for signal in [1, 2, 9, 15] {
        assert_eq!(ended(signal, ""), Err(ExtractError::Unavailable), "signal {signal}");
    }
    for code in [1, 2, 64, 71, 74] {
        assert_eq!(exited(code), Err(ExtractError::Unavailable), "code {code}");
    }
    assert_eq!(ended(0, ""), Err(ExtractError::Unavailable));
    assert_eq!(ended(0, "{\"other\":1}"), Err(ExtractError::Unavailable));
}

#[tokio::test]
async fn a_missing_program_or_document_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("document");
    let sandbox = Sandbox::new(folder.path().join("no-such-program"));
    let limits = ExtractLimits::default();

    let no_document = extract_in_child(&sandbox, DocumentKind::Text, &document, &limits).await;
    assert_eq!(no_document, Err(ExtractError::Unavailable));

    std::fs::write(&document, SENTENCE).unwrap();
    let no_program = extract_in_child(&sandbox, DocumentKind::Text, &document, &limits).await;
    assert_eq!(no_program, Err(ExtractError::Unavailable));
}

#[tokio::test]
async fn an_oversized_document_starts_no_child() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("document");
    std::fs::write(&document, SENTENCE).unwrap();
    let sandbox = Sandbox::new(PathBuf::from("/no/such/program"));
    let limits = ExtractLimits { input_bytes: 10, ..ExtractLimits::default() };

    let found = extract_in_child(&sandbox, DocumentKind::Text, &document, &limits).await;

    assert_eq!(found, Err(ExtractError::TooComplex));
}
