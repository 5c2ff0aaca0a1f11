//! Power cuts and full disks: a child is killed at any moment, and what it was told is saved must
//! be there.

mod analysis;
mod child;
mod disk_full;
mod flushed;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use jotrack_core::{
    AttachmentContent, AttachmentFilter, AttachmentId, AttachmentKind, Clock, DAY_MS, Engine,
    JobFilter, JobId, JobQuery, JobStatus, ManualClock, NewAttachment, PageRequest, TextState,
    UploadId, VariantName, random_bytes,
};
use jotrack_tests::{Lab, files, options, program};

use child::{digest, next};

/// Folders that are written to, and kills in each of them.
const FOLDERS: u32 = 10;
const KILLS: u32 = 10;
/// A child is killed when it was told of at most this many writes.
const ACKS_MAX: u64 = 60;
/// A claim of a killed worker has ended after this time.
const LEASE_MS: i64 = 61_000;
/// What a child receives without attaching it.
const UPLOADS: [&str; 2] =
    ["A résumé that was received in time.", "Another one, which nobody ever attached."];

#[tokio::test]
async fn every_acknowledged_write_survives_a_hundred_kills() {
    let mut random = Random::seeded();
    let (started, mut acks) = (Instant::now(), 0);

    for _ in 0..FOLDERS {
        let dir = tempfile::tempdir().unwrap();
        let mut told = Told::default();
        for _ in 0..KILLS {
            acks += write_until_killed(dir.path(), random.up_to(ACKS_MAX), &mut told).await;
            verify(dir.path(), &mut told).await;
        }
        verify_rebuilt(dir.path()).await;
    }

    println!(
        "{} kills, {acks} acknowledged writes, {:.1} s",
        FOLDERS * KILLS,
        started.elapsed().as_secs_f64()
    );
    assert!(acks >= u64::from(FOLDERS * KILLS), "{acks}");
}

#[tokio::test]
async fn a_kill_between_upload_and_attachment_leaves_no_reference_without_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child::start("upload", dir.path());
    let mut ids = Vec::new();
    while let Some(id) = next(&mut child).await.filter(|report| report != "half") {
        ids.push(id.parse::<UploadId>().unwrap());
    }
    child.kill();
    assert_eq!(child.end().await.code, None);
    let (tmp, blobs) = (dir.path().join("blobs/tmp"), dir.path().join("blobs/sha256"));
    assert_eq!((ids.len(), files(&blobs).len(), files(&tmp).len()), (2, 2, 1));

    let clock = ManualClock::new(Clock::System.now());
    let engine = open(dir.path(), &clock).await;
    let job = engine.create_job(jotrack_core::NewJob::new("A", "B"), &options()).await.unwrap();
    let new = NewAttachment {
        job_id: job.value,
        kind: AttachmentKind::Resume,
        filename: String::from("cv.txt"),
        content: AttachmentContent::Upload(ids[0]),
    };
    let attached = engine.create_attachment(new, &options()).await.unwrap().value.id;
    clock.advance_ms(DAY_MS + 1);
    engine.run_due_tasks().await.unwrap();

    // The one that was attached stays; the one nobody wanted is gone with its row.
    assert_eq!(bytes_of(&engine, attached).await, UPLOADS[0].as_bytes());
    assert_eq!(files(&blobs).len(), 1);
    assert_healthy(&engine).await;
    engine.close().await.unwrap();
    age(&tmp);
    open(dir.path(), &clock).await.close().await.unwrap();
    assert_eq!(files(&tmp), Vec::<PathBuf>::new());
}

#[tokio::test]
#[cfg(unix)]
async fn a_killed_extractor_leaves_the_process_and_its_task_is_retried() {
    let home = program::Home::new();
    let mark = home.path("mark");
    let extractor = script(
        &home,
        &format!(
            "[ -e '{mark}' ] && exec '{program}' \"$@\"\n: > '{mark}'\nkill -KILL $$",
            mark = mark.display(),
            program = program::jotrack().display()
        ),
    );
    let lab = Lab::with(|config| config.extractor = Some(extractor)).await;
    let job = lab.job("A", "B").await;
    let id = lab.attach(job, AttachmentKind::Resume, "cv.txt", UPLOADS[0].as_bytes()).await;

    lab.engine.run_due_tasks().await.unwrap();
    assert!(mark.exists());
    assert_eq!(state(&lab.engine, id).await, TextState::Pending);
    lab.clock.advance_ms(10_000);
    lab.engine.run_due_tasks().await.unwrap();

    assert_eq!(state(&lab.engine, id).await, TextState::Ready);
    lab.assert_healthy().await;
}

