//! What an analysis read, and how that relates to the documents as they are now. Pure: digests go
//! in, never a text.

mod judge;
mod similarity;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use similarity::Words;

use crate::{
    attachments::Variant,
    enums::{StalenessPart, StalenessSeverity},
    id::AttachmentId,
    jobs::Job,
    meta::hex,
};

/// Above this two texts count as the same.
const SAME: f64 = 0.95;
/// Above this a text has changed a little.
const ALIKE: f64 = 0.80;

/// How a stored analysis relates to the documents as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staleness {
    /// How bad it is.
    pub severity: StalenessSeverity,
    /// What is no longer as it was read, in the order of the enum.
    pub changed: Vec<StalenessPart>,
    /// Why, in words.
    pub reason: String,
}

/// What an analysis of fit read, as digests: without any of the texts. There is no profile of the
/// user yet; its version belongs here once there is.
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
    pub(crate) attachment: AttachmentId,
    pub(crate) has_text: bool,
    /// Counts the changes of the text: the same number of the same attachment is the same text, so
    /// nobody has to read it to know. 0 without a text.
    pub(crate) text_version: i64,
    /// Of the text with white space folded; of the file where there is no text.
    pub(crate) digest: String,
}

impl Part {
    pub(crate) fn of(text: &Variant) -> Self {
        Self {
            attachment: text.attachment_id,
            has_text: true,
            text_version: text.version,
            digest: digest(&text.text),
        }
    }

    /// Reports whether both are the same state of the same document.
    pub(crate) fn is_same_state(&self, other: &Self) -> bool {
        (self.attachment, self.has_text, self.text_version)
            == (other.attachment, other.has_text, other.text_version)
    }
}

/// Returns the digest of a text with white space folded.
pub(crate) fn digest(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    hex(&Sha256::digest(folded))
}

impl Components {
    pub(crate) fn of(
        job: &Job,
        resume: Option<Part>,
        jd: Option<Part>,
        cover_letter: Option<Part>,
    ) -> Self {
        Self { resume, jd, cover_letter, job: about(job) }
    }

    pub(crate) fn part(&self, part: StalenessPart) -> Option<&Part> {
        match part {
            StalenessPart::Resume => self.resume.as_ref(),
            StalenessPart::Jd => self.jd.as_ref(),
            StalenessPart::CoverLetter => self.cover_letter.as_ref(),
            StalenessPart::Job => None,
        }
    }

    fn digest_of(&self, part: StalenessPart) -> Option<&str> {
        match part {
            StalenessPart::Job => Some(&self.job),
            part => self.part(part).map(|part| part.digest.as_str()),
        }
    }

    /// Returns the digest of all that counts: the contents, and not in which attachment they are.
    pub(crate) fn fingerprint(&self) -> String {
        let mut parts: Vec<(&str, &str)> = StalenessPart::ALL
            .iter()
            .filter_map(|part| Some((part.as_str(), self.digest_of(*part)?)))
            .collect();
        parts.sort_unstable();
        let mut fingerprint = Sha256::new();
        for (name, digest) in parts {
            let entry = format!("{name}={digest}");
            update(&mut fingerprint, &entry);
        }
        hex(&fingerprint.finalize())
    }
}

/// Returns the digest of what analyses of fit read of the job itself.
pub(crate) fn about(job: &Job) -> String {
    let mut about = Sha256::new();
    for text in [&job.company_key, &job.title] {
        update(&mut about, text);
    }
    hex(&about.finalize())
}

fn update(digest: &mut Sha256, text: &str) {
    digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    digest.update(text.as_bytes());
}

/// The documents of a job as they are.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) components: Components,
    /// Résumé and job description both have an AI_NORMALIZED text.
    pub(crate) are_normalised: bool,
}

/// Compares what was read with what there is. `similarity` is asked for the résumé and the job
/// description when they differ: 0 to 1, `None` when nobody knows any more.
pub(crate) fn staleness(
    current: &Current,
    analysed: Option<&Components>,
    similarity: impl Fn(StalenessPart) -> Option<f64>,
) -> Staleness {
    let now = &current.components;
    let plain =
        |severity, why: &str| Staleness { severity, changed: Vec::new(), reason: why.to_owned() };
    let has_text = |part: &Option<Part>| part.as_ref().is_some_and(|part| part.has_text);
    let why = match (has_text(&now.resume), has_text(&now.jd)) {
        (true, true) => None,
        (false, true) => Some("there is no active résumé with text"),
        (true, false) => Some("there is no job description with text"),
        (false, false) => Some("there is neither a résumé nor a job description with text"),
    };
    if let Some(why) = why {
        return plain(StalenessSeverity::NoVariants, why);
    }
    let Some(then) = analysed else {
        return if current.are_normalised {
            let why = "nothing was analysed yet; both documents are normalised";
            plain(StalenessSeverity::VariantsFresh, why)
        } else {
            plain(StalenessSeverity::NeverAnalyzed, "nothing was analysed yet")
        };
    };
    if now.fingerprint() == then.fingerprint() {
        return plain(StalenessSeverity::Fresh, "all is as it was analysed");
    }
    let differs = |part: &StalenessPart| now.digest_of(*part) != then.digest_of(*part);
    let changed: Vec<_> = StalenessPart::ALL.iter().copied().filter(differs).collect();
    let judged = changed.iter().map(|part| judge(*part, &similarity));
    let (severities, reasons): (Vec<_>, Vec<_>) = judged.unzip();
    let severity = severities.into_iter().max_by_key(|severity| rank(*severity));
    Staleness {
        severity: severity.unwrap_or(StalenessSeverity::Fresh),
        changed,
        reason: reasons.join("; "),
    }
}

/// Returns how bad the change of one part is, and says so.
fn judge(
    part: StalenessPart,
    similarity: &impl Fn(StalenessPart) -> Option<f64>,
) -> (StalenessSeverity, String) {
    let what = match part {
        StalenessPart::Resume => "the résumé",
        StalenessPart::Jd => "the job description",
        StalenessPart::CoverLetter => {
            return (StalenessSeverity::Minor, "the cover letter has changed".to_owned());
        }
        StalenessPart::Job => {
            return (StalenessSeverity::Minor, "company or title have changed".to_owned());
        }
    };
    let (severity, how) = match similarity(part) {
        Some(share) if share > SAME => (StalenessSeverity::Fresh, "has hardly changed"),
        Some(share) if share > ALIKE => (StalenessSeverity::Minor, "has changed a little"),
        Some(_) => (StalenessSeverity::Major, "has changed much"),
        None => (StalenessSeverity::Major, "has changed, and the text that was read is gone"),
    };
    (severity, format!("{what} {how}"))
}

const fn rank(severity: StalenessSeverity) -> u8 {
    match severity {
        StalenessSeverity::Major => 2,
        StalenessSeverity::Minor => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
