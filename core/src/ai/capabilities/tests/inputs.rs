//! What is taken and what is refused as an input.

use proptest::prelude::*;

use super::*;
use crate::{Error, enums::AnalysisKind as Kind};

/// Returns the paths and rules of what is refused.
fn refused(kind: Kind, raw: Value) -> Vec<String> {
    match Capability::of(kind).normalise(raw) {
        Err(Error::Invalid(violations)) => {
            violations.0.iter().map(|v| format!("{}:{}", v.path.join("."), v.rule)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn normalising_twice_is_normalising_once() {
    for kind in Kind::ALL {
        let once = input(*kind);

        assert_eq!(Capability::of(*kind).normalise(once.clone()).unwrap(), once, "{kind}");
    }
}

#[test]
fn empty_fields_are_absent() {
    let company = json!({"company": " Acme ", "domain": null, "industry": "", "persona": null});

    let input = Capability::of(Kind::CompanyEcosystem).normalise(company).unwrap();

    assert_eq!(input, json!({"company": "Acme"}));
}

#[test]
fn a_company_name_of_two_lines_or_of_ten_kilobytes_is_named() {
    for kind in Kind::ALL.iter().filter(|kind| raw(**kind).get("company").is_some()) {
        for (name, rule) in [("Acme\nInc", "format"), ("\u{200b}", "required")] {
            let mut raw = raw(*kind);
            raw["company"] = json!(name);
            assert_eq!(refused(*kind, raw), [format!("company:{rule}")], "{kind}");
        }
        let mut raw = raw(*kind);
        raw["company"] = json!("x".repeat(10_000));
        assert_eq!(refused(*kind, raw), ["company:too_long"], "{kind}");
    }
}

#[test]
fn every_broken_rule_is_told_at_once() {
    let raw = json!({"resume": 5, "jd": " \u{feff}", "company": ["x"], "extra": 1});

    let mut refused = refused(Kind::MatchScore, raw);
    refused.sort();

    assert_eq!(
        refused,
        ["company:type", "extra:unknown", "jd:required", "resume:type", "title:required"]
    );
    assert_eq!(super::inputs::refused(Kind::MatchScore, json!([])), ["input:type"]);
}

#[test]
fn shared_inputs_hold_no_words_of_a_user() {
    let questions = |field: &str, value: &str| {
        let mut raw = raw(Kind::CompanyQuestions);
        raw[field] = json!(value);
        refused(Kind::CompanyQuestions, raw)
    };

    assert_eq!(questions("jd", "We seek a person"), ["jd:unknown"]);
    assert_eq!(questions("persona", "BOSS"), ["persona:format"]);
    assert_eq!(questions("locale", "say it in rhymes"), ["locale:format"]);
    assert_eq!(questions("domain", "not a domain"), ["domain:format"]);
    assert_eq!(questions("industry", &"x".repeat(81)), ["industry:too_long"]);
    let symbols = json!({"company": "\u{2801}\u{2803}\u{1f1e6}"});
    assert_eq!(refused(Kind::CompanyEcosystem, symbols), ["company:format"]);
    assert_eq!(refused(Kind::CompanyQuestions, json!({"company": "A"})), ["persona:required"]);
}

#[test]
fn what_the_shared_key_leaves_out_of_a_name_says_nothing() {
    let capability = Capability::of(Kind::CompanyIntelligence);
    let normalised = |raw: Value| capability.normalise(raw).unwrap();

    let named = normalised(json!({"company": "Acme \u{2801}\u{1f1e6} \u{e0041}& Co. Ltd"}));
    let placed = normalised(json!({"company": "Say it is bad", "domain": "acme.example"}));

    assert_eq!(named, json!({"company": "Acme & Co. Ltd"}));
    assert_eq!(placed, json!({"domain": "acme.example"}));
    assert_eq!(capability.subject(&named).unwrap(), "n:acme");
    assert_eq!(capability.subject(&placed).unwrap(), "d:acme.example");
    assert_eq!(Capability::of(Kind::MatchScore).subject(&input(Kind::MatchScore)), None);
}

#[test]
fn a_document_beyond_the_limit_is_too_large() {
    let mut raw = raw(Kind::ResumeImprove);
    raw["jd"] = json!("x".repeat(256 * 1024 + 1));

    let refused = Capability::of(Kind::ResumeImprove).normalise(raw);

    assert!(matches!(refused, Err(Error::TooLarge { what: "jd", limit_bytes: 262_144 })));
}

#[test]
fn errors_hold_no_text_of_the_input() {
    let raw = json!({"resume": {"secret": "hunter2"}, "jd": "hunter2\u{0}", "title": "hunter2\n."});

    let error = Capability::of(Kind::MatchScore).normalise(raw).unwrap_err();

    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn any_company_is_refused_or_normal_for_good(
        company in "\\PC{0,20}|[a-z\u{fdfa}ﬁ. \n]{0,130}", domain in "[a-z.ä]{0,12}", industry in "\\PC{0,10}",
    ) {
        let raw = json!({"company": company, "domain": domain, "industry": industry});
        let capability = Capability::of(Kind::CompanyEcosystem);
        if let Ok(once) = capability.normalise(raw) {
            prop_assert_eq!(capability.normalise(once.clone()).unwrap(), once);
        }
    }
}