#[tokio::test]
#[cfg(unix)]
async fn an_extractor_that_is_always_killed_is_given_up() {
    let home = program::Home::new();
    let extractor = script(&home, "kill -KILL $$");
    let lab = Lab::with(|config| config.extractor = Some(extractor)).await;
    let job = lab.job("A", "B").await;
    let id = lab.attach(job, AttachmentKind::Resume, "cv.txt", UPLOADS[0].as_bytes()).await;

    let mut tries = 0;
    while state(&lab.engine, id).await == TextState::Pending {
        tries += lab.engine.run_due_tasks().await.unwrap();
        lab.clock.advance_ms(3_600_000);
    }

    assert_eq!(i64::try_from(tries).unwrap(), lab.engine.config().limits.task_attempts);
    assert_eq!(state(&lab.engine, id).await, TextState::None);
    assert_eq!(bytes_of(&lab.engine, id).await, UPLOADS[0].as_bytes());
    assert_eq!(lab.engine.run_due_tasks().await.unwrap(), 0);
}

#[tokio::test]
#[cfg(unix)]
async fn a_process_killed_while_it_reads_a_text_reads_it_after_the_lease() {
    let home = program::Home::new();
    script(&home, "kill -KILL $PPID");
    let dir = home.path("data");

    let ended = child::start("extract", &home.path("")).end().await;
    assert_eq!(ended.code, None, "{ended:?}");
    let clock = ManualClock::new(Clock::System.now());
    let engine = open(&dir, &clock).await;
    let jobs = engine.list_jobs(&JobQuery::default()).await.unwrap().items;
    let rows = engine.list_attachments(&[jobs[0].id], &AttachmentFilter::default()).await.unwrap();
    engine.run_due_tasks().await.unwrap();
    assert_eq!(state(&engine, rows[0].id).await, TextState::Pending);
    clock.advance_ms(LEASE_MS);
    engine.run_due_tasks().await.unwrap();

    assert_eq!(state(&engine, rows[0].id).await, TextState::Ready);
    assert_healthy(&engine).await;
}

/// What the killed children were told, and what was found after each kill.
#[derive(Default)]
struct Told {
    jobs: BTreeMap<JobId, Progress>,
    files: BTreeMap<AttachmentId, String>,
    /// Writes that moved the revision.
    writes: u64,
}

/// How far a job came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    notes: u32,
    applied: bool,
    trashed: bool,
    /// Its writer is dead: nothing may change any more.
    settled: bool,
}

impl Told {
    fn hear(&mut self, report: &str) {
        self.writes += 1;
        let words: Vec<&str> = report.split(' ').collect();
        let job = || self.jobs.get(&words[1].parse().unwrap());
        match words[0] {
            "entered" => {
                self.jobs.insert(words[1].parse().unwrap(), Progress::default());
            }
            "attached" => {
                self.files.insert(words[1].parse().unwrap(), words[2].to_owned());
            }
            _ => {
                assert!(job().is_some(), "{report}");
                let progress = self.jobs.get_mut(&words[1].parse().unwrap()).unwrap();
                match words[0] {
                    "noted" => progress.notes = words[2].parse().unwrap(),
                    "applied" => progress.applied = true,
                    "trashed" => progress.trashed = true,
                    other => panic!("{other}"),
                }
            }
        }
    }
}

/// Lets a child write until it was told of `acks` writes, and kills it in the middle of the next
/// ones. Returns how many it was told of by then.
async fn write_until_killed(dir: &Path, acks: u64, told: &mut Told) -> u64 {
    let before = told.writes;
    let mut child = child::start("write", dir);
    while told.writes - before < acks {
        let Some(report) = next(&mut child).await else {
            panic!("the child ended by itself: {:?}", child.end().await);
        };
        told.hear(&report);
    }
    child.kill();
    // The pipe still holds what was acknowledged before the kill came.
    while let Some(report) = next(&mut child).await {
        told.hear(&report);
    }
    let ended = child.end().await;
    assert_eq!(ended.code, None, "{ended:?}");
    told.writes - before
}

