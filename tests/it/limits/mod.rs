//! Exact sliding windows on every database: against a naive one, with a clock that is turned, from
//! several processes, and as a client meets them.

mod face;
mod model;
mod processes;

use jotrack_core::{
    Engine, Error, Quota, RequestKind, Taken, Tier, Timestamp, UsageResource, Window,
};
use jotrack_tests::Lab;
use uuid::Uuid;

const HOUR_MS: i64 = 3_600_000;
const FREE: Window = Window { limit: Some(10), span_ms: HOUR_MS };

/// The time of the engine and of its database, turned together.
struct Time<'a>(&'a Lab);

impl<'a> Time<'a> {
    async fn of(lab: &'a Lab) -> Self {
        if let Some(database) = &lab.database {
            let ms = lab.engine.clock().now().as_ms();
            let sql = format!(
                "CREATE TABLE test_clock (ms BIGINT NOT NULL);
                 INSERT INTO test_clock VALUES ({ms});
                 CREATE OR REPLACE FUNCTION jotrack_clock_ms() RETURNS BIGINT LANGUAGE sql VOLATILE
                 AS $$ SELECT ms FROM public.test_clock $$"
            );
            database.execute(&sql).await;
        }
        Self(lab)
    }

    async fn step(&self, ms: i64) {
        self.0.clock.advance_ms(ms);
        if let Some(database) = &self.0.database {
            let now = self.now().as_ms();
            database.execute(&format!("UPDATE test_clock SET ms = {now}")).await;
        }
    }

    fn now(&self) -> Timestamp {
        self.0.engine.clock().now()
    }
}

fn id() -> Uuid {
    Uuid::from_bytes(jotrack_core::random_bytes().unwrap())
}

async fn take(quota: &Quota) -> Taken {
    quota.take(id(), None).await.unwrap()
}

async fn fill(quota: &Quota) {
    for n in 0..10 {
        let taken = take(quota).await;
        assert!(taken.is_admitted(), "call {n}");
        assert_eq!(taken.state().remaining, Some(9 - n));
    }
}

#[tokio::test]
async fn the_eleventh_call_of_an_hour_waits_until_the_first_is_an_hour_old() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", FREE).unwrap();
    let first = time.now();
    fill(&quota).await;

    time.step(HOUR_MS - 1).await;
    let denied = take(&quota).await;
    assert!(!denied.is_admitted());
    assert_eq!(denied.state().retry_after_ms, 1);
    assert_eq!(denied.state().reset_at, first.plus_ms(HOUR_MS));
    assert_eq!((denied.state().used, denied.state().remaining), (10, Some(0)));

    time.step(1).await;
    assert!(take(&quota).await.is_admitted());
    assert_eq!(quota.state().await.unwrap().used, 1);
}

#[tokio::test]
async fn a_clock_set_back_grants_nothing_and_nobody_waits_longer_than_two_windows() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", FREE).unwrap();
    fill(&quota).await;
    time.step(HOUR_MS / 2).await;

    time.step(-HOUR_MS).await;
    assert_eq!(quota.state().await.unwrap().used, 10);
    let mut waited = 0;
    while !take(&quota).await.is_admitted() {
        let state = quota.state().await.unwrap();
        assert!(state.retry_after_ms <= HOUR_MS, "{state:?}");
        time.step(60_000).await;
        waited += 60_000;
    }
    assert!((HOUR_MS / 2..=HOUR_MS).contains(&waited), "{waited}");

    time.step(-365 * 24 * HOUR_MS).await;
    let state = take(&quota).await.state();
    assert!(state.retry_after_ms <= HOUR_MS, "{state:?}");
}

