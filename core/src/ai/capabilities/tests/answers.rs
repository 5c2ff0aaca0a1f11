//! What becomes of a model's answers.

use super::*;

const MATCH: AnalysisKind = AnalysisKind::MatchScore;

#[test]
fn right_answers_are_taken_and_stay_valid() {
    for kind in AnalysisKind::ALL {
        let taken = accepted(*kind, |_| {}).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let capability = Capability::of(*kind);

        assert!(capability.still_valid(&taken), "{kind}: {taken:#}");
        let again = capability.accept(&input(*kind), &taken.to_string());
        assert_eq!(again, Ok(taken), "{kind}");
    }
}

#[test]
fn one_code_fence_is_taken_off() {
    let capability = Capability::of(MATCH);
    let (input, answer) = (input(MATCH), answer(MATCH).to_string());
    let accept = |text: String| capability.accept(&input, &text);

    for text in [
        format!("```json\n{answer}\n```"),
        format!(" \n```\n{answer}```\n"),
        format!("```JSON \n{answer}\n```"),
    ] {
        assert!(accept(text.clone()).is_ok(), "{text}");
    }
    for text in [
        format!("```json\n```json\n{answer}\n```\n```"),
        format!("Here it is: {answer}"),
        format!("{answer}\n{answer}"),
        format!("```json\n{answer}"),
        String::new(),
    ] {
        assert!(accept(text.clone()).is_err(), "{text}");
    }
}

#[test]
fn an_answer_cut_anywhere_is_refused() {
    for kind in AnalysisKind::ALL {
        let (capability, input, text) =
            (Capability::of(*kind), input(*kind), answer(*kind).to_string());
        for (at, _) in text.char_indices() {
            let (cut, _) = text.split_at(at);
            assert!(capability.accept(&input, cut).is_err(), "{kind}: {at}");
        }
    }
}

#[test]
fn complaints_name_path_and_rule_but_no_value() {
    let complaint = |change: fn(&mut Value)| accepted(MATCH, change).unwrap_err();

    assert_eq!(
        complaint(|answer| answer["matchScore"]["confidence"] = json!("hunter2")),
        "/matchScore/confidence: has the wrong type"
    );
    assert_eq!(
        complaint(|answer| {
            answer["matchScore"].as_object_mut().unwrap().remove("topGaps");
        }),
        "/matchScore: lacks the property \"topGaps\""
    );
    assert_eq!(
        complaint(|answer| answer["matchScore"]["categoryBreakdown"]["technical"] = json!(1.01)),
        "/matchScore/categoryBreakdown/technical: must be at most 1"
    );
    assert_eq!(
        complaint(|answer| answer["skillsMatch"]["softSkills"][0]["strength"] = json!("hunter2")),
        "/skillsMatch/softSkills/0/strength: must be one of \
         [\"STRONG\",\"MODERATE\",\"WEAK\",\"TRANSFERABLE\",\"NONE\"]"
    );
    assert_eq!(complaint(|answer| *answer = json!(["hunter2"])), "(root): must be an object");
}

#[test]
fn a_complaint_lists_ten_errors_at_most() {
    let complaint = accepted(MATCH, |answer| {
        answer["skillsMatch"]["unexpectedStrengths"] = json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    })
    .unwrap_err();

    assert_eq!(complaint.lines().count(), 10);
}

#[test]
fn numbers_out_of_range_are_refused_and_never_moved_into_it() {
    for (kind, pointer, number) in [
        (MATCH, "/matchScore/categoryBreakdown/experience", -0.1),
        (MATCH, "/matchScore/confidence", 1.5),
        (AnalysisKind::CompanyIntelligence, "/company/founded", 12.0),
        (AnalysisKind::CompanyIntelligence, "/company/confidence", 2.0),
        (AnalysisKind::CompanyEcosystem, "/companies/0/relevanceScore", 55.0),
        (AnalysisKind::ResumeImprove, "/estimatedNewScore", 101.0),
    ] {
        let refused =
            accepted(kind, |answer| *answer.pointer_mut(pointer).unwrap() = json!(number));

        assert!(refused.unwrap_err().starts_with(pointer), "{kind}: {pointer}");
    }
}

