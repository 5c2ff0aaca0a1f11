//! MATCH_SCORE: how a résumé answers a job description.

use std::collections::HashSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::{LocalContext, Work},
        prompt::Prompt,
        schema::{self, Complaint},
    },
    Fields, limits, texts,
};
use crate::{
    analysis::{self, MatchReport},
    enums::{AnalysisKind, Importance, ScoreCategory, SkillCategory, SkillStrength},
};

static PROMPT: Prompt = Prompt {
    id: "match_score",
    version: 1,
    text: include_str!("../../../prompts/match_score.v1.md"),
};

/// Shares of the three categories in the total, renormalised where one could not be judged.
const WEIGHTS: [f64; 3] = [0.40, 0.35, 0.25];
const UNEXPECTED_MAX: usize = 20;

pub(super) struct Match;

/// What a match is computed from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchInput {
    /// Text of the résumé.
    pub(crate) resume: String,
    /// Text of the job description.
    pub(crate) jd: String,
    /// Name of the company.
    pub(crate) company: String,
    /// Title of the job.
    pub(crate) title: String,
}

/// How a résumé answers a job description.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MatchOutput {
    /// The score and its reasons.
    pub(crate) match_score: Score,
    /// The skills on both sides.
    pub(crate) skills_match: Skills,
}

/// The score and its reasons.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Score {
    /// 0 to 100. Write null: it is computed from the categories.
    #[serde(default)]
    pub(crate) overall_score: Option<f64>,
    /// The categories, 0 to 1; null for one that cannot be judged.
    pub(crate) category_breakdown: Breakdown,
    /// What speaks for the candidate, strongest first.
    #[schemars(length(max = 10), inner(length(max = 500)))]
    pub(crate) top_strengths: Vec<String>,
    /// What is missing, most harmful first.
    #[schemars(length(max = 10), inner(length(max = 500)))]
    pub(crate) top_gaps: Vec<String>,
    /// One sentence of advice.
    #[serde(default)]
    #[schemars(length(max = 800))]
    pub(crate) quick_recommendation: Option<String>,
    /// How sure the judgement is, 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    pub(crate) confidence: Option<f64>,
}

/// The three parts of the score.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Breakdown {
    /// Technical skills.
    #[schemars(schema_with = "share")]
    pub(crate) technical: Option<f64>,
    /// Experience: years, level, field, results.
    #[schemars(schema_with = "share")]
    pub(crate) experience: Option<f64>,
    /// Working with others.
    #[schemars(schema_with = "share")]
    pub(crate) soft_skills: Option<f64>,
}

/// The skills on both sides.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skills {
    /// Share of the requested skills that the résumé shows, 0 to 100. Write null: it is computed.
    #[serde(default)]
    pub(crate) overall_match_percentage: Option<f64>,
    /// Technical skills that either text names.
    #[schemars(length(max = 100))]
    pub(crate) technical_skills: Vec<Skill>,
    /// Soft skills that either text names.
    #[schemars(length(max = 100))]
    pub(crate) soft_skills: Vec<Skill>,
    /// Skills the job cannot do without and the résumé does not show.
    #[schemars(length(max = 50), inner(length(max = 200)))]
    pub(crate) missing_critical_skills: Vec<String>,
    /// Useful skills of the résumé that nobody asked for.
    #[schemars(length(max = 50), inner(length(max = 200)))]
    pub(crate) unexpected_strengths: Vec<String>,
    /// Skills of the résumé that come close to a requested one.
    #[schemars(length(max = 50), inner(length(max = 200)))]
    pub(crate) transferable_skills: Vec<String>,
}

/// One skill on both sides.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skill {
    /// Its usual name.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) skill: String,
    /// How strongly the résumé shows it; TRANSFERABLE when it only shows something close.
    #[schemars(schema_with = "strength")]
    pub(crate) strength: SkillStrength,
    /// How much the job description wants it; null when it does not ask for it.
    #[serde(default)]
    #[schemars(schema_with = "importance")]
    pub(crate) importance: Option<Importance>,
    /// Verbatim piece of the job description that names it.
    #[serde(default)]
    #[schemars(length(max = 400))]
    pub(crate) jd_evidence: Option<String>,
    /// Verbatim piece of the résumé that shows it.
    #[serde(default)]
    #[schemars(length(max = 400))]
    pub(crate) resume_evidence: Option<String>,
}

fn share(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["number", "null"], "minimum": 0, "maximum": 1 })
}

fn strength(_: &mut SchemaGenerator) -> Schema {
    schema::words(SkillStrength::ALL.iter().map(|word| word.as_str()))
}

fn importance(_: &mut SchemaGenerator) -> Schema {
    schema::words_or_null(Importance::ALL.iter().map(|word| word.as_str()))
}

impl Work for Match {
    type Input = MatchInput;
    type Output = MatchOutput;

    const KIND: AnalysisKind = AnalysisKind::MatchScore;
    const ID: &'static str = "match_score";
    const MAX_TOKENS: u32 = 8000;
    const PROMPT: &'static Prompt = &PROMPT;
    const HAS_LOCAL: bool = true;