#[tokio::test]
async fn a_retry_with_the_same_id_is_free_and_a_refund_gives_one_place_back_once() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", Window { limit: Some(2), span_ms: HOUR_MS }).unwrap();
    let (a, b, c) = (id(), id(), id());
    for _ in 0..3 {
        assert!(quota.take(a, None).await.unwrap().is_admitted());
    }
    assert!(quota.take(b, None).await.unwrap().is_admitted());
    assert!(!quota.take(c, None).await.unwrap().is_admitted());
    assert!(quota.take(a, None).await.unwrap().is_admitted(), "it has a place already");

    quota.refund(a).await.unwrap();
    quota.refund(a).await.unwrap();
    assert_eq!(quota.state().await.unwrap().used, 1);
    assert!(quota.take(c, None).await.unwrap().is_admitted());
    assert!(!quota.take(a, None).await.unwrap().is_admitted());
    time.step(HOUR_MS).await;
    assert_eq!(quota.state().await.unwrap().used, 0);
}

#[tokio::test]
async fn a_reservation_that_nobody_renews_gives_itself_back() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", Window { limit: Some(3), span_ms: HOUR_MS }).unwrap();
    let (crashed, slow, done) = (id(), id(), id());
    for id in [crashed, slow, done] {
        assert!(quota.take(id, Some(60_000)).await.unwrap().is_admitted());
    }
    quota.settle(done).await.unwrap();
    time.step(50_000).await;
    quota.extend(slow, 60_000).await.unwrap();
    quota.extend(done, 1).await.unwrap();

    time.step(9_999).await;
    assert_eq!(quota.state().await.unwrap().used, 3);
    time.step(1).await;
    assert_eq!(quota.state().await.unwrap().used, 2);
    assert!(take(&quota).await.is_admitted(), "the place of the crashed call is free");
    time.step(50_000).await;
    assert_eq!(quota.state().await.unwrap().used, 2, "the slow call was extended once only");
    time.step(HOUR_MS - 110_000 - 1).await;
    assert_eq!(quota.state().await.unwrap().used, 2, "a settled call keeps its time");
    time.step(1).await;
    assert_eq!(quota.state().await.unwrap().used, 1);
}

#[tokio::test]
async fn the_fourth_failure_after_output_within_a_window_is_charged() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", FREE).unwrap();
    let fail = async || {
        let id = id();
        assert!(quota.take(id, Some(60_000)).await.unwrap().is_admitted());
        quota.refund_after_output(id).await.unwrap();
        quota.refund_after_output(id).await.unwrap();
        quota.state().await.unwrap().used
    };
    for _ in 0..3 {
        assert_eq!(fail().await, 0);
        time.step(1_000).await;
    }
    assert_eq!(fail().await, 1);
    time.step(60_000).await;
    assert_eq!(quota.state().await.unwrap().used, 1, "charged, not reserved");

    time.step(HOUR_MS - 63_000).await;
    assert_eq!(fail().await, 1, "the first refund is an hour old");
    assert_eq!(fail().await, 2, "the second is not");
}

#[tokio::test]
async fn without_a_limit_calls_are_counted_and_none_is_refused() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let quota = lab.engine.quota("a", Window { limit: None, span_ms: HOUR_MS }).unwrap();
    for n in 1..=150 {
        let taken = take(&quota).await;
        assert!(taken.is_admitted());
        assert_eq!((taken.state().used, taken.state().remaining), (n, None));
    }
    time.step(HOUR_MS).await;
    assert_eq!(take(&quota).await.state().used, 1);
    let none = lab.engine.quota("b", Window { limit: Some(0), span_ms: HOUR_MS }).unwrap();
    assert_eq!(take(&none).await.state().retry_after_ms, HOUR_MS);
}

#[tokio::test]
async fn subjects_that_nobody_asks_about_are_forgotten() {
    let lab = Lab::new().await;
    let time = Time::of(&lab).await;
    let idle = lab.engine.quota("idle", FREE).unwrap();
    let busy = lab.engine.quota("busy", FREE).unwrap();
    take(&idle).await;
    time.step(24 * HOUR_MS + 1).await;
    take(&busy).await;

    lab.engine.run_due_tasks().await.unwrap();

    lab.execute(
        "DELETE FROM quota_event WHERE subject = 'host:busy';
         DELETE FROM quota_subject WHERE subject = 'host:busy'",
    )
    .await;
    // Whatever is left now was left by the sweep.
    assert_eq!(rows(&lab).await, 0);
}

