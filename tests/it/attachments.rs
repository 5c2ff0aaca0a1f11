//! Attachments: versions, the one active, allowances, files on the disk.

use jotrack_core::{
    AttachmentContent, AttachmentFilter, AttachmentKind, DAY_MS, Engine, ErrorCode, JobStatus,
    NewAttachment, StatusChangeInput, TextError, TextState, UploadInput, VariantName,
    VariantSource,
};
use jotrack_tests::{Lab, code, files, options, upload, version};

const TEXT: &[u8] = b"Rust and PostgreSQL, eight years, two teams led.";

async fn versions(engine: &Engine, job: jotrack_core::JobId) -> Vec<(i64, bool, bool)> {
    let filter = AttachmentFilter { kinds: vec![AttachmentKind::Resume], include_trashed: true };
    let rows = engine.list_attachments(&[job], &filter).await.unwrap();
    rows.iter().map(|row| (row.version, row.is_active, row.trashed_at.is_some())).collect()
}

#[tokio::test]
async fn a_new_version_is_the_active_one_and_the_same_bytes_write_nothing() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let first = lab.attach(job, AttachmentKind::Resume, "cv.txt", TEXT).await;

    let again = upload(&lab.engine, job, AttachmentKind::Resume, "other.txt", TEXT).await.unwrap();
    lab.attach(job, AttachmentKind::Resume, "cv.txt", b"A second version of the same paper.").await;

    assert_eq!((again.value.id, again.value.created, again.revision), (first, false, None));
    assert_eq!(versions(&lab.engine, job).await, [(2, true, false), (1, false, false)]);
}

#[tokio::test]
async fn deleting_active_promotes_next_and_restore_leaves_one_active() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let first = lab.paste(job, AttachmentKind::Resume, "The first version, with Rust.").await;
    let second = lab.paste(job, AttachmentKind::Resume, "The second version, with Go.").await;

    lab.engine.trash_attachment(second, &options()).await.unwrap();
    assert_eq!(versions(&lab.engine, job).await, [(2, false, true), (1, true, false)]);
    lab.engine.restore_attachment(second, &options()).await.unwrap();
    assert_eq!(versions(&lab.engine, job).await, [(2, false, false), (1, true, false)]);
    lab.engine.activate_attachment(second, &options()).await.unwrap();
    lab.engine.trash_attachment(first, &options()).await.unwrap();
    lab.engine.trash_attachment(second, &options()).await.unwrap();
    lab.engine.restore_attachment(first, &options()).await.unwrap();

    assert_eq!(versions(&lab.engine, job).await, [(2, false, true), (1, true, false)]);
    let refused = lab.engine.activate_attachment(second, &options()).await;
    assert_eq!(code(refused), ErrorCode::AlreadyExists);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn generated_numbers_go_on_after_a_purge() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let first = lab.paste(job, AttachmentKind::Resume, "one one one").await;
    lab.paste(job, AttachmentKind::Resume, "two two two").await;
    lab.engine.trash_attachment(first, &options()).await.unwrap();
    lab.engine.purge_attachment(first, &options()).await.unwrap();

    lab.paste(job, AttachmentKind::Resume, "three three").await;

    assert_eq!(versions(&lab.engine, job).await, [(3, true, false), (2, false, false)]);
}

