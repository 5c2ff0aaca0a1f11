//! SQL of staleness: what was analysed, in what state the documents are, and their words.

use uuid::Uuid;

use crate::{
    analyses::staleness::{Part, Words, digest},
    db::{Row, Stmt, params},
    engine::Snapshot,
    enums::{AnalysisKind, AttachmentKind, StalenessPart},
    error::Result,
    id::{AnalysisId, AttachmentId, JobId},
    meta::hex,
    time::Timestamp,
};

/// What the newest ten analyses of each job read; with it those made in the moment of the tenth.
static ANALYSED: Stmt = Stmt::read(
    "ai_run_analysed",
    "SELECT r.id, r.job_id, r.components, r.created_at
     FROM ai_run r
     WHERE +r.user_id = $1 AND r.job_id IN rarray($2) AND r.kind = $3 AND r.state = 'SUCCEEDED'
         AND r.components IS NOT NULL
         AND r.created_at >= COALESCE((
             SELECT MIN(newest.created_at)
             FROM (
                 SELECT n.created_at
                 FROM ai_run n
                 WHERE n.job_id = r.job_id AND n.kind = $3 AND n.state = 'SUCCEEDED'
                 ORDER BY n.created_at DESC
                 LIMIT 10
             ) AS newest
         ), 0)",
);

static DOCUMENTS: Stmt = Stmt::read(
    "documents_of_jobs",
    "SELECT a.job_id, a.kind, a.id, a.hash, COALESCE(raw.version, 0),
         CAST(CASE WHEN ai.id IS NULL THEN 0 ELSE 1 END AS BIGINT)
     FROM attachments a
     LEFT JOIN attachment_variants raw ON raw.attachment_id = a.id AND raw.name = 'RAW'
     LEFT JOIN attachment_variants ai ON ai.attachment_id = a.id AND ai.name = 'AI_NORMALIZED'
     WHERE +a.user_id = $1 AND a.job_id IN rarray($2)
         AND a.kind IN ('RESUME', 'JD', 'COVER_LETTER') AND a.is_active = 1",
);

static TEXTS: Stmt = Stmt::read(
    "texts_of_attachments",
    "SELECT v.attachment_id, v.text
     FROM attachment_variants v
     WHERE +v.user_id = $1 AND v.attachment_id IN rarray($2) AND v.name = 'RAW'",
);

pub(super) fn statements() -> [&'static Stmt; 3] {
    [&ANALYSED, &DOCUMENTS, &TEXTS]
}

/// An analysis that succeeded.
pub(crate) struct Analysed {
    pub(crate) id: AnalysisId,
    pub(crate) job: JobId,
    /// What it read, as JSON.
    pub(crate) components: String,
    pub(crate) created_at: Timestamp,
}

/// The active document of a kind.
pub(crate) struct Document {
    pub(crate) job: JobId,
    pub(crate) part: StalenessPart,
    /// With the digest of the file: that of the text takes the text.
    pub(crate) state: Part,
    pub(crate) is_normalised: bool,
}

/// What a comparison needs of a text.
pub(crate) struct Text {
    pub(crate) attachment: AttachmentId,
    pub(crate) digest: String,
    pub(crate) words: Words,
}

fn uuids<T>(ids: &[T], uuid: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    ids.iter().map(uuid).collect()
}

/// Reads what analyses of jobs read, in no order. One statement.
pub(crate) async fn analysed(
    snapshot: &Snapshot,
    jobs: &[JobId],
    kind: AnalysisKind,
) -> Result<Vec<Analysed>> {
    let params = params![snapshot.user(), uuids(jobs, JobId::as_uuid), kind.as_str()];
    let read = |row: &dyn Row| {
        Ok(Analysed {
            id: AnalysisId::from_uuid(row.id(0)?),
            job: JobId::from_uuid(row.id(1)?),
            components: row.text(2)?.to_owned(),
            created_at: row.time(3)?,
        })
    };
    snapshot.view().query(&ANALYSED, params, read).await
}

/// Reads the state of the active documents of jobs. One statement, and no text.
pub(crate) async fn documents(snapshot: &Snapshot, jobs: &[JobId]) -> Result<Vec<Document>> {
    let params = params![snapshot.user(), uuids(jobs, JobId::as_uuid)];
    let read = |row: &dyn Row| {
        let text_version = row.int(4)?;
        let part = match row.word(1, AttachmentKind::parse)? {
            AttachmentKind::Resume => StalenessPart::Resume,
            AttachmentKind::Jd => StalenessPart::Jd,
            _ => StalenessPart::CoverLetter,
        };
        let state = Part {
            attachment: AttachmentId::from_uuid(row.id(2)?),
            has_text: text_version > 0,
            text_version,
            digest: hex(row.blob(3)?),
        };
        let job = JobId::from_uuid(row.id(0)?);
        Ok(Document { job, part, state, is_normalised: row.flag(5)? })
    };
    snapshot.view().query(&DOCUMENTS, params, read).await
}

/// Reads the RAW texts of attachments and keeps what a comparison needs. One statement.
pub(crate) async fn texts(snapshot: &Snapshot, attachments: &[AttachmentId]) -> Result<Vec<Text>> {
    let params = params![snapshot.user(), uuids(attachments, AttachmentId::as_uuid)];
    let read = |row: &dyn Row| {
        let text = row.text(1)?;
        Ok(Text {
            attachment: AttachmentId::from_uuid(row.id(0)?),
            digest: digest(text),
            words: Words::of(text),
        })
    };
    snapshot.view().query(&TEXTS, params, read).await
}