async fn rows(lab: &Lab) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM quota_event) + (SELECT count(*) FROM quota_subject)";
    match &lab.database {
        Some(database) => database.connect().await.query_one(sql, &[]).await.unwrap().get(0),
        None => {
            let db = rusqlite::Connection::open(lab.dir.path().join("jotrack.db")).unwrap();
            db.query_row(sql, [], |row| row.get(0)).unwrap()
        }
    }
}

async fn ann(engine: &Engine) -> Engine {
    let user = engine.create_user("Ann Example").await.unwrap();
    engine.as_user(user).await.unwrap()
}

#[tokio::test]
async fn requests_are_limited_per_user_and_kind_and_not_for_the_local_owner() {
    for in_database in [false, true] {
        let lab = Lab::with(|config| config.requests.in_database = in_database).await;
        let time = Time::of(&lab).await;
        let (ann, bob) = (ann(&lab.engine).await, ann(&lab.engine).await);
        for (kind, limit) in [(RequestKind::Write, 10), (RequestKind::Read, 100)] {
            for n in 1..=limit {
                let state = ann.take_request(kind).await.unwrap().unwrap();
                assert_eq!((state.limit, state.used), (Some(limit), n));
            }
            time.step(1_000).await;
            match ann.take_request(kind).await {
                Err(Error::RateLimited { scope: "requests", retry_after_ms: 9_000 }) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(ann.request_state(kind).await.unwrap().used, limit);
            assert_eq!(bob.request_state(kind).await.unwrap().used, 0);
            assert!(bob.take_request(kind).await.unwrap().is_some());
            time.step(-1_000).await;
        }
        for _ in 0..200 {
            assert_eq!(lab.engine.take_request(RequestKind::Write).await.unwrap(), None);
        }
        assert_eq!(lab.engine.request_state(RequestKind::Write).await.unwrap().limit, None);
        time.step(10_000).await;
        assert!(ann.take_request(RequestKind::Write).await.is_ok());
    }
}

#[tokio::test]
async fn a_request_is_let_through_when_the_database_cannot_count_it() {
    let lab = Lab::with(|config| config.requests.in_database = true).await;
    let ann = ann(&lab.engine).await;
    lab.execute("DROP TABLE quota_event").await;

    assert_eq!(ann.take_request(RequestKind::Write).await.unwrap(), None);
    assert!(ann.quota("a", FREE).unwrap().take(id(), None).await.is_err(), "a host's own is not");
}

#[tokio::test]
async fn usage_tells_the_plan_and_every_window() {
    let lab = Lab::with(|config| config.ai.local_tier = Tier::Pro).await;
    let ann = ann(&lab.engine).await;
    ann.take_request(RequestKind::Read).await.unwrap();

    for (engine, tier, limits, reads) in [
        (&lab.engine, Tier::Pro, [None, None, Some(100)], 0),
        (&ann, Tier::Free, [Some(10), Some(100), Some(10)], 1),
    ] {
        let usage = engine.usage().await.unwrap();
        assert_eq!(usage.tier, tier);
        assert_eq!(engine.tier().await.unwrap(), tier);
        let windows = usage.windows;
        assert_eq!(
            windows.iter().map(|window| window.resource).collect::<Vec<_>>(),
            UsageResource::ALL
        );
        assert_eq!(windows.iter().map(|window| window.state.limit).collect::<Vec<_>>(), limits);
        assert_eq!(windows[1].state.used, reads);
        assert_eq!((windows[0].window_ms, windows[2].window_ms), (10_000, HOUR_MS));
    }
    let user = lab.engine.snapshot().await.unwrap().user_row().await.unwrap();
    assert_eq!(user.tier, Tier::Pro);
}