    fn read(fields: &mut Fields) -> MatchInput {
        MatchInput {
            resume: fields.document("resume"),
            jd: fields.document("jd"),
            company: fields.line("company", limits::COMPANY_CHARS),
            title: fields.line("title", limits::TITLE_CHARS),
        }
    }

    fn check(input: &MatchInput, output: &mut MatchOutput) -> Result<(), Complaint> {
        let MatchOutput { match_score: score, skills_match: skills } = output;
        texts::drop_empty(&mut score.top_strengths);
        texts::drop_empty(&mut score.top_gaps);
        for list in [
            &mut skills.missing_critical_skills,
            &mut skills.unexpected_strengths,
            &mut skills.transferable_skills,
        ] {
            texts::drop_repeats(list);
        }
        let (jd, resume) = (texts::Quotable::new(&input.jd), texts::Quotable::new(&input.resume));
        // One skill counts once, whichever list repeats it.
        let mut seen = HashSet::new();
        for list in [&mut skills.technical_skills, &mut skills.soft_skills] {
            list.retain(|skill| seen.insert(analysis::fold(&skill.skill)));
            for skill in list {
                jd.keep_quote(&mut skill.jd_evidence);
                resume.keep_quote(&mut skill.resume_evidence);
            }
        }
        score.overall_score = overall(&score.category_breakdown);
        skills.overall_match_percentage =
            percentage(skills.technical_skills.iter().chain(&skills.soft_skills));
        Ok(())
    }

    fn local(input: &MatchInput, cx: &LocalContext<'_>) -> Option<MatchOutput> {
        Some(from_report(report(&input.resume, &input.jd, cx)))
    }
}

/// Returns the engine's own analysis of two texts.
pub(super) fn report(resume: &str, jd: &str, cx: &LocalContext<'_>) -> MatchReport {
    let LocalContext { today, extra_skills } = *cx;
    analysis::analyze(&analysis::MatchInput { resume, jd, extra_skills, today })
}

/// Returns the weighted total of the judged categories, 0 to 100 with six decimals.
fn overall(breakdown: &Breakdown) -> Option<f64> {
    let Breakdown { technical, experience, soft_skills } = breakdown;
    let (mut sum, mut weights) = (0.0, 0.0);
    for (share, weight) in [technical, experience, soft_skills].into_iter().zip(WEIGHTS) {
        if let Some(share) = share {
            sum += share * weight;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| six_decimals(100.0 * sum / weights))
}

fn percentage<'a>(skills: impl Iterator<Item = &'a Skill>) -> Option<f64> {
    let (mut asked, mut shown) = (0_u32, 0_u32);
    for skill in skills.filter(|skill| skill.importance.is_some()) {
        asked += 1;
        shown += match skill.strength {
            SkillStrength::Strong | SkillStrength::Moderate | SkillStrength::Weak => 1,
            SkillStrength::Transferable | SkillStrength::None => 0,
        };
    }
    (asked > 0).then(|| (100.0 * f64::from(shown) / f64::from(asked)).round())
}

fn six_decimals(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

fn from_report(report: MatchReport) -> MatchOutput {
    let share = |wanted: ScoreCategory| {
        let part = report.categories.iter().find(|part| part.category == wanted);
        part.map(|part| (part.score * 1e6).round() / 1e8)
    };
    let category_breakdown = Breakdown {
        technical: share(ScoreCategory::Technical),
        experience: share(ScoreCategory::Experience),
        soft_skills: share(ScoreCategory::Soft),
    };
    let names = |wanted: &dyn Fn(&analysis::SkillMatch) -> bool, most: usize| -> Vec<String> {
        let found = report.skills.iter().filter(|skill| wanted(skill));
        found.take(most).map(|skill| skill.skill.clone()).collect()
    };
    let missing_critical_skills = names(
        &|skill| {
            skill.importance == Some(Importance::Critical) && skill.strength == SkillStrength::None
        },
        limits::NAMES,
    );
    let unexpected_strengths = names(&|skill| skill.importance.is_none(), UNEXPECTED_MAX);
    let (soft, technical): (Vec<_>, Vec<_>) =
        report.skills.into_iter().partition(|skill| skill.category == SkillCategory::Soft);
    MatchOutput {
        match_score: Score {
            overall_score: report.overall,
            category_breakdown,
            top_strengths: report.strengths,
            top_gaps: report.gaps,
            quick_recommendation: report.recommendation,
            confidence: None,
        },
        skills_match: Skills {
            overall_match_percentage: report.skill_percentage.map(f64::from),
            technical_skills: technical.into_iter().map(skill).collect(),
            soft_skills: soft.into_iter().map(skill).collect(),
            missing_critical_skills,
            unexpected_strengths,
            transferable_skills: Vec::new(),
        },
    }
}

fn skill(found: analysis::SkillMatch) -> Skill {
    Skill {
        skill: found.skill,
        strength: found.strength,
        importance: found.importance,
        jd_evidence: found.jd_evidence,
        resume_evidence: found.resume_evidence,
    }
}
