//! The engine's own analysis of a resume against a job description.
//!
//! Everything here is a pure function of two texts, the tables in `core/data` and a given date:
//! no clock, no input or output, no model. The same input gives the same bytes.

use serde::{Deserialize, Serialize};

use crate::enums::{
    GapSeverity, Importance, ScoreBand, ScoreCategory, SkillCategory, SkillStrength,
};

mod career;
mod career_signals;
mod dates;
mod demand;
mod dictionary;
mod evidence;
mod facts;
mod figures;
mod fold;
mod lexicon;
mod mentions;
mod scanner;
mod score;
mod signal_rules;
mod signals;
mod skills;
mod tokens;
mod trie;

#[cfg(test)]
mod tests;

pub use fold::fold;
pub use score::band;

/// The version of rules and tables. It enters cache keys: raise it with every change of results.
pub const ANALYSIS_VERSION: u32 = 1;

/// The date that "present" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Today {
    /// Year of the common era.
    pub year: i32,
    /// 1 to 12; other values are brought into range.
    pub month: u8,
}

/// What an analysis reads.
#[derive(Debug, Clone, Copy)]
pub struct MatchInput<'a> {
    /// Text of the resume; the caller refuses texts over 2 MiB.
    pub resume: &'a str,
    /// Text of the job description; the caller refuses texts over 2 MiB.
    pub jd: &'a str,
    /// Names of the user's own skills, besides the built-in ones. The first 200 count; a name of
    /// more than 8 tokens or 200 bytes, or without a letter or digit, is ignored.
    pub extra_skills: &'a [String],
    /// The date that "present" means.
    pub today: Today,
}

/// How a resume answers a job description. Scores are 0 to 100; numbers have six decimals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchReport {
    /// Null when nothing could be judged, as with an empty job description.
    pub overall: Option<f64>,
    /// The band of `overall`.
    pub band: Option<ScoreBand>,
    /// The judged categories; their weights sum to 1.
    pub categories: Vec<CategoryScore>,
    /// Share of the requested skills that the resume shows; null when none is requested.
    pub skill_percentage: Option<u8>,
    /// The same per category of skill, categories without a requested skill left out.
    pub skill_categories: Vec<CategoryPercentage>,
    /// At most 100, requested skills first.
    pub skills: Vec<SkillMatch>,
    /// Weighted over the signals that count; null without any.
    pub signal_score: Option<f64>,
    /// The 30 standard signals in their fixed order.
    pub signals: Vec<SignalScore>,
    /// What speaks for the resume, at most 10 sentences.
    pub strengths: Vec<String>,
    /// What is missing, at most 10 sentences.
    pub gaps: Vec<String>,
    /// One piece of advice; null without a score.
    pub recommendation: Option<String>,
}

/// A part of the match score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryScore {
    /// Which part.
    pub category: ScoreCategory,
    /// 0 to 100.
    pub score: f64,
    /// Share in the total, 0 to 1, after unjudged categories were left out.
    pub weight: f64,
}

/// The share of a category's requested skills that the resume shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryPercentage {
    /// Which skills.
    pub category: SkillCategory,
    /// 0 to 100.
    pub percentage: u8,
}

/// A skill as the job description and the resume name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillMatch {
    /// The name in the dictionary, or the user's own spelling.
    pub skill: String,
    /// OTHER for the user's own skills.
    pub category: SkillCategory,
    /// In the resume: NONE, MODERATE for one mention, STRONG for more.
    pub strength: SkillStrength,
    /// In the job description; null when it does not ask for the skill.
    pub importance: Option<Importance>,
    /// Mentions in the job description.
    pub jd_count: u32,
    /// Mentions in the resume.
    pub resume_count: u32,
    /// Verbatim piece of the first line of the job description that names it, at most 200
    /// characters.
    pub jd_evidence: Option<String>,
    /// The same of the resume.
    pub resume_evidence: Option<String>,
}

/// One of the 30 standard criteria of applicant tracking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignalScore {
    /// Stable key, `tech_1` to `soft_10`.
    pub key: String,
    /// Name in English.
    pub name: String,
    /// The part of the match score it counts for.
    pub category: ScoreCategory,
    /// Weight before the job description's emphasis, 0 to 1.
    pub base_weight: f64,
    /// Weight after emphasis and category; 0 when not judged or not asked for.
    pub weight: f64,
    /// How much the job description asks for it, 0 to 100.
    pub jd_score: f64,
    /// How well the resume answers, 0 to 100; null when it cannot be judged.
    pub resume_score: Option<f64>,
    /// Verbatim piece of the job description, at most 200 characters.
    pub jd_evidence: Option<String>,
    /// Verbatim piece of the resume, at most 200 characters.
    pub resume_evidence: Option<String>,
    /// One sentence in English.
    pub reasoning: String,
    /// Null when there is no gap.
    pub gap: Option<GapSeverity>,
}

/// Compares a resume with a job description.
///
/// Never fails: an empty job description gives nulls and no score, an empty resume zeros. Linear in
/// the texts, at most about 30 bytes of memory per byte of text.
pub fn analyze(input: &MatchInput<'_>) -> MatchReport {
    let names = dictionary::Names::new(&dictionary::TABLES, input.extra_skills);
    let jd = facts::Facts::new(input.jd, &names, input.today);
    let resume = facts::Facts::new(input.resume, &names, input.today);
    let tallies = skills::tally(&names, &jd.mentions, &resume.mentions, &jd.demands);
    let signals = signals::signals(&signals::Comparison {
        names: &names,
        jd: &jd,
        resume: &resume,
        tallies: &tallies,
    });
    let categories = score::categories(&signals);
    let overall = score::overall(&categories);
    MatchReport {
        overall,
        band: overall.map(band),
        skill_percentage: skills::percentage(&tallies),
        skill_categories: skills::category_percentages(&tallies),
        skills: skills::matches(&names, &tallies, &jd.doc, &resume.doc),
        signal_score: score::mean(signals.iter()),
        strengths: score::strengths(&signals),
        gaps: score::gaps(&names, &tallies, &signals),
        recommendation: score::recommendation(overall, &names, &tallies, &signals),
        categories,
        signals,
    }
}
