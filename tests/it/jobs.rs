//! Jobs: fields, versions, status history, trash.

use jotrack_core::{
    Config, DAY_MS, Engine, ErrorCode, JobPatch, JobQuery, JobStatus, NewJob, Patch,
    StatusChangeInput, StatusChangePatch, Timestamp,
};
use jotrack_tests::{Data, Lab, START, code, options, paths, version};

fn status(status: JobStatus, at: Option<i64>) -> StatusChangeInput {
    StatusChangeInput { status, at: at.map(Timestamp::from_ms), note: None }
}

#[tokio::test]
async fn fresh_database_lists_jobs() {
    let lab = Lab::new().await;

    assert!(lab.engine.list_jobs(&JobQuery::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn every_broken_field_of_a_new_job_is_named() {
    let lab = Lab::new().await;
    let new = NewJob {
        company: String::from(" "),
        posting_url: Some(String::from("javascript:alert(1)")),
        location: Some("x".repeat(201)),
        notes: Some(String::from("a\0b")),
        status_at: Some(Timestamp::from_ms(0)),
        ..NewJob::new("", "a\u{202E}b")
    };

    let refused = lab.engine.create_job(new, &options()).await;

    assert_eq!(paths(refused), ["company", "title", "location", "notes", "url", "statusAt"]);
    assert_eq!(lab.engine.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn absent_keeps_null_clears_and_an_equal_patch_writes_nothing() {
    let lab = Lab::new().await;
    let new =
        NewJob { location: Some("Oslo".into()), notes: Some("n".into()), ..NewJob::new("A", "B") };
    let id = lab.engine.create_job(new, &options()).await.unwrap().value;
    let patch =
        JobPatch { location: Patch::Clear, title: Patch::Set("C".into()), ..JobPatch::default() };

    let first = lab.engine.update_job(id, patch.clone(), &options()).await.unwrap();
    let second = lab.engine.update_job(id, patch, &options()).await.unwrap();

    let (job, notes) = lab.engine.get_job(id).await.unwrap();
    assert_eq!(
        (job.location, job.title.as_str(), notes.as_str(), job.version),
        (None, "C", "n", 2)
    );
    assert!(first.revision.is_some());
    assert_eq!(second.revision, None);
}

#[tokio::test]
async fn a_required_field_refuses_null() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    let patch = JobPatch {
        title: Patch::Clear,
        company: Patch::Clear,
        status: Patch::Clear,
        ..JobPatch::default()
    };

    let refused = lab.engine.update_job(id, patch, &options()).await;

    assert_eq!(paths(refused), ["company", "title", "status"]);
}

#[tokio::test]
async fn a_stale_version_is_refused_and_writes_nothing() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    let patch = |title: &str| JobPatch { title: Patch::Set(title.into()), ..JobPatch::default() };
    lab.engine.update_job(id, patch("C"), &version(1)).await.unwrap();

    let refused = lab.engine.update_job(id, patch("D"), &version(1)).await;

    assert_eq!(code(refused), ErrorCode::Conflict);
    assert_eq!(lab.engine.get_job(id).await.unwrap().0.title, "C");
}

#[tokio::test]
async fn a_foreign_id_answers_like_an_unknown_one() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    let user = lab.engine.create_user("Other").await.unwrap();
    let other = lab.engine.as_user(user).await.unwrap();
    let patch = JobPatch { title: Patch::Set("C".into()), ..JobPatch::default() };

    assert_eq!(code(other.get_job(id).await), ErrorCode::NotFound);
    assert_eq!(code(other.update_job(id, patch, &options()).await), ErrorCode::NotFound);
    assert_eq!(code(other.trash_jobs(&[id], &options()).await), ErrorCode::NotFound);
    assert!(other.list_jobs(&JobQuery::default()).await.unwrap().items.is_empty());
    assert_eq!(other.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn a_backdated_status_moves_only_what_follows_from_it() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    let day = |n: i64| START.as_ms() + n * DAY_MS;
    lab.clock.set(Timestamp::from_ms(day(20)));
    lab.engine.set_jobs_status(&[id], status(JobStatus::Onsite, None), &options()).await.unwrap();

    lab.engine
        .set_jobs_status(&[id], status(JobStatus::Applied, Some(day(5))), &options())
        .await
        .unwrap();

    let job = lab.engine.get_job(id).await.unwrap().0;
    assert_eq!(job.status, JobStatus::Onsite);
    assert_eq!(job.applied_at, Some(Timestamp::from_ms(day(5))));
    let history = lab.engine.snapshot().await.unwrap().history(&[id]).await.unwrap();
    let steps: Vec<_> = history.iter().map(|row| (row.from, row.to)).collect();
    assert_eq!(
        steps,
        [
            (None, JobStatus::OnRadar),
            (Some(JobStatus::OnRadar), JobStatus::Applied),
            (Some(JobStatus::Applied), JobStatus::Onsite)
        ]
    );
    let known: i64 = history.iter().filter_map(jotrack_core::StatusChange::duration_ms).sum();
    assert_eq!(known, day(20) - history[0].at.as_ms());
    lab.assert_healthy().await;
}

#[tokio::test]
async fn setting_the_present_status_is_no_change() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;

    let again =
        lab.engine.set_jobs_status(&[id], status(JobStatus::OnRadar, None), &options()).await;

    assert_eq!(again.unwrap().revision, None);
    assert_eq!(lab.engine.snapshot().await.unwrap().history(&[id]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_history_row_is_redated_and_deleted_but_never_the_last() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    lab.clock.advance_ms(DAY_MS);
    lab.engine.set_jobs_status(&[id], status(JobStatus::Applied, None), &options()).await.unwrap();
    let rows = lab.engine.snapshot().await.unwrap().history(&[id]).await.unwrap();
    let earlier = StatusChangePatch {
        at: Patch::Set(Timestamp::from_ms(START.as_ms() - 30 * DAY_MS)),
        note: Patch::Set("sent by post".into()),
    };

    lab.engine.update_status_change(rows[1].id, earlier, &options()).await.unwrap();
    let after = lab.engine.get_job(id).await.unwrap().0;
    lab.engine.delete_status_change(rows[1].id, &options()).await.unwrap();
    let last = lab.engine.delete_status_change(rows[0].id, &options()).await;

    assert_eq!(after.status, JobStatus::OnRadar);
    assert_eq!(after.applied_at, None);
    assert_eq!(code(last), ErrorCode::AlreadyExists);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn bulk_is_all_or_nothing_and_names_each_bad_id() {
    let lab = Lab::new().await;
    let (a, b, c) = (lab.job("A", "1").await, lab.job("A", "2").await, lab.job("A", "3").await);
    lab.engine.trash_jobs(&[b], &options()).await.unwrap();
    let before = lab.engine.revision().await.unwrap();
    let ghost = jotrack_core::JobId::new(START);

    let trashed =
        lab.engine.set_jobs_status(&[a, b, c], status(JobStatus::Offer, None), &options()).await;
    let unknown = lab.engine.archive_jobs(&[a, ghost], &options()).await;

    assert_eq!(paths(trashed), ["ids.1"]);
    assert_eq!(paths(unknown), ["ids.1"]);
    assert_eq!(lab.engine.revision().await.unwrap(), before);
    assert_eq!(paths(lab.engine.archive_jobs(&[], &options()).await), ["ids"]);
    assert_eq!(paths(lab.engine.archive_jobs(&[a; 101], &options()).await), ["ids"]);
    let twice = lab.engine.archive_jobs(&[a, a], &options()).await.unwrap();
    assert_eq!(twice.value, [a]);
}

#[tokio::test]
async fn restore_keeps_archived_and_trash_keeps_its_date() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    lab.engine.archive_jobs(&[id], &options()).await.unwrap();
    lab.engine.trash_jobs(&[id], &options()).await.unwrap();
    let date = lab.engine.get_job(id).await.unwrap().0.purge_at;
    lab.clock.advance_ms(DAY_MS);

    let again = lab.engine.trash_jobs(&[id], &options()).await.unwrap();
    assert_eq!(again.revision, None);
    assert_eq!(lab.engine.get_job(id).await.unwrap().0.purge_at, date);
    let edit = JobPatch { title: Patch::Set("C".into()), ..JobPatch::default() };
    assert_eq!(code(lab.engine.update_job(id, edit, &options()).await), ErrorCode::AlreadyExists);
    lab.engine.restore_jobs(&[id], &options()).await.unwrap();

    let job = lab.engine.get_job(id).await.unwrap().0;
    assert!(job.archived_at.is_some() && job.trashed_at.is_none() && job.purge_at.is_none());
    assert_eq!(code(lab.engine.restore_jobs(&[id], &options()).await), ErrorCode::AlreadyExists);
    assert_eq!(code(lab.engine.purge_jobs(&[id], &options()).await), ErrorCode::AlreadyExists);
}

#[tokio::test]
async fn trash_is_purged_on_its_date() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    lab.engine.trash_jobs(&[id], &options()).await.unwrap();

    lab.clock.advance_ms(5 * DAY_MS - 1);
    lab.engine.run_due_tasks().await.unwrap();
    let kept = lab.engine.get_job(id).await;
    lab.clock.advance_ms(1);
    let done = lab.engine.run_due_tasks().await.unwrap();

    assert!(kept.is_ok());
    assert_eq!(done, 1);
    assert_eq!(code(lab.engine.get_job(id).await), ErrorCode::NotFound);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn copies_get_the_first_free_title() {
    let lab = Lab::new().await;
    let id = lab.job("A", "Engineer").await;
    let first = lab.engine.duplicate_job(id, None, &options()).await.unwrap().value;
    let second = lab.engine.duplicate_job(first, None, &options()).await.unwrap().value;

    assert_eq!(lab.engine.get_job(first).await.unwrap().0.title, "Engineer (copy)");
    assert_eq!(lab.engine.get_job(second).await.unwrap().0.title, "Engineer (copy 2)");
}

#[tokio::test]
async fn the_account_has_a_limit() {
    let lab = Lab::with(|config| config.limits.jobs = 1).await;
    lab.job("A", "B").await;

    let refused = lab.engine.create_job(NewJob::new("A", "C"), &options()).await;

    assert_eq!(code(refused), ErrorCode::QuotaExceeded);
}

#[tokio::test]
async fn data_survives_a_close_and_a_second_open() {
    let data = Data::new().await;
    let engine = data.open().await;
    let id = engine.create_job(NewJob::new("A", "B"), &options()).await.unwrap().value;
    engine.close().await.unwrap();

    let again = data.open().await;

    assert_eq!(again.get_job(id).await.unwrap().0.title, "B");
    assert_eq!(code(engine.get_job(id).await), ErrorCode::Closed);
    again.close().await.unwrap();
}

#[tokio::test]
async fn two_engines_on_one_file_lose_no_write() {
    let data = Data::new().await;
    let (one, two) = (data.open().await, data.open().await);
    let write = |engine: Engine, company: &'static str| {
        tokio::spawn(async move {
            for n in 0..40 {
                engine.create_job(NewJob::new(company, format!("{n}")), &options()).await.unwrap();
            }
        })
    };

    let (a, b) = (write(one.clone(), "One"), write(two.clone(), "Two"));
    a.await.unwrap();
    b.await.unwrap();

    assert_eq!(
        one.snapshot().await.unwrap().count_jobs(&Default::default()).await.unwrap(),
        Some(80)
    );
    assert!(two.check().await.unwrap().is_healthy());
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jotrack.db");
    std::fs::write(&path, b"this is no database, but somebody's text").unwrap();

    let refused = Engine::open(Config::in_dir(dir.path())).await;

    assert_eq!(refused.unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(std::fs::read(&path).unwrap(), b"this is no database, but somebody's text");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_the_data() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new().await;
    let dir = lab.dir.path().join("data");
    let engine = Engine::open(Config::in_dir(&dir)).await.unwrap();
    engine.create_job(NewJob::new("A", "B"), &options()).await.unwrap();
    for name in ["blobs", "run"] {
        assert_eq!(
            dir.join(name).metadata().unwrap().permissions().mode() & 0o777,
            0o700,
            "{name}"
        );
    }

    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;

    assert_eq!(mode(&dir), 0o700);
    for name in ["jotrack.db", "jotrack.db-wal", "jotrack.db-shm"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    engine.close().await.unwrap();
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::in_dir(dir.path().join("data"));
    config.limits.page_local = u32::MAX;
    config.limits.idempotency_hours = i64::MAX;
    config.limits.subscription_events = 501;
    config.storage.queue = 0;

    let refused = Engine::open(config).await;

    let expected = [
        "limits.page_local",
        "limits.subscription_events",
        "limits.idempotency_hours",
        "storage.queue",
    ];
    assert_eq!(paths(refused), expected);
    assert!(!dir.path().join("data").exists());
}
