//! NOTES_SUMMARY: what the notes of a job say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::{LocalContext, Work},
        prompt::Prompt,
        schema::Complaint,
    },
    Fields, extract, limits, matching, texts,
};
use crate::enums::AnalysisKind;

static PROMPT: Prompt = Prompt {
    id: "notes_summary",
    version: 1,
    text: include_str!("../../../prompts/notes_summary.v1.md"),
};

const KEYWORDS_MAX: usize = 20;
const SUMMARY_SENTENCES: usize = 3;
const INSIGHTS_MAX: usize = 7;

pub(super) struct Notes;

/// The notes of a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotesInput {
    /// All notes, one after the other.
    pub(crate) notes: String,
    /// Name of the company.
    pub(crate) company: String,
    /// Title of the job.
    pub(crate) title: String,
}

/// What the notes say.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotesOutput {
    /// The notes in a few sentences.
    #[schemars(length(min = 1, max = 3000))]
    pub(crate) summary: String,
    /// Single facts that matter: dates, names, promises, worries.
    #[schemars(length(max = 10), inner(length(max = 500)))]
    pub(crate) key_insights: Vec<String>,
    /// Words to have ready in the interview.
    #[schemars(length(max = 30), inner(length(max = 200)))]
    pub(crate) interview_keywords: Vec<String>,
}

impl Work for Notes {
    type Input = NotesInput;
    type Output = NotesOutput;

    const KIND: AnalysisKind = AnalysisKind::NotesSummary;
    const ID: &'static str = "notes_summary";
    const MAX_TOKENS: u32 = 1000;
    const PROMPT: &'static Prompt = &PROMPT;
    const HAS_LOCAL: bool = true;

    fn read(fields: &mut Fields) -> NotesInput {
        NotesInput {
            notes: fields.document("notes"),
            company: fields.line("company", limits::COMPANY_CHARS),
            title: fields.line("title", limits::TITLE_CHARS),
        }
    }

    fn check(_: &NotesInput, output: &mut NotesOutput) -> Result<(), Complaint> {
        texts::drop_repeats(&mut output.key_insights);
        texts::drop_repeats(&mut output.interview_keywords);
        Ok(())
    }

    /// Nothing is reworded: the sentences that hold most facts, in their order.
    fn local(input: &NotesInput, cx: &LocalContext<'_>) -> Option<NotesOutput> {
        let skills = matching::report("", &input.notes, cx).skills;
        let keywords: Vec<String> =
            skills.into_iter().take(KEYWORDS_MAX).map(|skill| skill.skill).collect();
        let sentences = extract::sentences(&input.notes);
        let (best, next) = extract::best(&sentences, &keywords, SUMMARY_SENTENCES, INSIGHTS_MAX);
        Some(NotesOutput {
            summary: extract::joined(&best),
            key_insights: next,
            interview_keywords: keywords,
        })
    }
}
