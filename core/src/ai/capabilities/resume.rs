//! RESUME_IMPROVE: how a résumé could answer a job description better.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::{LocalContext, Work},
        prompt::Prompt,
        schema::Complaint,
    },
    Fields, limits, matching, texts,
};
use crate::enums::{AnalysisKind, Importance, SkillCategory, SkillStrength};

static PROMPT: Prompt = Prompt {
    id: "resume_improve",
    version: 1,
    text: include_str!("../../../prompts/resume_improve.v1.md"),
};

const SUGGESTIONS_MAX: usize = 10;

pub(super) struct Resume;

/// What suggestions are made from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeInput {
    /// Text of the résumé.
    pub(crate) resume: String,
    /// Text of the job description.
    pub(crate) jd: String,
}

/// How a résumé could answer a job description better.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumeOutput {
    /// The most useful first.
    #[schemars(length(max = 15))]
    pub(crate) suggestions: Vec<Suggestion>,
    /// Words of the job description that the résumé lacks, most wanted first.
    #[schemars(length(max = 50), inner(length(max = 200)))]
    pub(crate) missing_keywords: Vec<String>,
    /// The match after the changes, 0 to 100; null when it was not judged.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub(crate) estimated_new_score: Option<f64>,
}

/// One change of a résumé.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suggestion {
    /// The section of the résumé it is about.
    #[schemars(length(max = 120))]
    pub(crate) section: String,
    /// The words that stand there now, copied exactly; null for an addition.
    #[serde(default)]
    #[schemars(length(max = 1500))]
    pub(crate) current: Option<String>,
    /// What should stand there.
    #[schemars(length(min = 1, max = 1500))]
    pub(crate) suggested: String,
    /// Why it helps.
    #[schemars(length(max = 600))]
    pub(crate) reasoning: String,
}

impl Work for Resume {
    type Input = ResumeInput;
    type Output = ResumeOutput;

    const KIND: AnalysisKind = AnalysisKind::ResumeImprove;
    const ID: &'static str = "resume_improve";
    // A handful of rewritten lines with their reasons does not fit into the 1000 of a short review.
    const MAX_TOKENS: u32 = 3000;
    const PROMPT: &'static Prompt = &PROMPT;
    const HAS_LOCAL: bool = true;

    fn read(fields: &mut Fields) -> ResumeInput {
        ResumeInput { resume: fields.document("resume"), jd: fields.document("jd") }
    }

    fn check(input: &ResumeInput, output: &mut ResumeOutput) -> Result<(), Complaint> {
        let resume = texts::Quotable::new(&input.resume);
        for suggestion in &mut output.suggestions {
            resume.keep_quote(&mut suggestion.current);
        }
        output.missing_keywords.retain(|word| !resume.has_word(word));
        texts::drop_repeats(&mut output.missing_keywords);
        Ok(())
    }

    fn local(input: &ResumeInput, cx: &LocalContext<'_>) -> Option<ResumeOutput> {
        let report = matching::report(&input.resume, &input.jd, cx);
        let mut missing: Vec<_> = report
            .skills
            .into_iter()
            .filter(|skill| skill.strength == SkillStrength::None)
            .filter_map(|skill| Some((skill.importance?, skill)))
            .collect();
        missing.sort_by_key(|(importance, _)| *importance);
        missing.truncate(limits::NAMES);
        let suggestions = missing.iter().take(SUGGESTIONS_MAX).map(|(importance, skill)| {
            let name = &skill.skill;
            let (section, suggested) = match skill.category {
                SkillCategory::Soft => (
                    "Experience",
                    format!("If you have shown {name}, add a line that says where and with what result."),
                ),
                _ => (
                    "Skills",
                    format!("If you have worked with {name}, name it here and in the job where you used it."),
                ),
            };
            let times = match skill.jd_count {
                1 => "once".to_owned(),
                n => format!("{n} times"),
            };
            let weight = match importance {
                Importance::Critical => "as something it cannot do without",
                Importance::Important => "as something it clearly wants",
                Importance::NiceToHave => "as a plus",
            };
            Suggestion {
                section: section.to_owned(),
                current: None,
                suggested,
                reasoning: format!(
                    "The job description names {name} {times}, {weight}; the résumé does not name it."
                ),
            }
        });
        Some(ResumeOutput {
            suggestions: suggestions.collect(),
            missing_keywords: missing.iter().map(|(_, skill)| skill.skill.clone()).collect(),
            estimated_new_score: None,
        })
    }
}
