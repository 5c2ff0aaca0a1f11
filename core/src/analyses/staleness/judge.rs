//! Reads what staleness is judged by: the texts themselves only where a document is not in the
//! state in which it was analysed.

use std::collections::{BTreeSet, HashMap};

use super::{Components, Current, Part, Staleness, about, staleness};
use crate::{
    analyses::{
        Analysis,
        prepare::reads_documents,
        store::staleness::{self as store, Document, Text},
    },
    engine::{Engine, Snapshot},
    enums::{AnalysisKind, StalenessPart},
    error::{Error, Result},
    id::{AnalysisId, AttachmentId, JobId},
    jobs::Job,
};

/// The parts that are documents.
const DOCUMENTS: [StalenessPart; 3] =
    [StalenessPart::Resume, StalenessPart::Jd, StalenessPart::CoverLetter];

/// A job, and the analyses that may still hold, the newest first.
struct Question {
    job: JobId,
    analysed: Vec<Components>,
}

impl Engine {
    /// Returns how the analyses of a kind relate to the documents of a job as they are now. An
    /// answer that was given for exactly these documents makes it fresh, else the newest counts.
    /// Three statements; one more where a document is another than the one that was read.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a kind that reads no documents.
    pub async fn staleness(&self, job: JobId, kind: AnalysisKind) -> Result<Staleness> {
        let found = self.snapshot().await?.staleness(&[job], kind).await?.pop();
        found.map(|(_, staleness)| staleness).ok_or_else(|| Error::not_found("job", job))
    }
}

impl Snapshot {
    /// Returns the same as [`Engine::staleness`] for many jobs, in no order; unknown and foreign
    /// ones are absent. As many statements as for one.
    ///
    /// # Errors
    /// `Invalid` for a kind that reads no documents.
    pub async fn staleness(
        &self,
        jobs: &[JobId],
        kind: AnalysisKind,
    ) -> Result<Vec<(JobId, Staleness)>> {
        if !reads_documents(kind) {
            let why = format!("{kind} reads no documents");
            return Err(Error::invalid(&["kind"], "format", why));
        }
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let (mut read, facts) =
            tokio::try_join!(store::analysed(self, jobs, kind), Facts::read(self, jobs))?;
        read.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.id)));
        let mut of_job: HashMap<JobId, Vec<Components>> = HashMap::new();
        for run in read {
            of_job.entry(run.job).or_default().push(parse(&run.components)?);
        }
        let question = |job: &Job| Question {
            job: job.id,
            analysed: of_job.remove(&job.id).unwrap_or_default(),
        };
        let questions: Vec<_> = facts.jobs.iter().map(question).collect();
        let judged = self.judge(&facts, &questions).await?;
        Ok(questions.iter().map(|question| question.job).zip(judged).collect())
    }

    /// Returns how each of these analyses relates to the documents of its job as they are now; of
    /// kinds that read no documents nothing is said. Two statements, one more where a document is
    /// another than the one that was read.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn staleness_of(
        &self,
        analyses: impl IntoIterator<Item = &Analysis>,
    ) -> Result<Vec<(AnalysisId, Staleness)>> {
        let mut asked = Vec::new();
        for analysis in analyses {
            if let (Some(job), Some(components)) = (analysis.job_id, &analysis.components) {
                asked.push((analysis.id, Question { job, analysed: vec![parse(components)?] }));
            }
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: BTreeSet<JobId> = asked.iter().map(|(_, question)| question.job).collect();
        let jobs: Vec<JobId> = jobs.into_iter().collect();
        let facts = Facts::read(self, &jobs).await?;
        asked.retain(|(_, question)| facts.job(question.job).is_some());
        let (ids, questions): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let judged = self.judge(&facts, &questions).await?;
        Ok(ids.into_iter().zip(judged).collect())
    }

    /// Answers questions about jobs that `facts` knows, in their order.
    async fn judge(&self, facts: &Facts, questions: &[Question]) -> Result<Vec<Staleness>> {
        let mut wanted = BTreeSet::new();
        for question in questions {
            facts.texts_to_compare(question, &mut wanted);
        }
        let wanted: Vec<AttachmentId> = wanted.into_iter().collect();
        let texts =
            if wanted.is_empty() { Vec::new() } else { store::texts(self, &wanted).await? };
        let texts: HashMap<_, _> = texts.into_iter().map(|text| (text.attachment, text)).collect();
        Ok(questions.iter().map(|question| facts.answer(question, &texts)).collect())
    }
}

