//! What an analysis read, and how that relates to the documents as they are now.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{attachments::Variant, jobs::Job, meta::hex};

/// What an analysis of fit read, as digests: without any of the texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Components {
    pub(crate) resume: Option<Part>,
    pub(crate) jd: Option<Part>,
    pub(crate) cover_letter: Option<Part>,
    /// Company key and title.
    pub(crate) job: String,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    pub(crate) attachment: String,
    /// Of the text with white space folded.
    pub(crate) digest: String,
}

impl Components {
    pub(crate) fn of(
        job: &Job,
        resume: Option<&Variant>,
        jd: Option<&Variant>,
        cover_letter: Option<&Variant>,
    ) -> Self {
        let part = |variant: &Variant| {
            let mut digest = Sha256::new();
            for (n, word) in variant.text.split_whitespace().enumerate() {
                if n > 0 {
                    digest.update(b" ");
                }
                digest.update(word.as_bytes());
            }
            Part {
                attachment: variant.attachment_id.as_uuid().as_simple().to_string(),
                digest: hex(&digest.finalize()),
            }
        };
        let mut about = Sha256::new();
        for text in [&job.company_key, &job.title] {
            about.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            about.update(text.as_bytes());
        }
        Self {
            resume: resume.map(part),
            jd: jd.map(part),
            cover_letter: cover_letter.map(part),
            job: hex(&about.finalize()),
        }
    }
}
