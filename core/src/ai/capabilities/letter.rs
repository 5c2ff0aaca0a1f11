//! COVER_LETTER: a letter out of a résumé for a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{capability::Work, prompt::Prompt, schema::Complaint},
    Fields, limits, texts,
};
use crate::enums::AnalysisKind;

static PROMPT: Prompt = Prompt {
    id: "cover_letter",
    version: 1,
    text: include_str!("../../../prompts/cover_letter.v1.md"),
};

const PRINCIPLES_MAX: usize = 20;
const PRINCIPLE_CHARS: usize = 200;

pub(super) struct Letter;

/// What a letter is written from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterInput {
    /// Text of the résumé.
    pub(crate) resume: String,
    /// Text of the job description.
    pub(crate) jd: String,
    /// Name of the company.
    pub(crate) company: String,
    /// Title of the job.
    pub(crate) title: String,
    /// Who it is addressed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) addressee: Option<String>,
    /// What the company says it stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) principles: Vec<String>,
}

/// A letter.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LetterOutput {
    /// The whole letter, from the greeting to the name, with empty lines between paragraphs.
    #[schemars(length(min = 200, max = 8000))]
    pub(crate) cover_letter: String,
    /// Its tone in a few words.
    #[schemars(length(max = 80))]
    pub(crate) tone: String,
    /// Words of the job description that the letter uses.
    #[schemars(length(max = 50), inner(length(max = 100)))]
    pub(crate) keywords_used: Vec<String>,
    /// Write 0: it is counted.
    #[serde(default)]
    pub(crate) word_count: u32,
}

impl Work for Letter {
    type Input = LetterInput;
    type Output = LetterOutput;

    const KIND: AnalysisKind = AnalysisKind::CoverLetter;
    const ID: &'static str = "cover_letter";
    const MAX_TOKENS: u32 = 2000;
    const PROMPT: &'static Prompt = &PROMPT;

    fn read(fields: &mut Fields) -> LetterInput {
        LetterInput {
            resume: fields.document("resume"),
            jd: fields.document("jd"),
            company: fields.line("company", limits::COMPANY_CHARS),
            title: fields.line("title", limits::TITLE_CHARS),
            addressee: fields.line_optional("addressee", limits::TITLE_CHARS),
            principles: fields.lines("principles", PRINCIPLES_MAX, PRINCIPLE_CHARS),
        }
    }

    fn check(_: &LetterInput, output: &mut LetterOutput) -> Result<(), Complaint> {
        let letter = texts::Quotable::new(&output.cover_letter);
        output.keywords_used.retain(|word| letter.holds(word));
        texts::drop_repeats(&mut output.keywords_used);
        output.word_count = texts::word_count(&output.cover_letter);
        Ok(())
    }
}