#[tokio::test]
async fn purge_removes_files_that_nobody_shares() {
    let lab = Lab::new().await;
    let (one, two) = (lab.job("A", "1").await, lab.job("A", "2").await);
    let a = lab.attach(one, AttachmentKind::Jd, "jd.txt", TEXT).await;
    lab.attach(two, AttachmentKind::Jd, "jd.txt", TEXT).await;
    let blobs = lab.dir.path().join("blobs");
    assert_eq!(files(&blobs.join("sha256")).len(), 1);

    lab.engine.trash_attachment(a, &options()).await.unwrap();
    lab.engine.purge_attachment(a, &options()).await.unwrap();
    assert_eq!(files(&blobs.join("sha256")).len(), 1);
    lab.engine.trash_jobs(&[two], &options()).await.unwrap();
    lab.engine.purge_jobs(&[two], &options()).await.unwrap();

    assert_eq!(files(&blobs.join("sha256")), Vec::<std::path::PathBuf>::new());
    assert_eq!(files(&blobs.join("tmp")), Vec::<std::path::PathBuf>::new());
    assert_eq!(code(lab.engine.open_attachment(a).await), ErrorCode::NotFound);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn an_unused_upload_vanishes_with_its_file() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let input = UploadInput { filename: "cv.txt".into(), declared_bytes: Some(48) };
    let mut writer = lab.engine.start_upload(input).await.unwrap();
    writer.write(TEXT).unwrap();
    let staged = writer.finish().await.unwrap();

    lab.clock.advance_ms(DAY_MS);
    lab.engine.run_due_tasks().await.unwrap();

    assert!(files(&lab.dir.path().join("blobs/sha256")).is_empty());
    let content = AttachmentContent::Upload(staged.id);
    let new = NewAttachment {
        job_id: job,
        kind: AttachmentKind::Resume,
        filename: "cv.txt".into(),
        content,
    };
    assert_eq!(code(lab.engine.create_attachment(new, &options()).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn too_large_is_refused_by_word_and_by_bytes() {
    let lab = Lab::with(|config| config.limits.file_bytes = 10).await;
    let declared = UploadInput { filename: "a.txt".into(), declared_bytes: Some(11) };
    let silent = UploadInput { filename: "a.txt".into(), declared_bytes: None };

    assert_eq!(code(lab.engine.start_upload(declared).await), ErrorCode::TooLarge);
    let mut writer = lab.engine.start_upload(silent).await.unwrap();
    assert_eq!(code(writer.write(&[b'a'; 11])), ErrorCode::TooLarge);
    drop(writer);
    assert!(files(&lab.dir.path().join("blobs/tmp")).is_empty());
}

#[tokio::test]
async fn allowances_count_the_trash_too() {
    let lab = Lab::with(|config| config.limits.job_bytes = 100).await;
    let job = lab.job("A", "B").await;
    let first = lab.paste(job, AttachmentKind::Other, &"a".repeat(60)).await;
    lab.engine.trash_attachment(first, &options()).await.unwrap();

    let refused = upload(&lab.engine, job, AttachmentKind::Other, "b.txt", &[b'b'; 60]).await;

    assert_eq!(code(refused), ErrorCode::QuotaExceeded);
}

#[tokio::test]
async fn empty_and_foreign_files_are_refused_by_type() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;

    let empty = upload(&lab.engine, job, AttachmentKind::Other, "a.txt", b"").await;
    let html = upload(&lab.engine, job, AttachmentKind::Other, "a.html", b"<html><body>x").await;
    let program =
        upload(&lab.engine, job, AttachmentKind::Other, "a.pdf", b"\x7fELF\x02\x01\x01\0").await;

    assert_eq!(code(empty), ErrorCode::Validation);
    assert_eq!(code(html), ErrorCode::UnsupportedType);
    assert_eq!(code(program), ErrorCode::UnsupportedType);
    assert!(files(&lab.dir.path().join("blobs/sha256")).is_empty());
}

#[tokio::test]
async fn a_broken_document_gives_a_typed_error_and_loses_nothing() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let bytes = b"{\\rtf1\\ansi {\\b }";
    let scan = lab.attach(job, AttachmentKind::Resume, "scan.rtf", bytes).await;
    let pdf = lab.attach(job, AttachmentKind::Jd, "broken.pdf", b"%PDF-1.7 nothing else").await;

    lab.engine.run_due_tasks().await.unwrap();

    let snapshot = lab.engine.snapshot().await.unwrap();
    let rows = snapshot.attachments_by_id(&[scan]).await.unwrap();
    assert_eq!((rows[0].text_state, rows[0].text_error), (TextState::Empty, None));
    // This process has no extractor, so PDF stays without text instead of risking the process.
    let rows = snapshot.attachments_by_id(&[pdf]).await.unwrap();
    assert_eq!(rows[0].text_state, TextState::None);
    drop(snapshot);
    let mut reader = lab.engine.open_attachment(scan).await.unwrap();
    let mut buffer = [0; 64];
    let n = reader.read_at(0, &mut buffer).unwrap();
    assert_eq!(&buffer[..n], bytes);
    assert_eq!(reader.read_at(u64::try_from(n).unwrap(), &mut buffer).unwrap(), 0);
}

#[tokio::test]
async fn a_damaged_docx_is_corrupt() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let bytes = docx_with_a_broken_part();
    let id = lab.attach(job, AttachmentKind::Resume, "cv.docx", &bytes).await;

    lab.engine.run_due_tasks().await.unwrap();

    let rows = lab.engine.snapshot().await.unwrap().attachments_by_id(&[id]).await.unwrap();
    assert_eq!(
        (rows[0].text_state, rows[0].text_error),
        (TextState::Failed, Some(TextError::Corrupt))
    );
}

