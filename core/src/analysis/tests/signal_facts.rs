//! The signals and the score made of them.

use super::*;

fn resume_score(resume: &str, jd: &str, key: &str) -> Option<f64> {
    signal(&report(resume, jd), key).resume_score
}

fn near(score: Option<f64>, expected: f64) -> bool {
    score.is_some_and(|score| (score - expected).abs() < 0.05)
}

#[test]
fn keyword_signals_follow_their_formula() {
    let resume = "Led a team of 6 people for 4 years";
    let found = report(resume, "Leadership is required.");
    let signal = signal(&found, "soft_1");

    assert!((signal.jd_score - 50.0).abs() < 1e-5, "{signal:?}");
    assert!(near(signal.resume_score, 100.0 * (0.15 + 0.05 * 4.0 + 0.20)), "{signal:?}");
    assert!((signal.weight - 0.75 * (0.5 + 1.5 * 0.5) * 0.35).abs() < 1e-5);
    assert_eq!(signal.resume_evidence.as_deref(), Some(resume));
}

#[test]
fn signals_that_are_not_asked_for_have_no_weight() {
    let report = report("Led and mentored teams", "Python");
    let signal = signal(&report, "soft_1");

    assert_eq!((signal.jd_score, signal.weight, signal.gap), (0.0, 0.0, None));
    assert!(signal.resume_score.unwrap() > 0.0);
}

#[test]
fn unstated_facts_leave_signals_unjudged() {
    let found = report("Python since 2020", "We use Python.");

    for key in ["exp_1", "exp_3", "exp_4", "exp_6", "exp_10", "tech_1"] {
        let signal = signal(&found, key);
        assert_eq!(
            (signal.resume_score, signal.weight, signal.jd_score),
            (None, 0.0, 0.0),
            "{key}"
        );
    }
    for key in ["exp_7", "exp_8"] {
        assert_eq!(resume_score("Python", "We use Python.", key), None);
        assert!(signal(&found, key).resume_score.is_some());
        assert!((signal(&found, key).jd_score - 25.0).abs() < 1e-5);
    }
}

#[test]
fn offers_are_no_demands() {
    let found = report("", "Python\nWhat we offer\n- a training budget\n- remote work");

    assert_eq!(signal(&found, "tech_10").weight, 0.0);
    assert!(signal(&found, "exp_10").weight > 0.0);
}

#[test]
fn years_are_stated_or_covered() {
    let jd = "At least 5+ years of experience. We are in business for 30 years.";

    assert!(near(resume_score("10 years of experience", jd, "exp_1"), 100.0));
    assert!(near(
        resume_score("Developer, 2020 - 2022\nDeveloper, 2021 - 2023", jd, "exp_1"),
        60.0
    ));
    let education = "Education\nDegree in physics, 2015 - 2020\nExperience\nDeveloper 2022 - 2023";
    assert!(near(resume_score(education, jd, "exp_1"), 20.0));
    assert!(near(resume_score("Developer", jd, "exp_1"), 0.0));
}

#[test]
fn levels_compare_by_distance() {
    let score = |resume: &str, jd: &str| resume_score(resume, jd, "exp_3").unwrap();
    let jd = "Senior Software Engineer\nYou report to the Director of Engineering.";

    assert!(near(Some(score("Senior Engineer", jd)), 100.0));
    assert!(near(Some(score("Engineering Manager", jd)), 100.0));
    assert!(near(Some(score("Director of Engineering", jd)), 80.0));
    assert!(near(Some(score("Software Engineer", jd)), 60.0));
    assert!(near(Some(score("Junior developer", jd)), 20.0));
    assert!(near(Some(score("Gardening", jd)), 20.0));
    assert!(near(Some(score("Engineer\nMentored senior engineers", jd)), 60.0));
}

#[test]
fn degrees_compare_and_equivalents_lift() {
    let score = |resume: &str, jd: &str| resume_score(resume, jd, "exp_4");
    let jd = "Master's degree in computer science";

    assert!(near(score("Ph.D. in physics", jd), 100.0));
    assert!(near(score("B.Sc. in physics", jd), 60.0));
    assert!(near(score("Associate degree", jd), 30.0));
    assert!(near(score("Self taught", jd), 0.0));
    assert!(near(score("Self taught", "Master's degree or equivalent experience"), 60.0));
    assert!(near(score("Bachelor of Arts", "Bachelor's or Master's degree"), 100.0));
}

