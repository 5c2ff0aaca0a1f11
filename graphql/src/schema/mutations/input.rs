//! Inputs of mutations. In every patch: absent keeps the value, null clears it.

use async_graphql::{ID, InputObject, MaybeUndefined, OneofObject};
use jotrack_core::{self as core, AttachmentKind, CoachStep, JobStatus};

use super::patch;
use crate::schema::scalars::{DateTime, Json, Url};

/// `statusAt` dates the first status; default now.
#[derive(InputObject)]
pub(crate) struct JobCreateInput {
    company: String,
    title: String,
    url: Option<Url>,
    location: Option<String>,
    source: Option<String>,
    #[graphql(default_with = "JobStatus::OnRadar")]
    status: JobStatus,
    status_at: Option<DateTime>,
    notes: Option<String>,
}

impl From<JobCreateInput> for core::NewJob {
    fn from(input: JobCreateInput) -> Self {
        let JobCreateInput { company, title, url, location, source, status, status_at, notes } =
            input;
        Self {
            company,
            title,
            posting_url: url.map(|url| url.0),
            location,
            source,
            notes,
            status,
            status_at: status_at.map(|at| at.0),
        }
    }
}

/// Absent keeps, null clears.
#[derive(InputObject)]
#[graphql(name = "JobPatch")]
pub(crate) struct JobPatchInput {
    company: MaybeUndefined<String>,
    title: MaybeUndefined<String>,
    url: MaybeUndefined<Url>,
    location: MaybeUndefined<String>,
    source: MaybeUndefined<String>,
    status: MaybeUndefined<JobStatus>,
    notes: MaybeUndefined<String>,
}

impl From<JobPatchInput> for core::JobPatch {
    fn from(input: JobPatchInput) -> Self {
        let JobPatchInput { company, title, url, location, source, status, notes } = input;
        Self {
            company: patch(company, |text| text),
            title: patch(title, |text| text),
            posting_url: patch(url, |url| url.0),
            location: patch(location, |text| text),
            source: patch(source, |text| text),
            notes: patch(notes, |text| text),
            status: patch(status, |status| status),
            status_at: core::Patch::Keep,
        }
    }
}

/// Absent keeps, null clears.
#[derive(InputObject)]
#[graphql(name = "StatusChangePatch")]
pub(crate) struct StatusChangePatchInput {
    at: MaybeUndefined<DateTime>,
    note: MaybeUndefined<String>,
}

impl From<StatusChangePatchInput> for core::StatusChangePatch {
    fn from(StatusChangePatchInput { at, note }: StatusChangePatchInput) -> Self {
        Self { at: patch(at, |at| at.0), note: patch(note, |text| text) }
    }
}

/// A new version of a file of a job.
#[derive(InputObject)]
pub(crate) struct AttachmentCreateInput {
    pub(super) job_id: ID,
    pub(super) kind: AttachmentKind,
    pub(super) filename: String,
    /// A hint; the content decides.
    pub(super) media_type: Option<String>,
    pub(super) content: AttachmentContentInput,
}

/// Where the bytes come from.
#[derive(OneofObject)]
pub(crate) enum AttachmentContentInput {
    /// Typed or pasted.
    Text(String),
    /// From the upload route. In-process the C ABI's attachment writer creates the attachment itself.
    UploadId(ID),
}

/// Absent keeps, null clears.
#[derive(InputObject)]
#[graphql(name = "CoachStatePatch")]
pub(crate) struct CoachStatePatchInput {
    current_step: MaybeUndefined<CoachStep>,
    /// Merged by question; questions not named keep their answers.
    pub(super) answers: MaybeUndefined<Vec<DiscoveryAnswerInput>>,
    profile: MaybeUndefined<Json>,
}

/// An answer to a question of the discovery interview.
#[derive(InputObject)]
pub(crate) struct DiscoveryAnswerInput {
    question_id: ID,
    answer: Option<String>,
    #[graphql(default = false)]
    skipped: bool,
}

impl From<CoachStatePatchInput> for core::CoachPatch {
    fn from(input: CoachStatePatchInput) -> Self {
        let CoachStatePatchInput { current_step, answers, profile } = input;
        Self {
            current_step: patch(current_step, |step| step),
            answers: answers.take().into_iter().flatten().map(core::AnswerInput::from).collect(),
            profile: patch(profile, Json::into_tree),
        }
    }
}

impl From<DiscoveryAnswerInput> for core::AnswerInput {
    fn from(input: DiscoveryAnswerInput) -> Self {
        let DiscoveryAnswerInput { question_id, answer, skipped } = input;
        Self { question_id: question_id.0, answer, skipped }
    }
}
