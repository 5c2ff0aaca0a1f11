//! COMPANY_INTELLIGENCE: what there is to know about a company.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{capability::Work, prompt::Prompt, schema::Complaint},
    Fields,
    company::CompanyInput,
    texts,
};
use crate::enums::AnalysisKind;

static PROMPT: Prompt = Prompt {
    id: "company_intelligence",
    version: 1,
    text: include_str!("../../../prompts/company_intelligence.v1.md"),
};

pub(super) struct Intelligence;

/// What there is to know about a company. Nothing was looked up: it is what the model knows.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntelligenceOutput {
    /// The company.
    pub(crate) company: Company,
}

/// The company.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Company {
    /// Whether the company is surely known; if not, all else is null or empty.
    pub(crate) known: bool,
    /// Its usual name.
    #[serde(default)]
    #[schemars(length(max = 120))]
    pub(crate) name: Option<String>,
    /// The year it was founded.
    #[serde(default)]
    #[schemars(range(min = 1000, max = 2100))]
    pub(crate) founded: Option<i32>,
    /// Number of employees in words, such as "about 500".
    #[serde(default)]
    #[schemars(length(max = 80))]
    pub(crate) employees: Option<String>,
    /// How it is financed.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) funding: Option<String>,
    /// Its revenue, with the year.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) revenue: Option<String>,
    /// What it does and for whom.
    #[serde(default)]
    #[schemars(length(max = 1500))]
    pub(crate) description: Option<String>,
    /// Facts a candidate should know.
    #[schemars(length(max = 10), inner(length(max = 400)))]
    pub(crate) key_facts: Vec<String>,
    /// Values or principles that the company states itself.
    #[schemars(length(max = 20), inner(length(max = 200)))]
    pub(crate) principles: Vec<String>,
    /// How it is to work there.
    #[serde(default)]
    pub(crate) culture: Option<Culture>,
    /// Who leads it.
    #[schemars(length(max = 10))]
    pub(crate) leadership: Vec<Leader>,
    /// Names of its competitors.
    #[schemars(length(max = 10), inner(length(max = 120)))]
    pub(crate) competitors: Vec<String>,
    /// How sure all of this is, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub(crate) confidence: f64,
}

/// How it is to work at a company.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Culture {
    /// What people who work there like.
    #[schemars(length(max = 8), inner(length(max = 300)))]
    pub(crate) positive: Vec<String>,
    /// What they complain about.
    #[schemars(length(max = 8), inner(length(max = 300)))]
    pub(crate) negative: Vec<String>,
    /// Both in one or two sentences.
    #[serde(default)]
    #[schemars(length(max = 600))]
    pub(crate) overall: Option<String>,
}

/// Someone who leads a company.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Leader {
    /// The person's name.
    #[schemars(length(min = 1, max = 120))]
    pub(crate) name: String,
    /// The person's role.
    #[serde(default)]
    #[schemars(length(max = 120))]
    pub(crate) role: Option<String>,
}

impl Work for Intelligence {
    type Input = CompanyInput;
    type Output = IntelligenceOutput;

    const KIND: AnalysisKind = AnalysisKind::CompanyIntelligence;
    const ID: &'static str = "company_intelligence";
    // Leadership and funding age.
    const TTL_DAYS: u32 = 30;
    const MAX_TOKENS: u32 = 8000;
    const PROMPT: &'static Prompt = &PROMPT;

    fn read(fields: &mut Fields) -> CompanyInput {
        CompanyInput::read(fields)
    }

    fn check(_: &CompanyInput, output: &mut IntelligenceOutput) -> Result<(), Complaint> {
        let company = &mut output.company;
        if !company.known {
            // What is said of a company that is not known is made up.
            *company = Company::unknown(company.confidence);
        }
        texts::drop_repeats(&mut company.key_facts);
        texts::drop_repeats(&mut company.principles);
        texts::drop_repeats(&mut company.competitors);
        if let Some(culture) = &mut company.culture {
            texts::drop_repeats(&mut culture.positive);
            texts::drop_repeats(&mut culture.negative);
        }
        Ok(())
    }
}

impl Company {
    fn unknown(confidence: f64) -> Self {
        Self {
            known: false,
            name: None,
            founded: None,
            employees: None,
            funding: None,
            revenue: None,
            description: None,
            key_facts: Vec::new(),
            principles: Vec::new(),
            culture: None,
            leadership: Vec::new(),
            competitors: Vec::new(),
            confidence,
        }
    }
}