fn docx_with_a_broken_part() -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default();
    for (name, text) in
        [("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w:document><w:p>")]
    {
        zip.start_file(name, plain).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn text_by_hand_is_not_overwritten_and_feeds_the_match() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let cv = lab.attach(job, AttachmentKind::Resume, "cv.txt", TEXT).await;
    lab.engine
        .set_variant(cv, VariantName::Raw, "Ten years of Kubernetes".into(), &options())
        .await
        .unwrap();
    lab.paste(job, AttachmentKind::Jd, "Required: Kubernetes and Terraform").await;

    lab.engine.run_due_tasks().await.unwrap();

    let snapshot = lab.engine.snapshot().await.unwrap();
    let variants = snapshot.variants_of(&[cv]).await.unwrap();
    assert_eq!(
        (variants[0].text.as_str(), variants[0].source),
        ("Ten years of Kubernetes", VariantSource::Manual)
    );
    drop(snapshot);
    let skills = lab.engine.get_match(job).await.unwrap().1.unwrap();
    assert_eq!(skills.percentage, Some(50));
    let stale = lab.engine.set_variant(cv, VariantName::Raw, "x y z".into(), &version(9)).await;
    assert_eq!(code(stale), ErrorCode::Conflict);
}

#[tokio::test]
async fn analysis_uses_the_active_version() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    lab.paste(job, AttachmentKind::Jd, "Required: Rust, PostgreSQL").await;
    let good = lab.paste(job, AttachmentKind::Resume, "Rust and PostgreSQL every day").await;
    let percentage = async || lab.engine.get_match(job).await.unwrap().1.and_then(|s| s.percentage);
    assert_eq!(percentage().await, Some(100));

    let bad = lab.paste(job, AttachmentKind::Resume, "Knitting and gardening only").await;
    assert_eq!(percentage().await, Some(0));
    lab.engine.activate_attachment(good, &options()).await.unwrap();
    assert_eq!(percentage().await, Some(100));
    lab.engine.trash_attachment(good, &options()).await.unwrap();
    assert_eq!(percentage().await, Some(0));
    lab.engine.trash_attachment(bad, &options()).await.unwrap();
    assert_eq!(lab.engine.get_match(job).await.unwrap(), (None, None));
    lab.assert_healthy().await;
}

#[tokio::test]
async fn applied_version_is_locked() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let sent = lab.paste(job, AttachmentKind::Resume, "what was sent to them").await;
    let applied = StatusChangeInput { status: JobStatus::Applied, at: None, note: None };
    lab.engine.set_jobs_status(&[job], applied, &options()).await.unwrap();

    let newer = lab.paste(job, AttachmentKind::Resume, "what is newer than that").await;

    let row = lab.engine.get_job(job).await.unwrap().0;
    assert_eq!((row.applied_resume_id, row.resume_attachment_id), (Some(sent), Some(newer)));
    assert_eq!(code(lab.engine.trash_attachment(sent, &options()).await), ErrorCode::AlreadyExists);
}

#[tokio::test]
async fn any_number_of_jobs_and_kinds_is_one_statement() {
    let lab = Lab::new().await;
    let mut jobs = Vec::new();
    for n in 0..30 {
        let job = lab.job("A", &format!("{n}")).await;
        lab.paste(job, AttachmentKind::Resume, &format!("résumé number {n}")).await;
        lab.paste(job, AttachmentKind::Jd, &format!("description number {n}")).await;
        jobs.push(job);
    }
    let snapshot = lab.engine.snapshot().await.unwrap();

    let kinds = [AttachmentKind::Resume, AttachmentKind::Jd, AttachmentKind::CoverLetter];
    let found = snapshot.documents(&jobs, &kinds, VariantName::ALL).await.unwrap();

    assert_eq!((found.len(), snapshot.statements()), (60, 1));
    assert!(snapshot.documents(&[], &kinds, VariantName::ALL).await.unwrap().is_empty());
    assert_eq!(snapshot.statements(), 1);
    let too_many = vec![jobs[0]; 201];
    assert_eq!(
        code(snapshot.documents(&too_many, &kinds, VariantName::ALL).await),
        ErrorCode::Validation
    );
}