/// Opens what a kill left and compares it with what was told.
async fn verify(dir: &Path, told: &mut Told) {
    let clock = ManualClock::new(Clock::System.now().plus_ms(LEASE_MS));
    let engine = open(dir, &clock).await;
    assert_healthy(&engine).await;

    for (id, progress) in &mut told.jobs {
        let (job, notes) = engine.get_job(*id).await.unwrap();
        let found = Progress {
            notes: notes.parse().unwrap_or(0),
            applied: job.status == JobStatus::Applied,
            trashed: job.trashed_at.is_some(),
            settled: true,
        };
        assert!(
            found.notes >= progress.notes
                && found.applied >= progress.applied
                && found.trashed >= progress.trashed,
            "{id} lost an acknowledged write: {found:?}, told {progress:?}"
        );
        // The write in flight may be there too, as a whole, but only until its writer is dead.
        let more = (found.notes - progress.notes)
            + u32::from(found.applied != progress.applied)
            + u32::from(found.trashed != progress.trashed);
        let most = u32::from(!progress.settled);
        assert!(more <= most, "{id}: {found:?}, told {progress:?}");
        let history = engine.snapshot().await.unwrap().history(&[*id]).await.unwrap();
        assert_eq!(history.len(), 1 + usize::from(found.applied), "{id}");
        *progress = found;
    }
    engine.run_due_tasks().await.unwrap();
    for (id, sum) in &told.files {
        assert_eq!(&digest(&bytes_of(&engine, *id).await), sum, "{id}");
        assert_eq!(state(&engine, *id).await, TextState::Ready, "{id}");
        let texts = engine.snapshot().await.unwrap().variants_of(&[*id]).await.unwrap();
        assert_eq!(texts.iter().map(|text| text.name).collect::<Vec<_>>(), [VariantName::Raw]);
    }
    assert!(u64::try_from(engine.revision().await.unwrap()).unwrap() >= told.writes);
    assert_healthy(&engine).await;
    engine.close().await.unwrap();
}

/// A read model made anew lists the same jobs, and leftovers of killed writers go in time.
async fn verify_rebuilt(dir: &Path) {
    let clock = ManualClock::new(Clock::System.now());
    age(&dir.join("blobs/tmp"));
    let engine = open(dir, &clock).await;
    assert_eq!(files(&dir.join("blobs/tmp")), Vec::<PathBuf>::new());
    engine.remove_orphaned_files().await.unwrap();
    assert_healthy(&engine).await;

    let before = all_jobs(&engine).await;
    engine.rebuild_read_model().await.unwrap();

    assert!(!before.is_empty());
    assert_eq!(all_jobs(&engine).await, before);
    engine.close().await.unwrap();
}

async fn all_jobs(engine: &Engine) -> Vec<jotrack_core::Job> {
    let filter = JobFilter { archived: None, trashed: None, ..JobFilter::default() };
    let mut query = JobQuery { filter, page: PageRequest::first(200), ..JobQuery::default() };
    let mut jobs = Vec::new();
    loop {
        let page = engine.list_jobs(&query).await.unwrap();
        let end = page.end_cursor().filter(|_| page.has_next);
        jobs.extend(page.items);
        let Some(end) = end else { return jobs };
        query.page = PageRequest::after(200, end);
    }
}

async fn open(dir: &Path, clock: &ManualClock) -> Engine {
    Engine::open(jotrack_tests::config(dir, clock)).await.unwrap()
}

async fn assert_healthy(engine: &Engine) {
    let report = engine.check().await.unwrap();
    assert!(report.is_healthy(), "{report:?}");
}

async fn state(engine: &Engine, id: AttachmentId) -> TextState {
    engine.snapshot().await.unwrap().get_attachment(id).await.unwrap().text_state
}

async fn bytes_of(engine: &Engine, id: AttachmentId) -> Vec<u8> {
    let mut reader = engine.open_attachment(id).await.unwrap();
    let mut bytes = vec![0; usize::try_from(reader.size()).unwrap()];
    assert_eq!(reader.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// Makes every file of a folder very old.
fn age(dir: &Path) {
    for path in files(dir) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

/// Writes the extractor of a home: a shell script.
#[cfg(unix)]
fn script(home: &program::Home, body: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;

    let path = home.write("extractor", format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Numbers that a printed seed gives again: xorshift.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let given = std::env::var_os("JOTRACK_TEST_SEED").map(|seed| seed.into_string().unwrap());
        let seed = match given {
            Some(seed) => seed.parse().unwrap(),
            None => u64::from_le_bytes(random_bytes().unwrap()),
        };
        println!("JOTRACK_TEST_SEED={seed}");
        Self(seed.max(1))
    }

    /// From 1 to `most`.
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        1 + self.0 % most
    }
}