#[test]
fn sizes_and_modes_are_the_same_or_not() {
    assert!(near(resume_score("At a startup", "We are an early stage startup", "exp_6"), 100.0));
    assert!(near(resume_score("At a startup", "We have 12,000 employees", "exp_6"), 40.0));
    assert!(near(resume_score("Worked remotely", "Remote or hybrid", "exp_10"), 100.0));
    assert!(near(resume_score("On-site work", "Fully remote", "exp_10"), 30.0));
    assert_eq!(resume_score("Remote", "Hybrid cloud and remote procedure calls", "exp_10"), None);
}

#[test]
fn careers_rise_stay_or_fall() {
    let score = |resume: &str| resume_score(resume, "We use Python.", "exp_7");

    let rising = "Senior Developer, 2021 - present\nJunior Developer, 2018 - 2021";
    let falling = "Developer, 2021 - present\nEngineering Manager, 2018 - 2021";
    assert!(near(score(rising), 100.0));
    assert!(near(score("Developer, 2021 - 2024\nDeveloper, 2018 - 2021"), 60.0));
    assert!(near(score(falling), 30.0));
    let three_lines =
        "Engineer\nAcme\n2021 - present\n- Ran it\n\nJunior Engineer\nAcme\n2018 - 2021";
    assert!(near(score(three_lines), 100.0));
}

#[test]
fn tenure_scale_and_results_count() {
    let jd = "Python at large scale";

    assert!(near(resume_score("2019 - 2020\n2020 - 2022", jd, "exp_8"), 50.0));
    assert!(near(resume_score("Served 2 million users", jd, "exp_9"), 40.0));
    let three = "Served 2 million users\nRan 40 services\nBudget of $3";
    assert!(near(resume_score(three, jd, "exp_9"), 100.0));
    assert!(near(resume_score("Cut costs by 30%\nWrote code\n3x faster", jd, "soft_10"), 50.0));
}

#[test]
fn depth_reads_stated_and_dated_years() {
    let score = |resume: &str| resume_score(resume, "Python is required", "tech_5");

    assert!(near(score("5 years of Python"), 100.0));
    assert!(near(score("Developer, 2020 - 2021\nWrote Python"), 20.0));
    assert_eq!(score("I know Python"), None);
    assert!(near(score("Developer, 2020 - 2021\nWrote Java"), 0.0));
}

#[test]
fn trades_are_compared_with_the_one_asked_for() {
    let jd = "Experience in healthcare required";

    assert!(resume_score("Six years in banking and fintech", jd, "exp_2").unwrap() < 1.0);
    assert!(resume_score("Six years in a hospital", jd, "exp_2").unwrap() > 40.0);
}

#[test]
fn stated_principles_are_a_share() {
    let jd = "We value transparency, integrity and customer obsession.";

    assert!(near(resume_score("Known for integrity", jd, "soft_9"), 100.0 / 3.0));
    assert!(near(resume_score("A passion", "Our culture matters", "soft_9"), 15.0));
}

#[test]
fn gaps_follow_score_and_weight() {
    let found = report("Gardener", "Senior Python engineer. Python required. Agile.");

    assert_eq!(signal(&found, "tech_1").gap, Some(GapSeverity::Critical));
    assert_eq!(signal(&found, "tech_6").gap, Some(GapSeverity::Important));
    assert_eq!(found.gaps[0], "Missing critical skill: Python");
    assert!(found.gaps.len() <= 10);
}

#[test]
fn band_edges_belong_to_the_lower_band() {
    assert_eq!(band(50.0), ScoreBand::Poor);
    assert_eq!(band(50.01), ScoreBand::Good);
    assert_eq!(band(75.0), ScoreBand::Good);
    assert_eq!(band(75.01), ScoreBand::Excellent);
}

#[test]
fn unjudged_categories_leave_the_weights_to_the_others() {
    let only_soft = report("Teamwork", "Empathy");

    assert_eq!(only_soft.categories.len(), 1);
    assert!((only_soft.categories[0].weight - 1.0).abs() < 1e-12);
    assert_eq!(only_soft.categories[0].category, ScoreCategory::Soft);
}

#[test]
fn reports_survive_json_in_camel_case() {
    let found = report("Python, 2020 - 2022", "Python developer");
    let json = serde_json::to_string(&found).unwrap();

    assert!(json.contains("\"skillPercentage\":100") && json.contains("\"jdEvidence\""));
    assert_eq!(serde_json::from_str::<MatchReport>(&json).unwrap(), found);
}
