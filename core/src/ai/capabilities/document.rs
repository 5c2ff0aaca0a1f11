//! DOCUMENT_NORMALIZE: a document in clean, plain text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        capability::{LocalContext, Work},
        prompt::Prompt,
        schema::Complaint,
    },
    Fields, layout, texts,
};
use crate::enums::{AnalysisKind, AttachmentKind};

static PROMPT: Prompt = Prompt {
    id: "normalize_attachment",
    version: 1,
    text: include_str!("../../../prompts/normalize_attachment.v1.md"),
};

pub(super) struct Document;

/// A document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DocumentInput {
    /// Its text.
    pub(crate) text: String,
    /// What it is.
    pub(crate) document_kind: AttachmentKind,
}

/// A document in clean, plain text.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentOutput {
    /// The text: lines, empty lines between parts, items behind "- ".
    #[schemars(length(min = 1, max = 262_144))]
    pub(crate) text: String,
    /// Write 0: it is counted.
    #[serde(default)]
    pub(crate) word_count: u32,
}

impl Work for Document {
    type Input = DocumentInput;
    type Output = DocumentOutput;

    const KIND: AnalysisKind = AnalysisKind::DocumentNormalize;
    const ID: &'static str = "normalize_attachment";
    const MAX_TOKENS: u32 = 2000;
    const PROMPT: &'static Prompt = &PROMPT;
    const HAS_LOCAL: bool = true;

    fn read(fields: &mut Fields) -> DocumentInput {
        DocumentInput {
            text: fields.document("text"),
            document_kind: fields.word(
                "documentKind",
                AttachmentKind::parse,
                AttachmentKind::Other,
            ),
        }
    }

    fn check(_: &DocumentInput, output: &mut DocumentOutput) -> Result<(), Complaint> {
        output.word_count = texts::word_count(&output.text);
        Ok(())
    }

    fn local(input: &DocumentInput, _: &LocalContext<'_>) -> Option<DocumentOutput> {
        let text = layout::tidy(&input.text);
        // A document of page numbers only is better kept as it is than lost.
        let text = if text.is_empty() { input.text.clone() } else { text };
        Some(DocumentOutput { word_count: texts::word_count(&text), text })
    }
}
