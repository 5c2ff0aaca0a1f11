//! The change log: pulled, followed, across engines, cut short.

use jotrack_core::{ChangeOp, DAY_MS, Engine, EntityKind, ErrorCode, JobPatch, NewJob, Patch};
use jotrack_tests::{Data, Lab, code, options};

#[tokio::test]
async fn each_mutation_is_in_the_log_with_its_own_revision() {
    let lab = Lab::new().await;
    let id = lab.job("A", "B").await;
    let patch = JobPatch { title: Patch::Set("C".into()), ..JobPatch::default() };
    lab.engine.update_job(id, patch, &options()).await.unwrap();
    lab.engine.trash_jobs(&[id], &options()).await.unwrap();
    lab.engine.purge_jobs(&[id], &options()).await.unwrap();

    let batch = lab.engine.changes_since(0, 500, &[]).await.unwrap();

    let ops: Vec<_> = batch.changes.iter().map(|change| (change.revision, change.op)).collect();
    assert_eq!(
        ops,
        [
            (1, ChangeOp::Created),
            (2, ChangeOp::Updated),
            (3, ChangeOp::Updated),
            (4, ChangeOp::Deleted)
        ]
    );
    assert_eq!((batch.revision, batch.has_more, batch.resync), (4, false, false));
}

#[tokio::test]
async fn a_pull_goes_on_where_the_last_one_ended() {
    let lab = Lab::new().await;
    for n in 0..5 {
        lab.job("A", &format!("{n}")).await;
    }

    let first = lab.engine.changes_since(0, 3, &[EntityKind::Job]).await.unwrap();
    let second = lab.engine.changes_since(first.revision, 3, &[EntityKind::Job]).await.unwrap();

    assert_eq!((first.changes.len(), first.has_more), (3, true));
    assert_eq!((second.changes.len(), second.has_more, second.revision), (2, false, 5));
    assert_eq!(code(lab.engine.changes_since(-1, 3, &[]).await), ErrorCode::Validation);
    assert_eq!(code(lab.engine.changes_since(0, 501, &[]).await), ErrorCode::Validation);
    assert!(lab.engine.changes_since(99, 3, &[]).await.unwrap().resync);
}

#[tokio::test]
async fn a_follower_sees_what_was_and_what_comes_once() {
    let lab = Lab::with(|config| config.limits.subscription_pace_ms = 0).await;
    lab.job("A", "1").await;
    let mut stream = lab.engine.subscribe(Some(0), &[]);

    let past = stream.next().await.unwrap();
    let job = lab.job("A", "2").await;
    let live = stream.next().await.unwrap();

    assert_eq!(past.changes.len(), 1);
    assert_eq!(live.changes.len(), 1);
    assert_eq!((live.changes[0].id, live.revision), (job.as_uuid(), 2));
}

#[tokio::test]
async fn a_reader_that_fell_behind_gets_one_resync() {
    let lab = Lab::with(|config| {
        config.limits.subscription_pace_ms = 0;
        config.limits.subscription_events = 3;
    })
    .await;
    let mut stream = lab.engine.subscribe(Some(0), &[]);
    for n in 0..10 {
        lab.job("A", &format!("{n}")).await;
    }

    let batch = stream.next().await.unwrap();

    assert!(batch.resync && batch.changes.is_empty());
    assert_eq!(batch.revision, 10);
}

#[tokio::test]
async fn another_process_on_the_data_is_noticed() {
    let lab = Lab::with(|config| config.storage.watch_ms = 5).await;
    let other = Engine::open(lab.config()).await.unwrap();
    let mut stream = lab.engine.subscribe(None, &[]);
    stream.start().await.unwrap();

    let id = other.create_job(NewJob::new("A", "B"), &options()).await.unwrap().value;

    assert_eq!(stream.next().await.unwrap().changes[0].id, id.as_uuid());
    other.close().await.unwrap();
}

#[tokio::test]
async fn an_old_log_is_cut_and_says_so() {
    let lab = Lab::new().await;
    lab.job("A", "1").await;
    lab.clock.advance_ms(31 * DAY_MS);
    lab.job("A", "2").await;
    lab.engine.run_due_tasks().await.unwrap();

    assert!(lab.engine.changes_since(0, 10, &[]).await.unwrap().resync);
    let rest = lab.engine.changes_since(1, 10, &[]).await.unwrap();
    assert_eq!((rest.changes.len(), rest.resync), (1, false));
}

#[tokio::test]
async fn a_follower_ends_when_the_engine_closes() {
    let data = Data::new().await;
    let engine = data.open().await;
    let mut stream = engine.subscribe(None, &[]);
    stream.start().await.unwrap();

    let (ended, closed) = tokio::join!(stream.next(), engine.close());

    closed.unwrap();
    assert_eq!(code(ended), ErrorCode::Closed);
}
