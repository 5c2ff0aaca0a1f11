//! What a user asks for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    enums::{AiProvider, AnalysisKind, Persona},
    id::{AttachmentId, JobId},
};

/// A request for an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysisRequest {
    /// What is wanted.
    pub kind: AnalysisKind,
    /// What it is about.
    pub target: AnalysisTarget,
    /// Who asks; required by the interview kinds.
    pub persona: Option<Persona>,
    /// Further inputs of the kind: `addressee`, `roleFamily`, `domain`, `industry`, `locale`,
    /// `principles`, `text`. `Null` for none.
    pub params: Value,
    /// Passes over kept answers. Refused within 30 seconds of the last call for the same thing.
    pub refresh: bool,
    /// Queues it instead of running it now.
    pub background: bool,
    /// Who is to answer; the user's choice, else the operator's, when absent.
    pub provider: Option<AiProvider>,
    /// With which model.
    pub model: Option<String>,
}

/// What an analysis is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnalysisTarget {
    /// A job with its active documents, its notes, or its company.
    Job(JobId),
    /// A company by name: one line of at most 120 characters.
    Company(String),
    /// One version of a document.
    Attachment(AttachmentId),
}

impl AnalysisRequest {
    /// Returns a request with nothing special about it.
    pub fn new(kind: AnalysisKind, target: AnalysisTarget) -> Self {
        Self {
            kind,
            target,
            persona: None,
            params: Value::Null,
            refresh: false,
            background: false,
            provider: None,
            model: None,
        }
    }

    /// Returns a request about a job.
    pub fn of_job(kind: AnalysisKind, job: JobId) -> Self {
        Self::new(kind, AnalysisTarget::Job(job))
    }
}
