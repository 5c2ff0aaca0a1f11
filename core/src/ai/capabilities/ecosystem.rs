//! COMPANY_ECOSYSTEM: the companies around a company.

use std::collections::HashSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::{PublicInput, Work},
        prompt::Prompt,
        schema::{self, Complaint},
    },
    Fields,
    company::CompanyInput,
};
use crate::{companies::company_key, enums::AnalysisKind};

static PROMPT: Prompt = Prompt {
    id: "company_ecosystem",
    version: 1,
    text: include_str!("../../../prompts/company_ecosystem.v1.md"),
};

pub(super) struct Ecosystem;

/// The companies around a company. Nothing was looked up: it is what the model knows.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EcosystemOutput {
    /// At most 10, most relevant first; empty when the company is not surely known.
    #[schemars(length(max = 10))]
    pub(crate) companies: Vec<Neighbour>,
}

/// One company around another.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Neighbour {
    /// Its usual name.
    #[schemars(length(min = 1, max = 120))]
    pub(crate) name: String,
    /// What it is to the company asked about.
    #[schemars(schema_with = "relation")]
    pub(crate) category: Relation,
    /// Number of employees in words, such as "about 500".
    #[serde(default)]
    #[schemars(length(max = 80))]
    pub(crate) size: Option<String>,
    /// Its industry.
    #[serde(default)]
    #[schemars(length(max = 120))]
    pub(crate) industry: Option<String>,
    /// Where its main office is.
    #[serde(default)]
    #[schemars(length(max = 120))]
    pub(crate) location: Option<String>,
    /// Who leads it.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) leadership: Option<String>,
    /// How close it is to the company asked about, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub(crate) relevance_score: f64,
    /// Why it is here.
    #[schemars(length(max = 600))]
    pub(crate) reason: String,
    /// What a candidate can make of it in an interview.
    #[serde(default)]
    #[schemars(length(max = 600))]
    pub(crate) interview_relevance: Option<String>,
    /// How sure all of this is, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub(crate) confidence: f64,
}

/// What a company is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Relation {
    /// Sells the same to the same.
    Competitor,
    /// Works with it.
    Partner,
    /// Sells to it.
    Supplier,
    /// Buys from it.
    Customer,
    /// Works next to its field.
    Adjacent,
}

fn relation(_: &mut SchemaGenerator) -> Schema {
    schema::words(["COMPETITOR", "PARTNER", "SUPPLIER", "CUSTOMER", "ADJACENT"])
}

impl Work for Ecosystem {
    type Input = CompanyInput;
    type Output = EcosystemOutput;

    const KIND: AnalysisKind = AnalysisKind::CompanyEcosystem;
    const ID: &'static str = "company_ecosystem";
    // Who leads and who competes changes.
    const TTL_DAYS: u32 = 7;
    const MAX_TOKENS: u32 = 8000;
    const PROMPT: &'static Prompt = &PROMPT;

    fn read(fields: &mut Fields) -> CompanyInput {
        CompanyInput::read(fields)
    }

    fn check(input: &CompanyInput, output: &mut EcosystemOutput) -> Result<(), Complaint> {
        let companies = &mut output.companies;
        companies.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
        // A company is not its own neighbour, and one neighbour is listed once.
        let mut seen = HashSet::from([input.subject()]);
        companies.retain(|company| seen.insert(company_key(&company.name)));
        Ok(())
    }
}
