//! PEOPLE_EXTRACT: a person out of pasted text, such as a profile page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{capability::Work, prompt::Prompt, schema::Complaint},
    Fields, texts,
};
use crate::enums::AnalysisKind;

static PROMPT: Prompt = Prompt {
    id: "people_extract",
    version: 1,
    text: include_str!("../../../prompts/people_extract.v1.md"),
};

pub(super) struct People;

/// A pasted text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeopleInput {
    /// The text.
    pub(crate) text: String,
}

/// The person that a text is about. Only what the text says.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeopleOutput {
    /// The person's name; null when the text is about nobody.
    #[schemars(schema_with = "name")]
    pub(crate) name: Option<String>,
    /// The present job title.
    #[serde(default)]
    #[schemars(length(max = 300))]
    pub(crate) title: Option<String>,
    /// The present company.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) company: Option<String>,
    /// Where the person lives or works.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) location: Option<String>,
    /// How the person describes themselves.
    #[serde(default)]
    #[schemars(length(max = 5000))]
    pub(crate) about: Option<String>,
    /// Jobs, latest first.
    #[schemars(length(max = 50))]
    pub(crate) experiences: Vec<Experience>,
    /// Schools, latest first.
    #[schemars(length(max = 20))]
    pub(crate) education: Vec<Education>,
    /// Skills as the text names them.
    #[schemars(length(max = 100), inner(length(max = 200)))]
    pub(crate) skills: Vec<String>,
    /// What others wrote about the person.
    #[schemars(length(max = 20))]
    pub(crate) recommendations: Vec<Recommendation>,
}

/// A job of a person.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Experience {
    /// The job title.
    #[serde(default)]
    #[schemars(length(max = 300))]
    pub(crate) title: Option<String>,
    /// The company.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) company: Option<String>,
    /// When it began, as written.
    #[serde(default)]
    #[schemars(length(max = 60))]
    pub(crate) start: Option<String>,
    /// When it ended, as written; null for the present job.
    #[serde(default)]
    #[schemars(length(max = 60))]
    pub(crate) end: Option<String>,
    /// What was done there.
    #[serde(default)]
    #[schemars(length(max = 3000))]
    pub(crate) description: Option<String>,
}

/// A school of a person.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Education {
    /// The school.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) school: Option<String>,
    /// The degree.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) degree: Option<String>,
    /// The field of study.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) field: Option<String>,
    /// When it began, as written.
    #[serde(default)]
    #[schemars(length(max = 60))]
    pub(crate) start: Option<String>,
    /// When it ended, as written.
    #[serde(default)]
    #[schemars(length(max = 60))]
    pub(crate) end: Option<String>,
}

/// What somebody wrote about a person.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recommendation {
    /// Who wrote it.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) author: Option<String>,
    /// What the writer is to the person.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub(crate) relationship: Option<String>,
    /// The words.
    #[schemars(length(max = 3000))]
    pub(crate) text: String,
}

fn name(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "null"], "maxLength": 200 })
}

impl Work for People {
    type Input = PeopleInput;
    type Output = PeopleOutput;

    const KIND: AnalysisKind = AnalysisKind::PeopleExtract;
    const ID: &'static str = "people_extract";
    const MAX_TOKENS: u32 = 12_000;
    const PROMPT: &'static Prompt = &PROMPT;

    fn read(fields: &mut Fields) -> PeopleInput {
        PeopleInput { text: fields.document("text") }
    }

    fn check(input: &PeopleInput, output: &mut PeopleOutput) -> Result<(), Complaint> {
        let text = texts::Quotable::new(&input.text);
        output.name = output.name.take().filter(|name| !name.is_empty());
        if output.name.as_ref().is_some_and(|name| !text.holds(name)) {
            return Err(Complaint::new("/name: is not in the text"));
        }
        output.skills.retain(|skill| text.holds(skill));
        texts::drop_repeats(&mut output.skills);
        output.recommendations.retain(|said| !said.text.is_empty());
        Ok(())
    }
}
