//! Facts about the whole analysis; the parts have their tests in their own files.

use super::*;

mod hostile;
mod matrix;
mod properties;
mod signal_facts;
mod skill_facts;

const TODAY: Today = Today { year: 2025, month: 6 };

fn report(resume: &str, jd: &str) -> MatchReport {
    analyze(&MatchInput { resume, jd, extra_skills: &[], today: TODAY })
}

fn signal(report: &MatchReport, key: &str) -> SignalScore {
    report.signals.iter().find(|signal| signal.key == key).unwrap().clone()
}

fn skill(report: &MatchReport, name: &str) -> Option<SkillMatch> {
    report.skills.iter().find(|skill| skill.skill == name).cloned()
}

/// The skills that `text` names as a job description, in the order of the alphabet.
fn named(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        report("", text).skills.into_iter().map(|skill| skill.skill).collect();
    names.sort();
    names
}

/// Every quote of a report is a piece of one line of its source.
fn assert_quotes_are_verbatim(report: &MatchReport, resume: &str, jd: &str) {
    let pairs = report.skills.iter().map(|skill| (&skill.jd_evidence, &skill.resume_evidence));
    let signals =
        report.signals.iter().map(|signal| (&signal.jd_evidence, &signal.resume_evidence));
    for (from_jd, from_resume) in pairs.chain(signals) {
        for (quote, source) in [(from_jd, jd), (from_resume, resume)] {
            let Some(quote) = quote else { continue };
            assert!(source.contains(quote.as_str()), "{quote}");
            assert!(!quote.contains(['\n', '\r']), "{quote}");
            assert!((1..=200).contains(&quote.chars().count()), "{quote}");
        }
    }
}

fn assert_in_range(report: &MatchReport) {
    let in_range = |score: f64| (0.0..=100.0).contains(&score);
    assert!(report.overall.is_none_or(in_range));
    assert!(report.signal_score.is_none_or(in_range));
    assert!(report.skill_percentage.is_none_or(|percentage| percentage <= 100));
    assert!(report.skills.len() <= 100);
    assert_eq!(report.signals.len(), 30);
    for signal in &report.signals {
        assert!(in_range(signal.jd_score) && signal.resume_score.is_none_or(in_range));
        assert!((0.0..=0.95 * 2.0 * 0.35).contains(&signal.weight), "{}", signal.key);
        assert!(!signal.reasoning.is_empty(), "{}", signal.key);
    }
    for category in &report.categories {
        assert!(in_range(category.score));
    }
    if !report.categories.is_empty() {
        let total: f64 = report.categories.iter().map(|category| category.weight).sum();
        assert!((total - 1.0).abs() < 1e-5);
    }
}