#[tokio::test]
async fn parallel_uploads_get_different_versions_and_one_is_active() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let mut running = tokio::task::JoinSet::new();
    for n in 0..12 {
        let engine = lab.engine.clone();
        running.spawn(async move {
            let bytes = format!("version number {n} of the résumé");
            upload(&engine, job, AttachmentKind::Resume, "cv.txt", bytes.as_bytes()).await.unwrap();
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }

    let rows = versions(&lab.engine, job).await;

    assert_eq!(
        rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        (1..=12).rev().collect::<Vec<_>>()
    );
    assert_eq!(rows.iter().filter(|row| row.1).count(), 1);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_refused_text_leaves_no_file_and_a_crash_leaves_one_that_is_removed() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    lab.paste(job, AttachmentKind::Other, "kept because a row knows it").await;
    let blobs = lab.dir.path().join("blobs/sha256");
    let content = AttachmentContent::Text("private words".into());
    let unknown = jotrack_core::JobId::new(jotrack_tests::START);
    let new =
        NewAttachment { job_id: unknown, kind: AttachmentKind::Jd, filename: "a".into(), content };

    let refused = lab.engine.create_attachment(new, &options()).await;
    assert_eq!(code(refused), ErrorCode::NotFound);
    assert_eq!(files(&blobs).len(), 1);
    std::fs::create_dir_all(blobs.join("ab/ab")).unwrap();
    std::fs::write(blobs.join("ab/ab").join("ab".repeat(32)), "left by a crash").unwrap();

    assert_eq!(lab.engine.remove_orphaned_files().await.unwrap(), 1);
    assert_eq!(files(&blobs).len(), 1);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn a_file_sent_again_under_one_key_is_attached_once() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let stage = async || {
        let input = UploadInput { filename: "cv.txt".into(), declared_bytes: None };
        let mut writer = lab.engine.start_upload(input).await.unwrap();
        writer.write(TEXT).unwrap();
        writer.finish().await.unwrap().id
    };
    let attach = async |upload| {
        let content = AttachmentContent::Upload(upload);
        let new = NewAttachment {
            job_id: job,
            kind: AttachmentKind::Resume,
            filename: "cv.txt".into(),
            content,
        };
        lab.engine.create_attachment(new, &jotrack_tests::key("once")).await.unwrap()
    };
    let upload = stage().await;

    let first = attach(upload).await;
    let same_upload = attach(upload).await;
    let sent_again = attach(stage().await).await;

    assert!(!first.replayed && same_upload.replayed && sent_again.replayed);
    assert_eq!(versions(&lab.engine, job).await, [(1, true, false)]);
}

#[tokio::test]
async fn a_short_plain_text_is_a_text() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let id = lab.attach(job, AttachmentKind::Jd, "jd.txt", b"Need Rust").await;

    lab.engine.run_due_tasks().await.unwrap();

    let rows = lab.engine.snapshot().await.unwrap().attachments_by_id(&[id]).await.unwrap();
    assert_eq!(rows[0].text_state, TextState::Ready);
}

#[tokio::test]
async fn a_caller_who_leaves_in_mid_write_leaves_no_reference_without_its_file() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let held = lab.hold_writes().await;
    let engine = lab.engine.clone();
    let content = AttachmentContent::Text("written while nobody waits".into());
    let new =
        NewAttachment { job_id: job, kind: AttachmentKind::Jd, filename: "a".into(), content };
    let blobs = lab.dir.path().join("blobs/sha256");
    let caller = tokio::spawn(async move { engine.create_attachment(new, &options()).await });
    while files(&blobs).is_empty() {
        tokio::task::yield_now().await;
    }
    // The file is in place; next its batch is held up.
    held.up_a_batch().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());

    let removed = lab.engine.remove_orphaned_files().await.unwrap();
    held.release().await;
    lab.job("A", "the queue is behind us").await;

    assert_eq!(removed, 0);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn files_that_wait_to_be_attached_have_an_allowance() {
    let lab = Lab::with(|config| config.limits.staged_files = 1).await;
    let job = lab.job("A", "B").await;
    let input = || UploadInput { filename: "cv.txt".into(), declared_bytes: None };
    let mut writer = lab.engine.start_upload(input()).await.unwrap();
    writer.write(TEXT).unwrap();
    let staged = writer.finish().await.unwrap();

    let refused = lab.engine.start_upload(input()).await;
    let content = AttachmentContent::Upload(staged.id);
    let new =
        NewAttachment { job_id: job, kind: AttachmentKind::Jd, filename: "a".into(), content };
    lab.engine.create_attachment(new, &options()).await.unwrap();

    assert_eq!(code(refused), ErrorCode::QuotaExceeded);
    assert!(lab.engine.start_upload(input()).await.is_ok());
}
