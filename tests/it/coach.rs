//! The coach of a job.

use jotrack_core::{
    AnswerInput, AttachmentKind, CoachEvent, CoachPatch, CoachStatus, CoachStep, DiscoveryQuestion,
    ErrorCode, JobStatus, Patch, StatusChangeInput,
};
use jotrack_tests::{Lab, code, options, paths, version};

fn question(id: &str) -> DiscoveryQuestion {
    DiscoveryQuestion {
        id: id.to_owned(),
        category: "Skills".into(),
        question: "Where did you use it?".into(),
        rationale: None,
        target_skill: Some("Rust".into()),
        word_limit: Some(100),
    }
}

fn answer(id: &str, text: Option<&str>) -> AnswerInput {
    AnswerInput { question_id: id.into(), answer: text.map(str::to_owned), skipped: text.is_none() }
}

#[tokio::test]
async fn a_job_begins_with_a_coach_that_has_not_begun() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;

    let coach = lab.engine.get_coach(job).await.unwrap();

    assert_eq!((coach.status, coach.progress, coach.version), (CoachStatus::NotStarted, 0, 0));
    assert_eq!(coach.next_step, Some(CoachStep::Discovery));
    assert_eq!(coach.milestones.len(), 7);
}

#[tokio::test]
async fn the_whole_way_step_by_step() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    lab.paste(job, AttachmentKind::Resume, "The résumé for this job").await;
    let event = async |event| lab.engine.record_coach_event(job, event, &options()).await;
    let early = lab.engine.finalize_resume(job, &options()).await;
    assert_eq!(code(early), ErrorCode::StepLocked);

    event(CoachEvent::Discovery(vec![question("a"), question("b")])).await.unwrap();
    let profile = CoachEvent::ProfileAnalyzed(serde_json::json!({"skills": []}));
    assert_eq!(code(event(profile.clone()).await), ErrorCode::StepLocked);
    let answers = vec![answer("a", Some("At work")), answer("b", None)];
    let patch = CoachPatch { answers, ..CoachPatch::default() };
    lab.engine.update_coach(job, patch, &options()).await.unwrap();
    event(profile).await.unwrap();
    event(CoachEvent::ScoreRecalculated { before: 40.0, after: 60.0 }).await.unwrap();
    lab.engine.finalize_resume(job, &options()).await.unwrap();
    lab.paste(job, AttachmentKind::CoverLetter, "Dear people, I would like this.").await;
    lab.engine.apply_job(job, None, &options()).await.unwrap();

    let coach = lab.engine.get_coach(job).await.unwrap();
    let row = lab.engine.get_job(job).await.unwrap().0;
    assert_eq!((coach.progress, coach.status, coach.next_step), (100, CoachStatus::Applied, None));
    assert_eq!(
        (row.status, row.coach_status, row.coach_progress),
        (JobStatus::Applied, CoachStatus::Applied, 100)
    );
    assert_eq!(row.applied_resume_id, row.resume_attachment_id);
    assert_eq!(code(lab.engine.apply_job(job, None, &options()).await), ErrorCode::AlreadyFinished);
    assert_eq!(code(lab.engine.finalize_resume(job, &options()).await), ErrorCode::StepLocked);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn one_answer_never_changes_another() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let questions = CoachEvent::Discovery(vec![question("a"), question("b")]);
    lab.engine.record_coach_event(job, questions, &options()).await.unwrap();
    let save = async |answers| {
        let patch = CoachPatch { answers, ..CoachPatch::default() };
        lab.engine.update_coach(job, patch, &options()).await.unwrap()
    };

    save(vec![answer("a", Some("first"))]).await;
    save(vec![answer("b", Some("second"))]).await;
    let nothing = save(vec![answer("b", Some("second"))]).await;

    let items = lab.engine.get_coach(job).await.unwrap().discovery;
    let answers: Vec<_> = items.iter().map(|item| item.answer.as_deref()).collect();
    assert_eq!(answers, [Some("first"), Some("second")]);
    assert_eq!(nothing.revision, None);
}