#[test]
fn unknown_fields_are_dropped() {
    let taken = accepted(MATCH, |answer| {
        answer["command"] = json!("run");
        answer["matchScore"]["note"] = json!(1);
    });

    assert_eq!(taken, accepted(MATCH, |_| {}));
}

#[test]
fn totals_are_computed_whatever_the_model_says() {
    let taken = accepted(MATCH, |answer| {
        answer["matchScore"]["overallScore"] = json!(1000);
        answer["skillsMatch"]["overallMatchPercentage"] = json!(-3);
    })
    .unwrap();

    // (0.40 × 0.8 + 0.35 × 0.6) / 0.75, without the category that was not judged.
    assert_eq!(taken["matchScore"]["overallScore"], json!(70.666667));
    // Of Rust, Kubernetes and communication the resume shows Rust.
    assert_eq!(taken["skillsMatch"]["overallMatchPercentage"], json!(33.0));
    let unjudged = accepted(MATCH, |answer| {
        answer["matchScore"]["categoryBreakdown"] =
            json!({"technical": null, "experience": null, "softSkills": null});
        answer["skillsMatch"]["technicalSkills"] = json!([]);
        answer["skillsMatch"]["softSkills"] = json!([]);
    })
    .unwrap();
    assert_eq!(unjudged["matchScore"]["overallScore"], Value::Null);
    assert_eq!(unjudged["skillsMatch"]["overallMatchPercentage"], Value::Null);
    let letter = accepted(AnalysisKind::CoverLetter, |a| a["wordCount"] = json!(7)).unwrap();
    assert_eq!(letter["wordCount"], json!(85));
}

#[test]
fn quotations_that_stand_nowhere_are_taken_away() {
    let taken = accepted(MATCH, |answer| {
        answer["skillsMatch"]["technicalSkills"][0]["jdEvidence"] = json!("Rust since 1990");
    })
    .unwrap();
    let skill = &taken["skillsMatch"]["technicalSkills"][0];
    assert_eq!(skill["jdEvidence"], Value::Null);
    assert_eq!(skill["resumeEvidence"], "Built services in Rust");

    let improved = accepted(AnalysisKind::ResumeImprove, |answer| {
        answer["suggestions"][0]["current"] = json!("Led a team of 40.");
        answer["missingKeywords"] = json!(["rust", "Kubernetes", "kubernetes"]);
    })
    .unwrap();
    assert_eq!(improved["suggestions"][0]["current"], Value::Null);
    assert_eq!(improved["missingKeywords"], json!(["Kubernetes"]));

    let made_up = accepted(AnalysisKind::PeopleExtract, |a| a["name"] = json!("Someone Else"));
    assert_eq!(made_up.unwrap_err(), "/name: is not in the text");
}

#[test]
fn neighbours_are_ordered_and_listed_once_without_the_company_itself() {
    let taken = accepted(AnalysisKind::CompanyEcosystem, |answer| {
        let mut twice = answer["companies"][0].clone();
        twice["name"] = json!("BOLT RAIL Inc.");
        let mut itself = twice.clone();
        itself["name"] = json!("ACME");
        answer["companies"].as_array_mut().unwrap().extend([twice, itself]);
    })
    .unwrap();

    let names: Vec<&Value> =
        taken["companies"].as_array().unwrap().iter().map(|company| &company["name"]).collect();
    assert_eq!(names, ["Norda", "Bolt Rail"]);
}

#[test]
fn nothing_is_said_of_a_company_that_is_not_known() {
    let taken =
        accepted(AnalysisKind::CompanyIntelligence, |a| a["company"]["known"] = json!(false))
            .unwrap();

    assert_eq!(taken["company"]["founded"], Value::Null);
    assert_eq!(taken["company"]["keyFacts"], json!([]));
}

#[test]
fn hidden_characters_of_an_answer_go() {
    let taken = accepted(AnalysisKind::NotesSummary, |answer| {
        answer["summary"] = json!("Dana\u{0} \u{202e}called.\u{e0041}");
    })
    .unwrap();

    assert_eq!(taken["summary"], "Dana called.");
}

#[test]
fn a_kept_answer_of_another_form_is_not_valid() {
    let capability = Capability::of(MATCH);

    assert!(!capability.still_valid(&json!({})));
    assert!(!capability.still_valid(&answer(AnalysisKind::CoverLetter)));
}
