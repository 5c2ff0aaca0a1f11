//! What becomes of answers.

use super::*;

#[test]
fn the_engines_own_match_fits_its_form_and_is_the_same_each_time() {
    let capability = Capability::of(AnalysisKind::MatchScore);
    let input = input(AnalysisKind::MatchScore);
    let first = capability.local(&input, &context()).unwrap().unwrap();
    let again = capability.local(&input, &context()).unwrap().unwrap();

    assert!(capability.still_valid(&first), "{first:#}");
    assert_eq!(first.to_string(), again.to_string());
}