fn parse(components: &str) -> Result<Components> {
    serde_json::from_str(components).map_err(|e| Error::internal("read what was analysed", e))
}

/// Jobs and the state of their active documents.
struct Facts {
    jobs: Vec<Job>,
    documents: HashMap<(JobId, StalenessPart), Document>,
}

impl Facts {
    async fn read(snapshot: &Snapshot, jobs: &[JobId]) -> Result<Self> {
        let (jobs, documents) =
            tokio::try_join!(snapshot.jobs(jobs), store::documents(snapshot, jobs))?;
        let by_part =
            documents.into_iter().map(|document| ((document.job, document.part), document));
        Ok(Self { jobs, documents: by_part.collect() })
    }

    fn job(&self, id: JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    fn document(&self, job: JobId, part: StalenessPart) -> Option<&Document> {
        self.documents.get(&(job, part))
    }

    /// Reports whether a part is in the state in which it was analysed.
    fn is_same_state(&self, job: JobId, part: StalenessPart, then: &Components) -> bool {
        match (self.document(job, part), then.part(part)) {
            (Some(now), Some(then)) => now.state.is_same_state(then),
            (None, None) => true,
            _ => false,
        }
    }

    /// Returns the analysis that read the documents in exactly the state they are in, else the
    /// newest.
    fn nearest<'q>(&self, question: &'q Question) -> Option<&'q Components> {
        let about = self.job(question.job).map(about);
        let holds = |then: &&Components| {
            about.as_ref() == Some(&then.job)
                && DOCUMENTS.iter().all(|part| self.is_same_state(question.job, *part, then))
        };
        question.analysed.iter().find(holds).or_else(|| question.analysed.first())
    }

    /// Adds the attachments whose texts must be read to answer a question.
    fn texts_to_compare(&self, question: &Question, wanted: &mut BTreeSet<AttachmentId>) {
        let Some(then) = self.nearest(question) else { return };
        for part in DOCUMENTS {
            if !self.is_same_state(question.job, part, then) {
                let now = self.document(question.job, part).map(|document| &document.state);
                let with_text =
                    [now, then.part(part)].into_iter().flatten().filter(|part| part.has_text);
                wanted.extend(with_text.map(|part| part.attachment));
            }
        }
    }

    fn answer(&self, question: &Question, texts: &HashMap<AttachmentId, Text>) -> Staleness {
        let nearest = self.nearest(question);
        let now = |part| self.part_now(question.job, part, nearest, texts);
        let current = Current {
            components: Components {
                resume: now(StalenessPart::Resume),
                jd: now(StalenessPart::Jd),
                cover_letter: now(StalenessPart::CoverLetter),
                job: self.job(question.job).map(about).unwrap_or_default(),
            },
            are_normalised: [StalenessPart::Resume, StalenessPart::Jd].into_iter().all(|part| {
                self.document(question.job, part).is_some_and(|document| document.is_normalised)
            }),
        };
        // The same contents in another attachment are found by the digest only.
        let fingerprint = current.components.fingerprint();
        let same = question.analysed.iter().find(|then| then.fingerprint() == fingerprint);
        let analysed = same.or(nearest);
        staleness(&current, analysed, |part| {
            let now = texts.get(&current.components.part(part)?.attachment)?;
            let then = analysed?.part(part)?;
            // What was read may have been corrected since, and is not known any more then.
            let read = texts.get(&then.attachment).filter(|text| text.digest == then.digest)?;
            Some(read.words.similarity(&now.words))
        })
    }

    /// Returns a document as it is, its digest from what was analysed where that is the same.
    fn part_now(
        &self,
        job: JobId,
        part: StalenessPart,
        then: Option<&Components>,
        texts: &HashMap<AttachmentId, Text>,
    ) -> Option<Part> {
        let state = &self.document(job, part)?.state;
        let known = then.and_then(|then| then.part(part)).filter(|then| then.is_same_state(state));
        let digest = match known {
            Some(known) => known.digest.clone(),
            None if state.has_text => {
                texts.get(&state.attachment).map(|text| text.digest.clone()).unwrap_or_default()
            }
            None => state.digest.clone(),
        };
        Some(Part { digest, ..state.clone() })
    }
}
