//! Fills a data folder with the sample, through the engine's public functions only.
//!
//! The engine runs on a clock that is turned to the time of each event, so that everything it
//! records looks as if it had grown over four months. What is there already is left alone: a fill
//! that was interrupted is completed by the next one, and a finished one leaves a mark.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jotrack_core::{
    AttachmentContent, AttachmentFilter, AttachmentKind, Clock, CoachEvent, CoachPatch,
    CoachStatus, Config, Engine, Job, JobFilter, JobId, JobQuery, ManualClock, NewAttachment,
    NewJob, PageRequest, Patch, StatusChangeInput, StatusChangePatch, Timestamp, UploadInput,
    WriteOptions,
};

use super::content::{Prepared, Sample, SampleFile, SampleJob};
use super::plan::{Deed, Event, events};
use crate::cli::failure::Failure;

/// The file that says that a folder was filled once; the user may have changed everything since.
const MARK: &str = "sample-data";
/// Bytes handed to an upload at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Jobs asked for at a time when looking at what is there.
const PAGE: u32 = 100;

/// What a fill did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// The folder held the sample already.
    Before,
    /// This many events were written.
    Now(usize),
}

/// Fills the data folder named by `config` with the sample, unless it was filled before.
///
/// `on_step` hears how many of how many events are written: first none, at last all.
///
/// # Errors
/// `Failure::Input` when the folder holds jobs that are not the sample's; else what the engine
/// answers. What was written until then stays and is completed by the next call.
pub async fn fill(
    config: &Config,
    mut on_step: impl FnMut(usize, usize),
) -> Result<Filled, Failure> {
    let dir = config.data_dir.clone().context("the sample needs a data folder")?;
    if mark(&dir).exists() {
        return Ok(Filled::Before);
    }
    let now = Clock::System.now();
    let clock = ManualClock::new(now);
    let config =
        Config { clock: Clock::Manual(clock.clone()), background: false, ..config.clone() };
    let engine = Engine::open(config).await.context("open the data folder")?;
    let filled = write(&engine, &clock, now, &mut on_step).await;
    engine.close().await.context("close the data folder")?;
    let filled = filled?;
    fs::write(mark(&dir), "The sample data of `jotrack demo` was put into this folder.\n")
        .context("mark the data folder as filled")?;
    Ok(filled)
}

fn mark(dir: &Path) -> PathBuf {
    dir.join(MARK)
}

async fn write(
    engine: &Engine,
    clock: &ManualClock,
    now: Timestamp,
    on_step: &mut impl FnMut(usize, usize),
) -> Result<Filled, Failure> {
    let sample = Sample::load()?;
    let mut filler = Filler { engine, sample: &sample, present: present(engine, &sample).await? };
    let events: Vec<Event> =
        events(&sample, now).into_iter().filter(|event| !filler.is_done(event)).collect();
    on_step(0, events.len());
    for (i, event) in events.iter().enumerate() {
        clock.set(event.at);
        filler.apply(event).await?;
        on_step(i + 1, events.len());
    }

    clock.set(now);
    engine.run_due_tasks().await.context("finish the background work")?;
    Ok(Filled::Now(events.len()))
}

/// What the folder holds of one job of the sample.
#[derive(Debug, Clone, Default)]
struct Present {
    id: Option<JobId>,
    history: usize,
    kinds: Vec<AttachmentKind>,
    archived: bool,
    trashed: bool,
    coached: bool,
}

impl Present {
    fn count(&self, kind: AttachmentKind) -> usize {
        self.kinds.iter().filter(|other| **other == kind).count()
    }
}

/// Returns what is there for each job of the sample, by its position.
async fn present(engine: &Engine, sample: &Sample) -> Result<Vec<Present>, Failure> {
    let jobs = all_jobs(engine).await.context("look at the data folder")?;
    let mut found = vec![Present::default(); sample.jobs.len()];
    let mut strangers = 0;
    for job in jobs {
        let place = sample
            .jobs
            .iter()
            .position(|other| other.company == job.company && other.title == job.title);
        match place.and_then(|place| found.get_mut(place)) {
            Some(present) => {
                present.id = Some(job.id);
                present.archived = job.archived_at.is_some();
                present.trashed = job.trashed_at.is_some();
                present.coached = job.coach_status != CoachStatus::NotStarted;
            }
            None => strangers += 1,
        }
    }
    if strangers > 0 {
        return Err(Failure::Input(format!(
            "the data folder holds {strangers} jobs that are not the sample's; \
             name another one with --data DIR"
        )));
    }
    let snapshot = engine.snapshot().await.context("look at the data folder")?;
    for present in &mut found {
        let Some(id) = present.id else { continue };
        present.history = snapshot.history(&[id]).await.context("read a history")?.len();
        let filter = AttachmentFilter { kinds: Vec::new(), include_trashed: true };
        let attachments = snapshot.attachments(&[id], &filter).await.context("read documents")?;
        present.kinds = attachments.iter().map(|attachment| attachment.kind).collect();
    }
    Ok(found)
}

