//! How often a mutation waits for PostgreSQL: once for all it reads, its idempotency key among
//! them, and once for its batch.

use std::{collections::BTreeSet, fs, path::Path};

use jotrack_core::{
    AiProvider, AiSettingsPatch, AnswerInput, AttachmentContent, AttachmentId, AttachmentKind,
    CoachEvent, CoachPatch, DiscoveryQuestion, Engine, Error, JobId, JobPatch, JobStatus,
    NewAttachment, NewJob, Patch, StatusChangeId, StatusChangeInput, StatusChangePatch, UploadId,
    UploadInput, VariantName, WriteOptions, Written,
};
use jotrack_tests::{Lab, c::repository, key, options, services};

/// The reads together, then the batch.
const MOST: u64 = 2;

/// Calls that wait more often, how often, and why.
const EXCEPTIONS: [(&str, u64, &str); 4] = [
    ("providerKeySet", 4, "the master key and the root secret are asked for on their own"),
    ("jobsPurge", 5, "the files are removed from the disk before the answer, by the collector"),
    ("attachmentPurge", 5, "the file is removed from the disk before the answer, by the collector"),
    (
        "attachmentCreate of an upload, with a key",
        3,
        "the key is bound to the bytes of the file, whose digest is looked up first",
    ),
];

/// Mutations of the engine itself, which nobody calls with a key.
const KEYLESS: [&str; 2] = ["documentNormalize", "textExtraction"];

#[tokio::test]
async fn a_mutation_waits_twice_for_postgresql_with_and_without_a_key() {
    let Some(postgres) = services::shared() else { return };
    let lab = Lab::on(Some(postgres.cluster()), |_| {}).await;
    let mut table = Table { lab: &lab, rows: Vec::new() };

    jobs(&mut table).await;
    folders(&mut table).await;
    histories(&mut table).await;
    coaches(&mut table).await;
    accounts(&mut table).await;
    attachments(&mut table).await;

    table.print();
    assert_eq!(
        keyed(&lab).await,
        of_the_sources(),
        "a mutation without a row, or one that is gone"
    );
    let excess: Vec<_> = table.rows.iter().filter(|row| row.trips > most(&row.call)).collect();
    assert!(excess.is_empty(), "{excess:?}");
    for (call, trips, reason) in EXCEPTIONS {
        let needed = table.rows.iter().any(|row| row.call.starts_with(call) && row.trips == trips);
        assert!(needed, "{call} needs no exception any more: {reason}");
    }
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_write_answers_with_the_jobs_as_it_left_them() {
    let lab = Lab::on(None, |_| {}).await;
    let (one, two) = (full_job(&lab).await, lab.job("Nightjar", "Writer").await);
    let offer = || StatusChangeInput { status: JobStatus::Offer, at: None, note: None };

    let moved = lab.engine.set_jobs_status(&[one, two], offer(), &key("k")).await.unwrap();
    let again = lab.engine.set_jobs_status(&[one, two], offer(), &key("k")).await.unwrap();
    let idle = lab.engine.set_jobs_status(&[one, two], offer(), &options()).await.unwrap();
    let letter = pasted(two, AttachmentKind::CoverLetter);
    let attached = lab.engine.create_attachment(letter, &options()).await.unwrap();
    lab.engine.trash_jobs(&[one], &options()).await.unwrap();
    let purged = lab.engine.purge_jobs(&[one], &options()).await.unwrap();

    assert_eq!(moved.jobs.len(), 2);
    assert!(moved.jobs.iter().all(|job| job.status == JobStatus::Offer), "{moved:?}");
    assert!(again.replayed && again.jobs.is_empty(), "{again:?}");
    assert!(idle.revision.is_none() && idle.jobs.is_empty(), "{idle:?}");
    assert_eq!(attached.jobs.len(), 1);
    assert_left(&lab, &attached).await;
    assert!(purged.jobs.is_empty(), "{purged:?}");
}

/// Asserts that the jobs of an answer are those that a reader finds.
async fn assert_left<T>(lab: &Lab, written: &Written<T>) {
    let ids: Vec<_> = written.jobs.iter().map(|job| job.id).collect();
    let mut found = lab.engine.snapshot().await.unwrap().jobs(&ids).await.unwrap();
    let mut answered = written.jobs.clone();
    for jobs in [&mut found, &mut answered] {
        jobs.sort_by_key(|job| job.id);
    }
    assert_eq!(answered, found);
}

/// What a call may cost.
fn most(call: &str) -> u64 {
    let exception = EXCEPTIONS.iter().find(|(excepted, ..)| call.starts_with(excepted));
    exception.map_or(MOST, |(_, trips, _)| *trips)
}

/// What one call cost.
#[derive(Debug)]
struct Row {
    call: String,
    trips: u64,
}

struct Table<'a> {
    lab: &'a Lab,
    rows: Vec<Row>,
}

