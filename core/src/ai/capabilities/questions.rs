//! COMPANY_QUESTIONS: what a persona at a company asks in an interview.

use std::collections::HashSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::Work,
        prompt::Prompt,
        schema::{self, Complaint},
    },
    Fields,
    company::CompanyInput,
};
use crate::{
    analysis::fold,
    enums::{AnalysisKind, Persona},
};

static PROMPT: Prompt = Prompt {
    id: "company_questions",
    version: 1,
    text: include_str!("../../../prompts/company_questions.v1.md"),
};

pub(super) struct Questions;

/// What a persona at a company asks in an interview.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QuestionsOutput {
    /// The most likely first.
    #[schemars(length(min = 1, max = 20))]
    pub(crate) questions: Vec<Question>,
}

/// A question of an interview.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Question {
    /// As it would be asked.
    #[schemars(length(min = 5, max = 500))]
    pub(crate) question: String,
    /// What it is about.
    #[schemars(schema_with = "topic")]
    pub(crate) category: Topic,
    /// What the asker wants to learn.
    #[schemars(length(max = 500))]
    pub(crate) rationale: String,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Topic {
    /// Why this company and this work.
    Motivation,
    /// What the candidate did in a situation.
    Behavioral,
    /// The craft.
    Technical,
    /// The tasks of the role.
    Role,
    /// The company and its field.
    Company,
    /// How people work together there.
    Culture,
    /// Pay, place, dates.
    Logistics,
}

fn topic(_: &mut SchemaGenerator) -> Schema {
    schema::words([
        "MOTIVATION",
        "BEHAVIORAL",
        "TECHNICAL",
        "ROLE",
        "COMPANY",
        "CULTURE",
        "LOGISTICS",
    ])
}

impl Work for Questions {
    type Input = CompanyInput;
    type Output = QuestionsOutput;

    const KIND: AnalysisKind = AnalysisKind::CompanyQuestions;
    const ID: &'static str = "company_questions";
    const MAX_TOKENS: u32 = 3000;
    const PROMPT: &'static Prompt = &PROMPT;

    fn read(fields: &mut Fields) -> CompanyInput {
        let persona = fields.word("persona", Persona::parse, Persona::Recruiter);
        CompanyInput { persona: Some(persona), ..CompanyInput::read(fields) }
    }

    fn check(_: &CompanyInput, output: &mut QuestionsOutput) -> Result<(), Complaint> {
        let mut seen = HashSet::new();
        output.questions.retain(|question| seen.insert(fold(&question.question)));
        Ok(())
    }
}