/// Returns every job of the folder: active, archived and in the trash.
async fn all_jobs(engine: &Engine) -> jotrack_core::Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for trashed in [false, true] {
        let mut after = None;
        loop {
            let filter =
                JobFilter { archived: None, trashed: Some(trashed), ..JobFilter::default() };
            let page = PageRequest { first: Some(PAGE), after, ..PageRequest::default() };
            let query = JobQuery { filter, page, ..JobQuery::default() };
            let mut page = engine.snapshot().await?.list_jobs(&query).await?;
            jobs.append(&mut page.items);
            after = page.end_cursor().filter(|_| page.has_next);
            if after.is_none() {
                break;
            }
        }
    }
    Ok(jobs)
}

struct Filler<'a> {
    engine: &'a Engine,
    sample: &'a Sample,
    present: Vec<Present>,
}

impl Filler<'_> {
    /// Says whether an event shows in the data already.
    fn is_done(&self, event: &Event) -> bool {
        let Some(present) = self.present.get(event.job).filter(|present| present.id.is_some())
        else {
            return false;
        };
        present.trashed
            || match event.deed {
                Deed::Create => true,
                Deed::Describe => present.count(AttachmentKind::Jd) > 0,
                Deed::AddResume(place) => present.count(AttachmentKind::Resume) > place,
                // An application without the coach has its own status, and then it is too late.
                Deed::Prepare => present.coached,
                Deed::AddLetter => present.count(AttachmentKind::CoverLetter) > 0,
                Deed::Move(place) => present.history > place,
                Deed::Coach | Deed::Trash => false,
                Deed::Archive => present.archived,
            }
    }

    async fn apply(&mut self, event: &Event) -> Result<()> {
        let sample = self.sample;
        let job = sample.jobs.get(event.job).context("an event without a job")?;
        if event.deed == Deed::Create {
            let id = self.create(job).await.with_context(|| format!("create {}", job.title))?;
            let present = self.present.get_mut(event.job).context("an event without a job")?;
            present.id = Some(id);
            return Ok(());
        }
        let id = self.present.get(event.job).and_then(|present| present.id);
        let id = id.context("an event before its job")?;
        self.change(id, job, event.deed)
            .await
            .with_context(|| format!("{:?} of {} at {}", event.deed, job.title, job.company))
    }

    async fn create(&self, job: &SampleJob) -> Result<JobId> {
        let first = job.history.first().context("a job without a history")?;
        let new = NewJob {
            posting_url: Some(job.posting_url.clone()),
            location: Some(job.location.clone()),
            source: Some(job.source.clone()),
            notes: job.notes.as_deref().map(|notes| notes.trim().to_owned()),
            status: first.status,
            ..NewJob::new(job.company.as_str(), job.title.as_str())
        };
        let id = self.engine.create_job(new, &WriteOptions::default()).await?.value;
        if let Some(note) = &first.note {
            let history = self.engine.snapshot().await?.history(&[id]).await?;
            let row = history.first().context("a job without a history")?;
            let patch = StatusChangePatch {
                note: Patch::Set(note.clone()),
                ..StatusChangePatch::default()
            };
            self.engine.update_status_change(row.id, patch, &WriteOptions::default()).await?;
        }
        Ok(id)
    }

    async fn change(&self, id: JobId, job: &SampleJob, deed: Deed) -> Result<()> {
        let options = WriteOptions::default();
        match deed {
            Deed::Create => {}
            Deed::Describe => {
                self.upload(id, AttachmentKind::Jd, self.sample.description(job)?).await?;
            }
            Deed::AddResume(place) => {
                let version = job.resume.get(place).context("no such résumé")?;
                self.upload(id, AttachmentKind::Resume, self.sample.resume(version)?).await?;
            }
            Deed::Prepare => self.prepare(id, job).await?,
            Deed::AddLetter => {
                let letter = job.cover_letter.as_ref().context("no letter")?;
                let file = self.sample.cover_letter(job, letter)?;
                self.upload(id, AttachmentKind::CoverLetter, file).await?;
            }
            Deed::Move(place) => {
                let row = job.history.get(place).context("no such status")?;
                let input =
                    StatusChangeInput { status: row.status, at: None, note: row.note.clone() };
                self.engine.set_jobs_status(&[id], input, &options).await?;
            }
            Deed::Coach => {
                let place = job.coach.as_ref().context("no coach")?;
                let patch =
                    CoachPatch { current_step: Patch::Set(place.step), ..CoachPatch::default() };
                self.engine.update_coach(id, patch, &options).await?;
            }
            Deed::Archive => {
                self.engine.archive_jobs(&[id], &options).await?;
            }
            Deed::Trash => {
                self.engine.trash_jobs(&[id], &options).await?;
            }
        }
        Ok(())
    }

    /// Plays the coach as far as the sample says; the score is the engine's own.
    async fn prepare(&self, id: JobId, job: &SampleJob) -> Result<()> {
        let (engine, coach, options) = (self.engine, &self.sample.coach, WriteOptions::default());
        let prepared = job.coach.as_ref().and_then(|place| place.prepared).context("no coach")?;
        let questions = coach.questions();
        let answered = if prepared == Prepared::Asked { 1 } else { questions.len() };
        engine.record_coach_event(id, CoachEvent::Discovery(questions), &options).await?;
        let patch = CoachPatch { answers: coach.answers(answered), ..CoachPatch::default() };
        engine.update_coach(id, patch, &options).await?;
        if prepared >= Prepared::Profiled {
            let event = CoachEvent::ProfileAnalyzed(coach.profile.clone());
            engine.record_coach_event(id, event, &options).await?;
        }
        if prepared >= Prepared::Scored {
            let after = engine.get_job(id).await?.0.match_score.unwrap_or(0.0);
            let event = CoachEvent::ScoreRecalculated { before: after - 6.0, after };
            engine.record_coach_event(id, event, &options).await?;
        }
        if prepared >= Prepared::Final {
            engine.finalize_resume(id, &options).await?;
        }
        Ok(())
    }

    /// Takes the way of every upload: bytes as they come, then the attachment over them.
    async fn upload(&self, job_id: JobId, kind: AttachmentKind, file: SampleFile) -> Result<()> {
        let declared_bytes = u64::try_from(file.bytes.len()).ok();
        let input = UploadInput { filename: file.filename.clone(), declared_bytes };
        let mut writer = self.engine.start_upload(input).await?;
        for chunk in file.bytes.chunks(CHUNK_BYTES) {
            writer.write(chunk)?;
        }
        let staged = writer.finish().await?;
        let new = NewAttachment {
            job_id,
            kind,
            filename: file.filename,
            content: AttachmentContent::Upload(staged.id),
        };
        self.engine.create_attachment(new, &WriteOptions::default()).await?;
        // Read at once, so that texts and scores are as old as the file.
        self.engine.run_due_tasks().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jotrack_core::JobStatus;

    use super::*;

    #[tokio::test]
    async fn second_fill_adds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { background: false, ..Config::in_dir(dir.path()) };

        let mut steps = Vec::new();
        let first = fill(&config, |done, total| steps.push((done, total))).await.unwrap();
        let second = fill(&config, |_, _| {}).await.unwrap();

        assert!(matches!(first, Filled::Now(events) if events > 100));
        assert_eq!(second, Filled::Before);
        assert_eq!(steps.first().map(|(done, _)| *done), Some(0));
        assert!(steps.last().is_some_and(|(done, total)| done == total));
    }

    #[tokio::test]
    async fn sample_has_texts_scores_and_a_past() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { background: false, ..Config::in_dir(dir.path()) };

        fill(&config, |_, _| {}).await.unwrap();

        let engine = Engine::open(config).await.unwrap();
        let jobs = all_jobs(&engine).await.unwrap();
        engine.close().await.unwrap();
        assert_eq!(jobs.len(), Sample::load().unwrap().jobs.len());
        assert!(JobStatus::ALL.iter().all(|status| jobs.iter().any(|job| job.status == *status)));
        assert!(jobs.iter().any(|job| job.match_score.is_some()));
        let now = Clock::System.now();
        assert!(jobs.iter().all(|job| job.created_at < now && job.status_since < now));
    }

    #[tokio::test]
    async fn interrupted_fill_is_completed_without_doubling() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { background: false, ..Config::in_dir(dir.path()) };
        let engine = Engine::open(config.clone()).await.unwrap();
        let sample = Sample::load().unwrap();
        let now = Clock::System.now();
        let mut filler = Filler {
            engine: &engine,
            sample: &sample,
            present: present(&engine, &sample).await.unwrap(),
        };
        for event in events(&sample, now).iter().take(60) {
            filler.apply(event).await.unwrap();
        }
        engine.close().await.unwrap();

        fill(&config, |_, _| {}).await.unwrap();

        let engine = Engine::open(config).await.unwrap();
        let found = present(&engine, &sample).await.unwrap();
        engine.close().await.unwrap();
        for (present, job) in found.iter().zip(&sample.jobs) {
            assert_eq!(present.history, job.history.len(), "{}", job.title);
            assert_eq!(present.count(AttachmentKind::Resume), job.resume.len(), "{}", job.title);
            assert_eq!(present.count(AttachmentKind::Jd), 1, "{}", job.title);
        }
    }

    #[tokio::test]
    async fn folder_with_other_jobs_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { background: false, ..Config::in_dir(dir.path()) };
        let engine = Engine::open(config.clone()).await.unwrap();
        engine
            .create_job(NewJob::new("Own Company", "Own job"), &WriteOptions::default())
            .await
            .unwrap();
        engine.close().await.unwrap();

        let failure = fill(&config, |_, _| {}).await.unwrap_err();

        assert!(matches!(failure, Failure::Input(_)));
        let engine = Engine::open(config).await.unwrap();
        assert_eq!(all_jobs(&engine).await.unwrap().len(), 1);
        engine.close().await.unwrap();
    }
}