impl Table<'_> {
    /// Runs a mutation without a key, with one, and with the same once more; each new call on
    /// something of its own.
    async fn add<I: Clone, T>(
        &mut self,
        call: &str,
        prepare: impl AsyncFn(&Lab) -> I,
        run: impl AsyncFn(&Engine, I, &WriteOptions) -> Result<Written<T>, Error>,
    ) {
        for keyed in [false, true] {
            let input = prepare(self.lab).await;
            let name = if keyed { format!("{call}, with a key") } else { call.to_owned() };
            let options = if keyed { key(&call.replace(' ', "-")) } else { options() };

            let (written, trips) = self.count(&run, input.clone(), &options).await;
            assert!(written.revision.is_some() && !written.replayed, "{name}: nothing written");
            assert_left(self.lab, &written).await;
            self.rows.push(Row { call: name, trips });

            if keyed {
                let (again, trips) = self.count(&run, input, &options).await;
                assert!(again.replayed, "{call}");
                self.rows.push(Row { call: format!("{call}, replayed"), trips });
            }
        }
    }

    async fn count<I, T>(
        &self,
        run: &impl AsyncFn(&Engine, I, &WriteOptions) -> Result<Written<T>, Error>,
        input: I,
        options: &WriteOptions,
    ) -> (Written<T>, u64) {
        let engine = &self.lab.engine;
        let before = engine.round_trips();
        let written = run(engine, input, options).await.unwrap();
        (written, engine.round_trips() - before)
    }

    fn print(&self) {
        for Row { call, trips } in &self.rows {
            println!("{trips} round trips: {call}");
        }
        for (call, trips, reason) in EXCEPTIONS {
            println!("at most {trips} for {call}: {reason}");
        }
    }
}

/// A job with texts that are indexed and matched.
async fn full_job(lab: &Lab) -> JobId {
    let job = lab.job("Acme", "Engineer").await;
    lab.paste(job, AttachmentKind::Resume, "Six years of Rust and PostgreSQL.").await;
    lab.paste(job, AttachmentKind::Jd, "Required: Rust, PostgreSQL.").await;
    job
}

async fn full_jobs(lab: &Lab) -> Vec<JobId> {
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(full_job(lab).await);
    }
    jobs
}

async fn jobs(table: &mut Table<'_>) {
    let new = || NewJob { status: JobStatus::Applied, ..NewJob::new("Acme", "Engineer") };
    table
        .add(
            "jobCreate",
            async |_| (),
            async |engine, (), options| engine.create_job(new(), options).await,
        )
        .await;
    let patch = || JobPatch {
        company: Patch::Set("Nightjar".into()),
        notes: Patch::Set("Call back".into()),
        status: Patch::Set(JobStatus::Onsite),
        ..JobPatch::default()
    };
    table
        .add("jobUpdate", full_job, async |engine, job, options| {
            engine.update_job(job, patch(), options).await
        })
        .await;
    table
        .add("jobDuplicate", full_job, async |engine, job, options| {
            engine.duplicate_job(job, None, options).await
        })
        .await;
    let input = || StatusChangeInput { status: JobStatus::Offer, at: None, note: None };
    table
        .add("jobsUpdateStatus", full_jobs, async |engine, jobs, options| {
            engine.set_jobs_status(&jobs, input(), options).await
        })
        .await;
}

async fn folders(table: &mut Table<'_>) {
    let trashed = async |lab: &Lab| {
        let jobs = full_jobs(lab).await;
        // A file that no other job has goes with its job.
        lab.paste(jobs[0], AttachmentKind::Other, &format!("Only of {}", jobs[0])).await;
        lab.engine.trash_jobs(&jobs, &options()).await.unwrap();
        jobs
    };
    table
        .add("jobsArchive", full_jobs, async |engine, jobs, options| {
            engine.archive_jobs(&jobs, options).await
        })
        .await;
    let archived = async |lab: &Lab| {
        let jobs = full_jobs(lab).await;
        lab.engine.archive_jobs(&jobs, &options()).await.unwrap();
        jobs
    };
    table
        .add("jobsArchive back", archived, async |engine, jobs, options| {
            engine.unarchive_jobs(&jobs, options).await
        })
        .await;
    table
        .add("jobsTrash", full_jobs, async |engine, jobs, options| {
            engine.trash_jobs(&jobs, options).await
        })
        .await;
    table
        .add("jobsRestore", trashed, async |engine, jobs, options| {
            engine.restore_jobs(&jobs, options).await
        })
        .await;
    table
        .add("jobsPurge", trashed, async |engine, jobs, options| {
            engine.purge_jobs(&jobs, options).await
        })
        .await;
}

