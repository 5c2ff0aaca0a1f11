//! The match score: categories, total, band, and what to say about them.

use super::dictionary::Names;
use super::skills::Tally;
use super::{CategoryScore, SignalScore};
use crate::enums::{GapSeverity, Importance, ScoreBand, ScoreCategory};

/// A report lists at most this many strengths and this many gaps.
const STATEMENTS_MAX: usize = 10;
/// A signal from this score on is a strength.
const STRENGTH_MIN: f64 = 75.0;
/// A recommendation names at most this many skills.
const ADVICE_SKILLS_MAX: usize = 3;

/// Returns the band of an unrounded score of 0..=100.
pub fn band(score: f64) -> ScoreBand {
    if score <= 50.0 {
        ScoreBand::Poor
    } else if score <= 75.0 {
        ScoreBand::Good
    } else {
        ScoreBand::Excellent
    }
}

fn share(category: ScoreCategory) -> f64 {
    match category {
        ScoreCategory::Technical => 0.40,
        ScoreCategory::Experience => 0.35,
        ScoreCategory::Soft => 0.25,
    }
}

/// Cuts a published number to six decimals, so that it survives JSON bit by bit.
pub(super) fn published(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// Returns the judged categories in wire order; their weights sum to 1.
pub(super) fn categories(signals: &[SignalScore]) -> Vec<CategoryScore> {
    let mut categories: Vec<CategoryScore> = ScoreCategory::ALL
        .iter()
        .filter_map(|category| {
            let score = mean(signals.iter().filter(|signal| signal.category == *category))?;
            Some(CategoryScore { category: *category, score, weight: share(*category) })
        })
        .collect();
    let total: f64 = categories.iter().map(|category| category.weight).sum();
    for category in &mut categories {
        category.weight = published(category.weight / total);
    }
    categories
}

/// Returns the total of the categories; `None` without any.
pub(super) fn overall(categories: &[CategoryScore]) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for category in categories {
        sum += share(category.category) * category.score;
        total += share(category.category);
    }
    (total > 0.0).then(|| published((sum / total).clamp(0.0, 100.0)))
}

/// Returns the weighted mean of the signals; `None` when none has weight.
pub(super) fn mean<'s>(signals: impl Iterator<Item = &'s SignalScore>) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for signal in signals {
        if let Some(score) = signal.resume_score {
            sum += signal.weight * score;
            total += signal.weight;
        }
    }
    (total > 0.0).then(|| published((sum / total).clamp(0.0, 100.0)))
}

/// Returns what speaks for the resume, the weightiest first.
pub(super) fn strengths(signals: &[SignalScore]) -> Vec<String> {
    let is_strength = |signal: &&SignalScore| {
        signal.weight > 0.0 && signal.resume_score.is_some_and(|score| score >= STRENGTH_MIN)
    };
    let mut strong: Vec<&SignalScore> = signals.iter().filter(is_strength).collect();
    strong.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    strong.into_iter().take(STATEMENTS_MAX).map(statement).collect()
}

/// Returns what is missing: important skills first, then signals, the worst first.
pub(super) fn gaps(names: &Names<'_>, tallies: &[Tally], signals: &[SignalScore]) -> Vec<String> {
    let skills = missing_skills(names, tallies).map(|(name, importance)| match importance {
        Importance::Critical => format!("Missing critical skill: {name}"),
        Importance::Important => format!("Missing important skill: {name}"),
        Importance::NiceToHave => format!("Missing skill: {name}"),
    });
    let mut weak: Vec<(u8, &SignalScore)> = signals
        .iter()
        .filter_map(|signal| {
            let rank = match signal.gap? {
                GapSeverity::Critical => 0,
                GapSeverity::Important => 1,
                GapSeverity::Minor => 2,
            };
            Some((rank, signal))
        })
        .collect();
    weak.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.weight.total_cmp(&a.1.weight)));
    let mut gaps: Vec<String> = skills.take(STATEMENTS_MAX / 2).collect();
    let n_left = STATEMENTS_MAX - gaps.len();
    gaps.extend(weak.into_iter().take(n_left).map(|(_, signal)| statement(signal)));
    gaps
}

/// Returns one piece of advice; `None` without a score.
pub(super) fn recommendation(
    overall: Option<f64>,
    names: &Names<'_>,
    tallies: &[Tally],
    signals: &[SignalScore],
) -> Option<String> {
    let verdict = match band(overall?) {
        ScoreBand::Excellent => "The resume fits this job well.",
        ScoreBand::Good => "The resume fits this job in part.",
        ScoreBand::Poor => "The resume shows little of what this job asks for.",
    };
    let skills: Vec<&str> =
        missing_skills(names, tallies).map(|(name, _)| name).take(ADVICE_SKILLS_MAX).collect();
    if !skills.is_empty() {
        return Some(format!(
            "{verdict} If you have them, show {} with evidence.",
            skills.join(", ")
        ));
    }
    let weakest = signals
        .iter()
        .filter(|signal| signal.gap.is_some())
        .max_by(|a, b| loss(a).total_cmp(&loss(b)).then(b.key.cmp(&a.key)));
    Some(match weakest {
        Some(signal) => format!("{verdict} Most would be won by {}.", signal.name),
        None => verdict.to_owned(),
    })
}

/// Requested skills that the resume does not name, the most important first.
fn missing_skills<'n>(
    names: &'n Names<'_>,
    tallies: &'n [Tally],
) -> impl Iterator<Item = (&'n str, Importance)> {
    tallies.iter().filter(|tally| tally.resume_count == 0).filter_map(|tally| {
        let importance = tally.importance?;
        Some((names.skill(tally.skill)?.name.as_str(), importance))
    })
}

fn loss(signal: &SignalScore) -> f64 {
    signal.weight * (100.0 - signal.resume_score.unwrap_or(100.0))
}

fn statement(signal: &SignalScore) -> String {
    format!("{}: {}", signal.name, signal.reasoning)
}
