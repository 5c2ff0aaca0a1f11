//! The engine's own answers.

use proptest::prelude::*;

use super::*;

#[test]
fn own_answers_fit_their_forms_and_are_the_same_each_time() {
    for kind in AnalysisKind::ALL {
        let capability = Capability::of(*kind);
        let input = input(*kind);
        let Some(first) = capability.local(&input, &context()) else {
            assert!(!capability.has_local, "{kind}");
            continue;
        };
        let (first, again) =
            (first.unwrap(), capability.local(&input, &context()).unwrap().unwrap());

        assert!(capability.has_local && capability.still_valid(&first), "{kind}: {first:#}");
        assert_eq!(first.to_string(), again.to_string(), "{kind}");
        // A model that said the same would be believed: our answer breaks none of our rules.
        assert_eq!(capability.accept(&input, &first.to_string()), Ok(first), "{kind}");
    }
}

#[test]
fn four_kinds_answer_without_a_provider() {
    let kinds: Vec<&str> = AnalysisKind::ALL
        .iter()
        .filter(|kind| Capability::of(**kind).has_local)
        .map(|kind| kind.as_str())
        .collect();

    assert_eq!(kinds, ["DOCUMENT_NORMALIZE", "MATCH_SCORE", "NOTES_SUMMARY", "RESUME_IMPROVE"]);
}

fn local(kind: AnalysisKind, raw: Value) -> Value {
    let capability = Capability::of(kind);
    let input = capability.normalise(raw).unwrap();
    capability.local(&input, &context()).unwrap().unwrap()
}

#[test]
fn the_own_match_is_the_score_of_the_analysis() {
    let answer = local(AnalysisKind::MatchScore, raw(AnalysisKind::MatchScore));
    let report = crate::analysis::analyze(&crate::analysis::MatchInput {
        resume: RESUME,
        jd: JD,
        extra_skills: &[],
        today: context().today,
    });

    assert_eq!(answer["matchScore"]["overallScore"].as_f64(), report.overall);
    assert_eq!(answer["skillsMatch"]["overallMatchPercentage"].as_f64(), Some(60.0));
    assert_eq!(answer["skillsMatch"]["unexpectedStrengths"], json!(["Python"]));
}

#[test]
fn missing_skills_are_suggested_most_wanted_first() {
    let raw = json!({"resume": "I cook.", "jd": "Docker must be known. Docker, Docker. A plus: Go, Rust and Kubernetes."});

    let answer = local(AnalysisKind::ResumeImprove, raw);

    let missing = answer["missingKeywords"].as_array().unwrap();
    assert_eq!(missing[0], "Docker");
    assert!(missing.contains(&json!("Kubernetes")));
    assert_eq!(answer["suggestions"].as_array().unwrap().len(), missing.len());
    assert!(answer["suggestions"][0]["suggested"].as_str().unwrap().contains("Docker"));
}

#[test]
fn notes_are_summed_up_in_their_own_words() {
    let answer = local(AnalysisKind::NotesSummary, raw(AnalysisKind::NotesSummary));

    assert_eq!(
        answer["summary"],
        "Called Dana Roth, the recruiter, on 12 May. Salary is 90000 with a bonus. The next \
         interview is about Rust and Docker."
    );
    assert_eq!(answer["interviewKeywords"], json!(["Rust", "Docker"]));
    assert_eq!(answer["keyInsights"], json!([]));
}

#[test]
fn a_document_of_page_numbers_only_is_kept() {
    let answer =
        local(AnalysisKind::DocumentNormalize, json!({"text": "1", "documentKind": "OTHER"}));

    assert_eq!(answer, json!({"text": "1", "wordCount": 1}));
}

#[test]
fn own_answers_are_named_after_all_they_depend_on() {
    let model = |kind, year, skills: &[String]| {
        let context = LocalContext { today: Today { year, month: 3 }, extra_skills: skills };
        context.model(Capability::of(kind)).unwrap()
    };
    let (matching, document) = (AnalysisKind::MatchScore, AnalysisKind::DocumentNormalize);
    let own = ["Welding".to_owned()];

    assert_ne!(model(matching, 2026, &[]), model(matching, 2027, &[]));
    assert_ne!(model(matching, 2026, &[]), model(matching, 2026, &own));
    assert_eq!(model(document, 2026, &[]), model(document, 2027, &own));
}

proptest! {
    #[test]
    fn any_text_gets_a_valid_answer(
        one in "(\\PC{0,30}|[-•o0-9a-zA-Z .\n/]{0,80}|Rust |\n){1,6}",
        two in "(\\PC{0,20}|must know |Docker, |Kubernetes\n|[0-9]{4} - present\n){1,8}",
    ) {
        let (text, other) = (format!("{one}x"), format!("{two}x"));
        for (kind, raw) in [
            (AnalysisKind::DocumentNormalize, json!({"text": text, "documentKind": "OTHER"})),
            (AnalysisKind::NotesSummary, json!({"notes": text, "company": "A", "title": "T"})),
            (AnalysisKind::ResumeImprove, json!({"resume": text, "jd": other})),
            (AnalysisKind::MatchScore, json!({"resume": text, "jd": other, "company": "A", "title": "T"})),
        ] {
            let answer = local(kind, raw);
            prop_assert!(Capability::of(kind).still_valid(&answer), "{kind}: {answer:#}");
        }
    }
}