/// A job that was applied for, and the entry that says so.
async fn entry(lab: &Lab) -> StatusChangeId {
    let job = full_job(lab).await;
    lab.engine.apply_job(job, None, &options()).await.unwrap();
    let history = lab.engine.snapshot().await.unwrap().history(&[job]).await.unwrap();
    history.last().unwrap().id
}

async fn histories(table: &mut Table<'_>) {
    let patch = |lab: &Lab| StatusChangePatch {
        at: Patch::Set(lab.engine.clock().now().plus_ms(-86_400_000)),
        note: Patch::Set("by hand".into()),
    };
    let dated = async |lab: &Lab| (entry(lab).await, patch(lab));
    table
        .add("statusChangeUpdate", dated, async |engine, (id, patch), options| {
            engine.update_status_change(id, patch, options).await
        })
        .await;
    table
        .add("statusChangeDelete", entry, async |engine, id, options| {
            engine.delete_status_change(id, options).await
        })
        .await;
}

fn questions() -> CoachEvent {
    CoachEvent::Discovery(vec![DiscoveryQuestion {
        id: "a".into(),
        category: "Skills".into(),
        question: "Where did you use it?".into(),
        rationale: None,
        target_skill: None,
        word_limit: None,
    }])
}

fn answers() -> CoachPatch {
    let answer = AnswerInput { question_id: "a".into(), answer: None, skipped: true };
    CoachPatch { answers: vec![answer], ..CoachPatch::default() }
}

/// A job whose coach has scored.
async fn scored(lab: &Lab) -> JobId {
    let (job, engine) = (full_job(lab).await, &lab.engine);
    engine.record_coach_event(job, questions(), &options()).await.unwrap();
    engine.update_coach(job, answers(), &options()).await.unwrap();
    for event in [
        CoachEvent::ProfileAnalyzed(serde_json::json!({})),
        CoachEvent::ScoreRecalculated { before: 40.0, after: 60.0 },
    ] {
        engine.record_coach_event(job, event, &options()).await.unwrap();
    }
    job
}

async fn finalized(lab: &Lab) -> JobId {
    let job = scored(lab).await;
    lab.engine.finalize_resume(job, &options()).await.unwrap();
    job
}

async fn coaches(table: &mut Table<'_>) {
    table
        .add("coachEvent", full_job, async |engine, job, options| {
            engine.record_coach_event(job, questions(), options).await
        })
        .await;
    let asked = async |lab: &Lab| {
        let job = full_job(lab).await;
        lab.engine.record_coach_event(job, questions(), &options()).await.unwrap();
        job
    };
    table
        .add("coachStateUpdate", asked, async |engine, job, options| {
            engine.update_coach(job, answers(), options).await
        })
        .await;
    table
        .add("coachResumeFinalize", scored, async |engine, job, options| {
            engine.finalize_resume(job, options).await
        })
        .await;
    table
        .add("coachCoverLetterSkip", finalized, async |engine, job, options| {
            engine.skip_cover_letter(job, options).await
        })
        .await;
    table
        .add("coachApply", full_job, async |engine, job, options| {
            engine.apply_job(job, None, options).await
        })
        .await;
    let applied = async |lab: &Lab| {
        let job = full_job(lab).await;
        lab.engine.apply_job(job, None, &options()).await.unwrap();
        job
    };
    table
        .add("coachReopen", applied, async |engine, job, options| {
            engine.reopen_job(job, options).await
        })
        .await;
}

fn pasted(job_id: JobId, kind: AttachmentKind) -> NewAttachment {
    let content = AttachmentContent::Text(String::from("Five years of Kubernetes."));
    NewAttachment { job_id, kind, filename: "pasted.txt".into(), content }
}

/// A job with a received file that is not attached yet.
async fn staged(lab: &Lab) -> (JobId, UploadId) {
    let job = full_job(lab).await;
    let input = UploadInput { filename: "cv.txt".into(), declared_bytes: None };
    let mut writer = lab.engine.start_upload(input).await.unwrap();
    writer.write(format!("Text for {job}").as_bytes()).unwrap();
    (job, writer.finish().await.unwrap().id)
}

