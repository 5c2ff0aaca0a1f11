//! What an analysis reads: the user's texts, as they are when it starts.

use serde_json::{Map, Value, json};

use super::{
    AnalysisRequest, AnalysisTarget,
    staleness::{Components, Part},
    store::staleness::documents,
};
use crate::{
    attachments::store as attachments,
    companies::company_key,
    engine::Snapshot,
    enums::{AnalysisKind, AttachmentKind, StalenessPart, VariantName},
    error::{ConflictKind, Error, Result},
    id::{AttachmentId, JobId},
    jobs::Job,
};

/// The raw input of an analysis, and what it is about.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) input: Value,
    /// A word for what it is about, unique within the user's data.
    pub(crate) subject: String,
    pub(crate) job: Option<JobId>,
    pub(crate) attachment: Option<AttachmentId>,
    /// The company as answers about it are found again.
    pub(crate) company: Option<String>,
    /// What the texts were, for the staleness of the answer.
    pub(crate) components: Option<Components>,
}

/// Reads what a request needs. One to three statements.
pub(crate) async fn gather(snapshot: &Snapshot, request: &AnalysisRequest) -> Result<Gathered> {
    let mut input = params(&request.params)?;
    let mut put = |name: &str, value: Value| {
        // What the engine knows is not the caller's to say.
        input.insert(name.to_owned(), value);
    };
    if let Some(persona) = request.persona {
        put("persona", json!(persona));
    }
    match (&request.target, request.kind) {
        (AnalysisTarget::Attachment(id), AnalysisKind::DocumentNormalize) => {
            let id = *id;
            let ids = [id];
            let (found, variants) =
                tokio::try_join!(snapshot.attachments_by_id(&ids), snapshot.variants_of(&ids))?;
            let row = found.into_iter().next().ok_or_else(|| Error::not_found("attachment", id))?;
            if row.trashed_at.is_some() {
                let why = "this version is in the trash; restore it first";
                return Err(Error::conflict(ConflictKind::VersionTrashed, why));
            }
            let text = variants
                .into_iter()
                .find(|variant| variant.name == VariantName::Raw)
                .ok_or_else(no_text)?
                .text;
            put("documentKind", json!(row.kind));
            put("text", Value::String(text));
            Ok(Gathered {
                input: Value::Object(input),
                subject: format!("attachment:{}", id.as_uuid().as_simple()),
                job: Some(row.job_id),
                attachment: Some(id),
                company: None,
                components: None,
            })
        }
        (
            AnalysisTarget::Job(id),
            AnalysisKind::MatchScore | AnalysisKind::ResumeImprove | AnalysisKind::CoverLetter,
        ) => {
            let ids = &[*id];
            let (job, texts, documents) = tokio::try_join!(
                live_job(snapshot, *id),
                attachments::active_texts(snapshot, *id),
                documents(snapshot, ids)
            )?;
            let text = |kind| texts.iter().find(|text| text.kind == kind).map(|text| &text.variant);
            let resume = text(AttachmentKind::Resume)
                .ok_or_else(|| missing(ConflictKind::NoResume, "an active résumé with text"))?;
            let jd = text(AttachmentKind::Jd)
                .ok_or_else(|| missing(ConflictKind::NoText, "a job description with text"))?;
            put("resume", Value::String(resume.text.clone()));
            put("jd", Value::String(jd.text.clone()));
            if request.kind != AnalysisKind::ResumeImprove {
                put("company", Value::String(job.company.clone()));
                put("title", Value::String(job.title.clone()));
            }
            let cover = text(AttachmentKind::CoverLetter).map(Part::of).or_else(|| {
                let mut documents = documents.into_iter();
                let cover = documents.find(|found| found.part == StalenessPart::CoverLetter)?;
                Some(cover.state)
            });
            let (resume, jd) = (Some(Part::of(resume)), Some(Part::of(jd)));
            let components = Components::of(&job, resume, jd, cover);
            Ok(of_job(input, &job, Some(components)))
        }
        (AnalysisTarget::Job(id), AnalysisKind::NotesSummary) => {
            let ids = [*id];
            let (job, notes) = tokio::try_join!(live_job(snapshot, *id), snapshot.notes(&ids))?;
            let notes = notes.into_iter().next().map(|(_, notes)| notes).unwrap_or_default();
            if notes.trim().is_empty() {
                let why = "the job has no notes; write some first";
                return Err(Error::conflict(ConflictKind::NoText, why));
            }
            put("notes", Value::String(notes));
            put("company", Value::String(job.company.clone()));
            put("title", Value::String(job.title.clone()));
            Ok(of_job(input, &job, None))
        }
        (AnalysisTarget::Job(id), AnalysisKind::PeopleExtract) => {
            let job = live_job(snapshot, *id).await?;
            Ok(of_job(input, &job, None))
        }
        (AnalysisTarget::Job(_) | AnalysisTarget::Company(_), kind) if is_of_company(kind) => {
            let (name, job) = match &request.target {
                AnalysisTarget::Job(id) => {
                    let job = live_job(snapshot, *id).await?;
                    (job.company.clone(), Some(job.id))
                }
                AnalysisTarget::Company(name) => (name.clone(), None),
                AnalysisTarget::Attachment(_) => return Err(wrong_target(kind)),
            };
            let key = company_key(&name);
            put("company", Value::String(name));
            Ok(Gathered {
                input: Value::Object(input),
                subject: job.map_or_else(
                    || format!("company:{key}"),
                    |job| format!("job:{}", job.as_uuid().as_simple()),
                ),
                job,
                attachment: None,
                company: Some(key),
                components: None,
            })
        }
        (_, kind) => Err(wrong_target(kind)),
    }
}

pub(crate) const fn is_of_company(kind: AnalysisKind) -> bool {
    matches!(
        kind,
        AnalysisKind::CompanyIntelligence
            | AnalysisKind::CompanyEcosystem
            | AnalysisKind::CompanyQuestions
    )
}

fn of_job(input: Map<String, Value>, job: &Job, components: Option<Components>) -> Gathered {
    Gathered {
        input: Value::Object(input),
        subject: format!("job:{}", job.id.as_uuid().as_simple()),
        job: Some(job.id),
        attachment: None,
        company: Some(job.company_key.clone()),
        components,
    }
}

async fn live_job(snapshot: &Snapshot, id: JobId) -> Result<Job> {
    let job = snapshot.get_job(id).await?;
    if job.trashed_at.is_some() {
        let why = "the job is in the trash; restore it first";
        return Err(Error::conflict(ConflictKind::JobInTrash, why));
    }
    Ok(job)
}

fn params(params: &Value) -> Result<Map<String, Value>> {
    match params {
        Value::Null => Ok(Map::new()),
        Value::Object(fields) => Ok(fields.clone()),
        _ => Err(Error::invalid(&["params"], "format", "must be an object of named inputs")),
    }
}

fn no_text() -> Error {
    Error::conflict(ConflictKind::NoText, "the document has no text; set one by hand")
}

fn missing(kind: ConflictKind, what: &str) -> Error {
    Error::conflict(kind, format!("the job needs {what}; add it first"))
}

fn wrong_target(kind: AnalysisKind) -> Error {
    let wanted = match kind {
        AnalysisKind::DocumentNormalize => "an attachment",
        kind if is_of_company(kind) => "a job or a company",
        _ => "a job",
    };
    Error::invalid(&["target"], "format", format!("{kind} is about {wanted}"))
}
