//! Idempotency keys.

use jotrack_core::{
    AttachmentContent, AttachmentKind, DAY_MS, ErrorCode, JobPatch, NewAttachment, NewJob, Patch,
};
use jotrack_tests::{Lab, code, files, key, options, paths};

#[tokio::test]
async fn the_same_key_gives_the_first_answer_again() {
    let lab = Lab::new().await;
    let new = || NewJob::new("A", "B");

    let first = lab.engine.create_job(new(), &key("k1")).await.unwrap();
    let again = lab.engine.create_job(new(), &key("k1")).await.unwrap();
    let other = lab.engine.create_job(NewJob::new("A", "C"), &key("k1")).await;

    assert_eq!((again.value, again.revision, again.replayed), (first.value, first.revision, true));
    assert_eq!(code(other), ErrorCode::IdempotencyMismatch);
    assert_eq!(lab.engine.revision().await.unwrap(), 1);
}

#[tokio::test]
async fn many_at_once_write_once() {
    let lab = Lab::new().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let engine = lab.engine.clone();
        running.spawn(async move {
            engine.create_job(NewJob::new("A", "B"), &key("same")).await.unwrap().value
        });
    }
    let ids: std::collections::HashSet<_> = running.join_all().await.into_iter().collect();

    assert_eq!(ids.len(), 1);
    assert_eq!(lab.engine.revision().await.unwrap(), 1);
}

#[tokio::test]
async fn keys_belong_to_a_user_and_a_mutation() {
    let lab = Lab::new().await;
    let job = lab.engine.create_job(NewJob::new("A", "B"), &key("k")).await.unwrap().value;
    let other = lab.engine.as_user(lab.engine.create_user("Other").await.unwrap()).await.unwrap();
    let patch = JobPatch { title: Patch::Set("C".into()), ..JobPatch::default() };

    assert!(!lab.engine.update_job(job, patch, &key("k")).await.unwrap().replayed);
    assert!(!other.create_job(NewJob::new("A", "B"), &key("k")).await.unwrap().replayed);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_a_refused_call_keeps_none() {
    let lab = Lab::new().await;
    let refused = lab.engine.create_job(NewJob::new("", "B"), &key("k")).await;
    assert_eq!(paths(refused), ["company"]);
    lab.engine.create_job(NewJob::new("A", "B"), &key("k")).await.unwrap();

    lab.clock.advance_ms(DAY_MS);
    let later = lab.engine.create_job(NewJob::new("A", "other"), &key("k")).await.unwrap();

    assert!(!later.replayed);
}

#[tokio::test]
async fn a_key_is_1_to_128_visible_ascii_characters() {
    let lab = Lab::new().await;
    for bad in ["", " ", "a b", "é", &"x".repeat(129)] {
        let refused = lab.engine.create_job(NewJob::new("A", "B"), &key(bad)).await;
        assert_eq!(paths(refused), ["idempotencyKey"], "{bad}");
    }
}

#[tokio::test]
async fn an_answer_without_a_change_is_given_again_too() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let retitle = |title: &str| JobPatch { title: Patch::Set(title.into()), ..JobPatch::default() };
    let before = lab.engine.revision().await.unwrap();

    let first = lab.engine.update_job(job, retitle("B"), &key("k")).await.unwrap();
    lab.engine.update_job(job, retitle("C"), &options()).await.unwrap();
    let again = lab.engine.update_job(job, retitle("B"), &key("k")).await.unwrap();

    assert_eq!((first.revision, again.revision, again.replayed), (None, None, true));
    assert_eq!(lab.engine.get_job(job).await.unwrap().0.title, "C");
    assert_eq!(lab.engine.revision().await.unwrap(), before + 1);
}

#[tokio::test]
async fn what_happened_since_does_not_change_the_answer_of_a_key() {
    let lab = Lab::new().await;
    let job = lab.job("A", "B").await;
    let paste = |text: &str| NewAttachment {
        job_id: job,
        kind: AttachmentKind::Resume,
        filename: "cv.txt".into(),
        content: AttachmentContent::Text(text.into()),
    };
    let engine = &lab.engine;
    let first = engine.create_attachment(paste("First"), &key("k")).await.unwrap();
    lab.paste(job, AttachmentKind::Resume, "Second").await;
    engine.trash_attachment(first.value.id, &options()).await.unwrap();
    engine.purge_attachment(first.value.id, &options()).await.unwrap();
    let kept = files(&lab.dir.path().join("blobs")).len();

    let again = engine.create_attachment(paste("First"), &key("k")).await.unwrap();
    assert_eq!((again.replayed, again.value), (true, first.value));
    assert_eq!(files(&lab.dir.path().join("blobs")).len(), kept, "the text was stored again");
    engine.trash_jobs(&[job], &options()).await.unwrap();
    engine.purge_jobs(&[job], &key("p")).await.unwrap();

    assert!(engine.purge_jobs(&[job], &key("p")).await.unwrap().replayed);
    assert_eq!(code(engine.purge_jobs(&[job], &options()).await), ErrorCode::NotFound);
    let other = engine.create_attachment(paste("Other"), &key("k")).await;
    assert_eq!(code(other), ErrorCode::IdempotencyMismatch);
}