/// The older of two résumés, with a text of its own.
async fn older(lab: &Lab) -> AttachmentId {
    let job = full_job(lab).await;
    let older = lab.paste(job, AttachmentKind::Resume, &format!("Haskell, for {job}")).await;
    lab.paste(job, AttachmentKind::Resume, "Eight years of C.").await;
    older
}

/// The active one of two résumés.
async fn active(lab: &Lab) -> AttachmentId {
    let job = full_job(lab).await;
    lab.paste(job, AttachmentKind::Resume, &format!("Haskell, for {job}")).await
}

/// The only letter, in the trash.
async fn trashed(lab: &Lab) -> AttachmentId {
    let job = full_job(lab).await;
    let only = lab.paste(job, AttachmentKind::CoverLetter, &format!("A letter for {job}")).await;
    lab.engine.trash_attachment(only, &options()).await.unwrap();
    only
}

async fn attachments(table: &mut Table<'_>) {
    for kind in [AttachmentKind::Resume, AttachmentKind::CoverLetter] {
        let call = format!("attachmentCreate of a text as {kind:?}");
        table
            .add(&call, full_job, async |engine, job, options| {
                engine.create_attachment(pasted(job, kind), options).await
            })
            .await;
    }
    let upload = |job_id, id| NewAttachment {
        content: AttachmentContent::Upload(id),
        ..pasted(job_id, AttachmentKind::Resume)
    };
    table
        .add("attachmentCreate of an upload", staged, async |engine, (job, id), options| {
            engine.create_attachment(upload(job, id), options).await
        })
        .await;
    table
        .add("attachmentActivate", older, async |engine, id, options| {
            engine.activate_attachment(id, options).await
        })
        .await;
    table
        .add("attachmentTrash", active, async |engine, id, options| {
            engine.trash_attachment(id, options).await
        })
        .await;
    table
        .add("attachmentRestore", trashed, async |engine, id, options| {
            engine.restore_attachment(id, options).await
        })
        .await;
    table
        .add("attachmentPurge", trashed, async |engine, id, options| {
            engine.purge_attachment(id, options).await
        })
        .await;
    table
        .add("attachmentVariantSet", active, async |engine, id, options| {
            let text = String::from("Corrected by hand.");
            engine.set_variant(id, VariantName::Raw, text, options).await
        })
        .await;
}

/// The mutations that left a key behind.
async fn keyed(lab: &Lab) -> BTreeSet<String> {
    let db = lab.database.as_ref().unwrap().connect().await;
    let rows = db.query("SELECT DISTINCT mutation FROM idempotency", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The names that the sources give to mutations.
fn of_the_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&repository("core/src"), &mut found);
    for name in KEYLESS {
        assert!(found.remove(name), "{name} is gone");
    }
    found
}

fn collect(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for call in [".mutate(", "move_coach(", "Move::of("] {
            for (at, _) in text.match_indices(call) {
                let name = text[at + call.len()..].trim_start().strip_prefix('"');
                found.extend(name.and_then(|name| name.split('"').next()).map(str::to_owned));
            }
        }
    }
}

async fn accounts(table: &mut Table<'_>) {
    let provider = AiProvider::Anthropic;
    // The vault is opened once per process.
    table.lab.engine.set_provider_key(provider, "sk-0123456789", None, &options()).await.unwrap();
    let nothing = async |_: &Lab| ();
    table
        .add("providerKeySet", nothing, async |engine, (), o| {
            engine.set_provider_key(provider, "sk-9876543210", None, o).await
        })
        .await;
    let kept = async |lab: &Lab| {
        lab.engine.set_provider_key(provider, "sk-0123456789", None, &options()).await.unwrap();
    };
    table
        .add("providerKeyDelete", kept, async |engine, (), o| {
            engine.delete_provider_key(provider, o).await
        })
        .await;
    let off = async |lab: &Lab| {
        let patch = AiSettingsPatch { network_enabled: Some(false), ..AiSettingsPatch::default() };
        lab.engine.update_ai_settings(patch, &options()).await.unwrap();
    };
    table
        .add("aiSettingsUpdate", off, async |engine, (), o| {
            let on = AiSettingsPatch { network_enabled: Some(true), ..AiSettingsPatch::default() };
            engine.update_ai_settings(on, o).await
        })
        .await;
}