#[tokio::test]
async fn bad_patches_name_the_field_and_write_nothing() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let questions = CoachEvent::Discovery(vec![question("a")]);
    lab.engine.record_coach_event(job, questions, &options()).await.unwrap();
    let both = AnswerInput { question_id: "a".into(), answer: Some("x".into()), skipped: true };
    let patch =
        |patch: CoachPatch| lab.engine.update_coach(job, patch, Box::leak(Box::new(options())));

    let unknown =
        patch(CoachPatch { answers: vec![answer("z", Some("x"))], ..CoachPatch::default() }).await;
    let contradicting = patch(CoachPatch { answers: vec![both], ..CoachPatch::default() }).await;
    let profile =
        patch(CoachPatch { profile: Patch::Set(serde_json::json!([1])), ..CoachPatch::default() })
            .await;
    let locked =
        patch(CoachPatch { current_step: Patch::Set(CoachStep::Peer), ..CoachPatch::default() })
            .await;

    assert_eq!(paths(unknown), ["answers.0.questionId"]);
    assert_eq!(paths(contradicting), ["answers.0"]);
    assert_eq!(paths(profile), ["profile"]);
    assert_eq!(code(locked), ErrorCode::StepLocked);
    assert_eq!(lab.engine.get_coach(job).await.unwrap().version, 1);
    let stale = lab.engine.skip_cover_letter(job, &version(7)).await;
    assert_eq!(code(stale), ErrorCode::Conflict);
}

#[tokio::test]
async fn mark_applied_moves_status_and_history() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    assert_eq!(code(lab.engine.apply_job(job, None, &options()).await), ErrorCode::AlreadyExists);
    lab.paste(job, AttachmentKind::Resume, "people apply without the wizard").await;

    lab.engine.apply_job(job, None, &options()).await.unwrap();

    assert_eq!(lab.engine.get_job(job).await.unwrap().0.status, JobStatus::Applied);
    assert_eq!(lab.engine.snapshot().await.unwrap().history(&[job]).await.unwrap().len(), 2);
    lab.engine.reopen_job(job, &options()).await.unwrap();
    let row = lab.engine.get_job(job).await.unwrap().0;
    assert_eq!((row.coach_status, row.status), (CoachStatus::NotStarted, JobStatus::Applied));
}

#[tokio::test]
async fn back_on_the_radar_the_milestone_goes() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let to = async |status| {
        lab.clock.advance_ms(1_000);
        let input = StatusChangeInput { status, at: None, note: None };
        lab.engine.set_jobs_status(&[job], input, &options()).await.unwrap();
        lab.engine.get_job(job).await.unwrap().0.coach_status
    };

    assert_eq!(to(JobStatus::Onsite).await, CoachStatus::Applied);
    assert_eq!(to(JobStatus::Rejected).await, CoachStatus::Applied);
    assert_eq!(to(JobStatus::OnRadar).await, CoachStatus::NotStarted);
    lab.assert_healthy().await;
}

#[tokio::test]
async fn an_application_sent_before_the_job_was_entered_counts() {
    let lab = Lab::new().await;
    let (by_coach, by_status) = (lab.job("A", "1").await, lab.job("A", "2").await);
    lab.paste(by_coach, AttachmentKind::Resume, "sent last week, entered today").await;
    let last_week = jotrack_tests::START.plus_ms(-7 * jotrack_core::DAY_MS);

    lab.engine.apply_job(by_coach, Some(last_week), &options()).await.unwrap();
    let input = StatusChangeInput { status: JobStatus::Applied, at: Some(last_week), note: None };
    lab.engine.set_jobs_status(&[by_status], input, &options()).await.unwrap();
    let again = lab.engine.apply_job(by_coach, Some(last_week), &options()).await;

    for job in [by_coach, by_status] {
        let row = lab.engine.get_job(job).await.unwrap().0;
        assert_eq!((row.status, row.applied_at), (JobStatus::Applied, Some(last_week)));
        assert_eq!(row.coach_status, CoachStatus::Applied);
    }
    assert_eq!(code(again), ErrorCode::AlreadyFinished);
    lab.assert_healthy().await;
}
